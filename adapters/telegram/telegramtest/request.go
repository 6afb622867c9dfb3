package telegramtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a request (td HttpReader and the documented upload limit).
const (
	maxParams     = 1 << 20
	maxUploadSize = 50 << 20
	maxUploads    = 50
	maxDrain      = 128 << 20 // what is read and thrown away so that the client sees the refusal
)

// request is one method call while it is being served.
type request struct {
	method  *method
	http    *http.Request
	params  Params
	uploads []upload
	call    *Call
	closes  bool // the connection cannot be used again

	err  error  // why it was refused
	done bool   // it took effect
	out  []byte // the answer so far: the envelope's head, then the result
}

// upload is a part of the request that carries a file.
type upload struct {
	field string
	file  *File
	used  bool // a message refers to it now
}

const envelopeHead = `{"ok":true,"result":`

// envelope is the complete answer.
func (rq *request) envelope() []byte {
	if rq.err == nil {
		return append(rq.out, '}')
	}
	return asAPIError(rq.err).append(rq.out[:0])
}

func (rq *request) status() int {
	if rq.err == nil {
		return http.StatusOK
	}
	return asAPIError(rq.err).code
}

func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{code: 500, text: "Internal Server Error: " + err.Error()}
}

// discard removes files that no message took.
func (rq *request) discard() {
	for _, u := range rq.uploads {
		if !u.used {
			u.file.remove()
		}
	}
}

func (rq *request) has(name string) bool { _, ok := rq.params.Lookup(name); return ok }

func (rq *request) arg(name string) string { return rq.params.Get(name) }

// flag reads a boolean: true, yes and 1 are true, all else is false.
func (rq *request) flag(name string) bool {
	switch strings.ToLower(strings.TrimSpace(rq.arg(name))) {
	case "true", "yes", "1":
		return true
	}
	return false
}

// integer reads a number and clamps it; what is no number counts as def.
func (rq *request) integer(name string, def, low, high int) int {
	v := rq.arg(name)
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return min(max(def, low), high)
	}
	return min(max(int(n), low), high)
}

// messageID reads a message id; what is none counts as 0.
func (rq *request) messageID(name string) int {
	n, err := strconv.ParseInt(rq.arg(name), 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}

// remark notes that something was accepted, but not taken as sent.
func (rq *request) remark(text string) {
	if rq.call != nil {
		rq.call.Remarks = append(rq.call.Remarks, text)
	}
}

// part is the uploaded part of a name, nil if there is none.
func (rq *request) part(name string) *upload {
	for i := range rq.uploads {
		if rq.uploads[i].field == name {
			return &rq.uploads[i]
		}
	}
	return nil
}

var errTooLarge = &apiError{code: 413, text: "Request Entity Too Large"}

// parse reads the parameters from the query and the body. Uploads go to
// memory or to a temporary file.
func (s *Server) parse(rq *request) error {
	r := rq.http
	rq.out = append(make([]byte, 0, 1024), envelopeHead...)
	if err := rq.parseForm(r.URL.RawQuery); err != nil {
		return err
	}
	err := s.parseBody(rq)
	if err != nil {
		// Read on so that the client can finish writing and sees the refusal.
		io.Copy(io.Discard, io.LimitReader(r.Body, maxDrain))
		rq.closes = true
		return err
	}
	for _, p := range rq.params {
		if !utf8.ValidString(p.Value) {
			return badRequest("strings must be encoded in UTF-8")
		}
	}
	return nil
}

func (s *Server) parseBody(rq *request) error {
	r := rq.http
	contentType := r.Header.Get("Content-Type")
	if r.ContentLength == 0 && contentType == "" || r.Method == http.MethodGet {
		_, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxParams))
		return readError(err)
	}
	kind, attributes, err := mime.ParseMediaType(contentType)
	if err != nil && contentType != "" {
		return badRequest("wrong Content-Type")
	}
	switch kind {
	case "multipart/form-data":
		return s.parseMultipart(rq, attributes["boundary"])
	case "application/json":
		body, err := readLimited(r.Body, maxParams)
		if err != nil {
			return err
		}
		return rq.parseJSON(body)
	case "application/x-www-form-urlencoded":
		body, err := readLimited(r.Body, maxParams)
		if err != nil {
			return err
		}
		return rq.parseForm(string(body))
	}
	// Another type carries no parameters (td HttpReader).
	_, err = readLimited(r.Body, maxParams)
	return err
}

// readLimited reads all of r, or fails with 413 above limit bytes.
func readLimited(r io.Reader, limit int) ([]byte, error) {
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, readError(err)
	}
	if n > int64(limit) {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

// readError is what a body that ends early means: nobody waits any more.
func readError(err error) error {
	if err == nil {
		return nil
	}
	return errClientGone
}

func (rq *request) add(name, value string) { rq.params = append(rq.params, Param{name, value}) }

func (rq *request) parseForm(form string) error {
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return badRequest("wrong percent-encoding in the parameters")
		}
		rq.add(name, value)
	}
	return nil
}

// parseJSON takes strings as they are and everything else as its JSON text.
func (rq *request) parseJSON(body []byte) error {
	var members map[string]json.RawMessage
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, &members); err != nil {
		return badRequest("can't parse parameters: the body must be a JSON object")
	}
	for name, raw := range members {
		var text string
		if raw[0] == '"' {
			if err := json.Unmarshal(raw, &text); err != nil {
				return badRequest("can't parse parameters: wrong string")
			}
			rq.add(name, text)
			continue
		}
		rq.add(name, string(raw))
	}
	return nil
}

func (s *Server) parseMultipart(rq *request, boundary string) error {
	if boundary == "" {
		return badRequest("boundary not found")
	}
	reader := multipart.NewReader(rq.http.Body, boundary)
	left := maxParams
	names := make(map[string]bool, 8)
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) && rq.http.Context().Err() != nil {
			return errClientGone
		}
		if err != nil {
			return multipartError(err)
		}
		name := part.FormName()
		if name == "" {
			return badRequest("a part of the multipart body has no name")
		}
		if names[name] {
			return badRequest("duplicate part " + strconv.Quote(name) + " in the multipart body")
		}
		names[name] = true
		if part.FileName() != "" {
			if len(rq.uploads) >= maxUploads {
				return errTooLarge
			}
			f, err := s.files.keep(part, maxUploadSize)
			if err != nil {
				return multipartError(err)
			}
			f.Name, f.MIME = part.FileName(), part.Header.Get("Content-Type")
			rq.uploads = append(rq.uploads, upload{field: name, file: f})
			continue
		}
		value, err := readLimited(part, left)
		if err != nil {
			return err
		}
		left -= len(value)
		rq.add(name, string(value))
	}
}

// multipartError tells a body that was cut from one that is wrong.
func multipartError(err error) error {
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errClientGone
	}
	return badRequest("can't parse the multipart body: " + err.Error())
}
