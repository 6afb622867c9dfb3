package discord

import (
	"context"
	"fmt"
	"sync"
	"time"

	"chapi/bot"
)

// badgeCache remembers roles that were asked for. Its zero value is ready.
type badgeCache struct {
	mu  sync.Mutex
	all map[wearer]worn
}

type wearer struct{ guild, user snowflake }

type worn struct {
	badges []bot.BadgeID
	at     time.Time
}

// badgeLife is how long an answer is good: a member of whom much was missed is
// asked for once.
const badgeLife = time.Minute

// codeUnknownMember: the account is no member of the server (any more).
const codeUnknownMember = 10007

// Badges implements bot.Badger: the roles of an account on the server of the
// claim. It is for messages of the histories, which do not tell, and for what
// has waited. The error is that of the network.
func (a *Adapter) Badges(ctx context.Context, c bot.Claim) ([]bot.BadgeID, error) {
	guild, ok := parseServer(bot.Thread{Adapter: Name, Chat: c.Server})
	user, known := parseSnowflake(string(c.Account.User))
	if !ok || !known || c.Account.Adapter != Name {
		return nil, fmt.Errorf("discord: roles of %s in %q: no member of a server", c.Account, c.Server)
	}
	key := wearer{guild, user}
	a.badges.mu.Lock()
	cached, fresh := a.badges.all[key]
	a.badges.mu.Unlock()
	if fresh && time.Since(cached.at) < badgeLife {
		return cached.badges, nil
	}
	var m member
	err := a.client.call(ctx, request{method: "GET", route: "guilds/{}/members/{}", ids: []string{guild.String(), user.String()}}, &m)
	if err != nil && !hasCode(err, codeUnknownMember) && !hasCode(err, codeUnknownUser) {
		return nil, fmt.Errorf("discord: roles of %s: %w", c.Account, err)
	}
	badges := m.badges(guild)
	a.badges.mu.Lock()
	defer a.badges.mu.Unlock()
	if a.badges.all == nil {
		a.badges.all = make(map[wearer]worn)
	}
	put(a.badges.all, key, worn{badges, time.Now()})
	return badges, nil
}
