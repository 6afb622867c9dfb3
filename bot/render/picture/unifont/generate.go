//go:build ignore

// generate makes unifont.bin of the OpenType files of GNU Unifont that are
// named as arguments (Debian's package fonts-unifont has them):
//
//	go generate ./bot/render/picture/unifont
package main

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"image"
	"log"
	"os"
	"slices"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

const (
	rows     = 16
	ascent   = 14 // rows above the base line
	blockLen = 512
)

type glyph struct {
	row  [rows]uint16
	wide bool
}

func main() {
	log.SetFlags(0)
	glyphs := map[rune]glyph{}
	for _, name := range os.Args[1:] {
		data, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		f, err := sfnt.Parse(data)
		if err != nil {
			log.Fatalf("parse %s: %v", name, err)
		}
		read(f, glyphs)
	}
	if err := os.WriteFile("unifont.bin", pack(glyphs), 0o644); err != nil {
		log.Fatal(err)
	}
}

// read draws every glyph of the font at the size where a unit of its design is
// a pixel.
func read(f *sfnt.Font, glyphs map[rune]glyph) {
	var buf sfnt.Buffer
	size := fixed.I(rows)
	for r := rune(0x20); r < 0x20000; r++ {
		i, err := f.GlyphIndex(&buf, r)
		if err != nil || i == 0 {
			continue
		}
		if _, known := glyphs[r]; known {
			continue
		}
		advance, err := f.GlyphAdvance(&buf, i, size, font.HintingNone)
		if err != nil {
			log.Fatal(err)
		}
		segments, err := f.LoadGlyph(&buf, i, size, nil)
		if err != nil {
			log.Fatal(err)
		}
		bounds, _, err := f.GlyphBounds(&buf, i, size, font.HintingNone)
		if err != nil {
			log.Fatal(err)
		}
		// Marks have no width of their own and lie before their place.
		left := 0
		if bounds.Min.X < 0 {
			left = -bounds.Min.X.Floor()
			left = (left + 7) / 8 * 8
		}
		mask := image.NewAlpha(image.Rect(0, 0, 16, rows))
		var z vector.Rasterizer
		z.Reset(16, rows)
		at := func(p fixed.Point26_6) (x, y float32) {
			return float32(p.X)/64 + float32(left), float32(p.Y)/64 + ascent
		}
		for _, s := range segments {
			x, y := at(s.Args[0])
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				z.MoveTo(x, y)
			case sfnt.SegmentOpLineTo:
				z.LineTo(x, y)
			default:
				log.Fatalf("U+%04X is no bitmap", r)
			}
		}
		z.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
		g := glyph{wide: advance > fixed.I(8) || bounds.Max.X+fixed.I(left) > fixed.I(8)}
		for y := range g.row {
			for x := range 16 {
				if mask.AlphaAt(x, y).A >= 128 {
					g.row[y] |= 1 << (15 - x)
				}
			}
		}
		glyphs[r] = g
	}
}

func pack(glyphs map[rune]glyph) []byte {
	blocks := map[int][]rune{}
	for r := range glyphs {
		blocks[int(r)/blockLen] = append(blocks[int(r)/blockLen], r)
	}
	var numbers []int
	for n := range blocks {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	head := binary.AppendUvarint(nil, uint64(len(numbers)))
	var body []byte
	for _, n := range numbers {
		runes := blocks[n]
		slices.Sort(runes)
		kinds := make([]byte, blockLen)
		for _, r := range runes {
			kinds[int(r)%blockLen] = 1
			if glyphs[r].wide {
				kinds[int(r)%blockLen] = 2
			}
		}
		block := kinds
		for y := range rows {
			for _, r := range runes {
				g := glyphs[r]
				block = append(block, byte(g.row[y]>>8))
				if g.wide {
					block = append(block, byte(g.row[y]))
				}
			}
		}
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, flate.BestCompression)
		if err == nil {
			_, err = w.Write(block)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			log.Fatal(err)
		}
		head = binary.AppendUvarint(head, uint64(n))
		head = binary.AppendUvarint(head, uint64(packed.Len()))
		body = append(body, packed.Bytes()...)
	}
	return append(head, body...)
}
