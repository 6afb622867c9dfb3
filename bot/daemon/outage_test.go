package daemon

import (
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

func TestThatANetworkIsBackIsToldOnceWithHowLongItWasAway(t *testing.T) {
	dir := t.TempDir()
	var store *storage.DB
	var o *outages
	var said []string
	restart := func() {
		if store != nil {
			store.Close()
		}
		var err error
		if store, err = storage.Open(t.Context(), dir, storage.Options{}); err != nil {
			t.Fatal(err)
		}
		o = &outages{
			store: store, least: 3 * time.Hour,
			tell: func(p bot.Post) []bot.Delivery {
				return []bot.Delivery{{Thread: bot.Thread{Adapter: "net", Chat: "1"}, Slot: bot.Slot(bot.NewHandle()), Post: p}}
			},
			put: func(ds ...bot.Delivery) {
				for _, d := range ds {
					said = append(said, d.Post.String())
				}
			},
		}
	}
	restart()
	t.Cleanup(func() { store.Close() })
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	began := now
	attempts := 0
	look := func(h bot.Health) {
		t.Helper()
		h.Name = "telegram"
		if err := o.look(t.Context(), []bot.Health{h}, now); err != nil {
			t.Fatal(err)
		}
	}
	away := func(long time.Duration) {
		t.Helper()
		for end := now.Add(long); now.Before(end); now = now.Add(time.Minute) {
			attempts++
			look(bot.Health{Outage: began, Attempts: attempts})
		}
	}
	back := func(want ...string) {
		t.Helper()
		said = nil
		look(bot.Health{OK: true})
		look(bot.Health{OK: true})
		if len(said) != len(want) || len(want) > 0 && said[0] != want[0] {
			t.Fatalf("said %q, want %q", said, want)
		}
	}
	away(time.Hour)
	back() // not long enough

	began, attempts = now, 0
	away(time.Hour)
	restart() // the attempts begin anew, the outage goes on
	began, attempts = now, 0
	away(2*time.Hour + 12*time.Minute)
	// The ten attempts since the last record, before the restart, are not known.
	back("✓ telegram is back after 3 h 12 min, 183 attempts.")
	restart()
	back()

	began, attempts = now, 0
	away(time.Hour)
	now = now.Add(24 * time.Hour) // the machine was off
	restart()
	back()
}
