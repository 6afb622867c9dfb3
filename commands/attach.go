package commands

import (
	"context"

	"chapi/bot"
)

// attach declares /attach: a session comes to this chat.
func attach(d Deps) bot.Command {
	return bot.Command{
		Name:     "attach",
		Group:    groupSteer,
		Summary:  "Bring a session here: its output, and what you type",
		Help:     "From now on its output comes to this chat, and plain text that you write here goes to it.",
		Examples: []string{"attach 12", "attach backup"},
		Args:     []bot.Arg{{Name: "session", Kind: bot.ArgSession, Required: true, Summary: "its number or name; /ps lists them"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			p := req.Principal
			if err := d.Sessions.Attach(ctx, p, s.ID, p.Thread(), req.Call.Message); err != nil {
				return err
			}
			req.Reply.Say(said(code(titleOf(s)), " is here now: what you write without a slash is typed into it. /detach ends that."))
			return nil
		},
	}
}

// detach declares /detach: plain text is the chat's own again.
func detach(d Deps) bot.Command {
	return bot.Command{
		Name:     "detach",
		Group:    groupSteer,
		Summary:  "Stop typing into a session; it runs on",
		Help:     "Plain text does not go to it any more. It goes on running, and its output goes on coming. A reply to its output still reaches it.",
		Examples: []string{"detach", "detach 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if err := d.Sessions.Detach(ctx, req.Principal, s.ID); err != nil {
				return err
			}
			if s.State == bot.Ended {
				req.Reply.Say(said(code(titleOf(s)), " has ended; text goes nowhere now. ", code("/run"), " or ", code("/term"), " starts something."))
				return nil
			}
			req.Reply.Say(said("Text does not go to ", code(titleOf(s)), " any more. ", code("/attach "+string(s.ID)), " takes it up again."))
			return nil
		},
	}
}
