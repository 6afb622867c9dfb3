package screen

import "slices"

// coder reads or writes the fields of a state: one list of them, so that the
// two can not differ.
type coder interface {
	integer(v *int, limit int) // 0 <= v <= limit
	text(v *[]byte, limit int)
	look(v *style)
}

func (e *encoder) integer(v *int, _ int)   { e.number(*v) }
func (e *encoder) text(v *[]byte, _ int)   { e.bytes(*v) }
func (e *encoder) look(v *style)           { e.style(*v) }
func (d *decoder) integer(v *int, max int) { *v = d.upTo(max) }
func (d *decoder) look(v *style)           { *v = d.style() }
func (d *decoder) text(v *[]byte, limit int) {
	if *v = slices.Clone(d.bytes()); len(*v) > limit {
		d.bad, *v = true, nil
	}
}

func (e *encoder) state(s *Screen) { s.fields(e) }

func (d *decoder) state(s *Screen) {
	s.fields(d)
	if s.bottom <= s.top || s.cur == &s.alt && s.alt.rows == 0 || s.parser.n < 1 {
		d.bad = true
	}
	if s.sync.valid && s.sync.grid.rows == 0 || s.sync.open && !s.sync.valid {
		d.bad = true
	}
	if s.parser.state == deviceString && len(s.parser.text) == 0 {
		d.bad = true
	}
}

const maxPosition = 1<<31 - 1

// fields goes through all that a screen knows beside its cells.
func (s *Screen) fields(c coder) {
	alternate := s.cur == &s.alt
	flags(c, &alternate, &s.pending, &s.origin, &s.hidden, &s.blink, &s.insert, &s.noWrap, &s.reverse)
	if s.cur = &s.normal; alternate {
		s.cur = &s.alt
	}
	c.integer(&s.x, s.cols-1)
	c.integer(&s.y, s.rows-1)
	c.integer(&s.top, s.rows-1)
	c.integer(&s.bottom, s.rows)
	c.look(&s.pen)
	s.charset.fields(c)
	s.normal.saved.fields(c, s)
	s.alt.saved.fields(c, s)
	number(c, &s.last, 0x10ffff)
	number(c, &s.shape, int(CursorBar))
	for i := range s.tabs {
		flags(c, &s.tabs[i])
	}
	s.modes.fields(c)
	str(c, &s.title, maxTitle)
	list(c, &s.titles)
	s.paletteFields(c)
	s.sync.fields(c, s)
	s.parser.fields(c)
}

func (m *Modes) fields(c coder) {
	flags(c, &m.ApplicationCursor, &m.ApplicationKeypad, &m.BracketedPaste, &m.NewLine, &m.FocusEvents,
		&m.AlternateScroll, &m.ReverseScreen)
	number(c, &m.Mouse, int(MouseMotion))
	number(c, &m.MouseEncoding, int(MousePixels))
}

func (k *saved) fields(c coder, s *Screen) {
	c.integer(&k.x, maxCols)
	c.integer(&k.y, maxRows)
	flags(c, &k.given, &k.pending, &k.origin)
	c.look(&k.pen)
	k.charset.fields(c)
}

func (k *charset) fields(c coder) {
	flags(c, &k.graphic[0], &k.graphic[1], &k.graphic[2], &k.graphic[3])
	number(c, &k.active, 3)
	number(c, &k.single, 3)
}

func (s *Screen) paletteFields(c coder) {
	n := len(s.palette)
	c.integer(&n, 256)
	if _, writing := c.(*encoder); writing {
		for i := range 256 {
			if v, ok := s.palette[uint8(i)]; ok {
				index, value := i, int(v)
				c.integer(&index, 255)
				c.integer(&value, 1<<26)
			}
		}
		return
	}
	for range n {
		var index, value int
		c.integer(&index, 255)
		c.integer(&value, 1<<26)
		if s.palette == nil {
			s.palette = map[uint8]Colour{}
		}
		s.palette[uint8(index)] = Colour(value)
	}
}

// fields writes positions as how long ago they were.
func (y *synchronized) fields(c coder, s *Screen) {
	flags(c, &y.open, &y.valid, &y.alternate, &y.cursor.Visible, &y.cursor.Blink)
	c.integer(&y.cursor.Col, s.cols-1)
	c.integer(&y.cursor.Row, s.rows-1)
	number(c, &y.cursor.Shape, int(CursorBar))
	from, taken := 0, 0
	if y.open {
		from = s.ago(y.from)
	}
	if y.valid {
		taken = s.ago(y.taken)
	}
	c.integer(&from, maxPosition)
	c.integer(&taken, maxPosition)
	if _, writing := c.(*encoder); !writing {
		s.processed = maxPosition
		y.from, y.taken = s.processed-uint64(from), s.processed-uint64(taken)
	}
}

func (s *Screen) ago(position uint64) int {
	return int(min(s.processed-position, maxPosition))
}

func (q *parser) fields(c coder) {
	number(c, &q.state, int(states)-1)
	number(c, &q.private, 255)
	number(c, &q.inter, 255)
	number(c, &q.inters, 255)
	c.integer(&q.n, maxParams+1)
	for i := range q.count() {
		v := int(q.params[i]) + 1
		c.integer(&v, maxParam+1)
		q.params[i] = int32(v) - 1
	}
	low, high := q.colon&0xffff, q.colon>>16
	number(c, &low, 0xffff)
	number(c, &high, 0xffff)
	q.colon = high<<16 | low
	c.text(&q.text, maxString)
	c.integer(&q.length, maxSwallowed)
	partial := q.partial[:q.npartial]
	c.text(&partial, len(q.partial)-1)
	q.npartial = copy(q.partial[:], partial)
}

func flags(c coder, list ...*bool) {
	for _, flag := range list {
		v := 0
		if *flag {
			v = 1
		}
		c.integer(&v, 1)
		*flag = v == 1
	}
}

func number[T ~uint8 | ~int32 | ~uint32](c coder, v *T, limit int) {
	n := int(*v)
	c.integer(&n, limit)
	*v = T(n)
}

func str(c coder, v *string, limit int) {
	b := []byte(*v)
	c.text(&b, limit)
	*v = string(b)
}

func list(c coder, v *[]string) {
	n := len(*v)
	c.integer(&n, maxTitles)
	for len(*v) < n {
		*v = append(*v, "")
	}
	for i := range *v {
		str(c, &(*v)[i], maxTitle)
	}
}
