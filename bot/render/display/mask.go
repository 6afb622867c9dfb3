package display

import (
	"chapi/bot"
	"chapi/runner/screen"
)

// minHeld is how long the beginning of a secret must be, in bytes, to be hidden
// where its end is not on the screen: the shortest secret that is taken. A
// shorter beginning is as likely a harmless word.
const minHeld = 8

// Mask hides the secrets on a screen, in its cells, so that nothing that is
// made of the view can show them. Each cell of a secret becomes an asterisk.
//
// A row whose last cell is filled is read on in the next one, whether the
// terminal broke it there or the program. The beginning of a secret of 8 bytes
// or more at the end of such a line is hidden too: the rest may be cut off at
// the edge, or not be written yet. What stands in frames, or in windows side by
// side, is read within their sides. The view's title is masked as well. What a
// program shows only the end of is not found.
//
// Mask changes the cells of v. A nil masker hides nothing.
func Mask(v *screen.View, m bot.Masker) {
	if m == nil {
		return
	}
	v.Title = m.Text(v.Title)
	r := reading{view: v}
	for row := range v.Rows {
		r.row(row)
		if !r.goesOn(row) {
			r.line(m)
		}
	}
	r.line(m)
	r.whole(m)
	maskFrames(v, m)
}

// reading is the text of a screen and the cell of each of its bytes.
type reading struct {
	view *screen.View
	text []byte
	cell []int // index of the cell; -1 for line ends
	from int   // where the present line begins
	copy []byte
}

// goesOn tells whether a row is read on in the next one.
func (r *reading) goesOn(row int) bool {
	v := r.view
	if row+1 >= v.Rows {
		return false
	}
	last := v.Cells[(row+1)*v.Cols-1]
	return row < len(v.Wrapped) && v.Wrapped[row] || !blank(last) || last.Width == 0
}

// row reads a row. The blanks at its end do not count: a wide character that
// had no room leaves one before the line goes on.
func (r *reading) row(row int) {
	r.cells(row, 0, trimmed(r.view.Row(row)))
}

// cells reads the columns [from,to) of a row.
func (r *reading) cells(row, from, to int) {
	cells := r.view.Row(row)
	for col := from; col < to; col++ {
		c := cells[col]
		if c.Width == 0 {
			continue
		}
		text := c.Text
		if text == "" {
			text = " "
		}
		for range len(text) {
			r.cell = append(r.cell, row*r.view.Cols+col)
		}
		r.text = append(r.text, text...)
	}
}

// line hides the secrets in the present line, and begins the next.
func (r *reading) line(m bot.Masker) {
	line := r.text[r.from:]
	if len(line) > 0 {
		held := m.Mask(r.scratch(line))
		if held >= minHeld {
			for i := len(line) - held; i < len(line); i++ {
				r.copy[i] = '*'
			}
		}
		r.apply(r.from, line)
	}
	r.text, r.cell = append(r.text, '\n'), append(r.cell, -1)
	r.from = len(r.text)
}

// whole hides secrets of several lines.
func (r *reading) whole(m bot.Masker) {
	m.Mask(r.scratch(r.text))
	r.apply(0, r.text)
}

func (r *reading) scratch(text []byte) []byte {
	r.copy = append(r.copy[:0], text...)
	return r.copy
}

// apply overwrites the cells whose text, from a place on, differs in the copy.
func (r *reading) apply(from int, text []byte) {
	for i, b := range text {
		if n := r.cell[from+i]; n >= 0 && r.copy[i] != b {
			hide(r.view, n)
		}
	}
}

// hide overwrites a cell, and the right half of its character.
func hide(v *screen.View, n int) {
	c := &v.Cells[n]
	if c.Width == 2 && (n+1)%v.Cols != 0 {
		v.Cells[n+1].Text, v.Cells[n+1].Width = "*", 1
	}
	c.Text, c.Width = "*", 1
}

// trimmed is the length of a row without the blanks at its end.
func trimmed(cells []screen.Cell) int {
	end := len(cells)
	for end > 0 && blank(cells[end-1]) {
		end--
	}
	return end
}

// blank tells whether a cell shows nothing. A no-break space is as blank as
// any; the right half of a wide character is not.
func blank(c screen.Cell) bool {
	return c.Width == 1 && (c.Text == "" || c.Text == " " || c.Text == "\u00a0")
}
