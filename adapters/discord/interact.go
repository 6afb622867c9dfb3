package discord

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"chapi/bot"
)

// Kinds of interactions and of first answers
// (docs.discord.com/developers/interactions/receiving-and-responding).
const (
	kindCommand  = 2
	kindButton   = 3
	kindComplete = 4
	kindForm     = 5

	answerMessage  = 4
	answerThinking = 5 // "is thinking": the message comes later
	answerNothing  = 6 // of a button: nothing to see
	answerChoices  = 8
	answerForm     = 9
)

const flagEphemeral = 1 << 6 // only the person of the interaction sees it

const (
	// ackTime is how long the first answer may take, repeats included: after
	// 3 s the network forgets the interaction.
	ackTime = 2500 * time.Millisecond
	// ackTry is the time for one try of it.
	ackTry = 1200 * time.Millisecond
	// noteTime is how long the first answer waits for the note of it to be on
	// disk, which usually takes some milliseconds.
	noteTime = 500 * time.Millisecond
	// maxAcking is how many are answered at the same time. An interaction
	// beyond is not answered and not run, which its person is told by the app.
	maxAcking = 64
	// sayTime is how long what follows the first answer may take.
	sayTime = 20 * time.Second
)

// interactionCall is an interaction from the first answer to the last word.
type interactionCall struct {
	interaction
	note asked
	came time.Time
	// done is closed when it is known whether the first answer was in time.
	done chan struct{}
	// inTime is true then if it was: only then may it be run.
	inTime bool
	// shown is the message that the first answer made, 0 for none.
	shown snowflake
	// thinking is true when the first answer was that one will come.
	thinking bool
}

func (c *interactionCall) settled() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// alive is for settled ones: whether it may be run.
func (c *interactionCall) alive() bool { return c.inTime }

// acking is the first answers on their way.
type acking struct {
	ctx    context.Context // set while the adapter runs
	mu     sync.Mutex
	helper sync.WaitGroup
	count  atomic.Int32
}

// interacted takes an interaction from the gateway's reader. It never waits:
// the first answer has a goroutine of its own, whatever else is going on, and
// the core sees the interaction after it.
func (a *Adapter) interacted(i interaction) {
	if i.ID == 0 || i.Token == "" || i.Application != 0 && i.Application != a.application() {
		return
	}
	at := i.place()
	call := &interactionCall{interaction: i, note: i.note(at), came: time.Now(), done: make(chan struct{})}
	switch {
	case i.Context != nil && *i.Context == 2:
		// Somebody else's private chat, in which the app was brought along.
		a.soon(call, func(ctx context.Context) {
			a.tell(ctx, call, "I only answer in my own private chat and on servers that I was invited to.")
		})
		return
	case i.Type == kindComplete:
		a.soon(call, func(ctx context.Context) { a.complete(ctx, call, at) })
		return
	case i.Type == kindButton && i.Message != nil && isFormKey(i.Data.ID):
		a.soon(call, func(ctx context.Context) { a.showForm(ctx, call) })
		return
	case i.Type != kindCommand && i.Type != kindButton && i.Type != kindForm:
		return
	case a.intake.full(at.id):
		a.soon(call, func(ctx context.Context) {
			a.tell(ctx, call, "Too much is waiting to be done here. Nothing was run; try again in a moment.")
		})
		return
	}
	a.enqueue(call, at)
}

// enqueue puts an interaction among the messages of its channel, and has it
// acknowledged.
func (a *Adapter) enqueue(call *interactionCall, at place) {
	_, known := a.places.find(at.id)
	if !known && (at.user != 0 || call.Channel.ID != 0 && at.known()) {
		a.places.see(at)
		known = true
	}
	a.uploads.learn(at, call.UploadLimit)
	if !a.menus.learned() {
		time.AfterFunc(patienceForMenu, a.intake.wakeUp)
	}
	it := &item{id: call.ID, channel: at.id, call: call, read: func(at place) (bot.Message, bool, bool) {
		return a.interpreted(call, at)
	}}
	if a.intake.add(it, known) {
		a.soon(call, func(ctx context.Context) { a.acknowledge(ctx, call) })
	}
}

// note is what is put down of an interaction before it is acknowledged.
func (i *interaction) note(at place) asked {
	who, _ := i.invoker()
	n := asked{channel: at.id, user: who.ID, what: asks[i.Type], noted: make(chan struct{})}
	if i.Message != nil {
		n.message = i.Message.ID
	}
	if i.Type == kindCommand {
		n.what = "/help"
		if commandName.MatchString(i.Data.Name) {
			n.what = "/" + i.Data.Name
		}
	}
	return n
}

// left is an interaction that an earlier run had noted and may have
// acknowledged, but not recorded: it is only told of.
func (a *Adapter) left(id snowflake, n asked) *item {
	return &item{id: id, channel: n.channel, read: func(at place) (bot.Message, bool, bool) {
		who := account{ID: n.user, Name: n.user.String()}
		m := bot.Message{Claim: a.claim(who, nil, at), Key: a.interactionKey(id), Text: n.what, Lost: true}
		if n.message != 0 {
			m.ID = bot.MessageID(n.message.String())
		}
		return m, true, false
	}}
}

func (a *Adapter) interactionKey(id snowflake) string {
	return fmt.Sprintf("%s/%d/i/%d", Name, a.botID, id)
}

// known is false for a thread of which the parent is not.
func (p place) known() bool { return !p.isThread() || p.parent != 0 }

// soon does something about an interaction that must not wait, within the time
// for it.
func (a *Adapter) soon(c *interactionCall, do func(context.Context)) {
	a.acking.mu.Lock()
	defer a.acking.mu.Unlock()
	ctx := a.acking.ctx
	if ctx == nil || ctx.Err() != nil || a.acking.count.Load() >= maxAcking {
		close(c.done)
		if ctx != nil && ctx.Err() == nil {
			a.log.Warn("too many interactions at once")
		}
		a.intake.wakeUp()
		return
	}
	a.acking.count.Add(1)
	a.acking.helper.Go(func() {
		defer a.acking.count.Add(-1)
		ctx, cancel := context.WithDeadline(ctx, c.came.Add(ackTime))
		defer cancel()
		do(ctx)
		close(c.done)
		a.intake.wakeUp()
	})
}

// callback is the body of a first answer.
type callback struct {
	Type int `json:"type"`
	Data any `json:"data,omitempty"`
}

// acknowledge sends the first answer to a command, button or form and finds out
// whether it was in time. By then it is noted, so that its person is told if
// the daemon dies before it is recorded. A disk that takes too long for the note
// is not waited for: then the network has to tell, which it does of everything
// that thinks for too long.
func (a *Adapter) acknowledge(ctx context.Context, c *interactionCall) {
	first := callback{Type: answerThinking}
	switch noted := c.waitForNote(ctx); {
	case c.Type == kindCommand:
	case noted:
		first.Type = answerNothing
	default:
		first.Data = map[string]int{"flags": flagEphemeral}
	}
	c.thinking = first.Type == answerThinking
	var shown snowflake
	shown, c.inTime = a.respond(ctx, c, first)
	if c.inTime && c.Type == kindCommand {
		if c.shown = shown; shown == 0 {
			c.shown = a.original(ctx, c)
		}
	}
	if !c.inTime {
		a.log.Warn("an interaction was not answered in time, so it is not run", "took", time.Since(c.came).Round(time.Millisecond))
	}
}

// waitForNote returns true when the interaction has been noted, or false when
// its first answer cannot wait for that any more.
func (c *interactionCall) waitForNote(ctx context.Context) bool {
	ctx, cancel := context.WithDeadline(ctx, c.came.Add(noteTime))
	defer cancel()
	select {
	case <-c.note.noted:
		return true
	case <-ctx.Done():
		return false
	}
}

// Codes of the API that concern interactions.
const (
	codeUnknownInteraction = 10062
	codeAcknowledged       = 40060
)

// respond sends a first answer, more than once if need be: a second one is
// refused with a code that proves the first. message is the one that it made,
// 0 if it is not known.
func (a *Adapter) respond(ctx context.Context, c *interactionCall, first callback) (message snowflake, inTime bool) {
	r := request{
		method: "POST", route: "interactions/{}/{}/callback", ids: []string{c.ID.String(), c.Token},
		query: "with_response=true", body: first, urgent: true,
	}
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		var said struct {
			Resource struct {
				Message struct {
					ID snowflake `json:"id"`
				} `json:"message"`
			} `json:"resource"`
		}
		try, cancel := context.WithTimeout(ctx, ackTry)
		err := a.client.call(try, r, &said)
		cancel()
		switch {
		case err == nil, status(err) >= 200 && status(err) < 300:
			return said.Resource.Message.ID, true
		case hasCode(err, codeAcknowledged):
			return 0, true
		case hasCode(err, codeUnknownInteraction), status(err) >= 400 && status(err) < 500 && status(err) != 429:
			a.log.Debug("answer interaction", "err", err)
			return 0, false
		}
		a.log.Debug("answer interaction: trying again", "err", err)
		if !sleep(ctx, max(pause, retryAfter(err))) {
			return 0, false
		}
	}
}

// original is the id of the message that the first answer made, 0 if there is
// none or it cannot be had in time.
func (a *Adapter) original(ctx context.Context, c *interactionCall) snowflake {
	var m struct {
		ID snowflake `json:"id"`
	}
	if err := a.client.call(ctx, a.followUp(c, "GET", "/messages/@original", nil), &m); err != nil {
		a.log.Debug("look at the answer to an interaction", "err", err)
	}
	return m.ID
}

// followUp is a call that follows a first answer.
func (a *Adapter) followUp(c *interactionCall, method, what string, body any) request {
	return request{
		method: method, route: "webhooks/{}/{}" + what, ids: []string{a.application().String(), c.Token},
		body: body, urgent: true,
	}
}

// tell answers an interaction with words that only its person sees.
func (a *Adapter) tell(ctx context.Context, c *interactionCall, text string) {
	if c.Type == kindComplete {
		a.respond(ctx, c, callback{Type: answerChoices, Data: map[string]any{"choices": []slashChoice{}}})
		return
	}
	a.respond(ctx, c, callback{Type: answerMessage, Data: privately(text)})
}

// note is a message in answer to an interaction.
type note struct {
	Content string       `json:"content"`
	Flags   int          `json:"flags,omitempty"`
	Pings   allowedPings `json:"allowed_mentions"`
}

func privately(text string) note {
	return note{
		Content: compose([]bot.Span{{Text: cut(text, pageText)}}).text,
		Flags:   flagEphemeral | flagNoPreview,
	}
}

// conclude says the last word on an interaction that the core has seen: what a
// command was, for those who see only its answer, and privately what there is
// to say to the presser of a button. What a stranger asked vanishes.
func (a *Adapter) conclude(ctx context.Context, c *interactionCall, m bot.Message, ack bot.Ack) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	switch {
	case !c.thinking:
	case c.Type == kindCommand && ack.Taken:
		status := note{Flags: flagNoPreview, Content: compose([]bot.Span{{Style: bot.Code, Text: cut(oneLine(m.Text), 300)}}).text}
		a.follow(ctx, a.followUp(c, "PATCH", "/messages/@original", status))
	default:
		a.follow(ctx, a.followUp(c, "DELETE", "/messages/@original", nil))
	}
	if ack.Notice != "" {
		a.follow(ctx, a.followUp(c, "POST", "", privately(ack.Notice)))
	}
}

// follow makes a call that says something about an interaction. It is tried
// again for as long as there is time: a repeated notice does no harm.
func (a *Adapter) follow(ctx context.Context, r request) {
	for pause := 200 * time.Millisecond; ; pause *= 2 {
		err := a.client.call(ctx, r, nil)
		if err == nil || status(err) >= 200 && status(err) < 300 {
			return
		}
		if s := status(err); s >= 400 && s < 500 && s != 429 {
			a.log.Debug("say more about an interaction", "err", err)
			return
		}
		if !sleep(ctx, max(pause, retryAfter(err))) {
			a.log.Warn("say more about an interaction", "err", err)
			return
		}
	}
}

// interpreted makes of an interaction what the core understands. later is true
// while the declarations of the commands are not known yet.
func (a *Adapter) interpreted(c *interactionCall, at place) (m bot.Message, ok, later bool) {
	who, as := c.invoker()
	if who.ID == 0 {
		return bot.Message{}, false, false
	}
	m = bot.Message{
		Claim:     a.claim(who, as, at),
		Key:       a.interactionKey(c.ID),
		Addressed: true,
	}
	if who.Bot {
		m.Origin = bot.ByBot
	}
	if c.shown != 0 {
		m.ID = bot.MessageID(c.shown.String())
	}
	switch c.Type {
	case kindButton:
		if c.Message == nil || c.Message.ID == 0 || c.Data.ID == "" {
			return bot.Message{}, false, false
		}
		m.ID, m.Button = bot.MessageID(c.Message.ID.String()), c.Data.ID
	case kindForm:
		m.Unseen = true
		m.ReplyTo, m.Text, ok = c.typed()
		return m, ok, false
	default:
		command, declared, learned := a.menus.command(c.Data.Name)
		switch {
		case !learned && time.Since(c.came) < patienceForMenu:
			return bot.Message{}, false, true
		case !declared:
			// Without its declaration nobody knows what its options mean.
			m.Text = commandLine(bot.Command{Name: "help", Args: []bot.Arg{{Name: "command"}}}, list[option]{{Name: "command", Value: quoted(c.Data.Name)}})
		default:
			m.Text = commandLine(command, c.Data.Options)
		}
	}
	return m, true, false
}

// complete answers the wish for suggestions while somebody fills in an option.
func (a *Adapter) complete(ctx context.Context, c *interactionCall, at place) {
	choices := []slashChoice{}
	if suggest := a.cfg.Suggest; suggest != nil {
		who, as := c.invoker()
		ask := Question{Claim: a.claim(who, as, at), Command: c.Data.Name}
		for _, o := range c.Data.Options {
			if o.Focused {
				ask.Arg, ask.Typed = o.Name, o.text()
			}
		}
		thinking, cancel := context.WithTimeout(ctx, ackTry)
		for _, s := range suggest(thinking, ask) {
			if choice, fits := suggestion(s); fits && len(choices) < maxChoices {
				choices = append(choices, choice)
			}
		}
		cancel()
	}
	a.respond(ctx, c, callback{Type: answerChoices, Data: map[string]any{"choices": choices}})
}

// Question is what somebody is typing into an option of a slash command. The
// claim is not authorized.
type Question struct {
	Claim   bot.Claim
	Command string
	Arg     string // bot.Arg.Name
	Typed   string // so far
}

// The form for free text: a button that the adapter adds to the keypad of a
// session opens it, and what is sent with it is an answer to the keypad's
// message.
const (
	formKey   = "type" // custom_id of the button; a handle has a colon
	formInput = "text"
	formLabel = "Type…"
	maxTyped  = 4000
)

func isFormKey(id string) bool { return id == formKey }

// textInput is the one field of the form.
type textInput struct {
	Type  int    `json:"type"`
	ID    string `json:"custom_id"`
	Label string `json:"label"`
	Style int    `json:"style"`
	Max   int    `json:"max_length"`
}

// showForm asks for the text. Whether the person may type it is decided when
// they have.
func (a *Adapter) showForm(ctx context.Context, c *interactionCall) {
	a.respond(ctx, c, callback{Type: answerForm, Data: map[string]any{
		"custom_id": formKey + ":" + c.Message.ID.String(),
		"title":     "Type into the program",
		"components": []row[textInput]{{Type: componentRow, Parts: []textInput{{
			Type: componentInput, ID: formInput, Label: "Text", Style: 2, Max: maxTyped,
		}}}},
	}})
}

// typed is the text of a form and the message that it was opened from.
func (c *interactionCall) typed() (about bot.MessageID, text string, ok bool) {
	if c.Message == nil || c.Message.ID == 0 {
		return "", "", false
	}
	var find func(list[component])
	find = func(parts list[component]) {
		for _, p := range parts {
			if p.Inner != nil {
				find(list[component]{*p.Inner})
			}
			if p.ID == formInput {
				text, ok = p.Value, utf8.ValidString(p.Value) && p.Value != ""
			}
			find(p.Parts)
		}
	}
	find(c.Data.Parts)
	if ok && text[0] == '/' {
		text = "/" + text // for the program, not a command
	}
	return bot.MessageID(c.Message.ID.String()), text, ok
}
