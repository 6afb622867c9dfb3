package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// sides are the longest sides, in pixels, that are tried for a picture that has
// to become smaller.
var sides = []int{4096, 2560, 1600, 1024, 640, 320}

// smallerTime bounds the making of one smaller picture.
const smallerTime = 2 * time.Minute

// Smaller implements bot.Shrinker.
func (s *Studio) Smaller(ctx context.Context, f *os.File, limit int64) (bot.Media, error) {
	o := original{file: f}
	if o.format = o.look(); o.format == "" {
		return bot.Media{}, bot.ErrNoSmaller
	}
	out, err := s.Spool.Create("")
	if err != nil {
		return bot.Media{}, err
	}
	out.Close()
	shrink := o.picture
	if o.format == clipFormat {
		shrink = o.clip
	}
	t, err := shrink(ctx, ask{limit: limit, out: out.Name()})
	if err != nil {
		os.Remove(out.Name())
		var failed *programError
		if errors.As(err, &failed) { // it may only begin like a picture
			err = fmt.Errorf("%w: %w", bot.ErrNoSmaller, err)
		}
		return bot.Media{}, err
	}
	return t.media(""), nil
}

// original is a picture or clip that has to become smaller.
type original struct {
	file   *os.File
	format string // ffmpeg's word for it
}

// clipFormat is the word for MP4 and its kin.
const clipFormat = "mov"

// look is what the file is to be read as; "" for what is no picture or clip.
// ffmpeg's own guess is not taken: to it a text can be a list of files and
// addresses to read.
func (o original) look() string {
	head := [12]byte{}
	n, _ := o.file.ReadAt(head[:], 0)
	switch {
	case bot.PictureKind(head[:n]) == ".jpg":
		return "mjpeg"
	case bot.PictureKind(head[:n]) == ".png":
		return "png_pipe"
	case string(head[:4]) == "RIFF" && string(head[8:]) == "WEBP":
		return "webp_pipe"
	case string(head[4:8]) == "ftyp":
		return clipFormat
	}
	return ""
}

// ffmpeg makes an output of it.
func (o original) ffmpeg(ctx context.Context, limit time.Duration, output ...string) error {
	argv := quietly(append([]string{"-f", o.format, "-i", "file:" + theFile}, output...))
	return program{argv: argv, limit: limit, file: o.file}.run(ctx)
}

func (o original) picture(ctx context.Context, a ask) (Take, error) {
	for _, side := range sides {
		err := o.ffmpeg(ctx, smallerTime, "-frames:v", "1", "-vf", shape{box: box{side, side}}.filter(),
			"-q:v", "3", "-pix_fmt", "yuvj420p", "-f", "image2", "-update", "1", "-y", a.out)
		if err != nil {
			return Take{}, err
		}
		info, err := os.Stat(a.out)
		if err != nil {
			return Take{}, err
		}
		if info.Size() <= a.limit {
			return Take{Path: a.out, Kind: bot.Picture, Size: info.Size()}, nil
		}
	}
	return Take{}, bot.ErrNoSmaller
}

// clip aims at the limit from the clip's length. Its sound is left out.
func (o original) clip(ctx context.Context, a ask) (Take, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return Take{}, err
	}
	if a.length, err = o.length(ctx); err != nil {
		return Take{}, err
	}
	a.fps, a.shape = filmFPS, shape{box: filmBox}
	if err := o.ffmpeg(ctx, 4*a.length+slack, a.output(codec)...); err != nil {
		return Take{}, err
	}
	t, err := measure(a.out)
	if err != nil {
		return Take{}, err
	}
	t.Kind = bot.Video
	if t, err = fit(ctx, a, t); err == nil && t.Size > a.limit {
		err = bot.ErrNoSmaller
	}
	return t, err
}

// length is how long a clip is, wherever it has its index.
func (o original) length(ctx context.Context) (time.Duration, error) {
	var out bytes.Buffer
	argv := []string{"ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", "-f", o.format, "-i", "file:" + theFile}
	if err := (program{argv: argv, stdout: &out, limit: stillTime, file: o.file}).run(ctx); err != nil {
		return 0, err
	}
	length, err := strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("%w: it does not tell its length", bot.ErrNoSmaller)
	}
	return time.Duration(length * float64(time.Second)), nil
}
