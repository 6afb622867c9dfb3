package camera

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

const (
	// lowNice is the priority of everything that captures and encodes: the
	// device's own work goes first.
	lowNice = 10
	// stderrKept is how much of a program's complaints is kept: its last words
	// say what went wrong.
	stderrKept = 4 << 10
	// drainTime is how long output is read on once a program has ended.
	drainTime = time.Second
)

// program is an external program for one run. Its whole process group is killed
// when its time is over, and dies with the daemon.
type program struct {
	argv   []string
	stdin  io.Reader
	stdout io.Writer
	env    []string // beside what every program gets
	limit  time.Duration
	file   *os.File // it has it as theFile; nil = none
}

// theFile is a program's name for its file, which by its own name could be
// another by the time that it is opened.
const theFile = "/proc/self/fd/3"

// programError is a program that could not be run or has failed.
type programError struct {
	name  string
	words string // the last line of its standard error
	late  bool   // its time was over
	limit time.Duration
	err   error
}

func (e *programError) Error() string {
	switch {
	case e.late:
		return fmt.Sprintf("%s gave nothing within %s", e.name, e.limit)
	case e.words != "":
		return e.name + ": " + e.words
	default:
		return fmt.Sprintf("%s: %v", e.name, e.err)
	}
}

func (e *programError) Unwrap() error { return e.err }

// packages are the Debian packages of the programs that are looked for.
var packages = map[string]string{
	"ffmpeg": "ffmpeg", "ffprobe": "ffmpeg", "rpicam-still": "rpicam-apps", "rpicam-vid": "rpicam-apps",
}

// installed is the path of a program, or words on how to get it.
func installed(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if p := packages[name]; p != "" {
		return "", &bot.UserError{Text: fmt.Sprintf("That takes the program %s, which is not installed: sudo apt install %s", name, p), Err: err}
	}
	return "", &bot.UserError{Text: "There is no program " + name + " on this device.", Err: err}
}

// run runs the program to its end. Errors are *programError, a *bot.UserError
// when it is not installed, and ctx's.
func (p program) run(ctx context.Context) error {
	path, err := installed(p.argv[0])
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	complaints := &lastWords{}
	cmd := exec.CommandContext(limited, path, p.argv[1:]...)
	cmd.Env = append(environment(), p.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, complaints
	if p.file != nil {
		cmd.ExtraFiles = []*os.File{p.file}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = drainTime
	// The death signal comes when the thread ends that has started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		return &programError{name: p.argv[0], err: err}
	}
	yield(cmd.Process.Pid)
	err = cmd.Wait()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay): // it took no more of its input
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &programError{
		name: p.argv[0], words: complaints.line(), limit: p.limit,
		late: errors.Is(limited.Err(), context.DeadlineExceeded), err: err,
	}
}

// yield lets everything else go first, on the processor and on the disk. It is
// a courtesy: failures do not matter.
func yield(group int) {
	const (
		whoGroup   = 2         // IOPRIO_WHO_PGRP, linux/ioprio.h
		bestEffort = 2<<13 | 7 // the last place of the usual class
	)
	unix.Setpriority(unix.PRIO_PGRP, group, lowNice)
	unix.Syscall(unix.SYS_IOPRIO_SET, whoGroup, uintptr(group), bestEffort)
}

// environment is what programs get: nothing of the daemon's own but where
// things are.
func environment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANG", "TMPDIR", "XDG_RUNTIME_DIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// lastWords keeps the end of what is written to it.
type lastWords struct{ text []byte }

func (l *lastWords) Write(b []byte) (int, error) {
	l.text = append(l.text, b...)
	if len(l.text) > stderrKept {
		l.text = append([]byte(nil), l.text[len(l.text)-stderrKept:]...)
	}
	return len(b), nil
}

// line is the last line that says something.
func (l *lastWords) line() string {
	lines := bytes.FieldsFunc(l.text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := len(lines) - 1; i >= 0; i-- {
		text := strings.TrimSpace(strings.ToValidUTF8(string(lines[i]), "?"))
		text = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7F {
				return ' '
			}
			return r
		}, text)
		if text != "" && text != "Conversion failed!" {
			if len(text) > 300 {
				text = "…" + strings.ToValidUTF8(text[len(text)-300:], "")
			}
			return text
		}
	}
	return ""
}

// bounded passes on at most left bytes, and fails after that.
type bounded struct {
	w    io.Writer
	left int
}

var errTooMuch = errors.New("gave more than is accepted")

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errTooMuch
	}
	b.left -= len(p)
	return b.w.Write(p)
}
