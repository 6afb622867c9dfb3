package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
)

const (
	// maxAnswer bounds the answer to a call: 100 messages of history can be
	// some megabytes.
	maxAnswer = 16 << 20
	// maxQuoted is how much of an answer that is not the API's is quoted.
	maxQuoted = 200
	// maxWait is how long a call waits for its rate limit before it is given
	// back.
	maxWait = 10 * time.Second
)

// client carries every request to the API. It keeps tokens out of errors,
// follows no redirect (that would carry the token elsewhere), keeps each route
// below the rate limit that the server announces, and tells precisely what is
// known about a call that did not succeed.
//
// The library makes the requests, with what it would do by itself taken out of
// its hands: repeating, sleeping, and waiting for rate limits that it counts
// by the wrong key.
type client struct {
	base    *url.URL // scheme, host and path in front of /api
	token   Token
	redact  *strings.Replacer
	timeout time.Duration
	library *discordgo.Session
	limits  limits
	clock   clock
	invalid invalid

	// Two pools, so that a long upload keeps no line of text from going out.
	send, files *http.Transport
}

func newClient(base *url.URL, token Token, timing Timing) (*client, error) {
	transport := func(conns int) *http.Transport {
		dialer := newDialer()
		t := &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxConnsPerHost:     conns,
			MaxIdleConnsPerHost: conns,
			IdleConnTimeout:     50 * time.Second,
			WriteBufferSize:     16 << 10,
			// One request per connection: over HTTP/2 all of them would hang on
			// one dead connection for as long as the network drops its packets.
			Protocols: new(http.Protocols),
		}
		t.Protocols.SetHTTP1(true)
		return t
	}
	quietLibrary()
	library, err := discordgo.New("Bot " + string(token))
	if err != nil {
		return nil, err
	}
	c := &client{
		base:    base,
		token:   token,
		redact:  token.redactor(),
		timeout: timing.Call,
		library: library,
		send:    transport(16),
		files:   transport(2),
	}
	c.disarm(library, context.Background())
	return c, nil
}

// disarm takes out of a library session what it should not do by itself, and
// makes its requests ours. They end when ctx does.
func (c *client) disarm(s *discordgo.Session, ctx context.Context) {
	s.StateEnabled = false
	s.SyncEvents = true
	s.Compress = false
	s.ShouldReconnectOnError = false
	s.ShouldReconnectVoiceOnSessionError = false
	s.ShouldRetryOnRateLimit = false
	s.MaxRestRetries = 0
	s.LogLevel = discordgo.LogError
	s.Client = &http.Client{
		Transport:     carrier{c, ctx},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       c.timeout,
	}
}

// quietLibrary keeps the library from writing to the standard log, once for
// the whole process: what it has to say, with payloads and addresses in it,
// reaches us as errors anyway.
var quietLibrary = sync.OnceFunc(func() {
	discordgo.Logger = func(int, int, string, ...any) {}
})

func newDialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         10 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
}

// closeIdle drops connections that nobody uses.
func (c *client) closeIdle() {
	c.send.CloseIdleConnections()
	c.files.CloseIdleConnections()
}

// callError is why a call did not succeed.
type callError struct {
	// Route is the method and the path without ids and tokens.
	Route string
	// Status is the HTTP status, 0 when no complete answer came.
	Status int
	// Code and Text are what the API said; Text is the beginning of the answer
	// when it was not the API's.
	Code int
	Text string
	// RetryAfter is how long the server wants to be left alone, by this route
	// or, with Global, at all.
	RetryAfter time.Duration
	Global     bool
	// Begun is true when the request may have reached the server.
	Begun bool
	// Err is the cause when no complete answer came.
	Err error
}

func (e *callError) Error() string {
	switch {
	case e.Status == 0:
		return fmt.Sprintf("%s: %v", e.Route, e.Err)
	case e.Code != 0:
		return fmt.Sprintf("%s: status %d, code %d: %s", e.Route, e.Status, e.Code, e.Text)
	default:
		return fmt.Sprintf("%s: status %d: %s", e.Route, e.Status, e.Text)
	}
}

func (e *callError) Unwrap() error { return e.Err }

// uncertain is true when the server may or may not have executed the call.
func (e *callError) uncertain() bool {
	return e.Begun && (e.Status < 300 || e.Status >= 500)
}

// hasCode reports whether the API refused with one of the codes
// (docs.discord.com/developers/topics/opcodes-and-status-codes).
func hasCode(err error, codes ...int) bool {
	var ce *callError
	if !errors.As(err, &ce) {
		return false
	}
	for _, code := range codes {
		if ce.Code == code {
			return true
		}
	}
	return false
}

// status is the HTTP status of a failed call, 0 when there was none.
func status(err error) int {
	var ce *callError
	if errors.As(err, &ce) {
		return ce.Status
	}
	return 0
}

// request is one call of the API.
type request struct {
	method string
	// route is the path with {} for every id and token: it names the call in
	// errors.
	route string
	// ids take the places of {}, in order.
	ids []string
	// query is behind the question mark; may be empty.
	query string
	// body is sent as JSON; nil for none.
	body any
	// urgent calls neither wait for rate limits nor count in them: the
	// answers to interactions have their own
	// (docs.discord.com/developers/interactions/receiving-and-responding).
	urgent bool
	// form, instead of body, is sent as it is, by the pool for files.
	form *form
}

func (r request) String() string { return r.method + " " + r.route }

// path is the route with its ids, and the query.
func (r request) path() string {
	var b strings.Builder
	parts := strings.Split(r.route, "{}")
	for i, part := range parts {
		b.WriteString(part)
		if i < len(parts)-1 {
			b.WriteString(url.PathEscape(r.ids[i]))
		}
	}
	if r.query != "" {
		b.WriteString("?" + r.query)
	}
	return b.String()
}

// limit is the key that the route's rate limit is counted by: method, route
// and the channel or guild.
func (r request) limit() string {
	key := r.method + " " + r.route
	if len(r.ids) > 0 {
		key += " " + r.ids[0]
	}
	return key
}

// witness sees the answer to a library call: the library itself loses half of
// what there is to know.
type witness struct {
	begun  bool
	status int
	header http.Header
	body   []byte
	err    error // no complete answer
}

type witnessKey struct{}

// call makes one request and decodes the answer into out, which may be nil.
// The error is always a *callError. It does not repeat anything.
func (c *client) call(ctx context.Context, r request, out any) error {
	if err := c.admit(ctx, r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return &callError{Route: r.String(), Err: err}
		}
	}
	var w witness
	ctx = context.WithValue(ctx, witnessKey{}, &w)
	// A rate limit bucket of the call's own keeps the library from waiting.
	bucket := new(discordgo.Bucket)
	bucket.Lock()
	_, err := c.library.RequestWithLockedBucket(r.method, discordgo.EndpointAPI+r.path(), "application/json", body, bucket, 0, discordgo.WithContext(ctx))
	if w.status == 0 && w.err == nil {
		w.err = err // not even sent
	}
	return c.judge(r, &w, out)
}

// admit waits until the call may be made without being refused for its rate.
func (c *client) admit(ctx context.Context, r request) error {
	if r.urgent {
		return nil
	}
	if wait := c.invalid.wait(time.Now()); wait > 0 {
		return &callError{Route: r.String(), Status: http.StatusTooManyRequests, RetryAfter: wait, Global: true, Text: "held back: too many refused calls"}
	}
	for {
		wait := c.limits.take(r.limit(), time.Now())
		if wait <= 0 {
			return nil
		}
		if wait > maxWait {
			return &callError{Route: r.String(), Status: http.StatusTooManyRequests, RetryAfter: wait, Text: "held back by an earlier rate limit"}
		}
		if !sleep(ctx, wait) {
			return &callError{Route: r.String(), Err: ctx.Err()}
		}
	}
}

// judge makes of an answer what the caller needs to know.
func (c *client) judge(r request, w *witness, out any) error {
	fail := &callError{Route: r.String(), Status: w.status, Begun: w.begun}
	if w.err != nil {
		fail.Status, fail.Err = 0, c.clean(w.err)
		return fail
	}
	now := time.Now()
	c.clock.set(w.header.Get("Date"), now)
	if !r.urgent {
		c.limits.learn(r.limit(), w.header, now)
	}
	if w.status >= 200 && w.status < 300 {
		if out == nil || w.status == http.StatusNoContent {
			return nil
		}
		if err := tolerant(json.Unmarshal(w.body, out)); err != nil {
			fail.Text = "answer is not json: " + c.quote(w.body)
			return fail
		}
		return nil
	}
	var said refusal
	if err := json.Unmarshal(w.body, &said); err != nil {
		fail.Text = "not the api's answer: " + c.quote(w.body)
	} else {
		fail.Code, fail.Text = said.Code, c.redact.Replace(said.text())
	}
	if w.status == http.StatusTooManyRequests {
		fail.RetryAfter, fail.Global = said.delay(w.header), said.Global || said.Message == ""
		key := r.limit()
		if fail.Global {
			key = "" // of everything, and so is a refusal by what stands in front of the API
		}
		if fail.Code != codeOldEdit {
			c.limits.rest(key, now.Add(fail.RetryAfter))
		}
	}
	c.invalid.count(w.status, w.header.Get("X-RateLimit-Scope"), now)
	return fail
}

// refusal is the body of an error.
type refusal struct {
	Code       int             `json:"code"`
	Message    string          `json:"message"`
	Errors     json.RawMessage `json:"errors"`
	RetryAfter float64         `json:"retry_after"` // seconds
	Global     bool            `json:"global"`
}

func (r *refusal) text() string {
	text := strings.ToValidUTF8(r.Message, "\uFFFD")
	if len(r.Errors) > 0 {
		text += " " + string(r.Errors[:min(len(r.Errors), maxQuoted)])
	}
	return text
}

// Pauses for a server that asks for one without saying how long.
const (
	pauseLeast = time.Second      // for the API
	pausePlain = 60 * time.Second // for what stands in front of it
)

// delay is how long a 429 wants us to wait. Never nothing: that would be a
// loop without a brake.
func (r *refusal) delay(h http.Header) time.Duration {
	if r.RetryAfter > 0 {
		return max(time.Duration(r.RetryAfter*float64(time.Second)), 50*time.Millisecond)
	}
	if s, err := strconv.ParseFloat(h.Get("Retry-After"), 64); err == nil && s > 0 && s < 1e6 {
		return time.Duration(s * float64(time.Second))
	}
	if r.Message == "" {
		return pausePlain
	}
	return pauseLeast
}

// carrier makes the library's requests. It never fails: what went wrong is in
// the witness, or for calls without one in an error without secrets.
type carrier struct {
	c   *client
	ctx context.Context
}

func (t carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	w, ok := req.Context().Value(witnessKey{}).(*witness)
	if !ok {
		w = new(witness)
	}
	t.c.exchange(t.c.send, req.WithContext(ctx), w)
	if w.err != nil {
		return nil, t.c.clean(w.err)
	}
	// The library sees neither rate limit headers, of which a malformed one
	// would make it report a success as an error, nor a 429 that it cannot read.
	status, body := w.status, w.body
	if status == http.StatusTooManyRequests {
		status, body = http.StatusServiceUnavailable, nil
	}
	return &http.Response{
		Status:        strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode:    status,
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       req,
	}, nil
}

// exchange sends a request to the configured server and reads the answer.
func (c *client) exchange(via *http.Transport, req *http.Request, w *witness) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = c.base.Scheme, c.base.Host, ""
	req.URL.Path = c.base.Path + req.URL.Path
	if req.URL.RawPath != "" {
		req.URL.RawPath = c.base.EscapedPath() + req.URL.RawPath
	}
	// From the moment that there is a connection (with TLS done), bytes may be
	// on their way even if the call ends in an error. The transport itself
	// repeats a POST only if not one byte was written: GetConn then starts anew.
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}
	resp, err := via.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	w.begun = connected.Load()
	if err != nil {
		w.err = err
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = fmt.Errorf("answer is longer than %d bytes", maxAnswer)
	}
	if err != nil && resp.StatusCode < 300 {
		w.err = err
		return
	}
	w.status, w.header, w.body = resp.StatusCode, resp.Header, body
}

// quote is the beginning of an answer that is not the API's.
func (c *client) quote(body []byte) string {
	// Far more than is quoted is redacted, so that no half of a token is left
	// at the cut.
	s := c.redact.Replace(string(body[:min(len(body), 64<<10)]))
	return strconv.Quote(strings.ToValidUTF8(s[:min(len(s), maxQuoted)], "\uFFFD"))
}

// clean is err without tokens and addresses: those of interactions hold a
// token too. The chain of causes is kept unless it shows one.
func (c *client) clean(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	var re *discordgo.RESTError
	if errors.As(err, &re) { // it carries the whole request
		return errors.New("status " + re.Response.Status)
	}
	if s := err.Error(); c.redact.Replace(s) != s {
		return errors.New(c.redact.Replace(s))
	}
	return err
}

// tolerant is nil for the error of a field that has another type than thought:
// the others have been read.
func tolerant(err error) error {
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) {
		return nil
	}
	return err
}

// sleep waits and returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
