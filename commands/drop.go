package commands

import (
	"context"

	"chapi/bot"
)

// drop declares the answer "no" to the question about a command that came
// late. The question's keyboard is used up by it, which is all there is to do.
func drop() bot.Command {
	return bot.Command{
		Name:    bot.DropCommand,
		Group:   groupRun,
		Summary: "Leave a command that came late undone",
		Role:    bot.User,
		Effect:  bot.Reads,
		Hidden:  true,
		Run: func(_ context.Context, req bot.Request) error {
			req.Reply.Say(said("Dropped."))
			return nil
		},
	}
}
