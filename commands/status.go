package commands

import (
	"context"
	"fmt"

	"chapi/bot"
)

// status declares /status: how the daemon and its parts are.
func status(d Deps) bot.Command {
	return bot.Command{
		Name:     "status",
		Group:    groupLook,
		Summary:  "Tell how I am: uptime, networks, sessions, queue",
		Examples: []string{"status", "status -v"},
		Args:     []bot.Arg{{Name: "v", Flag: true, Kind: bot.ArgSwitch, Summary: "in detail"}},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			post, err := d.Status(ctx, req.Principal, req.Call.Args.Has("v"))
			if err != nil {
				return fmt.Errorf("tell status: %w", err)
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// version declares /version.
func version(d Deps) bot.Command {
	return bot.Command{
		Name:     "version",
		Group:    groupLook,
		Summary:  "Tell which version runs here",
		Examples: []string{"version"},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(_ context.Context, req bot.Request) error {
			req.Reply.Say(said("chapi ", d.Version, " on ", bold(d.Device)))
			return nil
		},
	}
}

// restart declares /restart: the daemon ends and its service starts it anew.
func restart(d Deps) bot.Command {
	return bot.Command{
		Name:     "restart",
		Group:    groupSetUp,
		Summary:  "Restart me; sessions go on",
		Help:     "For a new version, or a changed configuration. Running programs are not touched: their output goes on as soon as I am back.",
		Examples: []string{"restart"},
		Role:     bot.Owner,
		Effect:   bot.Ends,
		Run: func(_ context.Context, req bot.Request) error {
			req.Reply.Say(said("Restarting. Sessions go on; I am back in a moment."))
			d.Restart("asked for by " + req.Principal.Person())
			return nil
		},
	}
}
