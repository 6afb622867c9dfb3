package screen

import (
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strings"
	"testing"
)

// openers leave the emulator in each of its states.
var openers = []string{
	"", "\xe6\xbc", "\x1b", "\x1b(", "\x1b#", "\x1b[", "\x1b[?", "\x1b[>", "\x1b[1;2", "\x1b[1:2", "\x1b[1 ", "\x1b[ $", "\x1b[1<",
	"\x1b]", "\x1b]0;", "\x1b]4;", "\x1b]133;", "\x1bP", "\x1bP1;2", "\x1bP$q", "\x1bP+q", "\x1bPq", "\x1bX", "\x1b^", "\x1b_",
}

// junk is what may come in a state, over and over.
var junk = []string{
	"9", ";", ":", ";9", "?", " ", "$", "text", "\x00", "\x01", "\n", "\b", "\x7f", "\x80", "\xff", "\xc3\x28", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80",
	"\xf4\x90\x80\x80", "\xc0\xaf", "\u009b", "\u0301", "漢", "\u202e", "\x0e", "\x1b", "\x1b\x1b[", "\x18\x1b]",
}

const goodScreen = "\x18\x1bc\x1b[31mgood\x1b[m\r\n漢字e\u0301\r\n"

func isGood(t *testing.T, s *Screen) {
	t.Helper()
	check(t, s)
	want := New(s.cols, s.rows, Options{})
	want.Write([]byte(goodScreen))
	alike(t, "view", s.View(), want.View())
}

// TestTheNextGoodScreenIsRight after junk in every state.
func TestTheNextGoodScreenIsRight(t *testing.T) {
	for _, opener := range openers {
		for _, j := range junk {
			t.Run(fmt.Sprintf("%q %q", opener, j), func(t *testing.T) {
				s := New(20, 5, Options{History: 10})
				s.Write([]byte(opener + strings.Repeat(j, 10_000)))
				check(t, s)
				s.Answers()
				s.Write([]byte(goodScreen))
				isGood(t, s)
			})
		}
	}
}

// TestAStringWithoutEndEnds as a program that died in it has no more to say.
func TestAStringWithoutEndEnds(t *testing.T) {
	for _, opener := range []string{"\x1b]0;", "\x1bPq", "\x1b_"} {
		s := New(20, 5, Options{})
		s.Write([]byte(opener))
		for range maxSwallowed/4096 + 1 {
			s.Write(bytes.Repeat([]byte("x"), 4096))
		}
		s.Write([]byte("\x1b[2J\x1b[Hseen"))
		if got := show(s); got != "seen" {
			t.Errorf("%q: %q", opener, got)
		}
		if cap(s.parser.text) > 2*maxString {
			t.Errorf("%q: %d bytes of it are kept", opener, cap(s.parser.text))
		}
	}
}

// heap gives the bytes that are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemoryIsBounded for floods that want to fill it. By CHAPI_SOAK=1 each
// flood is a gigabyte.
func TestMemoryIsBounded(t *testing.T) {
	const history = 2000
	// Cells, history, styles, and clusters at their bounds, and as much again
	// for what is on its way.
	bound := int64(80*24*8*3 + history*historyLineBytes + maxStyles*32 + maxClusters*128)
	size := 1 << 20
	if os.Getenv("CHAPI_SOAK") != "" {
		size = 1 << 30
	}
	floods := map[string]func(b []byte, i int) []byte{
		"lines":     func(b []byte, i int) []byte { return fmt.Appendf(b, "line %d\r\n", i) },
		"long line": func(b []byte, i int) []byte { return append(b, "endless text "...) },
		"colours": func(b []byte, i int) []byte {
			return fmt.Appendf(b, "\x1b[38;2;%d;%d;%d;58;2;%d;0;0mx", i>>16&255, i>>8&255, i&255, i&255)
		},
		"accents":   func(b []byte, i int) []byte { return fmt.Appendf(b, "x%c%c", 0x300+i%112, 0x300+i/112%112) },
		"zalgo":     func(b []byte, i int) []byte { return append(b, "\u0301\u0302\u0303"...) },
		"titles":    func(b []byte, i int) []byte { return fmt.Appendf(b, "\x1b]2;%0300d\a\x1b[22t", i) },
		"marks":     func(b []byte, i int) []byte { return append(b, "\x1b]133;A\a\x1b]133;D;1\a\r\n"...) },
		"palette":   func(b []byte, i int) []byte { return fmt.Appendf(b, "\x1b]4;%d;#%06x\a", i%256, i&0xffffff) },
		"queries":   func(b []byte, i int) []byte { return append(b, "\x1b[c\x1b[6n\x1b[>q"...) },
		"updates":   func(b []byte, i int) []byte { return append(b, "\x1b[?2026h\x1b[?2026l"...) },
		"screens":   func(b []byte, i int) []byte { return append(b, "\x1b[?1049h\x1b[2J\x1b[?1049l"...) },
		"scrolling": func(b []byte, i int) []byte { return append(b, "\x1b[99999S\x1b[99999L\x1b[99999@\x1b[99999b"...) },
	}
	r := rand.New(rand.NewSource(9))
	floods["noise"] = func(b []byte, i int) []byte { return append(b, noise(r, 20)...) }
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			before := heap()
			s := New(80, 24, Options{History: history})
			var b []byte
			for i, written := 0, 0; written < size; i++ {
				if b = flood(b, i); len(b) >= 1<<15 {
					s.Write(b)
					written += len(b)
					b = b[:0]
				}
			}
			if used := heap() - before; used > bound {
				t.Errorf("%d bytes in use, the bound is %d", used, bound)
			}
			if n := len(s.Checkpoint()); int64(n) > bound {
				t.Errorf("a checkpoint of %d bytes", n)
			}
			s.Answers()
			s.Write([]byte(goodScreen))
			isGood(t, s)
		})
	}
}

func TestAStormOfResizesKeepsTheText(t *testing.T) {
	s := New(80, 24, Options{History: 5000})
	for i := range 300 {
		fmt.Fprintf(s, "%d 漢字 \x1b[3%dmwords\x1b[m%s\r\n", i, i%8, strings.Repeat(" and", i%40))
	}
	want := unwrapped(s)
	r := rand.New(rand.NewSource(10))
	before := heap()
	for range 300 {
		s.Resize(10+r.Intn(200), 1+r.Intn(60))
		check(t, s)
	}
	s.Resize(80, 24)
	if got := unwrapped(s); got != want {
		t.Errorf("got\n%s", got)
	}
	for _, size := range [][2]int{{0, 0}, {-5, 1 << 30}, {1 << 30, -1}, {1 << 30, 1 << 30}, {80, 24}} {
		s.Resize(size[0], size[1])
		check(t, s)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d bytes more in use", grown)
	}
	s.Write([]byte(goodScreen))
	isGood(t, s)
}
