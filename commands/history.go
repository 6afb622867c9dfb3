package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chapi/bot"
)

// Bounds of /history.
const (
	usualHistory = 10
	maxHistory   = 50
	// historyDepth is how many calls are looked through for those to show.
	historyDepth = 500
)

// history declares /history: what was asked for, by whom, and what came of it.
func history(d Deps) bot.Command {
	return bot.Command{
		Name:     "history",
		Group:    groupLook,
		Summary:  "List the last commands of this chat",
		Help:     "When, who, what, and how it went. What was typed into sessions is not shown: it may have been a password.",
		Examples: []string{"history", "history 30", "history --all"},
		Args: []bot.Arg{
			{Name: "all", Flag: true, Kind: bot.ArgSwitch, Summary: "of all chats; for owners"},
			{Name: "count", Kind: bot.ArgInt, Min: 1, Max: maxHistory, Summary: "how many; none: 10"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			f := bot.CallFilter{Room: req.Principal.Thread().Room(), Limit: historyDepth}
			everywhere := req.Call.Args.Has("all")
			if everywhere {
				if !req.Principal.May(bot.Owner) {
					return bot.Userf("/history --all needs the role %s; you are %s here. /history shows this chat.", bot.Owner, req.Principal.Role())
				}
				f.Room = bot.Thread{}
			}
			calls, err := d.Calls.Calls(ctx, f)
			if err != nil {
				return fmt.Errorf("read calls: %w", err)
			}
			n := req.Call.Args.Int("count")
			if n == 0 {
				n = usualHistory
			}
			req.Reply.Say(callList(calls, req.Call.ID, n, everywhere, time.Now()))
			return nil
		},
	}
}

// callList shows the newest n calls, newest first, without the one that asks.
func callList(calls []bot.Call, asking bot.CallID, n int, everywhere bool, now time.Time) bot.Post {
	l := listing{more: "… and %d more."}
	for _, c := range calls {
		if c.Command == bot.InputCommand || c.ID == asking {
			continue
		}
		if n--; n < 0 {
			break
		}
		l.add(callLine(c, everywhere, now)...)
	}
	if len(l.spans) == 0 {
		return said("No commands so far.")
	}
	return l.post()
}

// callLine is one call's line: when, who, what, how it went, and where.
func callLine(c bot.Call, everywhere bool, now time.Time) []bot.Span {
	what := clip(oneLine(c.Text), 80)
	if c.Command == "in" {
		what = "/in …"
	}
	line := []bot.Span{
		text("%s %s ", moment(c.Accepted, now), clip(oneLine(c.Claim.Name), 30)),
		code(what),
		text(" · %s", wentHow(c)),
	}
	if everywhere {
		where := clip(oneLine(c.Claim.Title), 30)
		if where == "" {
			where = c.Claim.Thread.Room().String()
		}
		line = append(line, text(" · %s", where))
	}
	return append(line, text("\n"))
}

// wentHow is a call's outcome in a few words.
func wentHow(c bot.Call) string {
	switch {
	case c.State == bot.Accepted:
		return "waiting"
	case c.State == bot.Begun:
		return "running"
	case c.Outcome == bot.Done || c.Detail == "":
		return c.Outcome.String()
	default:
		detail, _, _ := strings.Cut(c.Detail, "\n")
		return c.Outcome.String() + ": " + clip(oneLine(detail), 80)
	}
}
