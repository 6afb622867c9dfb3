package telegramtest

import (
	"fmt"
	"strconv"
)

// User is a person or a bot that can be in chats with the bot.
type User struct {
	ID       int64
	Name     string // first name
	Username string // without "@", may be empty
	Bot      bool
	Language string // language_code, may be empty

	srv *Server
}

// UserOption refines AddUser.
type UserOption func(*User)

// Username gives the user a username, without "@".
func Username(name string) UserOption { return func(u *User) { u.Username = name } }

// IsBot makes the user another bot.
func IsBot() UserOption { return func(u *User) { u.Bot = true } }

// Language gives the user's client a language code.
func Language(code string) UserOption { return func(u *User) { u.Language = code } }

// Accounts of the service that write in the name of somebody else (Bot API,
// Message.from).
var (
	anonymousAdmin = &User{ID: 1087968824, Name: "Group", Username: "GroupAnonymousBot", Bot: true}
	channelBot     = &User{ID: 136817688, Name: "Channel", Username: "Channel_Bot", Bot: true}
	serviceAccount = &User{ID: 777000, Name: "Telegram"}
)

// AddUser makes a user known. It panics when the id is taken or not positive.
func (s *Server) AddUser(id int64, name string, opts ...UserOption) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id <= 0 || s.users[id] != nil {
		panic(fmt.Sprintf("telegramtest: user id %d is taken or not positive", id))
	}
	u := &User{ID: id, Name: name, srv: s}
	for _, o := range opts {
		o(u)
	}
	s.users[id] = u
	return u
}

func parseInt(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
