// Package adaptertest is the conformance suite of bot.Adapter: every adapter
// passes it. An adapter's test builds a Bench, which is the adapter, a network
// to go with it and hands to play the person on the other side, and calls Run.
//
// What an adapter cannot do, its Limits and the missing hands of its Bench
// say: the cases for it are then left out.
package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/bot"
)

// Bench is an adapter that is not running yet, and what is around it.
type Bench struct {
	Adapter bot.Adapter
	// Thread is a place where the person and the bot can talk.
	Thread bot.Thread
	// Account is the person's; the zero value is not checked.
	Account bot.Account

	// Say makes the person write into Thread. It returns the message's id,
	// empty where messages have none.
	Say func(text string) bot.MessageID
	// Posts is what the person sees of the bot's posts in Thread, oldest
	// first.
	Posts func() []Post

	// Press presses a button and returns what was shown to the presser, which
	// it waits for up to 10 s. Nil if there are no buttons.
	Press func(m bot.MessageID, row, column int) (notice string, answered bool)
	// Vanish deletes a post. Nil if nothing can vanish.
	Vanish func(bot.MessageID)
	// Shown is how the media of a post is shown, and its content. Nil if posts
	// have none, or edits cannot replace it.
	Shown func(bot.MessageID) (bot.MediaKind, []byte)
	// Pinned is the posts that are kept in sight. Nil if none can be.
	Pinned func() []bot.MessageID
	// Unplug takes the network away, and Plug brings it back. Nil if there is
	// none. The adapter should be set up to come back within some seconds.
	Unplug, Plug func()
	// LoseAnswer makes the network execute the next post and lose the answer.
	// Nil if that cannot happen.
	LoseAnswer func()
	// Held is how many messages the network has and would repeat after a
	// crash. Nil if it repeats nothing.
	Held func() int
	// Streamed is all output that was streamed to the person, for adapters
	// with Limits.Stream.
	Streamed func() string
}

// Post is one post as the person sees it.
type Post struct {
	ID      bot.MessageID
	Text    string     // or caption; without the marks of a markup
	Buttons [][]string // labels
	File    []byte     // nil if none
	Name    string     // of the file
	ReplyTo bot.MessageID
	Silent  bool
}

// patience is how long anything may take before it counts as not happening.
const patience = 15 * time.Second

// rule is one case: a sentence that must be true of every adapter.
type rule struct {
	sentence string
	// applies tells whether the adapter can do what the rule is about; nil
	// means always.
	applies func(b *bench) bool
	check   func(t *testing.T, b *bench)
}

var rules = []rule{
	{"its limits make sense", nil, limitsMakeSense},
	{"a message is offered with who, where and what", nil, offered},
	{"each message has a key of its own", nil, ownKeys},
	{"messages come in the order in which they were said", nil, inOrder},
	{"text arrives exactly", nil, exactText},
	{"a batch that was not accepted is offered again with the same keys", nil, offeredAgain},
	{"nothing is taken from the network before accept has returned", (*bench).canHold, heldUntilAccepted},
	{"a confirmed message is gone from the network", (*bench).canConfirm, confirmed},
	{"run returns nil soon after its context ends", nil, stops},
	{"run returns soon after its context ends while nothing is accepted", nil, stopsWhileRefused},
	{"run outlives the loss of the network", (*bench).canUnplug, outlivesNetwork},
	{"a post shows its text", nil, showsText},
	{"a post answers the message that it replies to", (*bench).canReply, replies},
	{"a block keeps its indentation and blank lines", nil, keepsIndentation},
	{"text as long as the limit is shown whole", (*bench).canPage, longestText},
	{"text over the limit is refused as too large", (*bench).canPage, tooLongText},
	{"an edit changes the post in place", (*bench).canEdit, edits},
	{"an edit to equal content is a success", (*bench).canEdit, editsToSame},
	{"an edit of a vanished post says that the target is gone", (*bench).canVanish, editsVanished},
	{"an edit without a keyboard removes it", (*bench).canPress, removesKeyboard},
	{"a press is offered with its data and shows the notice", (*bench).canPress, presses},
	{"a file arrives byte for byte under its name", (*bench).canUpload, sendsFile},
	{"a file over the limit is refused as too large", (*bench).canUpload, tooLargeFile},
	{"a picture and a clip are shown in line", (*bench).canShow, showsMedia},
	{"an edit with a file puts it in the place of the old one", (*bench).canShow, replacesMedia},
	{"a text becomes a picture by an edit", (*bench).canShow, textBecomesMedia},
	{"an erased message is gone, and erasing it again is a success", (*bench).canErase, erases},
	{"a pinned post is in sight, and a vanished one says that the target is gone", (*bench).canPin, pins},
	{"output is streamed as it is", (*bench).canStream, streams},
	{"a thread of another adapter is refused", nil, foreignThread},
	{"a send after its context ended is a send error", (*bench).canEdit, sendCancelled},
	{"a send without network was not sent", (*bench).canUnplug, sendUnplugged},
	{"a post whose answer was lost is of unknown outcome", (*bench).canLose, unknownOutcome},
	{"a doubtful post that is there is not posted again", (*bench).canFind, findsLost},
	{"a doubtful post that is not there is posted", (*bench).canFind, postsMissing},
	{"health is well while connected and does not block", (*bench).canCheck, healthy},
}

// Run checks every rule that applies, on a bench of its own each. open is
// called once per rule; it cleans up with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Bench) {
	for _, r := range rules {
		t.Run(r.sentence, func(t *testing.T) {
			b := &bench{Bench: open(t)}
			if r.applies == nil || r.applies(b) {
				r.check(t, b)
			}
		})
	}
}

// bench is a Bench at work.
type bench struct {
	Bench
	inbox inbox
}

func (b *bench) limits() bot.Limits { return b.Adapter.Limits(b.Thread) }

func (b *bench) canHold() bool    { return b.Held != nil }
func (b *bench) canUnplug() bool  { return b.Unplug != nil }
func (b *bench) canStream() bool  { return b.limits().Stream && b.Streamed != nil }
func (b *bench) canPage() bool    { return !b.limits().Stream && b.limits().Text > 0 }
func (b *bench) canEdit() bool    { return !b.limits().Stream }
func (b *bench) canReply() bool   { return b.canEdit() }
func (b *bench) canVanish() bool  { return b.canEdit() && b.Vanish != nil }
func (b *bench) canPress() bool   { return b.limits().Buttons > 0 && b.Press != nil }
func (b *bench) canUpload() bool  { return b.limits().Upload > 0 && !b.limits().Stream }
func (b *bench) canShow() bool    { return b.canUpload() && b.Shown != nil }
func (b *bench) canErase() bool   { _, ok := b.Adapter.(bot.Eraser); return ok }
func (b *bench) canPin() bool     { _, ok := b.Adapter.(bot.Pinner); return ok && b.Pinned != nil }
func (b *bench) canLose() bool    { return b.LoseAnswer != nil }
func (b *bench) canFind() bool    { return b.canLose() && b.canMark() }
func (b *bench) canMark() bool    { _, ok := b.Adapter.(bot.Marker); return ok }
func (b *bench) canCheck() bool   { _, ok := b.Adapter.(bot.Checker); return ok }
func (b *bench) canConfirm() bool { _, ok := b.Adapter.(bot.Confirmer); return ok && b.Held != nil }

// start runs the adapter until the test ends, and fails it if Run does.
func (b *bench) start(t *testing.T) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Adapter.Run(ctx, &b.inbox) }()
	stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("Run has not returned %v after its context ended", patience)
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return stop
}

// send sends and wants success.
func (b *bench) send(t *testing.T, out bot.Outgoing) bot.Receipt {
	t.Helper()
	if out.Thread == (bot.Thread{}) {
		out.Thread = b.Thread
	}
	r, err := b.Adapter.Send(t.Context(), out)
	if err != nil {
		t.Fatalf("Send(%q): %v", out.Post.String(), err)
	}
	return r
}

// sendError sends and wants a *bot.SendError.
func (b *bench) sendError(t *testing.T, ctx context.Context, out bot.Outgoing) *bot.SendError {
	t.Helper()
	if out.Thread == (bot.Thread{}) {
		out.Thread = b.Thread
	}
	r, err := b.Adapter.Send(ctx, out)
	var se *bot.SendError
	if !errors.As(err, &se) {
		t.Fatalf("Send = %v, %v; want a *bot.SendError", r, err)
	}
	return se
}

// shows waits until a post with the text is there and returns it.
func (b *bench) shows(t *testing.T, text string) Post {
	t.Helper()
	var found Post
	within(t, fmt.Sprintf("a post %.60q", text), func() bool {
		for _, p := range b.Posts() {
			if p.Text == text || b.limits().Stream && strings.Contains(p.Text, text) {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// within waits until cond is true.
func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(2 * time.Millisecond) { // between two looks
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// inbox records what it accepts. Its zero value accepts everything.
type inbox struct {
	mu       sync.Mutex
	messages []bot.Message
	cursor   string
	offered  []string // keys, of refused batches too
	refuse   int      // how many batches with messages are yet to be refused; -1 = all
	hold     chan struct{}
	notice   string
}

func (in *inbox) Accept(ctx context.Context, b bot.Batch) ([]bot.Ack, error) {
	in.mu.Lock()
	hold := in.hold
	for _, m := range b.Messages {
		in.offered = append(in.offered, m.Key)
	}
	in.mu.Unlock()
	if hold != nil && len(b.Messages) > 0 {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(b.Messages) > 0 && in.refuse != 0 {
		in.refuse--
		return nil, errors.New("the disk is full")
	}
	if b.Cursor != "" {
		in.cursor = b.Cursor
	}
	acks := make([]bot.Ack, len(b.Messages))
	for i, m := range b.Messages {
		acks[i] = bot.Ack{Taken: true, Notice: in.notice}
		if !slices.ContainsFunc(in.messages, func(known bot.Message) bool { return known.Key == m.Key }) {
			in.messages = append(in.messages, m)
		}
	}
	return acks, nil
}

func (in *inbox) Cursor(context.Context, string) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.cursor, nil
}

func (in *inbox) set(f func(*inbox)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f(in)
}

func (in *inbox) accepted() []bot.Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

func (in *inbox) offers() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.offered)
}

// got waits for n accepted messages.
func (b *bench) got(t *testing.T, n int) []bot.Message {
	t.Helper()
	within(t, fmt.Sprintf("%d messages", n), func() bool { return len(b.inbox.accepted()) >= n })
	return b.inbox.accepted()
}

// textFile is a file with the content in a folder of the test's own.
func textFile(t *testing.T, name string, content []byte) *bot.Content {
	t.Helper()
	path := filepath.Join(t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return &bot.Content{Path: path, Name: name, Size: int64(len(content))}
}
