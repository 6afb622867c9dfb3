package bot

import (
	"context"
	"errors"
	"time"
)

// Errors of a Store.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrBegun: the call was begun before, or is over; it may not be run.
	ErrBegun = errors.New("call was begun before")
	// ErrFull: there are as many as there may be. Nothing was changed.
	ErrFull = errors.New("as many as there may be")
	// ErrChanged: it was changed by somebody else since it was read. Nothing was
	// written.
	ErrChanged = errors.New("changed meanwhile")
	// ErrNoSpace: the disk is full or read-only. Nothing was changed; the same
	// operation may succeed later.
	ErrNoSpace = errors.New("no space to write")
	// ErrTooMany: there are as many of a kind as there may be.
	ErrTooMany = errors.New("there are too many")
)

// Ledger remembers every message and call: it is the home of "at most once".
// All methods are transactions of their own and safe for concurrent use.
type Ledger interface {
	// NewCall reserves a number that no call has or ever had. It does not
	// block and touches no disk.
	NewCall() CallID
	// Accept records a batch in one synced transaction and tells, per entry,
	// what became of it. Calls are stored in state Accepted, or Completed when
	// they carry an outcome already.
	Accept(ctx context.Context, in Intake) ([]Entered, error)
	// Cursor is the last cursor accepted for the adapter.
	Cursor(ctx context.Context, adapter string) (string, error)
	// Begin moves a call from Accepted to Begun: ErrBegun if it is elsewhere.
	// When it returns nil the call may have its effect; with synced, only once
	// the record would survive a power cut.
	Begin(ctx context.Context, id CallID, synced bool) error
	// Finish gives a call its outcome and puts the deliveries, in one
	// transaction; the session that it has started is Running from then on. A
	// call that is completed already keeps its outcome, and nothing is put.
	Finish(ctx context.Context, id CallID, o Outcome, detail string, say ...Delivery) error
	// Unfinished is all calls that are not Completed, oldest first.
	Unfinished(ctx context.Context) ([]Call, error)
	// Call is one call; ErrNotFound.
	Call(ctx context.Context, id CallID) (Call, error)
	// Calls is the newest calls that match, newest first.
	Calls(ctx context.Context, f CallFilter) ([]Call, error)
}

// CallFilter selects calls. Zero fields match everything.
type CallFilter struct {
	Room    Thread // Topic is ignored
	Account Account
	Command string
	Message MessageID // the one that asked
	Limit   int       // 0 = 20
}

// Intake is a batch on its way into the ledger.
type Intake struct {
	Adapter string
	Cursor  string // empty = leave as it is
	Moves   []Move
	Entries []Entry
}

// Entry is one message on its way into the ledger.
type Entry struct {
	Key string
	// Call is what the message makes; nil when nothing. Its ID is reserved.
	Call *Call
	// Press is the handle of a Once keyboard that the call uses up; empty when
	// none.
	Press string
	// Turn moves a schedule on; nil when the entry is no occurrence of one.
	Turn *Turn
	// Bind ties the message to a session, so that replies to it belong there.
	// Room is the chat, without topic.
	Bind Binding
	// Say is put into the outbox with it.
	Say []Delivery
}

// Binding ties a message to a session.
type Binding struct {
	Room    Thread
	Message MessageID
	Session SessionID
}

// Entered is what became of an entry.
type Entered int

// What became of an entry.
const (
	Fresh Entered = iota // recorded now
	Seen                 // its key was recorded before: nothing was done
	Spent                // its keyboard was used up, or its schedule is elsewhere: only the key is recorded
)

// Outbox keeps everything to be said until the network has it. Deliveries of
// one room that are posts keep their order; of one slot only the newest unsent
// revision exists.
type Outbox interface {
	// Put adds deliveries in one transaction, not synced unless one is Final.
	// ID, Revision and Created are assigned. A delivery into a slot that has
	// an unsent one replaces its Post, Final, Progress and Session. The
	// session's Page, From and Told are moved on with it.
	Put(ctx context.Context, ds ...Delivery) error
	// Next is the delivery of the room that is to be sent first: new posts in
	// the order they were put, then final edits, then other edits. media picks
	// between deliveries with Post.Media and those without. If there is none
	// now, ok is false and at is the earliest NotBefore, or zero when nothing
	// waits at all. Media of a session waits for the text that was put before
	// it. Target is filled in when the slot has been posted.
	Next(ctx context.Context, room Thread, media bool, now time.Time) (d Delivery, at time.Time, ok bool, err error)
	// Attempt records that the delivery is about to be sent, with the mark.
	// Found again after a crash, it is in Doubt.
	Attempt(ctx context.Context, id DeliveryID, mark string) error
	// Settle records what became of the attempt on d, as it was sent. If a
	// newer revision was put meanwhile, that one stays to be sent.
	Settle(ctx context.Context, d Delivery, r Result) error
	// Hurry lets everything that waits in the room be tried now, whatever its
	// NotBefore.
	Hurry(ctx context.Context, room Thread) error
	// Posted reports whether a message in the room is known to be one of ours:
	// the target of a slot, or of a session. Who looks for a doubtful post must
	// leave it alone.
	Posted(ctx context.Context, room Thread, m MessageID) (bool, error)
	// Answered is the call that a message in the room is an answer to;
	// ErrNotFound.
	Answered(ctx context.Context, room Thread, m MessageID) (CallID, error)
	// Recent is the messages of the adapter's rooms that were heard of last: at
	// most limit of ours, and as many of those that made calls. Sessions are
	// left empty.
	Recent(ctx context.Context, adapter string, limit int) ([]Binding, error)
	// Uses reports whether a delivery that waits has the file as its media.
	Uses(ctx context.Context, path string) (bool, error)
	// Rooms is every room that has something waiting.
	Rooms(ctx context.Context) ([]Thread, error)
	// Waiting is how many deliveries there are, and since when the oldest waits.
	Waiting(ctx context.Context) (n int, oldest time.Time, err error)
}

// Result is what became of an attempt. Exactly one field is set, but for
// NotBefore, which goes with Doubt and Thread too.
type Result struct {
	// Receipt: it is there. The slot's target and the message's session are
	// recorded, and Progress.Said moves on.
	Receipt *Receipt
	// NotBefore: not sent; try again then.
	NotBefore time.Time
	// Doubt: perhaps sent; try again, and look first.
	Doubt bool
	// Thread: not sent; it goes there instead, and so does what follows in the
	// slot.
	Thread *Thread
	// Reset: its target is gone; post it anew.
	Reset bool
	// Dropped: it can never be sent, for this reason.
	Dropped string
}

// SessionStore remembers sessions.
type SessionStore interface {
	// Create records a session in a synced transaction and binds its root
	// message. Sessions are created before their process is started.
	Create(ctx context.Context, s Session) error
	// Running notes that the process exists. Ledger.Finish does so too.
	Running(ctx context.Context, id SessionID) error
	// End records how it ended.
	End(ctx context.Context, id SessionID, e Exit) error
	// Move sends the session's further output to another thread: a new page
	// there, from the offset on.
	Move(ctx context.Context, id SessionID, th Thread, root MessageID, p Progress) error
	// Forget removes the session's row: it was never started.
	Forget(ctx context.Context, id SessionID) error
	// Session is one session; ErrNotFound.
	Session(ctx context.Context, id SessionID) (Session, error)
	// Sessions is those that match, newest first.
	Sessions(ctx context.Context, f SessionFilter) ([]Session, error)
	// BoundTo is the session that a message in the room belongs to;
	// ErrNotFound.
	BoundTo(ctx context.Context, room Thread, m MessageID) (SessionID, error)
}

// SessionFilter selects sessions. Zero fields match everything.
type SessionFilter struct {
	Room   Thread // the chat, whatever the topic
	Thread Thread // exactly this place
	Person string
	Live   bool // Starting or Running
	Untold bool // the last word has not been put
	Limit  int  // 0 = all
}

// Keyboards remembers what buttons mean.
type Keyboards interface {
	// Keyboard is the one with the handle, and whether it was used up;
	// ErrNotFound. Keyboards are stored by the Put or Finish of their post.
	Keyboard(ctx context.Context, handle string) (k Keyboard, room Thread, spent bool, err error)
}

// Grants remembers the people and chats that were let in while running.
type Grants interface {
	People(ctx context.Context) ([]Person, error)
	Chats(ctx context.Context) ([]Chat, error)
	// SetPerson adds a person or replaces the one of that name.
	SetPerson(ctx context.Context, p Person) error
	RemovePerson(ctx context.Context, name string) error
	// SetChat adds a chat or replaces the one with that Room.
	SetChat(ctx context.Context, c Chat) error
	RemoveChat(ctx context.Context, room Thread) error
	// NewCode makes a one-time pairing code good for a role until a time. Only
	// its hash is kept. An older code for the same role dies.
	NewCode(ctx context.Context, r Role, until time.Time) (code string, err error)
	// NewLink makes a code that adds the account of whoever redeems it to the
	// person of that name, and takes it from anybody else. Should there be
	// nobody of that name they are made, with the role; Nobody is for people
	// of the configuration, whose role is there. An older one dies.
	NewLink(ctx context.Context, name string, r Role, until time.Time) (code string, err error)
	// Redeem tries a code, in one synced transaction with the message's key. A
	// right one is used up and makes the person, and welcome's deliveries are
	// put; ok is then true. A wrong one is counted: after MaxTries of them
	// every code dies. The person's name is made unique if need be.
	Redeem(ctx context.Context, key, code string, who Claim, welcome func(Person) []Delivery) (p Person, ok bool, err error)
}

// MaxTries is how many wrong pairing codes are borne before all codes die.
const MaxTries = 5

// Settings remembers small values: a chat's folder, environment and shell, how
// the daemon last stopped.
type Settings interface {
	// Setting is the value, or "" when unset.
	Setting(ctx context.Context, scope, name string) (string, error)
	// Set stores a value; "" removes it.
	Set(ctx context.Context, scope, name, value string) error
	// Settings is all values of a scope by name.
	Settings(ctx context.Context, scope string) (map[string]string, error)
	// Once puts the deliveries unless the same topic was told of less than
	// every ago, and reports whether it did.
	Once(ctx context.Context, topic string, every time.Duration, say ...Delivery) (bool, error)
}

// Series remembers measurements: what is older is kept in longer stretches.
type Series interface {
	// Record keeps samples in one transaction, not synced: a power cut may cost
	// the last of them. A series that is new is made; ErrTooMany, and nothing is
	// kept, when that would be more than MaxSeries.
	Record(ctx context.Context, samples []Sample) error
	// Range is the points of a series in [from, to), one for each step that has
	// samples, oldest first. Steps are counted from 1970, and are at least a
	// minute. Where only longer stretches are kept the points are further apart.
	Range(ctx context.Context, series string, from, to time.Time, step time.Duration) ([]Point, error)
	// Latest is the newest sample of each series that has one since, by name.
	Latest(ctx context.Context, since time.Time) ([]Sample, error)
	// Names is every series there is, in order.
	Names(ctx context.Context) ([]string, error)
}

// Schedules remembers what is to be called at times. Ledger.Accept moves them
// on, with an Entry.Turn.
type Schedules interface {
	// AddSchedule records a schedule, synced, and numbers it. ErrFull when the
	// person has most of them.
	AddSchedule(ctx context.Context, s Schedule, most int) (ScheduleID, error)
	// Schedule is one of them; ErrNotFound.
	Schedule(ctx context.Context, id ScheduleID) (Schedule, error)
	// Schedules is those that match, by number.
	Schedules(ctx context.Context, f ScheduleFilter) ([]Schedule, error)
	// SetSchedule changes state and time, synced. It is no error if the
	// schedule is gone.
	SetSchedule(ctx context.Context, id ScheduleID, state ScheduleState, due time.Time) error
	// RemoveSchedule forgets a schedule, synced. It is no error if it is gone.
	RemoveSchedule(ctx context.Context, id ScheduleID) error
}

// ScheduleFilter selects schedules. Zero fields match everything.
type ScheduleFilter struct {
	Room   Thread // Topic is ignored
	Person string
	On     bool // ScheduleOn
}

// Holdings remembers which resources are held.
type Holdings interface {
	// Holding is one; ErrNotFound when nobody holds it.
	Holding(ctx context.Context, resource string) (Holding, error)
	// Holdings is all that are held, by name.
	Holdings(ctx context.Context) ([]Holding, error)
	// SetHolding writes a holding that was read with its Revision, which it
	// raises, and puts the deliveries, in one synced transaction. One that is
	// free is forgotten. ErrChanged when it was written meanwhile, ErrFull when
	// it is new and most others are there.
	SetHolding(ctx context.Context, h Holding, most int, say ...Delivery) error
}

// AlertStore remembers what chats are alerted of, and how that stands.
type AlertStore interface {
	// AddAlert records an alert, numbers it and returns it. If the thread has
	// the rule already that one is returned. ErrFull when its room has most
	// that people have set; 0 = no bound.
	AddAlert(ctx context.Context, a Alert, most int) (Alert, error)
	// Alerts is all of them, by number.
	Alerts(ctx context.Context) ([]Alert, error)
	// SetAlert writes an alert that was read with its Revision, which it raises,
	// and puts the deliveries, in one transaction. ErrChanged when it was
	// written, or removed, meanwhile.
	SetAlert(ctx context.Context, a Alert, say ...Delivery) error
	// RemoveAlert forgets an alert. It is no error if it is gone.
	RemoveAlert(ctx context.Context, id AlertID) error
}

// Store is everything that is remembered, as package storage implements it.
// Each stage asks for the part that it needs.
type Store interface {
	Ledger
	Outbox
	SessionStore
	Keyboards
	Grants
	Settings
	Series
	// Thin takes old samples together: minutes are kept for two days, stretches
	// of ten minutes for a month, hours for as long as keep. A series without
	// any is forgotten.
	Thin(ctx context.Context, now time.Time, keep time.Duration) error
	Schedules
	Holdings
	AlertStore
	// Prune removes what is older: finished calls and keys, ended sessions'
	// rows (their ids are returned: the folders may go too), spent keyboards,
	// dead codes.
	Prune(ctx context.Context, before time.Time) ([]SessionID, error)
	Close() error
}
