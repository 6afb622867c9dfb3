package screen

import (
	"fmt"
	"strings"
	"testing"
)

// show draws a screen as text: its rows without trailing blank ones, a bar at
// the end of each that is wrapped.
func show(s *Screen) string {
	v := s.View()
	var b strings.Builder
	for y := range v.Rows {
		b.WriteString(v.Text(y))
		if v.Wrapped[y] {
			b.WriteByte('|')
		}
		b.WriteByte('\n')
	}
	return strings.TrimRight(b.String(), "\n")
}

// after gives the screen of 10x4 after an input.
func after(input string) *Screen {
	s := New(10, 4, Options{History: 100})
	s.Write([]byte(input))
	return s
}

func TestWhatIsDrawn(t *testing.T) {
	for _, c := range []struct{ rule, input, want string }{
		{"text", "hello", "hello"},
		{"CR LF begins a row", "a\r\nb", "a\nb"},
		{"LF alone keeps the column", "a\nb", "a\n b"},
		{"the eleventh character wraps", "0123456789X", "0123456789|\nX"},
		{"the tenth leaves the cursor on its row", "0123456789\r\nX", "0123456789\nX"},
		{"a full screen scrolls", "1\r\n2\r\n3\r\n4\r\n5", "2\n3\n4\n5"},
		{"without autowrap the last column is overwritten", "\x1b[?7l0123456789XY", "012345678Y"},
		{"backspace moves", "abc\b\bX", "aXc"},
		{"tab stops are at each eighth column", "\tX", "        X"},
		{"a tab stop can be set and cleared", "\x1b[3g\x1b[4G\x1bH\r\tX", "   X"},
		{"CUP", "\x1b[2;3HX", "\n  X"},
		{"CUP beyond the edge stops there", "\x1b[99;99HX", "\n\n\n         X"},
		{"ED 0 clears below", "a\r\nb\r\nc\x1b[2;1H\x1b[J", "a"},
		{"ED 1 clears above and to the cursor", "abc\r\nabc\x1b[2;2H\x1b[1J", "\n  c"},
		{"EL", "abcdef\x1b[3G\x1b[K", "ab"},
		{"EL 1 clears up to the cursor", "abcdef\x1b[3G\x1b[1K", "   def"},
		{"ECH", "abcdef\x1b[2G\x1b[3X", "a   ef"},
		{"ICH", "abcdefghij\x1b[2G\x1b[2@", "a  bcdefgh"},
		{"DCH", "abcdefghij\x1b[2G\x1b[2P", "adefghij"},
		{"IL", "1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[L", "1\n\n2\n3"},
		{"DL", "1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[M", "1\n3\n4"},
		{"insert mode", "abc\x1b[4h\x1b[2GX", "aXbc"},
		{"a scroll region", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[3;1H\nX", "1\n3\nX\n4"},
		{"RI at the region's top", "1\r\n2\r\n3\r\n4\x1b[2;3r\x1b[2;1H\x1bM", "1\n\n2\n4"},
		{"SU and SD", "1\r\n2\r\n3\r\n4\x1b[S\x1b[2T", "\n\n2\n3"},
		{"origin mode", "\x1b[2;3r\x1b[?6h\x1b[HX", "\nX"},
		{"REP repeats the last character", "-\x1b[4b", "-----"},
		{"line drawing by G0", "\x1b(0lqk\x1b(Bq", "┌─┐q"},
		{"line drawing by SO", "\x1b)0\x0elqk\x0fq", "┌─┐q"},
		{"a single shift", "\x1b*0\x1bNqq", "─q"},
		{"wide characters take two columns", "漢字X", "漢字X"},
		{"a wide one that does not fit wraps", "12345678漢字", "12345678漢|\n字"},
		{"and leaves a blank at the edge", "123456789漢", "123456789|\n漢"},
		{"half a wide character is a blank", "漢字\x1b[2GX", " X字"},
		{"combining characters join", "e\u0301X", "e\u0301X"},
		{"also with the last column", "012345678e\u0301X", "012345678e\u0301|\nX"},
		{"emoji with a joiner keep their columns", "👩\u200d👩X", "👩\u200d👩X"},
		{"invalid UTF-8 is a replacement character for each byte", "a\xffb\xe2\x82c", "a\ufffdb\ufffd\ufffdc"},
		{"C1 controls in UTF-8 draw nothing", "a\u009bb", "ab"},
		{"DECALN", "\x1b#8", "EEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE\nEEEEEEEEEE"},
		{"DECSC and DECRC", "a\x1b7b\x1b[3;3H\x1b8X", "aX"},
		{"RIS", "abc\x1bcX", "X"},
		{"CAN ends a sequence", "\x1b[12\x18X", "X"},
		{"a control character within a sequence is carried out", "a\x1b[2\r\nCX", "a\n  X"},
		{"an unknown sequence draws nothing", "\x1b[?1;2$wX\x1b[=1uY\x1b%GZ", "XYZ"},
		{"strings draw nothing", "\x1bPqsixel\x1b\\a\x1b_apc\x1b\\b\x1b]52;c;aGk=\ac", "abc"},
		{"too many parameters", "\x1b[" + strings.Repeat("1;", 500) + "1mX", "X"},
		{"a huge parameter", "\x1b[99999999999999999999CX", "         X"},
		{"backspace over a wrapped edge", "0123456789\bX", "01234567X9"},
		{"CBT", "\x1b[10G\x1b[ZX", "        X"},
		{"NEL and IND", "ab\x1bEc\x1bDd", "ab\nc\n d"},
	} {
		if got := show(after(c.input)); got != c.want {
			t.Errorf("%s: %q\ngot\n%s\nwant\n%s", c.rule, c.input, got, c.want)
		}
	}
}

func TestTheAlternateScreen(t *testing.T) {
	for _, mode := range []string{"47", "1047", "1049"} {
		s := after("normal\x1b[?" + mode + "h\x1b[H\x1b[2Jother")
		if got := show(s); got != "other" || !s.View().Alternate {
			t.Errorf("%s: got %q, want the alternate screen", mode, got)
		}
		s.Write([]byte("\r\n\n\n\n\n\n\x1b[?" + mode + "l"))
		if got := show(s); got != "normal" || s.View().Alternate {
			t.Errorf("%s: got %q, want the normal screen as it was", mode, got)
		}
		if s.History() != 0 {
			t.Errorf("%s: %d lines of history from the alternate screen", mode, s.History())
		}
	}
}

func TestTheHistoryKeepsWhatLeavesTheTop(t *testing.T) {
	s := New(10, 3, Options{History: 5})
	for i := range 20 {
		fmt.Fprintf(s, "\r\n\x1b[3%dmline %d\x1b[m", i%8, i)
	}
	if s.History() != 5 {
		t.Fatalf("%d lines of history, want 5", s.History())
	}
	var got []string
	for _, l := range s.Lines(0, 100) {
		got = append(got, l.Text())
	}
	if want := "line 12,line 13,line 14,line 15,line 16,line 17,line 18,line 19"; strings.Join(got, ",") != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if fg := s.Lines(0, 1)[0].Cells[0].Style.Fg; fg != Palette(4) {
		t.Errorf("colour of line 12 in the history: %x", fg)
	}
	s.Write([]byte("\x1b[3J"))
	if s.History() != 0 {
		t.Error("ED 3 leaves history")
	}
}

func TestColoursAndAttributes(t *testing.T) {
	for _, c := range []struct {
		sgr  string
		want Style
	}{
		{"31", Style{Fg: Palette(1)}},
		{"97;100", Style{Fg: Palette(15), Bg: Palette(8)}},
		{"38;5;200", Style{Fg: Palette(200)}},
		{"38:5:200", Style{Fg: Palette(200)}},
		{"48;2;1;2;3", Style{Bg: RGB(1, 2, 3)}},
		{"48:2:1:2:3", Style{Bg: RGB(1, 2, 3)}},
		{"48:2::1:2:3;1", Style{Bg: RGB(1, 2, 3), Bold: true}},
		{"1;2;3;4;5;7;8;9", Style{Bold: true, Dim: true, Italic: true, Underline: true, Blink: true, Reverse: true, Hidden: true, Strike: true}},
		{"1;2;22", Style{}},
		{"4:3", Style{Underline: true}},
		{"4:3;4:0", Style{}},
		{"21;58;5;9", Style{Underline: true, UnderlineColor: Palette(9)}},
		{"31;;1", Style{Bold: true}},
		{"31;39;42;49", Style{}},
		{"38;5;300;1", Style{Bold: true}},
		{"38;7;1", Style{Bold: true}},
		{"38;2;1", Style{}},
	} {
		if got := after("\x1b[" + c.sgr + "mX").View().Cells[0].Style; got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.sgr, got, c.want)
		}
	}
}

func TestErasingLeavesTheBackground(t *testing.T) {
	for _, input := range []string{"\x1b[44m\x1b[2J", "\x1b[44m\x1b[K", "x\r\x1b[44m\x1b[X", "\x1b[44m\x1b[5S", "\x1b[44m\x1b[L", "\x1b[44m\x1b[@", "\x1b[44m\x1b[10P"} {
		if got := after(input).View().Cells[0]; got.Style != (Style{Bg: Palette(4)}) || got.Text != "" {
			t.Errorf("%q: %+v", input, got)
		}
	}
}

func TestQueriesAreAnswered(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"\x1b[c", "\x1b[?62;22c"},
		{"\x1bZ", "\x1b[?62;22c"},
		{"\x1b[>c", "\x1b[>1;10;0c"},
		{"\x1b[5n", "\x1b[0n"},
		{"\x1b[2;3H\x1b[6n", "\x1b[2;3R"},
		{"0123456789\x1b[6n", "\x1b[1;10R"},
		{"\x1b[2;4r\x1b[?6h\x1b[2;2H\x1b[6n", "\x1b[2;2R"},
		{"\x1b[?6n", "\x1b[?1;1R"},
		{"\x1b[18t", "\x1b[8;4;10t"},
		{"\x1b]0;evil\a\x1b[21t", "\x1b]l\x1b\\"},
		{"\x1b[14t", "\x1b[4;64;80t"},
		{"\x1b[16t", "\x1b[6;16;8t"},
		{"\x1b[?2;1;0S", "\x1b[?2;1;0S"},
		{"\x1bP+q544e\nrm -r\n\x1b\\", "\x1bP0+r\x1b\\"},
		{"\x1b[?2004h\x1b[?2004$p", "\x1b[?2004;1$y"},
		{"\x1b[?2026$p", "\x1b[?2026;2$y"},
		{"\x1b[?4711$p", "\x1b[?4711;0$y"},
		{"\x1b[4$p", "\x1b[4;2$y"},
		{"\x1b[1;38;5;3m\x1bP$qm\x1b\\", "\x1bP1$r0;1;38:5:3m\x1b\\"},
		{"\x1b[5 q\x1bP$q q\x1b\\", "\x1bP1$r5 q\x1b\\"},
		{"\x1bP$qr\x1b\\", "\x1bP1$r1;4r\x1b\\"},
		{"\x1bP$qz\x1b\\", "\x1bP0$r\x1b\\"},
		{"\x1bP+q436f\x1b\\", "\x1bP1+r436F=323536\x1b\\"},
		{"\x1b]11;?\a", "\x1b]11;rgb:0000/0000/0000\a"},
		{"\x1b]10;?\x1b\\", "\x1b]10;rgb:e5e5/e5e5/e5e5\x1b\\"},
		{"\x1b]4;1;?\x1b\\", "\x1b]4;1;rgb:cdcd/0000/0000\x1b\\"},
		{"\x1b[>q", "\x1bP>|chapi(1)\x1b\\"},
		{"\x1b]52;c;?\a", "\x1b]52;c;\a"},
		{"\x1b[x", "\x1b[2;1;1;128;128;1;0x"},
	} {
		s := after(c.query)
		if got := string(s.Answers()); got != c.want {
			t.Errorf("%q: got %q, want %q", c.query, got, c.want)
		}
		if s.Answers() != nil {
			t.Errorf("%q: answered twice", c.query)
		}
	}
	s := after(strings.Repeat("\x1b[c", 10_000))
	if n := len(s.Answers()); n > maxAnswers || n == 0 {
		t.Errorf("%d bytes of answers", n)
	}
}

func TestModesAreKnown(t *testing.T) {
	s := after("\x1b[?1h\x1b=\x1b[?2004h\x1b[?1002h\x1b[?1006h\x1b[?1004h\x1b[?25l\x1b[6 q\x1b]2;a title\x1b\\")
	v := s.View()
	want := Modes{ApplicationCursor: true, ApplicationKeypad: true, BracketedPaste: true, Mouse: MouseDrag, MouseEncoding: MouseSGR, FocusEvents: true}
	if v.Modes != want || v.Cursor.Visible || v.Cursor.Shape != CursorBar || v.Title != "a title" {
		t.Errorf("got %+v %+v %q", v.Modes, v.Cursor, v.Title)
	}
	s.Write([]byte("\x1b[22;0t\x1b]0;other\a\x1b[23;0t"))
	if got := s.View().Title; got != "a title" {
		t.Errorf("title after push and pop: %q", got)
	}
	s.Write([]byte("\x1bc"))
	if v := s.View(); v.Modes != (Modes{}) || !v.Cursor.Visible || v.Title != "" {
		t.Errorf("after RIS: %+v", v.Modes)
	}
}

func TestATitleCannotHoldControls(t *testing.T) {
	s := after("\x1b]2;a\u202eb\xffc\u0085d " + strings.Repeat("é", 500) + "\a")
	if got := s.View().Title; !strings.HasPrefix(got, "ab\ufffdcd é") || len(got) > maxTitle {
		t.Errorf("%q", got)
	}
}

func TestMarksFollowTheirLines(t *testing.T) {
	s := New(10, 4, Options{History: 100})
	s.Write([]byte("\x1b]133;A\a$ \x1b]133;B\amake\r\n\x1b]133;C\aone\r\ntwo\r\n\x1b]133;D;2\a\x1b]133;A\a$ "))
	want := "[{0 A 0} {0 B 0} {1 C 0} {3 D 2} {3 A 0}]"
	if got := fmt.Sprint(printMarks(s)); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Write([]byte("\r\n\n\n\n\n"))
	if got := fmt.Sprint(printMarks(s)); got != want || s.History() != 5 {
		t.Errorf("in the history: got %v, want %v", got, want)
	}
	s.Resize(5, 6)
	if got := fmt.Sprint(printMarks(s)); got != "[{0 A 0} {0 B 0} {2 C 0} {4 D 2} {4 A 0}]" {
		t.Errorf("after a resize: got %v", got)
	}
}

func printMarks(s *Screen) []string {
	var list []string
	for _, m := range s.Marks() {
		list = append(list, fmt.Sprintf("{%d %c %d}", m.Line, m.Kind, m.Exit))
	}
	return list
}

func TestASynchronizedUpdateIsShownWhenItIsComplete(t *testing.T) {
	s := after("old\x1b[?2026h\x1b[2J\x1b[Hhalf")
	if got := show(s); got != "old" {
		t.Errorf("open: %q", got)
	}
	before := s.Changed()
	s.Write([]byte(" new"))
	if s.Changed() != before {
		t.Error("changed while the update is open")
	}
	s.Write([]byte("\x1b[?2026l"))
	if got := show(s); got != "half new" || s.Changed() == before {
		t.Errorf("closed: %q", got)
	}
	s.Write([]byte("\x1b[?2026h"))
	for range maxSyncBytes {
		s.Write([]byte{'x'})
	}
	s.Write([]byte("\x1b[2J\x1b[Hfree"))
	if got := show(s); got != "free" {
		t.Errorf("an update without end holds the view back: %q", got)
	}
}

func TestResizeLaysTheNormalScreenOutAnew(t *testing.T) {
	for _, c := range []struct {
		rule, input string
		cols, rows  int
		want        string
		x, y, kept  int
	}{
		{"a wrapped line is joined", "0123456789abc", 20, 4, "0123456789abc", 13, 0, 0},
		{"a long one is wrapped", "0123456789abc", 5, 4, "01234|\n56789|\nabc", 3, 2, 0},
		{"lines stay apart", "ab\r\ncd", 20, 4, "ab\ncd", 2, 1, 0},
		{"what does not fit goes to the history", "1\r\n2\r\n3\r\n4", 10, 2, "3\n4", 1, 1, 2},
		{"blank rows below the cursor go first", "1\r\n2", 10, 2, "1\n2", 1, 1, 0},
		{"and comes back", "1\r\n2\r\n3\r\n4\r\n5\r\n6", 10, 6, "1\n2\n3\n4\n5\n6", 1, 5, 0},
		{"a wide character is not cut", "a漢字漢字", 4, 4, "a漢|\n字漢|\n字", 2, 2, 0},
		{"the cursor stays at its character", "0123456789abc\x1b[1;8H", 5, 4, "01234|\n56789|\nabc", 2, 1, 0},
		{"the cursor beyond the text", "a\x1b[1;8H", 5, 4, "a", 4, 0, 0},
	} {
		s := after(c.input)
		s.Resize(c.cols, c.rows)
		v := s.View()
		if got := show(s); got != c.want || v.Cursor.Col != c.x || v.Cursor.Row != c.y || s.History() != c.kept {
			t.Errorf("%s:\ngot\n%s (cursor %d,%d; %d in the history)\nwant\n%s (%d,%d; %d)",
				c.rule, got, v.Cursor.Col, v.Cursor.Row, s.History(), c.want, c.x, c.y, c.kept)
		}
	}
}

// unwrapped is all text that is kept, by the lines that were written.
func unwrapped(s *Screen) string {
	var b strings.Builder
	for _, l := range s.Lines(0, 1<<20) {
		if b.WriteString(l.Text()); !l.Wrapped {
			b.WriteByte('\n')
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

func TestResizeThereAndBackChangesNothing(t *testing.T) {
	s := New(40, 10, Options{History: 2000})
	for i := range 100 {
		fmt.Fprintf(s, "\x1b[3%dm%d %s漢字e\u0301\r\n", i%8, i, strings.Repeat("word ", i%30))
	}
	s.Resize(200, 10)
	want := unwrapped(s)
	for _, size := range [][2]int{{33, 7}, {80, 24}, {120, 3}, {51, 10}, {200, 50}, {200, 10}} {
		s.Resize(size[0], size[1])
	}
	if got := unwrapped(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestResizeOnTheAlternateScreenKeepsTheNormalOne(t *testing.T) {
	s := after("0123456789abc\x1b[?1049h\x1b[Hfull screen")
	s.Resize(20, 4)
	s.Write([]byte("\x1b[?1049l!"))
	if got := show(s); got != "0123456789abc!" {
		t.Errorf("got %q", got)
	}
}
