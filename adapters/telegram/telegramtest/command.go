package telegramtest

import (
	"cmp"
	"encoding/json"
	"regexp"
)

const (
	maxCommands       = 100
	maxCommandName    = 32
	maxCommandSummary = 256
)

// Command is one entry of a command menu.
type Command struct {
	Name        string `json:"command"`
	Description string `json:"description"`
}

// Scope says where a command menu shows. Its Type is "default",
// "all_private_chats", "all_group_chats", "all_chat_administrators", "chat",
// "chat_administrators" or "chat_member". The zero value is the default.
type Scope struct {
	Type   string
	ChatID int64
	UserID int64
}

type menuKey struct {
	scope    Scope
	language string
}

// Menu is what setMyCommands stored for exactly this scope without a language
// code, nil if nothing or deleted.
func (s *Server) Menu(scope Scope) []Command { return s.MenuLanguage(scope, "") }

// MenuLanguage is Menu for one two-letter language code.
func (s *Server) MenuLanguage(scope Scope, language string) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	scope.Type = cmp.Or(scope.Type, "default")
	return s.menus[menuKey{scope, language}]
}

// MenuShown is what a person's client shows in a chat: the most specific menu
// that is stored, the person's language before none (Bot API,
// BotCommandScope). admin tells whether the person administers the group.
func (s *Server) MenuShown(c *Chat, u *User, admin bool) []Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	scopes := []Scope{{Type: "chat", ChatID: c.id}, {Type: "all_private_chats"}, {Type: "default"}}
	if c.kind != PrivateChat {
		scopes = []Scope{{Type: "chat_member", ChatID: c.id, UserID: u.ID}}
		if admin {
			scopes = append(scopes, Scope{Type: "chat_administrators", ChatID: c.id})
		}
		scopes = append(scopes, Scope{Type: "chat", ChatID: c.id})
		if admin {
			scopes = append(scopes, Scope{Type: "all_chat_administrators"})
		}
		scopes = append(scopes, Scope{Type: "all_group_chats"}, Scope{Type: "default"})
	}
	for _, scope := range scopes {
		for _, language := range []string{u.Language, ""} {
			if menu := s.menus[menuKey{scope, language}]; len(menu) > 0 {
				return menu
			}
		}
	}
	return nil
}

var (
	languageCode  = regexp.MustCompile(`^[a-z]{2}$`)
	commandSymbol = regexp.MustCompile(`^[a-z0-9_]+$`)
)

// menuOf reads scope and language_code.
func (s *Server) menuOf(rq *request) (menuKey, error) {
	k := menuKey{Scope{Type: "default"}, rq.arg("language_code")}
	if k.language != "" && !languageCode.MatchString(k.language) {
		return k, badRequest("invalid language code specified")
	}
	text := rq.arg("scope")
	if text == "" {
		return k, nil
	}
	var sent struct {
		Type string          `json:"type"`
		Chat json.RawMessage `json:"chat_id"`
		User jsonNumber      `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		return k, badRequest("can't parse BotCommandScope JSON object")
	}
	k.scope.Type = sent.Type
	switch sent.Type {
	case "default", "all_private_chats", "all_group_chats", "all_chat_administrators":
		return k, nil
	case "chat", "chat_administrators", "chat_member":
	default:
		return k, badRequest("can't parse BotCommandScope: unsupported type specified")
	}
	sub := &request{params: Params{{"chat_id", trimQuotes(string(sent.Chat))}}}
	c, err := s.chatOf(sub)
	if err != nil {
		return k, err
	}
	if c.kind == PrivateChat && sent.Type != "chat" {
		return k, badRequest("can't use the scope in a private chat")
	}
	k.scope.ChatID = c.id
	if sent.Type == "chat_member" {
		if s.users[int64(sent.User)] == nil {
			return k, badRequest("user not found")
		}
		k.scope.UserID = int64(sent.User)
	}
	return k, nil
}

func trimQuotes(s string) string {
	if len(s) >= 2 && s[0] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

func (s *Server) setMyCommands(rq *request) error {
	var sent []struct {
		Name        *string `json:"command"`
		Description *string `json:"description"`
	}
	if text := rq.arg("commands"); text != "" {
		if err := json.Unmarshal([]byte(text), &sent); err != nil {
			return badRequest("can't parse commands JSON object")
		}
	}
	if len(sent) > maxCommands {
		return badRequest("BOT_COMMANDS_TOO_MUCH")
	}
	var menu []Command
	for _, c := range sent {
		if c.Name == nil || c.Description == nil {
			return badRequest(`can't parse BotCommand: Can't find field "command" or "description"`)
		}
		one := Command{*c.Name, *c.Description}
		switch {
		case one.Name == "":
			return badRequest("command must be non-empty")
		case runes(one.Name) > maxCommandName:
			return badRequest("command length must not exceed 32")
		case blank(one.Description):
			return badRequest("command description must be non-empty")
		case runes(one.Description) > maxCommandSummary:
			return badRequest("command description length must not exceed 256")
		case !commandSymbol.MatchString(one.Name):
			return badRequest("BOT_COMMAND_INVALID")
		}
		menu = append(menu, one)
	}
	k, err := s.menuOf(rq)
	if err != nil {
		return err
	}
	if len(menu) == 0 {
		delete(s.menus, k)
	} else {
		s.menus[k] = menu
	}
	s.notify()
	return rq.success()
}

func (s *Server) getMyCommands(rq *request) error {
	k, err := s.menuOf(rq)
	if err != nil {
		return err
	}
	b := append(rq.out, '[')
	for i, c := range s.menus[k] {
		if i > 0 {
			b = append(b, ',')
		}
		b = member(append(b, '{'), "command", c.Name)
		b = append(member(b, "description", c.Description), '}')
	}
	rq.out = append(b, ']')
	return nil
}

func (s *Server) deleteMyCommands(rq *request) error {
	k, err := s.menuOf(rq)
	if err != nil {
		return err
	}
	delete(s.menus, k)
	s.notify()
	return rq.success()
}
