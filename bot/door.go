package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// This file is about who comes to the door: with a pairing code, or without.

// pairingText is a message that offers a pairing code.
var pairingText = regexp.MustCompile(`^/(?:start|pair)\s+([A-Za-z0-9]{4,32})\s*$`)

func pairing(m Message) (code string, ok bool) {
	found := pairingText.FindStringSubmatch(m.Text)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// redeem tries a pairing code. A wrong one is met with silence: from a
// stranger it says nothing that would help to guess.
func (r *Reception) redeem(ctx context.Context, m Message, code string, p Principal) (*Entry, string, error) {
	who := m.Claim
	if namesake := r.Policy.Known(who.Name); namesake.Name != "" && !slices.Contains(namesake.Accounts, who.Account) {
		// Two of one name would be taken for one person.
		who.Name += " " + string(who.Account.User)
	}
	person, ok, err := r.Store.Redeem(ctx, m.Key, code, who, func(person Person) []Delivery {
		call := Call{ID: r.Store.NewCall(), Claim: m.Claim, Message: m.ID}
		say := []Delivery{answer(call, 0, welcome(person, r.Policy.Known(person.Name), r.Device))}
		return append(say, r.linked(person, m.Claim)...)
	})
	if err != nil {
		return nil, "", fmt.Errorf("redeem pairing code: %w", err)
	}
	if !ok {
		r.Logger.Warn("wrong pairing code", "account", m.Account.String())
		if p.May(Viewer) {
			return r.refuse(m, Command{}, Failed, "That code is not valid (any more). On the device, `chapi pair` makes a new one."), "", nil
		}
		return nil, "", r.stranger(ctx, m)
	}
	r.Logger.Info("paired", "person", person.Name, "role", person.Role.String(), "account", m.Account.String())
	if r.Paired != nil {
		if err := r.Paired(ctx); err != nil {
			r.Logger.Error("bring the allowlist up to date", "err", err)
		}
	}
	r.Deliver.Wake(m.Thread)
	for _, account := range r.Policy.Known(person.Name).Accounts {
		if th, ok := r.Deliver.Direct(account); ok {
			r.Deliver.Wake(th)
		}
	}
	return nil, "", nil
}

// linked tells a person, on the accounts that they had, of the one that they
// have got: it can do all that they can.
func (r *Reception) linked(p Person, to Claim) []Delivery {
	var say []Delivery
	for _, account := range r.Policy.Known(p.Name).Accounts {
		th, ok := r.Deliver.Direct(account)
		if !ok || account == to.Account {
			continue
		}
		say = append(say, Delivery{Thread: th, Slot: Slot("notice/" + NewHandle()), Final: true, Post: Post{Text: []Span{
			{Text: label(to.Name) + ", "}, {Style: Code, Text: to.Account.String()},
			{Text: ", is you from now on and may do all that you may. If that was not you: "}, {Style: Code, Text: "/link off"},
		}}})
	}
	return say
}

// welcome greets an account that came in: as somebody new, or as one more of
// somebody who was known before.
func welcome(p, known Person, device string) Post {
	if known.Role != Nobody {
		p.Role = known.Role
	}
	return Post{Text: []Span{
		{Text: "Welcome, " + p.Name + ". You are "},
		{Style: Bold, Text: p.Role.String()},
		{Text: " of "}, {Style: Bold, Text: device},
		{Text: " now.\n\nTry "}, {Style: Code, Text: "/run uname -a"},
		{Text: " or "}, {Style: Code, Text: "/term"},
		{Text: ". /help lists everything."},
	}}
}

// stranger tells the owners about somebody at the door, once per stranger and
// day. The stranger hears nothing.
func (r *Reception) stranger(ctx context.Context, m Message) error {
	r.Logger.Warn("message of a stranger", "account", m.Account.String(), "thread", m.Thread.String())
	if !m.Direct && m.Button == "" && !m.Addressed && !strings.HasPrefix(m.Text, "/") {
		return nil // a group may well have members who talk to each other
	}
	if !r.mayTell(time.Now()) {
		return nil
	}
	return r.tellOwners(ctx, "stranger/"+m.Account.String(), Post{Silent: true, Text: []Span{
		{Text: "Somebody who is not listed wrote to me: " + label(m.Name) + ", "},
		{Style: Code, Text: m.Account.String()},
		{Text: ". I said nothing. To let them in, run "},
		{Style: Code, Text: "chapi pair --role user"}, {Text: " on " + r.Device + " and give them the code."},
	}})
}

// strangersPerHour bounds the notices about strangers: a crowd at the door
// must not become a flood in the owners' chats.
const strangersPerHour = 5

func (r *Reception) mayTell(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := r.told[:0]
	for _, t := range r.told {
		if now.Sub(t) < time.Hour {
			recent = append(recent, t)
		}
	}
	r.told = recent
	if len(recent) >= strangersPerHour {
		return false
	}
	r.told = append(r.told, now)
	return true
}

// unlisted tells the owners that a listed person wrote in a group that is not.
func (r *Reception) unlisted(ctx context.Context, m Message) error {
	if m.Button == "" && !m.Addressed && !strings.HasPrefix(m.Text, "/") {
		return nil
	}
	return r.tellOwners(ctx, "chat/"+m.Thread.Room().String(), Post{Silent: true, Text: []Span{
		{Text: label(m.Name) + " wants me in the group " + label(m.Title) + ", which is not listed, so I said nothing there. To let it in: "},
		{Style: Code, Text: "/chats add " + string(m.Thread.Chat)},
	}})
}

// tellOwners puts the post into the owners' private chats, at most once a day
// for the same topic.
func (r *Reception) tellOwners(ctx context.Context, topic string, post Post) error {
	var say []Delivery
	for _, owner := range r.Policy.Owners() {
		if th, ok := r.Deliver.Direct(owner); ok {
			say = append(say, Delivery{Thread: th, Slot: Slot("notice/" + NewHandle()), Post: post})
		}
	}
	if len(say) == 0 {
		return nil
	}
	if _, err := r.Store.Once(ctx, topic, 24*time.Hour, say...); err != nil {
		return fmt.Errorf("tell the owners: %w", err)
	}
	r.Deliver.Due(say...)
	return nil
}

// label is a name that a stranger chose, made safe to show in a line.
func label(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x200b && r <= 0x200f) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, name)
	if clean = strings.TrimSpace(clean); clean == "" {
		return "“?”"
	}
	return "“" + clip(clean, 40) + "”"
}
