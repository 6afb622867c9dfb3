package bot

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

const (
	// shotsShown is how many pictures of a program that prints one after another
	// are posted; the output as a whole can be fetched.
	shotsShown = 10
	// maxShot is the largest picture that is looked for in output, in bytes.
	maxShot = 16 << 20
)

// shotsPut is the setting of a session that has printed the beginning of a
// picture: the number of the last picture put, and the journal offset behind it.
const shotsPut = "shots"

// shots are the pictures that a program prints, between its text or instead of
// it. They are numbered from 1 as they begin.
type shots struct {
	scan  pictureScan
	found []shot // the newest, in order
	last  int    // number of the last one found
	whole int    // how many can be shown
	put   int    // number of the last one put, and
	putTo int64  // the offset behind it
	noted bool   // the setting is there
}

type shot struct {
	printed
	n int
}

// look goes on with a chunk, and returns the pictures that end in it.
func (s *shots) look(c Chunk) (fresh []shot) {
	s.scan.look(c, func(p printed) {
		fresh = append(fresh, shot{p, s.number(p)})
		s.last = fresh[len(fresh)-1].n
		if p.whole {
			s.whole++
		}
	})
	s.found = append(s.found, fresh...)
	if over := len(s.found) - runMost; over > 0 {
		s.found = slices.Delete(s.found, 0, over)
	}
	return fresh
}

// number is that of the picture which comes next. Of those that an earlier
// daemon has put, some may not be kept any more.
func (s *shots) number(p printed) int {
	if p.From >= s.putTo {
		return max(s.last, s.put) + 1
	}
	return s.last + 1
}

// any reports whether some output has begun like a picture.
func (s *shots) any() bool { return s.last > 0 || s.scan.finder.busy() }

// only reports whether the output was pictures and nothing else.
func (s *shots) only() bool { return s.whole > 0 && !s.scan.text }

// hidden reports whether some pictures are not shown.
func (s *shots) hidden() bool {
	return s.last > shotsShown || s.last > s.whole || s.scan.finder.busy()
}

// at is the number of the picture that a byte of standard output belongs to, 0
// for text, and the offset to which that holds.
func (s *shots) at(offset int64) (n int, to int64) {
	i := sort.Search(len(s.found), func(i int) bool { return s.found[i].To > offset })
	next := shot{printed: printed{Range: Range{math.MaxInt64, math.MaxInt64}}}
	switch {
	case i < len(s.found):
		next = s.found[i]
	case s.scan.finder.busy():
		next.From, next.n = s.scan.open.From, s.number(s.scan.open)
	}
	if next.From > offset {
		return 0, next.From
	}
	return next.n, next.To
}

// begin is where the pictures begin that a byte stands in, one after another; its
// own offset when it stands in none.
func (s *shots) begin(offset int64) int64 {
	n, _ := s.at(offset)
	if n == 0 {
		return offset
	}
	from := s.scan.open.From
	for i := len(s.found) - 1; i >= 0; i-- {
		switch p := s.found[i]; {
		case p.n == n, p.n < n && p.To == from:
			from = p.From
		case p.n < n:
			return from
		}
	}
	return from
}

// split cuts a chunk that was looked at into text and pictures.
func (s *shots) split(c Chunk) (pieces []Chunk) {
	if c.Stream != Stdout || !s.any() {
		return []Chunk{c}
	}
	for len(c.Data) > 0 {
		piece := c
		n, to := s.at(c.From)
		piece.Picture = n
		piece.Data = c.Data[:min(to-c.From, int64(len(c.Data)))]
		pieces = append(pieces, piece)
		c.From, c.Data = c.From+int64(len(piece.Data)), c.Data[len(piece.Data):]
	}
	return pieces
}

// openShots begins to look for pictures where an earlier daemon may have missed
// some: at the page that is open, or where it has seen any, at the beginning.
func (w *watcher) openShots(ctx context.Context) error {
	w.shots = shots{scan: newScan(w.session.Progress.From)}
	known, err := w.s.Store.Setting(ctx, choicesOf(w.session.ID), shotsPut)
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if n, _ := fmt.Sscanf(known, "%d %d", &w.shots.put, &w.shots.putTo); n == 2 {
		w.shots.scan, w.shots.noted = newScan(0), true
	}
	return nil
}

// lookTo looks for pictures up to an offset.
func (w *watcher) lookTo(ctx context.Context, to int64, st Status) error {
	for w.pictured() && w.shots.scan.at < to && ctx.Err() == nil {
		chunk, err := w.next(w.shots.scan.at, st)
		if err != nil {
			return err
		}
		if len(chunk.Data) == 0 {
			return nil
		}
		if err := w.lookAt(ctx, chunk); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pictured reports whether pictures are looked for among the output: a terminal
// changes the bytes that go through it.
func (w *watcher) pictured() bool { return !w.session.PTY && !w.session.Quiet && w.picture == "" }

// lookAt looks for pictures in a chunk, and puts them.
func (w *watcher) lookAt(ctx context.Context, c Chunk) error {
	if !w.pictured() {
		return nil
	}
	s := &w.shots
	fresh := s.look(c)
	if s.any() && !s.noted {
		if err := w.noteShots(ctx); err != nil {
			return err
		}
		s.noted = true
	}
	for _, p := range fresh {
		if !p.whole || p.n > shotsShown || p.To <= s.putTo {
			continue
		}
		if err := w.putShot(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) putShot(ctx context.Context, p shot) error {
	form, ok := formOf(w.journal, p.Range)
	if !ok {
		w.shots.whole-- // it only has the shape of one
		return nil
	}
	// The slot makes it the same message, should a later daemon put it again.
	d := w.delivery(Slot(fmt.Sprintf("session/%s/shot/%d", w.session.ID, p.n)), Post{Silent: true, Media: &Media{
		Kind: Picture, Name: fmt.Sprintf("%s-%d%s", w.session.ID, p.n, form.kind),
		Output: &OutputRef{Session: w.session.ID, Range: p.Range, Stdout: true},
	}}, true, w.session.Progress)
	if err := w.s.Store.Put(ctx, d); err != nil {
		return fmt.Errorf("put a picture of session %s: %w", w.session.ID, err)
	}
	w.s.Deliver.Due(d)
	w.shots.put, w.shots.putTo = p.n, p.To
	return w.noteShots(ctx)
}

func (w *watcher) noteShots(ctx context.Context) error {
	err := w.s.Store.Set(ctx, choicesOf(w.session.ID), shotsPut, fmt.Sprintf("%d %d", w.shots.put, w.shots.putTo))
	if err != nil {
		return fmt.Errorf("note that pictures were shown: %w", err)
	}
	return nil
}

// shotsClip is a clip of more pictures than are shown one by one: of those that
// look like the last. There is none where it cannot be made.
func (w *watcher) shotsClip(ctx context.Context) (clip Delivery, ok bool) {
	if w.shots.whole <= shotsShown || w.s.Filmer == nil {
		return Delivery{}, false
	}
	m, err := w.filmShots(ctx)
	if err != nil {
		w.s.Logger.Error("make a clip", "session", w.session.ID, "err", err)
		return Delivery{}, false
	}
	m.Name = string(w.session.ID) + "-clip" + m.Name
	return w.delivery(Slot(fmt.Sprintf("session/%s/clip", w.session.ID)), Post{Silent: true, Media: &m}, true, w.session.Progress), true
}

func (w *watcher) filmShots(ctx context.Context) (Media, error) {
	clock, err := readClock(w.journal, w.shots.found[0].From)
	if err != nil {
		return Media{}, err
	}
	var frames []frame
	for _, p := range w.shots.found {
		f := frame{Range: p.Range, size: p.size, at: clock.at(p.From)}
		var good bool
		if f.form, good = formOf(w.journal, p.Range); p.whole && good {
			frames = append(frames, f)
		}
	}
	frames = slices.DeleteFunc(frames, func(f frame) bool { return f.form != frames[len(frames)-1].form })
	if len(frames) < clipLeast {
		return Media{}, errors.New("the pictures differ in size, or cannot be read")
	}
	return w.s.clip(ctx, w.lim, frames, w.journal)
}
