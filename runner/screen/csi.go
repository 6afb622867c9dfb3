package screen

// csi carries out a control sequence that ends with c.
func (s *Screen) csi(c byte) {
	q := &s.parser
	switch {
	case q.inters > 1:
	case q.inters == 1:
		s.csiIntermediate(q.private, q.inter, c)
	case q.private != 0:
		s.csiPrivate(q.private, c)
	case c == 'c' || c == 'n' || c == 't' || c == 'x':
		s.report(c)
	default:
		s.touched = true
		s.csiPlain(c)
	}
}

func (s *Screen) csiPlain(c byte) {
	q := &s.parser
	n := q.arg(0, 1)
	switch c {
	case 'A', 'k':
		s.moveUp(n)
	case 'B', 'e':
		s.moveDown(n)
	case 'C', 'a':
		s.x, s.pending = min(s.x+n, s.cols-1), false
	case 'D', 'j':
		s.x, s.pending = max(s.x-n, 0), false
	case 'E':
		s.moveDown(n)
		s.x = 0
	case 'F':
		s.moveUp(n)
		s.x = 0
	case 'G', '`':
		s.x, s.pending = min(n, s.cols)-1, false
	case 'H', 'f':
		s.moveTo(q.arg(1, 1)-1, n-1)
	case 'd':
		s.moveTo(s.x, n-1)
	case 'I':
		s.tab(n)
	case 'Z':
		s.backTab(n)
	case 'g':
		s.clearTabs(q.arg(0, 0))
	case 'm':
		s.sgr()
	case 'r':
		s.setRegion(n-1, q.arg(1, s.rows))
	case 's':
		s.save()
	case 'u':
		s.restore()
	case 'h', 'l':
		for i := range q.count() {
			s.ansiMode(q.arg(i, 0), c == 'h')
		}
	default:
		s.edit(c, n)
	}
}

// edit carries out what changes cells.
func (s *Screen) edit(c byte, n int) {
	g := &s.cur.grid
	inRegion := s.y >= s.top && s.y < s.bottom
	switch c {
	case 'J':
		s.eraseDisplay(s.parser.arg(0, 0))
	case 'K':
		s.eraseLine(s.parser.arg(0, 0))
	case '@':
		s.pending = false
		g.insert(s.y, s.x, n, s.blank)
	case 'P':
		s.pending = false
		g.remove(s.y, s.x, n, s.blank)
	case 'X':
		s.eraseInLine(s.here(), min(s.here()+n, s.cols))
	case 'L':
		if inRegion {
			g.down(s.y, s.bottom, n, s.blank)
			s.x, s.pending = 0, false
		}
	case 'M':
		if inRegion {
			g.up(s.y, s.bottom, n, s.blank)
			s.x, s.pending = 0, false
		}
	case 'S':
		s.scrollUp(n)
	case 'T':
		if s.parser.count() == 1 { // with five parameters it is about the mouse
			g.down(s.top, s.bottom, n, s.blank)
		}
	case 'b':
		if s.last != 0 {
			for range min(n, s.cols-s.x) { // ncurses repeats within a row only
				s.putAgain(s.last)
			}
		}
	}
}

// putAgain draws a character that has already been translated.
func (s *Screen) putAgain(r rune) {
	set := s.charset
	s.charset = charset{}
	s.put(r)
	s.charset = set
}

// here is where erasing begins. Beyond the last column there is nothing to
// erase, and it does not move the cursor: so do tmux and VTE, where xterm erases
// the character that was just drawn. grep and gcc write an EL after each colour.
func (s *Screen) here() int {
	if s.pending {
		return s.cols
	}
	return s.x
}

func (s *Screen) eraseDisplay(which int) {
	g := &s.cur.grid
	switch which {
	case 0:
		if s.x == 0 {
			g.clear(s.y, s.rows, s.blank)
			return
		}
		s.eraseInLine(s.here(), s.cols)
		g.clear(s.y+1, s.rows, s.blank)
	case 1:
		g.clear(0, s.y, s.blank)
		s.eraseInLine(0, s.x+1)
	case 2:
		g.clear(0, s.rows, s.blank)
	case 3:
		s.history = history{limit: s.history.limit}
	}
}

func (s *Screen) eraseLine(which int) {
	from, to := s.here(), s.cols
	switch which {
	case 1:
		from, to = 0, s.x+1
	case 2:
		from = 0
	case 0:
	default:
		return
	}
	s.eraseInLine(from, to)
}

func (s *Screen) eraseInLine(from, to int) {
	s.cur.erase(s.y, from, to, s.blank)
	if from < to && to == s.cols {
		s.cur.row(s.y).wrapped = false
	}
}

func (s *Screen) clearTabs(which int) {
	switch which {
	case 0:
		s.tabs[s.x] = false
	case 3:
		clear(s.tabs)
	}
}

// setRegion is DECSTBM, for rows [top,bottom) counted from 0.
func (s *Screen) setRegion(top, bottom int) {
	bottom = min(bottom, s.rows)
	if top >= bottom-1 && !(top == 0 && s.rows == 1) {
		return
	}
	s.top, s.bottom = top, bottom
	s.moveTo(0, 0)
}

func (s *Screen) csiPrivate(private, c byte) {
	q := &s.parser
	switch {
	case private == '?' && (c == 'h' || c == 'l'):
		s.touched = true
		for i := range q.count() {
			s.privateMode(q.arg(i, 0), c == 'h')
		}
	case private == '?' && (c == 'J' || c == 'K'): // nothing is protected here
		s.touched = true
		s.edit(c, 1)
	case private == '?' && (c == 'n' || c == 'S'), private != '?' && (c == 'c' || c == 'q'):
		s.reportPrivate(private, c)
	}
}

func (s *Screen) csiIntermediate(private, inter, c byte) {
	switch {
	case private == 0 && inter == '!' && c == 'p':
		s.touched = true
		s.softReset()
	case private == 0 && inter == ' ' && c == 'q':
		s.touched = true
		s.setShape(s.parser.arg(0, 0))
	case inter == '$' && c == 'p' && (private == 0 || private == '?'):
		s.reportMode(private, s.parser.arg(0, 0))
	}
}

// setShape is DECSCUSR: odd ones blink.
func (s *Screen) setShape(n int) {
	if n > 6 {
		return
	}
	s.blink = n%2 == 1
	s.shape = CursorShape(max(n-1, 0) / 2)
}
