package runner_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner"
	"chapi/runner/holder"
)

// runDaemon runs a daemon that starts argv as session id, and returns when it
// has.
func runDaemon(t *testing.T, dir string, id bot.SessionID, argv []string) *exec.Cmd {
	t.Helper()
	c := exec.Command(self, append([]string{"program", "daemon", dir, string(id)}, argv...)...)
	c.Env = append(env, "LANG=C")
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "started\n" {
		t.Fatalf("the daemon said %q (%v)", line, err)
	}
	return c
}

func recovered(t *testing.T, r *runner.Runner, id bot.SessionID) bot.Status {
	t.Helper()
	all, err := r.Recover(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("session %s was not recovered: %+v", id, all)
	return bot.Status{}
}

func folder(t *testing.T, dir string, id bot.SessionID) holder.Folder {
	t.Helper()
	f, err := holder.ReadFolder(dir, id)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSessionsSurviveTheDaemon(t *testing.T) {
	for _, c := range []struct {
		name  string
		after time.Duration
	}{
		{"killed at once", 0},
		{"killed in the middle of a flood", 150 * time.Millisecond},
		{"killed late", 600 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			const lines = 200_000
			d := runDaemon(t, dir, "1", program("slowly", strconv.Itoa(lines)))
			time.Sleep(c.after) // the point in the flood; no condition to wait for
			d.Process.Kill()
			d.Wait()

			r := newRunner(t, dir)
			for range 3 { // any number of times
				recovered(t, r, "1")
			}
			s := awaitExit(t, r, "1")
			if s.Exit.Code != 7 || s.Exit.Reason != bot.Exited {
				t.Errorf("got %+v, want exit 7", s.Exit)
			}
			var want bytes.Buffer
			for n := range lines {
				fmt.Fprintf(&want, "%09d\n", n)
			}
			if got := read(t, r, "1", 0); got != want.String() {
				t.Errorf("got %d bytes of output that are not the %d that were printed", len(got), want.Len())
			}
			if again := recovered(t, newRunner(t, dir), "1"); again != s {
				t.Errorf("after one more restart: got %+v, want %+v", again, s)
			}
		})
	}
}

func TestTwoRestartsInTheMiddle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := runDaemon(t, dir, "1", program("cat"))
	d.Process.Kill()
	d.Wait()
	for i := range 3 {
		r := newRunner(t, dir)
		if s := recovered(t, r, "1"); s.Exited {
			t.Fatalf("restart %d: %+v", i, s)
		}
		control(t, r, "1", bot.Control{Input: []byte(strconv.Itoa(i) + "\n")})
		awaitOutput(t, r, "1", strconv.Itoa(i)+"\n")
		r.Close()
	}
	r := newRunner(t, dir)
	control(t, r, "1", bot.Control{EOF: true})
	if s := awaitExit(t, r, "1"); s.Exit.Code != 0 || s.Exit.Reason != bot.Exited {
		t.Errorf("got %+v", s.Exit)
	}
	h := folder(t, dir, "1").Holder
	eventually(t, func() string {
		if running(h.PID) {
			return "the holder is still there"
		}
		return ""
	})
}

func TestInheritedSignalsAreNotPassedOn(t *testing.T) {
	dir := t.TempDir()
	runDaemon(t, dir, "1", program("surroundings")) // it ignores some
	r := newRunner(t, dir)
	awaitExit(t, r, "1")
	if out := read(t, r, "1", 0); !strings.Contains(out, "SigIgn:\t0000000000000000\n") {
		t.Errorf("got\n%s", out)
	}
}

func TestDeathOfTheHolder(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	t.Run("is noticed at once, and nothing is left", func(t *testing.T) {
		start(t, r, "1", bot.Spec{Argv: program("deaf")})
		awaitOutput(t, r, "1", "ready")
		f := folder(t, dir, "1")
		began := time.Now()
		syscall.Kill(f.Holder.PID, syscall.SIGKILL)
		s := awaitExit(t, r, "1")
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
		if s.Exit.Reason != bot.Lost || s.Exit.Code != -1 || s.Exit.Detail == "" || s.End != 6 {
			t.Errorf("got %+v", s)
		}
		if running(f.Process.PID) {
			t.Errorf("process %d is alive", f.Process.PID)
		}
		if again := recovered(t, newRunner(t, dir), "1"); again.Exit.Reason != bot.Lost {
			t.Errorf("after a restart: got %+v", again)
		}
	})
	t.Run("while nobody looks", func(t *testing.T) {
		d := runDaemon(t, dir, "2", program("deaf"))
		f := folder(t, dir, "2")
		d.Process.Kill()
		d.Wait()
		syscall.Kill(f.Holder.PID, syscall.SIGKILL)
		s := recovered(t, r, "2")
		if s.Exit.Reason != bot.Lost || running(f.Process.PID) {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("while it is idle does not matter", func(t *testing.T) {
		start(t, r, "3", bot.Spec{Argv: program("echo", "hi")})
		awaitExit(t, r, "3")
		syscall.Kill(folder(t, dir, "3").Holder.PID, syscall.SIGKILL)
		start(t, r, "4", bot.Spec{Argv: program("echo", "hi")})
		if s := awaitExit(t, r, "4"); s.Exit.Reason != bot.Exited {
			t.Errorf("got %+v", s)
		}
	})
	t.Run("when told to end it ends its session first", func(t *testing.T) {
		start(t, r, "5", bot.Spec{Argv: []string{"sleep", "60"}})
		syscall.Kill(folder(t, dir, "5").Holder.PID, syscall.SIGTERM)
		if s := awaitExit(t, r, "5"); s.Exit.Reason != bot.Stopped || s.Exit.Signal != "TERM" || s.Exit.Detail == "" {
			t.Errorf("got %+v", s)
		}
	})
}

// rewrite changes the records of a session that was started.
func rewrite(t *testing.T, dir string, change func(spec, process map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, "spec.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	values := json.NewDecoder(bytes.NewReader(b))
	var spec, process map[string]any
	if err := errors.Join(values.Decode(&spec), values.Decode(&process)); err != nil {
		t.Fatal(err)
	}
	change(spec, process)
	first, _ := json.Marshal(spec)
	second, _ := json.Marshal(process)
	if err := os.WriteFile(path, append(first, second...), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRecoverFromAnyState(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   string // in the detail
	}{
		{"an empty folder is a session that was never started", func(t *testing.T, dir string) {
			for _, name := range []string{"spec.json", "exit.json", "00000000000000000000.out"} {
				os.Remove(filepath.Join(dir, name))
			}
			old := time.Now().Add(-time.Minute)
			os.Chtimes(dir, old, old)
		}, "never started"},
		{"half a spec is a session that was never started", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "exit.json"))
			os.Truncate(filepath.Join(dir, "spec.json"), 20)
			old := time.Now().Add(-time.Minute)
			os.Chtimes(dir, old, old)
		}, "never started"},
		{"no process on record is a session that may have run", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "exit.json"))
			rewrite(t, dir, func(spec, process map[string]any) {
				spec["holder"].(map[string]any)["start"] = 1
				delete(process, "process")
			})
		}, "may not have run"},
		{"an empty exit is none", func(t *testing.T, dir string) {
			os.Truncate(filepath.Join(dir, "exit.json"), 0)
			rewrite(t, dir, func(spec, _ map[string]any) { spec["holder"].(map[string]any)["start"] = 1 })
		}, "its holder died"},
		{"another boot is the end of the machine", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "exit.json"))
			rewrite(t, dir, func(spec, _ map[string]any) { spec["holder"].(map[string]any)["boot"] = "x" })
		}, "machine went down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			r := newRunner(t, dir)
			start(t, r, "1", bot.Spec{Argv: program("echo", "hi")})
			awaitExit(t, r, "1")
			r.Close()
			c.damage(t, filepath.Join(dir, "1"))
			for range 2 {
				s := recovered(t, newRunner(t, dir), "1")
				if s.Exit.Reason != bot.Lost || !strings.Contains(s.Exit.Detail, c.want) {
					t.Errorf("got %+v, want lost with %q", s.Exit, c.want)
				}
			}
		})
	}
}

// A process that took over the number of a session's is not killed.
func TestNumbersUsedAgain(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("echo", "hi")})
	awaitExit(t, r, "1")
	r.Close()
	// Start times are told in ticks of 10 ms (proc_pid_stat(5)): the other one
	// must not have begun in the same.
	<-time.After(20 * time.Millisecond)
	other := exec.Command("sleep", "60")
	other.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	os.Remove(filepath.Join(dir, "1", "exit.json"))
	rewrite(t, filepath.Join(dir, "1"), func(spec, process map[string]any) {
		spec["holder"].(map[string]any)["start"] = 1
		process["process"].(map[string]any)["pid"] = other.Process.Pid
	})
	if s := recovered(t, newRunner(t, dir), "1"); s.Exit.Reason != bot.Lost {
		t.Errorf("got %+v", s)
	}
	if !running(other.Process.Pid) {
		t.Error("a stranger was killed")
	}
}

func TestLongFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("a", 200), strings.Repeat("b", 200))
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("cat")})
	r.Close()
	r = newRunner(t, dir)
	if s := recovered(t, r, "1"); s.Exited {
		t.Fatalf("got %+v", s)
	}
	control(t, r, "1", bot.Control{Input: []byte("hi\n")})
	awaitOutput(t, r, "1", "hi\n")
	control(t, r, "1", bot.Control{EOF: true})
	awaitExit(t, r, "1")
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	start(t, r, "9", bot.Spec{Argv: program("exit", "4")})
	awaitExit(t, r, "9")
	start(t, r, "10", bot.Spec{Argv: []string{"sleep", "60"}})
	list, err := runner.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].ID != "9" || list[1].ID != "10" {
		t.Fatalf("got %+v", list)
	}
	if l := list[0]; !l.Exited || l.Live || l.Exit.Code != 4 || l.Spec.Argv[0] != self {
		t.Errorf("the ended one: got %+v", l)
	}
	if l := list[1]; l.Exited || !l.Live || !running(l.PID) || l.Started.IsZero() {
		t.Errorf("the live one: got %+v", l)
	}
}

// Sessions through the pool leave nothing behind, and never mix.
func TestHoldersAreUsedAgain(t *testing.T) {
	dir := t.TempDir()
	r := newRunner(t, dir)
	const sessions, side = 200, 4
	run := func(id int) error {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		sid := bot.SessionID(strconv.Itoa(id))
		word := fmt.Sprintf("word-%d", id)
		if err := r.Start(ctx, sid, bot.Spec{Argv: []string{"echo", word}, Dir: "/", Env: env}); err != nil {
			return err
		}
		for seen := int64(0); ; {
			s, err := r.Wait(ctx, sid, seen)
			if err != nil {
				return err
			}
			if s.Exited {
				break
			}
			seen = s.End
		}
		j, err := r.Journal(sid)
		if err != nil {
			return err
		}
		defer j.Close()
		c, err := j.Next(0, 1000)
		if err != nil {
			return err
		}
		if string(c.Data) != word+"\n" {
			return fmt.Errorf("session %d printed %q", id, c.Data)
		}
		return nil
	}
	failed := make(chan error, side)
	for i := range side {
		go func() {
			var errs []error
			for n := range sessions / side {
				errs = append(errs, run(i*sessions+n+1))
			}
			failed <- errors.Join(errs...)
		}()
	}
	for range side {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	holders := make(map[int]int)
	list, err := runner.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		holders[folder(t, dir, l.ID).Holder.PID]++
	}
	if len(holders) > 2*side+2 {
		t.Errorf("%d holders for %d at a time", len(holders), side)
	}
	for pid := range holders {
		if !running(pid) {
			continue
		}
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			continue
		}
		if len(fds) > 12 {
			t.Errorf("holder %d has %d descriptors after %d sessions", pid, len(fds), holders[pid])
		}
	}
}

// A disk that the output fills: the program is not held up, and its end is
// told, recorded, and says what is missing.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t)
	r := newRunner(t, dir)
	start(t, r, "1", bot.Spec{Argv: program("numbers", "500000")})
	s := awaitExit(t, r, "1")
	if s.Exit.Code != 0 || s.Exit.Reason != bot.Exited || !strings.Contains(s.Exit.Detail, "no space left on device") || s.End != 5_000_000 {
		t.Errorf("got %+v", s)
	}
	out := read(t, r, "1", 0)
	var want bytes.Buffer
	for n := range 500_000 {
		fmt.Fprintf(&want, "%09d\n", n)
	}
	if len(out) < 700_000 || !strings.HasPrefix(want.String(), out) {
		t.Errorf("got %d bytes that are not the first of the output", len(out))
	}
	if again := recovered(t, newRunner(t, dir), "1"); again != s {
		t.Errorf("after a restart: got %+v, want %+v", again, s)
	}
	err := r.Start(deadline(t), "2", bot.Spec{Argv: program("echo", "hi"), Dir: "/", Env: env})
	var fault *bot.StartError
	if err != nil && !errors.As(err, &fault) {
		t.Errorf("a start on the full disk: got %v, want a *bot.StartError", err)
	}
	if err := r.Remove("1"); err != nil {
		t.Fatal(err)
	}
	start(t, r, "3", bot.Spec{Argv: program("echo", "hi")})
	if s := awaitExit(t, r, "3"); s.Exit.Reason != bot.Exited || s.Exit.Detail != "" {
		t.Errorf("with room again: got %+v", s)
	}
}

// smallDisk mounts a file system of 1 MiB. It needs root, or sudo without a
// password, as the rest of "make test" does.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	unmount := func() error { return unix.Unmount(dir, unix.MNT_DETACH) }
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		out, sudo := exec.Command("sudo", "-n", "mount", "-t", "tmpfs", "-o", "size=1m,mode=0777", "tmpfs", dir).CombinedOutput()
		if sudo != nil {
			t.Fatalf("mount a small file system: %v; with sudo: %v: %s", err, sudo, out)
		}
		unmount = exec.Command("sudo", "-n", "umount", "-l", dir).Run
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	return dir
}
