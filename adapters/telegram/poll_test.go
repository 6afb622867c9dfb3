package telegram

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/adapters/telegram/telegramtest"
	"chapi/bot"
)

func TestTheFirstPollWaitsForNoOtherCall(t *testing.T) {
	r := newRig(t, telegramtest.Options{}, func(c *Config) { c.StateDir = t.TempDir() })
	for _, method := range []string{"getMe", "getWebhookInfo", "getMyCommands", "setMyCommands"} {
		r.srv.AddFault(telegramtest.Fault{Method: method, Kind: telegramtest.Hang, Times: -1})
	}
	r.start()
	if !r.srv.Wait(deadline, func() bool { return r.srv.Count("getUpdates") > 0 }) {
		t.Error("there is no poll while the other calls hang")
	}
}

func TestAnswersDoNotWaitForTheNameUnlessTheyNeedIt(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	slow := r.srv.AddFault(telegramtest.Fault{Method: "getMe", Kind: telegramtest.Hang, Times: -1})
	r.start()
	r.private.Say(r.anna, "/ps")
	r.got("/ps")
	r.private.Say(r.anna, "/run@"+r.srv.Username()+" x")
	r.state("name is not known")
	slow.Remove()
	m := r.got("/run x")
	if !m.Addressed {
		t.Error("the command is not addressed")
	}
}

func TestTheCursorIsWhereTheNextRunGoesOn(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	stop := r.start()
	r.private.Say(r.anna, "first")
	r.got("first")
	stop()
	again := r.adapter()
	r.private.Say(r.anna, "second")
	stop = r.run(again, r.in)
	r.got("second")
	stop()
	if n := len(r.in.all()); n != 2 {
		t.Errorf("%d messages were offered, want 2", n)
	}
	again.client.closeIdle()
}

func TestTheCursorOfAnotherBotIsNotUsed(t *testing.T) {
	r := newRig(t, telegramtest.Options{FirstUpdateID: 1000})
	r.in.cursor = cursor{botID: 99, offset: 1001}.String()
	r.private.Say(r.anna, "first")
	r.start()
	r.got("first")
}

func TestWhatWasAcceptedButNotConfirmedComesAgainUnderItsKey(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	// The poll behind the first batch never reaches the server.
	r.srv.AddFault(telegramtest.Fault{Method: "getUpdates", After: 1, Times: -1, Kind: telegramtest.DropBefore})
	r.private.Say(r.anna, "/reboot")
	stop := r.start()
	first := r.got("/reboot")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.a.Confirmed(ctx, first.Key); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Confirmed = %v, want the context's error", err)
	}
	stop()
	r.srv.ClearFaults()

	var later recorder // the machine went down before anything was written
	r.run(r.adapter(), &later)
	within(t, "the message once more", func() bool { return len(later.all()) == 1 })
	if m := later.all()[0]; m.Key != first.Key {
		t.Errorf("key %q, then %q", first.Key, m.Key)
	}
}

func TestAConfirmationWhoseAnswerWasLostIsMadeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	r.srv.AddFault(telegramtest.Fault{Method: "getUpdates", After: 1, Kind: telegramtest.DropAfter})
	r.private.Say(r.anna, "/reboot")
	r.start()
	m := r.got("/reboot")
	within(t, "the poll after the lost one", r.srv.Polling)
	r.private.Say(r.anna, "x") // ends the poll
	if err := r.a.Confirmed(t.Context(), m.Key); err != nil {
		t.Fatal(err)
	}
	r.got("x")
	if n := len(r.in.all()); n != 2 {
		t.Errorf("%d messages were offered, want 2", n)
	}
}

func TestAMessageOfAnEarlierRunIsConfirmedByTheFirstPoll(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	stop := r.start()
	r.private.Say(r.anna, "/reboot")
	m := r.got("/reboot")
	stop()
	again := r.adapter()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := again.Confirmed(ctx, m.Key); err == nil {
		t.Error("confirmed without a poll")
	}
	r.run(again, r.in)
	within(t, "a poll", r.srv.Polling)
	r.private.Say(r.anna, "x") // ends the poll
	if err := again.Confirmed(t.Context(), m.Key); err != nil {
		t.Error(err)
	}
}

func TestTheConfirmationIsQuickAndOnlyForWhatWasTaken(t *testing.T) {
	holds := func(r *rig) (short int) {
		for _, c := range r.srv.Calls("getUpdates") {
			if c.Params.Get("timeout") == "0" {
				short++
			}
		}
		return short
	}
	r := newRig(t, telegramtest.Options{})
	r.start()
	r.private.Say(r.anna, "/ps")
	m := r.got("/ps")
	if err := r.a.Confirmed(t.Context(), m.Key); err != nil {
		t.Fatal(err)
	}
	if n := holds(r); n != 1 {
		t.Errorf("%d short polls after a message that was taken, want 1", n)
	}
	r.in.set(func(in *recorder) { in.untaken = true })
	r.private.Say(r.anna, "chatter")
	r.got("chatter")
	within(t, "the confirmation", func() bool { return r.srv.Pending() == 0 })
	if n := holds(r); n != 1 {
		t.Errorf("%d short polls after chatter, want no more than 1", n)
	}
}

func TestUpdateNumbersMayStartAnew(t *testing.T) {
	for _, up := range []bool{true, false} {
		t.Run(fmt.Sprintf("up %v", up), func(t *testing.T) {
			r := newRig(t, telegramtest.Options{FirstUpdateID: 500_000_000})
			r.start()
			r.private.Say(r.anna, "before")
			r.got("before")
			within(t, "the confirmation", func() bool { return r.srv.Pending() == 0 })
			r.srv.ResetUpdateIDs(up)
			r.private.Say(r.anna, "after")
			m := r.got("after")
			if err := r.a.Confirmed(t.Context(), m.Key); err != nil {
				t.Fatal(err)
			}
			if n := len(r.in.all()); n != 2 {
				t.Errorf("%d messages were offered, want 2", n)
			}
		})
	}
}

func TestOneMessageUnderTwoNumbersKeepsItsKey(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	r.start()
	said := r.private.Say(r.anna, "/ps")
	r.got("/ps")
	r.srv.Redeliver(said)
	within(t, "both", func() bool { return len(r.in.all()) == 2 })
	if all := r.in.all(); all[0].Key != all[1].Key {
		t.Errorf("keys %q and %q", all[0].Key, all[1].Key)
	}
}

func TestTwoMessagesUnderOneNumberAreTwo(t *testing.T) {
	r := newRig(t, telegramtest.Options{FirstUpdateID: 70})
	stop := r.start()
	r.private.Say(r.anna, "first")
	m := r.got("first")
	if err := r.a.Confirmed(t.Context(), m.Key); err != nil {
		t.Fatal(err)
	}
	// No poll with the old offset may be on its way when numbers start anew.
	within(t, "the long poll", r.srv.Polling)
	stop()
	within(t, "its end", func() bool { return !r.srv.Polling() })
	r.srv.SetNextUpdateID(70)
	r.private.Say(r.anna, "second")
	r.in.set(func(in *recorder) { in.cursor = "" })
	r.run(r.adapter(), r.in)
	if second := r.got("second"); second.Key == m.Key {
		t.Errorf("both have the key %q", m.Key)
	}
}

func TestPollingOutlives(t *testing.T) {
	for _, c := range []struct {
		what  string
		fault telegramtest.Fault
		state string
	}{
		{"cut connections", telegramtest.Fault{Kind: telegramtest.DropBefore}, "no network since"},
		{"lost answers", telegramtest.Fault{Kind: telegramtest.DropAfter}, "no network since"},
		{"pages instead of answers", telegramtest.Fault{Kind: telegramtest.HTML502}, "out of order (status 502)"},
		{"pages that claim to be well", telegramtest.Fault{Kind: telegramtest.NotJSON}, "out of order (status 200)"},
		{"a server that fails", telegramtest.Fault{Kind: telegramtest.Error500}, "out of order (status 500)"},
		{"half an answer", telegramtest.Fault{Kind: telegramtest.Truncate}, ""},
		{"an answer of 20 MiB", telegramtest.Fault{Kind: telegramtest.Oversize, Bytes: 20 << 20}, "no network since"},
		{"an answer that never comes", telegramtest.Fault{Kind: telegramtest.Hang}, "no network since"},
		{"a redirect", telegramtest.Fault{Kind: telegramtest.Redirect}, ""},
		{"a refusal", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: whatever"}, "refuses to be polled: 400"},
		{"a wish to be left alone", telegramtest.Fault{Kind: telegramtest.Error429, RetryAfter: 1}, "asked by telegram to wait 1s"},
		{"a refused token", telegramtest.Fault{Kind: telegramtest.Unauthorized}, "token refused (401"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, telegramtest.Options{})
			c.fault.Method, c.fault.Times = "getUpdates", -1
			f := r.srv.AddFault(c.fault)
			r.private.Say(r.anna, "/ps")
			r.start()
			hits := 2
			if c.fault.Kind == telegramtest.Error429 || c.fault.Kind == telegramtest.Hang {
				hits = 1
			}
			within(t, "hits", func() bool { return f.Hits() >= hits })
			if c.state != "" {
				r.state(c.state)
			}
			f.Remove()
			r.got("/ps")
			r.state("connected")
		})
	}
}

func TestPollingBeginsWithoutNetwork(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	r.srv.Down()
	r.start()
	r.state("no network since")
	if h := r.a.Health(); !h.Contact.IsZero() {
		t.Errorf("contact = %v, want never", h.Contact)
	}
	if err := r.srv.Up(); err != nil {
		t.Fatal(err)
	}
	r.private.Say(r.anna, "/ps")
	r.got("/ps")
	within(t, "a name", func() bool { return r.a.PairLink("x") != "" })
	if h := r.a.Health(); !h.OK || h.Contact.IsZero() {
		t.Errorf("health = %+v", h)
	}
}

func TestPollingRecoversFromABlackHole(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	r.start()
	r.private.Say(r.anna, "before")
	r.got("before")
	r.srv.BlackHole()
	r.private.Say(r.anna, "after")
	r.state("no network since")
	if err := r.srv.Up(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.got("after")
	if d := time.Since(began); d > 30*time.Second {
		t.Errorf("recovered after %v", d)
	}
}

func TestABatchThatCannotBeRecordedStaysOnTheServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	r.start()
	within(t, "a poll", r.srv.Polling)
	r.in.set(func(in *recorder) { in.fail = errors.New("no space to write") })
	r.private.Say(r.anna, "/ps")
	r.state("cannot record messages: no space to write")
	if h := r.a.Health(); h.OK {
		t.Error("health is well")
	}
	if n := r.srv.Pending(); n != 1 {
		t.Errorf("the server holds %d updates, want 1", n)
	}
	r.in.set(func(in *recorder) { in.fail = nil })
	r.got("/ps")
	r.state("connected")
}

func TestOneConflictIsSomebodysTest(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	r.srv.AddFault(telegramtest.Fault{Method: "getUpdates", Kind: telegramtest.Refuse, Code: 409, Text: conflictText})
	r.start()
	within(t, "polling after the conflict", r.srv.Polling)
	r.private.Say(r.anna, "/ps")
	r.got("/ps")
	if h := r.a.Health(); !h.OK || h.State != "connected" {
		t.Errorf("health = %+v, want connected", h)
	}
}

const conflictText = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"

func TestConflictsAreAStateUntilTheyAreOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{})
	r.srv.AddFault(telegramtest.Fault{Method: "getUpdates", Kind: telegramtest.Refuse, Code: 409, Text: conflictText, Times: 3})
	r.start()
	r.state("another program is using this bot's token")
	if r.a.Health().OK {
		t.Error("health is well")
	}
	r.private.Say(r.anna, "/ps")
	r.got("/ps") // meanwhile messages are taken
	if r.a.Health().OK {
		t.Error("health is well right after the conflict")
	}
	within(t, "a good state", func() bool {
		r.private.Say(r.anna, "x") // ends the poll
		return r.a.Health().State == "connected"
	})
}

func TestASecondPollerIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t, telegramtest.Options{}, func(c *Config) {
		// The server delays the second 409 in a row by 3 s.
		c.Timing.Poll, c.Timing.PollSlack = 5*time.Second, 5*time.Second
	})
	r.start()
	within(t, "a poll", r.srv.Polling)
	defer r.srv.SecondPoller()()
	r.state("another program is using this bot's token")
}

func TestAWebhookIsToldOrDropped(t *testing.T) {
	t.Run("told", func(t *testing.T) {
		r := newRig(t, telegramtest.Options{})
		r.srv.SetWebhook("https://example.org/secret-path")
		r.start()
		r.state("a webhook is set")
		within(t, "the log", func() bool { return strings.Contains(r.logs.String(), "example.org") })
		if strings.Contains(r.logs.String(), "secret-path") {
			t.Error("the log has the webhook's path")
		}
		if n := r.srv.Count("deleteWebhook"); n != 0 {
			t.Errorf("%d webhooks were deleted without being asked to", n)
		}
	})
	t.Run("dropped", func(t *testing.T) {
		r := newRig(t, telegramtest.Options{}, func(c *Config) { c.DropWebhook = true })
		r.srv.SetWebhook("https://example.org/x")
		r.private.Say(r.anna, "/ps")
		r.start()
		r.got("/ps")
		r.state("connected")
	})
}

func TestARevokedTokenIsNamedAndTriedAgain(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	r.start()
	r.hello()
	r.srv.Revoke()
	r.state("token refused")
	if e := r.failed(bot.Outgoing{Thread: r.to(r.private), Post: bot.Plainf("x")}); e.Outcome != bot.NotSent || e.RetryAfter <= 0 {
		t.Errorf("error = %+v, want not sent, try later", e)
	}
	r.srv.Restore()
	r.private.Say(r.anna, "/ps")
	r.got("/ps")
	r.state("connected")
}

func TestMigrationMovesTheRoom(t *testing.T) {
	r := newRig(t, telegramtest.Options{ReadAll: true})
	group := r.srv.AddGroup(-77, "Home", telegramtest.Basic, r.anna)
	r.start()
	group.Say(r.anna, "here")
	r.got("here")
	super := group.Migrate()
	want := bot.Move{From: r.to(group), To: r.to(super)}
	within(t, "the move", func() bool {
		r.in.mu.Lock()
		defer r.in.mu.Unlock()
		return slices.Contains(r.in.moves, want)
	})
	e := r.failed(bot.Outgoing{Thread: r.to(group), Post: bot.Plainf("x")})
	if e.Outcome != bot.RefusedSend || e.Reason != bot.Moved || e.To != r.to(super).Chat {
		t.Errorf("error = %+v, want moved to %s", e, r.to(super).Chat)
	}
}

func TestWhoSpeaksIsSeen(t *testing.T) {
	r := newRig(t, telegramtest.Options{ReadAll: true, ImplicitRootReplies: true})
	forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna, r.bert)
	topic := forum.AddTopic("pi", nil)
	r.start()
	for _, c := range []struct {
		text  string
		opts  []telegramtest.SayOption
		want  bot.Origin
		topic bot.TopicID
	}{
		{"original", nil, bot.Original, ""},
		{"in a topic", []telegramtest.SayOption{telegramtest.InTopic(topic)}, bot.Original, bot.TopicID(formatID(int64(topic)))},
		{"forwarded", []telegramtest.SayOption{telegramtest.Forwarded()}, bot.Forwarded, ""},
		{"via a bot", []telegramtest.SayOption{telegramtest.ViaBot()}, bot.ByBot, ""},
		{"as a channel", []telegramtest.SayOption{telegramtest.AsChannel()}, bot.ByChat, ""},
		{"as the group", []telegramtest.SayOption{telegramtest.AnonymousAdmin()}, bot.ByChat, ""},
		{"from the channel", []telegramtest.SayOption{telegramtest.AutomaticForward()}, bot.ByChat, ""},
		{"a strange field", []telegramtest.SayOption{telegramtest.WithRaw(`{"future":{"type":"unheard of"}}`)}, bot.Original, ""},
	} {
		forum.Say(r.anna, c.text, c.opts...)
		m := r.got(c.text)
		if m.Origin != c.want || m.Thread.Topic != c.topic || m.ReplyTo != "" || m.Direct {
			t.Errorf("%s: origin %v, thread %v, reply to %q", c.text, m.Origin, m.Thread, m.ReplyTo)
		}
	}
	r.srv.InjectRawUpdate(`{"some_future_kind":{"x":1}}`)
	r.srv.InjectRawUpdate(`{"message":{"message_id":"broken"}}`)
	forum.Say(r.bert, "go on")
	r.got("go on")
}

func TestOldMessagesSayHowOld(t *testing.T) {
	// The server's clock is an hour ahead of this machine's.
	ahead := func() time.Time { return time.Now().Add(time.Hour) }
	r := newRig(t, telegramtest.Options{Clock: ahead})
	r.private.Say(r.anna, "now")
	r.private.Say(r.anna, "old", telegramtest.SentAt(ahead().Add(-3*time.Hour)))
	r.start()
	if age := r.got("now").Age; age > 30*time.Second {
		t.Errorf("a new message is %v old", age)
	}
	if !strings.Contains(r.logs.String(), "clock differs") {
		t.Error("nothing was said of the clock")
	}
	if age := r.got("old").Age; age < 3*time.Hour || age > 3*time.Hour+time.Minute {
		t.Errorf("a message of 3 h ago is %v old", age)
	}
}

func TestASlowAnswerToAPressHoldsUpNothing(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	r.in.notice = "stopping"
	r.start()
	r.hello()
	k := &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{{{Label: "Stop"}}}}
	id, _ := messageID(r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k}).Message)
	slow := r.srv.AddFault(telegramtest.Fault{Method: "answerCallbackQuery", Kind: telegramtest.Hang, Times: -1})
	for range 6 {
		r.private.Press(r.anna, id, "Stop")
	}
	r.private.Say(r.anna, "/ps")
	r.got("/ps")
	slow.Remove()
	press := r.private.Press(r.anna, id, "Stop")
	a, ok := press.Answer(deadline)
	if !ok || a.Text != "stopping" || a.Alert {
		t.Errorf("answer = %+v, %v", a, ok)
	}
	press.Redeliver() // the server takes one answer only: Check would tell
	r.private.Say(r.anna, "then")
	r.got("then")
	r.srv.Check(t)
}

func TestTheLockLetsOneProcessPoll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lockIn := func(c *Config) { c.StateDir = dir }
	r := newRig(t, telegramtest.Options{}, lockIn)
	stop := r.start()
	within(t, "a poll", r.srv.Polling)
	second := r.adapter(lockIn)
	var in recorder
	r.run(second, &in)
	within(t, "the second to wait", func() bool { return strings.Contains(second.Health().State, "another process") })
	stop()
	r.private.Say(r.anna, "/ps")
	within(t, "the second to go on", func() bool { return len(in.all()) == 1 })
}

func TestRunCanBeRepeated(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	for _, text := range []string{"one", "two"} {
		stop := r.start()
		r.private.Say(r.anna, text)
		r.got(text)
		stop()
	}
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	b := backoff{min: time.Second, max: 60 * time.Second}
	want := time.Second
	for range 10 {
		if d := b.next(); d < want*79/100 || d > want*121/100 {
			t.Errorf("pause %v, want about %v", d, want)
		}
		want = min(2*want, 60*time.Second)
	}
	b.reset()
	if d := b.next(); d > 2*time.Second {
		t.Errorf("pause %v after a reset", d)
	}
}
