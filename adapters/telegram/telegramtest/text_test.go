package telegramtest

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextIsStoredCleaned(t *testing.T) {
	pre := func(offset, length int) []Entity { return []Entity{{Type: "pre", Offset: offset, Length: length}} }
	for _, tt := range []struct {
		rule     string
		text     string
		entities []Entity
		want     string
		kept     []Entity
	}{
		{"controls become spaces", "a\tb\x1b[0mc\x00d", nil, "a b [0mc d", nil},
		{"CR goes", "a\r\nb\r", nil, "a\nb", nil},
		{"DEL stays", "a\x7fb", nil, "a\x7fb", nil},
		{"line separators and overrides go", "a\u2028b\u202ec", nil, "abc", nil},
		{"U+030A, U+0333 and U+033F go", "a\u030ab\u0333c\u033fd\u0301", nil, "abcd\u0301", nil},
		{"runs of direction marks are neutralised", "a\u200e\u200f\u200eb", nil, "a\u200c\u200c\u200eb", nil},
		{"a single direction mark stays", "a\u200fb", nil, "a\u200fb", nil},
		{"blanks around are trimmed", " \n a  b \n ", nil, "a  b", nil},
		{"an entity at 0 protects leading blanks", "   a", pre(0, 4), "   a", pre(0, 4)},
		{"trimming stops at the first entity", "  \n a", pre(2, 3), "\n a", pre(0, 3)},
		{"trailing blanks inside an entity go too", "a \n", pre(0, 3), "a", pre(0, 1)},
		{"a tab does not survive even in pre", "\ta", pre(0, 2), " a", pre(0, 2)},
		{"entities move with what is removed before them", "a\r\nb\u2028😀c", pre(5, 3), "a\nb😀c", pre(3, 3)},
		{"entities shrink with what is removed inside", "a\r\nb", pre(0, 4), "a\nb", pre(0, 3)},
		{"an entity of blanks is dropped", "a   b", pre(1, 3), "a   b", nil},
		{"an entity without length is dropped", "ab", pre(1, 0), "ab", nil},
		{"nothing to see is empty", "\u200b \u2060\ufeff\u2800", nil, "", nil},
		{"nested code in pre is dropped", "abcdef", []Entity{{Type: "pre", Length: 6}, {Type: "code", Offset: 1, Length: 2}}, "abcdef", pre(0, 6)},
		{"bold in pre is dropped", "abcdef", []Entity{{Type: "pre", Length: 6}, {Type: "bold", Offset: 1, Length: 2}}, "abcdef", pre(0, 6)},
		{"bold around code is cut out", "abcdef", []Entity{{Type: "bold", Length: 6}, {Type: "code", Offset: 2, Length: 2}}, "abcdef",
			[]Entity{{Type: "bold", Length: 2}, {Type: "code", Offset: 2, Length: 2}, {Type: "bold", Offset: 4, Length: 2}}},
		{"what is left of a style may not be blanks only", "  abcd", []Entity{{Type: "bold", Length: 4}, {Type: "pre", Offset: 2, Length: 4}}, "abcd", pre(0, 4)},
		{"quotes do not nest", "abcdef", []Entity{{Type: "blockquote", Length: 6}, {Type: "blockquote", Offset: 1, Length: 2}}, "abcdef",
			[]Entity{{Type: "blockquote", Length: 6}}},
		{"styles nest", "abcdef", []Entity{{Type: "bold", Length: 6}, {Type: "italic", Offset: 1, Length: 2}}, "abcdef",
			[]Entity{{Type: "bold", Length: 6}, {Type: "italic", Offset: 1, Length: 2}}},
		{"equal styles join", "abcdef", []Entity{{Type: "bold", Length: 4}, {Type: "bold", Offset: 1, Length: 2}}, "abcdef",
			[]Entity{{Type: "bold", Length: 4}}},
		{"commands, mentions and addresses are found", "/run@x_bot say @ann #tag https://a.b/c a@b.com", nil, "/run@x_bot say @ann #tag https://a.b/c a@b.com",
			[]Entity{{Type: "bot_command", Length: 10}, {Type: "mention", Offset: 15, Length: 4}, {Type: "hashtag", Offset: 20, Length: 4},
				{Type: "url", Offset: 25, Length: 13}, {Type: "email", Offset: 39, Length: 7}}},
		{"offsets of found entities are UTF-16", "привет 😀 /run", nil, "привет 😀 /run", []Entity{{Type: "bot_command", Offset: 10, Length: 4}}},
		{"paths are no commands", "/usr/bin a/b </x", nil, "/usr/bin a/b </x", nil},
		{"nothing is found in pre", "/reboot", pre(0, 7), "/reboot", pre(0, 7)},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, kept, err := settle(tt.text, append([]Entity(nil), tt.entities...))
			if err != nil || got != tt.want || len(kept)+len(tt.kept) > 0 && !reflect.DeepEqual(kept, tt.kept) {
				t.Errorf("got %q %v %v, want %q %v", got, kept, err, tt.want, tt.kept)
			}
		})
	}
}

func TestTheHundredAndFirstEntityIsDropped(t *testing.T) {
	var all []Entity
	for i := range 120 {
		kind := "bold"
		if i >= 110 {
			kind = "code"
		}
		all = append(all, Entity{Type: kind, Offset: 2 * i, Length: 1})
	}
	_, kept, err := settle(strings.Repeat("x ", 120), all)
	if err != nil || len(kept) != 100 || kept[99].Type != "code" || kept[99].Offset != 238 {
		t.Errorf("%d kept, last %v, %v", len(kept), kept[len(kept)-1], err)
	}
}

func TestMarkupLanguages(t *testing.T) {
	for _, tt := range []struct {
		rule, mode, text, want string
		kept                   []Entity
	}{
		{"HTML styles", "html", `<b>a</b> <i>b</i> <u>c</u> <s>d</s> <code>e</code>`, "a b c d e",
			[]Entity{{Type: "bold", Length: 1}, {Type: "italic", Offset: 2, Length: 1}, {Type: "underline", Offset: 4, Length: 1}, {Type: "strikethrough", Offset: 6, Length: 1}, {Type: "code", Offset: 8, Length: 1}}},
		{"HTML characters", "HTML", "&lt;&gt;&amp;&quot;&#65;&#x1F600;&nbsp;", `<>&"A😀&nbsp;`, nil},
		{"HTML links", "HTML", `<a href="https://x.org/?a=1&amp;b=2">x</a>`, "x", []Entity{{Type: "text_link", Length: 1, URL: "https://x.org/?a=1&b=2"}}},
		{"HTML blocks with a language", "HTML", `<pre><code class="language-go">x</code></pre>`, "x", []Entity{{Type: "pre", Length: 1, Language: "go"}}},
		{"HTML quotes", "HTML", `<blockquote expandable>x</blockquote>`, "x", []Entity{{Type: "expandable_blockquote", Length: 1}}},
		{"MarkdownV2 styles", "MarkdownV2", "*a* _b_ __c__ ~d~ ||e|| `f`", "a b c d e f",
			[]Entity{{Type: "bold", Length: 1}, {Type: "italic", Offset: 2, Length: 1}, {Type: "underline", Offset: 4, Length: 1}, {Type: "strikethrough", Offset: 6, Length: 1}, {Type: "spoiler", Offset: 8, Length: 1}, {Type: "code", Offset: 10, Length: 1}}},
		{"MarkdownV2 escapes", "markdownv2", `a\.b\!`, "a.b!", nil},
		{"MarkdownV2 blocks", "markdownv2", "```go\na.b\n```", "a.b", []Entity{{Type: "pre", Length: 3, Language: "go"}}},
		{"MarkdownV2 links", "markdownv2", `[x](https://x.org/a_b)`, "x", []Entity{{Type: "text_link", Length: 1, URL: "https://x.org/a_b"}}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			got, kept, err := New(Options{}).formatted(&request{}, tt.text, tt.mode, "")
			if err != nil || got != tt.want || len(kept)+len(tt.kept) > 0 && !reflect.DeepEqual(kept, tt.kept) {
				t.Errorf("got %q %v %v, want %q %v", got, kept, err, tt.want, tt.kept)
			}
		})
	}
}

func TestWhatWasNotTakenAsSentIsRemarked(t *testing.T) {
	w := newWorld(t, Options{})
	send := func(pairs ...any) []string {
		before := len(w.Remarks())
		w.must("sendMessage", append([]any{"chat_id", superID}, pairs...)...)
		return w.Remarks()[before:]
	}
	if got := send("text", "plain text\n"); len(got) != 0 {
		t.Errorf("plain: %v", got)
	}
	for name, pairs := range map[string][]any{
		"entities were ignored":         {"text", "abc", "entities", `{"type":"bold"}`},
		"1 of 1 entities were dropped":  {"text", "a   b", "entities", `[{"type":"bold","offset":1,"length":2}]`},
		"changed by cleaning":           {"text", "a\tb"},
		"message_thread_id was ignored": {"text", "x", "message_thread_id", 5},
		"to be replied was not found":   {"text", "x", "reply_parameters", `{"message_id":99,"allow_sending_without_reply":true}`},
	} {
		if got := send(pairs...); len(got) != 1 || !strings.Contains(got[0], name) {
			t.Errorf("%s: %v", name, got)
		}
	}
	w.Check(t)
}

// FuzzSettle checks what the service promises of a stored text: it is a fixed
// point of the cleaning, and its entities lie inside it, on whole symbols.
func FuzzSettle(f *testing.F) {
	f.Add("a\r\n b\t😀 \u2028/run@bot x.org", 0, 3, 2, 4)
	f.Add("\n\n  pre  ", 2, 7, 0, 1)
	f.Add("👨‍👩‍👧\u200e\u200f", 0, 8, 1, 1)
	f.Fuzz(func(t *testing.T, text string, o1, l1, o2, l2 int) {
		if !utf8.ValidString(text) {
			return
		}
		stored, kept, err := settle(text, []Entity{{Type: "pre", Offset: o1, Length: l1}, {Type: "bold", Offset: o2, Length: l2}})
		if err != nil {
			return
		}
		again, same, err := settle(stored, userOnly(kept))
		if err != nil || again != stored {
			t.Fatalf("%q is stored as %q, and that as %q (%v)", text, stored, again, err)
		}
		if len(same) != len(kept) {
			t.Fatalf("entities %v of %q become %v", kept, stored, same)
		}
		for _, e := range kept {
			if e.Length <= 0 || byteOf(stored, e.Offset) > len(stored) || e.Offset+e.Length > units(stored) {
				t.Fatalf("entity %+v outside %q", e, stored)
			}
		}
	})
}

func userOnly(entities []Entity) (kept []Entity) {
	for _, e := range entities {
		if kindOf(e.Type) != automatic {
			kept = append(kept, e)
		}
	}
	return kept
}

// FuzzStrings checks the hand-written JSON strings against encoding/json.
func FuzzStrings(f *testing.F) {
	f.Add("a\"\\\n\x00é😀\u2028")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != s {
			t.Fatalf("%q reads back as %q (%v)", s, got, err)
		}
	})
}

// FuzzMarkup checks that the parsers of parse_mode neither panic nor leave
// entities outside the text.
func FuzzMarkup(f *testing.F) {
	f.Add("<b>a</b> &amp; <a href='x.y'>z</a>")
	f.Add("*a* [b](c) ```go\nd``` `e`")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		for _, parse := range []func(string) (string, []Entity, error){parseHTML, parseMarkdown} {
			text, entities, err := parse(s)
			if err != nil {
				continue
			}
			for _, e := range entities {
				if e.Length <= 0 || e.Offset < 0 || e.Offset+e.Length > units(text) {
					t.Fatalf("%q: entity %+v outside %q", s, e, text)
				}
			}
		}
	})
}
