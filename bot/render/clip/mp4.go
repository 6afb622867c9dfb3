package clip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chapi/bot/render/replay"
)

const (
	// niceness of ffmpeg: sessions and chats come first.
	niceness = 10
	// maxThreads of ffmpeg: each takes memory for its pictures.
	maxThreads = 2
	// waitDelay is how long ffmpeg's pipes stay open after it was stopped.
	waitDelay = 2 * time.Second
	// maxComplaint is how much of what ffmpeg says is kept.
	maxComplaint = 2 << 10
)

// mp4 pipes the pictures into ffmpeg, as yuv420p, which is what H.264 decoders
// of phones know; the index is put in front, so that playing can begin before
// all is loaded.
func (p *plan) mp4(ctx context.Context, open func() (replay.Source, error), program, path string) (Info, error) {
	var encoder *ffmpeg
	var size image.Rectangle
	var planes yuv
	frames, ticks, err := p.film(ctx, open, func(m *image.Paletted, ticks int) error {
		if encoder == nil {
			size = m.Rect
			var err error
			if encoder, err = startFFmpeg(ctx, program, path, size, p.tick); err != nil {
				return err
			}
		}
		frame := planes.convert(m)
		for range ticks {
			if _, err := encoder.pipe.Write(frame); err != nil {
				return err
			}
		}
		return nil
	})
	if encoder != nil {
		err = encoder.finish(ctx, err)
	}
	if err != nil {
		return Info{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Info{}, err
	}
	if info.Size() > p.Bytes {
		return Info{}, ErrTooLarge
	}
	return p.info("clip.mp4", size, frames, ticks, info.Size()), nil
}

// ffmpeg is the running encoder.
type ffmpeg struct {
	cmd       *exec.Cmd
	pipe      io.WriteCloser
	complaint tail
}

func startFFmpeg(ctx context.Context, program, path string, size image.Rectangle, tick time.Duration) (*ffmpeg, error) {
	threads := strconv.Itoa(min(maxThreads, runtime.NumCPU()))
	cmd := exec.CommandContext(ctx, program, "-hide_banner", "-loglevel", "error", "-y",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", fmt.Sprintf("%dx%d", size.Dx(), size.Dy()),
		"-framerate", fmt.Sprintf("100/%d", tick/(10*time.Millisecond)), "-color_range", "tv", "-i", "pipe:0",
		"-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-threads", threads,
		"-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
		"-movflags", "+faststart", "-f", "mp4", "file:"+path)
	// Nothing of our environment is ffmpeg's business.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = waitDelay
	e := &ffmpeg{cmd: cmd}
	cmd.Stderr = &e.complaint
	var err error
	if e.pipe, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := startNice(cmd); err != nil {
		return nil, fmt.Errorf("start ffmpeg: %w", err)
	}
	return e, nil
}

// startNice starts a process of low priority. On Linux priority belongs to a
// thread and is inherited; one that may not raise it again is given up with its
// goroutine.
func startNice(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, niceness)
		started <- cmd.Start()
	}()
	return <-started
}

// finish ends the input and waits. ffmpeg's own words tell more than that its
// input was closed.
func (e *ffmpeg) finish(ctx context.Context, writing error) error {
	if writing != nil && !errors.Is(writing, syscall.EPIPE) {
		_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
	}
	e.pipe.Close()
	waiting := e.cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case writing != nil && !errors.Is(writing, syscall.EPIPE):
		return writing
	case waiting != nil:
		return fmt.Errorf("ffmpeg: %w: %s", waiting, strings.TrimSpace(e.complaint.String()))
	}
	return writing
}

// tail keeps the last of what is written.
type tail struct{ bytes.Buffer }

func (t *tail) Write(p []byte) (int, error) {
	t.Buffer.Write(p)
	if over := t.Len() - maxComplaint; over > 0 {
		t.Next(over)
	}
	return len(p), nil
}

// yuv converts pictures to planar YUV 4:2:0 of ITU-R BT.709 with limited range.
type yuv struct {
	frame  []byte
	y      [256]uint8
	cb, cr [256]int
}

// convert gives the planes one after the other; they hold until the next call.
// Width and height are even.
func (c *yuv) convert(m *image.Paletted) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if n := w * h * 3 / 2; cap(c.frame) < n {
		c.frame = make([]byte, n)
	}
	c.frame = c.frame[:w*h*3/2]
	c.prepare(m.Palette)
	for i, n := range m.Pix[:w*h] {
		c.frame[i] = c.y[n]
	}
	cb, cr := c.frame[w*h:w*h*5/4], c.frame[w*h*5/4:]
	for y := 0; y < h; y += 2 {
		upper, lower := m.Pix[y*w:(y+1)*w], m.Pix[(y+1)*w:(y+2)*w]
		for x := 0; x < w; x += 2 {
			a, b, d, e := upper[x], upper[x+1], lower[x], lower[x+1]
			i := y/2*(w/2) + x/2
			cb[i] = uint8((c.cb[a] + c.cb[b] + c.cb[d] + c.cb[e] + 2) / 4)
			cr[i] = uint8((c.cr[a] + c.cr[b] + c.cr[d] + c.cr[e] + 2) / 4)
		}
	}
	return c.frame
}

func (c *yuv) prepare(palette color.Palette) {
	for i, p := range palette {
		red, green, blue, _ := p.RGBA()
		r, g, b := float64(red)/0xffff, float64(green)/0xffff, float64(blue)/0xffff
		y := 0.2126*r + 0.7152*g + 0.0722*b
		c.y[i] = uint8(16 + 219*y + 0.5)
		c.cb[i] = int(128 + 224*(b-y)/1.8556 + 0.5)
		c.cr[i] = int(128 + 224*(r-y)/1.5748 + 0.5)
	}
}
