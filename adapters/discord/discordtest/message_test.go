package discordtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func rowsOf(rows, buttons int) string {
	var list []string
	for i := range rows {
		var row []string
		for j := range buttons {
			row = append(row, fmt.Sprintf(`{"type":2,"style":1,"label":"b","custom_id":"%d-%d"}`, i, j))
		}
		list = append(list, `{"type":1,"components":[`+strings.Join(row, ",")+`]}`)
	}
	return `{"content":"x","components":[` + strings.Join(list, ",") + `]}`
}

func buttonOf(members string) string {
	return `{"content":"x","components":[{"type":1,"components":[{"type":2,` + members + `}]}]}`
}

func TestMessagesThatAreTakenOrRefused(t *testing.T) {
	r := newRig(t, Options{})
	long := strings.Repeat("é", 2000)
	embed := func(n int) string { return `{"title":"` + strings.Repeat("t", n) + `"}` }
	for rule, c := range map[string]struct {
		body         string
		status, code int
		field        string // of the error
	}{
		"2000 code points are taken":                    {body: quiet(long), status: 200},
		"2001 code points are refused":                  {body: quiet(long + "x"), status: 400, code: 50035, field: "content"},
		"outer white space does not count":              {body: quiet("  " + long + "\n"), status: 200},
		"white space only is empty":                     {body: quiet(" \n\t"), status: 400, code: 50006},
		"nothing is empty":                              {body: `{}`, status: 400, code: 50006},
		"null for everything optional is empty":         {body: `{"content":null,"embeds":null,"components":null,"attachments":null,"nonce":null}`, status: 400, code: 50006},
		"a number is no content":                        {body: `{"content":7}`, status: 400, code: 50035, field: "content"},
		"unknown members are ignored":                   {body: `{"content":"x","surprise":{"a":1}}`, status: 200},
		"an embed alone is enough":                      {body: `{"embeds":[` + embed(256) + `]}`, status: 200},
		"an embed's title has 256 characters":           {body: `{"embeds":[` + embed(257) + `]}`, status: 400, code: 50035, field: "embeds.0.title"},
		"an embed shows something":                      {body: `{"content":"x","embeds":[{}]}`, status: 400, code: 50035, field: "embeds.0.description"},
		"ten embeds are taken":                          {body: `{"embeds":[` + strings.Repeat(embed(1)+",", 9) + embed(1) + `]}`, status: 200},
		"eleven embeds are refused":                     {body: `{"embeds":[` + strings.Repeat(embed(1)+",", 10) + embed(1) + `]}`, status: 400, code: 50035, field: "embeds"},
		"embeds together have 6000 characters":          {body: `{"embeds":[{"description":"` + strings.Repeat("d", 4000) + `"},{"description":"` + strings.Repeat("d", 2001) + `"}]}`, status: 400, code: 50035, field: "embeds"},
		"5x5 buttons are taken":                         {body: rowsOf(5, 5), status: 200},
		"six rows are refused":                          {body: rowsOf(6, 1), status: 400, code: 50035, field: "components"},
		"six buttons in a row are refused":              {body: rowsOf(1, 6), status: 400, code: 50035, field: "components.0.components"},
		"an empty row is refused":                       {body: rowsOf(1, 0), status: 400, code: 50035, field: "components.0.components"},
		"a button outside a row is refused":             {body: `{"content":"x","components":[{"type":2,"style":1,"label":"b","custom_id":"a"}]}`, status: 400, code: 50035, field: "components.0.type"},
		"a custom_id has 100 characters":                {body: buttonOf(`"style":1,"label":"b","custom_id":"` + strings.Repeat("i", 100) + `"`), status: 200},
		"a custom_id of 101 characters is refused":      {body: buttonOf(`"style":1,"label":"b","custom_id":"` + strings.Repeat("i", 101) + `"`), status: 400, code: 50035, field: "components.0.components.0.custom_id"},
		"a button without custom_id is refused":         {body: buttonOf(`"style":1,"label":"b"`), status: 400, code: 50035, field: "components.0.components.0.custom_id"},
		"a label of 81 characters is refused":           {body: buttonOf(`"style":1,"custom_id":"a","label":"` + strings.Repeat("l", 81) + `"`), status: 400, code: 50035, field: "components.0.components.0.label"},
		"a button without label and emoji is refused":   {body: buttonOf(`"style":1,"custom_id":"a"`), status: 400, code: 50035, field: "components.0.components.0"},
		"a link button has no custom_id":                {body: buttonOf(`"style":5,"label":"b","custom_id":"a","url":"https://x.y"`), status: 400, code: 50035, field: "components.0.components.0"},
		"a link button needs a link":                    {body: buttonOf(`"style":5,"label":"b"`), status: 400, code: 50035, field: "components.0.components.0.url"},
		"a style that does not exist is refused":        {body: buttonOf(`"style":9,"label":"b","custom_id":"a"`), status: 400, code: 50035, field: "components.0.components.0.style"},
		"two buttons with one custom_id are refused":    {body: `{"content":"x","components":[{"type":1,"components":[{"type":2,"style":1,"label":"a","custom_id":"s"},{"type":2,"style":1,"label":"b","custom_id":"s"}]}]}`, status: 400, code: 50035, field: "components.0.components.1.custom_id"},
		"a menu shares its row with nothing":            {body: `{"content":"x","components":[{"type":1,"components":[{"type":3,"custom_id":"m","options":[{"label":"a","value":"a"}]},{"type":2,"style":1,"label":"b","custom_id":"s"}]}]}`, status: 400, code: 50035, field: "components.0.components"},
		"a menu without options is refused":             {body: `{"content":"x","components":[{"type":1,"components":[{"type":3,"custom_id":"m"}]}]}`, status: 400, code: 50035, field: "components.0.components.0.options"},
		"a text input belongs in a form":                {body: `{"content":"x","components":[{"type":1,"components":[{"type":4,"custom_id":"m","style":1,"label":"x"}]}]}`, status: 400, code: 50035, field: "components.0.components.0.type"},
		"the second kind of message is taken":           {body: `{"flags":32768,"components":[{"type":17,"components":[{"type":10,"content":"hi"},{"type":1,"components":[{"type":2,"style":1,"label":"b","custom_id":"s"}]}]}]}`, status: 200},
		"its parts need its flag":                       {body: `{"content":"x","components":[{"type":10,"content":"hi"}]}`, status: 400, code: 50035, field: "components.0.type"},
		"it has no content":                             {body: `{"content":"x","flags":32768,"components":[{"type":10,"content":"hi"}]}`, status: 400, code: 50035, field: "flags"},
		"its texts have 4000 characters together":       {body: `{"flags":32768,"components":[{"type":10,"content":"` + strings.Repeat("x", 4001) + `"}]}`, status: 400, code: 50035, field: "components"},
		"a nonce of 25 characters is taken":             {body: `{"content":"x","nonce":"1234567890123456789012345"}`, status: 200},
		"a nonce of 26 characters is refused":           {body: `{"content":"x","nonce":"12345678901234567890123456"}`, status: 400, code: 50035, field: "nonce"},
		"a nonce is no fraction":                        {body: `{"content":"x","nonce":1.5}`, status: 400, code: 50035, field: "nonce"},
		"flags that are not the sender's are refused":   {body: `{"content":"x","flags":64}`, status: 400, code: 50035, field: "flags"},
		"parse and a list of one kind are exclusive":    {body: `{"content":"x","allowed_mentions":{"parse":["users"],"users":["5"]}}`, status: 400, code: 50035, field: "allowed_mentions"},
		"parse and a list of different kinds are taken": {body: `{"content":"x","allowed_mentions":{"parse":["users"],"roles":["5"]}}`, status: 200},
		"an unknown kind of mention is refused":         {body: `{"content":"x","allowed_mentions":{"parse":["bots"]}}`, status: 400, code: 50035, field: "allowed_mentions.parse.0"},
		"a reply to nothing is refused":                 {body: `{"content":"x","message_reference":{"message_id":"5"}}`, status: 400, code: 50035, field: "message_reference"},
		"a reply that may fail is taken":                {body: `{"content":"x","message_reference":{"message_id":"5","fail_if_not_exists":false}}`, status: 200},
		"a file that was not sent is refused":           {body: `{"content":"x","attachments":[{"id":0}]}`, status: 400, code: 50146},
	} {
		t.Run(rule, func(t *testing.T) {
			a := r.send(r.lab, c.body)
			want(t, "the call", a, c.status, c.code)
			if c.field == "" {
				return
			}
			var e struct {
				Errors json.RawMessage `json:"errors"`
			}
			a.into(t, &e)
			at := e.Errors
			for _, step := range strings.Split(c.field, ".") {
				var inner map[string]json.RawMessage
				json.Unmarshal(at, &inner)
				at = inner[step]
			}
			var leaf struct {
				Errors []fieldError `json:"_errors"`
			}
			if json.Unmarshal(at, &leaf); len(leaf.Errors) == 0 || leaf.Errors[0].Code == "" || leaf.Errors[0].Message == "" {
				t.Errorf("no error at %s: %s", c.field, a.Body)
			}
		})
	}
}

func TestEnforcedNonces(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	w, _ := r.connect(usualIntents)
	const body = `{"content":"x","nonce":"n1","enforce_nonce":true}`
	first := r.send(r.lab, body)
	var echo struct {
		ID    Snowflake
		Nonce string
	}
	json.Unmarshal(w.next("MESSAGE_CREATE").D, &echo)
	if echo.ID != first.ID || echo.Nonce != "n1" {
		t.Errorf("the echo is %+v", echo)
	}
	again := r.send(r.lab, body)
	if again.Status != 200 || again.ID != first.ID {
		t.Errorf("repeat: got %d, message %d, want %d", again.Status, again.ID, first.ID)
	}
	if calls := r.srv.Calls("createMessage"); !calls[1].Repeated || calls[0].Repeated {
		t.Error("the log does not tell the repeat")
	}
	files := map[string][]byte{"files[0]": []byte("data")}
	const named = `{"nonce":"n2","enforce_nonce":true,"attachments":[{"id":"0"}]}`
	one, two := r.upload("POST", messagesOf(r.lab), named, files), r.upload("POST", messagesOf(r.lab), named, files)
	if one.Status != 200 || one.ID != two.ID {
		t.Errorf("uploads: %d %s and %d", one.ID, one.Body, two.ID)
	}
	want(t, "without enforce_nonce", r.send(r.lab, `{"content":"x","nonce":"n1"}`), 200, 0)
	if got := len(r.lab.Posts()); got != 3 {
		t.Errorf("%d messages, want 3", got)
	}
	r.lab.Delete(one.ID)
	want(t, "the first one is deleted", r.upload("POST", messagesOf(r.lab), named, files), 404, 10008)
	c.pass(4 * time.Minute)
	if late := r.send(r.lab, body); late.ID == first.ID || late.Status != 200 {
		t.Errorf("after the window: got the first message again")
	}
	// What the gateway was told: three messages and the late one, no repeats.
	var told []Snowflake
	for range 3 {
		var m struct{ ID Snowflake }
		json.Unmarshal(w.next("MESSAGE_CREATE").D, &m)
		told = append(told, m.ID)
	}
	if slices.Contains(told, first.ID) {
		t.Error("a repeat was dispatched")
	}
}

func TestFilesAreReceivedStoredAndServed(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now, UploadLimit: 1 << 20})
	big := bytes.Repeat([]byte("0123456789abcdef"), 40<<10) // 640 KiB, goes to the disk
	a := r.upload("POST", messagesOf(r.lab), `{"attachments":[{"id":0,"filename":"my log.txt","description":"a log"}]}`, map[string][]byte{"files[0]": big})
	want(t, "the upload", a, 200, 0)
	posts := r.lab.Posts()
	if len(posts) != 1 || len(posts[0].Files) != 1 {
		t.Fatalf("posts: %+v", posts)
	}
	f := posts[0].Files[0]
	if f.Name != "my_log.txt" || f.Description != "a log" || f.Size != int64(len(big)) || !bytes.Equal(f.Bytes(), big) {
		t.Errorf("the file is %q %q %d", f.Name, f.Description, f.Size)
	}
	var m struct {
		Attachments []struct{ URL string }
	}
	a.into(t, &m)
	get := func() (int, []byte) {
		resp, err := http.Get(m.Attachments[0].URL)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		defer http.DefaultClient.CloseIdleConnections()
		data, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, data
	}
	if status, data := get(); status != 200 || !bytes.Equal(data, big) {
		t.Errorf("download: %d, %d bytes", status, len(data))
	}
	c.pass(25 * time.Hour)
	if status, _ := get(); status != 404 {
		t.Errorf("an old link: %d, want 404", status)
	}
	link := messagesOf(r.lab) + "/" + a.ID.String()
	r.call("GET", link, "").into(t, &m)
	if status, _ := get(); status != 200 {
		t.Errorf("a fresh link: %d, want 200", status)
	}

	many := map[string][]byte{}
	for i := range 11 {
		many[fmt.Sprintf("files[%d]", i)] = []byte("x")
	}
	want(t, "eleven files", r.upload("POST", messagesOf(r.lab), "", many), 400, 30015)
	want(t, "too large a file", r.upload("POST", messagesOf(r.lab), "", map[string][]byte{"files[0]": make([]byte, 1<<20+1)}), 413, 40005)
	r.guild.SetTier(2)
	want(t, "in a boosted guild", r.upload("POST", messagesOf(r.lab), "", map[string][]byte{"files[0]": make([]byte, 1<<20+1)}), 200, 0)
	want(t, "too large a request", r.upload("POST", messagesOf(r.lab), "", map[string][]byte{"files[0]": make([]byte, 26<<20)}), 413, 40005)
	want(t, "another field name", r.upload("POST", messagesOf(r.lab), "", map[string][]byte{"photo": []byte("x")}), 400, 50035)
	want(t, "a file that is not described", r.upload("POST", messagesOf(r.lab), `{"attachments":[{"id":0}]}`, map[string][]byte{"files[0]": []byte("x"), "files[1]": []byte("y")}), 400, 50035)
	r.lab.SetOverwrite(nil, 0, AttachFiles)
	want(t, "without the permission", r.upload("POST", messagesOf(r.lab), "", map[string][]byte{"files[0]": []byte("x")}), 403, 50013)

	said := r.lab.Say(r.ann, "", WithFile("a.bin", nil), WithFileSize(3<<20))
	r.srv.mu.Lock()
	m.Attachments[0].URL = r.srv.fileURL(said.Files[0])
	r.srv.mu.Unlock()
	if status, data := get(); status != 200 || len(data) != 3<<20 {
		t.Errorf("a claimed size: %d, %d bytes", status, len(data))
	}
}

func TestEdits(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	id := r.send(r.lab, quiet("one")).ID
	said := r.lab.Say(r.ann, "mine")
	want(t, "a foreign message", r.edit(r.lab, said.ID, quiet("x")), 403, 50005)
	want(t, "an unknown message", r.edit(r.lab, 5, quiet("x")), 404, 10008)
	want(t, "too long", r.edit(r.lab, id, quiet(strings.Repeat("x", 2001))), 400, 50035)
	want(t, "empty", r.edit(r.lab, id, `{"content":""}`), 400, 50006)
	want(t, "only buttons", r.edit(r.lab, id, rowsOf(1, 2)), 200, 0)
	want(t, "a new text", r.edit(r.lab, id, quiet("two")), 200, 0)
	m, _ := r.lab.Message(id)
	if m.Text != "two" || m.EditCount != 2 || len(m.History) != 3 || len(m.Keyboard) != 1 {
		t.Errorf("the message is %+v", m)
	}
	want(t, "no buttons", r.edit(r.lab, id, `{"components":[]}`), 200, 0)
	if m, _ = r.lab.Message(id); len(m.Keyboard) != 0 {
		t.Errorf("buttons are left: %v", m.Keyboard)
	}
	for version, left := range map[string]int{"v9": 2, "v10": 1} {
		r.version = version
		file := map[string][]byte{"files[0]": []byte("x")}
		id := r.upload("POST", messagesOf(r.lab), "", file).ID
		r.upload("PATCH", messagesOf(r.lab)+"/"+id.String(), "", file)
		if m, _ := r.lab.Message(id); len(m.Files) != left {
			t.Errorf("%s: %d files after an edit with one more, want %d", version, len(m.Files), left)
		}
	}
	r.version = "v9"
	c.pass(time.Hour + time.Second)
	for range 3 {
		want(t, "an old message", r.edit(r.lab, id, quiet("three")), 200, 0)
	}
	a := r.edit(r.lab, id, quiet("four"))
	want(t, "an old message, too often", a, 429, 30046)
	if a.Header.Get("Retry-After") != "6" || !strings.Contains(string(a.Body), `"retry_after":6`) {
		t.Errorf("got %v %s", a.Header, a.Body)
	}
	want(t, "own message deleted", r.call("DELETE", messagesOf(r.lab)+"/"+id.String(), ""), 204, 0)
	want(t, "deleted twice", r.call("DELETE", messagesOf(r.lab)+"/"+id.String(), ""), 404, 10008)
	want(t, "a foreign message deleted", r.call("DELETE", messagesOf(r.lab)+"/"+said.ID.String(), ""), 403, 50013)
}

func TestPingsAndPreviewsAreProblems(t *testing.T) {
	for rule, c := range map[string]struct {
		body     string
		reply    bool
		pings    []string
		previews int
	}{
		"a mention pings by default":            {body: `{"content":"<@1001>"}`, pings: []string{"user 1001"}},
		"an empty parse list stops all pings":   {body: quiet("<@1001> <@&5> @everyone")},
		"everyone and roles ping by default":    {body: `{"content":"<@&5> @here"}`, pings: []string{"role 5", "everyone"}},
		"a listed user is pinged":               {body: `{"content":"<@1001> <@1002>","allowed_mentions":{"parse":[],"users":["1002"]}}`, pings: []string{"user 1002"}},
		"a reply pings by default":              {body: `{"content":"x"`, reply: true, pings: []string{"reply to user 1001"}},
		"a reply with an empty list does not":   {body: `{"content":"x","allowed_mentions":{"parse":[]}`, reply: true},
		"the bot's own mention is no ping":      {body: `{"content":"<@100000000000000001>"}`},
		"an empty object allows everything":     {body: `{"content":"@everyone","allowed_mentions":{}}`, pings: []string{"everyone"}},
		"a link makes a preview":                {body: quiet("see https://example.org/x"), previews: 1},
		"a link in angle brackets does not":     {body: quiet("see <https://example.org/x>")},
		"a link in code does not":               {body: quiet("`https://a.b` and ```\nhttps://a.b\n```")},
		"suppressed embeds make no preview":     {body: `{"content":"https://a.b","flags":4}`},
		"a masked link makes a preview":         {body: quiet("[x](https://a.b)"), previews: 1},
		"a link after code makes a preview too": {body: quiet("`code` https://a.b"), previews: 1},
	} {
		t.Run(rule, func(t *testing.T) {
			r := newRig(t, Options{})
			body := c.body
			if c.reply {
				body += fmt.Sprintf(`,"message_reference":{"message_id":"%d"}}`, r.lab.Say(r.ann, "hi").ID)
			}
			a := r.send(r.lab, body)
			want(t, "the call", a, 200, 0)
			m, _ := r.lab.Message(a.ID)
			if !slices.Equal(m.Pings, c.pings) || len(m.Previews) != c.previews {
				t.Errorf("pings %v, previews %v; want %v, %d", m.Pings, m.Previews, c.pings, c.previews)
			}
			if got, bad := len(r.srv.Problems()) > 0, len(c.pings)+c.previews > 0; got != bad {
				t.Errorf("problems: %v", r.srv.Problems())
			}
		})
	}
	r := newRig(t, Options{})
	id := r.send(r.lab, quiet("<@1001>")).ID
	r.edit(r.lab, id, `{"content":"<@1001>"}`)
	if m, _ := r.lab.Message(id); len(m.Pings) != 1 {
		t.Errorf("an edit without allowed_mentions: pings %v", m.Pings)
	}
}

func TestPermissions(t *testing.T) {
	r := newRig(t, Options{})
	bot := r.srv.Bot()
	fresh := func() *Channel { return r.guild.AddChannel(0, "c", TextChannel) }
	c := fresh()
	c.SetUserOverwrite(bot, 0, ViewChannel)
	want(t, "a hidden channel", r.send(c, quiet("x")), 403, 50001)
	want(t, "a hidden channel's history", r.call("GET", messagesOf(c), ""), 403, 50001)
	c = fresh()
	c.SetOverwrite(nil, 0, SendMessages)
	want(t, "a channel to read only", r.send(c, quiet("x")), 403, 50013)
	role := r.guild.AddRole(0, "writers", 0)
	r.guild.Give(bot, role)
	c.SetOverwrite(role, SendMessages, 0)
	want(t, "allowed by a role", r.send(c, quiet("x")), 200, 0)
	c = fresh()
	said := c.Say(r.ann, "hi")
	c.SetOverwrite(nil, 0, ReadMessageHistory)
	if a := r.call("GET", messagesOf(c), ""); a.Status != 200 || string(a.Body) != "[]" {
		t.Errorf("a hidden history: %d %s, want an empty list", a.Status, a.Body)
	}
	want(t, "a reply without history", r.send(c, fmt.Sprintf(`{"content":"x","message_reference":{"message_id":"%d"}}`, said.ID)), 403, 160002)
	want(t, "a forum", r.send(r.guild.AddChannel(0, "f", ForumChannel), quiet("x")), 400, 40058)
	want(t, "a category", r.send(r.guild.AddChannel(0, "f", CategoryChannel), quiet("x")), 400, 50008)
	c = fresh()
	c.Remove()
	want(t, "a deleted channel", r.send(c, quiet("x")), 404, 10003)

	dm := r.srv.DM(r.ann)
	want(t, "a DM that the bot never opened", r.send(dm, quiet("x")), 404, 10003)
	opened := r.call("POST", "/users/@me/channels", `{"recipient_id":"1001"}`)
	if again := r.call("POST", "/users/@me/channels", `{"recipient_id":"1001"}`); opened.ID != dm.ID() || again.ID != dm.ID() {
		t.Errorf("opened %d and %d, want %d", opened.ID, again.ID, dm.ID())
	}
	want(t, "a DM", r.send(dm, quiet("x")), 200, 0)
	r.ann.CloseDMs(true)
	want(t, "closed DMs", r.send(dm, quiet("x")), 403, 50007)
	r.ann.CloseDMs(false)
	r.guild.Leave(r.ann)
	want(t, "no shared guild", r.send(dm, quiet("x")), 403, 50278)
	r.guild.Kick()
	want(t, "kicked from the guild", r.send(r.lab, quiet("x")), 403, 50001)
	r.guild.Invite()
	want(t, "invited again", r.send(r.lab, quiet("x")), 200, 0)

	r.lab.SetSlowmode(time.Minute)
	want(t, "slow mode is not for bots that may bypass it", r.send(r.lab, quiet("x")), 200, 0)
	r.guild.SetBot(0)
	want(t, "slow mode", r.send(r.lab, quiet("x")), 429, 20016)
}

func TestHistory(t *testing.T) {
	r := newRig(t, Options{})
	var ids []Snowflake
	for i := range 10 {
		ids = append(ids, r.lab.Say(r.ann, fmt.Sprint(i)).ID)
	}
	texts := func(query string) (got []string) {
		var page []struct {
			Content string
			Member  json.RawMessage
			ID      Snowflake
		}
		r.call("GET", messagesOf(r.lab)+query, "").into(t, &page)
		for _, m := range page {
			if m.Member != nil {
				t.Error("a fetched message has a member")
			}
			got = append(got, m.Content+fmt.Sprint(slices.Index(ids, m.ID)))
		}
		return got
	}
	for query, want := range map[string]string{
		"":                                        "9 8 7 6 5 4 3 2 1 0",
		"?limit=3":                                "9 8 7",
		"?limit=3&before=" + ids[5].String():      "4 3 2",
		"?limit=3&after=" + ids[5].String():       "8 7 6",
		"?limit=100&after=" + ids[8].String():     "9",
		"?after=" + ids[9].String():               "",
		"?limit=3&after=0":                        "2 1 0",
		"?limit=2&before=" + ids[0].String():      "",
		"?limit=4&around=" + ids[5].String():      "7 6 5 4",
		"?limit=2&after=" + (ids[5] - 1).String(): "6 5",
	} {
		if got := strings.Join(texts(query), " "); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"?limit=0", "?limit=101", "?limit=x", "?after=x", "?after=1&before=2"} {
		want(t, query, r.call("GET", messagesOf(r.lab)+query, ""), 400, 50035)
	}
}

func TestWithoutMessageContentTextsAreEmpty(t *testing.T) {
	r := newRig(t, Options{})
	w, _ := r.connect(usualIntents)
	own := r.send(r.lab, quiet("own")).ID
	w.next("MESSAGE_CREATE")
	dm := r.srv.DM(r.ann)
	for rule, c := range map[string]struct {
		m    Message
		c    *Channel
		want string
	}{
		"an ordinary one is empty":             {m: r.lab.Say(r.ann, "secret"), c: r.lab},
		"one that mentions the bot is whole":   {m: r.lab.Say(r.ann, "hi "+r.srv.Bot().Mention()), c: r.lab, want: "hi <@100000000000000001>"},
		"a reply with a mention is whole":      {m: r.lab.Say(r.ann, "yes", ReplyTo(own)), c: r.lab, want: "yes"},
		"a reply without a mention is empty":   {m: r.lab.Say(r.ann, "yes", ReplyQuietly(own)), c: r.lab},
		"a DM is whole":                        {m: dm.Say(r.ann, "private"), c: dm, want: "private"},
		"a mention in code is none, and empty": {m: r.lab.Say(r.ann, "`"+r.srv.Bot().Mention()+"`"), c: r.lab},
	} {
		t.Run(rule, func(t *testing.T) {
			var fetched struct{ Content string }
			r.call("GET", messagesOf(c.c)+"/"+c.m.ID.String(), "").into(t, &fetched)
			if fetched.Content != c.want {
				t.Errorf("fetched %q, want %q", fetched.Content, c.want)
			}
		})
	}
	var told []string
	for range 6 {
		var m struct{ Content string }
		json.Unmarshal(w.next("MESSAGE_CREATE").D, &m)
		told = append(told, m.Content)
	}
	slices.Sort(told)
	if got := strings.Join(told, "|"); got != "|||hi <@100000000000000001>|private|yes" {
		t.Errorf("the gateway told %q", got)
	}
}

func TestIDs(t *testing.T) {
	c := newClock()
	r := newRig(t, Options{Clock: c.now})
	var last Snowflake
	for i := range 1000 {
		if id := r.lab.Say(r.ann, "x").ID; id <= last {
			t.Fatalf("message %d has id %d after %d", i, id, last)
		} else {
			last = id
		}
	}
	if last.Time().Sub(c.now()).Abs() > time.Millisecond {
		t.Errorf("the id says %v, the clock %v", last.Time(), c.now())
	}
	old := r.lab.Say(r.ann, "x", SentAt(c.now().Add(-time.Hour)))
	if d := c.now().Sub(old.ID.Time()); d != time.Hour || !old.Date.Equal(c.now().Add(-time.Hour)) {
		t.Errorf("an hour old: the id says %v", d)
	}
	r.srv.InvertIDs(true)
	for range 3 {
		one, two := r.lab.Say(r.ann, "1"), r.lab.Say(r.ann, "2")
		if two.ID >= one.ID || !two.Date.Equal(one.Date) {
			t.Errorf("inverted: %d at %v then %d at %v", one.ID, one.Date, two.ID, two.Date)
		}
		c.pass(time.Second)
	}
}

func TestReactions(t *testing.T) {
	r := newRig(t, Options{})
	m := r.lab.Say(r.ann, "hi")
	path := messagesOf(r.lab) + "/" + m.ID.String() + "/reactions/"
	want(t, "an emoji", r.call("PUT", path+"%F0%9F%91%8D/@me", ""), 204, 0)
	if got, _ := r.lab.Message(m.ID); got.Reaction != "👍" {
		t.Errorf("the reaction is %q", got.Reaction)
	}
	want(t, "a word", r.call("PUT", path+"thumbsup/@me", ""), 400, 10014)
	want(t, "taken back", r.call("DELETE", path+"%F0%9F%91%8D/@me", ""), 204, 0)
	if got, _ := r.lab.Message(m.ID); got.Reaction != "" {
		t.Errorf("the reaction is still %q", got.Reaction)
	}
	want(t, "typing", r.call("POST", "/channels/"+r.lab.ID().String()+"/typing", ""), 204, 0)
	if r.lab.Typing().IsZero() {
		t.Error("nobody types")
	}
}
