package discordtest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Snowflake is an id of anything: milliseconds since the start of 2015 above 22
// bits that tell ids of one millisecond apart (Reference: Snowflakes). In JSON
// it is a string.
type Snowflake uint64

// epoch is the zero of snowflake time, in Unix milliseconds.
const epoch = 1420070400000

// String is the decimal form.
func (id Snowflake) String() string { return strconv.FormatUint(uint64(id), 10) }

// Time is the moment that the id carries.
func (id Snowflake) Time() time.Time { return time.UnixMilli(int64(id>>22) + epoch) }

// MarshalJSON writes the id as a string, 0 as null.
func (id Snowflake) MarshalJSON() ([]byte, error) {
	if id == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendQuote(nil, id.String()), nil
}

// UnmarshalJSON reads a string or a number; null is 0.
func (id *Snowflake) UnmarshalJSON(b []byte) error {
	var text string
	switch {
	case string(b) == "null":
		*id = 0
		return nil
	case len(b) > 0 && b[0] == '"':
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
	default:
		text = string(b)
	}
	n, ok := parseSnowflake(text)
	if !ok {
		return fmt.Errorf("value %q is not snowflake", text)
	}
	*id = n
	return nil
}

func parseSnowflake(text string) (Snowflake, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return Snowflake(n), err == nil && n < 1<<63
}

// snowflakes makes ids that ascend with time.
type snowflakes struct {
	last     int64 // the latest millisecond that was used
	count    uint64
	backward uint64 // ids made for times before last
	inverted bool
	held     Snowflake // the smaller id of a pair, for the next message
	heldAt   time.Time
}

// next is a new id for a moment.
func (g *snowflakes) next(at time.Time) Snowflake {
	ms := max(at.UnixMilli()-epoch, 1)
	switch {
	case ms > g.last:
		g.last, g.count = ms, 0
	case ms == g.last:
		g.count++
		if g.count >= 1<<21 { // borrow from the next millisecond
			g.last, g.count = ms+1, 0
		}
	default:
		// The upper half of the low bits is for ids of the past.
		g.backward++
		return Snowflake(uint64(ms)<<22 | 1<<21 | g.backward&(1<<21-1))
	}
	return Snowflake(uint64(g.last)<<22 | g.count)
}

// message is a new id for a message, and its date.
func (g *snowflakes) message(at time.Time) (Snowflake, time.Time) {
	if !g.inverted {
		return g.next(at), at
	}
	if g.held != 0 {
		id := g.held
		g.held = 0
		return id, g.heldAt
	}
	g.held, g.heldAt = g.next(at), at
	return g.next(at), at
}

func (g *snowflakes) invert(on bool) { g.inverted, g.held = on, 0 }
