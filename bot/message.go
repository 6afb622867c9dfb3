package bot

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// The identifiers of a network. They are opaque here: only the adapter that
// made one knows what is inside, and only that adapter may parse it.
type (
	// ChatID names a chat; unique within its adapter.
	ChatID string
	// TopicID names a topic (a forum topic, a thread) within its chat. Empty
	// is the chat itself.
	TopicID string
	// MessageID names a message; unique only within its chat.
	MessageID string
	// UserID names a person's account; unique within its adapter. It is the
	// network's permanent number, never a name that can be given to another.
	UserID string
)

// Thread says where: calls, sessions and deliveries are tied to one. It is
// comparable and may be used as a map key. The zero value is nowhere.
type Thread struct {
	Adapter string
	Chat    ChatID
	Topic   TopicID
}

// Room is the chat that the thread is in, without its topic.
func (t Thread) Room() Thread { return Thread{Adapter: t.Adapter, Chat: t.Chat} }

// String is "adapter/chat" or "adapter/chat/topic", each part escaped so that
// ParseThread gives the same Thread back.
func (t Thread) String() string {
	s := url.PathEscape(t.Adapter) + "/" + url.PathEscape(string(t.Chat))
	if t.Topic != "" {
		s += "/" + url.PathEscape(string(t.Topic))
	}
	return s
}

// ParseThread reads what Thread.String wrote.
func ParseThread(s string) (Thread, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Thread{}, fmt.Errorf("parse thread %q: want adapter/chat or adapter/chat/topic", s)
	}
	for i, part := range parts {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return Thread{}, fmt.Errorf("parse thread %q: %w", s, err)
		}
		parts[i] = plain
	}
	t := Thread{Adapter: parts[0], Chat: ChatID(parts[1])}
	if len(parts) == 3 {
		t.Topic = TopicID(parts[2])
	}
	return t, nil
}

// Account is a person's account on one network. It is comparable.
type Account struct {
	Adapter string
	User    UserID
}

func (a Account) String() string { return a.Adapter + "/" + string(a.User) }

// Origin says how a message came to be. Only an Original may cause anything.
type Origin int

const (
	// Original was written, or a button pressed, by the account itself, now.
	Original Origin = iota
	// Edited is a changed version of an earlier message.
	Edited
	// Forwarded was written by somebody else, or elsewhere.
	Forwarded
	// ByBot was written by a program, or through one ("via").
	ByBot
	// ByChat was written in the name of a chat: an anonymous administrator, a
	// channel, the network's own service account.
	ByChat
)

// String is the origin in words.
func (o Origin) String() string {
	names := [...]string{"original", "edited", "forwarded", "by a bot", "in the name of a chat"}
	if int(o) < len(names) {
		return names[o]
	}
	return fmt.Sprintf("Origin(%d)", int(o))
}

// Claim is what a network says about who wrote something and where. It gives
// no right to anything: Policy.Authorize turns it into a Principal. Calls keep
// theirs, so that rights are looked up again when a call is run later.
type Claim struct {
	Account Account
	// Name is how the network shows the person. A label, never an identity.
	Name   string
	Thread Thread
	// Title is the chat's name where it has one. A label.
	Title string
	// Direct is true in a chat between one person and the bot.
	Direct bool
	Origin Origin
	// Server is the larger place that the chat is part of, where the network
	// has such; it is listed as a chat is. Empty = none.
	Server ChatID
	// Badges are what the account wears in that place; nil when the network
	// did not tell.
	Badges []BadgeID
}

// Message is one inbound chat message, or one button press, without the
// network's detail.
type Message struct {
	Claim
	// Key is the network's identity of the message or press: what is
	// de-duplicated on. It must stay the same when the network repeats the
	// message under another update number.
	Key string
	// ID is the message's id in its chat; of a press, the message with the
	// button.
	ID MessageID
	// ReplyTo is the message that this one answers; empty when none.
	ReplyTo MessageID
	// Text is valid UTF-8 and may be empty.
	Text string
	// Addressed is true where the network itself says that the text is for
	// this bot: a command with its name, a mention, a reply to it.
	Addressed bool
	// Lost is true for what the network has confirmed to its person although it
	// was never recorded, so that nothing may come of it but an answer. Text
	// then says only what it was: a command with its slash, "press" or "text".
	Lost bool
	// Unseen text was written into a form: it is not shown in the chat.
	Unseen bool
	// Button is the Data of the pressed Button; Text is then empty.
	Button string
	// Age is how old the message was when it was received, by the network's
	// clock, not by ours. Never negative.
	Age time.Duration
	// Attachments are the files that came with it.
	Attachments []Attachment
	// Album is the same for messages that were sent as one, a file in each;
	// empty when it was sent by itself.
	Album string
	// Code is the first block of code in the text; nil when there is none.
	Code *CodeBlock
}
