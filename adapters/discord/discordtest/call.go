package discordtest

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Call is one HTTP request that the server has read, and its outcome.
type Call struct {
	// Method is the documentation's title of the route in camel case, for
	// instance "createMessage"; "download" for a file, "" for an unknown route.
	Method  string
	HTTP    string    // the verb, such as "POST"
	Path    string    // below the version, with "TOKEN" in the place of an interaction's token
	Channel Snowflake // in the path, 0 for none; of an interaction's token, its channel
	Query   url.Values
	Body    json.RawMessage // the JSON, of a multipart request its payload_json
	Uploads []Upload
	At      time.Time     // on the server's clock
	Took    time.Duration // real time until the answer, 0 while under way

	// Status is the HTTP status of the answer, 0 while the call is under way or
	// when it was not answered. Code and Text are those of the error.
	Status     int
	Code       int
	Text       string
	RetryAfter time.Duration // with 429
	Scope      string        // with 429: user, global or shared

	// MessageID is the id of the message that the call made or changed, 0 if
	// none. It is set even if the answer was dropped.
	MessageID Snowflake
	// Repeated tells that the nonce was known, and nothing new was made.
	Repeated bool
	// Done tells that the call took effect (even if its answer was lost).
	Done bool
	// Fault is the kind of fault that hit the call, NoFault normally.
	Fault FaultKind
	// Remarks names what was accepted but not taken as sent.
	Remarks []string
}

// Field is a member of the body as text, "" if absent or null: a string
// without its quotes, anything else as JSON. Members of members are named with
// dots.
func (c Call) Field(name string) string {
	raw := c.Body
	for _, step := range strings.Split(name, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return ""
		}
		raw = object[step]
	}
	if !present(raw) {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
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
	if c.Method != "" {
		l.count[""]++
	}
}

// all visits the calls, oldest first.
func (l *callLog) all(visit func(*Call)) {
	for i := range l.ring {
		if c := l.ring[(l.next+i)%len(l.ring)]; c != nil {
			visit(c)
		}
	}
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

// Done is the number of calls of a method that took effect, even if their
// answer was lost; with "" of all methods.
func (s *Server) Done(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls.done[strings.ToLower(method)]
}

// refused tells whether a call was refused for what it asked.
func (c *Call) refused() bool {
	return c.Status >= 400 && c.Status != 401 && c.Status != 429 && (c.Fault == NoFault || c.Fault == Delay || c.Fault == DelayAfter)
}

// Refusals lists the calls kept that were refused for what they asked: every
// error except 401, 429 and those of faults.
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

// Invalid is the number of calls that were answered with 401, 403 or 429 (not
// of scope shared); 10,000 of them in 10 minutes lead to a ban (Rate Limits:
// Invalid Request Limit).
func (s *Server) Invalid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.invalid.total
}
