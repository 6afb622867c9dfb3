package daemon

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf16"

	"chapi/adapters/telegram/telegramtest"
)

// telegramNet is Telegram for the whole-program tests.
type telegramNet struct {
	*telegramtest.Server
	users  map[string]*telegramtest.User
	chats  map[string]*telegramtest.Chat
	albums atomic.Int64 // sent so far
}

func newTelegram(t testing.TB, how terms) network {
	t.Helper()
	o := telegramtest.Options{ReadAll: true, ImplicitRootReplies: true, Clock: how.clock, Rates: how.rates}
	if how.busy {
		o.MaxRevisions, o.MaxCalls = 2, 50_000
	}
	n := &telegramNet{Server: telegramtest.New(o), users: map[string]*telegramtest.User{}, chats: map[string]*telegramtest.Chat{}}
	n.Expect("getMyCommands", "chat not found") // of people who never wrote
	// A post whose fate is not known is looked for by editing the messages that
	// may be it: those that are not it refuse, and so does what is up to date.
	for _, text := range []string{"message to edit not found", "message can't be edited", "there is no text in the message", "there is no caption", "message is not modified"} {
		n.Expect("", text)
	}
	// What transcripts do on purpose: people who never wrote, blocked the bot,
	// topics and groups that are gone, rights that it has not.
	for _, text := range []string{"can't initiate conversation", "message thread not found", "bot was blocked", "upgraded to a supergroup", "manage pinned messages"} {
		n.Expect("", text)
	}
	if err := n.Start(); err != nil {
		t.Fatalf("start telegram: %v", err)
	}
	var members []*telegramtest.User
	for i, name := range []string{"ann", "bob", "olga", "viv", "eve"} {
		n.users[name] = n.AddUser(int64(1001+i), name)
		n.chats[name] = n.Private(n.users[name])
		members = append(members, n.users[name])
	}
	n.chats["lab"] = n.AddGroup(-1001000000001, "Lab", telegramtest.Supergroup, members...)
	n.chats["attic"] = n.AddGroup(-1001000000002, "Attic", telegramtest.Supergroup, members...)
	n.chats["forum"] = n.AddGroup(-1001000000003, "Forum", telegramtest.Forum, members...)
	n.chats["forum"].SetRights(telegramtest.Rights{Admin: true, ManageTopics: true})
	n.chats["basic"] = n.AddGroup(-4001, "Basic", telegramtest.Basic, members...)
	return n
}

func (n *telegramNet) Name() string { return "telegram" }

func (n *telegramNet) Section(dir, own string) string {
	if own == "" {
		own = "  pace: {private_every: 50ms, group_every: 50ms}\n"
	}
	return "telegram:\n  token_file: " + filepath.Join(dir, "telegram.token") + "\n  api_url: " + n.URL() + "\n" + own
}

func (n *telegramNet) People() string {
	return `people:
  - {name: ann, role: owner, telegram: 1001}
  - {name: bob, role: user, telegram: 1002}
  - {name: olga, role: operator, telegram: 1003}
  - {name: viv, role: viewer, telegram: 1004}
chats:
  - {name: lab, telegram: -1001000000001}
  - {name: forum, telegram: -1001000000003}
  - {name: basic, telegram: -4001}
`
}

func (n *telegramNet) AddPerson(i int, name, role string) string {
	n.users[name] = n.AddUser(int64(2001+i), name)
	n.chats[name] = n.Private(n.users[name])
	return fmt.Sprintf("  - {name: %s, role: %s, telegram: %d}\n", name, role, 2001+i)
}

func (n *telegramNet) Chat(name string) (place, error) {
	name, topic, _ := strings.Cut(name, "/")
	c := n.chats[name]
	if c == nil {
		return nil, fmt.Errorf("there is no chat %q", name)
	}
	if topic == "" {
		return &telegramPlace{n, c, 0}, nil
	}
	id := 0
	for _, known := range c.Topics() {
		if known.Name == topic || strings.HasPrefix(known.Name, topic) {
			id = known.ID
		}
	}
	if id == 0 {
		return nil, fmt.Errorf("there is no topic %q in %s", topic, name)
	}
	return &telegramPlace{n, c, id}, nil
}

func (n *telegramNet) Ready() bool  { return n.Polling() }
func (n *telegramNet) Taken() bool  { return n.Pending() == 0 }
func (n *telegramNet) Always() bool { return false }

// telegramCalls are what Telegram calls them.
var telegramCalls = map[string]string{
	"post": "sendMessage", "edit": "editMessageText", "file": "sendDocument", "topic": "createForumTopic",
	"ack": "answerCallbackQuery", "receive": "getUpdates",
}

func (n *telegramNet) Fault(f fault) (func(), error) {
	kinds := map[string]telegramtest.Fault{
		"drop-before": {Kind: telegramtest.DropBefore},
		"drop-after":  {Kind: telegramtest.DropAfter},
		"html502":     {Kind: telegramtest.HTML502},
		"error500":    {Kind: telegramtest.Error500},
		"truncate":    {Kind: telegramtest.Truncate},
		"hang":        {Kind: telegramtest.Hang},
		"429":         {Kind: telegramtest.Error429, RetryAfter: 1},
		"slow-answer": {Kind: telegramtest.DelayAfter, Delay: time.Second},
	}
	made, ok := kinds[f.kind]
	if !ok || telegramCalls[f.call] == "" {
		return nil, fmt.Errorf("telegram has no fault %q of %q", f.kind, f.call)
	}
	made.Method, made.Times = telegramCalls[f.call], f.times
	if f.match != nil {
		made.Match = func(telegramtest.Call) bool { return f.match() }
	}
	return n.AddFault(made).Remove, nil
}

// Drop ends the next answer with updates in its middle.
func (n *telegramNet) Drop() {
	n.AddFault(telegramtest.Fault{Method: "getUpdates", Kind: telegramtest.Truncate})
}

func (n *telegramNet) Count(call string) int { return n.Server.Count(telegramCalls[call]) }
func (n *telegramNet) Done(call string) int  { return n.Server.Done(telegramCalls[call]) }

func (n *telegramNet) Refused() (refused int) {
	for _, c := range n.Calls() {
		if c.Code == 429 {
			refused++
		}
	}
	return refused
}

func (n *telegramNet) Block(who string, on bool) {
	if on {
		n.Server.Block(n.users[who])
	} else {
		n.Unblock(n.users[who])
	}
}

func (n *telegramNet) Check(t testing.TB) { n.Server.Check(t) }

// telegramPlace is a chat, or with a topic that topic of it.
type telegramPlace struct {
	n     *telegramNet
	c     *telegramtest.Chat
	topic int
}

func (p *telegramPlace) Say(who, text string, how manner) int64 {
	var opts []telegramtest.SayOption
	if p.topic != 0 {
		opts = append(opts, telegramtest.InTopic(p.topic))
	}
	if how.replyTo != 0 {
		opts = append(opts, telegramtest.ReplyTo(int(how.replyTo)))
	}
	if !how.at.IsZero() {
		opts = append(opts, telegramtest.SentAt(how.at))
	}
	switch how.origin {
	case "forwarded":
		opts = append(opts, telegramtest.Forwarded())
	case "viabot":
		opts = append(opts, telegramtest.ViaBot())
	case "channel":
		opts = append(opts, telegramtest.AsChannel())
	case "anonymous":
		opts = append(opts, telegramtest.AnonymousAdmin())
	}
	if how.code != nil {
		if text != "" {
			text += "\n"
		}
		opts = append(opts, telegramtest.WithEntities(telegramtest.Entity{Type: "pre", Offset: len(text), Length: len(how.code.text), Language: how.code.language}))
		text += how.code.text
	}
	if len(how.files) == 0 {
		return int64(p.c.Say(p.n.users[who], text, opts...).ID)
	}
	if len(how.files) > 1 {
		opts = append(opts, telegramtest.InAlbum(strconv.FormatInt(p.n.albums.Add(1), 10)))
	}
	var last int64
	for _, f := range how.files { // each a message; the first has the text
		last = int64(p.c.Say(p.n.users[who], text, append(opts, telegramtest.WithDocument(f.name, f.data))...).ID)
		text = ""
	}
	return last
}

func (p *telegramPlace) Heard() (texts []string) {
	for _, m := range p.c.Messages() {
		if !m.FromBot && !m.Deleted {
			texts = append(texts, m.Text)
		}
	}
	return texts
}

func (p *telegramPlace) Edit(who string, id int64, text string) {
	p.c.Edit(p.n.users[who], int(id), text)
}

func (p *telegramPlace) Press(who string, id int64, data string) press {
	return telegramPress{p.c.PressData(p.n.users[who], int(id), data)}
}

type telegramPress struct{ *telegramtest.Press }

func (p telegramPress) Notice(timeout time.Duration) (string, bool) {
	answer, ok := p.Answer(timeout)
	return answer.Text, ok
}

func (p telegramPress) Confirmed() bool { return true } // it is repeated until it is

func (p *telegramPlace) Posts() []note {
	var posts []note
	for _, m := range p.c.Posts() {
		if !m.Deleted && m.Service == "" && (p.topic == 0 || m.Topic == p.topic) {
			posts = append(posts, telegramNote(m))
		}
	}
	return posts
}

func (p *telegramPlace) Last() (note, bool) {
	m, ok := p.c.Last()
	return telegramNote(m), ok
}

func (p *telegramPlace) Redeliver(id int64) {
	for _, m := range p.c.Messages() {
		if m.ID == int(id) {
			p.n.Redeliver(m)
		}
	}
}

func (p *telegramPlace) Delete() { p.c.DeleteTopic(p.topic) }

func telegramNote(m telegramtest.Message) note {
	n := note{ID: int64(m.ID), ReplyTo: int64(m.ReplyTo), Text: m.Text + m.Caption, Edits: m.EditCount, Pinned: m.Pinned}
	units := utf16.Encode([]rune(m.Text))
	for _, e := range m.Entities {
		if e.Type == "pre" {
			n.Block = string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
			break
		}
	}
	if m.File != nil {
		f := m.File
		n.File = &document{f.Kind, f.Name, f.Size, f.Bytes, f.Width >= 16 && f.Height >= 16 && f.Duration >= 1 && f.Streaming}
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

// telegram is the network of a test that is about Telegram's own ways.
func (w *world) telegram() *telegramNet {
	w.t.Helper()
	n, ok := w.net.(*telegramNet)
	if !ok {
		w.t.Fatalf("this is about telegram alone, not %s", w.net.Name())
	}
	return n
}
