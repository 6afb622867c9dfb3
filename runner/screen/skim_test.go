package screen

import (
	"fmt"
	"math/rand"
	"slices"
	"testing"
)

// flooding is a flood as programs make it, sometimes with what cannot be skimmed in
// it.
func flooding(r *rand.Rand, n int) []byte {
	words := []string{"word ", "漢字", "e\u0301", "\U0001f600", "\t", "\b", "\a", "\x1b[1;31m", "\x1b[0m", "\x1b[m", "\x1b[K", "\x1b[7m", "\x1b[38;5;200m", "\x1b[4;44m", "\r", "\xff"}
	rare := []string{"\x1b[38;2;1;2;3m", "\x1b[5b", "\x0e", "\x1b[2J", "\x1b]133;A\a", "\x1b[3;10r", "\x1b[?1049h", "\x1b[?1049l", "\x1b(0", "\x1bN"}
	var b []byte
	for len(b) < n {
		for range r.Intn(8) {
			b = append(b, words[r.Intn(len(words))]...)
		}
		if r.Intn(4000) == 0 {
			b = append(b, rare[r.Intn(len(rare))]...)
		}
		b = append(b, "\r\n"[r.Intn(20)/19:]...)
	}
	return b
}

func TestWhatIsSkimmedIsNotSeen(t *testing.T) {
	skimmed := 0
	for seed := range int64(40) {
		r := rand.New(rand.NewSource(seed))
		cols, rows, o := 2+r.Intn(100), 1+r.Intn(40), Options{History: r.Intn(300)}
		before, flood := noise(r, r.Intn(300)), flooding(r, 20_000+r.Intn(60_000))
		if r.Intn(2) == 0 {
			before = append(before, "\x18\x1bc\x1b[1;32mtext"...)
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			drawn, whole := New(cols, rows, o), New(cols, rows, o)
			drawn.Write(before)
			whole.Write(before)
			for piece := range slices.Chunk(flood, skimLeast-1) {
				drawn.Write(piece)
			}
			for rest := flood; len(rest) > 0; { // again and again while it is drawn
				n := whole.Skim(rest)
				skimmed += n
				rest = rest[n:]
				n = min(len(rest), 5000)
				for piece := range slices.Chunk(rest[:n], skimLeast-1) {
					whole.Write(piece)
				}
				rest = rest[n:]
			}
			check(t, whole)
			same(t, whole, drawn)
			ends := "\x1b[3b end\r\n\x1b[K漢"
			whole.Write([]byte(ends))
			drawn.Write([]byte(ends))
			same(t, whole, drawn)
		})
	}
	if skimmed < 400_000 {
		t.Errorf("only %d bytes were skimmed", skimmed)
	}
}
