package telegramtest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPrivacyModeHidesTalk(t *testing.T) {
	said := func(w *world, text string, opts ...SayOption) bool {
		return w.super.Say(w.ann, text, opts...).UpdateID != 0
	}
	t.Run("in privacy mode only commands and replies to the bot come through", func(t *testing.T) {
		w := newWorld(t, Options{})
		mine := w.must("sendMessage", "chat_id", superID, "text", "hello").messageID(t)
		theirs := w.super.Say(w.bob, "hello").ID
		for _, tt := range []struct {
			rule string
			seen bool
			text string
			opts []SayOption
		}{
			{"talk", false, "how are you", nil},
			{"a command", true, "/run x", nil},
			{"a command for this bot", true, "/run@Chapi_test_bot x", nil},
			{"a command for another bot", false, "/run@other_bot x", nil},
			{"a command further on", false, "please /run", nil},
			{"a reply to the bot", true, "yes", []SayOption{ReplyTo(mine)}},
			{"a reply to a person", false, "yes", []SayOption{ReplyTo(theirs)}},
		} {
			if got := said(w, tt.text, tt.opts...); got != tt.seen {
				t.Errorf("%s: seen %v, want %v", tt.rule, got, tt.seen)
			}
		}
		w.super.Join(w.AddUser(5, "Other", IsBot()))
		if said(w, "talk") || said(w, "/run") {
			t.Error("a bare command is seen although another bot may be meant")
		}
		w.must("sendMessage", "chat_id", superID, "text", "me")
		if !said(w, "/run") {
			t.Error("a bare command after the bot's own message is for it")
		}
	})
	t.Run("without privacy mode everything comes through", func(t *testing.T) {
		if w := newWorld(t, Options{ReadAll: true}); !said(w, "talk") {
			t.Error("hidden")
		}
	})
	t.Run("an administrator sees everything", func(t *testing.T) {
		w := newWorld(t, Options{})
		w.super.SetRights(Rights{Admin: true})
		if !said(w, "talk") {
			t.Error("hidden")
		}
	})
	t.Run("other bots are not seen", func(t *testing.T) {
		w := newWorld(t, Options{ReadAll: true})
		other := w.AddUser(5, "Other", IsBot())
		if w.super.Say(other, "/run").UpdateID != 0 {
			t.Error("seen")
		}
	})
	t.Run("a kicked bot sees nothing but that", func(t *testing.T) {
		w, _ := quiet(t, Options{ReadAll: true})
		w.super.Kick()
		said(w, "talk")
		if got := w.peek(); got != "member" {
			t.Errorf("got %q", got)
		}
	})
}

// lastUpdate is the JSON of the newest update.
func (w *world) lastUpdate() map[string]any {
	w.t.Helper()
	var all []map[string]any
	w.forgetPace()
	if err := json.Unmarshal(w.must("getUpdates").Result, &all); err != nil || len(all) == 0 {
		w.t.Fatalf("no updates: %v", err)
	}
	for _, member := range []string{"message", "edited_message", "callback_query", "my_chat_member"} {
		if m, ok := all[len(all)-1][member].(map[string]any); ok {
			return m
		}
	}
	return all[len(all)-1]
}

func TestMessagesCarryWhoSpeaks(t *testing.T) {
	id := func(m map[string]any, name string) string {
		u, _ := m[name].(map[string]any)
		return fmt.Sprintf("%.0f", u["id"])
	}
	w, _ := quiet(t, Options{ReadAll: true})
	w.super.Say(w.ann, "as the group", AnonymousAdmin())
	if m := w.lastUpdate(); id(m, "from") != "1087968824" || id(m, "sender_chat") != "-1001111111111" {
		t.Errorf("anonymous administrator: %v", m)
	}
	w.super.Say(w.ann, "as a channel", AsChannel())
	if m := w.lastUpdate(); id(m, "from") != "136817688" || m["sender_chat"] == nil {
		t.Errorf("channel: %v", m)
	}
	w.super.Say(w.ann, "post", AutomaticForward())
	if m := w.lastUpdate(); id(m, "from") != "777000" || m["is_automatic_forward"] != true {
		t.Errorf("automatic forward: %v", m)
	}
	w.super.Say(w.ann, "fwd", Forwarded())
	if m := w.lastUpdate(); id(m, "from") != "1001" || m["forward_origin"] == nil {
		t.Errorf("forward: %v", m)
	}
	w.super.Say(w.ann, "inline", ViaBot())
	if m := w.lastUpdate(); m["via_bot"] == nil {
		t.Errorf("via bot: %v", m)
	}
	w.super.Say(w.ann, "odd", WithRaw(`{"gift_of_tomorrow":{"type":"unheard of"}}`))
	if m := w.lastUpdate(); m["gift_of_tomorrow"] == nil || m["text"] != "odd" {
		t.Errorf("raw: %v", m)
	}
	w.super.Say(w.ann, "/keep it", WithPhoto(picture(t, 400, 200)), InAlbum("7"))
	if m := w.lastUpdate(); m["caption"] != "/keep it" || len(m["photo"].([]any)) != 3 || m["media_group_id"] != "7" || m["caption_entities"] == nil {
		t.Errorf("photo: %v", m)
	}
}

func TestMessageIDsCountPerAccountAndPerSupergroup(t *testing.T) {
	w := newWorld(t, Options{})
	a := w.dm.Say(w.ann, "a").ID
	b := w.basic.Say(w.bob, "b").ID
	c := w.must("sendMessage", "chat_id", 1001, "text", "c").messageID(t)
	if b != a+1 || c != a+2 {
		t.Errorf("private and basic share a counter: %d %d %d", a, b, c)
	}
	d := w.super.Say(w.ann, "unseen").ID
	e := w.must("sendMessage", "chat_id", superID, "text", "e").messageID(t)
	if e != d+1 {
		t.Errorf("unseen messages consume ids: %d %d", d, e)
	}
	if f := w.dm.Say(w.ann, "f").ID; f != c+1 {
		t.Errorf("a supergroup has its own counter: %d after %d", f, c)
	}
}

func TestTopics(t *testing.T) {
	const forum = forumID
	t.Run("a topic's messages carry its id", func(t *testing.T) {
		w, _ := quiet(t, Options{ReadAll: true})
		w.forum.Say(w.ann, "in", InTopic(w.topic))
		m := w.lastUpdate()
		if m["is_topic_message"] != true || m["message_thread_id"] != float64(w.topic) || m["reply_to_message"] != nil {
			t.Errorf("in a topic: %v", m)
		}
		w.forum.Say(w.ann, "general")
		if m := w.lastUpdate(); m["is_topic_message"] != nil || m["message_thread_id"] != nil {
			t.Errorf("in General: %v", m)
		}
		first, _ := w.forum.Message(w.forum.Say(w.ann, "root").ID)
		w.forum.Say(w.ann, "reply", ReplyTo(first.ID))
		if m := w.lastUpdate(); m["is_topic_message"] != nil || m["message_thread_id"] != float64(first.ID) {
			t.Errorf("a reply in General carries the root of its thread: %v", m)
		}
	})
	t.Run("clients may reply to the root by themselves", func(t *testing.T) {
		w, _ := quiet(t, Options{ImplicitRootReplies: true, ReadAll: true})
		w.forum.Say(w.ann, "in", InTopic(w.topic))
		r, _ := w.lastUpdate()["reply_to_message"].(map[string]any)
		if r["message_id"] != float64(w.topic) || r["forum_topic_created"] == nil {
			t.Errorf("got %v", r)
		}
	})
	t.Run("a reply lands in the topic of what it answers", func(t *testing.T) {
		w := newWorld(t, Options{})
		in := w.forum.Say(w.ann, "in", InTopic(w.topic)).ID
		w.must("sendMessage", "chat_id", forum, "text", "x", "reply_parameters", fmt.Sprintf(`{"message_id":%d}`, in))
		if m, _ := w.forum.Last(); m.Topic != w.topic || m.ReplyTo != in {
			t.Errorf("topic %d, reply %d", m.Topic, m.ReplyTo)
		}
	})
	t.Run("a thread id means nothing outside forums", func(t *testing.T) {
		w := newWorld(t, Options{})
		for _, chat := range []int64{superID, -4001, 1001} {
			a := w.must("sendMessage", "chat_id", chat, "text", "x", "message_thread_id", 7)
			if strings.Contains(a.body, "thread") {
				t.Errorf("%d: %s", chat, a.body)
			}
		}
	})
	t.Run("the bot opens, renames, closes and deletes its own", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		w.forum.SetRights(Rights{Admin: true, ManageTopics: true})
		var made struct {
			ID int `json:"message_thread_id"`
		}
		unmarshal(w.must("createForumTopic", "chat_id", forum, "name", "make -j").Result, &made)
		if m := w.lastUpdate(); m["forum_topic_created"] == nil || m["message_id"] != float64(made.ID) || m["message_thread_id"] != float64(made.ID) {
			t.Errorf("the bot sees its own topic: %v", m)
		}
		w.must("sendMessage", "chat_id", forum, "text", "x", "message_thread_id", made.ID)
		w.must("editForumTopic", "chat_id", forum, "message_thread_id", made.ID, "name", "done")
		w.must("closeForumTopic", "chat_id", forum, "message_thread_id", made.ID)
		if got := w.forum.Topics(); len(got) != 2 || got[1].Name != "done" || !got[1].Closed || !got[1].ByBot {
			t.Errorf("topics %+v", got)
		}
		w.must("reopenForumTopic", "chat_id", forum, "message_thread_id", made.ID)
		w.must("deleteForumTopic", "chat_id", forum, "message_thread_id", made.ID)
		if got := w.forum.Posts(); len(got) != 0 {
			t.Errorf("a deleted topic leaves %v", got)
		}
		w.Check(t)
	})
	t.Run("an action shows in General only under thread 1", func(t *testing.T) {
		c := newClock()
		w := newWorld(t, Options{Clock: c.Now})
		w.must("sendChatAction", "chat_id", forum, "action", "typing", "message_thread_id", 1)
		if got, at := w.forum.Action(1); got != "typing" || !at.Equal(c.Now()) {
			t.Errorf("got %q at %v", got, at)
		}
	})
	t.Run("private chats have topics if the bot has them switched on", func(t *testing.T) {
		w := newWorld(t, Options{PrivateTopics: true})
		if a := w.must("getMe"); !strings.Contains(a.body, `"has_topics_enabled":true`) {
			t.Errorf("getMe: %s", a.body)
		}
		var made struct {
			ID int `json:"message_thread_id"`
		}
		unmarshal(w.must("createForumTopic", "chat_id", 1001, "name", "x").Result, &made)
		w.must("sendMessage", "chat_id", 1001, "text", "x", "message_thread_id", made.ID)
		if m, _ := w.dm.Last(); m.Topic != made.ID {
			t.Errorf("topic %d, want %d", m.Topic, made.ID)
		}
		if a := w.call("sendMessage", "chat_id", 1001, "text", "x", "message_thread_id", 999); a.status != 400 {
			t.Errorf("unknown topic: %s", a.body)
		}
	})
}

func TestAGroupMigrates(t *testing.T) {
	w, _ := quiet(t, Options{})
	super := w.basic.Migrate()
	a := w.call("sendMessage", "chat_id", -4001, "text", "x")
	if a.Parameters.MigrateTo != super.ID() || super.ID() > -1_000_000_000_000 {
		t.Errorf("migrate to %d: %s", super.ID(), a.body)
	}
	w.must("sendMessage", "chat_id", super.ID(), "text", "x")
	raw := w.must("getUpdates").body
	if !strings.Contains(raw, fmt.Sprintf(`"migrate_to_chat_id":%d`, super.ID())) || !strings.Contains(raw, `"migrate_from_chat_id":-4001`) {
		t.Errorf("service messages: %s", raw)
	}
	if w.Chat(-4001) != w.basic || w.Chat(super.ID()) != super {
		t.Error("both chats stay known")
	}
}

func TestEditsKeepHistoryAndDropOmittedKeyboards(t *testing.T) {
	c := newClock()
	w := newWorld(t, Options{Clock: c.Now})
	id := w.must("sendMessage", "chat_id", 1001, "text", "one", "reply_markup", keyA, "disable_notification", true).messageID(t)
	c.Advance(time.Minute)
	w.must("editMessageText", "chat_id", 1001, "message_id", id, "text", "two", "reply_markup", keyA)
	w.must("editMessageText", "chat_id", 1001, "message_id", id, "text", "two")
	m, _ := w.dm.Message(id)
	if m.Text != "two" || m.Keyboard != nil || m.EditCount != 2 || !m.Silent || !m.Edited.Equal(c.Now()) || m.Generation != 3 {
		t.Errorf("got %+v", m)
	}
	var texts []string
	for _, r := range m.History {
		texts = append(texts, fmt.Sprint(r.Text, len(r.Keyboard)))
	}
	if want := []string{"one1", "two1", "two0"}; !reflect.DeepEqual(texts, want) {
		t.Errorf("history %v, want %v", texts, want)
	}
	w.Check(t)
}

func TestPresses(t *testing.T) {
	t.Run("a press arrives and is answered once", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		id := w.must("sendMessage", "chat_id", 1001, "text", "x", "reply_markup", keyA).messageID(t)
		p := w.dm.Press(w.ann, id, "A")
		if m := w.lastUpdate(); m["data"] != "a" || m["id"] != p.ID {
			t.Errorf("update %v", m)
		}
		if _, ok := p.Answer(0); ok {
			t.Error("answered already")
		}
		answering := make(chan struct{})
		go func() {
			defer close(answering)
			if _, err := w.do(w.form("answerCallbackQuery", "callback_query_id", p.ID, "text", "done", "show_alert", true)); err != nil {
				t.Error(err)
			}
		}()
		defer func() { <-answering }()
		if a, ok := p.Answer(5 * time.Second); !ok || a.Text != "done" || !a.Alert || a.Count != 1 {
			t.Errorf("answer %+v %v", a, ok)
		}
		if again := p.Redeliver(); again == 0 || again == p.UpdateID {
			t.Errorf("redelivered as %d", again)
		}
	})
	t.Run("any data can be pressed on any message", func(t *testing.T) {
		w, _ := quiet(t, Options{})
		id := w.must("sendMessage", "chat_id", 1001, "text", "x").messageID(t)
		w.must("deleteMessage", "chat_id", 1001, "message_id", id)
		w.dm.PressData(w.bob, id, "forged")
		m := w.lastUpdate()["message"].(map[string]any)
		if m["date"] != 0.0 || m["text"] != nil {
			t.Errorf("a deleted message is inaccessible: %v", m)
		}
	})
	t.Run("a button that is not there is a mistake of the test", func(t *testing.T) {
		w := newWorld(t, Options{})
		id := w.must("sendMessage", "chat_id", 1001, "text", "x", "reply_markup", keyA).messageID(t)
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		w.dm.Press(w.ann, id, "B")
	})
}

func TestStandingIsAnnounced(t *testing.T) {
	w, _ := quiet(t, Options{})
	status := func() string {
		m := w.lastUpdate()
		return fmt.Sprint(m["old_chat_member"].(map[string]any)["status"], ">", m["new_chat_member"].(map[string]any)["status"])
	}
	w.Block(w.ann)
	if got := status(); got != "member>kicked" {
		t.Errorf("block: %s", got)
	}
	w.Unblock(w.ann)
	if got := status(); got != "kicked>member" {
		t.Errorf("unblock: %s", got)
	}
	w.super.SetRights(Rights{Admin: true})
	if got := status(); got != "member>administrator" {
		t.Errorf("promote: %s", got)
	}
	var me struct{ Status string }
	unmarshal(w.must("getChatMember", "chat_id", superID, "user_id", w.BotID()).Result, &me)
	if me.Status != "administrator" {
		t.Errorf("getChatMember: %s", me.Status)
	}
	if a := w.must("getChat", "chat_id", forumID); !strings.Contains(a.body, `"is_forum":true`) {
		t.Errorf("getChat: %s", a.body)
	}
	w.super.Kick()
	if got := status(); got != "administrator>kicked" {
		t.Errorf("kick: %s", got)
	}
}

func TestMenus(t *testing.T) {
	w := newWorld(t, Options{})
	one := []Command{{"run", "run a command"}}
	w.must("setMyCommands", "commands", `[{"command":"run","description":"run a command"}]`)
	w.must("setMyCommands", "commands", `[{"command":"reboot","description":"restart the machine"}]`, "scope", `{"type":"chat","chat_id":1001}`)
	w.must("setMyCommands", "commands", `[{"command":"run","description":"ausführen"}]`, "language_code", "de", "scope", `{"type":"chat_member","chat_id":-1001111111111,"user_id":1001}`)
	if got := w.Menu(Scope{}); !reflect.DeepEqual(got, one) {
		t.Errorf("default: %v", got)
	}
	if got := w.MenuShown(w.dm, w.ann, false); len(got) != 1 || got[0].Name != "reboot" {
		t.Errorf("shown to ann: %v", got)
	}
	if got := w.MenuShown(w.super, w.ann, true); !reflect.DeepEqual(got, one) {
		t.Errorf("shown to ann in the group, no German: %v", got)
	}
	if got := w.MenuLanguage(Scope{"chat_member", superID, 1001}, "de"); len(got) != 1 {
		t.Errorf("German: %v", got)
	}
	if a := w.must("getMyCommands", "scope", `{"type":"chat","chat_id":1001}`); string(a.Result) != `[{"command":"reboot","description":"restart the machine"}]` {
		t.Errorf("getMyCommands: %s", a.Result)
	}
	w.must("deleteMyCommands", "scope", `{"type":"chat","chat_id":1001}`)
	if got := w.Menu(Scope{Type: "chat", ChatID: 1001}); got != nil {
		t.Errorf("deleted: %v", got)
	}
	w.Check(t)
}

func TestDraftsFade(t *testing.T) {
	c := newClock()
	w := newWorld(t, Options{Clock: c.Now})
	w.must("sendMessageDraft", "chat_id", 1001, "draft_id", 7, "text", "thinking")
	if text, ok := w.dm.Draft(0); !ok || text != "thinking" {
		t.Errorf("draft %q %v", text, ok)
	}
	c.Advance(31 * time.Second)
	if _, ok := w.dm.Draft(0); ok {
		t.Error("still there after 31 s")
	}
	w.must("sendMessageDraft", "chat_id", 1001, "draft_id", "7", "text", "again")
	w.must("sendMessage", "chat_id", 1001, "text", "done")
	if _, ok := w.dm.Draft(0); ok {
		t.Error("a message did not end it")
	}
	if w.dm.Len() != 2 {
		t.Errorf("%d messages; a draft is none", w.dm.Len())
	}
}

func TestReactions(t *testing.T) {
	w := newWorld(t, Options{})
	said := w.dm.Say(w.ann, "/run").ID
	w.must("setMessageReaction", "chat_id", 1001, "message_id", said, "reaction", `[{"type":"emoji","emoji":"👀"}]`)
	if m, _ := w.dm.Message(said); m.Reaction != "👀" {
		t.Errorf("reaction %q", m.Reaction)
	}
	w.must("setMessageReaction", "chat_id", 1001, "message_id", said)
	if m, _ := w.dm.Message(said); m.Reaction != "" {
		t.Errorf("reaction %q", m.Reaction)
	}
}

func TestBoundsOfTheRecord(t *testing.T) {
	w := newWorld(t, Options{MaxCalls: 10, MaxMessages: 5, MaxRevisions: 4})
	var id int
	for i := range 20 {
		id = w.must("sendMessage", "chat_id", 1001, "text", fmt.Sprint(i)).messageID(t)
	}
	for i := range 10 {
		w.must("editMessageText", "chat_id", 1001, "message_id", id, "text", fmt.Sprint("e", i))
	}
	m, _ := w.dm.Message(id)
	if len(w.Calls()) != 10 || w.Count("sendMessage") != 20 || w.Done("") != 30 || len(w.dm.Messages()) != 5 || w.dm.Len() != 21 {
		t.Errorf("calls %d, count %d, messages %d of %d", len(w.Calls()), w.Count("sendMessage"), len(w.dm.Messages()), w.dm.Len())
	}
	if n := len(m.History); n > 4 || m.History[n-1].Text != "e9" || m.EditCount != 10 {
		t.Errorf("history %v", m.History)
	}
	if got := w.dm.Since(id - 1); len(got) != 1 || got[0].ID != id {
		t.Errorf("since: %v", got)
	}
}
