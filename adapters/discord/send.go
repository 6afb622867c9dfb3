package discord

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"chapi/bot"
)

// Flags of messages (docs.discord.com/developers/resources/message).
const (
	flagNoPreview = 1 << 2  // SUPPRESS_EMBEDS
	flagSilent    = 1 << 12 // SUPPRESS_NOTIFICATIONS
)

// Kinds of components.
const (
	componentRow    = 1
	componentButton = 2
	componentInput  = 4

	buttonSecondary = 2
	maxRows         = 5
	maxLabel        = 80
)

// outgoing is the body of a new message.
type outgoing struct {
	Content    string        `json:"content"`
	Nonce      string        `json:"nonce"`
	Enforce    bool          `json:"enforce_nonce"`
	Flags      int           `json:"flags"`
	Pings      allowedPings  `json:"allowed_mentions"`
	Answers    *answers      `json:"message_reference,omitempty"`
	Components []row[button] `json:"components"`
	Files      []attached    `json:"attachments,omitempty"`
}

// revised is the body of an edit. What it does not name stays: files do, unless
// there is a new one.
type revised struct {
	Content    string        `json:"content"`
	Pings      allowedPings  `json:"allowed_mentions"`
	Components []row[button] `json:"components"`
	Files      []attached    `json:"attachments,omitempty"`
}

// allowedPings lets a message notify nobody, whatever is in it. An edit
// without it would be read anew with the network's own idea of it.
type allowedPings struct{}

func (allowedPings) MarshalJSON() ([]byte, error) { return []byte(`{"parse":[]}`), nil }

// answers makes a message a reply. One to a message that is gone is a message
// of its own.
type answers struct {
	Message snowflake `json:"message_id"`
	MustBe  bool      `json:"fail_if_not_exists"`
}

// answers is the message that a post answers, 0 for none.
func (o *outgoing) answers() snowflake {
	if o.Answers == nil {
		return 0
	}
	return o.Answers.Message
}

// answers is the message that it answers, 0 for none.
func (m *message) answers() snowflake {
	if m.Reference == nil || m.Reference.Type != 0 {
		return 0
	}
	return m.Reference.Message
}

type row[T any] struct {
	Type  int `json:"type"`
	Parts []T `json:"components"`
}

type button struct {
	Type  int    `json:"type"`
	Style int    `json:"style"`
	Label string `json:"label"`
	ID    string `json:"custom_id"`
}

type attached struct {
	ID   int    `json:"id"`
	Name string `json:"filename"`
}

// sending is an Outgoing in the network's terms.
type sending struct {
	thread  bot.Thread
	channel snowflake
	guild   snowflake // 0 when not known
	target  snowflake // message to edit, 0 = post
	body    outgoing
	media   *bot.Media
	file    *bot.Content
}

// Send implements bot.Adapter. A post carries a nonce that the network
// enforces, so one whose answer is lost is repeated at once, and is there once
// all the same. A file goes out as it is on disk; in an edit it takes the place of
// the one that is there.
func (a *Adapter) Send(ctx context.Context, out bot.Outgoing) (bot.Receipt, error) {
	s, err := a.prepare(out)
	if err != nil {
		return bot.Receipt{}, err
	}
	if s.channel, err = a.address(ctx, out.Thread); err != nil {
		return bot.Receipt{}, a.sendError(s, err)
	}
	id := s.target
	switch {
	case s.target != 0:
		err = a.edit(ctx, s, s.target)
	case out.Doubt:
		id, err = a.repost(ctx, s, out)
	default:
		id, err = a.post(ctx, s, parseMark(out.Mark).nonce, false)
	}
	if err != nil {
		return bot.Receipt{}, a.sendError(s, err)
	}
	a.places.sighted(s.channel, id)
	a.mine.see(id)
	return bot.Receipt{Message: bot.MessageID(id.String()), At: time.Now()}, nil
}

// prepare checks what can be checked without the network.
func (a *Adapter) prepare(out bot.Outgoing) (*sending, error) {
	if _, _, err := parsePlace(out.Thread); err != nil {
		return nil, refused(bot.ChatGone, err)
	}
	s := &sending{thread: out.Thread, guild: a.guildOf(out.Thread), media: out.Post.Media, file: out.File}
	if out.Target != "" {
		var ok bool
		if s.target, ok = parseSnowflake(string(out.Target)); !ok {
			return nil, refused(bot.TargetGone, fmt.Errorf("bad message id %q", out.Target))
		}
	}
	if out.Post.Output != nil {
		return nil, refused(bot.Other, errors.New("discord takes pages, not raw output"))
	}
	c := compose(out.Post.Text)
	if c.plain > pageText {
		return nil, refused(bot.TooLarge, fmt.Errorf("text of %d characters, limit %d", c.plain, pageText))
	}
	if c.text == "" && s.media == nil {
		return nil, refused(bot.Other, errors.New("text is empty"))
	}
	s.body = outgoing{Content: c.text, Enforce: true, Flags: flagNoPreview, Components: keyboardOf(out.Post.Keyboard)}
	if out.Post.Silent {
		s.body.Flags |= flagSilent
	}
	// The message to be answered may be of a network that it was moved from.
	if id, ok := parseSnowflake(string(out.ReplyTo)); ok {
		s.body.Answers = &answers{Message: id}
	}
	if s.media == nil || s.file == nil && s.target != 0 {
		return s, nil
	}
	if s.file == nil {
		return nil, refused(bot.Other, errors.New("media without a file"))
	}
	if limit := a.Limits(out.Thread).Upload; s.file.Size > limit {
		return nil, refused(bot.TooLarge, fmt.Errorf("file of %d bytes, limit %d", s.file.Size, limit))
	}
	return s, nil
}

// keyboardOf is the keyboard as the network takes it. A session's has one more
// button, which asks for a text to type, if there is room for it.
func keyboardOf(k *bot.Keyboard) []row[button] {
	rows := []row[button]{} // an edit without any would keep the old ones
	if k == nil {
		return rows
	}
	for r, line := range k.Rows {
		if len(line) == 0 {
			continue
		}
		var parts []button
		for c, b := range line[:min(len(line), rowButtons)] {
			parts = append(parts, button{componentButton, buttonSecondary, cut(b.Label, maxLabel), k.Data(r, c)})
		}
		rows = append(rows, row[button]{componentRow, parts})
	}
	rows = folded(rows)
	if last := len(rows) - 1; k.Session != "" && last >= 0 && len(rows[last].Parts) < rowButtons {
		rows[last].Parts = append(rows[last].Parts, button{componentButton, buttonSecondary, formLabel, formKey})
	}
	return rows
}

// folded joins neighbouring rows, short ones first to last, until there are no
// more than the network takes. What has no place even so is left out.
func folded(rows []row[button]) []row[button] {
	for joined := true; joined && len(rows) > maxRows; {
		joined = false
		for i := 0; i+1 < len(rows) && len(rows) > maxRows; i++ {
			if len(rows[i].Parts)+len(rows[i+1].Parts) > rowButtons {
				continue
			}
			rows[i].Parts = append(rows[i].Parts, rows[i+1].Parts...)
			rows = slices.Delete(rows, i+1, i+2)
			joined = true
		}
	}
	return rows[:min(len(rows), maxRows)]
}

// reposts is how often a post is repeated at once after its fate is not known.
const reposts = 4

// post sends something new under a nonce and returns its id. It repeats what
// may have been executed, with the same nonce: then the network answers with
// what is there. What certainly was not is for the caller to repeat. again is
// true for a nonce of an earlier attempt.
func (a *Adapter) post(ctx context.Context, s *sending, nonce string, again bool) (snowflake, error) {
	s.body.Nonce = nonce
	var doubt error
	for try := 0; ; try++ {
		id, content, err := a.postOnce(ctx, s)
		if err == nil && (again || doubt != nil) && content != s.body.Content {
			err = a.edit(ctx, s, id) // what is there is an older text
		}
		var ce *callError
		switch {
		case err == nil:
			return id, nil
		case a.simplified(s, err):
			continue
		case !errors.As(err, &ce):
			return 0, err
		case ce.Code == codeUnknownMessage && (again || doubt != nil):
			// The first one has been deleted meanwhile. It has been said.
			return 0, refused(bot.Other, fmt.Errorf("posted, and deleted since: %w", ce))
		case ce.uncertain():
			doubt = err
		case doubt != nil || again && ce.Status == http.StatusTooManyRequests:
			return 0, inDoubt(doubt, ce)
		default:
			return 0, err
		}
		if try == reposts || !sleep(ctx, a.timing.Repost<<try) {
			return 0, doubt
		}
		a.log.Info("a post's fate is not known: repeating it", "try", try+1, "err", err)
	}
}

// simplified takes out of a post what the network refuses, if the text may
// pass without it, and tells whether there was something to take out.
func (a *Adapter) simplified(s *sending, err error) bool {
	switch {
	case hasCode(err, codeNoHistory) && s.body.Answers != nil:
		s.body.Answers = nil // the right to read the history is missing
		return true
	case hasCode(err, codeInvalidForm) && (s.body.Answers != nil || len(s.body.Components) > 0):
		a.log.Error("message refused: sending its text alone", "channel", s.channel.String(), "err", err)
		s.body.Answers, s.body.Components = nil, []row[button]{}
		return true
	}
	return false
}

// inDoubt is the failure of a repetition: nothing is known that was not known
// before, but when to try again.
func inDoubt(first error, again *callError) error {
	if first == nil {
		first = again
	}
	return &bot.SendError{Outcome: bot.Unknown, RetryAfter: again.RetryAfter, Err: first}
}

func (a *Adapter) postOnce(ctx context.Context, s *sending) (id snowflake, content string, err error) {
	var said message
	r := request{method: "POST", route: "channels/{}/messages", ids: []string{s.channel.String()}, body: s.body}
	if s.media != nil {
		body := s.body
		body.Files = s.attachments()
		r.body = body
		err = a.upload(ctx, s, r, &said)
	} else {
		err = a.client.call(ctx, r, &said)
	}
	if err == nil && said.ID == 0 {
		// The impossible, an accepted post without an id, is doubt.
		err = &callError{Route: r.String(), Status: http.StatusOK, Begun: true, Text: "answer without a message id"}
	}
	return said.ID, said.Content, err
}

// edit changes a message to what s says, its file too if there is one. It may be
// repeated freely.
func (a *Adapter) edit(ctx context.Context, s *sending, id snowflake) error {
	for {
		body := revised{Content: s.body.Content, Components: s.body.Components}
		r := request{method: "PATCH", route: "channels/{}/messages/{}", ids: []string{s.channel.String(), id.String()}}
		var err error
		if s.media != nil && s.file != nil && s.target != 0 {
			body.Files = s.attachments()
			r.body = body
			err = a.upload(ctx, s, r, nil)
		} else {
			r.body = body
			err = a.client.call(ctx, r, nil)
		}
		if err == nil || !a.simplified(s, err) {
			return err
		}
	}
}

// Erase removes a message. One that is gone already is no error; errors are
// *bot.SendError: somebody else's takes the permission Manage Messages, for
// which the invitation does not ask, and in private cannot be removed at all.
func (a *Adapter) Erase(ctx context.Context, th bot.Thread, id bot.MessageID) error {
	return a.treat(ctx, th, id, "DELETE", "channels/{}/messages/{}", codeUnknownMessage)
}

// Pin pins a message. It needs the permission Pin Messages, but in private.
// Errors are *bot.SendError.
func (a *Adapter) Pin(ctx context.Context, th bot.Thread, id bot.MessageID) error {
	return a.treat(ctx, th, id, "PUT", "channels/{}/messages/pins/{}", 0)
}

// treat makes a call about a message that may be repeated. An error of the code
// is as good as success.
func (a *Adapter) treat(ctx context.Context, th bot.Thread, id bot.MessageID, method, route string, fine int) error {
	s := &sending{thread: th}
	message, ok := parseSnowflake(string(id))
	if !ok {
		return refused(bot.TargetGone, fmt.Errorf("bad message id %q", id))
	}
	var err error
	if s.channel, err = a.address(ctx, th); err != nil {
		return a.sendError(s, err)
	}
	s.target = message
	err = a.client.call(ctx, request{method: method, route: route, ids: []string{s.channel.String(), message.String()}}, nil)
	if err == nil || fine != 0 && hasCode(err, fine) {
		return nil
	}
	return a.sendError(s, err)
}

// mark is what is kept of a post before it is tried: the newest message that was
// known in its channel, the nonce, and the time. It is written as three words.
type mark struct {
	after snowflake // 0 = not known
	nonce string
	at    time.Time
}

func (m mark) String() string { return fmt.Sprintf("%d %s %d", m.after, m.nonce, m.at.Unix()) }

// parseMark reads what mark.String wrote. Of anything else there is a new nonce,
// and nothing to look for.
func parseMark(s string) mark {
	words := strings.Fields(s)
	if len(words) != 3 || len(words[1]) > maxNonce {
		return mark{nonce: newNonce()}
	}
	after, _ := parseSnowflake(words[0])
	at, _ := strconv.ParseInt(words[2], 10, 64)
	return mark{after, words[1], time.Unix(at, 0)}
}

// maxNonce is how long a nonce may be.
const maxNonce = 25

// newNonce is what tells a repeated post from a new one: 96 random bits in 16
// characters.
func newNonce() string {
	var b [12]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Mark implements bot.Marker. The mark is kept with the attempt, so that the
// nonce is the same after a restart, and in every attempt at one post.
func (a *Adapter) Mark(th bot.Thread, before string) string {
	if before != "" {
		return before
	}
	m := mark{a.places.last(a.known(th)), newNonce(), time.Now()}
	if now, known := a.client.clock.now(); m.after == 0 && known {
		m.after = snowflakeAt(now)
	}
	return m.String()
}

// nonceLife is how long a nonce is relied on: the network says that it
// remembers one for some minutes.
const nonceLife = 2 * time.Minute

// repost posts again what may be there. For some minutes the nonce answers the
// question. After that the channel's history does: what the bot has posted there
// since the mark, and nobody knows of, is it, because a chat has one text and
// one file on its way at a time.
func (a *Adapter) repost(ctx context.Context, s *sending, out bot.Outgoing) (snowflake, error) {
	m := parseMark(out.Mark)
	if age := time.Since(m.at); age >= 0 && age < nonceLife {
		return a.post(ctx, s, m.nonce, true)
	}
	if m.after == 0 && s.body.Answers != nil {
		m.after = s.body.Answers.Message // older than the post, if it is in this chat
	}
	if m.after != 0 {
		id, err := a.find(ctx, s, m.after, out.Ours)
		if err != nil {
			return 0, &bot.SendError{Outcome: bot.Unknown, RetryAfter: retryAfter(err), Err: err}
		}
		if id != 0 {
			a.log.Info("found a post whose answer was lost", "channel", s.channel.String(), "message", id.String())
			return id, nil
		}
	}
	return a.post(ctx, s, m.nonce, true)
}

// findPages bounds the search for a lost post, 100 messages a page.
const findPages = 5

// find looks for a lost post behind a message and brings it up to date. It is
// none that ours knows, and answers what the post is to answer.
func (a *Adapter) find(ctx context.Context, s *sending, after snowflake, ours func(bot.MessageID) bool) (snowflake, error) {
	for range findPages {
		page, err := a.history(ctx, s.channel, after)
		if err != nil {
			return 0, err
		}
		for _, m := range page {
			after = max(after, m.ID)
			if !m.fromMe(a.botID) || bool(m.Called) || bool(m.CalledOld) || a.mine.knows(m.ID) ||
				m.Type != typeDefault && m.Type != typeReply || (len(m.Files) > 0) != (s.media != nil) || s.body.answers() != m.answers() ||
				ours != nil && ours(bot.MessageID(m.ID.String())) {
				continue
			}
			if err := a.edit(ctx, s, m.ID); err != nil {
				return 0, err
			}
			return m.ID, nil
		}
		if len(page) < historyPage {
			break
		}
	}
	return 0, nil
}

// historyPage is how many messages the network gives in one go at most.
const historyPage = 100

// history is the messages of a channel directly behind one, oldest first.
func (a *Adapter) history(ctx context.Context, channel, after snowflake) ([]message, error) {
	var page list[message]
	q := url.Values{"limit": {fmt.Sprint(historyPage)}, "after": {after.String()}}
	r := request{method: "GET", route: "channels/{}/messages", ids: []string{channel.String()}, query: q.Encode()}
	if err := a.client.call(ctx, r, &page); err != nil {
		return nil, err
	}
	slices.Reverse(page) // they come newest first
	return page, nil
}

// ring remembers the newest ids. Its zero value is ready.
type ring struct {
	mu   sync.Mutex
	ids  [maxKnown]snowflake
	set  map[snowflake]bool
	next int
}

func (r *ring) see(id snowflake) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set == nil {
		r.set = make(map[snowflake]bool)
	}
	if r.set[id] {
		return
	}
	delete(r.set, r.ids[r.next])
	r.ids[r.next], r.set[id] = id, true
	r.next = (r.next + 1) % len(r.ids)
}

func (r *ring) knows(id snowflake) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set[id]
}

func (r *ring) all() []snowflake {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.set))
}
