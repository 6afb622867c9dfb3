package picture

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chapi/runner/screen"

	"github.com/creack/pty"
)

// pictures is a folder for pictures of real programs, as the documentation has
// them:
//
//	go test ./bot/render/picture -run TestPictures -pictures "$PWD/docs"
var pictures = flag.String("pictures", "", "write the pictures of real programs into this folder")

// program is a real program on a terminal. Its screen is ready once all the
// words stand on it; then something may be typed, until the last words do.
type program struct {
	name       string
	cols, rows int
	argv       []string
	ready      string
	keys       string
	then       string
}

var programs = []program{
	{"htop", 80, 24, []string{"htop", "-d", "5"}, "F10Quit", "", ""},
	{"vim", 80, 24, []string{"vim", "-u", "NONE", "-c", "syntax on|set number ruler background=dark laststatus=2", "painter.go"}, "package picture", "/paintRow\r", "/paintRow"},
	{"mc", 80, 24, []string{"mc", "/usr", "/etc"}, "10Quit", "", ""},
	{"dialog", 80, 24, []string{"dialog", "--title", "Backup", "--menu", "What to save tonight?", "15", "50", "4", "1", "Home folders", "2", "Databases", "3", "Configuration", "4", "Everything"}, "Cancel", "\x1b[B", ""},
	{"ls", 80, 24, []string{"ls", "--color=always", "-la", "/etc"}, "xdg", "", ""},
	{"tmux", 120, 40, []string{"tmux", "-L", "chapi-test", "-f", "/dev/null", "new-session", "htop", ";", "split-window", "-h", "vim -u NONE -c 'syntax on' painter.go", ";", "split-window", "-v", "ls --color=always -l /; exec cat"}, "F5Tree", "", ""},
}

func TestPicturesOfRealPrograms(t *testing.T) {
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			v := p.run(t)
			filled := 0
			for _, c := range v.Cells {
				if c.Text != "" && c.Text != " " {
					filled++
				}
			}
			if filled < 100 {
				t.Fatalf("the screen of %s has %d characters; something went wrong:\n%s", p.name, filled, strings.Join(lines(v), "\n"))
			}
			if *pictures == "" {
				return
			}
			f, err := os.Create(filepath.Join(*pictures, p.name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := NewPainter().PNG(f, v, Options{Title: true, Name: p.name}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func lines(v screen.View) (all []string) {
	for y := range v.Rows {
		all = append(all, v.Text(y))
	}
	return all
}

// run runs the program on a terminal until its screen is ready, and ends it.
func (p program) run(t *testing.T) screen.View {
	t.Helper()
	path, err := exec.LookPath(p.argv[0])
	if err != nil {
		t.Fatalf("%s is not installed: make tools", p.argv[0])
	}
	cmd := exec.Command(path, p.argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8", "HOME=" + t.TempDir(), "SHELL=/bin/sh", "COLORTERM=truecolor"}
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(p.cols), Rows: uint16(p.rows)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		terminal.Close()
		cmd.Wait()
		if p.argv[0] == "tmux" {
			exec.Command(path, "-L", "chapi-test", "kill-server").Run()
		}
	}()
	output := make(chan []byte)
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
	s := screen.New(p.cols, p.rows, screen.Options{})
	waiting, keys := p.ready, p.keys
	deadline := time.After(10 * time.Second)
	for {
		select {
		case b, more := <-output:
			if !more {
				return s.View()
			}
			s.Write(b)
			terminal.Write(s.Answers())
		case <-time.After(rest):
			if !strings.Contains(strings.Join(lines(s.View()), "\n"), waiting) {
				continue
			}
			if keys == "" {
				go func() {
					for range output {
					}
				}()
				return s.View()
			}
			terminal.Write([]byte(keys))
			waiting, keys = p.then, ""
		case <-deadline:
			t.Fatalf("%q does not come on the screen of %s:\n%s", waiting, p.name, strings.Join(lines(s.View()), "\n"))
		}
	}
}

// rest is how long nothing must come before a screen is looked at.
const rest = 150 * time.Millisecond
