package bot

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"testing"
	"testing/iotest"
)

// drawn is a picture with some content in one of the formats.
func drawn(t testing.TB, kind string, seed int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i*seed ^ i>>3)
	}
	m.Set(0, 0, color.White)
	var b bytes.Buffer
	err := png.Encode(&b, m)
	if kind == ".jpg" {
		b.Reset()
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 95})
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesAreFoundInAStream(t *testing.T) {
	a, b, c := drawn(t, ".jpg", 3), drawn(t, ".png", 5), drawn(t, ".jpg", 7)
	boundary := []byte("\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n")
	for _, c := range []struct {
		rule   string
		stream [][]byte
		want   [][]byte
		end    error
	}{
		{"one after another", [][]byte{a, b, c}, [][]byte{a, b, c}, io.EOF},
		{"with the lines of an MJPEG stream between them", [][]byte{boundary, a, boundary, c, boundary}, [][]byte{a, c}, io.EOF},
		{"behind text", [][]byte{[]byte("starting \xff\x89 up\n"), b}, [][]byte{b}, io.EOF},
		{"none", [][]byte{[]byte("just text")}, nil, io.EOF},
		{"nothing", nil, nil, io.EOF},
		{"the last one cut", [][]byte{a, b[:len(b)-5]}, [][]byte{a}, io.ErrUnexpectedEOF},
		{"a JPEG cut in its scan", [][]byte{a[:len(a)-9]}, nil, io.ErrUnexpectedEOF},
		{"a JPEG cut in its scan, and another", [][]byte{a[:len(a)-9], c}, [][]byte{c}, io.EOF},
		{"one that is too large", [][]byte{a, append(pngHead[:8:8], 0x10, 0, 0, 0, 'I', 'D', 'A', 'T')}, [][]byte{a}, ErrPictureTooLarge},
	} {
		for how, wrap := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader} {
			t.Run(c.rule+", "+how, func(t *testing.T) {
				p := NewPictureReader(wrap(bytes.NewReader(bytes.Join(c.stream, nil))), 1<<20)
				for i, want := range c.want {
					got, err := p.Next()
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("picture %d: %d bytes, %v; want %d", i, len(got), err, len(want))
					}
					from, to := p.Last()
					if all := bytes.Join(c.stream, nil); !bytes.Equal(all[from:to], want) {
						t.Errorf("picture %d is said to be at [%d, %d)", i, from, to)
					}
					if PictureKind(got) == "" {
						t.Errorf("picture %d is of no kind", i)
					}
				}
				if got, err := p.Next(); !errors.Is(err, c.end) {
					t.Errorf("then %d bytes, %v; want %v", len(got), err, c.end)
				}
			})
		}
	}
}

func FuzzPictureReader(f *testing.F) {
	f.Add(drawn(f, ".jpg", 3))
	f.Add(drawn(f, ".png", 3))
	f.Add([]byte("\xff\xd8\xff\xe0\x00\x00\xff\xd9"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		p := NewPictureReader(bytes.NewReader(stream), 1<<16)
		for n := 0; ; {
			got, err := p.Next()
			if err != nil {
				return
			}
			if n += len(got); n > len(stream) || len(got) > 1<<16 {
				t.Fatalf("%d bytes of pictures in %d", n, len(stream))
			}
		}
	})
}
