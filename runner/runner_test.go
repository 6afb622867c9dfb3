package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chapi/bot"
)

func TestExit(t *testing.T) {
	r := newRunner(t, t.TempDir())
	for i, c := range []struct {
		name string
		argv []string
		out  string
		want bot.Exit
	}{
		{"a program that ends by itself has its code", program("exit", "3"), "", bot.Exit{Code: 3, Reason: bot.Exited}},
		{"output and exit 0", program("echo", "hi"), "hi\n", bot.Exit{Reason: bot.Exited}},
		{"standard error is output too", program("err", "oops"), "oops\n", bot.Exit{Reason: bot.Exited}},
		{"a signal that nobody sent is named", []string{"sh", "-c", "kill -SEGV $$"}, "", bot.Exit{Code: -1, Signal: "SEGV", Reason: bot.Signalled}},
		{"a program that closes its output still runs", program("mute"), "", bot.Exit{Code: 3, Reason: bot.Exited}},
		{"arguments are exact bytes", program("echo", "a\xff\xfeb", "c  d", "é\x01"), "a\xff\xfeb c  d é\x01\n", bot.Exit{Reason: bot.Exited}},
		{"binary output is kept as it is", program("binary", "5"), string(noise(5, 300_000)), bot.Exit{Reason: bot.Exited}},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := bot.SessionID(strconv.Itoa(i + 1))
			start(t, r, id, bot.Spec{Argv: c.argv})
			s := awaitExit(t, r, id)
			s.Exit.At = time.Time{}
			if s.Exit != c.want {
				t.Errorf("got %+v, want %+v", s.Exit, c.want)
			}
			if got := read(t, r, id, 0); got != c.out {
				t.Errorf("got %d bytes %.80q, want %d bytes %.80q", len(got), got, len(c.out), c.out)
			}
			if s.End != int64(len(c.out)) {
				t.Errorf("got length %d, want %d", s.End, len(c.out))
			}
		})
	}
}

func TestStreamsAreToldApart(t *testing.T) {
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{Argv: program("both")})
	awaitExit(t, r, "1")
	j, err := r.Journal("1")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	got := ""
	for from := int64(0); ; {
		c, err := j.Next(from, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Data) == 0 {
			break
		}
		got += fmt.Sprintf("%d:%s", c.Stream, c.Data)
		from = c.From + int64(len(c.Data))
	}
	if want := "1:out1 2:err1 1:out2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSameIDIsNeverStartedTwice(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	spec := bot.Spec{Argv: []string{"sleep", "60"}, Dir: "/", Env: env}
	start(t, r, "1", spec)
	if err := r.Start(deadline(t), "1", spec); !errors.Is(err, bot.ErrExists) {
		t.Errorf("while it runs: got %v, want %v", err, bot.ErrExists)
	}
	control(t, r, "1", bot.Control{Signal: "KILL"})
	awaitExit(t, r, "1")
	if err := r.Start(deadline(t), "1", spec); !errors.Is(err, bot.ErrExists) {
		t.Errorf("after it ended: got %v, want %v", err, bot.ErrExists)
	}
	if err := newRunner(t, dir).Start(deadline(t), "1", spec); !errors.Is(err, bot.ErrExists) {
		t.Errorf("after a restart: got %v, want %v", err, bot.ErrExists)
	}
}

func TestUnknownSessions(t *testing.T) {
	r := newRunner(t, t.TempDir())
	ctx := deadline(t)
	for _, id := range []bot.SessionID{"1", "", "..", "../x", "a", "123456789012345678901"} {
		if _, err := r.Wait(ctx, id, 0); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("wait for %q: got %v, want %v", id, err, bot.ErrNoSession)
		}
		if err := r.Control(ctx, id, bot.Control{Stop: true}); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("control %q: got %v, want %v", id, err, bot.ErrNoSession)
		}
		if _, err := r.Journal(id); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("journal of %q: got %v, want %v", id, err, bot.ErrNoSession)
		}
		if err := r.Remove(id); err != nil {
			t.Errorf("remove %q: got %v, want nothing", id, err)
		}
	}
}

func TestStartErrors(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, filepath.Join(dir, "sessions"))
	bin := filepath.Join(dir, "bin")
	os.Mkdir(bin, 0o755)
	put := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	put("python3", "#!/bin/sh\n", 0o755)
	put("plain", "#!/bin/sh\n", 0o644)
	put("script", "echo hi\n", 0o755)
	put("orphan", "#!/no/such/thing -x\n", 0o755)
	put("other", "\x7fELF\x02\x01\x01", 0o755)
	os.Mkdir(filepath.Join(bin, "folder"), 0o755)
	for i, c := range []struct {
		name string
		spec bot.Spec
		want string
	}{
		{"no such program, with the name that was meant", bot.Spec{Argv: []string{"pyton3"}}, "no such program: pyton3; did you mean python3?"},
		{"no such program, with nothing like it", bot.Spec{Argv: []string{"xyzzyx"}}, "no such program: xyzzyx"},
		{"a path that is not there", bot.Spec{Argv: []string{"./nothing"}}, "no such program: ./nothing"},
		{"not executable", bot.Spec{Argv: []string{"plain"}}, "cannot run plain: it is not executable (chmod +x plain)"},
		{"a folder", bot.Spec{Argv: []string{"./folder"}}, "cannot run ./folder: it is a folder"},
		{"no program at all", bot.Spec{}, "there is no program to run"},
		{"no such working folder", bot.Spec{Argv: []string{"python3"}, Dir: dir + "/none"}, "no such folder: " + dir + "/none"},
		{"a file as working folder", bot.Spec{Argv: []string{"python3"}, Dir: bin + "/plain"}, "not a folder: " + bin + "/plain"},
		{"a script without its first line", bot.Spec{Argv: []string{"script"}}, "cannot run script: it is a script without a #! line; begin it with #!/bin/sh, or give it to sh"},
		{"a script without its interpreter", bot.Spec{Argv: []string{"orphan"}}, "cannot run orphan: it wants /no/such/thing, which is not there"},
		{"a program for another machine", bot.Spec{Argv: []string{"other"}}, "cannot run other: it is made for another kind of machine"},
		{"a NUL", bot.Spec{Argv: []string{"python3", "a\x00b"}}, "a program cannot be given a NUL byte"},
		{"an argument that is too long", bot.Spec{Argv: []string{"python3", strings.Repeat("a", 200_000)}}, "cannot run python3: its arguments and environment are too long"},
		{"arguments that are far too long", bot.Spec{Argv: []string{"python3", strings.Repeat("a", 10_000_000)}}, "cannot run python3: its arguments and environment are too long"},
		{"no such user", bot.Spec{Argv: []string{"python3"}, User: "nobody-here"}, "no such user: nobody-here"},
		{"with limits too", bot.Spec{Argv: []string{"script"}, CPU: time.Minute}, "cannot run script: it is a script without a #! line; begin it with #!/bin/sh, or give it to sh"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := bot.SessionID(strconv.Itoa(i + 1))
			c.spec.Env = []string{"PATH=" + bin}
			if c.spec.Dir == "" {
				c.spec.Dir = bin
			}
			err := r.Start(deadline(t), id, c.spec)
			var fault *bot.StartError
			if !errors.As(err, &fault) || fault.Text != c.want {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if _, err := os.Stat(filepath.Join(dir, "sessions", string(id))); !os.IsNotExist(err) {
				t.Errorf("the folder is still there: %v", err)
			}
		})
	}
}

func TestStop(t *testing.T) {
	r := newRunner(t, t.TempDir())
	for i, c := range []struct {
		name    string
		spec    bot.Spec
		control bot.Control
		ready   string
		want    bot.Exit
	}{
		{"stop ends what heeds TERM", bot.Spec{Argv: []string{"sleep", "60"}}, bot.Control{Stop: true}, "",
			bot.Exit{Code: -1, Signal: "TERM", Reason: bot.Stopped}},
		{"stop kills what ignores TERM after the grace period", bot.Spec{Argv: program("deaf"), Grace: 200 * time.Millisecond}, bot.Control{Stop: true}, "ready",
			bot.Exit{Code: -1, Signal: "KILL", Reason: bot.Stopped}},
		{"a signal that we sent is a stop", bot.Spec{Argv: []string{"sleep", "60"}}, bot.Control{Signal: "sigint"}, "",
			bot.Exit{Code: -1, Signal: "INT", Reason: bot.Stopped}},
		{"a signal by number", bot.Spec{Argv: []string{"sleep", "60"}}, bot.Control{Signal: "10"}, "",
			bot.Exit{Code: -1, Signal: "USR1", Reason: bot.Stopped}},
		{"the time limit", bot.Spec{Argv: program("deaf"), Timeout: 2 * time.Second, Grace: 100 * time.Millisecond}, bot.Control{}, "ready",
			bot.Exit{Code: -1, Signal: "KILL", Reason: bot.TimedOut}},
		{"under a terminal", bot.Spec{Argv: program("deaf"), PTY: true, Grace: 200 * time.Millisecond}, bot.Control{Stop: true}, "ready",
			bot.Exit{Code: -1, Signal: "KILL", Reason: bot.Stopped}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			id := bot.SessionID(strconv.Itoa(i + 1))
			start(t, r, id, c.spec)
			awaitOutput(t, r, id, c.ready)
			began := time.Now()
			if c.control.Stop || c.control.Signal != "" {
				control(t, r, id, c.control)
			}
			s := awaitExit(t, r, id)
			s.Exit.At = time.Time{}
			if s.Exit != c.want {
				t.Errorf("got %+v, want %+v", s.Exit, c.want)
			}
			if took := time.Since(began); took > 20*time.Second { // they would take a minute
				t.Errorf("it took %v", took)
			}
			if err := r.Control(deadline(t), id, bot.Control{Input: []byte("x")}); !errors.Is(err, bot.ErrEnded) {
				t.Errorf("input after the end: got %v, want %v", err, bot.ErrEnded)
			}
		})
	}
	t.Run("no such signal", func(t *testing.T) {
		start(t, r, "99", bot.Spec{Argv: []string{"sleep", "60"}})
		var fault *bot.UserError
		if err := r.Control(deadline(t), "99", bot.Control{Signal: "BANG"}); !errors.As(err, &fault) || !strings.Contains(fault.Text, "TERM") {
			t.Errorf("got %v, want a *bot.UserError that names signals", err)
		}
	})
}

func leftPID(t *testing.T, out string) int {
	t.Helper()
	var pid int
	if _, err := fmt.Sscanf(out, "left %d", &pid); err != nil {
		t.Fatalf("no pid in %q: %v", out, err)
	}
	return pid
}

func TestNothingSurvivesAStop(t *testing.T) {
	r := newRunner(t, t.TempDir())
	// The shell stays; the child is in another group and ignores TERM.
	start(t, r, "1", bot.Spec{Argv: []string{"sh", "-c", `"$0" program leave 1m away; sleep 60`, self}, Grace: 200 * time.Millisecond})
	pid := leftPID(t, awaitOutput(t, r, "1", "\n"))
	control(t, r, "1", bot.Control{Stop: true})
	s := awaitExit(t, r, "1")
	if running(pid) {
		t.Errorf("process %d is alive after %v", pid, s.Exit)
	}
	if s.Exit.Open || s.Exit.Reason != bot.Stopped {
		t.Errorf("got %+v, want a stop with its output closed", s.Exit)
	}
}

func TestLeakedOutput(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	t.Run("the exit is told within a bound and the rest is read", func(t *testing.T) {
		began := time.Now()
		start(t, r, "1", bot.Spec{Argv: program("leave", "6s")})
		s := awaitExit(t, r, "1")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		if !s.Exit.Open || s.Exit.Code != 0 {
			t.Errorf("got %+v, want exit 0 with its output open", s.Exit)
		}
		eventually(t, func() string {
			if out := read(t, r, "1", 0); !strings.HasSuffix(out, "later\n") {
				return fmt.Sprintf("output is %q", out)
			}
			s, err := r.Wait(deadline(t), "1", 1<<40)
			if err != nil || s.Exit.Open {
				return fmt.Sprintf("status is %+v, %v", s, err)
			}
			return ""
		})
	})
	t.Run("a stop after the exit ends what was left", func(t *testing.T) {
		start(t, r, "2", bot.Spec{Argv: program("leave", "1m"), Grace: 100 * time.Millisecond})
		awaitExit(t, r, "2")
		pid := leftPID(t, read(t, r, "2", 0))
		control(t, r, "2", bot.Control{Stop: true})
		eventually(t, func() string {
			if s, _ := r.Wait(deadline(t), "2", 0); running(pid) || s.Exit.Open || s.Exit.Reason != bot.Exited {
				return fmt.Sprintf("process %d is there, or %+v", pid, s)
			}
			return ""
		})
	})
	t.Run("removing lets go of it", func(t *testing.T) {
		start(t, r, "3", bot.Spec{Argv: program("leave", "2s")})
		awaitExit(t, r, "3")
		if err := r.Remove("3"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Journal("3"); !errors.Is(err, bot.ErrNoSession) {
			t.Errorf("got %v, want %v", err, bot.ErrNoSession)
		}
	})
	t.Run("a running session is not removed", func(t *testing.T) {
		start(t, r, "4", bot.Spec{Argv: []string{"sleep", "60"}})
		if err := r.Remove("4"); err == nil {
			t.Error("it was removed")
		}
	})
}

func TestInput(t *testing.T) {
	r := newRunner(t, t.TempDir())
	t.Run("goes to the program and ends", func(t *testing.T) {
		start(t, r, "1", bot.Spec{Argv: program("cat")})
		control(t, r, "1", bot.Control{Input: []byte("hello\x00\xff")})
		control(t, r, "1", bot.Control{EOF: true})
		if s := awaitExit(t, r, "1"); s.Exit.Code != 0 {
			t.Errorf("got %+v", s.Exit)
		}
		if got := read(t, r, "1", 0); got != "hello\x00\xff" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("is refused after its end", func(t *testing.T) {
		start(t, r, "2", bot.Spec{Argv: []string{"sleep", "60"}})
		control(t, r, "2", bot.Control{EOF: true})
		if err := r.Control(deadline(t), "2", bot.Control{Input: []byte("x")}); !errors.Is(err, bot.ErrEnded) {
			t.Errorf("got %v, want %v", err, bot.ErrEnded)
		}
	})
	t.Run("is refused when the program does not read", func(t *testing.T) {
		start(t, r, "3", bot.Spec{Argv: []string{"sleep", "60"}})
		big := bytes.Repeat([]byte("0123456789abcde\n"), 8<<10) // half of what is kept
		var err error
		for range 5 {
			if err = r.Control(deadline(t), "3", bot.Control{Input: big}); err != nil {
				break
			}
		}
		if !errors.Is(err, bot.ErrInputFull) {
			t.Errorf("got %v, want %v", err, bot.ErrInputFull)
		}
		control(t, r, "3", bot.Control{Stop: true})
		awaitExit(t, r, "3")
	})
	for i, c := range []struct {
		name string
		pty  bool
	}{{"ten thousand lines through a pipe", false}, {"ten thousand lines through a terminal", true}} {
		t.Run(c.name, func(t *testing.T) {
			id := bot.SessionID(strconv.Itoa(10 + i))
			start(t, r, id, bot.Spec{Argv: program("lines"), PTY: c.pty, Size: bot.Size{Cols: 80, Rows: 24}})
			var paste bytes.Buffer
			for n := range 10_000 {
				fmt.Fprintf(&paste, "line %04d of the paste\n", n)
			}
			control(t, r, id, bot.Control{Input: paste.Bytes()})
			control(t, r, id, bot.Control{EOF: true})
			awaitOutput(t, r, id, fmt.Sprintf("read 10000 lines %d bytes", paste.Len()))
			awaitExit(t, r, id)
		})
	}
}

func TestTerminal(t *testing.T) {
	r := newRunner(t, t.TempDir())
	t.Run("has the size asked for and takes a new one", func(t *testing.T) {
		start(t, r, "1", bot.Spec{Argv: program("size"), PTY: true, Size: bot.Size{Cols: 101, Rows: 17}})
		awaitOutput(t, r, "1", "101x17\r\n")
		control(t, r, "1", bot.Control{Resize: &bot.Size{Cols: 60, Rows: 20}})
		awaitOutput(t, r, "1", "60x20\r\n")
	})
	t.Run("types its keys", func(t *testing.T) {
		start(t, r, "2", bot.Spec{Argv: []string{"cat"}, PTY: true})
		control(t, r, "2", bot.Control{Input: []byte("abc\n")})
		awaitOutput(t, r, "2", "abc\r\nabc\r\n")
		control(t, r, "2", bot.Control{Input: []byte{3}})
		if s := awaitExit(t, r, "2"); s.Exit.Signal != "INT" {
			t.Errorf("got %+v, want the end by INT", s.Exit)
		}
	})
	t.Run("tells a password prompt", func(t *testing.T) {
		start(t, r, "3", bot.Spec{Argv: program("password"), PTY: true})
		awaitOutput(t, r, "3", "Password: ")
		hidden := func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			defer cancel()
			s, _ := r.Wait(ctx, "3", 1<<40)
			return s.Hidden
		}
		eventually(t, func() string {
			if !hidden() {
				return "it is not hidden"
			}
			return ""
		})
		control(t, r, "3", bot.Control{Input: []byte("secret\n")})
		awaitOutput(t, r, "3", "thanks")
		if out := read(t, r, "3", 0); strings.Contains(out, "secret") {
			t.Errorf("the password is in the output: %q", out)
		}
		awaitExit(t, r, "3")
	})
	t.Run("keeps all output of a program that ends at once", func(t *testing.T) {
		for i := range 30 {
			id := bot.SessionID(strconv.Itoa(100 + i))
			start(t, r, id, bot.Spec{Argv: []string{"seq", "1", "2000"}, PTY: true})
			awaitExit(t, r, id)
			if got := strings.Count(read(t, r, id, 0), "\n"); got != 2000 {
				t.Fatalf("run %d: got %d lines, want 2000", i, got)
			}
		}
	})
	t.Run("a signal reaches the job in the foreground", func(t *testing.T) {
		// The shell itself ignores TERM.
		start(t, r, "4", bot.Spec{Argv: []string{"bash", "--norc", "-i"}, PTY: true, Env: append([]string{"PS1=ready$ "}, env...)})
		awaitOutput(t, r, "4", "ready$ ")
		control(t, r, "4", bot.Control{Input: []byte("sleep 61 || echo gave\\ up\n")})
		eventually(t, func() string {
			control(t, r, "4", bot.Control{Signal: "TERM"})
			if !strings.Contains(read(t, r, "4", 0), "gave up\r\n") {
				return "the job goes on"
			}
			return ""
		})
	})
}

func TestSurroundings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, filepath.Join(dir, "sessions"))
	lines := func(t *testing.T, id bot.SessionID, spec bot.Spec) string {
		spec.Argv = program("surroundings", "a", "b\xffc")
		spec.Dir = dir
		spec.Env = []string{"B=2", "A=\xff1", "B=3", "strange", "GORACE=atexit_sleep_ms=0"}
		start(t, r, id, spec)
		if s := awaitExit(t, r, id); s.Exit.Code != 0 {
			t.Fatalf("got %+v: %s", s.Exit, read(t, r, id, 0))
		}
		return strings.ReplaceAll(read(t, r, id, 0), "\r", "")
	}
	expect := func(t *testing.T, out string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(out, w+"\n") {
				t.Errorf("no line %q in\n%s", w, out)
			}
		}
	}
	own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	inherits := func(id string) []string {
		pipe := filepath.Join(dir, "sessions", id, "frames.pipe")
		return []string{
			"SigIgn:\t0000000000000000", "SigBlk:\t0000000000000000", "oom " + was(t), fmt.Sprint("nice ", 20-own),
			"group true", "session true", "dir " + dir, `argv ["surroundings" "a" "b\xffc"]`, "Umask:\t0022",
			`env "B=2\x00A=\xff1\x00B=3\x00strange\x00GORACE=atexit_sleep_ms=0\x00CHAPI_FRAMES=` + pipe + `\x00"`,
		}
	}
	t.Run("with pipes", func(t *testing.T) {
		out := lines(t, "1", bot.Spec{})
		expect(t, out, inherits("1")...)
		if n := strings.Count(out, "\nfd "); n != 3 {
			t.Errorf("got %d descriptors, want 0, 1 and 2:\n%s", n, out)
		}
		if !strings.Contains(out, "fd 2 pipe:") {
			t.Errorf("no pipes:\n%s", out)
		}
	})
	t.Run("with a terminal", func(t *testing.T) {
		out := lines(t, "2", bot.Spec{PTY: true, Size: bot.Size{Cols: 500, Rows: 50}})
		expect(t, out, inherits("2")...)
		if !strings.Contains(out, "fd 2 /dev/pts/") {
			t.Errorf("no terminal:\n%s", out)
		}
	})
	t.Run("with limits", func(t *testing.T) {
		out := lines(t, "3", bot.Spec{Nice: 5, CPU: 1500 * time.Millisecond, Memory: 4 << 30})
		want := inherits("3")
		want[3] = "nice 5"
		expect(t, out, append(want, "cpu 2 as 4294967296")...)
		if n := strings.Count(out, "\nfd "); n != 3 {
			t.Errorf("got %d descriptors, want 0, 1 and 2:\n%s", n, out)
		}
	})
	t.Run("as somebody else", func(t *testing.T) {
		if os.Getuid() != 0 {
			err := r.Start(deadline(t), "4", bot.Spec{Argv: []string{"id"}, Dir: "/", Env: env, User: "root"})
			var fault *bot.StartError
			if !errors.As(err, &fault) {
				t.Errorf("got %v, want a *bot.StartError", err)
			}
			return
		}
		start(t, r, "4", bot.Spec{Argv: []string{"id", "-un"}, User: "nobody"})
		awaitExit(t, r, "4")
		if out := read(t, r, "4", 0); out != "nobody\n" {
			t.Errorf("got %q", out)
		}
	})
}

func was(t *testing.T) string {
	b, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func TestProcessorTimeLimit(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{Argv: []string{"sh", "-c", "while :; do :; done"}, CPU: time.Second})
	s := awaitExit(t, r, "1")
	if s.Exit.Signal != "XCPU" || s.Exit.Reason != bot.Signalled || s.Exit.Detail == "" {
		t.Errorf("got %+v, want the end by XCPU with a detail", s.Exit)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	const budget, lines = 1 << 20, 1_000_000
	start(t, r, "1", bot.Spec{Argv: program("numbers", strconv.Itoa(lines)), Budget: budget})
	s := awaitExit(t, r, "1")
	if s.End != lines*10 {
		t.Errorf("got length %d, want %d", s.End, lines*10)
	}
	j, err := r.Journal("1")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	kept, end := j.Extent()
	if len(kept) != 2 || end != s.End || kept[0] != (bot.Range{To: budget / 2}) || kept[1].To != end {
		t.Fatalf("got %v of %d", kept, end)
	}
	var want bytes.Buffer
	for n := range lines {
		fmt.Fprintf(&want, "%09d\n", n)
	}
	got := read(t, r, "1", kept[1].From)
	if got != want.String()[kept[1].From:] {
		t.Error("the tail is not what was printed")
	}
	if c, err := j.Next(budget/2, 10); err != nil || c.From != kept[1].From {
		t.Errorf("after the head comes %d (%v), want %d", c.From, err, kept[1].From)
	}
}

func TestRemoveIsForGood(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("echo", "hi")})
	awaitExit(t, r, "1")
	for range 2 {
		if err := r.Remove("1"); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Errorf("%s is left", e.Name())
		}
	}
}

func TestClosedRunner(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: []string{"sleep", "60"}})
	failed := make(chan error)
	go func() {
		_, err := r.Wait(deadline(t), "1", 0)
		failed <- err
	}()
	r.Close()
	if err := <-failed; err == nil {
		t.Error("a wait goes on after Close")
	}
	again := newRunner(t, dir)
	control(t, again, "1", bot.Control{Stop: true})
	if s := awaitExit(t, again, "1"); s.Exit.Reason != bot.Stopped {
		t.Errorf("got %+v", s.Exit)
	}
}
