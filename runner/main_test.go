package runner_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner"
	"chapi/runner/holder"
)

// The test binary is also the holder, the programs that run in sessions, and
// daemons that are killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == holder.Arg {
		holder.Main()
	}
	if len(os.Args) > 2 && os.Args[1] == "program" {
		programs[os.Args[2]](os.Args[3:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// program is the command line of one of the programs below.
func program(name string, args ...string) []string {
	return append([]string{self, "program", name}, args...)
}

var self = func() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}()

var programs = map[string]func(args []string){
	// numbers prints as many lines, each with its number.
	"numbers": func(args []string) {
		n, _ := strconv.Atoi(args[0])
		w := bufio.NewWriterSize(os.Stdout, 64<<10)
		for i := range n {
			fmt.Fprintf(w, "%09d\n", i)
		}
		w.Flush()
	},
	// slowly prints numbers in small pieces until it has printed all.
	"slowly": func(args []string) {
		n, _ := strconv.Atoi(args[0])
		for i := range n {
			fmt.Printf("%09d\n", i)
			if i%500 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		os.Exit(7)
	},
	"echo": func(args []string) { fmt.Println(strings.Join(args, " ")) },
	"err":  func(args []string) { fmt.Fprintln(os.Stderr, strings.Join(args, " ")) },
	"both": func([]string) {
		fmt.Fprint(os.Stdout, "out1 ")
		time.Sleep(100 * time.Millisecond)
		fmt.Fprint(os.Stderr, "err1 ")
		time.Sleep(100 * time.Millisecond)
		fmt.Fprint(os.Stdout, "out2")
	},
	"exit": func(args []string) {
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	},
	"deaf": func([]string) {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		fmt.Println("ready")
		time.Sleep(time.Minute)
	},
	// leave starts a process that holds the output for so long and writes into
	// it at the end, and exits itself. With "away" it is in a group of its own.
	"leave": func(args []string) {
		c := exec.Command(self, "program", "later", args[0])
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if len(args) > 1 {
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		}
		if err := c.Start(); err != nil {
			panic(err)
		}
		fmt.Println("left", c.Process.Pid)
	},
	"later": func(args []string) {
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		d, _ := time.ParseDuration(args[0])
		time.Sleep(d)
		fmt.Println("later")
	},
	"mute": func([]string) {
		unix.Close(0)
		unix.Close(1)
		unix.Close(2)
		time.Sleep(300 * time.Millisecond)
		os.Exit(3)
	},
	"cat": func([]string) { io.Copy(os.Stdout, os.Stdin) },
	// lines says how many lines and bytes it read.
	"lines": func([]string) {
		n, bytes := 0, 0
		in := bufio.NewReader(os.Stdin)
		for {
			line, err := in.ReadString('\n')
			bytes += len(line)
			if err != nil {
				break
			}
			n++
		}
		fmt.Printf("read %d lines %d bytes\n", n, bytes)
	},
	"binary": func(args []string) {
		seed, _ := strconv.ParseUint(args[0], 10, 64)
		os.Stdout.Write(noise(seed, 300_000))
	},
	"password": func([]string) {
		fmt.Print("Password: ")
		t, err := unix.IoctlGetTermios(0, unix.TCGETS)
		if err != nil {
			panic(err)
		}
		t.Lflag &^= unix.ECHO
		unix.IoctlSetTermios(0, unix.TCSETS, t)
		bufio.NewReader(os.Stdin).ReadString('\n')
		t.Lflag |= unix.ECHO
		unix.IoctlSetTermios(0, unix.TCSETS, t)
		fmt.Println("thanks")
	},
	// size prints the window size now and at each change.
	"size": func([]string) {
		changed := make(chan os.Signal, 1)
		signal.Notify(changed, unix.SIGWINCH)
		for {
			ws, err := unix.IoctlGetWinsize(1, unix.TIOCGWINSZ)
			if err != nil {
				panic(err)
			}
			fmt.Printf("%dx%d\n", ws.Col, ws.Row)
			<-changed
		}
	},
	// surroundings prints what a process inherits.
	"surroundings": func([]string) {
		status, _ := os.ReadFile("/proc/self/status")
		for line := range strings.Lines(string(status)) {
			for _, want := range []string{"SigIgn", "SigBlk", "Groups", "Uid", "Umask"} {
				if !strings.HasPrefix(line, want) {
					continue
				}
				if mask, err := strconv.ParseUint(strings.TrimSpace(strings.TrimPrefix(line, "SigIgn:")), 16, 64); err == nil {
					line = fmt.Sprintf("SigIgn:\t%016x\n", mask&^libcSignals)
				}
				fmt.Print(line)
			}
		}
		fds, _ := os.ReadDir("/proc/self/fd")
		for _, fd := range fds {
			// The runtime of this program has some of its own.
			target, err := os.Readlink("/proc/self/fd/" + fd.Name())
			if err == nil && !strings.HasPrefix(target, "anon_inode") && !strings.HasPrefix(target, "/sys/fs/cgroup") {
				fmt.Println("fd", fd.Name(), target)
			}
		}
		adj, _ := os.ReadFile("/proc/self/oom_score_adj")
		fmt.Print("oom ", string(adj))
		nice, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
		fmt.Println("nice", 20-nice) // the system call's way to say it
		var cpu, as unix.Rlimit
		unix.Getrlimit(unix.RLIMIT_CPU, &cpu)
		unix.Getrlimit(unix.RLIMIT_AS, &as)
		fmt.Println("cpu", cpu.Cur, "as", as.Cur)
		fmt.Println("group", unix.Getpgrp() == os.Getpid())
		sid, _ := unix.Getsid(0)
		fmt.Println("session", sid == os.Getpid())
		wd, _ := os.Getwd()
		fmt.Println("dir", wd)
		environ, _ := os.ReadFile("/proc/self/environ")
		fmt.Printf("env %q\n", environ)
		fmt.Printf("argv %q\n", os.Args[2:])
	},
	// daemon starts a session in the folder and waits to be killed.
	"daemon": func(args []string) {
		signal.Ignore(syscall.SIGHUP, syscall.SIGTSTP, syscall.SIGTTOU, syscall.SIGPIPE)
		r, err := runner.New(runner.Options{Dir: args[0], Logger: quiet})
		if err != nil {
			panic(err)
		}
		err = r.Start(context.Background(), bot.SessionID(args[1]), bot.Spec{
			Argv: args[2:], Dir: "/", Env: os.Environ(),
		})
		if err != nil {
			panic(err)
		}
		fmt.Println("started")
		select {}
	},
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// noise is random bytes, the same for a seed.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// patience bounds how long anything may take.
const patience = time.Minute

func newRunner(t testing.TB, dir string) *runner.Runner {
	t.Helper()
	r, err := runner.New(runner.Options{Dir: dir, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// libcSignals are 32 and 33, which glibc keeps for itself and leaves ignored in
// what its posix_spawn starts, such as make's recipes. No program can use them.
const libcSignals = 1<<31 | 1<<32

// A program built with the race detector would take a second to exit.
var env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "GORACE=atexit_sleep_ms=0"}

// start starts a session that is stopped at the end of the test.
func start(t testing.TB, r *runner.Runner, id bot.SessionID, spec bot.Spec) {
	t.Helper()
	if spec.Dir == "" {
		spec.Dir = "/"
	}
	if spec.Env == nil {
		spec.Env = env
	}
	if err := r.Start(deadline(t), id, spec); err != nil {
		t.Fatalf("start %q: %v", spec.Argv, err)
	}
	t.Cleanup(func() {
		// Its folder must not be written to while it is removed.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		r.Control(ctx, id, bot.Control{Signal: "KILL"})
		for s := (bot.Status{}); !s.Exited; {
			var err error
			if s, err = r.Wait(ctx, id, s.End); err != nil {
				return
			}
		}
	})
}

func awaitExit(t testing.TB, r *runner.Runner, id bot.SessionID) bot.Status {
	t.Helper()
	ctx := deadline(t)
	seen := int64(0)
	for {
		s, err := r.Wait(ctx, id, seen)
		if err != nil {
			t.Fatalf("wait for the end of session %s: %v", id, err)
		}
		if s.Exited {
			return s
		}
		seen = s.End
	}
}

// read is all output that is kept, from an offset on.
func read(t testing.TB, r *runner.Runner, id bot.SessionID, from int64) string {
	t.Helper()
	j, err := r.Journal(id)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var b strings.Builder
	for {
		c, err := j.Next(from, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Data) == 0 {
			return b.String()
		}
		b.Write(c.Data)
		from = c.From + int64(len(c.Data))
	}
}

// awaitOutput waits until the output has a text in it.
func awaitOutput(t testing.TB, r *runner.Runner, id bot.SessionID, want string) string {
	t.Helper()
	ctx := deadline(t)
	for {
		got := read(t, r, id, 0)
		if strings.Contains(got, want) {
			return got
		}
		seen := int64(len(got))
		if s, err := r.Wait(ctx, id, seen); err != nil || (s.Exited && s.End <= seen) {
			t.Fatalf("output of session %s is %q and not %q (%+v, %v)", id, got, want, s, err)
		}
	}
}

func control(t testing.TB, r *runner.Runner, id bot.SessionID, c bot.Control) {
	t.Helper()
	if err := r.Control(deadline(t), id, c); err != nil {
		t.Fatalf("control session %s with %+v: %v", id, c, err)
	}
}

// eventually polls until f says nothing.
func eventually(t testing.TB, f func() string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		complaint := f()
		if complaint == "" {
			return
		}
		if time.Now().After(end) {
			t.Fatal(complaint)
		}
	}
}

func running(pid int) bool {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}
