package telegram

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
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxPolled bounds the answer to a poll. The server's own bound is 4 MiB.
	maxPolled = 16 << 20
	// maxAnswer bounds the answer to any other call.
	maxAnswer = 2 << 20
	// maxQuoted is how much of an answer that is not the API's is quoted.
	maxQuoted = 200
)

// client carries every request to the Bot API server. It keeps the token out
// of errors, follows no redirect (that would carry the token elsewhere), and
// tells precisely what is known about a call that did not succeed. The library
// uses it as its HTTP client.
type client struct {
	base    string // without final slash
	token   Token
	redact  *strings.Replacer
	timeout time.Duration // of a call without a file
	stall   time.Duration // of a transfer without progress

	// Three pools, so that neither a poll that waits nor a long upload keeps a
	// line of text from going out.
	poll, send, files *http.Transport
}

func newClient(base string, token Token, timing Timing, proxy string, local bool) (*client, error) {
	through := http.ProxyFromEnvironment
	if proxy != "" && !local {
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" {
			return nil, errors.New("proxy: want http://host:port or socks5://host:port")
		}
		through = http.ProxyURL(u)
	}
	transport := func(conns int) *http.Transport {
		dialer := net.Dialer{
			Timeout:         10 * time.Second,
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
		}
		t := &http.Transport{
			Proxy:               through,
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
	return &client{
		base:    base,
		token:   token,
		redact:  token.redactor(),
		timeout: timing.Call,
		stall:   timing.Stall,
		poll:    transport(1),
		send:    transport(8),
		files:   transport(2),
	}, nil
}

// closeIdle drops connections that nobody uses.
func (c *client) closeIdle() {
	c.poll.CloseIdleConnections()
	c.send.CloseIdleConnections()
	c.files.CloseIdleConnections()
}

// callError is why a call did not succeed.
type callError struct {
	Method string
	// Status is the HTTP status, 0 when no complete answer came.
	Status int
	// Code and Text are what the API said; Code is 0 when the answer was not
	// the API's, and Text is then the beginning of that answer.
	Code int
	Text string
	// RetryAfter is how long the server wants to be left alone.
	RetryAfter time.Duration
	// MigrateTo is the new id of a chat that became a supergroup.
	MigrateTo int64
	// Begun is true when the request may have reached the server.
	Begun bool
	// Err is the cause when no complete answer came.
	Err error
}

func (e *callError) Error() string {
	switch {
	case e.Code != 0:
		return fmt.Sprintf("%s: %d %s", e.Method, e.Code, e.Text)
	case e.Status != 0:
		return fmt.Sprintf("%s: status %d with an answer that is not the bot api's: %q", e.Method, e.Status, e.Text)
	default:
		return fmt.Sprintf("%s: %v", e.Method, e.Err)
	}
}

func (e *callError) Unwrap() error { return e.Err }

// says reports whether the API refused with a text that contains the fragment,
// in any case. The server's wording changes now and then, so fragments are
// short.
func (e *callError) says(fragment string) bool {
	return e.Code != 0 && strings.Contains(strings.ToLower(e.Text), strings.ToLower(fragment))
}

// says is callError.says for any error.
func says(err error, fragments ...string) bool {
	var ce *callError
	if !errors.As(err, &ce) {
		return false
	}
	for _, f := range fragments {
		if ce.says(f) {
			return true
		}
	}
	return false
}

// envelope is the frame of every answer. The library reads
// migrate_to_chat_id into an int, which is too small on 32-bit machines.
type envelope struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter      int64 `json:"retry_after"`
		MigrateToChatID int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// reply is a successful answer.
type reply struct {
	body   []byte
	result json.RawMessage
	// date is the server's clock; zero when it did not say.
	date time.Time
}

// Do implements the library's HttpClient for calls without files.
func (c *client) Do(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), c.timeout)
	defer cancel()
	got, err := c.exchange(c.send, req.WithContext(ctx), maxAnswer)
	if err != nil {
		return nil, err
	}
	if w, ok := ctx.Value(witnessKey{}).(*witness); ok {
		w.note(got)
	}
	return &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{},
		Body:          io.NopCloser(bytes.NewReader(got.body)),
		ContentLength: int64(len(got.body)),
		Request:       req,
	}, nil
}

// exchange sends the request and reads the answer, at most limit bytes. The
// error is always a *callError.
func (c *client) exchange(via *http.Transport, req *http.Request, limit int64) (reply, error) {
	fail := &callError{Method: path.Base(req.URL.Path)}
	resp, begun, err := c.roundTrip(via, req)
	fail.Begun = begun
	if err != nil {
		fail.Err = c.clean(err)
		return reply{}, fail
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("answer is longer than %d bytes", limit)
	}
	if err != nil && resp.StatusCode < 300 {
		fail.Err = c.clean(err)
		return reply{}, fail
	}
	var env envelope
	bad := json.Unmarshal(body, &env)
	if bad == nil && env.OK && resp.StatusCode == http.StatusOK {
		date, _ := http.ParseTime(resp.Header.Get("Date"))
		return reply{body: body, result: env.Result, date: date}, nil
	}
	fail.Status = resp.StatusCode
	fail.RetryAfter = time.Duration(env.Parameters.RetryAfter) * time.Second
	if fail.RetryAfter <= 0 && resp.StatusCode == http.StatusTooManyRequests {
		fail.RetryAfter = headerDelay(resp.Header)
	}
	if env.ErrorCode == 0 { // not the API's own refusal
		fail.Text = c.quote(body)
		return reply{}, fail
	}
	fail.Code = env.ErrorCode
	fail.Text = c.redact.Replace(strings.ToValidUTF8(env.Description, "\uFFFD"))
	fail.MigrateTo = env.Parameters.MigrateToChatID
	return reply{}, fail
}

// roundTrip sends the request and returns when the header of the answer is
// there. begun is true when the request may have reached the server.
func (c *client) roundTrip(via *http.Transport, req *http.Request) (resp *http.Response, begun bool, err error) {
	// From the moment that there is a connection (with TLS done), bytes may be
	// on their way even if the call ends in an error. The transport itself
	// repeats a POST only if not one byte was written: GetConn then starts anew.
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { connected.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}
	resp, err = via.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	return resp, connected.Load(), err
}

// headerDelay reads Retry-After; a server that does not say is given 3 s.
func headerDelay(h http.Header) time.Duration {
	if n, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return 3 * time.Second
}

// quote is the beginning of an answer that is not the API's.
func (c *client) quote(body []byte) string {
	// Far more than is quoted is redacted, so that no half of a token is left
	// at the cut.
	s := c.redact.Replace(string(body[:min(len(body), 64<<10)]))
	return strings.ToValidUTF8(s[:min(len(s), maxQuoted)], "\uFFFD")
}

// clean is err without the token. The chain of causes is kept unless it
// shows the token.
func (c *client) clean(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	if s := err.Error(); c.redact.Replace(s) != s {
		return errors.New(c.redact.Replace(s))
	}
	return err
}

// methodURL is the address of a method. Never log it.
func (c *client) methodURL(method string) string {
	return c.base + "/bot" + string(c.token) + "/" + method
}

// witness sees the answer to a library call, because the library reports a
// call that succeeded as failed if it cannot decode the result.
type witness struct {
	ok      bool
	message int64
}

type witnessKey struct{}

func (w *witness) note(got reply) {
	var result struct {
		MessageID int64 `json:"message_id"`
	}
	_ = json.Unmarshal(got.result, &result) // a plain true has no id
	w.ok, w.message = true, result.MessageID
}

// call runs a library call and returns what the server said: nil if it
// accepted, however strange its result, and the id of the message, if any.
func call[T any](ctx context.Context, f func(context.Context) (T, error)) (result T, message int64, err error) {
	var w witness
	result, err = f(context.WithValue(ctx, witnessKey{}, &w))
	if w.ok {
		return result, w.message, nil
	}
	var ce *callError
	if errors.As(err, &ce) {
		return result, 0, ce
	}
	return result, 0, err
}
