// Package storage remembers: it implements bot.Store in one SQLite file. It
// decides how things are kept and how safely, never what they mean: rights,
// retries and order of work belong to the stages of package bot.
//
// One goroutine owns the only connection that writes, and commits whatever has
// gathered while it was busy in one transaction with one sync (writer.go).
// Reads go to a few other connections and see what is committed.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"chapi/bot"
)

const (
	// fileName is the database in the state folder. SQLite keeps two more
	// files beside it, with -wal and -shm added.
	fileName = "chapi.db"
	// driverName is the only thing here that knows which SQLite is linked.
	driverName = "sqlite"
	// busyTimeout is how long to wait for another process that writes: it does
	// so for milliseconds, but an SD card may stall for seconds.
	busyTimeout = 15 * time.Second
	// writeCache and readCache are the memory for database pages of one
	// connection, in KiB. The working set is the ends of a few small trees.
	writeCache = 512
	readCache  = 64
	// readers is how many reads may run at once.
	readers = 2
	// walLimit is what the log of committed pages shrinks back to after a
	// burst, in bytes.
	walLimit = 8 << 20
)

// ErrClosed is returned by everything that is asked of a closed DB.
var ErrClosed = errors.New("storage is closed")

// Options of Open. The zero value is good.
type Options struct {
	// Logger takes what nobody else hears of: dropped deliveries, migrations.
	// Nil logs nothing.
	Logger *slog.Logger
	// FirstCall is the least number that NewCall may give: one more than what
	// is known from elsewhere, such as the folders of sessions.
	FirstCall bot.CallID
}

// DB is an open database. It is safe for concurrent use. Another process may
// have the same one open.
//
// Every method may return an error that wraps bot.ErrNoSpace when it would
// write; the DB works on once there is space.
type DB struct {
	log    *slog.Logger
	writer *writer
	write  *sql.DB // one connection, owned by writer
	read   *sql.DB
	reads  *statements

	calls      atomic.Int64 // the newest number given by NewCall
	deliveries int64        // the least id for the next delivery; the writer's own

	close    sync.Once
	closeErr error
}

var _ bot.Store = (*DB)(nil)

// Open opens the database in the state folder dir, and makes both when they
// are not there. An older database is backed up beside itself and then brought
// up to date; a newer one is refused. The context ends the opening only: the DB
// lives until Close.
func Open(ctx context.Context, dir string, opts Options) (_ *DB, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open storage in %s: %w", dir, fault(err))
		}
	}()
	path, err := prepareFile(dir)
	if err != nil {
		return nil, err
	}
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}

	db := &DB{log: log}
	db.write, err = sql.Open(driverName, source(path, writeCache, "synchronous(FULL)", fmt.Sprintf("journal_size_limit(%d)", walLimit)))
	if err != nil {
		return nil, err
	}
	db.write.SetMaxOpenConns(1)
	db.read, err = sql.Open(driverName, source(path, readCache, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, db.write.Close())
	}
	db.read.SetMaxOpenConns(readers)
	db.read.SetMaxIdleConns(readers)
	db.reads = newStatements(db.read)

	if err := db.start(ctx, path, opts.FirstCall); err != nil {
		return nil, errors.Join(err, db.read.Close(), db.write.Close())
	}
	return db, nil
}

// start brings the schema up to date, finds where the numbers stand, and hands
// the writing connection to the writer.
func (db *DB) start(ctx context.Context, path string, firstCall bot.CallID) error {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return err
	}
	if err := useWAL(ctx, conn); err != nil {
		return errors.Join(err, conn.Close())
	}
	if err := migrate(ctx, conn, path, migrations, db.log); err != nil {
		return errors.Join(err, conn.Close())
	}
	var call int64
	err = conn.QueryRowContext(ctx, `
		SELECT max(coalesce((SELECT max(id) FROM calls), 0),
		           coalesce((SELECT max(CAST(id AS INTEGER)) FROM sessions), 0)),
		       coalesce((SELECT max(id) FROM outbox), 0) + 1`).Scan(&call, &db.deliveries)
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	db.calls.Store(max(call, int64(firstCall)-1, 0))
	// The writer must finish what it took even when the caller of Open has
	// gone, so it keeps the context's values only.
	db.writer = startWriter(context.WithoutCancel(ctx), conn)
	return nil
}

// Close waits for what has been asked for, and closes the files. Calling it
// again does nothing.
func (db *DB) Close() error {
	db.close.Do(func() {
		// Readers first: the last connection to go folds the log into the
		// database, and it must be one that may write.
		db.closeErr = errors.Join(
			db.writer.stop(),
			db.reads.close(),
			db.read.Close(),
			db.write.Close(),
		)
	})
	return db.closeErr
}

// prepareFile makes the state folder, and the database file inside it with the
// right permissions: SQLite gives its other files the same.
func prepareFile(dir string) (path string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := f.Chmod(0o600); err != nil {
			return "", err
		}
	}
	return path, nil
}

// source is the driver's name for the database at path, opened with the cache
// size in KiB and these pragmas. They belong here because every new connection
// of a pool needs them.
func source(path string, cache int, pragmas ...string) string {
	pragmas = append([]string{
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
		fmt.Sprintf("cache_size(-%d)", cache),
		"temp_store(MEMORY)", // no files outside of the state folder
	}, pragmas...)
	file := url.URL{Scheme: "file", Path: path}
	return file.String() + "?_pragma=" + strings.Join(pragmas, "&_pragma=")
}

// useWAL turns the write-ahead log on: one sync for each commit, and readers
// that never wait. The mode is a property of the file; only its first opener
// changes it, and two at once get in each other's way, which SQLite reports
// without waiting for its busy timeout.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	deadline := time.Now().Add(busyTimeout)
	for {
		var mode string
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("the file system cannot hold a write-ahead log: journal mode is %q", mode)
		case !isBusy(err) || time.Now().After(deadline):
			return fmt.Errorf("turn the write-ahead log on: %w", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
