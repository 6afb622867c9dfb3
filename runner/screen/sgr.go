package screen

// sgr sets the pen by the parameters of a CSI m.
func (s *Screen) sgr() {
	q := &s.parser
	pen := s.pen
	for i := 0; i < q.count(); {
		n := max(q.params[i], 0)
		end := i + 1 // of the parameters that belong to this one by colons
		for end < q.count() && q.colon&(1<<end) != 0 {
			end++
		}
		switch {
		case n == 38 || n == 48 || n == 58:
			c, next, ok := s.colour(i, end)
			if ok {
				switch n {
				case 38:
					pen.fg = c
				case 48:
					pen.bg = c
				default:
					pen.line = c
				}
			}
			end = next
		case n == 4 && end > i+1:
			pen.attrs &^= underline
			if q.params[i+1] != 0 {
				pen.attrs |= underline
			}
		case end == i+1:
			pen.set(int(n))
		}
		i = end
	}
	if pen != s.pen {
		s.pen = pen
		s.penChanged()
	}
}

// set takes a parameter that stands for itself.
func (p *style) set(n int) {
	switch {
	case n >= 30 && n <= 37:
		p.fg = Palette(uint8(n - 30))
		return
	case n >= 40 && n <= 47:
		p.bg = Palette(uint8(n - 40))
		return
	case n >= 90 && n <= 97:
		p.fg = Palette(uint8(n - 90 + 8))
		return
	case n >= 100 && n <= 107:
		p.bg = Palette(uint8(n - 100 + 8))
		return
	}
	switch n {
	case 0:
		*p = style{}
	case 1:
		p.attrs |= bold
	case 2:
		p.attrs |= dim
	case 3:
		p.attrs |= italic
	case 4, 21:
		p.attrs |= underline
	case 5, 6:
		p.attrs |= blink
	case 7:
		p.attrs |= reverse
	case 8:
		p.attrs |= hidden
	case 9:
		p.attrs |= strike
	case 22:
		p.attrs &^= bold | dim
	case 23:
		p.attrs &^= italic
	case 24:
		p.attrs &^= underline
	case 25:
		p.attrs &^= blink
	case 27:
		p.attrs &^= reverse
	case 28:
		p.attrs &^= hidden
	case 29:
		p.attrs &^= strike
	case 39:
		p.fg = 0
	case 49:
		p.bg = 0
	case 59:
		p.line = 0
	}
}

// colour reads the colour after the parameter i (38, 48 or 58), of which
// [i,end) belong together by colons: 5 and an index, or 2, with colons
// perhaps a colour space, and three parts. next is the parameter after it.
func (s *Screen) colour(i, end int) (c Colour, next int, ok bool) {
	q := &s.parser
	colons := end > i+1
	if !colons {
		end = q.count()
	}
	p := q.params[i+1 : end]
	if len(p) == 0 {
		return 0, end, false
	}
	switch {
	case p[0] == 5 && len(p) >= 2:
		c, next, ok = Palette(uint8(p[1])), i+3, p[1] <= 255
		if p[1] < 0 {
			c = Palette(0)
		}
	case p[0] == 2 && len(p) >= 4:
		v := p[1:4]
		if colons && len(p) >= 5 {
			v = p[2:5]
		}
		part := func(n int32) uint8 { return uint8(max(n, 0)) }
		c, next = RGB(part(v[0]), part(v[1]), part(v[2])), i+5
		ok = max(v[0], v[1], v[2]) <= 255
	default:
		next = i + 2
		if p[0] == 5 || p[0] == 2 {
			next = end // cut short
		}
	}
	if colons {
		next = end
	}
	return c, next, ok
}
