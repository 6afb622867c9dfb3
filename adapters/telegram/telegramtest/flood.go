package telegramtest

import (
	"math"
	"time"
)

// The flood model: published numbers where there are any (Bot API FAQ: 1/s in
// a chat with bursts, 20/min in a group, 30/s in all; core.telegram.org/api
// setTyping: 20 per 5 s and 40 per 30 s).
const (
	privateBurst = 4
	maxRetry     = 240 // seconds; seen after steady over-editing
)

// rate allows n events in any span of time.
type rate struct {
	n    int
	span time.Duration
}

// window limits events by sliding windows, and remembers who does not wait.
type window struct {
	rates  []rate
	events []time.Time // newest last, as many as the largest rate looks back
	smooth float64     // events per second of a token bucket; 0 for none
	burst  float64
	tokens float64
	filled time.Time
	until  time.Time // the promise of the last refusal
	last   int       // its retry_after
}

func (c *Chat) initFlood() {
	c.typing.rates = []rate{{20, 5 * time.Second}, {40, 30 * time.Second}}
	if c.kind == PrivateChat {
		c.sends.smooth, c.sends.burst, c.sends.tokens = 1, privateBurst, privateBurst
		return
	}
	c.sends.rates = []rate{{20, time.Minute}}
}

// wait is the time until n more events fit.
func (w *window) wait(n int, now time.Time) time.Duration {
	var wait time.Duration
	for _, r := range w.rates {
		k := len(w.events) - r.n + min(n, r.n) - 1 // the event that has to leave first
		if k >= 0 {
			wait = max(wait, w.events[k].Add(r.span).Sub(now))
		}
	}
	if w.smooth > 0 {
		if !w.filled.IsZero() {
			w.tokens = min(w.burst, w.tokens+now.Sub(w.filled).Seconds()*w.smooth)
		}
		w.filled = now
		if need := min(float64(n), w.burst) - w.tokens; need > 1e-9 {
			wait = max(wait, time.Duration(need/w.smooth*float64(time.Second)))
		}
	}
	return wait
}

// count notes n events.
func (w *window) count(n int, now time.Time) {
	w.tokens -= float64(n)
	longest := 0
	for _, r := range w.rates {
		longest = max(longest, r.n)
	}
	for range min(n, longest) {
		w.events = append(w.events, now)
	}
	if extra := len(w.events) - longest; extra > 0 {
		w.events = append(w.events[:0], w.events[extra:]...)
	}
}

// refuse is the retry_after for a wait; it grows for those who call again
// before the time they were told.
func (w *window) refuse(wait time.Duration, now time.Time) error {
	seconds := max(int(math.Ceil(wait.Seconds())), 1)
	if now.Before(w.until) {
		seconds = max(seconds, min(w.last+w.last/2+1, maxRetry))
	}
	w.last, w.until = seconds, now.Add(time.Duration(seconds)*time.Second)
	return tooManyRequests(seconds)
}

// throttle lets n events of a chat pass, or answers 429. message tells that
// they count against the total of all chats too. A refused call counts
// nowhere. The caller holds the lock.
func (s *Server) throttle(w *window, n int, message bool) error {
	if !s.opts.Rates {
		return nil
	}
	now := s.now()
	if now.Before(w.until) {
		return w.refuse(w.until.Sub(now), now)
	}
	if s.flood.rates == nil {
		s.flood.rates = []rate{{30, time.Second}}
	}
	wait := w.wait(n, now)
	if message {
		wait = max(wait, s.flood.wait(n, now))
	}
	if wait > 0 {
		return w.refuse(wait, now)
	}
	w.count(n, now)
	if message {
		s.flood.count(n, now)
	}
	return nil
}
