package bot

import (
	"fmt"
	"strings"
	"time"
)

// AlertID numbers the alerts of one device, from 1, never reused.
type AlertID int64

// Alert is a rule with a chat that hears of it, and how it stands.
type Alert struct {
	ID AlertID `json:"-"`
	// Revision counts the changes.
	Revision int64 `json:"-"`
	// Rule is its text, as Rule.String.
	Rule string `json:"-"`
	// Claim is who set it, and where it is said. Of a configured one only the
	// thread is meaningful.
	Claim Claim `json:"claim"`
	// Person is who set it; empty = the configuration.
	Person string     `json:"person,omitempty"`
	State  AlertState `json:"state"`
	// Value is what was read when it was last said, in Unit.
	Value float64 `json:"value"`
	Unit  string  `json:"unit,omitempty"`
	// Since is when its state began; of Firing and Acknowledged, when it began
	// to hold.
	Since time.Time `json:"since,omitzero"`
	// Seen is when it was last looked at while Pending.
	Seen time.Time `json:"seen,omitzero"`
	// Episode counts how often it has begun. In this one it was said Count
	// times, last at Told.
	Episode int64     `json:"episode"`
	Count   int       `json:"count"`
	Told    time.Time `json:"told,omitzero"`
	// By is who acknowledged it.
	By string `json:"by,omitempty"`
	// Muted is until when nothing is said of it.
	Muted time.Time `json:"muted,omitzero"`
}

// AlertState is how an alert stands.
type AlertState int

// The states of an alert.
const (
	Over         AlertState = iota // all is well
	Pending                        // it holds, not for long enough yet
	Firing                         // said, and said again until somebody acknowledges it
	Acknowledged                   // somebody knows
)

// String is the state in a word.
func (s AlertState) String() string {
	return [...]string{"well", "pending", "firing", "acknowledged"}[s]
}

// active reports whether it has been, or is about to be, said and is not over.
func (a Alert) active() bool { return a.State == Firing || a.State == Acknowledged }

// next is how the alert stands after a look.
func (a Alert) next(r Rule, v verdict, now time.Time) Alert {
	if a.Since.After(now) {
		a.Since = now // the clock was set back
	}
	if a.Told.After(now) {
		a.Told = now
	}
	if a.State == Over && v == holds {
		a.State, a.Since = Pending, now
		a.Episode++
		a.Count, a.Told, a.By = 0, time.Time{}, ""
	}
	switch {
	case a.State == Pending && (v == between || v == restored), a.active() && v == restored:
		a.State, a.Since = Over, now
	case a.State == Pending && v == holds && now.Sub(a.Since) >= r.wait():
		a.State = Firing
	}
	return a
}

// hush is what keeps a chat quiet now.
type hush struct {
	muted bool // nothing is to be said
	quiet bool // it is night: nobody is to be woken for less than critical
}

// due reports whether a firing alert is to be said now: first, or once more.
func (a Alert) due(r Rule, usual time.Duration, h hush, now time.Time) bool {
	repeat := usual
	if r.Repeat != 0 {
		repeat = r.Repeat
	}
	switch {
	case a.State != Firing || h.muted:
		return false
	case a.Told.IsZero():
		return true
	case r.Severity == Info || repeat <= 0 || h.quiet && r.Severity != Critical:
		return false
	default:
		return now.Sub(a.Told) >= repeat
	}
}

// silent reports whether what is said of it makes no sound.
func (r Rule) silent(h hush) bool {
	return r.Severity == Info || h.quiet && r.Severity != Critical
}

// slot is the place of what was said of it last, or n times before.
func (a Alert) slot() Slot { return Slot(fmt.Sprintf("alert/%d/%d/%d", a.ID, a.Episode, a.Count)) }

// said is what is said while it fires, with how it stands now.
func (a Alert) said(r Rule, device, standing string, silent bool) Delivery {
	mark := map[Severity]string{Warning: "⚠ ", Critical: "‼ ", Info: "ℹ "}[r.Severity]
	still := ""
	if a.Count > 1 {
		still = "still, since " + a.Since.Local().Format("15:04") + ": "
	}
	post := Post{Silent: silent, Text: []Span{{Text: mark + device + ": " + still}, {Style: Bold, Text: a.condition(r)}}}
	if standing != "" {
		post.Text = append(post.Text, Span{Text: "\n" + standing})
	}
	if a.State == Firing {
		id := fmt.Sprint(a.ID)
		post.Keyboard = &Keyboard{Handle: NewHandle(), Rows: [][]Button{{
			{Label: "Acknowledge", Command: "alert", Args: Args{"rule": {"ack " + id}}},
			{Label: "Mute 2h", Command: "mute", Args: Args{"time": {"2h"}, "alert": {id}}},
		}}}
	}
	return Delivery{Thread: a.Claim.Thread, Slot: a.slot(), Post: post, Final: true}
}

// condition says what is the matter.
func (a Alert) condition(r Rule) string {
	name, lasted := r.name(), ""
	if r.For > 0 && r.Kind != Missing {
		lasted = ", for " + brief(r.For)
	}
	switch {
	case r.Kind == Below:
		return fmt.Sprintf("%s is %s, below %s%s", name, amount(a.Value, a.Unit), amount(r.Limit, r.Unit), lasted)
	case r.Kind == Above:
		return fmt.Sprintf("%s is %s, above %s%s", name, amount(a.Value, a.Unit), amount(r.Limit, r.Unit), lasted)
	case r.Kind == Missing:
		return name + " has not been heard of for " + brief(r.For)
	case r.Series == "undervoltage":
		return "the power supply is too weak (under-voltage)"
	case r.Series == "units" && a.Value == 1:
		return "a watched unit has failed"
	case r.Series == "units":
		return number(a.Value) + " watched units have failed"
	case strings.HasPrefix(r.Series, "unit/"):
		return name + " has failed"
	default:
		return name + " is on" + lasted
	}
}

// relief says that it is over.
func (a Alert) relief(r Rule, x Reading) string {
	switch {
	case r.Kind <= Above:
		return r.name() + " is " + amount(x.Value, x.Unit) + " again"
	case r.Kind == Missing:
		return r.name() + " is heard of again"
	case r.Series == "undervoltage":
		return "the power supply is strong enough again"
	case r.Series == "units":
		return "no watched unit has failed any more"
	case strings.HasPrefix(r.Series, "unit/"):
		return r.name() + " works again"
	default:
		return r.name() + " is off again"
	}
}

// name is the reading as a person says it.
func (r Rule) name() string { return strings.Replace(r.Series, "/", " ", 1) }

// amount is a value with its unit.
func amount(v float64, unit string) string {
	switch unit {
	case "":
		return number(v)
	case "B", "bytes":
		return size(int64(v))
	case "C":
		unit = "°C"
	}
	return number(v) + " " + unit
}
