package commands

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"chapi/bot"
)

// presets are window sizes by what they fit, so that nobody has to scroll to the
// side. The first is what a phone shows in a line, held upright.
var presets = map[string]bot.Size{
	"phone":  {Cols: 60, Rows: 24},
	"wide":   {Cols: 90, Rows: 24}, // a phone held sideways
	"tablet": {Cols: 80, Rows: 30},
	"desk":   {Cols: 120, Rows: 40},
}

// resize declares /resize: the size of a terminal's window.
func resize(d Deps) bot.Command {
	return bot.Command{
		Name:    "resize",
		Group:   groupSteer,
		Summary: "Change the window size of a terminal",
		Help: "phone is 60x24, wide 90x24, tablet 80x30, desk 120x40. Programs notice and draw themselves anew. " +
			"It is also the size of the terminals that you open on this network from now on.",
		Examples: []string{"resize phone", "resize 60x24", "resize 120x40 12"},
		Args:     []bot.Arg{{Name: "size", Kind: bot.ArgText, Required: true, Summary: "phone, wide, tablet, desk, or columns x rows such as 80x24"}, sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			size, err := windowSize(req.Call.Args.Text("size"))
			if err != nil {
				return err
			}
			if err := rememberSize(ctx, d, req.Principal, size); err != nil {
				return err
			}
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{Resize: &size} })
		},
	}
}

// sizeSetting is the window that a person likes, in the scope of their account.
const sizeSetting = "size"

func accountScope(p bot.Principal) string { return bot.AccountScope(p.Account()) }

func rememberSize(ctx context.Context, d Deps, p bot.Principal, size bot.Size) error {
	if err := d.Settings.Set(ctx, accountScope(p), sizeSetting, fmt.Sprintf("%dx%d", size.Cols, size.Rows)); err != nil {
		return fmt.Errorf("remember a window size: %w", err)
	}
	return nil
}

// likedSize is the window that the person likes on this network, else usual.
func likedSize(ctx context.Context, d Deps, p bot.Principal, usual bot.Size) (bot.Size, error) {
	text, err := d.Settings.Setting(ctx, accountScope(p), sizeSetting)
	if err != nil {
		return usual, fmt.Errorf("read the size of windows for %s: %w", p.Person(), err)
	}
	if size, err := windowSize(text); err == nil {
		return size, nil
	}
	return usual, nil
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,4})[xX×*]([0-9]{1,4})$`)

// windowSize reads COLSxROWS or the name of a preset.
func windowSize(text string) (bot.Size, error) {
	if size, ok := presets[strings.ToLower(text)]; ok {
		return size, nil
	}
	found := sizePattern.FindStringSubmatch(text)
	if found == nil {
		return bot.Size{}, bot.Userf("/resize: %q is no size: write phone, tablet, desk, or columns x rows, such as 80x24.", clip(text, 30))
	}
	cols, _ := strconv.Atoi(found[1]) // digits only, by the pattern
	rows, _ := strconv.Atoi(found[2])
	if cols < minCells || cols > maxCols || rows < minCells || rows > maxRows {
		return bot.Size{}, bot.Userf("/resize: a window has %d to %d columns and %d to %d rows, not %s.", minCells, maxCols, minCells, maxRows, text)
	}
	return bot.Size{Cols: uint16(cols), Rows: uint16(rows)}, nil
}
