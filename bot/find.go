package bot

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

var (
	pngHead  = []byte("\x89PNG\r\n\x1a\n")
	jpegHead = []byte{0xFF, 0xD8, 0xFF}
)

// PictureKind is ".jpg" or ".png" for the bytes of such a picture, else "".
func PictureKind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, jpegHead):
		return ".jpg"
	case bytes.HasPrefix(b, pngHead):
		return ".png"
	default:
		return ""
	}
}

// mayBegin is the first place in b where a picture begins, or may begin if b is
// cut there; len(b) when there is none.
func mayBegin(b []byte) int {
	for i, c := range b {
		if c != jpegHead[0] && c != pngHead[0] {
			continue
		}
		rest := b[i:]
		if PictureKind(rest) != "" || bytes.HasPrefix(jpegHead, rest) || bytes.HasPrefix(pngHead, rest) {
			return i
		}
	}
	return len(b)
}

// cutHead is how many bytes at the end of b may be the beginning of a picture,
// if they are outside of one.
func cutHead(b []byte) int {
	end := b[max(len(b)-len(pngHead)+1, 0):]
	for i := range end {
		switch rest := end[i:]; {
		case PictureKind(rest) != "":
			return 0 // it has begun
		case len(rest) == 1 && rest[0] == pngHead[0] && i > 0 && end[i-1] >= utf8.RuneSelf:
			// the end of a letter in UTF-8
		case bytes.HasPrefix(pngHead, rest), bytes.HasPrefix(jpegHead, rest):
			return len(rest)
		}
	}
	return 0
}

// pictureFinder tells JPEG and PNG pictures from what is between them, in a
// stream that is fed to it piece by piece. Both formats tell where they end.
type pictureFinder struct {
	most int64 // the largest picture that is looked for, in bytes

	step     findStep
	size     int64  // bytes of the picture so far
	field    []byte // of a length or chunk header
	left     int64  // bytes to pass over
	scanning bool   // JPEG: what follows is compressed data
	png      bool
	last     bool // PNG: what is passed over is the last chunk
}

// picturePart is what some bytes of a stream are.
type picturePart int

const (
	noPicture      picturePart = iota
	somePicture                // of a picture that goes on
	wholePicture               // to the end of a picture
	damagedPicture             // to where what began like a picture is none
	largePicture               // to where it is known to be too large
	nextPicture                // of one that was cut off: the last two begin another
)

type findStep int

const (
	outside    findStep = iota
	passing             // over left bytes
	chunkHead           // of a PNG: length and kind
	markerHead          // of a JPEG: a marker's first byte
	markerCode          // its second
	markerSize          // the length of its segment
	scanData            // the compressed data behind it
)

func (f *pictureFinder) busy() bool { return f.step != outside }

// reset says that what comes next does not follow what came before.
func (f *pictureFinder) reset() { *f = pictureFinder{most: f.most} }

// feed says what the first n bytes of b are. No byte and noPicture means that
// more of the stream has to be seen to tell: feed it b and what follows.
func (f *pictureFinder) feed(b []byte) (n int, part picturePart) {
	if f.step == outside {
		if at := mayBegin(b); at > 0 || PictureKind(b) == "" {
			return at, noPicture
		}
		n = f.begin(b)
	}
	for part = somePicture; n < len(b) && part == somePicture; {
		var step int
		step, part = f.advance(b[n:])
		n += step
		if f.size += int64(step); f.size > f.most {
			part = largePicture
		}
	}
	switch part {
	case nextPicture:
		f.size = 2
	case wholePicture, damagedPicture, largePicture:
		f.reset()
	}
	return n, part
}

// begin enters the picture that b begins with, behind its signature.
func (f *pictureFinder) begin(b []byte) int {
	f.step, f.size, f.png = chunkHead, int64(len(pngHead)), true
	if PictureKind(b) == ".jpg" { // its third byte is the next marker's first
		f.step, f.size, f.png = markerCode, int64(len(jpegHead)), false
	}
	return int(f.size)
}

// advance goes on within a picture: chunk by chunk to the one called IEND
// (w3.org/TR/png, 5.3), or segment by segment to the end of the image (ITU-T
// T.81, annex B). Thumbnails inside of a segment are passed over with it.
func (f *pictureFinder) advance(b []byte) (n int, part picturePart) {
	switch f.step {
	case passing:
		n = int(min(f.left, int64(len(b))))
		if f.left -= int64(n); f.left == 0 {
			return n, f.passed()
		}
		return n, somePicture
	case chunkHead:
		if n = f.collect(b, 8); len(f.field) < 8 {
			return n, somePicture
		}
		f.last = string(f.field[4:]) == "IEND"
		return n, f.pass(int64(binary.BigEndian.Uint32(f.field)) + 4)
	case markerHead:
		if b[0] != 0xFF {
			return 0, damagedPicture
		}
		f.step = markerCode
		return 1, somePicture
	case markerCode:
		return 1, f.marker(b[0])
	case markerSize:
		if n = f.collect(b, 2); len(f.field) < 2 {
			return n, somePicture
		}
		return n, f.pass(int64(binary.BigEndian.Uint16(f.field)) - 2)
	default: // scanData
		n = bytes.IndexByte(b, 0xFF)
		if n < 0 {
			return len(b), somePicture
		}
		f.step = markerCode
		return n + 1, somePicture
	}
}

// marker is behind a JPEG's 0xFF.
func (f *pictureFinder) marker(code byte) picturePart {
	switch {
	case code == 0xFF: // filling
	case code == 0xD8: // another begins: what came before it was cut off
		f.scanning, f.step = false, markerHead
		return nextPicture
	case code == 0xD9:
		return wholePicture
	case code == 0, code == 1, code >= 0xD0 && code <= 0xD7: // no length follows
		return f.passed()
	default:
		f.scanning, f.step = code == 0xDA, markerSize
	}
	return somePicture
}

// collect takes bytes of a field of so many.
func (f *pictureFinder) collect(b []byte, size int) int {
	n := min(size-len(f.field), len(b))
	f.field = append(f.field, b[:n]...)
	return n
}

// pass goes on behind n more bytes, as a field has said.
func (f *pictureFinder) pass(n int64) picturePart {
	known := f.size + int64(len(f.field)) + n
	f.field = f.field[:0]
	switch {
	case known > f.most:
		return largePicture
	case n <= 0:
		return f.passed()
	}
	f.step, f.left = passing, n
	return somePicture
}

// passed chooses what comes behind a chunk or segment.
func (f *pictureFinder) passed() picturePart {
	switch {
	case f.last:
		return wholePicture
	case f.png:
		f.step = chunkHead
	case f.scanning:
		f.step = scanData
	default:
		f.step = markerHead
	}
	return somePicture
}

// pictureScan finds pictures in what a journal has of standard output.
type pictureScan struct {
	finder pictureFinder
	at     int64   // journal offset behind what was looked at
	open   printed // the picture under way, if the finder is busy
	text   bool    // something else was there, too
}

// printed is a picture among output. Standard error may stand in its range.
type printed struct {
	Range
	size  int  // bytes of the picture
	whole bool // not damaged, cut off or too large
}

func newScan(from int64) pictureScan {
	return pictureScan{finder: pictureFinder{most: maxShot}, at: from}
}

// look goes on with a chunk, and tells of the pictures that end in it. What a
// gap has cut is not taken for one with what is behind it. Bytes at the end that
// may be the beginning of one are left, at first, for the next chunk.
func (s *pictureScan) look(c Chunk, found func(printed)) {
	end := c.From + int64(len(c.Data))
	if c.From > s.at {
		s.end(s.at, false, found)
		s.finder.reset()
	}
	if end <= s.at {
		return
	}
	data := c.Data[max(s.at-c.From, 0):]
	s.at = end
	if c.Stream != Stdout {
		s.text = true
		return
	}
	for all := len(data); len(data) > 0; {
		n, part := s.feed(data, end-int64(len(data)))
		if n == 0 && part == noPicture {
			if len(data) < all { // what follows will tell
				s.at = end - int64(len(data))
				return
			}
			n = len(data) // it has not
			s.text = true
		}
		data = data[n:]
		at := end - int64(len(data))
		switch part {
		case wholePicture, damagedPicture, largePicture:
			s.end(at, part == wholePicture, found)
		case nextPicture:
			s.end(at-2, false, found)
			s.open = printed{Range: Range{From: at - 2}, size: 2}
		}
	}
}

// feed feeds the finder with output from an offset on.
func (s *pictureScan) feed(data []byte, from int64) (n int, part picturePart) {
	began := !s.finder.busy()
	n, part = s.finder.feed(data)
	if part == noPicture {
		s.text = s.text || len(bytes.TrimSpace(data[:n])) > 0
		return n, part
	}
	if began {
		s.open = printed{Range: Range{From: from}}
	}
	s.open.size += n
	return n, part
}

// end ends the picture under way.
func (s *pictureScan) end(at int64, whole bool, found func(printed)) {
	if s.open.size > 0 {
		s.open.To, s.open.whole = at, whole
		found(s.open)
	}
	s.open = printed{}
}
