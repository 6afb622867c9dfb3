package render

// This file moves the sheet's cursor and changes lines other than by printing.

func (s *sheet) control(b byte) {
	s.saving = false
	if s.aside {
		s.aside = b != '\n'
		return
	}
	switch b {
	case '\n':
		s.newline()
	case '\r':
		s.toColumn(0)
	case '\b':
		s.toColumn(max(s.col-1, 0))
	case '\t':
		if stop := (s.col/tabStop + 1) * tabStop; stop <= len(s.line().cells)+s.reach {
			s.col = stop
		}
		s.last.end()
	}
}

// newline moves to the beginning of the next line; behind the last it makes
// one.
func (s *sheet) newline() {
	s.leave()
	if s.row == len(s.rows)-1 {
		if s.beyond() || !s.room(1) {
			s.overflow()
			return
		}
		s.rows = append(s.rows, line{})
		s.used++
	}
	s.row++
	s.col = 0
	s.arrive()
}

// leave is called before the cursor goes to another line.
func (s *sheet) leave() {
	l := s.line()
	before := len(l.cells)
	if l.trim(); l.empty() {
		s.used -= l.units
		l.units = 0
		return
	}
	blanks := before - len(l.cells)
	l.units -= blanks
	s.used -= blanks
}

// arrive is called when the cursor has come to another line.
func (s *sheet) arrive() {
	s.since = s.pos
	s.last.end()
	s.tab.col = 0
	if l := s.line(); l.empty() {
		l.born = s.pos
	}
}

// change does something to the cursor's line that the page has room for.
func (s *sheet) change(do func(*line)) {
	l := s.line()
	before := l.units
	do(l)
	s.used += l.count(s.meter) - before
}

// moved is called when the cursor has moved in its line, or the line has been
// changed other than by printing.
func (s *sheet) moved() {
	s.last.end()
	s.tab.col = 0
	if l := s.line(); s.col == 0 && l.empty() {
		l.born = s.pos
	}
}

// toColumn moves the cursor in its line. Beyond reach it is at the edge of
// the narrowest terminal, or behind the line if that is longer.
func (s *sheet) toColumn(col int) {
	n := len(s.line().cells)
	if col > s.reach && col > n {
		col = max(n, min(edge, s.reach), min(s.col, s.reach))
	}
	if col < s.col || col < n {
		s.col = col
		s.moved()
		return
	}
	s.col = col
	s.last.end()
}

// top is the first line that can be changed.
func (s *sheet) top() int { return max(0, len(s.rows)-s.region) }

// up moves the cursor up within the lines that can be changed. If the page
// begins inside the output, lines are made above its first: what the program
// goes on painting began on the page before.
func (s *sheet) up(n int) {
	s.leave()
	missing := n - s.row
	if add := min(missing, s.region-len(s.rows), s.size.Text-s.used); add > 0 && s.from > 0 {
		above := make([]line, add, add+len(s.rows))
		for i := range above {
			above[i] = line{added: true, born: s.pos}
		}
		s.rows = append(above, s.rows...)
		s.used += add
		s.row += add
		s.saved.row += add
	}
	s.row = max(s.row-n, s.top())
	s.arrive()
}

// toRow moves the cursor to a line, made if need be; further than the region
// it is the last line.
func (s *sheet) toRow(row int) {
	if row >= s.top()+s.region {
		row = max(len(s.rows)-1, s.row)
	}
	add := row - (len(s.rows) - 1)
	if add > 0 && (!s.room(add) || s.size.Lines > 0 && row > s.size.Lines) {
		s.overflow()
		return
	}
	s.leave()
	for range max(add, 0) {
		s.rows = append(s.rows, line{born: s.pos})
		s.used++
	}
	s.row = row
	s.arrive()
}

func (s *sheet) escape(final byte) {
	if s.aside && final != '8' {
		return
	}
	switch final {
	case '7':
		s.saved.row, s.saved.col = s.row, s.col
		s.saving = true
	case '8':
		s.saving, s.aside = false, false
		s.restore()
	case 'D':
		col := s.col
		s.newline()
		s.col = col
	case 'E':
		s.newline()
	case 'M':
		s.up(1)
	}
}

func (s *sheet) restore() {
	s.toRow(max(min(s.saved.row, len(s.rows)-1), s.top()))
	s.toColumn(s.saved.col)
}

// sequence does what a control sequence says (ECMA-48, 8.3; xterm's control
// sequences). What only changes looks, modes or the terminal is left out.
//
// A program that saves the cursor, goes to a line by its number and comes back
// keeps a status line at the edge of the screen. It would repeat itself
// between the lines of a page, and is left out; a newline ends it at the
// latest.
func (s *sheet) sequence(q *sequence) {
	if s.saving && (q.final == 'H' || q.final == 'f' || q.final == 'd') {
		s.aside = true
	}
	if s.aside && q.final != 'u' {
		return
	}
	n := q.param(0, 1)
	switch q.final {
	case 'A':
		s.up(n)
	case 'F':
		s.up(n)
		s.toColumn(0)
	case 'B', 'e':
		s.toRow(s.row + n)
	case 'E':
		s.toRow(s.row + n)
		if !s.full {
			s.toColumn(0)
		}
	case 'C', 'a':
		s.toColumn(s.col + n)
	case 'D':
		s.toColumn(max(s.col-n, 0))
	case 'G', '`':
		s.toColumn(n - 1)
	case 'd':
		s.toRow(s.top() + n - 1)
	case 'H', 'f':
		s.toRow(s.top() + n - 1)
		if !s.full {
			s.toColumn(q.param(1, 1) - 1)
		}
	case 'J':
		s.eraseLines(q.param(0, 0))
	case 'K':
		s.eraseLine(q.param(0, 0))
	case 'P':
		s.change(func(l *line) { l.remove(s.col, n) })
		s.moved()
	case 'X':
		s.erase(s.col, s.col+n)
	case '@':
		s.insert(n)
	case 'b':
		s.repeat(n)
	case 's':
		s.escape('7')
	case 'u':
		s.escape('8')
	}
}

// eraseLine erases in the cursor's line: 0 = from the cursor on, 1 = up to it,
// 2 = all.
func (s *sheet) eraseLine(what int) {
	switch what {
	case 0:
		s.erase(s.col, len(s.line().cells))
	case 1:
		s.erase(0, s.col+1)
	case 2:
		s.erase(0, len(s.line().cells))
	}
}

// erase makes columns [from, to) of the cursor's line blank. The blanks of a
// wide character are longer than it is.
func (s *sheet) erase(from, to int) {
	if l := s.line(); l.rich && to < len(l.cells) && !s.room(to-from+1) {
		s.overflow()
		return
	}
	if from < to {
		s.change(func(l *line) { l.erase(from, to) })
	}
	s.moved()
}

// eraseLines erases in the lines that can be changed: 0 = from the cursor on,
// 1 = up to it, 2 = all.
func (s *sheet) eraseLines(what int) {
	if what > 2 {
		return
	}
	here := s.row
	for s.row = s.top(); s.row < len(s.rows); s.row++ {
		if s.row > here && what != 1 || s.row < here && what != 0 {
			s.change(func(l *line) { l.truncate(0) })
		}
	}
	s.row = here
	s.eraseLine(what)
}

// insert puts blanks in at the cursor.
func (s *sheet) insert(n int) {
	if s.col >= len(s.line().cells) {
		return
	}
	n = min(n, s.reach)
	if !s.room(n + 2) { // a wide character at the cursor may become two blanks
		s.overflow()
		return
	}
	s.change(func(l *line) { l.insert(s.col, n) })
	s.moved()
}

// repeat prints the last character again, if it is a single code point.
func (s *sheet) repeat(n int) {
	if !s.last.live || s.last.n > 1 {
		return
	}
	r := s.last.last
	for range min(n, s.reach) {
		if s.put(r, columns(r)); s.full {
			return
		}
	}
}
