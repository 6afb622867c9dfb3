package storage

import (
	"context"
	"fmt"
	"time"

	"chapi/bot"
)

// Keyboard implements bot.Keyboards.
func (db *DB) Keyboard(ctx context.Context, handle string) (k bot.Keyboard, room bot.Thread, spent bool, err error) {
	var body string
	err = db.view(ctx).row("SELECT body, adapter, chat, spent FROM keyboards WHERE handle = ?", handle).
		Scan(&body, &room.Adapter, &room.Chat, &spent)
	if err != nil {
		return bot.Keyboard{}, bot.Thread{}, false, fmt.Errorf("read keyboard: %w", orNotFound(err))
	}
	if err := decode(body, &k); err != nil {
		return bot.Keyboard{}, bot.Thread{}, false, fmt.Errorf("read keyboard: %w", err)
	}
	return k, room, spent, nil
}

// keepKeyboard stores the keyboard of a post, so that its buttons mean
// something. Put again, it may have other buttons, but what was used up stays
// so.
func (t tx) keepKeyboard(k *bot.Keyboard, th bot.Thread, now time.Time) error {
	if k == nil || k.Handle == "" {
		return nil
	}
	body, err := encode(k)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO keyboards (handle, adapter, chat, session, body, expires, spent, put)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?)
		ON CONFLICT DO UPDATE SET adapter = excluded.adapter, chat = excluded.chat, session = excluded.session,
			body = excluded.body, expires = excluded.expires, put = excluded.put`,
		k.Handle, th.Adapter, string(th.Chat), string(k.Session), body, micros(k.Expires), micros(now))
	return err
}
