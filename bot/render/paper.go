package render

import (
	"fmt"

	"chapi/bot"
)

// minText is the smallest page: it has room for any one character with all
// that may join it, and for the line that says that output is missing.
const minText = 64

// Paper is a page of output. It implements bot.Paper. Make one with NewPaper.
//
// # Text
//
// The text is what a terminal without a right edge would show, line by line:
//   - Each line that has ended ends with a newline; the last may be
//     unfinished. A newline at the very end is part of the text, and of its
//     size, but begins no line.
//   - Blanks at the end of a line are left out, and empty lines below the
//     cursor.
//   - A tab moves to the next multiple of eight columns.
//   - A line begins with "! " if its first character was written to standard
//     error.
//   - Bytes that are not UTF-8 are U+FFFD, one for each maximal part of a
//     character (Unicode Standard, 3.9). Invisible characters that could make
//     the text read otherwise than it is are left out.
//   - Where bytes are missing a line says "[… 12.3 MB not kept …]".
//   - A line such as "[picture 2]", or "[pictures 2–5]", stands for pictures.
//   - What a program writes to a line by its number, with the cursor saved
//     before and restored behind, is left out: it is a status line.
//   - What a program draws on the terminal's alternate screen is left out: it
//     is no text that stays. A page that ends there ends before it.
//
// How chunks are split makes no difference.
//
// # Pages
//
// Only the last 50 lines can still be changed by moving the cursor; what has
// been left behind on an earlier page never. When a line does not fit, the
// page ends before it and the next begins with it; a line longer than a page
// is cut at a character. The texts of such pages, one after the other, are
// exactly the text of one page that is large enough, with these exceptions: in
// a line that was cut, carriage returns go back to the cut only, blanks at the
// cut are kept, "! " is repeated, and tabs count from the cut if wide
// characters left no tab stop to cut at; a program that repaints several lines
// while the page fills leaves them on the old page as they were, and finds them
// again on the new.
// No text is lost that the program itself has not painted over.
//
// Memory is bounded by the page's size, and time by the number of bytes.
type Paper struct {
	size   bot.PageSize
	parser parser
	sheet  sheet
	away   bool  // the alternate screen is on, since
	left   int64 // the control sequence at this offset
	next   int64 // where the next chunk should begin
	stream bot.Stream
	// The numbers of the pictures that the last line of pictures is for, which
	// is the line of the cursor as long as nothing else is written.
	first, last int
	noted       bool
}

// NewPaper is an empty page whose first byte is at journal offset from. A
// size.Text of less than 64 counts as 64.
func NewPaper(size bot.PageSize, from int64) *Paper {
	size.Text = max(size.Text, minText)
	p := &Paper{size: size, next: from, stream: bot.Stdout}
	p.parser.place = place{at: from, pos: from}
	p.sheet = newSheet(size, from, &p.parser.place)
	return p
}

// Write lays out a chunk, as bot.Paper says. Bytes that came before are
// skipped, and a chunk without data says nothing. The data is not retained.
func (p *Paper) Write(c bot.Chunk) (full bool) {
	data, end := c.Data, c.From+int64(len(c.Data))
	if p.parser.full || len(data) == 0 || end <= p.next {
		return p.parser.full
	}
	if c.From < p.next {
		data = data[p.next-c.From:]
	}
	if c.Picture > 0 {
		p.picture(c.Picture, end)
		return p.parser.full
	}
	if p.behindNote(); p.parser.full {
		return true
	}
	if c.From > p.next {
		p.missing(c.From)
	} else if c.Stream != p.stream {
		p.parser.abort(p.next, p)
	}
	p.stream = c.Stream
	p.sheet.stderr = c.Stream == bot.Stderr
	p.parser.feed(data, end-int64(len(data)), p)
	p.next = end
	return p.parser.full
}

// missing says that the output from p.next to offset to is missing. What a
// full-screen program did there is not known: it may have ended.
func (p *Paper) missing(to int64) {
	p.parser.abort(p.next, p)
	p.away = false
	if p.parser.full {
		return
	}
	p.parser.at, p.parser.pos = p.next, p.next
	p.sheet.stderr = false
	p.sheet.missing(to - p.next)
}

// picture passes over the bytes of a picture, to offset end.
func (p *Paper) picture(n int, end int64) {
	p.parser.abort(p.next, p)
	if n != p.last && !p.parser.full {
		p.parser.at = p.next
		if !p.noted {
			p.first = n
		}
		p.last = n
		p.sheet.stderr = false
		p.sheet.note(picturesNote(p.first, n), p.noted)
		p.noted = true
	}
	if !p.parser.full {
		p.next, p.parser.pos = end, end
	}
}

func picturesNote(first, last int) string {
	if first == last {
		return fmt.Sprintf("[picture %d]", first)
	}
	return fmt.Sprintf("[pictures %d–%d]", first, last)
}

// behindNote ends a line of pictures before something else is written.
func (p *Paper) behindNote() {
	if p.noted {
		p.parser.at = p.next
		p.sheet.newline()
	}
	p.noted = false
}

// Covers is the offset behind the last complete character or control sequence
// that was written, or before the alternate screen; once the page is full, where
// the next page begins.
func (p *Paper) Covers() int64 {
	switch {
	case p.parser.full:
		return p.sheet.covers
	case p.away:
		return p.left
	default:
		return p.parser.covered()
	}
}

// Text is the page as it stands. A character that is not complete yet is shown
// as invalid: the output may end there.
func (p *Paper) Text() string {
	return string(p.sheet.appendText(nil, p.parser.state == inCharacter && !p.away))
}

// The methods below make Paper the parser's terminal.

func (p *Paper) plain(run []byte) {
	if !p.away {
		p.sheet.plain(run)
	}
}

func (p *Paper) print(r rune) {
	if !p.away {
		p.sheet.print(r)
	}
}

func (p *Paper) control(b byte) {
	if !p.away {
		p.sheet.control(b)
	}
}

func (p *Paper) escape(final byte) {
	switch {
	case final == 'c': // full reset
		p.away = false
	case !p.away:
		p.sheet.escape(final)
	}
}

func (p *Paper) sequence(q *sequence) {
	switch {
	case q.prefix == '?' && (q.final == 'h' || q.final == 'l'):
		p.modes(q)
	case p.away, q.prefix != 0 && q.final != 'J' && q.final != 'K':
		// Not on this page; questions to the terminal, keyboard and mouse modes.
	default:
		p.sheet.sequence(q)
	}
}

// modes turns the alternate screen on and off.
func (p *Paper) modes(q *sequence) {
	for _, mode := range q.params[:min(q.n, len(q.params))] {
		if mode != 47 && mode != 1047 && mode != 1049 {
			continue
		}
		switch {
		case q.final == 'l':
			p.away = false
		case !p.away:
			p.away, p.left = true, p.parser.at
		}
	}
}
