package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestGatewaysThatAreClosed(t *testing.T) {
	for rule, c := range map[string]struct {
		query string // of the address
		send  string // TOKEN is replaced
		ready bool   // identify before
		close int
	}{
		"another version is closed":                   {query: "?v=8", close: 4012},
		"no version is closed":                        {query: "", close: 4012},
		"another encoding is closed":                  {query: "?v=9&encoding=etf", close: 4002},
		"broken JSON is closed":                       {send: `{"op":`, close: 4002},
		"a packet without op is closed":               {send: `{"d":1}`, close: 4002},
		"a packet of more than 4096 bytes is closed":  {send: `{"op":1,"d":null,"x":"` + strings.Repeat("x", 4096) + `"}`, close: 4002},
		"an unknown opcode is closed":                 {send: `{"op":99}`, ready: true, close: 4001},
		"presence before Identify is closed":          {send: `{"op":3,"d":{}}`, close: 4003},
		"a second Identify is closed":                 {send: `{"op":2,"d":{"token":"TOKEN","intents":1,"properties":{}}}`, ready: true, close: 4005},
		"a wrong token is closed":                     {send: `{"op":2,"d":{"token":"x","intents":1,"properties":{}}}`, close: 4004},
		"Identify without properties is closed":       {send: `{"op":2,"d":{"token":"TOKEN","intents":1}}`, close: 4002},
		"Identify without intents is closed":          {send: `{"op":2,"d":{"token":"TOKEN","properties":{}}}`, close: 4013},
		"unknown intents are closed":                  {send: `{"op":2,"d":{"token":"TOKEN","intents":131072,"properties":{}}}`, close: 4013},
		"an intent that is not switched on is closed": {send: `{"op":2,"d":{"token":"TOKEN","intents":32769,"properties":{}}}`, close: 4014},
		"another shard is closed":                     {send: `{"op":2,"d":{"token":"TOKEN","intents":1,"properties":{},"shard":[1,2]}}`, close: 4010},
		"a resume with a wrong token is closed":       {send: `{"op":6,"d":{"token":"x","session_id":"s","seq":1}}`, close: 4004},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRig(t, Options{})
			query := "?v=9&encoding=json"
			if c.send == "" {
				query = c.query
			}
			w := r.dial(r.gatewayURL() + "/" + query)
			if c.send != "" {
				if p, _ := w.read(); p.Op != 10 {
					t.Fatalf("got op %d, want Hello", p.Op)
				}
				if c.ready {
					w.send(r.identification(usualIntents))
					w.next("READY")
				}
				w.send(strings.ReplaceAll(c.send, "TOKEN", r.srv.Token()))
			}
			if got := w.closed(); got != c.close {
				t.Errorf("closed with %d, want %d", got, c.close)
			}
			if p := r.srv.Problems(); len(p) == 0 {
				t.Error("no problem was noted")
			}
		})
	}
}

func TestTooManyPacketsAreClosed(t *testing.T) {
	r := newRig(t, Options{})
	w, _ := r.connect(usualIntents)
	for range maxSends {
		w.send(`{"op":1,"d":null}`)
	}
	if got := w.closed(); got != 4008 {
		t.Errorf("closed with %d, want 4008", got)
	}
}

func TestAGatewayIsWelcomed(t *testing.T) {
	r := newRig(t, Options{MessageContent: true, Replay: 1000})
	thread := r.lab.AddThread(r.ann, "open", 0)
	old := r.lab.AddThread(r.ann, "old", 0)
	old.Archive()
	said := r.lab.Say(r.ann, "before")
	w := r.dial(r.gatewayURL() + "/?v=10&encoding=json")
	hello, _ := w.read()
	if !strings.Contains(string(hello.D), `"heartbeat_interval":41250`) {
		t.Errorf("Hello: %s", hello.D)
	}
	w.send(`{"op":1,"d":null}`)
	if p, _ := w.read(); p.Op != 11 {
		t.Errorf("got op %d, want an ACK before Identify", p.Op)
	}
	w.send(r.identification(usualIntents | IntentMessageContent))
	p, _ := w.read()
	var ready struct {
		V         int
		SessionID string `json:"session_id"`
		ResumeURL string `json:"resume_gateway_url"`
		User      struct{ ID Snowflake }
		Guilds    []struct {
			ID          Snowflake
			Unavailable bool
		}
		Application struct {
			ID    Snowflake
			Flags int
		}
	}
	json.Unmarshal(p.D, &ready)
	if p.T != "READY" || *p.S != 1 || ready.V != 10 || ready.SessionID == "" || ready.ResumeURL == r.gatewayURL() || ready.User.ID != r.srv.BotID() ||
		len(ready.Guilds) != 1 || !ready.Guilds[0].Unavailable || ready.Application.Flags == 0 {
		t.Errorf("READY: %d %s", *p.S, p.D)
	}
	p, _ = w.read()
	var guild struct {
		Channels []struct {
			ID            Snowflake
			LastMessageID Snowflake `json:"last_message_id"`
		}
		Threads []struct{ ID Snowflake }
		Members []struct{ User struct{ ID Snowflake } }
	}
	json.Unmarshal(p.D, &guild)
	if p.T != "GUILD_CREATE" || *p.S != 2 || len(guild.Channels) != 1 || guild.Channels[0].LastMessageID != said.ID ||
		len(guild.Threads) != 1 || guild.Threads[0].ID != thread.ID() || len(guild.Members) != 1 {
		t.Errorf("%s: %s", p.T, p.D)
	}
	if !r.srv.Connected() || r.srv.Identifies() != 1 || r.srv.Connections() != 1 {
		t.Error("the server does not know of the gateway")
	}
}

func TestIntentsDecideWhatIsTold(t *testing.T) {
	for rule, c := range map[string]struct {
		intents Intent
		want    string
	}{
		"guild messages only": {IntentGuildMessages, "lab"},
		"direct ones only":    {IntentDirectMessages, "dm"},
		"both":                {IntentGuildMessages | IntentDirectMessages, "lab dm"},
		"neither":             {0, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRig(t, Options{MessageContent: true})
			w, _ := r.connect(c.intents | IntentMessageContent)
			r.lab.Say(r.ann, "lab")
			r.srv.DM(r.ann).Say(r.ann, "dm")
			r.lab.SlashRaw(r.ann, `{"name":"x"}`) // needs no intent, and comes last
			var got []string
			for {
				p, code := w.read()
				if code != 0 {
					t.Fatalf("closed with %d", code)
				}
				if p.T == "INTERACTION_CREATE" {
					break
				}
				if p.T != "MESSAGE_CREATE" {
					if c.intents&IntentGuilds == 0 && strings.HasPrefix(p.T, "GUILD") {
						t.Errorf("told of %s", p.T)
					}
					continue
				}
				var m struct{ Content string }
				json.Unmarshal(p.D, &m)
				got = append(got, m.Content)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("told of %q, want %q", got, c.want)
			}
		})
	}
}

func (r *rig) resume(address, session string, seq int) *wire {
	r.t.Helper()
	w := r.dial(address + "/?v=9&encoding=json")
	if p, code := w.read(); p.Op != 10 {
		r.t.Fatalf("got op %d (closed %d), want Hello", p.Op, code)
	}
	w.send(fmt.Sprintf(`{"op":6,"d":{"token":%q,"session_id":%q,"seq":%d}}`, r.srv.Token(), session, seq))
	return w
}

// contents reads up to a dispatch and returns the texts of the messages before.
func (w *wire) contents(until string) (got []string) {
	w.t.Helper()
	for {
		p, code := w.read()
		if code != 0 {
			w.t.Fatalf("closed with %d while waiting for %s", code, until)
		}
		if p.T == until {
			return got
		}
		var m struct{ Content string }
		if json.Unmarshal(p.D, &m); p.T == "MESSAGE_CREATE" {
			got = append(got, m.Content)
		}
	}
}

func TestResumes(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{MessageContent: true, Clock: c.now, Replay: 10})
	intents := usualIntents | IntentMessageContent
	w, session := r.connect(intents)
	w.next("GUILD_CREATE")
	gone := func() bool { return len(r.srv.Gateways()) == 0 }

	w.conn.UnderlyingConn().Close()
	r.srv.Wait(patience, gone)
	r.lab.Say(r.ann, "one")
	r.lab.Say(r.ann, "two")
	w2 := r.resume(r.gatewayURL(), session, w.seq)
	if got := w2.contents("RESUMED"); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("replayed %q", got)
	}
	if r.srv.Resumes() != 1 || r.srv.Identifies() != 1 {
		t.Errorf("%d resumes, %d identifies", r.srv.Resumes(), r.srv.Identifies())
	}

	seq := w2.seq
	w3 := r.resume("ws://127.0.0.1:"+fmt.Sprint(r.srv.link.resumePort), session, seq)
	w3.contents("RESUMED")
	if got := w2.closed(); got != 4000 {
		t.Errorf("the old connection was closed with %d", got)
	}
	if g := r.srv.Gateways(); !g[len(g)-1].ResumeURL {
		t.Errorf("gateways: %+v", g)
	}

	refused := func(rule string, w *wire) {
		t.Helper()
		p, code := w.read()
		if p.Op != 9 || string(p.D) != "false" {
			t.Errorf("%s: got op %d %s (closed %d), want op 9 false", rule, p.Op, p.D, code)
		}
	}
	w3.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second))
	w3.closed()
	r.srv.Wait(patience, gone)
	w4 := r.resume(r.gatewayURL(), session, w3.seq)
	refused("a session closed with 1000", w4)
	w4.send(r.identification(intents)) // on the same connection
	w4.next("READY")

	w5, session := r.connect(intents)
	w5.next("GUILD_CREATE")
	w5.conn.UnderlyingConn().Close()
	w4.conn.UnderlyingConn().Close()
	r.srv.Wait(patience, gone)
	for range 11 {
		r.lab.Say(r.ann, "x")
	}
	refused("more missed than are kept", r.resume(r.gatewayURL(), session, w5.seq))

	w6, session := r.connect(intents)
	w6.conn.UnderlyingConn().Close()
	r.srv.Wait(patience, func() bool { return !r.srv.Connected() })
	c.pass(4 * time.Minute)
	refused("after the window", r.resume(r.gatewayURL(), session, w6.seq))

	w7, session := r.connect(intents)
	w7.next("GUILD_CREATE")
	if got := r.resume(r.gatewayURL(), session, 999).closed(); got != 4007 {
		t.Errorf("a sequence of the future: closed with %d, want 4007", got)
	}
}

func TestGatewayFaults(t *testing.T) {
	type step struct {
		fault GatewayFault
		want  string // what the client sees
	}
	const intents = usualIntents | IntentMessageContent
	for rule, c := range map[string]step{
		"op 7 in place of Hello":               {GatewayFault{At: AtHello, Kind: Reconnect}, "op7"},
		"op 7 in place of READY":               {GatewayFault{At: AtIdentify, Kind: Reconnect}, "op10 op7"},
		"op 9 in place of READY":               {GatewayFault{At: AtIdentify, Kind: InvalidSession}, "op10 op9:false"},
		"a close code in place of READY":       {GatewayFault{At: AtIdentify, Kind: Close, Code: 4004}, "op10 close4004"},
		"silence after Identify":               {GatewayFault{At: AtIdentify, Kind: Silence}, "op10"},
		"a cut in place of Hello":              {GatewayFault{At: AtHello, Kind: Cut}, "cut"},
		"op 7 right after READY":               {GatewayFault{At: AtReady, Kind: Reconnect}, "op10 READY GUILD_CREATE op7"},
		"a dispatch that never comes":          {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Miss}, "op10 READY GUILD_CREATE two end"},
		"a dispatch that comes twice":          {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Twice}, "op10 READY GUILD_CREATE one one two end"},
		"two dispatches in the wrong order":    {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Swap}, "op10 READY GUILD_CREATE two one end"},
		"an unknown type of dispatch":          {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Unheard}, "op10 READY GUILD_CREATE UNHEARD_OF_EVENT one two end"},
		"a huge one":                           {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Huge, After: 1}, "op10 READY GUILD_CREATE one UNHEARD_OF_EVENT two end"},
		"an unknown opcode":                    {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: UnknownOp}, "op10 READY GUILD_CREATE op77 one two end"},
		"broken JSON":                          {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Garbage}, "op10 READY GUILD_CREATE garbage one two end"},
		"a heartbeat is asked for":             {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: AskHeartbeat}, "op10 READY GUILD_CREATE op1 one two end"},
		"a dispatch that waits":                {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Lag, Delay: time.Millisecond}, "op10 READY GUILD_CREATE one two end"},
		"a close in the middle":                {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: Close, Code: 4009, After: 1}, "op10 READY GUILD_CREATE one close4009"},
		"a live op 9":                          {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: InvalidSession, After: 1}, "op10 READY GUILD_CREATE one op9:false"},
		"a live op 9 that allows a resume":     {GatewayFault{At: AtDispatch, Event: "MESSAGE_CREATE", Kind: InvalidResumable, After: 1}, "op10 READY GUILD_CREATE one op9:true two end"},
		"a fault of another channel is no one": {GatewayFault{At: AtDispatch, Kind: Miss, Channel: 5}, "op10 READY GUILD_CREATE one two end"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{MessageContent: true})
			f := r.srv.AddGatewayFault(c.fault)
			w := r.dial(r.gatewayURL() + "/?v=9&encoding=json")
			var seen []string
			for len(strings.Fields(c.want)) > len(seen) {
				p, code := w.read()
				var m struct{ Content string }
				json.Unmarshal(p.D, &m)
				switch {
				case code == -1 || code == 1006:
					seen = append(seen, "cut")
				case code != 0:
					seen = append(seen, fmt.Sprintf("close%d", code))
				case p.Op == -1:
					seen = append(seen, "garbage")
				case p.Op == 9:
					seen = append(seen, "op9:"+string(p.D))
				case p.Op != 0:
					seen = append(seen, fmt.Sprintf("op%d", p.Op))
				case p.T == "MESSAGE_CREATE":
					seen = append(seen, m.Content)
				case p.T == "INTERACTION_CREATE":
					seen = append(seen, "end")
				default:
					seen = append(seen, p.T)
				}
				switch seen[len(seen)-1] {
				case "op10":
					w.send(r.identification(intents))
				case "GUILD_CREATE":
					r.lab.Say(r.ann, "one")
					r.lab.Say(r.ann, "two")
					r.lab.SlashRaw(r.ann, `{"name":"x"}`)
				}
			}
			if got := strings.Join(seen, " "); got != c.want {
				t.Errorf("saw %q, want %q", got, c.want)
			}
			if c.fault.Channel == 0 && f.Hits() != 1 && !r.srv.Wait(patience, func() bool { return f.Hits() == 1 }) {
				t.Errorf("%d hits", f.Hits())
			}
			if p := r.srv.Problems(); len(p) > 0 {
				t.Errorf("faults are no problems: %v", p)
			}
		})
	}
}

func TestRefusedAndForgetfulResumes(t *testing.T) {
	r := newRig(t, Options{MessageContent: true})
	w, session := r.connect(usualIntents | IntentMessageContent)
	w.next("GUILD_CREATE")
	r.srv.AddGatewayFault(GatewayFault{At: AtResume, Kind: Forget})
	w.conn.UnderlyingConn().Close()
	r.srv.Wait(patience, func() bool { return len(r.srv.Gateways()) == 0 })
	r.lab.Say(r.ann, "lost")
	w2 := r.resume(r.gatewayURL(), session, w.seq)
	if got := w2.contents("RESUMED"); len(got) != 0 {
		t.Errorf("replayed %q", got)
	}
	r.srv.AddGatewayFault(GatewayFault{At: AtResume, Kind: InvalidSession})
	w3 := r.resume(r.gatewayURL(), session, w2.seq)
	if p, _ := w3.read(); p.Op != 9 {
		t.Errorf("got op %d, want 9", p.Op)
	}
	w4 := r.resume(r.gatewayURL(), session, w2.seq)
	if p, _ := w4.read(); p.Op != 9 {
		t.Errorf("the session is still there: op %d", p.Op)
	}
}

func TestZombiesAndHeartbeats(t *testing.T) {
	r := newRig(t, Options{HeartbeatInterval: 100 * time.Millisecond})
	w, _ := r.connect(usualIntents)
	w.next("GUILD_CREATE")
	w.send(`{"op":1,"d":2}`)
	if p, _ := w.read(); p.Op != 11 {
		t.Errorf("got op %d, want an ACK", p.Op)
	}
	if g := r.srv.Gateways(); g[0].Acknowledged != 2 || g[0].Sequence != 2 {
		t.Errorf("gateways: %+v", g)
	}
	heard := make(chan bool)
	go func() { heard <- r.srv.Heard(patience) }()
	if p, _ := w.read(); p.Op != 1 {
		t.Errorf("got op %d, want op 1", p.Op)
	}
	w.send(`{"op":1,"d":2}`)
	if !<-heard {
		t.Error("what the client has heard is not known")
	}
	w.read() // the ACK
	r.srv.Strike(GatewayFault{Kind: Zombie})
	w.send(`{"op":1,"d":2}`)
	r.lab.Say(r.ann, "x")
	if p, _ := w.read(); p.T != "MESSAGE_CREATE" {
		t.Errorf("a zombie sent op %d, want the message only", p.Op)
	}
	if got := w.closed(); got != 4009 {
		t.Errorf("without heartbeats closed with %d, want 4009", got)
	}
	if r.srv.Heard(time.Millisecond) {
		t.Error("heard without a gateway")
	}
}

func TestIdentifyingTooOftenResetsTheToken(t *testing.T) {
	r := newRig(t, Options{Starts: 1})
	r.connect(usualIntents)
	w := r.dial(r.gatewayURL() + "/?v=9&encoding=json")
	w.read()
	w.send(r.identification(usualIntents))
	if got := w.closed(); got != 4004 {
		t.Errorf("closed with %d, want 4004", got)
	}
	want(t, "a call after it", r.call("GET", "/users/@me", ""), 401, 0)
	if len(r.srv.Problems()) == 0 {
		t.Error("no problem was noted")
	}
	r.srv.Expect("gateway", "24 h")
	if p := r.srv.Problems(); len(p) > 0 {
		t.Errorf("expected problems are reported: %v", p)
	}
}

func TestIdentifiesWithinFiveSecondsAreInvalid(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Rates: true, Clock: c.now})
	r.connect(usualIntents)
	w := r.dial(r.gatewayURL() + "/?v=9&encoding=json")
	w.read()
	w.send(r.identification(usualIntents))
	if p, _ := w.read(); p.Op != 9 {
		t.Errorf("got op %d, want 9", p.Op)
	}
	c.pass(5 * time.Second)
	w.send(r.identification(usualIntents))
	w.next("READY")
}

func TestLargePacketsAreCompressedWhenAskedFor(t *testing.T) {
	r := newRig(t, Options{})
	w := r.dial(r.gatewayURL() + "/?v=9&encoding=json")
	w.read()
	w.send(strings.Replace(r.identification(usualIntents), `"d":{`, `"d":{"compress":true,`, 1))
	w.next("GUILD_CREATE")
	r.srv.Strike(GatewayFault{Kind: Huge})
	w.conn.SetReadDeadline(time.Now().Add(patience))
	kind, data, err := w.conn.ReadMessage()
	if err != nil || kind != websocket.BinaryMessage || len(data) > 4096 || !strings.Contains(string(inflate(t, data)), "UNHEARD_OF_EVENT") {
		t.Errorf("kind %d, %d bytes, %v", kind, len(data), err)
	}
}

func TestWhatTheBotCannotSeeIsNotTold(t *testing.T) {
	r := newRig(t, Options{MessageContent: true})
	secret := r.guild.AddChannel(0, "secret", TextChannel)
	secret.SetOverwrite(nil, ViewChannel, 0)
	secret.SetUserOverwrite(r.srv.Bot(), 0, ViewChannel)
	other := r.srv.AddGuild(0, "Elsewhere", r.ann)
	there := other.AddChannel(0, "there", TextChannel)
	other.Kick()
	w, _ := r.connect(usualIntents | IntentMessageContent)
	secret.Say(r.ann, "hidden")
	there.Say(r.ann, "elsewhere")
	r.lab.Say(r.ann, "lost", Undelivered())
	r.lab.Say(r.ann, "seen")
	r.lab.SlashRaw(r.ann, `{"name":"x"}`)
	if got := w.contents("INTERACTION_CREATE"); !slices.Equal(got, []string{"seen"}) {
		t.Errorf("told of %q", got)
	}
}

func TestUnknownShapesArriveAsTheyAre(t *testing.T) {
	r := newRig(t, Options{MessageContent: true})
	w, _ := r.connect(usualIntents | IntentMessageContent)
	m := r.lab.Say(r.ann, "x", WithUnknownComponent())
	if d := string(w.next("MESSAGE_CREATE").D); !strings.Contains(d, `"type":99`) || !strings.Contains(d, `"unheard_of"`) {
		t.Errorf("the dispatch is %s", d)
	}
	if b := string(r.call("GET", messagesOf(r.lab)+"/"+m.ID.String(), "").Body); !strings.Contains(b, `"type":99`) {
		t.Errorf("fetched %s", b)
	}
}
