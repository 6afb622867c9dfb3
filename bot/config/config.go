package config

import (
	"log/slog"
	"slices"
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
	History    History       `yaml:"history"`
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
	Roles []DiscordRole `yaml:"roles"`
	Pace  DiscordPace   `yaml:"pace"`
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

// History is what is remembered of finished calls.
type History struct {
	Keep time.Duration `yaml:"keep" min:"1h" max:"3650d"`
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
		History: History{Keep: 30 * 24 * time.Hour},
		Log:     Log{Level: slog.LevelInfo, Format: "auto"},
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

// holdsSecret reports whether a text has one of the secrets in it.
func (c *Config) holdsSecret(text string) bool {
	return slices.ContainsFunc(c.secrets, func(s Secret) bool { return strings.Contains(text, s.Reveal()) })
}
