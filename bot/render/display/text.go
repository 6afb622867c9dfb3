package display

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
	"chapi/runner/screen"
)

// Pan is the part of a wide screen that text is made of: columns from Col on, as
// many as Cols says; 0 means all that there are.
type Pan struct {
	Col, Cols int
}

// Shown is what the text of a screen holds: columns [Col, Col+Cols) of rows
// [Row, Row+Rows).
type Shown struct {
	Col, Cols int
	Row, Rows int
}

// The cursor in a text: on a blank cell a block, which no font draws over its
// neighbours; on a character a line under it, a combining mark, which takes no
// column (U+0332; the double one, U+0333, does not survive every network).
const (
	cursorBlock = "█"
	cursorUnder = "\u0332"
)

// minCols is the least that is shown of a screen, however small the page.
const minCols = 10

// Text is a screen as text of exact columns for a monospaced block: blanks at
// the ends of rows and blank rows at the end are cut, a wide character takes
// the place of two, hidden text is blank, and the cursor is visible.
//
// It fits the page. If it would not, columns on the right are left out, and
// when fewer than 10 are left, rows: at the top, as far as the cursor allows.
// Shown tells what there is.
func Text(v screen.View, size bot.PageSize, pan Pan) (string, Shown) {
	s := window(v, size, pan)
	text := layOut(v, s)
	for units(text, size) > size.Text {
		switch {
		case s.Cols > minCols:
			// Columns give way as far as the excess must be in them.
			over := units(text, size) - size.Text
			s.Cols = max(minCols, s.Cols-max(1, over/s.Rows))
		case s.Rows > 1:
			s = fewerRows(v, s)
		default:
			return "", Shown{Col: s.Col, Row: s.Row}
		}
		text = layOut(v, s)
	}
	return text, s
}

// window is the part to be shown, for a page of any length.
func window(v screen.View, size bot.PageSize, pan Pan) Shown {
	s := Shown{Col: min(max(pan.Col, 0), max(v.Cols-1, 0)), Rows: v.Rows}
	s.Cols = v.Cols - s.Col
	if pan.Cols > 0 {
		s.Cols = min(s.Cols, pan.Cols)
	}
	for s.Rows > 1 && !(v.Cursor.Visible && v.Cursor.Row == s.Rows-1) && trimmed(v.Row(s.Rows-1)) == 0 {
		s.Rows--
	}
	for size.Lines > 0 && s.Rows > size.Lines {
		s = fewerRows(v, s)
	}
	return s
}

// fewerRows leaves out a row: the first, unless the cursor is there.
func fewerRows(v screen.View, s Shown) Shown {
	if !v.Cursor.Visible || v.Cursor.Row > s.Row {
		s.Row++
	}
	s.Rows--
	return s
}

func layOut(v screen.View, s Shown) string {
	var b strings.Builder
	for row := s.Row; row < s.Row+s.Rows; row++ {
		if row > s.Row {
			b.WriteByte('\n')
		}
		cursor := -1
		if v.Cursor.Visible && v.Cursor.Row == row {
			cursor = v.Cursor.Col
		}
		writeRow(&b, v.Row(row), s, cursor)
	}
	return b.String()
}

// writeRow writes the columns of a row that are shown; cursor is its column, or
// -1.
func writeRow(b *strings.Builder, cells []screen.Cell, s Shown, cursor int) {
	end := min(s.Col+s.Cols, len(cells))
	blanks := 0 // put off, as they may be the last
	put := func(text string) {
		for ; blanks > 0; blanks-- {
			b.WriteByte(' ')
		}
		b.WriteString(text)
	}
	for col := s.Col; col < end; col++ {
		c := cells[col]
		here := cursor == col || c.Width == 2 && cursor == col+1
		switch {
		case c.Width == 0 && col > s.Col:
			// The character that it belongs to has taken its column.
		case c.Width == 0, c.Width == 2 && col+1 >= end, c.Style.Hidden, plain(c.Text) == "":
			// Half a character cannot be shown.
			if here {
				put(cursorBlock)
			} else {
				blanks++
			}
			if c.Style.Hidden && c.Width == 2 && col+1 < end {
				blanks++
			}
		default:
			put(plain(c.Text))
			if here {
				b.WriteString(cursorUnder)
			}
		}
	}
}

// plain is a cell's text without what could make the rest of the text read
// otherwise than it stands: marks of direction, line separators, what is
// private to programs. Blanks of any kind are "".
func plain(text string) string {
	if len(text) == 1 {
		if text[0] <= ' ' || text[0] == 0x7f {
			return ""
		}
		return text
	}
	r, n := utf8.DecodeRuneInString(text)
	switch {
	case n == len(text) && (unicode.IsSpace(r) || r == '\u2800'):
		return ""
	case !strings.ContainsFunc(text, unseen):
		return text
	}
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, text)
}

// unseen are controls, and format characters but the joiner that emoji need.
// The cursor's line would be taken for the cursor.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' || unicode.In(r, unicode.Zl, unicode.Zp) || r == '\u0332'
}

// units is the length of a text as the page measures it.
func units(text string, size bot.PageSize) int {
	n := 0
	for _, r := range text {
		n++
		if size.UTF16 && r > 0xffff {
			n++
		}
	}
	return n
}
