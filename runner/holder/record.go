package holder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
	"unicode/utf8"

	"chapi/bot"
)

// The files of a session's folder, beside its journal. A folder goes through
// these states, and tells what is known whatever cut it short:
//
//	no spec.json                      nothing was started
//	spec.json                         the process was just about to be started
//	spec.json with a second value     the process exists or existed
//	exit.json                         the session has ended
//
// The process is in the same file because a file more costs a short session
// more than all else that is written.
const (
	specFile   = "spec.json"
	exitFile   = "exit.json"
	socketFile = "control.sock"
)

// exact is a string of any bytes: JSON text when it is UTF-8, else an object
// with the bytes in base64.
type exact string

type exactBytes struct {
	Base64 []byte `json:"base64"`
}

func (e exact) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(e)) {
		return json.Marshal(string(e))
	}
	return json.Marshal(exactBytes{[]byte(e)})
}

func (e *exact) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var x exactBytes
		err := json.Unmarshal(b, &x)
		*e = exact(x.Base64)
		return err
	}
	return json.Unmarshal(b, (*string)(e))
}

// specRecord is a bot.Spec on disk and on its way.
type specRecord struct {
	Argv    []exact       `json:"argv"`
	Dir     exact         `json:"dir"`
	Env     []exact       `json:"env"`
	PTY     bool          `json:"pty,omitempty"`
	Size    bot.Size      `json:"size,omitzero"`
	Timeout time.Duration `json:"timeout_ns,omitempty"`
	Grace   time.Duration `json:"grace_ns,omitempty"`
	Budget  int64         `json:"budget,omitempty"`
	Nice    int           `json:"nice,omitempty"`
	CPU     time.Duration `json:"cpu_ns,omitempty"`
	Memory  int64         `json:"memory,omitempty"`
	User    string        `json:"user,omitempty"`
}

func record(s bot.Spec) specRecord {
	return specRecord{
		Argv: exacts(s.Argv), Dir: exact(s.Dir), Env: exacts(s.Env), PTY: s.PTY, Size: s.Size,
		Timeout: s.Timeout, Grace: s.Grace, Budget: s.Budget,
		Nice: s.Nice, CPU: s.CPU, Memory: s.Memory, User: s.User,
	}
}

func (r specRecord) spec() bot.Spec {
	return bot.Spec{
		Argv: texts(r.Argv), Dir: string(r.Dir), Env: texts(r.Env), PTY: r.PTY, Size: r.Size,
		Timeout: r.Timeout, Grace: r.Grace, Budget: r.Budget,
		Nice: r.Nice, CPU: r.CPU, Memory: r.Memory, User: r.User,
	}
}

func exacts(s []string) []exact {
	e := make([]exact, len(s))
	for i := range s {
		e[i] = exact(s[i])
	}
	return e
}

func texts(e []exact) []string {
	s := make([]string, len(e))
	for i := range e {
		s[i] = string(e[i])
	}
	return s
}

// The contents of the files.
type (
	specJSON struct {
		Version int           `json:"version"`
		ID      bot.SessionID `json:"id"`
		Holder  Identity      `json:"holder"`
		Started time.Time     `json:"started"`
		Spec    specRecord    `json:"spec"`
	}
	processJSON struct {
		Version int      `json:"version"`
		Process Identity `json:"process"`
	}
	exitJSON struct {
		Version int      `json:"version"`
		Exit    bot.Exit `json:"exit"`
		End     int64    `json:"end"`
	}
)

// Folder is what the files of a session's folder say.
type Folder struct {
	ID  bot.SessionID
	Dir string
	// Prepared: the holder had written down what to start.
	Prepared bool
	Spec     bot.Spec
	Started  time.Time
	Holder   Identity
	// Process is the session's process; zero when it may not exist.
	Process Identity
	// Exit is nil while the session has not ended.
	Exit *bot.Exit
	// End is the length of the output of an ended session, gaps included.
	End int64
}

// ReadFolder reads the folder of a session: bot.ErrNoSession when there is
// none. A file that is incomplete is as good as absent: each is written before
// the next step is taken.
func ReadFolder(sessions string, id bot.SessionID) (Folder, error) {
	f := Folder{ID: id, Dir: filepath.Join(sessions, string(id))}
	info, err := os.Lstat(f.Dir)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.IsDir()) {
		return f, bot.ErrNoSession
	}
	if err != nil {
		return f, fmt.Errorf("read session %s: %w", id, err)
	}
	f.readSpec()
	f.readExit()
	return f, nil
}

func (f *Folder) readSpec() {
	file, err := os.Open(filepath.Join(f.Dir, specFile))
	if err != nil {
		return
	}
	defer file.Close()
	values := json.NewDecoder(file)
	var s specJSON
	if values.Decode(&s) != nil {
		return
	}
	f.Prepared, f.Spec, f.Started, f.Holder = true, s.Spec.spec(), s.Started, s.Holder
	var p processJSON
	if values.Decode(&p) == nil {
		f.Process = p.Process
	}
}

func (f *Folder) readExit() {
	body, err := os.ReadFile(filepath.Join(f.Dir, exitFile))
	var e exitJSON
	if err == nil && json.Unmarshal(body, &e) == nil && e.Exit.Reason != "" {
		f.Exit, f.End = &e.Exit, e.End
	}
}

// createSpec records what is about to be started. The file is for appendProcess
// and the caller's to close.
func createSpec(dir string, s specJSON) (*os.File, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, specFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(append(body, '\n')); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// appendProcess records the process, and behind it some room for the exit. It
// returns the length of the file without that.
func appendProcess(spec *os.File, p Identity) (size int64, err error) {
	body, err := json.Marshal(processJSON{Version, p})
	if err != nil {
		return 0, err
	}
	if _, err := spec.Write(append(body, '\n')); err != nil {
		return 0, err
	}
	if size, err = spec.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	_, err = spec.Write(reserve)
	return size, err
}

// reserve is what the record of a process is followed by, so that the record
// of its end finds room on a disk that it has filled: a block of any usual file
// system, of which a part may lie in the block before.
var reserve = bytes.Repeat([]byte{' '}, 2*4096)

// WriteExit records how a session ended, all or nothing. The journal is to be
// synced before.
func WriteExit(dir string, e bot.Exit, end int64) error {
	body, err := json.Marshal(exitJSON{Version: Version, Exit: e, End: end})
	if err != nil {
		return fmt.Errorf("write exit of session: %w", err)
	}
	temporary := filepath.Join(dir, exitFile+".tmp")
	if err := os.WriteFile(temporary, body, 0o600); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("write exit of session: %w", err)
	}
	if err := os.Rename(temporary, filepath.Join(dir, exitFile)); err != nil {
		return fmt.Errorf("write exit of session: %w", err)
	}
	return nil
}
