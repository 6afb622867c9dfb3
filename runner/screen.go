package runner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/screen"
)

const (
	// screenMost bounds how long a holder may take to tell what its terminal
	// shows before that is made from the journal.
	screenMost = 2 * time.Second
	// drawBlock is how much output is drawn at a time.
	drawBlock = 64 << 10
)

// Screen implements bot.Runner. A live holder is asked; without one, or with
// one that cannot tell, the screen is made from the checkpoints and the journal
// in the folder.
func (r *Runner) Screen(ctx context.Context, id bot.SessionID) (state []byte, offset int64, err error) {
	f, err := r.terminal(id)
	if err != nil {
		return nil, 0, err
	}
	if f.Exit == nil || f.Exit.Open {
		ack, err := r.askScreen(ctx, id)
		switch {
		case ctx.Err() != nil || errors.Is(err, ErrClosed):
			return nil, 0, err
		case err == nil && readable(ack.Screen):
			return ack.Screen, ack.Offset, nil
		}
	}
	return draw(ctx, f, math.MaxInt64)
}

// ScreenAt implements bot.Runner.
func (r *Runner) ScreenAt(ctx context.Context, id bot.SessionID, at int64) (state []byte, offset int64, err error) {
	f, err := r.terminal(id)
	if err != nil {
		return nil, 0, err
	}
	return draw(ctx, f, max(at, 0))
}

// terminal is the folder of a session that has a terminal.
func (r *Runner) terminal(id bot.SessionID) (holder.Folder, error) {
	if r.isClosed() {
		return holder.Folder{}, ErrClosed
	}
	if !valid(id) {
		return holder.Folder{}, bot.ErrNoSession
	}
	f, err := holder.ReadFolder(r.dir, id)
	if err == nil && !f.Spec.PTY {
		err = bot.ErrNoTerminal
	}
	return f, err
}

func (r *Runner) askScreen(ctx context.Context, id bot.SessionID) (*holder.Ack, error) {
	l, _, err := r.find(id)
	if err != nil {
		return nil, err
	}
	if l == nil {
		return nil, bot.ErrEnded
	}
	limited, cancel := context.WithTimeout(ctx, screenMost)
	defer cancel()
	return r.ask(limited, l, holder.Order{ID: id, Screen: true})
}

// readable reports whether a state is one of this version: a holder may be of an
// earlier one.
func readable(state []byte) bool {
	_, err := screen.Restore(state)
	return err == nil
}

// draw makes the screen of a session as it was after at bytes of its output, or
// at the end of what there is: from the last checkpoint before, and from the
// output since, with the sizes that the terminal had.
func draw(ctx context.Context, f holder.Folder, at int64) (state []byte, offset int64, err error) {
	defer func() {
		// The emulator is fed with what any program prints.
		if fault := recover(); fault != nil {
			err = fmt.Errorf("draw the screen of session %s: %v", f.ID, fault)
		}
	}()
	s, offset := begin(f, at)
	d, err := holder.Draw(f.Dir, s, offset)
	if err != nil {
		return nil, 0, fmt.Errorf("screen of session %s: %w", f.ID, err)
	}
	defer d.Close()
	for more := true; more && ctx.Err() == nil; {
		if _, err = d.Skim(at); err == nil {
			_, more, err = d.Step(at, drawBlock)
		}
		if err != nil {
			return nil, 0, fmt.Errorf("screen of session %s: %w", f.ID, err)
		}
	}
	return s.Checkpoint(), d.Offset, ctx.Err()
}

// begin is the last sound checkpoint, or a blank screen.
func begin(f holder.Folder, most int64) (s *screen.Screen, offset int64) {
	for c := range holder.Checkpoints(f.Dir, most) {
		if s, err := screen.Restore(c.State); err == nil {
			return s, c.Offset
		}
	}
	return holder.NewScreen(f.Spec.Size), 0
}
