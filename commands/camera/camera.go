// Package camera captures pictures and clips from cameras: a Raspberry Pi's
// own, V4L2 devices, addresses, files, programs. Programs that are needed for
// that (ffmpeg, rpicam-apps) are run with low priority, for a bounded time. The
// package knows what a camera is and what networks can show; what is said where
// is its Studio's, which keeps timelapses, live pictures and motion alerts
// going.
package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	_ "image/png"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"chapi/bot"
)

const (
	// shareFor is how old a picture may be to answer a request, beyond having
	// been taken while that waited.
	shareFor = 300 * time.Millisecond
	// turnTime is how long a request waits for a camera that is in use.
	turnTime = 25 * time.Second
	// glanceTime is how long a request waits for a picture out of a recording
	// that is going on.
	glanceTime = 3 * time.Second
	// hookTime bounds what is run before and after a capture.
	hookTime = 10 * time.Second
)

// Config is one camera as it is declared.
type Config struct {
	Name string
	// Source is rpicam, a path such as /dev/video0, an http, https or rtsp
	// address, file:/PATH, command:PROGRAM ARGS, or test.
	Source string
	// Width and Height bound its pictures, in pixels; 0 is the usual.
	Width, Height int
	// Rotate is 0, 90, 180 or 270 degrees clockwise.
	Rotate int
	// Before and After are programs that are run before and after each capture,
	// such as one that switches a light; empty = none.
	Before, After []string
}

// Camera is one camera. It captures one thing at a time: who wants a picture
// meanwhile gets one out of that, or waits. It is safe for concurrent use.
type Camera struct {
	Name   string
	cfg    Config
	source source
	shape  shape
	want   box // what the source is asked for: before it is turned
	dir    string
	log    *slog.Logger

	turn chan struct{} // capacity 1: held while it captures
	mu   sync.Mutex
	last Picture
	busy string // what holds the turn, for who has waited too long
	view string // a file with the newest picture of a recording; "" = none
	ring *ring  // while motion is looked for
}

// Picture is a picture and when it was there.
type Picture struct {
	Data []byte
	Kind string // .jpg or .png
	At   time.Time
}

// jpeg is the picture as a JPEG: pictures of a row have to be of one kind.
func (p Picture) jpeg() ([]byte, error) {
	if p.Kind == ".jpg" {
		return p.Data, nil
	}
	m, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 85})
	return b.Bytes(), err
}

// open makes a camera; dir is a folder of our own for what it works on.
func open(c Config, dir string, log *slog.Logger) (*Camera, error) {
	s, turned, err := parse(c.Source, c.Rotate)
	if err != nil {
		return nil, fmt.Errorf("camera %s: %w", c.Name, err)
	}
	want := box{c.Width, c.Height}
	if c.Width == 0 || c.Height == 0 {
		want = usualBox
	}
	cam := &Camera{Name: c.Name, cfg: c, source: s, want: want, shape: shape{want, c.Rotate}, dir: dir, log: log, turn: make(chan struct{}, 1)}
	if turned {
		cam.shape.rotate = 0
	}
	return cam, nil
}

// said is an error of the camera in words for a person.
func (c *Camera) said(err error) error {
	var said *bot.UserError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said):
		return said
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	default:
		return &bot.UserError{Text: fmt.Sprintf("The camera %s failed. %s", c.Name, err), Err: err}
	}
}

// take waits for the camera's turn. release gives it back. A hook that fails is
// logged: a picture in the dark is better than none.
func (c *Camera) take(ctx context.Context, what string) (release func(), err error) {
	timer := time.NewTimer(turnTime)
	defer timer.Stop()
	select {
	case c.turn <- struct{}{}:
	case <-timer.C:
		c.mu.Lock()
		defer c.mu.Unlock()
		return nil, bot.Userf("The camera %s is busy: it takes %s. Try again in a moment.", c.Name, c.busy)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	c.busy = what
	c.mu.Unlock()
	c.hook(ctx, c.cfg.Before)
	return func() {
		c.hook(context.WithoutCancel(ctx), c.cfg.After)
		<-c.turn
	}, nil
}

func (c *Camera) hook(ctx context.Context, argv []string) {
	if len(argv) == 0 {
		return
	}
	if err := (program{argv: argv, limit: hookTime}).run(ctx); err != nil {
		c.log.Warn("run what belongs to a capture", "camera", c.Name, "err", err)
	}
}

// Still is a picture as of now. Requests at the same time share one.
func (c *Camera) Still(ctx context.Context) (Picture, error) {
	asked := time.Now()
	if p, ok := c.recent(asked); ok {
		return p, nil
	}
	if p, ok := c.glance(ctx, asked); ok {
		return p, nil
	}
	release, err := c.take(ctx, "a picture")
	if err != nil {
		return Picture{}, err
	}
	defer release()
	if p, ok := c.recent(asked); ok {
		return p, nil
	}
	data, err := c.source.still(ctx, c.want)
	if err == nil {
		data, err = c.fitted(ctx, data)
	}
	if err != nil {
		return Picture{}, c.said(err)
	}
	p := Picture{Data: data, Kind: bot.PictureKind(data), At: time.Now()}
	c.mu.Lock()
	c.last = p
	c.mu.Unlock()
	return p, nil
}

// recent is the last picture, if it is of the time of the request.
func (c *Camera) recent(asked time.Time) (Picture, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, c.last.At.After(asked.Add(-shareFor))
}

// glance is a picture out of a recording that is going on, no older than a
// second. ok is false when there is none soon.
func (c *Camera) glance(ctx context.Context, asked time.Time) (p Picture, ok bool) {
	for time.Since(asked) < glanceTime && ctx.Err() == nil {
		c.mu.Lock()
		view := c.view
		c.mu.Unlock()
		if view == "" {
			return Picture{}, false
		}
		if info, err := os.Stat(view); err == nil && info.ModTime().After(asked.Add(-time.Second)) {
			data, err := os.ReadFile(view)
			if err == nil && bot.PictureKind(data) != "" {
				return Picture{Data: data, Kind: bot.PictureKind(data), At: info.ModTime()}, true
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return Picture{}, false
}

// fitted turns a picture and makes it fit the box. Without ffmpeg it is passed
// on as it is, unless it has to be turned.
func (c *Camera) fitted(ctx context.Context, data []byte) ([]byte, error) {
	if bot.PictureKind(data) == "" {
		return nil, errNoPicture
	}
	head, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it gave a picture that cannot be read: %w", err)
	}
	small := head.Width <= c.shape.box.w && head.Height <= c.shape.box.h
	if small && c.shape.rotate == 0 {
		return data, nil
	}
	var out bytes.Buffer
	err = ffmpeg(ctx, stillTime, bytes.NewReader(data), &bounded{&out, maxStill},
		"-f", map[string]string{".jpg": "mjpeg", ".png": "png_pipe"}[bot.PictureKind(data)], "-i", "pipe:0",
		"-vf", c.shape.filter(), "-frames:v", "1", "-f", "image2pipe", "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-")
	var missing *bot.UserError
	switch {
	case errors.As(err, &missing) && c.shape.rotate == 0:
		return data, nil
	case err != nil:
		return nil, err
	}
	return out.Bytes(), nil
}

// ClipOptions are what a clip should be.
type ClipOptions struct {
	Length time.Duration
	FPS    int
	Limit  int64  // bytes; 0 = none
	Path   string // of the file to make; what is there is replaced
}

// Clip records what is seen from now on. What cannot be made to fit the limit
// becomes a picture; then, and when it is smaller than recorded, Note says so.
// After an error nothing of use is at Path.
func (c *Camera) Clip(ctx context.Context, o ClipOptions) (Take, error) {
	a := ask{length: o.Length, fps: o.FPS, limit: o.Limit, shape: c.shape, out: o.Path}
	if r := c.watching(); r != nil {
		r.begun(ctx)
		t, err := r.cut(ctx, time.Now(), time.Now().Add(o.Length), a)
		return t, c.said(err)
	}
	a.picture = o.Path + ".picture"
	defer os.Remove(a.picture)
	t, err := c.record(ctx, a)
	if err == nil {
		t, err = fit(ctx, a, t)
	}
	return t, c.said(err)
}

func (c *Camera) watching() *ring {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ring
}

// record captures a clip. When only some of it could be had, its last picture
// has to do.
func (c *Camera) record(ctx context.Context, a ask) (Take, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return Take{}, err
	}
	release, err := c.take(ctx, fmt.Sprintf("a clip of %s, since %s", round(a.length), time.Now().Format("15:04:05")))
	if err != nil {
		return Take{}, err
	}
	defer release()
	done, view := c.showing("clip")
	defer done()
	err = record(ctx, c.source.moving(c.want, a.fps, false), a.fps, a.length+slack, nil, append(a.output(codec), glance(a.shape, a.length, view)...)...)
	if err == nil {
		if err := os.Rename(view, a.picture); err != nil {
			c.log.Debug("keep a picture of a clip", "camera", c.Name, "err", err)
		}
		t, err := measure(a.out)
		t.Kind = bot.Video
		return t, err
	}
	info, missing := os.Stat(view)
	if missing != nil || ctx.Err() != nil || os.Rename(view, a.out) != nil {
		return Take{}, err
	}
	return Take{Path: a.out, Kind: bot.Picture, Size: info.Size(), Note: fmt.Sprintf("a picture, because the clip broke off: %v", err)}, nil
}

// showing makes the newest picture of a recording available to others, in a
// file that ffmpeg writes.
func (c *Camera) showing(what string) (done func(), view string) {
	view = filepath.Join(c.dir, c.Name+"-"+what+".jpg")
	os.Remove(view)
	c.mu.Lock()
	c.view = view
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		c.view = ""
		c.mu.Unlock()
		// ffmpeg writes beside it first, and may have been killed in that.
		for _, path := range []string{view, view + ".tmp"} {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.log.Warn("remove a picture", "err", err)
			}
		}
	}, view
}
