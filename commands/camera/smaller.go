package camera

import (
	"bytes"
	"context"
	"fmt"
	"io"
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
func (s *Studio) Smaller(ctx context.Context, path string, limit int64) (bot.Media, error) {
	format, err := formatOf(path)
	if err != nil {
		return bot.Media{}, err
	}
	f, err := s.Spool.Create("")
	if err != nil {
		return bot.Media{}, err
	}
	f.Close()
	shrink := smallerPicture
	if format == clipFormat {
		shrink = smallerClip
	}
	t, err := shrink(ctx, []string{"-f", format, "-i", "file:" + path}, ask{limit: limit, out: f.Name()})
	if err != nil {
		os.Remove(f.Name())
		return bot.Media{}, err
	}
	return t.media(""), nil
}

// clipFormat is ffmpeg's word for MP4 and its kin.
const clipFormat = "mov"

// formatOf is what a file of other people is to be read as. ffmpeg's own guess is
// not taken: to it a text can be a list of files and addresses to read.
func formatOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := [12]byte{}
	n, _ := io.ReadFull(f, head[:])
	switch {
	case bot.PictureKind(head[:n]) == ".jpg":
		return "mjpeg", nil
	case bot.PictureKind(head[:n]) == ".png":
		return "png_pipe", nil
	case string(head[:4]) == "RIFF" && string(head[8:]) == "WEBP":
		return "webp_pipe", nil
	case string(head[4:8]) == "ftyp":
		return clipFormat, nil
	}
	return "", bot.ErrNoSmaller
}

func smallerPicture(ctx context.Context, input []string, a ask) (Take, error) {
	for _, side := range sides {
		err := ffmpeg(ctx, smallerTime, nil, nil, append(input, "-frames:v", "1", "-vf", shape{box: box{side, side}}.filter(),
			"-q:v", "3", "-pix_fmt", "yuvj420p", "-f", "image2", "-update", "1", "-y", a.out)...)
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

// smallerClip aims at the limit from the clip's length. Its sound is left out.
func smallerClip(ctx context.Context, input []string, a ask) (Take, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return Take{}, err
	}
	if a.length, err = lengthOf(ctx, input); err != nil {
		return Take{}, err
	}
	a.fps, a.shape = filmFPS, shape{box: filmBox}
	if err := ffmpeg(ctx, 4*a.length+slack, nil, nil, append(input, a.output(codec)...)...); err != nil {
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

// lengthOf is how long a clip is, wherever it has its index.
func lengthOf(ctx context.Context, input []string) (time.Duration, error) {
	var out bytes.Buffer
	argv := append([]string{"ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"}, input...)
	if err := (program{argv: argv, stdout: &out, limit: stillTime}).run(ctx); err != nil {
		return 0, err
	}
	length, err := strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("%w: it does not tell its length", bot.ErrNoSmaller)
	}
	return time.Duration(length * float64(time.Second)), nil
}
