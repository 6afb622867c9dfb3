package holder

import (
	"fmt"
	"math"
	"os"
	"sync"
	"time"

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
	// drawBurst is how long drawing may go on at the reader's expense after
	// quiet times.
	drawBurst = 50 * time.Millisecond
	// rushMost is how much output may come, beyond rushPace in bytes a second,
	// before it is taken for a flood, whose end is what will be seen.
	rushMost, rushPace = 256 << 10, 1 << 20
	// drawStep is how much of what is late is drawn before the program's output
	// is looked at again.
	drawStep = 32 << 10
)

// NewScreen is a blank screen for a terminal of a size, as a holder has it.
func NewScreen(size bot.Size) *screen.Screen {
	cols, rows := cells(size)
	return screen.New(cols, rows, screen.Options{History: historyLines})
}

// fit gives a screen the size of its terminal.
func fit(s *screen.Screen, size bot.Size) { s.Resize(cells(size)) }

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
// It works in the goroutine that reads the output, and takes at most half of
// its time: a program that prints faster is not slowed below half. What it has
// no time for it reads from the journal later, when the program has paused, and
// is late meanwhile. While a flood of lines goes on it only follows at a
// distance, passing over what will have scrolled away. Of output that is not
// kept for so long it sees the end.
type display struct {
	dir string
	log *journal.Log

	mu      sync.Mutex
	screen  *screen.Screen // nil once it has failed
	late    *Drawing       // of what there was no time for; nil when nothing is missing
	resized *bot.Size      // applied before the next output: only then it is in the journal
	credit  time.Duration  // time that may be spent on drawing
	rush    int64          // bytes that came faster than rushPace
	free    time.Time      // when the last drawing ended
	marks   checkpoints
}

func newDisplay(dir string, log *journal.Log, spec bot.Spec) *display {
	return &display{
		dir: dir, log: log, screen: NewScreen(spec.Size), credit: drawBurst, free: time.Now(),
		marks: newCheckpoints(dir, spec.Budget),
	}
}

// add takes output, which goes to the journal first, and returns what the
// terminal answers to it.
func (d *display) add(p []byte) (answers []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.log.End()
	d.log.Append(bot.Stdout, p)
	if d.screen == nil {
		return nil
	}
	defer d.survive()
	now := time.Now()
	idle := now.Sub(d.free)
	d.credit = min(d.credit+idle, drawBurst)
	d.rush = max(d.rush-int64(idle.Seconds()*rushPace), 0) + int64(len(p))
	defer func() {
		d.free = time.Now()
		d.credit -= d.free.Sub(now)
	}()
	switch {
	case d.late == nil && (d.credit <= 0 || d.rush > rushMost):
		d.late, _ = Draw(d.dir, d.screen, before)
		return nil
	case d.credit <= 0, d.late != nil && d.log.End()-d.late.Offset < skimBlock:
		return nil
	case d.late != nil:
		return d.step()
	}
	d.fit()
	d.screen.Write(p)
	d.keep(d.log.End())
	return d.screen.Answers()
}

// isLate reports whether something is missing.
func (d *display) isLate() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.late != nil && d.screen != nil
}

// catchUp draws some of what is missing.
func (d *display) catchUp() (answers []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late == nil || d.screen == nil {
		return nil
	}
	defer d.survive()
	return d.step()
}

// step draws some of the output that is missing, or passes over it; not when a
// checkpoint is due, for which the screen must be that of a moment. The lock is
// held, so none is added meanwhile.
func (d *display) step() (answers []byte) {
	if d.late.Offset >= d.late.Solid || !d.marks.due(d.late.Offset) {
		if skimmed, _ := d.late.Skim(d.log.End()); skimmed {
			return nil
		}
	}
	answers, drawn, err := d.late.Step(math.MaxInt64, drawStep)
	if drawn && d.late.Offset >= d.late.Solid {
		d.keep(d.late.Offset)
	}
	if !drawn || err != nil || d.late.Offset == d.log.End() {
		// A journal that cannot be read leaves a hole in what is shown.
		d.late.Close()
		d.late = nil
	}
	return answers
}

// keep writes a checkpoint when one is due after so much output.
func (d *display) keep(offset int64) {
	if d.marks.due(offset) {
		d.marks.write(Checkpoint{Offset: offset, State: d.screen.Checkpoint()}, d.log)
	}
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
		fit(d.screen, *d.resized)
		d.resized = nil
	}
}

// now is what is shown. ok is false while that is late, and when the emulator
// has failed: who asks is quicker with the journal.
func (d *display) now() (c Checkpoint, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screen == nil || d.late != nil {
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
		d.close()
		fmt.Fprintf(os.Stderr, "holder of %s: the screen is lost: %v\n", d.dir, fault)
	}
}

// close lets go of files. The lock is held, or nobody else is left.
func (d *display) close() {
	if d.late != nil {
		d.late.Close()
		d.late = nil
	}
}

// makeRoom gives the checkpoints up for what is needed more on a full disk.
func (d *display) makeRoom() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.marks.drop(func(int64) bool { return true })
}
