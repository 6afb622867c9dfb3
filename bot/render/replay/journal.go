package replay

import (
	"fmt"
	"io"
	"time"

	"chapi/bot"
)

const (
	// pieceSize is how much output is read at a time.
	pieceSize = 32 << 10
	// mostMarks bounds what is kept of a journal's marks: of a longer recording
	// every other time is forgotten, and again, until they fit.
	mostMarks = 1 << 16
)

// Output is a stretch of a session's output as a Source.
type Output struct {
	journal bot.Journal
	at, end int64
	first   []byte // is played before the output
	marks   []bot.Mark
	time    time.Time
	size    bot.Size
}

// NewOutput gives the bytes of r, with the times and sizes that the journal has
// marked. first is played before them: what makes a terminal look as it did
// there; nil where the session begins. The journal is the caller's to close,
// and is read only by the Source meanwhile.
func NewOutput(j bot.Journal, r bot.Range, first []byte) (*Output, error) {
	o := &Output{journal: j, at: r.From, end: r.To, first: first}
	err := j.Marks(r.From, func(m bot.Mark) bool {
		if m.At >= r.To {
			return false
		}
		if o.marks = append(o.marks, m); len(o.marks) > mostMarks {
			o.thin()
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the times of output: %w", err)
	}
	return o, nil
}

// thin forgets every other time.
func (o *Output) thin() {
	kept, odd := o.marks[:0], false
	for _, m := range o.marks {
		if m.Time.IsZero() || odd {
			kept = append(kept, m)
		}
		odd = !odd
	}
	o.marks = kept
}

// Next implements Source.
func (o *Output) Next() (data []byte, at time.Time, size bot.Size, err error) {
	for len(o.marks) > 0 && o.marks[0].At <= o.at {
		if m := o.marks[0]; m.Time.IsZero() {
			o.size = m.Size
		} else {
			o.time = m.Time
		}
		o.marks = o.marks[1:]
	}
	if o.first != nil {
		data, o.first = o.first, nil
		return data, o.time, o.size, nil
	}
	most := min(o.end-o.at, pieceSize)
	if len(o.marks) > 0 {
		most = min(most, o.marks[0].At-o.at)
	}
	if most <= 0 {
		return nil, o.time, o.size, io.EOF
	}
	chunk, err := o.journal.Next(o.at, int(most))
	switch {
	case err != nil:
		return nil, o.time, o.size, fmt.Errorf("read output at %d: %w", o.at, err)
	case len(chunk.Data) == 0 || chunk.From >= o.end:
		return nil, o.time, o.size, io.EOF
	}
	o.at = chunk.From + int64(len(chunk.Data))
	return chunk.Data, o.time, o.size, nil
}

// Between is the output that was read in [from, to), by the journal's marks: to
// a twentieth of a second for a terminal. The zero time is no bound.
func Between(j bot.Journal, from, to time.Time) (bot.Range, error) {
	_, end := j.Extent()
	r := bot.Range{To: end}
	err := j.Marks(0, func(m bot.Mark) bool {
		switch {
		case m.Time.IsZero():
		case !to.IsZero() && !m.Time.Before(to):
			r.To = min(r.To, m.At)
			return false
		case !from.IsZero() && m.Time.Before(from):
			// The output goes on until the next mark.
			r.From = m.At
		}
		return true
	})
	if err != nil {
		return r, fmt.Errorf("read the times of output: %w", err)
	}
	return r, nil
}
