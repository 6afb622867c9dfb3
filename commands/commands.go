// Package commands is every call that a person can make by name: a file for
// each command or tight family of them, with its declaration and its function.
// New lists them. The package knows what is asked for and what to answer; it
// knows nothing of networks, of disks or of how a process is run.
//
// To add one: write its file, and its line in New. Parsing, help, menus and the
// table in the README come from the declaration.
package commands

import (
	"context"
	"time"

	"chapi/bot"
)

// The headings that help gathers commands under, in this order.
const (
	groupRun    = "Run"
	groupSteer  = "Steer"
	groupLook   = "Look"
	groupSetUp  = "Set up"
	groupPeople = "People"
)

// groups is the order of the headings.
var groups = []string{groupRun, groupSteer, groupLook, groupSetUp, groupPeople}

// Deps is what the commands work on. All fields are needed.
type Deps struct {
	Sessions  Sessions
	Settings  bot.Settings
	Calls     Calls
	Allowlist Allowlist
	// Spec is the template for what a principal may run: environment, limits,
	// account, folder and window size. Argv is empty. Its slices are not
	// changed by the commands.
	Spec func(p bot.Principal) bot.Spec
	// Shell is the shell where a chat has chosen none; empty means /bin/sh.
	Shell string
	// Status is how the daemon is.
	Status func(ctx context.Context, p bot.Principal, verbose bool) (bot.Post, error)
	// Restart asks the daemon to start anew, and returns at once. The answer to
	// the call that asked is still recorded and sent.
	Restart func(why string)
	// Device is the machine's name in the chats, Version that of the program.
	Device, Version string
}

// Sessions finds and steers sessions. Rights are checked by it: a person
// steers their own sessions, an operator those of others too. Errors for the
// person are *bot.UserError.
type Sessions interface {
	// Find is the session with that id or name. An empty ref is the session
	// about, if that is not empty, else the foreground of the principal's
	// thread, else the only live one there.
	Find(ctx context.Context, p bot.Principal, ref string, about bot.SessionID) (bot.Session, error)
	// List is the live sessions of the principal's chat, or of all chats, and
	// the last few that ended, newest first.
	List(ctx context.Context, p bot.Principal, everywhere bool) ([]bot.Session, error)
	// Type gives the call's argument "text", and Enter, to the session that the
	// call is about, or else to the foreground of the thread. It never picks another one.
	Type(ctx context.Context, p bot.Principal, c bot.Call) error
	// Control gives an order to a live session.
	Control(ctx context.Context, p bot.Principal, id bot.SessionID, c bot.Control) error
	// Attach sends its further output to the thread, as an answer to the
	// message, and takes plain text from there.
	Attach(ctx context.Context, p bot.Principal, id bot.SessionID, th bot.Thread, reply bot.MessageID) error
	// Detach ends the taking of plain text. Its output goes on.
	Detach(ctx context.Context, p bot.Principal, id bot.SessionID) error
	// Log is a post with the bytes of its output as a file. A Range.To of 0 is
	// the end.
	Log(ctx context.Context, p bot.Principal, id bot.SessionID, r bot.Range) (bot.Post, error)
}

// Calls is the record of calls.
type Calls interface {
	// Calls is the newest calls that match, newest first.
	Calls(ctx context.Context, f bot.CallFilter) ([]bot.Call, error)
}

// Allowlist is who may do something, and in which groups. Changing an entry of
// the configuration file is a *bot.UserError: it is changed there.
type Allowlist interface {
	// Everyone is all people and listed groups, from wherever they come.
	Everyone() ([]bot.Person, []bot.Chat)
	// SetPerson adds a person or replaces the one of that name.
	SetPerson(ctx context.Context, p bot.Person) error
	RemovePerson(ctx context.Context, name string) error
	// Link makes a code, good for a while, that makes another account the
	// principal's own; Unlink undoes all that, but for the account that they
	// act through, and tells which accounts are gone.
	Link(ctx context.Context, p bot.Principal) (code string, life time.Duration, err error)
	Unlink(ctx context.Context, p bot.Principal) ([]bot.Account, error)
	// SetChat adds a group or replaces the one of that room.
	SetChat(ctx context.Context, c bot.Chat) error
	RemoveChat(ctx context.Context, room bot.Thread) error
}

// New is every command.
func New(d Deps) []bot.Command {
	var all []bot.Command
	table := func() []bot.Command { return all }
	all = []bot.Command{
		run(d),
		sh(d),
		term(d),
		again(d, table),

		in(d),
		key(d),
		eof(d),
		stop(d),
		kill(d),
		signal(d),
		resize(d),
		attach(d),
		detach(d),

		ps(d),
		log(d),
		history(d),
		status(d),
		whoami(d),
		version(d),
		help(table),

		cd(d),
		env(d),
		shell(d),
		link(d),

		people(d),
		chats(d),
		restart(d),

		start(d),
		input(d),
		drop(),
	}
	return all
}

// named is the command of that name.
func named(table []bot.Command, name string) (bot.Command, bool) {
	for _, c := range table {
		if c.Name == name {
			return c, true
		}
	}
	return bot.Command{}, false
}
