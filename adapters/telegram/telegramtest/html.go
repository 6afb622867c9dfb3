package telegramtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// openTag is a start tag whose end has not come yet.
type openTag struct {
	name, attribute string
	start           int // UTF-16 offset
	at              int // byte offset of the tag in the source
}

var htmlTags = map[string]string{"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
	"ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
	"tg-spoiler": "spoiler", "span": "spoiler", "tg-emoji": "custom_emoji", "tg-time": "date_time",
	"a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote"}

func parseError(format string, args ...any) error {
	return badRequest("can't parse entities: " + fmt.Sprintf(format, args...))
}

// parseHTML reads the HTML of parse_mode=HTML (td do_parse_html).
func parseHTML(src string) (string, []Entity, error) {
	var out strings.Builder
	var entities []Entity
	var stack []openTag
	unit := 0
	emit := func(s string) { out.WriteString(s); unit += units(s) }
	for i := 0; i < len(src); {
		switch src[i] {
		case '&':
			s, n := htmlCharacter(src[i:])
			emit(s)
			i += n
		case '<':
			begin := i
			end := strings.IndexByte(src[i:], '>')
			if strings.HasPrefix(src[i:], "</") {
				if end < 0 {
					return "", nil, parseError("Unclosed end tag at byte offset %d", begin)
				}
				name := strings.ToLower(strings.TrimSpace(src[i+2 : i+end]))
				if len(stack) == 0 {
					return "", nil, parseError("Unexpected end tag at byte offset %d", begin)
				}
				top := stack[len(stack)-1]
				if name != "" && name != top.name {
					return "", nil, parseError(`Unmatched end tag at byte offset %d, expected "</%s>", found "</%s>"`, begin, top.name, name)
				}
				stack = stack[:len(stack)-1]
				entities = closeTag(entities, top, unit, out.String())
				i += end + 1
				continue
			}
			if end < 0 {
				return "", nil, parseError("Unclosed start tag at byte offset %d", begin)
			}
			tag := src[i+1 : i+end]
			name, rest, _ := strings.Cut(tag, " ")
			name = strings.ToLower(name)
			if htmlTags[name] == "" {
				return "", nil, parseError(`Unsupported start tag "%s" at byte offset %d`, name, begin)
			}
			if name == "span" && !strings.Contains(rest, "tg-spoiler") {
				return "", nil, parseError(`Tag "span" must have class "tg-spoiler" at byte offset %d`, begin)
			}
			stack = append(stack, openTag{name, rest, unit, begin})
			i += end + 1
		default:
			n := strings.IndexAny(src[i:], "<&")
			if n < 0 {
				n = len(src) - i
			}
			emit(src[i : i+n])
			i += n
		}
	}
	if len(stack) > 0 {
		return "", nil, parseError(`Can't find end tag corresponding to start tag "%s"`, stack[len(stack)-1].name)
	}
	slices.SortStableFunc(entities, outerFirst)
	return out.String(), entities, nil
}

// closeTag turns a finished tag into an entity.
func closeTag(entities []Entity, t openTag, end int, soFar string) []Entity {
	e := Entity{Type: htmlTags[t.name], Offset: t.start, Length: end - t.start}
	if e.Length == 0 {
		return entities
	}
	switch t.name {
	case "a":
		e.URL = attribute(t.attribute, "href")
		if e.URL == "" {
			e.URL = soFar[byteOf(soFar, t.start):]
		}
		if !strings.Contains(e.URL, ".") && !strings.Contains(e.URL, "://") {
			return entities
		}
	case "tg-emoji":
		e.EmojiID = attribute(t.attribute, "emoji-id")
	case "tg-time":
		e.UnixTime, _ = parseInt(attribute(t.attribute, "unix"))
		e.Format = attribute(t.attribute, "format")
	case "code":
		if class := attribute(t.attribute, "class"); strings.HasPrefix(class, "language-") {
			e.Language = class[len("language-"):]
		}
	case "pre":
		// <pre><code class="language-x"> is one block with a language
		if n := len(entities); n > 0 && entities[n-1].Type == "code" && entities[n-1].Offset == e.Offset && entities[n-1].Length == e.Length {
			e.Language = entities[n-1].Language
			entities = entities[:n-1]
		}
	case "blockquote":
		if strings.Contains(t.attribute, "expandable") {
			e.Type = "expandable_blockquote"
		}
	}
	return append(entities, e)
}

// byteOf is the byte offset of a UTF-16 offset.
func byteOf(s string, unit int) int {
	for i, r := range s {
		if unit <= 0 {
			return i
		}
		unit--
		if r >= 0x10000 {
			unit--
		}
	}
	return len(s)
}

func attribute(attributes, name string) string {
	i := strings.Index(strings.ToLower(attributes), name+"=")
	if i < 0 {
		return ""
	}
	v := attributes[i+len(name)+1:]
	if v == "" {
		return ""
	}
	if q := v[0]; q == '"' || q == '\'' {
		v, _, _ = strings.Cut(v[1:], string(q))
	} else {
		v, _, _ = strings.Cut(v, " ")
	}
	var out strings.Builder
	for v != "" {
		s, n := v[:1], 1
		if v[0] == '&' {
			s, n = htmlCharacter(v)
		}
		out.WriteString(s)
		v = v[n:]
	}
	return out.String()
}

// htmlCharacter reads one of the known references at the start of s; anything
// else is the character itself.
func htmlCharacter(s string) (string, int) {
	end := strings.IndexByte(s, ';')
	if end < 0 || end > 10 {
		return s[:1], 1
	}
	switch name := s[1:end]; name {
	case "lt":
		return "<", end + 1
	case "gt":
		return ">", end + 1
	case "amp":
		return "&", end + 1
	case "quot":
		return `"`, end + 1
	default:
		digits, ok := strings.CutPrefix(name, "#")
		if !ok {
			return s[:1], 1
		}
		base := 10
		if hex, ok := strings.CutPrefix(digits, "x"); ok {
			digits, base = hex, 16
		}
		if n, err := strconv.ParseUint(digits, base, 21); err == nil && n > 0 && n < 0x10ffff {
			return string(rune(n)), end + 1
		}
	}
	return s[:1], 1
}
