package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the sizes of frames
	_ "image/png"
	"io"
	"time"
)

// Footage is the pictures that programs send on the side channel of their
// session, the pipe that CHAPI_FRAMES names. It is a Runner's; all methods may
// be called concurrently.
type Footage interface {
	// WaitFrames blocks until the pictures are longer than seen bytes, the
	// session has exited, or ctx ends, and returns the status. ErrNoSession.
	WaitFrames(ctx context.Context, id SessionID, seen int64) (Status, error)
	// Frames opens the pictures for reading, one after another as they came;
	// close it. ErrNoSession, ErrNoFrames.
	Frames(id SessionID) (Journal, error)
}

// ErrNoFrames: the session has sent no picture on its side channel.
var ErrNoFrames = errors.New("the session has sent no pictures")

const (
	// runGap is the pause after which pictures are another run.
	runGap = 3 * time.Second
	// runMost is how many of the newest pictures of a run are known: what a
	// clip of clipLongest can show.
	runMost = 1200
	// maxFrameSide is the longest side of a picture in pixels: a few bytes can
	// claim a picture that no program can hold.
	maxFrameSide = 8192
)

// frame is one picture of a run.
type frame struct {
	Range     // of the journal; in output, standard error may stand in it
	size  int // bytes of the picture
	at    time.Time
	form  form
}

// form is what the pictures of one run have in common, so that they make a clip.
type form struct {
	kind          string // ".jpg" or ".png"
	width, height int
}

func formOf(picture []byte) (form, bool) {
	config, _, err := image.DecodeConfig(bytes.NewReader(picture))
	f := form{PictureKind(picture), config.Width, config.Height}
	return f, err == nil && min(f.width, f.height) > 0 && max(f.width, f.height) <= maxFrameSide
}

// frameRun is pictures that came without a long pause.
type frameRun struct {
	at     int64 // journal offset behind the last one looked at
	frames []frame
	total  int // those that are not known any more included
	since  time.Time
}

// look takes the pictures up to the end of a journal into the run. It reports
// whether it stopped at one that begins another.
func (r *frameRun) look(j Journal, end int64) (another bool, err error) {
	clock, err := readClock(j, r.at)
	if err != nil {
		return false, err
	}
	for from := r.at; ; {
		// What a gap has cut must not be taken for one with what is behind it.
		in := &stdoutReader{journal: j, at: from, end: end, joined: true}
		another, err := r.take(in, &clock)
		if another || err != nil || in.beyond == 0 {
			return another, err
		}
		from = in.beyond
	}
}

// take takes the pictures of one piece of a journal.
func (r *frameRun) take(in *stdoutReader, clock *clock) (another bool, err error) {
	for pictures := NewPictureReader(in, maxShot); ; {
		picture, err := pictures.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return false, nil
		case errors.Is(err, ErrPictureDamaged), errors.Is(err, ErrPictureTooLarge):
			continue
		case err != nil:
			return false, fmt.Errorf("read pictures: %w", err)
		}
		from, to := pictures.Last()
		f := frame{Range: Range{in.place(from), in.place(to-1) + 1}, size: len(picture)}
		var good bool
		if f.form, good = formOf(picture); !good {
			r.at = f.To
			continue
		}
		f.at = clock.at(f.From)
		if r.endsBefore(f) {
			return true, nil
		}
		r.add(f)
	}
}

func (r *frameRun) endsBefore(f frame) bool {
	if len(r.frames) == 0 {
		return false
	}
	last := r.last()
	return last.form != f.form || f.at.Sub(last.at) > runGap
}

func (r *frameRun) add(f frame) {
	if r.total == 0 {
		r.since = f.at
	}
	if len(r.frames) == runMost {
		r.frames = append(r.frames[:0], r.frames[1:]...)
	}
	r.frames = append(r.frames, f)
	r.total++
	r.at = f.To
}

func (r *frameRun) last() frame { return r.frames[len(r.frames)-1] }

// clock tells when output came.
type clock []Mark

func readClock(j Journal, from int64) (c clock, err error) {
	err = j.Marks(from, func(m Mark) bool {
		if !m.Time.IsZero() {
			c = append(c, m)
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("read the times of pictures: %w", err)
	}
	return c, nil
}

// at is when the byte at an offset came. It is asked in order.
func (c *clock) at(offset int64) time.Time {
	for len(*c) > 1 && (*c)[1].At <= offset {
		*c = (*c)[1:]
	}
	if len(*c) == 0 {
		return time.Time{}
	}
	return (*c)[0].Time
}

// read is the picture; nil when not all of it is kept any more.
func (f frame) read(j Journal) ([]byte, error) {
	picture := make([]byte, 0, f.size)
	for at := f.From; at < f.To; {
		chunk, err := j.Next(at, int(f.To-at))
		if err != nil {
			return nil, fmt.Errorf("read a picture: %w", err)
		}
		if len(chunk.Data) == 0 || chunk.From != at {
			return nil, nil
		}
		if chunk.Stream == Stdout {
			picture = append(picture, chunk.Data...)
		}
		at += int64(len(chunk.Data))
	}
	return picture, nil
}
