// Package device reads how the machine is: load, memory, disks, temperatures,
// throttling, networks, battery, and why it was last started. It reads the
// kernel's own files and asks a battery's gauge; it knows nothing of chats or of
// what is done with the figures. What a machine does not have is left out.
package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Machine is the one that is read. The zero value is this machine. It is safe
// for concurrent use.
type Machine struct {
	// Root is what stands for /, for a copy of another machine's files.
	Root string
	// Gauge is asked for the battery; nil is what the kernel knows.
	Gauge Gauge
	// Networks lists the network interfaces that are up; nil is this machine's.
	Networks func() ([]Network, error)

	mu     sync.Mutex
	asking map[string]*sizing // by where the file system is; those that have not answered yet
}

// maxFile is how much of one of the kernel's files is read, in bytes.
const maxFile = 256 << 10

func (m *Machine) path(name string) string { return filepath.Join(m.Root, name) }

// text is the content of a small file without blanks around it, or "".
func (m *Machine) text(name string) string {
	return fileText(m.path(name))
}

func fileText(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	buf := make([]byte, 4<<10)
	n := 0
	for n < maxFile {
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		k, err := f.Read(buf[n:])
		n += k
		if err != nil || k == 0 {
			break
		}
	}
	// What comes from a device tree ends with a NUL.
	return strings.Trim(string(buf[:n]), " \t\r\n\x00")
}

// glob is the files that fit, in order.
func (m *Machine) glob(pattern string) []string {
	found, _ := filepath.Glob(m.path(pattern))
	return found
}

// number reads a decimal number; ok is false for anything else.
func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && v-v == 0
}

// scaled is the number in a file, in units of a scale, or nil.
func scaled(path string, scale float64) *float64 {
	v, ok := number(fileText(path))
	if !ok {
		return nil
	}
	v *= scale
	return &v
}

// Reading is how the machine was at one moment. What it does not have, or does
// not tell, is nil, empty or zero. Sizes are bytes.
type Reading struct {
	At       time.Time     `json:"at"`
	Model    string        `json:"model,omitempty"`
	System   string        `json:"system,omitempty"` // the distribution's name
	Kernel   string        `json:"kernel,omitempty"`
	Booted   time.Time     `json:"booted,omitzero"`
	Cores    int           `json:"cores,omitempty"`
	Load     *Load         `json:"load,omitempty"`
	Memory   *Memory       `json:"memory,omitempty"`
	Disks    []Disk        `json:"disks,omitempty"` // that of / first
	Temps    []Temperature `json:"temperatures,omitempty"`
	Throttle *Throttle     `json:"throttling,omitempty"`
	Networks []Network     `json:"networks,omitempty"`
}

// Load is the mean number of runnable processes in the last 1, 5 and 15 minutes.
type Load struct {
	One     float64 `json:"1min"`
	Five    float64 `json:"5min"`
	Fifteen float64 `json:"15min"`
}

// Memory is the machine's memory. Free counts what caches would give back.
type Memory struct {
	Total     int64 `json:"total"`
	Free      int64 `json:"free"`
	SwapTotal int64 `json:"swap_total,omitempty"`
	SwapFree  int64 `json:"swap_free,omitempty"`
}

// Used is the part that is in use, in percent.
func (m Memory) Used() float64 { return percent(m.Total-m.Free, m.Total) }

func percent(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// Read reads everything but the battery. It takes some milliseconds: nothing in
// it waits for a device or a network.
func (m *Machine) Read(ctx context.Context) Reading {
	r := Reading{At: time.Now(), Model: m.model(), System: m.system(), Kernel: m.text("/proc/sys/kernel/osrelease")}
	r.Booted = m.booted(r.At)
	r.Load, r.Cores = m.load()
	r.Memory = m.memory()
	r.Disks = m.Disks(ctx)
	r.Temps = m.Temperatures()
	r.Throttle = m.throttle()
	r.Networks, _ = m.networks()
	return r
}

// model is what the machine is called by its maker; see
// Documentation/devicetree of Linux for boards, its DMI for PCs.
func (m *Machine) model() string {
	if name := m.text("/proc/device-tree/model"); name != "" {
		return name
	}
	return m.text("/sys/class/dmi/id/product_name")
}

// system is the distribution's name; os-release(5).
func (m *Machine) system() string {
	for line := range strings.Lines(m.text("/etc/os-release")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return ""
}

// booted is when the machine was started, by its clock of now: proc_uptime(5).
func (m *Machine) booted(now time.Time) time.Time {
	first, _, _ := strings.Cut(m.text("/proc/uptime"), " ")
	seconds, ok := number(first)
	if !ok {
		return time.Time{}
	}
	return now.Add(-time.Duration(seconds * float64(time.Second))).Truncate(time.Second)
}

// Booted is when the machine was started, by its clock of now; zero when it does
// not tell.
func (m *Machine) Booted() time.Time { return m.booted(time.Now()) }

// load reads proc_loadavg(5), and counts the processors.
func (m *Machine) load() (*Load, int) {
	var l Load
	fields := strings.Fields(m.text("/proc/loadavg"))
	if len(fields) < 3 {
		return nil, m.cores()
	}
	for i, into := range []*float64{&l.One, &l.Five, &l.Fifteen} {
		v, ok := number(fields[i])
		if !ok {
			return nil, m.cores()
		}
		*into = v
	}
	return &l, m.cores()
}

func (m *Machine) cores() int {
	n := 0
	for line := range strings.Lines(m.text("/proc/stat")) {
		if strings.HasPrefix(line, "cpu") && len(line) > 3 && line[3] >= '0' && line[3] <= '9' {
			n++
		}
	}
	return n
}

// memory reads proc_meminfo(5).
func (m *Machine) memory() *Memory {
	values := map[string]int64{}
	for line := range strings.Lines(m.text("/proc/meminfo")) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			if n, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
				values[name] = n << 10
			}
		}
	}
	if values["MemTotal"] == 0 {
		return nil
	}
	return &Memory{
		Total: values["MemTotal"], Free: values["MemAvailable"],
		SwapTotal: values["SwapTotal"], SwapFree: values["SwapFree"],
	}
}

// Clock is how long the processors have worked since the start, in ticks.
type Clock struct{ busy, all float64 }

// Clock reads proc_stat(5). Two of them tell how busy the machine was between.
func (m *Machine) Clock() (Clock, error) {
	line, _, _ := strings.Cut(m.text("/proc/stat"), "\n")
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "cpu" {
		return Clock{}, errors.New("read /proc/stat: no line for all processors")
	}
	var c Clock
	for i, field := range fields[1:min(len(fields), 9)] { // what guests use is counted in user
		v, _ := number(field)
		c.all += v
		if i != 3 && i != 4 { // idle, and waiting for a disk
			c.busy += v
		}
	}
	return c, nil
}

// Since is how busy the processors were since an earlier reading, in percent of
// all of them; ok is false when no time has passed.
func (c Clock) Since(earlier Clock) (busy float64, ok bool) {
	if c.all <= earlier.all || earlier.all == 0 {
		return 0, false
	}
	return min(max(100*(c.busy-earlier.busy)/(c.all-earlier.all), 0), 100), true
}

// BootID is the kernel's name for this start of the machine; random(4).
func (m *Machine) BootID() string { return m.text("/proc/sys/kernel/random/boot_id") }
