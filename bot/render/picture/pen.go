package picture

import "math"

// pen draws shapes into one character's cells. Coordinates are pixels from the
// upper left corner.
type pen struct {
	width, height int
	stroke        int     // thickness of a light line
	cover         []uint8 // per pixel, 0 to 255
	face          *typeface
}

// mask is the drawing in as many degrees as a picture has.
func (p *pen) mask() *mask {
	m := &mask{width: p.width, height: p.height, level: p.cover, top: p.height}
	for i, c := range p.cover {
		m.level[i] = uint8((int(c)*(levels-1) + 127) / 255)
		if y := i / p.width; m.level[i] > 0 {
			m.top, m.bottom = min(m.top, y), y+1
		}
	}
	return m
}

// rect covers a rectangle to a degree of 0 to 255.
func (p *pen) rect(x0, y0, x1, y1 int, degree uint8) {
	x0, x1 = max(x0, 0), min(x1, p.width)
	for y := max(y0, 0); y < min(y1, p.height); y++ {
		for x := x0; x < x1; x++ {
			p.cover[y*p.width+x] = degree
		}
	}
}

func (p *pen) fill(x0, y0, x1, y1 int) { p.rect(x0, y0, x1, y1, 255) }

// frame draws a frame at some distance from the edges.
func (p *pen) frame(inset, thick int) {
	x0, y0, x1, y1 := inset, 2*inset, p.width-inset, p.height-2*inset
	p.fill(x0, y0, x1, y0+thick)
	p.fill(x0, y1-thick, x1, y1)
	p.fill(x0, y0, x0+thick, y1)
	p.fill(x1-thick, y0, x1, y1)
}

// point is a corner of a polygon.
type point struct{ x, y float32 }

// polygon fills a shape; what lies outside of the cells is cut off.
func (p *pen) polygon(points ...point) {
	z := &p.face.raster
	z.Reset(p.width, p.height)
	z.MoveTo(points[0].x, points[0].y)
	for _, q := range points[1:] {
		z.LineTo(q.x, q.y)
	}
	z.ClosePath()
	p.face.pour(p)
}

// stripe draws a line of the pen's thickness between two points, and beyond
// them, so that it reaches over the edges of the cell.
func (p *pen) stripe(a, b point) {
	dx, dy := b.x-a.x, b.y-a.y
	length := float32(math.Hypot(float64(dx), float64(dy)))
	half := float32(p.stroke) / 2
	nx, ny := -dy/length*half, dx/length*half
	ex, ey := dx/length*half, dy/length*half
	p.polygon(point{a.x - ex + nx, a.y - ey + ny}, point{b.x + ex + nx, b.y + ey + ny},
		point{b.x + ex - nx, b.y + ey - ny}, point{a.x - ex - nx, a.y - ey - ny})
}

// arcSteps is how many straight pieces a quarter of an ellipse has; at these
// sizes nobody can tell it from a curve.
const arcSteps = 16

// arc gives points of an ellipse, between two angles in quarter turns.
func arc(centre point, rx, ry float32, from, to float64) []point {
	n := int(math.Abs(to-from)*arcSteps + 0.5)
	points := make([]point, 0, n+1)
	for i := 0; i <= n; i++ {
		s, c := math.Sincos((from + (to-from)*float64(i)/float64(n)) * math.Pi / 2)
		points = append(points, point{centre.x + rx*float32(c), centre.y + ry*float32(s)})
	}
	return points
}

// ring fills what lies between two ellipses.
func (p *pen) ring(centre point, rx, ry, thick float32, from, to float64) {
	points := arc(centre, rx, ry, from, to)
	points = append(points, arc(centre, rx-thick, ry-thick, to, from)...)
	p.polygon(points...)
}
