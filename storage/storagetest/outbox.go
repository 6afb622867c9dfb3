package storagetest

import (
	"fmt"
	"time"

	"chapi/bot"
)

var outboxRules = []rule{
	{"a delivery comes back as it was put", func(s store) {
		want := bot.Delivery{
			Thread: topic, Slot: "session/1/page/1",
			Post: bot.Post{
				Text:   []bot.Span{{Style: bot.Bold, Text: "$ ls <&>"}, {Style: bot.Pre, Text: "a\tb\u2028\n"}},
				Output: &bot.OutputRef{Session: "1", Range: bot.Range{From: 3, To: 9}, Stdout: true},
				Keyboard: &bot.Keyboard{
					Handle: "h", Once: true, Expires: time.Now().Add(time.Hour), Only: ada, Session: "1", Asked: 3,
					Rows: [][]bot.Button{{{Label: "Stop", Command: "stop", Args: bot.Args{"session": {"1"}}}, {Label: "Again", Repeat: 4}}},
				},
				Silent: true,
			},
			ReplyTo: "12", Final: true, Session: "1",
			Progress:  bot.Progress{Page: 2, From: 5, Said: 4, Told: true},
			NotBefore: time.Now().Add(-time.Hour),
		}
		s.put(want)
		got := s.next(room)
		if got.ID == 0 || got.Revision == 0 || time.Since(got.Created) > time.Minute {
			s.Fatalf("id %d, revision %d, created %v: want them assigned", got.ID, got.Revision, got.Created)
		}
		want.ID, want.Revision, want.Created = got.ID, got.Revision, got.Created
		s.filled(want, "Target", "Attempts", "Doubt", "Mark")
		s.filled(want.Post, "Media")
		s.filled(*want.Post.Keyboard)
		s.filled(want.Progress)
		s.same("delivery", got, want)
	}},

	{"a file is in use while a post waits with it, and only then", func(s store) {
		uses := func(path string) bool {
			used, err := s.Uses(s.Context(), path)
			s.must(err)
			return used
		}
		post := bot.Post{Media: &bot.Media{Kind: bot.Picture, Name: "a.png", Path: "/spool/a.png", Own: true}}
		s.put(bot.Delivery{Thread: room, Slot: "picture", Post: post, Final: true})
		s.same("used by a post that waits", []bool{uses("/spool/a.png"), uses("/spool/b.png")}, []bool{true, false})
		post.Media = &bot.Media{Kind: bot.Picture, Name: "b.png", Path: "/spool/b.png", Own: true}
		s.put(bot.Delivery{Thread: room, Slot: "picture", Post: post, Final: true})
		s.same("used after another revision", []bool{uses("/spool/a.png"), uses("/spool/b.png")}, []bool{false, true})
	}},

	{"posts of a room keep the order in which they were put", func(s store) {
		var want []string
		for i := range 30 {
			text := fmt.Sprint(i)
			s.put(say(room, bot.Slot(text), text))
			want = append(want, text)
		}
		s.same("sent", s.drain(room), want)
	}},

	{"a post that may not be sent yet holds back the posts behind it", func(s store) {
		s.put(say(room, "a", "one"), say(room, "b", "two"))
		at := time.Now().Add(time.Hour)
		s.settle(s.attempt(room), bot.Result{NotBefore: at})
		s.same("earliest time", s.nothing(room), at)
		d, _, ok, err := s.Next(s.Context(), room, false, at.Add(time.Second))
		s.must(err)
		if !ok || d.Post.String() != "one" {
			s.Fatalf("an hour later: %q, %v, want one", d.Post, ok)
		}
	}},

	{"rooms hold up neither one another nor text by media", func(s store) {
		file := say(room, "file", "caption")
		file.Post.Media = &bot.Media{Name: "log.txt", Path: "/log.txt"}
		s.put(file, say(room, "text", "text"), say(other, "text", "elsewhere"))
		s.settle(s.attempt(other), bot.Result{NotBefore: time.Now().Add(time.Hour)})
		s.same("text", s.next(room).Post.String(), "text")
		d, _, ok, err := s.Next(s.Context(), room, true, time.Now())
		s.must(err)
		if !ok || d.Slot != "file" {
			s.Fatalf("media: %q, %v, want the file", d.Slot, ok)
		}
		s.must(s.Attempt(s.Context(), d.ID, ""))
		s.settle(d, bot.Result{NotBefore: time.Now().Add(time.Hour)})
		s.send(room, "1")
		if at := s.nothing(room); !at.IsZero() {
			s.Fatalf("text waits until %v, want nothing to wait", at)
		}
	}},

	{"new posts go before final edits, and those before other edits", func(s store) {
		for i, slot := range []bot.Slot{"a", "b", "c"} {
			s.put(say(room, slot, "old"))
			s.send(room, bot.MessageID(fmt.Sprint(i)))
		}
		final := say(room, "c", "final edit")
		final.Final = true
		s.put(say(room, "a", "edit 1"))
		s.put(say(room, "b", "edit 2"), final, say(room, "d", "post"))
		s.same("sent", s.drain(room), []string{"post", "final edit", "edit 1", "edit 2"})
	}},

	{"a post that has to wait holds back no edits", func(s store) {
		s.put(say(room, "a", "old"))
		s.send(room, "1")
		s.put(say(room, "b", "post"))
		s.settle(s.attempt(room), bot.Result{NotBefore: time.Now().Add(time.Hour)})
		s.put(say(room, "a", "edit"))
		s.same("next", s.next(room).Post.String(), "edit")
	}},

	{"the earliest time counts edits and the first post alike", func(s store) {
		s.put(say(room, "a", "old"), say(room, "b", "old"))
		s.send(room, "1")
		s.send(room, "2")
		now := time.Now()
		for _, slot := range []bot.Slot{"a", "b"} {
			s.put(say(room, slot, "edit"))
			at := now.Add(time.Hour)
			if slot == "b" {
				at = now.Add(time.Minute)
			}
			s.settle(s.attempt(room), bot.Result{NotBefore: at})
		}
		s.put(say(room, "c", "post"))
		s.settle(s.attempt(room), bot.Result{NotBefore: now.Add(time.Second * 90)})
		s.same("earliest", s.nothing(room), now.Add(time.Minute))
	}},

	{"an unsent revision is replaced by a newer one and keeps its place", func(s store) {
		s.put(say(room, "a", "a1"), say(room, "b", "b1"))
		first := s.next(room)
		a2 := say(room, "a", "a2")
		a2.Final, a2.Session, a2.Progress = true, "1", bot.Progress{Page: 3}
		s.put(a2)
		got := s.next(room)
		if got.ID != first.ID || got.Revision <= first.Revision || !got.Created.Equal(first.Created) {
			s.Fatalf("was %+v, became %+v", first, got)
		}
		if !got.Final || got.Session != "1" || got.Progress.Page != 3 {
			s.Fatalf("got %+v, want the newer revision's fields", got)
		}
		s.same("sent", s.drain(room), []string{"a2", "b1"})
	}},

	{"what is put into a slot that was posted is an edit of its message", func(s store) {
		s.put(say(topic, "a", "one"))
		first := s.send(room, "77")
		s.put(say(topic, "a", "two"))
		second := s.next(room)
		s.same("target", second.Target, bot.MessageID("77"))
		if second.Revision <= first.Revision {
			s.Fatalf("revisions %d and then %d, want them to grow", first.Revision, second.Revision)
		}
	}},

	{"media that is put into a slot again edits its message with the new file", func(s store) {
		picture := func(name string) bot.Delivery {
			return bot.Delivery{Thread: room, Slot: "live", Post: bot.Post{Media: &bot.Media{Kind: bot.Picture, Name: name, Path: "/spool/" + name, Own: true}}}
		}
		next := func() bot.Delivery {
			d, _, ok, err := s.Next(s.Context(), room, true, time.Now())
			s.must(err)
			if !ok {
				s.Fatalf("no media is due")
			}
			return d
		}
		s.put(picture("a.png"))
		inFlight := next()
		s.must(s.Attempt(s.Context(), inFlight.ID, ""))
		s.put(picture("b.png"))
		s.put(picture("c.png"))
		s.must(s.Settle(s.Context(), inFlight, sent("77")))
		got := next()
		s.same("the file", got.Post.Media.Path, "/spool/c.png")
		s.same("target", got.Target, bot.MessageID("77"))
		for path, want := range map[string]bool{"/spool/a.png": false, "/spool/b.png": false, "/spool/c.png": true} {
			used, err := s.Uses(s.Context(), path)
			s.must(err)
			s.same(path+" is in use", used, want)
		}
	}},

	{"a slot of the same name in another room is another slot", func(s store) {
		s.put(say(room, "a", "here"), say(other, "a", "there"))
		s.send(room, "77")
		got := s.next(other)
		s.same("text", got.Post.String(), "there")
		s.same("target", got.Target, bot.MessageID(""))
	}},

	{"deliveries without a slot stand for themselves", func(s store) {
		s.put(say(room, "", "one"), say(room, "", "two"))
		s.same("sent", s.drain(room), []string{"one", "two"})
	}},

	{"a revision that is put during an attempt stays, and edits what that attempt posted", func(s store) {
		s.put(say(room, "a", "one"), say(room, "b", "other"))
		inFlight := s.attempt(room)
		s.put(say(room, "a", "two"))
		s.settle(inFlight, sent("77"))
		s.send(room, "78") // the other post goes before edits
		got := s.next(room)
		s.same("text", got.Post.String(), "two")
		s.same("target", got.Target, bot.MessageID("77"))
		if got.Doubt || got.Attempts != 0 {
			s.Fatalf("got %+v, want a fresh delivery", got)
		}
	}},

	{"a revision that is put during an attempt in doubt is in doubt too", func(s store) {
		s.put(say(room, "a", "one"))
		inFlight := s.attempt(room)
		s.put(say(room, "a", "two"))
		s.settle(inFlight, bot.Result{Doubt: true})
		got := s.next(room)
		if got.Post.String() != "two" || !got.Doubt || got.Mark != "mark" {
			s.Fatalf("got %+v, want two in doubt with its mark", got)
		}
	}},

	{"an attempt that was never settled leaves doubt, with its mark", func(s store) {
		s.put(say(room, "a", "one"))
		if d := s.next(room); d.Doubt || d.Mark != "" || d.Attempts != 0 {
			s.Fatalf("before: %+v", d)
		}
		s.must(s.Attempt(s.Context(), s.next(room).ID, "m5"))
		if d := s.next(room); !d.Doubt || d.Mark != "m5" || d.Attempts != 1 {
			s.Fatalf("after: %+v", d)
		}
	}},

	{"of several attempts in doubt the first mark is kept", func(s store) {
		s.put(say(room, "a", "one"))
		for _, mark := range []string{"m1", "m2"} {
			d := s.next(room)
			s.must(s.Attempt(s.Context(), d.ID, mark))
			s.settle(d, bot.Result{Doubt: true})
		}
		if d := s.next(room); d.Mark != "m1" || d.Attempts != 2 {
			s.Fatalf("got mark %q, attempts %d, want m1 and 2", d.Mark, d.Attempts)
		}
	}},

	{"an attempt that was not sent leaves the doubt as it was before", func(s store) {
		s.put(say(room, "a", "one"))
		d := s.attempt(room)
		s.settle(d, bot.Result{NotBefore: time.Now().Add(-time.Second)})
		d = s.attempt(room)
		if d.Doubt || d.Mark != "" {
			s.Fatalf("got %+v, want no doubt", d)
		}
		s.settle(d, bot.Result{Doubt: true, NotBefore: time.Now().Add(-time.Second)})
		d = s.attempt(room)
		s.settle(d, bot.Result{NotBefore: time.Now().Add(-time.Second)})
		if d = s.next(room); !d.Doubt || d.Mark != "mark" {
			s.Fatalf("got %+v, want the doubt of the attempt before", d)
		}
	}},

	{"doubt can wait for its time", func(s store) {
		s.put(say(room, "a", "one"))
		at := time.Now().Add(time.Hour)
		s.settle(s.attempt(room), bot.Result{Doubt: true, NotBefore: at})
		s.same("earliest", s.nothing(room), at)
	}},

	{"a redirected delivery goes elsewhere as a new post, and so does what follows in its slot", func(s store) {
		reply := say(topic, "a", "one")
		reply.ReplyTo = "3"
		reply.Post.Keyboard = &bot.Keyboard{Handle: "h"}
		s.put(reply)
		s.settle(s.attempt(room), bot.Result{Thread: &other})
		s.nothing(room)
		got := s.next(other)
		s.same("thread", got.Thread, other)
		if got.ReplyTo != "" || got.Doubt {
			s.Fatalf("got %+v, want neither an answer nor doubt", got)
		}
		_, in, _, err := s.Keyboard(s.Context(), "h")
		s.must(err)
		s.same("keyboard", in, other)
		s.send(other, "90")
		s.put(say(topic, "a", "two")) // as if nothing had happened
		s.nothing(room)
		got = s.next(other)
		s.same("thread of the next", got.Thread, other)
		s.same("target of the next", got.Target, bot.MessageID("90"))
		s.settle(s.attempt(other), sent("90"))
		s.put(say(other, "a", "three")) // or knowing of it
		s.same("target of the last", s.next(other).Target, bot.MessageID("90"))
	}},

	{"a delivery can be redirected to the room itself when its topic is gone", func(s store) {
		s.put(say(topic, "a", "one"))
		s.send(room, "5")
		s.put(say(topic, "a", "two"))
		s.settle(s.attempt(room), bot.Result{Thread: &room})
		got := s.next(room)
		s.same("thread", got.Thread, room)
		s.same("target", got.Target, bot.MessageID(""))
	}},

	{"a revision that is put during an attempt that is redirected goes there too", func(s store) {
		s.put(say(topic, "a", "one"))
		d := s.attempt(room)
		s.put(say(topic, "a", "two"))
		s.settle(d, bot.Result{Thread: &other})
		s.same("sent there", s.drain(other), []string{"two"})
		s.nothing(room)
	}},

	{"a delivery whose target is gone is posted anew", func(s store) {
		s.put(say(room, "a", "one"))
		s.send(room, "5")
		s.put(say(room, "a", "two"))
		s.settle(s.attempt(room), bot.Result{Reset: true})
		got := s.next(room)
		if got.Target != "" || got.Doubt {
			s.Fatalf("got %+v, want a new post without doubt", got)
		}
		s.send(room, "6")
		s.put(say(room, "a", "three"))
		s.same("target", s.next(room).Target, bot.MessageID("6"))
	}},

	{"a dropped delivery is gone, and the slot goes on", func(s store) {
		s.put(say(room, "a", "one"))
		s.settle(s.attempt(room), bot.Result{Dropped: "too long"})
		if at := s.nothing(room); !at.IsZero() {
			s.Fatalf("something waits until %v", at)
		}
		n, _, err := s.Waiting(s.Context())
		s.must(err)
		s.same("waiting", n, 0)
		s.put(say(room, "a", "two"))
		s.same("sent", s.drain(room), []string{"two"})
	}},

	{"a revision that is put during an attempt that is dropped stays to be sent", func(s store) {
		s.put(say(room, "a", "too long"))
		d := s.attempt(room)
		s.put(say(room, "a", "shorter"))
		s.settle(d, bot.Result{Dropped: "too long"})
		got := s.next(room)
		if got.Post.String() != "shorter" || got.Doubt {
			s.Fatalf("got %+v, want the newer revision", got)
		}
	}},

	{"settling twice does no harm", func(s store) {
		s.put(say(room, "a", "one"))
		d := s.send(room, "5")
		s.put(say(room, "a", "two"), say(room, "b", "three"))
		s.settle(d, sent("5"))
		s.settle(d, bot.Result{Dropped: "again"})
		s.settle(d, bot.Result{Thread: &other})
		s.same("still to be sent", s.drain(room), []string{"three", "two"})
	}},

	{"numbers of deliveries are not used again", func(s store) {
		s.put(say(room, "a", "one"))
		first := s.send(room, "5")
		s.put(say(room, "b", "two"))
		if second := s.next(room); second.ID <= first.ID {
			s.Fatalf("ids %d and then %d", first.ID, second.ID)
		}
		s.wantErr(s.Attempt(s.Context(), first.ID, ""), bot.ErrNotFound)
	}},

	{"a network that does not name its messages makes every revision a new post", func(s store) {
		s.put(say(room, "a", "one"))
		d := s.attempt(room)
		s.put(say(room, "a", "two"), say(room, "b", "three"))
		s.settle(d, sent(""))
		s.same("sent", s.drain(room), []string{"two", "three"})
	}},

	{"a message that was posted is known as ours, in its room", func(s store) {
		ours := func(room bot.Thread, m bot.MessageID) bool {
			ours, err := s.Posted(s.Context(), room, m)
			s.must(err)
			return ours
		}
		s.put(say(room, "a", "one"))
		if ours(room, "7") || ours(room, "") {
			s.Fatalf("a message is ours before it was posted")
		}
		s.send(room, "7")
		if !ours(room, "7") || ours(other, "7") || ours(room, "8") {
			s.Fatalf("in its room %v, elsewhere %v, another one %v", ours(room, "7"), ours(other, "7"), ours(room, "8"))
		}
	}},

	{"the call that a message answers is known, in its room", func(s store) {
		s.put(say(room, "call/12/0", "one"), say(room, "7/page/1", "two"))
		s.send(room, "7")
		s.send(room, "8")
		id, err := s.Answered(s.Context(), room, "7")
		s.must(err)
		s.same("call", id, bot.CallID(12))
		for where, m := range map[bot.Thread]bot.MessageID{room: "8", other: "7"} {
			_, err := s.Answered(s.Context(), where, m)
			s.wantErr(err, bot.ErrNotFound)
		}
	}},

	{"what was said last, and to which calls, is known", func(s store) {
		call := s.call("run")
		s.put(say(room, "a", "one"), say(room, "b", "two"))
		s.send(room, "7")
		s.send(room, "8")
		known, err := s.Recent(s.Context(), room.Adapter, 1)
		s.must(err)
		s.same("known", known, []bot.Binding{{Room: room, Message: "8"}, {Room: call.Claim.Thread.Room(), Message: call.Message}})
		none, err := s.Recent(s.Context(), "elsewhere", 10)
		s.must(err)
		s.same("known elsewhere", none, []bot.Binding(nil))
	}},

	{"rooms with something waiting are listed, however long it has to wait", func(s store) {
		s.put(say(topic, "a", "one"), say(room, "b", "two"))
		later := say(other, "c", "three")
		later.NotBefore = time.Now().Add(time.Hour)
		s.put(later)
		rooms, err := s.Rooms(s.Context())
		s.must(err)
		s.same("rooms", rooms, []bot.Thread{room, other})
	}},

	{"what waits is counted, from when the oldest was put", func(s store) {
		n, oldest, err := s.Waiting(s.Context())
		s.must(err)
		if n != 0 || !oldest.IsZero() {
			s.Fatalf("empty: %d since %v", n, oldest)
		}
		s.put(say(room, "a", "one"))
		created := s.next(room).Created
		s.put(say(room, "b", "two"), say(room, "a", "newer one"))
		n, oldest, err = s.Waiting(s.Context())
		s.must(err)
		s.same("waiting", n, 2)
		s.same("since", oldest, created)
	}},

	{"a keyboard is known once its post is put, with the room it is in", func(s store) {
		_, _, _, err := s.Keyboard(s.Context(), "h")
		s.wantErr(err, bot.ErrNotFound)
		want := bot.Keyboard{Handle: "h", Once: true, Only: ada, Rows: [][]bot.Button{{{Label: "A", Command: "a"}}}}
		d := say(topic, "x", "x")
		d.Post.Keyboard = &want
		c := s.call("run")
		s.must(s.Finish(s.Context(), c.ID, bot.Done, "", d))
		got, in, spent, err := s.Keyboard(s.Context(), "h")
		s.must(err)
		s.same("keyboard", got, want)
		s.same("room", in, room)
		s.same("spent", spent, false)
	}},

	{"a keyboard that is put again gets its new buttons, but stays used up", func(s store) {
		d := say(room, "x", "x")
		d.Post.Keyboard = &bot.Keyboard{Handle: "h", Once: true, Rows: [][]bot.Button{{{Label: "A"}}}}
		s.put(d)
		s.same("press", s.accept(bot.Entry{Key: "k", Press: "h"}), []bot.Entered{bot.Fresh})
		d.Post.Keyboard.Rows[0][0].Label = "B"
		s.put(d)
		got, _, spent, err := s.Keyboard(s.Context(), "h")
		s.must(err)
		s.same("label", got.Rows[0][0].Label, "B")
		s.same("spent", spent, true)
		s.same("press again", s.accept(bot.Entry{Key: "l", Press: "h"}), []bot.Entered{bot.Spent})
	}},
}
