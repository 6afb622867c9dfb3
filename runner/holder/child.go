package holder

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"chapi/bot"
)

// child is a started program and our ends of its input and output.
type child struct {
	pid   int
	stdin *os.File // the terminal itself under a PTY
	tty   *os.File // nil with pipes
	outs  []output
}

// output is one end to read from.
type output struct {
	file   *os.File
	stream bot.Stream
}

// start starts the program. The error is a *bot.StartError when the fault is
// with the program.
func (p *program) start() (*child, error) {
	c, theirs, err := p.connect()
	if err != nil {
		return nil, fmt.Errorf("connect program: %w", err)
	}
	attr := &syscall.ProcAttr{
		Dir:   p.Dir,
		Env:   p.Env,
		Files: theirs[:],
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: p.PTY, Ctty: 0, Credential: p.as},
	}
	if p.CPU > 0 || p.Memory > 0 {
		c.pid, err = p.forkLimited(attr)
	} else {
		c.pid, err = fork(p.path, p.Argv, attr, p.Nice)
	}
	for i, fd := range theirs {
		if i == 0 || fd != theirs[0] {
			unix.Close(int(fd))
		}
	}
	if err != nil {
		c.close()
		return nil, p.refused(err)
	}
	return c, nil
}

// connect makes the terminal or the three pipes. Our ends are non-blocking.
func (p *program) connect() (*child, [3]uintptr, error) {
	if p.PTY {
		return p.openTerminal()
	}
	return openPipes()
}

func openPipes() (*child, [3]uintptr, error) {
	var fds [6]int // read and write end of each
	for i := 0; i < 6; i += 2 {
		if err := unix.Pipe2(fds[i:i+2], unix.O_CLOEXEC); err != nil {
			for _, fd := range fds[:i] {
				unix.Close(fd)
			}
			return nil, [3]uintptr{}, err
		}
	}
	ours := [3]int{fds[1], fds[2], fds[4]}
	for _, fd := range ours {
		unix.SetNonblock(fd, true)
	}
	out, err := os.NewFile(uintptr(ours[1]), "stdout"), os.NewFile(uintptr(ours[2]), "stderr")
	return &child{
		stdin: os.NewFile(uintptr(ours[0]), "stdin"),
		outs:  []output{{out, bot.Stdout}, {err, bot.Stderr}},
	}, [3]uintptr{uintptr(fds[0]), uintptr(fds[3]), uintptr(fds[5])}, nil
}

// openTerminal opens a PTY of the asked size. Its master, as package pty
// opens it, can neither be given deadlines nor be closed while it is being
// read, because it is in blocking mode; a non-blocking duplicate can.
func (p *program) openTerminal() (*child, [3]uintptr, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, [3]uintptr{}, err
	}
	defer master.Close()
	defer slave.Close()
	if p.Size != (bot.Size{}) {
		if err := pty.Setsize(master, &pty.Winsize{Cols: p.Size.Cols, Rows: p.Size.Rows}); err != nil {
			return nil, [3]uintptr{}, err
		}
	}
	setUTF8(int(slave.Fd()))
	if p.as != nil {
		// As login(1) does, so that the program can open its own terminal.
		slave.Chown(int(p.as.Uid), -1)
	}
	ours, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, [3]uintptr{}, err
	}
	theirs, err := unix.FcntlInt(slave.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		unix.Close(ours)
		return nil, [3]uintptr{}, err
	}
	unix.SetNonblock(ours, true)
	tty := os.NewFile(uintptr(ours), "terminal")
	fd := uintptr(theirs)
	return &child{stdin: tty, tty: tty, outs: []output{{tty, bot.Stdout}}}, [3]uintptr{fd, fd, fd}, nil
}

// setUTF8 makes the terminal's own line editing erase whole characters.
func setUTF8(fd int) {
	if t, err := unix.IoctlGetTermios(fd, unix.TCGETS); err == nil {
		t.Iflag |= unix.IUTF8
		unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
}

// fork starts a program with an empty signal mask and the niceness.
//
// Both belong to the thread that forks (sigprocmask(2), setpriority(2),
// "C library/kernel differences"), so they hold from the first instruction on.
// A niceness cannot be taken back without a privilege; the thread that took it
// on is therefore not used again: it ends with its goroutine, which never
// unlocks it. Signal dispositions need no care here: the runtime sets handled
// signals back to their defaults, and Main handles those that it may have
// inherited as ignored.
func fork(path string, argv []string, attr *syscall.ProcAttr, nice int) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if nice > 0 {
			if err = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), min(nice, 19)); err != nil {
				return
			}
		} else {
			defer runtime.UnlockOSThread()
		}
		var none, old unix.Sigset_t
		if err = unix.PthreadSigmask(unix.SIG_SETMASK, &none, &old); err != nil {
			return
		}
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
		defer expose()()
		pid, err = syscall.ForkExec(path, argv, attr)
	}()
	<-done
	return pid, err
}

// outcome is how a process ended.
type outcome struct {
	code   int // -1 when a signal ended it
	signal syscall.Signal
}

// await blocks until the process has ended. It is left a zombie, which keeps
// its number, and with it those of its group and session, from being used
// again until reap: until then they can be signalled safely.
func (c *child) await() outcome {
	var info unix.Siginfo
	for {
		err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return outcome{code: -1}
		}
	}
	// sigaction(2): for SIGCHLD the union after the three numbers, which is
	// aligned as a pointer, holds si_pid, si_uid and si_status.
	const word = unsafe.Sizeof(uintptr(0))
	const union = (3*4 + word - 1) / word * word
	status := *(*int32)(unsafe.Add(unsafe.Pointer(&info), union+2*4))
	const exited = 1 // CLD_EXITED
	if info.Code == exited {
		return outcome{code: int(status)}
	}
	return outcome{code: -1, signal: syscall.Signal(status)}
}

// reap lets the kernel forget the process.
func (c *child) reap() {
	for {
		if _, err := unix.Wait4(c.pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// foreground is the process group that the terminal's keys go to; 0 without
// one.
func (c *child) foreground() int {
	group := 0
	c.ioctl(func(fd int) error {
		g, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		if err == nil {
			group = g
		}
		return err
	})
	return group
}

func (c *child) resize(size bot.Size) error {
	return c.ioctl(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: size.Cols, Row: size.Rows})
	})
}

// endOfFile is the key that ends input on the terminal, ^D unless the program
// has changed it.
func (c *child) endOfFile() byte {
	const usual = 4
	if t := c.modes(); t != nil && t.Cc[unix.VEOF] != 0 {
		return t.Cc[unix.VEOF]
	}
	return usual
}

// modes is the terminal's settings; nil without a terminal.
func (c *child) modes() (t *unix.Termios) {
	c.ioctl(func(fd int) (err error) {
		t, err = unix.IoctlGetTermios(fd, unix.TCGETS)
		return err
	})
	return t
}

var errNoTerminal = errors.New("the session has no terminal")

// ioctl calls f with the terminal's descriptor. File.Fd would put it into
// blocking mode.
func (c *child) ioctl(f func(fd int) error) error {
	if c.tty == nil {
		return errNoTerminal
	}
	raw, err := c.tty.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// close lets go of our ends.
func (c *child) close() {
	c.stdin.Close()
	for _, o := range c.outs {
		o.file.Close()
	}
}

// badness reads and writes our oom_score_adj, proc_pid_oom_score_adj(5).
const badness = "/proc/self/oom_score_adj"

// protection is how much less likely than others a holder is to be killed when
// memory runs out: it is small, and its death costs a session its end.
const protection = "-500"

// ordinary is the badness that we were given, and that programs get; empty
// when we may not be protected.
var ordinary string

// protect makes the kernel spare this process, if we may.
func protect() {
	was, err := os.ReadFile(badness)
	if err == nil && os.WriteFile(badness, []byte(protection), 0) == nil {
		ordinary = strings.TrimSpace(string(was))
	}
}

// expose takes our protection away for as long as a program is started, which
// inherits what we have, and returns what gives it back.
func expose() (restore func()) {
	if ordinary == "" {
		return func() {}
	}
	os.WriteFile(badness, []byte(ordinary), 0)
	return func() { os.WriteFile(badness, []byte(protection), 0) }
}
