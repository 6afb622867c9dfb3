package discordtest

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is a server with a guild, and a hand-made client of it.
type rig struct {
	t        *testing.T
	srv      *Server
	http     *http.Client
	ann, bob *User
	guild    *Guild
	lab      *Channel
	version  string
}

func newRig(t *testing.T, o Options) *rig {
	t.Helper()
	r := &rig{t: t, srv: New(o), http: &http.Client{Transport: &http.Transport{}}, version: "v9"}
	if err := r.srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.http.CloseIdleConnections()
		r.srv.Close()
	})
	r.ann, r.bob = r.srv.AddUser(1001, "ann"), r.srv.AddUser(1002, "bob")
	r.guild = r.srv.AddGuild(0, "Lab", r.ann, r.bob)
	r.lab = r.guild.AddChannel(0, "lab", TextChannel)
	return r
}

// answered is the outcome of a call.
type answered struct {
	Status int
	Header http.Header
	Body   []byte
	Code   int
	ID     Snowflake
	Err    error
}

func (a answered) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		t.Fatalf("decode %s: %v", a.Body, err)
	}
}

func (r *rig) request(verb, path string, body io.Reader, contentType string) *http.Request {
	r.t.Helper()
	rq, err := http.NewRequest(verb, r.srv.URL()+"/api/"+r.version+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	rq.Header.Set("Authorization", "Bot "+r.srv.Token())
	rq.Header.Set("User-Agent", "DiscordBot (https://example.org, 1)")
	if contentType != "" {
		rq.Header.Set("Content-Type", contentType)
	}
	return rq
}

func (r *rig) do(rq *http.Request) answered {
	r.t.Helper()
	resp, err := r.http.Do(rq)
	if err != nil {
		return answered{Err: err}
	}
	defer resp.Body.Close()
	a := answered{Status: resp.StatusCode, Header: resp.Header}
	a.Body, a.Err = io.ReadAll(resp.Body)
	var known struct {
		Code int       `json:"code"`
		ID   Snowflake `json:"id"`
	}
	if json.Unmarshal(a.Body, &known) == nil {
		a.Code, a.ID = known.Code, known.ID
	}
	return a
}

// call makes a call with a JSON body, "" for none.
func (r *rig) call(verb, path, body string) answered {
	r.t.Helper()
	if body == "" {
		return r.do(r.request(verb, path, nil, ""))
	}
	return r.do(r.request(verb, path, strings.NewReader(body), "application/json"))
}

// upload makes a call with files.
func (r *rig) upload(verb, path, payload string, files map[string][]byte) answered {
	r.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	if payload != "" {
		form.WriteField("payload_json", payload)
	}
	for field, data := range files {
		w, err := form.CreateFormFile(field, "data.txt")
		if err != nil {
			r.t.Fatal(err)
		}
		w.Write(data)
	}
	form.Close()
	return r.do(r.request(verb, path, &b, form.FormDataContentType()))
}

func messagesOf(c *Channel) string { return "/channels/" + c.ID().String() + "/messages" }

func (r *rig) send(c *Channel, body string) answered { return r.call("POST", messagesOf(c), body) }

func (r *rig) edit(c *Channel, id Snowflake, body string) answered {
	return r.call("PATCH", messagesOf(c)+"/"+id.String(), body)
}

// quiet is a message without pings.
func quiet(text string) string {
	return fmt.Sprintf(`{"content":%q,"allowed_mentions":{"parse":[]}}`, text)
}

// want fails unless a call was answered with a status and code.
func want(t *testing.T, what string, a answered, status, code int) {
	t.Helper()
	if a.Err != nil || a.Status != status || a.Code != code {
		t.Errorf("%s: got %d/%d (%v) %s, want %d/%d", what, a.Status, a.Code, a.Err, a.Body, status, code)
	}
}

// wire is a gateway connection of the hand-made client.
type wire struct {
	t    *testing.T
	conn *websocket.Conn
	seq  int
}

type payload struct {
	Op int             `json:"op"`
	T  string          `json:"t"`
	S  *int            `json:"s"`
	D  json.RawMessage `json:"d"`
}

func (r *rig) gatewayURL() string { return "ws" + strings.TrimPrefix(r.srv.URL(), "http") }

func (r *rig) dial(address string) *wire {
	r.t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	w := &wire{t: r.t, conn: conn}
	r.t.Cleanup(func() { conn.Close() })
	return w
}

func (w *wire) send(text string) {
	w.t.Helper()
	if err := w.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// read is the next packet, or the close code.
func (w *wire) read() (p payload, code int) {
	w.t.Helper()
	w.conn.SetReadDeadline(time.Now().Add(patience))
	kind, data, err := w.conn.ReadMessage()
	if err != nil {
		if closed, ok := err.(*websocket.CloseError); ok {
			return p, closed.Code
		}
		return p, -1
	}
	if kind == websocket.BinaryMessage {
		data = inflate(w.t, data)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return payload{Op: -1, D: data}, 0
	}
	if p.S != nil {
		w.seq = *p.S
	}
	return p, 0
}

// next is the next dispatch of a type; what comes before is left out.
func (w *wire) next(name string) payload {
	w.t.Helper()
	for {
		p, code := w.read()
		if code != 0 {
			w.t.Fatalf("closed with %d while waiting for %s", code, name)
		}
		if p.T == name {
			return p
		}
	}
}

// closed reads to the end and returns the close code.
func (w *wire) closed() int {
	w.t.Helper()
	for {
		if _, code := w.read(); code != 0 {
			return code
		}
	}
}

const usualIntents = IntentGuilds | IntentGuildMessages | IntentDirectMessages

func (r *rig) identification(intents Intent) string {
	return fmt.Sprintf(`{"op":2,"d":{"token":%q,"intents":%d,"properties":{"os":"linux","browser":"x","device":"x"}}}`, r.srv.Token(), intents)
}

// connect identifies and reads READY, whose session it returns.
func (r *rig) connect(intents Intent) (w *wire, session string) {
	r.t.Helper()
	w = r.dial(r.gatewayURL() + "/?v=9&encoding=json")
	if p, code := w.read(); p.Op != 10 {
		r.t.Fatalf("got op %d (closed %d), want Hello", p.Op, code)
	}
	w.send(r.identification(intents))
	var ready struct {
		Session string `json:"session_id"`
	}
	if err := json.Unmarshal(w.next("READY").D, &ready); err != nil {
		r.t.Fatal(err)
	}
	return w, ready.Session
}

func inflate(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
