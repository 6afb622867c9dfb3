package storage

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
)

const (
	// queueLen is how many operations may wait; more block their callers.
	queueLen = 128
	// groupMax is how many operations are committed at once. It bounds how
	// long the first of them waits for the others.
	groupMax = 64
)

// writer runs operations one after another on the connection that writes. It
// commits those that have gathered while it was busy in one transaction: the
// sync, which takes milliseconds, is shared.
type writer struct {
	conn  *sql.Conn
	tx    tx
	queue chan *operation // never closed: callers may come at any time

	stopOnce sync.Once
	stopping chan struct{} // closed by stop
	stopped  chan struct{} // closed by the goroutine when it is through
	closeErr error         // set before stopped is closed

	// full is whether commits are synced now: PRAGMA synchronous is FULL, as
	// opposed to NORMAL, under which a commit survives the death of the
	// process but perhaps not a power cut. Neither can corrupt the database.
	full bool
}

// operation is one change, all or nothing.
type operation struct {
	// run may be called more than once, and must then begin from scratch.
	run    func(tx) error
	synced bool
	state  atomic.Int32 // waiting, taken or withdrawn
	err    error
	done   chan error // gets err once; has room for it
}

const (
	waiting int32 = iota
	taken
	withdrawn
)

// startWriter takes over conn, whose commits are synced.
func startWriter(ctx context.Context, conn *sql.Conn) *writer {
	w := &writer{
		conn:     conn,
		queue:    make(chan *operation, queueLen),
		stopping: make(chan struct{}),
		stopped:  make(chan struct{}),
		full:     true,
	}
	w.tx = tx{view{ctx: ctx, statements: &statements{from: conn, known: make(map[string]*sql.Stmt)}}}
	go w.loop()
	return w
}

// do runs an operation in a transaction and returns when it is committed: with
// synced, when it would survive a power cut. An error means that it changed
// nothing; so does the end of ctx, which is heeded until the operation is taken
// up.
func (w *writer) do(ctx context.Context, synced bool, run func(tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	op := &operation{run: run, synced: synced, done: make(chan error, 1)}
	select {
	case w.queue <- op:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopping:
		return ErrClosed
	}
	select {
	case err := <-op.done:
		return err
	case <-ctx.Done():
		if op.state.CompareAndSwap(waiting, withdrawn) {
			return ctx.Err()
		}
		return <-op.done
	case <-w.stopped:
		// It was queued while the writer was leaving. Either it was answered,
		// or nobody will ever take it.
		select {
		case err := <-op.done:
			return err
		default:
			return ErrClosed
		}
	}
}

// stop lets the writer finish what is queued and gives the connection back.
func (w *writer) stop() error {
	w.stopOnce.Do(func() { close(w.stopping) })
	<-w.stopped
	return w.closeErr
}

func (w *writer) loop() {
	defer close(w.stopped)
	group := make([]*operation, 0, groupMax)
	for {
		select {
		case op := <-w.queue:
			group = w.gather(append(group[:0], op))
		case <-w.stopping:
			group = w.gather(group[:0])
			if len(group) == 0 {
				w.closeErr = errors.Join(w.tx.statements.close(), w.conn.Close())
				return
			}
		}
		w.commit(takeUp(group))
		clear(group) // what was answered may be freed
	}
}

// gather adds what is queued now to the group, as far as there is room.
func (w *writer) gather(group []*operation) []*operation {
	for len(group) < groupMax {
		select {
		case op := <-w.queue:
			group = append(group, op)
		default:
			return group
		}
	}
	return group
}

// takeUp is the operations of the group that were not withdrawn. From here on
// each is answered exactly once.
func takeUp(group []*operation) []*operation {
	kept := group[:0]
	for _, op := range group {
		if op.state.CompareAndSwap(waiting, taken) {
			kept = append(kept, op)
		}
	}
	return kept
}

// commit runs the group in one transaction and answers everybody in it.
func (w *writer) commit(group []*operation) {
	if len(group) == 0 {
		return
	}
	ended, err := w.transact(group)
	if ended {
		// SQLite has undone the whole transaction because one operation failed
		// badly. Each gets one of its own, so that it fails alone.
		for i := range group {
			if _, err := w.transact(group[i : i+1]); err != nil {
				group[i].err = err
			}
		}
	}
	for _, op := range group {
		if err != nil && op.err == nil {
			op.err = err
		}
		op.done <- fault(op.err)
	}
}

// transact runs the group in one transaction, each operation in a savepoint of
// its own, and leaves in each what became of it. An error holds for all that
// have none themselves. ended is true when the transaction ended early and has
// to be repeated in parts.
func (w *writer) transact(group []*operation) (ended bool, err error) {
	if err := w.setSync(group); err != nil {
		return false, err
	}
	if _, err := w.tx.exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	good := 0
	for _, op := range group {
		if op.err, err = w.attempt(op, len(group) > 1); err != nil {
			w.rollback()
			return true, nil
		}
		if op.err == nil {
			good++
		}
	}
	if good == 0 {
		w.rollback()
		return false, nil
	}
	if _, err := w.tx.exec("COMMIT"); err != nil {
		w.rollback()
		return false, err
	}
	return false, nil
}

// attempt runs one operation, and undoes it when it fails. lost means that it
// could not be undone alone. Without company the transaction itself is what is
// undone.
func (w *writer) attempt(op *operation, company bool) (failure, lost error) {
	if !company {
		return op.run(w.tx), nil
	}
	if _, err := w.tx.exec("SAVEPOINT operation"); err != nil {
		return nil, err
	}
	if failure = op.run(w.tx); failure != nil {
		if _, err := w.tx.exec("ROLLBACK TO operation"); err != nil {
			return failure, err
		}
	}
	_, lost = w.tx.exec("RELEASE operation")
	return failure, lost
}

// rollback ends a transaction that is not to be. It may have ended by itself,
// which is the only way in which this can fail.
func (w *writer) rollback() {
	_, _ = w.tx.exec("ROLLBACK")
}

// setSync sees to it that the group's commit is as safe as it has to be.
func (w *writer) setSync(group []*operation) error {
	full := false
	for _, op := range group {
		full = full || op.synced
	}
	if full == w.full {
		return nil
	}
	// SQLite obeys this pragma when it is prepared, not when it is run: it
	// cannot come from the prepared statements.
	level := "PRAGMA synchronous=NORMAL"
	if full {
		level = "PRAGMA synchronous=FULL"
	}
	if _, err := w.conn.ExecContext(w.tx.ctx, level); err != nil {
		return err
	}
	w.full = full
	return nil
}
