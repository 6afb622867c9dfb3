// Package telegram is the door to Telegram: it polls the Bot API for messages
// and posts, edits and uploads what is to be said.
//
// A message's way in is poll.go -> decode.go -> bot.Inbox; a post's way out is
// send.go -> format.go -> http.go. The package knows the network's limits,
// errors and oddities; it knows nothing of people's rights, commands or
// sessions, it keeps no queue, and it never waits for a rate limit: the core
// paces by Limits.
//
// Facts about the network come from the Bot API's documentation
// (core.telegram.org/bots/api) and the source of its server
// (github.com/tdlib/telegram-bot-api, github.com/tdlib/td).
package telegram

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	tg "github.com/go-telegram/bot"

	"chapi/bot"
)

// Name is the adapter's name in threads and accounts.
const Name = "telegram"

// officialURL is the Bot API server that Telegram runs.
const officialURL = "https://api.telegram.org"

// Config says which bot to be, and how. Token is required.
type Config struct {
	Token Token
	// APIURL is the Bot API server's address; empty means the official one. It
	// must be https unless the host is this machine.
	APIURL string
	// StateDir is the folder for the lock that keeps a second process from
	// polling for the same bot. Empty means no lock.
	StateDir string
	// Logger is where to log; nil means nowhere.
	Logger *slog.Logger
	// Pace is what Limits tells the core; its zero value suits the official
	// server.
	Pace Pace
	// Proxy is the address of an HTTP or SOCKS5 proxy; empty means what the
	// environment says. It is not used for a server on this machine.
	Proxy string
	// DropWebhook removes a webhook that another program left behind. Without
	// it the adapter only tells that there is one.
	DropWebhook bool
	// LocalDir is the working folder of an own Bot API server in its local
	// mode, for reading the files that it has downloaded. It also raises the
	// upload limit to that server's 2000 MB.
	LocalDir string
	// Timing is how long to wait for what; its zero value is for real use.
	Timing Timing
}

// Pace is the rate at which the network is used. Zero fields mean defaults
// below the network's published limits (core.telegram.org/bots/faq: about a
// message a second in a chat, 20 a minute in a group, 30 a second in all).
type Pace struct {
	PrivateEvery time.Duration // 1 s
	PrivateBurst int           // 3
	GroupEvery   time.Duration // 4 s: with the burst, 19 in any minute
	GroupBurst   int           // 4
	AllEvery     time.Duration // 40 ms
	AllBurst     int           // 4: with the pace, 29 in any second
	// Unlimited means no limits at all, for a server of one's own.
	Unlimited bool
}

// Timing is how long the adapter waits. Zero fields mean defaults.
type Timing struct {
	Poll       time.Duration // how long the server holds a poll open, whole seconds: 30 s
	PollSlack  time.Duration // how much later the answer may be complete: 15 s
	Call       time.Duration // for a call without a file: 30 s
	Stall      time.Duration // for an upload or download without progress: 30 s
	RetryMin   time.Duration // first pause after a failed poll: 1 s
	RetryMax   time.Duration // longest pause: 60 s
	Conflict   time.Duration // pause after a first conflict: 5 s
	Conflicted time.Duration // pause while conflicts go on: 30 s
	Settled    time.Duration // without a conflict for this long it is over: 3 min
	Refused    time.Duration // pause while the token is refused: 5 min
	Named      time.Duration // for the bot's own name, when a message needs it: 10 s
}

// withDefaults fills in the zero fields.
func (t Timing) withDefaults() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Poll, 30 * time.Second},
		{&t.PollSlack, 15 * time.Second},
		{&t.Call, 30 * time.Second},
		{&t.Stall, 30 * time.Second},
		{&t.RetryMin, time.Second},
		{&t.RetryMax, time.Minute},
		{&t.Conflict, 5 * time.Second},
		{&t.Conflicted, 30 * time.Second},
		{&t.Settled, 3 * time.Minute},
		{&t.Refused, 5 * time.Minute},
		{&t.Named, 10 * time.Second},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}

// withDefaults fills in the zero fields.
func (p Pace) withDefaults() Pace {
	if p.Unlimited {
		return Pace{Unlimited: true}
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&p.PrivateEvery, time.Second},
		{&p.GroupEvery, 4 * time.Second},
		{&p.AllEvery, 40 * time.Millisecond},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *int
		value int
	}{
		{&p.PrivateBurst, 3},
		{&p.GroupBurst, 4},
		{&p.AllBurst, 4},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return p
}

// Adapter is one bot account on Telegram. It implements bot.Adapter and
// bot.Typer, ThreadOpener, MenuPublisher, Confirmer, Marker, Rememberer,
// Director, Linker, Fetcher and Checker. All methods may be
// called at the same time, Run once at a time.
type Adapter struct {
	botID    int64
	cfg      Config
	pace     Pace
	timing   Timing
	log      *slog.Logger
	client   *client
	api      *tg.Bot
	standing standing
	receipts confirmations
	places   places
	typing   throttle
	answers  chan answer
	answered answered // the poll loop's own
	skewTold bool     // the poll loop's own

	// me is what the server says of the bot; nil until it has.
	me    atomic.Pointer[identity]
	named chan struct{} // closed when me is set
}

var (
	_ bot.Adapter       = (*Adapter)(nil)
	_ bot.Typer         = (*Adapter)(nil)
	_ bot.ThreadOpener  = (*Adapter)(nil)
	_ bot.MenuPublisher = (*Adapter)(nil)
	_ bot.Confirmer     = (*Adapter)(nil)
	_ bot.Marker        = (*Adapter)(nil)
	_ bot.Rememberer    = (*Adapter)(nil)
	_ bot.Director      = (*Adapter)(nil)
	_ bot.Linker        = (*Adapter)(nil)
	_ bot.Fetcher       = (*Adapter)(nil)
	_ bot.Checker       = (*Adapter)(nil)
)

// New checks the configuration and makes the adapter. It touches neither
// network nor disk and starts nothing.
func New(cfg Config) (*Adapter, error) {
	token, id, err := cfg.Token.parse()
	if err != nil {
		return nil, fmt.Errorf("telegram: token: %w", err)
	}
	cfg.Token = token
	base, local, err := parseAPIURL(cfg.APIURL)
	if err != nil {
		return nil, fmt.Errorf("telegram: api url: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	timing := cfg.Timing.withDefaults()
	c, err := newClient(base, token, timing, cfg.Proxy, local)
	if err != nil {
		return nil, fmt.Errorf("telegram: %w", err)
	}
	api, err := tg.New(string(token),
		tg.WithSkipGetMe(),
		tg.WithServerURL(base),
		tg.WithHTTPClient(timing.Call, c),
		tg.WithErrorsHandler(func(error) {}),
	)
	if err != nil {
		return nil, fmt.Errorf("telegram: %w", c.clean(err))
	}
	a := &Adapter{
		botID:   id,
		cfg:     cfg,
		pace:    cfg.Pace.withDefaults(),
		timing:  timing,
		log:     cfg.Logger.With("adapter", Name, "bot", id),
		client:  c,
		api:     api,
		answers: make(chan answer, maxAnswers),
		named:   make(chan struct{}),
	}
	a.standing.set(true, "starting")
	return a, nil
}

// parseAPIURL checks the server's address. local is true when the server is
// on this machine.
func parseAPIURL(s string) (base string, local bool, err error) {
	if s == "" {
		return officialURL, false, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		// The cause of a *url.Error leaves the address out: it may carry secrets.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return "", false, err
	}
	local = isLoopback(u.Hostname())
	switch {
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", false, errors.New("want only https://host[:port][/path]")
	case u.Scheme == "https", u.Scheme == "http" && local:
	default:
		return "", false, errors.New("want https, or http on this machine: the token would be readable on the way")
	}
	return strings.TrimRight(u.String(), "/"), local, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String names the bot without its token.
func (a *Adapter) String() string { return fmt.Sprintf("telegram bot %d", a.botID) }

// Format keeps %+v and %#v from printing the fields.
func (a *Adapter) Format(f fmt.State, _ rune) { fmt.Fprint(f, a.String()) }

// Name implements bot.Adapter.
func (a *Adapter) Name() string { return Name }

// What the network carries.
const (
	maxText    = 4096 // UTF-16 units: the server counts code points, never more
	maxCaption = 1024
	// pageLines is how much a phone shows in a few swipes.
	pageLines = 60
	livePages = 3
	// maxUpload is the server's 50 MiB without what a form adds to the file.
	maxUpload  = 50<<20 - 64<<10
	maxLocal   = 2_000_000_000 // with a server in local mode
	maxPhoto   = 10 << 20
	rowButtons = 8
)

// Limits implements bot.Adapter.
func (a *Adapter) Limits(th bot.Thread) bot.Limits {
	l := bot.Limits{
		Text:     maxText,
		Caption:  maxCaption,
		UTF16:    true,
		Lines:    pageLines,
		Pages:    livePages,
		Upload:   maxUpload,
		Photo:    maxPhoto,
		AllEvery: a.pace.AllEvery,
		AllBurst: a.pace.AllBurst,
		Buttons:  rowButtons,
	}
	if a.cfg.LocalDir != "" {
		l.Upload = maxLocal
	}
	if strings.HasPrefix(string(th.Chat), "-") {
		l.Edit, l.Every, l.Burst = 3*time.Second, a.pace.GroupEvery, a.pace.GroupBurst
	} else {
		l.Edit, l.Every, l.Burst = time.Second, a.pace.PrivateEvery, a.pace.PrivateBurst
	}
	if a.pace.Unlimited {
		l.Edit = 250 * time.Millisecond
	}
	return l
}

// Health implements bot.Checker.
func (a *Adapter) Health() bot.Health { return a.standing.health() }

// Direct implements bot.Director: a private chat has its person's number.
func (a *Adapter) Direct(u bot.UserID) bot.Thread {
	return bot.Thread{Adapter: Name, Chat: bot.ChatID(u)}
}

// startPayload is what a deep link may carry
// (core.telegram.org/bots/features#deep-linking).
var startPayload = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// PairLink implements bot.Linker. The code arrives as "/start CODE". It is
// empty for a code that a link cannot carry, too.
func (a *Adapter) PairLink(code string) string {
	me := a.me.Load()
	if me == nil || me.username == "" || !startPayload.MatchString(code) {
		return ""
	}
	return "https://t.me/" + me.username + "?start=" + code
}

// PairHint implements bot.Linker.
func (a *Adapter) PairHint() string { return "On Telegram, open this link, or scan it:" }

// thread makes the core's name of a place; topic 0 is the chat itself.
func thread(chat, topic int64) bot.Thread {
	th := bot.Thread{Adapter: Name, Chat: bot.ChatID(strconv.FormatInt(chat, 10))}
	if topic != 0 {
		th.Topic = bot.TopicID(strconv.FormatInt(topic, 10))
	}
	return th
}

// place reads what thread made.
func place(th bot.Thread) (chat int64, topic int, err error) {
	if th.Adapter != Name {
		return 0, 0, fmt.Errorf("thread %s is not on telegram", th)
	}
	chat, err = strconv.ParseInt(string(th.Chat), 10, 64)
	if err != nil || chat == 0 {
		return 0, 0, fmt.Errorf("thread %s: bad chat id", th)
	}
	if th.Topic == "" {
		return chat, 0, nil
	}
	n, err := strconv.ParseInt(string(th.Topic), 10, 32)
	if err != nil || n <= 0 {
		return 0, 0, fmt.Errorf("thread %s: bad topic id", th)
	}
	return chat, int(n), nil
}

// messageID reads a message's id; ids have 31 bits.
func messageID(m bot.MessageID) (int, error) {
	n, err := strconv.ParseInt(string(m), 10, 32)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("bad message id %q", m)
	}
	return int(n), nil
}

func formatID(id int64) bot.MessageID { return bot.MessageID(strconv.FormatInt(id, 10)) }

// isSupergroup tells whether a chat has a box of message ids of its own.
// Supergroups and forums have ids of -100 followed by at least ten digits.
func isSupergroup(chat int64) bool { return chat < -1_000_000_000_000 }

func isPrivate(chat int64) bool { return chat > 0 }
