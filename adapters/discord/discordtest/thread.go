package discordtest

import (
	"cmp"
	"fmt"
	"slices"
)

// usualActiveThreads is how many active threads a guild may have.
const usualActiveThreads = 1000

// AddThread makes a thread as a person would: from a message of a text channel,
// or without one (messageID 0).
func (c *Channel) AddThread(u *User, name string, messageID Snowflake) *Channel {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.kind != TextChannel && c.kind != NewsChannel {
		panic("discordtest: a thread outside a text channel")
	}
	var root *message
	if messageID != 0 {
		if root = c.lookup(messageID); root == nil || root.thread != nil {
			panic(fmt.Sprintf("discordtest: thread from message %d, which does not exist or has one", messageID))
		}
	}
	return c.openThread(u, name, PublicThread, root)
}

// AddPost makes a post in a forum as a person would: a thread whose first
// message has the thread's id.
func (c *Channel) AddPost(u *User, title, text string, opts ...SayOption) (*Channel, Message) {
	var o say
	for _, option := range opts {
		option(&o)
	}
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if !c.isForum() {
		panic("discordtest: a post outside a forum")
	}
	t := c.openThread(u, title, PublicThread, nil)
	for _, tag := range c.tags[:min(1, len(c.tags))] {
		t.applied = []Snowflake{tag.ID}
	}
	m := &message{author: u}
	m.ID, m.Date = t.id, s.now()
	m.Text, m.Files, m.extra = text, o.files, o.raw
	for _, f := range m.Files {
		s.files.keep(f, s.ids.next(s.now()), t.id)
	}
	t.mentioned(m)
	t.add(m)
	if !o.lost {
		m.announce("MESSAGE_CREATE")
	}
	return t, m.copy()
}

// openThread makes a thread and tells of it.
func (c *Channel) openThread(u *User, name string, kind Kind, root *message) *Channel {
	s := c.srv
	var id Snowflake
	if root != nil {
		id = root.ID
	}
	if c.kind == NewsChannel {
		kind = NewsThread
	}
	t := s.newChannel(id, kind)
	t.guild, t.parent, t.name, t.owner, t.archivedAt = c.guild, c, name, u, s.now()
	t.joined = u == s.bot
	c.guild.channels = append(c.guild.channels, t)
	w := t.wire()
	newly := true
	w.NewlyCreated = &newly
	s.dispatch(event{name: "THREAD_CREATE", channel: t, intent: IntentGuilds}, w)
	switch {
	case root != nil:
		root.thread, root.Thread, root.flags = t, t.id, root.flags|flagHasThread
		root.Generation++
		root.announce("MESSAGE_UPDATE")
		starter := &message{author: u, reference: &reference{MessageID: &root.ID, ChannelID: c.id, GuildID: &c.guild.id}}
		starter.Type, starter.Service = threadStarter, true
		t.add(starter)
		starter.announce("MESSAGE_CREATE")
	case !c.isForum():
		note := &message{author: u, reference: &reference{ChannelID: t.id, GuildID: &c.guild.id}}
		note.Type, note.Service, note.Text = threadCreated, true, name
		if kind == PublicThread {
			c.add(note)
			note.announce("MESSAGE_CREATE")
		}
	}
	s.notify()
	return t
}

// Threads lists the threads of a channel that exist, oldest first, archived
// ones too.
func (c *Channel) Threads() []*Channel {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.threads()
}

func (c *Channel) threads() (found []*Channel) {
	if c.guild == nil {
		return nil
	}
	for _, t := range c.guild.channels {
		if t.parent == c && t.isThread() && !t.deleted {
			found = append(found, t)
		}
	}
	return found
}

// Thread is how a thread stands now; ok is false when it is deleted or the
// channel is none.
func (c *Channel) Thread() (t Thread, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if !c.isThread() || c.deleted {
		return Thread{}, false
	}
	return Thread{ID: c.id, Name: c.name, Kind: c.kind, Parent: c.parent.id, Archived: c.archived, Locked: c.locked,
		ByBot: c.owner == c.srv.bot}, true
}

// Archive closes a thread, as time or a person does.
func (c *Channel) Archive() { c.setThread(true, c.isLocked()) }

// Lock archives a thread and keeps all but moderators from opening it.
func (c *Channel) Lock() { c.setThread(true, true) }

// Unarchive opens a thread, and takes a lock away.
func (c *Channel) Unarchive() { c.setThread(false, false) }

// LockOpen locks a thread without archiving it.
func (c *Channel) LockOpen() { c.setThread(false, true) }

func (c *Channel) isLocked() bool {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.locked
}

func (c *Channel) setThread(archived, locked bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if !c.isThread() {
		panic("discordtest: not a thread")
	}
	if c.archived != archived {
		c.archivedAt = c.srv.now()
	}
	c.archived, c.locked = archived, locked
	c.changed()
}

// revive opens an archived thread because something is sent there.
func (c *Channel) revive() {
	if c.isThread() && c.archived {
		c.archived, c.archivedAt = false, c.srv.now()
		c.changed()
	}
}

// SetActiveThreadLimit bounds the active threads of a guild; 0 is the usual
// bound. Beyond it, making one fails with 160006.
func (g *Guild) SetActiveThreadLimit(n int) {
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	g.activeLimit = n
}

// activeThreads lists the active threads of a guild that the bot sees, the
// highest id first.
func (g *Guild) activeThreads() []*Channel {
	found := slices.DeleteFunc(slices.Clone(g.channels), func(c *Channel) bool {
		return !c.isThread() || c.archived || c.deleted || !c.visible()
	})
	slices.SortFunc(found, func(a, b *Channel) int { return cmp.Compare(b.id, a.id) })
	return found
}
