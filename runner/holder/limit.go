package holder

import (
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process's limits are to hold from its first instruction on, and only it
// can set its own without a gap: setting them from outside races with what it
// does and starts, and tracing it would take the rights of set-user-id
// programs away. So where there are limits, this program is executed once more
// in between, in the new process: it sets them and becomes the program. That
// costs some milliseconds, which is why it is not done without need.

// limiterArg is the argument after "hold" that asks for it.
const limiterArg = "exec"

// cpuWarning is the time between the signal XCPU, which a program may handle,
// and its end.
const cpuWarning = 2 * time.Second

// limited is what the process in between is told, over descriptor 3. It
// answers with the number of an error there, or with nothing: the descriptor
// is closed when the program takes over.
type limited struct {
	Path   exact         `json:"path"`
	Argv   []exact       `json:"argv"`
	Env    []exact       `json:"env"`
	CPU    time.Duration `json:"cpu_ns"`
	Memory int64         `json:"memory"`
}

// forkLimited starts the program with its limits set.
func (p *program) forkLimited(attr *syscall.ProcAttr) (pid int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	ours := os.NewFile(uintptr(pair[0]), "limiter")
	defer ours.Close()
	body, err := json.Marshal(limited{exact(p.path), exacts(p.Argv), exacts(p.Env), p.CPU, p.Memory})
	if err != nil {
		unix.Close(pair[1])
		return 0, err
	}
	attr.Files = append(attr.Files, uintptr(pair[1]))
	attr.Env = tuning(1)
	pid, err = fork("/proc/self/exe", []string{os.Args[0], os.Args[1], limiterArg}, attr, p.Nice)
	unix.Close(pair[1])
	if err != nil {
		return 0, err
	}
	// Writing fails only if the process is gone, and then so does reading.
	ours.Write(body)
	unix.Shutdown(pair[0], unix.SHUT_WR)
	answer, _ := io.ReadAll(io.LimitReader(ours, 16))
	if len(answer) == 0 {
		return pid, nil
	}
	unix.Wait4(pid, nil, 0, nil)
	number, _ := strconv.Atoi(string(answer))
	return 0, syscall.Errno(number)
}

// becomeLimited is the process in between. It does not return.
func becomeLimited() {
	asker := os.NewFile(3, "limiter")
	unix.CloseOnExec(3)
	var p limited
	err := json.NewDecoder(asker).Decode(&p)
	if err == nil {
		err = p.become()
	}
	number := syscall.EINVAL
	if e, ok := err.(syscall.Errno); ok {
		number = e
	}
	io.Copy(asker, strings.NewReader(strconv.Itoa(int(number))))
	os.Exit(1)
}

func (p *limited) become() error {
	argv, env := texts(p.Argv), texts(p.Env)
	if p.CPU > 0 {
		// The kernel counts whole seconds.
		soft := uint64((p.CPU + time.Second - 1) / time.Second)
		hard := soft + uint64(cpuWarning/time.Second)
		if err := lower(unix.RLIMIT_CPU, soft, hard); err != nil {
			return err
		}
	}
	if p.Memory > 0 {
		if err := lower(unix.RLIMIT_AS, uint64(p.Memory), uint64(p.Memory)); err != nil {
			return err
		}
	}
	return syscall.Exec(string(p.Path), argv, env)
}

// lower sets a limit, unless a stricter one holds already.
func lower(resource int, soft, hard uint64) error {
	var now unix.Rlimit
	if err := unix.Getrlimit(resource, &now); err != nil {
		return err
	}
	hard = min(hard, now.Max)
	return unix.Setrlimit(resource, &unix.Rlimit{Cur: min(soft, hard), Max: hard})
}
