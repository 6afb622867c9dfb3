package daemon

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// metricEvery is how often a program may tell a value of one series. Only the
// last of a minute is kept: more would but wear out the disk.
const metricEvery = 5 * time.Second

// Metric records a value that a program has told, in the database of a daemon
// that may be running.
func Metric(ctx context.Context, store bot.Store, name, value string) error {
	if _, own := device.KindOf(name); own {
		return fmt.Errorf("chapi measures %s itself; take another name", name)
	}
	if !bot.SeriesName(name) {
		return fmt.Errorf("%.40q cannot be the name of a series: take up to %d lower-case letters and digits, with single dots, dashes or underscores between them", name, bot.MaxSeriesName)
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("want a number such as 21.5, got %.40q", value)
	}
	fresh, err := store.Once(ctx, "metric/"+name, metricEvery)
	if err != nil {
		return err
	}
	if !fresh {
		return fmt.Errorf("%s was told less than %s ago; of the values of a minute only the last is kept", name, metricEvery)
	}
	err = store.Record(ctx, []bot.Sample{{Series: name, At: time.Now(), Value: v}})
	if errors.Is(err, bot.ErrTooMany) {
		return fmt.Errorf("there are %d series already; those that are not told any more are forgotten with time", bot.MaxSeries)
	}
	return err
}
