package discord

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// lockRetry is how often a taken lock is tried again.
const lockRetry = 500 * time.Millisecond

// lock makes this process the only one on the machine that listens for the bot
// with this state folder: two would both be told everything. It waits while
// another process has the lock, such as one that is being replaced and still
// says its last words; the kernel frees the lock of a process that was killed.
// It returns without error, and without the lock, when ctx ends first.
func (a *Adapter) lock(ctx context.Context) (unlock func(), err error) {
	if a.cfg.StateDir == "" {
		return func() {}, nil
	}
	path := filepath.Join(a.cfg.StateDir, fmt.Sprintf("discord-%d.lock", a.botID))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		// A lock needs no space, and a full or read-only disk is to be told by
		// the inbox: go on without.
		a.log.Warn("no lock file: a second process with this token would not be noticed", "err", err)
		return func() {}, nil
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if a.standing.set(false, "another process of this machine listens for the same bot: stop it") {
			a.log.Warn("waiting for the lock", "path", path)
		}
		if !sleep(ctx, lockRetry) {
			f.Close()
			return func() {}, nil
		}
	}
}
