package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	tg "github.com/go-telegram/bot"

	"chapi/bot"
)

// allowedUpdates is what the bot wants to be told. It goes with every poll:
// the server remembers the last list that any program sent.
const allowedUpdates = `["message","callback_query","my_chat_member"]`

// stretched is how long the server holds a shorter poll that repeats the
// offset of the last one, as a brake on loops that run wild.
const stretched = 3 * time.Second

// acceptTime bounds one Inbox.Accept, also when the adapter is being stopped:
// an accepted batch must be known as such.
const acceptTime = 30 * time.Second

// Run implements bot.Adapter. It never gives up: a refused token, a conflict
// and a lost network are told by Health and tried again.
//
// An update is confirmed to the server only by a later poll with a higher
// offset, so the offset moves only after Inbox.Accept has returned.
func (a *Adapter) Run(ctx context.Context, in bot.Inbox) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return fmt.Errorf("telegram: %w", err)
	}
	defer unlock()
	defer a.client.closeIdle()
	defer a.standing.set(true, "stopped")

	// Presses that were accepted last still get their answer, for a moment.
	answering, stopAnswering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopAnswering()
	var helpers sync.WaitGroup
	for range answerers {
		helpers.Go(func() { a.answerPresses(ctx, answering) })
	}
	helpers.Go(func() { a.introduce(ctx) })
	a.receive(ctx, in)
	grace := time.AfterFunc(answerGrace, stopAnswering)
	defer grace.Stop()
	helpers.Wait()
	return nil
}

// cursor is the place in the queue of one bot account. The account is part of
// it, because another account's offset would confirm messages unseen.
type cursor struct {
	botID  int64
	offset int64 // the next update's id; 0 = from the oldest that is there
}

func (c cursor) String() string { return fmt.Sprintf("%d/%d", c.botID, c.offset) }

func parseCursor(s string) (c cursor, ok bool) {
	id, offset, ok := strings.Cut(s, "/")
	botID, errID := strconv.ParseInt(id, 10, 64)
	n, errOffset := strconv.ParseInt(offset, 10, 64)
	if !ok || errID != nil || errOffset != nil || n < 0 {
		return cursor{}, false
	}
	return cursor{botID: botID, offset: n}, true
}

// startingPlace reads where an earlier run stopped. ok is false when ctx ended
// first.
func (a *Adapter) startingPlace(ctx context.Context, in bot.Inbox, wait *backoff) (at cursor, ok bool) {
	for {
		text, err := in.Cursor(ctx, Name)
		if err == nil {
			at, known := parseCursor(text)
			if !known || at.botID != a.botID {
				at = cursor{botID: a.botID}
			}
			return at, true
		}
		if a.standing.set(false, "cannot read where it stopped: "+err.Error()) {
			a.log.Error("read cursor", "err", err)
		}
		if !sleep(ctx, wait.next()) {
			return cursor{}, false
		}
	}
}

// receive polls until ctx ends.
func (a *Adapter) receive(ctx context.Context, in bot.Inbox) {
	t := &troubles{a: a, network: a.backoff(), inbox: a.backoff()}
	at, ok := a.startingPlace(ctx, in, &t.inbox)
	if !ok {
		return
	}
	hold := a.timing.Poll
	for ctx.Err() == nil {
		accepted := a.receipts.accepted()
		polled, err := a.pollOnce(ctx, at.offset, hold)
		hold = a.timing.Poll
		if err == nil {
			if at.offset != 0 {
				a.receipts.confirm(accepted)
			}
			t.reached()
			a.compareClocks(polled.date)
			var taken bool
			if at, taken, err = a.take(ctx, in, at, polled); taken {
				// Its answer proves that the server will not repeat the batch.
				hold = 0
			}
		}
		if err != nil && ctx.Err() == nil {
			sleep(ctx, t.after(ctx, err))
		}
	}
}

// maxSkew is how wrong this machine's clock may be without a word.
const maxSkew = time.Minute

// compareClocks warns, once, when this machine's clock is wrong. Nothing here
// depends on it, but times in logs and the trust in certificates do.
func (a *Adapter) compareClocks(server time.Time) {
	if server.IsZero() || a.skewTold {
		return
	}
	if skew := time.Since(server).Round(time.Second); skew.Abs() > maxSkew {
		a.skewTold = true
		a.log.Warn("this machine's clock differs from telegram's", "ahead_by", skew)
	}
}

// pollOnce asks for updates from offset on. It returns at once when there are
// some, and else when hold has passed.
func (a *Adapter) pollOnce(ctx context.Context, offset int64, hold time.Duration) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, max(hold, stretched)+a.timing.PollSlack)
	defer cancel()
	form := url.Values{
		"limit":           {"100"},
		"timeout":         {strconv.Itoa(int(hold / time.Second))},
		"allowed_updates": {allowedUpdates},
	}
	if offset != 0 {
		form.Set("offset", strconv.FormatInt(offset, 10))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.client.methodURL("getUpdates"), strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, &callError{Method: "getUpdates", Err: a.client.clean(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.client.exchange(a.client.poll, req, maxPolled)
}

// inboxError is a batch that could not be recorded, or not yet be understood.
type inboxError struct{ err error }

func (e *inboxError) Error() string { return "accept batch: " + e.err.Error() }
func (e *inboxError) Unwrap() error { return e.err }

// take hands what was polled to the inbox and returns the next place, which is
// the old one if anything went wrong. taken is true when a message made a call.
func (a *Adapter) take(ctx context.Context, in bot.Inbox, at cursor, polled reply) (next cursor, taken bool, err error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(polled.result, &raw); err != nil {
		return at, false, &callError{Method: "getUpdates", Status: http.StatusOK, Text: "result is not a list", Begun: true}
	}
	if len(raw) == 0 {
		return at, false, nil
	}
	now := polled.date
	if now.IsZero() {
		now = time.Now()
	}
	got := a.readAll(raw, now)
	if got.needsName {
		if err := a.waitForName(ctx); err != nil {
			return at, false, &inboxError{err}
		}
		got = a.readAll(raw, now)
	}
	if got.last == 0 {
		return at, false, &callError{Method: "getUpdates", Status: http.StatusOK, Text: "updates without a number", Begun: true}
	}
	if got.bad > 0 {
		a.log.Warn("updates that cannot be read were skipped", "count", got.bad)
	}
	for _, s := range got.sightings {
		a.places.see(s)
	}
	for _, s := range got.standings {
		a.log.Info("the bot's standing in a chat has changed", "chat", s.chat, "status", s.status)
	}
	next = cursor{botID: a.botID, offset: got.last + 1} // assigned: numbers may start anew, lower
	batch := bot.Batch{Adapter: Name, Cursor: next.String(), Messages: got.messages, Moves: got.moves}
	acceptCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTime)
	defer cancel()
	acks, err := in.Accept(acceptCtx, batch)
	if err != nil {
		return at, false, &inboxError{err}
	}
	if len(acks) != len(batch.Messages) {
		a.log.Error("inbox acknowledged another number of messages", "messages", len(batch.Messages), "acks", len(acks))
		acks = append(acks, make([]bot.Ack, len(batch.Messages))...)[:len(batch.Messages)]
	}
	var keys []string
	for i, m := range batch.Messages {
		if acks[i].Taken {
			keys = append(keys, m.Key)
		}
		if id := got.presses[i]; id != "" {
			a.answer(id, acks[i].Notice)
		}
	}
	a.receipts.accept(keys)
	return next, len(keys) > 0, nil
}

// waitForName waits until the bot knows its own name, without which
// "/run@name" cannot be told from a command to another bot.
func (a *Adapter) waitForName(ctx context.Context) error {
	wait := time.NewTimer(a.timing.Named)
	defer wait.Stop()
	select {
	case <-a.named:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return errors.New("the bot's own name is not known yet")
	}
}

// troubles decides what a failed poll means and how long to wait after it.
type troubles struct {
	a              *Adapter
	network, inbox backoff
	// inboxBad is true while batches cannot be recorded.
	inboxBad bool
	// conflict is the time of the last one; open is true while they go on.
	conflict time.Time
	open     bool
	// hook is the time at which a webhook was removed last.
	hook time.Time
}

const conflictState = "another program is using this bot's token: stop it, or make a new token with @BotFather"

// reached notes a good answer to a poll.
func (t *troubles) reached() {
	t.network.reset()
	if t.open && time.Since(t.conflict) >= t.a.timing.Settled {
		t.open = false
	}
	switch {
	case t.open:
		t.a.standing.reached(false, conflictState)
	case t.inboxBad: // stays as it is until a batch is recorded
	default:
		t.inbox.reset()
		if t.a.standing.reached(true, "connected") {
			t.a.log.Info("connected")
		}
	}
	t.inboxBad = false
}

// after tells what went wrong and returns how long to wait.
func (t *troubles) after(ctx context.Context, err error) time.Duration {
	var ie *inboxError
	var ce *callError
	switch {
	case errors.As(err, &ie):
		t.inboxBad = true
		if t.a.standing.set(false, "cannot record messages: "+t.a.client.redact.Replace(ie.err.Error())) {
			t.a.log.Error("accept batch", "err", ie.err)
		}
		return t.inbox.next()
	case !errors.As(err, &ce):
		return t.network.next()
	case ce.Code == http.StatusConflict:
		return t.afterConflict(ctx, ce)
	case ce.Code == http.StatusTooManyRequests:
		t.say(true, fmt.Sprintf("asked by telegram to wait %v", ce.RetryAfter), ce)
		return ce.RetryAfter
	case ce.Code == http.StatusUnauthorized, ce.Code == http.StatusNotFound, ce.Code == http.StatusMisdirectedRequest, ce.says("logged out"):
		t.say(false, fmt.Sprintf("token refused (%d %s): check it with @BotFather, then put the right one in and restart", ce.Code, ce.Text), ce)
		return t.a.timing.Refused
	case ce.Code >= 400 && ce.Code < 500:
		t.say(false, fmt.Sprintf("telegram refuses to be polled: %d %s", ce.Code, ce.Text), ce)
		return t.network.next()
	default:
		// What is idle may be dead too, and posts would wait for it in vain.
		t.a.client.closeIdle()
		if t.a.standing.lost(outageOf(ce)) {
			t.a.log.Warn("lost contact", "err", ce)
		}
		return t.network.next()
	}
}

// afterConflict handles 409. The server ends the older of two polls, so one
// of ours that is ended means that somebody polled after us; never a ghost of
// ours. Once may be a person's test. Again means a second program, and then
// both may be given the same messages.
func (t *troubles) afterConflict(ctx context.Context, ce *callError) time.Duration {
	if ce.says("webhook") {
		return t.afterWebhook(ctx, ce)
	}
	repeated := !t.conflict.IsZero() && time.Since(t.conflict) < 2*time.Minute
	t.conflict = time.Now()
	if !repeated && !t.open {
		t.a.log.Warn("another program polled with this bot's token", "err", ce)
		return t.a.timing.Conflict
	}
	t.open = true
	t.say(false, conflictState, ce)
	return t.a.timing.Conflicted
}

// afterWebhook handles a webhook that another program has set.
func (t *troubles) afterWebhook(ctx context.Context, ce *callError) time.Duration {
	if !t.a.cfg.DropWebhook || time.Since(t.hook) < t.a.timing.Conflicted {
		t.say(false, "a webhook is set for this bot, so it cannot be polled: stop the program that set it and let me remove it (telegram.allow_delete_webhook), or give me a bot of my own", ce)
		return t.a.timing.Conflicted
	}
	t.hook = time.Now()
	_, _, err := call(ctx, func(ctx context.Context) (bool, error) {
		return t.a.api.DeleteWebhook(ctx, &tg.DeleteWebhookParams{})
	})
	if err != nil {
		t.a.log.Warn("remove webhook", "err", err)
		return t.network.next()
	}
	t.a.log.Warn("removed the webhook that another program had set")
	return 0
}

func (t *troubles) say(ok bool, state string, err error) {
	if t.a.standing.set(ok, state) {
		t.a.log.Warn("polling is disturbed", "state", state, "err", err)
	}
}

// backoff is a pause that doubles, give or take a fifth, so that many devices
// do not come back in step.
type backoff struct {
	min, max time.Duration
	last     time.Duration
}

func (a *Adapter) backoff() backoff {
	return backoff{min: a.timing.RetryMin, max: a.timing.RetryMax}
}

func (b *backoff) reset() { b.last = 0 }

func (b *backoff) next() time.Duration {
	b.last = max(b.min, min(b.last*2, b.max))
	return time.Duration(float64(b.last) * (0.8 + 0.4*rand.Float64()))
}

// sleep waits and returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
