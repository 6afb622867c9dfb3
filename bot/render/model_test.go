package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// grid is a terminal as simple as can be: no pages, no offsets, a string for
// each cell, nothing counted. It is what a paper is compared with.
type grid struct {
	rows     [][]string // "" is the right half of a wide character
	row, col int
}

func (g *grid) cells() []string { return g.rows[g.row] }

func (g *grid) print(s string, wide int) {
	g.pad(g.col + wide)
	g.halve(g.col)
	g.halve(g.col + wide)
	g.rows[g.row][g.col] = s
	if wide == 2 {
		g.rows[g.row][g.col+1] = ""
	}
	g.col += wide
}

func (g *grid) pad(n int) {
	for len(g.cells()) < n {
		g.rows[g.row] = append(g.cells(), " ")
	}
}

func (g *grid) halve(col int) {
	if c := g.cells(); col < len(c) && c[col] == "" {
		c[col-1], c[col] = " ", " "
	}
}

func (g *grid) erase(from, to int) {
	to = min(to, len(g.cells()))
	if from >= to {
		return
	}
	g.halve(from)
	g.halve(to)
	for i := from; i < to; i++ {
		g.cells()[i] = " "
	}
}

func (g *grid) to(row int) {
	g.row = max(0, row)
	for len(g.rows) <= g.row {
		g.rows = append(g.rows, nil)
	}
}

func (g *grid) text() string {
	var lines []string
	last := g.row
	for i, cells := range g.rows {
		lines = append(lines, strings.TrimRight(strings.Join(cells, ""), " "))
		if lines[i] != "" {
			last = max(last, i)
		}
	}
	return strings.Join(lines[:last+1], "\n")
}

// step is one thing a program does, as bytes and as what it means.
type step struct {
	bytes string
	do    func(*grid)
}

func steps() *rapid.Generator[step] {
	fixed := []step{
		{"\r", func(g *grid) { g.col = 0 }},
		{"\n", func(g *grid) { g.to(g.row + 1); g.col = 0 }},
		{"\b", func(g *grid) { g.col = max(0, g.col-1) }},
		{"\t", func(g *grid) { g.col = g.col/8*8 + 8 }},
		{"\x1b[K", func(g *grid) { g.erase(g.col, len(g.cells())) }},
		{"\x1b[1K", func(g *grid) { g.erase(0, g.col+1) }},
		{"\x1b[2K", func(g *grid) { g.erase(0, len(g.cells())) }},
		{"\x1b[J", func(g *grid) {
			for i := g.row + 1; i < len(g.rows); i++ {
				g.rows[i] = nil
			}
			g.erase(g.col, len(g.cells()))
		}},
		{"\x1b[1J", func(g *grid) {
			for i := range g.row {
				g.rows[i] = nil
			}
			g.erase(0, g.col+1)
		}},
		{"\x1b[2J", func(g *grid) { clear(g.rows) }},
		{"\x1b[m", func(*grid) {}},
		{"\x1b]0;t\a", func(*grid) {}},
	}
	numbered := []func(n int) step{
		func(n int) step { return step{fmt.Sprintf("\x1b[%dA", n), func(g *grid) { g.to(g.row - n) }} },
		func(n int) step { return step{fmt.Sprintf("\x1b[%dB", n), func(g *grid) { g.to(g.row + n) }} },
		func(n int) step { return step{fmt.Sprintf("\x1b[%dC", n), func(g *grid) { g.col += n }} },
		func(n int) step { return step{fmt.Sprintf("\x1b[%dD", n), func(g *grid) { g.col = max(0, g.col-n) }} },
		func(n int) step {
			return step{fmt.Sprintf("\x1b[%dE", n), func(g *grid) { g.to(g.row + n); g.col = 0 }}
		},
		func(n int) step {
			return step{fmt.Sprintf("\x1b[%dF", n), func(g *grid) { g.to(g.row - n); g.col = 0 }}
		},
		func(n int) step { return step{fmt.Sprintf("\x1b[%dG", n), func(g *grid) { g.col = n - 1 }} },
		func(n int) step {
			return step{fmt.Sprintf("\x1b[%d;%dH", n, n), func(g *grid) { g.to(n - 1); g.col = n - 1 }}
		},
		func(n int) step { return step{fmt.Sprintf("\x1b[%dX", n), func(g *grid) { g.erase(g.col, g.col+n) }} },
		func(n int) step {
			return step{fmt.Sprintf("\x1b[%dP", n), func(g *grid) {
				if end := min(g.col+n, len(g.cells())); g.col < end {
					g.halve(g.col)
					g.halve(end)
					g.rows[g.row] = slices.Delete(g.cells(), g.col, end)
				}
			}}
		},
		func(n int) step {
			return step{fmt.Sprintf("\x1b[%d@", n), func(g *grid) {
				if g.col < len(g.cells()) {
					g.halve(g.col)
					g.rows[g.row] = slices.Insert(g.cells(), g.col, slices.Repeat([]string{" "}, n)...)
				}
			}}
		},
	}
	wide := map[string]int{"é": 1, "e\u0301": 1, "日": 2, "👩‍💻": 2, "❤️": 2, "🇩🇪": 2, "ж": 1, "க்": 1}
	return rapid.Custom(func(t *rapid.T) step {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0, 1:
			s := rapid.StringMatching(`[!-~]{1,12}`).Draw(t, "ascii")
			return step{s, func(g *grid) {
				for _, r := range s {
					g.print(string(r), 1)
				}
			}}
		case 2:
			s := rapid.SampledFrom([]string{"é", "e\u0301", "日", "👩‍💻", "❤️", "🇩🇪", "ж", "க்"}).Draw(t, "character")
			return step{s, func(g *grid) { g.print(s, wide[s]) }}
		case 3:
			return rapid.SampledFrom(numbered).Draw(t, "numbered")(rapid.IntRange(1, 7).Draw(t, "n"))
		default:
			return rapid.SampledFrom(fixed).Draw(t, "fixed")
		}
	})
}

func TestPaperShowsWhatASimpleTerminalShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &grid{rows: make([][]string, 1)}
		var b strings.Builder
		// More steps could use more lines than can be changed.
		for _, s := range rapid.SliceOfN(steps(), 10, 60).Draw(t, "steps") {
			b.WriteString(s.bytes)
			s.do(g)
			if len(g.rows) > maxRegion || len(g.cells()) > maxReach || g.col > maxReach {
				return
			}
		}
		if got, want := shown(out(0, b.String())), g.text(); got != want {
			t.Fatalf("%q\n got %q\nwant %q", b.String(), got, want)
		}
	})
}
