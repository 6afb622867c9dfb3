package daemon

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands"
	"chapi/runner"
)

// endedShown is how many sessions that have ended are listed if not all are.
const endedShown = 20

// Ps writes the sessions of a machine: what their folders say, which is true even
// while no daemon runs, with what the store, if it is not nil, knows of them.
func Ps(ctx context.Context, w io.Writer, list []runner.Listing, store bot.Store, all bool) error {
	if len(list) == 0 {
		fmt.Fprintln(w, "No sessions. /run or /term in a chat starts one.")
		return nil
	}
	known := map[bot.SessionID]bot.Session{}
	if store != nil {
		recorded, err := store.Sessions(ctx, bot.SessionFilter{})
		if err != nil {
			return fmt.Errorf("read sessions: %w", err)
		}
		for _, s := range recorded {
			known[s.ID] = s
		}
	}
	var live, ended []bot.Session
	for _, l := range slices.Backward(list) {
		if s := told(l, known[l.ID]); s.State == bot.Ended {
			ended = append(ended, s)
		} else {
			live = append(live, s)
		}
	}
	more := len(ended) - endedShown
	if all || more < 0 {
		more = 0
	}
	if err := commands.WriteSessions(w, append(live, ended[:len(ended)-more]...), time.Now()); err != nil {
		return err
	}
	if more > 0 {
		fmt.Fprintf(w, "... and %d more that have ended; --all lists them.\n", more)
	}
	return nil
}

// told is a session as its folder tells how it is.
func told(l runner.Listing, s bot.Session) bot.Session {
	if s.ID == "" {
		s = bot.Session{ID: l.ID, Title: strings.Join(l.Spec.Argv, " ")}
	}
	s.Started = l.Started
	switch {
	case l.Live:
		s.State = bot.Running
	case l.Exited:
		s.State, s.Exit = bot.Ended, l.Exit
	case s.State != bot.Ended:
		s.State, s.Exit = bot.Ended, bot.Exit{Code: -1, Reason: bot.Lost}
	}
	return s
}
