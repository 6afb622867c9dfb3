package commands

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"chapi/bot"
	"chapi/commands/files"
)

const (
	// maxSingly is how many files are sent one by one; more come as an archive.
	maxSingly = 5
	// maxSpooled bounds what is made to be sent where the network has no bound,
	// in bytes: it waits on our own disk.
	maxSpooled = 2 << 30
)

// get declares /get: files from the device to the chat.
func get(d Deps) bot.Command {
	return bot.Command{
		Name:    "get",
		Group:   groupFiles,
		Summary: "Send files from the device",
		Help: "Wildcards *, ? and [abc] are fine. A folder, or more than 5 files, come as one archive. " +
			"What is too large for the network stays where it is, and comes compressed or in parts if you want (cat joins those), a picture or clip smaller.",
		Examples: []string{"get notes.txt", "get *.log", "get --zip photos", "get --part 2 film.mkv"},
		Args: []bot.Arg{
			{Name: "zip", Flag: true, Kind: bot.ArgSwitch, Summary: "an archive as .zip instead of .tar.gz"},
			{Name: "gzip", Flag: true, Kind: bot.ArgSwitch, Summary: "the file compressed"},
			{Name: "small", Flag: true, Kind: bot.ArgSwitch, Summary: "a picture or clip in a form that fits the network"},
			{Name: "part", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 99999, Summary: "this part of a file that is too large for the network"},
			{Name: "paths", Kind: bot.ArgWords, Path: true, Required: true, Summary: "files, folders or patterns"},
		},
		Role:    bot.Viewer,
		Effect:  bot.Reads,
		Aside:   true,
		Timeout: transferTime,
		Run: func(ctx context.Context, req bot.Request) error {
			a, places, err := meantIn(ctx, d, req)
			if err != nil {
				return err
			}
			s := sending{d: d, req: req, a: a}
			if s.limit = d.Limits(req.Principal.Thread()).Upload; s.limit <= 0 || s.limit > maxSpooled {
				s.limit = maxSpooled
			}
			return s.all(ctx, places)
		},
	}
}

// meantIn is the places that a call's argument "paths" means, and the area that
// they are in.
func meantIn(ctx context.Context, d Deps, req bot.Request) (files.Area, []files.Place, error) {
	a, err := area(ctx, d, req)
	if err != nil {
		return a, nil, err
	}
	places, err := meant(a, req.Call.Args.List("paths"))
	return a, places, err
}

// meant is the places that paths and patterns stand for; at least one each.
func meant(a files.Area, paths []string) ([]files.Place, error) {
	var all []files.Place
	for _, path := range paths {
		found, err := a.Glob(path)
		if err != nil {
			return nil, unfiled(path, err)
		}
		if len(found) == 0 {
			return nil, bot.Userf("Nothing is called %s. /ls shows what there is.", clip(oneLine(path), 200))
		}
		for _, p := range found {
			if _, err := p.Stat(); err != nil {
				return nil, unfiled(path, err)
			}
		}
		all = append(all, found...)
	}
	return all, nil
}

// sending is a /get on its way.
type sending struct {
	d     Deps
	req   bot.Request
	a     files.Area
	limit int64 // bytes of one file that the network takes
}

func (s sending) all(ctx context.Context, places []files.Place) error {
	folders := false
	for _, p := range places {
		info, err := p.Stat()
		if err != nil {
			return unfiled(p.Name(), err)
		}
		folders = folders || info.Dir
	}
	args := s.req.Call.Args
	if folders || len(places) > maxSingly || args.Has("zip") {
		return s.archive(ctx, places)
	}
	for _, p := range places {
		if err := s.one(ctx, p); err != nil {
			return unfiled(p.Name(), err)
		}
	}
	return nil
}

// one sends a file as it is, compressed, or a part of it.
func (s sending) one(ctx context.Context, p files.Place) error {
	f, info, err := p.Open()
	if err != nil {
		return err
	}
	defer f.Close()
	args, name := s.req.Call.Args, oneLine(p.Name())
	switch {
	case info.Size == 0:
		s.req.Reply.Say(said(bold(name), " is empty."))
		return nil
	case args.Has("gzip"):
		return s.compressed(ctx, f, info)
	case args.Has("small") && info.Size > s.limit:
		return s.smaller(ctx, f, info)
	case args.Has("part") && (info.Size > s.limit || args.Int("part") > 1):
		return s.part(ctx, p, f, info)
	case info.Size > s.limit:
		s.req.Reply.Say(s.tooLarge(p, info))
		return nil
	}
	return s.send(ctx, name, info.Size, said(), func(w io.Writer) error {
		// What is added to it meanwhile comes the next time.
		_, err := io.Copy(w, io.LimitReader(f, info.Size))
		return err
	})
}

// send makes a copy that stays as it is until the network has it, and posts it.
// It is bounded by what the network takes: bot.ErrTooLarge.
func (s sending) send(ctx context.Context, name string, size int64, post bot.Post, fill func(io.Writer) error) error {
	copied, err := s.d.Spool.Create("")
	if err != nil {
		return fmt.Errorf("send %s: %w", name, err)
	}
	m := metered(ctx, s.req, "Preparing "+clip(name, 60), size)
	err = fill(&spooled{ctx: ctx, f: copied, m: m, left: s.limit})
	m.stop()
	if closing := copied.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(copied.Name())
		return noSpace(err)
	}
	post.Media = &bot.Media{Kind: bot.File, Name: name, Path: copied.Name(), Own: true}
	s.req.Reply.Say(post)
	return nil
}

// spooled is a bounded, counted file that ends when ctx does.
type spooled struct {
	ctx  context.Context
	f    *os.File
	m    *meter
	left int64
}

func (s *spooled) Write(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if s.left -= int64(len(p)); s.left < 0 {
		return 0, bot.ErrTooLarge
	}
	s.m.passed.Add(int64(len(p)))
	return s.f.Write(p)
}

func (s sending) compressed(ctx context.Context, f *os.File, info files.Info) error {
	name := oneLine(info.Name)
	err := s.send(ctx, name+".gz", 0, said(), func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if _, err := io.Copy(z, io.LimitReader(f, info.Size)); err != nil {
			return err
		}
		return z.Close()
	})
	if errors.Is(err, bot.ErrTooLarge) {
		return &bot.UserError{Text: fmt.Sprintf("%s is over %s compressed, too. /get --part 1 %s begins to send it in parts.", name, sized(s.limit), joined([]string{name})), Err: err}
	}
	return err
}

// smaller sends a picture or clip in a form that the network takes.
func (s sending) smaller(ctx context.Context, f *os.File, info files.Info) error {
	name := oneLine(info.Name)
	m := metered(ctx, s.req, "Making "+clip(name, 60)+" smaller", 0)
	media, err := s.d.Cameras.Smaller(ctx, f, s.limit)
	m.stop()
	if errors.Is(err, bot.ErrNoSmaller) {
		return &bot.UserError{Text: fmt.Sprintf("%s has no smaller form that fits: it is no picture or MP4 clip that I can read. /get --part 1 %s begins to send it in parts.", name, joined([]string{name})), Err: err}
	}
	if err != nil {
		return fmt.Errorf("make %s smaller: %w", name, err)
	}
	media.Name = strings.TrimSuffix(name, filepath.Ext(name)) + media.Name
	post := said(bold(name), text(", smaller than it is (%s), to fit this network", sized(info.Size)))
	post.Media = &media
	s.req.Reply.Say(post)
	return nil
}

// shrinkable are the names of pictures and clips that have a smaller form.
var shrinkable = []string{".jpg", ".jpeg", ".png", ".webp", ".mp4", ".mov", ".m4v"}

// partSize is the bytes of each part: whole megabytes, so that they are the same
// wherever the person looks.
func (s sending) partSize() int64 {
	if s.limit < 2e6 {
		return s.limit
	}
	return s.limit / 1e6 * 1e6
}

func (s sending) parts(size int64) int { return int((size + s.partSize() - 1) / s.partSize()) }

func (s sending) tooLarge(p files.Place, info files.Info) bot.Post {
	n := s.parts(info.Size)
	post := said(bold(oneLine(info.Name)), text(" has %s; this network takes %s in one file. It stays at ", sized(info.Size), sized(s.limit)),
		code(short(s.a, p.Path())), text("\nIt would be %d parts.", n))
	other := button("Compressed", "get", "paths", p.Path(), "gzip", "true")
	if slices.Contains(shrinkable, strings.ToLower(filepath.Ext(info.Name))) { // those are compressed already
		other = button("Smaller", "get", "paths", p.Path(), "small", "true")
	}
	post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{{
		button(fmt.Sprintf("Part 1 of %d", n), "get", "paths", p.Path(), "part", "1", "mark", info.Mark), other,
	}}}
	return post
}

// part sends one part of a file. The parts joined are the file, byte for byte:
// should it have changed since the first, that is said instead.
func (s sending) part(ctx context.Context, p files.Place, f *os.File, info files.Info) error {
	args := s.req.Call.Args
	number, size, name := args.Int("part"), s.partSize(), oneLine(info.Name)
	n := s.parts(info.Size)
	if mark := args.Text("mark"); mark != "" && mark != info.Mark {
		return bot.Userf("%s has changed since its first part, so they would not fit. Begin again: /get --part 1 %s", name, joined([]string{name}))
	}
	if number > n {
		return bot.Userf("%s has only %d parts.", name, n)
	}
	from := int64(number-1) * size
	post := said(text("Part %d of %d of ", number, n), bold(name))
	if number < n {
		next := strconv.Itoa(number + 1)
		post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{{button("Part "+next, "get", "paths", p.Path(), "part", next, "mark", info.Mark)}}}
	} else {
		post.Text = append(post.Text, text(". To join them: "), code(joinParts(name, n)))
	}
	return s.send(ctx, partName(name, number), min(size, info.Size-from), post, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f, from, min(size, info.Size-from)))
		return err
	})
}

func partName(name string, number int) string { return fmt.Sprintf("%s.%03d", name, number) }

// joinParts is the line that joins parts in their order.
func joinParts(name string, n int) string {
	digits := max(3, len(strconv.Itoa(n)))
	return "cat " + joined([]string{name}) + "." + strings.Repeat("[0-9]", digits) + " > " + joined([]string{name})
}
