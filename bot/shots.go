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
	at    int64   // journal offset behind the last whole one
	found []Range // of the journal; standard error may stand in between
	put   int     // how many have been put
}

// look finds the whole pictures up to the end of the output.
func (s *shots) look(j Journal, end int64) error {
	in := &stdoutReader{journal: j, at: s.at, end: end}
	pictures := NewPictureReader(in, maxShot)
	for {
		_, err := pictures.Next()
		switch {
		case err == nil:
			from, to := pictures.Last()
			r := Range{in.place(from), in.place(to-1) + 1}
			s.found, s.at = append(s.found, r), r.To
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, ErrPictureTooLarge):
			return nil // the rest may come yet
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
			Output: &OutputRef{Session: w.session.ID, Range: w.shots.found[n-1], Stdout: true},
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
