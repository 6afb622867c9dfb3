package telegram

import (
	"strconv"
	"testing"

	"chapi/adapters/adaptertest"
	"chapi/adapters/telegram/telegramtest"
	"chapi/bot"
)

func TestConformanceInAPrivateChat(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Bench {
		r := newRig(t, telegramtest.Options{})
		// The person has pressed Start long ago.
		r.private.Say(r.anna, "/start")
		var in recorder
		stop := r.run(r.a, &in)
		within(t, "the start", func() bool { return len(in.all()) == 1 && r.srv.Pending() == 0 })
		stop()
		return r.bench(r.private, 0, "5")
	})
}

func TestConformanceInATopic(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Bench {
		r := newRig(t, telegramtest.Options{ReadAll: true, ImplicitRootReplies: true})
		forum := r.srv.AddGroup(-1001234567890, "Home", telegramtest.Forum, r.anna)
		forum.SetRights(telegramtest.Rights{Admin: true, PinMessages: true})
		topic := forum.AddTopic("pi", nil)
		var in recorder
		stop := r.run(r.a, &in)
		within(t, "the topic", func() bool { return r.srv.Pending() == 0 })
		stop()
		return r.bench(forum, topic, "5")
	})
}

// bench puts the adapter on a bench, with Anna in a chat.
func (r *rig) bench(c *telegramtest.Chat, topic int, user bot.UserID) adaptertest.Bench {
	options := func() []telegramtest.SayOption {
		if topic == 0 {
			return nil
		}
		return []telegramtest.SayOption{telegramtest.InTopic(topic)}
	}
	return adaptertest.Bench{
		Adapter: r.a,
		Thread:  thread(c.ID(), int64(topic)),
		Account: bot.Account{Adapter: Name, User: user},
		Say: func(text string) bot.MessageID {
			return formatID(int64(c.Say(r.anna, text, options()...).ID))
		},
		Posts: func() []adaptertest.Post {
			var out []adaptertest.Post
			for _, m := range c.Posts() {
				p := adaptertest.Post{ID: formatID(int64(m.ID)), Text: m.Text + m.Caption, Silent: m.Silent}
				if m.ReplyTo != 0 {
					p.ReplyTo = formatID(int64(m.ReplyTo))
				}
				for _, row := range m.Keyboard {
					var labels []string
					for _, b := range row {
						labels = append(labels, b.Label)
					}
					p.Buttons = append(p.Buttons, labels)
				}
				if m.File != nil {
					p.File, p.Name = m.File.Bytes(), m.File.Name
				}
				if m.Topic != topic {
					r.t.Errorf("post %d is in topic %d, want %d", m.ID, m.Topic, topic)
				}
				out = append(out, p)
			}
			return out
		},
		Press: func(m bot.MessageID, row, column int) (string, bool) {
			id, _ := strconv.Atoi(string(m))
			shown, _ := c.Message(id)
			a, ok := c.Press(r.anna, id, shown.Keyboard[row][column].Data).Answer(deadline)
			return a.Text, ok
		},
		Vanish: func(m bot.MessageID) {
			id, _ := strconv.Atoi(string(m))
			c.Delete(id)
		},
		Shown: func(m bot.MessageID) (bot.MediaKind, []byte) {
			id, _ := strconv.Atoi(string(m))
			shown, _ := c.Message(id)
			if shown.File == nil {
				return bot.File, nil
			}
			kinds := map[string]bot.MediaKind{"photo": bot.Picture, "animation": bot.Picture, "video": bot.Video}
			return kinds[shown.File.Kind], shown.File.Bytes()
		},
		Pinned: func() (pinned []bot.MessageID) {
			for _, m := range c.Messages() {
				if m.Pinned {
					pinned = append(pinned, formatID(int64(m.ID)))
				}
			}
			return pinned
		},
		Unplug: r.srv.Down,
		Plug: func() {
			if err := r.srv.Up(); err != nil {
				r.t.Error(err)
			}
		},
		LoseAnswer: func() {
			r.srv.AddFault(telegramtest.Fault{Method: "sendMessage", Kind: telegramtest.DropAfter})
		},
		Held: r.srv.Pending,
	}
}
