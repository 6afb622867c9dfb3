package picture

import "chapi/runner/screen"

// rgb is a colour, 0xRRGGBB.
type rgb uint32

func (c rgb) parts() (r, g, b int) { return int(c >> 16 & 0xff), int(c >> 8 & 0xff), int(c & 0xff) }

// The colours of the terminal. The sixteen can be backgrounds for white and
// black text; where text in one of them would be hard to read, readable lifts
// it. Black is the background, so that no patches show where a program paints
// it black.
const (
	foreColour   rgb = 0xe6e9ef
	backColour   rgb = 0x10141a
	cursorColour rgb = 0xf2c14e
	barColour    rgb = 0x232a34
	titleColour  rgb = 0xb9c2cf
)

var sixteen = [16]rgb{
	backColour, 0xd0424b, 0x3fa552, 0xc79a1e, 0x2b57b8, 0xa04fc4, 0x1d9aa6, 0xc9d1d9,
	0x6b7683, 0xff6b70, 0x6cd67d, 0xf5d45e, 0x6ea8ff, 0xd48bf2, 0x58d5dd, 0xffffff,
}

// look is how a cell is drawn.
type look struct {
	fore, back rgb
	rule       rgb // colour of the underline
	hidden     bool
	underline  bool
	strike     bool
}

// theme turns a cell's style into colours.
type theme struct {
	changed  map[uint8]screen.Colour // palette entries that the program set
	reversed bool                    // the whole screen
}

// background is what is behind the default cell.
func (t theme) background() rgb {
	if t.reversed {
		return foreColour
	}
	return backColour
}

// look resolves a style. shape is true for characters that are surfaces, not
// text: they keep their exact colour, since they join with the backgrounds
// beside them.
func (t theme) look(s screen.Style, shape bool) look {
	fore, back := foreColour, backColour
	if !s.Fg.IsDefault() {
		fg := s.Fg
		// Bold is bright, as in xterm: many programs say grey by bold black.
		if i, ok := fg.Index(); ok && i < 8 && s.Bold {
			fg = screen.Palette(i + 8)
		}
		fore = t.colour(fg)
	}
	if !s.Bg.IsDefault() {
		back = t.colour(s.Bg)
	}
	if s.Reverse != t.reversed {
		fore, back = back, fore
	}
	least := textContrast
	if s.Dim {
		fore = mix(fore, back, 110)
		least = dimContrast
	}
	// Text in the very colour of what is behind it is meant not to be seen.
	if meant := s.Fg == s.Bg && !s.Fg.IsDefault(); !shape && !meant {
		fore = readable(fore, back, least)
	}
	l := look{fore: fore, back: back, rule: fore, hidden: s.Hidden, underline: s.Underline && !s.Hidden, strike: s.Strike && !s.Hidden}
	if !s.UnderlineColor.IsDefault() {
		l.rule = t.colour(s.UnderlineColor)
	}
	return l
}

// underCursor is a cell that a block cursor stands on.
func (t theme) underCursor(l look) look {
	l.fore, l.back, l.rule = backColour, cursorColour, backColour
	return l
}

func (t theme) colour(c screen.Colour) rgb {
	if i, ok := c.Index(); ok {
		if own, changed := t.changed[i]; changed {
			c = own
		} else if i < 16 {
			return sixteen[i]
		}
	}
	r, g, b := c.RGB(screen.Colour(0))
	return rgb(r)<<16 | rgb(g)<<8 | rgb(b)
}

// mix is a, with n of 256 parts b.
func mix(a, b rgb, n int) rgb {
	ar, ag, ab := a.parts()
	br, bg, bb := b.parts()
	part := func(x, y int) rgb { return rgb((x*(256-n) + y*n + 128) >> 8) }
	return part(ar, br)<<16 | part(ag, bg)<<8 | part(ab, bb)
}

// The least contrast of text (as the Web Content Accessibility Guidelines 2.2
// define it), in tenths. They ask for 4.5; 4 leaves coloured text more of its
// colour, and the letters here are large.
const (
	textContrast = 40
	dimContrast  = 28
)

// readable is fore, moved towards white or black until it can be told from
// back.
func readable(fore, back rgb, least int) rgb {
	if contrast(fore, back) >= least {
		return fore
	}
	goal := rgb(0xffffff)
	if contrast(0, back) > contrast(goal, back) {
		goal = 0
	}
	for n := 16; n < 256; n += 16 {
		if c := mix(fore, goal, n); contrast(c, back) >= least {
			return c
		}
	}
	return goal
}

// contrast is the ratio of the luminances of two colours, in tenths, 10 to 210.
func contrast(a, b rgb) int {
	la, lb := luminance(a), luminance(b)
	if la < lb {
		la, lb = lb, la
	}
	return (la + 500) * 10 / (lb + 500)
}

// luminance is 0 to 10000.
func luminance(c rgb) int {
	r, g, b := c.parts()
	return (2126*linear[r] + 7152*linear[g] + 722*linear[b]) / 10000
}
