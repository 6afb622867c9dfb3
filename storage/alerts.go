package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chapi/bot"
)

const alertColumns = "id, adapter, chat, topic, rule, revision, body"

// scanAlert reads an alert. Its place is in the columns: it may have moved.
func scanAlert(row scanner) (a bot.Alert, err error) {
	var body, rule string
	var th bot.Thread
	var id, revision int64
	if err := row.Scan(&id, &th.Adapter, &th.Chat, &th.Topic, &rule, &revision, &body); err != nil {
		return bot.Alert{}, err
	}
	if err := decode(body, &a); err != nil {
		return bot.Alert{}, fmt.Errorf("alert %d: %w", id, err)
	}
	a.ID, a.Revision, a.Rule, a.Claim.Thread = bot.AlertID(id), revision, rule, th
	return a, nil
}

// AddAlert implements bot.AlertStore.
func (db *DB) AddAlert(ctx context.Context, a bot.Alert, most int) (added bot.Alert, err error) {
	th := a.Claim.Thread
	body, err := encode(a)
	if err != nil {
		return a, fmt.Errorf("add alert: %w", err)
	}
	err = db.writer.do(ctx, true, func(t tx) error {
		find := func() error {
			added, err = scanAlert(t.row("SELECT "+alertColumns+" FROM alerts WHERE adapter = ? AND chat = ? AND topic = ? AND rule = ?",
				th.Adapter, string(th.Chat), string(th.Topic), a.Rule))
			return orNotFound(err)
		}
		if err := find(); !errors.Is(err, bot.ErrNotFound) {
			return err
		}
		if most > 0 {
			var have int
			err := t.row("SELECT count(*) FROM alerts WHERE adapter = ? AND chat = ? AND coalesce(json_extract(body, '$.person'), '') <> ''",
				th.Adapter, string(th.Chat)).Scan(&have)
			if err != nil {
				return err
			}
			if have >= most {
				return bot.ErrFull
			}
		}
		_, err := t.exec("INSERT INTO alerts (adapter, chat, topic, rule, revision, body) VALUES (?, ?, ?, ?, 1, ?)",
			th.Adapter, string(th.Chat), string(th.Topic), a.Rule, body)
		if err != nil {
			return err
		}
		return find()
	})
	if err != nil {
		return bot.Alert{}, fmt.Errorf("add alert: %w", err)
	}
	return added, nil
}

// Alerts implements bot.AlertStore.
func (db *DB) Alerts(ctx context.Context) (all []bot.Alert, err error) {
	err = db.view(ctx).each(func(row scanner) error {
		a, err := scanAlert(row)
		all = append(all, a)
		return err
	}, "SELECT "+alertColumns+" FROM alerts ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return all, nil
}

// SetAlert implements bot.AlertStore.
func (db *DB) SetAlert(ctx context.Context, a bot.Alert, say ...bot.Delivery) error {
	body, err := encode(a)
	if err != nil {
		return fmt.Errorf("write alert %d: %w", a.ID, err)
	}
	err = db.writer.do(ctx, anyFinal(say), func(t tx) error {
		n, err := t.exec("UPDATE alerts SET body = ?, revision = revision + 1 WHERE id = ? AND revision = ?", body, int64(a.ID), a.Revision)
		if err != nil {
			return err
		}
		if n == 0 {
			return bot.ErrChanged
		}
		return db.put(t, say, time.Now())
	})
	if err != nil {
		return fmt.Errorf("write alert %d: %w", a.ID, err)
	}
	return nil
}

// RemoveAlert implements bot.AlertStore.
func (db *DB) RemoveAlert(ctx context.Context, id bot.AlertID) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		_, err := t.exec("DELETE FROM alerts WHERE id = ?", int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("remove alert %d: %w", id, err)
	}
	return nil
}
