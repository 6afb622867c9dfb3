package screen

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// Recordings are made, and compared, at the size of the classic terminal.
const (
	recordCols, recordRows = 80, 24

	// patience is how long a program may take to show what is waited for, on
	// a busy machine.
	patience = time.Minute
)

// program is a real program and what is typed into it.
type program struct {
	name  string
	argv  []string
	env   []string
	files map[string]string // put into its directory before
	steps []step

	unkept bool // shows what runs on this machine: no recording is kept
}

// step types keys and waits for what the screen shows then.
type step struct {
	keys  string
	shows string // text to wait for, anywhere on the screen
	gone  string // text to wait for until it is not there
	bytes int    // or: output to wait for
	ends  bool   // or: the program's end
}

// take is what a program did: its output, cut after each step.
type take struct{ outputs [][]byte }

// terminal runs a program on a terminal of our own, as a session does.
type terminal struct {
	t      *testing.T
	name   string
	master *os.File

	mu     sync.Mutex
	screen *Screen
	output []byte
	ended  bool
	grown  chan struct{} // something came
}

// record plays a program's steps. One that shows what runs on this machine is
// played again when it ends before its time: htop has been seen to, rarely.
func record(t *testing.T, p program) take {
	t.Helper()
	for tries := 3; ; tries-- {
		r, err := play(t, p)
		if err == nil {
			return r
		}
		if tries == 1 || !p.unkept {
			t.Fatal(err)
		}
		t.Logf("again: %v", err)
	}
}

// play plays a program's steps once. The error is that it ended before its time.
func play(t *testing.T, p program) (take, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range p.files {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path, err := exec.LookPath(p.argv[0])
	if err != nil {
		t.Fatalf("%s is missing: make tools installs it", p.argv[0])
	}
	cmd := exec.Command(path, p.argv[1:]...)
	cmd.Dir = dir
	sockets := shortDir(t)
	t.Cleanup(func() {
		exec.Command("tmux", "-S", sockets+"/tmux-"+strconv.Itoa(os.Getuid())+"/inner", "kill-server").Run()
	})
	cmd.Env = append([]string{
		"TMUX_TMPDIR=" + sockets, "PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm-256color", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TZ=UTC",
	}, p.env...)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: recordCols, Rows: recordRows})
	if err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	term := &terminal{t: t, name: p.name, master: master, grown: make(chan struct{}, 1),
		screen: New(recordCols, recordRows, Options{History: 1000})}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		term.read()
	}()
	defer func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
		master.Close()
		<-reading
	}()

	var r take
	cut := 0
	for _, s := range p.steps {
		if s.keys != "" {
			if _, err := master.WriteString(s.keys); err != nil {
				t.Fatalf("%s: typing %q: %v", p.name, s.keys, err)
			}
		}
		end, err := term.wait(s, cut)
		if err != nil {
			return take{}, err
		}
		term.mu.Lock()
		r.outputs = append(r.outputs, bytes.Clone(term.output[cut:end]))
		term.mu.Unlock()
		cut = end
	}
	return r, nil
}

// shortDir is a directory whose name leaves room for a socket's.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "screen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// read draws the output and gives the program the answers that it asks for.
func (r *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := r.master.Read(buf)
		r.mu.Lock()
		r.output = append(r.output, buf[:n]...)
		r.screen.Write(buf[:n])
		answers := r.screen.Answers()
		r.ended = err != nil
		r.mu.Unlock()
		r.master.Write(answers)
		select {
		case r.grown <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// wait gives the length of the output when a step is done. The error is that the
// program ended before.
func (r *terminal) wait(s step, since int) (int, error) {
	r.t.Helper()
	deadline := time.After(patience)
	for {
		if end, done, err := r.done(s, since); done || err != nil {
			return end, err
		}
		select {
		case <-r.grown:
		case <-deadline:
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("%s: after %q waited for %+v in vain, it shows\n%s", r.name, s.keys, s, show(r.screen))
		}
	}
}

func (r *terminal) done(s step, since int) (end int, done bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end = len(r.output)
	switch {
	case s.ends:
		return end, r.ended, nil
	case r.ended:
		return end, false, fmt.Errorf("%s ended, waiting for %+v; it shows\n%s", r.name, s, show(r.screen))
	case r.screen.parser.state != ground || r.screen.parser.npartial > 0:
		return end, false, nil // the rest is on its way
	case s.bytes > 0:
		return end, end-since >= s.bytes, nil
	}
	shown := show(r.screen)
	return end, strings.Contains(shown, s.shows) && (s.gone == "" || !strings.Contains(shown, s.gone)), nil
}

// lines makes numbered lines of text.
func lines(n int) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "line %d of the file, %s\n", i, strings.Repeat("with words ", i%9))
	}
	return b.String()
}
