package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chapi/bot"
)

// The turns of the deliveries of a room: outbox.turn.
const (
	turnPost      = iota // not posted yet: these keep their order
	turnFinalEdit        // a final revision of what is posted
	turnEdit             // another revision of what is posted
)

// turn is whose turn a delivery is among: of a slot with this target, or none.
func turn(target bot.MessageID, final bool) int {
	switch {
	case target == "":
		return turnPost
	case final:
		return turnFinalEdit
	default:
		return turnEdit
	}
}

// Put implements bot.Outbox. A slot is a place in the room that it is put into:
// the same name in another room is another slot. A delivery without a slot
// stands for itself.
func (db *DB) Put(ctx context.Context, ds ...bot.Delivery) error {
	if len(ds) == 0 {
		return nil
	}
	err := db.writer.do(ctx, anyFinal(ds), func(t tx) error { return db.put(t, ds, time.Now()) })
	if err != nil {
		return fmt.Errorf("put into %s: %w", ds[0].Thread, err)
	}
	return nil
}

func anyFinal(ds []bot.Delivery) bool {
	for _, d := range ds {
		if d.Final {
			return true
		}
	}
	return false
}

// put adds deliveries to the outbox, as a part of whatever they belong to.
func (db *DB) put(t tx, ds []bot.Delivery, now time.Time) error {
	for _, d := range ds {
		if err := db.putOne(t, d, now); err != nil {
			return fmt.Errorf("delivery into slot %q: %w", d.Slot, err)
		}
	}
	return nil
}

func (db *DB) putOne(t tx, d bot.Delivery, now time.Time) error {
	post, err := encode(d.Post)
	if err != nil {
		return err
	}
	var s slot
	d.Revision = 1
	if d.Slot != "" {
		if s, err = t.openSlot(d, now); err != nil {
			return err
		}
		d.Revision = s.revision
		if s.redirect != (bot.Thread{}) {
			// What it answers is where it can no longer go.
			d.Thread, d.ReplyTo = s.redirect, ""
		}
	}
	if err := t.keepKeyboard(d.Post.Keyboard, d.Thread, now); err != nil {
		return err
	}
	if err := t.advance(d.Session, d.Progress); err != nil {
		return err
	}
	if s.pending != 0 {
		return t.replaceDelivery(s, d, post)
	}
	return db.insertDelivery(t, s, d, post, now)
}

func (db *DB) insertDelivery(t tx, s slot, d bot.Delivery, post string, now time.Time) error {
	// Ids grow even while the outbox is empty, so that what is settled twice
	// cannot mean another delivery. The second half counts in what another
	// process has put.
	var id int64
	err := t.row(`INSERT INTO outbox (id, adapter, chat, topic, slot, revision, media, turn, post, reply_to, final,
			session, journal, page, page_from, said, told, attempts, doubt, mark, not_before, created)
		VALUES (max(?, coalesce((SELECT max(id) FROM outbox), 0) + 1),
			?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?, ?)
		RETURNING id`,
		db.deliveries, d.Thread.Adapter, string(d.Thread.Chat), string(d.Thread.Topic), string(d.Slot), d.Revision,
		d.Post.Media != nil, turn(s.target, d.Final), post, string(d.ReplyTo), d.Final,
		string(d.Session), string(journalOf(d.Post)), d.Progress.Page, d.Progress.From, d.Progress.Said, d.Progress.Told,
		micros(d.NotBefore), micros(now)).Scan(&id)
	if err != nil {
		return err
	}
	db.deliveries = id + 1
	if d.Slot == "" {
		return nil
	}
	_, err = t.exec("UPDATE slots SET pending = ? WHERE name = ? AND adapter = ? AND chat = ?",
		id, string(d.Slot), s.home.Adapter, string(s.home.Chat))
	return err
}

// replaceDelivery gives what waits for the slot a new revision. Its place in
// the order stays, and so does what is known of earlier attempts: one of them
// may be on its way at this moment.
func (t tx) replaceDelivery(s slot, d bot.Delivery, post string) error {
	_, err := t.exec(`UPDATE outbox SET revision = ?, media = ?, turn = ?, post = ?, final = ?,
			session = ?, journal = ?, page = ?, page_from = ?, said = ?, told = ?
		WHERE id = ?`,
		d.Revision, d.Post.Media != nil, turn(s.target, d.Final), post, d.Final,
		string(d.Session), string(journalOf(d.Post)), d.Progress.Page, d.Progress.From, d.Progress.Said, d.Progress.Told,
		s.pending)
	return err
}

// journalOf is the session whose output the post is made of when it is sent:
// its folder must stay until then.
func journalOf(p bot.Post) bot.SessionID {
	switch {
	case p.Output != nil:
		return p.Output.Session
	case p.Media != nil && p.Media.Output != nil:
		return p.Media.Output.Session
	default:
		return ""
	}
}

// slot is a row of slots.
type slot struct {
	home     bot.Thread // the room that it is put into
	revision int64
	pending  int64
	target   bot.MessageID
	redirect bot.Thread // zero when it is not
}

// openSlot counts a new revision of the delivery's slot and returns it.
func (t tx) openSlot(d bot.Delivery, now time.Time) (slot, error) {
	s, err := t.findSlot(d.Thread, d.Slot)
	if errors.Is(err, sql.ErrNoRows) {
		s = slot{home: d.Thread.Room(), revision: 1}
		_, err = t.exec(`INSERT INTO slots (name, adapter, chat, revision, pending, target, to_adapter, to_chat, to_topic, session, used)
			VALUES (?, ?, ?, 1, 0, '', '', '', '', ?, ?)`,
			string(d.Slot), s.home.Adapter, string(s.home.Chat), string(d.Session), micros(now))
		return s, err
	}
	if err != nil {
		return slot{}, err
	}
	s.revision++
	_, err = t.exec("UPDATE slots SET revision = ?, used = ? WHERE name = ? AND adapter = ? AND chat = ?",
		s.revision, micros(now), string(d.Slot), s.home.Adapter, string(s.home.Chat))
	return s, err
}

// findSlot is the slot of that name whose home is the thread's room, or else
// one that was redirected to it. It returns sql.ErrNoRows for neither.
func (t tx) findSlot(th bot.Thread, name bot.Slot) (found slot, err error) {
	err = t.each(func(row scanner) error {
		var s slot
		err := row.Scan(&s.home.Adapter, &s.home.Chat, &s.revision, &s.pending, &s.target,
			&s.redirect.Adapter, &s.redirect.Chat, &s.redirect.Topic)
		if found.revision == 0 || s.home == th.Room() {
			found = s
		}
		return err
	}, `SELECT adapter, chat, revision, pending, target, to_adapter, to_chat, to_topic FROM slots
		WHERE name = ? AND (adapter = ? AND chat = ? OR to_adapter = ? AND to_chat = ?)`,
		string(name), th.Adapter, string(th.Chat), th.Adapter, string(th.Chat))
	if err == nil && found.revision == 0 {
		err = sql.ErrNoRows
	}
	return found, err
}

const deliveryColumns = `o.id, o.adapter, o.chat, o.topic, o.slot, o.revision, o.post, o.reply_to, o.final,
	o.session, o.page, o.page_from, o.said, o.told, o.attempts, o.doubt, o.mark, o.not_before, o.created,
	coalesce((SELECT target FROM slots WHERE name = o.slot AND pending = o.id), '')`

func scanDelivery(row scanner) (d bot.Delivery, err error) {
	var post string
	var notBefore, created int64
	err = row.Scan(&d.ID, &d.Thread.Adapter, &d.Thread.Chat, &d.Thread.Topic, &d.Slot, &d.Revision, &post, &d.ReplyTo, &d.Final,
		&d.Session, &d.Progress.Page, &d.Progress.From, &d.Progress.Said, &d.Progress.Told,
		&d.Attempts, &d.Doubt, &d.Mark, &notBefore, &created, &d.Target)
	if err != nil {
		return bot.Delivery{}, err
	}
	d.NotBefore, d.Created = moment(notBefore), moment(created)
	if err := decode(post, &d.Post); err != nil {
		return bot.Delivery{}, fmt.Errorf("delivery %d: %w", d.ID, err)
	}
	return d, nil
}

// Next implements bot.Outbox. A post that may not be sent yet holds back the
// posts behind it, which keep their order, but no edits.
func (db *DB) Next(ctx context.Context, room bot.Thread, media bool, now time.Time) (d bot.Delivery, at time.Time, ok bool, err error) {
	// A file follows the text of its session.
	queue := []any{room.Adapter, string(room.Chat), media}
	d, err = scanDelivery(db.view(ctx).row("SELECT "+deliveryColumns+` FROM outbox o WHERE id IN (
			SELECT id FROM (SELECT id FROM outbox p WHERE adapter = ? AND chat = ? AND media = ? AND turn = 0
				AND NOT (media AND session <> '' AND EXISTS (SELECT 1 FROM outbox t
					WHERE t.session = p.session AND NOT t.media AND t.id < p.id))
				ORDER BY id LIMIT 1)
			UNION ALL
			SELECT id FROM outbox WHERE adapter = ? AND chat = ? AND media = ? AND turn > 0)
		ORDER BY max(not_before, ?), turn, id LIMIT 1`, append(append(queue, queue...), micros(now))...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return bot.Delivery{}, time.Time{}, false, nil
	case err != nil:
		return bot.Delivery{}, time.Time{}, false, fmt.Errorf("read next delivery of %s: %w", room, err)
	case d.NotBefore.After(now):
		return bot.Delivery{}, d.NotBefore, false, nil
	default:
		return d, time.Time{}, true, nil
	}
}

// Attempt implements bot.Outbox. From now until it is settled the delivery is
// in Doubt, so that nothing has to be put right after a crash. Of several
// attempts in doubt the first one's mark is kept: the post may be anywhere
// after it. It returns bot.ErrNotFound when there is no such delivery.
func (db *DB) Attempt(ctx context.Context, id bot.DeliveryID, mark string) error {
	err := db.writer.do(ctx, false, func(t tx) error {
		n, err := t.exec(`UPDATE outbox SET attempts = attempts + 1, mark = CASE doubt WHEN 0 THEN ? ELSE mark END, doubt = 1
			WHERE id = ?`, mark, int64(id))
		if err == nil && n == 0 {
			err = bot.ErrNotFound
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("attempt delivery %d: %w", id, err)
	}
	return nil
}

// Settle implements bot.Outbox. A receipt is recorded even when the delivery is
// not in the outbox any more; every other result is then nothing to do.
func (db *DB) Settle(ctx context.Context, d bot.Delivery, r bot.Result) error {
	err := db.writer.do(ctx, false, func(t tx) error { return t.settle(d, r, time.Now()) })
	if err != nil {
		return fmt.Errorf("settle delivery %d: %w", d.ID, err)
	}
	if r.Dropped != "" {
		db.log.Warn("delivery dropped", "delivery", int64(d.ID), "thread", d.Thread.String(),
			"slot", string(d.Slot), "reason", r.Dropped)
	}
	return nil
}

func (t tx) settle(d bot.Delivery, r bot.Result, now time.Time) error {
	e, err := t.entryOf(d)
	if err != nil {
		return err
	}
	if r.Receipt != nil {
		return t.settleSent(e, d, *r.Receipt, now)
	}
	switch {
	case !e.there:
		return nil
	case r.Thread != nil:
		return t.settleRedirected(e, d, *r.Thread, r.NotBefore)
	case r.Reset:
		return t.settleReset(e, r.NotBefore)
	case r.Dropped != "" && !e.newer:
		return t.removeEntry(e)
	default: // not sent, or perhaps; a newer revision than a dropped one stays
		doubt := r.Doubt || d.Doubt
		_, err := t.exec("UPDATE outbox SET not_before = ?, doubt = ?, mark = CASE WHEN ? THEN mark ELSE '' END WHERE id = ?",
			micros(r.NotBefore), doubt, doubt, e.id)
		return err
	}
}

// entry is what the outbox has of a delivery that is being settled.
type entry struct {
	id    int64
	there bool
	slot  bot.Slot
	newer bool // it is a later revision than the one that was sent
	moved bool // it goes to another room by now
}

func (t tx) entryOf(d bot.Delivery) (entry, error) {
	e := entry{id: int64(d.ID), slot: d.Slot}
	var room bot.Thread
	var revision int64
	err := t.row("SELECT adapter, chat, revision FROM outbox WHERE id = ?", e.id).
		Scan(&room.Adapter, &room.Chat, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return e, nil
	}
	e.there, e.newer, e.moved = true, revision > d.Revision, room != d.Thread.Room()
	return e, err
}

// settleSent records that the network has the delivery.
func (t tx) settleSent(e entry, d bot.Delivery, r bot.Receipt, now time.Time) error {
	if err := t.said(d.Session, d.Progress.Said); err != nil {
		return err
	}
	b := bot.Binding{Room: d.Thread.Room(), Message: r.Message, Session: d.Session}
	if err := t.bind(b, now); err != nil {
		return err
	}
	if e.slot != "" && !e.moved {
		// A message in a room that has moved since is no target in the new one.
		if err := t.setTarget(e, d, r.Message, now); err != nil {
			return err
		}
	}
	switch {
	case !e.there:
		return nil
	case !e.newer:
		return t.removeEntry(e)
	default:
		_, err := t.exec(`UPDATE outbox SET attempts = 0, doubt = 0, mark = '', not_before = 0, turn = CASE
			WHEN coalesce((SELECT target FROM slots WHERE name = slot AND pending = id), '') = '' THEN 0
			WHEN final THEN 1 ELSE 2 END WHERE id = ?`, e.id)
		return err
	}
}

// setTarget remembers the message of the entry's slot. A network that does not
// name it leaves what is known.
func (t tx) setTarget(e entry, d bot.Delivery, message bot.MessageID, now time.Time) error {
	if e.there {
		_, err := t.exec("UPDATE slots SET target = CASE ? WHEN '' THEN target ELSE ? END, used = ? WHERE name = ? AND pending = ?",
			string(message), string(message), micros(now), string(e.slot), e.id)
		return err
	}
	s, err := t.findSlot(d.Thread, e.slot)
	if errors.Is(err, sql.ErrNoRows) || message == "" {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = t.exec("UPDATE slots SET target = ? WHERE name = ? AND adapter = ? AND chat = ? AND pending = 0",
		string(message), string(e.slot), s.home.Adapter, string(s.home.Chat))
	return err
}

// settleRedirected sends the entry, and what follows in its slot, elsewhere: as
// a new post, which answers nothing there. Whether an earlier attempt came
// through where it was cannot be seen from the new place.
func (t tx) settleRedirected(e entry, d bot.Delivery, to bot.Thread, notBefore time.Time) error {
	var post string
	err := t.row(`UPDATE outbox SET adapter = ?, chat = ?, topic = ?, turn = 0, reply_to = '', doubt = 0, mark = '', not_before = ?
		WHERE id = ? RETURNING post`,
		to.Adapter, string(to.Chat), string(to.Topic), micros(notBefore), e.id).Scan(&post)
	if err != nil {
		return err
	}
	if e.slot != "" {
		_, err := t.exec("UPDATE slots SET target = '', to_adapter = ?, to_chat = ?, to_topic = ? WHERE name = ? AND pending = ?",
			to.Adapter, string(to.Chat), string(to.Topic), string(e.slot), e.id)
		if err != nil {
			return err
		}
	}
	if to.Room() == d.Thread.Room() {
		return nil
	}
	var p bot.Post
	if err := decode(post, &p); err != nil || p.Keyboard == nil {
		return err
	}
	_, err = t.exec("UPDATE keyboards SET adapter = ?, chat = ? WHERE handle = ?",
		to.Adapter, string(to.Chat), p.Keyboard.Handle)
	return err
}

// settleReset makes the entry a new post: the message to edit is gone, and any
// doubt about edits of it with it.
func (t tx) settleReset(e entry, notBefore time.Time) error {
	_, err := t.exec("UPDATE outbox SET turn = 0, doubt = 0, mark = '', not_before = ? WHERE id = ?", micros(notBefore), e.id)
	if err != nil || e.slot == "" {
		return err
	}
	_, err = t.exec("UPDATE slots SET target = '' WHERE name = ? AND pending = ?", string(e.slot), e.id)
	return err
}

func (t tx) removeEntry(e entry) error {
	if _, err := t.exec("DELETE FROM outbox WHERE id = ?", e.id); err != nil || e.slot == "" {
		return err
	}
	_, err := t.exec("UPDATE slots SET pending = 0 WHERE name = ? AND pending = ?", string(e.slot), e.id)
	return err
}

// Hurry implements bot.Outbox.
func (db *DB) Hurry(ctx context.Context, room bot.Thread) error {
	err := db.writer.do(ctx, false, func(t tx) error {
		_, err := t.exec("UPDATE outbox SET not_before = 0 WHERE adapter = ? AND chat = ?", room.Adapter, string(room.Chat))
		return err
	})
	if err != nil {
		return fmt.Errorf("hurry deliveries of %s: %w", room, err)
	}
	return nil
}

// Posted implements bot.Outbox.
func (db *DB) Posted(ctx context.Context, room bot.Thread, m bot.MessageID) (ours bool, err error) {
	at := []any{room.Adapter, string(room.Chat), string(m)}
	err = db.view(ctx).row(`SELECT EXISTS (SELECT 1 FROM bindings WHERE adapter = ? AND chat = ? AND message = ?)
		OR EXISTS (SELECT 1 FROM slots WHERE target <> '' AND iif(to_chat = '', adapter, to_adapter) = ?
			AND iif(to_chat = '', chat, to_chat) = ? AND target = ?)`, append(at, at...)...).Scan(&ours)
	if err != nil {
		return false, fmt.Errorf("look for message %s in %s: %w", m, room.Room(), err)
	}
	return ours, nil
}

// Answered implements bot.Outbox. The answers to a call are put into slots that
// carry its number.
func (db *DB) Answered(ctx context.Context, room bot.Thread, m bot.MessageID) (id bot.CallID, err error) {
	var slot string
	err = db.view(ctx).row(`SELECT name FROM slots WHERE target = ? AND iif(to_chat = '', adapter, to_adapter) = ?
		AND iif(to_chat = '', chat, to_chat) = ? AND name GLOB 'call/*'`, string(m), room.Adapter, string(room.Chat)).Scan(&slot)
	if err == nil {
		_, err = fmt.Sscanf(slot, "call/%d/", &id)
	}
	if err = orNotFound(err); err != nil {
		return 0, fmt.Errorf("look for what message %s in %s answers: %w", m, room.Room(), err)
	}
	return id, nil
}

// Recent implements bot.Outbox.
func (db *DB) Recent(ctx context.Context, adapter string, limit int) (known []bot.Binding, err error) {
	for _, query := range []string{
		`SELECT iif(to_chat = '', chat, to_chat), target FROM slots
			WHERE target <> '' AND iif(to_chat = '', adapter, to_adapter) = ? ORDER BY used DESC LIMIT ?`,
		"SELECT chat, message FROM calls WHERE adapter = ? AND message <> '' ORDER BY id DESC LIMIT ?",
	} {
		err := db.view(ctx).each(func(row scanner) error {
			k := bot.Binding{Room: bot.Thread{Adapter: adapter}}
			err := row.Scan(&k.Room.Chat, &k.Message)
			known = append(known, k)
			return err
		}, query, adapter, limit)
		if err != nil {
			return nil, fmt.Errorf("read recent messages of %s: %w", adapter, err)
		}
	}
	return known, nil
}

// Uses implements bot.Outbox.
func (db *DB) Uses(ctx context.Context, path string) (used bool, err error) {
	err = db.view(ctx).row("SELECT EXISTS (SELECT 1 FROM outbox WHERE media = 1 AND post ->> '$.media.path' = ?)", path).Scan(&used)
	if err != nil {
		return false, fmt.Errorf("look for the post of %s: %w", path, err)
	}
	return used, nil
}

// Rooms implements bot.Outbox.
func (db *DB) Rooms(ctx context.Context) ([]bot.Thread, error) {
	var rooms []bot.Thread
	err := db.view(ctx).each(func(row scanner) error {
		var room bot.Thread
		if err := row.Scan(&room.Adapter, &room.Chat); err != nil {
			return err
		}
		rooms = append(rooms, room)
		return nil
	}, "SELECT DISTINCT adapter, chat FROM outbox ORDER BY adapter, chat")
	if err != nil {
		return nil, fmt.Errorf("read rooms with deliveries: %w", err)
	}
	return rooms, nil
}

// Waiting implements bot.Outbox.
func (db *DB) Waiting(ctx context.Context) (n int, oldest time.Time, err error) {
	var created int64
	err = db.view(ctx).row("SELECT count(*), coalesce(min(created), 0) FROM outbox").Scan(&n, &created)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count deliveries: %w", err)
	}
	return n, moment(created), nil
}
