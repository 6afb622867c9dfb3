package bot

import (
	"errors"
	"strings"
	"sync"
)

// Why a claim gives no rights.
var (
	// ErrStranger: the account is on no list.
	ErrStranger = errors.New("account is not listed")
	// ErrChatNotListed: the person is listed, the group is not.
	ErrChatNotListed = errors.New("chat is not listed")
	// ErrNotOriginal: edited, forwarded, by a program, or in a chat's name.
	ErrNotOriginal = errors.New("not an original message")
)

// Policy decides who may do what, where. It is the only way to a Principal, for
// text, buttons, replies, calls from the record and the local console alike.
// The zero value lets nobody in. It is safe for concurrent use.
type Policy struct {
	mu     sync.RWMutex
	people map[Account]Person
	chats  map[Thread]Chat
	badges map[Badge]Role
}

// SetBadges replaces what badges give. They count in listed chats only, never
// in private ones, and not for those who are listed themselves. None gives the
// role of an owner: who hands out badges could make themselves one.
func (p *Policy) SetBadges(roles map[Badge]Role) {
	kept := map[Badge]Role{}
	for badge, role := range roles {
		kept[badge] = min(role, Operator)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.badges = kept
}

// Asks reports whether it matters which badges the account of a claim wears.
func (p *Policy) Asks(c Claim) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, listed := p.people[c.Account]
	return len(p.badges) > 0 && !listed && !c.Direct && c.Origin == Original && p.listed(c).Room != Thread{}
}

// listed is the listing of a claim's place, by itself or with the server that
// it is part of; the zero Chat when it is none. The lock is held.
func (p *Policy) listed(c Claim) Chat {
	if chat, ok := p.chats[c.Thread.Room()]; ok || c.Server == "" {
		return chat
	}
	return p.chats[Thread{Adapter: c.Thread.Adapter, Chat: c.Server}]
}

// person is who a claim is about; ok is false for a stranger. Somebody who is
// known by a badge alone is called as their account is. The lock is held.
func (p *Policy) person(c Claim) (person Person, ok bool) {
	if c.Account.Adapter != c.Thread.Adapter {
		return Person{}, false
	}
	if person, ok = p.people[c.Account]; ok || c.Direct {
		return person, person.Role > Nobody
	}
	person.Name = c.Account.String()
	for _, id := range c.Badges {
		person.Role = max(person.Role, p.badges[Badge{c.Account.Adapter, id}])
	}
	return person, person.Role > Nobody
}

// Set replaces both lists. Empty lists mean nobody and nowhere.
func (p *Policy) Set(people []Person, chats []Chat) {
	byAccount := map[Account]Person{}
	for _, person := range people {
		for _, a := range person.Accounts {
			// An account on two entries has the lesser role: a mistake in a
			// list must not raise anybody.
			if old, twice := byAccount[a]; twice && old.Role < person.Role {
				continue
			}
			byAccount[a] = person
		}
	}
	byRoom := map[Thread]Chat{}
	for _, c := range chats {
		byRoom[c.Room.Room()] = c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people, p.chats = byAccount, byRoom
}

// Authorize turns a claim into a principal. Person and chat are both checked:
// the private chat of a listed person is open to them, a group must be listed
// and may lower the role to its ceiling. Errors: ErrNotOriginal, ErrStranger,
// ErrChatNotListed.
func (p *Policy) Authorize(c Claim) (Principal, error) {
	if c.Origin != Original {
		return Principal{}, ErrNotOriginal
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	person, known := p.person(c)
	if !known {
		return Principal{}, ErrStranger
	}
	role := person.Role
	if !c.Direct {
		chat := p.listed(c)
		if chat.Room == (Thread{}) {
			return Principal{}, ErrChatNotListed
		}
		if chat.Ceiling != Nobody {
			role = min(role, chat.Ceiling)
		}
	}
	return Principal{person: person.Name, account: c.Account, thread: c.Thread, role: role}, nil
}

// Known is the person as the lists have them now, with all their accounts; the
// zero Person when nobody has that name, small or capital.
func (p *Policy) Known(name string) Person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, person := range p.people {
		if strings.EqualFold(person.Name, name) {
			return person
		}
	}
	return Person{}
}

// Owners is every account of every owner: who is told about the door.
func (p *Policy) Owners() []Account {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var owners []Account
	for a, person := range p.people {
		if person.Role >= Owner {
			owners = append(owners, a)
		}
	}
	return owners
}
