package discordtest

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
	BadHeaders             // executed; the rate limit headers of the answer are malformed
	NotJSON                // status 200 with a page instead of JSON
	HTML502                // a front end's page, as are 503 and 504
	HTML503                //
	HTML504                //
	HTML413                //
	HTML429                // a front end's page with the header Retry-After
	Banned                 // a front end's page that says the address is banned (1015)
	Error500               // JSON
	Error503               // JSON
	Error429               // JSON and headers, scope user, with Fault.RetryAfter
	Global429              // JSON, scope global, X-RateLimit-Global, no X-RateLimit-Reset-After
	Shared429              // JSON, scope shared
	Bare429                // JSON without retry_after, no header either
	Unauthorized           // 401
	Refuse                 // Fault.Status with Fault.Code and Fault.Text
	ResetUpload            // the connection is reset after Fault.Bytes of the request body (default 64 KiB)
	Redirect               // 302 to another address; following it is reported by Check
)

// Fault is one rule of what goes wrong with REST calls.
type Fault struct {
	// Method hits calls of this method, as in Call.Method, case-insensitive;
	// empty hits all. "download" is a file download.
	Method string
	// Channel hits calls about this channel only, unless 0.
	Channel Snowflake
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
	RetryAfter time.Duration // for the kinds of 429; 0 means 3 s
	Bytes      int
	Status     int    // for Refuse; 0 means 400
	Code       int    // of the JSON, for Refuse and the kinds of 429 that are JSON
	Text       string // for those; empty means the usual one of the code
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

// ClearFaults removes all faults, of REST and of the gateway; calls that hang
// because of them are cut.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.faults {
		a.end()
	}
	s.faults = nil
	s.gateway.faults = nil
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
		if a.Method != "" && !strings.EqualFold(a.Method, call.Method) || a.Channel != 0 && a.Channel != call.Channel ||
			a.Match != nil && !a.Match(*call) {
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
	wait := cmp.Or(f.RetryAfter, 3*time.Second)
	var limited *apiError
	switch f.Kind {
	case Error500:
		return &apiError{status: 500, text: "500: Internal Server Error"}
	case Error503:
		return &apiError{status: 503, text: "503: Service Unavailable"}
	case Unauthorized:
		return unauthorized()
	case Refuse:
		return &apiError{status: cmp.Or(f.Status, 400), code: f.Code, text: cmp.Or(f.Text, errorTexts[f.Code], "400: Bad Request"),
			retryAfter: f.RetryAfter}
	case Error429:
		limited = tooManyRequests(wait, "user")
	case Global429:
		limited = tooManyRequests(wait, "global")
	case Shared429:
		limited = tooManyRequests(wait, "shared")
	case Bare429:
		limited = tooManyRequests(0, "user")
		limited.bare = true
	default:
		return nil
	}
	limited.code, limited.text = f.Code, cmp.Or(f.Text, errorTexts[f.Code], limited.text)
	return limited
}

// page is the status and title of a front end's page.
func (f *Fault) page() (code int, title string) {
	switch f.Kind {
	case HTML502:
		return 502, "502 Bad Gateway"
	case HTML503:
		return 503, "503 Service Temporarily Unavailable"
	case HTML504:
		return 504, "504 Gateway Time-out"
	case HTML413:
		return 413, "413 Request Entity Too Large"
	case HTML429:
		return 429, "429 Too Many Requests"
	case Banned:
		return 429, "Access denied | discord.com used Cloudflare to restrict access"
	}
	return 200, "Welcome to nginx!"
}
