package discord

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

// TestMain looks for goroutines that are left. Those of the library end a
// second after it has been told goodbye. One whose session waits for itself
// cannot be ended: it is abandoned, and stays until the process ends. Two tests
// make that happen.
func TestMain(m *testing.M) {
	// The tests wait for the library's sleeps more than for the processor.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := m.Run()
	var left error
	for end := time.Now().Add(time.Minute); code == 0 && time.Now().Before(end); {
		left = goleak.Find(
			goleak.IgnoreAnyFunction("github.com/bwmarrin/discordgo.(*Session).Open"))
		if left == nil {
			break
		}
	}
	if left != nil {
		fmt.Fprintln(os.Stderr, left)
		code = 1
	}
	os.Exit(code)
}

// createMessage is the server's name of the call that posts.
const createMessage = "createMessage"

const deadline = time.Minute

// quick is timing for tests.
var quick = Timing{
	Call:     2 * time.Second,
	Stall:    2 * time.Second,
	Repost:   10 * time.Millisecond,
	Open:     3 * time.Second,
	Abandon:  500 * time.Millisecond,
	Silence:  3 * time.Second,
	RetryMin: 20 * time.Millisecond,
	RetryMax: 100 * time.Millisecond,
	Refused:  100 * time.Millisecond,
	Identify: time.Millisecond,
}

// rig is an adapter, a server and two people with a channel on a guild.
type rig struct {
	t          *testing.T
	srv        *discordtest.Server
	anna, bert *discordtest.User
	guild      *discordtest.Guild
	general    *discordtest.Channel
	dm         *discordtest.Channel // Anna's
	a          *Adapter
	in         *recorder
	logs       *logBook
}

// newRig is for one test, which runs beside others. The conformance tests run
// alone: they take the server away, and its port could become another's.
func newRig(t *testing.T, opts discordtest.Options, change ...func(*Config)) *rig {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestConformance") {
		t.Parallel()
	}
	if opts.HeartbeatInterval == 0 {
		opts.HeartbeatInterval = time.Second
	}
	srv := discordtest.New(opts)
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	r := &rig{t: t, srv: srv, in: &recorder{}, logs: &logBook{}}
	r.anna = srv.AddUser(200000000000000005, "anna", discordtest.Global("Anna"))
	r.bert = srv.AddUser(200000000000000006, "bert")
	r.guild = srv.AddGuild(300000000000000001, "Home", r.anna, r.bert)
	r.general = r.guild.AddChannel(300000000000000002, "general", discordtest.TextChannel)
	r.dm = srv.DM(r.anna)
	r.a = r.adapter(change...)
	t.Cleanup(func() { r.a.client.closeIdle() })
	// The server serves, before a test takes it away.
	if err := r.a.client.call(t.Context(), request{method: "GET", route: "gateway"}, nil); err != nil {
		t.Fatal(err)
	}
	r.a.client.closeIdle()
	t.Cleanup(func() {
		if _, secret, _ := strings.Cut(srv.Token(), "."); strings.Contains(r.logs.String(), secret) {
			t.Error("the token is in the log")
		}
	})
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
	a.budget.spans = nil
	return a
}

// start runs the adapter and waits until it is connected; stop ends it and
// wants no error.
func (r *rig) start() (stop func()) {
	stop = r.run(r.a, r.in)
	r.connected()
	return stop
}

func (r *rig) connected() {
	r.t.Helper()
	within(r.t, "the gateway", func() bool { return strings.HasPrefix(r.a.Health().State, connected) && r.srv.Connected() })
}

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

// to is the core's name of a channel.
func (r *rig) to(c *discordtest.Channel) bot.Thread {
	switch {
	case c == r.dm:
		return r.a.Direct(bot.UserID(r.anna.ID.String()))
	case c.Parent() != nil:
		return bot.Thread{Adapter: Name, Chat: bot.ChatID(c.Parent().ID().String()), Topic: bot.TopicID(c.ID().String())}
	default:
		return bot.Thread{Adapter: Name, Chat: bot.ChatID(c.ID().String())}
	}
}

// send posts to the general channel and wants success.
func (r *rig) send(post bot.Post) bot.Receipt {
	r.t.Helper()
	return r.sendTo(bot.Outgoing{Thread: r.to(r.general), Post: post})
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

// up brings the server back. Its port may be in use for a moment, by a
// connection of some other test on the machine.
func (r *rig) up() {
	r.t.Helper()
	within(r.t, "the server's port", func() bool { return r.srv.Up() == nil })
}

func text(s string) bot.Post { return bot.Plainf("%s", s) }

func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !cond(); time.Sleep(time.Millisecond) { // between two looks
		if time.Now().After(end) {
			t.Fatalf("waited %v for %s", deadline, what)
		}
	}
}

// recorder is an inbox that remembers. Like the real one it records each key
// once.
type recorder struct {
	mu       sync.Mutex
	messages []bot.Message
	offered  int
	cursor   string
	fail     error
	untaken  bool
	notice   string
}

func (in *recorder) Accept(_ context.Context, b bot.Batch) ([]bot.Ack, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.offered += len(b.Messages)
	if in.fail != nil {
		return nil, in.fail
	}
	if b.Cursor != "" {
		in.cursor = b.Cursor
	}
	acks := make([]bot.Ack, len(b.Messages))
	for i, m := range b.Messages {
		acks[i] = bot.Ack{Taken: !in.untaken && m.Origin == bot.Original, Notice: in.notice}
		if !slices.ContainsFunc(in.messages, func(known bot.Message) bool { return known.Key == m.Key }) {
			in.messages = append(in.messages, m)
		}
	}
	return acks, nil
}

func (in *recorder) Cursor(context.Context, string) (string, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.cursor, in.fail
}

// place is the cursor that was recorded last.
func (in *recorder) place() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.cursor
}

func (in *recorder) all() []bot.Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.messages)
}

func (in *recorder) texts() []string {
	var texts []string
	for _, m := range in.all() {
		texts = append(texts, m.Text)
	}
	return texts
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
