package holder

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// Version numbers the protocol and the records. A holder lives as long as its
// session, so a newer daemon has to understand every version that was ever
// released; messages and fields are only added.
const Version = 1

// maxFrame bounds a message. The largest is a Start: the kernel takes at most
// some 2 MiB of arguments and environment, and JSON may double them.
const maxFrame = 6 << 20

// ErrTooLong: the message was not sent, it is over the limit.
var ErrTooLong = errors.New("message to holder is too long")

// Message is what goes over the socket between a daemon and a holder: its
// length in four bytes, the highest first, and then JSON. Exactly one field is
// set; a message with none that is known is ignored.
type Message struct {
	Hello  *Hello  `json:"hello,omitempty"`
	Start  *Start  `json:"start,omitempty"`
	Begun  *Begun  `json:"begun,omitempty"`
	Order  *Order  `json:"order,omitempty"`
	Ack    *Ack    `json:"ack,omitempty"`
	Status *Status `json:"status,omitempty"`
}

// Hello is the first message in each direction.
type Hello struct {
	Version int      `json:"version"`
	Holder  Identity `json:"holder,omitzero"`
	// Status is that of the session, when the holder has one, and Size that of
	// its terminal.
	Status *Status  `json:"status,omitempty"`
	Size   bot.Size `json:"size,omitzero"`
}

// Start asks an idle holder to start a session in Dir/ID.
type Start struct {
	Dir  exact         `json:"dir"`
	ID   bot.SessionID `json:"id"`
	Spec specRecord    `json:"spec"`
}

// NewStart is the request to run spec as session id in the folder of sessions.
func NewStart(dir string, id bot.SessionID, spec bot.Spec) *Start {
	return &Start{Dir: exact(dir), ID: id, Spec: record(spec)}
}

// Begun answers Start.
type Begun struct {
	ID bot.SessionID `json:"id"`
	// Kind is empty when the process exists.
	Kind Refusal `json:"kind,omitempty"`
	Text string  `json:"text,omitempty"`
}

// Refusal is why a holder did not start a session.
type Refusal string

// The refusals.
const (
	Exists   Refusal = "exists"   // its folder is there
	Unusable Refusal = "unusable" // Text says to the person why the program cannot be run
	Broken   Refusal = "broken"   // the machine refused; Text is for the log
)

// Err is the refusal as package bot knows it; nil when there is none.
func (b *Begun) Err() error {
	switch b.Kind {
	case "":
		return nil
	case Exists:
		return bot.ErrExists
	case Unusable:
		return &bot.StartError{Text: b.Text}
	default:
		return fmt.Errorf("start session %s: %s", b.ID, b.Text)
	}
}

// Order is a bot.Control on its way. Each is answered by an Ack with its
// number.
type Order struct {
	Seq     uint64        `json:"seq"`
	ID      bot.SessionID `json:"id"`
	Control bot.Control   `json:"control"`
	// Release lets go of the output that processes left behind still hold.
	Release bool `json:"release,omitempty"`
	// Screen asks for what the terminal shows. A holder of a version before
	// this field, or one that cannot tell, acknowledges it without.
	Screen bool `json:"screen,omitempty"`
}

// Ack answers an Order.
type Ack struct {
	Seq  uint64 `json:"seq"`
	Kind string `json:"kind,omitempty"` // empty when done, or one of the ack constants
	Text string `json:"text,omitempty"`
	// Screen is the state of the terminal after Offset bytes of output, see
	// Checkpoint; empty when there is none.
	Screen []byte `json:"state,omitempty"`
	Offset int64  `json:"offset,omitempty"`
}

const (
	ackEnded = "ended"
	ackFull  = "full"
	ackUser  = "user"
	ackOther = "other"
)

func newAck(seq uint64, err error) *Ack {
	switch e := err.(type) {
	case nil:
		return &Ack{Seq: seq}
	case *bot.UserError:
		return &Ack{Seq: seq, Kind: ackUser, Text: e.Text}
	}
	switch err {
	case bot.ErrEnded:
		return &Ack{Seq: seq, Kind: ackEnded}
	case bot.ErrInputFull:
		return &Ack{Seq: seq, Kind: ackFull}
	}
	return &Ack{Seq: seq, Kind: ackOther, Text: err.Error()}
}

// Err is what came of the order, as package bot knows it.
func (a *Ack) Err() error {
	switch a.Kind {
	case "":
		return nil
	case ackEnded:
		return bot.ErrEnded
	case ackFull:
		return bot.ErrInputFull
	case ackUser:
		return &bot.UserError{Text: a.Text}
	default:
		return fmt.Errorf("control session: %s", a.Text)
	}
}

// Status is a bot.Status on its way.
type Status struct {
	ID     bot.SessionID `json:"id"`
	End    int64         `json:"end"`
	Hidden bool          `json:"hidden,omitempty"`
	// Frames is the length of the pictures on the side channel, in bytes.
	Frames int64 `json:"frames,omitempty"`
	// Exit is set once the session has exited.
	Exit *bot.Exit `json:"exit,omitempty"`
	// Done: nothing more will come of this session. A holder that was started
	// by this daemon is idle again.
	Done bool `json:"done,omitempty"`
}

// Bot is the status in the words of package bot.
func (s *Status) Bot() bot.Status {
	b := bot.Status{ID: s.ID, End: s.End, Hidden: s.Hidden, Frames: s.Frames}
	if s.Exit != nil {
		b.Exited, b.Exit = true, *s.Exit
	}
	return b
}

// Conn carries messages. One goroutine may Receive; any may Send.
type Conn struct {
	c  net.Conn
	in *bufio.Reader

	mu sync.Mutex // held while writing
}

// NewConn takes over a connected unix socket.
func NewConn(c net.Conn) *Conn { return &Conn{c: c, in: bufio.NewReaderSize(c, 2048)} }

// Send writes a message. It blocks while the other side does not read, until
// Expire or Close.
func (c *Conn) Send(m Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("send to holder: %w", err)
	}
	if len(body) > maxFrame {
		return ErrTooLong
	}
	frame := append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.c.Write(frame)
	return err
}

// Receive reads the next message. It blocks until there is one or the
// connection ends (io.EOF), in the middle of a message too.
func (c *Conn) Receive() (Message, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return Message{}, io.EOF
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return Message{}, fmt.Errorf("receive from holder: message of %d bytes is over the limit of %d", n, maxFrame)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.in, body); err != nil {
		return Message{}, io.EOF
	}
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return Message{}, fmt.Errorf("receive from holder: %w", err)
	}
	return m, nil
}

// Greet exchanges the first messages with a holder that was dialled, within a
// bound, and returns what the holder says of its session.
func (c *Conn) Greet(most time.Duration) (*Hello, error) {
	c.c.SetDeadline(time.Now().Add(most))
	defer c.c.SetDeadline(time.Time{})
	if err := c.Send(Message{Hello: &Hello{Version: Version}}); err != nil {
		return nil, err
	}
	return c.greeting()
}

// Await waits, within a bound, for the first message of a holder that was just
// executed.
func (c *Conn) Await(most time.Duration) (*Hello, error) {
	c.c.SetDeadline(time.Now().Add(most))
	defer c.c.SetDeadline(time.Time{})
	return c.greeting()
}

func (c *Conn) greeting() (*Hello, error) {
	m, err := c.Receive()
	if err != nil {
		return nil, err
	}
	if m.Hello == nil {
		return nil, errors.New("a holder's first message is not its greeting")
	}
	return m.Hello, nil
}

// Gone reports whether the other side has closed the connection and everything
// that it said has been received.
func (c *Conn) Gone() bool {
	raw, ok := c.c.(syscall.Conn)
	if !ok || c.in.Buffered() > 0 {
		return false
	}
	descriptor, err := raw.SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	err = descriptor.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = n <= 0 && err != unix.EAGAIN && err != unix.EINTR
		return true
	})
	return gone || err != nil
}

// Expire makes a Send fail that takes longer than d from now; 0 takes it back.
func (c *Conn) Expire(d time.Duration) {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	c.c.SetWriteDeadline(until)
}

// Close ends the connection and what blocks on it.
func (c *Conn) Close() error { return c.c.Close() }
