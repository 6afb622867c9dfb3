package discord

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chapi/adapters/discord/discordtest"
)

func TestNothingIsLostOrDoubledWhateverTheGatewayDoes(t *testing.T) {
	type fault = discordtest.GatewayFault
	for _, c := range []struct {
		rule   string
		strike fault
		opts   discordtest.Options
		expect string // of the problems that the server may see
	}{
		{"a cut connection", fault{Kind: discordtest.Cut}, discordtest.Options{}, ""},
		{"a close for an unknown reason", fault{Kind: discordtest.Close, Code: 4000}, discordtest.Options{}, ""},
		{"a close for a timeout of the session", fault{Kind: discordtest.Close, Code: 4009}, discordtest.Options{}, ""},
		{"a close for maintenance", fault{Kind: discordtest.Close, Code: 1001}, discordtest.Options{}, ""},
		{"an order to reconnect", fault{Kind: discordtest.Reconnect}, discordtest.Options{}, ""},
		{"an invalid session", fault{Kind: discordtest.InvalidSession}, discordtest.Options{}, "gateway"},
		{"an invalid session that may be resumed", fault{Kind: discordtest.InvalidResumable}, discordtest.Options{}, "gateway"},
		{"silence", fault{Kind: discordtest.Silence}, discordtest.Options{}, "gateway"},
		{"a wish for a heartbeat", fault{Kind: discordtest.AskHeartbeat}, discordtest.Options{}, ""},
		{"an unknown event", fault{Kind: discordtest.Unheard}, discordtest.Options{}, ""},
		{"an unknown opcode", fault{Kind: discordtest.UnknownOp}, discordtest.Options{}, ""},
		{"a huge event", fault{Kind: discordtest.Huge}, discordtest.Options{}, ""},
		{"something that is no JSON", fault{Kind: discordtest.Garbage}, discordtest.Options{}, ""},
		{"a session that is not replayed", fault{Kind: discordtest.Cut}, discordtest.Options{Replay: 1}, "gateway"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			c.opts.MessageContent = true
			c.opts.HeartbeatInterval = 2 * time.Second
			r := newRig(t, c.opts, func(cfg *Config) {
				cfg.Timing.Silence = 800 * time.Millisecond
				if c.strike.Kind != discordtest.Silence {
					cfg.Timing.Silence = 5 * time.Second
				}
			})
			r.srv.Expect("gateway", "")
			r.start()
			r.general.Say(r.anna, "0")
			r.got("0") // a conversation from now on
			within(t, "the cursor", func() bool { c, _ := r.in.Cursor(t.Context(), Name); return c != "" })
			r.srv.Strike(c.strike)
			var want []string
			for i := range 30 {
				want = append(want, fmt.Sprint(i))
				if i > 0 {
					r.general.Say(r.anna, fmt.Sprint(i))
				}
			}
			r.got("29")
			if got := r.in.texts(); !slices.Equal(got, want) {
				t.Errorf("heard %q", got)
			}
			r.connected()
		})
	}
}

func TestAnOpeningThatGoesWrongIsTriedAgain(t *testing.T) {
	type fault = discordtest.GatewayFault
	for _, c := range []struct {
		rule  string
		fault fault
	}{
		{"an order to reconnect in place of the greeting", fault{At: discordtest.AtHello, Kind: discordtest.Reconnect}},
		{"an order to reconnect in place of READY", fault{At: discordtest.AtIdentify, Kind: discordtest.Reconnect}},
		{"silence after the identification", fault{At: discordtest.AtIdentify, Kind: discordtest.Silence}},
		{"silence in place of the greeting", fault{At: discordtest.AtHello, Kind: discordtest.Silence}},
		{"a cut in place of the greeting", fault{At: discordtest.AtHello, Kind: discordtest.Cut}},
		{"a close in place of READY", fault{At: discordtest.AtIdentify, Kind: discordtest.Close, Code: 4000}},
		{"an invalid session in place of READY", fault{At: discordtest.AtIdentify, Kind: discordtest.InvalidSession}},
		{"no JSON in place of READY", fault{At: discordtest.AtIdentify, Kind: discordtest.Garbage}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, discordtest.Options{MessageContent: true}, func(cfg *Config) { cfg.Timing.Open = 700 * time.Millisecond })
			r.srv.Expect("gateway", "")
			f := r.srv.AddGatewayFault(c.fault)
			r.start()
			if f.Hits() != 1 {
				t.Errorf("the fault struck %d times", f.Hits())
			}
			r.general.Say(r.anna, "hello")
			r.got("hello")
		})
	}
}

func TestARefusedResumeStartsAnew(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.srv.Expect("gateway", "")
	r.start()
	r.general.Say(r.anna, "one")
	r.got("one")
	within(t, "the cursor", func() bool { c, _ := r.in.Cursor(t.Context(), Name); return c != "" })
	r.srv.Strike(discordtest.GatewayFault{Kind: discordtest.Cut})
	within(t, "the loss", func() bool { return !r.srv.Connected() })
	r.srv.Forget()
	r.general.Say(r.anna, "two")
	r.got("two")
	if n := r.srv.Identifies(); n != 2 {
		t.Errorf("identified %d times, want twice", n)
	}
	within(t, "the count", func() bool {
		r.a.budget.mu.Lock()
		defer r.a.budget.mu.Unlock()
		return len(r.a.budget.times) == 2
	})
}

func TestSessionsThatAreRefusedAgainAndAgainAreNotAStorm(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.srv.Expect("gateway", "")
	f := r.srv.AddGatewayFault(discordtest.GatewayFault{At: discordtest.AtIdentify, Times: -1, Kind: discordtest.InvalidSession})
	r.run(r.a, r.in)
	within(t, "the brake", func() bool { return strings.Contains(r.logs.String(), "session after session") })
	f.Remove()
	r.connected()
	if n := f.Hits(); n > 3*stormWrites {
		t.Errorf("identified %d times", n)
	}
}

func TestFatalRefusalsAreToldInWords(t *testing.T) {
	for _, c := range []struct {
		rule string
		code int
		want string
	}{
		{"a bad token", 4004, "token refused"},
		{"too many servers", 4011, "too many servers"},
		{"an old version", 4012, "update chapi"},
		{"wrong intents", 4013, "update chapi"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := newRig(t, discordtest.Options{})
			r.srv.Expect("gateway", "")
			f := r.srv.AddGatewayFault(discordtest.GatewayFault{At: discordtest.AtIdentify, Times: -1, Kind: discordtest.Close, Code: c.code})
			r.run(r.a, r.in)
			r.state(c.want)
			if r.a.Health().OK {
				t.Error("health is well")
			}
			f.Remove()
			r.connected()
		})
	}
}

func TestARevokedTokenIsTold(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.srv.Expect("", "401")
	r.srv.Expect("gateway", "")
	r.start()
	r.srv.Revoke()
	r.state("token refused")
	r.srv.Restore()
	r.connected()
	r.srv.Check(t)
}

func TestWithoutMessageContentTheRestWorksAndIsSaid(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.start()
	r.state("Message Content Intent")
	if !r.a.Health().OK {
		t.Error("health is not well")
	}
	r.general.Say(r.anna, "nobody hears this")
	r.general.Say(r.anna, r.srv.Bot().Mention()+" run uname -a")
	if m := r.got("/run uname -a"); !m.Addressed {
		t.Errorf("message %+v", m)
	}
	r.dm.Say(r.anna, "/ps")
	if m := r.got("/ps"); !m.Direct {
		t.Errorf("message %+v", m)
	}
	sent := r.send(text("uptime"))
	id, _ := parseSnowflake(string(sent.Message))
	r.general.Say(r.anna, "yes", discordtest.ReplyTo(discordtest.Snowflake(id)))
	if m := r.got("yes"); m.ReplyTo != sent.Message || !m.Addressed {
		t.Errorf("reply %+v", m)
	}
	if got := r.in.texts(); slices.Contains(got, "nobody hears this") {
		t.Errorf("heard %q", got)
	}
	r.srv.Check(t)
}

func TestForbiddenIntentsAreDoneWithout(t *testing.T) {
	r := newRig(t, discordtest.Options{MessageContent: true})
	r.srv.Expect("gateway", "")
	// The flags say that it is allowed, the gateway says that it is not.
	r.srv.AddGatewayFault(discordtest.GatewayFault{At: discordtest.AtIdentify, Kind: discordtest.Close, Code: 4014})
	r.start()
	r.state("Message Content Intent")
}

func TestTheBudgetOfIdentificationsSurvivesTheProcess(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	b := newBudget(dir, 5, time.Millisecond)
	for i := range 6 {
		if wait := b.wait(now.Add(time.Duration(i) * time.Second)); wait > 0 {
			t.Fatalf("identification %d has to wait %v", i, wait)
		}
		if err := b.spend(now.Add(time.Duration(i) * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	again := newBudget(dir, 5, time.Millisecond)
	if wait := again.wait(now.Add(6 * time.Second)); wait < 110*time.Second || wait > 2*time.Minute {
		t.Errorf("the seventh waits %v", wait)
	}
	if wait := again.wait(now.Add(3 * time.Minute)); wait != 0 {
		t.Errorf("it waits %v after a while", wait)
	}
	if wait := again.wait(now.Add(-time.Hour)); wait != 0 {
		t.Errorf("times in the future make it wait %v", wait)
	}
}

func TestTheServersBudgetOfIdentificationsIsKept(t *testing.T) {
	r := newRig(t, discordtest.Options{})
	r.srv.SetStarts(startsKept-1, 300*time.Millisecond)
	r.run(r.a, r.in)
	r.state("starts left")
	if n := r.srv.Identifies(); n != 0 {
		t.Errorf("identified %d times", n)
	}
	r.srv.SetStarts(1000, time.Hour)
	r.connected()
}

func TestASecondProcessWaits(t *testing.T) {
	dir := t.TempDir()
	inDir := func(c *Config) { c.StateDir = dir }
	r := newRig(t, discordtest.Options{MessageContent: true}, inDir)
	stop := r.start()
	second := r.adapter(inDir)
	r.run(second, &recorder{})
	within(t, "the state", func() bool { return strings.Contains(second.Health().State, "another process") })
	stop()
	within(t, "the second", func() bool { return second.Health().State == connected })
}

func TestALibraryThatHangsAgainAndAgainEndsTheRun(t *testing.T) {
	r := newRig(t, discordtest.Options{}, func(c *Config) {
		c.Timing.Open, c.Timing.Abandon = 50*time.Millisecond, 50*time.Millisecond
	})
	r.srv.Expect("gateway", "")
	r.srv.AddGatewayFault(discordtest.GatewayFault{At: discordtest.AtIdentify, Times: -1, Kind: discordtest.Reconnect})
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := r.a.Run(ctx, r.in); !errors.Is(err, errAbandoned) {
		t.Errorf("Run = %v", err)
	}
}
