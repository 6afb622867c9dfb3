package commands

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"chapi/bot"
)

func TestFilesOfOneMessageHaveOneAnswer(t *testing.T) {
	w := filed(t)
	for i := range 3 {
		w.attaches(fmt.Sprintf("%d.txt", i), "content")
	}
	got := w.do("put sub")
	if len(w.reply.posts) != 1 || strings.Count(got, "SHA-256") != 3 || !strings.Contains(got, "Stored 3 files") {
		t.Fatalf("%d answers: %q", len(w.reply.posts), got)
	}
	if err := w.press("1.txt"); err != nil || !strings.Contains(w.reply.text(), "1.txt") {
		t.Errorf("the button of a file: %v, %q", err, w.reply.text())
	}
	w.do("put sub")
	if err := w.press("Delete all"); err != nil || strings.Count(w.reply.text(), "/sub/") != 3 {
		t.Errorf("Delete all: %v, %q", err, w.reply.text())
	}
}

// Where each file of an album is a message of its own, the calls run at once: the
// last revision of their one answer has them all.
func TestFilesOfAnAlbumHaveOneAnswer(t *testing.T) {
	w := filed(t)
	var mu sync.Mutex
	var put []bot.Delivery
	d := w.deps()
	d.Put = func(_ context.Context, say bot.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		put = append(put, say)
		return nil
	}
	c, p := bot.NewParser(New(d), Words), w.principal()
	command, _ := c.Command(bot.PutCommand)
	for i := range 5 {
		w.network[fmt.Sprintf("%d.txt", i)] = "content"
	}
	var running sync.WaitGroup
	for i := range 5 {
		name := fmt.Sprintf("%d.txt", i)
		running.Go(func() {
			err := command.Run(t.Context(), bot.Request{
				Call: bot.Call{ID: bot.CallID(i + 1), Args: bot.Args{bot.AlbumArg: {"77"}, "dir": {"sub"}}, Files: []bot.Attachment{{Name: name, Ref: name}},
					Claim: bot.Claim{Account: ann, Thread: w.thread}},
				Principal: p, Reply: &replies{},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	last := put[len(put)-1]
	for _, say := range put {
		if say.Slot != last.Slot {
			t.Errorf("answers in %s and %s", say.Slot, last.Slot)
		}
	}
	for i := range 5 {
		if !strings.Contains(last.Post.String(), fmt.Sprintf("%d.txt", i)) {
			t.Errorf("%d.txt is not in %q", i, last.Post)
		}
	}
}
