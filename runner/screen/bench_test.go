package screen

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"testing"
)

const benchHistory = 10_000

// streams are what is drawn for speed: about a megabyte each.
func streams(b *testing.B) []struct {
	name  string
	bytes []byte
} {
	list := []struct {
		name  string
		bytes []byte
	}{{"plain", plainText(1 << 20)}, {"coloured", colouredText(1 << 20)}, {"wide", bytes.Repeat([]byte(wideText), 1<<20/len(wideText))}}
	for _, name := range []string{"ls", "vim", "mc", "git", "apt", "worm"} {
		var out []byte
		for _, g := range kept(b, name) {
			out = append(out, g.Output...)
		}
		list = append(list, struct {
			name  string
			bytes []byte
		}{name, bytes.Repeat(out, 1<<20/len(out)+1)})
	}
	return list
}

func plainText(n int) []byte {
	r := rand.New(rand.NewSource(11))
	var b []byte
	for len(b) < n {
		for range 1 + r.Intn(12) {
			b = append(b, "configure make install "[:3+r.Intn(20)]...)
		}
		b = append(b, '\r', '\n')
	}
	return b
}

// colouredText looks like a long `ls --color -l`.
func colouredText(n int) []byte {
	r := rand.New(rand.NewSource(12))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "-rw-r--r-- 1 me me %8d Jan %2d 10:%02d \x1b[0m\x1b[01;3%dmname-%d\x1b[0m\r\n", r.Intn(1e7), r.Intn(30), r.Intn(60), r.Intn(8), r.Intn(1e5))
	}
	return b
}

// BenchmarkWrite draws streams as they come from a session, 32 KB at a time,
// with this emulator and with the best library.
func BenchmarkWrite(b *testing.B) {
	for _, s := range streams(b) {
		b.Run(s.name+"/own", func(b *testing.B) {
			draw(b, New(recordCols, recordRows, Options{History: benchHistory}), s.bytes)
		})
		b.Run(s.name+"/x-vt", func(b *testing.B) { draw(b, newSecond(b), s.bytes) })
	}
}

func draw(b *testing.B, w io.Writer, stream []byte) {
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := stream; len(rest) > 0; {
			n := min(32<<10, len(rest))
			w.Write(rest[:n])
			rest = rest[n:]
		}
	}
}

// BenchmarkSkim passes over floods as a holder does, a megabyte at a time, and
// draws what is left of each.
func BenchmarkSkim(b *testing.B) {
	for _, flood := range streams(b)[:2] {
		b.Run(flood.name, func(b *testing.B) {
			s := New(recordCols, recordRows, Options{History: 1000})
			b.SetBytes(int64(len(flood.bytes)))
			for b.Loop() {
				n := s.Skim(flood.bytes)
				s.Write(flood.bytes[n:])
			}
		})
	}
}

// BenchmarkRebuild makes the screen of a session that has written 100 MB: from
// its beginning, and from a checkpoint with a megabyte to go.
func BenchmarkRebuild(b *testing.B) {
	megabyte := colouredText(1 << 20)
	s := New(recordCols, recordRows, Options{History: benchHistory})
	b.Run("whole", func(b *testing.B) {
		for b.Loop() {
			s = New(recordCols, recordRows, Options{History: benchHistory})
			for range 100 {
				s.Write(megabyte)
			}
		}
	})
	b.Run("checkpoint", func(b *testing.B) {
		b.ReportMetric(float64(len(s.Checkpoint())), "bytes")
		kept := s.Checkpoint()
		for b.Loop() {
			s, err := Restore(kept)
			if err != nil {
				b.Fatal(err)
			}
			s.Write(megabyte)
		}
	})
}

// BenchmarkState is what else is done with a screen of full history.
func BenchmarkState(b *testing.B) {
	s := New(recordCols, recordRows, Options{History: benchHistory})
	s.Write(colouredText(1 << 20))
	kept := s.Checkpoint()
	for name, f := range map[string]func(){
		"view":       func() { s.View() },
		"checkpoint": func() { s.Checkpoint() },
		"restore":    func() { Restore(kept) },
		"marks":      func() { s.Marks() },
		"reflow":     func() { s.Resize(60, 24); s.Resize(100, 24) },
		"rows":       func() { s.Resize(80, 30); s.Resize(80, 24) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
