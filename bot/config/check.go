package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// check notes what is well formed but cannot be meant.
func (l *loader) check() {
	l.checkName("device.name", l.cfg.Device.Name, false)
	l.checkPeople()
	l.checkChats()
	l.checkAPI("telegram.api_url", &l.cfg.Telegram.APIURL, apiURL)
	l.checkAPI("discord.api_url", &l.cfg.Discord.APIURL, discordURL)
	l.checkDiscord()
	l.checkSessions()
}

// maxName is the most characters of a name.
const maxName = 64

// checkName notes a name that would not show, or not as what it is.
func (l *loader) checkName(path, name string, required bool) {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
	switch {
	case name == "" && required:
		l.missing(path, "a name")
	case utf8.RuneCountInString(name) > maxName:
		l.at(path, "longer than %d characters", maxName)
	case strings.ContainsFunc(name, odd):
		l.at(path, "%s has characters that cannot be shown", show(name))
	case strings.TrimSpace(name) != name:
		l.at(path, "%s begins or ends with a blank", show(name))
	}
}

// missing notes a key that is not there. A value that is there, and wrong, has
// been noted already.
func (l *loader) missing(path, what string) {
	if !l.given(path) {
		l.at(path, "missing; give %s", what)
	}
}

// senders are accounts that many people write through, or none: the anonymous
// administrator, a channel, and Telegram itself
// (core.telegram.org/bots/api#message, sender_chat).
var senders = map[TelegramID]string{
	1087968824: "every anonymous administrator",
	136817688:  "everybody who writes as a channel",
	777000:     "Telegram's own messages and linked channels",
}

func (l *loader) checkPeople() {
	names, telegram, discord := map[string]string{}, map[TelegramID]string{}, map[Snowflake]string{}
	for i, p := range l.cfg.People {
		at := fmt.Sprintf("people[%d]", i)
		l.checkName(at+".name", p.Name, true)
		unique(l, at+".name", strings.ToLower(p.Name), names)
		if p.Role == bot.Nobody {
			l.missing(at+".role", "viewer, user, operator or owner")
		}
		if !l.given(at+".telegram") && !l.given(at+".discord") {
			l.at(at, "has no account; give telegram or discord")
		}
		switch who := senders[p.Telegram]; {
		case who != "":
			l.at(at+".telegram", "%d stands for %s, not for a person", p.Telegram, who)
		case p.Telegram < 0:
			l.at(at+".telegram", "%d is a group; a person's number is positive", p.Telegram)
		}
		unique(l, at+".telegram", p.Telegram, telegram)
		unique(l, at+".discord", p.Discord, discord)
	}
}

func (l *loader) checkChats() {
	names, telegram := map[string]string{}, map[TelegramID]string{}
	discord, servers := map[Snowflake]string{}, map[Snowflake]string{}
	for i, c := range l.cfg.Chats {
		at := fmt.Sprintf("chats[%d]", i)
		l.checkName(at+".name", c.Name, true)
		unique(l, at+".name", strings.ToLower(c.Name), names)
		if !l.given(at+".telegram") && !l.given(at+".discord") && !l.given(at+".discord_server") {
			l.at(at, "is nowhere; give telegram, discord or discord_server")
		}
		if c.Telegram > 0 {
			l.at(at+".telegram", "%d is a person; a group's number is negative (private chats need no listing)", c.Telegram)
		}
		unique(l, at+".telegram", c.Telegram, telegram)
		unique(l, at+".discord", c.Discord, discord)
		unique(l, at+".discord_server", c.DiscordServer, servers)
	}
}

// unique notes a value that an earlier entry has too.
func unique[T comparable](l *loader, path string, value T, seen map[T]string) {
	var none T
	if value == none {
		return
	}
	if first, again := seen[value]; again {
		l.at(path, "is the same as %s", first)
		return
	}
	seen[value] = path
}

func (l *loader) checkAPI(key string, address *string, usual string) {
	u, err := url.Parse(*address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		l.at(key, "want an address such as %s, got %s", usual, show(*address))
	case u.User != nil:
		l.at(key, "may not hold a name or password")
	case u.RawQuery != "" || u.Fragment != "":
		l.at(key, "may not have a query or fragment")
	case u.Scheme == "http" && !isLocal(u.Hostname()):
		l.warn("%s is not encrypted: the token can be read on the way", key)
	}
	*address = strings.TrimRight(*address, "/")
}

// maxPrefix is the most characters of a prefix.
const maxPrefix = 8

func (l *loader) checkDiscord() {
	d := &l.cfg.Discord
	blank := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	switch {
	case utf8.RuneCountInString(d.Prefix) > maxPrefix || strings.ContainsFunc(d.Prefix, blank):
		l.at("discord.prefix", "want up to %d characters without a blank, got %s", maxPrefix, show(d.Prefix))
	case strings.HasPrefix(d.Prefix, "/"):
		l.at("discord.prefix", "the slash works without it; leave it out")
	}
	if d.ApplicationID != "" {
		if _, err := parseSnowflake(d.ApplicationID); err != nil {
			l.at("discord.application_id", "want the number of an application, got %s", show(d.ApplicationID))
		}
	}
	roles := map[Snowflake]string{}
	for i, r := range d.Roles {
		at := fmt.Sprintf("discord.roles[%d]", i)
		if r.ID == "" {
			l.missing(at+".id", "the number of a role on the server")
		}
		switch r.Role {
		case bot.Nobody:
			l.missing(at+".role", "viewer, user or operator")
		case bot.Owner:
			l.at(at+".role", "an owner is listed under people: whoever administers the server could give themselves this role")
		}
		unique(l, at+".id", r.ID, roles)
		for _, c := range l.cfg.Chats {
			if r.ID != "" && r.ID == c.DiscordServer {
				l.at(at+".id", "is the server's own number, which stands for everybody there")
			}
		}
	}
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) checkSessions() {
	s := &l.cfg.Sessions
	if s.PerPerson > s.Total {
		l.at("sessions.per_person", "%d is more than sessions.total, %d", s.PerPerson, s.Total)
	}
	if s.Shell != "" && !filepath.IsAbs(s.Shell) {
		l.at("sessions.shell", "want an absolute path such as /bin/bash, got %s", show(s.Shell))
	}
	for i, entry := range s.Env {
		l.checkEnv(fmt.Sprintf("sessions.env[%d]", i), entry)
	}
	for i, name := range s.PassEnv {
		l.checkPassEnv(fmt.Sprintf("sessions.pass_env[%d]", i), name)
	}
	for _, role := range []bot.Role{bot.Viewer, bot.User, bot.Operator, bot.Owner} {
		l.checkRunAs("sessions.run_as."+role.String(), s.RunAs.For(role))
	}
}

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	pattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\*?$`)
)

func (l *loader) checkEnv(path, entry string) {
	name, value, ok := strings.Cut(entry, "=")
	switch {
	case !ok || !variable.MatchString(name) || strings.ContainsRune(value, 0):
		l.at(path, "want NAME=value, got %s", show(entry))
	case l.cfg.holdsSecret(value):
		l.at(path, "holds the token; no program may see it")
	}
}

func (l *loader) checkPassEnv(path, name string) {
	switch {
	case !pattern.MatchString(name):
		l.at(path, "want a name such as LANG or LC_*, got %s", show(name))
	case secretive(strings.TrimSuffix(name, "*")):
		l.at(path, "%s is for the daemon alone; a program that needs a secret should read it from a file", show(name))
	}
}

func (l *loader) checkRunAs(path, name string) {
	if name == "" {
		return
	}
	if _, err := l.account(name); err != nil {
		l.at(path, "there is no account %s on this machine", show(name))
	} else if l.euid != 0 {
		l.at(path, "only root can run programs as another account; remove it, or run chapi as root")
	}
}
