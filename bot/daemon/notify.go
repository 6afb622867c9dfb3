package daemon

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// notify tells the service manager of a state, such as "READY=1", in the way
// of sd_notify(3). Without a service manager it does nothing.
func notify(state string) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return
	}
	if strings.HasPrefix(name, "@") { // an abstract socket
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return
	}
	defer conn.Close()
	conn.Write([]byte(state))
}

// watchdog tells the service manager, twice in each period that it asked for
// in WATCHDOG_USEC, that the daemon still works: that its storage answers.
func (d *daemon) watchdog(ctx context.Context) error {
	period, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || period <= 0 {
		return nil
	}
	ticker := time.NewTicker(time.Duration(period) * time.Microsecond / 2)
	defer ticker.Stop()
	for {
		if _, _, err := d.store.Waiting(ctx); err == nil {
			notify("WATCHDOG=1")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
