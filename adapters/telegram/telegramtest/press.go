package telegramtest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

const (
	// queryLife is how long after a press it can be answered. The real limit
	// is not published; a press waits in the queue for 150 s at most.
	queryLife     = 3 * time.Minute
	maxAnswerText = 200
	maxPresses    = 10_000 // kept for answers
)

// Press is one press of a button.
type Press struct {
	ID       string // callback query id
	UpdateID int    // 0 when the bot did not get it

	srv    *Server
	at     time.Time
	body   string
	answer *Answer
}

// Answer is what answerCallbackQuery showed to the person.
type Answer struct {
	Text      string
	URL       string
	Alert     bool
	CacheTime int // seconds
	At        time.Time
	Count     int // how often it was answered; the rest is the first answer
}

// Press presses an inline button of a message, found by its label, else by its
// callback data. It panics when there is none.
func (c *Chat) Press(u *User, messageID int, labelOrData string) *Press {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	m := c.lookup(messageID)
	if m == nil {
		panic(fmt.Sprintf("telegramtest: press on message %d, which does not exist", messageID))
	}
	var byData *Button
	for _, row := range m.Keyboard {
		for i := range row {
			if row[i].Label == labelOrData {
				return c.press(u, m, row[i].Data)
			}
			if row[i].Data == labelOrData && byData == nil {
				byData = &row[i]
			}
		}
	}
	if byData == nil {
		panic(fmt.Sprintf("telegramtest: message %d has no button %q; it has %v", messageID, labelOrData, m.Keyboard))
	}
	return c.press(u, m, byData.Data)
}

// PressData sends a press with any data on any message of the chat, even a
// deleted one, as a hostile or outdated client may.
func (c *Chat) PressData(u *User, messageID int, data string) *Press {
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	m := c.byID[messageID]
	if m == nil {
		panic(fmt.Sprintf("telegramtest: press on message %d, which never existed", messageID))
	}
	return c.press(u, m, data)
}

func (c *Chat) press(u *User, m *message, data string) *Press {
	s := c.srv
	p := &Press{ID: strconv.FormatUint(rand.Uint64()|1<<62, 10), srv: s, at: s.now()}
	b := member([]byte{'{'}, "id", p.ID)
	b = appendUser(key(b, "from"), u)
	b = key(b, "message")
	if m.Deleted {
		b = appendChat(key(append(b, '{'), "chat"), c)
		b = memberInt(b, "message_id", m.ID)
		b = append(memberInt(b, "date", 0), '}') // an InaccessibleMessage
	} else {
		b = appendMessage(b, m, true)
	}
	b = member(b, "chat_instance", strconv.FormatInt(c.id*7919, 10))
	b = member(b, "data", data)
	p.body = string(append(b, '}'))
	s.presses[p.ID] = p
	s.pressOrder = append(s.pressOrder, p.ID)
	if len(s.pressOrder) > maxPresses {
		delete(s.presses, s.pressOrder[0])
		s.pressOrder = s.pressOrder[1:]
	}
	p.UpdateID = s.enqueue("callback_query", p.body, p.at.Add(pressRetention))
	s.notify()
	return p
}

// Redeliver queues the press once more under a new update id, which it
// returns; 0 when it has expired.
func (p *Press) Redeliver() int {
	p.srv.mu.Lock()
	defer p.srv.mu.Unlock()
	return p.srv.enqueue("callback_query", p.body, p.at.Add(pressRetention))
}

// Answer waits up to timeout for the bot's answer; ok is false without one.
func (p *Press) Answer(timeout time.Duration) (answer Answer, ok bool) {
	ok = p.srv.Wait(timeout, func() bool {
		p.srv.mu.Lock()
		defer p.srv.mu.Unlock()
		if p.answer == nil {
			return false
		}
		answer = *p.answer
		return true
	})
	return answer, ok
}

func (s *Server) answerCallbackQuery(rq *request) error {
	p := s.presses[rq.arg("callback_query_id")]
	if runes(rq.arg("text")) > maxAnswerText {
		return badRequest("MESSAGE_TOO_LONG")
	}
	if p == nil || s.now().Sub(p.at) > queryLife {
		return badRequest("query is too old and response timeout expired or query ID is invalid")
	}
	if p.answer != nil {
		p.answer.Count++
		return rq.success()
	}
	cache := rq.integer("cache_time", 0, 0, 1<<31-1)
	p.answer = &Answer{Text: rq.arg("text"), URL: rq.arg("url"), Alert: rq.flag("show_alert"), CacheTime: cache, At: s.now(), Count: 1}
	return rq.success()
}
