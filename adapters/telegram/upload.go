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

	"github.com/go-telegram/bot/models"

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

// transfer sends a file with its caption, or puts it in the place of the
// target's media, and returns the message id. What the server does not take as
// a picture or clip goes out as a document.
func (a *Adapter) transfer(ctx context.Context, s *sending) (int64, error) {
	kind := s.kind()
	id, err := a.upload(ctx, s, kind)
	if kind != "document" && mediaRefused(err) {
		a.log.Info("media refused: sending it as a document", "chat", s.chat, "kind", kind, "err", err)
		return a.upload(ctx, s, "document")
	}
	return id, err
}

// kind is what the network calls the file.
func (s *sending) kind() string {
	switch {
	case s.media.Kind == bot.Video:
		return "video"
	case s.media.Kind != bot.Picture || s.file.Size > maxPhoto:
		return "document"
	case strings.EqualFold(filepath.Ext(s.name()), ".gif"): // a photo would stand still
		return "animation"
	default:
		return "photo"
	}
}

// mediaRefused is true when the file may still pass as a document.
func mediaRefused(err error) bool {
	var ce *callError
	if !errors.As(err, &ce) || entitiesRefused(err) || ce.MigrateTo != 0 {
		return false
	}
	return ce.Code == 413 || ce.Code == 400 && says(err, "PHOTO_", "VIDEO_", "IMAGE_PROCESS", "MEDIA_INVALID", "MEDIA_EMPTY",
		"photo", "video", "animation", "GIF_", "too big", "wrong type", "wrong file")
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

// form collects the parameters beside the file. Values that are no strings go
// as JSON.
type form [][2]string

func (f *form) add(name string, value any) error {
	text, plain := value.(string)
	if !plain {
		data, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		text = string(data)
	}
	*f = append(*f, [2]string{name, text})
	return nil
}

// shape is what the network wants to know of a clip beforehand
// (core.telegram.org/bots/api#sendvideo): without it the preview is square and
// without a length.
type shape struct {
	Width     int  `json:"width,omitempty"`
	Height    int  `json:"height,omitempty"`
	Duration  int  `json:"duration,omitempty"` // seconds
	Streaming bool `json:"supports_streaming,omitempty"`
}

func (s *sending) shape(kind string) shape {
	if kind != "video" {
		return shape{}
	}
	seconds := (s.media.Duration + 500*time.Millisecond) / time.Second
	return shape{Width: s.media.Width, Height: s.media.Height, Duration: int(max(seconds, 1)), Streaming: true}
}

// fields are the parameters of a new post beside the file.
func (s *sending) fields(kind string) (form, error) {
	f := form{{"chat_id", strconv.FormatInt(s.chat, 10)}}
	var errs []error
	if s.topic != 0 {
		errs = append(errs, f.add("message_thread_id", s.topic))
	}
	if s.text != "" {
		errs = append(errs, f.add("caption", s.text))
	}
	if len(s.entities) > 0 {
		errs = append(errs, f.add("caption_entities", s.entities))
	}
	if s.silent {
		errs = append(errs, f.add("disable_notification", true))
	}
	if r := s.replyParameters(); r != nil {
		errs = append(errs, f.add("reply_parameters", r))
	}
	if s.keyboard != nil {
		errs = append(errs, f.add("reply_markup", s.keyboard))
	}
	if sh := s.shape(kind); sh.Streaming {
		errs = append(errs, f.add("supports_streaming", true), f.add("duration", sh.Duration))
		if sh.Width > 0 && sh.Height > 0 {
			errs = append(errs, f.add("width", sh.Width), f.add("height", sh.Height))
		}
	}
	if kind == "document" && s.media.Kind == bot.File {
		// Else the server would show a clip in a log folder as a video.
		errs = append(errs, f.add("disable_content_type_detection", true))
	}
	return f, errors.Join(errs...)
}

// newMedia is the name of the file's part in an edit.
const newMedia = "file"

// editFields are the parameters of an edit beside the file.
func (s *sending) editFields(kind string) (form, error) {
	media := struct {
		Type     string                 `json:"type"`
		Media    string                 `json:"media"`
		Caption  string                 `json:"caption,omitempty"`
		Entities []models.MessageEntity `json:"caption_entities,omitempty"`
		AsIs     bool                   `json:"disable_content_type_detection,omitempty"`
		shape
	}{
		Type: kind, Media: "attach://" + newMedia, Caption: s.text, Entities: s.entities,
		AsIs: kind == "document" && s.media.Kind == bot.File, shape: s.shape(kind),
	}
	f := form{{"chat_id", strconv.FormatInt(s.chat, 10)}, {"message_id", strconv.Itoa(s.target)}}
	err := f.add("media", media)
	if s.keyboard != nil {
		err = errors.Join(err, f.add("reply_markup", s.keyboard))
	}
	return f, err
}

// upload streams the file from disk: the library would hold all of it in
// memory. The length is told beforehand and the body can be read anew, so that
// the transport may repeat what never reached the server.
func (a *Adapter) upload(ctx context.Context, s *sending, kind string) (int64, error) {
	method, field, describe := "send"+strings.ToUpper(kind[:1])+kind[1:], kind, s.fields
	if s.target != 0 {
		method, field, describe = "editMessageMedia", newMedia, s.editFields
	}
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
	fields, err := describe(kind)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
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
			&watched{s.file.Passing(io.NewSectionReader(f, 0, info.Size())), watch},
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
func multipartFrame(fields form, field, name string) (head, tail []byte, contentType string, err error) {
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
