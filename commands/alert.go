package commands

import (
	"context"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// alert declares /alert: what a chat hears of by itself.
func alert(d Deps) bot.Command {
	return bot.Command{
		Name:    "alert",
		Group:   groupTimes,
		Summary: "Be told when a reading is not as it should be",
		Help: "A rule is a reading, what is wrong with it, and for how long: battery < 20% for 2m, unit nginx failed, door missing for 10m. " +
			"It may go on with clear 25% (when it is over; else 5% beyond the limit), repeat 15m or never, and critical or info. " +
			"It is said in this chat, again until somebody acknowledges it, and once when it is over. Without words it shows this chat's alerts.",
		Examples: []string{"alert", "alert battery < 20% for 2m", "alert temp > 75C for 5m clear 70 critical", "alert unit nginx failed", "alert ack 3", "alert delete 3"},
		Args:     []bot.Arg{{Name: "rule", Kind: bot.ArgRest, Summary: "the rule; or ack or delete with a number; none shows what there is"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			rule := strings.TrimSpace(req.Call.Args.Text("rule"))
			if rule == "" {
				return listAlerts(ctx, d, req)
			}
			action, rest, _ := strings.Cut(rule, " ")
			id, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 32)
			switch numbered := err == nil; {
			case numbered && strings.EqualFold(action, "ack"):
				if err := d.Alerts.Acknowledge(ctx, req.Principal, bot.AlertID(id)); err != nil {
					return err
				}
				req.Reply.Say(quietly(said("Alert ", bold(strconv.Itoa(int(id))), " is not repeated. You hear when it is over.")))
				return nil
			case numbered && (strings.EqualFold(action, "delete") || strings.EqualFold(action, "remove")):
				gone, err := d.Alerts.Remove(ctx, req.Principal, bot.AlertID(id))
				if err != nil {
					return err
				}
				req.Reply.Say(said("Alert ", bold(strconv.Itoa(int(id))), " is deleted: ", code(gone.Rule)))
				return nil
			}
			set, err := d.Alerts.Add(ctx, req.Principal, req.Call, rule)
			if err != nil {
				return err
			}
			post := said("Alert ", bold(strconv.Itoa(int(set.ID))), ": ", code(set.Rule))
			post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{{alertButton("Delete", "delete", set)}}}
			req.Reply.Say(post)
			return nil
		},
	}
}

func listAlerts(ctx context.Context, d Deps, req bot.Request) error {
	all, err := d.Alerts.List(ctx, req.Principal)
	if err != nil {
		return err
	}
	muted, err := d.Alerts.Muted(ctx, req.Principal)
	if err != nil {
		return err
	}
	now := time.Now()
	l := listing{more: "… and %d more."}
	if muted.After(now) {
		l.add(text("This chat is muted until "), bold(comes(muted, now)), text(". "), code("/mute off"), text(" ends that.\n\n"))
	}
	if len(all) == 0 {
		l.add(text("This chat is alerted of nothing. For example: "), code("/alert battery < 20% for 2m"))
	}
	var rows [][]bot.Button
	for _, a := range all {
		n := " " + strconv.Itoa(int(a.ID))
		line := []bot.Span{bold(strconv.Itoa(int(a.ID))), text(" · "), code(a.Rule), text(" · %s", alertState(a, now))}
		if a.Person == "" {
			line = append(line, text(" · configured"))
		}
		l.add(append(line, text("\n"))...)
		var row []bot.Button
		if a.State == bot.Firing {
			row = append(row, alertButton("Acknowledge"+n, "ack", a.Alert))
		}
		if a.Person != "" {
			row = append(row, alertButton("Delete"+n, "delete", a.Alert))
		}
		if len(row) > 0 && len(rows) < buttonRows {
			rows = append(rows, row)
		}
	}
	post := l.post()
	post.Keyboard = &bot.Keyboard{Rows: rows}
	req.Reply.Say(post)
	return nil
}

// alertState is how an alert stands, in a few words.
func alertState(a bot.AlertStanding, now time.Time) string {
	state := a.State.String()
	if a.Reading != "" {
		state = a.Reading + ", " + state
	} else if a.State == bot.Over {
		state = "not measured"
	}
	switch a.State {
	case bot.Firing:
		state += " since " + moment(a.Since, now)
	case bot.Acknowledged:
		state += " by " + oneLine(a.By) + ", since " + moment(a.Since, now)
	}
	if a.Muted.After(now) {
		state += " · muted until " + comes(a.Muted, now)
	}
	return state
}

func alertButton(label, action string, a bot.Alert) bot.Button {
	return bot.Button{Label: label, Command: "alert", Args: bot.Args{"rule": {action + " " + strconv.Itoa(int(a.ID))}}}
}

// quietly makes a post without a sound.
func quietly(p bot.Post) bot.Post {
	p.Silent = true
	return p
}
