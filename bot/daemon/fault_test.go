package daemon

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner/holder"
)

// The faults that a transcript cannot play: bytes that no client sends, disks
// that are full, deaths in the middle. After each the promises are looked at.

// say lets a person write, in their own chat.
func (w *world) say(who, text string) int64 { return w.speak(who, who, text, manner{}) }

// document waits for the newest file in a chat and returns its content.
func (w *world) document(name string, fits func(note) bool) []byte {
	w.t.Helper()
	m := w.sees(name, "a document", func(m note) bool { return m.File != nil && fits(m) })
	return m.File.Bytes()
}

// sessionID is the session whose page the message is.
func sessionID(t testing.TB, m note) bot.SessionID {
	t.Helper()
	found := regexp.MustCompile(`#(\d+)`).FindStringSubmatch(m.Text)
	if found == nil {
		t.Fatalf("no session's number in %q", m.Text)
	}
	return bot.SessionID(found[1])
}

// folder is what a session's folder says.
func (w *world) folder(id bot.SessionID) holder.Folder {
	w.t.Helper()
	f, err := holder.ReadFolder(filepath.Join(w.dir, "state", "sessions"), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// TestUpdatesOfAnyShape: what the network sends may be anything. What cannot be
// read is passed over, nobody is let in by it, and what comes next is handled.
func TestUpdatesOfAnyShape(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	w.say("ann", "/start")
	w.say("eve", "/start")
	w.up()
	w.settle()
	message := func(n int, from, text string) string {
		return fmt.Sprintf(`{"message":{"message_id":%d,"date":%d,"chat":{"id":1001,"type":"private","first_name":"ann"},"from":%s,"text":%s}}`,
			5000+n, time.Now().Unix(), from, text)
	}
	const ann = `{"id":1001,"is_bot":false,"first_name":"ann"}`
	for n, update := range []string{
		`{"an_unheard_of_kind":{"x":[1,{"y":null}]}}`,
		`{"message":null}`, `{"message":[]}`, `{"message":"text"}`, `{"message":{}}`, `{"callback_query":{}}`,
		`{"message":{"message_id":"7","date":"now","chat":7,"from":[],"text":{}}}`,
		`{"message":{"message_id":-1,"date":-1,"chat":{"id":0},"from":{"id":0},"text":"/run touch zero"}}`,
		`{"message":{"message_id":9223372036854775807,"date":9223372036854775807,"chat":{"id":1001,"type":"private"},"from":` + ann + `,"text":"/run touch far"}}`,
		`{"message":{"message_id":5100,"date":1e400,"chat":{"id":1001,"type":"private"},"from":` + ann + `,"text":"/run touch huge"}}`,
		`{"callback_query":{"id":"1","from":` + ann + `,"data":"../../x:9.9","message":{"message_id":1,"chat":{"id":1001,"type":"private"}}}}`,
		// Whose account it is, is a number: nothing else counts.
		message(0, `{"id":1005,"is_bot":false,"first_name":"ann","username":"ann"}`, `"/run touch by-name"`),
		message(1, `{"id":1001.5,"first_name":"ann"}`, `"/run touch by-fraction"`),
		message(2, `{"id":"1001","first_name":"ann"}`, `"/run touch by-text"`),
		message(3, `null`, `"/run touch by-nobody"`),
		message(4, ann, `"/run touch nul\u0000byte"`),
		message(5, ann, "\"/run touch bytes-\xff\xfe\xc3\""),
		message(6, ann, `"/run touch \ud800half"`),
		message(7, ann, `"`+strings.Repeat("x", 32<<10)+`"`),
		message(8, ann, `"/`+strings.Repeat("y", 32<<10)+`"`),
		message(9, ann, `"/sh : `+strings.Repeat("z", 100<<10)+`"`),
		message(10, ann, `"`+strings.Repeat(`\u202e\u0007\u001b[31m`, 1000)+`"`),
	} {
		w.telegram().InjectRawUpdate(update)
		w.settle()
		if t.Failed() {
			t.Fatalf("after update %d: %.100s", n, update)
		}
	}
	w.sees("ann", "why a NUL cannot be", contains("NUL byte"))
	w.sees("ann", "that a text is too long", contains("100 kB of text; a command may have 64"))
	left, err := filepath.Glob(filepath.Join(w.dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range left {
		switch base := filepath.Base(name); {
		case base == "config.yaml", base == "telegram.token", base == "state", base == "daemon.log", base == "until":
		case strings.HasPrefix(base, "bytes-"), strings.HasSuffix(base, "half"): // of ann's own
		default:
			t.Errorf("%q was made", base)
		}
	}
	w.down()
	w.telegram().Expect("answerCallbackQuery", "query ID is invalid")
	w.net.Check(t)
}

// TestAPasteOf10000Lines: a long paste reaches the program line by line, whole
// and in order, from a chat and from the console, where every line is a message
// of its own, recorded before it is typed.
func TestAPasteOf10000Lines(t *testing.T) {
	t.Parallel()
	lines := func(n int) string {
		var all strings.Builder
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&all, "this is line %d\n", i)
		}
		return all.String()
	}
	t.Run("in a chat", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, t.TempDir(), terms{}, "telegram")
		w.up()
		w.say("bob", "/term --no-pty sh -c 'cat > pasted; echo got all'")
		w.sees("bob", "the session", contains("running"))
		paste := lines(10_000)
		var message string // clients cut a long text at lines
		for line := range strings.Lines(paste) {
			if len(message)+len(line) > 4096 {
				w.say("bob", strings.TrimSuffix(message, "\n"))
				message = ""
			}
			message += line
		}
		w.say("bob", strings.TrimSuffix(message, "\n"))
		w.say("bob", "/eof")
		w.sees("bob", "the end", contains("got all\n✓ exit 0"))
		if got, _ := os.ReadFile(filepath.Join(w.dir, "pasted")); string(got) != paste {
			t.Errorf("%d bytes arrived, want %d", len(got), len(paste))
		}
		w.down()
	})
	t.Run("at the console", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, t.TempDir(), terms{}, "telegram")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		n := 1000
		if soak() {
			n = 10_000
		}
		paste, begun := lines(n), time.Now()
		out, err := w.run(ctx, "term --no-pty sh -c 'cat > pasted; echo got all'\n"+paste+"/eof\n", "--state", filepath.Join(w.dir, "state"))
		if err != nil || !strings.Contains(out, "got all") {
			t.Fatalf("console: %v\n%.2000s", err, out)
		}
		if got, _ := os.ReadFile(filepath.Join(w.dir, "pasted")); string(got) != paste {
			t.Errorf("%d bytes arrived, want %d", len(got), len(paste))
		}
		t.Logf("%d lines took %v", n, time.Since(begun).Round(time.Millisecond))
	})
}

// TestAProgramThatDoesNotReadItsInput: what is typed waits for it up to a
// bound, and beyond that the person is told that it was not typed.
func TestAProgramThatDoesNotReadItsInput(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	w.up()
	w.say("bob", "/term --no-pty sleep 600")
	w.sees("bob", "the session", contains("running"))
	for range 100 { // 400 kB
		w.say("bob", strings.Repeat("x", 4000))
	}
	w.sees("bob", "that it is not read", contains("is not reading its input"))
	w.say("bob", "/stop")
	w.sees("bob", "its end", contains("✗ stopped (TERM)"))
	w.down()
}

// TestAHolderThatIsKilled: the session is lost, its chat hears of it, and
// nothing of it runs on.
func TestAHolderThatIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	w.up()
	for _, away := range []bool{false, true} {
		what := "while the daemon looks on"
		if away {
			what = "while the daemon is away"
		}
		w.say("bob", "/sh echo "+what+"; sleep 600 & sleep 600")
		page := w.sees("bob", "the session", contains(what+"\n⏳"))
		id := sessionID(t, page)
		f := w.folder(id)
		if away {
			w.kill()
		}
		if err := unix.Kill(f.Holder.PID, unix.SIGKILL); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		if away {
			w.up()
		}
		w.sees("bob", "that it is lost", contains(what+"\n✗ lost", "its holder died"))
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: it took %v to say so", what, took)
		}
		gone := func() bool { return unix.Kill(-f.Process.PID, 0) == unix.ESRCH }
		if !eventually(patience, gone) {
			t.Errorf("%s: the program's process group is still there", what)
		}
	}
	// Others go on, and new ones can be started.
	w.say("bob", "/run echo well")
	w.sees("bob", "the next session", contains("well\n✓"))
	w.down()
}

// TestKilledInTheMiddleOfAFlood: however often the daemon dies while a program
// prints, its output is complete, in order, and its end is told.
func TestKilledInTheMiddleOfAFlood(t *testing.T) {
	onEveryNetwork(t, func(t *testing.T, name string) {
		w := newWorld(t, t.TempDir(), terms{busy: true}, name)
		w.up()
		var want bytes.Buffer
		for i := 1; i <= 1_000_000; i++ {
			fmt.Fprintln(&want, i)
		}
		w.say("bob", "/sh seq 1 300000; ./until one; seq 300001 600000; ./until two; seq 600001 1000000; ./until three; exit 7")
		w.sees("bob", "its beginning", contains("⏳"))
		for _, name := range []string{"one", "two", "three"} {
			w.opens(name)
			time.Sleep(rand.N(200 * time.Millisecond)) // the death is to come at some moment of the flood
			w.kill()
			w.up()
		}
		w.sees("bob", "the end", contains("page 4", "\n1000000\n✗ exit 7"))
		all := func(note) bool { return true }
		if got := w.document("bob", all); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("the file has %d bytes, the output %d", len(got), want.Len())
		}
		asked := w.say("bob", "/log")
		w.settle()
		w.sees("bob", "the second file", func(m note) bool { return m.File != nil && m.ReplyTo == asked })
		if got := w.document("bob", all); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("/log has %d bytes, the output %d", len(got), want.Len())
		}
		w.down()
	})
}

// TestMoreOutputThanIsKept: of 200 MB the first and last part are kept, the
// chat says what is missing, and nobody's memory grows with it.
func TestMoreOutputThanIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir(), terms{busy: true}, "telegram")
	w.extra = "sessions: {output: 16MiB}\n"
	w.up()
	w.say("bob", "/sh yes | head -c 200000000; ./until seen; exit 4")
	w.sees("bob", "the tail", contains("page 4", "not shown here", "⏳"))
	var peak int
	for _, line := range w.processes() {
		var pid, kb int
		fmt.Sscan(line, &pid)
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
			fmt.Sscan(after, &kb)
		}
		peak = max(peak, kb)
	}
	t.Logf("peak memory of the largest process: %d MB", peak>>10)
	if limit := 64 << 10; !raceDetector && peak > limit {
		t.Errorf("a process took %d kB, want at most %d", peak, limit)
	}
	w.opens("seen")
	w.sees("bob", "the end", contains("✗ exit 4"))
	m := w.sees("bob", "the file", func(m note) bool { return m.File != nil })
	if !strings.Contains(m.Text, "MB of the output are not here") {
		t.Errorf("the file says %q, not what is missing", m.Text)
	}
	got := m.File.Bytes()
	if len(got) > 16<<20+100 || len(got) < 15<<20 || !bytes.Contains(got, []byte("are not kept …]")) {
		t.Errorf("the file has %d bytes", len(got))
	}
	w.down()
	w.net.Check(t)
}

// TestAFloodKeepsTheNetworksPace: at the usual pace the network never has to
// ask for a pause, whatever programs print, in several chats at once.
func TestAFloodKeepsTheNetworksPace(t *testing.T) {
	onEveryNetwork(t, func(t *testing.T, name string) {
		w := newWorld(t, t.TempDir(), terms{rates: true, busy: true}, name)
		w.extra = "network:\nsessions: {output: 4MiB}\n"
		w.up()
		w.say("ann", "/sh yes | head -c 50M; sleep 5; yes | head -c 50M")
		w.say("bob", "/sh for i in $(seq 1 200); do echo $i; sleep 0.05; done")
		w.speak("olga", "lab", "/sh for i in $(seq 1 200); do echo $i; sleep 0.05; done", manner{})
		for _, chat := range []string{"ann", "bob", "lab"} {
			if !w.net.Wait(3*patience, func() bool {
				return slices.ContainsFunc(w.posts(chat), contains("✓ exit 0"))
			}) {
				t.Fatalf("%s does not see the end:\n%s", chat, w.transcript(chat))
			}
		}
		w.down()
		if n := w.net.Refused(); n > 0 {
			t.Errorf("%d calls were refused because there were too many", n)
		}
		t.Logf("100 MB in a private chat and 10 s of lines in two chats: %d posts, %d edits, %d files", w.net.Count("post"), w.net.Count("edit"), w.net.Done("file"))
	})
}

// TestADiskThatIsFull: commands and presses wait and do not run, the chat is
// told once, and /status names it afterwards; nothing is lost or done twice.
func TestADiskThatIsFull(t *testing.T) { onEveryNetwork(t, diskThatIsFull) }

func diskThatIsFull(t *testing.T, name string) {
	w := newWorld(t, t.TempDir(), terms{}, name)
	state := filepath.Join(w.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	mount(t, state, "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs")
	w.up()
	w.say("bob", "/sh echo before; ./until well; echo after")
	w.sees("bob", "a session", contains("before\n⏳"))
	w.say("ann", "/run sleep 600")
	asleep := w.sees("ann", "a session to stop", contains("sleep 600", "[Stop]"))

	ballast := filepath.Join(state, "ballast")
	fill(t, ballast)
	w.say("bob", "/sh echo ran >> full; echo well again")
	w.sees("bob", "that nothing can be recorded", contains("full"))
	w.chat("ann").Press("ann", asleep.ID, asleep.Keys[0][0].Data)
	if _, err := os.Stat(filepath.Join(w.dir, "full")); err == nil {
		t.Error("a command ran that could not be recorded")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.sees("bob", "the command's end", contains("well again\n✓ exit 0"))
	w.opens("well")
	w.sees("bob", "the session's end", contains("before\nafter\n✓ exit 0"))
	w.sees("ann", "what the button does", contains("sleep 600\n✗ stopped"))

	// Read-only, as a worn SD card is after a start: that is a fault, and told.
	w.kill()
	w.say("bob", "/sh echo ran >> readonly; echo writable again")
	if !eventually(patience, func() bool { return len(w.processes()) == 0 }) {
		t.Fatalf("still running: %q", w.processes())
	}
	mount(t, "", "-o", "remount,ro", state)
	out, err := w.run(t.Context(), "", "--config", filepath.Join(w.dir, "config.yaml"))
	if err == nil || !strings.Contains(out, "read-only") {
		t.Errorf("a start on a read-only disk: %v, %s", err, out)
	}
	mount(t, "", "-o", "remount,rw", state)
	w.up()
	w.sees("bob", "the command's end", contains("writable again\n✓ exit 0"))
	for _, name := range []string{"full", "readonly"} {
		if got, _ := os.ReadFile(filepath.Join(w.dir, name)); string(got) != "ran\n" {
			t.Errorf("%s: the command ran %d times", name, bytes.Count(got, []byte("ran")))
		}
	}

	// A program fills the disk with its own output. It is not held up, and what
	// could not be kept is counted.
	w.say("bob", "/sh yes | head -c 30000000; echo done > filled")
	done := func() bool { _, err := os.Stat(filepath.Join(w.dir, "filled")); return err == nil }
	if !eventually(patience, done) {
		t.Error("the program does not come to its end")
	}
	// Nor are others: output leaves room for the records of what they ask for.
	w.say("ann", "/run echo still here")
	w.sees("ann", "an answer on a disk full of output", contains("still here\n✓"))
	mount(t, "", "-o", "remount,size=64m", state)
	w.sees("bob", "its end", contains("head -c 30000000", "✓ exit 0", "of its output could not be kept"))
	w.settle()
	w.down()
}

// mount mounts something and undoes it at the end of the test; with an empty
// place it changes what is mounted.
func mount(t *testing.T, place string, args ...string) {
	t.Helper()
	if place != "" {
		args = append(args, place)
		t.Cleanup(func() { asRoot("umount", "-l", place) })
	}
	if out, err := asRoot("mount", args...); err != nil {
		t.Fatalf("this test needs a small file system of its own, and so root or sudo without a password: mount %q: %v\n%s", args, err, out)
	}
	if place != "" && os.Getuid() != 0 {
		asRoot("chown", fmt.Sprint(os.Getuid()), place)
	}
}

func asRoot(name string, args ...string) (string, error) {
	if os.Getuid() != 0 {
		name, args = "sudo", append([]string{"-n", name}, args...)
	}
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

// fill writes to a file until the disk takes no more.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

// TestDaysWithoutANetwork: what happens meanwhile is told when it is back, once
// and in order, even if the daemon died on the way.
func TestDaysWithoutANetwork(t *testing.T) {
	onEveryNetwork(t, func(t *testing.T, name string) {
		w := newWorld(t, t.TempDir(), terms{}, name)
		w.up()
		w.say("bob", "/sh for i in $(seq 1 150); do echo line $i; sleep 0.02; done; exit 9")
		w.say("bob", "/term --no-pty cat")
		w.sees("bob", "the terminal", contains("cat\n⏳"))
		w.net.Down()
		time.Sleep(time.Second) // it prints into the silence
		for range 2 {
			w.kill()
			w.launch()
			time.Sleep(500 * time.Millisecond) // it tries in vain for a while
		}
		w.say("bob", "written meanwhile")
		w.say("bob", "/run echo and this")
		time.Sleep(1500 * time.Millisecond) // nothing can be seen of it: there is no network
		if !eventually(patience, func() bool { return w.net.Up() == nil }) {
			t.Fatal("the network does not come back")
		}
		w.sees("bob", "the first session's end", contains("page 3", "line 150\n✗ exit 9"))
		w.sees("bob", "what was typed", contains("cat\nwritten meanwhile\n⏳"))
		w.sees("bob", "the command's end", contains("and this\n✓ exit 0"))
		w.settle()
		var joined strings.Builder
		for _, m := range w.posts("bob") {
			if strings.Contains(m.Block, "line ") {
				joined.WriteString(m.Block + "\n")
			}
		}
		var want strings.Builder
		for i := 1; i <= 150; i++ {
			fmt.Fprintf(&want, "line %d\n", i)
		}
		if joined.String() != want.String() {
			t.Errorf("the pages show\n%s", joined.String())
		}
		w.say("bob", "/stop")
		w.sees("bob", "its end", contains("✗ stopped"))
		w.down()
	})
}

// TestSignalsThatEndTheDaemon: TERM and HUP end it in order, with status 0, and
// its sessions go on to the next one.
func TestSignalsThatEndTheDaemon(t *testing.T) { onEveryNetwork(t, signalsThatEndTheDaemon) }

func signalsThatEndTheDaemon(t *testing.T, name string) {
	w := newWorld(t, t.TempDir(), terms{}, name)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		w.up()
		w.say("bob", "/sh echo before "+sig.String()+"; ./until "+sig.String()+"; echo after; exit 6")
		w.sees("bob", "a session", contains("before "+sig.String()+"\n⏳"))
		cmd, end := w.process()
		cmd.Process.Signal(sig)
		select {
		case err := <-end:
			if err != nil {
				t.Errorf("%v: the daemon ended with %v", sig, err)
			}
		case <-time.After(patience):
			cmd.Process.Kill()
			t.Fatalf("%v: the daemon does not end", sig)
		}
		w.up()
		w.opens(sig.String())
		w.sees("bob", "its end", contains("before "+sig.String()+"\nafter\n✗ exit 6"))
		w.say("ann", "/status")
		w.sees("ann", "why it was started", contains("started because: it was stopped"))
		w.down()
	}
	if left := w.processes(); len(left) > 0 && !eventually(patience, func() bool { return len(w.processes()) == 0 }) {
		t.Errorf("processes are left: %q", left)
	}
}

// TestAStartThatIsOvertakenByTheDaemonsDeath: what the chat was told to be
// interrupted is not started later by a holder that was slow.
func TestAStartThatIsOvertakenByTheDaemonsDeath(t *testing.T) {
	t.Parallel()
	w := newWorld(t, t.TempDir(), terms{}, "telegram")
	w.up()
	var slow int
	if !eventually(patience, func() bool {
		for _, line := range w.processes() {
			if strings.HasSuffix(line, ": chapi hold ") {
				fmt.Sscan(line, &slow)
			}
		}
		return slow != 0
	}) {
		t.Fatalf("no holder is kept warm: %q", w.processes())
	}
	if err := unix.Kill(slow, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	defer unix.Kill(slow, unix.SIGCONT)
	w.say("bob", "/sh echo ran >> late")
	if !eventually(patience, func() bool { return w.ask("SELECT count(*) FROM sessions") == "1" }) {
		t.Fatal("the session is not recorded")
	}
	time.Sleep(100 * time.Millisecond) // its start is on its way to the holder
	w.kill()
	w.up()
	w.sees("bob", "that it was interrupted", contains("was interrupted while it ran", "[Run again]"))
	unix.Kill(slow, unix.SIGCONT)
	if !eventually(patience, func() bool { return unix.Kill(slow, 0) != nil }) {
		t.Error("the holder does not end")
	}
	if _, err := os.Stat(filepath.Join(w.dir, "late")); err == nil {
		t.Error("it ran all the same")
	}
	w.down()
}
