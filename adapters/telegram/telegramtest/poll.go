package telegramtest

import (
	"strings"
	"sync"
	"time"
)

// Pacing of getUpdates (tdlib/telegram-bot-api Client.cpp). These run in real
// time: they pace real requests.
const (
	maxPoll       = 50 // seconds
	conflictPause = 3 * time.Second
	sameOffset    = 3 * time.Second        // a short poll with the same offset is stretched
	sameOffsetOne = 500 * time.Millisecond // ... and limited to one update
)

const (
	conflictWebhook = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
	conflictSet     = "Conflict: terminated by setWebhook request"
	conflictOther   = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)

// poller is the state of getUpdates: at most one call waits.
type poller struct {
	waiting      *poll
	lastOffset   int
	lastStart    time.Time
	nextConflict time.Time
}

// poll is a waiting getUpdates call.
type poll struct {
	offset, limit int
	timeout       time.Duration
	result        chan pollResult // buffered, written once
}

type pollResult struct {
	updates []update
	refused *apiError
	pause   time.Duration // before a refusal is answered
	never   bool          // a black hole: no answer
}

func (p *poller) finish(r pollResult) {
	if p.waiting != nil {
		p.waiting.result <- r
		p.waiting = nil
	}
}

// drop leaves a waiting call without an answer.
func (p *poller) drop() { p.finish(pollResult{never: true}) }

// fail refuses a waiting call.
func (p *poller) fail(e *apiError, pause time.Duration) {
	p.finish(pollResult{refused: e, pause: pause})
}

// conflict is the pause before a 409: the first is immediate, the next within
// three seconds wait that long.
func (p *poller) conflict() time.Duration {
	now := time.Now()
	if now.Before(p.nextConflict) {
		return conflictPause
	}
	p.nextConflict = now.Add(conflictPause)
	return 0
}

// restart moves a waiting call to another numbering. Without it the offset of
// the old numbering could confirm updates of the new one.
func (p *poller) restart(offset int) {
	if p.waiting != nil {
		p.waiting.offset = offset
	}
}

// wake answers a waiting call if there is something for it.
func (p *poller) wake(s *Server) {
	if p.waiting == nil {
		return
	}
	if updates, _ := s.queue.take(p.waiting.offset, p.waiting.limit, s.now()); len(updates) > 0 {
		p.finish(pollResult{updates: updates})
	}
}

// getUpdates confirms, answers or waits. It takes the lock itself.
func (s *Server) getUpdates(rq *request) error {
	offset := rq.integer("offset", 0, -1<<31, 1<<31-1)
	limit := rq.integer("limit", 100, 1, 100)
	timeout := time.Duration(rq.integer("timeout", 0, 0, maxPoll)) * time.Second
	r, waiting := s.startPoll(offset, limit, timeout, rq.arg("allowed_updates"))
	if waiting != nil {
		r = s.await(waiting, rq.http.Context().Done())
	}
	switch {
	case r.never:
		select {
		case <-rq.http.Context().Done():
		case <-s.link.closing:
		}
		return errClientGone
	case r.refused != nil:
		if r.pause > 0 {
			t := time.NewTimer(r.pause)
			defer t.Stop()
			select {
			case <-t.C:
			case <-rq.http.Context().Done():
				return errClientGone
			case <-s.link.closing:
				return errClientGone
			}
		}
		return r.refused
	}
	rq.out = appendUpdates(rq.out, r.updates)
	return nil
}

// startPoll looks at the queue once. With a poll it has become the waiting
// call, and an older one has been ended.
func (s *Server) startPoll(offset, limit int, timeout time.Duration, allowed string) (pollResult, *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &s.poller
	if s.webhook != "" {
		return pollResult{refused: &apiError{code: 409, text: conflictWebhook}, pause: p.conflict()}, nil
	}
	s.queue.allow(allowed)
	start := time.Now()
	if offset == p.lastOffset && !p.lastStart.IsZero() {
		if timeout < sameOffset && start.Sub(p.lastStart) < sameOffset {
			timeout = sameOffset
		}
		if start.Sub(p.lastStart) < sameOffsetOne {
			limit = 1
		}
	}
	p.lastOffset, p.lastStart = offset, start
	updates, changed := s.queue.take(offset, limit, s.now())
	if changed {
		s.notify()
	}
	if len(updates) > 0 || timeout == 0 {
		return pollResult{updates: updates}, nil
	}
	if p.waiting != nil {
		p.fail(&apiError{code: 409, text: conflictOther}, p.conflict())
	}
	if offset <= 0 {
		offset = s.queue.head()
	}
	p.waiting = &poll{offset: offset, limit: limit, timeout: timeout, result: make(chan pollResult, 1)}
	s.notify()
	return pollResult{}, p.waiting
}

// await waits for the answer to a waiting call.
func (s *Server) await(p *poll, gone <-chan struct{}) pollResult {
	t := time.NewTimer(p.timeout)
	defer t.Stop()
	select {
	case r := <-p.result:
		return r
	case <-t.C:
	case <-gone:
	case <-s.link.closing:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poller.waiting != p { // answered in this very moment
		return <-p.result
	}
	s.poller.waiting = nil
	s.notify()
	updates, _ := s.queue.take(p.offset, p.limit, s.now())
	return pollResult{updates: updates}
}

// Polling tells whether a getUpdates call is waiting at this moment.
func (s *Server) Polling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poller.waiting != nil
}

// SetWebhook sets a webhook as another program with the token would: it ends
// a waiting getUpdates with 409, and later ones are refused until
// deleteWebhook.
func (s *Server) SetWebhook(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.startWebhook(url)
}

func (s *Server) startWebhook(url string) {
	s.webhook = url
	if s.poller.waiting != nil {
		s.poller.fail(&apiError{code: 409, text: conflictSet}, s.poller.conflict())
	}
	s.notify()
}

// setWebhook stores the address; nothing is ever sent to it.
func (s *Server) setWebhook(rq *request) error {
	url := rq.arg("url")
	if url == "" {
		return s.deleteWebhook(rq)
	}
	if !strings.HasPrefix(url, "https://") {
		return badRequest("bad webhook: An HTTPS URL must be provided for webhook")
	}
	if rq.flag("drop_pending_updates") {
		s.queue.drop(len(s.queue.updates))
	}
	s.queue.allow(rq.arg("allowed_updates"))
	s.startWebhook(url)
	return rq.success()
}

func (s *Server) deleteWebhook(rq *request) error {
	if rq.flag("drop_pending_updates") {
		s.queue.drop(len(s.queue.updates))
	}
	s.webhook = ""
	return rq.success()
}

func (s *Server) getWebhookInfo(rq *request) error {
	s.queue.expire(s.now())
	b := append(rq.out, '{')
	b = member(b, "url", s.webhook)
	b = append(key(b, "has_custom_certificate"), "false"...)
	b = memberInt(b, "pending_update_count", len(s.queue.updates))
	if names := s.queue.list(); names != nil {
		b = append(key(b, "allowed_updates"), '[')
		for i, n := range names {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, n)
		}
		b = append(b, ']')
	}
	rq.out = append(b, '}')
	return nil
}

// SecondPoller starts another program with the same token that polls with
// offset 0 (it confirms nothing) and timeout 50, again and again, until stop
// is called. The older waiting request of the two is ended with 409; after one
// of its own the program waits a second. Its calls are not in Calls.
func (s *Server) SecondPoller() (stop func()) {
	gone := make(chan struct{})
	var program sync.WaitGroup
	program.Go(func() {
		for {
			// Whatever is answered, the program tries again.
			if _, waiting := s.startPoll(0, 100, maxPoll*time.Second, ""); waiting != nil {
				s.await(waiting, gone)
			}
			t := time.NewTimer(time.Second)
			select {
			case <-t.C:
			case <-gone:
				t.Stop()
				return
			case <-s.link.closing:
				t.Stop()
				return
			}
		}
	})
	return sync.OnceFunc(func() { close(gone); program.Wait() })
}
