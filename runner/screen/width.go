package screen

import "sort"

// width gives the columns of a code point: 0 if it combines with what is
// before it, 1 or 2.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case r >= 0x4e00 && r <= 0x9fff, r >= 0xac00 && r <= 0xd7a3:
		return 2
	case r >= 0x2500 && r <= 0x259f:
		return 1
	case in(zeroWidth, r):
		return 0
	case in(doubleWidth, r):
		return 2
	}
	return 1
}

func in(ranges [][2]rune, r rune) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i][1] >= r })
	return i < len(ranges) && ranges[i][0] <= r
}
