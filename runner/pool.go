package runner

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chapi/runner/holder"
)

const (
	// briefly is how long a session is expected to be a short one, whose
	// holder is soon free again.
	briefly = 100 * time.Millisecond
	// shrinkAfter is how long a holder beyond the warm ones stays unused.
	shrinkAfter = 10 * time.Second
	// maxUses is how many sessions a holder serves. Whatever a long life might
	// gather ends with it.
	maxUses = 1000
	// readyMost bounds how long a holder may take to be ready.
	readyMost = 20 * time.Second
	// reapEvery is how often a holder that hung up is looked after.
	reapEvery = 20 * time.Millisecond
	// holderLog is where holders write what they cannot say otherwise, such as
	// a crash; maxHolderLog is the size at which it is begun anew.
	holderLog    = "holder.log"
	maxHolderLog = 256 << 10
)

// pool keeps idle holders. Executing one costs several milliseconds of the
// processor, more than most commands; handing a session to one that waits
// costs next to nothing.
type pool struct {
	runner    *Runner
	exe       string
	warm, max int

	mu        sync.Mutex
	idle      []*worker // the one used last is last, and used next
	since     []time.Time
	busy      map[*worker]time.Time // since when
	waiting   []chan grant          // first come, first served
	executing int                   // holders that are not ready yet
	freed     time.Time             // when a session was over last
	tending   bool
	closed    bool
}

// grant is what a waiting taker gets.
type grant struct {
	worker *worker
	err    error
}

// take is an idle holder, the caller's alone. It blocks until there is one.
func (p *pool) take(ctx context.Context) (*worker, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle, p.since = p.idle[:n-1], p.since[:n-1]
		p.busy[w] = time.Now()
		p.tend()
		p.mu.Unlock()
		return w, nil
	}
	turn := make(chan grant, 1)
	p.waiting = append(p.waiting, turn)
	p.grow()
	p.mu.Unlock()

	hurry := time.NewTicker(briefly)
	defer hurry.Stop()
	for {
		select {
		case g := <-turn:
			return g.worker, g.err
		case <-hurry.C:
			p.mu.Lock()
			p.grow()
			p.mu.Unlock()
		case <-ctx.Done():
			return nil, p.giveUp(turn, ctx.Err())
		}
	}
}

// giveUp takes a taker out of the queue, or returns what it got meanwhile.
func (p *pool) giveUp(turn chan grant, why error) error {
	p.mu.Lock()
	i := slices.Index(p.waiting, turn)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		if g := <-turn; g.worker != nil {
			p.put(g.worker)
		}
	}
	return why
}

// grow executes holders for those who wait, no more at once than there are
// processors to do it. While enough others have short sessions it is quicker
// to wait for one of them: as long as they do come free. The lock is held.
func (p *pool) grow() {
	young := 0
	for _, since := range p.busy {
		if time.Since(since) < briefly {
			young++
		}
	}
	stuck := time.Since(p.freed) > briefly
	for p.executing < min(len(p.waiting), runtime.GOMAXPROCS(0)) && (stuck || young+p.executing < p.max) {
		p.execute()
	}
}

// execute starts a holder, which comes to the pool when it is ready. The lock
// is held.
func (p *pool) execute() {
	p.executing++
	p.runner.spawn(func() {
		w, err := p.newWorker()
		p.mu.Lock()
		p.executing--
		p.mu.Unlock()
		if err != nil {
			p.fail(err)
			return
		}
		p.put(w)
		w.listen()
	})
}

// fail tells who waits longest that no holder could be executed.
func (p *pool) fail(err error) {
	p.runner.log.Error("Cannot execute a holder", "err", err)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.waiting[0] <- grant{err: err}
		p.waiting = p.waiting[1:]
	}
}

// put takes an idle holder in, and hands it on to who waits.
func (p *pool) put(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w.uses > 0 {
		p.freed = time.Now()
	}
	delete(p.busy, w)
	switch {
	case p.closed || w.isDefunct() || w.uses >= maxUses || (len(p.waiting) == 0 && len(p.idle) >= p.max):
		w.conn.Close()
	case len(p.waiting) > 0:
		p.waiting[0] <- grant{worker: w}
		p.waiting = p.waiting[1:]
		p.busy[w] = time.Now()
		p.grow()
	default:
		p.idle = append(p.idle, w)
		p.since = append(p.since, time.Now())
	}
	p.tend()
}

// lost takes a holder out whose connection has ended, and reaps it.
func (p *pool) lost(w *worker) {
	p.mu.Lock()
	delete(p.busy, w)
	if i := slices.Index(p.idle, w); i >= 0 {
		p.idle, p.since = slices.Delete(p.idle, i, i+1), slices.Delete(p.since, i, i+1)
	}
	p.tend()
	p.mu.Unlock()
	p.runner.spawn(func() { p.reap(w.identity.PID) })
}

// reap waits for a child that is about to end. One that does not, because it
// still has a session, is init's once we are gone.
func (p *pool) reap(pid int) {
	for {
		got, err := unix.Wait4(pid, nil, unix.WNOHANG, nil)
		if got == pid || (err != nil && err != unix.EINTR) {
			return
		}
		select {
		case <-time.After(reapEvery):
		case <-p.runner.closing:
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
			return
		}
	}
}

// tend sees to it that there will soon be as many idle holders as there should
// be. The lock is held.
func (p *pool) tend() {
	after := shrinkAfter
	switch {
	case p.closed || p.tending || len(p.idle) == p.warm:
		return
	case len(p.idle) < p.warm:
		after = briefly
	}
	p.tending = true
	p.runner.spawn(func() {
		select {
		case <-time.After(after):
		case <-p.runner.closing:
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.tending = false
		p.adjust()
	})
}

// adjust executes missing holders and closes those that nobody has used for
// long. The lock is held.
func (p *pool) adjust() {
	if p.closed {
		return
	}
	for p.executing+len(p.idle) < p.warm {
		p.execute()
	}
	for len(p.idle) > p.warm && time.Since(p.since[0]) >= shrinkAfter {
		p.idle[0].conn.Close()
		p.idle, p.since = p.idle[1:], p.since[1:]
	}
	if len(p.idle) > p.warm {
		p.tend()
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, w := range p.idle {
		w.conn.Close()
	}
	for w := range p.busy {
		w.conn.Close()
	}
	for _, turn := range p.waiting {
		turn <- grant{err: ErrClosed}
	}
	p.idle, p.waiting = nil, nil
}

// newWorker executes a holder and waits until it is ready.
func (p *pool) newWorker() (*worker, error) {
	conn, pid, err := p.exec()
	if err != nil {
		return nil, fmt.Errorf("execute holder: %w", err)
	}
	hello, err := conn.Await(readyMost)
	if err != nil {
		conn.Close()
		unix.Kill(pid, unix.SIGKILL)
		unix.Wait4(pid, nil, 0, nil)
		return nil, fmt.Errorf("execute holder: %s does not act as one: %w", p.exe, err)
	}
	return &worker{runner: p.runner, conn: conn, identity: hello.Holder, pooled: true}, nil
}

// exec executes a holder in a session of its own, so that what a terminal
// sends to the daemon does not reach it.
func (p *pool) exec() (*holder.Conn, int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "holder"), os.NewFile(uintptr(pair[1]), "daemon")
	defer ours.Close()
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, 0, err
	}
	defer null.Close()
	log, err := p.openLog()
	if err != nil {
		log = null // its last words are not worth a session
	} else {
		defer log.Close()
	}
	argv, env := holder.Command()
	child, err := os.StartProcess(p.exe, argv, &os.ProcAttr{
		Dir:   "/",
		Env:   env,
		Files: []*os.File{null, null, log, theirs},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, 0, err
	}
	pid := child.Pid
	child.Release()
	c, err := net.FileConn(ours)
	if err != nil {
		return nil, 0, err
	}
	return holder.NewConn(c), pid, nil
}

func (p *pool) openLog() (*os.File, error) {
	path := p.runner.dir + "/" + holderLog
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > maxHolderLog {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}

func (w *worker) isDefunct() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.defunct
}
