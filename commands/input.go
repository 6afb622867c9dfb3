package commands

import (
	"context"

	"chapi/bot"
)

// Commands that type into a session stay in the thread's ordinary lane
// (bot.Command.Control is false): they must not overtake the /term in front of
// them, nor one another.

// sessionArg is the session that a command is about. Without it, it is the one
// that the message replies to, or the one that the chat's text goes to.
func sessionArg() bot.Arg {
	return bot.Arg{Name: "session", Kind: bot.ArgSession, Summary: "its number or name; none: the one you reply to, or the one that runs here"}
}

// in declares /in: text without an Enter behind it.
func in(d Deps) bot.Command {
	return bot.Command{
		Name:     "in",
		Aliases:  []string{"type"},
		Group:    groupSteer,
		Summary:  "Type text into a session, without Enter",
		Help:     "Everything behind the first blank goes to the program just as it is. Plain text without a slash does the same and presses Enter. What a /gui has started gets it in its window.",
		Examples: []string{"in y", "type :wq"},
		Args:     []bot.Arg{{Name: "text", Kind: bot.ArgRest, Required: true, Summary: "what to type"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			text := req.Call.Args.Text("text")
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if d.Displays.Has(s) {
				if err := d.Keyboards.MayType(ctx, req.Principal, s.ID); err != nil {
					return err
				}
				return d.Displays.Type(ctx, s.ID, text)
			}
			return d.Sessions.Control(ctx, req.Principal, s.ID, bot.Control{Input: []byte(text)})
		},
	}
}

// input declares what a message without a slash is: lines for a session.
func input(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.InputCommand,
		Group:   groupSteer,
		Summary: "Type lines into a session; plain text does this by itself",
		Args: []bot.Arg{
			{Name: "text", Kind: bot.ArgRest, Required: true, Summary: "the lines"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Hidden: true,
		Run: func(ctx context.Context, req bot.Request) error {
			if req.Call.Args.Has("secret") {
				// First of all it must not stay to be read; that it was one is said
				// only here.
				if err := d.Keyboards.Erase(ctx, req.Call); err != nil {
					req.Reply.Say(bot.Plainf("%s", err))
				}
			}
			return d.Sessions.Type(ctx, req.Principal, req.Call)
		},
	}
}

// eof declares /eof: the end of a program's input.
func eof(d Deps) bot.Command {
	return bot.Command{
		Name:     "eof",
		Group:    groupSteer,
		Summary:  "End a session's input, as ^D does",
		Examples: []string{"eof", "eof 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{EOF: true} })
		},
	}
}

// steer finds the session that a call is about and gives it an order. What
// worked is not answered: its effect is seen in the session.
func steer(ctx context.Context, d Deps, req bot.Request, order func(bot.Session) bot.Control) error {
	s, err := find(ctx, d, req)
	if err != nil {
		return err
	}
	return d.Sessions.Control(ctx, req.Principal, s.ID, order(s))
}

// find is the session that a call is about.
func find(ctx context.Context, d Deps, req bot.Request) (bot.Session, error) {
	return d.Sessions.Find(ctx, req.Principal, req.Call.Args.Text("session"), req.Call.Session)
}
