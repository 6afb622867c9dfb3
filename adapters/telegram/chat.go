package telegram

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"chapi/bot"
)

// generalTopic is the topic that everything outside the named topics of a
// forum belongs to. Only chat actions may, and must, name it.
const generalTopic = 1

// throttle keeps chat actions rare: they have a small budget of their own, and
// one that is late is worthless.
type throttle struct {
	mu   sync.Mutex
	next map[int64]time.Time // by chat
}

// actionEvery is the least time between two actions in a chat; the app shows
// one for 5 s.
const actionEvery = 3 * time.Second

// pass tells whether an action may be sent now, and counts it.
func (t *throttle) pass(chat int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.next[chat]) {
		return false
	}
	if t.next == nil {
		t.next = make(map[int64]time.Time)
	}
	put(t.next, chat, now.Add(actionEvery))
	return true
}

// rest forbids actions in a chat for a time.
func (t *throttle) rest(chat int64, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	put(t.next, chat, time.Now().Add(d))
}

// Typing implements bot.Typer. More often than every 3 s in a chat it does
// nothing.
func (a *Adapter) Typing(ctx context.Context, th bot.Thread) error {
	chat, topic, err := place(th)
	if err != nil {
		return fmt.Errorf("telegram: typing: %w", err)
	}
	if !a.typing.pass(chat) {
		return nil
	}
	if forum, _ := a.places.forum(chat); forum && topic == 0 && !isPrivate(chat) {
		topic = generalTopic
	}
	_, _, err = call(ctx, func(ctx context.Context) (bool, error) {
		return a.api.SendChatAction(ctx, &tg.SendChatActionParams{ChatID: chat, MessageThreadID: topic, Action: models.ChatActionTyping})
	})
	var ce *callError
	if errors.As(err, &ce) && ce.RetryAfter > 0 {
		a.typing.rest(chat, ce.RetryAfter)
		return nil
	}
	if err != nil {
		return fmt.Errorf("telegram: %w", err)
	}
	return nil
}

// maxTopicName is the length of a topic's name in characters.
const maxTopicName = 128

// OpenThread implements bot.ThreadOpener: a topic in a forum, or in a private
// chat if the bot has topics there.
func (a *Adapter) OpenThread(ctx context.Context, room bot.Thread, title string, _ bot.MessageID) (bot.Thread, error) {
	chat, _, err := place(room)
	if err != nil {
		return bot.Thread{}, refused(bot.ChatGone, err)
	}
	if !a.hasTopics(chat) {
		return bot.Thread{}, refused(bot.Other, fmt.Errorf("chat %d has no topics", chat))
	}
	name := compose([]bot.Span{{Text: title}}).text
	if name == "" {
		name = "session"
	}
	topic, id, err := call(ctx, func(ctx context.Context) (*models.ForumTopic, error) {
		return a.api.CreateForumTopic(ctx, &tg.CreateForumTopicParams{ChatID: chat, Name: cut(name, maxTopicName)})
	})
	if err != nil {
		return bot.Thread{}, sendError(err)
	}
	if topic == nil || topic.MessageThreadID <= 0 {
		return bot.Thread{}, &bot.SendError{Outcome: bot.Unknown, Err: errors.New("createForumTopic: answer without a topic")}
	}
	a.places.see(sighting{chat: chat, message: max(id, int64(topic.MessageThreadID))})
	return thread(chat, int64(topic.MessageThreadID)), nil
}

// hasTopics is false where a topic is out of the question.
func (a *Adapter) hasTopics(chat int64) bool {
	switch {
	case isPrivate(chat):
		me := a.me.Load()
		return me != nil && me.topics
	case !isSupergroup(chat):
		return false
	default:
		forum, known := a.places.forum(chat)
		return forum || !known
	}
}
