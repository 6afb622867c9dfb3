package storagetest

import (
	"fmt"
	"time"

	"chapi/bot"
)

var progressRules = []rule{
	{"putting a page moves the session's pages on, and only its receipt what was said", func(s store) {
		s.session("1")
		d := say(topic, "session/1/page/2", "text")
		d.Session, d.Progress = "1", bot.Progress{Page: 2, From: 100, Said: 150}
		s.put(d)
		s.same("when put", s.readSession("1").Progress, bot.Progress{Page: 2, From: 100})
		s.send(room, "50")
		s.same("when sent", s.readSession("1").Progress, bot.Progress{Page: 2, From: 100, Said: 150})
	}},

	{"a session's progress never goes back", func(s store) {
		s.session("1")
		for _, p := range []bot.Progress{
			{Page: 3, From: 300, Said: 350, Told: true},
			{Page: 2, From: 900, Said: 250},
			{Page: 3, From: 200},
			{},
		} {
			d := say(topic, "x", "x")
			d.Session, d.Progress = "1", p
			s.put(d)
			s.send(room, "50")
		}
		s.same("progress", s.readSession("1").Progress, bot.Progress{Page: 3, From: 300, Said: 350, Told: true})
	}},

	{"what was said is what was sent, not what was put meanwhile", func(s store) {
		s.session("1")
		d := say(topic, "page", "one")
		d.Session, d.Progress = "1", bot.Progress{Page: 1, Said: 10}
		s.put(d)
		inFlight := s.attempt(room)
		d.Progress.Said = 20
		s.put(d)
		s.settle(inFlight, sent("50"))
		s.same("after the first", s.readSession("1").Progress.Said, int64(10))
		s.send(room, "50")
		s.same("after the second", s.readSession("1").Progress.Said, int64(20))
	}},

	{"what was not sent was not said", func(s store) {
		s.session("1")
		for _, r := range []bot.Result{{Doubt: true}, {NotBefore: time.Now().Add(-time.Second)}, {Thread: &room}, {Reset: true}, {Dropped: "no"}} {
			d := say(topic, "page", "one")
			d.Session, d.Progress = "1", bot.Progress{Page: 1, Said: 10}
			s.put(d)
			s.settle(s.attempt(room), r)
		}
		s.same("said", s.readSession("1").Progress.Said, int64(0))
	}},

	{"a sent message belongs to the session that it was about", func(s store) {
		s.session("1")
		d := say(topic, "page", "one")
		d.Session = "1"
		s.put(d, say(topic, "answer", "two"))
		s.send(room, "50")
		s.send(room, "51")
		id, err := s.BoundTo(s.Context(), topic, "50")
		s.must(err)
		s.same("session", id, bot.SessionID("1"))
		_, err = s.BoundTo(s.Context(), topic, "51")
		s.wantErr(err, bot.ErrNotFound)
		_, err = s.BoundTo(s.Context(), other, "50")
		s.wantErr(err, bot.ErrNotFound)
	}},
}

var sessionRules = []rule{
	{"a session comes back as it was created", func(s store) {
		want := bot.Session{
			ID: "17", Name: "build", Title: "make -j",
			Claim: bot.Claim{
				Account: ada, Name: "Ada", Thread: other, Title: "t", Direct: true, Origin: bot.ByBot,
				Server: "server", Badges: []bot.BadgeID{"staff"},
			},
			Person: "ada", Thread: topic, Root: "3", Interactive: true, Quiet: true, PTY: true,
			Argv: []string{"printf", "", "\xff\xfe bytes", "ü"}, Dir: "/tmp/\xff", State: bot.Running, Started: time.Now(),
			Progress: bot.Progress{Page: 1, From: 2, Said: 3, Told: true},
		}
		s.filled(want, "Exit")
		s.filled(want.Claim)
		s.filled(want.Progress)
		s.must(s.Create(s.Context(), want))
		s.same("session", s.readSession("17"), want)
		id, err := s.BoundTo(s.Context(), room, "3")
		s.must(err)
		s.same("root belongs to", id, bot.SessionID("17"))
	}},

	{"a session is created once", func(s store) {
		s.session("1")
		s.wantErr(s.Create(s.Context(), bot.Session{ID: "1", Title: "other"}), bot.ErrExists)
		s.same("title", s.readSession("1").Title, "sleep 1")
	}},

	{"a session only moves forward, and keeps its first end", func(s store) {
		s.session("1")
		s.must(s.Running(s.Context(), "1"))
		s.same("state", s.readSession("1").State, bot.Running)
		exit := bot.Exit{Code: -1, Signal: "KILL", Reason: bot.Signalled, Detail: "d", At: time.Now(), Open: true}
		s.filled(exit)
		s.must(s.End(s.Context(), "1", exit))
		s.must(s.Running(s.Context(), "1"))
		s.must(s.End(s.Context(), "1", bot.Exit{Reason: bot.Lost, At: time.Now()}))
		got := s.readSession("1")
		s.same("state", got.State, bot.Ended)
		s.same("exit", got.Exit, exit)
	}},

	{"a session that nobody knows is not found", func(s store) {
		_, err := s.Session(s.Context(), "9")
		s.wantErr(err, bot.ErrNotFound)
		s.wantErr(s.Running(s.Context(), "9"), bot.ErrNotFound)
		s.wantErr(s.End(s.Context(), "9", bot.Exit{At: time.Now()}), bot.ErrNotFound)
		s.wantErr(s.Move(s.Context(), "9", room, "", bot.Progress{}), bot.ErrNotFound)
		_, err = s.BoundTo(s.Context(), room, "9")
		s.wantErr(err, bot.ErrNotFound)
		s.must(s.Forget(s.Context(), "9"))
	}},

	{"a session that moves goes on with a new page in the other thread", func(s store) {
		s.session("1")
		d := say(topic, "page/4", "x")
		d.Session, d.Progress = "1", bot.Progress{Page: 4, From: 400, Said: 450, Told: true}
		s.put(d)
		s.send(room, "50")
		s.must(s.Move(s.Context(), "1", other, "60", bot.Progress{Page: 5, From: 390}))
		got := s.readSession("1")
		s.same("thread", got.Thread, other)
		s.same("root", got.Root, bot.MessageID("60"))
		s.same("progress", got.Progress, bot.Progress{Page: 5, From: 390, Said: 450})
		id, err := s.BoundTo(s.Context(), other, "60")
		s.must(err)
		s.same("root belongs to", id, bot.SessionID("1"))
	}},

	{"a forgotten session is gone, with what was bound to it", func(s store) {
		s.session("1")
		s.must(s.Forget(s.Context(), "1"))
		_, err := s.Session(s.Context(), "1")
		s.wantErr(err, bot.ErrNotFound)
		_, err = s.BoundTo(s.Context(), room, "root 1")
		s.wantErr(err, bot.ErrNotFound)
	}},

	{"sessions are listed newest first, by place, person and state", func(s store) {
		for i := 1; i <= 6; i++ {
			ss := bot.Session{ID: bot.SessionID(fmt.Sprint(i)), Thread: room, Person: "ada", Started: time.Now()}
			switch i {
			case 2:
				ss.Thread = topic
			case 3:
				ss.Thread = other
			case 4:
				ss.Person = "bob"
			case 5:
				ss.State, ss.Exit = bot.Ended, bot.Exit{Reason: bot.Exited, At: time.Now()}
			case 6:
				ss.State, ss.Progress.Told = bot.Running, true
			}
			s.must(s.Create(s.Context(), ss))
		}
		for _, c := range []struct {
			filter bot.SessionFilter
			want   []bot.SessionID
		}{
			{bot.SessionFilter{}, []bot.SessionID{"6", "5", "4", "3", "2", "1"}},
			{bot.SessionFilter{Limit: 2}, []bot.SessionID{"6", "5"}},
			{bot.SessionFilter{Room: topic}, []bot.SessionID{"6", "5", "4", "2", "1"}},
			{bot.SessionFilter{Thread: topic}, []bot.SessionID{"2"}},
			{bot.SessionFilter{Thread: room, Person: "ada"}, []bot.SessionID{"6", "5", "1"}},
			{bot.SessionFilter{Live: true, Room: room}, []bot.SessionID{"6", "4", "2", "1"}},
			{bot.SessionFilter{Untold: true}, []bot.SessionID{"5", "4", "3", "2", "1"}},
			{bot.SessionFilter{Person: "eve"}, nil},
		} {
			sessions, err := s.Sessions(s.Context(), c.filter)
			s.must(err)
			var got []bot.SessionID
			for _, ss := range sessions {
				got = append(got, ss.ID)
			}
			s.same(fmt.Sprintf("%+v", c.filter), got, c.want)
		}
	}},
}
