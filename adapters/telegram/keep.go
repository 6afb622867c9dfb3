package telegram

import (
	"context"

	tg "github.com/go-telegram/bot"

	"chapi/bot"
)

// Erase implements bot.Eraser. A message that is gone already is success. The
// network deletes what is at most 48 hours old: the bot's own, and, in private
// chats or with the right to, that of others.
func (a *Adapter) Erase(ctx context.Context, th bot.Thread, m bot.MessageID) error {
	chat, id, err := messageAt(th, m)
	if err != nil {
		return err
	}
	_, _, err = call(ctx, func(ctx context.Context) (bool, error) {
		return a.api.DeleteMessage(ctx, &tg.DeleteMessageParams{ChatID: chat, MessageID: id})
	})
	if err == nil || says(err, "message to delete not found") {
		return nil
	}
	return sendError(err)
}

// Pin implements bot.Pinner. In groups that takes the right to pin messages.
func (a *Adapter) Pin(ctx context.Context, th bot.Thread, m bot.MessageID) error {
	chat, id, err := messageAt(th, m)
	if err != nil {
		return err
	}
	_, _, err = call(ctx, func(ctx context.Context) (bool, error) {
		return a.api.PinChatMessage(ctx, &tg.PinChatMessageParams{ChatID: chat, MessageID: id, DisableNotification: true})
	})
	switch {
	case err == nil:
		return nil
	case says(err, "message to pin not found"):
		return refused(bot.TargetGone, err)
	default:
		return sendError(err)
	}
}

// messageAt is a message in the network's terms.
func messageAt(th bot.Thread, m bot.MessageID) (chat int64, id int, err error) {
	if chat, _, err = place(th); err != nil {
		return 0, 0, refused(bot.ChatGone, err)
	}
	if id, err = messageID(m); err != nil {
		return 0, 0, refused(bot.TargetGone, err)
	}
	return chat, id, nil
}
