package commands

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chapi/bot"
	"chapi/commands/files"
)

// Where entries have buttons, a page of a folder is what a phone shows at once.
const (
	pageEntries  = 12
	labelLetters = 24
)

// ls declares /ls: a folder, and buttons to walk on from it.
func ls(d Deps) bot.Command {
	return bot.Command{
		Name:     "ls",
		Group:    groupFiles,
		Summary:  "List a folder that is open to you",
		Help:     "Without PATH it is the chat's folder, or if that is closed to you the list of the folders that are open. A file's button sends the file.",
		Examples: []string{"ls", "ls photos", "ls ~/projects"},
		Args: []bot.Arg{
			{Name: "page", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 9999, Summary: "which part of a long list"},
			{Name: "path", Kind: bot.ArgText, Path: true, Summary: "the folder, or a file"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			path := req.Call.Args.Text("path")
			p, err := a.Find(cmp.Or(path, "."))
			closed := path == "" && p.Path() == a.Inbox && len(a.Folders()) > 1 // the chat's own folder is
			if req.Call.Args.Has("folders") || err != nil && path == "" || closed {
				return openFolders(d, req, a)
			}
			if err == nil {
				var info files.Info
				if info, err = p.Stat(); err == nil && !info.Dir {
					req.Reply.Say(fileCard(d, a, req, p, info))
					return nil
				}
			}
			if errors.Is(err, fs.ErrNotExist) && p.IsRoot() && p.Path() == a.Inbox {
				req.Reply.Say(said("Nothing has been sent here yet. A file that you send is put into ", code(short(a, a.Inbox)), "."))
				return nil
			}
			if err == nil {
				err = folder(d, req, a, p)
			}
			return unfiled(cmp.Or(path, "the chat's folder"), err)
		},
	}
}

// openFolders lists the folders that are open to the person.
func openFolders(d Deps, req bot.Request, a files.Area) error {
	var l listing
	l.add(text("Open to you:\n"))
	var rows [][]bot.Button
	for _, p := range a.Folders() {
		how := "read"
		if p.Writable() {
			how = "read and write"
		}
		l.add(code(short(a, p.Path())), text(" – %s\n", how))
		rows = append(rows, []bot.Button{button(label(short(a, p.Path())), "ls", "path", p.Path())})
	}
	if len(rows) == 0 {
		return bot.Userf("No folder is open to the role %s. An owner opens one in the configuration: files.roots.", req.Principal.Role())
	}
	post := l.post()
	if d.Limits(req.Principal.Thread()).Buttons > 0 {
		post.Keyboard = &bot.Keyboard{Rows: rows[:min(len(rows), pageEntries)]}
	}
	req.Reply.Say(post)
	return nil
}

// sorted puts folders first, and each kind in the order of names.
func sorted(entries []files.Info) []files.Info {
	slices.SortFunc(entries, func(a, b files.Info) int {
		if a.Dir != b.Dir {
			if a.Dir {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return entries
}

// folder lists one folder, or a page of it.
func folder(d Deps, req bot.Request, a files.Area, p files.Place) error {
	entries, more, err := p.List()
	if err != nil {
		return err
	}
	all := sorted(entries)
	buttons := d.Limits(req.Principal.Thread()).Buttons > 0
	page, size := max(req.Call.Args.Int("page"), 1), len(all)
	if buttons {
		size = pageEntries
	}
	from := min((page-1)*size, len(all))
	to := min(from+size, len(all))
	l := listing{more: "… and %d more: name a folder in it, or a pattern in /get."}
	l.add(bold(short(a, p.Path())), text("\n"))
	if len(all) == 0 {
		l.add(text("It is empty."))
	}
	now := time.Now()
	var rows [][]bot.Button
	for _, e := range all[from:to] {
		l.add(text("%s\n", entryLine(e, now)))
		if b, ok := entryButton(p, e); ok {
			rows = append(rows, []bot.Button{b})
		}
	}
	if more {
		l.add(text("(only the first %d entries were looked at)", len(all)))
	}
	post := l.post()
	if buttons {
		if len(all) > size {
			post.Text = append(post.Text, text("\n%d–%d of %d", from+1, to, len(all)))
		}
		post.Keyboard = &bot.Keyboard{Rows: append(pairs(rows), walkRow(p, page, to < len(all)))}
	}
	req.Reply.Say(post)
	return nil
}

// entryLine is one entry of a folder.
func entryLine(e files.Info, now time.Time) string {
	name := clip(oneLine(strings.ToValidUTF8(e.Name, "�")), 60)
	switch {
	case e.Dir:
		return name + "/"
	case e.Link:
		return name + " (a link)"
	case !e.Regular:
		return name + " (a device or pipe)"
	}
	return name + "  " + sized(e.Size) + ", " + moment(e.Modified, now)
}

// entryButton opens a folder or sends a file. A name that is not UTF-8 cannot be
// named in a call.
func entryButton(p files.Place, e files.Info) (bot.Button, bool) {
	path := p.Join(e.Name).Path()
	switch {
	case !utf8.ValidString(e.Name):
		return bot.Button{}, false
	case e.Dir:
		return button(label(e.Name)+"/", "ls", "path", path), true
	case e.Regular:
		return button(label(e.Name), "get", "paths", path), true
	}
	return bot.Button{}, false
}

func label(name string) string { return cmp.Or(clip(oneLine(name), labelLetters), "?") }

// pairs puts two buttons into each row.
func pairs(rows [][]bot.Button) (out [][]bot.Button) {
	for chunk := range slices.Chunk(rows, 2) {
		out = append(out, slices.Concat(chunk...))
	}
	return out
}

// walkRow leads out of a folder, and on in it.
func walkRow(p files.Place, page int, more bool) []bot.Button {
	up := button("⌂ Folders", "ls", "folders", "true")
	if parent, ok := p.Parent(); ok {
		up = button("↑ Up", "ls", "path", parent.Path())
	}
	row := []bot.Button{up}
	if page > 1 {
		row = append(row, button("← Back", "ls", "path", p.Path(), "page", strconv.Itoa(page-1)))
	}
	if more {
		row = append(row, button("More →", "ls", "path", p.Path(), "page", strconv.Itoa(page+1)))
	}
	return row
}

// fileCard is a file with what can be done with it.
func fileCard(d Deps, a files.Area, req bot.Request, p files.Place, info files.Info) bot.Post {
	post := said(bold(oneLine(info.Name)), text(", %s, %s\n", sized(info.Size), moment(info.Modified, time.Now())), code(short(a, p.Path())))
	if d.Limits(req.Principal.Thread()).Buttons == 0 || !info.Regular {
		return post
	}
	row := []bot.Button{button("Get", "get", "paths", p.Path()), button("Look", "cat", "path", p.Path())}
	if r, ok := runnerOf(d.Runners, p); ok {
		row = append(row, button("Run "+r.Name, runFileCommand, "path", p.Path()))
	}
	if p.Writable() {
		row = append(row, button("Delete", "rm", "paths", p.Path()))
	}
	post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{row}}
	return post
}
