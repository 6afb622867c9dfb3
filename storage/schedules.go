package storage

import (
	"context"
	"fmt"
	"time"

	"chapi/bot"
)

// AddSchedule implements bot.Schedules.
func (db *DB) AddSchedule(ctx context.Context, s bot.Schedule, most int) (id bot.ScheduleID, err error) {
	timing, err := encode(s.Timing)
	if err != nil {
		return 0, fmt.Errorf("add schedule: %w", err)
	}
	err = db.writer.do(ctx, true, func(t tx) error {
		var have int
		if err := t.row("SELECT count(*) FROM schedules WHERE person = ?", s.Person).Scan(&have); err != nil {
			return err
		}
		if have >= most {
			return bot.ErrFull
		}
		c := s.Claim
		return t.row(`INSERT INTO schedules (account_adapter, account_user, account_name, adapter, chat, topic, title, direct, origin,
				person, message, line, timing, missed, state, due, last, made)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			c.Account.Adapter, string(c.Account.User), c.Name,
			c.Thread.Adapter, string(c.Thread.Chat), string(c.Thread.Topic), c.Title, c.Direct, int(c.Origin),
			s.Person, string(s.Message), s.Line, timing, string(s.Missed),
			int(s.State), micros(s.Due), int64(s.Last), micros(s.Made)).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("add schedule: %w", err)
	}
	return id, nil
}

const scheduleColumns = `id, account_adapter, account_user, account_name, adapter, chat, topic, title, direct, origin,
	person, message, line, timing, missed, state, due, last, made`

func scanSchedule(row scanner) (s bot.Schedule, err error) {
	var timing string
	var due, made int64
	c := &s.Claim
	err = row.Scan(&s.ID, &c.Account.Adapter, &c.Account.User, &c.Name,
		&c.Thread.Adapter, &c.Thread.Chat, &c.Thread.Topic, &c.Title, &c.Direct, &c.Origin,
		&s.Person, &s.Message, &s.Line, &timing, &s.Missed, &s.State, &due, &s.Last, &made)
	if err != nil {
		return bot.Schedule{}, err
	}
	s.Due, s.Made = moment(due), moment(made)
	return s, decode(timing, &s.Timing)
}

// Schedule implements bot.Schedules.
func (db *DB) Schedule(ctx context.Context, id bot.ScheduleID) (bot.Schedule, error) {
	s, err := scanSchedule(db.view(ctx).row("SELECT "+scheduleColumns+" FROM schedules WHERE id = ?", int64(id)))
	if err != nil {
		return bot.Schedule{}, fmt.Errorf("read schedule %d: %w", id, orNotFound(err))
	}
	return s, nil
}

// Schedules implements bot.Schedules.
func (db *DB) Schedules(ctx context.Context, f bot.ScheduleFilter) ([]bot.Schedule, error) {
	var found []bot.Schedule
	err := db.view(ctx).each(func(row scanner) error {
		s, err := scanSchedule(row)
		found = append(found, s)
		return err
	}, "SELECT "+scheduleColumns+` FROM schedules
		WHERE (? OR adapter = ? AND chat = ?) AND (? OR person = ?) AND (? OR state = ?) ORDER BY id`,
		f.Room.Room() == bot.Thread{}, f.Room.Adapter, string(f.Room.Chat),
		f.Person == "", f.Person, !f.On, int(bot.ScheduleOn))
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return found, nil
}

// SetSchedule implements bot.Schedules.
func (db *DB) SetSchedule(ctx context.Context, id bot.ScheduleID, state bot.ScheduleState, due time.Time) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		_, err := t.exec("UPDATE schedules SET state = ?, due = ? WHERE id = ?", int(state), micros(due), int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("change schedule %d: %w", id, err)
	}
	return nil
}

// RemoveSchedule implements bot.Schedules.
func (db *DB) RemoveSchedule(ctx context.Context, id bot.ScheduleID) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		_, err := t.exec("DELETE FROM schedules WHERE id = ?", int64(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("remove schedule %d: %w", id, err)
	}
	return nil
}

// turn moves a schedule on past an occurrence, and reports whether it was on
// and at it.
func (t tx) turn(turn bot.Turn) (bool, error) {
	due := micros(turn.Due)
	if turn.Next.IsZero() {
		n, err := t.exec("DELETE FROM schedules WHERE id = ? AND due = ? AND state = ?",
			int64(turn.Schedule), due, int(bot.ScheduleOn))
		return n == 1, err
	}
	state := bot.ScheduleOn
	if turn.Off {
		state = bot.ScheduleOff
	}
	n, err := t.exec(`UPDATE schedules SET due = ?, state = ?, last = CASE ? WHEN 0 THEN last ELSE ? END
		WHERE id = ? AND due = ? AND state = ?`,
		micros(turn.Next), int(state), int64(turn.Call), int64(turn.Call), int64(turn.Schedule), due, int(bot.ScheduleOn))
	return n == 1, err
}
