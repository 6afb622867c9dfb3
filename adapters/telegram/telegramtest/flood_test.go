package telegramtest

import (
	"fmt"
	"testing"
	"time"
)

func TestFloodControl(t *testing.T) {
	send := func(w *world, chat int64) answer { return w.call("sendMessage", "chat_id", chat, "text", "x") }
	// burst counts calls until the first 429 and returns its retry_after.
	burst := func(w *world, call func() answer) (n, retry int) {
		for range 200 {
			a := call()
			if a.status == 429 {
				return n, a.Parameters.RetryAfter
			}
			n++
		}
		return n, 0
	}
	t.Run("a private chat takes a burst of four, then one a second", func(t *testing.T) {
		c := newClock()
		w := newWorld(t, Options{Clock: c.Now, Rates: true})
		n, retry := burst(w, func() answer { return send(w, 1001) })
		if n != 4 || retry != 1 {
			t.Errorf("%d messages, retry after %d", n, retry)
		}
		if got := len(w.dm.Posts()); got != 4 {
			t.Errorf("a refused message was stored: %d", got)
		}
		for range 5 {
			c.Advance(time.Second)
			if n, _ := burst(w, func() answer { return send(w, 1001) }); n != 1 {
				t.Errorf("%d messages in the next second", n)
			}
		}
		w.Check(t)
	})
	t.Run("a group takes 20 sends and edits a minute", func(t *testing.T) {
		c := newClock()
		w := newWorld(t, Options{Clock: c.Now, Rates: true})
		const super = superID
		id := send(w, super).messageID(t)
		c.Advance(10 * time.Second)
		revision := 0
		n, retry := burst(w, func() answer {
			revision++
			return w.call("editMessageText", "chat_id", super, "message_id", id, "text", fmt.Sprint("r", revision))
		})
		if n != 19 || retry != 50 {
			t.Errorf("%d edits, retry after %d", n, retry)
		}
		c.Advance(50 * time.Second)
		if a := send(w, super); !a.OK {
			t.Errorf("after the wait: %s", a.body)
		}
	})
	t.Run("a forum is one chat", func(t *testing.T) {
		w := newWorld(t, Options{Clock: newClock().Now, Rates: true})
		topic := w.topic
		n, _ := burst(w, func() answer {
			topic = w.topic - topic // with and without
			return w.call("sendMessage", "chat_id", forumID, "text", "x", "message_thread_id", topic)
		})
		if n != 20 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("who does not wait, waits longer", func(t *testing.T) {
		w := newWorld(t, Options{Clock: newClock().Now, Rates: true})
		burst(w, func() answer { return send(w, 1001) })
		last := 1
		for range 20 {
			retry := send(w, 1001).Parameters.RetryAfter
			if retry <= last && last < maxRetry {
				t.Errorf("retry_after %d after %d", retry, last)
			}
			last = retry
		}
		if last != maxRetry {
			t.Errorf("retry_after reached %d", last)
		}
	})
	t.Run("all chats together take 30 a second", func(t *testing.T) {
		c := newClock()
		w := newWorld(t, Options{Clock: c.Now, Rates: true})
		a := w.AddGroup(-1004444444444, "Second", Supergroup, w.ann)
		n := 0
		for _, chat := range []int64{superID, a.ID()} {
			k, _ := burst(w, func() answer { return send(w, chat) })
			n += k
		}
		if n != 30 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("actions have their own budget: 20 per 5 s and 40 per 30 s", func(t *testing.T) {
		c := newClock()
		w := newWorld(t, Options{Clock: c.Now, Rates: true})
		act := func() answer { return w.call("sendChatAction", "chat_id", 1001, "action", "typing") }
		if n, retry := burst(w, act); n != 20 || retry != 5 {
			t.Errorf("first: %d, retry after %d", n, retry)
		}
		c.Advance(5 * time.Second)
		if n, retry := burst(w, act); n != 20 || retry != 25 {
			t.Errorf("second: %d, retry after %d", n, retry)
		}
		if a := send(w, 1001); !a.OK {
			t.Errorf("messages are not concerned: %s", a.body)
		}
	})
	t.Run("a refused edit is not executed", func(t *testing.T) {
		w := newWorld(t, Options{Clock: newClock().Now, Rates: true})
		id := send(w, 1001).messageID(t)
		burst(w, func() answer { return send(w, 1001) })
		a := w.call("editMessageText", "chat_id", 1001, "message_id", id, "text", "new")
		if m, _ := w.dm.Message(id); a.status != 429 || m.Text != "x" || m.EditCount != 0 {
			t.Errorf("%s, stored %q", a.body, m.Text)
		}
	})
	t.Run("without Rates there is no limit", func(t *testing.T) {
		w := newWorld(t, Options{Clock: newClock().Now})
		if n, _ := burst(w, func() answer { return send(w, 1001) }); n != 200 {
			t.Errorf("%d messages", n)
		}
	})
}
