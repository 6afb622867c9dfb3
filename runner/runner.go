// Package runner starts processes that outlive the daemon and keeps in touch
// with them. Each session's process belongs to a process of its own, the
// holder, that writes its output and its end to the session's folder; this
// package starts holders, talks to them, and finds them again after a restart.
// It knows a session's id and bot.Spec, never its chat or person.
//
// The folder is the record. It is named by the session's id below
// Options.Dir, and that it exists means that the session was started and must
// not be started again. What happens to a daemon or a holder, the folder tells
// how far things had come, see holder.Folder.
package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

// Options are how a Runner works.
type Options struct {
	// Dir is the folder of sessions; it is made if need be. Nobody else may
	// read it: it holds what people type and see.
	Dir string
	// Exe is the program that is executed as holder: one whose main calls
	// holder.Main. Empty is this one, even when its file was replaced since.
	Exe string
	// Logger takes what is of no use to a caller; nil is slog.Default.
	Logger *slog.Logger
	// Warm is how many idle holders are kept ready, 0 means 1; MaxWarm how
	// many may stay when there were more to do, 0 means 8.
	Warm, MaxWarm int
}

const (
	defaultWarm    = 1
	defaultMaxWarm = 8
	// removedPrefix begins the name of a folder that is being deleted.
	removedPrefix = ".removed-"
	// startTries is how many holders may die before a session is started.
	startTries = 3
	// releaseMost bounds how long Remove waits for a holder to let go.
	releaseMost = 5 * time.Second
	// maxRecent is how many sessions that are over are known without a look at
	// their folders: short ones are over before anybody asks.
	maxRecent = 64
)

// ErrClosed is what the methods return once the Runner is closed.
var ErrClosed = errors.New("runner is closed")

// Runner implements bot.Runner.
type Runner struct {
	dir  string
	log  *slog.Logger
	pool *pool

	closing chan struct{} // closed by Close
	tasks   sync.WaitGroup

	mu     sync.Mutex
	links  map[bot.SessionID]*link // the sessions that are not over, and
	recent []*link                 // those that just are, oldest first
	closed bool
}

// New makes a Runner. It starts nothing: Recover attaches to what there is.
func New(o Options) (*Runner, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Exe == "" {
		o.Exe = "/proc/self/exe"
	}
	if o.Warm <= 0 {
		o.Warm = defaultWarm
	}
	if o.MaxWarm <= 0 {
		o.MaxWarm = defaultMaxWarm
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open folder of sessions: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open folder of sessions: %w", err)
	}
	r := &Runner{dir: dir, log: o.Logger, closing: make(chan struct{}), links: make(map[bot.SessionID]*link)}
	r.pool = &pool{runner: r, exe: o.Exe, warm: o.Warm, max: max(o.Warm, o.MaxWarm), busy: make(map[*worker]time.Time)}
	r.clearRemoved()
	return r, nil
}

// Close lets go of everything: idle holders end, those with a session go on
// without us. It returns when nothing of this Runner is left running.
func (r *Runner) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	close(r.closing)
	for _, l := range r.links {
		l.hangUp()
	}
	r.mu.Unlock()
	r.pool.close()
	r.tasks.Wait()
	return nil
}

// spawn runs f until Close at the latest; f minds r.closing.
func (r *Runner) spawn(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.tasks.Go(f)
	}
}

// Start implements bot.Runner. When ctx ends before the holder has answered,
// the session may have been started all the same: Wait tells.
func (r *Runner) Start(ctx context.Context, id bot.SessionID, spec bot.Spec) error {
	if !valid(id) {
		return fmt.Errorf("start session %q: not a session's id", id)
	}
	var err error
	for range startTries {
		if err = r.try(ctx, id, spec); !errors.Is(err, errNotStarted) {
			return err
		}
		r.log.Warn("A holder died before it started a session", "session", id)
	}
	return fmt.Errorf("start session %s: %w", id, err)
}

// try asks one holder. Whoever learns that the session does not run forgets
// its link.
func (r *Runner) try(ctx context.Context, id bot.SessionID, spec bot.Spec) error {
	l, err := r.claim(id)
	if err != nil {
		return err
	}
	w, err := r.pool.take(ctx)
	if err != nil {
		r.forget(l)
		return fmt.Errorf("start session %s: %w", id, err)
	}
	answer := w.start(l, holder.NewStart(r.dir, l.id, spec))
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.closing:
		return ErrClosed
	}
}

// claim makes the link of a session that is about to be started.
func (r *Runner) claim(id bot.SessionID) (*link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if r.links[id] != nil {
		return nil, bot.ErrExists
	}
	l := newLink(id)
	r.links[id] = l
	return l, nil
}

// forget drops a link. From then on the folder speaks for the session.
func (r *Runner) forget(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.links[l.id] == l {
		delete(r.links, l.id)
	}
}

// retire drops the link of a session that is over, after a while.
func (r *Runner) retire(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recent = append(r.recent, l)
	if len(r.recent) > maxRecent {
		if oldest := r.recent[0]; r.links[oldest.id] == oldest {
			delete(r.links, oldest.id)
		}
		r.recent = slices.Delete(r.recent, 0, 1)
	}
}

// Wait implements bot.Runner. When ctx ends it returns the status as it is,
// with the error of ctx.
func (r *Runner) Wait(ctx context.Context, id bot.SessionID, seen int64) (bot.Status, error) {
	l, ended, err := r.find(id)
	if err != nil {
		return bot.Status{ID: id}, err
	}
	if l == nil {
		return ended, nil
	}
	hidden := l.known()
	for {
		status, changed := l.now()
		if status.Exited || status.End > seen || status.Hidden != hidden {
			if seen >= 0 {
				l.tell(status.Hidden)
			}
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

// Control implements bot.Runner. A signal that does not exist is a
// *bot.UserError.
func (r *Runner) Control(ctx context.Context, id bot.SessionID, c bot.Control) error {
	if c.Signal != "" {
		if _, err := holder.ParseSignal(c.Signal); err != nil {
			return err
		}
	}
	l, _, err := r.find(id)
	if err != nil {
		return err
	}
	if l == nil {
		return bot.ErrEnded
	}
	return r.order(ctx, l, holder.Order{ID: id, Control: c})
}

func (r *Runner) order(ctx context.Context, l *link, o holder.Order) error {
	_, err := r.ask(ctx, l, o)
	return err
}

// ask gives an order to the holder of a session and waits for its answer.
func (r *Runner) ask(ctx context.Context, l *link, o holder.Order) (*holder.Ack, error) {
	answer, err := l.send(ctx, r.closing, o)
	if err != nil {
		return nil, err
	}
	select {
	case ack := <-answer:
		if ack == nil {
			return nil, l.lostOrder()
		}
		return ack, ack.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.closing:
		return nil, ErrClosed
	}
}

// Journal implements bot.Runner.
func (r *Runner) Journal(id bot.SessionID) (bot.Journal, error) {
	if !valid(id) {
		return nil, bot.ErrNoSession
	}
	j, err := journal.Open(filepath.Join(r.dir, string(id)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, bot.ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	return j, nil
}

// Remove implements bot.Runner. Processes that a session has left behind lose
// their output; the session itself must have ended.
func (r *Runner) Remove(id bot.SessionID) error {
	l, _, err := r.find(id)
	if errors.Is(err, bot.ErrNoSession) {
		return nil
	}
	if err != nil {
		return err
	}
	if l != nil {
		if err := r.releaseOutput(l); err != nil {
			return fmt.Errorf("remove session %s: %w", id, err)
		}
		r.forget(l)
	}
	// A folder that is half deleted must not be taken for one half made.
	doomed := filepath.Join(r.dir, removedPrefix+string(id))
	if err := os.Rename(filepath.Join(r.dir, string(id)), doomed); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove session %s: %w", id, err)
	}
	return os.RemoveAll(doomed)
}

// releaseOutput has the holder of an ended session let go of its output.
func (r *Runner) releaseOutput(l *link) error {
	if status, _ := l.now(); !status.Exited {
		return errors.New("it has not ended")
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseMost)
	defer cancel()
	err := r.order(ctx, l, holder.Order{ID: l.id, Release: true})
	if err != nil && !errors.Is(err, bot.ErrEnded) {
		return err
	}
	select {
	case <-l.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// clearRemoved finishes what an earlier Remove did not.
func (r *Runner) clearRemoved() {
	entries, _ := os.ReadDir(r.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), removedPrefix) {
			os.RemoveAll(filepath.Join(r.dir, e.Name()))
		}
	}
}

// maxID is the number of digits of the longest id.
const maxID = 20

// valid reports whether id can be the name of a session's folder.
func valid(id bot.SessionID) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	return strings.Trim(string(id), "0123456789") == ""
}
