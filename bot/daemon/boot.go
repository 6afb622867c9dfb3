package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"chapi/bot"
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
}

const bootScope, bootName = "daemon", "boot"

// bootID is the kernel's id of this boot; see random(4).
func bootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// begin records this start and tells why there was one, in a few words.
func begin(ctx context.Context, s bot.Settings, version string) (now boot, why string, err error) {
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
	now = boot{Started: time.Now(), Version: version, Machine: bootID()}
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
