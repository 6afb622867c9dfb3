package render

import (
	"slices"
	"strings"
)

const (
	// maxHeight and maxWidth bound what is kept of a full-screen program.
	maxHeight = 60
	maxWidth  = 200
	// usualHeight is the height of a screen until the program shows that it is
	// higher: the bytes do not say.
	usualHeight = 24
)

// screen is the grid that a full-screen program paints: enough of a terminal
// to read what a pager, an editor or a monitor shows.
type screen struct {
	rows        []line // height of them
	row, col    int
	saved       struct{ row, col int }
	top, bottom int // the lines that scroll
	margins     bool
	last        cluster
}

func newScreen() *screen {
	s := &screen{rows: make([]line, usualHeight, maxHeight)}
	s.wholeScrolls()
	return s
}

func (s *screen) wholeScrolls() { s.top, s.bottom, s.margins = 0, len(s.rows)-1, false }

func (s *screen) line() *line { return &s.rows[s.row] }

func (s *screen) plain(run []byte) {
	for _, b := range run {
		s.put(rune(b), 1)
	}
}

func (s *screen) print(r rune) {
	switch {
	case hidden(r):
	case r == combiningRing:
		if whole, ok := s.last.ringed(); ok {
			s.line().set(s.last.col, cell(whole))
		}
	case s.last.joins(r):
		c := &s.last
		before := c.wide
		c.wide = c.add(r)
		s.line().mark(r, c.col)
		if c.wide > before {
			s.line().widen(c.col)
			s.col = c.col + c.wide
		}
	default:
		s.put(r, columns(r))
	}
}

// put prints at the cursor. What is beyond the right edge is not kept; most
// programs do not rely on the terminal's wrapping.
func (s *screen) put(r rune, wide int) {
	s.last.end()
	if s.col+wide > maxWidth {
		return
	}
	s.line().put(r, s.col, wide)
	s.last.begin(r, s.col, wide, 0)
	s.col += wide
}

func (s *screen) control(b byte) {
	switch b {
	case '\n':
		s.index()
	case '\r':
		s.to(s.row, 0)
	case '\b':
		s.to(s.row, s.col-1)
	case '\t':
		s.to(s.row, (s.col/tabStop+1)*tabStop)
	}
}

// to moves the cursor, within the screen.
func (s *screen) to(row, col int) {
	s.row = max(0, min(row, len(s.rows)-1))
	s.col = max(0, min(col, maxWidth-1))
	s.last.end()
}

// address moves the cursor to where the program says. One that addresses a
// line below the usual ones has a higher screen; beyond maxHeight it only
// looks for the bottom.
func (s *screen) address(row, col int) {
	if row < maxHeight {
		s.grow(row + 1)
	}
	s.to(row, col)
}

func (s *screen) grow(height int) {
	for len(s.rows) < height {
		s.rows = append(s.rows, line{})
	}
	if !s.margins {
		s.wholeScrolls()
	}
}

// index moves down, scrolling at the bottom margin.
func (s *screen) index() {
	if s.row == s.bottom {
		s.scroll(s.top, 1)
	} else {
		s.to(s.row+1, s.col)
	}
	s.last.end()
}

// scroll moves the lines from row from to the bottom margin up by n, or down
// by -n, with empty lines in their place.
func (s *screen) scroll(from, n int) {
	if from < s.top || from > s.bottom {
		return
	}
	part := s.rows[from : s.bottom+1]
	switch {
	case n > 0:
		n = min(n, len(part))
		copy(part, part[n:])
		clear(part[len(part)-n:])
	case n < 0:
		n = min(-n, len(part))
		copy(part[n:], part)
		clear(part[:n])
	}
	s.last.end()
}

func (s *screen) escape(final byte) {
	switch final {
	case '7':
		s.saved.row, s.saved.col = s.row, s.col
	case '8':
		s.to(s.saved.row, s.saved.col)
	case 'D':
		s.index()
	case 'E':
		s.to(s.row, 0)
		s.index()
	case 'M':
		if s.row == s.top {
			s.scroll(s.top, -1)
		} else {
			s.to(s.row-1, s.col)
		}
	}
}

func (s *screen) sequence(q *sequence) {
	n := q.param(0, 1)
	switch q.final {
	case 'A':
		s.to(s.row-n, s.col)
	case 'B', 'e':
		s.to(s.row+n, s.col)
	case 'C', 'a':
		s.to(s.row, s.col+n)
	case 'D':
		s.to(s.row, s.col-n)
	case 'E':
		s.to(s.row+n, 0)
	case 'F':
		s.to(s.row-n, 0)
	case 'G', '`':
		s.to(s.row, n-1)
	case 'd':
		s.address(n-1, s.col)
	case 'H', 'f':
		s.address(n-1, q.param(1, 1)-1)
	case 'J':
		s.eraseLines(q.param(0, 0))
	case 'K':
		s.eraseLine(q.param(0, 0))
	case 'L':
		s.scrollHere(-n)
	case 'M':
		s.scrollHere(n)
	case 'S':
		s.scroll(s.top, n)
	case 'T':
		s.scroll(s.top, -n)
	case 'P':
		s.line().remove(s.col, n)
	case '@':
		s.line().insert(s.col, min(n, maxWidth))
		s.line().truncate(maxWidth)
	case 'X':
		s.line().erase(s.col, s.col+n)
	case 'b':
		s.repeat(n)
	case 'r':
		s.setMargins(n-1, q.param(1, len(s.rows))-1)
	case 's':
		s.escape('7')
	case 'u':
		s.escape('8')
	}
	if strings.IndexByte("KP@X", q.final) >= 0 {
		s.last.end()
	}
}

// scrollHere deletes n lines at the cursor, or inserts -n.
func (s *screen) scrollHere(n int) {
	s.scroll(s.row, n)
	s.col = 0
}

func (s *screen) setMargins(top, bottom int) {
	if bottom < maxHeight {
		s.grow(bottom + 1)
	}
	bottom = min(bottom, len(s.rows)-1)
	if top >= bottom {
		return
	}
	s.top, s.bottom = top, bottom
	s.margins = top > 0 || bottom < len(s.rows)-1
	s.to(0, 0)
}

func (s *screen) repeat(n int) {
	if !s.last.live || s.last.n > 1 {
		return
	}
	r := s.last.last
	for range min(n, maxWidth) {
		s.put(r, columns(r))
	}
}

func (s *screen) eraseLine(what int) {
	switch what {
	case 0:
		s.line().truncate(s.col)
	case 1:
		s.line().erase(0, s.col+1)
	case 2:
		s.line().truncate(0)
	}
}

func (s *screen) eraseLines(what int) {
	switch what {
	case 0:
		clear(s.rows[s.row+1:])
	case 1:
		clear(s.rows[:s.row])
	case 2:
		clear(s.rows)
	}
	s.eraseLine(what)
	s.last.end()
}

// text is the part of the screen around the cursor that fits so many units
// and lines, from the top if the cursor is then in it; lines counts when it is
// positive. It has no newline at the end.
func (s *screen) text(m meter, units, lines int) string {
	var shown []string
	last := -1
	for i := range s.rows {
		shown = append(shown, string(s.rows[i].appendText(nil, false)))
		if shown[i] != "" {
			last = i
		}
	}
	shown = shown[:last+1]
	if fit := fitting(m, shown, units, lines); fit > min(s.row, last) {
		return strings.Join(shown[:fit], "\n")
	}
	shown = shown[:min(s.row, last)+1]
	slices.Reverse(shown)
	shown = shown[:fitting(m, shown, units, lines)]
	slices.Reverse(shown)
	return strings.Join(shown, "\n")
}

// fitting is how many of the lines, from the first, fit.
func fitting(m meter, text []string, units, lines int) int {
	for i, t := range text {
		for _, r := range t {
			units -= m.rune(r)
		}
		if units < 0 || lines > 0 && i >= lines {
			return i
		}
		units-- // the newline before the next
	}
	return len(text)
}
