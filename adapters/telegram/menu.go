package telegram

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"chapi/bot"
)

const (
	maxCommands    = 100
	maxDescription = 256 // characters
)

// commandName is what a menu may hold.
var commandName = regexp.MustCompile(`^[a-z0-9_]{1,32}$`)

// PublishMenu implements bot.MenuPublisher, a scope for every chat. One chat
// that fails, because its person has never written to the bot, keeps no other
// from its menu; the errors are joined.
func (a *Adapter) PublishMenu(ctx context.Context, menus []bot.Menu) error {
	var errs []error
	for _, m := range menus {
		if err := a.publish(ctx, m); err != nil {
			errs = append(errs, fmt.Errorf("telegram: menu of %s: %w", m.Thread.Room(), err))
		}
	}
	return errors.Join(errs...)
}

func (a *Adapter) publish(ctx context.Context, m bot.Menu) error {
	chat, _, err := place(m.Thread)
	if err != nil {
		return err
	}
	scope := &models.BotCommandScopeChat{ChatID: chat}
	want := menuOf(m.Commands)
	have, _, err := call(ctx, func(ctx context.Context) ([]models.BotCommand, error) {
		return a.api.GetMyCommands(ctx, &tg.GetMyCommandsParams{Scope: scope})
	})
	if err != nil {
		return err
	}
	if slices.Equal(have, want) {
		return nil
	}
	_, _, err = call(ctx, func(ctx context.Context) (bool, error) {
		if len(want) == 0 {
			return a.api.DeleteMyCommands(ctx, &tg.DeleteMyCommandsParams{Scope: scope})
		}
		return a.api.SetMyCommands(ctx, &tg.SetMyCommandsParams{Commands: want, Scope: scope})
	})
	return err
}

// menuOf is the commands in the network's terms.
func menuOf(commands []bot.Command) []models.BotCommand {
	var out []models.BotCommand
	for _, c := range commands {
		if c.Hidden || !commandName.MatchString(c.Name) || len(out) == maxCommands {
			continue
		}
		summary := compose([]bot.Span{{Text: c.Summary}}).text
		if summary == "" {
			summary = c.Name
		}
		out = append(out, models.BotCommand{Command: c.Name, Description: cut(summary, maxDescription)})
	}
	return out
}
