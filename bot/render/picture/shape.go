package picture

import "unicode/utf8"

// shape draws a character that must join with its neighbours, or that fonts
// rarely have; false if it is none of them.
func (p *pen) shape(r rune) bool {
	switch {
	case r >= 0x2500 && r <= 0x257f:
		return p.box(r)
	case r >= 0x2580 && r <= 0x259f:
		return p.block(r)
	case r >= 0x2800 && r <= 0x28ff:
		return p.braille(r)
	case r >= 0x1fb00 && r <= 0x1fb8b:
		return p.legacy(r)
	case r >= 0xe0a0 && r <= 0xe0bf:
		return p.powerline(r)
	case r >= 0x23ba && r <= 0x23bd:
		// The horizontal scan lines 1, 3, 7 and 9 of the VT100.
		y := [...]int{0, 1, 3, 4}[r-0x23ba] * (p.height - p.stroke) / 4
		p.fill(0, y, p.width, y+p.stroke)
		return true
	}
	return false
}

// drawn tells whether a character is a surface that joins with the backgrounds
// beside it, whose colour must therefore be exact.
func drawn(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return r >= 0x2580 && r <= 0x259f || r >= 0xe0b0 && r <= 0xe0bf || r >= 0x1fb00 && r <= 0x1fb8b
}

// block draws U+2580 to U+259F, the block elements.
func (p *pen) block(r rune) bool {
	w, h := p.width, p.height
	switch {
	case r == 0x2580:
		p.fill(0, 0, w, h/2)
	case r <= 0x2588:
		p.fill(0, h-h*int(r-0x2580)/8, w, h)
	case r <= 0x258f:
		p.fill(0, 0, max(1, w*int(0x2590-r)/8), h)
	case r == 0x2590:
		p.fill(w/2, 0, w, h)
	case r <= 0x2593:
		// A grey surface instead of dots: dots turn into patterns when a
		// picture is scaled.
		p.rect(0, 0, w, h, uint8(64*int(r-0x2590)-1))
	case r == 0x2594:
		p.fill(0, 0, w, h/8)
	case r == 0x2595:
		p.fill(w-max(1, w/8), 0, w, h)
	default:
		// The four quarters, as bits: upper left and right, lower left and right.
		p.mosaic(int([...]uint8{4, 8, 1, 13, 9, 7, 11, 2, 6, 14}[r-0x2596]), 2)
	}
	return true
}

// mosaic fills the fields of a grid of 2 columns, one bit each, row by row.
func (p *pen) mosaic(bits, rows int) {
	for i := range 2 * rows {
		if bits>>i&1 == 1 {
			x, y := i%2, i/2
			p.fill(x*p.width/2, y*p.height/rows, (x+1)*p.width/2, (y+1)*p.height/rows)
		}
	}
}

// legacy draws the blocks among U+1FB00 to U+1FB8B, the symbols for legacy
// computing.
func (p *pen) legacy(r rune) bool {
	w, h := p.width, p.height
	switch {
	case r <= 0x1fb3b:
		// The sextants, in the order of their bits; the left and the right half
		// are elsewhere.
		bits := int(r-0x1fb00) + 1
		if bits >= 0b010101 {
			bits++
		}
		if bits >= 0b101010 {
			bits++
		}
		p.mosaic(bits, 3)
	case r >= 0x1fb70 && r <= 0x1fb75:
		n := int(r-0x1fb70) + 1
		p.fill(w*n/8, 0, w*(n+1)/8, h)
	case r >= 0x1fb76 && r <= 0x1fb7b:
		n := int(r-0x1fb76) + 1
		p.fill(0, h*n/8, w, h*(n+1)/8)
	case r >= 0x1fb82 && r <= 0x1fb86:
		p.fill(0, 0, w, h*[...]int{2, 3, 5, 6, 7}[r-0x1fb82]/8)
	case r >= 0x1fb87 && r <= 0x1fb8b:
		p.fill(w-w*[...]int{2, 3, 5, 6, 7}[r-0x1fb87]/8, 0, w, h)
	default:
		return false
	}
	return true
}

// braille draws U+2800 to U+28FF: bits 0 to 2 are the upper three dots on the
// left, 3 to 5 those on the right, 6 and 7 the lowest ones.
func (p *pen) braille(r rune) bool {
	size := max(2, (p.width+2)/5)
	for i, at := range [8][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}} {
		if r>>i&1 == 1 {
			x := p.width*(1+2*at[0])/4 - size/2
			y := p.height*(1+2*at[1])/8 - size/2
			p.fill(x, y, x+size, y+size)
		}
	}
	return true
}

// powerline draws what prompts and status lines are made of, in the private
// use area that powerline and its successors have settled on.
func (p *pen) powerline(r rune) bool {
	w, h := float32(p.width), float32(p.height)
	s := float32(p.stroke)
	switch r {
	case 0xe0a0:
		p.branch()
	case 0xe0a2:
		p.lock()
	case 0xe0b0:
		p.polygon(point{0, 0}, point{w, h / 2}, point{0, h})
	case 0xe0b1:
		p.stripe(point{0, 0}, point{w - s/2, h / 2})
		p.stripe(point{0, h}, point{w - s/2, h / 2})
	case 0xe0b2:
		p.polygon(point{w, 0}, point{0, h / 2}, point{w, h})
	case 0xe0b3:
		p.stripe(point{w, 0}, point{s / 2, h / 2})
		p.stripe(point{w, h}, point{s / 2, h / 2})
	case 0xe0b4:
		p.polygon(arc(point{0, h / 2}, w, h/2, -1, 1)...)
	case 0xe0b5:
		p.ring(point{0, h / 2}, w, h/2, s, -1, 1)
	case 0xe0b6:
		p.polygon(arc(point{w, h / 2}, w, h/2, 1, 3)...)
	case 0xe0b7:
		p.ring(point{w, h / 2}, w, h/2, s, 1, 3)
	case 0xe0b8:
		p.polygon(point{0, 0}, point{w, h}, point{0, h})
	case 0xe0ba:
		p.polygon(point{w, 0}, point{w, h}, point{0, h})
	case 0xe0bc:
		p.polygon(point{0, 0}, point{w, 0}, point{0, h})
	case 0xe0be:
		p.polygon(point{0, 0}, point{w, 0}, point{w, h})
	case 0xe0b9, 0xe0bf:
		p.stripe(point{0, 0}, point{w, h})
	case 0xe0bb, 0xe0bd:
		p.stripe(point{0, h}, point{w, 0})
	default:
		return false
	}
	return true
}

// branch draws the sign for a branch of a repository.
func (p *pen) branch() {
	w, h := float32(p.width), float32(p.height)
	s := float32(p.stroke)
	dot := w / 6
	for _, at := range []point{{w * 0.28, h * 0.22}, {w * 0.28, h * 0.78}, {w * 0.75, h * 0.34}} {
		p.ring(at, dot+s/2, dot+s/2, s, 0, 4)
	}
	p.stripe(point{w * 0.28, h*0.22 + dot + s}, point{w * 0.28, h*0.78 - dot - s})
	p.stripe(point{w * 0.75, h*0.34 + dot + s}, point{w * 0.75, h * 0.48})
	p.stripe(point{w * 0.75, h * 0.48}, point{w * 0.28, h * 0.62})
}

// lock draws a padlock.
func (p *pen) lock() {
	w, h := float32(p.width), float32(p.height)
	p.fill(int(w*0.14), int(h*0.46), int(w*0.86+0.5), int(h*0.8))
	p.ring(point{w / 2, h * 0.46}, w*0.28, h*0.2, float32(p.stroke), 2, 4)
}
