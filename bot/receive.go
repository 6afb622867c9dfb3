package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Reception is the first stage: it takes messages in, once each, and makes
// calls of them. It implements Inbox. It is safe for concurrent use; its
// fields are set before the first Accept and not changed.
type Reception struct {
	Policy  *Policy
	Parser  *Parser
	Store   Store
	Session *Sessions
	// Dispatch is told of every call that may be run.
	Dispatch *Dispatcher
	Deliver  *Deliverer
	// StaleAfter is the age from which on a call that changes something is
	// asked about; 0 means DefaultStaleAfter.
	StaleAfter time.Duration
	// Paired is called after a person came in by a pairing code, and must
	// bring Policy up to date.
	Paired func(context.Context) error
	// Moved is called before it is recorded that a group has a new id, and must
	// keep it listed if it was, in Policy too.
	Moved  func(context.Context, Move) error
	Device string
	Logger *slog.Logger

	mu      sync.Mutex
	blocked time.Time       // since when nothing can be recorded; zero = it can
	excused map[Thread]bool // rooms that were told so
	told    []time.Time     // when owners were told of strangers
	albums  map[albumKey]Args
}

// DefaultStaleAfter is how old a message may be before a command that changes
// something is asked about instead of run.
const DefaultStaleAfter = 2 * time.Minute

// The names of commands that the stages themselves call.
const (
	InputCommand = "input" // a line of plain text for a session; argument "text"
	DropCommand  = "drop"  // the answer "no" to a question
	PutCommand   = "put"   // files without a command; argument "caption"
	CodeCommand  = "code"  // a bare block of code; arguments "code", "language"
)

// Cursor implements Inbox.
func (r *Reception) Cursor(ctx context.Context, adapter string) (string, error) {
	return r.Store.Cursor(ctx, adapter)
}

// Accept implements Inbox: it authorizes and parses each message, records what
// came of the batch in one transaction, and only then lets calls run.
func (r *Reception) Accept(ctx context.Context, b Batch) ([]Ack, error) {
	in := Intake{Adapter: b.Adapter, Cursor: b.Cursor, Moves: b.Moves}
	acks := make([]Ack, len(b.Messages))
	for _, m := range b.Moves {
		if err := r.moved(ctx, m); err != nil {
			return nil, err
		}
	}
	var from []int // the message that each entry came from
	for i, m := range b.Messages {
		m.Claim = r.Deliver.worn(ctx, r.Policy, m.Claim, time.Now())
		entry, notice, err := r.take(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("accept message %s: %w", m.Key, err)
		}
		acks[i].Notice = notice
		files, err := r.beside(m, entry)
		if err != nil {
			return nil, fmt.Errorf("accept the files of message %s: %w", m.Key, err)
		}
		for _, e := range []*Entry{entry, files} {
			if e != nil {
				in.Entries = append(in.Entries, *e)
				from = append(from, i)
			}
		}
	}
	if len(in.Entries) == 0 && len(in.Moves) == 0 && in.Cursor == "" {
		return acks, nil
	}
	entered, err := r.record(ctx, in)
	if err != nil {
		if errors.Is(err, ErrNoSpace) {
			r.excuse(ctx, in)
		}
		return nil, fmt.Errorf("accept batch of %d messages: %w", len(b.Messages), err)
	}
	for n, e := range entered {
		ack := &acks[from[n]]
		ack.Taken = ack.Taken || in.Entries[n].Call != nil
		r.Deliver.Reachable(ctx, b.Messages[from[n]].Thread)
		if e == Spent {
			ack.Notice = "That button has been used already."
		}
	}
	return acks, nil
}

// record is the one way in: it records entries in one transaction, and only
// then lets run and be said what is new in them.
func (r *Reception) record(ctx context.Context, in Intake) ([]Entered, error) {
	entered, err := r.Store.Accept(ctx, in)
	r.noteDisk(err)
	if err != nil {
		return nil, err
	}
	for n, e := range entered {
		if e != Fresh {
			continue
		}
		entry := in.Entries[n]
		if entry.Call != nil && entry.Call.State == Accepted {
			r.Dispatch.Enqueue(*entry.Call)
		}
		r.Deliver.Due(entry.Say...)
	}
	return entered, nil
}

func (r *Reception) moved(ctx context.Context, m Move) error {
	if r.Moved == nil {
		return nil
	}
	err := r.Moved(ctx, m)
	r.noteDisk(err)
	if err != nil {
		return fmt.Errorf("follow group %s to %s: %w", m.From, m.To, err)
	}
	return nil
}

// Blocked reports whether, and since when, nothing can be recorded because the
// disk takes nothing.
func (r *Reception) Blocked() (since time.Time, blocked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blocked, !r.blocked.IsZero()
}

func (r *Reception) noteDisk(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !errors.Is(err, ErrNoSpace):
		r.blocked = time.Time{}
		r.excused = nil
	case r.blocked.IsZero():
		r.blocked = time.Now()
	}
}

// excuse tells those who wait for an answer that nothing can be recorded, and
// so nothing is run. It is the one thing that is said past the outbox, which is
// on the same disk, and so at most once in each chat.
func (r *Reception) excuse(ctx context.Context, in Intake) {
	for _, e := range in.Entries {
		if e.Call == nil {
			continue
		}
		room := e.Call.Claim.Thread.Room()
		r.mu.Lock()
		told := r.excused[room]
		if !told {
			if r.excused == nil {
				r.excused = map[Thread]bool{}
			}
			r.excused[room] = true
		}
		r.mu.Unlock()
		adapter := r.Deliver.Adapter(room.Adapter)
		if told || adapter == nil {
			continue
		}
		text := "The disk of " + r.Device + " is full or read-only, so I cannot record commands and run none. Yours waits; it is taken when there is space again."
		if _, err := adapter.Send(ctx, Outgoing{Thread: e.Call.Claim.Thread, ReplyTo: e.Call.Message, Post: Plainf("%s", text)}); err != nil {
			r.Logger.Error("tell that the disk is full", "thread", room.String(), "err", err)
		}
	}
}

// take makes an entry for the ledger of one message; nil when there is nothing
// to remember. notice is for the presser of a button.
func (r *Reception) take(ctx context.Context, m Message) (entry *Entry, notice string, err error) {
	p, err := r.Policy.Authorize(m.Claim)
	if code, ok := pairing(m); ok && m.Direct && m.Origin == Original && !p.May(Owner) {
		return r.redeem(ctx, m, code, p)
	}
	switch {
	case errors.Is(err, ErrNotOriginal):
		return nil, "", nil
	case errors.Is(err, ErrStranger):
		return nil, "", r.stranger(ctx, m)
	case errors.Is(err, ErrChatNotListed):
		return nil, "", r.unlisted(ctx, m)
	case err != nil:
		return nil, "", err
	case m.Lost:
		return r.lost(m), "", nil
	case m.Button != "":
		return r.press(ctx, m, p)
	default:
		entry, err := r.text(ctx, m, p)
		return entry, "", err
	}
}
