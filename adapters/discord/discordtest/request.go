package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// request is one call while it is handled.
type request struct {
	route   *route
	http    *http.Request
	args    []string // what stands for the {} of the route
	body    map[string]json.RawMessage
	list    json.RawMessage // the body when it is a JSON array
	files   []*uploaded
	call    *Call
	version int

	err    error
	status int             // of the answer; 0 means 200, or 204 without out
	out    json.RawMessage // the answer
	done   bool
	header http.Header // of the answer, from the rate limits
	closes bool        // the connection is of no further use
}

// uploaded is a file part of a request.
type uploaded struct {
	field string
	index int // of files[n], -1 for another name
	file  *File
	used  bool
}

func (rq *request) remark(text string) {
	if len(rq.call.Remarks) < 20 {
		rq.call.Remarks = append(rq.call.Remarks, text)
	}
}

// id is an id in the path.
func (rq *request) id(n int) Snowflake {
	id, _ := parseSnowflake(rq.args[n])
	return id
}

// answer encodes the result of a call.
func (rq *request) answer(v any) error {
	rq.out = encode(v)
	return nil
}

// parse reads the body.
func (s *Server) parse(rq *request) error {
	r := rq.http
	if r.Method == http.MethodGet {
		io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
		return nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limited := &io.LimitedReader{R: r.Body, N: maxRequest + 1}
	if kind == "multipart/form-data" && err == nil {
		return s.parseMultipart(rq, multipart.NewReader(limited, params["boundary"]), limited)
	}
	data, readErr := io.ReadAll(limited)
	switch {
	case readErr != nil:
		return errClientGone
	case limited.N == 0:
		return s.oversized(rq)
	case len(data) == 0:
		return nil
	case err != nil || kind != "application/json":
		return &apiError{status: 400, code: 50035, text: errorTexts[50035], fields: (&formErrors{byPath: map[string][]fieldError{
			"": {{"CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json', 'multipart/form-data'}.`}}}})}
	}
	return rq.decode(data)
}

// oversized refuses a request of more than 25 MiB, after having read the rest
// as a front end does.
func (s *Server) oversized(rq *request) error {
	io.Copy(io.Discard, io.LimitReader(rq.http.Body, 256<<20))
	rq.closes = true
	return tooLarge()
}

// decode reads the JSON of a body.
func (rq *request) decode(data []byte) error {
	trimmed := strings.TrimLeft(string(data[:min(len(data), 64)]), " \t\r\n")
	switch {
	case !json.Valid(data):
		return badRequest(50109)
	case strings.HasPrefix(trimmed, "[") && rq.route.list:
		rq.list = data
		return nil
	case !strings.HasPrefix(trimmed, "{"):
		return invalid("", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
	}
	if err := json.Unmarshal(data, &rq.body); err != nil {
		return badRequest(50109)
	}
	rq.list = data
	return nil
}

// parseMultipart reads a form with payload_json and files.
func (s *Server) parseMultipart(rq *request, form *multipart.Reader, limited *io.LimitedReader) error {
	payload := false
	for {
		part, err := form.NextPart()
		switch {
		case limited.N == 0:
			return s.oversized(rq)
		case errors.Is(err, io.EOF):
			if !payload {
				rq.body = map[string]json.RawMessage{}
			}
			return nil
		case err != nil:
			return s.brokenForm(rq)
		}
		name := part.FormName()
		if name == "payload_json" {
			data, err := io.ReadAll(part)
			if err != nil {
				return s.brokenForm(rq)
			}
			if err := rq.decode(data); err != nil {
				return err
			}
			payload = true
			continue
		}
		if err := s.receiveFile(rq, part, name, limited); err != nil {
			return err
		}
	}
}

// brokenForm is the outcome of a body that ends too early, or is no form.
func (s *Server) brokenForm(rq *request) error {
	if rq.http.Context().Err() != nil {
		return errClientGone
	}
	if _, err := rq.http.Body.Read(make([]byte, 1)); err != nil && !errors.Is(err, io.EOF) {
		return errClientGone
	}
	return badRequest(50109)
}

// receiveFile stores one part. Small ones stay in memory.
func (s *Server) receiveFile(rq *request, part *multipart.Part, name string, limited *io.LimitedReader) error {
	f := &File{Name: part.FileName(), MIME: part.Header.Get("Content-Type")}
	up := &uploaded{field: name, index: -1, file: f}
	rq.files = append(rq.files, up)
	if inner, ok := strings.CutPrefix(name, "files["); ok {
		if n, err := strconv.Atoi(strings.TrimSuffix(inner, "]")); err == nil && n >= 0 && strings.HasSuffix(inner, "]") {
			up.index = n
		}
	}
	head := make([]byte, inMemory)
	n, err := io.ReadFull(part, head)
	f.Size, f.data = int64(n), head[:n:n]
	if err == nil {
		err = s.spill(f, head, part)
	}
	switch {
	case limited.N == 0:
		return s.oversized(rq)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF) && n < inMemory, err == nil:
	default:
		return s.brokenForm(rq)
	}
	if f.path == "" {
		f.data = append([]byte(nil), f.data...)
	}
	return nil
}

// spill writes a large file to the disk.
func (s *Server) spill(f *File, head []byte, rest io.Reader) error {
	s.mu.Lock()
	if s.files.dir == "" {
		s.files.dir, _ = os.MkdirTemp("", "discordtest-")
	}
	dir := s.files.dir
	s.mu.Unlock()
	tmp, err := os.CreateTemp(dir, "upload-")
	if err != nil {
		return fmt.Errorf("store upload: %w", err)
	}
	defer tmp.Close()
	if _, err := tmp.Write(head); err != nil {
		return fmt.Errorf("store upload: %w", err)
	}
	n, err := io.Copy(tmp, rest)
	f.Size, f.data, f.path = int64(len(head))+n, nil, tmp.Name()
	return err
}

// discard removes the files that no message took.
func (rq *request) discard() {
	for _, up := range rq.files {
		if !up.used && up.file.path != "" {
			os.Remove(up.file.path)
		}
	}
}

// begin logs a call and finds the fault that hits it. bad is why the request
// could not even be read.
func (s *Server) begin(rq *request, bad error) *ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	rq.err = bad
	rq.call.At = s.now()
	rq.call.Body = rq.list
	for _, up := range rq.files {
		rq.call.Uploads = append(rq.call.Uploads, Upload{up.field, up.file.Name, up.file.Size})
	}
	s.calls.add(rq.call)
	var f *ActiveFault
	if bad != errClientGone && len(s.faults) > 0 {
		f = s.takeFault(rq.call, false)
	}
	s.notify()
	return f
}

// takeUploadFault is the fault that hits a call before its body is read.
func (s *Server) takeUploadFault(call *Call) *ActiveFault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return nil
	}
	f := s.takeFault(call, true)
	if f != nil {
		call.At = s.now()
		s.calls.add(call)
		s.notify()
	}
	return f
}

// end completes the entry of a call; unanswered leaves its status at 0.
func (s *Server) end(rq *request, start time.Time, unanswered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := rq.call
	c.Took = time.Since(start)
	c.Done = rq.done
	if rq.done {
		s.calls.done[strings.ToLower(c.Method)]++
		s.calls.done[""]++
	}
	if !unanswered {
		c.Status = rq.code()
		if rq.err != nil {
			e := asAPIError(rq.err)
			c.Code, c.Text, c.RetryAfter, c.Scope = e.code, e.Error(), e.retryAfter, e.scope
			s.countInvalid(e)
		}
	}
	s.notify()
}

func asAPIError(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return &apiError{status: 500, text: "500: Internal Server Error"}
}

// code is the HTTP status of the answer.
func (rq *request) code() int {
	switch {
	case rq.err != nil:
		return asAPIError(rq.err).status
	case rq.status != 0:
		return rq.status
	case rq.out == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// payload is the body of the answer.
func (rq *request) payload() []byte {
	if rq.err != nil {
		return asAPIError(rq.err).body()
	}
	return rq.out
}
