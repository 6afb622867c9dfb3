package daemon

import (
	"fmt"
	"testing"
	"time"
)

// rest is how long a thumb takes from one key to the next. A picture is not
// begun while the one before is on its way.
const rest = 150 * time.Millisecond

// keys is the time from a key to the picture that shows what it did: of one
// under the picture, and of text that is typed.
func (b *bench) keys(t *testing.T) {
	w, chats := b.device(t, "keys", unhindered, terms{})
	w.up()
	chat := chats[0]
	chat.Say(chat.person, "/term --name v vim -u NONE -c 'set number' notes", manner{})
	chat.settled(t, w, func(m note) bool { return len(m.Keys) > 0 })
	chat.Say(chat.person, "/view picture v", manner{})
	chat.settled(t, w, pictured)
	chat.Say(chat.person, "/type o", manner{})
	seen := chat.settled(t, w, pictured)
	for _, c := range []struct {
		what string
		do   func(picture note)
	}{
		{"key pressed to new picture", func(picture note) { chat.Press(chat.person, picture.ID, dataOf(picture, "Enter")) }},
		{"text typed to new picture", func(note) { chat.Say(chat.person, "/type x", manner{}) }},
	} {
		var took []time.Duration
		for range b.presses {
			began := time.Now()
			c.do(seen)
			changed := func(m note) bool { return m.ID == seen.ID && m.Edits > seen.Edits }
			if !w.net.Wait(patience, func() bool { return chat.has(changed) }) {
				t.Fatalf("no new picture; the chat: %+v", chat.Posts())
			}
			took = append(took, time.Since(began))
			time.Sleep(rest) // the next key is one of its own
			seen = chat.settled(t, w, pictured)
		}
		reference := fmt.Sprintf("%d times; the program has %s to answer", len(took), "60 ms")
		b.note(c.what+", p50", ms(at(took, 50)), "150 ms", reference)
		b.note(c.what+", p99", ms(at(took, 99)), "150 ms", reference)
	}
	chat.Say(chat.person, "/stop v", manner{})
	w.down()
}

func pictured(m note) bool { return m.File != nil && m.File.Kind == "photo" }

func dataOf(m note, label string) string {
	for _, row := range m.Keys {
		for _, key := range row {
			if key.Label == label {
				return key.Data
			}
		}
	}
	return ""
}

// has reports whether there is a message that fits.
func (c privateChat) has(fits func(note) bool) bool {
	for _, m := range c.Posts() {
		if fits(m) {
			return true
		}
	}
	return false
}

// settled is the newest message that fits, once it has not been edited for a
// moment.
func (c privateChat) settled(t *testing.T, w *world, fits func(note) bool) (last note) {
	t.Helper()
	for since := time.Now(); time.Since(since) < 400*time.Millisecond; {
		if !w.net.Wait(patience, func() bool { return c.has(fits) }) {
			t.Fatalf("nothing that fits; the chat: %+v", c.Posts())
		}
		for _, m := range c.Posts() {
			if fits(m) && (m.ID != last.ID || m.Edits != last.Edits) {
				last, since = m, time.Now()
			}
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
	return last
}
