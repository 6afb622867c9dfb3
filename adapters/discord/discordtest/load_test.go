package discordtest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
)

func TestTheOrderOfAChannelIsTheOrderOfItsGateway(t *testing.T) {
	r := newRig(t, Options{MessageContent: true})
	other := r.guild.AddChannel(0, "other", TextChannel)
	w, _ := r.connect(usualIntents | IntentMessageContent)
	const each = 200
	var all sync.WaitGroup
	for _, c := range []*Channel{r.lab, other} {
		all.Go(func() {
			for i := range each {
				c.Say(r.ann, fmt.Sprint(i))
			}
		})
		all.Go(func() {
			for i := range each {
				if a := r.send(c, quiet(fmt.Sprint(i))); a.Status != 200 {
					t.Errorf("send: %d %s", a.Status, a.Body)
					return
				}
			}
		})
	}
	last := map[Snowflake]Snowflake{}
	seq := w.seq
	for range 4 * each {
		p := w.next("MESSAGE_CREATE")
		var m struct {
			ID      Snowflake
			Channel Snowflake `json:"channel_id"`
		}
		if err := json.Unmarshal(p.D, &m); err != nil {
			t.Fatal(err)
		}
		if m.ID <= last[m.Channel] || *p.S <= seq {
			t.Fatalf("message %d came after %d, sequence %d after %d", m.ID, last[m.Channel], *p.S, seq)
		}
		last[m.Channel], seq = m.ID, *p.S
	}
	all.Wait()
}

func BenchmarkCreateMessage(b *testing.B) {
	srv := New(Options{MessageContent: true})
	guild := srv.AddGuild(0, "Lab", srv.AddUser(0, "ann"))
	c := guild.AddChannel(0, "lab", TextChannel)
	srv.mu.Lock()
	defer srv.mu.Unlock()
	body := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(quiet("some output of a program")), &body); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rq := &request{route: &route{}, args: []string{c.id.String()}, body: body, call: &Call{}, version: 9}
		if err := srv.createMessage(rq); err != nil {
			b.Fatal(err)
		}
	}
}
