package commands

import (
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

func TestHelpShowsWhatTheRoleMayUse(t *testing.T) {
	for role, want := range map[bot.Role]struct{ shown, hidden []string }{
		bot.Viewer: {[]string{"/status", "/ps", "/log", "/help"}, []string{"/run", "/stop", "/people", "Steer", "Set up"}},
		bot.User:   {[]string{"/run", "/stop", "/cd", "Steer"}, []string{"/people", "/restart", "People"}},
		bot.Owner:  {[]string{"/people", "/chats", "/restart", "Run", "Steer", "Look", "Set up", "People"}, []string{"/input", "/drop", "/start"}},
	} {
		w := newWorld(t)
		w.role = role
		got := w.do("help")
		if all := w.do("help all"); strings.Contains(all, " more.") || len(all) < 2*len(got) {
			t.Errorf("%s: /help all leaves something out:\n%s", role, all)
		}
		for _, s := range want.shown {
			if !strings.Contains(got, s) {
				t.Errorf("%s: %s is missing in\n%s", role, s, got)
			}
		}
		for _, s := range want.hidden {
			if strings.Contains(got, s+" ") || strings.Contains(got, s+"\n") {
				t.Errorf("%s: %s is shown in\n%s", role, s, got)
			}
		}
	}
}

func TestHelpForACommandIsComplete(t *testing.T) {
	w := newWorld(t)
	run, _ := w.args.Command("run")
	got := w.do("help /RUN")
	want := []string{"/" + Usage(run), run.Summary, run.Help}
	for _, a := range run.Args {
		want = append(want, a.Summary)
	}
	for _, e := range run.Examples {
		want = append(want, "/"+e)
	}
	for _, s := range want {
		if !strings.Contains(got, s) {
			t.Errorf("%q is missing in\n%s", s, got)
		}
	}
	w.role = bot.Viewer
	if got := w.do("help run"); !strings.Contains(got, "needs the role user; you are viewer") {
		t.Errorf("a viewer is not told that it is not for them:\n%s", got)
	}
	w.role = bot.Owner
	if got := w.do("help people"); !strings.Contains(got, "viewer, user, operator, owner") {
		t.Errorf("the roles are not spelled out:\n%s", got)
	}
	if got := w.refused("help rnu"); !strings.Contains(got, "/run") {
		t.Errorf("no near name: %q", got)
	}
	if got := w.refused("help xyzzyx"); !strings.Contains(got, "/help lists") {
		t.Errorf("nothing near: %q", got)
	}
}

func TestUsage(t *testing.T) {
	w := newWorld(t)
	for name, want := range map[string]string{
		"run":     "run [--pty] [--no-pty] [--dir DIR] [--env ENV]... [--timeout TIME] [--cols N] [--rows N] [--name NAME] [--lock LOCK] [--wait] [--quiet] [ARGV...]",
		"ps":      "ps [--all]",
		"status":  "status [-v] [--json] [live] [off]",
		"log":     "log [SESSION] [RANGE]",
		"in":      "in TEXT...",
		"people":  "people [add|remove|role] [NAME] [ROLE]",
		"history": "history [--all] [COUNT]",
		"again":   "again",
	} {
		c, _ := w.args.Command(name)
		if got := Usage(c); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestTableForTheReadme(t *testing.T) {
	cmds := New(newWorld(t).deps())
	lines := strings.Split(strings.TrimSuffix(Table(cmds), "\n"), "\n")
	shown := slices.DeleteFunc(cmds, func(c bot.Command) bool { return c.Hidden })
	if len(lines) != len(shown)+2 {
		t.Fatalf("the table has %d lines for %d commands", len(lines), len(shown))
	}
	for _, line := range lines {
		if n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"); n != 4 {
			t.Errorf("%d bars in %s", n, line)
		}
	}
	if want := "| `/run [OPTIONS] [ARGV...]` | user | Run a program; no shell has a hand in it |"; !slices.Contains(lines, want) {
		t.Errorf("no line %s in\n%s", want, strings.Join(lines, "\n"))
	}
}

func TestWhoami(t *testing.T) {
	w := newWorld(t)
	w.people = []bot.Person{{Name: "Ann", Role: bot.Owner, Accounts: []bot.Account{ann}}}
	w.ceiling = bot.User
	got := w.do("whoami")
	for _, s := range []string{"You are Ann, user of pi4", "run programs", "Elsewhere you are owner", "net/7", "net/-100/3", "/people"} {
		if !strings.Contains(got, s) {
			t.Errorf("%q is missing in\n%s", s, got)
		}
	}
	w.ceiling = bot.Nobody
	if got := w.do("whoami"); strings.Contains(got, "Elsewhere") || strings.Contains(got, "/people") {
		t.Errorf("an owner without a ceiling reads\n%s", got)
	}
}

func TestStartGreets(t *testing.T) {
	w := newWorld(t)
	if got := w.do("start"); !strings.Contains(got, "pi4") || !strings.Contains(got, "/run") {
		t.Errorf("got %q", got)
	}
	if got := w.do("start ABCD1234"); !strings.Contains(got, "code was not used") {
		t.Errorf("an owner with a code: %q", got)
	}
	w.role = bot.Viewer
	if got := w.do("start"); strings.Contains(got, "/run") || !strings.Contains(got, "/status") {
		t.Errorf("a viewer is told to %q", got)
	}
}

func TestStatusAndVersion(t *testing.T) {
	w := newWorld(t)
	for line, want := range map[string]Form{"status": Card, "status -v": Everything, "status --json": Program} {
		if got := w.do(line); got != "all is well" || w.form != want {
			t.Errorf("/%s: got %q in form %d, want form %d", line, got, w.form, want)
		}
	}
	if got := w.do("version"); got != "chapi 1.2.3 on pi4" {
		t.Errorf("got %q", got)
	}
}

func TestPs(t *testing.T) {
	w := newWorld(t)
	if got := w.do("ps"); !strings.Contains(got, "Nothing is running here") {
		t.Errorf("with nothing: %q", got)
	}
	now := time.Now()
	w.sessions.list = []bot.Session{
		{ID: "12", Name: "work", Title: "bash\n13 fake", Person: "Ann", State: bot.Running, Started: now.Add(-5 * time.Minute), Thread: w.thread, Claim: bot.Claim{Thread: w.thread, Title: "Workshop"}},
		{ID: "9", Title: "make", Person: "Bob", State: bot.Ended, Exit: bot.Exit{Code: 2, Reason: bot.Exited, At: now}, Thread: w.thread},
	}
	want := "Running\n12 work bash 13 fake · 5 min · Ann\n\nEnded\n9 make · exit 2, " + now.Format("15:04") + " · Bob"
	if got := w.do("ps"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := w.do("ps --all"); !strings.Contains(got, "Ann · Workshop") || !strings.Contains(got, "Bob · net/-100") {
		t.Errorf("all chats: where is missing in\n%s", got)
	}
	if want := []string{"list everywhere=false", "list everywhere=false", "list everywhere=true"}; !slices.Equal(w.sessions.log, want) {
		t.Errorf("asked for %q, want %q", w.sessions.log, want)
	}
	w.role = bot.User
	if got := w.refused("ps --all"); !strings.Contains(got, "operator") {
		t.Errorf("a user: %q", got)
	}
}

func TestLog(t *testing.T) {
	w := newWorld(t)
	w.sessions.known = map[string]bot.Session{"": {ID: "9"}, "12": {ID: "12"}, "work": {ID: "12"}}
	for _, c := range []struct{ rule, line, want string }{
		{"the session that is meant", "log", "9 log 0..0"},
		{"by number", "log 12", "12 log 0..0"},
		{"by name", "log work", "12 log 0..0"},
		{"a range", "log 12 100..200", "12 log 100..200"},
		{"a range to the end", "log 12 100..", "12 log 100..0"},
		{"a range from the beginning", "log 12 ..200", "12 log 0..200"},
		{"units", "log 12 1k..2M", "12 log 1024..2097152"},
		{"only a range", "log 100..200", "9 log 100..200"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t, w.sessions.log = t, nil
			if w.do(c.line); !slices.Equal(w.sessions.log, []string{c.want}) {
				t.Errorf("got %q, want %q", w.sessions.log, c.want)
			}
		})
	}
	for line, want := range map[string]string{
		"log 12 x..y":                       "FROM..TO",
		"log 12 200":                        "FROM..TO",
		"log 12 200..100":                   "less than",
		"log 12 5..5":                       "less than",
		"log 12 0..0":                       "less than",
		"log 12 999999999999999999G..":      "impossible",
		"log 12 0..99999999999999999999999": "FROM..TO",
		"log 77":                            "no session",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: %q, want %q in it", line, got, want)
		}
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	if got := w.do("history"); got != "No commands so far." {
		t.Errorf("at first: %q", got)
	}
	at := time.Now()
	call := func(id bot.CallID, command, text string, th bot.Thread) bot.Call {
		return bot.Call{ID: id, Command: command, Text: text, Accepted: at, State: bot.Completed, Claim: bot.Claim{Account: ann, Name: "Ann Lee", Thread: th, Title: "Workshop"}}
	}
	elsewhere := bot.Thread{Adapter: "net", Chat: "5"}
	failed := call(2, "run", "/run pyton3", w.thread)
	failed.Outcome, failed.Detail = bot.Failed, "no such program\nmore"
	running := call(6, "sh", "/sh sleep 9\n&", w.thread)
	running.State = bot.Begun
	w.calls = []bot.Call{
		call(1, "run", "/run uptime", w.thread), failed,
		call(3, bot.InputCommand, "hunter2", w.thread), call(4, "in", "/in hunter3", w.thread),
		call(5, "run", "/run secret", elsewhere), running,
		{ID: 100, Command: "history", Text: "/history", Claim: bot.Claim{Thread: w.thread}},
	}
	clock := at.Format("15:04")
	want := clock + " Ann Lee /sh sleep 9 & · running\n" +
		clock + " Ann Lee /in … · done\n" +
		clock + " Ann Lee /run pyton3 · failed: no such program\n" +
		clock + " Ann Lee /run uptime · done"
	if got := w.do("history"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := w.do("history 1"); strings.Count(got, "\n") != 0 || !strings.Contains(got, "sleep") {
		t.Errorf("one call: %q", got)
	}
	if got := w.do("history --all"); !strings.Contains(got, "/run secret · done · Workshop") {
		t.Errorf("all chats:\n%s", got)
	}
	w.role = bot.Operator
	if got := w.refused("history --all"); !strings.Contains(got, "owner") {
		t.Errorf("an operator: %q", got)
	}
	if got := w.refused("history 51"); !strings.Contains(got, "1 to 50") {
		t.Errorf("too many: %q", got)
	}
}

func TestPeople(t *testing.T) {
	w := newWorld(t)
	w.people = []bot.Person{
		{Name: "Ann", Role: bot.Owner, Accounts: []bot.Account{ann}},
		{Name: "Bob Lee", Role: bot.User, Accounts: []bot.Account{{Adapter: "net", User: "8"}, {Adapter: "other", User: "x"}}},
	}
	if got, want := w.do("people"), "Ann · owner · net/7\nBob Lee · user · net/8 · other/x"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := w.do(`people role "bob lee" operator`); got != "Bob Lee is operator now and may run programs, and steer those of others too." {
		t.Errorf("got %q", got)
	}
	if got := w.people[1]; got.Name != "Bob Lee" || got.Role != bot.Operator || len(got.Accounts) != 2 {
		t.Errorf("Bob is %+v", got)
	}
	for line, want := range map[string]string{
		"people add":                "chapi pair",
		"people remove":             "NAME",
		"people remove Ann":         "That is you",
		"people role ann viewer":    "That is you",
		"people role \"Bob Lee\"":   "'Bob Lee' viewer, user",
		"people role Bob king":      "one of",
		"people remove Bbo":         "nobody called Bbo",
		"people remove \"Bob Lea\"": "Did you mean Bob Lee",
		"people rob":                "one of",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: %q, want %q in it", line, got, want)
		}
	}
	w.do(`people remove "Bob Lee"`)
	if len(w.people) != 1 {
		t.Errorf("left: %+v", w.people)
	}
	w.people = append(w.people, bot.Person{Name: "Cid", Role: bot.User})
	w.locked = true
	if got := w.refused("people remove Cid"); !strings.Contains(got, "configuration") {
		t.Errorf("a configured person: %q", got)
	}
}

func TestLink(t *testing.T) {
	w := newWorld(t)
	if err := w.try("link", ""); err == nil || !strings.Contains(err.Error(), "in private") {
		t.Errorf("a code is shown in a group: %v", err)
	}
	w.direct = true
	if got := w.do("link"); !strings.Contains(got, "/pair CODE-OF-Ann") || !strings.Contains(got, "10 minutes") {
		t.Errorf("got %q", got)
	}
	if err := w.try("link off", ""); err == nil || !strings.Contains(err.Error(), "No account is linked") {
		t.Errorf("got %v", err)
	}
	w.linked = []bot.Account{{Adapter: "other", User: "8"}}
	if got := w.do("link off"); !strings.Contains(got, "other/8") {
		t.Errorf("got %q", got)
	}
}

func TestRolesInTheThirdPerson(t *testing.T) {
	w := newWorld(t)
	w.people = []bot.Person{{Name: "Bob", Role: bot.Viewer}}
	if got := w.do("people role Bob user"); !strings.Contains(got, "those that they started") {
		t.Errorf("got %q", got)
	}
}

func TestChats(t *testing.T) {
	w := newWorld(t)
	if got := w.do("chats"); !strings.Contains(got, "no group") {
		t.Errorf("at first: %q", got)
	}
	w.do("chats add -1001 user")
	w.do("chats add other/55")
	w.chats[0].Name = "Workshop"
	if got, want := w.do("chats"), "net/-1001 · Workshop · at most user\nother/55"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	w.do("chats add -1001")
	if got := w.do("chats"); !strings.Contains(got, "net/-1001 · Workshop") || strings.Contains(got, "at most") {
		t.Errorf("with its ceiling lifted:\n%s", got)
	}
	for line, want := range map[string]string{
		"chats add":          "Which group",
		"chats remove":       "Which group",
		"chats remove 77":    "net/77 is not listed",
		"chats add a/b/c/d":  "no group",
		"chats add /5":       "no group",
		"chats add -10 king": "one of",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: %q, want %q in it", line, got, want)
		}
	}
	w.do("chats remove -1001")
	if len(w.chats) != 1 || w.chats[0].Room.Adapter != "other" {
		t.Errorf("left: %+v", w.chats)
	}
	w.locked = true
	if got := w.refused("chats remove other/55"); !strings.Contains(got, "configuration") {
		t.Errorf("a configured group: %q", got)
	}
}
