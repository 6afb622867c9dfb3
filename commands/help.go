package commands

import (
	"context"
	"strings"

	"chapi/bot"
)

// help declares /help: a short list, or all about one command.
func help(table func() []bot.Command) bot.Command {
	return bot.Command{
		Name:     "help",
		Group:    groupLook,
		Summary:  "List the commands, or explain one",
		Examples: []string{"help", "help run", "help all"},
		Args:     []bot.Arg{{Name: "command", Kind: bot.ArgText, Summary: "which one; all says a line on each"}},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(_ context.Context, req bot.Request) error {
			name := strings.ToLower(strings.TrimLeft(req.Call.Args.Text("command"), "/"))
			switch name {
			case "":
				req.Reply.Say(overview(table(), req.Principal.Role()))
				return nil
			case "all":
				for _, post := range everything(table(), req.Principal.Role()) {
					req.Reply.Say(post)
				}
				return nil
			}
			c, err := asked(table(), name)
			if err != nil {
				return err
			}
			req.Reply.Say(manual(c, req.Principal.Role()))
			return nil
		},
	}
}

// asked is the command of that name or alias.
func asked(table []bot.Command, name string) (bot.Command, error) {
	var names []string
	for _, c := range table {
		for _, n := range append([]string{c.Name}, c.Aliases...) {
			if n == name {
				return c, nil
			}
		}
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	near := bot.Near(name, names)
	if len(near) == 0 {
		return bot.Command{}, bot.Userf("There is no command /%s. /help lists them.", clip(name, 40))
	}
	return bot.Command{}, bot.Userf("There is no command /%s. Did you mean /%s?", clip(name, 40), strings.Join(near, " or /"))
}

// overview is the names of the commands that the role may use.
func overview(table []bot.Command, role bot.Role) bot.Post {
	l := listing{more: "… and %d more."}
	for _, group := range groups {
		if names := within(table, group, role); len(names) > 0 {
			l.add(bold(group), text("  "))
			for _, c := range names {
				l.add(text("/%s  ", c.Name))
			}
			l.add(text("\n"))
		}
	}
	if role >= bot.User {
		l.add(text("\nText without a slash goes to the session that runs here; reply to one to choose it. "))
	}
	l.add(code("/help run"), text(" explains a command, "), code("/help all"), text(" says a line on each."))
	return l.post()
}

// everything is a line on each command that the role may use, in as few messages
// as it takes.
func everything(table []bot.Command, role bot.Role) []bot.Post {
	var posts []bot.Post
	l := listing{more: "… and %d more."}
	for _, group := range groups {
		part := listing{more: "… and %d more."}
		for _, c := range within(table, group, role) {
			if len(part.spans) == 0 {
				part.add(bold(group), text("\n"))
			}
			part.add(code("/"+shortUsage(c)), text(" – %s\n", c.Summary))
		}
		if len(part.spans) == 0 {
			continue
		}
		if l.units+part.units > maxAnswer {
			posts = append(posts, l.post())
			l = listing{more: l.more}
		}
		l.add(append(part.spans, text("\n"))...)
	}
	return append(posts, l.post())
}

// within is the commands of a group that the role may use.
func within(table []bot.Command, group string, role bot.Role) []bot.Command {
	var found []bot.Command
	for _, c := range table {
		if c.Group == group && !c.Hidden && role >= c.Role {
			found = append(found, c)
		}
	}
	return found
}

// manual is all about one command.
func manual(c bot.Command, role bot.Role) bot.Post {
	l := listing{more: "… and %d more."}
	l.add(code("/"+Usage(c)), text("\n\n%s.", c.Summary))
	if c.Help != "" {
		l.add(text(" %s", c.Help))
	}
	if role < c.Role {
		l.add(text("\n\nIt needs the role %s; you are %s here.", c.Role, role))
	}
	l.add(text("\n"))
	for _, a := range c.Args {
		l.add(text("\n"), code(argUsage(a)), text(" – %s", a.Summary))
		if len(a.Choices) > fewChoices {
			l.add(text(" (%s)", strings.Join(a.Choices, ", ")))
		}
	}
	if len(c.Args) > 0 {
		l.add(text("\n"))
	}
	for i, example := range c.Examples {
		if i == 0 {
			l.add(text("\nFor example"))
		}
		l.add(text("\n"), code("/"+example))
	}
	return l.post()
}

// Usage is the command with all that it takes, in a line: "ps [--all]".
func Usage(c bot.Command) string {
	parts := []string{c.Name}
	for _, a := range c.Args {
		word := argUsage(a)
		if !a.Required {
			word = "[" + word + "]"
		}
		if a.Many {
			word += "..."
		}
		parts = append(parts, word)
	}
	return strings.Join(parts, " ")
}

// shortUsage is Usage with many flags as one word.
func shortUsage(c bot.Command) string {
	const many = 3
	var flags, others []bot.Arg
	for _, a := range c.Args {
		if a.Flag {
			flags = append(flags, a)
		} else {
			others = append(others, a)
		}
	}
	if len(flags) < many {
		return Usage(c)
	}
	c.Args = others
	return strings.Replace(Usage(c), c.Name, c.Name+" [OPTIONS]", 1)
}

// fewChoices is how many choices a usage line spells out.
const fewChoices = 3

// argUsage is one argument as it is written.
func argUsage(a bot.Arg) string {
	value := strings.ToUpper(a.Name)
	switch a.Kind {
	case bot.ArgSwitch:
		value = ""
	case bot.ArgChoice:
		if len(a.Choices) <= fewChoices {
			value = strings.Join(a.Choices, "|")
		}
	case bot.ArgWords, bot.ArgRest:
		value += "..."
	case bot.ArgInt:
		if a.Flag {
			value = "N"
		}
	case bot.ArgDuration:
		value = "TIME"
	}
	if !a.Flag {
		return value
	}
	flag := "--" + a.Name
	if len(a.Name) == 1 {
		flag = "-" + a.Name
	}
	return strings.TrimSpace(flag + " " + value)
}

// Table is the commands as a Markdown table, for the README. Hidden ones are
// left out.
func Table(cmds []bot.Command) string {
	var out strings.Builder
	out.WriteString("| Command | Role | What it does |\n|---|---|---|\n")
	for _, group := range groups {
		for _, c := range cmds {
			if c.Group != group || c.Hidden {
				continue
			}
			// A bar would end the cell, even inside of code.
			usage := strings.ReplaceAll("/"+shortUsage(c), "|", `\|`)
			out.WriteString("| `" + usage + "` | " + c.Role.String() + " | " + strings.ReplaceAll(c.Summary, "|", `\|`) + " |\n")
		}
	}
	return out.String()
}
