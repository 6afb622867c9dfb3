package telegram

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"chapi/bot"
)

// sending is an Outgoing in the network's terms.
type sending struct {
	chat     int64
	topic    int // 0 = none
	target   int // message to edit, 0 = post
	reply    int // message to answer, 0 = none
	text     string
	entities []models.MessageEntity
	keyboard models.ReplyMarkup // nil interface = none
	silent   bool
	media    *bot.Media
	file     *bot.Content // nil for an edit that leaves the media as it is
}

// Send implements bot.Adapter. It makes one attempt and does not wait for
// rate limits. A file goes out as it is on disk. An edit replaces the media when
// it has a file, and else changes caption and keyboard only; a text can become
// media, media cannot become a text (bot.TargetGone).
func (a *Adapter) Send(ctx context.Context, out bot.Outgoing) (bot.Receipt, error) {
	s, err := a.prepare(out)
	if err != nil {
		return bot.Receipt{}, err
	}
	var id int64
	switch {
	case s.target != 0:
		id, err = int64(s.target), a.edit(ctx, s, s.target)
	case out.Doubt:
		id, err = a.repost(ctx, s, out)
	default:
		id, err = a.post(ctx, s)
	}
	if err != nil {
		return bot.Receipt{}, sendError(err)
	}
	a.places.see(sighting{chat: s.chat, message: id})
	return bot.Receipt{Message: formatID(id), At: time.Now()}, nil
}

// prepare checks what can be checked without the network.
func (a *Adapter) prepare(out bot.Outgoing) (*sending, error) {
	chat, topic, err := place(out.Thread)
	if err != nil {
		return nil, refused(bot.ChatGone, err)
	}
	s := &sending{chat: chat, topic: topic, silent: out.Post.Silent, media: out.Post.Media, file: out.File}
	if out.Target != "" {
		if s.target, err = messageID(out.Target); err != nil {
			return nil, refused(bot.TargetGone, err)
		}
	}
	// The message to be answered may be of a network that it was moved from.
	s.reply, _ = messageID(out.ReplyTo)
	if out.Post.Output != nil {
		return nil, refused(bot.Other, errors.New("telegram takes pages, not raw output"))
	}
	c := compose(out.Post.Text)
	s.text, s.entities, s.keyboard = c.text, c.entities, keyboardOf(out.Post.Keyboard)
	if s.media == nil {
		switch {
		case c.units > maxText:
			return nil, refused(bot.TooLarge, fmt.Errorf("text of %d utf-16 units, limit %d", c.units, maxText))
		case c.text == "":
			return nil, refused(bot.Other, errors.New("text is empty"))
		}
		return s, nil
	}
	if c.units > maxCaption {
		return nil, refused(bot.TooLarge, fmt.Errorf("caption of %d utf-16 units, limit %d", c.units, maxCaption))
	}
	if s.file == nil {
		if s.target != 0 {
			return s, nil
		}
		return nil, refused(bot.Other, errors.New("media without a file"))
	}
	if limit := a.Limits(out.Thread).Upload; s.file.Size > limit {
		return nil, refused(bot.TooLarge, fmt.Errorf("file of %d bytes, limit %d", s.file.Size, limit))
	}
	return s, nil
}

// post sends something new and returns its message id.
func (a *Adapter) post(ctx context.Context, s *sending) (id int64, err error) {
	send := a.postText
	if s.media != nil {
		send = a.transfer
	}
	if id, err = send(ctx, s); entitiesRefused(err) {
		a.log.Error("entities refused: posting without", "chat", s.chat, "err", err)
		id, err = send(ctx, s.plain())
	}
	return id, err
}

func (a *Adapter) postText(ctx context.Context, s *sending) (int64, error) {
	_, id, err := call(ctx, func(ctx context.Context) (*models.Message, error) {
		return a.api.SendMessage(ctx, &tg.SendMessageParams{
			ChatID:              s.chat,
			MessageThreadID:     s.topic,
			Text:                s.text,
			Entities:            s.entities,
			LinkPreviewOptions:  noPreview(),
			DisableNotification: s.silent,
			ReplyParameters:     s.replyParameters(),
			ReplyMarkup:         s.keyboard,
		})
	})
	return posted(id, err)
}

// posted turns the impossible, an accepted post without an id, into doubt.
func posted(id int64, err error) (int64, error) {
	if err == nil && id == 0 {
		return 0, &callError{Method: "send", Begun: true, Err: errors.New("accepted without a message id")}
	}
	return id, err
}

// edit changes message id to what s says. Content that is there already is
// success.
func (a *Adapter) edit(ctx context.Context, s *sending, id int) error {
	err := a.editOnce(ctx, s, id)
	if entitiesRefused(err) {
		a.log.Error("entities refused: editing without", "chat", s.chat, "err", err)
		err = a.editOnce(ctx, s.plain(), id)
	}
	if says(err, "message is not modified") {
		return nil
	}
	return err
}

func (a *Adapter) editOnce(ctx context.Context, s *sending, id int) error {
	if s.target != 0 && s.file != nil {
		_, err := a.transfer(ctx, s)
		return err
	}
	_, _, err := call(ctx, func(ctx context.Context) (*models.Message, error) {
		if s.media != nil {
			return a.api.EditMessageCaption(ctx, &tg.EditMessageCaptionParams{
				ChatID:          s.chat,
				MessageID:       id,
				Caption:         s.text,
				CaptionEntities: s.entities,
				ReplyMarkup:     s.keyboard,
			})
		}
		return a.api.EditMessageText(ctx, &tg.EditMessageTextParams{
			ChatID:             s.chat,
			MessageID:          id,
			Text:               s.text,
			Entities:           s.entities,
			LinkPreviewOptions: noPreview(),
			ReplyMarkup:        s.keyboard,
		})
	})
	return err
}

// probeRange is how many message ids behind a mark are tried, and probeMost how
// far behind it they are at most: those known to be others are passed over.
const (
	probeRange = 10
	probeMost  = 256
)

// repost looks whether a post of doubtful fate is there before posting again.
// The network has no key by which it could tell a repetition, but ids are
// consecutive and one's own messages can be edited: a message behind the mark
// of an attempt that accepts this very content is the post, and is up to date
// then. A message of somebody else, of another chat or of another kind refuses,
// and an earlier text of ours would not: those are known to out.Ours. A later
// one is not there, because a chat has one text on its way at a time.
func (a *Adapter) repost(ctx context.Context, s *sending, out bot.Outgoing) (int64, error) {
	// What it answers is older than the post. After a restart a mark may be
	// older still.
	marks := parseMarks(out.Mark)
	if len(marks) == 0 {
		marks = []int64{0}
	}
	search := probe{chat: s.chat, marks: out.Mark}
	from, next := a.places.resume(search), int64(0)
	for _, mark := range marks {
		if mark = max(mark, int64(s.reply)); mark == 0 {
			continue
		}
		left := probeRange
		for id := mark + 1; left > 0 && id <= mark+probeMost; id++ {
			if a.places.taken(s.chat, id) || out.Ours != nil && out.Ours(formatID(id)) {
				continue
			}
			left--
			if id < max(from, next) {
				continue // tried before, for this mark or for an older one
			}
			next = id + 1
			err := a.edit(ctx, s, int(id))
			if err == nil {
				a.places.breakOff(search, 0)
				a.log.Info("found a post whose answer was lost", "chat", s.chat, "message", id)
				return id, a.refresh(ctx, s, int(id))
			}
			if !otherMessage(err) {
				a.places.breakOff(search, id)
				return 0, stillInDoubt(err)
			}
		}
	}
	a.places.breakOff(search, 0)
	return a.post(ctx, s)
}

// refresh gives a picture that was found the content that it has by now: only
// its caption was looked at.
func (a *Adapter) refresh(ctx context.Context, s *sending, id int) error {
	if s.media == nil || s.media.Kind != bot.Picture {
		return nil // the same text, or a file that is made once
	}
	found := *s
	found.target = id
	if err := a.edit(ctx, &found, id); err != nil {
		return stillInDoubt(err)
	}
	return nil
}

// otherMessage is true when an edit was refused because of what is, or is not,
// there.
func otherMessage(err error) bool {
	return targetGone(err) || says(err, "there is no caption")
}

// stillInDoubt is the failure of a search: nothing is known that was not known
// before, even if this request itself was not sent.
func stillInDoubt(err error) error {
	e := sendError(err)
	if e.Outcome == bot.NotSent {
		e.Outcome = bot.Unknown
	}
	return e
}

func (s *sending) plain() *sending {
	p := *s
	p.entities = nil
	return &p
}

func (s *sending) replyParameters() *models.ReplyParameters {
	if s.reply == 0 {
		return nil
	}
	return &models.ReplyParameters{MessageID: s.reply, AllowSendingWithoutReply: true}
}

func noPreview() *models.LinkPreviewOptions {
	return &models.LinkPreviewOptions{IsDisabled: tg.True()}
}

func refused(why bot.SendReason, err error) *bot.SendError {
	return &bot.SendError{Outcome: bot.RefusedSend, Reason: why, Err: err}
}

// setupRetry is how long posts wait while the token or the server's address is
// wrong: it is not the post that is refused, and a person has to mend it.
const setupRetry = time.Minute

// sendError is what the core needs to know of a failure. Errors that are no
// *callError come from before the request was made.
func sendError(err error) *bot.SendError {
	var se *bot.SendError
	if errors.As(err, &se) {
		return se
	}
	var ce *callError
	if !errors.As(err, &ce) {
		return refused(bot.Other, err)
	}
	e := &bot.SendError{RetryAfter: ce.RetryAfter, Err: ce}
	code := ce.Code
	if code == 0 {
		code = ce.Status
	}
	switch {
	case code == 0 && !ce.Begun:
		e.Outcome = bot.NotSent
	case code < 300, code >= 500:
		// A server that fails, or whose answer is lost, may have done it: it
		// goes on when the client has left.
		e.Outcome = bot.Unknown
	case code == 429:
		e.Outcome = bot.NotSent
	case code == 401, code == 404, code == 421, ce.says("logged out"):
		e.Outcome, e.RetryAfter = bot.NotSent, max(e.RetryAfter, setupRetry)
	case code == 413:
		e.Outcome, e.Reason = bot.RefusedSend, bot.TooLarge
	case ce.Code == 0: // something in between, such as a portal's page
		e.Outcome, e.RetryAfter = bot.NotSent, max(e.RetryAfter, setupRetry)
	default:
		e.Outcome, e.Reason = bot.RefusedSend, reasonOf(ce)
		if e.Reason == bot.Moved {
			e.To = bot.ChatID(strconv.FormatInt(ce.MigrateTo, 10))
		}
	}
	return e
}

// reasonOf reads the server's texts. They are matched here and in the small
// functions below, and nowhere else.
func reasonOf(ce *callError) bot.SendReason {
	switch {
	case ce.MigrateTo != 0:
		return bot.Moved
	case targetGone(ce):
		return bot.TargetGone
	case says(ce, "message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", "TOPIC_ID_INVALID"):
		return bot.ThreadGone
	case says(ce, "is too long", "MESSAGE_TOO_LONG", "is too big", "too large"):
		return bot.TooLarge
	case says(ce, "not enough rights to send text", "have no rights to send a message", "CHAT_WRITE_FORBIDDEN"):
		return bot.ChatGone
	case says(ce, "not enough rights"): // to send this kind of thing
		return bot.Other
	case ce.Code == 403, says(ce, "chat not found", "chat was deactivated", "chat was deleted", "PEER_ID_INVALID"):
		return bot.ChatGone
	default:
		return bot.Other
	}
}

// targetGone is true when a message cannot be edited as meant and never will.
func targetGone(err error) bool {
	return says(err, "message to edit not found", "message can't be edited", "there is no text in the message", "media can't be edited", "MESSAGE_ID_INVALID")
}

// entitiesRefused is true when only the formatting was wrong.
func entitiesRefused(err error) bool {
	return says(err, "can't parse messageentity", "ENTITIES_TOO_LONG", "ENTITY_BOUNDS_INVALID", "entity begin", "entity end")
}
