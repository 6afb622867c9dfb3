package daemon

import (
	"context"
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
	away := map[string]bool{} // parts that were bad for want of a network
	outages := &outages{store: d.store, least: d.Config.Alerts.Builtin.Network, tell: d.toOwners, put: d.deliver.Due}
	for {
		all := d.health()
		if err := outages.look(ctx, all, time.Now()); err != nil && ctx.Err() == nil {
			d.log.Error("look at the networks", "err", err)
		}
		for _, h := range all {
			since, was := bad[h.Name]
			away[h.Name] = !h.OK && !h.Outage.IsZero() || h.OK && away[h.Name]
			switch {
			case !h.OK && !was:
				bad[h.Name] = time.Now()
			case !h.OK && !told[h.Name] && (h.Shared || time.Since(since) > badFor):
				told[h.Name] = true
				d.tellOwners(ctx, bot.Plainf("✗ %s: %s", h.Name, h.State))
			case h.OK && was:
				lasting := time.Since(since)
				known := away[h.Name] && outages.least > 0 && lasting >= outages.least // its return was told above
				if told[h.Name] && !known {
					d.tellOwners(ctx, bot.Plainf("✓ %s is well again, after %s.", h.Name, lasted(lasting)))
				}
				delete(bad, h.Name)
				delete(told, h.Name)
				delete(away, h.Name)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// toOwners is a post for every owner's private chat.
func (d *daemon) toOwners(post bot.Post) (say []bot.Delivery) {
	for _, owner := range d.reception.Policy.Owners() {
		if th, ok := d.deliver.Direct(owner); ok {
			say = append(say, bot.Delivery{Thread: th, Slot: bot.Slot("notice/" + bot.NewHandle()), Post: post, Final: true})
		}
	}
	return say
}

// tellOwners puts a post into every owner's private chat.
func (d *daemon) tellOwners(ctx context.Context, post bot.Post) {
	say := d.toOwners(post)
	if err := d.store.Put(ctx, say...); err != nil {
		d.log.Error("tell the owners", "err", err)
		return
	}
	d.deliver.Due(say...)
}
