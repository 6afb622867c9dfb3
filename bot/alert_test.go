package bot_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

// readings are what the test says that is measured.
type readings map[string]bot.Reading

func (r readings) Latest(_ context.Context, name string) (bot.Reading, bool, error) {
	x, ok := r[name]
	return x, ok, nil
}

func (r readings) Names(context.Context) ([]string, error) { return slices.Sorted(maps.Keys(r)), nil }

// watch is a device with alerts.
type watch struct {
	*device
	*bot.Alerts
	readings readings
}

func newWatch(t *testing.T) *watch {
	w := &watch{device: newDevice(t), readings: readings{}}
	w.restart()
	return w
}

// restart has the alerts begin anew, as after the daemon's death.
func (w *watch) restart() {
	old := w.Alerts
	w.Alerts = &bot.Alerts{
		Policy: w.policy, Store: w.store, Deliver: w.deliver, Readings: w.readings,
		Repeat: time.Hour, Device: "pi", Logger: slog.New(slog.DiscardHandler), Now: w.clock,
	}
	if old != nil {
		w.Routes, w.Quiet = old.Routes, old.Quiet
	}
}

// reads has a value measured after a while, and looked at.
func (w *watch) reads(after time.Duration, name string, v float64) {
	w.Helper()
	w.now = w.now.Add(after)
	w.readings[name] = bot.Reading{Value: v, Unit: "%", At: w.now}
	w.must(w.Look(w.Context()))
	w.must(w.Look(w.Context())) // a second look tells nothing more
}

// add sets bob's alert in the lab.
func (w *watch) add(rule string) bot.Alert {
	w.Helper()
	a, err := w.Add(w.Context(), w.principal(bobAccount), bot.Call{Claim: w.claim(bobAccount)}, rule)
	w.must(err)
	return a
}

func TestAnAlertIsSaidOnceWhenItHasHeldForLongEnoughAndOnceWhenItIsOver(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 50)
	w.add("battery < 20% for 2m")
	w.reads(time.Minute, "battery", 19)
	w.reads(time.Minute, "battery", 21) // not for long enough
	w.reads(time.Minute, "battery", 19)
	w.reads(time.Minute, "battery", 18)
	w.hears(lab)
	w.reads(time.Minute, "battery", 17)
	post := w.hears(lab, "⚠ pi: battery is 17 %, below 20 %, for 2m")[0]
	if k := post.Keyboard; k == nil || k.Rows[0][0].Label != "Acknowledge" || k.Rows[0][1].Label != "Mute 2h" {
		t.Errorf("its buttons are %+v", k)
	}
	w.reads(time.Minute, "battery", 20.5) // above the limit, within the hysteresis
	w.reads(time.Minute, "battery", 19)
	w.reads(time.Minute, "battery", 20.9)
	w.hears(lab)
	w.reads(time.Minute, "battery", 21)
	posts := w.hears(lab, "✓ pi: battery is 21 % again, after 6 min.", "battery is 17 %, below 20 %, for 2m\n✓ over after 6 min")
	if posts[1].Keyboard != nil {
		t.Error("what is over has buttons")
	}
	w.reads(time.Hour, "battery", 90)
	w.hears(lab)
}

func TestARestartSaysNothingTwiceAndForgetsNothing(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 10)
	w.add("battery < 20%")
	w.add("battery < 15% for 2m")
	w.hears(lab, "below 20 %")
	w.restart()
	w.reads(time.Minute, "battery", 10)
	w.hears(lab) // the second has held for a minute so far
	w.restart()
	w.reads(time.Minute, "battery", 10)
	w.hears(lab, "below 15 %")
	w.restart()
	w.reads(time.Minute, "battery", 80)
	w.hears(lab, "✓ pi: battery is 80 %", "✓ pi: battery is 80 %", "over after", "over after")
}

func TestWhatWasNotLookedAtForLongDoesNotCount(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 10)
	w.add("battery < 20% for 2m")
	w.restart()
	w.reads(10*time.Minute, "battery", 10)
	w.hears(lab) // it may have been over meanwhile
	w.reads(2*time.Minute, "battery", 10)
	w.hears(lab, "below 20 %")
}

func TestItIsRepeatedUntilSomebodyAcknowledges(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "disk", 95)
	a := w.add("disk > 90% repeat 10m")
	w.hears(lab, "disk is 95 %, above 90 %")
	w.reads(9*time.Minute, "disk", 95)
	w.hears(lab)
	w.reads(time.Minute, "disk", 96)
	w.hears(lab, "⚠ pi: still, since", "said again below")
	w.must(w.Acknowledge(t.Context(), w.principal(annAccount), a.ID))
	w.hears(lab, "disk is 96 %, above 90 %\n✓ ann has seen it")
	w.reads(time.Hour, "disk", 99)
	w.restart()
	w.reads(time.Hour, "disk", 99)
	w.hears(lab)
	w.reads(time.Minute, "disk", 10)
	w.hears(lab, "✓ pi: disk is 10 % again", "✓ over after")
	w.reads(time.Minute, "disk", 95) // it is news again
	w.hears(lab, "disk is 95 %")
	w.refusedAck(a.ID + 7)
}

func (w *watch) refusedAck(id bot.AlertID) {
	w.Helper()
	if err := w.Acknowledge(w.Context(), w.principal(bobAccount), id); err == nil || !strings.Contains(err.Error(), "There is no alert") {
		w.Errorf("acknowledge alert %d: %v", id, err)
	}
}

func TestWhileMutedNothingIsSaidAndThenWhatStillFires(t *testing.T) {
	for _, one := range []bool{true, false} {
		w := newWatch(t)
		w.reads(0, "battery", 50)
		a := w.add("battery < 20%")
		id := bot.AlertID(0)
		if one {
			id = a.ID
		}
		_, err := w.Mute(t.Context(), w.principal(bobAccount), id, 2*time.Hour)
		w.must(err)
		w.reads(time.Minute, "battery", 10)
		w.reads(time.Minute, "battery", 60) // came and went: nobody hears of it
		w.restart()
		w.reads(time.Hour, "battery", 10)
		w.hears(lab)
		w.reads(time.Hour, "battery", 10)
		w.hears(lab, "battery is 10 %, below 20 %")
		_, err = w.Mute(t.Context(), w.principal(bobAccount), id, 2*time.Hour)
		w.must(err)
		w.reads(90*time.Minute, "battery", 10) // not repeated
		w.hears(lab)
		_, err = w.Mute(t.Context(), w.principal(bobAccount), id, 0)
		w.must(err)
		w.reads(time.Minute, "battery", 10)
		w.hears(lab, "still", "said again")
	}
}

func TestAtNightOnlyWhatIsCriticalMakesASound(t *testing.T) {
	w := newWatch(t)
	w.Quiet = bot.Hours{From: 22 * 60, To: 7 * 60}
	w.now = time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC)
	w.reads(0, "temp", 90)
	w.add("temp > 70 repeat 30m")
	if post := w.hears(lab, "above 70")[0]; !post.Silent {
		t.Error("a warning makes a sound at night")
	}
	w.add("temp > 80 critical repeat 30m")
	if post := w.hears(lab, "‼ pi: temp is 90 %, above 80")[0]; post.Silent {
		t.Error("what is critical makes no sound at night")
	}
	w.reads(time.Hour, "temp", 90)
	w.hears(lab, "above 80", "said again") // only the critical one is repeated
	w.now = time.Date(2026, 3, 3, 7, 0, 0, 0, time.UTC)
	w.reads(0, "temp", 90)
	for _, post := range w.said(lab) {
		if strings.Contains(post.String(), "still") && !strings.Contains(post.String(), "said again") && post.Silent {
			t.Errorf("in the morning %q makes no sound", post)
		}
	}
}

func TestConfiguredAlertsGoToTheOwnersOfTheMoment(t *testing.T) {
	w := newWatch(t)
	rule, err := bot.ParseRule("battery < 20%")
	w.must(err)
	other, err := bot.ParseRule("disk > 90%")
	w.must(err)
	w.Routes = []bot.Route{{Rule: rule}, {Rule: other, To: []bot.Thread{lab}}}
	w.readings["disk"] = bot.Reading{Value: 95, Unit: "%", At: w.now}
	w.reads(0, "battery", 10)
	w.hears(direct("1"), "battery is 10 %")
	w.hears(lab, "disk is 95 %")
	bob := bobPerson
	bob.Role = bot.Owner
	w.policy.Set([]bot.Person{bob}, []bot.Chat{labChat})
	w.reads(time.Minute, "battery", 10)
	w.hears(direct("2"), "battery is 10 %")
	w.reads(time.Minute, "battery", 90)
	w.hears(direct("1")) // an owner no more
	w.hears(direct("2"), "✓ pi: battery", "✓ over")
	w.Routes = nil
	w.reads(time.Minute, "battery", 10)
	w.hears(direct("2"))
}

func TestWhoIsTakenOffTheListHearsNothingMore(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 50)
	w.add("battery < 20%")
	w.policy.Set([]bot.Person{annPerson}, []bot.Chat{labChat})
	w.reads(time.Minute, "battery", 10)
	w.hears(lab)
	left, err := w.store.Alerts(t.Context())
	if err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func TestWhatIsNotMeasuredIsNotWatched(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 50)
	for rule, want := range map[string]string{
		"batery < 20%":      "There is no reading batery. Did you mean battery?",
		"wind > 20":         "There is no reading wind. There are: battery.",
		"battery < 20GB":    "battery is measured in %, not in GB.",
		"unit nginx failed": "There is no reading unit/nginx.",
	} {
		_, err := w.Add(t.Context(), w.principal(bobAccount), bot.Call{Claim: w.claim(bobAccount)}, rule)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", rule, err, want)
		}
	}
}

func TestAClockThatIsSetBackSaysNothingAgain(t *testing.T) {
	w := newWatch(t)
	w.reads(0, "battery", 10)
	w.add("battery < 20% repeat 10m")
	w.hears(lab, "below 20 %")
	w.reads(-24*time.Hour, "battery", 10)
	w.reads(9*time.Minute, "battery", 10)
	w.hears(lab)
	w.reads(time.Minute, "battery", 10)
	w.hears(lab, "still", "said again")
}
