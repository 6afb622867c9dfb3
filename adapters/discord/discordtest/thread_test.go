package discordtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func threadsOf(c *Channel, id Snowflake) string {
	return messagesOf(c) + "/" + id.String() + "/threads"
}

func TestThreadsFromMessages(t *testing.T) {
	r := newRig(t, Options{})
	w, _ := r.connect(usualIntents)
	id := r.lab.Say(r.ann, "run").ID
	a := r.call("POST", threadsOf(r.lab, id), `{"name":"make","auto_archive_duration":60}`)
	want(t, "the first thread", a, 201, 0)
	if a.ID != id {
		t.Errorf("the thread has id %d, want the message's %d", a.ID, id)
	}
	w.next("THREAD_CREATE")
	w.next("MESSAGE_UPDATE")
	want(t, "a second thread", r.call("POST", threadsOf(r.lab, id), `{"name":"make"}`), 400, 160004)
	want(t, "from no message", r.call("POST", threadsOf(r.lab, 5), `{"name":"make"}`), 404, 10008)
	other := r.lab.Say(r.ann, "other").ID
	for rule, body := range map[string]string{
		"no name":        `{}`,
		"a blank name":   `{"name":"  "}`,
		"a long name":    `{"name":"` + strings.Repeat("n", 101) + `"}`,
		"a strange time": `{"name":"x","auto_archive_duration":61}`,
	} {
		want(t, rule, r.call("POST", threadsOf(r.lab, other), body), 400, 50035)
	}
	thread := r.srv.Channel(id)
	want(t, "a message in it", r.send(thread, quiet("hi")), 200, 0)
	want(t, "a thread in a thread", r.call("POST", threadsOf(thread, id), `{"name":"x"}`), 400, 50024)
	if got, ok := thread.Thread(); !ok || !got.ByBot || got.Name != "make" || got.Parent != r.lab.ID() {
		t.Errorf("the thread is %+v", got)
	}
	r.guild.SetActiveThreadLimit(1)
	want(t, "too many threads", r.call("POST", threadsOf(r.lab, other), `{"name":"x"}`), 400, 160006)
	r.guild.SetActiveThreadLimit(0)
	r.lab.SetOverwrite(nil, 0, CreatePublicThreads|SendMessagesInThreads)
	want(t, "without the permission", r.call("POST", threadsOf(r.lab, other), `{"name":"x"}`), 403, 50013)
	want(t, "no messages in threads", r.send(thread, quiet("hi")), 403, 50013)
	want(t, "but in the channel", r.send(r.lab, quiet("hi")), 200, 0)
}

func TestArchivedAndLockedThreads(t *testing.T) {
	r := newRig(t, Options{})
	thread := r.lab.AddThread(r.ann, "t", 0)
	path := "/channels/" + thread.ID().String()
	id := r.send(thread, quiet("hi")).ID
	thread.Archive()
	want(t, "an edit", r.edit(thread, id, quiet("x")), 400, 50083)
	want(t, "a reaction", r.call("PUT", messagesOf(thread)+"/"+id.String()+"/reactions/%F0%9F%91%8D/@me", ""), 400, 50083)
	want(t, "joining", r.call("PUT", path+"/thread-members/@me", ""), 400, 50083)
	want(t, "a message revives it", r.send(thread, quiet("y")), 200, 0)
	if got, _ := thread.Thread(); got.Archived {
		t.Error("it is still archived")
	}
	want(t, "an edit again", r.edit(thread, id, quiet("x")), 200, 0)
	want(t, "archiving another's thread", r.call("PATCH", path, `{"archived":true}`), 403, 50013)
	thread.Lock()
	want(t, "a message in a locked one", r.send(thread, quiet("y")), 403, 160005)
	want(t, "opening a locked one", r.call("PATCH", path, `{"archived":false}`), 403, 160005)
	r.guild.SetBot(ManageThreads)
	want(t, "a moderator opens it", r.call("PATCH", path, `{"archived":false,"locked":false}`), 200, 0)
	want(t, "a message then", r.send(thread, quiet("y")), 200, 0)
	want(t, "a moderator archives it", r.call("PATCH", path, `{"archived":true}`), 200, 0)
	var list struct {
		Threads []struct{ ID Snowflake }
	}
	r.call("GET", "/channels/"+r.lab.ID().String()+"/threads/archived/public", "").into(t, &list)
	if len(list.Threads) != 1 {
		t.Errorf("archived: %+v", list)
	}
	r.call("GET", "/guilds/"+r.guild.ID().String()+"/threads/active", "").into(t, &list)
	if len(list.Threads) != 0 {
		t.Errorf("active: %+v", list)
	}
	thread.Remove()
	want(t, "a deleted one", r.send(thread, quiet("y")), 404, 10003)
	if _, ok := thread.Thread(); ok {
		t.Error("it is still there")
	}
}

func TestThreadsWithoutMessagesArePrivateByDefault(t *testing.T) {
	r := newRig(t, Options{})
	path := "/channels/" + r.lab.ID().String() + "/threads"
	want(t, "a private one needs its permission", r.call("POST", path, `{"name":"x"}`), 403, 50013)
	a := r.call("POST", path, `{"name":"x","type":11}`)
	want(t, "a public one", a, 201, 0)
	if got, _ := r.srv.Channel(a.ID).Thread(); got.Kind != PublicThread {
		t.Errorf("got %+v", got)
	}
	r.guild.SetBot(CreatePrivateThreads)
	a = r.call("POST", path, `{"name":"x"}`)
	if got, _ := r.srv.Channel(a.ID).Thread(); got.Kind != PrivateThread {
		t.Errorf("got %+v", got)
	}
}

func TestForums(t *testing.T) {
	r := newRig(t, Options{MessageContent: true})
	forum := r.guild.AddChannel(0, "forum", ForumChannel)
	w, _ := r.connect(usualIntents | IntentMessageContent)
	post, first := forum.AddPost(r.ann, "help", "it is broken")
	if first.ID != post.ID() {
		t.Errorf("the first message has id %d, want the post's %d", first.ID, post.ID())
	}
	if d := string(w.next("MESSAGE_CREATE").D); !strings.Contains(d, "it is broken") || !strings.Contains(d, fmt.Sprintf(`"channel_id":"%d"`, post.ID())) {
		t.Errorf("told of %s", d)
	}
	want(t, "an answer in the post", r.send(post, quiet("is it on?")), 200, 0)
	path := "/channels/" + forum.ID().String() + "/threads"
	want(t, "a post without a message", r.call("POST", path, `{"name":"x"}`), 400, 50035)
	want(t, "an empty post", r.call("POST", path, `{"name":"x","message":{}}`), 400, 50006)
	a := r.call("POST", path, `{"name":"x","message":{"content":"hi","allowed_mentions":{"parse":[]}}}`)
	want(t, "a post", a, 201, 0)
	var made struct {
		Message struct{ ID Snowflake }
	}
	if json.Unmarshal(a.Body, &made); made.Message.ID != a.ID || a.ID == 0 {
		t.Errorf("made %s", a.Body)
	}
	tags := forum.SetTags(true, "bug")
	want(t, "a post without its tag", r.call("POST", path, `{"name":"x","message":{"content":"hi"}}`), 400, 40067)
	want(t, "a post with an unknown tag", r.call("POST", path, `{"name":"x","applied_tags":["5"],"message":{"content":"hi"}}`), 400, 50035)
	want(t, "a post with its tag", r.call("POST", path, fmt.Sprintf(`{"name":"x","applied_tags":["%d"],"message":{"content":"hi"}}`, tags[0].ID)), 201, 0)
	if got := len(forum.Threads()); got != 3 {
		t.Errorf("%d posts, want 3", got)
	}
}
