package telegram

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Token is a bot's token as BotFather gives it: whoever has it is the bot. It
// never prints: every verb of fmt, slog and the encoders show a placeholder.
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

var tokenShape = regexp.MustCompile(`^[1-9][0-9]{0,15}:[A-Za-z0-9_-]{30,64}$`)

// ErrToken: the text is not a bot token.
var ErrToken = errors.New("not a bot token: want digits, a colon and about 35 letters, as @BotFather gives it")

// parse trims the token and checks its form; id is the bot's user id, which
// is the number in front of the colon.
func (t Token) parse() (clean Token, id int64, err error) {
	s := strings.TrimSpace(string(t))
	if !tokenShape.MatchString(s) {
		return "", 0, ErrToken
	}
	digits, _, _ := strings.Cut(s, ":")
	id, err = strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return "", 0, ErrToken
	}
	return Token(s), id, nil
}

// redactor replaces the token, its secret half alone, and both as they look
// percent-encoded in an address.
func (t Token) redactor() *strings.Replacer {
	_, secret, _ := strings.Cut(string(t), ":")
	pairs := []string{string(t), hidden, url.QueryEscape(string(t)), hidden}
	for _, form := range []string{
		secret,
		strings.NewReplacer("-", "%2D", "_", "%5F").Replace(secret),
		strings.NewReplacer("-", "%2d", "_", "%5f").Replace(secret),
	} {
		pairs = append(pairs, form, hidden)
	}
	return strings.NewReplacer(pairs...)
}
