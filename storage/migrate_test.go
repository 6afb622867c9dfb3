package storage

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// withSteps is the migrations with further steps.
func withSteps(t *testing.T, further map[string]string) fs.FS {
	t.Helper()
	steps := fstest.MapFS{}
	names, err := stepNames(migrations)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := migrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		steps[name] = &fstest.MapFile{Data: data}
	}
	for name, text := range further {
		steps["migration/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return steps
}

// schema is how many steps there are now.
func schema(t *testing.T) int {
	t.Helper()
	names, err := stepNames(migrations)
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// step names the nth step behind those that there are.
func step(t *testing.T, n int) string { return fmt.Sprintf("%04d.sql", schema(t)+n) }

// used is a state folder whose database has one setting.
func used(t *testing.T) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	db, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Set(t.Context(), "a", "b", "c"), db.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, fileName)
}

// migrateFile runs the steps on a database file.
func migrateFile(t *testing.T, path string, steps fs.FS) error {
	t.Helper()
	plain, conn := connect(t, path)
	defer plain.Close()
	defer conn.Close()
	return migrate(t.Context(), conn, path, steps, slog.New(slog.DiscardHandler))
}

func connect(t *testing.T, path string) (*sql.DB, *sql.Conn) {
	t.Helper()
	plain, err := sql.Open(driverName, source(path, readCache))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := plain.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return plain, conn
}

func wantValue(t *testing.T, path, query, want string) {
	t.Helper()
	plain, conn := connect(t, path)
	defer plain.Close()
	defer conn.Close()
	var got string
	if err := conn.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if got != want {
		t.Errorf("%s: got %q, want %q", query, got, want)
	}
}

func TestADatabaseIsBackedUpAndThenMigratedStepByStep(t *testing.T) {
	_, path := used(t)
	steps := withSteps(t, map[string]string{
		step(t, 1): "ALTER TABLE settings RENAME TO options; CREATE TABLE extra (n INTEGER);",
		step(t, 2): "INSERT INTO extra VALUES (5);",
	})
	if err := migrateFile(t, path, steps); err != nil {
		t.Fatal(err)
	}
	wantValue(t, path, "PRAGMA user_version", fmt.Sprint(schema(t)+2))
	wantValue(t, path, "SELECT value FROM options", "c")
	wantValue(t, path, "SELECT n FROM extra", "5")

	copyPath := fmt.Sprintf("%s.schema%d.bak", path, schema(t))
	info, err := os.Stat(copyPath)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("backup has mode %v, want 0600", info.Mode())
	}
	wantValue(t, copyPath, "PRAGMA user_version", fmt.Sprint(schema(t)))
	wantValue(t, copyPath, "SELECT value FROM settings", "c")
}

func TestAStepThatFailsLeavesTheDatabaseAsItWas(t *testing.T) {
	_, path := used(t)
	steps := withSteps(t, map[string]string{step(t, 1): "DELETE FROM settings; SELECT no_such_function();"})
	for range 2 { // the second time there is a backup already
		err := migrateFile(t, path, steps)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("migrate to schema %d", schema(t)+1)) {
			t.Fatalf("got %v, want an error that names the step", err)
		}
		wantValue(t, path, "PRAGMA user_version", fmt.Sprint(schema(t)))
		wantValue(t, path, "SELECT value FROM settings", "c")
	}
}

func TestANewDatabaseIsNotBackedUp(t *testing.T) {
	dir, _ := used(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != fileName {
			t.Errorf("found %s after Close, want only %s", e.Name(), fileName)
		}
	}
}

func TestANewerDatabaseIsRefusedAndNotTouched(t *testing.T) {
	dir, path := used(t)
	plain, conn := connect(t, path)
	if _, err := conn.ExecContext(t.Context(), "PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Close(), plain.Close()); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "schema 99") || !strings.Contains(err.Error(), "use a newer chapi") {
		t.Fatalf("got %v, want an error that says what to do", err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file was changed")
	}
}

func TestAGapInTheNumbersOfTheStepsIsFound(t *testing.T) {
	for _, name := range []string{step(t, 2), "two.sql"} {
		if _, err := stepNames(withSteps(t, map[string]string{name: ""})); err == nil {
			t.Errorf("a gap before %s was taken", name)
		}
	}
}
