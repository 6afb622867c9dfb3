package bot

import (
	"context"
	"time"
)

// Badger knows which badges an account wears in the place of a claim, now. It
// may block for a call of the network; an account that has left wears none.
type Badger interface {
	Badges(ctx context.Context, c Claim) ([]BadgeID, error)
}

const (
	// badgeLife is how long what a network told of badges is believed: rights
	// that were taken away must not live on in a queue.
	badgeLife = time.Minute
	// badgeTime bounds the question: messages wait for it.
	badgeTime = 5 * time.Second
)

// worn is the claim with the badges that count now: those that came with it at
// that time if they are young, else what the network says when it is asked.
// Without an answer there are none. It matters only to those who are known by
// nothing else.
func (d *Deliverer) worn(ctx context.Context, p *Policy, c Claim, told time.Time) Claim {
	if !p.Asks(c) || c.Badges != nil && time.Since(told) < badgeLife {
		return c
	}
	c.Badges, _ = d.badges(ctx, c)
	return c
}

// Standing is the allowlist's word, now, on a claim of any age, for what goes on
// by itself in its name. It may block for badgeTime.
func (d *Deliverer) Standing(ctx context.Context, p *Policy, c Claim) (Principal, error) {
	return p.Authorize(d.standing(ctx, p, c))
}

// standing is a claim of any age with the badges that count now. When the
// network does not tell, those that it told last do: an outage takes nobody's
// alerts and schedules away.
func (d *Deliverer) standing(ctx context.Context, p *Policy, c Claim) Claim {
	if !p.Asks(c) {
		return c
	}
	who := wearer{c.Account, c.Server}
	d.mu.Lock()
	seen := d.wearers[who]
	d.mu.Unlock()
	if time.Since(seen.at) > badgeLife {
		badges, told := d.badges(ctx, c)
		if told || seen.at.IsZero() {
			seen = testimony{badges: badges, told: told}
		}
		seen.at = time.Now()
		d.mu.Lock()
		if d.wearers == nil || len(d.wearers) > 1000 {
			d.wearers = map[wearer]testimony{}
		}
		d.wearers[who] = seen
		d.mu.Unlock()
	}
	if seen.told {
		c.Badges = seen.badges
	}
	return c
}

// wearer is an account where it wears badges.
type wearer struct {
	account Account
	server  ChatID
}

// testimony is what a network told of somebody's badges, if it did.
type testimony struct {
	badges []BadgeID
	told   bool
	at     time.Time // when it was asked
}

// badges asks the network; told is false when there is no answer.
func (d *Deliverer) badges(ctx context.Context, c Claim) (badges []BadgeID, told bool) {
	badger, ok := d.Adapters[c.Account.Adapter].(Badger)
	if !ok {
		return nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, badgeTime)
	defer cancel()
	badges, err := badger.Badges(ctx, c)
	if err != nil {
		d.Logger.Warn("ask which badges an account wears", "account", c.Account.String(), "err", err)
		return nil, false
	}
	return badges, true
}
