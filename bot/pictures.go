package bot

import (
	"bufio"
	"errors"
	"io"
)

// PictureReader finds the JPEG and PNG pictures in a stream of bytes, such as
// what a program prints or a camera sends. Both formats tell where they end;
// what stands between pictures is passed over.
type PictureReader struct {
	r        *bufio.Reader
	finder   pictureFinder
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
	return &PictureReader{r: bufio.NewReaderSize(r, 64<<10), finder: pictureFinder{most: int64(most)}}
}

// Last is where in the stream the last picture was, as [from, to) in bytes.
func (p *PictureReader) Last() (from, to int64) { return p.from, p.to }

// Next is the next whole picture, the caller's to keep. It returns io.EOF at
// the end of the stream, io.ErrUnexpectedEOF when that cuts a picture,
// ErrPictureTooLarge and ErrPictureDamaged.
func (p *PictureReader) Next() ([]byte, error) {
	var picture []byte
	for least := 1; ; {
		if _, err := p.r.Peek(least); err != nil && (err != io.EOF || p.r.Buffered() < least) {
			return nil, p.ended(err)
		}
		buffered, _ := p.r.Peek(p.r.Buffered())
		n, part := p.finder.feed(buffered)
		least = 1
		if n == 0 && part == noPicture {
			least = len(buffered) + 1 // what comes next will tell
		}
		if part != noPicture {
			picture = append(picture, buffered[:n]...)
		}
		_, _ = p.r.Discard(n) // it is buffered
		p.read += int64(n)
		switch part {
		case wholePicture:
			p.from, p.to = p.read-int64(len(picture)), p.read
			return picture, nil
		case damagedPicture:
			return nil, ErrPictureDamaged
		case largePicture:
			return nil, ErrPictureTooLarge
		case nextPicture:
			picture = append(picture[:0], jpegHead[:2]...)
		}
	}
}

// ended is what the end of the stream means.
func (p *PictureReader) ended(err error) error {
	cut := p.finder.busy()
	p.finder.reset()
	if cut && err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
