package gui

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Arg is the first argument that makes this program the parent of a display.
const Arg = "display"

const (
	// serverStart is how long a display may take to be there: Xvfb compiles a
	// keymap first, which takes a small device seconds.
	serverStart = 20 * time.Second
	// serverGrace is how long it has to end before it is killed.
	serverGrace = 2 * time.Second
	// serverWords is how much of its complaints is kept, in bytes.
	serverWords = 4 << 10
)

// Exit statuses beside the program's own, as shells use them.
const (
	exitNoDisplay = 125
	exitNoProgram = 126
	exitSignalled = 128 // and the signal's number
)

// The files in the folder of a display.
const (
	authorityName = "authority" // the cookie, as Xlib reads it
	displayName   = "display"   // where it is, and its size; there once it is ready
	postedName    = "posted"    // how many messages show it; the daemon's
)

// Main is the main function of the parent of a display, which is a session's
// process: it starts an X server with a screen in memory, runs the program on it
// and ends the server when the program ends. It is to be called before anything
// else when the program's first argument is Arg, and does not return. The
// arguments after it are those of parent.argv.
func Main() {
	if len(os.Args) > 2 && os.Args[2] == limitedArg {
		becomeLimited(os.Args[3:])
	}
	p, err := parseParent(os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chapi display: it is started by chapi itself, not by hand")
		os.Exit(2)
	}
	// The session's signals go to every process in it, the program too, so none
	// is passed on; but this one has to see the end of the program. What is
	// caught is set back to its default in the program (execve(2)).
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2,
		unix.SIGALRM, unix.SIGPIPE, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	// A death signal comes when the thread ends that has started the child.
	runtime.LockOSThread()
	status, err := p.run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chapi:", err)
	}
	status.exit()
}

// parent is what the parent of a display is told.
type parent struct {
	dir     string // for the display's files, removed by it
	size    Size
	memory  int64    // the program's address space in bytes; 0 = no bound
	seconds int64    // its processor time; 0 = no bound
	program []string // its arguments, the first one a path
}

func (p parent) argv(exe string) []string {
	return append([]string{exe, Arg, p.dir, p.size.String(), strconv.FormatInt(p.memory, 10), strconv.FormatInt(p.seconds, 10), "--"}, p.program...)
}

func parseParent(args []string) (p parent, err error) {
	if len(args) < 6 || args[4] != "--" || !filepath.IsAbs(args[0]) {
		return p, errors.New("arguments")
	}
	p.dir, p.program = args[0], args[5:]
	var e1, e2, e3 error
	p.size, e1 = ParseSize(args[1])
	p.memory, e2 = strconv.ParseInt(args[2], 10, 64)
	p.seconds, e3 = strconv.ParseInt(args[3], 10, 64)
	return p, errors.Join(e1, e2, e3)
}

// status is how the program ended.
type status struct {
	code   int
	signal syscall.Signal // 0 = none
}

// exit ends this process as the program ended.
func (s status) exit() {
	switch s.signal {
	case 0:
	case unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGKILL:
		signal.Reset(s.signal)
		unix.Kill(os.Getpid(), s.signal)
		time.Sleep(time.Second) // it comes any moment
		fallthrough
	default: // one that would dump our core, or say something of ours
		fmt.Fprintf(os.Stderr, "chapi: the program was killed by signal %s\n", unix.SignalName(s.signal))
		os.Exit(exitSignalled + int(s.signal))
	}
	os.Exit(s.code)
}

func (p parent) run() (status, error) {
	defer os.RemoveAll(p.dir)
	server, err := p.serve()
	if err != nil {
		return status{code: exitNoDisplay}, err
	}
	defer server.end()
	argv := p.limited()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = environment(os.Environ(), "DISPLAY="+server.display, "XAUTHORITY="+filepath.Join(p.dir, authorityName))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return status{code: exitNoProgram}, fmt.Errorf("start %s: %w", p.program[0], errors.Unwrap(err))
	}
	if err := p.tell(server.display); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return status{code: exitNoDisplay}, err
	}
	// A program notices by itself that its server is gone; one that does not is
	// told.
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-server.ended:
			fmt.Fprintln(os.Stderr, "chapi: the display has ended:", server.words())
			cmd.Process.Signal(unix.SIGTERM)
		case <-over:
		}
	}()
	cmd.Wait()
	if state, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && state.Signaled() {
		return status{signal: state.Signal()}, nil
	}
	return status{code: cmd.ProcessState.ExitCode()}, nil
}

// A program's limits hold from its first instruction on, and must not be those
// of its parent, whose runtime reserves more addresses than small ones allow. So
// where there are limits, this program is executed once more in between: it sets
// them and becomes the program.

// limitedArg is the argument after Arg that asks for it. Behind it are memory,
// seconds and the program.
const limitedArg = "limited"

// limited is what is to be executed to run the program.
func (p parent) limited() []string {
	if p.memory == 0 && p.seconds == 0 {
		return p.program
	}
	return append([]string{"/proc/self/exe", Arg, limitedArg, strconv.FormatInt(p.memory, 10), strconv.FormatInt(p.seconds, 10)}, p.program...)
}

// becomeLimited does not return.
func becomeLimited(args []string) {
	err := errors.New("too few arguments")
	if len(args) > 2 {
		err = nil
		for i, what := range []int{unix.RLIMIT_AS, unix.RLIMIT_CPU} {
			most, wrong := strconv.ParseUint(args[i], 10, 63)
			if wrong == nil && most > 0 {
				wrong = unix.Setrlimit(what, &unix.Rlimit{Cur: most, Max: most + uint64(i)*killAfter})
			}
			err = errors.Join(err, wrong)
		}
	}
	if err == nil {
		err = syscall.Exec(args[2], args[2:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "chapi: start the program:", err)
	os.Exit(exitNoProgram)
}

// killAfter is the time, in seconds, between the signal XCPU, which a program may
// handle, and its end.
const killAfter = 2

// tell writes down where the display is, whole.
func (p parent) tell(display string) error {
	path := filepath.Join(p.dir, displayName)
	if err := os.WriteFile(path+".new", []byte(display+" "+p.size.String()+"\n"), 0o600); err != nil {
		return fmt.Errorf("write down where the display is: %w", err)
	}
	return os.Rename(path+".new", path)
}

// environment is env with the variables, and without what would lead programs to
// another screen.
func environment(env []string, set ...string) []string {
	var out []string
	for _, variable := range env {
		switch name, _, _ := strings.Cut(variable, "="); name {
		case "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET", "XDG_SESSION_TYPE":
		default:
			out = append(out, variable)
		}
	}
	return append(append(out, "XDG_SESSION_TYPE=x11"), set...)
}

// server is a running X server.
type server struct {
	display string // such as :99
	cmd     *exec.Cmd
	said    *ending
	ended   chan struct{} // closed when it is gone
}

// serve starts Xvfb and waits until it can be used. It has a session of its own,
// so that a program that is told to end still has its display to end on; it dies
// with us, however we do.
func (p parent) serve() (*server, error) {
	authority := filepath.Join(p.dir, authorityName)
	if err := writeAuthority(authority); err != nil {
		return nil, err
	}
	number, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a display: %w", err)
	}
	defer number.Close()
	s := &server{said: &ending{}, ended: make(chan struct{})}
	s.cmd = exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", p.size.String()+"x24",
		"-nolisten", "tcp", "-noreset", "-dpi", "96", "-auth", authority)
	s.cmd.ExtraFiles = []*os.File{theirs} // descriptor 3
	s.cmd.Stderr = s.said
	s.cmd.WaitDelay = serverGrace
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	err = s.cmd.Start()
	theirs.Close()
	if err != nil {
		return nil, fmt.Errorf("start a display: %w; sudo apt install %s", err, packages)
	}
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	number.SetReadDeadline(time.Now().Add(serverStart))
	text, err := io.ReadAll(io.LimitReader(number, 16))
	n, wrong := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || wrong != nil {
		s.end()
		return nil, fmt.Errorf("the display did not start within %s: %s", serverStart, s.words())
	}
	s.display = ":" + strconv.Itoa(n)
	return s, nil
}

// end ends the server and returns when it is gone.
func (s *server) end() {
	s.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(serverGrace):
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// words is the last that the server has complained of.
func (s *server) words() string {
	select {
	case <-s.ended:
	case <-time.After(serverGrace):
		return "no word"
	}
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(s.said.text), "?")), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// ending keeps the end of what is written to it.
type ending struct{ text []byte }

func (e *ending) Write(b []byte) (int, error) {
	e.text = append(e.text, b...)
	if len(e.text) > serverWords {
		e.text = append([]byte(nil), e.text[len(e.text)-serverWords:]...)
	}
	return len(b), nil
}

// cookieKind is the way to show that one may use a display: by knowing 16 bytes.
const cookieKind = "MIT-MAGIC-COOKIE-1"

// writeAuthority makes a new file with a new cookie, in the format of Xauth(7):
// family, address, number of the display, kind and cookie, each text with a
// length of two bytes in front, the most significant one first. The family 65535
// fits every address, an empty number every display.
func writeAuthority(path string) error {
	cookie := make([]byte, 16)
	rand.Read(cookie)
	var b bytes.Buffer
	b.Write([]byte{0xFF, 0xFF})
	for _, part := range []string{"", "", cookieKind, string(cookie)} {
		binary.Write(&b, binary.BigEndian, uint16(len(part)))
		b.WriteString(part)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the key of a display: %w", err)
	}
	_, err = f.Write(b.Bytes())
	return errors.Join(err, f.Close())
}

// readCookie is the cookie in a file that writeAuthority has written.
func readCookie(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the key of a display: %w", err)
	}
	if len(b) < 2 {
		return "", errBadAuthority
	}
	var parts []string
	for b = b[2:]; len(b) >= 2 && len(parts) < 4; {
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			return "", errBadAuthority
		}
		parts = append(parts, string(b[:n]))
		b = b[n:]
	}
	if len(parts) < 4 || parts[2] != cookieKind {
		return "", errBadAuthority
	}
	return parts[3], nil
}

var errBadAuthority = errors.New("the key of a display cannot be read")
