package discord

import "chapi/adapters/discord/discordtest"

// glass shows a message's content as a client does.
func glass(content string) string {
	text, _ := discordtest.Shown(content)
	return text
}
