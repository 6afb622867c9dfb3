package camera

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"testing"

	"chapi/bot"
)

// shades are pictures of odd sides that become lighter one by one.
func shades(t *testing.T, n int) [][]byte {
	t.Helper()
	var all [][]byte
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, 161, 121))
		for y := range 121 {
			for x := range 161 {
				m.Set(x, y, color.RGBA{uint8(i * 8), uint8(x), uint8(y), 255})
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}

func TestPicturesBecomeAClipOfTheirLength(t *testing.T) {
	t.Parallel()
	g := newGallery(t, Config{Name: "yard", Source: "test"})
	all := shades(t, 30)
	m, err := g.Film(context.Background(), bot.Reel{Kind: ".jpg", Frames: 30, FPS: 10, Frame: func(i int) ([]byte, error) {
		if i == 7 {
			return nil, nil // not kept
		}
		return all[i], nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(m.Path)
	if err != nil {
		t.Fatal(err)
	}
	p := checkClip(t, Take{Path: m.Path, Kind: m.Kind, Width: m.Width, Height: m.Height, Length: m.Duration, Size: info.Size()})
	if p.Streams[0].Frames != "29" || !m.Own || m.Width != 160 {
		t.Errorf("got %+v with %s pictures, want 29", m, p.Streams[0].Frames)
	}
}

func TestAClipOfNothingLeavesNoFile(t *testing.T) {
	t.Parallel()
	g := newGallery(t, Config{Name: "yard", Source: "test"})
	broken := errors.New("the disk is broken")
	for _, frame := range []func(int) ([]byte, error){
		func(int) ([]byte, error) { return nil, nil },
		func(int) ([]byte, error) { return nil, broken },
		func(int) ([]byte, error) { return []byte("not a picture"), nil },
	} {
		if m, err := g.Film(context.Background(), bot.Reel{Kind: ".jpg", Frames: 3, FPS: 10, Frame: frame}); err == nil {
			t.Errorf("got %+v", m)
		}
	}
	if left, _ := os.ReadDir(g.spool); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
