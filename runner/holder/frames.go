package holder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner/journal"
)

// FramesVariable names the pipe into which a program writes pictures, JPEG or
// PNG, one after another, beside its output.
const FramesVariable = "CHAPI_FRAMES"

const (
	// framesFolder has the journal of the pictures, in the session's folder.
	framesFolder = "frames"
	framesPipe   = "frames.pipe"
	// FramesBudget is how many bytes of pictures are kept: minutes of a small
	// camera, and some dozens of sessions on a memory card.
	FramesBudget = 32 << 20
	// maxPicture is the largest picture that is taken; it is held in memory. A
	// camera's JPEG of twelve megapixels has about that.
	maxPicture = 4 << 20
	// Pictures beyond these rates are dropped whole: nobody sees more than so
	// many a second, and a memory card takes no more bytes. A program may for
	// once print a short film as fast as it can.
	framesSecond, framesBurst = 60, 600
	bytesSecond, bytesBurst   = 2 << 20, 16 << 20
	// lastFrames bounds how long the pictures of an ended program are read on.
	lastFrames = 500 * time.Millisecond
)

// frames is the side channel for pictures of one session. The program never
// waits for more than the copying of its bytes.
type frames struct {
	dir      string // of the journal
	path     string // of the pipe
	made     string // the folder made for the pipe; "" when it is in the session's
	from, to *os.File
	grew     func()
	done     chan struct{} // closed when nothing more is read

	log       atomic.Pointer[journal.Log] // nil before the first picture
	dropped   atomic.Int64
	syncArmed atomic.Bool
	count     bucket
	bytes     bucket
}

// openFrames makes the pipe, for a program that runs as another account where
// that can reach it.
func openFrames(dir string, as *syscall.Credential) (f *frames, err error) {
	f = &frames{
		dir: filepath.Join(dir, framesFolder), path: filepath.Join(dir, framesPipe), done: make(chan struct{}),
		count: bucket{rate: framesSecond, most: framesBurst}, bytes: bucket{rate: bytesSecond, most: bytesBurst},
	}
	defer func() {
		if err != nil {
			f.release()
		}
	}()
	if as != nil {
		if err := f.moveOut(); err != nil {
			return nil, fmt.Errorf("make folder for pictures: %w", err)
		}
	}
	if err := unix.Mkfifo(f.path, 0o600); err != nil {
		return nil, fmt.Errorf("make pipe for pictures: %w", err)
	}
	// The end to write keeps the other from ending whenever a program has
	// written one picture and closed its own.
	if f.from, err = os.OpenFile(f.path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if f.to, err = os.OpenFile(f.path, os.O_WRONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0); err != nil {
		return nil, err
	}
	if as != nil {
		err = os.Lchown(f.path, int(as.Uid), int(as.Gid))
	}
	return f, err
}

// moveOut gives the pipe a folder of its own: the session's can be entered by
// the daemon's account alone. Others may pass through this one, and cannot put
// anything into it.
func (f *frames) moveOut() error {
	made, err := os.MkdirTemp("", "chapi-frames-")
	if err != nil {
		return err
	}
	f.made, f.path = made, filepath.Join(made, framesPipe)
	return os.Chmod(made, 0o711)
}

// environment is env with the name of the pipe in it.
func (f *frames) environment(env []string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, FramesVariable+"=") })
	return append(env, FramesVariable+"="+f.path)
}

// release takes the pipe away.
func (f *frames) release() {
	os.Remove(f.path)
	if f.made != "" {
		os.Remove(f.made)
	}
	for _, end := range []*os.File{f.from, f.to} {
		if end != nil {
			end.Close()
		}
	}
}

// read takes pictures until the pipe ends. What is no picture is passed over.
func (f *frames) read() {
	defer close(f.done)
	// Most sessions send none, and need no buffer.
	first := make([]byte, 1)
	if _, err := f.from.Read(first); err != nil {
		return
	}
	in := &pipeReader{r: io.MultiReader(bytes.NewReader(first), f.from)}
	pictures := bot.NewPictureReader(in, maxPicture)
	for !in.ended {
		picture, err := pictures.Next()
		switch {
		case err == nil:
			f.keep(picture)
		case errors.Is(err, bot.ErrPictureTooLarge), errors.Is(err, bot.ErrPictureDamaged):
			f.dropped.Add(1)
		}
	}
}

// pipeReader knows whether its end has been seen, which an error in a picture
// is not.
type pipeReader struct {
	r     io.Reader
	ended bool
}

func (p *pipeReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.ended = p.ended || err != nil
	return n, err
}

// keep puts a picture into the journal, if it is not one too many.
func (f *frames) keep(picture []byte) {
	now := time.Now()
	if !f.count.has(1, now) || !f.bytes.has(float64(len(picture)), now) {
		f.dropped.Add(1)
		return
	}
	f.count.take(1)
	f.bytes.take(float64(len(picture)))
	log := f.log.Load()
	if log == nil {
		if err := os.Mkdir(f.dir, 0o700); err != nil {
			f.dropped.Add(1)
			return
		}
		log = journal.New(f.dir, FramesBudget, bot.Size{})
		log.Finely()
		f.log.Store(log)
	}
	log.Append(bot.Stdout, picture)
	if f.syncArmed.CompareAndSwap(false, true) {
		time.AfterFunc(syncEvery, func() {
			f.syncArmed.Store(false)
			log.Sync()
		})
	}
	f.grew()
}

// end is the length of all pictures so far, in bytes.
func (f *frames) end() int64 {
	if f == nil {
		return 0
	}
	if log := f.log.Load(); log != nil {
		return log.End()
	}
	return 0
}

// finish takes what the ended program has written, and closes the channel.
func (f *frames) finish() {
	if f == nil {
		return
	}
	f.to.Close()
	select {
	case <-f.done:
	case <-time.After(lastFrames):
		f.from.SetReadDeadline(time.Now())
		<-f.done
	}
	f.release()
	if log := f.log.Load(); log != nil {
		log.Close()
	}
}

// damage is what became of pictures that were not taken, in words; empty when
// there were none.
func (f *frames) damage() string {
	if f == nil || f.dropped.Load() == 0 {
		return ""
	}
	return fmt.Sprintf("%d of its pictures were left out: they came too fast, were too large or damaged", f.dropped.Load())
}

// bucket is a rate with a burst. It begins full.
type bucket struct {
	rate, most float64 // a second, at once
	used       float64
	at         time.Time
}

func (b *bucket) has(n float64, now time.Time) bool {
	if !b.at.IsZero() {
		b.used = max(0, b.used-b.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	return b.used+n <= b.most
}

func (b *bucket) take(n float64) { b.used += n }

// FramesDir is the folder of the journal of a session's pictures, which is there
// once it has sent one.
func FramesDir(session string) string { return filepath.Join(session, framesFolder) }
