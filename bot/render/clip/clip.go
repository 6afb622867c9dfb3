// Package clip makes a short film of a session's output: MP4 by ffmpeg where
// there is one, else GIF. It knows nothing of journals or chats.
package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"time"

	"chapi/bot"
	"chapi/bot/render/display"
	"chapi/bot/render/picture"
	"chapi/bot/render/replay"
)

// Options bound a clip. The zero value is for a chat.
type Options struct {
	// Length is the longest that the clip may run; 0 means a minute. What would
	// take longer is played faster.
	Length time.Duration
	// Frames is the most pictures in it; 0 means 300.
	Frames int
	// Idle is the longest pause that is shown; 0 means a second.
	Idle time.Duration
	// Bytes is the most that the file may have; 0 means 8 MB, less than what
	// any network takes.
	Bytes int64
	// Width is the most pixels that it should be wide; 0 means 960.
	Width int
	// Title is for the bar above, where the screen has none; NoBar leaves the
	// bar out.
	Title string
	NoBar bool
	// Masker hides the secrets; nil hides nothing.
	Masker bot.Masker
	// FFmpeg is the path of the program; empty means to look for it, and "-" to
	// do without.
	FFmpeg string
}

const (
	defaultLength = time.Minute
	defaultFrames = 300
	defaultIdle   = time.Second
	defaultBytes  = 8 << 20
	defaultWidth  = 960
	// fastest is how long a picture stays at least: ten a second look smooth
	// for text.
	fastest = 100 * time.Millisecond
	// hold is how long the last picture stays, to be read.
	hold = 1500 * time.Millisecond
	// maxCols and maxRows are what is shown of a larger terminal: at 8 pixels a
	// cell, what every phone can play.
	maxCols, maxRows = 238, 66
	// timeout bounds the making of a clip: a minute of film takes a second on a
	// desktop, and a minute on the smallest machine.
	timeout = 4 * time.Minute
)

// Info is what a clip became.
type Info struct {
	Name          string // "clip.mp4" or "clip.gif"
	Width, Height int    // pixels
	Duration      time.Duration
	Frames        int // different pictures
	Bytes         int64
	Speed         float64 // 1, or more if it would have been too long
}

// ErrEmpty: there is no output to show.
var ErrEmpty = errors.New("no output")

// ErrTooLarge: the clip has more bytes than it may.
var ErrTooLarge = errors.New("the clip is too large")

// Make writes a clip to a new file at path, which must not exist. The source is
// opened twice, to measure it and to play it. It blocks for seconds, uses one
// process of low priority, and makes one clip at a time per call; errors are
// ErrEmpty, ErrTooLarge, ctx's, and those of the source, the file and ffmpeg.
// After an error there is no file.
func Make(ctx context.Context, open func() (replay.Source, error), path string, o Options) (Info, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	o = o.withDefaults()
	plan, err := newPlan(open, o)
	if err != nil {
		return Info{}, fmt.Errorf("measure output for clip: %w", err)
	}
	program := o.FFmpeg
	if program == "" {
		program, _ = exec.LookPath("ffmpeg")
	}
	var info Info
	if program != "" && program != "-" {
		info, err = makeFile(path, func(file *os.File) (Info, error) { return plan.mp4(ctx, open, program, file.Name()) })
	} else {
		info, err = makeFile(path, func(file *os.File) (Info, error) { return plan.gif(ctx, open, file) })
	}
	if err != nil {
		return Info{}, fmt.Errorf("make clip: %w", err)
	}
	return info, nil
}

func (o Options) withDefaults() Options {
	if o.Length <= 0 {
		o.Length = defaultLength
	}
	if o.Frames <= 0 {
		o.Frames = defaultFrames
	}
	if o.Idle <= 0 {
		o.Idle = defaultIdle
	}
	if o.Bytes <= 0 {
		o.Bytes = defaultBytes
	}
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	return o
}

// makeFile makes the file for a clip, and removes it if that fails.
func makeFile(path string, make func(*os.File) (Info, error)) (Info, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Info{}, err
	}
	info, err := make(file)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(path)
	}
	return info, err
}

// plan is how a source becomes pictures.
type plan struct {
	Options
	extent replay.Extent
	speed  float64
	tick   time.Duration // of the film; every picture stays for a whole number of them
	ticks  int           // in all, without hold
	shape  picture.Options
}

func newPlan(open func() (replay.Source, error), o Options) (*plan, error) {
	source, err := open()
	if err != nil {
		return nil, err
	}
	defer closeSource(source)
	extent, err := replay.Measure(source, o.Idle)
	if err != nil {
		return nil, err
	}
	if extent.Pieces == 0 {
		return nil, ErrEmpty
	}
	p := &plan{Options: o, extent: extent, speed: 1}
	length := extent.Length
	if room := max(o.Length-hold, fastest); length > room {
		p.speed = float64(length) / float64(room)
		length = room
	}
	p.pace(length, o.Frames)
	p.shape = picture.Options{
		Width: o.Width, Even: true, Title: !o.NoBar, Name: o.Title,
		Cols: min(int(extent.Largest.Cols), maxCols), Rows: min(int(extent.Largest.Rows), maxRows),
	}
	return p, nil
}

// pace chooses the tick, in hundredths of a second as GIF has them.
func (p *plan) pace(length time.Duration, frames int) {
	const unit = 10 * time.Millisecond
	p.tick = max(fastest, (length/time.Duration(max(frames-1, 1)) + unit - 1).Truncate(unit))
	p.ticks = int((length + p.tick - 1) / p.tick)
}

// closeSource closes a source that can be closed.
func closeSource(s replay.Source) {
	if c, ok := s.(io.Closer); ok {
		c.Close()
	}
}

// film gives the pictures in order, and how many ticks each stays. A picture
// holds until the function returns.
func (p *plan) film(ctx context.Context, open func() (replay.Source, error), show func(m *image.Paletted, ticks int) error) (frames, ticks int, err error) {
	source, err := open()
	if err != nil {
		return 0, 0, err
	}
	defer closeSource(source)
	player := replay.NewPlayer(source, p.Idle, p.extent.Pieces)
	painter := picture.NewFramePainter()
	var last *image.Paletted
	stays := 0
	flush := func() error {
		if last == nil {
			return nil
		}
		frames, ticks = frames+1, ticks+stays
		return show(last, stays)
	}
	for i := 0; i <= p.ticks; i++ {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		until := time.Duration(float64(i) * float64(p.tick) * p.speed)
		if i == p.ticks {
			until = p.extent.Length
		}
		changed, err := player.Play(until)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, 0, err
		}
		if changed || last == nil {
			if err := flush(); err != nil {
				return 0, 0, err
			}
			view := player.View()
			display.Mask(&view, p.Masker)
			last, stays = painter.Paint(view, p.shape), 0
		}
		stays++
	}
	stays += int(hold / p.tick)
	err = flush()
	return frames, ticks, err
}

// info is what the film became.
func (p *plan) info(name string, size image.Rectangle, frames, ticks int, bytes int64) Info {
	return Info{
		Name: name, Width: size.Dx(), Height: size.Dy(), Duration: time.Duration(ticks) * p.tick,
		Frames: frames, Bytes: bytes, Speed: p.speed,
	}
}
