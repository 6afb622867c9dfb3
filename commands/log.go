package commands

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"chapi/bot"
)

// log declares /log: a session's whole output, or a part of it, as a file.
func log(d Deps) bot.Command {
	return bot.Command{
		Name:    "log",
		Group:   groupLook,
		Summary: "Send a session's output as a file",
		Help: "The whole output, or the bytes of a range FROM..TO: the first is number 0, TO is not included, either may be left out. " +
			"k, M and G stand for 1024, 1024² and 1024³. A range fetches what was too large to be sent in one piece.",
		Examples: []string{"log 12", "log backup", "log 12 0..20M", "log 12 20M.."},
		Args: []bot.Arg{
			{Name: "session", Kind: bot.ArgSession, Summary: "its number or name; none: the one you reply to, or the one that runs here"},
			{Name: "range", Kind: bot.ArgText, Summary: "FROM..TO in bytes; none: all"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			ref, span := req.Call.Args.Text("session"), req.Call.Args.Text("range")
			if span == "" && strings.Contains(ref, "..") {
				ref, span = "", ref // only a range: of the session that is meant anyway
			}
			r, err := byteRange(span)
			if err != nil {
				return err
			}
			s, err := d.Sessions.Find(ctx, req.Principal, ref, req.Call.Session)
			if err != nil {
				return err
			}
			post, err := d.Sessions.Log(ctx, req.Principal, s.ID, r)
			if err != nil {
				return err
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

var rangePattern = regexp.MustCompile(`^(?:([0-9]{1,18})([kKmMgG]?))?\.\.(?:([0-9]{1,18})([kKmMgG]?))?$`)

// byteRange reads FROM..TO. The empty text is everything.
func byteRange(text string) (bot.Range, error) {
	if text == "" {
		return bot.Range{}, nil
	}
	found := rangePattern.FindStringSubmatch(text)
	if found == nil {
		return bot.Range{}, bot.Userf("/log: %q is no range: write FROM..TO in bytes, such as 0..20M or 1000.. for the rest.", clip(text, 40))
	}
	from, okFrom := byteCount(found[1], found[2])
	to, okTo := byteCount(found[3], found[4])
	if !okFrom || !okTo || found[3] != "" && to <= from {
		return bot.Range{}, bot.Userf("/log: %s is an empty or impossible range: FROM must be less than TO.", text)
	}
	return bot.Range{From: from, To: to}, nil
}

// byteCount is a number of bytes with its unit; ok is false if there is no such
// number.
func byteCount(digits, unit string) (n int64, ok bool) {
	if digits == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	shift := map[string]uint{"": 0, "k": 10, "m": 20, "g": 30}[strings.ToLower(unit)]
	return n << shift, err == nil && n <= (1<<62)>>shift
}
