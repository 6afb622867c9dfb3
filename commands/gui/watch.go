package gui

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// The pace of looking.
const (
	// lookEvery is how often a screen is looked at. A look takes some
	// milliseconds of the processor.
	lookEvery = 2 * time.Second
	// firstEvery is the same until there is a window, for firstTime: somebody
	// waits for it.
	firstEvery = 300 * time.Millisecond
	firstTime  = 30 * time.Second
	// actGrace is how long a program has to show what a click or key does.
	actGrace = 700 * time.Millisecond
	// failures is how many looks in a row may fail before a display is left.
	failures = 30
)

// want is why a display is shown again.
type want int

const (
	change want = iota // it has changed much
	again              // somebody wants the message brought up to date
	anew               // somebody did something: a new message shows the result
)

// watcher shows the display of one session in its thread: in one message, which
// is edited, until somebody does something there.
type watcher struct {
	d    *Displays
	id   bot.SessionID
	dir  string
	wake chan want // capacity 1

	began  time.Time  // when it began to look
	thread bot.Thread // where it is shown; zero = not known
	shown  *eye       // what was last put
	put    time.Time  // when it was put
	n      int        // number of the message, from 1; 0 = none yet
	path   string     // the file of the revision put last; "" = none
	keys   *bot.Keyboard
}

// run looks until the session has ended.
func (w *watcher) run(ctx context.Context) error {
	w.n, w.began = w.posted(), time.Now()
	failed := 0
	for why := change; ; {
		s, err := w.d.Session(ctx, w.id)
		switch {
		case errors.Is(err, bot.ErrNotFound) || err == nil && s.State == bot.Ended:
			// Its parent removes the folder, unless it was killed itself.
			return os.RemoveAll(w.dir)
		case err == nil:
			err = w.look(ctx, s, why)
		}
		if failed++; err == nil {
			failed = 0
		} else if ctx.Err() != nil || failed >= failures {
			return err
		}
		if why, err = w.wait(ctx); err != nil {
			return nil
		}
	}
}

// wait waits until the screen is to be looked at, and tells why. What is
// wanted meanwhile is seen, too.
func (w *watcher) wait(ctx context.Context) (want, error) {
	every := lookEvery
	if w.shown == nil && time.Since(w.began) < firstTime {
		every = firstEvery
	}
	select {
	case <-time.After(every):
		return change, nil
	case why := <-w.wake:
		if why != anew {
			return why, nil
		}
		select {
		case <-time.After(actGrace):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		select {
		case <-w.wake:
		default:
		}
		return anew, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// look shows the screen if there is a reason to.
func (w *watcher) look(ctx context.Context, s bot.Session, why want) error {
	at, err := w.d.at(w.id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not yet, or not any more
	} else if err != nil {
		return err
	}
	if w.thread != (bot.Thread{}) && w.thread != s.Thread {
		why = anew // the session was moved, and this with it
	}
	lim := w.d.Limits(s.Thread)
	if why == change && lim.Stream && w.n > 0 {
		return nil // nothing is edited there: each would be one more
	}
	if why == change && time.Since(w.put) < pace(lim, time.Since(s.Started)) {
		return nil
	}
	m, err := at.look(ctx)
	if err != nil {
		return err
	}
	small := shrink(m)
	if why == change && (w.shown == nil && blank(m) || w.shown != nil && !small.much(w.shown)) {
		return nil
	}
	if w.n == 0 || why == anew {
		w.n, w.path, w.keys = w.n+1, "", nil
		if err := os.WriteFile(filepath.Join(w.dir, postedName), []byte(strconv.Itoa(w.n)), 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("note the messages of a display: %w", err)
		}
	}
	if err := w.show(ctx, s, lim, m); err != nil {
		return err
	}
	w.shown, w.put, w.thread = small, time.Now(), s.Thread
	return nil
}

// pace is the time between two pictures that nobody has asked for: slower the
// longer the session runs, as its page is.
func pace(lim bot.Limits, age time.Duration) time.Duration {
	least := max(2*lim.Edit, 2*lim.Every, lookEvery)
	switch {
	case age > 10*time.Minute:
		return max(least, 10*time.Second)
	case age > time.Minute:
		return max(least, 5*time.Second)
	}
	return least
}

// posted is how many messages an earlier daemon has shown.
func (w *watcher) posted() int {
	text, _ := os.ReadFile(filepath.Join(w.dir, postedName))
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return max(n, 0)
}

// show puts the picture into the message. The file of the revision before goes
// with it, should it have waited.
func (w *watcher) show(ctx context.Context, s bot.Session, lim bot.Limits, m *image.RGBA) error {
	data, err := encodePNG(m)
	if err != nil {
		return err
	}
	path, err := w.d.file(data)
	if err != nil {
		return err
	}
	if w.keys == nil && lim.Buttons > 0 {
		w.keys = &bot.Keyboard{Handle: bot.NewHandle(), Session: w.id, Rows: [][]bot.Button{{
			{Label: "Refresh", Command: bot.RefreshCommand}, {Label: "Stop", Command: "stop"},
		}}}
	}
	err = w.d.Put(ctx, bot.Delivery{
		Thread: s.Thread, Slot: bot.Slot(fmt.Sprintf("gui/%s/%d", w.id, w.n)), Session: w.id, ReplyTo: s.Root,
		Post: bot.Post{
			Silent: w.path != "", Keyboard: w.keys,
			Text:  []bot.Span{{Style: bot.Bold, Text: s.Title}, {Text: " · " + time.Now().Format("15:04:05")}},
			Media: &bot.Media{Kind: bot.Picture, Name: fmt.Sprintf("%s-%s.png", w.id, time.Now().Format("150405")), Path: path, Own: true},
		},
	})
	if err != nil {
		os.Remove(path)
		return err
	}
	if w.path != "" {
		w.d.Spool.Release(ctx, w.path)
	}
	w.path = path
	return nil
}

// file is a new file of the spool.
func (d *Displays) file(data []byte) (string, error) {
	f, err := d.Spool.Create(".png")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", fmt.Errorf("write a picture of a display: %w", err)
	}
	return f.Name(), nil
}
