package clip_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chapi/bot"
	"chapi/bot/render"
	"chapi/bot/render/clip"
	"chapi/bot/render/picture"
	"chapi/bot/render/replay"
	"chapi/runner/screen"
)

type piece struct {
	data string
	at   time.Duration
	size bot.Size
}

type pieces struct {
	left   []piece
	closed *int
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (p *pieces) Next() ([]byte, time.Time, bot.Size, error) {
	if len(p.left) == 0 {
		return nil, time.Time{}, bot.Size{}, io.EOF
	}
	first := p.left[0]
	p.left = p.left[1:]
	return []byte(first.data), start.Add(first.at), first.size, nil
}

func (p *pieces) Close() error {
	if p.closed != nil {
		*p.closed++
	}
	return nil
}

func source(all ...piece) func() (replay.Source, error) {
	return func() (replay.Source, error) { return &pieces{left: all}, nil }
}

// session is a session of some seconds, with something new ten times a second.
func session(seconds int, size bot.Size) []piece {
	all := []piece{{"$ make\r\n", 0, size}}
	for i := range seconds * 10 {
		text := fmt.Sprintf("\x1b[32mgcc\x1b[m -O2 -c \x1b[1msource/file%04d.c\x1b[m -o build/file%04d.o\r\n", i*7, i*7)
		all = append(all, piece{text, time.Duration(i+1) * 100 * time.Millisecond, bot.Size{}})
	}
	return all
}

// A small terminal in small pictures makes short tests.
var small = bot.Size{Cols: 41, Rows: 11}

const width = 430

// probe is what ffprobe says of a film.
type probe struct {
	Streams []struct {
		CodecName, PixFmt string
		Width, Height     int
		Frames            string `json:"nb_read_frames"`
		Codec             string `json:"codec_name"`
		Pixels            string `json:"pix_fmt"`
	}
	Format struct{ Duration string }
}

func probed(t *testing.T, path string) probe {
	t.Helper()
	program, err := exec.LookPath("ffprobe")
	if err != nil {
		t.Fatal("ffprobe is not installed: make tools")
	}
	out, err := exec.Command(program, "-v", "error", "-count_frames", "-of", "json",
		"-show_entries", "stream=codec_name,pix_fmt,width,height,nb_read_frames:format=duration", path).Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var p probe
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func needFFmpeg(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Fatal("ffmpeg is not installed: make tools")
	}
}

func TestAClipIsAFilmThatPhonesPlay(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "clip.mp4")
	info, err := clip.Make(context.Background(), source(session(3, small)...), path, clip.Options{Width: width, Title: "make"})
	if err != nil {
		t.Fatal(err)
	}
	p := probed(t, path)
	if len(p.Streams) != 1 {
		t.Fatalf("%d streams, want one: without sound it is shown as an animation", len(p.Streams))
	}
	s := p.Streams[0]
	if s.Codec != "h264" || s.Pixels != "yuv420p" || s.Width != info.Width || s.Height != info.Height || s.Width%2+s.Height%2 > 0 {
		t.Errorf("the film is %+v, and %+v", s, info)
	}
	duration, _ := strconv.ParseFloat(p.Format.Duration, 64)
	if got := info.Duration.Seconds(); got < 4.4 || got > 4.8 || duration < got-0.11 || duration > got+0.11 {
		t.Errorf("it takes %v, ffprobe says %v, want about 4.5 s", info.Duration, duration)
	}
	if info.Name != "clip.mp4" || info.Speed != 1 || info.Frames < 28 || info.Frames > 32 {
		t.Errorf("it is %+v", info)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(data)) != info.Bytes {
		t.Errorf("it has %d bytes, said are %d", len(data), info.Bytes)
	}
	if moov, mdat := bytes.Index(data, []byte("moov")), bytes.Index(data, []byte("mdat")); moov < 0 || moov > mdat {
		t.Errorf("the index is at %d, behind the pictures at %d", moov, mdat)
	}
}

// The colours must survive the way through YUV, and the last picture must be
// the last screen.
func TestTheLastPictureOfAFilmIsTheLastScreen(t *testing.T) {
	needFFmpeg(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "clip.mp4")
	pieces := append(session(1, small), piece{"\x1b[2J\x1b[H\x1b[41m          \x1b[42m          \x1b[44m          \x1b[m", 1100 * time.Millisecond, bot.Size{}})
	if _, err := clip.Make(context.Background(), source(pieces...), path, clip.Options{Width: width, NoBar: true}); err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(dir, "last.png")
	if out, err := exec.Command("ffmpeg", "-v", "error", "-sseof", "-0.5", "-i", path, "-update", "1", last).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	f, err := os.Open(last)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want := finalPicture(pieces, clip.Options{Width: width, NoBar: true})
	if got.Bounds() != want.Bounds() {
		t.Fatalf("the film is %v, want %v", got.Bounds(), want.Bounds())
	}
	for i := range 3 {
		x, y := want.Bounds().Dx()/43*(6+i*10), want.Bounds().Dx()/43*2
		if d := difference8(got, want, x, y); d > 8 {
			t.Errorf("the colour at %d,%d differs by %d of 255", x, y, d)
		}
	}
}

func finalPicture(all []piece, o clip.Options) image.Image {
	s := screen.New(int(all[0].size.Cols), int(all[0].size.Rows), screen.Options{})
	for _, p := range all {
		s.Write([]byte(p.data))
	}
	return picture.NewPainter().Paint(s.View(), picture.Options{Width: width, Even: true, Title: !o.NoBar, Name: o.Title})
}

func difference8(a, b image.Image, x, y int) (most int) {
	ar, ag, ab, _ := a.At(x, y).RGBA()
	br, bg, bb, _ := b.At(x, y).RGBA()
	for _, d := range []int{int(ar>>8) - int(br>>8), int(ag>>8) - int(bg>>8), int(ab>>8) - int(bb>>8)} {
		most = max(most, d, -d)
	}
	return most
}

func TestWithoutFFmpegAClipIsAGIF(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.gif")
	all := session(2, small)
	info, err := clip.Make(context.Background(), source(all...), path, clip.Options{Width: width, FFmpeg: "-", Title: "make"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("decode: %v", err)
	}
	if g.Config.Width != info.Width || g.Config.Height != info.Height || len(g.Image) != info.Frames || int64(len(data)) != info.Bytes || info.Name != "clip.gif" {
		t.Errorf("a GIF of %dx%d and %d pictures, but %+v", g.Config.Width, g.Config.Height, len(g.Image), info)
	}
	canvas := image.NewRGBA(g.Image[0].Bounds())
	hundredths, drawn := 0, 0
	for i, m := range g.Image {
		hundredths += g.Delay[i]
		drawn += m.Rect.Dx() * m.Rect.Dy()
		for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
			for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
				canvas.Set(x, y, m.At(x, y))
			}
		}
	}
	if got := time.Duration(hundredths) * 10 * time.Millisecond; got != info.Duration {
		t.Errorf("it takes %v, said is %v", got, info.Duration)
	}
	want := finalPicture(all, clip.Options{Width: width, Title: "make"})
	for y := range info.Height {
		for x := range info.Width {
			if difference8(canvas, want, x, y) > 0 {
				t.Fatalf("pixel %d,%d of the last picture is %v, want %v", x, y, canvas.At(x, y), want.At(x, y))
			}
		}
	}
	if whole := len(g.Image) * info.Width * info.Height; drawn > whole*9/10 {
		t.Errorf("%d of %d pixels were drawn again", drawn, whole)
	}
}

func TestALongSessionIsPlayedFaster(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.gif")
	info, err := clip.Make(context.Background(), source(session(30, small)...), path, clip.Options{Width: width, FFmpeg: "-", Length: 5 * time.Second, Frames: 12})
	if err != nil {
		t.Fatal(err)
	}
	if info.Duration > 5500*time.Millisecond || info.Duration < 4*time.Second || info.Frames > 12 || info.Speed < 7 {
		t.Errorf("it is %+v, want 5 s, 12 pictures at most, and about 8 times the speed", info)
	}
}

func TestPausesAreShortInAClip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.gif")
	info, err := clip.Make(context.Background(), source(piece{"a", 0, small}, piece{"b", time.Hour, bot.Size{}}), path, clip.Options{Width: width, FFmpeg: "-"})
	if err != nil {
		t.Fatal(err)
	}
	if info.Duration < 2*time.Second || info.Duration > 3*time.Second || info.Frames != 2 || info.Speed != 1 {
		t.Errorf("it is %+v, want two pictures and some 2.6 s", info)
	}
}

func TestAResizeKeepsTheSizeOfThePictures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.gif")
	info, err := clip.Make(context.Background(), source(piece{"a", 0, small}, piece{"b", time.Second, bot.Size{Cols: 20, Rows: 30}}), path, clip.Options{Width: width, FFmpeg: "-"})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := os.ReadFile(path)
	g, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	want := picture.NewPainter().Paint(screen.View{}, picture.Options{Cols: 41, Rows: 30, Width: width, Even: true, Title: true}).Rect
	if g.Config.Width != want.Dx() || g.Config.Height != want.Dy() || info.Frames != 2 {
		t.Errorf("%dx%d, want %v", g.Config.Width, g.Config.Height, want)
	}
}

func TestSecretsAreNotInAClip(t *testing.T) {
	make := func(text string, m bot.Masker) []byte {
		path := filepath.Join(t.TempDir(), "clip.gif")
		if _, err := clip.Make(context.Background(), source(piece{text, 0, small}), path, clip.Options{Width: width, FFmpeg: "-", Masker: m}); err != nil {
			t.Fatal(err)
		}
		data, _ := os.ReadFile(path)
		return data
	}
	const secret = "hunter2-correct-horse"
	masked := make("token "+secret, render.NewMasker(secret))
	if !bytes.Equal(masked, make("token "+strings.Repeat("*", len(secret)), nil)) || bytes.Equal(masked, make("token "+secret, nil)) {
		t.Error("the clip with a secret is not that with asterisks")
	}
}

func TestAClipThatCannotBeMadeLeavesNoFile(t *testing.T) {
	needFFmpeg(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	broken := func() (replay.Source, error) { return nil, os.ErrPermission }
	tests := []struct {
		rule string
		ctx  context.Context
		open func() (replay.Source, error)
		o    clip.Options
		want error
	}{
		{"no output", context.Background(), source(), clip.Options{Width: width}, clip.ErrEmpty},
		{"no journal", context.Background(), broken, clip.Options{Width: width}, os.ErrPermission},
		{"a GIF that is too large", context.Background(), source(session(5, small)...), clip.Options{Width: width, FFmpeg: "-", Bytes: 3000}, clip.ErrTooLarge},
		{"a film that is too large", context.Background(), source(session(1, small)...), clip.Options{Width: width, Bytes: 3000}, clip.ErrTooLarge},
		{"nobody waits", cancelled, source(session(1, small)...), clip.Options{Width: width}, context.Canceled},
		{"a program that is none", context.Background(), source(session(1, small)...), clip.Options{Width: width, FFmpeg: "/nonexistent/ffmpeg"}, os.ErrNotExist},
	}
	for _, test := range tests {
		dir := t.TempDir()
		_, err := clip.Make(test.ctx, test.open, filepath.Join(dir, "clip"), test.o)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", test.rule, err, test.want)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %s is left", test.rule, left[0].Name())
		}
	}
	if _, err := clip.Make(context.Background(), source(session(1, small)...), filepath.Join(t.TempDir(), "x"), clip.Options{Width: width, FFmpeg: "/bin/false"}); err == nil || !strings.Contains(err.Error(), "ffmpeg") {
		t.Errorf("an ffmpeg that fails: %v", err)
	}
}

func TestAFileThatIsThereIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clip.Make(context.Background(), source(session(1, small)...), path, clip.Options{Width: width, FFmpeg: "-"}); !errors.Is(err, os.ErrExist) {
		t.Errorf("the error is %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "mine" {
		t.Errorf("the file has %d other bytes", len(data))
	}
}

func TestSourcesAreClosed(t *testing.T) {
	closed := 0
	open := func() (replay.Source, error) { return &pieces{session(1, small), &closed}, nil }
	if _, err := clip.Make(context.Background(), open, filepath.Join(t.TempDir(), "x"), clip.Options{Width: width, FFmpeg: "-"}); err != nil || closed != 2 {
		t.Errorf("%d of 2 sources were closed, %v", closed, err)
	}
}

func TestFFmpegHasLowPriorityAndNoEnvironment(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "ffmpeg")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n{ nice; env; } > "+dir+"/seen\ncat > /dev/null\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHAPI_TOKEN", "do-not-tell")
	own := ownNiceness(t)
	if _, err := clip.Make(context.Background(), source(session(1, small)...), filepath.Join(dir, "x"), clip.Options{Width: width, FFmpeg: script}); err != nil {
		t.Fatal(err)
	}
	seen, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(seen), "\n")
	if n, err := strconv.Atoi(first); err != nil || n != max(own, clip.Niceness) || strings.Contains(string(seen), "CHAPI") {
		t.Errorf("with a clip.Niceness of %d it saw %s", own, seen)
	}
	for range 20 {
		if now := ownNiceness(t); now != own {
			t.Fatalf("our own clip.Niceness is %d now, and was %d", now, own)
		}
	}
}

func ownNiceness(t *testing.T) int {
	t.Helper()
	out, err := exec.Command("nice").Output()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func BenchmarkClip(b *testing.B) {
	needFFmpeg(b)
	for name, o := range map[string]clip.Options{"mp4": {}, "gif": {FFmpeg: "-"}} {
		b.Run(name, func(b *testing.B) {
			all := session(30, bot.Size{Cols: 80, Rows: 24})
			b.ReportAllocs()
			var info clip.Info
			for b.Loop() {
				path := filepath.Join(b.TempDir(), "clip")
				os.Remove(path)
				var err error
				if info, err = clip.Make(context.Background(), source(all...), path, o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(info.Bytes), "bytes/clip")
		})
	}
}
