package telegram

import (
	"context"
	"sync"
)

// maxTracked is how many of the newest messages are known by key.
const maxTracked = 4096

// confirmations knows which accepted messages the server will not repeat.
// Batches are counted from 1, not by update number: those may start anew.
type confirmations struct {
	mu        sync.Mutex
	batches   int            // accepted so far
	confirmed int            // batches that the server has been told of
	started   bool           // the place where an earlier run stopped is confirmed
	batchOf   map[string]int // by key
	keys      []string       // of batchOf, oldest first
	changed   chan struct{}  // closed at every change; nil when nobody waits
}

// accepted is how many batches were accepted.
func (c *confirmations) accepted() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batches
}

// accept notes a new batch with the keys in it.
func (c *confirmations) accept(keys []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
	if c.batchOf == nil {
		c.batchOf = make(map[string]int)
	}
	for _, key := range keys {
		if _, known := c.batchOf[key]; !known {
			c.keys = append(c.keys, key)
		}
		c.batchOf[key] = c.batches
	}
	for len(c.keys) > maxTracked {
		delete(c.batchOf, c.keys[0])
		c.keys = c.keys[1:]
	}
}

// confirm notes that the server has answered a poll whose offset lay behind
// the first n batches.
func (c *confirmations) confirm(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed, c.started = max(c.confirmed, n), true
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// wait returns nil once the message with the key is confirmed. A key that is
// not known was accepted by an earlier run, or long ago: the first poll that
// carries an offset confirms it.
func (c *confirmations) wait(ctx context.Context, key string) error {
	for {
		c.mu.Lock()
		done := c.started && c.batchOf[key] <= c.confirmed
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Confirmed implements bot.Confirmer. What is waited for is the server's
// answer to a poll behind the message: a poll that was only sent proves
// nothing.
func (a *Adapter) Confirmed(ctx context.Context, key string) error {
	return a.receipts.wait(ctx, key)
}
