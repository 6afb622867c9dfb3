package commands

import (
	"context"
	"maps"
	"slices"
	"strings"

	"chapi/bot"
	"chapi/commands/files"
)

// withFiles is /run or /term with the files of the message, or of the one that
// it answers, in the place of {file}. Without any arguments the file, or block of
// code, is what is to be run.
func withFiles(ctx context.Context, d Deps, req bot.Request, argv []string) (program, error) {
	what := program{argv: argv, title: joined(argv)}
	wants := len(argv) == 0 || slices.ContainsFunc(argv, func(arg string) bool { return strings.Contains(arg, placeholder) })
	brought := len(req.Call.Files) > 0 || req.Call.Args.Has("code")
	if !wants && !brought {
		return what, nil
	}
	var places []files.Place
	if brought || req.Call.ReplyTo != "" {
		a, err := area(ctx, d, req)
		if err == nil {
			places, err = given(ctx, d, req, a, wants)
		}
		if err != nil {
			return what, err
		}
	}
	switch {
	case len(places) == 0 && len(argv) == 0:
		return what, bot.Userf("/run: needs ARGV: the program and its arguments. For example: /run uname -a")
	case len(places) == 0:
		return what, bot.Userf("{file} stands for a file, and there is none. Send one with this as its caption, or reply to one with it.")
	case len(argv) > 0:
		what.argv = filled(argv, pathsOf(places))
		return what, nil
	}
	r, ok := byLanguage(d.Runners, req.Call.Args.Text("language"), req.Call.Args.Text("code"))
	if !ok {
		r, ok = runnerOf(d.Runners, places[0])
	}
	if !ok {
		return what, bot.Userf("Nothing is known to run %s. Name the program: /run PROGRAM {file}. Known are: %s.", oneLine(places[0].Name()), runnerNames(d.Runners))
	}
	return r.program(places[0]), nil
}

// given stores what came with the call: files, or a block of code. Those of a
// message that it answers count only where some are wanted.
func given(ctx context.Context, d Deps, req bot.Request, a files.Area, wanted bool) ([]files.Place, error) {
	if req.Call.Args.Has("code") {
		s, err := storeCode(ctx, d, req, a, req.Call.Args)
		return []files.Place{s.Place}, err
	}
	attached := req.Call.Files
	if wanted {
		var err error
		if attached, err = filesOf(ctx, d, req); err != nil {
			return nil, err
		}
	}
	all, err := receive(ctx, d, req, a, "", attached)
	if !wanted && len(all) > 0 { // the program does not tell of them
		req.Reply.Say(cards(d, a, all, ""))
	}
	var places []files.Place
	for _, s := range all {
		places = append(places, s.Place)
	}
	return places, err
}

// shellFiles is what the shell is given for a line. Files of the message never
// become part of the line: their paths are its arguments, and the first one is
// the variable FILE.
func shellFiles(ctx context.Context, d Deps, req *bot.Request, line string) ([]string, error) {
	argv := []string{"-c", line}
	wanted := strings.Contains(line, "$FILE") || strings.Contains(line, "${FILE}")
	if strings.Contains(line, placeholder) && (len(req.Call.Files) > 0 || req.Call.ReplyTo != "") {
		return nil, bot.Userf(`{file} is for /run. In a shell's line write "$FILE", with the quotes.`)
	}
	if len(req.Call.Files) == 0 && !(wanted && req.Call.ReplyTo != "") {
		return argv, nil
	}
	a, err := area(ctx, d, *req)
	if err != nil {
		return nil, err
	}
	places, err := given(ctx, d, *req, a, true)
	if err != nil || len(places) == 0 {
		return argv, err
	}
	argv = append(append(argv, "sh"), pathsOf(places)...)
	args := bot.Args{}
	maps.Copy(args, req.Call.Args)
	args["env"] = append(slices.Clone(args["env"]), "FILE="+places[0].Path())
	req.Call.Args = args
	return argv, nil
}

func pathsOf(places []files.Place) (paths []string) {
	for _, p := range places {
		paths = append(paths, p.Path())
	}
	return paths
}
