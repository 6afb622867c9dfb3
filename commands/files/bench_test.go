package files

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"chapi/bot"
)

// benchSize is a file of the size that networks carry.
const benchSize = 48 << 20

// peak is the most memory that the heap had beyond what it has now, while do ran.
func peak(do func()) (extra uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before, done := m.HeapAlloc, make(chan struct{})
	go func() { defer close(done); do() }()
	for {
		select {
		case <-done:
			return extra
		case <-time.After(2 * time.Millisecond):
			runtime.ReadMemStats(&m)
			extra = max(extra, m.HeapAlloc-min(before, m.HeapAlloc))
		}
	}
}

// BenchmarkUpload stores 48 MB, synced. Bytes of heap beyond the start are
// reported as peak-B.
func BenchmarkUpload(b *testing.B) {
	s := &Store{Inbox: filepath.Join(b.TempDir(), "inbox"), Quota: 1 << 40, Reserve: DefaultReserve}
	a := s.Area(bot.User, "bob")
	to, err := a.Target("")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	var most uint64
	for b.Loop() {
		most = max(most, peak(func() {
			one, err := a.Put(context.Background(), to, Upload{Name: "f", Size: benchSize}, io.LimitReader(zeros{}, benchSize))
			if err == nil {
				err = os.Remove(one.Place.Path())
			}
			if err != nil {
				b.Error(err)
			}
		}))
	}
	b.ReportMetric(float64(most), "peak-B")
}

// BenchmarkArchive packs a folder with 48 MB.
func BenchmarkArchive(b *testing.B) {
	dir := b.TempDir()
	for i := range 48 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), bytes.Repeat([]byte("0123456789abcdef"), 1<<16), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	s := &Store{Roots: []Root{{Path: dir, Role: bot.User}}}
	p := s.Area(bot.User, "bob").Folders()[0]
	b.SetBytes(benchSize)
	var most uint64
	for b.Loop() {
		most = max(most, peak(func() {
			if _, err := Pack(context.Background(), io.Discard, false, p); err != nil {
				b.Error(err)
			}
		}))
	}
	b.ReportMetric(float64(most), "peak-B")
}
