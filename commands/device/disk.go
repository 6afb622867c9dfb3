package device

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Disk is a file system on something that keeps.
type Disk struct {
	Mount  string `json:"mount"`
	Device string `json:"device"`
	Type   string `json:"type"`
	Total  int64  `json:"total"` // bytes
	Free   int64  `json:"free"`  // bytes, to everybody
}

// Used is the part that is in use, in percent.
func (d Disk) Used() float64 { return percent(d.Total-d.Free, d.Total) }

const (
	// maxDisks is how many file systems are looked at.
	maxDisks = 32
	// diskPatience is how long a file system may take to tell its size: a disk
	// that is broken or asleep may take for ever.
	diskPatience = 100 * time.Millisecond
)

// Disks is the file systems that are on a device of this machine, each device
// once, that of / first. One that does not answer at once is left out.
func (m *Machine) Disks(ctx context.Context) []Disk {
	var all []Disk
	seen := map[string]bool{}
	for line := range strings.Lines(m.text("/proc/mounts")) {
		fields := strings.Fields(line)
		if len(fields) < 3 || seen[fields[0]] && fields[1] != "/" || len(all) == maxDisks {
			continue
		}
		d := Disk{Device: fields[0], Mount: unescape(fields[1]), Type: fields[2]}
		if d.Mount != "/" && !keeps(d) {
			continue
		}
		seen[d.Device] = true
		all = append(all, d)
	}
	all = m.sized(ctx, all)
	slices.SortStableFunc(all, func(a, b Disk) int {
		switch {
		case a.Mount == "/" && b.Mount != "/":
			return -1
		case b.Mount == "/" && a.Mount != "/":
			return 1
		}
		return strings.Compare(a.Mount, b.Mount)
	})
	return slices.CompactFunc(all, func(a, b Disk) bool { return a.Mount == b.Mount })
}

// keeps reports whether something is a disk, as opposed to memory, the kernel's
// own, a file that holds a program, or another machine's.
func keeps(d Disk) bool {
	switch d.Type {
	case "squashfs", "iso9660", "erofs":
		return false
	case "zfs", "bcachefs":
		return true
	}
	return strings.HasPrefix(d.Device, "/dev/") && !strings.HasPrefix(d.Device, "/dev/loop")
}

// sized fills in the sizes, and leaves out what has none.
func (m *Machine) sized(ctx context.Context, disks []Disk) (sized []Disk) {
	asked := make([]*sizing, len(disks))
	for i, d := range disks {
		asked[i] = m.sizeOf(d.Mount)
	}
	ctx, cancel := context.WithTimeout(ctx, diskPatience)
	defer cancel()
	for i, d := range disks {
		select {
		case <-asked[i].done: // counts even when the time is over
		default:
			select {
			case <-asked[i].done:
			case <-ctx.Done():
				continue
			}
		}
		if d.Total, d.Free = asked[i].total, asked[i].free; d.Total > 0 {
			sized = append(sized, d)
		}
	}
	return sized
}

// sizing is a question for the size of a file system. Its fields hold once done
// is closed.
type sizing struct {
	done        chan struct{}
	total, free int64
}

// sizeOf asks, unless somebody does so already: a disk that hangs keeps one
// goroutine, and nobody waits for it for long.
func (m *Machine) sizeOf(mount string) *sizing {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.asking[mount]; s != nil {
		return s
	}
	s := &sizing{done: make(chan struct{})}
	if m.asking == nil {
		m.asking = map[string]*sizing{}
	}
	m.asking[mount] = s
	go func() {
		var fs unix.Statfs_t
		if unix.Statfs(m.path(mount), &fs) == nil {
			s.total, s.free = int64(fs.Blocks)*int64(fs.Bsize), int64(fs.Bavail)*int64(fs.Bsize)
		}
		m.mu.Lock()
		delete(m.asking, mount)
		m.mu.Unlock()
		close(s.done)
	}()
	return s
}

// unescape is a folder's name as proc_mounts writes blanks: fstab(5).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(s)
}
