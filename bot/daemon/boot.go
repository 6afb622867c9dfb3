package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// boot is what a start leaves behind for the next one.
type boot struct {
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	// Machine is the kernel's id of this boot of the machine.
	Machine string `json:"machine"`
	// Ended says how the daemon ended; empty while it runs, and so after a
	// crash.
	Ended   string    `json:"ended,omitempty"`
	EndedAt time.Time `json:"ended_at,omitzero"`
	// Woken is why the machine was started, as it looked at our first start
	// since: later there are fewer traces.
	Woken string `json:"woken,omitempty"`
	// Alive is the last sign of life before the machine was started.
	Alive time.Time `json:"alive,omitzero"`
}

const bootScope, bootName = "daemon", "boot"

// begin records this start and tells why there was one, in a few words.
func begin(ctx context.Context, s bot.Store, m *device.Machine, version string) (now boot, why string, err error) {
	text, err := s.Setting(ctx, bootScope, bootName)
	if err != nil {
		return boot{}, "", fmt.Errorf("read the last start: %w", err)
	}
	var last boot
	if text != "" {
		if err := json.Unmarshal([]byte(text), &last); err != nil {
			last = boot{}
		}
	}
	now = boot{Started: time.Now(), Version: version, Machine: m.BootID(), Woken: last.Woken, Alive: last.Alive}
	if last.Machine != now.Machine || last.Started.IsZero() {
		if now.Woken, now.Alive, err = woken(ctx, s, m, last); err != nil {
			return boot{}, "", err
		}
	}
	switch {
	case last.Started.IsZero():
		why = "first start"
	case last.Ended != "":
		why = last.Ended
	case last.Machine != now.Machine:
		why = "the machine was restarted, or lost power"
	default:
		why = "it was killed, or crashed"
	}
	if !last.Started.IsZero() && last.Version != version {
		why += fmt.Sprintf("; version %s before", last.Version)
	}
	return now, why, now.save(ctx, s)
}

// maxAway is how far back the last sign of life is looked for.
const maxAway = 48 * time.Hour

// woken is why the machine was started, and the last sign of life before.
func woken(ctx context.Context, s bot.Store, m *device.Machine, last boot) (why string, alive time.Time, err error) {
	past := device.Past{Ended: last.EndedAt, Alive: last.Started}
	if past.Order, err = pendingOrder(ctx, s); err != nil {
		return "", time.Time{}, err
	}
	samples, err := s.Latest(ctx, time.Now().Add(-maxAway))
	if err != nil {
		return "", time.Time{}, err
	}
	for _, sample := range samples {
		if _, own := device.KindOf(sample.Series); own && sample.At.After(past.Alive) {
			past.Alive = sample.At
		}
	}
	if past.Ended.After(past.Alive) {
		past.Alive = past.Ended
	}
	return m.WhyBooted(m.Booted(), past), past.Alive, nil
}

// end records how the daemon ends.
func (b boot) end(ctx context.Context, s bot.Settings, how string) error {
	b.Ended, b.EndedAt = how, time.Now()
	return b.save(ctx, s)
}

func (b boot) save(ctx context.Context, s bot.Settings) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("record this start: %w", err)
	}
	if err := s.Set(ctx, bootScope, bootName, string(text)); err != nil {
		return fmt.Errorf("record this start: %w", err)
	}
	return nil
}
