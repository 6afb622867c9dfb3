package daemon

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// lowDisk is the free space, in bytes, from which on the disk is named as
// something to look at.
const lowDisk = 64 << 20

// Status is the answer to /status: it comes at once, from what is known.
func (d *daemon) Status(ctx context.Context, p bot.Principal, verbose bool) (bot.Post, error) {
	var b strings.Builder
	fmt.Fprintf(&b, " · chapi %s · up %s\n", d.Version, lasted(time.Since(d.boot.Started)))
	fmt.Fprintf(&b, "started because: %s\n\n", d.why)
	for _, h := range d.health() {
		mark := "✓"
		if !h.OK {
			mark = "✗"
		}
		fmt.Fprintf(&b, "%s %s: %s", mark, h.Name, h.State)
		if !h.Contact.IsZero() {
			fmt.Fprintf(&b, ", %s ago", lasted(time.Since(h.Contact)))
		}
		b.WriteString("\n")
	}
	waiting, oldest, err := d.store.Waiting(ctx)
	if err != nil {
		return bot.Post{}, fmt.Errorf("read the outbox: %w", err)
	}
	fmt.Fprintf(&b, "\n%s running", count(d.sessions.Live(), "session"))
	if n := d.dispatch.Queued(); n > 0 {
		fmt.Fprintf(&b, " · %s waiting", count(n, "command"))
	}
	if waiting > 0 && time.Since(oldest) > 5*time.Second {
		fmt.Fprintf(&b, " · %s to send, for %s", count(waiting, "message"), lasted(time.Since(oldest)))
	}
	if verbose && p.May(bot.Operator) {
		b.WriteString("\n" + d.details())
	}
	return bot.Post{Text: []bot.Span{{Style: bot.Bold, Text: d.Config.Device.Name}, {Text: b.String()}}}, nil
}

// health is how every part is, the disk last.
func (d *daemon) health() []bot.Health {
	var all []bot.Health
	for _, a := range d.adapters {
		if c, ok := a.(bot.Checker); ok {
			all = append(all, c.Health())
		}
	}
	return append(all, d.diskHealth())
}

func (d *daemon) diskHealth() bot.Health {
	h := bot.Health{Name: "disk", OK: true}
	var fs unix.Statfs_t
	if err := unix.Statfs(d.Config.StateDir, &fs); err != nil {
		return bot.Health{Name: "disk", State: "cannot be read: " + err.Error()}
	}
	free := int64(fs.Bavail) * int64(fs.Bsize)
	h.State = fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	if free < 1e9 {
		h.State = fmt.Sprintf("%.0f MB free", float64(free)/1e6)
	}
	if free < lowDisk {
		h.OK = false
		h.State += ": nearly full. Free some, or commands will have to wait"
	}
	if since, full := d.reception.Blocked(); full {
		h.OK = false
		h.State = "full or read-only since " + since.Format("15:04") + ": commands wait until there is space"
	}
	return h
}

// details are what helps to find a fault.
func (d *daemon) details() string {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	people, chats := d.allowlist.Everyone()
	return fmt.Sprintf("\nprocess %d · %s %s/%s\nheap %.1f MB · %d goroutines\nstate in %s\n%s, %s listed",
		os.Getpid(), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		float64(m.HeapInuse)/1e6, runtime.NumGoroutine(), d.Config.StateDir,
		persons(len(people)), count(len(chats), "group"))
}

func persons(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// lasted is a length of time as one says it.
func lasted(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
