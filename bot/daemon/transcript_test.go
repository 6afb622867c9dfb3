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
)

// Transcripts are conversations with the whole program: testdata/*.txtar. Each
// is played on every network; a line that only one of them can play has its name
// in brackets in front, and says why. Those of testdata/discord are about what
// Discord alone has, those of testdata/both about people who are on two
// networks; their places may have the network in front, as in discord:bob.
// The verbs, besides those of testscript:
//
//	config                    more configuration, from the file "config"
//	up, down, kill9           start the daemon, end it in order, kill it
//	launch                    start the daemon, and do not wait until it polls
//	says WHO WHERE TEXT...    a person writes; \n is a new line
//	sends WHO WHERE FILE[,FILE...] [CAPTION...]   a person sends files of the work folder, together
//	block WHO WHERE LANGUAGE FILE [TEXT...]   TEXT, and behind it a file as a block of code
//	replies WHO WHERE TEXT...  a reply to what a person said or sent last
//	stalls on|off             files come only half from now on, or whole again
//	serves                    a web server has the work folder: its address replaces SITE in what is said
//	clogs on|off              that server stops in the middle of a file
//	gets WHERE NAME FILE      the bot's file of that name has the bytes of FILE
//	answers WHO WHERE RE TEXT...   a reply to the bot's newest message that fits
//	presses WHO WHERE LABEL [RE]   a press on the newest message with the button
//	again                     the last press once more, from a screen that still shows the button
//	notice RE                 what the last press was answered with
//	sees WHERE RE             the bot's message that fits is there, or comes
//	last WHERE RE             the bot's newest message fits, or will
//	lacks WHERE RE            no message of the bot fits, now
//	loses WHERE RE            no message of the bot fits, or will soon
//	silence WHERE             the bot has said nothing there, ever
//	count WHERE N RE          exactly N messages fit, now
//	lines FILE N              the file has, or gets, N lines
//	network down|hole|up      the network cannot be reached, does not answer, or can
//	fault CALL KIND [N]       something goes wrong with the next N calls: post, edit, file, topic, ack, receive
//	doomed CALL               the network kills the daemon when it takes such a call
//	dies                      that has happened
//	drops                     the line over which the daemon receives is cut
//	late DURATION WHO WHERE TEXT   a message written that long ago arrives
//	forwards, edits, channel, anonymous, viabot   messages that are none of a person's own
//	pairs WHO WHERE [ROLE...] "chapi pair" shows a code, and the person sends it
//	repairs WHO WHERE         the person sends the last code again
//	unheard WHERE             the bot says nothing more there, whatever it was sent
//	settle                    everything sent so far has been handled
//	repeats                   the network delivers the last message again
//	renumbers up|down         the network begins to number its updates anew
//	poller on|off             another program polls with the same token
//	blocks, unblocks WHO      a person blocks the bot, or lets it in again
//	migrates GROUP            a small group becomes a supergroup
//	deletes WHERE             a topic is deleted, with all that is in it
//	clock DURATION            the network's clock is that far ahead of ours
//	called CALL               the network has got such a call, or will
//	logs RE                   the daemon's log says it, or will
//	media KIND WHERE RE       the message that fits has a file of that kind, all of which can be decoded
//	revised N WHERE RE        the message that fits has been edited N times, or will have been
//	pinned WHERE RE           the message that fits is pinned, or will be
//	appears N GLOB            N files or more of the state folder fit, or will
//	vanishes GLOB             no file of the state folder fits any more, and no process is told of one
//	codes WHERE               the code that the bot says there is the last one
//
// On Discord alone:
//
//	slash WHO WHERE NAME [OPTION=VALUE...]   a slash command; the last value goes on to the end
//	complete WHO WHERE NAME OPTION TEXT      the app asks what TEXT may become
//	form WHO WHERE RE TEXT...  the form of the newest message that fits is filled in;
//	opens WHO WHERE RE, fills TEXT...   the same in two steps
//	menu WHO WHERE NAME        the app offers the command there, or will
//	answer RE                  what the last of these was answered with
//	posts WHO FORUM TITLE TEXT...  a post in a forum
//	tied WHERE                 the thread is that of the message that asked for it
//	archives, locks WHERE      a thread is put away, or closed
//	mutes, unmutes WHERE       the bot may not write in a channel, or may again
//	gives, takes WHO ROLE      a person gets a role of the server, or loses it
//	raw WHERE RE               a message of the bot is that, with all its marks
//	blind                      the bot may not read people's texts
//	heartbeat DURATION         how often the gateway wants a sign of life
//	gateway WHEN FAULT [CODE]  now, or instead of hello, ready or resume: cut, close, reconnect, refuse, silence, zombie
//	reopens                    there is another gateway than the one that was struck
//	revokes, restores          the bot's token is not good any more, or is again
func TestTranscripts(t *testing.T) {
	for _, name := range []string{"telegram", "discord"} {
		t.Run(name, func(t *testing.T) { play(t, "testdata", name) })
	}
}

// TestTranscriptsOfTelegram are about what only Telegram has: groups that get
// another number, and a second program with the same token.
func TestTranscriptsOfTelegram(t *testing.T) { play(t, "testdata/telegram", "telegram") }

// TestTranscriptsOfDiscord are about what only Discord has.
func TestTranscriptsOfDiscord(t *testing.T) { play(t, "testdata/discord", "discord") }

// TestTranscriptsOfBoth are about people on two networks.
func TestTranscriptsOfBoth(t *testing.T) { play(t, "testdata/both", "telegram", "discord") }

// play plays all transcripts of a folder on a device with these networks.
func play(t *testing.T, dir string, names ...string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Condition: func(name string) (bool, error) {
			if name == "root" { // only root can run programs as somebody else
				return os.Geteuid() == 0, nil
			}
			if networks[name] == nil {
				return false, fmt.Errorf("there is no network %q", name)
			}
			return slices.Contains(names, name), nil
		},
		Setup: func(env *testscript.Env) error {
			tb, ok := env.T().(testing.TB)
			if !ok {
				return fmt.Errorf("testscript runs without a testing.TB")
			}
			w := newWorld(tb, env.WorkDir, terms{}, names...)
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
			"says":      script(3, saysVerb("")),
			"sends":     script(3, sendsVerb),
			"stalls":    script(1, func(w *world, args []string) { w.net.StallDownloads(args[0] == "on") }),
			"serves":    script(0, servesVerb),
			"clogs":     script(1, func(w *world, args []string) { w.clogged.Store(args[0] == "on") }),
			"block":     script(4, blockVerb),
			"replies":   script(3, repliesVerb),
			"gets":      script(3, getsVerb),
			"forwards":  script(3, saysVerb("forwarded")),
			"viabot":    script(3, saysVerb("viabot")),
			"channel":   script(3, saysVerb("channel")),
			"anonymous": script(3, saysVerb("anonymous")),
			"edits":     script(3, editsVerb),
			"late":      script(4, lateVerb),
			"answers":   script(4, answersVerb),
			"presses":   script(3, pressesVerb),
			"again":     script(0, func(w *world, _ []string) { w.pressed = w.press() }),
			"notice":    script(1, noticeVerb),
			"sees":      script(2, seesVerb),
			"last":      script(2, lastVerb),
			"lacks":     script(2, lacksVerb),
			"loses":     script(2, losesVerb),
			"silence":   script(1, silenceVerb),
			"count":     script(3, countVerb),
			"lines":     script(2, linesVerb),
			"network":   script(1, networkVerb),
			"fault":     script(2, faultVerb),
			"doomed":    script(1, doomedVerb),
			"dies":      script(0, diesVerb),
			"drops":     script(0, func(w *world, _ []string) { w.net.Drop() }),
			"pairs":     script(2, pairsVerb),
			"repairs":   script(2, repairsVerb),
			"unheard":   script(1, unheardVerb),
			"settle":    script(0, func(w *world, _ []string) { w.settle() }),
			"repeats":   script(0, func(w *world, _ []string) { w.said.at.Redeliver(w.said.id) }),
			"renumbers": script(1, func(w *world, args []string) { w.telegram().ResetUpdateIDs(args[0] == "up") }),
			"poller":    script(1, pollerVerb),
			"blocks":    script(1, func(w *world, args []string) { w.net.Block(args[0], true) }),
			"unblocks":  script(1, func(w *world, args []string) { w.net.Block(args[0], false) }),
			"migrates":  script(1, func(w *world, args []string) { w.telegram().chats[args[0]] = w.telegram().chats[args[0]].Migrate() }),
			"deletes":   script(1, deletesVerb),
			"gone":      script(2, goneVerb),
			"clock":     script(1, clockVerb),
			"called":    script(1, calledVerb),
			"logs":      script(1, logsVerb),
			"media":     script(3, mediaVerb),
			"revised":   script(3, revisedVerb),
			"pinned":    script(2, pinnedVerb),
			"appears":   script(2, appearsVerb),
			"vanishes":  script(1, vanishesVerb),
			"codes":     script(1, codesVerb),

			"slash":    script(3, slashVerb),
			"complete": script(5, completeVerb),
			"form":     script(4, formVerb),
			"opens":    script(3, opensVerb),
			"fills":    script(1, fillsVerb),
			"menu":     script(3, menuVerb),
			"answer":   script(1, answerVerb),
			"posts":    script(4, postsVerb),
			"tied":     script(1, tiedVerb),
			"archives": script(1, func(w *world, args []string) { w.channel(args[0]).Archive() }),
			"locks":    script(1, func(w *world, args []string) { w.channel(args[0]).Lock() }),
			"mutes":    script(1, func(w *world, args []string) { w.mute(args[0], true) }),
			"unmutes":  script(1, func(w *world, args []string) { w.mute(args[0], false) }),
			"gives":    script(2, func(w *world, args []string) { w.discord().give(args[0], args[1], true) }),
			"takes":    script(2, func(w *world, args []string) { w.discord().give(args[0], args[1], false) }),
			"raw":      script(2, rawVerb),
			"blind":    script(0, func(w *world, _ []string) { w.discord().SetMessageContent(false) }),

			"heartbeat": script(1, heartbeatVerb),
			"gateway":   script(2, gatewayVerb),
			"reopens":   script(0, reopensVerb),
			"revokes":   script(0, revokesVerb),
			"restores":  script(0, func(w *world, _ []string) { w.discord().Restore() }),
		},
	})
}

// script makes a verb of a function that takes at least min arguments.
func script(least int, verb func(*world, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, negated bool, args []string) {
		if negated || len(args) < least {
			ts.Fatalf("this verb takes no ! and at least %d arguments", least)
		}
		defer func() {
			// The strict servers panic over mistakes of a script. The daemon must
			// not outlive that.
			if r := recover(); r != nil {
				ts.Fatalf("%v", r)
			}
		}()
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

func saysVerb(origin string) func(*world, []string) {
	return func(w *world, args []string) { w.speak(args[0], args[1], spoken(args[2:]), manner{origin: origin}) }
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

func sendsVerb(w *world, args []string) {
	var files []sentFile
	for _, name := range strings.Split(args[2], ",") {
		files = append(files, sentFile{filepath.Base(name), w.work(name)})
	}
	w.speak(args[0], args[1], spoken(args[3:]), manner{files: files})
}

func servesVerb(w *world, _ []string) {
	site := httptest.NewServer(http.HandlerFunc(w.serve))
	w.t.Cleanup(site.Close)
	w.site = site.URL
}

// serve sends a file of the work folder, or as long as the server is clogged only
// its first half.
func (w *world) serve(out http.ResponseWriter, req *http.Request) {
	name := filepath.Join(w.dir, filepath.Clean("/"+req.URL.Path))
	content, err := os.ReadFile(name)
	if err != nil || !w.clogged.Load() {
		http.ServeFile(out, req, name)
		return
	}
	out.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = out.Write(content[:len(content)/2])
	_ = http.NewResponseController(out).Flush()
	<-req.Context().Done()
}

func blockVerb(w *world, args []string) {
	w.speak(args[0], args[1], spoken(args[4:]), manner{code: &sentCode{args[2], strings.TrimRight(string(w.work(args[3])), "\n")}})
}

func repliesVerb(w *world, args []string) {
	w.speak(args[0], args[1], spoken(args[2:]), manner{replyTo: w.said.id})
}

func getsVerb(w *world, args []string) {
	m := w.sees(args[0], "the file "+args[1], func(m note) bool { return m.File != nil && m.File.Name == args[1] })
	if want := w.work(args[2]); !bytes.Equal(m.File.Bytes(), want) {
		w.t.Fatalf("%s has %d bytes, which are not the %d of %s", args[1], m.File.Size, len(want), args[2])
	}
}

// speak has a person write, and remembers it as what was said last.
func (w *world) speak(who, where, text string, how manner) int64 {
	w.t.Helper()
	at := w.chat(where)
	w.said = said{at, at.Say(who, strings.ReplaceAll(text, "SITE", w.site), how)}
	return w.said.id
}

func editsVerb(w *world, args []string) {
	w.said.at.Edit(args[0], w.said.id, spoken(args[2:]))
}

func lateVerb(w *world, args []string) {
	ago, err := time.ParseDuration(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.chat(args[2]).Say(args[1], spoken(args[3:]), manner{at: w.now().Add(-ago)})
}

func answersVerb(w *world, args []string) {
	to := w.sees(args[1], args[2], matches(w, args[2]))
	w.chat(args[1]).Say(args[0], spoken(args[3:]), manner{replyTo: to.ID})
}

func pressesVerb(w *world, args []string) {
	data := func(m note) string {
		for _, row := range m.Keys {
			for _, b := range row {
				if b.Label == args[2] {
					return b.Data
				}
			}
		}
		return ""
	}
	fits := func(m note) bool { return data(m) != "" }
	if len(args) > 3 {
		too := matches(w, args[3])
		fits = func(m note) bool { return data(m) != "" && too(m) }
	}
	m := w.sees(args[1], "the button "+args[2], fits)
	handle := data(m)
	w.press = func() press { return w.chat(args[1]).Press(args[0], m.ID, handle) }
	w.pressed = w.press()
}

func noticeVerb(w *world, args []string) {
	text, ok := w.pressed.Notice(patience)
	if !ok || !regexp.MustCompile(args[0]).MatchString(text) {
		w.t.Fatalf("the press was answered with %q (%v), want %q", text, ok, args[0])
	}
}

func matches(w *world, pattern string) func(note) bool {
	re, err := regexp.Compile("(?s)" + pattern)
	if err != nil {
		w.t.Fatal(err)
	}
	return func(m note) bool { return re.MatchString(show(m)) }
}

func seesVerb(w *world, args []string) {
	w.sees(args[0], strconv.Quote(args[1]), matches(w, args[1]))
}

func lastVerb(w *world, args []string) {
	fits := matches(w, args[1])
	n, _ := w.on(args[0])
	ok := n.Wait(patience, func() bool {
		posts := w.posts(args[0])
		return len(posts) > 0 && fits(posts[len(posts)-1])
	})
	if !ok {
		w.t.Fatalf("the last message in %s is not %q; it has:\n%s", args[0], args[1], w.transcript(args[0]))
	}
}

func lacksVerb(w *world, args []string) { countVerb(w, []string{args[0], "0", args[1]}) }

// countVerb waits until there are so many. It is after a settle that there are
// no more.
func countVerb(w *world, args []string) {
	want, err := strconv.Atoi(args[1])
	if err != nil {
		w.t.Fatal(err)
	}
	fits, n := matches(w, args[2]), 0
	net, _ := w.on(args[0])
	net.Wait(patience, func() bool {
		n = 0
		for _, m := range w.posts(args[0]) {
			if fits(m) {
				n++
			}
		}
		return n >= want
	})
	if n != want {
		w.t.Fatalf("%d messages in %s are %q, want %d; it has:\n%s", n, args[0], args[2], want, w.transcript(args[0]))
	}
}

func losesVerb(w *world, args []string) {
	fits := matches(w, args[1])
	n, _ := w.on(args[0])
	if !n.Wait(patience, func() bool { return !slices.ContainsFunc(w.posts(args[0]), fits) }) {
		w.t.Fatalf("there is still %q in %s:\n%s", args[1], args[0], w.transcript(args[0]))
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
		w.net.Down()
	case "hole": // connections are there, answers are not
		w.net.BlackHole()
	case "up":
		if !eventually(patience, func() bool { return w.net.Up() == nil }) { // its port may be another's for a moment
			w.t.Fatal("the network does not come back")
		}
	default:
		w.t.Fatalf("the network is not %q", args[0])
	}
}

func faultVerb(w *world, args []string) {
	f := fault{call: args[0], kind: args[1], times: 1}
	if len(args) > 2 {
		f.times, _ = strconv.Atoi(args[2])
	}
	if _, err := w.net.Fault(f); err != nil {
		w.t.Fatal(err)
	}
}

// doomedVerb has the daemon killed in the moment that a call of it takes effect:
// it never gets the answer.
func doomedVerb(w *world, args []string) {
	f := fault{call: args[0], kind: "drop-before", match: func() bool {
		w.strike()
		return false
	}}
	if _, err := w.net.Fault(f); err != nil {
		w.t.Fatal(err)
	}
}

func diesVerb(w *world, _ []string) {
	w.mu.Lock()
	end := w.end
	w.mu.Unlock()
	select {
	case <-end:
	case <-time.After(patience):
		w.t.Fatal("the daemon lives on")
	}
	w.process() // there is none to end any more
	w.net.ClearFaults()
}

func pollerVerb(w *world, args []string) {
	if w.other != nil {
		w.other()
		w.other = nil
	}
	if args[0] == "on" {
		w.other = w.telegram().SecondPoller()
	}
}

func deletesVerb(w *world, args []string) {
	w.chat(args[0]).Delete()
}

// goneVerb waits until a message that somebody wrote is deleted.
func goneVerb(w *world, args []string) {
	if !w.net.Wait(patience, func() bool { return !slices.Contains(w.chat(args[0]).Heard(), args[1]) }) {
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
	if !w.net.Wait(patience, func() bool { return w.net.Count(args[0]) > 0 }) {
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
	m := w.sees(args[1], "a "+args[0]+" with "+args[2], func(m note) bool {
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
	if args[0] == "video" && !m.File.Inline {
		w.t.Fatal("the clip is sent without its size and length")
	}
}

func revisedVerb(w *world, args []string) {
	n, err := strconv.Atoi(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	fits := matches(w, args[2])
	w.sees(args[1], args[2]+" with so many edits", func(m note) bool { return fits(m) && m.Edits >= n })
}

func pinnedVerb(w *world, args []string) {
	fits := matches(w, args[1])
	w.sees(args[0], args[1]+", pinned", func(m note) bool { return fits(m) && m.Pinned })
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

func codesVerb(w *world, args []string) {
	m := w.sees(args[0], "a code", matches(w, code.String()))
	w.code = code.FindStringSubmatch(show(m))[1]
}

func repairsVerb(w *world, args []string) {
	w.speak(args[0], args[1], "/start "+w.code, manner{})
}

// unheardVerb waits until the bot has taken all that was sent, and nothing has
// come of it. What a message makes is in the outbox before it is confirmed, and
// a chat's first message goes out at once.
func unheardVerb(w *world, args []string) {
	before := len(w.posts(args[0]))
	n, _ := w.on(args[0])
	if !n.Wait(patience, n.Taken) {
		w.t.Fatal("the daemon does not take what is sent")
	}
	if n.Wait(300*time.Millisecond, func() bool { return len(w.posts(args[0])) > before }) {
		w.t.Fatalf("the bot spoke in %s:\n%s", args[0], w.transcript(args[0]))
	}
}

// settle returns when everything that was sent before has been handled: the
// network has nothing more for the daemon, and an owner's question sent now has
// its answer.
func (w *world) settle() {
	w.t.Helper()
	asked := w.chat("ann").Say("ann", "/version", manner{})
	answered := func() bool {
		return slices.ContainsFunc(w.posts("ann"), func(m note) bool { return m.ReplyTo == asked })
	}
	if !w.net.Wait(patience, answered) || !w.net.Wait(patience, w.net.Taken) {
		w.t.Fatalf("the daemon does not answer any more; ann sees:\n%s", w.transcript("ann"))
	}
}
