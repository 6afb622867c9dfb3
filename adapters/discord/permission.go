package discord

import (
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"
)

// permission is a set of rights (docs.discord.com/developers/topics/permissions).
type permission int64

// The rights that matter here.
const (
	mayAdminister permission = discordgo.PermissionAdministrator
	mayView       permission = discordgo.PermissionViewChannel
	maySend       permission = discordgo.PermissionSendMessages
	mayAttach     permission = discordgo.PermissionAttachFiles
	mayRead       permission = discordgo.PermissionReadMessageHistory
	mayOpen       permission = discordgo.PermissionCreatePublicThreads
	mayThread     permission = discordgo.PermissionSendMessagesInThreads
	// Of its own since 2026, and not part of Manage Messages any more; the
	// library does not have it.
	mayPin permission = 1 << 51

	// needed is what the bot must have wherever it is listed, and invited what it
	// asks for when it is let in: a card that is not pinned is kept current too.
	needed  = mayView | maySend | mayAttach | mayRead | mayOpen | mayThread
	invited = needed | mayPin
)

// permissionNames are the names that the settings of a server show.
var permissionNames = []struct {
	bit  permission
	name string
}{
	{mayView, "View Channel"},
	{maySend, "Send Messages"},
	{mayThread, "Send Messages in Threads"},
	{mayRead, "Read Message History"},
	{mayAttach, "Attach Files"},
	{mayOpen, "Create Public Threads"},
}

// String is the number, as links and the API have it.
func (p permission) String() string { return strconv.FormatInt(int64(p), 10) }

// UnmarshalJSON reads a string or a number; anything else is no right.
func (p *permission) UnmarshalJSON(b []byte) error {
	n, _ := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*p = permission(n)
	return nil
}

// names lists the rights of the set that people can look for in the settings.
func (p permission) names() []string {
	var names []string
	for _, n := range permissionNames {
		if p&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// overwrite changes the rights of a role or member in one channel.
type overwrite struct {
	ID    snowflake  `json:"id"`
	Type  int        `json:"type"` // 0 = role, 1 = member
	Allow permission `json:"allow"`
	Deny  permission `json:"deny"`
}

// permissions are the rights of the bot in a channel of the server, computed as
// the documentation says (topics/permissions#permission-overwrites).
func (g *guild) permissions(me snowflake, overwrites []overwrite) permission {
	if g.owner == me {
		return -1
	}
	may := g.roles[g.id] // everyone
	mine := map[snowflake]bool{}
	for _, role := range g.mine {
		mine[role] = true
		may |= g.roles[role]
	}
	if may&mayAdminister != 0 {
		return -1
	}
	var everyone, roles, member overwrite
	for _, o := range overwrites {
		switch {
		case o.Type == 1 && o.ID == me:
			member = o
		case o.Type == 0 && o.ID == g.id:
			everyone = o
		case o.Type == 0 && mine[o.ID]:
			roles.Allow |= o.Allow
			roles.Deny |= o.Deny
		}
	}
	for _, o := range []overwrite{everyone, roles, member} {
		may = may&^o.Deny | o.Allow
	}
	return may
}

// missing is what the bot should have in a place and has not; 0 where the
// server is not known, and in private chats.
func (a *Adapter) missing(at place) permission {
	g := a.places.guild(at.guild)
	if g == nil {
		return 0
	}
	base := at
	if at.isThread() {
		parent, known := a.places.find(at.parent)
		if !known {
			return 0
		}
		base = parent
	}
	want := needed
	switch {
	case at.isThread():
		want &^= maySend | mayOpen // neither counts in a thread
	case at.isForum():
		want &^= mayOpen // a post needs the right to send
	}
	return want &^ g.permissions(a.botID, base.overwrites)
}
