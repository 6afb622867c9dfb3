package discordtest

import "time"

// nonces remembers the enforced nonces of the bot's messages (Create Message:
// enforce_nonce).
type nonces struct {
	byNonce map[string]noncedMessage
	order   []string
}

type noncedMessage struct {
	m  *message
	at time.Time
}

// maxNonces bounds the nonces kept.
const maxNonces = 50_000

func (n *nonces) init() { n.byNonce = make(map[string]noncedMessage) }

// seen is the message that was made with a nonce in the past few minutes, nil
// if none was.
func (s *Server) seen(nonce string) *message {
	one, ok := s.nonces.byNonce[nonce]
	if !ok || s.now().Sub(one.at) > s.opts.NonceWindow {
		return nil
	}
	return one.m
}

func (s *Server) remember(nonce string, m *message) {
	n := &s.nonces
	n.byNonce[nonce] = noncedMessage{m, s.now()}
	n.order = append(n.order, nonce)
	if len(n.order) > maxNonces {
		delete(n.byNonce, n.order[0])
		n.order = n.order[1:]
	}
}
