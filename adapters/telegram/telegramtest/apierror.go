package telegramtest

import (
	"errors"
	"strconv"
)

// apiError is a refusal with the text of the real server.
type apiError struct {
	code       int
	text       string // with its prefix
	retryAfter int
	migrateTo  int64
}

func (e *apiError) Error() string { return e.text }

// errClientGone ends a call whose client no longer waits for the answer.
var errClientGone = errors.New("client gone")

// badRequest is a 400. As the real server does, it lower-cases the first
// letter unless the text looks like a code (fail_query_with_error).
func badRequest(text string) error {
	if len(text) >= 2 && text[1] != '_' && (text[1] < 'A' || text[1] > 'Z') && text[0] >= 'A' && text[0] <= 'Z' {
		text = string(text[0]+'a'-'A') + text[1:]
	}
	return &apiError{code: 400, text: "Bad Request: " + text}
}

func forbidden(text string) error { return &apiError{code: 403, text: "Forbidden: " + text} }

func tooManyRequests(seconds int) *apiError {
	return &apiError{code: 429, text: "Too Many Requests: retry after " + strconv.Itoa(seconds), retryAfter: seconds}
}

// append writes the error as the body of an answer.
func (e *apiError) append(b []byte) []byte {
	b = append(b, `{"ok":false,"error_code":`...)
	b = strconv.AppendInt(b, int64(e.code), 10)
	b = append(b, `,"description":`...)
	b = appendString(b, e.text)
	switch {
	case e.retryAfter > 0:
		b = append(b, `,"parameters":{"retry_after":`...)
		b = strconv.AppendInt(b, int64(e.retryAfter), 10)
		b = append(b, '}')
	case e.migrateTo != 0:
		b = append(b, `,"parameters":{"migrate_to_chat_id":`...)
		b = strconv.AppendInt(b, e.migrateTo, 10)
		b = append(b, '}')
	}
	return append(b, '}')
}
