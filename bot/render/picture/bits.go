package picture

import "chapi/bot/render/picture/unifont"

// bits is a bitmap, row by row.
type bits struct {
	width, height int
	set           []bool
}

func newBits(g unifont.Glyph) *bits {
	b := &bits{width: 8, height: unifont.Rows}
	if g.Wide {
		b.width = 16
	}
	b.set = make([]bool, b.width*b.height)
	for y, row := range g.Row {
		for x := range b.width {
			b.set[y*b.width+x] = row>>(15-x)&1 == 1
		}
	}
	return b
}

// at is a pixel; outside nothing is set.
func (b *bits) at(x, y int) bool {
	return x >= 0 && x < b.width && y >= 0 && y < b.height && b.set[y*b.width+x]
}

// thicken makes strokes a pixel wider, for bold.
func (b *bits) thicken() {
	for y := range b.height {
		for x := b.width - 1; x > 0; x-- {
			if b.set[y*b.width+x-1] {
				b.set[y*b.width+x] = true
			}
		}
	}
}

// smooth is the bitmap at twice its size. A corner takes the value of the two
// neighbours that meet there if they agree and the opposite ones do not, which
// makes stairs into slopes (the rule known as EPX or Scale2x).
func (b *bits) smooth() *bits {
	large := &bits{width: 2 * b.width, height: 2 * b.height, set: make([]bool, 4*len(b.set))}
	for y := range b.height {
		for x := range b.width {
			own := b.at(x, y)
			up, down, left, right := b.at(x, y-1), b.at(x, y+1), b.at(x-1, y), b.at(x+1, y)
			quarter := func(dx, dy int, a, b, c, d bool) {
				v := own
				if a == b && a != c && b != d {
					v = a
				}
				large.set[(2*y+dy)*large.width+2*x+dx] = v
			}
			quarter(0, 0, left, up, down, right)
			quarter(1, 0, up, right, left, down)
			quarter(0, 1, down, left, right, up)
			quarter(1, 1, right, down, up, left)
		}
	}
	return large
}

// cover draws the bitmap over the whole height, from left on and width wide:
// every pixel is covered as far as the bits in it are set.
func (b *bits) cover(p *pen, left, width float32) {
	sx, sy := float32(b.width)/width, float32(b.height)/float32(p.height)
	for y := range p.height {
		for x := range p.width {
			x0, x1 := (float32(x)-left)*sx, (float32(x+1)-left)*sx
			if x1 <= 0 || x0 >= float32(b.width) {
				continue
			}
			n := b.area(x0, float32(y)*sy, x1, float32(y+1)*sy)
			to := &p.cover[y*p.width+x]
			*to = max(*to, uint8(n/(sx*sy)*255+0.5))
		}
	}
}

// area is how much of a rectangle is set.
func (b *bits) area(x0, y0, x1, y1 float32) (sum float32) {
	x0, y0 = max(x0, 0), max(y0, 0)
	for y := int(y0); y < b.height && float32(y) < y1; y++ {
		h := min(y1, float32(y+1)) - max(y0, float32(y))
		for x := int(x0); x < b.width && float32(x) < x1; x++ {
			if b.set[y*b.width+x] {
				sum += h * (min(x1, float32(x+1)) - max(x0, float32(x)))
			}
		}
	}
	return sum
}
