package screen

import (
	"fmt"
	"strings"
)

// maxAnswers bounds the bytes of answers that wait to be taken: more than any
// program asks for before it reads.
const maxAnswers = 4096

// The colours that are given to a program that asks for the default ones.
var (
	DefaultFg = RGB(0xe5, 0xe5, 0xe5)
	DefaultBg = RGB(0, 0, 0)
)

func (s *Screen) answer(format string, args ...any) {
	if a := fmt.Appendf(nil, format, args...); len(s.answers)+len(a) <= maxAnswers {
		s.answers = append(s.answers, a...)
	}
}

// answerDevice says what we are: a VT220 with colours.
func (s *Screen) answerDevice() { s.answer("\x1b[?62;22c") }

// report answers queries without a private marker.
func (s *Screen) report(c byte) {
	n := s.parser.arg(0, 0)
	switch c {
	case 'c':
		if n == 0 {
			s.answerDevice()
		}
	case 'n':
		if n == 5 {
			s.answer("\x1b[0n")
		} else if n == 6 {
			s.answer("\x1b[%sR", s.place())
		}
	case 'x':
		if n <= 1 {
			s.answer("\x1b[%d;1;1;128;128;1;0x", n+2)
		}
	case 't':
		s.windowReport(n)
	}
}

// place is the cursor's row and column as the program counts them.
func (s *Screen) place() string {
	y := s.y
	if s.origin {
		y -= s.top
	}
	return fmt.Sprintf("%d;%d", y+1, s.x+1)
}

// The pixels of a cell, for a program that asks; there are none.
const cellWidth, cellHeight = 8, 16

// windowReport answers the questions of CSI t. A title's answer is empty:
// whoever can set it could make it input.
func (s *Screen) windowReport(n int) {
	switch n {
	case 11:
		s.answer("\x1b[1t")
	case 13:
		s.answer("\x1b[3;0;0t")
	case 14:
		s.answer("\x1b[4;%d;%dt", s.rows*cellHeight, s.cols*cellWidth)
	case 16:
		s.answer("\x1b[6;%d;%dt", cellHeight, cellWidth)
	case 18:
		s.answer("\x1b[8;%d;%dt", s.rows, s.cols)
	case 19:
		s.answer("\x1b[9;%d;%dt", s.rows, s.cols)
	case 20:
		s.answer("\x1b]L\x1b\\")
	case 21:
		s.answer("\x1b]l\x1b\\")
	case 22:
		s.touched = true
		if s.titles = append(s.titles, s.title); len(s.titles) > maxTitles {
			s.titles = s.titles[1:]
		}
	case 23:
		s.touched = true
		if n := len(s.titles); n > 0 {
			s.title, s.titles = s.titles[n-1], s.titles[:n-1]
		}
	}
}

// reportPrivate answers queries with a private marker.
func (s *Screen) reportPrivate(private, c byte) {
	n := s.parser.arg(0, 0)
	switch {
	case private == '>' && c == 'c' && n == 0: // a VT220, no xterm: programs ask xterm for more
		s.answer("\x1b[>1;10;0c")
	case private == '=' && c == 'c' && n == 0:
		s.answer("\x1bP!|00000000\x1b\\")
	case private == '>' && c == 'q' && n == 0:
		s.answer("\x1bP>|chapi(1)\x1b\\")
	case private == '?' && c == 'S': // there are no pictures
		s.answer("\x1b[?%d;1;0S", n)
	case private != '?' || c != 'n':
	case n == 6:
		s.answer("\x1b[?%sR", s.place())
	case n == 15: // no printer
		s.answer("\x1b[?13n")
	case n == 25: // user keys are locked
		s.answer("\x1b[?21n")
	case n == 26: // a North American keyboard
		s.answer("\x1b[?27;1n")
	case n == 996: // a dark colour scheme
		s.answer("\x1b[?997;1n")
	}
}

// reportMode is DECRQM: 1 is set, 2 reset, 0 unknown.
func (s *Screen) reportMode(private byte, n int) {
	on, known := s.isSet(private, n)
	v := 2
	if !known {
		v = 0
	} else if on {
		v = 1
	}
	mark := ""
	if private != 0 {
		mark = "?"
	}
	s.answer("\x1b[%s%d;%d$y", mark, n, v)
}

func (s *Screen) isSet(private byte, n int) (on, known bool) {
	if private == 0 {
		switch n {
		case 4:
			return s.insert, true
		case 20:
			return s.modes.NewLine, true
		}
		return false, false
	}
	switch n {
	case 6:
		return s.origin, true
	case 7:
		return !s.noWrap, true
	case 9, 1000, 1002, 1003:
		return s.modes.Mouse == mouseModes[n], true
	case 1005, 1006, 1015, 1016:
		return s.modes.MouseEncoding == mouseEncodings[n], true
	case 25:
		return !s.hidden, true
	case 47, 1047, 1049:
		return s.cur == &s.alt, true
	case 2026:
		return s.sync.open, true
	}
	if flag := s.flag(n); flag != nil {
		return *flag, true
	}
	return false, false
}

// reportSetting is DECRQSS: the control function that would bring about the
// present state.
func (s *Screen) reportSetting(what string) {
	switch what {
	case "m":
		s.answer("\x1bP1$r%sm\x1b\\", s.pen.sgr())
	case "r":
		s.answer("\x1bP1$r%d;%dr\x1b\\", s.top+1, s.bottom)
	case " q":
		n := 2*int(s.shape) + 2
		if s.blink {
			n--
		}
		s.answer("\x1bP1$r%d q\x1b\\", n)
	case "\"p":
		s.answer("\x1bP1$r62;1\"p\x1b\\")
	default:
		s.answer("\x1bP0$r\x1b\\")
	}
}

// sgr gives the parameters that make the style.
func (p style) sgr() string {
	var b strings.Builder
	b.WriteByte('0')
	for i, n := range []int{1, 2, 3, 4, 5, 7, 8, 9} {
		if p.attrs&(1<<i) != 0 {
			fmt.Fprintf(&b, ";%d", n)
		}
	}
	for _, part := range []struct {
		c    Colour
		base int
	}{{p.fg, 38}, {p.bg, 48}, {p.line, 58}} {
		if i, ok := part.c.Index(); ok {
			fmt.Fprintf(&b, ";%d:5:%d", part.base, i)
		} else if red, green, blue, ok := part.c.TrueColour(); ok {
			fmt.Fprintf(&b, ";%d:2::%d:%d:%d", part.base, red, green, blue)
		}
	}
	return b.String()
}
