package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"chapi/bot"
)

// pattern is the byte at each offset of a test's output, such that bytes in
// the wrong place show.
func pattern(from, to int64) []byte {
	p := make([]byte, to-from)
	for i := range p {
		at := uint64(from) + uint64(i)
		p[i] = byte(at ^ at>>8*7 ^ at>>16*13)
	}
	return p
}

func open(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// all is what a reader returns from the beginning on, as chunks joined where
// they touch and are of one stream.
func all(t testing.TB, r *Reader, most int) []bot.Chunk {
	t.Helper()
	var chunks []bot.Chunk
	for from := int64(0); ; {
		c, err := r.Next(from, most)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Data) == 0 {
			return chunks
		}
		if c.From < from {
			t.Fatalf("asked for %d and got %d", from, c.From)
		}
		from = c.From + int64(len(c.Data))
		if n := len(chunks); n > 0 && chunks[n-1].Stream == c.Stream && chunks[n-1].From+int64(len(chunks[n-1].Data)) == c.From {
			chunks[n-1].Data = append(chunks[n-1].Data, c.Data...)
			continue
		}
		chunks = append(chunks, c)
	}
}

func TestKept(t *testing.T) {
	for _, c := range []struct {
		name        string
		budget, end int64
		want        []bot.Range
	}{
		{"nothing of nothing", 16_000, 0, nil},
		{"everything within the budget", 16_000, 15_999, []bot.Range{{From: 0, To: 15_999}}},
		{"everything that just fits", 16_000, 16_000, []bot.Range{{From: 0, To: 16_000}}},
		{"a segment goes for one byte more", 16_000, 16_001, []bot.Range{{From: 0, To: 8000}, {From: 9000, To: 16_001}}},
		{"no more goes while that segment fills", 16_000, 17_000, []bot.Range{{From: 0, To: 8000}, {From: 9000, To: 17_000}}},
		{"far on it is the same", 16_000, 1_000_001, []bot.Range{{From: 0, To: 8000}, {From: 993_000, To: 1_000_001}}},
		{"what does not divide goes to the head", 16_015, 1_000_000, []bot.Range{{From: 0, To: 8015}, {From: 992_015, To: 1_000_000}}},
		{"the default", 0, 64 << 20, []bot.Range{{From: 0, To: 64 << 20}}},
		{"a tiny one is raised", 1, MinBudget, []bot.Range{{From: 0, To: MinBudget}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Kept(c.budget, c.end); !cmp.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestKeptIsWithinTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.Int64Range(MinBudget, 1<<40).Draw(t, "budget")
		end := rapid.Int64Range(0, 1<<50).Draw(t, "end")
		var sum int64
		kept := Kept(budget, end)
		for _, k := range kept {
			sum += k.Len()
		}
		if sum > budget {
			t.Fatalf("%d bytes are kept of a budget of %d", sum, budget)
		}
		if end <= budget && sum != end {
			t.Fatalf("only %d of %d bytes are kept in a budget of %d", sum, end, budget)
		}
		if end > budget && (kept[0].Len() < budget/2 || kept[1].Len() <= budget/2-budget/16-16 || kept[1].To != end) {
			t.Fatalf("%v is kept of %d in a budget of %d", kept, end, budget)
		}
	})
}

// Whatever is appended however, the journal is byte for byte what its budget
// promises, for a reader that was there all the time and one that comes late.
func TestJournalIsWhatItsBudgetPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		budget := rapid.Int64Range(MinBudget, 3*MinBudget).Draw(rt, "budget")
		l := New(dir, budget, bot.Size{})
		defer l.Close()
		early := open(t, dir)
		type run struct {
			from, to int64
			stream   bot.Stream
		}
		var runs []run
		var end int64
		for range rapid.IntRange(0, 40).Draw(rt, "appends") {
			n := int64(rapid.IntRange(1, MinBudget/2).Draw(rt, "n"))
			s := bot.Stream(rapid.IntRange(1, 2).Draw(rt, "stream"))
			l.Append(s, pattern(end, end+n))
			if k := len(runs) - 1; k >= 0 && runs[k].stream == s {
				runs[k].to += n
			} else {
				runs = append(runs, run{end, end + n, s})
			}
			end += n
			if rapid.IntRange(0, 9).Draw(rt, "sync") == 0 {
				if err := l.Sync(); err != nil {
					rt.Fatal(err)
				}
			}
			if rapid.Bool().Draw(rt, "look") {
				early.Next(rapid.Int64Range(0, end).Draw(rt, "from"), 100)
			}
		}
		if l.End() != end {
			rt.Fatalf("end is %d, want %d", l.End(), end)
		}
		var want []bot.Chunk
		for _, k := range Kept(budget, end) {
			for _, r := range runs {
				from, to := max(k.From, r.from), min(k.To, r.to)
				if from < to {
					want = append(want, bot.Chunk{From: from, Stream: r.stream, Data: pattern(from, to)})
				}
			}
		}
		for _, r := range []*Reader{early, open(t, dir)} {
			kept, e := r.Extent()
			if e != end || !cmp.Equal(kept, Kept(budget, end)) {
				rt.Fatalf("extent is %v of %d, want %v of %d", kept, e, Kept(budget, end), end)
			}
			if diff := cmp.Diff(want, all(t, r, rapid.IntRange(1, 10_000).Draw(rt, "most")), equalChunks); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}

// equalChunks compares data whole, and shows it short.
var equalChunks = cmp.Comparer(func(a, b bot.Chunk) bool {
	return a.From == b.From && a.Stream == b.Stream && bytes.Equal(a.Data, b.Data)
})

func TestSplice(t *testing.T) {
	dir := t.TempDir()
	l := New(dir, 64<<10, bot.Size{})
	defer l.Close()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	const total = 300_000
	want := pattern(0, total)
	var moved, copied int
	for sent := 0; moved+copied < total; {
		if sent < total {
			n, err := unix.Write(fds[1], want[sent:min(total, sent+50_000)])
			if err != nil && err != unix.EAGAIN {
				t.Fatal(err)
			}
			sent += max(n, 0)
		}
		n, err := l.Splice(bot.Stdout, fds[0], 1<<20)
		switch err {
		case nil:
			moved += n
		case ErrCopy:
			p := make([]byte, 1000)
			n, err := unix.Read(fds[0], p)
			if err != nil {
				t.Fatal(err)
			}
			l.Append(bot.Stdout, p[:n])
			copied += n
		case unix.EAGAIN:
		default:
			t.Fatal(err)
		}
	}
	if moved < copied {
		t.Errorf("%d bytes were moved and %d copied", moved, copied)
	}
	for _, c := range all(t, open(t, dir), 1<<20) {
		if !bytes.Equal(c.Data, want[c.From:c.From+int64(len(c.Data))]) {
			t.Errorf("the bytes from %d on are not those of the pipe", c.From)
		}
	}
	unix.Close(fds[1])
	if n, err := l.Splice(bot.Stdout, fds[0], 100); n != 0 || err != nil {
		t.Errorf("at the end: got %d, %v", n, err)
	}
	if _, err := l.Splice(bot.Stderr, fds[0], 100); err != ErrCopy {
		t.Errorf("another stream: got %v, want %v", err, ErrCopy)
	}
}

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	l := New(dir, 0, bot.Size{Cols: 80, Rows: 24})
	before := time.Now().Truncate(time.Millisecond)
	l.Append(bot.Stdout, []byte("one"))
	l.Resize(bot.Size{Cols: 100, Rows: 24})
	l.Resize(bot.Size{Cols: 120, Rows: 40})
	l.Append(bot.Stderr, []byte("two"))
	l.tick = l.tick.Add(-2 * clockTick)
	l.Append(bot.Stderr, []byte("three"))
	l.Resize(bot.Size{Cols: 1, Rows: 1}) // nothing follows it
	l.Close()
	first, second := bot.Mark{At: 0, Size: bot.Size{Cols: 80, Rows: 24}}, bot.Mark{At: 3, Size: bot.Size{Cols: 120, Rows: 40}}
	for _, c := range []struct {
		name string
		from int64
		want []bot.Mark
	}{
		{"all of them", 0, []bot.Mark{first, {At: 0}, second, {At: 3}, {At: 6}}},
		{"what holds at an offset comes first", 2, []bot.Mark{first, {At: 0}, second, {At: 3}, {At: 6}}},
		{"those at the offset hold", 3, []bot.Mark{second, {At: 3}, {At: 6}}},
		{"behind the end the last hold", 100, []bot.Mark{second, {At: 6}}},
	} {
		var got []bot.Mark
		if err := open(t, dir).Marks(c.from, func(m bot.Mark) bool { got = append(got, m); return true }); err != nil {
			t.Fatal(err)
		}
		for i, m := range got {
			if m.Size == (bot.Size{}) && (m.Time.Before(before) || m.Time.After(time.Now())) {
				t.Errorf("%s: the time is %v", c.name, m.Time)
			}
			got[i].Time = time.Time{}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	seen := 0
	open(t, dir).Marks(3, func(bot.Mark) bool { seen++; return false })
	if seen != 1 {
		t.Errorf("who wants no more was given %d", seen)
	}
}

func TestMarksAcrossSegmentsBeginWithWhatHolds(t *testing.T) {
	dir := t.TempDir()
	size := bot.Size{Cols: 80, Rows: 24}
	l := New(dir, MinBudget, size)
	for range 100 {
		l.Append(bot.Stdout, make([]byte, 100))
	}
	l.Close()
	kept := Kept(MinBudget, 10_000)
	for _, from := range []int64{0, kept[0].To - 1, kept[0].To + 10, kept[1].From, 9_999} {
		var got []bot.Mark
		if err := open(t, dir).Marks(from, func(m bot.Mark) bool { got = append(got, m); return true }); err != nil {
			t.Fatal(err)
		}
		if len(got) < 2 || got[0].Size != size || got[1].Time.IsZero() {
			t.Errorf("from %d: got %+v", from, got)
		}
	}
}

// The clock of a terminal is fine, and what it costs is bounded.
func TestTimesOfATerminalAreFine(t *testing.T) {
	times := func(size bot.Size, pieces int, tick time.Duration) (n int, bytes int64) {
		dir := t.TempDir()
		l := New(dir, 0, size)
		for range pieces {
			l.tick = l.tick.Add(-tick)
			l.Append(bot.Stdout, []byte("x"))
		}
		if l.seg.marks != nil {
			bytes = l.seg.marksSize
		}
		l.Close()
		open(t, dir).Marks(0, func(m bot.Mark) bool {
			if m.Size == (bot.Size{}) {
				n++
			}
			return true
		})
		return n, bytes
	}
	terminal := bot.Size{Cols: 80, Rows: 24}
	if n, _ := times(terminal, 100, fineTick); n != 100 {
		t.Errorf("a terminal's output has %d times, want 100", n)
	}
	if n, _ := times(bot.Size{}, 100, fineTick); n > 20 {
		t.Errorf("output without a terminal has %d times, want few", n)
	}
	const pieces = 100_000
	if _, bytes := times(terminal, pieces, fineTick); bytes > fineLeast+pieces/fineShare+16 {
		t.Errorf("%d bytes of marks for %d of output", bytes, pieces)
	}
}

// A small file system that fills up in the middle of the output.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget int64
		full   int64 // bytes of output before the disk is full
	}{
		{"in the head", 8 << 20, 300_000},
		{"in the tail", 256 << 10, 600_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := smallDisk(t)
			l := New(dir, c.budget, bot.Size{})
			defer l.Close()
			var end int64
			add := func(n int64) {
				l.Append(bot.Stdout, pattern(end, end+n))
				end += n
			}
			for end < c.full {
				add(10_000)
			}
			ballast, err := os.Create(filepath.Join(dir, "ballast"))
			if err != nil {
				t.Fatal(err)
			}
			defer ballast.Close()
			for {
				if _, err := ballast.Write(make([]byte, 4096)); err != nil {
					break
				}
			}
			add(200_000)
			for range 20 {
				add(100_000)
			}
			l.Sync()
			r := open(t, dir)
			check := func(what string) {
				t.Helper()
				kept, e := r.Extent()
				if e != end || l.End() != end {
					t.Errorf("%s: the length is %d in the files and %d in the log, want %d", what, e, l.End(), end)
				}
				if len(kept) > 2 {
					t.Errorf("%s: more than one gap: %v", what, kept)
				}
				for _, chunk := range all(t, r, 1<<20) {
					if !bytes.Equal(chunk.Data, pattern(chunk.From, chunk.From+int64(len(chunk.Data)))) {
						t.Errorf("%s: wrong bytes at %d", what, chunk.From)
					}
				}
			}
			check("full")
			lost, cause := l.Lost()
			if lost == 0 || cause == nil {
				t.Errorf("lost is %d because of %v", lost, cause)
			}
			ballast.Truncate(0)
			time.Sleep(retryAfter) // the log's own time
			from := end
			add(50_000)
			check("with room again")
			if got := all(t, r, 1<<20); len(got) == 0 || got[len(got)-1].From > from {
				t.Error("it does not go on when there is room again")
			}
		})
	}
}

func TestTornFiles(t *testing.T) {
	write := func(t *testing.T, dir, name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no files", nil, "[] 0"},
		{"other files", map[string]string{"spec.json": "{}", "1.out": "x", "x.out": "y"}, "[] 0"},
		{"a short head makes a gap", map[string]string{dataName(0): "abc", dataName(10): "defg"}, "[{0 3} {10 14}] 14"},
		{"only the last chain counts", map[string]string{dataName(0): "abc", dataName(5): "xx", dataName(10): "def", dataName(13): "g"}, "[{0 3} {10 14}] 14"},
		{"a lost head is a gap too", map[string]string{dataName(5): "abc"}, "[{5 8}] 8"},
		{"too much in one is cut", map[string]string{dataName(0): "abcdef", dataName(3): "xyz"}, "[{0 6}] 6"},
		{"an empty last one is a length", map[string]string{dataName(0): "abc", dataName(9): ""}, "[{0 3}] 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, content := range c.files {
				write(t, dir, name, []byte(content))
			}
			kept, end := open(t, dir).Extent()
			if got := fmt.Sprint(kept, end); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	t.Run("marks count up to the first that is torn", func(t *testing.T) {
		dir := t.TempDir()
		write(t, dir, dataName(0), []byte("aabbccdd"))
		w := markWriter{}
		marks := w.stream(nil, 2, bot.Stderr)
		marks = w.stream(marks, 4, bot.Stdout)
		write(t, dir, marksName(0), append(marks, tagStderr))
		r := open(t, dir)
		got := ""
		for _, c := range all(t, r, 100) {
			got += fmt.Sprintf("%d%s ", c.Stream, c.Data)
		}
		if want := "1aa 2bb 1ccdd "; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		write(t, dir, marksName(0), append(w.stream(marks, 6, bot.Stderr), 0, 0, 0))
		if c, _ := r.Next(7, 100); c.Stream != bot.Stderr {
			t.Errorf("a record that was completed does not count: %+v", c)
		}
	})
}

// FuzzOpen: whatever is in the files, reading them does not panic, ends, and
// agrees with the extent.
func FuzzOpen(f *testing.F) {
	w := markWriter{}
	f.Add([]byte("hello"), w.stream(nil, 2, bot.Stderr), []byte("world"), []byte{}, uint32(5), uint32(0))
	f.Add([]byte("hello"), []byte{tagClock, 0x80, 0x80}, []byte("world"), binary.AppendUvarint([]byte{tagStderr}, 1<<63), uint32(3), uint32(99))
	f.Add([]byte{}, []byte{tagSize, 1, 2, 3, 0, 0}, []byte{}, []byte{tagStdout, 0}, uint32(0), uint32(7))
	f.Fuzz(func(t *testing.T, data1, marks1, data2, marks2 []byte, start2, start3 uint32) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{
			dataName(0): data1, marksName(0): marks1,
			dataName(int64(start2)): data2, marksName(int64(start2)): marks2,
			dataName(int64(start3) << 20): nil,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := open(t, dir)
		kept, end := r.Extent()
		last := int64(0)
		for i, k := range kept {
			if k.Len() <= 0 || k.From < last || k.To > end || i > 1 {
				t.Fatalf("extent is %v of %d", kept, end)
			}
			last = k.To
		}
		var got []bot.Range
		for from := int64(0); ; {
			c, err := r.Next(from, 1+rand.IntN(10))
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Data) == 0 {
				break
			}
			if c.From < from || (c.Stream != bot.Stdout && c.Stream != bot.Stderr) {
				t.Fatalf("from %d: got %+v", from, c)
			}
			from = c.From + int64(len(c.Data))
			if n := len(got) - 1; n >= 0 && got[n].To == c.From {
				got[n].To = from
			} else {
				got = append(got, bot.Range{From: c.From, To: from})
			}
		}
		if !cmp.Equal(got, kept) {
			t.Fatalf("read %v of %v", got, kept)
		}
		if err := r.Marks(0, func(bot.Mark) bool { return true }); err != nil {
			t.Fatal(err)
		}
	})
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
