// Package telegramtest is a strict Telegram Bot API server that runs inside
// the process, on a real loopback socket. It refuses what the real server
// refuses, with the real server's text, and never accepts more; where the
// source of the real server leaves doubt, it takes the stricter reading.
//
// A test (or a benchmark, or a demonstration) plays the people with Chat.Say,
// Chat.Edit and Chat.Press, plays the network with Server.AddFault,
// Server.Down and Server.BlackHole, and looks at what the bot did with
// Chat.Messages, Server.Calls and Press.Answer. Server.Wait wakes up on every
// change, so nobody has to sleep. Server.Check at the end of a test reports
// calls that the real server would have refused.
//
// Methods that a bot of this kind does not use are answered as unknown ones.
// Left out as well: legacy Markdown, MarkdownV2 quotes, files by URL, business
// connections, inline messages. Flood control and the life of a callback query
// follow a model, because the real numbers are not published.
//
// The package knows nothing about the bot it serves: it imports the standard
// library only, so that it stays an independent check of the adapter.
//
// Facts about the real server come from the Bot API documentation
// (core.telegram.org/bots/api), from tdlib/telegram-bot-api (Bot API 10.0) and
// from tdlib/td; the comment beside a rule names the place where it matters.
package telegramtest
