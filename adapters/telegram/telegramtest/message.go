package telegramtest

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"time"
)

// Message is a copy of one message as it stands at one moment.
type Message struct {
	Chat     int64
	ID       int
	UpdateID int   // update that carried it to the bot, 0 for the bot's own and unseen ones
	FromBot  bool  // sent by the bot under test
	From     int64 // user id
	Date     time.Time
	Edited   time.Time // zero if never

	Text            string // as stored: cleaned and trimmed
	Entities        []Entity
	Caption         string
	CaptionEntities []Entity
	Keyboard        [][]Button // inline keyboard, nil without one
	ReplyMarkup     bool       // sent with a reply keyboard, keyboard removal or force-reply

	File       *File // the document, photo, video, ... or nil
	ReplyTo    int   // message id, 0 for none
	Topic      int   // topic id, 0 for General and outside forums
	AlbumID    string
	Service    string // kind of service message, such as "forum_topic_created"
	Forwarded  bool
	Silent     bool // disable_notification
	Protected  bool // protect_content
	NoPreview  bool // link_preview_options.is_disabled
	Deleted    bool
	Pinned     bool
	Reaction   string // the bot's reaction, an emoji
	EditCount  int
	History    []Revision // contents it had, oldest first, the last is the current one
	TopicGone  bool       // its topic was deleted
	Generation int        // grows with every change of this message
}

// Revision is one content of a message.
type Revision struct {
	At       time.Time
	Text     string // or caption
	Entities []Entity
	Keyboard [][]Button
	File     *File
}

// Entity is a formatted part of a text. Offset and Length count UTF-16 code
// units of the stored text.
type Entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	User     int64  `json:"-"` // of a text_mention
	Language string `json:"language,omitempty"`
	EmojiID  string `json:"custom_emoji_id,omitempty"`
	UnixTime int64  `json:"unix_time,omitempty"`
	Format   string `json:"date_time_format,omitempty"`
}

// Button is a button of an inline keyboard.
type Button struct {
	Label string
	Data  string // callback data
	URL   string
	Copy  string // copy_text
}

// File is a file attached to a message.
type File struct {
	Kind   string // document, photo, video, animation, audio, voice, sticker
	ID     string // file_id
	Name   string
	MIME   string
	Size   int64
	Width  int
	Height int
	// Duration in seconds, as the sender claimed.
	Duration  int
	Streaming bool // supports_streaming

	data   []byte // the content, or
	path   string // of a temporary file
	claim  int64  // Size is only claimed to be this
	unique string // file_unique_id
}

// message is a message as the server keeps it.
type message struct {
	Message
	chat      *Chat
	from      *User
	sender    string // JSON of sender_chat
	via       *User
	automatic bool
	root      int    // root of the reply thread outside topics
	service   string // JSON of the service member named by Service
	extra     string // raw members
}

// add gives a message its id and keeps it.
func (c *Chat) add(m *message) {
	m.ID = c.box.next()
	m.Chat, m.chat, m.From = c.id, c, m.from.ID
	if r := c.byID[m.ReplyTo]; r != nil && m.Topic == 0 && c.isSuper() {
		m.root = cmp.Or(r.root, r.ID)
	}
	c.messages = append(c.messages, m)
	c.byID[m.ID] = m
	c.total++
	if len(c.messages) > c.srv.opts.MaxMessages {
		delete(c.byID, c.messages[0].ID)
		c.messages[0] = nil
		c.messages = c.messages[1:]
	}
	if m.FromBot {
		c.lastBot = m
	}
	m.revise(c.srv)
}

// revise records the content that a message has now.
func (m *message) revise(s *Server) {
	r := Revision{At: s.now(), Text: m.Text, Entities: m.Entities, Keyboard: m.Keyboard, File: m.File}
	if m.File != nil {
		r.Text, r.Entities = m.Caption, m.CaptionEntities
	}
	if len(m.History) >= s.opts.MaxRevisions {
		m.History = slices.Clone(m.History[len(m.History)/2+1:])
	}
	m.History = append(m.History, r)
	m.Generation++
	s.notify()
}

// copy is what callers get. What its slices hold is never changed in place.
func (m *message) copy() Message {
	out := m.Message
	out.History = slices.Clip(out.History)
	return out
}

func copies(messages []*message, keep func(*message) bool) []Message {
	out := make([]Message, 0, len(messages))
	for _, m := range messages {
		if keep(m) {
			out = append(out, m.copy())
		}
	}
	return out
}

// Messages is a copy of the chat's messages in order, deleted ones included.
func (c *Chat) Messages() []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return copies(c.messages, func(*message) bool { return true })
}

// Posts is Messages without those of people, service messages and deleted
// ones: what the bot shows in the chat now.
func (c *Chat) Posts() []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return copies(c.messages, func(m *message) bool { return m.FromBot && m.Service == "" && !m.Deleted })
}

// Since is a copy of the messages with an id above the given one. It costs only
// as much as it returns.
func (c *Chat) Since(messageID int) []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	i := sort.Search(len(c.messages), func(i int) bool { return c.messages[i].ID > messageID })
	return copies(c.messages[i:], func(*message) bool { return true })
}

// Message is a copy of one message; ok is false if it never existed.
func (c *Chat) Message(messageID int) (m Message, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	stored := c.byID[messageID]
	if stored == nil {
		return Message{}, false
	}
	return stored.copy(), true
}

// Last is a copy of the newest message that the bot sent to the chat and did
// not delete; ok is false if there is none. It does not depend on the number
// of messages.
func (c *Chat) Last() (m Message, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.lastBot == nil {
		return Message{}, false
	}
	if !c.lastBot.Deleted {
		return c.lastBot.copy(), true
	}
	for i := len(c.messages) - 1; i >= 0; i-- {
		if m := c.messages[i]; m.FromBot && !m.Deleted && m.Service == "" {
			return m.copy(), true
		}
	}
	return Message{}, false
}

// Len is the number of messages that the chat ever had.
func (c *Chat) Len() int {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.total
}

// lookup is a message that exists for the bot.
func (c *Chat) lookup(id int) *message {
	if m := c.byID[id]; m != nil && !m.Deleted {
		return m
	}
	return nil
}

// service adds a service message and tells the bot.
func (c *Chat) service(by *User, name, value string, topic int) *message {
	m := &message{from: by, service: value, Message: Message{Service: name, Date: c.srv.now(), Topic: topic}}
	if by == nil {
		m.from = anonymousAdmin
	}
	m.FromBot = m.from == c.srv.bot
	last := c.lastBot
	c.add(m)
	c.lastBot = last // a service message is no post
	if name == "forum_topic_created" {
		m.Topic = m.ID
	}
	c.announce(m)
	return m
}

// announce queues the update for a message.
func (c *Chat) announce(m *message) {
	s := c.srv
	m.UpdateID = s.enqueue("message", string(appendMessage(nil, m, true)), m.Date.Add(messageRetention))
}

// appendMessage writes a message; with reply the message that it answers too.
func appendMessage(b []byte, m *message, reply bool) []byte {
	c := m.chat
	b = memberInt(append(b, '{'), "message_id", m.ID)
	switch {
	case m.Topic != 0:
		b = memberTrue(memberInt(b, "message_thread_id", m.Topic), "is_topic_message")
	case m.root != 0:
		b = memberInt(b, "message_thread_id", m.root)
	}
	b = appendUser(key(b, "from"), m.from)
	if m.sender != "" {
		b = append(key(b, "sender_chat"), m.sender...)
	}
	b = appendChat(key(b, "chat"), c)
	b = memberInt(b, "date", m.Date.Unix())
	if !m.Edited.IsZero() {
		b = memberInt(b, "edit_date", m.Edited.Unix())
	}
	if m.Forwarded {
		b = append(key(b, "forward_origin"), `{"type":"hidden_user","sender_user_name":"Somebody","date":`...)
		b = strconv.AppendInt(b, m.Date.Unix(), 10)
		b = append(b, '}')
		b = member(b, "forward_sender_name", "Somebody")
		b = memberInt(b, "forward_date", m.Date.Unix())
	}
	if m.automatic {
		b = memberTrue(b, "is_automatic_forward")
	}
	if reply {
		if r := m.answered(); r != nil {
			b = appendMessage(key(b, "reply_to_message"), r, false)
		}
	}
	if m.via != nil {
		b = appendUser(key(b, "via_bot"), m.via)
	}
	if m.AlbumID != "" {
		b = member(b, "media_group_id", m.AlbumID)
	}
	if m.Protected {
		b = memberTrue(b, "has_protected_content")
	}
	users := c.srv.users
	switch {
	case m.Service != "":
		b = append(key(b, m.Service), m.service...)
	case m.File != nil:
		b = appendFileMember(b, m.File)
		if m.Caption != "" {
			b = member(b, "caption", m.Caption)
		}
		if len(m.CaptionEntities) > 0 {
			b = appendEntities(key(b, "caption_entities"), m.CaptionEntities, users)
		}
	default:
		b = member(b, "text", m.Text)
		if len(m.Entities) > 0 {
			b = appendEntities(key(b, "entities"), m.Entities, users)
		}
		if m.NoPreview {
			b = append(key(b, "link_preview_options"), `{"is_disabled":true}`...)
		}
	}
	if len(m.Keyboard) > 0 {
		b = appendKeyboard(key(b, "reply_markup"), m.Keyboard)
	}
	if m.extra != "" {
		b = append(append(b, ','), m.extra...)
	}
	return append(b, '}')
}

// answered is the message shown as reply_to_message: the one answered, or in
// a topic its root where clients attach that.
func (m *message) answered() *message {
	if m.ReplyTo != 0 {
		return m.chat.lookup(m.ReplyTo)
	}
	if m.chat.srv.opts.ImplicitRootReplies && m.chat.kind == Forum && m.Topic != 0 && m.ID != m.Topic {
		return m.chat.lookup(m.Topic)
	}
	return nil
}
