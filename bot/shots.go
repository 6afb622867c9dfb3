package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	// shotsShown is how many pictures of a program that prints one after another
	// are posted; the output as a whole can be fetched.
	shotsShown = 10
	// maxShot is the largest picture that is looked for in output, in bytes.
	maxShot = 16 << 20
)

// shots are the pictures that a program prints one after another.
type shots struct {
	at    int64 // journal offset behind the last whole one
	found []frame
	put   int // how many have been put
}

// look finds the whole pictures up to the end of the output.
func (s *shots) look(j Journal, end int64) error {
	in := &stdoutReader{journal: j, at: s.at, end: end}
	pictures := NewPictureReader(in, maxShot)
	for {
		picture, err := pictures.Next()
		switch {
		case err == nil:
			from, to := pictures.Last()
			f := frame{Range: Range{in.place(from), in.place(to-1) + 1}, size: len(picture)}
			f.form, _ = formOf(picture)
			s.found, s.at = append(s.found, f), f.To
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrPictureTooLarge):
			return nil // the rest may come yet
		case errors.Is(err, ErrPictureDamaged):
		default:
			return fmt.Errorf("look for pictures: %w", err)
		}
	}
}

// stdoutReader reads what a journal has of standard output, and knows where in
// the journal it was.
type stdoutReader struct {
	journal Journal
	at, end int64
	left    []byte
	read    int64 // bytes of standard output
	pieces  []struct{ stream, journal int64 }
	// joined makes it end at a gap of the journal, behind which it goes on at
	// beyond; 0 = there was none.
	joined bool
	beyond int64
}

func (r *stdoutReader) Read(b []byte) (int, error) {
	for len(r.left) == 0 {
		if r.at >= r.end {
			return 0, io.EOF
		}
		chunk, err := r.journal.Next(r.at, readSize)
		if err != nil {
			return 0, err
		}
		if len(chunk.Data) == 0 {
			return 0, io.EOF
		}
		if r.joined && chunk.From > r.at {
			r.beyond = chunk.From
			return 0, io.EOF
		}
		r.at = chunk.From + int64(len(chunk.Data))
		if chunk.Stream == Stdout {
			r.left = chunk.Data
			r.pieces = append(r.pieces, struct{ stream, journal int64 }{r.read, chunk.From})
			r.read += int64(len(chunk.Data))
		}
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}

// place is where in the journal a byte of standard output is.
func (r *stdoutReader) place(stream int64) int64 {
	for i := len(r.pieces) - 1; i >= 0; i-- {
		if p := r.pieces[i]; p.stream <= stream {
			return p.journal + stream - p.stream
		}
	}
	return 0
}

// showShots puts the pictures of a program that prints several, as they come. A
// program that prints one has it posted when it ends, with all the rest.
func (w *watcher) showShots(ctx context.Context, st Status) error {
	if err := w.shots.look(w.journal, st.End); err != nil {
		return err
	}
	if len(w.shots.found) < 2 {
		return nil
	}
	var say []Delivery
	for ; w.shots.put < min(len(w.shots.found), shotsShown); w.shots.put++ {
		n := w.shots.put + 1
		// The slot makes it the same message, should a later daemon put it again.
		say = append(say, w.delivery(Slot(fmt.Sprintf("session/%s/shot/%d", w.session.ID, n)), Post{Silent: true, Media: &Media{
			Kind: Picture, Name: fmt.Sprintf("%s-%d%s", w.session.ID, n, w.picture),
			Output: &OutputRef{Session: w.session.ID, Range: w.shots.found[n-1].Range, Stdout: true},
		}}, true, w.session.Progress))
	}
	if len(say) == 0 {
		return nil
	}
	if err := w.s.Store.Put(ctx, say...); err != nil {
		return fmt.Errorf("put pictures of session %s: %w", w.session.ID, err)
	}
	w.s.Deliver.Due(say...)
	return nil
}

// shotsClip is a clip of more pictures than are shown one by one: of those that
// look like the first. There is none where it cannot be made.
func (w *watcher) shotsClip(ctx context.Context) (clip Delivery, ok bool) {
	if len(w.shots.found) <= shotsShown || w.s.Filmer == nil {
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
	for _, f := range w.shots.found {
		if f.form == w.shots.found[0].form {
			f.at = clock.at(f.From)
			frames = append(frames, f)
		}
	}
	if len(frames) < clipLeast || frames[0].form.width == 0 {
		return Media{}, errors.New("the pictures differ in size, or cannot be read")
	}
	return w.s.clip(ctx, w.lim, frames, w.journal)
}
