package discordtest

import (
	"regexp"
	"strings"
)

// Shown is a message's content as a client shows it, and the blocks of fixed
// width in it, for as much of the markup as a careful bot writes: blocks, code,
// marks and escapes. Zero-width spaces, which separate what must not be read as
// one mark, are left out.
func Shown(content string) (text string, blocks []string) {
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
		if strings.HasPrefix(inside, "ansi\n") {
			inside = rendition.ReplaceAllString(inside, "")
		}
		inside = strings.Trim(languageLine.ReplaceAllString(inside, ""), "\n")
		out.WriteString(plainLine(strings.TrimSuffix(before, "\n")))
		if before != "" {
			out.WriteString("\n")
		}
		out.WriteString(inside)
		blocks = append(blocks, strings.ReplaceAll(inside, invisible, ""))
		content = after
	}
	out.WriteString(plainLine(content))
	return strings.ReplaceAll(out.String(), invisible, ""), blocks
}

const (
	fence     = "```"
	invisible = "\u200B"
)

// rendition is a sequence that colours the text behind it.
var rendition = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// languageLine is what a client takes for the language of a block.
var languageLine = regexp.MustCompile(`^[A-Za-z0-9_+.#-]+\n`)

// plainLine shows text outside of blocks.
func plainLine(text string) string {
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
