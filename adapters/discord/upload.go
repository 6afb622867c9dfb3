package discord

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"chapi/bot"
)

const (
	// defaultUpload is what the network takes where nothing else is known
	// (docs.discord.com/developers/reference#uploading-files). It has been
	// raised and lowered over the years, so it is also learned.
	defaultUpload = 10 << 20
	// leastUpload is as low as the learned limit goes.
	leastUpload = 1 << 20
	// mostUpload is what a request may have in all, less what a form adds.
	mostUpload = 25<<20 - 64<<10
	// uploadRate is the slowest uplink, in bytes a second, that an upload is
	// given the time for.
	uploadRate = 16 << 10
	// uploadTime is added for connecting and for the server's own work.
	uploadTime = time.Minute
	// maxName bounds a file's name in bytes.
	maxName = 120
)

// uploads knows how large a file may be where. Its zero value is not ready.
type uploads struct {
	mu    sync.Mutex
	usual int64
	// by is the limit of a server, or with 0 of private chats.
	by map[snowflake]int64
}

// limit is the most bytes of a file in a place.
func (u *uploads) limit(guild snowflake) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if n, known := u.by[guild]; known {
		return n
	}
	return u.usual
}

// learn takes the limit that an interaction told. It never goes over what is
// configured.
func (u *uploads) learn(at place, limit int64) {
	if limit < leastUpload {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	put(u.by, at.guild, min(limit, u.usual))
}

// lower notes that a file was refused for its size. It reports whether the
// limit could be lowered below it.
func (u *uploads) lower(s *sending) bool {
	if s.file == nil || s.file.Size <= leastUpload {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	put(u.by, s.guild, max(s.file.Size/2, leastUpload))
	return true
}

// name is the file's name in the chat: never a path, and nothing that could
// leave its place in the request's header.
func (s *sending) name() string {
	// The content's own: it may have been compressed since it was put.
	name := cmp.Or(s.file.Name, s.media.Name)
	name = filepath.Base(filepath.Clean("/" + strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 || strings.ContainsRune(`"\%;`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))))
	if name == "/" || name == "." {
		name = "file"
	}
	if len(name) > maxName {
		ext := filepath.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		name = strings.ToValidUTF8(name[:maxName-len(ext)], "") + ext
	}
	return name
}

// form is the body of an upload. Its length is told beforehand, and it can be
// read anew, so that the transport may repeat what never reached the server.
type form struct {
	contentType string
	head, tail  []byte
	file        *os.File
	size        int64
	content     *bot.Content
}

// attachments names the file of a message: of an edit it takes the place of
// those that were there.
func (s *sending) attachments() []attached { return []attached{{0, s.name()}} }

// upload makes a call with a file, which is streamed from disk: the library
// would hold all of it in memory. r.body names it.
func (a *Adapter) upload(ctx context.Context, s *sending, r request, out any) error {
	f, err := os.Open(s.file.Path)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != s.file.Size {
		return fmt.Errorf("upload: %s is not a regular file of %d bytes", s.file.Path, s.file.Size)
	}
	r.form = &form{file: f, size: info.Size(), content: s.file}
	if err := r.form.frame(r.body, s.name()); err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	r.body = nil
	return a.client.upload(ctx, r, a.timing.Stall, out)
}

// frame writes what goes before and after the file.
func (f *form) frame(message any, name string) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("payload_json", string(text)); err != nil {
		return err
	}
	if _, err := w.CreateFormFile("files[0]", name); err != nil {
		return err
	}
	n := b.Len()
	if err := w.Close(); err != nil {
		return err
	}
	all := b.Bytes()
	f.head, f.tail, f.contentType = all[:n:n], all[n:], w.FormDataContentType()
	return nil
}

// upload makes a call with a form. It ends when nothing was sent for stall, or
// when it takes longer than on the slowest line.
func (c *client) upload(ctx context.Context, r request, stall time.Duration, out any) error {
	if err := c.admit(ctx, r); err != nil {
		return err
	}
	f := r.form
	ctx, cancel := context.WithTimeoutCause(ctx, uploadTime+time.Duration(f.size/uploadRate)*time.Second, errors.New("upload took too long"))
	defer cancel()
	watch, ctx := watchProgress(ctx, stall)
	defer watch.stop()
	req, err := http.NewRequestWithContext(ctx, r.method, discordgo.EndpointAPI+r.path(), nil)
	if err != nil {
		return &callError{Route: r.String(), Err: c.clean(err)}
	}
	req.Header.Set("Authorization", c.library.Token)
	req.Header.Set("User-Agent", c.library.UserAgent)
	req.Header.Set("Content-Type", f.contentType)
	req.ContentLength = int64(len(f.head)) + f.size + int64(len(f.tail))
	req.GetBody = func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(
			bytes.NewReader(f.head),
			&watched{f.content.Passing(io.NewSectionReader(f.file, 0, f.size)), watch},
			bytes.NewReader(f.tail),
		)), nil
	}
	req.Body, _ = req.GetBody()
	var w witness
	c.exchange(c.files, req, &w)
	return c.judge(r, &w, out)
}

// progress ends a transfer that stands still.
type progress struct {
	limit time.Duration
	timer *time.Timer
}

var errStalled = errors.New("transfer made no progress")

// watchProgress derives a context that ends when there was no progress for
// limit. Stop it.
func watchProgress(ctx context.Context, limit time.Duration) (*progress, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	return &progress{limit, time.AfterFunc(limit, func() { cancel(errStalled) })}, ctx
}

func (p *progress) made() { p.timer.Reset(p.limit) }
func (p *progress) stop() { p.timer.Stop() }

// watched notes the progress of a reader.
type watched struct {
	io.Reader
	watch *progress
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.watch.made()
	}
	return n, err
}

// guildOf is the server that a thread is on, or its channel as long as that is
// not known; 0 for a private chat.
func (a *Adapter) guildOf(th bot.Thread) snowflake {
	user, _, err := parsePlace(th)
	if err != nil || user != 0 {
		return 0
	}
	room := a.known(th.Room())
	if at, known := a.places.find(room); known && at.guild != 0 {
		return at.guild
	}
	return room
}
