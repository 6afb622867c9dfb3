package commands

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"chapi/bot"
	"chapi/commands/files"
)

const writeCommand = "write"

// edit declares /edit: a small text goes to the chat, and comes back changed.
func edit(d Deps) bot.Command {
	return bot.Command{
		Name:    "edit",
		Group:   groupFiles,
		Summary: "Change a small text file",
		Help: "It is sent as a message. Copy it, change it, and send it as a reply to that message: you are shown what would change, and nothing is written before you say so. " +
			"The new text may also follow in the lines below /edit FILE.",
		Examples: []string{"edit notes.txt", "edit ~/projects/config.ini"},
		Args: []bot.Arg{
			pathArg(),
			{Name: "text", Kind: bot.ArgRest, Summary: "the whole new text"},
		},
		Role:   bot.User,
		Effect: bot.Reads, // it shows and asks
		Reply:  "text",
		Run: func(ctx context.Context, req bot.Request) error {
			path := req.Call.Args.Text("path")
			p, old, _, err := editable(ctx, d, req, path)
			if err != nil {
				return err
			}
			if text := req.Call.Args.Text("text"); strings.TrimSpace(text) != "" {
				return compare(req, p, old, text)
			}
			name := oneLine(p.Name())
			if d.Limits(req.Principal.Thread()).Stream {
				return bot.Userf("A terminal has no messages to reply to. /term vi %s opens an editor.", joined([]string{path}))
			}
			if len(old) == 0 {
				req.Reply.Say(said(bold(name), " is empty. Reply to this message with what is to be in it."))
				return nil
			}
			req.Reply.Say(bot.Post{Text: []bot.Span{
				bold(name), text("\n"),
				{Style: bot.Pre, Text: string(old)},
				text("\nReply to this message with the whole new text."),
			}})
			return nil
		},
	}
}

// editable is a file that may be changed here, with its content and mark.
func editable(ctx context.Context, d Deps, req bot.Request, path string) (p files.Place, content []byte, mark string, err error) {
	a, err := area(ctx, d, req)
	if err != nil {
		return p, nil, "", err
	}
	p, err = a.Find(path)
	if err != nil {
		return p, nil, "", unfiled(path, err)
	}
	f, info, err := p.Open()
	if err != nil {
		return p, nil, "", unfiled(path, err)
	}
	defer f.Close()
	if !p.Writable() {
		return p, nil, "", unfiled(path, files.ErrReadOnly)
	}
	room := roomFor(d, req)
	content, err = io.ReadAll(io.LimitReader(f, int64(4*room)+1))
	name := oneLine(info.Name)
	switch {
	case err != nil:
		return p, nil, "", unfiled(path, err)
	case !isText(content), printable(content) != strings.ReplaceAll(string(content), "\r\n", "\n") && printable(content) != string(content):
		return p, nil, "", bot.Userf("%s is not plain text. /get sends it.", name)
	case unitsIn(content) > room:
		return p, nil, "", bot.Userf("%s is too long to be edited in a message (%s). /get it, and send it back with /put.", name, sized(info.Size))
	case d.Secret(string(content)):
		return p, nil, "", bot.Userf("%s has a secret in it that is not shown in chats, so it cannot be edited here.", name)
	}
	return p, content, info.Mark, nil
}

// adapted is a new text as the file has its texts: with its kind of line breaks,
// and one at the end if it had that. Networks drop those.
func adapted(old []byte, new string) string {
	new = strings.ReplaceAll(new, "\r\n", "\n")
	new = strings.TrimPrefix(new, "\n")
	new = strings.TrimRight(new, "\n")
	if len(old) == 0 || bytes.HasSuffix(old, []byte("\n")) {
		new += "\n"
	}
	if bytes.Contains(old, []byte("\r\n")) {
		new = strings.ReplaceAll(new, "\n", "\r\n")
	}
	return new
}

// compare shows what would change, and asks.
func compare(req bot.Request, p files.Place, old []byte, new string) error {
	new = adapted(old, new)
	if new == string(old) {
		req.Reply.Say(said(bold(oneLine(p.Name())), " is like that already."))
		return nil
	}
	shown := difference(string(old), new)
	const most = 3000
	cut := ""
	if lines := strings.SplitAfter(shown, "\n"); unitsIn([]byte(shown)) > most {
		shown = ""
		for i, line := range lines {
			if unitsIn([]byte(shown+line)) > most {
				cut = fmt.Sprintf("\n… and %s that do not fit here.", counted(len(lines)-i, "more line", "more lines"))
				break
			}
			shown += line
		}
	}
	post := bot.Post{Text: []bot.Span{
		text("Write this to "), bold(oneLine(p.Name())), text("?\n"),
		{Style: bot.Pre, Text: strings.TrimRight(printable([]byte(shown)), "\n")}, text("%s", cut),
	}}
	sum := sha256.Sum256(old)
	post.Keyboard = question(req,
		button("Write", writeCommand, "path", p.Path(), "text", new, "old", hex.EncodeToString(sum[:])),
		button("Leave it", bot.DropCommand))
	req.Reply.Say(post)
	return nil
}

// write declares what the question's button does.
func write(d Deps) bot.Command {
	return bot.Command{
		Name:    writeCommand,
		Group:   groupFiles,
		Summary: "Write what a question showed",
		Role:    bot.User,
		Effect:  bot.Changes,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			if !args.Has("path") || !args.Has("old") {
				return bot.Userf("/edit FILE changes a file. For example: /edit notes.txt")
			}
			path := args.Text("path")
			p, old, mark, err := editable(ctx, d, req, path)
			if err != nil {
				return err
			}
			name := oneLine(p.Name())
			if sum := sha256.Sum256(old); hex.EncodeToString(sum[:]) != args.Text("old") {
				return unfiled(name, files.ErrChanged)
			}
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			dir, ok := p.Parent()
			if !ok {
				return unfiled(name, files.ErrKind)
			}
			content := args.Text("text")
			s, err := a.Put(ctx, dir, files.Upload{Name: p.Name(), Size: int64(len(content)), Over: mark}, strings.NewReader(content))
			if err != nil {
				return unfiled(name, err)
			}
			req.Reply.Say(said("Written: ", bold(name), text(", %s.", sized(s.Size))))
			return nil
		},
	}
}

// contextLines is how many unchanged lines stand around a change.
const contextLines = 2

// difference is what changes from one text to another, line by line: lines that
// go begin with -, new ones with +. The texts are small.
func difference(old, new string) string {
	a, b := strings.Split(strings.TrimSuffix(old, "\n"), "\n"), strings.Split(strings.TrimSuffix(new, "\n"), "\n")
	// common[i][j] is the length of the longest common subsequence of a[i:], b[j:].
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var all []string
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			all = append(all, "  "+a[i])
			i, j = i+1, j+1
		case j >= len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			all = append(all, "- "+a[i])
			i++
		default:
			all = append(all, "+ "+b[j])
			j++
		}
	}
	return nearChanges(all)
}

// nearChanges leaves out the lines that are far from any change.
func nearChanges(all []string) string {
	var out strings.Builder
	skipped := false
	for i, line := range all {
		near := false
		for k := max(0, i-contextLines); k <= min(len(all)-1, i+contextLines); k++ {
			near = near || all[k][0] != ' '
		}
		if !near {
			skipped = true
			continue
		}
		if skipped && out.Len() > 0 {
			out.WriteString("  …\n")
		}
		skipped = false
		out.WriteString(line + "\n")
	}
	return out.String()
}
