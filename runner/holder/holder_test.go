package holder

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"chapi/bot"
)

func TestRecordsAreExact(t *testing.T) {
	text := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
	rapid.Check(t, func(t *rapid.T) {
		want := bot.Spec{
			Argv: rapid.SliceOfN(text, 1, 5).Draw(t, "argv"), Dir: text.Draw(t, "dir"),
			Env: rapid.SliceOfN(text, 1, 5).Draw(t, "env"), PTY: rapid.Bool().Draw(t, "pty"),
			Size: bot.Size{Cols: rapid.Uint16().Draw(t, "cols"), Rows: rapid.Uint16().Draw(t, "rows")},
			CPU:  time.Duration(rapid.Int64().Draw(t, "cpu")), Memory: rapid.Int64().Draw(t, "memory"),
		}
		b, err := json.Marshal(record(want))
		if err != nil {
			t.Fatal(err)
		}
		var r specRecord
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.spec()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFolderTellsHowFarThingsCame(t *testing.T) {
	sessions := t.TempDir()
	dir := filepath.Join(sessions, "1")
	look := func() Folder {
		t.Helper()
		f, err := ReadFolder(sessions, "1")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if _, err := ReadFolder(sessions, "1"); !errors.Is(err, bot.ErrNoSession) {
		t.Errorf("no folder: got %v, want %v", err, bot.ErrNoSession)
	}
	os.Mkdir(dir, 0o700)
	if f := look(); f.Prepared || f.Exit != nil {
		t.Errorf("an empty folder: got %+v", f)
	}
	spec, err := createSpec(dir, specJSON{Version: Version, ID: "1", Holder: self(), Spec: record(bot.Spec{Argv: []string{"a\xff"}})})
	if err != nil {
		t.Fatal(err)
	}
	defer spec.Close()
	if f := look(); !f.Prepared || f.Spec.Argv[0] != "a\xff" || !f.Holder.Alive() || f.Process.PID != 0 {
		t.Errorf("prepared: got %+v", f)
	}
	size, err := appendProcess(spec, Identity{PID: 7, Start: 8, Boot: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Truncate(size); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.Process != (Identity{7, 8, "b"}) {
		t.Errorf("started, without its reserve: got %+v", f)
	}
	if err := spec.Truncate(size - 3); err != nil {
		t.Fatal(err)
	}
	if f := look(); !f.Prepared || f.Process.PID != 0 {
		t.Errorf("a torn process: got %+v", f)
	}
	want := bot.Exit{Code: 3, Reason: bot.Exited, At: time.Now().UTC()}
	if err := WriteExit(dir, want, 99); err != nil {
		t.Fatal(err)
	}
	if f := look(); f.Exit == nil || *f.Exit != want || f.End != 99 {
		t.Errorf("ended: got %+v", f)
	}
}

func TestIdentity(t *testing.T) {
	me := identify(os.Getpid())
	if !me.Alive() {
		t.Errorf("%+v is not alive", me)
	}
	for name, other := range map[string]Identity{
		"another start": {me.PID, me.Start + 1, me.Boot},
		"another boot":  {me.PID, me.Start, "x"},
		"nobody":        {},
		"init's group":  {-1, me.Start, me.Boot},
	} {
		if other.Alive() {
			t.Errorf("%s: %+v is alive", name, other)
		}
	}
	c := exec.Command("true")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	zombie := identify(c.Process.Pid)
	for end := time.Now().Add(time.Minute); zombie.Alive(); {
		if time.Now().After(end) {
			t.Fatal("a zombie is alive")
		}
	}
	c.Wait()
}

func TestParseSignal(t *testing.T) {
	for name, want := range map[string]syscall.Signal{
		"INT": 2, "int": 2, "SIGINT": 2, "sigterm": 15, " KILL ": 9, "9": 9, "64": 64, "USR1": 10,
		"": 0, "BANG": 0, "0": 0, "65": 0, "-1": 0, "SIG": 0,
	} {
		got, err := ParseSignal(name)
		var fault *bot.UserError
		if got != want || (want == 0) != errors.As(err, &fault) {
			t.Errorf("%q: got %v, %v, want %v", name, got, err, want)
		}
	}
	if got := signalName(syscall.SIGSEGV); got != "SEGV" {
		t.Errorf("got %q", got)
	}
	if got := signalName(50); got != "50" {
		t.Errorf("got %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"python3", "python3", 0}, {"pyton3", "python3", 1}, {"sl", "ls", 1}, {"gti", "git", 1}, {"grpe", "grep", 1}, {"abc", "xyz", 3}, {"", "ab", 2}} {
		if got := distance(c.a, c.b, 5); got != c.want {
			t.Errorf("%q to %q: got %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	a, b := net.Pipe()
	from, to := NewConn(a), NewConn(b)
	defer from.Close()
	want := Message{Order: &Order{Seq: 4, ID: "12", Control: bot.Control{Input: []byte("a\x00\xff"), Resize: &bot.Size{Cols: 1, Rows: 2}}}}
	sent := make(chan error, 1)
	go func() { sent <- from.Send(want) }()
	got, err := to.Receive()
	if err != nil || <-sent != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if err := from.Send(Message{Order: &Order{Control: bot.Control{Input: make([]byte, maxFrame)}}}); !errors.Is(err, ErrTooLong) {
		t.Errorf("a message over the limit: got %v, want %v", err, ErrTooLong)
	}
	from.Close()
	if _, err := to.Receive(); err != io.EOF {
		t.Errorf("after the end: got %v, want %v", err, io.EOF)
	}
}

func TestAnswersKeepTheirErrors(t *testing.T) {
	for _, want := range []error{nil, bot.ErrEnded, bot.ErrInputFull} {
		if got := newAck(1, want).Err(); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	var fault *bot.UserError
	if err := newAck(1, bot.Userf("no %d", 1)).Err(); !errors.As(err, &fault) || fault.Text != "no 1" {
		t.Errorf("got %v", err)
	}
}

// fixed is a connection that has only what was put in.
type fixed struct {
	net.Conn
	in *bytes.Reader
}

func (f fixed) Read(p []byte) (int, error) { return f.in.Read(p) }

// FuzzReceive: whatever a peer sends, receiving it ends, and takes no more
// memory than the longest message does.
func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\xff\xff\xff\xff{}"))
	f.Add(append(binary.BigEndian.AppendUint32(nil, 30), `{"start":{"spec":{"argv":[{}]}}}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := NewConn(fixed{in: bytes.NewReader(b)})
		for {
			if _, err := c.Receive(); err != nil {
				return
			}
		}
	})
}
