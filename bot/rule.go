package bot

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rule says when a reading is worth an alert.
type Rule struct {
	// Series is the reading: "battery", "temp", "disk", or "unit/nginx".
	Series string
	Kind   RuleKind
	// Limit is what Below and Above compare with, in Unit.
	Limit float64
	Unit  string // as written: "%", "C", "GB"; may be empty
	// Clear is the value at which it is over; a little beyond Limit when
	// ClearGiven is false.
	Clear      float64
	ClearGiven bool
	// For is how long it has to be so; with Missing, how long nothing came.
	For time.Duration
	// Repeat is how often it is said again until somebody acknowledges it; 0 =
	// the usual, Never = not.
	Repeat   time.Duration
	Severity Severity
}

// RuleKind is how a rule looks at its reading.
type RuleKind int

// The kinds of rules.
const (
	Below   RuleKind = iota // less than Limit
	Above                   // more than Limit
	On                      // anything but 0, such as a flag or a count of failures
	Missing                 // not heard of
)

// Severity is how much an alert matters.
type Severity int

// The severities.
const (
	Warning  Severity = iota
	Critical          // not kept quiet at night
	Info              // said once, without a sound
)

var severities = [...]string{Warning: "warning", Critical: "critical", Info: "info"}

func (s Severity) String() string { return severities[s] }

// Never is a Rule.Repeat that does not.
const Never time.Duration = -1

// hysteresis is how far beyond its limit a reading has to come back, as a part
// of the limit, before an alert is over: or it would come and go with every
// flicker.
const hysteresis = 0.05

var (
	readingName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./@:-]{0,63}$`)
	operator    = regexp.MustCompile(`[<>]`)
	quantity    = regexp.MustCompile(`^([-+]?[0-9]+(?:\.[0-9]+)?)(%|[°A-Za-z/]{0,8})$`)
	unitWord    = regexp.MustCompile(`^(%|°?[CF]|[kKMGT]?i?B|[mk]?[VAW]|ms|s)$`)
)

// ParseRule reads a rule such as
//
//	battery < 20% for 2m
//	temp > 75C for 5m clear 70 critical repeat 15m
//	unit nginx failed
//	door missing for 10m
//
// Errors are *UserError.
func ParseRule(text string) (Rule, error) {
	words := strings.Fields(operator.ReplaceAllString(text, " $0 "))
	next := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		return w
	}
	var r Rule
	if r.Series = next(); strings.EqualFold(r.Series, "unit") {
		r.Series = "unit/" + next()
	} else {
		r.Series = strings.ToLower(r.Series)
	}
	if !readingName.MatchString(r.Series) || strings.HasSuffix(r.Series, "/") {
		return r, ruleError("What is to be watched")
	}
	switch op := strings.ToLower(next()); op {
	case "<", "below", "under":
		r.Kind = Below
	case ">", "above", "over":
		r.Kind = Above
	case "on", "failed":
		r.Kind = On
	case "missing":
		r.Kind = Missing
	default:
		return r, ruleError("After " + clip(r.Series, 30) + " one of <, >, failed and missing")
	}
	var err error
	if r.Kind <= Above {
		if r.Limit, r.Unit, err = quantityOf(next()); err != nil {
			return r, err
		}
		if len(words) > 0 && r.Unit == "" && unitWord.MatchString(words[0]) {
			r.Unit = next()
		}
	}
	for len(words) > 0 {
		if err := r.option(strings.ToLower(next()), next); err != nil {
			return r, err
		}
	}
	return r, r.sound()
}

// option reads one of the words behind the condition.
func (r *Rule) option(word string, next func() string) (err error) {
	switch word {
	case "for":
		r.For, err = span(next())
	case "repeat":
		if value := next(); strings.EqualFold(value, "never") {
			r.Repeat = Never
		} else {
			r.Repeat, err = span(value)
		}
	case "clear":
		r.Clear, _, err = quantityOf(next())
		r.ClearGiven = true
	case "warning", "critical", "info":
		for s, name := range severities {
			if name == word {
				r.Severity = Severity(s)
			}
		}
	default:
		return ruleError(fmt.Sprintf("for, clear, repeat, critical or info, not %q,", clip(word, 20)))
	}
	return err
}

// sound checks what is well formed but cannot be meant.
func (r *Rule) sound() error {
	if !r.ClearGiven {
		r.Clear = r.Limit + math.Abs(r.Limit)*hysteresis
		if r.Kind == Above {
			r.Clear = r.Limit - math.Abs(r.Limit)*hysteresis
		}
	}
	const least = time.Minute // a reading comes every minute
	switch {
	case r.ClearGiven && r.Kind > Above:
		return Userf("clear is for limits; %s has none.", r.Series)
	case r.Kind == Below && r.Clear < r.Limit:
		return Userf("It cannot be over at %s: that is below %s.", number(r.Clear), number(r.Limit))
	case r.Kind == Above && r.Clear > r.Limit:
		return Userf("It cannot be over at %s: that is above %s.", number(r.Clear), number(r.Limit))
	case r.Kind == Missing && r.For < 2*least:
		return Userf("Say for how long nothing may come, 2m or more: %s missing for 10m", r.Series)
	case r.Repeat > 0 && r.Repeat < least:
		return Userf("It can be repeated every minute at most.")
	}
	return nil
}

func ruleError(want string) error {
	return Userf("%s is needed. For example: /alert battery < 20%% for 2m, /alert unit nginx failed, /alert door missing for 10m", want)
}

func quantityOf(s string) (float64, string, error) {
	parts := quantity.FindStringSubmatch(s)
	if parts == nil {
		return 0, "", ruleError(fmt.Sprintf("A number such as 20%% or 75C, not %q,", clip(s, 20)))
	}
	v, err := strconv.ParseFloat(parts[1], 64)
	return v, parts[2], err
}

func span(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 || d > MaxEvery {
		return 0, ruleError(fmt.Sprintf("A time such as 90s, 10m or 2h, not %q,", clip(s, 20)))
	}
	return d, nil
}

// String is the rule as ParseRule reads it, the same for equal rules.
func (r Rule) String() string {
	name := r.Series
	if unit, ok := strings.CutPrefix(name, "unit/"); ok {
		name = "unit " + unit
	}
	s := name
	switch r.Kind {
	case Below:
		s += " < " + exact(r.Limit) + r.Unit
	case Above:
		s += " > " + exact(r.Limit) + r.Unit
	case On:
		if strings.HasPrefix(r.Series, "unit") {
			s += " failed"
		} else {
			s += " on"
		}
	case Missing:
		s += " missing"
	}
	if r.For > 0 {
		s += " for " + brief(r.For)
	}
	if r.ClearGiven {
		s += " clear " + exact(r.Clear)
	}
	switch {
	case r.Repeat == Never:
		s += " repeat never"
	case r.Repeat > 0:
		s += " repeat " + brief(r.Repeat)
	}
	if r.Severity != Warning {
		s += " " + r.Severity.String()
	}
	return s
}

// exact is a value as it was given.
func exact(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// number is a value with at most two decimals.
func number(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// Reading is the newest value of a series.
type Reading struct {
	Value float64
	Unit  string
	At    time.Time
}

// in is the reading's value in the rule's unit. ok is false when they have
// nothing to do with each other.
func (x Reading) in(unit string) (v float64, ok bool) {
	norm := func(u string) string { return strings.TrimPrefix(strings.TrimSpace(u), "°") }
	from, to := norm(x.Unit), norm(unit)
	if to == "" || from == "" || strings.EqualFold(from, to) {
		return x.Value, true
	}
	a, isBytes := bytesIn[from]
	b, areBytes := bytesIn[to]
	return x.Value * a / b, isBytes && areBytes
}

var bytesIn = map[string]float64{
	"B": 1, "bytes": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	"kiB": 1 << 10, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// staleReading is how old a reading may be to say anything of now: they come
// every minute.
const staleReading = 5 * time.Minute

// verdict is what a reading means to a rule.
type verdict int

const (
	unknown  verdict = iota // nothing can be said
	holds                   // it is so
	between                 // it is not so, and not over yet
	restored                // it is over
)

// judge looks at a reading; known is false when there is none.
func (r Rule) judge(x Reading, known bool, now time.Time) verdict {
	age := now.Sub(x.At)
	if r.Kind == Missing {
		if !known || age >= r.For {
			return holds
		}
		return restored
	}
	v, comparable := x.in(r.Unit)
	switch {
	case !known || !comparable || age > staleReading:
		return unknown
	case r.Kind == On && v != 0, r.Kind == Below && v < r.Limit, r.Kind == Above && v > r.Limit:
		return holds
	case r.Kind == Below && v < r.Clear, r.Kind == Above && v > r.Clear:
		return between
	default:
		return restored
	}
}

// wait is how long it has to hold before it is an alert.
func (r Rule) wait() time.Duration {
	if r.Kind == Missing {
		return 0 // the reading's age says so already
	}
	return r.For
}
