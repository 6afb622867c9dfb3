// Package daemon puts chapi together: it builds the parts from the
// configuration, recovers what an earlier run left, starts everything in order
// and stops it in reverse. It is the only package that knows all rooms.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"chapi/adapters"
	"chapi/adapters/console"
	"chapi/adapters/discord"
	"chapi/adapters/telegram"
	"chapi/bot"
	"chapi/bot/config"
	"chapi/bot/render"
	"chapi/commands"
	"chapi/commands/camera"
	"chapi/commands/device"
	"chapi/commands/files"
	"chapi/commands/gui"
	"chapi/commands/web"
	"chapi/runner"
	"chapi/storage"
)

// ErrRestart: an owner asked for a restart; the caller executes itself anew.
var ErrRestart = errors.New("restart asked for")

// Bounds of stopping.
const (
	stopTime  = 20 * time.Second // for everything
	flushTime = 3 * time.Second  // for what is still to be said
)

// restAfter is how long nothing has been said when the memory that was needed
// for the start, or for a burst of work, is given back to the machine. Without
// that it would stay with us.
const restAfter = 3 * time.Second

// Options are what the daemon is made of.
type Options struct {
	Config *config.Config
	// Console is the terminal as a chat; nil leaves it out. What it calls back
	// is filled in.
	Console *console.Config
	// Announce is where the pairing code is shown: something only those at the
	// machine can read.
	Announce io.Writer
	// Environ is the daemon's environment, for what programs may inherit.
	Environ []string
	Exe     string // the program's own file, for the holders of sessions
	Version string
	Log     slog.Handler
}

// daemon is the running whole.
type daemon struct {
	Options
	log       *slog.Logger
	store     *storage.DB
	runner    *runner.Runner
	masker    *render.Masker
	adapters  []bot.Adapter
	allowlist *allowlist
	spool     *bot.Spool
	deliver   *bot.Deliverer
	sessions  *bot.Sessions
	dispatch  *bot.Dispatcher
	reception *bot.Reception
	studio    *camera.Studio
	displays  *gui.Displays
	scheduler *bot.Scheduler
	leases    *bot.Leases
	alerts    *bot.Alerts
	parts     *parts
	machine   *device.Machine
	sampler   *sampler
	living    *living
	rest      *time.Timer // until memory is given back
	files     *files.Store
	boot      boot
	why       string
	typed     atomic.Int64 // keys typed at the console
	quit      chan error   // capacity 1: why the daemon should end
}

// Run runs the daemon until ctx ends, the console is left, or a part fails that
// it cannot do without. It returns nil after a clean stop, ErrRestart when it is
// to be started again, and ErrRunning when another one has the state folder.
func Run(ctx context.Context, o Options) error {
	d := &daemon{Options: o, quit: make(chan error, 1)}
	closeAll, err := d.build(ctx)
	defer closeAll()
	if err != nil {
		return err
	}
	if err := d.recover(ctx); err != nil {
		return err
	}
	// The parts live on while the adapters are stopped, so that what was begun
	// is finished and said; stop ends them.
	d.start(context.WithoutCancel(ctx))
	notify("READY=1\nSTATUS=serving")
	var result error
	select {
	case <-ctx.Done():
	case result = <-d.quit:
	case result = <-d.parts.failed:
	}
	notify("STOPPING=1")
	d.stop(ctx, result)
	return result
}

// build makes every part and starts none. closeAll undoes it, in reverse.
func (d *daemon) build(ctx context.Context) (closeAll func(), err error) {
	var undo []func()
	closeAll = func() {
		for i := len(undo) - 1; i >= 0; i-- {
			undo[i]()
		}
	}
	cfg := d.Config
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return closeAll, fmt.Errorf("make state folder: %w", err)
	}
	d.masker = render.NewMasker(cfg.Secrets()...)
	d.log = slog.New(d.masker.MaskingHandler(d.Log))
	d.parts = newParts(d.log)
	d.rest = time.AfterFunc(restAfter, debug.FreeOSMemory)
	undo = append(undo, func() { d.rest.Stop() })
	unlock, err := lock(cfg.StateDir)
	if err != nil {
		return closeAll, err
	}
	undo = append(undo, unlock)
	sessions := filepath.Join(cfg.StateDir, "sessions")
	d.store, err = storage.Open(ctx, cfg.StateDir, storage.Options{Logger: d.log, FirstCall: firstCall(sessions)})
	if err != nil {
		return closeAll, err
	}
	undo = append(undo, func() { d.store.Close() })
	d.machine = &device.Machine{Gauge: gauge(cfg.Battery)}
	if d.boot, d.why, err = begin(ctx, d.store, d.machine, d.Version); err != nil {
		return closeAll, err
	}
	d.runner, err = runner.New(runner.Options{Dir: sessions, Exe: d.Exe, Logger: d.log})
	if err != nil {
		return closeAll, err
	}
	undo = append(undo, func() { d.runner.Close() })
	if err := d.buildAdapters(); err != nil {
		return closeAll, err
	}
	if err := d.buildStages(ctx); err != nil {
		return closeAll, err
	}
	return closeAll, nil
}

// firstCall is larger than the number of any session folder: should the
// database be lost, new sessions must not meet old ones.
func firstCall(sessions string) bot.CallID {
	entries, _ := os.ReadDir(sessions)
	var last int64
	for _, e := range entries {
		if n, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return bot.CallID(last + 1)
}

func (d *daemon) buildAdapters() error {
	var o adapters.Options
	if cfg := d.Config.Telegram; !cfg.Token.IsZero() {
		o.Telegram = &telegram.Config{
			Token: telegram.Token(cfg.Token.Reveal()), APIURL: cfg.APIURL, StateDir: d.Config.StateDir, Logger: d.log,
			DropWebhook: cfg.AllowDeleteWebhook, Pace: pace(cfg.Pace),
		}
	}
	if cfg := d.Config.Discord; !cfg.Token.IsZero() {
		o.Discord = &discord.Config{
			Token: discord.Token(cfg.Token.Reveal()), APIURL: cfg.APIURL, ApplicationID: cfg.ApplicationID,
			StateDir: d.Config.StateDir, Logger: d.log, Prefix: cfg.Prefix, Upload: int64(cfg.Upload),
			Pace: discord.Pace{
				Every: cfg.Pace.Every, Burst: cfg.Pace.Burst,
				AllEvery:  time.Second / time.Duration(cfg.Pace.AllPerSecond),
				Life:      cfg.Pace.Life,
				Unlimited: cfg.Pace.Unlimited,
			},
			Timing:  discord.Timing{Open: cfg.Gateway.Open, Silence: cfg.Gateway.Silence},
			Suggest: d.suggest,
		}
	}
	if d.Console != nil {
		o.Console = d.console()
	}
	var err error
	d.adapters, err = adapters.Build(o)
	d.takeScreen()
	return err
}

// gauge is who knows the battery; nil is the kernel.
func gauge(b config.Battery) device.Gauge {
	switch b.Source {
	case "none":
		return device.NoGauge{}
	case "nut":
		return device.NUT{UPS: b.UPS}
	case "command":
		return device.Program{Argv: b.Command}
	case device.MAX17040, device.MAX17048, device.INA219:
		return device.Chip{Kind: b.Source, Number: b.Bus, Address: b.BusAddress, Cells: b.Cells, Shunt: b.Shunt}
	}
	return nil
}

func pace(p config.Pace) telegram.Pace {
	return telegram.Pace{
		PrivateEvery: p.PrivateEvery, PrivateBurst: p.PrivateBurst,
		GroupEvery: p.GroupEvery, GroupBurst: p.GroupBurst,
		AllEvery:  time.Second / time.Duration(p.AllPerSecond),
		Unlimited: p.Unlimited,
	}
}

// buildStages makes the six stages and introduces them to each other.
func (d *daemon) buildStages(ctx context.Context) error {
	cfg := d.Config
	people, chats := cfg.Allowlist()
	if d.Console != nil {
		// Who can start the daemon in a terminal owns the machine's chapi.
		people = append(people, bot.Person{Name: d.Console.User, Role: bot.Owner, Accounts: []bot.Account{console.Account()}})
	}
	var err error
	policy := &bot.Policy{}
	policy.SetBadges(cfg.Badges())
	d.allowlist = &allowlist{policy: policy, grants: d.store, people: people, chats: chats}
	if err := d.allowlist.reload(ctx); err != nil {
		return err
	}
	temporary, spool := filepath.Join(cfg.StateDir, "tmp"), filepath.Join(cfg.StateDir, "spool")
	for _, dir := range []string{temporary, spool} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make folder for outgoing files: %w", err)
		}
	}
	d.files = d.open()
	d.spool = &bot.Spool{Dir: spool, Outbox: d.store, Logger: d.log}
	outgoing := &bot.Files{Runner: d.runner, Renderer: render.Renderer{}, Masker: d.masker, Dir: temporary}
	if err := outgoing.Sweep(); err != nil {
		d.log.Warn("remove left-over files", "err", err)
	}
	byName := map[string]bot.Adapter{}
	for _, a := range d.adapters {
		byName[a.Name()] = a
	}
	d.deliver = &bot.Deliverer{Outbox: d.store, Ledger: d.store, Adapters: byName, Masker: d.masker, Files: outgoing, Spool: d.spool, Logger: d.log}
	d.sessions = &bot.Sessions{
		Runner: d.runner, Store: d.store, Deliver: d.deliver, Renderer: render.Renderer{}, Masker: d.masker,
		Limits: bot.SessionLimits{PerPerson: cfg.Sessions.PerPerson, Total: cfg.Sessions.Total}, Logger: d.log,
		Footage: d.runner, Spool: d.spool,
	}
	d.living = newLiving(d, policy)
	d.sampler = &sampler{machine: d.machine, series: d.store, listen: []bot.Minutes{d.living}, log: d.log}
	d.deliver.Moved = d.moved
	d.deliver.Settled = func(sent bot.Delivery) {
		d.sessions.Settled(sent)
		d.living.Settled(sent)
		d.rest.Reset(restAfter)
	}
	if d.studio, err = d.cameras(policy); err != nil {
		return err
	}
	d.displays = &gui.Displays{
		Dir: filepath.Join(cfg.StateDir, "displays"), Exe: d.Exe, Session: d.store.Session,
		Spool: d.spool, Put: d.putOne, Limits: d.deliver.Limits, Logger: d.log,
	}
	if err := d.buildAutomation(policy); err != nil {
		return err
	}
	d.sessions.Leases, d.sessions.Filmer = d.leases, d.studio
	outgoing.Shrinker = d.studio
	parser := bot.NewParser(commands.New(d.deps()), commands.Words)
	d.dispatch = &bot.Dispatcher{
		Policy: policy, Parser: parser, Store: d.store, Session: d.sessions, Deliver: d.deliver,
		StaleAfter: cfg.StaleAfter, Device: cfg.Device.Name, Logger: d.log,
	}
	d.reception = &bot.Reception{
		Policy: policy, Parser: parser, Store: d.store, Session: d.sessions, Dispatch: d.dispatch, Deliver: d.deliver,
		StaleAfter: cfg.StaleAfter, Device: cfg.Device.Name, Paired: d.paired, Moved: d.moved, Logger: d.log,
	}
	d.scheduler.Reception = d.reception
	return nil
}

// moved keeps what hangs on a group that gets a new id.
func (d *daemon) moved(ctx context.Context, m bot.Move) error {
	if err := d.allowlist.follow(ctx, m); err != nil {
		return err
	}
	return errors.Join(d.living.follow(ctx, m), d.studio.Follow(m))
}

// deps is what the commands need of the rest.
func (d *daemon) deps() commands.Deps {
	return commands.Deps{
		Sessions:   d.sessions,
		Terminals:  d.sessions,
		Keyboards:  d.sessions,
		Spool:      d.spool,
		Recordings: &render.Recordings{Runner: d.runner, Masker: d.masker},
		Settings:   d.store,
		Calls:      d.store,
		Allowlist:  d.allowlist,
		Spec:       d.spec,
		Shell:      d.Config.Sessions.Shell,
		Status:     d.Status,
		Restart:    func(why string) { d.why = why; d.end(ErrRestart) },
		Cameras: commands.Cameras{
			Studio: d.studio, FPS: d.Config.Video.FPS,
			Length:    time.Duration(d.Config.Video.Seconds) * time.Second,
			MaxLength: time.Duration(d.Config.Video.MaxSeconds) * time.Second,
		},
		Displays:  d.displays,
		Machine:   d.machine,
		Battery:   d.sampler.Battery,
		Chart:     d.Chart,
		Living:    d.living,
		Power:     map[string][]string{device.Reboot: d.Config.Device.Reboot, device.Poweroff: d.Config.Device.Poweroff},
		Services:  d.Config.Device.Services,
		Schedules: d.scheduler,
		Leases:    d.leases,
		Alerts:    d.alerts,
		Files:     d.files,
		Web:       &web.Client{AllowPrivate: d.Config.Files.Fetch.AllowPrivate, Agent: "chapi/" + d.Version},
		WebMax:    int64(d.Config.Files.Fetch.Max),
		Runners:   d.runners(),
		Fetch:     d.fetch,
		Limits:    d.deliver.Limits,
		Put:       d.putOne,
		Secret:    func(text string) bool { return d.masker.Text(text) != text },
		Device:    d.Config.Device.Name,
		Version:   d.Version,
	}
}

// spec is what a person's programs start from.
func (d *daemon) spec(p bot.Principal) bot.Spec {
	s := d.Config.Sessions
	base, err := d.Config.Base(p.Role(), d.Environ)
	if err != nil {
		// An account that is gone must not become the daemon's own: the runner
		// says that it does not exist.
		d.log.Error("look up the account to run as", "err", err)
		base.User = s.RunAs.For(p.Role())
	}
	return bot.Spec{
		Dir: base.Dir, Env: base.Env, User: base.User,
		Size:    bot.Size{Cols: uint16(s.Cols), Rows: uint16(s.Rows)},
		Timeout: s.MaxTime, Grace: s.Grace, Budget: int64(s.Output),
		Nice: s.Nice, CPU: s.CPU, Memory: int64(s.Memory),
	}
}

// recover takes up what an earlier run left: sessions first, since a call
// whose session was started is not an interrupted one.
func (d *daemon) recover(ctx context.Context) error {
	if err := d.sessions.Recover(ctx); err != nil {
		return err
	}
	return d.dispatch.Recover(ctx)
}

// start starts the parts in the order in which they need each other, the
// adapters last.
func (d *daemon) start(ctx context.Context) {
	if d.Config.Networked() {
		// Programs that run as the same user must not read a token from our
		// memory or environment.
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
			d.log.Warn("close the process's memory to others", "err", err)
		}
	}
	d.greet()
	d.parts.start(ctx, "deliver", false, d.deliver.Run)
	d.parts.start(ctx, "sessions", false, d.sessions.Run)
	d.parts.start(ctx, "cameras", true, d.studio.Run)
	d.parts.start(ctx, "displays", true, d.displays.Run)
	d.parts.start(ctx, "dispatch", false, d.dispatch.Run)
	for _, a := range d.adapters {
		lone := len(d.adapters) > 1
		d.parts.start(ctx, a.Name(), lone, func(ctx context.Context) error { return a.Run(ctx, d.reception) })
	}
	d.parts.start(ctx, "schedules", true, d.scheduler.Run)
	d.parts.start(ctx, "leases", true, d.leases.Run)
	d.parts.start(ctx, "alerts", true, d.alerts.Run)
	keep := &retention{
		store: d.store, runner: d.runner, spool: d.spool, files: d.files, sessions: filepath.Join(d.Config.StateDir, "sessions"),
		records: d.Config.History.Keep, series: d.Config.History.Series, output: d.Config.Sessions.Keep, disk: int64(d.Config.Sessions.Disk), log: d.log,
	}
	d.parts.start(ctx, "retention", true, keep.Run)
	d.parts.start(ctx, "living", true, d.living.Run)
	d.parts.start(ctx, "sampler", true, d.sampler.Run)
	d.parts.start(ctx, "orders", true, d.orders)
	d.parts.start(ctx, "menus", true, func(ctx context.Context) error { d.publishMenus(ctx); return nil })
	d.parts.start(ctx, "pairing", true, d.offerPairing)
	d.parts.start(ctx, "watchdog", true, d.watchdog)
	d.parts.start(ctx, "watchman", true, d.watchman)
	d.log.Info("chapi is running", "version", d.Version, "device", d.Config.Device.Name, "why", d.why)
}

// end asks the daemon to end; the first one to ask decides why.
func (d *daemon) end(why error) {
	select {
	case d.quit <- why:
	default:
	}
}

// stop unwinds everything within a bounded time: nothing comes in any more,
// what was begun is finished, what can be said is said. Sessions run on.
func (d *daemon) stop(ctx context.Context, result error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	var receiving []string
	for _, a := range d.adapters {
		if a.Name() != console.Local.Adapter { // the console still shows what is said
			receiving = append(receiving, a.Name())
		}
	}
	d.parts.stop(ctx, append(receiving, "schedules", "leases", "alerts", "pairing", "menus", "retention", "watchdog", "watchman", "sampler", "living", "orders")...)
	d.parts.stop(ctx, "dispatch", "cameras", "displays")
	flush, done := context.WithTimeout(ctx, flushTime)
	d.deliver.Flush(flush)
	done()
	d.parts.stop(ctx)
	how := "it was stopped"
	switch {
	case errors.Is(result, ErrRestart):
		how = "a restart was asked for"
	case result != nil:
		how = "a part failed: " + result.Error()
	}
	if err := d.boot.end(ctx, d.store, how); err != nil {
		d.log.Error("record the end", "err", err)
	}
	d.log.Info("chapi has ended", "how", how)
}
