package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"chapi/bot"
	"chapi/commands"
)

const (
	// livingScope holds, for each chat, the card that is kept current there.
	livingScope = "living"
	// livingMost is how many chats may have one: each costs an edit a minute.
	livingMost = 32
	// pinTime bounds the pinning of a card.
	pinTime = 30 * time.Second
)

// livingCard is a card that is kept current by edits.
type livingCard struct {
	Claim  bot.Claim     `json:"claim"` // who asked for it: rights are looked up at each edit
	Slot   bot.Slot      `json:"slot"`
	Pinned bot.MessageID `json:"pinned,omitempty"` // the message that pinning was tried for
}

// living keeps cards current, one in a chat, across restarts.
type living struct {
	store   bot.Store
	policy  *bot.Policy
	deliver *bot.Deliverer
	status  func(ctx context.Context, p bot.Principal, form commands.Form) (bot.Post, error)
	log     *slog.Logger

	wake   chan struct{}     // capacity 1: "look again"
	posted chan bot.Delivery // cards that reached their chat; has room for livingMost
	mu     sync.Mutex        // held while cards are changed
}

func newLiving(d *daemon, policy *bot.Policy) *living {
	return &living{
		store: d.store, policy: policy, deliver: d.deliver, status: d.Status, log: d.log,
		wake: make(chan struct{}, 1), posted: make(chan bot.Delivery, livingMost),
	}
}

// Minute implements bot.Minutes.
func (l *living) Minute(context.Context, []bot.Sample) { l.look() }

func (l *living) look() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Settled hears of cards that reached their chat. It does not block.
func (l *living) Settled(sent bot.Delivery) {
	if !strings.HasPrefix(string(sent.Slot), livingScope+"/") {
		return
	}
	select {
	case l.posted <- sent:
	default: // its next edit comes in a minute
	}
}

// Run keeps the cards current until ctx ends.
func (l *living) Run(ctx context.Context) error {
	for {
		select {
		case <-l.wake:
			l.refresh(ctx)
		case sent := <-l.posted:
			l.pin(ctx, sent)
		case <-ctx.Done():
			return nil
		}
	}
}

// cards are all of them, by the chat that they are in.
func (l *living) cards(ctx context.Context) (map[string]livingCard, error) {
	texts, err := l.store.Settings(ctx, livingScope)
	if err != nil {
		return nil, err
	}
	cards := map[string]livingCard{}
	for room, text := range texts {
		var c livingCard
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			l.log.Error("read a living card", "room", room, "err", err)
			continue
		}
		cards[room] = c
	}
	return cards, nil
}

func (l *living) keep(ctx context.Context, room string, c livingCard) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("record a living card: %w", err)
	}
	return l.store.Set(ctx, livingScope, room, string(text))
}

// Start puts a card into the call's thread and keeps it current from then on.
// One that the chat has already ends.
func (l *living) Start(ctx context.Context, c bot.Call, p bot.Principal) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	cards, err := l.cards(ctx)
	if err != nil {
		return err
	}
	room := c.Claim.Thread.Room().String()
	old, had := cards[room]
	if !had && len(cards) >= livingMost {
		return bot.Userf("%d chats have a living card already, and that is as many as there may be. /status live off in one of them ends it.", livingMost)
	}
	card := livingCard{Claim: c.Claim, Slot: bot.Slot(livingScope + "/" + bot.NewHandle())}
	if err := l.keep(ctx, room, card); err != nil {
		return err
	}
	if had {
		if err := l.end(ctx, old, "A newer card is below."); err != nil {
			return err
		}
	}
	return l.put(ctx, card, p)
}

// Stop ends the card of the thread's chat, and tells whether there was one.
func (l *living) Stop(ctx context.Context, th bot.Thread) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cards, err := l.cards(ctx)
	if err != nil {
		return false, err
	}
	card, had := cards[th.Room().String()]
	if !had {
		return false, nil
	}
	if err := l.store.Set(ctx, livingScope, th.Room().String(), ""); err != nil {
		return false, err
	}
	return true, l.end(ctx, card, "")
}

// follow keeps the card of a group that gets a new id. Its message stays behind:
// it is posted anew there.
func (l *living) follow(ctx context.Context, m bot.Move) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	cards, err := l.cards(ctx)
	if err != nil {
		return err
	}
	from, to := m.From.Room().String(), m.To.Room().String()
	c, there := cards[from]
	if !there || from == to {
		return nil
	}
	if _, another := cards[to]; !another {
		c.Claim.Thread.Adapter, c.Claim.Thread.Chat, c.Pinned = m.To.Adapter, m.To.Chat, ""
		if err := l.keep(ctx, to, c); err != nil {
			return err
		}
	}
	return l.store.Set(ctx, livingScope, from, "")
}

// end makes the card say that it is not current any more: one that stands still
// and looks as if it lived would be worse than none.
func (l *living) end(ctx context.Context, c livingCard, more string) error {
	text := strings.TrimSpace("This card was kept current until " + time.Now().Format("2 Jan 15:04") + ". " + more)
	return l.say(ctx, bot.Delivery{Thread: c.Claim.Thread, Slot: c.Slot, Post: bot.Plainf("%s", text), Final: true})
}

// put brings the card up to date.
func (l *living) put(ctx context.Context, c livingCard, p bot.Principal) error {
	post, err := l.status(ctx, p, commands.Card)
	if err != nil {
		return err
	}
	post.Silent = true
	return l.say(ctx, bot.Delivery{Thread: c.Claim.Thread, Slot: c.Slot, Post: post})
}

func (l *living) say(ctx context.Context, d bot.Delivery) error {
	if err := l.store.Put(ctx, d); err != nil {
		return fmt.Errorf("put a living card: %w", err)
	}
	l.deliver.Due(d)
	return nil
}

// refresh brings all cards up to date. Where the one who asked may not see it
// any more nothing more is said.
func (l *living) refresh(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	cards, err := l.cards(ctx)
	for room, c := range cards {
		p, refused := l.deliver.Standing(ctx, l.policy, c.Claim)
		if refused != nil {
			l.log.Info("living card ends", "room", room, "why", refused)
			err = errors.Join(err, l.store.Set(ctx, livingScope, room, ""))
			continue
		}
		err = errors.Join(err, l.put(ctx, c, p))
	}
	if err != nil && ctx.Err() == nil {
		l.log.Error("bring living cards up to date", "err", err)
	}
}

// pin keeps a card that was posted in sight, where the network lets us. It is
// tried once for each message.
func (l *living) pin(ctx context.Context, sent bot.Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := sent.Thread.Room().String()
	cards, err := l.cards(ctx)
	c, there := cards[room]
	if err != nil || !there || c.Slot != sent.Slot || c.Pinned == sent.Target {
		return
	}
	c.Pinned = sent.Target
	if err := l.keep(ctx, room, c); err != nil {
		l.log.Error("record a pinned card", "err", err)
		return
	}
	pinner, can := l.deliver.Adapter(sent.Thread.Adapter).(bot.Pinner)
	if !can {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pinTime)
	defer cancel()
	if err := pinner.Pin(ctx, sent.Thread, sent.Target); err != nil {
		l.log.Info("living card not pinned", "room", room, "err", err)
	}
}
