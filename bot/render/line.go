package render

import (
	"slices"
	"unicode/utf8"
)

// cell is one column of a line: the code point shown there, negated if
// line.marks has more of the same character, or rightHalf.
type cell int32

const (
	rightHalf cell = 0 // of a character two columns wide
	blank     cell = ' '
)

// errorMark begins a line of standard error; it is not part of the columns.
const errorMark = "! "

// line is a line of text by columns. The zero value is an empty one.
type line struct {
	cells []cell
	// marks has the code points behind the first of characters that have
	// several, by column.
	marks  map[int][]rune
	units  int  // length of the text with its mark, trailing blanks included
	rich   bool // some character may not be one column and one unit
	stderr bool // its first character is of standard error
	added  bool // made above the page's first line, to move the cursor there
	// born is the offset from which an empty page would show this line again.
	born int64
}

func (l *line) empty() bool { return len(l.cells) == 0 }

// length is the length of the text in column i.
func (l *line) length(m meter, i int) int {
	c := l.cells[i]
	switch {
	case c == rightHalf:
		return 0
	case c > 0:
		return m.rune(rune(c))
	}
	n := m.rune(rune(-c))
	for _, r := range l.marks[i] {
		n += m.rune(r)
	}
	return n
}

// gain is how much longer the text becomes if a character of so many units
// and columns is put at col.
func (l *line) gain(m meter, col, wide, units int) int {
	n := len(l.cells)
	if col >= n {
		return col - n + units
	}
	gain := units
	if l.cells[col] == rightHalf {
		gain += 1 - l.length(m, col-1) // its other half becomes a blank
	}
	end := min(col+wide, n)
	for i := col; i < end; i++ {
		gain -= l.length(m, i)
	}
	if end < n && l.cells[end] == rightHalf {
		gain++ // as does this half
	}
	return gain
}

// put shows r at col, in place of what is there. units is not kept: the
// caller adds the gain.
func (l *line) put(r rune, col, wide int) {
	for len(l.cells) < col {
		l.cells = append(l.cells, blank)
	}
	for len(l.cells) < col+wide {
		l.cells = append(l.cells, blank)
	}
	l.split(col)
	l.split(col + wide)
	l.set(col, cell(r))
	if wide == 2 {
		l.set(col+1, rightHalf)
	}
	l.rich = l.rich || wide != 1 || r > 0xffff
}

// mark adds r to the character at col.
func (l *line) mark(r rune, col int) {
	if l.marks == nil {
		l.marks = make(map[int][]rune)
	}
	if l.cells[col] > 0 {
		l.cells[col] = -l.cells[col]
	}
	l.marks[col] = append(l.marks[col], r)
	l.rich = true
}

// widen gives the character at col a second column.
func (l *line) widen(col int) {
	if len(l.cells) == col+1 {
		l.cells = append(l.cells, blank)
	}
	l.split(col + 2)
	l.set(col+1, rightHalf)
}

func (l *line) set(i int, c cell) {
	if l.cells[i] < 0 {
		delete(l.marks, i)
	}
	l.cells[i] = c
}

// split makes blanks of a wide character that lies across the left edge of
// col.
func (l *line) split(col int) {
	if col > 0 && col < len(l.cells) && l.cells[col] == rightHalf {
		l.set(col-1, blank)
		l.set(col, blank)
	}
}

// erase makes columns [from, to) blank. Like all that follow, it leaves units
// to be counted again.
func (l *line) erase(from, to int) {
	if to >= len(l.cells) {
		l.truncate(from)
		return
	}
	l.split(from)
	l.split(to)
	for i := from; i < to; i++ {
		l.set(i, blank)
	}
}

// truncate removes the columns from col on.
func (l *line) truncate(col int) {
	if col >= len(l.cells) {
		return
	}
	l.split(col)
	for i := col; i < len(l.cells); i++ {
		l.set(i, blank)
	}
	l.cells = l.cells[:col]
	l.trim()
}

// trim removes trailing blanks.
func (l *line) trim() {
	n := len(l.cells)
	for n > 0 && l.cells[n-1] == blank {
		n--
	}
	l.cells = l.cells[:n]
	if n == 0 {
		l.stderr, l.rich = false, false
	}
}

// remove takes n columns out at col; what is behind moves left.
func (l *line) remove(col, n int) {
	if col >= len(l.cells) {
		return
	}
	n = min(n, len(l.cells)-col)
	l.split(col)
	l.split(col + n)
	for i := col; i < col+n; i++ {
		l.set(i, blank)
	}
	l.cells = slices.Delete(l.cells, col, col+n)
	l.shift(col, -n)
	l.trim()
}

// insert puts n blanks in at col; what is there moves right.
func (l *line) insert(col, n int) {
	if col >= len(l.cells) {
		return
	}
	l.split(col)
	l.cells = slices.Insert(l.cells, col, slices.Repeat([]cell{blank}, n)...)
	l.shift(col, n)
}

// shift moves the marks at and behind col by n columns.
func (l *line) shift(col, n int) {
	if len(l.marks) == 0 {
		return
	}
	moved := make(map[int][]rune, len(l.marks))
	for i, m := range l.marks {
		if i >= col {
			i += n
		}
		moved[i] = m
	}
	l.marks = moved
}

// count measures the line anew.
func (l *line) count(m meter) int {
	l.units = 0
	if l.rich {
		for i := range l.cells {
			l.units += l.length(m, i)
		}
	} else {
		l.units = len(l.cells)
	}
	if l.stderr {
		l.units += len(errorMark)
	}
	return l.units
}

// appendText appends the line without trailing blanks, or with them if whole.
func (l *line) appendText(b []byte, whole bool) []byte {
	cells := l.cells
	for !whole && len(cells) > 0 && cells[len(cells)-1] == blank {
		cells = cells[:len(cells)-1]
	}
	if l.stderr && len(cells) > 0 {
		b = append(b, errorMark...)
	}
	for i, c := range cells {
		switch {
		case c == rightHalf:
		case c > 0:
			b = utf8.AppendRune(b, rune(c))
		default:
			b = utf8.AppendRune(b, rune(-c))
			for _, r := range l.marks[i] {
				b = utf8.AppendRune(b, r)
			}
		}
	}
	return b
}
