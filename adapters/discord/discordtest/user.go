package discordtest

import "fmt"

// User is a person or a bot.
type User struct {
	ID     Snowflake
	Name   string // username
	Global string // display name, may be empty
	Bot    bool
	Locale string // of the client, for interactions; empty means en-US

	srv *Server
	// closed tells that the person takes no direct messages from the bot.
	closed bool
}

// UserOption refines AddUser.
type UserOption func(*User)

// Global gives the user a display name.
func Global(name string) UserOption { return func(u *User) { u.Global = name } }

// IsBot makes the user another bot.
func IsBot() UserOption { return func(u *User) { u.Bot = true } }

// Locale gives the user's client a language, such as "de".
func Locale(code string) UserOption { return func(u *User) { u.Locale = code } }

// AddUser makes a user known; an id of 0 means a new one. It panics when the id
// is taken.
func (s *Server) AddUser(id Snowflake, name string, opts ...UserOption) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 {
		id = s.ids.next(s.now())
	}
	if s.users[id] != nil {
		panic(fmt.Sprintf("discordtest: user id %d is taken", id))
	}
	u := &User{ID: id, Name: name, srv: s}
	for _, o := range opts {
		o(u)
	}
	s.users[id] = u
	return u
}

// Mention is the markup that mentions the user.
func (u *User) Mention() string { return "<@" + u.ID.String() + ">" }

// CloseDMs makes the user take no direct messages: sends fail with 50007.
func (u *User) CloseDMs(closed bool) {
	u.srv.mu.Lock()
	defer u.srv.mu.Unlock()
	u.closed = closed
}

// wireUser is a user as the API writes it.
type wireUser struct {
	ID            Snowflake `json:"id"`
	Username      string    `json:"username"`
	Discriminator string    `json:"discriminator"`
	GlobalName    *string   `json:"global_name"`
	Avatar        *string   `json:"avatar"`
	Bot           bool      `json:"bot,omitempty"`
	PublicFlags   int       `json:"public_flags"`
}

func (u *User) wire() *wireUser {
	w := &wireUser{ID: u.ID, Username: u.Name, Discriminator: "0", Bot: u.Bot}
	if u.Global != "" {
		w.GlobalName = &u.Global
	}
	return w
}
