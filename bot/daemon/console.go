package daemon

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"chapi/adapters/console"
	"chapi/bot"
)

// pollEvery is how often it is looked whether the console's work is done: what
// it waits for is spread over several parts, and a script's line takes longer.
const pollEvery = 5 * time.Millisecond

// console is the console's configuration with what it calls back.
func (d *daemon) console() *console.Config {
	c := *d.Console
	c.Logger = d.log
	c.Interrupt = func(ctx context.Context) bool { return d.typeKey(ctx, "ctrl-c") }
	c.EndInput = func(ctx context.Context) bool { return d.typeKey(ctx, "ctrl-d") }
	c.Ready = d.ready
	c.OnQuit = func() { d.end(nil) }
	c.OnEOF = func() { d.parts.start(context.Background(), "script", true, d.endOfScript) }
	return &c
}

// takeScreen lets announcements go through the console at a terminal: printed
// past it they would be erased with the line being typed.
func (d *daemon) takeScreen() {
	for _, a := range d.adapters {
		if c, ok := a.(*console.Console); ok && d.Console.Terminal {
			d.Announce = c.Log()
		}
	}
}

// greet tells who sits at the terminal what to type.
func (d *daemon) greet() {
	if d.Console == nil || !d.Console.Terminal {
		return
	}
	text := "chapi on " + d.Config.Device.Name + `. Try: help, run uname -a, sh df -h | head, term
What you type goes to the program that runs: /detach gives you this prompt
back, /stop ends the program. Ctrl-D here leaves; what runs goes on.
`
	if !d.Config.Networked() {
		text += "To use it from your phone, start it with the token of a Telegram or Discord bot: chapi --help\n"
	}
	io.WriteString(d.Announce, text)
}

// typeKey types a key into the console's foreground session, as the person
// would with /key: recorded and authorized like everything else. It reports
// whether there was one.
func (d *daemon) typeKey(ctx context.Context, key string) bool {
	if !d.sessions.HasKeyboard(ctx, console.Local) {
		return false
	}
	_, err := d.reception.Accept(ctx, bot.Batch{Adapter: console.Local.Adapter, Messages: []bot.Message{{
		Claim: bot.Claim{Account: console.Account(), Name: d.Console.User, Thread: console.Local, Direct: true},
		Key:   fmt.Sprintf("console/key/%d/%d", d.boot.Started.UnixNano(), d.typed.Add(1)),
		Text:  "/key " + key,
	}}})
	if err != nil {
		d.log.Error("type a key", "key", key, "err", err)
	}
	return true
}

// ready waits until the next line of a script may be taken: those before it
// have run to their end, but for terminals, which it may be meant for, and what
// they said is there. What an earlier console left running is not waited for.
func (d *daemon) ready(ctx context.Context, line string) {
	// A line with a slash is for what runs: /eof, /stop.
	steers := strings.HasPrefix(line, "/")
	d.await(ctx, func() bool {
		all, interactive := d.sessions.LiveIn(console.Local, d.boot.Started)
		if all > 0 {
			return (steers || all == interactive) && d.dispatch.Idle(console.Local)
		}
		return d.quiet(ctx)
	})
}

// endOfScript ends the daemon once everything that the script started has
// ended and been shown.
func (d *daemon) endOfScript(ctx context.Context) error {
	d.await(ctx, func() bool {
		all, _ := d.sessions.LiveIn(console.Local, d.boot.Started)
		return all == 0 && d.quiet(ctx)
	})
	d.end(nil)
	return nil
}

// quiet reports whether the console has nothing to do and nothing to say.
func (d *daemon) quiet(ctx context.Context) bool {
	if !d.dispatch.Idle(console.Local) {
		return false
	}
	for _, media := range []bool{false, true} {
		_, at, ok, err := d.store.Next(ctx, console.Local, media, time.Now())
		if err == nil && (ok || !at.IsZero()) {
			return false
		}
	}
	return true
}

func (d *daemon) await(ctx context.Context, done func() bool) {
	for pause := 50 * time.Microsecond; !done(); pause = min(2*pause, pollEvery) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}
