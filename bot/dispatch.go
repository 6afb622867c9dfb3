package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// Bounds of dispatching.
const (
	// laneDepth is how many calls of a lane are kept in memory; those behind
	// them are read back from the ledger when their turn comes.
	laneDepth = 64
	// callTimeout is how long a command may run that declares no Timeout.
	callTimeout = 30 * time.Second
	// confirmTimeout is how long a command that ends the daemon waits for the
	// network to confirm its message. Without a network the ledger alone
	// decides, which is on disk by then.
	confirmTimeout = 5 * time.Second
	// typingAfter is when a command is slow enough to show that it works.
	typingAfter = time.Second
	// asideMost is how many calls of a thread run beside its lane; more wait in
	// it.
	asideMost = 4
	// finishTimeout bounds the recording of an outcome once the daemon stops.
	finishTimeout = 5 * time.Second
)

// Dispatcher is the stage that runs calls: one at a time in each thread, in
// order, threads side by side. Calls that steer (Command.Control) have a lane
// of their own in each thread, so that /stop overtakes what is slow; what takes
// long by nature (Command.Aside) steps out of the lane when its turn comes.
type Dispatcher struct {
	Policy     *Policy
	Parser     *Parser
	Store      Store
	Session    *Sessions
	Deliver    *Deliverer
	StaleAfter time.Duration
	Device     string
	Logger     *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // set by Run; calls run under it
	lanes   map[laneKey]*lane
	aside   map[Thread]int // calls that run beside their lanes
	waiting []Call         // enqueued before Run
	running sync.WaitGroup
}

type laneKey struct {
	thread  Thread
	control bool
}

// lane is a queue of calls with one goroutine while it is not empty.
type lane struct {
	queue []queued
}

// queued is a call in memory, or only its number.
type queued struct {
	id   CallID
	call *Call
}

// Run lets calls run until ctx ends, then waits for those that are running:
// their contexts end too, and what they did is recorded. Calls that were
// recorded by an earlier daemon are taken up by Recover, before Run.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.mu.Lock()
	d.ctx = ctx
	d.lanes = map[laneKey]*lane{}
	d.aside = map[Thread]int{}
	early := d.waiting
	d.waiting = nil
	for _, c := range early {
		d.enqueue(c)
	}
	d.mu.Unlock()
	<-ctx.Done()
	d.running.Wait()
	return nil
}

// Enqueue lets an accepted call run when its turn comes. It does not block.
func (d *Dispatcher) Enqueue(c Call) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lanes == nil {
		d.waiting = append(d.waiting, c)
		return
	}
	d.enqueue(c)
}

// enqueue is Enqueue with d.mu held.
func (d *Dispatcher) enqueue(c Call) {
	if d.ctx.Err() != nil {
		return // it is on disk; the next daemon takes it up
	}
	command, _ := d.Parser.Command(c.Command)
	key := laneKey{c.Claim.Thread, command.Control}
	l := d.lanes[key]
	if l == nil {
		l = &lane{}
		d.lanes[key] = l
		d.running.Add(1)
		go d.work(key, l)
	}
	q := queued{id: c.ID}
	if len(l.queue) < laneDepth {
		q.call = &c
	}
	l.queue = append(l.queue, q)
}

// work runs a lane's calls until there are none or the daemon stops.
func (d *Dispatcher) work(key laneKey, l *lane) {
	defer d.running.Done()
	for {
		d.mu.Lock()
		if len(l.queue) == 0 || d.ctx.Err() != nil {
			delete(d.lanes, key)
			d.mu.Unlock()
			return
		}
		q := l.queue[0]
		l.queue = l.queue[1:]
		ctx := d.ctx
		d.mu.Unlock()
		if q.call == nil {
			call, err := d.Store.Call(ctx, q.id)
			if err != nil {
				d.Logger.Error("read call", "call", q.id, "err", err)
				continue
			}
			q.call = &call
		}
		if !d.stepAside(ctx, *q.call) {
			d.run(ctx, *q.call)
		}
	}
}

// stepAside runs a call beside its lane, if its command asks for that and not
// too many do already.
func (d *Dispatcher) stepAside(ctx context.Context, c Call) bool {
	command, _ := d.Parser.Command(c.Command)
	th := c.Claim.Thread
	d.mu.Lock()
	defer d.mu.Unlock()
	if !command.Aside || d.aside[th] >= asideMost {
		return false
	}
	d.aside[th]++
	d.running.Go(func() {
		d.run(ctx, c)
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.aside[th]--; d.aside[th] == 0 {
			delete(d.aside, th)
		}
	})
	return true
}

// Idle reports whether no call is waiting or running in the thread.
func (d *Dispatcher) Idle(th Thread) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lanes[laneKey{th, false}] == nil && d.lanes[laneKey{th, true}] == nil && d.aside[th] == 0
}

// Queued is how many calls wait for their turn.
func (d *Dispatcher) Queued() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, l := range d.lanes {
		n += len(l.queue)
	}
	return n
}

// Recover takes up the calls of an earlier daemon. Those that were begun are
// never run again: that a call may have had its effect, or half of it, is
// exactly what nobody can know any more, so the person is told and decides.
// Those that were only accepted are run, or asked about when they are old.
func (d *Dispatcher) Recover(ctx context.Context) error {
	calls, err := d.Store.Unfinished(ctx)
	if err != nil {
		return fmt.Errorf("read unfinished calls: %w", err)
	}
	for _, c := range calls {
		switch {
		case c.State == Accepted:
			d.Enqueue(c)
		case d.Session.Started(ctx, c.ID.Session()):
			// Its session's folder exists: the process was started, and its
			// own page tells how it goes on.
			err = d.Store.Finish(ctx, c.ID, Done, "session "+string(c.ID.Session()))
		default:
			err = d.Store.Finish(ctx, c.ID, Interrupted, "the daemon ended while it ran", interruptedNotice(c, d.Device))
			d.Deliver.Wake(c.Claim.Thread)
		}
		if err != nil {
			return fmt.Errorf("settle call %d of the last run: %w", c.ID, err)
		}
	}
	return nil
}

// run takes one call through its life.
func (d *Dispatcher) run(ctx context.Context, c Call) {
	log := d.Logger.With("call", int64(c.ID), "command", c.Command, "thread", c.Claim.Thread.String())
	c.Claim = d.Deliver.worn(ctx, d.Policy, c.Claim, c.Accepted)
	p, err := d.Policy.Authorize(c.Claim)
	if err != nil {
		// The person was taken off the list since: a stranger gets silence.
		d.finish(ctx, log, c, Refused, err.Error())
		return
	}
	command, ok := d.Parser.Command(c.Command)
	switch {
	case !ok:
		d.finish(ctx, log, c, Failed, "no such command", answer(c, 0, Plainf("/%s does not exist any more. /help lists what does.", c.Command)))
		return
	case !p.May(command.Role):
		why := denied(p, command)
		d.finish(ctx, log, c, Refused, why, answer(c, 0, Plainf("%s", why)))
		return
	case command.Effect != Reads && time.Since(c.Accepted) > d.staleAfter():
		d.finish(ctx, log, c, Late, "was waiting while the daemon was away", lateQuestion(c, d.Device, time.Since(c.Accepted)))
		return
	}
	if c.Session == "" && c.ReplyTo != "" {
		c.Session = d.Session.boundSoon(ctx, c)
	}
	if command.Effect == Ends {
		d.confirm(ctx, log, c)
	}
	if !d.begin(ctx, log, c, command) {
		return
	}
	out := &replies{call: c, principal: p, sessions: d.Session, put: d.put}
	err = d.call(ctx, log, command, Request{Call: c, Principal: p, Reply: out})
	outcome, detail := Done, ""
	if err != nil {
		outcome, detail = Failed, err.Error()
		var said *UserError
		if errors.As(err, &said) {
			out.Say(said.post(c.Claim.Account))
		} else {
			log.Error("run command", "err", err)
			out.Say(Plainf("Something went wrong inside me with /%s (call %d); the log on %s has the reason.", c.Command, c.ID, d.Device))
		}
	}
	d.finish(ctx, log, c, outcome, detail, out.said()...)
}

// confirm waits until the network will not deliver the message again: without
// that, a call that ends the machine could come back after every start.
func (d *Dispatcher) confirm(ctx context.Context, log *slog.Logger, c Call) {
	confirmer, ok := d.Deliver.Adapter(c.Claim.Thread.Adapter).(Confirmer)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	if err := confirmer.Confirmed(ctx, c.Key); err != nil {
		log.Warn("message not confirmed; the record on disk has to do", "err", err)
	}
}

// begin records that the call may have its effect from now on. As long as the
// disk does not take the record the call waits: it is on disk as accepted.
func (d *Dispatcher) begin(ctx context.Context, log *slog.Logger, c Call, command Command) bool {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := d.Store.Begin(ctx, c.ID, command.Effect != Reads)
		switch {
		case err == nil:
			return true
		case errors.Is(err, ErrBegun):
			log.Error("call was begun before; it is not run again")
			return false
		case ctx.Err() != nil:
			return false
		}
		log.Error("record the beginning of a call; it waits", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return false
		}
	}
}

// call runs the command's function: bounded, and a panic is an error.
func (d *Dispatcher) call(ctx context.Context, log *slog.Logger, command Command, req Request) (err error) {
	limit := command.Timeout
	if limit == 0 {
		limit = callTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	typing := time.AfterFunc(typingAfter, func() { d.Deliver.Typing(ctx, req.Call.Claim.Thread) })
	defer typing.Stop()
	defer func() {
		if r := recover(); r != nil {
			log.Error("command panicked", "panic", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	err = command.Run(ctx, req)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		var said *UserError
		if !errors.As(err, &said) {
			return Userf("/%s took longer than %s and was given up.", command.Name, limit)
		}
	}
	return err
}

// finish records the outcome with what is to be said. It is tried even while
// the daemon stops; should the disk refuse to the end, the next daemon finds
// the call begun and reports it as interrupted, which is honest.
func (d *Dispatcher) finish(ctx context.Context, log *slog.Logger, c Call, o Outcome, detail string, say ...Delivery) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
		err := d.Store.Finish(try, c.ID, o, detail, say...)
		cancel()
		if err == nil {
			log.Info("call finished", "person", c.Claim.Account.String(), "outcome", o.String(), "detail", detail)
			d.Deliver.Due(say...)
			return
		}
		log.Error("record the outcome of a call", "outcome", o.String(), "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

func (d *Dispatcher) staleAfter() time.Duration {
	if d.StaleAfter > 0 {
		return d.StaleAfter
	}
	return DefaultStaleAfter
}

// interruptedNotice is the honest outcome of a call that nobody can know more
// of, with a way to run it again on purpose.
func interruptedNotice(c Call, device string) Delivery {
	return answer(c, 0, Post{
		Text: []Span{
			{Text: device + " was interrupted while it ran "},
			{Style: Code, Text: clip(c.Text, 200)},
			{Text: "\nIt may or may not have completed. It has not been run a second time."},
		},
		Keyboard: &Keyboard{
			Handle: NewHandle(), Once: true, Only: c.Claim.Account, Session: c.Session,
			Expires: time.Now().Add(24 * time.Hour),
			Rows:    [][]Button{{{Label: "Run again", Repeat: c.ID}}},
		},
	})
}

// put brings a delivery under way before its call has finished.
func (d *Dispatcher) put(ctx context.Context, say Delivery) error {
	if err := d.Store.Put(ctx, say); err != nil {
		return fmt.Errorf("show how call goes on: %w", err)
	}
	d.Deliver.Due(say)
	return nil
}

// replies is the Replier of one call.
type replies struct {
	call      Call
	principal Principal
	sessions  *Sessions
	put       func(context.Context, Delivery) error

	mu    sync.Mutex
	posts []Post
	shown bool
}

// Show implements Replier. It fills the place of the first thing said.
func (r *replies) Show(ctx context.Context, p Post) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = true
	p.Silent = true
	d := answer(r.call, 0, withHandle(p))
	d.Final = false
	return r.put(ctx, d)
}

// Say implements Replier.
func (r *replies) Say(p Post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.posts = append(r.posts, p)
}

// Open implements Replier.
func (r *replies) Open(ctx context.Context, o Opening) (Session, error) {
	return r.sessions.Open(ctx, r.call, r.principal, o)
}

// said is what was said, as deliveries.
func (r *replies) said() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	posts := r.posts
	if r.shown && (len(posts) == 0 || posts[0].Media != nil) {
		// A text that was shown cannot turn into a file, nor go away.
		done := Post{Silent: true, Text: []Span{{Style: Code, Text: clip(r.call.Text, 200)}, {Text: " ✓"}}}
		posts = append([]Post{done}, posts...)
	}
	var ds []Delivery
	for n, p := range posts {
		ds = append(ds, answer(r.call, n, withHandle(p)))
	}
	return ds
}

// withHandle names the post's keyboard, if it has one without a name.
func withHandle(p Post) Post {
	if p.Keyboard != nil && p.Keyboard.Handle == "" {
		k := *p.Keyboard
		k.Handle = NewHandle()
		p.Keyboard = &k
	}
	return p
}
