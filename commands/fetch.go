package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"

	"chapi/bot"
	"chapi/commands/files"
	"chapi/commands/web"
)

// fetch declares /fetch: a file from the web to the device.
func fetch(d Deps) bot.Command {
	return bot.Command{
		Name:     "fetch",
		Group:    groupFiles,
		Summary:  "Download from the web to the device",
		Help:     "From http and https addresses of the open internet, not from this machine's own network. The file goes where /put would put it.",
		Examples: []string{"fetch https://example.com/data.csv", "fetch https://example.com/film.mp4 films"},
		Args: []bot.Arg{
			{Name: "url", Kind: bot.ArgText, Required: true, Summary: "the address"},
			{Name: "dir", Kind: bot.ArgText, Path: true, Summary: "the folder; none: this chat's in the inbox"},
		},
		Role:    bot.User,
		Effect:  bot.Changes,
		Aside:   true,
		Timeout: transferTime,
		Run: func(ctx context.Context, req bot.Request) error {
			a, err := area(ctx, d, req)
			if err != nil {
				return err
			}
			to, err := a.Target(req.Call.Args.Text("dir"))
			if err != nil {
				return unfiled(req.Call.Args.Text("dir"), err)
			}
			down, err := d.Web.Get(ctx, req.Call.Args.Text("url"))
			if err != nil {
				return unfetched(req.Call.Args.Text("url"), err)
			}
			defer down.Body.Close()
			if d.WebMax > 0 && down.Size > d.WebMax {
				return bot.Userf("That file has %s; /fetch takes %s at most (files.fetch.max).", sized(down.Size), sized(d.WebMax))
			}
			name := files.Clean(down.Name)
			m := metered(ctx, req, "Fetching "+clip(name, 60), down.Size)
			defer m.stop()
			body := io.Reader(down.Body)
			if d.WebMax > 0 {
				body = &capped{body, d.WebMax}
			}
			one, err := a.Put(ctx, to, files.Upload{Name: name, Size: down.Size}, m.reader(body))
			m.stop()
			if err != nil {
				return failedFetch(name, err)
			}
			req.Reply.Say(card(d, a, stored{Stored: one}, ""))
			return nil
		},
	}
}

// failedFetch is why a download that had begun was not kept.
func failedFetch(name string, err error) error {
	if said := unfiled(name, err); said != err {
		return said
	}
	return &bot.UserError{Text: name + " broke off on the way, and nothing of it was kept. Try again.", Err: err}
}

// unfetched says why a download did not begin. The address may have a password in
// it: only its host is named.
func unfetched(address string, err error) error {
	host := "the server"
	if u, bad := url.Parse(address); bad == nil && u.Hostname() != "" {
		host = clip(oneLine(u.Hostname()), 100)
	}
	say := func(format string, a ...any) error {
		return &bot.UserError{Text: fmt.Sprintf(format, a...), Err: err}
	}
	var status *web.StatusError
	var lookup *net.DNSError
	switch {
	case errors.Is(err, web.ErrAddress):
		return say("That is no http or https address. For example: /fetch https://example.com/data.csv")
	case errors.Is(err, web.ErrPrivate):
		return say("%s is in a private network, which /fetch stays out of. files.fetch.allow_private opens it.", host)
	case errors.As(err, &status):
		return say("%s answered: %s. Look at the address in a browser.", host, status)
	case errors.As(err, &lookup):
		return say("There is no host %s, or the name server cannot be asked.", host)
	}
	return say("%s cannot be reached: %s", host, clip(oneLine(err.Error()), 120))
}

// capped ends with bot.ErrTooLarge behind its bound.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n, bot.ErrTooLarge
	}
	return n, err
}
