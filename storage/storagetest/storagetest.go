// Package storagetest says in tests what bot.Store promises. Whatever
// implements it passes Run.
package storagetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chapi/bot"
)

// rule is one promise, and how to see that it is kept.
type rule struct {
	says  string
	check func(s store)
}

// Run checks every rule on an empty store of its own, several at once. open
// makes one that is closed when its test ends.
func Run(t *testing.T, open func(t *testing.T) bot.Store) {
	for _, r := range slices.Concat(ledgerRules, outboxRules, progressRules, sessionRules, grantRules, settingRules, seriesRules, scheduleRules, holdingRules, alertRules, pruneRules) {
		t.Run(r.says, func(t *testing.T) {
			t.Parallel()
			r.check(store{T: t, Store: open(t)})
		})
	}
}

// store is a store under test: what it refuses ends the test.
type store struct {
	*testing.T
	bot.Store
}

// Places and people of the tests.
var (
	room  = bot.Thread{Adapter: "net", Chat: "100"}
	topic = bot.Thread{Adapter: "net", Chat: "100", Topic: "7"}
	other = bot.Thread{Adapter: "net", Chat: "200"}
	ada   = bot.Account{Adapter: "net", User: "1"}
	bob   = bot.Account{Adapter: "net", User: "2"}
)

func (s store) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s store) wantErr(got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("got error %v, want %v", got, want)
	}
}

// same compares; times are the same when they name the same microsecond, and
// no elements are the same as none.
func (s store) same(what string, got, want any) {
	s.Helper()
	sameTime := cmp.Comparer(func(a, b time.Time) bool {
		return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond))
	})
	if diff := cmp.Diff(want, got, sameTime, cmpopts.EquateEmpty()); diff != "" {
		s.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// filled checks that a value which is to come back has something in every
// field, so that one which is added to the type is not forgotten here.
func (s store) filled(v any, except ...string) {
	s.Helper()
	value := reflect.ValueOf(v)
	for i := range value.NumField() {
		name := value.Type().Field(i).Name
		if value.Field(i).IsZero() && !slices.Contains(except, name) {
			s.Fatalf("%T.%s is empty: this test does not see whether it is kept", v, name)
		}
	}
}

// accept takes entries in and returns what became of them.
func (s store) accept(entries ...bot.Entry) []bot.Entered {
	s.Helper()
	became, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Entries: entries})
	s.must(err)
	return became
}

// call accepts a new call of the command and returns it.
func (s store) call(command string) bot.Call {
	s.Helper()
	c := bot.Call{
		ID: s.NewCall(), Command: command, Message: "5", Text: "/" + command,
		Claim: bot.Claim{Account: ada, Name: "Ada", Thread: topic},
	}
	s.accept(bot.Entry{Key: fmt.Sprintf("message of call %d", c.ID), Call: &c})
	return c
}

// read is the call as it is stored.
func (s store) read(id bot.CallID) bot.Call {
	s.Helper()
	c, err := s.Call(s.Context(), id)
	s.must(err)
	return c
}

// say is a delivery of plain text into a slot.
func say(th bot.Thread, slot bot.Slot, text string) bot.Delivery {
	return bot.Delivery{Thread: th, Slot: slot, Post: bot.Plainf("%s", text)}
}

func (s store) put(ds ...bot.Delivery) {
	s.Helper()
	s.must(s.Put(s.Context(), ds...))
}

// next is the text delivery that is to be sent now; there must be one.
func (s store) next(room bot.Thread) bot.Delivery {
	s.Helper()
	d, _, ok, err := s.Next(s.Context(), room, false, time.Now())
	s.must(err)
	if !ok {
		s.Fatalf("nothing to send in %s", room)
	}
	return d
}

// nothing checks that no text delivery is to be sent now, and returns when
// there will be one.
func (s store) nothing(room bot.Thread) time.Time {
	s.Helper()
	d, at, ok, err := s.Next(s.Context(), room, false, time.Now())
	s.must(err)
	if ok {
		s.Fatalf("to be sent in %s is %q, want nothing", room, d.Post)
	}
	return at
}

// attempt records an attempt on what is next in the room.
func (s store) attempt(room bot.Thread) bot.Delivery {
	s.Helper()
	d := s.next(room)
	s.must(s.Attempt(s.Context(), d.ID, "mark"))
	return d
}

func (s store) settle(d bot.Delivery, r bot.Result) {
	s.Helper()
	s.must(s.Settle(s.Context(), d, r))
}

// send has the network take what is next in the room, as the message.
func (s store) send(room bot.Thread, message bot.MessageID) bot.Delivery {
	s.Helper()
	d := s.attempt(room)
	s.settle(d, sent(message))
	return d
}

func sent(message bot.MessageID) bot.Result {
	return bot.Result{Receipt: &bot.Receipt{Message: message, At: time.Now()}}
}

// drain sends all text of the room and returns it in order.
func (s store) drain(room bot.Thread) []string {
	s.Helper()
	var texts []string
	for {
		_, _, ok, err := s.Next(s.Context(), room, false, time.Now())
		s.must(err)
		if !ok {
			return texts
		}
		d := s.send(room, bot.MessageID(fmt.Sprintf("drained %d", len(texts))))
		texts = append(texts, d.Post.String())
	}
}

// session creates one.
func (s store) session(id bot.SessionID) bot.Session {
	s.Helper()
	ss := bot.Session{
		ID: id, Title: "sleep 1", Claim: bot.Claim{Account: ada, Thread: topic}, Person: "ada",
		Thread: topic, Root: bot.MessageID("root " + id), Argv: []string{"sleep", "1"}, Dir: "/", Started: time.Now(),
		Progress: bot.Progress{Page: 1},
	}
	s.must(s.Create(s.Context(), ss))
	return ss
}

func (s store) readSession(id bot.SessionID) bot.Session {
	s.Helper()
	ss, err := s.Session(s.Context(), id)
	s.must(err)
	return ss
}
