package bot

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
	"time"
)

// reel is a journal in memory: pieces with their times, and gaps.
type reel struct {
	data  []byte
	marks []Mark
	gap   Range // not kept
}

func (r *reel) add(at time.Time, data []byte) {
	r.marks = append(r.marks, Mark{At: int64(len(r.data)), Time: at})
	r.data = append(r.data, data...)
}

func (r *reel) Next(from int64, most int) (Chunk, error) {
	end := int64(len(r.data))
	if from >= r.gap.From && from < r.gap.To {
		from = r.gap.To
	}
	if from < r.gap.From {
		end = r.gap.From
	}
	to := min(from+int64(most), end)
	if from >= to {
		return Chunk{From: from}, nil
	}
	return Chunk{From: from, Stream: Stdout, Data: bytes.Clone(r.data[from:to])}, nil
}

func (r *reel) Marks(from int64, f func(Mark) bool) error {
	for i, m := range r.marks {
		if (i+1 == len(r.marks) || r.marks[i+1].At > from) && !f(m) {
			break
		}
	}
	return nil
}

func (r *reel) Extent() ([]Range, int64) { return nil, int64(len(r.data)) }
func (r *reel) Close() error             { return nil }

func sized(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// runsOf is how many pictures there are in each run of a journal.
func runsOf(t *testing.T, j *reel) (runs []int) {
	t.Helper()
	r := frameRun{}
	for {
		more, err := r.look(j, int64(len(j.data)))
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, r.total)
		if !more {
			return runs
		}
		r = frameRun{at: r.at}
	}
}

func TestARunOfPicturesEndsWithAPauseOrAnotherShape(t *testing.T) {
	t0 := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	small, large, png := sized(t, 16, 16), sized(t, 32, 16), drawn(t, ".png", 3)
	type piece struct {
		after time.Duration
		data  []byte
	}
	for _, c := range []struct {
		rule   string
		pieces []piece
		want   []int
	}{
		{"one after another", []piece{{0, small}, {time.Second, small}, {runGap, small}}, []int{3}},
		{"a pause", []piece{{0, small}, {time.Second, small}, {runGap + time.Millisecond, small}}, []int{2, 1}},
		{"another size", []piece{{0, small}, {0, large}, {0, large}}, []int{1, 2}},
		{"another kind", []piece{{0, small}, {0, png}, {0, small}}, []int{1, 1, 1}},
		{"what cannot be shown", []piece{{0, small}, {0, []byte("\xff\xd8\xff\xd9")}, {0, small}}, []int{2}},
		{"nothing", nil, []int{0}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			j, at := &reel{}, t0
			for _, p := range c.pieces {
				at = at.Add(p.after)
				j.add(at, p.data)
			}
			got := runsOf(t, j)
			if len(got) != len(c.want) {
				t.Fatalf("got runs of %v, want %v", got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("got runs of %v, want %v", got, c.want)
				}
			}
		})
	}
}

// Output is read in pieces, which may end within the first bytes of a picture.
func TestAPictureIsFoundWhereverItIsCutForReading(t *testing.T) {
	p := sized(t, 16, 16)
	for before := readSize - 12; before < readSize+2; before++ {
		j := &reel{}
		j.add(time.Unix(1e9, 0), make([]byte, before))
		j.add(time.Unix(1e9, 0), p)
		if got := runsOf(t, j); len(got) != 1 || got[0] != 1 {
			t.Errorf("behind %d bytes: %v", before, got)
		}
	}
}

func TestAPictureThatIsNotKeptAsAWholeIsNone(t *testing.T) {
	p, j := sized(t, 16, 16), &reel{}
	for range 5 {
		j.add(time.Unix(1e9, 0), p)
	}
	n := int64(len(p))
	for _, gap := range []Range{{n + n/2, 2*n + n/2}, {n - 3, 2*n + 3}, {n + 4, 3*n - 4}} {
		j.gap = gap
		r := frameRun{}
		if _, err := r.look(j, 5*n); err != nil {
			t.Fatal(err)
		}
		for _, f := range r.frames {
			data, err := f.read(j)
			if err != nil || !bytes.Equal(data, p) {
				t.Errorf("with %v missing, there is a picture at %v that is not one", gap, f.Range)
			}
		}
		if r.total == 0 || r.last().To != 5*n {
			t.Errorf("with %v missing, the last picture is not found", gap)
		}
	}
}

func TestOfALongRunTheNewestPicturesAreKnown(t *testing.T) {
	p, j := sized(t, 8, 8), &reel{}
	for i := range runMost + 20 {
		j.add(time.Unix(1e9, int64(i)*1e7), p)
	}
	r := frameRun{}
	if _, err := r.look(j, int64(len(j.data))); err != nil {
		t.Fatal(err)
	}
	if len(r.frames) != runMost || r.total != runMost+20 || r.last().To != int64(len(j.data)) {
		t.Errorf("%d of %d are known, the last ends at %d of %d", len(r.frames), r.total, r.last().To, len(j.data))
	}
}

func TestAClipRunsAsLongAsItsPicturesTookWithinBounds(t *testing.T) {
	for _, c := range []struct {
		n    int
		took time.Duration
		want time.Duration
	}{
		{41, 4 * time.Second, 4100 * time.Millisecond},
		{10, 0, time.Second},
		{100, 0, 5 * time.Second},
		{10, 25 * time.Second, 10 * time.Second},
		{1200, 20 * time.Minute, time.Minute},
		{5000, 0, time.Minute},
	} {
		frames := make([]frame, c.n)
		frames[c.n-1].at = frames[0].at.Add(c.took)
		got := time.Duration(float64(c.n) / clipRate(frames) * float64(time.Second)).Round(time.Millisecond)
		if got != c.want {
			t.Errorf("%d pictures in %v become a clip of %v, want %v", c.n, c.took, got, c.want)
		}
	}
}
