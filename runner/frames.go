package runner

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

// Frames implements bot.Footage.
func (r *Runner) Frames(id bot.SessionID) (bot.Journal, error) {
	if !valid(id) {
		return nil, bot.ErrNoSession
	}
	dir := holder.FramesDir(filepath.Join(r.dir, string(id)))
	j, err := journal.Open(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return j, err
	}
	if _, err := os.Stat(filepath.Dir(dir)); err != nil {
		return nil, bot.ErrNoSession
	}
	return nil, bot.ErrNoFrames
}

// WaitFrames implements bot.Footage. When ctx ends it returns the status as it
// is, with the error of ctx.
func (r *Runner) WaitFrames(ctx context.Context, id bot.SessionID, seen int64) (bot.Status, error) {
	l, ended, err := r.find(id)
	if err != nil {
		return bot.Status{ID: id}, err
	}
	if l == nil {
		ended.Frames = r.framesEnd(id)
		return ended, nil
	}
	for {
		status, changed := l.now()
		if status.Exited {
			// A holder that died has not told of the last.
			status.Frames = max(status.Frames, r.framesEnd(id))
		}
		if status.Exited || status.Frames > seen {
			return status, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return status, ctx.Err()
		case <-r.closing:
			return status, ErrClosed
		}
	}
}

// framesEnd is the length of the pictures as the folder shows it.
func (r *Runner) framesEnd(id bot.SessionID) int64 {
	j, err := r.Frames(id)
	if err != nil {
		return 0
	}
	defer j.Close()
	_, end := j.Extent()
	return end
}
