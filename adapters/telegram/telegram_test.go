package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/adapters/telegram/telegramtest"
	"chapi/bot"
)

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		rule string
		cfg  Config
		want string // in the error; empty = none
	}{
		{"a token and nothing else", Config{Token: testToken}, ""},
		{"a token with blanks around", Config{Token: " " + testToken + "\n"}, ""},
		{"no token", Config{}, "not a bot token"},
		{"half a token", Config{Token: "7654321:short"}, "not a bot token"},
		{"a token with an address in it", Config{Token: testToken + "/x"}, "not a bot token"},
		{"a server of one's own", Config{Token: testToken, APIURL: "https://example.org:8443/api/"}, ""},
		{"an open line to another machine", Config{Token: testToken, APIURL: "http://example.org"}, "want https"},
		{"an open line within this machine", Config{Token: testToken, APIURL: "http://[::1]:8081"}, ""},
		{"an address with a password", Config{Token: testToken, APIURL: "https://u:p@example.org"}, "want only"},
		{"no address", Config{Token: testToken, APIURL: "example.org"}, "want only"},
		{"no proxy", Config{Token: testToken, Proxy: "::"}, "proxy"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := New(c.cfg)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error = %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error = %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestThePaceStaysBelowThePublishedLimits(t *testing.T) {
	a := testAdapter(t)
	within := func(every time.Duration, burst int, span time.Duration) int {
		return burst + int(span/every)
	}
	private, group := a.Limits(thread(5, 0)), a.Limits(thread(-1001234567890, 3))
	if n := within(group.Every, group.Burst, time.Minute); n > 19 {
		t.Errorf("%d posts a minute in a group, the network takes 20", n)
	}
	if n := within(private.AllEvery, private.AllBurst, time.Second); n > 29 {
		t.Errorf("%d posts a second in all, the network takes 30", n)
	}
	if private.Every < time.Second {
		t.Errorf("a post every %v in a private chat", private.Every)
	}
	free, err := New(Config{Token: testToken, Pace: Pace{Unlimited: true}, LocalDir: "/srv"})
	if err != nil {
		t.Fatal(err)
	}
	if l := free.Limits(thread(-5, 0)); l.Every != 0 || l.AllEvery != 0 || l.Upload != maxLocal {
		t.Errorf("limits of an own server = %+v", l)
	}
}

func TestPlacesAndLinks(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	if got := r.a.PairLink("code"); got != "" {
		t.Errorf("link %q without a name", got)
	}
	r.start()
	within(t, "the name", func() bool { return r.a.PairLink("x") != "" })
	if got, want := r.a.PairLink("Ab-1_"), "https://t.me/"+r.srv.Username()+"?start=Ab-1_"; got != want {
		t.Errorf("link = %q, want %q", got, want)
	}
	if got := r.a.PairLink("a&b"); got != "" {
		t.Errorf("link %q for a code that it cannot carry", got)
	}
	if got := r.a.Direct("5"); got != thread(5, 0) {
		t.Errorf("Direct = %v", got)
	}
	for _, th := range []bot.Thread{{}, {Adapter: Name}, {Adapter: Name, Chat: "0"}, {Adapter: Name, Chat: "5", Topic: "x"}, {Adapter: Name, Chat: "5", Topic: "99999999999"}} {
		if _, _, err := place(th); err == nil {
			t.Errorf("place(%v) is no error", th)
		}
	}
}

func TestMarksAreTheNewestIDOfTheBox(t *testing.T) {
	r := newRig(t, telegramtest.Options{ReadAll: true})
	forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna)
	basic := r.srv.AddGroup(-77, "Small", telegramtest.Basic, r.anna)
	for _, th := range []bot.Thread{r.to(r.private), r.to(forum), {Adapter: "x"}} {
		if got := r.a.Mark(th, ""); got != "" {
			t.Errorf("mark of %v = %q before anything", th, got)
		}
	}
	r.start()
	r.hello()
	said := basic.Say(r.anna, "in the small group")
	r.got("in the small group")
	// Private chats and basic groups share their ids.
	if got, want := r.a.Mark(r.to(r.private), ""), formatID(int64(said.ID)); bot.MessageID(got) != want {
		t.Errorf("mark = %q, want %q", got, want)
	}
	sent := r.send(text("x"))
	if got := r.a.Mark(r.to(basic), ""); bot.MessageID(got) != sent.Message {
		t.Errorf("mark = %q, want %q", got, sent.Message)
	}
	if got := r.a.Mark(r.to(forum), ""); got != "" {
		t.Errorf("mark of the forum = %q", got)
	}
}

func TestThreadsOpenWhereThereAreTopics(t *testing.T) {
	r := newRig(t, telegramtest.Options{ReadAll: true})
	forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna)
	forum.SetRights(telegramtest.Rights{Admin: true, ManageTopics: true})
	poor := r.srv.AddGroup(-1001234567891, "Poor", telegramtest.Forum, r.anna)
	plain := r.srv.AddGroup(-1001234567892, "Plain", telegramtest.Supergroup, r.anna)
	basic := r.srv.AddGroup(-77, "Small", telegramtest.Basic, r.anna)
	th, err := r.a.OpenThread(t.Context(), r.to(forum), "  htop\n"+strings.Repeat("x", 300), "")
	if err != nil {
		t.Fatal(err)
	}
	topics := forum.Topics()
	if len(topics) != 1 || th != thread(forum.ID(), int64(topics[0].ID)) || len([]rune(topics[0].Name)) != maxTopicName {
		t.Errorf("thread %v, topics %+v", th, topics)
	}
	r.sendTo(bot.Outgoing{Thread: th, Post: text("x")})
	for what, c := range map[string]*telegramtest.Chat{"a forum without rights": poor, "a group without topics": plain, "a basic group": basic, "a private chat": r.private} {
		_, err := r.a.OpenThread(t.Context(), r.to(c), "htop", "")
		var se *bot.SendError
		if !errors.As(err, &se) || se.Outcome != bot.RefusedSend {
			t.Errorf("%s: error = %v, want refused", what, err)
		}
	}
}

func TestPrivateChatsMayHaveTopics(t *testing.T) {
	r := newRig(t, telegramtest.Options{PrivateTopics: true})
	r.start()
	r.hello()
	within(t, "the bot's abilities", func() bool { return r.a.me.Load() != nil })
	th, err := r.a.OpenThread(t.Context(), r.to(r.private), "htop", "")
	if err != nil {
		t.Fatal(err)
	}
	r.sendTo(bot.Outgoing{Thread: th, Post: text("x")})
	if m, _ := r.private.Last(); thread(r.private.ID(), int64(m.Topic)) != th {
		t.Errorf("the post is in topic %d, want %v", m.Topic, th)
	}
}

func TestMenusArePublishedOnlyWhenTheyDiffer(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	r.private.Say(r.anna, "/start")
	commands := []bot.Command{
		{Name: "run", Summary: "run a program"},
		{Name: "in", Hidden: true},
		{Name: "Not-A-Name", Summary: "x"},
		{Name: "log", Summary: strings.Repeat("ż", 300)},
	}
	menus := []bot.Menu{{Thread: thread(5, 0), Commands: commands}}
	for range 2 {
		if err := r.a.PublishMenu(t.Context(), menus); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.srv.Count("setMyCommands"); n != 1 {
		t.Errorf("the menu was set %d times, want once", n)
	}
	scope := telegramtest.Scope{Type: "chat", ChatID: 5}
	want := []telegramtest.Command{{Name: "run", Description: "run a program"}, {Name: "log", Description: strings.Repeat("ż", 255) + "…"}}
	if got := r.srv.Menu(scope); !slices.Equal(got, want) {
		t.Errorf("menu = %+v", got)
	}
	menus[0].Commands = nil
	if err := r.a.PublishMenu(t.Context(), menus); err != nil {
		t.Fatal(err)
	}
	if got := r.srv.Menu(scope); got != nil {
		t.Errorf("menu = %+v, want none", got)
	}
	menus = []bot.Menu{{Thread: bot.Thread{Adapter: "x"}}, {Thread: thread(5, 0), Commands: commands}}
	if err := r.a.PublishMenu(t.Context(), menus); err == nil || r.srv.Menu(scope) == nil {
		t.Errorf("error = %v, menu %v; want an error and the other menu", err, r.srv.Menu(scope))
	}
}

func TestFetch(t *testing.T) {
	r := newRig(t, telegramtest.Options{})
	content := bytes.Repeat([]byte("0123456789"), 100_000)
	r.private.Say(r.anna, "/put", telegramtest.WithDocument("a b.txt", content))
	r.private.Say(r.anna, "/big", telegramtest.WithDocument("big", []byte("x")), telegramtest.WithFileSize(21<<20))
	r.start()
	a := r.got("/put").Attachments[0]
	if a.Name != "a b.txt" || a.Size != int64(len(content)) {
		t.Errorf("attachment = %+v", a)
	}
	f, size, err := r.a.Fetch(t.Context(), a.Ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || size != int64(len(content)) || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d: %v", len(got), size, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, _, err := r.a.Fetch(t.Context(), r.got("/big").Attachments[0].Ref); !errors.Is(err, bot.ErrTooLarge) {
		t.Errorf("error = %v, want bot.ErrTooLarge", err)
	}
	if _, _, err := r.a.Fetch(t.Context(), "no such file"); err == nil {
		t.Error("no error for a file that is not there")
	}
	r.srv.AddFault(telegramtest.Fault{Method: "download", Kind: telegramtest.HTML502})
	if _, _, err := r.a.Fetch(t.Context(), a.Ref); err == nil || !strings.Contains(err.Error(), "status 502") {
		t.Errorf("error = %v, want the status", err)
	}
}

func TestDownloadsEndBehindTheLimit(t *testing.T) {
	c := &capped{r: strings.NewReader("0123456789"), left: 4, close: func() error { return nil }}
	got, err := io.ReadAll(c)
	if string(got) != "0123" || !errors.Is(err, bot.ErrTooLarge) {
		t.Errorf("read %q, %v", got, err)
	}
	c = &capped{r: strings.NewReader("0123"), left: 4, close: func() error { return nil }}
	if got, err := io.ReadAll(c); string(got) != "0123" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestFilesOfALocalServerAreReadInItsFolderOnly(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	for path, content := range map[string]string{filepath.Join(dir, "in"): "fine", outside: "secret"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	a := testAdapter(t)
	if _, _, err := a.openLocal(filepath.Join(dir, "in"), 99); err == nil {
		t.Error("no error without a configured folder")
	}
	a.cfg.LocalDir = dir
	f, size, err := a.openLocal(filepath.Join(dir, "in"), 99)
	if err != nil || size != 4 {
		t.Fatalf("size %d, %v", size, err)
	}
	f.Close()
	for _, path := range []string{outside, filepath.Join(dir, "link"), dir, filepath.Join(dir, "../x")} {
		if _, _, err := a.openLocal(path, 99); err == nil {
			t.Errorf("no error for %s", path)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var p places
	for i := range int64(3 * maxPlaces) {
		p.see(sighting{chat: -1_001_000_000_000 - i, message: i + 1, chatKnown: true})
		p.breakOff(probe{chat: i, marks: "1"}, 5)
	}
	if len(p.boxes) > maxPlaces || len(p.forums) > maxPlaces || len(p.probes) > maxPlaces {
		t.Errorf("%d boxes, %d chats, %d searches", len(p.boxes), len(p.forums), len(p.probes))
	}
	var c confirmations
	for i := range 3 * maxTracked {
		c.accept([]string{fmt.Sprint(i)})
	}
	if len(c.batchOf) != maxTracked || len(c.keys) != maxTracked {
		t.Errorf("%d keys, %d in order", len(c.batchOf), len(c.keys))
	}
}
