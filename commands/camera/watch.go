package camera

import (
	"context"
	"errors"
	"time"

	"chapi/bot"
)

// watchFailures is how many pictures in a row may fail before a live picture
// ends: then the camera is gone for good.
const watchFailures = 5

// WatchEvery is how often a live picture is taken anew: no faster than the
// network carries, nor than anybody looks.
func (s *Studio) WatchEvery(th bot.Thread) time.Duration {
	l := s.Limits(th)
	return max(2*l.Edit, 2*l.Every, time.Second)
}

// watch keeps one picture current by edits, until its time is over.
func (j *job) watch(ctx context.Context) error {
	c, err := j.s.Cameras.Find(j.Camera)
	if err != nil {
		return j.give(ctx, "", err)
	}
	tick := time.NewTicker(max(j.Every, time.Second/5))
	defer tick.Stop()
	over := time.NewTimer(time.Until(j.Until))
	defer over.Stop()
	keys := &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{{
		{Label: "Stop", Command: "watch", Args: bot.Args{"what": {"stop", j.ID}}},
	}}}
	if j.limits().Buttons == 0 {
		keys = nil
	}
	var last Picture
	var put string // the file of the revision put last
	for failed := 0; ; {
		if !j.may() {
			return nil
		}
		p, err := c.Still(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if failed++; failed >= watchFailures || last.Data == nil {
				return j.last(ctx, c, last, put, err)
			}
		default:
			failed, last = 0, p
			text := append(caption(c.Name, p.At), bot.Span{Text: " · live until " + j.Until.Format("15:04")})
			if put, err = j.show(ctx, p, put, bot.Post{Text: text, Keyboard: keys}, false); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-j.stop:
			return j.last(ctx, c, last, put, nil)
		case <-over.C:
			return j.last(ctx, c, last, put, nil)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// show puts a revision with a picture. The file of the one before goes with it,
// should it have waited.
func (j *job) show(ctx context.Context, p Picture, before string, post bot.Post, final bool) (path string, err error) {
	if post.Media, err = j.s.spooled(p, j.Camera); err != nil {
		return before, err
	}
	post.Silent = before != ""
	if err := j.say(ctx, "live", post, final); err != nil {
		j.s.Spool.Release(ctx, post.Media.Path)
		return before, err
	}
	if before != "" {
		j.s.Spool.Release(ctx, before)
	}
	return post.Media.Path, nil
}

// last says that the picture is not live any more, and why if that was not
// meant.
func (j *job) last(ctx context.Context, c *Camera, p Picture, before string, why error) error {
	if p.Data == nil {
		return j.give(ctx, "live", why)
	}
	text := append(caption(c.Name, p.At), bot.Span{Text: " · not live any more"})
	if why != nil {
		text = append(text, bot.Span{Text: "\n" + why.Error()})
	}
	_, err := j.show(ctx, p, before, bot.Post{Text: text}, true)
	return err
}

// give tells why a job ends with nothing.
func (j *job) give(ctx context.Context, what string, why error) error {
	var said *bot.UserError
	if !errors.As(why, &said) {
		return why
	}
	if !j.may() {
		return nil
	}
	if what == "" {
		what = "end"
	}
	return j.say(ctx, what, bot.Plainf("%s", said.Text), true)
}
