package storagetest

import (
	"fmt"
	"time"

	"chapi/bot"
)

// noon is an hour that is whole in every stretch of time.
var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// measure records a value at a time after noon.
func (s store) measure(series string, after time.Duration, value float64) {
	s.Helper()
	s.must(s.Record(s.Context(), []bot.Sample{{Series: series, At: noon.Add(after), Value: value}}))
}

// points is what is kept of a series around noon.
func (s store) points(series string, step time.Duration) []bot.Point {
	s.Helper()
	points, err := s.Range(s.Context(), series, noon.Add(-time.Hour), noon.Add(24*time.Hour), step)
	s.must(err)
	return points
}

func point(after time.Duration, least, mean, most float64) bot.Point {
	return bot.Point{At: noon.Add(after), Min: least, Mean: mean, Max: most}
}

var seriesRules = []rule{
	{"a sample is kept by its minute, and of several in a minute the last counts", func(s store) {
		s.measure("temp", 0, 40)
		s.measure("temp", 90*time.Second, 41)
		s.measure("temp", 119*time.Second, 42.5)
		s.measure("load", 0, 1)
		s.same("temp", s.points("temp", time.Minute), []bot.Point{point(0, 40, 40, 40), point(time.Minute, 42.5, 42.5, 42.5)})
		s.same("a series that is not there", s.points("none", time.Minute), []bot.Point(nil))
	}},

	{"a range has its beginning and not its end, and gaps stay gaps", func(s store) {
		for _, m := range []time.Duration{0, 1, 2, 5} {
			s.measure("temp", m*time.Minute, float64(m))
		}
		got, err := s.Range(s.Context(), "temp", noon.Add(time.Minute), noon.Add(5*time.Minute), time.Minute)
		s.must(err)
		s.same("points", got, []bot.Point{point(time.Minute, 1, 1, 1), point(2*time.Minute, 2, 2, 2)})
	}},

	{"the samples of a step are taken together: least, mean and most", func(s store) {
		for i, v := range []float64{1, 2, 6, 10} {
			s.measure("load", time.Duration(i)*2*time.Minute, v)
		}
		s.same("steps of five minutes", s.points("load", 5*time.Minute), []bot.Point{point(0, 1, 3, 6), point(5*time.Minute, 10, 10, 10)})
	}},

	{"thinning keeps least, mean and most, and nothing twice", func(s store) {
		for m := range 120 {
			s.measure("temp", time.Duration(m)*time.Minute, float64(m))
		}
		hours := []bot.Point{point(0, 0, 29.5, 59), point(time.Hour, 60, 89.5, 119)}
		s.same("before", s.points("temp", time.Hour), hours)
		const keep = 100 * 24 * time.Hour
		for _, later := range []time.Duration{49, 60, 60, 24 * 40, 24 * 40} {
			s.must(s.Thin(s.Context(), noon.Add(later*time.Hour), keep))
			s.same(fmt.Sprintf("hours after %d h", later), s.points("temp", time.Hour), hours)
			if n := len(s.points("temp", time.Minute)); later == 60 && n != 12 {
				s.Fatalf("after %d h there are %d points, want 12 of ten minutes", later, n)
			}
		}
		s.same("what is left", s.points("temp", time.Minute), hours)
	}},

	{"thinning again what came late adds to what is there", func(s store) {
		s.measure("temp", 0, 10)
		s.must(s.Thin(s.Context(), noon.Add(72*time.Hour), 100*24*time.Hour))
		s.measure("temp", time.Minute, 20)
		s.same("before", s.points("temp", 10*time.Minute), []bot.Point{point(0, 10, 15, 20)})
		s.must(s.Thin(s.Context(), noon.Add(72*time.Hour), 100*24*time.Hour))
		s.same("after", s.points("temp", time.Minute), []bot.Point{point(0, 10, 15, 20)})
	}},

	{"young samples are not thinned, and those past their time are gone with their series", func(s store) {
		s.measure("old", 0, 1)
		s.measure("new", 47*time.Hour, 2)
		s.must(s.Thin(s.Context(), noon.Add(49*time.Hour), 24*time.Hour))
		names, err := s.Names(s.Context())
		s.must(err)
		s.same("names", names, []string{"new"})
		got, err := s.Range(s.Context(), "new", noon, noon.Add(48*time.Hour), time.Minute)
		s.must(err)
		s.same("the new one", got, []bot.Point{point(47*time.Hour, 2, 2, 2)})
	}},

	{"the latest is the newest of each series, by name, if it is young enough", func(s store) {
		s.measure("temp", 0, 1)
		s.measure("temp", time.Minute, 2)
		s.measure("load", 0, 3)
		s.measure("stale", -time.Hour, 4)
		got, err := s.Latest(s.Context(), noon)
		s.must(err)
		s.same("latest", got, []bot.Sample{
			{Series: "load", At: noon, Value: 3},
			{Series: "temp", At: noon.Add(time.Minute), Value: 2},
		})
	}},

	{"there are at most so many series; those that are there go on", func(s store) {
		for n := range bot.MaxSeries {
			s.measure(fmt.Sprintf("s%d", n), 0, 1)
		}
		err := s.Record(s.Context(), []bot.Sample{{Series: "s0", At: noon, Value: 9}, {Series: "one-more", At: noon, Value: 2}})
		s.wantErr(err, bot.ErrTooMany)
		s.same("all or nothing", s.points("s0", time.Minute), []bot.Point{point(0, 1, 1, 1)})
		s.measure("s0", time.Minute, 3)
	}},

	{"what is no name or no number is not recorded", func(s store) {
		zero := 0.0
		for _, sample := range []bot.Sample{
			{Series: "a b", Value: 1}, {Series: "", Value: 1}, {Series: "Temp", Value: 1},
			{Series: "nan", Value: zero / zero}, {Series: "inf", Value: 1 / zero},
		} {
			sample.At = noon
			if s.Record(s.Context(), []bot.Sample{sample}) == nil {
				s.Errorf("%+v was recorded", sample)
			}
		}
	}},
}
