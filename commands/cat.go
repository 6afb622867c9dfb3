package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/commands/files"
)

const (
	// shownUnits is how much text of a file one answer shows, in UTF-16 code
	// units, if the network takes that much; shownLines is its most lines.
	shownUnits = 3000
	shownLines = 80
	// tailLines is how many lines /tail shows without being told.
	tailLines = 20
	// lookSize bounds what is read of a file to show a part of it, in bytes.
	lookSize = 4 << 20
)

// pathArg is the file that a command is about.
func pathArg() bot.Arg {
	return bot.Arg{Name: "path", Kind: bot.ArgText, Path: true, Required: true, Summary: "the file"}
}

// cat declares /cat: a text file in the chat.
func cat(d Deps) bot.Command {
	return bot.Command{
		Name:     "cat",
		Group:    groupFiles,
		Summary:  "Show a text file",
		Help:     "As much as fits a message, from a line on; a button shows more. /get sends the whole file.",
		Examples: []string{"cat notes.txt", "cat --line 200 app.log"},
		Args: []bot.Arg{
			{Name: "line", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 1 << 30, Summary: "begin with this line"},
			pathArg(),
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			path := req.Call.Args.Text("path")
			p, f, info, err := opened(ctx, d, req)
			if err != nil {
				return unfiled(path, err)
			}
			defer f.Close()
			from := max(req.Call.Args.Int("line"), 1)
			body, skipped, more, err := linesFrom(f, from, roomFor(d, req))
			if err != nil {
				return unfiled(path, err)
			}
			if !isText(body) {
				return bot.Userf("%s is not text (%s). /get sends it.", oneLine(info.Name), sized(info.Size))
			}
			if len(body) == 0 {
				if info.Size == 0 {
					req.Reply.Say(said(bold(oneLine(info.Name)), " is empty."))
					return nil
				}
				return bot.Userf("%s has only %d lines.", oneLine(info.Name), skipped)
			}
			n := bytes.Count(bytes.TrimSuffix(body, []byte("\n")), []byte("\n")) + 1
			post := bot.Post{Text: []bot.Span{{Style: bot.Pre, Text: printable(body)}}}
			if more || from > 1 {
				post.Text = append(post.Text, text("\n%s, lines %d–%d", oneLine(info.Name), from, from+n-1))
			}
			if more {
				post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{{
					button("More", "cat", "path", p.Path(), "line", strconv.Itoa(from+n)),
					button("Get", "get", "paths", p.Path()),
				}}}
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// opened opens the file that the call is about.
func opened(ctx context.Context, d Deps, req bot.Request) (files.Place, *os.File, files.Info, error) {
	a, err := area(ctx, d, req)
	if err != nil {
		return files.Place{}, nil, files.Info{}, err
	}
	p, err := a.Find(req.Call.Args.Text("path"))
	if err != nil {
		return p, nil, files.Info{}, err
	}
	f, info, err := p.Open()
	return p, f, info, err
}

// roomFor is how much text of a file fits an answer, in UTF-16 code units.
func roomFor(d Deps, req bot.Request) int {
	const frame = 200 // what stands around it
	if most := d.Limits(req.Principal.Thread()).Text; most > 0 && most-frame < shownUnits {
		return max(most-frame, frame)
	}
	return shownUnits
}

// linesFrom is the lines of a file from one on that fit into so many UTF-16 code
// units, how many there are before, and whether there are more. A line that is
// too long for an answer of its own is cut.
func linesFrom(r io.Reader, from, room int) (body []byte, before int, more bool, err error) {
	in := newLines(io.LimitReader(r, lookSize))
	for before < from-1 {
		if _, err := in.next(); errors.Is(err, io.EOF) {
			return nil, before, false, nil
		} else if err != nil {
			return nil, before, false, err
		}
		before++
	}
	for n := 0; ; n++ {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return body, before, in.read >= lookSize, nil
		}
		if err != nil {
			return nil, before, false, err
		}
		units := unitsIn(line)
		if n > 0 && (units > room || n >= shownLines) {
			return body, before, true, nil
		}
		if units > room {
			line = append(firstUnits(line, room-len("…\n")), "…\n"...)
			units = unitsIn(line)
		}
		room -= units
		body = append(body, line...)
	}
}

// lines reads line by line, in bounded memory.
type lines struct {
	r    io.Reader
	data []byte
	read int
	end  error
}

func newLines(r io.Reader) *lines { return &lines{r: r} }

// next is a line with its line break; of one over 64 kB only that much at once.
func (l *lines) next() ([]byte, error) {
	const most = 64 << 10
	for {
		if i := bytes.IndexByte(l.data, '\n'); i >= 0 {
			return l.take(i + 1), nil
		}
		if len(l.data) >= most || l.end != nil && len(l.data) > 0 {
			return l.take(min(len(l.data), most)), nil
		}
		if l.end != nil {
			return nil, l.end
		}
		chunk := make([]byte, 16<<10)
		n, err := l.r.Read(chunk)
		l.data, l.read, l.end = append(l.data, chunk[:n]...), l.read+n, err
	}
}

func (l *lines) take(n int) []byte {
	line := l.data[:n:n]
	l.data = l.data[n:]
	return line
}

func unitsIn(line []byte) (n int) {
	for _, r := range string(line) {
		n += utf16.RuneLen(r)
	}
	return n
}

// firstUnits is the beginning of a line that has at most so many UTF-16 code
// units.
func firstUnits(line []byte, room int) []byte {
	for i, r := range string(line) {
		if room -= utf16.RuneLen(r); room < 0 {
			return line[:i:i]
		}
	}
	return line[:len(line):len(line)]
}

// isText reports whether bytes can be shown. Their last character may be cut.
func isText(b []byte) bool {
	for range utf8.UTFMax - 1 {
		if len(b) > 0 && !utf8.Valid(b) {
			b = b[:len(b)-1]
		}
	}
	return utf8.Valid(b) && !bytes.ContainsRune(b, 0)
}

// printable is text without what a terminal would act on.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && (r < ' ' || r == 0x7f) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(b), "�"))
}

// tail declares /tail: the end of a file, once or for as long as it grows.
func tail(d Deps) bot.Command {
	return bot.Command{
		Name:     "tail",
		Group:    groupFiles,
		Summary:  "Show the end of a text file, or follow it",
		Help:     "With -f a session follows the file as it grows, until /stop. It also goes on where a log file is replaced by a new one.",
		Examples: []string{"tail app.log", "tail -f app.log", "tail -n 100 app.log"},
		Args: []bot.Arg{
			{Name: "f", Flag: true, Kind: bot.ArgSwitch, Summary: "follow it"},
			{Name: "n", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 10000, Summary: "how many lines; 20"},
			pathArg(),
		},
		Role:   bot.User,
		Effect: bot.Changes, // it may start a session
		Run: func(ctx context.Context, req bot.Request) error {
			path := req.Call.Args.Text("path")
			p, f, info, err := opened(ctx, d, req)
			if err != nil {
				return unfiled(path, err)
			}
			defer f.Close()
			n := max(req.Call.Args.Int("n"), 0)
			if n == 0 {
				n = tailLines
			}
			if req.Call.Args.Has("f") {
				return follow(ctx, d, req, p, n)
			}
			body, err := lastLines(f, info.Size, n)
			if err != nil {
				return unfiled(path, err)
			}
			if !isText(body) {
				return bot.Userf("%s is not text (%s). /get sends it.", oneLine(info.Name), sized(info.Size))
			}
			if len(body) == 0 {
				req.Reply.Say(said(bold(oneLine(info.Name)), " is empty."))
				return nil
			}
			shown := fitEnd(printable(body), roomFor(d, req))
			req.Reply.Say(bot.Post{Text: []bot.Span{{Style: bot.Pre, Text: shown}}})
			return nil
		},
	}
}

// follow opens a session that follows the file. The path was found beneath an
// open folder; tail opens it once more by its name. Who can put a link there in
// between gains nothing: tail runs as the account that the person's programs run
// as, with no more rights than /run cat.
func follow(ctx context.Context, d Deps, req bot.Request, p files.Place, n int) error {
	return launch(ctx, d, req, program{
		argv:  []string{"tail", "-n", strconv.Itoa(n), "-F", "--", p.Path()},
		title: "tail -f " + p.Name(),
	})
}

// lastLines is the last lines of a file.
func lastLines(f *os.File, size int64, n int) ([]byte, error) {
	const most = 256 << 10
	from := max(0, size-most)
	body, err := io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return nil, fmt.Errorf("read the end: %w", err)
	}
	if from > 0 { // begin with a whole character
		for len(body) > 0 && !utf8.RuneStart(body[0]) {
			body = body[1:]
		}
	}
	end := len(bytes.TrimSuffix(body, []byte("\n")))
	for at := end; at > 0; {
		if at = bytes.LastIndexByte(body[:at], '\n'); at < 0 {
			break
		}
		if n--; n == 0 {
			return body[at+1:], nil
		}
	}
	return body, nil
}

// fitEnd is the last lines of a text that fit into so many UTF-16 code units.
func fitEnd(s string, room int) string {
	for unitsIn([]byte(s)) > room {
		_, rest, ok := strings.Cut(s, "\n")
		if !ok || rest == "" {
			runes := []rune(s)
			return "…" + string(runes[len(runes)-min(len(runes), room/2):])
		}
		s = rest
	}
	return s
}

// noSpace names the lack of room on our own disk.
func noSpace(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", bot.ErrNoSpace, err)
	}
	return err
}
