-- Times are microseconds since 1970, UTC; 0 is "never". Booleans are 0 and 1.
-- A thread is three columns (adapter, chat, topic); a room the first two.

-- What was taken in: a message is known by its key for as long as the network
-- may repeat it.
CREATE TABLE messages (
	key  TEXT PRIMARY KEY,
	seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_seen ON messages (seen);

-- How far each adapter's queue was taken in.
CREATE TABLE cursors (
	adapter TEXT PRIMARY KEY,
	cursor  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE calls (
	id              INTEGER PRIMARY KEY,
	key             TEXT NOT NULL, -- of the message that made it
	command         TEXT NOT NULL,
	args            TEXT NOT NULL, -- JSON, or '' for none
	account_adapter TEXT NOT NULL,
	account_user    TEXT NOT NULL,
	account_name    TEXT NOT NULL,
	adapter         TEXT NOT NULL,
	chat            TEXT NOT NULL,
	topic           TEXT NOT NULL,
	title           TEXT NOT NULL,
	direct          INTEGER NOT NULL,
	origin          INTEGER NOT NULL,
	message         TEXT NOT NULL,
	reply_to        TEXT NOT NULL,
	session         TEXT NOT NULL,
	text            TEXT NOT NULL,
	files           TEXT NOT NULL, -- JSON, or '' for none
	state           INTEGER NOT NULL,
	accepted        INTEGER NOT NULL,
	begun           INTEGER NOT NULL,
	finished        INTEGER NOT NULL,
	outcome         INTEGER NOT NULL,
	detail          TEXT NOT NULL
) STRICT;
CREATE INDEX calls_unfinished ON calls (id) WHERE state < 2;
CREATE INDEX calls_finished ON calls (finished) WHERE state = 2;

-- A place in a chat that may be edited. Its home is the room that it is put
-- into; after a redirection its messages go elsewhere.
CREATE TABLE slots (
	name       TEXT NOT NULL,
	adapter    TEXT NOT NULL,
	chat       TEXT NOT NULL,
	revision   INTEGER NOT NULL, -- of the newest delivery put into it
	pending    INTEGER NOT NULL, -- the outbox entry that waits for it, or 0
	target     TEXT NOT NULL,    -- its message on the network, or ''
	to_adapter TEXT NOT NULL,    -- where it is redirected to; all '' when it is not
	to_chat    TEXT NOT NULL,
	to_topic   TEXT NOT NULL,
	session    TEXT NOT NULL,
	used       INTEGER NOT NULL, -- when it was last put into or settled
	PRIMARY KEY (name, adapter, chat)
) STRICT, WITHOUT ROWID;

-- What is still to be said. An entry leaves when it is settled for good.
CREATE TABLE outbox (
	id         INTEGER PRIMARY KEY,
	adapter    TEXT NOT NULL,
	chat       TEXT NOT NULL,
	topic      TEXT NOT NULL,
	slot       TEXT NOT NULL,    -- a slot's name, or '' for none
	revision   INTEGER NOT NULL,
	media      INTEGER NOT NULL, -- 1 when the post has media
	turn       INTEGER NOT NULL, -- 0 a new post, 1 a final edit, 2 another edit
	post       TEXT NOT NULL,    -- JSON
	reply_to   TEXT NOT NULL,
	final      INTEGER NOT NULL,
	session    TEXT NOT NULL,
	journal    TEXT NOT NULL,    -- the session whose output it is made of, or ''
	page       INTEGER NOT NULL,
	page_from  INTEGER NOT NULL,
	said       INTEGER NOT NULL,
	told       INTEGER NOT NULL,
	attempts   INTEGER NOT NULL,
	doubt      INTEGER NOT NULL, -- 1 from an attempt until it is known how it went
	mark       TEXT NOT NULL,
	not_before INTEGER NOT NULL,
	created    INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_turn ON outbox (adapter, chat, media, turn, id);

CREATE TABLE sessions (
	number          INTEGER PRIMARY KEY, -- order of creation
	id              TEXT NOT NULL UNIQUE,
	name            TEXT NOT NULL,
	title           TEXT NOT NULL,
	account_adapter TEXT NOT NULL,
	account_user    TEXT NOT NULL,
	account_name    TEXT NOT NULL,
	claim_adapter   TEXT NOT NULL, -- where it was started
	claim_chat      TEXT NOT NULL,
	claim_topic     TEXT NOT NULL,
	claim_title     TEXT NOT NULL,
	direct          INTEGER NOT NULL,
	origin          INTEGER NOT NULL,
	person          TEXT NOT NULL,
	adapter         TEXT NOT NULL, -- where its output goes
	chat            TEXT NOT NULL,
	topic           TEXT NOT NULL,
	root            TEXT NOT NULL,
	interactive     INTEGER NOT NULL,
	quiet           INTEGER NOT NULL,
	pty             INTEGER NOT NULL,
	argv            TEXT NOT NULL, -- each argument followed by a NUL: exact bytes
	dir             TEXT NOT NULL,
	state           INTEGER NOT NULL,
	started         INTEGER NOT NULL,
	ended           INTEGER NOT NULL,
	exit            TEXT NOT NULL, -- JSON, or '' while it lives
	page            INTEGER NOT NULL,
	page_from       INTEGER NOT NULL,
	said            INTEGER NOT NULL,
	told            INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_live ON sessions (number) WHERE state < 2;
CREATE INDEX sessions_untold ON sessions (number) WHERE told = 0;

-- Which session a message belongs to: a reply to it is meant for the session.
CREATE TABLE bindings (
	adapter TEXT NOT NULL,
	chat    TEXT NOT NULL,
	message TEXT NOT NULL,
	session TEXT NOT NULL,
	bound   INTEGER NOT NULL,
	PRIMARY KEY (adapter, chat, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_session ON bindings (session);

CREATE TABLE keyboards (
	handle  TEXT PRIMARY KEY,
	adapter TEXT NOT NULL,
	chat    TEXT NOT NULL,
	session TEXT NOT NULL,
	body    TEXT NOT NULL, -- JSON
	expires INTEGER NOT NULL,
	spent   INTEGER NOT NULL,
	put     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- People and chats that were let in while running.
CREATE TABLE people (
	name     TEXT PRIMARY KEY,
	role     INTEGER NOT NULL,
	accounts TEXT NOT NULL -- JSON, or '' for none
) STRICT, WITHOUT ROWID;

CREATE TABLE chats (
	adapter TEXT NOT NULL,
	chat    TEXT NOT NULL,
	name    TEXT NOT NULL,
	ceiling INTEGER NOT NULL,
	PRIMARY KEY (adapter, chat)
) STRICT, WITHOUT ROWID;

-- Pairing codes: at most one for each role.
CREATE TABLE codes (
	role  INTEGER PRIMARY KEY,
	hash  BLOB NOT NULL,
	until INTEGER NOT NULL,
	tries INTEGER NOT NULL -- wrong codes tried while this one was good
) STRICT;

CREATE TABLE settings (
	scope TEXT NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

-- When something was last told that is not to be told too often.
CREATE TABLE notices (
	topic TEXT PRIMARY KEY,
	told  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
