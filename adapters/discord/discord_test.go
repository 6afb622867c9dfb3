package discord

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

const testToken = "MTAwMDAwMDAwMDAwMDAwMDAx.Gchapi.0123456789abcdefghijklmnopqrst"

func TestConfigurationsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		rule string
		cfg  Config
		want string // in the error; empty = none
	}{
		{"a token and nothing else", Config{Token: testToken}, ""},
		{"a token with blanks around", Config{Token: " " + testToken + "\n"}, ""},
		{"a token as it goes into a header", Config{Token: "Bot " + testToken}, ""},
		{"no token", Config{}, "not a bot token"},
		{"half a token", Config{Token: "MTAwMDAwMDAwMDAwMDAwMDAx.Gchapi"}, "not a bot token"},
		{"a token of nobody", Config{Token: "AAAAAAAAAAAAAAAAAAAAAAAA.Gchapi.0123456789abcdefghijklmnopqrst"}, "not a bot token"},
		{"a server of one's own", Config{Token: testToken, APIURL: "https://example.org:8443/x/"}, ""},
		{"an open line to another machine", Config{Token: testToken, APIURL: "http://example.org"}, "want https"},
		{"an open line within this machine", Config{Token: testToken, APIURL: "http://[::1]:8081"}, ""},
		{"an address with a password", Config{Token: testToken, APIURL: "https://u:p@example.org"}, "want only"},
		{"an application that is none", Config{Token: testToken, ApplicationID: "chapi"}, "application id"},
		{"files larger than any request", Config{Token: testToken, Upload: 1 << 30}, "upload limit"},
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

func TestATokenNeverPrints(t *testing.T) {
	token := Token(testToken)
	asJSON, err := json.Marshal(map[string]any{"t": token})
	if err != nil {
		t.Fatal(err)
	}
	var logs strings.Builder
	slog.New(slog.NewTextHandler(&logs, nil)).Info("x", "token", token, "cfg", Config{Token: token})
	a, err := New(Config{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%v %s %q %x %#v %+v %v %+v", token, token, token, token, token, Config{Token: token}, a, a) + string(asJSON) + logs.String()
	if strings.Contains(all, "0123456789abc") {
		t.Errorf("printed %s", all)
	}
	redacted := token.redactor().Replace("x " + testToken + " Gchapi.0123456789abcdefghijklmnopqrst y")
	if strings.Contains(redacted, "0123456789abc") {
		t.Errorf("redacted to %s", redacted)
	}
}

func TestThePaceStaysBelowTheUsualLimits(t *testing.T) {
	a, err := New(Config{Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	l := a.Limits(a.Direct("5"))
	if n := l.AllBurst + int(time.Second/l.AllEvery); n > 45 {
		t.Errorf("%d calls a second in all, the network takes 50", n)
	}
	if n := int(5 * time.Second / l.Edit); n > 5 {
		t.Errorf("%d edits in 5 s, the network takes 5", n)
	}
}

// The README tells people which permissions they give.
func TestTheReadmeHasThePermissions(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "permissions="+invited.String()) {
		t.Errorf("README.md lacks permissions=%s", invited)
	}
}

func TestPlacesAndLinks(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	if got := r.a.PairLink("code"); got != "" {
		t.Errorf("link %q before the bot is known", got)
	}
	r.start()
	link := r.a.PairLink("code")
	if !strings.Contains(link, "client_id="+r.srv.AppID().String()) || !strings.Contains(link, "permissions="+invited.String()) {
		t.Errorf("link %q", link)
	}
	const want = discordtest.ViewChannel | discordtest.SendMessages | discordtest.SendMessagesInThreads | discordtest.CreatePublicThreads |
		discordtest.AttachFiles | discordtest.ReadMessageHistory | discordtest.PinMessages
	if discordtest.Permission(invited) != want {
		t.Errorf("the invitation asks for %d, want %d", invited, want)
	}
	if got := r.a.Direct("5"); got != (bot.Thread{Adapter: Name, Chat: "@5"}) {
		t.Errorf("Direct = %v", got)
	}
	for _, th := range []bot.Thread{{}, {Adapter: Name}, {Adapter: Name, Chat: "0"}, {Adapter: Name, Chat: "@x"}, {Adapter: Name, Chat: "@5", Topic: "6"}, {Adapter: Name, Chat: "5", Topic: "x"}, {Adapter: "x", Chat: "5"}} {
		if _, _, err := parsePlace(th); err == nil {
			t.Errorf("parsePlace(%v) is no error", th)
		}
	}
}

func TestPermissionsAreComputedAsTheNetworkDoes(t *testing.T) {
	const me, everyone, mine, other = snowflake(1), snowflake(10), snowflake(11), snowflake(12)
	g := &guild{id: everyone, owner: 2, mine: []snowflake{mine}, roles: map[snowflake]permission{everyone: mayView, mine: maySend, other: mayAttach}}
	for _, c := range []struct {
		rule       string
		overwrites []overwrite
		want       permission
	}{
		{"roles add up", nil, mayView | maySend},
		{"a channel denies everyone", []overwrite{{ID: everyone, Deny: mayView}}, maySend},
		{"a role is allowed what everyone is denied", []overwrite{{ID: mine, Allow: mayView}, {ID: everyone, Deny: mayView}}, mayView | maySend},
		{"a member is denied what a role is allowed", []overwrite{{ID: me, Type: 1, Deny: maySend}, {ID: mine, Allow: maySend}}, mayView},
		{"the roles of others do not count", []overwrite{{ID: other, Allow: mayRead, Deny: mayView}}, mayView | maySend},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := g.permissions(me, c.overwrites); got != c.want {
				t.Errorf("may %v, want %v", got.names(), c.want.names())
			}
		})
	}
	g.roles[mine] = mayAdminister
	if got := g.permissions(me, []overwrite{{ID: everyone, Deny: mayView}}); got&needed != needed {
		t.Errorf("an administrator may %v", got.names())
	}
}

func TestMemoryIsBounded(t *testing.T) {
	a, err := New(Config{Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	var s standing
	for i := range snowflake(2 * maxPlaces) {
		a.places.see(place{id: i + 1, user: i + 1})
		a.places.sighted(i+1, i+1)
		a.places.setGuild(&guild{id: i + 1})
		a.client.limits.rest(i.String(), time.Now())
		a.mine.see(i + 1)
		a.uploads.learn(place{guild: i}, 5<<20)
		s.advise(i.String(), "x")
		a.intake.add(&item{id: i + 1, channel: i%100 + 1, moves: true, read: func(place) (bot.Message, bool, bool) { return bot.Message{}, false, false }}, true)
	}
	for what, n := range map[string]int{
		"places": len(a.places.all), "private chats": len(a.places.dms), "sightings": len(a.places.newest), "servers": len(a.places.guilds),
		"limits": len(a.client.limits.routes), "posts": len(a.mine.set), "uploads": len(a.uploads.by), "advice": len(s.advice),
		"waiting": a.intake.waiting(),
	} {
		if n > maxPlaces || n > maxKnown && what != "places" && what != "waiting" || what == "waiting" && n > maxQueued {
			t.Errorf("%d %s", n, what)
		}
	}
}

func TestRefusedCallsAreCountedAndStopped(t *testing.T) {
	var v invalid
	now := time.Now()
	for range invalidMost - 1 {
		v.count(403, "", now)
	}
	v.count(429, "shared", now)
	v.count(404, "", now)
	if wait := v.wait(now); wait != 0 {
		t.Errorf("stopped for %v", wait)
	}
	v.count(429, "user", now)
	if wait := v.wait(now.Add(time.Minute)); wait != 9*time.Minute {
		t.Errorf("stopped for %v", wait)
	}
	if wait := v.wait(now.Add(11 * time.Minute)); wait != 0 {
		t.Errorf("stopped for %v", wait)
	}
}
