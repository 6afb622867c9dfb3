package replay

import (
	"errors"
	"io"
	"testing"
	"time"

	"chapi/bot"
)

// pieces is a source in memory.
type pieces []piece

type piece struct {
	data string
	at   time.Duration
	size bot.Size
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (p *pieces) Next() ([]byte, time.Time, bot.Size, error) {
	if len(*p) == 0 {
		return nil, time.Time{}, bot.Size{}, io.EOF
	}
	first := (*p)[0]
	*p = (*p)[1:]
	return []byte(first.data), start.Add(first.at), first.size, nil
}

func TestPausesAreSqueezedAndTimeNeverGoesBack(t *testing.T) {
	c := Clock{Idle: time.Second}
	for i, step := range []struct{ at, want time.Duration }{
		{0, 0}, {300 * time.Millisecond, 300 * time.Millisecond}, {10 * time.Hour, 1300 * time.Millisecond},
		{9 * time.Hour, 1300 * time.Millisecond}, {10*time.Hour + time.Second, 2300 * time.Millisecond},
	} {
		if got := c.At(start.Add(step.at)); got != step.want {
			t.Errorf("step %d is at %v, want %v", i, got, step.want)
		}
	}
}

func TestAPlayerShowsTheScreenAtAnyTime(t *testing.T) {
	source := func() *pieces {
		return &pieces{
			{"one", 0, bot.Size{Cols: 20, Rows: 5}}, {"\r\ntwo", time.Second, bot.Size{}},
			{"", 2 * time.Second, bot.Size{Cols: 30, Rows: 6}}, {"\r\nthree", time.Minute, bot.Size{}},
		}
	}
	extent, err := Measure(source(), time.Second)
	if want := (Extent{Length: 3 * time.Second, Pieces: 4, Largest: bot.Size{Cols: 30, Rows: 6}}); err != nil || extent != want {
		t.Fatalf("measured %+v, %v, want %+v", extent, err, want)
	}
	p := NewPlayer(source(), time.Second, extent.Pieces)
	for _, step := range []struct {
		until   time.Duration
		changed bool
		row     int
		want    string
		cols    int
	}{
		{0, true, 0, "one", 20}, {500 * time.Millisecond, false, 1, "", 20}, {time.Second, true, 1, "two", 20},
		{2 * time.Second, true, 2, "", 30}, {3 * time.Second, true, 2, "three", 30}, {time.Hour, false, 2, "three", 30},
	} {
		changed, err := p.Play(step.until)
		v := p.View()
		if changed != step.changed || v.Text(step.row) != step.want || v.Cols != step.cols {
			t.Errorf("at %v: %v, row %d %q, %d columns; want %+v", step.until, changed, step.row, v.Text(step.row), v.Cols, step)
		}
		if ended := errors.Is(err, io.EOF); ended != (step.until >= 3*time.Second) {
			t.Errorf("at %v the error is %v", step.until, err)
		}
	}
}

func TestAPlayerPlaysNoMoreThanWasMeasured(t *testing.T) {
	p := NewPlayer(&pieces{{"a", 0, bot.Size{}}, {"b", 0, bot.Size{}}, {"c", 0, bot.Size{}}}, 0, 2)
	p.Play(time.Hour)
	if v := p.View(); v.Text(0) != "ab" || v.Cols != 80 || v.Rows != 24 {
		t.Errorf("the screen is %q of %dx%d, want ab of 80x24", v.Text(0), v.Cols, v.Rows)
	}
}

func TestASourceThatFailsIsNoEnd(t *testing.T) {
	if _, err := Measure(broken{}, 0); !errors.Is(err, errBroken) {
		t.Errorf("measuring: %v", err)
	}
	if _, err := NewPlayer(broken{}, 0, 0).Play(0); !errors.Is(err, errBroken) {
		t.Errorf("playing: %v", err)
	}
}

var errBroken = errors.New("the disk is gone")

type broken struct{}

func (broken) Next() ([]byte, time.Time, bot.Size, error) {
	return nil, time.Time{}, bot.Size{}, errBroken
}
