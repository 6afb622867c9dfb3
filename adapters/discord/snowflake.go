package discord

import (
	"strconv"
	"strings"
	"time"
)

// snowflake is an id of the network: the milliseconds since the start of 2015
// above 22 bits that tell apart what was made in the same one
// (docs.discord.com/developers/reference#snowflakes). Ids are only roughly in
// the order of time. 0 is none.
type snowflake uint64

// epoch is the zero of snowflake time, in Unix milliseconds.
const epoch = 1420070400000

// String is the decimal form, as the API takes it.
func (id snowflake) String() string { return strconv.FormatUint(uint64(id), 10) }

// time is the moment that the id carries.
func (id snowflake) time() time.Time { return time.UnixMilli(int64(id>>22) + epoch) }

// earlier is the lowest id of a moment d before that of the id.
func (id snowflake) earlier(d time.Duration) snowflake { return snowflakeAt(id.time().Add(-d)) }

// snowflakeAt is the lowest id of a moment.
func snowflakeAt(t time.Time) snowflake {
	return snowflake(max(t.UnixMilli()-epoch, 0)) << 22
}

// UnmarshalJSON reads a string or a number, and 0 from anything else: one
// strange field must not cost a person their message.
func (id *snowflake) UnmarshalJSON(b []byte) error {
	*id, _ = parseSnowflake(strings.Trim(string(b), `"`))
	return nil
}

// MarshalJSON writes the id as a string, as the API does.
func (id snowflake) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, id.String()), nil
}

// parseSnowflake reads the decimal form; ids have 63 bits and are never 0.
func parseSnowflake(s string) (id snowflake, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	return snowflake(n), true
}
