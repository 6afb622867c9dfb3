package camera

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/bot"
)

// gallery is a studio and what it has put.
type gallery struct {
	*Studio
	t     *testing.T
	spool string
	cap   int64 // the network's limit

	mu      sync.Mutex
	put     []bot.Delivery
	listed  bool
	refuses error
}

var ann = bot.Account{Adapter: "net", User: "7"}

func newGallery(t *testing.T, c Config) *gallery {
	t.Helper()
	g := &gallery{t: t, spool: t.TempDir(), listed: true, cap: 50 << 20}
	log := slog.New(slog.DiscardHandler)
	set, err := NewSet([]Config{c}, filepath.Join(t.TempDir(), "work"), log)
	if err != nil {
		t.Fatal(err)
	}
	g.Studio = &Studio{
		Cameras: set, Dir: filepath.Join(t.TempDir(), "jobs"), Spool: g, Role: bot.User, Logger: log,
		Put: func(_ context.Context, d bot.Delivery) error {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.refuses != nil {
				return g.refuses
			}
			g.put = append(g.put, d)
			return nil
		},
		Limits: func(bot.Thread) bot.Limits { return bot.Limits{Upload: g.cap, Buttons: 8} },
		Authorize: func(c bot.Claim) (bot.Principal, error) {
			g.mu.Lock()
			defer g.mu.Unlock()
			var p bot.Policy
			if g.listed {
				p.Set([]bot.Person{{Name: "Ann", Role: bot.User, Accounts: []bot.Account{ann}}}, nil)
			}
			return p.Authorize(c)
		},
	}
	return g
}

func (g *gallery) Create(ext string) (*os.File, error) { return os.CreateTemp(g.spool, "*"+ext) }

func (g *gallery) Release(_ context.Context, path string) { os.Remove(path) }

// open runs the studio; close ends it as a daemon does.
func (g *gallery) open() (close func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	close = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			g.t.Errorf("Run: %v", err)
		}
	})
	g.t.Cleanup(close)
	return close
}

func (g *gallery) plan(kind Kind, every, length time.Duration) Plan {
	return Plan{ID: "12", Kind: kind, Camera: "yard", Every: every, Began: time.Now(), Until: time.Now().Add(length),
		Claim: bot.Claim{Account: ann, Thread: bot.Thread{Adapter: "net", Chat: "5"}, Direct: true}, Message: "55"}
}

func (g *gallery) begin(p Plan) {
	g.t.Helper()
	if err := g.Begin(p); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gallery) said() []bot.Delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]bot.Delivery(nil), g.put...)
}

// waits until cond is true of what was put.
func (g *gallery) waits(what string, cond func([]bot.Delivery) bool) []bot.Delivery {
	g.t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if all := g.said(); cond(all) {
			return all
		}
		if time.Now().After(end) {
			for _, d := range g.said() {
				g.t.Logf("%s: %s %+v", d.Slot, d.Post, d.Post.Media)
			}
			g.t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (g *gallery) jobsLeft() []string {
	left, _ := filepath.Glob(g.Dir + "/*")
	return left
}

func take(m *bot.Media) Take {
	info, _ := os.Stat(m.Path)
	return Take{Path: m.Path, Kind: m.Kind, Width: m.Width, Height: m.Height, Length: m.Duration, Size: info.Size()}
}

func TestATimelapseThatWasLeftIsFinishedOnce(t *testing.T) {
	g := newGallery(t, small)
	stop := g.open()
	g.begin(g.plan(Timelapse, time.Second, 2500*time.Millisecond))
	album := filepath.Join(g.Dir, "12", "frames")
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if frames, _ := filepath.Glob(album + "/*.jpg"); len(frames) > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no picture is taken")
		}
	}
	stop()
	if n := len(g.said()); n != 0 || len(g.jobsLeft()) != 1 {
		t.Fatalf("%d posts, %d jobs are left", n, len(g.jobsLeft()))
	}
	// What a kill in the middle of a picture leaves is none.
	os.WriteFile(filepath.Join(album, "000009.jpg.new"), []byte("half"), 0o600)
	left, err := readPlan(filepath.Join(g.Dir, "12"))
	if err != nil {
		t.Fatal(err)
	}
	left.Until = time.Now().Add(-time.Second) // its time is over meanwhile
	if err := left.save(filepath.Join(g.Dir, "12")); err != nil {
		t.Fatal(err)
	}
	again := g.Studio
	g.Studio = &Studio{Cameras: again.Cameras, Dir: again.Dir, Spool: again.Spool, Put: again.Put, Limits: again.Limits, Authorize: again.Authorize, Role: again.Role, Logger: again.Logger}
	g.open()
	all := g.waits("the clip", func(ds []bot.Delivery) bool { return len(ds) > 0 })
	d := all[0]
	if d.Slot != "camera/12/end" || !d.Final || d.ReplyTo != "55" || d.Thread.Chat != "5" || !strings.Contains(d.Post.String(), "timelapse of 1 pictures") {
		t.Errorf("delivery = %+v", d)
	}
	checkClip(t, take(d.Post.Media))
	g.waits("the end of the job", func([]bot.Delivery) bool { return len(g.jobsLeft()) == 0 })
	if n := len(g.said()); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
}

func TestALivePictureLeavesNoFilesBehind(t *testing.T) {
	g := newGallery(t, small)
	g.open()
	g.begin(g.plan(Watch, 200*time.Millisecond, time.Hour))
	g.waits("some pictures", func(ds []bot.Delivery) bool { return len(ds) >= 3 })
	p := principal(t)
	if _, err := g.Stop(p, Watch, "yard"); err != nil {
		t.Fatal(err)
	}
	all := g.waits("the last one", func(ds []bot.Delivery) bool { return ds[len(ds)-1].Final })
	last := all[len(all)-1]
	if !strings.Contains(last.Post.String(), "not live any more") || last.Post.Keyboard != nil || last.Post.Media == nil {
		t.Errorf("the last post is %+v", last.Post)
	}
	for i, d := range all {
		if d.Slot != "camera/12/live" {
			t.Errorf("post %d is put into %s", i, d.Slot)
		}
	}
	files, _ := filepath.Glob(g.spool + "/*")
	if len(files) != 1 || files[0] != last.Post.Media.Path {
		t.Errorf("the spool has %q, want the last picture alone", files)
	}
}

func TestAStrangerGetsNothingMore(t *testing.T) {
	for _, kind := range []Kind{Watch, Timelapse} {
		t.Run(string(kind), func(t *testing.T) {
			g := newGallery(t, small)
			g.listed = false
			g.open()
			g.begin(g.plan(kind, time.Second, time.Second))
			g.waits("the end of the job", func([]bot.Delivery) bool { return len(g.jobsLeft()) == 0 })
			if all := g.said(); len(all) != 0 {
				t.Errorf("%d posts, the first %q", len(all), all[0].Post)
			}
		})
	}
}

func principal(t *testing.T) bot.Principal {
	t.Helper()
	var policy bot.Policy
	policy.Set([]bot.Person{{Name: "Ann", Role: bot.User, Accounts: []bot.Account{ann}}}, nil)
	p, err := policy.Authorize(bot.Claim{Account: ann, Thread: bot.Thread{Adapter: "net", Chat: "5"}, Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// crossing is a camera before which nothing moves for some seconds, and then a
// white box crosses the picture.
func crossing(t *testing.T) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crossing.mp4")
	run := []string{"-v", "error", "-f", "lavfi", "-i", "color=c=gray:size=160x120:rate=10:duration=60",
		"-f", "lavfi", "-i", "color=c=white:size=40x40:rate=10:duration=60",
		"-filter_complex", "[0][1]overlay=x='if(between(t,5,7),(t-5)*60,-100)':y=40", "-pix_fmt", "yuv420p", path}
	if err := ffmpeg(t.Context(), 30*time.Second, nil, nil, run[2:]...); err != nil {
		t.Fatal(err)
	}
	return Config{Name: "yard", Source: "file:" + path, Width: 160, Height: 120}
}

func TestMotionIsToldWithAClipThatBeginsBefore(t *testing.T) {
	t.Parallel()
	g := newGallery(t, crossing(t))
	g.open()
	g.begin(g.plan(Motion, 0, 0))
	all := g.waits("an alert", func(ds []bot.Delivery) bool { return len(ds) >= 1 })
	if d := all[0]; d.Post.Media == nil || d.Post.Media.Kind != bot.Picture || d.Post.Silent || !strings.HasPrefix(d.Post.String(), "Motion at yard") {
		t.Errorf("the alert is %+v", d.Post)
	}
	c := g.Cameras.cameras[0]
	still(t, c) // while it is guarded
	ring := c.watching()
	all = g.waits("its clip", func(ds []bot.Delivery) bool { return len(ds) >= 2 })
	d := all[1]
	if d.Slot != all[0].Slot || !d.Final || !d.Post.Silent {
		t.Errorf("the clip is put as %+v", d)
	}
	checkClip(t, take(d.Post.Media))
	if l := d.Post.Media.Duration; l < 7*time.Second || l > 15*time.Second {
		t.Errorf("the clip takes %v; want five seconds before the motion and four after it", l)
	}
	if save := os.Getenv("CHAPI_LOOK"); save != "" {
		data, _ := os.ReadFile(d.Post.Media.Path)
		os.WriteFile(save, data, 0o600)
	}
	if _, err := g.Stop(principal(t), Motion, ""); err != nil {
		t.Fatal(err)
	}
	g.waits("the end of the job", func([]bot.Delivery) bool { return len(g.jobsLeft()) == 0 })
	if _, err := os.Stat(ring.dir); err == nil {
		t.Errorf("the ring in %s is left", ring.dir)
	}
}

func TestAClipWhileMotionIsLookedForComesFromTheRing(t *testing.T) {
	t.Parallel()
	live := small
	g := newGallery(t, live)
	c := g.Cameras.cameras[0]
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	up := make(chan *ring, 1)
	go func() { ended <- c.guard(ctx, func(_ context.Context, r *ring) { up <- r }) }()
	<-up
	take, err := c.Clip(t.Context(), ClipOptions{Length: 2 * time.Second, FPS: 10, Path: filepath.Join(t.TempDir(), "a.mp4")})
	if err != nil {
		t.Error(err)
	} else {
		checkClip(t, take)
		if take.Length < 1500*time.Millisecond || take.Length > 5*time.Second {
			t.Errorf("the clip takes %v", take.Length)
		}
	}
	cancel()
	<-ended
}

func TestTheDetectorTellsMotionFromNoiseAndLight(t *testing.T) {
	moves := 0
	d := &detector{moved: func() { moves++ }}
	scene := make([]byte, eyeWidth*eyeHeight)
	show := func(n int, change func(i int, p []byte)) {
		for i := range n {
			p := append([]byte(nil), scene...)
			for k := range p {
				p[k] = byte(int(p[k]) + 100 + (k*7+i*13)%9) // noise
			}
			change(i, p)
			d.Write(p[:100])
			d.Write(p[100:])
		}
	}
	nothing := func(int, []byte) {}
	show(40, nothing)
	if moves != 0 {
		t.Errorf("noise is taken for motion, %d times", moves)
	}
	show(20, func(_ int, p []byte) {
		for k := range p {
			p[k] += 90 // a light goes on
		}
	})
	if moves != 0 {
		t.Errorf("a light is taken for motion, %d times", moves)
	}
	show(20, func(_ int, p []byte) {
		for k := range p {
			p[k] += 90
		}
	})
	show(6, func(i int, p []byte) {
		for k := range p {
			p[k] += 90
		}
		for y := 10; y < 20; y++ {
			for x := 4 * i; x < 4*i+12; x++ {
				p[y*eyeWidth+x] = 20
			}
		}
	})
	if moves == 0 {
		t.Error("what moves is not seen")
	}
}
