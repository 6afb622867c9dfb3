package commands

import (
	"context"
	"sync"

	"chapi/bot"
	"chapi/commands/files"
)

const (
	// albumsOpen is how many albums are remembered: their files come within
	// seconds of each other.
	albumsOpen = 64
	// albumButtons is how many files of an album have a button of their own.
	albumButtons = 8
)

// albums has the files of an album answered in one message where the network
// sends each in a message of its own, and each is a call of its own: an answer
// to the first of them grows. It is forgotten with the daemon; the rest of an
// album then has an answer of its own.
type albums struct {
	mu   sync.Mutex
	open map[albumKey]*album
}

type albumKey struct {
	thread  bot.Thread
	account bot.Account
	name    string
}

// album is one answer. What is put is put under the lock, so that the newest
// revision has all.
type album struct {
	d  Deps
	mu sync.Mutex
	// first is the call that it answers.
	first   bot.Call
	caption string
	stored  []stored
}

// join is the album that the call's file is of; nil when it came alone.
func (s *albums) join(d Deps, c bot.Call) *album {
	name := c.Args.Text(bot.AlbumArg)
	if name == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := albumKey{c.Claim.Thread, c.Claim.Account, name}
	if s.open[key] == nil {
		if len(s.open) >= albumsOpen || s.open == nil {
			s.open = map[albumKey]*album{}
		}
		s.open[key] = &album{d: d, first: c}
	}
	return s.open[key]
}

// add says that files of the album are stored.
func (al *album) add(ctx context.Context, a files.Area, caption string, all []stored) error {
	al.mu.Lock()
	defer al.mu.Unlock()
	al.stored = append(al.stored, all...)
	if caption != "" {
		al.caption = caption
	}
	// A slot beside the first call's own, whose outcome may be another.
	return al.d.Put(ctx, al.first.Beside("album", cards(al.d, a, al.stored, al.caption)))
}

// cards tells of stored files in one answer.
func cards(d Deps, a files.Area, all []stored, caption string) bot.Post {
	if len(all) == 1 {
		return card(d, a, all[0], caption)
	}
	l := listing{more: "\n… and %d more: /ls shows them"}
	l.add(text("Stored %d files", len(all)))
	remove := button("Delete all", "rm")
	var rows [][]bot.Button
	for _, s := range all {
		path := s.Place.Path()
		l.add(append([]bot.Span{text("\n")}, storedLine(a, s)...)...)
		remove.Args["paths"] = append(remove.Args["paths"], path)
		if len(rows) < albumButtons {
			rows = append(rows, []bot.Button{button(label(s.Place.Name()), "ls", "path", path)})
		}
	}
	if caption != "" {
		l.add(text("\n“%s”", clip(oneLine(caption), 200)))
	}
	post := l.post()
	post.Silent = true
	post.Keyboard = &bot.Keyboard{Rows: append([][]bot.Button{{remove}}, pairs(rows)...)}
	return post
}
