package bot

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// spooled is output of two streams in pieces.
type spooled []Chunk

func (s *spooled) print(stream Stream, data []byte) {
	from := int64(0)
	if n := len(*s); n > 0 {
		from = (*s)[n-1].From + int64(len((*s)[n-1].Data))
	}
	*s = append(*s, Chunk{From: from, Stream: stream, Data: data})
}

// However the output comes, its pictures are found whole, and everything else
// is text, byte by byte.
func TestTextAndPicturesOfOneOutputAreToldApart(t *testing.T) {
	jpg, png := drawn(t, ".jpg", 3), drawn(t, ".png", 5)
	words := [][]byte{[]byte("one\n"), []byte("\xff\xd8 is no picture\n"), []byte("\x89PNG is none\n"), []byte("two")}
	rapid.Check(t, func(t *rapid.T) {
		var out, text []byte
		var want [][]byte
		for range rapid.IntRange(1, 6).Draw(t, "parts") {
			switch i := rapid.IntRange(0, 5).Draw(t, "part"); i {
			case 4, 5:
				p := [][]byte{jpg, png}[i-4]
				out, want = append(out, p...), append(want, p)
			default:
				out, text = append(out, words[i]...), append(text, words[i]...)
			}
		}
		var chunks spooled
		var errors []byte
		for left := out; len(left) > 0; {
			// Standard error never stands within the signature of a picture here.
			n := min(rapid.IntRange(16, 4000).Draw(t, "piece"), len(left))
			n -= cutHead(left[:n])
			chunks.print(Stdout, left[:n])
			if left = left[n:]; rapid.Bool().Draw(t, "error") {
				chunks.print(Stderr, []byte("frame\n"))
				errors = append(errors, "frame\n"...)
			}
		}

		s := shots{scan: newScan(0)}
		var said, complained []byte
		pictures := map[int][]byte{}
		found := []shot{}
		for _, c := range chunks {
			found = append(found, s.look(c)...)
			for _, piece := range s.split(c) {
				switch {
				case piece.Stream == Stderr:
					complained = append(complained, piece.Data...)
				case piece.Picture > 0:
					pictures[piece.Picture] = append(pictures[piece.Picture], piece.Data...)
				default:
					said = append(said, piece.Data...)
				}
			}
		}
		if !bytes.Equal(said, text) || !bytes.Equal(complained, errors) {
			t.Errorf("the text is %q and %q, want %q and %q", said, complained, text, errors)
		}
		for i, p := range want {
			if !bytes.Equal(pictures[i+1], p) {
				t.Errorf("picture %d has %d bytes, want %d", i+1, len(pictures[i+1]), len(p))
			}
		}
		if len(found) != len(want) || slices.ContainsFunc(found, func(p shot) bool { return !p.whole || p.size != len(want[p.n-1]) }) {
			t.Errorf("found %v of %d", found, len(want))
		}
	})
}

func TestAPictureThatAGapHasCutIsNotJoinedToAnother(t *testing.T) {
	p := drawn(t, ".jpg", 3)
	n := int64(len(p))
	s := shots{scan: newScan(0)}
	s.look(Chunk{From: 0, Stream: Stdout, Data: p[:n/2]})
	found := s.look(Chunk{From: 10 * n, Stream: Stdout, Data: p[n/2:]})
	if len(found) != 1 || found[0].whole || found[0].Range != (Range{0, n / 2}) {
		t.Errorf("found %v", found)
	}
	if found = s.look(Chunk{From: 10*n + n - n/2, Stream: Stdout, Data: p}); len(found) != 1 || !found[0].whole || found[0].n != 2 {
		t.Errorf("then %v", found)
	}
}

// What an earlier daemon has put keeps its number, even when not all before it
// is kept any more.
func TestPicturesKeepTheirNumbersOverARestart(t *testing.T) {
	p := drawn(t, ".jpg", 3)
	n := int64(len(p))
	s := shots{scan: newScan(0), put: 5, putTo: 5 * n}
	if found := s.look(Chunk{From: 4 * n, Stream: Stdout, Data: slices.Concat(p, p)}); len(found) != 2 || found[1].n != 6 {
		t.Errorf("found %v", found)
	}
}

func TestAPictureThatHasBegunIsNotCut(t *testing.T) {
	for _, c := range []struct {
		end  string
		want int
	}{
		{"text", 0},
		{"text\xff", 1},
		{"text\xff\xd8", 2},
		{"text\xff\xd8\xff", 0},
		{"text\xff\xd8\xff\xff", 0},
		{"text\x89PNG\r\n\x1a", 7},
		{"text\x89PNG\r\n\x1a\n", 0},
		{"text\x89PNG\x89", 1},
		{"text\u0109", 0},
	} {
		if got := cutHead([]byte(c.end)); got != c.want {
			t.Errorf("%q: got %d, want %d", c.end, got, c.want)
		}
	}
}
