package telegramtest

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of the update queue (td TQueue, tdlib/telegram-bot-api).
const (
	maxQueued      = 100_000
	maxQueuedBytes = 128 << 20
	maxAnswer      = 4 << 20 // bytes of updates in one answer
	maxAhead       = 10      // an offset may be this far above the tail

	messageRetention = 24 * time.Hour
	pressRetention   = 150 * time.Second
)

// update is one queued update: body is the member beside update_id.
type update struct {
	id      int
	body    string
	expires time.Time
}

// queue is the update queue of the bot.
type queue struct {
	updates []update
	bytes   int
	tail    int      // id of the next update
	epochs  [][2]int // [first, end) of the ids of earlier numberings
	first   int      // first id of the present numbering
	allowed map[string]bool
}

// updateKinds are the names that allowed_updates knows (Bot API, Update).
var updateKinds = []string{"message", "edited_message", "channel_post", "edited_channel_post", "inline_query",
	"chosen_inline_result", "callback_query", "shipping_query", "pre_checkout_query", "poll", "poll_answer",
	"my_chat_member", "chat_member", "chat_join_request", "message_reaction", "message_reaction_count",
	"chat_boost", "removed_chat_boost", "business_connection", "business_message", "edited_business_message",
	"deleted_business_messages", "purchased_paid_media"}

// byDefault tells whether a kind comes without being asked for.
func byDefault(kind string) bool {
	return kind != "chat_member" && kind != "message_reaction" && kind != "message_reaction_count"
}

func defaultKinds() map[string]bool {
	kinds := make(map[string]bool, len(updateKinds))
	for _, k := range updateKinds {
		kinds[k] = byDefault(k)
	}
	return kinds
}

func (q *queue) init(first int) {
	q.tail, q.first = first, first
	q.allowed = defaultKinds()
}

func (q *queue) head() int {
	if len(q.updates) == 0 {
		return q.tail
	}
	return q.updates[0].id
}

// add queues an update and returns its id, 0 if the queue is full.
func (q *queue) add(body string, expires time.Time) int {
	if len(q.updates) >= maxQueued || q.bytes+len(body) > maxQueuedBytes {
		return 0
	}
	id := q.tail
	q.tail++
	q.updates = append(q.updates, update{id, body, expires})
	q.bytes += len(body)
	return id
}

// drop removes the n oldest updates.
func (q *queue) drop(n int) {
	for _, u := range q.updates[:n] {
		q.bytes -= len(u.body)
	}
	clear(q.updates[:n])
	q.updates = q.updates[n:]
	if len(q.updates) == 0 {
		q.updates = nil
	}
}

// expire removes updates whose time is over.
func (q *queue) expire(now time.Time) {
	old := func(u update) bool { return !u.expires.After(now) }
	if !slices.ContainsFunc(q.updates, old) {
		return
	}
	q.updates = slices.DeleteFunc(q.updates, func(u update) bool {
		if old(u) {
			q.bytes -= len(u.body)
			return true
		}
		return false
	})
}

// take is what one look at the queue does: it confirms what the offset
// confirms, at once, and returns the updates from there on. changed tells that
// something was removed. (Client::do_get_updates and TQueue::get)
func (q *queue) take(offset, limit int, now time.Time) (updates []update, changed bool) {
	before := len(q.updates)
	if offset < 0 {
		// Keeps the newest, forgets the rest.
		q.drop(max(len(q.updates)+offset, 0))
	}
	head := q.head()
	if offset <= 0 || offset < head-maxQueued || offset > q.tail+maxAhead {
		offset = head // outside the window: read from the head, confirm nothing
	}
	n, _ := slices.BinarySearchFunc(q.updates, offset, func(u update, id int) int { return u.id - id })
	q.drop(n)
	q.expire(now)
	changed = len(q.updates) != before
	left := maxAnswer
	for i, u := range q.updates {
		left -= 50 + len(u.body)
		if i == limit || left <= 0 {
			break
		}
		updates = append(updates, u)
	}
	return updates, changed
}

// restart begins another numbering at next; what is queued moves along.
func (q *queue) restart(next int) {
	q.epochs = append(q.epochs, [2]int{q.first, q.tail})
	q.first = next
	for i := range q.updates {
		q.updates[i].id = next + i
	}
	q.tail = next + len(q.updates)
}

// known tells whether the id was ever given, and whether it is still queued.
func (q *queue) known(id int) (given, held bool) {
	_, held = slices.BinarySearchFunc(q.updates, id, func(u update, id int) int { return u.id - id })
	given = id >= q.first && id < q.tail
	for _, e := range q.epochs {
		given = given || id >= e[0] && id < e[1]
	}
	return given, held
}

// allow stores a new list of allowed updates. What cannot be read, or is
// absent, leaves the list as it was; a list that names no known kind means the
// default. (Client::get_allowed_update_types)
func (q *queue) allow(list string) {
	if list == "" {
		return
	}
	var names []string
	if json.Unmarshal([]byte(list), &names) != nil {
		return
	}
	kinds := make(map[string]bool)
	for _, n := range names {
		if n = strings.ToLower(n); slices.Contains(updateKinds, n) {
			kinds[n] = true
		}
	}
	if len(kinds) == 0 {
		kinds = defaultKinds()
	}
	q.allowed = kinds
}

// list names the allowed kinds, nil for the default.
func (q *queue) list() []string {
	var names []string
	standard := true
	for _, k := range updateKinds {
		if q.allowed[k] {
			names = append(names, k)
		}
		standard = standard && q.allowed[k] == byDefault(k)
	}
	if standard {
		return nil
	}
	return names
}

// enqueue queues an update of a kind if the bot asked for such, and wakes a
// waiting getUpdates. It returns the id, 0 if the bot does not get it. The
// caller holds the lock.
func (s *Server) enqueue(kind, body string, expires time.Time) int {
	if !s.queue.allowed[kind] || !expires.After(s.now()) {
		return 0
	}
	return s.deliver(`"`+kind+`":`+body, expires)
}

func (s *Server) deliver(body string, expires time.Time) int {
	id := s.queue.add(body, expires)
	s.poller.wake(s)
	s.notify()
	return id
}

// Pending is the number of updates that the server holds, unconfirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.expire(s.now())
	return len(s.queue.updates)
}

// Confirmed tells whether an update was queued and is gone from the queue,
// because an offset confirmed it or because it expired.
func (s *Server) Confirmed(updateID int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.expire(s.now())
	given, held := s.queue.known(updateID)
	return given && !held
}

// ResetUpdateIDs makes the next update id jump by at least a million, up or
// down, as after a week of silence or a move to another server. Updates that
// are queued keep their order and get new numbers.
func (s *Server) ResetUpdateIDs(up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	jump := 1_000_000 + rand.IntN(1_000_000)
	next := s.queue.tail + jump
	if !up {
		next = max(s.queue.head()-jump, 1+rand.IntN(1000))
	}
	s.queue.restart(next)
	s.poller.restart(s.queue.tail)
	s.notify()
}

// SetNextUpdateID makes the next update carry this id. The queue must be
// empty, or it panics. It serves tests in which two different messages carry
// the same update id at different times.
func (s *Server) SetNextUpdateID(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue.updates) > 0 {
		panic("telegramtest: SetNextUpdateID with updates in the queue")
	}
	s.queue.restart(id)
	s.poller.restart(id)
	s.notify()
}

// Redeliver queues the same message once more under a new update id, as
// happens after a move to another server. It returns the new id, 0 if the
// message was never an update.
func (s *Server) Redeliver(m Message) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[m.Chat]
	if c == nil {
		return 0
	}
	stored := c.byID[m.ID]
	if stored == nil || stored.UpdateID == 0 {
		return 0
	}
	return s.enqueue("message", string(appendMessage(nil, stored, true)), stored.Date.Add(messageRetention))
}

// InjectRawUpdate queues an update whose fields other than update_id are the
// members of the JSON object given, for instance
// {"some_future_kind":{"x":1}}. It ignores allowed_updates and returns the
// update's id. It panics when the text is not a JSON object with members.
func (s *Server) InjectRawUpdate(object string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliver(rawMembers(object), s.now().Add(messageRetention))
}

// rawMembers is the inside of a JSON object, without its braces.
func rawMembers(object string) string {
	object = strings.TrimSpace(object)
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &members); err != nil || len(members) == 0 {
		panic("telegramtest: not a JSON object with members: " + object)
	}
	return object[1 : len(object)-1]
}

func appendUpdates(b []byte, updates []update) []byte {
	b = append(b, '[')
	for i, u := range updates {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"update_id":`...)
		b = strconv.AppendInt(b, int64(u.id), 10)
		b = append(b, ',')
		b = append(b, u.body...)
		b = append(b, '}')
	}
	return append(b, ']')
}
