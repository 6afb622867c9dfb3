// Package unifont has the bitmaps of GNU Unifont: nearly every character of
// the Basic Multilingual Plane, emoji and other symbols, 16 rows high and 8 or
// 16 columns wide. It knows nothing of pictures.
//
// Unifont is free under two licences, see LICENSE.
package unifont

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
)

// Rows is how high every glyph is.
const Rows = 16

// Glyph is a bitmap of one bit per pixel. The leftmost pixel of a row is its
// highest bit; a narrow glyph has the high 8 bits only.
type Glyph struct {
	Row  [Rows]uint16
	Wide bool // 16 columns, else 8
}

// The table holds the glyphs by blocks of code points, each compressed by
// itself, so that the few that are asked for cost little memory:
//
//	uvarint      number of blocks
//	per block    uvarint number, uvarint bytes
//	per block    deflate: a byte per code point (absent, narrow, wide), then
//	             the rows of the glyphs, first the first row of all, then the
//	             second, 1 or 2 bytes each
//
// generate.go writes it.
//
//go:generate go run generate.go /usr/share/fonts/opentype/unifont/unifont.otf /usr/share/fonts/opentype/unifont/unifont_upper.otf
//go:embed unifont.bin
var table []byte

// blockLen is how many code points make a block.
const blockLen = 512

// What the byte of a code point says.
const (
	absent = iota
	narrow
	wide
)

// maxBlock is the size of a block of wide glyphs, in bytes.
const maxBlock = blockLen * (1 + 2*Rows)

// Font finds glyphs. It keeps the block that it looked into last. The zero
// value is ready. It is not safe for concurrent use.
type Font struct {
	blocks map[int][]byte // compressed
	number int            // of the block below
	block  []byte
}

// Glyph gives the bitmap of r; ok is false if Unifont has none.
func (f *Font) Glyph(r rune) (g Glyph, ok bool) {
	if r < 0 {
		return Glyph{}, false
	}
	if f.blocks == nil {
		f.blocks = index(table)
	}
	if n := int(r) / blockLen; f.block == nil || n != f.number {
		packed, known := f.blocks[n]
		if !known {
			return Glyph{}, false
		}
		f.number, f.block = n, unpack(packed)
	}
	return glyph(f.block, int(r)%blockLen)
}

// glyph takes the i-th glyph out of a block.
func glyph(block []byte, i int) (g Glyph, ok bool) {
	kinds, rows := block[:blockLen], block[blockLen:]
	if kinds[i] == absent {
		return Glyph{}, false
	}
	before, row := 0, 0 // bytes of a row before the glyph, and in all
	for j, kind := range kinds {
		if j < i {
			before += int(kind)
		}
		row += int(kind)
	}
	g.Wide = kinds[i] == wide
	for y := range g.Row {
		at := rows[y*row+before:]
		g.Row[y] = uint16(at[0]) << 8
		if g.Wide {
			g.Row[y] |= uint16(at[1])
		}
	}
	return g, true
}

// index finds the blocks. The table is a part of the program: a broken one is
// a mistake of its making.
func index(table []byte) map[int][]byte {
	next := func() int {
		v, n := binary.Uvarint(table)
		if n <= 0 {
			panic("unifont: broken table")
		}
		table = table[n:]
		return int(v)
	}
	type entry struct{ number, length int }
	entries := make([]entry, next())
	for i := range entries {
		entries[i] = entry{next(), next()}
	}
	blocks := make(map[int][]byte, len(entries))
	for _, e := range entries {
		blocks[e.number], table = table[:e.length], table[e.length:]
	}
	return blocks
}

func unpack(packed []byte) []byte {
	block, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxBlock))
	if err != nil || len(block) < blockLen {
		panic(fmt.Sprintf("unifont: broken block: %v", err))
	}
	return block
}
