package discord

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"chapi/bot"
)

// patience is how long the network may be away before a person should look.
const patience = time.Minute

// standing is how the adapter is, in words for a person.
type standing struct {
	mu      sync.Mutex
	ok      bool
	state   string
	contact time.Time // last sign of life from the gateway
	// patient states are for a person only after a while.
	patient bool
	// outage is when contact was lost; zero while there is some. It was tried
	// attempts times since.
	outage   time.Time
	attempts int
	// advice is what could be better while all is well, by what it is about.
	advice map[string]string
}

// set changes the state and reports whether it is another than before.
func (s *standing) set(ok bool, state string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.become(ok, state, false)
}

func (s *standing) become(ok bool, state string, patient bool) (changed bool) {
	changed = s.state != state
	s.ok, s.state, s.patient = ok, state, patient
	return changed
}

// lost says that the server cannot be reached, and since when.
func (s *standing) lost(what string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage.IsZero() {
		s.outage, s.attempts = time.Now(), 0
	}
	s.attempts++
	return s.become(false, what+" since "+clockTime(s.outage), true)
}

// connected is the state while all is well.
const connected = "connected"

// reached notes that the gateway is there.
func (s *standing) reached() (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact, s.outage = time.Now(), time.Time{}
	return s.become(true, connected, false)
}

// alive notes a sign of life.
func (s *standing) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact = time.Now()
}

// advise notes what could be better about something; an empty text takes it
// back. It reports whether that is news.
func (s *standing) advise(about, text string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.advice[about] == text {
		return false
	}
	if s.advice == nil {
		s.advice = make(map[string]string)
	}
	if text == "" {
		delete(s.advice, about)
	} else {
		put(s.advice, about, text)
	}
	return true
}

// lacks notes which permissions are missing in a channel.
func (s *standing) lacks(channel string, names []string) (changed bool) {
	text := ""
	if len(names) > 0 {
		text = fmt.Sprintf("missing in #%s: %s", channel, strings.Join(names, ", "))
	}
	return s.advise("channel "+channel, text)
}

// maxAdvice is how many pieces of advice a state shows.
const maxAdvice = 3

func (s *standing) health() bot.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := bot.Health{Name: Name, OK: s.ok, State: s.state, Contact: s.contact, Outage: s.outage, Attempts: s.attempts}
	if s.patient && time.Since(s.outage) < patience {
		h.OK = true
	}
	if s.state == connected {
		for i, about := range slices.Sorted(maps.Keys(s.advice)) {
			if i == maxAdvice {
				break
			}
			h.State += "; " + s.advice[about]
		}
	}
	return h
}

// clockTime is a time as a person would say it today.
func clockTime(t time.Time) string {
	if time.Since(t) > 20*time.Hour {
		return t.Format("Jan 2 15:04")
	}
	return t.Format("15:04")
}
