package daemon

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"chapi/adapters/discord/discordtest"
)

// The verbs of transcripts that only Discord has.

// channel is the channel, thread or private chat that a place is.
func (w *world) channel(name string) *discordtest.Channel {
	w.t.Helper()
	at, ok := w.chat(name).(*discordPlace)
	if !ok {
		w.t.Fatalf("%s is not on discord", name)
	}
	return at.c
}

// asked is an interaction of the app; its Notice is what its person sees of it.
type asked struct{ *discordtest.Interaction }

// Confirmed implements press. What only "thinks" the app tells of in the end.
func (a asked) Confirmed() bool {
	answer, ok := a.Answer(0)
	return ok && answer.Kind != discordtest.AnswerDeferred
}

func slashVerb(w *world, args []string) {
	n, c := w.discord(), w.channel(args[1])
	var opts []discordtest.Option
	for i, arg := range args[3:] {
		name, value, ok := strings.Cut(arg, "=")
		if !ok { // the last value goes on
			last := &opts[len(opts)-1]
			last.Value = last.Value.(string) + " " + strings.Join(args[3+i:], " ")
			break
		}
		if value == "true" {
			opts = append(opts, discordtest.Opt(name, true))
		} else {
			opts = append(opts, discordtest.Opt(name, value))
		}
	}
	menuVerb(w, args[:3])
	w.pressed = asked{c.Slash(n.users[args[0]], args[2], opts...)}
}

// menuVerb waits until the app offers a command.
func menuVerb(w *world, args []string) {
	n, c := w.discord(), w.channel(args[1])
	if !n.Wait(patience, func() bool { return c.HasCommand(n.users[args[0]], args[2]) }) {
		w.t.Fatalf("%s is not offered /%s in %s", args[0], args[2], args[1])
	}
}

func completeVerb(w *world, args []string) {
	n, c := w.discord(), w.channel(args[1])
	menuVerb(w, args[:3])
	w.pressed = asked{c.Autocomplete(n.users[args[0]], args[2], args[3], args[4])}
}

// answerVerb looks at the answer that the person sees: words, or suggestions a
// line each.
func answerVerb(w *world, args []string) {
	i := w.pressed.(asked)
	re := regexp.MustCompile("(?s)" + args[0])
	var got string
	if !w.discord().Wait(patience, func() bool {
		a, ok := i.Answer(0)
		if !ok {
			return false
		}
		var choices []string
		for _, c := range a.Choices {
			choices = append(choices, c.Name)
		}
		got = strings.Join(choices, "\n")
		if m, ok := i.Original(); ok {
			got, _ = discordtest.Shown(m.Text)
		}
		return re.MatchString(got)
	}) {
		w.t.Fatalf("it was answered with %q, want %q", got, args[0])
	}
}

// formVerb opens the form for free text, and sends it.
func formVerb(w *world, args []string) {
	opensVerb(w, args[:3])
	fillsVerb(w, args[3:])
}

// opensVerb presses the button that opens the form.
func opensVerb(w *world, args []string) {
	m := w.sees(args[1], args[2], matches(w, args[2]))
	at := w.chat(args[1]).(*discordPlace)
	w.pressed = asked{at.holding(m.ID).Press(w.discord().users[args[0]], discordtest.Snowflake(m.ID), "Type…")}
	if a, ok := w.pressed.(asked).Answer(patience); !ok || a.Modal == nil {
		w.t.Fatalf("no form is shown: %+v", a)
	}
}

func fillsVerb(w *world, args []string) {
	opened := w.pressed.(asked)
	form, _ := opened.Answer(0)
	w.pressed = asked{opened.Submit(map[string]string{form.Modal.Inputs[0].ID: spoken(args)})}
}

func postsVerb(w *world, args []string) {
	w.channel(args[1]).AddPost(w.discord().users[args[0]], args[2], spoken(args[3:]))
}

// tiedVerb: a thread that was made from a message has its id.
func tiedVerb(w *world, args []string) {
	th := w.channel(args[0])
	if _, ok := th.Parent().Message(th.ID()); !ok {
		w.t.Fatalf("the thread %s belongs to no message", th.Name())
	}
}

func (w *world) mute(name string, on bool) {
	var deny discordtest.Permission
	if on {
		deny = discordtest.SendMessages
	}
	w.channel(name).SetUserOverwrite(w.discord().Bot(), 0, deny|discordtest.CreatePublicThreads)
	w.discord().Expect("", "50013")
}

// staffRole is the id of the role that is called staff.
const staffRole = 400000000000000001

// give gives a person a role of the server, or takes it.
func (n *discordNet) give(who, role string, on bool) {
	if n.roles[role] == nil {
		n.roles[role] = n.guild.AddRole(staffRole, role, 0)
	}
	if on {
		n.guild.Give(n.users[who], n.roles[role])
	} else {
		n.guild.Take(n.users[who], n.roles[role])
	}
}

// gatewayMoments and gatewayFaults are what transcripts call them.
var (
	gatewayMoments = map[string]discordtest.Moment{
		"hello": discordtest.AtHello, "ready": discordtest.AtIdentify, "resume": discordtest.AtResume,
	}
	gatewayFaults = map[string]discordtest.GatewayFaultKind{
		"cut": discordtest.Cut, "close": discordtest.Close, "reconnect": discordtest.Reconnect, "refuse": discordtest.InvalidSession,
		"silence": discordtest.Silence, "zombie": discordtest.Zombie,
	}
)

// gatewayVerb makes something go wrong with the gateway, now or instead of
// something.
func gatewayVerb(w *world, args []string) {
	n := w.discord()
	kind, ok := gatewayFaults[args[1]]
	if !ok {
		w.t.Fatalf("there is no fault %q of the gateway", args[1])
	}
	f := discordtest.GatewayFault{Kind: kind}
	if len(args) > 2 {
		f.Code, _ = strconv.Atoi(args[2])
	}
	n.Expect("gateway", "")
	if args[0] == "now" {
		n.lines = n.Connections()
		n.Strike(f)
		return
	}
	if f.At, ok = gatewayMoments[args[0]]; !ok {
		w.t.Fatalf("there is no moment %q of the gateway", args[0])
	}
	n.AddGatewayFault(f)
}

// reopensVerb waits for a gateway after the one that something went wrong with.
func reopensVerb(w *world, _ []string) {
	n := w.discord()
	if !n.Wait(patience, func() bool { return n.Connections() > n.lines && n.Connected() }) {
		w.t.Fatal("the daemon keeps a gateway that does not work")
	}
}

func heartbeatVerb(w *world, args []string) {
	interval, err := time.ParseDuration(args[0])
	if err != nil {
		w.t.Fatal(err)
	}
	w.discord().SetHeartbeat(interval)
}

func revokesVerb(w *world, _ []string) {
	w.discord().Expect("", "401")
	w.discord().Expect("gateway", "4004")
	w.discord().Revoke()
}

// rawVerb waits for a message of the bot as the network stores it.
func rawVerb(w *world, args []string) {
	re, at := regexp.MustCompile(args[1]), w.channel(args[0])
	if !w.net.Wait(patience, func() bool {
		return slices.ContainsFunc(at.Posts(), func(m discordtest.Message) bool { return re.MatchString(m.Text) })
	}) {
		w.t.Fatalf("no message in %s is %q; it sees:\n%s", args[0], args[1], w.transcript(args[0]))
	}
}
