package telegram

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"chapi/bot"
)

const testToken = "7654321:AAE0123456789abcdefghijklmnopqrstuv"

// testAdapter is an adapter that knows its name and has no network.
func testAdapter(t testing.TB) *Adapter {
	t.Helper()
	a, err := New(Config{Token: testToken, APIURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	a.me.Store(&identity{username: "chapi_bot"})
	return a
}

const (
	fromAnna = `"from":{"id":5,"is_bot":false,"first_name":"Anna","last_name":"B"}`
	inDirect = `"chat":{"id":5,"type":"private"}`
	inGroup  = `"chat":{"id":-1001234567890,"type":"supergroup","title":"Home","is_forum":true}`
	head     = `{"update_id":9,"message":{"message_id":3,"date":990,`
)

func TestUpdatesBecomeMessages(t *testing.T) {
	anna := bot.Claim{Account: bot.Account{Adapter: Name, User: "5"}, Name: "Anna B", Thread: bot.Thread{Adapter: Name, Chat: "5"}, Direct: true}
	group := bot.Claim{Account: anna.Account, Name: "Anna B", Thread: bot.Thread{Adapter: Name, Chat: "-1001234567890"}, Title: "Home"}
	message := func(c bot.Claim, f func(*bot.Message)) *bot.Message {
		m := bot.Message{Claim: c, Key: "telegram/7654321/m/" + string(c.Thread.Chat) + "/3", ID: "3", Age: 10 * time.Second, Text: "/ps"}
		if f != nil {
			f(&m)
		}
		return &m
	}
	text := func(s string, addressed bool) func(*bot.Message) {
		return func(m *bot.Message) { m.Text, m.Addressed = s, addressed }
	}
	origin := func(o bot.Origin) func(*bot.Message) { return func(m *bot.Message) { m.Origin = o } }
	files := func(as ...bot.Attachment) func(*bot.Message) {
		return func(m *bot.Message) { m.Attachments = as }
	}
	direct := func(rest string) string { return head + fromAnna + "," + inDirect + "," + rest + "}}" }
	inTopic := func(rest string) string { return head + fromAnna + "," + inGroup + "," + rest + "}}" }
	for _, c := range []struct {
		rule   string
		update string
		want   *bot.Message // nil = none
	}{
		{"a private message is direct", direct(`"text":"/ps"`), message(anna, nil)},
		{"a message in general has no topic", inTopic(`"text":"/ps"`), message(group, nil)},
		{"a message in a topic", inTopic(`"message_thread_id":77,"is_topic_message":true,"text":"/ps"`), message(group, func(m *bot.Message) { m.Thread.Topic = "77" })},
		{"the root of a reply chain is no topic", inTopic(`"message_thread_id":77,"text":"/ps"`), message(group, nil)},
		{"a reply", direct(`"text":"/ps","reply_to_message":{"message_id":2}`), message(anna, func(m *bot.Message) { m.ReplyTo = "2" })},
		{"a reply to the bot is for the bot", direct(`"text":"/ps","reply_to_message":{"message_id":2,"from":{"id":7654321}}`), message(anna, func(m *bot.Message) { m.ReplyTo, m.Addressed = "2", true })},
		{"the implied reply to a topic's root is none", inTopic(`"message_thread_id":77,"is_topic_message":true,"text":"/ps","reply_to_message":{"message_id":77,"from":{"id":7654321}}`), message(group, func(m *bot.Message) { m.Thread.Topic = "77" })},
		{"nor where the root says that it made the topic", inTopic(`"message_thread_id":77,"is_topic_message":true,"text":"/ps","reply_to_message":{"message_id":78,"forum_topic_created":{"name":"x"}}`), message(group, func(m *bot.Message) { m.Thread.Topic = "77" })},
		{"a command with the bot's name", direct(`"text":"/run@Chapi_Bot  x @y"`), message(anna, text("/run  x @y", true))},
		{"a command with the bot's name and a new line", direct(`"text":"/sh@chapi_bot\nls"`), message(anna, text("/sh\nls", true))},
		{"a command to another bot", direct(`"text":"/run@other_bot x"`), nil},
		{"an address later in the text is none of ours", direct(`"text":"/run mail a@other_bot"`), message(anna, text("/run mail a@other_bot", false))},
		{"an address glued to more is text", direct(`"text":"/run@host.example x"`), message(anna, text("/run@host.example x", false))},
		{"a mention in front", direct(`"text":"@chapi_bot, run x"`), message(anna, text("run x", true))},
		{"a mention of somebody else", direct(`"text":"@chapi_bot2 run x"`), message(anna, text("@chapi_bot2 run x", false))},
		{"a block of code is known with its language, whatever is in front of it",
			direct(`"text":"/run@chapi_bot 🙂\nprint(1)\n","entities":[{"type":"bot_command","offset":0,"length":14},{"type":"pre","offset":18,"length":8,"language":"python"}]`),
			message(anna, func(m *bot.Message) {
				m.Text, m.Addressed = "/run 🙂\nprint(1)\n", true
				m.Code = &bot.CodeBlock{Language: "python", Text: "print(1)", From: 10, To: 18}
			})},
		{"a block in a caption is known too", direct(`"caption":"ls","caption_entities":[{"type":"pre","offset":0,"length":2}],"document":{"file_id":"D","file_name":"a"}`),
			message(anna, func(m *bot.Message) {
				m.Text, m.Code = "ls", &bot.CodeBlock{Text: "ls", To: 2}
				m.Attachments = []bot.Attachment{{Name: "a", MIME: "application/octet-stream", Ref: "D"}}
			})},
		{"marks that were sent as text are a block", direct("\"text\":\"```sh\\nls\\n```\""),
			message(anna, func(m *bot.Message) {
				m.Text, m.Code = "```sh\nls\n```", &bot.CodeBlock{Language: "sh", Text: "ls", To: 12}
			})},
		{"formatting of an unknown shape costs nothing", direct(`"text":"/ps","entities":{"future":[1]}`), message(anna, nil)},
		{"a file of an album says so", direct(`"media_group_id":"13","document":{"file_id":"D","file_name":"a"}`),
			message(anna, func(m *bot.Message) {
				m.Text, m.Album = "", "13"
				m.Attachments = []bot.Attachment{{Name: "a", MIME: "application/octet-stream", Ref: "D"}}
			})},
		{"a caption is the text", direct(`"caption":"/put","document":{"file_id":"D","file_name":"a.txt","mime_type":"text/plain","file_size":7}`),
			message(anna, func(m *bot.Message) {
				m.Text = "/put"
				files(bot.Attachment{Name: "a.txt", MIME: "text/plain", Size: 7, Ref: "D"})(m)
			})},
		{"the largest size of a photo", direct(`"text":"/ps","photo":[{"file_id":"S","width":90,"height":90},{"file_id":"L","width":900,"height":900,"file_size":5}]`),
			message(anna, files(bot.Attachment{Name: "photo-3.jpg", MIME: "image/jpeg", Size: 5, Ref: "L"}))},
		{"an animation is one file", direct(`"text":"/ps","animation":{"file_id":"A"},"document":{"file_id":"A"}`),
			message(anna, files(bot.Attachment{Name: "animation-3.mp4", MIME: "video/mp4", Ref: "A"}))},
		{"a voice note", direct(`"text":"/ps","voice":{"file_id":"V","mime_type":"audio/ogg"}`),
			message(anna, files(bot.Attachment{Name: "voice-3.ogg", MIME: "audio/ogg", Ref: "V"}))},
		{"a forward", direct(`"text":"/ps","forward_origin":{"type":"unheard of"}`), message(anna, origin(bot.Forwarded))},
		{"a forward of an old server", direct(`"text":"/ps","forward_date":1`), message(anna, origin(bot.Forwarded))},
		{"no forward", direct(`"text":"/ps","forward_origin":null`), message(anna, nil)},
		{"an inline result", direct(`"text":"/ps","via_bot":{"id":8,"is_bot":true}`), message(anna, origin(bot.ByBot))},
		{"a channel", direct(`"text":"/ps","sender_chat":{"id":-1001}`), message(anna, origin(bot.ByChat))},
		{"an automatic forward", direct(`"text":"/ps","is_automatic_forward":true,"forward_origin":{}`), message(anna, origin(bot.ByChat))},
		{"a message of a business account", direct(`"text":"/ps","business_connection_id":"x"`), nil},
		{"a guest's message", direct(`"text":"/ps","guest_query_id":"x"`), nil},
		{"a service message", direct(`"new_chat_members":[{"id":1}]`), nil},
		{"an unheard-of field of any shape", direct(`"text":"/ps","future":{"type":[1]},"entities":"broken","reply_markup":7`), message(anna, nil)},
		{"text that is not utf-8", direct("\"text\":\"/ps \xff\xfe\\ud800\""), message(anna, text("/ps \uFFFD\uFFFD\uFFFD", false))},
		{"a bot", strings.Replace(direct(`"text":"/ps"`), `"is_bot":false`, `"is_bot":true`, 1), message(anna, origin(bot.ByBot))},
		{"an anonymous administrator", strings.Replace(direct(`"text":"/ps"`), `"id":5,"is_bot":false`, `"id":1087968824,"is_bot":true`, 1),
			message(anna, func(m *bot.Message) { m.Origin, m.Account.User = bot.ByChat, "1087968824" })},
		{"a message from the future is new", strings.Replace(direct(`"text":"/ps"`), `"date":990`, `"date":2000`, 1), message(anna, func(m *bot.Message) { m.Age = 0 })},
		{"an edit never uses up its message", strings.Replace(direct(`"text":"/ps","edit_date":995`), `"message":{`, `"edited_message":{`, 1),
			message(anna, func(m *bot.Message) { m.Origin, m.Key = bot.Edited, m.Key+"/e/995" })},
		{"a press", `{"update_id":9,"callback_query":{"id":"44",` + fromAnna + `,"data":"h:0.1","message":{"message_id":3,"date":1,"message_thread_id":77,"is_topic_message":true,` + inGroup + `}}}`,
			message(group, func(m *bot.Message) {
				m.Key, m.Text, m.Button, m.Age, m.Addressed = "telegram/7654321/c/44", "", "h:0.1", 0, true
				m.Thread.Topic = "77"
			})},
		{"a press on a message too old to be told", `{"update_id":9,"callback_query":{"id":"44",` + fromAnna + `,"data":"h:0.1","message":{"message_id":3,"date":0,` + inDirect + `}}}`,
			message(anna, func(m *bot.Message) {
				m.Key, m.Text, m.Button, m.Age, m.Addressed = "telegram/7654321/c/44", "", "h:0.1", 0, true
			})},
		{"a press without a message", `{"update_id":9,"callback_query":{"id":"44",` + fromAnna + `,"data":"x","inline_message_id":"1"}}`, nil},
		{"a channel post", `{"update_id":9,"channel_post":{"message_id":3,"text":"/ps",` + inGroup + `}}`, nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got := testAdapter(t).readAll([]json.RawMessage{json.RawMessage(c.update)}, time.Unix(1000, 0))
			if got.last != 9 || got.bad != 0 || got.needsName {
				t.Errorf("last %d, bad %d, needs name %v", got.last, got.bad, got.needsName)
			}
			var want []bot.Message
			if c.want != nil {
				want = []bot.Message{*c.want}
			}
			if diff := cmp.Diff(want, got.messages); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneBadUpdateStopsNoOther(t *testing.T) {
	good := strings.NewReplacer("9", "12", `"message_id":3`, `"message_id":4`).Replace(head) + fromAnna + "," + inDirect + `,"text":"x"}}`
	got := testAdapter(t).readAll([]json.RawMessage{
		json.RawMessage(`{"update_id":10,"message":{"message_id":"three"}}`),
		json.RawMessage(`7`),
		json.RawMessage(`{"update_id":11,"unheard_of":{}}`),
		json.RawMessage(good),
		json.RawMessage(`{"update_id":99999999999}`),
	}, time.Now())
	if got.bad != 3 || got.last != 12 || len(got.messages) != 1 {
		t.Errorf("bad %d, last %d, %d messages; want 3, 12, 1", got.bad, got.last, len(got.messages))
	}
}

func TestMigrationIsToldOnce(t *testing.T) {
	got := testAdapter(t).readAll([]json.RawMessage{
		json.RawMessage(`{"update_id":1,"message":{"message_id":3,"chat":{"id":-55,"type":"group"},"migrate_to_chat_id":-1009876543210}}`),
		json.RawMessage(`{"update_id":2,"message":{"message_id":1,"chat":{"id":-1009876543210,"type":"supergroup"},"migrate_from_chat_id":-55}}`),
	}, time.Now())
	want := []bot.Move{{From: thread(-55, 0), To: thread(-1009876543210, 0)}}
	if diff := cmp.Diff(want, got.moves); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestCommandsWithANameWaitForTheBotsOwn(t *testing.T) {
	a := testAdapter(t)
	a.me.Store(nil)
	for text, want := range map[string]bool{"/ps": false, "/ps@x_bot": true, "@x_bot ps": true, "mail me@home": false} {
		raw := head + fromAnna + "," + inDirect + `,"text":"` + text + `"}}`
		if got := a.readAll([]json.RawMessage{json.RawMessage(raw)}, time.Now()); got.needsName != want {
			t.Errorf("%q needs the name: %v, want %v", text, got.needsName, want)
		}
	}
}

// FuzzUpdates feeds the decoder anything that a server might answer.
func FuzzUpdates(f *testing.F) {
	f.Add([]byte(`[` + head + fromAnna + `,` + inDirect + `,"text":"/run@chapi_bot x"}}]`))
	f.Add([]byte(`[{"update_id":9,"callback_query":{"id":"44",` + fromAnna + `,"data":"h:0.1","message":{"message_id":3,"date":0,` + inGroup + `}}}]`))
	f.Add([]byte(`[{"update_id":1,"message":{"message_id":3,"chat":{"id":-55},"migrate_to_chat_id":-1009876543210,"reply_to_message":{}}},{"update_id":-1},7,null]`))
	f.Add([]byte(`[{"update_id":1,"message":{"message_id":3,"chat":{"id":5},"photo":[{"file_id":"x"}],"from":{}}}]`))
	a := testAdapter(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var raw []json.RawMessage
		if json.Unmarshal(body, &raw) != nil {
			return
		}
		got := a.readAll(raw, time.Unix(1000, 0))
		if len(got.presses) != len(got.messages) {
			t.Fatalf("%d messages, %d presses", len(got.messages), len(got.presses))
		}
		if got.last < 0 || got.last > maxUpdateID {
			t.Fatalf("last = %d", got.last)
		}
		for _, m := range got.messages {
			if !utf8.ValidString(m.Text) || m.Age < 0 || m.Key == "" || m.Thread.Chat == "" {
				t.Fatalf("message = %+v", m)
			}
			if m.Button != "" && m.Text != "" {
				t.Fatalf("a press with text: %+v", m)
			}
			if _, _, err := place(m.Thread); err != nil && m.Thread.Topic != "" {
				continue // a topic that no server would name is refused when it is written to
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
