package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// The readings that are no series: they are asked for when an alert looks.
const (
	undervoltage = "undervoltage" // 1 while the power supply is too weak
	failedUnits  = "units"        // how many units of systemd have failed
	oneUnit      = "unit/"        // in front of a unit's name: 1 when it has failed
)

const (
	// readingsKept is how far back the newest value of a series is looked for.
	readingsKept = 7 * 24 * time.Hour
	// unitsTime is how long systemd may take to answer.
	unitsTime = 5 * time.Second
)

// readings is what alerts watch: the series that are recorded, and what the
// machine tells besides.
type readings struct {
	series  bot.Series
	sampler *sampler
}

// Latest implements bot.Readings.
func (r *readings) Latest(ctx context.Context, name string) (bot.Reading, bool, error) {
	unit, isUnit := strings.CutPrefix(name, oneUnit)
	switch {
	case name == undervoltage:
		t := r.sampler.now(ctx).Throttle
		return bot.Reading{Value: one(t != nil && t.UnderVoltage), At: time.Now()}, t != nil, nil
	case name == failedUnits:
		failed, _, known, err := r.units(ctx)
		return bot.Reading{Value: float64(len(failed)), At: time.Now()}, known, err
	case isUnit && device.UnitName(unit):
		_, asked, known, err := r.units(ctx, unit)
		known = known && len(asked) == 1 && asked[0].Found
		return bot.Reading{Value: one(known && asked[0].State == "failed"), At: time.Now()}, known, err
	}
	samples, err := r.series.Latest(ctx, time.Now().Add(-readingsKept))
	if err != nil {
		return bot.Reading{}, false, err
	}
	for _, s := range samples {
		if s.Series == name {
			kind, _ := device.KindOf(name)
			return bot.Reading{Value: s.Value, Unit: kind.Unit, At: s.At}, true, nil
		}
	}
	return bot.Reading{}, false, nil
}

// units asks systemd for what has failed, and for units by name. known is false
// where there is no systemd.
func (r *readings) units(ctx context.Context, names ...string) (failed, asked []device.Service, known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, unitsTime)
	defer cancel()
	failed, asked, err = device.Services(ctx, nil, names)
	if errors.Is(err, device.ErrNoSystemd) {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, fmt.Errorf("ask for units: %w", err)
	}
	return failed, asked, true, nil
}

// Names implements bot.Readings.
func (r *readings) Names(ctx context.Context) ([]string, error) {
	names, err := r.series.Names(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{undervoltage, failedUnits} {
		if _, known, err := r.Latest(ctx, name); err == nil && known {
			names = append(names, name)
		}
	}
	return names, nil
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
