package telegramtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// quiet is a world without pending updates; next is the offset to poll with.
func quiet(t *testing.T, opts Options) (w *world, next int) {
	t.Helper()
	w = newWorld(t, opts)
	next = w.drain()
	// The pacing of repeated offsets is a rule of its own.
	w.forgetPace()
	return w, next
}

func (w *world) forgetPace() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.poller.lastStart = time.Time{}
}

func (w *world) say(texts ...string) (ids []int) {
	for _, text := range texts {
		ids = append(ids, w.dm.Say(w.ann, text).UpdateID)
	}
	return ids
}

// peek reads from an offset without pacing.
func (w *world) peek(pairs ...any) string {
	w.t.Helper()
	w.forgetPace()
	return texts(w.updates(pairs...))
}

func TestOffsetsConfirmAsOnTheRealServer(t *testing.T) {
	t.Run("reading confirms nothing, offset zero neither", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		w.say("a", "b")
		for range 3 {
			if got := w.peek(); got != "a b" {
				t.Errorf("got %q", got)
			}
		}
		if got := w.peek("offset", 0); got != "a b" || w.Pending() != 2 {
			t.Errorf("got %q, pending %d", got, w.Pending())
		}
	})
	t.Run("an offset confirms what is below it and reads from there", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a", "b", "c")
		if got := w.peek("offset", ids[1]); got != "b c" {
			t.Errorf("got %q", got)
		}
		if !w.Confirmed(ids[0]) || w.Confirmed(ids[1]) {
			t.Error("only the first is confirmed")
		}
		if got := w.peek("offset", ids[0]); got != "b c" {
			t.Errorf("a lower offset gives %q; what is confirmed is gone", got)
		}
	})
	t.Run("the confirmation holds though the answer is lost", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a")
		w.forgetPace()
		w.AddFault(Fault{Method: "getUpdates", Kind: DropAfter})
		if _, err := w.do(w.form("getUpdates", "offset", ids[0]+1)); err == nil {
			t.Fatal("the answer was not dropped")
		}
		if !w.Confirmed(ids[0]) || w.Pending() != 0 {
			t.Error("not confirmed")
		}
	})
	t.Run("a request dropped before it is read confirms nothing", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a")
		w.AddFault(Fault{Method: "getUpdates", Kind: DropBefore})
		if _, err := w.do(w.form("getUpdates", "offset", ids[0]+1)); err == nil {
			t.Fatal("the request was not dropped")
		}
		if w.Confirmed(ids[0]) {
			t.Error("confirmed")
		}
	})
	t.Run("a negative offset keeps the newest and deletes the rest", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a", "b", "c")
		if got := w.peek("offset", -2); got != "b c" {
			t.Errorf("got %q", got)
		}
		if !w.Confirmed(ids[0]) {
			t.Error("the oldest is still there")
		}
	})
	t.Run("an offset too far above the tail reads from the head and deletes nothing", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a", "b")
		if got := w.peek("offset", ids[1]+12); got != "a b" || w.Pending() != 2 {
			t.Errorf("got %q", got)
		}
	})
	t.Run("an offset a little above the tail deletes even what comes later", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a")
		if got := w.peek("offset", ids[0]+11); got != "" {
			t.Errorf("got %q", got)
		}
		late := w.say("unseen")
		if got := w.peek("offset", ids[0]+11); got != "" || !w.Confirmed(late[0]) {
			t.Errorf("got %q, confirmed %v", got, w.Confirmed(late[0]))
		}
	})
	t.Run("an offset far below the head reads from the head", func(t *testing.T) {
		w, _ := quiet(t, Options{FirstUpdateID: 5_000_000})
		w.say("a")
		if got := w.peek("offset", 3); got != "a" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("limit is clamped to 1..100", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		for i := range 105 {
			w.say(fmt.Sprint(i))
		}
		for limit, want := range map[string]int{"0": 1, "-5": 1, "7": 7, "1000": 100, "x": 100, "": 100} {
			w.forgetPace()
			if got := len(w.updates("limit", limit)); got != want {
				t.Errorf("limit %q gives %d, want %d", limit, got, want)
			}
		}
	})
	t.Run("an answer holds about 4 MiB", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		for range 60 {
			w.InjectRawUpdate(`{"big":"` + strings.Repeat("x", 100<<10) + `"}`)
		}
		if got := len(w.updates()); got != 40 {
			t.Errorf("%d updates of 100 KiB in one answer, want 40", got)
		}
	})
}

func TestUpdateIDs(t *testing.T) {
	t.Run("ids count up by one", func(t *testing.T) {
		w, _ := quiet(t, Options{FirstUpdateID: 100})
		ids := w.say("a", "b")
		if ids[0] != 102 || ids[1] != 103 { // /start and the topic came before
			t.Errorf("ids %v", ids)
		}
	})
	for _, up := range []bool{true, false} {
		t.Run(fmt.Sprintf("a reset (up %v) leaves an old offset without effect", up), func(t *testing.T) {
			w, next := quiet(t, Options{})
			w.ResetUpdateIDs(up)
			ids := w.say("a")
			if up != (ids[0] > next) {
				t.Errorf("id %d after %d", ids[0], next)
			}
			got := w.peek("offset", next)
			if up && got != "a" {
				t.Errorf("upwards: the old offset is below the window, got %q", got)
			}
			if !up && got != "a" {
				t.Errorf("downwards: the old offset is above the window, got %q", got)
			}
			if w.Confirmed(ids[0]) {
				t.Error("the old offset confirmed the new update")
			}
		})
	}
	t.Run("a reset moves a waiting poll along", func(t *testing.T) {
		w, next := quiet(t, Options{})
		got := make(chan string)
		go func() { got <- texts(w.updates("offset", next, "timeout", 10)) }()
		w.Wait(time.Minute, w.Polling)
		w.ResetUpdateIDs(false)
		w.say("a")
		if text := <-got; text != "a" {
			t.Errorf("got %q", text)
		}
	})
	t.Run("two messages can carry the same id at different times", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		first := w.say("a")
		w.peek("offset", first[0]+1)
		w.SetNextUpdateID(first[0])
		if second := w.say("b"); second[0] != first[0] {
			t.Errorf("ids %v and %v", first, second)
		}
	})
	t.Run("the same message can come under a new id", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		m := w.dm.Say(w.ann, "a")
		again := w.Redeliver(m)
		if got := w.updates(); len(got) != 2 || again == m.UpdateID || got[0].Message.ID != got[1].Message.ID {
			t.Errorf("got %v", got)
		}
	})
	t.Run("unknown kinds are delivered as they are", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		id := w.InjectRawUpdate(` {"some_future_kind": {"x": [1]}} `)
		if got := w.must("getUpdates"); string(got.Result) != fmt.Sprintf(`[{"update_id":%d,"some_future_kind": {"x": [1]}}]`, id) {
			t.Errorf("got %s", got.Result)
		}
	})
}

func TestRetentionFollowsTheClock(t *testing.T) {
	c := newClock()
	w, _ := quiet(t, Options{Clock: c.Now})
	id := w.must("sendMessage", "chat_id", 1001, "text", "x", "reply_markup", keyA).messageID(t)
	w.say("message")
	p := w.dm.Press(w.ann, id, "A")
	old := w.dm.Say(w.ann, "sent long ago", SentAt(c.Now().Add(-23*time.Hour)))
	if got := w.dm.Say(w.ann, "too old", SentAt(c.Now().Add(-24*time.Hour))); got.UpdateID != 0 {
		t.Error("a message of 24 h ago was delivered")
	}
	for _, step := range []struct {
		advance time.Duration
		want    string
	}{
		{149 * time.Second, "message press:a sent long ago"},
		{time.Second, "message sent long ago"},
		{time.Hour - 150*time.Second, "message"},
		{23*time.Hour - time.Second, "message"},
		{time.Second, ""},
	} {
		c.Advance(step.advance)
		if got := w.peek(); got != step.want {
			t.Errorf("after %v more: %q, want %q", step.advance, got, step.want)
		}
	}
	if !w.Confirmed(old.UpdateID) || w.Redeliver(old) != 0 || p.Redeliver() != 0 {
		t.Error("what has expired came back")
	}
	w.Expect("answerCallbackQuery", "query is too old")
	if a := w.call("answerCallbackQuery", "callback_query_id", p.ID); a.OK {
		t.Error("a press of a day ago was answered")
	}
	w.Check(t)
}

func TestAllowedUpdatesAreRemembered(t *testing.T) {
	w, _ := quiet(t, Options{})
	id := w.must("sendMessage", "chat_id", 1001, "text", "x", "reply_markup", keyA).messageID(t)
	all := func() {
		w.say("m")
		m := w.dm.Say(w.ann, "m")
		w.dm.Edit(w.ann, m.ID, "n")
		w.dm.Edit(w.ann, m.ID, "n") // the same content: no update
		w.dm.Press(w.ann, id, "A")
	}
	for _, tt := range []struct{ rule, list, want string }{
		{"the default has all of these", "", "m m edit:n press:a"},
		{"a list narrows", `["message"]`, "m m"},
		{"absence keeps the list", "", "m m"},
		{"what cannot be read keeps the list", `["callback_query"`, "m m"},
		{"an empty list means the default", `[]`, "m m edit:n press:a"},
		{"names are case-insensitive, unknown ones ignored", `["CALLBACK_query","telepathy"]`, "press:a"},
		{"only unknown names mean the default", `["telepathy"]`, "m m edit:n press:a"},
	} {
		pairs := []any{"offset", -1}
		if tt.list != "" {
			pairs = append(pairs, "allowed_updates", tt.list)
		}
		got := w.updates(pairs...)
		if len(got) > 0 {
			w.updates("offset", got[0].ID+1, "limit", 1)
		}
		all()
		if text := w.peek(); text != tt.want {
			t.Errorf("%s: got %q, want %q", tt.rule, text, tt.want)
		}
	}
	if got := w.must("getWebhookInfo").body; strings.Contains(got, "allowed_updates") {
		t.Errorf("the default is not listed: %s", got)
	}
}

func TestPollsWaitAndWakeAtOnce(t *testing.T) {
	w, next := quiet(t, Options{})
	got := make(chan time.Duration)
	start := time.Now()
	go func() {
		w.updates("offset", next, "timeout", 50)
		got <- time.Since(start)
	}()
	if !w.Wait(time.Minute, w.Polling) {
		t.Fatal("no poll is waiting")
	}
	start = time.Now()
	w.say("a")
	if d := <-got; d > 10*time.Second {
		t.Errorf("woken after %v", d)
	}
	if w.Polling() {
		t.Error("still polling")
	}
	w.forgetPace()
	start = time.Now()
	if got := w.updates("offset", next+1, "timeout", 1); len(got) != 0 || time.Since(start) < 900*time.Millisecond {
		t.Errorf("%d updates after %v", len(got), time.Since(start))
	}
}

func TestRepeatedOffsetsAreSlowedDown(t *testing.T) {
	t.Parallel()
	t.Run("within half a second one update comes at a time", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		ids := w.say("a", "b", "c")
		if got := texts(w.updates("offset", ids[0])); got != "a b c" {
			t.Errorf("first: %q", got)
		}
		if got := texts(w.updates("offset", ids[0])); got != "a" {
			t.Errorf("second at once: %q", got)
		}
	})
	t.Run("a short poll within three seconds is stretched to three", func(t *testing.T) {
		t.Parallel()
		w, next := quiet(t, Options{})
		w.updates("offset", next, "timeout", 0)
		start := time.Now()
		w.updates("offset", next, "timeout", 0)
		if d := time.Since(start); d < 2900*time.Millisecond || d > 30*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestConflicts(t *testing.T) {
	t.Run("the older of two waiting polls is ended", func(t *testing.T) {
		w, next := quiet(t, Options{})
		older := make(chan answer)
		go func() { older <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		w.Wait(time.Minute, w.Polling)
		newer := make(chan answer)
		go func() { newer <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		a := <-older
		if a.status != 409 || !strings.HasPrefix(a.Description, "Conflict: terminated by other getUpdates request") {
			t.Errorf("older: %s", a.body)
		}
		w.say("a")
		if b := <-newer; !b.OK || !strings.Contains(b.body, `"a"`) {
			t.Errorf("newer: %s", b.body)
		}
		w.Check(t)
	})
	t.Run("with updates pending there is no conflict", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		w.say("a")
		for range 2 {
			if got := w.peek("timeout", 30); got != "a" {
				t.Errorf("got %q", got)
			}
		}
	})
	t.Run("the ghost of a killed process does not show", func(t *testing.T) {
		w, next := quiet(t, Options{})
		req := w.form("getUpdates", "offset", next, "timeout", 30)
		ctx, cancel := contextWithCancel()
		go w.do(req.WithContext(ctx))
		w.Wait(time.Minute, w.Polling)
		cancel()
		got := make(chan answer)
		go func() { got <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		w.Wait(time.Minute, func() bool { return w.Count("getUpdates") == 4 && w.Polling() })
		w.say("a")
		if a := <-got; !a.OK {
			t.Errorf("got %s", a.body)
		}
	})
	t.Run("the next conflict within three seconds is late", func(t *testing.T) {
		t.Parallel()
		w, next := quiet(t, Options{})
		w.SetWebhook("https://example.com/hook")
		if a := w.call("getUpdates", "offset", next); a.status != 409 {
			t.Errorf("first: %s", a.body)
		}
		start := time.Now()
		a := w.call("getUpdates", "offset", next)
		if d := time.Since(start); a.status != 409 || d < 2900*time.Millisecond {
			t.Errorf("second after %v: %s", d, a.body)
		}
	})
	t.Run("a webhook stops polling until it is deleted", func(t *testing.T) {
		w, next := quiet(t, Options{})
		waiting := make(chan answer)
		go func() { waiting <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		w.Wait(time.Minute, w.Polling)
		w.must("setWebhook", "url", "https://example.com/hook")
		if a := <-waiting; a.status != 409 || a.Description != "Conflict: terminated by setWebhook request" {
			t.Errorf("waiting: %s", a.body)
		}
		w.poller.nextConflict = time.Time{}
		if a := w.call("getUpdates"); a.Description != conflictWebhook {
			t.Errorf("while set: %s", a.body)
		}
		w.say("a")
		var info struct {
			URL     string
			Pending int `json:"pending_update_count"`
		}
		json.Unmarshal(w.must("getWebhookInfo").Result, &info)
		if info.URL != "https://example.com/hook" || info.Pending != 1 {
			t.Errorf("info %+v", info)
		}
		w.must("deleteWebhook")
		if got := w.peek(); got != "a" {
			t.Errorf("after deleteWebhook: %q", got)
		}
		w.must("deleteWebhook", "drop_pending_updates", "True")
		if w.Pending() != 0 {
			t.Error("updates were not dropped")
		}
	})
	t.Run("a second poller ends ours", func(t *testing.T) {
		w, next := quiet(t, Options{})
		waiting := make(chan answer)
		go func() { waiting <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		w.Wait(time.Minute, w.Polling)
		stop := w.SecondPoller()
		if a := <-waiting; a.status != 409 {
			t.Errorf("got %s", a.body)
		}
		stop()
		stop()
		if w.Wait(time.Second, func() bool { return !w.Polling() }) != true {
			t.Error("the second poller still polls")
		}
	})
	t.Run("revoking the token ends a waiting poll", func(t *testing.T) {
		w, next := quiet(t, Options{})
		waiting := make(chan answer)
		go func() { waiting <- w.call("getUpdates", "offset", next, "timeout", 30) }()
		w.Wait(time.Minute, w.Polling)
		w.Revoke()
		if a := <-waiting; a.status != 401 {
			t.Errorf("got %s", a.body)
		}
	})
}
