package console

import (
	"slices"
	"unicode"
	"unicode/utf8"
)

const (
	// maxLine is the most bytes of a line that are taken.
	maxLine = 1 << 20
	// maxHistory is how many lines the arrow up reaches back, and
	// maxRemembered how long one may be to be kept.
	maxHistory    = 200
	maxRemembered = 4 << 10
)

// entry is what typing completes.
type entry struct {
	text  string
	long  bool // the line was longer than maxLine; text is empty
	end   bool // the end of input
	clear bool // the screen is to be cleared
}

// editor is the line being typed. The zero value is an empty line.
type editor struct {
	line []rune
	at   int    // the cursor, as an index into line
	size int    // bytes of the line, as UTF-8
	long bool   // more was typed than is taken
	part []byte // the beginning of a character or an escape sequence

	history []string // oldest first
	recall  int      // which one is shown, counted from the end; 0 = none
	draft   []rune   // the line before history was shown
}

// press takes one byte of what the terminal sends. complete is true when the
// entry is.
func (e *editor) press(b byte) (done entry, complete bool) {
	if len(e.part) > 0 && e.part[0] == 0x1b {
		e.escape(b)
		return entry{}, false
	}
	switch b {
	case '\n', '\r':
		return e.enter(), true
	case 0x04: // ^D
		if len(e.line) == 0 {
			return entry{end: true}, true
		}
		e.remove(e.at, e.at+1)
	case 0x0c: // ^L
		return entry{clear: true}, true
	case 0x1b:
		e.part = append(e.part[:0], b)
	case 0x7f, 0x08:
		e.remove(e.at-1, e.at)
	case 0x15: // ^U
		e.remove(0, e.at)
	case 0x0b: // ^K
		e.remove(e.at, len(e.line))
	case 0x17: // ^W
		e.remove(e.wordStart(), e.at)
	case 0x01: // ^A
		e.at = 0
	case 0x05: // ^E
		e.at = len(e.line)
	case 0x02: // ^B
		e.at = max(0, e.at-1)
	case 0x06: // ^F
		e.at = min(len(e.line), e.at+1)
	case 0x10: // ^P
		e.show(e.recall + 1)
	case 0x0e: // ^N
		e.show(e.recall - 1)
	default:
		e.character(b)
	}
	return entry{}, false
}

// character gathers the bytes of a character and inserts it.
func (e *editor) character(b byte) {
	if b < ' ' && b != '\t' {
		return
	}
	e.part = append(e.part, b)
	if !utf8.FullRune(e.part) {
		return
	}
	for len(e.part) > 0 && utf8.FullRune(e.part) {
		r, n := utf8.DecodeRune(e.part)
		e.insert(r)
		e.part = e.part[n:]
	}
	e.part = slices.Clone(e.part)
}

func (e *editor) insert(r rune) {
	if e.size+utf8.RuneLen(r) > maxLine {
		e.long = true
		return
	}
	e.line = slices.Insert(e.line, e.at, r)
	e.size += utf8.RuneLen(r)
	e.at++
}

// remove takes the characters [from, to) away, as far as there are any.
func (e *editor) remove(from, to int) {
	from, to = max(0, from), min(len(e.line), to)
	if from >= to {
		return
	}
	for _, r := range e.line[from:to] {
		e.size -= utf8.RuneLen(r)
	}
	e.line = slices.Delete(e.line, from, to)
	e.at = from
}

// wordStart is where the word before the cursor begins.
func (e *editor) wordStart() int {
	i := e.at
	for i > 0 && unicode.IsSpace(e.line[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(e.line[i-1]) {
		i--
	}
	return i
}

// escape gathers an escape sequence and obeys it when it is complete. Keys
// that mean nothing here are swallowed.
func (e *editor) escape(b byte) {
	e.part = append(e.part, b)
	switch n := len(e.part); {
	case n == 2 && (b == '[' || b == 'O'):
		return
	case n == 2: // with Alt, or Esc and then a key
	case n < maxSequence && (b < 0x40 || b > 0x7e):
		return
	}
	sequence := string(e.part)
	e.part = e.part[:0]
	switch sequence {
	case "\x1b[A", "\x1bOA":
		e.show(e.recall + 1)
	case "\x1b[B", "\x1bOB":
		e.show(e.recall - 1)
	case "\x1b[C", "\x1bOC":
		e.at = min(len(e.line), e.at+1)
	case "\x1b[D", "\x1bOD":
		e.at = max(0, e.at-1)
	case "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~":
		e.at = 0
	case "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~":
		e.at = len(e.line)
	case "\x1b[3~":
		e.remove(e.at, e.at+1)
	}
}

// show brings up the line that was entered n lines ago; 0 is the draft.
func (e *editor) show(n int) {
	if n < 0 || n > len(e.history) {
		return
	}
	if e.recall == 0 {
		e.draft = e.line
	}
	e.recall = n
	if n == 0 {
		e.set(e.draft)
		return
	}
	e.set([]rune(e.history[len(e.history)-n]))
}

func (e *editor) set(line []rune) {
	e.line, e.at, e.size = line, len(line), len(string(line))
}

// enter completes the line.
func (e *editor) enter() entry {
	done := entry{text: string(e.line), long: e.long}
	if e.long {
		done.text = ""
	}
	e.remember(done.text)
	e.reset()
	return done
}

// remember adds a line to the history, unless it is the same again.
func (e *editor) remember(text string) {
	last := len(e.history) - 1
	if text == "" || len(text) > maxRemembered || last >= 0 && e.history[last] == text {
		return
	}
	e.history = append(e.history, text)
	if len(e.history) > maxHistory {
		e.history = slices.Delete(e.history, 0, 1)
	}
}

// reset empties the line.
func (e *editor) reset() {
	*e = editor{history: e.history}
}

// window is the part of the line around the cursor that fits the room, in
// columns: what is before the cursor, and from it on.
func (e *editor) window(room int) (before, after []rune) {
	from := e.at
	for from > 0 && room >= cells(e.line[from-1]) {
		from--
		room -= cells(e.line[from])
	}
	to := e.at
	for to < len(e.line) && room >= cells(e.line[to]) {
		room -= cells(e.line[to])
		to++
	}
	return e.line[from:e.at], e.line[e.at:to]
}

// splitter cuts input that nobody types into lines. The zero value is at the
// beginning of one.
type splitter struct {
	line []byte
	long bool
}

// feed takes bytes and returns the lines that they complete.
func (s *splitter) feed(p []byte) []entry {
	var done []entry
	for _, b := range p {
		switch {
		case b == '\n':
			done = append(done, s.end())
		case len(s.line) == maxLine:
			s.long = true
		default:
			s.line = append(s.line, b)
		}
	}
	return done
}

// rest is the last line, if it did not end with a newline.
func (s *splitter) rest() []entry {
	if len(s.line) == 0 {
		return nil
	}
	return []entry{s.end()}
}

func (s *splitter) end() entry {
	done := entry{text: string(s.line), long: s.long}
	if s.long {
		done.text = ""
	}
	// Files from elsewhere end their lines with CR LF.
	if n := len(done.text); n > 0 && done.text[n-1] == '\r' {
		done.text = done.text[:n-1]
	}
	*s = splitter{}
	return done
}
