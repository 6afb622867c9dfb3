package discordtest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// channelToRead resolves the channel of a call that looks at it.
func (s *Server) channelToRead(rq *request) (*Channel, error) {
	c := s.channels[rq.id(0)]
	switch {
	case c == nil || c.deleted:
		return nil, notFound(10003)
	case c.kind == PrivateChannel && !c.opened:
		return nil, notFound(10003)
	case !c.visible():
		return nil, forbidden(50001)
	}
	return c, nil
}

// channelToWrite resolves the channel of a call that sends a message.
func (s *Server) channelToWrite(rq *request) (*Channel, error) {
	c, err := s.channelToRead(rq)
	if err != nil {
		return nil, err
	}
	if c.kind == PrivateChannel {
		return c, s.mayWriteTo(c.user)
	}
	may := c.permissions(s.bot)
	switch {
	case c.isForum():
		return nil, badRequest(40058)
	case !c.holdsMessages():
		return nil, badRequest(50008)
	case c.isThread() && c.locked && !may.Has(ManageThreads):
		return nil, forbidden(160005)
	case c.isThread() && !may.Has(SendMessagesInThreads), !c.isThread() && !may.Has(SendMessages):
		return nil, forbidden(50013)
	}
	return c, nil
}

// mayWriteTo tells what keeps the bot from sending direct messages. A server
// without guilds stands for an app that people have installed for themselves.
func (s *Server) mayWriteTo(u *User) error {
	if u.closed {
		return forbidden(50007)
	}
	shared := len(s.guildSeq) == 0
	for _, g := range s.guildSeq {
		shared = shared || g.members[u.ID] != nil && g.members[s.bot.ID] != nil
	}
	if !shared {
		return forbidden(50278)
	}
	return nil
}

func (s *Server) createMessage(rq *request) error {
	c, err := s.channelToWrite(rq)
	if err != nil {
		return err
	}
	d, err := rq.read(rq.body, drafting{})
	if err != nil {
		return err
	}
	if err := s.checkFiles(d, 0, c.guild); err != nil {
		return err
	}
	if len(d.files) > 0 && !c.permissions(s.bot).Has(AttachFiles) {
		return forbidden(50013)
	}
	if d.empty() {
		return badRequest(50006)
	}
	if d.enforce && d.nonce != "" {
		if first := s.seen(d.nonce); first != nil {
			return s.repeat(rq, first)
		}
	}
	answered, err := c.answered(d)
	if err != nil {
		return err
	}
	if err := c.waitTurn(); err != nil {
		return err
	}
	c.revive()
	c.joined = c.joined || c.isThread() // who writes in a thread joins it
	m := &message{author: s.bot}
	m.Nonce = d.nonce
	m.flags = d.flagBits() & createFlags
	if answered != nil {
		c.answer(m, answered, d.allowed.replied)
	}
	s.fill(m, d, c)
	c.add(m)
	m.judge(d.visibleText(), d.allowed, answered)
	if d.nonce != "" {
		s.remember(d.nonce, m)
	}
	c.typed = time.Time{}
	rq.call.MessageID = m.ID
	m.announce("MESSAGE_CREATE")
	rq.out = m.answerBody(d.nonce)
	return nil
}

// repeat answers a call whose nonce is known with the message that it made.
func (s *Server) repeat(rq *request, first *message) error {
	if first.Deleted || first.channel.deleted {
		return notFound(10008)
	}
	rq.call.MessageID, rq.call.Repeated = first.ID, true
	rq.out = first.answerBody(first.Nonce)
	return nil
}

// answerBody is the message as the answer of the call that made it.
func (m *message) answerBody(nonce string) json.RawMessage {
	w := m.wire(true, false)
	if nonce != "" {
		w.Nonce = encode(nonce)
	}
	return encode(w)
}

// empty tells whether there is nothing to send.
func (d *draft) empty() bool {
	return (d.content == nil || *d.content == "") && (d.embeds == nil || len(*d.embeds) == 0) && len(d.files) == 0 &&
		(d.board == nil || len(d.board.rows) == 0 && len(d.board.texts) == 0 && d.board.count == 0)
}

func (d *draft) flagBits() int {
	if d.flags == nil {
		return 0
	}
	return *d.flags
}

// answered is the message that a draft replies to, nil for none.
func (c *Channel) answered(d *draft) (*message, error) {
	if d.reply == nil {
		return nil, nil
	}
	if !c.permissions(c.srv.bot).Has(ReadMessageHistory) {
		return nil, forbidden(160002)
	}
	m := c.lookup(d.reply.id)
	switch {
	case m == nil && d.reply.must:
		return nil, invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
	case m != nil && m.Service:
		return nil, invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message")
	}
	return m, nil
}

// waitTurn is slow mode, for a bot that may not ignore it.
func (c *Channel) waitTurn() error {
	if c.slowmode == 0 || c.lastBot == nil || c.permissions(c.srv.bot).Has(BypassSlowmode) {
		return nil
	}
	wait := c.lastBot.Date.Add(time.Duration(c.slowmode) * time.Second).Sub(c.srv.now())
	if wait <= 0 {
		return nil
	}
	e := tooManyRequests(wait, "user")
	e.code, e.text = 20016, errorTexts[20016]
	return e
}

// fill puts a draft into a new message.
func (s *Server) fill(m *message, d *draft, c *Channel) {
	if d.content != nil {
		m.Text = *d.content
	}
	if d.embeds != nil {
		m.setEmbeds(*d.embeds)
	}
	if d.board != nil {
		m.Keyboard, m.Components = d.board.rows, d.components
		if m.flags&flagComponentsV2 != 0 {
			m.Text = strings.Join(d.board.texts, "\n")
		}
	}
	for _, up := range d.uploads {
		up.used = true
		s.files.keep(up.file, s.ids.next(s.now()), c.id)
		m.Files = append(m.Files, up.file)
	}
	m.noteMentions(c, d)
}

// noteMentions sets whom the message counts as mentioning.
func (m *message) noteMentions(c *Channel, d *draft) {
	var found []*User
	for _, match := range userMention.FindAllStringSubmatch(m.Text, 100) {
		id, _ := parseSnowflake(match[1])
		if u := c.srv.users[id]; u != nil && (d.allowed.users || slices.Contains(d.allowed.userIDs, id)) && !slices.Contains(found, u) {
			found = append(found, u)
		}
	}
	for _, u := range m.mentions { // of the reply
		if !slices.Contains(found, u) {
			found = append(found, u)
		}
	}
	m.mentions = found
}

func (m *message) setEmbeds(list []json.RawMessage) {
	m.embeds, m.Embeds = list, nil
	for _, raw := range list {
		var e Embed
		json.Unmarshal(raw, &e)
		m.Embeds = append(m.Embeds, e)
	}
}

// messageOf resolves the message of a call.
func (s *Server) messageOf(rq *request) (*Channel, *message, error) {
	c, err := s.channelToRead(rq)
	if err != nil {
		return nil, nil, err
	}
	m := c.lookup(rq.id(1))
	if m == nil {
		return nil, nil, notFound(10008)
	}
	return c, m, nil
}

func (s *Server) editMessage(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	switch {
	case !m.FromBot:
		return forbidden(50005)
	case m.Service:
		return forbidden(50021)
	case c.isThread() && c.archived:
		return badRequest(50083)
	}
	if err := c.throttleOldEdit(m); err != nil {
		return err
	}
	d, err := rq.read(rq.body, drafting{edit: true, v2: m.flags&flagComponentsV2 != 0})
	if err != nil {
		return err
	}
	if err := s.amend(rq, m, d); err != nil {
		return err
	}
	rq.out = m.answerBody("")
	return nil
}

// amend changes a message as a draft says.
func (s *Server) amend(rq *request, m *message, d *draft) error {
	c := m.channel
	files, err := m.filesAfter(rq, d)
	if err != nil {
		return err
	}
	if err := s.checkFiles(d, len(files), c.guild); err != nil {
		return err
	}
	text, embeds, parts := m.Text, m.embeds, m.Components
	if d.content != nil {
		text = *d.content
	}
	if d.embeds != nil {
		embeds = *d.embeds
	}
	if d.components != nil {
		parts = d.components
	}
	if text == "" && len(embeds) == 0 && len(files)+len(d.files) == 0 && (len(parts) == 0 || string(parts) == "[]") {
		return badRequest(50006)
	}
	if d.flags != nil {
		const changeable = flagSuppressEmbeds
		m.flags = m.flags&^changeable | *d.flags&changeable | *d.flags&flagComponentsV2
	}
	m.flags &^= flagLoading
	m.Files = files
	s.fill(m, d, c)
	m.flagged()
	m.Edited = s.now()
	m.EditCount++
	m.revise(s)
	m.judge(d.visibleText(), d.allowed, nil)
	rq.call.MessageID = m.ID
	m.announce("MESSAGE_UPDATE")
	return nil
}

// filesAfter are the files that stay after an edit. Version 10 wants every one
// listed when there are new ones; version 9 keeps them all unless there is a
// list (Change Log: API v10).
func (m *message) filesAfter(rq *request, d *draft) ([]*File, error) {
	if !d.keepSet {
		if rq.version == 10 && len(d.files) > 0 {
			return nil, nil
		}
		return slices.Clone(m.Files), nil
	}
	var files []*File
	for _, id := range d.keep {
		i := slices.IndexFunc(m.Files, func(f *File) bool { return f.ID == id })
		if i < 0 {
			return nil, badRequest(50146)
		}
		files = append(files, m.Files[i])
	}
	return files, nil
}

func (s *Server) deleteMessage(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	switch {
	case !m.FromBot && c.guild == nil:
		return forbidden(50003)
	case !m.FromBot && !c.permissions(s.bot).Has(ManageMessages):
		return forbidden(50013)
	case c.isThread() && c.archived:
		return badRequest(50083)
	case m.Type == threadStarter:
		return forbidden(50021)
	}
	rq.call.MessageID = m.ID
	m.remove()
	return nil
}

// pinMessage pins a message (Message: Pin Message). In a private chat everybody
// may.
func (s *Server) pinMessage(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	if may := c.permissions(s.bot); c.guild != nil && !may.Has(PinMessages) {
		return forbidden(50013)
	}
	rq.call.MessageID, m.Pinned = m.ID, true
	s.notify()
	return nil
}

func (s *Server) bulkDelete(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	var ids []Snowflake
	json.Unmarshal(rq.body["messages"], &ids)
	switch {
	case c.guild == nil:
		return forbidden(50003)
	case !c.permissions(s.bot).Has(ManageMessages):
		return forbidden(50013)
	case len(ids) < 2 || len(ids) > 100:
		return badRequest(50016)
	}
	for _, id := range ids {
		if s.now().Sub(id.Time()) > 14*24*time.Hour {
			return badRequest(50034)
		}
	}
	for _, id := range ids {
		if m := c.lookup(id); m != nil {
			m.remove()
		}
	}
	return nil
}

// emojiOf is the reaction of a call: a standard emoji.
func (rq *request) emojiOf() (string, error) {
	emoji := rq.args[2]
	if emoji == "" || runes(emoji) > 12 || strings.ContainsAny(emoji, " :") || emoji[0] < 0x80 && !strings.HasSuffix(emoji, "\u20e3") {
		return "", badRequest(10014)
	}
	return emoji, nil
}

func (s *Server) createReaction(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	emoji, err := rq.emojiOf()
	if err != nil {
		return err
	}
	kinds := map[string]bool{emoji: true}
	for _, r := range m.reactions {
		kinds[r.emoji] = true
	}
	may := c.permissions(s.bot)
	switch {
	case c.isThread() && c.archived:
		return badRequest(50083)
	case !may.Has(ReadMessageHistory), len(kinds) > 0 && !may.Has(AddReactions):
		return forbidden(50013)
	case len(kinds) > 20:
		return badRequest(30010)
	}
	m.react(s.bot, emoji, true)
	return nil
}

func (s *Server) deleteReaction(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	emoji, err := rq.emojiOf()
	if err != nil {
		return err
	}
	if c.isThread() && c.archived {
		return badRequest(50083)
	}
	m.react(s.bot, emoji, false)
	return nil
}

func (s *Server) showTyping(rq *request) error {
	c, err := s.channelToWrite(rq)
	if err != nil {
		return err
	}
	c.typed = s.now()
	s.notify()
	return nil
}
