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
)

// The whole-program tests run the built binary as a process of its own,
// against the strict servers of the chat networks in this one, over real sockets.

// binary is chapi, built once for all tests: for the architecture that
// CHAPI_ARCH names, which this machine must be able to run; else for this one,
// with the race detector when the tests have it.
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
	if arch := os.Getenv("CHAPI_ARCH"); arch != "" {
		env = append(env, "GOARCH="+arch, "GOARM=6")
	} else if raceDetector {
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
const patience = time.Minute

// world is a device, its daemon, and the people in its chats.
type world struct {
	t testing.TB
	// nets are the networks that the daemon serves, net the first of them,
	// where places without a network in front are.
	nets []network
	net  network
	dir  string // state, configuration and work folder
	// extra is more configuration. If it has a line "network:", the indented
	// lines below it are of the section of each network; else the pace is fast.
	extra string

	code    string      // by the last "pairs"
	site    string      // by "serves"
	clogged atomic.Bool // by "clogs"
	said    said        // by the last "says"
	pressed press       // by the last "presses", and how it was done
	press   func() press

	other func()       // ends another program with the same token
	ahead atomic.Int64 // how far the network's clock is ahead of ours

	mu  sync.Mutex
	cmd *exec.Cmd
	end chan error
	log *os.File
}

// said is a message of a person.
type said struct {
	at place
	id int64
}

// until is a program that waits for a file to be there: what people run goes on
// when the test is ready for it, on however slow a machine.
const until = "#!/bin/sh\nuntil test -e \"$1\"; do sleep 0.05; done\n"

// opens makes the file that a program waits for.
func (w *world) opens(name string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// newWorld makes a device with its networks, by name.
func newWorld(t testing.TB, dir string, how terms, names ...string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	how.clock = w.now
	for _, name := range names {
		n := networks[name](t, how)
		t.Cleanup(n.Close)
		w.nets = append(w.nets, n)
	}
	w.net = w.nets[0]
	if err := os.WriteFile(filepath.Join(dir, "until"), []byte(until), 0o755); err != nil {
		t.Fatal(err)
	}
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
		out, _ := os.ReadFile(log.Name())
		if t.Failed() {
			t.Logf("daemon's log:\n%s", lastPart(out, 12000))
		} else if bytes.Contains(out, []byte("DATA RACE")) {
			t.Errorf("the daemon has a data race:\n%s", lastPart(out, 12000))
		}
		for _, n := range w.nets {
			if bytes.Contains(out, []byte(n.Token())) {
				t.Errorf("the token of %s is in the daemon's log", n.Name())
			}
			n.Check(t)
		}
		log.Close()
	})
	return w
}

// now is the time on the network's clock.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func lastPart(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

// configure writes the configuration file.
func (w *world) configure() string {
	w.t.Helper()
	device := "device: {name: pi}\n"
	if strings.Contains(w.extra, "device:") {
		device = ""
	}
	text := device + "state_dir: " + filepath.Join(w.dir, "state") + "\n"
	own, more := "", w.extra
	if before, rest, ok := strings.Cut("\n"+more, "\nnetwork:\n"); ok {
		own, more = "", rest
		for strings.HasPrefix(more, "  ") { // the lines of the section
			line, after, _ := strings.Cut(more, "\n")
			own, more = own+line+"\n", after
		}
		if own == "" {
			own = "\n" // the pace of the real network
		}
		more = strings.TrimPrefix(before+"\n", "\n") + more
	}
	if !strings.Contains(w.extra, "people:") {
		text += joined(w.nets)
	}
	files := map[string]string{}
	for _, n := range w.nets {
		text += n.Section(w.dir, own)
		files[n.Name()+".token"] = n.Token() + "\n"
	}
	files["config.yaml"] = text + more
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return filepath.Join(w.dir, "config.yaml")
}

// joined is the lists of people and chats of all networks. On more than one
// only the first one's people are listed: those of the others may be linked.
func joined(nets []network) string {
	all := nets[0].People()
	for _, n := range nets[1:] {
		_, chats, _ := strings.Cut(n.People(), "chats:\n")
		all += strings.ReplaceAll(chats, "{name: ", "{name: "+n.Name()+" ")
	}
	return all
}

// up starts the daemon and waits until it receives.
func (w *world) up() {
	w.t.Helper()
	for _, n := range w.nets {
		// What a killed daemon leaves connected would look like the next one's.
		if !n.Wait(patience, func() bool { return !n.Ready() }) {
			w.t.Fatalf("%s does not notice that the daemon before is gone", n.Name())
		}
	}
	w.launch()
	for _, n := range w.nets {
		if !n.Wait(patience, n.Ready) {
			w.t.Fatalf("the daemon does not receive from %s", n.Name())
		}
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

// on is the network that a place's name begins with, as in "discord:bob", and
// the rest of the name.
func (w *world) on(name string) (network, string) {
	for _, n := range w.nets {
		if rest, ok := strings.CutPrefix(name, n.Name()+":"); ok {
			return n, rest
		}
	}
	return w.net, name
}

// chat is a place by name; "forum/sh" is a topic of it.
func (w *world) chat(name string) place {
	w.t.Helper()
	n, name := w.on(name)
	at, err := n.Chat(name)
	if err != nil {
		w.t.Fatal(err)
	}
	return at
}

// posts is what the bot's messages in a chat say now, oldest first.
func (w *world) posts(name string) []note { return w.chat(name).Posts() }

// transcript is everything the bot said in a chat, for failures.
func (w *world) transcript(name string) string {
	var b strings.Builder
	for _, m := range w.posts(name) {
		fmt.Fprintf(&b, "--- %d (edited %d times)\n%s\n", m.ID, m.Edits, show(m))
	}
	return b.String()
}

// sees waits for a message of the bot that fits and returns the newest.
func (w *world) sees(name, what string, fits func(note) bool) note {
	w.t.Helper()
	var found note
	n, place := w.on(name)
	n.Wait(patience, func() bool { // a topic may be about to be opened
		_, err := n.Chat(place)
		return err == nil
	})
	ok := n.Wait(patience, func() bool {
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
func contains(parts ...string) func(note) bool {
	return func(m note) bool {
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
