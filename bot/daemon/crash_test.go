package daemon

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"chapi/runner"
)

// The crash test kills the daemon, as a power cut does, while several people
// use it in several chats, and starts it again, over and over. Everything that
// they say is written down, and in the end each saying is held against what the
// machine did and what its chat shows:
//
//   - what changes something happened at most once, and exactly once if the
//     chat says that it was done;
//   - everything said has one outcome in its chat, and one only;
//   - the pages of a session join to its exact output, and so does its file;
//   - answers stand in the order of the questions;
//   - nothing is left behind: no process, no file, no entry in the outbox.
//
// CHAPI_SOAK=1 makes it the long form.
func TestCrashAnywhereNothingTwiceNothingLost(t *testing.T) {
	onEveryNetwork(t, crashAnywhere)
}

func crashAnywhere(t *testing.T, name string) {
	rounds := 25
	if soak() {
		rounds = 220
	}
	seed := uint64(time.Now().UnixNano())
	if given := os.Getenv("CHAPI_SEED"); given != "" {
		fmt.Sscan(given, &seed)
	}
	t.Logf("CHAPI_SEED=%d repeats the choices, though not the timing", seed)
	c := newCrash(t, seed, name)
	defer c.tellOnFailure()
	c.w.up()
	c.openTypedSessions()
	for round := range rounds {
		c.round = round
		c.crash(moments[round%len(moments)])
		if t.Failed() {
			break
		}
	}
	c.w.net.ClearFaults()
	c.awaitOutcomes()
	c.closeSessions()
	c.check()
	c.w.down()
	c.checkNothingIsLeft()
	c.report()
}

// report tells what the test has seen.
func (c *crash) report() {
	interrupted := map[string]int{}
	for _, s := range c.said {
		if slices.ContainsFunc(c.answers(s.chat, s.msg), isNotice) {
			interrupted[s.kind.String()]++
		}
	}
	log, _ := os.ReadFile(c.w.log.Name())
	c.t.Logf("%d things said, %d lines dropped; interrupted: %v; doubtful posts found again: %d, repeated: %d; moments that came: %v",
		len(c.said), c.drops, interrupted, bytes.Count(log, []byte("found a post whose answer was lost")), c.twice, c.hits)
}

// soak reports whether the long form of a test is wanted.
func soak() bool { return os.Getenv("CHAPI_SOAK") == "1" }

// saying is one thing that somebody said, and what is to come of it.
type saying struct {
	kind  kind
	name  string // unique among all sayings
	round int
	point string // the moment of the crash of its round
	chat  string
	msg   int64  // 0 before it is said; of a press, the message with the button
	want  string // of a printing session: its whole output
	about *saying
	press press // of a stopped one
}

// kind is what a saying is for.
type kind int

const (
	effect  kind = iota // a program that leaves a line in a file
	printed             // a program that prints lines over time
	setting             // a change of the chat's own settings
	look                // a question
	typed               // a line of plain text into a session
	asleep              // a program that only ends when it is stopped
	stopped             // a press on the Stop button of an asleep one
	fetched             // a request for a session's output as a file
)

func (k kind) String() string {
	return [...]string{"effect", "printed", "setting", "look", "typed", "asleep", "stopped", "fetched"}[k]
}

// crash is the state of the crash test.
type crash struct {
	t     *testing.T
	w     *world
	rng   *rand.Rand
	round int
	point string
	said  []*saying
	hits  map[string]int   // how often each moment came
	drops int              // how often the line was dropped under load
	twice int              // posts that were repeated because their fate could not be found out
	cats  map[string]int64 // by chat: the /term that plain text is typed into
}

func newCrash(t *testing.T, seed uint64, name string) *crash {
	w := newWorld(t, t.TempDir(), terms{busy: true}, name)
	w.extra = "network:\n  pace: {unlimited: true}\nsessions: {per_person: 200, total: 600, grace: 500ms}\n"
	return &crash{t: t, w: w, rng: rand.New(rand.NewPCG(seed, 1)), cats: map[string]int64{}, hits: map[string]int{}}
}

// writers is who writes where.
var writers = map[string][]string{"ann": {"ann"}, "bob": {"bob"}, "lab": {"bob", "olga"}}

// openTypedSessions opens, in each chat, a session that plain text is typed
// into for as long as the test lasts.
func (c *crash) openTypedSessions() {
	for _, chat := range []string{"ann", "bob", "lab"} {
		c.cats[chat] = c.w.speak(writers[chat][0], chat, "/term --no-pty --name cat-"+chat+" cat", manner{})
		c.w.sees(chat, "the session to type into", contains("cat", "running"))
	}
}

// say lets somebody say something of a kind, in a chat that is chosen at random.
func (c *crash) say(k kind) {
	chat := []string{"ann", "bob", "lab"}[c.rng.IntN(3)]
	people := writers[chat]
	who, how := people[c.rng.IntN(len(people))], manner{}
	say := func(text string) int64 { return c.w.speak(who, chat, text, how) }
	s := &saying{kind: k, name: fmt.Sprintf("%s%d", k, len(c.said)), round: c.round, point: c.point, chat: chat}
	switch k {
	case effect:
		s.msg = say("/sh echo " + s.name + " >> effects; echo " + s.name + " is done")
	case printed:
		n, every := 20+c.rng.IntN(60), "0.01"
		if c.rng.IntN(4) == 0 {
			n, every = 330, "0.004" // more than its pages show
		}
		var all strings.Builder
		for i := 1; i <= n; i++ {
			fmt.Fprintf(&all, "%s line %d\n", s.name, i)
		}
		s.want = all.String()
		s.msg = say(fmt.Sprintf("/sh i=0; while [ $i -lt %d ]; do i=$((i+1)); echo %s line $i; sleep %s; done", n, s.name, every))
	case setting:
		s.msg = say("/env STEP=" + s.name)
	case look:
		s.msg = say("/version")
	case typed:
		if chat == "lab" { // in a group a session is answered
			who, how.replyTo = "bob", c.page(chat, c.cats[chat], 1).ID
		}
		s.msg = say(s.name)
	case asleep:
		s.msg = say("/run --name " + s.name + " sleep 600")
	case fetched:
		s.msg = say("/log cat-" + chat)
	case stopped:
		if s = c.press(s); s == nil {
			return
		}
	}
	c.said = append(c.said, s)
}

// press presses the Stop button of a session that sleeps; nil when none shows.
func (c *crash) press(s *saying) *saying {
	for _, other := range c.said {
		if other.kind != asleep || slices.ContainsFunc(c.said, func(p *saying) bool { return p.about == other }) {
			continue
		}
		page := c.page(other.chat, other.msg, 1)
		if len(page.Keys) == 0 {
			continue
		}
		s.chat, s.about, s.msg = other.chat, other, page.ID
		// Its starter, or an operator.
		who := map[string]string{"ann": "ann", "bob": "bob", "lab": "olga"}[other.chat]
		s.press = c.w.chat(other.chat).Press(who, page.ID, page.Keys[0][0].Data)
		return s
	}
	return nil
}

// awaitSleeper opens a session that there is a button to stop.
func (c *crash) awaitSleeper() {
	c.say(asleep)
	s := c.said[len(c.said)-1]
	if !c.w.net.Wait(patience, func() bool { return len(c.page(s.chat, s.msg, 1).Keys) > 0 }) {
		c.t.Errorf("%s has no button", s.name)
	}
}

// answers is what the bot said in answer to a message.
func (c *crash) answers(chat string, to int64) []note {
	var all []note
	for _, m := range c.w.posts(chat) {
		if m.ReplyTo == to {
			all = append(all, m)
		}
	}
	return all
}

// page is the nth page of a session, by the message that started it; zero when
// there is none.
func (c *crash) page(chat string, root int64, n int) (page note) {
	for _, m := range c.answers(chat, root) {
		if !isNotice(m) && m.File == nil && pageNumber(m) == n {
			page = m
		}
	}
	return page
}

// pageNumber is the page that a message of a session says it is.
func pageNumber(m note) int {
	header, _, _ := strings.Cut(m.Text, "\n")
	n := 1
	if at := strings.LastIndex(header, " · page "); at >= 0 {
		fmt.Sscan(header[at+len(" · page "):], &n)
	}
	return n
}

// body is the output that a page shows.
func body(m note) string {
	if m.Block == "" {
		return ""
	}
	return m.Block + "\n"
}

func isNotice(m note) bool {
	return strings.Contains(m.Text, "was interrupted while it ran") || strings.Contains(m.Text, "was interrupted before it took")
}

// isBell reports whether the message only repeats, for a session that took
// long, how its last page says that it ended.
func isBell(m note, pages []note) bool {
	if len(pages) == 0 || !isFinal(m) {
		return false
	}
	end := m.Text[strings.LastIndex(m.Text, "\n")+1:]
	var took float64
	_, after, _ := strings.Cut(end, " · ")
	fmt.Sscanf(after, "%f s", &took)
	last := pages[len(pages)-1]
	return body(m) == "" && (took >= 5 || strings.Contains(after, " min ")) && strings.HasSuffix(last.Text, end)
}

func isFinal(m note) bool {
	return strings.Contains(m.Text, "✓ ") || strings.Contains(m.Text, "✗ ")
}

func isRunning(m note) bool { return strings.Contains(m.Text, "⏳ running") }

// moment is a point at which the daemon is killed.
type moment struct {
	name string
	// needs is what somebody says so that the moment comes.
	needs kind
	// arm has kill called when the moment comes; disarm ends it.
	arm func(c *crash, kill func()) (disarm func())
}

// moments are all the points, taken in turns.
var moments = func() []moment {
	var all []moment
	for _, call := range []struct {
		name  string
		needs kind
	}{
		{"receive", effect}, {"post", effect}, {"edit", printed}, {"file", fetched}, {"ack", stopped},
	} {
		all = append(all,
			moment{call.name + " is lost on its way", call.needs, atCall(call.name, true)},
			moment{call.name + " is done, its answer lost", call.needs, atCall(call.name, false)},
			moment{"a moment after " + call.name, call.needs, afterCall(call.name)},
		)
	}
	for name, file := range map[string]string{
		"a session's folder is made":    "state/sessions/*",
		"a session's program is noted":  "state/sessions/*/spec.json",
		"a session's exit is noted":     "state/sessions/*/exit.json",
		"a program has had its effect":  "effects",
		"the database is written":       "state/chapi.db-wal",
		"a file to be sent is prepared": "state/tmp/*",
	} {
		needs := effect
		if strings.Contains(file, "tmp") {
			needs = fetched
		}
		all = append(all, moment{name, needs, whenChanged(file)})
	}
	all = append(all, moment{"any time", typed, anyTime}, moment{"any time", setting, anyTime}, moment{"any time", stopped, anyTime})
	slices.SortFunc(all, func(a, b moment) int { return strings.Compare(a.name, b.name) })
	rand.New(rand.NewPCG(4, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}()

// atCall kills in the moment in which a call has arrived: it is then executed,
// or lost.
func atCall(method string, lost bool) func(*crash, func()) func() {
	return func(c *crash, kill func()) func() {
		before := c.rng.IntN(3)
		if method == "ack" {
			before = 0 // presses are few
		}
		f := fault{call: method, kind: "drop-before", times: -1, match: func() bool {
			if before--; before >= 0 {
				return false
			}
			kill()
			return lost
		}}
		remove, err := c.w.net.Fault(f)
		if err != nil {
			c.t.Fatal(err)
		}
		return remove
	}
}

func afterCall(method string) func(*crash, func()) func() {
	return func(c *crash, kill func()) func() {
		wait := time.Duration(c.rng.IntN(30_000)) * time.Microsecond
		return atCall(method, false)(c, func() { time.AfterFunc(wait, kill) })
	}
}

// whenChanged kills when a file of that pattern comes, or grows.
func whenChanged(pattern string) func(*crash, func()) func() {
	return func(c *crash, kill func()) func() {
		pattern := filepath.Join(c.w.dir, pattern)
		look := func() (seen int64) {
			files, _ := filepath.Glob(pattern)
			for _, f := range files {
				if info, err := os.Stat(f); err == nil && (!info.IsDir() || filepath.Base(f) != "sessions") {
					seen++
					if !info.IsDir() {
						seen += info.Size() << 20
					}
				}
			}
			return seen
		}
		before, wait := look(), time.Duration(c.rng.IntN(3_000))*time.Microsecond
		stop := make(chan struct{})
		go func() {
			for look() == before {
				select {
				case <-stop:
					return
				case <-time.After(200 * time.Microsecond):
				}
			}
			time.Sleep(wait) // so long after the moment
			kill()
		}()
		return func() { close(stop) }
	}
}

func anyTime(c *crash, kill func()) func() {
	timer := time.AfterFunc(time.Duration(c.rng.IntN(300))*time.Millisecond, kill)
	return func() { timer.Stop() }
}

// crash lets people talk, kills the daemon at the moment, and starts it again;
// sometimes it is killed once more while it recovers.
func (c *crash) crash(m moment) {
	c.point = m.name
	if m.needs == stopped {
		c.awaitSleeper()
	}
	dead := make(chan struct{})
	disarm := m.arm(c, sync.OnceFunc(func() {
		c.w.strike()
		close(dead)
	}))
	c.say(m.needs)
	if c.rng.IntN(3) == 0 {
		c.w.net.Drop()
		c.drops++
	}
	for range 2 + c.rng.IntN(4) {
		c.say(kind(c.rng.IntN(int(fetched) + 1)))
	}
	select {
	case <-dead:
		c.hits[m.name]++
	case <-time.After(2 * time.Second): // the moment did not come
	}
	disarm()
	c.w.kill()
	if c.rng.IntN(3) == 0 {
		c.say(kind(c.rng.IntN(int(fetched) + 1))) // while nobody listens
	}
	for c.rng.IntN(4) == 0 {
		c.w.launch()
		time.Sleep(time.Duration(c.rng.IntN(400)) * time.Millisecond) // it dies at any moment of its start
		c.w.kill()
	}
	c.w.launch()
	if !c.w.net.Wait(patience, c.w.net.Ready) {
		c.t.Errorf("the daemon does not come back after %s", m.name)
	}
}

// strike kills the daemon without waiting for its end.
func (w *world) strike() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cmd != nil {
		w.cmd.Process.Kill()
	}
}

// awaitOutcomes waits until everything that was said has come to something.
func (c *crash) awaitOutcomes() {
	open := func() *saying {
		for _, s := range c.said {
			if !c.hasOutcome(s) {
				return s
			}
		}
		return nil
	}
	if !eventually(time.Minute, func() bool { return open() == nil }) {
		if s := open(); s != nil {
			c.t.Errorf("%s has no outcome: message %d of round %d (%s) in %s, answered by:\n%s", s.name, s.msg, s.round, s.point, s.chat, c.shown(s))
		}
	}
}

func (c *crash) hasOutcome(s *saying) bool {
	answers := c.answers(s.chat, s.msg)
	if slices.ContainsFunc(answers, isNotice) {
		return true
	}
	switch s.kind {
	case effect, printed:
		return slices.ContainsFunc(answers, isFinal) && !slices.ContainsFunc(answers, isRunning)
	case typed:
		return strings.Contains(c.typedInto(s.chat), s.name+"\n")
	case stopped:
		return isFinal(c.page(s.about.chat, s.about.msg, 1)) || !s.press.Confirmed()
	case asleep: // it may sleep on; but when its bell has rung, its page ends too
		return len(answers) > 0 && !(slices.ContainsFunc(answers, isFinal) && slices.ContainsFunc(answers, isRunning))
	default:
		return len(answers) > 0
	}
}

// typedInto is what the chat's session has printed of what was typed.
func (c *crash) typedInto(chat string) string {
	var all strings.Builder
	for n := 1; ; n++ {
		page := c.page(chat, c.cats[chat], n)
		if page.ID == 0 {
			return all.String()
		}
		all.WriteString(body(page))
	}
}

// closeSessions ends what only ends when it is told to.
func (c *crash) closeSessions() {
	for chat := range c.cats {
		c.w.speak(writers[chat][0], chat, "/stop cat-"+chat, manner{})
	}
	for _, s := range c.said {
		if page := c.page(s.chat, s.msg, 1); s.kind == asleep && page.ID != 0 && !isFinal(page) {
			c.w.speak(map[string]string{"ann": "ann", "bob": "bob", "lab": "olga"}[s.chat], s.chat, "/stop "+s.name, manner{})
		}
	}
	running := func() string {
		list, err := runner.List(filepath.Join(c.w.dir, "state", "sessions"))
		if err != nil {
			return err.Error()
		}
		for _, l := range list {
			if l.Live {
				return fmt.Sprintf("session %s: %q", l.ID, l.Spec.Argv)
			}
		}
		return ""
	}
	if !eventually(patience, func() bool { return running() == "" }) {
		c.t.Errorf("still running, though nobody knows of it: %s", running())
	}
	for _, chat := range []string{"ann", "bob", "lab"} {
		if !c.w.net.Wait(patience, func() bool { return !slices.ContainsFunc(c.w.posts(chat), isRunning) }) {
			c.t.Errorf("%s shows as running what is not:\n%s", chat, c.w.transcript(chat))
		}
	}
	c.w.settle()
}

// check holds everything that was said against what came of it.
func (c *crash) check() {
	effects := c.effects()
	for _, s := range c.said {
		answers := c.answers(s.chat, s.msg)
		var notices, files, others []note
		for _, m := range answers {
			switch {
			case isNotice(m):
				notices = append(notices, m)
			case m.File != nil:
				files = append(files, m)
			case isBell(m, others):
			default:
				others = append(others, m)
			}
		}
		notices, files, others = c.once(s, notices), c.once(s, files), c.once(s, others)
		answers = slices.Concat(notices, files, others)
		wrong := func(format string, args ...any) {
			c.t.Errorf("%s (round %d, %s, in %s): %s\n%s", s.name, s.round, s.point, s.chat, fmt.Sprintf(format, args...), c.shown(s))
		}
		if len(notices) > 1 {
			wrong("its interruption was told %d times", len(notices))
		}
		interrupted := len(notices) > 0
		switch s.kind {
		case effect:
			if n := effects[s.name]; n > 1 || n == 0 && !interrupted {
				wrong("it took effect %d times", n)
			}
			if len(answers) != 1 {
				wrong("it has %d outcomes", len(answers))
			}
			if !interrupted && !strings.Contains(others[0].Text, s.name+" is done\n✓ exit 0") {
				wrong("it is not shown as done")
			}
		case setting, look, fetched:
			if len(answers) != 1 {
				wrong("it has %d answers", len(answers))
			}
		case asleep:
			if interrupted == (len(others) > 0) || len(others) > 1 {
				wrong("it has %d answers", len(answers))
			}
		case printed:
			c.checkPages(s, others, files, interrupted, wrong)
		case stopped:
			if len(others) > 0 {
				wrong("the press was answered in the chat")
			}
		}
	}
	if most := 1 + len(c.said)/100; c.twice > most {
		c.t.Errorf("%d posts were repeated, more than %d", c.twice, most)
	}
	for chat := range c.cats {
		c.checkTyped(chat)
		c.checkOrder(chat)
		c.checkSettings(chat)
	}
	c.w.net.Check(c.t)
}

// decidable is how many ids behind what it answers a post is always found again
// whose fate is in doubt. Farther away it is repeated now and then, if the
// daemon died more than once over it and others wrote meanwhile: a post may
// show twice, but never go missing.
const decidable = 10

// once leaves out, and counts, such repetitions; the newest copy stays.
func (c *crash) once(s *saying, posts []note) []note {
	var kept []note
	for _, m := range posts {
		page := pageNumber(m)
		i := slices.IndexFunc(kept, func(k note) bool { return pageNumber(k) == page })
		if i < 0 || c.w.net.Always() || kept[i].ID-s.msg <= decidable {
			kept = append(kept, m)
			continue
		}
		kept[i] = m
		c.twice++
	}
	return kept
}

// effects is how often each thing was done.
func (c *crash) effects() map[string]int {
	text, _ := os.ReadFile(filepath.Join(c.w.dir, "effects"))
	n := map[string]int{}
	for line := range strings.Lines(string(text)) {
		n[strings.TrimSuffix(line, "\n")]++
	}
	return n
}

// checkPages joins the pages of a session: each is there once, and together, or
// with the file, they are its output.
func (c *crash) checkPages(s *saying, pages, files []note, interrupted bool, wrong func(string, ...any)) {
	if interrupted {
		if len(pages)+len(files) > 0 {
			wrong("it was interrupted and shown")
		}
		return
	}
	var joined string
	last := note{}
	for i, m := range pages {
		if pageNumber(m) != i+1 {
			wrong("page %d stands at place %d", pageNumber(m), i+1)
			return
		}
		if i < 3 {
			joined += body(m)
		}
		last = m
	}
	if !strings.Contains(last.Text, "✓ exit 0") {
		wrong("its last page does not say how it ended")
	}
	if len(pages) <= 3 {
		if joined != s.want || len(files) > 0 {
			wrong("its pages show %d bytes and %d files of an output of %d bytes", len(joined), len(files), len(s.want))
		}
		return
	}
	if !strings.HasPrefix(s.want, joined) || !strings.HasSuffix(s.want, body(last)) {
		wrong("its pages are not its output")
	}
	if len(files) != 1 || string(files[0].File.Bytes()) != s.want {
		wrong("its file, one of %d, is not its output", len(files))
	}
}

// checkTyped: each line was typed once, in order, unless its typing was
// interrupted: then it may be missing.
func (c *crash) checkTyped(chat string) {
	got := strings.Split(strings.TrimSuffix(c.typedInto(chat), "\n"), "\n")
	for _, s := range c.said {
		if s.kind != typed || s.chat != chat {
			continue
		}
		answers := c.answers(chat, s.msg)
		interrupted := slices.ContainsFunc(answers, isNotice)
		switch {
		case len(got) > 0 && got[0] == s.name:
			got = got[1:]
		case !interrupted:
			c.t.Errorf("%s (round %d, %s) was not typed in its turn; what follows is %q\n%s", s.name, s.round, s.point, got, c.shown(s))
		}
	}
	if len(got) > 1 || len(got) == 1 && got[0] != "" {
		c.t.Errorf("more was typed in %s than was said: %q", chat, got)
	}
}

// checkOrder: answers to what is done in order stand in that order.
func (c *crash) checkOrder(chat string) {
	last, before := int64(0), ""
	for _, s := range c.said {
		if s.chat != chat || s.kind != setting && s.kind != look {
			continue
		}
		for _, m := range c.answers(chat, s.msg) {
			if m.ID < last {
				c.t.Errorf("%s was answered before %s", s.name, before)
			}
			last, before = m.ID, s.name
		}
	}
}

// checkSettings: the chat's variable has the last value that it was given.
func (c *crash) checkSettings(chat string) {
	want := []string{"adds nothing"}
	for _, s := range c.said {
		if s.chat != chat || s.kind != setting {
			continue
		}
		if slices.ContainsFunc(c.answers(chat, s.msg), isNotice) {
			want = append(want, "STEP="+s.name)
		} else {
			want = []string{"STEP=" + s.name}
		}
	}
	asked := c.w.speak(writers[chat][0], chat, "/env", manner{})
	var got []note
	eventually(patience, func() bool { got = c.answers(chat, asked); return len(got) > 0 })
	if len(got) != 1 || !slices.ContainsFunc(want, func(w string) bool { return strings.Contains(got[0].Text, w) }) {
		c.t.Errorf("the settings of %s are %v, want one of %q", chat, got, want)
	}
}

// checkNothingIsLeft looks at what a daemon leaves that has ended.
func (c *crash) checkNothingIsLeft() {
	if !eventually(patience, func() bool { return len(c.w.processes()) == 0 }) {
		c.t.Errorf("processes are left: %q", c.w.processes())
	}
	for _, folder := range []string{"tmp", "spool", "captures"} {
		if left, _ := filepath.Glob(filepath.Join(c.w.dir, "state", folder, "*")); len(left) > 0 {
			c.t.Errorf("files are left: %q", left)
		}
	}
	for query, want := range map[string]string{
		"PRAGMA integrity_check":                     "ok",
		"SELECT count(*) FROM outbox":                "0",
		"SELECT count(*) FROM calls WHERE state < 2": "0",
	} {
		if got := c.w.ask(query); got != want {
			c.t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// ask is the one value of a query on the database; the daemon is down.
func (w *world) ask(query string) (value string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "state", "chapi.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(context.Background(), query).Scan(&value); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return value
}

// processes is everything that runs in, or has open, what is below the world's
// folder: the command lines of the daemon, its holders and their programs.
func (w *world) processes() []string {
	var found []string
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range all {
		links, _ := filepath.Glob(proc + "/fd/*")
		for _, link := range append(links, proc+"/cwd") {
			to, err := os.Readlink(link)
			if err == nil && strings.HasPrefix(to, w.dir+"/state") {
				line, _ := os.ReadFile(proc + "/cmdline")
				found = append(found, filepath.Base(proc)+": "+string(bytes.ReplaceAll(line, []byte{0}, []byte{' '})))
				break
			}
		}
	}
	return found
}

// eventually polls until cond holds, for at most that long.
func eventually(most time.Duration, cond func() bool) bool {
	for deadline := time.Now().Add(most); ; time.Sleep(20 * time.Millisecond) { // between two looks
		if cond() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// shown is what came of a saying.
func (c *crash) shown(s *saying) string {
	var b strings.Builder
	for _, m := range c.answers(s.chat, s.msg) {
		fmt.Fprintf(&b, "--- %d\n%.300s\n", m.ID, show(m))
	}
	return b.String()
}

// tellOnFailure says what was done, to find out why it failed.
func (c *crash) tellOnFailure() {
	if !c.t.Failed() {
		return
	}
	var b strings.Builder
	for _, s := range c.said {
		fmt.Fprintf(&b, "round %d, %s: %s in %s as message %d\n", s.round, s.point, s.name, s.chat, s.msg)
	}
	c.t.Logf("what was said:\n%s", b.String())
}
