package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"chapi/bot"
	"chapi/runner"
	"chapi/runner/holder"
)

// picture is a small picture with a shade of its own, JPEG or PNG.
func picture(t *testing.T, shade uint8, ext string) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 32, 24))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	m.SetGray(3, 3, color.Gray{255 - shade})
	var b bytes.Buffer
	err := png.Encode(&b, m)
	if ext == ".jpg" {
		b.Reset()
		err = jpeg.Encode(&b, m, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictures puts so many into a folder, as 1.jpg and so on.
func pictures(t *testing.T, n int) (dir string, all [][]byte) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		p := picture(t, uint8(i), ".jpg")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.jpg", i+1)), p, 0o644); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return dir, all
}

// sent is the pictures that are kept of those a session has sent, and how many
// bytes it has sent.
func sent(t *testing.T, r *runner.Runner, id bot.SessionID) (all [][]byte, end int64) {
	t.Helper()
	j, err := r.Frames(id)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	kept, end := j.Extent()
	for _, piece := range kept {
		pictures := bot.NewPictureReader(&stream{j: j, at: piece.From, to: piece.To}, 64<<20)
		for {
			p, err := pictures.Next()
			// A gap cuts the picture before it and the one behind it.
			if err == io.EOF || err == io.ErrUnexpectedEOF && piece.To < end {
				break
			}
			if err == bot.ErrPictureDamaged && piece.From > 0 {
				continue
			}
			if err != nil {
				t.Fatalf("after %d pictures: %v", len(all), err)
			}
			all = append(all, p)
		}
	}
	return all, end
}

// stream reads [at, to) of a journal.
type stream struct {
	j      bot.Journal
	at, to int64
	left   []byte
}

func (s *stream) Read(b []byte) (int, error) {
	if len(s.left) == 0 {
		if s.at == s.to {
			return 0, io.EOF
		}
		c, err := s.j.Next(s.at, int(min(64<<10, s.to-s.at)))
		if err != nil {
			return 0, err
		}
		if c.From != s.at || len(c.Data) == 0 {
			return 0, fmt.Errorf("at %d: got %d bytes from %d", s.at, len(c.Data), c.From)
		}
		s.at, s.left = c.From+int64(len(c.Data)), c.Data
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}

func same(t *testing.T, r *runner.Runner, id bot.SessionID, want [][]byte) {
	t.Helper()
	got, _ := sent(t, r, id)
	if len(got) != len(want) {
		t.Fatalf("got %d pictures, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("picture %d is not the one that was sent", i)
		}
	}
}

func bash(script string, args ...string) []string {
	return append([]string{"bash", "-c", script, "bash"}, args...)
}

func TestPicturesOnTheSideChannelAreKeptInOrderAndNotInTheOutput(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	dir, want := pictures(t, 20)
	start(t, r, "1", bot.Spec{Argv: bash(`echo go; for i in $(seq 20); do cat $1/$i.jpg > $CHAPI_FRAMES; done`, dir)})
	first, err := r.WaitFrames(deadline(t), "1", 0)
	if err != nil || first.Frames == 0 {
		t.Fatalf("waiting for a picture: %+v, %v", first, err)
	}
	awaitExit(t, r, "1")
	same(t, r, "1", want)
	if out := read(t, r, "1", 0); out != "go\n" {
		t.Errorf("the output is %q", out)
	}
	j, err := r.Frames("1")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var first0 bot.Mark
	j.Marks(0, func(m bot.Mark) bool { first0 = m; return false })
	if first0.At != 0 || first0.Time.IsZero() {
		t.Errorf("the first picture has no time: %+v", first0)
	}
	last, err := r.WaitFrames(deadline(t), "1", 1<<60)
	if _, end := j.Extent(); err != nil || !last.Exited || last.Frames != end {
		t.Errorf("after the end: %+v, %v, want %d bytes", last, err, end)
	}
}

func TestThePipeForPicturesGoesWithItsSession(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{Argv: bash(`test -p $CHAPI_FRAMES && echo $CHAPI_FRAMES`)})
	awaitExit(t, r, "1")
	pipe := strings.TrimSpace(read(t, r, "1", 0))
	if _, err := os.Lstat(pipe); pipe == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q is still there: %v", pipe, err)
	}
	if _, err := r.Frames("1"); !errors.Is(err, bot.ErrNoFrames) {
		t.Errorf("got %v, want ErrNoFrames", err)
	}
	if _, err := r.Frames("2"); !errors.Is(err, bot.ErrNoSession) {
		t.Errorf("got %v, want ErrNoSession", err)
	}
}

func TestPicturesSurviveTheDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, want := pictures(t, 30)
	daemon := runDaemon(t, dir, "1", bash(`for i in $(seq 30); do cat $1/$i.jpg > $CHAPI_FRAMES; sleep 0.01; done`, from))
	eventually(t, func() string {
		found, _ := filepath.Glob(filepath.Join(holder.FramesDir(filepath.Join(dir, "1")), "*.out"))
		if len(found) == 0 {
			return "no picture has come"
		}
		return ""
	})
	daemon.Process.Kill()
	daemon.Wait()
	r := newRunner(t, dir)
	recovered(t, r, "1")
	awaitExit(t, r, "1")
	same(t, r, "1", want)
}

func TestWhatIsNoPictureIsPassedOver(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	dir, all := pictures(t, 2)
	drawn := picture(t, 7, ".png")
	if err := os.WriteFile(filepath.Join(dir, "a.png"), drawn, 0o644); err != nil {
		t.Fatal(err)
	}
	start(t, r, "1", bot.Spec{Argv: bash(`exec > $CHAPI_FRAMES
		echo some words; head -c 300000 /dev/zero; printf '\xff\xff\xff'
		cat $1/1.jpg; head -c -5 $1/1.jpg; cat $1/2.jpg; head -c 200 $1/1.jpg; head -c 500 /dev/zero
		head -c 100000 /dev/zero | tr '\0' '\377'; echo; cat $1/a.png; head -c 100 $1/1.jpg`, dir)})
	if s := awaitExit(t, r, "1"); s.Exit.Code != 0 {
		t.Errorf("got %+v", s)
	}
	same(t, r, "1", [][]byte{all[0], all[1], drawn})
}

func TestAFloodOfPicturesIsBoundedAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRunner(t, dir)
	// A picture of 1 MiB: what a comment in it says is nobody's business.
	from, _ := pictures(t, 1)
	big := append([]byte{0xFF, 0xD8}, bytes.Repeat(append([]byte{0xFF, 0xFE, 0xFF, 0xFF}, make([]byte, 0xFFFD)...), 16)...)
	big = append(big, picture(t, 1, ".jpg")[2:]...)
	if err := os.WriteFile(filepath.Join(from, "big.jpg"), big, 0o644); err != nil {
		t.Fatal(err)
	}
	const flood = 40
	start(t, r, "1", bot.Spec{Argv: bash(`for i in $(seq $2); do cat $1/big.jpg; done > $CHAPI_FRAMES`, from, strconv.Itoa(flood))})
	s := awaitExit(t, r, "1")
	var left int
	if s.Exit.Detail != "" {
		if _, err := fmt.Sscanf(s.Exit.Detail, "%d of its pictures were left out", &left); err != nil {
			t.Errorf("%q: %v", s.Exit.Detail, err)
		}
	}
	if s.Exit.Code != 0 {
		t.Errorf("got %+v", s)
	}
	// How many are taken depends on how long the flood lasts: where the disk is
	// slow it is all of them, and more than is kept.
	kept, end := sent(t, r, "1")
	if int64(flood-left)*int64(len(big)) != end || len(kept) == 0 || end <= holder.FramesBudget && len(kept) != flood-left {
		t.Errorf("%d pictures are kept and %d left out, of %d, in %d bytes", len(kept), left, flood, end)
	}
	for _, k := range kept {
		if !bytes.Equal(k, big) {
			t.Fatal("a picture was cut")
		}
	}
	var bytes int64
	filepath.WalkDir(holder.FramesDir(filepath.Join(dir, "1")), func(_ string, e fs.DirEntry, _ error) error {
		if info, err := e.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	if bytes > holder.FramesBudget+1<<20 {
		t.Errorf("%d bytes are kept", bytes)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", folder(t, dir, "1").Holder.PID))
	if err != nil {
		t.Fatal(err)
	}
	peak, _ := strconv.Atoi(regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(string(status))[1])
	t.Logf("%d kept, %d bytes, holder's peak %d kB", len(kept), bytes, peak)
	// Built with the race detector it takes several times as much.
	if peak > 200<<10 {
		t.Errorf("the holder took %d kB", peak)
	}
}

func TestAProgramOfAnotherAccountReachesItsPipe(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		return // only root runs programs as somebody else
	}
	r := newRunner(t, t.TempDir())
	send := picture(t, 9, ".jpg")
	start(t, r, "1", bot.Spec{User: "nobody", Argv: bash(`printf '` + octal(send) + `' > $CHAPI_FRAMES && rm -f $CHAPI_FRAMES 2>/dev/null; id -un; echo $CHAPI_FRAMES`)})
	awaitExit(t, r, "1")
	out := strings.Fields(read(t, r, "1", 0))
	if len(out) < 2 || out[len(out)-2] != "nobody" {
		t.Fatalf("got %q", out)
	}
	same(t, r, "1", [][]byte{send})
	if _, err := os.Lstat(filepath.Dir(out[len(out)-1])); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the pipe is still there: %v", err)
	}
}

// octal is bytes as printf(1) takes them.
func octal(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, `\%03o`, c)
	}
	return s.String()
}

func TestWaitingForPicturesEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir())
	start(t, r, "1", bot.Spec{Argv: []string{"sleep", "60"}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if s, err := r.WaitFrames(ctx, "1", 0); !errors.Is(err, context.Canceled) || s.Exited {
		t.Errorf("got %+v, %v", s, err)
	}
}
