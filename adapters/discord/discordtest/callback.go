package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
)

// createInteractionResponse is the first answer to an interaction. It must come
// within three seconds, and only one counts.
func (s *Server) createInteractionResponse(rq *request) error {
	i := s.interactions.byToken[rq.args[1]]
	if i == nil || i.ID != rq.id(0) {
		return notFound(10062)
	}
	i.tries++
	if i.answer != nil {
		i.answer.Count++
		return badRequest(40060)
	}
	now := s.now()
	if now.Sub(i.at) > ackDeadline {
		return notFound(10062)
	}
	var kind AnswerKind
	if !present(rq.body["type"]) {
		return invalid("type", "BASE_TYPE_REQUIRED", "This field is required")
	}
	if json.Unmarshal(rq.body["type"], &kind) != nil || !slices.Contains(i.possible(), kind) {
		return invalid("type", "BASE_TYPE_CHOICES", fmt.Sprintf("Value must be one of %v.", i.possible()))
	}
	answer := &Answer{Kind: kind, At: now, Latency: now.Sub(i.at), Count: i.tries}
	if err := s.respond(rq, i, answer); err != nil {
		return err
	}
	i.answer = answer
	s.notify()
	if rq.http.URL.Query().Get("with_response") == "true" {
		return rq.answer(i.callbackBody())
	}
	rq.out = nil
	return nil
}

// possible are the kinds of first answer that an interaction takes.
func (i *Interaction) possible() []AnswerKind {
	switch {
	case i.kind == autocompleteInteraction:
		return []AnswerKind{AnswerChoices}
	case i.kind == componentInteraction:
		return []AnswerKind{AnswerMessage, AnswerDeferred, AnswerDeferredUpdate, AnswerUpdate, AnswerModal}
	case i.kind == modalInteraction && i.onto != nil:
		return []AnswerKind{AnswerMessage, AnswerDeferred, AnswerDeferredUpdate, AnswerUpdate}
	case i.kind == modalInteraction:
		return []AnswerKind{AnswerMessage, AnswerDeferred}
	}
	return []AnswerKind{AnswerMessage, AnswerDeferred, AnswerModal}
}

// respond carries the first answer out.
func (s *Server) respond(rq *request, i *Interaction, answer *Answer) error {
	data := map[string]json.RawMessage{}
	if raw := rq.body["data"]; present(raw) && json.Unmarshal(raw, &data) != nil {
		return invalid("data", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	switch answer.Kind {
	case AnswerMessage:
		m, err := s.answerWith(rq, i, data, "data.")
		if err != nil {
			return err
		}
		i.original = m
		answer.Text, answer.Ephemeral, answer.Message = m.Text, m.Ephemeral, m.ID
	case AnswerDeferred:
		return s.deferAnswer(rq, i, data, answer)
	case AnswerDeferredUpdate:
		i.original = i.onto
	case AnswerUpdate:
		i.original = i.onto
		if i.onto.Deleted {
			return notFound(10008)
		}
		d, err := rq.read(data, drafting{path: "data.", edit: true, webhook: true, v2: i.onto.flags&flagComponentsV2 != 0})
		if err != nil {
			return err
		}
		if err := s.amend(rq, i.onto, d); err != nil {
			return err
		}
		answer.Text, answer.Ephemeral, answer.Message = i.onto.Text, i.onto.Ephemeral, i.onto.ID
	case AnswerChoices:
		choices, err := readChoices(data["choices"])
		if err != nil {
			return err
		}
		answer.Choices = choices
	case AnswerModal:
		var f formErrors
		answer.Modal = f.modal(rq.body["data"])
		return f.err()
	}
	return nil
}

// deferAnswer makes the message that says "is thinking".
func (s *Server) deferAnswer(rq *request, i *Interaction, data map[string]json.RawMessage, answer *Answer) error {
	flags := 0
	if raw := data["flags"]; present(raw) && json.Unmarshal(raw, &flags) != nil || flags&^flagEphemeral != 0 {
		return invalid("data.flags", "BITFIELD_TYPE_INVALID", "Only EPHEMERAL can be set here.")
	}
	m := i.message(flags | flagLoading)
	i.post(m)
	i.original, i.deferred = m, true
	answer.Ephemeral, answer.Message = m.Ephemeral, m.ID
	rq.call.MessageID = m.ID
	return nil
}

// message is a new message of the bot that belongs to the interaction.
func (i *Interaction) message(flags int) *message {
	m := &message{author: i.srv.bot, interaction: i, flags: flags}
	m.Interaction = i.ID
	if i.kind == slashInteraction {
		m.Type = slashAnswer
	}
	return m
}

// post shows a message of the interaction: in the channel, or to the person
// only.
func (i *Interaction) post(m *message) {
	c := i.channel
	if m.flags&flagEphemeral == 0 {
		c.add(m)
		m.announce("MESSAGE_CREATE")
		return
	}
	m.ID, m.Date = i.srv.ids.message(i.srv.now())
	m.attach(c)
	m.revise(i.srv)
}

// answerWith makes a message of the interaction from the members of a call.
func (s *Server) answerWith(rq *request, i *Interaction, data map[string]json.RawMessage, path string) (*message, error) {
	d, err := rq.read(data, drafting{path: path, webhook: true})
	if err != nil {
		return nil, err
	}
	if err := s.checkFiles(d, 0, i.channel.guild); err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, badRequest(50006)
	}
	m := i.message(d.flagBits() & webhookFlags)
	s.fill(m, d, i.channel)
	i.post(m)
	m.judge(d.visibleText(), d.allowed, nil)
	rq.call.MessageID = m.ID
	return m, nil
}

// readChoices checks the choices of an autocompletion.
func readChoices(raw json.RawMessage) ([]Choice, error) {
	var sent []CommandChoice
	if !present(raw) || json.Unmarshal(raw, &sent) != nil {
		return nil, invalid("data.choices", "BASE_TYPE_REQUIRED", "This field is required")
	}
	var f formErrors
	if len(sent) > maxChoices {
		f.tooLong("data.choices", maxChoices)
	}
	choices := []Choice{}
	for i, c := range sent {
		kind := StringOption
		if len(c.Value) > 0 && c.Value[0] != '"' {
			kind = NumberOption
		}
		f.choiceValue(fmt.Sprintf("data.choices.%d", i), kind, c)
		text := string(c.Value)
		json.Unmarshal(c.Value, &text)
		choices = append(choices, Choice{c.Name, text})
	}
	return choices, f.err()
}

// callbackBody is the answer with_response.
func (i *Interaction) callbackBody() map[string]any {
	about := map[string]any{"id": i.ID, "type": i.kind, "response_message_ephemeral": i.answer.Ephemeral, "response_message_loading": i.deferred}
	resource := map[string]any{"type": i.answer.Kind}
	if i.answer.Message != 0 {
		about["response_message_id"] = i.answer.Message
		resource["message"] = i.original.wire(true, false)
	}
	return map[string]any{"interaction": about, "resource": resource}
}

// interactionOf resolves the token of a call after the first answer, which
// works for 15 minutes.
func (s *Server) interactionOf(rq *request) (*Interaction, error) {
	i := s.interactions.byToken[rq.args[1]]
	switch {
	case i == nil || rq.id(0) != s.appID:
		return nil, notFound(10015)
	case s.now().Sub(i.at) > tokenLife:
		return nil, &apiError{status: 401, code: 50027, text: errorTexts[50027]}
	case i.answer == nil:
		return nil, notFound(10015)
	}
	return i, nil
}

// originalOf is the message of the first answer.
func (s *Server) originalOf(rq *request) (*Interaction, *message, error) {
	i, err := s.interactionOf(rq)
	if err != nil {
		return nil, nil, err
	}
	if i.original == nil || i.original.Deleted {
		return nil, nil, notFound(10008)
	}
	return i, i.original, nil
}

func (s *Server) getOriginal(rq *request) error {
	_, m, err := s.originalOf(rq)
	if err != nil {
		return err
	}
	rq.out = m.answerBody("")
	return nil
}

func (s *Server) editOriginal(rq *request) error {
	i, m, err := s.originalOf(rq)
	if err != nil {
		return err
	}
	return s.editOf(rq, i, m)
}

// editOf changes a message of an interaction.
func (s *Server) editOf(rq *request, i *Interaction, m *message) error {
	d, err := rq.read(rq.body, drafting{edit: true, webhook: true, v2: m.flags&flagComponentsV2 != 0})
	if err != nil {
		return err
	}
	if err := s.amend(rq, m, d); err != nil {
		return err
	}
	if m == i.original {
		i.deferred = false
	}
	rq.out = m.answerBody("")
	return nil
}

func (s *Server) deleteOriginal(rq *request) error {
	i, m, err := s.originalOf(rq)
	if err != nil {
		return err
	}
	rq.call.MessageID = m.ID
	m.remove()
	i.deferred = false
	return nil
}

// createFollowup sends a further message. Right after a deferred answer it
// takes the place of that one instead, as a deprecated behaviour.
func (s *Server) createFollowup(rq *request) error {
	i, err := s.interactionOf(rq)
	if err != nil {
		return err
	}
	if i.kind == autocompleteInteraction {
		return notFound(10015)
	}
	if i.deferred && !i.original.Deleted {
		rq.remark("a follow-up took the place of the deferred answer")
		return s.editOf(rq, i, i.original)
	}
	m, err := s.answerWith(rq, i, rq.body, "")
	if err != nil {
		return err
	}
	i.followups = append(i.followups, m)
	s.notify()
	rq.out = m.answerBody("")
	return nil
}

// followupOf is a further message of the interaction.
func (s *Server) followupOf(rq *request) (*Interaction, *message, error) {
	i, err := s.interactionOf(rq)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range i.shown() {
		if m.ID == rq.id(2) && !m.Deleted {
			return i, m, nil
		}
	}
	return nil, nil, notFound(10008)
}

func (s *Server) getFollowup(rq *request) error {
	_, m, err := s.followupOf(rq)
	if err != nil {
		return err
	}
	rq.out = m.answerBody("")
	return nil
}

func (s *Server) editFollowup(rq *request) error {
	i, m, err := s.followupOf(rq)
	if err != nil {
		return err
	}
	return s.editOf(rq, i, m)
}

func (s *Server) deleteFollowup(rq *request) error {
	_, m, err := s.followupOf(rq)
	if err != nil {
		return err
	}
	m.remove()
	return nil
}
