package holder

import (
	"fmt"

	"chapi/bot"
	"chapi/runner/journal"
	"chapi/runner/screen"
)

// Drawing is a screen that is being made from a session's journal.
type Drawing struct {
	Screen *screen.Screen
	Offset int64 // bytes of output that it shows
	Solid  int64 // the offset from which on it shows what there was; see Skim

	dense  int64 // up to here there is no use in looking for what can be passed over
	output *journal.Reader
	sizes  []bot.Mark // changes of the terminal's size from Offset on,
	until  int64      // up to here
}

// Draw makes ready to draw the output in a session's folder, from offset on,
// upon a screen that shows what is before. Close it.
func Draw(dir string, s *screen.Screen, offset int64) (*Drawing, error) {
	output, err := journal.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("draw a screen: %w", err)
	}
	return &Drawing{Screen: s, Offset: offset, output: output, until: offset}, nil
}

// Close lets go of the journal. The screen stays.
func (d *Drawing) Close() { d.output.Close() }

// Step draws some more output, at most block bytes and none at or after end. It
// returns the terminal's answers to it, and false when there is nothing to be
// drawn now.
func (d *Drawing) Step(end int64, block int) (answers []byte, drawn bool, err error) {
	if d.Offset >= end {
		return nil, false, nil
	}
	chunk, err := d.output.Next(d.Offset, int(min(int64(block), end-d.Offset)))
	if err != nil || len(chunk.Data) == 0 || chunk.From >= end {
		return nil, false, err
	}
	p := chunk.Data[:min(int64(len(chunk.Data)), end-chunk.From)]
	if err := d.learn(chunk.From + int64(len(p))); err != nil {
		return nil, false, err
	}
	d.write(chunk.From, p)
	return d.Screen.Answers(), true, nil
}

// skimBlock is how much output is looked at to see whether its beginning can be
// passed over.
const skimBlock = 1 << 20

// skimWorth is how much of a block has to be passed over for the next one to be
// looked at in time.
const skimWorth = skimBlock / 16

// Skim passes over output before end of which nothing will be seen once the next
// is drawn; see screen.Screen. Until Step has come to Solid the screen is not
// that of any moment. It reports whether it passed over much.
func (d *Drawing) Skim(end int64) (bool, error) {
	if end-d.Offset < skimBlock || d.Offset < d.dense {
		return false, nil
	}
	chunk, err := d.output.Next(d.Offset, skimBlock)
	if err != nil || chunk.From >= end {
		return false, err
	}
	p := chunk.Data[:min(int64(len(chunk.Data)), end-chunk.From)]
	if err := d.learn(chunk.From + int64(len(p))); err != nil {
		return false, err
	}
	if len(d.sizes) > 0 && d.sizes[0].At < chunk.From+int64(len(p)) {
		return false, nil // it is to be drawn in the size that it had
	}
	n, seen := d.Screen.Skim(p), chunk.From+int64(len(p))
	if n > 0 {
		d.Offset, d.Solid = chunk.From+int64(n), seen
	}
	if n < skimWorth {
		d.dense = seen
	}
	return n >= skimWorth, nil
}

// learn sees to it that the sizes before an offset are known. Those that hold
// where drawing begins are part of what it began with.
func (d *Drawing) learn(offset int64) error {
	if offset <= d.until {
		return nil
	}
	from := d.until
	_, d.until = d.output.Extent()
	return d.output.Marks(from, func(m bot.Mark) bool {
		if m.Size != (bot.Size{}) && m.At >= from && m.At < d.until {
			d.sizes = append(d.sizes, m)
		}
		return m.At < d.until
	})
}

// write draws bytes. A size holds from the byte at its offset on.
func (d *Drawing) write(from int64, p []byte) {
	for len(p) > 0 {
		for len(d.sizes) > 0 && d.sizes[0].At <= from {
			fit(d.Screen, d.sizes[0].Size)
			d.sizes = d.sizes[1:]
		}
		n := int64(len(p))
		if len(d.sizes) > 0 {
			n = min(n, d.sizes[0].At-from)
		}
		d.Screen.Write(p[:n])
		p, from = p[n:], from+n
	}
	d.Offset = from
}
