package bot

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The pace of a window.
const (
	// keyGrace is how long a program is given to answer a key before its window
	// is shown.
	keyGrace = 60 * time.Millisecond
	// attentive is how long after a key somebody is taken to look: then the
	// window is shown as fast as the network allows, later each idlePace.
	attentive = 10 * time.Second
	idlePace  = 3 * time.Second
)

// Panning of a window that is wider than a phone.
const (
	panWidth = 60 // columns that a phone shows, held upright
	panStep  = 30
)

// pane is the part of a watcher that shows the terminal's window: in a message
// of its own that is edited in place, below the lines before it.
type pane struct {
	open    bool // it is what is shown now
	view    ViewKind
	shown   Span   // the content last put
	drawn   string // the same with its buttons, to leave out puts that change nothing
	put     time.Time
	facts   WindowFacts
	keypads map[string]*Keyboard // by layout, so that a press that crosses an edit is still good
}

// showWindow shows the terminal's window, if that is what is to be seen now,
// and reports whether it did.
func (w *watcher) showWindow(ctx context.Context, st Status) (bool, error) {
	if !w.session.PTY || w.session.Quiet {
		return false, nil
	}
	window, err := w.s.window(ctx, w.session.ID)
	if errors.Is(err, ErrNoTerminal) || errors.Is(err, ErrNoSession) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	w.pane.facts = window.Facts()
	view := w.s.view(ctx, w.session.ID)
	if view == ViewAuto && w.pane.facts.Full {
		view = ViewText
	}
	if view == ViewAuto || view == ViewLines {
		return false, w.closePane(ctx)
	}
	if w.pane.open && w.pane.view != view {
		if err := w.closePane(ctx); err != nil {
			return false, err
		}
	}
	if err := w.openPane(ctx, view); err != nil {
		return false, err
	}
	return true, w.paint(ctx, window, st)
}

// openPane puts what the lines show now for good, so that what follows the
// window comes below it.
func (w *watcher) openPane(ctx context.Context, view ViewKind) error {
	if w.pane.open {
		return nil
	}
	if !w.put.IsZero() {
		if err := w.breakPage(ctx); err != nil {
			return err
		}
	}
	w.pane.open, w.pane.view, w.pane.shown, w.pane.drawn = true, view, Span{}, ""
	return nil
}

// breakPage puts the open page for good, full or not, and begins the next.
func (w *watcher) breakPage(ctx context.Context) error {
	if !w.tail {
		return w.turnPage(ctx)
	}
	// A page that shows the end of the output goes on as another one of that
	// kind, over the same bytes.
	next := w.session.Progress
	next.Page++
	post := w.page(w.shown, Span{})
	post.Silent = true
	if err := w.deliver(ctx, w.slot(w.session.Progress.Page), post, true, next); err != nil {
		return err
	}
	w.session.Progress = next
	w.shown, w.put = "", time.Time{}
	return nil
}

// closePane leaves the window's message as it is, without buttons.
func (w *watcher) closePane(ctx context.Context) error {
	if !w.pane.open {
		return nil
	}
	w.pane.open = false
	if w.pane.view == ViewPicture || w.pane.shown.Text == "" {
		// A picture is drawn when it is sent: what is there stays.
		return nil
	}
	post := w.windowPage(w.pane.shown, Span{})
	post.Silent = true
	return w.deliver(ctx, w.paneSlot(), post, true, w.session.Progress)
}

// paint puts the window, if it has changed.
func (w *watcher) paint(ctx context.Context, window Window, st Status) error {
	from := w.s.pan(ctx, w.session.ID)
	keys := w.windowKeys(ctx, st)
	p := w.session.Progress
	p.Said = w.read
	var post Post
	content, coloured := "", ""
	if w.pane.view == ViewPicture {
		content = strconv.FormatUint(w.pane.facts.Print, 36)
		post.Media = &Media{Kind: Picture, Name: fmt.Sprintf("%s-%s.png", w.session.ID, fileWord(w.session)), Window: w.session.ID}
		post.Text = []Span{{Style: Bold, Text: clean(w.session.Title, 80)}, {Text: "\n"}, w.windowFooter(st)}
	} else {
		if content, coloured = window.Text(w.pageSize(), from); !w.colours(ctx) {
			coloured = ""
		}
		post = w.windowPage(Span{Style: Pre, Text: content, Coloured: coloured}, w.windowFooter(st))
	}
	drawn := content + coloured
	if keys != nil {
		drawn += "\x00" + keys.Handle
	}
	if st.Hidden {
		drawn += "\x00hidden"
	}
	if drawn == w.pane.drawn {
		return nil
	}
	post.Silent = true
	post.Keyboard = keys
	if err := w.deliver(ctx, w.paneSlot(), post, false, p); err != nil {
		return err
	}
	w.pane.shown, w.pane.drawn, w.pane.put = Span{Style: Pre, Text: content, Coloured: coloured}, drawn, time.Now()
	return nil
}

// paneSlot is the place of the window's message: one for each page of lines
// that it stands below, and each kind.
func (w *watcher) paneSlot() Slot {
	return Slot(fmt.Sprintf("session/%s/%s/%d", w.session.ID, w.pane.view, w.session.Progress.Page))
}

func (w *watcher) windowPage(body, footer Span) Post {
	spans := []Span{{Style: Bold, Text: clean(w.session.Title, 150)}, {Text: "\n"}, body}
	if footer.Text != "" {
		spans = append(spans, Span{Text: "\n"}, footer)
	}
	return Post{Text: spans}
}

func (w *watcher) windowFooter(st Status) Span {
	if st.Hidden {
		return Span{Text: w.askSecret()}
	}
	size := w.pane.facts.Size
	return Span{Text: fmt.Sprintf("⌨ #%s · %d×%d · text is typed with Enter, /type without", w.session.ID, size.Cols, size.Rows)}
}

// windowPace is the time between two edits of the window.
func (w *watcher) windowPace() time.Duration {
	pace := max(w.lim.Edit, 200*time.Millisecond)
	if time.Since(w.lastKey()) > attentive {
		pace = max(pace, idlePace)
	}
	return max(pace, w.s.Deliver.Paused(w.session.Thread))
}
