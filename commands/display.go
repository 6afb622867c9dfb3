package commands

import (
	"context"
	"io"
	"os/exec"
	"time"

	"chapi/bot"
	"chapi/commands/gui"
)

// windowed declares /gui: a program with windows, on a display of its own.
func windowed(d Deps) bot.Command {
	size := bot.Arg{Name: "size", Flag: true, Kind: bot.ArgText, Summary: "of its display in pixels, such as 800x600; none: " + gui.UsualSize.String()}
	return bot.Command{
		Name:    "gui",
		Group:   groupRun,
		Summary: "Run a program with windows, on a display of its own",
		Help: "A picture comes when its window appears, and is kept current when it changes much. /click clicks, /key presses keys, /in types; " +
			"/shot and /clip show it. What the program prints is its page, as with /run, and plain text goes to its standard input. The display ends with the program.",
		Examples: []string{"gui xclock", "gui --size 800x600 xterm", "gui --timeout 1h --env LANG=C xeyes"},
		Args:     append(append(options(), size), bot.Arg{Name: "argv", Kind: bot.ArgWords, Required: true, Summary: "the program and its arguments"}),
		Role:     bot.User,
		Effect:   bot.Changes,
		Timeout:  transferTime,
		Files:    true,
		Run: func(ctx context.Context, req bot.Request) error {
			what, err := withFiles(ctx, d, req, req.Call.Args.List("argv"))
			if err != nil {
				return err
			}
			pixels := gui.UsualSize
			if given := req.Call.Args.Text("size"); given != "" {
				if pixels, err = gui.ParseSize(given); err != nil {
					return err
				}
			}
			at, err := here(ctx, d, req.Principal)
			if err != nil {
				return err
			}
			o, err := opening(at, req.Call.Args, what)
			if err != nil {
				return err
			}
			// The session's own program is the parent of the display, so that one
			// which is missing is to be known before.
			at.dir = o.Spec.Dir
			if o.Spec.Argv[0], err = at.program(o.Spec.Argv[0]); err != nil {
				return err
			}
			id := req.Call.ID.Session()
			if err := d.Displays.Prepare(id, pixels, &o.Spec); err != nil {
				return err
			}
			_, err = begin(ctx, req, o)
			d.Displays.Follow(id)
			return err
		},
	}
}

// buttons are the mouse's, by name.
var buttons = map[string]int{"left": 1, "middle": 2, "right": 3, "up": 4, "down": 5}

// click declares /click: the mouse on a display.
func click(d Deps) bot.Command {
	return bot.Command{
		Name:     "click",
		Group:    groupSteer,
		Summary:  "Click into a program's window",
		Help:     "X and Y are pixels of the display, from its upper left corner: as in a picture that /shot sends, at full size. A picture of what comes of it follows.",
		Examples: []string{"click 120 45", "click --button right 300 200", "click --times 2 64 64 12"},
		Args: []bot.Arg{
			{Name: "button", Flag: true, Kind: bot.ArgChoice, Choices: []string{"left", "middle", "right", "up", "down"}, Summary: "which one; up and down turn the wheel"},
			{Name: "times", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 3, Summary: "2 is a double click"},
			{Name: "x", Kind: bot.ArgInt, Max: gui.MaxWidth, Required: true, Summary: "pixels from the left"},
			{Name: "y", Kind: bot.ArgInt, Max: gui.MaxHeight, Required: true, Summary: "pixels from the top"},
			sessionArg(),
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := withDisplay(ctx, d, req)
			if err != nil {
				return err
			}
			if err := d.Keyboards.MayType(ctx, req.Principal, s.ID); err != nil {
				return err
			}
			button := 1
			if name := req.Call.Args.Text("button"); name != "" {
				button = buttons[name]
			}
			return d.Displays.Click(ctx, s.ID, req.Call.Args.Int("x"), req.Call.Args.Int("y"), button, req.Call.Args.Int("times"))
		},
	}
}

// refresh declares what the button Refresh under a display's picture does.
func refresh(d Deps) bot.Command {
	return bot.Command{
		Name:    bot.RefreshCommand,
		Group:   groupLook,
		Summary: "Bring the picture of a display up to date",
		Args:    []bot.Arg{sessionArg()},
		Role:    bot.Viewer,
		Effect:  bot.Reads,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := withDisplay(ctx, d, req)
			if err != nil {
				return err
			}
			return d.Displays.Refresh(s.ID)
		},
	}
}

// withDisplay is the session of a call, which must have a display.
func withDisplay(ctx context.Context, d Deps, req bot.Request) (bot.Session, error) {
	s, err := find(ctx, d, req)
	if err == nil && !d.Displays.Has(s) {
		err = bot.Userf("Session %s has no display. /gui PROGRAM runs a program on one.", s.ID)
	}
	return s, err
}

// sendDisplay answers with a picture of a session's display.
func sendDisplay(ctx context.Context, d Deps, req bot.Request, s bot.Session) error {
	picture, err := d.Displays.Picture(ctx, s.ID)
	if err != nil {
		return err
	}
	return sendPicture(d, req, string(s.ID)+".png", said(code(titleOf(s))), func(w io.Writer) error {
		_, err := w.Write(picture)
		return err
	})
}

// filmDisplay answers with a clip of a session's display, from now on.
func filmDisplay(ctx context.Context, d Deps, req bot.Request, s bot.Session) error {
	length := d.Cameras.Length
	if text := req.Call.Args.Text("time"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			return bot.Userf("/clip: a display is filmed from now on: say for how long, such as 10s.")
		}
	}
	if length < time.Second || length > d.Cameras.MaxLength {
		return bot.Userf("A clip of a display can be from 1s to %s long here.", lasted(d.Cameras.MaxLength))
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return &bot.UserError{Text: "A clip takes the program ffmpeg, which is not installed: sudo apt install ffmpeg", Err: err}
	}
	screen, err := d.Displays.Camera(s.ID)
	if err != nil {
		return err
	}
	post, err := d.Cameras.Clip(ctx, screen, req.Principal.Thread(), length, d.Cameras.FPS)
	if err != nil {
		return err
	}
	req.Reply.Say(post)
	return nil
}
