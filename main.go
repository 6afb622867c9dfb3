// Command chapi lets people talk to a machine from a chat: it dials out to the
// chat networks, runs what allow-listed people ask for, and answers there.
package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"chapi/adapters/console"
	"chapi/bot"
	"chapi/bot/config"
	"chapi/bot/daemon"
	"chapi/commands/gui"
	"chapi/runner"
	"chapi/runner/holder"
	"chapi/storage"
)

// version is set by the release build; see Makefile.
var version = "dev"

//go:embed config.example.yaml
var example string

func main() {
	// A holder is this same program in another role. It must cost as little as
	// it can, so nothing else is touched before.
	if len(os.Args) > 1 && os.Args[1] == holder.Arg {
		holder.Main()
		return
	}
	if len(os.Args) > 1 && os.Args[1] == gui.Arg {
		gui.Main()
		return
	}
	os.Exit(execute())
}

// Exit statuses. A fault is never 0, so that a service manager restarts us.
const (
	exitFault = 1
	exitUsage = 2
)

func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A reader of our output that goes away is an error of the write, not the
	// end of everything. Ignoring the signal instead would be inherited.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	cmd := root()
	err := cmd.ExecuteContext(ctx)
	var problems config.Problems
	switch {
	case err == nil:
		return 0
	case errors.Is(err, daemon.ErrRestart):
		err = again()
	case errors.As(err, &problems):
		fmt.Fprintln(os.Stderr, problems)
		return exitUsage
	}
	fmt.Fprintln(os.Stderr, "chapi:", err)
	if errors.Is(err, fs.ErrPermission) {
		fmt.Fprintln(os.Stderr, "If chapi runs as a service, type this as its account: sudo -u chapi chapi ...")
	}
	return exitFault
}

// options are the flags that all subcommands share.
type options struct {
	file  string
	state string
}

func (o *options) load(withoutSecrets bool) (*config.Config, error) {
	return config.Load(config.Options{File: o.file, StateDir: o.state, WithoutSecrets: withoutSecrets})
}

// open opens the database, beside a daemon that may be running.
func (o *options) open(ctx context.Context) (*storage.DB, *config.Config, error) {
	cfg, err := o.load(true)
	if err != nil {
		return nil, nil, err
	}
	store, err := storage.Open(ctx, cfg.StateDir, storage.Options{Logger: slog.New(slog.DiscardHandler)})
	return store, cfg, err
}

func root() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "chapi",
		Short: "Talk to this machine from a chat",
		Long: `chapi lets you talk to this machine from a chat, and from this terminal.

Without a configuration it is a chat in this terminal. With the token of a
Telegram bot (TELEGRAM_BOT_TOKEN), a Discord bot (DISCORD_TOKEN) or both, in the
environment or in the configuration file, it serves your phone too, and shows
how to pair it.

Nothing listens on the network: chapi only dials out.`,
		Example: `  chapi                               talk to it here
  TELEGRAM_BOT_TOKEN=... chapi        and from your phone
  printf 'run uptime\n' | chapi       one command from a script
  chapi pair                          let a phone in
  chapi config > ~/.config/chapi/config.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o) },
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.PersistentFlags().StringVar(&o.file, "config", "", "configuration `FILE`")
	cmd.PersistentFlags().StringVar(&o.state, "state", "", "`DIR` for the database and the sessions")
	cmd.AddCommand(runCommand(o), pairCommand(o), psCommand(o), attachCommand(o), replayCommand(o), metricCommand(o), configCommand(), versionCommand())
	return cmd
}

// noArguments is for commands that take none: what stands there was meant to
// be a subcommand.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasParent() {
		return fmt.Errorf("%q is too much: %s takes no arguments", args[0], cmd.CommandPath())
	}
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return fmt.Errorf("there is no chapi %s; did you mean chapi %s?", args[0], strings.Join(near, " or "))
	}
	return fmt.Errorf("there is no chapi %s; chapi --help lists what there is", args[0])
}

// oneSession is for commands that take a session's number.
func oneSession(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one session, as in %s 12; chapi ps lists them", cmd.CommandPath())
	}
	return nil
}

func runCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Serve the chats (the same as chapi alone)",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o) },
	}
}

// serve runs the daemon. The console is on when somebody may be using it: at a
// terminal, or when there is no chat network and lines are piped in.
func serve(ctx context.Context, o *options) error {
	environ := os.Environ()
	isToken := func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(config.TokenVariables(), name)
	}
	for _, entry := range environ {
		if isToken(entry) {
			// A copy: the variable's own memory is about to be overwritten.
			restartTokens = append(restartTokens, strings.Clone(entry))
		}
	}
	cfg, err := o.load(false)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(os.Stderr, "chapi:", w)
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	interactive := term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
	opts := daemon.Options{
		Config:   cfg,
		Announce: os.Stdout,
		Environ:  slices.DeleteFunc(environ, isToken),
		Exe:      exe,
		Version:  currentVersion(),
		Log:      logHandler(cfg, os.Stderr),
	}
	if interactive || !cfg.Networked() {
		opts.Console = &console.Config{
			In: os.Stdin, Out: os.Stdout, Terminal: interactive,
			User: userName(), Files: filepath.Join(cfg.StateDir, "received"),
		}
		// The terminal is for the conversation; the log goes to a file.
		file, err := logFile(cfg)
		if err != nil {
			return err
		}
		defer file.Close()
		opts.Log = logHandler(cfg, file)
	} else {
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGINT)
		defer stop()
	}
	return daemon.Run(ctx, opts)
}

// userName is how the person at the terminal is called.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "local"
}

// restartTokens are put back into the environment of a restarted daemon: they
// were taken out of ours. As NAME=value.
var restartTokens []string

// again replaces this process by a new one of the same program, which may be
// another version by now.
func again() error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("restart: %w", err)
	}
	env := append(os.Environ(), restartTokens...)
	return fmt.Errorf("restart: %w", syscall.Exec(exe, os.Args, env))
}

func logFile(cfg *config.Config) (*os.File, error) {
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	name := filepath.Join(cfg.StateDir, "log")
	if info, err := os.Stat(name); err == nil && info.Size() > 4<<20 {
		_ = os.Rename(name, name+".old")
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return file, nil
}

// logHandler leaves the time out where systemd's journal adds its own.
func logHandler(cfg *config.Config, w io.Writer) slog.Handler {
	o := &slog.HandlerOptions{Level: cfg.Log.Level}
	if cfg.Log.Format == "json" {
		return slog.NewJSONHandler(w, o)
	}
	if cfg.Log.Format == "auto" && os.Getenv("JOURNAL_STREAM") != "" {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.NewTextHandler(w, o)
}

func pairCommand(o *options) *cobra.Command {
	role := "user"
	cmd := &cobra.Command{
		Use:   "pair",
		Short: "Show a code that lets a person in from their phone",
		Long: `Show a one-time code, good for ten minutes. Whoever sends it to the bot is let
in with the role: viewer, user, operator or owner. The first person ever
becomes the owner, whatever the role says.

It works whether chapi is running or not.`,
		Example: "  chapi pair --role viewer",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			as, err := bot.ParseRole(role)
			if err != nil {
				return err
			}
			store, cfg, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			people, _ := cfg.Allowlist()
			return daemon.Pair(cmd.Context(), cmd.OutOrStdout(), store, people, as)
		},
	}
	cmd.Flags().StringVar(&role, "role", role, "what the person may do: viewer, user, operator, owner")
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{"viewer", "user", "operator", "owner"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func psCommand(o *options) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List the sessions on this machine",
		Long: `List the sessions on this machine: those that run, and the last that have ended,
with whose they are and the chat that they are in.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			sessions, err := o.sessions()
			if err != nil {
				return err
			}
			if len(sessions) == 0 {
				return daemon.Ps(cmd.Context(), cmd.OutOrStdout(), nil, nil, all)
			}
			store, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			return daemon.Ps(cmd.Context(), cmd.OutOrStdout(), sessions, store, all)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that have ended, too")
	return cmd
}

func (o *options) sessionsDir() (string, error) {
	cfg, err := o.load(true)
	if err != nil {
		return "", err
	}
	return filepath.Join(cfg.StateDir, "sessions"), nil
}

func (o *options) sessions() ([]runner.Listing, error) {
	dir, err := o.sessionsDir()
	if err != nil {
		return nil, err
	}
	return runner.List(dir)
}

// completions are the sessions that the shell offers for an argument.
func (o *options) completions(which func(runner.Listing) bool) (ids []string, _ cobra.ShellCompDirective) {
	sessions, _ := o.sessions()
	for _, s := range sessions {
		if which(s) {
			ids = append(ids, string(s.ID)+"\t"+strings.Join(s.Spec.Argv, " "))
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func attachCommand(o *options) *cobra.Command {
	watch := false
	cmd := &cobra.Command{
		Use:   "attach ID",
		Short: "Use a running session here, at the same time as the phone",
		Long: `Connect this terminal to a running session. What you type goes to it, what it
prints is shown, here and in the chat alike. Ctrl-] twice leaves it; it goes on.`,
		Example: "  chapi attach 12\n  chapi attach --watch 12",
		Args:    oneSession,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return o.completions(func(s runner.Listing) bool { return s.Live })
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := o.sessionsDir()
			if err != nil {
				return err
			}
			id := bot.SessionID(strings.TrimPrefix(args[0], "#"))
			err = runner.Attach(cmd.Context(), dir, id, os.Stdin, os.Stdout, runner.AttachOptions{Watch: watch})
			switch {
			case errors.Is(err, bot.ErrNoSession):
				return fmt.Errorf("there is no session %s; chapi ps lists them", id)
			case errors.Is(err, bot.ErrEnded):
				return fmt.Errorf("session %s has ended; that was the last of its output", id)
			case errors.Is(err, runner.ErrDetached):
				fmt.Fprintf(os.Stderr, "[detached; session %s goes on]\n", id)
				return nil
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&watch, "watch", false, "only look: type nothing, leave its size alone")
	return cmd
}

func replayCommand(o *options) *cobra.Command {
	how := runner.ReplayOptions{Speed: 1}
	cmd := &cobra.Command{
		Use:   "replay ID",
		Short: "Show a session here again, as it came in time",
		Long: `Play what a session has printed, in this terminal and with its timing. Ctrl-C
ends it. Only what the session's journal keeps is shown.`,
		Example: "  chapi replay 12\n  chapi replay 12 --speed 4 --idle 500ms",
		Args:    oneSession,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return o.completions(func(runner.Listing) bool { return true })
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if how.Speed <= 0 {
				return errors.New("--speed is how many times as fast it is shown: a number above 0, such as 2")
			}
			if how.Idle < 0 {
				return errors.New("--idle is the longest pause: a time such as 1s, or 0 for the pauses as they were")
			}
			dir, err := o.sessionsDir()
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGQUIT)
			defer stop()
			id := bot.SessionID(strings.TrimPrefix(args[0], "#"))
			err = runner.Replay(ctx, dir, id, os.Stdin, os.Stdout, how)
			switch {
			case errors.Is(err, bot.ErrNoSession):
				return fmt.Errorf("there is no session %s; chapi ps lists them", id)
			case ctx.Err() != nil:
				return nil
			}
			return err
		},
	}
	cmd.Flags().Float64Var(&how.Speed, "speed", how.Speed, "how many times as fast")
	cmd.Flags().DurationVar(&how.Idle, "idle", how.Idle, "the longest pause, such as 1s")
	return cmd
}

func metricCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "metric NAME VALUE",
		Short: "Add a value to a series that /chart draws",
		Long: `Add a value to a series, such as from a script that reads a sensor. A series is
made by its first value. Of the values of a minute the last is kept.

It works whether chapi is running or not.`,
		Example: "  chapi metric greenhouse 21.5",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("want a name and a number, as in chapi metric greenhouse 21.5")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			store, _, err := o.open(cmd.Context())
			if err != nil {
				return err
			}
			defer store.Close()
			return daemon.Metric(cmd.Context(), store, args[0], args[1])
		},
	}
}

func configCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Print the example configuration: every key, explained",
		Args:  noArguments,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), example) },
	}
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		Run:   func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "chapi", currentVersion()) },
	}
}

// currentVersion is the release's, or the commit that was built.
func currentVersion() string {
	if version != "dev" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "dev-" + s.Value[:12]
		}
	}
	return version
}
