package display

import (
	"chapi/bot"
	"chapi/runner/screen"
)

// sides are the columns of two sides of a frame; the edges of the screen, -1 and
// its width, are sides too.
type sides struct{ left, right int }

// maskFrames hides the secrets that are broken by the sides of a frame: each
// stretch of rows between the same two sides is read as one line.
func maskFrames(v *screen.View, m bot.Masker) {
	open := map[sides]*reading{}
	for row := range v.Rows {
		still := map[sides]*reading{}
		for _, s := range framesOf(v, row) {
			r := open[s]
			if r == nil {
				r = &reading{view: v}
			}
			r.between(row, s)
			still[s] = r
			delete(open, s)
		}
		for _, ended := range open {
			ended.line(m)
		}
		open = still
	}
	for _, ended := range open {
		ended.line(m)
	}
}

// framesOf are the sides that stand next to each other in a row; none in a row
// without a frame.
func framesOf(v *screen.View, row int) (all []sides) {
	left := -1
	for col, c := range v.Row(row) {
		if isSide(c.Text) {
			all = append(all, sides{left, col})
			left = col
		}
	}
	if all == nil {
		return nil
	}
	return append(all, sides{left, v.Cols})
}

func isSide(text string) bool {
	return text == "│" || text == "┃" || text == "║" || text == "|"
}

// between reads what stands between two sides, without the blanks beside them.
func (r *reading) between(row int, s sides) {
	cells := r.view.Row(row)
	from, to := s.left+1, s.right
	for from < to && blank(cells[from]) {
		from++
	}
	r.cells(row, from, from+trimmed(cells[from:to]))
}
