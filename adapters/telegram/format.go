package telegram

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/go-telegram/bot/models"

	"chapi/bot"
)

// maxEntities is how many formatted parts the server keeps in a message; it
// drops the others without a word (tdlib/td, MAX_USER_ENTITY_COUNT).
const maxEntities = 100

// tabWidth is the distance of tab stops. The server would make one blank of a
// tab.
const tabWidth = 8

// composed is text as the server will store it: cleaning it once more changes
// nothing, so that the entities keep their places.
type composed struct {
	text     string
	entities []models.MessageEntity
	units    int // length in UTF-16 code units
}

// compose lays out spans as a text with entities. No parse mode is used: what
// a program prints cannot become markup.
//
// The server trims blanks and newlines at both ends, but in front only up to
// the first entity. So an entity at the beginning, above all a block of
// output, keeps its indentation.
func compose(spans []bot.Span) composed {
	spans = clean(spans)
	spans = trimLeft(spans)
	spans = trimRight(spans)

	var b strings.Builder
	var c composed
	for i := 0; i < len(spans); {
		style, from := spans[i].Style, c.units
		for ; i < len(spans) && spans[i].Style == style; i++ {
			b.WriteString(spans[i].Text)
			c.units += utf16Len(spans[i].Text)
		}
		if kind := entityOf(style); kind != "" {
			c.entities = append(c.entities, models.MessageEntity{Type: kind, Offset: from, Length: c.units - from})
		}
	}
	c.text = b.String()
	c.entities = fewest(c.entities)
	return c
}

func entityOf(s bot.Style) models.MessageEntityType {
	switch s {
	case bot.Bold:
		return models.MessageEntityTypeBold
	case bot.Italic:
		return models.MessageEntityTypeItalic
	case bot.Code:
		return models.MessageEntityTypeCode
	case bot.Pre:
		return models.MessageEntityTypePre
	default:
		return ""
	}
}

// fewest keeps as many entities as the server would, blocks and code first:
// without those, what a program printed would be read as links and commands.
func fewest(es []models.MessageEntity) []models.MessageEntity {
	if len(es) <= maxEntities {
		return es
	}
	weight := func(e models.MessageEntity) int {
		if e.Type == models.MessageEntityTypePre || e.Type == models.MessageEntityTypeCode {
			return 0
		}
		return 1
	}
	kept := append([]models.MessageEntity(nil), es...)
	sort.SliceStable(kept, func(i, j int) bool { return weight(kept[i]) < weight(kept[j]) })
	kept = kept[:maxEntities]
	sort.Slice(kept, func(i, j int) bool { return kept[i].Offset < kept[j].Offset })
	return kept
}

// clean does to the spans what the server does to a text (tdlib/td,
// clean_input_string), but keeps tab stops and drops the controls of which
// the server would make blanks. Neighbours of one style become one span. A
// span that is blank loses its style: the server would drop the entity, and
// then trim what it had protected.
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
			case !isDropped(r):
				b.WriteRune(r)
				column++
			}
		}
		switch last := len(out) - 1; {
		case b.Len() == 0:
		case last >= 0 && out[last].Style == span.Style:
			out[last].Text += b.String()
		default:
			out = append(out, bot.Span{Style: span.Style, Text: b.String()})
		}
	}
	for i := range out {
		if strings.Trim(out[i].Text, " \n") == "" {
			out[i].Style = bot.Plain
		}
	}
	return joinMarks(out)
}

// isDropped is true for what the server removes, and for controls.
// Carriage returns are controls, too.
func isDropped(r rune) bool {
	switch {
	case r < ' ', r >= 0x7F && r < 0xA0:
		return true
	case r >= '\u2028' && r <= '\u202E':
		return true
	case r == '\u0333', r == '\u033F', r == '\u030A':
		return true
	default:
		return false
	}
}

// joinMarks makes every direction mark that is followed by another one, also
// in the next span, a zero-width non-joiner, as the server does.
func joinMarks(spans []bot.Span) []bot.Span {
	next := false // the rune behind is a mark
	for i := len(spans) - 1; i >= 0; i-- {
		text := spans[i].Text
		if !strings.ContainsAny(text, "\u200E\u200F") {
			next = false
			continue
		}
		runes := []rune(text)
		for j := len(runes) - 1; j >= 0; j-- {
			mark := runes[j] == '\u200E' || runes[j] == '\u200F'
			if mark && next {
				runes[j] = '\u200C'
			}
			next = mark
		}
		spans[i].Text = string(runes)
	}
	return spans
}

// trimLeft removes blanks and newlines in front of the first text or block.
func trimLeft(spans []bot.Span) []bot.Span {
	for len(spans) > 0 && spans[0].Style != bot.Pre {
		text := strings.TrimLeft(spans[0].Text, " \n")
		if text != "" {
			spans[0].Text = text
			break
		}
		spans = spans[1:]
	}
	return spans
}

// trimRight removes blanks and newlines at the end, in blocks too.
func trimRight(spans []bot.Span) []bot.Span {
	for len(spans) > 0 {
		last := &spans[len(spans)-1]
		if last.Text = strings.TrimRight(last.Text, " \n"); last.Text != "" {
			break
		}
		spans = spans[:len(spans)-1]
	}
	return spans
}

// utf16Len is a valid text's length in UTF-16 code units.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// cut is at most n characters of s.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// keyboardOf is the keyboard as the network takes it; nil for none.
func keyboardOf(k *bot.Keyboard) models.ReplyMarkup {
	if k == nil {
		return nil
	}
	markup := models.InlineKeyboardMarkup{}
	for r, row := range k.Rows {
		var buttons []models.InlineKeyboardButton
		for c, button := range row {
			buttons = append(buttons, models.InlineKeyboardButton{Text: button.Label, CallbackData: k.Data(r, c)})
		}
		if len(buttons) > 0 {
			markup.InlineKeyboard = append(markup.InlineKeyboard, buttons)
		}
	}
	if len(markup.InlineKeyboard) == 0 {
		return nil
	}
	return &markup
}
