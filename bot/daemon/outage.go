package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chapi/bot"
)

const (
	// outageNoted is how often it is recorded that a network is still away.
	outageNoted = 10 * time.Minute
	// outageGap is how old that record may be for a new start to go on from it:
	// while the machine is off nobody knows of the network.
	outageGap = 2 * outageNoted
)

// outages tells the owners that a network is back which was away for long, once
// for each time, whatever restarts there are in between.
type outages struct {
	store    bot.Store
	least    time.Duration // shorter ones are nothing to tell; 0 = none is
	tell     func(bot.Post) []bot.Delivery
	put      func(...bot.Delivery)
	ongoing  map[string]outage
	recorded map[string]time.Time // when the record was last written
}

// outage is a time without a network, as it is recorded.
type outage struct {
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	Seen     time.Time `json:"seen"`
	before   int       // attempts of an earlier start
}

const outageScope = "outage" // of the settings; the name is the adapter's

// look takes note of how the networks are now.
func (o *outages) look(ctx context.Context, all []bot.Health, now time.Time) error {
	if o.ongoing == nil {
		o.ongoing, o.recorded = map[string]outage{}, map[string]time.Time{}
		kept, err := o.store.Settings(ctx, outageScope)
		if err != nil {
			return err
		}
		for name, text := range kept {
			var out outage
			if json.Unmarshal([]byte(text), &out) == nil && now.Sub(out.Seen) < outageGap && !out.Seen.After(now) {
				out.before = out.Attempts
				o.ongoing[name] = out
			}
		}
	}
	for _, h := range all {
		out, was := o.ongoing[h.Name]
		var err error
		switch {
		case !h.Outage.IsZero():
			err = o.goesOn(ctx, h, out, was, now)
		case was && h.OK:
			err = o.over(ctx, h, out, now)
		}
		if err != nil {
			return fmt.Errorf("note that %s was away: %w", h.Name, err)
		}
	}
	return nil
}

func (o *outages) goesOn(ctx context.Context, h bot.Health, out outage, was bool, now time.Time) error {
	if !was {
		out = outage{Since: h.Outage}
	}
	out.Attempts, out.Seen = out.before+h.Attempts, now
	o.ongoing[h.Name] = out
	if last, ok := o.recorded[h.Name]; ok && now.Sub(last) < outageNoted && !last.After(now) {
		return nil
	}
	text, err := json.Marshal(out)
	if err != nil {
		return err
	}
	o.recorded[h.Name] = now
	return o.store.Set(ctx, outageScope, h.Name, string(text))
}

// over tells of an outage that was long, once: should we die before its record
// is gone, the next start finds that it was told.
func (o *outages) over(ctx context.Context, h bot.Health, out outage, now time.Time) error {
	lasting := now.Sub(out.Since)
	if o.least > 0 && lasting >= o.least {
		tries := ""
		if out.Attempts > 1 {
			tries = fmt.Sprintf(", %d attempts", out.Attempts)
		}
		say := o.tell(bot.Plainf("✓ %s is back after %s%s.", h.Name, lasted(lasting), tries))
		topic := fmt.Sprintf("outage/%s/%d", h.Name, out.Since.Unix())
		if _, err := o.store.Once(ctx, topic, 365*24*time.Hour, say...); err != nil {
			return err
		}
		o.put(say...)
	}
	delete(o.ongoing, h.Name)
	delete(o.recorded, h.Name)
	return o.store.Set(ctx, outageScope, h.Name, "")
}
