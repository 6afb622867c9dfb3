package telegramtest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"
)

func picture(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pictureHeader is as much of a PNG as tells its size.
func pictureHeader(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = append(binary.BigEndian.AppendUint32(chunk, height), 8, 0, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(b, chunk...), crc32.ChecksumIEEE(chunk))
}

func repeat(n int, item string) string { return strings.TrimSuffix(strings.Repeat(item+",", n), ",") }

// stage is the world that every case of the table starts from.
type stage struct {
	*world
	text     int // a text message of the bot in the private chat
	keyed    int // ... with an inline keyboard
	photo    int // a photo of the bot there
	keyboard int // a message that was sent with a reply keyboard
	said     int // a message of ann in the supergroup
	fileID   string
	gone     int // a deleted topic
	closed   int // a closed topic
}

func newStage(t *testing.T) *stage {
	s := &stage{world: newWorld(t, Options{ReadAll: true})}
	s.text = s.must("sendMessage", "chat_id", 1001, "text", "hello").messageID(t)
	s.keyed = s.must("sendMessage", "chat_id", 1001, "text", "keys", "reply_markup", keyA).messageID(t)
	s.photo = s.upload("sendPhoto", "chat_id", "1001", "caption", "old", file{"photo", "p.png", picture(t, 20, 20)}).messageID(t)
	s.keyboard = s.must("sendMessage", "chat_id", 1001, "text", "pick", "reply_markup", `{"keyboard":[[{"text":"A"}]]}`).messageID(t)
	s.said = s.super.Say(s.ann, "hello all").ID
	m, _ := s.dm.Message(s.photo)
	s.fileID = m.File.ID
	s.gone = s.forum.AddTopic("gone", s.ann)
	s.forum.DeleteTopic(s.gone)
	s.closed = s.forum.AddTopic("closed", s.ann)
	s.forum.CloseTopic(s.closed)
	return s
}

const keyA = `{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]}`

func TestCallsAreRefusedWithTheTextOfTheRealServer(t *testing.T) {
	long := strings.Repeat("x", 4097)
	const dm, super, basic, forum = 1001, superID, -4001, forumID
	type args []any
	tests := []struct {
		rule   string
		before func(s *stage)
		method string
		args   func(s *stage) args
		code   int // 400 if 0
		want   string
	}{
		{rule: "a chat must be named", method: "sendMessage", args: func(*stage) args { return args{"text", "x"} }, want: "chat_id is empty"},
		{rule: "a chat must be known", method: "sendMessage", args: func(*stage) args { return args{"chat_id", 5, "text", "x"} }, want: "chat not found"},
		{rule: "a chat id is a number", method: "sendMessage", args: func(*stage) args { return args{"chat_id", "abc", "text", "x"} }, want: "chat not found"},
		{rule: "a blocked bot cannot send", before: func(s *stage) { s.Block(s.ann) }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", dm, "text", "x"} }, code: 403, want: "Forbidden: bot was blocked by the user"},
		{rule: "a kicked bot cannot send to a supergroup", before: func(s *stage) { s.super.Kick() }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", super, "text", "x"} }, code: 403, want: "Forbidden: bot was kicked from the supergroup chat"},
		{rule: "a kicked bot cannot send to a group", before: func(s *stage) { s.basic.Kick() }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", basic, "text", "x"} }, code: 403, want: "Forbidden: bot was kicked from the group chat"},
		{rule: "a kicked bot cannot edit", before: func(s *stage) { s.super.Kick() }, method: "editMessageText",
			args: func(s *stage) args { return args{"chat_id", super, "message_id", s.said, "text", "x"} }, code: 403, want: "Forbidden: bot was kicked from the supergroup chat"},
		{rule: "a bot that left is no member", before: func(s *stage) { s.must("leaveChat", "chat_id", super) }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", super, "text", "x"} }, code: 403, want: "Forbidden: bot is not a member of the supergroup chat"},
		{rule: "a person must have written first", method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", 1002, "text", "x"} }, code: 403, want: "Forbidden: bot can't initiate conversation with a user"},
		{rule: "bots cannot be written to", before: func(s *stage) { s.AddUser(77, "Other", IsBot()) }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", 77, "text", "x"} }, code: 403, want: "Forbidden: bot can't send messages to bots"},
		{rule: "an upgraded group refuses", before: func(s *stage) { s.basic.Migrate() }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", basic, "text", "x"} }, want: "Bad Request: group chat was upgraded to a supergroup chat"},
		{rule: "text needs the right", before: func(s *stage) { s.super.SetRights(Rights{NoText: true}) }, method: "sendMessage",
			args: func(*stage) args { return args{"chat_id", super, "text", "x"} }, want: "not enough rights to send text messages to the chat"},
		{rule: "documents need the right", before: func(s *stage) { s.super.SetRights(Rights{NoDocuments: true}) }, method: "sendDocument",
			args: func(s *stage) args { return args{"chat_id", super, file{"document", "a", []byte("x")}} }, want: "not enough rights to send documents to the chat"},
		{rule: "photos need the right", before: func(s *stage) { s.super.SetRights(Rights{NoPhotos: true}) }, method: "sendPhoto",
			args: func(s *stage) args { return args{"chat_id", super, "photo", s.fileID} }, want: "not enough rights to send photos to the chat"},
		{rule: "strings are UTF-8", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "a\xffb"} }, want: "strings must be encoded in UTF-8"},

		{rule: "a text must be there", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm} }, want: "message text is empty"},
		{rule: "a text has at most 32768 bytes", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", strings.Repeat("é", 16385)} }, want: "text is too long"},
		{rule: "blanks are no text", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", " \n\t\u200b\u200e"} }, want: "text must be non-empty"},
		{rule: "a text has at most 4096 code points", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", long} }, want: "message is too long"},
		{rule: "4097 emoji are too many", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", strings.Repeat("😀", 4097)} }, want: "message is too long"},
		{rule: "parse modes are known", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "x", "parse_mode", "rtf"} }, want: "unsupported parse_mode"},

		{rule: "HTML tags are known", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "ab <x>c</x>", "parse_mode", "HTML"} },
			want: `can't parse entities: Unsupported start tag "x" at byte offset 3`},
		{rule: "HTML start tags end", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "a <b", "parse_mode", "html"} },
			want: "can't parse entities: Unclosed start tag at byte offset 2"},
		{rule: "HTML end tags have a start", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "a</b>", "parse_mode", "HTML"} },
			want: "can't parse entities: Unexpected end tag at byte offset 1"},
		{rule: "HTML tags match", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "<b>a</i>", "parse_mode", "HTML"} },
			want: `can't parse entities: Unmatched end tag at byte offset 4, expected "</b>", found "</i>"`},
		{rule: "HTML tags are closed", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "<b>a", "parse_mode", "HTML"} },
			want: `can't parse entities: Can't find end tag corresponding to start tag "b"`},
		{rule: "MarkdownV2 wants escapes", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "a.b", "parse_mode", "MarkdownV2"} },
			want: `can't parse entities: Character '.' is reserved and must be escaped with the preceding '\'`},
		{rule: "MarkdownV2 entities end", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "a *b", "parse_mode", "MarkdownV2"} },
			want: `can't parse entities: Can't find end of Bold entity at byte offset 2`},

		{rule: "entities are objects", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "abc", "entities", `[1]`} },
			want: "can't parse MessageEntity: expected an Object"},
		{rule: "entities have known types", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "abc", "entities", `[{"type":"blink","offset":0,"length":1}]`}
		}, want: "can't parse MessageEntity: "},
		{rule: "an entity does not begin inside a symbol", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "a😀b", "entities", `[{"type":"bold","offset":2,"length":2}]`}
		}, want: "entity begins in a middle of a UTF-16 symbol at byte offset 5"},
		{rule: "an entity does not end inside a symbol", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "a😀b", "entities", `[{"type":"bold","offset":0,"length":2}]`}
		}, want: "entity ends in a middle of a UTF-16 symbol at byte offset 5"},
		{rule: "an entity ends within the text", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "a😀b", "entities", `[{"type":"bold","offset":3,"length":2}]`}
		}, want: "entity beginning at UTF-16 offset 3 ends after the end of the text at UTF-16 offset 4"},
		{rule: "entity data has a bound", method: "sendMessage", args: func(*stage) args {
			var all []string
			for i := range 99 {
				all = append(all, fmt.Sprintf(`{"type":"text_link","offset":%d,"length":1,"url":"https://example.com/%s"}`, 2*i, strings.Repeat("p", 80)))
			}
			return args{"chat_id", dm, "text", strings.Repeat("x ", 200), "entities", "[" + strings.Join(all, ",") + "]"}
		}, want: "ENTITIES_TOO_LONG"},
		{rule: "a caption has at most 1024 code points", method: "sendDocument", args: func(*stage) args {
			return args{"chat_id", dm, "caption", strings.Repeat("x", 1025), file{"document", "a", []byte("x")}}
		}, want: "message caption is too long"},

		{rule: "the message to reply to exists", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "x", "reply_parameters", `{"message_id":999}`}
		}, want: "message to be replied not found"},
		{rule: "reply parameters are JSON", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "x", "reply_parameters", `{`} },
			want: "can't parse reply parameters JSON object"},
		{rule: "a topic exists", method: "sendMessage", args: func(*stage) args { return args{"chat_id", forum, "text", "x", "message_thread_id", 4711} }, want: "message thread not found"},
		{rule: "a deleted topic is gone", method: "sendMessage", args: func(s *stage) args { return args{"chat_id", forum, "text", "x", "message_thread_id", s.gone} }, want: "message thread not found"},
		{rule: "General has no thread id for messages", method: "sendMessage", args: func(*stage) args { return args{"chat_id", forum, "text", "x", "message_thread_id", 1} }, want: "message thread not found"},
		{rule: "a closed topic takes nothing", method: "sendMessage", args: func(s *stage) args { return args{"chat_id", forum, "text", "x", "message_thread_id", s.closed} }, want: "Bad Request: TOPIC_CLOSED"},

		{rule: "markup is JSON", method: "sendMessage", args: func(*stage) args { return args{"chat_id", dm, "text", "x", "reply_markup", `{`} },
			want: "can't parse reply keyboard markup JSON object"},
		{rule: "an inline button does something", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "x", "reply_markup", `{"inline_keyboard":[[{"text":"A"}]]}`}
		}, want: "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"},
		{rule: "callback data has at most 64 bytes", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "x", "reply_markup", `{"inline_keyboard":[[{"text":"A","callback_data":"` + strings.Repeat("é", 33) + `"}]]}`}
		}, want: "Bad Request: BUTTON_DATA_INVALID"},
		{rule: "callback data is not empty", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "x", "reply_markup", `{"inline_keyboard":[[{"text":"A","callback_data":""}]]}`}
		}, want: "Bad Request: BUTTON_DATA_INVALID"},
		{rule: "a keyboard has a bound", method: "sendMessage", args: func(*stage) args {
			return args{"chat_id", dm, "text", "x", "reply_markup", `{"inline_keyboard":[[` + repeat(101, `{"text":"A","callback_data":"a"}`) + `]]}`}
		}, want: "reply markup is too long"},

		{rule: "the message to edit exists", method: "editMessageText", args: func(*stage) args { return args{"chat_id", dm, "message_id", 999, "text", "x"} }, want: "message to edit not found"},
		{rule: "others' messages cannot be edited", method: "editMessageText", args: func(s *stage) args { return args{"chat_id", super, "message_id", s.said, "text", "x"} }, want: "message can't be edited"},
		{rule: "a message with a reply keyboard cannot be edited", method: "editMessageText", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.keyboard, "text", "x"}
		}, want: "message can't be edited"},
		{rule: "a photo has no text to edit", method: "editMessageText", args: func(s *stage) args { return args{"chat_id", dm, "message_id", s.photo, "text", "x"} }, want: "there is no text in the message to edit"},
		{rule: "an equal text is not modified", method: "editMessageText", args: func(s *stage) args { return args{"chat_id", dm, "message_id", s.text, "text", "hello"} },
			want: "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"},
		{rule: "trailing blanks are no modification", method: "editMessageText", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.text, "text", "\thello \n\r\n"}
		}, want: "message is not modified"},
		{rule: "an equal keyboard is not modified", method: "editMessageReplyMarkup", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.keyed, "reply_markup", `{ "inline_keyboard": [[{"callback_data":"a","text":"A"}],[]] }`}
		}, want: "message is not modified"},
		{rule: "an edit too long has its own text", method: "editMessageText", args: func(s *stage) args { return args{"chat_id", dm, "message_id", s.text, "text", long} }, want: "Bad Request: MESSAGE_TOO_LONG"},
		{rule: "a message to edit must be named", method: "editMessageText", args: func(s *stage) args { return args{"text", "x"} }, want: "message identifier is not specified"},
		{rule: "only inline keyboards are edited", method: "editMessageReplyMarkup", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.text, "reply_markup", `{"remove_keyboard":true}`}
		}, want: "inline keyboard expected"},
		{rule: "a text has no caption to edit", method: "editMessageCaption", args: func(s *stage) args { return args{"chat_id", dm, "message_id", s.text, "caption", "x"} }, want: "there is no caption in the message to edit"},
		{rule: "an equal caption is not modified", method: "editMessageCaption", args: func(s *stage) args { return args{"chat_id", dm, "message_id", s.photo, "caption", "old"} }, want: "message is not modified"},
		{rule: "a voice note cannot become something else", before: func(s *stage) {
			s.text = s.upload("sendVoice", "chat_id", "1001", file{"voice", "v", []byte("x")}).messageID(s.t)
		}, method: "editMessageMedia", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.text, "media", `{"type":"photo","media":"` + s.fileID + `"}`}
		}, want: "message media can't be edited"},
		{rule: "the message to delete exists", method: "deleteMessage", args: func(*stage) args { return args{"chat_id", dm, "message_id", 999} }, want: "message to delete not found"},
		{rule: "others' messages are deleted by right only", method: "deleteMessage", args: func(s *stage) args { return args{"chat_id", super, "message_id", s.said} }, want: "message can't be deleted"},

		{rule: "the message to pin exists", method: "pinChatMessage", args: func(*stage) args { return args{"chat_id", dm, "message_id", 999} }, want: "message to pin not found"},
		{rule: "in a group pinning is a right", method: "pinChatMessage", args: func(s *stage) args { return args{"chat_id", super, "message_id", s.said} }, want: "not enough rights to manage pinned messages in the chat"},
		{rule: "a photo must be there", method: "sendPhoto", args: func(*stage) args { return args{"chat_id", dm} }, want: "there is no photo in the request"},
		{rule: "a document must be there", method: "sendDocument", args: func(*stage) args { return args{"chat_id", dm, "document", "attach://x"} }, want: "there is no document in the request"},
		{rule: "a video must be there", method: "sendVideo", args: func(*stage) args { return args{"chat_id", dm} }, want: "there is no video in the request"},
		{rule: "an animation must be there", method: "sendAnimation", args: func(*stage) args { return args{"chat_id", dm} }, want: "there is no animation in the request"},
		{rule: "file ids are known", method: "sendDocument", args: func(*stage) args { return args{"chat_id", dm, "document", "BQACxxx"} }, want: "wrong file identifier/HTTP URL specified"},
		{rule: "files are not empty", method: "sendDocument", args: func(*stage) args { return args{"chat_id", dm, file{"document", "a", nil}} }, want: "file must be non-empty"},
		{rule: "a photo has at most 10 MiB", method: "sendPhoto", args: func(*stage) args {
			return args{"chat_id", dm, file{"photo", "a.png", make([]byte, 10<<20+1)}}
		}, want: "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"},
		{rule: "a photo is not too long and thin", method: "sendPhoto", args: func(s *stage) args {
			return args{"chat_id", dm, file{"photo", "a.png", picture(s.t, 210, 10)}}
		}, want: "Bad Request: PHOTO_INVALID_DIMENSIONS"},
		{rule: "a photo is not too large", method: "sendPhoto", args: func(s *stage) args {
			return args{"chat_id", dm, file{"photo", "a.png", pictureHeader(5001, 5000)}}
		}, want: "Bad Request: PHOTO_INVALID_DIMENSIONS"},
		{rule: "a photo is an image", method: "sendPhoto", args: func(*stage) args { return args{"chat_id", dm, file{"photo", "a.png", []byte("text")}} }, want: "IMAGE_PROCESS_FAILED"},
		{rule: "an upload has at most 50 MB", method: "sendDocument", args: func(*stage) args {
			return args{"chat_id", dm, file{"document", "a", make([]byte, 50<<20+1)}}
		}, code: 413, want: "Request Entity Too Large"},
		{rule: "part names are unique", method: "sendDocument", args: func(*stage) args {
			return args{"chat_id", dm, "chat_id", dm, file{"document", "a", []byte("x")}}
		}, want: "duplicate part"},

		{rule: "an album has media", method: "sendMediaGroup", args: func(*stage) args { return args{"chat_id", dm} }, want: `parameter "media" is required`},
		{rule: "an album has at most 10", method: "sendMediaGroup", args: func(s *stage) args {
			return args{"chat_id", dm, "media", "[" + repeat(11, `{"type":"photo","media":"`+s.fileID+`"}`) + "]"}
		}, want: "too many messages to send as an album"},
		{rule: "documents are not mixed with photos", method: "sendMediaGroup", args: func(s *stage) args {
			return args{"chat_id", dm, "media", `[{"type":"photo","media":"` + s.fileID + `"},{"type":"document","media":"x"}]`}
		}, want: "document can't be mixed with other media types"},
		{rule: "animations are not in albums", method: "sendMediaGroup", args: func(s *stage) args {
			return args{"chat_id", dm, "media", `[{"type":"animation","media":"x"}]`}
		}, want: `can't parse InputMedia: type "animation" can't be used in sendMediaGroup`},
		{rule: "an album names what failed", method: "sendMediaGroup", args: func(s *stage) args {
			return args{"chat_id", dm, "media", `[{"type":"photo","media":"` + s.fileID + `"},{"type":"photo","media":"nope"}]`}
		}, want: `failed to send message #2 with the error message "wrong file identifier/HTTP URL specified"`},

		{rule: "actions are known", method: "sendChatAction", args: func(*stage) args { return args{"chat_id", dm, "action", "dance"} }, want: "wrong parameter action in request"},
		{rule: "a basic group has no threads for actions", method: "sendChatAction", args: func(*stage) args {
			return args{"chat_id", basic, "action", "typing", "message_thread_id", 3}
		}, want: "chat is not a forum"},
		{rule: "callback queries are known", method: "answerCallbackQuery", args: func(*stage) args { return args{"callback_query_id", "123"} },
			want: "query is too old and response timeout expired or query ID is invalid"},
		{rule: "a file id must be given", method: "getFile", args: func(*stage) args { return nil }, want: "file_id not specified"},
		{rule: "a file id must be known to getFile", method: "getFile", args: func(*stage) args { return args{"file_id", "x"} }, want: "wrong file_id or the file is temporarily unavailable"},
		{rule: "getFile carries 20 MB", method: "getFile", args: func(s *stage) args {
			return args{"file_id", s.dm.Say(s.ann, "", WithDocument("a", []byte("x")), WithFileSize(20<<20+1)).File.ID}
		}, want: "file is too big"},
		{rule: "reactions are in the list", method: "setMessageReaction", args: func(s *stage) args {
			return args{"chat_id", dm, "message_id", s.text, "reaction", `[{"type":"emoji","emoji":"🥔"}]`}
		}, want: "Bad Request: REACTION_INVALID"},
		{rule: "a group may disallow reactions", before: func(s *stage) { s.super.AllowReactions() }, method: "setMessageReaction", args: func(s *stage) args {
			return args{"chat_id", super, "message_id", s.said, "reaction", `[{"type":"emoji","emoji":"👍"}]`}
		}, want: "Bad Request: REACTION_INVALID"},

		{rule: "a command has a name", method: "setMyCommands", args: func(*stage) args { return args{"commands", `[{"command":"","description":"x"}]`} }, want: "command must be non-empty"},
		{rule: "a command has at most 32 letters", method: "setMyCommands", args: func(*stage) args {
			return args{"commands", `[{"command":"` + strings.Repeat("a", 33) + `","description":"x"}]`}
		}, want: "command length must not exceed 32"},
		{rule: "a command has a description", method: "setMyCommands", args: func(*stage) args { return args{"commands", `[{"command":"a","description":" "}]`} }, want: "command description must be non-empty"},
		{rule: "a description has a bound", method: "setMyCommands", args: func(*stage) args {
			return args{"commands", `[{"command":"a","description":"` + strings.Repeat("a", 257) + `"}]`}
		}, want: "command description length must not exceed 256"},
		{rule: "command letters are a-z 0-9 _", method: "setMyCommands", args: func(*stage) args { return args{"commands", `[{"command":"Run","description":"x"}]`} }, want: "Bad Request: BOT_COMMAND_INVALID"},
		{rule: "a menu has at most 100 commands", method: "setMyCommands", args: func(*stage) args {
			return args{"commands", "[" + repeat(101, `{"command":"a","description":"x"}`) + "]"}
		}, want: "Bad Request: BOT_COMMANDS_TOO_MUCH"},
		{rule: "a scope's chat exists", method: "setMyCommands", args: func(*stage) args {
			return args{"commands", `[{"command":"a","description":"x"}]`, "scope", `{"type":"chat","chat_id":5}`}
		}, want: "chat not found"},

		{rule: "topics are opened in forums", method: "createForumTopic", args: func(*stage) args { return args{"chat_id", super, "name", "x"} }, want: "the chat is not a forum"},
		{rule: "topics are opened in private chats only with topics", method: "createForumTopic", args: func(*stage) args { return args{"chat_id", dm, "name", "x"} }, want: "the chat is not a forum"},
		{rule: "topics are opened by right", method: "createForumTopic", args: func(*stage) args { return args{"chat_id", forum, "name", "x"} }, want: "not enough rights to create a topic"},
		{rule: "administrators need the right too", before: func(s *stage) { s.forum.SetRights(Rights{Admin: true}) }, method: "createForumTopic",
			args: func(*stage) args { return args{"chat_id", forum, "name", "x"} }, want: "not enough rights to create a topic"},
		{rule: "a topic has a name", before: func(s *stage) { s.forum.SetRights(Rights{Admin: true, ManageTopics: true}) }, method: "createForumTopic",
			args: func(*stage) args { return args{"chat_id", forum, "name", " "} }, want: "Bad Request: TOPIC_TITLE_EMPTY"},
		{rule: "drafts are for private chats", method: "sendMessageDraft", args: func(*stage) args { return args{"chat_id", super, "draft_id", 1, "text", "x"} }, want: "Bad Request: "},
		{rule: "a draft id is not zero", method: "sendMessageDraft", args: func(*stage) args { return args{"chat_id", dm, "draft_id", 0, "text", "x"} }, want: "Bad Request: "},
		{rule: "methods are known", method: "sendTelepathy", args: func(*stage) args { return nil }, code: 404, want: "Not Found: method not found"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			if tt.before != nil {
				tt.before(s)
			}
			before := s.dm.Len() + s.super.Len() + s.forum.Len() + s.basic.Len()
			list := tt.args(s)
			if said := s.dm.Len() + s.super.Len() + s.forum.Len() + s.basic.Len(); said != before {
				before = said // the arguments made a message
			}
			files := false
			for _, a := range list {
				_, isFile := a.(file)
				files = files || isFile
			}
			var got answer
			if files {
				got = s.upload(tt.method, list...)
			} else {
				got = s.call(tt.method, list...)
			}
			code := cmp.Or(tt.code, 400)
			if got.OK || got.status != code || got.Code != code || !strings.Contains(got.Description, tt.want) {
				t.Errorf("got %d %.300s, want %d %q", got.status, got.body, code, tt.want)
			}
			if after := s.dm.Len() + s.super.Len() + s.forum.Len() + s.basic.Len(); after != before {
				t.Errorf("a refused call left %d messages", after-before)
			}
			if len(s.Refusals()) != 1 || len(s.Problems()) == 0 {
				t.Errorf("refusals %v, problems %v, want one each", s.Refusals(), s.Problems())
			}
			s.Expect(tt.method, tt.want)
			s.Check(t)
		})
	}
}

func TestLimitsAreReachedExactly(t *testing.T) {
	s := newStage(t)
	s.must("sendMessage", "chat_id", 1001, "text", strings.Repeat("😀", 4096))
	s.must("sendMessage", "chat_id", 1001, "text", strings.Repeat("x", 4096)+"   \n")
	s.must("editMessageText", "chat_id", 1001, "message_id", s.text, "text", strings.Repeat("y", 4096))
	s.must("sendMessage", "chat_id", 1001, "text", "x", "reply_markup", `{"inline_keyboard":[[{"text":"A","callback_data":"`+strings.Repeat("é", 32)+`"}]]}`)
	s.must("editMessageCaption", "chat_id", 1001, "message_id", s.photo, "caption", strings.Repeat("é", 1024))
	if a := s.upload("sendDocument", "chat_id", "1001", file{"document", "a", make([]byte, 50<<20)}); !a.OK {
		t.Errorf("50 MiB: %s", a.body)
	}
	if a := s.upload("sendPhoto", "chat_id", "1001", file{"photo", "a.png", picture(t, 200, 10)}); !a.OK {
		t.Errorf("ratio 20: %s", a.body)
	}
	s.Check(t)
}

func TestTokensAndPaths(t *testing.T) {
	w := newWorld(t, Options{Clock: newClock().Now})
	for _, tt := range []struct {
		rule, path string
		code       int
		text       string
	}{
		{"method names are case-insensitive", "/bot" + w.Token() + "/GETME", 200, ""},
		{"a token without a colon is malformed", "/botabc/getMe", 401, "Unauthorized: invalid token specified"},
		{"a token does not begin with 0", "/bot0123:abc/getMe", 401, "Unauthorized: invalid token specified"},
		{"a token has at most 80 characters", "/bot1:" + strings.Repeat("a", 80) + "/getMe", 401, "Unauthorized: invalid token specified"},
		{"another token is unknown", "/bot123:abc/getMe", 401, "Unauthorized"},
		{"other paths lead nowhere", "/somewhere", 404, "Not Found"},
		{"a method is one word", "/bot" + w.Token() + "/getMe/x", 404, "Not Found"},
		{"the root leads nowhere", "/", 404, "Not Found"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			resp, err := w.client.Get(w.URL() + tt.path)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var b bytes.Buffer
			b.ReadFrom(resp.Body)
			if resp.StatusCode != tt.code || !strings.Contains(b.String(), tt.text) {
				t.Errorf("got %d %s, want %d %q", resp.StatusCode, b.String(), tt.code, tt.text)
			}
			if d := resp.Header.Get("Date"); d != "Sat, 21 Nov 2026 12:00:00 GMT" {
				t.Errorf("Date %q is not the server's clock", d)
			}
		})
	}
	w.Revoke()
	if a := w.call("getMe"); a.status != 401 || a.Description != "Unauthorized" {
		t.Errorf("revoked: %s", a.body)
	}
	w.Restore()
	w.must("getMe")
}

func TestParametersComeFromEveryPlace(t *testing.T) {
	w := newWorld(t, Options{})
	for _, tt := range []struct{ rule, query, kind, body string }{
		{"from the query", "?chat_id=1001&text=a+b%21", "", ""},
		{"from a form", "", "application/x-www-form-urlencoded; charset=utf-8", "chat_id=1001&text=a+b%21"},
		{"from JSON", "", "application/json", `{"chat_id":1001,"text":"a b\u0021","reply_markup":{"inline_keyboard":[[{"text":"A","callback_data":"a"}]]},"x":null}`},
		{"from both", "?chat_id=1001", "application/x-www-form-urlencoded", "text=a%20b!"},
		{"from multipart", "", "multipart/form-data; boundary=zz", "--zz\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n1001\r\n--zz\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\na b!\r\n--zz--\r\n"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			resp, err := w.client.Post(w.path("sendmessage")+tt.query, tt.kind, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if m, ok := w.dm.Last(); !ok || resp.StatusCode != 200 || m.Text != "a b!" {
				t.Errorf("got %d and %q", resp.StatusCode, m.Text)
			}
		})
	}
	if got := w.Done("sendMessage"); got != 5 {
		t.Errorf("%d sends, want 5", got)
	}
}

func TestDeletingEndsAfterTwoDays(t *testing.T) {
	c := newClock()
	w := newWorld(t, Options{Clock: c.Now})
	first := w.must("sendMessage", "chat_id", 1001, "text", "a").messageID(t)
	second := w.must("sendMessage", "chat_id", 1001, "text", "b").messageID(t)
	c.Advance(48 * time.Hour)
	w.must("deleteMessage", "chat_id", 1001, "message_id", first)
	c.Advance(time.Second)
	if a := w.call("deleteMessage", "chat_id", 1001, "message_id", second); !strings.Contains(a.Description, "message can't be deleted") {
		t.Errorf("after 48 h: %s", a.body)
	}
	w.must("editMessageText", "chat_id", 1001, "message_id", second, "text", "edits have no such limit")
	third := w.must("sendMessage", "chat_id", 1001, "text", "c").messageID(t)
	w.must("deleteMessages", "chat_id", 1001, "message_ids", fmt.Sprintf("[%d,%d,999]", first, third))
	if m, _ := w.dm.Message(third); !m.Deleted {
		t.Error("deleteMessages did not delete")
	}
}
