package display_test

import (
	"testing"

	"chapi/bot/render/display"
	"chapi/runner/screen"
)

func TestARedrawnScreenLooksTheSame(t *testing.T) {
	for name, bytes := range map[string]string{
		"text":        "hello\r\nworld",
		"colours":     "\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[48;2;1;2;3m on blue\x1b[0;7mreversed\x1b[0;4:3mcurly",
		"wide":        "日本語 e\u0301 \x1b[5;79H日",
		"alternate":   "before\x1b[?1049h\x1b[2;3Hx\x1b[?25l\x1b[10;10H",
		"last column": "\x1b[24;80HX\x1b[1;80HY",
	} {
		t.Run(name, func(t *testing.T) {
			was := screen.New(80, 24, screen.Options{})
			was.Write([]byte(bytes))
			again := screen.New(80, 24, screen.Options{})
			again.Write([]byte("\x1b[?1049h\x1b[31mrubbish\x1b[2;5r\x1b[5;5H"))
			again.Write(display.Redraw(was.View()))
			want, got := was.View(), again.View()
			for i := range want.Cells {
				w, g := want.Cells[i], got.Cells[i]
				if w.Text == " " {
					w.Text = ""
				}
				if g.Text == " " {
					g.Text = ""
				}
				if w != g {
					t.Fatalf("row %d column %d is %+v, want %+v", i/80, i%80, g, w)
				}
			}
			if got.Alternate != want.Alternate || got.Cursor.Visible != want.Cursor.Visible || got.Cursor.Row != want.Cursor.Row || got.Cursor.Col != want.Cursor.Col {
				t.Errorf("cursor %+v, alternate %v; want %+v, %v", got.Cursor, got.Alternate, want.Cursor, want.Alternate)
			}
		})
	}
}
