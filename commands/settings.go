package commands

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chapi/bot"
)

// cd declares /cd: the folder that a chat's programs start in.
func cd(d Deps) bot.Command {
	return bot.Command{
		Name:     "cd",
		Group:    groupSetUp,
		Summary:  "Show or change the folder that programs start in",
		Help:     "It holds for this chat from now on, for everybody in it. A relative path begins at the present folder, ~ is the home folder. Programs that run already stay where they are.",
		Examples: []string{"cd", "cd /var/log", "cd ~", `cd "My Documents"`},
		Args:     []bot.Arg{{Name: "dir", Kind: bot.ArgText, Summary: "the folder; none shows the present one"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			at, err := here(ctx, d, req.Principal)
			if err != nil {
				return err
			}
			if !req.Call.Args.Has("dir") {
				req.Reply.Say(said("Programs of this chat start in ", code(at.dir), "."))
				return nil
			}
			dir, err := at.folder(req.Call.Args.Text("dir"))
			if err != nil {
				return err
			}
			if err := d.Settings.Set(ctx, at.scope, dirSetting, dir); err != nil {
				return fmt.Errorf("set folder of %s: %w", at.scope, err)
			}
			req.Reply.Say(said(code(dir)))
			return nil
		},
	}
}

// env declares /env: what a chat adds to the environment of its programs.
func env(d Deps) bot.Command {
	return bot.Command{
		Name:     "env",
		Group:    groupSetUp,
		Summary:  "Show or change this chat's environment variables",
		Help:     "NAME=value sets a variable for the programs that this chat starts from now on, -NAME takes it away again. Everybody in the chat can see the values: it is no place for passwords.",
		Examples: []string{"env", "env LANG=C.UTF-8", `env GREETING="hello world" -LANG`},
		Args:     []bot.Arg{{Name: "changes", Kind: bot.ArgWords, Summary: "NAME=value or -NAME, as many as you like; none shows them"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			at, err := here(ctx, d, req.Principal)
			if err != nil {
				return err
			}
			if req.Call.Args.Has("changes") {
				if err := at.change(ctx, d.Settings, req.Call.Args.List("changes")); err != nil {
					return err
				}
			}
			req.Reply.Say(at.variables())
			return nil
		},
	}
}

// change sets and removes variables of the chat: all of them, or none if one
// is wrong.
func (at place) change(ctx context.Context, settings bot.Settings, changes []string) error {
	wanted := map[string]string{} // "" removes
	for _, change := range changes {
		if name, remove := strings.CutPrefix(change, "-"); remove {
			if _, set := at.own[name]; !set && wanted[name] == "" {
				return bot.Userf("This chat has not set %s. /env shows what it has.", clip(name, 40))
			}
			wanted[name] = ""
			continue
		}
		name, value, err := variable(change)
		if err != nil {
			return err
		}
		if value == "" {
			return bot.Userf("%s needs a value. /env -%s takes it away; /sh %s= COMMAND runs one command with it empty.", name, name, name)
		}
		wanted[name] = value
	}
	after := maps.Clone(at.own)
	maps.Copy(after, wanted)
	maps.DeleteFunc(after, func(_, value string) bool { return value == "" })
	if len(after) > maxVariables {
		return bot.Userf("A chat can have %d variables; that would be %d. /env -NAME takes one away.", maxVariables, len(after))
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		if err := settings.Set(ctx, at.scope, envSettings+name, wanted[name]); err != nil {
			return fmt.Errorf("set variable %s of %s: %w", name, at.scope, err)
		}
	}
	clear(at.own)
	maps.Copy(at.own, after)
	return nil
}

// variables shows what the chat has set.
func (at place) variables() bot.Post {
	if len(at.own) == 0 {
		return said("This chat adds nothing to the environment. ", code("/env NAME=value"), " does.")
	}
	l := listing{more: "\n… and %d more."}
	for i, name := range slices.Sorted(maps.Keys(at.own)) {
		line := name + "=" + clip(oneLine(at.own[name]), 200)
		if i > 0 {
			line = "\n" + line
		}
		l.add(bot.Span{Style: bot.Pre, Text: line})
	}
	return l.post()
}

// shell declares /shell: what reads the lines of /sh and /term in a chat.
func shell(d Deps) bot.Command {
	const standard = "default"
	return bot.Command{
		Name:     "shell",
		Group:    groupSetUp,
		Summary:  "Show or choose the shell of /sh and /term",
		Help:     "It holds for this chat from now on. The word default goes back to the one that the device is configured with. /sh calls it as SHELL -c LINE.",
		Examples: []string{"shell", "shell bash", "shell /usr/bin/fish", "shell default"},
		Args:     []bot.Arg{{Name: "path", Kind: bot.ArgText, Summary: "a program, or default; none shows the present one"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			at, err := here(ctx, d, req.Principal)
			if err != nil {
				return err
			}
			path := req.Call.Args.Text("path")
			switch path {
			case "":
				req.Reply.Say(said("The shell of this chat is ", code(at.shell), "."))
				return nil
			case standard:
				path = ""
			default:
				if path, err = at.program(path); err != nil {
					return err
				}
			}
			if err := d.Settings.Set(ctx, at.scope, shellSetting, path); err != nil {
				return fmt.Errorf("set shell of %s: %w", at.scope, err)
			}
			req.Reply.Say(said("The shell of this chat is ", code(cmp.Or(path, d.standardShell())), " now."))
			return nil
		},
	}
}
