package telegramtest

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// FaultKind says what goes wrong with a call.
type FaultKind int

// The kinds of fault. Unless noted the call is not executed; with
// Fault.Processed it is executed first, and only its answer is lost or
// replaced.
const (
	NoFault      FaultKind = iota
	DropBefore             // the connection is cut before the call is looked at
	DropAfter              // the call is executed, then the connection is cut without an answer
	Delay                  // the call waits for Fault.Delay, then everything is normal
	DelayAfter             // the call is executed at once, its answer comes after Fault.Delay
	Hang                   // no answer until the client gives up or the server closes
	Truncate               // executed; the answer ends in the middle of its JSON
	Trickle                // executed; the answer comes a byte every Fault.Delay (default 100 ms)
	Oversize               // executed; the answer is valid JSON padded to Fault.Bytes (default 20 MiB)
	NotJSON                // status 200 with a page instead of JSON
	HTML502                // a front end's page
	HTML413                // a front end's page
	Error500               // JSON "Internal Server Error: restart"
	Error429               // JSON and header, with Fault.RetryAfter
	Unauthorized           // 401
	Refuse                 // Fault.Code with Fault.Text
	ResetUpload            // the connection is reset after Fault.Bytes of the request body (default 64 KiB)
	Redirect               // 302 to another address; following it is reported by Check
)

// Fault is one rule of what goes wrong.
type Fault struct {
	// Method hits calls of this method, case-insensitive; empty hits all.
	// "download" is a file download.
	Method string
	// Match, if set, must be true too. It runs on the server's goroutine and
	// must not call the server. For ResetUpload it sees no parameters.
	Match func(Call) bool
	// After lets this many matching calls pass first.
	After int
	// Times is how many calls are hit: 0 means one, negative means all until
	// removed.
	Times int
	Kind  FaultKind
	// Processed executes the call first, for kinds that do not by themselves.
	Processed bool

	Delay      time.Duration
	RetryAfter int // seconds, for Error429; 0 means 3
	Bytes      int
	Code       int    // for Refuse
	MigrateTo  int64  // for Refuse
	Text       string // for Refuse, with its prefix, such as "Bad Request: chat not found"
}

// ActiveFault is a fault at work.
type ActiveFault struct {
	Fault
	srv    *Server
	passed int           // matching calls let through
	hits   int           // calls hit
	gone   chan struct{} // closed when it is removed
	over   bool
}

// AddFault puts a fault to work; of several matching ones the oldest wins.
func (s *Server) AddFault(f Fault) *ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &ActiveFault{Fault: f, srv: s, gone: make(chan struct{})}
	s.faults = append(s.faults, a)
	return a
}

// ClearFaults removes all faults; calls that hang because of them are cut.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.faults {
		a.end()
	}
	s.faults = nil
}

// end stops a fault. The caller holds the lock.
func (a *ActiveFault) end() {
	if !a.over {
		a.over = true
		close(a.gone)
	}
}

// Hits is the number of calls that were hit.
func (a *ActiveFault) Hits() int {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.hits
}

// Remove ends the fault; calls that hang because of it are cut.
func (a *ActiveFault) Remove() {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	a.end()
	a.srv.faults = slices.DeleteFunc(a.srv.faults, func(b *ActiveFault) bool { return a == b })
}

// takeFault is the fault that hits a call, nil if none does. The caller holds
// the lock.
func (s *Server) takeFault(call *Call, uploads bool) *ActiveFault {
	for _, a := range s.faults {
		if (a.Kind == ResetUpload) != uploads || a.over || a.hits >= max(a.Times, 1) && a.Times >= 0 {
			continue
		}
		if a.Method != "" && !strings.EqualFold(a.Method, call.Method) || a.Match != nil && !a.Match(*call) {
			continue
		}
		if a.passed < a.After {
			a.passed++
			continue
		}
		a.hits++
		call.Fault = a.Kind
		return a
	}
	return nil
}

// replacement is the error that a fault puts in the place of the answer.
func (f *Fault) replacement() *apiError {
	switch f.Kind {
	case Error500:
		return &apiError{code: 500, text: "Internal Server Error: restart"}
	case Error429:
		return tooManyRequests(cmp.Or(f.RetryAfter, 3))
	case Unauthorized:
		return &apiError{code: 401, text: "Unauthorized"}
	case Refuse:
		return &apiError{code: cmp.Or(f.Code, 400), text: f.Text, retryAfter: f.RetryAfter, migrateTo: f.MigrateTo}
	}
	return nil
}

// page is the status and title of a front end's page.
func (f *Fault) page() (code int, title string) {
	switch f.Kind {
	case HTML502:
		return 502, "502 Bad Gateway"
	case HTML413:
		return 413, "413 Request Entity Too Large"
	}
	return 200, "Welcome to nginx!"
}
