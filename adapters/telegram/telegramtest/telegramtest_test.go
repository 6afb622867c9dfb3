package telegramtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that only tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// answer is an answer of the server.
type answer struct {
	status int
	header http.Header
	body   string

	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// messageID is the id of the message that the answer carries.
func (a answer) messageID(t *testing.T) int {
	t.Helper()
	var m struct {
		ID int `json:"message_id"`
	}
	if err := json.Unmarshal(a.Result, &m); err != nil || m.ID == 0 {
		t.Fatalf("answer without a message: %s", a.body)
	}
	return m.ID
}

// The ids of the groups of a world.
const (
	superID int64 = -1001111111111
	forumID int64 = -1003333333333
)

// world is a server with a few people and chats.
type world struct {
	*Server
	t      *testing.T
	client *http.Client
	ann    *User
	bob    *User
	dm     *Chat // with ann
	basic  *Chat
	super  *Chat
	forum  *Chat
	topic  int
}

func newWorld(t *testing.T, opts Options) *world {
	t.Helper()
	s := New(opts)
	w := &world{Server: s, t: t, client: &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}}
	w.ann = s.AddUser(1001, "Ann", Username("ann"))
	w.bob = s.AddUser(1002, "Bob")
	w.dm = s.Private(w.ann)
	w.basic = s.AddGroup(-4001, "Old", Basic, w.ann, w.bob)
	w.super = s.AddGroup(superID, "Lab", Supergroup, w.ann, w.bob)
	w.forum = s.AddGroup(forumID, "Forum", Forum, w.ann, w.bob)
	w.dm.Say(w.ann, "/start")
	w.topic = w.forum.AddTopic("build", w.ann)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.client.CloseIdleConnections(); s.Close() })
	return w
}

// do sends a request and reads the answer.
func (w *world) do(req *http.Request) (answer, error) {
	resp, err := w.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	json.Unmarshal(body, &a)
	return a, nil
}

func (w *world) path(method string) string { return w.URL() + "/bot" + w.Token() + "/" + method }

// form makes a request from name, value pairs.
func (w *world) form(method string, pairs ...any) *http.Request {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i].(string), fmt.Sprint(pairs[i+1]))
	}
	req, err := http.NewRequest("POST", w.path(method), strings.NewReader(v.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return req
}

// call sends a request and fails the test when there is no answer.
func (w *world) call(method string, pairs ...any) answer {
	w.t.Helper()
	a, err := w.do(w.form(method, pairs...))
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return a
}

// must is call that has to succeed.
func (w *world) must(method string, pairs ...any) answer {
	w.t.Helper()
	a := w.call(method, pairs...)
	if !a.OK {
		w.t.Fatalf("%s(%v) = %s", method, pairs, a.body)
	}
	return a
}

type file struct {
	field, name string
	data        []byte
}

// multipart makes a multipart request.
func (w *world) multipart(method string, parts ...any) *http.Request {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i++ {
		if f, ok := parts[i].(file); ok {
			p, _ := m.CreateFormFile(f.field, f.name)
			p.Write(f.data)
			continue
		}
		p, _ := m.CreatePart(textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, parts[i])}})
		fmt.Fprint(p, parts[i+1])
		i++
	}
	m.Close()
	req, _ := http.NewRequest("POST", w.path(method), &b)
	req.Header.Set("Content-Type", m.FormDataContentType())
	return req
}

func (w *world) upload(method string, parts ...any) answer {
	w.t.Helper()
	a, err := w.do(w.multipart(method, parts...))
	if err != nil {
		w.t.Fatalf("%s: %v", method, err)
	}
	return a
}

type gotUpdate struct {
	ID      int `json:"update_id"`
	Message *struct {
		ID    int  `json:"message_id"`
		Topic int  `json:"message_thread_id"`
		InTop bool `json:"is_topic_message"`
		Text  string
		Reply *struct {
			ID int `json:"message_id"`
		} `json:"reply_to_message"`
		Entities []Entity
	}
	Callback *struct{ Data string } `json:"callback_query"`
	Edited   *struct{ Text string } `json:"edited_message"`
	Member   json.RawMessage        `json:"my_chat_member"`
}

// updates polls.
func (w *world) updates(pairs ...any) []gotUpdate {
	w.t.Helper()
	a := w.must("getUpdates", pairs...)
	var got []gotUpdate
	if err := json.Unmarshal(a.Result, &got); err != nil {
		w.t.Fatalf("updates: %v in %s", err, a.body)
	}
	return got
}

// texts are the texts of messages in updates.
func texts(updates []gotUpdate) string {
	var all []string
	for _, u := range updates {
		switch {
		case u.Message != nil:
			all = append(all, u.Message.Text)
		case u.Callback != nil:
			all = append(all, "press:"+u.Callback.Data)
		case u.Edited != nil:
			all = append(all, "edit:"+u.Edited.Text)
		case u.Member != nil:
			all = append(all, "member")
		default:
			all = append(all, "?")
		}
	}
	return strings.Join(all, " ")
}

// drain confirms everything.
func (w *world) drain() int {
	w.t.Helper()
	got := w.updates()
	if len(got) == 0 {
		return 0
	}
	next := got[len(got)-1].ID + 1
	w.updates("offset", next, "timeout", 0, "limit", 1)
	return next
}

func BenchmarkSendMessage(b *testing.B) {
	s := New(Options{})
	ann := s.AddUser(1001, "Ann")
	dm := s.Private(ann)
	dm.Say(ann, "/start")
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	text := strings.Repeat("some output of a program\n", 80)
	ent := fmt.Sprintf(`[{"type":"pre","offset":0,"length":%d}]`, len(text)-1)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	m.WriteField("chat_id", "1001")
	m.WriteField("text", text)
	m.WriteField("entities", ent)
	m.Close()
	raw := body.Bytes()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequest("POST", s.URL()+"/bot"+s.Token()+"/sendMessage", bytes.NewReader(raw))
		req.Header.Set("Content-Type", m.FormDataContentType())
		resp, err := client.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}

func unmarshal(raw json.RawMessage, v any) error { return json.Unmarshal(raw, v) }
