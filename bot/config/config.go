package config

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

// Config is everything that can be configured. The yaml tags are the keys of
// the file; min and max bound a value (both may be reached), zero says that 0
// is allowed besides and what it means, one lists the allowed words. Default
// has the values of keys that are not given.
type Config struct {
	Device Device `yaml:"device"`
	// StateDir is the absolute folder of the database and the sessions.
	StateDir string `yaml:"state_dir"`
	// StaleAfter is how old a message may be for a call that changes something
	// to run without asking.
	StaleAfter time.Duration `yaml:"stale_after" min:"1s" max:"30d"`
	People     []Person      `yaml:"people"`
	Chats      []Chat        `yaml:"chats"`
	Telegram   Telegram      `yaml:"telegram"`
	Discord    Discord       `yaml:"discord"`
	Sessions   Sessions      `yaml:"sessions"`
	Cameras    []Camera      `yaml:"cameras"`
	Video      Video         `yaml:"video"`
	Resources  []Resource    `yaml:"resources"`
	Alerts     Alerts        `yaml:"alerts"`
	Files      Files         `yaml:"files"`
	Runners    []Runner      `yaml:"runners"`
	History    History       `yaml:"history"`
	Battery    Battery       `yaml:"battery"`
	Log        Log           `yaml:"log"`

	// File is the configuration file that was read; empty when there was none.
	File string `yaml:"-"`
	// Warnings are what a person should know, a line each, without secrets.
	Warnings []string `yaml:"-"`

	secrets []Secret // every secret that was seen, in use or not
}

// Device is this machine as the chats see it.
type Device struct {
	// Name is the host name unless configured.
	Name string `yaml:"name"`
	// Reboot and Poweroff are programs with their arguments.
	Reboot   []string `yaml:"reboot"`
	Poweroff []string `yaml:"poweroff"`
	// Services are the units of systemd that /services always shows.
	Services []string `yaml:"services"`
}

// Battery is who knows the machine's battery.
type Battery struct {
	// Source auto is what the kernel knows.
	Source string `yaml:"source" one:"auto none nut command max17040 max17048 ina219"`
	// UPS is the name that Network UPS Tools know it by: myups@localhost.
	UPS string `yaml:"ups"`
	// Command is a program with its arguments that prints the charge.
	Command []string `yaml:"command"`
	// Bus is the number of the I2C bus of a gauge, Address where it is there;
	// "" = where its kind usually is. BusAddress is the address as a number.
	Bus     int    `yaml:"bus" min:"0" max:"255"`
	Address string `yaml:"address"`
	// Cells in a row and the Shunt in thousandths of an ohm, for an ina219.
	Cells int `yaml:"cells" min:"1" max:"8" zero:"guessed"`
	Shunt int `yaml:"shunt" min:"1" max:"10000"`

	BusAddress uint16 `yaml:"-"`
}

// Person is somebody on the allowlist.
type Person struct {
	Name     string     `yaml:"name"`
	Role     bot.Role   `yaml:"role"`
	Telegram TelegramID `yaml:"telegram"` // 0 = no account there
	Discord  Snowflake  `yaml:"discord"`  // "" = no account there
}

// Chat is a group on the allowlist.
type Chat struct {
	Name     string     `yaml:"name"`
	Telegram TelegramID `yaml:"telegram"` // negative; 0 = not there
	Discord  Snowflake  `yaml:"discord"`  // a channel; "" = not there
	// DiscordServer is a server with all its channels; "" = none.
	DiscordServer Snowflake `yaml:"discord_server"`
	// Role is the most that anybody may do there; Nobody means no ceiling.
	Role bot.Role `yaml:"role"`
}

// Telegram is the connection to Telegram.
type Telegram struct {
	// TokenFile is where the token was configured to be; see Token.
	TokenFile string `yaml:"token_file"`
	// Token is the token in use, wherever it came from. Without one Telegram
	// is not served.
	Token Secret `yaml:"token"`
	// APIURL is the Bot API server, without a slash at the end.
	APIURL string `yaml:"api_url"`
	// AllowDeleteWebhook permits to remove a webhook that somebody has set for
	// this bot: while there is one, nothing can be received.
	AllowDeleteWebhook bool `yaml:"allow_delete_webhook"`
	Pace               Pace `yaml:"pace"`
}

// Discord is the connection to Discord.
type Discord struct {
	// TokenFile is where the token was configured to be; see Token.
	TokenFile string `yaml:"token_file"`
	// Token is the token in use, wherever it came from. Without one Discord is
	// not served.
	Token Secret `yaml:"token"`
	// APIURL is the server, in front of /api, without a slash at the end; the
	// gateway is where it says.
	APIURL string `yaml:"api_url"`
	// ApplicationID is the id of the bot's application; empty asks the server.
	ApplicationID string `yaml:"application_id"`
	// Prefix makes a command of a text that begins with it, besides the slash;
	// empty = none.
	Prefix string `yaml:"prefix"`
	// Upload is the largest file that servers without boosts take.
	Upload Size `yaml:"upload" min:"1MiB" max:"24MiB"`
	// Roles give people their rights by what they are on a server.
	Roles   []DiscordRole  `yaml:"roles"`
	Pace    DiscordPace    `yaml:"pace"`
	Gateway DiscordGateway `yaml:"gateway"`
}

// DiscordRole gives everybody who has a role on a server a role here, in the
// listed channels. Who is listed by name has the role of the list instead.
type DiscordRole struct {
	ID   Snowflake `yaml:"id"`
	Role bot.Role  `yaml:"role"`
}

// DiscordPace is how fast things are said on Discord: a message or edit each
// Every in a channel, and at most Burst saved up.
type DiscordPace struct {
	Every time.Duration `yaml:"every" min:"50ms" max:"1m"`
	Burst int           `yaml:"burst" min:"1" max:"100"`
	// AllPerSecond bounds all channels together, per second.
	AllPerSecond int `yaml:"all_per_second" min:"1" max:"1000"`
	// Life is how old a message may be that is still edited as output comes.
	Life time.Duration `yaml:"life" min:"1s" max:"1h"`
	// Unlimited ignores all of the above, for a server of one's own.
	Unlimited bool `yaml:"unlimited"`
}

// DiscordGateway is how long the line over which Discord tells of messages is
// waited for before it is made anew.
type DiscordGateway struct {
	// Open bounds making it, Silence the time in which nothing comes over it:
	// some times the server's interval of heartbeats.
	Open    time.Duration `yaml:"open" min:"1s" max:"10m"`
	Silence time.Duration `yaml:"silence" min:"1s" max:"1h"`
}

// Pace is how fast things are said on Telegram: a message or edit each Every,
// and at most Burst saved up.
type Pace struct {
	PrivateEvery time.Duration `yaml:"private_every" min:"50ms" max:"1m"`
	PrivateBurst int           `yaml:"private_burst" min:"1" max:"100"`
	GroupEvery   time.Duration `yaml:"group_every" min:"50ms" max:"1m"`
	GroupBurst   int           `yaml:"group_burst" min:"1" max:"100"`
	// AllPerSecond bounds all chats together, per second.
	AllPerSecond int `yaml:"all_per_second" min:"1" max:"1000"`
	// Unlimited ignores all of the above, for a Bot API server of one's own.
	Unlimited bool `yaml:"unlimited"`
}

// Sessions is how programs are run.
type Sessions struct {
	// PerPerson and Total are how many sessions may be live at once.
	PerPerson int `yaml:"per_person" min:"1" max:"1000"`
	Total     int `yaml:"total" min:"1" max:"1000"`
	// MaxTime stops a session after this long; 0 = never.
	MaxTime time.Duration `yaml:"max_time" min:"1s" max:"3650d" zero:"no limit"`
	// Grace is the time between TERM and KILL.
	Grace time.Duration `yaml:"grace" min:"100ms" max:"10m"`
	// Output is how much of a session's output is kept on disk.
	Output Size `yaml:"output" min:"64KiB" max:"1TiB"`
	// Disk bounds the output of all ended sessions together: the oldest goes
	// first. 0 = no limit.
	Disk Size `yaml:"disk" min:"1MiB" max:"1024TiB" zero:"no limit"`
	// Keep is how long an ended session and its output are kept.
	Keep time.Duration `yaml:"keep" min:"1m" max:"3650d"`
	// Shell runs the lines of /sh: an absolute path.
	Shell string `yaml:"shell"`
	// Dir is where programs start: an absolute path. Empty is the home folder
	// of the account that they run as.
	Dir string `yaml:"dir"`
	// Cols and Rows are the window size of a terminal.
	Cols int `yaml:"cols" min:"20" max:"500"`
	Rows int `yaml:"rows" min:"5" max:"200"`
	// Env is added to the environment of every program, as NAME=value.
	Env []string `yaml:"env"`
	// PassEnv are the variables that a program may inherit from the daemon; a
	// * at the end stands for any ending.
	PassEnv []string `yaml:"pass_env"`
	// Nice is added to the scheduling priority.
	Nice int `yaml:"nice" min:"0" max:"19"`
	// CPU bounds the processor time, Memory the address space of a process;
	// 0 = no limit.
	CPU    time.Duration `yaml:"cpu" min:"1s" max:"3650d" zero:"no limit"`
	Memory Size          `yaml:"memory" min:"4MiB" max:"1TiB" zero:"no limit"`
	RunAs  RunAs         `yaml:"run_as"`
}

// RunAs is the account of this machine that the programs of a role run as.
// Empty is the daemon's own.
type RunAs struct {
	Viewer   string `yaml:"viewer"`
	User     string `yaml:"user"`
	Operator string `yaml:"operator"`
	Owner    string `yaml:"owner"`
}

// For is the account for a role; empty is the daemon's own.
func (r RunAs) For(role bot.Role) string {
	switch role {
	case bot.Viewer:
		return r.Viewer
	case bot.User:
		return r.User
	case bot.Operator:
		return r.Operator
	case bot.Owner:
		return r.Owner
	default:
		return ""
	}
}

// Camera is one camera.
type Camera struct {
	Name string `yaml:"name"`
	// Source is where its pictures come from; checkCameras has the forms.
	Source string `yaml:"source"`
	// Size is WIDTHxHEIGHT in pixels; "" is the usual.
	Size string `yaml:"size"`
	// Rotate is in degrees, clockwise.
	Rotate int `yaml:"rotate"`
	// Before and After are programs with their arguments that are run before
	// and after each capture.
	Before []string `yaml:"before"`
	After  []string `yaml:"after"`
}

// Pixels is Size as numbers; both 0 when there is none.
func (c Camera) Pixels() (width, height int) {
	w, h, _ := strings.Cut(c.Size, "x")
	width, _ = strconv.Atoi(w)
	height, _ = strconv.Atoi(h)
	return width, height
}

// Video is what a clip is like.
type Video struct {
	Seconds    int `yaml:"seconds" min:"1" max:"600"`
	MaxSeconds int `yaml:"max_seconds" min:"1" max:"600"`
	FPS        int `yaml:"fps" min:"1" max:"60"`
}

// Resource is something shared that one person at a time may hold.
type Resource struct {
	Name string `yaml:"name"`
	// Max is the longest that one may hold it.
	Max time.Duration `yaml:"max" min:"1m" max:"30d" zero:"12h"`
}

// Alerts is what is said by itself when something is not as it should be.
type Alerts struct {
	Rules []AlertRule `yaml:"rules"`
	// To is who hears of it: names of people and chats of this file. Empty is
	// the private chats of the owners.
	To []string `yaml:"to"`
	// Quiet is the part of the day in which nobody is woken, as in 22:00-07:00;
	// empty = none.
	Quiet string `yaml:"quiet"`
	// Repeat is how often an alert is said again until it is acknowledged.
	Repeat  time.Duration `yaml:"repeat" min:"1m" max:"30d" zero:"never"`
	Builtin Builtin       `yaml:"builtin"`
}

// AlertRule is one rule.
type AlertRule struct {
	// When is the rule, as bot.ParseRule reads it.
	When string `yaml:"when"`
	// To is who hears of it; empty = Alerts.To.
	To []string `yaml:"to"`
}

// Builtin are the alerts that need no rule.
type Builtin struct {
	Battery     int `yaml:"battery" min:"1" max:"99" zero:"off"`       // percent
	Temperature int `yaml:"temperature" min:"20" max:"150" zero:"off"` // °C
	Disk        int `yaml:"disk" min:"10" max:"99" zero:"off"`         // percent in use
	// Undervoltage is a power supply that is too weak, Units a watched unit
	// that has failed.
	Undervoltage bool `yaml:"undervoltage"`
	Units        bool `yaml:"units"`
	// Network is how long a network has to have been away for its return to be
	// told.
	Network time.Duration `yaml:"network" min:"1m" max:"30d" zero:"off"`
}

// Files is what of the disk chats may reach.
type Files struct {
	// Inbox is the absolute folder that files from chats go to, each chat's into
	// one of its own.
	Inbox string `yaml:"inbox"`
	// Roots are the folders that are open besides.
	Roots []Root `yaml:"roots"`
	// MaxUpload bounds one file, Quota all that is in the inbox; 0 = no limit.
	MaxUpload Size  `yaml:"max_upload" min:"1KiB" max:"1TiB" zero:"no limit"`
	Quota     Size  `yaml:"quota" min:"1KiB" max:"1024TiB" zero:"no limit"`
	Fetch     Fetch `yaml:"fetch"`
}

// Root is a folder that is open to a role and those above it.
type Root struct {
	Path  string   `yaml:"path"`
	Role  bot.Role `yaml:"role"`
	Write bool     `yaml:"write"`
}

// Fetch is how /fetch downloads.
type Fetch struct {
	Max          Size `yaml:"max" min:"1KiB" max:"1TiB" zero:"no limit"`
	AllowPrivate bool `yaml:"allow_private"`
}

// Runner is a program that runs files of some languages.
type Runner struct {
	Name string `yaml:"name"`
	// Languages are what a block of code may call it besides Name, Suffixes the
	// ends of file names.
	Languages []string `yaml:"languages"`
	Suffixes  []string `yaml:"suffixes"`
	// Argv is the program and its arguments; {file} is the file.
	Argv []string `yaml:"argv"`
}

// History is what is remembered: Keep of finished calls, Series of measurements.
type History struct {
	Keep   time.Duration `yaml:"keep" min:"1h" max:"3650d"`
	Series time.Duration `yaml:"series" min:"3d" max:"3650d"`
}

// Log is how the daemon's own log looks.
type Log struct {
	Level slog.Level `yaml:"level"`
	// Format auto is text, without times where systemd's journal adds its own.
	Format string `yaml:"format" one:"auto text json"`
}

// The defaults that are more than a number.
const (
	apiURL     = "https://api.telegram.org"
	discordURL = "https://discord.com"
	shell      = "/bin/sh"
	statedir   = "/var/lib/chapi" // the one of a system service
)

// Default is the configuration of an empty file, before what depends on the
// machine (names and folders left empty here) is filled in. The paces keep
// below what Telegram publishes: a message a second in a private chat, 20 a
// minute in a group, 30 a second in all (core.telegram.org/bots/faq); a
// group's burst and its pace together make 20 in any minute. Discord takes
// about 5 messages in 5 seconds in a channel and 50 calls a second in all
// (docs.discord.com/developers/topics/rate-limits), and says when it is less.
func Default() Config {
	return Config{
		Device:     Device{Reboot: []string{"systemctl", "reboot"}, Poweroff: []string{"systemctl", "poweroff"}},
		StaleAfter: 2 * time.Minute,
		Telegram: Telegram{
			APIURL: apiURL,
			Pace: Pace{
				PrivateEvery: time.Second,
				PrivateBurst: 3,
				GroupEvery:   3500 * time.Millisecond,
				GroupBurst:   3,
				AllPerSecond: 25,
			},
		},
		Discord: Discord{
			APIURL: discordURL,
			Upload: 10 << 20,
			Pace:   DiscordPace{Every: time.Second, Burst: 3, AllPerSecond: 28, Life: 45 * time.Minute},
			// A heartbeat is answered about every 41 s.
			Gateway: DiscordGateway{Open: 30 * time.Second, Silence: 2 * time.Minute},
		},
		Sessions: Sessions{
			PerPerson: 8,
			Total:     32,
			Grace:     5 * time.Second,
			Output:    64 << 20,
			Disk:      1 << 30,
			Keep:      7 * 24 * time.Hour,
			// What a phone shows in a line, held upright.
			Cols: 60,
			Rows: 24,
			PassEnv: []string{
				"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR",
				"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS",
			},
		},
		Files: Files{
			// Who owns the device reaches what is theirs; others, what was sent in
			// their own chats.
			Roots:     []Root{{Path: "~", Role: bot.Owner, Write: true}},
			MaxUpload: 1 << 30,
			Quota:     4 << 30,
			Fetch:     Fetch{Max: 1 << 30},
		},
		Runners: []Runner{
			{Name: "python3", Languages: []string{"python", "py"}, Suffixes: []string{".py"}, Argv: []string{"python3", "{file}"}},
			{Name: "bash", Languages: []string{"shell"}, Suffixes: []string{".bash"}, Argv: []string{"bash", "{file}"}},
			{Name: "sh", Languages: []string{}, Suffixes: []string{".sh"}, Argv: []string{"sh", "{file}"}},
			{Name: "node", Languages: []string{"javascript", "js"}, Suffixes: []string{".js", ".mjs"}, Argv: []string{"node", "{file}"}},
			{Name: "perl", Languages: []string{"pl"}, Suffixes: []string{".pl"}, Argv: []string{"perl", "{file}"}},
		},
		Video:   Video{Seconds: 10, MaxSeconds: 60, FPS: 15},
		History: History{Keep: 30 * 24 * time.Hour, Series: 730 * 24 * time.Hour},
		Battery: Battery{Source: "auto", Bus: 1, Shunt: 100},
		Alerts: Alerts{
			Repeat:  time.Hour,
			Builtin: Builtin{Battery: 20, Temperature: 80, Disk: 90, Undervoltage: true, Units: true, Network: 3 * time.Hour},
		},
		Log: Log{Level: slog.LevelInfo, Format: "auto"},
	}
}

// Networked reports whether any chat network is served.
func (c *Config) Networked() bool { return !c.Telegram.Token.IsZero() || !c.Discord.Token.IsZero() }

// Secrets are the exact texts that must never leave the process: every secret
// that was seen anywhere, and the parts of a token that are secrets by themselves.
func (c *Config) Secrets() []string {
	texts := make([]string, len(c.secrets))
	for i, s := range c.secrets {
		texts[i] = s.Reveal()
	}
	return texts
}

// Private is the files and folders of the daemon that no chat may reach.
func (c *Config) Private() []string {
	var all []string
	for _, path := range []string{c.StateDir, c.File, c.Telegram.TokenFile} {
		if path != "" {
			all = append(all, path)
		}
	}
	return all
}

// holdsSecret reports whether a text has one of the secrets in it.
func (c *Config) holdsSecret(text string) bool {
	return slices.ContainsFunc(c.secrets, func(s Secret) bool { return strings.Contains(text, s.Reveal()) })
}
