package camera

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// maxIndex is the largest index of a clip that is read, in bytes: some minutes
// take some kilobytes.
const maxIndex = 8 << 20

var errNoClip = errors.New("not a clip that can be played")

// measure reads the width, height and length of an MP4 file whose index stands
// in front (ISO/IEC 14496-12, 8.2).
func measure(path string) (Take, error) {
	f, err := os.Open(path)
	if err != nil {
		return Take{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Take{}, err
	}
	index, err := find(f, "moov")
	if err != nil {
		return Take{}, fmt.Errorf("%w: %w", errNoClip, err)
	}
	t := Take{Path: path, Size: info.Size()}
	t.read(index)
	if t.Width <= 0 || t.Height <= 0 || t.Length <= 0 {
		return Take{}, errNoClip
	}
	return t, nil
}

// find is the content of the first box of that kind, before any content.
func find(r io.Reader, kind string) ([]byte, error) {
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, err
		}
		size := int64(binary.BigEndian.Uint32(head[:])) - 8
		name := string(head[4:])
		switch {
		case size < 0 || size > maxIndex:
			return nil, fmt.Errorf("box %q of %d bytes", name, size)
		case name == "mdat":
			return nil, errors.New("its index is not in front")
		case name == kind:
			body := make([]byte, size)
			_, err := io.ReadFull(r, body)
			return body, err
		}
		if _, err := io.CopyN(io.Discard, r, size); err != nil {
			return nil, err
		}
	}
}

// read takes what is wanted from the boxes in b: mvhd has the length, tkhd the
// shape of a track.
func (t *Take) read(b []byte) {
	for len(b) >= 8 {
		size := int(binary.BigEndian.Uint32(b))
		if size < 8 || size > len(b) {
			return
		}
		body := b[8:size]
		switch string(b[4:8]) {
		case "trak":
			t.read(body)
		case "mvhd":
			t.Length = movieLength(body)
		case "tkhd":
			// The last eight bytes are width and height, in 65536ths.
			if n := len(body); n >= 84 {
				w, h := binary.BigEndian.Uint32(body[n-8:])>>16, binary.BigEndian.Uint32(body[n-4:])>>16
				t.Width, t.Height = max(t.Width, int(w)), max(t.Height, int(h))
			}
		}
		b = b[size:]
	}
}

func movieLength(body []byte) time.Duration {
	var scale, units uint64
	switch {
	case len(body) >= 20 && body[0] == 0:
		scale, units = uint64(binary.BigEndian.Uint32(body[12:])), uint64(binary.BigEndian.Uint32(body[16:]))
	case len(body) >= 32 && body[0] == 1:
		scale, units = uint64(binary.BigEndian.Uint32(body[20:])), binary.BigEndian.Uint64(body[24:])
	}
	if scale == 0 || units/scale > 1<<20 {
		return 0
	}
	return time.Duration(float64(units) / float64(scale) * float64(time.Second))
}
