package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrRunning: another chapi uses the state folder.
var ErrRunning = errors.New("another chapi is running on this state folder")

// lockWait is how long a lock may outlive its process: a child that had been
// forked and was yet to become another program has it, too, until it does.
const lockWait = time.Second

// lock makes this process the only daemon of the state folder, until it ends
// or release is called. The kernel lets go of the lock whatever happens to us,
// so none is ever left behind.
func lock(dir string) (release func(), err error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state folder: %w", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	for deadline := time.Now().Add(lockWait); errors.Is(err, unix.EWOULDBLOCK) && time.Now().Before(deadline); {
		time.Sleep(lockWait / 50)
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		holder, _ := os.ReadFile(file.Name())
		file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w %s (process %s); stop that one, or give this one a folder of its own with --state",
				ErrRunning, dir, strings.TrimSpace(string(holder)))
		}
		return nil, fmt.Errorf("lock state folder %s: %w", dir, err)
	}
	// For people who look; the lock itself is what counts.
	if err := file.Truncate(0); err == nil {
		fmt.Fprintf(file, "%d\n", os.Getpid())
	}
	return func() { file.Close() }, nil
}
