package telegramtest

import (
	"cmp"
	"slices"
)

// generalTopic is the thread id of a forum's General topic; only
// sendChatAction takes it.
const generalTopic = 1

// maxTopicName is the longest name of a topic, in code points.
const maxTopicName = 128

// Topic is a topic as it is now.
type Topic struct {
	ID     int
	Name   string
	Icon   string // custom emoji id
	Closed bool
	ByBot  bool // made by the bot under test
}

type topic struct{ Topic }

// AddTopic makes a topic as the given user or, with nil, as an anonymous
// administrator would, and returns its id. The bot gets the service message.
func (c *Chat) AddTopic(name string, by *User) int {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if !c.hasTopics() {
		panic("telegramtest: a topic in a chat without topics")
	}
	if by == nil && c.kind == PrivateChat {
		by = c.user
	}
	return c.openTopic(name, "", by).ID
}

func (c *Chat) openTopic(name, icon string, by *User) *topic {
	b := member([]byte{'{'}, "name", name)
	b = memberInt(b, "icon_color", 7322096)
	if icon != "" {
		b = member(b, "icon_custom_emoji_id", icon)
	}
	// The topic's id is the id of this message, so it is known only after it
	// has been added; announce comes last.
	m := c.service(by, "forum_topic_created", string(append(b, '}')), 0)
	t := &topic{Topic{ID: m.ID, Name: name, Icon: icon, ByBot: m.FromBot}}
	c.topics[t.ID] = t
	return t
}

// CloseTopic closes a topic: the bot can no longer write into it.
func (c *Chat) CloseTopic(id int) { c.setClosed(id, true, nil) }

// ReopenTopic undoes CloseTopic.
func (c *Chat) ReopenTopic(id int) { c.setClosed(id, false, nil) }

func (c *Chat) setClosed(id int, closed bool, by *User) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	t := c.topics[id]
	if t == nil {
		panic("telegramtest: no such topic")
	}
	c.toggle(t, closed, by)
}

func (c *Chat) toggle(t *topic, closed bool, by *User) {
	t.Closed = closed
	name := "forum_topic_reopened"
	if closed {
		name = "forum_topic_closed"
	}
	c.service(by, name, "{}", t.ID)
}

// DeleteTopic deletes a topic and its messages; the bot is not told.
func (c *Chat) DeleteTopic(id int) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.removeTopic(id)
}

func (c *Chat) removeTopic(id int) {
	delete(c.topics, id)
	for _, m := range c.messages {
		if m.Topic == id {
			m.Deleted, m.TopicGone = true, true
			m.Generation++
		}
	}
	c.srv.notify()
}

// Topics lists the topics that exist, oldest first, without General.
func (c *Chat) Topics() []Topic {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	var all []Topic
	for _, t := range c.topics {
		all = append(all, t.Topic)
	}
	slices.SortFunc(all, func(a, b Topic) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// threadOf is the topic that a call wants to write into.
func (c *Chat) threadOf(rq *request) (int, error) {
	id := rq.messageID("message_thread_id")
	if id == 0 {
		return 0, nil
	}
	if !c.hasTopics() {
		rq.remark("message_thread_id was ignored")
		return 0, nil
	}
	t := c.topics[id]
	if t == nil { // General's id too
		return 0, badRequest("message thread not found")
	}
	if t.Closed {
		return 0, badRequest("TOPIC_CLOSED")
	}
	return id, nil
}

func (s *Server) createForumTopic(rq *request) error {
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	if !c.hasTopics() {
		return badRequest("the chat is not a forum")
	}
	if c.kind == Forum && !(c.rights.Admin && c.rights.ManageTopics) {
		return badRequest("not enough rights to create a topic")
	}
	name, err := topicName(rq.arg("name"))
	if err != nil {
		return err
	}
	if err := s.throttle(&c.sends, 1, true); err != nil {
		return err
	}
	t := c.openTopic(name, rq.arg("icon_custom_emoji_id"), s.bot)
	rq.call.MessageID = t.ID
	b := memberInt(append(rq.out, '{'), "message_thread_id", t.ID)
	b = member(b, "name", t.Name)
	b = memberInt(b, "icon_color", 7322096)
	if t.Icon != "" {
		b = member(b, "icon_custom_emoji_id", t.Icon)
	}
	rq.out = append(b, '}')
	return nil
}

// topicName checks a name: 1..128 characters with something to see.
func topicName(sent string) (string, error) {
	name, _, err := clean(sent, nil)
	if err != nil {
		return "", err
	}
	name, _ = trim(name, nil)
	switch {
	case blank(name):
		return "", badRequest("TOPIC_TITLE_EMPTY")
	case runes(name) > maxTopicName:
		return "", badRequest("TOPIC_TITLE_TOO_LONG")
	}
	return name, nil
}

// topicToChange is the topic of a call that changes one.
func (s *Server) topicToChange(rq *request) (*Chat, *topic, error) {
	c, err := s.chatToWrite(rq)
	if err != nil {
		return nil, nil, err
	}
	if !c.hasTopics() {
		return nil, nil, badRequest("the chat is not a forum")
	}
	t := c.topics[rq.messageID("message_thread_id")]
	if t == nil {
		return nil, nil, badRequest("TOPIC_ID_INVALID")
	}
	if c.kind == Forum && !t.ByBot && !(c.rights.Admin && c.rights.ManageTopics) {
		return nil, nil, badRequest("not enough rights to manage topics in the chat")
	}
	return c, t, nil
}

func (s *Server) editForumTopic(rq *request) error {
	c, t, err := s.topicToChange(rq)
	if err != nil {
		return err
	}
	name, icon := t.Name, t.Icon
	if rq.arg("name") != "" {
		if name, err = topicName(rq.arg("name")); err != nil {
			return err
		}
	}
	if rq.has("icon_custom_emoji_id") {
		icon = rq.arg("icon_custom_emoji_id")
	}
	if name == t.Name && icon == t.Icon {
		return badRequest("TOPIC_NOT_MODIFIED")
	}
	b := []byte{'{'}
	if name != t.Name {
		b = member(b, "name", name)
	}
	if icon != t.Icon {
		b = member(b, "icon_custom_emoji_id", icon)
	}
	t.Name, t.Icon = name, icon
	c.service(s.bot, "forum_topic_edited", string(append(b, '}')), t.ID)
	return rq.success()
}

func (s *Server) closeForumTopic(rq *request) error { return s.toggleForumTopic(rq, true) }

func (s *Server) reopenForumTopic(rq *request) error { return s.toggleForumTopic(rq, false) }

func (s *Server) toggleForumTopic(rq *request, closed bool) error {
	c, t, err := s.topicToChange(rq)
	if err != nil {
		return err
	}
	if t.Closed == closed {
		return badRequest("TOPIC_NOT_MODIFIED")
	}
	c.toggle(t, closed, s.bot)
	return rq.success()
}

func (s *Server) deleteForumTopic(rq *request) error {
	c, t, err := s.topicToChange(rq)
	if err != nil {
		return err
	}
	if c.kind == Forum && !(c.rights.Admin && c.rights.DeleteMessages) && !t.ByBot {
		return badRequest("not enough rights to delete the topic")
	}
	c.removeTopic(t.ID)
	return rq.success()
}
