package clip

import (
	"bytes"
	"compress/lzw"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"time"

	"chapi/bot/render/replay"
)

// attempts is how often a GIF is made again with half of the pictures when it
// was too large.
const attempts = 3

// gif writes an animated GIF. image/gif wants all pictures in memory at once;
// here each is written when it is drawn, and only the part that has changed.
func (p *plan) gif(ctx context.Context, open func() (replay.Source, error), w io.Writer) (Info, error) {
	for try := range attempts {
		thinner := *p
		thinner.pace(time.Duration(p.ticks)*p.tick, p.Frames>>try)
		g := &animation{most: p.Bytes, tick: thinner.tick}
		frames, ticks, err := thinner.film(ctx, open, g.add)
		if errors.Is(err, ErrTooLarge) {
			continue
		}
		if err != nil {
			return Info{}, err
		}
		n, err := g.writeTo(w)
		return thinner.info("clip.gif", g.size, frames, ticks, n), err
	}
	return Info{}, ErrTooLarge
}

// animation is a GIF in the making (GIF89a). Its one table of colours is that
// of the last picture: the painter only adds colours.
type animation struct {
	most    int64 // bytes
	tick    time.Duration
	size    image.Rectangle
	palette color.Palette
	before  []byte // the pixels of the last picture
	body    bytes.Buffer
}

// colourBits is the depth of every picture: the number of colours is not known
// when the first is written.
const colourBits = 8

// head is the length of all that is before the pictures.
const head = 6 + 7 + 3<<colourBits + 19

// add adds a picture. ErrTooLarge.
func (g *animation) add(m *image.Paletted, ticks int) error {
	changed := m.Rect
	if g.before == nil {
		g.size = m.Rect
		g.before = make([]byte, len(m.Pix))
	} else {
		changed = difference(g.before, m)
	}
	copy(g.before, m.Pix)
	g.palette = m.Palette
	hundredths := time.Duration(ticks) * g.tick / (10 * time.Millisecond)
	g.graphic(min(int(hundredths), 0xffff))
	g.picture(m, changed)
	if int64(g.body.Len())+head+1 > g.most {
		return ErrTooLarge
	}
	return nil
}

// difference is the smallest rectangle outside of which m is as before; one
// pixel if nothing has changed.
func difference(before []byte, m *image.Paletted) image.Rectangle {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	row := func(y int) ([]byte, []byte) { return before[y*w : (y+1)*w], m.Pix[y*w : (y+1)*w] }
	top, bottom := 0, h
	for ; top < h; top++ {
		if a, b := row(top); !bytes.Equal(a, b) {
			break
		}
	}
	if top == h {
		return image.Rect(0, 0, 1, 1)
	}
	for ; bottom > top; bottom-- {
		if a, b := row(bottom - 1); !bytes.Equal(a, b) {
			break
		}
	}
	left, right := w, 0
	for y := top; y < bottom; y++ {
		a, b := row(y)
		for x := 0; x < left; x++ {
			if a[x] != b[x] {
				left = x
			}
		}
		for x := w - 1; x >= right; x-- {
			if a[x] != b[x] {
				right = x + 1
			}
		}
	}
	return image.Rect(left, top, right, bottom)
}

// graphic writes a graphic control extension: the picture stays, for so many
// hundredths of a second, and the next is drawn over it.
func (g *animation) graphic(hundredths int) {
	g.body.Write([]byte{0x21, 0xf9, 4, 1 << 2, byte(hundredths), byte(hundredths >> 8), 0, 0})
}

// picture writes a part of a picture.
func (g *animation) picture(m *image.Paletted, part image.Rectangle) {
	g.body.WriteByte(0x2c)
	for _, v := range []int{part.Min.X, part.Min.Y, part.Dx(), part.Dy()} {
		g.body.Write(binary.LittleEndian.AppendUint16(nil, uint16(v)))
	}
	g.body.Write([]byte{0, colourBits})
	blocks := &subBlocks{to: &g.body}
	// Writing to a buffer cannot fail.
	pack := lzw.NewWriter(blocks, lzw.LSB, colourBits)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		pack.Write(m.Pix[y*m.Stride+part.Min.X : y*m.Stride+part.Max.X])
	}
	pack.Close()
	blocks.close()
}

// writeTo writes the whole: header, screen, colours, the extension that makes it
// play on and on, the pictures, the end.
func (g *animation) writeTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	b.WriteString("GIF89a")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(g.size.Dx())))
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(g.size.Dy())))
	b.Write([]byte{1<<7 | (colourBits-1)<<4 | (colourBits - 1), 0, 0})
	for i := range 1 << colourBits {
		var c color.RGBA
		if i < len(g.palette) {
			c = color.RGBAModel.Convert(g.palette[i]).(color.RGBA)
		}
		b.Write([]byte{c.R, c.G, c.B})
	}
	b.WriteString("\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
	g.body.WriteByte(0x3b)
	first, err := b.WriteTo(w)
	if err != nil {
		return first, err
	}
	second, err := g.body.WriteTo(w)
	return first + second, err
}

// subBlocks divides data into blocks of at most 255 bytes, each after its
// length, and the empty one at the end.
type subBlocks struct {
	to    *bytes.Buffer
	block [256]byte
	n     int
}

func (s *subBlocks) Write(p []byte) (int, error) {
	for _, b := range p {
		s.WriteByte(b)
	}
	return len(p), nil
}

func (s *subBlocks) WriteByte(b byte) error {
	s.n++
	s.block[s.n] = b
	if s.n == 255 {
		s.flush()
	}
	return nil
}

func (s *subBlocks) flush() {
	s.block[0] = byte(s.n)
	s.to.Write(s.block[:s.n+1])
	s.n = 0
}

func (s *subBlocks) close() {
	if s.n > 0 {
		s.flush()
	}
	s.to.WriteByte(0)
}
