package picture

import (
	"image"
	"unicode"
	"unicode/utf8"

	"chapi/bot/render/picture/unifont"

	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/dejavu/dejavusansmonobold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
	"golang.org/x/text/unicode/norm"
)

// mask is the shape of a character: per pixel, row by row, how much of it is
// covered, 0 to levels-1. Rows before top and from bottom on are empty.
type mask struct {
	width, height int
	level         []uint8
	top, bottom   int
}

// character names a mask.
type character struct {
	text         string
	cells        int
	bold, italic bool
}

// maxMasks bounds the masks that are kept: 2 MB at the usual size. When there
// are more, all are made anew.
const maxMasks = 4096

// typeface makes the masks for cells of one size.
type typeface struct {
	cell   int // width; the height is twice that
	stroke int // thickness of lines

	// How the outlines of DejaVu are scaled, pixels per unit: across so that a
	// character fills its cell, up so that small letters are a whole number of
	// pixels high, which keeps their tops sharp.
	across, up float32
	base       float32 // of the letters, from the top
	underline  int     // tops of the lines, from the top
	strike     int

	regular, bold *sfnt.Font
	buffer        sfnt.Buffer
	raster        vector.Rasterizer
	canvas        *image.Alpha // two cells wide
	uni           unifont.Font
	masks         map[character]*mask
	ascii         [4][128]*mask // by bold and italic
}

// The design of DejaVu Sans Mono, in its units (its tables head, hhea, OS/2).
const (
	unitsAdvance = 1233
	unitsXHeight = 1120
	unitsAscent  = 1901
	unitsDescent = 483
	unitsEm      = 2048
)

func newTypeface(cell int) *typeface {
	f := &typeface{cell: cell, stroke: max(1, (cell+3)/8), masks: make(map[character]*mask)}
	f.regular, f.bold = parse(dejavusansmono.TTF), parse(dejavusansmonobold.TTF)
	f.across = float32(cell) / unitsAdvance
	xHeight := int(f.across*unitsXHeight + 0.5)
	f.up = float32(xHeight) / unitsXHeight
	// In the middle, the line that the letters stand on at a whole pixel.
	free := float32(2*cell) - f.up*(unitsAscent+unitsDescent)
	f.base = float32(int(free/2 + f.up*unitsAscent + 0.5))
	f.underline = min(int(f.base)+max(1, cell/6), 2*cell-f.stroke)
	f.strike = int(f.base) - xHeight/2 - f.stroke/2
	f.canvas = image.NewAlpha(image.Rect(0, 0, 2*cell, 2*cell))
	return f
}

// parse reads a font that is part of the program.
func parse(data []byte) *sfnt.Font {
	f, err := sfnt.Parse(data)
	if err != nil {
		panic("picture: broken font: " + err.Error())
	}
	return f
}

// mask gives the shape of a character that takes one or two cells.
func (f *typeface) mask(text string, cells int, bold, italic bool) *mask {
	if len(text) == 1 && cells == 1 && text[0] < utf8.RuneSelf {
		style := 0
		if bold {
			style = 1
		}
		if italic {
			style |= 2
		}
		known := &f.ascii[style][text[0]]
		if *known == nil {
			*known = f.draw(text, cells, bold, italic)
		}
		return *known
	}
	key := character{text, cells, bold, italic}
	m := f.masks[key]
	if m == nil {
		if len(f.masks) >= maxMasks {
			clear(f.masks)
		}
		m = f.draw(text, cells, bold, italic)
		f.masks[key] = m
	}
	return m
}

// draw makes a mask: of the shapes that are drawn by code, of DejaVu, of
// Unifont, or of a box with the code.
func (f *typeface) draw(text string, cells int, bold, italic bool) *mask {
	pen := f.pen(cells)
	runes := []rune(norm.NFC.String(text))
	first := runes[0]
	if flag, ok := flagLetters(runes); ok && cells == 2 {
		for i, r := range flag {
			f.outline(pen, r, float32(i*f.cell), 1, true, false)
		}
		return pen.mask()
	}
	switch {
	case pen.shape(first):
	case cells == 2 && first > unicode.MaxLatin1 && f.bitmap(pen, first, bold):
		// Symbols that are emoji would be small in the middle of two cells.
	case unicode.Is(unicode.Mn, first) && f.mark(pen, first, bold, italic):
	case f.outline(pen, first, float32((cells-1)*f.cell)/2, 1, bold, italic):
	case f.bitmap(pen, first, bold):
	default:
		f.box(pen, first)
	}
	for _, r := range runes[1:] {
		if r == keycap {
			pen.frame(f.stroke, f.stroke)
			continue
		}
		if unicode.In(r, unicode.Mn, unicode.Me) && !unicode.Is(unicode.Variation_Selector, r) {
			if !f.mark(pen, r, bold, italic) {
				f.bitmap(pen, r, bold)
			}
		}
		// What else joins, such as the rest of a family emoji or the colour of
		// a skin, is not drawn: the first is what it is about.
	}
	return pen.mask()
}

// pen is an empty drawing of some cells.
func (f *typeface) pen(cells int) *pen {
	return &pen{width: cells * f.cell, height: 2 * f.cell, cover: make([]uint8, cells*f.cell*2*f.cell), stroke: f.stroke, face: f}
}

// outline draws a letter of DejaVu, at left pixels and in a part of its size.
// false if there is none.
func (f *typeface) outline(p *pen, r rune, left, part float32, bold, italic bool) bool {
	font := f.regular
	if bold {
		font = f.bold
	}
	i, err := font.GlyphIndex(&f.buffer, r)
	if (err != nil || i == 0) && bold {
		font = f.regular
		i, err = font.GlyphIndex(&f.buffer, r)
	}
	if err != nil || i == 0 {
		return false
	}
	return f.trace(p, font, i, left, f.base*part, part, italic)
}

// trace fills the outline of a glyph.
func (f *typeface) trace(p *pen, font *sfnt.Font, i sfnt.GlyphIndex, left, base, part float32, italic bool) bool {
	segments, err := font.LoadGlyph(&f.buffer, i, fixed.I(unitsEm), nil)
	if err != nil || len(segments) == 0 { // a blank, where Unifont may have more
		return false
	}
	slant := float32(0)
	if italic {
		slant = 0.2
	}
	at := func(q fixed.Point26_6) (x, y float32) {
		ux, uy := float32(q.X)/64, float32(q.Y)/64
		// Slanted about the middle of small letters, so that they stay in
		// their cell.
		ux -= slant * (uy + unitsXHeight/2)
		return left + ux*f.across*part, base + uy*f.up*part
	}
	f.raster.Reset(p.width, p.height)
	for _, s := range segments {
		x, y := at(s.Args[0])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			f.raster.MoveTo(x, y)
		case sfnt.SegmentOpLineTo:
			f.raster.LineTo(x, y)
		case sfnt.SegmentOpQuadTo:
			x2, y2 := at(s.Args[1])
			f.raster.QuadTo(x, y, x2, y2)
		case sfnt.SegmentOpCubeTo:
			x2, y2 := at(s.Args[1])
			x3, y3 := at(s.Args[2])
			f.raster.CubeTo(x, y, x2, y2, x3, y3)
		}
	}
	f.pour(p)
	return true
}

// pour adds what the rasterizer holds to the drawing.
func (f *typeface) pour(p *pen) {
	clear(f.canvas.Pix)
	f.raster.Draw(f.canvas, image.Rect(0, 0, p.width, p.height), image.Opaque, image.Point{})
	for y := range p.height {
		from := f.canvas.Pix[y*f.canvas.Stride:]
		for x := range p.width {
			to := &p.cover[y*p.width+x]
			*to = max(*to, from[x])
		}
	}
}

// mark draws a combining mark of DejaVu over the first cell. Some lie before
// their place, as behind the letter that they stand on.
func (f *typeface) mark(p *pen, r rune, bold, italic bool) bool {
	i, err := f.regular.GlyphIndex(&f.buffer, r)
	if err != nil || i == 0 {
		return false
	}
	bounds, _, err := f.regular.GlyphBounds(&f.buffer, i, fixed.I(unitsEm), 0)
	if err != nil {
		return false
	}
	left := float32(p.width-f.cell) / 2
	if bounds.Max.X <= fixed.I(unitsAdvance/4) {
		left += float32(f.cell)
	}
	return f.outline(p, r, left, 1, bold, italic)
}

// keycap is the mark that makes a digit into the picture of a key.
const keycap = 0x20e3

// flagLetters gives the letters of a flag: two regional indicators.
func flagLetters(runes []rune) ([]rune, bool) {
	const first, last = 0x1f1e6, 0x1f1ff
	if len(runes) != 2 || runes[0] < first || runes[0] > last || runes[1] < first || runes[1] > last {
		return nil, false
	}
	return []rune{runes[0] - first + 'A', runes[1] - first + 'A'}, true
}

// box draws a frame with the code of a character that no font has: a picture
// must not show a blank where there is something.
func (f *typeface) box(p *pen, r rune) {
	digits := []byte("0123456789ABCDEF")
	var code []byte
	for shift := 20; shift >= 0; shift -= 4 {
		if d := r >> shift & 0xf; len(code) > 0 || d > 0 || shift < 16 {
			code = append(code, digits[d])
		}
	}
	thin := max(1, f.stroke/2)
	p.frame(thin, thin)
	perRow := (len(code) + 1) / 2
	part := float32(p.width-4*thin) / float32(perRow*f.cell)
	part = min(part, 0.45)
	for i, d := range code {
		row, col := i/perRow, i%perRow
		left := float32(p.width)/2 + (float32(col)-float32(perRow)/2)*part*float32(f.cell)
		font := f.regular
		g, err := font.GlyphIndex(&f.buffer, rune(d))
		if err != nil {
			return
		}
		base := float32(p.height) * (0.46 + 0.40*float32(row))
		f.trace(p, font, g, left, base, part, false)
	}
}

// bitmap draws a character of Unifont: enlarged four times with its slopes
// smoothed, then brought to the size of the cells by averaging.
func (f *typeface) bitmap(p *pen, r rune, bold bool) bool {
	g, ok := f.uni.Glyph(r)
	if !ok {
		return false
	}
	small := newBits(g)
	if bold {
		small.thicken()
	}
	large := small.smooth().smooth()
	// A character as wide as its cells says stays in them.
	width := float32(small.width) * float32(p.height) / unifont.Rows
	left := float32(0)
	if wide := float32(p.width); width < wide {
		left = (wide - width) / 2
	} else {
		width = wide
	}
	large.cover(p, left, width)
	return true
}
