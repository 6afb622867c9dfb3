package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// Bounds of a terminal's window, in cells.
const (
	minCells, maxCols, maxRows = 2, 500, 300
	usualCols, usualRows       = 80, 24
)

// startTime bounds the start of a program, once its files are there.
const startTime = 30 * time.Second

// maxTitle is how long a session's title is at most, in characters.
const maxTitle = 200

// options are the flags of every command that starts a program.
func options() []bot.Arg {
	return []bot.Arg{
		{Name: "pty", Flag: true, Kind: bot.ArgSwitch, Summary: "run it in a terminal"},
		{Name: "no-pty", Flag: true, Kind: bot.ArgSwitch, Summary: "run it with pipes, which keep standard error apart"},
		{Name: "dir", Flag: true, Kind: bot.ArgText, Summary: "start in this folder instead of the chat's"},
		{Name: "env", Flag: true, Kind: bot.ArgText, Many: true, Summary: "NAME=value for its environment; may be repeated"},
		{Name: "timeout", Flag: true, Kind: bot.ArgDuration, Summary: "stop it after this long, such as 90s or 2h"},
		{Name: "cols", Flag: true, Kind: bot.ArgInt, Min: minCells, Max: maxCols, Summary: "width of its window"},
		{Name: "rows", Flag: true, Kind: bot.ArgInt, Min: minCells, Max: maxRows, Summary: "height of its window"},
		{Name: "name", Flag: true, Kind: bot.ArgText, Summary: "call it this instead of by its number"},
		{Name: "lock", Flag: true, Kind: bot.ArgText, Summary: "hold this while it runs; refused if another person does"},
		{Name: "wait", Flag: true, Kind: bot.ArgSwitch, Summary: "with --lock: get in line, and be asked when it is yours"},
		{Name: "quiet", Flag: true, Kind: bot.ArgSwitch, Summary: "say only how it ended"},
	}
}

// run declares /run: a program with its arguments, without a shell.
func run(d Deps) bot.Command {
	return bot.Command{
		Name:    "run",
		Group:   groupRun,
		Summary: "Run a program; no shell has a hand in it",
		Help: "Quotes and backslashes group words as in a shell, but variables, wildcards, pipes and redirections mean nothing here: /sh runs a line with those. " +
			"Output comes as the program makes it. Answer the output to type into the program; /stop ends it. What follows the program's name is for the program, flags too. " +
			"With a file, or in reply to one, {file} stands for where it is put. A block of code, or a script alone, is run by what its language, name or first line says.",
		Examples: []string{"run uname -a", "run --dir /var/log ls -l", "run --lock ttyUSB0 ./flash.sh", `run --timeout 10m --env LANG=C --name backup rsync -a "My Files/" /mnt/backup/`},
		Args:     append(options(), bot.Arg{Name: "argv", Kind: bot.ArgWords, Summary: "the program and its arguments; none: a file or block of code in the message"}),
		Role:     bot.User,
		Effect:   bot.Changes,
		Timeout:  transferTime,
		Files:    true,
		Code:     true,
		Run: func(ctx context.Context, req bot.Request) error {
			what, err := withFiles(ctx, d, req, req.Call.Args.List("argv"))
			if err != nil {
				return err
			}
			return launch(ctx, d, req, what)
		},
	}
}

// sh declares /sh: a line for the chat's shell.
func sh(d Deps) bot.Command {
	return bot.Command{
		Name:     "sh",
		Group:    groupRun,
		Summary:  "Run a line in the shell",
		Help:     "The whole line goes to the chat's shell just as you typed it: pipes, wildcards, variables and several lines are fine. Each /sh is a new shell, so cd in it lasts only for the line; /cd changes the chat's folder. A file in the message is put away, and \"$FILE\" in the line is where.",
		Examples: []string{"sh df -h | grep -v tmpfs", "sh --timeout 5m make 2>&1 | tail -n 20", `sh for f in *.log; do wc -l "$f"; done`},
		Args:     append(options(), bot.Arg{Name: "line", Kind: bot.ArgRest, Required: true, Summary: "what the shell is to run"}),
		Role:     bot.User,
		Effect:   bot.Changes,
		Timeout:  transferTime,
		Files:    true,
		Run: func(ctx context.Context, req bot.Request) error {
			line := req.Call.Args.Text("line")
			argv, err := shellFiles(ctx, d, &req, line)
			if err != nil {
				return err
			}
			return launch(ctx, d, req, program{shell: true, argv: argv, title: line})
		},
	}
}

// term declares /term: a program in a terminal of its own to talk to.
func term(d Deps) bot.Command {
	return bot.Command{
		Name:     "term",
		Group:    groupRun,
		Summary:  "Open a terminal to type into",
		Help:     "It runs the chat's shell, or the program that you name. What you write without a slash goes to it line by line; /in sends text without Enter, /key sends keys, // at the beginning sends a single /. /detach lets it run on by itself, /stop ends it.",
		Examples: []string{"term", "term python3", "term --cols 100 --rows 30 htop", "term --name work"},
		Args:     append(options(), bot.Arg{Name: "argv", Kind: bot.ArgWords, Summary: "the program and its arguments; none: the shell"}),
		Role:     bot.User,
		Effect:   bot.Changes,
		Attended: true,
		Timeout:  transferTime,
		Files:    true,
		Run: func(ctx context.Context, req bot.Request) error {
			argv := req.Call.Args.List("argv")
			what := program{shell: true}
			if len(argv) > 0 {
				var err error
				if what, err = withFiles(ctx, d, req, argv); err != nil {
					return err
				}
			}
			what.terminal = true
			return launch(ctx, d, req, what)
		},
	}
}

// program is what one of the commands above wants to be started.
type program struct {
	shell    bool     // the chat's shell is the program, argv its arguments
	argv     []string // otherwise the program and its arguments
	title    string   // "" = the shell's name
	terminal bool     // in a terminal unless told otherwise, and interactive
}

// launch starts a program as the call's options say. Nothing is answered: the
// session's own page is the answer.
func launch(ctx context.Context, d Deps, req bot.Request, what program) error {
	at, err := here(ctx, d, req.Principal)
	if err != nil {
		return err
	}
	o, err := opening(at, req.Call.Args, what)
	if err != nil {
		return err
	}
	_, err = begin(ctx, req, o)
	return err
}

// begin opens a session within a bounded time.
func begin(ctx context.Context, req bot.Request, o bot.Opening) (bot.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	s, err := req.Reply.Open(ctx, o)
	if errors.Is(err, context.DeadlineExceeded) {
		return s, &bot.UserError{Text: "It did not start within " + lasted(startTime) + " and was given up. /status tells how the machine is.", Err: err}
	}
	return s, err
}

var sessionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// opening fills the template of the place in.
func opening(at place, args bot.Args, what program) (bot.Opening, error) {
	o := bot.Opening{Name: args.Text("name"), Interactive: what.terminal, Quiet: args.Has("quiet")}
	if o.Name != "" && !sessionName.MatchString(o.Name) {
		return o, bot.Userf("%q cannot be a name: take up to 32 lower-case letters, digits and -, a letter first.", clip(o.Name, 40))
	}
	if o.Lock, o.Wait = args.Text("lock"), args.Has("wait"); o.Wait && o.Lock == "" {
		return o, bot.Userf("--wait needs --lock NAME: what is it to wait for?")
	}
	if args.Has("pty") && args.Has("no-pty") {
		return o, bot.Userf("--pty and --no-pty exclude each other. Give one of them.")
	}
	spec := at.template
	spec.Argv = what.argv
	if what.shell {
		spec.Argv = append([]string{at.shell}, what.argv...)
	}
	if len(spec.Argv) == 0 || spec.Argv[0] == "" {
		return o, bot.Userf("There is no program to run. Try /run uname -a.")
	}
	o.Title = clip(oneLine(cmp.Or(what.title, filepath.Base(spec.Argv[0]))), maxTitle)

	var err error
	if spec.Dir, err = at.folder(cmp.Or(args.Text("dir"), at.dir)); err != nil {
		if !args.Has("dir") {
			return o, &bot.UserError{Text: "This chat's folder, " + at.dir + ", is gone. /cd ~ goes home.", Err: err}
		}
		return o, err
	}
	if spec.Timeout, err = timeout(spec.Timeout, args.Duration("timeout")); err != nil {
		return o, err
	}
	spec.PTY = (what.terminal || args.Has("pty")) && !args.Has("no-pty")
	spec.Size = bot.Size{
		Cols: cmp.Or(uint16(args.Int("cols")), spec.Size.Cols, usualCols),
		Rows: cmp.Or(uint16(args.Int("rows")), spec.Size.Rows, usualRows),
	}
	for _, given := range args.List("env") {
		if _, _, err := variable(given); err != nil {
			return o, err
		}
	}
	spec.Env = at.environment(window(spec.PTY, args), args.List("env"))
	o.Spec = spec
	return o, nil
}

// window is the environment that tells a program what it writes to. Under a
// terminal there is no size in it: programs would believe that more than the
// terminal itself, and not notice a resize.
func window(pty bool, args bot.Args) []string {
	if pty {
		return []string{"TERM=xterm-256color"}
	}
	env := []string{"TERM=dumb"}
	if args.Has("cols") {
		env = append(env, "COLUMNS="+strconv.Itoa(args.Int("cols")))
	}
	if args.Has("rows") {
		env = append(env, "LINES="+strconv.Itoa(args.Int("rows")))
	}
	return env
}

// timeout is the wished time limit within the configured one; 0 = none.
func timeout(limit, wish time.Duration) (time.Duration, error) {
	switch {
	case wish == 0:
		return limit, nil
	case limit > 0 && wish > limit:
		return 0, bot.Userf("--timeout can be %s here at most.", lasted(limit))
	}
	return wish, nil
}

// again declares /again: the person's last program once more.
func again(d Deps, table func() []bot.Command) bot.Command {
	return bot.Command{
		Name:     "again",
		Group:    groupRun,
		Summary:  "Run your last /run, /sh, /term or /gui once more",
		Help:     "With the same words and options, in the folder and environment that the chat has now.",
		Examples: []string{"again"},
		Role:     bot.User,
		Effect:   bot.Changes,
		Attended: true,
		Timeout:  transferTime,
		Run: func(ctx context.Context, req bot.Request) error {
			last, ok, err := lastStart(ctx, d.Calls, req)
			if err != nil {
				return err
			}
			if !ok {
				return bot.Userf("You have run nothing here yet. Try /run uname -a.")
			}
			c, ok := named(table(), last.Command)
			if !ok {
				return fmt.Errorf("repeat call %d: no command %q is declared", last.ID, last.Command)
			}
			req.Call.Command, req.Call.Args = last.Command, last.Args
			req.Call.Files, req.Call.ReplyTo = last.Files, last.ReplyTo
			return c.Run(ctx, req)
		},
	}
}

// lastStart is the newest call of the person in this chat that started, or
// tried to start, a program.
func lastStart(ctx context.Context, calls Calls, req bot.Request) (last bot.Call, ok bool, err error) {
	for _, name := range []string{"run", "sh", "term", "gui"} {
		found, err := calls.Calls(ctx, bot.CallFilter{
			Room:    req.Principal.Thread().Room(),
			Account: req.Principal.Account(),
			Command: name,
			Limit:   50,
		})
		if err != nil {
			return last, false, fmt.Errorf("read the last /%s: %w", name, err)
		}
		for _, c := range found {
			// One that was never begun was refused, dropped, or could not be
			// understood: it is no wish to be repeated.
			if !c.Begun.IsZero() && c.ID != req.Call.ID {
				if !ok || c.ID > last.ID {
					last, ok = c, true
				}
				break
			}
		}
	}
	return last, ok, nil
}

// titleOf is a session's number with its name and title, for one line.
func titleOf(s bot.Session) string {
	parts := []string{string(s.ID)}
	if s.Name != "" {
		parts = append(parts, s.Name)
	}
	if s.Title != "" && s.Title != s.Name {
		parts = append(parts, clip(oneLine(s.Title), 60))
	}
	return strings.Join(parts, " ")
}
