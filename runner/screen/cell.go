package screen

import "unicode/utf8"

// cell is one column of the grid. The low half has a rune or the index of a
// cluster, and flags; the high half the index of a style. The zero value is a
// blank in the default style.
type cell uint64

const (
	cellValue   cell = 1<<21 - 1
	cellCluster cell = 1 << 21 // the value is an index of clusters, not a rune
	cellWide    cell = 1 << 22 // the left half of a wide character
	cellRight   cell = 1 << 23 // the right half of one; nothing else is set but the style
	cellGlyph   cell = 1<<32 - 1

	styleShift = 32
)

func (c cell) style() uint32 { return uint32(c >> styleShift) }

func styled(index uint32) cell { return cell(index) << styleShift }

// maxClusterBytes bounds a character with what combines with it. The longest
// in use, a flag of tag characters, has 28; endless accents on one letter are
// a prank.
const maxClusterBytes = 32

// maxClusters bounds how many different clusters are known at once: all cells
// of a large screen of an Indic script hold far fewer.
const maxClusters = 1 << 13

// clusters are the texts that do not fit in a cell. Their indices stay the
// same until they are swept.
type clusters struct {
	list []string // "" is a free place
	free []uint32
	find map[string]uint32
}

// intern gives the index of a text; ok is false when there is no room.
func (t *clusters) intern(text []byte) (index uint32, ok bool) {
	if i, known := t.find[string(text)]; known {
		return i, true
	}
	kept := string(text)
	switch {
	case len(t.free) > 0:
		index = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
		t.list[index] = kept
	case len(t.list) < maxClusters:
		index = uint32(len(t.list))
		t.list = append(t.list, kept)
	default:
		return 0, false
	}
	if t.find == nil {
		t.find = map[string]uint32{}
	}
	t.find[kept] = index
	return index, true
}

// room is how many texts may still come.
func (t *clusters) room() int { return maxClusters - len(t.list) + len(t.free) }

// sweep frees what is not marked.
func (t *clusters) sweep(marked []bool) {
	for i, text := range t.list {
		if text != "" && !marked[i] {
			delete(t.find, text)
			t.list[i] = ""
			t.free = append(t.free, uint32(i))
		}
	}
}

// appendText appends a cell's character as UTF-8; nothing for a blank or a
// right half.
func (t *clusters) appendText(b []byte, c cell) []byte {
	switch {
	case c&cellCluster != 0:
		return append(b, t.list[c&cellValue]...)
	case c&cellValue != 0:
		return utf8.AppendRune(b, rune(c&cellValue))
	}
	return b
}

// A printed ASCII character's text without an allocation.
const printable = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

func (t *clusters) text(c cell) string {
	v := c & cellValue
	switch {
	case c&cellCluster != 0:
		return t.list[v]
	case v == 0:
		return ""
	case v >= 0x20 && v < 0x7f:
		return printable[v-0x20 : v-0x1f]
	}
	return string(rune(v))
}
