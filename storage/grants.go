package storage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

const (
	// codeAlphabet has no two characters that look or sound alike on a phone:
	// no 0 and O, no 1, I and L, no U beside V.
	codeAlphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
	// codeLen makes 30^8 codes, 39 bits: more than enough for MaxTries guesses,
	// and short enough to type.
	codeLen = 8
	// nameMax bounds the name of a paired person, in runes.
	nameMax = 64
)

// People implements bot.Grants, by name.
func (db *DB) People(ctx context.Context) ([]bot.Person, error) {
	people, err := db.view(ctx).people()
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	return people, nil
}

func (v view) people() ([]bot.Person, error) {
	var people []bot.Person
	err := v.each(func(row scanner) error {
		var p bot.Person
		var accounts string
		if err := row.Scan(&p.Name, &p.Role, &accounts); err != nil {
			return err
		}
		if err := decode(accounts, &p.Accounts); err != nil {
			return fmt.Errorf("person %s: %w", p.Name, err)
		}
		people = append(people, p)
		return nil
	}, "SELECT name, role, accounts FROM people ORDER BY name")
	return people, err
}

// Chats implements bot.Grants, by room.
func (db *DB) Chats(ctx context.Context) ([]bot.Chat, error) {
	var chats []bot.Chat
	err := db.view(ctx).each(func(row scanner) error {
		var c bot.Chat
		if err := row.Scan(&c.Room.Adapter, &c.Room.Chat, &c.Name, &c.Ceiling); err != nil {
			return err
		}
		chats = append(chats, c)
		return nil
	}, "SELECT adapter, chat, name, ceiling FROM chats ORDER BY adapter, chat")
	if err != nil {
		return nil, fmt.Errorf("read chats: %w", err)
	}
	return chats, nil
}

// SetPerson implements bot.Grants.
func (db *DB) SetPerson(ctx context.Context, p bot.Person) error {
	err := db.writer.do(ctx, true, func(t tx) error { return t.setPerson(p) })
	if err != nil {
		return fmt.Errorf("set person %s: %w", p.Name, err)
	}
	return nil
}

func (t tx) setPerson(p bot.Person) error {
	var accounts string
	if len(p.Accounts) > 0 {
		var err error
		if accounts, err = encode(p.Accounts); err != nil {
			return err
		}
	}
	_, err := t.exec(`INSERT INTO people (name, role, accounts) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET role = excluded.role, accounts = excluded.accounts`, p.Name, int(p.Role), accounts)
	return err
}

// RemovePerson implements bot.Grants. It returns bot.ErrNotFound when there is
// nobody of that name.
func (db *DB) RemovePerson(ctx context.Context, name string) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		return removed(t.exec("DELETE FROM people WHERE name = ?", name))
	})
	if err != nil {
		return fmt.Errorf("remove person %s: %w", name, err)
	}
	return nil
}

// SetChat implements bot.Grants.
func (db *DB) SetChat(ctx context.Context, c bot.Chat) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		_, err := t.exec(`INSERT INTO chats (adapter, chat, name, ceiling) VALUES (?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET name = excluded.name, ceiling = excluded.ceiling`,
			c.Room.Adapter, string(c.Room.Chat), c.Name, int(c.Ceiling))
		return err
	})
	if err != nil {
		return fmt.Errorf("set chat %s: %w", c.Room, err)
	}
	return nil
}

// RemoveChat implements bot.Grants. It returns bot.ErrNotFound when the room is
// not listed.
func (db *DB) RemoveChat(ctx context.Context, room bot.Thread) error {
	err := db.writer.do(ctx, true, func(t tx) error {
		return removed(t.exec("DELETE FROM chats WHERE adapter = ? AND chat = ?", room.Adapter, string(room.Chat)))
	})
	if err != nil {
		return fmt.Errorf("remove chat %s: %w", room, err)
	}
	return nil
}

func removed(n int64, err error) error {
	if err == nil && n == 0 {
		return bot.ErrNotFound
	}
	return err
}

// NewCode implements bot.Grants. The code is 8 capital letters and digits.
func (db *DB) NewCode(ctx context.Context, r bot.Role, until time.Time) (string, error) {
	code, err := db.newCode(ctx, invitation{role: r}, until)
	if err != nil {
		return "", fmt.Errorf("make a pairing code for role %s: %w", r, err)
	}
	return code, nil
}

// NewLink implements bot.Grants.
func (db *DB) NewLink(ctx context.Context, name string, r bot.Role, until time.Time) (string, error) {
	code, err := db.newCode(ctx, invitation{role: r, person: name}, until)
	if err != nil {
		return "", fmt.Errorf("make a code for another account of %s: %w", name, err)
	}
	return code, nil
}

// invitation is what a code is good for: to become a new person with the role,
// or another account of a person.
type invitation struct {
	role   bot.Role
	person string
}

func (db *DB) newCode(ctx context.Context, i invitation, until time.Time) (string, error) {
	code := mintCode()
	return code, db.writer.do(ctx, true, func(t tx) error {
		_, err := t.exec(`INSERT INTO codes (role, person, hash, until, tries) VALUES (?, ?, ?, ?, 0)
			ON CONFLICT DO UPDATE SET hash = excluded.hash, until = excluded.until, tries = 0`,
			int(i.role), i.person, hashCode(code), micros(until))
		return err
	})
}

func mintCode() string {
	code := make([]byte, 0, codeLen)
	var random [codeLen]byte
	for len(code) < codeLen {
		rand.Read(random[:]) // never fails: crypto/rand ends the program instead
		for _, b := range random {
			// Bytes beyond the last whole run of the alphabet would favour
			// its beginning.
			if int(b) < 256/len(codeAlphabet)*len(codeAlphabet) && len(code) < codeLen {
				code = append(code, codeAlphabet[int(b)%len(codeAlphabet)])
			}
		}
	}
	return string(code)
}

// hashCode is what is kept of a code. It looks past how people write one:
// small letters, blanks, dashes.
func hashCode(code string) []byte {
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, code)
	sum := sha256.Sum256([]byte(strings.ToUpper(code)))
	return sum[:]
}

// Redeem implements bot.Grants. A message that was seen before is not tried
// again: ok is then false. An account that was let in before stays the same
// person, with the greater role. A wrong code counts against each code that is
// good at the time. welcome runs inside the transaction, and perhaps twice: it
// must not use the DB.
func (db *DB) Redeem(ctx context.Context, key, code string, who bot.Claim, welcome func(bot.Person) []bot.Delivery) (p bot.Person, ok bool, err error) {
	err = db.writer.do(ctx, true, func(t tx) error {
		p, ok = bot.Person{}, false
		now := time.Now()
		fresh, err := t.remember(key, now)
		if err != nil || !fresh {
			return err
		}
		good, err := t.useCode(code, now)
		if err != nil || good == nil {
			return err
		}
		if good.person != "" {
			p, err = t.link(who.Account, *good)
		} else {
			p, err = t.admit(who, good.role)
		}
		if err != nil {
			return err
		}
		ok = true
		if welcome == nil {
			return nil
		}
		return db.put(t, welcome(p), now)
	})
	if err != nil {
		return bot.Person{}, false, fmt.Errorf("redeem a pairing code: %w", err)
	}
	return p, ok, nil
}

// useCode uses up the code and returns what it is good for, or counts the try
// and returns nil.
func (t tx) useCode(code string, now time.Time) (*invitation, error) {
	offered := hashCode(code)
	var good *invitation
	err := t.each(func(row scanner) error {
		var i invitation
		var hash []byte
		if err := row.Scan(&i.role, &i.person, &hash); err != nil {
			return err
		}
		if subtle.ConstantTimeCompare(hash, offered) == 1 {
			good = &i
		}
		return nil
	}, "SELECT role, person, hash FROM codes WHERE until > ?", micros(now))
	if err != nil {
		return nil, err
	}
	if good != nil {
		_, err := t.exec("DELETE FROM codes WHERE role = ? AND person = ?", int(good.role), good.person)
		return good, err
	}
	if _, err := t.exec("UPDATE codes SET tries = tries + 1 WHERE until > ?", micros(now)); err != nil {
		return nil, err
	}
	_, err = t.exec("DELETE FROM codes WHERE EXISTS (SELECT 1 FROM codes WHERE tries >= ?)", bot.MaxTries)
	return nil, err
}

// link adds an account to a person, who may be known by the configuration only.
// It is nobody else's from then on.
func (t tx) link(account bot.Account, to invitation) (bot.Person, error) {
	people, err := t.people()
	if err != nil {
		return bot.Person{}, err
	}
	p := bot.Person{Name: to.person, Role: to.role}
	for _, known := range people {
		if known.Name == to.person {
			p = known
			continue
		}
		if i := slices.Index(known.Accounts, account); i >= 0 {
			known.Accounts = slices.Delete(known.Accounts, i, i+1)
			if len(known.Accounts) == 0 {
				_, err = t.exec("DELETE FROM people WHERE name = ?", known.Name)
			} else {
				err = t.setPerson(known)
			}
			if err != nil {
				return bot.Person{}, err
			}
		}
	}
	if !slices.Contains(p.Accounts, account) {
		p.Accounts = append(p.Accounts, account)
	}
	return p, t.setPerson(p)
}

// admit makes the claimant a person with the role.
func (t tx) admit(who bot.Claim, role bot.Role) (bot.Person, error) {
	people, err := t.people()
	if err != nil {
		return bot.Person{}, err
	}
	known := slices.IndexFunc(people, func(p bot.Person) bool { return slices.Contains(p.Accounts, who.Account) })
	if known >= 0 {
		p := people[known]
		p.Role = max(p.Role, role)
		return p, t.setPerson(p)
	}
	p := bot.Person{Name: freeName(nameFor(who), people), Role: role, Accounts: []bot.Account{who.Account}}
	return p, t.setPerson(p)
}

// nameFor is a tidy name for somebody that a network knows.
func nameFor(who bot.Claim) string {
	name := strings.Join(strings.Fields(who.Name), " ")
	if runes := []rune(name); len(runes) > nameMax {
		name = strings.TrimSpace(string(runes[:nameMax]))
	}
	if name == "" {
		name = string(who.Account.User)
	}
	return name
}

// freeName is the name, with a number if somebody is called that already.
// Names that differ in case only would be taken for one another.
func freeName(name string, people []bot.Person) string {
	free := func(name string) bool {
		return !slices.ContainsFunc(people, func(p bot.Person) bool { return strings.EqualFold(p.Name, name) })
	}
	unique := name
	for n := 2; !free(unique); n++ {
		unique = name + " " + strconv.Itoa(n)
	}
	return unique
}
