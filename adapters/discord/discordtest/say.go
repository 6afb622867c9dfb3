package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// say is what the options of Say choose.
type say struct {
	replyTo            Snowflake
	quietly            bool
	forwarded, webhook bool
	sticker, silent    bool
	lost               bool
	at                 time.Time
	files              []*File
	raw                string
}

// SayOption refines Say.
type SayOption func(*say)

// ReplyTo makes the message a reply, which mentions the author of the other
// one.
func ReplyTo(messageID Snowflake) SayOption { return func(o *say) { o.replyTo = messageID } }

// ReplyQuietly makes the message a reply with the mention switched off.
func ReplyQuietly(messageID Snowflake) SayOption {
	return func(o *say) { o.replyTo, o.quietly = messageID, true }
}

// Forwarded makes the message a forward of somebody else's: its own content is
// empty, the text is in a snapshot.
func Forwarded() SayOption { return func(o *say) { o.forwarded = true } }

// AsWebhook makes the message come from a webhook that has the user's name.
func AsWebhook() SayOption { return func(o *say) { o.webhook = true } }

// SentAt dates the message, and its id; by default it is now.
func SentAt(t time.Time) SayOption { return func(o *say) { o.at = t } }

// Silently sets SUPPRESS_NOTIFICATIONS, as "@silent" does.
func Silently() SayOption { return func(o *say) { o.silent = true } }

// WithFile attaches a file.
func WithFile(name string, data []byte) SayOption {
	return func(o *say) { o.files = append(o.files, &File{Name: name, Size: int64(len(data)), data: data}) }
}

// WithFileSize makes the file attached before it claim this size, without that
// many bytes being there.
func WithFileSize(n int64) SayOption {
	return func(o *say) {
		if len(o.files) == 0 {
			o.files = append(o.files, &File{Name: "file.bin"})
		}
		o.files[len(o.files)-1].Size = n
	}
}

// WithSticker adds a sticker; the text may then be empty.
func WithSticker() SayOption { return func(o *say) { o.sticker = true } }

// WithRaw adds members to the message's JSON, for instance
// {"future_field":{"type":"unheard of"}}, to try unknown shapes; a member of
// the same name as a usual one comes later and wins. It panics when the text is
// not a JSON object with members.
func WithRaw(object string) SayOption { return func(o *say) { o.raw = rawMembers(object) } }

// WithUnknownComponent gives the message a component of a type that is not
// documented (99), inside a row of one.
func WithUnknownComponent() SayOption {
	return WithRaw(`{"components":[{"type":99,"id":1,"shape":{"of":["things","to","come"]}}],"unheard_of":{"a":[1,null]}}`)
}

// Undelivered keeps the message from the gateway: it is in the history only,
// as a dispatch that never came.
func Undelivered() SayOption { return func(o *say) { o.lost = true } }

// rawMembers is the inside of a JSON object.
func rawMembers(object string) string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil || len(members) == 0 {
		panic("discordtest: raw members must be a JSON object with members")
	}
	object = strings.TrimSpace(object)
	return object[1 : len(object)-1]
}

// Say is a message of a user arriving in the channel. In an archived thread it
// opens the thread again. It panics on a test's own mistakes, such as a reply
// to a message that does not exist, or what a client does not let a person do.
func (c *Channel) Say(u *User, text string, opts ...SayOption) Message {
	var o say
	for _, option := range opts {
		option(&o)
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.say(u, text, &o).copy()
}

func (c *Channel) say(u *User, text string, o *say) *message {
	s := c.srv
	text = strings.TrimSpace(text)
	switch {
	case text == "" && len(o.files) == 0 && !o.sticker && o.raw == "":
		panic("discordtest: a client does not send an empty message")
	case runes(text) > 4000: // what paying people may send
		panic("discordtest: a client splits so long a message")
	case c.deleted || !c.holdsMessages():
		panic("discordtest: nobody can write in channel " + c.name)
	case c.kind == PrivateChannel && c.user != u && !o.webhook:
		panic("discordtest: a stranger in a DM")
	case c.guild != nil && c.guild.members[u.ID] == nil && !o.webhook:
		panic(fmt.Sprintf("discordtest: %s is no member of %s", u.Name, c.guild.name))
	case c.isThread() && c.locked:
		panic("discordtest: the thread is locked")
	}
	c.revive()
	m := &message{author: u, extra: o.raw}
	m.Date, m.Text, m.Files = o.at, text, o.files
	c.mentioned(m)
	if o.replyTo != 0 {
		r := c.lookup(o.replyTo)
		if r == nil {
			panic(fmt.Sprintf("discordtest: reply to message %d, which does not exist", o.replyTo))
		}
		c.answer(m, r, !o.quietly)
	}
	if o.silent {
		m.flags |= flagSuppressNotifications
	}
	if o.webhook {
		m.webhookID = s.ids.next(s.now())
	}
	if o.forwarded {
		m.Forwarded, m.flags = true, m.flags|flagSnapshot
		m.snapshot = &message{Message: Message{Text: text, Date: s.now()}, author: u, channel: c}
		elsewhere, origin := s.ids.next(s.now()), s.ids.next(s.now())
		m.reference = &reference{Type: 1, MessageID: &elsewhere, ChannelID: origin}
		m.Text, m.mentions = "", nil
	}
	if o.sticker {
		sticker := `"sticker_items":[{"id":"749054660769218631","name":"Wave","format_type":3}]`
		m.extra = strings.Trim(m.extra+","+sticker, ",")
	}
	for _, f := range m.Files {
		s.files.keep(f, s.ids.next(s.now()), c.id)
	}
	c.opened = true
	c.add(m)
	if o.lost {
		s.notify()
		return m
	}
	m.announce("MESSAGE_CREATE")
	s.notify()
	return m
}

// answer makes m a reply to r.
func (c *Channel) answer(m, r *message, ping bool) {
	m.Type, m.ReplyTo = reply, r.ID
	m.reference = &reference{MessageID: &r.ID, ChannelID: c.id}
	if c.guild != nil {
		m.reference.GuildID = &c.guild.id
	}
	if ping && r.webhookID == 0 && !slices.Contains(m.mentions, r.author) {
		m.mentions = append(m.mentions, r.author)
	}
}

// Redeliver dispatches MESSAGE_CREATE of a message once more.
func (c *Channel) Redeliver(messageID Snowflake) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil {
		panic(fmt.Sprintf("discordtest: message %d does not exist", messageID))
	}
	m.announce("MESSAGE_CREATE")
	c.srv.notify()
}

// Edit changes the text of a user's message.
func (c *Channel) Edit(u *User, messageID Snowflake, text string) Message {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil || m.author != u {
		panic(fmt.Sprintf("discordtest: %s did not write message %d", u.Name, messageID))
	}
	text = strings.TrimSpace(text)
	if text == "" && len(m.Files) == 0 {
		panic("discordtest: a client does not send an empty message")
	}
	if text == m.Text {
		return m.copy()
	}
	m.Text, m.Edited = text, s.now()
	m.EditCount++
	c.mentioned(m)
	m.revise(s)
	m.announce("MESSAGE_UPDATE")
	return m.copy()
}

// Touch dispatches MESSAGE_UPDATE of a message without any change by its
// author, as the service does when it has looked at a link.
func (c *Channel) Touch(messageID Snowflake) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if m := c.lookup(messageID); m != nil {
		m.announce("MESSAGE_UPDATE")
	}
}

// Delete removes a message as its author or a moderator would.
func (c *Channel) Delete(messageID Snowflake) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if m := c.lookup(messageID); m != nil {
		m.remove()
	}
}

// remove deletes a message and tells gateways.
func (m *message) remove() {
	c := m.channel
	m.Deleted = true
	m.Generation++
	intent := IntentGuildMessages
	body := map[string]any{"id": m.ID, "channel_id": c.id}
	if c.guild == nil {
		intent = IntentDirectMessages
	} else {
		body["guild_id"] = c.guild.id
	}
	if !m.Ephemeral {
		c.srv.dispatch(event{name: "MESSAGE_DELETE", channel: c, intent: intent}, body)
	}
	c.srv.notify()
}

// React adds a person's reaction, a standard emoji.
func (c *Channel) React(u *User, messageID Snowflake, emoji string) {
	c.react(u, messageID, emoji, true)
}

// Unreact takes a person's reaction back.
func (c *Channel) Unreact(u *User, messageID Snowflake, emoji string) {
	c.react(u, messageID, emoji, false)
}

func (c *Channel) react(u *User, messageID Snowflake, emoji string, add bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil {
		panic(fmt.Sprintf("discordtest: reaction to message %d, which does not exist", messageID))
	}
	m.react(u, emoji, add)
}

// react changes a reaction; it tells gateways if that changes anything.
func (m *message) react(u *User, emoji string, add bool) {
	c := m.channel
	one := reaction{emoji, u}
	if slices.Contains(m.reactions, one) == add {
		return
	}
	name := "MESSAGE_REACTION_ADD"
	if add {
		m.reactions = append(m.reactions, one)
	} else {
		name = "MESSAGE_REACTION_REMOVE"
		m.reactions = slices.DeleteFunc(slices.Clone(m.reactions), func(r reaction) bool { return r == one })
	}
	m.Reaction = ""
	for _, r := range m.reactions {
		if r.user == c.srv.bot {
			m.Reaction = r.emoji
		}
	}
	m.Generation++
	body := map[string]any{"user_id": u.ID, "channel_id": c.id, "message_id": m.ID, "emoji": map[string]any{"id": nil, "name": emoji},
		"type": 0, "burst": false}
	intent := IntentGuildReactions
	if c.guild == nil {
		intent = IntentDirectReactions
	} else {
		body["guild_id"] = c.guild.id
		if member := c.guild.members[u.ID]; member != nil && add {
			body["member"] = member.wireWith(nil)
		}
	}
	c.srv.dispatch(event{name: name, channel: c, intent: intent}, body)
	c.srv.notify()
}
