package runner

import (
	"errors"
	"sync"

	"chapi/bot"
	"chapi/runner/holder"
)

// worker is a connection to a holder: one that we executed and that takes one
// session after the other, or one found again that keeps to its session.
type worker struct {
	runner   *Runner
	conn     *holder.Conn
	identity holder.Identity
	pooled   bool
	uses     int // sessions so far

	mu      sync.Mutex
	link    *link      // its session; nil while idle
	begun   chan error // takes what came of the start; nil when that is known
	defunct bool       // the connection is gone
}

// errNotStarted: the holder died, and the session was certainly not started.
var errNotStarted = errors.New("the holder died")

// start asks an idle holder to start the session of l. The channel takes the
// answer: nil, the refusal, or errNotStarted.
func (w *worker) start(l *link, req *holder.Start) <-chan error {
	answer := make(chan error, 1)
	w.mu.Lock()
	if w.defunct {
		w.mu.Unlock()
		w.runner.forget(l)
		answer <- errNotStarted
		return answer
	}
	w.uses++
	w.link, w.begun = l, answer
	w.mu.Unlock()
	l.connect(w)
	err := w.conn.Send(holder.Message{Start: req})
	switch {
	case errors.Is(err, holder.ErrTooLong):
		w.refused(&bot.StartError{Text: "cannot run " + string(req.Spec.Argv[0]) + ": its arguments and environment are too long", Err: err})
	case err != nil:
		w.conn.Close() // listen sees to the rest
	}
	return answer
}

// listen takes what the holder says, until the connection ends.
func (w *worker) listen() {
	for {
		m, err := w.conn.Receive()
		if err != nil {
			break
		}
		w.take(m)
	}
	w.conn.Close()
	w.end()
}

func (w *worker) take(m holder.Message) {
	l := w.session()
	switch {
	case l == nil:
	case m.Begun != nil:
		if err := m.Begun.Err(); err != nil {
			w.refused(err)
		} else {
			w.answer(nil)
		}
	case m.Ack != nil:
		l.answer(m.Ack)
	case m.Status != nil && m.Status.ID == l.id:
		if m.Status.Done {
			w.finished(m.Status.Bot())
		} else {
			l.update(m.Status.Bot())
		}
	}
}

func (w *worker) session() *link {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.link
}

// answer tells the starter, once.
func (w *worker) answer(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.begun != nil {
		w.begun <- err
		w.begun = nil
	}
}

// refused is the end of a session that was not started. The worker is idle.
func (w *worker) refused(err error) {
	w.runner.forget(w.leave())
	w.answer(err)
	w.runner.pool.put(w)
}

// finished is the end of a session.
func (w *worker) finished(last bot.Status) {
	l := w.leave()
	l.finish(last)
	w.runner.retire(l)
	if w.pooled {
		w.runner.pool.put(w)
	} else {
		w.conn.Close()
	}
}

// leave takes the session from the worker.
func (w *worker) leave() *link {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.link
	w.link = nil
	return l
}

// end is called when the connection is gone.
func (w *worker) end() {
	w.mu.Lock()
	l := w.link
	starting := w.begun != nil
	w.link = nil
	w.defunct = true
	w.mu.Unlock()
	if w.pooled {
		w.runner.pool.lost(w)
	}
	if l == nil {
		return
	}
	l.disconnect()
	if w.runner.isClosed() {
		return
	}
	w.runner.log.Warn("Lost the connection to a holder", "session", l.id, "holder", w.identity.PID)
	if starting && w.runner.undo(l) {
		w.runner.forget(l)
		w.answer(errNotStarted)
		return
	}
	w.runner.reclaim(l)
	w.answer(nil)
}

func (r *Runner) isClosed() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}
