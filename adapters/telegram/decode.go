package telegram

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"chapi/bot"
)

// The shapes below are the parts of an update that matter here, and no more:
// an unheard-of value in any other field must not cost a person their message.
// Fields of which only the presence counts are kept raw, so that they count
// whatever is inside.
type (
	update struct {
		ID            int64          `json:"update_id"`
		Message       *message       `json:"message"`
		EditedMessage *message       `json:"edited_message"`
		CallbackQuery *callbackQuery `json:"callback_query"`
		MyChatMember  *memberChange  `json:"my_chat_member"`
	}

	message struct {
		ID        int64    `json:"message_id"`
		ThreadID  int64    `json:"message_thread_id"`
		IsTopic   bool     `json:"is_topic_message"`
		From      *account `json:"from"`
		Chat      chat     `json:"chat"`
		Date      int64    `json:"date"`
		EditDate  int64    `json:"edit_date"`
		ReplyTo   *quoted  `json:"reply_to_message"`
		Text      string   `json:"text"`
		Caption   string   `json:"caption"`
		Entities  entities `json:"entities"`
		Captioned entities `json:"caption_entities"`
		Album     string   `json:"media_group_id"`
		MigrateTo int64    `json:"migrate_to_chat_id"`
		Migrated  int64    `json:"migrate_from_chat_id"`

		SenderChat    presence `json:"sender_chat"`
		AutoForward   bool     `json:"is_automatic_forward"`
		ForwardOrigin presence `json:"forward_origin"`
		ForwardDate   presence `json:"forward_date"` // servers before Bot API 7.0
		ViaBot        presence `json:"via_bot"`

		// Messages of, or to, somebody else than the bot.
		Business    presence `json:"business_connection_id"`
		BusinessBot presence `json:"sender_business_bot"`
		GuestUser   presence `json:"guest_bot_caller_user"`
		GuestChat   presence `json:"guest_bot_caller_chat"`
		GuestQuery  presence `json:"guest_query_id"`

		Photo     []file `json:"photo"`
		Document  *file  `json:"document"`
		Animation *file  `json:"animation"`
		Video     *file  `json:"video"`
		Audio     *file  `json:"audio"`
		Voice     *file  `json:"voice"`
		VideoNote *file  `json:"video_note"`
	}

	quoted struct {
		ID           int64    `json:"message_id"`
		From         *account `json:"from"`
		TopicCreated presence `json:"forum_topic_created"`
	}

	// entities is formatting, where it can be read. Places are in UTF-16 code
	// units.
	entities []entity
	entity   struct {
		Type     string `json:"type"`
		Offset   int    `json:"offset"`
		Length   int    `json:"length"`
		Language string `json:"language"`
	}

	account struct {
		ID        int64  `json:"id"`
		IsBot     bool   `json:"is_bot"`
		FirstName string `json:"first_name"`
		LastName  string `json:"last_name"`
		Username  string `json:"username"`
	}

	chat struct {
		ID      int64  `json:"id"`
		Type    string `json:"type"`
		Title   string `json:"title"`
		IsForum bool   `json:"is_forum"`
	}

	file struct {
		ID     string `json:"file_id"`
		Name   string `json:"file_name"`
		MIME   string `json:"mime_type"`
		Size   int64  `json:"file_size"`
		Width  int64  `json:"width"`
		Height int64  `json:"height"`
	}

	callbackQuery struct {
		ID      string  `json:"id"`
		From    account `json:"from"`
		Message *struct {
			ID       int64 `json:"message_id"`
			ThreadID int64 `json:"message_thread_id"`
			IsTopic  bool  `json:"is_topic_message"`
			Chat     chat  `json:"chat"`
		} `json:"message"` // only id and chat when it is too old
		Data string `json:"data"`
	}

	memberChange struct {
		Chat chat `json:"chat"`
		New  struct {
			Status string `json:"status"`
		} `json:"new_chat_member"`
	}
)

// presence is true for a field that is there and not null, whatever it is.
type presence bool

func (p *presence) UnmarshalJSON(b []byte) error {
	*p = presence(!bytes.Equal(b, []byte("null")))
	return nil
}

// UnmarshalJSON makes nothing of formatting of an unknown shape.
func (e *entities) UnmarshalJSON(b []byte) error {
	var all []entity
	if json.Unmarshal(b, &all) == nil {
		*e = all
	}
	return nil
}

// Accounts that stand for no person (tdlib/telegram-bot-api, Client.cpp).
const (
	anonymousAdmin = 1087968824
	channelPoster  = 136817688
	serviceAccount = 777000
)

// received is what a batch of updates says.
type received struct {
	// last is the number of the last update, 0 when none has one.
	last     int64
	messages []bot.Message
	// presses has the callback query id of those messages that are presses.
	presses   []string
	moves     []bot.Move
	sightings []sighting
	standings []chatStanding
	bad       int // updates that could not be read
	// needsName is true when something depends on the bot's name and it is not
	// known yet: the rest is then not to be used.
	needsName bool
}

// chatStanding is what the bot is in a chat from now on: "member",
// "administrator", "kicked" and so on.
type chatStanding struct {
	chat   int64
	status string
}

// readAll reads updates one by one: one that is bad is skipped and counted.
// now is the server's clock.
func (a *Adapter) readAll(raw []json.RawMessage, now time.Time) received {
	r := reader{botID: a.botID, now: now}
	if me := a.me.Load(); me != nil {
		r.username = me.username
	}
	for _, one := range raw {
		r.read(one)
	}
	return r.received
}

// reader turns updates into what the core understands.
type reader struct {
	received
	botID    int64
	username string // empty when not known yet
	now      time.Time
}

// maxUpdateID leaves room for the offset, which has 31 bits.
const maxUpdateID = math.MaxInt32 - 1

func (r *reader) read(raw json.RawMessage) {
	var number struct {
		ID int64 `json:"update_id"`
	}
	if err := json.Unmarshal(raw, &number); err != nil || number.ID <= 0 || number.ID > maxUpdateID {
		r.bad++
		return
	}
	r.last = number.ID
	var u update
	if err := json.Unmarshal(raw, &u); err != nil {
		r.bad++
		return
	}
	switch {
	case u.Message != nil:
		r.message(u.Message, false)
	case u.EditedMessage != nil:
		r.message(u.EditedMessage, true)
	case u.CallbackQuery != nil:
		r.press(u.CallbackQuery)
	case u.MyChatMember != nil:
		r.see(u.MyChatMember.Chat, 0)
		r.standings = append(r.standings, chatStanding{u.MyChatMember.Chat.ID, u.MyChatMember.New.Status})
	}
}

func (r *reader) see(c chat, message int64) {
	if c.ID != 0 {
		r.sightings = append(r.sightings, sighting{chat: c.ID, message: message, forum: c.IsForum, chatKnown: true})
	}
}

func (r *reader) message(m *message, edited bool) {
	if m.ID <= 0 || m.Chat.ID == 0 {
		return // nothing can be said to it: ephemeral and future kinds
	}
	if m.Business || m.BusinessBot || m.GuestUser || m.GuestChat || m.GuestQuery {
		return // not to the bot, and not of its boxes of ids
	}
	r.see(m.Chat, m.ID)
	if m.MigrateTo != 0 {
		r.move(m.Chat.ID, m.MigrateTo)
	}
	if m.Migrated != 0 {
		r.move(m.Migrated, m.Chat.ID)
	}
	text, files := m.Text, m.attachments()
	if text == "" {
		text = m.Caption
	}
	if text == "" && len(files) == 0 || m.From == nil {
		return // service messages, stickers, channel posts
	}
	code := m.code()
	whole := len(text)
	text, addressed, ours := r.address(text)
	if !ours {
		return
	}
	if code != nil { // the bot's name was in front of it
		code.From, code.To = code.From-(whole-len(text)), code.To-(whole-len(text))
	} else {
		code = bot.Fenced(text)
	}
	out := bot.Message{
		Claim: bot.Claim{
			Account: m.From.account(),
			Name:    m.From.name(),
			Thread:  thread(m.Chat.ID, topicOf(m.IsTopic, m.ThreadID)),
			Title:   m.Chat.Title,
			Direct:  m.Chat.Type == "private",
			Origin:  m.origin(edited),
		},
		Key:         fmt.Sprintf("%s/%d/m/%d/%d", Name, r.botID, m.Chat.ID, m.ID),
		ID:          formatID(m.ID),
		Text:        text,
		Addressed:   addressed,
		Age:         max(0, r.now.Sub(time.Unix(m.Date, 0))),
		Attachments: files,
		Album:       m.Album,
		Code:        code,
	}
	if edited {
		// Another key than the message's own: an edit must never use it up.
		out.Key += fmt.Sprintf("/e/%d", m.EditDate)
	}
	if q := m.ReplyTo; q != nil && !m.impliedReply() {
		out.ReplyTo = formatID(q.ID)
		if q.From != nil && q.From.ID == r.botID {
			out.Addressed = true
		}
	}
	r.messages = append(r.messages, out)
	r.presses = append(r.presses, "")
}

// press reads the press of a button. Who presses is always the real person,
// also where they write as the chat.
func (r *reader) press(q *callbackQuery) {
	if q.ID == "" || q.Data == "" || q.Message == nil || q.Message.ID <= 0 || q.Message.Chat.ID == 0 {
		return // a game, or a button in a message that the bot did not post
	}
	m := q.Message
	origin := bot.Original
	if q.From.IsBot {
		origin = bot.ByBot
	}
	r.messages = append(r.messages, bot.Message{
		Claim: bot.Claim{
			Account: q.From.account(),
			Name:    q.From.name(),
			Thread:  thread(m.Chat.ID, topicOf(m.IsTopic, m.ThreadID)),
			Title:   m.Chat.Title,
			Direct:  m.Chat.Type == "private",
			Origin:  origin,
		},
		Key:       fmt.Sprintf("%s/%d/c/%s", Name, r.botID, q.ID),
		ID:        formatID(m.ID),
		Addressed: true,
		Button:    q.Data,
	})
	r.presses = append(r.presses, q.ID)
}

func (r *reader) move(from, to int64) {
	m := bot.Move{From: thread(from, 0), To: thread(to, 0)}
	for _, known := range r.moves {
		if known == m { // both chats tell of it
			return
		}
	}
	r.moves = append(r.moves, m)
}

// addressedCommand is a command with the name of the bot that it is for.
var addressedCommand = regexp.MustCompile(`^(/[A-Za-z0-9_]+)@([A-Za-z0-9_]{3,32})(\s|$)`)

// leadingMention is a name in front of everything else, as in "@bot, run x".
var leadingMention = regexp.MustCompile(`^\s*@([A-Za-z0-9_]{3,32})(?:[,:]|\s|$)\s*`)

// address looks for the bot's name at the beginning of a text and takes it
// out. ours is false for a command that names another bot.
func (r *reader) address(text string) (rest string, addressed, ours bool) {
	if m := addressedCommand.FindStringSubmatchIndex(text); m != nil {
		named, ours := r.isMe(text[m[4]:m[5]])
		if !named {
			return text, false, true
		}
		return text[:m[3]] + text[m[5]:], ours, ours
	}
	if m := leadingMention.FindStringSubmatchIndex(text); m != nil {
		if _, ours := r.isMe(text[m[2]:m[3]]); ours {
			return text[m[1]:], true, true
		}
	}
	return text, false, true
}

// isMe tells whether a username is the bot's. known is false while the bot
// does not know its own.
func (r *reader) isMe(username string) (known, me bool) {
	if r.username == "" {
		r.needsName = true
		return false, false
	}
	return true, strings.EqualFold(username, r.username)
}

// topicOf is the topic of a message. A message_thread_id without
// is_topic_message is the root of a chain of replies, not a topic.
func topicOf(isTopic bool, threadID int64) int64 {
	if isTopic {
		return threadID
	}
	return 0
}

// impliedReply is true for the reply to a topic's root that many clients add
// to every message in a topic. The person answered nobody.
func (m *message) impliedReply() bool {
	return bool(m.ReplyTo.TopicCreated) || m.IsTopic && m.ReplyTo.ID == m.ThreadID
}

func (m *message) origin(edited bool) bot.Origin {
	switch {
	case bool(m.SenderChat), m.AutoForward,
		m.From.ID == anonymousAdmin, m.From.ID == channelPoster, m.From.ID == serviceAccount:
		return bot.ByChat
	case m.From.IsBot, bool(m.ViaBot):
		return bot.ByBot
	case bool(m.ForwardOrigin), bool(m.ForwardDate):
		return bot.Forwarded
	case edited:
		return bot.Edited
	default:
		return bot.Original
	}
}

// code is the first block that is marked as code; nil when there is none.
func (m *message) code() *bot.CodeBlock {
	text, formats := m.Text, m.Entities
	if text == "" {
		text, formats = m.Caption, m.Captioned
	}
	for _, e := range formats {
		from, to := byteAt(text, e.Offset), byteAt(text, e.Offset+e.Length)
		if e.Type == "pre" && from < to {
			return &bot.CodeBlock{Language: e.Language, Text: strings.TrimSuffix(text[from:to], "\n"), From: from, To: to}
		}
	}
	return nil
}

// byteAt is the place of a UTF-16 code unit in a text, in bytes.
func byteAt(text string, unit int) int {
	for i, r := range text {
		if unit <= 0 {
			return i
		}
		unit -= utf16.RuneLen(r)
	}
	return len(text)
}

// attachments are the files that came with a message.
func (m *message) attachments() []bot.Attachment {
	var files []*file
	add := func(f *file, mime, name string) {
		if f == nil || f.ID == "" {
			return
		}
		if f.MIME == "" {
			f.MIME = mime
		}
		if f.Name == "" {
			f.Name = name + "-" + strconv.FormatInt(m.ID, 10) + extensionOf(f.MIME)
		}
		files = append(files, f)
	}
	add(largest(m.Photo), "image/jpeg", "photo")
	add(m.Animation, "video/mp4", "animation")
	if m.Animation == nil { // an animation is told as a document once more
		add(m.Document, "application/octet-stream", "document")
	}
	add(m.Video, "video/mp4", "video")
	add(m.Audio, "audio/mpeg", "audio")
	add(m.Voice, "audio/ogg", "voice")
	add(m.VideoNote, "video/mp4", "video")
	var out []bot.Attachment
	for _, f := range files {
		out = append(out, bot.Attachment{Name: f.Name, MIME: f.MIME, Size: max(0, f.Size), Ref: f.ID})
	}
	return out
}

// largest picks the original out of a photo's sizes.
func largest(sizes []file) *file {
	var best *file
	for i := range sizes {
		if best == nil || sizes[i].Width*sizes[i].Height >= best.Width*best.Height {
			best = &sizes[i]
		}
	}
	return best
}

// extensionOf is a file extension for the kinds that come without a name.
func extensionOf(mime string) string {
	switch mime {
	case "image/jpeg":
		return ".jpg"
	case "video/mp4":
		return ".mp4"
	case "audio/mpeg":
		return ".mp3"
	case "audio/ogg":
		return ".ogg"
	default:
		return ""
	}
}

func (u account) account() bot.Account {
	return bot.Account{Adapter: Name, User: bot.UserID(strconv.FormatInt(u.ID, 10))}
}

// name is how a person would recognise the account.
func (u account) name() string {
	full := strings.TrimSpace(u.FirstName + " " + u.LastName)
	switch {
	case full != "":
		return full
	case u.Username != "":
		return "@" + u.Username
	default:
		return strconv.FormatInt(u.ID, 10)
	}
}
