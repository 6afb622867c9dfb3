package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

const (
	// greetMost bounds how long a holder may take to answer.
	greetMost = 2 * time.Second
	// settleMost is how long a holder that lives but cannot be reached is
	// waited for: it may be about to begin or to end its session.
	settleMost = 3 * time.Second
	// settlePause and retryPause are the times between looks, before and after
	// that.
	settlePause = 10 * time.Millisecond
	retryPause  = time.Second
	// recoverers is how many sessions are looked at at once.
	recoverers = 8
)

// Recover implements bot.Runner. The statuses are in order of id. A session
// whose holder lives but does not answer is listed as running, and reached as
// soon as it does.
func (r *Runner) Recover(ctx context.Context) ([]bot.Status, error) {
	r.pool.mu.Lock()
	r.pool.tend()
	r.pool.mu.Unlock()
	ids, err := sessions(r.dir)
	if err != nil {
		return nil, err
	}
	found := make([]*bot.Status, len(ids))
	failed := make([]error, len(ids))
	var all sync.WaitGroup
	slots := make(chan struct{}, recoverers)
	for i, id := range ids {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			status, err := r.look(ctx, id)
			switch {
			case err == nil:
				found[i] = &status
			case !errors.Is(err, bot.ErrNoSession):
				failed[i] = fmt.Errorf("recover session %s: %w", id, err)
			}
		})
	}
	all.Wait()
	var statuses []bot.Status
	for _, s := range found {
		if s != nil {
			statuses = append(statuses, *s)
		}
	}
	return statuses, errors.Join(failed...)
}

// look is the status of a session that may be anywhere between its start and
// long after its end, attached to if it lives.
func (r *Runner) look(ctx context.Context, id bot.SessionID) (bot.Status, error) {
	l, ended, err := r.find(id)
	if err != nil || l == nil {
		return ended, err
	}
	limit := time.NewTimer(settleMost)
	defer limit.Stop()
	for {
		status, changed := l.now()
		if status.Exited || l.connected() {
			return status, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			return status, nil
		case <-ctx.Done():
			return status, ctx.Err()
		case <-r.closing:
			return status, ErrClosed
		}
	}
}

func (l *link) connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worker != nil
}

// find is the link of a session that is not over, or else its last status. One
// that is not known yet is looked for from then on.
func (r *Runner) find(id bot.SessionID) (*link, bot.Status, error) {
	if !valid(id) {
		return nil, bot.Status{}, bot.ErrNoSession
	}
	r.mu.Lock()
	l, closed := r.links[id], r.closed
	r.mu.Unlock()
	switch {
	case closed:
		return nil, bot.Status{}, ErrClosed
	case l != nil:
		return l, bot.Status{}, nil
	}
	f, err := holder.ReadFolder(r.dir, id)
	if err != nil {
		return nil, bot.Status{}, err
	}
	if f.Exit != nil && !(f.Exit.Open && f.Holder.Alive()) {
		return nil, lastStatus(f), nil
	}
	l, err = r.claim(id)
	if errors.Is(err, bot.ErrExists) {
		return r.find(id) // another was quicker
	}
	if err != nil {
		return nil, bot.Status{}, err
	}
	r.reclaim(l)
	return l, bot.Status{}, nil
}

func lastStatus(f holder.Folder) bot.Status {
	exit := *f.Exit
	return bot.Status{ID: f.ID, End: f.End, Exited: true, Exit: exit}
}

// reclaim connects a link to the holder of its session again, or finds out how
// the session ended. It returns at once.
func (r *Runner) reclaim(l *link) {
	r.spawn(func() {
		began := time.Now()
		for !r.settle(l) {
			pause := settlePause
			if time.Since(began) > settleMost {
				pause = retryPause
			}
			select {
			case <-time.After(pause):
			case <-r.closing:
				return
			}
		}
	})
}

// settle tries once. It reports whether the link is connected or over.
func (r *Runner) settle(l *link) bool {
	f, err := holder.ReadFolder(r.dir, l.id)
	if errors.Is(err, bot.ErrNoSession) {
		r.over(l, bot.Status{ID: l.id, Exited: true, Exit: lost("its folder is gone")})
		return true
	}
	if err != nil {
		r.log.Error("Cannot read the folder of a session", "session", l.id, "err", err)
		return false
	}
	alive := r.alive(l, f)
	switch {
	case f.Exit != nil && (!f.Exit.Open || !alive):
		r.over(l, lastStatus(f))
		return true
	case r.attach(l, f):
		return true
	case alive:
		return false
	}
	return r.bury(l)
}

// alive reports whether the session's holder lives.
func (r *Runner) alive(l *link, f holder.Folder) bool {
	if f.Prepared {
		return f.Holder.Alive()
	}
	l.mu.Lock()
	known := l.holder
	l.mu.Unlock()
	if known.PID != 0 {
		return known.Alive()
	}
	// A folder that was made a moment ago is being filled.
	info, err := os.Stat(f.Dir)
	return err == nil && time.Since(info.ModTime()).Abs() < settleMost
}

// attach connects to the holder's socket.
func (r *Runner) attach(l *link, f holder.Folder) bool {
	conn, err := holder.Dial(f.Dir)
	if err != nil {
		return false
	}
	hello, err := conn.Greet(greetMost)
	if err != nil || hello.Status == nil || hello.Status.ID != l.id {
		conn.Close()
		return false
	}
	w := &worker{runner: r, conn: conn, identity: hello.Holder, link: l}
	l.update(hello.Status.Bot())
	l.connect(w)
	if r.isClosed() {
		conn.Close()
	}
	r.spawn(w.listen)
	return true
}

// bury records the end of a session whose holder is dead.
func (r *Runner) bury(l *link) bool {
	// The holder may have recorded the end just before it died.
	f, err := holder.ReadFolder(r.dir, l.id)
	if err != nil {
		return false
	}
	if f.Exit == nil {
		f.KillLeft()
		exit := lost(epitaph(f))
		f.Exit, f.End = &exit, length(f.Dir)
		if err := holder.WriteExit(f.Dir, exit, f.End); err != nil {
			r.log.Error("Cannot record the end of a session", "session", l.id, "err", err)
		}
	}
	r.over(l, lastStatus(f))
	return true
}

// epitaph is why a session is lost.
func epitaph(f holder.Folder) string {
	switch {
	case !f.Prepared:
		return "it was never started: its holder died first"
	case !f.Holder.SameBoot():
		return "the machine went down while it ran"
	case f.Process.PID == 0:
		return "its holder died as it was being started; it may not have run"
	default:
		return "its holder died; what was left of it was killed"
	}
}

func lost(detail string) bot.Exit {
	return bot.Exit{Code: -1, Reason: bot.Lost, Detail: detail, At: time.Now().UTC()}
}

// length is the length of a journal that nobody writes.
func length(dir string) int64 {
	j, err := journal.Open(dir)
	if err != nil {
		return 0
	}
	defer j.Close()
	_, end := j.Extent()
	return end
}

// over gives a link its last status.
func (r *Runner) over(l *link, last bot.Status) {
	r.forget(l)
	l.finish(last)
}

// undo makes a start that a holder's death cut short undone, if nothing can
// have been started yet.
func (r *Runner) undo(l *link) bool {
	l.mu.Lock()
	known := l.holder
	l.mu.Unlock()
	for known.Alive() {
		select {
		case <-time.After(settlePause):
		case <-r.closing:
			return false
		}
	}
	f, err := holder.ReadFolder(r.dir, l.id)
	if errors.Is(err, bot.ErrNoSession) {
		return true
	}
	return err == nil && !f.Prepared && f.Process.PID == 0 && os.RemoveAll(f.Dir) == nil
}

// sessions is the ids of the folders there are, in order.
func sessions(dir string) ([]bot.SessionID, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	var ids []bot.SessionID
	for _, e := range entries {
		if id := bot.SessionID(e.Name()); e.IsDir() && valid(id) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, byNumber)
	return ids, nil
}

// byNumber orders ids, which have no leading zeroes, by their numbers.
func byNumber(a, b bot.SessionID) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return cmp.Compare(a, b)
}
