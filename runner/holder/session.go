package holder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner/journal"
)

const (
	// defaultGrace is the time between TERM and KILL.
	defaultGrace = 5 * time.Second
	// syncEvery is how long new output may be without being on disk.
	syncEvery = time.Second
	// drainQuiet and drainMost bound how long the end of a program is kept
	// back while others hold its output: so long after the last output, and
	// so long in all.
	drainQuiet = 500 * time.Millisecond
	drainMost  = 2 * time.Second
	// openAfter is how old a session is before it can be reached by others
	// than the daemon. Most are over by then.
	openAfter = 100 * time.Millisecond
	// lateMost bounds how long the end is kept back while the screen is drawn.
	lateMost = 100 * time.Millisecond
	// recordTries and recordPause bound how long the end is kept back while it
	// cannot be written down.
	recordTries = 20
	recordPause = 100 * time.Millisecond
)

// session is a program and all that belongs to it, from its start until
// nothing more can come of it.
type session struct {
	id    bot.SessionID
	dir   string
	spec  bot.Spec
	child *child
	log   *journal.Log
	input *input
	// display is nil without a terminal.
	display *display
	frames  *frames // nil where there can be no pipe
	// recorded is the length of spec.json without its reserve.
	recorded int64

	drained chan struct{} // closed when all output has been read
	exited  chan struct{} // closed when the process has ended
	swept   chan struct{} // closed when a stop has done its work
	release chan struct{} // closed to let go of output that is held open
	told    chan struct{} // closed when the exit is known
	done    chan struct{} // closed when all is over

	lastOutput atomic.Int64 // when, by time.Since(started)
	syncArmed  atomic.Bool
	started    time.Time

	mu       sync.Mutex
	size     bot.Size
	timers   []*time.Timer
	stopping bool
	why      bot.ExitReason // of the stop
	detail   string
	sent     map[syscall.Signal]bool // by order
	released bool
	exit     *bot.Exit
	over     bool // the session is not to be reached by anybody new
	socket   *socket
	watchers map[*watcher]struct{}
}

// begin starts a session in a folder of its own. Making the folder is what
// keeps it from being started twice.
func begin(req *Start) (*session, *Begun) {
	dir := filepath.Join(string(req.Dir), string(req.ID))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, refuse(req.ID, err)
	}
	s, err := start(req.ID, dir, req.Spec)
	if err != nil {
		os.RemoveAll(dir)
		return nil, refuse(req.ID, err)
	}
	return s, nil
}

// refuse is the answer to a start that did not succeed.
func refuse(id bot.SessionID, err error) *Begun {
	var fault *bot.StartError
	var file *fs.PathError
	switch {
	case errors.Is(err, fs.ErrExist):
		return &Begun{ID: id, Kind: Exists}
	case errors.As(err, &fault):
		return &Begun{ID: id, Kind: Unusable, Text: fault.Text}
	case errors.As(err, &file):
		// A full disk, or one that is read-only, is for the person to mend.
		return &Begun{ID: id, Kind: Unusable, Text: "no session can be recorded: " + reason(err)}
	default:
		return &Begun{ID: id, Kind: Broken, Text: err.Error()}
	}
}

// start starts the program. Each step is recorded before the next is taken.
func start(id bot.SessionID, dir string, asked specRecord) (*session, error) {
	program, err := load(asked.spec())
	if err != nil {
		return nil, err
	}
	now := time.Now()
	spec, err := createSpec(dir, specJSON{Version, id, self(), now.UTC(), asked})
	if err != nil {
		return nil, err
	}
	defer spec.Close()
	// A session that cannot have the channel goes without.
	pictures, _ := openFrames(dir, program.as)
	if pictures != nil {
		program.Env = pictures.environment(program.Env)
	}
	child, err := program.start()
	if err != nil {
		if pictures != nil {
			pictures.release()
		}
		return nil, err
	}
	s := newSession(id, dir, program.Spec, child, now)
	if pictures != nil {
		pictures.grew = s.wake
		s.frames = pictures
	}
	// Without this record a holder's death would leave the program running;
	// it is no reason to undo the start.
	s.recorded, _ = appendProcess(spec, identify(child.pid))
	return s, nil
}

func newSession(id bot.SessionID, dir string, spec bot.Spec, c *child, now time.Time) *session {
	if !spec.PTY {
		spec.Size = bot.Size{}
	}
	if spec.Grace <= 0 {
		spec.Grace = defaultGrace
	}
	s := &session{
		id: id, dir: dir, spec: spec, child: c, started: now, size: spec.Size,
		log:      journal.New(dir, spec.Budget, spec.Size),
		input:    &input{file: c.stdin},
		drained:  make(chan struct{}),
		exited:   make(chan struct{}),
		swept:    make(chan struct{}),
		release:  make(chan struct{}),
		told:     make(chan struct{}),
		done:     make(chan struct{}),
		watchers: make(map[*watcher]struct{}),
	}
	if spec.PTY {
		s.display = newDisplay(dir, s.log, spec)
	}
	return s
}

// run sees the session through to its end, which close then makes known.
func (s *session) run() bot.Exit {
	s.arm()
	go s.drain()
	if s.frames != nil {
		go s.frames.read()
	}
	ended := s.child.await()
	close(s.exited)
	s.settleOutput()
	s.frames.finish()
	exit := s.record(s.conclude(ended))
	if exit.Open {
		s.announce(exit)
		s.linger()
		exit.Open = !s.isDrained()
		exit = s.record(exit)
	}
	s.dismantle()
	return exit
}

// close makes the end known.
func (s *session) close(exit bot.Exit) {
	s.mu.Lock()
	s.exit = &exit
	k := s.socket
	s.mu.Unlock()
	close(s.done)
	if k != nil {
		k.hangUp()
	}
}

// await blocks until the session is over and whoever listens has been told.
func (s *session) await() {
	<-s.done
	s.mu.Lock()
	k := s.socket
	s.mu.Unlock()
	if k != nil {
		k.hangUp()
	}
}

// arm sets the timers of the session.
func (s *session) arm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timers = append(s.timers, time.AfterFunc(openAfter, s.open))
	if s.spec.Timeout > 0 {
		s.timers = append(s.timers, time.AfterFunc(s.spec.Timeout, func() { s.stop(bot.TimedOut, "") }))
	}
}

// settleOutput waits, within a bound, until the output of the ended process is
// in the journal; and, when it was stopped, until nobody is left of it.
func (s *session) settleOutput() {
	end := time.Since(s.started)
	for !s.isDrained() && !s.isSwept() {
		quiet := max(end, time.Duration(s.lastOutput.Load())) + drainQuiet
		wait := min(quiet, end+drainMost) - time.Since(s.started)
		if wait <= 0 {
			break
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.drained:
		case <-s.swept:
			// What the killed ones had written is there to be read.
			s.awaitDrain(drainQuiet)
		case <-timer.C:
		}
		timer.Stop()
	}
	if s.isStopping() {
		<-s.swept
		s.awaitDrain(drainQuiet)
	}
}

func (s *session) awaitDrain(most time.Duration) {
	select {
	case <-s.drained:
	case <-time.After(most):
	}
}

// conclude is how the session ended.
func (s *session) conclude(ended outcome) bot.Exit {
	s.mu.Lock()
	defer s.mu.Unlock()
	exit := bot.Exit{Code: ended.code, Reason: bot.Exited, Detail: s.detail, At: time.Now().UTC(), Open: !s.isDrained()}
	if ended.signal != 0 {
		exit.Signal = signalName(ended.signal)
		exit.Reason = bot.Signalled
	}
	switch {
	case s.why != "":
		exit.Reason = s.why
	case ended.signal != 0 && s.sent[ended.signal]:
		exit.Reason = bot.Stopped
	case ended.signal == unix.SIGXCPU && s.spec.CPU > 0:
		exit.Detail = "it used up its processor time of " + s.spec.CPU.String()
	}
	return exit
}

// record writes the end down, after the output that it speaks of, and returns
// it with what there is to say about that. On a disk that stays full the end is
// told without being recorded.
func (s *session) record(exit bot.Exit) bot.Exit {
	syncErr := s.log.Sync()
	if exit.Detail == "" {
		exit.Detail = s.damage(syncErr)
	}
	s.keepScreen()
	for try := range recordTries {
		if WriteExit(s.dir, exit, s.log.End()) == nil {
			break
		}
		if try == 0 {
			s.makeRoom()
		} else {
			time.Sleep(recordPause)
		}
	}
	return exit
}

// keepScreen writes down what the terminal shows at the end. Without it that
// can be made from the journal.
func (s *session) keepScreen() {
	if s.display == nil {
		return
	}
	for began := time.Now(); s.isLate() && time.Since(began) < lateMost; {
		s.display.catchUp() // there is nobody left to read its answers
	}
	if c, ok := s.display.now(); ok && s.log.Spare(int64(len(c.State))) {
		writeCheckpoint(filepath.Join(s.dir, lastScreen), c)
	}
}

// makeRoom frees some of a full disk for the record of the end.
func (s *session) makeRoom() {
	if s.recorded > 0 {
		os.Truncate(filepath.Join(s.dir, specFile), s.recorded)
	}
	if s.display != nil {
		s.display.makeRoom()
	}
	s.log.Yield()
}

// damage is what became of output that is not kept, in words; empty when nothing.
func (s *session) damage(syncErr error) string {
	if lost, cause := s.log.Lost(); lost > 0 {
		return fmt.Sprintf("%d bytes of its output could not be kept: %s", lost, reason(cause))
	}
	if syncErr != nil {
		return "its output may not survive a power cut: " + reason(syncErr)
	}
	return s.frames.damage()
}

// linger goes on reading what processes that were left behind write, until
// they let go, are stopped, or it is told to.
func (s *session) linger() {
	select {
	case <-s.drained:
	case <-s.release:
	case <-s.swept:
		s.awaitDrain(drainQuiet)
	}
}

// dismantle gives everything back.
func (s *session) dismantle() {
	s.mu.Lock()
	s.over = true
	for _, t := range s.timers {
		t.Stop()
	}
	k, stopping := s.socket, s.stopping
	s.mu.Unlock()
	if k != nil {
		k.close()
	}
	if stopping {
		<-s.swept // it signals by number
	}
	s.input.close()
	s.child.close()
	<-s.drained
	if s.display != nil {
		s.display.close()
	}
	s.log.Close()
	s.child.reap()
}

// stop ends the session: TERM, and after the grace period KILL, to everybody
// in it. It returns at once; only the first counts.
func (s *session) stop(why bot.ExitReason, detail string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping || s.over {
		return
	}
	s.stopping = true
	if !s.isExited() {
		s.why, s.detail = why, detail
	}
	go s.sweep()
}

// sweep leaves nobody of the session alive. Until it is done the process is
// not reaped, so its number stays ours.
func (s *session) sweep() {
	defer close(s.swept)
	// A stopped process cannot act on a signal before it is continued.
	signalSession(s.child.pid, syscall.SIGTERM, syscall.SIGCONT)
	s.awaitEmpty(time.Now().Add(s.spec.Grace))
	killSession(s.child.pid)
}

// sweepPauses is how long to wait between looks at who is left, the last one
// over and over.
var sweepPauses = []time.Duration{2, 5, 10, 20, 50, 100}

// awaitEmpty returns when the process has ended and nobody is left in its
// session, or at the deadline.
func (s *session) awaitEmpty(deadline time.Time) {
	grace := time.NewTimer(time.Until(deadline))
	defer grace.Stop()
	select {
	case <-s.exited:
	case <-grace.C:
		return
	}
	for i := 0; len(members(s.child.pid)) > 0 && time.Now().Before(deadline); i++ {
		time.Sleep(sweepPauses[min(i, len(sweepPauses)-1)] * time.Millisecond)
	}
}

// answer does what an order asks for.
func (s *session) answer(o *Order) *Ack {
	if !o.Screen {
		return newAck(o.Seq, s.order(o))
	}
	ack := &Ack{Seq: o.Seq}
	if s.display != nil {
		if c, ok := s.display.now(); ok && len(c.State) <= maxState {
			ack.Screen, ack.Offset = c.State, c.Offset
		}
	}
	return ack
}

// add takes output of the program.
func (s *session) add(stream bot.Stream, p []byte) {
	if s.display == nil {
		s.log.Append(stream, p)
		return
	}
	s.input.answer(s.display.add(p))
}

// isLate reports whether output came too fast to be drawn.
func (s *session) isLate() bool { return s.display != nil && s.display.isLate() }

// catchUp draws some output that came too fast.
func (s *session) catchUp() { s.input.answer(s.display.catchUp()) }

// order does what a daemon or somebody at the desk asks for.
func (s *session) order(o *Order) error {
	switch c := o.Control; {
	case o.Release:
		s.letGo()
		return nil
	case c.Stop:
		s.stop(bot.Stopped, "")
		return nil
	case s.isExited():
		return bot.ErrEnded
	case len(c.Input) > 0:
		err := s.input.put(c.Input)
		s.wake() // it may turn the echo off or on, and print nothing
		return err
	case c.EOF && s.child.tty != nil:
		return s.input.put([]byte{s.child.endOfFile()})
	case c.EOF:
		return s.input.end()
	case c.Resize != nil:
		return s.resize(*c.Resize)
	case c.Signal != "":
		return s.signal(c.Signal)
	}
	return nil
}

func (s *session) letGo() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.released {
		s.released = true
		close(s.release)
	}
}

func (s *session) resize(size bot.Size) error {
	if s.child.tty == nil {
		return bot.Userf("this session has no terminal to resize")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.child.resize(size); err != nil {
		return err
	}
	s.size = size
	s.display.resize(size)
	return nil
}

// signal sends a signal to the process's group, and to the group that is in
// the foreground of its terminal: a shell gives each job a group of its own,
// and the job is what the person means.
func (s *session) signal(name string) error {
	sig, err := ParseSignal(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return bot.ErrEnded
	}
	if s.sent == nil {
		s.sent = make(map[syscall.Signal]bool)
	}
	s.sent[sig] = true
	unix.Kill(-s.child.pid, sig)
	if front := s.child.foreground(); front > 1 && front != s.child.pid {
		unix.Kill(-front, sig)
	}
	return nil
}

// grew is called after output came into the journal.
func (s *session) grew() {
	s.lastOutput.Store(int64(time.Since(s.started)))
	if s.syncArmed.CompareAndSwap(false, true) {
		time.AfterFunc(syncEvery, func() {
			s.syncArmed.Store(false)
			s.log.Sync()
		})
	}
	s.wake()
}

func (s *session) isDrained() bool { return closed(s.drained) }
func (s *session) isExited() bool  { return closed(s.exited) }
func (s *session) isSwept() bool   { return closed(s.swept) }

func (s *session) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
