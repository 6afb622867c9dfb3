package daemon

import (
	"fmt"
	"strings"
	"time"

	"chapi/bot"
)

// buildAutomation makes what acts without being asked just then: schedules,
// leases, alerts. The scheduler's door is set once there is one.
func (d *daemon) buildAutomation(policy *bot.Policy) error {
	d.scheduler = bot.NewScheduler()
	d.leases = bot.NewLeases()
	d.leases.Policy, d.leases.Store, d.leases.Deliver, d.leases.Logger = policy, d.store, d.deliver, d.log
	for _, r := range d.Config.Resources {
		d.leases.Resources = append(d.leases.Resources, bot.Resource{Name: r.Name, Max: r.Max})
	}
	cfg := d.Config.Alerts
	d.alerts = &bot.Alerts{
		Policy: policy, Store: d.store, Deliver: d.deliver, Readings: &readings{series: d.store, sampler: d.sampler},
		Repeat: cfg.Repeat, Device: d.Config.Device.Name, Logger: d.log, Now: time.Now,
	}
	if cfg.Quiet != "" {
		var err error
		if d.alerts.Quiet, err = bot.ParseHours(cfg.Quiet); err != nil {
			return fmt.Errorf("alerts.quiet: %w", err)
		}
	}
	var err error
	d.alerts.Routes, err = d.alertRoutes()
	return err
}

// alertRoutes are the configured alerts and those that need no configuration.
func (d *daemon) alertRoutes() (routes []bot.Route, err error) {
	cfg := d.Config.Alerts
	add := func(text string, to []string) {
		r, e := bot.ParseRule(text)
		if e != nil && err == nil {
			err = fmt.Errorf("alert %q: %w", text, e)
		}
		routes = append(routes, bot.Route{Rule: r, To: d.places(to)})
	}
	for _, r := range cfg.Rules {
		to := r.To
		if len(to) == 0 {
			to = cfg.To
		}
		add(r.When, to)
	}
	for _, b := range []struct {
		wanted bool
		rule   string
	}{
		{cfg.Builtin.Battery > 0, fmt.Sprintf("battery < %d%% for 2m", cfg.Builtin.Battery)},
		{cfg.Builtin.Temperature > 0, fmt.Sprintf("temp > %dC for 2m", cfg.Builtin.Temperature)},
		{cfg.Builtin.Disk > 0, fmt.Sprintf("disk > %d%% for 2m", cfg.Builtin.Disk)},
		{cfg.Builtin.Undervoltage, "undervoltage on"},
		{cfg.Builtin.Units, "units failed for 1m"},
	} {
		if b.wanted {
			add(b.rule, cfg.To)
		}
	}
	return routes, err
}

// places are where people and chats of the configuration are spoken to.
func (d *daemon) places(names []string) (places []bot.Thread) {
	people, chats := d.Config.Allowlist()
	for _, name := range names {
		for _, p := range people {
			for _, a := range p.Accounts {
				if th, ok := d.deliver.Direct(a); ok && strings.EqualFold(p.Name, name) {
					places = append(places, th)
				}
			}
		}
		for _, c := range chats {
			if strings.EqualFold(c.Name, name) {
				places = append(places, c.Room)
			}
		}
	}
	return places
}
