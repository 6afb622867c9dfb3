package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// check notes what is well formed but cannot be meant.
func (l *loader) check() {
	l.checkDevice()
	l.checkPeople()
	l.checkChats()
	l.checkAPI("telegram.api_url", &l.cfg.Telegram.APIURL, apiURL)
	l.checkAPI("discord.api_url", &l.cfg.Discord.APIURL, discordURL)
	l.checkDiscord()
	l.checkSessions()
	l.checkCameras()
	l.checkBattery()
	l.checkResources()
	l.checkAlerts()
	l.checkFiles()
	l.checkRunners()
}

// maxServices is how many units can be watched: a list of them fits a message.
const maxServices = 32

// unit is the name of a unit of systemd, which is up to maxUnit bytes long; it
// never looks like a flag. Counting in the pattern would cost a hundred times its
// memory, in every process of this program.
var unit = regexp.MustCompile(`^[A-Za-z0-9@:_.\\][A-Za-z0-9@:_.\\-]*$`)

const maxUnit = 255

func (l *loader) checkDevice() {
	d := &l.cfg.Device
	l.checkName("device.name", d.Name, false)
	l.checkProgram("device.reboot", d.Reboot)
	l.checkProgram("device.poweroff", d.Poweroff)
	if len(d.Services) > maxServices {
		l.at("device.services", "%d are too many; %d can be watched", len(d.Services), maxServices)
	}
	for i, name := range d.Services {
		if len(name) > maxUnit || !unit.MatchString(name) {
			l.at(fmt.Sprintf("device.services[%d]", i), "want the name of a unit such as nginx.service, got %s", show(name))
		}
	}
}

// checkProgram notes what is not a program with its arguments.
func (l *loader) checkProgram(path string, argv []string) {
	if len(argv) == 0 || argv[0] == "" {
		l.at(path, "want a list of a program and its arguments")
	}
	for i, arg := range argv {
		switch {
		case strings.ContainsRune(arg, 0):
			l.at(fmt.Sprintf("%s[%d]", path, i), "has a NUL byte in it")
		case l.cfg.holdsSecret(arg):
			l.at(fmt.Sprintf("%s[%d]", path, i), "holds the token; no program may see it")
		}
	}
}

func (l *loader) checkBattery() {
	b := &l.cfg.Battery
	switch {
	case b.Source == "nut" && b.UPS == "":
		l.at("battery.ups", "missing; give the name that upsc takes, such as myups@localhost")
	case strings.HasPrefix(b.UPS, "-"):
		l.at("battery.ups", "want a name such as myups@localhost, got %s", show(b.UPS))
	}
	if b.Source == "command" || len(b.Command) > 0 {
		l.checkProgram("battery.command", b.Command)
	}
	if b.Address != "" {
		// Of seven bits; the lowest and highest have other meanings.
		n, err := strconv.ParseUint(b.Address, 0, 16)
		if err != nil || n < 0x08 || n > 0x77 {
			l.at("battery.address", "want the address of an I2C device such as 0x36, got %s", show(b.Address))
		}
		b.BusAddress = uint16(n)
	}
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

var (
	// cameraName is what can be written after /photo and is not taken for
	// something else there.
	cameraName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	cameraWord   = regexp.MustCompile(`^(list|stop|every|for|on|off)$`)
	cameraSource = regexp.MustCompile(`^(rpicam|test|/dev/[^/]+(/[^/]+)*|(https?|rtsps?)://[^/].*|file:/.+|command:\s*\S.*)$`)
	cameraSize   = regexp.MustCompile(`^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$`)
)

func (l *loader) checkCameras() {
	names := map[string]string{}
	for i, c := range l.cfg.Cameras {
		at := fmt.Sprintf("cameras[%d]", i)
		switch {
		case c.Name == "":
			l.missing(at+".name", "a name")
		case !cameraName.MatchString(c.Name) || cameraWord.MatchString(c.Name):
			l.at(at+".name", "%s cannot be a camera's name; take small letters, digits and -, and no word of a command", show(c.Name))
		}
		unique(l, at+".name", c.Name, names)
		switch {
		case c.Source == "":
			l.missing(at+".source", "rpicam, /dev/video0, an address, file:/PATH, command:PROGRAM or test")
		case !cameraSource.MatchString(c.Source):
			l.at(at+".source", "want rpicam, /dev/video0, an http, https or rtsp address, file:/PATH, command:PROGRAM or test, got %s", show(c.Source))
		}
		if c.Size != "" && !cameraSize.MatchString(c.Size) {
			l.at(at+".size", "want WIDTHxHEIGHT such as 1280x720, got %s", show(c.Size))
		}
		if c.Rotate != 0 && c.Rotate != 90 && c.Rotate != 180 && c.Rotate != 270 {
			l.at(at+".rotate", "want 0, 90, 180 or 270, got %d", c.Rotate)
		}
	}
	if v := l.cfg.Video; v.Seconds > v.MaxSeconds {
		l.at("video.seconds", "%d is more than video.max_seconds, %d", v.Seconds, v.MaxSeconds)
	}
}

func (l *loader) checkResources() {
	names := map[string]string{}
	for i, r := range l.cfg.Resources {
		at := fmt.Sprintf("resources[%d].name", i)
		switch {
		case r.Name == "":
			l.missing(at, "what /lock is to call it")
		case !bot.IsResource(r.Name):
			l.at(at, "want up to 32 letters, digits and . _ / : -, got %s", show(r.Name))
		}
		unique(l, at, strings.ToLower(r.Name), names)
	}
}

func (l *loader) checkAlerts() {
	a := l.cfg.Alerts
	if a.Quiet != "" {
		if _, err := bot.ParseHours(a.Quiet); err != nil {
			l.at("alerts.quiet", "want hours such as 22:00-07:00, got %s", show(a.Quiet))
		}
	}
	l.checkNames("alerts.to", a.To)
	for i, r := range a.Rules {
		at := fmt.Sprintf("alerts.rules[%d]", i)
		if r.When == "" {
			l.missing(at+".when", "a rule such as battery < 20% for 2m")
		} else if _, err := bot.ParseRule(r.When); err != nil {
			l.at(at+".when", "%s", strings.ReplaceAll(err.Error(), "/alert ", ""))
		}
		l.checkNames(at+".to", r.To)
	}
}

// checkNames notes names that are of no person and no chat of the file.
func (l *loader) checkNames(path string, names []string) {
	known := map[string]bool{}
	for _, p := range l.cfg.People {
		known[strings.ToLower(p.Name)] = true
	}
	for _, c := range l.cfg.Chats {
		known[strings.ToLower(c.Name)] = true
	}
	for i, name := range names {
		if !known[strings.ToLower(name)] {
			l.at(fmt.Sprintf("%s[%d]", path, i), "%s is in neither people nor chats", show(name))
		}
	}
}

func (l *loader) checkFiles() {
	f := l.cfg.Files
	if f.Inbox == "/" || f.Inbox == "~" || f.Inbox == "~/" {
		l.at("files.inbox", "want a folder for this alone, such as ~/chapi, got %s", show(f.Inbox))
	}
	if f.Quota > 0 && f.MaxUpload > f.Quota {
		l.at("files.max_upload", "%s is more than files.quota, %s", f.MaxUpload, f.Quota)
	}
	paths := map[string]string{}
	for i, r := range f.Roots {
		at := fmt.Sprintf("files.roots[%d]", i)
		if r.Path == "" {
			l.missing(at+".path", "a folder")
		}
		if r.Role == bot.Nobody {
			l.missing(at+".role", "viewer, user, operator or owner: who may reach it")
		}
		unique(l, at+".path", l.expand(r.Path), paths)
	}
}

func (l *loader) checkRunners() {
	names := map[string]string{}
	for i, r := range l.cfg.Runners {
		at := fmt.Sprintf("runners[%d]", i)
		l.checkName(at+".name", r.Name, true)
		unique(l, at+".name", strings.ToLower(r.Name), names)
		for n, suffix := range r.Suffixes {
			if len(suffix) < 2 || suffix[0] != '.' || strings.Contains(suffix, "/") {
				l.at(fmt.Sprintf("%s.suffixes[%d]", at, n), "want the end of a file name, such as .py, got %s", show(suffix))
			}
		}
		switch {
		case len(r.Argv) == 0 || r.Argv[0] == "":
			l.missing(at+".argv", "the program and its arguments, such as [python3, \"{file}\"]")
		case !strings.Contains(strings.Join(r.Argv, " "), "{file}"):
			l.at(at+".argv", "has no {file}, which stands for the file to run")
		}
	}
}
