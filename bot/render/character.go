package render

import (
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
	"github.com/clipperhouse/uax29/v2/graphemes"
)

// meter is the unit in which text is measured.
type meter struct{ utf16 bool }

// rune is the length of a code point.
func (m meter) rune(r rune) int {
	if m.utf16 && r > 0xffff {
		return 2
	}
	return 1
}

// columns is the width of a character of one code point: 1 or 2. A mark that
// has nothing to stand on takes a column like any other.
func columns(r rune) int {
	if r < 0x300 {
		return 1
	}
	return max(displaywidth.Rune(r), 1)
}

// hiddenRunes are code points that show nothing and could make text read
// otherwise than it is: C1 controls, bidirectional controls, line separators,
// zero-width space, word joiner, byte order mark, interlinear and musical
// formatting, tags; and two marks that some networks remove from messages,
// which would shift what stands behind them. Joiners and variation selectors
// are not among them: scripts and emoji need them.
var hiddenRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0080, Hi: 0x009f, Stride: 1},
		{Lo: 0x0333, Hi: 0x0333, Stride: 1},
		{Lo: 0x033f, Hi: 0x033f, Stride: 1},
		{Lo: 0x061c, Hi: 0x061c, Stride: 1},
		{Lo: 0x180e, Hi: 0x180e, Stride: 1},
		{Lo: 0x200b, Hi: 0x200b, Stride: 1},
		{Lo: 0x200e, Hi: 0x200f, Stride: 1},
		{Lo: 0x2028, Hi: 0x202e, Stride: 1},
		{Lo: 0x2060, Hi: 0x206f, Stride: 1},
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1},
		{Lo: 0xfff9, Hi: 0xfffb, Stride: 1},
	},
	R32: []unicode.Range32{
		{Lo: 0x1d173, Hi: 0x1d17a, Stride: 1},
		{Lo: 0xe0000, Hi: 0xe00ff, Stride: 1},
		{Lo: 0xe01f0, Hi: 0xe0fff, Stride: 1},
	},
	LatinOffset: 1,
}

func hidden(r rune) bool { return unicode.Is(hiddenRunes, r) }

// combiningRing is removed from messages by some networks, as hiddenRunes are;
// but names of files in decomposed form have it, so it is kept where there is
// a composed character.
const combiningRing = 0x030a

var ringedLetters = map[rune]rune{'A': 'Å', 'a': 'å', 'U': 'Ů', 'u': 'ů', 'w': 'ẘ', 'y': 'ẙ'}

// maxCluster is the most code points of a character; what would join beyond
// it begins the next. The longest emoji have 10.
const maxCluster = 16

// cluster is the character printed last: a grapheme cluster, which further
// code points may join.
type cluster struct {
	text []byte
	n    int // code points
	last rune
	col  int   // its column
	wide int   // its width in columns
	at   int64 // offset of its first byte
	live bool  // nothing but colour has come since
}

// begin makes r the character printed last.
func (c *cluster) begin(r rune, col, wide int, at int64) {
	c.text = utf8.AppendRune(c.text[:0], r)
	c.n, c.last, c.col, c.wide, c.at, c.live = 1, r, col, wide, at, true
}

// end says that the cursor has moved.
func (c *cluster) end() { c.live = false }

// joins reports whether r continues the character (Unicode Standard Annex 29,
// extended grapheme clusters).
func (c *cluster) joins(r rune) bool {
	if !c.live || c.n >= maxCluster || stands(r) && simple(c.last) {
		return false
	}
	both := utf8.AppendRune(c.text, r)
	return len(graphemes.FromBytes(both).First()) == len(both)
}

// add joins r and returns the character's width now.
func (c *cluster) add(r rune) int {
	c.text = utf8.AppendRune(c.text, r)
	c.n, c.last = c.n+1, r
	return max(displaywidth.Bytes(c.text), c.wide)
}

// ringed is the character with a ring above, and becomes it, if there is one.
func (c *cluster) ringed() (whole rune, ok bool) {
	if whole, ok = ringedLetters[c.last]; !ok || !c.live || c.n > 1 {
		return 0, false
	}
	c.begin(whole, c.col, c.wide, c.at)
	return whole, true
}

// stands and simple save the segmentation for most letters of the world: a
// code point of the first kind joins none of the second.
func stands(r rune) bool {
	return r < 0x300 || r >= 0x370 && r < 0x483 || simple(r) && r >= 0x2500
}

func simple(r rune) bool {
	return r < 0x300 || r >= 0x370 && r < 0x483 || r >= 0x2500 && r < 0x2600 ||
		r >= 0x3000 && r < 0x302a || r >= 0x309b && r < 0xa000 || r >= 0x3030 && r < 0x3099 ||
		r == utf8.RuneError
}
