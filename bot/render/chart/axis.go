package chart

import (
	"fmt"
	"math"
	"time"
)

// tick is a time with a line, and words below it if there is room.
type tick struct {
	at     time.Time
	label  string
	strong bool // a new day
}

// mostTicks is how many labels stand side by side without touching.
const mostTicks = 7

// timeTicks are round times by the clock of the zone of to.
func timeTicks(from, to time.Time) []tick {
	zone := to.Location()
	length := to.Sub(from)
	for _, minutes := range []int{1, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720} {
		if length <= time.Duration(minutes)*time.Minute*mostTicks {
			return clockTicks(from.In(zone), to, minutes)
		}
	}
	for _, days := range []int{1, 2, 5, 7, 14, 30, 60, 90, 180, 365, 730} {
		if length <= time.Duration(days)*24*time.Hour*mostTicks {
			return dayTicks(from.In(zone), to, days)
		}
	}
	return nil
}

// clockTicks are so many minutes apart by the clock, from each midnight on: it
// may be set forward or back between.
func clockTicks(from, to time.Time, minutes int) (ticks []tick) {
	y, m, d := from.Date()
	var last time.Time
	for day := d; ; day++ {
		if time.Date(y, m, day, 0, 0, 0, 0, from.Location()).After(to) {
			return ticks
		}
		for minute := 0; minute < 24*60; minute += minutes {
			at := time.Date(y, m, day, 0, minute, 0, 0, from.Location())
			if at.Before(from) || at.After(to) || !at.After(last) {
				continue
			}
			last = at
			t := tick{at: at, label: at.Format("15:04"), strong: minute == 0}
			if t.strong {
				t.label = at.Format("Mon 2")
			}
			ticks = append(ticks, t)
		}
	}
}

func dayTicks(from, to time.Time, days int) (ticks []tick) {
	y, m, d := from.Date()
	for day := d; ; day += days {
		at := time.Date(y, m, day, 0, 0, 0, 0, from.Location())
		if at.After(to) {
			return ticks
		}
		if at.Before(from) {
			continue
		}
		label := at.Format("2 Jan")
		if days >= 180 {
			label = at.Format("Jan 2006")
		}
		ticks = append(ticks, tick{at: at, label: label})
	}
}

// times writes the labels of the ticks below the last panel. One that would
// leave the picture, or touch the one before, is left out.
func (s *sheet) times(ticks []tick, c Chart, top int) {
	f := frame{from: c.From, to: c.To}
	f.area.Min.X, f.area.Max.X = left, Width-right
	free := 0
	for _, t := range ticks {
		x := int(math.Round(f.x(t.at)))
		half := s.width(s.letters.plain, t.label) / 2
		if x-half < max(free, 4) || x+half > Width-4 {
			continue
		}
		free = x + half + 16
		s.text(s.letters.plain, x, top+16, t.label, s.theme.faint, middle)
	}
}

// span is the time that is shown, in words.
func span(from, to time.Time) string {
	length := ""
	switch d := to.Sub(from); {
	case d < time.Hour:
		length = fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
	case d < 72*time.Hour:
		length = fmt.Sprintf("%d h", int(math.Round(d.Hours())))
	default:
		length = fmt.Sprintf("%d days", int(math.Round(d.Hours()/24)))
	}
	return length + " until " + to.Format("2 Jan 15:04")
}
