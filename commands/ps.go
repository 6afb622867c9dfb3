package commands

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"chapi/bot"
)

// ps declares /ps: what runs, and what has just ended.
func ps(d Deps) bot.Command {
	return bot.Command{
		Name:     "ps",
		Group:    groupLook,
		Summary:  "List the sessions of this chat",
		Help:     "Those that run, and the last few that ended. With their number or name they can be told apart: /stop 12, /log 12, /attach 12.",
		Examples: []string{"ps", "ps --all"},
		Args:     []bot.Arg{{Name: "all", Flag: true, Kind: bot.ArgSwitch, Summary: "of all chats; for operators"}},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			everywhere := req.Call.Args.Has("all")
			if everywhere && !req.Principal.May(bot.Operator) {
				return bot.Userf("/ps --all needs the role %s; you are %s here. /ps shows this chat.", bot.Operator, req.Principal.Role())
			}
			sessions, err := d.Sessions.List(ctx, req.Principal, everywhere)
			if err != nil {
				return err
			}
			req.Reply.Say(sessionList(sessions, everywhere, time.Now()))
			return nil
		},
	}
}

// sessionList shows the sessions: first those that run.
func sessionList(sessions []bot.Session, everywhere bool, now time.Time) bot.Post {
	var live, ended []bot.Session
	for _, s := range sessions {
		if s.State == bot.Ended {
			ended = append(ended, s)
		} else {
			live = append(live, s)
		}
	}
	l := listing{more: "… and %d more."}
	switch {
	case len(live) > 0:
		l.add(bold("Running"), text("\n"))
	case everywhere:
		l.add(text("Nothing is running.\n"))
	default:
		l.add(text("Nothing is running here. "), code("/run"), text(" or "), code("/term"), text(" starts something.\n"))
	}
	for _, s := range live {
		l.add(sessionLine(s, everywhere, lasted(max(0, now.Sub(s.Started))))...)
	}
	if len(ended) > 0 {
		l.add(text("\n"), bold("Ended"), text("\n"))
	}
	for _, s := range ended {
		l.add(sessionLine(s, everywhere, s.Exit.String()+", "+moment(s.Exit.At, now))...)
	}
	return l.post()
}

// sessionLine is one session's line: which, how it is, whose, and where.
func sessionLine(s bot.Session, everywhere bool, state string) []bot.Span {
	line := []bot.Span{code(titleOf(s)), text(" · %s · %s", state, oneLine(s.Person))}
	if everywhere {
		line = append(line, text(" · %s", whereOf(s)))
	}
	return append(line, text("\n"))
}

// whereOf is the chat that a session is in, as people call it.
func whereOf(s bot.Session) string {
	where := oneLine(s.Claim.Title)
	if where == "" || s.Thread.Room() != s.Claim.Thread.Room() {
		where = s.Thread.Room().String()
	}
	return clip(where, 40)
}

// WriteSessions writes a table of sessions for a terminal: which, how each is and
// since when, whose, and where. What the record does not know is a dash.
func WriteSessions(w io.Writer, sessions []bot.Session, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tSINCE\tWHO\tWHERE\tCOMMAND")
	for _, s := range sessions {
		state, since := "running", s.Started
		if s.State == bot.Ended {
			state, since = s.Exit.String(), s.Exit.At
		}
		who, where, when := "-", "-", "-"
		if s.Person != "" {
			who, where = oneLine(s.Person), whereOf(s)
		}
		if !since.IsZero() {
			when = moment(since, now)
		}
		command := clip(oneLine(s.Title), 60)
		if s.Name != "" && s.Name != s.Title {
			command = oneLine(s.Name) + ": " + command
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, state, when, who, where, cmp.Or(command, "-"))
	}
	return table.Flush()
}
