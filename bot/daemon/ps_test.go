package daemon

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/runner"
	"chapi/storage"
)

func TestPsTellsWhatFoldersAndRecordsKnow(t *testing.T) {
	store, err := storage.Open(t.Context(), t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	lab := bot.Thread{Adapter: "telegram", Chat: "-1"}
	for _, s := range []bot.Session{
		{ID: "3", Name: "work", Title: "bash\x1b[2J --norc", Person: "bob", Thread: lab, Claim: bot.Claim{Thread: lab, Title: "The Lab"}},
		{ID: "4", Title: "make", Person: "ann", Thread: lab, Claim: bot.Claim{Thread: lab}},
	} {
		if err := store.Create(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Date(2020, 5, 1, 12, 0, 0, 0, time.Local)
	list := []runner.Listing{
		{ID: "2", Spec: bot.Spec{Argv: []string{"sh", "-c", "echo\nhi"}}, Started: began, Exited: true, Exit: bot.Exit{Code: 3, Reason: bot.Exited, At: began.Add(time.Minute)}},
		{ID: "3", Started: began, Live: true, PID: 77},
		{ID: "4", Started: began},
	}
	for _, test := range []struct {
		store bot.Store
		want  []string
	}{
		{store, []string{
			`ID +STATE +SINCE +WHO +WHERE +COMMAND`,
			`3 +running +1 May 12:00 +bob +The Lab +work: bash\[2J --norc`,
			`4 +lost +- +ann +telegram.* +make`,
			`2 +exit 3 +1 May 12:01 +- +- +sh -c echo hi`,
		}},
		{nil, []string{`ID .*`, `3 +running +1 May 12:00 +- +- +-`, `4 +lost .*`, `2 +exit 3 .*`}},
	} {
		var b strings.Builder
		if err := Ps(t.Context(), &b, list, test.store, false); err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(b.String()), "\n") {
			if !regexp.MustCompile("^" + test.want[i] + "$").MatchString(line) {
				t.Errorf("line %d is %q, want %s", i+1, line, test.want[i])
			}
		}
	}
	for range 30 {
		list = append(list, list[0])
	}
	var few, all strings.Builder
	Ps(t.Context(), &few, list, store, false)
	Ps(t.Context(), &all, list, store, true)
	if !strings.Contains(few.String(), "... and 12 more") || strings.Count(all.String(), "\n") != 34 {
		t.Errorf("of many it shows\n%s\nand of all\n%s", few.String(), all.String())
	}
}
