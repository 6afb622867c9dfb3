package discord

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"chapi/bot"
)

func TestWhatIsWrittenIsWhatIsSeen(t *testing.T) {
	for _, c := range []struct {
		rule  string
		spans []bot.Span
		want  string // as stored
	}{
		{"plain text stays", spans("uptime 3 days"), "uptime 3 days"},
		{"marks are escaped", spans("*a* _b_ ~c~ |d| `e`"), `\*a\* \_b\_ \~c\~ \|d\| ` + "\\`e\\`"},
		{"what would ping is escaped", spans("@everyone <@1> <@&2>"), `\@everyone \<\@1\> \<\@&2\>`},
		{"a heading is escaped at the start of a line only", spans("# a # b\n# c"), "\\# a # b\n\\# c"},
		{"a list is escaped at the start of a line only", spans("- a - b\n1. c 2. d"), "\\- a - b\n1\\. c 2. d"},
		{"an address can be followed", spans("see https://x.org/a_b_c*d (http://y.org/_)."), `see https://x.org/a_b_c\*d (http://y.org/\_).`},
		{"bold is marked inside of its blanks", []bot.Span{{Style: bot.Bold, Text: " a*b "}, {Text: "c"}}, `**a\*b** c`},
		{"bold beside italic is told apart", []bot.Span{{Style: bot.Bold, Text: "a"}, {Style: bot.Italic, Text: "b"}}, "**a**" + invisible + "*b*"},
		{"code is marked", []bot.Span{{Style: bot.Code, Text: "/run *"}}, "`/run *`"},
		{"code with a backtick is escaped", []bot.Span{{Style: bot.Code, Text: "a`b*"}}, "a\\`b\\*"},
		{"a block has lines of its own", []bot.Span{{Text: "a"}, {Style: bot.Pre, Text: "b"}, {Text: "c"}}, "a\n```text\nb\n```\nc"},
		{"a block is not closed by its content", []bot.Span{{Style: bot.Pre, Text: "a```b`````c`"}}, "```text\na``" + invisible + "`b``" + invisible + "``" + invisible + "`c`\n```"},
		{"nothing in a block is escaped", []bot.Span{{Style: bot.Pre, Text: `*a* \ <@1>`}}, "```text\n*a* \\ <@1>\n```"},
		{"tabs become blanks", []bot.Span{{Style: bot.Pre, Text: "a\tb"}}, "```text\na       b\n```"},
		{"controls vanish", spans("a\x1b[31mb\r\x00c\x7f"), `a\[31mbc`},
		{"bytes that are not UTF-8 are shown as such", spans("a\xffb"), "a\uFFFDb"},
		{"blanks around vanish", spans(" \n a \n"), "a"},
		{"a block keeps blank lines in front", []bot.Span{{Style: bot.Pre, Text: "\n\n  a"}}, "```text\n" + invisible + "\n\n  a\n```"},
		{"blank text is none", []bot.Span{{Style: bot.Pre, Text: " \n"}}, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := compose(c.spans).text; got != c.want {
				t.Errorf("composed %q, want %q", got, c.want)
			}
		})
	}
}

func spans(s string) []bot.Span { return []bot.Span{{Text: s}} }

func TestTextOfThePagesLengthAlwaysFits(t *testing.T) {
	for _, piece := range []string{"x", "*", "`", "```", "@everyone ", "<@1>", "_\n", "# \n", "🐢", "- a\n"} {
		for _, style := range []bot.Style{bot.Plain, bot.Bold, bot.Italic, bot.Code, bot.Pre} {
			long := string([]rune(strings.Repeat(piece, pageText))[:pageText])
			c := compose([]bot.Span{{Style: style, Text: long}})
			if n := utf8.RuneCountInString(c.text); n > maxContent {
				t.Errorf("%d of %q in style %d make %d characters", pageText, piece, style, n)
			}
		}
	}
}

// fences finds what a client takes for a block.
var fences = regexp.MustCompile("```")

func TestAnyTextFitsAndClosesNoBlock(t *testing.T) {
	alphabet := rapid.SliceOfN(rapid.RuneFrom([]rune("ab`*_~|<>@#-1. \n\t\\:/ż🐢\u200b")), 0, 700)
	rapid.Check(t, func(t *rapid.T) {
		var all []bot.Span
		blocks := 0
		for range rapid.IntRange(1, 4).Draw(t, "spans") {
			s := bot.Span{Style: bot.Style(rapid.IntRange(0, 4).Draw(t, "style")), Text: string(alphabet.Draw(t, "text"))}
			all = append(all, s)
		}
		for _, s := range clean(all) {
			if s.Style == bot.Pre {
				blocks++
			}
		}
		c := compose(all)
		if c.plain > pageText {
			return
		}
		if n := utf8.RuneCountInString(c.text); n > maxContent {
			t.Fatalf("%d characters", n)
		}
		unescaped := strings.ReplaceAll(strings.ReplaceAll(c.text, `\\`, ""), "\\`", "")
		if n := len(fences.FindAllString(unescaped, -1)); n != 2*blocks && n != 2 {
			t.Fatalf("%d fences around %d blocks: %q", n, blocks, c.text)
		}
	})
}

func TestABlockIsSeenExactly(t *testing.T) {
	alphabet := rapid.SliceOfN(rapid.RuneFrom([]rune("ab`*_~|<>@#-1. \n\\:/ż🐢")), 1, 300)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.TrimRight(string(alphabet.Draw(t, "text")), " \n")
		if text == "" || strings.HasPrefix(text, "\n") {
			return
		}
		if got := glass(compose([]bot.Span{{Style: bot.Pre, Text: text}}).text); got != text {
			t.Fatalf("seen %q, want %q", got, text)
		}
	})
}

func FuzzCompose(f *testing.F) {
	f.Add("a ``` b", 4)
	f.Add("@everyone https://x.org/``` \xff", 0)
	f.Fuzz(func(t *testing.T, text string, style int) {
		c := compose([]bot.Span{{Style: bot.Style(style % 5), Text: text}})
		if !utf8.ValidString(c.text) {
			t.Error("not UTF-8")
		}
		if c.plain <= pageText && utf8.RuneCountInString(c.text) > maxContent {
			t.Errorf("%d characters make %d", c.plain, utf8.RuneCountInString(c.text))
		}
	})
}
