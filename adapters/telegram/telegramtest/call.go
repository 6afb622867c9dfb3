package telegramtest

import (
	"slices"
	"strings"
	"time"
)

// Call is one HTTP request that the server has read, and its outcome.
type Call struct {
	Method  string // as in the documentation, for instance "sendMessage"; "download" for a file
	Params  Params
	Uploads []Upload
	At      time.Time     // on the server's clock
	Took    time.Duration // real time until the answer, 0 while under way

	// Code is the error_code of the answer, 200 for success, 0 while the call
	// is under way or when it was not answered. Text is the description.
	Code       int
	Text       string
	RetryAfter int // seconds, with 429
	MigrateTo  int64

	// MessageID is the id of the message that the call made or changed, 0 if
	// none. It is set even if the answer was dropped.
	MessageID int
	// Done tells that the call took effect (even if its answer was lost).
	Done bool
	// Fault is the kind of fault that hit the call, NoFault normally.
	Fault FaultKind
	// Remarks names what was accepted but not taken as sent: entities that
	// were ignored or cut, text that cleaning changed, an ignored thread.
	Remarks []string
}

// Param is one request parameter.
type Param struct{ Name, Value string }

// Params are the parameters of a call, in order, from query and body together.
// JSON bodies are flattened to the same form.
type Params []Param

// Get is the value of a parameter, "" if absent.
func (p Params) Get(name string) string { v, _ := p.Lookup(name); return v }

// Lookup is Get that tells "absent" from "empty".
func (p Params) Lookup(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// Upload is a file part of a multipart request.
type Upload struct {
	Field string
	Name  string
	Size  int64
}

// callLog keeps the newest calls in a ring, and counters of all.
type callLog struct {
	ring  []*Call
	next  int // place of the next call
	count map[string]int
	done  map[string]int
}

func (l *callLog) init(n int) {
	l.ring = make([]*Call, n)
	l.count, l.done = make(map[string]int), make(map[string]int)
}

func (l *callLog) add(c *Call) {
	l.ring[l.next] = c
	l.next = (l.next + 1) % len(l.ring)
	l.count[strings.ToLower(c.Method)]++
	l.count[""]++
}

// all visits the calls, oldest first.
func (l *callLog) all(visit func(*Call)) {
	for i := range l.ring {
		if c := l.ring[(l.next+i)%len(l.ring)]; c != nil {
			visit(c)
		}
	}
}

// begin logs a call and finds the fault that hits it. bad is why the request
// could not even be read.
func (s *Server) begin(rq *request, bad error) *ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	rq.err = bad
	rq.call = &Call{Method: rq.method.name, Params: rq.params, At: s.now()}
	for _, u := range rq.uploads {
		rq.call.Uploads = append(rq.call.Uploads, Upload{u.field, u.file.Name, u.file.Size})
	}
	s.calls.add(rq.call)
	var f *ActiveFault
	if bad != errClientGone && len(s.faults) > 0 {
		f = s.takeFault(rq.call, false)
	}
	s.notify()
	return f
}

// takeUploadFault is the fault that hits a call before its body is read.
func (s *Server) takeUploadFault(method string) *ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return nil
	}
	call := &Call{Method: method, At: s.now()}
	f := s.takeFault(call, true)
	if f != nil {
		s.calls.add(call)
		s.notify()
	}
	return f
}

// end completes the entry of a call; unanswered leaves its code at 0.
func (s *Server) end(rq *request, start time.Time, unanswered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := rq.call
	c.Took = time.Since(start)
	c.Done = rq.done
	if rq.done {
		s.calls.done[strings.ToLower(c.Method)]++
		s.calls.done[""]++
	}
	if !unanswered {
		c.Code = rq.status()
		if rq.err != nil {
			e := asAPIError(rq.err)
			c.Text, c.RetryAfter, c.MigrateTo = e.text, e.retryAfter, e.migrateTo
		}
	}
	s.notify()
}

// Calls is a copy of the calls kept, oldest first, optionally of some methods
// only.
func (s *Server) Calls(methods ...string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pick(func(c *Call) bool {
		return len(methods) == 0 || slices.ContainsFunc(methods, func(m string) bool { return strings.EqualFold(m, c.Method) })
	})
}

func (s *Server) pick(keep func(*Call) bool) (picked []Call) {
	s.calls.all(func(c *Call) {
		if keep(c) {
			one := *c
			one.Remarks = slices.Clone(c.Remarks)
			picked = append(picked, one)
		}
	})
	return picked
}

// Count is the number of calls of a method ever read, whatever the outcome;
// with "" of all methods.
func (s *Server) Count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.count[strings.ToLower(method)]
}

// Done is the number of calls of a method that took effect.
func (s *Server) Done(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.done[strings.ToLower(method)]
}

// refused tells whether a call was refused for what it asked.
func (c *Call) refused() bool {
	return c.Code >= 400 && c.Code != 401 && c.Code != 409 && c.Code != 429 && (c.Fault == NoFault || c.Fault == Delay || c.Fault == DelayAfter)
}

// Refusals lists the calls kept that were refused for what they asked: every
// error except 401, 409, 429 and those of faults.
func (s *Server) Refusals() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pick((*Call).refused)
}

// Remarks lists, without repetition, what was accepted but not taken as sent,
// as "method: remark".
func (s *Server) Remarks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	s.calls.all(func(c *Call) {
		for _, r := range c.Remarks {
			if line := c.Method + ": " + r; !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
	})
	return all
}
