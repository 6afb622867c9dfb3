package render

import "unicode/utf8"

// terminal is what a parser drives. place tells where each event's bytes are.
type terminal interface {
	plain(run []byte)     // printable ASCII, at least one; not to be retained
	print(r rune)         // any other code point; U+FFFD for what is not UTF-8
	control(b byte)       // a C0 control: \b \t \n \r
	escape(final byte)    // ESC and one final byte
	sequence(s *sequence) // CSI
}

// place is where in the journal the event is that is being laid out.
type place struct {
	at, pos int64 // its bytes are [at, pos)
	full    bool  // set by the terminal: nothing more is wanted
}

// sequence is a control sequence: CSI prefix parameters final (ECMA-48, 5.4).
type sequence struct {
	prefix byte // '?', '<', '=', '>', or 0
	params [16]int
	n      int // parameters present
	length int // bytes so far
	exotic bool
	final  byte
}

// param is parameter i, or otherwise if it is absent or 0.
func (s *sequence) param(i, otherwise int) int {
	if i < s.n && s.params[i] > 0 {
		return s.params[i]
	}
	return otherwise
}

const (
	// maxParam is far beyond any screen, and keeps sums of columns small.
	maxParam = 9999
	// maxSequence is the most bytes of a CSI; real ones have at most some 40.
	maxSequence = 256
	// maxString is the most bytes of a device control or other string.
	// Pictures come in them (sixel, iTerm2), so it is generous; but the rest
	// of a binary file must not vanish behind a chance introducer.
	maxString = 1 << 20
)

type parserState uint8

const (
	ground        parserState = iota
	inCharacter               // in a UTF-8 sequence
	afterEscape               // ESC seen
	inDesignation             // ESC and intermediates seen: charsets and the like
	inSequence                // CSI seen
	inTitle                   // OSC, SOS, PM or ESC k seen: strings of one line
	inDevice                  // DCS or APC seen: strings of any bytes
	titleEscape               // ESC seen in a title: its end?
	deviceEscape              // ESC seen in a device string: its end?
)

// parser turns bytes into events. It keeps what an unfinished character or
// sequence needs, so that any split of the input gives the same events.
type parser struct {
	place
	state parserState

	// In a UTF-8 sequence: bytes to come, bounds of the next one, and the code
	// point so far.
	need   int
	lo, hi byte
	code   rune

	seq    sequence
	length int   // of a string
	escAt  int64 // where the ESC in a string is
}

// covered is the offset behind the last complete event.
func (p *parser) covered() int64 {
	if p.state == ground {
		return p.pos
	}
	return p.at
}

// feed parses data, which begins at offset from, until its end or until the
// terminal is full.
func (p *parser) feed(data []byte, from int64, t terminal) {
	for i := 0; i < len(data) && !p.full; {
		switch p.state {
		case ground:
			i += p.ground(data[i:], from+int64(i), t)
		case inCharacter:
			i += p.character(data[i], from+int64(i), t)
		default:
			i += p.control(data[i], from+int64(i), t)
		}
	}
}

// abort gives up an unfinished character or sequence: output is missing here,
// or another stream's bytes come between. The former is shown as invalid.
func (p *parser) abort(next int64, t terminal) {
	if p.state == inCharacter {
		p.invalid(next, t)
	}
	p.state, p.pos = ground, next
}

// ground handles the beginning of data and returns how many bytes that was.
func (p *parser) ground(data []byte, off int64, t terminal) int {
	b := data[0]
	p.at = off
	switch {
	case b >= ' ' && b <= '~':
		n := 1
		for n < len(data) && data[n] >= ' ' && data[n] <= '~' {
			n++
		}
		p.pos = off + int64(n)
		t.plain(data[:n])
		return n
	case b >= utf8.RuneSelf:
		if r, n := utf8.DecodeRune(data); n > 1 {
			p.pos = off + int64(n)
			t.print(r)
			return n
		}
		p.lead(b, t)
		return 1
	case b == 0x1b:
		p.state = afterEscape
		return 1
	}
	p.pos = off + 1
	switch b {
	case '\v', '\f':
		t.control('\n')
	case '\b', '\t', '\n', '\r':
		t.control(b)
	}
	return 1
}

// lead begins a UTF-8 sequence that is not complete in the data at hand. The
// bounds of the second byte are those of the Unicode Standard, table 3-7.
func (p *parser) lead(b byte, t terminal) {
	p.state, p.lo, p.hi = inCharacter, 0x80, 0xbf
	switch {
	case b >= 0xc2 && b <= 0xdf:
		p.need, p.code = 1, rune(b&0x1f)
	case b >= 0xe0 && b <= 0xef:
		p.need, p.code = 2, rune(b&0x0f)
	case b >= 0xf0 && b <= 0xf4:
		p.need, p.code = 3, rune(b&0x07)
	default:
		p.invalid(p.at+1, t)
		return
	}
	switch b {
	case 0xe0:
		p.lo = 0xa0
	case 0xed:
		p.hi = 0x9f
	case 0xf0:
		p.lo = 0x90
	case 0xf4:
		p.hi = 0x8f
	}
}

// character takes the next byte of a UTF-8 sequence. One that does not belong
// ends a maximal invalid subpart, and is looked at again.
func (p *parser) character(b byte, off int64, t terminal) int {
	if b < p.lo || b > p.hi {
		p.invalid(off, t)
		return 0
	}
	p.lo, p.hi = 0x80, 0xbf
	p.code = p.code<<6 | rune(b&0x3f)
	p.need--
	if p.need == 0 {
		p.state, p.pos = ground, off+1
		t.print(p.code)
	}
	return 1
}

// invalid shows the bytes from p.at to end as one U+FFFD.
func (p *parser) invalid(end int64, t terminal) {
	p.state, p.pos = ground, end
	t.print(utf8.RuneError)
}

// control takes the next byte of an escape sequence and returns 1, or 0 if
// the byte does not belong to it and is to be looked at again: a sequence that
// is cut off must not take the next line with it.
func (p *parser) control(b byte, off int64, t terminal) int {
	switch p.state {
	case inTitle, inDevice:
		return p.inString(b, off)
	case titleEscape, deviceEscape:
		if b == '\\' {
			p.drop(off + 1)
			return 1
		}
		// Any other escape ends the string, and is itself one.
		p.state, p.at = afterEscape, p.escAt
	}

	switch {
	case b == 0x18 || b == 0x1a: // CAN, SUB
		p.drop(off + 1)
		return 1
	case b == 0x1b:
		p.state, p.at = afterEscape, off
		return 1
	case b < ' ' || b >= utf8.RuneSelf:
		p.drop(off)
		return 0
	case b == 0x7f:
		return 1
	}

	switch p.state {
	case afterEscape:
		p.afterEscape(b, off, t)
	case inDesignation:
		if b >= '0' {
			p.drop(off + 1)
		}
	case inSequence:
		p.inSequence(b, off, t)
	}
	return 1
}

// drop ends a sequence that has no effect.
func (p *parser) drop(end int64) { p.state, p.pos = ground, end }

func (p *parser) afterEscape(b byte, off int64, t terminal) {
	switch {
	case b == '[':
		p.state, p.seq = inSequence, sequence{}
	case b == ']' || b == 'X' || b == '^' || b == 'k':
		p.state, p.length = inTitle, 0
	case b == 'P' || b == '_':
		p.state, p.length = inDevice, 0
	case b < '0':
		p.state = inDesignation
	default:
		p.drop(off + 1)
		t.escape(b)
	}
}

func (p *parser) inSequence(b byte, off int64, t terminal) {
	s := &p.seq
	s.length++
	switch {
	case b >= '@':
		s.final = b
		p.drop(off + 1)
		if !s.exotic {
			t.sequence(s)
		}
	case s.length > maxSequence:
		p.drop(off + 1)
	case b >= '0' && b <= '9':
		if s.n == 0 {
			s.n = 1
		}
		if s.n <= len(s.params) {
			v := &s.params[s.n-1]
			*v = min(*v*10+int(b-'0'), maxParam)
		}
	case b == ';' || b == ':':
		s.n = min(max(s.n, 1)+1, len(s.params)+1)
	case b >= '<' && b <= '?':
		s.prefix = b
	default: // intermediate bytes: cursor shapes and the like
		s.exotic = true
	}
}

// inString takes the next byte of a string. A raw 0x9c does not end it: that
// is a byte of many UTF-8 characters, which titles are full of.
func (p *parser) inString(b byte, off int64) int {
	title := p.state == inTitle
	p.length++
	switch {
	case b == 0x1b:
		p.escAt = off
		p.state = deviceEscape
		if title {
			p.state = titleEscape
		}
	case b == 0x18 || b == 0x1a || p.length > maxString || title && b == 0x07:
		p.drop(off + 1)
	case title && b < ' ' && b != '\t':
		p.drop(off)
		return 0
	}
	return 1
}
