package discord

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

// conversation makes the general channel one that is caught up with.
func (r *rig) conversation() {
	r.t.Helper()
	r.general.Say(r.anna, "/start")
	r.got("/start")
	within(r.t, "the cursor", func() bool { c, _ := r.in.Cursor(r.t.Context(), Name); return c != "" })
}

func TestWhatWasSaidMeanwhileIsFoundInTheHistory(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	stop := r.start()
	r.conversation()
	stop()
	want := []string{"/start"}
	for i := range 250 {
		want = append(want, fmt.Sprint(i))
		r.general.Say(r.anna, fmt.Sprint(i))
	}
	r.general.Say(r.anna, "old", discordtest.SentAt(time.Now().Add(time.Minute)))
	r.a = r.adapter()
	r.start()
	r.general.Say(r.anna, "live", discordtest.SentAt(time.Now().Add(2*time.Minute)))
	r.got("live")
	want = append(want, "old", "live")
	if got := r.in.texts(); !slices.Equal(got, want) {
		t.Errorf("heard %d: %q", len(got), got)
	}
	r.srv.Check(t)
}

func TestMissedMessagesAreAsOldAsTheyAre(t *testing.T) {
	now := time.Now()
	r := newRig(t, discordtest.Options{MessageContent: true, Clock: func() time.Time { return now.Add(-24 * time.Hour) }})
	stop := r.start()
	r.conversation()
	stop()
	r.general.Say(r.anna, "/reboot", discordtest.SentAt(now.Add(-25*time.Hour)))
	r.a = r.adapter()
	r.in.set(func(in *recorder) {
		c := newCursor(r.a.botID)
		c.advance(snowflake(r.general.ID()), snowflakeAt(now.Add(-26*time.Hour)))
		in.cursor = c.String()
	})
	r.start()
	// The age is by the network's clock, not by this machine's.
	if m := r.got("/reboot"); m.Age < 59*time.Minute || m.Age > 61*time.Minute {
		t.Errorf("age %v, want 1 h", m.Age)
	}
}

func TestEventsThatAreNeverSentAreFoundByAReview(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true}, func(c *Config) { c.Timing.Review = 100 * time.Millisecond })
	r.start()
	r.conversation()
	r.general.Say(r.anna, "lost", discordtest.Undelivered())
	r.got("lost")
}

func TestWhatTheGatewayTellsTwiceIsOfferedOnce(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.start()
	m := r.general.Say(r.anna, "one")
	r.got("one")
	r.general.Redeliver(m.ID)
	r.general.Say(r.anna, "two")
	r.got("two")
	r.in.set(func(in *recorder) {
		if in.offered != 2 {
			t.Errorf("offered %d messages, want 2", in.offered)
		}
	})
}

func TestTheOrderIsThatOfTheGatewayWhateverTheIDs(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.start()
	r.conversation()
	r.srv.InvertIDs(true)
	want := []string{"/start"}
	for i := range 10 {
		want = append(want, fmt.Sprint(i))
		r.general.Say(r.anna, fmt.Sprint(i))
	}
	r.got("9")
	if got := r.in.texts(); !slices.Equal(got, want) {
		t.Errorf("heard %q", got)
	}
}

func TestUnheardOfPartsCostNobodyTheirMessage(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	stop := r.start()
	r.conversation()
	r.general.Say(r.anna, "live", discordtest.WithUnknownComponent())
	r.got("live")
	r.general.Say(r.anna, "odd", discordtest.WithRaw(`{"attachments":[5,{"id":"x"}],"mentions":"none","member":[],"flags":"many"}`))
	r.got("odd")
	stop()
	r.general.Say(r.anna, "missed", discordtest.WithUnknownComponent())
	r.a = r.adapter()
	r.start()
	r.got("missed")
}

func TestOnlyPeopleAreOriginal(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	robot := r.srv.AddUser(0, "robot", discordtest.IsBot())
	r.guild.Join(robot)
	r.start()
	r.general.Say(robot, "/by-bot")
	r.general.Say(r.anna, "/by-webhook", discordtest.AsWebhook())
	m := r.general.Say(r.anna, "before")
	r.general.Edit(r.anna, m.ID, "/edited")
	r.general.Say(r.anna, "/forwarded", discordtest.Forwarded())
	r.general.Say(r.anna, "end")
	r.got("end")
	for _, m := range r.in.all() {
		want := bot.Original
		switch m.Text {
		case "/by-bot":
			want = bot.ByBot
		case "/by-webhook":
			want = bot.ByChat
		case "/forwarded":
			want = bot.Forwarded
		case "/edited":
			t.Error("an edit was heard")
		}
		if m.Origin != want {
			t.Errorf("%q is %v, want %v", m.Text, m.Origin, want)
		}
	}
}

func TestThreadsAreTopicsOfTheirChannel(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	old := r.general.AddThread(r.anna, "old", 0)
	old.Archive()
	forum := r.guild.AddChannel(0, "help", discordtest.ForumChannel)
	r.start()
	// The gateway does not tell of archived threads.
	old.Say(r.anna, "in the old one")
	if m := r.got("in the old one"); m.Thread != r.to(old) || m.Title != "general" {
		t.Errorf("message %+v, want %v", m, r.to(old))
	}
	post, _ := forum.AddPost(r.anna, "my pi", "first")
	m := r.got("first")
	if m.Thread != r.to(post) {
		t.Errorf("thread %v, want %v", m.Thread, r.to(post))
	}
	if !r.a.Limits(m.Thread).Foreground || r.a.Limits(r.to(old)).Foreground {
		t.Error("a post takes what is typed in it, another thread does not by itself")
	}
	fresh := r.general.AddThread(r.bert, "new", 0)
	fresh.Say(r.bert, "in the new one")
	if m := r.got("in the new one"); m.Thread != r.to(fresh) || m.Account.User != "200000000000000006" {
		t.Errorf("message %+v", m)
	}
}

func TestAMessageDeletedBeforeItIsRecordedIsNotHeard(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.in.set(func(in *recorder) { in.fail = nil })
	r.start()
	r.in.set(func(in *recorder) { in.fail = errors.New("the disk is full") })
	m := r.general.Say(r.anna, "/oops")
	r.state("the disk is full")
	r.general.Delete(m.ID)
	r.general.Say(r.anna, "/ps")
	within(t, "the deletion", func() bool { return r.srv.Heard(time.Second) && r.a.intake.waiting() == 1 })
	r.in.set(func(in *recorder) { in.fail = nil })
	r.got("/ps")
	if got := r.in.texts(); slices.Contains(got, "/oops") {
		t.Errorf("heard %q", got)
	}
	within(t, "health", func() bool { return !strings.Contains(r.a.Health().State, "disk") })
}

func TestMoreThanTheIntakeHoldsIsFetchedLater(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.start()
	r.conversation()
	r.in.set(func(in *recorder) { in.fail = errors.New("the disk is full") })
	want := []string{"/start"}
	for i := range maxLane + 150 {
		want = append(want, fmt.Sprint(i))
		r.general.Say(r.anna, fmt.Sprint(i))
	}
	within(t, "the overflow", func() bool { return r.srv.Heard(time.Second) && r.a.intake.waiting() == maxLane })
	r.in.set(func(in *recorder) { in.fail = nil })
	r.got(want[len(want)-1])
	if got := r.in.texts(); !slices.Equal(got, want) {
		t.Errorf("heard %d messages, want %d in order", len(got), len(want))
	}
}

func TestAChannelThatIsGoneIsForgotten(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	stop := r.start()
	r.conversation()
	stop()
	r.srv.Expect("getChannel", "10003")
	r.srv.Expect("getChannelMessages", "10003")
	r.general.Remove()
	r.a = r.adapter()
	r.start()
	within(t, "the cursor without it", func() bool {
		text, _ := r.in.Cursor(t.Context(), Name)
		c, ok := parseCursor(text, r.a.botID)
		return ok && len(c.order) == 0
	})
	r.srv.Check(t)
}

func TestAttachmentsAreFetched(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.start()
	r.general.Say(r.anna, "/put", discordtest.WithFile("a.txt", []byte("content")))
	files := r.got("/put").Attachments
	if len(files) != 1 || files[0].Name != "a.txt" || files[0].Size != 7 {
		t.Fatalf("attachments %+v", files)
	}
	f, size, err := r.a.Fetch(t.Context(), files[0].Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b := make([]byte, 20)
	if n, _ := f.Read(b); string(b[:n]) != "content" || size != 7 {
		t.Errorf("read %q of %d", b[:n], size)
	}
	for _, ref := range []string{"", "x", "1/2", "1/2/x", "0/0/0"} {
		if _, _, err := r.a.Fetch(t.Context(), ref); err == nil {
			t.Errorf("no error for %q", ref)
		}
	}
	r.srv.Check(t)
}

func TestTheCursorIsReadBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCursor(snowflake(rapid.Uint64Range(1, 1<<63-1).Draw(t, "bot")))
		ids := rapid.Uint64Range(1, 1<<63-1)
		for range rapid.IntRange(0, 2*maxTracked).Draw(t, "n") {
			c.advance(snowflake(ids.Draw(t, "channel")), snowflake(ids.Draw(t, "message")))
		}
		for range rapid.IntRange(0, 5).Draw(t, "notes") {
			c.asked[snowflake(ids.Draw(t, "interaction"))] = asked{
				channel: snowflake(ids.Draw(t, "where")), user: snowflake(ids.Draw(t, "who")), what: rapid.SampledFrom([]string{"/run", "press"}).Draw(t, "what"),
			}
		}
		got, ok := parseCursor(c.String(), c.bot)
		if !ok || !maps.Equal(got.asked, c.asked) || got.String() != c.String() || len(got.order) > maxTracked || len(got.at) != len(got.order) {
			t.Fatalf("%v: got %v", c, got)
		}
		if _, ok := parseCursor(c.String(), c.bot+1); ok && c.bot+1 != c.bot {
			t.Fatal("another bot's cursor was taken")
		}
	})
	for _, junk := range []string{"", "1", "2 5", "1 2p x", "1 2p a:b:c d", "1 2p :", "1 2p a:!", "1 2p ?", "1 2p ?a:b:c:d", "1 2p ?a:b:!:0:/x"} {
		if _, ok := parseCursor(junk, 97); ok {
			t.Errorf("parseCursor(%q) took it", junk)
		}
	}
}

func FuzzEvent(f *testing.F) {
	a, err := New(Config{Token: "MTAwMDAwMDAwMDAwMDAwMDAx.Gchapi.0123456789abcdefghijklmnopqrst"})
	if err != nil {
		f.Fatal(err)
	}
	for _, kind := range []string{"READY", "MESSAGE_CREATE", "INTERACTION_CREATE", "GUILD_CREATE", "THREAD_LIST_SYNC", "GUILD_MEMBER_UPDATE", "CHANNEL_UPDATE"} {
		f.Add(kind, `{"id":"5","channel_id":"7","guild_id":"9","author":{"id":"3"},"content":"x","components":[{"type":99}],"token":"t","type":2,"data":{"name":"run","options":[{"name":"a","value":1}]}}`)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		a.event(kind, []byte(body))
		items, messages := a.intake.ready(a.places.find)
		if len(items) != len(messages) {
			t.Errorf("%d items, %d messages", len(items), len(messages))
		}
		a.intake.recorded(items, make([]bot.Ack, len(items)), a.intake.cursor, false)
		if n := a.intake.waiting(); n > maxQueued {
			t.Errorf("%d items wait", n)
		}
	})
}
