package storage_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

// The environment that makes the test binary a child, and what it works on.
const (
	childRole = "CHAPI_STORAGE_CHILD"
	childDir  = "CHAPI_STORAGE_DIR"
)

// children are what the test binary does as a child, by role.
var children = map[string]func(dir string){
	"pair":  pairOnce,
	"write": writeForever,
}

// child is the test binary in another role, not yet started.
func child(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childRole+"="+role, childDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// pairOnce prints a pairing code, as "chapi pair" does beside a daemon.
func pairOnce(dir string) {
	ctx := context.Background()
	db, err := storage.Open(ctx, dir, storage.Options{})
	die(err)
	code, err := db.NewCode(ctx, bot.Owner, time.Now().Add(time.Minute))
	die(err)
	fmt.Println(code)
	die(db.Close())
}

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writeForever runs calls and sends their answers, and reports each step as
// soon as the store has acknowledged it. Answers of three calls out of four
// are never sent.
func writeForever(dir string) {
	ctx := context.Background()
	db, err := storage.Open(ctx, dir, storage.Options{})
	die(err)
	report := func(step string, id bot.CallID) {
		// One write for each line: what is in the pipe outlives us.
		_, err := os.Stdout.WriteString(fmt.Sprintf("%s %d\n", step, id))
		die(err)
	}
	for worker := range 4 {
		go func() {
			room := bot.Thread{Adapter: "telegram", Chat: bot.ChatID(fmt.Sprint(worker))}
			for {
				c := aCall(db.NewCall())
				_, err := db.Accept(ctx, bot.Intake{Adapter: "telegram", Entries: []bot.Entry{{Key: fmt.Sprint("call ", c.ID), Call: &c}}})
				die(err)
				report("accepted", c.ID)
				die(db.Begin(ctx, c.ID, c.ID%2 == 0))
				report("begun", c.ID)
				answer := anAnswer(int(c.ID))
				answer.Thread = room
				die(db.Finish(ctx, c.ID, bot.Done, "", answer))
				report("finished", c.ID)
				live := anAnswer(int(c.ID))
				live.Thread, live.Slot = room, bot.Slot(fmt.Sprint("live/", c.ID))
				die(db.Put(ctx, live))
				report("put", c.ID)
				if c.ID%4 != 0 {
					continue
				}
				d, _, ok, err := db.Next(ctx, room, false, time.Now())
				die(err)
				if !ok {
					continue
				}
				// The slot ends in the number of its call.
				_, number, _ := strings.Cut(string(d.Slot), "/")
				n, err := strconv.ParseInt(number, 10, 64)
				die(err)
				report("sending", bot.CallID(n))
				die(db.Attempt(ctx, d.ID, "m"))
				die(db.Settle(ctx, d, bot.Result{Receipt: &bot.Receipt{Message: "1", At: time.Now()}}))
			}
		}()
	}
	select {}
}

func TestWhatWasAcknowledgedIsThereAfterTheProcessWasKilled(t *testing.T) {
	dir := t.TempDir()
	done := make(map[string][]bot.CallID) // step -> calls
	for round := range 4 {
		cmd := child(t, "write", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, enough := bufio.NewScanner(out), 100+50*round
		for n := 0; lines.Scan(); n++ {
			var step string
			var id bot.CallID
			if _, err := fmt.Sscan(lines.Text(), &step, &id); err != nil {
				t.Fatalf("child said %q: %v", lines.Text(), err)
			}
			done[step] = append(done[step], id)
			if n == enough {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
		checkAfterKill(t, dir, done)
	}
}

func checkAfterKill(t *testing.T, dir string, done map[string][]bot.CallID) {
	t.Helper()
	if len(done["finished"]) == 0 {
		t.Fatal("the child finished nothing")
	}
	db, err := storage.Open(t.Context(), dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for step, state := range map[string]bot.CallState{"accepted": bot.Accepted, "begun": bot.Begun, "finished": bot.Completed} {
		for _, id := range done[step] {
			c, err := db.Call(t.Context(), id)
			if err != nil || c.State < state {
				t.Errorf("call %d was %s, and is %+v, %v", id, step, c, err)
			}
		}
	}
	waits := waitingSlots(t, dir)
	for step, slot := range map[string]string{"finished": "call/%d", "put": "live/%d"} {
		for _, id := range done[step] {
			if slot := fmt.Sprintf(slot, id); !waits[slot] && !slices.Contains(done["sending"], id) {
				t.Errorf("delivery into %s was acknowledged, and neither waits nor was sent", slot)
			}
		}
	}
	var newest bot.CallID
	for _, id := range done["accepted"] {
		newest = max(newest, id)
	}
	if id := db.NewCall(); id <= newest {
		t.Errorf("call number %d is given again", id)
	}
	if got := ask(t, dir, "PRAGMA integrity_check"); got != "ok" {
		t.Errorf("integrity check: %s", got)
	}
}

// plain opens the database of dir by itself.
func plain(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "chapi.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func waitingSlots(t *testing.T, dir string) map[string]bool {
	t.Helper()
	db := plain(t, dir)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT slot FROM outbox")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	slots := make(map[string]bool)
	for rows.Next() {
		var slot string
		if err := rows.Scan(&slot); err != nil {
			t.Fatal(err)
		}
		slots[slot] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return slots
}

// ask is the one value of a query on the database of dir.
func ask(t *testing.T, dir, query string) (value string) {
	t.Helper()
	db := plain(t, dir)
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
