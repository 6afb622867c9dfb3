package telegram

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
	"strconv"
	"strings"
	"time"

	"chapi/bot"
)

const (
	// uploadRate is the slowest uplink, in bytes a second, that an upload is
	// given the time for.
	uploadRate = 16 << 10
	// uploadTime is added for connecting and for the server's own work.
	uploadTime = time.Minute
	// maxName bounds a file's name in bytes.
	maxName = 120
)

// postFile sends a file with its caption and returns the message id. A picture
// that the server does not take as one goes out as a document.
func (a *Adapter) postFile(ctx context.Context, s *sending) (int64, error) {
	if s.media.Kind != bot.Picture || s.file.Size > maxPhoto {
		return a.upload(ctx, s, "sendDocument", "document")
	}
	method, field := "sendPhoto", "photo"
	if strings.EqualFold(filepath.Ext(s.name()), ".gif") { // a photo would stand still
		method, field = "sendAnimation", "animation"
	}
	id, err := a.upload(ctx, s, method, field)
	if pictureRefused(err) {
		a.log.Info("picture refused: sending it as a document", "chat", s.chat, "err", err)
		return a.upload(ctx, s, "sendDocument", "document")
	}
	return id, err
}

// pictureRefused is true when the file may still pass as a document.
func pictureRefused(err error) bool {
	var ce *callError
	if !errors.As(err, &ce) || entitiesRefused(err) || ce.MigrateTo != 0 {
		return false
	}
	return ce.Code == 413 || ce.Code == 400 && says(err, "PHOTO_", "IMAGE_PROCESS", "photo", "animation", "GIF_", "too big", "wrong type", "wrong file")
}

// name is the file's name in the chat: never a path.
func (s *sending) name() string {
	// The content's own: it may have been compressed since it was put.
	name := cmp.Or(s.file.Name, s.media.Name)
	name = filepath.Base(filepath.Clean("/" + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F || r == '"' || r == '\\' {
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

// fields are the parameters beside the file.
func (s *sending) fields() ([][2]string, error) {
	fs := [][2]string{{"chat_id", strconv.FormatInt(s.chat, 10)}}
	add := func(name string, value any) error {
		text, err := json.Marshal(value)
		fs = append(fs, [2]string{name, string(text)})
		return err
	}
	var errs []error
	if s.topic != 0 {
		errs = append(errs, add("message_thread_id", s.topic))
	}
	if s.text != "" {
		fs = append(fs, [2]string{"caption", s.text})
	}
	if len(s.entities) > 0 {
		errs = append(errs, add("caption_entities", s.entities))
	}
	if s.silent {
		errs = append(errs, add("disable_notification", true))
	}
	if r := s.replyParameters(); r != nil {
		errs = append(errs, add("reply_parameters", r))
	}
	if s.keyboard != nil {
		errs = append(errs, add("reply_markup", s.keyboard))
	}
	return fs, errors.Join(errs...)
}

// upload streams the file from disk: the library would hold all of it in
// memory. The length is told beforehand and the body can be read anew, so that
// the transport may repeat what never reached the server.
func (a *Adapter) upload(ctx context.Context, s *sending, method, field string) (int64, error) {
	f, err := os.Open(s.file.Path)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	if !info.Mode().IsRegular() || info.Size() != s.file.Size {
		return 0, fmt.Errorf("%s: %s is not a regular file of %d bytes", method, s.file.Path, s.file.Size)
	}
	fields, err := s.fields()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	if method == "sendDocument" && s.media.Kind == bot.File {
		// Else the server would show a clip in a log folder as a video.
		fields = append(fields, [2]string{"disable_content_type_detection", "true"})
	}
	head, tail, contentType, err := multipartFrame(fields, field, s.name())
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}

	ctx, cancel := context.WithTimeoutCause(ctx, uploadTime+time.Duration(info.Size()/uploadRate)*time.Second, errors.New("upload took too long"))
	defer cancel()
	watch, ctx := watchProgress(ctx, a.timing.Stall)
	defer watch.stop()
	body := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(
			bytes.NewReader(head),
			&watched{io.NewSectionReader(f, 0, info.Size()), watch},
			bytes.NewReader(tail),
		)), nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.client.methodURL(method), nil)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, a.client.clean(err))
	}
	req.Header.Set("Content-Type", contentType)
	req.ContentLength = int64(len(head)) + info.Size() + int64(len(tail))
	req.GetBody = body
	req.Body, _ = body()
	got, err := a.client.exchange(a.client.files, req, maxAnswer)
	if err != nil {
		return 0, err
	}
	var w witness
	w.note(got)
	return posted(w.message, nil)
}

// multipartFrame is what goes before and after a file in a form.
func multipartFrame(fields [][2]string, field, name string) (head, tail []byte, contentType string, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		if err := w.WriteField(f[0], f[1]); err != nil {
			return nil, nil, "", err
		}
	}
	if _, err := w.CreateFormFile(field, name); err != nil {
		return nil, nil, "", err
	}
	n := b.Len()
	if err := w.Close(); err != nil {
		return nil, nil, "", err
	}
	all := b.Bytes()
	return all[:n:n], all[n:], w.FormDataContentType(), nil
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
