package camera

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"chapi/bot"
)

// Bounds of capturing and encoding.
const (
	// stillTime is how long a picture may take, with a cold camera.
	stillTime = 20 * time.Second
	// movingTime bounds a program that prints pictures; it is run anew then.
	movingTime = 6 * time.Hour
	// slack is how much longer than itself a clip may take to be captured and
	// encoded: a first picture can take seconds, and small devices encode slower
	// than time passes.
	slack = 30 * time.Second
	// probeTime bounds the try of an encoder on a second of video.
	probeTime = 20 * time.Second
)

// The size that is aimed at.
const (
	// fill is how much of a limit is aimed at: encoders miss by some percent, and
	// the file has an index too.
	fill = 0.92
	// most and least are the bits a second that a clip gets at most and least:
	// more shows nothing more on a phone, less shows nothing.
	most  = 2_500_000
	least = 20_000
)

// Take is what came of a capture: a clip, or a picture in its place.
type Take struct {
	Path          string
	Kind          bot.MediaKind // Video or Picture
	Width, Height int           // of a clip, in pixels
	Length        time.Duration // of a clip
	Size          int64         // bytes
	// Note says why it is not what was asked for; empty when it is.
	Note string
}

// ffmpeg runs it without questions, and with nothing but errors on its standard
// error.
func ffmpeg(ctx context.Context, limit time.Duration, stdin io.Reader, stdout io.Writer, args ...string) error {
	return program{argv: quietly(args), stdin: stdin, stdout: stdout, limit: limit}.run(ctx)
}

func quietly(args []string) []string {
	return append([]string{"ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"}, args...)
}

// encoders are the ways to H.264, the one that takes the least of the processor
// first. That one is listed says nothing: whether it works is tried.
var encoders = []string{"h264_v4l2m2m", "libx264", "libopenh264"}

var chosen struct {
	mu   sync.Mutex
	name string
}

// encoder is the first that encodes a second of test picture. It is remembered.
func encoder(ctx context.Context) (string, error) {
	chosen.mu.Lock()
	defer chosen.mu.Unlock()
	if chosen.name != "" {
		return chosen.name, nil
	}
	var last error
	for _, name := range encoders {
		err := ffmpeg(ctx, probeTime, nil, nil, "-f", "lavfi", "-i", "testsrc=duration=1:size=320x240:rate=10",
			"-c:v", name, "-pix_fmt", "yuv420p", "-f", "null", "-")
		if err == nil {
			chosen.name = name
			return name, nil
		}
		var missing *bot.UserError
		if errors.As(err, &missing) || ctx.Err() != nil {
			return "", err
		}
		last = err
	}
	return "", fmt.Errorf("no encoder for H.264 works: %w", last)
}

// shape is how a picture is turned and how large it may be.
type shape struct {
	box    box
	rotate int
}

// filter scales down to the box, never up, and turns. H.264 wants even sides.
func (s shape) filter() string {
	f := fmt.Sprintf(`scale=w=min(%d\,iw):h=min(%d\,ih):force_original_aspect_ratio=decrease:force_divisible_by=2`, s.box.w, s.box.h)
	switch s.rotate {
	case 90:
		f += ",transpose=1"
	case 180:
		f += ",hflip,vflip"
	case 270:
		f += ",transpose=2"
	}
	return f
}

// ask is what a clip should be.
type ask struct {
	length time.Duration
	fps    int
	limit  int64 // bytes; 0 = none
	shape  shape
	out    string // the file to write
	// picture is a file that shows the same, for when no clip fits; "" is one of
	// the clip's own.
	picture string
}

// bits is the rate that keeps a clip within its limit.
func (a ask) bits() int {
	if a.limit <= 0 {
		return most
	}
	aim := fill * float64(a.limit) * 8 / max(a.length.Seconds(), 0.1)
	return int(min(max(aim, least), most))
}

// output is what ffmpeg is told of the clip.
func (a ask) output(codec string) []string {
	// The filter, unlike -r, also fills the time before a picture that comes late.
	steady := fmt.Sprintf("%s,fps=%d", a.shape.filter(), a.fps)
	args := []string{"-map", "0:v:0", "-t", seconds(a.length), "-an", "-vf", steady, "-c:v", codec}
	bits := strconv.Itoa(a.bits())
	if codec == "libx264" {
		// The buffer may be spent on top of the rate: a short clip has to have a
		// small one.
		buffer := strconv.Itoa(int(float64(a.bits()) * min(max(a.length.Seconds()/20, 0.2), 1)))
		args = append(args, "-preset", "veryfast", "-crf", "26", "-maxrate", bits, "-bufsize", buffer)
	} else {
		args = append(args, "-b:v", bits)
	}
	return append(args, "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4", "-y", a.out)
}

// glance is a second output: the newest picture of what is being recorded, so
// that others can have one meanwhile. A length of 0 has no end.
func glance(s shape, length time.Duration, path string) []string {
	var args []string
	if length > 0 {
		args = []string{"-t", seconds(length)}
	}
	return append(args, "-map", "0:v:0", "-an", "-vf", "fps=2,"+s.filter(), "-q:v", "4", "-f", "image2", "-update", "1", "-atomic_writing", "1", "-y", path)
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// record has ffmpeg make the outputs of a feed.
func record(ctx context.Context, f feed, fps int, limit time.Duration, stdout io.Writer, outputs ...string) error {
	if f.pictures != nil {
		return recordPictures(ctx, f, fps, limit, stdout, outputs...)
	}
	var first error
	for _, input := range f.inputs {
		err := ffmpeg(ctx, limit, nil, stdout, append(append([]string{}, input...), outputs...)...)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
		if !another(ctx, err) {
			break
		}
	}
	return first
}

// recordPictures hands pictures on as they come: when they came is what time
// they are of. The kind of the first says what all are.
func recordPictures(ctx context.Context, f feed, fps int, limit time.Duration, stdout io.Writer, outputs ...string) error {
	if _, err := installed("ffmpeg"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := f.pictures(ctx, w)
		w.CloseWithError(err)
		ended <- err
	}()
	stop := func() error {
		cancel()
		r.Close()
		return <-ended
	}
	// A camera that gives nothing is known sooner than its clip would be over.
	late := time.AfterFunc(stillTime, cancel)
	pictures := bot.NewPictureReader(r, maxStill)
	first, err := pictures.Next()
	if !late.Stop() {
		stop()
		return fmt.Errorf("it gave no picture within %s", stillTime)
	}
	if err != nil {
		if failed := stop(); failed != nil && !errors.Is(failed, context.Canceled) {
			return failed
		}
		if err == io.EOF {
			return errNoPicture
		}
		return err
	}
	format := map[string]string{".jpg": "mjpeg", ".png": "png_pipe"}[bot.PictureKind(first)]
	to, from := io.Pipe()
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		defer from.Close()
		for next := first; ; {
			if _, err := from.Write(next); err != nil {
				return
			}
			var err error
			if next, err = pictures.Next(); err != nil {
				return
			}
		}
	}()
	input := []string{"-use_wallclock_as_timestamps", "1", "-f", format, "-framerate", strconv.Itoa(fps), "-i", "pipe:0"}
	failed := ffmpeg(ctx, limit, to, stdout, append(input, outputs...)...)
	to.Close()
	stop()
	<-pumped
	return failed
}

// fallbacks are what is tried with a clip that came out too large: how much
// smaller its sides, and how many pictures a second.
var fallbacks = []struct {
	part int
	fps  int
}{{2, 8}, {4, 5}}

// fit makes a clip that is over its limit smaller until it fits, and else a
// picture of it.
func fit(ctx context.Context, a ask, t Take) (Take, error) {
	if a.limit <= 0 || t.Size <= a.limit {
		return t, nil
	}
	codec, err := encoder(ctx)
	if err != nil {
		return t, err
	}
	was := t
	for _, f := range fallbacks {
		smaller := a
		smaller.fps = min(a.fps, f.fps)
		smaller.length = was.Length
		smaller.shape = shape{box: box{max(was.Width/f.part, 16), max(was.Height/f.part, 16)}}
		smaller.out = a.out + ".smaller"
		err := ffmpeg(ctx, 4*was.Length+slack, nil, nil, append([]string{"-i", "file:" + was.Path}, smaller.output(codec)...)...)
		if err == nil {
			t, err = measure(smaller.out)
		}
		if err != nil {
			os.Remove(smaller.out)
			return t, err
		}
		if t.Size <= a.limit {
			t.Kind, t.Path, t.Note = bot.Video, a.out, "smaller than recorded, to fit this network"
			return t, os.Rename(smaller.out, a.out)
		}
		os.Remove(smaller.out)
	}
	if err := a.pick(ctx, was); err != nil {
		return was, err
	}
	info, err := os.Stat(a.out)
	if err != nil {
		return was, err
	}
	return Take{Path: a.out, Kind: bot.Picture, Size: info.Size(),
		Note: fmt.Sprintf("a picture: a clip of %s does not fit the %s that this network takes", round(was.Length), size(a.limit))}, nil
}

// pick puts a picture in the place of a clip: the one that was taken beside it,
// which is better than what is left of a clip that was made too small.
func (a ask) pick(ctx context.Context, clip Take) error {
	picture := a.out + ".jpg"
	from := clip.Path
	if info, err := os.Stat(a.picture); err == nil && info.Size() <= a.limit {
		from = a.picture
	}
	err := ffmpeg(ctx, stillTime, nil, nil, "-i", "file:"+from, "-frames:v", "1", "-q:v", "4", "-pix_fmt", "yuvj420p", "-f", "image2", "-update", "1", "-y", picture)
	if err == nil {
		err = os.Rename(picture, a.out)
	}
	if err != nil {
		os.Remove(picture)
	}
	return err
}

// size is a number of bytes for a person.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	default:
		return fmt.Sprintf("%d MB", n/1_000_000)
	}
}

func round(d time.Duration) string {
	if d >= 2*time.Second {
		return d.Round(time.Second).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
