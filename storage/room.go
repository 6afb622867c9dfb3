package storage

import "chapi/bot"

// moveRoom follows a chat that has got a new id, everywhere.
//
// The ids of its messages stay behind: in the new chat the same ids mean other
// messages (a Telegram supergroup counts from 1 again, where a basic group
// shared the count of the whole account). So what would have been an edit
// becomes a new post, nothing answers an old message any more, and old messages
// are no longer tied to sessions: a reply to whatever has the number now would
// be typed into a session that it was not meant for.
//
// Where both chats have a value of their own, that of the new one stays.
func (t tx) moveRoom(from, to bot.Thread) error {
	from, to = from.Room(), to.Room()
	if from == to {
		return nil
	}
	a, c := from.Adapter, string(from.Chat)
	b, d := to.Adapter, string(to.Chat)
	for _, change := range []struct {
		query string
		args  []any
	}{
		{"UPDATE calls SET adapter = ?, chat = ?, message = '', reply_to = '' WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},

		{"UPDATE sessions SET adapter = ?, chat = ?, root = '' WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},
		{"UPDATE sessions SET claim_adapter = ?, claim_chat = ? WHERE claim_adapter = ? AND claim_chat = ?", []any{b, d, a, c}},

		{"UPDATE schedules SET adapter = ?, chat = ?, message = '' WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},

		{"UPDATE OR IGNORE alerts SET adapter = ?, chat = ?, revision = revision + 1 WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},
		{"DELETE FROM alerts WHERE adapter = ? AND chat = ?", []any{a, c}},

		{"UPDATE outbox SET adapter = ?, chat = ?, turn = 0, reply_to = '', doubt = 0, mark = '' WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},
		{"UPDATE slots SET target = '' WHERE to_adapter = '' AND adapter = ? AND chat = ? OR to_adapter = ? AND to_chat = ?", []any{a, c, a, c}},
		{"UPDATE slots SET to_adapter = ?, to_chat = ? WHERE to_adapter = ? AND to_chat = ?", []any{b, d, a, c}},
		{"UPDATE OR IGNORE slots SET adapter = ?, chat = ? WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},
		// The new chat has a slot of that name: this one stays, and leads there.
		{"UPDATE slots SET to_adapter = ?, to_chat = ? WHERE adapter = ? AND chat = ? AND to_adapter = ''", []any{b, d, a, c}},

		{"DELETE FROM bindings WHERE adapter = ? AND chat = ?", []any{a, c}},
		{"UPDATE keyboards SET adapter = ?, chat = ? WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},

		{"UPDATE OR IGNORE chats SET adapter = ?, chat = ? WHERE adapter = ? AND chat = ?", []any{b, d, a, c}},
		{"DELETE FROM chats WHERE adapter = ? AND chat = ?", []any{a, c}},

		{"UPDATE OR IGNORE settings SET scope = ? WHERE scope = ?", []any{to.String(), from.String()}},
		{"DELETE FROM settings WHERE scope = ?", []any{from.String()}},
	} {
		if _, err := t.exec(change.query, change.args...); err != nil {
			return err
		}
	}
	return t.moveHoldings(from, to)
}
