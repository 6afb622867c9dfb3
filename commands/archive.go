package commands

import (
	"context"
	"errors"
	"io"

	"chapi/bot"
	"chapi/commands/files"
)

const packCommand = "pack"

// pack declares what the button "Keep it there" does: an archive in the chat's
// folder, to be sent in parts.
func pack(d Deps) bot.Command {
	return bot.Command{
		Name:    packCommand,
		Group:   groupFiles,
		Summary: "Pack files into an archive on the device",
		Args: []bot.Arg{
			{Name: "zip", Flag: true, Kind: bot.ArgSwitch, Summary: "as .zip instead of .tar.gz"},
			{Name: "paths", Kind: bot.ArgWords, Path: true, Required: true, Summary: "files, folders or patterns"},
		},
		Role:    bot.User,
		Effect:  bot.Changes,
		Aside:   true,
		Timeout: transferTime,
		Hidden:  true,
		Run: func(ctx context.Context, req bot.Request) error {
			a, places, err := meantIn(ctx, d, req)
			if err != nil {
				return err
			}
			zipped := req.Call.Args.Has("zip")
			return keep(ctx, d, req, a, archiveName(places, zipped), zipped, places)
		},
	}
}

// archive sends places as one archive, or keeps it in the inbox.
func (s sending) archive(ctx context.Context, places []files.Place) error {
	zipped := s.req.Call.Args.Has("zip")
	name := archiveName(places, zipped)
	var packed files.Packed
	pack := func(w io.Writer) (err error) {
		packed, err = files.Pack(ctx, w, zipped, places...)
		return err
	}
	err := s.send(ctx, name, 0, bot.Post{}, pack)
	if errors.Is(err, bot.ErrTooLarge) {
		post := said(bold(name), text(" is over %s, which is what this network takes. Get a part of the folder, or keep the archive on the device and get it in parts.", sized(s.limit)))
		keep := button("Keep it there", packCommand)
		for _, p := range places {
			keep.Args["paths"] = append(keep.Args["paths"], p.Path())
		}
		if zipped {
			keep.Args["zip"] = []string{"true"}
		}
		post.Keyboard = &bot.Keyboard{Rows: [][]bot.Button{{keep}}}
		s.req.Reply.Say(post)
		return nil
	}
	if err != nil {
		return unfiled(name, err)
	}
	if packed.Left > 0 {
		s.req.Reply.Say(said(text("%d files are in it. %d entries are not: links, devices, or closed to me.", packed.Files, packed.Left)))
	}
	return nil
}

// archiveName is what an archive of the places is called.
func archiveName(places []files.Place, zipped bool) string {
	name := "files"
	if len(places) == 1 {
		name = oneLine(places[0].Name())
	}
	if zipped {
		return name + ".zip"
	}
	return name + ".tar.gz"
}

// keep stores an archive in the inbox.
func keep(ctx context.Context, d Deps, req bot.Request, a files.Area, name string, zipped bool, places []files.Place) error {
	to, err := a.Target("")
	if err != nil {
		return unfiled(name, err)
	}
	r, w := io.Pipe()
	packing := make(chan error, 1)
	go func() {
		_, err := files.Pack(ctx, w, zipped, places...)
		packing <- w.CloseWithError(err)
	}()
	m := metered(ctx, req, "Packing "+clip(name, 60), 0)
	one, err := a.Put(ctx, to, files.Upload{Name: name}, m.reader(r))
	r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	<-packing
	m.stop()
	if err != nil {
		return unfiled(name, err)
	}
	post := card(d, a, stored{Stored: one}, "")
	post.Keyboard.Rows = append(post.Keyboard.Rows, []bot.Button{button("Get", "get", "paths", one.Place.Path())})
	req.Reply.Say(post)
	return nil
}
