package gui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"chapi/bot"
	"chapi/commands/camera"
)

// The tests run real X servers and programs; the test binary is the parent of
// the displays, as the whole program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Arg {
		Main()
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what must happen.
const patience = time.Minute

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("after %s: not %s", patience, what)
}

// hall is displays with what they stand on.
type hall struct {
	*Displays
	t     testing.TB
	spool string

	mu    sync.Mutex
	ended map[bot.SessionID]bool
	chat  bot.ChatID
	put   []bot.Delivery
}

func newHall(t testing.TB) *hall {
	t.Helper()
	for program, from := range map[string]string{"Xvfb": "xvfb", "xdotool": "xdotool", "xterm": "xterm", "xev": "x11-utils", "ffmpeg": "ffmpeg"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing: apt install %s", program, from)
		}
	}
	h := &hall{t: t, spool: t.TempDir(), ended: map[bot.SessionID]bool{}, chat: "7"}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h.Displays = &Displays{
		Dir: filepath.Join(t.TempDir(), "displays"), Exe: exe, Spool: h, Logger: slog.New(slog.DiscardHandler),
		Session: func(_ context.Context, id bot.SessionID) (bot.Session, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			s := bot.Session{ID: id, Title: "xterm", State: bot.Running, Started: time.Now(), Root: "5", Thread: bot.Thread{Adapter: "net", Chat: h.chat}}
			if h.ended[id] {
				s.State = bot.Ended
			}
			return s, nil
		},
		Put: func(_ context.Context, d bot.Delivery) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.put = append(h.put, d)
			return nil
		},
		Limits: func(bot.Thread) bot.Limits { return bot.Limits{Buttons: 8} },
	}
	return h
}

func (h *hall) Create(ext string) (*os.File, error)    { return os.CreateTemp(h.spool, "post-*"+ext) }
func (h *hall) Release(_ context.Context, path string) { os.Remove(path) }
func (h *hall) process(id bot.SessionID) []int         { return processes(h.folder(id)) }
func (h *hall) posts() []bot.Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]bot.Delivery(nil), h.put...)
}
func (h *hall) end(id bot.SessionID) { h.mu.Lock(); defer h.mu.Unlock(); h.ended[id] = true }
func (h *hall) slot(n int) func() bool {
	return func() bool {
		for _, d := range h.posts() {
			if d.Slot == bot.Slot(fmt.Sprintf("gui/1/%d", n)) {
				return true
			}
		}
		return false
	}
}

// watch runs the watchers until the test, or stop, ends them.
func (h *hall) watch() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

// running is a program on a display, in a session as a holder makes it.
type running struct {
	cmd      *exec.Cmd
	out, err bytes.Buffer
	done     chan struct{} // closed when it has ended
}

// open runs a program on a display as session 1.
func (h *hall) open(argv ...string) *running {
	h.t.Helper()
	spec := bot.Spec{Argv: argv, Memory: 2 << 30, CPU: time.Minute}
	if err := h.Prepare("1", Size{640, 480}, &spec); err != nil {
		h.t.Fatal(err)
	}
	if spec.Memory != 0 || spec.CPU != 0 {
		h.t.Errorf("the parent of a display gets the program's limits: %+v", spec)
	}
	if !h.Has(bot.Session{ID: "1", Argv: spec.Argv}) {
		h.t.Errorf("%q is not known to have a display", spec.Argv)
	}
	r := &running{cmd: exec.Command(spec.Argv[0], spec.Argv[1:]...), done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := r.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { defer close(r.done); r.cmd.Wait() }()
	h.t.Cleanup(func() {
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-r.done:
		case <-time.After(patience):
			syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
			h.t.Error("a session does not end when it is told to")
		}
	})
	return r
}

// wait is how it ended.
func (r *running) wait(t *testing.T) syscall.WaitStatus {
	t.Helper()
	select {
	case <-r.done:
		return r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	case <-time.After(patience):
		t.Fatalf("it does not end; it said %q %q", &r.out, &r.err)
		return 0
	}
}

// ready waits until the display shows something.
func (h *hall) ready() {
	h.t.Helper()
	eventually(h.t, "a window", func() bool {
		at, err := h.at("1")
		if err != nil {
			return false
		}
		m, err := at.look(context.Background())
		return err == nil && !blank(m)
	})
}

// processes are those with a text in their arguments.
func processes(text string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range all {
		if line, _ := os.ReadFile(path); bytes.Contains(line, []byte(text)) {
			var pid int
			fmt.Sscanf(path, "/proc/%d/", &pid)
			pids = append(pids, pid)
		}
	}
	return pids
}

// The whole of it: a window is shown, typed into, shown again, and gone.
func TestAWindowIsShownTypedIntoAndEndsWithItsSession(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	stop := h.watch()
	got := filepath.Join(t.TempDir(), "typed")
	term := h.open("/usr/bin/xterm", "-e", "sh", "-c", `read -r line; printf %s "$line" > "$1"; seq 1000; exec cat`, "-", got)
	h.Follow("1")
	eventually(t, "a picture of the window", h.slot(1))

	first := h.posts()[0]
	data, err := os.ReadFile(first.Post.Media.Path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil || m.Bounds().Dx() != 640 || m.Bounds().Dy() != 480 {
		t.Fatalf("the picture is %v, error %v", m.Bounds(), err)
	}
	if first.Session != "1" || first.ReplyTo != "5" || first.Progress != (bot.Progress{}) || !first.Post.Media.Own {
		t.Errorf("it is put as %+v", first)
	}
	if keys := fmt.Sprint(first.Post.Keyboard.Rows); !strings.Contains(keys, "Refresh") || !strings.Contains(keys, "Stop") {
		t.Errorf("below it are %s", keys)
	}

	text := `it's "here"; $HOME -- \n`
	if err := h.Type(t.Context(), "1", text); err != nil {
		t.Fatal(err)
	}
	for _, long := range []string{strings.Repeat("x", maxText+1), strings.Repeat("ü", maxRare+1)} {
		var said *bot.UserError
		if err := h.Type(t.Context(), "1", long); !errors.As(err, &said) {
			t.Errorf("typing %d bytes: %v", len(long), err)
		}
	}
	if err := h.Press(t.Context(), "1", []string{"enter"}); err != nil {
		t.Fatal(err)
	}
	var typed []byte
	eventually(t, "a line typed into the window", func() bool {
		typed, _ = os.ReadFile(got)
		return len(typed) > 0
	})
	if string(typed) != text {
		t.Errorf("the window gets %q, want %q", typed, text)
	}
	eventually(t, "a new picture of what was done", h.slot(2))

	// Another daemon takes it up where it was, in the same message.
	stop()
	before := len(h.posts())
	h.Displays = &Displays{Dir: h.Dir, Exe: h.Exe, Session: h.Displays.Session, Spool: h, Put: h.Displays.Put, Limits: h.Limits, Logger: h.Logger}
	h.watch()
	eventually(t, "shown by the next daemon", func() bool { return len(h.posts()) > before })
	if last := h.posts()[before]; last.Slot != "gui/1/2" {
		t.Errorf("the next daemon shows it in %s", last.Slot)
	}

	syscall.Kill(-term.cmd.Process.Pid, syscall.SIGTERM)
	term.wait(t)
	h.end("1")
	eventually(t, "all gone", func() bool { _, err := os.Stat(h.folder("1")); return err != nil && len(h.process("1")) == 0 })
	if err := h.Type(t.Context(), "1", "x"); !strings.Contains(fmt.Sprint(err), "no display now") {
		t.Errorf("typing into a display that has ended: %v", err)
	}
}

func TestAClickReachesTheWindowWhereItIs(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	xev := h.open("/usr/bin/xev", "-geometry", "300x300+10+20", "-event", "button")
	h.ready()
	if err := h.Click(t.Context(), "1", 123, 145, 3, 2); err != nil {
		t.Fatal(err)
	}
	syscall.Kill(-xev.cmd.Process.Pid, syscall.SIGINT)
	if s := xev.wait(t); s.Signal() != syscall.SIGINT {
		t.Errorf("the program ends by %v, its session by %v", syscall.SIGINT, s)
	}
	if n := strings.Count(xev.out.String(), "root:(123,145)"); n != 4 || !strings.Contains(xev.out.String(), "button 3") {
		t.Errorf("two presses and releases are seen as\n%s", &xev.out)
	}
	for _, at := range [][2]int{{-1, 5}, {640, 5}, {5, 480}} {
		var said *bot.UserError
		if err := h.Click(t.Context(), "1", at[0], at[1], 1, 1); !errors.As(err, &said) {
			t.Errorf("a click at %v: %v", at, err)
		}
	}
}

func TestAClipOfADisplay(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.open("/usr/bin/xterm", "-e", "sh", "-c", "while :; do date +%N; sleep 0.1; done")
	h.ready()
	c, err := h.Camera("1")
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Still(t.Context())
	if err != nil || bot.PictureKind(p.Data) != ".jpg" {
		t.Errorf("a still of %d bytes, error %v", len(p.Data), err)
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	take, err := c.Clip(t.Context(), camera.ClipOptions{Length: time.Second, FPS: 8, Limit: 5 << 20, Path: path})
	if err != nil || take.Kind != bot.Video || take.Width != 640 || take.Height != 480 || take.Length < 500*time.Millisecond {
		t.Errorf("a clip of 1 s is %+v, error %v", take, err)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("the clip cannot be decoded: %v %s", err, out)
	}
}

func TestTheSessionEndsAsItsProgramDoes(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	r := h.open("/bin/sh", "-c", `echo "$DISPLAY $WAYLAND_DISPLAY"; ulimit -v; echo bad >&2; exit 7`)
	if s := r.wait(t); s.ExitStatus() != 7 {
		t.Errorf("it ends with %v, want 7; %s", s.ExitStatus(), &r.err)
	}
	if !strings.HasPrefix(r.out.String(), ":") || !strings.Contains(r.out.String(), "2097152") || r.err.String() != "bad\n" {
		t.Errorf("it says %q and %q", &r.out, &r.err)
	}
	if left := h.process("1"); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestNoDisplayOutlivesAParentThatIsKilled(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.watch()
	r := h.open("/bin/sleep", "1000")
	eventually(t, "a display", func() bool { _, err := h.at("1"); return err == nil })
	h.Follow("1")
	syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // the holder's last means
	r.wait(t)
	h.end("1")
	eventually(t, "no server, no folder", func() bool { _, err := os.Stat(h.folder("1")); return err != nil && len(h.process("1")) == 0 })
}

func TestNobodyGetsInWithoutTheCookie(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.open("/bin/sleep", "1000")
	eventually(t, "a display", func() bool { _, err := h.at("1"); return err == nil })
	at, err := h.at("1")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := dial(t.Context(), at.display, strings.Repeat("x", 16)); err == nil {
		s.close()
		t.Error("a wrong cookie opens the display")
	}
	cookie, err := readCookie(filepath.Join(at.dir, authorityName))
	if err != nil || len(cookie) != 16 {
		t.Fatalf("a cookie of %d bytes, error %v", len(cookie), err)
	}
	s, err := dial(t.Context(), at.display, cookie)
	if err != nil {
		t.Fatal(err)
	}
	s.close()
	for _, name := range []string{"", authorityName, displayName} {
		if info, err := os.Stat(filepath.Join(at.dir, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v %v", name, info, err)
		}
	}
	for _, pid := range h.process("1") {
		if n := listening(t, pid); n > 0 {
			t.Errorf("process %d listens on %d TCP ports", pid, n)
		}
	}
}

// listening is how many TCP sockets of the process listen.
func listening(t *testing.T, pid int) (n int) {
	t.Helper()
	var tables string
	for _, name := range []string{"tcp", "tcp6"} {
		text, _ := os.ReadFile("/proc/net/" + name)
		tables += string(text)
	}
	fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if len(fds) == 0 {
		t.Fatalf("process %d is not there", pid)
	}
	for _, fd := range fds {
		target, _ := os.Readlink(fd)
		inode, ok := strings.CutPrefix(strings.TrimSuffix(target, "]"), "socket:[")
		if ok && strings.Contains(tables, " "+inode+" ") {
			n++
		}
	}
	return n
}

func TestKeysAreNamedAsXdotoolNamesThem(t *testing.T) {
	for name, want := range map[string]string{
		"enter": "Return", "ctrl-c": "ctrl+c", "^c": "ctrl+c", "Ctrl-Shift-Left": "ctrl+shift+Left", "alt-f4": "alt+F4", "pgdn": "Next",
		"a": "a", "Z": "Z", "7": "7", "+": "U002B", "-": "U002D", "ctrl--": "ctrl+U002D", "ü": "U00FC", ";": "U003B",
	} {
		if got, ok := keysym(name); !ok || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"", "entr", "ctrl-", "--file", "a b", "\n", "0xff"} {
		if got, ok := keysym(name); ok {
			t.Errorf("%q is %q, want no key", name, got)
		}
	}
}

func TestSizes(t *testing.T) {
	if s, err := ParseSize("800X600"); err != nil || s != (Size{800, 600}) {
		t.Errorf("800X600 is %v, error %v", s, err)
	}
	for _, text := range []string{"", "800", "0x0", "800x", "-5x600", "9000x600", "800x600x24"} {
		if s, err := ParseSize(text); err == nil {
			t.Errorf("%q is %v, want none", text, s)
		}
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	h := newHall(t)
	h.open("/bin/sleep", "1000")
	eventually(t, "a display", func() bool { _, err := h.at("1"); return err == nil })
	t.Setenv("PATH", t.TempDir())
	want := "sudo apt install xvfb xdotool ffmpeg"
	for what, err := range map[string]error{
		"a display": h.Prepare("2", UsualSize, &bot.Spec{Argv: []string{"/bin/true"}}),
		"a click":   h.Click(t.Context(), "1", 1, 1, 1, 1),
	} {
		var said *bot.UserError
		if !errors.As(err, &said) || !strings.Contains(said.Text, want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
}

func TestAMovedSessionIsShownWhereItGoes(t *testing.T) {
	t.Parallel()
	h := newHall(t)
	h.watch()
	h.open("/usr/bin/xterm", "-e", "cat")
	h.Follow("1")
	eventually(t, "a picture", h.slot(1))
	h.mu.Lock()
	h.chat = "8"
	h.mu.Unlock()
	eventually(t, "a new message", h.slot(2))
	if posts := h.posts(); posts[len(posts)-1].Thread.Chat != "8" {
		t.Errorf("it is shown in %v", posts[len(posts)-1].Thread)
	}
}

func TestProgramsOfAnotherAccountGetNoDisplay(t *testing.T) {
	h := newHall(t)
	var said *bot.UserError
	if err := h.Prepare("1", UsualSize, &bot.Spec{Argv: []string{"/bin/true"}, User: "pi"}); !errors.As(err, &said) {
		t.Errorf("got %v", err)
	}
}
