package bot

import (
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Timing says when something is due: at a pace (Every), or at a time of day by
// the clock on the wall. The zero value is midnight, once.
type Timing struct {
	// Every is the pace; 0 = at Hour and Minute.
	Every  time.Duration `json:"every,omitempty"`
	Hour   int           `json:"hour,omitempty"`
	Minute int           `json:"minute,omitempty"`
	// Days are the weekdays on which that is; none = once, the next time.
	Days Weekdays `json:"days,omitempty"`
}

// Weekdays is a set of time.Weekday, a bit for each.
type Weekdays uint8

// everyDay is all seven.
const everyDay Weekdays = 1<<7 - 1

var dayNames = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Once reports whether it is due a single time.
func (t Timing) Once() bool { return t.Every == 0 && t.Days == 0 }

// Next is the first time after now that it is due, by now's own time zone. A
// time of day that the clock jumps over (the beginning of summer time) is due
// as long after the jump as it would have been; one that comes twice is due the
// first time only. So a day on which it is due has it exactly once.
func (t Timing) Next(now time.Time) time.Time {
	if t.Every > 0 {
		return now.Add(t.Every)
	}
	year, month, day := now.Date()
	for i := range 9 { // a week, and the day of a change at either end
		d := time.Date(year, month, day+i, 12, 0, 0, 0, time.UTC)
		if t.Days != 0 && t.Days&(1<<d.Weekday()) == 0 {
			continue
		}
		if at := t.on(d, now.Location()); at.After(now) {
			return at
		}
	}
	return time.Time{} // not reached: a week has every weekday
}

// on is the time on a day, which is given by its noon in UTC.
func (t Timing) on(day time.Time, zone *time.Location) time.Time {
	wall := time.Date(day.Year(), day.Month(), day.Day(), t.Hour, t.Minute, 0, 0, time.UTC)
	at := func(offset int) time.Time { return wall.Add(-time.Duration(offset) * time.Second).In(zone) }
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	first, second := at(before), at(after)
	if first.Hour() == t.Hour && first.Minute() == t.Minute {
		return first
	}
	if second.Hour() == t.Hour && second.Minute() == t.Minute {
		return second
	}
	return first // the clock jumps over it
}

// following is when it is due after the time due, which has come: in the
// future, without any in between. Zero when it was due only once.
func (t Timing) following(due, now time.Time) time.Time {
	switch {
	case t.Once():
		return time.Time{}
	case t.Every > 0:
		missed := now.Sub(due) / t.Every
		return due.Add((missed + 1) * t.Every)
	default:
		return t.Next(now)
	}
}

// String is the timing as a person would say it: "every 10m", "mon-fri 07:30",
// "daily 07:30", "once 07:30".
func (t Timing) String() string {
	if t.Every > 0 {
		return "every " + brief(t.Every)
	}
	days := "once"
	if t.Days != 0 {
		days = t.Days.String()
	}
	return fmt.Sprintf("%s %02d:%02d", days, t.Hour, t.Minute)
}

// String is the days as ParseWeekdays reads them.
func (w Weekdays) String() string {
	if w == everyDay {
		return "daily"
	}
	var parts []string
	for i := 1; i <= 7; { // the week begins on Monday
		if w&(1<<(i%7)) == 0 {
			i++
			continue
		}
		first := i
		for i <= 7 && w&(1<<(i%7)) != 0 {
			i++
		}
		switch i - first {
		case 1:
			parts = append(parts, dayNames[first%7])
		case 2:
			parts = append(parts, dayNames[first%7], dayNames[(i-1)%7])
		default:
			parts = append(parts, dayNames[first%7]+"-"+dayNames[(i-1)%7])
		}
	}
	return strings.Join(parts, ",")
}

// ParseWeekdays reads days such as mon-fri, sat,sun, daily, weekdays and
// weekends. ok is false for anything else.
func ParseWeekdays(s string) (w Weekdays, ok bool) {
	switch strings.ToLower(s) {
	case "daily", "everyday":
		return everyDay, true
	case "weekdays":
		s = "mon-fri"
	case "weekends":
		s = "sat,sun"
	}
	for part := range strings.SplitSeq(strings.ToLower(s), ",") {
		from, to, isRange := strings.Cut(part, "-")
		first, ok := weekday(from)
		if !ok {
			return 0, false
		}
		last := first
		if isRange {
			if last, ok = weekday(to); !ok {
				return 0, false
			}
		}
		for d := first; ; d = (d + 1) % 7 {
			w |= 1 << d
			if d == last {
				break
			}
		}
	}
	return w, bits.OnesCount8(uint8(w)) > 0
}

// weekday reads a day's English name, in full or its first three letters.
func weekday(s string) (int, bool) {
	for i, name := range dayNames {
		if s == name || s == strings.ToLower(time.Weekday(i).String()) {
			return i, true
		}
	}
	return 0, false
}

// ParseTimeOfDay reads a time such as 07:30, 7:30 or 23:05.
func ParseTimeOfDay(s string) (hour, minute int, ok bool) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, 0, false
	}
	return t.Hour(), t.Minute(), true
}

// Hours is a part of every day, such as 22:00-07:00, in minutes since midnight.
// The zero value is no time at all.
type Hours struct {
	From, To int
}

// ParseHours reads what Hours.String writes.
func ParseHours(s string) (Hours, error) {
	from, to, _ := strings.Cut(s, "-")
	h1, m1, ok1 := ParseTimeOfDay(strings.TrimSpace(from))
	h2, m2, ok2 := ParseTimeOfDay(strings.TrimSpace(to))
	h := Hours{h1*60 + m1, h2*60 + m2}
	if !ok1 || !ok2 || h.From == h.To {
		return Hours{}, fmt.Errorf("want hours such as 22:00-07:00, got %q", clip(s, 40))
	}
	return h, nil
}

func (h Hours) String() string {
	return fmt.Sprintf("%02d:%02d-%02d:%02d", h.From/60, h.From%60, h.To/60, h.To%60)
}

// Has reports whether the time is in it, by its own time zone.
func (h Hours) Has(t time.Time) bool {
	at := t.Hour()*60 + t.Minute()
	if h.From <= h.To {
		return h.From <= at && at < h.To
	}
	return at >= h.From || at < h.To
}

// brief is a duration without its zero parts: "10m", "1h30m".
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
