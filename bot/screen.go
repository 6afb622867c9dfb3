package bot

import "io"

// Window is what a session's terminal shows at one moment, with the secrets in
// it hidden. Renderer.Window makes it; it does not change, and it is safe for
// one goroutine.
type Window interface {
	Facts() WindowFacts
	// Text is the window as text, from a column on (0 = the first), with its
	// cursor in sight: what fits the size. Columns are exact. coloured is the
	// same for Span.Coloured.
	Text(size PageSize, from int) (plain, coloured string)
	// Picture writes the window as a PNG.
	Picture(w io.Writer) error
	// Lines are what has scrolled out of the window, as far as it is kept, and
	// then the window's own, without blanks at their ends. A line that was
	// wrapped is one.
	Lines() []string
	// PictureOf writes the lines [from,to) of Lines as a PNG; bounds beyond are
	// moved in.
	PictureOf(w io.Writer, from, to int) error
}

// WindowFacts are what else is to be known of a window.
type WindowFacts struct {
	Size Size
	// Title is what the program calls it; may be empty.
	Title string
	// Full is true while a program has taken the whole window over: what it
	// draws there are no lines that stay.
	Full bool
	// Print is the same for windows that look the same.
	Print uint64
	// Asks is what the program seems to wait for; Choices is how many numbers
	// there are to choose from, Yes and No are the words or letters to answer
	// with.
	Asks    Asking
	Choices int
	Yes, No string
	// ApplicationCursor says that arrow keys are to be sent in their application
	// form, Paste that pasted text is to be marked as such (DECCKM and
	// bracketed paste of xterm).
	ApplicationCursor, Paste bool
	// Command is the last command's output as a range of Lines, where the shell
	// marks it (OSC 133); empty when it does not.
	Command Range
}

// Asking is what a program waits for, as its window looks.
type Asking int

// What a program may wait for.
const (
	AsksNothing Asking = iota
	AsksYesNo
	AsksNumber // one of WindowFacts.Choices
	AsksAnyKey
	AsksPager // a pager shows a page of something
)

// ViewKind is how a terminal is shown in a chat.
type ViewKind string

// The views. Without a choice a terminal is shown as lines while it scrolls and
// as its window when a program takes that over.
const (
	ViewAuto    ViewKind = ""
	ViewLines   ViewKind = "lines"
	ViewText    ViewKind = "text"    // the window, as text
	ViewPicture ViewKind = "picture" // the window, as a picture
)
