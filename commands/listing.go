package commands

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"chapi/bot"
)

// maxAnswer is how long an answer may be, in UTF-16 code units: what the
// strictest network takes in one message, less room for the last line.
const maxAnswer = 4000

// listing gathers the lines of an answer and stops where a message is full.
type listing struct {
	// more is the last line if something did not fit: a format with the number
	// of additions that were left out.
	more  string
	spans []bot.Span
	units int // UTF-16
	left  int // additions that did not fit
}

// add adds the spans, all or none. Once something did not fit nothing does.
func (l *listing) add(spans ...bot.Span) {
	units := 0
	for _, s := range spans {
		units += utf16Len(s.Text)
	}
	if l.left > 0 || l.units+units > maxAnswer {
		l.left++
		return
	}
	l.units += units
	for _, s := range spans {
		last := len(l.spans) - 1
		if last >= 0 && l.spans[last].Style == s.Style {
			l.spans[last].Text += s.Text
			continue
		}
		l.spans = append(l.spans, s)
	}
}

// utf16Len is the length of a text in UTF-16 code units.
func utf16Len(s string) (units int) {
	for _, r := range s {
		units += utf16.RuneLen(r)
	}
	return units
}

// post is the answer, without blank lines at its end.
func (l *listing) post() bot.Post {
	if l.left > 0 {
		l.spans = append(l.spans, bot.Span{Text: fmt.Sprintf(l.more, l.left)})
	}
	if last := len(l.spans) - 1; last >= 0 {
		l.spans[last].Text = strings.TrimRight(l.spans[last].Text, "\n")
	}
	return bot.Post{Text: l.spans}
}

// said is a short answer of texts and spans.
func said(parts ...any) bot.Post {
	var l listing
	for _, part := range parts {
		if s, ok := part.(bot.Span); ok {
			l.add(s)
			continue
		}
		l.add(bot.Span{Text: fmt.Sprint(part)})
	}
	return l.post()
}

func text(format string, a ...any) bot.Span {
	return bot.Span{Text: fmt.Sprintf(format, a...)}
}

func bold(s string) bot.Span { return bot.Span{Style: bot.Bold, Text: s} }

func code(s string) bot.Span { return bot.Span{Style: bot.Code, Text: s} }

// clip shortens s to at most n characters.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// oneLine is s without line breaks, control characters, and the marks that
// turn the direction of writing around, so that it cannot pretend to be more
// than one entry of a list.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r), r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s))
}

// lasted is a length of time as one says it.
func lasted(d time.Duration) string {
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour && d%time.Hour < time.Minute:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// moment is a time by the device's clock: the hour for the last 20 hours,
// with the day before that.
func moment(t, now time.Time) string {
	if age := now.Sub(t); age >= 0 && age < 20*time.Hour {
		return t.Local().Format("15:04")
	}
	return t.Local().Format("2 Jan 15:04")
}
