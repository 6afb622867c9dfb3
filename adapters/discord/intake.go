package discord

import (
	"maps"
	"slices"
	"sync"
	"time"

	"chapi/bot"
)

const (
	// maxLane is how many messages of one channel wait to be recorded, and
	// maxQueued of all. What is beyond is dropped here and fetched again from
	// the channel's history.
	maxLane   = 256
	maxQueued = 4096
	// maxBatch is how many messages are recorded in one go.
	maxBatch = 100
	// maxRecent is how many recorded messages are known by id, so that what the
	// gateway tells twice is not offered twice.
	maxRecent = 4096
)

// item is one message or interaction on its way to the core.
type item struct {
	id      snowflake
	channel snowflake
	// read makes the message of it, once its channel is known. ok is false
	// when there is nothing in it for the bot. later means to ask again.
	read func(at place) (m bot.Message, ok, later bool)
	// call is the interaction behind it; nil for a message, and for an
	// interaction that an earlier run has left.
	call *interactionCall
	// moves is true for messages: they move the cursor.
	moves bool
}

// lane is what waits in one channel, in order.
type lane struct {
	items []*item
	// held lanes wait: for what was missed before, or to know where they are.
	held bool
	// missed is true when some messages are yet to be fetched from the history.
	missed bool
	// round counts the reasons to wait: what was begun for an earlier one does
	// not let the lane go on.
	round int
}

// job is a channel to be looked up and, with history, caught up with from a
// message on.
type job struct {
	channel snowflake
	history bool
	from    snowflake
	round   int
}

// intake is between the gateway, whose reader must never wait, and the core,
// which records at its own pace. Its methods do not block.
type intake struct {
	mu     sync.Mutex
	lanes  map[snowflake]*lane
	queued int
	cursor cursor
	kept   cursor               // as it was recorded last
	recent [maxRecent]snowflake // ring
	seen   map[snowflake]bool   // what is in recent
	next   int
	// jobs are the channels that have to be looked up or caught up with.
	jobs []snowflake
	busy map[snowflake]bool // jobs that are being done

	wake chan struct{} // capacity 1: the receiver should look
	work chan struct{} // capacity 1: there is a job
}

func newIntake() *intake {
	return &intake{
		lanes:  make(map[snowflake]*lane),
		cursor: newCursor(0),
		seen:   make(map[snowflake]bool),
		busy:   make(map[snowflake]bool),
		wake:   make(chan struct{}, 1),
		work:   make(chan struct{}, 1),
	}
}

// begin takes the place where an earlier run stopped.
func (in *intake) begin(c cursor) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.cursor, in.kept = c, c.clone()
}

// fresh tells whether the cursor knows of other conversations or interactions
// than were recorded.
func (in *intake) fresh() bool {
	unknown := func(channel snowflake) bool { return !in.kept.tracks(channel) }
	return len(in.cursor.at) != len(in.kept.at) || slices.ContainsFunc(in.cursor.order, unknown) || !maps.Equal(in.cursor.asked, in.kept.asked)
}

func (in *intake) wakeUp() { signal(in.wake) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// full tells whether a new interaction would find no room in a channel.
func (in *intake) full(channel snowflake) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lanes[channel]
	return in.queued >= maxQueued || l != nil && len(l.items) >= maxLane
}

// add queues what the gateway told, and returns false when it has been told
// before. known is whether its channel is. What does not fit is left to the
// history.
func (in *intake) add(it *item, known bool) (fresh bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.seen[it.id] {
		return false
	}
	l := in.lane(it.channel)
	if l.has(it.id) {
		return false
	}
	if it.moves && (in.queued >= maxQueued || len(l.items) >= maxLane) {
		l.missed = true // a job is made when there is room again
		return true
	}
	l.items = append(l.items, it)
	in.queued++
	if it.call != nil {
		in.cursor.asked[it.id] = it.call.note
	}
	if !known && !l.held {
		in.hold(it.channel, l)
	}
	signal(in.wake)
	return true
}

func (in *intake) lane(channel snowflake) *lane {
	l := in.lanes[channel]
	if l == nil {
		l = &lane{}
		in.lanes[channel] = l
	}
	return l
}

func (l *lane) has(id snowflake) bool {
	return slices.ContainsFunc(l.items, func(it *item) bool { return it.id == id })
}

// hold makes a lane wait until its channel has been looked at.
func (in *intake) hold(channel snowflake, l *lane) {
	l.held = true
	l.round++
	if !slices.Contains(in.jobs, channel) {
		in.jobs = append(in.jobs, channel)
	}
	signal(in.work)
}

// remove takes back a message that was deleted before it was recorded.
func (in *intake) remove(channel, id snowflake) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if l := in.lanes[channel]; l != nil {
		n := len(l.items)
		l.items = slices.DeleteFunc(l.items, func(it *item) bool { return it.id == id && it.moves })
		in.queued -= n - len(l.items)
	}
}

// catchUp holds every conversation until its history has been looked at: some
// messages may not have been told.
func (in *intake) catchUp() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, channel := range slices.Backward(in.cursor.order) {
		l := in.lane(channel)
		l.missed = true
		in.hold(channel, l)
	}
}

// attend makes a channel a conversation that is caught up with, from a message
// on, and at once.
func (in *intake) attend(channel, from snowflake) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.cursor.tracks(channel) {
		return
	}
	in.cursor.advance(channel, from)
	l := in.lane(channel)
	l.missed = true
	in.hold(channel, l)
	signal(in.wake)
}

// nextJob is something to do for a worker, who tells finish of it; ok is false
// when there is nothing. A channel has one worker at a time.
func (in *intake) nextJob() (j job, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	i := slices.IndexFunc(in.jobs, func(c snowflake) bool { return !in.busy[c] })
	if i < 0 {
		return job{}, false
	}
	j.channel = in.jobs[i]
	in.jobs = slices.Delete(in.jobs, i, i+1)
	in.busy[j.channel] = true
	if len(in.jobs) > 0 {
		signal(in.work)
	}
	l := in.lane(j.channel)
	j.history, j.from, j.round = l.missed && in.cursor.tracks(j.channel), in.cursor.at[j.channel], l.round
	return j, true
}

// finish puts what was missed, in its order, in front of what came meanwhile
// and lets the channel go on.
func (in *intake) finish(j job, missed []*item) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.busy, j.channel)
	if len(in.jobs) > 0 {
		signal(in.work)
	}
	l := in.lane(j.channel)
	if len(missed) > 0 {
		live := l.items
		l.items = nil
		for _, it := range missed {
			// What came meanwhile may be in the history too.
			if !in.seen[it.id] && !l.has(it.id) {
				l.items = append(l.items, it)
			}
		}
		for _, it := range live {
			if !l.has(it.id) {
				l.items = append(l.items, it)
			}
		}
		in.queued += len(l.items) - len(live)
	}
	if l.round == j.round {
		l.held, l.missed = false, l.missed && !j.history
	}
	in.tidy(j.channel, l)
	signal(in.wake)
}

// gone forgets a channel that does not exist any more, or not for us.
func (in *intake) gone(channel snowflake) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if l := in.lanes[channel]; l != nil {
		for _, it := range l.items {
			delete(in.cursor.asked, it.id)
		}
		in.queued -= len(l.items)
		delete(in.lanes, channel)
	}
	in.cursor.drop(channel)
	signal(in.wake)
}

// ready gives the items that may be recorded now, in order within each
// channel: until a channel's first that has to wait. at finds channels.
func (in *intake) ready(at func(snowflake) (place, bool)) (items []*item, messages []bot.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for channel, l := range in.lanes {
		if l.held {
			continue
		}
		where, known := at(channel)
		if !known && len(l.items) > 0 {
			in.hold(channel, l) // it was known, and has been forgotten
			continue
		}
		for i := 0; i < len(l.items) && len(items) < maxBatch; {
			it := l.items[i]
			if it.call != nil && !it.call.settled() {
				break
			}
			m, ok, later := it.read(where)
			if later {
				break
			}
			if !ok || it.call != nil && !it.call.alive() {
				l.items = slices.Delete(l.items, i, i+1)
				in.queued--
				in.pass(it)
				continue
			}
			items, messages = append(items, it), append(messages, m)
			i++
		}
		in.tidy(channel, l)
	}
	return items, messages
}

// pass notes an item that is over and done with.
func (in *intake) pass(it *item) {
	delete(in.seen, in.recent[in.next])
	in.recent[in.next] = it.id
	in.seen[it.id] = true
	in.next = (in.next + 1) % maxRecent
	delete(in.cursor.asked, it.id)
	if it.moves && in.cursor.tracks(it.channel) {
		in.cursor.at[it.channel] = max(in.cursor.at[it.channel], it.id)
	}
}

// tidy forgets an empty lane, or sends for what did not fit into it.
func (in *intake) tidy(channel snowflake, l *lane) {
	switch {
	case l.held || len(l.items) > 0:
	case l.missed && in.cursor.tracks(channel):
		in.hold(channel, l)
	default:
		delete(in.lanes, channel)
	}
}

// ahead is the cursor as it will be when the items are recorded. needed is
// whether it has to be recorded with them.
func (in *intake) ahead(items []*item, messages []bot.Message) (c cursor, needed bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	c, needed = in.cursor.clone(), in.fresh()
	for i, it := range items {
		if _, noted := c.asked[it.id]; noted {
			delete(c.asked, it.id)
			needed = true
		}
		if it.moves && c.tracks(it.channel) {
			c.advance(it.channel, it.id)
			needed = needed || messages[i].Origin == bot.Original
		}
	}
	return c, needed
}

// recorded removes items that the core has accepted. Channels in which it took
// one are conversations from now on.
func (in *intake) recorded(items []*item, acks []bot.Ack, c cursor, kept bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if kept {
		in.merge(c)
	}
	for i, it := range items {
		l := in.lane(it.channel)
		// By id: the history may have put another copy in its place.
		n := len(l.items)
		l.items = slices.DeleteFunc(l.items, func(queued *item) bool { return queued.id == it.id })
		in.queued -= n - len(l.items)
		in.pass(it)
		if acks[i].Taken && !in.cursor.tracks(it.channel) {
			in.cursor.advance(it.channel, max(it.id, in.cursor.at[it.channel]))
			signal(in.wake)
		}
		in.tidy(it.channel, l)
	}
}

// merge takes a recorded cursor over, but nothing that was tracked or dropped
// meanwhile. Interactions that it has for the first time may be acknowledged.
func (in *intake) merge(c cursor) {
	for id, one := range c.asked {
		if _, before := in.kept.asked[id]; !before {
			close(one.noted)
		}
	}
	in.kept = c
	for _, channel := range c.order {
		if in.cursor.tracks(channel) {
			in.cursor.advance(channel, c.at[channel])
		}
	}
}

// waiting is how many items wait, for Health and for tests.
func (in *intake) waiting() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.queued
}

// patienceForMenu is how long a slash command waits for the declarations.
const patienceForMenu = 10 * time.Second
