// Package gui runs programs with windows where there is no screen: each on an X
// server of its own, whose screen is in memory, and which ends with the program's
// session. It shows what is on those screens, and types and clicks there. Nothing
// of it is reachable over a network, and a secret cookie in the display's folder
// keeps other accounts of the machine out. It knows nothing of rights: who calls
// it has checked them.
package gui

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"chapi/bot"
	"chapi/commands/camera"
)

// Bounds of a screen, in pixels.
const (
	minSide            = 64
	MaxWidth           = 1920
	MaxHeight          = 1200
	usualWide, usualHi = 1024, 768
)

// Size is the size of a screen in pixels.
type Size struct{ Width, Height int }

// UsualSize is that of a display when nothing is said.
var UsualSize = Size{usualWide, usualHi}

func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }

// ParseSize reads a size such as 800x600. The error is a *bot.UserError.
func ParseSize(text string) (Size, error) {
	w, h, _ := strings.Cut(strings.ToLower(text), "x")
	width, e1 := strconv.Atoi(w)
	height, e2 := strconv.Atoi(h)
	if e1 != nil || e2 != nil || width < minSide || height < minSide || width > MaxWidth || height > MaxHeight {
		return Size{}, bot.Userf("%.20q is no size of a display: write one such as 800x600, from %dx%d to %dx%d.", text, minSide, minSide, MaxWidth, MaxHeight)
	}
	return Size{width, height}, nil
}

// Displays are those of the live sessions that have one. It is safe for
// concurrent use; its fields are set before Run and not changed.
type Displays struct {
	// Dir is a folder of our own, with one for each display.
	Dir string
	// Exe is this program's own file, which is the parent of a display.
	Exe string
	// Session is a session by its number; bot.ErrNotFound.
	Session func(ctx context.Context, id bot.SessionID) (bot.Session, error)
	// Spool makes the files that are posted.
	Spool interface {
		Create(ext string) (*os.File, error)
		// Release removes a file unless a post waits with it.
		Release(ctx context.Context, path string)
	}
	// Put brings a delivery under way.
	Put func(ctx context.Context, d bot.Delivery) error
	// Limits are what can be shown in a thread.
	Limits func(bot.Thread) bot.Limits
	Logger *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // set by Run; watchers run under it
	early   []bot.SessionID // to be followed from Run on
	watched map[bot.SessionID]*watcher
	all     sync.WaitGroup
}

func (d *Displays) folder(id bot.SessionID) string { return filepath.Join(d.Dir, string(id)) }

// Prepare makes of a program, whose Argv[0] is a path, what runs it on a display
// of its own as session id. A *bot.UserError says what is missing. Follow is to be
// called when the session was opened, or could not be: it sees to the folder that
// is made here.
func (d *Displays) Prepare(id bot.SessionID, size Size, spec *bot.Spec) error {
	if err := installed("Xvfb"); err != nil {
		return err
	}
	if spec.User != "" {
		// Its folder is closed to other accounts, and is to stay so.
		return bot.Userf("Programs run as %s here, and displays are only for programs that run as chapi itself.", spec.User)
	}
	if err := os.MkdirAll(d.folder(id), 0o700); err != nil {
		return fmt.Errorf("make the folder of a display: %w", err)
	}
	p := parent{dir: d.folder(id), size: size, memory: spec.Memory, program: spec.Argv}
	if spec.CPU > 0 {
		p.seconds = max(int64(spec.CPU/time.Second), 1)
	}
	// They are the program's, not its parent's.
	spec.Memory, spec.CPU = 0, 0
	spec.Argv = p.argv(d.Exe)
	return nil
}

// Run looks at the displays until ctx ends, first of all those of sessions that
// an earlier daemon has started.
func (d *Displays) Run(ctx context.Context) error {
	d.mu.Lock()
	d.ctx = ctx
	early := d.early
	d.mu.Unlock()
	for _, id := range early {
		d.Follow(id)
	}
	entries, err := os.ReadDir(d.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the folder of displays: %w", err)
	}
	for _, e := range entries {
		d.Follow(bot.SessionID(e.Name()))
	}
	<-ctx.Done()
	d.all.Wait()
	return nil
}

// Follow shows the display of a session, from when it has one until the session
// ends, in the session's thread.
func (d *Displays) Follow(id bot.SessionID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ctx == nil:
		d.early = append(d.early, id)
		return
	case d.ctx.Err() != nil || d.watched[id] != nil:
		return
	}
	if d.watched == nil {
		d.watched = map[bot.SessionID]*watcher{}
	}
	w := &watcher{d: d, id: id, dir: d.folder(id), wake: make(chan want, 1)}
	d.watched[id] = w
	d.all.Go(func() {
		err := w.run(d.ctx)
		if err != nil && d.ctx.Err() == nil {
			d.Logger.Error("watch a display", "session", id, "err", err)
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.watched, id)
	})
}

// Has reports whether the session is one with a display.
func (d *Displays) Has(s bot.Session) bool {
	return len(s.Argv) > 2 && s.Argv[1] == Arg && s.Argv[2] == d.folder(s.ID)
}

// Refresh shows the session's display anew, in the message that shows it.
func (d *Displays) Refresh(id bot.SessionID) error {
	if _, err := d.at(id); err != nil {
		return err
	}
	d.tell(id, again)
	return nil
}

// acted has what came of a click or a key shown soon, in a message of its own.
func (d *Displays) acted(id bot.SessionID) { d.tell(id, anew) }

func (d *Displays) tell(id bot.SessionID, what want) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.watched[id]
	if w == nil {
		return
	}
	select {
	case before := <-w.wake:
		what = max(what, before)
	default:
	}
	w.wake <- what // there is room: only we fill it, one at a time
}

// place is where a display is.
type place struct {
	dir     string
	display string // such as :99
	size    Size
}

// at is where the session's display is. A *bot.UserError says that there is none.
func (d *Displays) at(id bot.SessionID) (place, error) {
	at := place{dir: d.folder(id)}
	text, err := os.ReadFile(filepath.Join(at.dir, displayName))
	if errors.Is(err, fs.ErrNotExist) {
		return at, &bot.UserError{Text: "Session " + string(id) + " has no display now. /gui PROGRAM starts one.", Err: err}
	} else if err != nil {
		return at, fmt.Errorf("read where display of session %s is: %w", id, err)
	}
	display, size, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	at.display = display
	at.size, err = ParseSize(size)
	return at, err
}

func (at place) dial(ctx context.Context) (*screen, error) {
	cookie, err := readCookie(filepath.Join(at.dir, authorityName))
	if err != nil {
		return nil, err
	}
	return dial(ctx, at.display, cookie)
}

func (at place) look(ctx context.Context) (*image.RGBA, error) {
	s, err := at.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return s.picture()
}

// Picture is what the session's display shows now, as a PNG.
func (d *Displays) Picture(ctx context.Context, id bot.SessionID) ([]byte, error) {
	at, err := d.at(id)
	if err != nil {
		return nil, err
	}
	m, err := at.look(ctx)
	if err != nil {
		return nil, err
	}
	return encodePNG(m)
}

// Camera is the session's display as a camera.
func (d *Displays) Camera(id bot.SessionID) (*camera.Camera, error) {
	at, err := d.at(id)
	if err != nil {
		return nil, err
	}
	draw := func(ctx context.Context) ([]byte, error) {
		m, err := at.look(ctx)
		if err != nil {
			return nil, err
		}
		return encodeJPEG(m)
	}
	return camera.Drawn("display-"+string(id), at.size.Width, at.size.Height, draw, at.dir, d.Logger), nil
}
