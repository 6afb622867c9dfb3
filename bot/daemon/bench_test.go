package daemon

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"chapi/bot"
	"chapi/runner/holder"
	"chapi/runner/journal"
)

// load is how much TestBench does.
type load struct {
	messages int           // one after another
	chats    int           // at once
	rush     time.Duration // for so long
	flood    int64         // bytes of output
	budget   int64         // that keeps a part of them
	rounds   int           // of floods
	rates    bool          // as those of the real network, with the default pace
	starts   int           // of the daemon
	commands int           // before it is idle
	settle   time.Duration // until it is idle
	idle     time.Duration // while it is
	sessions int           // that are idle
	cards    int           // of the machine, one after another
	presses  int           // of keys, one after another
	days     int           // of measurements on record
	file     int           // bytes, where the network takes as many
}

var (
	// smoke only shows that everything still works.
	smoke = load{
		messages: 5, chats: 3, rush: 200 * time.Millisecond, flood: 4 << 20, budget: 1 << 20, rounds: 1,
		starts: 1, commands: 3, settle: 50 * time.Millisecond, idle: 100 * time.Millisecond, sessions: 2, cards: 2, presses: 2, days: 1, file: 1e6,
	}
	full = load{
		messages: 600, chats: 50, rush: 12 * time.Second, flood: 1 << 30, budget: 64 << 20, rounds: 3, rates: true,
		starts: 10, commands: 1000, settle: 5 * time.Second, idle: 10 * time.Minute, sessions: 100, cards: 100, presses: 60, days: 40, file: 48e6,
	}
)

// TestBench measures the whole program, each figure beside a reference that is
// measured in the same run, and judges nothing. With CHAPI_BENCH set it is the
// program as it is released, under load; CHAPI_BENCH_IDLE is for how long the
// daemon is watched doing nothing (10m). Otherwise it is over in a moment.
func TestBench(t *testing.T) {
	b := &bench{load: smoke}
	if os.Getenv("CHAPI_BENCH") != "" {
		b.load = full
		if text := os.Getenv("CHAPI_BENCH_IDLE"); text != "" {
			idle, err := time.ParseDuration(text)
			if err != nil {
				t.Fatalf("CHAPI_BENCH_IDLE: %v", err)
			}
			b.idle = idle
		}
		b.release(t)
	}
	b.disk = disk(t)
	for _, b.on = range []string{"telegram", "discord"} {
		t.Run(b.on+" latency", b.latency)
		t.Run(b.on+" keys", b.keys)
		t.Run(b.on+" throughput", b.throughput)
		t.Run(b.on+" flood", b.floods)
		t.Run(b.on+" files", b.files)
		t.Run(b.on+" idle", func(t *testing.T) { b.atRest(t, b.on) })
	}
	b.on = "telegram"
	t.Run("sessions", b.idleSessions)
	t.Run("machine", b.machine)
	b.on = "both"
	t.Run("both idle", func(t *testing.T) { b.atRest(t, "telegram", "discord") })
	b.print(t)
}

// bench collects figures.
type bench struct {
	load
	disk    string // a folder for state
	on      string // the network that is measured, or "both"
	figures []figure
}

// figure is what was measured, by network, the aim, and what to compare it
// with.
type figure struct {
	what           string
	got            map[string]string
	aim, reference string
}

// note adds a figure of the network that is measured.
func (b *bench) note(what, got, aim, reference string) {
	i := slices.IndexFunc(b.figures, func(f figure) bool { return f.what == what })
	if i < 0 {
		i = len(b.figures)
		b.figures = append(b.figures, figure{what, map[string]string{}, aim, reference})
	}
	b.figures[i].got[b.on] = got
}

func (b *bench) print(t *testing.T) {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tTELEGRAM\tDISCORD\tBOTH\tAIM\tREFERENCE (telegram's run)")
	for _, f := range b.figures {
		fmt.Fprintln(w, strings.Join([]string{f.what, f.got["telegram"], f.got["discord"], f.got["both"], f.aim, f.reference}, "\t"))
	}
	w.Flush()
	t.Logf("\n%s", text.String())
}

// release has the tests below run the program as it is released.
func (b *bench) release(t *testing.T) {
	out := filepath.Join(t.TempDir(), "chapi")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "chapi")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build chapi: %v\n%s", err, text)
	}
	tested := binary
	binary = out
	t.Cleanup(func() { binary = tested })
}

// disk is a folder on the file system of the repository: the one for temporary
// files may be in memory, where a sync costs nothing.
func disk(t *testing.T) string {
	dir, err := os.MkdirTemp(".", ".bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if dir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// device is a world of as many people as there are chats, in a folder of its
// own.
func (b *bench) device(t *testing.T, name, config string, how terms, nets ...string) (w *world, chats []privateChat) {
	if len(nets) == 0 {
		nets = []string{b.on}
	}
	dir := filepath.Join(b.disk, b.on+" "+name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w = newWorld(t, dir, how, nets...)
	people := "people:\n"
	for i := range b.chats {
		name := fmt.Sprintf("p%d", i)
		people += w.net.AddPerson(i, name, "owner")
		chats = append(chats, privateChat{w.chat(name), name})
	}
	w.extra = config + people
	return w, chats
}

// unhindered is the configuration without the limits of a network, or of
// sessions at once.
const unhindered = "network:\n  pace: {unlimited: true}\nsessions: {per_person: 1000, total: 1000}\n"

// privateChat is a chat with its person.
type privateChat struct {
	place
	person string
}

// ask has the chat's person write something; answered tells whether the
// session that it started has ended, and was shown to.
func (c privateChat) ask(text string) int64 { return c.Say(c.person, text, manner{}) }

func (c privateChat) answered(asked int64) bool {
	last, ok := c.Last()
	return ok && last.ReplyTo == asked && strings.Contains(last.Text, "exit 0")
}

// answers is how many messages the bot has sent or changed.
func answers(n network) int { return n.Done("post") + n.Done("edit") }

const echo = "/run echo hi"

// latency is the time from a message to its answer.
func (b *bench) latency(t *testing.T) {
	w, chats := b.device(t, "latency", unhindered, terms{})
	w.up()
	var whole, bare, sync []time.Duration
	file, err := os.Create(filepath.Join(b.disk, "synced"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const warming = 3
	for i := range b.messages + warming {
		began := time.Now()
		asked := chats[0].ask(echo)
		if !w.net.Wait(patience, func() bool { return chats[0].answered(asked) }) {
			t.Fatalf("no answer to message %d", i)
		}
		took := time.Since(began)
		if i < warming {
			continue
		}
		whole = append(whole, took)
		bare = append(bare, timed(func() { err = exec.Command("/bin/echo", "hi").Run() }))
		if err != nil {
			t.Fatal(err)
		}
		file.Write(make([]byte, 4096))
		sync = append(sync, timed(func() { err = unix.Fdatasync(int(file.Fd())) }))
		if err != nil {
			t.Fatal(err)
		}
	}
	reference := fmt.Sprintf("fork+exec+wait of it: %s, %s", ms(at(bare, 50)), ms(at(bare, 99)))
	b.note("state folder", fileSystem(t, b.disk)+", below "+filepath.Dir(b.disk), "a real disk", fmt.Sprintf("4 kB and fdatasync: %s, %s", ms(at(sync, 50)), ms(at(sync, 99))))
	b.note("message to answer, p50", ms(at(whole, 50)), "5 ms", reference)
	b.note("message to answer, p99", ms(at(whole, 99)), "6..10 ms", reference)
	b.note("  overhead, p50", ms(at(whole, 50)-at(bare, 50)), "", fmt.Sprintf("%d messages", b.messages))
	b.note("  overhead, p99", ms(at(whole, 99)-at(bare, 99)), "", fmt.Sprintf("%d messages", b.messages))
}

// throughput is how many commands are answered when all chats ask at once,
// each as soon as it has its answer.
func (b *bench) throughput(t *testing.T) {
	w, chats := b.device(t, "throughput", unhindered, terms{})
	w.up()
	asked := make([]int64, len(chats))
	for i, chat := range chats {
		asked[i] = chat.ask(echo)
	}
	done, seen := 0, -1
	var began time.Time
	for began.IsZero() || time.Since(began) < b.rush {
		fresh := w.net.Wait(patience, func() bool {
			before := seen
			seen = answers(w.net)
			return seen != before
		})
		if !fresh {
			t.Fatalf("no answers any more, after %d", done)
		}
		for i, chat := range chats {
			if chat.answered(asked[i]) {
				asked[i] = chat.ask(echo)
				done++
			}
		}
		if began.IsZero() && done >= len(chats) { // all have begun
			began, done = time.Now(), 0
		}
	}
	rate := float64(done) / time.Since(began).Seconds()
	if !w.net.Wait(patience, func() bool {
		return !slices.ContainsFunc(indexes(chats), func(i int) bool { return !chats[i].answered(asked[i]) })
	}) {
		t.Fatal("not everything is answered")
	}
	bare := bareRate(t, b.rush/4)
	b.note(fmt.Sprintf("commands/s with %d chats", len(chats)), fmt.Sprintf("%.0f", rate), "600", fmt.Sprintf("fork+exec+wait, 4 at a time: %.0f/s", bare))
}

func indexes[T any](s []T) []int {
	all := make([]int, len(s))
	for i := range all {
		all[i] = i
	}
	return all
}

// bareRate is how many programs a second can be run at all.
func bareRate(t *testing.T, most time.Duration) float64 {
	const workers = 4
	began := time.Now()
	results := make(chan int, workers)
	for range workers {
		go func() {
			n := 0
			for ; time.Since(began) < most && exec.Command("/bin/echo", "hi").Run() == nil; n++ {
			}
			results <- n
		}()
	}
	all := 0
	for range workers {
		all += <-results
	}
	if all == 0 {
		t.Error("nothing could be run")
	}
	return float64(all) / time.Since(began).Seconds()
}

// floods is a program that prints as fast as it can, with a journal that keeps
// a part of it and one that keeps it all, in turn with a plain file.
func (b *bench) floods(t *testing.T) {
	line := fmt.Sprintf("yes | head -c %d", b.flood)
	var bare, synced []time.Duration
	plain := func() {
		file := filepath.Join(b.disk, "flood")
		for _, c := range []struct {
			took *[]time.Duration
			then string
		}{{&bare, ""}, {&synced, "; sync " + file}} {
			*c.took = append(*c.took, timed(func() {
				if err := exec.Command("sh", "-c", line+" > "+file+c.then).Run(); err != nil {
					t.Fatal(err)
				}
			}))
			os.Remove(file)
		}
	}
	for _, c := range []struct {
		name   string
		budget int64
	}{{"part kept", b.budget}, {"all kept", 2 * b.flood}} {
		config := "network:\n"
		if !b.rates {
			config += "  pace: {unlimited: true}\n"
		}
		config += fmt.Sprintf("sessions: {output: %d, disk: 0}\n", c.budget)
		w, chats := b.device(t, "flood "+c.name, config, terms{rates: b.rates})
		w.up()
		var took []time.Duration
		var last holder.Folder
		said := func() int { return w.net.Count("post") + w.net.Count("edit") + w.net.Done("file") }
		quiet := said()
		for range b.rounds {
			plain()
			asked := chats[0].ask("/sh " + line)
			last = b.flooded(t, w, chats[0], asked, c.budget)
			took = append(took, last.Exit.At.Sub(last.Started))
		}
		calls := float64(said()-quiet) / float64(b.rounds)
		refused := w.net.Refused()
		what := fmt.Sprintf("flood of %s, %s", mb(b.flood), c.name)
		b.note(what+": time of the bare one", percent(at(bare, 50), at(took, 50)), "50 % or more",
			fmt.Sprintf("into a file %s, %s with a sync; into a session, which syncs, %s", seconds(at(bare, 50)), seconds(at(synced, 50)), seconds(at(took, 50))))
		b.note("  peak memory, "+c.name, fmt.Sprintf("daemon %s, holder %s", kb(w.pid(), "status", "VmHWM"), kb(last.Holder.PID, "status", "VmHWM")), "64 MB each", "")
		b.note("  calls of the network, "+c.name, fmt.Sprintf("%.0f, %d refused with 429", calls, refused), "none refused", "rates of the real one, default pace")
		b.note("  journal, "+c.name, "as promised, byte for byte", "", fmt.Sprintf("%s of %s", mb(kept(journal.Kept(c.budget, b.flood))), mb(b.flood)))
	}
}

// flooded waits for the end of the flood that was asked for, and of what it
// sends, and checks what is kept of it.
func (b *bench) flooded(t *testing.T, w *world, chat privateChat, asked int64, budget int64) holder.Folder {
	ended, sent := false, false
	w.net.Wait(5*time.Minute, func() bool {
		for _, m := range chat.Posts() {
			ended = ended || m.ReplyTo == asked && strings.Contains(m.Text, "exit 0")
			sent = sent || m.ReplyTo == asked && m.File != nil
		}
		return ended && sent
	})
	if !ended || !sent {
		t.Fatalf("the flood does not end; the chat: %+v", chat.Posts())
	}
	folder, err := holder.ReadFolder(w.sessions(), w.newest(t))
	if err != nil {
		t.Fatal(err)
	}
	output, err := journal.Open(folder.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	got, end := output.Extent()
	if want := journal.Kept(budget, b.flood); end != b.flood || !slices.Equal(got, want) {
		t.Fatalf("the journal keeps %v of %d bytes, want %v of %d", got, end, want, b.flood)
	}
	want := bytes.Repeat([]byte("y\n"), 1<<19)
	for _, r := range got {
		for at := r.From; at < r.To; {
			chunk, err := output.Next(at, len(want)-2)
			if err != nil {
				t.Fatal(err)
			}
			if odd := chunk.From % 2; chunk.From != at || !bytes.Equal(chunk.Data, want[odd:odd+int64(len(chunk.Data))]) {
				t.Fatalf("the journal is not the output, at %d", at)
			}
			at += int64(len(chunk.Data))
		}
	}
	return folder
}

// atRest is what the daemon needs while it has nothing to do, and how quickly
// it is there.
func (b *bench) atRest(t *testing.T, nets ...string) {
	w, chats := b.device(t, "idle", unhindered, terms{}, nets...)
	w.up()
	time.Sleep(b.settle) // what is measured is the memory of rest
	sleeping := exec.Command("sleep", "1000")
	if err := sleeping.Start(); err != nil {
		t.Fatal(err)
	}
	defer sleeping.Wait()
	defer sleeping.Process.Kill()
	b.memory(w.pid(), "idle after the start", sleeping.Process.Pid)
	for i := range b.commands {
		asked := chats[0].ask(echo)
		if !w.net.Wait(patience, func() bool { return chats[0].answered(asked) }) {
			t.Fatalf("no answer to command %d", i)
		}
	}
	time.Sleep(b.settle) // what is measured is the memory of rest
	b.memory(w.pid(), fmt.Sprintf("idle after %d commands", b.commands), sleeping.Process.Pid)
	before, began := processorTime(t, w.pid()), time.Now()
	time.Sleep(b.idle) // the time that is measured
	spent := (processorTime(t, w.pid()) - before).Seconds() / time.Since(began).Minutes() * 10
	b.note("processor time in 10 idle minutes", fmt.Sprintf("%.2f s", spent), "", fmt.Sprintf("measured for %s", b.idle))
	w.down()
	var ready, bare []time.Duration
	for range b.starts {
		bare = append(bare, timed(func() {
			if err := exec.Command(binary, "version").Run(); err != nil {
				t.Fatal(err)
			}
		}))
		began := time.Now()
		w.launch()
		for _, n := range w.nets {
			if !n.Wait(patience, n.Ready) {
				t.Fatalf("the daemon does not receive from %s", n.Name())
			}
		}
		ready = append(ready, time.Since(began))
		w.down()
	}
	b.note("start to receiving", fmt.Sprintf("least %s, p50 %s", ms(at(ready, 0)), ms(at(ready, 50))), "50 ms",
		fmt.Sprintf("the program doing nothing: least %s, p50 %s", ms(at(bare, 0)), ms(at(bare, 50))))
	if info, err := os.Stat(binary); err == nil {
		b.note("size of the program", mb(info.Size()), "", "")
	}
}

// carried is the most that a network takes from people for us, and from us, in
// bytes.
var carried = map[string]struct{ up, down int }{"telegram": {19e6, 48e6}, "discord": {48e6, 10e6}}

// files is a large file to the device, and one from it, whole and synced, and what
// memory that takes beyond the daemon's own.
func (b *bench) files(t *testing.T) {
	w, chats := b.device(t, "files", unhindered, terms{})
	chat, inbox := chats[0], filepath.Join(w.dir, "inbox")
	w.extra += "files: {inbox: " + strconv.Quote(inbox) + "}\n"
	if err := os.MkdirAll(filepath.Join(inbox, chat.person), 0o755); err != nil {
		t.Fatal(err)
	}
	w.up()
	arrives := func(what string) {
		w.sees(chat.person, what, func(m note) bool {
			return m.File != nil && m.File.Name == what || strings.Contains(m.Text, "Stored "+what)
		})
	}
	up := bytes.Repeat([]byte("0123456789abcdef"), min(b.file, carried[b.on].up)/16)
	b.carry(w, "file to the device", len(up), func() {
		chat.Say(chat.person, "", manner{files: []sentFile{{"up.bin", up}}})
		arrives("up.bin")
	})
	down := make([]byte, min(b.file, carried[b.on].down))
	if err := os.WriteFile(filepath.Join(inbox, chat.person, "down.bin"), down, 0o644); err != nil {
		t.Fatal(err)
	}
	b.carry(w, "file from the device", len(down), func() {
		chat.ask("/get down.bin")
		arrives("down.bin")
	})
	w.down()
}

// carry notes how fast a file is carried, and the peak memory beyond what the
// daemon had before.
func (b *bench) carry(w *world, what string, size int, do func()) {
	// The peak so far is forgotten; see clear_refs in proc_pid(5).
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", w.pid()), []byte("5"), 0o200)
	before := field(w.pid(), "status", "VmRSS")
	took := timed(do)
	b.note(what, fmt.Sprintf("%s in %s, %s extra", mb(int64(size)), seconds(took), memory(max(field(w.pid(), "status", "VmHWM")-before, 0))), "8 MB extra", "")
}

func (b *bench) memory(pid int, when string, reference int) {
	b.note(when, fmt.Sprintf("%s resident, %s private, %d threads", kb(pid, "status", "VmRSS"), private(pid), field(pid, "status", "Threads")),
		"30 MB, 10 MB", fmt.Sprintf("sleep(1): %s, %s", kb(reference, "status", "VmRSS"), private(reference)))
}

// idleSessions is what a session costs in which nothing happens.
func (b *bench) idleSessions(t *testing.T) {
	w, chats := b.device(t, "sessions", unhindered, terms{})
	w.up()
	for range b.sessions {
		chats[0].ask("/run cat")
	}
	var folders []holder.Folder
	if !w.net.Wait(3*patience, func() bool {
		folders = w.folders(t)
		running := slices.DeleteFunc(slices.Clone(folders), func(f holder.Folder) bool { return f.Process.PID == 0 })
		return len(running) == b.sessions && w.net.Done("post") >= b.sessions
	}) {
		t.Fatalf("%d sessions run, want %d", len(folders), b.sessions)
	}
	time.Sleep(b.settle) // what is measured is the memory of rest
	var holders, programs []int
	for _, f := range folders {
		holders = append(holders, privateKB(f.Holder.PID))
		programs = append(programs, privateKB(f.Process.PID))
	}
	reference := fmt.Sprintf("their programs, cat(1): %.2f MB", float64(at(programs, 50))/1024)
	b.note("private memory of an idle session, p50", fmt.Sprintf("%.2f MB", float64(at(holders, 50))/1024), "3 MB", reference)
	b.note(fmt.Sprintf("  of %d together", len(holders)), fmt.Sprintf("%.0f MB", float64(sum(holders))/1024), "", fmt.Sprintf("%.0f MB", float64(sum(programs))/1024))
	b.memory(w.pid(), "  the daemon meanwhile", folders[0].Process.PID)
	for _, f := range folders {
		unix.Kill(f.Holder.PID, unix.SIGTERM) // which ends its program too
	}
	if !w.net.Wait(patience, func() bool {
		return !slices.ContainsFunc(folders, func(f holder.Folder) bool { return f.Process.Alive() })
	}) {
		t.Error("the sessions do not end")
	}
}

// pid is the daemon's.
func (w *world) pid() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cmd.Process.Pid
}

// sessions is the folder of the sessions.
func (w *world) sessions() string { return filepath.Join(w.dir, "state", "sessions") }

// folders is what the folders of all sessions say.
func (w *world) folders(t *testing.T) []holder.Folder {
	entries, err := os.ReadDir(w.sessions())
	if err != nil {
		t.Fatal(err)
	}
	var all []holder.Folder
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		f, err := holder.ReadFolder(w.sessions(), bot.SessionID(e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	return all
}

// newest is the session that was started last.
func (w *world) newest(t *testing.T) bot.SessionID {
	all := w.folders(t)
	if len(all) == 0 {
		t.Fatal("there are no sessions")
	}
	return slices.MaxFunc(all, func(a, b holder.Folder) int { return a.Started.Compare(b.Started) }).ID
}

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}

// at is the percentile of the samples, by the nearest rank.
func at[T time.Duration | int](samples []T, percentile float64) T {
	sorted := slices.Sorted(slices.Values(samples))
	rank := int(math.Ceil(percentile / 100 * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

func kept(ranges []bot.Range) (n int64) {
	for _, r := range ranges {
		n += r.Len()
	}
	return n
}

func ms(d time.Duration) string      { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
func mb(n int64) string              { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

func percent(part, whole time.Duration) string {
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// field is a number in a file of /proc/PID, -1 when it cannot be read: a
// daemon with a token is closed to other accounts than root.
func field(pid int, file, name string) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			if n, err := strconv.Atoi(strings.Fields(value)[0]); err == nil {
				return n
			}
		}
	}
	return -1
}

// kb is a field in kB, in MB.
func kb(pid int, file, name string) string {
	return memory(field(pid, file, name))
}

// privateKB is the memory that a process shares with no other.
func privateKB(pid int) int {
	clean, dirty := field(pid, "smaps_rollup", "Private_Clean"), field(pid, "smaps_rollup", "Private_Dirty")
	if clean < 0 || dirty < 0 {
		return -1
	}
	return clean + dirty
}

func private(pid int) string { return memory(privateKB(pid)) }

func memory(kB int) string {
	if kB < 0 {
		return "? MB"
	}
	return fmt.Sprintf("%.1f MB", float64(kB)/1024)
}

// processorTime is what a process has used, proc_pid_stat(5): the 14th and 15th
// field, in hundredths of a second.
func processorTime(t *testing.T, pid int) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// fileSystem names the kind of file system that a folder is on.
func fileSystem(t *testing.T, dir string) string {
	out, err := exec.CommandContext(context.Background(), "stat", "-f", "-c", "%T", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
