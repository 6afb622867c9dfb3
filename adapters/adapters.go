// Package adapters lists every door to the outside, in plain sight. A new one
// is a folder with New, and a line here.
package adapters

import (
	"fmt"

	"chapi/adapters/console"
	"chapi/adapters/discord"
	"chapi/adapters/telegram"
	"chapi/bot"
)

// Options say which doors there are; nil leaves one out.
type Options struct {
	Telegram *telegram.Config
	Discord  *discord.Config
	Console  *console.Config
}

// Build makes the adapters. None is started.
func Build(o Options) ([]bot.Adapter, error) {
	var all []bot.Adapter
	if o.Telegram != nil {
		a, err := telegram.New(*o.Telegram)
		if err != nil {
			return nil, fmt.Errorf("telegram: %w", err)
		}
		all = append(all, a)
	}
	if o.Discord != nil {
		a, err := discord.New(*o.Discord)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	if o.Console != nil {
		all = append(all, console.New(*o.Console))
	}
	return all, nil
}
