package storagetest

import (
	"strings"
	"time"

	"chapi/bot"
)

var grantRules = []rule{
	{"people are added, replaced by name, and removed", func(s store) {
		s.must(s.SetPerson(s.Context(), bot.Person{Name: "bob", Role: bot.User}))
		s.must(s.SetPerson(s.Context(), bot.Person{Name: "ada", Role: bot.Viewer, Accounts: []bot.Account{bob}}))
		s.must(s.SetPerson(s.Context(), bot.Person{Name: "ada", Role: bot.Owner, Accounts: []bot.Account{ada, bob}}))
		people := s.people()
		s.same("people", people, []bot.Person{
			{Name: "ada", Role: bot.Owner, Accounts: []bot.Account{ada, bob}},
			{Name: "bob", Role: bot.User},
		})
		s.must(s.RemovePerson(s.Context(), "ada"))
		s.wantErr(s.RemovePerson(s.Context(), "ada"), bot.ErrNotFound)
		s.same("people left", len(s.people()), 1)
	}},

	{"chats are added, replaced by room, and removed", func(s store) {
		s.must(s.SetChat(s.Context(), bot.Chat{Name: "home", Room: room}))
		s.must(s.SetChat(s.Context(), bot.Chat{Name: "home", Room: other, Ceiling: bot.Viewer}))
		s.must(s.SetChat(s.Context(), bot.Chat{Name: "club", Room: room, Ceiling: bot.User}))
		chats, err := s.Chats(s.Context())
		s.must(err)
		s.same("chats", chats, []bot.Chat{
			{Name: "club", Room: room, Ceiling: bot.User},
			{Name: "home", Room: other, Ceiling: bot.Viewer},
		})
		s.must(s.RemoveChat(s.Context(), room))
		s.wantErr(s.RemoveChat(s.Context(), room), bot.ErrNotFound)
		chats, err = s.Chats(s.Context())
		s.must(err)
		s.same("chats left", len(chats), 1)
	}},

	{"a code makes a person of its role, once", func(s store) {
		code := s.code(bot.Operator)
		if len(code) != 8 || strings.ContainsAny(code, "01OILU") {
			s.Fatalf("code %q: want 8 characters that cannot be mistaken", code)
		}
		var welcomed bot.Person
		p, ok, err := s.Redeem(s.Context(), "m1", code, claim(ada, "Ada"), func(p bot.Person) []bot.Delivery {
			welcomed = p
			return []bot.Delivery{say(room, "welcome", "welcome "+p.Name)}
		})
		s.must(err)
		want := bot.Person{Name: "Ada", Role: bot.Operator, Accounts: []bot.Account{ada}}
		if !ok {
			s.Fatal("the code was not taken")
		}
		s.same("person", p, want)
		s.same("welcomed", welcomed, want)
		s.same("people", s.people(), []bot.Person{want})
		s.same("said", s.drain(room), []string{"welcome Ada"})
		s.same("used again", s.redeem("m2", code, claim(bob, "Bob")), false)
	}},

	{"a code may be written in small letters and with blanks and dashes", func(s store) {
		code := strings.ToLower(s.code(bot.User))
		s.same("taken", s.redeem("m1", " "+code[:4]+"-"+code[4:]+" ", claim(ada, "Ada")), true)
	}},

	{"a message with a code is tried once", func(s store) {
		code := s.code(bot.User)
		s.same("a wrong one", s.redeem("m1", "wrong", claim(ada, "Ada")), false)
		s.same("the same message", s.redeem("m1", code, claim(ada, "Ada")), false)
		s.same("another", s.redeem("m2", code, claim(ada, "Ada")), true)
		s.same("its key is known", s.accept(bot.Entry{Key: "m2"}), []bot.Entered{bot.Seen})
	}},

	{"an older code of the same role dies, one of another role lives", func(s store) {
		old, viewer, user := s.code(bot.User), s.code(bot.Viewer), s.code(bot.User)
		s.same("old", s.redeem("m1", old, claim(ada, "Ada")), false)
		s.same("viewer", s.redeem("m2", viewer, claim(ada, "Ada")), true)
		s.same("user", s.redeem("m3", user, claim(bob, "Bob")), true)
	}},

	{"a code dies at its time", func(s store) {
		code, err := s.NewCode(s.Context(), bot.User, time.Now().Add(-time.Second))
		s.must(err)
		s.same("taken", s.redeem("m1", code, claim(ada, "Ada")), false)
	}},

	{"after too many wrong codes every code dies", func(s store) {
		user, owner := s.code(bot.User), s.code(bot.Owner)
		for i := range bot.MaxTries {
			s.same("wrong", s.redeem(string(rune('a'+i)), "ABCDEFGH", claim(bob, "Bob")), false)
		}
		s.same("user's", s.redeem("m1", user, claim(ada, "Ada")), false)
		s.same("owner's", s.redeem("m2", owner, claim(ada, "Ada")), false)
		s.same("a new one", s.redeem("m3", s.code(bot.Owner), claim(ada, "Ada")), true)
	}},

	{"one wrong code less and the right one is still good", func(s store) {
		code := s.code(bot.User)
		for i := range bot.MaxTries - 1 {
			s.redeem(string(rune('a'+i)), "ABCDEFGH", claim(bob, "Bob"))
		}
		s.same("taken", s.redeem("m1", code, claim(ada, "Ada")), true)
	}},

	{"no code is good before one was made", func(s store) {
		s.same("empty", s.redeem("m1", "", claim(ada, "Ada")), false)
		s.same("any", s.redeem("m2", "ABCDEFGH", claim(ada, "Ada")), false)
	}},

	{"the name of a new person is made unique", func(s store) {
		s.must(s.SetPerson(s.Context(), bot.Person{Name: "Ada Lovelace", Role: bot.Owner}))
		s.redeem("m1", s.code(bot.User), claim(ada, " ada\n lovelace "))
		s.redeem("m2", s.code(bot.User), claim(bob, "Ada Lovelace"))
		s.redeem("m3", s.code(bot.User), claim(bot.Account{Adapter: "net", User: "3"}, ""))
		var names []string
		for _, p := range s.people() {
			names = append(names, p.Name)
		}
		s.same("names", names, []string{"3", "Ada Lovelace", "Ada Lovelace 3", "ada lovelace 2"})
	}},

	{"a link adds an account to a person, once, and takes it from whoever had it", func(s store) {
		s.redeem("m1", s.code(bot.Operator), claim(ada, "Ada"))
		s.redeem("m2", s.code(bot.User), claim(bob, "Bob"))
		code, err := s.NewLink(s.Context(), "Ada", bot.Operator, time.Now().Add(time.Minute))
		s.must(err)
		user := s.code(bot.Operator) // another kind: neither replaces the other
		s.same("taken", s.redeem("m3", code, claim(bob, "Bob")), true)
		s.same("people", s.people(), []bot.Person{{Name: "Ada", Role: bot.Operator, Accounts: []bot.Account{ada, bob}}})
		s.same("again", s.redeem("m4", code, claim(bob, "Bob")), false)
		s.same("the other code", s.redeem("m5", user, claim(ada, "Ada")), true)
	}},

	{"a link of somebody who is only in the configuration gives no role by itself", func(s store) {
		code, err := s.NewLink(s.Context(), "Cleo", bot.Nobody, time.Now().Add(time.Minute))
		s.must(err)
		s.same("taken", s.redeem("m1", code, claim(ada, "Ada")), true)
		s.same("people", s.people(), []bot.Person{{Name: "Cleo", Role: bot.Nobody, Accounts: []bot.Account{ada}}})
	}},

	{"somebody known who redeems a code stays one person, with the greater role", func(s store) {
		s.redeem("m1", s.code(bot.User), claim(ada, "Ada"))
		s.redeem("m2", s.code(bot.Operator), claim(ada, "Ada L."))
		s.redeem("m3", s.code(bot.Viewer), claim(ada, "Ada"))
		s.same("people", s.people(), []bot.Person{{Name: "Ada", Role: bot.Operator, Accounts: []bot.Account{ada}}})
	}},
}

func (s store) people() []bot.Person {
	s.Helper()
	people, err := s.People(s.Context())
	s.must(err)
	return people
}

func (s store) code(r bot.Role) string {
	s.Helper()
	code, err := s.NewCode(s.Context(), r, time.Now().Add(time.Minute))
	s.must(err)
	return code
}

func (s store) redeem(key, code string, who bot.Claim) bool {
	s.Helper()
	_, ok, err := s.Redeem(s.Context(), key, code, who, nil)
	s.must(err)
	return ok
}

func claim(a bot.Account, name string) bot.Claim {
	return bot.Claim{Account: a, Name: name, Thread: room, Direct: true}
}

var settingRules = []rule{
	{"a setting is kept by scope and name until it is emptied", func(s store) {
		s.must(s.Set(s.Context(), "a", "x", "1"))
		s.must(s.Set(s.Context(), "a", "y", "2"))
		s.must(s.Set(s.Context(), "b", "x", "3"))
		s.must(s.Set(s.Context(), "a", "x", "4"))
		s.must(s.Set(s.Context(), "a", "y", ""))
		got, err := s.Settings(s.Context(), "a")
		s.must(err)
		s.same("scope a", got, map[string]string{"x": "4"})
		value, err := s.Setting(s.Context(), "b", "x")
		s.must(err)
		s.same("b's x", value, "3")
		value, err = s.Setting(s.Context(), "b", "y")
		s.must(err)
		s.same("b's y", value, "")
	}},

	{"what is told once is not told again before its time", func(s store) {
		once := func(topic string, every time.Duration) bool {
			told, err := s.Once(s.Context(), topic, every, say(room, bot.Slot(topic), topic))
			s.must(err)
			return told
		}
		s.same("first", once("a", time.Hour), true)
		s.same("again", once("a", time.Hour), false)
		s.same("of something else", once("b", time.Hour), true)
		s.same("after its time", once("a", time.Nanosecond), true)
		s.same("said", s.drain(room), []string{"a", "b"})
	}},
}

var pruneRules = []rule{
	{"pruning removes what is old and finished, and says which sessions", func(s store) {
		done, open := s.call("done"), s.call("open")
		s.must(s.Finish(s.Context(), done.ID, bot.Done, ""))
		s.call("newest")
		d := say(topic, "x", "x")
		d.Session, d.Progress = "1", bot.Progress{Page: 1, Told: true}
		d.Post.Keyboard = &bot.Keyboard{Handle: "spent", Once: true}
		s.session("1")
		s.put(d)
		s.send(room, "50")
		s.must(s.End(s.Context(), "1", bot.Exit{Reason: bot.Exited, At: time.Now()}))
		s.accept(bot.Entry{Key: "press", Press: "spent"})
		s.session("2") // lives

		s.same("nothing is old", s.prune(time.Now().Add(-time.Hour)), []bot.SessionID{})
		s.read(done.ID)
		s.readSession("1")

		s.same("sessions", s.prune(time.Now().Add(time.Hour)), []bot.SessionID{"1"})
		_, err := s.Call(s.Context(), done.ID)
		s.wantErr(err, bot.ErrNotFound)
		s.read(open.ID)
		_, err = s.Session(s.Context(), "1")
		s.wantErr(err, bot.ErrNotFound)
		s.readSession("2")
		_, err = s.BoundTo(s.Context(), room, "50")
		s.wantErr(err, bot.ErrNotFound)
		_, err = s.BoundTo(s.Context(), room, "root 2")
		s.must(err)
		_, _, _, err = s.Keyboard(s.Context(), "spent")
		s.wantErr(err, bot.ErrNotFound)
		s.same("its key is forgotten", s.accept(bot.Entry{Key: "press"}), []bot.Entered{bot.Fresh})
	}},

	{"pruning keeps a session whose last word is not out, or whose output is still to be sent", func(s store) {
		for _, id := range []bot.SessionID{"1", "2", "3"} {
			s.session(id)
			s.must(s.End(s.Context(), id, bot.Exit{Reason: bot.Exited, At: time.Now()}))
		}
		last := say(room, "last", "exit 0")
		last.Session, last.Progress = "2", bot.Progress{Page: 1, Told: true}
		told := last
		told.Slot, told.Session = "told", "3"
		s.put(told)
		s.send(room, "50")
		file := say(room, "file", "")
		file.Post.Media = &bot.Media{Name: "log", Output: &bot.OutputRef{Session: "3"}}
		s.put(last, file)
		s.same("sessions", s.prune(time.Now().Add(time.Hour)), []bot.SessionID{})
		s.send(room, "51")
		s.same("once it is said", s.prune(time.Now().Add(time.Hour)), []bot.SessionID{"2"})
	}},

	{"pruning keeps what waits, and the slots of live sessions", func(s store) {
		s.session("1")
		d := say(room, "page", "one")
		d.Session = "1"
		s.put(d)
		s.send(room, "50")
		s.put(say(room, "answer", "waits"))
		s.prune(time.Now().Add(time.Hour))
		s.same("waits", s.drain(room), []string{"waits"})
		s.put(d)
		s.same("target", s.next(room).Target, bot.MessageID("50"))
	}},

	{"pruning many rows removes them all", func(s store) {
		const n = 2500
		in := bot.Intake{Adapter: "net"}
		for range n {
			id := s.NewCall()
			in.Entries = append(in.Entries, bot.Entry{Key: string(id.Session()), Call: &bot.Call{ID: id, State: bot.Completed}})
		}
		_, err := s.Accept(s.Context(), in)
		s.must(err)
		s.prune(time.Now().Add(time.Hour))
		calls, err := s.Calls(s.Context(), bot.CallFilter{Limit: n})
		s.must(err)
		if len(calls) > 1 {
			s.Fatalf("%d calls are left", len(calls))
		}
		s.same("keys", s.accept(in.Entries[0])[0], bot.Fresh)
	}},
}

func (s store) prune(before time.Time) []bot.SessionID {
	s.Helper()
	gone, err := s.Prune(s.Context(), before)
	s.must(err)
	return gone
}
