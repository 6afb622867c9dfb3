package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// This file makes calls of what people write.

// text makes an entry of a written message.
func (r *Reception) text(ctx context.Context, m Message, p Principal) (*Entry, error) {
	about, err := r.about(ctx, m)
	if err != nil {
		return nil, err
	}
	line, isCommand := r.command(ctx, m, about)
	if !isCommand {
		return r.plain(ctx, m, p, about)
	}
	c, args, err := r.parse(m, line)
	if err != nil {
		if c.Name == "" && !m.Direct && !m.Addressed {
			// In a group, a word with a slash may be meant for another bot.
			return nil, nil
		}
		return r.refuse(m, c, Failed, err.Error()), nil
	}
	if c.Name == PutCommand {
		r.noteAlbum(m, args)
	}
	return r.enter(m, p, c, Call{Args: args, Session: about}), nil
}

// parse reads a command, which may take a block of code of its own.
func (r *Reception) parse(m Message, line string) (Command, Args, error) {
	name, _ := cutWord(line)
	c, ok := r.Parser.Command(name)
	if m.Code == nil || !ok || len(m.Text) > MaxText {
		return r.Parser.Parse(line)
	}
	shift := len(m.Text) - len(line) // the line is the end of the text
	block := *m.Code
	block.From, block.To = block.From-shift, block.To-shift
	if !c.Code {
		return r.Parser.Parse(block.bare(line))
	}
	c, args, err := r.Parser.Parse(block.without(line))
	if err == nil {
		args = block.args(args)
	}
	return c, args, err
}

// command tells whether the text is a command, and gives it without its slash.
func (r *Reception) command(ctx context.Context, m Message, about SessionID) (string, bool) {
	text := strings.TrimLeft(m.Text, " \t\r\n")
	switch {
	case strings.HasPrefix(text, "//"):
		return "", false // a literal slash for a program
	case strings.HasPrefix(text, "/") && len(text) > 1:
		return text[1:], true
	case r.Deliver.Limits(m.Thread).Stream && about == "" && text != "":
		// A terminal is a command line: words are commands, but while a
		// session has the keyboard.
		return text, !r.Session.HasKeyboard(ctx, m.Thread)
	}
	return "", false
}

// plain makes an entry of text that is no command: input for a session. Which
// one is decided when its turn comes, since a command before it may be about
// to start it; here only a reply or a topic of its own is looked at.
func (r *Reception) plain(ctx context.Context, m Message, p Principal, about SessionID) (*Entry, error) {
	if id, asked := r.Session.asksSecret(ctx, m, about); asked && m.Text != "" && len(m.Text) <= MaxText {
		return r.secret(m, p, id)
	}
	if entry, ok, err := r.continued(ctx, m, p, about); ok || err != nil {
		return entry, err
	}
	handed := m.Addressed && (len(m.Attachments) > 0 || m.Code != nil)
	if about == "" && !m.Direct && !handed && !r.answersUs(m) && !r.Session.HasForeground(ctx, m.Thread) {
		return nil, nil // people talking to each other
	}
	if len(m.Text) > MaxText {
		return r.refuse(m, Command{}, Failed, fmt.Sprintf("That is %d kB of text; a message may have %d.", len(m.Text)>>10, MaxText>>10)), nil
	}
	if entry, ok, err := r.attached(ctx, m, p, about); ok || err != nil {
		return entry, err
	}
	if entry, ok := r.code(ctx, m, p, about); ok {
		return entry, nil
	}
	c, ok := r.Parser.Command(InputCommand)
	if !ok {
		return nil, fmt.Errorf("no command %q is declared", InputCommand)
	}
	text := m.Code.bare(m.Text)
	if strings.HasPrefix(text, "//") {
		text = text[1:]
	}
	return r.enter(m, p, c, Call{Args: Args{"text": {text}}, Session: about}), nil
}

// answersUs reports whether the message is a reply to us where a session lives:
// it may be one to a page that is not yet known to have been posted.
func (r *Reception) answersUs(m Message) bool {
	return m.ReplyTo != "" && m.Addressed && r.Session.livesIn(m.Thread.Room())
}

// about is the session that the message is about by being a reply to one of
// its messages; empty when it is none.
func (r *Reception) about(ctx context.Context, m Message) (id SessionID, err error) {
	if m.ReplyTo == "" {
		return "", nil
	}
	room := m.Thread.Room()
	waiting := r.untilRecorded(ctx, room, func() bool {
		id, err = r.Store.BoundTo(ctx, room, m.ReplyTo)
		return !errors.Is(err, ErrNotFound)
	})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return id, cmp.Or(waiting, err)
}

// untilRecorded looks until it has found the message that somebody answered, or
// nothing new is on its way to their chat. They can answer before we have
// recorded that it was posted; that is waited for a little.
func (r *Reception) untilRecorded(ctx context.Context, room Thread, found func() bool) error {
	for deadline := time.Now().Add(boundWait); ; {
		sending := r.Deliver.Sending(room) // before looking: it may be recorded in between
		if found() || !sending || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-time.After(boundWait / 20):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
