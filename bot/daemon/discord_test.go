package daemon

import (
	"cmp"
	"fmt"
	"mime"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/adapters/discord/discordtest"
)

// discordNet is Discord for the whole-program tests: a server with the chats of
// the transcripts as channels, and private chats.
type discordNet struct {
	*discordtest.Server
	guild *discordtest.Guild
	users map[string]*discordtest.User
	chats map[string]*discordtest.Channel
	roles map[string]*discordtest.Role
	lines int // gateways that there were when one was struck last
}

// The ids of the server, of its channels and of the first person.
const (
	discordGuild  discordtest.Snowflake = 300000000000000001
	discordLab    discordtest.Snowflake = 300000000000000002
	discordAttic  discordtest.Snowflake = 300000000000000003
	discordForum  discordtest.Snowflake = 300000000000000004
	discordPosts  discordtest.Snowflake = 300000000000000005
	discordPerson discordtest.Snowflake = 200000000000001001
	discordOthers discordtest.Snowflake = 200000000000002001
)

func newDiscord(t testing.TB, how terms) network {
	t.Helper()
	o := discordtest.Options{MessageContent: true, Clock: how.clock, Rates: how.rates, MaxIdentifies: 2000, Starts: 20_000, MaxInvalid: 100}
	if how.busy {
		o.MaxRevisions, o.MaxCalls = 2, 50_000
	}
	n := &discordNet{Server: discordtest.New(o), users: map[string]*discordtest.User{}, chats: map[string]*discordtest.Channel{}, roles: map[string]*discordtest.Role{}}
	if err := n.Start(); err != nil {
		t.Fatalf("start discord: %v", err)
	}
	var members []*discordtest.User
	for i, name := range []string{"ann", "bob", "olga", "viv", "eve"} {
		n.users[name] = n.AddUser(discordPerson+discordtest.Snowflake(i), name)
		n.chats[name] = n.DM(n.users[name])
		members = append(members, n.users[name])
	}
	n.guild = n.AddGuild(discordGuild, "Home", members...)
	n.guild.SetBot(discordtest.BotDefault | discordtest.PinMessages)
	n.chats["lab"] = n.guild.AddChannel(discordLab, "Lab", discordtest.TextChannel)
	n.chats["lab"].SetUserOverwrite(n.Bot(), 0, discordtest.CreatePublicThreads)
	n.chats["attic"] = n.guild.AddChannel(discordAttic, "Attic", discordtest.TextChannel)
	n.chats["forum"] = n.guild.AddChannel(discordForum, "Forum", discordtest.TextChannel)
	n.chats["posts"] = n.guild.AddChannel(discordPosts, "Posts", discordtest.ForumChannel)
	// Where the bot may open no thread it finds out by asking, once for each.
	n.Expect("startThreadFromMessage", "50013")
	n.Expect("editMessage", "50083") // an edit in an archived thread
	n.Expect("createMessage", "50007")
	// What transcripts do on purpose: threads that are locked or gone, and
	// rights that the bot has not.
	n.Expect("editMessage", "10003")
	n.Expect("createMessage", "10003")
	n.Expect("createMessage", "160005")
	n.Expect("createMessage", "50013")
	return n
}

func (n *discordNet) Name() string { return "discord" }

func (n *discordNet) Section(dir, own string) string {
	if own == "" {
		own = "  pace: {unlimited: true}\n"
	}
	return "discord:\n  token_file: " + filepath.Join(dir, "discord.token") + "\n  api_url: " + n.URL() + "\n" + own
}

func (n *discordNet) People() string {
	return fmt.Sprintf(`people:
  - {name: ann, role: owner, discord: %d}
  - {name: bob, role: user, discord: %d}
  - {name: olga, role: operator, discord: %d}
  - {name: viv, role: viewer, discord: %d}
chats:
  - {name: lab, discord: %d}
  - {name: forum, discord: %d}
  - {name: posts, discord: %d}
`, discordPerson, discordPerson+1, discordPerson+2, discordPerson+3, discordLab, discordForum, discordPosts)
}

func (n *discordNet) AddPerson(i int, name, role string) string {
	id := discordOthers + discordtest.Snowflake(i)
	n.users[name] = n.AddUser(id, name)
	n.guild.Join(n.users[name])
	n.chats[name] = n.DM(n.users[name])
	return fmt.Sprintf("  - {name: %s, role: %s, discord: %d}\n", name, role, id)
}

func (n *discordNet) Chat(name string) (place, error) {
	name, topic, _ := strings.Cut(name, "/")
	c := n.chats[name]
	if c == nil {
		return nil, fmt.Errorf("there is no channel %q", name)
	}
	if topic == "" {
		return &discordPlace{n, c}, nil
	}
	for _, th := range slices.Backward(c.Threads()) {
		if strings.HasPrefix(th.Name(), topic) {
			return &discordPlace{n, th}, nil
		}
	}
	return nil, fmt.Errorf("there is no thread %q in %s", topic, name)
}

func (n *discordNet) Ready() bool  { return n.Connected() }
func (n *discordNet) Taken() bool  { return n.Heard(5 * time.Second) }
func (n *discordNet) Always() bool { return true }

// discordCalls are what Discord calls them. A file is a message too, and what
// is received comes over the gateway.
var discordCalls = map[string]string{
	"post": "createMessage", "edit": "editMessage", "file": "createMessage", "topic": "startThreadFromMessage",
	"ack": "createInteractionResponse", "receive": "getChannelMessages",
}

func (n *discordNet) Fault(f fault) (func(), error) {
	kinds := map[string]discordtest.Fault{
		"drop-before": {Kind: discordtest.DropBefore},
		"drop-after":  {Kind: discordtest.DropAfter},
		"html502":     {Kind: discordtest.HTML502},
		"error500":    {Kind: discordtest.Error500},
		"truncate":    {Kind: discordtest.Truncate},
		"hang":        {Kind: discordtest.Hang},
		"429":         {Kind: discordtest.Error429, RetryAfter: time.Second},
		"slow-answer": {Kind: discordtest.DelayAfter, Delay: time.Second},
		"bare429":     {Kind: discordtest.Bare429},
		"html429":     {Kind: discordtest.HTML429, RetryAfter: time.Second},
		"global429":   {Kind: discordtest.Global429, RetryAfter: time.Second},
		"badheaders":  {Kind: discordtest.BadHeaders},
	}
	made, ok := kinds[f.kind]
	if !ok || discordCalls[f.call] == "" {
		return nil, fmt.Errorf("discord has no fault %q of %q", f.kind, f.call)
	}
	made.Method, made.Times = discordCalls[f.call], f.times
	made.Match = func(c discordtest.Call) bool {
		if made.Method == "createMessage" && (len(c.Uploads) > 0) != (f.call == "file") {
			return false
		}
		return f.match == nil || f.match()
	}
	return n.AddFault(made).Remove, nil
}

// Drop cuts the gateway's connection.
func (n *discordNet) Drop() { n.Strike(discordtest.GatewayFault{Kind: discordtest.Cut}) }

func (n *discordNet) Count(call string) int { return n.Server.Count(discordCalls[call]) }
func (n *discordNet) Done(call string) int  { return n.Server.Done(discordCalls[call]) }

func (n *discordNet) Refused() (refused int) {
	for _, c := range n.Calls() {
		if c.Status == 429 {
			refused++
		}
	}
	return refused
}

func (n *discordNet) Block(who string, on bool) { n.users[who].CloseDMs(on) }

func (n *discordNet) Check(t testing.TB) { n.Server.Check(t) }

// discordPlace is a channel, a thread or a private chat.
type discordPlace struct {
	n *discordNet
	c *discordtest.Channel
}

// holding is the channel or thread of the place that a message is in.
func (p *discordPlace) holding(id int64) *discordtest.Channel {
	for _, c := range append([]*discordtest.Channel{p.c}, p.c.Threads()...) {
		if _, ok := c.Message(discordtest.Snowflake(id)); ok {
			return c
		}
	}
	return p.c
}

func (p *discordPlace) Say(who, text string, how manner) int64 {
	c, opts := p.c, []discordtest.SayOption{}
	if how.replyTo != 0 {
		c = p.holding(how.replyTo)
		opts = append(opts, discordtest.ReplyTo(discordtest.Snowflake(how.replyTo)))
	}
	if !how.at.IsZero() {
		opts = append(opts, discordtest.SentAt(how.at))
	}
	switch how.origin {
	case "forwarded":
		opts = append(opts, discordtest.Forwarded())
	case "viabot", "channel", "anonymous": // in somebody's or nobody's name
		opts = append(opts, discordtest.AsWebhook())
	}
	for _, f := range how.files {
		opts = append(opts, discordtest.WithFile(f.name, f.data))
	}
	if how.code != nil {
		text += "\n```" + how.code.language + "\n" + how.code.text + "\n```"
	}
	return int64(c.Say(p.n.users[who], text, opts...).ID)
}

func (p *discordPlace) Heard() (texts []string) {
	for _, m := range p.c.Messages() {
		if !m.FromBot && !m.Deleted {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func (p *discordPlace) Edit(who string, id int64, text string) {
	p.holding(id).Edit(p.n.users[who], discordtest.Snowflake(id), text)
}

func (p *discordPlace) Press(who string, id int64, data string) press {
	return asked{p.holding(id).PressData(p.n.users[who], discordtest.Snowflake(id), data)}
}

func (p *discordPlace) Posts() []note {
	var all []discordtest.Message
	for _, c := range append([]*discordtest.Channel{p.c}, p.c.Threads()...) {
		all = append(all, c.Posts()...)
	}
	slices.SortStableFunc(all, func(a, b discordtest.Message) int { return cmp.Compare(a.ID, b.ID) })
	var posts []note
	for _, m := range all {
		if !m.Ephemeral && !m.Loading {
			posts = append(posts, discordNote(m))
		}
	}
	return posts
}

func (p *discordPlace) Last() (note, bool) {
	m, ok := p.c.Last()
	return discordNote(m), ok
}

// Redeliver tells of the message twice: as an event of its own, and when the
// gateway repeats what it has told after a resume.
func (p *discordPlace) Redeliver(id int64) {
	p.holding(id).Redeliver(discordtest.Snowflake(id))
	repeated := p.n.AddGatewayFault(discordtest.GatewayFault{At: discordtest.AtResume, Kind: discordtest.Repeat})
	p.n.Drop()
	if !p.n.Wait(patience, func() bool { return repeated.Hits() > 0 }) {
		panic("the daemon does not resume")
	}
}

func (p *discordPlace) Delete() { p.c.Remove() }

func discordNote(m discordtest.Message) note {
	text, blocks := discordtest.Shown(m.Text)
	n := note{ID: int64(m.ID), ReplyTo: int64(m.ReplyTo), Text: text, Edits: m.EditCount, Pinned: m.Pinned}
	if len(blocks) > 0 {
		n.Block = blocks[0]
	}
	if len(m.Files) > 0 {
		f := m.Files[0]
		n.File = &document{"document", f.Name, f.Size, f.Bytes, true}
		switch kind, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(f.Name)), "/"); kind { // as apps do
		case "image":
			n.File.Kind = "photo"
		case "video":
			n.File.Kind = "video"
		}
	}
	for _, row := range m.Keyboard {
		var keys []buttonSeen
		for _, b := range row {
			keys = append(keys, buttonSeen{b.Label, b.Data})
		}
		n.Keys = append(n.Keys, keys)
	}
	return n
}

// discord is the network of a test that is about Discord's own ways.
func (w *world) discord() *discordNet {
	w.t.Helper()
	for _, n := range w.nets {
		if n, ok := n.(*discordNet); ok {
			return n
		}
	}
	w.t.Fatal("discord is not served here")
	return nil
}
