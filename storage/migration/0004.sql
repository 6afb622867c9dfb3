-- What a claim says besides: the larger place that its chat is part of,
-- and what the account wears there (JSON, or '' when the network did not tell).
ALTER TABLE calls ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE calls ADD COLUMN badges TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN server TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN badges TEXT NOT NULL DEFAULT '';

-- Pairing codes: at most one for each role, and one for each person who links
-- another account. Those of before were good for ten minutes.
DROP TABLE codes;
CREATE TABLE codes (
	role   INTEGER NOT NULL,
	person TEXT NOT NULL, -- who gets the account; '' makes a new person
	hash   BLOB NOT NULL,
	until  INTEGER NOT NULL,
	tries  INTEGER NOT NULL, -- wrong codes tried while this one was good
	PRIMARY KEY (role, person)
) STRICT, WITHOUT ROWID;
