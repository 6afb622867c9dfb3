package runner

import (
	"context"
	"fmt"
	"sync"

	"chapi/bot"
	"chapi/runner/holder"
)

// link is a session that is not over, as its holder tells of it. Its worker
// changes while its connection is lost and found again.
type link struct {
	id   bot.SessionID
	over chan struct{} // closed when nothing more will come

	mu      sync.Mutex
	worker  *worker // nil while there is no connection
	holder  holder.Identity
	status  bot.Status
	told    bool          // the status.Hidden that the last who waited was told
	changed chan struct{} // closed and replaced at every change
	ended   bool          // over is closed
	seq     uint64
	answers map[uint64]chan *holder.Ack
}

func newLink(id bot.SessionID) *link {
	return &link{
		id: id, over: make(chan struct{}), changed: make(chan struct{}),
		status: bot.Status{ID: id}, answers: make(map[uint64]chan *holder.Ack),
	}
}

// now is the status, and what is closed when it changes.
func (l *link) now() (bot.Status, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status, l.changed
}

// known is the status.Hidden that who begins to wait is taken to know, and tell
// notes the one that was told.
func (l *link) known() (hidden bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func (l *link) tell(hidden bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = hidden
}

// connect ties the link to the worker that is its holder.
func (l *link) connect(w *worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worker = w
	l.holder = w.identity
	l.change()
}

// disconnect unties it. Orders that were not answered will not be.
func (l *link) disconnect() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.worker = nil
	for seq, answer := range l.answers {
		delete(l.answers, seq)
		answer <- nil
	}
	l.change()
}

// hangUp closes the connection, which ends the worker.
func (l *link) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.worker != nil {
		l.worker.conn.Close()
	}
}

// update takes a status from the holder. The output never shrinks.
func (l *link) update(s bot.Status) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.End = max(s.End, l.status.End)
	l.status = s
	l.change()
}

// finish takes the last status.
func (l *link) finish(s bot.Status) {
	l.update(s)
	l.disconnect()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.ended {
		l.ended = true
		close(l.over)
	}
}

// change wakes who waits. The lock is held.
func (l *link) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// send gives an order to the holder, once there is a connection to it. The
// answer is nil when the connection was lost before there was one.
func (l *link) send(ctx context.Context, closing <-chan struct{}, o holder.Order) (<-chan *holder.Ack, error) {
	for {
		w, answer, changed, err := l.prepare(&o)
		if err != nil {
			return nil, err
		}
		if w != nil {
			if w.conn.Send(holder.Message{Order: &o}) != nil {
				// The worker notices too, and answers with nil.
				w.conn.Close()
			}
			return answer, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-closing:
			return nil, ErrClosed
		}
	}
}

// prepare numbers an order, if there is a connection for it now.
func (l *link) prepare(o *holder.Order) (w *worker, answer chan *holder.Ack, changed <-chan struct{}, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, nil, nil, bot.ErrEnded
	}
	if l.worker == nil {
		return nil, nil, l.changed, nil
	}
	l.seq++
	o.Seq = l.seq
	answer = make(chan *holder.Ack, 1)
	l.answers[o.Seq] = answer
	return l.worker, answer, nil, nil
}

func (l *link) answer(a *holder.Ack) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if answer := l.answers[a.Seq]; answer != nil {
		delete(l.answers, a.Seq)
		answer <- a
	}
}

// lostOrder is the error of an order of which nobody knows whether it arrived.
func (l *link) lostOrder() error {
	if status, _ := l.now(); status.Exited {
		return bot.ErrEnded
	}
	return fmt.Errorf("control session %s: lost its holder in the middle of it", l.id)
}
