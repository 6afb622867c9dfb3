package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chapi/bot"
)

const sessionColumns = `id, name, title, account_adapter, account_user, account_name,
	claim_adapter, claim_chat, claim_topic, claim_title, direct, origin,
	person, adapter, chat, topic, root, interactive, quiet, pty, argv, dir, state, started, exit,
	page, page_from, said, told, server, badges`

// Create implements bot.SessionStore. It returns bot.ErrExists when there is a
// session with that id.
func (db *DB) Create(ctx context.Context, s bot.Session) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		n, err := t.insertSession(s)
		if err != nil {
			return err
		}
		if n == 0 {
			return bot.ErrExists
		}
		return t.bind(bot.Binding{Room: s.Thread.Room(), Message: s.Root, Session: s.ID}, time.Now())
	})
	if err != nil {
		return fmt.Errorf("create session %s: %w", s.ID, err)
	}
	return nil
}

func (t tx) insertSession(s bot.Session) (int64, error) {
	var exit, badges string
	var ended time.Time
	if s.Claim.Badges != nil {
		var err error
		if badges, err = encode(s.Claim.Badges); err != nil {
			return 0, err
		}
	}
	if s.State == bot.Ended {
		var err error
		if exit, err = encode(s.Exit); err != nil {
			return 0, err
		}
		ended = s.Exit.At
	}
	return t.exec("INSERT INTO sessions ("+sessionColumns+`, ended)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO NOTHING`,
		string(s.ID), s.Name, s.Title,
		s.Claim.Account.Adapter, string(s.Claim.Account.User), s.Claim.Name,
		s.Claim.Thread.Adapter, string(s.Claim.Thread.Chat), string(s.Claim.Thread.Topic),
		s.Claim.Title, s.Claim.Direct, int(s.Claim.Origin),
		s.Person, s.Thread.Adapter, string(s.Thread.Chat), string(s.Thread.Topic), string(s.Root),
		s.Interactive, s.Quiet, s.PTY, packArgv(s.Argv), s.Dir, int(s.State), micros(s.Started), exit,
		s.Progress.Page, s.Progress.From, s.Progress.Said, s.Progress.Told,
		string(s.Claim.Server), badges, micros(ended))
}

func scanSession(row scanner) (s bot.Session, err error) {
	var argv, exit, badges string
	var started int64
	err = row.Scan(&s.ID, &s.Name, &s.Title,
		&s.Claim.Account.Adapter, &s.Claim.Account.User, &s.Claim.Name,
		&s.Claim.Thread.Adapter, &s.Claim.Thread.Chat, &s.Claim.Thread.Topic,
		&s.Claim.Title, &s.Claim.Direct, &s.Claim.Origin,
		&s.Person, &s.Thread.Adapter, &s.Thread.Chat, &s.Thread.Topic, &s.Root,
		&s.Interactive, &s.Quiet, &s.PTY, &argv, &s.Dir, &s.State, &started, &exit,
		&s.Progress.Page, &s.Progress.From, &s.Progress.Said, &s.Progress.Told,
		&s.Claim.Server, &badges)
	if err != nil {
		return bot.Session{}, err
	}
	s.Argv, s.Started = unpackArgv(argv), moment(started)
	if err := errors.Join(decode(exit, &s.Exit), decode(badges, &s.Claim.Badges)); err != nil {
		return bot.Session{}, fmt.Errorf("session %s: %w", s.ID, err)
	}
	return s, nil
}

// packArgv is how arguments are kept: each followed by a NUL, which none can
// contain. JSON would not keep bytes that are no UTF-8.
func packArgv(argv []string) string {
	var b strings.Builder
	for _, arg := range argv {
		b.WriteString(arg)
		b.WriteByte(0)
	}
	return b.String()
}

// unpackArgv reads what packArgv made.
func unpackArgv(packed string) []string {
	if packed == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(packed, "\x00"), "\x00")
}

// Running implements bot.SessionStore. For a session that has ended it does
// nothing; for an unknown one it returns bot.ErrNotFound.
func (db *DB) Running(ctx context.Context, id bot.SessionID) error {
	err := db.writer.do(ctx, false, func(t tx) error {
		n, err := t.running(id)
		if err != nil || n == 1 {
			return err
		}
		return t.requireSession(id)
	})
	if err != nil {
		return fmt.Errorf("session %s is running: %w", id, err)
	}
	return nil
}

// running moves a session on that was starting, and tells how many it were.
func (t tx) running(id bot.SessionID) (int64, error) {
	return t.exec("UPDATE sessions SET state = ? WHERE id = ? AND state = ?", int(bot.Running), string(id), int(bot.Starting))
}

// End implements bot.SessionStore. The first end of a session is the one that
// is kept. For an unknown session it returns bot.ErrNotFound.
func (db *DB) End(ctx context.Context, id bot.SessionID, e bot.Exit) error {
	err := db.writer.do(ctx, false, func(t tx) error {
		exit, err := encode(e)
		if err != nil {
			return err
		}
		ended := e.At
		if ended.IsZero() {
			ended = time.Now()
		}
		n, err := t.exec("UPDATE sessions SET state = ?, ended = ?, exit = ? WHERE id = ? AND state <> ?",
			int(bot.Ended), micros(ended), exit, string(id), int(bot.Ended))
		if err != nil || n == 1 {
			return err
		}
		return t.requireSession(id)
	})
	if err != nil {
		return fmt.Errorf("session %s has ended: %w", id, err)
	}
	return nil
}

// Move implements bot.SessionStore. Page, From and Told become what p says;
// what the network has confirmed stays confirmed. The new root is bound to the
// session. For an unknown session it returns bot.ErrNotFound.
func (db *DB) Move(ctx context.Context, id bot.SessionID, th bot.Thread, root bot.MessageID, p bot.Progress) error {
	err := db.writer.do(ctx, false, func(t tx) error {
		n, err := t.exec(`UPDATE sessions SET adapter = ?, chat = ?, topic = ?, root = ?,
				page = ?, page_from = ?, said = max(said, ?), told = ? WHERE id = ?`,
			th.Adapter, string(th.Chat), string(th.Topic), string(root),
			p.Page, p.From, p.Said, p.Told, string(id))
		if err == nil && n == 0 {
			err = bot.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.bind(bot.Binding{Room: th.Room(), Message: root, Session: id}, time.Now())
	})
	if err != nil {
		return fmt.Errorf("move session %s to %s: %w", id, th, err)
	}
	return nil
}

// Forget implements bot.SessionStore. It is no error if there is no such
// session.
func (db *DB) Forget(ctx context.Context, id bot.SessionID) error {
	err := db.writer.do(ctx, false, func(t tx) error { return t.removeSession(id) })
	if err != nil {
		return fmt.Errorf("forget session %s: %w", id, err)
	}
	return nil
}

func (t tx) removeSession(id bot.SessionID) error {
	if _, err := t.exec("DELETE FROM bindings WHERE session = ?", string(id)); err != nil {
		return err
	}
	_, err := t.exec("DELETE FROM sessions WHERE id = ?", string(id))
	return err
}

func (t tx) requireSession(id bot.SessionID) error {
	var there int
	return orNotFound(t.row("SELECT 1 FROM sessions WHERE id = ?", string(id)).Scan(&there))
}

// advance moves a session's pages on, never back: a page begins where it
// begins, and one that is late does not undo a newer one. The zero Progress
// changes nothing, nor does a delivery without a session.
func (t tx) advance(id bot.SessionID, p bot.Progress) error {
	if id == "" || (p.Page == 0 && p.From == 0 && !p.Told) {
		return nil
	}
	_, err := t.exec(`UPDATE sessions SET
			page_from = CASE WHEN page < ? THEN ? WHEN page = ? THEN max(page_from, ?) ELSE page_from END,
			page = max(page, ?), told = max(told, ?)
		WHERE id = ? AND (page < ? OR page = ? AND page_from < ? OR told < ?)`,
		p.Page, p.From, p.Page, p.From, p.Page, p.Told,
		string(id), p.Page, p.Page, p.From, p.Told)
	return err
}

// said moves on what the network has confirmed of a session's output.
func (t tx) said(id bot.SessionID, offset int64) error {
	if id == "" {
		return nil
	}
	_, err := t.exec("UPDATE sessions SET said = ? WHERE id = ? AND said < ?", offset, string(id), offset)
	return err
}

// bind ties a message to a session; the newest tie holds. A binding without
// message or session is none.
func (t tx) bind(b bot.Binding, now time.Time) error {
	if b.Message == "" || b.Session == "" {
		return nil
	}
	_, err := t.exec(`INSERT INTO bindings (adapter, chat, message, session, bound) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET session = excluded.session, bound = excluded.bound WHERE session <> excluded.session`,
		b.Room.Adapter, string(b.Room.Chat), string(b.Message), string(b.Session), micros(now))
	return err
}

// Session implements bot.SessionStore.
func (db *DB) Session(ctx context.Context, id bot.SessionID) (bot.Session, error) {
	s, err := scanSession(db.view(ctx).row("SELECT "+sessionColumns+" FROM sessions WHERE id = ?", string(id)))
	if err != nil {
		return bot.Session{}, fmt.Errorf("read session %s: %w", id, orNotFound(err))
	}
	return s, nil
}

// Sessions implements bot.SessionStore. Newest means created last.
func (db *DB) Sessions(ctx context.Context, f bot.SessionFilter) ([]bot.Session, error) {
	where := []string{"1"}
	var args []any
	add := func(condition string, values ...any) {
		where = append(where, condition)
		args = append(args, values...)
	}
	if f.Live {
		add("state < 2")
	}
	if f.Untold {
		add("told = 0")
	}
	if room := f.Room.Room(); room != (bot.Thread{}) {
		add("adapter = ? AND chat = ?", room.Adapter, string(room.Chat))
	}
	if th := f.Thread; th != (bot.Thread{}) {
		add("adapter = ? AND chat = ? AND topic = ?", th.Adapter, string(th.Chat), string(th.Topic))
	}
	if f.Person != "" {
		add("person = ?", f.Person)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = -1 // SQLite's word for all
	}
	args = append(args, limit)

	var sessions []bot.Session
	err := db.view(ctx).each(func(row scanner) error {
		s, err := scanSession(row)
		sessions = append(sessions, s)
		return err
	}, "SELECT "+sessionColumns+" FROM sessions WHERE "+strings.Join(where, " AND ")+" ORDER BY number DESC LIMIT ?", args...)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	return sessions, nil
}

// BoundTo implements bot.SessionStore.
func (db *DB) BoundTo(ctx context.Context, room bot.Thread, m bot.MessageID) (id bot.SessionID, err error) {
	err = db.view(ctx).row("SELECT session FROM bindings WHERE adapter = ? AND chat = ? AND message = ?",
		room.Adapter, string(room.Chat), string(m)).Scan(&id)
	if err != nil {
		return "", fmt.Errorf("session of message %s in %s: %w", m, room.Room(), orNotFound(err))
	}
	return id, nil
}
