package commands

import (
	"context"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// mute declares /mute: no alerts for a while.
func mute(d Deps) bot.Command {
	const off = "off"
	return bot.Command{
		Name:    "mute",
		Group:   groupTimes,
		Summary: "Keep alerts quiet for a while",
		Help: "All alerts of this chat, or the one with that number: nothing is said of them, not even what is critical. What is still wrong when the time is over is said then. " +
			"/mute off ends it at once.",
		Examples: []string{"mute 2h", "mute 1d 3", "mute off", "mute"},
		Args: []bot.Arg{
			{Name: "time", Kind: bot.ArgText, Summary: "for how long, such as 2h or 1d, or off; none shows how it is"},
			{Name: "alert", Kind: bot.ArgInt, Min: 1, Max: 1 << 30, Summary: "the number of an alert; none: all of this chat"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			args, now := req.Call.Args, time.Now()
			if !args.Has("time") {
				until, err := d.Alerts.Muted(ctx, req.Principal)
				if err != nil {
					return err
				}
				if !until.After(now) {
					req.Reply.Say(said("Alerts are said in this chat. ", code("/mute 2h"), " keeps them quiet; ", code("/alert"), " shows them."))
				} else {
					req.Reply.Say(said("Alerts are quiet in this chat until ", bold(comes(until, now)), ". ", code("/mute off"), " ends that."))
				}
				return nil
			}
			var length time.Duration
			if word := args.Text("time"); !strings.EqualFold(word, off) {
				var ok bool
				if length, ok = parseSpan(word); !ok {
					return bot.Userf("/mute: for how long? A time such as 30m, 2h or 1d, or off, not %q.", clip(word, 30))
				}
			}
			until, err := d.Alerts.Mute(ctx, req.Principal, bot.AlertID(args.Int("alert")), length)
			if err != nil {
				return err
			}
			what, end := "Alerts of this chat are", "/mute off"
			if args.Has("alert") {
				what, end = "Alert "+strconv.Itoa(args.Int("alert"))+" is", "/mute off "+strconv.Itoa(args.Int("alert"))
			}
			if length == 0 {
				req.Reply.Say(said(what, " said again."))
				return nil
			}
			req.Reply.Say(quietly(said(what, " quiet until ", bold(comes(until, now)), ". ", code(end), " ends that.")))
			return nil
		},
	}
}
