package journal

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"time"

	"chapi/bot"
)

// mark is a bot.Mark, or a change of stream, which readers see in their chunks.
// Exactly one of Stream, Time and Size is set.
type mark struct {
	bot.Mark
	Stream bot.Stream // the bytes from here on are of this stream
}

// A record of a marks file is a tag, the distance from the offset of the
// record before it (of the segment's start, for the first) as a uvarint, and
// what the tag calls for:
//
//	stdout, stderr  nothing
//	clock           milliseconds since the clock record before it, or since
//	                1970 for the first, as a uvarint
//	size            columns and rows, as uvarints
//
// Every record is written before the byte that it speaks of, and none without
// such a byte, so a marks file is at most some 30 times as long as its segment
// in the worst case and nearly nothing in the usual one. A file may end inside
// a record when the machine went down: reading stops there. Zeroes, which a
// file system may leave behind, are no tag.
const (
	tagStdout = 1
	tagStderr = 2
	tagClock  = 3
	tagSize   = 4
)

// markWriter encodes the records of one marks file.
type markWriter struct {
	at    int64 // offset of the last record
	clock int64 // its last clock, milliseconds
}

func (w *markWriter) stream(b []byte, at int64, s bot.Stream) []byte {
	tag := byte(tagStdout)
	if s == bot.Stderr {
		tag = tagStderr
	}
	return w.record(b, at, tag)
}

func (w *markWriter) time(b []byte, at int64, t time.Time) []byte {
	// A clock that was set back is written as standing still.
	ms := max(t.UnixMilli(), w.clock)
	b = binary.AppendUvarint(w.record(b, at, tagClock), uint64(ms-w.clock))
	w.clock = ms
	return b
}

func (w *markWriter) size(b []byte, at int64, s bot.Size) []byte {
	b = binary.AppendUvarint(w.record(b, at, tagSize), uint64(s.Cols))
	return binary.AppendUvarint(b, uint64(s.Rows))
}

func (w *markWriter) record(b []byte, at int64, tag byte) []byte {
	b = binary.AppendUvarint(append(b, tag), uint64(at-w.at))
	w.at = at
	return b
}

// markReader decodes a marks file from its beginning, record by record, while
// it may still be growing.
type markReader struct {
	file  *os.File // nil when there is none
	pos   int64    // where buf begins in the file
	buf   []byte   // read and not decoded
	at    int64
	clock int64
	bad   bool // nothing after pos can be understood
	block [4096]byte
}

// maxRecord is the length of the longest record: a tag and three uvarints.
const maxRecord = 1 + 3*binary.MaxVarintLen64

// next is the next whole record. ok is false when there is none yet; then it
// may be asked again later.
func (r *markReader) next() (m mark, ok bool) {
	if r.bad || r.file == nil {
		return mark{}, false
	}
	if len(r.buf) < maxRecord {
		r.fill()
	}
	rest := r.buf
	if len(rest) == 0 {
		return mark{}, false
	}
	tag := rest[0]
	rest = rest[1:]
	torn := false
	number := func() uint64 {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			torn = true
			// An overlong number will not become right by waiting.
			r.bad = r.bad || n < 0
			return 0
		}
		rest = rest[n:]
		return v
	}
	at, clock := r.at, r.clock
	if delta := number(); delta <= uint64(math.MaxInt64-at) {
		at += int64(delta)
	} else {
		r.bad = true
	}
	m.At = at
	switch tag {
	case tagStdout:
		m.Stream = bot.Stdout
	case tagStderr:
		m.Stream = bot.Stderr
	case tagClock:
		if delta := number(); delta <= uint64(math.MaxInt64-clock) {
			clock += int64(delta)
		} else {
			r.bad = true
		}
		m.Time = time.UnixMilli(clock)
	case tagSize:
		m.Size = bot.Size{Cols: uint16(number()), Rows: uint16(number())}
	default:
		r.bad = true
	}
	if torn || r.bad {
		return mark{}, false
	}
	r.pos += int64(len(r.buf) - len(rest))
	r.buf = rest
	r.at, r.clock = at, clock
	return m, true
}

// fill reads the file from pos on. What was read before is read again: after
// a full disk, a half-written record is written over.
func (r *markReader) fill() {
	n, err := r.file.ReadAt(r.block[:], r.pos)
	if err != nil && err != io.EOF {
		n = 0
	}
	r.buf = r.block[:n]
}
