package discord

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

// sender is a rig that does not listen.
func sender(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	return newRig(t, discordtest.Options{}, change...)
}

func (r *rig) fault(f discordtest.Fault) *discordtest.ActiveFault {
	if f.Method == "" {
		f.Method = createMessage
	}
	return r.srv.AddFault(f)
}

func (r *rig) only(text string) discordtest.Message {
	r.t.Helper()
	posts := r.general.Posts()
	if len(posts) != 1 || glass(posts[0].Text) != text {
		r.t.Fatalf("posts %+v, want only %q", posts, text)
	}
	return posts[0]
}

func TestAPostIsThereOnceWhateverHappensToTheAnswer(t *testing.T) {
	for _, c := range []struct {
		rule  string
		fault discordtest.Fault
	}{
		{"the connection is cut before", discordtest.Fault{Kind: discordtest.DropBefore}},
		{"the connection is cut after", discordtest.Fault{Kind: discordtest.DropAfter, Times: 3}},
		{"the answer is cut short", discordtest.Fault{Kind: discordtest.Truncate}},
		{"the answer is no JSON", discordtest.Fault{Kind: discordtest.NotJSON}},
		{"the answer is huge", discordtest.Fault{Kind: discordtest.Oversize}},
		{"the answer has malformed headers", discordtest.Fault{Kind: discordtest.BadHeaders}},
		{"the server fails", discordtest.Fault{Kind: discordtest.Error500, Times: 2}},
		{"the server fails after it has done it", discordtest.Fault{Kind: discordtest.Error503, Processed: true}},
		{"a front end fails", discordtest.Fault{Kind: discordtest.HTML502, Times: 2}},
		{"a front end gives up after it was done", discordtest.Fault{Kind: discordtest.HTML504, Processed: true}},
		{"the answer takes longer than one waits", discordtest.Fault{Kind: discordtest.DelayAfter, Delay: 600 * time.Millisecond}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := sender(t, func(cfg *Config) {
				if c.fault.Kind == discordtest.DelayAfter {
					cfg.Timing.Call = 300 * time.Millisecond
				}
			})
			r.fault(c.fault)
			sent := r.send(text("hello"))
			if m := r.only("hello"); bot.MessageID(m.ID.String()) != sent.Message {
				t.Errorf("the receipt names %v, the post is %v", sent.Message, m.ID)
			}
		})
	}
}

func TestWhatTheNetworkRefusesIsToldAsTheCoreCanUseIt(t *testing.T) {
	refuse := func(status, code int) discordtest.Fault {
		return discordtest.Fault{Kind: discordtest.Refuse, Status: status, Code: code}
	}
	type want struct {
		outcome bot.SendOutcome
		reason  bot.SendReason
		pause   time.Duration
	}
	for _, c := range []struct {
		rule   string
		fault  discordtest.Fault
		thread bool
		want   want
	}{
		{"a channel that is gone", refuse(404, 10003), false, want{bot.RefusedSend, bot.ChatGone, 0}},
		{"a thread that is gone", refuse(404, 10003), true, want{bot.RefusedSend, bot.ThreadGone, 0}},
		{"a locked thread", refuse(403, 160005), true, want{bot.RefusedSend, bot.ThreadGone, 0}},
		{"no access to a channel", refuse(403, 50001), false, want{bot.RefusedSend, bot.ChatGone, 0}},
		{"no access to a thread", refuse(403, 50001), true, want{bot.RefusedSend, bot.ThreadGone, 0}},
		{"no right to write", refuse(403, 50013), false, want{bot.RefusedSend, bot.ChatGone, 0}},
		{"a person who takes no messages", refuse(403, 50007), false, want{bot.RefusedSend, bot.ChatGone, 0}},
		{"no common server", refuse(403, 50278), false, want{bot.RefusedSend, bot.ChatGone, 0}},
		{"an empty message", refuse(400, 50006), false, want{bot.RefusedSend, bot.Other, 0}},
		{"a forum", refuse(400, 40058), false, want{bot.RefusedSend, bot.Other, 0}},
		{"a rate limit", discordtest.Fault{Kind: discordtest.Error429, RetryAfter: 1500 * time.Millisecond}, false, want{bot.NotSent, bot.Other, 1500 * time.Millisecond}},
		{"a rate limit of everything", discordtest.Fault{Kind: discordtest.Global429, RetryAfter: 2 * time.Second}, false, want{bot.NotSent, bot.Other, 2 * time.Second}},
		{"a rate limit that does not say how long", discordtest.Fault{Kind: discordtest.Bare429}, false, want{bot.NotSent, bot.Other, pauseLeast}},
		{"a front end's rate limit", discordtest.Fault{Kind: discordtest.HTML429, RetryAfter: 7 * time.Second}, false, want{bot.NotSent, bot.Other, 7 * time.Second}},
		{"a bad token", discordtest.Fault{Kind: discordtest.Unauthorized}, false, want{bot.NotSent, bot.Other, setupRetry}},
		{"a redirect", discordtest.Fault{Kind: discordtest.Redirect}, false, want{bot.NotSent, bot.Other, setupRetry}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := sender(t)
			to := r.to(r.general)
			if c.thread {
				to = r.to(r.general.AddThread(r.anna, "pi", 0))
			}
			r.fault(c.fault)
			e := r.failed(bot.Outgoing{Thread: to, Post: text("hello")})
			if got := (want{e.Outcome, e.Reason, e.RetryAfter}); got != c.want {
				t.Errorf("told %+v, want %+v: %v", got, c.want, e)
			}
			if n := len(r.general.Posts()); n != 0 {
				t.Errorf("%d posts", n)
			}
		})
	}
}

func TestNothingIsSentWhileTheNetworkWantsAPause(t *testing.T) {
	r := sender(t)
	r.fault(discordtest.Fault{Kind: discordtest.Bare429, Times: -1})
	if e := r.failed(bot.Outgoing{Thread: r.to(r.general), Post: text("x")}); e.RetryAfter == 0 {
		t.Errorf("told %+v", e)
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		_, err := r.a.Send(ctx, bot.Outgoing{Thread: r.to(r.general), Post: text("x")})
		cancel()
		var se *bot.SendError
		if !errors.As(err, &se) || se.Outcome != bot.NotSent {
			t.Fatalf("error %v", err)
		}
	}
	if n := r.srv.Invalid(); n != 1 {
		t.Errorf("%d refused calls, want 1", n)
	}
}

func TestAnnouncedLimitsAreKeptWithoutARefusal(t *testing.T) {
	r := newRig(t, discordtest.Options{Rates: true})
	began := time.Now()
	sent := r.send(text("0"))
	for range 5 { // one more than there are
		r.send(text("x"))
	}
	for i := range 5 { // edits are counted by themselves
		r.sendTo(bot.Outgoing{Thread: r.to(r.general), Target: sent.Message, Post: bot.Plainf("%d", i)})
	}
	if d := time.Since(began); d < 4*time.Second || d > 30*time.Second {
		t.Errorf("6 posts and 5 edits took %v", d)
	}
	if n := r.srv.Invalid(); n != 0 {
		t.Errorf("%d refused calls", n)
	}
	r.srv.Check(t)
}

func TestEditsTellWhatBecameOfTheMessage(t *testing.T) {
	refuse := func(status, code int) discordtest.Fault {
		return discordtest.Fault{Method: "editMessage", Kind: discordtest.Refuse, Status: status, Code: code}
	}
	for _, c := range []struct {
		rule  string
		fault discordtest.Fault
	}{
		{"one of somebody else", refuse(403, 50005)},
		{"one in an archived thread", refuse(400, 50083)},
		{"one that is too old to be edited often", discordtest.Fault{Method: "editMessage", Kind: discordtest.Refuse, Status: 429, Code: 30046, RetryAfter: time.Minute}},
		{"one that is too old, without a pause", refuse(429, 30046)},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := sender(t)
			sent := r.send(text("x"))
			r.fault(c.fault)
			e := r.failed(bot.Outgoing{Thread: r.to(r.general), Target: sent.Message, Post: text("y")})
			if e.Outcome != bot.RefusedSend || e.Reason != bot.TargetGone || e.RetryAfter != 0 {
				t.Errorf("told %+v", e)
			}
			r.sendTo(bot.Outgoing{Thread: r.to(r.general), Post: text("y")}) // goes on at once
		})
	}
}

func TestAnArchivedThreadIsOpenedByANewMessage(t *testing.T) {
	r := sender(t)
	th := r.general.AddThread(r.anna, "pi", 0)
	sent := r.sendTo(bot.Outgoing{Thread: r.to(th), Post: text("one")})
	th.Archive()
	r.srv.Expect("editMessage", "50083")
	if e := r.failed(bot.Outgoing{Thread: r.to(th), Target: sent.Message, Post: text("two")}); e.Reason != bot.TargetGone {
		t.Errorf("told %+v", e)
	}
	r.sendTo(bot.Outgoing{Thread: r.to(th), Post: text("two")})
	th.Lock()
	r.srv.Expect(createMessage, "160005")
	if e := r.failed(bot.Outgoing{Thread: r.to(th), Post: text("three")}); e.Reason != bot.ThreadGone {
		t.Errorf("told %+v", e)
	}
	r.srv.Check(t)
}

func TestNothingThatIsSaidPingsOrMakesAPreview(t *testing.T) {
	r := sender(t)
	loud := "@everyone @here " + r.anna.Mention() + " <@&" + r.guild.ID().String() + "> https://example.org/x"
	for _, style := range []bot.Style{bot.Plain, bot.Bold, bot.Code, bot.Pre} {
		post := bot.Post{Text: []bot.Span{{Style: style, Text: loud}}, Silent: style == bot.Bold}
		sent := r.send(post)
		r.sendTo(bot.Outgoing{Thread: r.to(r.general), Target: sent.Message, Post: bot.Post{Text: []bot.Span{{Style: style, Text: loud + " again"}}}})
	}
	said := r.general.Say(r.anna, "hello")
	r.sendTo(bot.Outgoing{Thread: r.to(r.general), ReplyTo: bot.MessageID(said.ID.String()), Post: text(loud)})
	for _, m := range r.general.Posts() {
		if len(m.Pings) > 0 || len(m.Previews) > 0 || !m.NoPreview {
			t.Errorf("%q pings %v, previews %v", m.Text, m.Pings, m.Previews)
		}
	}
	r.srv.Check(t)
}

func TestALostPostIsFoundAgain(t *testing.T) {
	lose := func(r *rig, out bot.Outgoing) bot.Outgoing {
		out.Mark = r.a.Mark(out.Thread, "")
		f := r.fault(discordtest.Fault{Kind: discordtest.DropAfter, Times: -1})
		if e := r.failed(out); e.Outcome != bot.Unknown {
			t.Fatalf("told %+v", e)
		}
		f.Remove()
		out.Doubt, out.Post.Text = true, []bot.Span{{Text: "newer"}}
		return out
	}
	// aged is a mark of long ago: the network has forgotten its nonce.
	aged := func(text string) string {
		m := parseMark(text)
		m.nonce, m.at = newNonce(), m.at.Add(-time.Hour)
		return m.String()
	}
	found := func(r *rig, sent bot.Receipt) {
		posts := r.general.Posts()
		if len(posts) != 2 || posts[1].Text != "newer" || bot.MessageID(posts[1].ID.String()) != sent.Message {
			t.Errorf("posts %+v", posts)
		}
	}
	t.Run("by its nonce, after a restart too", func(t *testing.T) {
		r := sender(t)
		r.send(text("before"))
		out := lose(r, bot.Outgoing{Thread: r.to(r.general), Post: text("older")})
		r.a = r.adapter()
		found(r, r.sendTo(out))
		if n := r.srv.Count("getChannelMessages"); n != 0 {
			t.Errorf("the history was read %d times", n)
		}
	})
	t.Run("in the history when the nonce is too old", func(t *testing.T) {
		r := sender(t)
		r.send(text("before"))
		out := lose(r, bot.Outgoing{Thread: r.to(r.general), Post: text("older")})
		r.general.Say(r.anna, "meanwhile")
		r.a = r.adapter()
		out.Mark = aged(out.Mark)
		found(r, r.sendTo(out))
	})
	t.Run("but not as another message of ours, or one that answers something else", func(t *testing.T) {
		r := sender(t)
		said := r.general.Say(r.anna, "hello")
		out := lose(r, bot.Outgoing{Thread: r.to(r.general), Post: text("older")})
		known := r.send(text("known"))
		r.sendTo(bot.Outgoing{Thread: r.to(r.general), Post: text("an answer"), ReplyTo: bot.MessageID(said.ID.String())})
		lost := r.general.Posts()[0]
		r.general.Delete(lost.ID)
		r.a = r.adapter()
		out.Mark = aged(out.Mark)
		out.Ours = func(m bot.MessageID) bool { return m == known.Message }
		r.sendTo(out)
		var texts []string
		for _, m := range r.general.Posts() {
			texts = append(texts, m.Text)
		}
		if !slices.Equal(texts, []string{"known", "an answer", "newer"}) {
			t.Errorf("posts %q", texts)
		}
	})
	t.Run("as one that was deleted", func(t *testing.T) {
		r := sender(t)
		r.send(text("before"))
		out := lose(r, bot.Outgoing{Thread: r.to(r.general), Post: text("older")})
		last, _ := r.general.Last()
		r.general.Delete(last.ID)
		if e := r.failed(out); e.Outcome != bot.RefusedSend {
			t.Errorf("told %+v", e)
		}
	})
	t.Run("a file is not taken for a text", func(t *testing.T) {
		r := sender(t)
		out := lose(r, bot.Outgoing{Thread: r.to(r.general), Post: text("older"), Mark: ""})
		r.a = r.adapter()
		file := r.file("a.txt", []byte("x"))
		r.sendTo(bot.Outgoing{Thread: out.Thread, Doubt: true, Mark: aged(out.Mark),
			Post: bot.Post{Media: &bot.Media{Name: "a.txt"}}, File: file})
		if posts := r.general.Posts(); len(posts) != 2 || len(posts[1].Files) != 1 {
			t.Errorf("posts %+v", posts)
		}
	})
}

func TestAFileTakesThePlaceOfAnother(t *testing.T) {
	r := sender(t)
	media := &bot.Media{Kind: bot.Picture, Name: "a.png"}
	out := bot.Outgoing{Thread: r.to(r.general), Post: bot.Post{Media: media, Text: []bot.Span{{Text: "first"}}}, File: r.file("a.png", []byte("1"))}
	sent := r.sendTo(out)
	out.Target, out.File, out.Post.Text = sent.Message, r.file("a.png", []byte("22")), []bot.Span{{Text: "second"}}
	r.sendTo(out)
	posts := r.general.Posts()
	if len(posts) != 1 || posts[0].Text != "second" || len(posts[0].Files) != 1 || string(posts[0].Files[0].Bytes()) != "22" {
		t.Errorf("posts %+v", posts)
	}
	r.srv.Check(t)
}

func TestMessagesAreErasedAndPinned(t *testing.T) {
	r := sender(t)
	ctx := t.Context()
	there, private := r.to(r.general), r.to(r.dm)
	sent := r.send(text("x"))
	for range 2 { // the second time it is gone already
		if err := r.a.Erase(ctx, there, sent.Message); err != nil {
			t.Errorf("Erase: %v", err)
		}
	}
	if posts := r.general.Posts(); len(posts) != 0 {
		t.Errorf("posts %+v", posts)
	}
	sent = r.sendTo(bot.Outgoing{Thread: private, Post: text("pin me")})
	if err := r.a.Pin(ctx, private, sent.Message); err != nil {
		t.Errorf("Pin: %v", err)
	}
	if m, _ := r.dm.Last(); !m.Pinned {
		t.Error("the message is not pinned")
	}
	r.srv.Expect("deleteMessage", "10008")
	r.srv.Expect("pinMessage", "50013")
	var se *bot.SendError
	if err := r.a.Pin(ctx, there, r.send(text("y")).Message); !errors.As(err, &se) || se.Outcome != bot.RefusedSend {
		t.Errorf("Pin without the permission: %v", err)
	}
	r.srv.Check(t)
}

func (r *rig) file(name string, content []byte) *bot.Content {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return &bot.Content{Path: path, Name: name, Size: int64(len(content))}
}

func TestALowerLimitForFilesIsLearned(t *testing.T) {
	r := newRig(t, discordtest.Options{UploadLimit: 3 << 20})
	r.srv.Expect(createMessage, "40005")
	out := bot.Outgoing{Thread: r.to(r.general), Post: bot.Post{Media: &bot.Media{Name: "big"}}, File: r.file("big", make([]byte, 4<<20))}
	// Not refused for good: the core makes it smaller.
	if e := r.failed(out); e.Outcome != bot.NotSent {
		t.Errorf("told %+v", e)
	}
	if n := r.a.Limits(out.Thread).Upload; n >= 4<<20 || n < leastUpload {
		t.Errorf("the limit is %d now", n)
	}
	if e := r.failed(out); e.Reason != bot.TooLarge {
		t.Errorf("told %+v", e)
	}
	if n := r.a.Limits(r.to(r.dm)).Upload; n != defaultUpload {
		t.Errorf("the limit of private chats is %d", n)
	}
	r.srv.Check(t)
}

func TestAFileIsStreamedAndNamedSafely(t *testing.T) {
	r := sender(t)
	content := bytes.Repeat([]byte("0123456789"), 500_000)
	r.fault(discordtest.Fault{Kind: discordtest.DropAfter})
	file := r.file("x", content)
	file.Name = "../a\"b\r\nX-Evil: 1.txt.gz" // it was compressed
	r.sendTo(bot.Outgoing{
		Thread: r.to(r.general), File: file,
		Post: bot.Post{Text: []bot.Span{{Text: "the log"}}, Media: &bot.Media{Name: "../a\"b\r\nX-Evil: 1.txt"}},
	})
	posts := r.general.Posts()
	if len(posts) != 1 || len(posts[0].Files) != 1 {
		t.Fatalf("posts %+v", posts)
	}
	f := posts[0].Files[0]
	if !bytes.Equal(f.Bytes(), content) || strings.ContainsAny(f.Name, "\r\n\"/") || !strings.HasSuffix(f.Name, ".txt.gz") {
		t.Errorf("file %q of %d bytes", f.Name, len(f.Bytes()))
	}
	r.srv.Check(t)
}

func TestPrivateChatsAreOpenedWhenNeeded(t *testing.T) {
	r := sender(t)
	for range 2 {
		r.sendTo(bot.Outgoing{Thread: r.a.Direct("200000000000000006"), Post: text("hello Bert")})
	}
	if n := len(r.srv.DM(r.bert).Posts()); n != 2 || r.srv.Count("createDM") != 1 {
		t.Errorf("%d posts, %d chats opened", n, r.srv.Count("createDM"))
	}
	r.bert.CloseDMs(true)
	r.srv.Expect(createMessage, "50007")
	if e := r.failed(bot.Outgoing{Thread: r.a.Direct("200000000000000006"), Post: text("x")}); e.Reason != bot.ChatGone {
		t.Errorf("told %+v", e)
	}
	r.srv.Check(t)
}

func TestWithoutTheRightToReadRepliesAreOrdinary(t *testing.T) {
	r := sender(t)
	r.guild.SetEveryone(0)
	r.guild.SetBot(discordtest.ViewChannel | discordtest.SendMessages)
	said := r.general.Say(r.anna, "uptime")
	r.srv.Expect(createMessage, "160002")
	r.sendTo(bot.Outgoing{Thread: r.to(r.general), ReplyTo: bot.MessageID(said.ID.String()), Post: text("3 days")})
	if m := r.only("3 days"); m.ReplyTo != 0 {
		t.Errorf("post %+v", m)
	}
	r.srv.Check(t)
}

func TestThreadsAreOpenedInTextChannels(t *testing.T) {
	r := sender(t)
	th, err := r.a.OpenThread(t.Context(), r.to(r.general), "  htop\n"+strings.Repeat("x", 300), "")
	if err != nil {
		t.Fatal(err)
	}
	threads := r.general.Threads()
	if len(threads) != 1 || th != r.to(threads[0]) || threads[0].Kind() != discordtest.PublicThread || len([]rune(threads[0].Name())) != maxThreadName {
		t.Errorf("thread %v, threads %+v", th, threads)
	}
	r.sendTo(bot.Outgoing{Thread: th, Post: text("x")})
	forum := r.guild.AddChannel(0, "help", discordtest.ForumChannel)
	for what, room := range map[string]bot.Thread{"a private chat": r.to(r.dm), "a thread": th, "a forum": r.to(forum), "another network": {Adapter: "x", Chat: "5"}} {
		_, err := r.a.OpenThread(t.Context(), room, "htop", "")
		var se *bot.SendError
		if !errors.As(err, &se) || se.Outcome != bot.RefusedSend {
			t.Errorf("%s: error %v, want refused", what, err)
		}
	}
	r.guild.SetEveryone(discordtest.ViewChannel)
	r.guild.SetBot(0)
	r.srv.Expect("startThread", "50013")
	_, err = r.a.OpenThread(t.Context(), r.to(r.general), "htop", "")
	var se *bot.SendError
	if !errors.As(err, &se) || se.Outcome != bot.RefusedSend {
		t.Errorf("without the right: error %v, want refused", err)
	}
	r.srv.Check(t)
}

func TestTypingIsShownSparingly(t *testing.T) {
	r := sender(t)
	for range 3 {
		if err := r.a.Typing(t.Context(), r.to(r.general)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.srv.Count("triggerTypingIndicator"); n != 1 {
		t.Errorf("typing was shown %d times", n)
	}
}

func TestASessionsKeypadHasAKeyForFreeText(t *testing.T) {
	r := sender(t)
	k := &bot.Keyboard{Handle: bot.NewHandle(), Session: "7", Rows: [][]bot.Button{
		{{Label: "Esc"}, {Label: "Tab"}, {Label: "↑"}, {Label: "Enter"}},
		{{Label: "^D"}, {Label: "Stop"}, {Label: "Log"}},
	}}
	r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	var labels []string
	for _, b := range r.only("live").Keyboard[1] {
		labels = append(labels, b.Label)
	}
	if !slices.Equal(labels, []string{"^D", "Stop", "Log", formLabel}) {
		t.Errorf("keys %q", labels)
	}
	r.srv.Check(t)
}

func TestErrorsShowNoToken(t *testing.T) {
	r := sender(t)
	r.srv.Down()
	_, err := r.a.Send(t.Context(), bot.Outgoing{Thread: r.to(r.general), Post: text("x")})
	_, secret, _ := strings.Cut(r.srv.Token(), ".")
	for _, s := range []string{err.Error(), r.a.String(), r.a.cfg.Token.String()} {
		if strings.Contains(s, secret) {
			t.Errorf("%q shows the token", s)
		}
	}
}

// A keyboard has more rows than the network takes, as that of /ls does: they are
// folded, and each button still means what it did.
func TestRowsOfButtonsAreFoldedToFit(t *testing.T) {
	key := func(label string) bot.Button { return bot.Button{Label: label} }
	for _, c := range []struct {
		rule string
		rows []int
		want []int
	}{
		{"few", []int{1, 2, 3}, []int{1, 2, 3}},
		{"pairs and a last row", []int{2, 2, 2, 2, 2, 2, 3}, []int{4, 4, 2, 2, 3}},
		{"single ones", []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, []int{4, 2, 2, 2, 2}},
		{"full ones", []int{5, 5, 5, 5, 5, 5}, []int{5, 5, 5, 5, 5}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			k := &bot.Keyboard{Handle: "h"}
			for _, n := range c.rows {
				var line []bot.Button
				for range n {
					line = append(line, key("x"))
				}
				k.Rows = append(k.Rows, line)
			}
			var got []int
			seen := map[string]bool{}
			for _, r := range keyboardOf(k) {
				got = append(got, len(r.Parts))
				for _, b := range r.Parts {
					seen[b.ID] = true
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got rows of %v, want %v", got, c.want)
			}
			total := 0
			for _, n := range c.want {
				total += n
			}
			if len(seen) != total {
				t.Errorf("%d different buttons of %d", len(seen), total)
			}
		})
	}
}
