package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// columns is the width of the terminal.
func columns(tty *os.File) int {
	size, err := unix.IoctlGetWinsize(int(tty.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Col < 2*minRoom {
		return ordinary
	}
	return int(size.Col)
}

// typeKeys makes the terminal hand over each key as it is typed, without
// showing it. Ctrl-C and Ctrl-Z stay signals, and output stays as it was, so
// that a console that dies leaves a terminal that can still be used. back puts
// the settings back.
func typeKeys(tty *os.File) (back func(), err error) {
	fd := int(tty.Fd())
	old, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("read the terminal's settings: %w", err)
	}
	keys := *old
	keys.Lflag &^= unix.ICANON | unix.ECHO | unix.IEXTEN
	keys.Iflag |= unix.ICRNL
	keys.Cc[unix.VMIN], keys.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &keys); err != nil {
		return nil, fmt.Errorf("change the terminal's settings: %w", err)
	}
	return func() { _ = unix.IoctlSetTermios(fd, unix.TCSETS, old) }, nil
}

// source reads a file that may block for ever, until a context ends. It asks
// the kernel first whether there is something, instead of making the file
// non-blocking: that flag would be shared with the shell that started us.
type source struct {
	in         *os.File
	woken      *os.File // readable once the context has ended
	wake       *os.File
	unregister func() bool
}

func newSource(ctx context.Context, in *os.File) (*source, error) {
	woken, wake, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &source{
		in:         in,
		woken:      woken,
		wake:       wake,
		unregister: context.AfterFunc(ctx, func() { wake.Close() }),
	}, nil
}

// close leaves the file itself open.
func (s *source) close() {
	s.unregister()
	s.wake.Close()
	s.woken.Close()
}

// read waits for input. It returns io.EOF at its end, or when the terminal is
// gone, and context.Canceled when the context has ended.
func (s *source) read(p []byte) (int, error) {
	fd := int(s.in.Fd())
	for {
		ready := []unix.PollFd{
			{Fd: int32(fd), Events: unix.POLLIN},
			{Fd: int32(s.woken.Fd()), Events: unix.POLLIN},
		}
		_, err := unix.Poll(ready, -1)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return 0, err
		case ready[1].Revents != 0:
			return 0, context.Canceled
		case ready[0].Revents == 0:
			continue
		}
		n, err := unix.Read(fd, p)
		switch {
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.EIO):
			return 0, io.EOF // a terminal that was hung up
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		}
		return n, nil
	}
}
