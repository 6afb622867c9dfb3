package screen

import (
	"bytes"
	"encoding/binary"
)

const (
	// skimLeast is what is at least worth a look whether it can be skimmed.
	skimLeast = 4 << 10
	// skimSpare is how many times the screen's rows must follow what is skimmed,
	// beside the history: once to bring the cursor to the last row, once to move
	// out what was there.
	skimSpare = 2
)

// Skim passes over the beginning of p, as far as nothing of it is to be seen once
// all of p is written, neither on the screen nor in the history, and tells how
// much that is. The rest of p is to be written next: until then the screen is
// not that of any moment.
//
// A flood of lines is skimmed many times as fast as it is drawn. That it comes to
// the same is what the tests compare.
func (s *Screen) Skim(p []byte) int {
	if len(p) < skimLeast || !s.scrolls() {
		return 0
	}
	end := s.lastLines(p[:plain(p)])
	if end == 0 {
		return 0
	}
	s.takePens(p[:end])
	s.x, s.pending, s.last = 0, false, 0
	s.touched = true
	s.processed += uint64(end)
	return end
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

// simple are the bytes that only fill rows or move within one, or to the next:
// text in UTF-8 and some controls.
var simple = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= 0x20 || c == '\r' || c == '\n' || c == '\t' || c == '\b' || c == '\a'
	}
	return t
}()

// plain is how much of p's beginning is nothing but lines, with colours.
func plain(p []byte) int {
	for i := 0; i < len(p); {
		switch {
		case i+8 <= len(p) && noControl(binary.LittleEndian.Uint64(p[i:])):
			i += 8
		case simple[p[i]]:
			i++
		default:
			n := coloured(p[i:])
			if n == 0 {
				return i
			}
			i += n
		}
	}
	return len(p)
}

// noControl reports whether none of eight bytes is below 0x20.
func noControl(eight uint64) bool {
	const each = 0x0101010101010101
	return (eight-0x20*each)&^eight&(0x80*each) == 0
}

// coloured is the length of a control sequence at the beginning of p that chooses
// colours (SGR) or erases in the line (EL); 0 when it is none. True colours may
// be more than are remembered, and which are forgotten depends on all of them.
func coloured(p []byte) int {
	if len(p) < 3 || p[0] != 0x1b || p[1] != '[' {
		return 0
	}
	for i, c := range p[2:] {
		switch {
		case c == 'm' || c == 'K':
			if i > len("8;2;") && bytes.Contains(p[2:2+i], []byte("8;2;")) {
				return 0
			}
			return 2 + i + 1
		case (c < '0' || c > '9') && c != ';':
			return 0
		}
	}
	return 0
}

// takePens carries out the choices of colours in p, which is plain: those that
// are not reset later.
func (s *Screen) takePens(p []byte) {
	p = p[max(bytes.LastIndex(p, []byte("\x1b[0m")), bytes.LastIndex(p, []byte("\x1b[m")), 0):]
	for at := bytes.IndexByte(p, 0x1b); at >= 0; at = bytes.IndexByte(p, 0x1b) {
		p = p[at:]
		n := coloured(p)
		if p[n-1] == 'm' {
			s.consume(p[:n])
		}
		p = p[n:]
	}
}
