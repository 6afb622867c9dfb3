package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// parts are the long-lived pieces of the daemon, in the order in which they
// were started. They are stopped in reverse, each waited for.
type parts struct {
	log *slog.Logger

	mu      sync.Mutex
	running []*part
	failed  chan error // capacity 1: the first failure
}

type part struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
}

func newParts(log *slog.Logger) *parts {
	return &parts{log: log, failed: make(chan error, 1)}
}

// start runs a part until stop. A part that returns an error before that is a
// failure of the daemon, unless lone is true: then it is only logged, and the
// others go on without it.
func (ps *parts) start(ctx context.Context, name string, lone bool, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &part{name: name, cancel: cancel, done: make(chan struct{})}
	ps.mu.Lock()
	ps.running = append(ps.running, p)
	ps.mu.Unlock()
	go func() {
		defer close(p.done)
		err := run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		ps.log.Error("part failed", "part", name, "err", err)
		if lone {
			return
		}
		select {
		case ps.failed <- fmt.Errorf("%s: %w", name, err):
		default:
		}
	}()
}

// stop ends the parts whose names are given, or all that are left, the last
// started first, and waits for each until ctx ends.
func (ps *parts) stop(ctx context.Context, names ...string) {
	ps.mu.Lock()
	var stopping, staying []*part
	for _, p := range ps.running {
		if len(names) == 0 || slices.Contains(names, p.name) {
			stopping = append(stopping, p)
		} else {
			staying = append(staying, p)
		}
	}
	ps.running = staying
	ps.mu.Unlock()
	for i := len(stopping) - 1; i >= 0; i-- {
		p := stopping[i]
		begun := time.Now()
		p.cancel()
		select {
		case <-p.done:
			ps.log.Debug("part stopped", "part", p.name, "took", time.Since(begun))
		case <-ctx.Done():
			ps.log.Error("part does not stop; going on without it", "part", p.name)
		}
	}
}
