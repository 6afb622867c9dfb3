package discordtest

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Intent is a set of gateway intents (Gateway: List of Intents).
type Intent int

// The intents that this server has events for, and the privileged ones.
const (
	IntentGuilds          Intent = 1 << 0
	IntentGuildMembers    Intent = 1 << 1 // privileged
	IntentGuildPresences  Intent = 1 << 8 // privileged
	IntentGuildMessages   Intent = 1 << 9
	IntentGuildReactions  Intent = 1 << 10
	IntentGuildTyping     Intent = 1 << 11
	IntentDirectMessages  Intent = 1 << 12
	IntentDirectReactions Intent = 1 << 13
	IntentDirectTyping    Intent = 1 << 14
	IntentMessageContent  Intent = 1 << 15 // privileged

	privileged = IntentGuildMembers | IntentGuildPresences | IntentMessageContent
	allIntents = Intent(1<<26-1) &^ (1<<17 | 1<<18 | 1<<19 | 1<<22 | 1<<23)
)

// gateway is the state of all gateways together.
type gateway struct {
	srv      *Server
	links    []*socket
	sessions map[string]*session
	faults   []*ActiveGatewayFault
	swapped  *heldDispatch

	connections, identifies, resumes int

	starts       int // left of Options.Starts
	startsUntil  time.Time
	lastIdentify time.Time
}

// session is what survives a connection.
type session struct {
	id       string
	intents  Intent
	version  int
	seq      int
	replay   []dispatched // newest last, as many as Options.Replay
	socket   *socket      // nil while there is no connection
	detached time.Time
}

type dispatched struct {
	seq  int
	data []byte
}

// heldDispatch waits for the next one, to be delivered after it.
type heldDispatch struct {
	e    event
	body any
}

// event is a dispatch on its way.
type event struct {
	name       string
	guild      *Guild
	channel    *Channel
	intent     Intent
	always     bool            // whatever the intents are
	everywhere bool            // whatever the bot may see, and whatever the intents
	stripped   json.RawMessage // the body without the message content intent, if it differs
}

// Gateway is one gateway connection as it stands now.
type Gateway struct {
	Session      string // "" before READY
	Intents      Intent
	Sequence     int  // of the newest dispatch
	Acknowledged int  // the sequence in the client's newest heartbeat
	Resumed      bool // the session was resumed here
	ResumeURL    bool // it came to the address that READY announced
	Silent       bool // by a fault or a black hole
}

func (g *gateway) init(s *Server) {
	g.srv, g.sessions, g.starts = s, make(map[string]*session), s.opts.Starts
}

// Gateways are the connections there are now.
func (s *Server) Gateways() []Gateway {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Gateway
	for _, l := range s.gateway.links {
		g := Gateway{Acknowledged: l.acked, Resumed: l.resumed, ResumeURL: l.viaResume, Silent: l.silent}
		if l.session != nil {
			g.Session, g.Intents, g.Sequence = l.session.id, l.session.intents, l.session.seq
		}
		all = append(all, g)
	}
	return all
}

// Connected tells whether a gateway has a session and works.
func (s *Server) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.gateway.links, func(l *socket) bool { return l.session != nil && !l.silent })
}

// Connections, Identifies and Resumes count what clients ever did: WebSocket
// connections, Identify packets that were let in, and resumes that worked.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.connections
}

// Identifies is described at Connections.
func (s *Server) Identifies() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.identifies
}

// Resumes is described at Connections.
func (s *Server) Resumes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway.resumes
}

// SetStarts sets how many times a client may still identify until the given
// time passes (session_start_limit).
func (s *Server) SetStarts(remaining int, resetAfter time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway.starts, s.gateway.startsUntil = remaining, s.now().Add(resetAfter)
}

// Forget ends all sessions without a connection: they cannot be resumed.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, one := range s.gateway.sessions {
		if one.socket == nil {
			delete(s.gateway.sessions, id)
		}
	}
}

// Heard waits up to timeout until the client has read everything that was
// dispatched so far: it asks for a heartbeat (op 1) and looks at the sequence.
// It is false when there is no gateway, or none answers.
func (s *Server) Heard(timeout time.Duration) bool {
	s.mu.Lock()
	wanted := make(map[*socket]int)
	for _, l := range s.gateway.links {
		if l.session != nil && !l.silent {
			wanted[l] = l.session.seq
			l.beats = 0
			l.send([]byte(`{"t":null,"s":null,"op":1,"d":null}`))
		}
	}
	s.mu.Unlock()
	if len(wanted) == 0 {
		return false
	}
	return s.Wait(timeout, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for l, seq := range wanted {
			if !l.gone && (l.acked < seq || l.beats == 0) {
				return false
			}
		}
		return true
	})
}

// SetHeartbeat sets the interval that the next connections are told.
func (s *Server) SetHeartbeat(interval time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.HeartbeatInterval = interval
}

// startLimit is session_start_limit.
func (s *Server) startLimit() map[string]any {
	g := &s.gateway
	now := s.now()
	if now.After(g.startsUntil) {
		g.starts, g.startsUntil = s.opts.Starts, now.Add(24*time.Hour)
	}
	return map[string]any{"total": s.opts.Starts, "remaining": g.starts,
		"reset_after": g.startsUntil.Sub(now).Milliseconds(), "max_concurrency": 1}
}

// visible tells whether the bot gets to know of events in a channel.
func (c *Channel) visible() bool {
	if c.guild == nil {
		return true
	}
	p := c.permissions(c.srv.bot)
	return p.Has(ViewChannel) && (c.kind != PrivateThread || c.joined || p.Has(ManageThreads))
}

// dispatch tells gateways of an event, and returns how many connections it is
// on its way to. The caller holds the lock.
func (s *Server) dispatch(e event, body any) (heard int) {
	if e.channel != nil && e.guild == nil {
		e.guild = e.channel.guild
	}
	if !e.everywhere {
		if g := e.guild; g != nil && (g.members[s.bot.ID] == nil || g.unavailable && e.name != "GUILD_DELETE") {
			return 0
		}
		if e.channel != nil && !e.channel.visible() {
			return 0
		}
	}
	if len(s.gateway.sessions) == 0 {
		return 0
	}
	if a := s.takeGatewayFault(AtDispatch, &e); a != nil {
		switch a.Kind {
		case Miss:
			return 0
		case Swap:
			s.releaseSwapped()
			s.gateway.swapped = &heldDispatch{e, encode(body)}
			return 0
		case Twice:
			s.deliver(e, body)
		case Lag:
			for _, l := range s.gateway.links {
				l.queue(frame{wait: a.Delay})
			}
		default:
			for _, l := range slices.Clone(s.gateway.links) {
				s.strike(l, &a.GatewayFault)
			}
		}
	}
	heard = s.deliver(e, body)
	s.releaseSwapped()
	return heard
}

func (s *Server) releaseSwapped() {
	if held := s.gateway.swapped; held != nil {
		s.gateway.swapped = nil
		s.deliver(held.e, held.body)
	}
}

// deliver puts a dispatch into every session that asked for its kind.
func (s *Server) deliver(e event, body any) (heard int) {
	var full json.RawMessage
	now := s.now()
	for id, one := range s.gateway.sessions {
		if one.socket == nil && now.Sub(one.detached) > s.opts.ResumeWindow {
			delete(s.gateway.sessions, id)
			continue
		}
		if !e.everywhere && !e.always && one.intents&e.intent == 0 {
			continue
		}
		d := e.stripped
		if d == nil || one.intents&IntentMessageContent != 0 {
			if full == nil {
				full, _ = body.(json.RawMessage)
				if full == nil {
					full = encode(body)
				}
			}
			d = full
		}
		one.push(s, e.name, d)
		if one.socket != nil && !one.socket.silent {
			heard++
		}
	}
	return heard
}

// push gives a session a dispatch, and its connection if it has one.
func (one *session) push(s *Server, name string, d json.RawMessage) {
	one.seq++
	data := make([]byte, 0, len(d)+len(name)+40)
	data = fmt.Appendf(data, `{"t":%q,"s":%d,"op":0,"d":`, name, one.seq)
	data = append(append(data, d...), '}')
	one.replay = append(one.replay, dispatched{one.seq, data})
	if extra := len(one.replay) - s.opts.Replay; extra > 0 {
		one.replay = slices.Delete(one.replay, 0, extra)
	}
	if one.socket != nil {
		one.socket.send(data)
	}
}

// strike makes something go wrong with one connection.
func (s *Server) strike(l *socket, f *GatewayFault) {
	switch f.Kind {
	case Close:
		l.close(cmp.Or(f.Code, 4000), f.Text)
	case Cut:
		l.cut()
	case Reconnect:
		l.send([]byte(`{"t":null,"s":null,"op":7,"d":null}`))
		l.queue(frame{wait: lingerAfterReconnect})
		l.close(4000, "")
	case InvalidSession:
		l.invalidate(false)
	case InvalidResumable:
		l.send([]byte(`{"t":null,"s":null,"op":9,"d":true}`))
	case Silence:
		l.silent = true
	case Zombie:
		l.zombie = true
	case AskHeartbeat:
		l.send([]byte(`{"t":null,"s":null,"op":1,"d":null}`))
	case Garbage:
		l.send([]byte(`{"t":"MESSAGE_CREATE","s":`))
	case UnknownOp:
		l.send([]byte(`{"t":null,"s":null,"op":77,"d":{"what":"is this"}}`))
	case Unheard:
		l.unheard(s, 10)
	case Huge:
		l.unheard(s, cmp.Or(f.Bytes, 64<<10))
	case Lag:
		l.queue(frame{wait: f.Delay})
	default:
		panic("discordtest: this gateway fault needs its own moment")
	}
}

// unheard sends a dispatch of a type that is not documented.
func (l *socket) unheard(s *Server, size int) {
	if l.session != nil {
		l.session.push(s, "UNHEARD_OF_EVENT", encode(map[string]any{"what": strings.Repeat("x", size)}))
	}
}

// invalidate ends the session of a connection, which may identify anew.
func (l *socket) invalidate(resumable bool) {
	if l.session != nil && !resumable {
		delete(l.srv.gateway.sessions, l.session.id)
		l.session.socket = nil
		l.session = nil
	}
	l.send(fmt.Appendf(nil, `{"t":null,"s":null,"op":9,"d":%t}`, resumable))
}

// packet is what a client sends.
type packet struct {
	Op *int            `json:"op"`
	D  json.RawMessage `json:"d"`
}

// received handles one packet of a client. The caller holds the lock.
func (s *Server) received(l *socket, data []byte) {
	if l.silent || l.closing {
		return
	}
	now := time.Now()
	l.sends = slices.DeleteFunc(l.sends, func(t time.Time) bool { return now.Sub(t) > time.Minute })
	if l.sends = append(l.sends, now); len(l.sends) > maxSends {
		l.offend(closeRateLimited)
		return
	}
	var p packet
	if len(data) > maxPacket || json.Unmarshal(data, &p) != nil || p.Op == nil {
		l.offend(closeDecodeError)
		return
	}
	switch *p.Op {
	case 1:
		s.heartbeat(l, p.D)
	case 2:
		s.identify(l, p.D)
	case 6:
		s.resume(l, p.D)
	case 3, 4, 8:
		if l.session == nil {
			l.offend(closeNotAuthenticated)
		}
	default:
		l.offend(closeUnknownOpcode)
	}
}

func (s *Server) heartbeat(l *socket, d json.RawMessage) {
	var seq *int
	if json.Unmarshal(d, &seq) != nil {
		l.offend(closeDecodeError)
		return
	}
	if seq != nil {
		l.acked = *seq
	}
	l.beats++
	l.lastBeat = time.Now()
	s.notify()
	if a := s.takeGatewayFault(AtHeartbeat, nil); a != nil {
		s.strike(l, &a.GatewayFault)
		if a.Kind < AskHeartbeat {
			return
		}
	}
	if !l.zombie {
		l.send([]byte(`{"t":null,"s":null,"op":11,"d":null}`))
	}
}

// authorized tells whether a token in a packet is the bot's; with or without
// "Bot ".
func (s *Server) authorized(token string) bool {
	return !s.revoked && strings.TrimPrefix(token, "Bot ") == s.token
}

func (s *Server) identify(l *socket, d json.RawMessage) {
	var sent struct {
		Token      string          `json:"token"`
		Properties json.RawMessage `json:"properties"`
		Compress   bool            `json:"compress"`
		Intents    *Intent         `json:"intents"`
		Shard      []int           `json:"shard"`
	}
	g := &s.gateway
	if err := json.Unmarshal(d, &sent); err != nil || !present(sent.Properties) || sent.Properties[0] != '{' {
		l.offend(closeDecodeError)
		return
	}
	switch {
	case l.session != nil:
		l.offend(closeAlreadyAuthenticated)
		return
	case !s.authorized(sent.Token):
		l.offend(closeAuthenticationFailed)
		return
	case sent.Shard != nil && (len(sent.Shard) != 2 || sent.Shard[0] != 0 || sent.Shard[1] != 1):
		l.offend(closeInvalidShard)
		return
	case sent.Intents == nil || *sent.Intents&^allIntents != 0:
		l.offend(closeInvalidIntents)
		return
	case *sent.Intents&privileged&^s.granted() != 0:
		l.offend(closeDisallowedIntents)
		return
	}
	s.startLimit()
	g.starts--
	if g.starts < 0 {
		s.problem("gateway: identified more often than allowed in 24 h, which resets the token")
		s.revoke()
		return
	}
	g.identifies++
	now := s.now()
	if s.opts.Rates && now.Sub(g.lastIdentify) < 5*time.Second {
		l.invalidate(false)
		return
	}
	g.lastIdentify = now
	l.compress = sent.Compress
	if a := s.takeGatewayFault(AtIdentify, nil); a != nil {
		s.strike(l, &a.GatewayFault)
		if a.Kind < AskHeartbeat && a.Kind != Zombie {
			s.notify()
			return
		}
	}
	one := &session{id: fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()), intents: *sent.Intents, version: l.version, socket: l}
	g.sessions[one.id] = one
	l.session = one
	s.welcome(l)
}

// granted are the privileged intents that are switched on.
func (s *Server) granted() (on Intent) {
	if s.opts.MessageContent {
		on |= IntentMessageContent
	}
	if s.opts.Members {
		on |= IntentGuildMembers
	}
	if s.opts.Presences {
		on |= IntentGuildPresences
	}
	return on
}

// SetMessageContent switches the message content intent in the developer
// portal. Gateways that have it are closed with 4014 when it goes off.
func (s *Server) SetMessageContent(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.MessageContent = on
	if on {
		return
	}
	for _, l := range slices.Clone(s.gateway.links) {
		if l.session != nil && l.session.intents&IntentMessageContent != 0 {
			l.close(closeDisallowedIntents, closeTexts[closeDisallowedIntents])
		}
	}
}

// welcome sends READY and the guilds.
func (s *Server) welcome(l *socket) {
	one := l.session
	guilds := []any{}
	for _, g := range s.guildSeq {
		if g.members[s.bot.ID] != nil {
			guilds = append(guilds, map[string]any{"id": g.id, "unavailable": true})
		}
	}
	user := s.botUser()
	one.push(s, "READY", encode(map[string]any{
		"v": one.version, "user": user, "guilds": guilds, "session_id": one.id, "resume_gateway_url": s.link.resumeURL,
		"session_type": "normal", "private_channels": []any{}, "presences": []any{}, "relationships": []any{},
		"application": map[string]any{"id": s.appID, "flags": s.appFlags()}, "shard": []int{0, 1},
	}))
	for _, g := range s.guildSeq {
		if g.members[s.bot.ID] != nil && !g.unavailable && one.intents&IntentGuilds != 0 {
			one.push(s, "GUILD_CREATE", encode(g.wireCreate()))
		}
	}
	s.notify()
	if a := s.takeGatewayFault(AtReady, nil); a != nil {
		s.strike(l, &a.GatewayFault)
	}
}

func (s *Server) resume(l *socket, d json.RawMessage) {
	var sent struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     *int   `json:"seq"`
	}
	if json.Unmarshal(d, &sent) != nil || sent.Seq == nil {
		l.offend(closeDecodeError)
		return
	}
	switch {
	case l.session != nil:
		l.offend(closeAlreadyAuthenticated)
		return
	case !s.authorized(sent.Token):
		l.offend(closeAuthenticationFailed)
		return
	}
	a := s.takeGatewayFault(AtResume, nil)
	if a != nil && a.Kind != Forget && a.Kind != Repeat {
		if a.Kind == InvalidSession {
			s.dropSession(sent.Session)
		}
		s.strike(l, &a.GatewayFault)
		if a.Kind < AskHeartbeat && a.Kind != Zombie {
			s.notify()
			return
		}
	}
	one := s.gateway.sessions[sent.Session]
	if one != nil && one.socket == nil && s.now().Sub(one.detached) > s.opts.ResumeWindow {
		s.dropSession(sent.Session)
		one = nil
	}
	switch {
	case one == nil:
		l.invalidate(false)
		return
	case *sent.Seq > one.seq:
		s.dropSession(sent.Session)
		l.offend(closeInvalidSeq)
		return
	case len(one.replay) > 0 && one.replay[0].seq > *sent.Seq+1:
		s.dropSession(sent.Session)
		l.invalidate(false)
		return
	}
	if old := one.socket; old != nil {
		old.session = nil
		old.close(4000, "")
	}
	one.socket, l.session, l.resumed, l.acked = l, one, true, *sent.Seq
	s.gateway.resumes++
	if a == nil || a.Kind != Forget {
		had := *sent.Seq
		if a != nil && a.Kind == Repeat {
			had = 1
		}
		for _, missed := range one.replay {
			if missed.seq > had {
				l.send(missed.data)
			}
		}
	}
	one.push(s, "RESUMED", json.RawMessage(`{"_trace":["discordtest"]}`))
	s.notify()
	if a := s.takeGatewayFault(AtResumed, nil); a != nil {
		s.strike(l, &a.GatewayFault)
	}
}

func (s *Server) dropSession(id string) {
	one := s.gateway.sessions[id]
	if one == nil {
		return
	}
	if one.socket != nil {
		one.socket.session = nil
	}
	delete(s.gateway.sessions, id)
}

// deflate is the payload compression of a packet.
func deflate(data []byte) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(data)
	z.Close()
	return b.Bytes()
}
