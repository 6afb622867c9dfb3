package camera

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"chapi/bot"
)

// filmFPS is the most pictures a second in a clip that is sent; more are left
// out.
const filmFPS = 20

// filmBox is the size that a clip of a program's pictures is scaled down to:
// what every phone plays, and a small device encodes in time.
var filmBox = box{1280, 1280}

// errNoFrames: no picture of a reel is kept.
var errNoFrames = errors.New("none of the pictures is kept")

// Film implements bot.Filmer.
func (s *Studio) Film(ctx context.Context, r bot.Reel) (bot.Media, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return bot.Media{}, err
	}
	f, err := s.Spool.Create(".mp4")
	if err != nil {
		return bot.Media{}, err
	}
	f.Close()
	t, err := film(ctx, codec, r, f.Name())
	if err != nil {
		os.Remove(f.Name())
		return bot.Media{}, err
	}
	return t.media(""), nil
}

// film pipes the pictures into ffmpeg and has the clip in a file.
func film(ctx context.Context, codec string, r bot.Reel, path string) (Take, error) {
	length := time.Duration(float64(r.Frames) / r.FPS * float64(time.Second))
	a := ask{
		length: length, fps: min(max(int(r.FPS+0.5), 5), filmFPS), limit: r.Bytes,
		shape: shape{box: filmBox}, out: path,
	}
	in, out := io.Pipe()
	fed := make(chan error, 1)
	go func() {
		err := feedFrames(r, out)
		out.CloseWithError(err) // of nil it is the end
		fed <- err
	}()
	format := map[string]string{".jpg": "mjpeg", ".png": "png_pipe"}[r.Kind]
	input := []string{"-f", format, "-framerate", strconv.FormatFloat(r.FPS, 'f', 3, 64), "-i", "pipe:0"}
	err := ffmpeg(ctx, 4*length+slack, in, nil, append(input, a.output(codec)...)...)
	in.Close()
	if failed := <-fed; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return Take{}, failed
	}
	if err != nil {
		return Take{}, err
	}
	t, err := measure(path)
	if err != nil {
		return Take{}, err
	}
	t.Kind = bot.Video
	return fit(ctx, a, t)
}

// feedFrames writes the pictures one after another.
func feedFrames(r bot.Reel, w io.Writer) error {
	fed := 0
	for i := range r.Frames {
		picture, err := r.Frame(i)
		if err != nil {
			return err
		}
		if picture == nil {
			continue
		}
		if _, err := w.Write(picture); err != nil {
			return err
		}
		fed++
	}
	if fed == 0 {
		return errNoFrames
	}
	return nil
}
