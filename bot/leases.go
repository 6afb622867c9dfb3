package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Leases lets people hold named resources, one at a time each, and hands them
// on. What it says is recorded in one transaction with what it changes. Its
// fields are set before it is used and not changed.
type Leases struct {
	Policy    *Policy
	Store     Store
	Deliver   *Deliverer
	Resources []Resource
	Logger    *slog.Logger
	// Now is the clock.
	Now func() time.Time

	mu   sync.Mutex    // held over each change: reading, deciding and writing
	wake chan struct{} // capacity 1: something is to be looked at
}

// NewLeases makes the leases of a device. Its other fields are to be set.
func NewLeases() *Leases { return &Leases{Now: time.Now, wake: make(chan struct{}, 1)} }

// Run ends what is over and hands on what is due until ctx ends.
func (l *Leases) Run(ctx context.Context) error {
	for {
		next, err := l.Sweep(ctx)
		wait := leaseLook
		if err != nil && ctx.Err() == nil {
			l.Logger.Error("look after leases", "err", err)
		} else if !next.IsZero() {
			wait = min(wait, max(0, next.Sub(l.Now())))
		}
		select {
		case <-time.After(wait):
		case <-l.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// Wake has the leases looked at: a session has ended.
func (l *Leases) Wake() {
	if l == nil {
		return // sessions alone, without leases
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Sweep ends the leases that are over, tells so, and returns when to come
// again; zero = nothing is held. Run calls it.
func (l *Leases) Sweep(ctx context.Context) (next time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all, err := l.Store.Holdings(ctx)
	if err != nil {
		return time.Time{}, err
	}
	now := l.Now()
	var failed error
	for _, h := range all {
		again, err := l.sweep(ctx, h, now)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if next.IsZero() || !again.IsZero() && again.Before(next) {
			next = again
		}
	}
	return next, failed
}

func (l *Leases) sweep(ctx context.Context, h Holding, now time.Time) (next time.Time, err error) {
	var alive []SessionID
	for _, id := range h.Sessions {
		n, err := strconv.ParseInt(string(id), 10, 64)
		if err != nil {
			continue
		}
		goesOn, err := running(ctx, l.Store, CallID(n))
		if err != nil {
			return time.Time{}, err
		}
		if goesOn {
			alive = append(alive, id)
		}
	}
	ended := len(alive) < len(h.Sessions)
	h.Sessions = alive
	switch {
	case len(alive) > 0:
		next = now.Add(sessionLook)
	case h.Lease.Until.After(now):
		next = h.Lease.Until
	default:
		was := h.Lease
		say := l.passOn(ctx, &h, now)
		if !was.Until.IsZero() || !h.Free() {
			say = append(say, l.told(ctx, was.Claim, was.Message, was.Person+": your time with "+h.Resource+" is over."+h.isNow(), nil)...)
		}
		return h.Lease.Until, l.save(ctx, h, say...)
	}
	if ended {
		return next, l.save(ctx, h)
	}
	return next, nil
}

// passOn gives the resource to the first in line who may still have it, and
// says so to them; to nobody if there is none.
func (l *Leases) passOn(ctx context.Context, h *Holding, now time.Time) []Delivery {
	h.Lease, h.Sessions = Lease{}, nil
	for len(h.Queue) > 0 {
		w := h.Queue[0]
		h.Queue = h.Queue[1:]
		if p, err := l.Deliver.Standing(ctx, l.Policy, w.Claim); err != nil || !p.May(User) {
			continue // taken off the list meanwhile
		}
		h.Lease = Lease{Person: w.Person, Claim: w.Claim, Message: w.Message, Since: now, Until: now.Add(l.within(h.Resource, w.For))}
		var row []Button
		if w.Call != 0 {
			row = append(row, Button{Label: "Run it", Repeat: w.Call})
		}
		row = append(row, giveBack(h.Resource))
		text := fmt.Sprintf("%s: %s is yours %s.%s", w.Person, h.Resource, h.Lasts(), waits(h.Queue))
		return l.told(ctx, w.Claim, w.Message, text, row)
	}
	return nil
}

// told is a word to somebody where they asked for the resource, with buttons
// that are theirs. Who was taken off the list meanwhile hears nothing.
func (l *Leases) told(ctx context.Context, c Claim, m MessageID, text string, row []Button) []Delivery {
	if _, err := l.Deliver.Standing(ctx, l.Policy, c); err != nil {
		return nil
	}
	post := Plainf("%s", text)
	if len(row) > 0 {
		post.Keyboard = &Keyboard{Handle: NewHandle(), Only: c.Account, Rows: [][]Button{row}}
	}
	return []Delivery{{Thread: c.Thread, Slot: Slot("lease/" + NewHandle()), Post: post, ReplyTo: m, Final: true}}
}

// save writes a holding with what is to be said of it.
func (l *Leases) save(ctx context.Context, h Holding, say ...Delivery) error {
	err := l.Store.SetHolding(ctx, h, holdingsMost, say...)
	if errors.Is(err, ErrFull) {
		return Userf("%d resources are held already, which is the limit. /lock shows them.", holdingsMost)
	}
	if err != nil {
		return err
	}
	l.Deliver.Due(say...)
	l.Wake()
	return nil
}

// named is the name of a resource in the form that is kept.
func (l *Leases) named(name string) (string, error) {
	if !IsResource(name) {
		return "", Userf("%q cannot be locked: a name has up to 32 letters, digits and . _ / : -", clip(name, 40))
	}
	for _, r := range l.Resources {
		if strings.EqualFold(r.Name, name) {
			return r.Name, nil
		}
	}
	return name, nil
}

// most is the longest that one may hold the resource.
func (l *Leases) most(name string) time.Duration {
	for _, r := range l.Resources {
		if r.Name == name && r.Max > 0 {
			return r.Max
		}
	}
	return LeaseMost
}

// within is a wish within what may be; 0 wishes for the usual.
func (l *Leases) within(name string, wish time.Duration) time.Duration {
	if wish == 0 {
		wish = LeaseUsual
	}
	return min(wish, l.most(name))
}

// hold reads the holding of a resource as somebody names it; a free one when
// there is none.
func (l *Leases) hold(ctx context.Context, name string) (Holding, error) {
	name, err := l.named(name)
	if err != nil {
		return Holding{}, err
	}
	h, err := l.Store.Holding(ctx, name)
	if errors.Is(err, ErrNotFound) {
		return Holding{Resource: name}, nil
	}
	return h, err
}

// taken says that it is another's, and what can be done.
func (l *Leases) taken(h Holding) *UserError {
	return Userf("%s is %s's, %s.%s /queue %s gets you in line.", h.Resource, h.Lease.Person, h.Lasts(), waits(h.Queue), h.Resource)
}

// Lock gives the resource to the call's person for a time, 0 for the usual.
// Who has it already gets the time from now on, unless somebody waits. Errors
// are *UserError when the person can do something about them.
func (l *Leases) Lock(ctx context.Context, p Principal, c Call, name string, wish time.Duration) (Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.hold(ctx, name)
	if err != nil {
		return h, err
	}
	name = h.Resource
	if most := l.most(name); wish > most {
		return Holding{}, Userf("%s can be held for %s at most.", name, brief(most))
	}
	now := l.Now()
	mine := h.Lease.Person == p.Person()
	switch {
	case !h.Free() && !mine:
		return h, l.taken(h)
	case mine && len(h.Queue) > 0:
		return h, Userf("%s is yours %s, and cannot be prolonged:%s", name, h.Lasts(), waits(h.Queue))
	case !mine:
		h.Lease = Lease{Person: p.Person(), Since: now}
	}
	until := now.Add(l.within(name, wish))
	if end := h.Lease.Since.Add(l.most(name)); until.After(end) {
		return h, Userf("%s can be held for %s at most, and yours began at %s.", name, brief(l.most(name)), clockTime(h.Lease.Since))
	}
	h.Lease.Claim, h.Lease.Message, h.Lease.Until = c.Claim, c.Message, until
	return h, l.save(ctx, h)
}

// Unlock ends the person's lease, or with force, for an owner, anybody's. The
// first in line gets it, or the one who is named, if they are in line. It
// returns the holding as it is then.
func (l *Leases) Unlock(ctx context.Context, p Principal, name, to string, force bool) (Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.hold(ctx, name)
	if err != nil {
		return h, err
	}
	name = h.Resource
	mine := h.Lease.Person == p.Person()
	switch {
	case h.Free():
		return h, Userf("Nobody holds %s. /lock %s takes it.", name, name)
	case !mine && !p.May(Owner):
		return h, Userf("%s is %s's, %s. They can give it back; an owner can break that.", name, h.Lease.Person, h.Lasts())
	case !mine && !force:
		return h, Userf("%s is %s's, %s. To take it away from them: /unlock --break %s", name, h.Lease.Person, h.Lasts(), name)
	case len(h.Sessions) > 0 && !force:
		return h, Userf("Session %s holds %s. /stop %s ends it, and then it is free.", h.Sessions[0], name, h.Sessions[0])
	}
	if to != "" {
		i := slices.IndexFunc(h.Queue, func(w Waiter) bool { return strings.EqualFold(w.Person, to) })
		if i < 0 {
			return h, Userf("%s is not in line for %s.%s", clip(to, 40), name, waits(h.Queue))
		}
		first := h.Queue[i]
		h.Queue = append([]Waiter{first}, slices.Delete(h.Queue, i, i+1)...)
	}
	was := h.Lease
	say := l.passOn(ctx, &h, l.Now())
	if !mine {
		say = append(say, l.told(ctx, was.Claim, was.Message, fmt.Sprintf("%s: %s took %s away from you.%s", was.Person, p.Person(), name, h.isNow()), nil)...)
	}
	return h, l.save(ctx, h, say...)
}

// Queue puts the call's person in line, and tells the one who holds it; who
// finds it free has it at once, which the holding that is returned shows. With
// again, the call itself is offered to be run then.
func (l *Leases) Queue(ctx context.Context, p Principal, c Call, name string, wish time.Duration, again bool) (Holding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.hold(ctx, name)
	if err != nil {
		return h, err
	}
	name = h.Resource
	now := l.Now()
	w := Waiter{Person: p.Person(), Claim: c.Claim, Message: c.Message, For: l.within(name, wish)}
	if again {
		w.Call = c.ID
	}
	switch place := h.Place(w.Person); {
	case h.Free():
		h.Lease = Lease{Person: w.Person, Claim: w.Claim, Message: w.Message, Since: now, Until: now.Add(w.For)}
		return h, l.save(ctx, h)
	case h.Lease.Person == w.Person:
		return h, Userf("%s is yours already, %s.", name, h.Lasts())
	case place > 0:
		h.Queue[place-1] = w // what they want now
		return h, l.save(ctx, h)
	case len(h.Queue) >= queueMost:
		return h, Userf("%d people wait for %s, which is the limit.", queueMost, name)
	}
	h.Queue = append(h.Queue, w)
	row := []Button{{Label: "Hand over to " + clip(w.Person, 20), Command: "unlock", Args: Args{"name": {name}, "person": {w.Person}}}}
	if len(h.Sessions) > 0 {
		row = nil // what runs has to end first
	}
	text := fmt.Sprintf("%s: %s waits for %s, which is yours %s.", h.Lease.Person, w.Person, name, h.Lasts())
	return h, l.save(ctx, h, l.told(ctx, h.Lease.Claim, h.Lease.Message, text, row)...)
}

// Leave takes the person out of the line.
func (l *Leases) Leave(ctx context.Context, p Principal, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.hold(ctx, name)
	if err != nil {
		return err
	}
	name = h.Resource
	place := h.Place(p.Person())
	if place == 0 {
		return Userf("You are not in line for %s.", name)
	}
	h.Queue = slices.Delete(h.Queue, place-1, place)
	return l.save(ctx, h)
}

// List is every resource that is held, by name, and those of the configuration
// that are free.
func (l *Leases) List(ctx context.Context) ([]Holding, error) {
	all, err := l.Store.Holdings(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range l.Resources {
		if !slices.ContainsFunc(all, func(h Holding) bool { return h.Resource == r.Name }) {
			all = append(all, Holding{Resource: r.Name})
		}
	}
	slices.SortFunc(all, func(a, b Holding) int { return strings.Compare(a.Resource, b.Resource) })
	return all, nil
}

// enter has the call's session hold the resource for as long as it runs. If it
// is another's, the call is refused, or with wait put in line, to be offered
// then: either way the error is a *UserError and nothing may be started.
func (l *Leases) enter(ctx context.Context, p Principal, c Call, name string, wait bool) error {
	err := l.enterNow(ctx, p, c, name)
	var refused *UserError
	if !wait || !errors.As(err, &refused) {
		return err
	}
	h, err := l.Queue(ctx, p, c, name, 0, true)
	switch {
	case err != nil:
		return err
	case h.Lease.Person == p.Person():
		return l.enterNow(ctx, p, c, name) // it was given back at this moment
	}
	return Userf("%s is %s's, %s. You are number %d in line; when it is yours there is a button here to run this.",
		h.Resource, h.Lease.Person, h.Lasts(), h.Place(p.Person()))
}

func (l *Leases) enterNow(ctx context.Context, p Principal, c Call, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.hold(ctx, name)
	if err != nil {
		return err
	}
	switch {
	case h.Free():
		h.Lease = Lease{Person: p.Person(), Claim: c.Claim, Message: c.Message, Since: l.Now()}
	case h.Lease.Person != p.Person():
		return l.taken(h)
	}
	h.Sessions = append(h.Sessions, c.ID.Session())
	return l.save(ctx, h)
}
