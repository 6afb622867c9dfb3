package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chapi/bot"
)

const (
	// pruneRead is how many rows are looked for at once. Looking may take a
	// walk over a whole table, and holds up nobody.
	pruneRead = 1000
	// pruneBatch is how many rows are removed in one transaction: others write
	// in between.
	pruneBatch = 100
)

// chore is how one kind of rows is pruned.
type chore struct {
	what    string
	columns int // of the key
	// list finds the keys of old rows; its arguments are the age and a limit.
	list string
	// remove takes a row's key and the age, and removes the row if it is
	// still to go.
	remove string
	// also takes the key of a removed row, and removes what hangs on it; may
	// be empty.
	also string
}

var oldSessions = chore{
	what: "sessions", columns: 1,
	list: `SELECT id FROM sessions WHERE state = 2 AND told = 1 AND ended < ?
		AND id NOT IN (SELECT session FROM outbox) AND id NOT IN (SELECT journal FROM outbox) ORDER BY number LIMIT ?`,
	remove: `DELETE FROM sessions WHERE id = ? AND told = 1 AND ended < ?
		AND id NOT IN (SELECT session FROM outbox) AND id NOT IN (SELECT journal FROM outbox)`,
	also: "DELETE FROM bindings WHERE session = ?",
}

var chores = []chore{
	{
		what: "messages", columns: 1,
		list:   "SELECT key FROM messages WHERE seen < ? LIMIT ?",
		remove: "DELETE FROM messages WHERE key = ? AND seen < ?",
	}, {
		what: "calls", columns: 1,
		list:   "SELECT id FROM calls WHERE state = 2 AND finished < ? AND id < (SELECT max(id) FROM calls) LIMIT ?",
		remove: "DELETE FROM calls WHERE id = ? AND state = 2 AND finished < ?",
	}, {
		what: "slots", columns: 3,
		list: `SELECT name, adapter, chat FROM slots WHERE used < ? AND pending = 0
			AND session NOT IN (SELECT id FROM sessions) LIMIT ?`,
		remove: "DELETE FROM slots WHERE name = ? AND adapter = ? AND chat = ? AND used < ? AND pending = 0",
	}, {
		what: "keyboards", columns: 1,
		list: `SELECT handle FROM keyboards WHERE put < ?
			AND (spent OR session NOT IN (SELECT id FROM sessions WHERE state < 2)) LIMIT ?`,
		remove: "DELETE FROM keyboards WHERE handle = ? AND put < ?",
	}, {
		what: "bindings", columns: 3,
		list: `SELECT adapter, chat, message FROM bindings WHERE bound < ?
			AND session NOT IN (SELECT id FROM sessions) LIMIT ?`,
		remove: "DELETE FROM bindings WHERE adapter = ? AND chat = ? AND message = ? AND bound < ?",
	}, {
		what: "codes", columns: 2,
		list:   "SELECT role, person FROM codes WHERE until < ? LIMIT ?",
		remove: "DELETE FROM codes WHERE role = ? AND person = ? AND until < ?",
	}, {
		what: "notices", columns: 1,
		list:   "SELECT topic FROM notices WHERE told < ? LIMIT ?",
		remove: "DELETE FROM notices WHERE topic = ? AND told < ?",
	},
}

// Prune implements bot.Store. It goes in small transactions, so that nobody
// waits long for it; when ctx ends, or one fails, what was removed until then
// stays removed and its sessions are returned with the error.
//
// Some things stay for longer: the newest call, because numbers are never used
// again; a session whose last word has not been put, or whose output is still
// to be sent; and what belongs to a session that is there. Keyboards that were
// never used go with the rest: what they were about is forgotten.
func (db *DB) Prune(ctx context.Context, before time.Time) ([]bot.SessionID, error) {
	old := micros(before)
	var gone []bot.SessionID
	err := db.tidy(ctx, oldSessions, old, func(key []any) {
		gone = append(gone, bot.SessionID(key[0].(string)))
	})
	for i := 0; err == nil && i < len(chores); i++ {
		err = db.tidy(ctx, chores[i], old, func([]any) {})
	}
	return gone, err
}

// tidy does one chore and tells of each row that it has removed.
func (db *DB) tidy(ctx context.Context, c chore, old int64, removed func(key []any)) error {
	for {
		keys, err := db.oldKeys(ctx, c, old)
		if err != nil {
			return fmt.Errorf("look for old %s: %w", c.what, err)
		}
		progress := false
		for batch := range slices.Chunk(keys, pruneBatch) {
			gone, err := db.removeOld(ctx, c, old, batch)
			if err != nil {
				return fmt.Errorf("prune %s: %w", c.what, err)
			}
			progress = progress || len(gone) > 0
			for _, key := range gone {
				removed(key)
			}
		}
		if len(keys) < pruneRead || !progress {
			return nil
		}
	}
}

func (db *DB) oldKeys(ctx context.Context, c chore, old int64) (keys [][]any, err error) {
	err = db.view(ctx).each(func(row scanner) error {
		key := make([]any, c.columns)
		into := make([]any, c.columns)
		for i := range key {
			into[i] = &key[i]
		}
		keys = append(keys, key)
		return row.Scan(into...)
	}, c.list, old, pruneRead)
	return keys, err
}

func (db *DB) removeOld(ctx context.Context, c chore, old int64, batch [][]any) (gone [][]any, err error) {
	err = db.writer.do(ctx, false, func(t tx) error {
		gone = nil
		for _, key := range batch {
			n, err := t.exec(c.remove, append(slices.Clip(key), old)...)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			gone = append(gone, key)
			if c.also == "" {
				continue
			}
			if _, err := t.exec(c.also, key...); err != nil {
				return err
			}
		}
		return nil
	})
	return gone, err
}
