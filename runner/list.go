package runner

import (
	"errors"
	"fmt"
	"time"

	"chapi/bot"
	"chapi/runner/holder"
)

// Listing is a session as its folder shows it.
type Listing struct {
	ID      bot.SessionID
	Spec    bot.Spec // zero when it was never started
	Started time.Time
	// Live: its holder lives and it has not ended.
	Live bool
	// PID is its process while it is live.
	PID int
	// Exited and Exit are how it ended. A session that is neither Live nor
	// Exited was lost, and nobody has recorded it yet.
	Exited bool
	Exit   bot.Exit
	// End is the length of its output in bytes, gaps included.
	End int64
}

// List is the sessions in a folder of them, in order of id. It needs no daemon
// and changes nothing.
func List(dir string) ([]Listing, error) {
	ids, err := sessions(dir)
	if err != nil {
		return nil, err
	}
	var list []Listing
	for _, id := range ids {
		f, err := holder.ReadFolder(dir, id)
		if errors.Is(err, bot.ErrNoSession) {
			continue // removed since
		}
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		list = append(list, listing(f))
	}
	return list, nil
}

func listing(f holder.Folder) Listing {
	l := Listing{ID: f.ID, Spec: f.Spec, Started: f.Started, End: f.End}
	if f.Exit != nil {
		l.Exited, l.Exit = true, *f.Exit
		return l
	}
	l.End = length(f.Dir)
	l.Live = f.Holder.Alive()
	if l.Live {
		l.PID = f.Process.PID
	}
	return l
}
