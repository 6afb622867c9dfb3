package camera

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/bot"
)

func TestMain(m *testing.M) {
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			fmt.Fprintln(os.Stderr, "these tests need "+tool+": apt install ffmpeg")
			os.Exit(1)
		}
	}
	programs, err := os.MkdirTemp("", "programs-")
	if err == nil {
		err = fakePi(programs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

// fakePi puts programs there that take the arguments of rpicam-apps, which are
// the Raspberry Pi's alone, and print what those print.
func fakePi(dir string) error {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 160, 120)), nil); err != nil {
		return err
	}
	const show = `cat "${0%/*}/one.jpg"`
	for name, text := range map[string]string{
		"one.jpg":      b.String(),
		"rpicam-still": "#!/bin/sh\ncase \"$*\" in *\"--width 160 --height 120\"*\"-o -\"*) " + show + ";; *) echo \"bad arguments $*\" >&2; exit 2;; esac\n",
		"rpicam-vid":   "#!/bin/sh\ncase \"$*\" in *\"--codec mjpeg --framerate 10\"*\"-o -\"*) while sleep 0.1; do " + show + "; done;; *) echo \"bad arguments $*\" >&2; exit 2;; esac\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// small keeps the tests quick.
var small = Config{Name: "yard", Source: "test", Width: 160, Height: 120}

func opened(t testing.TB, c Config) *Camera {
	t.Helper()
	cam, err := open(c, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return cam
}

func still(t testing.TB, c *Camera) image.Image {
	t.Helper()
	p, err := c.Still(t.Context())
	if err != nil {
		t.Fatalf("Still: %v", err)
	}
	m, _, err := image.Decode(bytes.NewReader(p.Data))
	if err != nil {
		t.Fatalf("the picture cannot be decoded: %v", err)
	}
	return m
}

// probed is what ffprobe says of a clip.
type probed struct {
	Streams []struct {
		Codec  string `json:"codec_name"`
		Pixels string `json:"pix_fmt"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Frames string `json:"nb_read_frames"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

// checkClip decodes a clip as a whole, and compares what it is with what was
// said of it.
func checkClip(t testing.TB, take Take) probed {
	t.Helper()
	if take.Kind != bot.Video {
		t.Fatalf("take = %+v, want a clip", take)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", take.Path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffprobe: %v\n%s", err, out)
	}
	var p probed
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Streams) != 1 {
		t.Fatalf("the clip has %d streams, want 1", len(p.Streams))
	}
	s := p.Streams[0]
	if s.Codec != "h264" || s.Pixels != "yuv420p" || s.Width%2 != 0 || s.Height%2 != 0 {
		t.Errorf("stream = %+v, want h264 in yuv420p with even sides", s)
	}
	if s.Width != take.Width || s.Height != take.Height {
		t.Errorf("the clip is %dx%d, it was said to be %dx%d", s.Width, s.Height, take.Width, take.Height)
	}
	duration, _ := strconv.ParseFloat(p.Format.Duration, 64)
	if d := take.Length.Seconds() - duration; d > 0.1 || d < -0.1 {
		t.Errorf("the clip takes %s s, it was said to take %v", p.Format.Duration, take.Length)
	}
	if info, _ := os.Stat(take.Path); info.Size() != take.Size {
		t.Errorf("the clip has %d bytes, it was said to have %d", info.Size(), take.Size)
	}
	head, _ := os.ReadFile(take.Path)
	if moov, mdat := bytes.Index(head, []byte("moov")), bytes.Index(head, []byte("mdat")); moov < 0 || moov > mdat {
		t.Errorf("the index is at %d, the content at %d: it cannot be played before it is loaded", moov, mdat)
	}
	return p
}

// script is a program of the test's own.
func script(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "camera.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// frames writes n JPEG pictures into one file.
func frames(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "frames.mjpeg")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10", "-frames:v", strconv.Itoa(n), "-f", "mjpeg", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// everySource is a camera of each kind that does not need a device.
func everySource(t *testing.T) map[string]Config {
	many := frames(t, 20)
	data, err := os.ReadFile(many)
	if err != nil {
		t.Fatal(err)
	}
	one, err := bot.NewPictureReader(bytes.NewReader(data), 1<<20).Next()
	if err != nil {
		t.Fatal(err)
	}
	single := filepath.Join(t.TempDir(), "one.jpg")
	if err := os.WriteFile(single, one, 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/one.jpg" {
			w.Header().Set("Content-Type", "image/jpeg")
			w.Write(one)
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=frame")
		pictures := bot.NewPictureReader(bytes.NewReader(data), 1<<20)
		for r.Context().Err() == nil {
			picture, err := pictures.Next()
			if err == io.EOF {
				pictures = bot.NewPictureReader(bytes.NewReader(data), 1<<20)
				continue
			}
			fmt.Fprintf(w, "--frame\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n", picture)
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}))
	t.Cleanup(srv.Close)
	clip := filepath.Join(t.TempDir(), "clip.mp4")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=1", clip).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return map[string]Config{
		"test":                   {Source: "test"},
		"a picture on disk":      {Source: "file:" + single},
		"a clip on disk":         {Source: "file:" + clip},
		"an mjpeg stream":        {Source: srv.URL + "/stream"},
		"a snapshot address":     {Source: srv.URL + "/one.jpg"},
		"a program of one's own": {Source: "command:" + script(t, "cat "+single)},
		"a program that goes on": {Source: "command:" + script(t, "while sleep 0.05; do cat "+many+"; done")},
		"rpicam":                 {Source: "rpicam"},
	}
}

func TestEverySourceGivesPicturesAndClips(t *testing.T) {
	for name, c := range everySource(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.Name, c.Width, c.Height = "yard", 160, 120
			cam := opened(t, c)
			if m := still(t, cam); m.Bounds().Dx() != 160 || m.Bounds().Dy() != 120 {
				t.Errorf("the picture is %v", m.Bounds())
			}
			take, err := cam.Clip(t.Context(), ClipOptions{Length: time.Second, FPS: 10, Path: filepath.Join(t.TempDir(), "a.mp4")})
			if err != nil {
				t.Fatalf("Clip: %v", err)
			}
			p := checkClip(t, take)
			if take.Length < 700*time.Millisecond || take.Length > 1300*time.Millisecond || take.Note != "" {
				t.Errorf("take = %+v, want a second", take)
			}
			if n, _ := strconv.Atoi(p.Streams[0].Frames); n < 7 || n > 12 {
				t.Errorf("the clip has %d pictures, want about 10", n)
			}
		})
	}
}

func TestPicturesAreTurnedAndMadeToFit(t *testing.T) {
	for rotate, want := range map[int]image.Point{0: {160, 90}, 90: {90, 160}, 180: {160, 90}, 270: {90, 160}} {
		path := filepath.Join(t.TempDir(), "wide.jpg")
		wide := image.NewYCbCr(image.Rect(0, 0, 640, 360), image.YCbCrSubsampleRatio420)
		for y := range 360 {
			for x := range 640 {
				if x < 320 && y < 180 { // the upper left is white
					wide.Y[wide.YOffset(x, y)] = 255
				}
				wide.Cb[wide.COffset(x, y)], wide.Cr[wide.COffset(x, y)] = 128, 128
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, wide, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		m := still(t, opened(t, Config{Name: "yard", Source: "file:" + path, Width: 160, Height: 120, Rotate: rotate}))
		if got := m.Bounds().Size(); got != want {
			t.Errorf("turned by %d it is %v, want %v", rotate, got, want)
		}
		// Clockwise the white corner goes right, down, left.
		corner := map[int]image.Point{0: {10, 10}, 90: {want.X - 10, 10}, 180: {want.X - 10, want.Y - 10}, 270: {10, want.Y - 10}}[rotate]
		if r, _, _, _ := m.At(corner.X, corner.Y).RGBA(); r < 0xC000 {
			t.Errorf("turned by %d the white corner is not at %v", rotate, corner)
		}
	}
}

func TestRequestsAtTheSameTimeShareOnePicture(t *testing.T) {
	log := filepath.Join(t.TempDir(), "runs")
	one := frames(t, 1)
	cam := opened(t, Config{Name: "yard", Source: "command:" + script(t, "echo run >> "+log+"; sleep 0.3; cat "+one)})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if _, err := cam.Still(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	runs, _ := os.ReadFile(log)
	if n := strings.Count(string(runs), "run"); n != 1 {
		t.Errorf("the camera was asked %d times, want once", n)
	}
	time.Sleep(shareFor + 10*time.Millisecond) // then the picture is an old one
	if _, err := cam.Still(t.Context()); err != nil {
		t.Error(err)
	}
	if runs, _ := os.ReadFile(log); strings.Count(string(runs), "run") != 2 {
		t.Error("an old picture was given away as a new one")
	}
}

func TestAPictureIsHadOutOfARecording(t *testing.T) {
	// A device takes one opener: this one refuses a second.
	lock := filepath.Join(t.TempDir(), "lock")
	cam := opened(t, Config{Name: "yard", Source: "command:" + script(t,
		"mkdir "+lock+" || { echo busy >&2; exit 1; }; while cat "+frames(t, 1)+"; do sleep 0.1; done")})
	ctx, cancel := context.WithCancel(t.Context())
	recorded := make(chan error, 1)
	out := filepath.Join(t.TempDir(), "a.mp4")
	go func() {
		_, err := cam.Clip(ctx, ClipOptions{Length: time.Minute, FPS: 10, Path: out})
		recorded <- err
	}()
	view := filepath.Join(cam.dir, "yard-clip.jpg")
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(view); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the recording does not begin")
		}
	}
	still(t, cam)
	cancel()
	if err := <-recorded; !errors.Is(err, context.Canceled) {
		t.Errorf("Clip: %v", err)
	}
}

func TestLightsAreSwitchedAroundACapture(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	cam := opened(t, Config{Name: "yard", Source: "command:" + script(t, "echo shot >> "+log+"; cat "+frames(t, 1)),
		Before: []string{script(t, "echo on $1 >> "+log), "lamp"}, After: []string{script(t, "echo off >> "+log+"; exit 1")}})
	still(t, cam)
	text, _ := os.ReadFile(log)
	if string(text) != "on lamp\nshot\noff\n" {
		t.Errorf("it went:\n%s", text)
	}
}

func TestWhatGoesWrongIsSaidInWords(t *testing.T) {
	empty := t.TempDir()
	gone := httptest.NewServer(http.NotFoundHandler())
	defer gone.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>log in</html>") }))
	defer page.Close()
	for _, c := range []struct{ what, source, want string }{
		{"a device that is not there", "/dev/video77", "No such file or directory"},
		{"a file that is not there", "file:" + empty + "/none.jpg", "no such file"},
		{"an address that is not there", gone.URL + "/x.jpg", "404"},
		{"an address with a page", page.URL, "not with pictures"},
		{"an address of nobody", "http://127.0.0.1:1/x.jpg", "connection refused"},
		{"a program that fails", "command:" + script(t, "echo the lens is dirty >&2; exit 3"), "the lens is dirty"},
		{"a program that says nothing", "command:" + script(t, "exit 0"), "no picture"},
		{"a program that prints text", "command:" + script(t, "echo hello"), "no picture"},
		{"a program that is not there", "command:/no/such/program", "no program"},
	} {
		t.Run(c.what, func(t *testing.T) {
			cam := opened(t, Config{Name: "yard", Source: c.source, Width: 160, Height: 120})
			_, err := cam.Still(t.Context())
			var said *bot.UserError
			if !errors.As(err, &said) || !strings.Contains(said.Text, c.want) || strings.Count(said.Text, "\n") > 1 {
				t.Errorf("Still: %v, want words with %q", err, c.want)
			}
			out := filepath.Join(t.TempDir(), "a.mp4")
			_, err = cam.Clip(t.Context(), ClipOptions{Length: time.Second, FPS: 10, Path: out})
			if !errors.As(err, &said) || !strings.Contains(strings.ToLower(said.Text), strings.ToLower(c.want)) {
				t.Errorf("Clip: %v, want words with %q", err, c.want)
			}
		})
	}
}

// children is the processes whose command line has the text in it.
func children(text string) (found []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, l := range lines {
		if b, _ := os.ReadFile(l); strings.Contains(string(b), text) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}

func TestACameraThatHangsIsEndedWithAllThatItStarted(t *testing.T) {
	mark := fmt.Sprintf("61.%d", os.Getpid())
	cam := opened(t, Config{Name: "yard", Source: "command:" + script(t, "sleep "+mark+" & sleep "+mark)})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := cam.Still(ctx); err == nil {
		t.Error("a camera that hangs gave a picture")
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	var left []string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if left = children(mark); len(left) == 0 {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("still there: %q", left)
	}
	err := program{argv: []string{"sleep", mark}, limit: 50 * time.Millisecond}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "sleep gave nothing within 50ms") {
		t.Errorf("a program over its time: %v", err)
	}
}

// noise is a camera whose pictures cannot be made small.
func noise(t testing.TB, seconds string) Config {
	t.Helper()
	path := filepath.Join(t.TempDir(), "noise.mkv")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "nullsrc=size=320x240:rate=10:duration="+seconds+",geq=random(1)*255:128:128",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "4", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return Config{Name: "yard", Source: "file:" + path, Width: 320, Height: 240}
}

func TestAClipFitsTheLimitOrBecomesSmallerOrAPicture(t *testing.T) {
	cam := opened(t, noise(t, "3"))
	for _, c := range []struct {
		limit int64
		kind  bot.MediaKind
		note  string
	}{
		{10 << 20, bot.Video, ""},
		{400_000, bot.Video, ""},
		{7_000, bot.Video, "smaller than recorded"},
		{2_500, bot.Picture, "a picture: a clip of"},
	} {
		t.Run(size(c.limit), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "a.mp4")
			take, err := cam.Clip(t.Context(), ClipOptions{Length: 3 * time.Second, FPS: 10, Limit: c.limit, Path: out})
			if err != nil {
				t.Fatal(err)
			}
			if take.Kind != c.kind || !strings.HasPrefix(take.Note, c.note) || take.Note != "" && c.note == "" {
				t.Fatalf("take = %+v, want kind %d and the note %q", take, c.kind, c.note)
			}
			if take.Kind == bot.Video {
				if take.Size > c.limit {
					t.Errorf("%d bytes are over the limit of %d", take.Size, c.limit)
				}
				checkClip(t, take)
			} else if data, _ := os.ReadFile(take.Path); bot.PictureKind(data) != ".jpg" {
				t.Errorf("the picture begins with %q", data[:min(8, len(data))])
			}
			left, _ := filepath.Glob(filepath.Dir(out) + "/*")
			if len(left) != 1 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// smallDisk is a file system of its own with room for size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	var sudo []string
	if os.Getuid() != 0 {
		sudo = []string{"sudo", "-n"}
	}
	root := func(argv ...string) error {
		argv = append(sudo[:len(sudo):len(sudo)], argv...)
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%q: %w: %s", argv, err, out)
		}
		return nil
	}
	if err := root("mount", "-t", "tmpfs", "-o", "mode=0777,size="+size, "tmpfs", dir); err != nil {
		t.Fatalf("this test needs a small file system, and so root or sudo without a password: %v", err)
	}
	t.Cleanup(func() {
		if err := root("umount", "-l", dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestAFullDiskIsSaidAndLeavesNothing(t *testing.T) {
	disk := smallDisk(t, "200k")
	cam, err := open(noise(t, "3"), disk, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(disk, "a.mp4")
	take, err := cam.Clip(t.Context(), ClipOptions{Length: 3 * time.Second, FPS: 10, Path: out})
	switch {
	case err != nil:
		if !strings.Contains(err.Error(), "No space left on device") {
			t.Errorf("Clip: %v", err)
		}
	case take.Kind != bot.Picture || !strings.Contains(take.Note, "No space left on device"):
		t.Errorf("take = %+v, want a picture instead", take)
	}
	left, _ := filepath.Glob(disk + "/*")
	if len(left) > 1 || len(left) == 1 && left[0] != out {
		t.Errorf("left behind: %q", left)
	}
	album, err := openAlbum(filepath.Join(disk, "frames"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		err = album.add(Picture{Data: make([]byte, 30<<10), Kind: ".jpg"})
	}
	if reason(err) != "no space left on device" {
		t.Errorf("the album: %v", err)
	}
	again, err := openAlbum(album.dir)
	if err != nil || again.n != album.n || again.n == 0 {
		t.Errorf("the album has %d pictures (%v), it had %d", again.n, err, album.n)
	}
}

func TestAClipOf60MBIsMadeToFit(t *testing.T) {
	out := filepath.Join(t.TempDir(), "a.mp4")
	take, err := opened(t, small).Clip(t.Context(), ClipOptions{Length: 2 * time.Second, FPS: 10, Path: out})
	if err != nil {
		t.Fatal(err)
	}
	// A box that every player passes over makes it as large as wanted.
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const padding = 60_000_000
	if _, err := f.Write(append(binary.BigEndian.AppendUint32(nil, padding), "free"...)); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(take.Size + padding); err != nil {
		t.Fatal(err)
	}
	large, err := measure(out)
	if err != nil || large.Size < padding {
		t.Fatalf("the clip has %d bytes (%v), want 60 MB", large.Size, err)
	}
	take, err = fit(t.Context(), ask{length: large.Length, fps: 10, limit: 50 << 20, out: out}, large)
	if err != nil {
		t.Fatal(err)
	}
	if take.Size > 50<<20 || take.Note == "" {
		t.Errorf("take = %+v", take)
	}
	checkClip(t, take)
}

func TestSourcesThatAreNoneAreRefused(t *testing.T) {
	for _, text := range []string{"", "webcam", "file:relative.jpg", "command:", "ftp://x/y", "-i"} {
		if _, err := open(Config{Name: "x", Source: text}, t.TempDir(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q is taken for a source", text)
		}
	}
}

// From asking to a picture that can be sent.
func BenchmarkStill(b *testing.B) {
	cam := opened(b, Config{Name: "yard", Source: "test", Width: 1280, Height: 720})
	for b.Loop() {
		cam.last = Picture{} // else it is shared
		if _, err := cam.Still(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// From asking to a clip of ten seconds that can be sent. The test source does not
// wait for time to pass: what is left is capturing and encoding.
func BenchmarkClip10s(b *testing.B) {
	cam := opened(b, Config{Name: "yard", Source: "test", Width: 640, Height: 480})
	var bytes int64
	for b.Loop() {
		take, err := cam.Clip(b.Context(), ClipOptions{Length: 10 * time.Second, FPS: 15, Limit: 50 << 20, Path: filepath.Join(b.TempDir(), "a.mp4")})
		if err != nil {
			b.Fatal(err)
		}
		bytes = take.Size
	}
	b.ReportMetric(float64(bytes), "file-bytes")
}
func TestAClipOfASlowCameraIsAsLongAsAsked(t *testing.T) {
	t.Parallel()
	one := frames(t, 1)
	cam := opened(t, Config{Name: "yard", Source: "command:" + script(t, "while :; do cat "+one+"; sleep 0.7; done"), Width: 160, Height: 120})
	take, err := cam.Clip(t.Context(), ClipOptions{Length: time.Second, FPS: 10, Path: filepath.Join(t.TempDir(), "a.mp4")})
	if err != nil {
		t.Fatal(err)
	}
	checkClip(t, take)
	if take.Length < 700*time.Millisecond || take.Length > 1300*time.Millisecond {
		t.Errorf("the clip takes %v, want a second", take.Length)
	}
}
