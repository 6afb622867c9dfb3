package daemon

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// Bounds of sampling.
const (
	// sampleEvery is how often the machine is looked at.
	sampleEvery = time.Minute
	// batteryTime is how long the battery's gauge may take.
	batteryTime = 10 * time.Second
	// readTime is how long the machine's own files may take; they take a few
	// milliseconds, unless something hangs.
	readTime = 200 * time.Millisecond
	// trendsGood is how long the trends of a day stay as they are.
	trendsGood = 10 * time.Minute
)

// sampler looks at the machine every minute, records what it sees, and tells
// those who listen. It remembers the last look, for those who cannot wait.
type sampler struct {
	machine *device.Machine
	series  bot.Series
	listen  []bot.Minutes
	log     *slog.Logger

	mu        sync.Mutex
	reading   device.Reading
	battery   *device.Battery
	batteryAt time.Time
	clock     device.Clock
	complaint string // the last that was logged of the battery
	trends    map[string]string
	trendsAt  time.Time
}

// Run samples until ctx ends: at once, and then as each minute begins.
func (s *sampler) Run(ctx context.Context) error {
	for {
		s.minute(ctx, time.Now())
		now := time.Now()
		timer := time.NewTimer(now.Truncate(sampleEvery).Add(sampleEvery).Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// minute takes the samples of one minute.
func (s *sampler) minute(ctx context.Context, now time.Time) {
	battery := s.askBattery(ctx)
	r := s.machine.Read(ctx)
	r.At = now
	busy := math.NaN()
	clock, err := s.machine.Clock()
	s.mu.Lock()
	s.reading = r
	if err == nil {
		if percent, ok := clock.Since(s.clock); ok {
			busy = percent
		}
		s.clock = clock
	}
	s.mu.Unlock()
	samples := device.Samples(r, busy, battery)
	if err := s.series.Record(ctx, samples); err != nil && ctx.Err() == nil {
		s.log.Error("record the samples of a minute", "err", err)
	}
	if len(s.listen) == 0 {
		return
	}
	// With what programs have told in the minute that is over.
	if all, err := s.series.Latest(ctx, now.Add(-sampleEvery)); err == nil {
		samples = all
	}
	for _, l := range s.listen {
		l.Minute(ctx, samples)
	}
}

// askBattery asks the gauge and remembers the answer; nil when there is no
// battery or it cannot be asked. The same complaint is logged once.
func (s *sampler) askBattery(ctx context.Context) *device.Battery {
	ctx, cancel := context.WithTimeout(ctx, batteryTime)
	defer cancel()
	b, err := s.machine.Battery(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.battery = nil
		if !errors.Is(err, device.ErrNoBattery) && err.Error() != s.complaint {
			s.complaint = err.Error()
			s.log.Warn("ask for the battery", "err", err)
		}
		return nil
	}
	s.battery, s.batteryAt, s.complaint = &b, time.Now(), ""
	return &b
}

// Battery is how the battery was when it was last asked, at most a minute ago.
func (s *sampler) Battery(ctx context.Context) (device.Battery, error) {
	if b := s.lastBattery(); b != nil {
		return *b, nil
	}
	return s.machine.Battery(ctx)
}

func (s *sampler) lastBattery() *device.Battery {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.batteryAt) > sampleEvery+batteryTime {
		return nil
	}
	return s.battery
}

// now is how the machine is now or, if it does not tell within readTime, how it
// was a minute ago.
func (s *sampler) now(ctx context.Context) device.Reading {
	fresh := make(chan device.Reading, 1)
	go func() { fresh <- s.machine.Read(ctx) }()
	timer := time.NewTimer(readTime)
	defer timer.Stop()
	select {
	case r := <-fresh:
		return r
	case <-timer.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.reading
	}
}

// dayTrends are small pictures of the last day. Missing ones are no failure.
func (s *sampler) dayTrends(ctx context.Context) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.trends != nil && now.Sub(s.trendsAt) < trendsGood {
		return s.trends
	}
	values := map[string][]float64{}
	end := now.Truncate(device.TrendStep).Add(device.TrendStep)
	begin := end.Add(-device.Trend * device.TrendStep)
	for _, name := range []string{device.Loads, device.Memories, device.Temp, device.Charge} {
		points, err := s.series.Range(ctx, name, begin, end, device.TrendStep)
		if err != nil || len(points) == 0 {
			continue
		}
		values[name] = make([]float64, device.Trend)
		for i := range values[name] {
			values[name][i] = math.NaN()
		}
		for _, p := range points {
			values[name][min(max(int(p.At.Sub(begin)/device.TrendStep), 0), device.Trend-1)] = p.Mean
		}
	}
	s.trends, s.trendsAt = device.Trends(values), now
	return s.trends
}
