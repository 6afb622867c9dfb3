package screen

// grid is the cells of one screen. Scrolling moves row numbers, not cells.
type grid struct {
	cols, rows int
	cells      []cell   // of row n: cells[n*cols:(n+1)*cols]
	meta       []row    // by the same n
	order      []uint16 // which n is shown at which height
}

// row is what is known of a row beside its cells. Cells from used on have not
// been drawn on: they are all like fill, a blank, whatever cells holds. So clearing a
// row costs nothing, and its end is known when it goes to the history.
type row struct {
	fill    cell
	used    uint16
	exit    int16 // of a mark 'D'; -1 is unknown
	marks   uint8 // bit n: a mark of kind 'A'+n
	wrapped bool
	wide    bool // there may be wide characters
}

func newGrid(cols, rows int) grid {
	g := grid{cols: cols, rows: rows, cells: make([]cell, cols*rows), meta: make([]row, rows), order: make([]uint16, rows)}
	for y := range g.order {
		g.order[y] = uint16(y)
	}
	return g
}

func (g *grid) row(y int) *row { return &g.meta[g.order[y]] }

// line gives all places of a row; those from used on are not valid.
func (g *grid) line(y int) []cell {
	n := int(g.order[y]) * g.cols
	return g.cells[n : n+g.cols : n+g.cols]
}

// extend makes the cells before x valid.
func (g *grid) extend(y, x int) {
	r := g.row(y)
	if int(r.used) >= x {
		return
	}
	line := g.line(y)[r.used:x]
	for i := range line {
		line[i] = r.fill
	}
	r.used = uint16(x)
}

// split breaks a wide character that lies across the border before column x:
// half a character is a blank.
func (g *grid) split(y, x int) {
	r := g.row(y)
	if !r.wide || x <= 0 || x >= int(r.used) {
		return
	}
	if line := g.line(y); line[x]&cellRight != 0 {
		line[x-1], line[x] = 0, 0
	}
}

// erase makes the columns [from,to) of a row blanks.
func (g *grid) erase(y, from, to int, blank cell) {
	if from >= to {
		return
	}
	g.split(y, from)
	g.split(y, to)
	r := g.row(y)
	used := int(r.used)
	if from >= used && r.fill == blank {
		return
	}
	if to >= g.cols {
		if from == 0 {
			r.wide = false
		}
		g.extend(y, from)
		r.used, r.fill = uint16(from), blank
		return
	}
	g.extend(y, to)
	line := g.line(y)[from:to]
	for i := range line {
		line[i] = blank
	}
}

// clear makes rows [from,to) blank, without their marks.
func (g *grid) clear(from, to int, blank cell) {
	for y := from; y < to; y++ {
		*g.row(y) = row{fill: blank}
	}
}

// up moves rows [top,bottom) up by n; blank ones come in from below.
func (g *grid) up(top, bottom, n int, blank cell) {
	o := g.order[top:bottom]
	n = min(n, len(o))
	if n == 1 {
		first := o[0]
		copy(o, o[1:])
		o[len(o)-1] = first
	} else {
		rotate(o, n)
	}
	g.clear(bottom-n, bottom, blank)
}

// down moves rows [top,bottom) down by n; blank ones come in from above.
func (g *grid) down(top, bottom, n int, blank cell) {
	o := g.order[top:bottom]
	n = min(n, len(o))
	rotate(o, len(o)-n)
	g.clear(top, top+n, blank)
}

// rotate brings o[n] to the front.
func rotate(o []uint16, n int) {
	flip := func(o []uint16) {
		for i, j := 0, len(o)-1; i < j; i, j = i+1, j-1 {
			o[i], o[j] = o[j], o[i]
		}
	}
	flip(o[:n])
	flip(o[n:])
	flip(o)
}

// insert makes room for n cells at column x; what is pushed over the edge is
// lost.
func (g *grid) insert(y, x, n int, blank cell) {
	n = min(n, g.cols-x)
	g.extend(y, g.cols)
	g.split(y, x)
	g.split(y, g.cols-n)
	line := g.line(y)
	copy(line[x+n:], line[x:])
	for i := x; i < x+n; i++ {
		line[i] = blank
	}
}

// remove takes n cells away at column x; blanks come in from the right.
func (g *grid) remove(y, x, n int, blank cell) {
	n = min(n, g.cols-x)
	g.extend(y, g.cols)
	g.split(y, x)
	g.split(y, x+n)
	line := g.line(y)
	copy(line[x:], line[x+n:])
	r := g.row(y)
	r.used, r.fill = uint16(g.cols-n), blank
}

// copyTo makes dst a copy, with dst's memory if it is large enough.
func (g *grid) copyTo(dst *grid) {
	dst.cols, dst.rows = g.cols, g.rows
	dst.cells = append(dst.cells[:0], g.cells...)
	dst.meta = append(dst.meta[:0], g.meta...)
	dst.order = append(dst.order[:0], g.order...)
}

// crop changes the size and keeps what fits, from the top left corner.
func (g *grid) crop(cols, rows int) {
	n := newGrid(cols, rows)
	for y := 0; y < min(rows, g.rows); y++ {
		g.split(y, cols)
		r := *g.row(y)
		r.used = uint16(min(int(r.used), cols))
		*n.row(y) = r
		copy(n.line(y), g.line(y)[:r.used])
	}
	*g = n
}
