package discord

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

// published makes the commands known on the guild and in private chats.
func (r *rig) published(commands ...bot.Command) {
	r.t.Helper()
	menus := []bot.Menu{{Thread: r.to(r.general), Commands: commands}, {Thread: r.to(r.dm), Commands: commands}}
	if err := r.a.PublishMenu(r.t.Context(), menus); err != nil {
		r.t.Fatal(err)
	}
}

func TestASlashCommandIsAMessage(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	i := r.general.Slash(r.anna, "run", discordtest.Opt("argv", `echo "a  b"`), discordtest.Opt("pty", true))
	m := r.got(`/run --pty echo "a  b"`)
	if m.Thread != r.to(r.general) || m.Account.User != "200000000000000005" || m.Name != "Anna" || !m.Addressed || m.Origin != bot.Original || m.Age != 0 {
		t.Errorf("message %+v", m)
	}
	a, ok := i.Answer(deadline)
	if !ok || a.Kind != discordtest.AnswerDeferred || a.Ephemeral || m.ID != bot.MessageID(a.Message.String()) {
		t.Errorf("answer %+v, message %q", a, m.ID)
	}
	// The answer shows what was asked, and can be replied to.
	within(t, "the status", func() bool {
		o, _ := i.Original()
		return glass(o.Text) == oneLine(m.Text) && !o.Loading
	})
	r.sendTo(bot.Outgoing{Thread: m.Thread, ReplyTo: m.ID, Post: text("a  b")})
	if last, _ := r.general.Last(); last.ReplyTo != a.Message {
		t.Errorf("post %+v", last)
	}
	r.dm.Slash(r.anna, "run", discordtest.Opt("argv", "ls"))
	if m := r.got("/run ls"); !m.Direct || m.Thread != r.to(r.dm) {
		t.Errorf("message %+v", m)
	}
	r.srv.Check(t)
}

func TestAnInteractionIsAnsweredInTimeWhateverIsGoingOn(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	r.in.set(func(in *recorder) { in.fail = errors.New("the disk is full") })
	var all []*discordtest.Interaction
	for range 20 {
		all = append(all, r.general.Slash(r.anna, "run", discordtest.Opt("argv", "ls")))
	}
	for _, i := range all {
		if a, ok := i.Answer(deadline); !ok {
			t.Fatalf("answer %+v", a)
		}
	}
	r.in.set(func(in *recorder) { in.fail = nil })
	within(t, "all of them", func() bool { return len(r.in.all()) == 20 })
	r.srv.Check(t)
}

func TestAnInteractionIsNotedBeforeItIsAcknowledged(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	k := &bot.Keyboard{Handle: bot.NewHandle(), Session: "7", Rows: [][]bot.Button{{{Label: "Stop"}}}}
	r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	post := r.only("live")
	noted := make(map[string]bool) // what was on disk when it was acknowledged
	var mu sync.Mutex
	r.srv.AddFault(discordtest.Fault{Method: "createInteractionResponse", Times: -1, Match: func(discordtest.Call) bool {
		c, _ := parseCursor(r.in.place(), r.a.botID)
		mu.Lock()
		defer mu.Unlock()
		for _, one := range c.asked {
			noted[one.what] = true
		}
		return false
	}})
	r.general.Slash(r.anna, "run", discordtest.Opt("argv", "first"))
	r.general.Press(r.anna, post.ID, "Stop")
	opened := r.general.Press(r.anna, post.ID, formLabel)
	if a, ok := opened.Answer(deadline); !ok || a.Modal == nil {
		t.Fatalf("answer %+v", a)
	}
	opened.Submit(map[string]string{formInput: "a secret"})
	within(t, "all of them", func() bool { return len(r.in.all()) == 3 })
	mu.Lock()
	defer mu.Unlock()
	for _, what := range []string{"/run", "press", "text"} {
		if !noted[what] {
			t.Errorf("the %s was acknowledged without a note", what)
		}
	}
	if c, ok := parseCursor(r.in.place(), r.a.botID); !ok || len(c.asked) != 0 {
		t.Errorf("recorded with notes left: %q", c)
	}
	r.srv.Check(t)
}

func TestWhatAnEarlierRunNotedIsLost(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.dm.Say(r.anna, "hello")
	c := newCursor(r.a.botID)
	for id, note := range map[snowflake]asked{
		7: {channel: snowflake(r.general.ID()), user: snowflake(r.anna.ID), what: "/run"},
		8: {channel: snowflake(r.dm.ID()), user: snowflake(r.anna.ID), message: 6, what: "press"},
		9: {channel: 5, user: snowflake(r.anna.ID), what: "text"}, // a channel that is gone
	} {
		c.asked[id] = note
	}
	r.srv.Expect("getChannel", "10003")
	r.in.cursor = c.String()
	r.start()
	for what, want := range map[string]bot.Thread{"/run": r.to(r.general), "press": r.to(r.dm)} {
		if m := r.got(what); !m.Lost || m.Thread != want || m.Account.User != "200000000000000005" || m.Origin != bot.Original {
			t.Errorf("message %+v", m)
		}
	}
	if m := r.got("press"); m.ID != "6" {
		t.Errorf("it is not tied to its message: %+v", m)
	}
	within(t, "the notes to go", func() bool { c, ok := parseCursor(r.in.place(), r.a.botID); return ok && len(c.asked) == 0 })
	r.srv.Check(t)
}

func TestADiskThatTakesTooLongIsNotWaitedFor(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	k := &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{{{Label: "Stop"}}}}
	r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	r.in.set(func(in *recorder) { in.fail, in.notice = errors.New("nothing can be written"), "Too late." })
	i := r.general.Press(r.anna, r.only("live").ID, "Stop")
	// The app shows that something will come, and tells in the end if nothing does.
	if a, ok := i.Answer(deadline); !ok || a.Kind != discordtest.AnswerDeferred || !a.Ephemeral {
		t.Errorf("answer %+v", a)
	}
	r.in.set(func(in *recorder) { in.fail = nil })
	if notice, _ := i.Notice(deadline); glass(notice) != "Too late." {
		t.Errorf("notice %q", notice)
	}
	if m, ok := i.Original(); !ok || !m.Deleted {
		t.Errorf("it still thinks: %+v", m)
	}
	if m := r.in.all()[0]; m.Button != k.Data(0, 0) {
		t.Errorf("press %+v", m)
	}
	r.srv.Check(t)
}

func TestOnlyWhatWasAnsweredInTimeIsRun(t *testing.T) {
	for _, c := range []struct {
		rule  string
		fault discordtest.Fault
		runs  bool
	}{
		{"the answer's answer is lost", discordtest.Fault{Kind: discordtest.DropAfter}, true},
		{"the first try fails", discordtest.Fault{Kind: discordtest.Error503}, true},
		{"the first try gets no answer", discordtest.Fault{Kind: discordtest.Hang}, true},
		{"the network has forgotten it", discordtest.Fault{Kind: discordtest.Refuse, Status: 404, Code: 10062, Times: -1}, false},
		{"nothing gets through", discordtest.Fault{Kind: discordtest.DropBefore, Times: -1}, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, discordtest.Options{})
			r.start()
			r.published(runCommand)
			c.fault.Method = "createInteractionResponse"
			f := r.srv.AddFault(c.fault)
			r.general.Slash(r.anna, "run", discordtest.Opt("argv", "first"))
			within(t, "the answer", func() bool { return f.Hits() > 0 })
			if !c.runs {
				within(t, "the end of the tries", func() bool { return strings.Contains(r.logs.String(), "not answered in time") })
				f.Remove()
			}
			r.general.Slash(r.anna, "run", discordtest.Opt("argv", "second"))
			r.got("/run second")
			if ran := slices.Contains(r.in.texts(), "/run first"); ran != c.runs {
				t.Errorf("run = %v, want %v", ran, c.runs)
			}
		})
	}
}

func TestAPressIsAnsweredPrivately(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	k := &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{{{Label: "Stop"}, {Label: "Log"}}}}
	r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	post := r.only("live")
	r.in.set(func(in *recorder) { in.notice = "That button has been used *already*." })
	i := r.general.Press(r.bert, post.ID, "Log")
	notice, _ := i.Notice(deadline)
	if glass(notice) != "That button has been used *already*." {
		t.Errorf("notice %q", notice)
	}
	for _, m := range i.Followups() {
		if !m.Ephemeral {
			t.Errorf("everybody sees %+v", m)
		}
	}
	m := r.in.all()[0]
	if m.Button != k.Data(0, 1) || m.Account.User != "200000000000000006" {
		t.Errorf("press %+v", m)
	}
	i.Redeliver()
	r.general.Press(r.bert, post.ID, "Stop")
	within(t, "the second press", func() bool { return len(r.in.all()) == 2 })
	if n := len(r.general.Posts()); n != 1 {
		t.Errorf("%d posts", n)
	}
}

func TestQuickPressesKeepTheirOrder(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	k := &bot.Keyboard{Handle: bot.NewHandle(), Rows: [][]bot.Button{{{Label: "a"}, {Label: "b"}}}}
	r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	post := r.only("live")
	// The first answer is slow.
	r.srv.AddFault(discordtest.Fault{Method: "createInteractionResponse", Kind: discordtest.Delay, Delay: 300 * time.Millisecond})
	var want []string
	for i := range 10 {
		label := []string{"a", "b"}[i%2]
		want = append(want, k.Data(0, i%2))
		r.general.Press(r.anna, post.ID, label)
	}
	within(t, "the presses", func() bool { return len(r.in.all()) == 10 })
	var got []string
	for _, m := range r.in.all() {
		got = append(got, m.Button)
	}
	if !slices.Equal(got, want) {
		t.Errorf("pressed %q, want %q", got, want)
	}
}

func TestFreeTextIsAnAnswerToTheKeypad(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	k := &bot.Keyboard{Handle: bot.NewHandle(), Session: "7", Rows: [][]bot.Button{{{Label: "Stop"}}}}
	sent := r.send(bot.Post{Text: []bot.Span{{Text: "live"}}, Keyboard: k})
	for said, want := range map[string]string{"ls  -l": "ls  -l", "/etc/init.d": "//etc/init.d"} {
		i := r.general.Press(r.anna, r.only("live").ID, formLabel)
		if a, ok := i.Answer(deadline); !ok || a.Modal == nil || len(a.Modal.Inputs) != 1 {
			t.Fatalf("answer %+v", a)
		}
		i.Submit(map[string]string{formInput: said})
		if m := r.got(want); m.ReplyTo != sent.Message || m.Account.User != "200000000000000005" || m.Button != "" {
			t.Errorf("message %+v", m)
		}
	}
	r.srv.Check(t)
}

func TestWhatAStrangerAskedVanishes(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	r.in.set(func(in *recorder) { in.untaken = true })
	i := r.general.Slash(r.bert, "run", discordtest.Opt("argv", "ls"))
	within(t, "the deletion", func() bool { m, ok := i.Original(); return ok && m.Deleted })
	if n := len(r.general.Posts()); n != 0 {
		t.Errorf("%d posts", n)
	}
	r.srv.Check(t)
}

func TestPairingWorksBeforeAnybodyIsListed(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	if err := r.a.PublishMenu(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r.dm.Slash(r.anna, "pair", discordtest.Opt("code", "AB12CD34"))
	if m := r.got("/pair AB12CD34"); !m.Direct {
		t.Errorf("message %+v", m)
	}
	r.srv.Check(t)
}

func TestInOtherPeoplesChatsNothingIsRun(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	i := r.general.SlashInForeignDM(r.bert, "run", discordtest.Opt("argv", "ls"))
	if notice, ok := i.Notice(deadline); !ok || !strings.Contains(notice, "private chat") {
		t.Errorf("notice %q", notice)
	}
	r.general.Slash(r.anna, "run", discordtest.Opt("argv", "id"))
	r.got("/run id")
	if n := len(r.in.all()); n != 1 {
		t.Errorf("heard %q", r.in.texts())
	}
}

func TestSuggestionsComeFromTheHook(t *testing.T) {
	asked := make(chan Question, 1)
	r := newRig(t, discordtest.Options{}, func(c *Config) {
		c.Suggest = func(_ context.Context, q Question) []string {
			asked <- q
			return []string{"7", strings.Repeat("x", 200), "8"}
		}
	})
	r.start()
	r.published(chooseCommand)
	i := r.general.Autocomplete(r.anna, "people", "session", "ht")
	a, ok := i.Answer(deadline)
	if !ok || len(a.Choices) != 2 || a.Choices[1].Value != "8" {
		t.Errorf("choices %+v", a.Choices)
	}
	if q := <-asked; q.Command != "people" || q.Arg != "session" || q.Typed != "ht" || q.Claim.Account.User != "200000000000000005" {
		t.Errorf("asked %+v", q)
	}
	r.srv.Check(t)
}

func TestCommandsWaitForTheirDeclarations(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.published(runCommand)
	// After a restart the commands are still registered.
	r.a.menus.mu.Lock()
	r.a.menus.commands = nil
	r.a.menus.mu.Unlock()
	i := r.general.Slash(r.anna, "run", discordtest.Opt("argv", "ls"), discordtest.Opt("dir", "/tmp"))
	if _, ok := i.Answer(deadline); !ok {
		t.Error("no answer in time")
	}
	r.published(runCommand)
	r.got("/run --dir /tmp ls")
	r.general.SlashRaw(r.anna, `{"id":"5","name":"gone","type":1,"options":[{"name":"x","type":3,"value":"rm"}]}`)
	r.got("/help gone") // not what an outdated client made of it
}

func TestMenusArePublishedOnlyWhenTheyDiffer(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	for range 3 {
		r.published(runCommand, chooseCommand, bot.Command{Name: "in", Hidden: true})
	}
	for _, call := range []string{"bulkOverwriteGuildApplicationCommands", "bulkOverwriteGlobalApplicationCommands"} {
		if n := r.srv.Count(call); n != 1 {
			t.Errorf("%s was called %d times", call, n)
		}
	}
	r.published(runCommand)
	if n := r.srv.Count("bulkOverwriteGuildApplicationCommands"); n != 2 {
		t.Errorf("published %d times", n)
	}
	// One channel that is gone keeps no other from its commands.
	r.srv.Expect("getChannel", "10003")
	err := r.a.PublishMenu(t.Context(), []bot.Menu{
		{Thread: bot.Thread{Adapter: Name, Chat: "999"}, Commands: []bot.Command{runCommand}},
		{Thread: bot.Thread{Adapter: "x"}},
		{Thread: r.to(r.general), Commands: []bot.Command{chooseCommand}},
	})
	if err == nil || r.srv.Count("bulkOverwriteGuildApplicationCommands") != 3 {
		t.Errorf("error %v", err)
	}
	r.srv.Check(t)
}

func TestMissingPermissionsAreTold(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.start()
	r.published(runCommand)
	if h := r.a.Health(); h.State != connected {
		t.Errorf("health %+v", h)
	}
	r.guild.SetEveryone(discordtest.ViewChannel)
	r.guild.SetBot(discordtest.SendMessages)
	r.state("missing in #general: Send Messages in Threads, Read Message History, Attach Files")
	r.guild.SetBot(discordtest.Permission(needed))
	within(t, "health", func() bool { return r.a.Health().State == connected })
}

func TestAServerThatTheBotIsNotOnIsTold(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.srv.Expect("", "10003")
	r.srv.Expect("", "50001")
	r.guild.Kick()
	r.start()
	menus := []bot.Menu{
		{Thread: r.to(r.general), Commands: []bot.Command{runCommand}},
		{Thread: bot.Thread{Adapter: Name, Chat: serverChat(snowflake(r.guild.ID()))}, Commands: []bot.Command{runCommand}},
	}
	if err := r.a.PublishMenu(t.Context(), menus); err == nil {
		t.Error("no error")
	}
	r.state("channel " + r.general.ID().String() + " is listed, but the bot is not there")
	r.state("server " + r.guild.ID().String() + " is listed, but the bot is not there")
	// When it is let in, its commands are there without a restart.
	r.guild.Invite()
	within(t, "the commands", func() bool { return r.general.HasCommand(r.anna, "run") })
	within(t, "health", func() bool { return r.a.Health().State == connected })
	// On a server that it is on it may be without the right to have commands.
	r.guild.DenyCommands(true)
	menus[0].Commands = []bot.Command{chooseCommand}
	if err := r.a.PublishMenu(t.Context(), menus[:1]); err == nil {
		t.Error("no error")
	}
	r.state("server " + r.guild.ID().String() + " does not take slash commands: invite the bot again")
	r.srv.Check(t)
}

func TestMenusThatCouldNotBePublishedAreLater(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	// Nobody listens yet, so nobody has been told who the bot is.
	if err := r.a.PublishMenu(ctx, []bot.Menu{{Thread: r.to(r.general), Commands: []bot.Command{runCommand}}}); err == nil {
		t.Fatal("no error")
	}
	r.start()
	within(t, "the commands", func() bool { return r.srv.Count("bulkOverwriteGuildApplicationCommands") == 1 })
	within(t, "the listed channel", func() bool { return r.a.rooms.knows(snowflake(r.general.ID())) })
	r.srv.Check(t)
}
