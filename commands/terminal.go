package commands

import (
	"context"
	"strings"

	"chapi/bot"
)

// Terminals is how sessions' terminals look, and who types into them. Errors
// for the person are *bot.UserError.
type Terminals interface {
	// Window is what the session's terminal shows now.
	Window(ctx context.Context, p bot.Principal, id bot.SessionID) (bot.Window, error)
	// Show, Pan and Keypage choose how it is shown in its chat: as what, from
	// which column on (in steps, < 0 to the left), with which keys below it.
	Show(ctx context.Context, p bot.Principal, id bot.SessionID, view bot.ViewKind) error
	Pan(ctx context.Context, p bot.Principal, id bot.SessionID, steps int) error
	Keypage(ctx context.Context, p bot.Principal, id bot.SessionID, page string) error
}

// Keyboards is who types into a session.
type Keyboards interface {
	// Give hands the keyboard to a person; "" gives it back to the starter.
	Give(ctx context.Context, p bot.Principal, id bot.SessionID, person string) error
	// Holder is who has the keyboard of a live session, by name.
	Holder(ctx context.Context, s bot.Session) string
	// AskPrivately asks the person in private for the secret that the session's
	// program wants.
	AskPrivately(ctx context.Context, p bot.Principal, id bot.SessionID) error
	// Erase deletes the message of a call, which was a secret.
	Erase(ctx context.Context, c bot.Call) error
	// MayType says why the person may not type into the live session.
	MayType(ctx context.Context, p bot.Principal, id bot.SessionID) error
}

// views are the words for the ways to show a terminal.
var views = map[string]bot.ViewKind{
	"auto": bot.ViewAuto, "lines": bot.ViewLines, "text": bot.ViewText, "picture": bot.ViewPicture,
}

// view declares /view: how a terminal is shown.
func view(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.ViewCommand,
		Group:   groupSteer,
		Summary: "Show a terminal as lines, as text or as a picture",
		Help: "auto shows lines while they scroll, and the whole window while a program such as vim or htop has taken it over. " +
			"text and picture show the window in any case, picture with its colours.",
		Examples: []string{"view picture", "view auto", "view lines 12"},
		Args: []bot.Arg{
			{Name: "pan", Flag: true, Kind: bot.ArgChoice, Choices: []string{"left", "right"}, Summary: "move a wide window to the side"},
			{Name: "keys", Flag: true, Kind: bot.ArgChoice, Choices: []string{"main", "f"}, Summary: "the keys below it: those for every day, or F1 to F12"},
			{Name: "kind", Kind: bot.ArgChoice, Choices: []string{"auto", "lines", "text", "picture"}, Summary: "how to show it"},
			sessionArg(),
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			args, p := req.Call.Args, req.Principal
			switch {
			case args.Text("pan") == "left":
				return d.Terminals.Pan(ctx, p, s.ID, -1)
			case args.Has("pan"):
				return d.Terminals.Pan(ctx, p, s.ID, 1)
			case args.Has("keys"):
				return d.Terminals.Keypage(ctx, p, s.ID, args.Text("keys"))
			case args.Has("kind"):
				return d.Terminals.Show(ctx, p, s.ID, views[args.Text("kind")])
			}
			return bot.Userf("/view: say how: auto, lines, text or picture.")
		},
	}
}

// shot declares /shot: a picture of a terminal or a display, now.
func shot(d Deps) bot.Command {
	return bot.Command{
		Name:     "shot",
		Group:    groupLook,
		Summary:  "Send a picture of a terminal or display as it is now",
		Examples: []string{"shot", "shot 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if d.Displays.Has(s) {
				return sendDisplay(ctx, d, req, s)
			}
			window, err := d.Terminals.Window(ctx, req.Principal, s.ID)
			if err != nil {
				return err
			}
			return sendPicture(d, req, string(s.ID)+".png", said(code(titleOf(s))), window.Picture)
		},
	}
}

// give declares /give: who types into a session.
func give(d Deps) bot.Command {
	return bot.Command{
		Name:     "give",
		Group:    groupSteer,
		Summary:  "Give a session's keyboard to somebody",
		Help:     "From then on only they type into it, and the others watch, until they give it on or you /take it back.",
		Examples: []string{"give ben", "give ben 12"},
		Args:     []bot.Arg{{Name: "person", Kind: bot.ArgText, Required: true, Summary: "a name; /people lists them"}, sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			person, err := typist(d, req.Call.Args.Text("person"))
			if err != nil {
				return err
			}
			if err := d.Keyboards.Give(ctx, req.Principal, s.ID, person); err != nil {
				return err
			}
			req.Reply.Say(said(person, " has the keyboard of ", code(titleOf(s)), " now. ", code("/take "+string(s.ID)), " takes it back."))
			return nil
		},
	}
}

// take declares /take: the keyboard comes back.
func take(d Deps) bot.Command {
	return bot.Command{
		Name:     "take",
		Group:    groupSteer,
		Summary:  "Take a session's keyboard back",
		Help:     "Of your own session, or, as an operator, of anybody's.",
		Examples: []string{"take", "take 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if err := d.Keyboards.Give(ctx, req.Principal, s.ID, req.Principal.Person()); err != nil {
				return err
			}
			req.Reply.Say(said("You have the keyboard of ", code(titleOf(s)), " now."))
			return nil
		},
	}
}

// askKeyboard declares what the button “Ask for the keyboard” does: whoever has it is
// asked, and can give it by a button that is theirs.
func askKeyboard(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.AskCommand,
		Group:   groupSteer,
		Summary: "Ask for the keyboard of a session",
		Args:    []bot.Arg{sessionArg()},
		Role:    bot.User,
		Effect:  bot.Changes,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if d.Keyboards.MayType(ctx, req.Principal, s.ID) == nil {
				return bot.Userf("The keyboard of session %s is yours already.", s.ID)
			}
			holder, person := d.Keyboards.Holder(ctx, s), req.Principal.Person()
			account, ok := accountOf(d, holder, s, req.Principal.Thread().Adapter)
			if !ok || req.Call.Claim.Direct { // where only the asker would read it
				return bot.Userf("%s cannot be asked here; they can /give %s %s.", holder, person, s.ID)
			}
			post := said(holder, ": ", person, " asks for the keyboard of ", code(titleOf(s)), ".")
			post.Keyboard = &bot.Keyboard{
				Once: true, Only: account, Asked: req.Call.ID,
				Rows: [][]bot.Button{{{Label: "Give it to " + clip(person, 20), Command: "give", Args: bot.Args{"person": {person}, "session": {string(s.ID)}}}}},
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// accountOf is the account on a network of a person who has a session's
// keyboard.
func accountOf(d Deps, name string, s bot.Session, adapter string) (bot.Account, bool) {
	people, _ := d.Allowlist.Everyone()
	for _, p := range people {
		for _, a := range p.Accounts {
			if p.Name == name && a.Adapter == adapter {
				return a, true
			}
		}
	}
	// Who is here by a role of the network is on no list.
	return s.Claim.Account, name == s.Person && s.Claim.Account.Adapter == adapter
}

// typist is the listed person of that name, if they may type at all.
func typist(d Deps, name string) (string, error) {
	people, _ := d.Allowlist.Everyone()
	var names []string
	for _, p := range people {
		if strings.EqualFold(p.Name, name) {
			if p.Role < bot.User {
				return "", bot.Userf("%s is %s, and typing needs the role %s. /people role %s %s changes that.", p.Name, p.Role, bot.User, p.Name, bot.User)
			}
			return p.Name, nil
		}
		names = append(names, p.Name)
	}
	if near := bot.Near(name, names); len(near) > 0 {
		return "", bot.Userf("There is nobody called %s. Did you mean %s?", clip(name, 30), near[0])
	}
	return "", bot.Userf("There is nobody called %s. /people lists who there is.", clip(name, 30))
}

// secret declares what the button “Answer in private” does.
func secret(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.SecretCommand,
		Group:   groupSteer,
		Summary: "Answer a program's question for a secret in private",
		Args:    []bot.Arg{sessionArg()},
		Role:    bot.User,
		Effect:  bot.Changes,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			return d.Keyboards.AskPrivately(ctx, req.Principal, s.ID)
		},
	}
}
