package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

const (
	// questionGood is how long the question whether to go down may be answered.
	questionGood = 2 * time.Minute
	// powerCommand is what its buttons call. It is hidden, and does nothing
	// without the answer to a question that is still open.
	powerCommand = "power"
	// downTime is how long what lets the machine go down may take: it only has
	// to say that it will.
	downTime = 20 * time.Second
	// questionScope holds, for each account, the one question that is open.
	questionScope = "power"
)

// downOrder is a question that was asked, and not answered yet.
type downOrder struct {
	Answer string    `json:"answer"` // what the button says; random
	What   string    `json:"what"`   // device.Reboot or device.Poweroff
	Until  time.Time `json:"until"`
}

// reboot declares /reboot.
func reboot(d Deps) bot.Command {
	return ask(d, device.Reboot, "Restart the machine, after asking", "Restart now",
		"Programs that run end with it. When I am back I say so here, and for how long I was away.")
}

// poweroff declares /poweroff.
func poweroff(d Deps) bot.Command {
	return ask(d, device.Poweroff, "Switch the machine off, after asking", "Switch off now",
		"Somebody has to switch it on again: I cannot. When I am back I say so here.")
}

// ask declares a command that asks before the machine goes down. What is run is
// shown exactly; the answer counts once, from who asked, for two minutes.
func ask(d Deps, what, summary, label, help string) bot.Command {
	return bot.Command{
		Name:     what,
		Group:    groupDevice,
		Summary:  summary,
		Help:     help,
		Examples: []string{what},
		Role:     bot.Owner,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			q := downOrder{Answer: bot.NewHandle(), What: what, Until: time.Now().Add(questionGood)}
			if err := d.open(ctx, req.Principal.Account(), q); err != nil {
				return err
			}
			sessions, err := d.Sessions.List(ctx, req.Principal, true)
			if err != nil {
				return err
			}
			live := 0
			for _, s := range sessions {
				if s.State != bot.Ended {
					live++
				}
			}
			post := said("On ", bold(d.Device), " I would run:\n", code(joined(d.Power[what])))
			if live > 0 {
				post.Text = append(post.Text, text("\nSessions that are running and would end: %d.", live))
			}
			post.Text = append(post.Text, text("\nShall I? The buttons work for two minutes, for you."))
			post.Keyboard = &bot.Keyboard{
				Once: true, Only: req.Principal.Account(), Expires: q.Until, Asked: req.Call.ID,
				Rows: [][]bot.Button{{
					{Label: label, Command: powerCommand, Args: bot.Args{"what": {what}, "answer": {q.Answer}}},
					{Label: "No", Command: bot.DropCommand},
				}},
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// open records the question. An older one of the account is closed by it.
func (d Deps) open(ctx context.Context, who bot.Account, q downOrder) error {
	record, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("record a question: %w", err)
	}
	return d.Settings.Set(ctx, questionScope, who.String(), string(record))
}

// answered closes the question of the account, and reports whether that was the
// answer to it and came in time.
func (d Deps) answered(ctx context.Context, who bot.Account, what, answer string) (bool, error) {
	record, err := d.Settings.Setting(ctx, questionScope, who.String())
	if err != nil || record == "" {
		return false, err
	}
	var q downOrder
	if err := json.Unmarshal([]byte(record), &q); err != nil {
		return false, fmt.Errorf("read a question: %w", err)
	}
	if q.Answer != answer || q.What != what {
		return false, nil
	}
	return time.Now().Before(q.Until), d.Settings.Set(ctx, questionScope, who.String(), "")
}

// power declares what the buttons call: the machine goes down. The call is on
// record as begun before this runs, and is never run again.
func power(d Deps) bot.Command {
	return bot.Command{
		Name:    powerCommand,
		Group:   groupDevice,
		Summary: "Let the machine go down, as was asked",
		Args: []bot.Arg{
			{Name: "what", Kind: bot.ArgChoice, Choices: []string{device.Reboot, device.Poweroff}, Required: true, Summary: "how"},
			{Name: "answer", Kind: bot.ArgText, Required: true, Summary: "which question it answers"},
		},
		Role:   bot.Owner,
		Effect: bot.Ends,
		Hidden: true,
		Run: func(ctx context.Context, req bot.Request) error {
			what := req.Call.Args.Text("what")
			ok, err := d.answered(ctx, req.Principal.Account(), what, req.Call.Args.Text("answer"))
			switch {
			case err != nil:
				return err
			case !ok:
				return bot.Userf("That question is closed. /%s asks anew.", what)
			}
			if err := d.order(ctx, req, what); err != nil {
				return err
			}
			// From here on the machine may go down at any time, and us with it:
			// what was begun must not be cut off by that.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTime)
			defer cancel()
			_, err = device.Output(ctx, d.Power[what])
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				return &bot.UserError{Text: fmt.Sprintf("%s gives no answer. It may or may not go down; I do not try again, and say so here when I am back.", joined(d.Power[what])), Err: err}
			case err != nil:
				if undo := d.Settings.Set(context.WithoutCancel(ctx), device.OrderScope, device.OrderName, ""); undo != nil {
					return undo
				}
				return &bot.UserError{Text: fmt.Sprintf("%s stays up: %s", d.Device, clip(oneLine(err.Error()), 300)), Err: err}
			}
			req.Reply.Say(said("It goes down. I say so here when I am back."))
			return nil
		},
	}
}

// order records who wanted it: after the start that is all that is known.
func (d Deps) order(ctx context.Context, req bot.Request, what string) error {
	record, err := json.Marshal(device.Order{
		What: what, Person: req.Principal.Person(), Claim: req.Call.Claim, Ask: req.Call.Message,
		At: time.Now(), Boot: d.Machine.BootID(),
	})
	if err != nil {
		return fmt.Errorf("record an order: %w", err)
	}
	return d.Settings.Set(ctx, device.OrderScope, device.OrderName, string(record))
}
