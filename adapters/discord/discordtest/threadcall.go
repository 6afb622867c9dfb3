package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

const maxThreadName = 100

func (s *Server) getChannel(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	return rq.answer(c.wire())
}

// threadForm is what the calls that make or change a thread have in common.
type threadForm struct {
	name     *string
	archive  *int // minutes
	slowmode *int
	kind     *int
	tags     *[]Snowflake
}

func (rq *request) threadForm(needsName bool) (*threadForm, error) {
	var f formErrors
	t := &threadForm{}
	if raw := rq.body["name"]; present(raw) || needsName {
		name := strings.TrimSpace(f.text("name", raw))
		switch n := runes(name); {
		case !present(raw):
			f.required("name")
		case n < 1 || n > maxThreadName:
			f.badLength("name", 1, maxThreadName)
		}
		t.name = &name
	}
	number := func(name string) *int {
		raw := rq.body[name]
		if !present(raw) {
			return nil
		}
		var n int
		if json.Unmarshal(raw, &n) != nil {
			f.add(name, "NUMBER_TYPE_COERCE", "Value is not int.")
		}
		return &n
	}
	if t.archive = number("auto_archive_duration"); t.archive != nil && !slices.Contains([]int{60, 1440, 4320, 10080}, *t.archive) {
		f.choice("auto_archive_duration", *t.archive, "60, 1440, 4320, 10080")
	}
	if t.slowmode = number("rate_limit_per_user"); t.slowmode != nil && (*t.slowmode < 0 || *t.slowmode > 21600) {
		f.add("rate_limit_per_user", "NUMBER_TYPE_MAX", "int value should be less than or equal to 21600.")
	}
	if t.kind = number("type"); t.kind != nil && (*t.kind < int(NewsThread) || *t.kind > int(PrivateThread)) {
		f.choice("type", *t.kind, "10, 11, 12")
	}
	if raw := rq.body["applied_tags"]; present(raw) {
		var tags []Snowflake
		if json.Unmarshal(raw, &tags) != nil {
			f.add("applied_tags", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
		}
		if len(tags) > 5 {
			f.tooLong("applied_tags", 5)
		}
		t.tags = &tags
	}
	return t, f.err()
}

// room tells whether the guild takes one more active thread.
func (g *Guild) room() error {
	most := usualActiveThreads
	if g.activeLimit > 0 {
		most = g.activeLimit
	}
	active := 0
	for _, c := range g.channels {
		if c.isThread() && !c.archived && !c.deleted {
			active++
		}
	}
	if active >= most {
		return badRequest(160006)
	}
	return nil
}

func (s *Server) startThreadFromMessage(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	if c.kind != TextChannel && c.kind != NewsChannel {
		return badRequest(50024)
	}
	form, err := rq.threadForm(true)
	if err != nil {
		return err
	}
	m := c.lookup(rq.id(1))
	switch {
	case m == nil:
		return notFound(10008)
	case !c.permissions(s.bot).Has(CreatePublicThreads):
		return forbidden(50013)
	case m.Service:
		return forbidden(50021)
	case s.channels[m.ID] != nil && !s.channels[m.ID].deleted, m.thread != nil && !m.thread.deleted:
		return badRequest(160004)
	case m.thread != nil: // deleted: the id stays taken
		return badRequest(160004)
	}
	if err := c.guild.room(); err != nil {
		return err
	}
	t := c.openThread(s.bot, *form.name, PublicThread, m)
	t.owner = s.bot
	form.apply(t)
	rq.status = http.StatusCreated
	return rq.answer(t.wire())
}

func (form *threadForm) apply(t *Channel) {
	if form.archive != nil {
		t.autoArchive = *form.archive
	}
	if form.slowmode != nil {
		t.slowmode = *form.slowmode
	}
	if form.tags != nil {
		t.applied = *form.tags
	}
}

func (s *Server) startThread(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	if c.isForum() {
		return s.startPost(rq, c)
	}
	if c.kind != TextChannel && c.kind != NewsChannel {
		return badRequest(50024)
	}
	form, err := rq.threadForm(true)
	if err != nil {
		return err
	}
	kind := PrivateThread // what version 9 and 10 make without a type
	if form.kind != nil {
		kind = Kind(*form.kind)
	}
	needed := CreatePublicThreads
	if kind == PrivateThread {
		needed = CreatePrivateThreads
	}
	switch {
	case kind == NewsThread && c.kind != NewsChannel, kind == PrivateThread && c.kind == NewsChannel:
		return badRequest(50024)
	case !c.permissions(s.bot).Has(needed):
		return forbidden(50013)
	}
	if err := c.guild.room(); err != nil {
		return err
	}
	t := c.openThread(s.bot, *form.name, kind, nil)
	form.apply(t)
	rq.status = http.StatusCreated
	return rq.answer(t.wire())
}

// startPost makes a post in a forum: a thread with its first message, which has
// the same id.
func (s *Server) startPost(rq *request, c *Channel) error {
	form, err := rq.threadForm(true)
	if err != nil {
		return err
	}
	var body map[string]json.RawMessage
	if !present(rq.body["message"]) || json.Unmarshal(rq.body["message"], &body) != nil {
		return invalid("message", "BASE_TYPE_REQUIRED", "This field is required")
	}
	d, err := rq.read(body, drafting{path: "message."})
	if err != nil {
		return err
	}
	d.nonce, d.enforce = "", false // not known here
	if err := s.checkFiles(d, 0, c.guild); err != nil {
		return err
	}
	may := c.permissions(s.bot)
	switch {
	case d.empty():
		return badRequest(50006)
	case !may.Has(SendMessages), len(d.files) > 0 && !may.Has(AttachFiles):
		return forbidden(50013)
	case c.needsTag && (form.tags == nil || len(*form.tags) == 0):
		return badRequest(40067)
	}
	if form.tags != nil {
		for i, id := range *form.tags {
			if !slices.ContainsFunc(c.tags, func(t Tag) bool { return t.ID == id }) {
				return invalid(fmt.Sprintf("applied_tags.%d", i), "FORUM_TAG_UNKNOWN", "Unknown tag")
			}
		}
	}
	if err := c.guild.room(); err != nil {
		return err
	}
	t := c.openThread(s.bot, *form.name, PublicThread, nil)
	form.apply(t)
	m := &message{author: s.bot}
	m.ID, m.Date = t.id, s.now()
	m.flags = d.flagBits() & createFlags
	s.fill(m, d, t)
	t.add(m)
	m.judge(d.visibleText(), d.allowed, nil)
	m.announce("MESSAGE_CREATE")
	rq.call.MessageID = m.ID
	rq.status = http.StatusCreated
	w := t.wire()
	w.Message = m.wire(true, false)
	return rq.answer(w)
}

// modifyChannel changes a thread, or the name and topic of a channel.
func (s *Server) modifyChannel(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	if c.guild == nil {
		return badRequest(50024)
	}
	form, err := rq.threadForm(false)
	if err != nil {
		return err
	}
	may := c.permissions(s.bot)
	if !c.isThread() {
		if !may.Has(ManageChannels) {
			return forbidden(50013)
		}
		if form.name != nil {
			c.name = *form.name
		}
		if raw := rq.body["topic"]; raw != nil {
			json.Unmarshal(raw, &c.topic)
		}
		form.apply(c)
		c.changed()
		return rq.answer(c.wire())
	}
	archived, locked := c.archived, c.locked
	for name, to := range map[string]*bool{"archived": &archived, "locked": &locked} {
		if raw := rq.body[name]; present(raw) && json.Unmarshal(raw, to) != nil {
			return invalid(name, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
		}
	}
	moderates := may.Has(ManageThreads)
	others := form.name != nil || form.archive != nil || form.slowmode != nil || form.tags != nil
	switch {
	case c.archived && archived && (others || locked != c.locked):
		return badRequest(50083)
	case c.locked && !moderates && c.archived && !archived:
		return forbidden(160005)
	case locked != c.locked && !moderates, form.slowmode != nil && !moderates,
		(form.name != nil || form.archive != nil || form.tags != nil || archived && !c.archived) && !moderates && c.owner != s.bot,
		!archived && c.archived && !may.Has(SendMessagesInThreads):
		return forbidden(50013)
	case !archived && c.archived:
		if err := c.guild.room(); err != nil {
			return err
		}
	}
	if archived != c.archived {
		c.archivedAt = s.now()
	}
	c.archived, c.locked = archived, locked
	if form.name != nil {
		c.name = *form.name
	}
	form.apply(c)
	c.changed()
	return rq.answer(c.wire())
}

func (s *Server) deleteChannel(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	needed := ManageChannels
	if c.isThread() {
		needed = ManageThreads
	}
	if c.guild == nil {
		c.opened = false
		return rq.answer(c.wire())
	}
	if !c.permissions(s.bot).Has(needed) {
		return forbidden(50013)
	}
	body := c.wire()
	c.remove()
	return rq.answer(body)
}

func (s *Server) joinThread(rq *request) error { return s.setJoined(rq, true) }

func (s *Server) leaveThread(rq *request) error { return s.setJoined(rq, false) }

func (s *Server) setJoined(rq *request, joined bool) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	switch {
	case !c.isThread():
		return badRequest(50024)
	case c.archived:
		return badRequest(50083)
	}
	c.joined = joined
	s.notify()
	return nil
}

// listArchivedThreads lists archived public threads, the one archived last
// first.
func (s *Server) listArchivedThreads(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	if c.kind != TextChannel && c.kind != NewsChannel && !c.isForum() {
		return badRequest(50024)
	}
	if !c.permissions(s.bot).Has(ReadMessageHistory) {
		return forbidden(50013)
	}
	threads := []wireChannel{}
	found := c.threads()
	slices.SortStableFunc(found, func(a, b *Channel) int { return b.archivedAt.Compare(a.archivedAt) })
	for _, t := range found {
		if t.archived && t.kind != PrivateThread {
			threads = append(threads, t.wire())
		}
	}
	return rq.answer(map[string]any{"threads": threads[:min(len(threads), 50)], "members": []any{}, "has_more": len(threads) > 50})
}
