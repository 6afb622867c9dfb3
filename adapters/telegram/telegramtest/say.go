package telegramtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// say is what the options of Say choose.
type say struct {
	replyTo, topic              int
	forwarded, automatic, via   bool
	channel, anonymous, isReply bool
	at                          time.Time
	file                        *File
	raw                         string
	entities                    []Entity
	album                       string
}

// SayOption refines Say.
type SayOption func(*say)

// ReplyTo makes the message a reply.
func ReplyTo(messageID int) SayOption {
	return func(o *say) { o.replyTo, o.isReply = messageID, true }
}

// InTopic writes into a topic of a forum. A reply goes to the topic of the
// message it answers by itself.
func InTopic(id int) SayOption { return func(o *say) { o.topic = id } }

// Forwarded makes the message a forward of somebody else's message.
func Forwarded() SayOption { return func(o *say) { o.forwarded = true } }

// AutomaticForward makes it the automatic forward of the linked channel's
// post, sent by 777000.
func AutomaticForward() SayOption { return func(o *say) { o.automatic, o.forwarded = true, true } }

// ViaBot makes it an inline result of another bot.
func ViaBot() SayOption { return func(o *say) { o.via = true } }

// AsChannel makes the person write in the name of a channel (from 136817688).
func AsChannel() SayOption { return func(o *say) { o.channel = true } }

// AnonymousAdmin makes the person write as the group (from 1087968824).
func AnonymousAdmin() SayOption { return func(o *say) { o.anonymous = true } }

// SentAt dates the message; by default it is now. Messages dated more than
// 24 h ago are not delivered.
func SentAt(t time.Time) SayOption { return func(o *say) { o.at = t } }

// WithDocument attaches a file; the text becomes its caption.
func WithDocument(name string, data []byte) SayOption {
	return attach(&File{Kind: "document", Name: name, MIME: "application/octet-stream"}, data)
}

// WithPhoto attaches a photo; the text becomes its caption. Data that is not a
// decodable image counts as 1280x960.
func WithPhoto(data []byte) SayOption { return attach(&File{Kind: "photo"}, data) }

// WithVideo attaches a video; the text becomes its caption.
func WithVideo(name string, data []byte) SayOption {
	return attach(&File{Kind: "video", Name: name, MIME: "video/mp4", Width: 640, Height: 480, Duration: 1}, data)
}

// WithVoice attaches a voice note; the text becomes its caption.
func WithVoice(data []byte) SayOption {
	return attach(&File{Kind: "voice", MIME: "audio/ogg", Duration: 1}, data)
}

func attach(f *File, data []byte) SayOption {
	return func(o *say) {
		one := *f
		one.data, one.Size = data, int64(len(data))
		if one.Kind == "photo" {
			one.measure()
			if one.Width == 0 {
				one.Width, one.Height = 1280, 960
			}
		}
		if o.file != nil {
			one.claim = o.file.claim
		}
		o.file = &one
	}
}

// WithFileSize makes the file attached before it claim this size, so that
// getFile says "file is too big" without that many bytes being there.
func WithFileSize(n int64) SayOption {
	return func(o *say) {
		if o.file == nil {
			o.file = &File{}
		}
		o.file.claim, o.file.Size = n, n
	}
}

// WithEntities adds formatting made by the person, such as code.
func WithEntities(entities ...Entity) SayOption {
	return func(o *say) { o.entities = entities }
}

// InAlbum makes the message part of an album with this id.
func InAlbum(id string) SayOption { return func(o *say) { o.album = id } }

// WithRaw adds members to the message's JSON, for instance
// {"future_field":{"type":"unheard of"}}, to try unknown shapes. It panics
// when the text is not a JSON object with members.
func WithRaw(object string) SayOption { return func(o *say) { o.raw = rawMembers(object) } }

// Say is a message of a user arriving in the chat. It is cleaned as the
// service does, and its entities (commands, mentions, links) are computed. The
// result's UpdateID is 0 when the bot does not get to see it: privacy mode,
// too old, kicked, or not asked for by allowed_updates. It panics on a test's
// own mistakes, such as a reply to a message that does not exist.
func (c *Chat) Say(u *User, text string, opts ...SayOption) Message {
	var o say
	for _, option := range opts {
		option(&o)
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.said(u, text, &o)
	c.add(m)
	if c.kind == PrivateChat {
		c.started, c.blocked = true, false
	}
	if c.sees(m) {
		c.announce(m)
	}
	s.notify()
	return m.copy()
}

// said builds the message.
func (c *Chat) said(u *User, text string, o *say) *message {
	s := c.srv
	stored, entities, err := settle(text, slices.Clone(o.entities))
	limit := maxText
	if o.file != nil {
		limit = maxCaption
	}
	switch {
	case err != nil:
		panic("telegramtest: " + err.Error())
	case stored == "" && o.file == nil && o.raw == "":
		panic("telegramtest: a client does not send an empty message")
	case runes(stored) > limit:
		panic("telegramtest: a client splits so long a message")
	}
	m := &message{from: u, automatic: o.automatic, extra: o.raw}
	m.Date, m.Topic, m.ReplyTo, m.Forwarded, m.AlbumID = o.at, o.topic, o.replyTo, o.forwarded, o.album
	if m.Date.IsZero() {
		m.Date = s.now()
	}
	if o.isReply {
		r := c.lookup(o.replyTo)
		if r == nil {
			panic(fmt.Sprintf("telegramtest: reply to message %d, which does not exist", o.replyTo))
		}
		if m.Topic == 0 {
			m.Topic = r.Topic
		}
	}
	if m.Topic != 0 && c.topics[m.Topic] == nil {
		panic(fmt.Sprintf("telegramtest: no topic %d", m.Topic))
	}
	if o.file != nil {
		s.files.add(o.file)
		m.File, m.Caption, m.CaptionEntities = o.file, stored, entities
	} else {
		m.Text, m.Entities = stored, entities
	}
	switch {
	case o.channel:
		m.from, m.sender = channelBot, `{"id":-1002222222222,"title":"Channel","type":"channel"}`
	case o.anonymous:
		m.from, m.sender = anonymousAdmin, string(appendChat(nil, c))
	case o.automatic:
		m.from, m.sender = serviceAccount, `{"id":-1002222222222,"title":"Channel","type":"channel"}`
	}
	if o.via {
		m.via = &User{ID: 5555555, Name: "Inline", Username: "inline_bot", Bot: true}
	}
	return m
}

// sees tells whether the bot gets a message of somebody else.
func (c *Chat) sees(m *message) bool {
	if c.kind == PrivateChat {
		return true
	}
	if c.kicked || c.left || c.migrated != 0 {
		return false
	}
	if m.from.Bot && m.sender == "" {
		return false // bots do not see each other
	}
	if c.rights.Admin || c.srv.opts.ReadAll {
		return true
	}
	if r := m.answered(); r != nil && r.FromBot && r.Service == "" {
		return true
	}
	return c.commanded(m)
}

// commanded tells whether a message is a command that privacy mode lets
// through: /x@bot, or /x while no other bot is here or ours spoke last.
func (c *Chat) commanded(m *message) bool {
	text, entities := m.Text, m.Entities
	if m.File != nil {
		text, entities = m.Caption, m.CaptionEntities
	}
	if len(entities) == 0 || entities[0].Type != "bot_command" || entities[0].Offset != 0 {
		return false
	}
	_, name, named := strings.Cut(text[:entities[0].Length], "@") // a command is ASCII
	if named {
		return strings.EqualFold(name, c.srv.bot.Username)
	}
	others := slices.ContainsFunc(c.members, func(u *User) bool { return u.Bot })
	return !others || c.botSpokeBefore(m)
}

// botSpokeBefore tells whether the message before m is the bot's.
func (c *Chat) botSpokeBefore(m *message) bool {
	i, _ := slices.BinarySearchFunc(c.messages, m.ID, func(x *message, id int) int { return x.ID - id })
	return i > 0 && c.messages[i-1].FromBot
}

// Edit changes the text (or caption) of a user's message. The bot gets an
// edited_message only if it asked for those, saw the chat's messages, and the
// content changed.
func (c *Chat) Edit(u *User, messageID int, text string) Message {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil || m.from != u {
		panic(fmt.Sprintf("telegramtest: %s did not write message %d", u.Name, messageID))
	}
	stored, entities, err := settle(text, nil)
	if err != nil || stored == "" && m.File == nil {
		panic("telegramtest: a client does not send an empty message")
	}
	if m.File != nil && stored == m.Caption || m.File == nil && stored == m.Text {
		return m.copy()
	}
	if m.File != nil {
		m.Caption, m.CaptionEntities = stored, entities
	} else {
		m.Text, m.Entities = stored, entities
	}
	m.Edited = s.now()
	m.EditCount++
	m.revise(s)
	if c.sees(m) {
		s.enqueue("edited_message", string(appendMessage(nil, m, true)), m.Edited.Add(messageRetention))
	}
	return m.copy()
}

// Delete removes a message as a person would; the bot is not told.
func (c *Chat) Delete(messageID int) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if m := c.lookup(messageID); m != nil {
		m.Deleted = true
		m.Generation++
		c.srv.notify()
	}
}
