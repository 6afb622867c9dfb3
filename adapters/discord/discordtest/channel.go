package discordtest

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Kind is a kind of channel, with the number of the API (Channel: Channel
// Types).
type Kind int

// The kinds of channel.
const (
	TextChannel     Kind = 0
	PrivateChannel  Kind = 1 // a DM
	VoiceChannel    Kind = 2
	CategoryChannel Kind = 4
	NewsChannel     Kind = 5
	NewsThread      Kind = 10
	PublicThread    Kind = 11
	PrivateThread   Kind = 12
	ForumChannel    Kind = 15 // holds threads only
	MediaChannel    Kind = 16 // holds threads only
)

// Channel is one place for messages as its members see it: a channel of a
// guild, a thread, or a DM.
type Channel struct {
	srv  *Server
	id   Snowflake
	kind Kind

	// All below is guarded by the server's lock.
	guild      *Guild // nil in a DM
	parent     *Channel
	user       *User // the other side of a DM
	opened     bool  // the bot has been shown this DM
	name       string
	topic      string
	slowmode   int // seconds
	overwrites map[Snowflake]overwrite
	tags       []Tag // of a forum
	needsTag   bool
	deleted    bool

	// Of a thread:
	owner       *User
	archived    bool
	locked      bool
	archivedAt  time.Time
	autoArchive int // minutes
	joined      bool
	applied     []Snowflake // tags
	madeAt      time.Time

	messages []*message // in the order they came; ids may be inverted
	byID     map[Snowflake]*message
	total    int
	last     *message
	lastBot  *message
	typed    time.Time // when the bot last showed that it types
	oldEdits []time.Time
}

// Tag is a tag of a forum channel.
type Tag struct {
	ID   Snowflake `json:"id"`
	Name string    `json:"name"`
}

// Thread is a thread as it is now.
type Thread struct {
	ID       Snowflake
	Name     string
	Kind     Kind
	Parent   Snowflake
	Archived bool
	Locked   bool
	ByBot    bool // made by the bot under test
}

// newChannel makes a channel; an id of 0 means a new one. The caller holds the
// lock.
func (s *Server) newChannel(id Snowflake, kind Kind) *Channel {
	if id == 0 {
		id = s.ids.next(s.now())
	}
	if s.channels[id] != nil {
		panic(fmt.Sprintf("discordtest: channel id %d is taken", id))
	}
	c := &Channel{srv: s, id: id, kind: kind, byID: make(map[Snowflake]*message), overwrites: make(map[Snowflake]overwrite), madeAt: s.now()}
	s.channels[id] = c
	return c
}

// DM is the private channel of the bot with a user. It is one and the same
// however often it is asked for, by the test or by the bot.
func (s *Server) DM(u *User) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dm(u)
}

func (s *Server) dm(u *User) *Channel {
	for _, c := range s.channels {
		if c.kind == PrivateChannel && c.user == u {
			return c
		}
	}
	c := s.newChannel(0, PrivateChannel)
	c.user = u
	return c
}

// Channel is the channel, thread or DM with an id, nil if there is none.
func (s *Server) Channel(id Snowflake) *Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.channels[id]
}

// ID is the channel's id. A thread made from a message has the message's.
func (c *Channel) ID() Snowflake { return c.id }

// Kind is the kind of channel.
func (c *Channel) Kind() Kind { return c.kind }

// Guild is the guild of the channel, nil for a DM.
func (c *Channel) Guild() *Guild { return c.guild }

// Parent is the channel that a thread belongs to, nil for others.
func (c *Channel) Parent() *Channel { return c.parent }

// Mention is the markup that links to the channel.
func (c *Channel) Mention() string { return "<#" + c.id.String() + ">" }

// Name is the channel's name now.
func (c *Channel) Name() string {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.name
}

func (c *Channel) isThread() bool {
	return c.kind == NewsThread || c.kind == PublicThread || c.kind == PrivateThread
}

// isForum tells that the channel holds threads only.
func (c *Channel) isForum() bool { return c.kind == ForumChannel || c.kind == MediaChannel }

// holdsMessages tells whether messages can be sent here.
func (c *Channel) holdsMessages() bool {
	return c.kind != CategoryChannel && !c.isForum()
}

// SetOverwrite allows and denies permissions in this channel to the holders of
// a role; the role of nil is @everyone.
func (c *Channel) SetOverwrite(r *Role, allow, deny Permission) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	id := c.guild.id
	if r != nil {
		id = r.ID
	}
	c.overwrite(overwrite{ID: id, Allow: allow, Deny: deny})
}

// SetUserOverwrite allows and denies permissions in this channel to one member,
// for instance the bot.
func (c *Channel) SetUserOverwrite(u *User, allow, deny Permission) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.overwrite(overwrite{ID: u.ID, Type: 1, Allow: allow, Deny: deny})
}

func (c *Channel) overwrite(o overwrite) {
	bot := c.srv.bot
	saw := c.permissions(bot).Has(ViewChannel)
	c.overwrites[o.ID] = o
	sees := c.permissions(bot).Has(ViewChannel)
	switch {
	case sees:
		c.changed()
	case saw:
		// A channel that is hidden from the bot goes away for it without a
		// word about its threads.
		c.srv.dispatch(event{name: "CHANNEL_DELETE", guild: c.guild, intent: IntentGuilds}, c.wire())
	}
	c.srv.notify()
}

// SetTags gives a forum tags; required means that a post must carry one.
func (c *Channel) SetTags(required bool, names ...string) []Tag {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.needsTag, c.tags = required, nil
	for _, name := range names {
		c.tags = append(c.tags, Tag{c.srv.ids.next(c.srv.now()), name})
	}
	c.changed()
	return c.tags
}

// SetSlowmode makes members without special permissions wait between messages.
func (c *Channel) SetSlowmode(d time.Duration) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.slowmode = int(d / time.Second)
	c.changed()
}

// Remove deletes the channel or thread, as an administrator would.
func (c *Channel) Remove() {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.remove()
}

func (c *Channel) remove() {
	s := c.srv
	name := "CHANNEL_DELETE"
	var body any = c.wire()
	if c.isThread() {
		name = "THREAD_DELETE"
		body = map[string]any{"id": c.id, "guild_id": c.guild.id, "parent_id": c.parent.id, "type": c.kind}
	}
	s.dispatch(event{name: name, channel: c, intent: IntentGuilds}, body)
	c.deleted = true
	for _, m := range c.messages {
		if !m.Deleted {
			m.Deleted = true
			m.Generation++
		}
	}
	if !c.isThread() && c.guild != nil {
		for _, t := range c.guild.channels {
			if t.parent == c && !t.deleted {
				t.remove()
			}
		}
	}
	s.notify()
}

// changed tells gateways of a change of the channel or thread.
func (c *Channel) changed() {
	name := "CHANNEL_UPDATE"
	if c.isThread() {
		name = "THREAD_UPDATE"
	}
	c.srv.dispatch(event{name: name, channel: c, intent: IntentGuilds}, c.wire())
	c.srv.notify()
}

// Typing is when the bot last showed that it is typing, zero if never; a client
// shows it for 10 s or until a message comes.
func (c *Channel) Typing() time.Time {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.typed
}

// wireChannel is a channel as the API writes it.
type wireChannel struct {
	ID            Snowflake    `json:"id"`
	Type          Kind         `json:"type"`
	GuildID       *Snowflake   `json:"guild_id,omitempty"`
	ParentID      *Snowflake   `json:"parent_id,omitempty"`
	Name          *string      `json:"name,omitempty"`
	Topic         *string      `json:"topic,omitempty"`
	Position      *int         `json:"position,omitempty"`
	LastMessageID *Snowflake   `json:"last_message_id"`
	Recipients    []*wireUser  `json:"recipients,omitempty"`
	Overwrites    *[]overwrite `json:"permission_overwrites,omitempty"`
	Slowmode      *int         `json:"rate_limit_per_user,omitempty"`
	Flags         int          `json:"flags"`

	AvailableTags *[]Tag `json:"available_tags,omitempty"`

	OwnerID        *Snowflake      `json:"owner_id,omitempty"`
	ThreadMetadata *threadMetadata `json:"thread_metadata,omitempty"`
	MessageCount   *int            `json:"message_count,omitempty"`
	MemberCount    *int            `json:"member_count,omitempty"`
	AppliedTags    []Snowflake     `json:"applied_tags,omitempty"`
	Member         *threadMember   `json:"member,omitempty"`
	NewlyCreated   *bool           `json:"newly_created,omitempty"`
	Message        *wireMessage    `json:"message,omitempty"` // of a post in a forum
}

type threadMetadata struct {
	Archived            bool   `json:"archived"`
	AutoArchiveDuration int    `json:"auto_archive_duration"`
	ArchiveTimestamp    string `json:"archive_timestamp"`
	Locked              bool   `json:"locked"`
	Invitable           *bool  `json:"invitable,omitempty"`
	CreateTimestamp     string `json:"create_timestamp"`
}

type threadMember struct {
	ID            Snowflake `json:"id"`
	UserID        Snowflake `json:"user_id"`
	JoinTimestamp string    `json:"join_timestamp"`
	Flags         int       `json:"flags"`
}

// requireTag is the flag of a forum whose posts must carry a tag.
const requireTag = 1 << 4

func (c *Channel) wire() wireChannel {
	w := wireChannel{ID: c.id, Type: c.kind}
	if c.last != nil {
		w.LastMessageID = &c.last.ID
	}
	if c.kind == PrivateChannel {
		w.Recipients = []*wireUser{c.user.wire()}
		return w
	}
	w.GuildID, w.Name, w.Slowmode = &c.guild.id, &c.name, &c.slowmode
	if !c.isThread() {
		position := 0
		overwrites := []overwrite{}
		for _, o := range c.overwrites {
			overwrites = append(overwrites, o)
		}
		slices.SortFunc(overwrites, func(a, b overwrite) int { return cmp.Compare(a.ID, b.ID) })
		w.Position, w.Overwrites, w.Topic = &position, &overwrites, &c.topic
		if c.isForum() {
			tags := append([]Tag{}, c.tags...)
			w.AvailableTags = &tags
			if c.needsTag {
				w.Flags |= requireTag
			}
		}
		return w
	}
	w.ParentID, w.OwnerID, w.AppliedTags = &c.parent.id, &c.owner.ID, c.applied
	// The message that a thread was made from is not counted (Channel:
	// message_count).
	count := len(c.messages)
	if count > 0 && (c.messages[0].ID == c.id || c.messages[0].Type == threadStarter) {
		count--
	}
	members := 1
	w.MessageCount, w.MemberCount = &count, &members
	w.ThreadMetadata = &threadMetadata{Archived: c.archived, AutoArchiveDuration: cmp.Or(c.autoArchive, 4320),
		ArchiveTimestamp: timestamp(c.archivedAt), Locked: c.locked, CreateTimestamp: timestamp(c.madeAt)}
	if c.kind == PrivateThread {
		invitable := true
		w.ThreadMetadata.Invitable = &invitable
	}
	if c.joined {
		w.Member = &threadMember{ID: c.id, UserID: c.srv.bot.ID, JoinTimestamp: timestamp(c.madeAt)}
	}
	return w
}
