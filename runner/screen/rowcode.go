package screen

import (
	"encoding/binary"
	"unicode/utf8"
)

// A row at rest, in the history and in checkpoints, is a few bytes:
//
//	columns<<3 | flags         as a varint
//	style of the fill          if flagged: beyond the columns there are blanks of this style
//	marks, exit+1              if flagged: a byte and a varint
//	then runs of one style:
//	style, columns             varints
//	the text                   UTF-8; a zero byte is a blank. A character of width 0 belongs
//	                           to the cell before it, one of width 2 takes two columns.
//
// It is independent of the screen's width, so that a row that fits need not be
// touched when the width changes.
const (
	codeWrapped = 1 << iota
	codeMarks
	codeFill
)

// appendRow encodes the cells of a row, which are trimmed.
func appendRow(b []byte, r row, cells []cell, t *clusters) []byte {
	for len(cells) > 0 && cells[len(cells)-1] == r.fill {
		cells = cells[:len(cells)-1]
	}
	b = appendHead(b, len(cells), r)
	for len(cells) > 0 {
		style := cells[0] &^ cellGlyph
		n := 1
		for n < len(cells) && cells[n]&^cellGlyph == style {
			n++
		}
		b = binary.AppendUvarint(b, uint64(style.style()))
		b = binary.AppendUvarint(b, uint64(n))
		for _, c := range cells[:n] {
			switch g := c & cellGlyph; {
			case g < utf8.RuneSelf:
				b = append(b, byte(g))
			case g&cellRight != 0:
			default:
				b = t.appendText(b, c)
			}
		}
		cells = cells[n:]
	}
	return b
}

func appendHead(b []byte, columns int, r row) []byte {
	flags := 0
	if r.wrapped {
		flags |= codeWrapped
	}
	if r.marks != 0 {
		flags |= codeMarks
	}
	if r.fill.style() != 0 {
		flags |= codeFill
	}
	b = binary.AppendUvarint(b, uint64(columns)<<3|uint64(flags))
	if flags&codeFill != 0 {
		b = binary.AppendUvarint(b, uint64(r.fill.style()))
	}
	if flags&codeMarks != 0 {
		b = append(b, r.marks)
		b = binary.AppendUvarint(b, uint64(r.exit+1))
	}
	return b
}

// rowReader reads an encoded row, cell by cell. It never goes beyond its bytes;
// ok is false when they are no row.
type rowReader struct {
	row     row // used is the number of columns
	ok      bool
	rest    []byte
	columns int // of the row, yet to come
	run     int // columns of this run, yet to come
	style   uint32
}

func readRow(b []byte) rowReader {
	r := rowReader{rest: b, ok: true}
	head := r.uvarint()
	r.columns = int(head >> 3)
	if head>>3 > maxCols {
		r.ok = false
		return r
	}
	r.row.used = uint16(r.columns)
	r.row.wrapped = head&codeWrapped != 0
	if head&codeFill != 0 {
		r.row.fill = styled(uint32(r.uvarint()))
	}
	if head&codeMarks != 0 {
		if len(r.rest) == 0 {
			r.ok = false
			return r
		}
		r.row.marks, r.rest = r.rest[0]&15, r.rest[1:]
		r.row.exit = int16(min(r.uvarint(), 256)) - 1
	}
	return r
}

func (r *rowReader) uvarint() uint64 {
	if len(r.rest) > 0 && r.rest[0] < 0x80 {
		v := r.rest[0]
		r.rest = r.rest[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > 1<<32 {
		r.ok = false
		r.rest = nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// next gives the text of the next cell, nil for a blank, and its width; more
// is false at the end.
func (r *rowReader) next() (text []byte, width int, style uint32, more bool) {
	if r.columns <= 0 || !r.ok {
		return nil, 0, 0, false
	}
	if r.run == 0 {
		r.style = uint32(r.uvarint())
		run := r.uvarint()
		if run == 0 || run > uint64(r.columns) {
			r.ok = false
			return nil, 0, 0, false
		}
		r.run = int(run)
	}
	text, width = nextCell(r.rest)
	if len(text) == 0 || width == 0 || width > r.run {
		r.ok = false
		return nil, 0, 0, false
	}
	r.rest = r.rest[len(text):]
	r.run -= width
	r.columns -= width
	if text[0] == 0 {
		text = nil
	}
	return text, width, r.style, true
}

// nextCell gives the first character of b with what combines with it.
func nextCell(b []byte) (text []byte, columns int) {
	if len(b) == 0 {
		return nil, 0
	}
	n, columns := 1, 1
	if b[0] >= utf8.RuneSelf {
		var c rune
		c, n = utf8.DecodeRune(b)
		columns = width(c)
	}
	for n < len(b) && b[n] >= 0xcc { // U+0300 is the first that combines
		c, size := utf8.DecodeRune(b[n:])
		if size <= 1 || width(c) != 0 {
			break
		}
		n += size
	}
	return b[:n], columns
}

// rowWriter encodes a row cell by cell.
type rowWriter struct {
	columns int
	style   uint32
	run     int    // columns of the run that is being written
	text    []byte // of that run
	runs    []byte // those before
	out     []byte
}

// add puts a cell at the end; text is nil for a blank.
func (w *rowWriter) add(text []byte, columns int, style uint32) {
	if style != w.style {
		w.endRun()
		w.style = style
	}
	if text == nil {
		w.text = append(w.text, 0)
	}
	w.text = append(w.text, text...)
	w.run += columns
	w.columns += columns
}

func (w *rowWriter) endRun() {
	if w.run > 0 {
		w.runs = binary.AppendUvarint(w.runs, uint64(w.style))
		w.runs = binary.AppendUvarint(w.runs, uint64(w.run))
		w.runs = append(w.runs, w.text...)
	}
	w.run, w.text = 0, w.text[:0]
}

// row gives the encoded row, valid until the next call, and begins another.
func (w *rowWriter) row(r row) []byte {
	w.endRun()
	w.out = append(appendHead(w.out[:0], w.columns, r), w.runs...)
	w.columns, w.runs = 0, w.runs[:0]
	return w.out
}
