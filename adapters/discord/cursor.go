package discord

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTracked is how many conversations are caught up with after an absence:
// the ones that were spoken in last. The cursor of that many is about 3 kB.
const maxTracked = 128

// cursor is the place in each conversation up to which everything has been
// offered to the core. It is recorded as "1 <bot> <channel>:<message> ...", the
// conversation spoken in last at the end, all ids in base 36. The account is
// part of it because another account may not see the same channels.
type cursor struct {
	bot   snowflake
	order []snowflake // channels, the one spoken in last at the end
	at    map[snowflake]snowflake
}

const cursorVersion = "1"

func newCursor(bot snowflake) cursor {
	return cursor{bot: bot, at: make(map[snowflake]snowflake)}
}

func (c cursor) String() string {
	var b strings.Builder
	b.WriteString(cursorVersion + " " + base36(c.bot))
	for _, channel := range c.order {
		b.WriteString(" " + base36(channel) + ":" + base36(c.at[channel]))
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

func base36(id snowflake) string { return strconv.FormatUint(uint64(id), 36) }

// clone is a copy to be changed.
func (c cursor) clone() cursor {
	n := newCursor(c.bot)
	n.order = slices.Clone(c.order)
	for channel, message := range c.at {
		n.at[channel] = message
	}
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
