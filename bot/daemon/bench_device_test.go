package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/commands/device"
	"chapi/storage"
)

// past is what a machine that has been measured for so many days has on record.
func past(t *testing.T, dir string, days int) {
	t.Helper()
	ctx := context.Background()
	db, err := storage.Open(ctx, dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now().Truncate(time.Minute)
	for at := now.Add(-time.Duration(days) * 24 * time.Hour); at.Before(now); at = at.Add(time.Hour) {
		var samples []bot.Sample
		for m := range 60 {
			when := at.Add(time.Duration(m) * time.Minute)
			for i, name := range []string{device.Loads, device.CPU, device.Memories, device.DiskUsed, device.Temp, device.Charge, device.Power, device.Wifi} {
				samples = append(samples, bot.Sample{Series: name, At: when, Value: 40 + 10*math.Sin(float64(when.Unix())/7000+float64(i))})
			}
		}
		if err := db.Record(ctx, samples); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Thin(ctx, now, 730*24*time.Hour); err != nil {
		t.Fatal(err)
	}
}

// machine is how long the card and a chart take, with a past on record, and what
// an hour of sampling costs.
func (b *bench) machine(t *testing.T) {
	w, chats := b.device(t, "machine", unhindered, terms{})
	past(t, filepath.Join(w.dir, "state"), b.days)
	w.up()
	for _, c := range []struct{ text, aim string }{
		{"/status", "50 ms"}, {"/chart temp", "200 ms"}, {"/chart temp load battery 30d", ""},
	} {
		var took []time.Duration
		for range b.cards {
			began := time.Now()
			asked := chats[0].ask(c.text)
			if !w.net.Wait(patience, func() bool {
				last, ok := chats[0].Last()
				return ok && last.ReplyTo == asked
			}) {
				t.Fatalf("no answer to %s", c.text)
			}
			took = append(took, time.Since(began))
		}
		b.note(c.text+", p50", ms(at(took, 50)), c.aim, fmt.Sprintf("p99 %s, first %s; %d days on record", ms(at(took, 99)), ms(took[0]), b.days))
	}
	w.down()
	b.hourOfSampling(t, filepath.Join(w.dir, "state"))
}

// hourOfSampling takes the samples of an hour, each minute's on the disk before
// the next: nothing is spared by coming quickly.
func (b *bench) hourOfSampling(t *testing.T, dir string) {
	db, err := storage.Open(t.Context(), dir, storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := &sampler{machine: &device.Machine{}, series: db, log: slog.New(slog.DiscardHandler)}
	begin := time.Now().Truncate(time.Minute)
	s.minute(t.Context(), begin)
	wal, err := os.OpenFile(filepath.Join(dir, "chapi.db-wal"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer wal.Close()
	written, used := field(os.Getpid(), "io", "write_bytes"), processorTime(t, os.Getpid())
	for minute := range 60 {
		s.minute(t.Context(), begin.Add(time.Duration(minute+1)*time.Minute))
		if err := unix.Fdatasync(int(wal.Fd())); err != nil {
			t.Fatal(err)
		}
	}
	busy := processorTime(t, os.Getpid()) - used
	bytes := field(os.Getpid(), "io", "write_bytes") - written
	b.note("an hour of sampling", seconds(busy)+" of a processor", "1 s", fmt.Sprintf("%s written, %d kB for each minute", mb(int64(bytes)), bytes/60>>10))
}
