package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// apiError is a refusal with the code of the real server (Reference: Error
// Messages, Opcodes and Status Codes: JSON).
type apiError struct {
	status     int
	code       int // of the JSON
	text       string
	fields     *formErrors // of an invalid form
	retryAfter time.Duration
	scope      string // of a 429: user, global or shared
	bare       bool   // a 429 that does not tell when
}

func (e *apiError) Error() string {
	if e.fields != nil {
		return e.text + " " + e.fields.String()
	}
	return e.text
}

// errClientGone ends a call whose client no longer waits for the answer.
var errClientGone = errors.New("client gone")

// errorTexts are the messages of the codes that this server uses.
var errorTexts = map[int]string{
	10002:  "Unknown Application",
	10003:  "Unknown Channel",
	10004:  "Unknown Guild",
	10007:  "Unknown Member",
	10008:  "Unknown Message",
	10013:  "Unknown User",
	10014:  "Unknown Emoji",
	10015:  "Unknown Webhook",
	10062:  "Unknown interaction",
	10063:  "Unknown application command",
	20012:  "You are not authorized to perform this action on this application",
	20016:  "This action cannot be performed due to slowmode rate limit",
	20028:  "The write action you are performing on the channel has hit the write rate limit",
	30010:  "Maximum number of reactions reached (20)",
	30015:  "Maximum number of attachments in a message reached (10)",
	30032:  "Maximum number of application commands reached (100)",
	30034:  "Max number of daily application command creates has been reached (200)",
	30046:  "Maximum number of edits to messages older than 1 hour reached. Try again later",
	40003:  "You are opening direct messages too fast",
	40005:  "Request entity too large. Try sending something smaller in size",
	40058:  "Cannot message this channel until you've made a post",
	40060:  "Interaction has already been acknowledged",
	40062:  "Service resource is being rate limited",
	40067:  "A tag is required to create a forum post in this channel",
	40333:  "internal network error",
	50001:  "Missing Access",
	50003:  "Cannot execute action on a DM channel",
	50005:  "Cannot edit a message authored by another user",
	50006:  "Cannot send an empty message",
	50007:  "Cannot send messages to this user",
	50008:  "Cannot send messages in a non-text channel",
	50013:  "Missing Permissions",
	50016:  "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete",
	50021:  "Cannot execute action on a system message",
	50024:  "Cannot execute action on this channel type",
	50027:  "Invalid Webhook Token",
	50033:  "Invalid Recipient(s)",
	50034:  "A message provided was too old to bulk delete",
	50035:  "Invalid Form Body",
	50041:  "Invalid API version provided",
	50045:  "File uploaded exceeds the maximum size",
	50083:  "Operation cannot be performed on an archived thread",
	50109:  "The request body contains invalid JSON.",
	50146:  "Uploaded file not found",
	50278:  "Cannot send messages to this user due to having no mutual guilds",
	160002: "You cannot reply without permission to read message history",
	160004: "A thread has already been created for this message",
	160005: "Thread is locked",
	160006: "Maximum number of active threads reached",
}

func refuse(status, code int) *apiError {
	return &apiError{status: status, code: code, text: errorTexts[code]}
}

func badRequest(code int) *apiError { return refuse(400, code) }
func forbidden(code int) *apiError  { return refuse(403, code) }
func notFound(code int) *apiError   { return refuse(404, code) }

func unauthorized() *apiError { return &apiError{status: 401, text: "401: Unauthorized"} }
func unknownRoute() *apiError { return &apiError{status: 404, text: "404: Not Found"} }
func wrongMethod() *apiError  { return &apiError{status: 405, text: "405: Method Not Allowed"} }
func tooLarge() *apiError     { return refuse(413, 40005) }

func tooManyRequests(wait time.Duration, scope string) *apiError {
	text := "You are being rate limited."
	if scope == "shared" {
		text = "The resource is being rate limited."
	}
	return &apiError{status: 429, text: text, retryAfter: wait, scope: scope}
}

// body is the JSON of the error.
func (e *apiError) body() []byte {
	out := map[string]any{"message": e.text, "code": e.code}
	if e.fields != nil {
		out["errors"] = e.fields.tree()
	}
	if e.status == 429 {
		if !e.bare {
			out["retry_after"] = e.retryAfter.Seconds()
		}
		out["global"] = e.scope == "global"
		if e.code == 0 {
			delete(out, "code")
		}
	}
	return encode(out)
}

// formErrors are the errors of a form, by path.
type formErrors struct{ byPath map[string][]fieldError }

type fieldError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// invalid is an error for one field, whose path has dots.
func invalid(path, code, message string) *apiError {
	f := &formErrors{}
	f.add(path, code, message)
	return f.err().(*apiError)
}

func (f *formErrors) add(path, code, message string) {
	if f.byPath == nil {
		f.byPath = make(map[string][]fieldError)
	}
	f.byPath[path] = append(f.byPath[path], fieldError{code, message})
}

// err is the refusal, nil when there is nothing to refuse.
func (f *formErrors) err() error {
	if len(f.byPath) == 0 {
		return nil
	}
	return &apiError{status: 400, code: 50035, text: errorTexts[50035], fields: f}
}

// tree is the nested form in which the API tells of them.
func (f *formErrors) tree() map[string]any {
	root := map[string]any{}
	for path, list := range f.byPath {
		at := root
		for _, step := range strings.Split(path, ".") {
			if step == "" {
				continue
			}
			next, ok := at[step].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[step] = next
			}
			at = next
		}
		at["_errors"] = list
	}
	return root
}

func (f *formErrors) String() string {
	var b strings.Builder
	for i, path := range slices.Sorted(maps.Keys(f.byPath)) {
		if i > 0 {
			b.WriteString("; ")
		}
		for _, e := range f.byPath[path] {
			fmt.Fprintf(&b, "%s: %s: %s", path, e.Code, e.Message)
		}
	}
	return b.String()
}

// The errors of fields that occur in many places.
func (f *formErrors) required(path string) {
	f.add(path, "BASE_TYPE_REQUIRED", "This field is required")
}

func (f *formErrors) tooLong(path string, most int) {
	f.add(path, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", most))
}

func (f *formErrors) badLength(path string, least, most int) {
	f.add(path, "BASE_TYPE_BAD_LENGTH", fmt.Sprintf("Must be between %d and %d in length.", least, most))
}

func (f *formErrors) choice(path string, value any, choices string) {
	f.add(path, "BASE_TYPE_CHOICES", fmt.Sprintf("Value %v must be one of {%s}.", value, choices))
}

// present tells whether a member of a JSON object is there and not null.
func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }
