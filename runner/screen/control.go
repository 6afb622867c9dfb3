package screen

// execute carries out a control character.
func (s *Screen) execute(c byte) {
	s.touched = true
	switch c {
	case '\b':
		s.backspace()
	case '\t':
		s.tab(1)
	case '\n', '\v', '\f':
		if s.modes.NewLine {
			s.x = 0
		}
		s.last = 0 // only what stands right before REP is repeated (ECMA-48, 8.3.103)
		s.lineFeed()
	case '\r':
		s.x, s.pending = 0, false
	case 0x0e: // SO
		s.charset.active = 1
	case 0x0f: // SI
		s.charset.active = 0
	}
}

func (s *Screen) backspace() {
	switch {
	case s.x > 0:
		s.x--
	case s.reverse && !s.noWrap && s.y > s.top:
		s.y--
		s.x = s.cols - 1
	}
	s.pending = false
}

// tab goes n tab stops to the right, or to the edge.
func (s *Screen) tab(n int) {
	for ; n > 0 && s.x < s.cols-1; n-- {
		for s.x++; s.x < s.cols-1 && !s.tabs[s.x]; s.x++ {
		}
	}
}

// backTab goes n tab stops to the left.
func (s *Screen) backTab(n int) {
	for s.pending = false; n > 0 && s.x > 0; n-- {
		for s.x--; s.x > 0 && !s.tabs[s.x]; s.x-- {
		}
	}
}

// escape carries out an escape sequence that ends with c.
func (s *Screen) escape(c byte) {
	s.touched = true
	if s.parser.state = ground; s.parser.inters > 0 {
		s.escapeIntermediate(s.parser.inter, c)
		return
	}
	switch c {
	case '7':
		s.save()
	case '8':
		s.restore()
	case 'D':
		s.lineFeed()
	case 'E':
		s.x = 0
		s.lineFeed()
	case 'H':
		s.tabs[s.x] = true
	case 'M':
		s.reverseLineFeed()
	case 'N':
		s.charset.single = 2
	case 'O':
		s.charset.single = 3
	case 'Z':
		s.answerDevice()
	case 'c':
		s.reset()
	case 'n':
		s.charset.active = 2
	case 'o':
		s.charset.active = 3
	case '=':
		s.modes.ApplicationKeypad = true
	case '>':
		s.modes.ApplicationKeypad = false
	}
}

func (s *Screen) escapeIntermediate(inter, c byte) {
	switch {
	case s.parser.inters > 1:
	case inter >= '(' && inter <= '+':
		s.charset.graphic[inter-'('] = c == '0'
	case inter == '#' && c == '8':
		s.alignment()
	}
}

// alignment is DECALN: a screen full of E.
func (s *Screen) alignment() {
	s.top, s.bottom = 0, s.rows
	s.x, s.y, s.pending = 0, 0, false
	s.cur.clear(0, s.rows, 0)
	for y := range s.rows {
		line := s.cur.line(y)
		for x := range line {
			line[x] = 'E'
		}
		s.cur.row(y).used = uint16(s.cols)
	}
}

func (s *Screen) reverseLineFeed() {
	s.pending = false
	switch {
	case s.y == s.top:
		s.cur.down(s.top, s.bottom, 1, s.blank)
	case s.y > 0:
		s.y--
	}
}

// save is DECSC.
func (s *Screen) save() {
	s.cur.saved = saved{given: true, x: s.x, y: s.y, pending: s.pending, pen: s.pen, charset: s.charset, origin: s.origin}
}

// restore is DECRC.
func (s *Screen) restore() {
	k := s.cur.saved
	s.x, s.y = min(k.x, s.cols-1), min(k.y, s.rows-1)
	s.pending = k.pending && s.x == s.cols-1
	s.pen, s.charset, s.origin = k.pen, k.charset, k.origin
	s.penChanged()
}

// moveTo puts the cursor at a column and row counted from 0; in origin mode
// the row counts from the region's top.
func (s *Screen) moveTo(x, y int) {
	top, bottom := 0, s.rows
	if s.origin {
		top, bottom = s.top, s.bottom
	}
	s.x = min(max(x, 0), s.cols-1)
	s.y = min(max(y+top, top), bottom-1)
	s.pending = false
}

// moveUp and moveDown stop at the region's border, if they begin within it.
func (s *Screen) moveUp(n int) {
	stop := 0
	if s.y >= s.top {
		stop = s.top
	}
	s.y = max(s.y-n, stop)
	s.pending = false
}

func (s *Screen) moveDown(n int) {
	stop := s.rows - 1
	if s.y < s.bottom {
		stop = s.bottom - 1
	}
	s.y = min(s.y+n, stop)
	s.pending = false
}
