package discordtest

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	linkLife   = 24 * time.Hour // of a link to a file; about a day in practice
	inMemory   = 256 << 10      // bytes of an upload that is not put in a file
	maxRequest = 25 << 20       // bytes of a request (Reference: Uploading Files)
	maxFiles   = 10
)

// File is a file attached to a message.
type File struct {
	ID          Snowflake
	Name        string
	Description string // alternative text
	MIME        string
	Size        int64
	Spoiler     bool

	channel Snowflake
	data    []byte // the content, or
	path    string // of a temporary file
}

// fileStore keeps files by id.
type fileStore struct {
	byID    map[Snowflake]*File
	dir     string
	stalled bool // downloads stop in the middle
}

func (f *fileStore) init() { f.byID = make(map[Snowflake]*File) }

// keep gives a file its id and type.
func (f *fileStore) keep(file *File, id, channel Snowflake) {
	file.ID, file.channel = id, channel
	if file.MIME == "" {
		file.MIME = mime.TypeByExtension(filepath.Ext(file.Name))
	}
	file.Spoiler = strings.HasPrefix(file.Name, "SPOILER_")
	f.byID[id] = file
}

// Bytes reads the file's content. It panics when the server is closed and the
// content was in a temporary file.
func (f *File) Bytes() []byte {
	if f.path == "" {
		return f.data
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		panic("discordtest: " + err.Error())
	}
	return data
}

// open reads the content bit by bit.
func (f *File) open() (io.ReadCloser, error) {
	if f.path == "" {
		return io.NopCloser(bytes.NewReader(f.data)), nil
	}
	return os.Open(f.path)
}

// wireFile is an attachment as the API writes it.
type wireFile struct {
	ID          Snowflake `json:"id"`
	Filename    string    `json:"filename"`
	Description string    `json:"description,omitempty"`
	ContentType string    `json:"content_type,omitempty"`
	Size        int64     `json:"size"`
	URL         string    `json:"url"`
	ProxyURL    string    `json:"proxy_url"`
	Flags       int       `json:"flags,omitempty"`
}

func (f *File) wire(s *Server) wireFile {
	link := s.fileURL(f)
	return wireFile{ID: f.ID, Filename: f.Name, Description: f.Description, ContentType: f.MIME, Size: f.Size, URL: link, ProxyURL: link}
}

// fileURL is a signed link that ends about a day from now (Reference: Signed
// Attachment CDN URLs).
func (s *Server) fileURL(f *File) string {
	now := s.now().Unix()
	return fmt.Sprintf("%s/attachments/%d/%d/%s?ex=%x&is=%x&hm=%064x&", s.link.url, f.channel, f.ID, url.PathEscape(f.Name),
		now+int64(linkLife/time.Second), now, uint64(f.ID)*0x9e3779b97f4a7c15)
}

// serveFile is the content delivery network.
func (s *Server) serveFile(w http.ResponseWriter, rq *request) error {
	parts := strings.Split(strings.TrimPrefix(rq.http.URL.Path, "/attachments/"), "/")
	if len(parts) != 3 {
		return unknownRoute()
	}
	id, _ := parseSnowflake(parts[1])
	q := rq.http.URL.Query()
	s.mu.Lock()
	f := s.files.byID[id]
	ends, err := strconv.ParseInt(q.Get("ex"), 16, 64)
	dead := f == nil || err != nil || s.now().Unix() > ends || parts[0] != f.channel.String() || parts[2] != f.Name ||
		q.Get("hm") != fmt.Sprintf("%064x", uint64(id)*0x9e3779b97f4a7c15)
	stalled := s.files.stalled
	s.mu.Unlock()
	if dead {
		return &apiError{status: 404, text: "This content is no longer available."}
	}
	content, err := f.open()
	if err != nil {
		return unknownRoute()
	}
	defer content.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	if f.MIME != "" {
		w.Header().Set("Content-Type", f.MIME)
	}
	if n := f.Size; f.data == nil && f.path == "" {
		// The size is only claimed: that many zeros.
		content = io.NopCloser(io.LimitReader(zeros{}, n))
	} else if int64(len(f.data)) != n && f.path == "" {
		content = io.NopCloser(io.MultiReader(bytes.NewReader(f.data), io.LimitReader(zeros{}, n-int64(len(f.data)))))
	}
	w.Header().Set("Content-Length", strconv.FormatInt(f.Size, 10))
	w.WriteHeader(http.StatusOK)
	if stalled {
		io.CopyN(w, content, f.Size/2)
		w.(http.Flusher).Flush()
		<-rq.http.Context().Done()
		return nil
	}
	io.Copy(w, content)
	return nil
}

// StallDownloads makes downloads that begin from now on stop in the middle,
// until the client gives up; or lets them go through again.
func (s *Server) StallDownloads(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files.stalled = on
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}
