package storage_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chapi/bot"
	"chapi/storage"
	"chapi/storage/storagetest"
)

// TestMain lets the test binary be its own child: see child_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		children[role](os.Getenv(childDir))
		return
	}
	goleak.VerifyTestMain(m)
}

func TestStore(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) bot.Store { return open(t, t.TempDir(), storage.Options{}) })
}

// open opens a database that is closed with the test.
func open(t testing.TB, dir string, opts storage.Options) *storage.DB {
	t.Helper()
	db, err := storage.Open(t.Context(), dir, opts)
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

// here is the chat of these tests.
var here = bot.Thread{Adapter: "telegram", Chat: "42"}

func aCall(id bot.CallID) bot.Call {
	return bot.Call{
		ID:      id,
		Command: "run",
		Args:    bot.Args{"argv": {"echo", "hi"}},
		Claim: bot.Claim{
			Account: bot.Account{Adapter: "telegram", User: "42"},
			Name:    "Ada", Thread: here, Direct: true,
		},
		Message:  bot.MessageID(fmt.Sprint(id)),
		Text:     "/run echo hi",
		Accepted: time.Now(),
	}
}

func anAnswer(i int) bot.Delivery {
	return bot.Delivery{
		Thread: here,
		Slot:   bot.Slot(fmt.Sprintf("call/%d", i)),
		Post: bot.Post{Text: []bot.Span{
			{Style: bot.Bold, Text: "echo hi"}, {Text: "\n"}, {Style: bot.Pre, Text: "hi\n"},
		}},
		ReplyTo: bot.MessageID(fmt.Sprint(i)),
	}
}

func accept(t testing.TB, db *storage.DB, c bot.Call) {
	t.Helper()
	_, err := db.Accept(t.Context(), bot.Intake{Adapter: "telegram", Entries: []bot.Entry{{Key: fmt.Sprint("call ", c.ID), Call: &c}}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNumbersOfCallsAreNotUsedAgainAfterTheCallsArePruned(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, storage.Options{})
	var last bot.CallID
	for range 3 {
		last = db.NewCall()
		accept(t, db, bot.Call{ID: last, State: bot.Completed})
	}
	if _, err := db.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if got := open(t, dir, storage.Options{}).NewCall(); got != last+1 {
		t.Errorf("got %d, want %d", got, last+1)
	}
}

func TestNumbersOfCallsBeginWhereTheOptionsSay(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, storage.Options{FirstCall: 100})
	if got := db.NewCall(); got != 100 {
		t.Errorf("got %d, want 100", got)
	}
	if err := errors.Join(db.Create(t.Context(), bot.Session{ID: "500"}), db.Close()); err != nil {
		t.Fatal(err)
	}
	if got := open(t, dir, storage.Options{FirstCall: 7}).NewCall(); got != 501 {
		t.Errorf("got %d, want one more than the greatest session", got)
	}
}

func TestAnAttemptThatTheDaemonDidNotSurviveIsInDoubt(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, storage.Options{})
	if err := db.Put(t.Context(), anAnswer(1)); err != nil {
		t.Fatal(err)
	}
	d, _, _, err := db.Next(t.Context(), here, false, time.Now())
	if err := errors.Join(err, db.Attempt(t.Context(), d.ID, "m"), db.Close()); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir, storage.Options{})
	d, _, ok, err := db.Next(t.Context(), here, false, time.Now())
	if err != nil || !ok || !d.Doubt || d.Mark != "m" || d.Attempts != 1 {
		t.Errorf("got %+v, %v, %v; want it in doubt", d, ok, err)
	}
}

func TestNobodyElseCanReadTheFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "chapi")
	db := open(t, dir, storage.Options{})
	if err := db.Put(t.Context(), anAnswer(1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v, want 0700", info.Mode())
	}
	for _, name := range []string{"chapi.db", "chapi.db-wal", "chapi.db-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", name, info.Mode())
		}
	}
}

func TestAFileThatOthersCouldReadIsClosedToThem(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "chapi.db")
	if err := errors.Join(os.WriteFile(path, nil, 0o644), os.Chmod(path, 0o644)); err != nil {
		t.Fatal(err)
	}
	open(t, dir, storage.Options{})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestAFolderWithOddCharactersIsAsGoodAsAnyOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e&f'g")
	db := open(t, dir, storage.Options{})
	accept(t, db, aCall(1))
	if _, err := os.Stat(filepath.Join(dir, "chapi.db")); err != nil {
		t.Error(err)
	}
}

func TestOpenSaysWhatIsWrongWithTheFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(t.Context(), filepath.Join(file, "x"), storage.Options{}); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as folder: got %v, want an error with its name", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "chapi.db"), []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Open(t.Context(), dir, storage.Options{}); err == nil || errors.Is(err, bot.ErrNoSpace) {
		t.Errorf("another file: got %v, want an error", err)
	}
}

func TestManyMayOpenANewDatabaseAtOnce(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := storage.Open(t.Context(), dir, storage.Options{})
			if err == nil {
				err = errors.Join(db.Put(t.Context(), anAnswer(1)), db.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAnotherProcessCanMakeACodeWhileThisOneWrites(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, storage.Options{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := db.Put(t.Context(), anAnswer(i%10)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	out, err := child(t, "pair", dir).Output()
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	p, ok, err := db.Redeem(t.Context(), "k", strings.TrimSpace(string(out)), bot.Claim{Name: "Ada"}, nil)
	if err != nil || !ok || p.Role != bot.Owner {
		t.Errorf("got %+v, %v, %v; want an owner", p, ok, err)
	}
}

// TestTheLibraryIsTheOneThatTheDriverWasMadeFor: any other version of libc has
// crashed at start on 32-bit ARM.
func TestTheLibraryIsTheOneThatTheDriverWasMadeFor(t *testing.T) {
	ours := goList(t, "{{.Version}}", "modernc.org/libc")
	text, err := os.ReadFile(goList(t, "{{.GoMod}}", "modernc.org/sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == "modernc.org/libc" {
			if f[1] != ours {
				t.Errorf("modernc.org/libc is %s, and modernc.org/sqlite wants %s", ours, f[1])
			}
			return
		}
	}
	t.Error("modernc.org/sqlite does not name a version of modernc.org/libc")
}

func goList(t *testing.T, format, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", format, module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestTheLinkedSQLiteIsNotOneThatCorruptsItsLog: releases before 3.51.3 can
// damage a database when its log begins anew.
func TestTheLinkedSQLiteIsNotOneThatCorruptsItsLog(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, storage.Options{})
	var major, minor, patch int
	version := ask(t, dir, "SELECT sqlite_version()")
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatal(err)
	}
	if major*1_000_000+minor*1000+patch < 3_051_003 {
		t.Errorf("SQLite is %s, want 3.51.3 or later", version)
	}
}
