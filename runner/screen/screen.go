package screen

import (
	"slices"
	"strings"
)

// Sizes out of these bounds are moved into them: no person reads a larger
// screen in a chat, and a wide character needs two columns.
const (
	minCols, maxCols = 2, 1000
	minRows, maxRows = 1, 500
)

// maxHistory bounds Options.History.
const maxHistory = 100_000

// Options are a screen's choices.
type Options struct {
	History int // lines of scrollback kept at most, up to maxHistory; 0 is none
}

// Screen is a terminal's screen and what its program has told it. It is not
// safe for concurrent use.
type Screen struct {
	cols, rows  int
	normal      buffer
	alt         buffer // its grid is made when it is first used
	cur         *buffer
	history     history
	styles      styles
	clusters    clusters
	sweepWait   int // characters of an unknown style to come before a sweep is tried again
	clusterWait int // and of unknown clusters

	x, y        int
	pending     bool // the cursor is beyond the last column: the next character begins a new row
	top, bottom int  // scroll region, [top,bottom)
	pen         style
	paint       cell // a blank in the pen's style: what a character is or-ed with
	blank       cell // a blank in the pen's background: what erasing leaves
	charset     charset
	origin      bool
	last        rune // the last character drawn, for REP; 0 is none
	tabs        []bool

	modes     Modes
	hidden    bool // the cursor
	shape     CursorShape
	blink     bool
	insert    bool
	noWrap    bool
	reverse   bool // backspace goes on to the row before (mode 45)
	title     string
	titles    []string // pushed ones
	palette   map[uint8]Colour
	sync      synchronized
	changed   uint64
	touched   bool // changed, and not counted yet
	answers   []byte
	parser    parser
	processed uint64 // bytes before this Write
	position  uint64 // of the control function that is carried out
}

// buffer is the normal or the alternate screen.
type buffer struct {
	grid
	saved saved
}

// saved is what DECSC keeps.
type saved struct {
	given   bool // something has been saved
	x, y    int
	pending bool
	pen     style
	charset charset
	origin  bool
}

// charset is which sets of characters are in G0-G3 and in use.
type charset struct {
	graphic [4]bool // DEC's line drawing; anything else is as ASCII
	active  uint8   // by SI and SO
	single  uint8   // by SS2 and SS3: for one character; 0 is none
}

// New makes a blank screen of cols x rows cells, with at most o.History lines
// of scrollback.
func New(cols, rows int, o Options) *Screen {
	s := &Screen{}
	s.cols, s.rows = bound(cols, rows)
	s.normal.grid = newGrid(s.cols, s.rows)
	s.cur = &s.normal
	s.history.limit = min(max(o.History, 0), maxHistory)
	s.styles = newStyles()
	s.begin(ground)
	s.reset()
	s.touched = false
	return s
}

func bound(cols, rows int) (int, int) {
	return min(max(cols, minCols), maxCols), min(max(rows, minRows), maxRows)
}

// reset is RIS: all but the history as at the beginning.
func (s *Screen) reset() {
	s.cur = &s.normal
	s.normal.clear(0, s.rows, 0)
	s.alt = buffer{}
	s.normal.saved = saved{}
	s.tabs = defaultTabs(s.cols)
	s.title, s.titles, s.palette = "", nil, nil
	s.hidden, s.shape, s.blink, s.reverse = false, CursorBlock, false, false
	s.modes = Modes{}
	s.sync.open = false
	s.softReset()
	s.x, s.y = 0, 0
	s.last = 0
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	s.hidden, s.insert, s.origin, s.noWrap = false, false, false, false
	s.modes.ApplicationCursor, s.modes.ApplicationKeypad = false, false
	s.top, s.bottom = 0, s.rows
	s.pen, s.charset = style{}, charset{}
	s.pending = false
	s.cur.saved = saved{}
	s.penChanged()
}

func defaultTabs(cols int) []bool {
	tabs := make([]bool, cols)
	for x := 8; x < cols; x += 8 {
		tabs[x] = true
	}
	return tabs
}

// Answers takes the answers to device queries that are pending: bytes that the
// program expects as input. There are at most maxAnswers of them; queries
// beyond go unanswered until they have been taken. Whoever writes old output
// to rebuild a screen throws them away: they were given in their time.
func (s *Screen) Answers() []byte {
	a := s.answers
	s.answers = nil
	return a
}

// Changed grows when what is visible changes. It may also grow when nothing
// does.
func (s *Screen) Changed() uint64 {
	if s.touched && !s.frozen() {
		s.touched = false
		s.changed++
	}
	return s.changed
}

// History gives the number of lines of scrollback kept.
func (s *Screen) History() int { return s.history.count }

// Lines gives the lines [from,to) of scrollback and screen together, of which
// there are History() and the screen's rows; 0 is the oldest kept. Bounds
// beyond are moved in. On the alternate screen it is the normal one that follows the
// scrollback.
func (s *Screen) Lines(from, to int) []Line {
	from, to = max(from, 0), min(to, s.history.count+s.rows)
	lines := make([]Line, 0, max(to-from, 0))
	for i := from; i < to; i++ {
		if i < s.history.count {
			lines = append(lines, s.historyLine(i))
			continue
		}
		y := i - s.history.count
		lines = append(lines, Line{Cells: s.rowCells(nil, &s.normal.grid, y), Wrapped: s.normal.row(y).wrapped})
	}
	return lines
}

func (s *Screen) historyLine(i int) Line {
	r := readRow(s.history.row(i))
	cells := make([]Cell, 0, r.columns)
	for {
		text, width, index, more := r.next()
		if !more {
			break
		}
		c := Cell{Text: string(text), Width: uint8(width), Style: s.styles.list[index].public()}
		cells = append(cells, c)
		if width == 2 {
			cells = append(cells, Cell{Style: c.Style})
		}
	}
	if fill := r.row.fill; fill != 0 {
		blank := s.cell(fill)
		for len(cells) < s.cols {
			cells = append(cells, blank)
		}
	}
	return Line{Cells: cells, Wrapped: r.row.wrapped}
}

// Marks gives the shell's marks (OSC 133) on the lines kept, oldest first.
// Those of one line come in the order D, A, B, C, in which shells set them.
func (s *Screen) Marks() []Mark {
	var marks []Mark
	add := func(line int, r row) {
		for _, kind := range []byte{'D', 'A', 'B', 'C'} {
			if r.marks&(1<<(kind-'A')) == 0 {
				continue
			}
			m := Mark{Line: line, Kind: kind}
			if kind == 'D' {
				m.Exit = int(r.exit)
			}
			marks = append(marks, m)
		}
	}
	line := 0
	s.history.each(func(encoded []byte) {
		if encoded[0]&codeMarks != 0 {
			add(line, readRow(encoded).row)
		}
		line++
	})
	for y := range s.rows {
		add(line+y, *s.normal.row(y))
	}
	return slices.Clip(marks)
}

// View gives a copy of what is visible now: while the program has a
// synchronized update open, the last complete frame.
func (s *Screen) View() View {
	v := View{Cols: s.cols, Rows: s.rows, Title: s.title, Modes: s.modes}
	for i, c := range s.palette {
		if v.Palette == nil {
			v.Palette = map[uint8]Colour{}
		}
		v.Palette[i] = c
	}
	g, alternate := &s.cur.grid, s.cur == &s.alt
	v.Cursor = s.cursor()
	if s.frozen() {
		g, alternate, v.Cursor = &s.sync.grid, s.sync.alternate, s.sync.cursor
	}
	v.Alternate = alternate
	v.Cells = make([]Cell, 0, s.cols*s.rows)
	v.Wrapped = make([]bool, s.rows)
	for y := range s.rows {
		v.Cells = s.rowCells(v.Cells, g, y)
		v.Wrapped[y] = g.row(y).wrapped
	}
	return v
}

// BeforeCursor gives the text of the cursor's row before it, and whether that is
// on the alternate screen.
func (s *Screen) BeforeCursor() (line string, alternate bool) {
	end := s.x
	if s.pending {
		end = s.cols
	}
	var b strings.Builder
	for _, c := range s.rowCells(nil, &s.cur.grid, s.y)[:end] {
		if c.Text == "" && c.Width > 0 {
			c.Text = " "
		}
		b.WriteString(c.Text)
	}
	return b.String(), s.cur == &s.alt
}

func (s *Screen) cursor() Cursor {
	return Cursor{Col: s.x, Row: s.y, Visible: !s.hidden, Shape: s.shape, Blink: s.blink}
}

// rowCells appends a whole row of a grid.
func (s *Screen) rowCells(cells []Cell, g *grid, y int) []Cell {
	r, line := g.row(y), g.line(y)
	known, look := cell(0), Style{}
	for x := range g.cols {
		c := r.fill
		if x < int(r.used) {
			c = line[x]
		}
		if c.style() != known.style() {
			known, look = c, s.styles.list[c.style()].public()
		}
		shown := Cell{Text: s.clusters.text(c), Width: 1, Style: look}
		if c&cellWide != 0 {
			shown.Width = 2
		} else if c&cellRight != 0 {
			shown.Width = 0
		}
		cells = append(cells, shown)
	}
	return cells
}

func (s *Screen) cell(c cell) Cell {
	return Cell{Text: s.clusters.text(c), Width: 1, Style: s.styles.list[c.style()].public()}
}
