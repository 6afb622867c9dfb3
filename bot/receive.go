package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Reception is the first stage: it takes messages in, once each, and makes
// calls of them. It implements Inbox. It is safe for concurrent use; its
// fields are set before the first Accept and not changed.
type Reception struct {
	Policy  *Policy
	Parser  *Parser
	Store   Store
	Session *Sessions
	// Dispatch is told of every call that may be run.
	Dispatch *Dispatcher
	Deliver  *Deliverer
	// StaleAfter is the age from which on a call that changes something is
	// asked about; 0 means DefaultStaleAfter.
	StaleAfter time.Duration
	// Paired is called after a person came in by a pairing code, and must
	// bring Policy up to date.
	Paired func(context.Context) error
	// Moved is called before it is recorded that a group has a new id, and must
	// keep it listed if it was, in Policy too.
	Moved  func(context.Context, Move) error
	Device string
	Logger *slog.Logger

	mu      sync.Mutex
	blocked time.Time       // since when nothing can be recorded; zero = it can
	excused map[Thread]bool // rooms that were told so
	told    []time.Time     // when owners were told of strangers
	albums  map[albumKey]Args
}

// DefaultStaleAfter is how old a message may be before a command that changes
// something is asked about instead of run.
const DefaultStaleAfter = 2 * time.Minute

// The names of commands that the stages themselves call.
const (
	InputCommand = "input" // a line of plain text for a session; argument "text"
	DropCommand  = "drop"  // the answer "no" to a question
	PutCommand   = "put"   // files without a command; argument "caption"
	CodeCommand  = "code"  // a bare block of code; arguments "code", "language"
)

// Cursor implements Inbox.
func (r *Reception) Cursor(ctx context.Context, adapter string) (string, error) {
	return r.Store.Cursor(ctx, adapter)
}

// Accept implements Inbox: it authorizes and parses each message, records what
// came of the batch in one transaction, and only then lets calls run.
func (r *Reception) Accept(ctx context.Context, b Batch) ([]Ack, error) {
	in := Intake{Adapter: b.Adapter, Cursor: b.Cursor, Moves: b.Moves}
	acks := make([]Ack, len(b.Messages))
	for _, m := range b.Moves {
		if err := r.moved(ctx, m); err != nil {
			return nil, err
		}
	}
	var from []int // the message that each entry came from
	for i, m := range b.Messages {
		m.Claim = r.Deliver.worn(ctx, r.Policy, m.Claim, time.Now())
		entry, notice, err := r.take(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("accept message %s: %w", m.Key, err)
		}
		acks[i].Notice = notice
		files, err := r.beside(m, entry)
		if err != nil {
			return nil, fmt.Errorf("accept the files of message %s: %w", m.Key, err)
		}
		for _, e := range []*Entry{entry, files} {
			if e != nil {
				in.Entries = append(in.Entries, *e)
				from = append(from, i)
			}
		}
	}
	if len(in.Entries) == 0 && len(in.Moves) == 0 && in.Cursor == "" {
		return acks, nil
	}
	entered, err := r.record(ctx, in)
	if err != nil {
		if errors.Is(err, ErrNoSpace) {
			r.excuse(ctx, in)
		}
		return nil, fmt.Errorf("accept batch of %d messages: %w", len(b.Messages), err)
	}
	for n, e := range entered {
		ack := &acks[from[n]]
		ack.Taken = ack.Taken || in.Entries[n].Call != nil
		r.Deliver.Reachable(ctx, b.Messages[from[n]].Thread)
		if e == Spent {
			ack.Notice = "That button has been used already."
		}
	}
	return acks, nil
}

// record is the one way in: it records entries in one transaction, and only
// then lets run and be said what is new in them.
func (r *Reception) record(ctx context.Context, in Intake) ([]Entered, error) {
	entered, err := r.Store.Accept(ctx, in)
	r.noteDisk(err)
	if err != nil {
		return nil, err
	}
	for n, e := range entered {
		if e != Fresh {
			continue
		}
		entry := in.Entries[n]
		if entry.Call != nil && entry.Call.State == Accepted {
			r.Dispatch.Enqueue(*entry.Call)
		}
		r.Deliver.Due(entry.Say...)
	}
	return entered, nil
}

func (r *Reception) moved(ctx context.Context, m Move) error {
	if r.Moved == nil {
		return nil
	}
	err := r.Moved(ctx, m)
	r.noteDisk(err)
	if err != nil {
		return fmt.Errorf("follow group %s to %s: %w", m.From, m.To, err)
	}
	return nil
}

// Blocked reports whether, and since when, nothing can be recorded because the
// disk takes nothing.
func (r *Reception) Blocked() (since time.Time, blocked bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blocked, !r.blocked.IsZero()
}

func (r *Reception) noteDisk(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !errors.Is(err, ErrNoSpace):
		r.blocked = time.Time{}
		r.excused = nil
	case r.blocked.IsZero():
		r.blocked = time.Now()
	}
}

// excuse tells those who wait for an answer that nothing can be recorded, and
// so nothing is run. It is the one thing that is said past the outbox, which is
// on the same disk, and so at most once in each chat.
func (r *Reception) excuse(ctx context.Context, in Intake) {
	for _, e := range in.Entries {
		if e.Call == nil {
			continue
		}
		room := e.Call.Claim.Thread.Room()
		r.mu.Lock()
		told := r.excused[room]
		if !told {
			if r.excused == nil {
				r.excused = map[Thread]bool{}
			}
			r.excused[room] = true
		}
		r.mu.Unlock()
		adapter := r.Deliver.Adapter(room.Adapter)
		if told || adapter == nil {
			continue
		}
		text := "The disk of " + r.Device + " is full or read-only, so I cannot record commands and run none. Yours waits; it is taken when there is space again."
		if _, err := adapter.Send(ctx, Outgoing{Thread: e.Call.Claim.Thread, ReplyTo: e.Call.Message, Post: Plainf("%s", text)}); err != nil {
			r.Logger.Error("tell that the disk is full", "thread", room.String(), "err", err)
		}
	}
}

// take makes an entry for the ledger of one message; nil when there is nothing
// to remember. notice is for the presser of a button.
func (r *Reception) take(ctx context.Context, m Message) (entry *Entry, notice string, err error) {
	p, err := r.Policy.Authorize(m.Claim)
	if code, ok := pairing(m); ok && m.Direct && m.Origin == Original && !p.May(Owner) {
		return r.redeem(ctx, m, code, p)
	}
	switch {
	case errors.Is(err, ErrNotOriginal):
		return nil, "", nil
	case errors.Is(err, ErrStranger):
		return nil, "", r.stranger(ctx, m)
	case errors.Is(err, ErrChatNotListed):
		return nil, "", r.unlisted(ctx, m)
	case err != nil:
		return nil, "", err
	case m.Button != "":
		return r.press(ctx, m, p)
	default:
		entry, err := r.text(ctx, m, p)
		return entry, "", err
	}
}

// text makes an entry of a written message.
func (r *Reception) text(ctx context.Context, m Message, p Principal) (*Entry, error) {
	about, err := r.about(ctx, m)
	if err != nil {
		return nil, err
	}
	line, isCommand := r.command(ctx, m, about)
	if !isCommand {
		return r.plain(ctx, m, p, about)
	}
	c, args, err := r.parse(m, line)
	if err != nil {
		if c.Name == "" && !m.Direct && !m.Addressed {
			// In a group, a word with a slash may be meant for another bot.
			return nil, nil
		}
		return r.refuse(m, c, Failed, err.Error()), nil
	}
	if c.Name == PutCommand {
		r.noteAlbum(m, args)
	}
	return r.enter(m, p, c, Call{Args: args, Session: about}), nil
}

// parse reads a command, which may take a block of code of its own.
func (r *Reception) parse(m Message, line string) (Command, Args, error) {
	name, _ := cutWord(line)
	c, ok := r.Parser.Command(name)
	if m.Code == nil || !ok || len(m.Text) > MaxText {
		return r.Parser.Parse(line)
	}
	shift := len(m.Text) - len(line) // the line is the end of the text
	block := *m.Code
	block.From, block.To = block.From-shift, block.To-shift
	if !c.Code {
		return r.Parser.Parse(block.bare(line))
	}
	c, args, err := r.Parser.Parse(block.without(line))
	if err == nil {
		args = block.args(args)
	}
	return c, args, err
}

// command tells whether the text is a command, and gives it without its slash.
func (r *Reception) command(ctx context.Context, m Message, about SessionID) (string, bool) {
	text := strings.TrimLeft(m.Text, " \t\r\n")
	switch {
	case strings.HasPrefix(text, "//"):
		return "", false // a literal slash for a program
	case strings.HasPrefix(text, "/") && len(text) > 1:
		return text[1:], true
	case r.Deliver.Limits(m.Thread).Stream && about == "" && text != "":
		// A terminal is a command line: words are commands, but while a
		// session has the keyboard.
		return text, !r.Session.HasKeyboard(ctx, m.Thread)
	}
	return "", false
}

// plain makes an entry of text that is no command: input for a session. Which
// one is decided when its turn comes, since a command before it may be about
// to start it; here only a reply or a topic of its own is looked at.
func (r *Reception) plain(ctx context.Context, m Message, p Principal, about SessionID) (*Entry, error) {
	if id, asked := r.Session.asksSecret(ctx, m, about); asked && m.Text != "" && len(m.Text) <= MaxText {
		return r.secret(m, p, id)
	}
	if entry, ok, err := r.continued(ctx, m, p, about); ok || err != nil {
		return entry, err
	}
	handed := m.Addressed && (len(m.Attachments) > 0 || m.Code != nil)
	if about == "" && !m.Direct && !handed && !r.answersUs(m) && !r.Session.HasForeground(ctx, m.Thread) {
		return nil, nil // people talking to each other
	}
	if len(m.Text) > MaxText {
		return r.refuse(m, Command{}, Failed, fmt.Sprintf("That is %d kB of text; a message may have %d.", len(m.Text)>>10, MaxText>>10)), nil
	}
	if entry, ok, err := r.attached(ctx, m, p, about); ok || err != nil {
		return entry, err
	}
	if entry, ok := r.code(ctx, m, p, about); ok {
		return entry, nil
	}
	c, ok := r.Parser.Command(InputCommand)
	if !ok {
		return nil, fmt.Errorf("no command %q is declared", InputCommand)
	}
	text := m.Code.bare(m.Text)
	if strings.HasPrefix(text, "//") {
		text = text[1:]
	}
	return r.enter(m, p, c, Call{Args: Args{"text": {text}}, Session: about}), nil
}

// answersUs reports whether the message is a reply to us where a session lives:
// it may be one to a page that is not yet known to have been posted.
func (r *Reception) answersUs(m Message) bool {
	return m.ReplyTo != "" && m.Addressed && r.Session.livesIn(m.Thread.Room())
}

// about is the session that the message is about by being a reply to one of
// its messages; empty when it is none.
func (r *Reception) about(ctx context.Context, m Message) (id SessionID, err error) {
	if m.ReplyTo == "" {
		return "", nil
	}
	room := m.Thread.Room()
	waiting := r.untilRecorded(ctx, room, func() bool {
		id, err = r.Store.BoundTo(ctx, room, m.ReplyTo)
		return !errors.Is(err, ErrNotFound)
	})
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return id, cmp.Or(waiting, err)
}

// untilRecorded looks until it has found the message that somebody answered, or
// nothing new is on its way to their chat. They can answer before we have
// recorded that it was posted; that is waited for a little.
func (r *Reception) untilRecorded(ctx context.Context, room Thread, found func() bool) error {
	for deadline := time.Now().Add(boundWait); ; {
		sending := r.Deliver.Sending(room) // before looking: it may be recorded in between
		if found() || !sending || time.Now().After(deadline) {
			return nil
		}
		select {
		case <-time.After(boundWait / 20):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// press makes an entry of a pressed button. The button's handle only finds
// what was recorded; nothing in it is believed.
func (r *Reception) press(ctx context.Context, m Message, p Principal) (*Entry, string, error) {
	const old = "That button is too old to work. /ps shows what is running, /help what else there is."
	handle, row, column, ok := ParseData(m.Button)
	if !ok {
		return nil, old, nil
	}
	k, room, spent, err := r.Store.Keyboard(ctx, handle)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, old, nil
	case err != nil:
		return nil, "", err
	case room != m.Thread.Room(), row >= len(k.Rows), row < len(k.Rows) && column >= len(k.Rows[row]):
		return nil, old, nil
	case k.Only != (Account{}) && k.Only != m.Account:
		return nil, "These buttons are for somebody else.", nil
	case spent:
		return nil, "That button has been used already.", nil
	case !k.Expires.IsZero() && time.Now().After(k.Expires):
		return nil, "That question has expired. Send the command again.", nil
	}
	b := k.Rows[row][column]
	call := Call{Command: b.Command, Args: b.Args, Session: k.Session}
	if b.Repeat != 0 {
		if call, err = r.Store.Call(ctx, b.Repeat); errors.Is(err, ErrNotFound) {
			return nil, old, nil
		} else if err != nil {
			return nil, "", err
		}
	}
	c, ok := r.Parser.Command(call.Command)
	if !ok {
		return nil, old, nil
	}
	if !p.May(c.Role) {
		return nil, denied(p, c), nil
	}
	if notice := r.Session.Dead(ctx, k.Session); notice != "" && c.Effect != Reads {
		return nil, notice, nil
	}
	entry := r.enter(m, p, c, Call{Args: call.Args, Session: call.Session, Files: call.Files, Text: call.Text})
	if k.Once {
		entry.Press = handle
		entry.Say = append(entry.Say, r.decided(ctx, k, b)...)
	}
	return entry, "", nil
}

// decided edits a question that has been answered: its buttons go, and what was
// chosen stays to be read.
func (r *Reception) decided(ctx context.Context, k Keyboard, chosen Button) []Delivery {
	id := k.Asked
	for _, row := range k.Rows {
		for _, b := range row {
			if id == 0 {
				id = b.Repeat
			}
		}
	}
	if id == 0 {
		return nil
	}
	asked, err := r.Store.Call(ctx, id)
	if err != nil {
		return nil
	}
	return []Delivery{answer(asked, 0, Post{Text: []Span{
		{Style: Code, Text: clip(asked.Text, 200)}, {Text: "\n→ " + chosen.Label},
	}})}
}

// enter makes the entry of a call: to be run, refused, or asked about. Only
// what a message decides is taken from call.
func (r *Reception) enter(m Message, p Principal, c Command, call Call) *Entry {
	call.ID = r.Store.NewCall()
	call.Key = m.Key
	call.Command = c.Name
	call.Claim = m.Claim
	call.Message = m.ID
	call.ReplyTo = m.ReplyTo
	call.Accepted = time.Now()
	if m.Button == "" {
		call.Text = m.Text
		call.Files = m.Attachments
	}
	if call.Text == "" {
		call.Text = "/" + c.Name
	}
	entry := &Entry{Key: m.Key, Call: &call}
	if call.Session != "" && m.Button == "" {
		entry.Bind = Binding{Room: m.Thread.Room(), Message: m.ID, Session: call.Session}
	}
	switch {
	case !p.May(c.Role):
		complete(&call, Refused, denied(p, c))
		entry.Say = []Delivery{answer(call, 0, Plainf("%s", call.Detail))}
	case c.Effect != Reads && r.shared(m.Thread.Adapter):
		complete(&call, Refused, "another program uses the bot's token")
		entry.Say = []Delivery{answer(call, 0, Plainf("Another program is using my bot token, so I run nothing that changes something. If it is not yours, make a new token where you got it. /status tells when it is over."))}
	case c.Effect != Reads && m.Age > r.staleAfter():
		complete(&call, Late, fmt.Sprintf("arrived %s late", roughly(m.Age)))
		entry.Say = []Delivery{lateQuestion(call, r.Device, m.Age)}
	}
	return entry
}

// refuse makes the entry of a message that cannot be a call: it is answered,
// and recorded as failed when it named a command.
func (r *Reception) refuse(m Message, c Command, o Outcome, why string) *Entry {
	call := Call{ID: r.Store.NewCall(), Key: m.Key, Command: c.Name, Claim: m.Claim, Message: m.ID, Text: m.Text, Accepted: time.Now()}
	call.Text = clip(call.Text, 4000)
	complete(&call, o, why)
	entry := &Entry{Key: m.Key, Say: []Delivery{answer(call, 0, Plainf("%s", why))}}
	if c.Name != "" {
		entry.Call = &call
	}
	return entry
}

// shared reports whether somebody else may be receiving the network's messages
// too: what they would do with a command, or with our answers, nobody knows.
func (r *Reception) shared(adapter string) bool {
	c, ok := r.Deliver.Adapter(adapter).(Checker)
	return ok && c.Health().Shared
}

func (r *Reception) staleAfter() time.Duration {
	if r.StaleAfter > 0 {
		return r.StaleAfter
	}
	return DefaultStaleAfter
}

// pairing recognises a message that offers a pairing code.
var pairingText = regexp.MustCompile(`^/(?:start|pair)\s+([A-Za-z0-9]{4,32})\s*$`)

func pairing(m Message) (code string, ok bool) {
	found := pairingText.FindStringSubmatch(m.Text)
	if found == nil {
		return "", false
	}
	return found[1], true
}

// redeem tries a pairing code. A wrong one is met with silence: from a
// stranger it says nothing that would help to guess.
func (r *Reception) redeem(ctx context.Context, m Message, code string, p Principal) (*Entry, string, error) {
	who := m.Claim
	if namesake := r.Policy.Known(who.Name); namesake.Name != "" && !slices.Contains(namesake.Accounts, who.Account) {
		// Two of one name would be taken for one person.
		who.Name += " " + string(who.Account.User)
	}
	person, ok, err := r.Store.Redeem(ctx, m.Key, code, who, func(person Person) []Delivery {
		call := Call{ID: r.Store.NewCall(), Claim: m.Claim, Message: m.ID}
		say := []Delivery{answer(call, 0, welcome(person, r.Policy.Known(person.Name), r.Device))}
		return append(say, r.linked(person, m.Claim)...)
	})
	if err != nil {
		return nil, "", fmt.Errorf("redeem pairing code: %w", err)
	}
	if !ok {
		r.Logger.Warn("wrong pairing code", "account", m.Account.String())
		if p.May(Viewer) {
			return r.refuse(m, Command{}, Failed, "That code is not valid (any more). On the device, `chapi pair` makes a new one."), "", nil
		}
		return nil, "", r.stranger(ctx, m)
	}
	r.Logger.Info("paired", "person", person.Name, "role", person.Role.String(), "account", m.Account.String())
	if r.Paired != nil {
		if err := r.Paired(ctx); err != nil {
			r.Logger.Error("bring the allowlist up to date", "err", err)
		}
	}
	r.Deliver.Wake(m.Thread)
	for _, account := range r.Policy.Known(person.Name).Accounts {
		if th, ok := r.Deliver.Direct(account); ok {
			r.Deliver.Wake(th)
		}
	}
	return nil, "", nil
}

// linked tells a person, on the accounts that they had, of the one that they
// have got: it can do all that they can.
func (r *Reception) linked(p Person, to Claim) []Delivery {
	var say []Delivery
	for _, account := range r.Policy.Known(p.Name).Accounts {
		th, ok := r.Deliver.Direct(account)
		if !ok || account == to.Account {
			continue
		}
		say = append(say, Delivery{Thread: th, Slot: Slot("notice/" + NewHandle()), Final: true, Post: Post{Text: []Span{
			{Text: label(to.Name) + ", "}, {Style: Code, Text: to.Account.String()},
			{Text: ", is you from now on and may do all that you may. If that was not you: "}, {Style: Code, Text: "/link off"},
		}}})
	}
	return say
}

// welcome greets an account that came in: as somebody new, or as one more of
// somebody who was known before.
func welcome(p, known Person, device string) Post {
	if known.Role != Nobody {
		p.Role = known.Role
	}
	return Post{Text: []Span{
		{Text: "Welcome, " + p.Name + ". You are "},
		{Style: Bold, Text: p.Role.String()},
		{Text: " of "}, {Style: Bold, Text: device},
		{Text: " now.\n\nTry "}, {Style: Code, Text: "/run uname -a"},
		{Text: " or "}, {Style: Code, Text: "/term"},
		{Text: ". /help lists everything."},
	}}
}

// stranger tells the owners about somebody at the door, once per stranger and
// day. The stranger hears nothing.
func (r *Reception) stranger(ctx context.Context, m Message) error {
	r.Logger.Warn("message of a stranger", "account", m.Account.String(), "thread", m.Thread.String())
	if !m.Direct && m.Button == "" && !m.Addressed && !strings.HasPrefix(m.Text, "/") {
		return nil // a group may well have members who talk to each other
	}
	if !r.mayTell(time.Now()) {
		return nil
	}
	return r.tellOwners(ctx, "stranger/"+m.Account.String(), Post{Silent: true, Text: []Span{
		{Text: "Somebody who is not listed wrote to me: " + label(m.Name) + ", "},
		{Style: Code, Text: m.Account.String()},
		{Text: ". I said nothing. To let them in, run "},
		{Style: Code, Text: "chapi pair --role user"}, {Text: " on " + r.Device + " and give them the code."},
	}})
}

// strangersPerHour bounds the notices about strangers: a crowd at the door
// must not become a flood in the owners' chats.
const strangersPerHour = 5

func (r *Reception) mayTell(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := r.told[:0]
	for _, t := range r.told {
		if now.Sub(t) < time.Hour {
			recent = append(recent, t)
		}
	}
	r.told = recent
	if len(recent) >= strangersPerHour {
		return false
	}
	r.told = append(r.told, now)
	return true
}

// unlisted tells the owners that a listed person wrote in a group that is not.
func (r *Reception) unlisted(ctx context.Context, m Message) error {
	if m.Button == "" && !m.Addressed && !strings.HasPrefix(m.Text, "/") {
		return nil
	}
	return r.tellOwners(ctx, "chat/"+m.Thread.Room().String(), Post{Silent: true, Text: []Span{
		{Text: label(m.Name) + " wants me in the group " + label(m.Title) + ", which is not listed, so I said nothing there. To let it in: "},
		{Style: Code, Text: "/chats add " + string(m.Thread.Chat)},
	}})
}

// tellOwners puts the post into the owners' private chats, at most once a day
// for the same topic.
func (r *Reception) tellOwners(ctx context.Context, topic string, post Post) error {
	var say []Delivery
	for _, owner := range r.Policy.Owners() {
		if th, ok := r.Deliver.Direct(owner); ok {
			say = append(say, Delivery{Thread: th, Slot: Slot("notice/" + NewHandle()), Post: post})
		}
	}
	if len(say) == 0 {
		return nil
	}
	if _, err := r.Store.Once(ctx, topic, 24*time.Hour, say...); err != nil {
		return fmt.Errorf("tell the owners: %w", err)
	}
	r.Deliver.Due(say...)
	return nil
}

// label is a name that a stranger chose, made safe to show in a line.
func label(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x200b && r <= 0x200f) || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) {
			return -1
		}
		return r
	}, name)
	if clean = strings.TrimSpace(clean); clean == "" {
		return "“?”"
	}
	return "“" + clip(clean, 40) + "”"
}

// denied says what is missing, to somebody who is listed.
func denied(p Principal, c Command) string {
	return fmt.Sprintf("/%s needs the role %s; you are %s here. An owner can change that with /people.", c.Name, c.Role, p.Role())
}

// complete gives a call its outcome before it was ever run.
func complete(c *Call, o Outcome, detail string) {
	c.State, c.Outcome, c.Detail, c.Finished = Completed, o, detail, c.Accepted
}

// answer is the nth thing said in answer to a call.
func answer(c Call, n int, p Post) Delivery {
	return Delivery{
		Thread:  c.Claim.Thread,
		Slot:    Slot(fmt.Sprintf("call/%d/%d", c.ID, n)),
		Post:    p,
		ReplyTo: c.Message,
		Final:   true,
	}
}

// Beside is an answer to the call beside those that it has in the end, in a slot
// named after what it is: for what others may add to.
func (c Call) Beside(what string, p Post) Delivery {
	d := answer(c, 0, withHandle(p))
	d.Slot = Slot(fmt.Sprintf("call/%d/%s", c.ID, what))
	return d
}

// lateQuestion asks what to do with a call that arrived late. Only the person
// who asked may decide, once, within a day.
func lateQuestion(c Call, device string, age time.Duration) Delivery {
	why := "You sent this " + roughly(age) + " ago, while " + device + " was away: "
	if id, ok := c.scheduled(); ok {
		why = "⏰ " + id + " was due " + roughly(age) + " ago, while " + device + " was away: "
	}
	return answer(c, 0, Post{
		Text: []Span{
			{Text: why},
			{Style: Code, Text: clip(c.Text, 200)},
			{Text: "\nIt has not been run."},
		},
		Keyboard: &Keyboard{
			Handle: NewHandle(), Once: true, Only: c.Claim.Account, Session: c.Session,
			Expires: time.Now().Add(24 * time.Hour),
			Rows: [][]Button{{
				{Label: "Run", Repeat: c.ID},
				{Label: "Drop", Command: DropCommand},
			}},
		},
	})
}

// roughly is a length of time as one says it, to the nearest unit.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Round(time.Minute).Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Round(time.Hour).Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
