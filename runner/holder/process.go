package holder

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Identity names a process for good. A number alone does not: numbers are used
// again.
type Identity struct {
	PID int `json:"pid"`
	// Start is when it started, in clock ticks since the machine came up:
	// field 22 of proc_pid_stat(5).
	Start uint64 `json:"start"`
	// Boot is the id of the machine's run, proc_sys_kernel(5) random/boot_id.
	Boot string `json:"boot"`
}

var bootID = sync.OnceValue(func() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
})

// identify is the identity of a process that is known to exist now, a child
// that was not waited for above all.
func identify(pid int) Identity {
	st, _ := stat(pid)
	return Identity{PID: pid, Start: st.start, Boot: bootID()}
}

// self is the identity of this process.
var self = sync.OnceValue(func() Identity { return identify(os.Getpid()) })

// Alive reports whether the process still runs. A zombie does not.
func (p Identity) Alive() bool {
	if p.PID <= 0 || p.Start == 0 || !p.SameBoot() {
		return false
	}
	st, ok := stat(p.PID)
	return ok && st.start == p.Start && !st.dead()
}

// SameBoot reports whether the machine has not been started since.
func (p Identity) SameBoot() bool { return p.Boot == bootID() }

// procStat is what is used of /proc/PID/stat.
type procStat struct {
	state   byte
	session int
	start   uint64
}

func (s procStat) dead() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

func stat(pid int) (procStat, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return procStat{}, false
	}
	// The name, in parentheses, may hold anything, parentheses too.
	i := bytes.LastIndexByte(b, ')')
	if i < 0 {
		return procStat{}, false
	}
	fields := bytes.Fields(b[i+1:]) // from field 3, the state
	if len(fields) < 20 {
		return procStat{}, false
	}
	session, err1 := strconv.Atoi(string(fields[3]))
	start, err2 := strconv.ParseUint(string(fields[19]), 10, 64)
	return procStat{state: fields[0][0], session: session, start: start}, err1 == nil && err2 == nil
}

// members is the living processes of a session, whatever their group. The
// caller makes sure that the session's number is not one that is used again.
func members(session int) []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if st, ok := stat(pid); ok && st.session == session && !st.dead() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// signalSession sends a signal to the group of the session's leader and to all
// else in the session. A shell with job control gives each job a group of its
// own. It reports whether there was anybody.
func signalSession(leader int, sigs ...syscall.Signal) bool {
	found := members(leader)
	for _, sig := range sigs {
		unix.Kill(-leader, sig)
		for _, pid := range found {
			unix.Kill(pid, sig)
		}
	}
	return len(found) > 0
}

// killTries and killPause bound how long killSession goes on: a process that
// forks on and on is caught, one that waits for a broken disk is left.
const (
	killTries = 100
	killPause = 10 * time.Millisecond
)

// killSession kills a session until nobody is left in it.
func killSession(leader int) {
	for range killTries {
		if !signalSession(leader, syscall.SIGKILL) {
			return
		}
		time.Sleep(killPause)
	}
}

// KillLeft kills what is left of a session whose holder has died. It does
// nothing unless the session's process is still the one on record.
func (f Folder) KillLeft() {
	if f.Process.Alive() {
		killSession(f.Process.PID)
	}
}
