package config

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden stands for a secret wherever it is shown.
const hidden = "[hidden]"

// Secret is a text that shows as hidden wherever it is printed, logged or
// marshalled. The zero value is no secret at all and shows as nothing.
type Secret struct {
	// A pointer, because fmt calls no methods on what is in unexported fields:
	// of a pointer it shows the address.
	value *string
}

// NewSecret wraps a text. No text is no secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal is the text itself, for the one place that needs it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal compares two secrets.
func (s Secret) Equal(o Secret) bool { return s.Reveal() == o.Reveal() }

func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format hides the text from every verb, also from %#v and %x.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// MarshalText hides the text from JSON, XML and flags.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML hides the text from YAML.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue hides the text from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
