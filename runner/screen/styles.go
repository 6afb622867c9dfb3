package screen

// style is Style in a form that is compared and hashed fast.
type style struct {
	fg, bg, line Colour
	attrs        uint32
}

const (
	bold uint32 = 1 << iota
	dim
	italic
	underline
	blink
	reverse
	hidden
	strike
)

func (s style) public() Style {
	return Style{
		Fg: s.fg, Bg: s.bg, UnderlineColor: s.line,
		Bold: s.attrs&bold != 0, Dim: s.attrs&dim != 0, Italic: s.attrs&italic != 0,
		Underline: s.attrs&underline != 0, Blink: s.attrs&blink != 0, Reverse: s.attrs&reverse != 0,
		Hidden: s.attrs&hidden != 0, Strike: s.attrs&strike != 0,
	}
}

// maxStyles bounds how many different styles are known at once. A picture in
// true colour on a large screen takes some ten thousand.
const maxStyles = 1 << 15

// styles gives each style in use an index. Index 0 is the default style.
// Indices stay the same until they are swept.
type styles struct {
	list  []style
	free  []uint32
	slots []uint32 // open addressing: index+1 of list, 0 is empty; a power of two
	held  int      // slots taken
}

func newStyles() styles { return styles{list: make([]style, 1, 16)} }

func (s style) hash() uint32 {
	h := uint64(s.fg)*0x9e3779b97f4a7c15 ^ uint64(s.bg)*0xc2b2ae3d27d4eb4f ^ uint64(s.line)*0x165667b19e3779f9 ^ uint64(s.attrs)<<17
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return uint32(h >> 32)
}

// intern gives a style's index; ok is false when there is no room.
func (t *styles) intern(st style) (index uint32, ok bool) {
	if st == (style{}) {
		return 0, true
	}
	if t.held*2 >= len(t.slots) {
		t.rehash(max(64, len(t.slots)*2))
	}
	mask := uint32(len(t.slots) - 1)
	at := st.hash() & mask
	for t.slots[at] != 0 {
		if i := t.slots[at] - 1; t.list[i] == st {
			return i, true
		}
		at = (at + 1) & mask
	}
	switch {
	case len(t.free) > 0:
		index = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.list[index] = st
	case len(t.list) < maxStyles:
		index = uint32(len(t.list))
		t.list = append(t.list, st)
	default:
		return 0, false
	}
	t.slots[at] = index + 1
	t.held++
	return index, true
}

// rehash builds the slots anew. Free places hold the zero style.
func (t *styles) rehash(size int) {
	t.slots, t.held = make([]uint32, size), 0
	mask := uint32(size - 1)
	for i, st := range t.list {
		if i == 0 || st == (style{}) {
			continue
		}
		at := st.hash() & mask
		for t.slots[at] != 0 {
			at = (at + 1) & mask
		}
		t.slots[at] = uint32(i) + 1
		t.held++
	}
}

// room is how many styles may still come.
func (t *styles) room() int { return maxStyles - len(t.list) + len(t.free) }

// sweep frees what is not marked.
func (t *styles) sweep(marked []bool) {
	t.free = t.free[:0]
	for i := range t.list {
		if i > 0 && !marked[i] {
			t.list[i] = style{}
			t.free = append(t.free, uint32(i))
		}
	}
	t.rehash(max(64, len(t.slots)))
}
