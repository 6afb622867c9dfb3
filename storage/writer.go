package storage

import (
	"context"
	"database/sql"
	"errors"
	"slices"
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

// commit runs the operations in one transaction and answers them all. One that
// fails is left out, and the others begin anew: failures are rare, and a
// savepoint for each operation would cost more than many of them do.
func (w *writer) commit(all []*operation) {
	group := slices.Clone(all)
	for len(group) > 0 {
		n, err := w.transact(group)
		if n == len(group) {
			for _, op := range group {
				op.err = err
			}
			break
		}
		group[n].err = err
		group = slices.Delete(group, n, n+1)
	}
	for _, op := range all {
		op.done <- fault(op.err)
	}
}

// transact runs the group in one transaction. n is the operation that failed,
// and len(group) when it was none of them: then err holds for all.
func (w *writer) transact(group []*operation) (n int, err error) {
	if err := w.setSync(group); err != nil {
		return len(group), err
	}
	if _, err := w.tx.exec("BEGIN IMMEDIATE"); err != nil {
		return len(group), err
	}
	for n, op := range group {
		if err := op.run(w.tx); err != nil {
			w.rollback()
			return n, err
		}
	}
	if _, err := w.tx.exec("COMMIT"); err != nil {
		w.rollback()
		return len(group), err
	}
	return len(group), nil
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
