package bot

import (
	"context"
	"fmt"
	"time"
)

// branchTime bounds the opening of a thread.
const branchTime = 10 * time.Second

// branch has a session whose output is longer than a page go on in a thread of
// its own, at the message that asked for it, on networks where that is the
// custom (Limits.Branch). What is written there is its input. Where no thread
// can be opened it goes on where it is.
func (w *watcher) branch(ctx context.Context) error {
	s := &w.session
	opener, ok := w.s.Deliver.Adapter(s.Thread.Adapter).(ThreadOpener)
	if !ok || !w.lim.Branch || s.Interactive || s.Claim.Direct || s.Thread != s.Claim.Thread || s.Thread.Topic != "" || s.Root == "" {
		return nil
	}
	opening, cancel := context.WithTimeout(ctx, branchTime)
	defer cancel()
	th, err := opener.OpenThread(opening, s.Thread.Room(), clip(s.Title, 60)+" · "+string(s.ID), s.Root)
	if err != nil {
		w.s.Logger.Info("no thread for a long session; it goes on in the chat", "session", s.ID, "err", err)
		return nil
	}
	if err := w.s.Store.Move(ctx, s.ID, th, "", s.Progress); err != nil {
		return fmt.Errorf("move session %s into a thread: %w", s.ID, err)
	}
	if err := w.s.Store.Set(ctx, th.String(), foreground, string(s.ID)); err != nil {
		return fmt.Errorf("note the foreground session: %w", err)
	}
	w.s.mu.Lock() // others look where sessions live
	s.Thread, s.Root = th, ""
	w.s.mu.Unlock()
	w.lim = w.s.Deliver.Limits(th)
	return nil
}
