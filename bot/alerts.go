package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Readings are the newest values of what is measured.
type Readings interface {
	// Latest is the newest value of a series; ok is false when there is none.
	Latest(ctx context.Context, name string) (x Reading, ok bool, err error)
	// Names is every series that there is.
	Names(ctx context.Context) ([]string, error)
}

// Route is a configured rule with who hears of it.
type Route struct {
	Rule Rule
	To   []Thread // none = the private chats of the owners
}

// Bounds of alerts.
const (
	// alertLook is how often the readings are looked at.
	alertLook = 30 * time.Second
	// alertsPerChat is how many may be set from one chat.
	alertsPerChat = 20
	// MaxMute is the longest that alerts can be kept quiet.
	MaxMute = 7 * 24 * time.Hour
)

// muteSetting is the setting of a room that says until when it hears nothing.
const muteSetting = "mute"

// Alerts looks at readings and tells the chats. How each alert stands is on
// disk, and what is said is recorded in one transaction with it: nothing is said
// twice, whatever is killed when. Its fields are set before it is used and not
// changed.
type Alerts struct {
	Policy   *Policy
	Store    Store
	Deliver  *Deliverer
	Readings Readings
	Routes   []Route
	// Quiet are the hours in which nobody is woken: what is less than critical
	// is said without a sound, when it happens, and not said again until they
	// are over.
	Quiet Hours
	// Repeat is how often a warning is said again until it is acknowledged;
	// 0 = not.
	Repeat time.Duration
	Device string
	Logger *slog.Logger
	// Now is the clock, in the zone of the people.
	Now func() time.Time

	mu sync.Mutex // held over each look and each change
}

// Run looks at the readings until ctx ends.
func (a *Alerts) Run(ctx context.Context) error {
	ticker := time.NewTicker(alertLook)
	defer ticker.Stop()
	for {
		if err := a.Look(ctx); err != nil && ctx.Err() == nil {
			a.Logger.Error("look at alerts", "err", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Look holds every alert against the newest reading. Run calls it.
func (a *Alerts) Look(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	all, err := a.Store.Alerts(ctx)
	if err != nil {
		return err
	}
	if all, err = a.route(ctx, all); err != nil {
		return err
	}
	seen := map[string]struct {
		x     Reading
		known bool
	}{}
	var failed error
	for _, alert := range all {
		r, err := ParseRule(alert.Rule)
		if err != nil {
			a.Logger.Error("alert cannot be read", "alert", int64(alert.ID), "rule", alert.Rule, "err", err)
			continue
		}
		s, done := seen[r.Series]
		if !done {
			s.x, s.known, err = a.latest(ctx, r.Series)
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			seen[r.Series] = s
		}
		if err := a.look(ctx, alert, r, s.x, s.known); err != nil {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// latest is the newest reading.
func (a *Alerts) latest(ctx context.Context, series string) (Reading, bool, error) {
	x, known, err := a.Readings.Latest(ctx, series)
	if err != nil {
		return x, known, fmt.Errorf("read the newest %s: %w", series, err)
	}
	return x, known, nil
}

// look holds one alert against its reading and tells what has changed.
func (a *Alerts) look(ctx context.Context, was Alert, r Rule, x Reading, known bool) error {
	now := a.Now()
	if was.Person != "" {
		if _, err := a.Deliver.Standing(ctx, a.Policy, was.Claim); err != nil {
			// Whoever set it is let in no more: it would speak to a stranger.
			a.Logger.Warn("alert removed", "alert", int64(was.ID), "person", was.Person, "why", err.Error())
			return a.Store.RemoveAlert(ctx, was.ID)
		}
	}
	h, err := a.hush(ctx, was, now)
	if err != nil {
		return err
	}
	is := was
	if is.State == Pending && now.Sub(is.Seen) > staleReading {
		is.Since = now // nobody has looked meanwhile: it may have been over
	}
	is = is.next(r, r.judge(x, known, now), now)
	if is.Seen = (time.Time{}); is.State == Pending {
		is.Seen = now
	}
	var say []Delivery
	switch {
	case is.due(r, a.Repeat, h, now):
		if is.Count > 0 {
			say = append(say, is.said(r, a.Device, "said again below", true))
			say[0].Post.Keyboard = nil // the newest has them
		}
		is.Count++
		is.Told, is.Value, is.Unit = now, x.Value, x.Unit
		say = append(say, is.said(r, a.Device, "", r.silent(h)))
	case was.active() && is.State == Over && !was.Told.IsZero():
		after := roughly(now.Sub(was.Since))
		say = append(say, is.said(r, a.Device, "✓ over after "+after, true))
		if !h.muted {
			say = append(say, Delivery{
				Thread: is.Claim.Thread, Slot: is.slot() + "/over", Final: true,
				Post: Post{Silent: r.silent(h), Text: []Span{{Text: fmt.Sprintf("✓ %s: %s, after %s.", a.Device, is.relief(r, x), after)}}},
			})
		}
	}
	if reflect.DeepEqual(is, was) {
		return nil
	}
	return a.set(ctx, is, say...)
}

// set writes an alert with what is said of it. One that was removed at this
// moment is no matter.
func (a *Alerts) set(ctx context.Context, alert Alert, say ...Delivery) error {
	err := a.Store.SetAlert(ctx, alert, say...)
	if errors.Is(err, ErrChanged) {
		return nil
	}
	if err != nil {
		return err
	}
	a.Deliver.Due(say...)
	return nil
}

// hush is what keeps the alert's chat quiet now.
func (a *Alerts) hush(ctx context.Context, alert Alert, now time.Time) (hush, error) {
	until, err := a.mutedUntil(ctx, alert.Claim.Thread)
	return hush{muted: alert.Muted.After(now) || until.After(now), quiet: a.Quiet.Has(now)}, err
}

func (a *Alerts) mutedUntil(ctx context.Context, th Thread) (time.Time, error) {
	text, err := a.Store.Setting(ctx, th.Room().String(), muteSetting)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339, text)
}

// route brings the configured alerts on record in line with the configuration,
// and with who the owners are now. It returns all alerts.
func (a *Alerts) route(ctx context.Context, all []Alert) ([]Alert, error) {
	type place struct {
		rule string
		th   Thread
	}
	wanted := map[place]bool{}
	var order []place
	for _, r := range a.Routes {
		for _, th := range a.to(r) {
			at := place{r.Rule.String(), th}
			wanted[at] = true
			order = append(order, at)
		}
	}
	var kept []Alert
	for _, alert := range all {
		at := place{alert.Rule, alert.Claim.Thread}
		if alert.Person == "" && !wanted[at] {
			if err := a.Store.RemoveAlert(ctx, alert.ID); err != nil {
				return nil, err
			}
			continue
		}
		delete(wanted, at)
		kept = append(kept, alert)
	}
	for _, at := range order {
		if !wanted[at] {
			continue
		}
		delete(wanted, at)
		alert, err := a.Store.AddAlert(ctx, Alert{Rule: at.rule, Claim: Claim{Thread: at.th}}, 0)
		if err != nil {
			return nil, err
		}
		kept = append(kept, alert)
	}
	return kept, nil
}

// to is where a configured rule is heard.
func (a *Alerts) to(r Route) []Thread {
	if len(r.To) > 0 {
		return r.To
	}
	var owners []Thread
	for _, account := range a.Policy.Owners() {
		if th, ok := a.Deliver.Direct(account); ok {
			owners = append(owners, th)
		}
	}
	return owners
}

// Add sets an alert for the call's chat. Errors are *UserError when the person
// can do something about them.
func (a *Alerts) Add(ctx context.Context, p Principal, c Call, text string) (Alert, error) {
	r, err := ParseRule(text)
	if err != nil {
		return Alert{}, err
	}
	a.mu.Lock()
	x, known, err := a.latest(ctx, r.Series)
	a.mu.Unlock()
	switch {
	case err != nil:
		return Alert{}, err
	case !known:
		return Alert{}, a.unknown(ctx, r.Series)
	}
	if _, ok := x.in(r.Unit); !ok {
		return Alert{}, Userf("%s is measured in %s, not in %s.", r.name(), x.Unit, r.Unit)
	}
	alert, err := a.Store.AddAlert(ctx, Alert{Rule: r.String(), Claim: c.Claim, Person: p.Person()}, alertsPerChat)
	if errors.Is(err, ErrFull) {
		return Alert{}, Userf("This chat has %d alerts, which is the limit. /alert shows them.", alertsPerChat)
	}
	if err != nil {
		return Alert{}, err
	}
	return alert, a.Look(ctx)
}

// unknown says what can be watched instead.
func (a *Alerts) unknown(ctx context.Context, series string) error {
	names, err := a.Readings.Names(ctx)
	if err != nil {
		return err
	}
	if near := Near(series, names); len(near) > 0 {
		return Userf("There is no reading %s. Did you mean %s?", series, strings.Join(near, " or "))
	}
	slices.Sort(names)
	return Userf("There is no reading %s. There are: %s.", series, clip(strings.Join(names, ", "), 300))
}

// AlertStanding is an alert with what is measured now.
type AlertStanding struct {
	Alert
	// Reading is how it is now, such as "18 %"; empty when nothing is measured,
	// or was lately.
	Reading string
}

// List is the alerts that are heard in the principal's chat, by number.
func (a *Alerts) List(ctx context.Context, p Principal) ([]AlertStanding, error) {
	here, err := a.here(ctx, p)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []AlertStanding
	for _, alert := range here {
		standing := AlertStanding{Alert: alert}
		if r, err := ParseRule(alert.Rule); err == nil {
			x, known, err := a.latest(ctx, r.Series)
			if err != nil {
				return nil, err
			}
			if known && a.Now().Sub(x.At) <= staleReading {
				standing.Reading = amount(x.Value, x.Unit)
			}
		}
		list = append(list, standing)
	}
	return list, nil
}

// here is the alerts of the principal's chat.
func (a *Alerts) here(ctx context.Context, p Principal) ([]Alert, error) {
	all, err := a.Store.Alerts(ctx)
	return slices.DeleteFunc(all, func(alert Alert) bool { return alert.Claim.Thread.Room() != p.Thread().Room() }), err
}

// find is an alert of the principal's chat.
func (a *Alerts) find(ctx context.Context, p Principal, id AlertID) (Alert, error) {
	here, err := a.here(ctx, p)
	if err != nil {
		return Alert{}, err
	}
	i := slices.IndexFunc(here, func(alert Alert) bool { return alert.ID == id })
	if i < 0 {
		return Alert{}, Userf("There is no alert %d here (any more). /alert shows what there is.", id)
	}
	return here[i], nil
}

// Acknowledge ends the repeating of an alert, in every chat that hears of it.
func (a *Alerts) Acknowledge(ctx context.Context, p Principal, id AlertID) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	alert, err := a.find(ctx, p, id)
	if err != nil {
		return err
	}
	if alert.State != Firing {
		return Userf("Alert %d is not firing: %s is %s.", id, alert.Rule, alert.State)
	}
	all, err := a.Store.Alerts(ctx)
	if err != nil {
		return err
	}
	for _, same := range all {
		if same.Rule != alert.Rule || same.State != Firing {
			continue
		}
		r, err := ParseRule(same.Rule)
		if err != nil {
			return err
		}
		same.State, same.By = Acknowledged, p.Person()
		var say []Delivery
		if same.Count > 0 {
			say = append(say, same.said(r, a.Device, "✓ "+p.Person()+" has seen it", true))
		}
		if err := a.set(ctx, same, say...); err != nil {
			return err
		}
	}
	return nil
}

// Remove takes an alert away that was set from a chat: by who set it, or an
// operator.
func (a *Alerts) Remove(ctx context.Context, p Principal, id AlertID) (Alert, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	alert, err := a.find(ctx, p, id)
	switch {
	case err != nil:
		return alert, err
	case alert.Person == "":
		return alert, Userf("Alert %d is in the configuration on the device; that is where to remove it. /mute 2h %d keeps it quiet.", id, id)
	case alert.Person != p.Person() && !p.May(Operator):
		return alert, Userf("Alert %d is %s's. They can remove it, or an operator.", id, alert.Person)
	}
	return alert, a.Store.RemoveAlert(ctx, id)
}

// Mute keeps an alert quiet in the principal's chat for a time, or with id 0
// all of them; 0 lets it speak again. What still fires then is said then.
func (a *Alerts) Mute(ctx context.Context, p Principal, id AlertID, d time.Duration) (until time.Time, err error) {
	if d > MaxMute {
		return until, Userf("Alerts can be muted for %d days at most.", int(MaxMute.Hours()/24))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if d > 0 {
		until = a.Now().Add(d)
	}
	if id == 0 {
		text := ""
		if d > 0 {
			text = until.UTC().Format(time.RFC3339)
		}
		return until, a.Store.Set(ctx, p.Thread().Room().String(), muteSetting, text)
	}
	alert, err := a.find(ctx, p, id)
	if err != nil {
		return until, err
	}
	alert.Muted = until
	return until, a.set(ctx, alert)
}

// Muted is until when the principal's chat hears nothing; zero or past when it
// does.
func (a *Alerts) Muted(ctx context.Context, p Principal) (time.Time, error) {
	return a.mutedUntil(ctx, p.Thread())
}
