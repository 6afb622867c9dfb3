package device

import (
	"cmp"
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Process is a running program. Only its short name is read: the words it was
// started with may hold secrets.
type Process struct {
	PID    int
	Name   string
	CPU    float64 // percent of one processor
	Memory int64   // bytes that it has in memory

	ticks float64
	begun string // tells it from a later one of the same number
}

// Kernel clock ticks in a second, as proc_pid_stat(5) counts: 100 wherever Linux
// runs today.
const ticksPerSecond = 100

// maxProcesses is how many are looked at.
const maxProcesses = 4096

// Processes is what runs, the busiest during the time first. It waits for that
// long; the context may end it.
func (m *Machine) Processes(ctx context.Context, during time.Duration) ([]Process, error) {
	first, at := m.processes(), time.Now()
	timer := time.NewTimer(during)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	before := map[int]Process{}
	for _, p := range first {
		before[p.PID] = p
	}
	all, passed := m.processes(), time.Since(at).Seconds()
	for i := range all {
		p := &all[i]
		if old, ok := before[p.PID]; ok && old.begun == p.begun {
			p.CPU = max(100*(p.ticks-old.ticks)/ticksPerSecond/passed, 0)
		}
	}
	slices.SortStableFunc(all, func(a, b Process) int {
		return cmp.Or(cmp.Compare(b.CPU, a.CPU), cmp.Compare(b.Memory, a.Memory))
	})
	return all, nil
}

func (m *Machine) processes() (all []Process) {
	entries, _ := os.ReadDir(m.path("/proc"))
	page := int64(os.Getpagesize())
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || len(all) == maxProcesses {
			continue
		}
		// The name is in parentheses and may have some in it: proc_pid_stat(5).
		stat := m.text("/proc/" + e.Name() + "/stat")
		open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
		if open < 0 || end < open {
			continue // it has ended
		}
		fields := strings.Fields(stat[end+1:])
		if len(fields) < 22 {
			continue
		}
		user, _ := number(fields[11])
		system, _ := number(fields[12])
		pages, _ := strconv.ParseInt(fields[21], 10, 64)
		all = append(all, Process{PID: pid, Name: stat[open+1 : end], Memory: pages * page, ticks: user + system, begun: fields[19]})
	}
	return all
}
