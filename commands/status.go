package commands

import (
	"context"
	"fmt"

	"chapi/bot"
)

// status declares /status: how the machine, the daemon and its parts are.
func status(d Deps) bot.Command {
	return bot.Command{
		Name:    "status",
		Group:   groupLook,
		Summary: "Tell how the machine and I are, on one card",
		Help: "/status live keeps one card in the chat current by editing it every minute, pinned where I may; /status live off ends that. " +
			"The small pictures are the last 24 hours, two of them a bar; /chart draws them large.",
		Examples: []string{"status", "status -v", "status live", "status live off", "status --json"},
		Args: []bot.Arg{
			{Name: "v", Flag: true, Kind: bot.ArgSwitch, Summary: "everything there is"},
			{Name: "json", Flag: true, Kind: bot.ArgSwitch, Summary: "as JSON, for programs"},
			{Name: "live", Kind: bot.ArgChoice, Choices: []string{"live"}, Summary: "keep a card current"},
			{Name: "off", Kind: bot.ArgChoice, Choices: []string{"off"}, Summary: "no longer"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			if args.Has("live") {
				return live(ctx, d, req, !args.Has("off"))
			}
			form := Card
			switch {
			case args.Has("json"):
				form = Program
			case args.Has("v"):
				form = Everything
			}
			post, err := d.Status(ctx, req.Principal, form)
			if err != nil {
				return fmt.Errorf("tell status: %w", err)
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// live starts or ends the chat's living card. The card itself is the answer.
func live(ctx context.Context, d Deps, req bot.Request, on bool) error {
	if !req.Principal.May(bot.User) {
		return bot.Userf("A living card needs the role user; you are %s here. /status shows how things are now.", req.Principal.Role())
	}
	if on {
		return d.Living.Start(ctx, req.Call, req.Principal)
	}
	had, err := d.Living.Stop(ctx, req.Principal.Thread())
	switch {
	case err != nil:
		return fmt.Errorf("end the living card: %w", err)
	case !had:
		return bot.Userf("There is no living card in this chat. /status live makes one.")
	}
	req.Reply.Say(said("The card is not kept current any more."))
	return nil
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
