package storagetest

import (
	"time"

	"chapi/bot"
)

// aSchedule has something in every field.
func aSchedule() bot.Schedule {
	return bot.Schedule{
		Claim:  bot.Claim{Account: ada, Name: "Ada", Thread: topic, Title: "Lab", Direct: true, Origin: bot.Edited},
		Person: "ada", Message: "5", Line: "sh date",
		Timing: bot.Timing{Every: time.Minute, Hour: 7, Minute: 30, Days: 3}, Missed: bot.MissedAsk,
		State: bot.ScheduleOn, Due: time.Now().Add(time.Hour), Last: 4, Made: time.Now(),
	}
}

var scheduleRules = []rule{
	{"a schedule is kept as it was made, under a number of its own", func(s store) {
		want := aSchedule()
		want.ID = s.schedule(want)
		s.filled(want, "State")
		got, err := s.Schedule(s.Context(), want.ID)
		s.must(err)
		s.same("schedule", got, want)
		second := s.schedule(aSchedule())
		s.must(s.RemoveSchedule(s.Context(), second))
		s.must(s.RemoveSchedule(s.Context(), second))
		_, err = s.Schedule(s.Context(), second)
		s.wantErr(err, bot.ErrNotFound)
		if third := s.schedule(aSchedule()); third <= second {
			s.Fatalf("number %d was used again as %d", second, third)
		}
	}},

	{"nobody has more schedules than there may be", func(s store) {
		s.schedule(aSchedule())
		_, err := s.AddSchedule(s.Context(), aSchedule(), 1)
		s.wantErr(err, bot.ErrFull)
		bobs := aSchedule()
		bobs.Person = "bob"
		_, err = s.AddSchedule(s.Context(), bobs, 1)
		s.must(err)
	}},

	{"schedules are found by room, person and state", func(s store) {
		first := s.schedule(aSchedule())
		elsewhere := aSchedule()
		elsewhere.Claim.Thread, elsewhere.Person = other, "bob"
		second := s.schedule(elsewhere)
		paused := aSchedule()
		paused.State = bot.SchedulePaused
		third := s.schedule(paused)
		ids := func(f bot.ScheduleFilter) (ids []bot.ScheduleID) {
			all, err := s.Schedules(s.Context(), f)
			s.must(err)
			for _, one := range all {
				ids = append(ids, one.ID)
			}
			return ids
		}
		s.same("all", ids(bot.ScheduleFilter{}), []bot.ScheduleID{first, second, third})
		s.same("room", ids(bot.ScheduleFilter{Room: room}), []bot.ScheduleID{first, third})
		s.same("person", ids(bot.ScheduleFilter{Person: "bob"}), []bot.ScheduleID{second})
		s.same("on", ids(bot.ScheduleFilter{On: true}), []bot.ScheduleID{first, second})
		s.must(s.SetSchedule(s.Context(), third, bot.ScheduleOn, time.Now()))
		s.same("on then", ids(bot.ScheduleFilter{On: true}), []bot.ScheduleID{first, second, third})
	}},

	{"an occurrence is recorded once, with its call, and moves the schedule on", func(s store) {
		made := aSchedule()
		made.ID = s.schedule(made)
		next := made.Due.Add(time.Minute)
		turn := func(key string, id bot.CallID, due, next time.Time) bot.Entered {
			call := bot.Call{ID: id, Command: "sh", Claim: made.Claim, Key: key}
			return s.accept(bot.Entry{
				Key: key, Call: &call, Say: []bot.Delivery{say(room, bot.Slot(key), key)},
				Turn: &bot.Turn{Schedule: made.ID, Due: due, Next: next, Call: id},
			})[0]
		}
		first, again, stale, last := s.NewCall(), s.NewCall(), s.NewCall(), s.NewCall()
		s.same("first", turn("one", first, made.Due, next), bot.Fresh)
		s.same("the same key", turn("one", again, next, next.Add(time.Minute)), bot.Seen)
		s.same("the same time under another key", turn("two", stale, made.Due, next), bot.Spent)
		got, err := s.Schedule(s.Context(), made.ID)
		s.must(err)
		want := made
		want.Due, want.Last = next, first
		s.same("schedule", got, want)
		s.same("its last time", turn("three", last, next, time.Time{}), bot.Fresh)
		_, err = s.Schedule(s.Context(), made.ID)
		s.wantErr(err, bot.ErrNotFound)
		s.read(first)
		s.read(last)
		for _, id := range []bot.CallID{again, stale} {
			_, err := s.Call(s.Context(), id)
			s.wantErr(err, bot.ErrNotFound)
		}
		s.same("said", s.drain(room), []string{"one", "three"})
	}},

	{"a schedule that is paused or switched off makes nothing", func(s store) {
		made := aSchedule()
		made.ID = s.schedule(made)
		next := made.Due.Add(time.Minute)
		off := bot.Entry{Key: "off", Turn: &bot.Turn{Schedule: made.ID, Due: made.Due, Next: next, Off: true}}
		s.same("off", s.accept(off), []bot.Entered{bot.Fresh})
		got, err := s.Schedule(s.Context(), made.ID)
		s.must(err)
		s.same("state", got.State, bot.ScheduleOff)
		s.same("last", got.Last, made.Last)
		s.same("then", s.accept(bot.Entry{Key: "then", Turn: &bot.Turn{Schedule: made.ID, Due: next, Next: next.Add(1)}}), []bot.Entered{bot.Spent})
	}},

	{"a schedule follows its group", func(s store) {
		id := s.schedule(aSchedule())
		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Moves: []bot.Move{{From: room, To: other}}})
		s.must(err)
		got, err := s.Schedule(s.Context(), id)
		s.must(err)
		s.same("thread", got.Claim.Thread, bot.Thread{Adapter: "net", Chat: "200", Topic: "7"})
		s.same("message", got.Message, bot.MessageID(""))
	}},
}

func (s store) schedule(made bot.Schedule) bot.ScheduleID {
	s.Helper()
	id, err := s.AddSchedule(s.Context(), made, 100)
	s.must(err)
	return id
}
