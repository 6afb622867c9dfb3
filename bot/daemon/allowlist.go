package daemon

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

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
	linked        map[string][]bot.Account // by configured person
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
	a.linked = map[string][]bot.Account{}
	a.grantedPeople = people[:0]
	for _, p := range people {
		if p.Role == bot.Nobody { // accounts that were linked to a configured person
			a.linked[p.Name] = p.Accounts
		} else {
			a.grantedPeople = append(a.grantedPeople, p)
		}
	}
	a.grantedChats = chats
	// The configured entry of a chat comes last and so prevails.
	a.policy.Set(slices.Concat(a.grantedPeople, a.configured()), slices.Concat(chats, a.chats))
	return nil
}

// configured is the people of the configuration with the accounts that were
// linked to them; a.mu is held.
func (a *allowlist) configured() []bot.Person {
	people := slices.Clone(a.people)
	for i, p := range people {
		people[i].Accounts = slices.Concat(p.Accounts, a.linked[p.Name])
	}
	return people
}

// Everyone is all people and all chats, the configured ones first.
func (a *allowlist) Everyone() ([]bot.Person, []bot.Chat) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Concat(a.configured(), a.grantedPeople), slices.Concat(a.chats, a.grantedChats)
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

// Link makes a code with which another account becomes the principal's own.
func (a *allowlist) Link(ctx context.Context, p bot.Principal) (code string, life time.Duration, err error) {
	if p.Account().Adapter == console.Local.Adapter {
		return "", 0, bot.Userf("Whoever is at the device pairs a phone with: chapi pair")
	}
	people, _ := a.Everyone()
	i := slices.IndexFunc(people, func(known bot.Person) bool { return slices.Contains(known.Accounts, p.Account()) })
	if i < 0 {
		return "", 0, bot.Userf("You are known by a role on the server, not by name, so there is nobody to link to. An owner can let you in by name: chapi pair on the device.")
	}
	role := people[i].Role
	if a.configuredPerson(people[i].Name) {
		role = bot.Nobody // theirs is in the configuration
	}
	code, err = a.grants.NewLink(ctx, people[i].Name, role, time.Now().Add(CodeLife))
	return code, CodeLife, err
}

// Unlink leaves a person the account that they write from and those of the
// configuration, and tells which are gone.
func (a *allowlist) Unlink(ctx context.Context, p bot.Principal) ([]bot.Account, error) {
	a.mu.Lock()
	name, gone := p.Person(), a.linked[p.Person()]
	granted := slices.IndexFunc(a.grantedPeople, func(known bot.Person) bool { return known.Name == name })
	var kept bot.Person
	if granted >= 0 {
		kept = a.grantedPeople[granted]
		gone = slices.DeleteFunc(slices.Clone(kept.Accounts), func(acc bot.Account) bool { return acc == p.Account() })
		kept.Accounts = []bot.Account{p.Account()}
	}
	a.mu.Unlock()
	var err error
	switch {
	case len(gone) == 0:
		return nil, nil
	case granted >= 0:
		err = a.grants.SetPerson(ctx, kept)
	default:
		err = a.grants.RemovePerson(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	return gone, a.reload(ctx)
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
