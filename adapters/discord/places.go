package discord

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

// direct is in front of a person's id in the name of their private chat: the
// network's own name of it is not known before it has been opened.
const direct = "@"

// place is a channel, a thread or a private chat.
type place struct {
	id    snowflake
	guild snowflake // 0 in a private chat
	// parent is the channel that a thread is in; 0 for others.
	parent snowflake
	kind   discordgo.ChannelType
	name   string
	user   snowflake // the person, in a private chat
	// overwrites change permissions there; of a thread its parent's count.
	overwrites []overwrite
}

func (p place) isThread() bool {
	switch p.kind {
	case discordgo.ChannelTypeGuildNewsThread, discordgo.ChannelTypeGuildPublicThread, discordgo.ChannelTypeGuildPrivateThread:
		return true
	}
	return false
}

// isForum is true for channels that hold threads only.
func (p place) isForum() bool {
	return p.kind == discordgo.ChannelTypeGuildForum || p.kind == discordgo.ChannelTypeGuildMedia
}

// thread is the core's name of the place.
func (p place) thread() bot.Thread {
	switch {
	case p.user != 0:
		return directThread(p.user)
	case p.isThread():
		return bot.Thread{Adapter: Name, Chat: bot.ChatID(p.parent.String()), Topic: bot.TopicID(p.id.String())}
	default:
		return bot.Thread{Adapter: Name, Chat: bot.ChatID(p.id.String())}
	}
}

func directThread(user snowflake) bot.Thread {
	return bot.Thread{Adapter: Name, Chat: bot.ChatID(direct + user.String())}
}

// guild is a server in the network's sense, as far as it matters for what the
// bot may do there.
type guild struct {
	id    snowflake
	name  string
	owner snowflake
	roles map[snowflake]permission
	// mine are the bot's roles.
	mine []snowflake
}

// places remembers which channel is where. It forgets when there are too many
// or the process ends, and asks the server then. Its zero value is ready.
type places struct {
	mu     sync.Mutex
	all    map[snowflake]place
	dms    map[snowflake]snowflake // private chat by person
	guilds map[snowflake]*guild
	// newest is the newest message seen in a channel.
	newest map[snowflake]snowflake
}

// maxPlaces is more than maxKnown because one big server alone can have that
// many channels and threads.
const maxPlaces = 8192

// see takes note of a place.
func (p *places) see(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil {
		p.all = make(map[snowflake]place)
		p.dms = make(map[snowflake]snowflake)
	}
	if _, known := p.all[at.id]; !known && len(p.all) >= maxPlaces {
		for other := range p.all {
			delete(p.all, other)
			break
		}
	}
	p.all[at.id] = at
	if at.user != 0 {
		put(p.dms, at.user, at.id)
	}
}

// find is the place with the id, if it is known.
func (p *places) find(id snowflake) (place, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.all[id]
	return at, ok
}

// forget drops a place that is gone.
func (p *places) forget(id snowflake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, id)
	delete(p.newest, id)
}

// dm is a person's private chat, 0 when it is not known.
func (p *places) dm(user snowflake) snowflake {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dms[user]
}

// sighted notes a message.
func (p *places) sighted(channel, message snowflake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.newest == nil {
		p.newest = make(map[snowflake]snowflake)
	}
	put(p.newest, channel, max(p.newest[channel], message))
}

// last is the newest message seen in a channel, 0 when none was.
func (p *places) last(channel snowflake) snowflake {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.newest[channel]
}

// setGuild takes note of a server.
func (p *places) setGuild(g *guild) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.guilds == nil {
		p.guilds = make(map[snowflake]*guild)
	}
	put(p.guilds, g.id, g)
}

// guild is what is known of a server; nil if nothing is. It is not changed
// any more.
func (p *places) guild(id snowflake) *guild {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.guilds[id]
}

// changeGuild puts a changed copy in the place of a known server.
func (p *places) changeGuild(id snowflake, change func(*guild)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.guilds[id]
	if old == nil {
		return
	}
	g := *old
	g.roles = make(map[snowflake]permission, len(old.roles))
	for role, may := range old.roles {
		g.roles[role] = may
	}
	change(&g)
	p.guilds[id] = &g
}

// leave forgets a server.
func (p *places) leave(id snowflake) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.guilds, id)
	for channel, at := range p.all {
		if at.guild == id {
			delete(p.all, channel)
		}
	}
}

// lookUp is the place with the id; the server is asked if it is not known. The
// error is a *callError.
func (a *Adapter) lookUp(ctx context.Context, id snowflake) (place, error) {
	if at, known := a.places.find(id); known {
		return at, nil
	}
	var c channel
	r := request{method: "GET", route: "channels/{}", ids: []string{id.String()}}
	if err := a.client.call(ctx, r, &c); err != nil {
		return place{}, err
	}
	at := c.place(0)
	if at.id != id {
		return place{}, &callError{Route: r.String(), Status: 200, Text: "answer is about another channel"}
	}
	a.places.see(at)
	return at, nil
}

// address is the channel that the network knows a thread as: the thread's own,
// the room's, or the private chat, which is opened if need be. Errors that are
// no *callError are about the thread's name.
func (a *Adapter) address(ctx context.Context, th bot.Thread) (snowflake, error) {
	user, id, err := parsePlace(th)
	if err != nil || id != 0 {
		return id, err
	}
	if id := a.places.dm(user); id != 0 {
		return id, nil
	}
	var opened channel
	r := request{method: "POST", route: "users/@me/channels", body: recipient{user}}
	if err := a.client.call(ctx, r, &opened); err != nil {
		return 0, err
	}
	if opened.ID == 0 {
		return 0, &callError{Route: r.String(), Status: 200, Begun: true, Text: "answer without a channel"}
	}
	a.places.see(place{id: opened.ID, kind: discordgo.ChannelTypeDM, user: user})
	return opened.ID, nil
}

// recipient asks for a private chat.
type recipient struct {
	ID snowflake `json:"recipient_id"`
}

// channels are the places of a server where people write, that are known.
func (p *places) channels(guild snowflake) []place {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []place
	for _, at := range p.all {
		if at.guild == guild && (at.kind == discordgo.ChannelTypeGuildText || at.kind == discordgo.ChannelTypeGuildNews || at.isForum()) {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.id, b.id) })
	return all
}

// known is the channel of a thread if that needs no network; 0 otherwise.
func (a *Adapter) known(th bot.Thread) snowflake {
	user, channel, err := parsePlace(th)
	if err == nil && channel == 0 {
		return a.places.dm(user)
	}
	return channel
}

// whole is in front of a server's id where a server is listed with all its
// channels.
const whole = "server:"

// serverChat is the core's name of a server.
func serverChat(guild snowflake) bot.ChatID {
	if guild == 0 {
		return ""
	}
	return bot.ChatID(whole + guild.String())
}

// parseServer reads what serverChat made; ok is false for anything else.
func parseServer(th bot.Thread) (guild snowflake, ok bool) {
	name, ok := strings.CutPrefix(string(th.Chat), whole)
	if !ok || th.Adapter != Name {
		return 0, false
	}
	return parseSnowflake(name)
}

// parsePlace reads what place.thread made: either a person or a channel.
func parsePlace(th bot.Thread) (user, channel snowflake, err error) {
	if th.Adapter != Name {
		return 0, 0, fmt.Errorf("thread %s is not on discord", th)
	}
	if name, ok := strings.CutPrefix(string(th.Chat), direct); ok {
		if user, ok = parseSnowflake(name); !ok || th.Topic != "" {
			return 0, 0, fmt.Errorf("thread %s: bad private chat", th)
		}
		return user, 0, nil
	}
	channel, ok := parseSnowflake(string(th.Chat))
	if ok && th.Topic != "" {
		channel, ok = parseSnowflake(string(th.Topic))
	}
	if !ok {
		return 0, 0, fmt.Errorf("thread %s: bad channel id", th)
	}
	return 0, channel, nil
}

// Direct implements bot.Director. The private chat is opened when something is
// to be said there first.
func (a *Adapter) Direct(u bot.UserID) bot.Thread {
	return bot.Thread{Adapter: Name, Chat: bot.ChatID(direct + string(u))}
}

// inviteScopes are what the bot wants to be on a server: itself, with commands.
const inviteScopes = "bot applications.commands"

// InviteLink is the address at which the owner of a server lets the bot in,
// with exactly the permissions that it uses.
func (a *Adapter) InviteLink() string {
	q := url.Values{
		"client_id":   {a.application().String()},
		"scope":       {inviteScopes},
		"permissions": {invited.String()},
	}
	return "https://discord.com/oauth2/authorize?" + q.Encode()
}

// PairLink implements bot.Linker. The network has no link that sends a text:
// it is the invitation, after which the code is sent with /pair. Empty until
// the network has confirmed who the bot is.
func (a *Adapter) PairLink(string) string {
	if a.me.Load() == nil {
		return ""
	}
	return a.InviteLink()
}

// PairHint implements bot.Linker.
func (a *Adapter) PairHint() string {
	return "On Discord, let the bot into a server of yours with this link, then send it the code in a private message:"
}
