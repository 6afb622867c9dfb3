package gui

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"net"
	"strings"
	"time"
)

// lookTime bounds one look at a screen.
const lookTime = 5 * time.Second

// maxReply is the largest answer of a server that is read, in bytes: a screen of
// the largest size, and some.
const maxReply = MaxWidth*MaxHeight*4 + 1<<16

// screen is a connection to an X server, for the little that is asked of it:
// what its screen shows, and where its windows and its pointer are. One that
// lasts for a question is cheaper than a program that is started for it. The
// protocol is that of the X Consortium's "X Window System Protocol", version 11.
type screen struct {
	conn net.Conn
	root uint32
	size image.Point
}

// dial connects to a display such as :99.
func dial(ctx context.Context, display, cookie string) (*screen, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", "/tmp/.X11-unix/X"+strings.TrimPrefix(display, ":"))
	if err != nil {
		return nil, fmt.Errorf("reach display %s: %w", display, err)
	}
	conn.SetDeadline(time.Now().Add(lookTime))
	s := &screen{conn: conn}
	if err := s.greet(cookie); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greet display %s: %w", display, err)
	}
	return s, nil
}

func (s *screen) close() { s.conn.Close() }

// padded is how many bytes n take in the protocol, which counts in fours.
func padded(n int) int { return (n + 3) &^ 3 }

// greet sets the connection up (chapter 8, "Connection Setup").
func (s *screen) greet(cookie string) error {
	var b bytes.Buffer
	le := binary.LittleEndian
	binary.Write(&b, le, []uint16{'l', 11, 0, uint16(len(cookieKind)), uint16(len(cookie)), 0})
	for _, text := range []string{cookieKind, cookie} {
		b.WriteString(text)
		b.Write(make([]byte, padded(len(text))-len(text)))
	}
	if _, err := s.conn.Write(b.Bytes()); err != nil {
		return err
	}
	head := make([]byte, 8)
	if _, err := io.ReadFull(s.conn, head); err != nil {
		return err
	}
	body := make([]byte, 4*int(le.Uint16(head[6:])))
	if _, err := io.ReadFull(s.conn, body); err != nil {
		return err
	}
	if head[0] != 1 {
		return errors.New("it does not let us in")
	}
	if len(body) < 32 {
		return errShort
	}
	// The vendor's name and the formats of pictures stand before the first screen.
	at := 32 + padded(int(le.Uint16(body[16:]))) + 8*int(body[21])
	if len(body) < at+24 {
		return errShort
	}
	s.root = le.Uint32(body[at:])
	s.size = image.Pt(int(le.Uint16(body[at+20:])), int(le.Uint16(body[at+22:])))
	return nil
}

var errShort = errors.New("its answer is too short")

// ask sends a request and returns the answer, of at least least bytes.
func (s *screen) ask(request []byte, least int) ([]byte, error) {
	if _, err := s.conn.Write(request); err != nil {
		return nil, err
	}
	for {
		head := make([]byte, 32)
		if _, err := io.ReadFull(s.conn, head); err != nil {
			return nil, err
		}
		switch head[0] {
		case 0:
			return nil, fmt.Errorf("it answers with error %d", head[1])
		case 1:
		default: // an event that everybody gets
			continue
		}
		more := 4 * int64(binary.LittleEndian.Uint32(head[4:]))
		if more > maxReply {
			return nil, fmt.Errorf("its answer has %d bytes", more)
		}
		reply := append(head, make([]byte, more)...)
		if _, err := io.ReadFull(s.conn, reply[32:]); err != nil {
			return nil, err
		}
		if len(reply) < least {
			return nil, errShort
		}
		return reply, nil
	}
}

// request is a request with its code, a byte of its own and its words.
func request(code, extra byte, words ...uint32) []byte {
	b := binary.LittleEndian.AppendUint16([]byte{code, extra}, uint16(1+len(words)))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// Codes of requests (appendix B, "Protocol Encoding").
const (
	getWindowAttributes = 3
	getGeometry         = 14
	queryTree           = 15
	queryPointer        = 38
	warpPointer         = 41
	getImage            = 73
)

// picture is what the screen shows.
func (s *screen) picture() (*image.RGBA, error) {
	const zPixmap, allPlanes = 2, 1<<32 - 1
	w, h := s.size.X, s.size.Y
	reply, err := s.ask(request(getImage, zPixmap, s.root, 0, uint32(w)|uint32(h)<<16, allPlanes), 32+4*w*h)
	if err != nil {
		return nil, fmt.Errorf("look at the screen: %w", err)
	}
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, b := 0, reply[32:]; i < 4*w*h; i += 4 { // blue, green, red, nothing
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = b[i+2], b[i+1], b[i], 0xFF
	}
	return m, nil
}

// blank reports whether a picture is of one colour: no window is there, or
// nothing in it yet.
func blank(m *image.RGBA) bool {
	for i := 4; i < len(m.Pix); i++ {
		if m.Pix[i] != m.Pix[i-4] {
			return false
		}
	}
	return true
}

// aim puts the pointer onto the uppermost window if it is on none. Without a
// window manager keys go to where the pointer is.
func (s *screen) aim() error {
	le := binary.LittleEndian
	at, err := s.ask(request(queryPointer, 0, s.root), 32)
	if err != nil || le.Uint32(at[12:]) != 0 {
		return err
	}
	tree, err := s.ask(request(queryTree, 0, s.root), 32)
	if err != nil {
		return err
	}
	n := int(le.Uint16(tree[16:]))
	if len(tree) < 32+4*n {
		return errShort
	}
	for i := n - 1; i >= 0; i-- { // from the uppermost one on
		window := le.Uint32(tree[32+4*i:])
		attributes, err := s.ask(request(getWindowAttributes, 0, window), 44)
		const viewable = 2
		if err != nil || attributes[26] != viewable {
			continue // it may have gone meanwhile
		}
		shape, err := s.ask(request(getGeometry, 0, window), 32)
		if err != nil {
			continue
		}
		x, y := le.Uint16(shape[16:])/2, le.Uint16(shape[18:])/2
		_, err = s.conn.Write(request(warpPointer, 0, 0, window, 0, 0, uint32(x)|uint32(y)<<16))
		if err != nil {
			return err
		}
		// An answer to a later request tells that it is done.
		_, err = s.ask(request(queryPointer, 0, s.root), 32)
		return err
	}
	return nil
}

// What is compared: small gray pictures, in which noise and a clock's hand are
// next to nothing.
const (
	eyeWidth, eyeHeight = 64, 48
	// eyeStep is how much a point has to differ, of 255.
	eyeStep = 24
	// eyeLeast is how many points have to differ for a change worth a picture.
	eyeLeast = eyeWidth * eyeHeight / 64
)

type eye [eyeWidth * eyeHeight]uint8

// shrink is the picture as it is compared: the mean of each part.
func shrink(m *image.RGBA) *eye {
	var e eye
	size := m.Bounds().Size()
	for i := range e {
		x0, x1 := i%eyeWidth*size.X/eyeWidth, (i%eyeWidth+1)*size.X/eyeWidth
		y0, y1 := i/eyeWidth*size.Y/eyeHeight, (i/eyeWidth+1)*size.Y/eyeHeight
		sum, n := 0, 0
		for y := y0; y < y1; y++ {
			for at := y*m.Stride + 4*x0; at < y*m.Stride+4*x1; at += 4 {
				sum += 2*int(m.Pix[at]) + 5*int(m.Pix[at+1]) + int(m.Pix[at+2])
				n += 8
			}
		}
		if n > 0 {
			e[i] = uint8(sum / n)
		}
	}
	return &e
}

// much reports whether two pictures differ much.
func (e *eye) much(other *eye) bool {
	different := 0
	for i := range e {
		if d := int(e[i]) - int(other[i]); max(d, -d) > eyeStep {
			different++
		}
	}
	return different >= eyeLeast
}

func encodePNG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	return b.Bytes(), err
}

func encodeJPEG(m image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 85})
	return b.Bytes(), err
}
