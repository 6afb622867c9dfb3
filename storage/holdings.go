package storage

import (
	"context"
	"fmt"
	"time"

	"chapi/bot"
)

func scanHolding(row scanner) (h bot.Holding, err error) {
	var body string
	if err := row.Scan(&h.Resource, &h.Revision, &body); err != nil {
		return bot.Holding{}, err
	}
	return h, decode(body, &h)
}

// Holding implements bot.Holdings.
func (db *DB) Holding(ctx context.Context, resource string) (bot.Holding, error) {
	h, err := scanHolding(db.view(ctx).row("SELECT resource, revision, body FROM holdings WHERE resource = ?", resource))
	if err != nil {
		return bot.Holding{}, fmt.Errorf("read who holds %s: %w", resource, orNotFound(err))
	}
	return h, nil
}

// Holdings implements bot.Holdings.
func (db *DB) Holdings(ctx context.Context) ([]bot.Holding, error) {
	all, err := db.view(ctx).holdings()
	if err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	return all, nil
}

func (v view) holdings() (all []bot.Holding, err error) {
	err = v.each(func(row scanner) error {
		h, err := scanHolding(row)
		all = append(all, h)
		return err
	}, "SELECT resource, revision, body FROM holdings ORDER BY resource")
	return all, err
}

// SetHolding implements bot.Holdings.
func (db *DB) SetHolding(ctx context.Context, h bot.Holding, most int, say ...bot.Delivery) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		if err := t.setHolding(h, most); err != nil {
			return err
		}
		return db.put(t, say, time.Now())
	})
	if err != nil {
		return fmt.Errorf("note who holds %s: %w", h.Resource, err)
	}
	return nil
}

func (t tx) setHolding(h bot.Holding, most int) error {
	body, err := encode(h)
	if err != nil {
		return err
	}
	var n int64
	switch {
	case h.Revision == 0 && h.Free():
		return nil
	case h.Revision == 0:
		var have int
		if err := t.row("SELECT count(*) FROM holdings").Scan(&have); err != nil {
			return err
		}
		if have >= most {
			return bot.ErrFull
		}
		n, err = t.exec("INSERT INTO holdings (resource, revision, body) VALUES (?, 1, ?) ON CONFLICT DO NOTHING", h.Resource, body)
	case h.Free():
		n, err = t.exec("DELETE FROM holdings WHERE resource = ? AND revision = ?", h.Resource, h.Revision)
	default:
		n, err = t.exec("UPDATE holdings SET body = ?, revision = revision + 1 WHERE resource = ? AND revision = ?", body, h.Resource, h.Revision)
	}
	if err == nil && n == 0 {
		return bot.ErrChanged
	}
	return err
}

// moveHoldings lets who holds or waits for something hear of it in the chat's
// new place.
func (t tx) moveHoldings(from, to bot.Thread) error {
	all, err := t.holdings()
	if err != nil {
		return err
	}
	for _, h := range all {
		changed := false
		move := func(th *bot.Thread, m *bot.MessageID) {
			if th.Room() == from.Room() {
				th.Adapter, th.Chat, *m, changed = to.Adapter, to.Chat, "", true
			}
		}
		move(&h.Lease.Claim.Thread, &h.Lease.Message)
		for i := range h.Queue {
			move(&h.Queue[i].Claim.Thread, &h.Queue[i].Message)
		}
		if !changed {
			continue
		}
		if err := t.setHolding(h, 0); err != nil {
			return err
		}
	}
	return nil
}
