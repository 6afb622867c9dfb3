package storage_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

// bench runs one operation from 1 and from 50 callers at once.
func bench(b *testing.B, prepare func(b *testing.B, db *storage.DB, n int), op func(ctx context.Context, db *storage.DB, i int) error) {
	for _, callers := range []int{1, 50} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := open(b, b.TempDir(), storage.Options{})
			if prepare != nil {
				prepare(b, db, b.N)
			}
			var next atomic.Int64
			ctx := b.Context()
			b.ReportAllocs()
			b.ResetTimer()
			done := make(chan error, callers)
			for range callers {
				go func() {
					for {
						i := int(next.Add(1)) - 1
						if i >= b.N {
							done <- nil
							return
						}
						if err := op(ctx, db, i); err != nil {
							done <- err
							return
						}
					}
				}()
			}
			for range callers {
				if err := <-done; err != nil {
					b.Error(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}

func acceptOne(ctx context.Context, db *storage.DB, i int) error {
	c := aCall(bot.CallID(i + 1))
	_, err := db.Accept(ctx, bot.Intake{Adapter: "telegram", Cursor: fmt.Sprint(i),
		Entries: []bot.Entry{{Key: fmt.Sprintf("telegram/1/m/42/%d", i), Call: &c}}})
	return err
}

// acceptMany puts n calls into the ledger.
func acceptMany(b *testing.B, db *storage.DB, n int) {
	b.Helper()
	const batch = 500
	for from := 0; from < n; from += batch {
		in := bot.Intake{Adapter: "telegram"}
		for i := from; i < min(n, from+batch); i++ {
			c := aCall(bot.CallID(i + 1))
			in.Entries = append(in.Entries, bot.Entry{Key: fmt.Sprintf("telegram/1/m/42/%d", i), Call: &c})
		}
		if _, err := db.Accept(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAccept(b *testing.B) { bench(b, nil, acceptOne) }

func BenchmarkBeginSynced(b *testing.B) {
	bench(b, acceptMany, func(ctx context.Context, db *storage.DB, i int) error {
		return db.Begin(ctx, bot.CallID(i+1), true)
	})
}

func BenchmarkBegin(b *testing.B) {
	bench(b, acceptMany, func(ctx context.Context, db *storage.DB, i int) error {
		return db.Begin(ctx, bot.CallID(i+1), false)
	})
}

func BenchmarkFinish(b *testing.B) {
	bench(b, acceptMany, func(ctx context.Context, db *storage.DB, i int) error {
		return db.Finish(ctx, bot.CallID(i+1), bot.Done, "", anAnswer(i))
	})
}

func BenchmarkPut(b *testing.B) {
	bench(b, nil, func(ctx context.Context, db *storage.DB, i int) error {
		return db.Put(ctx, anAnswer(i))
	})
}

// BenchmarkPutRevision is a live page: always the same few slots.
func BenchmarkPutRevision(b *testing.B) {
	bench(b, nil, func(ctx context.Context, db *storage.DB, i int) error {
		return db.Put(ctx, anAnswer(i%50))
	})
}

// BenchmarkDeliver is what one delivery costs: Next, Attempt, Settle.
func BenchmarkDeliver(b *testing.B) {
	prepare := func(b *testing.B, db *storage.DB, n int) {
		for from := 0; from < n; from += 500 {
			var ds []bot.Delivery
			for i := from; i < min(n, from+500); i++ {
				d := anAnswer(i)
				d.Thread.Chat = bot.ChatID(fmt.Sprint(i))
				ds = append(ds, d)
			}
			if err := db.Put(b.Context(), ds...); err != nil {
				b.Fatal(err)
			}
		}
	}
	bench(b, prepare, func(ctx context.Context, db *storage.DB, i int) error {
		room := bot.Thread{Adapter: "telegram", Chat: bot.ChatID(fmt.Sprint(i))}
		d, _, ok, err := db.Next(ctx, room, false, time.Now())
		if err != nil || !ok {
			return fmt.Errorf("next: %v, %v", ok, err)
		}
		if err := db.Attempt(ctx, d.ID, "7"); err != nil {
			return err
		}
		return db.Settle(ctx, d, bot.Result{Receipt: &bot.Receipt{Message: bot.MessageID(fmt.Sprint(i)), At: time.Now()}})
	})
}

// BenchmarkCommand is all that the ledger and the outbox do for one command.
func BenchmarkCommand(b *testing.B) {
	bench(b, nil, func(ctx context.Context, db *storage.DB, i int) error {
		if err := acceptOne(ctx, db, i); err != nil {
			return err
		}
		if err := db.Begin(ctx, bot.CallID(i+1), true); err != nil {
			return err
		}
		answer := anAnswer(i)
		answer.Thread.Chat = bot.ChatID(fmt.Sprint(i))
		if err := db.Finish(ctx, bot.CallID(i+1), bot.Done, "", answer); err != nil {
			return err
		}
		d, _, ok, err := db.Next(ctx, answer.Thread, false, time.Now())
		if err != nil || !ok {
			return fmt.Errorf("next: %v, %v", ok, err)
		}
		if err := db.Attempt(ctx, d.ID, "7"); err != nil {
			return err
		}
		return db.Settle(ctx, d, bot.Result{Receipt: &bot.Receipt{Message: "1", At: time.Now()}})
	})
}

func BenchmarkNextNothing(b *testing.B) {
	bench(b, nil, func(ctx context.Context, db *storage.DB, i int) error {
		_, _, _, err := db.Next(ctx, bot.Thread{Adapter: "telegram", Chat: "42"}, false, time.Now())
		return err
	})
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	open(b, dir, storage.Options{}).Close()
	for b.Loop() {
		db, err := storage.Open(b.Context(), dir, storage.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
