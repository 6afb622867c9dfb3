package telegram

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	tg "github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"chapi/bot"
)

// MaxFetch is the largest file that the official server hands out, in bytes.
const MaxFetch = 20 << 20

// Fetch implements bot.Fetcher. Reading ends with bot.ErrTooLarge
// after more than MaxFetch bytes (with Config.LocalDir: after the server's
// 2000 MB), and with another error when nothing came for a while or ctx ended.
// Close it.
func (a *Adapter) Fetch(ctx context.Context, ref string) (content io.ReadCloser, size int64, err error) {
	f, _, err := call(ctx, func(ctx context.Context) (*models.File, error) {
		return a.api.GetFile(ctx, &tg.GetFileParams{FileID: ref})
	})
	switch {
	case says(err, "file is too big"):
		return nil, 0, bot.ErrTooLarge
	case err != nil:
		return nil, 0, fmt.Errorf("telegram: %w", err)
	case f == nil || f.FilePath == "":
		return nil, 0, errors.New("telegram: getFile: no path to the file")
	}
	limit := int64(MaxFetch)
	if a.cfg.LocalDir != "" {
		limit = maxLocal
	}
	if f.FileSize > limit {
		return nil, 0, bot.ErrTooLarge
	}
	if filepath.IsAbs(f.FilePath) {
		return a.openLocal(f.FilePath, limit)
	}
	return a.download(ctx, f.FilePath, limit)
}

// openLocal opens a file that an own server in local mode has put on this
// machine's disk, if it lies in that server's folder.
func (a *Adapter) openLocal(path string, limit int64) (io.ReadCloser, int64, error) {
	if a.cfg.LocalDir == "" {
		return nil, 0, errors.New("telegram: getFile: the server names a file on its own disk, but its folder is not configured")
	}
	rel, err := filepath.Rel(a.cfg.LocalDir, path)
	if err != nil {
		return nil, 0, fmt.Errorf("telegram: getFile: %w", err)
	}
	f, err := os.OpenInRoot(a.cfg.LocalDir, rel) // refuses to leave the folder, by symbolic link too
	if err != nil {
		return nil, 0, fmt.Errorf("telegram: getFile: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("telegram: getFile: %w", err)
	}
	return &capped{r: f, left: limit, close: f.Close}, info.Size(), nil
}

// download opens a file on the server. The address has the token in it.
func (a *Adapter) download(ctx context.Context, path string, limit int64) (_ io.ReadCloser, size int64, err error) {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if s == ".." || s == "." {
			return nil, 0, errors.New("telegram: getFile: bad path")
		}
		segments[i] = url.PathEscape(s)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, uploadTime+time.Duration(limit/uploadRate)*time.Second, errors.New("download took too long"))
	watch, ctx := watchProgress(ctx, a.timing.Stall)
	end := func() error { watch.stop(); cancel(); return nil }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.client.base+"/file/bot"+string(a.client.token)+"/"+strings.Join(segments, "/"), nil)
	if err != nil {
		_ = end()
		return nil, 0, fmt.Errorf("telegram: download: %w", a.client.clean(err))
	}
	resp, _, err := a.client.roundTrip(a.client.files, req)
	if err == nil && resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err != nil {
		_ = end()
		return nil, 0, fmt.Errorf("telegram: download: %w", a.client.clean(err))
	}
	if resp.ContentLength > limit {
		resp.Body.Close()
		_ = end()
		return nil, 0, bot.ErrTooLarge
	}
	return &capped{
		r:     &watched{resp.Body, watch},
		left:  limit,
		close: func() error { _ = end(); return resp.Body.Close() },
	}, max(0, resp.ContentLength), nil
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
