package telegramtest

import (
	"encoding/json"
	"slices"
	"time"
)

const notModified = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

// deletable is how long after sending a message can be deleted.
const deletable = 48 * time.Hour

// toEdit is the message that an edit means, with the markup it shall have.
func (s *Server) toEdit(rq *request) (*message, markup, error) {
	keys, err := parseMarkup(rq.arg("reply_markup"))
	if err != nil {
		return nil, keys, err
	}
	if rq.arg("chat_id") == "" && rq.messageID("message_id") == 0 {
		return nil, keys, badRequest("message identifier is not specified")
	}
	c, err := s.chatToWrite(rq)
	if err != nil {
		return nil, keys, err
	}
	m := c.lookup(rq.messageID("message_id"))
	switch {
	case m == nil:
		return nil, keys, badRequest("message to edit not found")
	case !m.FromBot, m.Forwarded, m.ReplyMarkup, m.Service != "":
		return nil, keys, badRequest("message can't be edited")
	case keys.other:
		return nil, keys, badRequest("inline keyboard expected")
	}
	return m, keys, nil
}

// finishEdit counts the edit against the chat's budget, applies it if it
// changes something, and answers with the message.
func (s *Server) finishEdit(rq *request, m *message, changed bool, apply func()) error {
	if err := s.throttle(&m.chat.sends, 1, true); err != nil {
		return err
	}
	if !changed {
		return badRequest(notModified)
	}
	apply()
	m.Edited = s.now()
	m.EditCount++
	m.revise(s)
	rq.call.MessageID = m.ID
	rq.out = appendMessage(rq.out, m, true)
	return nil
}

func (s *Server) editMessageText(rq *request) error {
	if rq.arg("text") == "" {
		return badRequest("message text is empty")
	}
	text, entities, err := s.textOf(rq, "text", "entities")
	if err != nil {
		return err
	}
	m, keys, err := s.toEdit(rq)
	switch {
	case err != nil:
		return err
	case m.File != nil:
		return badRequest("there is no text in the message to edit")
	case text == "":
		return badRequest("text must be non-empty")
	case runes(text) > maxText:
		return badRequest("MESSAGE_TOO_LONG")
	}
	changed := text != m.Text || !slices.Equal(entities, m.Entities) || !sameKeyboard(keys.keyboard, m.Keyboard)
	return s.finishEdit(rq, m, changed, func() {
		m.Text, m.Entities, m.Keyboard = text, entities, keys.keyboard
		m.NoPreview = rq.noPreview()
	})
}

func (s *Server) editMessageCaption(rq *request) error {
	text, entities, err := s.textOf(rq, "caption", "caption_entities")
	if err != nil {
		return err
	}
	m, keys, err := s.toEdit(rq)
	switch {
	case err != nil:
		return err
	case m.File == nil:
		return badRequest("there is no caption in the message to edit")
	case runes(text) > maxCaption:
		return badRequest("message caption is too long")
	}
	changed := text != m.Caption || !slices.Equal(entities, m.CaptionEntities) || !sameKeyboard(keys.keyboard, m.Keyboard)
	return s.finishEdit(rq, m, changed, func() {
		m.Caption, m.CaptionEntities, m.Keyboard = text, entities, keys.keyboard
	})
}

func (s *Server) editMessageReplyMarkup(rq *request) error {
	m, keys, err := s.toEdit(rq)
	if err != nil {
		return err
	}
	changed := !sameKeyboard(keys.keyboard, m.Keyboard)
	return s.finishEdit(rq, m, changed, func() { m.Keyboard = keys.keyboard })
}

func (s *Server) editMessageMedia(rq *request) error {
	sent := rq.arg("media")
	if sent == "" {
		return badRequest(`parameter "media" is required`)
	}
	item, err := parseInputMedia([]byte(sent))
	if err != nil {
		return err
	}
	f, err := s.inputFile(rq, item.Type, item.Media)
	if err != nil {
		return err
	}
	caption, entities, err := s.formatted(rq, item.Caption, item.ParseMode, string(item.Entities))
	if err != nil {
		return err
	}
	m, keys, err := s.toEdit(rq)
	switch {
	case err != nil:
		return err
	case m.File != nil && m.File.Kind == "voice", m.AlbumID != "" && m.File.Kind != item.Type && (m.File.Kind == "document" || item.Type == "document"):
		return badRequest("message media can't be edited")
	case runes(caption) > maxCaption:
		return badRequest("message caption is too long")
	}
	if f.ID == "" {
		f.describe(item)
	}
	changed := m.File == nil || m.File.ID != f.ID || caption != m.Caption || !slices.Equal(entities, m.CaptionEntities) ||
		!sameKeyboard(keys.keyboard, m.Keyboard)
	return s.finishEdit(rq, m, changed, func() {
		s.adopt(rq, f)
		m.Text, m.Entities = "", nil // text becomes media
		m.File, m.Caption, m.CaptionEntities, m.Keyboard = f, caption, entities, keys.keyboard
	})
}

// mayDelete tells why a message cannot be deleted, nil if it can.
func (s *Server) mayDelete(c *Chat, m *message) error {
	own := m.FromBot || c.kind == PrivateChat || c.rights.Admin && c.rights.DeleteMessages
	if !own || s.now().Sub(m.Date) > deletable {
		return badRequest("message can't be deleted")
	}
	return nil
}

func (s *Server) remove(m *message) {
	m.Deleted = true
	m.Generation++
	s.notify()
}

func (s *Server) deleteMessage(rq *request) error {
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	m := c.lookup(rq.messageID("message_id"))
	if m == nil {
		return badRequest("message to delete not found")
	}
	if err := s.mayDelete(c, m); err != nil {
		return err
	}
	s.remove(m)
	rq.call.MessageID = m.ID
	return rq.success()
}

// deleteMessages skips what does not exist.
func (s *Server) deleteMessages(rq *request) error {
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	var ids []jsonNumber
	switch err := json.Unmarshal([]byte(rq.arg("message_ids")), &ids); {
	case err != nil:
		return badRequest("can't parse message identifiers JSON array")
	case len(ids) == 0:
		return badRequest("message identifiers are not specified")
	case len(ids) > 100:
		return badRequest("too many messages specified")
	}
	for _, id := range ids {
		if m := c.lookup(int(id)); m != nil {
			if err := s.mayDelete(c, m); err != nil {
				return err
			}
		}
	}
	for _, id := range ids {
		if m := c.lookup(int(id)); m != nil {
			s.remove(m)
		}
	}
	return rq.success()
}

// pinChatMessage keeps a message in sight. Whoever follows the chat sees a
// service message about it, which takes an id.
func (s *Server) pinChatMessage(rq *request) error {
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	m := c.lookup(rq.messageID("message_id"))
	switch {
	case m == nil:
		return badRequest("message to pin not found")
	case m.Service != "":
		return badRequest("message can't be pinned")
	case c.kind != PrivateChat && !(c.rights.Admin && c.rights.PinMessages):
		return badRequest("not enough rights to manage pinned messages in the chat")
	}
	silent := rq.flag("disable_notification")
	if m.Pinned {
		return rq.success()
	}
	m.Pinned = true
	m.Generation++
	note := c.service(s.bot, "pinned_message", string(appendMessage(nil, m, false)), m.Topic)
	note.Silent = silent
	rq.call.MessageID = m.ID
	s.notify()
	return rq.success()
}

// standardReactions are the emoji that everybody may use (Bot API,
// ReactionTypeEmoji).
var standardReactions = func() map[string]bool {
	set := make(map[string]bool)
	for _, e := range []string{"❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩",
		"🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓",
		"🍾", "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅",
		"🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂", "🤷", "🤷\u200d♀", "😡"} {
		set[e] = true
	}
	return set
}()

func (s *Server) setMessageReaction(rq *request) error {
	var sent []struct {
		Type  string `json:"type"`
		Emoji string `json:"emoji"`
	}
	if r := rq.arg("reaction"); r != "" {
		if err := json.Unmarshal([]byte(r), &sent); err != nil {
			return badRequest("can't parse reaction types JSON object")
		}
	}
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	m := c.lookup(rq.messageID("message_id"))
	switch {
	case m == nil:
		return badRequest("message to react not found")
	case len(sent) > 1:
		return badRequest("REACTIONS_TOO_MANY")
	case len(sent) == 0:
		m.Reaction = ""
	case sent[0].Type != "emoji" || !standardReactions[sent[0].Emoji], c.reactions != nil && !c.reactions[sent[0].Emoji]:
		return badRequest("REACTION_INVALID")
	default:
		m.Reaction = sent[0].Emoji
	}
	m.Generation++
	rq.call.MessageID = m.ID
	s.notify()
	return rq.success()
}
