package runner_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"chapi/bot"
	"chapi/runner"
)

// desktop is a terminal at which a test sits.
type desktop struct {
	keys *os.File // what the person types on and sees
	tty  *os.File // what the program has

	mu   sync.Mutex
	seen bytes.Buffer
}

func newDesktop(t *testing.T, cols, rows uint16) *desktop {
	t.Helper()
	keys, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	pty.Setsize(keys, &pty.Winsize{Cols: cols, Rows: rows})
	d := &desktop{keys: keys, tty: tty}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		p := make([]byte, 4096)
		for {
			n, err := keys.Read(p)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.seen.Write(p[:n])
			d.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		tty.Close() // the last: reading ends
		<-reading
		keys.Close()
	})
	return d
}

func (d *desktop) await(t *testing.T, want string) {
	t.Helper()
	eventually(t, func() string {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !strings.Contains(d.seen.String(), want) {
			return "no " + want + " in " + d.seen.String()
		}
		return ""
	})
}

func TestAttach(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("size"), PTY: true, Size: bot.Size{Cols: 60, Rows: 20}})
	awaitOutput(t, r, "1", "60x20")
	d := newDesktop(t, 132, 43)
	before, err := term.GetState(int(d.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- runner.Attach(deadline(t), dir, "1", d.tty, d.tty, runner.AttachOptions{}) }()
	d.await(t, "60x20")  // what was there
	d.await(t, "132x43") // what its coming caused
	pty.Setsize(d.keys, &pty.Winsize{Cols: 90, Rows: 30})
	unix.Kill(os.Getpid(), unix.SIGWINCH) // it is not our controlling terminal
	d.await(t, "90x30")
	d.keys.Write([]byte("echoed"))
	d.await(t, "echoed")
	awaitOutput(t, r, "1", "echoed") // and the daemon sees the same
	d.keys.Write([]byte{runner.DetachKey, 'x', runner.DetachKey})
	awaitOutput(t, r, "1", "^]x") // a single one is typed
	d.keys.Write([]byte{runner.DetachKey})
	if err := <-ended; !errors.Is(err, runner.ErrDetached) {
		t.Errorf("got %v, want %v", err, runner.ErrDetached)
	}
	after, err := term.GetState(int(d.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Error("the terminal is not as it was")
	}
	eventually(t, func() string {
		if out := read(t, r, "1", 0); !strings.HasSuffix(out, "60x20\r\n") {
			return "the size is not as it was: " + out
		}
		return ""
	})
}

func TestAttachToTheEnd(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("cat")})
	in, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	theirs.Write([]byte("from the desk\n"))
	theirs.Close()
	if err := runner.Attach(deadline(t), dir, "1", in, out, runner.AttachOptions{}); err != nil {
		t.Errorf("got %v, want nothing: the session has ended", err)
	}
	if got, _ := os.ReadFile(out.Name()); string(got) != "from the desk\n" {
		t.Errorf("got %q", got)
	}
	awaitExit(t, r, "1")
	t.Run("an ended session shows its last output", func(t *testing.T) {
		if err := runner.Attach(deadline(t), dir, "1", in, out, runner.AttachOptions{Watch: true}); !errors.Is(err, bot.ErrEnded) {
			t.Errorf("got %v, want %v", err, bot.ErrEnded)
		}
		if got, _ := os.ReadFile(out.Name()); string(got) != "from the desk\nfrom the desk\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("there is no such session", func(t *testing.T) {
		if err := runner.Attach(context.Background(), dir, "2", in, out, runner.AttachOptions{}); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("got %v, want %v", err, bot.ErrNoSession)
		}
	})
}

func TestReplay(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{PTY: true, Argv: []string{"sh", "-c", `stty -echo; printf '\033[?1049h\033[c\033[2Jone'; sleep 0.4; printf two; sleep 0.4; printf '\nthree'`}, Size: bot.Size{Cols: 80, Rows: 24}})
	awaitExit(t, r, "1")
	t.Run("takes its time, less what is idle", func(t *testing.T) {
		file, err := os.Create(t.TempDir() + "/out")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, c := range []struct {
			o    runner.ReplayOptions
			want time.Duration
		}{
			{runner.ReplayOptions{}, 700 * time.Millisecond},
			{runner.ReplayOptions{Speed: 2}, 350 * time.Millisecond},
			// Without the cut it would take longer than the deadline.
			{runner.ReplayOptions{Speed: 0.01, Idle: time.Millisecond}, 200 * time.Millisecond},
		} {
			began := time.Now()
			if err := runner.Replay(deadline(t), dir, "1", file, file, c.o); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < c.want {
				t.Errorf("%+v: took %v, want at least %v", c.o, took, c.want)
			}
		}
		out, _ := os.ReadFile(file.Name())
		if want := strings.Repeat("\x1b[?1049h\x1b[c\x1b[2Jonetwo\r\nthree", 3); string(out) != want {
			t.Errorf("got %q, want %q", out, want)
		}
	})
	t.Run("ends when asked to, and the terminal is as it was", func(t *testing.T) {
		d := newDesktop(t, 80, 24)
		before, err := term.GetState(int(d.tty.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(deadline(t))
		ended := make(chan error, 1)
		go func() {
			ended <- runner.Replay(ctx, dir, "1", d.tty, d.tty, runner.ReplayOptions{Speed: 0.001})
		}()
		d.await(t, "one")
		d.keys.Write([]byte("\x1b[?62;22c")) // what a terminal answers
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		d.await(t, "\x1b[?1049l")
		after, err := term.GetState(int(d.tty.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Error("the terminal is not as it was")
		}
		if n, err := unix.IoctlGetInt(int(d.tty.Fd()), unix.TIOCINQ); err != nil || n != 0 {
			t.Errorf("%d bytes are left to be read by the shell, %v", n, err)
		}
	})
	t.Run("there is no such session", func(t *testing.T) {
		if err := runner.Replay(deadline(t), dir, "2", os.Stdin, os.Stdout, runner.ReplayOptions{}); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("got %v, want %v", err, bot.ErrNoSession)
		}
	})
}
