package storage

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
)

// migrations are the numbered steps from nothing to the schema of this
// version: migration/0001.sql and on. One that was released is never edited.
//
//go:embed migration/*.sql
var migrations embed.FS

// migrate brings the database at path to the newest schema, each step in a
// transaction of its own. The schema's number is SQLite's user_version. A
// database that is not new is copied beside itself first.
func migrate(ctx context.Context, conn *sql.Conn, path string, steps fs.FS, log *slog.Logger) error {
	names, err := stepNames(steps)
	if err != nil {
		return err
	}
	have, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if have > len(names) {
		return fmt.Errorf("database has schema %d, and this version of chapi knows schemas up to %d: use a newer chapi, or the backup that the newer one made", have, len(names))
	}
	if have > 0 && have < len(names) {
		if err := backup(ctx, conn, path, have, log); err != nil {
			return err
		}
	}
	for i := have; i < len(names); i++ {
		step, err := fs.ReadFile(steps, names[i])
		if err != nil {
			return err
		}
		if err := apply(ctx, conn, i+1, string(step)); err != nil {
			return fmt.Errorf("migrate to schema %d: %w", i+1, err)
		}
		log.Info("storage migrated", "schema", i+1)
	}
	return nil
}

// stepNames are the migration files in order. Their numbers have no gap.
func stepNames(steps fs.FS) ([]string, error) {
	names, err := fs.Glob(steps, "migration/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for i, name := range names {
		number := strings.TrimSuffix(strings.TrimPrefix(name, "migration/"), ".sql")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration file %s: want number %04d", name, i+1)
		}
	}
	return names, nil
}

func schemaVersion(ctx context.Context, conn *sql.Conn) (version int, err error) {
	err = conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return version, nil
}

// backup writes a complete copy of the database beside it. Copying the file
// would miss what is in the log.
func backup(ctx context.Context, conn *sql.Conn, path string, version int, log *slog.Logger) error {
	copyPath := fmt.Sprintf("%s.schema%d.bak", path, version)
	// A copy of an earlier try that was interrupted may be incomplete.
	if err := os.Remove(copyPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// SQLite writes into an empty file that exists: so it is ours alone.
	f, err := os.OpenFile(copyPath, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", copyPath); err != nil {
		return errors.Join(fmt.Errorf("back up to %s: %w", copyPath, err), os.Remove(copyPath))
	}
	log.Info("storage backed up before its migration", "file", copyPath, "schema", version)
	return nil
}

// apply runs one step, unless another process has run it meanwhile.
func apply(ctx context.Context, conn *sql.Conn, version int, step string) (err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, undo := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			err = errors.Join(err, undo)
		}
	}()
	have, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if have < version {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", version)); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}
