package screen

import "unicode/utf8"

// Resize changes the size. The normal screen and its history are laid out
// anew: what the terminal had wrapped is joined and wrapped at the new width,
// and the cursor stays at its character. The alternate screen is cut or
// extended, as its program will draw it again. Sizes out of bounds are moved
// in. The scroll region becomes the whole screen. The history's bound counts
// lines of the new width: narrower ones are more, and the oldest may go.
func (s *Screen) Resize(cols, rows int) {
	cols, rows = bound(cols, rows)
	if cols == s.cols && rows == s.rows {
		return
	}
	s.touched = true
	s.reflow(cols, rows)
	if s.alt.rows > 0 {
		s.alt.crop(cols, rows)
	}
	tabs := defaultTabs(cols)
	copy(tabs, s.tabs)
	s.tabs = tabs
	s.cols, s.rows = cols, rows
	s.top, s.bottom = 0, rows
	s.sync = synchronized{}
	s.x, s.y = min(s.x, cols-1), min(s.y, rows-1)
	s.pending = s.pending && s.x == cols-1
}

// point is a place in the normal screen that is to be found again.
type point struct {
	x, y int // as a column of a row; x may be beyond the last
	line int // of the new rows, -1 until it is found
}

// reflow lays out the normal screen: all rows go to the history, at the new
// width, and the last ones come back.
func (s *Screen) reflow(cols, rows int) {
	g := &s.normal.grid
	active := s.cur == &s.normal
	cursor, kept := point{s.x, s.y, -1}, point{s.normal.saved.x, s.normal.saved.y, -1}
	if s.pending {
		cursor.x++
	}
	if s.normal.saved.pending {
		kept.x++
	}
	last := kept.y
	if active {
		last = cursor.y
	}
	for y := g.rows - 1; y > last; y-- {
		if r := g.row(y); r.used > 0 || r.fill != 0 || r.marks != 0 {
			last = y
		}
	}
	limit := s.history.limit
	f := reflower{cols: cols, same: cols == s.cols, out: history{limit: limit + maxRows*maxCols/minCols + rows}}
	if f.same {
		f.out, s.history = s.history, history{}
		f.out.limit = limit + rows + g.rows
		f.lines = f.out.count
	} else {
		s.history.each(func(encoded []byte) { f.add(encoded, nil) })
	}
	var encoded []byte
	for y := 0; y <= last; y++ {
		r := *g.row(y)
		var points []*point
		for _, p := range []*point{&cursor, &kept} {
			if p.y == y {
				points = append(points, p)
			}
		}
		if y == last {
			r.wrapped = false
		}
		encoded = appendRow(encoded[:0], r, g.line(y)[:r.used], &s.clusters)
		f.add(encoded, points)
	}
	s.fetch(&f, cols, rows, &cursor, &kept, active)
	f.out.limit = limit
	f.out.trim()
	s.history = f.out
}

// fetch takes the last rows of the history as the screen.
func (s *Screen) fetch(f *reflower, cols, rows int, cursor, kept *point, active bool) {
	lead := cursor
	if !active {
		lead = kept
	}
	top := max(f.lines-rows, 0)
	if lead.line >= 0 {
		top = min(top, lead.line)
	}
	g := newGrid(cols, rows)
	for n := f.lines - 1; n >= top; n-- {
		encoded, ok := f.out.pop()
		if !ok {
			break
		}
		if n-top < rows {
			s.load(&g, n-top, encoded)
		}
	}
	s.normal.grid = g
	place := func(p *point) (x, y int, pending bool) {
		if p.line < 0 { // below all that there is
			return min(p.x, cols-1), min(p.y, rows-1), false
		}
		x, y = min(p.x, cols), max(min(p.line-top, rows-1), 0)
		if x == cols {
			return cols - 1, y, true
		}
		return x, y, false
	}
	if active {
		s.x, s.y, s.pending = place(cursor)
	}
	k := &s.normal.saved
	k.x, k.y, k.pending = place(kept)
}

// load draws an encoded row.
func (s *Screen) load(g *grid, y int, encoded []byte) bool {
	r := readRow(encoded)
	if int(r.row.used) > g.cols {
		return false
	}
	line, x := g.line(y), 0
	m := r.row
	for {
		text, columns, index, more := r.next()
		if !more {
			break
		}
		c := s.glyph(text) | styled(index)
		if columns == 2 {
			m.wide = true
			line[x+1] = styled(index) | cellRight
			c |= cellWide
		}
		line[x] = c
		x += columns
	}
	*g.row(y) = m
	return r.ok
}

// glyph gives the cell of a text; without its combining characters if there
// is no room for them.
func (s *Screen) glyph(text []byte) cell {
	if len(text) == 0 {
		return 0
	}
	r, size := utf8.DecodeRune(text)
	if size < len(text) {
		if index, ok := s.clusters.intern(text); ok {
			return cellCluster | cell(index)
		}
	}
	return cell(r)
}
