// Package rendertest runs real programs on real terminals, for tests of what is
// drawn.
package rendertest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"chapi/runner/screen"

	"github.com/creack/pty"
)

// Program is a real program on a terminal of its own. Its screen is ready once
// the words Ready stand on it; then Keys are typed, if there are any, and it is
// ready again with the words Then.
type Program struct {
	Cols, Rows int
	Argv       []string
	Dir        string
	Ready      string
	Keys       string
	Then       string
}

const (
	// rest is how long nothing must come before a screen is looked at: programs
	// draw in pieces.
	rest = 150 * time.Millisecond
	// patience is how long a screen may take.
	patience = 20 * time.Second
)

// Screen runs the program until its screen is ready, and ends it. The test
// fails if the program is not installed, or its screen never gets ready.
func (p Program) Screen(t testing.TB) screen.View {
	t.Helper()
	path, err := exec.LookPath(p.Argv[0])
	if err != nil {
		t.Fatalf("%s is not installed: make tools", p.Argv[0])
	}
	cmd := exec.Command(path, p.Argv[1:]...)
	cmd.Dir = p.Dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TMUX_TMPDIR=" + t.TempDir(), "SHELL=/bin/sh",
		"TERM=xterm-256color", "COLORTERM=truecolor", "LANG=C.UTF-8",
	}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(p.Cols), Rows: uint16(p.Rows)})
	if err != nil {
		t.Fatal(err)
	}
	output := make(chan []byte)
	defer func() {
		cmd.Process.Kill()
		terminal.Close()
		for range output {
		}
		cmd.Wait()
	}()
	go func() {
		defer close(output)
		for {
			b := make([]byte, 32<<10)
			n, err := terminal.Read(b)
			if err != nil {
				return
			}
			output <- b[:n]
		}
	}()
	return p.watch(t, output, terminal)
}

func (p Program) watch(t testing.TB, output <-chan []byte, terminal *os.File) screen.View {
	t.Helper()
	s := screen.New(p.Cols, p.Rows, screen.Options{})
	waiting, keys := p.Ready, p.Keys
	deadline := time.After(patience)
	for {
		select {
		case b, more := <-output:
			if !more {
				return s.View()
			}
			s.Write(b)
			terminal.Write(s.Answers())
		case <-time.After(rest):
			if !strings.Contains(text(s.View()), waiting) {
				continue
			}
			if keys == "" {
				return s.View()
			}
			terminal.Write([]byte(keys))
			waiting, keys = p.Then, ""
		case <-deadline:
			t.Fatalf("%q does not come on the screen of %s:\n%s", waiting, p.Argv[0], text(s.View()))
		}
	}
}

func text(v screen.View) string {
	var rows []string
	for y := range v.Rows {
		rows = append(rows, v.Text(y))
	}
	return strings.Join(rows, "\n")
}
