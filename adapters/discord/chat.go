package discord

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

// throttle keeps typing rare: one that is late is worthless. Its zero value is
// ready.
type throttle struct {
	mu   sync.Mutex
	next map[bot.Thread]time.Time
}

// typingEvery is the least time between two in a thread; the app shows one for
// 10 s.
const typingEvery = 8 * time.Second

// pass tells whether it may be shown now, and counts it.
func (t *throttle) pass(th bot.Thread) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.next[th]) {
		return false
	}
	if t.next == nil {
		t.next = make(map[bot.Thread]time.Time)
	}
	put(t.next, th, now.Add(typingEvery))
	return true
}

// Typing implements bot.Typer. More often than every 8 s in a thread it does
// nothing.
func (a *Adapter) Typing(ctx context.Context, th bot.Thread) error {
	if _, _, err := parsePlace(th); err != nil {
		return fmt.Errorf("discord: typing: %w", err)
	}
	if !a.typing.pass(th) {
		return nil
	}
	channel, err := a.address(ctx, th)
	if err == nil {
		err = a.client.call(ctx, request{method: "POST", route: "channels/{}/typing", ids: []string{channel.String()}}, nil)
	}
	if err != nil {
		return fmt.Errorf("discord: %w", err)
	}
	return nil
}

const (
	maxThreadName = 100
	// archiveAfter is when a thread in which nothing is said is put away, in
	// minutes. The next message brings it back.
	archiveAfter = 1440
)

// threadKinds are the threads that channels take.
var threadKinds = map[discordgo.ChannelType]discordgo.ChannelType{
	discordgo.ChannelTypeGuildText: discordgo.ChannelTypeGuildPublicThread,
	discordgo.ChannelTypeGuildNews: discordgo.ChannelTypeGuildNewsThread,
}

// newThread is the body of a new thread.
type newThread struct {
	Name    string `json:"name"`
	Type    int    `json:"type,omitempty"` // for one without a message, which else would be private
	Archive int    `json:"auto_archive_duration"`
}

// codeHasThread: the message has a thread, which is named as the message is
// (docs.discord.com/developers/topics/threads).
const codeHasThread = 160004

// OpenThread implements bot.ThreadOpener: a public thread in a text channel, at
// the message if there is one. In a forum the post that the command was written
// in is the session's place already.
func (a *Adapter) OpenThread(ctx context.Context, room bot.Thread, title string, message bot.MessageID) (bot.Thread, error) {
	s := &sending{thread: room}
	user, id, err := parsePlace(room)
	if err != nil {
		return bot.Thread{}, refused(bot.ChatGone, err)
	}
	if user != 0 || room.Topic != "" {
		return bot.Thread{}, refused(bot.Other, fmt.Errorf("there are no threads in %s", room))
	}
	at, err := a.lookUp(ctx, id)
	if err != nil {
		return bot.Thread{}, a.sendError(s, err)
	}
	kind, ok := threadKinds[at.kind]
	if !ok {
		return bot.Thread{}, refused(bot.Other, fmt.Errorf("channel %s takes no threads of ours", at.id))
	}
	name := cmp.Or(cut(oneLine(title), maxThreadName), "session")
	s.channel = id
	var made channel
	from, _ := parseSnowflake(string(message))
	r := request{method: "POST", route: "channels/{}/messages/{}/threads", ids: []string{id.String(), from.String()}, body: newThread{Name: name, Archive: archiveAfter}}
	if from == 0 {
		r = request{method: "POST", route: "channels/{}/threads", ids: []string{id.String()}, body: newThread{name, int(kind), archiveAfter}}
	}
	err = a.client.call(ctx, r, &made)
	var ce *callError
	if from != 0 && errors.As(err, &ce) && ce.uncertain() && sleep(ctx, a.timing.Repost) {
		// A message has one thread at most, so this can be asked for again.
		err = a.client.call(ctx, r, &made)
	}
	th := made.place(at.guild)
	switch {
	case hasCode(err, codeHasThread):
		th = place{id: from, guild: at.guild, kind: kind, name: name}
	case err != nil:
		return bot.Thread{}, a.sendError(s, err)
	case th.id == 0 || !th.isThread():
		err := &callError{Route: r.String(), Status: http.StatusOK, Begun: true, Err: errors.New("answer without a thread")}
		return bot.Thread{}, &bot.SendError{Outcome: bot.Unknown, Err: err}
	}
	th.parent = id
	a.places.see(th)
	return th.thread(), nil
}
