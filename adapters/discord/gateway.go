package discord

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// line is one library session with what keeps it from hanging. It can be
// opened again and again; the library then tries to resume.
//
// What the library does, and what is done about it: when the server refuses a
// session it identifies itself at once, and again if that is refused as too
// early (a connection that sends too often is cut); Open waits without a bound
// for the server (a watchdog cuts the connection), and when an order to
// reconnect comes in place of the greeting it waits for itself for ever (the
// session is abandoned); a dead connection is noticed after minutes (the
// connection has deadlines of its own); it would reconnect for ever, whatever
// the reason (that is switched off).
type line struct {
	a       *Adapter
	session *discordgo.Session
	ctx     context.Context // of the line; its end cuts everything
	end     context.CancelFunc
	down    chan struct{} // capacity 1: the library has lost its connection
	anew    chan struct{} // the library has identified itself once more
	// known is true once there is a session that could be resumed: until then
	// every opening is an identification.
	known   atomic.Bool
	greeted atomic.Bool // on this connection

	mu   sync.Mutex
	conn *watchful
}

// newLine makes a session that identifies itself when it is first opened.
func (a *Adapter) newLine(ctx context.Context, intents discordgo.Intent) (*line, error) {
	session, err := discordgo.New("Bot " + string(a.client.token))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	l := &line{a: a, session: session, ctx: ctx, end: cancel, down: make(chan struct{}, 1), anew: make(chan struct{}, 16)}
	a.client.disarm(session, ctx)
	session.Identify.Intents = intents
	session.Identify.Compress = false
	session.Identify.LargeThreshold = 50 // members are not looked at
	session.Dialer = &websocket.Dialer{
		NetDialContext:   l.dial,
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: a.timing.Open,
	}
	// Handlers are called by the reader, in order, and partly while the
	// library holds its lock: they must neither wait nor use the session.
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) {
		switch e.Type {
		case "READY":
			if l.known.Swap(true) {
				signal(l.anew)
			}
			l.greeted.Store(true)
		case "RESUMED":
			l.greeted.Store(true)
		}
		a.event(e.Type, e.RawData)
	})
	session.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { signal(l.down) })
	return l, nil
}

// dial connects with deadlines.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	// The library gives no context of ours.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	raw, err := newDialer().DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &watchful{Conn: raw, silence: l.a.timing.Silence, alive: l.a.standing.alive}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		conn.Close()
		return nil, l.ctx.Err()
	}
	l.conn = conn
	return conn, nil
}

// cut ends the connection, whatever the library is doing.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		l.conn.Close()
	}
}

// stormy tells whether the last connection was cut for what it sent.
func (l *line) stormy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn != nil && l.conn.storm.Load()
}

// errAbandoned: the library hangs in a way that nothing ends.
var errAbandoned = errors.New("the library hangs: its session was abandoned")

// errSlow: the server did not make the gateway ready in time.
var errSlow = errors.New("the gateway did not become ready in time")

// open connects and returns when the server's first answer has come. After
// errAbandoned the line must not be used again.
func (l *line) open(ctx context.Context) error {
	for drained := false; !drained; {
		select {
		case <-l.down: // of an earlier connection
		default:
			drained = true
		}
	}
	l.greeted.Store(false)
	opened := make(chan error, 1)
	go func() { opened <- l.session.Open() }()
	watchdog := time.NewTimer(l.a.timing.Open)
	defer watchdog.Stop()
	cause := errSlow
	select {
	case err := <-opened:
		if errors.Is(err, discordgo.ErrWSAlreadyOpen) {
			return nil
		}
		return err
	case <-ctx.Done():
		cause = ctx.Err()
	case <-watchdog.C:
	}
	l.cut()
	if ctx.Err() != nil {
		l.end()
	}
	last := time.NewTimer(l.a.timing.Abandon)
	defer last.Stop()
	select {
	case err := <-opened:
		if err == nil {
			return nil // at the last moment; the reader will notice that it was cut
		}
		return cause
	case <-last.C:
		l.end()
		return errAbandoned
	}
}

// closeTime bounds the goodbye.
const closeTime = time.Second

// close says goodbye, which ends the session for good. The line must not be
// used again. The library sleeps for a second after its goodbye, which nobody
// waits for: its goroutines end by themselves then.
func (l *line) close() {
	said := l.listenForGoodbye()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = l.session.Close()
	}()
	bound := time.NewTimer(closeTime)
	defer bound.Stop()
	select {
	case <-said:
	case <-closed:
	case <-bound.C:
	}
	l.end()
	l.cut()
}

// listenForGoodbye is told when the next packet has been written.
func (l *line) listenForGoodbye() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	said := make(chan struct{})
	if l.conn != nil {
		l.conn.wrote.Store(&said)
	}
	return said
}

// watchful is a connection that fails when it is silent for too long, or takes
// too long to take something. The network acknowledges a heartbeat about every
// 41 s.
type watchful struct {
	net.Conn
	silence time.Duration
	alive   func()
	wrote   atomic.Pointer[chan struct{}] // closed at the next write

	mu    sync.Mutex
	times [stormWrites]time.Time // of the last writes, a ring
	next  int
	storm atomic.Bool
}

// A connection says hello and, in 30 s, a few other things. One that writes so
// often is identifying itself again and again.
const (
	stormWrites = 20
	stormTime   = 30 * time.Second
)

var errStorm = errors.New("too much is sent to the gateway")

// rages counts a write, and tells whether there are too many.
func (c *watchful) rages(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.times[c.next]
	c.times[c.next] = now
	c.next = (c.next + 1) % stormWrites
	if !first.IsZero() && now.Sub(first) < stormTime {
		c.storm.Store(true)
		return true
	}
	return false
}

func (c *watchful) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.alive()
	}
	return n, err
}

// writeTime is how long a small packet may take.
const writeTime = 20 * time.Second

func (c *watchful) Write(b []byte) (int, error) {
	if c.rages(time.Now()) {
		c.Conn.Close()
		return 0, errStorm
	}
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if wrote := c.wrote.Swap(nil); wrote != nil {
		close(*wrote)
	}
	return n, err
}

// closeCode is the code that the gateway closed with, 0 for none.
func closeCode(err error) int {
	var ce *websocket.CloseError
	if errors.As(err, &ce) {
		return ce.Code
	}
	return 0
}

// Codes that the gateway closes with
// (docs.discord.com/developers/topics/opcodes-and-status-codes#gateway).
const (
	closeBadToken    = 4004
	closeBadSequence = 4007
	closeTimedOut    = 4009
	closeBadShard    = 4010
	closeNeedsShards = 4011
	closeBadVersion  = 4012
	closeBadIntents  = 4013
	closeForbidden   = 4014
)

// verdict is what a close code means for a person; empty for one that is
// nothing to speak of.
func verdict(code int) string {
	switch code {
	case closeBadToken:
		return tokenRefused
	case closeBadShard, closeNeedsShards:
		return "the bot is on too many servers for this program: take it out of those that it does not serve"
	case closeBadVersion, closeBadIntents:
		return fmt.Sprintf("discord no longer speaks this program's version (close code %d): update chapi", code)
	case closeForbidden:
		return "discord refuses what the bot wants to be told (close code 4014): see Bot, Privileged Gateway Intents, in the developer portal"
	default:
		return ""
	}
}

const tokenRefused = "token refused: make a new one on the Bot page of the developer portal, put it in and restart"
