package screen

// Style is how a cell is drawn. The zero value is the terminal's default.
type Style struct {
	Fg, Bg         Colour
	UnderlineColor Colour // the default means: the colour of the text
	Bold           bool
	Dim            bool
	Italic         bool
	Underline      bool // any kind of underline: single, double, curly, dotted, dashed
	Blink          bool
	Reverse        bool
	Hidden         bool
	Strike         bool
}

// Colour is the terminal's default colour (the zero value), one of 256
// palette entries, or a 24-bit colour.
type Colour uint32

// A colour's kind is in its highest byte, its value below.
const (
	colourPalette Colour = 1 << 24
	colourRGB     Colour = 2 << 24
	colourKind    Colour = 3 << 24
)

// Palette gives the palette's entry i: 0-7 the eight colours, 8-15 their
// bright forms, 16-231 a cube of 6x6x6, 232-255 greys.
func Palette(i uint8) Colour { return colourPalette | Colour(i) }

// RGB gives a 24-bit colour.
func RGB(r, g, b uint8) Colour {
	return colourRGB | Colour(r)<<16 | Colour(g)<<8 | Colour(b)
}

// IsDefault tells whether it is the terminal's default colour.
func (c Colour) IsDefault() bool { return c&colourKind == 0 }

// Index gives the palette's entry; ok is false for the other kinds.
func (c Colour) Index() (i uint8, ok bool) { return uint8(c), c&colourKind == colourPalette }

// TrueColour gives the parts of a 24-bit colour; ok is false for the other
// kinds.
func (c Colour) TrueColour() (r, g, b uint8, ok bool) {
	return uint8(c >> 16), uint8(c >> 8), uint8(c), c&colourKind == colourRGB
}

// RGB gives the parts of any colour: of a palette entry those that xterm gives
// it by default, of the default colour those of def.
func (c Colour) RGB(def Colour) (r, g, b uint8) {
	if c.IsDefault() {
		if c = def; c.IsDefault() {
			return 0, 0, 0
		}
	}
	if i, ok := c.Index(); ok {
		c = paletteRGB(i)
	}
	return uint8(c >> 16), uint8(c >> 8), uint8(c)
}

// xterm's sixteen base colours (its XTerm-col.ad, in the order of SGR 30-37 and
// 90-97).
var baseColours = [16]Colour{
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
}

// paletteRGB gives the default colour of a palette entry as a 24-bit one.
func paletteRGB(i uint8) Colour {
	switch {
	case i < 16:
		return colourRGB | baseColours[i]
	case i < 232:
		n := i - 16
		level := func(v uint8) uint8 {
			if v == 0 {
				return 0
			}
			return 55 + 40*v
		}
		return RGB(level(n/36), level(n/6%6), level(n%6))
	default:
		grey := 8 + 10*(i-232)
		return RGB(grey, grey, grey)
	}
}
