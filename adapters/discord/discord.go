// Package discord is the door to Discord: it listens to the gateway for
// messages and interactions and posts, edits and uploads what is to be said.
//
// A message's way in is gateway.go -> intake.go -> receive.go -> bot.Inbox, and
// what the gateway did not tell is read from histories there; interactions are
// noted and answered in interact.go first. A post's way out is send.go -> format.go ->
// http.go. The package knows the network's limits, errors and oddities, and
// those of the library; it knows nothing of people's rights or sessions, and it
// keeps no queue of what is to be said.
//
// A channel is a chat, a thread is a topic of the channel it belongs to, and a
// private chat is named after its person.
//
// Facts about the network come from its developer documentation
// (docs.discord.com/developers), those about the library from the source of
// github.com/bwmarrin/discordgo v0.29.0.
package discord

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"chapi/bot"
)

// Name is the adapter's name in threads and accounts.
const Name = "discord"

// officialURL is where Discord is.
const officialURL = "https://discord.com"

// Config says which bot to be, and how. Token is required.
type Config struct {
	Token Token
	// APIURL is the server's address, in front of /api; empty means Discord's.
	// It must be https unless the host is this machine. The gateway is where
	// that server says.
	APIURL string
	// ApplicationID is the id of the bot's application; empty means to ask the
	// server.
	ApplicationID string
	// StateDir is the folder for the lock that keeps a second process from
	// listening for the same bot, and for the times at which this one has
	// identified itself. Empty means neither: only for tests.
	StateDir string
	// Logger is where to log; nil means nowhere.
	Logger *slog.Logger
	// Pace is what Limits tells the core.
	Pace Pace
	// Timing is how long to wait for what; its zero value is for real use.
	Timing Timing
	// Prefix makes a command of a text that begins with it, besides the slash
	// and the bot's name; empty means none. It also counts in threads of
	// sessions, so it should be nothing that one types into a program.
	Prefix string
	// Upload is the largest file, in bytes, where the server has not told a
	// lower limit; 0 means 10 MiB, which is what servers without boosts take.
	Upload int64
	// Suggest gives suggestions for an option that somebody is filling in, best
	// first; nil means none. It must authorize the claim itself, and has about
	// a second.
	Suggest func(context.Context, Question) []string
}

// Pace is the rate at which the network is used. Zero fields mean defaults
// within what the network has allowed for years: about five posts, and as many
// edits, per five seconds in a channel, and 50 calls a second in all. What it
// really allows it announces, and that is kept in any case.
type Pace struct {
	Every    time.Duration // 1 s
	Burst    int           // 3
	AllEvery time.Duration // 35 ms
	AllBurst int           // 4
	Life     time.Duration // 45 min; edits of messages older than an hour are rationed
	// Unlimited means no limits at all, for a server of one's own.
	Unlimited bool
}

// Timing is how long the adapter waits. Zero fields mean defaults.
type Timing struct {
	Call     time.Duration // for a call without a file: 20 s
	Stall    time.Duration // for an upload or download without progress: 30 s
	Repost   time.Duration // before a doubtful post is repeated, doubled each time: 1 s
	Open     time.Duration // until the gateway is ready: 30 s
	Abandon  time.Duration // after that, until the library is given up on: a sixth of Open
	Silence  time.Duration // without a sign of life from the gateway, at most: 2 min
	RetryMin time.Duration // first pause after a failure: 1 s
	RetryMax time.Duration // longest pause: 5 min
	Refused  time.Duration // pause while the token or set-up is refused: 5 min
	Identify time.Duration // between two identifications: 5.5 s
	Review   time.Duration // between two looks at the histories without a reason: 6 h
}

// withDefaults fills in the zero fields.
func (t Timing) withDefaults() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Call, 20 * time.Second},
		{&t.Stall, 30 * time.Second},
		{&t.Repost, time.Second},
		{&t.Open, 30 * time.Second},
		{&t.Silence, 2 * time.Minute},
		{&t.RetryMin, time.Second},
		{&t.RetryMax, 5 * time.Minute},
		{&t.Refused, 5 * time.Minute},
		{&t.Identify, 5500 * time.Millisecond},
		{&t.Review, 6 * time.Hour},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	if t.Abandon <= 0 {
		t.Abandon = t.Open / 6
	}
	return t
}

// withDefaults fills in the zero fields.
func (p Pace) withDefaults() Pace {
	if p.Life <= 0 {
		p.Life = 45 * time.Minute
	}
	if p.Unlimited {
		return Pace{Unlimited: true, Life: p.Life}
	}
	if p.Every <= 0 {
		p.Every = time.Second
	}
	if p.Burst <= 0 {
		p.Burst = 3
	}
	if p.AllEvery <= 0 {
		p.AllEvery = 35 * time.Millisecond
	}
	if p.AllBurst <= 0 {
		p.AllBurst = 4
	}
	return p
}

// Adapter is one bot account on Discord. It implements bot.Adapter and
// bot.Typer, ThreadOpener, MenuPublisher, Marker, Director, Linker, Checker and Badger;
// Fetch reads attachments. It is no bot.Confirmer: after a restart the network
// repeats nothing by itself, and what the histories repeat has its old key. All
// methods may be called at the same time, Run once at a time.
type Adapter struct {
	botID    snowflake
	cfg      Config
	pace     Pace
	timing   Timing
	log      *slog.Logger
	client   *client
	standing standing
	budget   budget
	places   places
	intake   *intake
	menus    menus
	acking   acking
	uploads  uploads
	mine     ring // what was posted and confirmed
	rooms    ring // the listed channels
	friends  ring // people whose private chats were opened
	typing   throttle
	badges   badgeCache

	// me is what the server says of the bot; nil until it has.
	me    atomic.Pointer[identity]
	named chan struct{} // closed when me is set
	// greeted (capacity 1) is told of every new session, and of every server that
	// the bot is on.
	greeted chan struct{}
	// refusedContent is when the gateway refused to tell people's texts.
	refusedContent atomic.Pointer[time.Time]
}

var (
	_ bot.Adapter       = (*Adapter)(nil)
	_ bot.Typer         = (*Adapter)(nil)
	_ bot.ThreadOpener  = (*Adapter)(nil)
	_ bot.MenuPublisher = (*Adapter)(nil)
	_ bot.Marker        = (*Adapter)(nil)
	_ bot.Director      = (*Adapter)(nil)
	_ bot.Linker        = (*Adapter)(nil)
	_ bot.Fetcher       = (*Adapter)(nil)
	_ bot.Eraser        = (*Adapter)(nil)
	_ bot.Pinner        = (*Adapter)(nil)
	_ bot.Checker       = (*Adapter)(nil)
	_ bot.Badger        = (*Adapter)(nil)
)

// New checks the configuration and makes the adapter. It touches neither
// network nor disk and starts nothing.
func New(cfg Config) (*Adapter, error) {
	token, id, err := cfg.Token.parse()
	if err != nil {
		return nil, fmt.Errorf("discord: token: %w", err)
	}
	cfg.Token = token
	base, err := parseAPIURL(cfg.APIURL)
	if err != nil {
		return nil, fmt.Errorf("discord: api url: %w", err)
	}
	if cfg.ApplicationID != "" {
		if _, ok := parseSnowflake(cfg.ApplicationID); !ok {
			return nil, fmt.Errorf("discord: application id: %q is not an id", cfg.ApplicationID)
		}
	}
	if cfg.Upload < 0 || cfg.Upload > mostUpload {
		return nil, fmt.Errorf("discord: upload limit: want at most %d bytes", mostUpload)
	}
	if cfg.Upload == 0 {
		cfg.Upload = defaultUpload
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	timing := cfg.Timing.withDefaults()
	c, err := newClient(base, token, timing)
	if err != nil {
		return nil, fmt.Errorf("discord: %w", err)
	}
	a := &Adapter{
		botID:   id,
		cfg:     cfg,
		pace:    cfg.Pace.withDefaults(),
		timing:  timing,
		log:     cfg.Logger.With("adapter", Name, "bot", id.String()),
		client:  c,
		intake:  newIntake(),
		uploads: uploads{usual: cfg.Upload, by: make(map[snowflake]int64)},
		named:   make(chan struct{}),
		greeted: make(chan struct{}, 1),
	}
	a.budget = newBudget(cfg.StateDir, id, timing.Identify)
	if a.pace.Unlimited {
		a.budget.gap, a.budget.spans = 0, nil // a server of one's own resets no token
	}
	a.standing.set(true, "starting")
	return a, nil
}

// parseAPIURL checks the server's address.
func parseAPIURL(s string) (*url.URL, error) {
	if s == "" {
		s = officialURL
	}
	u, err := url.Parse(strings.TrimRight(s, "/"))
	if err != nil {
		// The cause of a *url.Error leaves the address out: it may carry secrets.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, err
	}
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("want only https://host[:port][/path]")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
	default:
		return nil, errors.New("want https, or http on this machine: the token would be readable on the way")
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String names the bot without its token.
func (a *Adapter) String() string { return fmt.Sprintf("discord bot %d", a.botID) }

// Format keeps %+v and %#v from printing the fields.
func (a *Adapter) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.String()) }

// Name implements bot.Adapter.
func (a *Adapter) Name() string { return Name }

// What the network carries.
const (
	// pageText leaves a twentieth of a message to the marks around the text;
	// see compose for what happens when they take more.
	pageText = maxContent - maxContent/20
	// pageLines is how much a phone shows in a few swipes.
	pageLines  = 50
	livePages  = 3
	rowButtons = 5
	// liveEdit is the pace of edits: the network takes about five in five
	// seconds, and a little less keeps some for what is urgent.
	liveEdit = 1200 * time.Millisecond
)

// Limits implements bot.Adapter. A post in a forum is a session's own place, so
// what is typed there is for the session.
func (a *Adapter) Limits(th bot.Thread) bot.Limits {
	upload := a.uploads.limit(a.guildOf(th))
	l := bot.Limits{
		Text:       pageText,
		Caption:    pageText,
		Lines:      pageLines,
		Pages:      livePages,
		Upload:     upload,
		Photo:      upload,
		Edit:       liveEdit,
		Every:      a.pace.Every,
		Burst:      a.pace.Burst,
		AllEvery:   a.pace.AllEvery,
		AllBurst:   a.pace.AllBurst,
		Buttons:    rowButtons,
		Foreground: a.isPost(th),
		Life:       a.pace.Life,
		Form:       formLabel,
		Branch:     true,
		Colours:    true,
	}
	if a.pace.Unlimited {
		l.Edit = 250 * time.Millisecond
	}
	return l
}

// isPost tells whether a thread is a post in a forum.
func (a *Adapter) isPost(th bot.Thread) bool {
	if th.Topic == "" {
		return false
	}
	parent, known := a.places.find(a.known(th.Room()))
	return known && parent.isForum()
}

// Health implements bot.Checker.
func (a *Adapter) Health() bot.Health { return a.standing.health() }
