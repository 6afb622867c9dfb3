package discord

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

// The shapes below are the parts of the network's objects that matter here,
// and no more: an unheard-of value in any other field, such as a new kind of
// component, must not cost a person their message. Lists are read one by one,
// and fields of which only the presence counts are kept raw.
type (
	message struct {
		ID        snowflake       `json:"id"`
		Channel   snowflake       `json:"channel_id"`
		Guild     snowflake       `json:"guild_id"` // only from the gateway
		Author    account         `json:"author"`
		Member    *member         `json:"member"` // only from the gateway
		Webhook   presence        `json:"webhook_id"`
		Type      int             `json:"type"`
		Content   string          `json:"content"`
		Mentions  list[account]   `json:"mentions"`
		Files     list[file]      `json:"attachments"`
		Reference *reference      `json:"message_reference"`
		Answered  *answered       `json:"referenced_message"`
		Snapshots list[presence]  `json:"message_snapshots"`
		Stickers  list[presence]  `json:"sticker_items"`
		Embeds    list[presence]  `json:"embeds"`
		Parts     list[component] `json:"components"`
		Poll      presence        `json:"poll"`
		Called    presence        `json:"interaction_metadata"`
		CalledOld presence        `json:"interaction"`
		Nonce     string          `json:"nonce"`
	}

	account struct {
		ID     snowflake `json:"id"`
		Bot    bool      `json:"bot"`
		System bool      `json:"system"`
		Name   string    `json:"username"`
		Global string    `json:"global_name"`
	}

	member struct {
		User  account         `json:"user"`
		Nick  string          `json:"nick"`
		Roles list[snowflake] `json:"roles"`
	}

	reference struct {
		Type    int       `json:"type"` // 0 = reply, 1 = forward
		Message snowflake `json:"message_id"`
		Channel snowflake `json:"channel_id"`
	}

	answered struct {
		Author account `json:"author"`
	}

	file struct {
		ID   snowflake `json:"id"`
		Name string    `json:"filename"`
		MIME string    `json:"content_type"`
		Size int64     `json:"size"`
		URL  string    `json:"url"`
	}

	// component is a part of a message; rows hold others.
	component struct {
		ID    string          `json:"custom_id"`
		Value string          `json:"value"`
		Parts list[component] `json:"components"`
		Inner *component      `json:"component"` // of a label
	}

	channel struct {
		ID         snowflake       `json:"id"`
		Guild      snowflake       `json:"guild_id"`
		Parent     snowflake       `json:"parent_id"`
		Type       int             `json:"type"`
		Name       string          `json:"name"`
		Last       snowflake       `json:"last_message_id"`
		Recipients list[account]   `json:"recipients"`
		Overwrites list[overwrite] `json:"permission_overwrites"`
	}

	guildInfo struct {
		ID       snowflake     `json:"id"`
		Name     string        `json:"name"`
		Owner    snowflake     `json:"owner_id"`
		Away     bool          `json:"unavailable"`
		Channels list[channel] `json:"channels"`
		Threads  list[channel] `json:"threads"`
		Roles    list[role]    `json:"roles"`
		Members  list[member]  `json:"members"`
	}

	role struct {
		ID  snowflake  `json:"id"`
		May permission `json:"permissions"`
	}

	ready struct {
		User        account         `json:"user"`
		Application applicationInfo `json:"application"`
		Guilds      list[guildInfo] `json:"guilds"`
	}

	applicationInfo struct {
		ID     snowflake `json:"id"`
		Flags  int64     `json:"flags"`
		Public bool      `json:"bot_public"`
	}

	interaction struct {
		ID          snowflake `json:"id"`
		Application snowflake `json:"application_id"`
		Type        int       `json:"type"`
		Token       string    `json:"token"`
		Guild       snowflake `json:"guild_id"`
		ChannelID   snowflake `json:"channel_id"`
		Channel     channel   `json:"channel"`
		Member      member    `json:"member"`
		User        account   `json:"user"`
		Context     *int      `json:"context"`
		UploadLimit int64     `json:"attachment_size_limit"`
		Message     *message  `json:"message"`
		Data        struct {
			Name    string          `json:"name"`
			Type    int             `json:"type"`
			Options list[option]    `json:"options"`
			ID      string          `json:"custom_id"`
			Parts   list[component] `json:"components"`
		} `json:"data"`
	}

	option struct {
		Name    string          `json:"name"`
		Type    int             `json:"type"`
		Value   json.RawMessage `json:"value"`
		Focused bool            `json:"focused"`
		Options list[option]    `json:"options"`
	}
)

// list is read element by element: one that cannot be read is left out.
type list[T any] []T

func (l *list[T]) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if json.Unmarshal(b, &raw) != nil {
		return nil
	}
	for _, one := range raw {
		var element T
		if tolerant(json.Unmarshal(one, &element)) == nil {
			*l = append(*l, element)
		}
	}
	return nil
}

// presence is true for a field that is there and not null, whatever it is.
type presence bool

func (p *presence) UnmarshalJSON(b []byte) error {
	*p = presence(!bytes.Equal(b, []byte("null")))
	return nil
}

// Kinds of messages that people write; all others are the network's notices
// (docs.discord.com/developers/resources/message#message-object-message-types).
const (
	typeDefault = 0
	typeReply   = 19
)

// place is the channel as a place. guild is where it is, if the channel itself
// does not say.
func (c *channel) place(guild snowflake) place {
	at := place{
		id: c.ID, guild: c.Guild, kind: discordgo.ChannelType(c.Type), name: c.Name, overwrites: c.Overwrites,
	}
	if at.guild == 0 {
		at.guild = guild
	}
	if at.isThread() {
		at.parent = c.Parent
	}
	if at.kind == discordgo.ChannelTypeDM && len(c.Recipients) > 0 {
		at.user = c.Recipients[0].ID
	}
	return at
}

// info is the server as far as it matters.
func (g *guildInfo) info(me snowflake) *guild {
	out := &guild{id: g.ID, name: g.Name, owner: g.Owner, roles: make(map[snowflake]permission)}
	for _, r := range g.Roles {
		out.roles[r.ID] = r.May
	}
	for _, m := range g.Members {
		if m.User.ID == me {
			out.mine = m.Roles
		}
	}
	return out
}

// isPerson is false for what the network or a program wrote.
func (m *message) isPerson() bool {
	return !bool(m.Webhook) && !m.Author.Bot && !m.Author.System
}

// fromMe is true for the bot's own messages.
func (m *message) fromMe(me snowflake) bool { return m.Author.ID == me && !bool(m.Webhook) }

// origin says how the message came to be.
func (m *message) origin() bot.Origin {
	switch {
	case bool(m.Webhook), m.Author.System:
		return bot.ByChat
	case m.Author.Bot:
		return bot.ByBot
	case len(m.Snapshots) > 0, m.Reference != nil && m.Reference.Type == 1:
		return bot.Forwarded
	default:
		return bot.Original
	}
}

// blind is true for a message of a person that seems to have nothing in it:
// what all messages look like without the right to read them.
func (m *message) blind() bool {
	return m.Content == "" && len(m.Files) == 0 && len(m.Snapshots) == 0 && len(m.Stickers) == 0 &&
		len(m.Embeds) == 0 && len(m.Parts) == 0 && !bool(m.Poll)
}

// accepted makes of a message what the core understands; ok is false when
// there is nothing in it for the bot. at is where it was written.
func (a *Adapter) accepted(m *message, at place, now time.Time) (out bot.Message, ok bool) {
	if m.Type != typeDefault && m.Type != typeReply || m.Author.ID == 0 {
		return bot.Message{}, false
	}
	text, addressed := a.addressed(m)
	files := m.attachments()
	if text == "" && len(files) == 0 {
		return bot.Message{}, false
	}
	out = bot.Message{
		Claim:       a.claim(m.Author, m.Member, at),
		Key:         fmt.Sprintf("%s/%d/m/%d", Name, a.botID, m.ID),
		ID:          bot.MessageID(m.ID.String()),
		Text:        text,
		Addressed:   addressed,
		Age:         max(0, now.Sub(m.ID.time())),
		Attachments: files,
		Code:        bot.Fenced(text),
	}
	out.Origin = m.origin()
	if r := m.Reference; r != nil && r.Type == 0 && r.Message != 0 && m.Type == typeReply {
		out.ReplyTo = bot.MessageID(r.Message.String())
	}
	return out, true
}

// claim is who says they did something, and where.
func (a *Adapter) claim(who account, as *member, at place) bot.Claim {
	c := bot.Claim{
		Account: bot.Account{Adapter: Name, User: bot.UserID(who.ID.String())},
		Name:    who.Name,
		Thread:  at.thread(),
		Title:   at.name,
		Direct:  at.user != 0,
		Server:  serverChat(at.guild),
		Badges:  as.badges(at.guild),
	}
	switch {
	case as != nil && as.Nick != "":
		c.Name = as.Nick
	case who.Global != "":
		c.Name = who.Global
	}
	if at.isThread() {
		if parent, known := a.places.find(at.parent); known {
			c.Title = parent.name
		}
	}
	if at.user != 0 {
		c.Title = ""
	}
	return c
}

// leadingMention is a mention in front of everything else.
var leadingMention = regexp.MustCompile(`^\s*<@!?([0-9]{1,20})>[,:]?\s*`)

// addressed tells whether a message is for this bot by the network's own
// means, and gives its text without the mention in front. What is said to the
// bot by its name is a command, with or without a slash; a reply to it is not.
func (a *Adapter) addressed(m *message) (text string, addressed bool) {
	text = strings.ToValidUTF8(m.Content, "\uFFFD")
	if found := leadingMention.FindStringSubmatchIndex(text); found != nil {
		if id, _ := parseSnowflake(text[found[2]:found[3]]); id == a.botID {
			text = text[found[1]:]
			switch {
			case text == "":
				text = "/help"
			case text[0] != '/':
				text = "/" + text
			}
			return text, true
		}
	}
	if p := a.cfg.Prefix; p != "" && strings.HasPrefix(text, p) && len(text) > len(p) {
		return "/" + text[len(p):], true
	}
	for _, u := range m.Mentions {
		addressed = addressed || u.ID == a.botID
	}
	return text, addressed
}

// attachments are the files that came with a message.
func (m *message) attachments() []bot.Attachment {
	var out []bot.Attachment
	for _, f := range m.Files {
		if f.ID != 0 {
			out = append(out, bot.Attachment{Name: f.Name, MIME: f.MIME, Size: max(0, f.Size), Ref: fileRef(m.Channel, m.ID, f.ID)})
		}
	}
	return out
}

// fileRef names a file by its message: links to files expire, and are made
// anew with every reading of the message.
func fileRef(channel, message, file snowflake) string {
	return strings.Join([]string{channel.String(), message.String(), file.String()}, "/")
}

// parseFileRef reads what fileRef made.
func parseFileRef(ref string) (channel, message, file snowflake, ok bool) {
	parts := strings.Split(ref, "/")
	if len(parts) != 3 {
		return 0, 0, 0, false
	}
	var ids [3]snowflake
	for i, part := range parts {
		if ids[i], ok = parseSnowflake(part); !ok {
			return 0, 0, 0, false
		}
	}
	return ids[0], ids[1], ids[2], true
}

// invoker is the person behind an interaction; members of servers have a name
// and roles there.
func (i *interaction) invoker() (who account, as *member) {
	if i.Member.User.ID != 0 {
		return i.Member.User, &i.Member
	}
	return i.User, nil
}

// badges are the roles of a member; nil when the network did not tell of one.
// The role that everybody has is none.
func (m *member) badges(guild snowflake) []bot.BadgeID {
	if m == nil || guild == 0 {
		return nil
	}
	badges := []bot.BadgeID{}
	for _, role := range m.Roles {
		if role != guild {
			badges = append(badges, bot.BadgeID(role.String()))
		}
	}
	return badges
}

// place is where an interaction was made.
func (i *interaction) place() place {
	at := i.Channel.place(i.Guild)
	if at.id == 0 {
		at.id = i.ChannelID
	}
	if i.Guild == 0 {
		who, _ := i.invoker()
		at.kind, at.user = discordgo.ChannelTypeDM, who.ID
	}
	return at
}

// text is an option's value as a person would type it.
func (o *option) text() string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	var f float64
	if json.Unmarshal(o.Value, &f) == nil {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strings.Trim(string(o.Value), `"`)
}
