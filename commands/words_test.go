package commands

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chapi/bot"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		rule, line string
		want       []string
	}{
		{"an empty line has no words", "", nil},
		{"blanks are no words", " \t\r\n ", nil},
		{"blanks, tabs and line breaks separate", "ls  -l\t/tmp\n/var", []string{"ls", "-l", "/tmp", "/var"}},
		{"single quotes keep everything", `'a\nb $x "y"'`, []string{`a\nb $x "y"`}},
		{"double quotes keep blanks", `"a  b"c`, []string{"a  bc"}},
		{"an empty quotation is a word", `a '' ""`, []string{"a", "", ""}},
		{"a backslash keeps one character", `a\ b \' \\`, []string{"a b", "'", `\`}},
		{`\n and \t are what they stand for`, `a\nb "c\td"`, []string{"a\nb", "c\td"}},
		{"variables stay as they are", `$HOME "$HOME" ${X}`, []string{"$HOME", "$HOME", "${X}"}},
		{"substitutions stay as they are", "$(id -u) `id -u`", []string{"$(id -u)", "`id -u`"}},
		{"wildcards and ~ stay as they are", "*.go ~ ?", []string{"*.go", "~", "?"}},
		{"a comment is text", "a # b", []string{"a", "#", "b"}},
		{"quoted operators are text", `'a;b' "c|d" e\&f \>`, []string{"a;b", "c|d", "e&f", ">"}},
		{"quoted parentheses are text", `'(a)' "(b)"`, []string{"(a)", "(b)"}},
		{"curly double quotes group", "“a b” c", []string{"a b", "c"}},
		{"curly single quotes group", "‘a b’ c", []string{"a b", "c"}},
		{"low quotes group", "„a b“ ‚c d‘", []string{"a b", "c d"}},
		{"a curly quote may close with a straight one", "“a b\" c", []string{"a b", "c"}},
		{"curly quotes in straight ones are text", `"it’s “so”" '“x”'`, []string{"it’s “so”", "“x”"}},
		{"curly quotes of the other kind are text", "“it’s”", []string{"it’s"}},
		{"an escaped curly quote is text", `it\’s`, []string{"it’s"}},
		{"all languages pass", "écho 日本 🐟", []string{"écho", "日本", "🐟"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := Words(c.line)
			if err != nil || !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
				t.Errorf("Words(%q) = %q, %v; want %q", c.line, got, err, c.want)
			}
		})
	}
}

func TestWordsRefusesWhatOnlyAShellCanDo(t *testing.T) {
	for _, c := range []struct {
		rule, line string
		say        []string
	}{
		{"; separates commands", "echo a; rm b", []string{";", "/sh"}},
		{"| is a pipe", "ls | head", []string{"|", "/sh"}},
		{"& in a word", "--msg=a&b", []string{"&", "/sh"}},
		{"< is a redirection", "sort < x", []string{"<", "/sh"}},
		{"> is a redirection", "echo a > x", []string{">", "/sh"}},
		{"the number in front of > is not what is named", "ls 2>x", []string{"unquoted >,", "/sh"}},
		{"behind other characters too", "écho 日本 ; x", []string{";", "/sh"}},
		{"at the very beginning", "| x", []string{"|", "/sh"}},
		{"a bare parenthesis", "(cd x)", []string{"(", "/sh"}},
		{"a closing parenthesis", "a )", []string{")", "/sh"}},
		{"an open $(", "echo $(id", []string{"$(", "/sh"}},
		{"an apostrophe", "echo don't", []string{"'", `\'`}},
		{"a curly apostrophe", "echo don’t", []string{"'", `\'`}},
		{"an open double quote", `echo "a`, []string{`"`, "not closed"}},
		{"an open curly quote", "echo “a", []string{`"`, "not closed"}},
		{"an open backquote", "echo `id", []string{"`", "not closed"}},
		{"a backslash at the end", `echo a\`, []string{"backslash"}},
		{"bytes that are no text", "echo \xff", []string{"UTF-8"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			words, err := Words(c.line)
			var said *bot.UserError
			if !errors.As(err, &said) || words != nil {
				t.Fatalf("Words(%q) = %q, %v; want a *bot.UserError", c.line, words, err)
			}
			for _, part := range c.say {
				if !strings.Contains(said.Text, part) {
					t.Errorf("Words(%q) says %q, want %q in it", c.line, said.Text, part)
				}
			}
		})
	}
}

func TestJoinedWordsAreReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.String(), 1, 5).Draw(t, "words")
		got, err := Words(joined(want))
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("joined as %q, read as %q, %v; want %q", joined(want), got, err, want)
		}
	})
}

func FuzzWords(f *testing.F) {
	for _, line := range []string{`a 'b' "c"`, "“a”; b", "2>x", "$(", "`", `\`, "(’"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := Words(line)
		var said *bot.UserError
		switch {
		case err != nil && (!errors.As(err, &said) || said.Text == "" || words != nil):
			t.Errorf("Words(%q) = %q, %v", line, words, err)
		case err == nil && len(words) > 0:
			again, err := Words(joined(words))
			if err != nil || !slices.Equal(again, words) {
				t.Errorf("Words(%q) = %q, but joined %q, %v", line, words, again, err)
			}
		}
	})
}
