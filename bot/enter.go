package bot

import (
	"fmt"
	"strings"
	"time"
)

// This file makes the entries of the ledger, and says what they bring about.

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

// lost makes the entry of a message of which the content is lost.
func (r *Reception) lost(m Message) *Entry {
	c, _ := r.Parser.Command(strings.TrimPrefix(m.Text, "/"))
	what := m.Text
	if c.Name == "" {
		what = "your " + m.Text
	}
	return r.refuse(m, c, Failed, fmt.Sprintf("%s was interrupted before it took %s\nNothing came of it; try again.", r.Device, what))
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
