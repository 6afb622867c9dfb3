package telegramtest

import (
	"encoding/json"
	"strconv"
	"strings"
)

// sendMessage stores a text message.
func (s *Server) sendMessage(rq *request) error {
	if rq.arg("text") == "" {
		return badRequest("message text is empty")
	}
	text, entities, err := s.textOf(rq, "text", "entities")
	if err != nil {
		return err
	}
	m, err := s.draftMessage(rq, "text")
	if err != nil {
		return err
	}
	switch {
	case text == "":
		return badRequest("text must be non-empty")
	case runes(text) > maxText:
		return badRequest("message is too long")
	}
	m.Text, m.Entities = text, entities
	m.NoPreview = rq.noPreview()
	return s.post(rq, m)
}

// noPreview reads both forms of the option.
func (rq *request) noPreview() bool {
	if o := rq.arg("link_preview_options"); o != "" {
		var options struct {
			Disabled bool `json:"is_disabled"`
		}
		return json.Unmarshal([]byte(o), &options) == nil && options.Disabled
	}
	return rq.flag("disable_web_page_preview")
}

// draftMessage checks what all sends have in common (chat, reply, thread,
// rights, markup) and prepares the message. kind is what the rights are about.
func (s *Server) draftMessage(rq *request, kind string) (*message, error) {
	reply, err := parseReply(rq)
	if err != nil {
		return nil, err
	}
	keys, err := parseMarkup(rq.arg("reply_markup"))
	if err != nil {
		return nil, err
	}
	c, err := s.chatToWrite(rq)
	if err != nil {
		return nil, err
	}
	m := &message{chat: c, from: s.bot}
	m.FromBot = true
	if m.Topic, err = c.threadOf(rq); err != nil {
		return nil, err
	}
	if reply.message != 0 {
		target := c
		if reply.chat != 0 && reply.chat != c.id {
			target = s.chats[reply.chat]
		}
		var answered *message
		if target != nil {
			answered = target.lookup(reply.message)
		}
		switch {
		case answered == nil && !reply.optional:
			return nil, badRequest("message to be replied not found")
		case answered == nil:
			rq.remark("the message to be replied was not found")
		case target == c:
			m.ReplyTo = answered.ID
			if m.Topic == 0 {
				m.Topic = answered.Topic
				if t := c.topics[m.Topic]; t != nil && t.Closed {
					return nil, badRequest("TOPIC_CLOSED")
				}
			}
		}
	}
	if err := c.may(kind); err != nil {
		return nil, err
	}
	m.Keyboard, m.ReplyMarkup = keys.keyboard, keys.other
	m.Silent = rq.flag("disable_notification")
	m.Protected = rq.flag("protect_content")
	return m, nil
}

// post stores a message, if flood control lets it, and answers with it.
func (s *Server) post(rq *request, m *message) error {
	if err := s.throttle(&m.chat.sends, 1, true); err != nil {
		return err
	}
	s.commit(rq, m)
	rq.out = appendMessage(rq.out, m, true)
	return nil
}

// commit stores a message of the bot.
func (s *Server) commit(rq *request, m *message) {
	m.Date = s.now()
	m.chat.add(m)
	delete(m.chat.drafts, m.Topic) // any message ends the draft
	rq.call.MessageID = m.ID
}

// reply is what a send wants to answer.
type reply struct {
	message  int
	chat     int64
	optional bool // allow_sending_without_reply
}

func parseReply(rq *request) (reply, error) {
	text := rq.arg("reply_parameters")
	if text == "" {
		return reply{message: rq.messageID("reply_to_message_id"), optional: rq.flag("allow_sending_without_reply")}, nil
	}
	var sent struct {
		Message  *jsonNumber     `json:"message_id"`
		Chat     json.RawMessage `json:"chat_id"`
		Optional bool            `json:"allow_sending_without_reply"`
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || json.Unmarshal([]byte(text), &sent) != nil {
		return reply{}, badRequest("can't parse reply parameters JSON object")
	}
	if sent.Message == nil {
		return reply{}, badRequest(`can't parse reply parameters: Can't find field "message_id"`)
	}
	r := reply{message: int(*sent.Message), optional: sent.Optional}
	if len(sent.Chat) > 0 {
		r.chat, _ = strconv.ParseInt(strings.Trim(string(sent.Chat), `"`), 10, 64)
	}
	return r, nil
}
