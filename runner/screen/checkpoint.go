package screen

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// ErrCheckpoint is what Restore returns for bytes that are no checkpoint, are
// damaged, or were made by another version: the screen is to be rebuilt from
// the output then.
var ErrCheckpoint = errors.New("no checkpoint of this version")

// checkpointMagic names the format and its version. It changes with any change
// of what follows, also of the widths: rows are stored as text.
const checkpointMagic = "chapi-screen-1\n"

// Checkpoint encodes the whole state, except for the answers that are pending:
// a screen that is restored goes on as this one would. The encoding is about
// as large as the text that is kept, checks itself, and is read by Restore of
// the same version only.
func (s *Screen) Checkpoint() []byte {
	s.sweepWait, s.clusterWait = 0, 0
	s.freeStyles()
	s.freeClusters()
	e := encoder{b: append(make([]byte, 0, s.history.bytes+s.cols*s.rows+4096), checkpointMagic...)}
	e.numbers(s.cols, s.rows, s.history.limit)
	e.styles(&s.styles)
	e.number(s.history.count)
	s.history.each(func(encoded []byte) { e.bytes(encoded) })
	e.grid(s, &s.normal.grid)
	e.grid(s, &s.alt.grid)
	e.grid(s, &s.sync.grid)
	e.state(s)
	return binary.LittleEndian.AppendUint32(e.b, crc32.ChecksumIEEE(e.b))
}

// Restore makes the screen of a checkpoint. It keeps nothing of b. The error
// is ErrCheckpoint.
func Restore(b []byte) (*Screen, error) {
	n := len(b) - 4
	if n < len(checkpointMagic) || string(b[:len(checkpointMagic)]) != checkpointMagic ||
		crc32.ChecksumIEEE(b[:n]) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, ErrCheckpoint
	}
	d := decoder{b: b[len(checkpointMagic):n]}
	cols, rows, limit := d.number(), d.number(), d.number()
	if c, r := bound(cols, rows); d.bad || c != cols || r != rows || limit > maxHistory {
		return nil, ErrCheckpoint
	}
	s := New(cols, rows, Options{History: limit})
	d.styles(&s.styles)
	for range d.upTo(limit) {
		if encoded := d.bytes(); d.row(s, encoded) {
			s.history.push(encoded)
		}
		if d.bad {
			return nil, ErrCheckpoint
		}
	}
	d.grid(s, &s.normal.grid)
	d.grid(s, &s.alt.grid)
	d.grid(s, &s.sync.grid)
	d.state(s)
	if d.bad || len(d.b) > 0 {
		return nil, ErrCheckpoint
	}
	s.penChanged()
	return s, nil
}

// encoder and decoder write and read the same things in the same order; what
// can be read and written by one function is in fields.go.
type encoder struct{ b []byte }

func (e *encoder) number(n int) { e.b = binary.AppendUvarint(e.b, uint64(n)) }

func (e *encoder) numbers(list ...int) {
	for _, n := range list {
		e.number(n)
	}
}

func (e *encoder) bytes(p []byte) {
	e.number(len(p))
	e.b = append(e.b, p...)
}

func (e *encoder) styles(t *styles) {
	e.number(len(t.list))
	for _, st := range t.list {
		e.style(st)
	}
}

func (e *encoder) style(st style) {
	e.numbers(int(st.fg), int(st.bg), int(st.line), int(st.attrs))
}

// grid writes the rows from top to bottom; a grid that is not there has none.
func (e *encoder) grid(s *Screen, g *grid) {
	e.number(g.rows)
	for y := range g.rows {
		r := *g.row(y)
		e.bytes(appendRow(nil, r, g.line(y)[:r.used], &s.clusters))
	}
}

type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) number() int {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > 1<<31-1 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return int(v)
}

// upTo reads a number that is at most limit.
func (d *decoder) upTo(limit int) int {
	n := d.number()
	if n > limit {
		d.bad = true
		return 0
	}
	return n
}

func (d *decoder) bytes() []byte {
	n := d.upTo(len(d.b))
	if n > len(d.b) {
		d.bad = true
		return nil
	}
	p := d.b[:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) styles(t *styles) {
	n := d.upTo(maxStyles)
	t.list, t.free = t.list[:0], nil
	for i := range n {
		st := d.style()
		if d.bad {
			break
		}
		t.list = append(t.list, st)
		if i > 0 && st == (style{}) {
			t.free = append(t.free, uint32(i))
		}
	}
	if len(t.list) == 0 || t.list[0] != (style{}) {
		t.list, t.free, d.bad = make([]style, 1), nil, true
	}
	size := 64
	for size < 4*len(t.list) {
		size *= 2
	}
	t.rehash(size)
}

func (d *decoder) style() style {
	return style{fg: Colour(d.number()), bg: Colour(d.number()), line: Colour(d.number()), attrs: uint32(d.number())}
}

// row tells whether bytes are a row that fits.
func (d *decoder) row(s *Screen, encoded []byte) bool {
	r := readRow(encoded)
	known := int(r.row.fill.style()) < len(s.styles.list)
	for {
		_, _, index, more := r.next()
		if !more {
			break
		}
		known = known && int(index) < len(s.styles.list)
	}
	if !r.ok || !known || len(r.rest) > 0 || len(encoded) == 0 || int(r.row.used) > s.cols {
		d.bad = true
	}
	return !d.bad
}

func (d *decoder) grid(s *Screen, g *grid) {
	switch d.number() {
	case 0:
		*g = grid{}
		return
	case s.rows:
	default:
		d.bad = true
		return
	}
	*g = newGrid(s.cols, s.rows)
	for y := range s.rows {
		if encoded := d.bytes(); !d.bad && d.row(s, encoded) {
			s.load(g, y, encoded)
		}
	}
}
