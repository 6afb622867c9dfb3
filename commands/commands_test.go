package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"chapi/bot"
	"chapi/commands/device"
	"chapi/commands/files"
	"chapi/commands/web"
)

// world is everything around the commands, recorded.
type world struct {
	t         *testing.T
	sessions  *fakeSessions
	terminals *fakeTerminals
	settings  settings
	calls     []bot.Call
	asked     []bot.CallFilter
	people    []bot.Person
	chats     []bot.Chat
	linked    []bot.Account
	direct    bool
	locked    bool // the allowlist is the configuration's
	spec      bot.Spec
	restarted string
	form      Form
	living    []string
	downs     string // a file with a line for each time the machine went down
	role      bot.Role
	ceiling   bot.Role
	thread    bot.Thread
	args      *bot.Parser
	reply     *replies
	openError error

	machine      *device.Machine
	battery      device.Battery
	batteryError error
	home         string
	limits       bot.Limits
	network      map[string]string // attachments by their refs
	files        []bot.Attachment  // of the next message
	more         bot.Args          // of the next call, besides those in its line
	replyTo      bot.MessageID     // of the next message
	answers      map[bot.MessageID]bot.CallID
}

var ann = bot.Account{Adapter: "net", User: "7"}

func newWorld(t *testing.T) *world {
	t.Helper()
	home := t.TempDir()
	w := &world{
		t:        t,
		sessions: &fakeSessions{known: map[string]bot.Session{}},
		settings: settings{},
		downs:    filepath.Join(home, "downs"),
		machine:  pi(t),
		spec: bot.Spec{
			Dir:  home,
			Env:  []string{"PATH=/usr/bin:/bin", "HOME=" + home, "LANG=C"},
			Size: bot.Size{Cols: 60, Rows: 24},
			Nice: 5, User: "pi",
		},
		role:   bot.Owner,
		thread: bot.Thread{Adapter: "net", Chat: "-100", Topic: "3"},
	}
	w.terminals = &fakeTerminals{fakeSessions: w.sessions}
	w.home, w.limits, w.network = home, bot.Limits{Text: 4096, Upload: 50e6, Buttons: 8}, map[string]string{}
	w.args = bot.NewParser(New(w.deps()), Words)
	return w
}

func (w *world) deps() Deps {
	return Deps{
		Sessions: w.sessions, Terminals: w.terminals, Keyboards: w.terminals, Spool: w, Settings: w.settings, Calls: w, Allowlist: w,
		Spec:  func(bot.Principal) bot.Spec { return w.spec },
		Shell: "/bin/sh",
		Status: func(_ context.Context, _ bot.Principal, form Form) (bot.Post, error) {
			w.form = form
			return bot.Plainf("all is well"), nil
		},
		Machine: w.machine,
		Battery: func(context.Context) (device.Battery, error) { return w.battery, w.batteryError },
		Chart: func(_ context.Context, names []string, length time.Duration, dark bool) (bot.Post, error) {
			return bot.Plainf("%q %s dark=%t", names, length, dark), nil
		},
		Living:   w,
		Power:    map[string][]string{device.Reboot: {"sh", "-c", "echo now >> " + w.downs}, device.Poweroff: {"sh", "-c", "echo it may not >&2; exit 1"}},
		Services: []string{"nginx.service"},
		Files: &files.Store{
			Inbox: filepath.Join(w.home, "inbox"),
			Roots: []files.Root{{Path: w.home, Role: bot.Owner, Write: true}},
		},
		Web: &web.Client{AllowPrivate: true},
		Runners: []Runner{
			{Name: "python3", Languages: []string{"python"}, Suffixes: []string{".py"}, Argv: []string{"python3", "{file}"}},
			{Name: "sh", Suffixes: []string{".sh"}, Argv: []string{"sh", "{file}"}},
		},
		Fetch:   w.fetch,
		Limits:  func(bot.Thread) bot.Limits { return w.limits },
		Secret:  func(text string) bool { return strings.Contains(text, "s3cret") },
		Restart: func(why string) { w.restarted = why },
		Device:  "pi4", Version: "1.2.3",
	}
}

// principal is Ann, with the world's role and ceiling.
func (w *world) principal() bot.Principal {
	w.t.Helper()
	var policy bot.Policy
	policy.Set([]bot.Person{{Name: "Ann", Role: w.role, Accounts: []bot.Account{ann}}},
		[]bot.Chat{{Room: w.thread.Room(), Ceiling: w.ceiling}})
	p, err := policy.Authorize(bot.Claim{Account: ann, Thread: w.thread})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// try runs a line as a call that is about a session, or about none.
func (w *world) try(line string, about bot.SessionID) error {
	w.t.Helper()
	c, args, err := w.args.Parse(line)
	if err != nil {
		return err
	}
	return w.call(c, args, "/"+line, about)
}

// call runs a call of a command.
func (w *world) call(c bot.Command, args bot.Args, text string, about bot.SessionID) error {
	w.t.Helper()
	w.reply = &replies{err: w.openError}
	p := w.principal()
	maps.Copy(args, w.more)
	return c.Run(context.Background(), bot.Request{
		Call: bot.Call{
			Files: w.files, ReplyTo: w.replyTo,
			ID: 100, Command: c.Name, Args: args, Session: about, Message: "55", Text: text,
			Claim: bot.Claim{Account: ann, Name: "Ann", Thread: w.thread, Direct: w.direct},
		},
		Principal: p,
		Reply:     w.reply,
	})
}

// do is try for a line that must work; it returns what was answered.
func (w *world) do(line string) string {
	w.t.Helper()
	if err := w.try(line, ""); err != nil {
		w.t.Fatalf("/%s: %v", line, err)
	}
	return w.reply.text()
}

// refused is try for a line that must fail in words for the person.
func (w *world) refused(line string) string {
	w.t.Helper()
	err := w.try(line, "")
	var said *bot.UserError
	if !errors.As(err, &said) {
		w.t.Fatalf("/%s: got error %v, want a *bot.UserError", line, err)
	}
	if n := strings.Count(said.Text, "\n"); n > 1 {
		w.t.Errorf("/%s: the error has %d lines: %s", line, n+1, said.Text)
	}
	return said.Text
}

// opened is the opening that a line leads to.
func (w *world) opened(line string) bot.Opening {
	w.t.Helper()
	answer := w.do(line)
	if len(w.reply.openings) != 1 {
		w.t.Fatalf("/%s opened %d sessions, want 1 (answer %q)", line, len(w.reply.openings), answer)
	}
	if answer != "" {
		w.t.Errorf("/%s answered %q beside its session's page", line, answer)
	}
	return w.reply.openings[0]
}

// Calls implements Calls.
func (w *world) Create(ext string) (*os.File, error) {
	return os.CreateTemp(w.t.TempDir(), "post-*"+ext)
}

func (w *world) fetch(_ context.Context, _, ref string) (io.ReadCloser, int64, error) {
	content, ok := w.network[ref]
	if !ok {
		return nil, 0, bot.ErrTooLarge
	}
	return io.NopCloser(strings.NewReader(content)), int64(len(content)), nil
}

func (w *world) Call(_ context.Context, id bot.CallID) (bot.Call, error) {
	for _, c := range w.calls {
		if c.ID == id {
			return c, nil
		}
	}
	return bot.Call{}, bot.ErrNotFound
}

func (w *world) Answered(_ context.Context, _ bot.Thread, m bot.MessageID) (bot.CallID, error) {
	id, ok := w.answers[m]
	if !ok {
		return 0, bot.ErrNotFound
	}
	return id, nil
}

func (w *world) Calls(_ context.Context, f bot.CallFilter) ([]bot.Call, error) {
	w.asked = append(w.asked, f)
	var found []bot.Call
	for _, c := range w.calls {
		if f.Command != "" && c.Command != f.Command ||
			f.Message != "" && c.Message != f.Message ||
			f.Account != (bot.Account{}) && c.Claim.Account != f.Account ||
			f.Room != (bot.Thread{}) && c.Claim.Thread.Room() != f.Room.Room() {
			continue
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b bot.Call) int { return int(b.ID - a.ID) })
	return found[:min(len(found), f.Limit)], nil
}

// Everyone implements Allowlist.
func (w *world) Everyone() ([]bot.Person, []bot.Chat) {
	return slices.Clone(w.people), slices.Clone(w.chats)
}

func (w *world) change() error {
	if w.locked {
		return bot.Userf("that is in the configuration file")
	}
	return nil
}

// SetPerson implements Allowlist.
func (w *world) SetPerson(_ context.Context, p bot.Person) error {
	w.people = append(slices.DeleteFunc(w.people, func(old bot.Person) bool { return !w.locked && old.Name == p.Name }), p)
	return w.change()
}

// RemovePerson implements Allowlist.
func (w *world) RemovePerson(_ context.Context, name string) error {
	w.people = slices.DeleteFunc(w.people, func(old bot.Person) bool { return old.Name == name })
	return w.change()
}

// Link implements Allowlist.
func (w *world) Link(_ context.Context, p bot.Principal) (string, time.Duration, error) {
	return "CODE-OF-" + p.Person(), 10 * time.Minute, w.change()
}

// Unlink implements Allowlist.
func (w *world) Unlink(context.Context, bot.Principal) ([]bot.Account, error) {
	gone := w.linked
	w.linked = nil
	return gone, w.change()
}

// SetChat implements Allowlist.
func (w *world) SetChat(_ context.Context, c bot.Chat) error {
	w.chats = append(slices.DeleteFunc(w.chats, func(old bot.Chat) bool { return old.Room == c.Room }), c)
	return w.change()
}

// RemoveChat implements Allowlist.
func (w *world) RemoveChat(_ context.Context, room bot.Thread) error {
	w.chats = slices.DeleteFunc(w.chats, func(old bot.Chat) bool { return old.Room == room })
	return w.change()
}

// settings is bot.Settings in memory.
type settings map[[2]string]string

func (s settings) Setting(_ context.Context, scope, name string) (string, error) {
	return s[[2]string{scope, name}], nil
}

func (s settings) Set(_ context.Context, scope, name, value string) error {
	if value == "" {
		delete(s, [2]string{scope, name})
	} else {
		s[[2]string{scope, name}] = value
	}
	return nil
}

func (s settings) Settings(_ context.Context, scope string) (map[string]string, error) {
	found := map[string]string{}
	for key, value := range s {
		if key[0] == scope {
			found[key[1]] = value
		}
	}
	return found, nil
}

func (s settings) Once(context.Context, string, time.Duration, ...bot.Delivery) (bool, error) {
	return false, errors.New("not for commands")
}

// replies is a bot.Replier that remembers.
type replies struct {
	posts    []bot.Post
	shown    []bot.Post
	openings []bot.Opening
	err      error
}

func (r *replies) Say(p bot.Post) { r.posts = append(r.posts, p) }

func (r *replies) Show(_ context.Context, p bot.Post) error {
	r.shown = append(r.shown, p)
	return nil
}

func (r *replies) Open(_ context.Context, o bot.Opening) (bot.Session, error) {
	r.openings = append(r.openings, o)
	return bot.Session{ID: "100", Name: o.Name, Title: o.Title}, r.err
}

func (r *replies) text() string {
	var all []string
	for _, p := range r.posts {
		all = append(all, p.String())
	}
	return strings.Join(all, "\n---\n")
}

// fakeSessions records what it was asked in a line each.
type fakeSessions struct {
	known map[string]bot.Session // by id; the one called "" is the implied one
	list  []bot.Session
	log   []string
	err   error
}

func (f *fakeSessions) note(format string, a ...any) error {
	f.log = append(f.log, fmt.Sprintf(format, a...))
	return f.err
}

func (f *fakeSessions) Find(_ context.Context, _ bot.Principal, ref string, about bot.SessionID) (bot.Session, error) {
	if ref == "" {
		ref = string(about)
	}
	s, ok := f.known[ref]
	if !ok {
		return bot.Session{}, bot.Userf("There is no session %s here.", ref)
	}
	return s, nil
}

func (f *fakeSessions) List(_ context.Context, _ bot.Principal, everywhere bool) ([]bot.Session, error) {
	return f.list, f.note("list everywhere=%t", everywhere)
}

func (f *fakeSessions) Type(_ context.Context, _ bot.Principal, c bot.Call) error {
	return f.note("type %q reply=%q about=%q", c.Args.Text("text"), c.Args.Text("reply"), c.Session)
}

func (f *fakeSessions) Control(_ context.Context, _ bot.Principal, id bot.SessionID, c bot.Control) error {
	switch {
	case c.Resize != nil:
		return f.note("%s resize %dx%d", id, c.Resize.Cols, c.Resize.Rows)
	case c.Signal != "":
		return f.note("%s signal %s", id, c.Signal)
	case c.Stop:
		return f.note("%s stop", id)
	case c.EOF:
		return f.note("%s eof", id)
	}
	return f.note("%s input %q", id, c.Input)
}

func (f *fakeSessions) Attach(_ context.Context, _ bot.Principal, id bot.SessionID, th bot.Thread, reply bot.MessageID) error {
	return f.note("%s attach %s %s", id, th, reply)
}

func (f *fakeSessions) Detach(_ context.Context, _ bot.Principal, id bot.SessionID) error {
	return f.note("%s detach", id)
}

func (f *fakeSessions) Log(_ context.Context, _ bot.Principal, id bot.SessionID, r bot.Range) (bot.Post, error) {
	return bot.Plainf("the log of %s", id), f.note("%s log %d..%d", id, r.From, r.To)
}

func TestDeclarations(t *testing.T) {
	w := newWorld(t)
	roles := map[string]bot.Role{
		"people": bot.Owner, "chats": bot.Owner, "restart": bot.Owner,
		"reboot": bot.Owner, "poweroff": bot.Owner, "power": bot.Owner,
		"battery": bot.Viewer, "chart": bot.Viewer, "top": bot.Viewer, "disk": bot.Viewer, "net": bot.Viewer, "temp": bot.Viewer, "services": bot.Viewer,
		"help": bot.Viewer, "start": bot.Viewer, "whoami": bot.Viewer, "status": bot.Viewer,
		"ps": bot.Viewer, "log": bot.Viewer, "history": bot.Viewer, "version": bot.Viewer,
		"shot": bot.Viewer, "back": bot.Viewer, "find": bot.Viewer, "copy": bot.Viewer,
		"clip": bot.Viewer, "cast": bot.Viewer,
		"get": bot.Viewer, "ls": bot.Viewer, "cat": bot.Viewer,
		bot.RefreshCommand: bot.Viewer,
	}
	asking := []string{bot.DropCommand, bot.CodeCommand, "rm", "edit"}
	for _, c := range w.args.Commands() {
		t.Run(c.Name, func(t *testing.T) {
			want, listed := roles[c.Name]
			if !listed {
				want = bot.User
			}
			if c.Role != want {
				t.Errorf("needs the role %s, want %s", c.Role, want)
			}
			if reads := c.Effect == bot.Reads; reads != (c.Role == bot.Viewer || slices.Contains(asking, c.Name)) {
				t.Errorf("effect %d: what a viewer may use, or only asks, reads; all else changes something", c.Effect)
			}
			if !slices.Contains(groups, c.Group) {
				t.Errorf("group %q has no heading", c.Group)
			}
			if c.Summary == "" || strings.HasSuffix(c.Summary, ".") || len(c.Summary) > 60 || strings.Contains(c.Summary, "\n") {
				t.Errorf("summary %q: want one short line without a full stop", c.Summary)
			}
			if !c.Hidden && len(c.Examples) == 0 {
				t.Error("no example")
			}
			for _, example := range c.Examples {
				got, _, err := w.args.Parse(example)
				if err != nil || got.Name != c.Name {
					t.Errorf("example %q: parsed as %q, error %v", example, got.Name, err)
				}
			}
			for _, a := range c.Args {
				if a.Summary == "" {
					t.Errorf("argument %s is not explained", a.Name)
				}
			}
			if c.Run == nil {
				t.Error("does nothing")
			}
		})
	}
}

func TestOrderedInputStaysInTheThreadsLane(t *testing.T) {
	// /term, then text, then a key, sent in one go: each must wait for the one
	// in front of it. Only what ends a session may overtake.
	overtaking := map[string]bool{"stop": true, "kill": true, "signal": true}
	for _, c := range newWorld(t).args.Commands() {
		if c.Control != overtaking[c.Name] {
			t.Errorf("/%s: Control is %t", c.Name, c.Control)
		}
	}
}

func TestEveryAnswerFitsOneMessage(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("🐟 very long ", 40)
	for i := range 300 {
		id := bot.CallID(i + 1)
		w.calls = append(w.calls, bot.Call{ID: id, Command: "run", Text: "/run " + long, Detail: long, State: bot.Completed, Outcome: bot.Failed,
			Claim: bot.Claim{Account: ann, Name: long, Title: long, Thread: w.thread}})
		w.sessions.list = append(w.sessions.list, bot.Session{ID: id.Session(), Title: long, Person: "Ann", State: bot.SessionState(1 + i%2), Claim: bot.Claim{Title: long}})
		w.people = append(w.people, bot.Person{Name: fmt.Sprint(i, long), Accounts: []bot.Account{ann, ann}})
		w.chats = append(w.chats, bot.Chat{Name: long, Room: bot.Thread{Adapter: "net", Chat: bot.ChatID(fmt.Sprint(i))}})
	}
	for i := range maxVariables {
		w.settings[[2]string{w.thread.Room().String(), fmt.Sprint("env/V", i)}] = long
	}
	lines := []string{"help", "ps", "ps --all", "history 50", "history --all 50", "people", "chats", "env", "whoami", "start", "version"}
	for _, c := range w.args.Commands() {
		lines = append(lines, "help "+c.Name)
	}
	for _, line := range lines {
		answer := w.do(line)
		if n := len(utf16.Encode([]rune(answer))); n == 0 || n > 4096 {
			t.Errorf("/%s answers with %d UTF-16 units, want 1 to 4096", line, n)
		}
	}
	if got := w.do("people"); !strings.Contains(got, "more.") {
		t.Errorf("a cut list does not say so: %.80s", got)
	}
}

func TestSteering(t *testing.T) {
	w := newWorld(t)
	w.sessions.known = map[string]bot.Session{
		"":     {ID: "9", PTY: true},
		"12":   {ID: "12", PTY: true, Title: "python3"},
		"pipe": {ID: "30", Name: "pipe"},
	}
	for _, c := range []struct {
		rule, line string
		about      bot.SessionID
		want       []string
	}{
		{"text goes exactly as typed, without an Enter", `in  "a"  $b `, "", []string{`9 input " \"a\"  $b "`}},
		{"text goes to the session that the message is about", "in y", "12", []string{`12 input "y"`}},
		{"lines are typed by the rules of plain text", "input one\ntwo", "12", []string{`type "one\ntwo" reply="" about="12"`}},
		{"the end of input", "eof 12", "", []string{"12 eof"}},
		{"a session that is named goes before the one replied to", "eof pipe", "12", []string{"30 eof"}},
		{"keys are one piece on a terminal", "key esc : w q enter", "", []string{`9 input "\x1b:wq\r"`}},
		{"keys repeat", "key down*3", "", []string{`9 input "\x1b[B\x1b[B\x1b[B"`}},
		{"^C without a terminal comes alone, so that it can become a signal", "key a ctrl-c b enter ctrl-d", "pipe",
			[]string{`30 input "a"`, `30 input "\x03"`, `30 input "b\n"`, `30 input "\x04"`}},
		{"stop", "stop", "", []string{"9 stop"}},
		{"stop by name", "stop #12", "", []string{"12 stop"}},
		{"kill", "kill pipe", "", []string{"30 signal KILL"}},
		{"signals by any spelling", "signal sighup 12", "", []string{"12 signal HUP"}},
		{"signals by number", "signal 9", "", []string{"9 signal 9"}},
		{"resize", "resize 100×30 12", "", []string{"12 resize 100x30"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t, w.sessions.log = t, nil
			if err := w.try(c.line, c.about); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(w.sessions.log, c.want) {
				t.Errorf("got %q, want %q", w.sessions.log, c.want)
			}
			if answer := w.reply.text(); answer != "" {
				t.Errorf("answered %q: the effect is seen in the session", answer)
			}
		})
	}
}

func TestSteeringErrorsAreTold(t *testing.T) {
	w := newWorld(t)
	w.sessions.known[""] = bot.Session{ID: "9", PTY: true}
	for line, want := range map[string]string{
		"signal HPU":     "HUP",
		"signal xyzzy":   "/help signal",
		"signal 65":      "1 to 64",
		"signal 0":       "1 to 64",
		"resize 80":      "80x24",
		"resize 0x0":     "2 to 500",
		"resize 9999x24": "2 to 500",
		"stop 77":        "no session 77",
		"attach 77":      "no session 77",
		"in":             "needs TEXT",
		"key":            "needs KEYS",
		"attach":         "needs SESSION",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: got %q, want %q in it", line, got, want)
		}
	}
	w.sessions.err = bot.Userf("session 9 has ended")
	for _, line := range []string{"in x", "input x", "key tab", "eof", "stop", "kill", "signal INT", "resize 80x24", "attach 9", "detach", "log"} {
		w.sessions.known["9"] = bot.Session{ID: "9"}
		if got := w.refused(line); got != "session 9 has ended" {
			t.Errorf("/%s: got %q", line, got)
		}
		if answer := w.reply.text(); answer != "" {
			t.Errorf("/%s: answered %q beside the error", line, answer)
		}
	}
}

func TestAttachAndDetach(t *testing.T) {
	w := newWorld(t)
	w.sessions.known["12"] = bot.Session{ID: "12", Name: "work", Title: "bash"}
	w.sessions.known[""] = w.sessions.known["12"]
	for line, want := range map[string]string{"attach 12": "12 attach net/-100/3 55", "detach": "12 detach"} {
		w.sessions.log = nil
		answer := w.do(line)
		if !slices.Equal(w.sessions.log, []string{want}) {
			t.Errorf("/%s: got %q, want %q", line, w.sessions.log, want)
		}
		if !strings.Contains(answer, "12 work bash") {
			t.Errorf("/%s does not say which session: %q", line, answer)
		}
	}
	w.sessions.known[""] = bot.Session{ID: "12", Title: "bash", State: bot.Ended}
	if answer := w.do("detach"); !strings.Contains(answer, "has ended") || strings.Contains(answer, "/attach") {
		t.Errorf("/detach from a session that has ended: %q", answer)
	}
}

func TestRestartEndsTheDaemonAndSaysSo(t *testing.T) {
	w := newWorld(t)
	if c, _ := w.args.Command("restart"); c.Effect != bot.Ends {
		t.Error("restart must wait for the confirmation of its message")
	}
	if answer := w.do("restart"); answer == "" || !strings.Contains(w.restarted, "Ann") {
		t.Errorf("answer %q, reason %q", answer, w.restarted)
	}
}

func TestDropIsAnswered(t *testing.T) {
	if got := newWorld(t).do("drop"); got != "Dropped." {
		t.Errorf("got %q", got)
	}
}

func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range New(newWorld(t).deps()) {
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if seen[name] {
				t.Errorf("%s is declared twice", name)
			}
			seen[name] = true
		}
	}
}
