package screen

import "sort"

const (
	// blockRows and blockBytes bound a block, the unit in which memory of the
	// history is taken and used again.
	blockRows  = 128
	blockBytes = 1 << 16

	// historyLineBytes is how much memory a line of the history may take on
	// average before the oldest go early: a line of 80 columns in true colour
	// with a colour for each letter takes less.
	historyLineBytes = 512
)

// history is the encoded rows that have left the screen at its top.
type history struct {
	limit  int // rows
	count  int
	bytes  int
	first  int // row of the first block that is the oldest kept
	blocks []*block
	spare  *block
}

type block struct {
	number int // of its first row, counted since the history began
	buf    []byte
	ends   []uint32
}

// open gives the block that the next row goes to.
func (h *history) open() *block {
	if n := len(h.blocks); n > 0 {
		if b := h.blocks[n-1]; len(b.ends) < blockRows && len(b.buf) < blockBytes {
			return b
		}
	}
	b := h.spare
	if b == nil {
		b = &block{}
	}
	h.spare = nil
	if n := len(h.blocks); n > 0 {
		b.number = h.blocks[n-1].number + len(h.blocks[n-1].ends)
	}
	h.blocks = append(h.blocks, b)
	return b
}

// pushRow adds a row of a grid.
func (h *history) pushRow(r row, cells []cell, t *clusters) {
	b := h.open()
	before := len(b.buf)
	b.buf = appendRow(b.buf, r, cells, t)
	h.pushed(b, before)
}

// push adds an encoded row.
func (h *history) push(encoded []byte) {
	b := h.open()
	before := len(b.buf)
	b.buf = append(b.buf, encoded...)
	h.pushed(b, before)
}

func (h *history) pushed(b *block, before int) {
	b.ends = append(b.ends, uint32(len(b.buf)))
	h.count++
	h.bytes += len(b.buf) - before
	h.trim()
}

// trim drops the oldest rows that are too many.
func (h *history) trim() {
	for h.count > h.limit {
		h.first++
		h.count--
		if h.first == len(h.blocks[0].ends) {
			h.drop()
		}
	}
	for h.bytes > h.limit*historyLineBytes+blockBytes && len(h.blocks) > 1 {
		h.count -= len(h.blocks[0].ends) - h.first
		h.drop()
	}
}

// drop lets the first block go.
func (h *history) drop() {
	b := h.blocks[0]
	h.blocks = h.blocks[:copy(h.blocks, h.blocks[1:])]
	h.first = 0
	h.bytes -= len(b.buf)
	b.buf, b.ends, b.number = b.buf[:0], b.ends[:0], 0
	if cap(b.buf) <= 2*blockBytes {
		h.spare = b
	}
}

// pop takes the newest row away; it is valid until the next push.
func (h *history) pop() ([]byte, bool) {
	if h.count == 0 {
		return nil, false
	}
	b := h.blocks[len(h.blocks)-1]
	at := uint32(0)
	if len(b.ends) > 1 {
		at = b.ends[len(b.ends)-2]
	}
	encoded := b.buf[at:]
	b.ends = b.ends[:len(b.ends)-1]
	b.buf = b.buf[:at]
	h.bytes -= len(encoded)
	h.count--
	if len(b.ends) == 0 {
		h.blocks = h.blocks[:len(h.blocks)-1]
		if len(h.blocks) == 0 {
			h.first = 0
		}
	} else if h.count == 0 {
		*h = history{limit: h.limit}
	}
	return encoded, true
}

// row gives encoded row i, 0 being the oldest.
func (h *history) row(i int) []byte {
	number := h.blocks[0].number + h.first + i
	n := sort.Search(len(h.blocks), func(n int) bool { return h.blocks[n].number > number }) - 1
	return h.blocks[n].row(number - h.blocks[n].number)
}

func (b *block) row(i int) []byte {
	at := uint32(0)
	if i > 0 {
		at = b.ends[i-1]
	}
	return b.buf[at:b.ends[i]]
}

// each calls f with the rows, the oldest first.
func (h *history) each(f func(encoded []byte)) {
	first := h.first
	for _, b := range h.blocks {
		for i := first; i < len(b.ends); i++ {
			f(b.row(i))
		}
		first = 0
	}
}
