package bot_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

// timetable is a device with a scheduler.
type timetable struct {
	*device
	*bot.Scheduler
}

func newTimetable(t *testing.T) timetable {
	d := newDevice(t)
	s := bot.NewScheduler()
	s.Reception, s.Now = d.reception, d.clock
	return timetable{d, s}
}

// add makes bob's schedule.
func (tt timetable) add(line string, timing bot.Timing, missed bot.Missed) bot.Schedule {
	tt.Helper()
	s, err := tt.Add(tt.Context(), tt.principal(bobAccount), bot.Call{Claim: tt.claim(bobAccount), Message: "5"}, line, timing, missed)
	tt.must(err)
	return s
}

// pass lets time go by and looks.
func (tt timetable) pass(d time.Duration) {
	tt.Helper()
	tt.now = tt.now.Add(d)
	_, err := tt.Tick(tt.Context())
	tt.must(err)
}

// ran checks how many calls there are, and that each is of another occurrence.
func (tt timetable) ran(want int) {
	tt.Helper()
	all, err := tt.store.Calls(tt.Context(), bot.CallFilter{Limit: 1000})
	tt.must(err)
	keys := map[string]bool{}
	for _, c := range all {
		if keys[c.Key] {
			tt.Fatalf("%s made two calls", c.Key)
		}
		keys[c.Key] = true
	}
	if len(all) != want {
		tt.Fatalf("%d calls, want %d: %q", len(all), want, tt.calls())
	}
}

// done finishes every call, as the dispatcher does.
func (tt timetable) done() {
	tt.Helper()
	all, err := tt.store.Unfinished(tt.Context())
	tt.must(err)
	for _, c := range all {
		tt.must(tt.store.Finish(tt.Context(), c.ID, bot.Done, ""))
	}
}

var daily = bot.Timing{Hour: 12, Minute: 30, Days: 1<<7 - 1}

func TestWhatIsScheduledIsCalledInTimeAsItsMaker(t *testing.T) {
	tt := newTimetable(t)
	s := tt.add("beep 1", bot.Timing{Every: 10 * time.Minute}, bot.MissedRun)
	tt.pass(9 * time.Minute)
	tt.ran(0)
	tt.pass(time.Minute)
	tt.pass(0)
	tt.ran(1)
	c, err := tt.store.Calls(t.Context(), bot.CallFilter{})
	tt.must(err)
	if got := c[0]; !reflect.DeepEqual(got.Claim, s.Claim) || got.Text != "/beep 1" || got.Message != "5" || !strings.HasPrefix(got.Key, fmt.Sprintf("schedule/%d/", s.ID)) {
		t.Errorf("the call is %+v", got)
	}
	tt.done()
	tt.pass(10 * time.Minute)
	tt.ran(2)
	tt.hears(lab)
}

func TestOnceIsOnce(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep", bot.Timing{Hour: 12, Minute: 30}, bot.MissedRun)
	tt.pass(30 * time.Minute)
	tt.done()
	tt.pass(24 * time.Hour)
	tt.ran(1)
	left, err := tt.List(t.Context(), tt.principal(bobAccount), true)
	if err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestAPaceNeverCatchesUp(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep", bot.Timing{Every: 10 * time.Minute}, bot.MissedRun)
	tt.pass(50*time.Hour + 5*time.Minute)
	tt.ran(0)
	tt.pass(4 * time.Minute)
	tt.ran(0)
	tt.pass(time.Minute)
	tt.ran(1)
	tt.hears(lab)
}

func TestAMissedTimeOfDayFollowsItsRule(t *testing.T) {
	for _, c := range []struct {
		missed bot.Missed
		late   time.Duration
		runs   int
		hears  string
	}{
		{bot.MissedRun, 59 * time.Minute, 1, ""},
		{bot.MissedRun, 61 * time.Minute, 0, "was due at 2 Mar 12:30, while pi was away, and was left out: /beep"},
		{bot.MissedSkip, 30 * time.Second, 1, ""},
		{bot.MissedSkip, 2 * time.Minute, 0, "was left out"},
		{bot.MissedAsk, 2 * time.Minute, 1, "⏰ 1 was due 2 min ago, while pi was away"},
	} {
		t.Run(fmt.Sprint(c.missed, " ", c.late), func(t *testing.T) {
			tt := newTimetable(t)
			tt.add("beep", daily, c.missed)
			tt.pass(30*time.Minute + c.late)
			tt.ran(c.runs)
			if c.hears == "" {
				tt.hears(lab)
				return
			}
			post := tt.hears(lab, c.hears)[0]
			if post.Keyboard == nil || post.Keyboard.Only != bobAccount || !post.Keyboard.Once {
				t.Errorf("its buttons are %+v, want some for bob, once", post.Keyboard)
			}
			if waiting, err := tt.store.Unfinished(t.Context()); err != nil || len(waiting) != 0 {
				t.Errorf("%v is to be run, %v", waiting, err)
			}
			tt.pass(24 * time.Hour) // the next day it is in time
		})
	}
}

func TestWhoIsTakenOffTheListRunsNothingMore(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep", bot.Timing{Every: time.Minute}, bot.MissedRun)
	tt.policy.Set([]bot.Person{annPerson}, []bot.Chat{labChat})
	for range 5 {
		tt.pass(time.Minute)
	}
	tt.ran(0)
	tt.hears(lab)
	tt.hears(direct("1"), "⏰ 1 is off: “bob”, who made it, may not run it any more: /beep")

	// Back on the list, nothing goes on by itself.
	tt.policy.Set([]bot.Person{annPerson, bobPerson}, []bot.Chat{labChat})
	tt.pass(time.Minute)
	tt.ran(0)
	s, err := tt.Find(t.Context(), tt.principal(bobAccount), 1)
	tt.must(err)
	_, err = tt.Resume(t.Context(), s)
	tt.must(err)
	tt.pass(time.Minute)
	tt.ran(1)
}

func TestRightsAreThoseOfTheMoment(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep", bot.Timing{Every: time.Minute}, bot.MissedRun)
	less := bobPerson
	less.Role = bot.Viewer
	tt.policy.Set([]bot.Person{annPerson, less}, []bot.Chat{labChat})
	tt.pass(time.Minute)
	tt.pass(time.Minute)
	tt.ran(0)
	tt.hears(lab, "⏰ 1 is off: /beep needs the role user; you are viewer here")
}

func TestWhileTheLastRunGoesOnTheNextIsLeftOut(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep", bot.Timing{Every: time.Minute}, bot.MissedRun)
	for range 5 {
		tt.pass(time.Minute)
	}
	tt.ran(1)
	all, err := tt.store.Unfinished(t.Context())
	tt.must(err)
	session := bot.Session{ID: all[0].ID.Session(), Claim: all[0].Claim, Thread: lab, State: bot.Running, Started: time.Now()}
	tt.must(tt.store.Create(t.Context(), session))
	tt.done() // the call is, its session is not
	tt.pass(time.Minute)
	tt.ran(1)
	tt.must(tt.store.End(t.Context(), session.ID, bot.Exit{Reason: bot.Exited, At: time.Now()}))
	tt.pass(time.Minute)
	tt.ran(2)
}

func TestAClockThatIsSetRunsNothingTwiceAndMakesNoStorm(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep a-day", daily, bot.MissedRun)
	tt.add("beep a-pace", bot.Timing{Every: 10 * time.Minute}, bot.MissedRun)
	// An hour of life, minute by minute: 6 at the pace, 1 of the day.
	live := func(minutes int) {
		for range minutes {
			tt.pass(time.Minute)
			tt.done()
		}
	}
	live(60)
	tt.ran(7)
	tt.now = tt.now.Add(-40 * time.Minute) // back: 12:20
	live(40)                               // 12:30 comes once more
	if n := strings.Count(strings.Join(tt.calls(), " "), "a-day"); n != 1 {
		t.Fatalf("the day's ran %d times after the clock was set back", n)
	}
	before := len(tt.calls())
	if before > 7+4 {
		t.Fatalf("the pace made %d calls in 100 minutes", before-1)
	}
	tt.pass(5 * 365 * 24 * time.Hour) // far ahead
	tt.pass(0)
	tt.done()
	if n := len(tt.calls()); n > before {
		t.Fatalf("%d calls when the clock was set ahead, want none: all were missed", n-before)
	}
	tt.hears(lab, "was left out")
	tt.pass(-5 * 365 * 24 * time.Hour) // and back: neither waits for years
	before = len(tt.calls())
	live(24 * 60)
	if n := len(tt.calls()) - before; n < 100 || n > 146 {
		t.Fatalf("%d calls in a day after the clock was set right, want about 145", n)
	}
}

func TestOnlyWhatCanBeScheduledIs(t *testing.T) {
	tt := newTimetable(t)
	bob := tt.principal(bobAccount)
	for line, want := range map[string]string{
		"reboot":                             "/reboot ends me",
		"operate":                            "needs the role operator",
		"bep":                                "Did you mean /beep",
		"beep a b":                           "too much",
		"beep " + strings.Repeat("x", 1<<13): "8 kB of command",
	} {
		_, err := tt.Add(t.Context(), bob, bot.Call{Claim: tt.claim(bobAccount)}, line, daily, bot.MissedRun)
		var said *bot.UserError
		if !errors.As(err, &said) || !strings.Contains(said.Text, want) {
			t.Errorf("%.20q: got %v, want %q", line, err, want)
		}
	}
	if _, err := tt.Add(t.Context(), bob, bot.Call{Claim: tt.claim(bobAccount)}, "beep", bot.Timing{Every: 9 * time.Second}, bot.MissedRun); err == nil {
		t.Error("a pace of 9 s was taken")
	}
	for range 20 {
		tt.add("beep", daily, bot.MissedRun)
	}
	if _, err := tt.Add(t.Context(), bob, bot.Call{Claim: tt.claim(bobAccount)}, "beep", daily, bot.MissedRun); err == nil || !strings.Contains(err.Error(), "20 schedules") {
		t.Errorf("a 21st schedule: %v", err)
	}
}

func TestWhatRunsByItselfTakesNoText(t *testing.T) {
	tt := newTimetable(t)
	sessions := &bot.Sessions{Store: tt.store, Deliver: tt.deliver, Logger: tt.reception.Logger, Runner: noRunner{}}
	for i, key := range []string{"message", "schedule/1/2026-03-02T12:00:00Z"} {
		tt.must(tt.store.Set(t.Context(), lab.String(), "foreground", ""))
		c := bot.Call{ID: bot.CallID(i + 1), Key: key, Claim: tt.claim(bobAccount)}
		_, err := sessions.Open(t.Context(), c, tt.principal(bobAccount), bot.Opening{Title: "x"})
		tt.must(err)
		want := []string{"1", ""}[i]
		if got, err := tt.store.Setting(t.Context(), lab.String(), "foreground"); err != nil || got != want {
			t.Errorf("after a call by %s text goes to %q, want %q (%v)", key, got, want, err)
		}
	}
}

func TestATimeOfDayIsThatOfThePresentTimeZone(t *testing.T) {
	tt := newTimetable(t)
	tt.add("beep a-day", daily, bot.MissedRun)
	tt.add("beep once", bot.Timing{Hour: 12, Minute: 30}, bot.MissedRun)
	tt.now = tt.now.In(time.FixedZone("west", -2*60*60)) // 10:00 there
	tt.pass(0)
	tt.pass(149 * time.Minute)
	tt.ran(0)
	tt.pass(time.Minute)
	tt.ran(2)
	tt.done()
	tt.pass(24 * time.Hour)
	tt.ran(3)
}
