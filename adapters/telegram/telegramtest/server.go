package telegramtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options configures a Server. The zero value is a useful bot account in
// privacy mode, without a rate limit, on the system clock.
type Options struct {
	// Token is the only token that is let in. Empty means a valid-looking one
	// made from BotID.
	Token string
	// BotID is the bot's user id. Zero means the number in Token, or 7654321.
	BotID int64
	// Username is the bot's username without "@". Empty means "chapi_test_bot".
	Username string
	// Name is the bot's first name. Empty means "chapi".
	Name string

	// Clock tells the time for dates, retention, flood control, the age of
	// callback queries and links, and the Date header; nil means time.Now.
	// It must be safe for concurrent use. Waits (long polls, delays, and the
	// server's pacing of pollers within 0.5 s and 3 s) run in real time.
	Clock func() time.Time

	// Rates turns the flood model on: a private chat carries 1 message/s with
	// a burst of 4, a group 20/min, all chats together 30/s, chat actions and
	// drafts 20 per 5 s and 40 per 30 s per chat. Sends and edits share a
	// budget. A call beyond it is answered with 429 and not executed.
	Rates bool

	// ReadAll turns privacy mode off: the bot sees every message of its
	// groups. With privacy on it sees commands, replies to itself and service
	// messages, unless it is an administrator.
	ReadAll bool
	// PrivateTopics lets private chats have topics (getMe has_topics_enabled).
	PrivateTopics bool
	// ImplicitRootReplies makes every message in a forum's topic that answers
	// no other one carry the topic's root as its reply_to_message, as the real
	// server does (get_same_chat_reply_to_message_id). It is no reply to the
	// bot, even when the bot opened the topic.
	ImplicitRootReplies bool

	// FirstUpdateID is the id of the first update; zero means a random one.
	FirstUpdateID int

	// MaxCalls bounds the calls kept for Calls (the newest stay; counters are
	// exact); zero means 5000.
	MaxCalls int
	// MaxMessages bounds the messages kept in each chat, oldest dropped first;
	// zero means 20000.
	MaxMessages int
	// MaxRevisions bounds the revisions kept of each message; zero means 1000.
	MaxRevisions int
}

// Server is a Bot API server for one bot account. Its methods are safe for
// concurrent use.
type Server struct {
	opts     Options
	token    string
	bot      *User
	handlers sync.WaitGroup

	mu      sync.Mutex // guards everything below, and all chats
	link    link
	changed chan struct{} // closed and replaced on a change while somebody waits
	waiters int

	users   map[int64]*User
	chats   map[int64]*Chat
	box     counter // message ids of private chats and basic groups
	revoked bool

	queue   queue
	poller  poller
	webhook string

	presses    map[string]*Press
	pressOrder []string
	menus      map[menuKey][]Command
	files      files
	stalled    bool   // downloads stop in the middle
	flood      window // all chats together
	faults     []*ActiveFault
	calls      callLog
	problems   []string
	expected   []expectation
	nextAlbum  int64
}

// link is the listening side: what Start, Down, Up and Close move.
type link struct {
	port     int
	url      string
	server   *http.Server
	closing  chan struct{} // closed by Close
	up       chan struct{} // closed when the black hole ends
	hole     bool
	isClosed bool
}

// New makes a server; it listens only after Start. People and chats can be
// added before.
func New(opts Options) *Server {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	opts.MaxCalls = cmp.Or(opts.MaxCalls, 5000)
	opts.MaxMessages = cmp.Or(opts.MaxMessages, 20000)
	opts.MaxRevisions = cmp.Or(opts.MaxRevisions, 1000)
	if opts.BotID == 0 {
		opts.BotID = 7654321
		if id, _, ok := strings.Cut(opts.Token, ":"); ok {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 {
				opts.BotID = n
			}
		}
	}
	if opts.Token == "" {
		opts.Token = fmt.Sprintf("%d:AAE-telegramtest_0123456789abcdefghi", opts.BotID)
	}
	s := &Server{
		opts:    opts,
		token:   opts.Token,
		bot:     &User{ID: opts.BotID, Name: cmp.Or(opts.Name, "chapi"), Username: cmp.Or(opts.Username, "chapi_test_bot"), Bot: true},
		changed: make(chan struct{}),
		users:   make(map[int64]*User),
		chats:   make(map[int64]*Chat),
		presses: make(map[string]*Press),
		menus:   make(map[menuKey][]Command),
		link:    link{closing: make(chan struct{}), up: make(chan struct{})},
	}
	s.bot.srv = s
	s.users[s.bot.ID] = s.bot
	s.files.init()
	s.calls.init(opts.MaxCalls)
	first := opts.FirstUpdateID
	if first == 0 {
		first = 2_000_000 + rand.IntN(998_000_000)
	}
	s.queue.init(first)
	return s
}

// Start listens on a free port of 127.0.0.1 and serves until Close.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.link.server != nil || s.link.isClosed {
		return errors.New("start test server: started or closed already")
	}
	return s.listen()
}

// listen opens the port, a new one the first time. The caller holds the lock.
func (s *Server) listen() error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.link.port)))
	if err != nil {
		return fmt.Errorf("start test server: %w", err)
	}
	s.link.port = l.Addr().(*net.TCPAddr).Port
	s.link.url = "http://127.0.0.1:" + strconv.Itoa(s.link.port)
	server := &http.Server{Handler: http.HandlerFunc(s.serve), ErrorLog: silentLog}
	s.link.server = server
	s.handlers.Go(func() { server.Serve(l) })
	return nil
}

// Close stops listening, cuts every connection (hanging ones too), waits for
// the handlers and removes the files that were uploaded.
func (s *Server) Close() {
	s.mu.Lock()
	if s.link.isClosed {
		s.mu.Unlock()
		return
	}
	s.link.isClosed = true
	close(s.link.closing)
	server := s.link.server
	s.link.server = nil
	s.notify()
	s.mu.Unlock()
	if server != nil {
		server.Close()
	}
	s.handlers.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files.dir != "" {
		os.RemoveAll(s.files.dir)
	}
}

// URL is the base address, such as "http://127.0.0.1:39231", with neither a
// final slash nor the token. It stays the same over Down and Up. It is empty
// before Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link.url
}

// Token is the bot's token.
func (s *Server) Token() string { return s.token }

// BotID is the bot's user id.
func (s *Server) BotID() int64 { return s.bot.ID }

// Username is the bot's username, without "@".
func (s *Server) Username() string { return s.bot.Username }

// Wait blocks until cond is true, and returns true, or until timeout has
// passed, and returns false. cond runs at once and again after every change
// of state: a call, a message, a confirmation, a press. It runs on the
// caller's goroutine without locks held, so it may use every other method.
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

// Down stops listening and cuts every connection: new ones are refused. The
// state stays, people may go on writing.
func (s *Server) Down() {
	s.mu.Lock()
	server := s.link.server
	s.link.server = nil
	s.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

// Up undoes Down and BlackHole: it listens again on the same port.
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
	if s.link.server != nil {
		return nil
	}
	return s.listen()
}

// BlackHole keeps accepting connections and reading what comes, but processes
// and answers nothing, on old and new connections alike, until Up. Calls that
// wait for an answer at this moment never get one.
func (s *Server) BlackHole() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.link.hole = true
	s.poller.drop()
}

// Revoke makes the token unknown: every call is answered with 401, a waiting
// getUpdates too.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
	s.poller.fail(&apiError{code: 401, text: "Unauthorized"}, 0)
}

// Restore undoes Revoke.
func (s *Server) Restore() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = false
}
