package storagetest

import (
	"time"

	"chapi/bot"
)

// aHolding has something in every field.
func aHolding(resource string) bot.Holding {
	who := bot.Claim{Account: ada, Name: "Ada", Thread: topic, Title: "Lab", Direct: true, Origin: bot.Edited}
	return bot.Holding{
		Resource: resource,
		Lease:    bot.Lease{Person: "ada", Claim: who, Message: "5", Since: time.Now(), Until: time.Now().Add(time.Hour)},
		Sessions: []bot.SessionID{"7"},
		Queue:    []bot.Waiter{{Person: "bob", Claim: who, Message: "6", For: time.Minute, Call: 8}},
	}
}

var holdingRules = []rule{
	{"a holding is kept as it was written, and forgotten when it is free", func(s store) {
		_, err := s.Holding(s.Context(), "car")
		s.wantErr(err, bot.ErrNotFound)
		want := aHolding("car")
		s.filled(want, "Revision")
		s.filled(want.Lease)
		s.filled(want.Queue[0])
		s.must(s.SetHolding(s.Context(), want, 9, say(room, "a", "yours")))
		s.must(s.SetHolding(s.Context(), aHolding("arm"), 9))
		want.Revision = 1
		got := s.holding("car")
		s.same("holding", got, want)
		all, err := s.Holdings(s.Context())
		s.must(err)
		s.same("first by name", all[0].Resource, "arm")
		s.same("held", len(all), 2)
		got.Lease = bot.Lease{}
		s.must(s.SetHolding(s.Context(), got, 9, say(room, "b", "free")))
		_, err = s.Holding(s.Context(), "car")
		s.wantErr(err, bot.ErrNotFound)
		s.same("said", s.drain(room), []string{"yours", "free"})
	}},

	{"a holding that was written meanwhile is not written over, and nothing is said", func(s store) {
		s.must(s.SetHolding(s.Context(), aHolding("car"), 9))
		s.wantErr(s.SetHolding(s.Context(), aHolding("car"), 9, say(room, "a", "twice")), bot.ErrChanged)
		old := s.holding("car")
		s.must(s.SetHolding(s.Context(), old, 9))
		s.same("revision", s.holding("car").Revision, old.Revision+1)
		s.wantErr(s.SetHolding(s.Context(), old, 9, say(room, "b", "late")), bot.ErrChanged)
		old.Lease = bot.Lease{}
		s.wantErr(s.SetHolding(s.Context(), old, 9, say(room, "c", "late")), bot.ErrChanged)
		s.nothing(room)
	}},

	{"no more resources are held than may be", func(s store) {
		s.must(s.SetHolding(s.Context(), aHolding("car"), 1))
		s.wantErr(s.SetHolding(s.Context(), aHolding("arm"), 1), bot.ErrFull)
		s.must(s.SetHolding(s.Context(), s.holding("car"), 1))
	}},

	{"who holds and who waits follows their group", func(s store) {
		s.must(s.SetHolding(s.Context(), aHolding("car"), 9))
		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Moves: []bot.Move{{From: room, To: other}}})
		s.must(err)
		got := s.holding("car")
		want := bot.Thread{Adapter: "net", Chat: "200", Topic: "7"}
		s.same("holder", got.Lease.Claim.Thread, want)
		s.same("waiter", got.Queue[0].Claim.Thread, want)
		s.same("messages", got.Lease.Message+got.Queue[0].Message, bot.MessageID(""))
	}},
}

func (s store) holding(resource string) bot.Holding {
	s.Helper()
	h, err := s.Holding(s.Context(), resource)
	s.must(err)
	return h
}
