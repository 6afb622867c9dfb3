package journal

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"chapi/bot"
)

// Reader reads a journal, live or ended, written by this or another process.
// It implements bot.Journal and is safe for one goroutine. It holds at most two
// files open and a fixed amount of memory, however long the output is.
type Reader struct {
	dir  string
	segs []extent // kept, in order: at most two chains
	end  int64

	open  *opened // the segment read last; nil at first
	stale bool    // the folder has to be looked at again
}

// extent is a segment as a listing of the folder shows it.
type extent struct{ start, size int64 }

// opened is a segment being read, and a cursor into its marks.
type opened struct {
	start  int64
	data   *os.File
	marks  markReader
	stream bot.Stream // from since on
	since  int64
	ahead  *mark // the next change of stream, when known
}

// Open opens the journal in a folder. A folder without one is an empty
// journal; the error is of fs.ErrNotExist when there is no folder.
func Open(dir string) (*Reader, error) {
	r := &Reader{dir: dir}
	if err := r.look(); err != nil {
		return nil, err
	}
	return r, nil
}

// Close lets go of the files.
func (r *Reader) Close() error {
	r.shut()
	return nil
}

// Extent is what the journal keeps at this moment, see bot.Journal. When the
// folder cannot be read it is what it was before.
func (r *Reader) Extent() (kept []bot.Range, end int64) {
	_ = r.look()
	for _, s := range r.segs {
		if n := len(kept); n > 0 && kept[n-1].To == s.start {
			kept[n-1].To += s.size
		} else if s.size > 0 {
			kept = append(kept, bot.Range{From: s.start, To: s.start + s.size})
		}
	}
	return kept, r.end
}

// errGone: a segment was deleted since the folder was looked at.
var errGone = errors.New("journal: segment is gone")

// Next returns output at or after from, see bot.Journal.
func (r *Reader) Next(from int64, most int) (bot.Chunk, error) {
	from = max(from, 0)
	if most <= 0 {
		return bot.Chunk{From: from}, fmt.Errorf("read journal %s: room for %d bytes", r.dir, most)
	}
	// A live journal drops a segment each time it begins one, so a look at the
	// folder may be out of date at once; but not time and again, as each drop
	// takes a segment of output.
	for range 16 {
		if from >= r.end || r.stale {
			if err := r.look(); err != nil {
				return bot.Chunk{From: from}, err
			}
		}
		at, s, ok := r.find(from)
		if !ok {
			return bot.Chunk{From: from}, nil
		}
		chunk, err := r.read(at, s, most)
		if !errors.Is(err, errGone) {
			return chunk, err
		}
		r.stale = true
	}
	return bot.Chunk{From: from}, fmt.Errorf("read journal %s: %w", r.dir, errGone)
}

// Marks calls yield with what is known about the output at and after from, see
// bot.Journal.
func (r *Reader) Marks(from int64, yield func(bot.Mark) bool) error {
	if err := r.look(); err != nil {
		return err
	}
	w := walk{from: from, yield: yield}
	for i, s := range r.segs {
		if i+1 < len(r.segs) && r.segs[i+1].start <= from {
			continue // the next one begins with all that holds there
		}
		goes, err := w.segment(filepath.Join(r.dir, marksName(s.start)), s)
		if err != nil || !goes {
			return err
		}
	}
	w.begin()
	return nil
}

// walk passes marks on: first those that hold at from, then the later ones.
type walk struct {
	from  int64
	yield func(bot.Mark) bool
	held  [2]bot.Mark // the last size and the last time at or before from
	begun bool
}

// segment passes on the marks in a file. It reports whether more are wanted.
func (w *walk) segment(name string, s extent) (goes bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read marks of journal: %w", err)
	}
	defer f.Close()
	marks := markReader{file: f, at: s.start}
	for m, ok := marks.next(); ok && m.At < s.start+s.size; m, ok = marks.next() {
		if m.Stream == 0 && !w.pass(m.Mark) {
			return false, nil
		}
	}
	return true, nil
}

func (w *walk) pass(m bot.Mark) bool {
	if m.At > w.from {
		return w.begin() && w.yield(m)
	}
	if m.Size != (bot.Size{}) {
		w.held[0] = m
	} else {
		w.held[1] = m
	}
	return true
}

// begin passes on what holds at from, once.
func (w *walk) begin() bool {
	if w.begun {
		return true
	}
	w.begun = true
	for _, m := range w.held {
		if m != (bot.Mark{}) && !w.yield(m) {
			return false
		}
	}
	return true
}

// look lists the folder. The names come first and the sizes after them, so a
// size may be newer than the list but the chains hold together.
func (r *Reader) look() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	var all []extent
	for _, e := range entries {
		start, ok := startOf(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := os.Lstat(filepath.Join(r.dir, e.Name()))
		if err != nil {
			continue // dropped since
		}
		all = append(all, extent{start, min(info.Size(), math.MaxInt64-start)})
	}
	r.segs, r.end = chains(all)
	r.stale = false
	return nil
}

// chains picks the segments that count: the chain from offset 0 on and the
// chain that ends last.
func chains(all []extent) (kept []extent, end int64) {
	if len(all) == 0 {
		return nil, 0
	}
	slices.SortFunc(all, func(a, b extent) int { return cmp.Compare(a.start, b.start) })
	for i := range all[:len(all)-1] {
		// More than its share can only be damage.
		all[i].size = min(all[i].size, all[i+1].start-all[i].start)
	}
	joined := func(i int) bool { return all[i].start+all[i].size == all[i+1].start }
	head := 0
	if all[0].start == 0 {
		for head = 1; head < len(all) && joined(head-1); head++ {
		}
	}
	tail := len(all) - 1
	for tail > head && joined(tail-1) {
		tail--
	}
	last := all[len(all)-1]
	if head < len(all) {
		all = append(all[:head], all[tail:]...)
	}
	return all, last.start + last.size
}

// find is the segment with the first kept byte at or after from.
func (r *Reader) find(from int64) (at int64, s extent, ok bool) {
	i, _ := slices.BinarySearchFunc(r.segs, from, func(s extent, from int64) int {
		if s.start+s.size <= from {
			return -1
		}
		return 1
	})
	for ; i < len(r.segs); i++ {
		if r.segs[i].size > 0 {
			return max(from, r.segs[i].start), r.segs[i], true
		}
	}
	return 0, extent{}, false
}

// read returns bytes of a segment from at on, of one stream.
func (r *Reader) read(at int64, s extent, most int) (bot.Chunk, error) {
	o, err := r.segment(s.start)
	if err != nil {
		return bot.Chunk{From: at}, err
	}
	stream, until := o.streamAt(at)
	n := min(int64(most), s.start+s.size-at, until-at)
	data := make([]byte, n)
	got, err := o.data.ReadAt(data, at-s.start)
	if got == 0 && err != nil {
		// The file is shorter than it was: nobody but us writes here.
		return bot.Chunk{From: at}, fmt.Errorf("read journal: %w", err)
	}
	return bot.Chunk{From: at, Stream: stream, Data: data[:got]}, nil
}

// segment opens the segment that begins at start, with its marks.
func (r *Reader) segment(start int64) (*opened, error) {
	if r.open == nil || r.open.start != start {
		r.shut()
		data, err := os.Open(filepath.Join(r.dir, dataName(start)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errGone
		}
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		r.open = &opened{start: start, data: data, stream: bot.Stdout, since: start}
		r.open.marks.at = start
	}
	if r.open.marks.file == nil {
		if err := r.openMarks(); err != nil {
			return nil, err
		}
	}
	return r.open, nil
}

// openMarks opens the marks of the open segment if it has any by now.
func (r *Reader) openMarks() error {
	f, err := os.Open(filepath.Join(r.dir, marksName(r.open.start)))
	if err == nil {
		r.open.marks.file = f
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read marks of journal: %w", err)
	}
	// The data is deleted before the marks: if it is still there, there never
	// were any.
	if _, err := os.Lstat(filepath.Join(r.dir, dataName(r.open.start))); err != nil {
		r.shut()
		return errGone
	}
	return nil
}

func (r *Reader) shut() {
	if r.open == nil {
		return
	}
	r.open.data.Close()
	if r.open.marks.file != nil {
		r.open.marks.file.Close()
	}
	r.open = nil
}

// streamAt is the stream of the byte at an offset, and where that stream ends
// as far as the marks tell.
func (o *opened) streamAt(at int64) (s bot.Stream, until int64) {
	if at < o.since {
		o.marks = markReader{file: o.marks.file, at: o.start}
		o.stream, o.since, o.ahead = bot.Stdout, o.start, nil
	}
	for {
		if o.ahead == nil {
			m, ok := o.marks.next()
			if !ok {
				return o.stream, math.MaxInt64
			}
			if m.Stream == 0 || (m.Stream == o.stream && m.At > at) {
				continue
			}
			o.ahead = &m
		}
		if o.ahead.At > at {
			return o.stream, o.ahead.At
		}
		o.stream, o.since, o.ahead = o.ahead.Stream, o.ahead.At, nil
	}
}
