package discordtest

import (
	"encoding/json"
	"slices"
	"time"
)

// The kinds of message that this server makes (Message: Message Types).
const (
	ordinary      = 0
	threadCreated = 18
	reply         = 19
	slashAnswer   = 20
	threadStarter = 21
)

// Message flags (Message: Message Flags).
const (
	flagSuppressEmbeds        = 1 << 2
	flagHasThread             = 1 << 5
	flagEphemeral             = 1 << 6
	flagLoading               = 1 << 7
	flagSuppressNotifications = 1 << 12
	flagVoice                 = 1 << 13
	flagSnapshot              = 1 << 14
	flagComponentsV2          = 1 << 15
)

// Message is a copy of one message as it stands at one moment.
type Message struct {
	Channel Snowflake
	ID      Snowflake
	Type    int       // 0 ordinary, 18 thread made, 19 reply, 20 answer of a slash command, 21 thread starter
	FromBot bool      // sent by the bot under test
	From    Snowflake // user id, or webhook id
	Webhook bool
	Date    time.Time
	Edited  time.Time // zero if never

	Text       string // as stored: trimmed
	Keyboard   [][]Button
	Components json.RawMessage // as stored, nil for none
	Embeds     []Embed
	Files      []*File

	ReplyTo     Snowflake // message id, 0 for none
	Thread      Snowflake // of the thread made from it, 0 for none
	Interaction Snowflake // that it answers, 0 for none
	Nonce       string
	Service     bool // made by the service, such as "thread made"
	Forwarded   bool
	Silent      bool // SUPPRESS_NOTIFICATIONS
	NoPreview   bool // SUPPRESS_EMBEDS
	Ephemeral   bool // only the person of the interaction sees it
	Loading     bool // "is thinking"
	Deleted     bool
	Pinned      bool
	Reaction    string // the bot's newest reaction that is still there
	EditCount   int
	History     []Revision // contents it had, oldest first, the last is the current one
	Generation  int        // grows with every change of this message

	// Pings lists whom the bot's message or an edit of it notified, as "user
	// 1", "role 2", "everyone" or "reply to user 1"; Previews the links that a
	// client shows a preview of. Check reports both.
	Pings    []string
	Previews []string
}

// Revision is one content of a message.
type Revision struct {
	At       time.Time
	Text     string
	Keyboard [][]Button
	Files    []string // names
}

// Button is a button of a message, or a select menu.
type Button struct {
	Label    string // or the placeholder
	Data     string // custom_id
	URL      string
	Style    int // 1 primary ... 4 danger, 5 link; 0 for a select menu
	Disabled bool
	Options  []Choice // of a select menu
}

// Choice is a choice of a select menu, an option or an autocompletion.
type Choice struct {
	Name  string
	Value string // a number as its decimal form
}

// Embed is an embed of a message, as far as tests look at it.
type Embed struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
	Fields      []struct {
		Name   string `json:"name"`
		Value  string `json:"value"`
		Inline bool   `json:"inline"`
	} `json:"fields"`
	Footer struct {
		Text string `json:"text"`
	} `json:"footer"`
}

// message is a message as the server keeps it.
type message struct {
	Message
	channel     *Channel
	author      *User
	webhookID   Snowflake
	flags       int
	mentions    []*User
	roles       []Snowflake // mentioned
	everyone    bool
	embeds      []json.RawMessage
	reference   *reference
	snapshot    *message // what a forward shows
	interaction *Interaction
	thread      *Channel
	reactions   []reaction
	extra       string // raw members
}

// reference is a message_reference.
type reference struct {
	Type      int        `json:"type"`
	MessageID *Snowflake `json:"message_id,omitempty"`
	ChannelID Snowflake  `json:"channel_id"`
	GuildID   *Snowflake `json:"guild_id,omitempty"`
}

type reaction struct {
	emoji string
	user  *User
}

// add gives a message its id, unless it has one, and keeps it.
func (c *Channel) add(m *message) {
	s := c.srv
	if m.ID == 0 {
		at := m.Date
		if at.IsZero() {
			at = s.now()
		}
		m.ID, m.Date = s.ids.message(at)
	}
	m.attach(c)
	c.messages = append(c.messages, m)
	c.byID[m.ID] = m
	c.total++
	if len(c.messages) > s.opts.MaxMessages {
		delete(c.byID, c.messages[0].ID)
		c.messages[0] = nil
		c.messages = c.messages[1:]
	}
	if c.last == nil || m.ID > c.last.ID {
		c.last = m
	}
	if m.FromBot && !m.Service {
		c.lastBot = m
	}
	m.revise(s)
}

// attach binds a message to its channel.
func (m *message) attach(c *Channel) {
	m.Channel, m.channel = c.id, c
	m.From = m.author.ID
	m.FromBot = m.author == c.srv.bot
	if m.webhookID != 0 {
		m.From, m.Webhook, m.FromBot = m.webhookID, true, false
	}
	m.flagged()
}

// flagged copies the flags to where tests look.
func (m *message) flagged() {
	m.Silent = m.flags&flagSuppressNotifications != 0
	m.NoPreview = m.flags&flagSuppressEmbeds != 0
	m.Ephemeral = m.flags&flagEphemeral != 0
	m.Loading = m.flags&flagLoading != 0
}

// revise records the content that a message has now.
func (m *message) revise(s *Server) {
	r := Revision{At: s.now(), Text: m.Text, Keyboard: m.Keyboard}
	for _, f := range m.Files {
		r.Files = append(r.Files, f.Name)
	}
	if len(m.History) >= s.opts.MaxRevisions {
		m.History = slices.Clone(m.History[len(m.History)/2+1:])
	}
	m.History = append(m.History, r)
	m.Generation++
	s.notify()
}

// lookup is a message that exists and is not deleted.
func (c *Channel) lookup(id Snowflake) *message {
	if m := c.byID[id]; m != nil && !m.Deleted {
		return m
	}
	return nil
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

// Messages is a copy of the channel's messages in the order they came, deleted
// ones included, ephemeral ones not.
func (c *Channel) Messages() []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return copies(c.messages, func(*message) bool { return true })
}

// Posts is Messages without those of people, service messages and deleted
// ones: what the bot shows in the channel now.
func (c *Channel) Posts() []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return copies(c.messages, func(m *message) bool { return m.FromBot && !m.Service && !m.Deleted })
}

// Since is a copy of the messages that came after the given one. It costs only
// as much as it returns.
func (c *Channel) Since(messageID Snowflake) []Message {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	i := len(c.messages)
	for i > 0 && c.messages[i-1].ID != messageID {
		i--
	}
	return copies(c.messages[i:], func(*message) bool { return true })
}

// Message is a copy of one message; ok is false if it never existed.
func (c *Channel) Message(messageID Snowflake) (m Message, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	stored := c.byID[messageID]
	if stored == nil {
		return Message{}, false
	}
	return stored.copy(), true
}

// Last is a copy of the newest message that the bot sent to the channel; ok is
// false if there is none, or it is deleted. It does not depend on the number of
// messages.
func (c *Channel) Last() (m Message, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.lastBot == nil || c.lastBot.Deleted {
		return Message{}, false
	}
	return c.lastBot.copy(), true
}

// Len is the number of messages that the channel ever had.
func (c *Channel) Len() int {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.total
}

// wireMessage is a message as the API writes it.
type wireMessage struct {
	ID              Snowflake         `json:"id"`
	Type            int               `json:"type"`
	Content         string            `json:"content"`
	ChannelID       Snowflake         `json:"channel_id"`
	Author          *wireUser         `json:"author"`
	Attachments     []wireFile        `json:"attachments"`
	Embeds          []json.RawMessage `json:"embeds"`
	Mentions        []*wireUser       `json:"mentions"`
	MentionRoles    []Snowflake       `json:"mention_roles"`
	MentionEveryone bool              `json:"mention_everyone"`
	Pinned          bool              `json:"pinned"`
	TTS             bool              `json:"tts"`
	Timestamp       string            `json:"timestamp"`
	EditedTimestamp *string           `json:"edited_timestamp"`
	Flags           int               `json:"flags"`
	Components      json.RawMessage   `json:"components"`
	Nonce           json.RawMessage   `json:"nonce,omitempty"`
	WebhookID       *Snowflake        `json:"webhook_id,omitempty"`
	ApplicationID   *Snowflake        `json:"application_id,omitempty"`
	Reference       *reference        `json:"message_reference,omitempty"`
	Referenced      json.RawMessage   `json:"referenced_message,omitempty"`
	Snapshots       []wireSnapshot    `json:"message_snapshots,omitempty"`
	Thread          *wireChannel      `json:"thread,omitempty"`
	Reactions       []wireReaction    `json:"reactions,omitempty"`
	Interaction     map[string]any    `json:"interaction_metadata,omitempty"`

	// In gateway events only:
	GuildID *Snowflake  `json:"guild_id,omitempty"`
	Member  *wireMember `json:"member,omitempty"`
}

type wireSnapshot struct {
	Message struct {
		Type        int               `json:"type"`
		Content     string            `json:"content"`
		Attachments []wireFile        `json:"attachments"`
		Embeds      []json.RawMessage `json:"embeds"`
		Timestamp   string            `json:"timestamp"`
		Flags       int               `json:"flags"`
	} `json:"message"`
}

type wireReaction struct {
	Count int            `json:"count"`
	Me    bool           `json:"me"`
	Emoji map[string]any `json:"emoji"`
}

var emptyList = json.RawMessage("[]")

// exempt tells that the bot sees the content of a message without the message
// content intent (Gateway: Message Content Intent).
func (m *message) exempt() bool {
	bot := m.channel.srv.bot
	return m.author == bot && !m.Webhook || m.channel.guild == nil || m.interaction != nil || slices.Contains(m.mentions, bot)
}

// wire is the message for somebody who sees contents, or not. nested leaves the
// message that it answers out.
func (m *message) wire(contents, nested bool) *wireMessage {
	s := m.channel.srv
	w := &wireMessage{ID: m.ID, Type: m.Type, Content: m.Text, ChannelID: m.Channel, Author: m.author.wire(),
		Attachments: []wireFile{}, Embeds: m.embeds, Mentions: []*wireUser{}, MentionRoles: m.roles, MentionEveryone: m.everyone,
		Timestamp: timestamp(m.Date), Flags: m.flags, Components: m.Components, Reference: m.reference}
	for _, u := range m.mentions {
		w.Mentions = append(w.Mentions, u.wire())
	}
	for _, f := range m.Files {
		w.Attachments = append(w.Attachments, f.wire(s))
	}
	if !m.Edited.IsZero() {
		at := timestamp(m.Edited)
		w.EditedTimestamp = &at
	}
	if m.webhookID != 0 {
		w.WebhookID = &m.webhookID
		w.Author = &wireUser{ID: m.webhookID, Username: m.author.Name, Discriminator: "0000", Bot: true}
	}
	if m.interaction != nil {
		w.WebhookID, w.ApplicationID = &s.appID, &s.appID
		w.Interaction = m.interaction.metadata()
	}
	if m.snapshot != nil {
		var snap wireSnapshot
		snap.Message.Content, snap.Message.Timestamp = m.snapshot.Text, timestamp(m.snapshot.Date)
		snap.Message.Attachments, snap.Message.Embeds = []wireFile{}, []json.RawMessage{}
		w.Snapshots = []wireSnapshot{snap}
	}
	if m.thread != nil && !m.thread.deleted {
		t := m.thread.wire()
		w.Thread = &t
	}
	w.Reactions = m.wireReactions()
	if !contents && !m.exempt() {
		w.Content, w.Embeds, w.Attachments, w.Components = "", nil, []wireFile{}, nil
		for i := range w.Snapshots {
			w.Snapshots[i].Message.Content = ""
		}
	}
	if w.Embeds == nil {
		w.Embeds = []json.RawMessage{}
	}
	if w.MentionRoles == nil {
		w.MentionRoles = []Snowflake{}
	}
	if w.Components == nil {
		w.Components = emptyList
	}
	if !nested && m.Type == reply {
		w.Referenced = json.RawMessage("null")
		if r := m.channel.lookup(m.ReplyTo); r != nil {
			w.Referenced = encode(r.wire(contents, true))
		}
	}
	return w
}

func (m *message) wireReactions() []wireReaction {
	var all []wireReaction
	for _, r := range m.reactions {
		i := slices.IndexFunc(all, func(w wireReaction) bool { return w.Emoji["name"] == r.emoji })
		if i < 0 {
			all = append(all, wireReaction{Emoji: map[string]any{"id": nil, "name": r.emoji}})
			i = len(all) - 1
		}
		all[i].Count++
		all[i].Me = all[i].Me || r.user == m.channel.srv.bot
	}
	return all
}

// body is the message as JSON for REST, with the raw members of a test.
func (m *message) body(contents bool) json.RawMessage {
	return splice(encode(m.wire(contents, false)), m.extra)
}

// event is the message as JSON for the gateway: with member and guild_id.
func (m *message) event(contents bool) json.RawMessage {
	w := m.wire(contents, false)
	if g := m.channel.guild; g != nil {
		w.GuildID = &g.id
		if member := g.members[m.author.ID]; member != nil && m.webhookID == 0 {
			w.Member = member.wire()
		}
	}
	if m.Nonce != "" {
		w.Nonce = encode(m.Nonce)
	}
	return splice(encode(w), m.extra)
}

// encode is JSON of a value that always can be.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("discordtest: " + err.Error())
	}
	return b
}

// splice adds raw members to an object.
func splice(object json.RawMessage, members string) json.RawMessage {
	if members == "" {
		return object
	}
	out := append(slices.Clip(object[:len(object)-1]), ',')
	return append(append(out, members...), '}')
}

// announce tells gateways of a message, by MESSAGE_CREATE or MESSAGE_UPDATE.
func (m *message) announce(name string) {
	if m.Ephemeral {
		return
	}
	intent := IntentGuildMessages
	if m.channel.guild == nil {
		intent = IntentDirectMessages
	}
	e := event{name: name, channel: m.channel, intent: intent}
	if !m.exempt() {
		e.stripped = m.event(false)
	}
	m.channel.srv.dispatch(e, m.event(true))
}
