package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/commands"
	"chapi/commands/device"
)

// lowDisk is the free space, in bytes, from which on the disk is named as
// something to look at.
const lowDisk = 64 << 20

// Status is the answer to /status: it comes at once, from what is known or can
// be read without waiting.
func (d *daemon) Status(ctx context.Context, p bot.Principal, form commands.Form) (bot.Post, error) {
	waiting, oldest, err := d.store.Waiting(ctx)
	if err != nil {
		return bot.Post{}, fmt.Errorf("read the outbox: %w", err)
	}
	r, battery := d.sampler.now(ctx), d.sampler.lastBattery()
	if form == commands.Program {
		return d.statusJSON(r, battery, waiting)
	}
	var head, tail strings.Builder
	if !r.Booted.IsZero() {
		fmt.Fprintf(&head, " · up %s", lasted(r.At.Sub(r.Booted)))
	}
	fmt.Fprintf(&head, " · as of %s\n", time.Now().Format("15:04"))
	if d.boot.Woken != "" {
		fmt.Fprintf(&head, "last start: %s\n", d.boot.Woken)
	}
	for _, h := range d.health() {
		mark := "✓"
		if !h.OK {
			mark = "✗"
		}
		fmt.Fprintf(&tail, "%s %s: %s", mark, h.Name, h.State)
		if !h.Contact.IsZero() {
			fmt.Fprintf(&tail, ", %s ago", lasted(time.Since(h.Contact)))
		}
		tail.WriteString("\n")
	}
	fmt.Fprintf(&tail, "%s running", count(d.sessions.Live(), "session"))
	if n := d.dispatch.Queued(); n > 0 {
		fmt.Fprintf(&tail, " · %s waiting", count(n, "command"))
	}
	if waiting > 0 && time.Since(oldest) > 5*time.Second {
		fmt.Fprintf(&tail, " · %s to send, for %s", count(waiting, "message"), lasted(time.Since(oldest)))
	}
	fmt.Fprintf(&tail, "\nchapi %s · up %s\nstarted because: %s", d.Version, lasted(time.Since(d.boot.Started)), d.why)
	post := bot.Post{Text: []bot.Span{{Style: bot.Bold, Text: d.Config.Device.Name}, {Text: head.String()}}}
	if card := device.Card(r, battery, d.sampler.dayTrends(ctx)); card != "" {
		post.Text = append(post.Text, bot.Span{Style: bot.Pre, Text: card}, bot.Span{Text: "\n"})
	}
	post.Text = append(post.Text, bot.Span{Text: tail.String()})
	if form == commands.Everything {
		post.Text = append(post.Text, bot.Span{Text: "\n"}, bot.Span{Style: bot.Pre, Text: device.Details(r, battery)})
		if p.May(bot.Operator) {
			post.Text = append(post.Text, bot.Span{Text: d.details()})
		}
	}
	return post, nil
}

// statusJSON is the status for programs.
func (d *daemon) statusJSON(r device.Reading, battery *device.Battery, waiting int) (bot.Post, error) {
	type part struct {
		Name    string    `json:"name"`
		OK      bool      `json:"ok"`
		State   string    `json:"state"`
		Contact time.Time `json:"contact,omitzero"`
	}
	told := struct {
		Device    string          `json:"device"`
		Version   string          `json:"version"`
		Started   time.Time       `json:"started"`
		Because   string          `json:"because"`
		LastStart string          `json:"last_start,omitempty"`
		Sessions  int             `json:"sessions"`
		Queued    int             `json:"queued"`
		Unsent    int             `json:"unsent"`
		Parts     []part          `json:"parts"`
		Machine   device.Reading  `json:"machine"`
		Battery   *device.Battery `json:"battery,omitempty"`
	}{
		Device: d.Config.Device.Name, Version: d.Version, Started: d.boot.Started, Because: d.why, LastStart: d.boot.Woken,
		Sessions: d.sessions.Live(), Queued: d.dispatch.Queued(), Unsent: waiting, Machine: r, Battery: battery,
	}
	for _, h := range d.health() {
		told.Parts = append(told.Parts, part{h.Name, h.OK, h.State, h.Contact})
	}
	text, err := json.Marshal(told)
	if err != nil {
		return bot.Post{}, fmt.Errorf("write status: %w", err)
	}
	if len(text) > maxInline {
		return d.file("status.json", text)
	}
	return bot.Post{Text: []bot.Span{{Style: bot.Pre, Text: string(text)}}}, nil
}

// maxInline is how much text, in bytes, goes into a message; more goes as a file.
const maxInline = 3500

// file is a post with the content as a file of that name.
func (d *daemon) file(name string, content []byte) (bot.Post, error) {
	f, err := d.spool.Create(filepath.Ext(name))
	if err != nil {
		return bot.Post{}, err
	}
	_, err = f.Write(content)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(f.Name())
		return bot.Post{}, fmt.Errorf("write %s: %w", name, err)
	}
	return bot.Post{Media: &bot.Media{Kind: bot.File, Name: name, Path: f.Name(), Own: true}}, nil
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
	return fmt.Sprintf("process %d · %s %s/%s\nheap %.1f MB · %d goroutines\nstate in %s\n%s, %s listed",
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
