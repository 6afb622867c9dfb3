package telegramtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// mediaMethod is the method that sends one file of a kind.
func mediaMethod(kind string) func(*Server, *request) error {
	return func(s *Server, rq *request) error {
		f, err := s.inputFile(rq, kind, rq.arg(kind))
		if err != nil {
			return err
		}
		caption, entities, err := s.textOf(rq, "caption", "caption_entities")
		if err != nil {
			return err
		}
		m, err := s.draftMessage(rq, kind)
		if err != nil {
			return err
		}
		if runes(caption) > maxCaption {
			return badRequest("message caption is too long")
		}
		if f.ID == "" && f.Kind != "photo" {
			f.Width = rq.integer("width", f.Width, 0, 1<<15)
			f.Height = rq.integer("height", f.Height, 0, 1<<15)
			f.Duration = rq.integer("duration", f.Duration, 0, 1<<30)
			f.Streaming = rq.flag("supports_streaming")
		}
		if err := s.throttle(&m.chat.sends, 1, true); err != nil {
			return err
		}
		s.adopt(rq, f)
		m.File, m.Caption, m.CaptionEntities = f, caption, entities
		s.commit(rq, m)
		rq.out = appendMessage(rq.out, m, true)
		return nil
	}
}

// inputFile is the file that a media parameter means: an uploaded part or a
// known file_id. An uploaded file has no ID before adopt.
func (s *Server) inputFile(rq *request, kind, value string) (*File, error) {
	var u *upload
	if ref, ok := strings.CutPrefix(value, "attach://"); ok {
		u = rq.part(ref)
	} else if value == "" {
		u = rq.part(kind)
	}
	if u == nil {
		if value == "" || strings.HasPrefix(value, "attach://") {
			return nil, badRequest("there is no " + kind + " in the request")
		}
		f := s.files.find(value)
		if f == nil {
			return nil, badRequest("wrong file identifier/HTTP URL specified")
		}
		if f.Kind != kind && (kind == "photo" || f.Kind == "photo") {
			return nil, badRequest(fmt.Sprintf("can't use file of type %s as %s", title(f.Kind), title(kind)))
		}
		return f, nil
	}
	f := u.file
	if f.Size == 0 {
		return nil, badRequest("file must be non-empty")
	}
	if f.Kind = kind; kind == "photo" {
		if err := f.checkPhoto(); err != nil {
			return nil, err
		}
		f.Name, f.MIME = "", ""
	}
	return f, nil
}

// adopt makes an uploaded file one that the server keeps.
func (s *Server) adopt(rq *request, f *File) {
	s.files.add(f)
	for i := range rq.uploads {
		if rq.uploads[i].file == f {
			rq.uploads[i].used = true
		}
	}
}

// inputMedia is one element of an album, or the content of an edit.
type inputMedia struct {
	Type      string          `json:"type"`
	Media     string          `json:"media"`
	Caption   string          `json:"caption"`
	ParseMode string          `json:"parse_mode"`
	Entities  json.RawMessage `json:"caption_entities"`
	Width     int             `json:"width"`
	Height    int             `json:"height"`
	Duration  int             `json:"duration"`
	Streaming bool            `json:"supports_streaming"`
}

// describe notes what the sender says of an uploaded file. The service measures
// photos itself.
func (f *File) describe(item inputMedia) {
	if f.Kind == "video" || f.Kind == "animation" {
		f.Width, f.Height, f.Duration, f.Streaming = item.Width, item.Height, item.Duration, item.Streaming
	}
}

func parseInputMedia(raw []byte) (inputMedia, error) {
	var item inputMedia
	if err := json.Unmarshal(raw, &item); err != nil {
		return item, badRequest("can't parse input media JSON object")
	}
	if !slices.Contains([]string{"photo", "video", "animation", "audio", "document"}, item.Type) {
		return item, badRequest("can't parse InputMedia: type must be one of photo, video, animation, audio, document")
	}
	if item.Media == "" {
		return item, badRequest("can't parse InputMedia: media not found")
	}
	return item, nil
}

func (s *Server) sendMediaGroup(rq *request) error {
	items, err := parseAlbum(rq.arg("media"))
	if err != nil {
		return err
	}
	if rq.has("reply_markup") {
		rq.remark("reply_markup of an album was ignored")
		rq.params = slices.DeleteFunc(slices.Clone(rq.params), func(p Param) bool { return p.Name == "reply_markup" })
	}
	album := fmt.Sprintf("%d", 13_000_000_000_000_000+s.nextAlbum)
	var messages []*message
	for i, item := range items {
		m, err := s.albumMessage(rq, item)
		if err != nil {
			return albumError(i, len(items), err)
		}
		m.AlbumID = album
		messages = append(messages, m)
	}
	if err := s.throttle(&messages[0].chat.sends, len(messages), true); err != nil {
		return err
	}
	s.nextAlbum++
	rq.out = append(rq.out, '[')
	for i, m := range messages {
		s.adopt(rq, m.File)
		s.commit(rq, m)
		if i > 0 {
			rq.out = append(rq.out, ',')
		}
		rq.out = appendMessage(rq.out, m, true)
	}
	rq.out = append(rq.out, ']')
	return nil
}

// albumError names the element that was refused.
func albumError(i, n int, err error) error {
	var e *apiError
	if n == 1 || !errors.As(err, &e) || e.code != 400 || e.migrateTo != 0 {
		return err
	}
	return badRequest(fmt.Sprintf("failed to send message #%d with the error message %q", i+1, strings.TrimPrefix(e.text, "Bad Request: ")))
}

func parseAlbum(text string) ([]inputMedia, error) {
	if text == "" {
		return nil, badRequest(`parameter "media" is required`)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, badRequest("can't parse media JSON object")
	}
	switch {
	case len(raw) == 0:
		return nil, badRequest("no messages to send")
	case len(raw) > 10:
		return nil, badRequest("too many messages to send as an album")
	}
	var items []inputMedia
	for _, one := range raw {
		item, err := parseInputMedia(one)
		if err != nil {
			return nil, err
		}
		if item.Type == "animation" {
			return nil, badRequest(`can't parse InputMedia: type "animation" can't be used in sendMediaGroup`)
		}
		if len(items) > 0 && item.Type != items[0].Type {
			for _, kind := range []string{"document", "audio"} {
				if item.Type == kind || items[0].Type == kind {
					return nil, badRequest(kind + " can't be mixed with other media types")
				}
			}
		}
		items = append(items, item)
	}
	return items, nil
}

func (s *Server) albumMessage(rq *request, item inputMedia) (*message, error) {
	f, err := s.inputFile(rq, item.Type, item.Media)
	if err != nil {
		return nil, err
	}
	caption, entities, err := s.formatted(rq, item.Caption, item.ParseMode, string(item.Entities))
	if err != nil {
		return nil, err
	}
	if runes(caption) > maxCaption {
		return nil, badRequest("message caption is too long")
	}
	m, err := s.draftMessage(rq, item.Type)
	if err != nil {
		return nil, err
	}
	if f.ID == "" {
		f.describe(item)
	}
	m.File, m.Caption, m.CaptionEntities = f, caption, entities
	return m, nil
}
