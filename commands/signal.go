package commands

import (
	"context"
	"strconv"
	"strings"

	"chapi/bot"
)

// stop declares /stop: the polite end of a session.
func stop(d Deps) bot.Command {
	return bot.Command{
		Name:     "stop",
		Group:    groupSteer,
		Summary:  "End a session: politely, then by force",
		Help:     "The program and all that it started are asked to end (TERM), and killed after a grace period if they have not.",
		Examples: []string{"stop", "stop 12", "stop backup"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Control:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{Stop: true} })
		},
	}
}

// kill declares /kill: the end of a session at once.
func kill(d Deps) bot.Command {
	return bot.Command{
		Name:     "kill",
		Group:    groupSteer,
		Summary:  "Kill a session at once",
		Help:     "The program and all that it started get KILL and have no chance to tidy up. /stop is kinder.",
		Examples: []string{"kill", "kill 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Control:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{Signal: "KILL"} })
		},
	}
}

// signal declares /signal: any signal for a session.
func signal(d Deps) bot.Command {
	return bot.Command{
		Name:     "signal",
		Group:    groupSteer,
		Summary:  "Send a signal to a session",
		Help:     "The program and all that it started get it. Names: " + strings.Join(signalNames, ", ") + "; or a number from 1 to 64.",
		Examples: []string{"signal INT", "signal hup 12", "signal SIGUSR1 backup", "signal 9"},
		Args:     []bot.Arg{{Name: "name", Kind: bot.ArgText, Required: true, Summary: "its name or number"}, sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Control:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			name, err := signalName(req.Call.Args.Text("name"))
			if err != nil {
				return err
			}
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{Signal: name} })
		},
	}
}

// signalNames are the signals that have a use from outside.
var signalNames = []string{
	"HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "STOP", "TSTP", "CONT", "ALRM", "WINCH",
	"ABRT", "PIPE", "CHLD", "TTIN", "TTOU", "URG", "IO", "PWR", "SYS", "TRAP", "ILL", "BUS", "FPE",
	"SEGV", "XCPU", "XFSZ", "VTALRM", "PROF", "STKFLT",
}

// signalName is a signal's name without SIG, or its number.
func signalName(text string) (string, error) {
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > 64 {
			return "", bot.Userf("/signal: signals are numbered 1 to 64, not %d. Names do too, such as INT or TERM.", n)
		}
		return strconv.Itoa(n), nil
	}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	for _, known := range signalNames {
		if name == known {
			return name, nil
		}
	}
	if near := bot.Near(name, signalNames); len(near) > 0 {
		return "", bot.Userf("/signal: there is no signal %s. Did you mean %s?", clip(text, 30), strings.Join(near, " or "))
	}
	return "", bot.Userf("/signal: there is no signal %s. /help signal lists them.", clip(text, 30))
}
