package commands

import (
	"context"
	"time"

	"chapi/bot"
	"chapi/commands/files"
)

const (
	removeCommand = "delete"
	// maxRemoved is how many files one question can be about: each is shown.
	maxRemoved = 20
)

// rm declares /rm: files go, after a question that shows exactly which.
func rm(d Deps) bot.Command {
	return bot.Command{
		Name:     "rm",
		Group:    groupFiles,
		Summary:  "Delete files or folders, after asking",
		Help:     "The question shows each of them, and its buttons are yours alone, for two minutes. What has changed by then is not deleted.",
		Examples: []string{"rm old.log", "rm *.tmp", "rm photos/2019"},
		Args:     []bot.Arg{{Name: "paths", Kind: bot.ArgWords, Required: true, Summary: "files, folders or patterns"}},
		Role:     bot.User,
		Effect:   bot.Reads, // it only asks
		Run: func(ctx context.Context, req bot.Request) error {
			a, places, err := meantIn(ctx, d, req)
			if err != nil {
				return err
			}
			if len(places) > maxRemoved {
				return bot.Userf("These are %d; at most %d are deleted at once. Delete a whole folder by its name.", len(places), maxRemoved)
			}
			yes := button("Delete", removeCommand)
			l := listing{more: "\n… and %d more"}
			l.add(text("Delete?"))
			for _, p := range places {
				line, mark, err := doomed(a, p)
				if err != nil {
					return unfiled(p.Name(), err)
				}
				l.add(text("\n"), code(short(a, p.Path())), text("%s", line))
				yes.Args["paths"] = append(yes.Args["paths"], p.Path())
				yes.Args["marks"] = append(yes.Args["marks"], mark)
			}
			if l.left > 0 {
				return bot.Userf("These are too many to show, and nothing is deleted that was not shown. Name fewer.")
			}
			post := l.post()
			post.Keyboard = question(req, yes, button("Keep", bot.DropCommand))
			req.Reply.Say(post)
			return nil
		},
	}
}

// doomed is what a question says of a place besides its path, and its mark.
func doomed(a files.Area, p files.Place) (line, mark string, err error) {
	info, err := p.Stat()
	switch {
	case err != nil:
		return "", "", err
	case !p.Writable():
		return "", "", files.ErrReadOnly
	case p.IsRoot():
		return "", "", bot.Userf("%s is open to you itself, and stays. Name what is in it.", short(a, p.Path()))
	case info.Dir:
		n, bytes, err := p.Usage()
		if err != nil {
			return "", "", err
		}
		return text(" – a folder with %s, %s", counted(n, "file", "files"), sized(bytes)).Text, info.Mark, nil
	}
	return text(" – %s, %s", sized(info.Size), moment(info.Modified, time.Now())).Text, info.Mark, nil
}

// remove declares what the question's button does.
func remove(d Deps) bot.Command {
	return bot.Command{
		Name:    removeCommand,
		Group:   groupFiles,
		Summary: "Delete what a question showed",
		Role:    bot.User,
		Effect:  bot.Changes,
		Timeout: transferTime,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			paths, marks := req.Call.Args.List("paths"), req.Call.Args.List("marks")
			if len(paths) == 0 || len(marks) != len(paths) {
				return bot.Userf("/rm deletes, after asking. For example: /rm old.log")
			}
			for i, path := range paths {
				p, err := a.Find(path)
				if err == nil {
					err = p.Remove(marks[i])
				}
				if err != nil {
					if i > 0 {
						req.Reply.Say(said(text("Deleted %d of %d.", i, len(paths))))
					}
					return unfiled(short(a, path), err)
				}
			}
			req.Reply.Say(said("Deleted ", code(short(a, paths[0])), others(len(paths)-1), "."))
			return nil
		},
	}
}

func others(n int) string {
	if n == 0 {
		return ""
	}
	return " and " + counted(n, "other", "others")
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return text("%d %s", n, many).Text
}
