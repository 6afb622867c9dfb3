package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"chapi/bot"
	"chapi/runner"
	"chapi/runner/holder"
	"chapi/runner/screen"
)

// The programs that ask their terminal.
func init() {
	// ask puts the terminal into raw mode, asks its questions, and prints what
	// it is answered.
	programs["ask"] = func(args []string) {
		was, err := term.MakeRaw(0)
		if err != nil {
			panic(err)
		}
		for _, question := range args {
			fmt.Print(question)
			fmt.Printf("\r\n%q\r\n", hear())
		}
		term.Restore(0, was)
		fmt.Println("asked")
	}
	// daemonOfAsker starts a program that asks when this daemon is gone, and
	// waits to be killed.
	programs["daemonOfAsker"] = func(args []string) {
		r, err := runner.New(runner.Options{Dir: args[0], Logger: quiet})
		if err != nil {
			panic(err)
		}
		err = r.Start(context.Background(), bot.SessionID(args[1]), bot.Spec{
			Argv: program("askLater", fmt.Sprint(os.Getpid())), Dir: "/", Env: env, PTY: true, Size: terminal,
		})
		if err != nil {
			panic(err)
		}
		fmt.Println("started")
		select {}
	}
	programs["askLater"] = func(args []string) {
		for running(atoi(args[0])) {
			time.Sleep(5 * time.Millisecond)
		}
		programs["ask"]([]string{"\x1b[6n"})
		time.Sleep(time.Minute)
	}
	// askDeaf asks on and on and reads nothing.
	programs["askDeaf"] = func([]string) {
		term.MakeRaw(0)
		for range 20_000 {
			fmt.Print("\x1b[6n\x1b[c")
		}
		fmt.Print("asked\r\n")
		time.Sleep(time.Minute)
	}
	programs["silent"] = func([]string) {
		t, err := unix.IoctlGetTermios(0, unix.TCGETS)
		if err != nil {
			panic(err)
		}
		fmt.Println("ready")
		time.Sleep(600 * time.Millisecond)
		t.Lflag &^= unix.ECHO
		unix.IoctlSetTermios(0, unix.TCSETS, t)
		hear()
		t.Lflag |= unix.ECHO
		unix.IoctlSetTermios(0, unix.TCSETS, t)
		time.Sleep(time.Minute)
	}
	programs["raw"] = func([]string) {
		term.MakeRaw(0)
		fmt.Print("ready\r\n")
		time.Sleep(time.Minute)
	}
}

func hear() []byte {
	p := make([]byte, 1000)
	n, err := os.Stdin.Read(p)
	if err != nil {
		panic(err)
	}
	return p[:n]
}

func atoi(s string) (n int) {
	fmt.Sscan(s, &n)
	return n
}

var terminal = bot.Size{Cols: 80, Rows: 24}

func TestAProgramThatAsksGetsItsAnswer(t *testing.T) {
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: program("ask",
		"\x1b[3;7H\x1b[6n", "\x1b[c", "\x1b[?2026$p", "\x1b]11;?\x1b\\", "\x1b[5n")})
	out := awaitOutput(t, r, "1", "asked")
	for _, want := range []string{`"\x1b[3;7R"`, `"\x1b[?62;22c"`, `"\x1b[?2026;2$y"`, `"\x1b]11;rgb:0000/0000/0000\x1b\\"`, `"\x1b[0n"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no answer %s in %q", want, out)
		}
	}
}

func TestAProgramThatAsksGetsItsAnswerWithoutADaemon(t *testing.T) {
	dir := t.TempDir()
	daemon := exec.Command(self, "program", "daemonOfAsker", dir, "1")
	daemon.Stderr = os.Stderr
	told, err := daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := told.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	daemon.Process.Kill()
	daemon.Wait()
	eventually(t, func() string {
		out, _ := os.ReadFile(filepath.Join(dir, "1", fmt.Sprintf("%020d.out", 0)))
		if !strings.Contains(string(out), `"\x1b[1;1R"`) {
			return fmt.Sprintf("no answer in %q", out)
		}
		return ""
	})
	r := newRunner(t, dir)
	control(t, r, "1", bot.Control{Signal: "KILL"})
	awaitExit(t, r, "1")
}

func TestAProgramThatAsksAndDoesNotReadIsNotHeldUp(t *testing.T) {
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: program("askDeaf")})
	awaitOutput(t, r, "1", "asked")
	control(t, r, "1", bot.Control{Input: bytes.Repeat([]byte("x"), 200<<10)}) // there is room for what is typed
}

func TestVimComesUpAtOnce(t *testing.T) {
	if _, err := exec.LookPath("vim"); err != nil {
		t.Fatal("this test needs vim")
	}
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: []string{"vim", "-u", "NONE", "-i", "NONE", "-n", "-c", "set nocompatible"},
		Env: append([]string{"TERM=xterm-256color"}, env...)})
	awaitOutput(t, r, "1", "~")
	control(t, r, "1", bot.Control{Input: []byte("ihello from vim\x1b")})
	awaitScreen(t, r, "1", "hello from vim")
	control(t, r, "1", bot.Control{Input: []byte(":q!\r")})
	awaitExit(t, r, "1")
}

// shown is the text of a session's screen.
func shown(t testing.TB, state []byte) string {
	t.Helper()
	s, err := screen.Restore(state)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	v := s.View()
	for y := range v.Rows {
		fmt.Fprintln(&b, v.Text(y))
	}
	return b.String()
}

func screenOf(t testing.TB, r *runner.Runner, id bot.SessionID) (state []byte, offset int64) {
	t.Helper()
	state, offset, err := r.Screen(deadline(t), id)
	if err != nil {
		t.Fatalf("screen of session %s: %v", id, err)
	}
	return state, offset
}

func awaitScreen(t testing.TB, r *runner.Runner, id bot.SessionID, want string) {
	t.Helper()
	eventually(t, func() string {
		state, _ := screenOf(t, r, id)
		if got := shown(t, state); !strings.Contains(got, want) {
			return fmt.Sprintf("no %q on the screen:\n%s", want, got)
		}
		return ""
	})
}

// drawn prints a page with colours and more lines than a screen has.
var drawn = []string{"sh", "-c", `for i in $(seq 1 60); do printf '\033[3%dmline %d\033[0m\n' $((i%8)) $i; done; printf '\033[5;10Hhere'; cat`}

func TestScreenIsTheSameWhereverItComesFrom(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: drawn})
	awaitOutput(t, r, "1", "here")
	control(t, r, "1", bot.Control{Resize: &bot.Size{Cols: 100, Rows: 30}})
	control(t, r, "1", bot.Control{Input: []byte("typed\n")})
	awaitOutput(t, r, "1", "typed\r\ntyped\r\n")
	state, offset := screenOf(t, r, "1")
	same := func(name string, got []byte, at int64) {
		t.Helper()
		if at != offset || !bytes.Equal(got, state) {
			t.Errorf("%s: got the screen after %d bytes, want %d:\n%s", name, at, offset, cmp.Diff(shown(t, state), shown(t, got)))
		}
	}
	got, at, err := r.ScreenAt(deadline(t), "1", offset)
	if err != nil {
		t.Fatal(err)
	}
	same("from the journal while it lives", got, at)
	r.Close()
	again := newRunner(t, dir)
	got, at = screenOf(t, again, "1")
	same("after a restart", got, at)

	f, err := holder.ReadFolder(dir, "1")
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(f.Holder.PID, syscall.SIGKILL)
	awaitExit(t, again, "1")
	got, at = screenOf(t, again, "1")
	same("after the holder died", got, at)
}

func TestScreenOfAnEndedSession(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: drawn})
	awaitOutput(t, r, "1", "here")
	control(t, r, "1", bot.Control{EOF: true})
	end := awaitExit(t, r, "1").End
	last := filepath.Join(dir, "1", "screen")
	want, offset := screenOf(t, r, "1")
	if offset != end || !strings.Contains(shown(t, want), "here") {
		t.Errorf("got the screen after %d bytes of %d:\n%s", offset, end, shown(t, want))
	}
	for _, spoil := range []func() error{
		func() error { return os.Truncate(last, 100) },
		func() error { return os.Truncate(last, 0) },
		func() error { return os.WriteFile(last, noise(1, 5000), 0o600) },
		func() error { return os.Remove(last) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if got, at := screenOf(t, r, "1"); at != end || !bytes.Equal(got, want) {
			t.Error("with its file torn, empty, garbage or gone the screen is another")
		}
	}
}

// Long output leaves checkpoints, few of them, and any offset can be had.
func TestScreenAtEarlierOffsets(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: []string{"sh", "-c", "stty -opost; seq -f '%0200.0f' 1 50000; exec cat"}})
	const end = 50_000 * 201
	var files []string
	eventually(t, func() string {
		// Drawing may be late, and catches up.
		files, _ = filepath.Glob(filepath.Join(dir, "1", "*.screen"))
		if s, _ := r.Wait(deadline(t), "1", -1); s.End != end || len(files) != end/(4<<20) {
			return fmt.Sprintf("%d checkpoints of %d bytes", len(files), s.End)
		}
		return ""
	})
	control(t, r, "1", bot.Control{Signal: "KILL"})
	if got := awaitExit(t, r, "1").End; got != end {
		t.Fatalf("the output has %d bytes, want %d", got, end)
	}
	with := map[int64][]byte{}
	offsets := []int64{0, 1, 5000, 4<<20 + 12345, 9_000_000, end - 1, end}
	for _, at := range offsets {
		state, offset, err := r.ScreenAt(deadline(t), "1", at)
		if err != nil || offset != at {
			t.Fatalf("at %d: got %d, %v", at, offset, err)
		}
		with[at] = state
	}
	for i, name := range files {
		if err := os.WriteFile(name, noise(uint64(i), 5000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Remove(filepath.Join(dir, "1", "screen"))
	for _, at := range offsets {
		state, _, err := r.ScreenAt(deadline(t), "1", at)
		if err != nil || !bytes.Equal(state, with[at]) {
			t.Errorf("at %d without checkpoints: another screen (%v):\n%s", at, err, cmp.Diff(shown(t, with[at]), shown(t, state)))
		}
	}
}

// A holder from before an upgrade acknowledges orders that it does not know, or
// tells of its screen in a form that is not read any more.
func TestScreenWithAnOlderHolder(t *testing.T) {
	for name, state := range map[string][]byte{"knows no such order": nil, "has another form": []byte("chapi-screen-0\nabc")} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r := newRunner(t, dir)
			start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: drawn})
			awaitOutput(t, r, "1", "here")
			want, end := screenOf(t, r, "1")
			f, err := holder.ReadFolder(dir, "1")
			if err != nil {
				t.Fatal(err)
			}
			older := t.TempDir()
			copyFiles(t, f.Dir, filepath.Join(older, "1"))
			serveOlder(t, filepath.Join(older, "1", "control.sock"), f.Holder, end, state)
			got, at := screenOf(t, newRunner(t, older), "1")
			if at != end || !bytes.Equal(got, want) {
				t.Errorf("got the screen after %d bytes of %d:\n%s", at, end, shown(t, got))
			}
		})
	}
}

// serveOlder is a holder of session 1 that answers every order in the same way.
func serveOlder(t *testing.T, path string, who holder.Identity, end int64, state []byte) {
	t.Helper()
	os.Remove(path)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var peers sync.WaitGroup
	peers.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			peers.Go(func() {
				conn := holder.NewConn(c)
				defer conn.Close()
				conn.Receive()
				conn.Send(holder.Message{Hello: &holder.Hello{Version: 1, Holder: who, Status: &holder.Status{ID: "1", End: end}}})
				for {
					m, err := conn.Receive()
					if err != nil {
						return
					}
					conn.Send(holder.Message{Ack: &holder.Ack{Seq: m.Order.Seq, Screen: state, Offset: end}})
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		peers.Wait()
	})
}

func TestScreenErrors(t *testing.T) {
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{Argv: program("cat")})
	for id, want := range map[bot.SessionID]error{"1": bot.ErrNoTerminal, "2": bot.ErrNoSession, "../1": bot.ErrNoSession} {
		if _, _, err := r.Screen(deadline(t), id); !errors.Is(err, want) {
			t.Errorf("screen of %q: got %v, want %v", id, err, want)
		}
		if _, _, err := r.ScreenAt(deadline(t), id, 1); !errors.Is(err, want) {
			t.Errorf("screen of %q at 1: got %v, want %v", id, err, want)
		}
	}
}

func TestResizeStorm(t *testing.T) {
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{PTY: true, Size: terminal, Argv: drawn})
	awaitOutput(t, r, "1", "here")
	for i := range 500 {
		control(t, r, "1", bot.Control{Resize: &bot.Size{Cols: uint16(20 + i%100), Rows: uint16(5 + i%50)}})
	}
	control(t, r, "1", bot.Control{Resize: &bot.Size{Cols: 90, Rows: 10}})
	control(t, r, "1", bot.Control{Input: []byte("still there\n")})
	awaitOutput(t, r, "1", "still there\r\nstill there\r\n")
	state, _ := screenOf(t, r, "1")
	s, err := screen.Restore(state)
	if err != nil {
		t.Fatal(err)
	}
	if v := s.View(); v.Cols != 90 || v.Rows != 10 {
		t.Errorf("the screen has %dx%d", v.Cols, v.Rows)
	}
}

func TestHiddenInputIsTold(t *testing.T) {
	r := newRunner(t, t.TempDir())
	next := func(t *testing.T, id bot.SessionID, want bool) {
		t.Helper()
		for seen := int64(-1); ; seen = 1 << 40 {
			s, err := r.Wait(deadline(t), id, seen)
			if err != nil || s.Exited {
				t.Fatalf("session %s: hidden is not %v: %+v, %v", id, want, s, err)
			}
			if s.Hidden == want {
				return
			}
		}
	}
	t.Run("by read -s", func(t *testing.T) {
		start(t, r, "1", bot.Spec{PTY: true, Argv: []string{"bash", "-c", `read -rsp "Password: " x; echo; echo "got ${#x}"; read y`}})
		next(t, "1", true)
		control(t, r, "1", bot.Control{Input: []byte("secret\n")})
		awaitOutput(t, r, "1", "got 6")
		next(t, "1", false)
	})
	t.Run("when nothing is printed, and long after the last output", func(t *testing.T) {
		start(t, r, "2", bot.Spec{PTY: true, Argv: program("silent")})
		next(t, "2", true)
		control(t, r, "2", bot.Control{Input: []byte("secret\n")})
		next(t, "2", false)
	})
	t.Run("also to who waits only afterwards", func(t *testing.T) {
		start(t, r, "3", bot.Spec{PTY: true, Argv: program("password")})
		eventually(t, func() string {
			if s, _ := r.Wait(deadline(t), "3", -1); !s.Hidden {
				return "it is not hidden"
			}
			return ""
		})
		s, err := r.Wait(deadline(t), "3", 1<<40)
		if err != nil || !s.Hidden {
			t.Errorf("got %+v, %v", s, err)
		}
	})
	t.Run("by sudo, which shows an asterisk for each letter", func(t *testing.T) {
		script := `stty -echo -icanon; printf "[sudo] Passwort für bob: **"; head -c 1 >/dev/null; printf "\r\n$ echo password: "; head -c 1 >/dev/null`
		start(t, r, "5", bot.Spec{PTY: true, Argv: []string{"bash", "-c", script}})
		next(t, "5", true)
		control(t, r, "5", bot.Control{Input: []byte("x")})
		next(t, "5", false)
	})
	t.Run("but not of a program in raw mode", func(t *testing.T) {
		start(t, r, "4", bot.Spec{PTY: true, Argv: program("raw")})
		awaitOutput(t, r, "4", "ready")
		s, err := r.Wait(deadline(t), "4", 0)
		if err != nil || s.Hidden {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}

// copyFiles copies a folder without what is no file in it: sockets and pipes.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case e.IsDir():
			return os.MkdirAll(name, 0o700)
		case !e.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(name, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
