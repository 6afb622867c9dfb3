package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// SessionLimits bound how much may run at once.
type SessionLimits struct {
	PerPerson int // live sessions of one person; 0 = 8
	Total     int // live sessions of all; 0 = 32
}

// Sessions ties processes to threads and people: it opens, finds, steers and
// watches them. It is safe for concurrent use; its fields are set before
// Recover and not changed.
type Sessions struct {
	Runner   Runner
	Store    Store
	Deliver  *Deliverer
	Renderer Renderer
	Masker   Masker
	// Footage, Filmer and Spool are for the pictures that programs send: where
	// they come from, what makes a clip of them, and where that is kept. Without
	// Footage none are shown.
	Footage Footage
	Filmer  Filmer
	Spool   *Spool
	// Leases are the resources that sessions may hold.
	Leases *Leases
	Limits SessionLimits
	Logger *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // set by Run; watchers run under it
	live    map[SessionID]*watcher
	opening map[string]int // per person, sessions that are being opened
	running sync.WaitGroup
	secrets secrets
}

// foreground is the setting of a thread that names the session which its plain
// text goes to. It stays when that session ends: text that was meant for it
// must not go to another one.
const foreground = "foreground"

// boundWait is how long a reply waits for the record of what it answers.
const boundWait = time.Second

// findRest is when the sessions are looked for that nobody waits for: after the
// networks are served.
const findRest = time.Second

// Run watches the live sessions until ctx ends. The sessions themselves go on.
func (s *Sessions) Run(ctx context.Context) error {
	s.mu.Lock()
	s.ctx = ctx
	for _, w := range s.live {
		s.watch(w)
	}
	s.mu.Unlock()
	select {
	case <-time.After(findRest):
		if _, err := s.Runner.Recover(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Error("look for the sessions of an earlier run", "err", err)
		}
	case <-ctx.Done():
	}
	<-ctx.Done()
	s.running.Wait()
	return nil
}

// Recover takes up the sessions of an earlier daemon: those that live are
// watched on from where their output was told, those that ended get their last
// word. It comes before Dispatcher.Recover, and before Run. Only those on
// record as live or untold are looked at: there may be thousands of others.
func (s *Sessions) Recover(ctx context.Context) error {
	live, err := s.Store.Sessions(ctx, SessionFilter{Live: true})
	if err != nil {
		return fmt.Errorf("read live sessions: %w", err)
	}
	untold, err := s.Store.Sessions(ctx, SessionFilter{Untold: true})
	if err != nil {
		return fmt.Errorf("read untold sessions: %w", err)
	}
	seen := map[SessionID]bool{}
	for _, session := range append(live, untold...) {
		if seen[session.ID] {
			continue
		}
		seen[session.ID] = true
		if session.State == Starting {
			exists, err := s.confirm(ctx, session.ID)
			if err != nil {
				return err
			}
			if !exists {
				continue
			}
			session.State = Running
		}
		s.track(session)
	}
	return nil
}

// confirm finds out whether a session that was to be started was, and records
// that.
func (s *Sessions) confirm(ctx context.Context, id SessionID) (exists bool, err error) {
	_, err = s.Runner.Wait(ctx, id, -1)
	switch {
	case errors.Is(err, ErrNoSession):
		// Recorded, but no process was ever made for it.
		if err := s.Store.Forget(ctx, id); err != nil {
			return false, fmt.Errorf("forget session %s: %w", id, err)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for session %s: %w", id, err)
	}
	if err := s.Store.Running(ctx, id); err != nil {
		return false, fmt.Errorf("note that session %s runs: %w", id, err)
	}
	return true, nil
}

// Started reports whether the call's session was started: then it is the
// session's page that tells how it goes on.
func (s *Sessions) Started(ctx context.Context, id SessionID) bool {
	_, err := s.Store.Session(ctx, id)
	return err == nil
}

// track watches a session from now on.
func (s *Sessions) track(session Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = map[SessionID]*watcher{}
	}
	w := &watcher{s: s, session: session, done: make(chan struct{}), said: session.Progress.Said, news: make(chan struct{}, 1)}
	s.live[session.ID] = w
	if s.ctx != nil {
		s.watch(w)
	}
}

// watch starts a watcher; s.mu is held.
func (s *Sessions) watch(w *watcher) {
	ctx, cancel := context.WithCancel(s.ctx)
	w.cancel = cancel
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		defer close(w.done)
		defer cancel()
		w.run(ctx)
	}()
}

// untrack forgets a watcher that is through with its session.
func (s *Sessions) untrack(w *watcher) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[w.session.ID] == w {
		delete(s.live, w.session.ID)
	}
}

// Live is how many sessions run.
func (s *Sessions) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// LiveIn is how many sessions of the thread, started at since or later, have
// not told their end, and how many of those take its plain text.
func (s *Sessions) LiveIn(th Thread, since time.Time) (all, interactive int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.live {
		if w.session.Thread == th && !w.session.Started.Before(since) {
			all++
			if w.session.Interactive {
				interactive++
			}
		}
	}
	return all, interactive
}

// Settled passes on that output reached its chat. The deliverer calls it.
func (s *Sessions) Settled(d Delivery) {
	if d.Session == "" {
		return
	}
	s.mu.Lock()
	w := s.live[d.Session]
	s.mu.Unlock()
	if w != nil {
		w.settled(d.Progress)
	}
}

// Open starts a session for a begun call. Errors are *UserError when the
// person can do something about them.
func (s *Sessions) Open(ctx context.Context, c Call, p Principal, o Opening) (Session, error) {
	if !p.May(User) {
		return Session{}, Userf("Starting programs needs the role %s; you are %s here.", User, p.Role())
	}
	release, err := s.admit(p, o)
	if err != nil {
		return Session{}, err
	}
	defer release()
	if o.Lock != "" {
		if err := s.Leases.enter(ctx, p, c, o.Lock, o.Wait); err != nil {
			return Session{}, err
		}
		// Should it not start, the lease ends when the call does.
		defer s.Leases.Wake()
	}
	session := Session{
		ID: c.ID.Session(), Name: o.Name, Title: clean(o.Title, 200),
		Claim: c.Claim, Person: p.Person(), Thread: c.Claim.Thread, Root: c.Message,
		Interactive: o.Interactive, Quiet: o.Quiet, PTY: o.Spec.PTY,
		Argv: o.Spec.Argv, Dir: o.Spec.Dir, Started: time.Now(),
		Progress: Progress{Page: 1},
	}
	own := s.openThread(ctx, &session)
	if err := s.Store.Create(ctx, session); err != nil {
		return Session{}, fmt.Errorf("record session %s: %w", session.ID, err)
	}
	if err := s.Runner.Start(ctx, session.ID, o.Spec); err != nil && !s.mayRun(ctx, session.ID, err) {
		if gone := s.Store.Forget(context.WithoutCancel(ctx), session.ID); gone != nil {
			s.Logger.Error("forget session that did not start", "session", session.ID, "err", gone)
		}
		var start *StartError
		if errors.As(err, &start) {
			return Session{}, &UserError{Text: start.Text, Err: err}
		}
		return Session{}, fmt.Errorf("start session %s: %w", session.ID, err)
	}
	session.State = Running // on disk when the call is finished
	// What runs by itself takes no text: whoever is there means something else.
	if _, byItself := c.scheduled(); own || !byItself && s.takesText(session) {
		if err := s.Store.Set(ctx, session.Thread.String(), foreground, string(session.ID)); err != nil {
			s.Logger.Error("note the foreground session", "session", session.ID, "err", err)
		}
	}
	s.track(session)
	if own {
		s.point(ctx, c, session)
	}
	return session, nil
}

// mayRun reports whether a session runs, or may yet, although its start came
// back with an error: the daemon was told to end, or time ran out, before the
// holder had answered. Forgotten, it would run on with nobody to hear it.
func (s *Sessions) mayRun(ctx context.Context, id SessionID, failure error) bool {
	var start *StartError
	if errors.As(failure, &start) || errors.Is(failure, ErrExists) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), boundWait)
	defer cancel()
	_, err := s.Runner.Wait(ctx, id, -1)
	return !errors.Is(err, ErrNoSession)
}

// takesText reports whether a new session takes its thread's plain text. In a
// group only a topic of its own does: elsewhere people talk to each other.
func (s *Sessions) takesText(session Session) bool {
	if s.Deliver.Limits(session.Thread).Foreground {
		return true
	}
	return session.Interactive && session.Claim.Direct
}

// admit counts a session in against the limits until release is called, when
// it is tracked or has failed.
func (s *Sessions) admit(p Principal, o Opening) (release func(), err error) {
	perPerson, total := s.Limits.PerPerson, s.Limits.Total
	if perPerson == 0 {
		perPerson = 8
	}
	if total == 0 {
		total = 32
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	mine, all := s.opening[p.Person()], 0
	for _, n := range s.opening {
		all += n
	}
	for _, w := range s.live {
		all++
		if w.session.Person == p.Person() {
			mine++
		}
		if o.Name != "" && w.session.Name == o.Name {
			return nil, Userf("There is a live session %s already (%s). Choose another name, or /stop %s.", o.Name, w.session.ID, o.Name)
		}
	}
	switch {
	case mine >= perPerson:
		return nil, Userf("You have %d sessions running, which is the limit. /ps shows them; /stop ID ends one.", mine)
	case all >= total:
		return nil, Userf("%d sessions are running here, which is the limit. /ps shows them; /stop ID ends one.", all)
	}
	if s.opening == nil {
		s.opening = map[string]int{}
	}
	s.opening[p.Person()]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.opening[p.Person()]--; s.opening[p.Person()] == 0 {
			delete(s.opening, p.Person())
		}
	}, nil
}

// openThread gives an interactive session a topic of its own, where the
// network has them and lets us. Otherwise it lives in the reply chain.
func (s *Sessions) openThread(ctx context.Context, session *Session) bool {
	opener, ok := s.Deliver.Adapter(session.Thread.Adapter).(ThreadOpener)
	if !ok || !session.Interactive || session.Claim.Direct {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	th, err := opener.OpenThread(ctx, session.Thread.Room(), clip(session.Title, 60)+" · "+string(session.ID), session.Root)
	if err != nil {
		s.Logger.Info("no topic for the session; its replies do", "session", session.ID, "err", err)
		return false
	}
	session.Thread, session.Root = th, ""
	return true
}

// point says in the thread of the call where its session is.
func (s *Sessions) point(ctx context.Context, c Call, session Session) {
	d := answer(c, 100, Post{Silent: true, Text: []Span{
		{Style: Bold, Text: session.Title},
		{Text: " has a topic of its own now; what you write there is typed into it."},
	}})
	if err := s.Store.Put(ctx, d); err != nil {
		s.Logger.Error("say where the session is", "session", session.ID, "err", err)
		return
	}
	s.Deliver.Due(d)
}

// Find is the session that a person means: by id or name; or, with an empty
// ref, the one that the message was about, the foreground of the thread, the
// only live one there, or the newest. Errors are *UserError.
func (s *Sessions) Find(ctx context.Context, p Principal, ref string, about SessionID) (Session, error) {
	if ref == "" && about != "" {
		ref = string(about)
	}
	if ref == "" {
		return s.implied(ctx, p)
	}
	session, err := s.Store.Session(ctx, SessionID(ref))
	if errors.Is(err, ErrNotFound) {
		session, err = s.named(ctx, ref)
	}
	if errors.Is(err, ErrNotFound) || err == nil && !visible(p, session) {
		// One answer for both: ids of other chats are nobody's business.
		return Session{}, Userf("There is no session %s here. /ps lists them.", clip(ref, 40))
	}
	return session, err
}

// named is the newest session of that name.
func (s *Sessions) named(ctx context.Context, name string) (Session, error) {
	all, err := s.Store.Sessions(ctx, SessionFilter{})
	if err != nil {
		return Session{}, fmt.Errorf("read sessions: %w", err)
	}
	for _, session := range all {
		if session.Name != "" && strings.EqualFold(session.Name, name) {
			return session, nil
		}
	}
	return Session{}, ErrNotFound
}

// implied is the session that nobody had to name.
func (s *Sessions) implied(ctx context.Context, p Principal) (Session, error) {
	if session, ok := s.foreground(ctx, p.Thread()); ok && visible(p, session) {
		return session, nil
	}
	here, err := s.Store.Sessions(ctx, SessionFilter{Room: p.Thread().Room(), Live: true})
	if err != nil {
		return Session{}, fmt.Errorf("read sessions: %w", err)
	}
	switch len(here) {
	case 0:
		return s.newest(ctx, p)
	case 1:
		return here[0], nil
	default:
		return Session{}, Userf("%d sessions are running here. Reply to one of them, or say which: /ps lists them.", len(here))
	}
}

// newest is the session that ended last in the principal's chat: what is meant
// when nothing runs, by those who want to look at it.
func (s *Sessions) newest(ctx context.Context, p Principal) (Session, error) {
	ended, err := s.Store.Sessions(ctx, SessionFilter{Room: p.Thread().Room(), Limit: 1})
	if err != nil {
		return Session{}, fmt.Errorf("read sessions: %w", err)
	}
	if len(ended) == 0 {
		return Session{}, Userf("Nothing is running here. /run or /term starts something.")
	}
	return ended[0], nil
}

// foreground is the session that the thread's plain text goes to, live or not.
func (s *Sessions) foreground(ctx context.Context, th Thread) (Session, bool) {
	id, err := s.Store.Setting(ctx, th.String(), foreground)
	if err != nil || id == "" {
		return Session{}, false
	}
	session, err := s.Store.Session(ctx, SessionID(id))
	return session, err == nil
}

// HasForeground reports whether the thread's plain text is for a session, live
// or ended.
func (s *Sessions) HasForeground(ctx context.Context, th Thread) bool {
	_, ok := s.foreground(ctx, th)
	return ok
}

// HasKeyboard reports whether a live session takes the thread's plain text.
func (s *Sessions) HasKeyboard(ctx context.Context, th Thread) bool {
	session, ok := s.foreground(ctx, th)
	return ok && session.State != Ended
}

// Dead says, for the presser of a keypad's button, that its session is over;
// empty when it lives.
func (s *Sessions) Dead(ctx context.Context, id SessionID) string {
	if id == "" {
		return ""
	}
	session, err := s.Store.Session(ctx, id)
	switch {
	case err != nil:
		return "That session is gone. /ps shows what is running."
	case session.State == Ended:
		return "That session has ended (" + session.Exit.String() + "). /again starts it anew."
	}
	return ""
}

// visible reports whether the person may know of the session: it is in their
// chat, it is theirs, or they are an operator.
func visible(p Principal, s Session) bool {
	return p.May(Operator) || s.Person == p.Person() || s.Thread.Room() == p.Thread().Room() && p.May(Viewer)
}

// mine reports whether the person may steer the session.
func mine(p Principal, s Session) bool {
	return p.May(Operator) || p.May(User) && s.Person == p.Person()
}

// List is the live sessions of the principal's chat, or of all chats, newest
// first, and then the last few that have ended.
func (s *Sessions) List(ctx context.Context, p Principal, everywhere bool) ([]Session, error) {
	f := SessionFilter{Room: p.Thread().Room(), Live: true}
	if everywhere {
		f.Room = Thread{}
	}
	live, err := s.Store.Sessions(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	f.Live, f.Limit = false, 5+len(live)
	recent, err := s.Store.Sessions(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	var list []Session
	for _, session := range live {
		if visible(p, session) {
			list = append(list, session)
		}
	}
	for _, session := range recent {
		if session.State == Ended && visible(p, session) {
			list = append(list, session)
		}
	}
	return list, nil
}

// Control gives an order to a session. ^C and ^D typed at a program without a
// terminal mean what they mean on one: interrupt, and end of input.
func (s *Sessions) Control(ctx context.Context, p Principal, id SessionID, c Control) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	if types := len(c.Input) > 0 || c.EOF; types {
		err = s.mayType(ctx, p, session)
	} else if !mine(p, session) {
		err = Userf("Session %s is %s's. Steering it needs the role %s.", id, session.Person, Operator)
	}
	if err != nil {
		return err
	}
	if !session.PTY {
		switch string(c.Input) {
		case "\x03":
			c = Control{Signal: "INT"}
		case "\x04":
			c = Control{EOF: true}
		}
		if c.Resize != nil {
			return Userf("Session %s has no terminal, so no window size. /term or --pty gives it one.", id)
		}
	}
	err = s.Runner.Control(ctx, id, c)
	switch {
	case err == nil:
		s.nudge(id)
	case errors.Is(err, ErrEnded), errors.Is(err, ErrNoSession):
		return s.ended(ctx, id)
	case errors.Is(err, ErrInputFull):
		return Userf("Session %s is not reading its input; what is waiting has reached the limit, so this was not typed.", id)
	}
	return err
}

func (s *Sessions) ended(ctx context.Context, id SessionID) error {
	session, err := s.Store.Session(ctx, id)
	if err == nil && session.State == Ended {
		return Userf("Session %s (%s) has ended: %s. /again starts it anew, /ps shows what is running.", id, clip(session.Title, 40), session.Exit)
	}
	return Userf("Session %s takes no input any more. /ps shows what is running.", id)
}

// Type gives a line of plain text to the session that it is meant for: the one
// that the message replies to, or the foreground of the thread. It never picks
// another one instead: what was meant for one program must not reach the next.
func (s *Sessions) Type(ctx context.Context, p Principal, c Call) error {
	session, err := s.addressee(ctx, p, c)
	if err != nil {
		return err
	}
	if session.State == Ended {
		return s.ended(ctx, session.ID)
	}
	text := c.Args.Text("text")
	if c.Args.Has(secretArg) {
		var kept bool
		if text, kept = s.secrets.take(c.ID); !kept {
			return Userf("I was restarted before I could type it in, and secrets are not kept. Write it again.")
		}
	}
	if session.PTY {
		text = s.typed(ctx, session.ID, text)
	} else {
		text += "\n"
	}
	return s.Control(ctx, p, session.ID, Control{Input: []byte(text)})
}

// typed is what a terminal sends for a text and Enter. Several lines are a
// paste, for a program that wants to know.
func (s *Sessions) typed(ctx context.Context, id SessionID, text string) string {
	const begin, end = "\x1b[200~", "\x1b[201~"
	lines := strings.ReplaceAll(text, "\n", "\r")
	if !strings.Contains(lines, "\r") {
		return lines + "\r"
	}
	if window, err := s.window(ctx, id); err == nil && window.Facts().Paste {
		return begin + strings.ReplaceAll(lines, end, "") + end + "\r"
	}
	return lines + "\r"
}

func (s *Sessions) addressee(ctx context.Context, p Principal, c Call) (Session, error) {
	id := c.Session
	if id == "" && c.ReplyTo != "" {
		return Session{}, Userf("The message you replied to belongs to no session. /ps shows what is running.")
	}
	if id != "" {
		session, err := s.Store.Session(ctx, id)
		if errors.Is(err, ErrNotFound) {
			return Session{}, Userf("That session is too old to be known. /ps shows what is running.")
		}
		return session, err
	}
	if session, ok := s.foreground(ctx, p.Thread()); ok {
		return session, nil
	}
	return Session{}, Userf("Nothing here takes text now. /run starts a program, /term a terminal, /help tells more.")
}

// boundSoon is the session of the message that the call answers; empty when
// it has none. A person can answer a message before we have recorded that it
// was sent: while sessions live in the room, the record is waited for a little.
func (s *Sessions) boundSoon(ctx context.Context, c Call) SessionID {
	room := c.Claim.Thread.Room()
	for deadline := time.Now().Add(boundWait); ; {
		id, err := s.Store.BoundTo(ctx, room, c.ReplyTo)
		if !errors.Is(err, ErrNotFound) || time.Now().After(deadline) || !s.livesIn(room) {
			return id
		}
		select {
		case <-time.After(boundWait / 20):
		case <-ctx.Done():
			return ""
		}
	}
}

func (s *Sessions) livesIn(room Thread) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.live {
		if w.session.Thread.Room() == room {
			return true
		}
	}
	return false
}

// Attach moves a session to a thread: its further output goes there, and so
// does the thread's plain text to it.
func (s *Sessions) Attach(ctx context.Context, p Principal, id SessionID, th Thread, reply MessageID) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	if !mine(p, session) {
		return Userf("Session %s is %s's. Attaching it needs the role %s.", id, session.Person, Operator)
	}
	if session.State == Ended {
		return s.ended(ctx, id)
	}
	s.Logger.Info("session attached", "session", id, "person", p.Person(), "from", session.Thread.String(), "to", th.String())
	if session.Thread != th {
		if err := s.move(ctx, session, th, reply); err != nil {
			return err
		}
	}
	if err := s.Store.Set(ctx, th.String(), foreground, string(id)); err != nil {
		return fmt.Errorf("note the foreground session: %w", err)
	}
	return nil
}

// move stops the watcher, closes the page in the old thread, and watches on in
// the new one, beginning with the page that was open.
func (s *Sessions) move(ctx context.Context, session Session, th Thread, reply MessageID) error {
	s.mu.Lock()
	w := s.live[session.ID]
	s.mu.Unlock()
	if w == nil || w.cancel == nil {
		return s.ended(ctx, session.ID)
	}
	w.cancel()
	select {
	case <-w.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.leave(ctx)
	next := w.session.Progress
	next.Page += pagesPerThread - (next.Page-1)%pagesPerThread
	if err := s.Store.Move(ctx, session.ID, th, reply, next); err != nil {
		s.track(w.session)
		return fmt.Errorf("move session %s: %w", session.ID, err)
	}
	moved := w.session
	moved.Thread, moved.Root, moved.Progress = th, reply, next
	s.track(moved)
	return nil
}

// Detach takes the keyboard from the session: the thread's plain text does not
// go to it any more. It runs on, and so does its page.
func (s *Sessions) Detach(ctx context.Context, p Principal, id SessionID) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	if !mine(p, session) {
		return Userf("Session %s is %s's. Detaching it needs the role %s.", id, session.Person, Operator)
	}
	current, err := s.Store.Setting(ctx, p.Thread().String(), foreground)
	if err != nil {
		return fmt.Errorf("read the foreground session: %w", err)
	}
	if current != string(id) {
		return Userf("Session %s does not take this chat's text anyway. Replies to its messages still reach it.", id)
	}
	return s.Store.Set(ctx, p.Thread().String(), foreground, "")
}

// Log is a post with a range of the session's output as a file; a To of 0 means
// what there is now.
func (s *Sessions) Log(ctx context.Context, p Principal, id SessionID, r Range) (Post, error) {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return Post{}, fmt.Errorf("read session %s: %w", id, err)
	}
	if !visible(p, session) {
		return Post{}, Userf("There is no session %s here. /ps lists them.", id)
	}
	journal, err := s.Runner.Journal(id)
	if errors.Is(err, ErrNoSession) {
		return Post{}, Userf("The output of session %s is not kept any more.", id)
	} else if err != nil {
		return Post{}, fmt.Errorf("open the output of session %s: %w", id, err)
	}
	defer journal.Close()
	kept, end := journal.Extent()
	if r.To == 0 || r.To > end {
		r.To = end
	}
	if r.From >= r.To {
		if end == 0 {
			return Post{}, Userf("Session %s has printed nothing so far.", id)
		}
		return Post{}, Userf("Session %s has printed %d bytes: ask for a range in 0..%d.", id, end, end)
	}
	if within(kept, r) == 0 {
		return Post{}, Userf("These %s of session %s are not kept: there was no room on the disk for them.", size(r.Len()), id)
	}
	return logPost(session, r, kept), nil
}

// logPost is the range of output as a file, with a word on what is missing.
func logPost(session Session, r Range, kept []Range) Post {
	post := Post{Silent: true, Media: &Media{
		Name:   fmt.Sprintf("%s-%s.txt", session.ID, fileWord(session)),
		Output: &OutputRef{Session: session.ID, Range: r},
	}}
	if gone := r.Len() - within(kept, r); gone > 0 {
		post.Text = []Span{{Text: fmt.Sprintf("%s of the output are not here: the middle of it was over what is kept on disk.", size(gone))}}
	}
	return post
}

// within is how many bytes of r are kept.
func within(kept []Range, r Range) int64 {
	var n int64
	for _, k := range kept {
		if from, to := max(k.From, r.From), min(k.To, r.To); from < to {
			n += to - from
		}
	}
	return n
}

// fileWord names a session in a file name: letters and digits only.
func fileWord(session Session) string {
	word := session.Name
	if word == "" && len(session.Argv) > 0 {
		word = session.Argv[0][strings.LastIndexByte(session.Argv[0], '/')+1:]
	}
	word = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, word)
	if word == "" {
		word = "output"
	}
	return word[:min(len(word), 40)]
}

// size is a number of bytes as one says it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e6:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1e9:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	default:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	}
}
