package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chapi/adapters/telegram/telegramtest"
	"chapi/bot"
)

// sender is a rig whose chat may be written to, without polling.
func sender(t *testing.T, opts telegramtest.Options, change ...func(*Config)) *rig {
	t.Helper()
	r := newRig(t, opts, change...)
	r.private.Say(r.anna, "/start")
	return r
}

func text(s string) bot.Post { return bot.Plainf("%s", s) }

func TestWhatIsKnownAfterAFailedPost(t *testing.T) {
	const unknown, notSent, refusedSend = bot.Unknown, bot.NotSent, bot.RefusedSend
	for _, c := range []struct {
		what    string
		fault   telegramtest.Fault
		outcome bot.SendOutcome
		reason  bot.SendReason
		after   time.Duration
	}{
		{"the connection is cut before", telegramtest.Fault{Kind: telegramtest.DropBefore}, unknown, 0, 0},
		{"the connection is cut behind", telegramtest.Fault{Kind: telegramtest.DropAfter}, unknown, 0, 0},
		{"the answer never comes", telegramtest.Fault{Kind: telegramtest.Hang}, unknown, 0, 0},
		{"the answer is cut", telegramtest.Fault{Kind: telegramtest.Truncate}, unknown, 0, 0},
		{"the answer is too long", telegramtest.Fault{Kind: telegramtest.Oversize, Bytes: 3 << 20}, unknown, 0, 0},
		{"the answer is a page", telegramtest.Fault{Kind: telegramtest.NotJSON}, unknown, 0, 0},
		{"a front end has failed", telegramtest.Fault{Kind: telegramtest.HTML502}, unknown, 0, 0},
		{"the server has failed", telegramtest.Fault{Kind: telegramtest.Error500}, unknown, 0, 0},
		{"too many requests", telegramtest.Fault{Kind: telegramtest.Error429, RetryAfter: 17}, notSent, 0, 17 * time.Second},
		{"a redirect", telegramtest.Fault{Kind: telegramtest.Redirect}, notSent, 0, setupRetry},
		{"a wrong token", telegramtest.Fault{Kind: telegramtest.Unauthorized}, notSent, 0, setupRetry},
		{"a page that says too large", telegramtest.Fault{Kind: telegramtest.HTML413}, refusedSend, bot.TooLarge, 0},
		{"too long", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: message is too long"}, refusedSend, bot.TooLarge, 0},
		{"an unheard-of reason", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: moon phase"}, refusedSend, bot.Other, 0},
		{"logged out", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: Logged out"}, notSent, 0, setupRetry},
		{"deleted account", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 403, Text: "Forbidden: user is deactivated"}, refusedSend, bot.ChatGone, 0},
		{"no right to post files", telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: not enough rights to send documents to the chat"}, refusedSend, bot.Other, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			r := sender(t, telegramtest.Options{})
			c.fault.Method = "sendMessage"
			r.srv.AddFault(c.fault)
			e := r.failed(bot.Outgoing{Thread: r.to(r.private), Post: text("x")})
			if e.Outcome != c.outcome || e.Reason != c.reason || e.RetryAfter != c.after {
				t.Errorf("outcome %d, reason %d, after %v (%v); want %d, %d, %v", e.Outcome, e.Reason, e.RetryAfter, e, c.outcome, c.reason, c.after)
			}
			r.send(text("y"))
		})
	}
}

func TestPlacesThatCannotBeWrittenTo(t *testing.T) {
	r := sender(t, telegramtest.Options{ReadAll: true})
	forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna)
	gone, closed := forum.AddTopic("gone", nil), forum.AddTopic("closed", nil)
	forum.DeleteTopic(gone)
	forum.CloseTopic(closed)
	kicked := r.srv.AddGroup(-1001234567891, "Away", telegramtest.Supergroup, r.anna)
	kicked.Kick()
	mute := r.srv.AddGroup(-1001234567892, "Quiet", telegramtest.Supergroup, r.anna)
	mute.SetRights(telegramtest.Rights{NoText: true})
	carl := r.srv.AddUser(8, "Carl")
	r.srv.Private(carl).Say(carl, "/start")
	r.srv.Block(carl)
	for _, c := range []struct {
		what string
		to   bot.Thread
		want bot.SendReason
	}{
		{"a deleted topic", thread(forum.ID(), int64(gone)), bot.ThreadGone},
		{"a closed topic", thread(forum.ID(), int64(closed)), bot.ThreadGone},
		{"a group without the bot", r.to(kicked), bot.ChatGone},
		{"a group where the bot may not write", r.to(mute), bot.ChatGone},
		{"a person who has blocked the bot", thread(8, 0), bot.ChatGone},
		{"a person who never wrote", thread(6, 0), bot.ChatGone},
		{"a chat that does not exist", thread(12345, 0), bot.ChatGone},
		{"a thread that makes no sense", bot.Thread{Adapter: Name, Chat: "x"}, bot.ChatGone},
	} {
		t.Run(c.what, func(t *testing.T) {
			e := r.failed(bot.Outgoing{Thread: c.to, Post: text("x")})
			if e.Outcome != bot.RefusedSend || e.Reason != c.want {
				t.Errorf("outcome %d, reason %d (%v); want refused, %d", e.Outcome, e.Reason, e, c.want)
			}
		})
	}
}

func TestPostsGoWhereTheyShould(t *testing.T) {
	r := newRig(t, telegramtest.Options{ReadAll: true})
	forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna)
	topic := forum.AddTopic("pi", nil)
	r.start()
	forum.Say(r.anna, "hello")
	r.got("hello")
	for _, c := range []struct {
		to    bot.Thread
		topic int
	}{{r.to(forum), 0}, {thread(forum.ID(), int64(topic)), topic}} {
		r.sendTo(bot.Outgoing{Thread: c.to, Post: bot.Post{Text: []bot.Span{{Text: "see https://example.org"}}, Silent: true}})
		m, _ := forum.Last()
		if m.Topic != c.topic || !m.Silent || !m.NoPreview {
			t.Errorf("post = topic %d, silent %v, no preview %v; want topic %d, silent, no preview", m.Topic, m.Silent, m.NoPreview, c.topic)
		}
	}
	if err := r.a.Typing(t.Context(), r.to(forum)); err != nil {
		t.Fatal(err)
	}
	if action, _ := forum.Action(generalTopic); action != "typing" {
		t.Errorf("General shows %q", action)
	}
	if err := r.a.Typing(t.Context(), r.to(forum)); err != nil || r.srv.Count("sendChatAction") != 1 {
		t.Errorf("a second action at once: %v, %d calls", err, r.srv.Count("sendChatAction"))
	}
	r.srv.Check(t)
}

func TestTextIsStoredAsSent(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	runes := rapid.OneOf(
		rapid.SampledFrom([]rune(" \n\t\r\x1bab\u00a0\u200e\u200f\u2028\u202e\u030a🐢👩‍👧ż/@#.:")),
		rapid.Rune(),
	)
	rapid.Check(t, func(rt *rapid.T) {
		var spans []bot.Span
		for range rapid.IntRange(1, 4).Draw(rt, "spans") {
			spans = append(spans, bot.Span{
				Style: bot.Style(rapid.IntRange(int(bot.Plain), int(bot.Pre)).Draw(rt, "style")),
				Text:  rapid.StringOf(runes).Draw(rt, "text"),
			})
		}
		spans = append(spans, bot.Span{Text: "."})
		c := compose(spans)
		receipt, err := r.a.Send(t.Context(), bot.Outgoing{Thread: r.to(r.private), Post: bot.Post{Text: spans}})
		if err != nil {
			rt.Fatal(err)
		}
		id, _ := messageID(receipt.Message)
		m, _ := r.private.Message(id)
		if m.Text != c.text {
			rt.Fatalf("stored %q, sent %q", m.Text, c.text)
		}
		var stored, sent []string
		for _, e := range m.Entities {
			if slices.Contains([]string{"bold", "italic", "code", "pre"}, e.Type) {
				stored = append(stored, fmt.Sprint(e.Type, e.Offset, e.Length))
			}
		}
		for _, e := range c.entities {
			sent = append(sent, fmt.Sprint(e.Type, e.Offset, e.Length))
		}
		if !slices.Equal(stored, sent) {
			rt.Fatalf("stored %q, sent %q in %q", stored, sent, c.text)
		}
	})
	if rs := r.srv.Remarks(); len(rs) > 0 {
		t.Errorf("the server remarks: %q", rs)
	}
}

func TestEntitiesThatTheServerRefusesAreLeftOut(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	refuse := telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Text: "Bad Request: ENTITIES_TOO_LONG", Match: func(c telegramtest.Call) bool { return c.Params.Get("entities") != "" }, Times: -1}
	r.srv.AddFault(refuse)
	post := bot.Post{Text: []bot.Span{{Style: bot.Bold, Text: "x"}}}
	receipt := r.send(post)
	post.Text[0].Text = "y"
	r.sendTo(bot.Outgoing{Thread: r.to(r.private), Post: post, Target: receipt.Message})
	if m, _ := r.private.Last(); m.Text != "y" || m.EditCount != 1 {
		t.Errorf("message = %+v", m)
	}
}

func TestAnAcceptedPostCountsHoweverStrangeTheAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"ok":true,"result":{"message_id":77,"chat":"broken","date":"yesterday"}}`)
	}))
	defer srv.Close()
	a, err := New(Config{Token: testToken, APIURL: srv.URL, Timing: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer a.client.closeIdle()
	got, err := a.Send(t.Context(), bot.Outgoing{Thread: thread(5, 0), Post: text("x")})
	if err != nil || got.Message != "77" {
		t.Errorf("Send = %+v, %v; want message 77", got, err)
	}
}

func TestChatIDsOf52BitsSurvive(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001234567890123}}`)
	}))
	defer srv.Close()
	a, err := New(Config{Token: testToken, APIURL: srv.URL, Timing: quick})
	if err != nil {
		t.Fatal(err)
	}
	defer a.client.closeIdle()
	_, err = a.Send(t.Context(), bot.Outgoing{Thread: thread(-5, 0), Post: text("x")})
	var se *bot.SendError
	if !errors.As(err, &se) || se.Reason != bot.Moved || se.To != "-1001234567890123" {
		t.Errorf("error = %+v", err)
	}
}

func TestALostPostIsFound(t *testing.T) {
	file := func(r *rig) bot.Outgoing {
		return bot.Outgoing{Post: bot.Post{Media: &bot.Media{Kind: bot.File, Name: "a.txt"}}, File: r.file("a.txt", []byte("content"))}
	}
	captioned := func(r *rig) bot.Outgoing {
		out := file(r)
		out.Post.Text = text("a caption").Text
		return out
	}
	plain := func(*rig) bot.Outgoing { return bot.Outgoing{Post: text("hello")} }
	for _, c := range []struct {
		what   string
		out    func(*rig) bot.Outgoing
		method string
	}{{"text", plain, "sendMessage"}, {"a file", file, "sendDocument"}, {"a file with a caption", captioned, "sendDocument"}} {
		for _, delivered := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, delivered %v", c.what, delivered), func(t *testing.T) {
				r := sender(t, telegramtest.Options{})
				r.start()
				r.got("/start")
				r.send(text("before"))
				out := c.out(r)
				out.Thread, out.Mark = r.to(r.private), r.a.Mark(r.to(r.private), "")
				kind := telegramtest.DropAfter
				if !delivered {
					kind = telegramtest.DropBefore
				}
				r.srv.AddFault(telegramtest.Fault{Method: c.method, Kind: kind})
				if e := r.failed(out); e.Outcome != bot.Unknown {
					t.Fatalf("error = %+v, want unknown", e)
				}
				// Others write meanwhile, in this chat and in another one.
				r.private.Say(r.anna, "chatter")
				r.srv.Private(r.bert).Say(r.bert, "/start")
				r.got("chatter")
				out.Doubt = true
				receipt := r.sendTo(out)
				if n := len(r.private.Posts()); n != 2 {
					t.Errorf("%d posts are there, want 2", n)
				}
				if m, _ := r.private.Last(); formatID(int64(m.ID)) != receipt.Message {
					t.Errorf("receipt names %s, the post is %d", receipt.Message, m.ID)
				}
				if before := r.private.Posts()[0]; before.Text != "before" || before.EditCount != 0 {
					t.Errorf("the post before was changed: %+v", before)
				}
			})
		}
	}
}

func TestASearchLeavesOtherPostsOfOursAlone(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	r.start()
	r.got("/start")
	mark := r.a.Mark(r.to(r.private), "") // as old as one may be after a restart
	ours := map[bot.MessageID]bool{}
	for i := range 2 * probeRange {
		ours[r.send(text(fmt.Sprint("page ", i))).Message] = true
	}
	r.a.places = places{} // a restart
	r.srv.AddFault(telegramtest.Fault{Method: "sendMessage", Kind: telegramtest.DropAfter})
	out := bot.Outgoing{Thread: r.to(r.private), Post: text("hello"), Mark: mark}
	r.failed(out)
	out.Doubt, out.Ours = true, func(m bot.MessageID) bool { return ours[m] }
	r.sendTo(out)
	for i, m := range r.private.Posts() {
		if want := fmt.Sprint("page ", i); i < len(ours) && m.Text != want || i == len(ours) && m.Text != "hello" || i > len(ours) {
			t.Errorf("post %d says %q", i, m.Text)
		}
	}
}

func TestAPostIsFoundBehindEveryAttempt(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	r.start()
	r.got("/start")
	out := bot.Outgoing{Thread: r.to(r.private), Post: text("hello")}
	// The first attempt is lost, the second is there without our knowing it, and
	// after each others write more than a search behind one mark would look at.
	mark := ""
	for i, kind := range []telegramtest.FaultKind{telegramtest.DropBefore, telegramtest.DropAfter} {
		out.Mark, mark = mark, r.a.Mark(out.Thread, mark)
		r.srv.AddFault(telegramtest.Fault{Method: "sendMessage", Kind: kind})
		if e := r.failed(out); e.Outcome != bot.Unknown {
			t.Fatalf("attempt %d: error = %+v, want unknown", i+1, e)
		}
		out.Doubt = true
		var newest bot.Message
		for n := range 2 * probeRange {
			r.private.Say(r.anna, fmt.Sprint("chatter ", i, " ", n))
			newest = r.got(fmt.Sprint("chatter ", i, " ", n))
		}
		r.a.places = places{} // a restart: only the newest message is known
		r.a.Remember(out.Thread, newest.ID)
	}
	out.Mark = mark
	receipt := r.sendTo(out)
	if posts := r.private.Posts(); len(posts) != 1 || formatID(int64(posts[0].ID)) != receipt.Message {
		t.Errorf("%d posts are there, and the receipt names %s: want one", len(posts), receipt.Message)
	}
}

func TestASearchThatIsBrokenOffGoesOn(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	r.start()
	r.got("/start")
	out := bot.Outgoing{Thread: r.to(r.private), Post: text("hello"), Mark: r.a.Mark(r.to(r.private), ""), Doubt: true}
	r.srv.AddFault(telegramtest.Fault{Method: "editMessageText", After: 4, Kind: telegramtest.Error429, RetryAfter: 9})
	e := r.failed(out)
	if e.Outcome != bot.Unknown || e.RetryAfter != 9*time.Second {
		t.Errorf("error = %+v, want unknown, after 9 s", e)
	}
	r.sendTo(out)
	if n := r.srv.Count("editMessageText"); n != probeRange+1 {
		t.Errorf("%d edits were tried, want %d", n, probeRange+1)
	}
	r.srv.Down()
	if e := r.failed(out); e.Outcome != bot.Unknown {
		t.Errorf("error = %+v: the doubt is as it was", e)
	}
}

// file is a file on disk.
func (r *rig) file(name string, content []byte) *bot.Content {
	r.t.Helper()
	path := filepath.Join(r.t.TempDir(), "content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return &bot.Content{Path: path, Name: name, Size: int64(len(content))}
}

// picture is a PNG of a size.
func picture(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestPicturesGoAsPhotosOrElseAsDocuments(t *testing.T) {
	for _, c := range []struct {
		what    string
		name    string
		content []byte
		kind    string
		asked   string
	}{
		{"a picture", "a.png", picture(40, 30), "photo", "sendPhoto"},
		{"a picture too long for a photo", "a.png", picture(2, 60), "document", "sendPhoto"},
		{"a picture too big for a photo", "a.png", append(picture(40, 30), make([]byte, maxPhoto)...), "document", "sendDocument"},
		{"a moving picture", "a.gif", []byte("GIF89a"), "animation", "sendAnimation"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := sender(t, telegramtest.Options{})
			r.srv.Expect("sendPhoto", "PHOTO_INVALID_DIMENSIONS")
			out := bot.Outgoing{
				Thread: r.to(r.private),
				Post:   bot.Post{Text: text("look").Text, Media: &bot.Media{Kind: bot.Picture, Name: c.name}},
				File:   r.file(c.name, c.content),
			}
			receipt := r.sendTo(out)
			m, _ := r.private.Last()
			if m.File == nil || m.File.Kind != c.kind || m.Caption != "look" {
				t.Fatalf("message = %+v, want a %s", m, c.kind)
			}
			if r.srv.Count(c.asked) != 1 {
				t.Errorf("%s was not tried", c.asked)
			}
			out.Target, out.File, out.Post.Text = receipt.Message, nil, text("looked").Text
			r.sendTo(out)
			if m, _ := r.private.Last(); m.Caption != "looked" {
				t.Errorf("caption = %q", m.Caption)
			}
			r.srv.Check(t)
		})
	}
}

func TestAClipSaysItsShapeAndLength(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	out := bot.Outgoing{
		Thread: r.to(r.private),
		Post:   bot.Post{Media: &bot.Media{Kind: bot.Video, Name: "a.mp4", Width: 640, Height: 360, Duration: 9600 * time.Millisecond}},
		File:   r.file("a.mp4", []byte("clip")),
	}
	receipt := r.sendTo(out)
	check := func() {
		t.Helper()
		m, _ := r.private.Last()
		if f := m.File; f == nil || f.Kind != "video" || f.Width != 640 || f.Height != 360 || f.Duration != 10 || !f.Streaming {
			t.Errorf("file = %+v", f)
		}
	}
	check()
	out.Target = receipt.Message
	r.sendTo(out)
	check()
	out.Post.Media.Duration = 200 * time.Millisecond // the network counts whole seconds, and 0 is unknown
	r.sendTo(out)
	if m, _ := r.private.Last(); m.File.Duration != 1 {
		t.Errorf("duration = %d, want 1", m.File.Duration)
	}
	r.srv.Check(t)
}

func TestALostPictureThatIsFoundShowsItsNewestContent(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	r.start()
	r.got("/start")
	out := bot.Outgoing{
		Thread: r.to(r.private),
		Post:   bot.Post{Media: &bot.Media{Kind: bot.Picture, Name: "a.png"}},
		File:   r.file("a.png", picture(40, 30)),
		Mark:   r.a.Mark(r.to(r.private), ""),
	}
	r.srv.AddFault(telegramtest.Fault{Method: "sendPhoto", Kind: telegramtest.DropAfter})
	r.failed(out)
	newer := picture(60, 50)
	out.File, out.Doubt = r.file("a.png", newer), true
	r.sendTo(out)
	posts := r.private.Posts()
	if len(posts) != 1 || !bytes.Equal(posts[0].File.Bytes(), newer) {
		t.Errorf("%d posts are there, want one with the newest picture", len(posts))
	}
}

func TestWhatMayNotBeErasedOrPinnedIsRefused(t *testing.T) {
	r := sender(t, telegramtest.Options{ReadAll: true})
	group := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Supergroup, r.anna)
	theirs := formatID(int64(group.Say(r.anna, "mine").ID))
	for what, err := range map[string]error{
		"erasing what others wrote": r.a.Erase(t.Context(), r.to(group), theirs),
		"pinning without the right": r.a.Pin(t.Context(), r.to(group), theirs),
		"erasing elsewhere":         r.a.Erase(t.Context(), bot.Thread{Adapter: "discord", Chat: "1"}, theirs),
		"pinning nothing":           r.a.Pin(t.Context(), r.to(group), ""),
	} {
		var se *bot.SendError
		if !errors.As(err, &se) || se.Outcome != bot.RefusedSend {
			t.Errorf("%s: error = %v, want refused", what, err)
		}
	}
}

func TestALargeFileIsStreamed(t *testing.T) {
	if raceEnabled {
		return // the detector's own memory would be measured
	}
	const size = 48 << 20
	r := sender(t, telegramtest.Options{})
	path := filepath.Join(t.TempDir(), "large")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	f.Close()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r.sendTo(bot.Outgoing{
		Thread: r.to(r.private),
		Post:   bot.Post{Media: &bot.Media{Kind: bot.File, Name: "large.bin"}},
		File:   &bot.Content{Path: path, Name: "large.bin", Size: size},
	})
	runtime.ReadMemStats(&after)
	grown := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes were allocated for %d", grown, size)
	if grown > 8<<20 {
		t.Errorf("%d bytes were allocated for %d, server included; want at most 8 MiB", grown, size)
	}
	if m, _ := r.private.Last(); m.File == nil || m.File.Size != size {
		t.Errorf("message = %+v", m)
	}
}

func TestUploadsThatFail(t *testing.T) {
	out := func(r *rig, n int) bot.Outgoing {
		return bot.Outgoing{
			Thread: r.to(r.private),
			Post:   bot.Post{Media: &bot.Media{Kind: bot.File, Name: "a.bin"}},
			File:   r.file("a.bin", make([]byte, n)),
		}
	}
	t.Run("reset in the middle", func(t *testing.T) {
		r := sender(t, telegramtest.Options{})
		r.srv.AddFault(telegramtest.Fault{Method: "sendDocument", Kind: telegramtest.ResetUpload})
		if e := r.failed(out(r, 4<<20)); e.Outcome != bot.Unknown {
			t.Errorf("error = %+v, want unknown", e)
		}
	})
	t.Run("without progress", func(t *testing.T) {
		r := sender(t, telegramtest.Options{}, func(c *Config) { c.Timing.Stall = 100 * time.Millisecond })
		r.srv.AddFault(telegramtest.Fault{Method: "sendDocument", Kind: telegramtest.Hang})
		if e := r.failed(out(r, 1<<10)); e.Outcome != bot.Unknown {
			t.Errorf("error = %+v, want unknown", e)
		}
	})
	t.Run("refused as too large", func(t *testing.T) {
		r := sender(t, telegramtest.Options{})
		r.srv.AddFault(telegramtest.Fault{Method: "sendDocument", Kind: telegramtest.HTML413})
		if e := r.failed(out(r, 1<<10)); e.Outcome != bot.RefusedSend || e.Reason != bot.TooLarge {
			t.Errorf("error = %+v, want refused as too large", e)
		}
	})
	t.Run("gone from disk", func(t *testing.T) {
		r := sender(t, telegramtest.Options{})
		o := out(r, 1<<10)
		os.Remove(o.File.Path)
		if e := r.failed(o); e.Outcome != bot.RefusedSend {
			t.Errorf("error = %+v, want refused", e)
		}
	})
}

func TestEditsThatCannotBe(t *testing.T) {
	r := sender(t, telegramtest.Options{})
	out := bot.Outgoing{Thread: r.to(r.private), Post: bot.Post{Media: &bot.Media{Name: "a"}}, File: r.file("a", []byte("x"))}
	file := r.sendTo(out).Message
	for what, target := range map[string]bot.MessageID{"a file": file, "somebody else's message": "1", "nothing": "999", "no number": "x"} {
		e := r.failed(bot.Outgoing{Thread: r.to(r.private), Post: text("y"), Target: target})
		if e.Outcome != bot.RefusedSend || e.Reason != bot.TargetGone {
			t.Errorf("%s: error = %+v, want target gone", what, e)
		}
	}
	for what, o := range map[string]bot.Outgoing{
		"no text":        {Post: text(" \n")},
		"raw output":     {Post: bot.Post{Output: &bot.OutputRef{}}},
		"media unopened": {Post: bot.Post{Media: &bot.Media{}}},
	} {
		o.Thread = r.to(r.private)
		if e := r.failed(o); e.Outcome != bot.RefusedSend {
			t.Errorf("%s: error = %+v, want refused", what, e)
		}
	}
}

func TestTheTokenIsNeverShown(t *testing.T) {
	faults := []telegramtest.FaultKind{
		telegramtest.DropBefore, telegramtest.Truncate, telegramtest.NotJSON, telegramtest.HTML502,
		telegramtest.Error500, telegramtest.Redirect, telegramtest.Unauthorized, telegramtest.Error429,
	}
	r := newRig(t, telegramtest.Options{})
	stop := r.start()
	r.hello()
	secret := strings.SplitN(r.srv.Token(), ":", 2)[1]
	check := func(what string, v any) {
		t.Helper()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			if s := fmt.Sprintf(verb, v); strings.Contains(s, secret) {
				t.Errorf("%s shows the token with %s", what, verb)
			}
		}
	}
	shown := func(err error) {
		for ; err != nil; err = errors.Unwrap(err) {
			check("an error", err)
			check("an error's text", err.Error())
		}
	}
	ctx := t.Context()
	for i := range len(faults) + 2 {
		switch {
		case i < len(faults):
			r.srv.AddFault(telegramtest.Fault{Kind: faults[i], Times: -1, RetryAfter: 1})
		case i == len(faults):
			r.srv.Down()
		default:
			if err := r.srv.Up(); err != nil {
				t.Fatal(err)
			}
			// A server that tells what it was asked.
			r.srv.AddFault(telegramtest.Fault{Kind: telegramtest.Refuse, Code: 400, Times: -1, Text: "Bad Request: /bot" + r.srv.Token() + "/x"})
		}
		seen := r.srv.Count("getUpdates")
		_, err := r.a.Send(ctx, bot.Outgoing{Thread: r.to(r.private), Post: text("x")})
		shown(err)
		_, err = r.a.Send(ctx, bot.Outgoing{Thread: r.to(r.private), Post: bot.Post{Media: &bot.Media{Name: "a"}}, File: r.file("a", []byte("x"))})
		shown(err)
		_, err = r.a.OpenThread(ctx, thread(-1001234567890, 0), "x", "")
		shown(err)
		shown(r.a.PublishMenu(ctx, []bot.Menu{{Thread: r.to(r.private), Commands: []bot.Command{{Name: "ps"}}}}))
		_, _, err = r.a.Fetch(ctx, "x")
		shown(err)
		if i < len(faults) {
			r.srv.Wait(300*time.Millisecond, func() bool { return r.srv.Count("getUpdates") > seen })
		}
		check("the health", r.a.Health())
		r.srv.ClearFaults()
	}
	stop()
	check("the adapter", r.a)
	check("the configuration", r.a.cfg)
	check("the token", Token(r.srv.Token()))
	if strings.Contains(r.logs.String(), secret) {
		t.Error("the log shows the token")
	}
	if len(r.logs.String()) == 0 {
		t.Error("nothing was logged")
	}
}
