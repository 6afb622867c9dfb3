package storage

import (
	"context"
	"fmt"
	"math"
	"time"

	"chapi/bot"
)

// How long measurements are kept in which form. A day of minutes draws a line
// without steps; the second one is for looking back at yesterday. Both are whole
// numbers of the longer stretch, so that none is cut in two.
const (
	minutesKept = 48 * time.Hour
	tensKept    = 30 * 24 * time.Hour
	ten, hour   = 10, 60 // minutes
	// thinBatch is how many minutes of the past are taken together in one
	// transaction: others write in between.
	thinBatch = 6 * hour
)

// minuteOf is how the time of a sample is kept.
func minuteOf(t time.Time) int64 {
	return int64(math.Floor(float64(t.Unix()) / 60))
}

// Record implements bot.Series.
func (db *DB) Record(ctx context.Context, samples []bot.Sample) error {
	for _, s := range samples {
		if !bot.SeriesName(s.Series) || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			return fmt.Errorf("record %g of series %q: not a name and a finite number", s.Value, s.Series)
		}
	}
	err := db.writer.do(ctx, false, func(t tx) error {
		for _, s := range samples {
			if err := record(t, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record %d samples: %w", len(samples), err)
	}
	return nil
}

func record(t tx, s bot.Sample) error {
	const insert = `INSERT INTO samples (minute, series, value) SELECT ?, id, ? FROM series WHERE name = ?
		ON CONFLICT DO UPDATE SET value = excluded.value`
	n, err := t.exec(insert, minuteOf(s.At), s.Value, s.Series)
	if err != nil || n > 0 {
		return err
	}
	n, err = t.exec("INSERT INTO series (name) SELECT ? WHERE (SELECT count(*) FROM series) < ?", s.Series, bot.MaxSeries)
	switch {
	case err != nil:
		return err
	case n == 0:
		return fmt.Errorf("series %s: %w", s.Series, bot.ErrTooMany)
	}
	_, err = t.exec(insert, minuteOf(s.At), s.Value, s.Series)
	return err
}

// Range implements bot.Series.
func (db *DB) Range(ctx context.Context, series string, from, to time.Time, step time.Duration) (points []bot.Point, err error) {
	minutes := max(int64(step/time.Minute), 1)
	first, last := minuteOf(from), minuteOf(to.Add(time.Minute-1))
	err = db.view(ctx).each(func(row scanner) error {
		var at int64
		var p bot.Point
		if err := row.Scan(&at, &p.Min, &p.Mean, &p.Max); err != nil {
			return err
		}
		p.At = time.Unix(at*60, 0)
		points = append(points, p)
		return nil
	}, `SELECT min(minute) / ?1 * ?1 AS at, min(low), total(sum) / sum(count), max(high) FROM (
			SELECT minute, 1 AS count, value AS low, value AS sum, value AS high FROM samples
			WHERE minute >= ?2 AND minute < ?3 AND series = (SELECT id FROM series WHERE name = ?4)
			UNION ALL
			SELECT minute, count, low, sum, high FROM stretches
			WHERE minute >= ?2 AND minute < ?3 AND series = (SELECT id FROM series WHERE name = ?4))
		GROUP BY minute / ?1 ORDER BY at`, minutes, first, last, series)
	if err != nil {
		return nil, fmt.Errorf("read series %s: %w", series, err)
	}
	return points, nil
}

// Latest implements bot.Series.
func (db *DB) Latest(ctx context.Context, since time.Time) (samples []bot.Sample, err error) {
	err = db.view(ctx).each(func(row scanner) error {
		var minute int64
		var s bot.Sample
		if err := row.Scan(&s.Series, &minute, &s.Value); err != nil {
			return err
		}
		s.At = time.Unix(minute*60, 0)
		samples = append(samples, s)
		return nil
		// The value is that of the row with the greatest minute:
		// sqlite.org/lang_select.html#bareagg
	}, `SELECT name, max(minute), value FROM samples JOIN series ON id = series
		WHERE minute >= ? GROUP BY id ORDER BY name`, minuteOf(since))
	if err != nil {
		return nil, fmt.Errorf("read latest samples: %w", err)
	}
	return samples, nil
}

// Names implements bot.Series.
func (db *DB) Names(ctx context.Context) (names []string, err error) {
	err = db.view(ctx).each(func(row scanner) error {
		var name string
		err := row.Scan(&name)
		names = append(names, name)
		return err
	}, "SELECT name FROM series ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read names of series: %w", err)
	}
	return names, nil
}

// Thin implements bot.Store. It goes from the oldest to the newest in small
// transactions; what was done when one fails stays done.
func (db *DB) Thin(ctx context.Context, now time.Time, keep time.Duration) error {
	tens := minuteOf(now.Add(-minutesKept)) / ten * ten
	hours := minuteOf(now.Add(-tensKept)) / hour * hour
	steps := []struct {
		what, oldest string
		end          int64
		do           func(t tx, from, to int64) error
	}{
		{"minutes", "SELECT coalesce(min(minute), ?1) FROM samples", tens, thinMinutes},
		{"stretches", "SELECT coalesce(min(minute), ?1) FROM stretches WHERE length = 10", hours, thinTens},
	}
	for _, step := range steps {
		var at int64
		if err := db.view(ctx).row(step.oldest, step.end).Scan(&at); err != nil {
			return fmt.Errorf("look for old %s: %w", step.what, err)
		}
		for at = at / hour * hour; at < step.end; {
			from, to := at, min(at+thinBatch, step.end)
			err := db.writer.do(ctx, false, func(t tx) error { return step.do(t, from, to) })
			if err != nil {
				return fmt.Errorf("take old %s together: %w", step.what, err)
			}
			at = to
		}
	}
	err := db.writer.do(ctx, false, func(t tx) error {
		if _, err := t.exec("DELETE FROM stretches WHERE minute < ?", minuteOf(now.Add(-keep))); err != nil {
			return err
		}
		_, err := t.exec(`DELETE FROM series WHERE id NOT IN (SELECT series FROM stretches) AND id NOT IN (SELECT series FROM samples)`)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove the oldest measurements: %w", err)
	}
	return nil
}

// merge is what happens to a stretch that is there already: the machine's clock
// was set back, or a sample came late.
const merge = ` ON CONFLICT DO UPDATE SET length = max(length, excluded.length), count = count + excluded.count,
	low = min(low, excluded.low), sum = sum + excluded.sum, high = max(high, excluded.high)`

func thinMinutes(t tx, from, to int64) error {
	_, err := t.exec(`INSERT INTO stretches (series, minute, length, count, low, sum, high)
		SELECT series, minute / 10 * 10, 10, count(*), min(value), total(value), max(value)
		FROM samples WHERE minute >= ? AND minute < ? GROUP BY series, minute / 10`+merge, from, to)
	if err != nil {
		return err
	}
	_, err = t.exec("DELETE FROM samples WHERE minute >= ? AND minute < ?", from, to)
	return err
}

// thinTens merges the other stretches of each hour into its first ten minutes',
// or into one made for it.
func thinTens(t tx, from, to int64) error {
	_, err := t.exec(`INSERT INTO stretches (series, minute, length, count, low, sum, high)
		SELECT series, minute / 60 * 60, 60, sum(count), min(low), total(sum), max(high)
		FROM stretches WHERE length = 10 AND minute % 60 > 0 AND minute >= ? AND minute < ? GROUP BY series, minute / 60`+merge, from, to)
	if err != nil {
		return err
	}
	if _, err := t.exec("DELETE FROM stretches WHERE length = 10 AND minute % 60 > 0 AND minute >= ? AND minute < ?", from, to); err != nil {
		return err
	}
	_, err = t.exec("UPDATE stretches SET length = 60 WHERE length = 10 AND minute >= ? AND minute < ?", from, to)
	return err
}
