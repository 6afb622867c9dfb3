package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"chapi/adapters/console"
	"chapi/bot"
)

// allowlist joins the people and chats of the configuration with those that
// came in while running, and keeps the policy up to date.
type allowlist struct {
	policy *bot.Policy
	grants bot.Grants
	// people and chats are the configured ones. They cannot be changed from a
	// chat: whoever can write the file decides.
	people []bot.Person
	chats  []bot.Chat

	mu            sync.Mutex
	grantedPeople []bot.Person
	grantedChats  []bot.Chat
}

// reload reads the grants and sets the policy.
func (a *allowlist) reload(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	people, err := a.grants.People(ctx)
	if err != nil {
		return fmt.Errorf("read granted people: %w", err)
	}
	chats, err := a.grants.Chats(ctx)
	if err != nil {
		return fmt.Errorf("read granted chats: %w", err)
	}
	a.grantedPeople, a.grantedChats = people, chats
	// The configured entry of a chat comes last and so prevails.
	a.policy.Set(slices.Concat(people, a.people), slices.Concat(chats, a.chats))
	return nil
}

// Everyone is all people and all chats, the configured ones first.
func (a *allowlist) Everyone() ([]bot.Person, []bot.Chat) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Concat(a.people, a.grantedPeople), slices.Concat(a.chats, a.grantedChats)
}

// owned reports whether an owner is there who can be reached on a network, not
// only at the console.
func (a *allowlist) owned() bool {
	people, _ := a.Everyone()
	return slices.ContainsFunc(people, func(p bot.Person) bool {
		return p.Role == bot.Owner && slices.ContainsFunc(p.Accounts, func(acc bot.Account) bool { return acc.Adapter != console.Local.Adapter })
	})
}

// SetPerson changes a person who came in by pairing.
func (a *allowlist) SetPerson(ctx context.Context, p bot.Person) error {
	if a.configuredPerson(p.Name) {
		return bot.Userf("%s is in the configuration file on the device; that is where to change it.", p.Name)
	}
	if err := a.grants.SetPerson(ctx, p); err != nil {
		return err
	}
	return a.reload(ctx)
}

// RemovePerson takes away what pairing gave.
func (a *allowlist) RemovePerson(ctx context.Context, name string) error {
	if a.configuredPerson(name) {
		return bot.Userf("%s is in the configuration file on the device; that is where to remove them.", name)
	}
	if err := a.grants.RemovePerson(ctx, name); err != nil {
		return err
	}
	return a.reload(ctx)
}

// SetChat lets a group in, or changes its ceiling.
func (a *allowlist) SetChat(ctx context.Context, c bot.Chat) error {
	if a.configuredChat(c.Room) {
		return bot.Userf("That group is in the configuration file on the device; that is where to change it.")
	}
	if err := a.grants.SetChat(ctx, c); err != nil {
		return err
	}
	return a.reload(ctx)
}

// RemoveChat closes a group again.
func (a *allowlist) RemoveChat(ctx context.Context, room bot.Thread) error {
	if a.configuredChat(room) {
		return bot.Userf("That group is in the configuration file on the device; that is where to remove it.")
	}
	if err := a.grants.RemoveChat(ctx, room); err != nil {
		return err
	}
	return a.reload(ctx)
}

// follow keeps a listed group listed when it gets a new id. What the
// configuration says of the old one holds for the new one.
func (a *allowlist) follow(ctx context.Context, m bot.Move) error {
	_, chats := a.Everyone()
	at := func(room bot.Thread) int {
		return slices.IndexFunc(chats, func(c bot.Chat) bool { return c.Room == room.Room() })
	}
	i := at(m.From)
	if i < 0 || at(m.To) >= 0 {
		return nil
	}
	c := chats[i]
	c.Room = m.To.Room()
	if err := a.grants.SetChat(ctx, c); err != nil {
		return err
	}
	return a.reload(ctx)
}

func (a *allowlist) configuredPerson(name string) bool {
	return slices.ContainsFunc(a.people, func(p bot.Person) bool { return strings.EqualFold(p.Name, name) })
}

func (a *allowlist) configuredChat(room bot.Thread) bool {
	return slices.ContainsFunc(a.chats, func(c bot.Chat) bool { return c.Room == room.Room() })
}
