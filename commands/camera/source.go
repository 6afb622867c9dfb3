package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// box is a width and height in pixels.
type box struct{ w, h int }

func (b box) String() string { return fmt.Sprintf("%dx%d", b.w, b.h) }

// usualBox is the size of cameras that are given none: what a phone shows, and
// a small device can encode.
var usualBox = box{1280, 720}

// maxStill is the largest picture that is taken, in bytes.
const maxStill = 24 << 20

// feed is a moving picture as ffmpeg takes it.
type feed struct {
	// inputs are the ways to ask for it, the best first: the arguments up to
	// and with -i.
	inputs [][]string
	// pictures, if set, is read instead of inputs: JPEG or PNG, one after
	// another.
	pictures func(ctx context.Context, w io.Writer) error
}

// source is where a camera's pictures come from.
type source interface {
	// still is one picture, JPEG or PNG.
	still(ctx context.Context, want box) ([]byte, error)
	// moving is a feed of about fps pictures a second. A live one comes no
	// faster than time passes.
	moving(want box, fps int, live bool) feed
}

// parse chooses the source that a text of the configuration means. rotate is
// what the source could do by itself; rotated tells whether it does.
func parse(text string, rotate int) (s source, rotated bool, err error) {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "test":
		return video{input: testInput}, false, nil
	case text == "rpicam":
		// The camera itself turns by half turns only.
		turned := rotate == 180
		return pi(turned), turned, nil
	case strings.HasPrefix(text, "/dev/"):
		return video{input: deviceInput(text), skip: deviceSkip}, false, nil
	case scheme == "rtsp" || scheme == "rtsps":
		return video{input: always("-rtsp_transport", "tcp", "-i", text)}, false, nil
	case scheme == "http" || scheme == "https":
		if streamed(text) {
			return video{input: always("-i", text)}, false, nil
		}
		return web{text}, false, nil
	case scheme == "file" && filepath.IsAbs(rest):
		return file{rest}, false, nil
	case scheme == "command" && strings.TrimSpace(rest) != "":
		argv := strings.Fields(rest)
		return printer{still1: constant(argv), moving1: constant(argv)}, false, nil
	}
	return nil, false, fmt.Errorf("%q is no source: want rpicam, /dev/videoN, http://, https:// or rtsp://, file:/PATH, command:PROGRAM ARGS or test", text)
}

// streamed reports whether an address is of a stream that takes a decoder.
func streamed(address string) bool {
	address, _, _ = strings.Cut(address, "?")
	switch strings.ToLower(filepath.Ext(address)) {
	case ".m3u8", ".mpd", ".mp4", ".ts", ".mkv", ".webm", ".flv":
		return true
	}
	return false
}

var errNoPicture = errors.New("it gave no picture")

// video is a source that ffmpeg reads by itself.
type video struct {
	input func(want box, fps int, live bool) [][]string
	skip  int // pictures to leave out at the beginning: too dark yet
}

func always(args ...string) func(box, int, bool) [][]string {
	return func(box, int, bool) [][]string { return [][]string{args} }
}

// testInput is a picture that moves, with a clock in it. The clock begins at 0
// each time, so the colours tell that it is another picture.
func testInput(want box, fps int, live bool) [][]string {
	args := []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d,hue=h=%d", want, fps, time.Now().UnixMilli()/50%360)}
	if live {
		args = append([]string{"-re"}, args...)
	}
	return [][]string{args}
}

// deviceSkip is how many pictures a USB camera needs to find its exposure.
const deviceSkip = 5

// deviceInput asks a V4L2 device for JPEG, which is all that USB carries of
// large pictures at speed, and else for what it has.
func deviceInput(device string) func(box, int, bool) [][]string {
	return func(want box, fps int, _ bool) [][]string {
		asked := []string{"-f", "v4l2", "-framerate", strconv.Itoa(fps), "-video_size", want.String(), "-i", device}
		jpeg := append([]string{"-f", "v4l2", "-input_format", "mjpeg"}, asked[2:]...)
		return [][]string{jpeg, asked, {"-f", "v4l2", "-i", device}}
	}
}

func (v video) still(ctx context.Context, want box) ([]byte, error) {
	var first error
	for _, input := range v.input(want, 10, false) {
		var out bytes.Buffer
		args := append([]string{}, input...)
		if v.skip > 0 {
			args = append(args, "-vf", fmt.Sprintf(`select=gte(n\,%d)`, v.skip))
		}
		args = append(args, "-frames:v", "1", "-an", "-f", "image2pipe", "-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-")
		err := ffmpeg(ctx, stillTime, nil, &bounded{&out, maxStill}, args...)
		if err == nil && out.Len() == 0 {
			err = errNoPicture
		}
		if err == nil {
			return out.Bytes(), nil
		}
		if first == nil {
			first = err
		}
		if !another(ctx, err) {
			break
		}
	}
	return nil, first
}

func (v video) moving(want box, fps int, live bool) feed {
	return feed{inputs: v.input(want, fps, live)}
}

// another reports whether an input that failed may do in another way.
func another(ctx context.Context, err error) bool {
	var failed *programError
	return errors.As(err, &failed) && !failed.late && ctx.Err() == nil && !strings.Contains(failed.words, "busy") && !strings.Contains(failed.words, "No such file")
}

// file is a picture or a clip on the disk. A clip is shown from its beginning,
// again and again.
type file struct{ path string }

func (f file) still(ctx context.Context, want box) ([]byte, error) {
	if data, kind, err := f.picture(); kind != "" || err != nil {
		return data, err
	}
	return video{input: always("-i", "file:"+f.path)}.still(ctx, want)
}

// picture is the file's content if it is a picture.
func (f file) picture() (data []byte, kind string, err error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, "", err
	}
	defer in.Close()
	head := make([]byte, 16)
	n, _ := io.ReadFull(in, head)
	if kind = bot.PictureKind(head[:n]); kind == "" {
		return nil, "", nil
	}
	data, err = bot.NewPictureReader(io.MultiReader(bytes.NewReader(head[:n]), in), maxStill).Next()
	return data, kind, err
}

func (f file) moving(want box, fps int, live bool) feed {
	args := []string{"-stream_loop", "-1", "-i", "file:" + f.path}
	if _, kind, _ := f.picture(); kind != "" {
		args = []string{"-loop", "1", "-framerate", strconv.Itoa(fps), "-i", "file:" + f.path}
	}
	if live {
		args = append([]string{"-re"}, args...)
	}
	return feed{inputs: [][]string{args}}
}

// printer is a program that prints pictures: JPEG or PNG, one or many.
type printer struct {
	still1, moving1 func(want box, fps int) []string
}

func constant(argv []string) func(box, int) []string {
	return func(box, int) []string { return argv }
}

// pi is a Raspberry Pi's own camera.
func pi(turned bool) printer {
	common := func(want box) []string {
		args := []string{"-n", "--width", strconv.Itoa(want.w), "--height", strconv.Itoa(want.h), "-o", "-"}
		if turned {
			args = append(args, "--rotation", "180")
		}
		return args
	}
	return printer{
		still1: func(want box, _ int) []string {
			return append([]string{"rpicam-still", "-t", "500", "-e", "jpg"}, common(want)...)
		},
		moving1: func(want box, fps int) []string {
			return append([]string{"rpicam-vid", "-t", "0", "--codec", "mjpeg", "--framerate", strconv.Itoa(fps)}, common(want)...)
		},
	}
}

// still takes the program's first picture, and ends it then.
func (p printer) still(ctx context.Context, want box) ([]byte, error) {
	return firstPicture(ctx, func(ctx context.Context, w io.Writer) error {
		return program{argv: p.still1(want, 1), stdout: w, env: sizeEnv(want), limit: stillTime}.run(ctx)
	})
}

// moving runs the program for as long as pictures are wanted; one that prints
// few is run again.
func (p printer) moving(want box, fps int, _ bool) feed {
	return feed{pictures: func(ctx context.Context, w io.Writer) error {
		for ctx.Err() == nil {
			out := &witness{w: w}
			err := program{argv: p.moving1(want, fps), stdout: out, env: sizeEnv(want), limit: movingTime}.run(ctx)
			if err != nil || !out.seen {
				return err
			}
		}
		return nil
	}}
}

// sizeEnv tells a program of one's own what is wanted.
func sizeEnv(want box) []string {
	return []string{"CHAPI_WIDTH=" + strconv.Itoa(want.w), "CHAPI_HEIGHT=" + strconv.Itoa(want.h)}
}

// witness notes whether what is written begins with a picture anywhere.
type witness struct {
	w    io.Writer
	seen bool
}

func (c *witness) Write(b []byte) (int, error) {
	c.seen = c.seen || bytes.Contains(b, []byte("\xff\xd8\xff")) || bytes.Contains(b, []byte("\x89PNG"))
	return c.w.Write(b)
}

// firstPicture is the first picture that write writes; it is stopped then.
func firstPicture(ctx context.Context, write func(context.Context, io.Writer) error) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := write(ctx, w)
		w.CloseWithError(err) // nil is io.EOF
		ended <- err
	}()
	picture, err := bot.NewPictureReader(r, maxStill).Next()
	r.Close()
	cancel()
	failed := <-ended
	switch {
	case err == nil:
		return picture, nil
	case failed != nil && !errors.Is(failed, context.Canceled):
		return nil, failed
	case err == io.EOF:
		return nil, errNoPicture
	default:
		return nil, err
	}
}
