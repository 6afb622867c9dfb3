// Package holder is the process that a session's program is the child of: it
// owns the terminal or the pipes, writes all output to the journal and knows
// how the program ended, whatever becomes of the daemon. It is in charge of
// one session at a time and of the files in that session's folder; it knows
// nothing of chats, people or other sessions.
//
// A holder is this same program, executed with "hold" as its first argument by
// package runner, and connected to the daemon by a socket at descriptor 3. It
// waits there for a session to start, and when that has ended for the next:
// executing the whole program costs more than most programs do. When the
// daemon goes away an idle holder ends. One with a session goes on, can be
// reached at control.sock in the session's folder, and ends with its session.
//
// The package also has what the two sides share: the messages, and the records
// in the folder.
package holder

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// Arg is the first argument that makes this program a holder.
const Arg = "hold"

const (
	// poolFD is the descriptor of the socket to the daemon.
	poolFD = 3
	// gcPercent keeps the heap of a holder, which needs next to none, small.
	gcPercent = 50
	// memoryLimit is what its heap is collected hard for.
	memoryLimit = 24 << 20
	// processors is how many threads run Go code at once. One is enough for
	// what there is to do, and it is faster with one than with two: none
	// spins while it looks for work.
	processors = 1
)

// tuning is the environment that makes a process of this program small.
func tuning(processors int) []string {
	return []string{
		"GOMAXPROCS=" + strconv.Itoa(processors),
		"GOGC=" + strconv.Itoa(gcPercent),
	}
}

// Command is how to execute a holder: its arguments and its environment.
// Descriptor 3 is to be its end of a connected unix stream socket.
func Command() (argv, env []string) {
	return []string{"chapi", Arg}, tuning(processors)
}

// Main is the holder's main function. It is to be called before anything else
// when the program's first argument is Arg, and does not return.
func Main() {
	if len(os.Args) > 2 && os.Args[2] == limiterArg {
		becomeLimited()
	}
	inherited := os.NewFile(poolFD, "daemon")
	conn, err := net.FileConn(inherited)
	if err != nil {
		fmt.Fprintln(os.Stderr, "chapi hold: it is started by chapi itself, not by hand")
		os.Exit(2)
	}
	inherited.Close()
	settle()
	h := &host{daemon: NewConn(conn)}
	go h.heed(terminations())
	h.serve()
	os.Exit(0)
}

// settle makes this process fit to be the parent of programs.
func settle() {
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(memoryLimit)
	unix.Umask(0o022)
	protect()
	// What the daemon was itself given by mistake is not to be passed on.
	unix.CloseRange(poolFD, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC)
}

// terminations is the signals that end a holder. Those of terminals are
// caught and dropped: a daemon that was started with nohup or by a shell may
// pass them on as ignored, and only what is caught is set back to its default
// in a program that we start (execve(2)).
func terminations() <-chan os.Signal {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, unix.SIGTERM)
	dropped := make(chan os.Signal, 1)
	signal.Notify(dropped, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT)
	return ends
}

// host is a holder while it has a daemon.
type host struct {
	daemon *Conn

	mu      sync.Mutex
	session *session // nil while idle
}

// serve does what the daemon asks until it goes away, and then sees the
// session through.
func (h *host) serve() {
	if h.daemon.Send(Message{Hello: &Hello{Version: Version, Holder: self()}}) == nil {
		h.listen()
	}
	h.daemon.Close()
	if s := h.current(); s != nil {
		s.open()
		s.await()
	}
}

func (h *host) listen() {
	for {
		m, err := h.daemon.Receive()
		switch {
		case err != nil:
			return
		case m.Start != nil:
			h.start(m.Start)
		case m.Order != nil:
			h.daemon.Send(Message{Ack: h.order(m.Order)})
		}
	}
}

func (h *host) current() *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.session
}

func (h *host) start(req *Start) {
	if h.current() != nil {
		h.daemon.Send(Message{Begun: &Begun{ID: req.ID, Kind: Broken, Text: "the holder has a session"}})
		return
	}
	if h.daemon.Gone() {
		// The daemon that asked is dead. The next one finds no trace of the
		// session and says that it was interrupted: so it must not begin now.
		return
	}
	s, refusal := begin(req)
	if refusal != nil {
		h.daemon.Send(Message{Begun: refusal})
		return
	}
	h.mu.Lock()
	h.session = s
	h.mu.Unlock()
	h.daemon.Send(Message{Begun: &Begun{ID: req.ID}})
	s.tell(h.daemon, Status{ID: s.id})
	go func() {
		exit := s.run()
		h.mu.Lock()
		h.session = nil
		h.mu.Unlock()
		// Only now may the daemon hear of it: it may send the next at once.
		s.close(exit)
	}()
}

func (h *host) order(o *Order) *Ack {
	s := h.current()
	if s == nil || s.id != o.ID {
		return newAck(o.Seq, bot.ErrEnded)
	}
	return s.answer(o)
}

// heed ends the holder when the machine goes down, in order: its session is
// stopped and recorded.
func (h *host) heed(ends <-chan os.Signal) {
	<-ends
	if s := h.current(); s != nil {
		s.stop(bot.Stopped, "something on the machine told it to end")
		s.await()
	}
	os.Exit(0)
}
