package discordtest

import (
	"fmt"
	"slices"
	"time"
)

// Guild is one server in Discord's sense.
type Guild struct {
	srv *Server
	id  Snowflake

	// All below is guarded by the server's lock.
	name        string
	owner       *User
	everyone    *Role
	botRole     *Role
	roles       []*Role
	members     map[Snowflake]*member
	order       []*member
	channels    []*Channel // threads too, in the order they were made
	tier        int
	activeLimit int // threads; 0 for the usual one
	unavailable bool
	joined      time.Time // the bot
}

// Role is a role of a guild.
type Role struct {
	ID          Snowflake
	Name        string
	Permissions Permission

	guild       *Guild
	mentionable bool
}

// Mention is the markup that mentions the role.
func (r *Role) Mention() string { return "<@&" + r.ID.String() + ">" }

type member struct {
	user   *User
	roles  []*Role
	joined time.Time
}

// AddGuild makes a guild with the bot and the given people in it, the first of
// whom owns it; an id of 0 means a new one. It has no channels yet. The bot has
// a role of its own with BotDefault. It panics when the id is taken.
func (s *Server) AddGuild(id Snowflake, name string, members ...*User) *Guild {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 {
		id = s.ids.next(s.now())
	}
	if s.guilds[id] != nil || s.channels[id] != nil {
		panic(fmt.Sprintf("discordtest: guild id %d is taken", id))
	}
	g := &Guild{srv: s, id: id, name: name, members: make(map[Snowflake]*member), joined: s.now()}
	g.everyone = &Role{ID: id, Name: "@everyone", Permissions: EveryoneDefault, guild: g}
	g.botRole = &Role{ID: s.ids.next(s.now()), Name: s.bot.Name, Permissions: BotDefault, guild: g}
	g.roles = []*Role{g.everyone, g.botRole}
	for _, u := range members {
		if g.owner == nil {
			g.owner = u
		}
		g.admit(u)
	}
	g.admit(s.bot, g.botRole)
	s.guilds[id] = g
	s.guildSeq = append(s.guildSeq, g)
	s.announceGuild(g)
	return g
}

// admit makes a user a member.
func (g *Guild) admit(u *User, roles ...*Role) *member {
	m := &member{user: u, roles: roles, joined: g.srv.now()}
	g.members[u.ID] = m
	g.order = append(g.order, m)
	return m
}

// ID is the guild's id.
func (g *Guild) ID() Snowflake { return g.id }

// AddChannel makes a channel, which every member sees; an id of 0 means a new
// one. Threads are made by Channel.AddThread and Channel.AddPost. It panics
// when the id is taken or the kind is not one of a guild's channel.
func (g *Guild) AddChannel(id Snowflake, name string, kind Kind) *Channel {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case TextChannel, NewsChannel, ForumChannel, MediaChannel, VoiceChannel, CategoryChannel:
	default:
		panic(fmt.Sprintf("discordtest: a channel of kind %d is not added to a guild", kind))
	}
	c := s.newChannel(id, kind)
	c.guild, c.name = g, name
	g.channels = append(g.channels, c)
	s.dispatch(event{name: "CHANNEL_CREATE", channel: c, intent: IntentGuilds}, c.wire())
	return c
}

// AddRole makes a role that nobody has yet; an id of 0 means a new one.
func (g *Guild) AddRole(id Snowflake, name string, p Permission) *Role {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 {
		id = s.ids.next(s.now())
	}
	r := &Role{ID: id, Name: name, Permissions: p, guild: g}
	g.roles = append(g.roles, r)
	s.dispatch(event{name: "GUILD_ROLE_CREATE", guild: g, intent: IntentGuilds}, map[string]any{"guild_id": g.id, "role": r.wire()})
	return r
}

// Join makes people members.
func (g *Guild) Join(people ...*User) {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range people {
		if g.members[u.ID] == nil {
			m := g.admit(u)
			s.dispatch(event{name: "GUILD_MEMBER_ADD", guild: g, intent: IntentGuildMembers}, m.wireWith(g))
		}
	}
}

// Leave ends a person's membership.
func (g *Guild) Leave(u *User) {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(g.members, u.ID)
	g.order = slices.DeleteFunc(g.order, func(m *member) bool { return m.user == u })
	s.dispatch(event{name: "GUILD_MEMBER_REMOVE", guild: g, intent: IntentGuildMembers}, map[string]any{"guild_id": g.id, "user": u.wire()})
}

// Give gives a member a role.
func (g *Guild) Give(u *User, r *Role) { g.setRole(u, r, true) }

// Take takes a role from a member.
func (g *Guild) Take(u *User, r *Role) { g.setRole(u, r, false) }

func (g *Guild) setRole(u *User, r *Role, has bool) {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := g.members[u.ID]
	if m == nil || r.guild != g {
		panic("discordtest: the user is no member, or the role is another guild's")
	}
	m.roles = slices.DeleteFunc(slices.Clone(m.roles), func(x *Role) bool { return x == r })
	if has {
		m.roles = append(m.roles, r)
	}
	s.dispatch(event{name: "GUILD_MEMBER_UPDATE", guild: g, intent: IntentGuildMembers, always: u == s.bot}, m.wireWith(g))
}

// SetEveryone sets what the @everyone role may do.
func (g *Guild) SetEveryone(p Permission) { g.setPermissions(g.everyone, p) }

// SetBot sets what the bot's own role may do in addition to @everyone.
func (g *Guild) SetBot(p Permission) { g.setPermissions(g.botRole, p) }

func (g *Guild) setPermissions(r *Role, p Permission) {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Permissions = p
	s.dispatch(event{name: "GUILD_ROLE_UPDATE", guild: g, intent: IntentGuilds}, map[string]any{"guild_id": g.id, "role": r.wire()})
}

// SetTier sets the boost level, 0 to 3: level 2 takes files of 50 MiB, level 3
// of 100 MiB.
func (g *Guild) SetTier(tier int) {
	g.srv.mu.Lock()
	defer g.srv.mu.Unlock()
	g.tier = tier
}

// Kick removes the bot from the guild: it gets GUILD_DELETE, and every call
// about the guild fails with 50001.
func (g *Guild) Kick() {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.members[s.bot.ID] == nil {
		return
	}
	s.dispatch(event{name: "GUILD_DELETE", guild: g, intent: IntentGuilds}, map[string]any{"id": g.id})
	delete(g.members, s.bot.ID)
	g.order = slices.DeleteFunc(g.order, func(m *member) bool { return m.user == s.bot })
}

// Invite adds the bot to the guild again after Kick.
func (g *Guild) Invite() {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.members[s.bot.ID] == nil {
		g.admit(s.bot, g.botRole)
		g.joined = s.now()
		s.announceGuild(g)
	}
}

// SetUnavailable makes the guild suffer an outage, or end it, as GUILD_DELETE
// and GUILD_CREATE with unavailable tell.
func (g *Guild) SetUnavailable(unavailable bool) {
	s := g.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	g.unavailable = unavailable
	if !unavailable {
		s.announceGuild(g)
		return
	}
	s.dispatch(event{name: "GUILD_DELETE", guild: g, intent: IntentGuilds}, map[string]any{"id": g.id, "unavailable": true})
}

// uploadLimit is the size of a file that may be sent.
func (s *Server) uploadLimit(g *Guild) int64 {
	switch {
	case g != nil && g.tier == 2:
		return max(50<<20, s.opts.UploadLimit)
	case g != nil && g.tier >= 3:
		return max(100<<20, s.opts.UploadLimit)
	}
	return s.opts.UploadLimit
}

type wireRole struct {
	ID          Snowflake  `json:"id"`
	Name        string     `json:"name"`
	Color       int        `json:"color"`
	Hoist       bool       `json:"hoist"`
	Position    int        `json:"position"`
	Permissions Permission `json:"permissions"`
	Managed     bool       `json:"managed"`
	Mentionable bool       `json:"mentionable"`
	Flags       int        `json:"flags"`
}

func (r *Role) wire() wireRole {
	return wireRole{ID: r.ID, Name: r.Name, Permissions: r.Permissions, Managed: r == r.guild.botRole,
		Mentionable: r.mentionable, Position: slices.Index(r.guild.roles, r)}
}

// wireMember is a member as the API writes it.
type wireMember struct {
	User        *wireUser   `json:"user,omitempty"`
	GuildID     *Snowflake  `json:"guild_id,omitempty"`
	Nick        *string     `json:"nick"`
	Avatar      *string     `json:"avatar"`
	Roles       []Snowflake `json:"roles"`
	JoinedAt    string      `json:"joined_at"`
	Deaf        bool        `json:"deaf"`
	Mute        bool        `json:"mute"`
	Flags       int         `json:"flags"`
	Pending     bool        `json:"pending"`
	Permissions *Permission `json:"permissions,omitempty"`
}

func (m *member) wire() *wireMember {
	w := &wireMember{Roles: []Snowflake{}, JoinedAt: timestamp(m.joined)}
	for _, r := range m.roles {
		w.Roles = append(w.Roles, r.ID)
	}
	return w
}

// wireWith is the member with the user.
func (m *member) wireWith(g *Guild) *wireMember {
	w := m.wire()
	w.User = m.user.wire()
	if g != nil {
		w.GuildID = &g.id
	}
	return w
}

// timestamp is a moment as the API writes it, in microseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

// wire is the guild as REST writes it.
func (g *Guild) wire() map[string]any {
	roles := []wireRole{}
	for _, r := range g.roles {
		roles = append(roles, r.wire())
	}
	var owner Snowflake
	if g.owner != nil {
		owner = g.owner.ID
	}
	return map[string]any{
		"id": g.id, "name": g.name, "icon": nil, "owner_id": owner, "roles": roles, "emojis": []any{}, "features": []any{},
		"verification_level": 0, "default_message_notifications": 1, "explicit_content_filter": 0, "mfa_level": 0,
		"system_channel_id": nil, "premium_tier": g.tier, "preferred_locale": "en-US", "nsfw_level": 0,
		"afk_timeout": 300, "description": nil, "banner": nil, "vanity_url_code": nil, "stickers": []any{},
	}
}

// wireCreate is the guild as GUILD_CREATE writes it: with its channels, the
// active threads that the bot sees, and of the members the bot only.
func (g *Guild) wireCreate() map[string]any {
	w := g.wire()
	bot := g.srv.bot
	channels, threads := []wireChannel{}, []wireChannel{}
	for _, c := range g.channels {
		switch {
		case c.deleted:
		case !c.isThread():
			channels = append(channels, c.wire())
		case !c.archived && c.permissions(bot).Has(ViewChannel) && c.kind != PrivateThread || c.joined && !c.archived:
			threads = append(threads, c.wire())
		}
	}
	members := []*wireMember{}
	if m := g.members[bot.ID]; m != nil {
		members = append(members, m.wireWith(nil))
	}
	w["joined_at"] = timestamp(g.joined)
	w["large"] = false
	w["unavailable"] = false
	w["member_count"] = len(g.members)
	w["members"] = members
	w["channels"] = channels
	w["threads"] = threads
	w["presences"], w["voice_states"], w["stage_instances"], w["guild_scheduled_events"], w["soundboard_sounds"] =
		[]any{}, []any{}, []any{}, []any{}, []any{}
	return w
}

// announceGuild tells gateways of a guild that the bot is in.
func (s *Server) announceGuild(g *Guild) {
	s.dispatch(event{name: "GUILD_CREATE", guild: g, intent: IntentGuilds}, g.wireCreate())
}
