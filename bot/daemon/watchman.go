package daemon

import (
	"context"
	"fmt"
	"time"

	"chapi/bot"
)

const (
	// lookEvery is how often the parts' health is looked at.
	lookEvery = 5 * time.Second
	// badFor is how long a part has to be unwell before the owners hear of it.
	badFor = time.Minute
)

// watchman tells the owners, once for each time, that a part needs a person,
// and that it is well again. What cannot be said now waits in the outbox: after
// an outage it says how long that was.
func (d *daemon) watchman(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	bad := map[string]time.Time{} // since when
	told := map[string]bool{}
	for {
		for _, h := range d.health() {
			since, was := bad[h.Name]
			switch {
			case !h.OK && !was:
				bad[h.Name] = time.Now()
			case !h.OK && !told[h.Name] && (h.Shared || time.Since(since) > badFor):
				told[h.Name] = true
				d.tellOwners(ctx, bot.Plainf("✗ %s: %s", h.Name, h.State))
			case h.OK && was:
				if told[h.Name] {
					d.tellOwners(ctx, bot.Plainf("✓ %s is well again, after %s.", h.Name, lasted(time.Since(since))))
				}
				delete(bad, h.Name)
				delete(told, h.Name)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tellOwners puts a post into every owner's private chat.
func (d *daemon) tellOwners(ctx context.Context, post bot.Post) {
	for _, owner := range d.reception.Policy.Owners() {
		th, ok := d.deliver.Direct(owner)
		if !ok {
			continue
		}
		say := bot.Delivery{Thread: th, Slot: bot.Slot("notice/" + bot.NewHandle()), Post: post, Final: true}
		if err := d.store.Put(ctx, say); err != nil {
			d.log.Error("tell an owner", "err", fmt.Errorf("%s: %w", owner, err))
			continue
		}
		d.deliver.Wake(th)
	}
}
