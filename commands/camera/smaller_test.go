package camera

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"chapi/bot"
)

func TestWhatIsTooLargeHasASmallerForm(t *testing.T) {
	g := newGallery(t, Config{Name: "cam", Source: "test"})
	filmed := func(name string, args ...string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		args = append(append([]string{"-v", "error", "-f", "lavfi"}, args...), path)
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			t.Fatalf("ffmpeg: %v\n%s", err, out)
		}
		return path
	}
	noise := "testsrc2=size=640x480:rate=10,noise=alls=60:allf=t"
	for _, c := range []struct {
		rule, path string
		limit      int64
		want       bot.MediaKind
	}{
		{"a JPEG", filmed("a.jpg", "-i", noise, "-frames:v", "1", "-q:v", "2"), 60 << 10, bot.Picture},
		{"a PNG", filmed("a.png", "-i", noise, "-frames:v", "1"), 60 << 10, bot.Picture},
		{"a WebP", filmed("a.webp", "-i", noise, "-frames:v", "1"), 40 << 10, bot.Picture},
		{"a clip", filmed("a.mp4", "-i", "testsrc2=size=640x480:rate=10:duration=6", "-pix_fmt", "yuv420p"), 60 << 10, bot.Video},
	} {
		t.Run(c.rule, func(t *testing.T) {
			info, err := os.Stat(c.path)
			if err != nil || info.Size() <= c.limit {
				t.Fatalf("the original has %d bytes, %v", info.Size(), err)
			}
			f, err := os.Open(c.path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			m, err := g.Smaller(t.Context(), f, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			defer os.Remove(m.Path)
			if info, err = os.Stat(m.Path); err != nil || info.Size() > c.limit {
				t.Errorf("the smaller form has %d bytes of %d, %v", info.Size(), c.limit, err)
			}
			if m.Kind != c.want || !m.Own {
				t.Errorf("made %+v", m)
			}
			if out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", m.Path, "-f", "null", "-").CombinedOutput(); err != nil {
				t.Errorf("it cannot be decoded: %v\n%s", err, out)
			}
			if m.Kind == bot.Video {
				checkClip(t, Take{Path: m.Path, Kind: m.Kind, Width: m.Width, Height: m.Height, Length: m.Duration, Size: info.Size()})
				if d := m.Duration - 6*time.Second; d > 300*time.Millisecond || d < -300*time.Millisecond {
					t.Errorf("it takes %s, want 6s", m.Duration)
				}
			}
		})
	}
}

// To ffmpeg a text can be a list of other files; only bytes say what it is.
func TestWhatIsNoPictureIsNotReadAsOne(t *testing.T) {
	g := newGallery(t, Config{Name: "cam", Source: "test"})
	for name, text := range map[string]string{
		"list.jpg": "ffconcat version 1.0\nfile /etc/hostname\n", "a.mp4": "#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "empty.png": "",
		"broken.png": "\x89PNG\r\n\x1a\n and nothing else",
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := g.Smaller(t.Context(), f, 1<<20); !errors.Is(err, bot.ErrNoSmaller) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
