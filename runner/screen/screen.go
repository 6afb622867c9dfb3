package screen

// Options are a screen's choices.
type Options struct {
	History int // lines of scrollback kept at most; 0 is none
}

// Screen is a terminal's screen. It is not safe for concurrent use.
type Screen struct{}

// New makes a blank screen of cols x rows cells.
func New(cols, rows int, o Options) *Screen { return &Screen{} }

// Write draws p. It never fails, never blocks and keeps nothing of p.
func (s *Screen) Write(p []byte) (int, error) { return len(p), nil }

// Resize changes the size.
func (s *Screen) Resize(cols, rows int) {}

// Answers takes the pending answers to device queries.
func (s *Screen) Answers() []byte { return nil }

// View gives a copy of what is visible now.
func (s *Screen) View() View { return View{} }

// History gives the number of lines of scrollback kept.
func (s *Screen) History() int { return 0 }

// Lines gives scrollback and screen lines [from,to).
func (s *Screen) Lines(from, to int) []Line { return nil }

// Changed grows when what is visible changes.
func (s *Screen) Changed() uint64 { return 0 }

// Checkpoint encodes the whole state.
func (s *Screen) Checkpoint() []byte { return nil }

// Restore makes the screen of a checkpoint.
func Restore(b []byte) (*Screen, error) { return &Screen{}, nil }

// Marks gives the shell's marks, oldest first.
func (s *Screen) Marks() []Mark { return nil }
