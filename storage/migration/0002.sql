-- What was measured. A sample is in one of two tables: young ones by the minute
-- and only then by series, so that a new minute touches one page of the disk;
-- older ones by series, taken together to stretches of ten minutes or an hour.
CREATE TABLE series (
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE samples (
	minute INTEGER NOT NULL, -- since 1970
	series INTEGER NOT NULL,
	value  REAL NOT NULL,
	PRIMARY KEY (minute, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE stretches (
	series INTEGER NOT NULL,
	minute INTEGER NOT NULL, -- where it begins
	length INTEGER NOT NULL, -- in minutes
	count  INTEGER NOT NULL, -- of samples
	low    REAL NOT NULL,
	sum    REAL NOT NULL,
	high   REAL NOT NULL,
	PRIMARY KEY (series, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX stretches_short ON stretches (minute) WHERE length = 10;
