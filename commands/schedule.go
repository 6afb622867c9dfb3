package commands

import (
	"context"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// buttonRows is how many entries of a list have buttons: what the strictest
// network has rows for. The rest is reached by number.
const buttonRows = 5

// missed is how /every and /at say what becomes of a time that passed while the
// device was off.
var missed = bot.Arg{
	Name: "missed", Flag: true, Kind: bot.ArgChoice,
	Choices: []string{string(bot.MissedRun), string(bot.MissedSkip), string(bot.MissedAsk)},
	Summary: "if the device was off then: run (up to an hour late), skip or ask",
}

// every declares /every: a command at a pace.
func every(d Deps) bot.Command {
	return bot.Command{
		Name:    "every",
		Group:   groupTimes,
		Summary: "Run a command again and again",
		Help: "It runs as you, with the rights that you have then, and answers here. The pace is from 10s to a year; 1d and 1w are fine. " +
			"While its last run goes on it is left out, and what passed while the device was off is not caught up with. /schedules pauses or deletes it.",
		Examples: []string{"every 10m sh df -h /", "every 1h run --quiet /usr/local/bin/sync-photos"},
		Args: []bot.Arg{
			{Name: "pace", Kind: bot.ArgText, Required: true, Summary: "how long from one to the next, such as 90s, 10m or 1d"},
			{Name: "command", Kind: bot.ArgRest, Required: true, Summary: "the command with its arguments, as you would send it"},
		},
		Role:     bot.User,
		Effect:   bot.Changes,
		Attended: true,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			pace, ok := parseSpan(args.Text("pace"))
			if !ok {
				return bot.Userf("/every: the pace is a time such as 90s, 10m, 2h or 1d, not %q.", clip(args.Text("pace"), 30))
			}
			return schedule(ctx, d, req, bot.Timing{Every: pace}, args.Text("command"))
		},
	}
}

// at declares /at: a command at a time of day.
func at(d Deps) bot.Command {
	return bot.Command{
		Name:    "at",
		Group:   groupTimes,
		Summary: "Run a command at a time of day",
		Help: "Once, the next time that it is so late, or on the days that you name: daily, mon-fri, sat,sun. It is the device's clock that counts. " +
			"It runs as you, with the rights that you have then, and answers here. If the device was off it runs up to an hour late, and later than that says that it was left out; --missed skip or ask changes that. /schedules pauses or deletes it.",
		Examples: []string{"at 07:30 mon-fri sh uptime", "at 23:00 run poweroff-lamp", "at --missed ask 03:00 daily sh ./backup.sh"},
		Args: []bot.Arg{
			missed,
			{Name: "time", Kind: bot.ArgText, Required: true, Summary: "such as 07:30"},
			{Name: "command", Kind: bot.ArgRest, Required: true, Summary: "the days, if it is more than once, and the command with its arguments"},
		},
		Role:     bot.User,
		Effect:   bot.Changes,
		Attended: true,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			t := bot.Timing{}
			var ok bool
			if t.Hour, t.Minute, ok = bot.ParseTimeOfDay(args.Text("time")); !ok {
				return bot.Userf("/at: the time is one of day, such as 07:30 or 23:05, not %q.", clip(args.Text("time"), 30))
			}
			line := strings.TrimSpace(args.Text("command"))
			if first, rest, _ := strings.Cut(line, " "); rest != "" {
				if t.Days, ok = bot.ParseWeekdays(first); ok {
					line = rest
				}
			}
			return schedule(ctx, d, req, t, line)
		},
	}
}

// schedule makes a schedule and says when it runs first.
func schedule(ctx context.Context, d Deps, req bot.Request, t bot.Timing, line string) error {
	rule := bot.MissedRun
	if wish := req.Call.Args.Text("missed"); wish != "" {
		rule = bot.Missed(wish)
	}
	s, err := d.Schedules.Add(ctx, req.Principal, req.Call, line, t, rule)
	if err != nil {
		return err
	}
	post := said("⏰ ", bold(strconv.Itoa(int(s.ID))), " · "+s.Timing.String()+" · ", code("/"+clip(oneLine(s.Line), 200)),
		"\nfirst "+comes(s.Due, time.Now()))
	post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{scheduleButtons(s, "")}}
	req.Reply.Say(post)
	return nil
}

// schedules declares /schedules: what is to run when.
func schedules(d Deps) bot.Command {
	const run, pause, resume, remove = "run", "pause", "resume", "delete"
	return bot.Command{
		Name:    "schedules",
		Group:   groupTimes,
		Summary: "Show, run, pause and delete what is scheduled",
		Help: "--all shows yours of every chat, an operator everybody's. Your own are yours to change, an operator changes those of others too. " +
			"Run now runs it as whoever asks for that. A schedule whose maker is let in no more is switched off.",
		Examples: []string{"schedules", "schedules pause 3", "schedules run 3", "schedules delete 3"},
		Args: []bot.Arg{
			{Name: "all", Flag: true, Kind: bot.ArgSwitch, Summary: "of every chat"},
			{Name: "action", Kind: bot.ArgChoice, Choices: []string{run, pause, resume, remove}, Summary: "none shows the list"},
			{Name: "number", Kind: bot.ArgInt, Min: 1, Max: 1 << 30, Summary: "the schedule"},
		},
		Role:     bot.User,
		Effect:   bot.Changes,
		Attended: true,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			if !args.Has("action") {
				return listSchedules(ctx, d, req)
			}
			if !args.Has("number") {
				return bot.Userf("/schedules: which one? /schedules shows their numbers.")
			}
			s, err := d.Schedules.Find(ctx, req.Principal, bot.ScheduleID(args.Int("number")))
			if err != nil {
				return err
			}
			switch name := bold(strconv.Itoa(int(s.ID))); args.Text("action") {
			case run:
				return runSchedule(ctx, d, req, s)
			case pause:
				if err := d.Schedules.Pause(ctx, s); err != nil {
					return err
				}
				post := said("⏰ ", name, " rests.")
				s.State = bot.SchedulePaused
				post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{scheduleButtons(s, "")}}
				req.Reply.Say(post)
			case resume:
				if s, err = d.Schedules.Resume(ctx, s); err != nil {
					return err
				}
				req.Reply.Say(said("⏰ ", name, " goes on, next "+comes(s.Due, time.Now())))
			default:
				if err := d.Schedules.Remove(ctx, s); err != nil {
					return err
				}
				req.Reply.Say(said("⏰ ", name, " is deleted: ", code("/"+clip(oneLine(s.Line), 200))))
			}
			return nil
		},
	}
}

// runSchedule runs what is scheduled now, as the one who asks: it is their own
// call, with their rights.
func runSchedule(ctx context.Context, d Deps, req bot.Request, s bot.Schedule) error {
	c, args, err := d.Schedules.Command(req.Principal, s)
	if err != nil {
		return err
	}
	req.Call.Command, req.Call.Args, req.Call.Text = c.Name, args, "/"+s.Line
	return c.Run(ctx, req)
}

func listSchedules(ctx context.Context, d Deps, req bot.Request) error {
	all, err := d.Schedules.List(ctx, req.Principal, req.Call.Args.Has("all"))
	if err != nil {
		return err
	}
	if len(all) == 0 {
		req.Reply.Say(said("Nothing is scheduled here. For example: ", code("/every 10m sh df -h /"), " or ", code("/at 07:30 mon-fri sh uptime")))
		return nil
	}
	now := time.Now()
	l := listing{more: "… and %d more."}
	var rows [][]bot.Button
	for _, s := range all {
		state := "next " + comes(s.Due, now)
		switch s.State {
		case bot.SchedulePaused:
			state = "paused"
		case bot.ScheduleOff:
			state = "off"
		}
		l.add(bold(strconv.Itoa(int(s.ID))), text(" · %s · ", s.Timing), code("/"+clip(oneLine(s.Line), 100)), text(" · %s · %s\n", oneLine(s.Person), state))
		if len(rows) < buttonRows {
			rows = append(rows, scheduleButtons(s, " "+strconv.Itoa(int(s.ID))))
		}
	}
	post := l.post()
	post.Keyboard = &bot.Keyboard{Rows: rows}
	req.Reply.Say(post)
	return nil
}

// scheduleButtons is what can be done with a schedule; which is added to the
// labels where there are several.
func scheduleButtons(s bot.Schedule, which string) []bot.Button {
	button := func(label, action string) bot.Button {
		return bot.Button{Label: label + which, Command: "schedules", Args: bot.Args{"action": {action}, "number": {strconv.Itoa(int(s.ID))}}}
	}
	rest := button("Pause", "pause")
	if s.State != bot.ScheduleOn {
		rest = button("Resume", "resume")
	}
	return []bot.Button{button("Run now", "run"), rest, button("Delete", "delete")}
}

// comes is a time to come by the device's clock, with its day if that is
// another one.
func comes(t, now time.Time) string {
	t = t.Local()
	switch layout := "15:04"; {
	case t.Sub(now) < time.Hour:
		return t.Format("15:04:05")
	case t.Format(time.DateOnly) == now.Local().Format(time.DateOnly):
		return t.Format(layout)
	case t.Sub(now) < 6*24*time.Hour:
		return t.Format("Mon " + layout)
	default:
		return t.Format("2 Jan " + layout)
	}
}

// parseSpan reads a length of time such as 90s, 2h, 1d or 1w.
func parseSpan(s string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, err := strconv.ParseUint(strings.TrimSuffix(s, unit), 10, 16); err == nil && strings.HasSuffix(s, unit) {
			return time.Duration(n) * length, n > 0
		}
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}
