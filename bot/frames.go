package bot

import (
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

// formOf reads the head of a picture in a journal; ok is false when it is none
// that can be shown.
func formOf(j Journal, r Range) (f form, ok bool) {
	config, format, err := image.DecodeConfig(&stdoutReader{journal: j, at: r.From, end: r.To})
	f = form{".jpg", config.Width, config.Height}
	if format == "png" {
		f.kind = ".png"
	}
	return f, err == nil && min(f.width, f.height) > 0 && max(f.width, f.height) <= maxFrameSide
}

// stdoutReader reads what a journal has of standard output, to its first gap.
type stdoutReader struct {
	journal Journal
	at, end int64
	left    []byte
}

func (r *stdoutReader) Read(b []byte) (int, error) {
	for len(r.left) == 0 {
		if r.at >= r.end {
			return 0, io.EOF
		}
		chunk, err := r.journal.Next(r.at, int(min(readSize, r.end-r.at)))
		if err != nil {
			return 0, fmt.Errorf("read a picture: %w", err)
		}
		if len(chunk.Data) == 0 || chunk.From > r.at {
			return 0, io.EOF
		}
		r.at += int64(len(chunk.Data))
		if chunk.Stream == Stdout {
			r.left = chunk.Data
		}
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
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
	scan := newScan(r.at)
	for scan.at < end && !another {
		chunk, err := j.Next(scan.at, readSize)
		if err != nil {
			return false, fmt.Errorf("read pictures: %w", err)
		}
		if len(chunk.Data) == 0 {
			break
		}
		scan.look(chunk, func(p printed) {
			if !another && p.whole {
				another = !r.take(j, p, &clock)
			}
		})
	}
	return another, nil
}

// take takes a picture into the run, unless it begins another.
func (r *frameRun) take(j Journal, p printed, clock *clock) bool {
	f := frame{Range: p.Range, size: p.size}
	var good bool
	if f.form, good = formOf(j, p.Range); !good {
		r.at = f.To
		return true
	}
	f.at = clock.at(f.From)
	if r.endsBefore(f) {
		return false
	}
	r.add(f)
	return true
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
	picture := make([]byte, f.size)
	switch _, err := io.ReadFull(&stdoutReader{journal: j, at: f.From, end: f.To}, picture); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return picture, nil
}
