package discordtest

import "strconv"

// Permission is a set of permission bits (Permissions: Bitwise Permission
// Flags).
type Permission uint64

// The permissions that this server knows.
const (
	Administrator         Permission = 1 << 3
	ManageChannels        Permission = 1 << 4
	AddReactions          Permission = 1 << 6
	ViewChannel           Permission = 1 << 10
	SendMessages          Permission = 1 << 11
	ManageMessages        Permission = 1 << 13
	EmbedLinks            Permission = 1 << 14
	AttachFiles           Permission = 1 << 15
	ReadMessageHistory    Permission = 1 << 16
	MentionEveryone       Permission = 1 << 17
	UseExternalEmojis     Permission = 1 << 18
	UseApplicationCommand Permission = 1 << 31
	ManageThreads         Permission = 1 << 34
	CreatePublicThreads   Permission = 1 << 35
	CreatePrivateThreads  Permission = 1 << 36
	SendMessagesInThreads Permission = 1 << 38
	PinMessages           Permission = 1 << 51
	BypassSlowmode        Permission = 1 << 52
)

// EveryoneDefault is what the @everyone role may do in a new guild, and BotDefault
// what the bot's own role may do in addition.
const (
	EveryoneDefault = ViewChannel | SendMessages | AddReactions | EmbedLinks | AttachFiles | ReadMessageHistory |
		UseExternalEmojis | UseApplicationCommand | CreatePublicThreads | SendMessagesInThreads
	BotDefault = BypassSlowmode
	// inPrivate is what everybody may do in a DM.
	inPrivate = EveryoneDefault &^ (CreatePublicThreads | SendMessagesInThreads)
	all       = Permission(1<<53 - 1)
)

// Has tells whether all of q is in p.
func (p Permission) Has(q Permission) bool { return p&q == q }

// MarshalJSON writes the bits as a decimal string.
func (p Permission) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatUint(uint64(p), 10)), nil
}

// overwrite is a permission overwrite of a channel for a role or a member.
type overwrite struct {
	ID    Snowflake  `json:"id"`
	Type  int        `json:"type"` // 0 role, 1 member
	Allow Permission `json:"allow"`
	Deny  Permission `json:"deny"`
}

// permissions is what a user may do in a channel (Permissions: Permission
// Overwrites). The caller holds the lock.
func (c *Channel) permissions(u *User) Permission {
	if c.guild == nil {
		return inPrivate
	}
	at := c
	if c.isThread() {
		at = c.parent
	}
	p := c.guild.permissions(u)
	if p.Has(Administrator) {
		return all
	}
	member := c.guild.members[u.ID]
	if member == nil {
		return 0
	}
	if o, ok := at.overwrites[c.guild.id]; ok {
		p = p&^o.Deny | o.Allow
	}
	var allow, deny Permission
	for _, r := range member.roles {
		if o, ok := at.overwrites[r.ID]; ok {
			allow |= o.Allow
			deny |= o.Deny
		}
	}
	p = p&^deny | allow
	if o, ok := at.overwrites[u.ID]; ok {
		p = p&^o.Deny | o.Allow
	}
	// Without the right to see a channel nothing else is allowed there, and
	// without the right to send nothing that goes into a message is.
	if !p.Has(ViewChannel) {
		return 0
	}
	if !c.isThread() && !p.Has(SendMessages) {
		p &^= AttachFiles | EmbedLinks | MentionEveryone
	}
	return p
}

// permissions is what a user may do in a guild, before overwrites.
func (g *Guild) permissions(u *User) Permission {
	member := g.members[u.ID]
	if member == nil {
		return 0
	}
	if g.owner == u {
		return all
	}
	p := g.everyone.Permissions
	for _, r := range member.roles {
		p |= r.Permissions
	}
	if p.Has(Administrator) {
		return all
	}
	return p
}
