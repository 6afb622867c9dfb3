// Package bot is what chapi is about: its words, its contracts and its flow.
//
// One message goes through six stages, a file each:
//
//	receive    a network's message is taken in, at most once       receive.go
//	authorize  person and chat become a Principal, or nothing      authorize.go
//	parse      text or a pressed button becomes a Call             parse.go
//	dispatch   the Call is begun on disk, run, and finished        dispatch.go
//	watch      a session's output becomes pages                    watch.go
//	deliver    what is to be said reaches the chat, in order       deliver.go
//
// What is called at times comes in by the same door (schedule.go); alerts.go
// and leases.go speak by themselves, through the same outbox.
//
// Four promises drive the choices. Each has one home:
//
//	once         a command runs at most once and gets one honest outcome   Ledger, dispatch.go
//	survives     sessions outlive the daemon                               Runner
//	nothing lost output reaches disk first, then the chat, in order        Journal, Outbox
//	nobody else  only a Principal can cause anything                       authorize.go
//
// The package imports the standard library only. The rooms (adapters,
// commands, runner, storage, bot/render, bot/config) import bot and never each
// other; bot/daemon introduces them. A test enforces it.
package bot
