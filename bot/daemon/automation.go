package daemon

import (
	"chapi/bot"
)

// buildLeases makes the resources that people may hold.
func (d *daemon) buildLeases(policy *bot.Policy) *bot.Leases {
	l := bot.NewLeases()
	l.Policy, l.Store, l.Deliver, l.Logger = policy, d.store, d.deliver, d.log
	for _, r := range d.Config.Resources {
		l.Resources = append(l.Resources, bot.Resource{Name: r.Name, Max: r.Max})
	}
	return l
}
