package render

import (
	"strings"
	"testing"

	"chapi/bot"
)

func TestAPageHasALineForPictures(t *testing.T) {
	text := func(s string) bot.Chunk { return bot.Chunk{Stream: bot.Stdout, Data: []byte(s)} }
	errors := func(s string) bot.Chunk { return bot.Chunk{Stream: bot.Stderr, Data: []byte(s)} }
	picture := func(n int) bot.Chunk {
		return bot.Chunk{Stream: bot.Stdout, Data: []byte("\x89PNG\r\n\x1a\n"), Picture: n}
	}
	long := strings.Repeat("x", 40) + "\n"
	for _, c := range []struct {
		rule   string
		chunks []bot.Chunk
		want   []string // pages
	}{
		{"between lines", []bot.Chunk{text("a\n"), picture(1), text("b\n")}, []string{"a\n[picture 1]\nb\n"}},
		{"after an open line", []bot.Chunk{text("a"), picture(1), text("b")}, []string{"a\n[picture 1]\nb"}},
		{"in pieces", []bot.Chunk{picture(1), picture(1), text("b")}, []string{"[picture 1]\nb"}},
		{"one after another", []bot.Chunk{picture(1), picture(2), picture(10), text("b"), picture(11)}, []string{"[pictures 1–10]\nb\n[picture 11]"}},
		{"with errors within", []bot.Chunk{picture(1), errors("slow\n"), picture(1), errors("done\n"), text("b")}, []string{"[picture 1]\n! slow\n! done\nb"}},
		{"as a new page begins", []bot.Chunk{text(long + "0123456789abcde\n"), picture(1), text("b\n")}, []string{long + "0123456789abcde\n", "[picture 1]\nb\n"}},
		{"as it becomes too long", []bot.Chunk{text(long + "012345678\n"), picture(1), picture(2), text("b\n")}, []string{long + "012345678\n", "[pictures 1–2]\nb\n"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			at := int64(0)
			for i := range c.chunks {
				c.chunks[i].From = at
				at += int64(len(c.chunks[i].Data))
			}
			paper := NewPaper(bot.PageSize{Text: minText}, 0)
			var pages []string
			for layOut(paper, c.chunks) {
				pages = append(pages, paper.Text())
				paper = NewPaper(bot.PageSize{Text: minText}, paper.Covers())
			}
			if pages = append(pages, paper.Text()); strings.Join(pages, "|") != strings.Join(c.want, "|") {
				t.Errorf("got %q, want %q", pages, c.want)
			}
			if end := paper.Covers(); end != at {
				t.Errorf("the last page covers the output up to %d of %d", end, at)
			}
		})
	}
}
