package telegram

import (
	"context"
	"slices"
	"time"

	tg "github.com/go-telegram/bot"
)

const (
	answerers   = 4   // presses answered at the same time
	maxAnswers  = 256 // presses that wait for one
	answerTime  = 10 * time.Second
	answerGrace = 2 * time.Second // for those left when the adapter stops
	maxNotice   = 200             // characters in an answer
)

// answer ends the waiting of the person who pressed a button.
type answer struct {
	id     string // of the callback query
	notice string // shown if not empty
}

// answered remembers the newest presses that were answered: the network may
// offer one again, and takes only one answer.
type answered struct {
	ids  [maxAnswers]string
	next int
}

// first reports whether the press is new, and remembers it.
func (a *answered) first(id string) bool {
	if slices.Contains(a.ids[:], id) {
		return false
	}
	a.ids[a.next] = id
	a.next = (a.next + 1) % len(a.ids)
	return true
}

// answer queues an answer. Only the poll loop calls it. It must come soon, but never hold up the polling:
// when too many wait, the press goes without, which the app gets over.
func (a *Adapter) answer(id, notice string) {
	if !a.answered.first(id) {
		return
	}
	select {
	case a.answers <- answer{id, cut(notice, maxNotice)}:
	default:
		a.log.Warn("too many presses to answer")
	}
}

// answerPresses answers until ctx ends, and then what is left until working
// ends too.
func (a *Adapter) answerPresses(ctx, working context.Context) {
	for {
		select {
		case one := <-a.answers:
			a.answerPress(working, one)
			continue
		case <-ctx.Done():
		}
		select {
		case one := <-a.answers:
			a.answerPress(working, one)
		default:
			return
		}
	}
}

func (a *Adapter) answerPress(ctx context.Context, one answer) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, _, err := call(ctx, func(ctx context.Context) (bool, error) {
		return a.api.AnswerCallbackQuery(ctx, &tg.AnswerCallbackQueryParams{CallbackQueryID: one.id, Text: one.notice})
	})
	// An old press is one that came while the device was away.
	if err != nil && !says(err, "query is too old") {
		a.log.Warn("answer press", "err", err)
	}
}
