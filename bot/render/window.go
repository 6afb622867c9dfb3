package render

import (
	"fmt"
	"hash/maphash"
	"io"
	"strings"
	"sync"

	"chapi/bot"
	"chapi/bot/render/display"
	"chapi/bot/render/picture"
	"chapi/runner/screen"
)

// window is a terminal's screen, its secrets hidden. It implements bot.Window.
type window struct {
	screen *screen.Screen
	view   screen.View
	masker bot.Masker
}

// Window implements bot.Renderer.
func (Renderer) Window(state []byte, m bot.Masker) (bot.Window, error) {
	s, err := screen.Restore(state)
	if err != nil {
		return nil, fmt.Errorf("read the state of a terminal: %w", err)
	}
	w := &window{screen: s, view: s.View(), masker: m}
	display.Mask(&w.view, m)
	return w, nil
}

// asks are the prompts as package bot knows them.
var asks = map[display.Kind]bot.Asking{
	display.YesNo: bot.AsksYesNo, display.Menu: bot.AsksNumber, display.AnyKey: bot.AsksAnyKey, display.Pager: bot.AsksPager,
}

// Facts implements bot.Window.
func (w *window) Facts() bot.WindowFacts {
	prompt := display.Waiting(w.view)
	var yes, no string
	if prompt.Kind == display.YesNo {
		yes, no = prompt.Choices[0].Input, prompt.Choices[1].Input
	}
	return bot.WindowFacts{
		Size:              bot.Size{Cols: uint16(w.view.Cols), Rows: uint16(w.view.Rows)},
		Title:             w.view.Title,
		Full:              display.FullScreen(w.view),
		Print:             fingerprint(w.view),
		Asks:              asks[prompt.Kind],
		Choices:           len(prompt.Choices),
		Yes:               yes,
		No:                no,
		ApplicationCursor: w.view.Modes.ApplicationCursor,
		Paste:             w.view.Modes.BracketedPaste,
		Command:           w.command(),
	}
}

// seed is one for all fingerprints of this process; they are not kept.
var seed = maphash.MakeSeed()

// fingerprint is the same for views that look the same.
func fingerprint(v screen.View) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, c := range v.Cells {
		maphash.WriteComparable(&h, c)
	}
	maphash.WriteComparable(&h, v.Cursor)
	maphash.WriteComparable(&h, [2]int{v.Cols, v.Rows})
	return h.Sum64()
}

// Text implements bot.Window.
func (w *window) Text(size bot.PageSize, from int) (plain, coloured string) {
	plain, shown := display.Text(w.view, size, display.Pan{Col: from})
	var rows [][]screen.Cell
	for row := shown.Row; row < shown.Row+shown.Rows; row++ {
		rows = append(rows, w.view.Row(row)[min(shown.Col, w.view.Cols):])
	}
	coloured, _ = display.Coloured(plain, rows)
	return plain, coloured
}

// Picture implements bot.Window.
func (w *window) Picture(to io.Writer) error { return paint(to, w.view) }

// PictureOf implements bot.Window.
func (w *window) PictureOf(out io.Writer, from, to int) error {
	_, of := w.lines()
	v := screen.View{Cols: w.view.Cols, Palette: w.view.Palette, Modes: w.view.Modes}
	for i, row := range w.screen.Lines(0, len(of)) {
		if of[i] < from || of[i] >= to {
			continue
		}
		cells := make([]screen.Cell, v.Cols)
		for n := copy(cells, row.Cells); n < len(cells); n++ {
			cells[n].Width = 1
		}
		v.Cells, v.Wrapped = append(v.Cells, cells...), append(v.Wrapped, row.Wrapped)
		v.Rows++
	}
	display.Mask(&v, w.masker)
	return paint(out, v)
}

func paint(to io.Writer, v screen.View) error {
	p := painters.Get().(*picture.Painter)
	defer painters.Put(p)
	return p.PNG(to, v, picture.Options{})
}

// painters keep what they have drawn of letters for the next picture.
var painters = sync.Pool{New: func() any { return picture.NewPainter() }}

// Lines implements bot.Window.
func (w *window) Lines() []string {
	lines, _ := w.lines()
	return lines
}

// lines joins what the terminal has wrapped. of tells for each of its rows
// which line that is in.
func (w *window) lines() (lines []string, of []int) {
	var line strings.Builder
	for _, row := range w.screen.Lines(0, w.screen.History()+w.view.Rows) {
		of = append(of, len(lines))
		line.WriteString(row.Text())
		if row.Wrapped {
			continue
		}
		lines = append(lines, w.masker.Text(strings.TrimRight(line.String(), " ")))
		line.Reset()
	}
	if line.Len() > 0 {
		lines = append(lines, w.masker.Text(line.String()))
	}
	return lines, of
}

// command is the lines of the last command's output, by the shell's marks: from
// a 'C' to the 'D' or 'A' behind it, or to the end while the command runs.
func (w *window) command() bot.Range {
	marks := w.screen.Marks()
	begin, end := -1, -1
	for _, m := range marks {
		switch {
		case m.Kind == 'C':
			begin, end = m.Line, -1
		case (m.Kind == 'D' || m.Kind == 'A') && begin >= 0 && end < 0:
			end = m.Line
		}
	}
	if begin < 0 {
		return bot.Range{}
	}
	lines, of := w.lines()
	line := func(row int) int64 {
		if row < 0 || row >= len(of) {
			return int64(len(lines))
		}
		return int64(of[row])
	}
	if end < 0 {
		end = len(of)
	}
	return bot.Range{From: line(begin), To: line(end)}
}
