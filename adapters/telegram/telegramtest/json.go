package telegramtest

import (
	"strconv"
	"unicode/utf8"
)

// The answers are written by hand rather than by reflection: this server has
// to keep up with a benchmark that runs on the same machine.

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Like the real server it escapes
// everything that is not ASCII.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		if c < utf8.RuneSelf {
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			default:
				b = appendUnicode(b, rune(c))
			}
			i++
		} else {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r >= 0x10000 {
				r -= 0x10000
				b = appendUnicode(b, 0xd800+r>>10)
				r = 0xdc00 + r&0x3ff
			}
			b = appendUnicode(b, r)
			i += n
		}
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendUnicode(b []byte, r rune) []byte {
	return append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
}

func appendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// key writes a member's name with the comma before it where one is needed.
func key(b []byte, name string) []byte {
	if last := b[len(b)-1]; last != '{' && last != '[' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func member(b []byte, name, value string) []byte { return appendString(key(b, name), value) }

func memberInt[T int | int64](b []byte, name string, value T) []byte {
	return strconv.AppendInt(key(b, name), int64(value), 10)
}

func memberTrue(b []byte, name string) []byte { return append(key(b, name), "true"...) }

func appendUserMembers(b []byte, u *User) []byte {
	b = memberInt(b, "id", u.ID)
	b = appendBool(key(b, "is_bot"), u.Bot)
	b = member(b, "first_name", u.Name)
	if u.Username != "" {
		b = member(b, "username", u.Username)
	}
	if u.Language != "" {
		b = member(b, "language_code", u.Language)
	}
	return b
}

func appendUser(b []byte, u *User) []byte {
	return append(appendUserMembers(append(b, '{'), u), '}')
}

func appendEntities(b []byte, entities []Entity, users map[int64]*User) []byte {
	b = append(b, '[')
	for i := range entities {
		e := &entities[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = memberInt(b, "offset", e.Offset)
		b = memberInt(b, "length", e.Length)
		b = member(b, "type", e.Type)
		if e.URL != "" {
			b = member(b, "url", e.URL)
		}
		if e.Language != "" {
			b = member(b, "language", e.Language)
		}
		if e.EmojiID != "" {
			b = member(b, "custom_emoji_id", e.EmojiID)
		}
		if u := users[e.User]; e.User != 0 && u != nil {
			b = appendUser(key(b, "user"), u)
		}
		if e.Type == "date_time" {
			b = memberInt(b, "unix_time", e.UnixTime)
			b = member(b, "date_time_format", e.Format)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}
