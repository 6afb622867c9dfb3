package commands

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"chapi/bot"
	"chapi/commands/files"
)

// Hidden commands behind buttons.
const (
	runFileCommand  = "runfile"
	saveCodeCommand = "savecode"
)

// codeBlock declares what a bare block of code is: a question what to do with it.
func codeBlock(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.CodeCommand,
		Group:   groupRun,
		Summary: "Ask what to do with a block of code",
		Role:    bot.User,
		Effect:  bot.Reads,
		Hidden:  true,
		Code:    true,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			if !args.Has("code") {
				return bot.Userf("There is no block of code. Put ``` in the lines before and behind it.")
			}
			offered, err := offer(ctx, d, req, args)
			if err != nil {
				return err
			}
			id := strconv.FormatInt(int64(req.Call.ID), 10)
			var row []bot.Button
			for _, r := range offered {
				row = append(row, button("Run "+r.Name, runFileCommand, "call", id, "runner", r.Name))
			}
			row = append(row, button("Save", saveCodeCommand, "call", id))
			post := said("Run it?")
			if len(offered) == 0 {
				post = said("Nothing here runs " + clip(oneLine(args.Text("language")), 30) + ". Save it?")
			}
			post.Keyboard = question(req, row...)
			req.Reply.Say(post)
			return nil
		},
	}
}

// maxOffers is how many runners are offered for code of an unknown language.
const maxOffers = 3

// offer is the runners that a block of code may be for, if their programs are
// there.
func offer(ctx context.Context, d Deps, req bot.Request, args bot.Args) ([]Runner, error) {
	if r, ok := byLanguage(d.Runners, args.Text("language"), args.Text("code")); ok {
		return []Runner{r}, nil
	}
	if args.Has("language") {
		return nil, nil
	}
	at, err := here(ctx, d, req.Principal)
	if err != nil {
		return nil, err
	}
	var there []Runner
	for _, r := range d.Runners {
		if _, err := at.program(r.Argv[0]); err == nil && len(there) < maxOffers {
			there = append(there, r)
		}
	}
	return there, nil
}

// runFile declares what the button Run does: a file, or a block of code of an
// earlier call, goes to its runner.
func runFile(d Deps) bot.Command {
	return bot.Command{
		Name:    runFileCommand,
		Group:   groupRun,
		Summary: "Run a file with the program for its kind",
		Args:    []bot.Arg{{Name: "path", Kind: bot.ArgText, Summary: "the file"}},
		Role:    bot.User,
		Effect:  bot.Changes,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			args := req.Call.Args
			if args.Has("call") {
				block, err := codeOf(ctx, d, req)
				if err != nil {
					return err
				}
				return runCode(ctx, d, req, a, block)
			}
			p, err := a.Find(args.Text("path"))
			if err == nil {
				_, err = p.Stat()
			}
			if err != nil {
				return unfiled(args.Text("path"), err)
			}
			return runPlace(ctx, d, req, p)
		},
	}
}

// runPlace starts a file's runner.
func runPlace(ctx context.Context, d Deps, req bot.Request, p files.Place) error {
	r, ok := runnerOf(d.Runners, p)
	if !ok {
		return bot.Userf("Nothing is known to run %s. Begin it with a line such as #!/usr/bin/env python3, or use /run PROGRAM {file}.", oneLine(p.Name()))
	}
	return launch(ctx, d, req, r.program(p))
}

// codeOf is the arguments of the call that had the block of code in it.
func codeOf(ctx context.Context, d Deps, req bot.Request) (bot.Args, error) {
	id, err := strconv.ParseInt(req.Call.Args.Text("call"), 10, 64)
	if err != nil {
		return nil, bot.Userf("There is no block of code. Send it again.")
	}
	c, err := d.Calls.Call(ctx, bot.CallID(id))
	if err != nil || c.Claim.Thread.Room() != req.Principal.Thread().Room() || !c.Args.Has("code") {
		return nil, &bot.UserError{Text: "That block of code is not on record any more. Send it again.", Err: err}
	}
	args := bot.Args{"code": c.Args.List("code"), "language": c.Args.List("language")}
	if name := req.Call.Args.Text("runner"); name != "" {
		args["language"] = []string{name}
	}
	return args, nil
}

// runCode stores a block of code and starts its runner.
func runCode(ctx context.Context, d Deps, req bot.Request, a files.Area, block bot.Args) error {
	r, ok := byLanguage(d.Runners, block.Text("language"), block.Text("code"))
	if !ok {
		what := "the block's language"
		if language := block.Text("language"); language != "" {
			what = clip(oneLine(language), 30)
		}
		return bot.Userf("Nothing is known to run %s. Begin the block with one of: %s.", what, runnerNames(d.Runners))
	}
	s, err := storeCode(ctx, d, req, a, block)
	if err != nil {
		return err
	}
	return launch(ctx, d, req, r.program(s.Place))
}

// storeCode makes a file of a block of code in the chat's folder "code", named by
// the number of the call.
func storeCode(ctx context.Context, d Deps, req bot.Request, a files.Area, block bot.Args) (files.Stored, error) {
	suffix := ".txt"
	if r, ok := byLanguage(d.Runners, block.Text("language"), block.Text("code")); ok && len(r.Suffixes) > 0 {
		suffix = r.Suffixes[0]
	}
	name := fmt.Sprintf("%d%s", req.Call.ID, suffix)
	content := strings.TrimSuffix(block.Text("code"), "\n") + "\n"
	dir, err := a.Target(filepath.Join(a.Inbox, "code"))
	if err != nil {
		return files.Stored{}, unfiled("code", err)
	}
	s, err := a.Put(ctx, dir, files.Upload{Name: name, Size: int64(len(content))}, strings.NewReader(content))
	return s, unfiled(name, err)
}

// saveCode declares what the button Save does.
func saveCode(d Deps) bot.Command {
	return bot.Command{
		Name:    saveCodeCommand,
		Group:   groupFiles,
		Summary: "Store a block of code as a file",
		Role:    bot.User,
		Effect:  bot.Changes,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			block, err := codeOf(ctx, d, req)
			if err != nil {
				return err
			}
			s, err := storeCode(ctx, d, req, a, block)
			if err != nil {
				return err
			}
			req.Reply.Say(card(d, a, stored{Stored: s}, ""))
			return nil
		},
	}
}
