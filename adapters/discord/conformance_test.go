package discord

import (
	"strings"
	"testing"

	"chapi/adapters/adaptertest"
	"chapi/adapters/discord/discordtest"
	"chapi/bot"
)

func TestConformanceInAPrivateChat(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Bench {
		r := newRig(t, discordtest.Options{})
		return r.bench(r.dm)
	})
}

func TestConformanceInAThread(t *testing.T) {
	adaptertest.Run(t, func(t *testing.T) adaptertest.Bench {
		r := newRig(t, discordtest.Options{MessageContent: true})
		return r.bench(r.general.AddThread(r.anna, "pi", 0))
	})
}

// bench puts the adapter on a bench, with Anna in a channel.
func (r *rig) bench(c *discordtest.Channel) adaptertest.Bench {
	return adaptertest.Bench{
		Adapter: r.a,
		Thread:  r.to(c),
		Account: bot.Account{Adapter: Name, User: bot.UserID(r.anna.ID.String())},
		Say: func(text string) bot.MessageID {
			// What is said before the bot listens for the first time is not
			// for it.
			r.srv.Wait(deadline, r.srv.Connected)
			return bot.MessageID(c.Say(r.anna, text).ID.String())
		},
		Posts: func() []adaptertest.Post {
			var out []adaptertest.Post
			for _, m := range c.Posts() {
				p := adaptertest.Post{ID: bot.MessageID(m.ID.String()), Text: glass(m.Text), Silent: m.Silent}
				if m.ReplyTo != 0 {
					p.ReplyTo = bot.MessageID(m.ReplyTo.String())
				}
				for _, row := range m.Keyboard {
					var labels []string
					for _, b := range row {
						labels = append(labels, b.Label)
					}
					p.Buttons = append(p.Buttons, labels)
				}
				if len(m.Files) > 0 {
					// The network makes underscores of blanks.
					p.File, p.Name = m.Files[0].Bytes(), strings.ReplaceAll(m.Files[0].Name, "_", " ")
				}
				out = append(out, p)
			}
			return out
		},
		Press: func(m bot.MessageID, row, column int) (string, bool) {
			r.srv.Wait(deadline, r.srv.Connected)
			id, _ := parseSnowflake(string(m))
			shown, _ := c.Message(discordtest.Snowflake(id))
			press := c.Press(r.anna, shown.ID, shown.Keyboard[row][column].Data)
			_, answered := press.Answer(deadline)
			notice, _ := press.Notice(deadline)
			return notice, answered
		},
		Vanish: func(m bot.MessageID) {
			id, _ := parseSnowflake(string(m))
			c.Delete(discordtest.Snowflake(id))
		},
		Unplug: r.srv.Down,
		Plug:   r.up,
		// One lost answer is made up for by the enforced nonce: lose all.
		LoseAnswer: func() {
			r.srv.AddFault(discordtest.Fault{Method: createMessage, Times: reposts + 1, Kind: discordtest.DropAfter})
		},
	}
}
