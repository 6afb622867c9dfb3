package storagetest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"chapi/bot"
)

var ledgerRules = []rule{
	{"a new call's number is never given twice", func(s store) {
		var mu sync.Mutex
		seen := make(map[bot.CallID]bool)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 100 {
					id := s.NewCall()
					mu.Lock()
					if id < 1 || seen[id] {
						s.Errorf("call number %d was given twice or is below 1", id)
					}
					seen[id] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
	}},

	{"a call comes back as it was accepted", func(s store) {
		want := bot.Call{
			ID: s.NewCall(), Key: "k", Command: "run", Args: bot.Args{"argv": {"printf", "a\x00b", "<&>", "ünï"}, "pty": {""}},
			Claim: bot.Claim{
				Account: ada, Name: "Ada ❤", Thread: topic, Title: "home", Direct: true, Origin: bot.Forwarded,
				Server: "server", Badges: []bot.BadgeID{"staff", "crew"},
			},
			Message: "77", ReplyTo: "76", Session: "3", Text: "/run printf \u2028 'x'",
			Files: []bot.Attachment{{Name: "a.txt", MIME: "text/plain", Size: 12, Ref: "ref"}},
		}
		before := time.Now()
		s.accept(bot.Entry{Key: "k", Call: &want})
		got := s.read(want.ID)
		if got.Accepted.Before(before.Truncate(time.Microsecond)) {
			s.Fatalf("accepted at %v, before it was", got.Accepted)
		}
		want.Accepted = got.Accepted
		s.filled(want, "State", "Begun", "Finished", "Outcome", "Detail")
		s.filled(want.Claim)
		s.same("call", got, want)
	}},

	{"a message that was seen before does nothing again", func(s store) {
		first := bot.Call{ID: s.NewCall(), Command: "run"}
		again := bot.Call{ID: s.NewCall(), Command: "run"}
		s.same("first time", s.accept(bot.Entry{Key: "k", Call: &first}), []bot.Entered{bot.Fresh})
		s.same("second time", s.accept(bot.Entry{Key: "k", Call: &again, Say: []bot.Delivery{say(room, "x", "x")}}), []bot.Entered{bot.Seen})
		_, err := s.Call(s.Context(), again.ID)
		s.wantErr(err, bot.ErrNotFound)
		s.nothing(room)
	}},

	{"a message that comes twice in one batch counts once", func(s store) {
		got := s.accept(bot.Entry{Key: "k"}, bot.Entry{Key: "k"}, bot.Entry{Key: "l"})
		s.same("entered", got, []bot.Entered{bot.Fresh, bot.Seen, bot.Fresh})
	}},

	{"a batch is recorded as a whole or not at all", func(s store) {
		c := s.call("run")
		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Cursor: "9", Entries: []bot.Entry{
			{Key: "good", Say: []bot.Delivery{say(room, "x", "x")}},
			{Key: "bad", Call: &bot.Call{ID: c.ID}}, // that number is taken
		}})
		if err == nil {
			s.Fatal("a call with a number that is taken was accepted")
		}
		s.nothing(room)
		cursor, err := s.Cursor(s.Context(), "net")
		s.must(err)
		s.same("cursor", cursor, "")
		s.same("offered again", s.accept(bot.Entry{Key: "good"}), []bot.Entered{bot.Fresh})
	}},

	{"the cursor is each adapter's own, and an empty one leaves the old", func(s store) {
		for _, in := range []bot.Intake{{Adapter: "a", Cursor: "1"}, {Adapter: "b", Cursor: "2"}, {Adapter: "a", Cursor: "3"}, {Adapter: "b"}} {
			_, err := s.Accept(s.Context(), in)
			s.must(err)
		}
		for adapter, want := range map[string]string{"a": "3", "b": "2", "c": ""} {
			got, err := s.Cursor(s.Context(), adapter)
			s.must(err)
			s.same("cursor of "+adapter, got, want)
		}
	}},

	{"a call that carries its outcome is completed when it is accepted", func(s store) {
		c := bot.Call{ID: s.NewCall(), Command: "run", State: bot.Completed, Outcome: bot.Refused, Detail: "no"}
		s.accept(bot.Entry{Key: "k", Call: &c})
		got := s.read(c.ID)
		if got.State != bot.Completed || got.Outcome != bot.Refused || got.Detail != "no" || got.Finished.IsZero() {
			s.Fatalf("got %+v", got)
		}
		s.wantErr(s.Begin(s.Context(), c.ID, true), bot.ErrBegun)
	}},

	{"a call begins once, synced or not", func(s store) {
		for _, synced := range []bool{true, false} {
			c := s.call("run")
			s.must(s.Begin(s.Context(), c.ID, synced))
			s.wantErr(s.Begin(s.Context(), c.ID, true), bot.ErrBegun)
			s.wantErr(s.Begin(s.Context(), c.ID, false), bot.ErrBegun)
			if got := s.read(c.ID); got.State != bot.Begun || got.Begun.IsZero() {
				s.Fatalf("got %+v", got)
			}
		}
	}},

	{"of many that would begin a call at once, one does", func(s store) {
		c := s.call("run")
		var began [20]error
		var wg sync.WaitGroup
		for i := range began {
			wg.Go(func() { began[i] = s.Begin(s.Context(), c.ID, i%2 == 0) })
		}
		wg.Wait()
		n := 0
		for _, err := range began {
			if err == nil {
				n++
			} else {
				s.wantErr(err, bot.ErrBegun)
			}
		}
		s.same("began", n, 1)
	}},

	{"a call that nobody knows can neither begin nor finish", func(s store) {
		s.wantErr(s.Begin(s.Context(), 99, true), bot.ErrNotFound)
		s.wantErr(s.Finish(s.Context(), 99, bot.Done, "", say(room, "x", "x")), bot.ErrNotFound)
		s.nothing(room)
	}},

	{"the session that a finished call has started is running", func(s store) {
		c := s.call("run")
		s.must(s.Begin(s.Context(), c.ID, true))
		s.session(c.ID.Session())
		s.must(s.Finish(s.Context(), c.ID, bot.Done, ""))
		s.same("state", s.readSession(c.ID.Session()).State, bot.Running)
		s.must(s.End(s.Context(), c.ID.Session(), bot.Exit{Reason: bot.Exited, At: time.Now()}))
		s.must(s.Finish(s.Context(), c.ID, bot.Done, ""))
		s.same("state", s.readSession(c.ID.Session()).State, bot.Ended)
	}},

	{"a finished call keeps its first outcome, and nothing more is said", func(s store) {
		c := s.call("run")
		s.must(s.Begin(s.Context(), c.ID, true))
		s.must(s.Finish(s.Context(), c.ID, bot.Failed, "exit 1", say(room, "a", "first")))
		s.must(s.Finish(s.Context(), c.ID, bot.Interrupted, "again", say(room, "b", "second")))
		got := s.read(c.ID)
		if got.State != bot.Completed || got.Outcome != bot.Failed || got.Detail != "exit 1" || got.Finished.IsZero() {
			s.Fatalf("got %+v", got)
		}
		s.same("said", s.drain(room), []string{"first"})
	}},

	{"a call that was not begun can be finished, and then never begins", func(s store) {
		c := s.call("run")
		s.must(s.Finish(s.Context(), c.ID, bot.Late, ""))
		s.wantErr(s.Begin(s.Context(), c.ID, false), bot.ErrBegun)
		if got := s.read(c.ID); got.Outcome != bot.Late || !got.Begun.IsZero() {
			s.Fatalf("got %+v", got)
		}
	}},

	{"unfinished calls are listed oldest first, with what is known of them", func(s store) {
		a, b, c := s.call("a"), s.call("b"), s.call("c")
		s.must(s.Finish(s.Context(), b.ID, bot.Done, ""))
		s.must(s.Begin(s.Context(), c.ID, false))
		got, err := s.Unfinished(s.Context())
		s.must(err)
		s.same("unfinished", got, []bot.Call{s.read(a.ID), s.read(c.ID)})
	}},

	{"calls are listed newest first, by room, account, command and message, 20 unless told", func(s store) {
		var want []string
		for i := range 60 {
			c := bot.Call{ID: s.NewCall(), Command: "run", Text: fmt.Sprint(i), Message: bot.MessageID(fmt.Sprint("m", i)), Claim: bot.Claim{Account: ada, Thread: topic}}
			if i%2 == 1 {
				c.Claim.Account = bob
			}
			if i%3 == 1 {
				c.Claim.Thread = other
			}
			if i%5 == 1 {
				c.Command = "help"
			}
			s.accept(bot.Entry{Key: c.Text, Call: &c})
			if i%2 == 0 && i%3 != 1 && i%5 != 1 {
				want = append([]string{c.Text}, want...)
			}
		}
		texts := func(f bot.CallFilter) (texts []string) {
			calls, err := s.Calls(s.Context(), f)
			s.must(err)
			for _, c := range calls {
				texts = append(texts, c.Text)
			}
			return texts
		}
		s.same("filtered", texts(bot.CallFilter{Room: topic, Account: ada, Command: "run"}), want)
		s.same("limited", texts(bot.CallFilter{Limit: 2}), []string{"59", "58"})
		s.same("usual number", len(texts(bot.CallFilter{})), 20)
		s.same("of a message", texts(bot.CallFilter{Room: topic, Message: "m6"}), []string{"6"})
		s.same("of nobody", texts(bot.CallFilter{Account: bot.Account{Adapter: "net", User: "3"}}), []string{})
	}},

	{"an operation whose context has ended changes nothing", func(s store) {
		c := s.call("run")
		ctx, cancel := context.WithCancel(s.Context())
		cancel()
		s.wantErr(s.Begin(ctx, c.ID, true), context.Canceled)
		s.same("state", s.read(c.ID).State, bot.Accepted)
	}},

	{"of two presses of a keyboard that is good for once, the second is spent", func(s store) {
		d := say(room, "ask", "sure?")
		d.Post.Keyboard = &bot.Keyboard{Handle: "h", Once: true, Rows: [][]bot.Button{{{Label: "Yes", Command: "run"}}}}
		s.put(d)
		first := bot.Call{ID: s.NewCall(), Command: "run"}
		second := bot.Call{ID: s.NewCall(), Command: "run"}
		got := s.accept(
			bot.Entry{Key: "press 1", Call: &first, Press: "h"},
			bot.Entry{Key: "press 2", Call: &second, Press: "h", Say: []bot.Delivery{say(other, "x", "x")},
				Bind: bot.Binding{Room: room, Message: "4", Session: "1"}},
		)
		s.same("entered", got, []bot.Entered{bot.Fresh, bot.Spent})
		s.read(first.ID)
		_, err := s.Call(s.Context(), second.ID)
		s.wantErr(err, bot.ErrNotFound)
		s.nothing(other)
		_, err = s.BoundTo(s.Context(), room, "4")
		s.wantErr(err, bot.ErrNotFound)
		s.same("its key is known", s.accept(bot.Entry{Key: "press 2"}), []bot.Entered{bot.Seen})
	}},

	{"the press of a keyboard that nobody knows is spent", func(s store) {
		s.same("entered", s.accept(bot.Entry{Key: "k", Press: "gone"}), []bot.Entered{bot.Spent})
	}},

	{"a message that is accepted can be bound to a session and answered at once", func(s store) {
		s.accept(bot.Entry{
			Key:  "k",
			Bind: bot.Binding{Room: room, Message: "9", Session: "4"},
			Say:  []bot.Delivery{say(room, "a", "one"), say(room, "b", "two")},
		})
		id, err := s.BoundTo(s.Context(), topic, "9")
		s.must(err)
		s.same("session", id, bot.SessionID("4"))
		s.same("said", s.drain(room), []string{"one", "two"})
	}},

	{"a chat that moves takes along all that is tied to it", func(s store) {
		before := bot.Thread{Adapter: "net", Chat: "-5"}
		after := bot.Thread{Adapter: "net", Chat: "-1005"}
		c := bot.Call{ID: s.NewCall(), Command: "run", Claim: bot.Claim{Account: ada, Thread: before}}
		s.accept(bot.Entry{Key: "k", Call: &c})
		ss := bot.Session{ID: "1", Claim: bot.Claim{Thread: before}, Thread: before, Root: "2", State: bot.Running}
		s.must(s.Create(s.Context(), ss))
		s.must(s.SetChat(s.Context(), bot.Chat{Name: "home", Room: before, Ceiling: bot.User}))
		s.must(s.Set(s.Context(), before.String(), "dir", "/srv"))
		s.put(say(before, "live", "one"))
		s.send(before, "8")
		edit := say(before, "live", "two")
		edit.Post.Keyboard = &bot.Keyboard{Handle: "h"}
		s.put(edit, say(before, "more", "three"))

		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Moves: []bot.Move{{From: before, To: after}}})
		s.must(err)

		s.same("call", s.read(c.ID).Claim.Thread, after)
		got := s.readSession("1")
		s.same("session's output", got.Thread, after)
		s.same("session's claim", got.Claim.Thread, after)
		chats, err := s.Chats(s.Context())
		s.must(err)
		s.same("chats", chats, []bot.Chat{{Name: "home", Room: after, Ceiling: bot.User}})
		dir, err := s.Setting(s.Context(), after.String(), "dir")
		s.must(err)
		s.same("setting", dir, "/srv")
		old, err := s.Settings(s.Context(), before.String())
		s.must(err)
		s.same("settings of the old chat", old, map[string]string{})
		_, in, _, err := s.Keyboard(s.Context(), "h")
		s.must(err)
		s.same("keyboard", in, after)
		rooms, err := s.Rooms(s.Context())
		s.must(err)
		s.same("rooms", rooms, []bot.Thread{after})
		s.same("said", s.drain(after), []string{"two", "three"})
	}},

	{"no message id of a chat that has moved means anything in the new one", func(s store) {
		before := bot.Thread{Adapter: "net", Chat: "-5"}
		after := bot.Thread{Adapter: "net", Chat: "-1005"}
		s.accept(bot.Entry{Key: "k", Bind: bot.Binding{Room: before, Message: "8", Session: "1"}})
		s.put(say(before, "live", "one"))
		s.send(before, "8")
		late := say(before, "live", "two")
		s.put(late)
		inFlight := s.attempt(before)
		_, err := s.Accept(s.Context(), bot.Intake{Adapter: "net", Moves: []bot.Move{{From: before, To: after}}})
		s.must(err)

		_, err = s.BoundTo(s.Context(), after, "8")
		s.wantErr(err, bot.ErrNotFound)
		d := s.next(after)
		s.same("target", d.Target, bot.MessageID(""))
		s.settle(inFlight, sent("8")) // it went into the old chat just before
		s.nothing(after)
		s.put(say(after, "live", "three"))
		s.same("target of the next revision", s.next(after).Target, bot.MessageID(""))
	}},
}
