package discord

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"chapi/bot"
)

// Codes of the API, by what they are about
// (docs.discord.com/developers/topics/opcodes-and-status-codes#json).
const (
	codeUnknownChannel  = 10003
	codeUnknownGuild    = 10004
	codeUnknownMessage  = 10008
	codeUnknownUser     = 10013
	codeOldEdit         = 30046 // too many edits of a message older than an hour
	codeDMsTooFast      = 40003
	codeEntityTooLarge  = 40005
	codeFileTooLarge    = 50045
	codeMissingAccess   = 50001
	codeForeignMessage  = 50005
	codeCannotSendTo    = 50007
	codeMissingRights   = 50013
	codeInvalidForm     = 50035
	codeArchived        = 50083
	codeNoMutualServer  = 50278
	codeNoHistory       = 160002 // needed for replies
	codeThreadLocked    = 160005
	codeForbiddenServer = 40333
)

func refused(why bot.SendReason, err error) *bot.SendError {
	return &bot.SendError{Outcome: bot.RefusedSend, Reason: why, Err: err}
}

// setupRetry is how long posts wait while the token or the server's address is
// wrong: it is not the post that is refused, and a person has to mend it.
const setupRetry = time.Minute

// retryAfter is how long a failed call asked to wait.
func retryAfter(err error) time.Duration {
	var ce *callError
	if errors.As(err, &ce) {
		return ce.RetryAfter
	}
	return 0
}

// sendError is what the core needs to know of a failure. Errors that are no
// *callError come from before the request was made.
func (a *Adapter) sendError(s *sending, err error) *bot.SendError {
	var se *bot.SendError
	if errors.As(err, &se) {
		return se
	}
	var ce *callError
	if !errors.As(err, &ce) {
		return refused(bot.Other, err)
	}
	e := &bot.SendError{RetryAfter: ce.RetryAfter, Err: ce}
	switch {
	case ce.Status == 0 && !ce.Begun:
		e.Outcome = bot.NotSent
	case ce.uncertain():
		e.Outcome = bot.Unknown
	case ce.Code == codeOldEdit:
		// It is a 429 by status, but waiting helps little: post anew.
		e.Outcome, e.Reason, e.RetryAfter = bot.RefusedSend, bot.TargetGone, 0
	case ce.Status == http.StatusTooManyRequests:
		e.Outcome = bot.NotSent
	case ce.Code == codeDMsTooFast:
		e.Outcome, e.RetryAfter = bot.NotSent, max(e.RetryAfter, setupRetry)
	case ce.Status == http.StatusUnauthorized, ce.Code == codeForbiddenServer,
		ce.Code == 0: // a proxy's or portal's page, or an address that is not the API
		e.Outcome, e.RetryAfter = bot.NotSent, max(e.RetryAfter, setupRetry)
	default:
		e.Outcome, e.Reason = bot.RefusedSend, a.reason(s, ce)
	}
	if e.Reason == bot.TooLarge && a.uploads.lower(s) {
		// The core makes it fit what is known now.
		e.Outcome, e.Reason = bot.NotSent, bot.Other
		e.Err = fmt.Errorf("the limit for files is lower than thought: %w", ce)
	}
	return e
}

// reason reads the API's codes.
func (a *Adapter) reason(s *sending, ce *callError) bot.SendReason {
	inThread := s.thread.Topic != ""
	switch ce.Code {
	case codeUnknownMessage, codeArchived, codeForeignMessage:
		// Archived threads take no edits, but a new message opens them again.
		if s.target != 0 {
			return bot.TargetGone
		}
		return bot.Other
	case codeThreadLocked:
		return bot.ThreadGone
	case codeUnknownChannel, codeMissingAccess:
		a.places.forget(s.channel)
		if inThread {
			return bot.ThreadGone
		}
		return bot.ChatGone
	case codeMissingRights:
		switch {
		case s.media != nil:
			return bot.Other // words may still pass
		case inThread:
			return bot.ThreadGone
		}
		return bot.ChatGone
	case codeUnknownGuild, codeUnknownUser, codeCannotSendTo, codeNoMutualServer:
		return bot.ChatGone
	case codeEntityTooLarge, codeFileTooLarge:
		return bot.TooLarge
	}
	return bot.Other
}
