package screen

// View is a copy of what is visible at one moment; the caller's to keep.
type View struct {
	Cols, Rows int
	Cells      []Cell // row-major, Cols*Rows of them
	Wrapped    []bool // by row: the row goes on in the next one (no line end between them)
	Cursor     Cursor
	Title      string // as the program set it; control characters removed, at most maxTitle bytes
	Modes      Modes
	Alternate  bool // the alternate screen, that of full-screen programs, is shown
	// Palette has the entries that the program has changed (OSC 4), and is
	// nil in nearly all cases.
	Palette map[uint8]Colour
}

// Row gives the cells of row y, counted from 0 at the top.
func (v View) Row(y int) []Cell { return v.Cells[y*v.Cols : (y+1)*v.Cols] }

// Text gives a row's text without its trailing blanks.
func (v View) Text(y int) string { return text(v.Row(y)) }

// Line is one row of the history or of the screen. Cells beyond the end of a
// row that was kept in the history are left out: a line may be shorter than
// the screen is wide.
type Line struct {
	Cells   []Cell
	Wrapped bool // goes on in the next line
}

// Text gives a line's text without its trailing blanks; of a wrapped line with
// them, so that the texts of a wrapped line and its successor can be joined.
func (l Line) Text() string {
	if !l.Wrapped {
		return text(l.Cells)
	}
	return whole(l.Cells)
}

// Cell is one column of one row.
type Cell struct {
	Text  string // a character with what combines with it; "" if blank or the right half of a wide one
	Width uint8  // columns: 1, 2, or 0 for the right half of a wide character
	Style Style
}

// Cursor is where the next character would be drawn.
type Cursor struct {
	Col, Row int // from 0
	Visible  bool
	Shape    CursorShape
	Blink    bool
}

// CursorShape is the form that the program has asked for.
type CursorShape uint8

// The cursor's shapes (DECSCUSR).
const (
	CursorBlock CursorShape = iota
	CursorUnderline
	CursorBar
)

// Modes are what decides how input must be encoded for the program, and a
// little of how the screen is drawn.
type Modes struct {
	ApplicationCursor bool // arrow keys are ESC O A, not ESC [ A (DECCKM)
	ApplicationKeypad bool // the number pad sends ESC O x (DECKPAM)
	BracketedPaste    bool // pasted text goes between ESC [ 200 ~ and ESC [ 201 ~
	NewLine           bool // Enter sends CR LF (LNM)
	FocusEvents       bool // ESC [ I and ESC [ O are wanted
	AlternateScroll   bool // the wheel sends arrow keys on the alternate screen
	ReverseScreen     bool // the whole screen is drawn reversed (DECSCNM)
	Mouse             MouseMode
	MouseEncoding     MouseEncoding
}

// MouseMode is which mouse events the program wants.
type MouseMode uint8

// The mouse modes.
const (
	MouseOff     MouseMode = iota
	MousePress             // presses only (9)
	MouseButtons           // presses and releases (1000)
	MouseDrag              // and motion while a button is held (1002)
	MouseMotion            // and any motion (1003)
)

// MouseEncoding is how mouse events are written.
type MouseEncoding uint8

// The mouse encodings.
const (
	MouseX10    MouseEncoding = iota // ESC [ M and three bytes
	MouseUTF8                        // the same with UTF-8 (1005)
	MouseSGR                         // ESC [ < b ; x ; y M or m (1006)
	MouseURXVT                       // ESC [ b ; x ; y M (1015)
	MousePixels                      // as SGR in pixels (1016); we have none: columns and rows are as good
)

// Mark is a place in the output that the shell has told us of (OSC 133).
type Mark struct {
	Line int  // as in Lines: 0 is the oldest line kept
	Kind byte // 'A' prompt begins, 'B' command line begins, 'C' output begins, 'D' command ended
	Exit int  // of a 'D': the exit status, or -1 if the shell did not tell
}

func text(cells []Cell) string {
	end := len(cells)
	for end > 0 && (cells[end-1].Text == "" || cells[end-1].Text == " ") && cells[end-1].Width == 1 {
		end--
	}
	return whole(cells[:end])
}

func whole(cells []Cell) string {
	b := make([]byte, 0, len(cells))
	for _, c := range cells {
		switch {
		case c.Width == 0:
		case c.Text == "":
			b = append(b, ' ')
		default:
			b = append(b, c.Text...)
		}
	}
	return string(b)
}
