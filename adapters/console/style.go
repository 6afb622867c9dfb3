package console

import (
	"strings"
	"unicode"

	"chapi/bot"
)

// The control sequences of text styles (ECMA-48, 8.3.117).
const (
	bold  = "\x1b[1m"
	dim   = "\x1b[2m"
	plain = "\x1b[0m"
)

// styled is the text of spans, with the styles that a terminal has.
func styled(spans []bot.Span, terminal bool) string {
	var text strings.Builder
	for _, span := range spans {
		on := ""
		switch span.Style {
		case bot.Bold, bot.Code:
			on = bold
		case bot.Italic:
			on = dim
		}
		if !terminal || on == "" {
			text.WriteString(clean(span.Text))
			continue
		}
		text.WriteString(on + clean(span.Text) + plain)
	}
	return text.String()
}

// unstyled takes out what styled has put in.
var unstyled = strings.NewReplacer(bold, "", dim, "", plain, "")

// wrapped is text with lines that are broken at blanks where they would not fit
// the width: a terminal breaks them within words.
func wrapped(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		column := 0
		for _, word := range strings.SplitAfter(line, " ") {
			seen := unstyled.Replace(strings.TrimSuffix(word, "\n"))
			if n := span([]rune(strings.TrimSuffix(seen, " "))); n > 0 && column > 0 && column+n > width {
				b.WriteByte('\n')
				column = 0
			}
			b.WriteString(word)
			column += span([]rune(seen))
		}
	}
	return b.String()
}

// clean is text without what would act on a terminal or reorder what is seen:
// it may hold words of people on a network. Tabs and newlines stay.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// cells is how many columns of a terminal a character takes. It is only used
// for the row of the line being typed, where a rare character counted wrong
// shifts the cursor and nothing else.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
		r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
