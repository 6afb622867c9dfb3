package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/bot"
)

func limitsMakeSense(t *testing.T, b *bench) {
	l := b.limits()
	if l.Text <= 0 && !l.Stream {
		t.Errorf("Text = %d and no Stream: nothing can be said", l.Text)
	}
	if l.Caption < 0 || l.Caption > l.Text {
		t.Errorf("Caption = %d, Text = %d", l.Caption, l.Text)
	}
	if !l.Stream && (l.Lines <= 0 || l.Pages <= 0) {
		t.Errorf("Lines = %d, Pages = %d: want pages", l.Lines, l.Pages)
	}
	if l.Photo > l.Upload {
		t.Errorf("Photo = %d is over Upload = %d", l.Photo, l.Upload)
	}
	if l.Every > 0 && l.Burst < 1 || l.AllEvery > 0 && l.AllBurst < 1 {
		t.Errorf("a pace without burst sends nothing: %+v", l)
	}
	if b.Adapter.Name() == "" || b.Thread.Adapter != b.Adapter.Name() {
		t.Errorf("Name = %q, thread %v", b.Adapter.Name(), b.Thread)
	}
}

func offered(t *testing.T, b *bench) {
	b.start(t)
	id := b.Say("help run")
	m := b.got(t, 1)[0]
	if m.Text != "help run" || m.Thread != b.Thread || m.Origin != bot.Original || m.Button != "" {
		t.Errorf("message = %+v, want text %q in %v", m, "help run", b.Thread)
	}
	if m.ID != id {
		t.Errorf("ID = %q, want %q", m.ID, id)
	}
	if b.Account != (bot.Account{}) && m.Account != b.Account {
		t.Errorf("Account = %v, want %v", m.Account, b.Account)
	}
	if m.Key == "" || !strings.HasPrefix(m.Key, b.Adapter.Name()+"/") {
		t.Errorf("Key = %q, want one that begins with %q", m.Key, b.Adapter.Name()+"/")
	}
	if m.Age < 0 || m.Age > time.Minute {
		t.Errorf("Age = %v, want next to nothing", m.Age)
	}
}

func ownKeys(t *testing.T, b *bench) {
	b.start(t)
	b.Say("ps")
	b.Say("ps")
	got := b.got(t, 2)
	if got[0].Key == got[1].Key {
		t.Errorf("both messages have the key %q", got[0].Key)
	}
}

func inOrder(t *testing.T, b *bench) {
	b.start(t)
	const n = 30
	for i := range n {
		b.Say(fmt.Sprintf("run echo %d", i))
	}
	for i, m := range b.got(t, n) {
		if want := fmt.Sprintf("run echo %d", i); m.Text != want {
			t.Fatalf("message %d = %q, want %q", i, m.Text, want)
		}
	}
}

func exactText(t *testing.T, b *bench) {
	texts := []string{
		`run echo "a  b" 'c' \d $e`,
		"run echo żółw 🐢 👩‍👩‍👧 עברית",
		"run echo <b>&amp;</b> *_`~|",
	}
	if !b.limits().Stream {
		texts = append(texts, "sh for i in 1 2\ndo\n  echo $i\ndone", "in "+strings.Repeat("x", 1900))
	}
	b.start(t)
	for i, text := range texts {
		b.Say(text)
		if got := b.got(t, i+1)[i].Text; got != text {
			t.Errorf("said %q, arrived %q", text, got)
		}
	}
}

func offeredAgain(t *testing.T, b *bench) {
	b.inbox.set(func(in *inbox) { in.refuse = 2 })
	b.start(t)
	b.Say("ps")
	m := b.got(t, 1)[0]
	offers := b.inbox.offers()
	if len(offers) < 3 {
		t.Errorf("offered %d times, want at least 3", len(offers))
	}
	for _, key := range offers {
		if key != m.Key {
			t.Errorf("offered with the key %q, accepted with %q", key, m.Key)
		}
	}
}

func heldUntilAccepted(t *testing.T, b *bench) {
	hold := make(chan struct{})
	b.inbox.set(func(in *inbox) { in.hold = hold })
	b.start(t)
	b.Say("ps")
	within(t, "an offer", func() bool { return len(b.inbox.offers()) > 0 })
	if n := b.Held(); n != 1 {
		t.Errorf("the network holds %d messages while Accept runs, want 1", n)
	}
	close(hold)
	within(t, "the network to let go", func() bool { return b.Held() == 0 })
	b.got(t, 1)
}

func confirmed(t *testing.T, b *bench) {
	b.start(t)
	b.Say("reboot")
	m := b.got(t, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := b.Adapter.(bot.Confirmer).Confirmed(ctx, m.Key); err != nil {
		t.Fatalf("Confirmed(%q): %v", m.Key, err)
	}
	if n := b.Held(); n != 0 {
		t.Errorf("the network still holds %d messages", n)
	}
}

func stops(t *testing.T, b *bench) {
	stop := b.start(t)
	b.Say("ps")
	b.got(t, 1)
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("Run took %v to return", d)
	}
}

func stopsWhileRefused(t *testing.T, b *bench) {
	b.inbox.set(func(in *inbox) { in.refuse = -1 })
	stop := b.start(t)
	b.Say("ps")
	within(t, "an offer", func() bool { return len(b.inbox.offers()) > 0 })
	if err := stop(); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

func outlivesNetwork(t *testing.T, b *bench) {
	b.Unplug()
	b.start(t)
	b.Plug()
	b.Say("first")
	b.got(t, 1)
	b.Unplug()
	b.Plug()
	b.Say("second")
	if got := b.got(t, 2); got[1].Text != "second" {
		t.Errorf("then came %q", got[1].Text)
	}
}

func showsText(t *testing.T, b *bench) {
	b.start(t)
	const text = "uptime 3 days, żółw 🐢, <b>not bold</b> *nor this*"
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("%s", text)})
	p := b.shows(t, text)
	if b.canEdit() && (r.Message == "" || r.Message != p.ID) {
		t.Errorf("receipt names %q, the post is %q", r.Message, p.ID)
	}
}

func replies(t *testing.T, b *bench) {
	b.start(t)
	id := b.Say("uptime")
	b.got(t, 1)
	b.send(t, bot.Outgoing{Post: bot.Plainf("3 days"), ReplyTo: id})
	if p := b.shows(t, "3 days"); p.ReplyTo != id {
		t.Errorf("the post answers %q, want %q", p.ReplyTo, id)
	}
	b.send(t, bot.Outgoing{Post: bot.Plainf("4 days"), ReplyTo: "999999"})
	b.shows(t, "4 days") // a message that is gone does not stop the answer
}

func keepsIndentation(t *testing.T, b *bench) {
	b.start(t)
	const block = "    indented\n\n        twice\nend"
	b.send(t, bot.Outgoing{Post: bot.Post{Text: []bot.Span{{Style: bot.Pre, Text: block}}}})
	b.shows(t, block)
}

// letters is text of exactly n units that is not one single line.
func letters(n int) string {
	s := strings.Repeat(strings.Repeat("x", 79)+"\n", n/80+1)[:n]
	return s[:n-1] + "y"
}

func longestText(t *testing.T, b *bench) {
	b.start(t)
	text := letters(b.limits().Text)
	b.send(t, bot.Outgoing{Post: bot.Plainf("%s", text)})
	b.shows(t, text)
	if b.limits().UTF16 {
		text = strings.Repeat("🐢", b.limits().Text/2)
		b.send(t, bot.Outgoing{Post: bot.Plainf("%s", text)})
		b.shows(t, text)
	}
}

func tooLongText(t *testing.T, b *bench) {
	b.start(t)
	e := b.sendError(t, t.Context(), bot.Outgoing{Post: bot.Plainf("%s", letters(b.limits().Text+1))})
	if e.Outcome != bot.RefusedSend || e.Reason != bot.TooLarge {
		t.Errorf("error = %+v, want refused as too large", e)
	}
	if n := len(b.Posts()); n != 0 {
		t.Errorf("%d posts are there, want none", n)
	}
}

func edits(t *testing.T, b *bench) {
	b.start(t)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("one")})
	for _, text := range []string{"two", "three"} {
		again := b.send(t, bot.Outgoing{Post: bot.Plainf("%s", text), Target: r.Message})
		if again.Message != r.Message {
			t.Errorf("the edit's receipt names %q, want %q", again.Message, r.Message)
		}
	}
	if p := b.shows(t, "three"); p.ID != r.Message {
		t.Errorf("post %q was changed, want %q", p.ID, r.Message)
	}
	if n := len(b.Posts()); n != 1 {
		t.Errorf("%d posts are there, want 1", n)
	}
}

func editsToSame(t *testing.T, b *bench) {
	b.start(t)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("same")})
	for _, text := range []string{"same", "same  \n"} {
		again := b.send(t, bot.Outgoing{Post: bot.Plainf("%s", text), Target: r.Message})
		if again.Message != r.Message {
			t.Errorf("the edit's receipt names %q, want %q", again.Message, r.Message)
		}
	}
}

func editsVanished(t *testing.T, b *bench) {
	b.start(t)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("here")})
	b.Vanish(r.Message)
	e := b.sendError(t, t.Context(), bot.Outgoing{Post: bot.Plainf("still here"), Target: r.Message})
	if e.Outcome != bot.RefusedSend || e.Reason != bot.TargetGone {
		t.Errorf("error = %+v, want refused as target gone", e)
	}
}

func keyboard() *bot.Keyboard {
	return &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{
		{{Label: "Stop", Command: "stop"}, {Label: "^C", Command: "key"}},
		{{Label: "Log", Command: "log"}},
	}}
}

func removesKeyboard(t *testing.T, b *bench) {
	b.start(t)
	k := keyboard()
	r := b.send(t, bot.Outgoing{Post: bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k}})
	b.send(t, bot.Outgoing{Post: bot.Post{Text: []bot.Span{{Text: "still live"}}, Keyboard: k}, Target: r.Message})
	want := [][]string{{"Stop", "^C"}, {"Log"}}
	if p := b.shows(t, "still live"); !slices.EqualFunc(p.Buttons, want, slices.Equal) {
		t.Errorf("buttons = %q, want %q", p.Buttons, want)
	}
	b.send(t, bot.Outgoing{Post: bot.Plainf("over"), Target: r.Message})
	if p := b.shows(t, "over"); len(p.Buttons) != 0 {
		t.Errorf("buttons = %q, want none", p.Buttons)
	}
}

func presses(t *testing.T, b *bench) {
	b.inbox.set(func(in *inbox) { in.notice = "stopping" })
	b.start(t)
	k := keyboard()
	r := b.send(t, bot.Outgoing{Post: bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k}})
	b.shows(t, "live")
	notice, answered := b.Press(r.Message, 0, 1)
	if !answered || notice != "stopping" {
		t.Errorf("the presser saw %q, %v; want %q", notice, answered, "stopping")
	}
	m := b.got(t, 1)[0]
	if m.Button != k.Data(0, 1) || m.ID != r.Message || m.Text != "" || m.Thread != b.Thread || m.Origin != bot.Original {
		t.Errorf("press = %+v, want %q on message %q in %v", m, k.Data(0, 1), r.Message, b.Thread)
	}
	if b.Account != (bot.Account{}) && m.Account != b.Account {
		t.Errorf("Account = %v, want %v", m.Account, b.Account)
	}
}

func sendsFile(t *testing.T, b *bench) {
	b.start(t)
	content := bytes.Repeat([]byte("line\x00\xff\n"), 30_000)
	b.send(t, bot.Outgoing{
		Post: bot.Post{Text: []bot.Span{{Text: "the log"}}, Media: &bot.Media{Kind: bot.File, Name: "log 7.txt"}},
		File: textFile(t, "log 7.txt", content),
	})
	p := b.shows(t, "the log")
	if p.Name != "log 7.txt" {
		t.Errorf("name = %q", p.Name)
	}
	if !bytes.Equal(p.File, content) {
		t.Errorf("file of %d bytes differs from the %d sent", len(p.File), len(content))
	}
}

func tooLargeFile(t *testing.T, b *bench) {
	b.start(t)
	path := filepath.Join(t.TempDir(), "hole")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size := b.limits().Upload + 1
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	f.Close()
	e := b.sendError(t, t.Context(), bot.Outgoing{
		Post: bot.Post{Media: &bot.Media{Kind: bot.File, Name: "hole"}},
		File: &bot.Content{Path: path, Name: "hole", Size: size},
	})
	if e.Outcome != bot.RefusedSend || e.Reason != bot.TooLarge {
		t.Errorf("error = %+v, want refused as too large", e)
	}
}

func streams(t *testing.T, b *bench) {
	b.start(t)
	const output = "50%\r100%\n\x1b[31mred\x1b[0m\n"
	b.send(t, bot.Outgoing{
		Post: bot.Post{Output: &bot.OutputRef{Session: "1", Range: bot.Range{To: int64(len(output))}}},
		File: textFile(t, "", []byte(output)),
	})
	within(t, "the output", func() bool { return strings.Contains(b.Streamed(), output) })
}

func foreignThread(t *testing.T, b *bench) {
	e := b.sendError(t, t.Context(), bot.Outgoing{
		Thread: bot.Thread{Adapter: "elsewhere", Chat: "no such chat"},
		Post:   bot.Plainf("lost"),
	})
	if e.Outcome != bot.RefusedSend {
		t.Errorf("error = %+v, want refused", e)
	}
	if n := len(b.Posts()); n != 0 {
		t.Errorf("%d posts are there, want none", n)
	}
}

func sendCancelled(t *testing.T, b *bench) {
	b.start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e := b.sendError(t, ctx, bot.Outgoing{Post: bot.Plainf("late")}); e.Outcome == bot.RefusedSend {
		t.Errorf("error = %+v: the network has not refused anything", e)
	}
}

func sendUnplugged(t *testing.T, b *bench) {
	b.Unplug()
	if e := b.sendError(t, t.Context(), bot.Outgoing{Post: bot.Plainf("hello")}); e.Outcome != bot.NotSent {
		t.Errorf("error = %+v, want not sent", e)
	}
	b.Plug()
	b.start(t)
	b.send(t, bot.Outgoing{Post: bot.Plainf("hello")})
	b.shows(t, "hello")
}

func unknownOutcome(t *testing.T, b *bench) {
	b.start(t)
	b.LoseAnswer()
	if e := b.sendError(t, t.Context(), bot.Outgoing{Post: bot.Plainf("hello")}); e.Outcome != bot.Unknown {
		t.Errorf("error = %+v, want unknown", e)
	}
	b.shows(t, "hello")
}

func findsLost(t *testing.T, b *bench) {
	b.start(t)
	b.Say("ps")
	b.got(t, 1)
	mark := b.Adapter.(bot.Marker).Mark(b.Thread, "")
	b.LoseAnswer()
	out := bot.Outgoing{Post: bot.Plainf("hello"), Mark: mark}
	b.sendError(t, t.Context(), out)
	out.Post, out.Doubt = bot.Plainf("hello, newer"), true
	r := b.send(t, out)
	if p := b.shows(t, "hello, newer"); p.ID != r.Message {
		t.Errorf("receipt names %q, the post is %q", r.Message, p.ID)
	}
	if n := len(b.Posts()); n != 1 {
		t.Errorf("%d posts are there, want 1", n)
	}
}

func postsMissing(t *testing.T, b *bench) {
	b.start(t)
	b.Say("ps")
	b.got(t, 1)
	b.send(t, bot.Outgoing{Post: bot.Plainf("another")})
	mark := b.Adapter.(bot.Marker).Mark(b.Thread, "")
	b.send(t, bot.Outgoing{Post: bot.Plainf("hello"), Doubt: true, Mark: mark})
	b.shows(t, "hello")
	b.shows(t, "another")
}

func healthy(t *testing.T, b *bench) {
	b.start(t)
	b.Say("ps")
	b.got(t, 1)
	began := time.Now()
	h := b.Adapter.(bot.Checker).Health()
	if d := time.Since(began); d > time.Second {
		t.Errorf("Health took %v", d)
	}
	if !h.OK || h.Name == "" || h.State == "" {
		t.Errorf("health = %+v, want a good one in words", h)
	}
}
