package bot

import (
	"errors"
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
	person, listed := p.people[c.Account]
	if !listed || person.Role <= Nobody || c.Account.Adapter != c.Thread.Adapter {
		return Principal{}, ErrStranger
	}
	role := person.Role
	if !c.Direct {
		chat, listed := p.chats[c.Thread.Room()]
		if !listed {
			return Principal{}, ErrChatNotListed
		}
		if chat.Ceiling != Nobody {
			role = min(role, chat.Ceiling)
		}
	}
	return Principal{person: person.Name, account: c.Account, thread: c.Thread, role: role}, nil
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
