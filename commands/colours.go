package commands

import (
	"context"
	"fmt"

	"chapi/bot"
)

// colours declares /colours: whether output keeps its colours.
func colours(d Deps) bot.Command {
	return bot.Command{
		Name:    "colours",
		Aliases: []string{"colors"},
		Group:   groupSetUp,
		Summary: "Show output in its colours, where the network can",
		Help: "It is your own choice, for the programs that you start on this network from now on. Discord shows eight colours, on a computer; " +
			"on phones they may be missing. Telegram has none: /view picture and /shot show all of them.",
		Examples: []string{"colours on", "colours off"},
		Args:     []bot.Arg{{Name: "choice", Kind: bot.ArgChoice, Required: true, Choices: []string{"on", "off"}, Summary: "on or off"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			p, value := req.Principal, req.Call.Args.Text("choice")
			if value == "off" {
				value = ""
			}
			if err := d.Settings.Set(ctx, accountScope(p), bot.ColoursSetting, value); err != nil {
				return fmt.Errorf("choose colours for %s: %w", p.Person(), err)
			}
			switch {
			case value == "":
				req.Reply.Say(said("What you start from now on is shown without colours."))
			case d.Limits(p.Thread()).Colours:
				req.Reply.Say(said("What you start from now on is shown in its colours. ", code("/colours off"), " ends that."))
			default:
				req.Reply.Say(said("This network shows no colours in text. ", code("/shot"), " sends a terminal as a picture."))
			}
			return nil
		},
	}
}
