package display

import (
	"fmt"
	"strings"

	"chapi/runner/screen"
)

// Redraw is the control sequences that make a terminal of the view's size look
// like it, whatever it showed before (ECMA-48, and xterm's for colours and the
// alternate screen). What begins in the middle of a session begins with them.
func Redraw(v screen.View) []byte {
	var b strings.Builder
	b.WriteString("\x1bc") // full reset
	if v.Alternate {
		b.WriteString("\x1b[?1049h")
	}
	if v.Modes.ReverseScreen {
		b.WriteString("\x1b[?5h")
	}
	b.WriteString("\x1b[?7l") // nothing is to wrap in the last column
	var now screen.Style
	for row := range v.Rows {
		fmt.Fprintf(&b, "\x1b[%d;1H", row+1)
		for _, c := range v.Row(row) {
			if c.Width == 0 {
				continue
			}
			if c.Style != now {
				b.WriteString(rendition(c.Style))
				now = c.Style
			}
			if c.Text == "" {
				b.WriteByte(' ')
				continue
			}
			b.WriteString(c.Text)
		}
	}
	b.WriteString("\x1b[0m\x1b[?7h")
	fmt.Fprintf(&b, "\x1b[%d;%dH", v.Cursor.Row+1, v.Cursor.Col+1)
	if !v.Cursor.Visible {
		b.WriteString("\x1b[?25l")
	}
	return []byte(b.String())
}

// rendition selects a style from scratch.
func rendition(s screen.Style) string {
	var b strings.Builder
	b.WriteString("\x1b[0")
	for _, on := range []struct {
		is   bool
		code int
	}{
		{s.Bold, 1}, {s.Dim, 2}, {s.Italic, 3}, {s.Underline, 4}, {s.Blink, 5}, {s.Reverse, 7}, {s.Hidden, 8}, {s.Strike, 9},
	} {
		if on.is {
			fmt.Fprintf(&b, ";%d", on.code)
		}
	}
	colour(&b, 38, s.Fg)
	colour(&b, 48, s.Bg)
	colour(&b, 58, s.UnderlineColor)
	b.WriteByte('m')
	return b.String()
}

func colour(b *strings.Builder, code int, c screen.Colour) {
	if i, ok := c.Index(); ok {
		fmt.Fprintf(b, ";%d;5;%d", code, i)
	} else if red, green, blue, ok := c.TrueColour(); ok {
		fmt.Fprintf(b, ";%d;2;%d;%d;%d", code, red, green, blue)
	}
}
