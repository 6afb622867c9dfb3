package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"chapi/bot"
)

func TestMain(m *testing.M) {
	if os.Getenv("CHAPI_TEST_CONSOLE") != "" {
		runChild()
		return
	}
	goleak.VerifyTestMain(m)
}

// inbox keeps what it accepts.
type inbox struct {
	mu       sync.Mutex
	messages []bot.Message
	refusals int // how many batches to refuse first
	notice   string
	arrived  chan struct{}
}

func newInbox() *inbox { return &inbox{arrived: make(chan struct{}, 1)} }

func (in *inbox) Accept(_ context.Context, b bot.Batch) ([]bot.Ack, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.refusals > 0 {
		in.refusals--
		return nil, bot.ErrNoSpace
	}
	var acks []bot.Ack
	for _, m := range b.Messages {
		in.messages = append(in.messages, m)
		acks = append(acks, bot.Ack{Taken: true, Notice: in.notice})
	}
	select {
	case in.arrived <- struct{}{}:
	default:
	}
	return acks, nil
}

func (in *inbox) Cursor(context.Context, string) (string, error) { return "", nil }

// wait returns the messages once there are n.
func (in *inbox) wait(t *testing.T, n int) []bot.Message {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		in.mu.Lock()
		got := append([]bot.Message(nil), in.messages...)
		in.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-in.arrived:
		case <-deadline:
			t.Fatalf("got %d messages in time, want %d", len(got), n)
		}
	}
}

// buffer is an output that may be read while it is written.
type buffer struct {
	mu  sync.Mutex
	b   bytes.Buffer
	err error
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// script is a console whose input is a pipe.
type script struct {
	*Console
	t      *testing.T
	in     *inbox
	out    *buffer
	typist *os.File
	ended  chan struct{} // closed at OnEOF
	quit   chan struct{} // closed at OnQuit
	cancel context.CancelFunc
	done   chan error // Run's result
}

func startScript(t *testing.T, change func(*Config, *inbox, *buffer)) *script {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := &script{
		t: t, in: newInbox(), out: &buffer{}, typist: w,
		ended: make(chan struct{}), quit: make(chan struct{}), done: make(chan error, 1),
	}
	cfg := Config{
		In: r, Out: s.out, User: "pi",
		OnEOF:  func() { close(s.ended) },
		OnQuit: func() { close(s.quit) },
	}
	if change != nil {
		change(&cfg, s.in, s.out)
	}
	s.Console = New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	go func() { s.done <- s.Run(ctx, s.in) }()
	t.Cleanup(func() {
		s.stop()
		w.Close()
		r.Close()
	})
	return s
}

// stop ends Run, which has to return soon and without an error.
func (s *script) stop() {
	s.t.Helper()
	if s.done == nil {
		return
	}
	s.cancel()
	select {
	case err := <-s.done:
		if err != nil {
			s.t.Errorf("Run: got error %v, want nil", err)
		}
	case <-time.After(time.Minute):
		s.t.Error("Run did not return")
	}
	s.done = nil
}

func (s *script) write(text string) {
	s.t.Helper()
	if _, err := s.typist.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

func await(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("no %s", what)
	}
}

func texts(messages []bot.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Text)
	}
	return all
}

// content is a file with the text.
func content(t *testing.T, name, text string) *bot.Content {
	t.Helper()
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &bot.Content{Path: path, Name: name, Size: int64(len(text))}
}

// output is a post of a session's raw output.
func output(t *testing.T, text string) bot.Outgoing {
	return bot.Outgoing{
		Thread: Local,
		Post:   bot.Post{Output: &bot.OutputRef{Session: "1", Range: bot.Range{To: int64(len(text))}}},
		File:   content(t, "", text),
	}
}

func say(t *testing.T, c *Console, out bot.Outgoing) bot.Receipt {
	t.Helper()
	r, err := c.Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(s string) bot.Outgoing { return bot.Outgoing{Thread: Local, Post: bot.Plainf("%s", s)} }

func TestEachLineIsAMessageOfTheLocalUser(t *testing.T) {
	s := startScript(t, nil)
	s.write("run uname -a\n")
	got := s.in.wait(t, 1)[0]
	want := bot.Message{
		Claim:     bot.Claim{Account: Account(), Name: "pi", Thread: Local, Direct: true},
		Key:       got.Key,
		ID:        got.ID,
		Text:      "run uname -a",
		Addressed: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Account.Adapter != s.Name() || !strings.HasPrefix(got.Key, "console/") {
		t.Errorf("got account %v and key %q", got.Account, got.Key)
	}
}

func TestLinesAreTakenAsTheyAre(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for _, c := range []struct {
		rule  string
		input string
		want  []string
	}{
		{"lines keep their order and their blanks", "a\n  b\t \n\nc\n", []string{"a", "  b\t ", "", "c"}},
		{"the last line needs no newline", "a\nb", []string{"a", "b"}},
		{"CR LF ends a line", "a\r\nb\r\n", []string{"a", "b"}},
		{"invalid UTF-8 is repaired", "a\xffb\n", []string{"a\uFFFDb"}},
		{"NUL is a character", "a\x00b\n", []string{"a\x00b"}},
		{"a line may have 1 MiB", long + "\nafter\n", []string{long, "after"}},
		{"a longer one is not taken, not cut", long + "y\nafter\n", []string{"after"}},
		{"control characters are the line's own", "\x03\x04\x1b[A\n", []string{"\x03\x04\x1b[A"}},
		{"nothing at all is fine", "", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := startScript(t, nil)
			go func() {
				s.typist.WriteString(c.input)
				s.typist.Close()
			}()
			await(t, s.ended, "end of input")
			got := texts(s.in.wait(t, len(c.want)))
			if !cmp.Equal(c.want, got) {
				t.Errorf("got %d lines %.80q, want %d %.80q", len(got), got, len(c.want), c.want)
			}
			told := "that line is longer than 1 MiB and was not taken\n"
			if wanted := strings.Contains(c.rule, "longer"); wanted != (s.out.String() == told) {
				t.Errorf("got output %q", s.out.String())
			}
		})
	}
}

func TestKeysAndIDsAreNeverUsedAgain(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		s := startScript(t, nil)
		s.write("a\na\n")
		for _, m := range s.in.wait(t, 2) {
			if seen[m.Key] || seen[string(m.ID)] {
				t.Errorf("key %s or id %s came twice", m.Key, m.ID)
			}
			seen[m.Key], seen[string(m.ID)] = true, true
		}
		for range 2 {
			r := say(t, s.Console, text("x"))
			if seen[string(r.Message)] {
				t.Errorf("id %s came twice", r.Message)
			}
			seen[string(r.Message)] = true
		}
	}
}

func TestRunGoesOnAfterTheEndOfInputAndPrintsAnswers(t *testing.T) {
	s := startScript(t, nil)
	s.write("uptime\n")
	s.typist.Close()
	await(t, s.ended, "end of input")
	say(t, s.Console, text("3 days"))
	select {
	case err := <-s.done:
		t.Fatalf("Run returned %v before its context ended", err)
	default:
	}
	s.stop()
	say(t, s.Console, text("good bye"))
	if got, want := s.out.String(), "3 days\ngood bye\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRunEndsWhileNothingIsTyped(t *testing.T) {
	s := startScript(t, nil)
	s.write("half a li")
	s.stop()
	if got := texts(s.in.wait(t, 0)); len(got) != 0 {
		t.Errorf("got %q, want no message of an unfinished line", got)
	}
}

func TestAMessageThatIsNotRecordedIsOfferedAgain(t *testing.T) {
	s := startScript(t, func(_ *Config, in *inbox, _ *buffer) { in.refusals = 2 })
	s.write("a\nb\n")
	if got := texts(s.in.wait(t, 2)); !cmp.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	if got, want := s.out.String(), "waiting: no space to write\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPostsArePrinted(t *testing.T) {
	styles := bot.Post{Text: []bot.Span{
		{Style: bot.Bold, Text: "Hi"}, {Text: " you, "}, {Style: bot.Code, Text: "/help"}, {Style: bot.Italic, Text: "!"},
		{Style: bot.Pre, Text: "\n  $ ls\n"},
	}}
	for _, c := range []struct {
		rule     string
		terminal bool
		posts    []bot.Outgoing
		want     string
	}{
		{"a post ends its line", false, []bot.Outgoing{text("a"), text("b\n")}, "a\nb\n"},
		{"a file has no styles", false, []bot.Outgoing{{Post: styles}}, "Hi you, /help!\n  $ ls\n"},
		{"a terminal has styles", true, []bot.Outgoing{{Post: styles}},
			"\x1b[1mHi\x1b[0m you, \x1b[1m/help\x1b[0m\x1b[2m!\x1b[0m\n  $ ls\n"},
		{"output is printed as it is", false, []bot.Outgoing{output(t, "\x1b[31mred\r\x00\xff\n")}, "\x1b[31mred\r\x00\xff\n"},
		{"pieces of output join", false, []bot.Outgoing{output(t, "ab"), output(t, "c\n")}, "abc\n"},
		{"a post begins its own line", false, []bot.Outgoing{output(t, "ab"), text("exit 0"), output(t, "c")}, "ab\nexit 0\nc"},
		{"output of nothing visible is a begun line", false, []bot.Outgoing{output(t, "50%\r"), text("x")}, "50%\r\nx\n"},
		{"words cannot act on the terminal", true, []bot.Outgoing{text("a\x1b]0;x\x07b\u202ec\r\nd\te\u009bf\rg")}, "a\uFFFD]0;x\uFFFDb\uFFFDc\nd\te\uFFFDf\uFFFDg\n"},
		{"an empty post is nothing", false, []bot.Outgoing{{}, output(t, "")}, ""},
		{"an edit is printed anew", false, []bot.Outgoing{{Target: "x", Post: bot.Plainf("now")}}, "now\n"},
		{"a text file is printed below its caption", false, []bot.Outgoing{{
			Post: bot.Post{Text: []bot.Span{{Text: "log of 7"}}, Media: &bot.Media{}}, File: content(t, "7.log", "é1\n2\n")}}, "log of 7\né1\n2\n"},
		{"another file is named", false, []bot.Outgoing{{
			Post: bot.Post{Media: &bot.Media{Kind: bot.Picture}}, File: content(t, "a.png", "\x89PNG")}}, "file a.png (4 bytes)\n"},
		{"a question has numbers", false, []bot.Outgoing{{Post: bot.Post{
			Text: []bot.Span{{Text: "reboot?"}}, Keyboard: &bot.Keyboard{Handle: "h", Rows: [][]bot.Button{{{Label: "Run"}, {Label: "Drop"}}, {{Label: "Why"}}}}}}},
			"reboot?\n[1] Run  [2] Drop\n[3] Why\n"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var out buffer
			console := New(Config{In: os.Stdin, Out: &out, Terminal: c.terminal})
			for _, p := range c.posts {
				r := say(t, console, p)
				if r.Message == "" || p.Target != "" && r.Message != p.Target {
					t.Errorf("got receipt for %q", r.Message)
				}
			}
			if got := out.String(); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestFilesThatAreNotTextAreSaved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for it")
	var out buffer
	console := New(Config{In: os.Stdin, Out: &out, Files: dir})
	for _, name := range []string{"a.png", "a.png", "../../b", ".."} {
		say(t, console, bot.Outgoing{Post: bot.Post{Media: &bot.Media{}}, File: content(t, name, "\x00"+name)})
	}
	for name, want := range map[string]string{"a.png": "\x00a.png", "a-2.png": "\x00a.png", "b": "\x00../../b", "file": "\x00.."} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if want := "file a.png (6 bytes): " + dir + "/a-2.png\n"; !strings.Contains(out.String(), want) {
		t.Errorf("got %q, want %q in it", out.String(), want)
	}
}

func TestANumberAnswersTheNewestQuestion(t *testing.T) {
	keyboard := func(handle string, labels ...string) *bot.Keyboard {
		k := &bot.Keyboard{Handle: handle, Rows: [][]bot.Button{nil}}
		for _, l := range labels {
			if l == "/" {
				k.Rows = append(k.Rows, nil)
				continue
			}
			last := len(k.Rows) - 1
			k.Rows[last] = append(k.Rows[last], bot.Button{Label: l})
		}
		return k
	}
	expired := keyboard("old", "Run")
	expired.Expires = time.Now().Add(-time.Second)
	for _, c := range []struct {
		rule  string
		asked []bot.Outgoing
		lines string
		want  []string // Button, or Text
	}{
		{"a number is a press", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "Run", "Drop")}}}, "2\n", []string{"h:0.1"}},
		{"rows are counted on", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "a", "b", "/", "c", "d")}}}, " 4 \n", []string{"h:1.1"}},
		{"a question is answered once", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "Run")}}}, "1\n1\n", []string{"h:0.0", "1"}},
		{"a question stays open while other things are said", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "Run")}}, text("x")}, "ps\n1\n", []string{"ps", "h:0.0"}},
		{"only the newest is open", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "a", "b")}}, {Post: bot.Post{Keyboard: keyboard("i", "c")}}}, "2\n1\n", []string{"2", "i:0.0"}},
		{"a number that is no choice is a line", []bot.Outgoing{{Post: bot.Post{Keyboard: keyboard("h", "a")}}}, "0\n-1\n2\n", []string{"0", "-1", "2"}},
		{"a question that has expired is closed", []bot.Outgoing{{Post: bot.Post{Keyboard: expired}}}, "1\n", []string{"1"}},
		{"a question that was taken away is closed", []bot.Outgoing{{Target: "q", Post: bot.Post{Keyboard: keyboard("h", "a")}}, {Target: "q", Post: bot.Plainf("done")}}, "1\n", []string{"1"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := startScript(t, nil)
			var last bot.Receipt
			for _, out := range c.asked {
				if r := say(t, s.Console, out); out.Post.Keyboard != nil {
					last = r
				}
			}
			s.write(c.lines)
			var got []string
			for _, m := range s.in.wait(t, len(c.want)) {
				got = append(got, m.Text+m.Button)
				if (m.Button != "") != (m.ID == last.Message) {
					t.Errorf("message %q has id %s; the question's is %s", m.Text+m.Button, m.ID, last.Message)
				}
			}
			if !cmp.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestANoticeIsPrinted(t *testing.T) {
	s := startScript(t, func(_ *Config, in *inbox, _ *buffer) { in.notice = "that question is over" })
	s.write("1\n2\n")
	s.in.wait(t, 2)
	s.stop()
	if got := s.out.String(); !strings.HasPrefix(got, "that question is over\n") {
		t.Errorf("got %q", got)
	}
}

func TestInterruptsReachTheForegroundBeforeTheyQuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals := make(chan os.Signal)
		running, quit := true, false
		c := New(Config{
			In: os.Stdin, Out: &buffer{},
			Interrupts: signals,
			Interrupt:  func(context.Context) bool { return running },
			OnQuit:     func() { quit = true },
		})
		go c.listen(t.Context(), &caught{interrupts: signals})
		for _, step := range []struct {
			rule    string
			running bool
			after   time.Duration
			quits   bool
		}{
			{"what runs is interrupted", true, 0, false},
			{"an impatient second Ctrl-C does not quit", false, impatience / 2, false},
			{"what runs is interrupted again", true, time.Hour, false},
			{"with nothing to interrupt it quits", false, impatience + 1, true},
		} {
			time.Sleep(step.after) // of the bubble's time
			running = step.running
			signals <- os.Interrupt
			synctest.Wait()
			if quit != step.quits {
				t.Errorf("%s: got quit %t, want %t", step.rule, quit, step.quits)
			}
		}
	})
}

func TestWhenTheOutputIsGoneTheConsoleQuits(t *testing.T) {
	s := startScript(t, func(_ *Config, _ *inbox, out *buffer) { out.err = errors.New("broken pipe") })
	for range 2 {
		_, err := s.Send(t.Context(), text("x"))
		var sendErr *bot.SendError
		if !errors.As(err, &sendErr) || sendErr.Outcome != bot.RefusedSend || sendErr.Reason != bot.ChatGone {
			t.Errorf("got error %#v, want the chat to be gone", err)
		}
	}
	await(t, s.quit, "quit")
	if h := s.Health(); h.OK {
		t.Errorf("got health %+v", h)
	}
}

func TestSendAfterItsContextIsNotSent(t *testing.T) {
	var out buffer
	c := New(Config{In: os.Stdin, Out: &out})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := c.Send(ctx, text("x"))
	var sendErr *bot.SendError
	if !errors.As(err, &sendErr) || sendErr.Outcome != bot.NotSent || out.String() != "" {
		t.Errorf("got error %v and output %q", err, out.String())
	}
	_, err = c.Send(t.Context(), bot.Outgoing{Post: bot.Post{Output: &bot.OutputRef{}}, File: &bot.Content{Path: "/nonexistent"}})
	if !errors.As(err, &sendErr) || sendErr.Outcome != bot.RefusedSend || sendErr.Reason == bot.ChatGone {
		t.Errorf("got error %v, want a refusal", err)
	}
}

func TestHealthTellsWhatTheConsoleDoes(t *testing.T) {
	s := startScript(t, nil)
	s.write("a\n")
	s.in.wait(t, 1)
	if h := s.Health(); !h.OK || h.State != "reading" || h.Contact.IsZero() {
		t.Errorf("got %+v", h)
	}
	s.typist.Close()
	await(t, s.ended, "end of input")
	if h := s.Health(); !h.OK || h.State != "input has ended" {
		t.Errorf("got %+v", h)
	}
}

func TestLogLinesHaveLinesOfTheirOwn(t *testing.T) {
	var out buffer
	c := New(Config{In: os.Stdin, Out: &out})
	say(t, c, output(t, "50%"))
	fmt.Fprintf(c.Log(), "level=INFO\n")
	say(t, c, text("x"))
	if got, want := out.String(), "50%\nlevel=INFO\nx\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The contracts that the core asks for by type assertion.
var (
	_ bot.Adapter  = (*Console)(nil)
	_ bot.Director = (*Console)(nil)
	_ bot.Checker  = (*Console)(nil)
)

func TestLinesAreBrokenAtBlanks(t *testing.T) {
	for _, c := range []struct{ rule, text, want string }{
		{"what fits stays", "one two\nthree", "one two\nthree"},
		{"a word that does not fit begins a line", "one two three four\n", "one two \nthree four\n"},
		{"a blank at the edge is none too many", "12345 7890 \n", "12345 7890 \n"},
		{"a longer word is the terminal's", "1234567890123 x\n", "1234567890123 \nx\n"},
		{"styles take no room", "one " + bold + "two" + plain + " 90", "one " + bold + "two" + plain + " 90"},
		{"wide letters take two columns", "一二三四 五", "一二三四 \n五"},
	} {
		if got := wrapped(c.text, 10); got != c.want {
			t.Errorf("%s: got %q, want %q", c.rule, got, c.want)
		}
	}
}
