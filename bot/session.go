package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// SessionID names a session: the decimal number of the call that started it.
// It is also the name of its folder, which is what makes a second start of the
// same call impossible.
type SessionID string

// Session is the id of the session that the call starts, if it starts one.
func (id CallID) Session() SessionID { return SessionID(strconv.FormatInt(int64(id), 10)) }

// Size is a terminal's window size in cells.
type Size struct {
	Cols, Rows uint16
}

// Spec is how to run a process. The runner knows nothing of chats or people.
type Spec struct {
	// Argv is the program and its arguments, exact bytes, no shell.
	Argv []string
	// Dir is the absolute working folder.
	Dir string
	// Env is the whole environment, as "NAME=value". Nothing is inherited.
	Env []string
	// PTY runs the process under a controlling terminal of this Size;
	// otherwise it has three pipes.
	PTY  bool
	Size Size
	// Timeout stops the session (as Stop does) after this long; 0 = never.
	Timeout time.Duration
	// Grace is the time between TERM and KILL; 0 means 5 s.
	Grace time.Duration
	// Budget is how many bytes of output are kept on disk, the first half and
	// the last half of them; 0 means 64 MiB.
	Budget int64
	// Nice is added to the scheduling priority, 0..19.
	Nice int
	// CPU bounds the processor time of a process; Memory bounds its address
	// space in bytes. 0 = no bound.
	CPU    time.Duration
	Memory int64
	// User is the account to run as, only when the daemon is root; empty means
	// the daemon's own.
	User string
}

// Opening is a command's wish for a new session.
type Opening struct {
	Spec  Spec
	Title string // the command as the person would recognise it, one line
	Name  string // a name to call it by; may be empty
	// Interactive sessions take plain text in their thread as input, and get
	// a topic of their own where the network has them.
	Interactive bool
	// Quiet says only how it ended.
	Quiet bool
	// Lock is a resource that it holds while it runs: refused when another
	// person has it, or with Wait put in line. Empty = none.
	Lock string
	Wait bool
}

// SessionState only moves forward.
type SessionState int

// The states of a session.
const (
	Starting SessionState = iota // recorded; its process may or may not exist
	Running
	Ended
)

// Session is a started Spec tied to a thread and an owner.
type Session struct {
	ID    SessionID
	Name  string
	Title string
	// Claim is who started it, and where.
	Claim Claim
	// Person is the starter's name on the allowlist.
	Person string
	// Thread is where its output goes now; Attach moves it.
	Thread Thread
	// Root is the message that its first page answers.
	Root        MessageID
	Interactive bool
	Quiet       bool
	PTY         bool
	Argv        []string
	Dir         string
	State       SessionState
	Started     time.Time
	Exit        Exit // meaningful once Ended

	// Progress of its output into the chat, written with each settled delivery.
	Progress Progress
}

// Progress is how much of a session's output has become pages.
type Progress struct {
	// Page numbers the page being filled, from 1. Each thread that a session
	// is moved to begins a new hundred.
	Page int
	// From is the journal offset, in bytes, at which that page begins.
	From int64
	// Said is the offset up to which the network has confirmed the output.
	Said int64
	// Told is true once the last word on the session is in the outbox.
	Told bool
}

// pagesPerThread is more than any thread gets.
const pagesPerThread = 100

// inThread numbers the page within its thread, from 1.
func (p Progress) inThread() int { return (p.Page-1)%pagesPerThread + 1 }

// Exit is how a session ended.
type Exit struct {
	// Code is the exit status 0..255, and -1 when there is none.
	Code int `json:"code"`
	// Signal is the name of the signal that ended it, such as "KILL"; empty
	// when it ended by itself.
	Signal string `json:"signal,omitempty"`
	// Reason is one of the Exit constants below.
	Reason ExitReason `json:"reason"`
	// Detail is an explanation for the person; may be empty.
	Detail string    `json:"detail,omitempty"`
	At     time.Time `json:"at"`
	// Open is true when processes that it started still hold its output.
	Open bool `json:"open,omitempty"`
}

// ExitReason is why a session ended.
type ExitReason string

// The reasons for the end of a session.
const (
	Exited    ExitReason = "exited"    // by itself: Code holds
	Signalled ExitReason = "signalled" // by a signal that we did not send
	Stopped   ExitReason = "stopped"   // by Stop or Kill
	TimedOut  ExitReason = "timeout"   // by its own time limit
	Lost      ExitReason = "lost"      // its holder died, or the machine went down
)

// String is the exit as a person would say it: "exit 0", "killed (KILL)".
func (e Exit) String() string {
	switch {
	case e.Reason == Lost:
		return "lost"
	case e.Reason == TimedOut:
		return "stopped at its time limit"
	case e.Reason == Stopped && e.Signal != "":
		return "stopped (" + e.Signal + ")"
	case e.Signal != "":
		return "killed by signal " + e.Signal
	default:
		return fmt.Sprintf("exit %d", e.Code)
	}
}

// Stream tells standard output from standard error.
type Stream uint8

// The streams. A terminal has only Stdout.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// Range is the bytes [From, To) of a session's output.
type Range struct {
	From, To int64
}

// Len is the number of bytes in the range.
func (r Range) Len() int64 { return r.To - r.From }

// Chunk is a piece of output: bytes from an offset on, all of one stream.
type Chunk struct {
	From   int64
	Stream Stream
	Data   []byte
	// Picture is the number of the picture among the text that Data is of, and so
	// is what is missing before it; 0 = Data is text. A Journal does not know.
	Picture int
}

// Status is what a runner knows of a session now.
type Status struct {
	ID SessionID
	// End is the length of the output so far, in bytes, gaps included.
	End int64
	// Exited is set once, after the last byte that Exit speaks of is in the
	// journal and synced.
	Exited bool
	Exit   Exit
	// Hidden is true while a terminal has its echo off: a password prompt.
	Hidden bool
	// Frames is the length of the pictures on the side channel so far, in
	// bytes, gaps included. Wait does not wait for it; Footage does.
	Frames int64
}

// Errors of a Runner and a Journal.
var (
	// ErrNoSession: the runner has no such session.
	ErrNoSession = errors.New("no such session")
	// ErrEnded: the session has ended, or its input is closed.
	ErrEnded = errors.New("session has ended")
	// ErrNoTerminal: the session has pipes and no terminal.
	ErrNoTerminal = errors.New("the session has no terminal")
	// ErrInputFull: the program does not read its input and the buffer is full.
	ErrInputFull = errors.New("the program is not reading its input")
	// ErrExists: the session was started before; it is never started again.
	ErrExists = errors.New("session exists")
)

// StartError is why a process could not be started, in words for the person.
// The session's folder is gone: the number is as good as never used.
type StartError struct {
	Text string // such as: no such program: pyton3; did you mean python3?
	Err  error
}

func (e *StartError) Error() string { return e.Text }
func (e *StartError) Unwrap() error { return e.Err }

// Runner runs processes that outlive the daemon. All methods may be called
// concurrently. bot/watch.go and the commands call it.
type Runner interface {
	// Start runs spec as session id and returns when the process exists. The
	// same id is never started twice: ErrExists. *StartError when it could not
	// be started.
	Start(ctx context.Context, id SessionID, spec Spec) error
	// Recover finds the sessions of an earlier daemon and attaches to those
	// alive. It may be called any number of times.
	Recover(ctx context.Context) ([]Status, error)
	// Control sends one order to a live session: ErrNoSession, ErrEnded,
	// ErrInputFull.
	Control(ctx context.Context, id SessionID, c Control) error
	// Wait blocks until the output is longer than seen bytes, the session has
	// exited, its terminal hides its input or no longer does, or ctx ends, and
	// returns the status. A change of Hidden while nobody waited is told to who
	// waits next; a negative seen is a look, which takes no such news away.
	// ErrNoSession.
	Wait(ctx context.Context, id SessionID, seen int64) (Status, error)
	// Journal opens the output for reading; close it. ErrNoSession.
	Journal(id SessionID) (Journal, error)
	// Screen is what the session's terminal shows now, or showed at its end: the
	// state after offset bytes of output, for Renderer.Window.
	// ErrNoSession, ErrNoTerminal.
	Screen(ctx context.Context, id SessionID) (state []byte, offset int64, err error)
	// ScreenAt is the same as of at bytes of output, or of the end when there
	// is less. Where output is not kept it is as near as can be known.
	ScreenAt(ctx context.Context, id SessionID, at int64) (state []byte, offset int64, err error)
	// Remove deletes an ended session's folder. It is no error if it is gone.
	Remove(id SessionID) error
}

// Control is an order to a session. Exactly one field is set.
type Control struct {
	// Input is written to the process's standard input or terminal.
	Input []byte
	// EOF closes standard input; on a terminal it types ^D.
	EOF bool
	// Resize sets the window size of a terminal.
	Resize *Size
	// Signal is sent to the whole process group; a name without SIG, such as
	// "INT", or a number.
	Signal string
	// Stop sends TERM to the whole process group and, after the grace period,
	// KILL. It returns at once.
	Stop bool
}

// Journal reads the output of a session, live or ended. It is safe for one
// goroutine.
type Journal interface {
	// Extent is what there is now: the ranges kept, in order, and the length
	// with gaps. There is at most one gap.
	Extent() (kept []Range, end int64)
	// Next returns output at or after from, at most max bytes, all of one
	// stream. Chunk.From is larger than from when the bytes in between are not
	// kept. Empty Data means that there is nothing at or after from now. The
	// data is the caller's to keep.
	Next(from int64, max int) (Chunk, error)
	// Marks calls f with the sizes and the times of the output, in order of
	// offset, until it returns false: first the size and the time that hold at
	// from, as far as they are known, then the later ones. Both are known from
	// where output kept behind a gap begins.
	Marks(from int64, f func(Mark) bool) error
	Close() error
}

// Mark is a fact about a session's output from an offset on. Exactly one of
// Time and Size is set.
type Mark struct {
	At   int64     // offset in bytes
	Time time.Time // the byte here was read then, to the millisecond
	Size Size      // the terminal had this size from here on
}
