package bot

import (
	"context"
	"fmt"
	"time"
)

const (
	// uploadShown is how long a file is on its way before its progress is shown,
	// and uploadPace the least time between two looks.
	uploadShown = 2 * time.Second
	uploadPace  = 3 * time.Second
	// uploadLeast is the smallest file that this is done for, in bytes: what is
	// smaller waits for the network, and not on its way.
	uploadLeast = 64 << 10
)

// upload shows how far a file has come that is slow to go out. What it says has
// a slot of its own in the text lane, for all files of one answer.
type upload struct {
	d       *Deliverer
	next    Delivery
	content *Content
	began   time.Time
	end     context.CancelFunc
	done    chan struct{}
	shown   bool // read after done
}

// watchUpload begins to watch a sending. It is nil when there is nothing to
// show: pictures and what is edited in place come often, and by themselves.
func (d *Deliverer) watchUpload(ctx context.Context, next Delivery, c *Content) *upload {
	m := next.Post.Media
	if c == nil || m == nil || m.Kind == Picture || next.Target != "" || c.Size < uploadLeast || d.Limits(next.Thread).Stream {
		return nil
	}
	u := &upload{d: d, next: next, content: c, began: time.Now(), done: make(chan struct{})}
	ctx, u.end = context.WithCancel(ctx)
	go u.run(ctx)
	return u
}

func (u *upload) run(ctx context.Context) {
	defer close(u.done)
	// An earlier attempt, of an earlier daemon perhaps, may have said something
	// that is not true any more.
	wait := uploadShown
	if u.next.Attempts > 0 {
		wait = 0
	}
	for ; ; wait = max(uploadPace, u.d.Limits(u.next.Thread).Edit) {
		select {
		case <-time.After(wait):
			n := u.content.passed.Load()
			u.shown = true
			u.say(ctx, false, "%s of %s (%d %%)", size(n), size(u.content.Size), 100*n/u.content.Size)
		case <-ctx.Done():
			return
		}
	}
}

// finish says how it ended, if anything was said.
func (u *upload) finish(ctx context.Context, r *Result) {
	if u == nil {
		return
	}
	u.end()
	<-u.done
	switch {
	case !u.shown:
	case r.Receipt != nil:
		u.say(ctx, true, "%s, sent in %s", size(u.content.Size), elapsed(time.Since(u.began)))
	case r.Dropped != "":
		u.say(ctx, true, "it could not be sent")
	default:
		u.say(ctx, true, "broke off after %s; it is tried again", size(u.content.passed.Load()))
	}
}

// say puts how far it has come. It is a courtesy: the file tells by itself when
// it is there.
func (u *upload) say(ctx context.Context, final bool, format string, a ...any) {
	key := string(u.next.ReplyTo)
	if key == "" {
		key = string(u.next.Slot)
	}
	say := Delivery{
		Thread: u.next.Thread, Slot: Slot("upload/" + key), ReplyTo: u.next.ReplyTo, Final: final,
		Post: Post{Silent: true, Text: []Span{{Text: "↑ "}, {Style: Bold, Text: clean(u.content.Name, 80)}, {Text: ": " + fmt.Sprintf(format, a...)}}},
	}
	if err := u.d.Outbox.Put(ctx, say); err != nil {
		if ctx.Err() == nil {
			u.d.Logger.Error("show the progress of a file", "err", err)
		}
		return
	}
	u.d.Due(say)
}
