package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"chapi/bot"
)

// menus are the declarations of the commands that people were shown.
type menus struct {
	mu       sync.Mutex
	commands map[string]bot.Command
	// unpublished is what could not be published, to be tried again.
	unpublished []bot.Menu
	failed      bool
}

func (m *menus) learn(all []bot.Menu) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commands = map[string]bot.Command{pairing.Name: pairing}
	for _, menu := range all {
		for _, c := range menu.Commands {
			m.commands[c.Name] = c
		}
	}
}

// owe notes what is yet to be published.
func (m *menus) owe(all []bot.Menu, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unpublished, m.failed = nil, failed
	if failed {
		m.unpublished = all
	}
}

// owed is what is yet to be published; ok is false when nothing is.
func (m *menus) owed() (all []bot.Menu, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.unpublished, m.failed
}

// learned tells whether there is any declaration.
func (m *menus) learned() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.commands != nil
}

// command is the declaration of that name; learned is false before there was
// any.
func (m *menus) command(name string) (c bot.Command, ok, learned bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok = m.commands[name]
	return c, ok, m.commands != nil
}

// scopeTime is how long PublishMenu waits to learn which server a channel is
// on.
const scopeTime = 30 * time.Second

// PublishMenu implements bot.MenuPublisher. The network shows commands for a
// whole server, or for all private chats, so each gets what any of its
// channels or people may use; who may use it where is decided as for any other
// message. One server that fails keeps no other from its commands; the errors
// are joined.
//
// The rooms are also the ones that are watched for messages that were missed,
// and checked for what the bot may do there. What fails is tried again when
// the gateway is there anew.
func (a *Adapter) PublishMenu(ctx context.Context, all []bot.Menu) error {
	a.menus.learn(all)
	a.intake.wakeUp()
	err := a.publishAll(ctx, all)
	a.menus.owe(all, err != nil)
	return err
}

// publishLate tries again what could not be published, until ctx ends.
func (a *Adapter) publishLate(ctx context.Context) {
	for {
		select {
		case <-a.greeted:
		case <-ctx.Done():
			return
		}
		if all, owed := a.menus.owed(); owed {
			if err := a.PublishMenu(ctx, all); err != nil && ctx.Err() == nil {
				a.log.Warn("publish the commands", "err", err)
			}
		}
	}
}

func (a *Adapter) publishAll(ctx context.Context, all []bot.Menu) error {
	if err := a.introduced(ctx); err != nil {
		return fmt.Errorf("discord: publish menu: %w", err)
	}
	// By server; 0 are the private chats.
	sets := map[snowflake]map[string]bot.Command{0: {pairing.Name: pairing}}
	var errs []error
	for _, m := range all {
		guild, err := a.audience(ctx, m.Thread)
		if err != nil {
			errs = append(errs, fmt.Errorf("discord: menu of %s: %w", m.Thread, err))
			continue
		}
		if sets[guild] == nil {
			sets[guild] = map[string]bot.Command{}
		}
		for _, c := range m.Commands {
			if !c.Hidden {
				sets[guild][c.Name] = c
			}
		}
	}
	for _, guild := range slices.Sorted(maps.Keys(sets)) {
		err := a.publish(ctx, guild, sets[guild])
		if guild != 0 {
			a.noteAbsent("server "+guild.String(), a.places.guild(guild) != nil, err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// audience is the server on which a listed place's commands are shown, 0 for a
// private chat. The place is taken in.
func (a *Adapter) audience(ctx context.Context, th bot.Thread) (guild snowflake, err error) {
	if guild, ok := parseServer(th); ok {
		for _, at := range a.places.channels(guild) {
			a.adopt(at)
		}
		return guild, nil
	}
	user, id, err := parsePlace(th)
	if err != nil {
		return 0, err
	}
	if user != 0 {
		a.befriend(ctx, th)
		return 0, nil
	}
	at, err := a.lookUp(ctx, id)
	a.noteAbsent("channel "+id.String(), false, err)
	if err != nil {
		return 0, err
	}
	if at.guild == 0 || at.isThread() {
		return 0, errors.New("not a channel of a server")
	}
	a.adopt(at)
	return at.guild, nil
}

// noteAbsent advises of a listed channel or server that the bot cannot see, or
// not any more. there is true for one that it is on, but without its commands.
func (a *Adapter) noteAbsent(what string, there bool, err error) {
	switch s := status(err); {
	case err == nil:
		a.standing.advise(what, "")
	case s != http.StatusForbidden && s != http.StatusNotFound:
	case there:
		a.standing.advise(what, what+" does not take slash commands: invite the bot again")
	default:
		a.standing.advise(what, what+" is listed, but the bot is not there: invite it, or take it off the list")
	}
}

// adopt takes a listed channel in: its messages are not missed, and what the
// bot cannot do there is told.
func (a *Adapter) adopt(at place) {
	a.rooms.see(at.id)
	if !at.isForum() { // nothing is said there but in its posts
		a.attend(at.id)
	}
	a.check(at.id)
}

// firstLook is how far back a conversation is looked at that is new: what
// somebody says while the bot is being set up is not lost.
const firstLook = 10 * time.Minute

// attend makes a channel a conversation of which no message is missed.
func (a *Adapter) attend(channel snowflake) {
	if now, known := a.client.clock.now(); known {
		a.intake.attend(channel, snowflakeAt(now.Add(-firstLook)))
	}
}

// maxFriends is how many private chats are opened on our own account: the
// network does not like a bot that opens many.
const maxFriends = 20

// befriend opens the private chat of somebody who is listed, once: the network
// does not tell which there are, and so not what was said in them while nobody
// listened. That somebody shares no server with the bot is no fault.
func (a *Adapter) befriend(ctx context.Context, th bot.Thread) {
	user, _, err := parsePlace(th)
	if err != nil || len(a.friends.all()) >= maxFriends || a.friends.knows(user) {
		return
	}
	a.friends.see(user)
	channel, err := a.address(ctx, th)
	if err != nil {
		a.log.Info("a private chat cannot be opened yet", "person", user.String(), "err", err)
		return
	}
	a.attend(channel)
}

// publish registers the commands of a server, or with guild 0 those of private
// chats, if they are not what is there.
func (a *Adapter) publish(ctx context.Context, guild snowflake, set map[string]bot.Command) error {
	commands := make([]bot.Command, 0, len(set))
	for _, name := range slices.Sorted(maps.Keys(set)) {
		commands = append(commands, set[name])
	}
	want := declare(commands, a.cfg.Suggest != nil)
	app := a.application().String()
	route, ids, scope := "applications/{}/guilds/{}/commands", []string{app, guild.String()}, "server "+guild.String()
	if guild == 0 {
		route, ids, scope = "applications/{}/commands", []string{app}, "private chats"
		for i := range want {
			// Context 1 is the private chat with the bot; installed where the bot is.
			want[i].Contexts, want[i].Installs = []int{1}, []int{0}
		}
	}
	var have []slashCommand
	if err := a.client.call(ctx, request{method: "GET", route: route, ids: ids}, &have); err != nil {
		return fmt.Errorf("discord: commands of %s: %w", scope, err)
	}
	if sameCommands(have, want) {
		return nil
	}
	if want == nil {
		want = []slashCommand{}
	}
	if err := a.client.call(ctx, request{method: "PUT", route: route, ids: ids, body: want}, nil); err != nil {
		return fmt.Errorf("discord: commands of %s: %w", scope, err)
	}
	a.log.Info("published the commands", "scope", scope, "count", len(want))
	return nil
}

// sameCommands compares what is registered with what should be, in any order.
func sameCommands(have, want []slashCommand) bool {
	if len(have) != len(want) {
		return false
	}
	byName := func(x, y slashCommand) int { return bytes.Compare([]byte(x.Name), []byte(y.Name)) }
	have, want = slices.Clone(have), slices.Clone(want)
	slices.SortFunc(have, byName)
	slices.SortFunc(want, byName)
	for i := range have {
		// Servers' commands are given contexts of their own.
		if want[i].Contexts == nil {
			have[i].Contexts, have[i].Installs = nil, nil
		}
		x, errX := json.Marshal(have[i])
		y, errY := json.Marshal(want[i])
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}
