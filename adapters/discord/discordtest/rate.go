package discordtest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// The rate limits: one bucket of so many calls per span for each route and
// channel, guild or application, and one for everything. The numbers are those
// seen for years; the real ones are told by headers only.
const (
	bucketCalls = 5
	bucketSpan  = 5 * time.Second
	renameCalls = 2
	renameSpan  = 10 * time.Minute
	readCalls   = 50 // GET calls per bucketSpan
	globalCalls = 50
	globalSpan  = time.Second
	banAfter    = 10_000 // invalid calls in banSpan (Rate Limits: Invalid Request Limit)
	banSpan     = 10 * time.Minute
	oldAge      = time.Hour // of a message whose edits are limited further
	oldEdits    = 3         // per oldEditSpan and channel
	oldEditSpan = 6 * time.Second
	maxBuckets  = 5000 // kept before idle ones go
)

// rates are the buckets by route and channel.
type rates struct {
	buckets map[string]*bucket
	global  bucket
}

// bucket allows so many calls from the first one until the span is over.
type bucket struct {
	used  int
	until time.Time
}

func (r *rates) init() { r.buckets = make(map[string]*bucket) }

// take lets a call pass, or returns how long to wait.
func (b *bucket) take(now time.Time, calls int, span time.Duration) (wait time.Duration) {
	if !now.Before(b.until) {
		b.used, b.until = 0, now.Add(span)
	}
	if b.used >= calls {
		return max(b.until.Sub(now), time.Millisecond)
	}
	b.used++
	return 0
}

// throttle lets a call pass, or refuses it with 429. The headers tell how the
// bucket stands. Interactions do not count globally (Rate Limits: Global). The
// caller holds the lock.
func (s *Server) throttle(rq *request) error {
	if !s.opts.Rates {
		return nil
	}
	now := s.now()
	if rq.route.token < 0 {
		if wait := s.rates.global.take(now, globalCalls, globalSpan); wait > 0 {
			return tooManyRequests(wait, "global")
		}
	}
	calls, span := bucketCalls, bucketSpan
	switch {
	case rq.route.verb == "GET":
		calls = readCalls
	case rq.route.name == "modifyChannel":
		calls, span = renameCalls, renameSpan
	}
	major := ""
	if len(rq.args) > 0 {
		major = rq.args[0]
		if rq.route.token == 1 {
			major = rq.args[1]
		}
	}
	key := rq.route.name + " " + major
	b := s.rates.buckets[key]
	if b == nil {
		if len(s.rates.buckets) >= maxBuckets {
			for old, one := range s.rates.buckets {
				if now.After(one.until) {
					delete(s.rates.buckets, old)
				}
			}
		}
		b = &bucket{}
		s.rates.buckets[key] = b
	}
	wait := b.take(now, calls, span)
	left := b.until.Sub(now).Seconds()
	rq.header.Set("X-RateLimit-Limit", strconv.Itoa(calls))
	rq.header.Set("X-RateLimit-Remaining", strconv.Itoa(calls-b.used))
	rq.header.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(b.until.UnixMilli())/1000))
	rq.header.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", math.Max(left, 0)))
	rq.header.Set("X-RateLimit-Bucket", rq.bucketName())
	if wait > 0 {
		return tooManyRequests(wait, "user")
	}
	return nil
}

// bucketName is the hash that the headers tell. Create and edit of messages
// tell the same one, and yet count apart.
func (rq *request) bucketName() string {
	name := rq.route.name
	if name == "editMessage" {
		name = "createMessage"
	}
	h := uint64(14695981039346656037)
	for _, b := range []byte(name) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return fmt.Sprintf("%016x%016x", h, h*0x9e3779b97f4a7c15)
}

// throttleOldEdit refuses too many edits of messages that are older than an
// hour, as a 429 with a code of its own.
func (c *Channel) throttleOldEdit(m *message) error {
	now := c.srv.now()
	if now.Sub(m.Date) <= oldAge {
		return nil
	}
	c.oldEdits = slices.DeleteFunc(c.oldEdits, func(t time.Time) bool { return now.Sub(t) >= oldEditSpan })
	if len(c.oldEdits) >= oldEdits {
		e := tooManyRequests(c.oldEdits[0].Add(oldEditSpan).Sub(now), "user")
		e.code, e.text = 30046, errorTexts[30046]
		return e
	}
	c.oldEdits = append(c.oldEdits, now)
	return nil
}

// invalidCount counts the calls that lead to a ban.
type invalidCount struct {
	total  int
	recent []time.Time // at most banAfter
}

func (s *Server) countInvalid(e *apiError) {
	if e.status != 401 && e.status != 403 && e.status != 429 || e.scope == "shared" || e.scope == "ban" {
		return
	}
	s.invalid.total++
	s.invalid.recent = append(s.invalid.recent, s.now())
	if extra := len(s.invalid.recent) - banAfter; extra > 0 {
		s.invalid.recent = slices.Delete(s.invalid.recent, 0, extra)
	}
}

// banned tells whether the caller has had too many calls refused.
func (s *Server) banned() bool {
	r := s.invalid.recent
	return len(r) >= banAfter && s.now().Sub(r[0]) < banSpan
}

func bannedError() *apiError {
	return &apiError{status: 429, text: "You are being blocked from accessing our API temporarily due to exceeding our rate limits frequently.",
		retryAfter: banSpan, scope: "ban"}
}
