// Package replay plays a session's output again: pieces of it with their times
// go in, screens with the time since the beginning come out. Idle time is
// squeezed. It knows nothing of pictures, clips or chats.
package replay

import (
	"errors"
	"io"
	"time"

	"chapi/bot"
	"chapi/runner/screen"
)

// Source gives a session's output piece by piece, from its journal and the
// marks in it.
type Source interface {
	// Next is the next piece: the output, when it was written, and the
	// terminal's size from here on; the zero Size means as before. Data may be
	// empty where only the size changes; it holds until the next call. After
	// the last piece the error is io.EOF. Times that go back count as no time.
	Next() (data []byte, at time.Time, size bot.Size, err error)
}

// DefaultSize is the size of a terminal that nothing is known of.
var DefaultSize = bot.Size{Cols: 80, Rows: 24}

// Clock turns the times of pieces into the time since the first one, with no
// pause longer than Idle.
type Clock struct {
	Idle time.Duration // 0 = pauses stay as they are

	last    time.Time
	elapsed time.Duration
}

// At is the time since the beginning at which a piece is played.
func (c *Clock) At(t time.Time) time.Duration {
	if !c.last.IsZero() && t.After(c.last) {
		gap := t.Sub(c.last)
		if c.Idle > 0 {
			gap = min(gap, c.Idle)
		}
		c.elapsed += gap
	}
	if c.last.IsZero() || t.After(c.last) {
		c.last = t
	}
	return c.elapsed
}

// Extent is what a source holds.
type Extent struct {
	Length time.Duration // with pauses squeezed
	Pieces int
	// Largest is the largest width and the largest height that the terminal
	// had.
	Largest bot.Size
}

// Measure reads a source to its end.
func Measure(s Source, idle time.Duration) (Extent, error) {
	clock := Clock{Idle: idle}
	var e Extent
	for {
		_, at, size, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return e, err
		}
		e.Pieces++
		e.Length = clock.At(at)
		e.Largest.Cols = max(e.Largest.Cols, size.Cols)
		e.Largest.Rows = max(e.Largest.Rows, size.Rows)
		if e.Pieces == 1 && size == (bot.Size{}) {
			e.Largest = DefaultSize
		}
	}
	if e.Largest.Cols == 0 || e.Largest.Rows == 0 {
		e.Largest = DefaultSize
	}
	return e, nil
}

// Player feeds a source to a terminal.
type Player struct {
	source Source
	clock  Clock
	screen *screen.Screen
	size   bot.Size

	// The piece that is read but not played yet.
	data []byte
	next bot.Size
	due  time.Duration
	err  error

	pieces, most int
}

// NewPlayer plays at most so many pieces of a source: a live session's output
// grows while it is read twice. 0 = all.
func NewPlayer(s Source, idle time.Duration, pieces int) *Player {
	p := &Player{source: s, clock: Clock{Idle: idle}, most: pieces}
	p.fetch()
	return p
}

// fetch reads the next piece.
func (p *Player) fetch() {
	if p.most > 0 && p.pieces == p.most {
		p.err = io.EOF
		return
	}
	var at time.Time
	if p.data, at, p.next, p.err = p.source.Next(); p.err == nil {
		p.due = p.clock.At(at)
		p.pieces++
	}
}

// Play plays what is due by a time since the beginning, and reports whether
// that was anything. The error is io.EOF once all is played.
func (p *Player) Play(until time.Duration) (changed bool, err error) {
	for p.err == nil && p.due <= until {
		p.resize(p.next)
		if _, err := p.screen.Write(p.data); err != nil {
			return changed, err
		}
		changed = true
		p.fetch()
	}
	return changed, p.err
}

func (p *Player) resize(size bot.Size) {
	if size.Cols == 0 || size.Rows == 0 {
		size = p.size
		if size == (bot.Size{}) {
			size = DefaultSize
		}
	}
	if size == p.size {
		return
	}
	p.size = size
	if p.screen == nil {
		p.screen = screen.New(int(size.Cols), int(size.Rows), screen.Options{})
		return
	}
	p.screen.Resize(int(size.Cols), int(size.Rows))
}

// View is the screen as it stands.
func (p *Player) View() screen.View {
	if p.screen == nil {
		p.resize(p.next)
	}
	return p.screen.View()
}
