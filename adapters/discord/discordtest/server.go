package discordtest

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// Options configures a Server. The zero value is a useful bot account without
// any privileged intent, without rate limits, on the system clock.
type Options struct {
	// Token is the only token that is let in. Empty means a valid-looking one
	// made from BotID.
	Token string
	// BotID is the bot's user id and AppID its application's; zero means a
	// made-up one for BotID, and BotID for AppID.
	BotID, AppID Snowflake
	// Username is the bot's name. Empty means "chapi".
	Username string

	// MessageContent, Members and Presences switch the privileged intents on,
	// as on the Bot page of the developer portal. Identifying with one that is
	// off closes the gateway with 4014.
	MessageContent, Members, Presences bool
	// PublicBot lets everybody add the bot to servers (bot_public).
	PublicBot bool

	// Clock tells the time for ids, dates, nonces, interactions, rate limits,
	// the life of sessions and links, and the Date header; nil means time.Now.
	// It must be safe for concurrent use. Waits (delays, heartbeats) run in
	// real time.
	Clock func() time.Time

	// Rates turns the rate limits on: 5 calls per 5 s for each route and
	// channel, 50 calls/s in all, channel changes 2 per 10 min, and one
	// Identify per 5 s. A call beyond is answered with 429 and not executed.
	// Without it answers carry no rate limit headers.
	Rates bool

	// HeartbeatInterval is announced in Hello; zero means 41.25 s. A client
	// that sends none for two of them is closed with 4009.
	HeartbeatInterval time.Duration
	// Starts is how many times a client may identify in 24 h; zero means 1000.
	// One more makes the token invalid, as on the real server.
	Starts int
	// Replay is how many dispatches a session keeps for a resume; zero means
	// 100.
	Replay int
	// ResumeWindow is how long a session without connection can be resumed;
	// zero means 3 minutes.
	ResumeWindow time.Duration
	// NonceWindow is how long an enforced nonce is remembered; zero means 3
	// minutes.
	NonceWindow time.Duration
	// UploadLimit is the size of a file that servers without boosts and DMs
	// accept, in bytes; zero means 10 MiB.
	UploadLimit int64

	// MaxInvalid is how many calls may be answered with 401, 403 or 429 before
	// Check complains; zero means 100.
	MaxInvalid int
	// MaxIdentifies is how often clients may identify before Check complains;
	// zero means 100.
	MaxIdentifies int

	// MaxCalls bounds the calls kept for Calls (the newest stay; counters are
	// exact); zero means 5000.
	MaxCalls int
	// MaxMessages bounds the messages kept in each channel, oldest dropped
	// first; zero means 20000.
	MaxMessages int
	// MaxRevisions bounds the revisions kept of each message; zero means 1000.
	MaxRevisions int
}

// Server is a Discord server for one bot account. Its methods are safe for
// concurrent use.
type Server struct {
	opts     Options
	token    string
	appID    Snowflake
	bot      *User
	handlers sync.WaitGroup

	mu      sync.Mutex // guards everything below, and all guilds and channels
	link    link
	changed chan struct{} // closed and replaced on a change while somebody waits
	waiters int

	ids      snowflakes
	users    map[Snowflake]*User
	guilds   map[Snowflake]*Guild
	channels map[Snowflake]*Channel
	guildSeq []*Guild // in the order they were made
	revoked  bool

	gateway      gateway
	interactions interactions
	commands     commandBook
	nonces       nonces
	files        fileStore
	rates        rates
	invalid      invalidCount
	faults       []*ActiveFault
	calls        callLog
	problems     []string
	expected     []expectation
}

// link is the listening side: what Start, Down, Up and Close move. The second
// port is the address that READY announces for resumes.
type link struct {
	port, resumePort int
	url, resumeURL   string
	servers          []*http.Server
	closing          chan struct{} // closed by Close
	up               chan struct{} // closed when the black hole ends
	hole             bool
	isClosed         bool
}

// New makes a server; it listens only after Start. People, guilds and channels
// can be added before.
func New(opts Options) *Server {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	opts.MaxCalls = cmp.Or(opts.MaxCalls, 5000)
	opts.MaxMessages = cmp.Or(opts.MaxMessages, 20000)
	opts.MaxRevisions = cmp.Or(opts.MaxRevisions, 1000)
	opts.MaxInvalid = cmp.Or(opts.MaxInvalid, 100)
	opts.MaxIdentifies = cmp.Or(opts.MaxIdentifies, 100)
	opts.HeartbeatInterval = cmp.Or(opts.HeartbeatInterval, 41250*time.Millisecond)
	opts.Starts = cmp.Or(opts.Starts, 1000)
	opts.Replay = cmp.Or(opts.Replay, 100)
	opts.ResumeWindow = cmp.Or(opts.ResumeWindow, 3*time.Minute)
	opts.NonceWindow = cmp.Or(opts.NonceWindow, 3*time.Minute)
	opts.UploadLimit = cmp.Or(opts.UploadLimit, 10<<20)
	opts.BotID = cmp.Or(opts.BotID, 100000000000000001)
	if opts.Token == "" {
		id := base64.RawURLEncoding.EncodeToString([]byte(opts.BotID.String()))
		opts.Token = id + ".Gchapi.discordtest_0123456789abcdefghijklmno"
	}
	s := &Server{
		opts:     opts,
		token:    opts.Token,
		appID:    cmp.Or(opts.AppID, opts.BotID),
		bot:      &User{ID: opts.BotID, Name: cmp.Or(opts.Username, "chapi"), Bot: true},
		changed:  make(chan struct{}),
		users:    make(map[Snowflake]*User),
		guilds:   make(map[Snowflake]*Guild),
		channels: make(map[Snowflake]*Channel),
		link:     link{closing: make(chan struct{}), up: make(chan struct{})},
	}
	s.bot.srv = s
	s.users[s.bot.ID] = s.bot
	s.calls.init(opts.MaxCalls)
	s.gateway.init(s)
	s.interactions.init()
	s.commands.init()
	s.nonces.init()
	s.files.init()
	s.rates.init()
	return s
}

// Start listens on two free ports of 127.0.0.1 and serves until Close.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.servers != nil || s.link.isClosed {
		return errors.New("start test server: started or closed already")
	}
	return s.listen()
}

// listen opens the ports, new ones the first time. The caller holds the lock.
func (s *Server) listen() error {
	var opened []net.Listener
	for _, port := range []*int{&s.link.port, &s.link.resumePort} {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
		if err != nil {
			for _, other := range opened {
				other.Close()
			}
			return fmt.Errorf("start test server: %w", err)
		}
		*port = l.Addr().(*net.TCPAddr).Port
		opened = append(opened, l)
	}
	s.link.url = "http://127.0.0.1:" + strconv.Itoa(s.link.port)
	s.link.resumeURL = "ws://127.0.0.1:" + strconv.Itoa(s.link.resumePort)
	for i, l := range opened {
		handler := s.serve
		if i == 1 {
			handler = s.serveResume
		}
		server := &http.Server{Handler: http.HandlerFunc(handler), ErrorLog: silentLog}
		s.link.servers = append(s.link.servers, server)
		s.handlers.Go(func() { server.Serve(l) })
	}
	return nil
}

// Close stops listening, cuts every connection (hanging ones and gateways
// too), waits for the handlers and removes the files that were uploaded.
func (s *Server) Close() {
	s.mu.Lock()
	if s.link.isClosed {
		s.mu.Unlock()
		return
	}
	s.link.isClosed = true
	close(s.link.closing)
	servers := s.unlink()
	s.notify()
	s.mu.Unlock()
	for _, server := range servers {
		server.Close()
	}
	s.handlers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files.dir != "" {
		os.RemoveAll(s.files.dir)
	}
}

// unlink takes the listening servers away and cuts the gateway connections,
// which those no longer own. The caller holds the lock, and closes the servers
// after it.
func (s *Server) unlink() []*http.Server {
	servers := s.link.servers
	s.link.servers = nil
	s.gateway.cutAll()
	return servers
}

// URL is the base address, such as "http://127.0.0.1:39231", without a final
// slash: the API is at URL()+"/api/v9" and "/api/v10". It stays the same over
// Down and Up. It is empty before Start. The gateway's address is told by
// GET /gateway/bot.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link.url
}

// Token is the bot's token, without "Bot ".
func (s *Server) Token() string { return s.token }

// BotID is the bot's user id.
func (s *Server) BotID() Snowflake { return s.bot.ID }

// AppID is the id of the bot's application.
func (s *Server) AppID() Snowflake { return s.appID }

// Bot is the bot as a user, for instance to be mentioned.
func (s *Server) Bot() *User { return s.bot }

// Wait blocks until cond is true, and returns true, or until timeout has
// passed, and returns false. cond runs at once and again after every change of
// state: a call, a message, a gateway packet, a press. It runs on the caller's
// goroutine without locks held, so it may use every other method.
func (s *Server) Wait(timeout time.Duration, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.WaitContext(ctx, cond)
}

// WaitContext is Wait bounded by ctx.
func (s *Server) WaitContext(ctx context.Context, cond func() bool) bool {
	for {
		s.mu.Lock()
		s.waiters++
		changed := s.changed
		s.mu.Unlock()
		met := cond()
		if !met {
			select {
			case <-changed:
			case <-ctx.Done():
				met = cond() // the last change may have come with the deadline
			}
		}
		s.mu.Lock()
		s.waiters--
		s.mu.Unlock()
		if met {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
	}
}

// notify wakes whoever waits for a change. The caller holds the lock.
func (s *Server) notify() {
	if s.waiters > 0 {
		close(s.changed)
		s.changed = make(chan struct{})
	}
}

// now is the server's time.
func (s *Server) now() time.Time { return s.opts.Clock() }

// Down stops listening and cuts every connection, gateways too: new ones are
// refused. The state stays, people may go on writing, sessions may be resumed
// later.
func (s *Server) Down() {
	s.mu.Lock()
	servers := s.unlink()
	s.mu.Unlock()
	for _, server := range servers {
		server.Close()
	}
}

// Up undoes Down and BlackHole: it listens again on the same ports.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.isClosed {
		return errors.New("bring test server up: closed")
	}
	if s.link.hole {
		s.link.hole = false
		close(s.link.up)
		s.link.up = make(chan struct{})
	}
	if s.link.servers != nil {
		return nil
	}
	return s.listen()
}

// BlackHole keeps accepting connections and reading what comes, but processes
// and answers nothing, on old and new connections and gateways alike, until Up.
// Calls that wait for an answer at this moment never get one. A gateway that
// was connected stays silent even after Up, as a half-open connection does;
// what it should have been told can be had by a resume.
func (s *Server) BlackHole() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.hole = true
	s.gateway.swallowAll()
}

// Revoke makes the token unknown: every call is answered with 401, and
// gateways are closed with 4004.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoke()
}

func (s *Server) revoke() {
	s.revoked = true
	s.gateway.closeAll(closeAuthenticationFailed)
	s.notify()
}

// Restore undoes Revoke. Sessions from before are gone.
func (s *Server) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = false
}

// InvertIDs lets the ids of messages lie about their order, as ids made by
// different workers in one millisecond do: of every two messages the second has
// the smaller id, and the same date.
func (s *Server) InvertIDs(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids.invert(on)
}
