package camera

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"chapi/bot"
)

// Bounds of a timelapse.
const (
	// MinEvery is the shortest time between two pictures: faster is a clip.
	MinEvery = time.Second
	// MaxPictures is how many pictures a timelapse has at most: two minutes of
	// clip at 30 a second.
	MaxPictures = 3600
	// maxFrames bounds the bytes of all its pictures on the disk.
	maxFrames = 2 << 30
	// clipAim is how long its clip should take.
	clipAim = 15 * time.Second
	// encodeTime bounds the making of the clip on a small device.
	encodeTime = time.Hour
	// tries is how often making the clip is tried, a while apart, when the disk
	// is full.
	tries    = 3
	tryAgain = 20 * time.Second
)

// timelapse takes a picture every so often, and posts a clip of all in the end.
// After a restart it goes on in step; when its time was over by then, the clip
// is made of what there is.
func (j *job) timelapse(ctx context.Context) error {
	c, err := j.s.Cameras.Find(j.Camera)
	if err != nil {
		return j.give(ctx, "", err)
	}
	album, err := openAlbum(filepath.Join(j.dir, "frames"))
	if err != nil {
		return err
	}
	failed, last := 0, error(nil)
	for {
		// In step with the beginning, whatever was missed.
		next := j.Began.Add((time.Since(j.Began) / j.Every) * j.Every)
		if album.n > 0 || failed > 0 {
			next = next.Add(j.Every)
		}
		if next.After(j.Until) || time.Now().After(j.Until) || j.halted() || album.n >= MaxPictures || album.bytes > maxFrames {
			break
		}
		if !j.wait(ctx, next) {
			break
		}
		if !j.may() {
			return nil // whoever asked is a stranger now
		}
		p, err := c.Still(ctx)
		if err == nil {
			err = album.add(p)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed, last = failed+1, err
			j.s.Logger.Warn("a picture of a timelapse", "job", j.ID, "err", err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return j.develop(ctx, album, failed, last)
}

// wait waits until t. It is false when no more pictures are wanted.
func (j *job) wait(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-j.stop:
		return false
	case <-ctx.Done():
		return false
	}
}

// develop makes the clip of a timelapse and posts it. The slot is the job's: done
// again after a crash, it replaces what was put, or edits what was posted.
func (j *job) develop(ctx context.Context, album *album, failed int, last error) error {
	if album.n == 0 {
		why := "it took no picture."
		if last != nil {
			why = last.Error()
		}
		return j.give(ctx, "", bot.Userf("Timelapse %s came to nothing: %s", j.ID, why))
	}
	text := append(caption(j.Camera, j.Began), bot.Span{Text: fmt.Sprintf(" – %s · timelapse of %d pictures", time.Now().Format("15:04:05"), album.n)})
	if failed > 0 {
		text = append(text, bot.Span{Text: fmt.Sprintf("\n%d could not be taken: %s", failed, reason(last))})
	}
	media, err := j.clip(ctx, album)
	for n := 1; err != nil && n < tries && j.pause(ctx); n++ {
		media, err = j.clip(ctx, album)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		text = append(text, bot.Span{Text: "\nThere is no clip of them: " + reason(err) + "\nThis is the last picture."})
		if media, err = j.newest(album); err != nil {
			return j.give(ctx, "", noSpace(err))
		}
	case media.note != "":
		text = append(text, bot.Span{Text: "\n"}, bot.Span{Style: bot.Italic, Text: media.note})
	}
	if !j.may() {
		os.Remove(media.Path)
		return nil
	}
	post := bot.Post{Text: text, Media: media.Media}
	for n := 0; ; n++ {
		if err = j.say(ctx, "end", post, true); err == nil || n == tries || !j.pause(ctx) {
			return err
		}
	}
}

// pause waits before something is tried again. It is false when there is no time.
func (j *job) pause(ctx context.Context) bool {
	select {
	case <-time.After(tryAgain):
		return true
	case <-ctx.Done():
		return false
	}
}

// noted is media with what is to be said of it.
type noted struct {
	*bot.Media
	note string
}

// clip makes a clip of an album that fits the thread.
func (j *job) clip(ctx context.Context, a *album) (noted, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return noted{}, err
	}
	f, err := j.s.Spool.Create(".mp4")
	if err != nil {
		return noted{}, err
	}
	f.Close()
	rate := min(max(a.n/int(clipAim.Seconds()), 4), 30)
	want := ask{
		length: time.Duration(a.n) * time.Second / time.Duration(rate), fps: rate,
		limit: j.limits().Upload, shape: shape{box: box{1 << 14, 1 << 14}}, out: f.Name(), picture: a.path(a.n),
	}
	err = ffmpeg(ctx, encodeTime, nil, nil, append([]string{
		"-f", "image2", "-framerate", strconv.Itoa(rate), "-i", "file:" + filepath.Join(a.dir, "%06d.jpg")}, want.output(codec)...)...)
	var t Take
	if err == nil {
		t, err = measure(f.Name())
		t.Kind = bot.Video
	}
	if err == nil {
		t, err = fit(ctx, want, t)
	}
	if err != nil {
		os.Remove(f.Name())
		return noted{}, err
	}
	return noted{t.stamped(j.Camera), t.Note}, nil
}

// newest is the album's last picture.
func (j *job) newest(a *album) (noted, error) {
	data, err := os.ReadFile(a.path(a.n))
	if err != nil {
		return noted{}, err
	}
	m, err := j.s.spooled(Picture{Data: data, Kind: ".jpg", At: time.Now()}, j.Camera)
	return noted{Media: m}, err
}

// album is the pictures of a timelapse, files numbered from 1.
type album struct {
	dir   string
	n     int
	bytes int64
}

// openAlbum takes up what is there; a picture that was cut short is none.
func openAlbum(dir string) (*album, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of a timelapse: %w", err)
	}
	a := &album{dir: dir}
	for {
		info, err := os.Stat(a.path(a.n + 1))
		if err != nil || info.Size() == 0 {
			return a, nil
		}
		a.n++
		a.bytes += info.Size()
	}
}

func (a *album) path(n int) string { return filepath.Join(a.dir, fmt.Sprintf("%06d.jpg", n)) }

// add keeps a picture. It is whole or not there.
func (a *album) add(p Picture) error {
	data, err := p.jpeg()
	if err != nil {
		return err
	}
	path := a.path(a.n + 1)
	err = os.WriteFile(path+".new", data, 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		os.Remove(path + ".new")
		return err
	}
	a.n++
	a.bytes += int64(len(data))
	return nil
}
