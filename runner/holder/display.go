package holder

import (
	"fmt"
	"os"
	"sync"

	"chapi/bot"
	"chapi/runner/journal"
	"chapi/runner/screen"
)

const (
	// historyLines is how many lines that have left the screen are kept. They
	// are what an idle session costs most, beside the program itself.
	historyLines = 1000
	// usualCols and usualRows are the size of a terminal that was given none.
	usualCols, usualRows = 80, 24
)

// NewScreen is a blank screen for a terminal of a size, as a holder has it.
func NewScreen(size bot.Size) *screen.Screen {
	cols, rows := cells(size)
	return screen.New(cols, rows, screen.Options{History: historyLines})
}

// Fit gives a screen the size of its terminal.
func Fit(s *screen.Screen, size bot.Size) { s.Resize(cells(size)) }

func cells(size bot.Size) (cols, rows int) {
	if size.Cols == 0 || size.Rows == 0 {
		return usualCols, usualRows
	}
	return int(size.Cols), int(size.Rows) // a screen bounds them
}

// display is what a session's terminal shows. Its emulator sees the output
// right behind the journal and in the same order with the changes of size, so
// that the screen can be made again from the journal.
//
// It works in the goroutine that reads the output: a terminal's output comes
// through the kernel a line at a time, which takes many times as long.
type display struct {
	dir string
	log *journal.Log

	mu      sync.Mutex
	screen  *screen.Screen // nil once it has failed
	resized *bot.Size      // applied before the next output: only then it is in the journal
	marks   checkpoints
}

func newDisplay(dir string, log *journal.Log, spec bot.Spec) *display {
	return &display{dir: dir, log: log, screen: NewScreen(spec.Size), marks: newCheckpoints(dir, spec.Budget)}
}

// add takes output, which goes to the journal first, and returns what the
// terminal answers to it.
func (d *display) add(p []byte) (answers []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Append(bot.Stdout, p)
	if d.screen == nil {
		return nil
	}
	defer d.survive()
	d.fit()
	d.screen.Write(p)
	answers = d.screen.Answers()
	if end := d.log.End(); d.marks.due(end) {
		d.marks.write(Checkpoint{Offset: end, State: d.screen.Checkpoint()}, d.log)
	}
	return answers
}

// resize notes the terminal's size for what follows, in the journal too.
func (d *display) resize(size bot.Size) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.Resize(size)
	d.resized = &size
}

// fit applies the last change of size. The lock is held.
func (d *display) fit() {
	if d.resized != nil {
		Fit(d.screen, *d.resized)
		d.resized = nil
	}
}

// now is what is shown. ok is false when the emulator has failed.
func (d *display) now() (c Checkpoint, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screen == nil {
		return Checkpoint{}, false
	}
	defer d.survive()
	d.fit()
	return Checkpoint{Offset: d.log.End(), State: d.screen.Checkpoint()}, true
}

// survive gives the emulator up when it panics: the session goes on without.
// The lock is held.
func (d *display) survive() {
	if fault := recover(); fault != nil {
		d.screen = nil
		fmt.Fprintf(os.Stderr, "holder of %s: the screen is lost: %v\n", d.dir, fault)
	}
}

// makeRoom gives the checkpoints up for what is needed more on a full disk.
func (d *display) makeRoom() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.marks.drop(func(int64) bool { return true })
}
