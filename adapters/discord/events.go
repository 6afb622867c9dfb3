package discord

import (
	"encoding/json"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

// event takes what the gateway tells. The library's reader calls it, so it only
// decodes and hands over.
func (a *Adapter) event(kind string, raw json.RawMessage) {
	read := func(into any) bool {
		if tolerant(json.Unmarshal(raw, into)) != nil {
			a.log.Warn("an event that cannot be read was skipped", "kind", kind)
			return false
		}
		return true
	}
	switch kind {
	case "READY":
		var r ready
		if read(&r) {
			a.arrived(&r)
		}
	case "RESUMED":
		if a.standing.reached() {
			a.log.Info("resumed")
		}
		// The network keeps a bounded number of events for this.
		a.intake.catchUp()
	case "MESSAGE_CREATE":
		var m message
		if read(&m) {
			a.heard(&m)
		}
	case "MESSAGE_DELETE":
		var m message
		if read(&m) {
			a.intake.remove(m.Channel, m.ID)
		}
	case "INTERACTION_CREATE":
		var i interaction
		if read(&i) {
			a.interacted(i)
		}
	case "GUILD_CREATE":
		var g guildInfo
		if read(&g) && !g.Away {
			a.joined(&g)
		}
	case "GUILD_DELETE":
		var g guildInfo
		if read(&g) && !g.Away {
			a.places.leave(g.ID)
		}
	default:
		a.moved(kind, raw, read)
	}
}

// moved takes what changes channels, threads and rights.
func (a *Adapter) moved(kind string, raw json.RawMessage, read func(any) bool) {
	switch kind {
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE":
		var c channel
		if read(&c) && c.ID != 0 {
			a.places.see(c.place(0))
			a.check(c.ID)
		}
	case "CHANNEL_DELETE", "THREAD_DELETE":
		var c channel
		if read(&c) {
			a.places.forget(c.ID)
			a.intake.gone(c.ID)
		}
	case "THREAD_LIST_SYNC":
		var g guildInfo
		var head struct {
			Guild snowflake `json:"guild_id"`
		}
		if read(&g) && read(&head) {
			for _, c := range g.Threads {
				a.places.see(c.place(head.Guild))
			}
		}
	case "GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE":
		var change struct {
			Guild snowflake `json:"guild_id"`
			Role  role      `json:"role"`
		}
		if read(&change) {
			a.places.changeGuild(change.Guild, func(g *guild) { g.roles[change.Role.ID] = change.Role.May })
			a.checkAll(change.Guild)
		}
	case "GUILD_MEMBER_UPDATE":
		var change struct {
			Guild snowflake `json:"guild_id"`
			member
		}
		if read(&change) && change.User.ID == a.botID {
			a.places.changeGuild(change.Guild, func(g *guild) { g.mine = change.Roles })
			a.checkAll(change.Guild)
		}
	}
}

// arrived takes the greeting of a new session: what happened before it is in
// the histories only.
func (a *Adapter) arrived(r *ready) {
	if a.standing.reached() {
		a.log.Info("connected", "servers", len(r.Guilds))
	}
	a.intake.catchUp()
	signal(a.greeted)
}

// joined takes a server with its channels and active threads.
func (a *Adapter) joined(g *guildInfo) {
	a.places.setGuild(g.info(a.botID))
	for _, channels := range []list[channel]{g.Channels, g.Threads} {
		for _, c := range channels {
			if c.ID == 0 {
				continue
			}
			a.places.see(c.place(g.ID))
			if c.Last != 0 {
				a.places.sighted(c.ID, c.Last)
			}
		}
	}
	a.checkAll(g.ID)
	signal(a.greeted) // its commands could not be published before
}

// heard takes a message.
func (a *Adapter) heard(m *message) {
	if m.ID == 0 || m.Channel == 0 {
		return
	}
	a.places.sighted(m.Channel, m.ID)
	if m.fromMe(a.botID) {
		return
	}
	_, known := a.places.find(m.Channel)
	if m.Guild == 0 && !known && m.isPerson() {
		a.places.see(place{id: m.Channel, kind: discordgo.ChannelTypeDM, user: m.Author.ID})
		known = true
	}
	a.noteBlind(m)
	a.intake.add(a.itemOf(m), known)
}

// noteBlind advises when people's texts arrive empty although the application
// may read them.
func (a *Adapter) noteBlind(m *message) {
	me := a.me.Load()
	if me == nil || !me.content || m.Guild == 0 || !m.isPerson() || m.Type != typeDefault && m.Type != typeReply {
		return
	}
	switch {
	case !m.blind():
		if m.Content != "" {
			a.standing.advise("content", "")
		}
	case a.standing.advise("content", contentAdvice):
		a.log.Warn("messages arrive without their text: " + contentAdvice)
	}
}

// itemOf is a message on its way to the core.
func (a *Adapter) itemOf(m *message) *item {
	return &item{id: m.ID, channel: m.Channel, moves: true, read: func(at place) (bot.Message, bool, bool) {
		now, _ := a.client.clock.now()
		out, ok := a.accepted(m, at, now)
		return out, ok, false
	}}
}

// check tells what the bot lacks in a listed channel.
func (a *Adapter) check(id snowflake) {
	at, known := a.places.find(id)
	if !known || at.isThread() || !a.rooms.knows(id) {
		return
	}
	lacks := a.missing(at)
	if a.standing.lacks(at.name, lacks.names()) && lacks != 0 {
		a.log.Warn("the bot lacks permissions in a listed channel", "channel", at.name, "id", id.String(), "missing", lacks.names())
	}
}

// checkAll does so for all channels of a server.
func (a *Adapter) checkAll(guild snowflake) {
	for _, id := range a.rooms.all() {
		if at, known := a.places.find(id); known && at.guild == guild {
			a.check(id)
		}
	}
}
