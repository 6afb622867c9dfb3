package daemon

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chapi/adapters/telegram/telegramtest"
)

// The whole-program tests run the built binary as a process of its own,
// against the strict Telegram server in this one, over a real socket.

// binary is chapi, built once for all tests; with the race detector when the
// tests have it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chapi-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "chapi")
	args := []string{"build", "-o", binary}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if raceDetector {
		args = append(args, "-race")
		env = append(os.Environ(), "CGO_ENABLED=1")
	}
	build := exec.Command("go", append(args, "chapi")...)
	build.Env = env
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build chapi: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// world is a device, its daemon, and the people in its chats.
type world struct {
	t   testing.TB
	srv *telegramtest.Server
	dir string // state, configuration and work folder
	// extra is more configuration. If it begins with a line "telegram:", the
	// lines below it are of that section; else the pace is fast.
	extra string
	users map[string]*telegramtest.User
	chats map[string]*telegramtest.Chat

	code    string               // by the last "pairs"
	site    string               // by "serves"
	said    telegramtest.Message // by the last "says"
	pressed *telegramtest.Press  // by the last "presses"

	other func()       // ends another program with the same token
	ahead atomic.Int64 // how far the network's clock is ahead of ours

	mu  sync.Mutex
	cmd *exec.Cmd
	end chan error
	log *os.File
}

// newWorld makes the people and chats of all transcripts: ann (owner), bob
// (user), olga (operator), viv (viewer) are listed, eve is not. Groups lab and
// forum are listed, attic is not. ann, bob, olga, viv and eve also name the
// private chats.
func newWorld(t testing.TB, dir string, o telegramtest.Options) *world {
	t.Helper()
	w := &world{t: t, dir: dir, users: map[string]*telegramtest.User{}, chats: map[string]*telegramtest.Chat{}}
	o.Clock = w.now
	w.srv = telegramtest.New(o)
	w.srv.Expect("getMyCommands", "chat not found") // of people who never wrote
	if err := w.srv.Start(); err != nil {
		t.Fatalf("start telegram: %v", err)
	}
	t.Cleanup(w.srv.Close)
	var members []*telegramtest.User
	for i, name := range []string{"ann", "bob", "olga", "viv", "eve"} {
		w.users[name] = w.srv.AddUser(int64(1001+i), name)
		w.chats[name] = w.srv.Private(w.users[name])
		members = append(members, w.users[name])
	}
	w.chats["lab"] = w.srv.AddGroup(-1001000000001, "Lab", telegramtest.Supergroup, members...)
	w.chats["attic"] = w.srv.AddGroup(-1001000000002, "Attic", telegramtest.Supergroup, members...)
	w.chats["forum"] = w.srv.AddGroup(-1001000000003, "Forum", telegramtest.Forum, members...)
	w.chats["forum"].SetRights(telegramtest.Rights{Admin: true, ManageTopics: true})
	w.chats["basic"] = w.srv.AddGroup(-4001, "Basic", telegramtest.Basic, members...)
	log, err := os.Create(filepath.Join(dir, "daemon.log"))
	if err != nil {
		t.Fatal(err)
	}
	w.log = log
	t.Cleanup(func() {
		w.kill()
		for _, line := range w.processes() { // what a failed test has left
			var pid int
			if fmt.Sscan(line, &pid); pid > 0 && pid != os.Getpid() {
				syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		if out, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("daemon's log:\n%s", lastPart(out, 12000))
		} else if bytes.Contains(out, []byte("DATA RACE")) {
			t.Errorf("the daemon has a data race:\n%s", lastPart(out, 12000))
		} else if bytes.Contains(out, []byte(w.srv.Token())) {
			t.Error("the token is in the daemon's log")
		}
		log.Close()
	})
	return w
}

// now is the time on the network's clock.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func lastPart(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

const people = `
people:
  - {name: ann, role: owner, telegram: 1001}
  - {name: bob, role: user, telegram: 1002}
  - {name: olga, role: operator, telegram: 1003}
  - {name: viv, role: viewer, telegram: 1004}
chats:
  - {name: lab, telegram: -1001000000001}
  - {name: forum, telegram: -1001000000003}
  - {name: basic, telegram: -4001}
`

// configure writes the configuration file.
func (w *world) configure() string {
	w.t.Helper()
	who := people
	if strings.Contains(w.extra, "people:") {
		who = ""
	}
	device := "device: {name: pi}\n"
	if strings.Contains(w.extra, "device:") {
		device = ""
	}
	text := device + "state_dir: " + filepath.Join(w.dir, "state") + "\n"
	telegram := "telegram:\n  token_file: " + filepath.Join(w.dir, "token") + "\n  api_url: " + w.srv.URL() + "\n"
	more, own := strings.CutPrefix(w.extra, "telegram:\n")
	if !own {
		telegram += "  pace: {private_every: 50ms, group_every: 50ms}\n"
	}
	text += who + telegram + more
	for name, content := range map[string]string{"config.yaml": text, "token": w.srv.Token() + "\n"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return filepath.Join(w.dir, "config.yaml")
}

// up starts the daemon and waits until it polls.
func (w *world) up() {
	w.t.Helper()
	w.launch()
	if !w.srv.Wait(patience, w.srv.Polling) {
		w.t.Fatal("the daemon does not poll")
	}
}

// launch starts the daemon.
func (w *world) launch() {
	w.t.Helper()
	cmd := exec.Command(binary, "--config", w.configure())
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "SHELL=/bin/sh", "GORACE=halt_on_error=0")
	cmd.Dir = w.dir
	cmd.Stdout, cmd.Stderr = w.log, w.log
	if err := cmd.Start(); err != nil {
		w.t.Fatalf("start daemon: %v", err)
	}
	end := make(chan error, 1)
	go func() { end <- cmd.Wait() }()
	w.mu.Lock()
	w.cmd, w.end = cmd, end
	w.mu.Unlock()
}

// down ends the daemon as a service manager does. It must end by itself, in
// order, with status 0.
func (w *world) down() {
	w.t.Helper()
	cmd, end := w.process()
	if cmd == nil {
		w.t.Fatal("the daemon is not up")
	}
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-end:
		if err != nil {
			w.t.Fatalf("the daemon ended with %v", err)
		}
	case <-time.After(patience):
		cmd.Process.Signal(syscall.SIGQUIT)
		w.t.Fatal("the daemon does not end")
	}
}

// kill ends the daemon as a power cut does, if it is up.
func (w *world) kill() {
	cmd, end := w.process()
	if cmd == nil {
		return
	}
	cmd.Process.Kill()
	<-end
}

// process is the daemon, which is then no longer ours to end.
func (w *world) process() (*exec.Cmd, chan error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cmd, end := w.cmd, w.end
	w.cmd, w.end = nil, nil
	return cmd, end
}

// chat is a place by name; "forum/7" is a topic of it.
func (w *world) chat(name string) (*telegramtest.Chat, int) {
	w.t.Helper()
	name, topic, _ := strings.Cut(name, "/")
	c := w.chats[name]
	if c == nil {
		w.t.Fatalf("there is no chat %q", name)
	}
	id := 0
	if topic != "" {
		for _, known := range c.Topics() {
			if known.Name == topic || fmt.Sprint(known.ID) == topic || strings.HasPrefix(known.Name, topic) {
				id = known.ID
			}
		}
		if id == 0 {
			w.t.Fatalf("there is no topic %q in %s", topic, name)
		}
	}
	return c, id
}

// posts is what the bot's messages in a chat say now, oldest first.
func (w *world) posts(name string) []telegramtest.Message {
	c, topic := w.chat(name)
	var posts []telegramtest.Message
	for _, m := range c.Posts() {
		if !m.Deleted && m.Service == "" && (topic == 0 || m.Topic == topic) {
			posts = append(posts, m)
		}
	}
	return posts
}

// show is a message as a reader sees it: text, and its buttons in brackets.
func show(m telegramtest.Message) string {
	text := m.Text + m.Caption
	if m.File != nil {
		text = fmt.Sprintf("[%s %s %d bytes] %s", m.File.Kind, m.File.Name, m.File.Size, text)
	}
	for _, row := range m.Keyboard {
		text += "\n"
		for _, b := range row {
			text += "[" + b.Label + "]"
		}
	}
	return text
}

// transcript is everything the bot said in a chat, for failures.
func (w *world) transcript(name string) string {
	var b strings.Builder
	for _, m := range w.posts(name) {
		fmt.Fprintf(&b, "--- %d (edited %d times)\n%s\n", m.ID, m.EditCount, show(m))
	}
	return b.String()
}

// sees waits for a message of the bot that fits and returns the newest.
func (w *world) sees(name, what string, fits func(telegramtest.Message) bool) telegramtest.Message {
	w.t.Helper()
	var found telegramtest.Message
	ok := w.srv.Wait(patience, func() bool {
		for _, m := range w.posts(name) {
			if fits(m) {
				found = m
			}
		}
		return found.ID != 0
	})
	if !ok {
		w.t.Fatalf("%s does not see %s; it sees:\n%s", name, what, w.transcript(name))
	}
	return found
}

// contains fits messages that have all the parts in what they show.
func contains(parts ...string) func(telegramtest.Message) bool {
	return func(m telegramtest.Message) bool {
		for _, part := range parts {
			if !strings.Contains(show(m), part) {
				return false
			}
		}
		return true
	}
}

// run runs chapi's command line to its end.
func (w *world) run(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), "HOME="+w.dir, "SHELL=/bin/sh")
	cmd.Dir = w.dir
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
