package bot

import (
	"context"
	"regexp"
	"time"
)

// Sample is one value of a series: what was measured, or told by a program.
type Sample struct {
	// Series is a name as SeriesName wants it, such as "temp".
	Series string
	// At is kept by the minute: of several values in a minute the last counts.
	At time.Time
	// Value is a finite number; its unit belongs to the series.
	Value float64
}

// Point is the samples of a stretch of time taken together.
type Point struct {
	At             time.Time // where the stretch begins
	Min, Mean, Max float64
}

// Bounds of what is measured.
const (
	// MaxSeries is how many series there may be. With two years of hours kept
	// of each they take some 60 MB of disk at most.
	MaxSeries = 64
	// MaxSeriesName is how many characters the name of one may have: it has to
	// fit beside a value on a phone.
	MaxSeriesName = 24
)

var seriesName = regexp.MustCompile(`^[a-z][a-z0-9]*([._-][a-z0-9]+)*$`)

// SeriesName reports whether a series may be called that: lower-case letters
// and digits, with single dots, dashes or underscores between them.
func SeriesName(name string) bool {
	return len(name) <= MaxSeriesName && seriesName.MatchString(name)
}

// Minutes is told of every new minute of samples, such as by who watches for a
// value that is too high. It must not block, and may keep the slice.
type Minutes interface {
	Minute(ctx context.Context, samples []Sample)
}
