package holder

import (
	"errors"
	"os"
	"sync"
	"time"

	"chapi/bot"
)

const (
	// maxInput is how much input is kept for a program that does not read.
	maxInput = 256 << 10
	// inputPiece is how much is offered at a time, the size of a terminal's
	// own buffer.
	inputPiece = 4 << 10
	// inputRetry is how long a write waits to be woken before it tries again
	// by itself.
	inputRetry = 200 * time.Millisecond
	// maxAnswers is how much of what waits may be the terminal's answers: a
	// program that asks and does not read keeps no one from typing.
	maxAnswers = 16 << 10
)

// input feeds a program. It never makes anybody wait: what the program does
// not take is kept, up to a limit.
type input struct {
	file *os.File

	mu      sync.Mutex
	waiting []byte
	answers int  // bytes of answers that were added since nothing waited
	last    bool // close the file behind what is waiting
	closed  bool // nothing more is taken
	writing bool
}

// put adds input, all or none of it.
func (in *input) put(p []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.last {
		return bot.ErrEnded
	}
	if len(in.waiting)+len(p) > maxInput {
		return bot.ErrInputFull
	}
	in.waiting = append(in.waiting, p...)
	in.write()
	return nil
}

// answer adds what the terminal answers to the program, in order with what is
// typed. What a program does not read for long is dropped.
func (in *input) answer(p []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(p) == 0 || in.closed || in.last || in.answers+len(p) > maxAnswers || len(in.waiting)+len(p) > maxInput {
		return
	}
	in.answers += len(p)
	in.waiting = append(in.waiting, p...)
	in.write()
}

// end closes the file once everything is written.
func (in *input) end() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed || in.last {
		return bot.ErrEnded
	}
	in.last = true
	in.write()
	return nil
}

// close drops what is waiting.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed = true
	in.waiting = nil
	in.file.Close()
}

// write starts the writer unless it is at it.
func (in *input) write() {
	if !in.writing {
		in.writing = true
		go in.feed()
	}
}

// feed writes until nothing waits. Closing the file ends it.
func (in *input) feed() {
	piece := make([]byte, 0, inputPiece)
	for {
		piece = in.next(piece[:0])
		if len(piece) == 0 {
			return
		}
		in.file.SetWriteDeadline(time.Now().Add(inputRetry))
		n, err := in.file.Write(piece)
		in.took(n, err)
	}
}

// next copies what is to be written next. When there is nothing the writer is
// to end.
func (in *input) next(piece []byte) []byte {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.waiting) == 0 {
		in.writing = false
		in.waiting = nil
		in.answers = 0
		if in.last && !in.closed {
			in.closed = true
			in.file.Close()
		}
		return nil
	}
	return append(piece, in.waiting[:min(len(in.waiting), inputPiece)]...)
}

// took notes what was written. A program that has closed its input, or ended,
// takes no more.
func (in *input) took(n int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		in.closed = true
		in.waiting = nil
		return
	}
	if n <= len(in.waiting) {
		in.waiting = in.waiting[n:]
	}
}
