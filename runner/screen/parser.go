package screen

import "unicode/utf8"

// state is where in a control function the next byte stands. The machine is
// that of Paul Williams' "A parser for DEC's ANSI-compatible video terminals",
// with UTF-8 in place of 8-bit controls, and as in xterm a BEL that ends an
// OSC.
type state uint8

const (
	ground       state = iota
	escape             // ESC
	escapeInter        // ESC and intermediate bytes
	control            // CSI
	controlBad         // a CSI that cannot be understood, to its end
	command            // OSC
	device             // DCS, its parameters
	deviceString       // DCS, its string
	ignored            // SOS, PM, APC
	states
)

const (
	maxParams = 32

	// maxString bounds the part of a string (OSC, DCS) that is kept; the rest is
	// read and thrown away.
	maxString = 4096

	// maxSwallowed bounds a string that does not end: pictures (sixel) are
	// some megabytes, beyond it the program has died within one.
	maxSwallowed = 16 << 20
)

// parser is what is known of an unfinished control function or character.
type parser struct {
	state    state
	private  byte  // one of < = > ? at the beginning of the parameters
	inter    byte  // the last intermediate byte
	inters   uint8 // how many there were; 2 stands for more
	params   [maxParams]int32
	n        int    // of params, including the one that is being read
	colon    uint32 // bit i: params[i] was separated from the one before by a colon
	text     []byte
	length   int // of the string, including what is not kept
	partial  [utf8.UTFMax]byte
	npartial int
}

// omitted is a parameter that was not given.
const omitted = -1

// maxParam bounds a parameter's value.
const maxParam = 99_999

// Write draws p. It never fails and keeps nothing of p. What it does depends
// only on all bytes written, not on how they were split.
func (s *Screen) Write(p []byte) (int, error) {
	n := len(p)
	skip := s.finishPartial(p)
	s.processed += uint64(skip)
	p = p[skip:]
	p = p[s.Skim(p):]
	s.consume(p)
	s.processed += uint64(len(p))
	return n, nil
}

// finishPartial draws a character of which the beginning came with an earlier
// Write, and tells how much of p belonged to it.
func (s *Screen) finishPartial(p []byte) int {
	q := &s.parser
	for i, c := range p {
		if q.npartial == 0 {
			return i
		}
		if c < utf8.RuneSelf { // no continuation
			n := q.npartial
			q.npartial = 0
			for range n {
				s.put(utf8.RuneError)
			}
			return i
		}
		q.partial[q.npartial] = c
		q.npartial++
		for q.npartial > 0 && utf8.FullRune(q.partial[:q.npartial]) {
			r, size := utf8.DecodeRune(q.partial[:q.npartial])
			s.put(r)
			q.npartial = copy(q.partial[:], q.partial[size:q.npartial])
		}
	}
	return len(p)
}

func (s *Screen) consume(p []byte) {
	for i := 0; i < len(p); {
		switch c := p[i]; s.parser.state {
		case ground:
			i = s.consumeText(p, i)
		case control:
			i = s.consumeControl(p, i)
		case command, device, deviceString, ignored:
			i = s.consumeString(p, i)
		case controlBad:
			i++
			s.position = s.processed + uint64(i)
			if !s.c0(c) && c >= 0x40 && c < 0x7f {
				s.parser.state = ground
			}
		default:
			i++
			s.position = s.processed + uint64(i)
			s.consumeEscape(c)
		}
	}
}

// consumeText draws characters from p[i:] up to a control function, and tells
// where that is.
func (s *Screen) consumeText(p []byte, i int) int {
	for i < len(p) {
		c := p[i]
		switch {
		case c >= 0x20 && c < 0x7f:
			from := i
			for i++; i < len(p) && p[i] >= 0x20 && p[i] < 0x7f; i++ {
			}
			s.putASCII(p[from:i])
		case c == 0x1b:
			s.begin(escape)
			return i + 1
		case c < 0x20:
			s.execute(c)
			i++
		case c == 0x7f:
			i++
		default:
			if !utf8.FullRune(p[i:]) {
				s.parser.npartial = copy(s.parser.partial[:], p[i:])
				return len(p)
			}
			r, size := utf8.DecodeRune(p[i:])
			s.put(r)
			i += size
		}
	}
	return i
}

// begin starts a control function.
func (s *Screen) begin(state state) {
	q := &s.parser
	q.state = state
	q.private, q.inter, q.inters = 0, 0, 0
	q.params[0], q.n, q.colon = omitted, 1, 0
	q.text, q.length = q.text[:0], 0
}

// c0 does what control characters do within control functions. It is false if
// c is none.
func (s *Screen) c0(c byte) bool {
	switch {
	case c == 0x1b:
		s.begin(escape)
	case c == 0x18 || c == 0x1a: // CAN and SUB
		s.parser.state = ground
	case c < 0x20:
		s.execute(c)
	default:
		return false
	}
	return true
}

func (s *Screen) consumeEscape(c byte) {
	q := &s.parser
	switch {
	case s.c0(c) || c >= 0x7f:
	case c < 0x30:
		q.inter = c
		q.inters = min(q.inters+1, 2)
		q.state = escapeInter
	case q.state == escape && c == '[':
		s.begin(control)
	case q.state == escape && c == ']':
		s.begin(command)
	case q.state == escape && c == 'P':
		s.begin(device)
	case q.state == escape && (c == 'X' || c == '^' || c == '_'):
		s.begin(ignored)
	default:
		q.state = ground
		s.escape(c)
	}
}

// consumeControl reads a CSI's parameters, and carries it out at its end.
func (s *Screen) consumeControl(p []byte, i int) int {
	q := &s.parser
	for ; i < len(p); i++ {
		c := p[i]
		if c >= 0x40 && c < 0x7f {
			q.state = ground
			s.position = s.processed + uint64(i) + 1
			s.csi(c)
			return i + 1
		}
		if c < 0x20 {
			s.position = s.processed + uint64(i) + 1
			if s.c0(c); q.state != control {
				return i + 1
			}
			continue
		}
		if !s.param(c) {
			q.state = controlBad
			return i + 1
		}
	}
	return i
}

// param takes a byte of the parameters; it is false if they make no sense.
func (s *Screen) param(c byte) bool {
	q := &s.parser
	switch {
	case c >= 0x7f: // ignored, as tmux does
	case c < 0x30:
		q.inter = c
		q.inters = min(q.inters+1, 2)
	case q.inters > 0:
		return false
	case c <= '9':
		if q.n > maxParams {
			break
		}
		v := &q.params[q.n-1]
		*v = min(max(*v, 0)*10+int32(c-'0'), maxParam)
	case c == ';' || c == ':':
		if q.n >= maxParams {
			q.n = maxParams + 1 // full: the rest is left out
			break
		}
		if c == ':' {
			q.colon |= 1 << q.n
		}
		q.params[q.n] = omitted
		q.n++
	default:
		if q.n > 1 || q.params[0] != omitted || q.private != 0 {
			return false
		}
		q.private = c
	}
	return true
}

// consumeString reads an OSC, a DCS, or one of the strings that are ignored.
func (s *Screen) consumeString(p []byte, i int) int {
	q := &s.parser
	for ; i < len(p); i++ {
		c := p[i]
		switch {
		case c == 0x1b: // with or without the backslash of ST
			s.endString(false)
			s.begin(escape)
			return i + 1
		case c == 0x18 || c == 0x1a:
			q.state = ground
			return i + 1
		case c == 0x07 && q.state == command:
			s.endString(true)
			q.state = ground
			return i + 1
		case q.state == device:
			if c >= 0x40 && c < 0x7f {
				q.state = deviceString
				q.text = append(q.text, c)
			} else if c >= 0x20 && !s.param(c) {
				q.state = ignored
			}
		case c < 0x20 && q.state == command:
		case len(q.text) < maxString && q.state != ignored:
			q.text = append(q.text, c)
		}
		if q.length++; q.length > maxSwallowed {
			q.state = ground
			return i + 1
		}
	}
	return i
}

func (s *Screen) endString(bell bool) {
	switch q := &s.parser; {
	case q.length > maxString:
	case q.state == command:
		s.osc(q.text, bell)
	case q.state == deviceString:
		s.dcs(q.text[0], q.text[1:])
	}
}

// arg gives parameter i, or def if it was not given or is 0.
func (q *parser) arg(i, def int) int {
	if i >= q.count() || q.params[i] <= 0 {
		return def
	}
	return int(q.params[i])
}

// count is the number of parameters, at least 1.
func (q *parser) count() int { return min(q.n, maxParams) }
