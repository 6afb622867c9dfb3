-- What is to be called at times. Numbers are never used again: they are in the
-- keys of what was called.
CREATE TABLE schedules (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	account_adapter TEXT NOT NULL, -- who made it, and where
	account_user    TEXT NOT NULL,
	account_name    TEXT NOT NULL,
	adapter         TEXT NOT NULL,
	chat            TEXT NOT NULL,
	topic           TEXT NOT NULL,
	title           TEXT NOT NULL,
	direct          INTEGER NOT NULL,
	origin          INTEGER NOT NULL,
	person          TEXT NOT NULL,
	message         TEXT NOT NULL,
	line            TEXT NOT NULL,
	timing          TEXT NOT NULL, -- JSON
	missed          TEXT NOT NULL,
	state           INTEGER NOT NULL,
	due             INTEGER NOT NULL,
	last            INTEGER NOT NULL, -- the newest call that it made
	made            INTEGER NOT NULL
) STRICT;

-- Named resources that people hold, one at a time each.
CREATE TABLE holdings (
	resource TEXT PRIMARY KEY,
	revision INTEGER NOT NULL,
	body     TEXT NOT NULL -- JSON
) STRICT, WITHOUT ROWID;

-- What a chat is alerted of, and how that stands.
CREATE TABLE alerts (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	adapter  TEXT NOT NULL,
	chat     TEXT NOT NULL,
	topic    TEXT NOT NULL,
	rule     TEXT NOT NULL,
	revision INTEGER NOT NULL,
	body     TEXT NOT NULL, -- JSON
	UNIQUE (adapter, chat, topic, rule)
) STRICT;
