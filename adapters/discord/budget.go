package discord

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The network resets the token of a bot that identifies itself more than 1000
// times in 24 hours (docs.discord.com/developers/topics/gateway#session-start-limit).
// A process that is started anew every second would do that within minutes, so
// the times are kept on disk, and each of these spans has at most so many.
var identifySpans = []span{
	{2 * time.Minute, 6},
	{time.Hour, 40},
	{identifyKept, identifyMost},
}

// How many times are kept, and for how long.
const (
	identifyMost = 400
	identifyKept = 24 * time.Hour
)

// span allows so many identifications in a length of time.
type span struct {
	length time.Duration
	most   int
}

// budget knows when the bot has identified itself.
type budget struct {
	mu    *sync.Mutex
	path  string // empty = only in memory
	gap   time.Duration
	spans []span
	times []time.Time // oldest first
	read  bool
}

func newBudget(dir string, bot snowflake, gap time.Duration) budget {
	b := budget{mu: new(sync.Mutex), gap: gap, spans: identifySpans}
	if dir != "" {
		b.path = filepath.Join(dir, fmt.Sprintf("discord-%d.identified", bot))
	}
	return b
}

// wait is how long to wait before the next identification. Times in the future
// are of a clock that was wrong, and do not count.
func (b *budget) wait(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load()
	var wait time.Duration
	b.times = slices.DeleteFunc(b.times, func(t time.Time) bool {
		return t.After(now.Add(time.Minute)) || now.Sub(t) > identifyKept
	})
	if n := len(b.times); n > 0 {
		wait = b.gap - now.Sub(b.times[n-1])
	}
	for _, s := range b.spans {
		if n := len(b.times) - s.most; n >= 0 {
			wait = max(wait, s.length-now.Sub(b.times[n]))
		}
	}
	return max(wait, 0)
}

// spend notes an identification. A disk that does not take it is told by
// others; the times in memory count all the same.
func (b *budget) spend(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.load()
	b.times = append(b.times, now)
	if len(b.times) > identifyMost {
		b.times = slices.Delete(b.times, 0, len(b.times)-identifyMost)
	}
	if b.path == "" {
		return nil
	}
	var text strings.Builder
	for _, t := range b.times {
		fmt.Fprintln(&text, t.Unix())
	}
	// Written aside and renamed: half a file would be a budget without an end.
	aside := b.path + ".new"
	if err := os.WriteFile(aside, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("note identification: %w", err)
	}
	if err := os.Rename(aside, b.path); err != nil {
		return fmt.Errorf("note identification: %w", err)
	}
	return nil
}

// load reads the file, once. Lines that are no times do not count.
func (b *budget) load() {
	if b.read || b.path == "" {
		return
	}
	b.read = true
	text, err := os.ReadFile(b.path)
	if err != nil {
		return
	}
	for _, word := range strings.Fields(string(text)) {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			b.times = append(b.times, time.Unix(n, 0))
		}
	}
	slices.SortFunc(b.times, time.Time.Compare)
}
