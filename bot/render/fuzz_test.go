package render

import (
	"math/rand/v2"
	"strings"
	"testing"

	"chapi/bot"

	"github.com/google/go-cmp/cmp"
)

// Whatever the bytes: pages fit, each takes something, splits make no
// difference, and the tail fits.
func FuzzPaper(f *testing.F) {
	f.Add([]byte("plain\ntext\n"), uint16(64), uint8(3), uint64(1), false)
	f.Add([]byte("\x1b[5A\x1b[2Kup\x1b[5B\r\n日本\x1b[1K👩‍💻\x1b[3D"), uint16(100), uint8(0), uint64(2), true)
	f.Add([]byte("\x1b[?1049h\x1b[2;5r\x1b[3;200Hx\x1b[?1049l\x1b7\x1b[24;1Hs\x1b8"), uint16(300), uint8(10), uint64(3), true)
	f.Add([]byte("\xf0\x9f\x92\xe6\x97\x1b]0;t\x1b\\\x1bP\n\n\x1b\\\t\t\t\tx\x1b[9@\x1b[9P"), uint16(64), uint8(1), uint64(4), false)
	f.Fuzz(func(t *testing.T, data []byte, text uint16, lines uint8, seed uint64, utf16 bool) {
		if len(data) == 0 || len(data) > 1<<14 {
			return
		}
		size := bot.PageSize{Text: 64 + int(text)%4000, Lines: int(lines), UTF16: utf16}
		r := rand.New(rand.NewPCG(seed, 6))
		var chunks []bot.Chunk
		var at int64
		for rest := data; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			c := bot.Chunk{From: at, Stream: bot.Stream(1 + r.IntN(2)), Data: rest[:n]}
			chunks = append(chunks, c)
			at, rest = at+int64(n+r.IntN(2)*r.IntN(5000)), rest[n:]
		}
		whole, pieces := pages(t, size, chunks), pages(t, size, split(chunks, r))
		if diff := cmp.Diff(whole, pieces, cmp.AllowUnexported(sheetOfPaper{})); diff != "" {
			t.Fatalf("size %+v, whole and split differ (-whole +split):\n%s", size, diff)
		}
		tail, from := Renderer{}.Tail(size, chunks)
		fits(t, size, tail)
		if from < 0 || from > at {
			t.Fatalf("tail from %d of %d", from, at)
		}
	})
}

func BenchmarkPaper(b *testing.B) {
	line := "2026-01-02 15:04:05 INFO request served path=/api/v1/items/12345 status=200\n"
	for _, bb := range []struct{ name, data string }{
		{"plain", strings.Repeat(line, 4000)},
		{"colour", strings.Repeat("\x1b[32m2026-01-02\x1b[0m \x1b[1mINFO\x1b[0m request \x1b[36mserved\x1b[0m\r\n", 5000)},
		{"progress", strings.Repeat("\rReceiving objects:  62% (188/302), 420.00 KiB | 820.00 KiB/s", 5000)},
		{"wide", strings.Repeat("日本語のテキスト、とても長い行です。\n", 5000)},
		{"emoji", strings.Repeat("👩‍💻 ❤️ 🇩🇪 ok\n", 5000)},
		{"binary", func() string {
			r := rand.New(rand.NewPCG(1, 1))
			p := make([]byte, 300_000)
			for i := range p {
				p[i] = byte(r.Uint32())
			}
			return string(p)
		}()},
		{"screen", "\x1b[?1049h" + strings.Repeat("\x1b[H"+strings.Repeat("  4711 root      20   0  123456  12345 S   0.3   1.2   0:01.23 chapi\x1b[K\r\n", 23), 200)},
	} {
		chunk := out(0, bb.data)
		b.Run(bb.name+"/one page", func(b *testing.B) {
			b.SetBytes(int64(len(bb.data)))
			b.ReportAllocs()
			for b.Loop() {
				NewPaper(large, 0).Write(chunk)
			}
		})
		b.Run(bb.name+"/pages", func(b *testing.B) {
			b.SetBytes(int64(len(bb.data)))
			b.ReportAllocs()
			size := bot.PageSize{Text: 3900, UTF16: true, Lines: 100}
			for b.Loop() {
				p := NewPaper(size, 0)
				for p.Write(chunk) {
					p.Text()
					p = NewPaper(size, p.Covers())
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	p := NewPaper(bot.PageSize{Text: 3900}, 0)
	p.Write(out(0, strings.Repeat("a line of usual length, as programs write them\n", 100)))
	for b.Loop() {
		p.Text()
	}
}

func BenchmarkTail(b *testing.B) {
	chunk := out(0, strings.Repeat("a line of usual length, as programs write them\n", 100_000))
	b.SetBytes(int64(len(chunk.Data)))
	for b.Loop() {
		Renderer{}.Tail(bot.PageSize{Text: 3900, UTF16: true, Lines: 100}, []bot.Chunk{chunk})
	}
}
