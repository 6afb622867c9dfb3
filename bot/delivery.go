package bot

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Style is how a span of text looks.
type Style int

// The styles. They do not nest.
const (
	Plain Style = iota
	Bold
	Italic
	Code // in a line: names, commands
	Pre  // a block: program output; nothing in it is ever interpreted
)

// Span is a piece of text in one style. The text is valid UTF-8.
type Span struct {
	Style Style  `json:"s,omitempty"`
	Text  string `json:"t"`
	// Coloured is the text of a Pre once more, with SGR sequences (ECMA-48) for
	// eight colours, bold and underline, for those who have asked for them where
	// Limits.Colours; empty = without.
	Coloured string `json:"c,omitempty"`
}

// Post is outbound content without network detail.
type Post struct {
	Text []Span `json:"text,omitempty"`
	// Media is a picture or file to go with it; Text is then its caption.
	Media *Media `json:"media,omitempty"`
	// Output makes the post a piece of raw session output, for adapters with
	// Limits.Stream. Text and Media are then empty.
	Output *OutputRef `json:"output,omitempty"`
	// Keyboard is shown under the post. Nil removes what an earlier revision
	// had.
	Keyboard *Keyboard `json:"keyboard,omitempty"`
	// Silent posts do not notify anybody.
	Silent bool `json:"silent,omitempty"`
}

// Plainf is a post of plain text.
func Plainf(format string, a ...any) Post {
	return Post{Text: []Span{{Text: fmt.Sprintf(format, a...)}}}
}

// String is the post's text without styles, for logs and tests.
func (p Post) String() string {
	var s string
	for _, span := range p.Text {
		s += span.Text
	}
	return s
}

// MediaKind is how a file is shown.
type MediaKind int

// The kinds of media.
const (
	File    MediaKind = iota
	Picture           // PNG, JPEG, WebP or GIF, shown in line
	Video             // MP4 with H.264 in yuv420p and its index in front, played in line
)

// Media is a file in the outbox: a path on disk, or a piece of a session's
// output or the look of its terminal, which become files when they are sent.
type Media struct {
	Kind   MediaKind  `json:"kind"`
	Name   string     `json:"name"` // the file's name in the chat
	Path   string     `json:"path,omitempty"`
	Output *OutputRef `json:"output,omitempty"`
	// Window makes it a picture of the session's terminal, drawn when it is sent.
	Window SessionID `json:"window,omitempty"`
	// Own files were made in the Spool for this post alone: they are removed
	// once it is settled, or another revision has taken its place.
	Own bool `json:"own,omitempty"`
	// Width and Height, in pixels, and Duration are of a Video, so that it is
	// shown in its shape and length before it is loaded.
	Width    int           `json:"width,omitempty"`
	Height   int           `json:"height,omitempty"`
	Duration time.Duration `json:"duration,omitempty"`
}

// OutputRef points at output in a session's journal.
type OutputRef struct {
	Session SessionID `json:"session"`
	Range
	// Stdout leaves standard error out.
	Stdout bool `json:"stdout,omitempty"`
	// Echo is true when the output is a terminal's, which shows by itself what
	// is typed into it.
	Echo bool `json:"echo,omitempty"`
}

// Keyboard is the buttons under a post. It is recorded with the delivery; the
// network sees only opaque handles.
type Keyboard struct {
	// Handle names it, at random. Minted by NewHandle, before it is put.
	Handle string     `json:"handle"`
	Rows   [][]Button `json:"rows"`
	// Once kills the whole keyboard at the first press.
	Once bool `json:"once,omitempty"`
	// Expires kills it at a time; zero = never.
	Expires time.Time `json:"expires,omitzero"`
	// Only is the one account that may press; zero = whoever may run the
	// button's command in that chat.
	Only Account `json:"only,omitzero"`
	// Session is what its calls are about; empty when none.
	Session SessionID `json:"session,omitempty"`
	// Asked is the call whose first answer it stands under, as a question: with
	// Once, that answer then turns into what was chosen. 0 = none, or the call
	// that a button repeats.
	Asked CallID `json:"asked,omitempty"`
}

// Button is one key of a keyboard: a label, and the call that it makes.
type Button struct {
	Label   string `json:"label"`
	Command string `json:"command,omitempty"`
	Args    Args   `json:"args,omitempty"`
	// Repeat makes the call a new one of the same command, arguments and
	// session as an earlier call; Command and Args are then empty.
	Repeat CallID `json:"repeat,omitempty"`
}

// Data is what the network carries for the button at row, column: opaque, and
// at most 64 bytes. ParseData reads it.
func (k *Keyboard) Data(row, column int) string {
	return fmt.Sprintf("%s:%d.%d", k.Handle, row, column)
}

// ParseData reads what Data made. ok is false for anything else.
func ParseData(data string) (handle string, row, column int, ok bool) {
	handle, place, ok := strings.Cut(data, ":")
	if !ok || handle == "" || len(data) > 64 {
		return "", 0, 0, false
	}
	r, c, ok := strings.Cut(place, ".")
	row, errRow := strconv.Atoi(r)
	column, errColumn := strconv.Atoi(c)
	if !ok || errRow != nil || errColumn != nil || row < 0 || column < 0 {
		return "", 0, 0, false
	}
	return handle, row, column, true
}

// NewHandle mints a handle: 96 random bits, 16 characters.
func NewHandle() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// DeliveryID numbers the entries of the outbox.
type DeliveryID int64

// Slot names a place in a chat that may be edited, such as page 3 of a
// session. The newest revision put into it wins.
type Slot string

// Delivery is one entry of the outbox.
type Delivery struct {
	ID       DeliveryID
	Thread   Thread
	Slot     Slot
	Revision int64 // grows with every Put into the slot
	Post     Post
	// ReplyTo is the message that a first revision answers; empty = none.
	ReplyTo MessageID
	// Final revisions are never replaced by pacing: they wait for their turn.
	Final bool
	// Session and Progress are recorded when the delivery is settled.
	Session  SessionID
	Progress Progress

	// Target is the slot's message on the network once it is known: the
	// delivery is then an edit.
	Target   MessageID
	Attempts int
	// Doubt is true when an earlier attempt may have reached the network. Mark
	// is what the adapter's Marker said before that attempt.
	Doubt bool
	Mark  string
	// NotBefore is the earliest time for the next attempt.
	NotBefore time.Time
	Created   time.Time
}

// Receipt is what the network said of a sent delivery.
type Receipt struct {
	Message MessageID
	At      time.Time
}

// Limits are what an adapter can carry in a thread, as data.
type Limits struct {
	// Text is the most text in a post, in UTF-16 code units when UTF16,
	// otherwise in code points. Caption is the same for text with media.
	Text    int
	Caption int
	UTF16   bool
	// Lines is how many lines of output a page should have at most.
	Lines int
	// Pages is how many live pages a session fills before only its end is
	// shown and the whole is sent as a file.
	Pages int
	// Upload is the largest file, and Photo the largest picture, in bytes.
	Upload int64
	Photo  int64
	// Edit is the pace for edits of a live page.
	Edit time.Duration
	// Every and Burst are the pace of all sends and edits in one chat: a token
	// each Every, at most Burst saved up. Every 0 means no limit.
	Every time.Duration
	Burst int
	// AllEvery and AllBurst are the same for the whole adapter.
	AllEvery time.Duration
	AllBurst int
	// Stream is true when the thread takes a session's output as it comes,
	// unpaged, with its control sequences, and nothing is edited.
	Stream bool
	// Foreground is true when every session takes the thread's plain text
	// while it lives, as in a terminal.
	Foreground bool
	// Colours is true where Span.Coloured can be shown.
	Colours bool
	// Branch has a session with more than a page of output go on in a thread of
	// its own.
	Branch bool
	// Form is the label of a button that the adapter adds to the last row under a
	// session, if that has room: it takes text that is not shown in the chat.
	// Empty: there is none.
	Form string
	// Buttons is the largest number of buttons in a row; 0 = no buttons.
	Buttons int
	// Life is how old a message may be to be edited at the usual pace: a live
	// page older than that is left as it is, and goes on in a new message; 0 =
	// for ever.
	Life time.Duration
}

// Outgoing is one sending, ready for the network.
type Outgoing struct {
	Thread Thread
	// Target is the message to edit; empty = post a new one.
	Target  MessageID
	ReplyTo MessageID
	Post    Post
	// File is the content of Post.Media, or the bytes of Post.Output; nil when
	// neither. The caller closes it.
	File *Content
	// Doubt is as in Delivery, and Mark that of the earlier attempts, or of this
	// one if it is the first: in doubt, the adapter should look whether the post is
	// there before it posts again.
	Doubt bool
	Mark  string
	// Ours, set with Doubt, reports whether a message of the chat is known to be
	// another one of ours: it is not the post, and must not be changed.
	Ours func(MessageID) bool
}

// Content is a file on its way out.
type Content struct {
	Path string // a regular file that stays as it is until Send returns
	Name string
	Size int64 // bytes
	// Note says, for the caption, why it is not what was put; empty when it is.
	Note string
	// passed is how many bytes of it have gone out, in this attempt.
	passed atomic.Int64
}

// Passing is r, which reads the content from its beginning, with its progress
// noted for the person who waits for the file.
func (c *Content) Passing(r io.Reader) io.Reader {
	c.passed.Store(0)
	return CountedReader{r, &c.passed}
}

// CountedReader adds the bytes that are read to a count that others may look at
// meanwhile.
type CountedReader struct {
	io.Reader
	Count *atomic.Int64
}

func (r CountedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.Count.Add(int64(n))
	return n, err
}

// SendOutcome is what is known after a failed send.
type SendOutcome int

// The outcomes of a failed send.
const (
	// NotSent: the network has not executed it; repeating is safe.
	NotSent SendOutcome = iota
	// RefusedSend: the network said no, and will say it again.
	RefusedSend
	// Unknown: it may or may not have been executed.
	Unknown
)

// SendReason is why a network refused, as far as the core can help.
type SendReason int

// The reasons for a refusal.
const (
	Other      SendReason = iota
	ThreadGone            // the topic is deleted or closed: the chat itself may do
	ChatGone              // blocked, kicked, deleted: nothing can be said there
	TargetGone            // the message to edit is gone: post anew
	TooLarge              // the file or text is over the network's limit
	Moved                 // the chat has a new id: To
)

// SendError is the failure of a send.
type SendError struct {
	Outcome SendOutcome
	Reason  SendReason
	// RetryAfter is how long the network wants to be left alone in this chat;
	// 0 when it did not say.
	RetryAfter time.Duration
	To         ChatID // with Moved
	Err        error
}

func (e *SendError) Error() string { return fmt.Sprintf("send: %v", e.Err) }
func (e *SendError) Unwrap() error { return e.Err }

// Adapter is a door to the outside: a chat network, or the console.
type Adapter interface {
	// Name is a short fixed word such as "telegram".
	Name() string
	// Limits are what the adapter can carry in the thread.
	Limits(Thread) Limits
	// Run receives until ctx ends, handing everything to in. It returns nil
	// when ctx ends, and an error only for what no retry can mend. Losing the
	// network is not an error: it goes on trying and says so in its Health.
	Run(ctx context.Context, in Inbox) error
	// Send posts or edits. Errors are *SendError. It is called by one
	// goroutine per chat at a time for text, and another for media.
	Send(ctx context.Context, out Outgoing) (Receipt, error)
}

// Inbox takes what an adapter received. The adapter calls it.
type Inbox interface {
	// Accept records a batch and returns nil only when it is safely on disk:
	// only then may the adapter tell the network that it has it. Acks are one
	// per message, in order. After an error nothing of the batch is recorded;
	// offer it again.
	Accept(ctx context.Context, b Batch) ([]Ack, error)
	// Cursor is what Batch.Cursor was last accepted for the adapter; empty at
	// first.
	Cursor(ctx context.Context, adapter string) (string, error)
}

// Batch is what was received in one go.
type Batch struct {
	Adapter string
	// Cursor is what the adapter has to know after a restart, such as its place
	// in the network's queue after this batch; recorded in the same transaction.
	// Empty leaves the old one.
	Cursor   string
	Messages []Message
	Moves    []Move
}

// Move says that a chat has got a new id.
type Move struct {
	From, To Thread
}

// Ack is what became of one message.
type Ack struct {
	// Taken is true when it made a call, now or when it was first seen.
	Taken bool
	// Notice is to be shown to the presser of a button, privately; may be
	// empty.
	Notice string
}

// What an adapter may be able to do besides. The core asks by type assertion.
type (
	// Typer shows that something is being done, for some seconds.
	Typer interface {
		Typing(ctx context.Context, th Thread) error
	}
	// ThreadOpener can open a topic in a room, at the message that asked for it
	// where the network ties topics to messages. Errors are *SendError; a
	// refusal means that the room itself is to be used.
	ThreadOpener interface {
		OpenThread(ctx context.Context, room Thread, title string, at MessageID) (Thread, error)
	}
	// MenuPublisher shows commands in the network's own menu. It publishes
	// only what differs from what is there.
	MenuPublisher interface {
		PublishMenu(ctx context.Context, menus []Menu) error
	}
	// Confirmer can wait until the network will not repeat a message. Confirmed
	// returns nil then, and ctx's error when it took too long.
	Confirmer interface {
		Confirmed(ctx context.Context, key string) error
	}
	// Marker makes a mark of a chat before something new is posted there, by
	// which the post is looked for should its fate become doubtful: where the
	// chat is, or what the post will be called. The mark is opaque. before is that
	// of earlier attempts at the same post, empty when their fate is known: the
	// new one covers them too.
	Marker interface {
		Mark(th Thread, before string) string
	}
	// Rememberer is told at each start which messages are known from before, so
	// that its marks are no older than they have to be.
	Rememberer interface {
		Remember(Thread, MessageID)
	}
	// Director knows the private chat of an account.
	Director interface {
		Direct(UserID) Thread
	}
	// Linker makes a link that leads to the bot, if it can one that sends it
	// the pairing code; it is empty until the bot's name is known. PairHint is
	// what to do with the link, in a line.
	Linker interface {
		PairLink(code string) string
		PairHint() string
	}
	// Fetcher opens an attachment for reading: ref is its Attachment.Ref, size
	// is in bytes, 0 when the network did not say. ErrTooLarge, here or from
	// reading, when it is more than the network hands out. Close it.
	Fetcher interface {
		Fetch(ctx context.Context, ref string) (content io.ReadCloser, size int64, err error)
	}
	// Eraser deletes a message, such as one with a password in it. Where it may
	// not, that is a *SendError.
	Eraser interface {
		Erase(ctx context.Context, th Thread, m MessageID) error
	}
	// Pinner keeps a message in sight, silently. Where it may not, that is a
	// *SendError.
	Pinner interface {
		Pin(ctx context.Context, th Thread, m MessageID) error
	}
	// Checker tells how the adapter is. It never blocks.
	Checker interface {
		Health() Health
	}
)

// Menu is the commands that one audience may use.
type Menu struct {
	Thread   Thread // the private chat or the room that sees it
	Commands []Command
}

// Health is the state of a part.
type Health struct {
	Name string
	// OK is false when a person should look.
	OK bool
	// State is a few words: "connected", "no network since 12:03".
	State string
	// Contact is the last time that all was well; zero = never.
	Contact time.Time
	// Outage is since when the network cannot be reached, which was tried
	// Attempts times since; zero = it can be.
	Outage   time.Time
	Attempts int
	// Shared is true while another program seems to receive what we do: then
	// nothing that changes something is run.
	Shared bool
}
