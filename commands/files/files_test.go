package files

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// rig is a store with an inbox and a shared folder in a temporary one.
type rig struct {
	*Store
	t     *testing.T
	dir   string
	share string
	bob   Area // a user
	ann   Area // an owner
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return rigIn(t, t.TempDir())
}

func rigIn(t *testing.T, dir string) *rig {
	t.Helper()
	r := &rig{t: t, dir: dir, share: filepath.Join(dir, "share")}
	for _, name := range []string{"share/sub", "elsewhere", "secret"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.Store = &Store{
		Inbox:  filepath.Join(dir, "inbox"),
		Hidden: []string{filepath.Join(dir, "secret")},
		Roots: []Root{
			{Path: r.share, Role: bot.User},
			{Path: dir, Role: bot.Owner, Write: true},
		},
	}
	r.bob, r.ann = r.area(bot.User, "bob"), r.area(bot.Owner, "ann")
	return r
}

func (r *rig) area(role bot.Role, chat string) Area {
	a := r.Area(role, chat)
	a.Dir, a.Home = r.dir, r.dir
	return a
}

// has makes a file.
func (r *rig) has(name, content string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.t.Fatal(err)
	}
	return path
}

func (r *rig) put(a Area, dir, name, content string) Stored {
	r.t.Helper()
	to, err := a.Target(dir)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := a.Put(context.Background(), to, Upload{Name: name, Size: int64(len(content))}, strings.NewReader(content))
	if err != nil {
		r.t.Fatalf("put %q: %v", name, err)
	}
	return s
}

// all is every file below the rig's folder.
func (r *rig) all() (names []string) {
	filepath.WalkDir(r.dir, func(path string, e fs.DirEntry, _ error) error {
		if !e.IsDir() {
			rel, _ := filepath.Rel(r.dir, path)
			names = append(names, rel)
		}
		return nil
	})
	return names
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAFileIsStoredWholeAndSaysItsSum(t *testing.T) {
	r := newRig(t)
	s := r.put(r.bob, "", "notes.txt", "hello")
	sum := sha256.Sum256([]byte("hello"))
	if got, want := s.Place.Path(), filepath.Join(r.Inbox, "bob", "notes.txt"); got != want {
		t.Errorf("it is at %s, want %s", got, want)
	}
	if s.Size != 5 || s.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("size %d, sum %s", s.Size, s.SHA256)
	}
	info, err := os.Stat(s.Place.Path())
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v (%v), want -rw-------: never executable", info.Mode(), err)
	}
	if got := r.all(); !slices.Equal(got, []string{"inbox/bob/notes.txt"}) {
		t.Errorf("on the disk: %q", got)
	}
}

func TestNothingIsEverOverwrittenUnasked(t *testing.T) {
	r := newRig(t)
	var names []string
	for _, content := range []string{"a", "b", "c"} {
		names = append(names, r.put(r.bob, "", "x.tar.gz", content).Place.Name())
	}
	if want := []string{"x.tar.gz", "x-2.tar.gz", "x-3.tar.gz"}; !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if got := read(t, filepath.Join(r.Inbox, "bob", "x.tar.gz")); got != "a" {
		t.Errorf("the first file has %q now", got)
	}
}

func TestTwoUploadsOfOneNameAtOnceAreBothKept(t *testing.T) {
	r := newRig(t)
	to, _ := r.bob.Target("")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			content := strings.Repeat(fmt.Sprint(i%10), 200_000)
			if _, err := r.bob.Put(context.Background(), to, Upload{Name: "same.txt"}, strings.NewReader(content)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	names := r.all()
	if len(names) != 20 {
		t.Errorf("%d files, want 20: %q", len(names), names)
	}
	for _, name := range names {
		got := read(t, filepath.Join(r.dir, name))
		if len(got) != 200_000 || strings.Count(got, got[:1]) != len(got) {
			t.Errorf("%s is not one whole upload", name)
		}
	}
}

func TestNamesAreMadeSafe(t *testing.T) {
	long := strings.Repeat("é", 150)
	for _, c := range []struct{ name, want string }{
		{"notes.txt", "notes.txt"},
		{"../../x", "x"},
		{`..\..\x.exe`, "x.exe"},
		{".", "file"},
		{"..", "file"},
		{"", "file"},
		{"/", "file"},
		{".bashrc", "bashrc"},
		{"-rf", "_rf"},
		{"~root", "_root"},
		{"CON", "_CON"},
		{"con.txt", "_con.txt"},
		{"LPT1.log", "_LPT1.log"},
		{"console.txt", "console.txt"},
		{"a\nb.txt", "a b.txt"},
		{"a\x00b\x1b[31m.txt", "ab[31m.txt"},
		{"photo\u202egpj.exe", "photogpj.exe"},
		{"a\u200bb\u2066c.txt", "abc.txt"},
		{"bad\xffutf8.txt", "bad_utf8.txt"},
		{`a<b>c:d"e|f?g*h`, "a_b_c_d_e_f_g_h"},
		{"trailing. . ", "trailing"},
		{"日本語.txt", "日本語.txt"},
		{long + ".tar.gz", strings.Repeat("é", 96) + ".tar.gz"},
		{"x." + strings.Repeat("y", 300), "x." + strings.Repeat("y", 198)},
	} {
		if got := Clean(c.name); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzNamesAreMadeSafe(f *testing.F) {
	for _, s := range []string{"a", "../x", "CON", "\u202e", strings.Repeat("é", 200), ".\xff."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		switch {
		case got == "" || got == "." || got == ".." || len(got) > maxName+1:
			t.Errorf("%q becomes %q", s, got)
		case strings.ContainsAny(got, "/\\\x00\n") || !utf8.ValidString(got) || got[0] == '.' || got[0] == '-':
			t.Errorf("%q becomes %q", s, got)
		}
	})
}

func TestWhatIsNotOpenIsNotFoundNotEvenToBeThere(t *testing.T) {
	r := newRig(t)
	r.has("elsewhere/there", "x")
	r.has("secret/token", "x")
	r.has("inbox/ann/private", "x")
	for _, c := range []struct {
		rule string
		a    Area
		path string
		want error
	}{
		{"a path outside", r.bob, filepath.Join(r.dir, "elsewhere/there"), ErrOutside},
		{"a path outside where nothing is", r.bob, filepath.Join(r.dir, "elsewhere/nothing"), ErrOutside},
		{"dots that lead out", r.bob, r.share + "/../elsewhere/there", ErrOutside},
		{"a folder whose name begins like an open one", r.bob, r.share + "2/x", ErrOutside},
		{"another chat's inbox", r.bob, filepath.Join(r.Inbox, "ann/private"), ErrOutside},
		{"our own records, for an owner", r.ann, filepath.Join(r.dir, "secret/token"), ErrOutside},
		{"our own records themselves", r.ann, filepath.Join(r.dir, "secret"), ErrOutside},
		{"a NUL", r.ann, "share/\x00", ErrOutside},
		{"what is not there", r.ann, "share/nothing", fs.ErrNotExist},
		{"a file as a folder", r.ann, "elsewhere/there/x", fs.ErrNotExist},
	} {
		p, err := c.a.Find(c.path)
		if err == nil {
			_, err = p.Stat()
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.rule, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), r.dir) {
			t.Errorf("%s: the error names a path: %v", c.rule, err)
		}
	}
	if p, err := r.ann.Find(filepath.Join(r.Inbox, "ann/private")); err != nil {
		t.Errorf("an owner's own inbox: %v", err)
	} else if _, _, err := p.Open(); err != nil {
		t.Errorf("an owner's own inbox: %v", err)
	}
}

func TestAReadOnlyFolderTakesNothing(t *testing.T) {
	r := newRig(t)
	r.has("share/a", "x")
	if _, err := r.bob.Target(r.share); !errors.Is(err, ErrReadOnly) {
		t.Errorf("target: %v", err)
	}
	p, _ := r.bob.Find("share/a")
	info, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(info.Mark); !errors.Is(err, ErrReadOnly) {
		t.Errorf("remove: %v", err)
	}
	if _, err := r.bob.Put(context.Background(), p, Upload{Name: "x"}, strings.NewReader("")); !errors.Is(err, ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
}

func TestLinksAreNotFollowedAnywhereInAPath(t *testing.T) {
	r := newRig(t)
	r.has("elsewhere/there", "x")
	r.has("links/sub/a", "x")
	for name, to := range map[string]string{
		"links/out": filepath.Join(r.dir, "elsewhere"), "links/up": "../elsewhere", "links/file": "../elsewhere/there", "links/in": "sub", "links/dangling": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"links/out/there", "links/up/there", "links/file", "links/in", "links/dangling", "links/out"} {
		p, err := r.ann.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		for how, open := range map[string]func() error{
			"open": func() error { _, _, err := p.Open(); return err },
			"list": func() error { _, _, err := p.List(); return err },
			"put": func() error {
				_, err := r.ann.Put(context.Background(), p, Upload{Name: "x"}, strings.NewReader("x"))
				return err
			},
		} {
			if err := open(); !errors.Is(err, ErrLink) {
				t.Errorf("%s %s: %v, want ErrLink", how, path, err)
			}
		}
	}
}

func TestKernelsWithoutOpenat2AreAsStrict(t *testing.T) {
	r := newRig(t)
	r.has("share/sub/a", "x")
	r.has("elsewhere/there", "x")
	os.Symlink("../elsewhere", filepath.Join(r.share, "up"))
	os.Symlink("a", filepath.Join(r.share, "sub/link"))
	top, err := openTop(r.share)
	if err != nil {
		t.Fatal(err)
	}
	defer top.Close()
	for _, rel := range []string{"", ".", "sub", "sub/a", "up", "up/there", "sub/link", "nothing", "sub/a/b", "..", "sub/../../elsewhere/there"} {
		one, errOne := beneath(top, rel)
		two, errTwo := stepwise(top, rel)
		if (errOne == nil) != (errTwo == nil) {
			t.Errorf("%q: openat2 says %v, step by step %v", rel, errOne, errTwo)
		}
		for _, f := range []*os.File{one, two} {
			if f != nil {
				f.Close()
			}
		}
	}
}

// Somebody swaps a folder for a link to another one as fast as they can: what is
// read is what is beneath the open folder, or an error.
func TestSwappedLinksNeverLeadOut(t *testing.T) {
	r := newRig(t)
	r.has("share/sub/data", "inside")
	r.has("elsewhere/data", "outside")
	sub := filepath.Join(r.share, "sub")
	link := filepath.Join(r.dir, "link")
	if err := os.Symlink(filepath.Join(r.dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for !stop.Load() {
			unix.Renameat2(unix.AT_FDCWD, sub, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
		}
	})
	defer func() { stop.Store(true); swapping.Wait() }()
	p, err := r.bob.Find("share/sub/data")
	if err != nil {
		p, err = r.bob.at(filepath.Join(r.share, "sub/data"))
	}
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	for range 5_000 {
		f, _, err := p.Open()
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(f)
		f.Close()
		reads++
		if string(b) != "inside" {
			t.Fatalf("read %q", b)
		}
	}
	if reads == 0 {
		t.Error("nothing was ever read: the test shows nothing")
	}
	dir, _ := p.Parent()
	a := r.ann
	dir.root.Write = true
	for range 60 {
		a.Put(context.Background(), dir, Upload{Name: "new"}, strings.NewReader("x"))
	}
	if left, _ := filepath.Glob(filepath.Join(r.dir, "elsewhere", "*")); len(left) != 1 {
		t.Errorf("something was stored outside: %q", left)
	}
}

func TestDevicesAndPipesAreNotOpened(t *testing.T) {
	r := newRig(t)
	pipe := filepath.Join(r.share, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"share/pipe", "share/sub"} {
		p, err := r.bob.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Open(); !errors.Is(err, ErrKind) {
			t.Errorf("open %s: %v, want ErrKind", path, err)
		}
	}
}

func TestRelativePathsAreLookedForInTheChatsFolderAndThenInItsInbox(t *testing.T) {
	r := newRig(t)
	r.put(r.bob, "", "mine.txt", "x")
	r.has("share/both", "x")
	r.put(r.bob, "", "both", "x")
	a := r.bob
	a.Dir = r.share
	for path, want := range map[string]string{
		"mine.txt": filepath.Join(r.Inbox, "bob/mine.txt"),
		"both":     filepath.Join(r.share, "both"),
		"~/share":  r.share,
		".":        r.share,
	} {
		if p, err := a.Find(path); err != nil || p.Path() != want {
			t.Errorf("%s is %s (%v), want %s", path, p.Path(), err, want)
		}
	}
	if p, err := a.Target("new"); err != nil || p.Path() != filepath.Join(r.Inbox, "bob/new") {
		t.Errorf("a folder to write to, where the chat's may only be read: %s (%v)", p.Path(), err)
	}
}

func TestPatternsMeanWhatIsThereAndOpen(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"share/a.txt", "share/b.txt", "share/.hidden.txt", "share/sub/c.txt", "elsewhere/d.txt"} {
		r.has(name, "x")
	}
	os.Symlink("../elsewhere", filepath.Join(r.share, "up"))
	r.put(r.bob, "", "e.txt", "x")
	for pattern, want := range map[string]int{
		"share/*.txt": 2, "share/*/*.txt": 1, "share/.*": 1, "share/[ab].txt": 2, "share/?.md": 0, "*.txt": 1,
		filepath.Join(r.share, "*"): 3, "share/up/*": 0,
	} {
		found, err := r.bob.Glob(pattern)
		if err != nil || len(found) != want {
			t.Errorf("%s: %d places (%v), want %d", pattern, len(found), err, want)
		}
	}
	if _, err := r.bob.Glob("elsewhere/*"); !errors.Is(err, ErrOutside) && err != nil {
		t.Errorf("outside: %v", err)
	}
	if found, _ := r.bob.Glob(filepath.Join(r.dir, "elsewhere/*")); len(found) > 0 {
		t.Errorf("outside: %d places", len(found))
	}
}

func TestTheInboxHoldsNoMoreThanItsQuota(t *testing.T) {
	r := newRig(t)
	r.Quota, r.Largest = 1000, 800
	to, _ := r.bob.Target("")
	put := func(announced int64, size int) error {
		_, err := r.bob.Put(context.Background(), to, Upload{Name: "x", Size: announced}, bytes.NewReader(make([]byte, size)))
		return err
	}
	for _, c := range []struct {
		rule      string
		announced int64
		size      int
		want      error
	}{
		{"a file over the largest, announced", 801, 801, bot.ErrTooLarge},
		{"a file over the largest, that did not say so", 0, 801, bot.ErrTooLarge},
		{"one that says less than it has", 10, 801, bot.ErrTooLarge},
		{"one that fits", 600, 600, nil},
		{"one more, announced", 600, 600, ErrQuota},
		{"one more, that did not say so", 0, 600, ErrQuota},
		{"what is left", 400, 400, nil},
		{"a byte", 1, 1, ErrQuota},
	} {
		if err := put(c.announced, c.size); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.rule, err, c.want)
		}
	}
	if got := used(r.Inbox); got != 1000 {
		t.Errorf("the inbox has %d bytes, want 1000: nothing of what was refused", got)
	}
}

func TestManyUploadsAtOnceStayWithinTheQuota(t *testing.T) {
	r := newRig(t)
	r.Quota = 1 << 20
	to, _ := r.bob.Target("")
	var all sync.WaitGroup
	var kept atomic.Int64
	for range 10 {
		all.Go(func() {
			_, err := r.bob.Put(context.Background(), to, Upload{Name: "x"}, bytes.NewReader(make([]byte, 300<<10)))
			switch {
			case err == nil:
				kept.Add(1)
			case !errors.Is(err, ErrQuota):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := used(r.Inbox); got > r.Quota || got != kept.Load()*300<<10 {
		t.Errorf("%d bytes of %d files in an inbox for %d", got, kept.Load(), r.Quota)
	}
}

// smallDisk is a real file system of so many bytes.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Fatalf("mount a small disk (run the tests as root, or in a user namespace): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestADiskThatFillsInTheMiddleKeepsNothingOfTheFile(t *testing.T) {
	r := rigIn(t, smallDisk(t, 2<<20))
	to, _ := r.bob.Target("")
	_, err := r.bob.Put(context.Background(), to, Upload{Name: "big"}, bytes.NewReader(make([]byte, 8<<20)))
	if !errors.Is(err, bot.ErrNoSpace) {
		t.Fatalf("got %v, want bot.ErrNoSpace", err)
	}
	if got := r.all(); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	r.put(r.bob, "", "small", "x") // and there is room again
}

func TestAFileLeavesTheReserveFree(t *testing.T) {
	r := rigIn(t, smallDisk(t, 16<<20))
	r.Reserve = 8 << 20
	to, _ := r.bob.Target("")
	for _, announced := range []int64{12 << 20, 0} {
		_, err := r.bob.Put(context.Background(), to, Upload{Name: "big", Size: announced}, bytes.NewReader(make([]byte, 12<<20)))
		if !errors.Is(err, bot.ErrNoSpace) {
			t.Errorf("announced as %d: %v, want bot.ErrNoSpace", announced, err)
		}
	}
	if got := r.all(); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

func TestContentThatBreaksOffLeavesNothing(t *testing.T) {
	r := newRig(t)
	to, _ := r.bob.Target("")
	broken := errors.New("the line is dead")
	content := io.MultiReader(strings.NewReader("half"), iotestErr{broken})
	if _, err := r.bob.Put(context.Background(), to, Upload{Name: "x"}, content); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.bob.Put(ctx, to, Upload{Name: "x"}, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if got := r.all(); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
}

type iotestErr struct{ error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.error }

// A child that is killed in the middle of an upload, as by a power cut.
const childVariable = "CHAPI_FILES_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		uploadForEver(dir)
	}
	os.Exit(m.Run())
}

func uploadForEver(dir string) {
	s := &Store{Inbox: filepath.Join(dir, "inbox")}
	a := s.Area(bot.User, "bob")
	to, _ := a.Target("")
	for {
		content := strings.Repeat("x", 1<<20)
		if _, err := a.Put(context.Background(), to, Upload{Name: "file"}, strings.NewReader(content)); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("stored")
	}
}

func TestAPowerCutLeavesWholeFilesAndNothingElse(t *testing.T) {
	r := newRig(t)
	whole := 0
	for range 12 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childVariable+"="+r.dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		told := bufio.NewScanner(out)
		if !told.Scan() || told.Text() != "stored" {
			t.Fatalf("the child says %q", told.Text())
		}
		whole++
		time.Sleep(time.Duration(rand.Intn(4000)) * time.Microsecond)
		child.Process.Kill()
		for told.Scan() {
			if told.Text() == "stored" {
				whole++
			}
		}
		child.Wait()
	}
	if err := r.Sweep(); err != nil {
		t.Fatal(err)
	}
	names := r.all()
	for _, name := range names {
		if got := read(t, filepath.Join(r.dir, name)); len(got) != 1<<20 {
			t.Errorf("%s has %d bytes", name, len(got))
		}
	}
	// A file may be there whose child did not live to tell.
	if len(names) < whole || len(names) > whole+12 {
		t.Errorf("%d files; %d were told of", len(names), whole)
	}
}

func TestSweepingLeavesWhatIsBeingWritten(t *testing.T) {
	r := newRig(t)
	to, _ := r.bob.Target("")
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := r.bob.Put(context.Background(), to, Upload{Name: "slow"}, reader)
		done <- err
	}()
	writer.Write([]byte("first "))
	stale := r.has("inbox/bob/"+partPrefix+"OLD", "left by a crash")
	if err := r.Sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a crash left is still there: %v", err)
	}
	writer.Write([]byte("second"))
	writer.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := read(t, filepath.Join(r.Inbox, "bob/slow")); got != "first second" {
		t.Errorf("it has %q", got)
	}
}

func TestReplacingIsExactlyOfWhatWasShown(t *testing.T) {
	r := newRig(t)
	path := r.has("notes", "old")
	os.Chmod(path, 0o640)
	p, _ := r.ann.Find("notes")
	info, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := p.Parent()
	over := func(mark string) error {
		_, err := r.ann.Put(context.Background(), dir, Upload{Name: "notes", Over: mark}, strings.NewReader("new"))
		return err
	}
	if err := over(info.Mark); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(path); read(t, path) != "new" || st.Mode() != 0o640 {
		t.Errorf("it has %q and mode %v", read(t, path), st.Mode())
	}
	if err := over(info.Mark); !errors.Is(err, ErrChanged) {
		t.Errorf("once more: %v, want ErrChanged", err)
	}
}

func TestRemovingIsExactlyOfWhatWasShown(t *testing.T) {
	r := newRig(t)
	r.has("elsewhere/kept", "x")
	r.has("old/a", "x")
	os.Symlink("../elsewhere", filepath.Join(r.dir, "old/link"))
	file, _ := r.ann.Find("old/a")
	was, _ := file.Stat()
	r.has("old/a", "changed")
	if err := file.Remove(was.Mark); !errors.Is(err, ErrChanged) {
		t.Errorf("a changed file: %v, want ErrChanged", err)
	}
	dir, _ := r.ann.Find("old")
	info, _ := dir.Stat()
	if err := dir.Remove(info.Mark); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "old")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if read(t, filepath.Join(r.dir, "elsewhere/kept")) != "x" {
		t.Error("a link was followed")
	}
}

func TestFoldersWithOurOwnRecordsInThemStay(t *testing.T) {
	r := newRig(t)
	r.has("above/secret/token", "x")
	r.Hidden = []string{filepath.Join(r.dir, "above/secret/token")}
	for _, name := range []string{"above", "above/secret"} {
		p, _ := r.ann.Find(name)
		info, err := p.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Remove(info.Mark); err == nil {
			t.Errorf("%s was removed", name)
		}
		to, _ := r.ann.Target("elsewhere")
		if _, err := r.ann.Move(context.Background(), p, to, "", info.Mark); err == nil {
			t.Errorf("%s was moved", name)
		}
	}
	root, _ := r.ann.Find(r.dir)
	info, _ := root.Stat()
	if err := root.Remove(info.Mark); err == nil {
		t.Error("an open folder itself was removed")
	}
}

func TestMovingOverwritesNothing(t *testing.T) {
	r := newRig(t)
	r.has("a", "moved")
	r.has("elsewhere/a", "there before")
	from, _ := r.ann.Find("a")
	to, _ := r.ann.Target("elsewhere")
	info, _ := from.Stat()
	if _, err := r.ann.Move(context.Background(), from, to, "a", info.Mark); !errors.Is(err, ErrExists) {
		t.Errorf("to a name that is taken: %v", err)
	}
	now, err := r.ann.Move(context.Background(), from, to, "", info.Mark)
	if err != nil || now.Name() != "a-2" {
		t.Fatalf("moved to %s (%v)", now.Name(), err)
	}
	if read(t, now.Path()) != "moved" || read(t, filepath.Join(r.dir, "elsewhere/a")) != "there before" {
		t.Error("something was overwritten")
	}
	sub, _ := r.ann.Find("elsewhere")
	info, _ = sub.Stat()
	inside, _ := r.ann.Target("elsewhere/deeper")
	if _, err := r.ann.Move(context.Background(), sub, inside, "", info.Mark); !errors.Is(err, ErrKind) {
		t.Errorf("a folder into itself: %v", err)
	}
}

func TestMovingToAnotherDiskCopiesWhole(t *testing.T) {
	r := newRig(t)
	other := smallDisk(t, 4<<20)
	r.Roots = append(r.Roots, Root{Path: other, Role: bot.Owner, Write: true})
	a := r.area(bot.Owner, "ann")
	r.has("a", "moved")
	from, _ := a.Find("a")
	info, _ := from.Stat()
	to, err := a.Target(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Move(context.Background(), from, to, "", info.Mark); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(other, "a")) != "moved" {
		t.Error("not there")
	}
	if _, err := os.Stat(filepath.Join(r.dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still here: %v", err)
	}
}

func TestWhatRootStoresIsGivenToTheAccountThatProgramsRunAs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("run this test as root: it gives files to another account")
	}
	r := newRig(t)
	a := r.bob
	a.Owner = &Owner{UID: 65534, GID: 65534}
	r.put(a, "deep/er", "x", "x")
	for _, name := range []string{"bob", "bob/deep", "bob/deep/er", "bob/deep/er/x"} {
		info, err := os.Stat(filepath.Join(r.Inbox, name))
		if err != nil {
			t.Fatal(err)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 65534 {
			t.Errorf("%s belongs to %d", name, uid)
		}
	}
	if info, _ := os.Stat(r.Inbox); info.Mode().Perm() != 0o711 {
		t.Errorf("the inbox has mode %v: the account must pass through, and see no more", info.Mode())
	}
}

func TestArchivesHoldTheFilesAndSayWhatTheyLeaveOut(t *testing.T) {
	r := newRig(t)
	r.has("dir/a.txt", "alpha")
	r.has("dir/sub/b.txt", "beta")
	r.has("dir/secret/token", "x")
	r.Hidden = []string{filepath.Join(r.dir, "dir/secret")}
	os.Symlink("/etc/passwd", filepath.Join(r.dir, "dir/link"))
	p, _ := r.ann.Find("dir")
	want := map[string]string{"dir/a.txt": "alpha", "dir/sub/b.txt": "beta"}
	for _, zipped := range []bool{false, true} {
		var out bytes.Buffer
		packed, err := Pack(context.Background(), &out, zipped, p)
		if err != nil {
			t.Fatal(err)
		}
		if packed.Files != 2 || packed.Left != 2 {
			t.Errorf("zipped %v: %d files, %d left out, want 2 and 2", zipped, packed.Files, packed.Left)
		}
		got := map[string]string{}
		if zipped {
			z, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range z.File {
				if !strings.HasSuffix(f.Name, "/") {
					in, _ := f.Open()
					b, _ := io.ReadAll(in)
					got[f.Name] = string(b)
				}
			}
		} else {
			z, err := gzip.NewReader(&out)
			if err != nil {
				t.Fatal(err)
			}
			for in := tar.NewReader(z); ; {
				h, err := in.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if h.Typeflag == tar.TypeReg {
					b, _ := io.ReadAll(in)
					got[h.Name] = string(b)
				}
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("zipped %v: it has %q", zipped, got)
		}
	}
}

func TestNothingThatComesInIsUnpacked(t *testing.T) {
	r := newRig(t)
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, _ := z.Create("../../out.txt")
	io.Copy(w, io.LimitReader(zeros{}, 4<<20))
	z.Close()
	s := r.put(r.bob, "", "bomb.zip", bomb.String())
	if got := r.all(); !slices.Equal(got, []string{"inbox/bob/bomb.zip"}) || s.Size != int64(bomb.Len()) {
		t.Errorf("on the disk: %q, %d bytes", got, s.Size)
	}
}

func TestAFileOf5GBIsListedAndReadWithoutHoldingIt(t *testing.T) {
	r := newRig(t)
	path := filepath.Join(r.share, "huge")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	const size = 5 << 30
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	f.Close()
	p, _ := r.bob.Find("share/huge")
	open, info, err := p.Open()
	if err != nil || info.Size != size {
		t.Fatalf("size %d (%v)", info.Size, err)
	}
	defer open.Close()
	last := make([]byte, 4)
	if _, err := open.ReadAt(last, size-4); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Pack(ctx, io.Discard, false, p); !errors.Is(err, context.Canceled) {
		t.Errorf("packing it does not end with its context: %v", err)
	}
}

func TestStoringAndPackingStream(t *testing.T) {
	r := newRig(t)
	const size, most = 16 << 20, 4 << 20 // bytes
	allocated := func(do func()) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		do()
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	to, _ := r.bob.Target("")
	var stored Stored
	if got := allocated(func() {
		var err error
		stored, err = r.bob.Put(context.Background(), to, Upload{Name: "f"}, io.LimitReader(zeros{}, size))
		if err != nil {
			t.Fatal(err)
		}
	}); got > most {
		t.Errorf("storing %d bytes took %d of memory in all", size, got)
	}
	if got := allocated(func() {
		if _, err := Pack(context.Background(), io.Discard, false, stored.Place); err != nil {
			t.Fatal(err)
		}
	}); got > most {
		t.Errorf("packing %d bytes took %d of memory in all", size, got)
	}
}
