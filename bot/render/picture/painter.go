package picture

import (
	"fmt"
	"image"
	"image/png"
	"io"

	"chapi/runner/screen"
)

// Options are how a picture is made. The zero value is for a photo in a chat.
type Options struct {
	// Width is the most pixels that the picture should be wide; 0 means 1280,
	// what chat networks scale photos to. Cells are 8 to 20 pixels wide
	// whatever it says: a screen of 80 columns gets cells of 14.
	Width int
	// Cols and Rows are how many cells are drawn, whatever the screen's size, so
	// that the frames of a clip are of one size; 0 means all of the screen.
	Cols, Rows int
	// Title draws a bar with the screen's title, or the name if it has none.
	Title bool
	Name  string
	// Even makes width and height even, as video wants them.
	Even bool
	// NoCursor leaves the cursor out.
	NoCursor bool
}

// The bounds of a picture. Below 8 pixels nobody can read a letter, over 20 it
// gains nothing; and a picture of 500 x 200 cells takes 13 MB.
const (
	defaultWidth = 1280
	minCell      = 8
	maxCell      = 20
	maxCols      = 500
	maxRows      = 200
	// window is how far back deflate finds a repetition, in bytes (RFC 1951).
	// If a row of the screen is no more than that, the letters of a row help to
	// compress the next one, which saves a third of the file.
	window = 32 << 10
)

// Painter draws screens. It keeps what it has drawn of letters, and its
// buffers, for the next picture. It is not safe for concurrent use.
type Painter struct {
	// steady keeps the numbers of colours from one picture to the next, for
	// clips.
	steady bool

	image  image.Paletted
	buffer []byte // the pixels of image, and room for larger ones
	looks  []look
	tints  tints
	types  map[int]*typeface // by width of a cell
	png    png.Encoder
	pool   bufferPool
}

// NewPainter makes a painter of single pictures.
func NewPainter() *Painter { return &Painter{} }

// NewFramePainter makes a painter of the frames of one clip: a colour has the
// same number in every picture, and numbers are only added.
func NewFramePainter() *Painter { return &Painter{steady: true} }

// PNG writes the picture of a screen.
func (p *Painter) PNG(w io.Writer, v screen.View, o Options) error {
	p.png = png.Encoder{BufferPool: &p.pool}
	if err := p.png.Encode(w, p.Paint(v, o)); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// Paint draws a screen. The image is the painter's own and holds until the
// next call. At most 500 columns and 200 rows are drawn.
func (p *Painter) Paint(v screen.View, o Options) *image.Paletted {
	g := layOut(v, o)
	face := p.typeface(g.cell)
	p.prepare(g)
	theme := theme{changed: v.Palette, reversed: v.Modes.ReverseScreen}
	p.resolve(v, g, theme, o)
	p.tints.begin(p.looks, p.steady)

	back := p.tints.index(theme.background())
	fill(p.image.Pix, back)
	if g.bar > 0 {
		p.paintTitle(v, g, face, o)
	}
	for row := range g.rows {
		p.paintRow(v, g, face, row)
	}
	if !o.NoCursor && v.Cursor.Visible {
		p.paintCursor(v, g)
	}
	p.image.Palette = p.tints.palette()
	return &p.image
}

// geometry is where things are, in pixels.
type geometry struct {
	cols, rows    int // cells drawn
	cell          int // width of a cell; it is twice as high
	left, top     int // the corner of the first cell
	bar           int // height of the title bar
	width, height int
}

// layOut chooses the size of cells. The margin is a cell wide on each side, so
// that nothing hides behind the round corners of a chat's pictures.
func layOut(v screen.View, o Options) geometry {
	width := o.Width
	if width <= 0 {
		width = defaultWidth
	}
	cols, rows := v.Cols, v.Rows
	if o.Cols > 0 && o.Rows > 0 {
		cols, rows = o.Cols, o.Rows
	}
	g := geometry{cols: min(max(cols, 1), maxCols), rows: min(max(rows, 1), maxRows)}
	g.cell = min(max(width/(g.cols+2), minCell), maxCell)
	for g.cell > minCell && 2*g.cell*(g.cell*(g.cols+2)+1) > window {
		g.cell--
	}
	g.left = g.cell
	if o.Title {
		g.bar = 2*g.cell + g.cell/2
	}
	g.top = g.bar + g.cell*3/4
	g.width = (g.cols + 2) * g.cell
	g.height = g.top + g.rows*2*g.cell + g.cell*3/4
	if o.Even {
		g.width += g.width & 1
		g.height += g.height & 1
	}
	return g
}

// prepare makes room for the pixels and the looks of the cells.
func (p *Painter) prepare(g geometry) {
	if n := g.width * g.height; cap(p.buffer) < n {
		p.buffer = make([]byte, n)
	}
	p.image.Pix = p.buffer[:g.width*g.height]
	p.image.Stride = g.width
	p.image.Rect = image.Rect(0, 0, g.width, g.height)
	if n := g.cols * g.rows; cap(p.looks) < n {
		p.looks = make([]look, n)
	}
	p.looks = p.looks[:g.cols*g.rows]
}

// resolve finds the colours of every cell.
func (p *Painter) resolve(v screen.View, g geometry, t theme, o Options) {
	blank := t.look(screen.Style{}, false)
	for row := range g.rows {
		for col := range g.cols {
			l := &p.looks[row*g.cols+col]
			if i := row*v.Cols + col; row < v.Rows && col < v.Cols && i < len(v.Cells) {
				c := &v.Cells[i]
				*l = t.look(c.Style, drawn(c.Text))
				if (c.Text == "" || c.Text == " ") && !l.underline && !l.strike {
					l.fore, l.rule = l.back, l.back // one colour less
				}
			} else {
				*l = blank
			}
		}
	}
	if c := v.Cursor; !o.NoCursor && c.Visible && c.Shape == screen.CursorBlock {
		if i, ok := g.index(c.Row, c.Col); ok {
			p.looks[i] = t.underCursor(p.looks[i])
			if c.Col+1 < g.cols && i+1 < len(p.looks) && v.Cells[c.Row*v.Cols+c.Col].Width == 2 {
				p.looks[i+1] = p.looks[i]
			}
		}
	}
}

// index is the number of a cell that is drawn.
func (g geometry) index(row, col int) (int, bool) {
	return row*g.cols + col, row >= 0 && row < g.rows && col >= 0 && col < g.cols
}

// paintRow draws a row: first what is behind, one line of pixels copied to the
// others, then the characters.
func (p *Painter) paintRow(v screen.View, g geometry, face *typeface, row int) {
	looks := p.looks[row*g.cols : (row+1)*g.cols]
	y := g.top + row*2*g.cell
	first := p.image.Pix[y*g.width+g.left : y*g.width+g.left+g.cols*g.cell]
	for col, l := range looks {
		fill(first[col*g.cell:(col+1)*g.cell], p.tints.index(l.back))
	}
	for i := 1; i < 2*g.cell; i++ {
		copy(p.image.Pix[(y+i)*g.width+g.left:], first)
	}
	for col, l := range looks {
		i := row*v.Cols + col
		if row >= v.Rows || col >= v.Cols || i >= len(v.Cells) {
			break
		}
		c := v.Cells[i]
		x := g.left + col*g.cell
		if c.Width != 0 && c.Text != "" && c.Text != " " && !l.hidden {
			cells := int(c.Width)
			if col+cells > g.cols {
				cells = g.cols - col
			}
			p.stamp(face.mask(c.Text, cells, c.Style.Bold, c.Style.Italic), x, y, l)
		}
		if l.underline {
			p.line(x, y+face.underline, g.cell, face.stroke, l.rule)
		}
		if l.strike {
			p.line(x, y+face.strike, g.cell, face.stroke, l.fore)
		}
	}
}

// stamp draws a mask in the colours of a cell.
func (p *Painter) stamp(m *mask, x, y int, l look) {
	shades := p.tints.shades(l.fore, l.back)
	for j := m.top; j < m.bottom; j++ {
		from := m.level[j*m.width : (j+1)*m.width]
		to := p.image.Pix[(y+j)*p.image.Stride+x:]
		to = to[:len(from)]
		for i, level := range from {
			if level != 0 {
				to[i] = shades[level]
			}
		}
	}
}

func (p *Painter) line(x, y, width, height int, c rgb) {
	n := p.tints.index(c)
	for j := y; j < y+height; j++ {
		fill(p.image.Pix[j*p.image.Stride+x:j*p.image.Stride+x+width], n)
	}
}

// paintCursor draws a cursor that is no block; a block is a look of its cell.
func (p *Painter) paintCursor(v screen.View, g geometry) {
	if _, ok := g.index(v.Cursor.Row, v.Cursor.Col); !ok {
		return
	}
	x, y := g.left+v.Cursor.Col*g.cell, g.top+v.Cursor.Row*2*g.cell
	thick := max(2, g.cell/6)
	switch v.Cursor.Shape {
	case screen.CursorBar:
		p.line(x, y, thick, 2*g.cell, cursorColour)
	case screen.CursorUnderline:
		p.line(x, y+2*g.cell-thick, g.cell, thick, cursorColour)
	}
}

// paintTitle draws the bar with the title in its middle, cut to what fits.
func (p *Painter) paintTitle(v screen.View, g geometry, face *typeface, o Options) {
	bar := p.tints.index(barColour)
	fill(p.image.Pix[:g.bar*g.width], bar)
	title := v.Title
	if title == "" {
		title = o.Name
	}
	text := []rune(title)
	if len(text) > g.cols {
		text = append(text[:g.cols-1], '…')
	}
	l := look{fore: titleColour, back: barColour}
	x := (g.width - len(text)*g.cell) / 2
	for i, r := range text {
		if r != ' ' {
			p.stamp(face.mask(string(r), 1, false, false), x+i*g.cell, g.cell/4, l)
		}
	}
}

// typeface gives the letters for a width of cells.
func (p *Painter) typeface(cell int) *typeface {
	if p.types == nil {
		p.types = make(map[int]*typeface)
	}
	face := p.types[cell]
	if face == nil {
		face = newTypeface(cell)
		p.types[cell] = face
	}
	return face
}

// fill sets all of b to c.
func fill(b []byte, c byte) {
	if len(b) == 0 {
		return
	}
	b[0] = c
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// bufferPool keeps the encoder's buffers for the next picture.
type bufferPool struct{ buffer *png.EncoderBuffer }

func (p *bufferPool) Get() *png.EncoderBuffer  { return p.buffer }
func (p *bufferPool) Put(b *png.EncoderBuffer) { p.buffer = b }
