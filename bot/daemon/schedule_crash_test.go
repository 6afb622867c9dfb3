package daemon

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

// The daemon is killed again and again while a schedule is due every second.
// Each occurrence makes at most one call, and each call runs at most once.
func TestKilledAnywhereNoOccurrenceRunsTwice(t *testing.T) {
	rounds := 8
	if soak() {
		rounds = 100
	}
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	state := filepath.Join(w.dir, "state")
	store, err := storage.Open(t.Context(), state, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Shorter than anybody may ask for: there is more to hit.
	_, err = store.AddSchedule(t.Context(), bot.Schedule{
		Claim: bot.Claim{
			Account: bot.Account{Adapter: "telegram", User: "1002"}, Name: "bob",
			Thread: bot.Thread{Adapter: "telegram", Chat: "-1001000000001"},
		},
		Person: "bob", Line: "sh --quiet echo ran >> runs", Timing: bot.Timing{Every: time.Second}, Missed: bot.MissedRun,
		Due: time.Now(), Made: time.Now(),
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	ran := func() int {
		text, _ := os.ReadFile(filepath.Join(w.dir, "runs"))
		return strings.Count(string(text), "\n")
	}
	for range rounds {
		before := ran()
		w.launch()
		if !eventually(patience, func() bool { return ran() > before }) {
			t.Fatal("what is scheduled does not run")
		}
		time.Sleep(850*time.Millisecond + rand.N(300*time.Millisecond)) // about when the next is due
		w.kill()
	}
	w.up()
	w.settle()
	w.down()

	store, err = storage.Open(t.Context(), state, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	calls, err := store.Calls(t.Context(), bot.CallFilter{Command: "sh", Limit: 10000})
	if err != nil {
		t.Fatal(err)
	}
	made, interrupted := map[string]bool{}, 0
	for _, c := range calls {
		if made[c.Key] {
			t.Errorf("%s made two calls", c.Key)
		}
		made[c.Key] = true
		if c.Outcome == bot.Interrupted {
			interrupted++
		}
	}
	if n := ran(); n > len(calls) || n < rounds {
		t.Errorf("%d occurrences ran %d times in %d lives", len(calls), n, rounds)
	}
	t.Logf("%d occurrences, %d runs, %d interrupted, %d kills", len(calls), ran(), interrupted, rounds)
}
