package console

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"pgregory.net/rapid"

	"chapi/bot"
)

// onGlass is a glass as the kernel drives it: a newline also returns.
type onGlass struct{ *glass }

func (g onGlass) Write(p []byte) (int, error) {
	_, err := g.glass.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n")))
	return len(p), err
}

// Whatever is printed while a line is typed: what is to be seen is the output
// and the lines entered, in order and complete, and the line being typed below.
func TestOutputAndTypingNeverGarbleEachOther(t *testing.T) {
	const rows, cols = 6, 40
	output := rapid.SampledFrom([]string{
		"x", "word ", "line\n", "two\nlines\n", "\n", "50%\r", "\x1b[31mred\x1b[0m", "漢字", "e\u0301", "tab\t",
		strings.Repeat("w", 23), strings.Repeat("w", 41) + "\n", "a\nb\nc\nd\ne\nf\ng\n", "\b",
	})
	post := rapid.SampledFrom([]string{"", "done", "exit 0\n", "a\n\nb", "\x1b[1mbold\x1b[0m", strings.Repeat("漢", 33)})
	keys := rapid.SampledFrom([]string{
		"a", "bc ", "é", "漢", "\x7f", "\r", "\x1b[D", "\x1b[C", "\x1b[A", "\x01", "\x05", "\x15", strings.Repeat("k", 50), "\xe6\xbc",
	})
	rapid.Check(t, func(t *rapid.T) {
		seen, want := newGlass(rows, cols), newGlass(rows, cols)
		s := newScreen(onGlass{seen}, true, func() int { return cols })
		model := onGlass{want}
		var at cursor // where the model's output ends
		record := func(text string) {
			model.Write([]byte(text))
			at.follow([]byte(text))
		}
		var open string // the beginning of a sequence is not printed yet
		printed := func(text string) {
			whole := open + text
			n := len(whole) - at.follow([]byte(whole))
			model.Write([]byte(whole[:n]))
			open = whole[n:]
		}
		mark := func() string {
			if at.column == 0 {
				return prompt
			}
			return ""
		}
		runs := func(text string) {
			if err := s.raw(bot.OutputRef{Session: "1"}, strings.NewReader(text)); err != nil {
				t.Fatal(err)
			}
			printed(text)
		}
		types := func(text string) {
			for _, e := range s.typed([]byte(text)) {
				record(mark() + e.text + "\n")
			}
		}
		s.open()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				runs(output.Draw(t, "output"))
			case 1:
				text := post.Draw(t, "post")
				if err := s.lines(text); err != nil {
					t.Fatal(err)
				}
				if at.begun {
					record("\n")
				}
				record(strings.TrimSuffix(text, "\n") + "\n")
			case 2:
				types(keys.Draw(t, "keys"))
			case 3: // a control sequence arrives in pieces
				runs("\x1b[3")
				types(keys.Draw(t, "keys"))
				runs("1m")
			}
			// What output left behind its cursor is where the row is drawn.
			model.Write([]byte("\x1b[J"))
			// Without room behind it, output's line is ended early.
			if cols-at.column%cols < minRoom {
				record("\n")
			}
		}
		before, after := s.editor.window(cols - at.column%cols - len(mark()) - 1)
		model.Write([]byte("\x1b7" + mark() + string(before) + string(after)))
		if back := span(after); back > 0 {
			model.Write([]byte(strings.Repeat("\b", back)))
		}
		if got, want := seen.String(), want.String(); got != want {
			t.Fatalf("got screen\n%s\nwant\n%s", got, want)
		}
	})
}

func TestOutputArrivesWhileALineIsTyped(t *testing.T) {
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 8, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, keyboard: master, glass: newGlass(8, 40)}
	d.settings = d.now()
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		p := make([]byte, 4096)
		for {
			n, err := master.Read(p)
			if err != nil {
				return
			}
			d.glass.Write(p[:n])
		}
	}()
	in := newInbox()
	c := New(Config{In: tty, Out: tty, Terminal: true, Interrupts: make(chan os.Signal)})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, in) }()

	d.sees("> |")
	d.press("upti")
	d.sees("> upti|")
	say(t, c, output(t, "one\ntwo\n"))
	d.sees("one", "two", "> upti|")
	d.press("me")
	d.sees("one", "two", "> uptime|")
	say(t, c, output(t, "thr"))
	d.sees("one", "two", "thruptime|")
	say(t, c, output(t, "ee\n"))
	d.sees("one", "two", "three", "> uptime|")
	say(t, c, output(t, "100%"))
	say(t, c, text("exit 0"))
	d.sees("one", "two", "three", "100%", "exit 0", "> uptime|")
	c.Log().Write([]byte("a log line\n"))
	d.sees("one", "two", "three", "100%", "exit 0", "a log line", "> uptime|")
	d.press("\r")
	if got := in.wait(t, 1)[0].Text; got != "uptime" {
		t.Errorf("got %q, want uptime", got)
	}
	say(t, c, output(t, strings.Repeat("w", 100)+"\n4\n"))
	d.sees("exit 0", "a log line", "> uptime", strings.Repeat("w", 40), strings.Repeat("w", 40), strings.Repeat("w", 20), "4", "> |")
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run did not return")
	}
	if d.now() != d.settings {
		t.Error("the terminal's settings are not put back")
	}
	tty.Close()
	<-looked
	master.Close()
}
