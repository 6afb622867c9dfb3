package render

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"chapi/bot"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// large is a page that everything fits.
var large = bot.PageSize{Text: 1 << 30}

func out(from int64, data string) bot.Chunk {
	return bot.Chunk{From: from, Stream: bot.Stdout, Data: []byte(data)}
}

func errs(from int64, data string) bot.Chunk {
	return bot.Chunk{From: from, Stream: bot.Stderr, Data: []byte(data)}
}

// shown is the text of one large page.
func shown(chunks ...bot.Chunk) string {
	p := NewPaper(large, 0)
	for _, c := range chunks {
		p.Write(c)
	}
	return p.Text()
}

// split cuts chunks at random places.
func split(chunks []bot.Chunk, r *rand.Rand) []bot.Chunk {
	var pieces []bot.Chunk
	for _, c := range chunks {
		for len(c.Data) > 0 {
			n := 1 + r.IntN(min(len(c.Data), 1+r.IntN(40)))
			pieces = append(pieces, bot.Chunk{From: c.From, Stream: c.Stream, Data: c.Data[:n]})
			c.From, c.Data = c.From+int64(n), c.Data[n:]
		}
	}
	return pieces
}

type sheetOfPaper struct {
	text         string
	from, covers int64
	full         bool
}

// pages lays chunks out page by page, as a watcher does, and checks what holds
// for any page.
func pages(t interface {
	Helper()
	Fatalf(string, ...any)
}, size bot.PageSize, chunks []bot.Chunk) []sheetOfPaper {
	t.Helper()
	var all []sheetOfPaper
	from := chunks[0].From
	for {
		p := NewPaper(size, from)
		full := layOut(p, chunks)
		page := sheetOfPaper{p.Text(), from, p.Covers(), full}
		all = append(all, page)
		fits(t, size, page.text)
		if full && page.covers <= from {
			t.Fatalf("page %d: covers %d, begins at %d: nothing taken", len(all), page.covers, from)
		}
		if !full {
			return all
		}
		from = page.covers
	}
}

func joined(pages []sheetOfPaper) string {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString(p.text)
	}
	return b.String()
}

func fits(t interface {
	Helper()
	Fatalf(string, ...any)
}, size bot.PageSize, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("text is not UTF-8: %q", text)
	}
	n := utf8.RuneCountInString(text)
	if size.UTF16 {
		n = len(utf16.Encode([]rune(text)))
	}
	if n > max(size.Text, minText) {
		t.Fatalf("text has %d units, page %d: %q", n, size.Text, text)
	}
	lines := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1
	if size.Lines > 0 && lines > size.Lines {
		t.Fatalf("text has %d lines, page %d: %q", lines, size.Lines, text)
	}
	for _, r := range text {
		if r < ' ' && r != '\n' || r == 0x7f || hidden(r) {
			t.Fatalf("text has the control character %U: %q", r, text)
		}
	}
}

func TestPaperShowsWhatALineTerminalShows(t *testing.T) {
	tests := []struct{ rule, data, want string }{
		{"plain lines are shown as they are", "one\ntwo\n", "one\ntwo\n"},
		{"an unfinished last line is shown", "one\ntw", "one\ntw"},
		{"nothing is an empty text", "", ""},
		{"empty lines are kept", "\n\na\n\n\nb", "\n\na\n\n\nb"},
		{"leading blanks are kept, trailing ones left out", "  a  \n\tb\t\n   \n", "  a\n        b\n\n"},
		{"a line end with carriage return is one line end", "a\r\nb\r\n", "a\nb\n"},
		{"vertical tab and form feed end a line", "a\vb\fc", "a\nb\nc"},
		{"a carriage return writes over", "10%\r20%\r100%", "100%"},
		{"what is not written over stays", "abcdef\rxy", "xycdef"},
		{"a backspace writes over", "abc\b\bX", "aXc"},
		{"backspace stops at the beginning of the line", "a\n\b\b\bb", "a\nb"},
		{"tabs stand at multiples of eight columns", "a\tb\n1234567\tc\n12345678\td", "a       b\n1234567 c\n12345678        d"},
		{"a tab moves over text and leaves it", "abcdefghij\r\tX", "abcdefghXj"},
		{"a tab behind wide characters counts columns", "日本\tx", "日本    x"},
		{"the bell is silent, and so are other controls", "a\a\x00\x01\x0e\x0f\x7fb", "ab"},

		{"colours vanish", "\x1b[1;31mred\x1b[0m \x1b[38;5;9mx\x1b[m \x1b[38:2::1:2:3my", "red x y"},
		{"erase to the end of the line", "abcdef\b\b\b\x1b[K", "abc"},
		{"erase to the beginning of the line", "abcdef\b\b\b\x1b[1K", "    ef"},
		{"erase the line, cursor stays", "abc\x1b[2Kd", "   d"},
		{"cursor to a column", "abcdef\x1b[2GX\x1b[5`Y", "aXcdYf"},
		{"cursor right leaves a gap", "a\x1b[3Cb", "a   b"},
		{"cursor left", "abc\x1b[2DX", "aXc"},
		{"cursor left stops at the beginning", "abc\x1b[99DX", "Xbc"},
		{"cursor up and down", "one\ntwo\nthree\n\x1b[3A\x1b[2KONE\r\x1b[3Bend", "ONE\ntwo\nthree\nend"},
		{"cursor to an earlier and a later line's beginning", "one\ntwo\n\x1b[2F1\x1b[E2", "1ne\n2wo"},
		{"cursor up stops at the page's first line", "a\nb\x1b[50A\rX", "X\nb"},
		{"cursor far to the right is the edge of a usual terminal", "\x1b[999C\x1b[4Dright", strings.Repeat(" ", 75) + "right"},
		{"cursor far down is the last line", "a\nb\nc\x1b[A\x1b[999B\rX", "a\nb\nX"},
		{"delete, insert and erase characters", "abcdef\r\x1b[2P\x1b[1@\x1b[3GX\x1b[2X", " cX"},
		{"erase below", "one\ntwo\nthree\x1b[2A\r\x1b[Jnew", "new"},
		{"erase above", "one\ntwo\nthree\x1b[1J", "\n\n"},
		{"clear begins anew", "old\nlines\n\x1b[H\x1b[2J\x1b[3Jnew\n", "new\n"},
		{"cursor to line and column", "\x1b[2;3Hx\x1b[1;1Hy", "y\n  x"},
		{"cursor saved and restored", "ab\x1b7cd\x1b8X ab\x1b[scd\x1b[uY", "abX abYd"},
		{"index, next line, reverse index", "a\x1bDb\x1bEc\x1bMd", "a\n d\nc"},
		{"repeat the last character", "ab\x1b[3bc", "abbbbc"},
		{"a repeated sequence of more parameters than there are is harmless", "a\x1b[" + strings.Repeat("1;", 60) + "mb", "ab"},

		{"titles and links vanish, with either end", "\x1b]0;title\aa\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"},
		{"a title may be any text", "\x1b]0;“x” – ü\x1b\\a", "a"},
		{"an unfinished title ends with the line", "\x1b]0;title\nnext", "\nnext"},
		{"device strings vanish with their newlines", "a\x1bPq#0\n~-\x1b\\b\x1b_Gpic\nture\x1b\\c\x1b^pm\x1b\\d\x1bXsos\x1b\\e\x1bktitle\x1b\\f", "abcdef"},
		{"another escape ends a string", "\x1b]0;t\x1b[31mred", "red"},
		{"charsets and keypad modes vanish", "\x1b(B\x1b)0a\x1b=\x1b>\x1b#8\x1b%Gb", "ab"},
		{"modes, questions and cursor shapes vanish", "\x1b[?25l\x1b[?2004h\x1b[c\x1b[6n\x1b[>4;1m\x1b[2 q\x1b[!pa", "a"},
		{"cancel ends a sequence", "\x1b[12\x18a\x1b]0;x\x1ab", "ab"},
		{"a sequence that is cut off takes nothing with it", "\x1b[12\nnext\x1b[3é", "\nnexté"},
		{"an escape in a sequence begins another", "\x1b[1\x1b[2Ka", "a"},
		{"eight-bit controls are left out", "a\u009b31m\u0085b", "a31mb"},

		{"each maximal part of a character that is not UTF-8 is one U+FFFD", "\xf0\x9f\x92x\xe6\x97y\x80\xff\xc0\xaf\xed\xa0\x80\xf4\x90z", "\uFFFDx\uFFFDy\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDz"},
		{"an unfinished character at the end is shown as such", "ab\xe6\x97", "ab\uFFFD"},
		{"bidirectional and invisible controls are left out", "a\u202eb\u2066c\u200ed\u200be\ufefff\u2028g\U000e0041h", "abcdefgh"},
		{"joiners and selectors stay", "👩\u200d💻 ❤️ می\u200cخواهم", "👩\u200d💻 ❤️ می\u200cخواهم"},
		{"a ring above is composed or left out", "A\u030a a\u030a x\u030a", "Å å x"},
		{"a mark joins across a colour", "e\x1b[1m\u0301x", "e\u0301x"},
		{"a wide character has two columns", "日本語\rab語", "ab語語"},
		{"half a wide character becomes a blank", "日本\r\x1b[Cx", " x本"},
		{"an emoji of several code points has two columns", "👩‍💻x\r\x1b[2CY", "👩‍💻Y"},
		{"a selector makes a character wide", "❤️x\r\x1b[2CY", "❤️Y"},
		{"flags are one character", "🇩🇪🇫🇷\r\x1b[2Cx", "🇩🇪x"},
		{"overstruck text is shown once", "N\bNA\bAM\bME\bE _\bu_\bn_\bd", "NAME und"},

		{"the alternate screen leaves nothing", "$ vi\n\x1b[?1049h\x1b[H\x1b[2Jtext\x1b[5;5Hmore\x1b[?1049l$ ", "$ vi\n$"},
		{"while it is on, the text is what was there before", "$ vi\n\x1b[?1049h\x1b[2;3Hx\x1b[Hy", "$ vi\n"},
		{"a full reset leaves the alternate screen", "a\x1b[?47hb\x1bcc", "ac"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if got := shown(out(0, tt.data)); got != tt.want {
				t.Errorf("%q:\n got %q\nwant %q", tt.data, got, tt.want)
			}
			for seed := range uint64(8) {
				pieces := split([]bot.Chunk{out(0, tt.data)}, rand.New(rand.NewPCG(seed, 1)))
				if got := shown(pieces...); got != tt.want {
					t.Errorf("split: %q:\n got %q\nwant %q", tt.data, got, tt.want)
				}
			}
		})
	}
}

func TestPaperMarksStandardErrorAndMissingOutput(t *testing.T) {
	tests := []struct {
		rule   string
		chunks []bot.Chunk
		want   string
	}{
		{"a line of standard error is marked", []bot.Chunk{out(0, "a\n"), errs(2, "b\nc\n"), out(6, "d\n")}, "a\n! b\n! c\nd\n"},
		{"the first character decides", []bot.Chunk{out(0, "a"), errs(1, "b\n"), errs(3, "c"), out(4, "d\n")}, "ab\n! cd\n"},
		{"an empty line is not marked", []bot.Chunk{errs(0, "\n  \na")}, "\n\n! a"},
		{"a line erased and written by the other stream changes", []bot.Chunk{errs(0, "err"), out(3, "\r\x1b[Kout")}, "out"},
		{"an unfinished character of the other stream is invalid", []bot.Chunk{out(0, "a\xe6\x97"), errs(3, "b")}, "a\uFFFDb"},
		{"missing output has a line of its own", []bot.Chunk{out(0, "a\n"), out(12_300_002, "b\n")}, "a\n[… 12.3 MB not kept …]\nb\n"},
		{"missing output ends an unfinished line", []bot.Chunk{out(0, "a\x1b[3"), out(104, "1mb")}, "a\n[… 100 bytes not kept …]\n1mb"},
		{"missing output at the beginning", []bot.Chunk{out(1000, "b")}, "[… 1.0 kB not kept …]\nb"},
		{"missing output ends the alternate screen", []bot.Chunk{out(0, "a\n\x1b[?1049hscreen"), out(17, "b")}, "a\n[… 1 byte not kept …]\nb"},
		{"what came before is skipped", []bot.Chunk{out(0, "abc"), out(0, "ab"), out(1, "bcd"), out(4, "e")}, "abcde"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			if got := shown(tt.chunks...); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if tt.chunks[0].From == 0 {
				if got := shown(split(tt.chunks, rand.New(rand.NewPCG(1, 1)))...); got != tt.want && tt.rule != "what came before is skipped" {
					t.Errorf("split: got %q, want %q", got, tt.want)
				}
			}
		})
	}
}

func TestPageEnds(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		rule string
		size bot.PageSize
		data string
		want []string
	}{
		{"before the line that does not fit", bot.PageSize{Text: 64}, x(40) + "\n" + x(30) + "\n", []string{x(40) + "\n", x(30) + "\n"}},
		{"a line fits with its newline", bot.PageSize{Text: 64}, x(40) + "\n" + x(22) + "\n", []string{x(40) + "\n" + x(22) + "\n"}},
		{"or not at all", bot.PageSize{Text: 64}, x(40) + "\n" + x(23) + "\n", []string{x(40) + "\n", x(23) + "\n"}},
		{"at the number of lines", bot.PageSize{Text: 64, Lines: 2}, "a\nb\nc\n", []string{"a\nb\n", "c\n"}},
		{"an empty line counts when it has ended", bot.PageSize{Text: 64, Lines: 2}, "a\nb\n\nc", []string{"a\nb\n", "\nc"}},
		{"the line behind the last may be empty", bot.PageSize{Text: 64, Lines: 2}, "a\nb\n\x1b[31m\r", []string{"a\nb\n"}},
		{"a line longer than a page is cut", bot.PageSize{Text: 64}, x(150) + "\n", []string{x(64), x(64), x(22) + "\n"}},
		{"such a line begins on a page of its own", bot.PageSize{Text: 64}, "a\n" + x(70) + "\n", []string{"a\n", x(64), x(6) + "\n"}},
		{"it is cut at tab stops so that tabs stay true", bot.PageSize{Text: 70}, x(66) + "\t" + x(10), []string{x(64), x(2) + "      " + x(10)}},
		{"a character is never cut", bot.PageSize{Text: 64, UTF16: true}, x(63) + "😀y", []string{x(56), x(7) + "😀y"}},
		{"nor one of several code points", bot.PageSize{Text: 64}, x(61) + "👩‍👩‍👧‍👦z", []string{x(56), x(5) + "👩‍👩‍👧‍👦z"}},
		{"UTF-16 counts double above the basic plane", bot.PageSize{Text: 64, UTF16: true}, strings.Repeat("😀", 33), []string{strings.Repeat("😀", 32), "😀"}},
		{"code points do not", bot.PageSize{Text: 64}, strings.Repeat("😀", 33), []string{strings.Repeat("😀", 33)}},
		{"the mark of standard error counts", bot.PageSize{Text: 64}, "\x00E" + x(63), []string{"! " + x(56), "! " + x(7)}},
		{"a full-screen program takes no room", bot.PageSize{Text: 64}, x(30) + "\n\x1b[?1049h" + x(200) + "\x1b[?1049l" + x(30), []string{x(30) + "\n" + x(30)}},
		{"a progress bar is one line", bot.PageSize{Text: 64, Lines: 2}, "a\n" + strings.Repeat("\r"+x(20), 1000) + "\ndone", []string{"a\n" + x(20) + "\n", "done"}},
		{"blanks at the cut are kept", bot.PageSize{Text: 64}, x(60) + "    " + x(4), []string{x(60) + "    ", x(4)}},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			chunk := out(0, tt.data)
			if rest, ok := strings.CutPrefix(tt.data, "\x00E"); ok {
				chunk = errs(0, rest)
			}
			for seed := range uint64(4) {
				chunks := []bot.Chunk{chunk}
				if seed > 0 {
					chunks = split(chunks, rand.New(rand.NewPCG(seed, 2)))
				}
				var got []string
				for _, p := range pages(t, tt.size, chunks) {
					got = append(got, p.text)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Fatalf("pages (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestCovers(t *testing.T) {
	size := bot.PageSize{Text: 64, Lines: 3}
	tests := []struct {
		rule, data string
		full       bool
		want       int64
	}{
		{"is behind what was written", "abc\nde", false, 6},
		{"is not within a character", "abc\xf0\x9f\x98", false, 3},
		{"is not within a sequence", "abc\x1b[31", false, 3},
		{"is not within a string", "abc\x1b]0;title", false, 3},
		{"grows with a progress bar", strings.Repeat("\r10%", 100), false, 400},
		{"is the beginning of the line that does not fit", "a\nb\nc\n\x1b[31mred", true, 6},
		{"is behind what was erased of that line", "a\nb\n" + strings.Repeat("\r\x1b[K|", 9) + "\r\x1b[K" + strings.Repeat("x", 70), true, 53},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			p := NewPaper(size, 0)
			if full := p.Write(out(0, tt.data)); full != tt.full {
				t.Errorf("full = %v, want %v", full, tt.full)
			}
			if got := p.Covers(); got != tt.want {
				t.Errorf("Covers() = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAFullPageIgnoresWhatFollows(t *testing.T) {
	p := NewPaper(bot.PageSize{Text: 64, Lines: 1}, 0)
	p.Write(out(0, "a\nb\n"))
	text, covers := p.Text(), p.Covers()
	if !p.Write(out(4, "c\n\x1b[H\x1b[2J")) || p.Text() != text || p.Covers() != covers || text != "a\n" || covers != 2 {
		t.Errorf("text %q, covers %d", p.Text(), p.Covers())
	}
}

// However long a program paints, a page needs no more memory than it has.
func TestRepaintingNeedsNoMemory(t *testing.T) {
	for name, data := range map[string]string{
		"progress bar":  "\rReceiving objects:  62% (188/302), 420.00 KiB",
		"spinner":       "\x1b[1G\x1b[0K⠹",
		"lines":         "\x1b[2A\x1b[2Kone\r\x1b[1B\x1b[2Ktwo\r\x1b[1B",
		"status line":   "\x1b7\x1b[24;0fProgress: [ 20%]\x1b8",
		"title":         "\x1b]0;title\a",
		"device string": "\x1bPdata",
		"left and up":   "\x1b[99D\x1b[50A\x1b[J日本\x1b[@",
	} {
		t.Run(name, func(t *testing.T) {
			p := NewPaper(bot.PageSize{Text: 4000, UTF16: true, Lines: 60}, 0)
			var at int64
			write := func() {
				for range 1000 {
					p.Write(out(at, data))
					at += int64(len(data))
				}
			}
			write()
			if n := testing.AllocsPerRun(3, write); n > 1000 || p.Write(out(at, "")) {
				t.Errorf("%v allocations for 1000 repaints, text %q", n, p.Text())
			}
			if cells := len(p.sheet.rows); cells > 60 {
				t.Errorf("%d lines", cells)
			}
		})
	}
}

// A block of lines that is repainted, as by a package manager, goes on
// rightly on the page after the one where it began.
func TestRepaintedLinesGoOnOnTheNextPage(t *testing.T) {
	var b strings.Builder
	for i := range 6 {
		fmt.Fprintf(&b, "log %d\n", i)
	}
	for i := range 5 {
		fmt.Fprintf(&b, "layer %d: waiting\n", i)
	}
	for round := range 3 {
		for i := range 5 {
			fmt.Fprintf(&b, "\x1b[%dA\r\x1b[2Klayer %d: %d%%\r\x1b[%dB", 5-i, i, 50*round, 5-i)
		}
	}
	b.WriteString("done\n")
	got := pages(t, bot.PageSize{Text: 1000, Lines: 8}, []bot.Chunk{out(0, b.String())})
	want := "layer 0: 100%\nlayer 1: 100%\nlayer 2: 100%\nlayer 3: 100%\nlayer 4: 100%\ndone\n"
	if len(got) != 2 || got[1].text != want {
		t.Errorf("pages: %+v", got)
	}
}

// token is a piece of output for random tests.
func tokens(lines bool) *rapid.Generator[string] {
	kinds := []*rapid.Generator[string]{
		rapid.StringMatching(`[ -~]{1,30}`),
		rapid.StringMatching(`[ -~]{1,30}`),
		rapid.SampledFrom([]string{"\n", "\r\n", "\n", "\n\n", " ", "    ", "\t"}),
		rapid.SampledFrom([]string{"日本", "é", "e\u0301", "👩‍💻", "🇩🇪", "❤️", "한국", "क्षि", "\u0301", "\u200d", "ﷺ", "😀😀", "ж", "ア"}),
		rapid.SampledFrom([]string{"\x1b[31m", "\x1b[0m", "\x1b]0;t\a", "\x1b(B", "\a", "\x1b[?25l", "\u202e", "\x1bPx\x1b\\"}),
		rapid.SampledFrom([]string{"\xff", "\xe6\x97", "\xf0\x9f", "\x80", "\xed\xa0\x80"}),
	}
	if !lines {
		kinds = append(kinds,
			rapid.SampledFrom([]string{"\r", "\b", "\b\b", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[5G", "\x1b[3C", "\x1b[4D", "\x1b[2P", "\x1b[2@", "\x1b[3X", "\x1b[4b", "\x1b[300C"}),
			rapid.SampledFrom([]string{"\x1b[A", "\x1b[3A", "\x1b[B", "\x1b[2E", "\x1b[F", "\x1b7", "\x1b8", "\x1bM", "\x1bD", "\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[H", "\x1b[4;7H", "\x1b[9d", "\x1bc"}),
			rapid.SampledFrom([]string{"\x1b[?1049h", "\x1b[?1049l", "\x1b[2;5r", "\x1b[L", "\x1b[M", "\x1b[S", "\x1b[T"}),
		)
	}
	return rapid.OneOf(kinds...)
}

func sizes() *rapid.Generator[bot.PageSize] {
	return rapid.Custom(func(t *rapid.T) bot.PageSize {
		return bot.PageSize{
			Text:  rapid.IntRange(64, 400).Draw(t, "text"),
			UTF16: rapid.Bool().Draw(t, "utf16"),
			Lines: rapid.SampledFrom([]int{0, 1, 2, 5, 20}).Draw(t, "lines"),
		}
	})
}

// chunksOf makes chunks of drawn output: streams change, and now and then some
// is missing.
func chunksOf(t *rapid.T, gen *rapid.Generator[string], streams bool) []bot.Chunk {
	var chunks []bot.Chunk
	var at int64
	for range rapid.IntRange(1, 4).Draw(t, "chunks") {
		data := strings.Join(rapid.SliceOfN(gen, 1, 60).Draw(t, "data"), "")
		c := out(at, data)
		if streams {
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				c.Stream = bot.Stderr
			case 1:
				c.From += 1234
			}
		}
		chunks = append(chunks, c)
		at = c.From + int64(len(data))
	}
	// For an unfinished character at the end there may be no room.
	end := &chunks[len(chunks)-1]
	end.Data = append(end.Data, '.')
	return chunks
}

var trailingBlanks = regexp.MustCompile(`(?m) +$`)

func TestPagesJoinToTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := chunksOf(t, tokens(true), false)
		size := sizes().Draw(t, "size")
		// Where a line was cut within blanks, they are kept.
		if got, want := trailingBlanks.ReplaceAllString(joined(pages(t, size, chunks)), ""), shown(chunks...); got != want {
			t.Fatalf("size %+v\n got %q\nwant %q", size, got, want)
		}
	})
}

// Lines that fit a page and are written over and over join as well.
func TestPagesJoinWithOverwrittenLines(t *testing.T) {
	piece := rapid.OneOf(
		rapid.StringMatching(`[a-z]{1,9}`),
		rapid.SampledFrom([]string{"日本", "é", "\r", "\b", "\x1b[K", "\x1b[2K", "\x1b[2G", "\x1b[3D", "\x1b[2P", "\x1b[2@", "\x1b[X", "\x1b[1K"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 30).Draw(t, "lines") {
			b.WriteString(strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(t, "line"), "") + "\n")
		}
		size := bot.PageSize{Text: rapid.IntRange(100, 300).Draw(t, "text"), Lines: rapid.IntRange(0, 9).Draw(t, "rows")}
		chunks := []bot.Chunk{out(0, b.String())}
		if got, want := joined(pages(t, size, chunks)), shown(chunks...); got != want {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	})
}

func TestSplitsMakeNoDifference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := chunksOf(t, tokens(false), true)
		size := sizes().Draw(t, "size")
		pieces := split(chunks, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)))
		want, got := pages(t, size, chunks), pages(t, size, pieces)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(sheetOfPaper{})); diff != "" {
			t.Fatalf("size %+v, whole and split differ (-whole +split):\n%s", size, diff)
		}
	})
}
