package screen

import (
	"bytes"
	"encoding/binary"
	"iter"
)

const (
	// skimLeast is what is at least worth a look whether it can be skimmed.
	skimLeast = 4 << 10
	// skimBegun is the most bytes that are drawn to come to the end of a control
	// function.
	skimBegun = 64
	// skimSpare is how many times the screen's rows must follow what is skimmed,
	// beside the history: once to bring the cursor to the last row, once to move
	// out what was there.
	skimSpare = 2
)

// Skim passes over the beginning of p, as far as nothing of it is to be seen once
// all of p is written, neither on the screen nor in the history, and tells how
// much that is; it may have to draw the first bytes. The rest of p is to be
// written next: until then the screen is not that of any moment.
//
// A flood of lines is skimmed many times as fast as it is drawn. That it comes to
// the same is what the tests compare.
func (s *Screen) Skim(p []byte) int {
	if len(p) < skimLeast {
		return 0
	}
	begun := s.finishBegun(p[:skimBegun])
	if p = p[begun:]; !s.scrolls() {
		return begun
	}
	end := s.lastLines(p[:plain(p)])
	if end == 0 {
		return begun
	}
	s.takePens(p[:end])
	s.x, s.pending, s.last = 0, false, 0
	s.touched = true
	s.processed += uint64(end)
	return begun + end
}

// finishBegun draws the rest of a control function or character of which the
// beginning came before, and tells how much of p that was.
func (s *Screen) finishBegun(p []byte) (n int) {
	for n < len(p) && (s.parser.state != ground || s.parser.npartial > 0) {
		s.Write(p[n : n+1])
		n++
	}
	return n
}

// scrolls reports whether a line feed in the last row moves the whole screen
// into the history, and text does nothing but fill rows.
func (s *Screen) scrolls() bool {
	q := &s.parser
	return q.state == ground && q.npartial == 0 && s.cur == &s.normal && s.top == 0 && s.bottom == s.rows &&
		s.charset.single == 0 && !s.reverse && !s.sync.open
}

// lastLines is where the lines begin that push out all that was before: behind
// a carriage return and a line feed. 0 when p has not so many.
func (s *Screen) lastLines(p []byte) int {
	at := len(p)
	for range s.history.limit + skimSpare*s.rows + 1 {
		if at = bytes.LastIndexByte(p[:at], '\n'); at < 0 {
			return 0
		}
	}
	if at == 0 || p[at-1] != '\r' {
		return 0
	}
	return at + 1
}

// The states of reading lines with colours. A control sequence chooses colours
// (SGR) or erases in the line (EL); true colours may be more than are remembered,
// and which are forgotten depends on all of them, so those are not passed over.
const (
	inText uint8 = iota
	inEscape
	inControl
	after8     // of 38;2;, 48;2; or 58;2;
	after8Semi // 8;
	after8Two  // 8;2
	isOther    // what may do anything
	lineStates
)

// lineSteps is the next state for each state and byte.
var lineSteps = func() (t [lineStates][256]uint8) {
	for c := range 256 {
		for state := range t {
			t[state][c] = isOther
		}
		switch {
		case c >= 0x20, c == '\r', c == '\n', c == '\t', c == '\b', c == '\a':
			t[inText][c] = inText // it fills rows or moves within one, or to the next
		case c == 0x1b:
			t[inText][c] = inEscape
		}
		for state := inControl; state <= after8Two; state++ {
			switch {
			case c == 'm', c == 'K':
				t[state][c] = inText
			case c == '8':
				t[state][c] = after8
			case c >= '0' && c <= '9', c == ';':
				t[state][c] = inControl
			}
		}
	}
	t[inEscape]['['] = inControl
	t[after8][';'], t[after8Semi]['2'], t[after8Two][';'] = after8Semi, after8Two, isOther
	return t
}()

// plain is how much of p's beginning is nothing but lines, with colours.
func plain(p []byte) int {
	state, control := inText, 0 // where the last control sequence begins
	for i := 0; i < len(p); i++ {
		if state == inText {
			for i+8 < len(p) && noControl(binary.LittleEndian.Uint64(p[i:])) {
				i += 8
			}
			control = i
		}
		if state = lineSteps[state][p[i]]; state == isOther {
			return control
		}
	}
	if state != inText {
		return control
	}
	return len(p)
}

// noControl reports whether none of eight bytes is below 0x20.
func noControl(eight uint64) bool {
	const each = 0x0101010101010101
	return (eight-0x20*each)&^eight&(0x80*each) == 0
}

// takePens carries out the choices of colours in p, which is plain: those that
// are not reset later.
func (s *Screen) takePens(p []byte) {
	from := 0
	for at := range controls(p) {
		if bytes.HasPrefix(p[at:], []byte("\x1b[m")) || bytes.HasPrefix(p[at:], []byte("\x1b[0m")) {
			from = at
		}
	}
	p = p[from:]
	for at := range controls(p) {
		if end := at + bytes.IndexAny(p[at:], "mK"); p[end] == 'm' {
			s.consume(p[at : end+1])
		}
	}
}

// controls are where control sequences begin.
func controls(p []byte) iter.Seq[int] {
	return func(yield func(int) bool) {
		for at := 0; ; at++ {
			next := bytes.IndexByte(p[at:], 0x1b)
			if next < 0 || !yield(at+next) {
				return
			}
			at += next
		}
	}
}
