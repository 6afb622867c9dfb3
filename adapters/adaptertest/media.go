package adaptertest

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"
	"time"

	"chapi/bot"
)

// painted is a small PNG in one shade.
func painted(t *testing.T, shade uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range m.Pix {
		m.Pix[i] = color.Gray{Y: shade}.Y
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// clip has the head of an MP4 file; the networks' doubles look no further.
var clip = append([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"), bytes.Repeat([]byte{1, 2, 3}, 30_000)...)

func pictureOut(t *testing.T, caption string, content []byte) bot.Outgoing {
	t.Helper()
	return bot.Outgoing{
		Post: bot.Post{Text: []bot.Span{{Text: caption}}, Media: &bot.Media{Kind: bot.Picture, Name: "yard.png"}},
		File: textFile(t, "yard.png", content),
	}
}

func clipOut(t *testing.T, caption string) bot.Outgoing {
	t.Helper()
	return bot.Outgoing{
		Post: bot.Post{Text: []bot.Span{{Text: caption}}, Media: &bot.Media{
			Kind: bot.Video, Name: "yard.mp4", Width: 320, Height: 240, Duration: 2400 * time.Millisecond,
		}},
		File: textFile(t, "yard.mp4", clip),
	}
}

// showsAs wants a post to be shown so.
func (b *bench) showsAs(t *testing.T, m bot.MessageID, kind bot.MediaKind, content []byte) {
	t.Helper()
	shown, file := b.Shown(m)
	if shown != kind {
		t.Errorf("post %s is shown as kind %d, want %d", m, shown, kind)
	}
	if !bytes.Equal(file, content) {
		t.Errorf("post %s has %d bytes that differ from the %d sent", m, len(file), len(content))
	}
}

func showsMedia(t *testing.T, b *bench) {
	b.start(t)
	white := painted(t, 255)
	r := b.send(t, pictureOut(t, "the yard", white))
	b.shows(t, "the yard")
	b.showsAs(t, r.Message, bot.Picture, white)
	r = b.send(t, clipOut(t, "the yard, moving"))
	b.shows(t, "the yard, moving")
	b.showsAs(t, r.Message, bot.Video, clip)
}

func replacesMedia(t *testing.T, b *bench) {
	b.start(t)
	k := keyboard()
	first := pictureOut(t, "12:00", painted(t, 255))
	first.Post.Keyboard = k
	r := b.send(t, first)
	black := painted(t, 0)
	second := pictureOut(t, "12:01", black)
	second.Post.Keyboard, second.Target = k, r.Message
	if again := b.send(t, second); again.Message != r.Message {
		t.Errorf("the edit's receipt names %q, want %q", again.Message, r.Message)
	}
	if p := b.shows(t, "12:01"); len(p.Buttons) != 2 {
		t.Errorf("buttons = %q, want those of the edit", p.Buttons)
	}
	b.showsAs(t, r.Message, bot.Picture, black)

	moving := clipOut(t, "the last minute")
	moving.Target = r.Message
	b.send(t, moving)
	if p := b.shows(t, "the last minute"); len(p.Buttons) != 0 {
		t.Errorf("buttons = %q, want none", p.Buttons)
	}
	b.showsAs(t, r.Message, bot.Video, clip)

	caption := clipOut(t, "only words are new")
	caption.File, caption.Target = nil, r.Message
	b.send(t, caption)
	b.shows(t, "only words are new")
	b.showsAs(t, r.Message, bot.Video, clip)
	if n := len(b.Posts()); n != 1 {
		t.Errorf("%d posts are there, want 1", n)
	}
}

func textBecomesMedia(t *testing.T, b *bench) {
	b.start(t)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("a moment")})
	white := painted(t, 255)
	out := pictureOut(t, "here it is", white)
	out.Target = r.Message
	b.send(t, out)
	b.shows(t, "here it is")
	b.showsAs(t, r.Message, bot.Picture, white)
	if n := len(b.Posts()); n != 1 {
		t.Errorf("%d posts are there, want 1", n)
	}
}

func erases(t *testing.T, b *bench) {
	b.start(t)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("the code is 1234")})
	b.shows(t, "the code is 1234")
	for range 2 {
		if err := b.Adapter.(bot.Eraser).Erase(t.Context(), b.Thread, r.Message); err != nil {
			t.Fatalf("Erase: %v", err)
		}
	}
	if n := len(b.Posts()); n != 0 {
		t.Errorf("%d posts are there, want none", n)
	}
}

func pins(t *testing.T, b *bench) {
	b.start(t)
	pinner := b.Adapter.(bot.Pinner)
	r := b.send(t, bot.Outgoing{Post: bot.Plainf("status")})
	for range 2 {
		if err := pinner.Pin(t.Context(), b.Thread, r.Message); err != nil {
			t.Fatalf("Pin: %v", err)
		}
	}
	if got := b.Pinned(); !slices.Equal(got, []bot.MessageID{r.Message}) {
		t.Errorf("pinned = %q, want %q", got, r.Message)
	}
	if b.Vanish == nil {
		return
	}
	b.Vanish(r.Message)
	var se *bot.SendError
	if err := pinner.Pin(t.Context(), b.Thread, r.Message); !errors.As(err, &se) || se.Outcome != bot.RefusedSend || se.Reason != bot.TargetGone {
		t.Errorf("Pin of a vanished post = %v, want refused as target gone", err)
	}
}
