package bot

import (
	"testing"
	"time"

	_ "time/tzdata" // the zones of these tests, wherever they run
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestATimeOfDayIsDueOnceADayWhateverTheClockDoes(t *testing.T) {
	for _, c := range []struct {
		rule, zone string
		timing     Timing
		now        string
		want       []string
	}{
		{"the next one is today, if it is still to come", "Europe/Berlin", Timing{Hour: 7, Minute: 30, Days: everyDay},
			"2026-06-01T07:29:59+02:00", []string{"2026-06-01T07:30:00+02:00", "2026-06-02T07:30:00+02:00"}},
		{"a time that the clock jumps over is due as long after the jump", "Europe/Berlin", Timing{Hour: 2, Minute: 30, Days: everyDay},
			"2026-03-28T12:00:00+01:00", []string{"2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"}},
		{"a time that comes twice is due the first time", "Europe/Berlin", Timing{Hour: 2, Minute: 30, Days: everyDay},
			"2026-10-24T12:00:00+02:00", []string{"2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"}},
		{"after the change the wall's clock still counts", "America/New_York", Timing{Hour: 7, Days: everyDay},
			"2026-03-07T12:00:00-05:00", []string{"2026-03-08T07:00:00-04:00", "2026-03-09T07:00:00-04:00"}},
		{"a midnight that is not there is one o'clock", "America/Santiago", Timing{Days: everyDay},
			"2026-09-05T12:00:00-04:00", []string{"2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00"}},
		{"only on its days", "UTC", Timing{Hour: 7, Days: 1<<time.Monday | 1<<time.Friday},
			"2026-11-27T08:00:00Z", []string{"2026-11-30T07:00:00Z", "2026-12-04T07:00:00Z"}},
		{"half-hour changes too", "Australia/Lord_Howe", Timing{Hour: 2, Minute: 15, Days: everyDay},
			"2026-10-03T12:00:00+10:30", []string{"2026-10-04T02:45:00+11:00", "2026-10-05T02:15:00+11:00"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, c.now)
			if err != nil {
				t.Fatal(err)
			}
			at := now.In(zone(t, c.zone))
			for _, want := range c.want {
				at = c.timing.Next(at)
				if got := at.Format(time.RFC3339); got != want {
					t.Fatalf("got %s, want %s", got, want)
				}
			}
		})
	}
}

// Over ten years and several zones: every day that has the time due has it
// exactly once, and never twice within 22 hours.
func TestEveryDayHasATimeOfDayExactlyOnce(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		for _, timing := range []Timing{{Days: everyDay}, {Hour: 0, Minute: 30, Days: everyDay}, {Hour: 2, Minute: 30, Days: everyDay}, {Hour: 23, Minute: 59, Days: everyDay}} {
			at := timing.Next(time.Date(2020, 1, 1, 12, 0, 0, 0, zone(t, name)))
			day := at.YearDay()
			for range 3650 {
				next := timing.Next(at)
				if next.Sub(at) < 22*time.Hour || next.Sub(at) > 26*time.Hour || next.YearDay() == day {
					t.Fatalf("%s %s: after %s comes %s", name, timing, at, next)
				}
				at, day = next, next.YearDay()
			}
		}
	}
}

func TestAPaceLeavesOutWhatWasMissed(t *testing.T) {
	due := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	every := Timing{Every: 10 * time.Minute}
	for late, want := range map[time.Duration]time.Duration{
		0: 10 * time.Minute, time.Second: 10 * time.Minute, 10 * time.Minute: 20 * time.Minute, 25 * time.Hour: 25*time.Hour + 10*time.Minute,
	} {
		if got := every.following(due, due.Add(late)).Sub(due); got != want {
			t.Errorf("%s late: next after %s, want %s", late, got, want)
		}
	}
}

func TestDaysAreReadAndWritten(t *testing.T) {
	for in, want := range map[string]string{
		"mon-fri": "mon-fri", "weekdays": "mon-fri", "Sat,Sun": "sat,sun", "weekends": "sat,sun", "daily": "daily", "mon-sun": "daily",
		"fri-mon": "mon,fri-sun", "monday": "mon", "wed": "wed", "mon,wed,fri": "mon,wed,fri",
	} {
		w, ok := ParseWeekdays(in)
		if !ok || w.String() != want {
			t.Errorf("%q: got %s (%v), want %s", in, w, ok, want)
		}
	}
	for _, in := range []string{"", "sh", "mon-", "-fri", "mon,", "mo", "mon-fri-sat", "run"} {
		if w, ok := ParseWeekdays(in); ok {
			t.Errorf("%q is read as %s", in, w)
		}
	}
}

func TestHoursMayGoOverMidnight(t *testing.T) {
	night, err := ParseHours("22:00-07:00")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{"21:59": false, "22:00": true, "00:00": true, "06:59": true, "07:00": false, "12:00": false} {
		when, _ := time.Parse("15:04", at)
		if got := night.Has(when); got != want {
			t.Errorf("%s at %s: got %v, want %v", night, at, got, want)
		}
	}
	if (Hours{}).Has(time.Now()) {
		t.Error("no hours have a time in them")
	}
	for _, in := range []string{"", "22:00", "22:00-22:00", "25:00-07:00", "night"} {
		if _, err := ParseHours(in); err == nil {
			t.Errorf("%q was read", in)
		}
	}
}
