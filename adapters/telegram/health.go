package telegram

import (
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"chapi/bot"
)

// standing is how the adapter is, in words for a person.
type standing struct {
	mu      sync.Mutex
	ok      bool
	state   string
	since   time.Time // since when state holds
	contact time.Time // last good poll
	// outage is when contact was lost; zero while there is some. It was tried
	// attempts times since.
	outage   time.Time
	attempts int
}

// set changes the state and reports whether it is another than before.
func (s *standing) set(ok bool, state string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.become(ok, state)
}

func (s *standing) become(ok bool, state string) (changed bool) {
	changed = s.state != state
	if changed {
		s.since = time.Now()
	}
	s.ok, s.state = ok, state
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
	return s.become(false, what+" since "+clock(s.outage))
}

// reached notes a good poll; state is what to show.
func (s *standing) reached(ok bool, state string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contact, s.outage = time.Now(), time.Time{}
	return s.become(ok, state)
}

func (s *standing) health() bot.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bot.Health{Name: Name, OK: s.ok, State: s.state, Contact: s.contact, Outage: s.outage, Attempts: s.attempts, Shared: s.state == conflictState}
}

// clock is a time as a person would say it today.
func clock(t time.Time) string {
	if time.Since(t) > 20*time.Hour {
		return t.Format("Jan 2 15:04")
	}
	return t.Format("15:04")
}

// outageOf names what keeps the server from being reached.
func outageOf(ce *callError) string {
	var cert x509.CertificateInvalidError
	switch {
	case errors.As(ce.Err, &cert) && cert.Reason == x509.Expired:
		// Also what a certificate "not yet valid" is reported as: a Pi without
		// a battery clock thinks it is years ago until it has asked the network.
		return "certificate refused (is this machine's clock right?)"
	case ce.Status != 0:
		return fmt.Sprintf("telegram is out of order (status %d)", ce.Status)
	default:
		return "no network"
	}
}
