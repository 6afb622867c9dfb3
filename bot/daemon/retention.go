package daemon

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"chapi/bot"
	"chapi/commands/files"
)

// Retention is every hour, and first when the start is over: it looks at every
// session there is.
const (
	retentionFirst = time.Minute
	retentionEvery = time.Hour
)

// retention removes what is older than it has to be, and keeps the folder of
// session output within its bound.
type retention struct {
	store    bot.Store
	runner   bot.Runner
	spool    *bot.Spool
	files    *files.Store
	sessions string        // the folder of the sessions
	records  time.Duration // how long calls and sessions are remembered
	series   time.Duration // how long measurements are kept
	output   time.Duration // how long the output of an ended session is kept
	disk     int64         // bytes of all ended sessions together; 0 = no bound
	log      *slog.Logger
}

// Run tidies up until ctx ends.
func (r *retention) Run(ctx context.Context) error {
	timer := time.NewTimer(retentionFirst)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			r.tidy(ctx)
			timer.Reset(retentionEvery)
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *retention) tidy(ctx context.Context) {
	gone, err := r.store.Prune(ctx, time.Now().Add(-r.records))
	if err != nil && ctx.Err() == nil {
		r.log.Error("remove what is old", "err", err)
	}
	for _, id := range gone {
		r.remove(id)
	}
	if err := r.store.Thin(ctx, time.Now(), r.series); err != nil && ctx.Err() == nil {
		r.log.Error("take old measurements together", "err", err)
	}
	r.shrink(ctx)
	if err := r.files.Sweep(); err != nil {
		r.log.Error("remove unfinished files", "err", err)
	}
	if err := r.spool.Tidy(ctx); err != nil {
		r.log.Error("tidy the files that were posted", "err", err)
	}
}

// shrink removes the output of ended sessions that is old, and of the oldest
// until all of it fits. Their rows stay: /ps and /history still know them.
func (r *retention) shrink(ctx context.Context) {
	all, err := r.store.Sessions(ctx, bot.SessionFilter{})
	if err != nil {
		r.log.Error("read sessions", "err", err)
		return
	}
	slices.SortFunc(all, func(a, b bot.Session) int { return a.Started.Compare(b.Started) })
	sizes := map[bot.SessionID]int64{}
	var total int64
	for _, s := range all {
		sizes[s.ID] = used(filepath.Join(r.sessions, string(s.ID)))
		total += sizes[s.ID]
	}
	for _, s := range all {
		old := time.Since(s.Exit.At) > r.output
		tooMuch := r.disk > 0 && total > r.disk
		if s.State == bot.Ended && s.Progress.Told && sizes[s.ID] > 0 && (old || tooMuch) {
			r.log.Info("output removed", "session", s.ID, "bytes", sizes[s.ID], "old", old)
			r.remove(s.ID)
			total -= sizes[s.ID]
		}
	}
}

func (r *retention) remove(id bot.SessionID) {
	if err := r.runner.Remove(id); err != nil {
		r.log.Error("remove session folder", "session", id, "err", err)
	}
}

// used is the size of a folder's files in bytes.
func used(dir string) int64 {
	var n int64
	filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}
