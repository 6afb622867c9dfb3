package bot_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

// workshop is a device with something to share.
type workshop struct {
	*device
	*bot.Leases
}

func newWorkshop(t *testing.T) workshop {
	d := newDevice(t)
	d.policy.Set([]bot.Person{annPerson, bobPerson, catPerson}, []bot.Chat{labChat})
	l := bot.NewLeases()
	l.Policy, l.Store, l.Deliver, l.Logger, l.Now = d.policy, d.store, d.deliver, slog.New(slog.DiscardHandler), d.clock
	l.Resources = []bot.Resource{{Name: "Robot", Max: time.Hour}}
	return workshop{d, l}
}

var (
	catAccount = bot.Account{Adapter: "net", User: "3"}
	catPerson  = bot.Person{Name: "cat", Role: bot.User, Accounts: []bot.Account{catAccount}}
)

func (w workshop) call(a bot.Account) bot.Call { return bot.Call{Claim: w.claim(a), Message: "5"} }

func (w workshop) lock(a bot.Account, name string, d time.Duration) error {
	_, err := w.Lock(w.Context(), w.principal(a), w.call(a), name, d)
	return err
}

func (w workshop) queue(a bot.Account, name string) {
	w.Helper()
	_, err := w.Queue(w.Context(), w.principal(a), w.call(a), name, 0, false)
	w.must(err)
}

func (w workshop) unlock(a bot.Account, name, to string, force bool) error {
	_, err := w.Unlock(w.Context(), w.principal(a), name, to, force)
	return err
}

func (w workshop) refused(err error, want string) {
	w.Helper()
	var said *bot.UserError
	if !errors.As(err, &said) || !strings.Contains(said.Text, want) {
		w.Fatalf("got %v, want a refusal with %q", err, want)
	}
}

func (w workshop) pass(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	_, err := w.Sweep(w.Context())
	w.must(err)
}

// holder checks who has it; "" is nobody.
func (w workshop) holder(name, want string) bot.Holding {
	w.Helper()
	h, err := w.store.Holding(w.Context(), name)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
		w.Fatal(err)
	}
	if h.Lease.Person != want {
		w.Fatalf("%s is %q's, want %q", name, h.Lease.Person, want)
	}
	return h
}

func TestOnePersonAtATimeHoldsIt(t *testing.T) {
	w := newWorkshop(t)
	w.must(w.lock(bobAccount, "car", 0))
	w.refused(w.lock(catAccount, "car", 0), "car is bob's, until")
	w.refused(w.unlock(catAccount, "car", "", false), "They can give it back; an owner can break that")
	w.must(w.unlock(bobAccount, "car", "", false))
	w.refused(w.unlock(bobAccount, "car", "", false), "Nobody holds car")
	w.must(w.lock(catAccount, "car", 0))
	w.holder("car", "cat")
	w.hears(lab)
}

func TestItGoesToTheNextInLineWhoIsTold(t *testing.T) {
	w := newWorkshop(t)
	w.must(w.lock(bobAccount, "car", 10*time.Minute))
	w.queue(catAccount, "car")
	w.queue(annAccount, "car")
	posts := w.hears(lab, "bob: cat waits for car, which is yours until", "bob: ann waits for car")
	if b := posts[0].Keyboard; b == nil || b.Only != bobAccount || b.Rows[0][0].Label != "Hand over to cat" {
		t.Errorf("bob's buttons are %+v", b)
	}
	w.refused(w.lock(bobAccount, "car", 0), "cannot be prolonged: In line: cat, ann")
	w.pass(9 * time.Minute)
	w.holder("car", "bob")
	w.hears(lab)
	w.pass(time.Minute)
	w.pass(0)
	w.holder("car", "cat")
	w.hears(lab, "cat: car is yours until", "bob: your time with car is over. It is cat's now.")
	w.pass(bot.LeaseUsual)
	w.holder("car", "ann")
	w.pass(bot.LeaseUsual)
	w.holder("car", "")
	w.hears(lab, "ann: car is yours", "cat: your time", "ann: your time with car is over.")
}

func TestItIsHandedToWhoIsNamed(t *testing.T) {
	w := newWorkshop(t)
	w.must(w.lock(bobAccount, "car", 0))
	w.queue(catAccount, "car")
	w.queue(annAccount, "car")
	w.refused(w.unlock(bobAccount, "car", "eve", false), "eve is not in line for car. In line: cat, ann.")
	w.must(w.unlock(bobAccount, "car", "ann", false))
	h := w.holder("car", "ann")
	if len(h.Queue) != 1 || h.Queue[0].Person != "cat" {
		t.Errorf("in line are %+v, want cat", h.Queue)
	}
	w.must(w.Leave(t.Context(), w.principal(catAccount), "car"))
	w.must(w.unlock(annAccount, "car", "", false))
	w.holder("car", "")
}

func TestOwnersBreakIt(t *testing.T) {
	w := newWorkshop(t)
	w.must(w.lock(bobAccount, "car", 0))
	w.refused(w.unlock(annAccount, "car", "", false), "/unlock --break car")
	w.must(w.unlock(annAccount, "car", "", true))
	w.holder("car", "")
	w.hears(lab, "bob: ann took car away from you.")
}

func TestAResourceHasItsBound(t *testing.T) {
	w := newWorkshop(t)
	w.refused(w.lock(bobAccount, "robot", 2*time.Hour), "Robot can be held for 1h at most")
	w.must(w.lock(bobAccount, "ROBOT", 50*time.Minute))
	w.holder("Robot", "bob")
	w.now = w.now.Add(30 * time.Minute)
	w.refused(w.lock(bobAccount, "robot", 40*time.Minute), "at most, and yours began at")
	w.must(w.lock(bobAccount, "robot", 30*time.Minute))
	w.refused(w.lock(bobAccount, "a b", 0), "cannot be locked")
	w.refused(w.lock(bobAccount, "../x", 0), "cannot be locked")
}

func TestWhoIsTakenOffTheListGetsNothing(t *testing.T) {
	w := newWorkshop(t)
	w.must(w.lock(bobAccount, "car", 10*time.Minute))
	w.queue(catAccount, "car")
	w.queue(annAccount, "car")
	w.said(lab)
	w.policy.Set([]bot.Person{annPerson}, []bot.Chat{labChat})
	w.pass(10 * time.Minute)
	w.holder("car", "ann")
	w.hears(lab, "ann: car is yours")
}

func TestASessionHoldsItWhileItRuns(t *testing.T) {
	w := newWorkshop(t)
	sessions := &bot.Sessions{Store: w.store, Deliver: w.deliver, Leases: w.Leases, Logger: slog.New(slog.DiscardHandler), Runner: noRunner{}}
	open := func(a bot.Account, wait bool) (bot.Call, error) {
		c := w.call(a)
		c.ID, c.Command, c.Text = w.store.NewCall(), "run", "/run --lock car x"
		_, err := w.store.Accept(t.Context(), bot.Intake{Adapter: "net", Entries: []bot.Entry{{Key: fmt.Sprint(c.ID), Call: &c}}})
		w.must(err)
		w.must(w.store.Begin(t.Context(), c.ID, true))
		_, err = sessions.Open(t.Context(), c, w.principal(a), bot.Opening{Title: "x", Lock: "car", Wait: wait})
		return c, err
	}
	first, err := open(bobAccount, false)
	w.must(err)
	w.holder("car", "bob")
	w.pass(100 * time.Hour) // the call has not finished yet
	w.holder("car", "bob")
	w.must(w.store.Finish(t.Context(), first.ID, bot.Done, ""))
	w.pass(100 * time.Hour)
	w.holder("car", "bob")
	w.refused(w.unlock(bobAccount, "car", "", false), "/stop "+string(first.ID.Session()))

	_, err = open(catAccount, false)
	w.refused(err, "car is bob's, while session 1 runs. /queue car")
	waiting, err := open(catAccount, true)
	w.refused(err, "You are number 1 in line; when it is yours there is a button here")
	second, err := open(bobAccount, false) // the holder's own
	w.must(err)
	w.must(w.store.Finish(t.Context(), second.ID, bot.Done, ""))
	w.said(lab)

	w.must(w.store.End(t.Context(), first.ID.Session(), bot.Exit{Reason: bot.Exited, At: time.Now()}))
	w.pass(0)
	w.holder("car", "bob") // the second runs
	w.must(w.store.End(t.Context(), second.ID.Session(), bot.Exit{Reason: bot.Exited, At: time.Now()}))
	w.pass(0)
	w.holder("car", "cat")
	posts := w.said(lab)
	if b := posts[len(posts)-2].Keyboard; b == nil || b.Only != catAccount || b.Rows[0][0].Repeat != waiting.ID {
		t.Errorf("cat is offered %+v, want to run call %d", b, waiting.ID)
	}
}

func TestAStartThatFailsHoldsNothing(t *testing.T) {
	w := newWorkshop(t)
	sessions := &bot.Sessions{Store: w.store, Deliver: w.deliver, Leases: w.Leases, Logger: slog.New(slog.DiscardHandler), Runner: noRunner{refuses: true}}
	c := w.call(bobAccount)
	c.ID, c.Command = w.store.NewCall(), "run"
	_, err := w.store.Accept(t.Context(), bot.Intake{Adapter: "net", Entries: []bot.Entry{{Key: "k", Call: &c}}})
	w.must(err)
	if _, err := sessions.Open(t.Context(), c, w.principal(bobAccount), bot.Opening{Lock: "car"}); err == nil {
		t.Fatal("it started")
	}
	w.must(w.store.Finish(t.Context(), c.ID, bot.Failed, ""))
	w.pass(0)
	w.holder("car", "")
	w.hears(lab)
}
