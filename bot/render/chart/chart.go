// Package chart draws measurements over time as a picture for a phone: a panel
// for each series, one below the other, over the same hours. Times without
// samples stay empty; where several were taken together a band shows how far
// they were apart.
package chart

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"chapi/bot"
)

// Panel is one series and how it is drawn.
type Panel struct {
	Title string // "Temperature"
	Unit  string // "°C"; may be empty
	// Points are oldest first.
	Points []bot.Point
	// Low is where the scale begins at the latest, High where it ends at the
	// earliest; NaN leaves it to the points. Span is the least difference that
	// fills a panel, so that what hardly changes looks so.
	Low, High, Span float64
}

// Chart is a picture to be drawn. The times are shown in the zone of To.
type Chart struct {
	Device   string
	From, To time.Time
	Panels   []Panel // 1 to MaxPanels
	Dark     bool
}

// MaxPanels is how many series one picture has room for.
const MaxPanels = 4

// The picture in pixels. 900 across is what phones show sharply at their width;
// letters of 20 are then as large as those of the chat.
const (
	Width    = 900
	alone    = 404 // height of the only panel
	stacked  = 240 // height of each of several
	header   = 50  // above the first
	footer   = 46  // below the last
	left     = 92  // of the plot
	right    = 24
	titleGap = 56 // between a panel's top and its plot
	lineGap  = 66 // between two lines of a scale, at least
	labelGap = 34 // that a marked value needs between itself and the edge
)

// Height is that of a picture with so many panels.
func Height(panels int) int {
	return header + panels*tall(panels) + footer
}

// tall is the height of each of so many panels.
func tall(panels int) int {
	if panels == 1 {
		return alone
	}
	return stacked
}

// theme is the colours of a picture.
type theme struct {
	paper, grid, strong, faint, ink color.RGBA
	lines                           [MaxPanels]color.RGBA
}

// Colours that keep apart for most colour-blind people, and stand out from the
// paper by at least 3:1; text does so by 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11).
var (
	light = theme{
		paper: rgb(0xffffff), grid: rgb(0xe6e9ee), strong: rgb(0xc3c9d2), faint: rgb(0x5b6573), ink: rgb(0x15202e),
		lines: [MaxPanels]color.RGBA{rgb(0x0b6bcb), rgb(0xc2410c), rgb(0x0f7b53), rgb(0x8338c8)},
	}
	dark = theme{
		paper: rgb(0x161b22), grid: rgb(0x2a313b), strong: rgb(0x465061), faint: rgb(0x9aa7b6), ink: rgb(0xf0f4f9),
		lines: [MaxPanels]color.RGBA{rgb(0x58a6ff), rgb(0xff9d5c), rgb(0x4cc38a), rgb(0xc99bff)},
	}
)

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// Draw writes the chart as a PNG. It is safe for concurrent use.
func Draw(w io.Writer, c Chart) error {
	panels := c.Panels[:min(len(c.Panels), MaxPanels)]
	size := image.Rect(0, 0, Width, Height(len(panels)))
	s := &sheet{img: image.NewRGBA(size), theme: light}
	if c.Dark {
		s.theme = dark
	}
	draw.Draw(s.img, size, image.NewUniform(s.theme.paper), image.Point{}, draw.Src)
	letters, err := newLetters()
	if err != nil {
		return err
	}
	s.letters = letters
	defer letters.close()
	s.text(s.letters.bold, 26, 40, c.Device, s.theme.ink, start)
	s.text(s.letters.plain, Width-right, 40, span(c.From, c.To), s.theme.faint, end)
	top := header
	ticks := timeTicks(c.From, c.To)
	for i, p := range panels {
		bottom := top + tall(len(panels))
		f := frame{
			area: image.Rect(left, top+titleGap, Width-right, bottom-14),
			from: c.From, to: c.To,
		}
		f.least, f.most, f.step = scale(p, f.area.Dy())
		s.panel(f, p, s.theme.lines[i], ticks)
		top = bottom
	}
	s.times(ticks, c, top)
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	return encoder.Encode(w, s.img)
}

// frame is where a panel's plot is and what it shows.
type frame struct {
	area              image.Rectangle
	from, to          time.Time
	least, most, step float64
}

func (f frame) x(t time.Time) float64 {
	part := float64(t.Sub(f.from)) / float64(f.to.Sub(f.from))
	return float64(f.area.Min.X) + part*float64(f.area.Dx())
}

func (f frame) y(v float64) float64 {
	return float64(f.area.Max.Y) - (v-f.least)/(f.most-f.least)*float64(f.area.Dy())
}

// panel draws one series.
func (s *sheet) panel(f frame, p Panel, line color.RGBA, ticks []tick) {
	base := f.area.Min.Y - 24
	s.text(s.letters.bold, 26, base, p.Title, line, start)
	decimals := precision(f.step)
	for v := f.least; len(p.Points) > 0 && v <= f.most+f.step/1000; v += f.step {
		y := math.Round(f.y(v))
		s.horizontal(f.area.Min.X, f.area.Max.X, int(y), s.theme.grid)
		label, face := number(v, decimals), s.letters.plain
		if s.width(face, label) > left-20 {
			face = s.letters.tight
		}
		s.text(face, f.area.Min.X-12, int(y)+7, label, s.theme.faint, end)
	}
	for _, t := range ticks {
		shade := s.theme.grid
		if t.strong {
			shade = s.theme.strong
		}
		s.vertical(int(math.Round(f.x(t.at))), f.area.Min.Y, f.area.Max.Y, shade)
	}
	s.horizontal(f.area.Min.X, f.area.Max.X, f.area.Max.Y, s.theme.strong)
	if len(p.Points) == 0 {
		s.text(s.letters.plain, (f.area.Min.X+f.area.Max.X)/2, (f.area.Min.Y+f.area.Max.Y)/2+7, "no samples in this time", s.theme.faint, middle)
		return
	}
	pieces := split(p.Points, gap(p.Points))
	for _, piece := range pieces {
		s.fill(f, piece, line)
	}
	for _, piece := range pieces {
		s.curve(f, piece, line)
	}
	s.extremes(f, p, line, max(decimals, 1))
	last := p.Points[len(p.Points)-1]
	value := number(last.Mean, max(decimals, 1))
	if p.Unit != "" {
		value += " " + p.Unit
	}
	if f.to.Sub(last.At) > 2*gap(p.Points) {
		value += last.At.In(f.to.Location()).Format(" at 15:04")
	}
	s.text(s.letters.bold, Width-right, base, value, s.theme.ink, end)
}

// gap is how far apart two points are that are not one piece of time: clearly
// more than usual for the series.
func gap(points []bot.Point) time.Duration {
	var steps []time.Duration
	for i := 1; i < len(points); i++ {
		steps = append(steps, points[i].At.Sub(points[i-1].At))
	}
	if len(steps) == 0 {
		return time.Hour
	}
	slices.Sort(steps)
	return steps[len(steps)/2] * 5 / 2
}

// split cuts the points where there are none for longer than the gap.
func split(points []bot.Point, gap time.Duration) (pieces [][]bot.Point) {
	begin := 0
	for i := 1; i <= len(points); i++ {
		if i == len(points) || points[i].At.Sub(points[i-1].At) > gap {
			pieces = append(pieces, points[begin:i])
			begin = i
		}
	}
	return pieces
}

// extremes marks the least and the greatest value.
func (s *sheet) extremes(f frame, p Panel, line color.RGBA, decimals int) {
	low, high := p.Points[0], p.Points[0]
	for _, q := range p.Points {
		if q.Min < low.Min {
			low = q
		}
		if q.Max > high.Max {
			high = q
		}
	}
	if number(low.Min, decimals) == number(high.Max, decimals) {
		return
	}
	const above, below = -13, 28 // from the value to the base line of its label
	s.mark(f, high.At, high.Max, above, number(high.Max, decimals), line)
	s.mark(f, low.At, low.Min, below, number(low.Min, decimals), line)
}

// mark puts a dot at a value, and the value above or below it. On the edge of a
// scale that cannot be wider, such as at 0 %, it stands on the other side.
func (s *sheet) mark(f frame, at time.Time, v float64, offset int, label string, line color.RGBA) {
	x, y := f.x(at), f.y(v)
	s.dot(x, y, 7, s.theme.paper)
	s.dot(x, y, 5, line)
	half := s.width(s.letters.small, label)/2 + 2
	tx := min(max(int(x), f.area.Min.X+half), f.area.Max.X-half)
	ty := int(y) + offset
	if ty > f.area.Max.Y-2 || ty-16 < f.area.Min.Y {
		ty = int(y) + 15 - offset
	}
	s.halo(s.letters.small, tx, ty, label, s.theme.ink)
}

// scale is the bounds of a panel's axis, and the distance of its lines, when the
// plot is so many pixels high.
func scale(p Panel, height int) (least, most, step float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, q := range p.Points {
		low, high = min(low, q.Min), max(high, q.Max)
	}
	if low > high {
		return 0, 1, 1
	}
	least, most = low, high
	if p.Low == p.Low {
		least = min(least, p.Low)
	}
	if p.High == p.High {
		most = max(most, p.High)
	}
	span := p.Span
	if span <= 0 {
		span = max(math.Abs(high)/100, 1e-9)
	}
	if short := span - (most - least); short > 0 {
		if least != p.Low {
			least -= short / 2
		}
		most = least + span
	}
	lines := float64(height) / lineGap
	step = nice((most - least) / lines)
	least, most = math.Floor(least/step+1e-9)*step, math.Ceil(most/step-1e-9)*step
	// What is marked needs room, where the scale may have it.
	pixel := (most - least) / float64(height)
	if most-high < labelGap*pixel && most != p.High {
		most += step
	}
	if low-least < labelGap*pixel && least != p.Low {
		least -= step
	}
	// Nothing is measured there: no memory is less than empty, no disk fuller
	// than full.
	if low >= 0 {
		least = max(least, 0)
	}
	if p.Unit == "%" && high <= 100 {
		most = min(most, 100)
	}
	return least, most, step
}

// nice is the least number of the form 1, 2 or 5 times a power of ten that is not
// below v.
func nice(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if v <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}

// precision is how many decimals a step needs.
func precision(step float64) int {
	for d := range 6 {
		scaled := step * math.Pow(10, float64(d))
		if math.Abs(scaled-math.Round(scaled)) < 1e-6*scaled {
			return d
		}
	}
	return 6
}

// number is a value in short: thousands by their letter, no "-0".
func number(v float64, decimals int) string {
	suffix := ""
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
		if math.Abs(v) >= u.size {
			by := u.size
			if u.name == "k" {
				by = 1e3
			}
			v, suffix, decimals = v/by, u.name, 1
			break
		}
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if f, _ := strconv.ParseFloat(text, 64); f == 0 {
		text = strconv.FormatFloat(0, 'f', decimals, 64)
	}
	return text + suffix
}
