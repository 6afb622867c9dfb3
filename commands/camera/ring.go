package camera

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

const (
	// ringKeep is how much of the past a ring keeps, and ringBytes how much of
	// it at most.
	ringKeep  = 45 * time.Second
	ringBytes = 64 << 20
	// ringFPS is enough to see what moved, and little enough for a small device.
	ringFPS = 10
	// segment is the length of the ring's pieces.
	segment = time.Second
	// latest is how long after its end a piece may be finished: a busy device
	// encodes late.
	latest = 15 * time.Second
	// memory is a folder that is kept in memory: a ring would wear out a card.
	memory = "/dev/shm"
)

// ring is the last seconds of a camera, in pieces that follow one another, and
// when something last moved in them. It is there while motion is looked for.
type ring struct {
	camera *Camera
	dir    string
	news   chan struct{} // capacity 1: something moved

	mu    sync.Mutex
	moved time.Time
}

// guard keeps a ring until ctx ends or the camera fails, and hands it to use,
// which is to return soon after its context ends.
func (c *Camera) guard(ctx context.Context, use func(context.Context, *ring)) error {
	codec, err := encoder(ctx)
	if err != nil {
		return c.said(err)
	}
	release, err := c.take(ctx, "what may move")
	if err != nil {
		return err
	}
	defer release()
	r := &ring{camera: c, news: make(chan struct{}, 1)}
	if r.dir, err = c.ringDir(); err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	done, view := c.showing("motion")
	defer done()
	ctx, cancel := context.WithCancel(ctx)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	defer cancel()
	c.mu.Lock()
	c.ring = r
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.ring = nil
		c.mu.Unlock()
	}()
	helpers.Go(func() { r.prune(ctx) })
	helpers.Go(func() { use(ctx, r) })
	eye := &detector{moved: r.note}
	outputs := append(r.pieces(codec), eyeOutput...)
	outputs = append(outputs, glance(c.shape, 0, view)...)
	return c.said(record(ctx, c.source.moving(c.want, ringFPS, true), ringFPS, movingTime, eye, outputs...))
}

// pieces is what ffmpeg is told of the ring. Each piece begins with a whole
// picture.
func (r *ring) pieces(codec string) []string {
	args := []string{"-map", "0:v:0", "-an", "-vf", r.camera.shape.filter(), "-r", strconv.Itoa(ringFPS), "-c:v", codec}
	if codec == "libx264" {
		args = append(args, "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "24")
	} else {
		args = append(args, "-b:v", strconv.Itoa(most))
	}
	return append(args, "-pix_fmt", "yuv420p", "-g", strconv.Itoa(ringFPS), "-f", "segment", "-segment_time", seconds(segment),
		"-segment_format", "mpegts", filepath.Join(r.dir, "%09d.ts"))
}

// ringTag begins the names of a camera's rings in memory. Only the daemon that
// has the folder uses it.
func (c *Camera) ringTag() string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\x00%s", c.dir, c.Name)
	return fmt.Sprintf("chapi-%x-", h.Sum64())
}

// sweep removes the rings that a killed daemon has left in memory.
func (c *Camera) sweep() {
	left, _ := filepath.Glob(filepath.Join(memory, c.ringTag()+"*"))
	for _, dir := range left {
		var info unix.Stat_t
		if unix.Lstat(dir, &info) == nil && int(info.Uid) == os.Getuid() && info.Mode&unix.S_IFMT == unix.S_IFDIR {
			os.RemoveAll(dir)
		}
	}
}

// ringDir is a new folder for a ring: in memory if there is room.
func (c *Camera) ringDir() (string, error) {
	c.sweep()
	var room unix.Statfs_t
	if unix.Statfs(memory, &room) == nil && int64(room.Bavail)*int64(room.Bsize) > 2*ringBytes {
		if dir, err := os.MkdirTemp(memory, c.ringTag()+"*"); err == nil {
			return dir, nil
		}
	}
	dir, err := os.MkdirTemp(c.dir, "ring-*")
	if err != nil {
		return "", noSpace(err)
	}
	return dir, nil
}

// note is called by the detector.
func (r *ring) note() {
	r.mu.Lock()
	r.moved = time.Now()
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *ring) lastMove() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.moved
}

// piece is a file of the ring.
type piece struct {
	path  string
	ended time.Time
	size  int64
}

// kept is the ring's pieces, oldest first. The last one is still being written.
func (r *ring) kept() []piece {
	names, _ := filepath.Glob(filepath.Join(r.dir, "*.ts"))
	slices.Sort(names)
	var all []piece
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			all = append(all, piece{name, info.ModTime(), info.Size()})
		}
	}
	return all
}

// prune removes what is too old or too much, until ctx ends.
func (r *ring) prune(ctx context.Context) {
	tick := time.NewTicker(segment)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		all := r.kept()
		var total int64
		for _, p := range all {
			total += p.size
		}
		for _, p := range all {
			if time.Since(p.ended) < ringKeep && total < ringBytes {
				break
			}
			os.Remove(p.path)
			total -= p.size
		}
	}
}

// cut makes a clip of what was, or will have been, seen between two times. It
// waits until that is over.
func (r *ring) cut(ctx context.Context, from, to time.Time, a ask) (Take, error) {
	codec, err := encoder(ctx)
	if err != nil {
		return Take{}, err
	}
	pieces, err := r.await(ctx, from, to)
	if err != nil {
		return Take{}, err
	}
	var open []io.Reader
	for _, p := range pieces {
		f, err := os.Open(p.path)
		if err != nil {
			continue // just removed
		}
		defer f.Close()
		open = append(open, f)
	}
	a.length = to.Sub(from) + 2*segment // the pieces at the ends are whole
	a.shape = shape{box: r.camera.shape.box}
	if a.shape.box.w < a.shape.box.h != (r.camera.shape.rotate%180 != 0) {
		a.shape.box = box{a.shape.box.h, a.shape.box.w}
	}
	r.camera.mu.Lock()
	a.picture = r.camera.view
	r.camera.mu.Unlock()
	err = ffmpeg(ctx, a.length+slack, io.MultiReader(open...), nil, append([]string{"-f", "mpegts", "-i", "pipe:0"}, a.output(codec)...)...)
	if err != nil {
		return Take{}, err
	}
	t, err := measure(a.out)
	t.Kind = bot.Video
	if err != nil {
		return t, err
	}
	return fit(ctx, a, t)
}

var errNothingKept = errors.New("it gave no pictures in that time")

// begun waits until the camera has given a picture, or should have, or has failed.
func (r *ring) begun(ctx context.Context) {
	for end := time.Now().Add(turnTime); len(r.kept()) == 0 && r.camera.watching() == r && time.Now().Before(end); {
		select {
		case <-time.After(segment / 10):
		case <-ctx.Done():
			return
		}
	}
}

// await waits until a piece that ends after to is finished, or none will be, and
// returns those in between.
func (r *ring) await(ctx context.Context, from, to time.Time) ([]piece, error) {
	for {
		all := r.kept()
		var in []piece
		finished := false
		for i, p := range all {
			if i == len(all)-1 {
				break
			}
			finished = finished || p.ended.After(to)
			if p.ended.After(from) && p.ended.Add(-segment).Before(to) {
				in = append(in, p)
			}
		}
		if finished || time.Since(to) > latest || r.camera.watching() != r {
			if len(in) == 0 {
				return nil, errNothingKept
			}
			return in, nil
		}
		select {
		case <-time.After(segment / 10):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
