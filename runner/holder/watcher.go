package holder

import (
	"time"

	"chapi/bot"
)

// coalesce is the least time between two messages that only say that the
// output has grown.
const coalesce = 5 * time.Millisecond

// echoChecks are the pauses after output or input before looks whether the
// terminal hides its input, which nobody tells: a program that asks for a
// password first prints and then turns the echo off, or the other way round, or
// takes its time. A session in which nothing happens is not looked at for ever.
var echoChecks = []time.Duration{
	20 * time.Millisecond, 50 * time.Millisecond, 250 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second,
}

// watcher tells one connection how the session goes. It keeps nothing for a
// connection that does not read: it always tells what is true then.
type watcher struct {
	session *session
	conn    *Conn
	news    chan struct{} // holds one
	last    Status
}

// tell keeps a connection up to date that knows of the status last, until the
// session is over or the connection fails; then it closes ended.
func (s *session) tell(c *Conn, last Status) (ended <-chan struct{}) {
	w := &watcher{session: s, conn: c, news: make(chan struct{}, 1), last: last}
	w.news <- struct{}{}
	end := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers[w] = struct{}{}
	go func() {
		defer close(end)
		w.run()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, w)
	}()
	return end
}

func (w *watcher) run() {
	for {
		w.await()
		status := w.session.status()
		if status == w.last {
			continue
		}
		w.last = status
		if w.conn.Send(Message{Status: &status}) != nil || status.Done {
			return
		}
		w.pause()
	}
}

// await blocks until there may be something to tell.
func (w *watcher) await() {
	if w.session.child.tty != nil {
		for _, after := range echoChecks {
			timer := time.NewTimer(after)
			select {
			case <-w.news:
				timer.Stop()
				return
			case <-w.session.done:
				timer.Stop()
				return
			case <-timer.C:
			}
			if w.session.hides() != w.last.Hidden {
				return
			}
		}
	}
	select {
	case <-w.news:
	case <-w.session.done:
	}
}

// pause lets output gather. An exit that is news is not kept waiting.
func (w *watcher) pause() {
	told := w.session.told
	if w.last.Exit != nil {
		told = nil
	}
	timer := time.NewTimer(coalesce)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-told:
	case <-w.session.done:
	}
}

// wake has every watcher look.
func (s *session) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.watchers {
		select {
		case w.news <- struct{}{}:
		default:
		}
	}
}

// announce makes an exit known before the session is over.
func (s *session) announce(exit bot.Exit) {
	s.mu.Lock()
	s.exit = &exit
	s.mu.Unlock()
	close(s.told)
	s.wake()
}

// status is how the session stands now.
func (s *session) status() Status {
	s.mu.Lock()
	exit := s.exit
	s.mu.Unlock()
	return Status{
		ID: s.id, End: s.log.End(), Frames: s.frames.end(), Exit: exit, Done: closed(s.done),
		Hidden: exit == nil && s.hides(),
	}
}
