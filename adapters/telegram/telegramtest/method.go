package telegramtest

import "strings"

// method is one method of the Bot API.
type method struct {
	name string
	// run executes it and appends the JSON of the result to rq.out. Unless
	// waits is set it holds the server's lock.
	run   func(s *Server, rq *request) error
	waits bool
}

// methods are the methods of this server by lower-case name. What is not here
// is answered as the real server answers an unknown method.
var methods = func() map[string]*method {
	list := []*method{
		{name: "getMe", run: (*Server).getMe},
		{name: "getUpdates", run: (*Server).getUpdates, waits: true},
		{name: "setWebhook", run: (*Server).setWebhook},
		{name: "deleteWebhook", run: (*Server).deleteWebhook},
		{name: "getWebhookInfo", run: (*Server).getWebhookInfo},

		{name: "sendMessage", run: (*Server).sendMessage},
		{name: "sendPhoto", run: mediaMethod("photo")},
		{name: "sendDocument", run: mediaMethod("document")},
		{name: "sendVideo", run: mediaMethod("video")},
		{name: "sendAnimation", run: mediaMethod("animation")},
		{name: "sendAudio", run: mediaMethod("audio")},
		{name: "sendVoice", run: mediaMethod("voice")},
		{name: "sendMediaGroup", run: (*Server).sendMediaGroup},
		{name: "sendMessageDraft", run: (*Server).sendMessageDraft},
		{name: "sendChatAction", run: (*Server).sendChatAction},

		{name: "editMessageText", run: (*Server).editMessageText},
		{name: "editMessageCaption", run: (*Server).editMessageCaption},
		{name: "editMessageMedia", run: (*Server).editMessageMedia},
		{name: "editMessageReplyMarkup", run: (*Server).editMessageReplyMarkup},
		{name: "deleteMessage", run: (*Server).deleteMessage},
		{name: "deleteMessages", run: (*Server).deleteMessages},
		{name: "pinChatMessage", run: (*Server).pinChatMessage},
		{name: "setMessageReaction", run: (*Server).setMessageReaction},
		{name: "answerCallbackQuery", run: (*Server).answerCallbackQuery},

		{name: "getFile", run: (*Server).getFile},
		{name: "getChat", run: (*Server).getChat},
		{name: "getChatMember", run: (*Server).getChatMember},
		{name: "leaveChat", run: (*Server).leaveChat},

		{name: "createForumTopic", run: (*Server).createForumTopic},
		{name: "editForumTopic", run: (*Server).editForumTopic},
		{name: "closeForumTopic", run: (*Server).closeForumTopic},
		{name: "reopenForumTopic", run: (*Server).reopenForumTopic},
		{name: "deleteForumTopic", run: (*Server).deleteForumTopic},

		{name: "setMyCommands", run: (*Server).setMyCommands},
		{name: "getMyCommands", run: (*Server).getMyCommands},
		{name: "deleteMyCommands", run: (*Server).deleteMyCommands},
	}
	m := make(map[string]*method, len(list))
	for _, one := range list {
		m[strings.ToLower(one.name)] = one
	}
	return m
}()

// getMe describes the bot.
func (s *Server) getMe(rq *request) error {
	b := append(rq.out, '{')
	b = appendUserMembers(b, s.bot)
	b = append(b, `,"can_join_groups":true,"can_read_all_group_messages":`...)
	b = appendBool(b, s.opts.ReadAll)
	b = append(b, `,"supports_inline_queries":false,"can_connect_to_business":false,"has_main_web_app":false,"has_topics_enabled":`...)
	b = appendBool(b, s.opts.PrivateTopics)
	b = append(b, `,"allows_users_to_create_topics":`...)
	b = appendBool(b, s.opts.PrivateTopics)
	rq.out = append(b, '}')
	return nil
}

// success is the result of methods that return True.
func (rq *request) success() error {
	rq.out = append(rq.out, "true"...)
	return nil
}
