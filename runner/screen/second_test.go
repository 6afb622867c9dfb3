package screen

import (
	"fmt"
	"image/color"
	"io"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// secondWrong are the recordings in which the other library, not we, differs
// from tmux, and why.
var secondWrong = map[string]string{
	"wide":    "it joins letters to grapheme clusters (Thai, Devanagari), wcwidth and tmux do not",
	"colours": "it knows neither SGR 6 nor 21",
}

// TestASecondEmulatorAgrees on the recordings that are kept.
func TestASecondEmulatorAgrees(t *testing.T) {
	for _, p := range programs {
		if p.unkept {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			s := New(recordCols, recordRows, Options{})
			other := newSecond(t)
			var list []string
			for _, g := range kept(t, p.name) {
				s.Write(g.Output)
				other.Write(g.Output)
				list = append(list, secondDifferences(s, other)...)
			}
			switch reason := secondWrong[p.name]; {
			case reason == "" && len(list) > 0:
				t.Errorf("%d cells differ:\n%s", len(list), strings.Join(list[:min(5, len(list))], "\n"))
			case reason != "" && len(list) == 0:
				t.Errorf("agrees now: %s is no longer true", reason)
			}
		})
	}
}

// newSecond starts the other emulator. It answers queries into a pipe, which
// someone has to read.
func newSecond(t testing.TB) *vt.Emulator {
	e := vt.NewEmulator(recordCols, recordRows)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		io.Copy(io.Discard, e)
	}()
	t.Cleanup(func() {
		e.InputPipe().(io.Closer).Close() // its Close races with its Read
		<-drained
	})
	return e
}

func secondDifferences(s *Screen, other *vt.Emulator) []string {
	var list []string
	v := s.View()
	for y := range v.Rows {
		for x, c := range v.Row(y) {
			if c.Width == 0 {
				continue
			}
			if c.Text == "" {
				c.Text = " "
			}
			want := secondCell(other.CellAt(x, y))
			if c.Text == " " { // how a blank's text would look
				c.Style.Fg, c.Style.Bold, c.Style.Dim = want.Style.Fg, want.Style.Bold, want.Style.Dim
				if c.Style.Bg == Palette(0) && want.Style.Bg == 0 {
					c.Style.Bg = 0 // erasing with black leaves no colour there
				}
			}
			if c != want {
				list = append(list, fmt.Sprintf("row %d column %d: %+v, the other has %+v", y, x, c, want))
			}
		}
	}
	if at := other.CursorPosition(); at.X != v.Cursor.Col || at.Y != v.Cursor.Row {
		list = append(list, fmt.Sprintf("cursor %+v, the other has %+v", v.Cursor, at))
	}
	return list
}

func secondCell(c *uv.Cell) Cell {
	if c == nil || c.Content == "" {
		return Cell{Text: " ", Width: 1}
	}
	has := func(bit uint8) bool { return c.Style.Attrs&bit != 0 }
	return Cell{Text: c.Content, Width: uint8(c.Width), Style: Style{
		Fg: secondColour(c.Style.Fg), Bg: secondColour(c.Style.Bg), UnderlineColor: secondColour(c.Style.UnderlineColor),
		Bold: has(uv.AttrBold), Dim: has(uv.AttrFaint), Italic: has(uv.AttrItalic), Underline: c.Style.Underline != uv.UnderlineNone,
		Blink: has(uv.AttrBlink), Reverse: has(uv.AttrReverse), Hidden: has(uv.AttrConceal), Strike: has(uv.AttrStrikethrough),
	}}
}

func secondColour(c color.Color) Colour {
	switch c := c.(type) {
	case nil:
		return 0
	case ansi.BasicColor:
		return Palette(uint8(c))
	case ansi.IndexedColor:
		return Palette(uint8(c))
	}
	r, g, b, _ := c.RGBA()
	return RGB(uint8(r>>8), uint8(g>>8), uint8(b>>8))
}
