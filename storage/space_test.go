package storage_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chapi/bot"
	"chapi/storage"
)

// disk is a place with little room.
type disk struct {
	name string
	dir  string
	fill func() // from now on nothing more can be written
	free func()
}

// smallDisks are the ways to run out of space that this machine allows: a limit
// on the size of files always, a real small file system when we may mount one.
func smallDisks(t *testing.T) []disk {
	t.Helper()
	disks := []disk{limitedFiles(t)}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Logf("no small file system: %v", err)
		return disks
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	return append(disks, disk{
		name: "tmpfs",
		dir:  filepath.Join(dir, "state"),
		fill: func() {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
		},
		free: func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// limitedFiles makes every file end where the log ends now. What lies beyond is
// refused with EFBIG once the signal that comes with it is ignored.
func limitedFiles(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	signal.Ignore(syscall.SIGXFSZ)
	t.Cleanup(func() { signal.Reset(syscall.SIGXFSZ) })
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	free := func() { set(before) }
	t.Cleanup(free)
	return disk{
		name: "limited files",
		dir:  dir,
		fill: func() {
			info, err := os.Stat(filepath.Join(dir, "chapi.db-wal"))
			if err != nil {
				t.Fatal(err)
			}
			limit := before
			limit.Cur = uint64(info.Size())
			set(limit)
		},
		free: free,
	}
}

func TestAFullDiskIsSaidSoAndLosesNothing(t *testing.T) {
	for _, disk := range smallDisks(t) {
		t.Run(disk.name, func(t *testing.T) {
			db := open(t, disk.dir, storage.Options{})
			accept(t, db, aCall(1))
			for round := range 2 {
				disk.fill()
				kept := fillUp(t, db, round)
				for name, err := range map[string]error{
					"accept": onlyErr(db.Accept(t.Context(), bot.Intake{Adapter: "x", Entries: []bot.Entry{{Key: strings.Repeat("k", 5000)}}})),
					"begin":  db.Begin(t.Context(), 1, true),
					"finish": db.Finish(t.Context(), 1, bot.Done, strings.Repeat("d", 5000)),
					"put":    db.Put(t.Context(), bot.Delivery{Thread: here, Post: bot.Plainf("%s", strings.Repeat("p", 5000))}),
				} {
					if !errors.Is(err, bot.ErrNoSpace) {
						t.Errorf("%s on a full disk: got %v, want bot.ErrNoSpace", name, err)
					}
				}
				c, err := db.Call(t.Context(), 1)
				if err != nil || c.State != bot.Accepted {
					t.Errorf("call on a full disk: %+v, %v; want it as it was", c, err)
				}
				disk.free()
				if err := db.Put(t.Context(), anAnswer(round)); err != nil {
					t.Errorf("put once there is space: %v", err)
				}
				got, err := db.Settings(t.Context(), fmt.Sprint("fill ", round))
				if err != nil || len(got) != kept {
					t.Errorf("%d settings are there, %v; want the %d that were acknowledged", len(got), err, kept)
				}
			}
			if err := errors.Join(db.Begin(t.Context(), 1, true), db.Finish(t.Context(), 1, bot.Done, "")); err != nil {
				t.Errorf("finish once there is space: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if got := ask(t, disk.dir, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("integrity check: %s", got)
			}
		})
	}
}

func onlyErr[T any](_ T, err error) error { return err }

// fillUp writes until the log has no room left in what it had, and returns how
// many values were acknowledged.
func fillUp(t *testing.T, db *storage.DB, round int) (kept int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); kept++ {
		err := db.Set(t.Context(), fmt.Sprint("fill ", round), fmt.Sprint(kept), strings.Repeat("v", 3000))
		if errors.Is(err, bot.ErrNoSpace) {
			return kept
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the disk does not fill up")
	return kept
}

func TestAFolderOnAReadOnlyFileSystemIsNoSpace(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
		// Nobody may write into the kernel's folder either, and everybody has
		// one: it refuses with EROFS or, to some, with EACCES or ENOENT.
		t.Logf("no read-only file system: %v", err)
		dir = "/proc/self"
		if _, err := storage.Open(t.Context(), filepath.Join(dir, "state"), storage.Options{}); err == nil {
			t.Error("opened a database in /proc")
		}
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	for _, where := range []string{dir, filepath.Join(dir, "new")} {
		if _, err := storage.Open(t.Context(), where, storage.Options{}); !errors.Is(err, bot.ErrNoSpace) {
			t.Errorf("open %s: got %v, want bot.ErrNoSpace", where, err)
		}
	}
}
