package bot

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// secretText stands for a secret in the record of calls, and secretArg says
	// that the text of an input call was one, and whether it was shown in the
	// chat.
	secretText   = "(a secret)"
	secretArg    = "secret"
	secretShown  = "shown"
	secretUnseen = "unseen"
	// privateWait is how long an answer in private is waited for.
	privateWait = 2 * time.Minute
	// maxSecrets bounds those that wait to be typed.
	maxSecrets = 100
)

// secrets are what people wrote while a program asked for a secret, with its
// terminal's echo off. They are in memory only, until they are typed: the
// record, the disk and the log never see them. Should the daemon end before,
// they are gone, and the person is told to write it again.
type secrets struct {
	mu      sync.Mutex
	texts   map[CallID]string
	private map[Thread]awaited // answers that were asked for in private
}

type awaited struct {
	session SessionID
	until   time.Time
}

// keep holds a secret for its call.
func (s *secrets) keep(id CallID, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil || len(s.texts) >= maxSecrets {
		s.texts = map[CallID]string{}
	}
	s.texts[id] = text
}

// take gives a secret out, once.
func (s *secrets) take(id CallID) (text string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok = s.texts[id]
	delete(s.texts, id)
	return text, ok
}

// await has the next text of a private chat be the secret for a session.
func (s *secrets) await(th Thread, id SessionID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.private == nil || len(s.private) >= maxSecrets {
		s.private = map[Thread]awaited{}
	}
	s.private[th] = awaited{id, time.Now().Add(privateWait)}
}

// awaited is the session that the next text of a private chat is for; empty
// when none.
func (s *secrets) awaited(th Thread) SessionID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, ok := s.private[th]; ok && time.Now().Before(a.until) {
		return a.session
	}
	delete(s.private, th)
	return ""
}

// asksSecret is the session that a plain text is a secret for: the one that it
// answers, that was asked about in private, or that has the thread's text, if
// its program has the echo of its terminal off just now.
func (s *Sessions) asksSecret(ctx context.Context, m Message, about SessionID) (SessionID, bool) {
	id := about
	if id == "" && m.Direct {
		id = s.secrets.awaited(m.Thread)
	}
	if id == "" && m.ReplyTo == "" {
		if session, ok := s.foreground(ctx, m.Thread); ok && session.State != Ended {
			id = session.ID
		}
	}
	return id, id != "" && s.Hidden(ctx, id)
}

// Hidden reports whether a session's program has the echo of its terminal off:
// it asks for a secret.
func (s *Sessions) Hidden(ctx context.Context, id SessionID) bool {
	st, err := s.Runner.Wait(ctx, id, -1)
	return err == nil && !st.Exited && st.Hidden
}

// secret makes an entry of a text that is a secret: the record has a word in its
// place.
func (r *Reception) secret(m Message, p Principal, id SessionID) (*Entry, error) {
	c, ok := r.Parser.Command(InputCommand)
	if !ok {
		return nil, fmt.Errorf("no command %q is declared", InputCommand)
	}
	text, how := m.Text, secretShown
	if m.Unseen {
		how = secretUnseen
	}
	m.Text = secretText
	entry := r.enter(m, p, c, Call{Args: Args{"text": {secretText}, secretArg: {how}}, Session: id})
	if entry.Call.State == Accepted {
		r.Session.secrets.keep(entry.Call.ID, text)
	}
	return entry, nil
}

// Erase deletes the message of a call that was a secret, if it was shown. A
// *UserError says that the person has to do it.
func (s *Sessions) Erase(ctx context.Context, c Call) error {
	if c.Args.Text(secretArg) != secretShown {
		return nil
	}
	eraser, ok := s.Deliver.Adapter(c.Claim.Thread.Adapter).(Eraser)
	if !ok {
		return nil // what is typed at a terminal is no message that stays
	}
	if err := eraser.Erase(ctx, c.Claim.Thread, c.Message); err != nil {
		return &UserError{Text: "I could not delete your message with the secret: delete it yourself.", Err: err}
	}
	return nil
}

// AskPrivately asks the person in their private chat for the secret that a
// session wants.
func (s *Sessions) AskPrivately(ctx context.Context, p Principal, id SessionID) error {
	session, err := s.Store.Session(ctx, id)
	if err != nil {
		return fmt.Errorf("read session %s: %w", id, err)
	}
	if err := s.mayType(ctx, p, session); err != nil {
		return err
	}
	if !s.Hidden(ctx, id) {
		return Userf("Session %s asks for nothing now.", id)
	}
	th, ok := s.Deliver.Direct(p.Account())
	if !ok {
		return Userf("There are no private chats here.")
	}
	ask := Delivery{Thread: th, Final: true, Post: Post{Text: []Span{
		{Style: Bold, Text: clip(session.Title, 80)},
		{Text: " (session " + string(id) + ") asks for a secret. Write it here within two minutes: I type it in, delete your message and keep no record of it."},
	}}}
	if err := s.Store.Put(ctx, ask); err != nil {
		return fmt.Errorf("ask for a secret in private: %w", err)
	}
	s.Deliver.Due(ask)
	s.secrets.await(th, id)
	return nil
}

// askSecret is what a page says while its program asks for a secret.
func (w *watcher) askSecret() string {
	switch {
	case w.lim.Stream:
		return "It asks for a secret."
	case w.lim.Form != "":
		return "🔒 It asks for a secret. Press “" + w.lim.Form + "” to write it: it is not shown, and not recorded."
	case w.session.Claim.Direct:
		return "🔒 It asks for a secret. Your next message is typed in and deleted, and not recorded."
	}
	return "🔒 It asks for a secret. Do not write it here: press “Answer in private”."
}
