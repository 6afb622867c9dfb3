package render

import (
	"testing"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// The shortcut must agree with the segmentation it saves.
func TestLettersThatStandJoinNoSimpleOnes(t *testing.T) {
	var simples []rune
	for r := rune(0x20); r < 0x20000; r++ {
		if simple(r) && !hidden(r) && (r < 0x600 || r%97 == 0 || r == 0xfffd) {
			simples = append(simples, r)
		}
	}
	for r := rune(0x20); r < 0x20000; r++ {
		if !stands(r) || hidden(r) {
			continue
		}
		for _, before := range []rune{simples[int(r)%len(simples)], 'a', '日', '©', '㊗', 0xfffd} {
			pair := string([]rune{before, r})
			if first := graphemes.FromString(pair).First(); first == pair {
				t.Fatalf("%U joins %U", r, before)
			}
		}
	}
	for _, before := range simples {
		if pair := string([]rune{before, 'x'}); graphemes.FromString(pair).First() == pair {
			t.Fatalf("x joins %U", before)
		}
	}
}

func TestColumnsOfCharacters(t *testing.T) {
	for r, want := range map[rune]int{'a': 1, 'é': 1, 'ж': 1, '日': 2, 'ア': 2, 'ｱ': 1, '한': 2, '😀': 2, '─': 1, '…': 1, '\u0301': 1, '\u200d': 1, 0xfffd: 1, '❤': 1} {
		if got := columns(r); got != want {
			t.Errorf("columns(%U) = %d, want %d", r, got, want)
		}
	}
}
