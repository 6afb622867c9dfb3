package telegramtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func contextWithCancel() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

// send is a plain sendMessage.
func (w *world) send(text string) (answer, error) {
	return w.do(w.form("sendMessage", "chat_id", 1001, "text", text))
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		rule   string
		fault  Fault
		stored bool   // the message is there although the client does not know
		fails  bool   // the client gets no whole answer
		status int    // otherwise
		body   string // part of the answer
	}{
		{rule: "dropped before: not stored", fault: Fault{Kind: DropBefore}, fails: true},
		{rule: "dropped after: stored", fault: Fault{Kind: DropAfter}, fails: true, stored: true},
		{rule: "truncated: stored", fault: Fault{Kind: Truncate}, fails: true, stored: true},
		{rule: "delayed: stored and answered", fault: Fault{Kind: Delay, Delay: 50 * time.Millisecond}, stored: true, status: 200, body: `"ok":true`},
		{rule: "answered late: stored", fault: Fault{Kind: DelayAfter, Delay: 50 * time.Millisecond}, stored: true, status: 200, body: `"ok":true`},
		{rule: "trickled: stored", fault: Fault{Kind: Trickle, Delay: time.Millisecond}, stored: true, status: 200, body: `"message_id"`},
		{rule: "oversized: stored", fault: Fault{Kind: Oversize, Bytes: 1 << 20}, stored: true, status: 200, body: strings.Repeat(" ", 1<<20) + "}"},
		{rule: "a page instead of JSON", fault: Fault{Kind: NotJSON}, status: 200, body: "<html>"},
		{rule: "a bad gateway", fault: Fault{Kind: HTML502}, status: 502, body: "502 Bad Gateway"},
		{rule: "a bad gateway that let the call through", fault: Fault{Kind: HTML502, Processed: true}, stored: true, status: 502, body: "502 Bad Gateway"},
		{rule: "a front end's size limit", fault: Fault{Kind: HTML413}, status: 413, body: "<html>"},
		{rule: "an internal error", fault: Fault{Kind: Error500}, status: 500, body: "Internal Server Error: restart"},
		{rule: "an internal error after the effect", fault: Fault{Kind: Error500, Processed: true}, stored: true, status: 500, body: "restart"},
		{rule: "too many requests", fault: Fault{Kind: Error429, RetryAfter: 7}, status: 429, body: `"parameters":{"retry_after":7}`},
		{rule: "unauthorized", fault: Fault{Kind: Unauthorized}, status: 401, body: "Unauthorized"},
		{rule: "any other refusal", fault: Fault{Kind: Refuse, Code: 403, Text: "Forbidden: user is deactivated"}, status: 403, body: "Forbidden: user is deactivated"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := newWorld(t, Options{})
			tt.fault.Method = "SENDmessage"
			f := w.AddFault(tt.fault)
			before := w.dm.Len()
			a, err := w.send("x")
			if (err != nil) != tt.fails {
				t.Errorf("error %v, want one: %v", err, tt.fails)
			}
			if err == nil && (a.status != tt.status || !strings.Contains(a.body, tt.body)) {
				t.Errorf("got %d %.200s", a.status, a.body)
			}
			if tt.fault.Kind == Error429 && a.header.Get("Retry-After") != "7" {
				t.Error("no Retry-After header")
			}
			if stored := w.dm.Len() > before; stored != tt.stored {
				t.Errorf("stored %v, want %v", stored, tt.stored)
			}
			w.Wait(time.Minute, func() bool { c := w.Calls("sendMessage"); return len(c) == 1 && c[0].Took > 0 })
			if c := w.Calls("sendMessage")[0]; c.Done != tt.stored || c.Fault != tt.fault.Kind || (c.MessageID != 0) != tt.stored {
				t.Errorf("logged %+v", c)
			}
			if a, err := w.send("y"); err != nil || !a.OK || f.Hits() != 1 {
				t.Errorf("the fault hit twice: %v %v", a.body, err)
			}
			w.Check(t)
		})
	}
}

func TestFaultsChooseTheirCalls(t *testing.T) {
	w := newWorld(t, Options{})
	f := w.AddFault(Fault{Kind: Error500, After: 1, Times: 2, Match: func(c Call) bool { return c.Params.Get("text") == "x" }})
	var codes []int
	for _, text := range []string{"x", "y", "x", "x", "x"} {
		codes = append(codes, w.call("sendMessage", "chat_id", 1001, "text", text).status)
	}
	if got := codes; got[0] != 200 || got[1] != 200 || got[2] != 500 || got[3] != 500 || got[4] != 200 || f.Hits() != 2 {
		t.Errorf("got %v", got)
	}
	all := w.AddFault(Fault{Kind: Error500, Times: -1})
	for range 5 {
		if a := w.call("getMe"); a.status != 500 {
			t.Errorf("got %s", a.body)
		}
	}
	all.Remove()
	w.must("getMe")
}

func TestHangingCallsAreReleased(t *testing.T) {
	for _, processed := range []bool{false, true} {
		w := newWorld(t, Options{})
		before := w.dm.Len()
		w.AddFault(Fault{Method: "sendMessage", Kind: Hang, Processed: processed})
		failed := make(chan error)
		go func() { _, err := w.send("x"); failed <- err }()
		w.Wait(time.Minute, func() bool { return w.Count("sendMessage") == 1 && (w.dm.Len() > before) == processed })
		w.ClearFaults()
		if err := <-failed; err == nil {
			t.Error("a hanging call was answered")
		}
		if (w.dm.Len() > before) != processed {
			t.Errorf("processed %v: %d messages", processed, w.dm.Len()-before)
		}
	}
}

func TestUploadsAreReset(t *testing.T) {
	w := newWorld(t, Options{})
	before := w.dm.Len()
	w.AddFault(Fault{Method: "sendDocument", Kind: ResetUpload, Bytes: 1 << 20})
	if a, err := w.do(w.multipart("sendDocument", "chat_id", 1001, file{"document", "a", make([]byte, 16<<20)})); err == nil {
		t.Errorf("answered: %s", a.body)
	}
	if w.dm.Len() != before || w.Count("sendDocument") != 1 {
		t.Error("the upload was stored, or not counted")
	}
	if a := w.upload("sendDocument", "chat_id", 1001, file{"document", "a", make([]byte, 1<<20)}); !a.OK {
		t.Errorf("the next: %s", a.body)
	}
}

func TestRedirectsMustNotBeFollowed(t *testing.T) {
	w := newWorld(t, Options{})
	w.AddFault(Fault{Kind: Redirect, Times: -1})
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a := w.call("getMe"); a.status != http.StatusFound {
		t.Errorf("got %d", a.status)
	}
	w.Check(t)
	w.client.CheckRedirect = nil
	w.do(w.form("getMe"))
	if p := w.Problems(); len(p) == 0 || !strings.Contains(p[0]+p[len(p)-1], "redirect") {
		t.Errorf("problems %v", p)
	}
}

func TestTokensInOtherPlacesAreReported(t *testing.T) {
	w := newWorld(t, Options{})
	req := w.form("getMe")
	req.Header.Set("Referer", "http://x/"+w.Token())
	w.do(req)
	w.client.Get(w.URL() + "/?token=" + w.Token())
	if p := w.Problems(); len(p) != 2 {
		t.Errorf("problems %v", p)
	}
}

func TestDownRefusesAndUpServesOnTheSamePort(t *testing.T) {
	w, next := quiet(t, Options{})
	addr := w.URL()
	waiting := make(chan error)
	go func() { _, err := w.do(w.form("getUpdates", "offset", next, "timeout", 30)); waiting <- err }()
	w.Wait(time.Minute, w.Polling)
	w.Down()
	if err := <-waiting; err == nil {
		t.Error("the waiting poll was answered")
	}
	w.say("while down")
	var refused *net.OpError
	if _, err := w.do(w.form("getMe")); !errors.As(err, &refused) {
		t.Errorf("got %v, want a refused connection", err)
	}
	if err := w.Up(); err != nil || w.URL() != addr {
		t.Fatalf("up: %v at %s, was %s", err, w.URL(), addr)
	}
	if got := w.peek("offset", next); got != "while down" {
		t.Errorf("got %q", got)
	}
}

func TestABlackHoleSwallows(t *testing.T) {
	w, next := quiet(t, Options{})
	w.client.Timeout = 300 * time.Millisecond
	waiting := make(chan error)
	go func() { _, err := w.do(w.form("getUpdates", "offset", next, "timeout", 30)); waiting <- err }()
	w.Wait(time.Minute, w.Polling)
	w.BlackHole()
	w.say("unheard")
	before := w.dm.Len()
	if _, err := w.send("x"); err == nil || w.dm.Len() != before {
		t.Error("a call got through")
	}
	if err := <-waiting; err == nil {
		t.Error("the waiting poll was answered")
	}
	if err := w.Up(); err != nil {
		t.Fatal(err)
	}
	w.client.Timeout = 10 * time.Second
	if got := w.peek("offset", next); got != "unheard" {
		t.Errorf("got %q", got)
	}
}

func TestCloseEndsEverything(t *testing.T) {
	w, next := quiet(t, Options{})
	w.AddFault(Fault{Method: "sendMessage", Kind: Hang})
	ended := make(chan error, 2)
	go func() { _, err := w.send("x"); ended <- err }()
	go func() { _, err := w.do(w.form("getUpdates", "offset", next, "timeout", 50)); ended <- err }()
	w.Wait(time.Minute, func() bool { return w.Polling() && w.Count("sendMessage") == 1 })
	start := time.Now()
	w.Close()
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("close took %v", d)
	}
	for range 2 {
		<-ended
	}
}

func TestWaitWakesOnChangeAndEndsInTime(t *testing.T) {
	w, _ := quiet(t, Options{})
	runs := 0
	start := time.Now()
	if w.Wait(50*time.Millisecond, func() bool { runs++; return false }) || time.Since(start) < 50*time.Millisecond || runs > 3 {
		t.Errorf("%d runs in %v", runs, time.Since(start))
	}
	go w.say("a")
	if !w.Wait(time.Minute, func() bool { return w.Pending() == 1 }) {
		t.Error("the change was missed")
	}
}

func TestFilesGoUpAndComeDown(t *testing.T) {
	c := newClock()
	w := newWorld(t, Options{Clock: c.Now})
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB: a temporary file
	a := w.upload("sendDocument", "chat_id", 1001, "caption", "see /log", file{"document", "log.txt", data})
	m, _ := w.dm.Message(a.messageID(t))
	if m.File == nil || m.File.Name != "log.txt" || m.File.Size != 1<<20 || !bytes.Equal(m.File.Bytes(), data) || m.Caption != "see /log" {
		t.Errorf("stored %+v", m.File)
	}
	if got := w.Calls("sendDocument")[0].Uploads; len(got) != 1 || got[0] != (Upload{"document", "log.txt", 1 << 20}) {
		t.Errorf("logged %v", got)
	}
	w.must("sendDocument", "chat_id", 1001, "document", m.File.ID)
	again, _ := w.dm.Last()
	if again.File.ID != m.File.ID {
		t.Error("a file id does not send the same file")
	}

	get := func(path string) (int, []byte) {
		resp, err := w.client.Get(w.URL() + "/file/bot" + w.Token() + "/" + path)
		if err != nil {
			return 0, nil
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, b
	}
	said := w.dm.Say(w.ann, "/keep", WithDocument("notes.txt", data))
	var info struct {
		Path string `json:"file_path"`
		Size int    `json:"file_size"`
	}
	if err := unmarshal(w.must("getFile", "file_id", said.File.ID).Result, &info); err != nil || info.Size != 1<<20 {
		t.Fatalf("getFile: %v %+v", err, info)
	}
	if code, b := get(info.Path); code != 200 || !bytes.Equal(b, data) {
		t.Errorf("download: %d, %d bytes", code, len(b))
	}
	w.AddFault(Fault{Method: "download", Kind: HTML502})
	if code, _ := get(info.Path); code != 502 {
		t.Errorf("faulty download: %d", code)
	}
	c.Advance(time.Hour)
	if code, _ := get(info.Path); code != 404 {
		t.Errorf("after an hour: %d", code)
	}
	if code, _ := get("documents/unknown"); code != 404 {
		t.Errorf("unknown: %d", code)
	}

	photo := w.dm.Say(w.ann, "", WithPhoto(picture(t, 1000, 500)))
	w.must("getFile", "file_id", photo.File.ID+"-s")
	w.Expect("download", "Not Found")
	w.Check(t)
}

func TestAlbumsShareAnID(t *testing.T) {
	w := newWorld(t, Options{})
	a := w.upload("sendMediaGroup", "chat_id", 1001,
		"media", `[{"type":"photo","media":"attach://p1","caption":"one"},{"type":"photo","media":"attach://p2"}]`,
		file{"p1", "a.png", picture(t, 10, 10)}, file{"p2", "b.png", picture(t, 20, 10)})
	posts := w.dm.Posts()
	if !a.OK || len(posts) != 2 || posts[0].AlbumID == "" || posts[0].AlbumID != posts[1].AlbumID || posts[0].Caption != "one" {
		t.Errorf("%s\n%+v", a.body, posts)
	}
	text := w.must("sendMessage", "chat_id", 1001, "text", "soon a picture", "reply_markup", keyA).messageID(t)
	b := w.upload("editMessageMedia", "chat_id", 1001, "message_id", text, "media", `{"type":"photo","media":"attach://p","caption":"new"}`,
		file{"p", "c.png", picture(t, 30, 10)})
	m, _ := w.dm.Message(text)
	if !b.OK || m.File == nil || m.Text != "" || m.Caption != "new" || m.Keyboard != nil {
		t.Errorf("%s\n%+v", b.body, m)
	}
	w.Check(t)
}

func TestManyClientsAtOnce(t *testing.T) {
	const senders, each = 6, 60
	w, next := quiet(t, Options{ReadAll: true})
	var clients sync.WaitGroup
	for i := range senders {
		clients.Go(func() {
			for n := range each {
				if a, err := w.send(fmt.Sprint(i, " ", n)); err != nil || !a.OK {
					t.Errorf("send: %v %s", err, a.body)
				}
			}
		})
	}
	clients.Go(func() {
		for n := range each {
			w.super.Say(w.ann, fmt.Sprint("said ", n))
		}
	})
	seen := 0
	clients.Go(func() {
		for seen < each {
			got := w.updates("offset", next, "timeout", 10)
			seen += len(got)
			if len(got) > 0 {
				next = got[len(got)-1].ID + 1
			}
		}
	})
	clients.Wait()
	if got := len(w.dm.Posts()); got != senders*each {
		t.Errorf("%d posts, want %d", got, senders*each)
	}
	ids := make(map[int]bool)
	for _, m := range w.dm.Messages() {
		ids[m.ID] = true
	}
	if len(ids) != senders*each+1 {
		t.Errorf("%d different ids", len(ids))
	}
	w.Check(t)
}
