package render_test

import (
	"bytes"
	"fmt"
	"image/png"
	"testing"

	"chapi/bot/render"
	"chapi/runner/screen"
)

// A place in the scrollback is drawn with all rows of its lines.
func TestLinesAreDrawnAsAPicture(t *testing.T) {
	s := screen.New(20, 5, screen.Options{History: 100})
	for i := range 30 {
		fmt.Fprintf(s, "\x1b[31mline %d\x1b[m is over two rows\r\n", i)
	}
	w, err := render.Renderer{}.Window(s.Checkpoint(), render.NewMasker())
	if err != nil {
		t.Fatal(err)
	}
	height := func(from, to int) int {
		var b bytes.Buffer
		if err := w.PictureOf(&b, from, to); err != nil {
			t.Fatal(err)
		}
		m, err := png.DecodeConfig(&b)
		if err != nil {
			t.Fatal(err)
		}
		return m.Height
	}
	one, five := height(3, 4), height(3, 8)
	if rows := (five - one) / 40; rows != 8 { // of 20 x 40 pixels a cell
		t.Errorf("four lines more are %d rows, want 8", rows)
	}
	if got := height(25, 1000); got != height(25, 31) {
		t.Errorf("beyond the end it is %d pixels high", got)
	}
}
