package commands

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
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

// Runner runs files of some languages.
type Runner struct {
	Name      string   // such as "python3"
	Languages []string // as a block of code names them; Name is one too
	Suffixes  []string // of file names, such as ".py"
	// Argv is the program and its arguments; {file} in one of them is the file.
	Argv []string
}

// placeholder stands for a file in an argument.
const placeholder = "{file}"

// speaks reports whether the runner is for the language.
func (r Runner) speaks(language string) bool {
	same := func(name string) bool { return strings.EqualFold(name, language) }
	return same(r.Name) || slices.ContainsFunc(r.Languages, same)
}

// program is what runs a file.
func (r Runner) program(p files.Place) program {
	return program{argv: filled(r.Argv, []string{p.Path()}), title: r.Name + " " + p.Name()}
}

// filled puts files in the place of {file}: an argument that is that word
// becomes one for each file, within a longer one it is the first.
func filled(argv, paths []string) []string {
	var out []string
	for _, arg := range argv {
		if arg == placeholder {
			out = append(out, paths...)
			continue
		}
		out = append(out, strings.ReplaceAll(arg, placeholder, paths[0]))
	}
	return out
}

// byLanguage is the runner for a block of code: by the language it names, else
// by its first line.
func byLanguage(runners []Runner, language, code string) (Runner, bool) {
	for _, name := range []string{language, interpreter(code)} {
		i := slices.IndexFunc(runners, func(r Runner) bool { return name != "" && r.speaks(name) })
		if i >= 0 {
			return runners[i], true
		}
	}
	return Runner{}, false
}

// interpreter is the program that a first line such as "#!/usr/bin/env python3"
// names, without its folder; "" when there is none.
func interpreter(code string) string {
	first, _, _ := strings.Cut(code, "\n")
	line, ok := strings.CutPrefix(strings.TrimPrefix(first, "\ufeff"), "#!")
	if !ok {
		return ""
	}
	for _, word := range strings.Fields(line) {
		name := filepath.Base(word)
		if name == "env" || strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		return name
	}
	return ""
}

// headSize is how much of a file is read to find its first line, in bytes.
const headSize = 256

// runnerOf is the runner for a file: by its first line, or by its name.
func runnerOf(runners []Runner, p files.Place) (Runner, bool) {
	f, _, err := p.Open()
	if err != nil {
		return Runner{}, false
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, headSize))
	if r, ok := byLanguage(runners, "", string(head)); ok {
		return r, true
	}
	name := strings.ToLower(p.Name())
	i := slices.IndexFunc(runners, func(r Runner) bool {
		return slices.ContainsFunc(r.Suffixes, func(s string) bool { return strings.HasSuffix(name, strings.ToLower(s)) })
	})
	if i < 0 {
		return Runner{}, false
	}
	return runners[i], true
}

// runnerNames lists the runners, for people.
func runnerNames(runners []Runner) string {
	var names []string
	for _, r := range runners {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

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
		var paths []string
		for _, p := range places {
			paths = append(paths, p.Path())
		}
		what.argv = filled(argv, paths)
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
	var places []files.Place
	for _, s := range all {
		places = append(places, s.Place)
		if !wanted { // the program does not tell of it
			req.Reply.Say(card(d, a, s, ""))
		}
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
	argv = append(argv, "sh")
	for _, p := range places {
		argv = append(argv, p.Path())
	}
	args := bot.Args{}
	for name, values := range req.Call.Args {
		args[name] = values
	}
	args["env"] = append(slices.Clone(args["env"]), "FILE="+places[0].Path())
	req.Call.Args = args
	return argv, nil
}
