package discordtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	userMention = regexp.MustCompile(`<@!?(\d{1,20})>`)
	roleMention = regexp.MustCompile(`<@&(\d{1,20})>`)
	massMention = regexp.MustCompile(`@(everyone|here)`)
	codeParts   = regexp.MustCompile("(?s)```.*?```|``.*?``|`[^`]*`")
	linkPart    = regexp.MustCompile(`<https?://[^\s<>]*>|https?://[^\s<>]+`)
)

// mentioned finds whom the text of a person's message mentions.
func (c *Channel) mentioned(m *message) {
	m.mentions, m.roles = nil, nil
	text := codeParts.ReplaceAllString(m.Text, "")
	for _, found := range userMention.FindAllStringSubmatch(text, 100) {
		id, _ := parseSnowflake(found[1])
		if u := c.srv.users[id]; u != nil && !slices.Contains(m.mentions, u) {
			m.mentions = append(m.mentions, u)
		}
	}
	if c.guild == nil {
		return
	}
	for _, found := range roleMention.FindAllStringSubmatch(text, 100) {
		id, _ := parseSnowflake(found[1])
		if slices.ContainsFunc(c.guild.roles, func(r *Role) bool { return r.ID == id }) && !slices.Contains(m.roles, id) {
			m.roles = append(m.roles, id)
		}
	}
	m.everyone = massMention.MatchString(text) && c.permissions(m.author).Has(MentionEveryone)
}

// allowedMentions is what a call says about pings (Message: Allowed Mentions).
type allowedMentions struct {
	users, roles, everyone bool // parse
	userIDs, roleIDs       []Snowflake
	replied                bool
}

// defaultMentions are those of a call that says nothing.
func defaultMentions(webhook bool) *allowedMentions {
	if webhook { // of interactions
		return &allowedMentions{users: true, replied: true}
	}
	return &allowedMentions{users: true, roles: true, everyone: true, replied: true}
}

// mentions reads allowed_mentions.
func (f *formErrors) mentions(path string, raw json.RawMessage, webhook bool) *allowedMentions {
	if !present(raw) {
		return defaultMentions(webhook)
	}
	var sent struct {
		Parse   *[]string   `json:"parse"`
		Users   []Snowflake `json:"users"`
		Roles   []Snowflake `json:"roles"`
		Replied *bool       `json:"replied_user"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		f.add(path, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
		return defaultMentions(webhook)
	}
	a := &allowedMentions{userIDs: sent.Users, roleIDs: sent.Roles, replied: sent.Replied != nil && *sent.Replied}
	if sent.Parse == nil && sent.Users == nil && sent.Roles == nil {
		// An object that allows nothing in particular is read as the strictest
		// client could fear: everything is parsed.
		*a = *defaultMentions(webhook)
		a.replied = sent.Replied == nil || *sent.Replied
		return a
	}
	if sent.Parse != nil {
		for i, kind := range *sent.Parse {
			switch kind {
			case "users":
				a.users = true
			case "roles":
				a.roles = true
			case "everyone":
				a.everyone = true
			default:
				f.choice(fmt.Sprintf("%s.parse.%d", path, i), kind, "'everyone', 'roles', 'users'")
			}
		}
	}
	for _, both := range []struct {
		name  string
		parse bool
		ids   []Snowflake
	}{{"users", a.users, a.userIDs}, {"roles", a.roles, a.roleIDs}} {
		if both.parse && len(both.ids) > 0 {
			f.add(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", fmt.Sprintf("parse:[%q] and %s: [ids...] are mutually exclusive.", both.name, both.name))
		}
		if len(both.ids) > 100 {
			f.tooLong(path+"."+both.name, 100)
		}
	}
	return a
}

// pings lists whom a text of the bot notifies. Whether code keeps a mention
// from notifying is left in doubt on purpose: here it does not.
func (c *Channel) pings(text string, a *allowedMentions, answered *message) (all []string) {
	bot := c.srv.bot
	add := func(format string, args ...any) {
		if who := fmt.Sprintf(format, args...); !slices.Contains(all, who) {
			all = append(all, who)
		}
	}
	for _, found := range userMention.FindAllStringSubmatch(text, 100) {
		if id, _ := parseSnowflake(found[1]); id != bot.ID && (a.users || slices.Contains(a.userIDs, id)) {
			add("user %d", id)
		}
	}
	if c.guild != nil {
		for _, found := range roleMention.FindAllStringSubmatch(text, 100) {
			if id, _ := parseSnowflake(found[1]); a.roles || slices.Contains(a.roleIDs, id) {
				add("role %d", id)
			}
		}
		if a.everyone && massMention.MatchString(text) {
			add("everyone")
		}
	}
	if answered != nil && a.replied && answered.author != bot {
		add("reply to user %d", answered.author.ID)
	}
	return all
}

// previews lists the links of a text that a client shows a preview of: those
// outside of code and angle brackets.
func previews(text string) (links []string) {
	for _, link := range linkPart.FindAllString(codeParts.ReplaceAllString(text, " "), -1) {
		if !strings.HasPrefix(link, "<") && len(links) < 20 {
			links = append(links, link)
		}
	}
	return links
}

// judge records what a content of the bot does to people.
func (m *message) judge(text string, a *allowedMentions, answered *message) {
	c := m.channel
	for _, who := range c.pings(text, a, answered) {
		m.Pings = append(slices.Clip(m.Pings), who)
		c.srv.problem(fmt.Sprintf("message %d pings %s: %.100q", m.ID, who, text))
	}
	m.Previews = nil
	if m.flags&(flagSuppressEmbeds|flagComponentsV2) == 0 {
		m.Previews = previews(text)
		for _, link := range m.Previews {
			c.srv.problem(fmt.Sprintf("message %d makes a preview of a link: %.100q", m.ID, link))
		}
	}
}
