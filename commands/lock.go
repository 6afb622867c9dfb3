package commands

import (
	"context"
	"fmt"

	"chapi/bot"
)

// lock declares /lock: a named thing for oneself, for a while.
func lock(d Deps) bot.Command {
	return bot.Command{
		Name:    "lock",
		Group:   groupTimes,
		Summary: "Hold something that is shared, such as a port or a robot",
		Help: "It is yours for 20 minutes, or as long as you say; then, or when you give it back, it goes to the next in line. Once more prolongs it, unless somebody waits. " +
			"Any name will do. /run, /sh and /term take --lock NAME: they do not start while another person holds it, and hold it while they run. Without a name it shows what is held.",
		Examples: []string{"lock", "lock car", "lock ttyUSB0 45m"},
		Args: []bot.Arg{
			{Name: "name", Kind: bot.ArgText, Summary: "what to hold; none shows what is held"},
			{Name: "time", Kind: bot.ArgDuration, Summary: "for how long, such as 20m or 2h"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			if !args.Has("name") {
				return listLocks(ctx, d, req)
			}
			h, err := d.Leases.Lock(ctx, req.Principal, req.Call, args.Text("name"), args.Duration("time"))
			if err != nil {
				return err
			}
			req.Reply.Say(yours(h))
			return nil
		},
	}
}

// yours tells a person that they hold something.
func yours(h bot.Holding) bot.Post {
	post := said(bold(h.Lease.Person), ": ", bold(h.Resource), " is yours "+h.Lasts()+".")
	post.Keyboard = &bot.Keyboard{Only: h.Lease.Claim.Account, Rows: [][]bot.Button{{
		{Label: "Give back", Command: "unlock", Args: bot.Args{"name": {h.Resource}}},
		{Label: "20 min from now", Command: "lock", Args: bot.Args{"name": {h.Resource}, "time": {bot.LeaseUsual.String()}}},
	}}}
	return post
}

// unlock declares /unlock: to give something back, or hand it over.
func unlock(d Deps) bot.Command {
	return bot.Command{
		Name:     "unlock",
		Group:    groupTimes,
		Summary:  "Give back what you hold, or hand it over",
		Help:     "It goes to the first in line, or to the one in line whom you name. An owner takes it away from anybody with --break; what they run with it goes on.",
		Examples: []string{"unlock car", "unlock car bob", "unlock --break car"},
		Args: []bot.Arg{
			{Name: "break", Flag: true, Kind: bot.ArgSwitch, Summary: "take it away from whoever has it; for owners"},
			{Name: "name", Kind: bot.ArgText, Required: true, Summary: "what to give back"},
			{Name: "person", Kind: bot.ArgText, Summary: "to whom, of those in line"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			h, err := d.Leases.Unlock(ctx, req.Principal, args.Text("name"), args.Text("person"), args.Has("break"))
			if err != nil {
				return err
			}
			if h.Free() {
				req.Reply.Say(said(bold(h.Resource), " is free."))
			} else {
				req.Reply.Say(said(bold(h.Resource), " is ", bold(h.Lease.Person), "'s now."))
			}
			return nil
		},
	}
}

// queue declares /queue: to get in line for what another person holds.
func queue(d Deps) bot.Command {
	return bot.Command{
		Name:     "queue",
		Group:    groupTimes,
		Summary:  "Get in line for something that is held",
		Help:     "You hear when it is yours, and have it from then on for the time that you want. If it is free it is yours at once.",
		Examples: []string{"queue car", "queue car 1h", "queue --leave car"},
		Args: []bot.Arg{
			{Name: "leave", Flag: true, Kind: bot.ArgSwitch, Summary: "get out of the line"},
			{Name: "name", Kind: bot.ArgText, Required: true, Summary: "what you wait for"},
			{Name: "time", Kind: bot.ArgDuration, Summary: "for how long you want it, such as 20m"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			args, p := req.Call.Args, req.Principal
			name := args.Text("name")
			if args.Has("leave") {
				if err := d.Leases.Leave(ctx, p, name); err != nil {
					return err
				}
				req.Reply.Say(said(bold(p.Person()), " waits for ", bold(name), " no more."))
				return nil
			}
			h, err := d.Leases.Queue(ctx, p, req.Call, name, args.Duration("time"), false)
			if err != nil {
				return err
			}
			if h.Lease.Person == p.Person() {
				req.Reply.Say(yours(h))
				return nil
			}
			post := said(bold(p.Person()), fmt.Sprintf(": number %d in line for ", h.Place(p.Person())), bold(h.Resource), ", which is ", bold(h.Lease.Person), "'s "+h.Lasts()+".")
			post.Keyboard = &bot.Keyboard{Only: p.Account(), Rows: [][]bot.Button{{
				{Label: "Leave the line", Command: "queue", Args: bot.Args{"leave": {"true"}, "name": {h.Resource}}},
			}}}
			req.Reply.Say(post)
			return nil
		},
	}
}

func listLocks(ctx context.Context, d Deps, req bot.Request) error {
	all, err := d.Leases.List(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		req.Reply.Say(said("Nothing is held. ", code("/lock NAME"), " holds something for 20 minutes."))
		return nil
	}
	l := listing{more: "… and %d more."}
	var rows [][]bot.Button
	for _, h := range all {
		args := bot.Args{"name": {h.Resource}}
		var button bot.Button
		switch {
		case h.Free():
			l.add(bold(h.Resource), text(" · free\n"))
			button = bot.Button{Label: "Lock " + h.Resource, Command: "lock", Args: args}
		default:
			line := []bot.Span{bold(h.Resource), text(" · %s, %s", oneLine(h.Lease.Person), h.Lasts())}
			for i, w := range h.Queue {
				line = append(line, text(" · %d. %s", i+1, oneLine(w.Person)))
			}
			l.add(append(line, text("\n"))...)
			button = bot.Button{Label: "Queue for " + h.Resource, Command: "queue", Args: args}
			if h.Lease.Person == req.Principal.Person() {
				button = bot.Button{Label: "Give back " + h.Resource, Command: "unlock", Args: args}
			}
		}
		if len(rows) < buttonRows {
			rows = append(rows, []bot.Button{button})
		}
	}
	post := l.post()
	post.Keyboard = &bot.Keyboard{Only: req.Principal.Account(), Rows: rows}
	req.Reply.Say(post)
	return nil
}
