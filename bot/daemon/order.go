package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// orderLook is how often it is looked whether an order has been forgotten by
// the machine.
const orderLook = time.Minute

// pendingOrder is the wish to go down that is on record, or nil.
func pendingOrder(ctx context.Context, s bot.Settings) (*device.Order, error) {
	text, err := s.Setting(ctx, device.OrderScope, device.OrderName)
	if err != nil || text == "" {
		return nil, err
	}
	var o device.Order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, nil // of another version: nothing hangs on it
	}
	return &o, nil
}

// orders tells the chat where somebody asked for it that the machine is back,
// or that it never went.
func (d *daemon) orders(ctx context.Context) error {
	ticker := time.NewTicker(orderLook)
	defer ticker.Stop()
	for {
		if err := d.settleOrder(ctx, time.Now()); err != nil && ctx.Err() == nil {
			d.log.Error("tell what became of an order", "err", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// settleOrder says what became of the order, once that is known.
func (d *daemon) settleOrder(ctx context.Context, now time.Time) error {
	o, err := pendingOrder(ctx, d.store)
	if err != nil || o == nil {
		return err
	}
	stillUp := o.Boot == d.boot.Machine
	if stillUp && o.Due(now) {
		return nil
	}
	text := backAgain(*o, d.boot.Started, d.boot.Alive)
	if stillUp {
		text = fmt.Sprintf("I am still up: the %s that %s asked for at %s has not happened. /journal may tell why.", o.What, o.Person, device.Moment(o.At))
	}
	say := bot.Delivery{
		Thread: o.Claim.Thread, Slot: bot.Slot("order/" + o.At.UTC().Format(time.RFC3339Nano)),
		Post: bot.Plainf("%s", text), ReplyTo: o.Ask, Final: true,
	}
	// Somebody who was taken off the list in the meantime hears nothing.
	if _, err := d.deliver.Standing(ctx, d.reception.Policy, o.Claim); err == nil {
		// Should we die between the two, it is not said twice.
		if _, err := d.store.Once(ctx, string(say.Slot), 24*time.Hour, say); err != nil {
			return err
		}
		d.deliver.Due(say)
	}
	return d.store.Set(ctx, device.OrderScope, device.OrderName, "")
}

// backAgain is said after the start that follows an order.
func backAgain(o device.Order, started, alive time.Time) string {
	away := started.Sub(o.At)
	if alive.After(o.At) && alive.Before(started) {
		away = started.Sub(alive)
	}
	at := device.Moment(o.At)
	if o.What == device.Poweroff {
		return fmt.Sprintf("I am back; %s had me powered off at %s (off for %s).", o.Person, at, lasted(away))
	}
	return fmt.Sprintf("I am back, because %s asked for a reboot at %s (down %s).", o.Person, at, lasted(away))
}
