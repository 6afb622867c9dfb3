package bot_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

// device is the stages around real storage, with a clock that the test sets and
// a network that goes nowhere. Nothing of it runs by itself.
type device struct {
	*testing.T
	store     *storage.DB
	policy    *bot.Policy
	parser    *bot.Parser
	deliver   *bot.Deliverer
	dispatch  *bot.Dispatcher
	reception *bot.Reception
	now       time.Time
}

// network is an adapter that knows private chats.
type network struct{}

func (network) Name() string                                            { return "net" }
func (network) Limits(bot.Thread) bot.Limits                            { return bot.Limits{Text: 4000, Foreground: true} }
func (network) Run(context.Context, bot.Inbox) error                    { return nil }
func (network) Direct(u bot.UserID) bot.Thread                          { return direct(u) }
func (network) Send(context.Context, bot.Outgoing) (bot.Receipt, error) { panic("nothing is sent") }

func direct(u bot.UserID) bot.Thread {
	return bot.Thread{Adapter: "net", Chat: bot.ChatID("private " + u)}
}

var (
	annAccount = bot.Account{Adapter: "net", User: "1"}
	bobAccount = bot.Account{Adapter: "net", User: "2"}
	lab        = bot.Thread{Adapter: "net", Chat: "lab"}

	annPerson = bot.Person{Name: "ann", Role: bot.Owner, Accounts: []bot.Account{annAccount}}
	bobPerson = bot.Person{Name: "bob", Role: bot.User, Accounts: []bot.Account{bobAccount}}
	labChat   = bot.Chat{Name: "lab", Room: lab}
)

func newDevice(t *testing.T) *device {
	t.Helper()
	store, err := storage.Open(t.Context(), t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	d := &device{T: t, store: store, policy: &bot.Policy{}, now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	d.policy.Set([]bot.Person{annPerson, bobPerson}, []bot.Chat{labChat})
	log := slog.New(slog.DiscardHandler)
	d.parser = bot.NewParser([]bot.Command{
		{Name: "beep", Role: bot.User, Effect: bot.Changes, Args: []bot.Arg{{Name: "n", Kind: bot.ArgText}}},
		{Name: "look", Role: bot.Viewer},
		{Name: "operate", Role: bot.Operator, Effect: bot.Changes},
		{Name: "reboot", Role: bot.User, Effect: bot.Ends},
	}, func(s string) ([]string, error) { return strings.Fields(s), nil })
	d.deliver = &bot.Deliverer{Outbox: store, Ledger: store, Adapters: map[string]bot.Adapter{"net": network{}}, Logger: log}
	sessions := &bot.Sessions{Store: store, Deliver: d.deliver, Logger: log}
	d.dispatch = &bot.Dispatcher{Policy: d.policy, Parser: d.parser, Store: store, Session: sessions, Deliver: d.deliver, Device: "pi", Logger: log}
	d.reception = &bot.Reception{
		Policy: d.policy, Parser: d.parser, Store: store, Session: sessions, Dispatch: d.dispatch, Deliver: d.deliver, Device: "pi", Logger: log,
	}
	return d
}

func (d *device) clock() time.Time { return d.now }

func (d *device) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// claim is bob in the lab, or ann.
func (d *device) claim(a bot.Account) bot.Claim {
	return bot.Claim{Account: a, Name: "somebody", Thread: lab}
}

func (d *device) principal(a bot.Account) bot.Principal {
	d.Helper()
	p, err := d.policy.Authorize(d.claim(a))
	d.must(err)
	return p
}

// calls is the texts of all calls, oldest first.
func (d *device) calls() (texts []string) {
	d.Helper()
	all, err := d.store.Calls(d.Context(), bot.CallFilter{Limit: 1000})
	d.must(err)
	for _, c := range all {
		texts = append([]string{c.Text}, texts...)
	}
	return texts
}

// said takes what is to be said in a room out of the outbox, as if it were
// sent.
func (d *device) said(room bot.Thread) (posts []bot.Post) {
	d.Helper()
	for {
		next, _, ok, err := d.store.Next(d.Context(), room, false, time.Now())
		d.must(err)
		if !ok {
			return posts
		}
		posts = append(posts, next.Post)
		d.must(d.store.Settle(d.Context(), next, bot.Result{Receipt: &bot.Receipt{Message: bot.MessageID(bot.NewHandle()), At: time.Now()}}))
	}
}

// hears checks that exactly these were said in a room since, by a part of each.
func (d *device) hears(room bot.Thread, parts ...string) []bot.Post {
	d.Helper()
	posts := d.said(room)
	fits := len(posts) == len(parts)
	for i := 0; fits && i < len(parts); i++ {
		fits = strings.Contains(posts[i].String(), parts[i])
	}
	if !fits {
		d.Fatalf("%s hears %q, want %q", room, posts, parts)
	}
	return posts
}

// noRunner starts what runs forever, or refuses to.
type noRunner struct {
	bot.Runner
	refuses bool
}

func (r noRunner) Start(context.Context, bot.SessionID, bot.Spec) error {
	if r.refuses {
		return &bot.StartError{Text: "no such program"}
	}
	return nil
}
