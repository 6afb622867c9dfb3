package telegramtest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"sync"
	"time"
)

const (
	inMemory     = 256 << 10 // bytes of an upload that stay in memory, else a temporary file
	maxDownload  = 20 << 20  // by getFile
	linkLife     = time.Hour
	maxPhoto     = 10 << 20
	maxPhotoSide = 10_000 // width plus height
	maxPhotoFlat = 20     // the longer side by the shorter
)

// files are the contents that the server knows.
type files struct {
	mu    sync.Mutex
	dir   string // for temporary files, made when needed
	byID  map[string]*File
	links map[string]fileLink // by file_path
	last  int
}

type fileLink struct {
	file    *File
	expires time.Time
}

func (fs *files) init() {
	fs.byID = make(map[string]*File)
	fs.links = make(map[string]fileLink)
}

// keep reads an upload, at most limit bytes.
func (fs *files) keep(r io.Reader, limit int64) (*File, error) {
	var head bytes.Buffer
	n, err := io.Copy(&head, io.LimitReader(r, inMemory+1))
	if err != nil {
		return nil, err
	}
	if n <= inMemory {
		return &File{data: head.Bytes(), Size: n}, nil
	}
	tmp, err := fs.create()
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(tmp, io.LimitReader(io.MultiReader(&head, r), limit+1))
	if closed := tmp.Close(); err == nil {
		err = closed
	}
	f := &File{path: tmp.Name(), Size: size}
	if err == nil && size > limit {
		err = errTooLarge
	}
	if err != nil {
		f.remove()
		return nil, err
	}
	return f, nil
}

func (fs *files) create() (*os.File, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.dir == "" {
		dir, err := os.MkdirTemp("", "telegramtest-")
		if err != nil {
			return nil, fmt.Errorf("keep upload: %w", err)
		}
		fs.dir = dir
	}
	return os.CreateTemp(fs.dir, "upload-")
}

// add gives a file its id.
func (fs *files) add(f *File) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.ID != "" {
		return
	}
	fs.last++
	f.ID = fmt.Sprintf("BQACAgIAAxkDAAI%012dtelegramtest", fs.last)
	f.unique = fmt.Sprintf("AgAD%011d", fs.last)
	fs.byID[f.ID] = f
}

func (fs *files) find(id string) *File {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.byID[id]
}

// Bytes reads the file's content. It panics when the server is closed and the
// content was in a temporary file.
func (f *File) Bytes() []byte {
	if f.path == "" {
		return f.data
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		panic("telegramtest: " + err.Error())
	}
	return b
}

func (f *File) open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	return os.Open(f.path)
}

// remove deletes a content that nobody needs.
func (f *File) remove() {
	if f.path != "" {
		os.Remove(f.path)
	}
}

// measure finds the width and height of an image, 0 if it is none.
func (f *File) measure() {
	r, err := f.open()
	if err != nil {
		return
	}
	defer r.Close()
	head := make([]byte, 32)
	n, _ := io.ReadFull(r, head)
	if w, h, ok := webpSize(head[:n]); ok {
		f.Width, f.Height = w, h
		return
	}
	if c, _, err := image.DecodeConfig(io.MultiReader(bytes.NewReader(head[:n]), r)); err == nil {
		f.Width, f.Height = c.Width, c.Height
	}
}

// webpSize reads the size from a WebP header (RFC 9649).
func webpSize(b []byte) (width, height int, ok bool) {
	if len(b) < 30 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return 0, 0, false
	}
	switch string(b[12:16]) {
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(b[26:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[28:]) & 0x3fff), true
	case "VP8L":
		v := binary.LittleEndian.Uint32(b[21:])
		return int(v&0x3fff) + 1, int(v>>14&0x3fff) + 1, true
	case "VP8X":
		three := func(p []byte) int { return int(p[0]) | int(p[1])<<8 | int(p[2])<<16 }
		return three(b[24:]) + 1, three(b[27:]) + 1, true
	}
	return 0, 0, false
}

// checkPhoto is what the service wants of a photo.
func (f *File) checkPhoto() error {
	if f.Size > maxPhoto {
		return badRequest(fmt.Sprintf("file of size %d bytes is too big for a photo; the maximum size is %d bytes", f.Size, maxPhoto))
	}
	f.measure()
	w, h := f.Width, f.Height
	switch {
	case w == 0 || h == 0:
		return badRequest("IMAGE_PROCESS_FAILED")
	case w+h > maxPhotoSide, max(w, h) > maxPhotoFlat*min(w, h):
		return badRequest("PHOTO_INVALID_DIMENSIONS")
	}
	return nil
}

// appendFileMember writes the member that carries a file.
func appendFileMember(b []byte, f *File) []byte {
	if f.Kind == "photo" {
		return appendPhoto(key(b, "photo"), f)
	}
	b = append(key(b, f.Kind), '{')
	switch f.Kind {
	case "video", "animation":
		b = memberInt(b, "width", f.Width)
		b = memberInt(b, "height", f.Height)
		b = memberInt(b, "duration", f.Duration)
	case "audio", "voice":
		b = memberInt(b, "duration", f.Duration)
	}
	if f.Name != "" {
		b = member(b, "file_name", f.Name)
	}
	if f.MIME != "" {
		b = member(b, "mime_type", f.MIME)
	}
	return append(appendFileIDs(b, f, ""), '}')
}

func appendFileIDs(b []byte, f *File, size string) []byte {
	b = member(b, "file_id", f.ID+size)
	b = member(b, "file_unique_id", f.unique+size)
	return memberInt(b, "file_size", f.Size)
}

// appendPhoto writes the sizes that the service makes: smaller copies and one
// of at most 1280 pixels.
func appendPhoto(b []byte, f *File) []byte {
	b = append(b, '[')
	long := max(f.Width, f.Height)
	for _, size := range []struct {
		suffix string
		side   int
	}{{"-s", 90}, {"-m", 320}, {"", 1280}} {
		if size.side >= long && size.suffix != "" {
			continue
		}
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		side := min(size.side, long)
		b = memberInt(append(b, '{'), "width", max(f.Width*side/max(long, 1), 1))
		b = memberInt(b, "height", max(f.Height*side/max(long, 1), 1))
		b = append(appendFileIDs(b, f, size.suffix), '}')
	}
	return append(b, ']')
}

func (s *Server) getFile(rq *request) error {
	id := rq.arg("file_id")
	if id == "" {
		return badRequest("file_id not specified")
	}
	base := id
	if n := len(id); n > 2 && (id[n-2:] == "-s" || id[n-2:] == "-m") {
		base = id[:n-2]
	}
	f := s.files.find(base)
	switch {
	case f == nil:
		return badRequest("wrong file_id or the file is temporarily unavailable")
	case f.Size > maxDownload:
		return badRequest("file is too big")
	}
	folder := f.Kind + "s"
	ext := path.Ext(f.Name)
	if f.Kind == "photo" {
		ext = ".jpg"
	}
	place := fmt.Sprintf("%s/file_%s%s", folder, f.unique[4:], ext)
	s.files.mu.Lock()
	now := s.now()
	for old, l := range s.files.links {
		if !l.expires.After(now) {
			delete(s.files.links, old)
		}
	}
	s.files.links[place] = fileLink{f, now.Add(linkLife)}
	s.files.mu.Unlock()
	b := appendFileIDs(append(rq.out, '{'), f, id[len(base):])
	rq.out = append(member(b, "file_path", place), '}')
	return nil
}

// serveDownload serves /file/bot<token>/<path>.
func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request, rest string) {
	start := time.Now()
	place, refused := s.splitToken(rest)
	rq := &request{method: &method{name: "download", run: func(*Server, *request) error { return nil }}, http: r}
	rq.out = append(rq.out, envelopeHead...)
	rq.add("file_path", place)
	var f *File
	if refused == nil {
		s.files.mu.Lock()
		l, ok := s.files.links[place]
		s.files.mu.Unlock()
		if !ok || !l.expires.After(s.now()) {
			refused = &apiError{code: 404, text: "Not Found"}
		}
		f = l.file
	}
	var bad error
	if refused != nil {
		bad = refused
	}
	fault := s.begin(rq, bad)
	if fault != nil {
		rq.out = append(rq.out, "true"...)
		s.play(w, rq, fault, start)
		return
	}
	rq.done = refused == nil
	s.end(rq, start, false)
	if refused != nil {
		s.writeError(w, refused)
		return
	}
	content, err := f.open()
	if err != nil {
		s.writeError(w, &apiError{code: 404, text: "Not Found"})
		return
	}
	defer content.Close()
	s.head(w, -1)
	kind := mime.TypeByExtension(path.Ext(place))
	w.Header().Set("Content-Type", cmp.Or(kind, "application/octet-stream"))
	if f.claim == 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(f.Size, 10))
	}
	w.WriteHeader(http.StatusOK)
	s.mu.Lock()
	stalled := s.stalled
	s.mu.Unlock()
	if stalled {
		io.CopyN(w, content, f.Size/2)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	io.Copy(w, content)
}

// StallDownloads makes downloads that begin from now on stop in the middle,
// until the client gives up; or lets them go through again.
func (s *Server) StallDownloads(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = on
}
