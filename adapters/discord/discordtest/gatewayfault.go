package discordtest

import (
	"slices"
	"time"
)

// Moment is when a gateway fault strikes.
type Moment int

// The moments.
const (
	AtHello     Moment = iota // in place of Hello, right after the connection
	AtIdentify                // in place of READY
	AtResume                  // in place of the replay and RESUMED
	AtDispatch                // at a dispatch, see GatewayFault.Event
	AtHeartbeat               // in place of the ACK
	AtReady                   // right after READY
	AtResumed                 // right after RESUMED
)

// GatewayFaultKind says what goes wrong with a gateway connection.
type GatewayFaultKind int

// The kinds of gateway fault. Close to InvalidResumable may strike at any
// moment, and by Server.Strike; those below them at AtDispatch only, except
// where noted.
const (
	Close            GatewayFaultKind = iota // with a close frame of GatewayFault.Code
	Cut                                      // the TCP connection ends without a close frame
	Reconnect                                // op 7; the server closes after a few seconds
	InvalidSession                           // op 9 false: the session is gone
	InvalidResumable                         // op 9 true
	Silence                                  // the connection stays open and silent for ever
	Zombie                                   // heartbeats are not acknowledged any more; the rest works
	AskHeartbeat                             // op 1: a heartbeat at once, then everything is normal
	Garbage                                  // a text that is no JSON, then everything is normal
	Unheard                                  // a dispatch of an unknown type, then everything is normal
	UnknownOp                                // an unknown opcode, then everything is normal
	Huge                                     // a dispatch of an unknown type with GatewayFault.Bytes (default 64 KiB)
	Lag                                      // everything is normal, GatewayFault.Delay later
	Miss                                     // the dispatch is never delivered, not by a replay either
	Twice                                    // the dispatch is delivered twice, with two sequence numbers
	Swap                                     // the dispatch is delivered after the next one
	Forget                                   // of AtResume: the newest dispatches are not replayed (bounded replay)
	Repeat                                   // of AtResume: those that the client has had are replayed too, but for READY
)

// GatewayFault is one rule of what goes wrong with gateways.
type GatewayFault struct {
	At Moment
	// Event restricts AtDispatch to a type of event, such as "MESSAGE_CREATE";
	// empty means every one.
	Event string
	// Channel restricts AtDispatch to events of a channel, unless 0.
	Channel Snowflake
	// After lets this many matching moments pass first.
	After int
	// Times is how many are hit: 0 means one, negative means all until removed.
	Times int

	Kind  GatewayFaultKind
	Code  int    // for Close; 0 means 4000
	Text  string // for Close
	Bytes int    // for Huge
	Delay time.Duration
}

// ActiveGatewayFault is a gateway fault at work.
type ActiveGatewayFault struct {
	GatewayFault
	srv    *Server
	passed int
	hits   int
}

// AddGatewayFault puts a fault to work; of several matching ones the oldest
// wins.
func (s *Server) AddGatewayFault(f GatewayFault) *ActiveGatewayFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &ActiveGatewayFault{GatewayFault: f, srv: s}
	s.gateway.faults = append(s.gateway.faults, a)
	return a
}

// Hits is the number of moments that were hit.
func (a *ActiveGatewayFault) Hits() int {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	return a.hits
}

// Remove ends the fault; what it has done to connections stays.
func (a *ActiveGatewayFault) Remove() {
	a.srv.mu.Lock()
	defer a.srv.mu.Unlock()
	g := &a.srv.gateway
	g.faults = slices.DeleteFunc(g.faults, func(b *ActiveGatewayFault) bool { return a == b })
}

// takeGatewayFault is the fault that strikes now, nil if none does.
func (s *Server) takeGatewayFault(at Moment, e *event) *ActiveGatewayFault {
	for _, a := range s.gateway.faults {
		if a.At != at || a.hits >= max(a.Times, 1) && a.Times >= 0 {
			continue
		}
		if at == AtDispatch && (a.Event != "" && a.Event != e.name || a.Channel != 0 && (e.channel == nil || e.channel.id != a.Channel)) {
			continue
		}
		if a.passed < a.After {
			a.passed++
			continue
		}
		a.hits++
		return a
	}
	return nil
}

// Strike makes something go wrong with every gateway connection now: one of
// Close to Huge. The moment is not looked at. It returns how many connections
// there were.
func (s *Server) Strike(f GatewayFault) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	links := slices.Clone(s.gateway.links)
	for _, l := range links {
		s.strike(l, &f)
	}
	s.notify()
	return len(links)
}
