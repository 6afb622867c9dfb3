package commands

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"chapi/bot"
)

// fakeTerminals has one window for all sessions and records what it was asked
// in a line each.
type fakeTerminals struct {
	*fakeSessions
	window fakeWindow
}

// fakeWindow is a bot.Window with the given lines and facts.
type fakeWindow struct {
	lines []string
	facts bot.WindowFacts
}

func (f fakeWindow) Facts() bot.WindowFacts { return f.facts }
func (f fakeWindow) Text(bot.PageSize, int) (plain, coloured string) {
	return strings.Join(f.lines, "\n"), ""
}
func (f fakeWindow) Lines() []string                       { return slices.Clone(f.lines) }
func (f fakeWindow) PictureOf(w io.Writer, _, _ int) error { return f.Picture(w) }
func (f fakeWindow) Picture(w io.Writer) error {
	return png.Encode(w, image.NewGray(image.Rect(0, 0, 2, 2)))
}

func (f *fakeTerminals) Window(context.Context, bot.Principal, bot.SessionID) (bot.Window, error) {
	return f.window, f.err
}

func (f *fakeTerminals) Show(_ context.Context, _ bot.Principal, id bot.SessionID, view bot.ViewKind) error {
	return f.note("%s shown as %q", id, view)
}

func (f *fakeTerminals) Pan(_ context.Context, _ bot.Principal, id bot.SessionID, steps int) error {
	return f.note("%s pan %d", id, steps)
}

func (f *fakeTerminals) Keypage(_ context.Context, _ bot.Principal, id bot.SessionID, page string) error {
	return f.note("%s keys %s", id, page)
}

func (f *fakeTerminals) Give(_ context.Context, _ bot.Principal, id bot.SessionID, person string) error {
	return f.note("%s given to %s", id, person)
}

func (f *fakeTerminals) Holder(_ context.Context, s bot.Session) string { return s.Person }

func (f *fakeTerminals) AskPrivately(_ context.Context, _ bot.Principal, id bot.SessionID) error {
	return f.note("%s asks in private", id)
}

func (f *fakeTerminals) MayType(_ context.Context, _ bot.Principal, id bot.SessionID) error {
	return f.note("%s may type", id)
}

func (f *fakeTerminals) Erase(_ context.Context, c bot.Call) error {
	return f.note("erased %s", c.Message)
}

// terminal is a world with the session 12, whose terminal shows the lines.
func terminal(t *testing.T, facts bot.WindowFacts, lines ...string) *world {
	w := newWorld(t)
	w.sessions.known["12"] = bot.Session{ID: "12", Title: "vim notes", PTY: true}
	w.terminals.window = fakeWindow{lines: lines, facts: facts}
	return w
}

// about runs a line as a reply to the session 12.
func (w *world) about(line string) string {
	w.t.Helper()
	if err := w.try(line, "12"); err != nil {
		w.t.Fatalf("/%s: %v", line, err)
	}
	return w.reply.text()
}

// file is the content of the file that was answered with.
func (w *world) file() []byte {
	w.t.Helper()
	if len(w.reply.posts) != 1 || w.reply.posts[0].Media == nil || !w.reply.posts[0].Media.Own {
		w.t.Fatalf("the answer is no file made for it: %+v", w.reply.posts)
	}
	content, err := os.ReadFile(w.reply.posts[0].Media.Path)
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

func TestHowATerminalIsShownIsChosen(t *testing.T) {
	w := terminal(t, bot.WindowFacts{})
	for line, want := range map[string]string{
		"view picture":      `12 shown as "picture"`,
		"view auto 12":      `12 shown as ""`,
		"view --pan left":   "12 pan -1",
		"view --pan right":  "12 pan 1",
		"view --keys f":     "12 keys f",
		"give ANN":          "12 given to Ann",
		"take":              "12 given to Ann",
		"secret":            "12 asks in private",
		"resize phone 12":   "12 resize 60x24",
		"resize 100x30 12":  "12 resize 100x30",
		"type :wq":          `12 input ":wq"`,
		"key esc : w q":     `12 input "\x1b:wq"`,
		"key up":            `12 input "\x1b[A"`,
		"view --keys main":  "12 keys main",
		"view text":         `12 shown as "text"`,
		"view lines":        `12 shown as "lines"`,
		"resize desk":       "12 resize 120x40",
		"resize tablet  12": "12 resize 80x30",
	} {
		w.people = []bot.Person{{Name: "Ann", Role: bot.Owner}}
		w.sessions.log = nil
		w.about(line)
		if !slices.Contains(w.sessions.log, want) {
			t.Errorf("/%s did %q, want %q", line, w.sessions.log, want)
		}
	}
	if w.refused("give eve"); len(w.people) != 1 {
		t.Error("a keyboard was given to somebody who is not listed")
	}
}

func TestTheSizeOfAWindowIsRememberedPerPersonAndNetwork(t *testing.T) {
	w := terminal(t, bot.WindowFacts{})
	w.about("resize desk")
	if size := w.opened("term").Spec.Size; size != (bot.Size{Cols: 120, Rows: 40}) {
		t.Errorf("the next terminal has %v", size)
	}
	if size := w.opened("term --cols 50").Spec.Size; size.Cols != 50 {
		t.Errorf("a terminal that was given a width has %v", size)
	}
	w.thread.Adapter = "net" // the account is the same in every chat of a network
	w.thread.Chat = "-200"
	if size := w.opened("term").Spec.Size; size.Cols != 120 {
		t.Errorf("in another chat it has %v", size)
	}
}

func TestWhatScrolledAwayIsShownOrSent(t *testing.T) {
	var lines []string
	for range 300 {
		lines = append(lines, strings.Repeat("x", 20))
	}
	lines = append(lines, "the last line", "", "")
	w := terminal(t, bot.WindowFacts{}, lines...)
	if got := w.about("back 3"); !strings.HasSuffix(got, "xxxx\nthe last line") || strings.Count(got, "\n") != 3 {
		t.Errorf("/back 3 shows %q", got)
	}
	w.about("back 300")
	if got := bytes.Count(w.file(), []byte("\n")); got != 300 {
		t.Errorf("/back 300 sends %d lines", got)
	}
}

func TestTextIsFoundWithTheLinesAroundIt(t *testing.T) {
	w := terminal(t, bot.WindowFacts{}, "one", "two", "an Error here", "four", "five", "six")
	if got := w.about("find error"); !strings.Contains(got, "── line 3 of 6\none\ntwo\nan Error here\nfour\nfive") || strings.Contains(got, "six") {
		t.Errorf("/find shows %q", got)
	}
	if err := w.try("find nowhere", "12"); err == nil || !strings.Contains(err.Error(), "/log 12") {
		t.Errorf("what is not there: %v", err)
	}
}

func TestTheLastCommandsOutputIsCopied(t *testing.T) {
	lines := []string{"$ ls", "a", "b", "$"}
	w := terminal(t, bot.WindowFacts{Command: bot.Range{From: 1, To: 3}}, lines...)
	w.about("copy")
	if got := string(w.file()); got != "a\nb\n" {
		t.Errorf("copied %q", got)
	}
	w.terminals.window.facts = bot.WindowFacts{}
	if answer := w.about("copy"); !strings.Contains(answer, "does not mark") {
		t.Errorf("without marks: %q", answer)
	}
}

func TestAPictureOfATerminalIsSent(t *testing.T) {
	w := terminal(t, bot.WindowFacts{}, "x")
	w.about("shot")
	if _, err := png.Decode(bytes.NewReader(w.file())); err != nil {
		t.Error(err)
	}
}

func TestASecretsMessageIsErasedBeforeItIsTyped(t *testing.T) {
	w := terminal(t, bot.WindowFacts{})
	c, _ := w.args.Command(bot.InputCommand)
	w.reply = &replies{}
	err := c.Run(t.Context(), bot.Request{
		Call:      bot.Call{ID: 100, Args: bot.Args{"text": {"(a secret)"}, "secret": {"shown"}}, Session: "12", Message: "55"},
		Principal: w.principal(), Reply: w.reply,
	})
	if err != nil || len(w.sessions.log) != 2 || w.sessions.log[0] != "erased 55" {
		t.Errorf("did %q, %v", w.sessions.log, err)
	}
}
