package bot

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// CallID numbers the calls of one device, from 1, never reused.
type CallID int64

// Call is one named command to be run at most once.
type Call struct {
	ID CallID
	// Key is the Message.Key that caused it.
	Key     string
	Command string // Command.Name
	Args    Args
	// Claim is who asked, and where. Rights are looked up again at Begin.
	Claim Claim
	// Message is the one that asked: answers are replies to it.
	Message MessageID
	// ReplyTo is the message that it answered; empty when none.
	ReplyTo MessageID
	// Session is the session that the call is about, when the place it was
	// written in says so (a reply, a topic, a keypad). Empty when none.
	Session SessionID
	// Text is the call as the person wrote it, for records and questions.
	Text string
	// Files came with the message.
	Files []Attachment

	State    CallState
	Accepted time.Time
	Begun    time.Time // zero until begun
	Finished time.Time // zero until finished
	// Outcome is meaningful once finished; Detail says why, in a line.
	Outcome Outcome
	Detail  string
}

// CallState only moves forward.
type CallState int

// The states of a call.
const (
	Accepted  CallState = iota // on disk, not begun: may be run
	Begun                      // may have had an effect: never run again
	Completed                  // has its outcome
)

// Outcome is the one honest end of a call.
type Outcome int

// The outcomes of a call.
const (
	Done        Outcome = iota
	Failed              // the command said so
	Refused             // the person may not, or may not any more
	Late                // not run: it arrived late, and the person was asked
	Interrupted         // begun, and nobody knows whether it took effect
)

// String is the outcome in a word.
func (o Outcome) String() string {
	names := [...]string{"done", "failed", "refused", "late", "interrupted"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// Effect says what a command does to the world, and so how careful the record
// of it has to be.
type Effect int

const (
	// Reads changes nothing: its beginning is not synced to disk, and it runs
	// even when it arrives late.
	Reads Effect = iota
	// Changes is on disk, synced, before it has any effect, and is asked about
	// when it arrives late.
	Changes
	// Ends ends the machine or the daemon: as Changes, and it waits until the
	// network has confirmed that the message will not come again.
	Ends
)

// Args are the values of a call's arguments by Arg.Name. Each has been checked
// against its ArgKind by the parser. An absent argument has no entry.
type Args map[string][]string

// Text is the argument's first value, or "".
func (a Args) Text(name string) string {
	if v := a[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// List is all values of the argument.
func (a Args) List(name string) []string { return a[name] }

// Has reports whether the argument was given.
func (a Args) Has(name string) bool { return len(a[name]) > 0 }

// Int is the argument's value, or 0.
func (a Args) Int(name string) int {
	n, _ := strconv.Atoi(a.Text(name))
	return n
}

// Duration is the argument's value, or 0.
func (a Args) Duration(name string) time.Duration {
	d, _ := time.ParseDuration(a.Text(name))
	return d
}

// ArgKind is the shape of an argument's value.
type ArgKind int

// The kinds of arguments.
const (
	ArgText     ArgKind = iota // one word
	ArgWords                   // the remaining words, at least one when required; nothing after them is a flag
	ArgRest                    // the remaining text exactly as typed
	ArgInt                     // a decimal number from Min to Max
	ArgDuration                // as in 90s, 10m, 2h
	ArgSwitch                  // a flag without a value
	ArgSession                 // the id or name of a session
	ArgChoice                  // one of Choices
)

// Arg declares an argument. Flags come before the others.
type Arg struct {
	Name     string
	Summary  string
	Kind     ArgKind
	Required bool
	// Flag is true when it is given as --name VALUE (or --name for a switch).
	Flag bool
	// Many allows a flag to be repeated.
	Many bool
	// Path values name files or folders that are open to chats.
	Path    bool
	Choices []string
	// Min and Max bound an ArgInt; both 0 means no bound.
	Min, Max int
}

// Command is the declaration behind a name: help, menus, the README's table and
// authorization all come from it.
type Command struct {
	Name    string
	Aliases []string
	Group   string // heading in the help
	Summary string // one line, no full stop
	Help    string // the rest of the help; may be empty
	// Examples are complete lines, without the leading slash.
	Examples []string
	Args     []Arg
	Role     Role
	Effect   Effect
	// Control lets the call overtake a busy lane: it steers what runs there.
	Control bool
	// Aside lets the call run beside its lane: it takes long, and nothing else
	// in the thread has to wait for it.
	Aside bool
	// Attended keeps it out of schedules: it is of use only to somebody who is
	// there.
	Attended bool
	// Files takes the files that come with the message. Of any other command
	// they are put away by themselves.
	Files bool
	// Code takes a block of code in the message, as the arguments "code" and
	// "language"; the rest of the text has it not.
	Code bool
	// Reply is the argument that plain text becomes which replies to the
	// command's answer: the call is made once more with it. Empty: such text is
	// for sessions.
	Reply string
	// Hidden keeps it out of help and menus: it is reached by other means.
	Hidden bool
	// Timeout bounds Run; zero means the dispatcher's default.
	Timeout time.Duration
	// Run does the work. The context ends at the timeout and when the daemon
	// stops. A *UserError reaches the person as it is; any other error is
	// logged and reaches them as "internal error" with the call's number.
	Run func(ctx context.Context, req Request) error
}

// Request is a begun call on its way through a command.
type Request struct {
	Call      Call
	Principal Principal
	Reply     Replier
}

// Replier is what a command may do back while it runs. What it Says is kept
// until the command returns, and then recorded together with the outcome, so
// that the two can never disagree.
type Replier interface {
	// Say answers with a post, in the thread of the call, as a reply.
	Say(Post)
	// Show answers at once with a post that is not the outcome yet, such as how
	// far a download has come. The next Show replaces it, and what the command
	// Says in the end does.
	Show(ctx context.Context, p Post) error
	// Open starts a session tied to the call's thread and person. It returns
	// when the process runs, or a *UserError that says why it does not.
	Open(context.Context, Opening) (Session, error)
}

// UserError is an error whose text is meant for the person: one or two short
// lines that say what is wrong and what to do next.
type UserError struct {
	Text string
	// Buttons, if any, do what the text says, for the person alone.
	Buttons []Button
	// Err is the cause for the log; may be nil.
	Err error
}

func (e *UserError) Error() string { return e.Text }
func (e *UserError) Unwrap() error { return e.Err }

// post is the error as it is shown to the person, with the account that they
// act through.
func (e *UserError) post(to Account) Post {
	post := Plainf("%s", e.Text)
	if len(e.Buttons) > 0 {
		post.Keyboard = &Keyboard{Once: true, Only: to, Rows: [][]Button{e.Buttons}}
	}
	return post
}

// Userf is a UserError with a formatted text.
func Userf(format string, a ...any) *UserError {
	return &UserError{Text: fmt.Sprintf(format, a...)}
}
