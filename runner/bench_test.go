package runner_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/creack/pty"

	"chapi/bot"
	"chapi/runner"
	"chapi/runner/holder"
)

// BenchmarkBare is what BenchmarkShort is compared with.
func BenchmarkBare(b *testing.B) {
	for b.Loop() {
		if err := exec.Command("/bin/true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkShort is a whole short session, with its records and the sync.
func BenchmarkShort(b *testing.B) {
	for _, c := range []struct {
		name string
		argv []string
	}{{"true", []string{"/bin/true"}}, {"echo", []string{"/bin/echo", "hi"}}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRunner(b, b.TempDir())
			id := 0
			for b.Loop() {
				id++
				short(b, r, bot.SessionID(strconv.Itoa(id)), c.argv)
			}
		})
	}
}

// BenchmarkMany is as many as there can be, 50 at a time.
func BenchmarkMany(b *testing.B) {
	r := newRunner(b, b.TempDir())
	var id atomic.Int64
	b.SetParallelism(25)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			short(b, r, bot.SessionID(strconv.FormatInt(id.Add(1), 10)), []string{"/bin/echo", "hi"})
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sessions/s")
}

func short(b *testing.B, r *runner.Runner, id bot.SessionID, argv []string) {
	if err := r.Start(b.Context(), id, bot.Spec{Argv: argv, Dir: "/", Env: env}); err != nil {
		b.Error(err)
		return
	}
	for seen := int64(0); ; {
		s, err := r.Wait(b.Context(), id, seen)
		if err != nil {
			b.Error(err)
			return
		}
		if s.Exited {
			return
		}
		seen = s.End
	}
}

// BenchmarkFlood prints 1 GB, into a file and into sessions.
func BenchmarkFlood(b *testing.B) {
	const size = 1 << 30
	const flood = "yes | head -c 1073741824"
	b.Run("redirected", func(b *testing.B) {
		b.SetBytes(size)
		file := b.TempDir() + "/flood"
		for b.Loop() {
			if err := exec.Command("sh", "-c", flood+" > "+file).Run(); err != nil {
				b.Fatal(err)
			}
			os.Remove(file)
		}
	})
	for _, c := range []struct {
		name   string
		budget int64
		pty    bool
	}{{"default budget", 0, false}, {"all kept", 2 << 30, false}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			r := newRunner(b, dir)
			b.SetBytes(size)
			id := 0
			for b.Loop() {
				id++
				sid := bot.SessionID(strconv.Itoa(id))
				spec := bot.Spec{Argv: []string{"sh", "-c", flood}, Dir: "/", Env: env, Budget: c.budget, PTY: c.pty}
				if err := r.Start(b.Context(), sid, spec); err != nil {
					b.Fatal(err)
				}
				for s := (bot.Status{}); !s.Exited; {
					var err error
					if s, err = r.Wait(b.Context(), sid, s.End); err != nil {
						b.Fatal(err)
					}
				}
				f, err := holder.ReadFolder(dir, sid)
				if err != nil || f.End != size {
					b.Fatalf("length %d, %v", f.End, err)
				}
				b.ReportMetric(float64(field(b, f.Holder.PID, "status", "VmHWM:"))/1024, "peak-MB")
				r.Remove(sid)
			}
		})
	}
}

// BenchmarkTerminalFlood prints as fast as a terminal takes it: two bytes a line
// and then 200, plain and in colours; to a reader that throws it away, and into
// sessions.
func BenchmarkTerminalFlood(b *testing.B) {
	const size = 16 << 20
	for _, c := range []struct{ name, line string }{
		{"short lines", "y"}, {"long lines", strings.Repeat("word ", 40)},
		{"colours", strings.Repeat("\x1b[1;31mfile\x1b[0m  ", 12)},
	} {
		argv := []string{"sh", "-c", `yes "$0" | head -c ` + strconv.Itoa(size), c.line}
		b.Run(c.name+"/thrown away", func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				terminal, err := pty.StartWithSize(exec.Command(argv[0], argv[1:]...), &pty.Winsize{Cols: 80, Rows: 24})
				if err != nil {
					b.Fatal(err)
				}
				for buf := make([]byte, 32<<10); err == nil; { // EIO is its end
					_, err = terminal.Read(buf)
				}
				terminal.Close()
			}
		})
		b.Run(c.name+"/session", func(b *testing.B) {
			dir := b.TempDir()
			r := newRunner(b, dir)
			b.SetBytes(size)
			id := 0
			for b.Loop() {
				id++
				sid := bot.SessionID(strconv.Itoa(id))
				start(b, r, sid, bot.Spec{Argv: argv, PTY: true, Size: bot.Size{Cols: 80, Rows: 24}})
				awaitExit(b, r, sid)
				f, err := holder.ReadFolder(dir, sid)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(field(b, f.Holder.PID, "status", "VmHWM:"))/1024, "peak-MB")
				b.ReportMetric(processor(b, f.Holder.PID).Seconds()*1e9/float64(size*id), "holder-ns/byte")
				r.Remove(sid)
			}
		})
	}
}

// BenchmarkIdle is the memory of a session in which nothing happens.
func BenchmarkIdle(b *testing.B) {
	const sessions = 10
	for _, c := range []struct {
		name, script string
		pty          bool
	}{
		{"pipes", "echo hi; exec cat", false}, {"terminal", "echo hi; exec cat", true},
		{"terminal after 100000 lines", "yes 'a line of some length, as programs print them' | head -100000; exec cat", true},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				dir := b.TempDir()
				r := newRunner(b, dir)
				private := 0
				for i := range sessions {
					start(b, r, bot.SessionID(strconv.Itoa(i+1)), bot.Spec{Argv: []string{"sh", "-c", c.script}, PTY: c.pty, Size: bot.Size{Cols: 80, Rows: 24}})
				}
				time.Sleep(5 * time.Second) // settled
				for i := range sessions {
					f, err := holder.ReadFolder(dir, bot.SessionID(strconv.Itoa(i+1)))
					if err != nil {
						b.Fatal(err)
					}
					private += field(b, f.Holder.PID, "smaps_rollup", "Private_Clean:") + field(b, f.Holder.PID, "smaps_rollup", "Private_Dirty:")
				}
				b.ReportMetric(float64(private)/sessions, "private-kB")
			}
		})
	}
}

// BenchmarkScreenAt is the screen in the middle and at the end of 100 MB, with
// checkpoints and from the output alone.
func BenchmarkScreenAt(b *testing.B) {
	dir := b.TempDir()
	r := newRunner(b, dir)
	const size = 100 << 20
	line := strings.Repeat("\x1b[32mword\x1b[0m and others ", 9)
	start(b, r, "1", bot.Spec{Argv: []string{"sh", "-c", `stty -opost; yes "$0" | head -c ` + strconv.Itoa(size), line}, PTY: true, Size: bot.Size{Cols: 80, Rows: 24}, Budget: 256 << 20})
	for s := (bot.Status{}); !s.Exited; {
		var err error
		if s, err = r.Wait(b.Context(), "1", s.End); err != nil {
			b.Fatal(err)
		}
	}
	for _, with := range []string{"checkpoints", "output"} {
		if with == "output" {
			files, _ := filepath.Glob(filepath.Join(dir, "1", "*screen"))
			for _, f := range files {
				os.Remove(f)
			}
		}
		for _, at := range []int64{size / 2, size} {
			b.Run(fmt.Sprintf("with %s, at %d MB", with, at>>20), func(b *testing.B) {
				for b.Loop() {
					if _, got, err := r.ScreenAt(b.Context(), "1", at); err != nil || got != at {
						b.Fatal(got, err)
					}
				}
			})
		}
	}
}

// processor is how much processor time a process has used, proc_pid_stat(5): the
// 14th and 15th field, in hundredths of a second.
func processor(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // from the third
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// field is a number in kB of a file in /proc/PID.
func field(b *testing.B, pid int, file, name string) int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if words := strings.Fields(lines.Text()); len(words) > 1 && words[0] == name {
			n, _ := strconv.Atoi(words[1])
			return n
		}
	}
	b.Fatalf("no %s in %s of %d", name, file, pid)
	return 0
}
