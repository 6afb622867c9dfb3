package console

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"chapi/bot"
)

const (
	prompt = "> "
	// minRoom is the least columns for typing behind unfinished output; with
	// less, typing begins on a row of its own.
	minRoom = 16
	// ordinary is the width of a terminal that does not tell.
	ordinary = 80
)

// screen is what is printed, and the row below it where a line is typed.
//
// Output is written once and as it is. The typed line is never part of it:
// before anything is written the cursor goes back to where output ended (saved
// by the terminal, DECSC) and the row is erased; afterwards the row is drawn
// again. Where output ended in the middle of a line, as a program's own
// question does, typing goes on behind it and there is no prompt; what a program
// wrote to the right of that place before it went back is erased.
type screen struct {
	out      io.Writer
	terminal bool
	width    func() int

	mu     sync.Mutex
	err    error  // the first failed write: nothing more is written
	at     cursor // where output ended
	typing bool   // the row is shown
	editor editor
	// held is the end of a session's output that cursor.follow told to keep.
	held    []byte
	session bot.SessionID
	echoes  bool // that session's terminal shows what is typed into it
}

func newScreen(out io.Writer, terminal bool, width func() int) *screen {
	return &screen{out: out, terminal: terminal, width: width}
}

// failure is why nothing can be printed any more; nil when it can.
func (s *screen) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// lines prints text on lines of its own.
func (s *screen) lines(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if s.terminal {
		text = wrapped(text, s.width())
	}
	s.erase()
	s.freshLine()
	s.write(text)
	s.draw()
	return s.err
}

// raw prints bytes of a session's output as they are. An error may be that of
// reading.
func (s *screen) raw(output bot.OutputRef, r io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session != output.Session {
		s.session, s.held = output.Session, nil
	}
	s.echoes = output.Echo
	s.erase()
	_, err := io.Copy(outputWriter{s}, r)
	s.draw()
	return err
}

// outputWriter writes output to a screen that is locked.
type outputWriter struct{ s *screen }

func (w outputWriter) Write(p []byte) (int, error) {
	s := w.s
	whole := p
	if s.terminal {
		whole = append(s.held, p...)
		open := s.at.follow(whole)
		s.held = bytes.Clone(whole[len(whole)-open:])
		whole = whole[:len(whole)-open]
	} else {
		s.at.follow(p)
	}
	if s.put(string(whole)); s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

// open shows the row for typing; close takes it away and leaves the cursor at
// the beginning of a line.
func (s *screen) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.typing = s.terminal
	s.draw()
}

func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.typing {
		return
	}
	s.erase()
	s.typing = false
	s.put(plain)
	s.freshLine()
}

// redraw shows the row again after something else wrote to the terminal.
func (s *screen) redraw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.typing {
		s.write("\n")
		s.draw()
	}
}

// typed takes what was typed, shows it, and returns what it completes.
func (s *screen) typed(keys []byte) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	var done []entry
	for _, key := range keys {
		e, complete := s.editor.press(key)
		if !complete {
			continue
		}
		if e.clear {
			s.put("\x1b[H\x1b[2J")
			s.at = cursor{}
			continue
		}
		if !e.end && !s.echoed(e.text) {
			s.write(s.mark() + shown([]rune(e.text)) + "\n")
		}
		done = append(done, e)
	}
	s.draw()
	return done
}

// echoed reports whether a line will be shown by the program that it is typed
// into: behind the prompt of a terminal, unless it is a command.
func (s *screen) echoed(line string) bool {
	return s.echoes && s.at.column != 0 && !strings.HasPrefix(line, "/")
}

// discard empties the line being typed, and reports whether there was one.
func (s *screen) discard() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.editor.line) == 0 {
		return false
	}
	s.erase()
	s.write(s.mark() + shown(s.editor.line) + "^C\n")
	s.editor.reset()
	s.draw()
	return true
}

// mark is what stands before the line being typed.
func (s *screen) mark() string {
	if s.at.column == 0 {
		return prompt
	}
	return ""
}

// erase takes the row away: the cursor is then where output ended.
func (s *screen) erase() {
	if s.typing {
		s.put("\x1b8\x1b[J")
	}
}

// draw shows the row. The part around the cursor that fits it is visible, so
// that it never wraps: a wrap at the bottom of the screen would scroll, and
// the place where output ended would be lost.
func (s *screen) draw() {
	if !s.typing {
		return
	}
	width := s.width()
	if width-s.at.column%width < minRoom {
		s.write("\n")
	}
	room := width - s.at.column%width - len(s.mark()) - 1
	before, after := s.editor.window(room)
	row := "\x1b7" + plain + "\x1b[J" + s.mark() + shown(before) + shown(after)
	if back := span(after); back > 0 {
		row += fmt.Sprintf("\x1b[%dD", back)
	}
	s.put(row)
}

// freshLine ends an unfinished line.
func (s *screen) freshLine() {
	if s.at.column != 0 || s.at.begun {
		s.write("\n")
	}
}

// write prints the console's own text and follows where it ends.
func (s *screen) write(text string) {
	s.put(text)
	s.at.follow([]byte(text))
}

// put writes to the terminal. After the first failure it does nothing.
func (s *screen) put(text string) {
	if s.err == nil && text != "" {
		_, s.err = io.WriteString(s.out, text)
	}
}

// shown is a typed text as the row shows it: each character in its cells.
func shown(line []rune) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, string(line))
}

// span is how many columns a typed text takes.
func span(line []rune) int {
	n := 0
	for _, r := range line {
		n += cells(r)
	}
	return n
}

// cursor follows output to know in which column it ends.
type cursor struct {
	column int
	begun  bool // something was written since the last newline
}

// maxSequence is the longest control sequence that is followed; text after a
// longer one is counted as if it were shown.
const maxSequence = 64

// follow moves the cursor as a terminal would, as far as one row needs it. It
// returns how many bytes at the end are not to be printed yet, but again with
// what follows them: the beginning of a character or control sequence, and the
// way back of a progress bar to its begin, where the row would cover it.
func (c *cursor) follow(p []byte) (open int) {
	if i := bytes.LastIndexByte(p, '\n'); i >= 0 {
		*c = cursor{}
		p = p[i+1:]
	}
	// Where the way back at the end begins, and the cursor there.
	var back int
	var there cursor
	for len(p) > 0 {
		before := *c
		n := c.step(p)
		if n == 0 {
			break
		}
		c.begun = true
		if p[0] != '\r' && p[0] != '\b' {
			back = 0
		} else if back == 0 {
			back, there = len(p), before
		}
		p = p[n:]
	}
	if back == 0 || back > maxSequence {
		return len(p)
	}
	*c = there
	return back
}

// step takes one character or control sequence off p and returns its length; 0
// when it is not complete.
func (c *cursor) step(p []byte) int {
	switch p[0] {
	case '\r':
		c.column = 0
		return 1
	case '\b':
		c.column = max(0, c.column-1)
		return 1
	case '\t':
		c.column += 8 - c.column%8
		return 1
	case 0x1b:
		return sequence(p)
	}
	if p[0] < ' ' || p[0] == 0x7f {
		return 1
	}
	if !utf8.FullRune(p) {
		return 0
	}
	r, n := utf8.DecodeRune(p)
	c.column += cells(r)
	return n
}

// sequence is the length of the control sequence that p begins with (ECMA-48,
// 5.4 and 5.6); 0 when it is not complete.
func sequence(p []byte) int {
	if len(p) > maxSequence {
		p = p[:maxSequence]
	}
	complete := func(is func(i int) bool) int {
		for i := 2; i < len(p); i++ {
			if is(i) {
				return i + 1
			}
		}
		if len(p) == maxSequence {
			return 1
		}
		return 0
	}
	switch {
	case len(p) < 2:
		return 0
	case p[1] == '[':
		return complete(func(i int) bool { return p[i] >= 0x40 && p[i] <= 0x7e })
	case strings.IndexByte("()*+-./#%", p[1]) >= 0:
		return min(3, len(p)) / 3 * 3
	case p[1] == ']' || p[1] == 'P':
		return complete(func(i int) bool { return p[i] == 7 || p[i] == '\\' && p[i-1] == 0x1b })
	default:
		return 2
	}
}
