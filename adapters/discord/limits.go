package discord

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxKnown bounds every table that forgets.
const maxKnown = 1024

// put stores a value and forgets some other one when there are too many.
func put[K comparable, V any](m map[K]V, key K, value V) {
	if _, known := m[key]; !known && len(m) >= maxKnown {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[key] = value
}

// limits knows how often each route may still be called, as the server
// announces it (docs.discord.com/developers/topics/rate-limits). What it has
// not announced is not limited here. Its zero value is ready.
type limits struct {
	mu     sync.Mutex
	routes map[string]*allowance
	until  time.Time // nothing at all goes out before
}

// allowance is what is left of a route's limit until it is renewed.
type allowance struct {
	left  int
	reset time.Time
}

// take takes one call of the route, or tells how long to wait for one.
func (l *limits) take(route string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.until.Sub(now); wait > 0 {
		return wait
	}
	a := l.routes[route]
	if a == nil || !now.Before(a.reset) {
		return 0
	}
	if a.left <= 0 {
		return a.reset.Sub(now)
	}
	a.left--
	return 0
}

// learn reads the headers of an answer. Malformed ones say nothing.
func (l *limits) learn(route string, h http.Header, now time.Time) {
	left, errLeft := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, errAfter := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if errLeft != nil || errAfter != nil || after < 0 || after > 1e6 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set(route, allowance{left, now.Add(time.Duration(after * float64(time.Second)))})
}

// rest forbids a route, or with an empty one everything, for a time.
func (l *limits) rest(route string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if route != "" {
		l.set(route, allowance{0, until})
	} else if l.until.Before(until) {
		l.until = until
	}
}

func (l *limits) set(route string, a allowance) {
	if l.routes == nil {
		l.routes = make(map[string]*allowance)
	}
	put(l.routes, route, &a)
}

const (
	// invalidSpan is the time over which the network counts refused calls; at
	// 10 000 it bans the address (docs.discord.com/developers/topics/rate-limits).
	invalidSpan = 10 * time.Minute
	// invalidMost is where we stop by ourselves.
	invalidMost = 500
)

// invalid counts refused calls. Its zero value is ready.
type invalid struct {
	mu    sync.Mutex
	times [invalidMost]time.Time // ring, the oldest at next
	next  int
}

// count notes an answer.
func (v *invalid) count(status int, scope string, now time.Time) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
	case http.StatusTooManyRequests:
		if scope == "shared" {
			return
		}
	default:
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.times[v.next] = now
	v.next = (v.next + 1) % len(v.times)
}

// wait is how long to make no calls; 0 in all but very bad times.
func (v *invalid) wait(now time.Time) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	oldest := v.times[v.next]
	if oldest.IsZero() {
		return 0
	}
	return max(invalidSpan-now.Sub(oldest), 0)
}

// clock knows the server's time. Ages of messages are taken by it: this
// machine's own clock may be years off. Its zero value knows nothing.
type clock struct {
	at atomic.Pointer[reading]
}

// reading is a time of the server and when it was read, by the clock that no
// setting of the time changes.
type reading struct{ server, here time.Time }

// set takes the Date header of an answer.
func (c *clock) set(date string, now time.Time) {
	if t, err := http.ParseTime(date); err == nil {
		c.at.Store(&reading{t, now})
	}
}

// now is the server's time, at most some seconds late and never early. known
// is false before the first answer; it is this machine's time then.
func (c *clock) now() (t time.Time, known bool) {
	r := c.at.Load()
	if r == nil {
		return time.Now(), false
	}
	return r.server.Add(time.Since(r.here)), true
}
