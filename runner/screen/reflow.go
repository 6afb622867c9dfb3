package screen

// reflower lays out rows for another width.
type reflower struct {
	cols  int
	same  bool // the width stays: rows are only counted
	out   history
	lines int // rows written, whatever out has kept of them

	w      rowWriter
	head   row  // marks of the row that is being written
	inLine bool // the last row that was added goes on in the next
}

// add takes the next row, and finds the points that are in it.
func (f *reflower) add(encoded []byte, points []*point) {
	r := readRow(encoded)
	if f.same || !f.inLine && !r.row.wrapped && r.columns <= f.cols {
		f.push(encoded)
		for _, p := range points {
			p.line = f.lines - 1
		}
		return
	}
	if r.row.marks != 0 {
		f.head.marks |= r.row.marks
		f.head.exit = r.row.exit
	}
	x := 0
	for {
		text, columns, index, more := r.next()
		if !more {
			break
		}
		f.cell(text, columns, index)
		x += columns
		for _, p := range points {
			if p.line < 0 && p.x < x {
				p.line, p.x = f.lines, f.w.columns-columns
			}
		}
	}
	for _, p := range points { // what is beyond the last cell
		if p.line < 0 {
			p.line, p.x = f.lines, f.w.columns+p.x-x
		}
	}
	if f.inLine = r.row.wrapped; !f.inLine {
		f.head.fill = r.row.fill
		f.endRow(false)
	}
}

// cell writes a cell, in the next row if it does not fit.
func (f *reflower) cell(text []byte, columns int, index uint32) {
	if f.w.columns+columns > f.cols {
		f.endRow(true)
	}
	f.w.add(text, columns, index)
}

func (f *reflower) endRow(wrapped bool) {
	f.head.wrapped = wrapped
	f.push(f.w.row(f.head))
	f.head = row{}
}

func (f *reflower) push(encoded []byte) {
	f.out.push(encoded)
	f.lines++
}
