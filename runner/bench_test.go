package runner_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
// and then 200, plain and in colours.
func BenchmarkTerminalFlood(b *testing.B) {
	const size = 16 << 20
	for _, c := range []struct{ name, line string }{
		{"short lines", "y"}, {"long lines", strings.Repeat("word ", 40)},
		{"colours", strings.Repeat("\x1b[1;31mfile\x1b[0m  ", 12)},
	} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			r := newRunner(b, dir)
			b.SetBytes(size)
			id := 0
			for b.Loop() {
				id++
				sid := bot.SessionID(strconv.Itoa(id))
				argv := []string{"sh", "-c", `yes "$0" | head -c ` + strconv.Itoa(size), c.line}
				start(b, r, sid, bot.Spec{Argv: argv, PTY: true, Size: bot.Size{Cols: 80, Rows: 24}})
				awaitExit(b, r, sid)
				f, err := holder.ReadFolder(dir, sid)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(field(b, f.Holder.PID, "status", "VmHWM:"))/1024, "peak-MB")
				r.Remove(sid)
			}
		})
	}
}

// BenchmarkIdle is the memory of a session in which nothing happens.
func BenchmarkIdle(b *testing.B) {
	const sessions = 20
	for b.Loop() {
		dir := b.TempDir()
		r := newRunner(b, dir)
		private := 0
		for i := range sessions {
			start(b, r, bot.SessionID(strconv.Itoa(i+1)), bot.Spec{Argv: []string{"sh", "-c", "echo hi; sleep 60"}, PTY: i%2 == 0})
		}
		time.Sleep(3 * time.Second) // settled
		for i := range sessions {
			f, err := holder.ReadFolder(dir, bot.SessionID(strconv.Itoa(i+1)))
			if err != nil {
				b.Fatal(err)
			}
			private += field(b, f.Holder.PID, "smaps_rollup", "Private_Clean:") + field(b, f.Holder.PID, "smaps_rollup", "Private_Dirty:")
		}
		b.ReportMetric(float64(private)/sessions, "private-kB")
	}
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
