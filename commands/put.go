package commands

import (
	"context"
	"errors"
	"fmt"

	"chapi/bot"
	"chapi/commands/files"
)

// ErrNoFetch: the network has no files to fetch.
var ErrNoFetch = errors.New("the network brings no files")

// maxAttachments is how many files of one message are put away.
const maxAttachments = 20

// put declares /put: files from the chat to the device. A file without a caption
// is put away by it too.
func put(d Deps) bot.Command {
	var together albums
	return bot.Command{
		Name:    bot.PutCommand,
		Group:   groupFiles,
		Summary: "Store the file that you send with it, or reply to",
		Help: "A file that you send without a word goes to this chat's folder in the inbox; with /put DIR under it, to that folder, which is made if need be. " +
			"Nothing is ever overwritten, unpacked or made executable: a second notes.txt becomes notes-2.txt.",
		Examples: []string{"put", "put photos/2026", "put ~/projects"},
		Args:     []bot.Arg{{Name: "dir", Kind: bot.ArgText, Path: true, Summary: "the folder; none: this chat's in the inbox"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Aside:    true,
		Files:    true,
		Timeout:  transferTime,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			attached, err := filesOf(ctx, d, req)
			if err != nil {
				return err
			}
			if len(attached) == 0 {
				return noFile(d, a, req)
			}
			caption, al := req.Call.Args.Text("caption"), together.join(d, req.Call)
			stored, err := receive(ctx, d, req, a, req.Call.Args.Text("dir"), attached)
			switch {
			case len(stored) == 0:
			case al != nil:
				err = errors.Join(err, al.add(ctx, a, caption, stored))
			default:
				req.Reply.Say(cards(d, a, stored, caption))
			}
			return err
		},
	}
}

// noFile says how a file gets here.
func noFile(d Deps, a files.Area, req bot.Request) error {
	if d.Limits(req.Principal.Thread()).Stream {
		return bot.Userf("A terminal brings no files: copy them to %s, or get one with /fetch URL.", short(a, a.Inbox))
	}
	return bot.Userf("There is no file. Send one with /put DIR as its caption, or reply to one with /put DIR.")
}

// filesOf is the files of the call's message, or of the one that it answers.
func filesOf(ctx context.Context, d Deps, req bot.Request) ([]bot.Attachment, error) {
	if len(req.Call.Files) > 0 || req.Call.ReplyTo == "" {
		return req.Call.Files, nil
	}
	room := req.Principal.Thread().Room()
	asked, err := d.Calls.Calls(ctx, bot.CallFilter{Room: room, Message: req.Call.ReplyTo, Limit: 2})
	if err != nil {
		return nil, fmt.Errorf("read what came with message %s: %w", req.Call.ReplyTo, err)
	}
	for _, c := range asked {
		if len(c.Files) > 0 {
			return c.Files, nil
		}
	}
	// It may be our own word on a file.
	id, err := d.Calls.Answered(ctx, room, req.Call.ReplyTo)
	if err == nil {
		var c bot.Call
		if c, err = d.Calls.Call(ctx, id); err == nil {
			return c.Files, nil
		}
	}
	if errors.Is(err, bot.ErrNotFound) {
		return nil, nil
	}
	return nil, err
}

// stored is a file that was received, and what its sender called it.
type stored struct {
	files.Stored
	called string
}

// receive stores attachments, one after the other. Those that are stored are
// returned also when a later one is not.
func receive(ctx context.Context, d Deps, req bot.Request, a files.Area, dir string, attached []bot.Attachment) (all []stored, err error) {
	if len(attached) > maxAttachments {
		return nil, bot.Userf("These are %d files; send at most %d in a message.", len(attached), maxAttachments)
	}
	to, err := a.Target(dir)
	if err != nil {
		return nil, unfiled(dir, err)
	}
	for _, f := range attached {
		one, err := receiveOne(ctx, d, req, a, to, f)
		if err != nil {
			return all, unfiled(f.Name, err)
		}
		all = append(all, stored{one, f.Name})
	}
	return all, nil
}

func receiveOne(ctx context.Context, d Deps, req bot.Request, a files.Area, to files.Place, f bot.Attachment) (files.Stored, error) {
	if most := d.Files.Largest; most > 0 && f.Size > most {
		return files.Stored{}, bot.Userf("%s has %s; a file may have %s here (files.max_upload).", clip(oneLine(f.Name), 100), sized(f.Size), sized(most))
	}
	content, size, err := d.Fetch(ctx, req.Principal.Thread().Adapter, f.Ref)
	switch {
	case errors.Is(err, ErrNoFetch):
		return files.Stored{}, bot.Userf("This network does not hand its files to me. /fetch URL gets one from the web.")
	case errors.Is(err, bot.ErrTooLarge):
		return files.Stored{}, bot.Userf("%s has %s, which is more than this network hands out to me. Send it in parts, or put it where /fetch can get it.", clip(oneLine(f.Name), 100), sized(f.Size))
	case err != nil:
		return files.Stored{}, &bot.UserError{Text: clip(oneLine(f.Name), 100) + " could not be fetched from the network. Reply to it with /put to try again.", Err: err}
	}
	defer content.Close()
	size = max(size, f.Size)
	m := metered(ctx, req, "Storing "+clip(oneLine(f.Name), 60), size)
	defer m.stop()
	return a.Put(ctx, to, files.Upload{Name: f.Name, Size: size}, m.reader(content))
}

// card tells of a stored file, and what can be done with it.
func card(d Deps, a files.Area, s stored, caption string) bot.Post {
	path := s.Place.Path()
	var l listing
	l.add(append([]bot.Span{text("Stored ")}, storedLine(a, s)...)...)
	if caption != "" {
		l.add(text("\n“%s”", clip(oneLine(caption), 200)))
	}
	var row []bot.Button
	if r, ok := runnerOf(d.Runners, s.Place); ok {
		row = append(row, button("Run "+r.Name, runFileCommand, "path", path))
	}
	row = append(row, button("Move", "mv", "from", path), button("Delete", "rm", "paths", path))
	post := l.post()
	post.Silent = true
	post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{row}}
	return post
}

// storedLine is a stored file's name, size, place and sum.
func storedLine(a files.Area, s stored) []bot.Span {
	spans := []bot.Span{bold(oneLine(s.Place.Name())), text(", %s", sized(s.Size))}
	if s.called != "" && s.called != s.Place.Name() {
		spans = append(spans, text(" (sent as %s)", clip(oneLine(s.called), 60)))
	}
	return append(spans, text("\n"), code(short(a, s.Place.Path())), text("\nSHA-256 "), code(s.SHA256))
}
