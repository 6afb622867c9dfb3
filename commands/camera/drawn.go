package camera

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// Draw is a picture, JPEG, of something that is drawn and not seen, as it is now.
type Draw func(ctx context.Context) ([]byte, error)

// Drawn is a camera that shows what draw draws, of width by height pixels. dir is
// a folder of our own for what it works on.
func Drawn(name string, width, height int, draw Draw, dir string, log *slog.Logger) *Camera {
	want := box{width, height}
	return &Camera{
		Name: name, source: draw, want: want, shape: shape{box: want}, dir: dir, log: log, turn: make(chan struct{}, 1),
	}
}

func (d Draw) still(ctx context.Context, _ box) ([]byte, error) { return d(ctx) }

// moving draws anew at most fps times a second.
func (d Draw) moving(_ box, fps int, _ bool) feed {
	return feed{pictures: func(ctx context.Context, w io.Writer) error {
		pace := time.NewTicker(time.Second / time.Duration(fps))
		defer pace.Stop()
		for {
			picture, err := d(ctx)
			if err != nil {
				return err
			}
			if _, err := w.Write(picture); err != nil {
				return err
			}
			select {
			case <-pace.C:
			case <-ctx.Done():
				return nil
			}
		}
	}}
}
