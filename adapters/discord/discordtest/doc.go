// Package discordtest is a strict Discord server, REST and gateway, that runs
// inside the process on real loopback sockets. It refuses what the real server
// refuses, with the real server's codes, and never accepts more; where the
// documentation leaves doubt, it takes the stricter reading.
//
// A test (or a benchmark, or a demonstration) plays the people with
// Channel.Say, Edit, Press, Slash, Autocomplete and Interaction.Submit, plays
// the network with Server.AddFault, Server.AddGatewayFault, Server.Down and
// Server.BlackHole, and looks at what the bot did with Channel.Posts,
// Server.Calls and Interaction.Answer. Server.Wait wakes up on every change, so
// nobody has to sleep. Server.Check at the end of a test reports what no
// well-made bot does: calls that were refused, output that pings somebody or
// makes a link preview, a token in the wrong place, a broken gateway protocol.
//
// Routes that a bot of this kind does not use are answered as unknown ones.
// Left out as well: webhooks other than those of interactions, embeds made of
// links, polls, stickers, voice, sharding, transport compression. The window of
// enforced nonces and the sizes of the rate limits follow a model, because the
// real numbers are not published.
//
// The package knows nothing about the bot it serves: it imports the standard
// library and a WebSocket library only, so that it stays an independent check
// of the adapter.
//
// Facts about the real server come from its developer documentation
// (discord.com/developers/docs); the comment beside a rule names the page where
// it matters.
package discordtest
