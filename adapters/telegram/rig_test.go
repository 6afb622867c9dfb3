package telegram

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chapi/adapters/telegram/telegramtest"
	"chapi/bot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const deadline = time.Minute

// quick is timing for tests.
var quick = Timing{
	Poll:       3 * time.Second,
	PollSlack:  500 * time.Millisecond,
	Call:       2 * time.Second,
	Stall:      2 * time.Second,
	RetryMin:   20 * time.Millisecond,
	RetryMax:   100 * time.Millisecond,
	Conflict:   50 * time.Millisecond,
	Conflicted: 100 * time.Millisecond,
	Settled:    time.Second,
	Refused:    100 * time.Millisecond,
	Named:      200 * time.Millisecond,
}

// rig is an adapter, a server and two people.
type rig struct {
	t          *testing.T
	srv        *telegramtest.Server
	anna, bert *telegramtest.User
	private    *telegramtest.Chat // Anna's; she has pressed Start
	a          *Adapter
	in         *recorder
	logs       *logBook
}

func newRig(t *testing.T, opts telegramtest.Options, change ...func(*Config)) *rig {
	t.Helper()
	srv := telegramtest.New(opts)
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	r := &rig{t: t, srv: srv, in: &recorder{}, logs: &logBook{}}
	r.anna = srv.AddUser(5, "Anna")
	r.bert = srv.AddUser(6, "Bert")
	r.private = srv.Private(r.anna)
	r.a = r.adapter(change...)
	t.Cleanup(func() { r.a.client.closeIdle() })
	return r
}

func (r *rig) adapter(change ...func(*Config)) *Adapter {
	r.t.Helper()
	cfg := Config{
		Token:  Token(r.srv.Token()),
		APIURL: r.srv.URL(),
		Logger: slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timing: quick,
	}
	for _, f := range change {
		f(&cfg)
	}
	a, err := New(cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// start runs the adapter; stop ends it and wants no error.
func (r *rig) start() (stop func()) { return r.run(r.a, r.in) }

func (r *rig) run(a *Adapter, in bot.Inbox) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, in) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				r.t.Errorf("Run: %v", err)
			}
		case <-time.After(deadline):
			r.t.Error("Run does not return")
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// hello makes Anna's chat one that the bot may write to.
func (r *rig) hello() {
	r.t.Helper()
	r.private.Say(r.anna, "/start")
	r.got("/start")
}

// got waits for a message with the text and returns it.
func (r *rig) got(text string) bot.Message {
	r.t.Helper()
	var found bot.Message
	within(r.t, "the message "+text, func() bool {
		for _, m := range r.in.all() {
			if m.Text == text {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (r *rig) to(c *telegramtest.Chat) bot.Thread { return thread(c.ID(), 0) }

// send posts to Anna and wants success.
func (r *rig) send(post bot.Post) bot.Receipt {
	r.t.Helper()
	return r.sendTo(bot.Outgoing{Thread: r.to(r.private), Post: post})
}

func (r *rig) sendTo(out bot.Outgoing) bot.Receipt {
	r.t.Helper()
	receipt, err := r.a.Send(r.t.Context(), out)
	if err != nil {
		r.t.Fatalf("Send: %v", err)
	}
	return receipt
}

// failed sends and wants an error.
func (r *rig) failed(out bot.Outgoing) *bot.SendError {
	r.t.Helper()
	receipt, err := r.a.Send(r.t.Context(), out)
	var se *bot.SendError
	if !errors.As(err, &se) {
		r.t.Fatalf("Send = %v, %v; want a *bot.SendError", receipt, err)
	}
	return se
}

func (r *rig) state(fragment string) {
	r.t.Helper()
	within(r.t, "the state "+fragment, func() bool { return strings.Contains(r.a.Health().State, fragment) })
}

func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !cond(); time.Sleep(time.Millisecond) { // between two looks
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", deadline, what)
		}
	}
}

// recorder is an inbox that remembers.
type recorder struct {
	mu       sync.Mutex
	messages []bot.Message
	moves    []bot.Move
	cursor   string
	fail     error
	untaken  bool
	notice   string
}

func (in *recorder) Accept(_ context.Context, b bot.Batch) ([]bot.Ack, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fail != nil {
		return nil, in.fail
	}
	in.cursor = b.Cursor
	in.messages = append(in.messages, b.Messages...)
	in.moves = append(in.moves, b.Moves...)
	acks := make([]bot.Ack, len(b.Messages))
	for i := range acks {
		acks[i] = bot.Ack{Taken: !in.untaken, Notice: in.notice}
	}
	return acks, nil
}

func (in *recorder) Cursor(context.Context, string) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.cursor, in.fail
}

func (in *recorder) all() []bot.Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

func (in *recorder) set(f func(*recorder)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	f(in)
}

// logBook keeps what was logged.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
