package bot

import (
	"fmt"
	"strings"
)

// Role is how much a person may do. Each includes the ones before it. The zero
// value may do nothing.
type Role int

// The roles, least first.
const (
	Nobody   Role = iota
	Viewer        // may look: status, sessions, logs of the chat
	User          // may run programs and type into their own sessions
	Operator      // may also steer the sessions of others
	Owner         // may also decide who else may do what, and restart the daemon
)

var roleNames = [...]string{"nobody", "viewer", "user", "operator", "owner"}

// String is the role's name as in the configuration.
func (r Role) String() string {
	if r >= 0 && int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", int(r))
}

// ParseRole reads a role's name. "nobody" is not one that can be given.
func ParseRole(s string) (Role, error) {
	for r := Viewer; r <= Owner; r++ {
		if strings.EqualFold(s, r.String()) {
			return r, nil
		}
	}
	return Nobody, fmt.Errorf("unknown role %q: want viewer, user, operator or owner", s)
}

// Person is one human being with all their accounts, as configured or paired.
type Person struct {
	Name     string
	Role     Role
	Accounts []Account
}

// Chat is a group that is listed. Private chats need no listing.
type Chat struct {
	Name string
	Room Thread // Topic is empty: a listing holds for all its topics
	// Ceiling is the most that anybody may do there; Nobody means no ceiling.
	Ceiling Role
}

// BadgeID names a badge; unique within its adapter.
type BadgeID string

// Badge is a mark that the administrators of a network's place give to
// accounts, such as a role on a server. It is comparable.
type Badge struct {
	Adapter string
	ID      BadgeID
}

// Principal is an authorized person in a place. Only Policy.Authorize makes
// one; the zero value may do nothing.
type Principal struct {
	person  string
	account Account
	thread  Thread
	role    Role
}

// Person is the name that the allowlist gives the person.
func (p Principal) Person() string { return p.person }

// Account is the account that the person acts through.
func (p Principal) Account() Account { return p.account }

// Thread is the place that the rights hold in.
func (p Principal) Thread() Thread { return p.thread }

// Role is what the person may do in that place.
func (p Principal) Role() Role { return p.role }

// May reports whether the principal has at least the role.
func (p Principal) May(r Role) bool { return r > Nobody && p.role >= r }
