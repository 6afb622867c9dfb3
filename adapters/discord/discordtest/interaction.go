package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The life of interactions (Interactions: Receiving and Responding).
const (
	ackDeadline     = 3 * time.Second
	tokenLife       = 15 * time.Minute
	maxInteractions = 10_000 // kept for answers
)

// The kinds of interaction (Interaction Type).
const (
	slashInteraction        = 2
	componentInteraction    = 3
	autocompleteInteraction = 4
	modalInteraction        = 5
)

// AnswerKind is the kind of the first answer to an interaction, with the number
// of the API (Interaction Callback Type).
type AnswerKind int

// The kinds of first answer.
const (
	AnswerMessage        AnswerKind = 4
	AnswerDeferred       AnswerKind = 5 // "is thinking", the message comes by an edit
	AnswerDeferredUpdate AnswerKind = 6 // of a component: nothing to see
	AnswerUpdate         AnswerKind = 7 // of a component: its message changed
	AnswerChoices        AnswerKind = 8 // of an autocomplete
	AnswerModal          AnswerKind = 9
)

// Interaction is one use of a slash command, a component or a modal.
type Interaction struct {
	ID    Snowflake
	Token string

	srv     *Server
	kind    int
	user    *User
	channel *Channel
	at      time.Time
	lost    bool // no gateway was told
	body    json.RawMessage
	onto    *message // whose component it is

	answer    *Answer
	original  *message
	followups []*message
	deferred  bool // the answer was deferred, and no message came yet
	tries     int
}

// Answer is the first answer to an interaction.
type Answer struct {
	Kind      AnswerKind
	Text      string // of a message, as it was first
	Ephemeral bool
	Message   Snowflake // made or changed, 0 for none
	Choices   []Choice  // of an autocomplete
	Modal     *Modal
	At        time.Time
	Latency   time.Duration // on the server's clock
	Count     int           // how often a first answer was tried; the rest is the first that counted
}

// Modal is a form that was shown to a person.
type Modal struct {
	ID     string // custom_id
	Title  string
	Inputs []Input
}

// Input is a text input of a modal.
type Input struct {
	ID          string // custom_id
	Label       string
	Style       int // 1 one line, 2 several
	Value       string
	Placeholder string
	Required    bool
	Min, Max    int
}

// Option is a filled-in option of a slash command. Value is a string, an int, a
// float64, a bool, or a *User, *Channel, *Role or *File.
type Option struct {
	Name  string
	Value any
}

// Opt is an option of a slash command.
func Opt(name string, value any) Option { return Option{name, value} }

// FileOption is a file for an option of the type attachment.
func FileOption(name string, data []byte) *File {
	return &File{Name: name, Size: int64(len(data)), data: data}
}

// interactions are those that can still be looked at.
type interactions struct {
	byToken map[string]*Interaction
	order   []*Interaction
}

func (n *interactions) init() { n.byToken = make(map[string]*Interaction) }

// keep makes an interaction known by its token; the oldest one goes when there
// are too many.
func (n *interactions) keep(i *Interaction) {
	n.byToken[i.Token] = i
	n.order = append(n.order, i)
	if len(n.order) > maxInteractions {
		delete(n.byToken, n.order[0].Token)
		n.order[0] = nil
		n.order = n.order[1:]
	}
}

// Slash uses a slash command in the channel, as the person's client would: the
// command must be registered for the place and its options filled in as
// declared, else it panics. A subcommand is named after its command, with a
// space between. HasCommand tells whether the command is there.
func (c *Channel) Slash(u *User, command string, options ...Option) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := s.commands.use(c, u, command, options, "")
	if err != nil {
		panic("discordtest: " + err.Error())
	}
	return s.interact(&Interaction{kind: slashInteraction, user: u, channel: c}, data)
}

// SlashRaw sends a use of a slash command with any data, as an outdated client
// may.
func (c *Channel) SlashRaw(u *User, data string) *Interaction {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	return c.srv.interact(&Interaction{kind: slashInteraction, user: u, channel: c}, json.RawMessage(data))
}

// Autocomplete asks for choices while the person fills in the option named
// focused, whose text so far is partial. The other options may be filled in
// already.
func (c *Channel) Autocomplete(u *User, command, focused, partial string, options ...Option) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	options = append(slices.Clone(options), Opt(focused, partial))
	data, err := s.commands.use(c, u, command, options, focused)
	if err != nil {
		panic("discordtest: " + err.Error())
	}
	return s.interact(&Interaction{kind: autocompleteInteraction, user: u, channel: c}, data)
}

// Press presses a button of a message, found by its label, else by its
// custom_id. It panics when there is none, or it is a link or disabled.
func (c *Channel) Press(u *User, messageID Snowflake, labelOrID string) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil {
		panic(fmt.Sprintf("discordtest: press on message %d, which does not exist", messageID))
	}
	b := m.button(labelOrID)
	if b == nil {
		panic(fmt.Sprintf("discordtest: message %d has no button %q that works; it has %v", messageID, labelOrID, m.Keyboard))
	}
	return s.pressed(c, u, m, b.Data)
}

func (m *message) button(labelOrID string) *Button {
	var byID *Button
	for _, row := range m.Keyboard {
		for i := range row {
			b := &row[i]
			if b.Data == "" || b.Disabled || b.Style == 0 {
				continue
			}
			if b.Label == labelOrID {
				return b
			}
			if b.Data == labelOrID && byID == nil {
				byID = b
			}
		}
	}
	return byID
}

// PressData sends a press with any custom_id on any message of the channel,
// even a deleted one, as a hostile or outdated client may.
func (c *Channel) PressData(u *User, messageID Snowflake, customID string) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.byID[messageID]
	if m == nil {
		panic(fmt.Sprintf("discordtest: press on message %d, which never existed", messageID))
	}
	return s.pressed(c, u, m, customID)
}

// Select chooses values of a select menu with texts.
func (c *Channel) Select(u *User, messageID Snowflake, customID string, values ...string) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil {
		panic(fmt.Sprintf("discordtest: choice in message %d, which does not exist", messageID))
	}
	menu := slices.IndexFunc(slices.Concat(m.Keyboard...), func(b Button) bool { return b.Style == 0 && b.Data == customID })
	if menu < 0 {
		panic(fmt.Sprintf("discordtest: message %d has no menu %q", messageID, customID))
	}
	data := encode(map[string]any{"component_type": 3, "custom_id": customID, "values": values})
	return s.interact(&Interaction{kind: componentInteraction, user: u, channel: c, onto: m}, data)
}

func (s *Server) pressed(c *Channel, u *User, m *message, customID string) *Interaction {
	data := encode(map[string]any{"component_type": 2, "custom_id": customID, "id": 1})
	return s.interact(&Interaction{kind: componentInteraction, user: u, channel: c, onto: m}, data)
}

// Press presses a button of the answer that the person got to this interaction,
// privately or not; a follow-up's if the answer has no such button.
func (i *Interaction) Press(labelOrID string) *Interaction {
	s := i.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range i.shown() {
		if b := m.button(labelOrID); b != nil && !m.Deleted {
			return s.pressed(i.channel, i.user, m, b.Data)
		}
	}
	panic(fmt.Sprintf("discordtest: no answer to the interaction has a button %q", labelOrID))
}

// Submit sends the form that was this interaction's answer, with texts by the
// custom_id of their input; an input that is not named keeps its value. It
// panics when the answer was no form, or a client would not send it.
func (i *Interaction) Submit(texts map[string]string) *Interaction {
	s := i.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.answer == nil || i.answer.Modal == nil {
		panic("discordtest: no form was shown")
	}
	texts = maps.Clone(texts)
	var rows []any
	for _, in := range i.answer.Modal.Inputs {
		text, named := texts[in.ID]
		delete(texts, in.ID)
		if !named {
			text = in.Value
		}
		if n := runes(text); in.Required && n == 0 || n > 0 && n < in.Min || n > in.Max {
			panic(fmt.Sprintf("discordtest: a client does not send %q with %d characters", in.ID, n))
		}
		rows = append(rows, map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": in.ID, "value": text}}})
	}
	if len(texts) > 0 {
		panic(fmt.Sprintf("discordtest: the form has no inputs %v", slices.Collect(maps.Keys(texts))))
	}
	return i.submit(i.user, i.answer.Modal.ID, rows)
}

// SubmitData sends a form with any custom_id and texts, as any person, as a
// hostile or outdated client may.
func (i *Interaction) SubmitData(u *User, customID string, texts map[string]string) *Interaction {
	i.srv.mu.Lock()
	defer i.srv.mu.Unlock()
	var rows []any
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		rows = append(rows, map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": id, "value": texts[id]}}})
	}
	return i.submit(u, customID, rows)
}

func (i *Interaction) submit(u *User, customID string, rows []any) *Interaction {
	data := encode(map[string]any{"custom_id": customID, "components": rows})
	return i.srv.interact(&Interaction{kind: modalInteraction, user: u, channel: i.channel, onto: i.onto}, data)
}

// interact gives an interaction its id and token, and tells gateways. The
// caller holds the lock.
func (s *Server) interact(i *Interaction, data json.RawMessage) *Interaction {
	c := i.channel
	i.srv, i.at = s, s.now()
	i.ID = s.ids.next(i.at)
	i.Token = fmt.Sprintf("aW50ZXJhY3Rpb246%x%016x%016x", uint64(i.ID), rand.Uint64(), rand.Uint64())
	locale := i.user.Locale
	if locale == "" {
		locale = "en-US"
	}
	channel := c.wire()
	body := map[string]any{
		"id": i.ID, "application_id": s.appID, "type": i.kind, "data": data, "token": i.Token, "version": 1,
		"channel_id": c.id, "channel": channel, "locale": locale, "entitlements": []any{}, "attachment_size_limit": s.uploadLimit(c.guild),
	}
	if c.guild != nil {
		g := c.guild
		member := g.members[i.user.ID]
		if member == nil {
			panic(fmt.Sprintf("discordtest: %s is no member of %s", i.user.Name, g.name))
		}
		m := member.wireWith(nil)
		may := c.permissions(i.user)
		m.Permissions = &may
		body["guild_id"], body["guild"] = g.id, map[string]any{"id": g.id, "locale": "en-US", "features": []any{}}
		body["guild_locale"], body["member"], body["app_permissions"] = "en-US", m, c.permissions(s.bot)
		body["context"], body["authorizing_integration_owners"] = 0, map[string]any{"0": g.id}
	} else {
		body["user"], body["app_permissions"] = i.user.wire(), inPrivate
		body["context"], body["authorizing_integration_owners"] = 1, map[string]any{"0": "0"}
	}
	if i.onto != nil {
		body["message"] = i.onto.body(true)
	}
	i.body = encode(body)
	s.interactions.keep(i)
	i.dispatch()
	return i
}

// dispatch tells gateways, without any intent.
func (i *Interaction) dispatch() {
	heard := i.srv.dispatch(event{name: "INTERACTION_CREATE", everywhere: true}, i.body)
	i.lost = heard == 0
	i.srv.notify()
}

// SlashInForeignDM uses a slash command in a private channel of other people,
// because the person has installed the app for themselves (context 2). c only
// says where the command would be looked for.
func (c *Channel) SlashInForeignDM(u *User, command string, options ...Option) *Interaction {
	s := c.srv
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := s.commands.use(c, u, command, options, "")
	if err != nil {
		data = encode(map[string]any{"id": s.ids.next(s.now()), "name": command, "type": 1})
	}
	elsewhere := &Channel{srv: s, id: s.ids.next(s.now()), kind: PrivateChannel, user: u, byID: make(map[Snowflake]*message)}
	i := &Interaction{kind: slashInteraction, user: u, channel: elsewhere}
	i.lost = true
	s.foreign(i, data)
	return i
}

func (s *Server) foreign(i *Interaction, data json.RawMessage) {
	i.srv, i.at = s, s.now()
	i.ID = s.ids.next(i.at)
	i.Token = fmt.Sprintf("aW50ZXJhY3Rpb246%x%016x", uint64(i.ID), rand.Uint64())
	i.body = encode(map[string]any{
		"id": i.ID, "application_id": s.appID, "type": i.kind, "data": data, "token": i.Token, "version": 1,
		"channel_id": i.channel.id, "channel": i.channel.wire(), "locale": "en-US", "entitlements": []any{},
		"attachment_size_limit": s.opts.UploadLimit, "user": i.user.wire(), "app_permissions": inPrivate, "context": 2,
		"authorizing_integration_owners": map[string]any{"1": i.user.ID},
	})
	s.interactions.keep(i)
	i.dispatch()
}

// Redeliver dispatches the interaction once more, with the same id and token.
func (i *Interaction) Redeliver() {
	i.srv.mu.Lock()
	defer i.srv.mu.Unlock()
	i.dispatch()
}

// Delivered tells whether a gateway was connected to be told of it.
func (i *Interaction) Delivered() bool {
	i.srv.mu.Lock()
	defer i.srv.mu.Unlock()
	return !i.lost
}

// Answer waits up to timeout for the bot's first answer; ok is false without
// one, which a client shows as "the application did not respond".
func (i *Interaction) Answer(timeout time.Duration) (answer Answer, ok bool) {
	ok = i.srv.Wait(timeout, func() bool {
		i.srv.mu.Lock()
		defer i.srv.mu.Unlock()
		if i.answer == nil {
			return false
		}
		answer = *i.answer
		return true
	})
	return answer, ok
}

// Notice waits up to timeout for a text that is shown because of the
// interaction, in the first answer, its edit, or a follow-up; it returns all of
// them so far, a line each.
func (i *Interaction) Notice(timeout time.Duration) (text string, ok bool) {
	ok = i.srv.Wait(timeout, func() bool {
		i.srv.mu.Lock()
		defer i.srv.mu.Unlock()
		var texts []string
		for _, m := range i.shown() {
			if m.Text != "" && m != i.onto {
				texts = append(texts, m.Text)
			}
		}
		text = strings.Join(texts, "\n")
		return text != ""
	})
	return text, ok
}

// shown are the messages that the person sees because of the interaction.
func (i *Interaction) shown() (all []*message) {
	if i.original != nil {
		all = append(all, i.original)
	}
	return append(all, i.followups...)
}

// Original is the message of the first answer as it stands now, ephemeral or
// not; ok is false without one.
func (i *Interaction) Original() (m Message, ok bool) {
	i.srv.mu.Lock()
	defer i.srv.mu.Unlock()
	if i.original == nil {
		return Message{}, false
	}
	return i.original.copy(), true
}

// Followups are the further messages of the interaction, deleted ones included.
func (i *Interaction) Followups() []Message {
	i.srv.mu.Lock()
	defer i.srv.mu.Unlock()
	return copies(i.followups, func(*message) bool { return true })
}

// Interactions are those kept, oldest first.
func (s *Server) Interactions() []*Interaction {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.interactions.order)
}

// SlowestAck is the longest time, on the server's clock, that a first answer
// took.
func (s *Server) SlowestAck() (slowest time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range s.interactions.order {
		if i.answer != nil {
			slowest = max(slowest, i.answer.Latency)
		}
	}
	return slowest
}

// metadata is interaction_metadata of the messages that answer it.
func (i *Interaction) metadata() map[string]any {
	return map[string]any{"id": i.ID, "type": i.kind, "user": i.user.wire(), "authorizing_integration_owners": map[string]any{}}
}
