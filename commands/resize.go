package commands

import (
	"context"
	"regexp"
	"strconv"

	"chapi/bot"
)

// resize declares /resize: the size of a terminal's window.
func resize(d Deps) bot.Command {
	return bot.Command{
		Name:     "resize",
		Group:    groupSteer,
		Summary:  "Change the window size of a terminal",
		Help:     "Programs notice and draw themselves anew. A phone held upright shows about 40 to 60 columns.",
		Examples: []string{"resize 60x24", "resize 120x40 12"},
		Args:     []bot.Arg{{Name: "size", Kind: bot.ArgText, Required: true, Summary: "columns x rows, such as 80x24"}, sessionArg()},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			size, err := windowSize(req.Call.Args.Text("size"))
			if err != nil {
				return err
			}
			return steer(ctx, d, req, func(bot.Session) bot.Control { return bot.Control{Resize: &size} })
		},
	}
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,4})[xX×*]([0-9]{1,4})$`)

// windowSize reads COLSxROWS.
func windowSize(text string) (bot.Size, error) {
	found := sizePattern.FindStringSubmatch(text)
	if found == nil {
		return bot.Size{}, bot.Userf("/resize: %q is no size: write columns x rows, such as 80x24.", clip(text, 30))
	}
	cols, _ := strconv.Atoi(found[1]) // digits only, by the pattern
	rows, _ := strconv.Atoi(found[2])
	if cols < minCells || cols > maxCols || rows < minCells || rows > maxRows {
		return bot.Size{}, bot.Userf("/resize: a window has %d to %d columns and %d to %d rows, not %s.", minCells, maxCols, minCells, maxRows, text)
	}
	return bot.Size{Cols: uint16(cols), Rows: uint16(rows)}, nil
}
