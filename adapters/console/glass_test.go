package console

import (
	"strings"
	"sync"
	"unicode/utf8"
)

// glass is a terminal to look at: it obeys what the console sends, and scrolls
// and wraps as terminals do.
type glass struct {
	mu         sync.Mutex
	rows, cols int
	cells      [][]rune
	row, col   int
	wrap       bool // the last column was written: the next character wraps
	saved      [2]int
	rest       []byte
	strange    []string // sequences that it does not know
	changed    chan struct{}
}

func newGlass(rows, cols int) *glass {
	g := &glass{rows: rows, cols: cols, changed: make(chan struct{}, 1)}
	for range rows {
		g.cells = append(g.cells, g.blank())
	}
	return g
}

func (g *glass) blank() []rune { return []rune(strings.Repeat(" ", g.cols)) }

func (g *glass) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest = append(g.rest, p...)
	for len(g.rest) > 0 {
		n := g.step(g.rest)
		if n == 0 {
			break
		}
		g.rest = g.rest[n:]
	}
	select {
	case g.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (g *glass) step(p []byte) int {
	switch p[0] {
	case '\n':
		g.wrap = false
		if g.row++; g.row == g.rows {
			g.row--
			g.cells = append(g.cells[1:], g.blank())
		}
		return 1
	case '\r':
		g.col, g.wrap = 0, false
		return 1
	case '\b':
		g.col, g.wrap = max(0, g.col-1), false
		return 1
	case 0x1b:
		n := sequence(p)
		if n > 0 {
			g.control(string(p[1:n]))
		}
		return n
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	if g.wrap {
		g.col = 0
		g.step([]byte{'\n'})
	}
	g.cells[g.row][g.col] = r
	if g.col++; g.col == g.cols {
		g.col--
		g.wrap = true
	}
	return n
}

func (g *glass) control(s string) {
	switch {
	case s == "7":
		g.saved = [2]int{g.row, g.col}
	case s == "8":
		g.row, g.col, g.wrap = g.saved[0], g.saved[1], false
	case s == "[J":
		copy(g.cells[g.row][g.col:], g.blank())
		for r := g.row + 1; r < g.rows; r++ {
			g.cells[r] = g.blank()
		}
	case s == "[2J":
		for r := range g.rows {
			g.cells[r] = g.blank()
		}
	case s == "[H":
		g.row, g.col, g.wrap = 0, 0, false
	case strings.HasSuffix(s, "m"):
	case strings.HasSuffix(s, "D"):
		n := 0
		for _, d := range s[1 : len(s)-1] {
			n = 10*n + int(d-'0')
		}
		g.col, g.wrap = max(0, g.col-n), false
	default:
		g.strange = append(g.strange, s)
	}
}

// String is what is to be seen, with | where the cursor is, without blank
// lines at the end.
func (g *glass) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	for r, row := range g.cells {
		line := string(row)
		if r == g.row {
			line = strings.TrimRight(string(row[g.col:]), " ")
			line = string(row[:g.col]) + "|" + line
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.TrimRight(strings.Join(append(lines, g.strange...), "\n"), "\n")
}
