package discord

import (
	"context"
	"sync"
	"time"

	"chapi/bot"
)

// acceptTime bounds one Inbox.Accept, also when the adapter is being stopped:
// an accepted batch must be known as such.
const acceptTime = 30 * time.Second

// maxSaying is how many last words on interactions are said at the same time.
const maxSaying = 16

// receive hands what the intake has to the core, in batches, until ctx ends.
// What the core could not record is offered again. The last words on
// interactions end when saying does.
func (a *Adapter) receive(ctx, saying context.Context, in bot.Inbox) {
	wait := a.backoff()
	tokens := make(chan struct{}, maxSaying)
	var words sync.WaitGroup
	defer words.Wait()
	for {
		items, messages := a.intake.ready(a.places.find)
		next, needed := a.intake.ahead(items, messages)
		if len(items) == 0 && !needed {
			select {
			case <-a.intake.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		batch := bot.Batch{Adapter: Name, Messages: messages}
		if needed {
			batch.Cursor = next.String()
		}
		acks, err := a.accept(ctx, in, batch)
		if err != nil {
			if ctx.Err() != nil || !sleep(ctx, wait.next()) {
				return
			}
			continue
		}
		wait.reset()
		a.intake.recorded(items, acks, next, needed)
		for i, it := range items {
			if it.call == nil {
				continue
			}
			select {
			case tokens <- struct{}{}:
				words.Go(func() {
					defer func() { <-tokens }()
					a.conclude(saying, it.call, messages[i], acks[i])
				})
			default: // the app gets over it
				a.log.Warn("too many interactions to say something about")
			}
		}
	}
}

// accept hands one batch over.
func (a *Adapter) accept(ctx context.Context, in bot.Inbox, batch bot.Batch) ([]bot.Ack, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), acceptTime)
	defer cancel()
	acks, err := in.Accept(ctx, batch)
	if err != nil {
		if a.standing.advise("inbox", "cannot record messages: "+a.client.redact.Replace(err.Error())) {
			a.log.Error("accept batch", "err", err)
		}
		return nil, err
	}
	a.standing.advise("inbox", "")
	if len(acks) != len(batch.Messages) {
		a.log.Error("inbox acknowledged another number of messages", "messages", len(batch.Messages), "acks", len(acks))
		acks = append(acks, make([]bot.Ack, len(batch.Messages))...)[:len(batch.Messages)]
	}
	return acks, nil
}

// readHistories looks up channels, and fetches what was missed in them, until
// ctx ends.
func (a *Adapter) readHistories(ctx context.Context) {
	for {
		j, ok := a.intake.nextJob()
		if ok {
			a.look(ctx, j)
			continue
		}
		select {
		case <-a.intake.work:
		case <-ctx.Done():
			return
		}
	}
}

// maxMissed is how many missed messages of one channel are looked at, the
// oldest ones. Nobody waits for the answers to more than that.
const maxMissed = 1000

// look does one job, for as long as it takes.
func (a *Adapter) look(ctx context.Context, j job) {
	wait := a.backoff()
	for {
		err := a.tryLook(ctx, j)
		switch {
		case err == nil:
			return
		case status(err) == 403, status(err) == 404:
			a.log.Info("a channel cannot be looked at any more", "channel", j.channel.String(), "err", err)
			a.intake.gone(j.channel)
			a.intake.finish(j, nil)
			return
		case status(err) == 400:
			a.log.Error("a channel cannot be looked at", "channel", j.channel.String(), "err", err)
			a.intake.finish(j, nil)
			return
		}
		if !sleep(ctx, max(retryAfter(err), wait.next())) {
			a.intake.finish(j, nil)
			return
		}
	}
}

func (a *Adapter) tryLook(ctx context.Context, j job) error {
	if _, err := a.lookUp(ctx, j.channel); err != nil {
		return err
	}
	if !j.history {
		a.intake.finish(j, nil)
		return nil
	}
	var missed []*item
	after := j.from.earlier(overlap)
	for {
		page, err := a.history(ctx, j.channel, after)
		if err != nil {
			return err
		}
		for i := range page {
			m := &page[i]
			after = max(after, m.ID)
			if m.ID == 0 || m.fromMe(a.botID) {
				continue
			}
			m.Channel = j.channel
			a.places.sighted(j.channel, m.ID)
			missed = append(missed, a.itemOf(m))
		}
		if len(page) < historyPage {
			break
		}
		if len(missed) >= maxMissed {
			a.log.Warn("too many messages were missed: the later ones are not looked at", "channel", j.channel.String(), "looked_at", len(missed))
			break
		}
	}
	a.intake.finish(j, missed)
	return nil
}

// review looks at the histories now and then without a reason: the network
// says that an event may never be sent.
func (a *Adapter) review(ctx context.Context) {
	for sleep(ctx, a.timing.Review) {
		a.intake.catchUp()
	}
}
