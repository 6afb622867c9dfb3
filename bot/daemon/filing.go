package daemon

import (
	"context"
	"io"

	"chapi/bot"
	"chapi/commands"
	"chapi/commands/files"
)

// open is what of the disk the chats may reach.
func (d *daemon) open() *files.Store {
	cfg := d.Config.Files
	s := &files.Store{
		Inbox: cfg.Inbox, Hidden: d.Config.Private(), Reserve: files.DefaultReserve,
		Largest: int64(cfg.MaxUpload), Quota: int64(cfg.Quota),
	}
	for _, r := range cfg.Roots {
		s.Roots = append(s.Roots, files.Root{Path: r.Path, Role: r.Role, Write: r.Write})
	}
	return s
}

// runners are the configured ones in the words of the commands.
func (d *daemon) runners() (all []commands.Runner) {
	for _, r := range d.Config.Runners {
		all = append(all, commands.Runner{Name: r.Name, Languages: r.Languages, Suffixes: r.Suffixes, Argv: r.Argv})
	}
	return all
}

// fetch opens an attachment of the network it came from.
func (d *daemon) fetch(ctx context.Context, adapter, ref string) (io.ReadCloser, int64, error) {
	fetcher, ok := d.deliver.Adapter(adapter).(bot.Fetcher)
	if !ok {
		return nil, 0, commands.ErrNoFetch
	}
	return fetcher.Fetch(ctx, ref)
}
