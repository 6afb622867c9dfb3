package picture

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"chapi/runner/screen"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// on is the screen of a terminal that got the text.
func on(cols, rows int, text string) screen.View {
	s := screen.New(cols, rows, screen.Options{})
	s.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return s.View()
}

// all is the characters of a range, divided by a string, in lines of so many.
func all(from, to rune, perLine int, divider string) string {
	var b strings.Builder
	for r := from; r <= to; r++ {
		if r > from && int(r-from)%perLine == 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(r) + divider)
	}
	return b.String()
}

var golden = []struct {
	name       string
	cols, rows int
	text       string
}{
	{"letters", 40, 6, "The quick brown fox jumps 0123456789\n\x1b[1mThe quick brown fox jumps 0123456789\x1b[m\n" +
		"\x1b[3mitalic\x1b[m \x1b[2mdim\x1b[m \x1b[4munder\x1b[m \x1b[9mstrike\x1b[m \x1b[7mreverse\x1b[m \x1b[8mhidden\x1b[m|\n" +
		"{}[]()<>|/\\ @#$%&*;:,.'\"`~^_-+=!?\nÄÖÜäöüß éèê ñ ç ł ø å Ελλάδα Россия\ne\u0301 n\u0303 o\u0302\u0301 x\u0338 → ← ✓ ✗ ≤ ≥ ≠ ∞ √ ● ○ ■ □ ▲ ▼"},
	{"boxes", 32, 12, all(0x2500, 0x257f, 16, " ") + "\n╔═╦═╗┌─┬─┐┏━┳━┓╭─┬─╮╒═╤═╕\n╠═╬═╣├─┼─┤┣━╋━┫├─┼─┤╞═╪═╡\n║ ║ ║│ │ │┃ ┃ ┃│ │ ││ │ │\n╚═╩═╝└─┴─┘┗━┻━┛╰─┴─╯╘═╧═╛"},
	{"blocks", 32, 8, all(0x2580, 0x259f, 32, "") + "\n" + all(0x1fb00, 0x1fb3b, 32, "") + "\n" + all(0x2800, 0x283f, 32, "") + "\n⣿⣷⣯⣟⡿⢿⣻⣽⣾⣀⣤⣶ ⎺⎻⎼⎽ ███\n" + all(0xe0b0, 0xe0bf, 32, " ")},
	{"wide", 30, 5, "你好,世界 こんにちは 한국어\n😀🚀🔥👍✅❌ 🇩🇪🇫🇷 ⚠️\n\x1b[1m漢字\x1b[m \x1b[7m漢字\x1b[m ＦＵＬＬ\nעברית العربية ไทย\n\uf015 \U0010fffd \u0378"},
	{"colours", 48, 8, colours()},
}

// colours shows the sixteen colours as text and behind it, some of the others,
// and a prompt of segments.
func colours() string {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "\x1b[3%dm text\x1b[m\x1b[9%dm !\x1b[4%dm x\x1b[10%dm \x1b[30mx\x1b[m", i, i, i, i)
		if i%4 == 3 {
			b.WriteByte('\n')
		}
	}
	for i := range 48 {
		fmt.Fprintf(&b, "\x1b[38;5;%dm\x1b[48;5;%dm▀", 16+i*4, 255-i*3)
	}
	b.WriteString("\x1b[m\n")
	for i := range 48 {
		fmt.Fprintf(&b, "\x1b[48;2;%d;%d;160m ", i*5, 255-i*5)
	}
	b.WriteString("\x1b[m\n\x1b[1;97;44m pi \x1b[0;34;48;5;240m\ue0b0\x1b[97m ~/src \x1b[38;5;240;42m\ue0b0\x1b[30m \ue0a0 main \x1b[0;32m\ue0b0\x1b[m $ ")
	return b.String()
}

func TestPicturesAreAsApproved(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			got := NewPainter().Paint(on(g.cols, g.rows, g.text), Options{Width: (g.cols + 2) * 14})
			path := filepath.Join("testdata", g.name+".png")
			if *update {
				var b bytes.Buffer
				if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, got); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want := decode(t, path)
			if got.Bounds() != want.Bounds() {
				t.Fatalf("the picture is %v, want %v", got.Bounds(), want.Bounds())
			}
			if n, first := differing(got, want); n > 0 {
				t.Errorf("%d pixels differ from %s, the first at %v; look at the new picture with -update", n, path, first)
			}
		})
	}
}

func decode(t *testing.T, path string) image.Image {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func differing(a, b image.Image) (n int, first image.Point) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if color.RGBAModel.Convert(a.At(x, y)) != color.RGBAModel.Convert(b.At(x, y)) {
				if n == 0 {
					first = image.Pt(x, y)
				}
				n++
			}
		}
	}
	return n, first
}

func TestAPainterDrawsTheSameAfterOtherPictures(t *testing.T) {
	used := NewPainter()
	for range 2 {
		for _, g := range golden[:3] {
			v := on(g.cols, g.rows, g.text)
			var fresh, again bytes.Buffer
			if err := NewPainter().PNG(&fresh, v, Options{Title: true}); err != nil {
				t.Fatal(err)
			}
			if err := used.PNG(&again, v, Options{Title: true}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(fresh.Bytes(), again.Bytes()) {
				t.Errorf("%s: a used painter writes %d other bytes than a new one's %d", g.name, again.Len(), fresh.Len())
			}
		}
	}
}

func TestPicturesAreReadableOnAPhone(t *testing.T) {
	for _, size := range []struct{ cols, rows, cell int }{{40, 20, 19}, {60, 24, 16}, {80, 24, 14}, {100, 30, 12}, {120, 40, 10}, {200, 50, 8}} {
		m := NewPainter().Paint(on(size.cols, size.rows, ""), Options{})
		if got := m.Rect.Dx() / (size.cols + 2); got != size.cell {
			t.Errorf("a cell of %dx%d is %d pixels wide, want %d", size.cols, size.rows, got, size.cell)
		}
		if w := m.Rect.Dx(); size.cols >= 60 && size.cols <= 120 && (w < 960 || w > 1280) {
			t.Errorf("the picture of %dx%d is %d pixels wide, want 960 to 1280", size.cols, size.rows, w)
		}
	}
}

func TestLinesJoinFromCellToCell(t *testing.T) {
	for _, line := range []string{"─", "━", "═", "█", "▀", "▄", "▁", "▔", "▓", "░"} {
		for _, cell := range []int{8, 9, 10, 14, 15, 20} {
			v := on(6, 1, "\x1b[?25l"+strings.Repeat(line, 6))
			o := Options{Width: 8 * cell}
			m, g := NewPainter().Paint(v, o), layOut(v, o)
			for y := range 2 * cell {
				row := m.Pix[(g.top+y)*m.Stride+g.left:][:6*cell]
				if n := bytes.Count(row, row[:1]); n != len(row) {
					t.Fatalf("%s at %d pixels: row %d has a gap", line, cell, y)
				}
			}
		}
	}
	for _, line := range []string{"│", "┃", "║", "█", "▌", "▐", "▏", "▒"} {
		for _, cell := range []int{8, 9, 10, 14, 15, 20} {
			v := on(2, 3, "\x1b[?25l"+line+"\n"+line+"\n"+line)
			o := Options{Width: 4 * cell}
			m, g := NewPainter().Paint(v, o), layOut(v, o)
			for x := range cell {
				first := m.Pix[g.top*m.Stride+g.left+x]
				for y := range 6 * cell {
					if m.Pix[(g.top+y)*m.Stride+g.left+x] != first {
						t.Fatalf("%s at %d pixels: column %d has a gap at %d", line, cell, x, y)
					}
				}
			}
		}
	}
}

func TestEveryCharacterShowsSomething(t *testing.T) {
	f := newTypeface(14)
	for r := rune(0x21); r < 0x110000; r += 1 + r>>9 { // all of Europe's, samples of the rest
		switch {
		case r >= 0xd800 && r <= 0xdfff, unicode.In(r, unicode.Zs, unicode.Cc, unicode.Cf, unicode.Variation_Selector), r == 0x2800:
			continue // surrogates and blanks
		}
		if m := f.draw(string(r), 1, false, false); m.bottom == 0 {
			t.Errorf("U+%04X is blank", r)
		}
	}
}

func TestTextKeepsItsDistanceFromWhatIsBehindIt(t *testing.T) {
	theme := theme{}
	for fg := range 256 {
		for bg := range 256 {
			s := screen.Style{Fg: screen.Palette(uint8(fg)), Bg: screen.Palette(uint8(bg))}
			l := theme.look(s, false)
			if fg == bg {
				if l.fore != l.back {
					t.Fatalf("text in colour %d on the same is shown", fg)
				}
				continue
			}
			if c := contrast(l.fore, l.back); c < textContrast {
				t.Fatalf("colour %d on %d has a contrast of %d tenths, want %d", fg, bg, c, textContrast)
			}
			if exact := theme.look(s, true); exact.fore != theme.colour(s.Fg) {
				t.Fatalf("a block in colour %d on %d has another colour", fg, bg)
			}
		}
	}
}

func TestTheCursorIsDrawnByItsShape(t *testing.T) {
	for name, shape := range map[string]string{"block": "\x1b[2 q", "underline": "\x1b[4 q", "bar": "\x1b[6 q"} {
		v := on(10, 2, shape+"abc")
		o := Options{Width: 12 * 14}
		with := countColour(NewPainter().Paint(v, o), cursorColour)
		o.NoCursor = true
		without := countColour(NewPainter().Paint(v, o), cursorColour)
		want := map[string]int{"block": 14 * 28, "underline": 14 * 2, "bar": 28 * 2}[name]
		if with != want || without != 0 {
			t.Errorf("%s: %d pixels of the cursor's colour, %d without it, want %d and 0", name, with, without, want)
		}
	}
	if n := countColour(NewPainter().Paint(on(10, 2, "\x1b[?25labc"), Options{}), cursorColour); n != 0 {
		t.Errorf("a hidden cursor takes %d pixels", n)
	}
}

func countColour(m *image.Paletted, c rgb) (n int) {
	r, g, b := c.parts()
	for _, p := range m.Pix {
		if pr, pg, pb, _ := m.Palette[p].RGBA(); int(pr>>8) == r && int(pg>>8) == g && int(pb>>8) == b {
			n++
		}
	}
	return n
}

func TestThousandsOfColoursBecomeSimilarOnes(t *testing.T) {
	var b strings.Builder
	for i := range 80 * 24 {
		fmt.Fprintf(&b, "\x1b[38;2;%d;%d;%dm\x1b[48;2;%d;%d;%dm▀", i%80*3, i/80*10, 120, 255-i%80*3, i/80*10, 60)
	}
	v := on(80, 24, "\x1b[?25l"+b.String())
	p := NewPainter()
	m, g := p.Paint(v, Options{}), layOut(v, Options{})
	if len(m.Palette) > 256 {
		t.Fatalf("%d colours, want at most 256", len(m.Palette))
	}
	for i := range 80 * 24 {
		x, y := g.left+i%80*g.cell, g.top+i/80*2*g.cell
		r, gr, bl, _ := m.At(x, y).RGBA()
		want := rgb(i%80*3)<<16 | rgb(i/80*10)<<8 | 120
		if d := distance(want, rgb(r>>8)<<16|rgb(gr>>8)<<8|rgb(bl>>8)); d > 10*24*24 {
			t.Fatalf("cell %d is %06x, want about %06x", i, rgb(r>>8)<<16|rgb(gr>>8)<<8|rgb(bl>>8), want)
		}
	}
}

func TestFramesOfAClipKeepTheNumbersOfTheirColours(t *testing.T) {
	p := NewFramePainter()
	first := append([]byte(nil), p.Paint(on(40, 6, golden[0].text), Options{Cols: 40, Rows: 12}).Pix...)
	before := append(image.NewPaletted(image.Rect(0, 0, 1, 1), nil).Palette, p.image.Palette...)
	p.Paint(on(32, 12, golden[1].text), Options{Cols: 40, Rows: 12})
	p.Paint(on(40, 8, golden[4].text), Options{Cols: 40, Rows: 12})
	for i, c := range before {
		if p.image.Palette[i] != c {
			t.Fatalf("colour %d changed", i)
		}
	}
	if again := p.Paint(on(40, 6, golden[0].text), Options{Cols: 40, Rows: 12}).Pix; !bytes.Equal(first, again) {
		t.Error("the same screen has other pixels later")
	}
}

func TestHugeAndOddScreensAreBounded(t *testing.T) {
	for _, v := range []screen.View{
		{}, {Cols: -1, Rows: -1}, {Cols: 3, Rows: 2}, {Cols: 2, Rows: 2, Cells: make([]screen.Cell, 3)},
		{Cols: 2, Rows: 1, Cells: []screen.Cell{{Width: 1}, {Text: "漢", Width: 2}}, Cursor: screen.Cursor{Visible: true, Row: 9, Col: 9}},
		on(600, 300, "x"),
	} {
		m := NewPainter().Paint(v, Options{Title: true, Even: true})
		if m.Rect.Dx() > (maxCols+2)*minCell || m.Rect.Dy() > (maxRows+4)*2*minCell || m.Rect.Dx()%2+m.Rect.Dy()%2 > 0 {
			t.Errorf("the picture of %dx%d is %v", v.Cols, v.Rows, m.Rect)
		}
	}
}

func TestATitleStandsInTheBar(t *testing.T) {
	v := on(40, 4, "\x1b]2;"+strings.Repeat("a long title ", 20)+"\x07")
	m := NewPainter().Paint(v, Options{Title: true})
	if n := countColour(m, titleColour); n < 500 {
		t.Errorf("%d pixels of the title's colour, want hundreds", n)
	}
	if n := countColour(NewPainter().Paint(v, Options{}), barColour); n != 0 {
		t.Errorf("%d pixels of a bar that nobody wanted", n)
	}
}

func BenchmarkPNG(b *testing.B) {
	dense := func(cols, rows int) screen.View {
		var t strings.Builder
		for i := range rows - 1 {
			fmt.Fprintf(&t, "\x1b[m%5d \x1b[36mroot\x1b[m %6d \x1b[32m%5.1f\x1b[m \x1b[1;34m/usr/bin/program-%d\x1b[m --with=%d\n", 997*i, i*31337%99999, float64(i)*3.7, i, i*i)
		}
		return on(cols, rows, t.String())
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			v, p := dense(size[0], size[1]), NewPainter()
			var out bytes.Buffer
			b.ReportAllocs()
			for b.Loop() {
				out.Reset()
				if err := p.PNG(&out, v, Options{Title: true}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(out.Len()), "bytes/picture")
		})
	}
	b.Run("first", func(b *testing.B) {
		v := dense(80, 24)
		b.ReportAllocs()
		for b.Loop() {
			if err := NewPainter().PNG(&bytes.Buffer{}, v, Options{Title: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
