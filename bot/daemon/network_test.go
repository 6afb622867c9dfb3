package daemon

import (
	"fmt"
	"testing"
	"time"
)

// The whole-program tests play on every chat network with the same words. A
// network is one of the strict servers, with the people and chats of all
// transcripts: ann (owner), bob (user), olga (operator) and viv (viewer) are
// listed, eve is not. Groups lab, where no topics can be opened, and forum,
// where they can, are listed; attic is not. ann, bob, olga, viv and eve also
// name the private chats.
type network interface {
	Name() string
	Token() string
	// Section is the network's section of the configuration, which ends with
	// own; if that is empty the pace is fast. People is the lists of people and
	// chats.
	Section(dir, own string) string
	People() string
	// AddPerson adds a listed person beside the usual ones, as a line of the
	// list with that role.
	AddPerson(n int, name, role string) (line string)

	// Chat is a place by name; "forum/sh" is the topic of forum that is called
	// so.
	Chat(name string) (place, error)

	// Ready reports whether the daemon receives, Taken whether it has taken
	// everything that was sent so far, as far as the network can know.
	Ready() bool
	Taken() bool
	// Wait returns true as soon as cond holds, which is looked at after every
	// change.
	Wait(timeout time.Duration, cond func() bool) bool

	Down()
	BlackHole()
	Up() error
	// Drop cuts the line over which the daemon receives, once.
	Drop()
	// StallDownloads lets files of people come only half, or whole again.
	StallDownloads(on bool)
	// Fault lets something go wrong until remove is called. It fails for what
	// the network has no such thing of.
	Fault(f fault) (remove func(), err error)
	ClearFaults()
	// Count is how often a call was made, Done how often it took effect;
	// Refused is how many calls were turned away because there were too many.
	Count(call string) int
	Done(call string) int
	Refused() int
	// Block has a person take nothing from the bot in private, or again.
	Block(who string, on bool)
	// Always reports whether a post whose fate is in doubt is found again for
	// certain, however much was said after it.
	Always() bool
	// Check fails the test for what no well-made bot does.
	Check(testing.TB)
	Close()
}

// fault is something that goes wrong with a call of the network.
type fault struct {
	// call is one that every network has in one way or another: post, edit,
	// file, topic, ack or receive.
	call string
	// kind is drop-before, drop-after, html502, error500, truncate, hang, 429 or
	// slow-answer.
	kind  string
	times int // 0 = once, negative = until it is removed
	// match, if set, must hold too. It must not call the network.
	match func() bool
}

// place is a chat, or a topic of one.
type place interface {
	// Say has a person write, and returns the message's id: of an album that is
	// many messages, the last one's.
	Say(who, text string, how manner) int64
	Edit(who string, id int64, text string)
	// Press presses a button by its data.
	Press(who string, id int64, data string) press
	// Posts is what the bot shows there now, in its topics too, oldest first.
	Posts() []note
	// Heard is the texts of people that are there now.
	Heard() []string
	// Last is the newest of them; it costs no more with their number.
	Last() (note, bool)
	// Redeliver has the network tell of a message again.
	Redeliver(id int64)
	// Delete removes the topic that the place is.
	Delete()
}

// manner is how something is said; the zero value is a plain message, now.
type manner struct {
	replyTo int64
	at      time.Time
	// origin is empty for a person's own words: forwarded, viabot, channel or
	// anonymous.
	origin string
	// files come with it, more than one as an album; code behind it as a block.
	files []sentFile
	code  *sentCode
}

type (
	sentFile struct {
		name string
		data []byte
	}
	sentCode struct{ language, text string }
)

// press is a button that was pressed.
type press interface {
	// Notice waits for what its presser sees.
	Notice(timeout time.Duration) (string, bool)
	// Confirmed reports whether something must come of it. Of a press that is
	// not, and that the network does not repeat, the app tells that it failed.
	Confirmed() bool
}

// note is a message of the bot as a reader sees it, on whatever network.
type note struct {
	ID      int64
	ReplyTo int64
	Text    string // without marks; of a file its caption
	Block   string // the output in it: the first block of fixed width
	File    *document
	Keys    [][]buttonSeen
	Edits   int
	Pinned  bool
}

// document is a file of a message.
type document struct {
	Kind   string // document, photo or video
	Name   string
	Size   int64
	Bytes  func() []byte
	Inline bool // a video that is played in its place
}

type buttonSeen struct{ Label, Data string }

// show is a message as a reader sees it: text, and its buttons in brackets.
func show(m note) string {
	text := m.Text
	if m.File != nil {
		text = fmt.Sprintf("[%s %s %d bytes] %s", m.File.Kind, m.File.Name, m.File.Size, text)
	}
	for _, row := range m.Keys {
		text += "\n"
		for _, b := range row {
			text += "[" + b.Label + "]"
		}
	}
	return text
}

// networks are the makers of all networks, by name. The clock is that of the
// network; rates has it limit calls as the real one does.
var networks = map[string]func(testing.TB, terms) network{
	"telegram": newTelegram,
	"discord":  newDiscord,
}

// terms are how strict a network is.
type terms struct {
	clock func() time.Time
	rates bool
	// busy keeps less of what was said, for tests that say much.
	busy bool
}

// onEveryNetwork runs a test on each of them, side by side.
func onEveryNetwork(t *testing.T, test func(t *testing.T, name string)) {
	t.Parallel()
	for _, name := range []string{"telegram", "discord"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}
