package display

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"chapi/runner/screen"
)

// Coloured is a text with the colours of the cells that it was made of: rows[i]
// are those of its line i, from the column on at which the line begins. It has
// only what a chat's colour blocks know: SGR 0, 1, 4, 30-37 and 40-47 (ECMA-48).
// ok is false when the cells are not those of the text, or have no colours.
//
// What the text has of its own, a cursor, is passed over.
func Coloured(text string, rows [][]screen.Cell) (coloured string, ok bool) {
	var b strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > len(rows) {
		return "", false
	}
	now := "0"
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if !colourLine(&b, line, rows[i], &now) {
			return "", false
		}
	}
	if !strings.Contains(b.String(), "\x1b") {
		return "", false
	}
	if now != "0" {
		b.WriteString("\x1b[0m")
	}
	return b.String(), true
}

// colourLine writes a line in the colours of its cells; now is the rendition
// that holds.
func colourLine(b *strings.Builder, line string, cells []screen.Cell, now *string) bool {
	col := 0
	for line != "" {
		for col < len(cells) && cells[col].Width == 0 {
			col++
		}
		var c screen.Cell
		if col < len(cells) {
			c = cells[col]
		}
		text := c.Text
		if text == "" {
			text = " "
		}
		switch {
		case strings.HasPrefix(line, cursorUnder):
			b.WriteString(cursorUnder)
			line = line[len(cursorUnder):]
			continue
		case strings.HasPrefix(line, text):
		case strings.HasPrefix(line, cursorBlock) && text == " ":
			text = cursorBlock
		default:
			return false
		}
		if code := eightColours(c.Style); code != *now {
			fmt.Fprintf(b, "\x1b[%sm", code)
			*now = code
		}
		b.WriteString(text)
		line = line[len(text):]
		col++
	}
	return true
}

// eightColours is a style as parameters of an SGR.
func eightColours(s screen.Style) string {
	codes := []string{"0"}
	if s.Bold {
		codes = append(codes, "1")
	}
	if s.Underline {
		codes = append(codes, "4")
	}
	fg, bg := s.Fg, s.Bg
	if s.Reverse {
		fg, bg = bg, fg
	}
	for _, c := range []struct {
		base   int
		colour screen.Colour
	}{{30, fg}, {40, bg}} {
		if !c.colour.IsDefault() {
			codes = append(codes, fmt.Sprint(c.base+nearest(c.colour)))
		}
	}
	return strings.Join(codes, ";")
}

// nearest is which of the eight colours is most like one.
func nearest(c screen.Colour) int {
	if i, ok := c.Index(); ok && i < 16 {
		return int(i % 8)
	}
	r, g, b := c.RGB(0)
	bit := func(v uint8, at int) int {
		if v >= 96 {
			return 1 << at
		}
		return 0
	}
	return bit(r, 0) | bit(g, 1) | bit(b, 2)
}

// ColouredOutput is the same for the lines of a page, from the output that they
// were made of: drawn on a terminal that is as wide as any line.
func ColouredOutput(text string, output []byte) (coloured string, ok bool) {
	lines := strings.Count(text, "\n") + 1
	cols := 2
	for line := range strings.Lines(text) {
		cols = max(cols, 2*utf8.RuneCountInString(line))
	}
	s := screen.New(min(cols, maxOutputCols), lines+1, screen.Options{History: lines})
	// Output to a pipe has no carriage returns; behind one it makes no difference.
	for line := range strings.Lines(string(output)) {
		s.Write([]byte(strings.TrimSuffix(line, "\n")))
		if strings.HasSuffix(line, "\n") {
			s.Write([]byte("\r\n"))
		}
	}
	var rows [][]screen.Cell
	for _, l := range s.Lines(0, s.History()+lines+1) {
		rows = append(rows, l.Cells)
	}
	return Coloured(text, rows)
}

// maxOutputCols is the widest line that is coloured.
const maxOutputCols = 1000
