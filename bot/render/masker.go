package render

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"chapi/bot"
)

// The bounds of a Masker, in bytes of a secret and in secrets.
const (
	minSecret  = 8
	maxSecret  = 8 << 10
	maxSecrets = 200
)

// The reasons for which a Masker does not take a secret.
var (
	// ErrShortSecret: fewer than 8 bytes. So short a string stands in
	// harmless output by chance, which would show where it is.
	ErrShortSecret = errors.New("shorter than 8 bytes")
	// ErrLongSecret: more than 8 KiB. Output is held back for as long as it
	// may be part of a secret.
	ErrLongSecret = errors.New("longer than 8 KiB")
	// ErrManySecrets: 200 are known already.
	ErrManySecrets = errors.New("too many secrets")
)

// Masker hides secrets, as they are and as base64, hexadecimal,
// percent-encoded or JSON text contains them. It implements bot.Masker. The
// zero value knows no secret, and then costs nothing. It must not be copied.
//
// Secrets are found from left to right, the one that ends first first, and
// never again in what has been overwritten. How a stream is cut makes no
// difference if the held bytes are offered again.
type Masker struct {
	current atomic.Pointer[automaton] // nil = no secret

	mu      sync.Mutex // held by Add
	secrets map[string]bool
}

var _ bot.Masker = (*Masker)(nil)

// NewMasker makes a masker of the secrets. Those that Add refuses are left
// out: empty ones, say, of what is not configured.
func NewMasker(secrets ...string) *Masker {
	m := new(Masker)
	_ = m.add(secrets)
	return m
}

// Add hides one more secret from now on; one that is known already is no
// error. Otherwise the error is ErrShortSecret, ErrLongSecret or
// ErrManySecrets; it does not contain the secret.
func (m *Masker) Add(secret string) error { return m.add([]string{secret}) }

func (m *Masker) add(secrets []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var refused error
	before := len(m.secrets)
	for _, s := range secrets {
		switch {
		case m.secrets[s]:
		case len(s) < minSecret:
			refused = fmt.Errorf("mask secret: %w", ErrShortSecret)
		case len(s) > maxSecret:
			refused = fmt.Errorf("mask secret: %w", ErrLongSecret)
		case len(m.secrets) == maxSecrets:
			refused = fmt.Errorf("mask secret: %w", ErrManySecrets)
		default:
			if m.secrets == nil {
				m.secrets = make(map[string]bool)
			}
			m.secrets[s] = true
		}
	}
	if len(m.secrets) > before {
		var patterns [][]byte
		for s := range m.secrets {
			patterns = append(patterns, forms(s)...)
		}
		if patterns = closed(patterns); len(patterns) > 0 {
			m.current.Store(newAutomaton(patterns))
		}
	}
	return refused
}

// Mask overwrites the secrets in p with asterisks. held is how many bytes at
// the end of p may be the beginning of one: they are to be offered again with
// what follows, and stand for themselves if nothing does. No complete secret
// is among them.
func (m *Masker) Mask(p []byte) (held int) {
	a := m.current.Load()
	if a == nil {
		return 0
	}
	held, _ = a.mask(p)
	return held
}

// Text is s with asterisks in place of the secrets.
func (m *Masker) Text(s string) string {
	a := m.current.Load()
	if a == nil || len(s) < a.shortest {
		return s
	}
	p := []byte(s)
	if _, hit := a.mask(p); !hit {
		return s
	}
	return string(p)
}
