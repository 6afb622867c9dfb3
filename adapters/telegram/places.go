package telegram

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"chapi/bot"
)

const (
	maxPlaces = 1024 // boxes, and chats, that are remembered
	maxRecent = 256  // ids remembered in a box
)

// sighting is a message that was seen in a chat.
type sighting struct {
	chat, message int64
	forum         bool
	// chatKnown is false when the network did not describe the chat.
	chatKnown bool
}

// places remembers what passed by: which chats are forums, and which message
// ids are taken. It forgets when the process ends, but is reminded of the newest; and
// nothing depends on it but the quality of guesses.
type places struct {
	mu     sync.Mutex
	boxes  map[int64]*box
	forums map[int64]bool
	probes map[probe]int64
}

// box is a counter of message ids. Ids are consecutive in it, so a gap is a
// message that was not seen.
type box struct {
	newest int64
	recent [maxRecent]int64 // ring of ids known to be no lost post of ours
	next   int
}

// boxOf is the box of a chat: all private chats and basic groups of a bot
// share one, a supergroup has its own (core.telegram.org/api/updates).
func boxOf(chat int64) int64 {
	if isSupergroup(chat) {
		return chat
	}
	return 0
}

// see notes a message.
func (p *places) see(s sighting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.chatKnown {
		if p.forums == nil {
			p.forums = make(map[int64]bool)
		}
		put(p.forums, s.chat, s.forum)
	}
	if s.message <= 0 {
		return
	}
	b := p.box(s.chat)
	b.newest = max(b.newest, s.message)
	b.recent[b.next] = s.message
	b.next = (b.next + 1) % maxRecent
}

// box is the box of a chat, made if need be. The caller holds the lock.
func (p *places) box(chat int64) *box {
	if p.boxes == nil {
		p.boxes = make(map[int64]*box)
	}
	b := p.boxes[boxOf(chat)]
	if b == nil {
		b = &box{}
		put(p.boxes, boxOf(chat), b)
	}
	return b
}

// remember notes that there was a message. It may be the post that is looked
// for: a person can press its button before it is known to be there.
func (p *places) remember(chat, message int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.box(chat)
	b.newest = max(b.newest, message)
}

// put stores a value and forgets some other one when there are too many.
func put[K comparable, V any](m map[K]V, key K, value V) {
	if _, known := m[key]; !known && len(m) >= maxPlaces {
		for other := range m {
			delete(m, other)
			break
		}
	}
	m[key] = value
}

// forum tells whether a chat has topics; known is false when nobody said.
func (p *places) forum(chat int64) (forum, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	forum, known = p.forums[chat]
	return forum, known
}

// newest is the newest message id in the chat's box, 0 if none was seen.
func (p *places) newest(chat int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.boxes[boxOf(chat)]; b != nil {
		return b.newest
	}
	return 0
}

// taken tells whether a message id is known to be no lost post.
func (p *places) taken(chat, message int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.boxes[boxOf(chat)]
	if b == nil {
		return false
	}
	for _, id := range b.recent {
		if id == message {
			return true
		}
	}
	return false
}

// probe is a search for a lost post: behind which marks.
type probe struct {
	chat  int64
	marks string
}

// resume is the id at which a search goes on that was broken off; 0 when none
// was.
func (p *places) resume(pr probe) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probes[pr]
}

// breakOff notes where a search is to go on; 0 when it is over.
func (p *places) breakOff(pr probe, at int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at == 0 {
		delete(p.probes, pr)
		return
	}
	if p.probes == nil {
		p.probes = make(map[probe]int64)
	}
	put(p.probes, pr, at)
}

// mostMarks is how many attempts at one post are remembered: the first, and the
// newest. Those between them were looked for by the newer ones.
const mostMarks = 4

// Mark implements bot.Marker: the newest message id in the box of the thread's
// chat at each attempt, in decimal, oldest first, with commas between; empty
// when none was seen yet.
func (a *Adapter) Mark(th bot.Thread, before string) string {
	chat, _, err := place(th)
	if err != nil {
		return before
	}
	marks := parseMarks(before)
	if n := a.places.newest(chat); n > 0 && !slices.Contains(marks, n) {
		marks = append(marks, n)
	}
	if len(marks) > mostMarks {
		marks = slices.Delete(marks, 1, 2)
	}
	words := make([]string, len(marks))
	for i, n := range marks {
		words[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(words, ",")
}

// parseMarks reads what Mark made.
func parseMarks(s string) []int64 {
	var marks []int64
	for word := range strings.SplitSeq(s, ",") {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil && n > 0 {
			marks = append(marks, n)
		}
	}
	return marks
}

// Remember implements bot.Rememberer.
func (a *Adapter) Remember(th bot.Thread, m bot.MessageID) {
	chat, _, err := place(th)
	id, bad := messageID(m)
	if err == nil && bad == nil {
		a.places.remember(chat, int64(id))
	}
}
