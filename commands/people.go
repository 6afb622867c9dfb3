package commands

import (
	"context"
	"fmt"
	"strings"

	"chapi/bot"
)

// people declares /people: who is let in.
func people(d Deps) bot.Command {
	const add, remove, role = "add", "remove", "role"
	return bot.Command{
		Name:    "people",
		Group:   groupPeople,
		Summary: "Show and change who may do what",
		Help: "Nobody is added from a chat: run chapi pair on the device and give the person the code, which is good for ten minutes. " +
			"People of the configuration file are changed there. Roles: viewer looks, user runs programs, operator steers those of others too, owner decides who may.",
		Examples: []string{"people", "people role ann operator", `people remove "Ann Lee"`, "people add"},
		Args: []bot.Arg{
			{Name: "action", Kind: bot.ArgChoice, Choices: []string{add, remove, role}, Summary: "none shows the list"},
			{Name: "name", Kind: bot.ArgText, Summary: "the person"},
			roleArg("with role: what they may do"),
		},
		Role:   bot.Owner,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			switch args := req.Call.Args; args.Text("action") {
			case add:
				return bot.Userf("People are let in on the device itself: run \"chapi pair --role user\" there and give them the code.")
			case remove:
				return removePerson(ctx, d, req, args.Text("name"))
			case role:
				return setRole(ctx, d, req, args.Text("name"), args.Text("role"))
			default:
				everyone, _ := d.Allowlist.Everyone()
				req.Reply.Say(personList(everyone))
				return nil
			}
		},
	}
}

// roleArg is a role that can be given.
func roleArg(summary string) bot.Arg {
	var names []string
	for r := bot.Viewer; r <= bot.Owner; r++ {
		names = append(names, r.String())
	}
	return bot.Arg{Name: "role", Kind: bot.ArgChoice, Choices: names, Summary: summary}
}

func removePerson(ctx context.Context, d Deps, req bot.Request, name string) error {
	person, err := findPerson(d.Allowlist, req.Principal, name, "/people remove NAME")
	if err != nil {
		return err
	}
	if err := d.Allowlist.RemovePerson(ctx, person.Name); err != nil {
		return err
	}
	req.Reply.Say(said(bold(person.Name), " is not let in any more. Their sessions go on: ", code("/ps --all"), " shows them."))
	return nil
}

func setRole(ctx context.Context, d Deps, req bot.Request, name, wanted string) error {
	person, err := findPerson(d.Allowlist, req.Principal, name, "/people role NAME ROLE")
	if err != nil {
		return err
	}
	role, err := bot.ParseRole(wanted)
	if err != nil {
		return bot.Userf("/people: say the role too: /people role %s viewer, user, operator or owner.", quoted(person.Name))
	}
	person.Role = role
	if err := d.Allowlist.SetPerson(ctx, person); err != nil {
		return err
	}
	req.Reply.Say(said(bold(person.Name), " is ", bold(role.String()), " now and may ", strings.ReplaceAll(rights[role], "you", "they"), "."))
	return nil
}

// findPerson is the person of that name, who must be somebody else: whoever
// could take their own rights away could leave the machine without an owner.
func findPerson(list Allowlist, asking bot.Principal, name, usage string) (bot.Person, error) {
	if name == "" {
		return bot.Person{}, bot.Userf("Whom? Usage: %s. /people lists everybody.", usage)
	}
	everyone, _ := list.Everyone()
	var names []string
	for _, person := range everyone {
		names = append(names, person.Name)
		if !strings.EqualFold(person.Name, name) {
			continue
		}
		if person.Name == asking.Person() {
			return bot.Person{}, bot.Userf("That is you. Another owner can do this, or whoever sits at the device.")
		}
		return person, nil
	}
	if near := bot.Near(name, names); len(near) > 0 {
		return bot.Person{}, bot.Userf("There is nobody called %s. Did you mean %s?", clip(name, 40), strings.Join(near, " or "))
	}
	return bot.Person{}, bot.Userf("There is nobody called %s. /people lists everybody.", clip(name, 40))
}

// personList shows everybody with their role and accounts.
func personList(everyone []bot.Person) bot.Post {
	if len(everyone) == 0 {
		return said("Nobody is let in. ", code("chapi pair"), " on the device makes a code for the first person.")
	}
	l := listing{more: "… and %d more."}
	for _, person := range everyone {
		line := []bot.Span{bold(oneLine(person.Name)), text(" · %s", person.Role)}
		for _, account := range person.Accounts {
			line = append(line, text(" · "), code(account.String()))
		}
		l.add(append(line, text("\n"))...)
	}
	return l.post()
}

// quoted is a name as it can be typed.
func quoted(name string) string { return joined([]string{name}) }

// chats declares /chats: the groups that are open to the people.
func chats(d Deps) bot.Command {
	const add, remove = "add", "remove"
	return bot.Command{
		Name:    "chats",
		Group:   groupPeople,
		Summary: "Show and change in which groups I answer",
		Help: "In a listed group the people of /people may do what their role allows, everybody else nothing. A role given here is the most that anybody may do there. " +
			"The ID is the group's as the network writes it; for another network than this one write it as /chats shows it, with the network in front. Private chats need no listing.",
		Examples: []string{"chats", "chats add -1001234567890", "chats add -1001234567890 user", "chats remove -1001234567890"},
		Args: []bot.Arg{
			{Name: "action", Kind: bot.ArgChoice, Choices: []string{add, remove}, Summary: "none shows the list"},
			{Name: "id", Kind: bot.ArgText, Summary: "the group"},
			roleArg("with add: the most that anybody may do there"),
		},
		Role:   bot.Owner,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			switch args := req.Call.Args; args.Text("action") {
			case add:
				return addChat(ctx, d, req, args.Text("id"), args.Text("role"))
			case remove:
				return removeChat(ctx, d, req, args.Text("id"))
			default:
				_, groups := d.Allowlist.Everyone()
				req.Reply.Say(chatList(groups))
				return nil
			}
		},
	}
}

func addChat(ctx context.Context, d Deps, req bot.Request, id, ceiling string) error {
	room, err := roomOf(id, req.Principal)
	if err != nil {
		return err
	}
	chat := bot.Chat{Name: string(room.Chat), Room: room}
	for _, listed := range chatsOf(d.Allowlist) {
		if listed.Room.Room() == room {
			chat.Name = listed.Name
		}
	}
	limit := "their roles hold there"
	if ceiling != "" {
		if chat.Ceiling, err = bot.ParseRole(ceiling); err != nil {
			return bot.Userf("/chats: %v.", err)
		}
		limit = "nobody is more than " + ceiling + " there"
	}
	if err := d.Allowlist.SetChat(ctx, chat); err != nil {
		return err
	}
	req.Reply.Say(said("I answer the people of ", code("/people"), " in ", code(room.String()), " now; ", limit, "."))
	return nil
}

func removeChat(ctx context.Context, d Deps, req bot.Request, id string) error {
	room, err := roomOf(id, req.Principal)
	if err != nil {
		return err
	}
	for _, listed := range chatsOf(d.Allowlist) {
		if listed.Room.Room() != room {
			continue
		}
		if err := d.Allowlist.RemoveChat(ctx, room); err != nil {
			return err
		}
		req.Reply.Say(said("I do not answer in ", code(room.String()), " any more."))
		return nil
	}
	return bot.Userf("The group %s is not listed. /chats shows which are.", clip(room.String(), 60))
}

func chatsOf(list Allowlist) []bot.Chat {
	_, groups := list.Everyone()
	return groups
}

// roomOf reads a group's id: on the principal's network, or with the network
// in front.
func roomOf(id string, p bot.Principal) (bot.Thread, error) {
	if id == "" {
		return bot.Thread{}, bot.Userf("Which group? Usage: /chats add ID [ROLE], /chats remove ID.")
	}
	if !strings.Contains(id, "/") {
		return bot.Thread{Adapter: p.Thread().Adapter, Chat: bot.ChatID(id)}, nil
	}
	room, err := bot.ParseThread(id)
	if err != nil || room.Adapter == "" || room.Chat == "" {
		return bot.Thread{}, &bot.UserError{Text: fmt.Sprintf("/chats: %q is no group: write its ID, or network/ID.", clip(id, 60)), Err: err}
	}
	return room.Room(), nil
}

// chatList shows the listed groups with their ceilings.
func chatList(groups []bot.Chat) bot.Post {
	if len(groups) == 0 {
		return said("I answer in no group, only in private chats. ", code("/chats add ID"), " opens one.")
	}
	l := listing{more: "… and %d more."}
	for _, c := range groups {
		line := []bot.Span{code(c.Room.Room().String())}
		if c.Name != "" && c.Name != string(c.Room.Chat) {
			line = append(line, text(" · %s", oneLine(c.Name)))
		}
		if c.Ceiling != bot.Nobody {
			line = append(line, text(" · at most %s", c.Ceiling))
		}
		l.add(append(line, text("\n"))...)
	}
	return l.post()
}
