package discord

import (
	"regexp"
	"strings"
)

// glass shows a message's content as a client does, for as much of the markup
// as the adapter writes: blocks, code, marks and escapes.
func glass(content string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(content, fence)
		if !found {
			break
		}
		inside, after, closed := strings.Cut(rest, fence)
		if !closed {
			break
		}
		inside = languageLine.ReplaceAllString(inside, "")
		out.WriteString(glassLine(strings.TrimSuffix(before, "\n")))
		if before != "" {
			out.WriteString("\n")
		}
		out.WriteString(strings.Trim(inside, "\n"))
		content = after
	}
	out.WriteString(glassLine(content))
	return strings.ReplaceAll(out.String(), invisible, "")
}

// languageLine is what a client takes for the language of a block.
var languageLine = regexp.MustCompile(`^[A-Za-z0-9_+.#-]+\n`)

// glassLine shows text outside of blocks.
func glassLine(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		switch {
		case text[i] == '\\' && i+1 < len(text) && isPunctuation(text[i+1]):
			i++
			out.WriteByte(text[i])
		case text[i] == '`':
			inside, _, closed := strings.Cut(rest[1:], "`")
			if !closed {
				out.WriteByte('`')
				continue
			}
			out.WriteString(inside)
			i += len(inside) + 1
		case strings.HasPrefix(rest, "http://"), strings.HasPrefix(rest, "https://"):
			n := strings.IndexAny(rest, " \n<")
			if n < 0 {
				n = len(rest)
			}
			out.WriteString(rest[:n])
			i += n - 1
		case text[i] == '*', text[i] == '_' && strings.HasPrefix(rest, "__"):
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

func isPunctuation(b byte) bool {
	return b < 0x80 && !(b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == ' ' || b == '\n')
}
