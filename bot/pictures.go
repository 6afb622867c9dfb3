package bot

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// PictureReader finds the JPEG and PNG pictures in a stream of bytes, such as
// what a program prints or a camera sends. Both formats tell where they end;
// what stands between pictures is passed over.
type PictureReader struct {
	r        *bufio.Reader
	most     int
	read     int64 // bytes consumed
	from, to int64
}

// Errors of a PictureReader. It can be read on after both.
var (
	// ErrPictureTooLarge: a picture in the stream is larger than is accepted.
	ErrPictureTooLarge = errors.New("picture is too large")
	// ErrPictureDamaged: what begins like a picture does not go on like one. One
	// that was cut off may take the beginning of the next with it.
	ErrPictureDamaged = errors.New("picture is damaged")
)

// NewPictureReader reads pictures of at most most bytes each from r.
func NewPictureReader(r io.Reader, most int) *PictureReader {
	return &PictureReader{r: bufio.NewReaderSize(r, 64<<10), most: most}
}

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

// Last is where in the stream the last picture was, as [from, to) in bytes.
func (p *PictureReader) Last() (from, to int64) { return p.from, p.to }

// Next is the next whole picture, the caller's to keep. It returns io.EOF at
// the end of the stream, io.ErrUnexpectedEOF when that cuts a picture,
// ErrPictureTooLarge and ErrPictureDamaged.
func (p *PictureReader) Next() ([]byte, error) {
	picture, err := p.next()
	if err == nil {
		p.from, p.to = p.read-int64(len(picture)), p.read
	}
	return picture, err
}

func (p *PictureReader) next() ([]byte, error) {
	for {
		head, err := p.r.Peek(len(pngHead))
		switch {
		case bytes.HasPrefix(head, jpegHead):
			return p.jpeg()
		case bytes.HasPrefix(head, pngHead):
			return p.png()
		case len(head) < len(jpegHead):
			if err == io.EOF || err == nil {
				return nil, io.EOF
			}
			return nil, err
		}
		n, _ := p.r.Discard(p.junk())
		p.read += int64(n)
	}
}

// junk is how many buffered bytes cannot be the beginning of a picture: at
// least one.
func (p *PictureReader) junk() int {
	buffered, _ := p.r.Peek(max(p.r.Buffered(), 1))
	for n := 1; n < len(buffered); n++ {
		if buffered[n] == jpegHead[0] || buffered[n] == pngHead[0] {
			return n
		}
	}
	return max(len(buffered), 1)
}

// png copies chunk by chunk to the one called IEND (w3.org/TR/png, 5.3).
func (p *PictureReader) png() ([]byte, error) {
	var out bytes.Buffer
	if err := p.take(&out, len(pngHead)); err != nil {
		return nil, err
	}
	for {
		head, err := p.r.Peek(8)
		if err != nil {
			return nil, cutShort(err)
		}
		length, kind := binary.BigEndian.Uint32(head), string(head[4:8])
		if length > 1<<31-1 {
			return nil, ErrPictureDamaged
		}
		if err := p.take(&out, 8+int(length)+4); err != nil {
			return nil, err
		}
		if kind == "IEND" {
			return out.Bytes(), nil
		}
	}
}

// jpeg copies segment by segment to the end of the picture (ITU-T T.81, annex
// B). Thumbnails inside of a segment are passed over with it.
func (p *PictureReader) jpeg() ([]byte, error) {
	var out bytes.Buffer
	if err := p.take(&out, 2); err != nil {
		return nil, err
	}
	for scanning := false; ; {
		head, err := p.r.Peek(2)
		if err != nil {
			return nil, cutShort(err)
		}
		marker := head[1]
		switch {
		case head[0] != 0xFF && !scanning:
			return nil, ErrPictureDamaged
		case head[0] != 0xFF: // a byte of a scan
			if err := p.scan(&out); err != nil {
				return nil, err
			}
		case marker == 0xFF: // filling
			err = p.take(&out, 1)
		case marker == 0xD8: // another begins: what came before it was cut off
			out.Reset()
			scanning = false
			err = p.take(&out, 2)
		case marker == 0xD9:
			err = p.take(&out, 2)
			return out.Bytes(), err
		case marker == 0, marker >= 0xD0 && marker <= 0xD7, marker == 1: // no length follows
			err = p.take(&out, 2)
		default:
			scanning = marker == 0xDA
			if head, err = p.r.Peek(4); err != nil {
				return nil, cutShort(err)
			}
			err = p.take(&out, 2+max(int(binary.BigEndian.Uint16(head[2:])), 2))
		}
		if err != nil {
			return nil, err
		}
	}
}

// scan copies the bytes before the next 0xFF.
func (p *PictureReader) scan(out *bytes.Buffer) error {
	buffered, _ := p.r.Peek(max(p.r.Buffered(), 1))
	n := bytes.IndexByte(buffered, 0xFF)
	if n < 0 {
		n = len(buffered)
	}
	return p.take(out, n)
}

func (p *PictureReader) take(out *bytes.Buffer, n int) error {
	if n > p.most-out.Len() {
		return ErrPictureTooLarge
	}
	copied, err := io.CopyN(out, p.r, int64(n))
	p.read += copied
	return cutShort(err)
}

func cutShort(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
