package screen

import (
	"bytes"
	"testing"
)

// FuzzScreen draws anything, in two parts and with a resize between them.
func FuzzScreen(f *testing.F) {
	for _, in := range inputs(f, 7) {
		f.Add(in[:min(len(in), 4000)], uint16(len(in)/2), uint16(40), uint16(10))
	}
	for _, piece := range pieces {
		f.Add([]byte(piece+"漢字\x1b[2;3HX"), uint16(1), uint16(3), uint16(2))
	}
	f.Fuzz(func(t *testing.T, in []byte, cut, cols, rows uint16) {
		at := min(int(cut), len(in))
		s := New(20, 5, Options{History: 50})
		s.Write(in[:at])
		check(t, s)
		other, err := Restore(s.Checkpoint())
		if err != nil {
			t.Fatal(err)
		}
		s.Answers()
		for _, s := range []*Screen{s, other} {
			s.Resize(int(cols)%200, int(rows)%60)
			check(t, s)
			s.Write(in[at:])
			check(t, s)
		}
		same(t, s, other)
		s.Write([]byte("\x18\x1bcgood"))
		if got := s.View().Text(0); got != "good"[:min(4, s.cols)] && s.cols >= 4 {
			t.Errorf("after a reset: %q", got)
		}
	})
}

// FuzzRestore reads anything as a checkpoint.
func FuzzRestore(f *testing.F) {
	for _, in := range inputs(f, 8) {
		s := New(20, 5, Options{History: 50})
		s.Write(in)
		f.Add(s.Checkpoint())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !bytes.HasPrefix(b, []byte(checkpointMagic)) || len(b) < len(checkpointMagic)+4 {
			b = append([]byte(checkpointMagic), append(b, 0, 0, 0, 0)...)
		}
		useForged(t, sealed(b))
	})
}
