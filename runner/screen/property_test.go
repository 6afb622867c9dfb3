package screen

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces are what noise is made of.
var pieces = []string{
	"text ", "漢字", "e\u0301", "\U0001f600", "\u200d", "\r\n", "\n", "\b", "\t", "\x0e", "\x0f", "\x1b(0", "\x1b(B", "\x1b)0", "\x1bN",
	"\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?47l", "\x1b[?1047h", "\x1b[?1047l", "\x1b[?2026h", "\x1b[?2026l", "\x1b[?6h", "\x1b[?6l",
	"\x1b[?7h", "\x1b[?7l", "\x1b[4h", "\x1b[4l", "\x1b[?45h", "\x1b[?25l", "\x1b[?1;2004;1002;1006h", "\x1b7", "\x1b8", "\x1bD", "\x1bM", "\x1bE", "\x1bH",
	"\x1b]2;title\a", "\x1b]0;\xff\x1b\\", "\x1b]4;1;rgb:1/2/3\a", "\x1b]104\a", "\x1b]133;A\a", "\x1b]133;D;7\a", "\x1bPq#0;2\x1b\\", "\x1b_apc\x1b\\",
	"\x1b[c", "\x1b[6n", "\x1bP$qm\x1b\\", "\x1b[22t", "\x1b[23t", "\x1b[!p", "\x1b#8", "\x1b[3J", "\x1b", "\x1b[", "\x1b]", "\x18", "\xe6\xbc", "\xff", "\u009b",
}

// noise is n pieces of output, right and wrong.
func noise(r *rand.Rand, n int) []byte {
	var b []byte
	for range n {
		switch r.Intn(8) {
		case 0, 1, 2:
			b = append(b, pieces[r.Intn(len(pieces))]...)
		case 3:
			b = append(b, strings.Repeat("x", r.Intn(30))...)
		case 4:
			b = fmt.Appendf(b, "\x1b[%d;%d%c", r.Intn(30), r.Intn(90), "ABCDEFGHIJKLMPSTXZ@bdrf`"[r.Intn(24)])
		case 5:
			b = fmt.Appendf(b, "\x1b[%d%c", r.Intn(4), "JKghLMPX@ST"[r.Intn(11)])
		case 6:
			b = fmt.Appendf(b, "\x1b[%d;38;5;%d;48;2;%d;0;0m", r.Intn(110), r.Intn(256), r.Intn(256))
		case 7:
			b = append(b, byte(r.Intn(256)))
		}
	}
	return b
}

// check finds what must never be.
func check(t *testing.T, s *Screen) {
	t.Helper()
	fail := func(format string, args ...any) { t.Fatalf("a broken screen: "+format, args...) }
	if s.x < 0 || s.x >= s.cols || s.y < 0 || s.y >= s.rows || s.pending && s.x != s.cols-1 {
		fail("cursor %d,%d pending %v of %dx%d", s.x, s.y, s.pending, s.cols, s.rows)
	}
	if s.top < 0 || s.bottom > s.rows || s.top >= s.bottom {
		fail("region %d-%d", s.top, s.bottom)
	}
	for _, g := range []*grid{&s.normal.grid, &s.alt.grid} {
		seen := map[uint16]bool{}
		for y := range g.rows {
			seen[g.order[y]] = true
			r, line := g.row(y), g.line(y)
			if int(r.used) > g.cols {
				fail("row %d uses %d of %d columns", y, r.used, g.cols)
			}
			for x, c := range line[:r.used] {
				wide := x+1 < int(r.used) && line[x+1]&cellRight != 0
				right := x > 0 && line[x-1]&cellWide != 0
				if (c&cellWide != 0) != wide || (c&cellRight != 0) != right || c&cellWide != 0 && !r.wide {
					fail("row %d column %d: half a wide character", y, x)
				}
			}
		}
		if len(seen) != g.rows {
			fail("rows are lost")
		}
	}
	if s.history.count > s.history.limit {
		fail("%d lines of history", s.history.count)
	}
}

// same fails unless two screens are alike in all that can be seen, and in all
// that decides how they go on.
func same(t *testing.T, a, b *Screen) {
	t.Helper()
	alike(t, "view", a.View(), b.View())
	alike(t, "lines", a.Lines(0, 1<<20), b.Lines(0, 1<<20))
	alike(t, "marks", a.Marks(), b.Marks())
	var e, f encoder
	e.state(a)
	f.state(b)
	if !bytes.Equal(e.b, f.b) {
		t.Fatal("states differ")
	}
	for y := range a.alt.rows {
		alike(t, "alternate screen", a.rowCells(nil, &a.alt.grid, y), b.rowCells(nil, &b.alt.grid, y))
	}
}

func alike(t *testing.T, what string, a, b any) {
	t.Helper()
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s: %s", what, cmp.Diff(a, b))
	}
}

// inputs are the kept recordings and noise.
func inputs(t testing.TB, seed int64) map[string][]byte {
	all := map[string][]byte{}
	for _, p := range programs {
		if !p.unkept {
			for _, g := range kept(t, p.name) {
				all[p.name] = append(all[p.name], g.Output...)
			}
		}
	}
	r := rand.New(rand.NewSource(seed))
	for i := range 10 {
		all[fmt.Sprint("noise ", i)] = noise(r, 2000)
	}
	return all
}

func TestAnySplitGivesTheSameScreen(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for name, in := range inputs(t, 2) {
		whole, parts, singles := New(80, 24, Options{History: 500}), New(80, 24, Options{History: 500}), New(80, 24, Options{History: 500})
		whole.Write(in)
		for rest := in; len(rest) > 0; {
			n := min(1+r.Intn(100), len(rest))
			parts.Write(rest[:n])
			rest = rest[n:]
		}
		for i := range in {
			singles.Write(in[i : i+1])
		}
		t.Run(name, func(t *testing.T) {
			check(t, whole)
			if want := string(whole.Answers()); want != string(parts.Answers()) || want != string(singles.Answers()) {
				t.Error("answers differ")
			}
			same(t, whole, parts)
			same(t, whole, singles)
		})
	}
}

func TestARestoredScreenGoesOnAsTheOther(t *testing.T) {
	r := rand.New(rand.NewSource(3))
	for name, in := range inputs(t, 4) {
		t.Run(name, func(t *testing.T) {
			a := New(80, 24, Options{History: 500})
			b := New(80, 24, Options{History: 500})
			for len(in) > 0 {
				n := min(1+r.Intn(4000), len(in))
				a.Write(in[:n])
				b.Write(in[:n])
				if r.Intn(4) == 0 {
					cols, rows := 2+r.Intn(120), 1+r.Intn(40)
					a.Resize(cols, rows)
					b.Resize(cols, rows)
				}
				a.Answers()
				b.Answers()
				in = in[n:]
				restored, err := Restore(b.Checkpoint())
				if err != nil {
					t.Fatal(err)
				}
				b = restored
				check(t, b)
			}
			same(t, a, b)
		})
	}
}

// sealed makes a checkpoint's checksum right.
func sealed(b []byte) []byte {
	n := len(b) - 4
	return binary.LittleEndian.AppendUint32(bytes.Clone(b[:n]), crc32.ChecksumIEEE(b[:n]))
}

func TestADamagedCheckpointIsAnError(t *testing.T) {
	s := New(80, 24, Options{History: 500})
	s.Write(noise(rand.New(rand.NewSource(5)), 3000))
	good := s.Checkpoint()
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if _, err := Restore(bad); err != ErrCheckpoint {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := Restore(good[:i]); err != ErrCheckpoint {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

func TestAForgedCheckpointDoesNoHarm(t *testing.T) {
	r := rand.New(rand.NewSource(6))
	s := New(80, 24, Options{History: 500})
	s.Write(noise(r, 3000))
	good := s.Checkpoint()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const rounds = 2000
	for range rounds {
		forged := bytes.Clone(good)
		for range 1 + r.Intn(3) {
			forged[len(checkpointMagic)+r.Intn(len(forged)-len(checkpointMagic))] = byte(r.Intn(256))
		}
		useForged(t, sealed(forged))
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > 32<<20 {
		t.Errorf("%d bytes allocated for each of %d", each, len(good))
	}
}

// useForged restores a checkpoint that may be anything and goes on with it.
func useForged(t *testing.T, b []byte) {
	t.Helper()
	s, err := Restore(b)
	if err != nil {
		if err != ErrCheckpoint {
			t.Fatal(err)
		}
		return
	}
	check(t, s)
	s.Write([]byte("\x1b8text\r\n漢字\x1b[?1049l\x1b]2;x\a"))
	s.Resize(33, 7)
	s.View()
	s.Marks()
	check(t, s)
	if _, err := Restore(s.Checkpoint()); err != nil {
		t.Fatal("what was restored cannot be restored again")
	}
}
