package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"chapi/bot"
)

// Spool makes files that live as long as their post, see bot.Spool.
type Spool interface {
	Create(ext string) (*os.File, error)
}

const (
	backLines = 40 // what /back shows without a number
	maxBack   = 5000
	// findAround is how many lines /find shows before and behind a place, and
	// findMost how many places.
	findAround = 2
	findMost   = 8
	// pictureAround is findAround for a picture.
	pictureAround = 8
)

// back declares /back: what has scrolled out of a terminal.
func back(d Deps) bot.Command {
	return bot.Command{
		Name:     "back",
		Group:    groupLook,
		Summary:  "Show what has scrolled out of a terminal",
		Help:     "The last lines, 40 unless you say how many. More than a message holds come as a file.",
		Examples: []string{"back", "back 200", "back 100 12"},
		Args: []bot.Arg{
			{Name: "lines", Kind: bot.ArgInt, Min: 1, Max: maxBack, Summary: "how many lines"},
			sessionArg(),
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			s, lines, _, err := scrollback(ctx, d, req)
			if err != nil {
				return err
			}
			n := req.Call.Args.Int("lines")
			if n == 0 {
				n = backLines
			}
			return sayLines(d, req, s, "back", lines[max(len(lines)-n, 0):])
		},
	}
}

// findText declares /find: a place in what a terminal has shown.
func findText(d Deps) bot.Command {
	return bot.Command{
		Name:     "find",
		Group:    groupLook,
		Summary:  "Find text in what a terminal has shown",
		Help:     "The newest places come last, each with the lines around it. Upper and lower case are the same.",
		Examples: []string{"find error", "find --picture error", "find --session 12 not found"},
		Args: []bot.Arg{
			{Name: "picture", Flag: true, Kind: bot.ArgSwitch, Summary: "the newest place as a picture, in its colours"},
			{Name: "session", Flag: true, Kind: bot.ArgSession, Summary: "its number or name"},
			{Name: "text", Kind: bot.ArgRest, Required: true, Summary: "what to look for"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			s, lines, window, err := scrollback(ctx, d, req)
			if err != nil {
				return err
			}
			text := strings.TrimSpace(req.Call.Args.Text("text"))
			places := placesOf(lines, text)
			if len(places) == 0 {
				return bot.Userf("%q is nowhere in the %d lines that the terminal of %s keeps. /log %s has the whole output.", clip(text, 40), len(lines), s.ID, s.ID)
			}
			if req.Call.Args.Has("picture") {
				at := places[len(places)-1]
				caption := said(code(titleOf(s)), fmt.Sprintf(", line %d of %d", at+1, len(lines)))
				return sendPicture(d, req, string(s.ID)+"-find.png", caption, func(w io.Writer) error {
					return window.PictureOf(w, max(at-pictureAround, 0), at+pictureAround+1)
				})
			}
			var found []string
			for _, at := range places[max(len(places)-findMost, 0):] {
				found = append(found, fmt.Sprintf("── line %d of %d", at+1, len(lines)))
				found = append(found, lines[max(at-findAround, 0):min(at+findAround+1, len(lines))]...)
			}
			if more := len(places) - findMost; more > 0 {
				found = append([]string{fmt.Sprintf("(%d earlier places are not shown)", more)}, found...)
			}
			return sayLines(d, req, s, "find", found)
		},
	}
}

// placesOf is the lines that have the text in them, whatever its case.
func placesOf(lines []string, text string) []int {
	text = strings.ToLower(text)
	var places []int
	for i, line := range lines {
		if strings.Contains(strings.ToLower(line), text) {
			places = append(places, i)
		}
	}
	return places
}

// copyOutput declares /copy: the output of the last command in a shell.
func copyOutput(d Deps) bot.Command {
	return bot.Command{
		Name:     "copy",
		Group:    groupLook,
		Summary:  "Send the output of a shell's last command as a file",
		Help:     "That takes a shell which marks its prompts (OSC 133), as many can: with other shells it is all that the terminal keeps.",
		Examples: []string{"copy", "copy 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			s, lines, window, err := scrollback(ctx, d, req)
			if err != nil {
				return err
			}
			facts := window.Facts()
			note := "The shell does not mark its commands: these are all the lines that its terminal keeps."
			if facts.Command.Len() > 0 {
				lines, note = lines[facts.Command.From:facts.Command.To], ""
			}
			return sendLines(d, req, s, "copy", note, lines)
		},
	}
}

// scrollback is what the terminal of the call's session keeps, without blank
// lines at the end, and its window.
func scrollback(ctx context.Context, d Deps, req bot.Request) (s bot.Session, lines []string, window bot.Window, err error) {
	if s, err = find(ctx, d, req); err != nil {
		return s, nil, nil, err
	}
	if window, err = d.Terminals.Window(ctx, req.Principal, s.ID); err != nil {
		return s, nil, nil, err
	}
	lines = window.Lines()
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return s, nil, nil, bot.Userf("The terminal of session %s shows nothing so far.", s.ID)
	}
	return s, lines, window, nil
}

// sayLines answers with lines: in a message if they fit one.
func sayLines(d Deps, req bot.Request, s bot.Session, name string, lines []string) error {
	text := strings.Join(lines, "\n")
	if utf16Len(text) > maxAnswer-200 {
		return sendLines(d, req, s, name, "", lines)
	}
	req.Reply.Say(bot.Post{Text: []bot.Span{{Style: bot.Bold, Text: titleOf(s)}, {Text: "\n"}, {Style: bot.Pre, Text: text}}})
	return nil
}

// sendLines answers with lines as a file.
func sendLines(d Deps, req bot.Request, s bot.Session, name, note string, lines []string) error {
	post := bot.Plainf("%s", note)
	if note == "" {
		post = said(code(titleOf(s)), fmt.Sprintf(", %d lines", len(lines)))
	}
	return sendMade(d, req, bot.Media{Name: fmt.Sprintf("%s-%s.txt", s.ID, name)}, post, func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
		return err
	})
}

// sendPicture answers with a picture that draw makes.
func sendPicture(d Deps, req bot.Request, name string, caption bot.Post, draw func(io.Writer) error) error {
	return sendMade(d, req, bot.Media{Kind: bot.Picture, Name: name}, caption, draw)
}

// sendMade answers with a file that is made for this answer alone.
func sendMade(d Deps, req bot.Request, m bot.Media, caption bot.Post, content func(io.Writer) error) error {
	f, err := d.Spool.Create("")
	if err != nil {
		return err
	}
	err = content(f)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("make %s: %w", m.Name, err)
	}
	m.Path, m.Own = f.Name(), true
	caption.Media = &m
	req.Reply.Say(caption)
	return nil
}
