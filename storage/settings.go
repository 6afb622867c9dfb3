package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chapi/bot"
)

// Setting implements bot.Settings.
func (db *DB) Setting(ctx context.Context, scope, name string) (value string, err error) {
	err = db.view(ctx).row("SELECT value FROM settings WHERE scope = ? AND name = ?", scope, name).Scan(&value)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read setting %s of %s: %w", name, scope, err)
	}
	return value, nil
}

// Set implements bot.Settings.
func (db *DB) Set(ctx context.Context, scope, name, value string) error {
	err := db.writer.do(ctx, false, func(t tx) (err error) {
		if value == "" {
			_, err = t.exec("DELETE FROM settings WHERE scope = ? AND name = ?", scope, name)
		} else {
			_, err = t.exec(`INSERT INTO settings (scope, name, value) VALUES (?, ?, ?)
				ON CONFLICT DO UPDATE SET value = excluded.value`, scope, name, value)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set %s of %s: %w", name, scope, err)
	}
	return nil
}

// Settings implements bot.Settings. The map is never nil.
func (db *DB) Settings(ctx context.Context, scope string) (map[string]string, error) {
	values := make(map[string]string)
	err := db.view(ctx).each(func(row scanner) error {
		var name, value string
		if err := row.Scan(&name, &value); err != nil {
			return err
		}
		values[name] = value
		return nil
	}, "SELECT name, value FROM settings WHERE scope = ?", scope)
	if err != nil {
		return nil, fmt.Errorf("read settings of %s: %w", scope, err)
	}
	return values, nil
}

// Once implements bot.Settings. What was told in the future, by a clock that
// has been set back since, does not count.
func (db *DB) Once(ctx context.Context, topic string, every time.Duration, say ...bot.Delivery) (bool, error) {
	var told bool
	err := db.writer.do(ctx, anyFinal(say), func(t tx) error {
		now := time.Now()
		n, err := t.exec(`INSERT INTO notices (topic, told) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET told = excluded.told WHERE told <= ? OR told > excluded.told`,
			topic, micros(now), micros(now.Add(-every)))
		told = n == 1
		if err != nil || !told {
			return err
		}
		return db.put(t, say, now)
	})
	if err != nil {
		return false, fmt.Errorf("tell of %s: %w", topic, err)
	}
	return told, nil
}
