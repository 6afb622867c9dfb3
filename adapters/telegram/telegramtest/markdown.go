package telegramtest

import (
	"slices"
	"strings"
)

// mark is an open MarkdownV2 entity.
type mark struct {
	kind, language string
	start, at      int // UTF-16 offset in the result, byte offset in the source
}

// parseMarkdown reads the text of parse_mode=MarkdownV2 (td
// do_parse_markdown_v2). Quotes by ">" are the one form it refuses.
func parseMarkdown(src string) (string, []Entity, error) {
	var out strings.Builder
	var entities []Entity
	var stack []mark
	unit := 0
	emit := func(s string) { out.WriteString(s); unit += units(s) }
	top := func() string {
		if len(stack) == 0 {
			return ""
		}
		return stack[len(stack)-1].kind
	}
	for i := 0; i < len(src); {
		c := src[i]
		if c == '\\' && i+1 < len(src) && src[i+1] > 0 && src[i+1] <= 126 {
			emit(src[i+1 : i+2])
			i += 2
			continue
		}
		inCode := top() == "code" || top() == "pre"
		reserved := "_*[]()~`>#+-=|{}.!"
		if inCode {
			reserved = "`"
		}
		if strings.IndexByte(reserved, c) < 0 {
			n := 1
			for i+n < len(src) && src[i+n]&0xc0 == 0x80 {
				n++
			}
			emit(src[i : i+n])
			i += n
			continue
		}
		kind, n := markAt(src[i:], top())
		switch {
		case kind == "" || inCode && kind != top():
			if inCode {
				emit(src[i : i+1])
				i++
				continue
			}
			return "", nil, parseError(`Character '%c' is reserved and must be escaped with the preceding '\'`, c)
		case kind == "link" && top() == "text_link":
			address, used, err := linkAddress(src, i)
			if err != nil {
				return "", nil, err
			}
			m := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if unit > m.start && address != "" {
				entities = append(entities, Entity{Type: "text_link", Offset: m.start, Length: unit - m.start, URL: address})
			}
			i += used
		case kind == top():
			m := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if unit > m.start {
				entities = append(entities, Entity{Type: m.kind, Offset: m.start, Length: unit - m.start, Language: m.language})
			}
			i += n
		case kind == "link":
			return "", nil, parseError(`Character ']' is reserved and must be escaped with the preceding '\'`)
		default:
			m := mark{kind: kind, start: unit, at: i}
			i += n
			if kind == "pre" {
				word := wordLength(src[i:], 64)
				if word > 0 && i+word < len(src) && src[i+word] == '\n' {
					m.language = src[i : i+word]
					i += word
				}
				if i < len(src) && src[i] == '\n' {
					i++
				}
			}
			stack = append(stack, m)
		}
	}
	if len(stack) > 0 {
		m := stack[len(stack)-1]
		return "", nil, parseError("Can't find end of %s entity at byte offset %d", title(m.kind), m.at)
	}
	slices.SortStableFunc(entities, outerFirst)
	return out.String(), entities, nil
}

// markAt is the entity that a reserved character begins or ends.
func markAt(s, open string) (kind string, n int) {
	switch {
	case strings.HasPrefix(s, "```"):
		if open == "code" {
			return "code", 1
		}
		return "pre", 3
	case s[0] == '`' && open == "pre":
		return "", 0
	case s[0] == '`':
		return "code", 1
	case strings.HasPrefix(s, "__"):
		return "underline", 2
	case s[0] == '_':
		return "italic", 1
	case s[0] == '*':
		return "bold", 1
	case s[0] == '~':
		return "strikethrough", 1
	case strings.HasPrefix(s, "||"):
		return "spoiler", 2
	case s[0] == '[':
		return "text_link", 1
	case s[0] == ']':
		return "link", 1
	}
	return "", 0
}

// linkAddress reads "](address)" at i.
func linkAddress(src string, i int) (address string, used int, err error) {
	if i+1 >= len(src) || src[i+1] != '(' {
		return "", 1, nil
	}
	var out strings.Builder
	for j := i + 2; j < len(src); j++ {
		switch src[j] {
		case '\\':
			if j+1 < len(src) {
				j++
				out.WriteByte(src[j])
			}
		case ')':
			return out.String(), j + 1 - i, nil
		default:
			out.WriteByte(src[j])
		}
	}
	return "", 0, parseError("Can't find end of a URL at byte offset %d", i+1)
}

// title is how error texts name an entity kind.
func title(kind string) string {
	switch kind {
	case "text_link":
		return "TextUrl"
	case "pre":
		return "PreCode"
	}
	return strings.ToUpper(kind[:1]) + kind[1:]
}
