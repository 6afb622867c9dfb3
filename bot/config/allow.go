package config

import (
	"strconv"

	"chapi/bot"
)

// Allowlist is the people and groups of the file. An empty list is nobody.
func (c *Config) Allowlist() ([]bot.Person, []bot.Chat) {
	var people []bot.Person
	for _, p := range c.People {
		person := bot.Person{Name: p.Name, Role: p.Role}
		if p.Telegram != 0 {
			person.Accounts = append(person.Accounts, bot.Account{Adapter: "telegram", User: bot.UserID(p.Telegram.String())})
		}
		if p.Discord != "" {
			person.Accounts = append(person.Accounts, bot.Account{Adapter: "discord", User: bot.UserID(p.Discord)})
		}
		people = append(people, person)
	}
	var chats []bot.Chat
	for _, c := range c.Chats {
		if c.Telegram != 0 {
			room := bot.Thread{Adapter: "telegram", Chat: bot.ChatID(c.Telegram.String())}
			chats = append(chats, bot.Chat{Name: c.Name, Room: room, Ceiling: c.Role})
		}
		if c.Discord != "" {
			room := bot.Thread{Adapter: "discord", Chat: bot.ChatID(c.Discord)}
			chats = append(chats, bot.Chat{Name: c.Name, Room: room, Ceiling: c.Role})
		}
		if c.DiscordServer != "" {
			room := bot.Thread{Adapter: "discord", Chat: bot.ChatID("server:" + c.DiscordServer)}
			chats = append(chats, bot.Chat{Name: c.Name, Room: room, Ceiling: c.Role})
		}
	}
	return people, chats
}

// Badges are the marks of a network that give a role.
func (c *Config) Badges() map[bot.Badge]bot.Role {
	badges := map[bot.Badge]bot.Role{}
	for _, r := range c.Discord.Roles {
		badges[bot.Badge{Adapter: "discord", ID: bot.BadgeID(r.ID)}] = r.Role
	}
	return badges
}

// String is the number in decimal.
func (id TelegramID) String() string { return strconv.FormatInt(int64(id), 10) }
