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
	c.Badges = nil
	badger, ok := d.Adapters[c.Account.Adapter].(Badger)
	if !ok {
		return c
	}
	ctx, cancel := context.WithTimeout(ctx, badgeTime)
	defer cancel()
	badges, err := badger.Badges(ctx, c)
	if err != nil {
		d.Logger.Warn("ask which badges an account wears", "account", c.Account.String(), "err", err)
		return c
	}
	c.Badges = badges
	return c
}
