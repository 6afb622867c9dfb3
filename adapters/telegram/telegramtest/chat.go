package telegramtest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind is a kind of chat.
type Kind int

// The kinds of chat.
const (
	PrivateChat Kind = iota
	Basic            // a small group; its message ids share the bot's private counter
	Supergroup
	Forum // a supergroup with topics
)

// Rights is what the bot may do in a group. The zero value is an ordinary
// member that may send everything.
type Rights struct {
	Admin          bool
	ManageTopics   bool // needs Admin
	DeleteMessages bool // needs Admin
	PinMessages    bool // needs Admin

	NoText, NoPhotos, NoVideos, NoAudios, NoDocuments, NoVoices, NoOther bool
}

// counter gives message ids: 1, 2, 3, ... One counter serves all private chats
// and basic groups of the bot, every supergroup has its own.
type counter struct{ last int }

func (c *counter) next() int { c.last++; return c.last }

// Chat is one chat as its members see it.
type Chat struct {
	srv *Server

	// All below is guarded by the server's lock.
	id        int64
	kind      Kind
	title     string
	user      *User // the other side of a private chat
	members   []*User
	rights    Rights
	started   bool // a private chat in which the person has written
	blocked   bool
	kicked    bool
	left      bool
	migrated  int64 // the id of the supergroup it became
	box       *counter
	messages  []*message // ids ascend
	byID      map[int]*message
	total     int
	lastBot   *message
	topics    map[int]*topic
	reactions map[string]bool // nil means all
	actions   map[int]shownAction
	drafts    map[int]shownDraft
	sends     window // flood control of sends and edits
	typing    window // ... of actions and drafts
}

func (s *Server) newChat(id int64, kind Kind, title string) *Chat {
	if s.chats[id] != nil {
		panic(fmt.Sprintf("telegramtest: chat %d exists", id))
	}
	c := &Chat{srv: s, id: id, kind: kind, title: title, byID: make(map[int]*message),
		topics: make(map[int]*topic), actions: make(map[int]shownAction), drafts: make(map[int]shownDraft)}
	c.box = &s.box
	if kind == Supergroup || kind == Forum {
		c.box = &counter{last: 1} // message 1 is the creation of the group
	}
	c.initFlood()
	s.chats[id] = c
	return c
}

// Private is the private chat with a user. Until the user has written (Say),
// the bot cannot send to it.
func (s *Server) Private(u *User) *Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.chats[u.ID]; c != nil {
		return c
	}
	c := s.newChat(u.ID, PrivateChat, "")
	c.user = u
	c.members = []*User{u}
	return c
}

// AddGroup makes a group with the bot in it as an ordinary member. Ids of
// supergroups and forums start with -100; a basic group has another negative
// one. It panics when the id is taken or does not fit the kind.
func (s *Server) AddGroup(id int64, title string, kind Kind, members ...*User) *Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	super := id < -1_000_000_000_000
	if kind == PrivateChat || id >= 0 || super != (kind != Basic) {
		panic(fmt.Sprintf("telegramtest: id %d does not fit the kind of chat", id))
	}
	c := s.newChat(id, kind, title)
	c.members = slices.Clone(members)
	return c
}

// Chat is the chat with an id, nil if there is none. After Migrate the old id
// still leads to the old group with its messages.
func (s *Server) Chat(id int64) *Chat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chats[id]
}

// ID is the chat's id as in chat_id.
func (c *Chat) ID() int64 { return c.id }

// Kind is the kind of chat.
func (c *Chat) Kind() Kind { return c.kind }

// isSuper tells whether message ids are the chat's own.
func (c *Chat) isSuper() bool { return c.kind == Supergroup || c.kind == Forum }

// hasTopics tells whether message_thread_id means anything here.
func (c *Chat) hasTopics() bool {
	return c.kind == Forum || c.kind == PrivateChat && c.srv.opts.PrivateTopics
}

// SetRights sets what the bot may do here and tells it by my_chat_member when
// its standing (member or administrator) changed.
func (c *Chat) SetRights(r Rights) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	before := c.standing()
	c.rights = r
	c.announceStanding(before)
}

// AllowReactions sets which emoji may be used as reactions in this group; with
// no argument none is allowed. By default all standard ones are.
func (c *Chat) AllowReactions(emoji ...string) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	c.reactions = make(map[string]bool)
	for _, e := range emoji {
		c.reactions[e] = true
	}
}

// Join adds a user to the group, with a service message.
func (c *Chat) Join(u *User) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	if c.kind == PrivateChat {
		panic("telegramtest: nobody joins a private chat")
	}
	c.members = append(c.members, u)
	c.service(u, "new_chat_members", string(append(appendUser([]byte{'['}, u), ']')), 0)
}

// Kick removes the bot from the group: sends fail with 403, and the bot gets a
// my_chat_member update.
func (c *Chat) Kick() {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	before := c.standing()
	c.kicked = true
	c.announceStanding(before)
}

// Unkick takes the bot back as an ordinary member.
func (c *Chat) Unkick() {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	before := c.standing()
	c.kicked, c.left, c.rights = false, false, Rights{}
	c.announceStanding(before)
}

// Block makes the user block the bot: sends fail with 403, and the bot gets a
// my_chat_member update.
func (s *Server) Block(u *User) { s.Private(u).setBlocked(true) }

// Unblock undoes Block.
func (s *Server) Unblock(u *User) { s.Private(u).setBlocked(false) }

func (c *Chat) setBlocked(blocked bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	before := c.standing()
	c.blocked = blocked
	c.announceStanding(before)
}

// Migrate turns a basic group into a supergroup with a new id and returns the
// supergroup: both service messages are queued, and calls with the old id fail
// with migrate_to_chat_id. The old group's messages stay with c.
func (c *Chat) Migrate() *Chat {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.kind != Basic || c.migrated != 0 {
		panic("telegramtest: only a basic group migrates, once")
	}
	id := -1_000_000_000_000 + c.id
	for s.chats[id] != nil {
		id--
	}
	super := s.newChat(id, Supergroup, c.title)
	super.members, super.rights = slices.Clone(c.members), c.rights
	var by *User
	if len(c.members) > 0 {
		by = c.members[0]
	}
	c.service(by, "migrate_to_chat_id", fmt.Sprint(id), 0)
	super.service(by, "migrate_from_chat_id", fmt.Sprint(c.id), 0)
	c.migrated = id
	return super
}

// standing is the bot's chat member status.
func (c *Chat) standing() string {
	switch {
	case c.blocked, c.kicked:
		return "kicked"
	case c.left:
		return "left"
	case c.rights.Admin:
		return "administrator"
	}
	return "member"
}

// announceStanding queues my_chat_member if the bot's standing changed.
func (c *Chat) announceStanding(before string) {
	after := c.standing()
	s := c.srv
	s.notify()
	if before == after {
		return
	}
	by := c.user
	if by == nil && len(c.members) > 0 {
		by = c.members[0]
	}
	if by == nil {
		by = s.bot
	}
	now := s.now()
	b := appendChat(key([]byte{'{'}, "chat"), c)
	b = appendUser(key(b, "from"), by)
	b = memberInt(b, "date", now.Unix())
	b = c.appendMember(key(b, "old_chat_member"), before)
	b = c.appendMember(key(b, "new_chat_member"), after)
	b = append(b, '}')
	s.enqueue("my_chat_member", string(b), now.Add(messageRetention))
}

// appendMember writes the bot as a ChatMember.
func (c *Chat) appendMember(b []byte, status string) []byte {
	b = appendUser(key(append(b, '{'), "user"), c.srv.bot)
	b = member(b, "status", status)
	switch status {
	case "kicked":
		b = memberInt(b, "until_date", 0)
	case "administrator":
		b = append(key(b, "can_be_edited"), "false"...)
		for _, name := range []string{"can_manage_chat", "can_change_info", "can_invite_users", "can_restrict_members",
			"can_promote_members", "can_manage_video_chats", "is_anonymous"} {
			b = append(key(b, name), "false"...)
		}
		b = appendBool(key(b, "can_delete_messages"), c.rights.DeleteMessages)
		b = appendBool(key(b, "can_manage_topics"), c.rights.ManageTopics)
		b = appendBool(key(b, "can_pin_messages"), c.rights.PinMessages)
	}
	return append(b, '}')
}

func appendChat(b []byte, c *Chat) []byte {
	b = memberInt(append(b, '{'), "id", c.id)
	if c.kind == PrivateChat {
		b = member(b, "first_name", c.user.Name)
		if c.user.Username != "" {
			b = member(b, "username", c.user.Username)
		}
		return append(member(b, "type", "private"), '}')
	}
	b = member(b, "title", c.title)
	if c.kind == Basic {
		return append(member(b, "type", "group"), '}')
	}
	if c.kind == Forum {
		b = memberTrue(b, "is_forum")
	}
	return append(member(b, "type", "supergroup"), '}')
}

// getChat describes a chat.
func (s *Server) getChat(rq *request) error {
	c, err := s.chatOf(rq)
	if err != nil {
		return err
	}
	b := appendChat(rq.out, c)
	b = b[:len(b)-1]
	if c.kind != PrivateChat {
		r := c.rights
		b = append(key(b, "permissions"), '{')
		b = appendBool(key(b, "can_send_messages"), !r.NoText)
		b = appendBool(key(b, "can_send_photos"), !r.NoPhotos)
		b = appendBool(key(b, "can_send_videos"), !r.NoVideos)
		b = appendBool(key(b, "can_send_audios"), !r.NoAudios)
		b = appendBool(key(b, "can_send_documents"), !r.NoDocuments)
		b = appendBool(key(b, "can_send_voice_notes"), !r.NoVoices)
		b = appendBool(key(b, "can_send_other_messages"), !r.NoOther)
		b = append(b, '}')
	}
	b = memberInt(b, "accent_color_id", 0)
	b = memberInt(b, "max_reaction_count", 11)
	rq.out = append(b, '}')
	return nil
}

// getChatMember describes one member, usually the bot itself.
func (s *Server) getChatMember(rq *request) error {
	c, err := s.chatOf(rq)
	if err != nil {
		return err
	}
	id, ok := parseInt(rq.arg("user_id"))
	if !ok {
		return badRequest("invalid user_id specified")
	}
	if id == s.bot.ID {
		rq.out = c.appendMember(rq.out, c.standing())
		return nil
	}
	for _, u := range c.members {
		if u.ID == id {
			b := appendUser(key(append(rq.out, '{'), "user"), u)
			rq.out = append(member(b, "status", "member"), '}')
			return nil
		}
	}
	return badRequest("member not found")
}

func (s *Server) leaveChat(rq *request) error {
	c, err := s.chatOf(rq)
	if err != nil {
		return err
	}
	if c.kind == PrivateChat {
		return badRequest("chat member status can't be changed in private chats")
	}
	c.left = true
	return rq.success()
}

// chatOf resolves chat_id for a call that only looks.
func (s *Server) chatOf(rq *request) (*Chat, error) {
	id := rq.arg("chat_id")
	if id == "" {
		return nil, badRequest("chat_id is empty")
	}
	n, ok := parseInt(id)
	c := s.chats[n]
	if !ok || c == nil {
		return nil, badRequest("chat not found")
	}
	if c.kind == PrivateChat && !c.started && !c.blocked && len(c.messages) == 0 {
		return nil, badRequest("chat not found") // the bot has never met this person
	}
	return c, c.access()
}

// access is what stops the bot from reading and writing in a chat at all.
func (c *Chat) access() error {
	kind := "group"
	if c.isSuper() {
		kind = "supergroup"
	}
	switch {
	case c.migrated != 0:
		return &apiError{code: 400, text: "Bad Request: group chat was upgraded to a supergroup chat", migrateTo: c.migrated}
	case c.kicked:
		return forbidden("bot was kicked from the " + kind + " chat")
	case c.left:
		return forbidden("bot is not a member of the " + kind + " chat")
	}
	return nil
}

// chatToWrite resolves chat_id for a call that writes. A person who never
// wrote to the bot is a chat all the same, if a group has shown the person to
// the bot; else it is not found.
func (s *Server) chatToWrite(rq *request) (*Chat, error) {
	id := rq.arg("chat_id")
	if id == "" {
		return nil, badRequest("chat_id is empty")
	}
	n, ok := parseInt(id)
	if !ok {
		return nil, badRequest("chat not found")
	}
	c := s.chats[n]
	if c == nil {
		u := s.users[n]
		switch {
		case u == nil:
			return nil, badRequest("chat not found")
		case u == s.bot:
			return nil, forbidden("bot can't send messages to the bot")
		case u.Bot:
			return nil, forbidden("bot can't send messages to bots")
		}
		return nil, forbidden("bot can't initiate conversation with a user")
	}
	if err := c.access(); err != nil {
		return nil, err
	}
	if c.kind == PrivateChat {
		switch {
		case c.user.Bot:
			return nil, forbidden("bot can't send messages to bots")
		case c.blocked:
			return nil, forbidden("bot was blocked by the user")
		case !c.started:
			return nil, forbidden("bot can't initiate conversation with a user")
		}
	}
	return c, nil
}

// may checks the right to send something of a kind.
func (c *Chat) may(kind string) error {
	if c.kind == PrivateChat || c.rights.Admin {
		return nil
	}
	r, what := c.rights, ""
	switch {
	case kind == "text" && r.NoText:
		what = "text messages"
	case kind == "photo" && r.NoPhotos:
		what = "photos"
	case kind == "video" && r.NoVideos:
		what = "videos"
	case kind == "audio" && r.NoAudios:
		what = "audios"
	case kind == "document" && r.NoDocuments:
		what = "documents"
	case kind == "voice" && r.NoVoices:
		what = "voice notes"
	case kind == "animation" && r.NoOther:
		what = "animations"
	default:
		return nil
	}
	return badRequest("not enough rights to send " + what + " to the chat")
}

// Action is what sendChatAction showed last, and when, by topic (1 is General
// of a forum, 0 everything else outside topics).
func (c *Chat) Action(topic int) (action string, at time.Time) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	a := c.actions[topic]
	return a.name, a.at
}

// Draft is the text of the draft shown in a private chat (sendMessageDraft);
// ok is false if there is none or it is older than 30 s.
func (c *Chat) Draft(topic int) (text string, ok bool) {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	d, ok := c.drafts[topic]
	if !ok || c.srv.now().Sub(d.at) > draftLife {
		return "", false
	}
	return d.text, true
}

type shownAction struct {
	name string
	at   time.Time
}

type shownDraft struct {
	id   int64
	text string
	at   time.Time
}

// draftLife is how long a draft shows unless it is renewed (Bot API,
// sendMessageDraft).
const draftLife = 30 * time.Second

var chatActions = []string{"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
	"record_audio", "upload_audio", "upload_document", "choose_sticker", "find_location", "pick_up_location",
	"record_video_note", "upload_video_note"}

func (s *Server) sendChatAction(rq *request) error {
	action := strings.ToLower(rq.arg("action"))
	if !slices.Contains(chatActions, action) {
		return badRequest("wrong parameter action in request")
	}
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	topic := rq.messageID("message_thread_id")
	switch {
	case topic == 0:
	case c.kind == Basic:
		return badRequest("chat is not a forum")
	case !c.hasTopics():
		rq.remark("message_thread_id was ignored")
		topic = 0
	case c.kind == Forum && topic == generalTopic:
	case c.topics[topic] == nil:
		return badRequest("message thread not found")
	}
	if err := s.throttle(&c.typing, 1, false); err != nil {
		return err
	}
	c.actions[topic] = shownAction{action, s.now()}
	return rq.success()
}

func (s *Server) sendMessageDraft(rq *request) error {
	id, ok := parseInt(rq.arg("draft_id"))
	if !ok || id == 0 {
		return badRequest("DRAFT_ID_INVALID")
	}
	c, err := s.chatToWrite(rq)
	if err != nil {
		return err
	}
	if c.kind != PrivateChat {
		return badRequest("drafts are available only in private chats")
	}
	topic, err := c.threadOf(rq)
	if err != nil {
		return err
	}
	var text string
	if rq.arg("text") != "" {
		if text, _, err = s.textOf(rq, "text", "entities"); err != nil {
			return err
		}
		if runes(text) > maxText {
			return badRequest("message is too long")
		}
	}
	if err := s.throttle(&c.typing, 1, false); err != nil {
		return err
	}
	c.drafts[topic] = shownDraft{id, text, s.now()}
	return rq.success()
}
