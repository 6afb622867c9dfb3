package discordtest

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// silentLog swallows what net/http says about connections that faults cut.
var silentLog = log.New(io.Discard, "", 0)

// redirectPath is where Redirect faults lead.
const redirectPath = "/redirected/"

// maxDrain bounds what is read of the body of a call that is refused early.
const maxDrain = 32 << 20

// serve is one HTTP request from the first byte to the last.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.enter(w, r, func() {
		s.inspect(r)
		switch path := r.URL.Path; {
		case websocket.IsWebSocketUpgrade(r):
			s.serveGateway(w, r, false)
		case strings.HasPrefix(path, "/attachments/"):
			s.serveDownload(w, r)
		case strings.HasPrefix(path, redirectPath):
			s.note("a redirect was followed: " + r.Method + " " + redirectPath)
			s.writeError(w, unknownRoute())
		case path == "/api" || strings.HasPrefix(path, "/api/"):
			s.serveCall(w, r, r.URL.EscapedPath()[len("/api"):])
		default:
			s.writeError(w, unknownRoute())
		}
	})
}

// enter runs the handler of a connection, unless the server is closed or a
// black hole is open.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, handle func()) {
	s.mu.Lock()
	if s.link.isClosed {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.handlers.Add(1)
	hole, up := s.link.hole, s.link.up
	s.mu.Unlock()
	defer s.handlers.Done()
	if hole {
		s.swallow(r, up)
		cut(w)
		return
	}
	handle()
}

// note is problem for those that do not hold the lock.
func (s *Server) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem(text)
}

// swallow reads a request and keeps its connection open without an answer,
// until the black hole ends, the client gives up or the server closes.
func (s *Server) swallow(r *http.Request, up chan struct{}) {
	io.Copy(io.Discard, r.Body)
	select {
	case <-up:
	case <-r.Context().Done():
	case <-s.link.closing:
	}
}

// inspect looks for the token in places where it would end up in other
// people's logs.
func (s *Server) inspect(r *http.Request) {
	if strings.Contains(r.URL.RequestURI(), s.token) {
		s.note("the token was sent in an address")
	}
	for name, values := range r.Header {
		for _, v := range values {
			if name != "Authorization" && len(v) >= len(s.token) && strings.Contains(v, s.token) {
				s.note("the token was sent in the header " + name)
			}
		}
	}
	if strings.HasPrefix(r.URL.Path, "/attachments/") && r.Header.Get("Authorization") != "" {
		s.note("the token was sent with a download")
	}
}

// serveCall runs one API call with whatever fault is in its way.
func (s *Server) serveCall(w http.ResponseWriter, r *http.Request, path string) {
	start := time.Now()
	rq := &request{http: r, header: http.Header{}}
	path, refused := rq.versioned(path)
	if refused == nil {
		refused = rq.find(path)
	}
	rq.call = &Call{HTTP: r.Method, Path: path, Query: r.URL.Query(), Channel: s.channelOf(rq, path)}
	if rq.route != nil {
		rq.call.Method = rq.route.name
	}
	if rq.route != nil && rq.route.token >= 0 {
		rq.call.Path = strings.Replace(path, rq.args[rq.route.token], "TOKEN", 1)
	}
	if refused == nil {
		refused = s.admit(rq)
	}
	if refused != nil {
		io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain))
		s.begin(rq, refused)
		s.answer(w, rq, start)
		return
	}
	if f := s.takeUploadFault(rq.call); f != nil {
		io.CopyN(io.Discard, r.Body, int64(cmp.Or(f.Bytes, 64<<10)))
		reset(w)
		return
	}
	bad := s.parse(rq)
	defer rq.discard()
	f := s.begin(rq, bad)
	s.play(w, rq, f, start)
}

// versioned separates "/v9" from the rest of a path.
func (rq *request) versioned(path string) (string, *apiError) {
	rest, ok := strings.CutPrefix(path, "/v")
	number, rest, found := strings.Cut(rest, "/")
	if !ok || !found {
		return path, refuse(400, 50041)
	}
	v, err := strconv.Atoi(number)
	if err != nil || v != 9 && v != 10 {
		return path, refuse(400, 50041)
	}
	rq.version = v
	return "/" + rest, nil
}

// channelOf is the channel that a call is about.
func (s *Server) channelOf(rq *request, path string) Snowflake {
	if rest, ok := strings.CutPrefix(path, "/channels/"); ok {
		text, _, _ := strings.Cut(rest, "/")
		id, _ := parseSnowflake(text)
		return id
	}
	if rq.route == nil || rq.route.token < 0 {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.interactions.byToken[rq.args[rq.route.token]]; i != nil {
		return i.channel.id
	}
	return 0
}

// admit checks who calls (Reference: Authentication, User Agent).
func (s *Server) admit(rq *request) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.banned() {
		return bannedError()
	}
	if !strings.HasPrefix(rq.http.UserAgent(), "DiscordBot (") {
		return forbidden(40333)
	}
	if rq.route.open {
		return nil
	}
	if s.revoked || rq.http.Header.Get("Authorization") != "Bot "+s.token {
		return unauthorized()
	}
	return nil
}

// serveDownload is a call of the content delivery network.
func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	rq := &request{http: r, header: http.Header{}, call: &Call{Method: "download", HTTP: r.Method, Path: r.URL.Path, Query: r.URL.Query()}}
	f := s.begin(rq, nil)
	if f != nil {
		s.play(w, rq, f, start)
		return
	}
	rq.err = s.serveFile(w, rq)
	rq.done = rq.err == nil
	if rq.err != nil {
		s.answer(w, rq, start)
		return
	}
	rq.status = http.StatusOK
	s.end(rq, start, false)
}

// play executes the call, if the fault allows, and answers, as the fault says.
func (s *Server) play(w http.ResponseWriter, rq *request, f *ActiveFault, start time.Time) {
	if f == nil {
		s.execute(rq)
		s.answer(w, rq, start)
		return
	}
	fault := f.Fault
	switch fault.Kind {
	case Delay:
		if !s.pause(rq, f, fault.Delay) {
			s.end(rq, start, true)
			cut(w)
			return
		}
		s.execute(rq)
		s.answer(w, rq, start)
		return
	case DropAfter, DelayAfter, Truncate, Trickle, Oversize, BadHeaders:
		s.execute(rq)
	default:
		if fault.Processed {
			s.execute(rq)
		}
	}
	if e := fault.replacement(); e != nil {
		rq.err, rq.out = e, nil
		s.answer(w, rq, start)
		return
	}
	switch fault.Kind {
	case DropBefore, DropAfter:
		s.end(rq, start, true)
		cut(w)
	case DelayAfter:
		if !s.pause(rq, f, fault.Delay) {
			s.end(rq, start, true)
			cut(w)
			return
		}
		s.answer(w, rq, start)
	case Hang:
		s.pause(rq, f, -1)
		s.end(rq, start, true)
		cut(w)
	case BadHeaders:
		for name, value := range map[string]string{"X-Ratelimit-Limit": "many", "X-Ratelimit-Remaining": "-", "X-Ratelimit-Reset": "soon",
			"X-Ratelimit-Reset-After": "a while", "X-Ratelimit-Bucket": ""} {
			rq.header.Set(name, value)
		}
		s.answer(w, rq, start)
	case Truncate:
		body := rq.payload()
		s.head(w, rq, len(body))
		w.WriteHeader(rq.code())
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		s.end(rq, start, true)
		panic(http.ErrAbortHandler) // the promised length is not kept
	case Trickle:
		s.end(rq, start, false)
		s.trickle(w, rq, f)
	case Oversize:
		s.end(rq, start, false)
		s.oversize(w, rq, cmp.Or(fault.Bytes, 20<<20))
	case Redirect:
		s.end(rq, start, true)
		w.Header().Set("Location", s.URL()+redirectPath)
		w.WriteHeader(http.StatusFound)
	default:
		s.servePage(w, rq, &fault, start)
	}
}

// servePage answers with a page of the front end instead of JSON.
func (s *Server) servePage(w http.ResponseWriter, rq *request, f *Fault, start time.Time) {
	code, title := f.page()
	page := "<!DOCTYPE html>\r\n<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
	s.end(rq, start, true)
	if code == 429 {
		s.mu.Lock()
		s.countInvalid(&apiError{status: 429})
		s.mu.Unlock()
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(cmp.Or(f.RetryAfter, 3*time.Second).Seconds()))))
	}
	w.Header().Set("Server", "cloudflare")
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(code)
	io.WriteString(w, page)
}

// pause waits for d (for ever if negative); false means that there is nobody
// left to answer.
func (s *Server) pause(rq *request, f *ActiveFault, d time.Duration) bool {
	var timer <-chan time.Time
	if d >= 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
		return true
	case <-f.gone:
	case <-rq.http.Context().Done():
	case <-s.link.closing:
	}
	return false
}

func (s *Server) trickle(w http.ResponseWriter, rq *request, f *ActiveFault) {
	body := rq.payload()
	s.head(w, rq, len(body))
	w.WriteHeader(rq.code())
	flush := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		flush.Flush()
		if i < len(body)-1 && !s.pause(rq, f, cmp.Or(f.Delay, 100*time.Millisecond)) {
			panic(http.ErrAbortHandler)
		}
	}
}

// oversize sends the answer with so many blanks before its last byte.
func (s *Server) oversize(w http.ResponseWriter, rq *request, blanks int) {
	body := rq.payload()
	if len(body) == 0 {
		body = []byte("{}")
	}
	s.head(w, rq, -1)
	if code := rq.code(); code != http.StatusNoContent {
		w.WriteHeader(code)
	}
	w.Write(body[:len(body)-1])
	padding := make([]byte, 64<<10)
	for i := range padding {
		padding[i] = ' '
	}
	for left := blanks; left > 0; left -= len(padding) {
		if _, err := w.Write(padding[:min(left, len(padding))]); err != nil {
			return
		}
	}
	w.Write(body[len(body)-1:])
}

// execute runs the route.
func (s *Server) execute(rq *request) {
	if rq.err != nil || rq.route == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.throttle(rq); err != nil {
		rq.err = err
		return
	}
	rq.err = rq.route.run(s, rq)
	rq.done = rq.err == nil
}

// answer sends the normal answer, unless a black hole has opened meanwhile.
func (s *Server) answer(w http.ResponseWriter, rq *request, start time.Time) {
	if rq.err == errClientGone {
		s.end(rq, start, true)
		cut(w)
		return
	}
	s.mu.Lock()
	hole, up := s.link.hole, s.link.up
	s.mu.Unlock()
	if !hole && rq.err != nil && asAPIError(rq.err).scope == "ban" {
		s.servePage(w, rq, &Fault{Kind: Banned, RetryAfter: asAPIError(rq.err).retryAfter}, start)
		return
	}
	s.end(rq, start, hole)
	if hole {
		s.swallow(rq.http, up)
		cut(w)
		return
	}
	body := rq.payload()
	code := rq.code()
	s.head(w, rq, len(body))
	if code == http.StatusNoContent {
		w.Header().Del("Content-Length")
		body = nil
	}
	w.WriteHeader(code)
	w.Write(body)
}

// head sets the headers of every answer; length < 0 means unknown.
func (s *Server) head(w http.ResponseWriter, rq *request, length int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	for name, values := range rq.header {
		h[name] = values
	}
	if length >= 0 {
		h.Set("Content-Length", strconv.Itoa(length))
	}
	if rq.closes {
		h.Set("Connection", "close")
	}
	if e, ok := rq.err.(*apiError); ok && e.status == 429 && !e.bare {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retryAfter.Seconds()))))
		h.Set("X-RateLimit-Scope", e.scope)
		if e.scope == "global" {
			h.Set("X-RateLimit-Global", "true")
		} else if h.Get("X-RateLimit-Reset-After") == "" {
			h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", e.retryAfter.Seconds()))
		}
	}
}

// writeError answers a request that is no API call.
func (s *Server) writeError(w http.ResponseWriter, e *apiError) {
	body := e.body()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(e.status)
	w.Write(body)
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// reset closes the connection with a reset instead of a regular end.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
