package telegram

import (
	"context"
	"net/url"

	"github.com/go-telegram/bot/models"
)

// identity is what the server says of the bot.
type identity struct {
	username string
	topics   bool // private chats may have topics
}

// introduce asks the server who the bot is, until it answers, and writes to
// the log what a person setting up the bot wants to know. Polling does not
// wait for it.
func (a *Adapter) introduce(ctx context.Context) {
	wait := a.backoff()
	for {
		me, _, err := call(ctx, a.api.GetMe)
		if err == nil && me != nil && me.ID != 0 {
			a.know(me)
			break
		}
		a.log.Debug("ask who the bot is", "err", err)
		if !sleep(ctx, wait.next()) {
			return
		}
	}
	hook, _, err := call(ctx, a.api.GetWebhookInfo)
	if err != nil || hook == nil {
		return // polling tells the same, and more
	}
	if hook.URL != "" {
		a.log.Warn("a webhook is set for this bot: polling is refused while it is", "host", hostOf(hook.URL))
	}
	if hook.PendingUpdateCount > 0 {
		a.log.Info("messages are waiting", "count", hook.PendingUpdateCount)
	}
}

// know takes note of who the bot is.
func (a *Adapter) know(me *models.User) {
	if me.ID != a.botID {
		a.log.Error("the server gives another id than the token", "id", me.ID)
	}
	first := a.me.Swap(&identity{username: me.Username, topics: me.HasTopicsEnabled}) == nil
	if first {
		close(a.named)
	}
	a.log.Info("this is the bot",
		"username", me.Username,
		"reads_all_group_messages", me.CanReadAllGroupMessages,
		"can_join_groups", me.CanJoinGroups,
		"private_topics", me.HasTopicsEnabled)
}

// hostOf is an address without what may be secret in it.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return ""
}
