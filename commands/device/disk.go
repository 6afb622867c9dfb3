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
	answers := make(chan Disk, len(disks))
	for _, d := range disks {
		go func() { // a disk that hangs keeps its goroutine, not us
			var fs unix.Statfs_t
			if unix.Statfs(m.path(d.Mount), &fs) == nil {
				d.Total, d.Free = int64(fs.Blocks)*int64(fs.Bsize), int64(fs.Bavail)*int64(fs.Bsize)
			}
			answers <- d
		}()
	}
	timer := time.NewTimer(diskPatience)
	defer timer.Stop()
	for range disks {
		select {
		case d := <-answers:
			if d.Total > 0 {
				sized = append(sized, d)
			}
		case <-timer.C:
			return sized
		case <-ctx.Done():
			return sized
		}
	}
	return sized
}

// unescape is a folder's name as proc_mounts writes blanks: fstab(5).
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\134`, `\`).Replace(s)
}
