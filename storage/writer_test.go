package storage

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/bot"
)

func openHere(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// together runs operations that are all queued before the first is taken up,
// and so are committed as one group.
func together(t *testing.T, db *DB, ops ...func(tx) error) []error {
	t.Helper()
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		err := db.writer.do(t.Context(), false, func(tx) error {
			close(held)
			<-release
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-held
	errs := make([]error, len(ops))
	for i, op := range ops {
		wg.Go(func() { errs[i] = db.writer.do(t.Context(), true, op) })
		for len(db.writer.queue) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	close(release)
	wg.Wait()
	return errs
}

func setTo(name, value string) func(tx) error {
	return func(t tx) error {
		_, err := t.exec("INSERT INTO settings (scope, name, value) VALUES ('', ?, ?)", name, value)
		return err
	}
}

func wantSettings(t *testing.T, db *DB, names ...string) {
	t.Helper()
	got, err := db.Settings(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(names) {
		t.Fatalf("got %d settings, want %d", len(got), len(names))
	}
	for _, name := range names {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestAnOperationThatFailsIsUndoneAndHarmsNoOtherOfItsGroup(t *testing.T) {
	db := openHere(t)
	no := errors.New("no")
	errs := together(t, db,
		setTo("a", "1"),
		func(t tx) error {
			if err := setTo("b", "2")(t); err != nil {
				return err
			}
			return no
		},
		setTo("c", "3"),
		setTo("a", "taken"),
		setTo("d", "4"),
	)
	if errs[0] != nil || !errors.Is(errs[1], no) || errs[2] != nil || errs[3] == nil || errs[4] != nil {
		t.Errorf("got %v, want the second and the fourth to fail", errs)
	}
	wantSettings(t, db, "a", "c", "d")
}

func TestAnOperationThatEndsTheTransactionHarmsNoOtherOfItsGroup(t *testing.T) {
	db := openHere(t)
	errs := together(t, db,
		setTo("a", "1"),
		func(t tx) error { // as SQLite itself may do when memory or disk run out
			_, err := t.exec("ROLLBACK")
			return errors.Join(errors.New("lost"), err)
		},
		setTo("c", "3"),
	)
	if errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Errorf("got %v, want only the second to fail", errs)
	}
	wantSettings(t, db, "a", "c")
}

func TestAnOperationThatIsTooLargeForTheDatabaseHarmsNoOtherOfItsGroup(t *testing.T) {
	db := openHere(t)
	limit := func(t tx) error {
		return t.row("PRAGMA max_page_count=80").Scan(new(int))
	}
	if err := db.writer.do(t.Context(), false, limit); err != nil {
		t.Fatal(err)
	}
	errs := together(t, db, setTo("a", "1"), setTo("b", strings.Repeat("x", 1<<20)), setTo("c", "3"))
	if errs[0] != nil || !errors.Is(errs[1], bot.ErrNoSpace) || errs[2] != nil {
		t.Errorf("got %v, want only the second to find no space", errs)
	}
	wantSettings(t, db, "a", "c")
}

func TestAReadOnlyDatabaseIsNoSpaceUntilItCanBeWrittenAgain(t *testing.T) {
	db := openHere(t)
	pragma := func(on int) {
		// The writer is idle, and a transaction cannot be had while it is on.
		if _, err := db.writer.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA query_only=%d", on)); err != nil {
			t.Fatal(err)
		}
	}
	pragma(1)
	if err := db.Set(t.Context(), "", "a", "1"); !errors.Is(err, bot.ErrNoSpace) {
		t.Errorf("read-only: got %v, want bot.ErrNoSpace", err)
	}
	pragma(0)
	if err := db.Set(t.Context(), "", "a", "1"); err != nil {
		t.Errorf("writable again: %v", err)
	}
}

func TestCommitsAreSyncedWhenTheContractSaysSo(t *testing.T) {
	ctx := t.Context()
	say := bot.Delivery{Thread: bot.Thread{Adapter: "net", Chat: "1"}, Slot: "s", Post: bot.Plainf("x")}
	final := say
	final.Final = true
	for _, c := range []struct {
		operation string
		synced    bool
		run       func(db *DB) error
	}{
		{"accept", true, func(db *DB) error { _, err := db.Accept(ctx, bot.Intake{Adapter: "net", Cursor: "1"}); return err }},
		{"begin a call that changes something", true, func(db *DB) error { return db.Begin(ctx, 1, true) }},
		{"begin a call that reads", false, func(db *DB) error { return db.Begin(ctx, 1, false) }},
		{"finish", true, func(db *DB) error { return db.Finish(ctx, 1, bot.Done, "") }},
		{"create a session", true, func(db *DB) error { return db.Create(ctx, bot.Session{ID: "7"}) }},
		{"a session runs", false, func(db *DB) error { return db.Running(ctx, "1") }},
		{"put", false, func(db *DB) error { return db.Put(ctx, say) }},
		{"put a final revision", true, func(db *DB) error { return db.Put(ctx, say, final) }},
		{"attempt", false, func(db *DB) error { return db.Attempt(ctx, 1, "") }},
		{"settle", false, func(db *DB) error { return db.Settle(ctx, say, bot.Result{Doubt: true}) }},
		{"grant a person", true, func(db *DB) error { return db.SetPerson(ctx, bot.Person{Name: "a"}) }},
		{"take a grant away", true, func(db *DB) error { return db.RemovePerson(ctx, "b") }},
		{"list a chat", true, func(db *DB) error { return db.SetChat(ctx, bot.Chat{Name: "a"}) }},
		{"make a code", true, func(db *DB) error { _, err := db.NewCode(ctx, bot.User, time.Now()); return err }},
		{"redeem a code", true, func(db *DB) error { _, _, err := db.Redeem(ctx, "k", "c", bot.Claim{}, nil); return err }},
		{"set", false, func(db *DB) error { return db.Set(ctx, "a", "b", "c") }},
	} {
		t.Run(c.operation, func(t *testing.T) {
			db := openHere(t)
			_, err := db.Accept(ctx, bot.Intake{Adapter: "net", Entries: []bot.Entry{{Key: "first", Call: &bot.Call{ID: 1}}}})
			if err := errors.Join(err, db.Create(ctx, bot.Session{ID: "1"}), db.Put(ctx, say), db.SetPerson(ctx, bot.Person{Name: "b"})); err != nil {
				t.Fatal(err)
			}
			// The other level before, so that it has to change.
			err = db.writer.do(ctx, !c.synced, func(tx) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if err := c.run(db); err != nil {
				t.Fatal(err)
			}
			var level int
			err = db.writer.do(ctx, c.synced, func(t tx) error { return t.row("PRAGMA synchronous").Scan(&level) })
			if err != nil {
				t.Fatal(err)
			}
			if db.writer.full != c.synced || (level == 2) != c.synced {
				t.Errorf("synced: %v, PRAGMA synchronous: %d; want %v", db.writer.full, level, c.synced)
			}
		})
	}
}

func TestAnOperationThatIsWithdrawnWhileItWaitsIsNotDone(t *testing.T) {
	db := openHere(t)
	held, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = db.writer.do(t.Context(), false, func(tx) error { close(held); <-release; return nil })
	})
	<-held
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn := make(chan error)
	go func() { withdrawn <- db.Set(ctx, "", "a", "1") }()
	for len(db.writer.queue) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-withdrawn; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(release)
	wg.Wait()
	wantSettings(t, db)
}

func TestWhatWasAskedForBeforeCloseIsDoneAndNothingAfter(t *testing.T) {
	db := openHere(t)
	const callers = 40
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for i := range callers {
		wg.Go(func() {
			for n := 0; errs[i] == nil; n++ {
				errs[i] = db.Set(t.Context(), "", fmt.Sprintf("%d/%d", i, n), "x")
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	for _, err := range errs {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}

func TestQueriesOfTheHotPathUseAnIndex(t *testing.T) {
	db := openHere(t)
	for _, query := range []string{
		"SELECT " + deliveryColumns + " FROM outbox o WHERE adapter = '' AND chat = '' AND media = 0 AND turn = 0 ORDER BY id LIMIT 1",
		"SELECT " + deliveryColumns + " FROM outbox o WHERE adapter = '' AND chat = '' AND media = 0 AND turn IN (1, 2) AND not_before <= 0 ORDER BY turn, id LIMIT 1",
		"SELECT " + callColumns + " FROM calls WHERE state < 2 ORDER BY id",
		"SELECT id FROM calls WHERE state = 2 AND finished < 0 AND id < (SELECT max(id) FROM calls) LIMIT 1",
		"SELECT key FROM messages WHERE seen < 0 LIMIT 1",
		"UPDATE slots SET pending = 0 WHERE name = '' AND pending = 1",
		"DELETE FROM bindings WHERE session = ''",
	} {
		err := db.view(t.Context()).each(func(row scanner) error {
			var detail string
			if err := row.Scan(new(int), new(int), new(int), &detail); err != nil {
				return err
			}
			whole := strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "INDEX")
			if whole || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s\n\t%s", query, detail)
			}
			return nil
		}, "EXPLAIN QUERY PLAN "+query)
		if err != nil {
			t.Fatal(err)
		}
	}
}
