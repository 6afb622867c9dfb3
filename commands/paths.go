package commands

import (
	"context"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// Paths is what a path may go on as that the person is typing, for an app that
// asks: at most n, and behind a folder a slash. req needs no more than who asks,
// and the claim of its call. What they may not reach is as if it were not there.
func Paths(ctx context.Context, d Deps, req bot.Request, typed string, n int) []string {
	a, err := area(ctx, d, req)
	if err != nil || strings.ContainsAny(typed, `*?[\`) {
		return nil
	}
	places, err := a.Glob(typed + "*")
	if err != nil {
		return nil
	}
	parent, _ := filepath.Split(typed)
	var all []string
	for _, p := range places {
		if len(all) == n {
			break
		}
		if !utf8.ValidString(p.Name()) || strings.ContainsFunc(p.Name(), unicode.IsControl) {
			continue // nobody could send that name
		}
		path := parent + p.Name()
		if info, err := p.Stat(); err == nil && info.Dir {
			path += "/"
		}
		all = append(all, path)
	}
	return all
}
