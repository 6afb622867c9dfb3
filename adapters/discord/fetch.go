package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"chapi/bot"
)

// MaxFetch is the largest attachment that is read, in bytes.
const MaxFetch = 100 << 20

// fileHosts are where the network keeps attachments.
var fileHosts = []string{"cdn.discordapp.com", "media.discordapp.net"}

// Fetch opens an attachment for reading. ref is its bot.Attachment.Ref; size
// is in bytes, 0 when the network did not say. Its message is read anew, since
// links to files expire. Reading ends with bot.ErrTooLarge after more than MaxFetch
// bytes, and with another error when nothing came for a while or ctx ended.
// Close it.
func (a *Adapter) Fetch(ctx context.Context, ref string) (content io.ReadCloser, size int64, err error) {
	channel, id, file, ok := parseFileRef(ref)
	if !ok {
		return nil, 0, fmt.Errorf("discord: %q names no attachment", ref)
	}
	var m message
	r := request{method: "GET", route: "channels/{}/messages/{}", ids: []string{channel.String(), id.String()}}
	if err := a.client.call(ctx, r, &m); err != nil {
		return nil, 0, fmt.Errorf("discord: %w", err)
	}
	for _, f := range m.Files {
		if f.ID != file {
			continue
		}
		if f.Size > MaxFetch {
			return nil, 0, bot.ErrTooLarge
		}
		return a.download(ctx, f.URL)
	}
	return nil, 0, errors.New("discord: the message has no such attachment any more")
}

// download opens a file of the network's. The address is signed, and so as
// good as the file. No token goes with it.
func (a *Adapter) download(ctx context.Context, address string) (_ io.ReadCloser, size int64, err error) {
	u, err := url.Parse(address)
	if err != nil || !a.isFileHost(u) {
		return nil, 0, errors.New("discord: download: the file is not on the network's servers")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, uploadTime+MaxFetch/uploadRate*time.Second, errors.New("download took too long"))
	watch, ctx := watchProgress(ctx, a.timing.Stall)
	end := func() { watch.stop(); cancel() }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		end()
		return nil, 0, fmt.Errorf("discord: download: %w", a.client.clean(err))
	}
	resp, err := a.client.files.RoundTrip(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		end()
		return nil, 0, fmt.Errorf("discord: download: %w", a.client.clean(err))
	}
	if resp.ContentLength > MaxFetch {
		resp.Body.Close()
		end()
		return nil, 0, bot.ErrTooLarge
	}
	return &capped{
		r:     &watched{resp.Body, watch},
		left:  MaxFetch,
		close: func() error { end(); return resp.Body.Close() },
	}, max(0, resp.ContentLength), nil
}

// isFileHost keeps downloads on the network's servers, or on the configured
// one.
func (a *Adapter) isFileHost(u *url.URL) bool {
	if u.Host == a.client.base.Host && u.Scheme == a.client.base.Scheme {
		return true
	}
	for _, host := range fileHosts {
		if u.Scheme == "https" && strings.EqualFold(u.Host, host) {
			return true
		}
	}
	return false
}

// capped ends with bot.ErrTooLarge instead of going on behind the limit.
type capped struct {
	r     io.Reader
	left  int64
	close func() error
}

func (c *capped) Read(b []byte) (int, error) {
	if int64(len(b)) > c.left+1 {
		b = b[:c.left+1]
	}
	n, err := c.r.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return n - 1, bot.ErrTooLarge
	}
	return n, err
}

func (c *capped) Close() error { return c.close() }
