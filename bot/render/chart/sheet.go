package chart

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"codeberg.org/go-fonts/dejavu/dejavusansmono"
	"codeberg.org/go-fonts/dejavu/dejavusansmonobold"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"chapi/bot"
)

// sheet is a picture being drawn.
type sheet struct {
	img     *image.RGBA
	theme   theme
	letters *letters
}

// letters are the typefaces in their sizes.
type letters struct{ plain, tight, small, bold font.Face }

// fonts are read once: it takes longer than a picture.
var fonts = sync.OnceValues(func() (all [2]*opentype.Font, err error) {
	for i, data := range [][]byte{dejavusansmono.TTF, dejavusansmonobold.TTF} {
		if all[i], err = opentype.Parse(data); err != nil {
			return all, fmt.Errorf("read font: %w", err)
		}
	}
	return all, nil
})

// newLetters makes faces for one picture: they may not be shared.
func newLetters() (*letters, error) {
	all, err := fonts()
	if err != nil {
		return nil, err
	}
	face := func(f *opentype.Font, size float64) font.Face {
		made, e := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull})
		if e != nil {
			err = fmt.Errorf("make letters of %g pixels: %w", size, e)
		}
		return made
	}
	l := &letters{plain: face(all[0], 20), tight: face(all[0], 14), small: face(all[1], 18), bold: face(all[1], 24)}
	return l, err
}

func (l *letters) close() {
	for _, f := range []font.Face{l.plain, l.tight, l.small, l.bold} {
		f.Close()
	}
}

// align is which point of a text is given.
type align int

const (
	start align = iota
	middle
	end
)

func (s *sheet) width(f font.Face, text string) int { return font.MeasureString(f, text).Ceil() }

// text writes on a base line. What would be too long is cut.
func (s *sheet) text(f font.Face, x, y int, text string, c color.RGBA, a align) {
	for runes := []rune(text); s.width(f, text) > Width/2 && len(runes) > 1; {
		runes = runes[:len(runes)-1]
		text = string(runes) + "…"
	}
	switch w := s.width(f, text); a {
	case middle:
		x -= w / 2
	case end:
		x -= w
	}
	d := font.Drawer{Dst: s.img, Src: image.NewUniform(c), Face: f, Dot: fixed.P(x, y)}
	d.DrawString(text)
}

// halo writes in the middle of x, on a little paper of its own, so that lines do
// not run through the letters.
func (s *sheet) halo(f font.Face, x, y int, text string, c color.RGBA) {
	for dx := -2; dx <= 2; dx++ {
		for dy := -2; dy <= 2; dy++ {
			s.text(f, x+dx, y+dy, text, s.theme.paper, middle)
		}
	}
	s.text(f, x, y, text, c, middle)
}

func (s *sheet) horizontal(x0, x1, y int, c color.RGBA) {
	draw.Draw(s.img, image.Rect(x0, y, x1, y+1), image.NewUniform(c), image.Point{}, draw.Src)
}

func (s *sheet) vertical(x, y0, y1 int, c color.RGBA) {
	draw.Draw(s.img, image.Rect(x, y0, x+1, y1), image.NewUniform(c), image.Point{}, draw.Src)
}

// shape draws what path outlines. Everything in it winds the same way round, so
// that parts may overlap.
func (s *sheet) shape(within image.Rectangle, c color.Color, path func(*vector.Rasterizer)) {
	r := vector.NewRasterizer(within.Dx(), within.Dy())
	path(r)
	r.Draw(s.img, within, image.NewUniform(c), image.Point{})
}

// translucent is a colour that lets part of what is below shine through; alpha
// is of 255.
func translucent(c color.RGBA, alpha uint8) color.NRGBA {
	return color.NRGBA{R: c.R, G: c.G, B: c.B, A: alpha}
}

// fill draws what is between a piece's mean and the base line as a tint, and the
// band between the least and the greatest of each point stronger.
func (s *sheet) fill(f frame, piece []bot.Point, c color.RGBA) {
	if len(piece) < 2 {
		return
	}
	area := f.area
	at := func(p bot.Point, v float64) (float32, float32) {
		return float32(f.x(p.At) - float64(area.Min.X)), float32(f.y(v) - float64(area.Min.Y))
	}
	first, last := piece[0], piece[len(piece)-1]
	s.shape(area, translucent(c, 26), func(r *vector.Rasterizer) {
		x, _ := at(first, 0)
		r.MoveTo(x, float32(area.Dy()))
		for _, p := range piece {
			r.LineTo(at(p, p.Mean))
		}
		x, _ = at(last, 0)
		r.LineTo(x, float32(area.Dy()))
		r.ClosePath()
	})
	s.shape(area, translucent(c, 64), func(r *vector.Rasterizer) {
		r.MoveTo(at(first, first.Max))
		for _, p := range piece[1:] {
			r.LineTo(at(p, p.Max))
		}
		for i := len(piece) - 1; i >= 0; i-- {
			r.LineTo(at(piece[i], piece[i].Min))
		}
		r.ClosePath()
	})
}

// lineWidth is that of a curve, in pixels.
const lineWidth = 3

// curve draws the means of a piece as a line; one alone as a dot.
func (s *sheet) curve(f frame, piece []bot.Point, c color.RGBA) {
	if len(piece) == 1 {
		s.dot(f.x(piece[0].At), f.y(piece[0].Mean), lineWidth, c)
		return
	}
	around := f.area.Inset(-lineWidth)
	s.shape(around, c, func(r *vector.Rasterizer) {
		point := func(p bot.Point) (x, y float64) {
			return f.x(p.At) - float64(around.Min.X), f.y(p.Mean) - float64(around.Min.Y)
		}
		x0, y0 := point(piece[0])
		circle(r, x0, y0, lineWidth/2.)
		for _, p := range piece[1:] {
			x1, y1 := point(p)
			stroke(r, x0, y0, x1, y1, lineWidth/2.)
			circle(r, x1, y1, lineWidth/2.)
			x0, y0 = x1, y1
		}
	})
}

// stroke adds a thick line from left to right.
func stroke(r *vector.Rasterizer, x0, y0, x1, y1, half float64) {
	length := math.Hypot(x1-x0, y1-y0)
	if length == 0 {
		return
	}
	dx, dy := (y1-y0)/length*half, -(x1-x0)/length*half
	r.MoveTo(float32(x0+dx), float32(y0+dy))
	r.LineTo(float32(x1+dx), float32(y1+dy))
	r.LineTo(float32(x1-dx), float32(y1-dy))
	r.LineTo(float32(x0-dx), float32(y0-dy))
	r.ClosePath()
}

// circle adds one of eight curves, which is as round as pixels can show.
func circle(r *vector.Rasterizer, x, y, radius float64) {
	const n = 8
	point := func(i int, far float64) (float32, float32) {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / (2 * n))
		return float32(x + far*cos), float32(y + far*sin)
	}
	r.MoveTo(point(0, radius))
	control := radius / math.Cos(math.Pi/n)
	for i := range n {
		cx, cy := point(2*i+1, control)
		ex, ey := point(2*i+2, radius)
		r.QuadTo(cx, cy, ex, ey)
	}
	r.ClosePath()
}

func (s *sheet) dot(x, y, radius float64, c color.RGBA) {
	around := image.Rect(int(x-radius)-1, int(y-radius)-1, int(x+radius)+2, int(y+radius)+2)
	s.shape(around, c, func(r *vector.Rasterizer) {
		circle(r, x-float64(around.Min.X), y-float64(around.Min.Y), radius)
	})
}
