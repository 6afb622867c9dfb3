package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

// ReplayOptions are how to play a session.
type ReplayOptions struct {
	// Speed is how many times as fast as it was; 0 means 1.
	Speed float64
	// Idle is what a longer time without output is cut to, before Speed
	// applies; 0 leaves it.
	Idle time.Duration
}

// answerMost is how long what the terminal answers to old questions of the
// program may be under way.
const answerMost = 50 * time.Millisecond

// asBefore puts back what a program may have left changed when it is cut off in
// the middle: it ends colours and links, hidden cursor, mouse and paste modes,
// margins, character sets and the alternate screen (xterm's ctlseqs, DECSTR and
// DECRST).
const asBefore = "\x1b[?1049l\x1b[!p\x1b[?1000;1002;1003;1006;1004;2004;2026l\x1b[?7;25h\x1b>\x1b(B\x0f\x1b]8;;\x1b\\\x1b[0m\r\n"

// Replay shows the output of a session, live or ended, on out as it came in
// time, until its end (nil) or that of ctx, which it returns the error of. in is
// the terminal that out shows on, if it is one: what is typed meanwhile, and
// what the terminal answers, is dropped; signals are the caller's. The terminal
// is put back before it returns.
//
// The time is known to some hundredths of a second for sessions with a terminal
// and to a second for others. The error is bot.ErrNoSession without one.
func Replay(ctx context.Context, dir string, id bot.SessionID, in, out *os.File, o ReplayOptions) error {
	if !valid(id) {
		return bot.ErrNoSession
	}
	f, err := holder.ReadFolder(dir, id)
	if err != nil {
		return err
	}
	output, err := journal.Open(f.Dir)
	if err != nil {
		return fmt.Errorf("replay session %s: %w", id, err)
	}
	defer output.Close()
	if o.Speed <= 0 {
		o.Speed = 1
	}
	restore, err := quiet(in, out, f.Spec.PTY)
	if err != nil {
		return fmt.Errorf("replay session %s: %w", id, err)
	}
	defer restore()
	p := &player{desk: desk{folder: f, output: output, out: out}, o: o}
	return p.run(ctx)
}

// player shows output in time.
type player struct {
	desk
	o    ReplayOptions
	last time.Time // of the mark that was passed last
}

func (p *player) run(ctx context.Context) error {
	var failed error
	_, end := p.output.Extent()
	err := p.output.Marks(0, func(m bot.Mark) bool {
		if m.Time.IsZero() {
			return true
		}
		// What stands before the mark came at the time of the mark before.
		if failed = p.showUntil(ctx, m.At); failed == nil {
			failed = p.pause(ctx, m.Time)
		}
		return failed == nil
	})
	if failed == nil && err == nil {
		failed = p.showUntil(ctx, end)
	}
	return errors.Join(failed, err)
}

// pause lets the time pass until t.
func (p *player) pause(ctx context.Context, t time.Time) error {
	last := p.last
	p.last = t
	wait := t.Sub(last)
	if last.IsZero() || wait <= 0 {
		return ctx.Err()
	}
	if p.o.Idle > 0 {
		wait = min(wait, p.o.Idle)
	}
	timer := time.NewTimer(time.Duration(float64(wait) / p.o.Speed))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// showUntil writes the output before an offset.
func (p *player) showUntil(ctx context.Context, end int64) error {
	for p.next < end {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		chunk, err := p.output.Next(p.next, int(min(deskBlock, end-p.next)))
		if err != nil {
			return err
		}
		if len(chunk.Data) == 0 || chunk.From >= end {
			p.next = end
			return nil
		}
		piece := chunk.Data[:min(int64(len(chunk.Data)), end-chunk.From)]
		if _, err := p.out.Write(piece); err != nil {
			return fmt.Errorf("show session %s: %w", p.folder.ID, err)
		}
		p.next = chunk.From + int64(len(piece))
	}
	return nil
}

// quiet makes a terminal show output as it is, and nothing that is typed.
func quiet(in, out *os.File, raw bool) (restore func(), err error) {
	fd := int(in.Fd())
	if !term.IsTerminal(fd) || !term.IsTerminal(int(out.Fd())) {
		return func() {}, nil
	}
	was, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	mode := *was
	mode.Lflag &^= unix.ECHO | unix.ICANON
	if raw {
		// Line feeds became what they are when they were recorded.
		mode.Oflag &^= unix.OPOST
	}
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &mode); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() {
		out.WriteString(asBefore)
		time.Sleep(answerMost)
		unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH)
		unix.IoctlSetTermios(fd, unix.TCSETS, was)
	}), nil
}
