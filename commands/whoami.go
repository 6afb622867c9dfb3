package commands

import (
	"context"
	"slices"

	"chapi/bot"
)

// rights is what a role may do, in words.
var rights = map[bot.Role]string{
	bot.Viewer:   "look at status, sessions and their output",
	bot.User:     "run programs, and type into those that you started",
	bot.Operator: "run programs, and steer those of others too",
	bot.Owner:    "do everything, and decide who else may do what",
}

// whoami declares /whoami: who the asker is to me, and what that allows.
func whoami(d Deps) bot.Command {
	return bot.Command{
		Name:     "whoami",
		Group:    groupLook,
		Summary:  "Tell who you are here and what you may do",
		Examples: []string{"whoami"},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(_ context.Context, req bot.Request) error {
			p := req.Principal
			l := listing{}
			l.add(text("You are "), bold(p.Person()), text(", "), bold(p.Role().String()), text(" of %s here.\nYou may %s.\n", d.Device, rights[p.Role()]))
			if full := d.ownRole(p); full > p.Role() {
				l.add(text("Elsewhere you are %s: in this chat nobody is more than %s.\n", full, p.Role()))
			}
			if !p.May(bot.Owner) {
				l.add(text("An owner can change that with /people.\n"))
			}
			l.add(text("\nAccount "), code(p.Account().String()), text("\nChat "), code(p.Thread().String()))
			req.Reply.Say(l.post())
			return nil
		},
	}
}

// ownRole is what the person may do where no ceiling lowers it.
func (d Deps) ownRole(p bot.Principal) bot.Role {
	people, _ := d.Allowlist.Everyone()
	for _, person := range people {
		if person.Name == p.Person() && slices.Contains(person.Accounts, p.Account()) {
			return person.Role
		}
	}
	return bot.Nobody
}

// start declares /start, which networks send when somebody opens the chat.
func start(d Deps) bot.Command {
	return bot.Command{
		Name:     "start",
		Aliases:  []string{"pair"},
		Group:    groupLook,
		Summary:  "Say hello",
		Examples: []string{"start"},
		// A link to pair by sends its code with it. Whoever gets this far is an
		// owner already.
		Args:   []bot.Arg{{Name: "code", Kind: bot.ArgRest, Summary: "a pairing code"}},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Hidden: true,
		Run: func(_ context.Context, req bot.Request) error {
			p := req.Principal
			l := listing{}
			l.add(text("Hello %s, this is ", p.Person()), bold(d.Device), text(". You are %s here.\n\n", p.Role()))
			if req.Call.Args.Has("code") && p.May(bot.Owner) {
				l.add(text("You are let in already, so the code was not used.\n\n"))
			}
			if p.May(bot.User) {
				l.add(text("Try "), code("/run uname -a"), text(", "), code("/sh df -h | head"), text(" or "), code("/term"), text(". "))
			} else {
				l.add(text("Try "), code("/status"), text(" or "), code("/ps"), text(". "))
			}
			l.add(code("/help"), text(" lists everything."))
			req.Reply.Say(l.post())
			return nil
		},
	}
}
