package bot

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
)

// Reel is pictures, all of one kind and size, that are to become a clip.
type Reel struct {
	Kind   string // ".jpg" or ".png"
	Frames int
	FPS    float64 // pictures a second
	Bytes  int64   // the most that the clip may have; 0 = no limit
	// Frame is the bytes of the picture i, 0..Frames-1; nil when it is not kept
	// any more. It is called in order, by one goroutine at a time.
	Frame func(i int) ([]byte, error)
}

// Filmer makes a clip of pictures.
type Filmer interface {
	// Film makes a Video, or a Picture where a clip does not fit, in a file of
	// the Spool (Media.Own). It blocks until that is done or ctx ends.
	// *UserError when a program that it takes is missing.
	Film(ctx context.Context, r Reel) (Media, error)
}

const (
	// clipLeast is how many pictures make a clip: fewer are seen better one by
	// one.
	clipLeast = 6
	// clipLongest is the longest that a clip runs, faster than it was if need be.
	clipLongest = time.Minute
	// clipShortest is the least that it runs: what was sent in one go is to be
	// seen too.
	clipShortest = time.Second
	// clipSlowest and clipFastest are pictures a second, unless it would run too
	// long with them.
	clipSlowest, clipFastest = 1, 20
	// clipBytes is the most that a clip has, where the network takes more.
	clipBytes = 16 << 20
	// clipTime bounds the making of a clip on a small device that is busy.
	clipTime = 3 * time.Minute
	// runsShown is how many runs of one session have a message and a clip each.
	// Later ones are shown in the last message, without clips.
	runsShown = 10
)

// filmed is the setting of a session that says how many runs of pictures are
// done with, and where in the journal the next begins.
const filmed = "frames"

// film is the stage that shows the pictures of one session's side channel: the
// first at once, the next in its place, and a clip of them when the run is over.
type film struct {
	s       *Sessions
	session Session
	lim     Limits
	journal Journal // nil before the first picture

	runs  int // done with
	run   frameRun
	shown int       // how many of the run had come when one was put last
	put   time.Time // when that was
	file  string    // of the picture put last
}

// startFilm shows the session's pictures until it ends. The channel is closed
// when all is in the outbox.
func (w *watcher) startFilm(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	if w.s.Footage == nil || w.lim.Stream || w.session.Quiet {
		close(done)
		return done
	}
	f := &film{s: w.s, session: w.session, lim: w.lim}
	go func() {
		defer close(done)
		if err := f.follow(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoSession) {
			f.s.Logger.Error("show pictures", "session", f.session.ID, "err", err)
		}
		if f.journal != nil {
			f.journal.Close()
		}
	}()
	return done
}

func (f *film) follow(ctx context.Context) error {
	known, err := f.s.Store.Settings(ctx, choicesOf(f.session.ID))
	if err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if n, _ := fmt.Sscanf(known[filmed], "%d %d", &f.runs, &f.run.at); n != 2 {
		f.runs, f.run.at = 0, 0
	}
	for {
		st, err := f.wait(ctx)
		if err != nil {
			return err
		}
		for more := true; more; {
			if more, err = f.look(st.Frames); err != nil {
				return err
			}
			switch {
			case len(f.run.frames) == 0:
			case more, st.Exited, time.Since(f.run.last().at) > runGap:
				err = f.finish(ctx)
			case !time.Now().Before(f.due()):
				err = f.show(ctx)
			}
			if err != nil {
				return err
			}
		}
		if st.Exited {
			return nil
		}
	}
}

// wait blocks until there is something to do.
func (f *film) wait(ctx context.Context) (Status, error) {
	if len(f.run.frames) == 0 {
		return f.s.Footage.WaitFrames(ctx, f.session.ID, f.run.at)
	}
	seen, until := f.run.at, f.run.last().at.Add(runGap+time.Millisecond)
	if f.shown < f.run.total {
		seen = math.MaxInt64
		if due := f.due(); due.Before(until) {
			until = due
		}
	}
	limited, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	st, err := f.s.Footage.WaitFrames(limited, f.session.ID, seen)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return st, nil // as it is
	}
	return st, err
}

// look takes in what has come.
func (f *film) look(end int64) (another bool, err error) {
	if end <= f.run.at {
		return false, nil
	}
	if f.journal == nil {
		if f.journal, err = f.s.Footage.Frames(f.session.ID); err != nil {
			return false, err
		}
	}
	return f.run.look(f.journal, end)
}

// due is when the next picture may be shown: slower the longer it goes on, as a
// picture is more to send than a page of text.
func (f *film) due() time.Time {
	if f.shown == f.run.total {
		return f.put.Add(runGap) // there is none
	}
	if f.put.IsZero() {
		return f.run.since
	}
	pace := max(f.lim.Edit, time.Second)
	switch age := time.Since(f.run.since); {
	case age > 3*time.Minute:
		pace = max(pace, 15*time.Second)
	case age > 20*time.Second:
		pace = max(pace, 5*time.Second)
	}
	return f.put.Add(max(pace, f.s.Deliver.Paused(f.session.Thread)))
}

// show puts the newest picture of the run.
func (f *film) show(ctx context.Context) error {
	d, err := f.picture("⏳ "+pictures(f.run.total)+" so far", false)
	if err != nil {
		return err
	}
	if d.Slot == "" {
		f.shown, f.put = f.run.total, time.Now()
		return nil
	}
	return f.say(ctx, d)
}

// finish puts the last picture of the run, and a clip of it.
func (f *film) finish(ctx context.Context) error {
	words := "✓ " + pictures(f.run.total)
	var clip *Media
	if f.runs < runsShown && f.run.total >= clipLeast {
		m, err := f.s.clip(ctx, f.lim, f.run.frames, f.journal)
		var refused *UserError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &refused):
			words += "\n" + refused.Text
		case err != nil:
			f.s.Logger.Error("make a clip", "session", f.session.ID, "err", err)
			words += "\nA clip of them could not be made."
		default:
			m.Name = fmt.Sprintf("%s-clip-%d%s", f.session.ID, f.runs+1, m.Name)
			clip = &m
		}
	}
	last, err := f.picture(words, true)
	if err != nil {
		return err
	}
	var say []Delivery
	if last.Slot != "" {
		say = append(say, last)
	}
	if clip != nil {
		say = append(say, f.delivery("clip", Post{Silent: true, Media: clip, Text: f.caption("clip of " + pictures(len(f.run.frames)))}, true))
	}
	if err := f.say(ctx, say...); err != nil {
		return err
	}
	f.runs++
	f.run = frameRun{at: f.run.at, frames: f.run.frames[:0]}
	f.shown, f.put, f.file = 0, time.Time{}, ""
	err = f.s.Store.Set(ctx, choicesOf(f.session.ID), filmed, fmt.Sprintf("%d %d", f.runs, f.run.at))
	if err != nil {
		return fmt.Errorf("note that pictures were shown: %w", err)
	}
	return nil
}

// say puts deliveries, and lets go of the picture that they replace.
func (f *film) say(ctx context.Context, say ...Delivery) error {
	if len(say) == 0 {
		return nil
	}
	before := f.file
	if err := f.s.Store.Put(ctx, say...); err != nil {
		return fmt.Errorf("put pictures of session %s: %w", f.session.ID, err)
	}
	f.s.Deliver.Due(say...)
	f.shown, f.put, f.file = f.run.total, time.Now(), say[0].Post.Media.Path
	if before != "" {
		f.s.Spool.Release(ctx, before)
	}
	return nil
}

// picture is the delivery of the newest picture of the run, in a file of its
// own: the journal may have dropped it when it is sent. It is empty when the
// journal has dropped it already.
func (f *film) picture(words string, final bool) (Delivery, error) {
	last := f.run.last()
	data, err := last.read(f.journal)
	if err != nil || data == nil {
		return Delivery{}, err
	}
	file, err := f.s.Spool.Create(last.form.kind)
	if err != nil {
		return Delivery{}, err
	}
	_, err = file.Write(data)
	if failed := file.Close(); err == nil {
		err = failed
	}
	if err != nil {
		os.Remove(file.Name())
		return Delivery{}, fmt.Errorf("write a picture to post: %w", err)
	}
	name := fmt.Sprintf("%s-%d%s", f.session.ID, f.run.total, last.form.kind)
	post := Post{Silent: true, Text: f.caption(words), Media: &Media{Kind: Picture, Name: name, Path: file.Name(), Own: true}}
	return f.delivery("frame", post, final), nil
}

func (f *film) caption(words string) []Span {
	return []Span{{Style: Bold, Text: clean(f.session.Title, 80)}, {Text: "\n" + words + " · #" + string(f.session.ID)}}
}

// delivery is a post of the run. Each thread that a session is moved to has
// slots of its own.
func (f *film) delivery(kind string, post Post, final bool) Delivery {
	run := min(f.runs, runsShown-1) + pagesPerThread*((f.session.Progress.Page-1)/pagesPerThread)
	return Delivery{
		Thread: f.session.Thread, Slot: Slot(fmt.Sprintf("session/%s/%s/%d", f.session.ID, kind, run+1)),
		Post: post, ReplyTo: f.session.Root, Final: final, Session: f.session.ID,
	}
}

func pictures(n int) string {
	if n == 1 {
		return "1 picture"
	}
	return fmt.Sprintf("%d pictures", n)
}

// clip makes a clip of pictures in a journal. Its name is only the extension.
func (s *Sessions) clip(ctx context.Context, lim Limits, frames []frame, j Journal) (Media, error) {
	limited, cancel := context.WithTimeout(ctx, clipTime)
	defer cancel()
	limit := int64(clipBytes)
	if lim.Upload > 0 {
		limit = min(limit, lim.Upload)
	}
	return s.Filmer.Film(limited, Reel{
		Kind: frames[0].form.kind, Frames: len(frames), FPS: clipRate(frames), Bytes: limit,
		Frame: func(i int) ([]byte, error) { return frames[i].read(j) },
	})
}

// clipRate is how many pictures a second a clip shows, so that it runs as long
// as they took to come, within bounds.
func clipRate(frames []frame) float64 {
	n := float64(len(frames))
	rate := float64(clipFastest)
	if took := frames[len(frames)-1].at.Sub(frames[0].at).Seconds(); took > 0 {
		rate = min(max((n-1)/took, clipSlowest), clipFastest)
	}
	rate = min(rate, n/clipShortest.Seconds())
	return max(rate, n/clipLongest.Seconds())
}
