package daemon

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"chapi/adapters/telegram/telegramtest"
)

// Transcripts are conversations with the whole program: testdata/*.txtar. Their
// verbs, besides those of testscript:
//
//	config                    more configuration, from the file "config"
//	up, down, kill9           start the daemon, end it in order, kill it
//	launch                    start the daemon, and do not wait until it polls
//	says WHO WHERE TEXT...    a person writes; \n is a new line
//	sends WHO WHERE FILE [CAPTION...]   a person sends a file of the work folder
//	codes WHO WHERE LANGUAGE FILE [TEXT...]   TEXT, and behind it a file as a block of code
//	replies WHO WHERE TEXT...  a reply to what a person said or sent last
//	album WHO WHERE ID FILE [CAPTION...]   sends, as part of an album
//	stalls on|off             files come only half from now on, or whole again
//	serves                    a web server has the work folder: its address replaces SITE in what is said
//	gets WHERE NAME FILE      the bot's file of that name has the bytes of FILE
//	answers WHO WHERE RE TEXT...   a reply to the bot's newest message that fits
//	presses WHO WHERE LABEL [RE]   a press on the newest message with the button
//	notice RE                 what the last press was answered with
//	sees WHERE RE             the bot's message that fits is there, or comes
//	last WHERE RE             the bot's newest message fits, or will
//	lacks WHERE RE            no message of the bot fits, now
//	silence WHERE             the bot has said nothing there, ever
//	count WHERE N RE          exactly N messages fit, now
//	lines FILE N              the file has, or gets, N lines
//	network down|up           Telegram cannot be reached, or can
//	fault METHOD KIND [N]     something goes wrong with the next N calls
//	late DURATION WHO WHERE TEXT   a message written that long ago arrives
//	forwards, edits, channel, anonymous, viabot   messages that are none of a person's own
//	pairs WHO WHERE [ROLE...] "chapi pair" shows a code, and the person sends it
//	repairs WHO WHERE         the person sends the last code again
//	unheard WHERE             the bot says nothing more there, whatever it was sent
//	settle                    everything sent so far has been handled
//	repeats                   the network delivers the last message once more
//	renumbers up|down         the network begins to number its updates anew
//	poller on|off             another program polls with the same token
//	blocks, unblocks WHO      a person blocks the bot, or lets it in again
//	migrates GROUP            a small group becomes a supergroup
//	deletes WHERE             a topic is deleted, with all that is in it
//	clock DURATION            the network's clock is that far ahead of ours
//	called METHOD             the network has got such a call, or will
//	logs RE                   the daemon's log says it, or will
//	media KIND WHERE RE       the message that fits has a file of that kind, all of which can be decoded
//	revised N WHERE RE        the message that fits has been edited N times, or will have been
//	appears N GLOB            N files or more of the state folder fit, or will
//	vanishes GLOB             no file of the state folder fits any more, and no process is told of one
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			if !ok {
				return fmt.Errorf("testscript runs without a testing.TB")
			}
			w := newWorld(tb, env.WorkDir, telegramtest.Options{ReadAll: true, ImplicitRootReplies: true})
			env.Values["world"] = w
			env.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("STATE", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"config":    script(0, configVerb),
			"up":        script(0, func(w *world, _ []string) { w.up() }),
			"launch":    script(0, func(w *world, _ []string) { w.launch() }),
			"down":      script(0, func(w *world, _ []string) { w.down() }),
			"kill9":     script(0, func(w *world, _ []string) { w.kill() }),
			"says":      script(3, saysVerb()),
			"sends":     script(3, sendsVerb()),
			"album":     script(4, albumVerb),
			"stalls":    script(1, func(w *world, args []string) { w.srv.StallDownloads(args[0] == "on") }),
			"serves":    script(0, servesVerb),
			"codes":     script(4, codesVerb),
			"replies":   script(3, repliesVerb),
			"gets":      script(3, getsVerb),
			"forwards":  script(3, saysVerb(telegramtest.Forwarded())),
			"viabot":    script(3, saysVerb(telegramtest.ViaBot())),
			"channel":   script(3, saysVerb(telegramtest.AsChannel())),
			"anonymous": script(3, saysVerb(telegramtest.AnonymousAdmin())),
			"edits":     script(3, editsVerb),
			"late":      script(4, lateVerb),
			"answers":   script(4, answersVerb),
			"presses":   script(3, pressesVerb),
			"notice":    script(1, noticeVerb),
			"sees":      script(2, seesVerb),
			"last":      script(2, lastVerb),
			"lacks":     script(2, lacksVerb),
			"silence":   script(1, silenceVerb),
			"count":     script(3, countVerb),
			"lines":     script(2, linesVerb),
			"network":   script(1, networkVerb),
			"fault":     script(2, faultVerb),
			"pairs":     script(2, pairsVerb),
			"repairs":   script(2, repairsVerb),
			"unheard":   script(1, unheardVerb),
			"settle":    script(0, func(w *world, _ []string) { w.settle() }),
			"repeats":   script(0, func(w *world, _ []string) { w.srv.Redeliver(w.said) }),
			"renumbers": script(1, func(w *world, args []string) { w.srv.ResetUpdateIDs(args[0] == "up") }),
			"poller":    script(1, pollerVerb),
			"blocks":    script(1, func(w *world, args []string) { w.srv.Block(w.user(args[0])) }),
			"unblocks":  script(1, func(w *world, args []string) { w.srv.Unblock(w.user(args[0])) }),
			"migrates":  script(1, func(w *world, args []string) { w.chats[args[0]] = w.chats[args[0]].Migrate() }),
			"deletes":   script(1, deletesVerb),
			"gone":      script(2, goneVerb),
			"clock":     script(1, clockVerb),
			"called":    script(1, calledVerb),
			"logs":      script(1, logsVerb),
			"media":     script(3, mediaVerb),
			"revised":   script(3, revisedVerb),
			"appears":   script(2, appearsVerb),
			"vanishes":  script(1, vanishesVerb),
		},
	})
}

// script makes a verb of a function that takes at least min arguments.
func script(least int, verb func(*world, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		if negated || len(args) < least {
			ts.Fatalf("this verb takes no ! and at least %d arguments", least)
		}
		verb(ts.Value("world").(*world), args)
	}
}

func configVerb(w *world, _ []string) {
	text, err := os.ReadFile(filepath.Join(w.dir, "config"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.extra = string(text)
}

// spoken is the text of a verb's last arguments.
func spoken(args []string) string {
	return strings.NewReplacer(`\n`, "\n", `\t`, "\t").Replace(strings.Join(args, " "))
}

func saysVerb(opts ...telegramtest.SayOption) func(*world, []string) {
	return func(w *world, args []string) {
		c, topic := w.chat(args[1])
		all := opts
		if topic != 0 {
			all = append([]telegramtest.SayOption{telegramtest.InTopic(topic)}, opts...)
		}
		text := strings.ReplaceAll(spoken(args[2:]), "SITE", w.site)
		w.said = c.Say(w.user(args[0]), text, all...)
	}
}

// work is a file of the test's folder.
func (w *world) work(name string) []byte {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func sendsVerb(opts ...telegramtest.SayOption) func(*world, []string) {
	return func(w *world, args []string) {
		file := telegramtest.WithDocument(filepath.Base(args[2]), w.work(args[2]))
		saysVerb(append(opts, file)...)(w, append(args[:2:2], args[3:]...))
	}
}

func albumVerb(w *world, args []string) {
	sendsVerb(telegramtest.InAlbum(args[2]))(w, append(args[:2:2], args[3:]...))
}

func servesVerb(w *world, _ []string) {
	site := httptest.NewServer(http.FileServer(http.Dir(w.dir)))
	w.t.Cleanup(site.Close)
	w.site = site.URL
}

func codesVerb(w *world, args []string) {
	code := string(w.work(args[3]))
	text := spoken(args[4:])
	if text != "" {
		text += "\n"
	}
	block := telegramtest.Entity{Type: "pre", Offset: len(text), Length: len(strings.TrimRight(code, "\n")), Language: args[2]}
	saysVerb(telegramtest.WithEntities(block))(w, []string{args[0], args[1], text + code})
}

func repliesVerb(w *world, args []string) { saysVerb(telegramtest.ReplyTo(w.said.ID))(w, args) }

func getsVerb(w *world, args []string) {
	m := w.sees(args[0], "the file "+args[1], func(m telegramtest.Message) bool { return m.File != nil && m.File.Name == args[1] })
	if want := w.work(args[2]); !bytes.Equal(m.File.Bytes(), want) {
		w.t.Fatalf("%s has %d bytes, which are not the %d of %s", args[1], m.File.Size, len(want), args[2])
	}
}

func editsVerb(w *world, args []string) {
	c, _ := w.chat(args[1])
	c.Edit(w.user(args[0]), w.said.ID, spoken(args[2:]))
}

func lateVerb(w *world, args []string) {
	ago, err := time.ParseDuration(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	c, _ := w.chat(args[2])
	c.Say(w.user(args[1]), spoken(args[3:]), telegramtest.SentAt(w.now().Add(-ago)))
}

func answersVerb(w *world, args []string) {
	c, topic := w.chat(args[1])
	to := w.sees(args[1], args[2], matches(w, args[2]))
	opts := []telegramtest.SayOption{telegramtest.ReplyTo(to.ID)}
	if topic != 0 {
		opts = append(opts, telegramtest.InTopic(topic))
	}
	c.Say(w.user(args[0]), spoken(args[3:]), opts...)
}

func pressesVerb(w *world, args []string) {
	c, _ := w.chat(args[1])
	fits := func(m telegramtest.Message) bool { return strings.Contains(show(m), "["+args[2]+"]") }
	if len(args) > 3 {
		too := matches(w, args[3])
		with := fits
		fits = func(m telegramtest.Message) bool { return with(m) && too(m) }
	}
	m := w.sees(args[1], "the button "+args[2], fits)
	w.pressed = c.Press(w.user(args[0]), m.ID, args[2])
}

func noticeVerb(w *world, args []string) {
	answer, ok := w.pressed.Answer(patience)
	if !ok || !regexp.MustCompile(args[0]).MatchString(answer.Text) {
		w.t.Fatalf("the press was answered with %q (%v), want %q", answer.Text, ok, args[0])
	}
}

func matches(w *world, pattern string) func(telegramtest.Message) bool {
	re, err := regexp.Compile("(?s)" + pattern)
	if err != nil {
		w.t.Fatal(err)
	}
	return func(m telegramtest.Message) bool { return re.MatchString(show(m)) }
}

func seesVerb(w *world, args []string) {
	w.sees(args[0], strconv.Quote(args[1]), matches(w, args[1]))
}

func lastVerb(w *world, args []string) {
	fits := matches(w, args[1])
	ok := w.srv.Wait(patience, func() bool {
		posts := w.posts(args[0])
		return len(posts) > 0 && fits(posts[len(posts)-1])
	})
	if !ok {
		w.t.Fatalf("the last message in %s is not %q; it has:\n%s", args[0], args[1], w.transcript(args[0]))
	}
}

func lacksVerb(w *world, args []string) { countVerb(w, []string{args[0], "0", args[1]}) }

func countVerb(w *world, args []string) {
	want, err := strconv.Atoi(args[1])
	if err != nil {
		w.t.Fatal(err)
	}
	fits, n := matches(w, args[2]), 0
	for _, m := range w.posts(args[0]) {
		if fits(m) {
			n++
		}
	}
	if n != want {
		w.t.Fatalf("%d messages in %s are %q, want %d; it has:\n%s", n, args[0], args[2], want, w.transcript(args[0]))
	}
}

func silenceVerb(w *world, args []string) {
	if posts := w.posts(args[0]); len(posts) > 0 {
		w.t.Fatalf("the bot spoke in %s:\n%s", args[0], w.transcript(args[0]))
	}
}

func linesVerb(w *world, args []string) {
	want, err := strconv.Atoi(args[1])
	if err != nil {
		w.t.Fatal(err)
	}
	name, n := filepath.Join(w.dir, args[0]), 0
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(name)
		if n = strings.Count(string(text), "\n"); n == want {
			return
		}
	}
	w.t.Fatalf("%s has %d lines, want %d", args[0], n, want)
}

func networkVerb(w *world, args []string) {
	switch args[0] {
	case "down":
		w.srv.Down()
	case "hole": // connections are there, answers are not
		w.srv.BlackHole()
	case "up":
		if err := w.srv.Up(); err != nil {
			w.t.Fatal(err)
		}
	default:
		w.t.Fatalf("the network is not %q", args[0])
	}
}

func faultVerb(w *world, args []string) {
	kinds := map[string]telegramtest.Fault{
		"drop-before": {Kind: telegramtest.DropBefore},
		"drop-after":  {Kind: telegramtest.DropAfter},
		"html502":     {Kind: telegramtest.HTML502},
		"error500":    {Kind: telegramtest.Error500},
		"truncate":    {Kind: telegramtest.Truncate},
		"hang":        {Kind: telegramtest.Hang},
		"429":         {Kind: telegramtest.Error429, RetryAfter: 1},
		"slow-answer": {Kind: telegramtest.DelayAfter, Delay: time.Second},
	}
	f, ok := kinds[args[1]]
	if !ok {
		w.t.Fatalf("there is no fault %q", args[1])
	}
	f.Method, f.Times = args[0], 1
	if len(args) > 2 {
		f.Times, _ = strconv.Atoi(args[2])
	}
	w.srv.AddFault(f)
}

func pollerVerb(w *world, args []string) {
	if w.other != nil {
		w.other()
		w.other = nil
	}
	if args[0] == "on" {
		w.other = w.srv.SecondPoller()
	}
}

func deletesVerb(w *world, args []string) {
	c, topic := w.chat(args[0])
	c.DeleteTopic(topic)
}

// goneVerb waits until a message that somebody wrote is deleted.
func goneVerb(w *world, args []string) {
	c, _ := w.chat(args[0])
	if !w.srv.Wait(patience, func() bool {
		return !slices.ContainsFunc(c.Messages(), func(m telegramtest.Message) bool { return m.Text == args[1] && !m.Deleted })
	}) {
		w.t.Fatalf("%q is still there in %s", args[1], args[0])
	}
}

func clockVerb(w *world, args []string) {
	ahead, err := time.ParseDuration(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.ahead.Store(int64(ahead))
}

func calledVerb(w *world, args []string) {
	if !w.srv.Wait(patience, func() bool { return w.srv.Count(args[0]) > 0 }) {
		w.t.Fatalf("%s is not called", args[0])
	}
}

func logsVerb(w *world, args []string) {
	re := regexp.MustCompile(args[0])
	if !eventually(patience, func() bool {
		log, _ := os.ReadFile(w.log.Name())
		return re.Match(log)
	}) {
		w.t.Fatalf("the log does not say %q", args[0])
	}
}

func mediaVerb(w *world, args []string) {
	m := w.sees(args[1], "a "+args[0]+" with "+args[2], func(m telegramtest.Message) bool {
		return matches(w, args[2])(m) && m.File != nil && m.File.Kind == args[0]
	})
	path := filepath.Join(w.dir, "media-"+args[0])
	if err := os.WriteFile(path, m.File.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-xerror", "-i", path, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		w.t.Fatalf("the %s cannot be decoded: %v\n%s", args[0], err, out)
	}
	if f := m.File; args[0] == "video" && (f.Width < 16 || f.Height < 16 || f.Duration < 1 || !f.Streaming) {
		w.t.Fatalf("the clip is sent as %dx%d, %d s, streaming %v", f.Width, f.Height, f.Duration, f.Streaming)
	}
}

func revisedVerb(w *world, args []string) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	fits := matches(w, args[2])
	w.sees(args[1], args[2]+" with so many edits", func(m telegramtest.Message) bool { return fits(m) && m.EditCount >= n })
}

func appearsVerb(w *world, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	if !eventually(patience, func() bool {
		found, _ := filepath.Glob(filepath.Join(w.dir, "state", args[1]))
		return len(found) >= want
	}) {
		w.t.Fatalf("there are not %d files %s", want, args[1])
	}
}

func vanishesVerb(w *world, args []string) {
	glob := filepath.Join(w.dir, "state", args[0])
	var left []string
	if !eventually(patience, func() bool {
		left, _ = filepath.Glob(glob)
		lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range lines {
			if line, _ := os.ReadFile(path); bytes.Contains(line, []byte(filepath.Dir(glob)+"/")) {
				left = append(left, strings.ReplaceAll(string(line), "\x00", " "))
			}
		}
		return len(left) == 0
	}) {
		w.t.Fatalf("%s is still there: %q", args[0], left)
	}
}

// code finds a pairing code in what chapi pair shows.
var code = regexp.MustCompile(`/pair (\w+)`)

func pairsVerb(w *world, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := w.run(ctx, "", append([]string{"--config", filepath.Join(w.dir, "config.yaml"), "pair"}, args[2:]...)...)
	found := code.FindStringSubmatch(out)
	if err != nil || found == nil {
		w.t.Fatalf("chapi pair: %v\n%s", err, out)
	}
	w.code = found[1]
	repairsVerb(w, args)
}

func repairsVerb(w *world, args []string) {
	c, _ := w.chat(args[1])
	c.Say(w.user(args[0]), "/start "+w.code)
}

// unheardVerb waits until the bot has confirmed all that was sent, and nothing
// has come of it. What a message makes is in the outbox before it is confirmed,
// and a chat's first message goes out at once.
func unheardVerb(w *world, args []string) {
	before := len(w.posts(args[0]))
	if !w.srv.Wait(patience, func() bool { return w.srv.Pending() == 0 }) {
		w.t.Fatal("the daemon does not take what is sent")
	}
	if w.srv.Wait(300*time.Millisecond, func() bool { return len(w.posts(args[0])) > before }) {
		w.t.Fatalf("the bot spoke in %s:\n%s", args[0], w.transcript(args[0]))
	}
}

// settle returns when everything that was sent before has been handled: the
// server's queue is empty, and an owner's question sent now has its answer.
func (w *world) settle() {
	w.t.Helper()
	c, _ := w.chat("ann")
	asked := c.Say(w.user("ann"), "/version")
	answered := func() bool {
		posts := w.posts("ann")
		return slices.ContainsFunc(posts, func(m telegramtest.Message) bool { return m.ReplyTo == asked.ID }) && w.srv.Pending() == 0
	}
	if !w.srv.Wait(patience, answered) {
		w.t.Fatalf("the daemon does not answer any more; %d updates wait; ann sees:\n%s", w.srv.Pending(), w.transcript("ann"))
	}
}

func (w *world) user(name string) *telegramtest.User {
	w.t.Helper()
	u := w.users[name]
	if u == nil {
		w.t.Fatalf("there is nobody called %q", name)
	}
	return u
}
