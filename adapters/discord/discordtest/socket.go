package discordtest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxPacket            = 4096 // bytes that a client may send (Gateway: Sending Events)
	maxSends             = 120  // per minute and connection (Gateway: Rate Limiting)
	maxQueued            = 20_000
	writeTime            = 10 * time.Second
	lingerAfterReconnect = 5 * time.Second
	deflateFrom          = 4 << 10 // bytes, when the client asked for compression
)

// Close codes (Opcodes and Status Codes: Gateway Close Event Codes).
const (
	closeUnknownOpcode        = 4001
	closeDecodeError          = 4002
	closeNotAuthenticated     = 4003
	closeAuthenticationFailed = 4004
	closeAlreadyAuthenticated = 4005
	closeInvalidSeq           = 4007
	closeRateLimited          = 4008
	closeSessionTimedOut      = 4009
	closeInvalidShard         = 4010
	closeInvalidVersion       = 4012
	closeInvalidIntents       = 4013
	closeDisallowedIntents    = 4014
)

var closeTexts = map[int]string{
	closeUnknownOpcode:        "Unknown opcode.",
	closeDecodeError:          "Error while decoding payload.",
	closeNotAuthenticated:     "Not authenticated.",
	closeAuthenticationFailed: "Authentication failed.",
	closeAlreadyAuthenticated: "Already authenticated.",
	closeInvalidSeq:           "Invalid seq.",
	closeRateLimited:          "Rate limited.",
	closeSessionTimedOut:      "Session timed out.",
	closeInvalidShard:         "Invalid shard.",
	closeInvalidVersion:       "Invalid API version.",
	closeInvalidIntents:       "Invalid intent(s).",
	closeDisallowedIntents:    "Disallowed intent(s).",
}

// endsSession tells whether a session is gone after the server has closed with
// a code.
func endsSession(code int) bool {
	return code == closeAuthenticationFailed || code == closeInvalidSeq || code >= closeSessionTimedOut && code <= closeDisallowedIntents
}

// socket is one gateway connection. Its fields are guarded by the server's
// lock; only its writer goroutine writes to conn.
type socket struct {
	srv       *Server
	conn      *websocket.Conn
	version   int
	viaResume bool

	session  *session
	resumed  bool
	compress bool
	silent   bool // nothing goes out, what comes in is not looked at
	zombie   bool // heartbeats are not acknowledged
	closing  bool // nothing but the close goes out
	gone     bool
	acked    int
	beats    int
	lastBeat time.Time
	sends    []time.Time
	out      []frame
	wake     chan struct{} // holds one token while out may have something
	done     chan struct{} // closed when the connection is over
}

// frame is one step of the writer: a wait, then a packet or a close.
type frame struct {
	data []byte
	code int // of a close frame, if not 0
	text string
	wait time.Duration
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, WriteBufferSize: 16 << 10}

// serveResume is the second address: gateways only.
func (s *Server) serveResume(w http.ResponseWriter, r *http.Request) {
	if !websocket.IsWebSocketUpgrade(r) {
		http.NotFound(w, r)
		return
	}
	s.enter(w, r, func() { s.serveGateway(w, r, true) })
}

// serveGateway is one gateway connection from the upgrade to its end.
func (s *Server) serveGateway(w http.ResponseWriter, r *http.Request, viaResume bool) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	q := r.URL.Query()
	l := &socket{srv: s, conn: conn, viaResume: viaResume, wake: make(chan struct{}, 1), done: make(chan struct{}), lastBeat: time.Now()}
	l.version, _ = strconv.Atoi(q.Get("v"))

	s.mu.Lock()
	if s.link.isClosed || s.link.servers == nil {
		s.mu.Unlock()
		return
	}
	s.gateway.connections++
	s.gateway.links = append(s.gateway.links, l)
	s.hello(l, q.Get("encoding"), q.Get("compress"))
	s.notify()
	s.mu.Unlock()

	s.handlers.Go(l.write)
	s.read(l)
}

// hello greets a new connection.
func (s *Server) hello(l *socket, encoding, compress string) {
	if a := s.takeGatewayFault(AtHello, nil); a != nil {
		s.strike(l, &a.GatewayFault)
		if a.Kind < AskHeartbeat && a.Kind != Zombie {
			return
		}
	}
	switch {
	case l.version != 9 && l.version != 10:
		l.offend(closeInvalidVersion)
	case encoding != "" && encoding != "json" || compress != "":
		s.problem("gateway: this server speaks JSON without transport compression only")
		l.close(closeDecodeError, closeTexts[closeDecodeError])
	default:
		l.send(fmt.Appendf(nil, `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d,"_trace":["discordtest"]}}`,
			s.opts.HeartbeatInterval.Milliseconds()))
	}
}

// read reads a connection to its end. A client that sends no heartbeat for two
// intervals is closed.
func (s *Server) read(l *socket) {
	l.conn.SetReadLimit(1 << 20)
	var err error
	for {
		l.conn.SetReadDeadline(s.nextBeat(l))
		var data []byte
		if _, data, err = l.conn.ReadMessage(); err != nil {
			break
		}
		s.mu.Lock()
		s.received(l, data)
		s.mu.Unlock()
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		s.mu.Lock()
		silent := l.silent
		if !silent {
			l.close(closeSessionTimedOut, closeTexts[closeSessionTimedOut])
		}
		s.mu.Unlock()
		// The close goes out, or the silence lasts, until the other side ends.
		raw := l.conn.UnderlyingConn()
		raw.SetReadDeadline(time.Time{})
		io.Copy(io.Discard, raw)
	}
	s.ended(l, err)
}

// nextBeat is when a heartbeat must have come.
func (s *Server) nextBeat(l *socket) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.lastBeat.Add(2 * s.opts.HeartbeatInterval)
}

// ended takes a connection off. A session stays for a resume, unless the client
// has closed it with 1000 or 1001 (Gateway: Disconnecting).
func (s *Server) ended(l *socket, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.gone = true
	close(l.done)
	s.gateway.links = slices.DeleteFunc(s.gateway.links, func(x *socket) bool { return x == l })
	if one := l.session; one != nil {
		one.socket, one.detached, l.session = nil, s.now(), nil
		if !l.closing && websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) {
			delete(s.gateway.sessions, one.id)
		}
	}
	s.notify()
}

// send puts a packet on its way to the client.
func (l *socket) send(data []byte) { l.queue(frame{data: data}) }

// queue adds a step for the writer. A client that does not read is cut off.
func (l *socket) queue(f frame) {
	if l.gone || l.silent || l.closing {
		return
	}
	if len(l.out) >= maxQueued {
		l.cut()
		return
	}
	l.out = append(l.out, f)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// close ends the connection with a close frame, after what is on its way.
func (l *socket) close(code int, text string) {
	l.queue(frame{code: code, text: text})
	l.closing = true
	if one := l.session; one != nil && endsSession(code) {
		delete(l.srv.gateway.sessions, one.id)
		one.socket, l.session = nil, nil
	}
}

// offend closes the connection because of what the client did, which Check
// reports.
func (l *socket) offend(code int) {
	l.srv.problem(fmt.Sprintf("gateway: closed with %d %s", code, closeTexts[code]))
	l.close(code, closeTexts[code])
}

// cut ends the connection without a close frame.
func (l *socket) cut() {
	l.closing = true
	if one := l.session; one != nil {
		one.socket, one.detached, l.session = nil, l.srv.now(), nil
	}
	l.conn.UnderlyingConn().Close()
}

// cutAll, closeAll and swallowAll do something to every connection.
func (g *gateway) cutAll() {
	for _, l := range slices.Clone(g.links) {
		l.cut()
	}
}

func (g *gateway) closeAll(code int) {
	for _, l := range slices.Clone(g.links) {
		l.close(code, closeTexts[code])
	}
}

func (g *gateway) swallowAll() {
	for _, l := range g.links {
		l.silent = true
	}
}

// write sends what is queued until the connection is over.
func (l *socket) write() {
	for {
		for _, f := range l.take() {
			if !l.perform(f) {
				l.conn.Close()
				return
			}
		}
		select {
		case <-l.wake:
		case <-l.done:
			return
		}
	}
}

func (l *socket) take() []frame {
	l.srv.mu.Lock()
	defer l.srv.mu.Unlock()
	steps := l.out
	l.out = nil
	return steps
}

// perform does one step; false means that the connection is over.
func (l *socket) perform(f frame) bool {
	if f.wait > 0 && !l.pause(f.wait) {
		return false
	}
	l.srv.mu.Lock()
	silent, compress := l.silent, l.compress
	l.srv.mu.Unlock()
	if silent {
		return true
	}
	l.conn.SetWriteDeadline(time.Now().Add(writeTime))
	switch {
	case f.code != 0:
		text := f.text[:min(len(f.text), 120)]
		l.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(f.code, text), time.Now().Add(writeTime))
		l.pause(time.Second) // for the client's own close frame
		return false
	case f.data == nil:
		return true
	case compress && len(f.data) > deflateFrom:
		return l.conn.WriteMessage(websocket.BinaryMessage, deflate(f.data)) == nil
	}
	return l.conn.WriteMessage(websocket.TextMessage, f.data) == nil
}

// pause waits; false means that the connection ended meanwhile.
func (l *socket) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.done:
	case <-l.srv.link.closing:
	}
	return false
}
