package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"chapi/adapters/discord"
	"chapi/bot"
	"chapi/commands"
)

// maxSuggestions is as many as a person looks at.
const maxSuggestions = 25

// suggest is what somebody may mean who is filling in an argument: sessions,
// people, or files of the chat's folder. It says nothing to those who may not
// give the command, and nothing that they may not see.
func (d *daemon) suggest(ctx context.Context, q discord.Question) []string {
	p, err := d.dispatch.Policy.Authorize(q.Claim)
	if err != nil {
		return nil
	}
	c, ok := d.dispatch.Parser.Command(q.Command)
	if !ok || !p.May(c.Role) {
		return nil
	}
	var all []string
	for _, a := range c.Args {
		if a.Name != q.Arg {
			continue
		}
		switch {
		case a.Kind == bot.ArgSession:
			all = d.sessionNames(ctx, p)
		case c.Name == "people" && a.Name == "name":
			people, _ := d.allowlist.Everyone()
			for _, person := range people {
				all = append(all, person.Name)
			}
		case a.Path:
			return d.openPaths(ctx, p, q, a)
		case a.Name == "dir":
			return d.paths(ctx, p, q.Typed)
		}
	}
	typed := strings.ToLower(q.Typed)
	var fits []string
	for _, s := range all {
		if strings.Contains(strings.ToLower(s), typed) && len(fits) < maxSuggestions {
			fits = append(fits, s)
		}
	}
	return fits
}

// sessionNames are the sessions of the chat, the living first.
func (d *daemon) sessionNames(ctx context.Context, p bot.Principal) []string {
	sessions, err := d.sessions.List(ctx, p, false)
	if err != nil {
		d.log.Warn("list sessions to suggest", "err", err)
		return nil
	}
	var names []string
	for _, s := range sessions {
		if s.Name != "" {
			names = append(names, s.Name)
		} else {
			names = append(names, string(s.ID))
		}
	}
	return names
}

// openPaths are the files and folders open to the chat that a path may go on
// with. Of several paths it is the last.
func (d *daemon) openPaths(ctx context.Context, p bot.Principal, q discord.Question, a bot.Arg) []string {
	before, typed := "", q.Typed
	if a.Kind == bot.ArgWords {
		last := strings.LastIndexByte(typed, ' ') + 1
		before, typed = typed[:last], typed[last:]
	}
	var all []string
	for _, path := range commands.Paths(ctx, d.deps(), bot.Request{Principal: p, Call: bot.Call{Claim: q.Claim}}, typed, maxSuggestions) {
		if a.Kind != bot.ArgWords || !strings.ContainsAny(path, " \t'\"\\") { // words would need quotes
			all = append(all, before+path)
		}
	}
	return all
}

// maxEntries is how much of a folder is looked at.
const maxEntries = 1000

// paths are the folders that a path may go on with, in the folder that the
// person's programs start in. Only who may run programs gets here, and those
// see as much, unless their programs run as another account than ours.
func (d *daemon) paths(ctx context.Context, p bot.Principal, typed string) []string {
	spec := d.spec(p)
	if spec.User != "" {
		return nil
	}
	start := spec.Dir
	if set, err := d.store.Setting(ctx, p.Thread().Room().String(), "dir"); err == nil && set != "" {
		start = set
	}
	parent, begun := filepath.Split(typed)
	look := parent
	if !filepath.IsAbs(look) {
		look = filepath.Join(start, look)
	}
	dir, err := os.Open(look)
	if err != nil {
		return nil
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(maxEntries)
	var fits []string
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), begun) && (begun != "" || e.Name()[0] != '.') && len(fits) < maxSuggestions {
			fits = append(fits, parent+e.Name())
		}
	}
	return fits
}
