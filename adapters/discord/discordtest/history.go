package discordtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// getMessages is a page of the history, newest first. after gives the messages
// right after an id, also newest first (Get Channel Messages).
func (s *Server) getMessages(rq *request) error {
	c, err := s.channelToRead(rq)
	if err != nil {
		return err
	}
	if !c.holdsMessages() {
		return badRequest(50024)
	}
	q := rq.http.URL.Query()
	limit := 50
	if text := q.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil {
			return invalid("limit", "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not int.", text))
		}
	}
	switch {
	case limit > 100:
		return invalid("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 100.")
	case limit < 1:
		return invalid("limit", "NUMBER_TYPE_MIN", "int value should be greater than or equal to 1.")
	}
	marks := map[string]Snowflake{}
	for _, name := range []string{"before", "after", "around"} {
		if text := q.Get(name); text != "" {
			id, ok := parseSnowflake(text)
			if !ok {
				return invalid(name, "NUMBER_TYPE_COERCE", fmt.Sprintf("Value %q is not snowflake.", text))
			}
			marks[name] = id
		}
	}
	if len(marks) > 1 {
		return invalid("", "MESSAGE_QUERY_EXCLUSIVE", "Only one of before, after and around may be given")
	}
	if !c.permissions(s.bot).Has(ReadMessageHistory) {
		return rq.answer([]any{})
	}
	page := []json.RawMessage{}
	for _, m := range c.page(marks, limit) {
		page = append(page, m.body(s.opts.MessageContent))
	}
	return rq.answer(page)
}

// page is some of the messages that are not deleted, highest id first.
func (c *Channel) page(marks map[string]Snowflake, limit int) []*message {
	var list []*message
	for _, m := range c.messages {
		if !m.Deleted {
			list = append(list, m)
		}
	}
	slices.SortFunc(list, func(a, b *message) int { return cmp.Compare(b.ID, a.ID) })
	// below is the place of the first message with an id under the mark.
	below := func(id Snowflake) int {
		i, _ := slices.BinarySearchFunc(list, id, func(m *message, id Snowflake) int {
			if m.ID >= id {
				return -1
			}
			return 1
		})
		return i
	}
	from, to := 0, len(list)
	if id, ok := marks["before"]; ok {
		from = below(id)
	}
	if id, ok := marks["after"]; ok {
		to = below(id + 1)
		from = max(0, to-limit)
	}
	if id, ok := marks["around"]; ok {
		from = max(0, below(id+1)-limit/2)
	}
	return list[from:min(to, from+limit)]
}

func (s *Server) getMessage(rq *request) error {
	c, m, err := s.messageOf(rq)
	if err != nil {
		return err
	}
	if !c.permissions(s.bot).Has(ReadMessageHistory) {
		return forbidden(50013)
	}
	rq.out = m.body(s.opts.MessageContent)
	return nil
}
