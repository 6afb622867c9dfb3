package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chapi/bot"
)

// usualCalls is how many calls Calls returns when the filter does not say.
const usualCalls = 20

// NewCall implements bot.Ledger.
func (db *DB) NewCall() bot.CallID { return bot.CallID(db.calls.Add(1)) }

// Accept implements bot.Ledger. Moves take effect before the entries.
func (db *DB) Accept(ctx context.Context, in bot.Intake) ([]bot.Entered, error) {
	var became []bot.Entered
	err := db.writer.do(ctx, true, func(t tx) error {
		became = make([]bot.Entered, len(in.Entries))
		for _, m := range in.Moves {
			if err := t.moveRoom(m.From, m.To); err != nil {
				return fmt.Errorf("move %s to %s: %w", m.From, m.To, err)
			}
		}
		now := time.Now()
		for i, e := range in.Entries {
			var err error
			if became[i], err = db.enter(t, e, now); err != nil {
				return fmt.Errorf("message %s: %w", e.Key, err)
			}
		}
		return t.setCursor(in.Adapter, in.Cursor)
	})
	if err != nil {
		return nil, fmt.Errorf("accept from %s: %w", in.Adapter, err)
	}
	return became, nil
}

// enter records one entry of an intake.
func (db *DB) enter(t tx, e bot.Entry, now time.Time) (bot.Entered, error) {
	fresh, err := t.remember(e.Key, now)
	if err != nil {
		return 0, err
	}
	if !fresh {
		return bot.Seen, nil
	}
	if e.Press != "" {
		n, err := t.exec("UPDATE keyboards SET spent = 1 WHERE handle = ? AND spent = 0", e.Press)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return bot.Spent, nil
		}
	}
	if e.Turn != nil {
		if there, err := t.turn(*e.Turn); err != nil {
			return 0, fmt.Errorf("schedule %d: %w", e.Turn.Schedule, err)
		} else if !there {
			return bot.Spent, nil
		}
	}
	if e.Call != nil {
		if err := t.insertCall(*e.Call, now); err != nil {
			return 0, fmt.Errorf("call %d: %w", e.Call.ID, err)
		}
	}
	if err := t.bind(e.Bind, now); err != nil {
		return 0, err
	}
	return bot.Fresh, db.put(t, e.Say, now)
}

// remember records a message's key and reports whether it is new.
func (t tx) remember(key string, now time.Time) (fresh bool, err error) {
	n, err := t.exec("INSERT INTO messages (key, seen) VALUES (?, ?) ON CONFLICT DO NOTHING", key, micros(now))
	return n == 1, err
}

func (t tx) setCursor(adapter, cursor string) error {
	if cursor == "" {
		return nil
	}
	_, err := t.exec(`INSERT INTO cursors (adapter, cursor) VALUES (?, ?)
		ON CONFLICT DO UPDATE SET cursor = excluded.cursor`, adapter, cursor)
	return err
}

// Cursor implements bot.Ledger. It is empty for an adapter that never gave one.
func (db *DB) Cursor(ctx context.Context, adapter string) (string, error) {
	var cursor string
	err := db.view(ctx).row("SELECT cursor FROM cursors WHERE adapter = ?", adapter).Scan(&cursor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("read cursor of %s: %w", adapter, err)
	}
	return cursor, nil
}

// Begin implements bot.Ledger. It returns bot.ErrNotFound for an unknown call.
func (db *DB) Begin(ctx context.Context, id bot.CallID, synced bool) error {
	err := db.writer.do(ctx, synced, func(t tx) error {
		n, err := t.exec("UPDATE calls SET state = ?, begun = ? WHERE id = ? AND state = ?",
			int(bot.Begun), micros(time.Now()), int64(id), int(bot.Accepted))
		if err != nil || n == 1 {
			return err
		}
		if _, err := t.callState(id); err != nil {
			return err
		}
		return bot.ErrBegun
	})
	if err != nil {
		return fmt.Errorf("begin call %d: %w", id, err)
	}
	return nil
}

// Finish implements bot.Ledger. A call need not be begun to be finished: those
// that were refused or came late are not. It returns bot.ErrNotFound for an
// unknown call.
func (db *DB) Finish(ctx context.Context, id bot.CallID, o bot.Outcome, detail string, say ...bot.Delivery) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		now := time.Now()
		n, err := t.exec("UPDATE calls SET state = ?, finished = ?, outcome = ?, detail = ? WHERE id = ? AND state <> ?",
			int(bot.Completed), micros(now), int(o), detail, int64(id), int(bot.Completed))
		if err != nil {
			return err
		}
		if n == 0 {
			_, err := t.callState(id)
			return err
		}
		if _, err := t.running(id.Session()); err != nil {
			return err
		}
		return db.put(t, say, now)
	})
	if err != nil {
		return fmt.Errorf("finish call %d: %w", id, err)
	}
	return nil
}

func (t tx) callState(id bot.CallID) (s bot.CallState, err error) {
	err = t.row("SELECT state FROM calls WHERE id = ?", int64(id)).Scan(&s)
	return s, orNotFound(err)
}

const callColumns = `id, key, command, args, account_adapter, account_user, account_name, adapter, chat, topic,
	title, direct, origin, message, reply_to, session, text, files, state, accepted, begun, finished, outcome, detail,
	server, badges`

// insertCall records a call as Accepted, or as Completed when it has its
// outcome already. Times that it does not carry are now.
func (t tx) insertCall(c bot.Call, now time.Time) error {
	var args, files, badges string
	var err error
	if c.Claim.Badges != nil {
		if badges, err = encode(c.Claim.Badges); err != nil {
			return err
		}
	}
	if len(c.Args) > 0 {
		if args, err = encode(c.Args); err != nil {
			return err
		}
	}
	if len(c.Files) > 0 {
		if files, err = encode(c.Files); err != nil {
			return err
		}
	}
	if c.Accepted.IsZero() {
		c.Accepted = now
	}
	if c.State != bot.Completed {
		c.State, c.Begun, c.Finished, c.Outcome, c.Detail = bot.Accepted, time.Time{}, time.Time{}, 0, ""
	} else if c.Finished.IsZero() {
		c.Finished = now
	}
	_, err = t.exec("INSERT INTO calls ("+callColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(c.ID), c.Key, c.Command, args,
		c.Claim.Account.Adapter, string(c.Claim.Account.User), c.Claim.Name,
		c.Claim.Thread.Adapter, string(c.Claim.Thread.Chat), string(c.Claim.Thread.Topic),
		c.Claim.Title, c.Claim.Direct, int(c.Claim.Origin),
		string(c.Message), string(c.ReplyTo), string(c.Session), c.Text, files,
		int(c.State), micros(c.Accepted), micros(c.Begun), micros(c.Finished), int(c.Outcome), c.Detail,
		string(c.Claim.Server), badges)
	return err
}

func scanCall(row scanner) (c bot.Call, err error) {
	var args, files, badges string
	var accepted, begun, finished int64
	err = row.Scan(&c.ID, &c.Key, &c.Command, &args,
		&c.Claim.Account.Adapter, &c.Claim.Account.User, &c.Claim.Name,
		&c.Claim.Thread.Adapter, &c.Claim.Thread.Chat, &c.Claim.Thread.Topic,
		&c.Claim.Title, &c.Claim.Direct, &c.Claim.Origin,
		&c.Message, &c.ReplyTo, &c.Session, &c.Text, &files,
		&c.State, &accepted, &begun, &finished, &c.Outcome, &c.Detail,
		&c.Claim.Server, &badges)
	if err != nil {
		return bot.Call{}, err
	}
	c.Accepted, c.Begun, c.Finished = moment(accepted), moment(begun), moment(finished)
	if err := errors.Join(decode(args, &c.Args), decode(files, &c.Files), decode(badges, &c.Claim.Badges)); err != nil {
		return bot.Call{}, fmt.Errorf("call %d: %w", c.ID, err)
	}
	return c, nil
}

// Unfinished implements bot.Ledger. Oldest means least number.
func (db *DB) Unfinished(ctx context.Context) ([]bot.Call, error) {
	return db.listCalls(ctx, "SELECT "+callColumns+" FROM calls WHERE state < 2 ORDER BY id")
}

// Call implements bot.Ledger.
func (db *DB) Call(ctx context.Context, id bot.CallID) (bot.Call, error) {
	c, err := scanCall(db.view(ctx).row("SELECT "+callColumns+" FROM calls WHERE id = ?", int64(id)))
	if err != nil {
		return bot.Call{}, fmt.Errorf("read call %d: %w", id, orNotFound(err))
	}
	return c, nil
}

// Calls implements bot.Ledger. Newest means greatest number.
func (db *DB) Calls(ctx context.Context, f bot.CallFilter) ([]bot.Call, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = usualCalls
	}
	anyRoom := f.Room.Room() == bot.Thread{}
	anyAccount := f.Account == bot.Account{}
	return db.listCalls(ctx, "SELECT "+callColumns+` FROM calls
		WHERE (? OR adapter = ? AND chat = ?)
		  AND (? OR account_adapter = ? AND account_user = ?)
		  AND (? OR command = ?)
		  AND (? OR message = ?)
		ORDER BY id DESC LIMIT ?`,
		anyRoom, f.Room.Adapter, string(f.Room.Chat),
		anyAccount, f.Account.Adapter, string(f.Account.User),
		f.Command == "", f.Command,
		f.Message == "", string(f.Message),
		limit)
}

func (db *DB) listCalls(ctx context.Context, query string, args ...any) ([]bot.Call, error) {
	var calls []bot.Call
	err := db.view(ctx).each(func(row scanner) error {
		c, err := scanCall(row)
		calls = append(calls, c)
		return err
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read calls: %w", err)
	}
	return calls, nil
}

// view is the committed state. A read takes microseconds and is not called off
// when ctx ends: the two goroutines that wait for that would cost more.
func (db *DB) view(ctx context.Context) view {
	return view{ctx: context.WithoutCancel(ctx), statements: db.reads}
}

// orNotFound turns the lack of a row into bot.ErrNotFound.
func orNotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return bot.ErrNotFound
	}
	return err
}
