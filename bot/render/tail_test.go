package render

import (
	"strings"
	"testing"

	"chapi/bot"

	"pgregory.net/rapid"
)

func TestTail(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	many := strings.Repeat("line of text\n", 5000)
	size := bot.PageSize{Text: 400, Lines: 5}
	tests := []struct {
		rule   string
		chunks []bot.Chunk
		want   string
		from   int64
	}{
		{"no output, no text", nil, "", 0},
		{"what fits is all there", []bot.Chunk{out(7, "a\nb\n")}, "a\nb\n", 7},
		{"as many lines as fit", []bot.Chunk{out(0, many)}, strings.Repeat("line of text\n", 5), int64(len(many) - 5*13)},
		{"an unfinished line is one", []bot.Chunk{out(0, many+"more")}, strings.Repeat("line of text\n", 4) + "more", int64(len(many) - 4*13)},
		{"as much text as fits", []bot.Chunk{out(0, x(120)+"\n"+x(120)+"\n"+x(120)+"\n"+x(60))}, x(120) + "\n" + x(120) + "\n" + x(60), 121},
		{"lines of several chunks and streams", []bot.Chunk{out(0, many), errs(65000, "err\n"), out(65004, "a"), out(65005, "b\n")}, strings.Repeat("line of text\n", 3) + "! err\nab\n", 65000 - 39},
		{"a line longer than a page begins within", []bot.Chunk{out(0, "a\n"+x(1050))}, x(378), 674},
		{"also when an empty one follows", []bot.Chunk{out(0, "a\n"+x(1050)+"\n")}, x(378) + "\n", 674},
		{"a progress bar is one line", []bot.Chunk{out(0, many+strings.Repeat("\r"+x(60), 2000))}, strings.Repeat("line of text\n", 4) + x(60), 65000 - 4*13},
		{"what is missing is named", []bot.Chunk{out(0, "a\n"), out(1002, "b\n")}, "a\n[… 1.0 kB not kept …]\nb\n", 0},
		{"a full-screen program is left out", []bot.Chunk{out(0, "line\n\x1b[?1049h"+strings.Repeat("\x1b[Hscreen\x1b[2;1Hmore", 900))}, "line\n", 0},
		{"also when the chunks begin in the middle of it", []bot.Chunk{out(0, strings.Repeat("\x1b[Hscreen\x1b[2;1Hmore", 9)+"\x1b[?1049lline\n")}, "line\n", 179},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			text, from := Renderer{}.Tail(size, tt.chunks)
			if text != tt.want || from != tt.from {
				t.Errorf("got %d, %q\nwant %d, %q", from, text, tt.from, tt.want)
			}
			fits(t, size, text)
		})
	}
}

func TestTailIsAPageFromWhereItBegins(t *testing.T) {
	for name, lines := range map[string]bool{"lines": true, "any": false} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				chunks := chunksOf(t, tokens(lines), !lines)
				size := sizes().Draw(t, "size")
				text, from := Renderer{}.Tail(size, chunks)
				fits(t, size, text)
				last := chunks[len(chunks)-1]
				if from < chunks[0].From || from > last.From+int64(len(last.Data)) {
					t.Fatalf("from %d is not in the output", from)
				}
				p := NewPaper(size, from)
				layOut(p, chunks)
				if lines && p.Text() != text {
					t.Fatalf("tail from %d: %q\npage from there: %q", from, text, p.Text())
				}
				if whole := shown(chunks...); lines && !strings.HasSuffix(whole, text) && !strings.Contains(text, "\uFFFD") {
					t.Fatalf("tail %q is not the end of %q", text, whole)
				}
			})
		})
	}
}

func TestPictureIsKnownByItsFirstBytes(t *testing.T) {
	for _, tt := range []struct{ head, want string }{
		{"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ".png"},
		{"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01", ".jpg"},
		{"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff", ".gif"},
		{"GIF87a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff", ".gif"},
		{"RIFF\x24\x00\x00\x00WEBPVP8 ", ".webp"},
		{"RIFF\x24\x00\x00\x00WAVEfmt ", ""},
		{"RIFF", ""},
		{"plain text", ""},
		{"\x89PNG", ""},
		{"", ""},
	} {
		if got := (Renderer{}).Picture([]byte(tt.head)); got != tt.want {
			t.Errorf("Picture(%q) = %q, want %q", tt.head, got, tt.want)
		}
	}
}

func TestAmountsAreShort(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 1049: "1.0 kB", 1050: "1.1 kB", 12_345: "12.3 kB",
		99_949: "99.9 kB", 99_950: "100 kB", 999_499: "999 kB", 999_500: "1.0 MB", 12_300_000: "12.3 MB", 640_000_000_000: "640 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := amount(n); got != want {
			t.Errorf("amount(%d) = %q, want %q", n, got, want)
		}
	}
}
