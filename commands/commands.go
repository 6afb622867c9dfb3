// Package commands is every call that a person can make by name: a file for
// each command or tight family of them, with its declaration and its function.
// New lists them. The package knows what is asked for and what to answer; it
// knows nothing of networks or of how a process is run, and of the disk only what
// its own files and web packages do.
//
// To add one: write its file, and its line in New. Parsing, help, menus and the
// table in the README come from the declaration.
package commands

import (
	"context"
	"io"
	"time"

	"chapi/bot"
	"chapi/commands/device"
	"chapi/commands/files"
	"chapi/commands/gui"
	"chapi/commands/web"
)

// The headings that help gathers commands under, in this order.
const (
	groupRun     = "Run"
	groupSteer   = "Steer"
	groupFiles   = "Files"
	groupLook    = "Look"
	groupDevice  = "Device"
	groupCameras = "Cameras"
	groupTimes   = "Times and turns"
	groupSetUp   = "Set up"
	groupPeople  = "People"
)

// groups is the order of the headings.
var groups = []string{groupRun, groupSteer, groupFiles, groupLook, groupDevice, groupCameras, groupTimes, groupSetUp, groupPeople}

// Deps is what the commands work on. All fields are needed.
type Deps struct {
	Sessions  Sessions
	Terminals Terminals
	Keyboards Keyboards
	Spool     Spool
	// Recordings films what terminals showed.
	Recordings Recordings
	Settings   bot.Settings
	Calls      Calls
	Allowlist  Allowlist
	Schedules  Schedules
	Leases     Leases
	Alerts     Alerts
	// Spec is the template for what a principal may run: environment, limits,
	// account, folder and window size. Argv is empty. Its slices are not
	// changed by the commands.
	Spec func(p bot.Principal) bot.Spec
	// Shell is the shell where a chat has chosen none; empty means /bin/sh.
	Shell string
	// Status is how the machine and the daemon are.
	Status func(ctx context.Context, p bot.Principal, form Form) (bot.Post, error)
	// Machine is the one that we are on.
	Machine *device.Machine
	// Battery is how its battery is, at most a minute ago. device.ErrNoBattery.
	Battery func(ctx context.Context) (device.Battery, error)
	// Chart draws series over a length of time until now; no names are the ones
	// that people want most. Errors for the person are *bot.UserError.
	Chart func(ctx context.Context, names []string, length time.Duration, dark bool) (bot.Post, error)
	// Living are the cards that are kept current.
	Living Living
	// Power is what to run for device.Reboot and device.Poweroff.
	Power map[string][]string
	// Services are the units that /services always shows.
	Services []string
	// Restart asks the daemon to start anew, and returns at once. The answer to
	// the call that asked is still recorded and sent.
	Restart func(why string)
	// Cameras is the device's cameras, and what is going on with them.
	Cameras Cameras
	// Displays are the screens of programs with windows.
	Displays *gui.Displays
	// Files is what of the disk is open, and Web what downloads, at most WebMax
	// bytes at a time.
	Files  *files.Store
	Web    *web.Client
	WebMax int64
	// Runners run code and script files; the first that fits does.
	Runners []Runner
	// Fetch opens an attachment of a network, as bot.Fetcher does. ErrNoFetch.
	Fetch func(ctx context.Context, adapter, ref string) (io.ReadCloser, int64, error)
	// Put brings a delivery under way before its call has ended.
	Put func(ctx context.Context, d bot.Delivery) error
	// Limits are what can be carried in a thread.
	Limits func(bot.Thread) bot.Limits
	// Secret reports whether a text has a secret in it that is shown as
	// asterisks.
	Secret func(text string) bool
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
	// Call is one call; bot.ErrNotFound.
	Call(ctx context.Context, id bot.CallID) (bot.Call, error)
	// Answered is the call that a message answers; bot.ErrNotFound.
	Answered(ctx context.Context, room bot.Thread, m bot.MessageID) (bot.CallID, error)
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

// Form is how much of a status is wanted.
type Form int

// The forms of a status.
const (
	Card       Form = iota // what fits on a phone's screen
	Everything             // with what helps to find a fault
	Program                // JSON
)

// Living keeps one status card in each chat current by editing it.
type Living interface {
	// Start puts one into the call's thread. A *bot.UserError says why not.
	Start(ctx context.Context, c bot.Call, p bot.Principal) error
	// Stop ends the one of the thread's chat, and tells whether there was one.
	Stop(ctx context.Context, th bot.Thread) (bool, error)
}

// Schedules is what is to be called at times. Rights are checked by it. Errors
// for the person are *bot.UserError.
type Schedules interface {
	// Add makes a schedule of a line, as the call's person, in its place.
	Add(ctx context.Context, p bot.Principal, c bot.Call, line string, t bot.Timing, m bot.Missed) (bot.Schedule, error)
	// List is those of the principal's chat; everywhere, the principal's own of
	// all chats, an operator's everybody's.
	List(ctx context.Context, p bot.Principal, everywhere bool) ([]bot.Schedule, error)
	// Find is one that the principal may change.
	Find(ctx context.Context, p bot.Principal, id bot.ScheduleID) (bot.Schedule, error)
	Pause(ctx context.Context, s bot.Schedule) error
	Resume(ctx context.Context, s bot.Schedule) (bot.Schedule, error)
	Remove(ctx context.Context, s bot.Schedule) error
	// Command is what its line means, if the principal may call it.
	Command(p bot.Principal, s bot.Schedule) (bot.Command, bot.Args, error)
}

// Leases is who holds what is shared. Errors for the person are
// *bot.UserError.
type Leases interface {
	// Lock gives the resource to the call's person for a time, 0 for the usual.
	Lock(ctx context.Context, p bot.Principal, c bot.Call, name string, wish time.Duration) (bot.Holding, error)
	// Unlock hands it to the one in line who is named, or the first. With force
	// an owner ends anybody's.
	Unlock(ctx context.Context, p bot.Principal, name, to string, force bool) (bot.Holding, error)
	// Queue puts the call's person in line; who finds it free has it. With again
	// the call is offered to be run then.
	Queue(ctx context.Context, p bot.Principal, c bot.Call, name string, wish time.Duration, again bool) (bot.Holding, error)
	Leave(ctx context.Context, p bot.Principal, name string) error
	// List is all that are held, and those of the configuration that are free.
	List(ctx context.Context) ([]bot.Holding, error)
}

// Alerts is what chats are alerted of. Rights are checked by it, and it finds
// only the alerts of the principal's chat. Errors for the person are
// *bot.UserError.
type Alerts interface {
	// Add sets an alert by a rule such as "battery < 20% for 2m".
	Add(ctx context.Context, p bot.Principal, c bot.Call, rule string) (bot.Alert, error)
	List(ctx context.Context, p bot.Principal) ([]bot.AlertStanding, error)
	Acknowledge(ctx context.Context, p bot.Principal, id bot.AlertID) error
	Remove(ctx context.Context, p bot.Principal, id bot.AlertID) (bot.Alert, error)
	// Mute keeps an alert, or with id 0 the chat, quiet; a time of 0 ends that.
	Mute(ctx context.Context, p bot.Principal, id bot.AlertID, d time.Duration) (until time.Time, err error)
	// Muted is until when the chat is quiet; past or zero when it is not.
	Muted(ctx context.Context, p bot.Principal) (time.Time, error)
}

// New is every command.
func New(d Deps) []bot.Command {
	var all []bot.Command
	table := func() []bot.Command { return all }
	all = []bot.Command{
		run(d),
		sh(d),
		term(d),
		windowed(d),
		again(d, table),

		in(d),
		key(d),
		click(d),
		eof(d),
		stop(d),
		kill(d),
		signal(d),
		resize(d),
		view(d),
		attach(d),
		detach(d),
		give(d),
		take(d),

		put(d),
		get(d),
		ls(d),
		cat(d),
		tail(d),
		edit(d),
		mv(d),
		rm(d),
		fetch(d),

		ps(d),
		log(d),
		shot(d),
		filmed(d),
		recorded(d),
		back(d),
		findText(d),
		copyOutput(d),
		history(d),
		status(d),
		whoami(d),
		version(d),
		help(table),

		photo(d),
		video(d),
		timelapse(d),
		watch(d),
		motion(d),
		battery(d),
		chart(d),
		top(d),
		disk(d),
		network(d),
		temperature(d),
		services(d),
		journal(d),
		reboot(d),
		poweroff(d),
		alert(d),
		mute(d),
		every(d),
		at(d),
		schedules(d),
		lock(d),
		unlock(d),
		queue(d),

		cd(d),
		env(d),
		shell(d),
		colours(d),
		link(d),

		people(d),
		chats(d),
		restart(d),

		start(d),
		input(d),
		secret(d),
		askKeyboard(d),
		refresh(d),
		drop(),
		power(d),
		codeBlock(d),
		runFile(d),
		saveCode(d),
		write(d),
		remove(d),
		pack(d),
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
