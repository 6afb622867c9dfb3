package display_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"chapi/bot"
	"chapi/bot/render"
	"chapi/bot/render/display"
	"chapi/runner/screen"
)

// on is the screen of a terminal that got the text.
func on(cols, rows int, text string) screen.View {
	s := screen.New(cols, rows, screen.Options{})
	s.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n")))
	return s.View()
}

var page = bot.PageSize{Text: 4096, UTF16: true}

func TestTextHasExactColumns(t *testing.T) {
	tests := []struct{ rule, text, want string }{
		{"blanks at the ends of rows and blank rows are cut", "a   \nb\n\n\n\x1b[?25l", "a\nb"},
		{"positions are kept", "\x1b[?25l\x1b[3;5Hx\x1b[1;2Hy", " y\n\n    x"},
		{"the cursor is a block on a blank", "$ ", "$ █"},
		{"and a line under a character", "abc\x1b[1;2H", "ab̲c"},
		{"also in a row that is blank up to it", "\x1b[2;4H", "\n   █"},
		{"a wide character takes two columns", "\x1b[?25l漢字x", "漢字x"},
		{"the cursor under a wide one", "漢字\x1b[1;3H", "漢字̲"},
		{"lines are kept as they are", "\x1b[?25l┌─┐\n│x│\n└─┘", "┌─┐\n│x│\n└─┘"},
		{"lines of the old character set too", "\x1b[?25l\x1b(0lqk\x1b(B", "┌─┐"},
		{"hidden text is blank", "\x1b[?25la\x1b[8msecret\x1b[mb", "a      b"},
		{"marks of direction are gone", "\x1b[?25la\u202eb", "ab"},
		{"combining characters stay", "\x1b[?25le\u0301x", "e\u0301x"},
	}
	for _, test := range tests {
		if got, _ := display.Text(on(20, 5, test.text), page, display.Pan{}); got != test.want {
			t.Errorf("%s: got %q, want %q", test.rule, got, test.want)
		}
	}
}

func TestPanningShowsAPartOfAWideScreen(t *testing.T) {
	v := on(30, 2, "\x1b[?25labcdefghijklmnopqrstuvwxyz\n漢字漢字")
	got, shown := display.Text(v, page, display.Pan{Col: 5, Cols: 10})
	// The right half of 字 and the left half of nothing: both are blank.
	if want := "fghijklmno\n 字"; got != want || shown != (display.Shown{Col: 5, Cols: 10, Rows: 2}) {
		t.Errorf("got %q of %+v, want %q", got, shown, want)
	}
	if got, _ := display.Text(v, page, display.Pan{Cols: 3}); got != "abc\n漢" {
		t.Errorf("a wide character that does not fit is blank: got %q", got)
	}
	if got, shown := display.Text(v, page, display.Pan{Col: 99}); got != "\n" || shown.Col != 29 {
		t.Errorf("beyond the right edge: got %q of %+v", got, shown)
	}
}

func TestTextFitsThePage(t *testing.T) {
	full := on(120, 40, strings.Repeat("x", 120*40-1))
	sizes := []bot.PageSize{{Text: 4096, UTF16: true}, {Text: 1900}, {Text: 300, Lines: 7}, {Text: 40}, {Text: 15}, {Text: 5}, {Text: 0}}
	for _, size := range sizes {
		got, shown := display.Text(full, size, display.Pan{})
		if n := utf8.RuneCountInString(got); n > size.Text {
			t.Errorf("%d characters on a page of %d", n, size.Text)
		}
		lines := strings.Split(got, "\n")
		if size.Lines > 0 && len(lines) > size.Lines {
			t.Errorf("%d lines on a page of %d", len(lines), size.Lines)
		}
		if shown.Rows > 0 && (len(lines) != shown.Rows || shown.Row+shown.Rows != 40) {
			t.Errorf("%d lines, but %+v, of which the last row with the cursor is missing", len(lines), shown)
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(strings.ReplaceAll(line, display.CursorUnder, "")); n != shown.Cols {
				t.Fatalf("a line of %d columns, but %+v", n, shown)
			}
		}
	}
	emoji := on(80, 24, "\x1b[?25l"+strings.Repeat("🚀", 40*24))
	got, _ := display.Text(emoji, bot.PageSize{Text: 1000, UTF16: true}, display.Pan{})
	if n := display.Units(got, page); n > 1000 || n < 800 {
		t.Errorf("%d units of UTF-16 on a page of 1000", n)
	}
}

const secret = "hunter2-correct-horse"

func TestSecretsOnAScreenAreOverwritten(t *testing.T) {
	m := render.NewMasker(secret, "first line\nsecond line", "пароль-длинный")
	stars := func(n int) string { return strings.Repeat("*", n) }
	tests := []struct{ rule, text, want string }{
		{"in a row", "token=" + secret + " ok", "token=" + stars(len(secret)) + " ok"},
		{"over two rows, broken by the terminal", strings.Repeat("x", 30) + secret, strings.Repeat("x", 30) + stars(10) + "\n" + stars(len(secret)-10)},
		{"over two rows, broken by the program", "\x1b[1;31H" + secret[:10] + "\x1b[2;1H" + secret[10:], strings.Repeat(" ", 30) + stars(10) + "\n" + stars(len(secret)-10)},
		{"over three rows", strings.Repeat("x", 38) + secret[:2] + secret[2:], strings.Repeat("x", 38) + stars(2) + "\n" + stars(len(secret)-2)},
		{"in another colour for each half", secret[:7] + "\x1b[31m" + secret[7:], stars(len(secret))},
		{"written out of order", "\x1b[1;8H" + secret[7:] + "\x1b[1;1H" + secret[:7], stars(len(secret))},
		{"of several lines", "first line\nsecond line", stars(10) + "\n" + stars(11)},
		{"not in ASCII: a star for each character", "пароль-длинный!", stars(14) + "!"},
		{"hidden by the program as well", "\x1b[8m" + secret, ""},
		{"cut off at the end of its line", secret[:12] + "\nnext", stars(12) + "\nnext"},
		{"but not for a few letters that begin one", secret[:7] + "\nnext", secret[:7] + "\nnext"},
		{"in a frame", "┌──────┐\n│ " + secret[:4] + " │\n│ " + secret[4:8] + " │\n│ " + secret[8:12] + " │\n│ " + secret[12:16] + " │\n│ " + secret[16:20] + " │\n└──────┘",
			"┌──────┐" + strings.Repeat("\n│ **** │", 5) + "\n└──────┘"},
		{"in windows side by side", secret[:10] + "│other\n" + secret[10:20] + "│text\n" + secret[20:], stars(10) + "│other\n" + stars(10) + "│text\n" + secret[20:]},
		{"in base64", "aHVudGVyMi1jb3JyZWN0LWhvcnNl", stars(28)},
	}
	for _, test := range tests {
		v := on(40, 8, "\x1b[?25l"+test.text)
		display.Mask(&v, m)
		if got, _ := display.Text(v, page, display.Pan{}); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", test.rule, got, test.want)
		}
		for _, c := range v.Cells {
			if c.Width == 0 {
				t.Errorf("%s: half a character is left", test.rule)
			}
		}
	}
}

func TestASecretInTheTitleIsOverwritten(t *testing.T) {
	v := on(40, 3, "\x1b]2;login "+secret+"\x07")
	display.Mask(&v, render.NewMasker(secret))
	if want := "login " + strings.Repeat("*", len(secret)); v.Title != want {
		t.Errorf("the title is %q, want %q", v.Title, want)
	}
}

func TestMaskingLeavesEverythingElse(t *testing.T) {
	text := "\x1b[31mcolour\x1b[m 漢字 e\u0301 ┌─┐ " + secret[:6] + " \n" + strings.Repeat("x", 100)
	want, got := on(40, 6, text), on(40, 6, text)
	display.Mask(&got, render.NewMasker(secret))
	display.Mask(&got, nil)
	for i := range want.Cells {
		if got.Cells[i] != want.Cells[i] {
			t.Fatalf("cell %d is %+v, want %+v", i, got.Cells[i], want.Cells[i])
		}
	}
}

// A view is what another package made: it may be anything.
func FuzzText(f *testing.F) {
	f.Add("abc\x1b[5;5H漢字\x1b[8m", 20, 5, 3, 10, 50, 3)
	f.Fuzz(func(t *testing.T, text string, cols, rows, from, width, room, lines int) {
		if cols < 1 || cols > 200 || rows < 1 || rows > 60 || room < 0 || lines < 0 {
			return
		}
		v := on(cols, rows, text)
		display.Mask(&v, render.NewMasker(secret))
		size := bot.PageSize{Text: room, UTF16: true, Lines: lines}
		got, _ := display.Text(v, size, display.Pan{Col: from, Cols: width})
		if !utf8.ValidString(got) || display.Units(got, size) > room || strings.Contains(got, secret) {
			t.Errorf("got %q", got)
		}
		display.Waiting(v)
		display.FullScreen(v)
	})
}

func BenchmarkText(b *testing.B) {
	v, m := on(120, 40, strings.Repeat("some words and 12345 numbers\n", 40)), render.NewMasker(secret)
	b.ReportAllocs()
	for b.Loop() {
		display.Mask(&v, m)
		display.Text(v, page, display.Pan{})
	}
}
