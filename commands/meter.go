package commands

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"chapi/bot"
)

// How far something has come is shown from when it is slow, and then at a pace
// that no network minds.
const (
	slowAfter = 2 * time.Second
	showEvery = 3 * time.Second
)

// meter counts bytes and shows how far a call has come. Stop it before anything
// is said.
type meter struct {
	passed atomic.Int64
	total  int64 // 0 = not known
	end    context.CancelFunc
	shown  sync.WaitGroup
}

// metered starts a meter. what says what is going on, such as "Fetching a.iso".
func metered(ctx context.Context, req bot.Request, what string, total int64) *meter {
	ctx, end := context.WithCancel(ctx)
	m := &meter{total: total, end: end}
	m.shown.Go(func() {
		for wait := slowAfter; ; wait = showEvery {
			select {
			case <-time.After(wait):
				// A courtesy: the answer tells how it ended in any case.
				_ = req.Reply.Show(ctx, said(what, m.String()))
			case <-ctx.Done():
				return
			}
		}
	})
	return m
}

func (m *meter) stop() {
	m.end()
	m.shown.Wait()
}

func (m *meter) String() string {
	switch n := m.passed.Load(); {
	case n == 0 && m.total <= 0:
		return " …"
	case m.total <= 0 || n > m.total:
		return ": " + sized(n)
	default:
		return fmt.Sprintf(": %s of %s (%d %%)", sized(n), sized(m.total), 100*n/m.total)
	}
}

// reader counts what is read from r.
func (m *meter) reader(r io.Reader) io.Reader { return bot.CountedReader{Reader: r, Count: &m.passed} }
