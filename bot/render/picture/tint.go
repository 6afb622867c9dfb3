package picture

import (
	"cmp"
	"image/color"
	"math"
	"slices"
)

// levels is how many degrees of covering a pixel of a letter has, with none
// and full. Few make small pictures; six are smooth to the eye.
const levels = 6

// maxTints is the size of a palette. Up to maxSolid are given to the colours of
// cells, so that the edges of letters have some left; of too many, the maxExact
// most frequent stay as they are.
const (
	maxTints = 256
	maxSolid = 208
	maxExact = 32
)

// shading is the palette numbers for the degrees of covering.
type shading [levels]uint8

// tints numbers the colours of a picture. When there are too many, similar
// ones are drawn as one.
type tints struct {
	colours []rgb // by number
	number  map[rgb]uint8
	pairs   map[[2]rgb]*shading
	spare   []*shading
	seen    map[rgb]int // how often
	all     []rgb       // the same, most frequent first
	made    color.Palette
	last    [2]rgb // the pair asked for last, and its shading
	lastOf  *shading
}

// begin starts a picture with these looks; keep leaves the numbers as they are.
func (t *tints) begin(looks []look, keep bool) {
	if t.number == nil {
		t.number = make(map[rgb]uint8, maxTints)
		t.pairs = make(map[[2]rgb]*shading)
		t.seen = make(map[rgb]int)
	}
	if keep && len(t.colours) > 0 {
		t.forget()
		return
	}
	t.reset()
	t.gather(looks)
	t.all = t.all[:0]
	for c := range t.seen {
		t.all = append(t.all, c)
	}
	slices.SortFunc(t.all, func(a, b rgb) int {
		return cmp.Or(cmp.Compare(t.seen[b], t.seen[a]), cmp.Compare(a, b))
	})
	exact := len(t.all)
	if exact > maxSolid {
		exact = maxExact
	}
	// Before the edges of letters take what is left.
	for _, c := range t.all[:exact] {
		t.index(c)
	}
	if exact == len(t.all) {
		return
	}
	for _, box := range divide(t.all[exact:], maxSolid-maxExact) {
		n := uint8(len(t.colours))
		t.colours = append(t.colours, average(box))
		for _, c := range box {
			t.number[c] = n
		}
	}
}

// maxKnown is how many colours, and pairs of them, are remembered over the
// frames of a clip: some 2 MB.
const maxKnown = 1 << 15

// forget bounds what is remembered over the frames of a clip; the numbers stay.
func (t *tints) forget() {
	if len(t.number) < maxKnown && len(t.pairs) < maxKnown {
		return
	}
	clear(t.pairs)
	clear(t.number)
	for i, c := range t.colours {
		t.number[c] = uint8(i)
	}
	t.lastOf = nil
}

func (t *tints) reset() {
	t.colours = t.colours[:0]
	t.made = t.made[:0]
	clear(t.number)
	clear(t.seen)
	for _, s := range t.pairs {
		t.spare = append(t.spare, s)
	}
	clear(t.pairs)
	t.lastOf = nil
}

// gather counts the colours of cells.
func (t *tints) gather(looks []look) {
	for i := 0; i < len(looks); {
		n := 1
		for i+n < len(looks) && looks[i+n] == looks[i] {
			n++
		}
		t.seen[looks[i].fore] += n
		t.seen[looks[i].back] += n
		i += n
	}
}

// index is the number of a colour: its own, or that of the most similar one if
// there are no more.
func (t *tints) index(c rgb) uint8 {
	if n, ok := t.number[c]; ok {
		return n
	}
	var n uint8
	if len(t.colours) < maxTints {
		n = uint8(len(t.colours))
		t.colours = append(t.colours, c)
	} else {
		n = t.nearest(c)
	}
	t.number[c] = n
	return n
}

func (t *tints) nearest(c rgb) uint8 {
	best, least := 0, math.MaxInt
	for i, other := range t.colours {
		if d := distance(c, other); d < least {
			best, least = i, d
		}
	}
	return uint8(best)
}

// shades gives the numbers from back to fore.
func (t *tints) shades(fore, back rgb) *shading {
	pair := [2]rgb{fore, back}
	if t.lastOf != nil && t.last == pair {
		return t.lastOf
	}
	s := t.pairs[pair]
	if s == nil {
		if n := len(t.spare); n > 0 {
			s, t.spare = t.spare[n-1], t.spare[:n-1]
		} else {
			s = new(shading)
		}
		s[0], s[levels-1] = t.index(back), t.index(fore)
		for i := 1; i < levels-1; i++ {
			s[i] = t.index(mix(back, fore, weight(i)))
		}
		t.pairs[pair] = s
	}
	t.last, t.lastOf = pair, s
	return s
}

// weight is the part of the foreground at a degree of covering, of 256.
func weight(level int) int { return 256 * level / (levels - 1) }

// palette is the colours by number. It is the tints' own.
func (t *tints) palette() color.Palette {
	for i := len(t.made); i < len(t.colours); i++ {
		r, g, b := t.colours[i].parts()
		t.made = append(t.made, color.RGBA{uint8(r), uint8(g), uint8(b), 0xff})
	}
	return t.made
}

// distance is how different two colours are, with the eye's sense for green.
func distance(a, b rgb) int {
	ar, ag, ab := a.parts()
	br, bg, bb := b.parts()
	return 3*(ar-br)*(ar-br) + 6*(ag-bg)*(ag-bg) + (ab-bb)*(ab-bb)
}

// divide makes at most n boxes of similar colours: the box that is longest in
// one channel is cut in its middle, again and again (Heckbert 1982).
func divide(all []rgb, n int) [][]rgb {
	boxes := [][]rgb{all}
	for len(boxes) < n {
		widest, shift, length := -1, 0, 0
		for i, box := range boxes {
			if s, l := longest(box); l > length {
				widest, shift, length = i, s, l
			}
		}
		if widest < 0 {
			break
		}
		box := boxes[widest]
		slices.SortFunc(box, func(a, b rgb) int {
			return cmp.Or(cmp.Compare(a>>shift&0xff, b>>shift&0xff), cmp.Compare(a, b))
		})
		boxes[widest] = box[:len(box)/2]
		boxes = append(boxes, box[len(box)/2:])
	}
	return boxes
}

// longest is the channel in which a box of colours is longest, as the bits to
// its right.
func longest(box []rgb) (shift, length int) {
	for _, s := range []int{8, 16, 0} {
		lo, hi := 255, 0
		for _, c := range box {
			v := int(c >> s & 0xff)
			lo, hi = min(lo, v), max(hi, v)
		}
		if hi-lo > length {
			shift, length = s, hi-lo
		}
	}
	return shift, length
}

func average(box []rgb) rgb {
	var r, g, b int
	for _, c := range box {
		cr, cg, cb := c.parts()
		r, g, b = r+cr, g+cg, b+cb
	}
	n := len(box)
	return rgb(r/n)<<16 | rgb(g/n)<<8 | rgb(b/n)
}

// linear is the light of an sRGB channel's value, 0 to 10000 (IEC 61966-2-1).
var linear = func() (table [256]int) {
	for i := range table {
		v := float64(i) / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		table[i] = int(math.Round(v * 10000))
	}
	return table
}()
