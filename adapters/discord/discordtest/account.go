package discordtest

import "strings"

// botUser is the bot as it sees itself.
func (s *Server) botUser() map[string]any {
	return map[string]any{"id": s.bot.ID, "username": s.bot.Name, "discriminator": "0", "global_name": nil, "avatar": nil, "bot": true,
		"mfa_enabled": true, "verified": true, "email": nil, "flags": 0, "public_flags": 0}
}

// appFlags tell which privileged intents are switched on, as for a small bot
// (Application: Application Flags).
func (s *Server) appFlags() (flags int) {
	if s.opts.Presences {
		flags |= 1 << 13
	}
	if s.opts.Members {
		flags |= 1 << 15
	}
	if s.opts.MessageContent {
		flags |= 1 << 19
	}
	return flags
}

func (s *Server) getGateway(rq *request) error {
	return rq.answer(map[string]any{"url": s.gatewayURL()})
}

func (s *Server) getGatewayBot(rq *request) error {
	return rq.answer(map[string]any{"url": s.gatewayURL(), "shards": 1, "session_start_limit": s.startLimit()})
}

func (s *Server) gatewayURL() string { return "ws" + strings.TrimPrefix(s.link.url, "http") }

func (s *Server) getCurrentUser(rq *request) error { return rq.answer(s.botUser()) }

func (s *Server) getUser(rq *request) error {
	u := s.users[rq.id(0)]
	if u == nil {
		return notFound(10013)
	}
	return rq.answer(u.wire())
}

func (s *Server) getCurrentUserGuilds(rq *request) error {
	guilds := []any{}
	for _, g := range s.guildSeq {
		if g.members[s.bot.ID] != nil {
			guilds = append(guilds, map[string]any{"id": g.id, "name": g.name, "icon": nil, "owner": g.owner == s.bot,
				"permissions": g.permissions(s.bot), "features": []any{}})
		}
	}
	return rq.answer(guilds)
}

func (s *Server) getApplication(rq *request) error {
	return rq.answer(map[string]any{
		"id": s.appID, "name": s.bot.Name, "icon": nil, "description": "", "bot_public": s.opts.PublicBot, "bot_require_code_grant": false,
		"verify_key": strings.Repeat("0", 64), "flags": s.appFlags(), "summary": "", "team": nil, "bot": s.bot.wire(),
		"owner":                   map[string]any{"id": "1", "username": "owner", "discriminator": "0", "avatar": nil, "global_name": nil},
		"install_params":          map[string]any{"scopes": []string{"bot", "applications.commands"}, "permissions": "0"},
		"approximate_guild_count": len(s.guildSeq),
	})
}

// createDM opens a private channel with somebody: always the same one.
func (s *Server) createDM(rq *request) error {
	if !present(rq.body["recipient_id"]) {
		return invalid("recipient_id", "BASE_TYPE_REQUIRED", "This field is required")
	}
	var id Snowflake
	if id.UnmarshalJSON(rq.body["recipient_id"]) != nil {
		return invalid("recipient_id", "NUMBER_TYPE_COERCE", "Value is not snowflake.")
	}
	u := s.users[id]
	switch {
	case u == nil || u.Bot:
		return badRequest(50033)
	}
	c := s.dm(u)
	c.opened = true
	return rq.answer(c.wire())
}

// guildOf resolves a guild that the bot is in.
func (s *Server) guildOf(rq *request, n int) (*Guild, error) {
	g := s.guilds[rq.id(n)]
	switch {
	case g == nil:
		return nil, notFound(10004)
	case g.members[s.bot.ID] == nil:
		return nil, forbidden(50001)
	}
	return g, nil
}

func (s *Server) getGuild(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return err
	}
	return rq.answer(g.wire())
}

func (s *Server) leaveGuild(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return notFound(10004)
	}
	delete(g.members, s.bot.ID)
	s.notify()
	return nil
}

func (s *Server) getGuildChannels(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return err
	}
	list := []wireChannel{}
	for _, c := range g.channels {
		if !c.isThread() && !c.deleted {
			list = append(list, c.wire())
		}
	}
	return rq.answer(list)
}

func (s *Server) getGuildRoles(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return err
	}
	list := []wireRole{}
	for _, r := range g.roles {
		list = append(list, r.wire())
	}
	return rq.answer(list)
}

func (s *Server) getGuildMember(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return err
	}
	if s.users[rq.id(1)] == nil {
		return notFound(10013)
	}
	m := g.members[rq.id(1)]
	if m == nil {
		return notFound(10007)
	}
	return rq.answer(m.wireWith(nil))
}

func (s *Server) listActiveThreads(rq *request) error {
	g, err := s.guildOf(rq, 0)
	if err != nil {
		return err
	}
	threads, members := []wireChannel{}, []threadMember{}
	for _, t := range g.activeThreads() {
		w := t.wire()
		threads = append(threads, w)
		if w.Member != nil {
			members = append(members, *w.Member)
		}
	}
	return rq.answer(map[string]any{"threads": threads, "members": members})
}
