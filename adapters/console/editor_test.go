package console

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// typeInto presses the keys and returns the editor and the lines completed.
func typeInto(keys string) (e editor, lines []string) {
	for _, b := range []byte(keys) {
		if done, complete := e.press(b); complete && !done.end && !done.clear {
			lines = append(lines, done.text)
		}
	}
	return e, lines
}

func TestKeysEditTheLine(t *testing.T) {
	const up, down, left, right = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C"
	for _, c := range []struct {
		rule string
		keys string
		want string // the line, with | at the cursor
	}{
		{"letters are inserted", "abc", "abc|"},
		{"characters of several bytes are one", "é漢😀" + left + left, "é|漢😀"},
		{"backspace removes a character", "aé\x7f\x08\x7f", "|"},
		{"the cursor moves and stops at the ends", left + "ab" + left + left + left + "x" + right + right + right, "xab|"},
		{"home and end", "abc\x1b[Hx\x1b[Fy", "xabcy|"},
		{"control keys move too", "abc\x01x\x05y\x02\x02\x06z", "xabcz|y"},
		{"delete removes what is under the cursor", "abc\x1b[H\x1b[3~", "|bc"},
		{"Ctrl-D does too, on a line that is not empty", "abc\x01\x04", "|bc"},
		{"Ctrl-W removes a word", "run  ls  \x17", "run  |"},
		{"Ctrl-U removes all before, Ctrl-K all behind", "abcd" + left + left + "\x15e\x0b", "e|"},
		{"up brings back the last line", "one\ntwo\n" + up + up, "one|"},
		{"up stops at the oldest, down returns to what was typed", "one\nnew" + up + up + up + down + down, "new|"},
		{"a line that is repeated is remembered once", "a\nb\nb\n" + up + up, "a|"},
		{"a tab is a character", "a\tb", "a\tb|"},
		{"keys that mean nothing are swallowed", "a\x1b[15~\x1b[1;5P\x1bx\x00\x07b", "ab|"},
		{"invalid bytes are shown as such", "a\xffb", "a\uFFFDb|"},
		{"a key that is not finished is waited for", "ab\x1b[", "ab|"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			e, _ := typeInto(c.keys)
			got := string(e.line[:e.at]) + "|" + string(e.line[e.at:])
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if e.size != len(string(e.line)) {
				t.Errorf("counts %d bytes of %d", e.size, len(string(e.line)))
			}
		})
	}
}

func TestEnterCompletesTheLine(t *testing.T) {
	_, lines := typeInto("a\nb\r\nc")
	if got := strings.Join(lines, "|"); got != "a|b|" {
		t.Errorf("got %q", got)
	}
	e, _ := typeInto(strings.Repeat("é", maxLine/2))
	if e.long || e.size != maxLine {
		t.Errorf("a line of %d bytes is too long", e.size)
	}
	if e.press('x'); !e.long {
		t.Error("a longer line is not noticed")
	}
	if done, _ := e.press('\n'); !done.long || done.text != "" {
		t.Errorf("got a cut line of %d bytes", len(done.text))
	}
	if e.long || e.size != 0 || len(e.history) != 0 {
		t.Error("the next line is not a new one")
	}
}

func TestHistoryIsBounded(t *testing.T) {
	e, _ := typeInto(strings.Repeat("a\nb\n", maxHistory))
	if len(e.history) != maxHistory {
		t.Errorf("got %d lines, want %d", len(e.history), maxHistory)
	}
}

func TestTheWindowShowsWhatIsAroundTheCursor(t *testing.T) {
	e, _ := typeInto("abcdefghij")
	for _, c := range []struct {
		at, room int
		want     string
	}{{10, 20, "abcdefghij|"}, {10, 4, "ghij|"}, {0, 4, "|abcd"}, {5, 7, "abcde|fg"}, {3, 0, "|"}, {5, -3, "|"}} {
		e.at = c.at
		before, after := e.window(c.room)
		if got := string(before) + "|" + string(after); got != c.want {
			t.Errorf("at %d, room %d: got %q, want %q", c.at, c.room, got, c.want)
		}
	}
	wide, _ := typeInto("漢字漢字")
	if before, _ := wide.window(5); string(before) != "漢字" {
		t.Errorf("got %q of wide characters in 5 columns", string(before))
	}
}

func FuzzEditor(f *testing.F) {
	f.Add([]byte("ab\x7f\x1b[A\n\x1b[3~é\xff\x04"))
	f.Fuzz(func(t *testing.T, keys []byte) {
		var e editor
		for _, b := range keys {
			done, _ := e.press(b)
			if !utf8.ValidString(done.text) {
				t.Errorf("line %q is not UTF-8", done.text)
			}
			if e.at < 0 || e.at > len(e.line) || e.size != len(string(e.line)) || len(e.part) > maxSequence {
				t.Fatalf("after %q: cursor %d in %d, %d bytes, part %q", keys, e.at, len(e.line), e.size, e.part)
			}
			before, after := e.window(20)
			if span(before)+span(after) > 20 {
				t.Fatalf("window %q|%q is too wide", string(before), string(after))
			}
		}
	})
}

func TestTheCursorIsFollowed(t *testing.T) {
	for _, c := range []struct {
		rule   string
		pieces []string
		column int
		begun  bool
	}{
		{"nothing", nil, 0, false},
		{"a line that has ended", []string{"abc\n"}, 0, false},
		{"a line that has not", []string{"abc\nde"}, 2, true},
		{"a carriage return", []string{"50%\rab"}, 2, true},
		{"a backspace", []string{"ab\b\b\bc"}, 1, true},
		{"a way back that leads nowhere yet", []string{"50%\r", "\b\b"}, 3, true},
		{"a tab", []string{"ab\tc"}, 9, true},
		{"wide and combining characters", []string{"漢e\u0301"}, 3, true},
		{"colours take no room", []string{"\x1b[1;31mab\x1b[0m"}, 2, true},
		{"a title takes no room", []string{"\x1b]0;a title\x07ab", "\x1b]0;x\x1b\\c"}, 3, true},
		{"a character set takes no room", []string{"\x1b(Bab"}, 2, true},
		{"pieces may end anywhere", []string{"\x1b", "[3", "1ma", "\xe6", "\xbc", "\xa2", "\x1b(", "B"}, 3, true},
		{"invalid bytes are a column each", []string{"\xff\xfea"}, 3, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			var at cursor
			open := ""
			for _, p := range c.pieces {
				p = open + p
				open = p[len(p)-at.follow([]byte(p)):]
			}
			if at.column != c.column || at.begun != c.begun {
				t.Errorf("got column %d, begun %t; want %d, %t", at.column, at.begun, c.column, c.begun)
			}
		})
	}
}
