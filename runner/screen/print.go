package screen

import "unicode/utf8"

// putASCII draws printable ASCII.
func (s *Screen) putASCII(p []byte) {
	if s.insert || s.noWrap || s.charset.single != 0 || s.charset.graphic[s.charset.active] {
		for _, c := range p {
			s.put(rune(c))
		}
		return
	}
	s.touched = true
	s.last = rune(p[len(p)-1])
	g := &s.cur.grid
	for len(p) > 0 {
		if s.pending {
			s.wrap()
		}
		n := min(len(p), s.cols-s.x)
		r := g.row(s.y)
		switch {
		case int(r.used) < s.x:
			g.extend(s.y, s.x)
		case r.wide:
			g.split(s.y, s.x)
			g.split(s.y, s.x+n)
		}
		line := g.line(s.y)[s.x : s.x+n]
		for i, c := range p[:n] {
			line[i] = s.paint | cell(c)
		}
		p = p[n:]
		s.x += n
		r.used = max(r.used, uint16(s.x))
		if s.x == s.cols {
			s.x--
			s.pending = true
		}
	}
}

// put draws a character.
func (s *Screen) put(r rune) {
	s.touched = true
	columns := 1
	if r < utf8.RuneSelf {
		r = s.translate(r)
	} else {
		s.charset.single = 0
		if r < 0xa0 { // C1 controls: only their 7-bit forms are understood
			return
		}
		columns = width(r)
	}
	if columns == 0 {
		s.combine(r)
		return
	}
	s.last = r
	if s.pending || columns == 2 && s.x == s.cols-1 {
		if s.noWrap {
			if s.pending = false; columns == 2 {
				s.x = s.cols - 2
			}
		} else {
			s.wrap()
		}
	}
	s.draw(cell(r), columns)
}

func (s *Screen) draw(glyph cell, columns int) {
	g := &s.cur.grid
	if s.insert {
		g.insert(s.y, s.x, columns, s.blank)
	}
	g.extend(s.y, s.x)
	g.split(s.y, s.x)
	g.split(s.y, s.x+columns)
	r, line := g.row(s.y), g.line(s.y)
	if columns == 2 {
		r.wide = true
		line[s.x], line[s.x+1] = s.paint|glyph|cellWide, s.paint|cellRight
	} else {
		line[s.x] = s.paint | glyph
	}
	s.x += columns
	r.used = max(r.used, uint16(s.x))
	if s.x == s.cols {
		s.x--
		s.pending = true
	}
}

// wrap begins the next row, as a continuation of this one.
func (s *Screen) wrap() {
	s.cur.extend(s.y, s.cols) // a wide character may have found one column too few
	s.cur.row(s.y).wrapped = true
	s.lineFeed()
	s.x = 0
}

// combine adds a character without width to the one before the cursor. At the
// beginning of a row there is none, and it is left out.
func (s *Screen) combine(r rune) {
	x := s.x - 1
	if s.pending {
		x = s.x
	}
	if x < 0 {
		return
	}
	g := &s.cur.grid
	g.extend(s.y, x+1)
	line := g.line(s.y)
	if line[x]&cellRight != 0 {
		x--
	}
	var buf [2 * maxClusterBytes]byte
	text := s.clusters.appendText(buf[:0], line[x])
	if len(text) == 0 {
		text = append(text, ' ')
	}
	text = utf8.AppendRune(text, r)
	if len(text) > maxClusterBytes {
		return
	}
	index, ok := s.clusters.intern(text)
	if !ok && s.sweepClusters() {
		index, ok = s.clusters.intern(text)
	}
	if ok {
		line[x] = line[x]&^(cellValue|cellCluster) | cellCluster | cell(index)
	}
}

// lineFeed goes a row down; at the region's end the region scrolls.
func (s *Screen) lineFeed() {
	s.pending = false
	switch {
	case s.y == s.bottom-1:
		s.scrollUp(1)
	case s.y < s.rows-1:
		s.y++
	}
}

// scrollUp moves the region up. What leaves the normal screen at its top goes
// to the history.
func (s *Screen) scrollUp(n int) {
	g := &s.cur.grid
	n = min(n, s.bottom-s.top)
	if s.top == 0 && s.cur == &s.normal && s.history.limit > 0 {
		for y := range n {
			r := *g.row(y)
			s.history.pushRow(r, g.line(y)[:r.used], &s.clusters)
		}
	}
	g.up(s.top, s.bottom, n, s.blank)
}

// translate gives the character that a byte stands for in the active set.
func (s *Screen) translate(r rune) rune {
	set := s.charset.active
	if s.charset.single != 0 {
		set, s.charset.single = s.charset.single, 0
	}
	if s.charset.graphic[set] && r >= 0x5f && r <= 0x7e {
		return lineDrawing[r-0x5f]
	}
	return r
}

// lineDrawing is DEC's special graphics, from 0x5f on (VT220 reference manual,
// table 2-4).
var lineDrawing = [...]rune{
	' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼',
	'⎺', '⎻', '─', '⎼', '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
}

// penChanged looks up what is drawn with.
func (s *Screen) penChanged() {
	s.paint = styled(s.intern(s.pen))
	s.blank = styled(s.intern(style{bg: s.pen.bg}))
}

// intern gives a style's index. When there are too many, the nearest colours of
// the palette are taken, and at worst the default style.
func (s *Screen) intern(st style) uint32 {
	if i, ok := s.styles.intern(st); ok {
		return i
	}
	if s.sweepStyles() {
		if i, ok := s.styles.intern(st); ok {
			return i
		}
	}
	st.fg, st.bg, st.line = st.fg.near(), st.bg.near(), 0
	i, _ := s.styles.intern(st)
	return i
}

// near gives the entry of the palette's cube that is next to a 24-bit colour.
func (c Colour) near() Colour {
	r, g, b, ok := c.TrueColour()
	if !ok {
		return c
	}
	level := func(v uint8) uint8 {
		if v < 48 {
			return 0
		}
		return max(1, (v-35)/40)
	}
	return Palette(16 + 36*level(r) + 6*level(g) + level(b))
}
