package telegramtest

import (
	"cmp"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// silentLog swallows what net/http says about connections that faults cut.
var silentLog = log.New(io.Discard, "", 0)

// redirectPath is where Redirect faults lead.
const redirectPath = "/redirected/"

// serve is one HTTP request from the first byte to the last.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
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
	s.inspect(r)
	switch path := r.URL.Path; {
	case strings.HasPrefix(path, "/bot"):
		s.serveMethod(w, r, path[len("/bot"):])
	case strings.HasPrefix(path, "/file/bot"):
		s.serveDownload(w, r, path[len("/file/bot"):])
	case strings.HasPrefix(path, redirectPath):
		s.problem("a redirect was followed: " + r.Method + " " + redirectPath)
		s.writeError(w, &apiError{code: 404, text: "Not Found"})
	default:
		s.writeError(w, &apiError{code: 404, text: "Not Found"})
	}
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
	if strings.Contains(r.URL.RawQuery, s.token) {
		s.problem("the token was sent in a query string")
	}
	for name, values := range r.Header {
		for _, v := range values {
			if len(v) >= len(s.token) && strings.Contains(v, s.token) {
				s.problem("the token was sent in the header " + name)
			}
		}
	}
}

// splitToken separates "<token>/<rest>".
func (s *Server) splitToken(path string) (rest string, refused *apiError) {
	token, rest, ok := strings.Cut(path, "/")
	if !ok {
		return "", &apiError{code: 404, text: "Not Found"}
	}
	if !wellFormedToken(token) {
		return "", &apiError{code: 401, text: "Unauthorized: invalid token specified"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != s.token || s.revoked {
		return "", &apiError{code: 401, text: "Unauthorized"}
	}
	return rest, nil
}

// wellFormedToken is the check of tdlib/telegram-bot-api ClientManager: no
// leading zero, a colon, at most 80 characters.
func wellFormedToken(token string) bool {
	return token != "" && token[0] != '0' && len(token) <= 80 && strings.Contains(token, ":")
}

// serveMethod runs one method call with whatever fault is in its way.
func (s *Server) serveMethod(w http.ResponseWriter, r *http.Request, path string) {
	start := time.Now()
	name, refused := s.splitToken(path)
	if refused != nil {
		io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain))
		s.refuseEarly(w, refused)
		return
	}
	if strings.Contains(name, "/") {
		s.refuseEarly(w, &apiError{code: 404, text: "Not Found"})
		return
	}
	m := methods[strings.ToLower(name)]
	if m == nil {
		m = &method{name: name, run: func(*Server, *request) error {
			return &apiError{code: 404, text: "Not Found: method not found"}
		}}
	}
	if f := s.takeUploadFault(m.name); f != nil {
		io.CopyN(io.Discard, r.Body, int64(cmp.Or(f.Bytes, 64<<10)))
		reset(w)
		return
	}
	rq := &request{method: m, http: r}
	bad := s.parse(rq)
	defer rq.discard()
	f := s.begin(rq, bad)
	s.play(w, rq, f, start)
}

// refuseEarly answers, and logs, a call that did not get as far as its method.
func (s *Server) refuseEarly(w http.ResponseWriter, e *apiError) {
	s.mu.Lock()
	s.calls.add(&Call{At: s.now(), Code: e.code, Text: e.text})
	s.notify()
	s.mu.Unlock()
	s.writeError(w, e)
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
			cut(w)
			return
		}
		s.execute(rq)
		s.answer(w, rq, start)
		return
	case DropAfter, DelayAfter, Truncate, Trickle, Oversize:
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
	case Truncate:
		body := rq.envelope()
		s.head(w, len(body))
		w.WriteHeader(rq.status())
		w.Write(body[:len(body)/2])
		http.NewResponseController(w).Flush()
		s.end(rq, start, true)
		panic(http.ErrAbortHandler) // the promised length is not kept
	case Trickle:
		s.end(rq, start, false)
		s.trickle(w, rq, f)
	case Oversize:
		body := rq.envelope()
		s.end(rq, start, false)
		s.head(w, -1)
		w.WriteHeader(rq.status())
		w.Write(body[:len(body)-1])
		padding := make([]byte, 64<<10)
		for i := range padding {
			padding[i] = ' '
		}
		for left := cmp.Or(fault.Bytes, 20<<20); left > 0; left -= len(padding) {
			if _, err := w.Write(padding[:min(left, len(padding))]); err != nil {
				return
			}
		}
		w.Write([]byte("}"))
	case NotJSON, HTML502, HTML413:
		code, title := fault.page()
		page := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
			"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
		s.end(rq, start, true)
		s.head(w, len(page))
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		io.WriteString(w, page)
	case Redirect:
		s.end(rq, start, true)
		w.Header().Set("Location", s.URL()+redirectPath)
		w.WriteHeader(http.StatusFound)
	}
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
	body := rq.envelope()
	s.head(w, len(body))
	w.WriteHeader(rq.status())
	flush := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		flush.Flush()
		if !s.pause(rq, f, cmp.Or(f.Delay, 100*time.Millisecond)) {
			panic(http.ErrAbortHandler)
		}
	}
}

// execute runs the method.
func (s *Server) execute(rq *request) {
	if rq.err != nil {
		return
	}
	if rq.method.waits {
		rq.err = rq.method.run(s, rq)
	} else {
		s.mu.Lock()
		rq.err = rq.method.run(s, rq)
		s.mu.Unlock()
	}
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
	s.end(rq, start, hole)
	if hole {
		s.swallow(rq.http, up)
		cut(w)
		return
	}
	body := rq.envelope()
	s.head(w, len(body))
	if e, ok := rq.err.(*apiError); ok && e.retryAfter > 0 {
		w.Header()["Retry-After"] = []string{strconv.Itoa(e.retryAfter)}
	}
	if rq.closes {
		w.Header().Set("Connection", "close")
	}
	w.WriteHeader(rq.status())
	w.Write(body)
}

var jsonType = []string{"application/json"}

// head sets the headers of every answer; length < 0 means unknown.
func (s *Server) head(w http.ResponseWriter, length int) {
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Date"] = []string{s.now().UTC().Format(http.TimeFormat)}
	if length >= 0 {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
}

// writeError answers a request that is not a method call.
func (s *Server) writeError(w http.ResponseWriter, e *apiError) {
	body := e.append(nil)
	s.head(w, len(body))
	w.WriteHeader(e.code)
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
