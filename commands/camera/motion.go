package camera

import (
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"chapi/bot"
)

const (
	// preRoll is how much of what was before the motion is in its clip, and
	// postRoll how much of what was after.
	preRoll  = 5 * time.Second
	postRoll = 4 * time.Second
	// motionMost is the longest clip of a motion: it goes on in the next alert.
	motionMost = 25 * time.Second
	// motionPause is how long after an alert nothing is said.
	motionPause = 20 * time.Second
	// guardRetry is how long a camera that failed is left alone.
	guardRetry = 10 * time.Second
	// guardTell is how often its failing is told of, in failures.
	guardTell = 3
)

// motion guards a camera until it is stopped. A camera that fails is tried
// again for as long as that takes.
func (j *job) motion(ctx context.Context) error {
	c, err := j.s.Cameras.Find(j.Camera)
	if err != nil {
		return j.give(ctx, "", err)
	}
	guarding, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-j.stop:
			cancel()
		case <-guarding.Done():
		}
	}()
	for failed := 0; guarding.Err() == nil; {
		if !j.may() {
			return nil
		}
		began := time.Now()
		err := c.guard(guarding, func(ctx context.Context, r *ring) { j.alerts(ctx, r) })
		if guarding.Err() != nil {
			break
		}
		if time.Since(began) > time.Minute {
			failed = 0 // it went well for a while
		}
		if failed++; failed == guardTell {
			if err := j.trouble(ctx, err); err != nil {
				return err
			}
		}
		select {
		case <-time.After(guardRetry):
		case <-guarding.Done():
		}
	}
	return ctx.Err()
}

// trouble tells that nobody looks any more.
func (j *job) trouble(ctx context.Context, err error) error {
	var said *bot.UserError
	if err == nil || !errors.As(err, &said) {
		return nil
	}
	post := bot.Plainf("Motion at %s is not seen at present; I keep trying.\n%s", j.Camera, said.Text)
	return j.say(ctx, "trouble/"+strconv.FormatInt(time.Now().UnixMilli(), 10), post, true)
}

// alerts tells of motion: with a picture at once, which becomes a clip that
// begins some seconds before.
func (j *job) alerts(ctx context.Context, r *ring) {
	for {
		select {
		case <-r.news:
		case <-ctx.Done():
			return
		}
		if !j.may() {
			j.cancel()
			return
		}
		if err := j.alert(ctx, r); err != nil && ctx.Err() == nil {
			j.s.Logger.Error("tell of motion", "job", j.ID, "err", err)
		}
		select {
		case <-time.After(motionPause):
		case <-ctx.Done():
			return
		}
		select { // what moved during the pause is old news
		case <-r.news:
		default:
		}
	}
}

func (j *job) alert(ctx context.Context, r *ring) error {
	at := time.Now()
	what := "motion/" + strconv.FormatInt(at.UnixMilli(), 10)
	text := append([]bot.Span{{Text: "Motion at "}}, caption(j.Camera, at)...)
	post := bot.Post{Text: text}
	if p, err := r.camera.Still(ctx); err == nil {
		if post.Media, err = j.s.spooled(p, j.Camera); err != nil {
			return err
		}
	}
	if err := j.say(ctx, what, post, false); err != nil {
		return err
	}
	end := at.Add(postRoll)
	for time.Now().Before(end) {
		select {
		case <-time.After(time.Until(end)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if later := r.lastMove().Add(postRoll); later.After(end) {
			end = later
		}
		if last := at.Add(motionMost - preRoll); end.After(last) {
			end = last
		}
	}
	media, err := j.replay(ctx, r, at.Add(-preRoll), end)
	if err != nil {
		why := append(text, bot.Span{Text: "\nThere is no clip of it: " + reason(err)})
		return j.say(ctx, what+"/end", bot.Post{Text: why, Silent: true}, true)
	}
	clip := bot.Post{Text: append(text[:len(text):len(text)], note(Take{Note: media.note})...), Media: media.Media, Silent: true}
	before := post.Media
	if before == nil {
		what += "/clip" // a text that is on its way cannot turn into media
	}
	if err := j.say(ctx, what, clip, true); err != nil {
		return err
	}
	if before != nil {
		j.s.Spool.Release(ctx, before.Path)
	}
	return nil
}

// replay is the clip of what was seen between two times.
func (j *job) replay(ctx context.Context, r *ring, from, to time.Time) (noted, error) {
	f, err := j.s.Spool.Create(".mp4")
	if err != nil {
		return noted{}, err
	}
	f.Close()
	t, err := r.cut(ctx, from, to, ask{fps: ringFPS, limit: j.limits().Upload, out: f.Name()})
	if err != nil {
		os.Remove(f.Name())
		return noted{}, err
	}
	return noted{t.stamped(j.Camera), t.Note}, nil
}
