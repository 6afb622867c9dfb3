package console

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"chapi/bot"
)

// runChild is a console program of its own. It says each line that it takes;
// some lines are wishes of the test.
func runChild() {
	terminal := os.Getenv("CHAPI_TEST_CONSOLE") == "terminal"
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var c *Console
	running := false
	c = New(Config{
		In: os.Stdin, Out: os.Stdout, Terminal: terminal, User: "pi",
		Interrupt: func(ctx context.Context) bool {
			if running {
				running = false
				childSay(ctx, c, "interrupted")
				return true
			}
			return false
		},
		OnEOF: func() {
			if os.Getenv("CHAPI_TEST_CONSOLE") != "late" {
				stop()
				return
			}
			go func() {
				for ctx.Err() == nil {
					childSay(ctx, c, strings.Repeat("y", 1000))
				}
			}()
		},
		OnQuit: stop,
	})
	err := c.Run(ctx, childInbox(func(line string) {
		switch {
		case line == "start":
			running = true
			childSay(ctx, c, "started")
		case line == "flood":
			for ctx.Err() == nil {
				childSay(ctx, c, strings.Repeat("y", 1000))
			}
		case line == "crash":
			os.Exit(3)
		case strings.HasPrefix(line, "out "):
			childOutput(ctx, c, line[4:])
		default:
			childSay(ctx, c, "got "+line)
		}
	}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func childSay(ctx context.Context, c *Console, s string) {
	_, _ = c.Send(ctx, bot.Outgoing{Thread: Local, Post: bot.Plainf("%s", s)})
}

func childOutput(ctx context.Context, c *Console, s string) {
	f, err := os.CreateTemp("", "output")
	if err != nil {
		panic(err)
	}
	defer os.Remove(f.Name())
	f.WriteString(s)
	f.Close()
	_, _ = c.Send(ctx, bot.Outgoing{
		Thread: Local,
		Post:   bot.Post{Output: &bot.OutputRef{}},
		File:   &bot.Content{Path: f.Name(), Size: int64(len(s))},
	})
}

type childInbox func(line string)

func (in childInbox) Accept(_ context.Context, b bot.Batch) ([]bot.Ack, error) {
	for _, m := range b.Messages {
		in(m.Text)
	}
	return make([]bot.Ack, len(b.Messages)), nil
}

func (childInbox) Cursor(context.Context, string) (string, error) { return "", nil }

// desk is a console program at a real terminal.
type desk struct {
	t        *testing.T
	cmd      *exec.Cmd
	keyboard *os.File
	*glass
	exited   chan error
	settings unix.Termios // before it started
}

func sitDown(t *testing.T, rows, cols int) *desk {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	master, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: uint16(rows), Cols: uint16(cols)}); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, keyboard: master, glass: newGlass(rows, cols), exited: make(chan error, 1)}
	d.settings = d.now()
	d.cmd = exec.Command(exe)
	d.cmd.Env = append(os.Environ(), "CHAPI_TEST_CONSOLE=terminal")
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = tty, tty, tty
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		p := make([]byte, 4096)
		for {
			n, err := master.Read(p)
			if err != nil {
				return // EIO: nobody has the terminal open any more
			}
			d.glass.Write(p[:n])
		}
	}()
	go func() { d.exited <- d.cmd.Wait() }()
	t.Cleanup(func() {
		d.cmd.Process.Kill()
		tty.Close()
		<-looked
		master.Close()
	})
	return d
}

// now is the terminal's settings.
func (d *desk) now() unix.Termios {
	d.t.Helper()
	settings, err := unix.IoctlGetTermios(int(d.keyboard.Fd()), unix.TCGETS)
	if err != nil {
		d.t.Fatal(err)
	}
	return *settings
}

func (d *desk) press(keys string) {
	d.t.Helper()
	if _, err := d.keyboard.WriteString(keys); err != nil {
		d.t.Fatal(err)
	}
}

// sees waits until the screen looks so. | is the cursor.
func (d *desk) sees(lines ...string) {
	d.t.Helper()
	want := strings.Join(lines, "\n")
	deadline := time.After(time.Minute)
	for d.glass.String() != want {
		select {
		case <-d.changed:
		case <-deadline:
			d.t.Fatalf("got screen\n%s\nwant\n%s", d.glass.String(), want)
		}
	}
}

// leaves waits until the program has ended well and given the terminal back.
func (d *desk) leaves() {
	d.t.Helper()
	select {
	case err := <-d.exited:
		if err != nil {
			d.t.Errorf("program: %v", err)
		}
	case <-time.After(time.Minute):
		d.t.Fatalf("the program goes on; screen\n%s", d.glass.String())
	}
	if got := d.now(); got != d.settings {
		d.t.Errorf("the terminal's settings changed from\n%+v to\n%+v", d.settings, got)
	}
}

func TestAConversationAtATerminal(t *testing.T) {
	d := sitDown(t, 10, 40)
	d.sees("> |")
	d.press("hello\r")
	d.sees("> hello", "got hello", "> |")
	d.press("\x1b[A wor\x7fld\x1b[D")
	d.sees("> hello", "got hello", "> hello wol|d")
	d.press("\x08r\r")
	d.sees("> hello", "got hello", "> hello word", "got hello word", "> |")
	d.press("\x0c")
	d.sees("> |")
	d.press("a\rb\rc")
	d.sees("> a", "> b", "got a", "got b", "> c|")
	d.press("\x15\x04")
	d.sees("> a", "> b", "got a", "got b", "|")
	d.leaves()
}

func TestTypingGoesOnBehindAProgramsQuestion(t *testing.T) {
	d := sitDown(t, 10, 40)
	d.sees("> |")
	d.press("out Name: \r")
	d.sees("> out Name:", "Name: |")
	d.press("pi")
	d.sees("> out Name:", "Name: pi|")
	d.press("\r")
	d.sees("> out Name:", "Name: pi", "got pi", "> |")
	d.press("\x04")
	d.leaves()
}

func TestCtrlCClearsTheLineThenInterruptsThenQuits(t *testing.T) {
	d := sitDown(t, 12, 40)
	d.sees("> |")
	d.press("start\r")
	d.sees("> start", "started", "> |")
	d.press("oops")
	d.sees("> start", "started", "> oops|")
	d.press("\x03")
	d.sees("> start", "started", "> oops^C", "> |")
	d.press("\x03")
	d.sees("> start", "started", "> oops^C", "interrupted", "> |")
	d.press("still here\r")
	d.sees("> start", "started", "> oops^C", "interrupted", "> still here", "got still here", "> |")
	time.Sleep(impatience + 500*time.Millisecond) // sooner it would be taken as impatience
	d.press("\x03")
	d.leaves()
}

func TestALineLongerThanTheScreenNeverWraps(t *testing.T) {
	d := sitDown(t, 4, 40)
	d.sees("> |")
	d.press("1\r2\r3\r")
	d.sees("got 1", "got 2", "got 3", "> |")
	d.press(strings.Repeat("a", 30) + strings.Repeat("b", 30))
	d.sees("got 1", "got 2", "got 3", "> "+strings.Repeat("a", 7)+strings.Repeat("b", 30)+"|")
	d.press("\x1b[H")
	d.sees("got 1", "got 2", "got 3", "> |"+strings.Repeat("a", 30)+strings.Repeat("b", 7))
	d.press("\x1b[F\x15x\r")
	d.sees("got 3", "> x", "got x", "> |")
}

func TestTheTerminalIsGivenBackWhenTheDaemonStops(t *testing.T) {
	d := sitDown(t, 4, 40)
	d.sees("> |")
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.leaves()
	d.sees("|")
}

func TestAClosedPipeEndsTheProgramQuietly(t *testing.T) {
	t.Run("while it reads", func(t *testing.T) { closePipe(t, "pipe", "flood\n") })
	t.Run("after the end of its input", func(t *testing.T) { closePipe(t, "late", "") })
}

func closePipe(t *testing.T, mode, input string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "CHAPI_TEST_CONSOLE="+mode)
	cmd.Stdin = strings.NewReader(input)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timeout := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
	defer timeout.Stop()
	if _, err := out.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := cmd.Wait(); err != nil || complaints.String() != "" {
		t.Errorf("got %v and %q", err, complaints.String())
	}
}
