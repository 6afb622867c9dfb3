package discord

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// Token is a bot's token as the developer portal gives it: whoever has it is
// the bot. It never prints: every verb of fmt, slog and the encoders show a
// placeholder.
type Token string

const hidden = "[hidden]"

// Format hides the token for every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String hides the token.
func (Token) String() string { return hidden }

// LogValue hides the token.
func (Token) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the token from encoders.
func (Token) MarshalText() ([]byte, error) { return []byte(hidden), nil }

var tokenShape = regexp.MustCompile(`^[A-Za-z0-9_-]{20,40}\.[A-Za-z0-9_-]{4,12}\.[A-Za-z0-9_-]{25,80}$`)

// ErrToken: the text is not a bot token.
var ErrToken = errors.New("not a bot token: want three parts with dots between, as the Bot page of the developer portal gives it")

// parse trims the token and checks its form; bot is the bot's user id, which
// is the first part.
func (t Token) parse() (clean Token, bot snowflake, err error) {
	s := strings.TrimSpace(string(t))
	s = strings.TrimPrefix(s, "Bot ")
	if !tokenShape.MatchString(s) {
		return "", 0, ErrToken
	}
	first, _, _ := strings.Cut(s, ".")
	digits, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return "", 0, ErrToken
	}
	bot, ok := parseSnowflake(string(digits))
	if !ok {
		return "", 0, ErrToken
	}
	return Token(s), bot, nil
}

// redactor replaces the token, and its two secret parts alone, also as they
// look percent-encoded in an address.
func (t Token) redactor() *strings.Replacer {
	_, secret, _ := strings.Cut(string(t), ".")
	_, key, _ := strings.Cut(secret, ".")
	var pairs []string
	for _, form := range []string{string(t), secret, key} {
		if form != "" {
			pairs = append(pairs, form, hidden, url.QueryEscape(form), hidden)
		}
	}
	return strings.NewReplacer(pairs...)
}
