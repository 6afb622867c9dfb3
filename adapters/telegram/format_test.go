package telegram

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chapi/bot"
)

func TestCompose(t *testing.T) {
	pre := func(s string) bot.Span { return bot.Span{Style: bot.Pre, Text: s} }
	plain := func(s string) bot.Span { return bot.Span{Text: s} }
	bold := func(s string) bot.Span { return bot.Span{Style: bot.Bold, Text: s} }
	for _, c := range []struct {
		rule     string
		spans    []bot.Span
		text     string
		entities string // type@offset+length
	}{
		{"a block in front keeps its indentation", []bot.Span{pre("  a\n    b")}, "  a\n    b", "pre@0+9"},
		{"blanks in front of plain text go", []bot.Span{plain(" \n x")}, "x", ""},
		{"blanks in front of a block go, those in it stay", []bot.Span{plain("\n "), pre("  a")}, "  a", "pre@0+3"},
		{"blanks at the end go, in a block too", []bot.Span{plain("a\n"), pre("b \n\n")}, "a\nb", "pre@2+1"},
		{"a blank block does not count", []bot.Span{pre(" \n"), plain("  a")}, "a", ""},
		{"offsets count utf-16 units", []bot.Span{plain("🐢ż "), bold("x🐢")}, "🐢ż x🐢", "bold@4+3"},
		{"tabs go to the next stop of their line", []bot.Span{pre("a\tb\n\tc")}, "a       b\n        c", "pre@0+19"},
		{"a carriage return does not shift what follows", []bot.Span{plain("a\r\n"), bold("b")}, "a\nb", "bold@2+1"},
		{"controls go", []bot.Span{pre("\x1b[1mx\x00\x7f\u0085y")}, "[1mxy", "pre@0+5"},
		{"what the server removes goes", []bot.Span{plain("a\u202e\u030ab"), bold("c")}, "abc", "bold@2+1"},
		{"line separators are line ends", []bot.Span{plain("a\u2028b")}, "a\nb", ""},
		{"of a run of direction marks the last stays", []bot.Span{plain("a\u200e\u200f"), bold("\u200eb")}, "a\u200c\u200c\u200eb", "bold@3+2"},
		{"neighbours of one style are one", []bot.Span{bold("a"), bold("b"), plain("c")}, "abc", "bold@0+2"},
		{"bytes that are not utf-8 show", []bot.Span{plain("a\xffb")}, "a\uFFFDb", ""},
		{"nothing is nothing", []bot.Span{plain(" "), pre("\n")}, "", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := compose(c.spans)
			if got.text != c.text {
				t.Errorf("text = %q, want %q", got.text, c.text)
			}
			var es []string
			for _, e := range got.entities {
				es = append(es, fmt.Sprintf("%s@%d+%d", e.Type, e.Offset, e.Length))
			}
			if s := strings.Join(es, " "); s != c.entities {
				t.Errorf("entities = %s, want %s", s, c.entities)
			}
			if want := len(utf16.Encode([]rune(got.text))); got.units != want {
				t.Errorf("units = %d, want %d", got.units, want)
			}
		})
	}
}

// removed is what the server takes out of a text, and marks the runs of
// direction marks of which it keeps the last.
var (
	removed = regexp.MustCompile("[\r\u2028-\u202e\u0333\u033f\u030a]")
	blanked = regexp.MustCompile("[\x00-\x09\x0b-\x1f]")
	marks   = regexp.MustCompile("[\u200e\u200f]+([\u200e\u200f])")
)

// serverClean is the server's cleaning, written anew from its description.
func serverClean(s string) string {
	s = blanked.ReplaceAllString(removed.ReplaceAllString(s, ""), " ")
	return marks.ReplaceAllStringFunc(s, func(run string) string {
		r := []rune(run)
		return strings.Repeat("\u200c", len(r)-1) + string(r[len(r)-1])
	})
}

// serverTrim is the server's trimming of a cleaned text.
func serverTrim(c composed) string {
	head := len(utf16.Encode([]rune(c.text)))
	if len(c.entities) > 0 {
		head = c.entities[0].Offset
	}
	s := c.text
	for head > 0 && s != "" && (s[0] == ' ' || s[0] == '\n') {
		s, head = s[1:], head-1
	}
	return strings.TrimRight(s, " \n")
}

func TestComposedTextIsWhatTheServerStores(t *testing.T) {
	runes := rapid.OneOf(
		rapid.SampledFrom([]rune(" \n\t\r\x1b\x00ab\u00a0\u200b\u200e\u200f\u2028\u202e\u030a\u0333\u033f🐢👩‍👧ż\uFFFD")),
		rapid.Rune(),
	)
	spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) bot.Span {
		return bot.Span{
			Style: bot.Style(rapid.IntRange(int(bot.Plain), int(bot.Pre)).Draw(t, "style")),
			Text:  rapid.StringOf(runes).Draw(t, "text"),
		}
	}), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		c := compose(spans.Draw(t, "spans"))
		if got := serverClean(c.text); got != c.text {
			t.Fatalf("the server makes %q of %q", got, c.text)
		}
		if got := serverTrim(c); got != c.text {
			t.Fatalf("the server trims %q to %q", c.text, got)
		}
		units := utf16.Encode([]rune(c.text))
		end := 0
		for _, e := range c.entities {
			if e.Offset < end || e.Length <= 0 || e.Offset+e.Length > len(units) {
				t.Fatalf("entity %+v after %d in a text of %d units", e, end, len(units))
			}
			end = e.Offset + e.Length
			for _, at := range []int{e.Offset, end} {
				if at < len(units) && units[at] >= 0xDC00 && units[at] <= 0xDFFF {
					t.Fatalf("entity %+v cuts a surrogate pair", e)
				}
			}
			if strings.Trim(string(utf16.Decode(units[e.Offset:end])), " \n") == "" {
				t.Fatalf("entity %+v is blank", e)
			}
		}
	})
}

func TestEntitiesBeyondTheLimitGoStylesFirst(t *testing.T) {
	var spans []bot.Span
	for i := range 120 {
		style := bot.Bold
		if i%2 == 0 {
			style = bot.Code
		}
		spans = append(spans, bot.Span{Style: style, Text: "x"}, bot.Span{Text: " "})
	}
	es := compose(spans).entities
	if len(es) != maxEntities {
		t.Fatalf("%d entities, want %d", len(es), maxEntities)
	}
	code, last := 0, -1
	for _, e := range es {
		if e.Type == "code" {
			code++
		}
		if e.Offset <= last {
			t.Fatalf("entity at %d after one at %d", e.Offset, last)
		}
		last = e.Offset
	}
	if code != 60 {
		t.Errorf("%d code entities are left, want 60", code)
	}
}

func TestKeyboardsOfAllShapes(t *testing.T) {
	if got := keyboardOf(nil); got != nil {
		t.Errorf("no keyboard = %v", got)
	}
	if got := keyboardOf(&bot.Keyboard{Rows: [][]bot.Button{{}}}); got != nil {
		t.Errorf("keyboard without buttons = %v", got)
	}
}

func TestFileNames(t *testing.T) {
	for name, want := range map[string]string{
		"log.txt":                        "log.txt",
		"../../etc/passwd":               "passwd",
		"":                               "file",
		"a\x00b\"c.txt":                  "a_b_c.txt",
		strings.Repeat("ż", 100) + ".gz": strings.Repeat("ż", 58) + ".gz",
	} {
		s := sending{media: &bot.Media{Name: name}, file: &bot.Content{}}
		if diff := cmp.Diff(want, s.name()); diff != "" {
			t.Errorf("name of %q (-want +got):\n%s", name, diff)
		}
	}
}
