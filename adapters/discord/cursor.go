package discord

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTracked is how many conversations are caught up with after an absence:
// the ones that were spoken in last. The cursor of that many is about 3 kB.
const maxTracked = 128

// cursor is the place in each conversation up to which everything has been
// offered to the core, and the interactions that have not been. It is recorded
// as "1 <bot> <channel>:<message> ... ?<interaction>:<channel>:<user>:<message>:<what> ...",
// the conversation spoken in last at the end, all ids in base 36. The account
// is part of it because another account may not see the same channels.
type cursor struct {
	bot   snowflake
	order []snowflake // channels, the one spoken in last at the end
	at    map[snowflake]snowflake
	asked map[snowflake]asked // by interaction
}

// asked is what is noted of an interaction before it is acknowledged: enough to
// tell its person that nothing came of it, and nothing that may be a secret.
type asked struct {
	channel, user snowflake
	message       snowflake // that it was made on; 0 for a command
	what          string    // the command with its slash, or a word of asks
	// noted is closed when this is recorded; nil for what an earlier run noted.
	noted chan struct{}
}

// asks are the interactions that are no commands, by their kind.
var asks = map[int]string{kindButton: "press", kindForm: "text"}

const (
	cursorVersion = "1"
	askedMark     = "?"
)

func newCursor(bot snowflake) cursor {
	return cursor{bot: bot, at: make(map[snowflake]snowflake), asked: make(map[snowflake]asked)}
}

func (c cursor) String() string {
	var b strings.Builder
	b.WriteString(cursorVersion + " " + base36(c.bot))
	for _, channel := range c.order {
		b.WriteString(" " + base36(channel) + ":" + base36(c.at[channel]))
	}
	for _, id := range slices.Sorted(maps.Keys(c.asked)) {
		one := c.asked[id]
		b.WriteString(" " + askedMark + strings.Join([]string{base36(id), base36(one.channel), base36(one.user), base36(one.message), one.what}, ":"))
	}
	return b.String()
}

// parseCursor reads what String wrote. ok is false for anything else, and for
// the cursor of another account.
func parseCursor(s string, bot snowflake) (c cursor, ok bool) {
	words := strings.Fields(s)
	if len(words) < 2 || words[0] != cursorVersion || words[1] != base36(bot) {
		return newCursor(bot), false
	}
	c = newCursor(bot)
	for _, word := range words[2:] {
		if note, isNote := strings.CutPrefix(word, askedMark); isNote {
			if !c.parseAsked(note) {
				return newCursor(bot), false
			}
			continue
		}
		left, right, _ := strings.Cut(word, ":")
		channel, errChannel := strconv.ParseUint(left, 36, 63)
		message, errMessage := strconv.ParseUint(right, 36, 63)
		if errChannel != nil || errMessage != nil || channel == 0 {
			return newCursor(bot), false
		}
		c.advance(snowflake(channel), snowflake(message))
	}
	return c, true
}

// parseAsked reads the note of an interaction.
func (c *cursor) parseAsked(s string) (ok bool) {
	parts := strings.SplitN(s, ":", 5)
	if len(parts) != 5 {
		return false
	}
	var ids [4]snowflake
	for i := range ids {
		id, err := strconv.ParseUint(parts[i], 36, 63)
		if err != nil {
			return false
		}
		ids[i] = snowflake(id)
	}
	c.asked[ids[0]] = asked{channel: ids[1], user: ids[2], message: ids[3], what: parts[4]}
	return true
}

func base36(id snowflake) string { return strconv.FormatUint(uint64(id), 36) }

// clone is a copy to be changed.
func (c cursor) clone() cursor {
	n := newCursor(c.bot)
	n.order = slices.Clone(c.order)
	maps.Copy(n.at, c.at)
	maps.Copy(n.asked, c.asked)
	return n
}

// tracks tells whether a channel is one of the conversations.
func (c cursor) tracks(channel snowflake) bool {
	_, ok := c.at[channel]
	return ok
}

// advance notes that a channel was offered up to a message, and makes it the
// conversation spoken in last. It never goes back. When there are too many,
// the one that was silent longest is given up.
func (c *cursor) advance(channel, message snowflake) {
	if i := slices.Index(c.order, channel); i >= 0 {
		c.order = slices.Delete(c.order, i, i+1)
	}
	c.order = append(c.order, channel)
	c.at[channel] = max(c.at[channel], message)
	for len(c.order) > maxTracked {
		delete(c.at, c.order[0])
		c.order = c.order[1:]
	}
}

// drop gives up a channel that is gone.
func (c *cursor) drop(channel snowflake) {
	if i := slices.Index(c.order, channel); i >= 0 {
		c.order = slices.Delete(c.order, i, i+1)
		delete(c.at, channel)
	}
}

// overlap is how far before the cursor missed messages are looked for: ids are
// only roughly in the order of time, and what was offered twice has the same
// key.
const overlap = 10 * time.Second
