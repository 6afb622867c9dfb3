package commands

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"chapi/bot"
	"chapi/commands/files"
)

// mv declares /mv: another folder, or another name.
func mv(d Deps) bot.Command {
	return bot.Command{
		Name:     "mv",
		Group:    groupFiles,
		Summary:  "Move or rename a file or folder",
		Help:     "TO is a folder, or a new name. Nothing is overwritten. Without TO, buttons lead to the folder.",
		Examples: []string{"mv notes.txt ~/projects", "mv notes.txt todo.txt"},
		Args: []bot.Arg{
			{Name: "from", Kind: bot.ArgText, Path: true, Required: true, Summary: "the file or folder"},
			{Name: "to", Kind: bot.ArgText, Path: true, Summary: "the folder, or the new name"},
		},
		Role:    bot.User,
		Effect:  bot.Changes,
		Timeout: transferTime,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			args := req.Call.Args
			from, err := a.Find(args.Text("from"))
			if err != nil {
				return unfiled(args.Text("from"), err)
			}
			info, err := from.Stat()
			if err != nil {
				return unfiled(args.Text("from"), err)
			}
			if !args.Has("to") {
				return whereTo(d, req, a, from)
			}
			dir, as, err := destination(a, from, args.Text("to"))
			if err != nil {
				return unfiled(args.Text("to"), err)
			}
			now, err := a.Move(ctx, from, dir, as, info.Mark)
			if err != nil {
				return unfiled(args.Text("from"), err)
			}
			req.Reply.Say(said("It is ", code(short(a, now.Path())), " now."))
			return nil
		},
	}
}

// destination is the folder, and the name if a new one is meant: that is where
// nothing is, in a folder that is there.
func destination(a files.Area, from files.Place, to string) (dir files.Place, as string, err error) {
	if dir, err = a.Target(to); err != nil {
		return dir, "", err
	}
	if filepath.Base(to) == to { // a bare word: next to the file, if that may be
		if up, ok := from.Parent(); ok && up.Writable() {
			dir = up.Join(to)
		}
	}
	switch info, err := dir.Stat(); {
	case err == nil && info.Dir:
		return dir, "", nil
	case err == nil:
		return dir, "", files.ErrExists
	case !errors.Is(err, fs.ErrNotExist):
		return dir, "", err
	}
	up, ok := dir.Parent()
	if !ok {
		return dir, "", fs.ErrNotExist
	}
	if info, err := up.Stat(); err != nil || !info.Dir {
		return dir, "", fs.ErrNotExist
	}
	name := dir.Name()
	if files.Clean(name) != name {
		return dir, "", bot.Userf("%s makes a bad name; %s would do.", clip(oneLine(name), 60), files.Clean(name))
	}
	return up, name, nil
}

// whereTo asks for the folder, with buttons to walk.
func whereTo(d Deps, req bot.Request, a files.Area, from files.Place) error {
	at := req.Call.Args.Text("at")
	post := said("Where to with ", bold(oneLine(from.Name())), "? Press, or write ", code("/mv "+joined([]string{short(a, from.Path())})+" DIR"))
	var rows [][]bot.Button
	walk := func(name string, p files.Place) {
		rows = append(rows, []bot.Button{button(name, "mv", "from", from.Path(), "at", p.Path())})
	}
	last := []bot.Button{}
	if at == "" {
		for _, p := range a.Folders() {
			if p.Writable() && len(rows) < pageEntries {
				walk(label(short(a, p.Path())), p)
			}
		}
	} else {
		p, err := a.Find(at)
		if err != nil {
			return unfiled(at, err)
		}
		entries, _, err := p.List()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unfiled(at, err)
		}
		post.Text = append(post.Text, text("\nIn "), code(short(a, p.Path())))
		for _, e := range sorted(entries) {
			if e.Dir && len(rows) < pageEntries {
				walk(label(e.Name)+"/", p.Join(e.Name))
			}
		}
		last = append(last, button("Here", "mv", "from", from.Path(), "to", p.Path()))
		if parent, ok := p.Parent(); ok {
			last = append(last, button("↑ Up", "mv", "from", from.Path(), "at", parent.Path()))
		}
	}
	if d.Limits(req.Principal.Thread()).Buttons == 0 {
		return bot.Userf("Where to? /mv %s DIR", joined([]string{short(a, from.Path())}))
	}
	rows = pairs(rows)
	if len(last) > 0 {
		rows = append(rows, last)
	}
	post.Keyboard = &bot.Keyboard{Rows: rows}
	req.Reply.Say(post)
	return nil
}
