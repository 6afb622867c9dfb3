package daemon

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rsc.io/qr"

	"chapi/bot"
)

// CodeLife is how long a pairing code is good for.
const CodeLife = 10 * time.Minute

// linkWait is how long the offer waits for a network to tell the bot's name.
const linkWait = 10 * time.Second

// linkScope holds, per adapter, a link with codePlace where the code goes, and
// what to do with it: how another process knows the bots' names.
const (
	linkScope = "pairlink"
	codePlace = "CODE0000"
)

// way leads to a bot.
type way struct {
	Link, Hint string
}

// offerPairing shows a code for the first owner when a chat network is served
// and nobody owns it yet.
func (d *daemon) offerPairing(ctx context.Context) error {
	var ways []way
	served := false
	deadline := time.Now().Add(linkWait)
	for _, a := range d.adapters {
		if l, ok := a.(bot.Linker); ok {
			served = true
			if w := d.learnLink(ctx, a.Name(), l, deadline); w.Link != "" {
				ways = append(ways, w)
			}
		}
	}
	if !served || d.allowlist.owned() || ctx.Err() != nil {
		return nil
	}
	code, err := d.store.NewCode(ctx, bot.Owner, time.Now().Add(CodeLife))
	if err != nil {
		return fmt.Errorf("make pairing code: %w", err)
	}
	ShowCode(d.Announce, code, ways, bot.Owner)
	return nil
}

// learnLink waits for the bot's name and remembers the link for `chapi pair`.
// Without a network it returns what was known before.
func (d *daemon) learnLink(ctx context.Context, adapter string, l bot.Linker, deadline time.Time) way {
	for ctx.Err() == nil {
		if link := l.PairLink(codePlace); link != "" {
			w := way{link, l.PairHint()}
			if err := d.store.Set(ctx, linkScope, adapter, w.Link+"\n"+w.Hint); err != nil {
				d.log.Error("remember the bot's link", "err", err)
			}
			return w
		}
		if time.Now().After(deadline) {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	known, _ := d.store.Setting(ctx, linkScope, adapter)
	return parseWay(known)
}

// parseWay reads what learnLink has kept.
func parseWay(s string) way {
	link, hint, _ := strings.Cut(s, "\n")
	return way{link, hint}
}

// Pair makes a one-time code for a role in the store of a daemon, which may or
// may not be running, and shows it. The first person is always an owner.
func Pair(ctx context.Context, w io.Writer, store bot.Store, configured []bot.Person, role bot.Role) error {
	granted, err := store.People(ctx)
	if err != nil {
		return fmt.Errorf("read people: %w", err)
	}
	if len(granted)+len(configured) == 0 {
		role = bot.Owner
	}
	code, err := store.NewCode(ctx, role, time.Now().Add(CodeLife))
	if err != nil {
		return fmt.Errorf("make pairing code: %w", err)
	}
	known, err := store.Settings(ctx, linkScope)
	if err != nil {
		return fmt.Errorf("read the bots' links: %w", err)
	}
	var ways []way
	for _, adapter := range slices.Sorted(maps.Keys(known)) {
		if w := parseWay(known[adapter]); w.Hint != "" {
			ways = append(ways, w)
		}
	}
	ShowCode(w, code, ways, role)
	return nil
}

// ShowCode prints how to pair: the code, and the way to each bot with its link
// as a QR code for the phone's camera.
func ShowCode(w io.Writer, code string, ways []way, role bot.Role) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nTo talk to chapi from your phone, send this to your bot within %d minutes:\n\n    /pair %s\n\n", int(CodeLife.Minutes()), code)
	for _, to := range ways {
		link := strings.ReplaceAll(to.Link, codePlace, code)
		fmt.Fprintf(&b, "%s\n\n    %s\n\n%s\n", to.Hint, link, qrText(link))
	}
	if len(ways) == 0 {
		b.WriteString("(No link yet: chapi has not reached a chat network with a bot's token so far.)\n\n")
	}
	fmt.Fprintf(&b, "Whoever sends it becomes %s. It works once. A new one: chapi pair\n\n", role)
	// In one piece, so that nothing comes between.
	io.WriteString(w, b.String())
}

// qrText draws the text as a QR code of half blocks, dark on light, with the
// quiet zone that scanners need.
func qrText(text string) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}
	const quiet = 2
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("    ")
		for x := -quiet; x < code.Size+quiet; x++ {
			// Black on a terminal is its background: light modules are drawn.
			switch top, bottom := !code.Black(x, y), !code.Black(x, y+1); {
			case top && bottom:
				b.WriteString("█")
			case top:
				b.WriteString("▀")
			case bottom:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// paired brings the policy and the menus up to date after somebody came in.
func (d *daemon) paired(ctx context.Context) error {
	if err := d.allowlist.reload(ctx); err != nil {
		return err
	}
	d.parts.start(context.WithoutCancel(ctx), "menus", true, func(ctx context.Context) error { d.publishMenus(ctx); return nil })
	return nil
}

// publishMenus shows each person in their private chat, and each group, the
// commands that can be used there.
func (d *daemon) publishMenus(ctx context.Context) {
	people, chats := d.allowlist.Everyone()
	for _, a := range d.adapters {
		publisher, ok := a.(bot.MenuPublisher)
		if !ok {
			continue
		}
		var menus []bot.Menu
		for _, p := range people {
			for _, account := range p.Accounts {
				if th, ok := d.deliver.Direct(account); ok && account.Adapter == a.Name() {
					menus = append(menus, bot.Menu{Thread: th, Commands: d.menu(p.Role)})
				}
			}
		}
		for _, c := range chats {
			if c.Room.Adapter != a.Name() {
				continue
			}
			role := bot.Operator
			if c.Ceiling != bot.Nobody {
				role = min(role, c.Ceiling)
			}
			menus = append(menus, bot.Menu{Thread: c.Room, Commands: d.menu(role)})
		}
		if err := publisher.PublishMenu(ctx, menus); err != nil && ctx.Err() == nil {
			d.log.Warn("publish the command menu", "adapter", a.Name(), "err", err)
		}
	}
}

// menu is what a role finds in the network's own menu.
func (d *daemon) menu(role bot.Role) []bot.Command {
	var menu []bot.Command
	for _, c := range d.dispatch.Parser.Commands() {
		if !c.Hidden && c.Role <= role {
			menu = append(menu, c)
		}
	}
	return menu
}
