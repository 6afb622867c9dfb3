package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"chapi/bot"
)

// Recordings are films and recordings of sessions, from their journals.
type Recordings interface {
	// Clip films what a session's terminal showed in [from, to), into a new file.
	Clip(ctx context.Context, s bot.Session, from, to time.Time, path string) (bot.Media, error)
	// Cast writes a session's output as an asciicast v2.
	Cast(ctx context.Context, s bot.Session, w io.Writer) error
}

const (
	clipUsual = 30 * time.Second
	// clipTime bounds the making of a clip, which takes the smallest machines a
	// while.
	clipTime = 5 * time.Minute
)

// filmed declares /clip: what a terminal showed, as a film.
func filmed(d Deps) bot.Command {
	return bot.Command{
		Name:    "clip",
		Group:   groupLook,
		Summary: "Film what a terminal showed, or what a display shows",
		Help: "The display of a /gui is filmed from now on, for as long as you say. Of a terminal it is the last 30 seconds, or as long as you say, or a part of the session by its own time, such as 1m..1m30s. " +
			"Pauses are shortened. With ffmpeg installed it is a video, else an animated picture.",
		Examples: []string{"clip", "clip 2m", "clip 0s..20s 12", "clip all"},
		Args: []bot.Arg{
			{Name: "time", Kind: bot.ArgText, Summary: "how long back from now, or FROM..TO since its start, or all"},
			sessionArg(),
		},
		Role:    bot.Viewer,
		Effect:  bot.Reads,
		Aside:   true,
		Timeout: clipTime,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if d.Displays.Has(s) {
				return filmDisplay(ctx, d, req, s)
			}
			if _, err := d.Terminals.Window(ctx, req.Principal, s.ID); err != nil {
				return err
			}
			from, to, err := clipSpan(req.Call.Args.Text("time"), s)
			if err != nil {
				return err
			}
			f, err := d.Spool.Create("")
			if err != nil {
				return err
			}
			// The clip is made at a path where nothing is yet.
			f.Close()
			os.Remove(f.Name())
			m, err := d.Recordings.Clip(ctx, s, from, to, f.Name())
			if err != nil {
				return err
			}
			m.Own = true
			post := said(code(titleOf(s)), ", ", m.Duration.Round(100*time.Millisecond).String())
			post.Media = &m
			req.Reply.Say(post)
			return nil
		},
	}
}

// withTerminal is the session of a call, which must have a terminal that the
// person may look at.
func withTerminal(ctx context.Context, d Deps, req bot.Request) (bot.Session, error) {
	s, err := find(ctx, d, req)
	if err != nil {
		return s, err
	}
	_, err = d.Terminals.Window(ctx, req.Principal, s.ID)
	return s, err
}

var clipPattern = regexp.MustCompile(`^([0-9hms.]+)\.\.([0-9hms.]*)$`)

// clipSpan is the time that a person asks for.
func clipSpan(text string, s bot.Session) (from, to time.Time, err error) {
	wrong := bot.Userf("/clip: %q is no time: write how long back, such as 30s, or FROM..TO, such as 1m..1m30s, or all.", clip(text, 30))
	end := time.Now()
	if s.State == bot.Ended {
		end = s.Exit.At
	}
	switch found := clipPattern.FindStringSubmatch(strings.ToLower(text)); {
	case text == "":
		return end.Add(-clipUsual), time.Time{}, nil
	case strings.EqualFold(text, "all"):
		return time.Time{}, time.Time{}, nil
	case found != nil:
		start, err := time.ParseDuration(found[1])
		if err != nil {
			return from, to, wrong
		}
		from = s.Started.Add(start)
		if found[2] != "" {
			stop, err := time.ParseDuration(found[2])
			if err != nil || stop <= start {
				return from, to, wrong
			}
			to = s.Started.Add(stop)
		}
		return from, to, nil
	default:
		length, err := time.ParseDuration(text)
		if err != nil || length <= 0 {
			return from, to, wrong
		}
		return end.Add(-length), time.Time{}, nil
	}
}

// recorded declares /cast: a session as a file that the public player plays.
func recorded(d Deps) bot.Command {
	return bot.Command{
		Name:     "cast",
		Group:    groupLook,
		Summary:  "Send a terminal's recording as an asciicast",
		Help:     "asciinema play FILE shows it, and so does its web player. chapi replay does the same on the machine itself.",
		Examples: []string{"cast", "cast 12"},
		Args:     []bot.Arg{sessionArg()},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Aside:    true,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := withTerminal(ctx, d, req)
			if err != nil {
				return err
			}
			return sendMade(d, req, bot.Media{Name: fmt.Sprintf("%s.cast", s.ID)}, said(code(titleOf(s))), func(w io.Writer) error {
				return d.Recordings.Cast(ctx, s, w)
			})
		},
	}
}
