package render

import (
	"slices"

	"chapi/bot"
)

const (
	// maxRegion is how many lines from the end of a page can still be changed:
	// enough for the progress displays of package managers and builds.
	maxRegion = 50
	// maxReach is how far to the right of a line's end the cursor may go.
	maxReach = 255
	// edge is the last column of the narrowest common terminal: what a program
	// means that moves further than any line goes.
	edge = 79
	// tabStop is the distance of tab stops.
	tabStop = 8
)

// sheet is the lines of one page, and the cursor. It decides when the page is
// full and where the next one begins.
//
// The next page is laid out from that place by a sheet that knows nothing of
// this one. So the place is chosen where an empty sheet shows the same: at the
// birth of the line that does not fit. Where a line is longer than a page, it
// is a character at a tab stop, if the line was written straight on.
type sheet struct {
	*place
	meter
	size  bot.PageSize
	from  int64
	reach int // at most maxReach, and half a page
	// region is how many lines can be changed: at most maxRegion, and what
	// fits a page.
	region int
	stderr bool // what comes now is standard error

	rows     []line // at least one
	row, col int
	since    int64                  // when the cursor came to its line
	saved    struct{ row, col int } // by ESC 7
	saving   bool                   // ESC 7 has come, and nothing printed since
	aside    bool                   // the cursor is elsewhere, to come back
	used     int                    // length of all lines, and a newline between each two
	last     cluster
	tab      struct { // the last tab stop at which a character was put behind the first line
		col int // 0 = none
		at  int64
	}

	covers int64 // where the next page begins, once full
	tail   tail
}

// tail is how a full page ends.
type tail uint8

const (
	openTail   tail = iota // not full, or behind a line that other lines follow
	lineTail               // at the beginning of a line
	brokenTail             // within a line
)

func newSheet(size bot.PageSize, from int64, p *place) sheet {
	s := sheet{
		place: p, meter: meter{size.UTF16}, size: size, from: from,
		reach: min(maxReach, size.Text/2), region: min(maxRegion, size.Text/2),
		rows: []line{{born: from}}, since: from,
	}
	if size.Lines > 0 {
		s.region = min(s.region, size.Lines)
	}
	return s
}

// room reports whether the text may grow by n.
func (s *sheet) room(n int) bool { return s.used+n <= s.size.Text }

// beyond reports whether the cursor is below the last line that may have
// text. An empty line may stand there: it shows nothing.
func (s *sheet) beyond() bool { return s.size.Lines > 0 && s.row >= s.size.Lines }

// line is the line that the cursor is on.
func (s *sheet) line() *line { return &s.rows[s.row] }

// plain prints a run of ASCII: at once where it replaces or appends cells one
// by one, else as any other characters.
func (s *sheet) plain(run []byte) {
	s.saving = false
	if s.aside {
		return
	}
	for len(run) > 0 && !s.full {
		n := s.fast(run)
		if n == 0 {
			s.last.end()
			s.put(rune(run[0]), 1)
			n = 1
		}
		s.at += int64(n)
		run = run[n:]
	}
}

// fast prints what of the run is easy, and returns how much that was.
func (s *sheet) fast(run []byte) int {
	l := s.line()
	start := len(l.cells)
	if l.rich || s.col > start || start == 0 && s.stderr || s.beyond() {
		return 0
	}
	over := min(len(run), start-s.col)
	for i, b := range run[:over] {
		l.cells[s.col+i] = cell(b)
	}
	more := min(len(run)-over, s.size.Text-s.used)
	l.cells = slices.Grow(l.cells, more)[:start+more]
	for i, b := range run[over : over+more] {
		l.cells[start+i] = cell(b)
	}
	l.units += more
	s.used += more
	if stop := (len(l.cells) - 1) / tabStop * tabStop; more > 0 && stop >= start {
		s.tab.col, s.tab.at = stop, s.at+int64(over+stop-start)
	}
	n := over + more
	s.col += n
	if n > 0 {
		s.last.begin(rune(run[n-1]), s.col-1, 1, s.at+int64(n-1))
	}
	return n
}

func (s *sheet) print(r rune) {
	s.saving = false
	switch {
	case s.aside:
	case hidden(r):
	case r == combiningRing:
		if whole, ok := s.last.ringed(); ok {
			s.line().set(s.last.col, cell(whole))
		}
	case s.last.joins(r):
		s.join(r)
	default:
		s.put(r, columns(r))
	}
}

// put prints a character of its own.
func (s *sheet) put(r rune, wide int) {
	l := s.line()
	gain := l.gain(s.meter, s.col, wide, s.rune(r))
	marked := l.empty() && s.stderr
	if marked {
		gain += len(errorMark)
	}
	if s.beyond() || !s.room(gain) {
		s.overflow()
		return
	}
	if s.col >= len(l.cells) && s.col%tabStop == 0 {
		s.tab.col, s.tab.at = s.col, s.at
	}
	l.put(r, s.col, wide)
	l.units += gain
	l.stderr = l.stderr || marked
	s.used += gain
	s.last.begin(r, s.col, wide, s.at)
	s.col += wide
}

// join adds r to the character printed last.
func (s *sheet) join(r rune) {
	l, c := s.line(), &s.last
	before := c.wide
	wide := c.add(r)
	gain := s.rune(r)
	if wide > before {
		gain += l.gain(s.meter, c.col+1, 1, 0)
	}
	if !s.room(gain) {
		// The whole character goes to the next page.
		s.at = c.at
		if s.col = c.col; s.col+before == len(l.cells) {
			l.cells = l.cells[:s.col]
		}
		s.overflow()
		return
	}
	l.mark(r, c.col)
	if wide > before {
		l.widen(c.col)
		c.wide = wide
		s.col = c.col + wide
	}
	l.units += gain
	s.used += gain
}

// overflow ends the page before what is at s.at.
func (s *sheet) overflow() {
	s.full = true
	switch {
	case s.lastText() > s.row && s.since > s.from:
		// A line grows that has others below it. They stay; the next page
		// begins where the cursor came to this line, and shows it once more.
		s.covers, s.tail = s.since, openTail
	case s.row > s.first() && s.line().born > s.from:
		s.covers, s.tail = s.line().born, lineTail
		s.rows = s.rows[:s.row]
	default:
		s.covers, s.tail = s.at, brokenTail
		l := s.line()
		straight := s.tab.col > 0 && s.tab.col <= len(l.cells)
		if straight && (s.col%tabStop != 0 || s.col > len(l.cells)) {
			s.covers = s.tab.at
			l.cells = l.cells[:s.tab.col]
		}
	}
	if s.covers <= s.from { // a page always takes something
		s.covers = s.pos
	}
}

// first is the first line to show: those made above the page's beginning
// count from when they have text.
func (s *sheet) first() int {
	for i := range s.rows {
		if !s.rows[i].added || !s.rows[i].empty() {
			return i
		}
	}
	return len(s.rows) - 1
}

// lastText is the last line that has text, or -1.
func (s *sheet) lastText() int {
	i := len(s.rows) - 1
	for i >= 0 && s.rows[i].empty() {
		i--
	}
	return i
}

// missing says in a line of its own that n bytes of output are missing. s.at
// and s.pos are where they begin.
func (s *sheet) missing(n int64) {
	s.note("[… "+amount(n)+" not kept …]", false)
	if !s.full {
		s.pos += n
		s.newline()
	}
}

// note says something in a line of its own, or in the place of the note that
// was made last: the line of the cursor.
func (s *sheet) note(text string, again bool) {
	if last := s.lastText(); last > s.row {
		s.row = last
		s.arrive()
	}
	switch {
	case again:
		s.change(func(l *line) { l.truncate(0) })
	case !s.line().empty():
		s.newline()
	}
	s.col, s.saving, s.aside = 0, false, false
	for _, r := range text {
		if s.full {
			return
		}
		s.put(r, 1)
	}
}

// appendText appends the page. If invalid, an unfinished character stands at
// the cursor.
func (s *sheet) appendText(b []byte, invalid bool) []byte {
	last := s.lastText()
	switch {
	case !s.full:
		last = max(last, s.row)
	case s.tail != openTail:
		last = len(s.rows) - 1
	}
	first := s.first()
	for i := first; i <= last; i++ {
		if i > first {
			b = append(b, '\n')
		}
		b = s.rows[i].appendText(b, s.tail == brokenTail && i == s.row)
		if invalid && i == s.row {
			b = s.appendInvalid(b)
		}
	}
	if s.full && (s.tail == lineTail || s.tail == openTail && s.room(1)) {
		b = append(b, '\n')
	}
	return b
}

// appendInvalid appends what an unfinished character would become if nothing
// followed, where that is at the end of the line and fits.
func (s *sheet) appendInvalid(b []byte) []byte {
	l := s.line()
	if s.full || s.col < len(l.cells) || s.beyond() || !s.room(s.col-len(l.cells)+1+len(errorMark)) {
		return b
	}
	trial := line{cells: l.cells[:len(l.cells):len(l.cells)], marks: l.marks, stderr: l.stderr || l.empty() && s.stderr}
	trial.put('\uFFFD', s.col, 1)
	return trial.appendText(b[:len(b)-len(l.appendText(nil, false))], false)
}
