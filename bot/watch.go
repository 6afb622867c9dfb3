package bot

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"
)

// The pace of a live page.
const (
	// firstGrace is how long a new session is given to end, so that a short
	// command is answered by one message and not by a post and an edit.
	firstGrace = 40 * time.Millisecond
	// firstPost is when a session that prints nothing is shown all the same.
	firstPost = 700 * time.Millisecond
	// readSize is how much output is read at a time.
	readSize = 64 << 10
	// holdFor is how long output that may be the beginning of a secret waits
	// for what follows it. A program that prints one does so in one go; a
	// prompt that only looks like one must be shown.
	holdFor = time.Second
	// tailMargin is read in front of what a tail page can show, so that a
	// secret or a control sequence that is cut by its beginning is not on it.
	tailMargin = 8 << 10
	// streamSize is how much raw output goes into one delivery.
	streamSize = 256 << 10
	// bellAfter is how long a session runs before its end is worth a message
	// that rings.
	bellAfter = 5 * time.Second
	// elapsedQuiet is how long a success may take on a terminal before its
	// end is worth a line.
	elapsedQuiet = 3 * time.Second
)

// watcher is the stage that follows one session's output into its thread.
type watcher struct {
	s       *Sessions
	session Session
	cancel  context.CancelFunc
	done    chan struct{}

	lim     Limits
	journal Journal
	paper   Paper
	read    int64  // journal offset up to which output has been laid out
	tail    bool   // the pages are full: only the end is shown
	tailAt  int64  // offset of the first byte that the tail page shows
	picture string // its kind, when all of the output is one whose end is not told
	shots   shots
	looked  bool // the head of the output has been looked at for a picture
	tinted  bool // the starter wants colours
	keypad  *Keyboard
	pane    pane
	filmed  <-chan struct{} // closed when the side channel's pictures are put
	end     int64           // the length of the output, and
	grown   time.Time       // when it was seen to grow
	shown   string          // the body last put, to leave out puts that change nothing
	showed  int64           // the offset behind what it shows
	put     time.Time       // when it was put; zero = never
	opened  time.Time       // when the live page was begun, or before that

	mu    sync.Mutex
	said  int64
	news  chan struct{} // capacity 1: said has moved on
	typed time.Time     // when a key was last pressed, or a view chosen
	wake  func()        // ends the wait for output; nil when nothing waits
}

// run follows the session until its last word is in the outbox or ctx ends.
func (w *watcher) run(ctx context.Context) {
	log := w.s.Logger.With("session", w.session.ID)
	err := w.open(ctx)
	if err == nil {
		defer w.journal.Close()
		filming, stop := context.WithCancel(ctx)
		w.filmed = w.startFilm(filming)
		defer func() { stop(); <-w.filmed }()
		if w.lim.Stream {
			err = w.stream(ctx)
		} else {
			err = w.follow(ctx)
		}
	}
	switch {
	case err == nil:
		w.s.untrack(w)
		w.s.Leases.Wake()
	case ctx.Err() != nil:
	case errors.Is(err, ErrNoSession):
		if err := w.lost(ctx); err != nil {
			log.Error("tell that a session is lost", "err", err)
			return
		}
		w.s.untrack(w)
	default:
		log.Error("watch session", "err", err)
		w.again(ctx)
	}
}

// again starts over after a failure that may pass, such as a full disk.
func (w *watcher) again(ctx context.Context) {
	select {
	case <-time.After(5 * time.Second):
		w.s.track(w.session)
	case <-ctx.Done():
	}
}

func (w *watcher) open(ctx context.Context) error {
	w.lim = w.s.Deliver.Limits(w.session.Thread)
	w.tinted = w.colours(ctx)
	journal, err := w.s.Runner.Journal(w.session.ID)
	if err != nil {
		return err
	}
	w.journal = journal
	w.tail = w.full()
	w.turn(w.session.Progress.From)
	w.opened = w.session.Started
	return w.openShots(ctx)
}

// turn begins an empty page at a journal offset.
func (w *watcher) turn(from int64) {
	w.read = from
	w.paper = w.s.Renderer.Paper(w.pageSize(), from)
	w.opened = time.Now()
}

// pageSize leaves room for the header and the footer.
func (w *watcher) pageSize() PageSize {
	return PageSize{Text: max(w.lim.Text-500, 200), UTF16: w.lim.UTF16, Lines: w.lim.Lines}
}

// follow keeps live pages current by edits.
func (w *watcher) follow(ctx context.Context) error {
	for {
		st, err := w.change(ctx)
		if err != nil {
			return err
		}
		if err := w.layOut(ctx, st); err != nil {
			return err
		}
		if st.Exited {
			return w.finish(ctx, st)
		}
		if err := w.show(ctx, st); err != nil {
			return err
		}
	}
}

// change waits until there is something to show, no sooner than the pace of
// the network allows. The end of the session is never waited for.
func (w *watcher) change(ctx context.Context) (Status, error) {
	wake := time.Now().Add(w.refresh())
	if w.put.IsZero() {
		wake = w.session.Started.Add(firstPost)
	}
	st, err := w.waitUntil(ctx, w.read, wake)
	if err != nil || st.Exited {
		return st, err
	}
	for due := w.due(); time.Now().Before(due); due = w.due() {
		if st, err = w.waitUntil(ctx, math.MaxInt64, due); err != nil || st.Exited {
			break
		}
	}
	return st, err
}

// due is when what has changed may be shown: at once when somebody has pressed
// a key since the last time, else at the network's pace.
func (w *watcher) due() time.Time {
	last, pace := w.put, w.pace()
	if w.pane.open {
		last, pace = w.pane.put, w.windowPace()
	}
	switch key := w.lastKey(); {
	case last.IsZero():
		return w.session.Started.Add(firstGrace)
	case key.After(last):
		return key.Add(keyGrace)
	default:
		return last.Add(pace)
	}
}

// nudge says that a key was pressed, or a view chosen: what comes of it is to
// be seen soon.
func (w *watcher) nudge() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.typed = time.Now()
	if w.wake != nil {
		w.wake()
	}
}

func (w *watcher) lastKey() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.typed
}

// waitUntil is Runner.Wait with a time limit that is no error. A nudge ends it,
// too.
func (w *watcher) waitUntil(ctx context.Context, seen int64, t time.Time) (Status, error) {
	limited, cancel := context.WithDeadline(ctx, t)
	defer cancel()
	w.mu.Lock()
	w.wake = cancel
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.wake = nil
		w.mu.Unlock()
	}()
	st, err := w.s.Runner.Wait(limited, w.session.ID, seen)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return w.s.Runner.Wait(ctx, w.session.ID, -1)
	}
	return st, err
}

// pace is the time between two edits: slower the longer the session runs, and
// while the network wants to be left alone.
func (w *watcher) pace() time.Duration {
	pace := max(w.lim.Edit, 200*time.Millisecond)
	switch age := time.Since(w.session.Started); {
	case age > 10*time.Minute:
		pace = max(pace, 10*time.Second)
	case age > time.Minute:
		pace = max(pace, 5*time.Second)
	case age > 20*time.Second:
		pace = pace * 3 / 2
	}
	return max(pace, w.s.Deliver.Paused(w.session.Thread))
}

// refresh is when the elapsed time in the footer is worth an edit.
func (w *watcher) refresh() time.Duration {
	switch age := time.Since(w.session.Started); {
	case age < time.Minute:
		return 15 * time.Second
	case age < 10*time.Minute:
		return time.Minute
	default:
		return 10 * time.Minute
	}
}

// layOut brings the pages up to the end of the output. Full pages are put for
// good on the way.
func (w *watcher) layOut(ctx context.Context, st Status) error {
	if st.End > w.end {
		w.end, w.grown = st.End, time.Now()
	}
	if err := w.look(st); err != nil {
		return err
	}
	if w.picture != "" || w.session.Quiet {
		w.read = st.End
		return nil
	}
	if err := w.lookTo(ctx, w.read, st); err != nil {
		return err
	}
	for !w.tail && w.read < st.End && ctx.Err() == nil {
		chunk, err := w.next(w.read, st)
		if err != nil {
			return err
		}
		if len(chunk.Data) == 0 {
			return ctx.Err()
		}
		if err := w.lookAt(ctx, chunk); err != nil {
			return err
		}
		if full := w.write(chunk); !full {
			w.read = chunk.From + int64(len(chunk.Data))
			continue
		}
		if err := w.turnPage(ctx); err != nil {
			return err
		}
		if err := w.branch(ctx); err != nil {
			return err
		}
	}
	if w.tail {
		return w.lookTo(ctx, st.End, st)
	}
	return ctx.Err()
}

// write lays out a chunk: its text, and where pictures are.
func (w *watcher) write(c Chunk) (full bool) {
	for _, piece := range w.shots.split(c) {
		if w.paper.Write(piece) {
			return true
		}
	}
	return false
}

// next reads some output with its secrets hidden. What may be the beginning of
// a secret or a picture waits for what follows it, unless nothing will.
func (w *watcher) next(from int64, st Status) (Chunk, error) {
	chunk, err := w.journal.Next(from, readSize)
	if err != nil {
		return Chunk{}, fmt.Errorf("read output at %d: %w", from, err)
	}
	held := w.s.Masker.Mask(chunk.Data)
	if w.pictured() && chunk.Stream == Stdout {
		held = max(held, cutHead(chunk.Data))
	}
	switch end := chunk.From + int64(len(chunk.Data)); {
	case end < st.End && held < len(chunk.Data), end == st.End && !w.settledDown(st):
		chunk.Data = chunk.Data[:len(chunk.Data)-held]
		// Otherwise all of it would wait for what follows; but that is of the
		// other stream, or behind a gap, and cannot complete it.
	}
	return chunk, nil
}

// settledDown reports whether nothing more is to be expected right behind the
// end of the output, so that it can be shown to its last byte.
func (w *watcher) settledDown(st Status) bool {
	return st.Exited || time.Since(w.grown) > holdFor
}

// turnPage puts the full page for good and begins the next, or the tail.
func (w *watcher) turnPage(ctx context.Context) error {
	full, covers := w.session.Progress.Page, w.paper.Covers()
	next := Progress{Page: full + 1, From: covers, Said: covers}
	post := w.page(w.paper.Text(), Span{})
	post.Silent = true
	if err := w.deliver(ctx, w.slot(full), post, true, next); err != nil {
		return err
	}
	w.session.Progress = next
	w.shown, w.put = "", time.Time{}
	w.turn(covers)
	w.tail = w.full()
	return nil
}

// full reports whether the thread has all the pages it should get: from then
// on one more page shows the end of the output, however long that becomes.
func (w *watcher) full() bool {
	return w.lim.Pages > 0 && w.session.Progress.inThread() > w.lim.Pages
}

// look decides once whether the output is a picture of a kind whose end is not
// told: then all of it is. Others are looked for everywhere.
func (w *watcher) look(st Status) error {
	if w.looked || w.session.PTY || w.session.Quiet || (st.End < 16 && !st.Exited) {
		return nil
	}
	chunk, err := w.journal.Next(0, 64)
	if err != nil {
		return fmt.Errorf("read the head of the output: %w", err)
	}
	w.looked = true
	if chunk.From == 0 && chunk.Stream == Stdout && PictureKind(chunk.Data) == "" {
		w.picture = w.s.Renderer.Picture(chunk.Data)
	}
	return nil
}

// show puts the live page, if it has changed.
func (w *watcher) show(ctx context.Context, st Status) error {
	if w.session.Quiet {
		w.put = time.Now()
		return nil
	}
	if shown, err := w.showWindow(ctx, st); shown || err != nil {
		return err
	}
	body, err := w.body(st)
	if err != nil {
		return err
	}
	if body == w.shown && !w.put.IsZero() && time.Since(w.put) < w.refresh() {
		return nil
	}
	if w.outlived(body) {
		return w.renew(ctx, st)
	}
	post := w.page(body, w.runningFooter(st))
	post.Silent = true
	post.Keyboard = w.keys()
	p := w.session.Progress
	p.Said = w.read
	if err := w.deliver(ctx, w.slot(p.Page), post, false, p); err != nil {
		return err
	}
	w.shown, w.put, w.showed = body, time.Now(), w.paper.Covers()
	return nil
}

// outlived reports whether there is something new for a live page that is too
// old to be edited much longer.
func (w *watcher) outlived(body string) bool {
	return w.lim.Life > 0 && !w.put.IsZero() && body != w.shown && time.Since(w.opened) > w.lim.Life
}

// renew leaves the live page as it was shown and goes on with the next one:
// behind it or, where a screen or the end of the output is shown, with all of
// it again.
func (w *watcher) renew(ctx context.Context, st Status) error {
	old := w.session.Progress
	next := Progress{Page: old.Page + 1, From: old.From, Said: old.Said}
	if !w.tail && !w.session.PTY && w.picture == "" {
		next.From = w.showed
	}
	post := w.page(w.shown, Span{Style: Italic, Text: "goes on in a new message"})
	post.Silent = true
	if err := w.deliver(ctx, w.slot(old.Page), post, true, next); err != nil {
		return err
	}
	wasTail := w.tail
	w.session.Progress = next
	w.shown, w.put = "", time.Time{}
	if w.tail = w.full(); wasTail && !w.tail { // a new hundred begins
		w.session.Progress.From = st.End
	}
	w.turn(w.session.Progress.From)
	return w.layOut(ctx, st)
}

// body is the text of the page that is being filled.
func (w *watcher) body(st Status) (string, error) {
	switch {
	case w.picture != "":
		return fmt.Sprintf("(a picture, %s so far)", size(st.End)), nil
	case w.shots.only() && w.session.Progress.inThread() == 1:
		return fmt.Sprintf("(%s, %s so far)", pictures(w.shots.whole), size(st.End)), nil
	case w.tail:
		return w.tailText(st)
	default:
		return w.paper.Text(), nil
	}
}

// tailText lays out the end of the output, however long it is.
func (w *watcher) tailText(st Status) (string, error) {
	margin := int64(4*w.lim.Text) + tailMargin
	from := max(w.session.Progress.From, st.End-margin)
	var before []Chunk
	var err error
	if picture := w.shots.begin(from); picture < from { // what was said before it is worth more
		if before, err = w.kept(max(w.session.Progress.From, picture-margin), picture); err != nil {
			return "", err
		}
	}
	chunks, err := w.kept(from, st.End)
	if err != nil {
		return "", err
	}
	text, shown := w.s.Renderer.Tail(w.pageSize(), append(before, chunks...))
	if len(chunks) == 0 {
		shown = st.End
	}
	w.read, w.tailAt = st.End, shown
	return text, nil
}

// kept is what is kept of some output, its secrets hidden and its pictures cut
// out.
func (w *watcher) kept(from, to int64) (pieces []Chunk, err error) {
	var chunks []Chunk
	var all []byte
	for at := from; at < to; {
		chunk, err := w.journal.Next(at, int(to-at))
		if err != nil {
			return nil, fmt.Errorf("read the end of the output: %w", err)
		}
		if len(chunk.Data) == 0 || chunk.From >= to {
			break
		}
		chunk.Data = chunk.Data[:min(int64(len(chunk.Data)), to-chunk.From)]
		at = chunk.From + int64(len(chunk.Data))
		chunks = append(chunks, chunk)
		all = append(all, chunk.Data...)
	}
	w.s.Masker.Mask(all)
	for _, c := range chunks {
		c.Data, all = all[:len(c.Data):len(c.Data)], all[len(c.Data):]
		pieces = append(pieces, w.shots.split(c)...)
	}
	return pieces, nil
}

// finish puts the last word: the final page, what of the output no page
// shows as a file, a picture as a picture.
func (w *watcher) finish(ctx context.Context, st Status) error {
	if err := w.s.Store.End(ctx, w.session.ID, st.Exit); err != nil {
		return fmt.Errorf("record the end of session %s: %w", w.session.ID, err)
	}
	w.session.State, w.session.Exit = Ended, st.Exit
	if err := w.closePane(ctx); err != nil {
		return err
	}
	// The last word is put when everything else is: a later daemon looks no
	// more at a session that has told it.
	select {
	case <-w.filmed:
	case <-ctx.Done():
		return ctx.Err()
	}
	body, err := w.body(st)
	if err != nil {
		return err
	}
	if w.picture != "" || w.shots.only() || w.session.Quiet {
		body = ""
	}
	post := w.page(body, w.finalFooter(st))
	last := w.session.Progress
	last.Said, last.Told = st.End, true
	say := []Delivery{w.delivery(w.slot(last.Page), post, true, last)}
	if file, ok := w.rest(st); ok {
		d := w.delivery(Slot(fmt.Sprintf("session/%s/file/%d", w.session.ID, last.Page)), file, true, last)
		d.ReplyTo = w.session.Root
		say = append(say, d)
	}
	if clip, ok := w.shotsClip(ctx); ok {
		say = append(say, clip)
	}
	if bell, ok := w.bell(st); ok {
		say = append(say, w.delivery(Slot(fmt.Sprintf("session/%s/end/%d", w.session.ID, last.Page)), bell, true, last))
	}
	if err := w.s.Store.Put(ctx, say...); err != nil {
		return fmt.Errorf("put the end of session %s: %w", w.session.ID, err)
	}
	w.s.Deliver.Due(say...)
	w.s.forgetChoices(ctx, w.session.ID)
	return nil
}

// bell is a message of its own that a session has ended. An edit rings on no
// phone, and whoever waited longer than a moment has put it away.
func (w *watcher) bell(st Status) (Post, bool) {
	if w.session.Quiet || w.session.Interactive || w.took(st.Exit) < bellAfter {
		return Post{}, false
	}
	end := w.finalFooter(Status{ID: st.ID, Exit: Exit{Code: st.Exit.Code, Signal: st.Exit.Signal, Reason: st.Exit.Reason, At: st.Exit.At}, End: st.End})
	return Post{Text: []Span{{Style: Bold, Text: clean(w.session.Title, 80)}, {Text: "\n"}, end}}, true
}

// rest is what of an ended session's output its pages do not show.
func (w *watcher) rest(st Status) (Post, bool) {
	all := Range{0, st.End}
	kept, _ := w.journal.Extent()
	switch {
	case w.shots.hidden():
		return logPost(w.session, all, kept), true
	case w.shots.only():
		return Post{}, false
	case w.picture != "":
		return Post{Silent: true, Media: &Media{
			Kind: Picture, Name: string(w.session.ID) + "-" + fileWord(w.session) + w.picture,
			Output: &OutputRef{Session: w.session.ID, Range: all, Stdout: true},
		}}, true
	case w.session.Quiet, within(kept, all) == 0: // an empty file is none
		return Post{}, false
	case w.tail && w.tailAt > w.session.Progress.From, within(kept, all) < all.Len():
		return logPost(w.session, all, kept), true
	}
	return Post{}, false
}

// lost tells of a session whose folder is gone.
func (w *watcher) lost(ctx context.Context) error {
	e := Exit{Code: -1, Reason: Lost, Detail: "nothing of it is left on the disk", At: time.Now()}
	if err := w.s.Store.End(ctx, w.session.ID, e); err != nil {
		return err
	}
	w.session.State, w.session.Exit = Ended, e
	last := w.session.Progress
	last.Told = true
	return w.deliver(ctx, w.slot(last.Page), w.page("", w.finalFooter(Status{Exit: e})), true, last)
}

// leave closes the open page in a thread that the session moves away from.
func (w *watcher) leave(ctx context.Context) {
	if w.lim.Stream || w.put.IsZero() {
		return
	}
	post := w.page(w.shown, Span{Style: Italic, Text: "goes on in another chat or topic"})
	post.Silent = true
	if err := w.deliver(ctx, w.slot(w.session.Progress.Page), post, true, w.session.Progress); err != nil {
		w.s.Logger.Error("close a page", "session", w.session.ID, "err", err)
	}
}

// slot is the place of a page.
func (w *watcher) slot(page int) Slot {
	return Slot(fmt.Sprintf("session/%s/page/%d", w.session.ID, page))
}

func (w *watcher) delivery(slot Slot, post Post, final bool, p Progress) Delivery {
	return Delivery{
		Thread: w.session.Thread, Slot: slot, Post: post, ReplyTo: w.session.Root,
		Final: final, Session: w.session.ID, Progress: p,
	}
}

func (w *watcher) deliver(ctx context.Context, slot Slot, post Post, final bool, p Progress) error {
	d := w.delivery(slot, post, final, p)
	if err := w.s.Store.Put(ctx, d); err != nil {
		return fmt.Errorf("put %s: %w", slot, err)
	}
	w.s.Deliver.Due(d)
	return nil
}

// page is a page of output with its header and footer.
func (w *watcher) page(body string, footer Span) Post {
	title := clean(w.session.Title, 150)
	if page := w.session.Progress.inThread(); page > 1 {
		title += fmt.Sprintf(" · page %d", page)
	}
	spans := []Span{{Style: Bold, Text: title}, {Text: "\n"}}
	if w.tail && w.tailAt > w.session.Progress.From && body != "" {
		spans = append(spans, Span{Style: Italic, Text: fmt.Sprintf("… %s not shown here; ", size(w.tailAt-w.session.Progress.From))},
			Span{Style: Code, Text: "/log " + string(w.session.ID)}, Span{Style: Italic, Text: " has all …"}, Span{Text: "\n"})
	}
	// The line feed that ends the last line belongs between the block and the
	// footer, not into the block.
	if body = strings.TrimSuffix(body, "\n"); body != "" {
		spans = append(spans, Span{Style: Pre, Text: body, Coloured: w.coloured(body)})
	}
	if footer.Text != "" {
		if body != "" {
			spans = append(spans, Span{Text: "\n"})
		}
		spans = append(spans, footer)
	}
	return Post{Text: spans}
}

func (w *watcher) runningFooter(st Status) Span {
	text := fmt.Sprintf("⏳ running · %s · #%s", elapsed(time.Since(w.session.Started)), w.session.ID)
	switch {
	case st.Hidden:
		text += "\n" + w.askSecret()
	case w.session.Interactive && w.session.Progress.inThread() == 1:
		text += "\nWrite here to type into it."
		if !w.session.Claim.Direct && w.session.Thread == w.session.Claim.Thread {
			text = text[:len(text)-len("Write here to type into it.")] + "Reply to type into it."
		}
	}
	return Span{Text: text}
}

func (w *watcher) finalFooter(st Status) Span {
	mark := "✓"
	if st.Exit.Reason != Exited || st.Exit.Code != 0 {
		mark = "✗"
	}
	text := fmt.Sprintf("%s %s · %s · #%s", mark, st.Exit, elapsed(w.took(st.Exit)), w.session.ID)
	if st.End == 0 && st.Exit.Reason == Exited && !w.session.Quiet {
		text = mark + " no output, " + text[len(mark)+1:]
	}
	if st.Exit.Detail != "" {
		text += "\n" + st.Exit.Detail
	}
	if st.Exit.Open {
		text += "\nSomething it started still runs and may print; /log " + string(w.session.ID) + " has that too."
	}
	if w.session.Interactive {
		text += "\n/again starts it anew."
	} else if w.session.Quiet && st.End > 0 {
		text += fmt.Sprintf("\n%s of output: /log %s", size(st.End), w.session.ID)
	}
	return Span{Text: text}
}

// took is how long the session ran.
func (w *watcher) took(e Exit) time.Duration {
	if e.At.Before(w.session.Started) {
		return 0 // the clock was set back meanwhile
	}
	return e.At.Sub(w.session.Started)
}

// keys is the keypad under a live page: the same handle on every page, so that
// a press that crosses a page turn is still good.
func (w *watcher) keys() *Keyboard {
	if w.lim.Buttons == 0 {
		return nil
	}
	if w.keypad != nil {
		return w.keypad
	}
	key := func(label, name string) Button {
		// For what reads the program's input, whose output is here: a window of
		// its own has keys of its own.
		return Button{Label: label, Command: "key", Args: Args{"keys": {name}, "stdin": {"true"}}}
	}
	stop := Button{Label: "Stop", Command: "stop"}
	log := Button{Label: "Log", Command: "log"}
	rows := [][]Button{{stop, key("^C", "ctrl-c"), key("Enter", "enter"), log}}
	if w.session.Interactive {
		rows = [][]Button{
			{key("Esc", "esc"), key("Tab", "tab"), key("↑", "up"), key("Enter", "enter")},
			{key("^C", "ctrl-c"), key("←", "left"), key("↓", "down"), key("→", "right")},
			{key("^D", "ctrl-d"), stop, log},
		}
		if w.session.PTY {
			rows[2] = append(rows[2], viewButton("Picture", "kind", string(ViewPicture)))
		}
	}
	w.keypad = &Keyboard{Handle: NewHandle(), Rows: rows, Session: w.session.ID}
	return w.keypad
}

// stream passes raw output on piece by piece, for a thread that is a terminal.
// The next piece is put when the last has been shown, so that a fast program
// fills its journal and not the outbox.
func (w *watcher) stream(ctx context.Context) error {
	for {
		st, err := w.s.Runner.Wait(ctx, w.session.ID, w.read)
		if err != nil {
			return err
		}
		if st.End > w.end {
			w.end, w.grown = st.End, time.Now()
		}
		if w.session.Quiet {
			w.read = st.End
		}
		from := w.read
		if from < st.End {
			if err := w.piece(ctx, st); err != nil {
				return err
			}
		}
		switch {
		case w.read == st.End && st.Exited:
			return w.finishStream(ctx, st)
		case w.read == from && from < st.End:
			// What is left may be the beginning of a secret.
			if _, err := w.waitUntil(ctx, st.End, w.grown.Add(holdFor)); err != nil {
				return err
			}
		}
	}
}

// piece puts the next piece of raw output and waits until it has been shown.
func (w *watcher) piece(ctx context.Context, st Status) error {
	from, text := w.read, ""
	if chunk, err := w.journal.Next(from, 1); err != nil {
		return fmt.Errorf("read output at %d: %w", from, err)
	} else if len(chunk.Data) > 0 && chunk.From > from {
		text = fmt.Sprintf("[… %s were over what is kept on disk …]", size(chunk.From-from))
		from = chunk.From
	}
	to, err := w.until(from, st)
	if err != nil || to == w.read {
		return err
	}
	post := Post{Output: &OutputRef{Session: w.session.ID, Range: Range{from, to}, Echo: w.session.PTY}}
	p := Progress{Page: 1, From: to, Said: to}
	say := []Delivery{w.delivery(Slot(fmt.Sprintf("session/%s/out/%d", w.session.ID, from)), post, false, p)}
	if text != "" {
		gap := w.delivery(Slot(fmt.Sprintf("session/%s/gap/%d", w.session.ID, from)), Plainf("%s", text), false, Progress{Page: 1})
		say = []Delivery{gap, say[0]}
	}
	if err := w.s.Store.Put(ctx, say...); err != nil {
		return fmt.Errorf("put output from %d: %w", from, err)
	}
	w.s.Deliver.Due(say...)
	w.read = to
	return w.awaitSaid(ctx, to)
}

// until is where the piece that begins at from ends: short of what may be the
// beginning of a secret, unless nothing follows it.
func (w *watcher) until(from int64, st Status) (int64, error) {
	to := min(from+streamSize, st.End)
	if to == st.End && w.settledDown(st) {
		return to, nil
	}
	chunk, err := w.journal.Next(max(from, to-readSize), readSize)
	if err != nil {
		return 0, fmt.Errorf("read output before %d: %w", to, err)
	}
	if end := chunk.From + int64(len(chunk.Data)); end == to {
		to -= int64(w.s.Masker.Mask(chunk.Data))
	}
	return max(to, w.read), nil
}

// settled notes that the network has the output up to an offset.
func (w *watcher) settled(p Progress) {
	w.mu.Lock()
	w.said = max(w.said, p.Said)
	w.mu.Unlock()
	select {
	case w.news <- struct{}{}:
	default:
	}
}

func (w *watcher) awaitSaid(ctx context.Context, offset int64) error {
	for {
		w.mu.Lock()
		said := w.said
		w.mu.Unlock()
		if said >= offset {
			return nil
		}
		select {
		case <-w.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// finishStream ends a raw session's output. A quick success needs no words.
func (w *watcher) finishStream(ctx context.Context, st Status) error {
	if err := w.s.Store.End(ctx, w.session.ID, st.Exit); err != nil {
		return fmt.Errorf("record the end of session %s: %w", w.session.ID, err)
	}
	w.session.State, w.session.Exit = Ended, st.Exit
	last := w.session.Progress
	last.Page, last.From, last.Said, last.Told = 1, st.End, st.End, true
	d := w.delivery(Slot("session/"+string(w.session.ID)+"/end"), Post{}, true, last)
	success := st.Exit.Reason == Exited && st.Exit.Code == 0
	if !success || st.Exit.Detail != "" || st.Exit.Open || w.session.Quiet || w.took(st.Exit) > elapsedQuiet {
		d.Post = Post{Text: []Span{w.finalFooter(st)}}
	}
	if err := w.s.Store.Put(ctx, d); err != nil {
		return fmt.Errorf("put the end of session %s: %w", w.session.ID, err)
	}
	w.s.Deliver.Due(d)
	return nil
}

// elapsed is a length of time as a footer shows it.
func elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}
