package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

// DetachKey, typed twice in a row, leaves a session that has a terminal: Ctrl-].
// Typed once it goes to the program, together with the next key.
const DetachKey = 0x1d

const (
	// replay is how much of the output so far is shown: about a screen.
	replay = 4 << 10
	// attachMost bounds how long a session may take to be reachable.
	attachMost = 2 * time.Second
	// deskBlock is how much is read from the journal, or typed, at a time.
	deskBlock = 32 << 10
	// fullPause is the time before input is offered again that the program
	// had no room for.
	fullPause = 20 * time.Millisecond
)

// AttachOptions are how to attach.
type AttachOptions struct {
	// Watch shows the output only: nothing is typed and the size stays.
	Watch bool
}

// ErrDetached is what Attach returns when the person has left a session that
// goes on.
var ErrDetached = errors.New("detached")

// Attach shows a live session on in and out, at the same time as any daemon,
// until it ends (nil), the person detaches with DetachKey twice or ctx ends
// (ErrDetached). It shows the last of the output and then what comes.
//
// When the session has a terminal and in is one, in is in raw mode meanwhile,
// and the session takes the size of out; both are put back before it returns.
// Otherwise in is sent as it comes, and its end ends the session's input.
//
// The errors are bot.ErrNoSession, and bot.ErrEnded when it is over, in which
// case the last of its output was shown.
func Attach(ctx context.Context, dir string, id bot.SessionID, in, out *os.File, o AttachOptions) error {
	if !valid(id) {
		return bot.ErrNoSession
	}
	f, err := holder.ReadFolder(dir, id)
	if err != nil {
		return err
	}
	output, err := journal.Open(f.Dir)
	if err != nil {
		return fmt.Errorf("attach to session %s: %w", id, err)
	}
	defer output.Close()
	d := &desk{folder: f, output: output, in: in, out: out, watch: o.Watch, statuses: make(chan holder.Status, 1)}
	hello, err := d.connect(ctx, dir)
	if err != nil {
		if errors.Is(err, bot.ErrEnded) {
			d.rewind()
			return errors.Join(d.show(), err)
		}
		return err
	}
	defer d.conn.Close()
	return d.run(ctx, hello)
}

// desk is somebody at the machine in front of a session.
type desk struct {
	folder holder.Folder
	conn   *holder.Conn
	output *journal.Reader
	next   int64 // offset of the next byte to be shown
	in     *os.File
	out    *os.File
	watch  bool
	fitted bool // the session has the size of our window

	statuses chan holder.Status // the newest; closed when the holder hangs up
	seq      uint64
	answers  chan *holder.Ack
}

// connect reaches the holder, which may take a moment after the start.
func (d *desk) connect(ctx context.Context, dir string) (*holder.Hello, error) {
	for began := time.Now(); ; {
		conn, err := holder.Dial(d.folder.Dir)
		if err == nil {
			var hello *holder.Hello
			if hello, err = conn.Greet(greetMost); err == nil && hello.Status != nil && hello.Status.Exit == nil {
				d.conn = conn
				return hello, nil
			}
			// One that has ended may go on printing, through what it started.
			conn.Close()
		}
		f, readErr := holder.ReadFolder(dir, d.folder.ID)
		switch {
		case readErr != nil:
			return nil, readErr
		case f.Exit != nil:
			return nil, bot.ErrEnded
		case time.Since(began) > attachMost:
			return nil, fmt.Errorf("attach to session %s: %w", d.folder.ID, err)
		}
		select {
		case <-time.After(settlePause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// run is attached.
func (d *desk) run(ctx context.Context, hello *holder.Hello) error {
	ctx, detach := context.WithCancel(ctx)
	defer detach()
	d.answers = make(chan *holder.Ack, 1)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer d.conn.Close()
	tasks.Go(d.listen)

	restore, err := d.takeTerminal()
	if err != nil {
		return err
	}
	defer restore()
	var typing sync.WaitGroup
	if !d.watch {
		typing.Go(func() { d.control(ctx, detach) })
	}
	d.rewind()
	err = d.follow(ctx)
	detach()
	typing.Wait()
	if d.fitted {
		// Nobody waits for the answer: the session may be over.
		_ = d.post(holder.Order{Control: bot.Control{Resize: &hello.Size}})
	}
	return err
}

// takeTerminal puts the terminal into raw mode where every key is for the
// program.
func (d *desk) takeTerminal() (restore func(), err error) {
	fd := int(d.in.Fd())
	if d.watch || !d.folder.Spec.PTY || !term.IsTerminal(fd) {
		return func() {}, nil
	}
	was, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("attach to session %s: %w", d.folder.ID, err)
	}
	return func() { term.Restore(fd, was) }, nil
}

// listen takes what the holder says.
func (d *desk) listen() {
	defer close(d.statuses)
	for {
		m, err := d.conn.Receive()
		if err != nil {
			return
		}
		switch {
		case m.Ack != nil:
			select {
			case d.answers <- m.Ack:
			default: // of the parting order
			}
		case m.Status != nil:
			select {
			case <-d.statuses:
			default:
			}
			d.statuses <- *m.Status
		}
	}
}

// rewind goes back to where showing begins.
func (d *desk) rewind() {
	_, end := d.output.Extent()
	d.next = max(0, end-replay)
}

// follow shows the output until the session is over.
func (d *desk) follow(ctx context.Context) error {
	for {
		if err := d.show(); err != nil {
			return err
		}
		select {
		case status, ok := <-d.statuses:
			if !ok || status.Exit != nil {
				return d.show()
			}
		case <-ctx.Done():
			return ErrDetached
		}
	}
}

// show writes all output that there is.
func (d *desk) show() error {
	for {
		chunk, err := d.output.Next(d.next, deskBlock)
		if err != nil {
			return err
		}
		if len(chunk.Data) == 0 {
			return nil
		}
		if _, err := d.out.Write(chunk.Data); err != nil {
			return fmt.Errorf("show session %s: %w", d.folder.ID, err)
		}
		d.next = chunk.From + int64(len(chunk.Data))
	}
}

// control sends what is typed, and the window's size.
func (d *desk) control(ctx context.Context, detach func()) {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, unix.SIGWINCH)
	defer signal.Stop(resized)
	resized <- unix.SIGWINCH
	var reader sync.WaitGroup
	defer reader.Wait()
	typed := make(chan []byte)
	reader.Go(func() {
		defer close(typed)
		readUntil(ctx, d.in, typed)
	})
	keys := keys{raw: d.folder.Spec.PTY && term.IsTerminal(int(d.in.Fd()))}
	for {
		select {
		case <-ctx.Done():
			return
		case <-resized:
			d.fit(ctx)
		case p, ok := <-typed:
			if !ok {
				d.order(ctx, bot.Control{EOF: true})
				typed = nil
				continue
			}
			p, left := keys.take(p)
			d.order(ctx, bot.Control{Input: p})
			if left {
				detach()
				return
			}
		}
	}
}

// fit gives the session the size of the window.
func (d *desk) fit(ctx context.Context) {
	if !d.folder.Spec.PTY {
		return
	}
	if cols, rows, err := term.GetSize(int(d.out.Fd())); err == nil {
		d.fitted = true
		d.order(ctx, bot.Control{Resize: &bot.Size{Cols: uint16(cols), Rows: uint16(rows)}})
	}
}

// order sends an order and waits for the answer; again, while the program does
// not read.
func (d *desk) order(ctx context.Context, c bot.Control) {
	if c.EOF || c.Resize != nil || len(c.Input) > 0 {
		for d.post(holder.Order{Control: c}) == nil {
			select {
			case ack := <-d.answers:
				if !errors.Is(ack.Err(), bot.ErrInputFull) {
					return
				}
			case <-ctx.Done():
				return
			}
			select {
			case <-time.After(fullPause):
			case <-ctx.Done():
				return
			}
		}
	}
}

func (d *desk) post(o holder.Order) error {
	d.seq++
	o.Seq, o.ID = d.seq, d.folder.ID
	return d.conn.Send(holder.Message{Order: &o})
}

// keys finds the detach keys in what is typed.
type keys struct {
	raw  bool // only then are there any
	held bool // one was typed and has not been passed on
}

// take returns what goes to the program.
func (k *keys) take(p []byte) (pass []byte, detach bool) {
	if !k.raw {
		return p, false
	}
	if k.held {
		p = append([]byte{DetachKey}, p...)
		k.held = false
	}
	if i := bytes.Index(p, []byte{DetachKey, DetachKey}); i >= 0 {
		return p[:i], true
	}
	if n := len(p); n > 0 && p[n-1] == DetachKey {
		k.held = true
		return p[:n-1], false
	}
	return p, false
}

// readUntil hands out what is read from a file until its end or that of ctx.
// The file is polled: a read that has begun could not be called off, and
// making a terminal non-blocking would do so for the shell behind us too.
func readUntil(ctx context.Context, f *os.File, into chan<- []byte) {
	var wake [2]int
	if unix.Pipe2(wake[:], unix.O_CLOEXEC) != nil {
		return
	}
	defer unix.Close(wake[0])
	defer unix.Close(wake[1])
	stop := context.AfterFunc(ctx, func() { unix.Write(wake[1], []byte{0}) })
	defer func() {
		if !stop() {
			// The descriptor must outlive the write that has begun.
			unix.Read(wake[0], make([]byte, 1))
		}
	}()
	fd := int(f.Fd())
	for {
		polled := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: int32(wake[0]), Events: unix.POLLIN}}
		if _, err := unix.Poll(polled, -1); err != nil && err != unix.EINTR {
			return
		}
		if polled[1].Revents != 0 || ctx.Err() != nil {
			return
		}
		if polled[0].Revents == 0 {
			continue
		}
		p := make([]byte, deskBlock)
		n, err := unix.Read(fd, p)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 || err != nil {
			return
		}
		select {
		case into <- p[:n]:
		case <-ctx.Done():
			return
		}
	}
}
