package picture

// weight of a line's arm.
type arm = int

const (
	none arm = iota
	light
	heavy
	double
)

// arms are the lines from the middle of U+2500 to U+257F to the left, up, right
// and down edges: 1 light, 2 heavy, 3 double. Blank ones are drawn otherwise.
var arms = [128]string{
	"1010", "2020", "0101", "0202", "", "", "", "", "", "", "", "", "0011", "0021", "0012", "0022", // 2500
	"1001", "2001", "1002", "2002", "0110", "0120", "0210", "0220", "1100", "2100", "1200", "2200", "0111", "0121", "0211", "0112", // 2510
	"0212", "0221", "0122", "0222", "1101", "2101", "1201", "1102", "1202", "2201", "2102", "2202", "1011", "2011", "1021", "2021", // 2520
	"1012", "2012", "1022", "2022", "1110", "2110", "1120", "2120", "1210", "2210", "1220", "2220", "1111", "2111", "1121", "2121", // 2530
	"1211", "1112", "1212", "2211", "1221", "2112", "1122", "2221", "2122", "2212", "1222", "2222", "", "", "", "", // 2540
	"3030", "0303", "0031", "0013", "0033", "3001", "1003", "3003", "0130", "0310", "0330", "3100", "1300", "3300", "0131", "0313", // 2550
	"0333", "3101", "1303", "3303", "3031", "1013", "3033", "3130", "1310", "3330", "3131", "1313", "3333", "", "", "", // 2560
	"", "", "", "", "1000", "0100", "0010", "0001", "2000", "0200", "0020", "0002", "1020", "0102", "2010", "0201", // 2570
}

// box draws U+2500 to U+257F, box drawing.
func (p *pen) box(r rune) bool {
	w, h := float32(p.width), float32(p.height)
	switch {
	case arms[r-0x2500] != "":
		p.cross(arms[r-0x2500])
	case r >= 0x2504 && r <= 0x250b:
		i := int(r - 0x2504)
		p.dashes(3+i/4, i%4 >= 2, i%2 == 1)
	case r >= 0x254c && r <= 0x254f:
		i := int(r - 0x254c)
		p.dashes(2, i >= 2, i%2 == 1)
	case r == 0x256d:
		p.corner(1, 1)
	case r == 0x256e:
		p.corner(-1, 1)
	case r == 0x256f:
		p.corner(-1, -1)
	case r == 0x2570:
		p.corner(1, -1)
	}
	if r == 0x2571 || r == 0x2573 {
		p.stripe(point{0, h}, point{w, 0})
	}
	if r == 0x2572 || r == 0x2573 {
		p.stripe(point{0, 0}, point{w, h})
	}
	return true
}

// thickness of an arm in pixels; that of a double one with its gap. All are odd
// or all are even, so that they share a middle.
func (p *pen) thickness(a arm) int {
	switch a {
	case light:
		return p.stroke
	case heavy:
		return p.stroke + 2*max(1, p.stroke/2)
	case double:
		return 3 * p.stroke
	}
	return 0
}

// cross draws arms from the edges to the middle. Double ones are drawn as thick
// as both lines, and then what lies between is taken out.
func (p *pen) cross(code string) {
	left, up, right, down := arm(code[0]-'0'), arm(code[1]-'0'), arm(code[2]-'0'), arm(code[3]-'0')
	w, h := p.width, p.height
	across := max(p.thickness(up), p.thickness(down)) // of the vertical line
	along := max(p.thickness(left), p.thickness(right))
	x0, x1 := middle(w, across)
	y0, y1 := middle(h, along)
	horizontal := func(a arm, from, to int) {
		if a != none {
			top, bottom := middle(h, p.thickness(a))
			p.fill(from, top, to, bottom)
		}
	}
	vertical := func(a arm, from, to int) {
		if a != none {
			l, r := middle(w, p.thickness(a))
			p.fill(l, from, r, to)
		}
	}
	horizontal(left, 0, x1)
	horizontal(right, x0, w)
	vertical(up, 0, y1)
	vertical(down, y0, h)

	gx0, gx1 := middle(w, p.stroke)
	gy0, gy1 := middle(h, p.stroke)
	if left == double {
		p.rect(0, gy0, gap(up, down, right, gx0, gx1), gy1, 0)
	}
	if right == double {
		p.rect(w-gap(up, down, left, w-gx1, w-gx0), gy0, w, gy1, 0)
	}
	if up == double {
		p.rect(gx0, 0, gx1, gap(left, right, down, gy0, gy1), 0)
	}
	if down == double {
		p.rect(gx0, h-gap(left, right, up, h-gy1, h-gy0), gx1, h, 0)
	}
}

// gap is how far from its edge a double arm is open: up to a single line that
// it ends at or that crosses it, else through the middle.
func gap(side, otherSide, opposite arm, near, far int) int {
	if side == double || otherSide == double {
		return far
	}
	crossed := side != none && otherSide != none
	if crossed || opposite != double && (side != none || otherSide != none) {
		return near
	}
	return far
}

// middle is where something of a size lies in the middle.
func middle(whole, size int) (from, to int) {
	from = (whole - size) / 2
	return from, from + size
}

// dashes draws a broken line of n pieces, with half a gap at both ends so that
// it goes on in the next cell.
func (p *pen) dashes(n int, vertical, thick bool) {
	size := p.thickness(light)
	if thick {
		size = p.thickness(heavy)
	}
	length, other := p.width, p.height
	if vertical {
		length, other = other, length
	}
	from, to := middle(other, size)
	for i := range n {
		a, b := i*length/n, (i+1)*length/n
		space := max(1, (b-a)/3)
		a, b = a+space/2, b-(space-space/2)
		if vertical {
			p.fill(from, a, to, b)
		} else {
			p.fill(a, from, b, to)
		}
	}
}

// corner draws a quarter of a circle that leads to the right (1) or left (-1)
// edge and to the lower (1) or upper (-1) one.
func (p *pen) corner(dx, dy int) {
	x0, x1 := middle(p.width, p.stroke)
	y0, y1 := middle(p.height, p.stroke)
	radius := p.width - x0 // of the outer edge
	centre := point{float32(p.width), float32(y0 + radius)}
	from := 2.0
	switch {
	case dx < 0 && dy > 0:
		radius = x1
		centre, from = point{0, float32(y0 + radius)}, 3
	case dx < 0 && dy < 0:
		radius = x1
		centre, from = point{0, float32(y1 - radius)}, 0
	case dy < 0:
		centre, from = point{float32(p.width), float32(y1 - radius)}, 1
	}
	p.ring(centre, float32(radius), float32(radius), float32(p.stroke), from, from+1)
	if dy > 0 {
		p.fill(x0, y0+radius, x1, p.height)
	} else {
		p.fill(x0, 0, x1, y1-radius)
	}
}
