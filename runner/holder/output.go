package holder

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner/journal"
)

const (
	// spliceMost is how much is moved at a time.
	spliceMost = 1 << 20
	// readBlock is the size of the buffer for what has to be copied.
	readBlock = 32 << 10
	// bigPipe is the size that the pipe of a program is given that fills the
	// usual one. Not all get it: an account may have only so much in pipes
	// (pipe(7), pipe-user-pages-soft).
	bigPipe = 512 << 10
	// usualPipe is the size that pipes have.
	usualPipe = 64 << 10
	// latePause is how long a terminal's program prints nothing before a screen
	// that is late is drawn: until then it gets the processor.
	latePause = 5 * time.Millisecond
)

// drain reads all output into the journal, until the last process that holds
// it has let go. The program never waits for anybody but the disk.
func (s *session) drain() {
	defer close(s.drained)
	var readers sync.WaitGroup
	for _, o := range s.child.outs {
		readers.Go(func() { s.read(o) })
	}
	readers.Wait()
}

// read reads one stream to its end.
func (s *session) read(o output) {
	raw, err := o.file.SyscallConn()
	if err != nil {
		return
	}
	r := reader{session: s, stream: o.stream, file: o.file, splices: s.child.tty == nil}
	for !r.ended {
		switch err := raw.Read(r.step); {
		case errors.Is(err, os.ErrDeadlineExceeded):
			r.pauses = true
			o.file.SetReadDeadline(time.Time{})
		case err != nil:
			r.ended = true // closed by dismantle
		}
	}
	// Under a PTY, input goes through the same file.
	if s.child.tty == nil {
		o.file.Close()
	}
}

// reader moves output from a descriptor to the journal.
type reader struct {
	session *session
	stream  bot.Stream
	file    *os.File
	splices bool
	pauses  bool // the program has printed nothing for latePause
	grown   bool // the pipe was made bigger
	buf     []byte
	ended   bool
}

// step takes what there is. It returns false when the caller is to wait for
// more, as syscall.RawConn wants it.
func (r *reader) step(fd uintptr) bool {
	n, err := r.take(int(fd))
	switch {
	case n > 0:
		r.pauses = false
		r.session.grew()
		return true
	case err == unix.EAGAIN && r.session.isLate():
		if r.pauses || r.file.SetReadDeadline(time.Now().Add(latePause)) != nil {
			r.session.catchUp()
			return true
		}
		return false
	case err == unix.EAGAIN:
		// A session that is quiet needs no buffer.
		r.buf = nil
		return false
	case err == unix.EINTR:
		return true
	}
	// The end is 0 bytes of a pipe, and EIO of a terminal whose last user is
	// gone, pty(7). Any other error is as final.
	r.ended = true
	return true
}

func (r *reader) take(fd int) (int, error) {
	if r.splices {
		n, err := r.session.log.Splice(r.stream, fd, spliceMost)
		if n >= usualPipe && !r.grown {
			r.grown = true
			unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, bigPipe)
		}
		if !errors.Is(err, journal.ErrCopy) {
			return n, err
		}
	}
	return r.copy(fd)
}

// copy reads until there is no more or the buffer is full: a terminal gives
// at most 4 KiB at a time, and each piece would cost a write.
func (r *reader) copy(fd int) (int, error) {
	if r.buf == nil {
		r.buf = make([]byte, readBlock)
	}
	have := 0
	var err error
	for have < len(r.buf) {
		var n int
		n, err = unix.Read(fd, r.buf[have:])
		if n <= 0 || err != nil {
			break
		}
		have += n
	}
	if have > 0 {
		r.session.add(r.stream, r.buf[:have])
		return have, nil
	}
	return 0, err
}
