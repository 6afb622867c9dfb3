package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"chapi/bot"
	"chapi/bot/render/cast"
	"chapi/bot/render/clip"
	"chapi/bot/render/display"
	"chapi/bot/render/replay"
	"chapi/runner/screen"
)

// Recordings makes films and recordings of what sessions have shown. It is safe
// for concurrent use.
type Recordings struct {
	Runner bot.Runner
	Masker bot.Masker
}

// Clip films what a session's terminal showed in [from, to), into a new file at
// path, which must not exist. The zero time is no bound. It blocks for seconds.
// Errors are *bot.UserError where the person can do something about them.
func (r *Recordings) Clip(ctx context.Context, s bot.Session, from, to time.Time, path string) (bot.Media, error) {
	var open []io.Closer
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	source := func() (replay.Source, error) {
		out, journal, err := r.output(ctx, s, from, to)
		if journal != nil {
			open = append(open, journal)
		}
		return out, err
	}
	info, err := clip.Make(ctx, source, path, clip.Options{Title: s.Title, Masker: r.Masker})
	switch {
	case errors.Is(err, clip.ErrEmpty):
		return bot.Media{}, bot.Userf("Session %s printed nothing in that time.", s.ID)
	case errors.Is(err, clip.ErrTooLarge):
		return bot.Media{}, bot.Userf("That clip would be too large. Ask for a shorter time, such as /clip 10s.")
	case err != nil:
		return bot.Media{}, fmt.Errorf("film session %s: %w", s.ID, err)
	}
	m := bot.Media{
		Kind: bot.Video, Name: fmt.Sprintf("%s-%s", s.ID, info.Name), Path: path,
		Width: info.Width, Height: info.Height, Duration: info.Duration,
	}
	if strings.HasSuffix(info.Name, ".gif") {
		m.Kind = bot.Picture
	}
	return m, nil
}

// Cast writes all that is kept of a session's output as an asciicast.
func (r *Recordings) Cast(ctx context.Context, s bot.Session, w io.Writer) error {
	out, journal, err := r.output(ctx, s, time.Time{}, time.Time{})
	if err != nil {
		return err
	}
	defer journal.Close()
	return cast.Write(w, out, cast.Header{Title: s.Title, Term: "xterm-256color", Idle: 2 * time.Second}, r.Masker)
}

// output is what a session printed in a time. Where that begins in the middle,
// the terminal is drawn first as it was there.
func (r *Recordings) output(ctx context.Context, s bot.Session, from, to time.Time) (*replay.Output, bot.Journal, error) {
	journal, err := r.Runner.Journal(s.ID)
	if errors.Is(err, bot.ErrNoSession) {
		return nil, nil, bot.Userf("The output of session %s is not kept any more.", s.ID)
	} else if err != nil {
		return nil, nil, fmt.Errorf("open the output of session %s: %w", s.ID, err)
	}
	span, err := replay.Between(journal, from, to)
	var first []byte
	if err == nil && span.From > 0 {
		first, err = r.redraw(ctx, s.ID, span.From)
	}
	var out *replay.Output
	if err == nil {
		out, err = replay.NewOutput(journal, span, first)
	}
	if err != nil {
		journal.Close()
		return nil, nil, err
	}
	return out, journal, nil
}

// redraw makes a terminal look as the session's did behind so many bytes.
func (r *Recordings) redraw(ctx context.Context, id bot.SessionID, at int64) ([]byte, error) {
	state, _, err := r.Runner.ScreenAt(ctx, id, at)
	if errors.Is(err, bot.ErrNoTerminal) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read the screen of session %s at %d: %w", id, at, err)
	}
	s, err := screen.Restore(state)
	if err != nil {
		return nil, fmt.Errorf("read the screen of session %s at %d: %w", id, at, err)
	}
	view := s.View()
	display.Mask(&view, r.Masker)
	return display.Redraw(view), nil
}
