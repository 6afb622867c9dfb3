package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of delivering.
const (
	// doubtWait is how long a doubtful post is left alone before it is looked
	// for: a slow network may still be putting it there.
	doubtWait = 5 * time.Second
	// retryFirst and retryMost bound the waits after a failed send.
	retryFirst = time.Second
	retryMost  = 30 * time.Second
	// goneWait is how often a chat is tried that takes nothing any more, and
	// goneKeep how long its deliveries are kept for it.
	goneWait = time.Hour
	goneKeep = 72 * time.Hour
	// reminders is how many messages of each kind are remembered at a start.
	reminders = 100
	// sendTimeout bounds a send without a file; with one, uploadTimeout.
	sendTimeout   = time.Minute
	uploadTimeout = 2 * time.Hour
)

// Deliverer is the last stage: it takes what the outbox holds to the networks.
// Each chat has a lane of its own for text and another for media, so that
// order is kept within a chat and a slow one holds up no other. It is safe for
// concurrent use; its fields are set before Run and not changed.
type Deliverer struct {
	Outbox   Outbox
	Ledger   Ledger // for chats that get a new id
	Adapters map[string]Adapter
	Masker   Masker
	// Files makes the content of deliveries that have one.
	Files interface {
		// Content is the media or output of a post as a regular file that fits
		// limit bytes (0 = any size): compressed, or a smaller picture, only if that
		// makes it fit. done removes what was made for it. ErrTooLarge.
		Content(ctx context.Context, p Post, limit int64) (c *Content, done func(), err error)
	}
	// Spool is where files are that were made for one post.
	Spool *Spool
	// Moved is Reception's; may be nil.
	Moved func(context.Context, Move) error
	// Settled is told of every delivery that reached its chat, with the message
	// that it is there as its Target; may be nil.
	Settled func(Delivery)
	Logger  *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // set by Run; lanes run under it
	lanes   map[outKey]*outLane
	early   []Thread        // woken before Run
	sent    map[Thread]int  // new posts under way, by room
	gone    map[Thread]bool // rooms that took nothing, or may not have before a restart
	paces   map[Thread]*pace
	totals  map[string]*pace
	wearers map[wearer]testimony // what Standing was told
	active  sync.WaitGroup
}

// ErrTooLarge: a file does not fit the network's limit, on its way out even when
// compressed.
var ErrTooLarge = errors.New("file is larger than the network takes")

type outKey struct {
	room  Thread
	media bool
}

type outLane struct {
	wake    chan struct{} // capacity 1: "look again"
	resting atomic.Bool   // waits for a time that is still to come
}

// Run delivers until ctx ends. What is unsent then stays in the outbox.
func (d *Deliverer) Run(ctx context.Context) error {
	rooms, err := d.Outbox.Rooms(ctx)
	if err != nil {
		return fmt.Errorf("read the outbox: %w", err)
	}
	if err := d.remind(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.ctx = ctx
	d.lanes = map[outKey]*outLane{}
	d.gone = map[Thread]bool{}
	for _, room := range rooms {
		d.gone[room] = true
	}
	rooms = append(rooms, d.early...)
	d.early = nil
	d.mu.Unlock()
	for _, room := range rooms {
		d.Wake(room)
	}
	<-ctx.Done()
	d.active.Wait()
	return nil
}

// remind tells the adapters of the messages that are known from before.
func (d *Deliverer) remind(ctx context.Context) error {
	for name, adapter := range d.Adapters {
		rememberer, ok := adapter.(Rememberer)
		if !ok {
			continue
		}
		known, err := d.Outbox.Recent(ctx, name, reminders)
		if err != nil {
			return fmt.Errorf("read what was said on %s: %w", name, err)
		}
		for _, k := range known {
			rememberer.Remember(k.Room, k.Message)
		}
	}
	return nil
}

// Wake says that something may be due in the thread's chat. It does not block.
func (d *Deliverer) Wake(th Thread) {
	d.wake(outKey{th.Room(), false})
	d.wake(outKey{th.Room(), true})
}

// Due says that the deliveries were put into the outbox. It does not block.
func (d *Deliverer) Due(put ...Delivery) {
	for _, p := range put {
		d.wake(outKey{p.Thread.Room(), p.Post.Media != nil})
	}
}

func (d *Deliverer) wake(key outKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes == nil {
		d.early = append(d.early, key.room)
		return
	}
	if d.ctx.Err() != nil || d.Adapters[key.room.Adapter] == nil {
		return
	}
	l := d.lanes[key]
	if l == nil {
		l = &outLane{wake: make(chan struct{}, 1)}
		d.lanes[key] = l
		d.active.Add(1)
		go d.work(d.ctx, key, l)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Reachable says that somebody was heard in the thread's chat: what could not
// be said there can be now.
func (d *Deliverer) Reachable(ctx context.Context, th Thread) {
	room := th.Room()
	d.mu.Lock()
	d.pace(room).heard = time.Now()
	d.mu.Unlock()
	d.welcome(ctx, room, time.Time{})
}

// welcome lets a room that was gone have at once what waits for it, if it was
// heard of after a time. An attempt that was refused while a message from there
// was on its way must not hold the answer to it back.
func (d *Deliverer) welcome(ctx context.Context, room Thread, after time.Time) {
	d.mu.Lock()
	back := d.gone[room] && d.pace(room).heard.After(after)
	if back {
		delete(d.gone, room)
	}
	d.mu.Unlock()
	if !back {
		return
	}
	if err := d.Outbox.Hurry(ctx, room); err != nil {
		d.Logger.Error("hurry the deliveries of a chat that is back", "room", room.String(), "err", err)
	}
	d.Wake(room)
}

// work delivers what a lane has until nothing waits any more.
func (d *Deliverer) work(ctx context.Context, key outKey, l *outLane) {
	defer d.active.Done()
	for ctx.Err() == nil {
		next, at, ok, err := d.Outbox.Next(ctx, key.room, key.media, time.Now())
		switch {
		case err != nil:
			if ctx.Err() == nil {
				d.Logger.Error("read the outbox", "room", key.room.String(), "err", err)
			}
			l.sleep(ctx, retryFirst)
		case ok:
			if wait := d.token(key.room); wait > 0 {
				// By the time the token is there, a newer revision may be too.
				l.pause(ctx, wait)
				continue
			}
			d.spend(key.room)
			d.attempt(ctx, next)
		case !at.IsZero():
			l.sleep(ctx, time.Until(at))
		default:
			if d.retire(key, l) {
				return
			}
		}
	}
}

// retire ends a lane with nothing to do, unless it was woken just now.
func (d *Deliverer) retire(key outKey, l *outLane) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-l.wake:
		return false
	default:
		delete(d.lanes, key)
		return true
	}
}

// sleep waits, at most until the lane is woken.
func (l *outLane) sleep(ctx context.Context, wait time.Duration) {
	l.resting.Store(true)
	defer l.resting.Store(false)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.wake:
	case <-ctx.Done():
	}
}

// pause waits, woken or not.
func (l *outLane) pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// attempt sends one delivery and records what became of it. The attempt is on
// disk before the network can have seen it.
func (d *Deliverer) attempt(ctx context.Context, next Delivery) {
	log := d.Logger.With("delivery", int64(next.ID), "slot", string(next.Slot), "thread", next.Thread.String())
	began := time.Now()
	if next.Target == "" {
		d.underWay(next.Thread.Room(), 1)
		defer d.underWay(next.Thread.Room(), -1)
	}
	adapter := d.Adapters[next.Thread.Adapter]
	out, done, result := d.prepare(ctx, adapter, next)
	defer done()
	var up *upload
	if result == nil {
		m := mark(adapter, next)
		if !next.Doubt {
			out.Mark = m
		}
		if err := d.Outbox.Attempt(ctx, next.ID, m); err != nil {
			d.failed(ctx, log, "record an attempt", err)
			return
		}
		up = d.watchUpload(ctx, next, out.File)
		result = d.send(ctx, log, adapter, next, out)
	}
	// The outcome must be recorded even when the daemon stops just now.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	up.finish(keep, result)
	if err := d.Outbox.Settle(keep, next, *result); err != nil {
		d.failed(ctx, log, "settle a delivery", err)
		return
	}
	d.welcome(keep, next.Thread.Room(), began)
	if m := next.Post.Media; m != nil && m.Own && (result.Receipt != nil || result.Dropped != "") {
		d.Spool.Release(keep, m.Path)
	}
	if result.Receipt == nil {
		return
	}
	if d.Settled != nil {
		next.Target = result.Receipt.Message
		d.Settled(next)
	}
	if next.Session != "" && next.Final && next.Post.Media == nil {
		d.wake(outKey{next.Thread.Room(), true}) // a file that follows this text may go now
	}
}

func (d *Deliverer) underWay(room Thread, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sent == nil {
		d.sent = map[Thread]int{}
	}
	if d.sent[room] += n; d.sent[room] == 0 {
		delete(d.sent, room)
	}
}

// Sending reports whether a new post is on its way to the thread's chat: it may
// be there already, and answered, without our knowing its number.
func (d *Deliverer) Sending(th Thread) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent[th.Room()] > 0
}

// mark is where a post could be found that this attempt, or one before it, has
// made without our hearing of it.
func mark(adapter Adapter, next Delivery) string {
	marker, ok := adapter.(Marker)
	switch {
	case !ok:
		return next.Mark
	case next.Doubt:
		return marker.Mark(next.Thread, next.Mark)
	default:
		return marker.Mark(next.Thread, "")
	}
}

// failed reports that the disk did not take a record, and slows the lane down.
func (d *Deliverer) failed(ctx context.Context, log *slog.Logger, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	log.Error(what, "err", err)
	select {
	case <-time.After(retryFirst):
	case <-ctx.Done():
	}
}

// prepare makes a delivery ready for the network: secrets hidden, file made. A
// result instead means that it cannot be sent as it is.
func (d *Deliverer) prepare(ctx context.Context, adapter Adapter, next Delivery) (out Outgoing, done func(), result *Result) {
	done = func() {}
	post := next.Post
	post.Text = make([]Span, len(next.Post.Text))
	for i, span := range next.Post.Text {
		post.Text[i] = Span{Style: span.Style, Text: d.Masker.Text(span.Text)}
		if post.Text[i].Text == span.Text && d.Masker.Text(span.Coloured) == span.Coloured {
			post.Text[i].Coloured = span.Coloured
		}
	}
	out = Outgoing{
		Thread: next.Thread, Target: next.Target, ReplyTo: next.ReplyTo, Post: post,
		Doubt: next.Doubt, Mark: next.Mark,
	}
	if next.Doubt {
		out.Ours = func(m MessageID) bool {
			ours, err := d.Outbox.Posted(ctx, next.Thread.Room(), m)
			return ours || err != nil
		}
	}
	if post.Media == nil && post.Output == nil {
		return out, done, nil
	}
	limit := adapter.Limits(next.Thread).Upload
	content, done, err := d.Files.Content(ctx, post, limit)
	switch {
	case err == nil:
		out.File = content
		if content.Note != "" {
			out.Post.Text = append(out.Post.Text, Span{Text: "\n"}, Span{Style: Italic, Text: content.Note})
		}
		return out, done, nil
	case ctx.Err() != nil:
		return out, func() {}, &Result{NotBefore: time.Now()}
	case errors.Is(err, ErrTooLarge):
		return d.instead(out, tooLarge(post, limit)), func() {}, nil
	case errors.Is(err, os.ErrNotExist), errors.Is(err, ErrNoSession):
		return d.instead(out, Plainf("%s is not on the device any more.", post.Media.fileName())), func() {}, nil
	default:
		d.Logger.Error("make the file of a delivery", "delivery", next.ID, "err", err)
		if time.Since(next.Created) > goneKeep {
			return out, func() {}, &Result{Dropped: err.Error()}
		}
		return out, func() {}, &Result{NotBefore: time.Now().Add(retryMost)}
	}
}

// instead sends words where a file cannot go.
func (d *Deliverer) instead(out Outgoing, words Post) Outgoing {
	out.Post.Media, out.Post.Output = nil, nil
	out.Post.Text = append(out.Post.Text[:len(out.Post.Text):len(out.Post.Text)], words.Text...)
	return out
}

func (m *Media) fileName() string {
	if m == nil || m.Name == "" {
		return "The output"
	}
	return m.Name
}

// tooLarge says how to get a file in parts.
func tooLarge(p Post, limit int64) Post {
	if p.Media == nil || p.Media.Output == nil {
		return Plainf("\n%s is larger than the %d MB that this network takes.", p.Media.fileName(), limit/1e6)
	}
	o := p.Media.Output
	part := limit / 1e6 * 1e6
	return Post{Text: []Span{
		{Text: fmt.Sprintf("\n%s is %d MB, and this network takes %d MB. It stays on the device; in parts: ", p.Media.fileName(), o.Len()/1e6, limit/1e6)},
		{Style: Code, Text: fmt.Sprintf("/log %s %d..%d", o.Session, o.From, min(o.From+part, o.To))},
		{Text: " and so on."},
	}}
}

// send hands the delivery to its adapter and decides by the outcome what
// becomes of it.
func (d *Deliverer) send(ctx context.Context, log *slog.Logger, adapter Adapter, next Delivery, out Outgoing) *Result {
	limit := sendTimeout
	if out.File != nil {
		limit = uploadTimeout
	}
	sending, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	receipt, err := adapter.Send(sending, out)
	if err == nil {
		return &Result{Receipt: &receipt}
	}
	var failure *SendError
	if !errors.As(err, &failure) {
		failure = &SendError{Outcome: Unknown, Err: err}
	}
	now := time.Now()
	switch {
	case failure.RetryAfter > 0:
		d.pauseRoom(next.Thread, failure.RetryAfter)
		log.Warn("network wants a pause", "seconds", failure.RetryAfter.Seconds())
		return &Result{NotBefore: now.Add(failure.RetryAfter), Doubt: failure.Outcome == Unknown && next.Target == ""}
	case failure.Outcome == NotSent, failure.Outcome == Unknown && next.Target != "":
		// Nothing happened, or an edit that may be repeated.
		wait := backoff(next.Attempts)
		log.Info("not sent; will be tried again", "wait", wait, "err", failure.Err)
		return &Result{NotBefore: now.Add(wait)}
	case failure.Outcome == Unknown:
		log.Warn("perhaps sent; will be looked for", "err", failure.Err)
		return &Result{Doubt: true, NotBefore: now.Add(max(doubtWait, backoff(next.Attempts)))}
	default:
		return d.refused(ctx, log, next, failure)
	}
}

// refused finds another way for what the network will not take as it is.
func (d *Deliverer) refused(ctx context.Context, log *slog.Logger, next Delivery, failure *SendError) *Result {
	log.Warn("network refused a delivery", "reason", int(failure.Reason), "err", failure.Err)
	room := next.Thread.Room()
	switch failure.Reason {
	case ThreadGone:
		if next.Thread != room {
			return &Result{Thread: &room}
		}
	case TargetGone:
		if next.Target != "" {
			return &Result{Reset: true}
		}
	case Moved:
		moved := Thread{Adapter: room.Adapter, Chat: failure.To}
		if err := d.follow(ctx, Move{From: room, To: moved}); err != nil {
			log.Error("record the chat's new id", "err", err)
			return &Result{NotBefore: time.Now().Add(retryMost)}
		}
		d.Wake(moved)
		to := next.Thread
		to.Chat = failure.To
		return &Result{Thread: &to}
	case ChatGone:
		d.mu.Lock()
		d.gone[room] = true
		d.mu.Unlock()
		if time.Since(next.Created) < goneKeep {
			return &Result{NotBefore: time.Now().Add(goneWait)}
		}
	}
	return &Result{Dropped: failure.Error()}
}

// follow records that a chat has a new id, of which the network told in refusing
// a delivery.
func (d *Deliverer) follow(ctx context.Context, m Move) error {
	if d.Moved != nil {
		if err := d.Moved(ctx, m); err != nil {
			return err
		}
	}
	_, err := d.Ledger.Accept(ctx, Intake{Adapter: m.From.Adapter, Moves: []Move{m}})
	return err
}

func backoff(attempts int) time.Duration {
	wait := retryFirst
	for ; attempts > 0 && wait < retryMost; attempts-- {
		wait *= 2
	}
	return min(wait, retryMost)
}

// Adapter is the one of that name, or nil.
func (d *Deliverer) Adapter(name string) Adapter { return d.Adapters[name] }

// Limits are those of the thread's adapter; the zero Limits for an unknown one.
func (d *Deliverer) Limits(th Thread) Limits {
	if a := d.Adapters[th.Adapter]; a != nil {
		return a.Limits(th)
	}
	return Limits{}
}

// Direct is the private chat of an account, where its network has them.
func (d *Deliverer) Direct(a Account) (Thread, bool) {
	director, ok := d.Adapters[a.Adapter].(Director)
	if !ok {
		return Thread{}, false
	}
	return director.Direct(a.User), true
}

// Typing shows that something is being done in the thread. It is a courtesy:
// failures do not matter.
func (d *Deliverer) Typing(ctx context.Context, th Thread) {
	if typer, ok := d.Adapters[th.Adapter].(Typer); ok {
		if err := typer.Typing(ctx, th); err != nil {
			d.Logger.Debug("show typing", "err", err)
		}
	}
}

// Flush waits until nothing can be sent any more now, or ctx ends.
func (d *Deliverer) Flush(ctx context.Context) {
	for ctx.Err() == nil {
		if !d.busy() {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (d *Deliverer) busy() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lanes {
		if !l.resting.Load() {
			return true
		}
	}
	return false
}

// pace is a token bucket. A token comes every interval; at most burst are
// saved up.
type pace struct {
	tokens float64
	at     time.Time // when tokens was counted
	until  time.Time // nothing goes out before
	hit    time.Time // when the network last asked for a pause
	heard  time.Time // when somebody was last heard there
}

// count brings the tokens up to date.
func (p *pace) count(now time.Time, every time.Duration, burst int) {
	if p.at.IsZero() {
		p.tokens = float64(burst)
	} else {
		p.tokens = min(float64(burst), p.tokens+float64(now.Sub(p.at))/float64(every))
	}
	p.at = now
}

// token is how long to wait before something may be sent in the room.
func (d *Deliverer) token(room Thread) time.Duration {
	lim := d.Limits(room)
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	chat, all := d.pace(room), d.total(room.Adapter)
	wait := max(chat.until.Sub(now), all.until.Sub(now), 0)
	if lim.Every > 0 {
		chat.count(now, lim.Every, max(lim.Burst, 1))
		wait = max(wait, time.Duration((1-chat.tokens)*float64(lim.Every)))
	}
	if lim.AllEvery > 0 {
		all.count(now, lim.AllEvery, max(lim.AllBurst, 1))
		wait = max(wait, time.Duration((1-all.tokens)*float64(lim.AllEvery)))
	}
	return wait
}

// spend takes a token.
func (d *Deliverer) spend(room Thread) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pace(room).tokens--
	d.total(room.Adapter).tokens--
}

// pauseRoom keeps a chat quiet for as long as its network asked for. Two chats
// within five seconds mean that the network is tired of all of them.
func (d *Deliverer) pauseRoom(th Thread, wait time.Duration) {
	now := time.Now()
	until := now.Add(wait)
	d.mu.Lock()
	defer d.mu.Unlock()
	for room, p := range d.paces {
		if room.Adapter == th.Adapter && room != th.Room() && now.Sub(p.hit) < 5*time.Second {
			all := d.total(th.Adapter)
			if all.until.Before(until) {
				all.until = until
			}
		}
	}
	p := d.pace(th.Room())
	if p.until.Before(until) {
		p.until = until
	}
	p.tokens, p.hit = min(p.tokens, 0), now
}

// Paused is how long nothing will go out in the thread's chat.
func (d *Deliverer) Paused(th Thread) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.paces[th.Room()]; p != nil {
		return max(time.Until(p.until), 0)
	}
	return 0
}

// pace is the room's bucket; d.mu is held. Buckets that say nothing any more
// are thrown away now and then.
func (d *Deliverer) pace(room Thread) *pace {
	p := d.paces[room]
	if p == nil {
		if d.paces == nil {
			d.paces = map[Thread]*pace{}
		}
		if len(d.paces) > 1000 {
			old := time.Now().Add(-time.Hour)
			for th, p := range d.paces {
				if p.at.Before(old) && p.until.Before(old) && p.heard.Before(old) {
					delete(d.paces, th)
				}
			}
		}
		p = &pace{}
		d.paces[room] = p
	}
	return p
}

func (d *Deliverer) total(adapter string) *pace {
	p := d.totals[adapter]
	if p == nil {
		if d.totals == nil {
			d.totals = map[string]*pace{}
		}
		p = &pace{}
		d.totals[adapter] = p
	}
	return p
}

// clean is a title for a header: one line, not long.
func clean(title string, n int) string {
	return clip(strings.Join(strings.Fields(title), " "), n)
}
