package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func callback(i *Interaction) string {
	return fmt.Sprintf("/interactions/%d/%s/callback", i.ID, i.Token)
}

func (r *rig) webhook(i *Interaction, rest string) string {
	return fmt.Sprintf("/webhooks/%d/%s%s", r.srv.AppID(), i.Token, rest)
}

const runCommand = `{"name":"run","description":"run a program","options":[
	{"type":3,"name":"what","description":"the program","required":true,"autocomplete":true},
	{"type":4,"name":"times","description":"how often","min_value":1,"max_value":5},
	{"type":3,"name":"where","description":"the place","choices":[{"name":"Home","value":"home"},{"name":"Temp","value":"tmp"}]},
	{"type":6,"name":"for","description":"somebody"},
	{"type":11,"name":"file","description":"input"}]}`

func (r *rig) register(commands ...string) {
	r.t.Helper()
	path := fmt.Sprintf("/applications/%d/guilds/%d/commands", r.srv.AppID(), r.guild.ID())
	want(r.t, "registering", r.call("PUT", path, "["+strings.Join(commands, ",")+"]"), 200, 0)
}

func TestFirstAnswers(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	r.register(runCommand)
	use := func() *Interaction { return r.lab.Slash(r.ann, "run", Opt("what", "ls")) }

	i := use()
	if i.Delivered() {
		t.Error("delivered without a gateway")
	}
	c.pass(2999 * time.Millisecond)
	want(t, "just in time", r.call("POST", callback(i), `{"type":4,"data":{"content":"hi","flags":64}}`), 204, 0)
	want(t, "a second answer", r.call("POST", callback(i), `{"type":4,"data":{"content":"hi"}}`), 400, 40060)
	answer, ok := i.Answer(time.Second)
	if !ok || answer.Kind != AnswerMessage || answer.Text != "hi" || !answer.Ephemeral || answer.Count != 2 || answer.Latency != 2999*time.Millisecond {
		t.Errorf("the answer is %+v", answer)
	}
	if len(r.lab.Posts()) != 0 {
		t.Error("an ephemeral answer is in the channel")
	}
	if r.srv.SlowestAck() != answer.Latency {
		t.Errorf("slowest: %v", r.srv.SlowestAck())
	}

	late := use()
	c.pass(3001 * time.Millisecond)
	want(t, "too late", r.call("POST", callback(late), `{"type":5}`), 404, 10062)
	want(t, "a follow-up without a first answer", r.call("POST", r.webhook(late, ""), quiet("x")), 404, 10015)

	for rule, body := range map[string]string{
		"no type":                             `{}`,
		"a type of components":                `{"type":6}`,
		"a type of autocompletions":           `{"type":8,"data":{"choices":[]}}`,
		"an unknown type":                     `{"type":1}`,
		"deferred with another flag":          `{"type":5,"data":{"flags":4}}`,
		"too long":                            `{"type":4,"data":{"content":"` + strings.Repeat("x", 2001) + `"}}`,
		"a form without inputs":               `{"type":9,"data":{"custom_id":"m","title":"t","components":[]}}`,
		"a form with a long title":            `{"type":9,"data":{"custom_id":"m","title":"` + strings.Repeat("t", 46) + `","components":[{"type":1,"components":[{"type":4,"custom_id":"a","style":1,"label":"l"}]}]}}`,
		"a form with buttons":                 `{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":1,"components":[{"type":2,"custom_id":"a","style":1,"label":"l"}]}]}}`,
		"a form whose inputs have one id":     `{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":1,"components":[{"type":4,"custom_id":"a","style":1,"label":"l"}]},{"type":1,"components":[{"type":4,"custom_id":"a","style":1,"label":"l"}]}]}}`,
		"a form whose input is of no style":   `{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":1,"components":[{"type":4,"custom_id":"a","label":"l"}]}]}}`,
		"a form with two inputs in a row":     `{"type":9,"data":{"custom_id":"m","title":"t","components":[{"type":1,"components":[{"type":4,"custom_id":"a","style":1,"label":"l"},{"type":4,"custom_id":"b","style":1,"label":"l"}]}]}}`,
		"buttons with one id":                 `{"type":4,"data":{"components":[{"type":1,"components":[{"type":2,"custom_id":"a","style":1,"label":"l"},{"type":2,"custom_id":"a","style":1,"label":"l"}]}]}}`,
		"flags that belong to nobody":         `{"type":4,"data":{"content":"x","flags":1}}`,
		"allowed mentions that are exclusive": `{"type":4,"data":{"content":"x","allowed_mentions":{"parse":["users"],"users":["5"]}}}`,
	} {
		want(t, rule, r.call("POST", callback(use()), body), 400, 50035)
	}
	want(t, "an empty answer", r.call("POST", callback(use()), `{"type":4,"data":{}}`), 400, 50006)
	a := r.call("POST", callback(use())+"?with_response=true", `{"type":4,"data":{"content":"hi","allowed_mentions":{"parse":[]}}}`)
	if want(t, "with its response", a, 200, 0); !strings.Contains(string(a.Body), `"resource"`) {
		t.Errorf("got %s", a.Body)
	}
	if posts := r.lab.Posts(); len(posts) != 1 || posts[0].Type != slashAnswer || posts[0].Interaction == 0 {
		t.Errorf("posts: %+v", posts)
	}
}

func TestDeferredAnswersEditsAndFollowups(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	r.register(runCommand)
	i := r.lab.Slash(r.ann, "run", Opt("what", "ls"))
	want(t, "deferred", r.call("POST", callback(i), `{"type":5}`), 204, 0)
	if m, ok := i.Original(); !ok || !m.Loading || len(r.lab.Posts()) != 1 {
		t.Errorf("the original is %+v", m)
	}
	want(t, "the edit of the answer", r.call("PATCH", r.webhook(i, "/messages/@original"), quiet("done")), 200, 0)
	if m, _ := i.Original(); m.Loading || m.Text != "done" {
		t.Errorf("the original is %+v", m)
	}
	a := r.call("POST", r.webhook(i, ""), `{"content":"psst","flags":64}`)
	want(t, "a follow-up", a, 200, 0)
	if f := i.Followups(); len(f) != 1 || !f[0].Ephemeral || f[0].Text != "psst" {
		t.Errorf("follow-ups: %+v", f)
	}
	if text, ok := i.Notice(time.Second); !ok || text != "done\npsst" {
		t.Errorf("the person sees %q", text)
	}
	one := r.webhook(i, "/messages/"+a.ID.String())
	want(t, "the edit of a follow-up", r.call("PATCH", one, quiet("ok")), 200, 0)
	want(t, "a follow-up is fetched", r.call("GET", one, ""), 200, 0)
	want(t, "an ephemeral one is not in the channel", r.edit(r.lab, a.ID, quiet("x")), 404, 10008)
	want(t, "a follow-up is deleted", r.call("DELETE", one, ""), 204, 0)
	want(t, "and gone", r.call("GET", one, ""), 404, 10008)
	want(t, "with another application's id", r.call("POST", "/webhooks/5/"+i.Token, quiet("x")), 404, 10015)
	c.pass(15*time.Minute + time.Second)
	want(t, "a follow-up after 15 minutes", r.call("POST", r.webhook(i, ""), quiet("x")), 401, 50027)
	want(t, "an edit after 15 minutes", r.call("PATCH", r.webhook(i, "/messages/@original"), quiet("x")), 401, 50027)

	j := r.lab.Slash(r.ann, "run", Opt("what", "ls"))
	r.call("POST", callback(j), `{"type":5,"data":{"flags":64}}`)
	r.call("POST", r.webhook(j, ""), quiet("instead"))
	if m, _ := j.Original(); m.Text != "instead" || !m.Ephemeral || len(j.Followups()) != 0 {
		t.Errorf("a follow-up right after a deferred answer: %+v", m)
	}
}

func TestButtons(t *testing.T) {
	r := newRig(t, Options{})
	w, _ := r.connect(usualIntents)
	id := r.send(r.lab, `{"content":"x","components":[{"type":1,"components":[{"type":2,"style":1,"label":"Stop","custom_id":"s1"},{"type":2,"style":1,"label":"s1","custom_id":"s2"},{"type":2,"style":4,"label":"Off","custom_id":"s3","disabled":true}]},{"type":1,"components":[{"type":3,"custom_id":"menu","options":[{"label":"A","value":"a"}]}]}]}`).ID
	p := r.lab.Press(r.bob, id, "Stop")
	var told struct {
		Type   int
		Member struct{ User struct{ ID Snowflake } }
		Data   struct {
			CustomID string `json:"custom_id"`
		}
		Message struct{ ID Snowflake }
		Token   string
		Limit   int64 `json:"attachment_size_limit"`
		Context int
	}
	json.Unmarshal(w.next("INTERACTION_CREATE").D, &told)
	if told.Type != 3 || told.Member.User.ID != r.bob.ID || told.Data.CustomID != "s1" || told.Message.ID != id || told.Token != p.Token || told.Limit != 10<<20 {
		t.Errorf("told %+v", told)
	}
	if !p.Delivered() {
		t.Error("not delivered")
	}
	want(t, "deferred update", r.call("POST", callback(p), `{"type":6}`), 204, 0)
	want(t, "a private follow-up", r.call("POST", r.webhook(p, ""), `{"content":"no","flags":64,"components":[{"type":1,"components":[{"type":2,"style":1,"label":"Why","custom_id":"why"}]}]}`), 200, 0)
	if text, _ := p.Notice(time.Second); text != "no" {
		t.Errorf("the person sees %q", text)
	}
	why := p.Press("Why")
	json.Unmarshal(w.next("INTERACTION_CREATE").D, &told)
	if told.Data.CustomID != "why" {
		t.Errorf("told %+v", told)
	}
	want(t, "an update of the private message", r.call("POST", callback(why), `{"type":7,"data":{"content":"because","components":[]}}`), 204, 0)
	if text, _ := p.Notice(time.Second); text != "because" {
		t.Errorf("the person sees %q", text)
	}
	q := r.lab.Press(r.ann, id, "s2")
	want(t, "an update of the message", r.call("POST", callback(q), `{"type":7,"data":{"content":"stopped","components":[],"allowed_mentions":{"parse":[]}}}`), 204, 0)
	if m, _ := r.lab.Message(id); m.Text != "stopped" || len(m.Keyboard) != 0 {
		t.Errorf("the message is %+v", m)
	}
	dead := r.lab.PressData(r.ann, id, "s1")
	if json.Unmarshal(w.next("INTERACTION_CREATE").D, &told); told.Data.CustomID != "s2" {
		t.Errorf("told %+v", told)
	}
	dead.Redeliver()
	for range 2 {
		if json.Unmarshal(w.next("INTERACTION_CREATE").D, &told); told.Token != dead.Token {
			t.Errorf("told %+v", told)
		}
	}
	for rule, mistake := range map[string]func(){
		"no such button":    func() { r.lab.Press(r.ann, id, "Go") },
		"no such message":   func() { r.lab.Press(r.ann, 5, "Go") },
		"a stranger in DMs": func() { r.srv.DM(r.ann).Say(r.bob, "x") },
	} {
		if !panics(mistake) {
			t.Errorf("%s: the test's mistake goes unnoticed", rule)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

func TestForms(t *testing.T) {
	r := newRig(t, Options{})
	r.register(runCommand)
	w, _ := r.connect(usualIntents)
	i := r.lab.Slash(r.ann, "run", Opt("what", "ls"))
	w.next("INTERACTION_CREATE")
	form := `{"type":9,"data":{"custom_id":"m1","title":"Type","components":[{"type":1,"components":[{"type":4,"custom_id":"text","style":2,"label":"Text","max_length":10}]},{"type":18,"label":"More","component":{"type":4,"custom_id":"more","style":1,"required":false,"value":"v"}}]}}`
	want(t, "a form", r.call("POST", callback(i), form), 204, 0)
	answer, _ := i.Answer(time.Second)
	if answer.Modal == nil || answer.Modal.Title != "Type" || len(answer.Modal.Inputs) != 2 || answer.Modal.Inputs[1].Label != "More" {
		t.Fatalf("the form is %+v", answer.Modal)
	}
	if !panics(func() { i.Submit(map[string]string{"text": strings.Repeat("x", 11)}) }) || !panics(func() { i.Submit(map[string]string{"other": "x"}) }) {
		t.Error("a client sends what it would not")
	}
	s := i.Submit(map[string]string{"text": "hello"})
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"type":5`) || !strings.Contains(d, `"value":"hello"`) || !strings.Contains(d, `"value":"v"`) || !strings.Contains(d, `"custom_id":"m1"`) {
		t.Errorf("told %s", d)
	}
	want(t, "a form after a form", r.call("POST", callback(s), form), 400, 50035)
	want(t, "an answer", r.call("POST", callback(s), `{"type":4,"data":{"content":"ok","flags":64}}`), 204, 0)
	i.SubmitData(r.bob, "m1", map[string]string{"text": "hostile"})
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"id":"1002"`) {
		t.Errorf("told %s", d)
	}
}

func TestSlashCommandsAreUsedAsDeclared(t *testing.T) {
	r := newRig(t, Options{})
	w, _ := r.connect(usualIntents)
	sub := `{"name":"session","description":"sessions","options":[{"type":1,"name":"list","description":"all"},{"type":2,"name":"set","description":"group","options":[{"type":1,"name":"name","description":"rename","options":[{"type":3,"name":"to","description":"name"}]}]}]}`
	admin := `{"name":"wipe","description":"wipe","default_member_permissions":"8"}`
	r.register(runCommand, sub, admin)
	path := fmt.Sprintf("/applications/%d/commands", r.srv.AppID())
	want(t, "a global one", r.call("POST", path, `{"name":"here","description":"x","contexts":[1]}`), 201, 0)
	dm := r.srv.DM(r.ann)
	for name, c := range map[string]struct {
		in   *Channel
		by   *User
		want bool
	}{
		"run": {r.lab, r.ann, true}, "session": {r.lab, r.ann, false}, "session list": {r.lab, r.ann, true}, "session set name": {r.lab, r.ann, true},
		"wipe": {r.lab, r.bob, false}, "here": {r.lab, r.ann, false}, "other": {r.lab, r.ann, false},
	} {
		if got := c.in.HasCommand(c.by, name); got != c.want {
			t.Errorf("/%s: offered %v, want %v", name, got, c.want)
		}
	}
	if !dm.HasCommand(r.ann, "here") || dm.HasCommand(r.ann, "run") || !r.lab.HasCommand(r.ann, "wipe") {
		t.Error("the DM has other commands than the guild")
	}
	r.lab.Slash(r.ann, "run", Opt("what", "ls"), Opt("times", 2), Opt("where", "tmp"), Opt("for", r.bob), Opt("file", FileOption("a.txt", []byte("x"))))
	d := string(w.next("INTERACTION_CREATE").D)
	for _, part := range []string{`"name":"run"`, `"value":"ls"`, `"value":2`, `"value":"tmp"`, `"resolved"`, `"1002"`, `"filename":"a.txt"`, `"guild_id"`} {
		if !strings.Contains(d, part) {
			t.Errorf("%s is not in %s", part, d)
		}
	}
	r.lab.Slash(r.ann, "session set name", Opt("to", "x"))
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"options":[{"name":"set","options":[{"name":"name","options":[{"name":"to"`) {
		t.Errorf("told %s", d)
	}
	dm.Slash(r.ann, "here")
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"context":1`) || !strings.Contains(d, `"user"`) || strings.Contains(d, `"member"`) {
		t.Errorf("told %s", d)
	}
	r.lab.SlashInForeignDM(r.bob, "run", Opt("what", "x"))
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"context":2`) {
		t.Errorf("told %s", d)
	}
	for rule, mistake := range map[string]func(){
		"a missing option":   func() { r.lab.Slash(r.ann, "run") },
		"an unknown option":  func() { r.lab.Slash(r.ann, "run", Opt("what", "x"), Opt("why", "x")) },
		"a wrong type":       func() { r.lab.Slash(r.ann, "run", Opt("what", 5)) },
		"no choice":          func() { r.lab.Slash(r.ann, "run", Opt("what", "x"), Opt("where", "moon")) },
		"out of range":       func() { r.lab.Slash(r.ann, "run", Opt("what", "x"), Opt("times", 6)) },
		"an unknown command": func() { r.lab.Slash(r.ann, "rnu") },
		"no autocomplete":    func() { r.lab.Autocomplete(r.ann, "run", "where", "h") },
	} {
		if !panics(mistake) {
			t.Errorf("%s: a client would not send it", rule)
		}
	}

	i := r.lab.Autocomplete(r.ann, "run", "what", "l")
	if d := string(w.next("INTERACTION_CREATE").D); !strings.Contains(d, `"focused":true`) || !strings.Contains(d, `"type":4`) {
		t.Errorf("told %s", d)
	}
	many := strings.Repeat(`{"name":"a","value":"a"},`, 25)
	want(t, "a message for an autocompletion", r.call("POST", callback(i), `{"type":4,"data":{"content":"x"}}`), 400, 50035)
	want(t, "26 choices", r.call("POST", callback(i), `{"type":8,"data":{"choices":[`+many+`{"name":"a","value":"a"}]}}`), 400, 50035)
	want(t, "choices", r.call("POST", callback(i), `{"type":8,"data":{"choices":[{"name":"List","value":"ls"},{"name":"Two","value":2}]}}`), 204, 0)
	if a, _ := i.Answer(time.Second); !slices.Equal(a.Choices, []Choice{{"List", "ls"}, {"Two", "2"}}) {
		t.Errorf("the choices are %v", a.Choices)
	}
}

func TestCommandsThatAreRegisteredOrRefused(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	guild := fmt.Sprintf("/applications/%d/guilds/%d/commands", r.srv.AppID(), r.guild.ID())
	option := func(members string) string {
		return `{"name":"x","description":"d","options":[` + members + `]}`
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for rule, body := range map[string]string{
		"no name":                             `{"description":"d"}`,
		"upper case":                          `{"name":"Run","description":"d"}`,
		"a blank in the name":                 `{"name":"run it","description":"d"}`,
		"a name of 33 characters":             `{"name":"` + long(33) + `","description":"d"}`,
		"no description":                      `{"name":"x"}`,
		"a description of 101 characters":     `{"name":"x","description":"` + long(101) + `"}`,
		"an option of an unknown type":        option(`{"type":12,"name":"a","description":"d"}`),
		"an option without a description":     option(`{"type":3,"name":"a"}`),
		"a required option after an optional": option(`{"type":3,"name":"a","description":"d"},{"type":3,"name":"b","description":"d","required":true}`),
		"two options with one name":           option(`{"type":3,"name":"a","description":"d"},{"type":3,"name":"a","description":"d"}`),
		"choices and autocomplete":            option(`{"type":3,"name":"a","description":"d","autocomplete":true,"choices":[{"name":"a","value":"a"}]}`),
		"choices of a user":                   option(`{"type":6,"name":"a","description":"d","choices":[{"name":"a","value":"a"}]}`),
		"a choice of the wrong type":          option(`{"type":4,"name":"a","description":"d","choices":[{"name":"a","value":"a"}]}`),
		"a long choice":                       option(`{"type":3,"name":"a","description":"d","choices":[{"name":"a","value":"` + long(101) + `"}]}`),
		"a subcommand beside an option":       option(`{"type":1,"name":"a","description":"d"},{"type":3,"name":"b","description":"d"}`),
		"a group in a group":                  option(`{"type":2,"name":"a","description":"d","options":[{"type":2,"name":"b","description":"d"}]}`),
		"26 options":                          option(strings.TrimSuffix(manyOptions(26), ",")),
		"a limit of a user's":                 option(`{"type":6,"name":"a","description":"d","max_length":5}`),
		"contexts of a guild's command":       `{"name":"x","description":"d","contexts":[0]}`,
		"more than 8000 characters":           option(bigOptions()),
	} {
		t.Run(rule, func(t *testing.T) { want(t, "the call", r.call("POST", guild, body), 400, 50035) })
	}
	if len(r.srv.Commands(r.guild)) != 0 {
		t.Error("something was registered")
	}
	one := `{"name":"one","description":"d"}`
	want(t, "a new one", r.call("POST", guild, one), 201, 0)
	want(t, "the same again", r.call("POST", guild, one), 200, 0)
	before := r.srv.Commands(r.guild)[0]
	want(t, "all of them", r.call("PUT", guild, "["+one+`,{"name":"two","description":"d"}]`), 200, 0)
	if got := r.srv.Commands(r.guild); len(got) != 2 || got[0].ID != before.ID || got[0].Version != before.Version {
		t.Errorf("commands: %+v, before %+v", got, before)
	}
	want(t, "one name twice", r.call("PUT", guild, "["+one+","+one+"]"), 400, 50035)
	want(t, "an object in the place of a list", r.call("PUT", guild, one), 400, 50035)
	path := guild + "/" + before.ID.String()
	want(t, "edited", r.call("PATCH", path, `{"description":"other"}`), 200, 0)
	if got := r.srv.Commands(r.guild)[0]; got.Description != "other" || got.Name != "one" || got.Version == before.Version {
		t.Errorf("edited: %+v", got)
	}
	want(t, "deleted", r.call("DELETE", path, ""), 204, 0)
	want(t, "deleted again", r.call("DELETE", path, ""), 404, 10063)
	set := func(from, n int) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"name":"c%d","description":"d"}`, from+i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	want(t, "101 commands", r.call("PUT", guild, set(0, 101)), 400, 30032)
	want(t, "100 commands", r.call("PUT", guild, set(0, 100)), 200, 0)
	want(t, "200 creates a day", r.call("PUT", guild, set(1000, 100)), 400, 30034)
	c.pass(24 * time.Hour)
	want(t, "on the next day", r.call("PUT", guild, set(1000, 100)), 200, 0)
	r.guild.DenyCommands(true)
	want(t, "without the scope", r.call("PUT", guild, "[]"), 403, 50001)
}

func manyOptions(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":3,"name":"o%d","description":"d"},`, i)
	}
	return b.String()
}

func bigOptions() string {
	var list []string
	for i := range 10 {
		var choices []string
		for j := range 25 {
			choices = append(choices, fmt.Sprintf(`{"name":"%02d","value":"%s%02d"}`, j, strings.Repeat("v", 40), j))
		}
		list = append(list, fmt.Sprintf(`{"type":3,"name":"o%d","description":"d","choices":[%s]}`, i, strings.Join(choices, ",")))
	}
	return strings.Join(list, ",")
}

func TestExpectedRefusalsAreNoProblems(t *testing.T) {
	r := newRig(t, Options{})
	r.send(r.lab, "{}")
	r.send(r.guild.AddChannel(0, "f", ForumChannel), quiet("x"))
	if p := r.srv.Problems(); len(p) != 2 {
		t.Errorf("problems: %v", p)
	}
	r.srv.Expect("createMessage", "50006")
	r.srv.Expect("", "Cannot message this channel")
	if p := r.srv.Problems(); len(p) != 0 {
		t.Errorf("problems: %v", p)
	}
	if n := len(r.srv.Refusals()); n != 2 {
		t.Errorf("%d refusals, want 2", n)
	}
}
