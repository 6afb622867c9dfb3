package discord

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

const (
	// maxContent is how many code points a message has, markup included, on
	// create and on edit (docs.discord.com/developers/resources/message).
	maxContent = 2000
	// tabWidth is the distance of tab stops: what a tab looks like differs from
	// client to client.
	tabWidth = 8
	// invisible separates what must not be read as one mark.
	invisible = "\u200B"
	// The fence names a language, so that no client takes the first line of
	// the content for one.
	fence    = "```"
	fenceTop = fence + "text\n"
	// colourTop begins a block that clients on a computer show in colours.
	colourTop = fence + "ansi\n"
)

// composed is a text as the network takes it.
type composed struct {
	text string
	// plain is the number of code points without the marks.
	plain int
}

// compose lays out spans as a message in the network's markup. Nothing in them
// can become markup of its own: what means something outside of blocks is
// escaped, and no block can be closed by its content. Where that would make
// the message too long, all of it becomes one block, which needs the fewest
// marks.
func compose(spans []bot.Span) composed {
	spans = clean(spans)
	var c composed
	for _, s := range spans {
		c.plain += utf8.RuneCountInString(s.Text)
	}
	if c.text = markup(spans); utf8.RuneCountInString(c.text) <= maxContent {
		return c
	}
	for i := range spans {
		spans[i].Coloured = "" // colours take room, and are only that
	}
	if c.text = markup(spans); utf8.RuneCountInString(c.text) > maxContent {
		c.text = oneBlock(spans)
	}
	return c
}

// markup writes the spans with their marks.
func markup(spans []bot.Span) string {
	var b strings.Builder
	var last bot.Style
	for i, s := range spans {
		if last == bot.Pre && !strings.HasPrefix(s.Text, "\n") {
			b.WriteByte('\n')
		}
		switch s.Style {
		case bot.Pre:
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "\n") {
				b.WriteByte('\n')
			}
			if s.Coloured != "" {
				b.WriteString(colourTop + breakRuns(s.Coloured, invisible) + "\n" + fence)
				break
			}
			b.WriteString(block(s.Text))
		case bot.Bold:
			wrap(&b, "**", s.Text, last)
		case bot.Italic:
			wrap(&b, "*", s.Text, last)
		case bot.Code:
			if strings.ContainsAny(s.Text, "`\n") {
				b.WriteString(escape(s.Text, false))
				break
			}
			b.WriteString("`" + s.Text + "`")
		default:
			b.WriteString(escape(s.Text, i == 0 || strings.HasSuffix(b.String(), "\n")))
		}
		last = s.Style
	}
	return b.String()
}

// wrap puts marks around a text, inside of its blanks: a mark beside a blank is
// none.
func wrap(b *strings.Builder, mark, text string, last bot.Style) {
	inner := strings.TrimSpace(text)
	from := strings.Index(text, inner)
	before, after := text[:from], text[from+len(inner):]
	if before == "" && (last == bot.Bold || last == bot.Italic) {
		before = invisible // "**a***b*" could be read in two ways
	}
	b.WriteString(before + mark + escapeAll(inner) + mark + after)
}

// block is a text that nothing is interpreted in.
func block(text string) string {
	if strings.HasPrefix(text, "\n") {
		text = invisible + text // blank lines in front would vanish
	}
	return fenceTop + breakRuns(text, invisible) + "\n" + fence
}

// breakRuns keeps runs of backticks below the three that end a block, by
// putting breaker behind every second one that has a third behind it.
func breakRuns(text, breaker string) string {
	if !strings.Contains(text, fence) {
		return text
	}
	var b strings.Builder
	run := 0
	for _, r := range text {
		if r != '`' {
			run = 0
		} else if run++; run == 3 {
			b.WriteString(breaker)
			run = 1
		}
		b.WriteRune(r)
	}
	return b.String()
}

// lookAlike is shown for a backtick where there is no room to break a run.
const lookAlike = "\u02CB"

// oneBlock is all text as one block. If even breaking runs of backticks makes
// it too long, a look-alike takes the place of every third.
func oneBlock(spans []bot.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	text := block(b.String())
	if utf8.RuneCountInString(text) > maxContent {
		text = block(strings.ReplaceAll(b.String(), fence, "``"+lookAlike))
	}
	return text
}

// escape makes text that looks like itself. Addresses stay as they are: an
// escaped one could not be followed. lineStart is true at the start of a line.
func escape(text string, lineStart bool) string {
	var b strings.Builder
	var last rune
	for len(text) > 0 {
		if n := address(text, last); n > 0 {
			b.WriteString(text[:n])
			last, text, lineStart = '/', text[n:], false
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if special(r) || lineStart && startsBlock(text) {
			b.WriteByte('\\')
		}
		if dot := listDot(text); lineStart && dot > 0 {
			b.WriteString(text[:dot] + `\`)
			last, text, lineStart = '\\', text[dot:], false
			continue
		}
		b.WriteRune(r)
		lineStart = r == '\n' || lineStart && r == ' '
		last, text = r, text[size:]
	}
	return b.String()
}

// escapeAll is escape without the exception for addresses: within other marks
// those could hold the mark that ends them.
func escapeAll(text string) string {
	var b strings.Builder
	for _, r := range text {
		if special(r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// special is true for what begins or ends a mark anywhere in a line.
func special(r rune) bool { return r < utf8.RuneSelf && strings.ContainsRune("\\*_~|`<>[]@", r) }

// startsBlock is true for what makes a heading or a list at the start of a
// line.
func startsBlock(text string) bool { return text[0] == '#' || text[0] == '-' || text[0] == '+' }

// listDot is where the dot of a numbered list is; 0 for none.
func listDot(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	if n > 0 && n < 10 && strings.HasPrefix(text[n:], ". ") {
		return n
	}
	return 0
}

// address is the length of the web address that text begins with; 0 for none.
func address(text string, last rune) int {
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return 0
	}
	if unicode.IsLetter(last) || unicode.IsDigit(last) {
		return 0
	}
	n := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune("<>`|*\\\"", r)
	})
	if n < 0 {
		n = len(text)
	}
	return len(strings.TrimRight(text[:n], ".,:;'])_~"))
}

// clean drops controls, makes blanks of tabs, joins neighbours of one style,
// takes the style from what is blank, and trims what the network would trim.
func clean(spans []bot.Span) []bot.Span {
	var out []bot.Span
	column := 0
	for _, span := range spans {
		var b strings.Builder
		for _, r := range strings.ToValidUTF8(span.Text, "\uFFFD") {
			switch {
			case r == '\n', r == '\u2028', r == '\u2029':
				b.WriteByte('\n')
				column = 0
			case r == '\t':
				n := tabWidth - column%tabWidth
				b.WriteString(strings.Repeat(" ", n))
				column += n
			case r < ' ', r >= 0x7F && r < 0xA0:
			default:
				b.WriteRune(r)
				column++
			}
		}
		text, style := b.String(), span.Style
		if strings.TrimSpace(text) == "" {
			style = bot.Plain
		}
		switch last := len(out) - 1; {
		case text == "":
		case last >= 0 && out[last].Style == style:
			out[last].Text += text
			out[last].Coloured = ""
		default:
			cleaned := bot.Span{Style: style, Text: text}
			if text == span.Text && style == bot.Pre {
				cleaned.Coloured = span.Coloured
			}
			out = append(out, cleaned)
		}
	}
	return trim(out)
}

// trim removes blanks and line feeds in front of the first text or block, and
// at the end.
func trim(spans []bot.Span) []bot.Span {
	for len(spans) > 0 && spans[0].Style != bot.Pre {
		if spans[0].Text = strings.TrimLeftFunc(spans[0].Text, unicode.IsSpace); spans[0].Text != "" {
			break
		}
		spans = spans[1:]
	}
	for len(spans) > 0 {
		last := &spans[len(spans)-1]
		if last.Text = strings.TrimRightFunc(last.Text, unicode.IsSpace); last.Text != "" {
			break
		}
		spans = spans[:len(spans)-1]
	}
	return spans
}

// cut is at most n characters of s.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// oneLine is a text in one line, without controls, for names and titles.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}
