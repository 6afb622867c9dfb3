package commands

import (
	"context"
	"fmt"

	"chapi/bot"
)

// link declares /link: a person brings their account on another network.
func link(d Deps) bot.Command {
	const off = "off"
	return bot.Command{
		Name:    "link",
		Group:   groupSetUp,
		Summary: "Be the same person on another network",
		Help: "Makes a code. Send it to me from your other account and that account is you: the same role, the same sessions. " +
			"/link off takes away all accounts that came in like this, but the one that you write from.",
		Examples: []string{"link", "link off"},
		Args:     []bot.Arg{{Name: "action", Kind: bot.ArgChoice, Choices: []string{off}, Summary: "none makes a code"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			if req.Call.Args.Text("action") == off {
				return unlink(ctx, d, req)
			}
			if !req.Call.Claim.Direct {
				return bot.Userf("A code is for you alone: send /link to me in private.")
			}
			made, life, err := d.Allowlist.Link(ctx, req.Principal)
			if err != nil {
				return err
			}
			req.Reply.Say(said("Send me this from your other account, in private, within ", fmt.Sprintf("%d minutes", int(life.Minutes())), ": ",
				code("/pair "+made), "\nWhoever sends it may do all that you may: show it to nobody."))
			return nil
		},
	}
}

func unlink(ctx context.Context, d Deps, req bot.Request) error {
	gone, err := d.Allowlist.Unlink(ctx, req.Principal)
	if err != nil {
		return err
	}
	if len(gone) == 0 {
		return bot.Userf("No account is linked to you. /link makes a code for one.")
	}
	l := listing{more: "… and %d more."}
	l.add(text("These are not you any more:\n"))
	for _, account := range gone {
		l.add(code(account.String()), text("\n"))
	}
	req.Reply.Say(l.post())
	return nil
}
