package commands

import (
	"context"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/camera"
)

// How long a live picture lasts when nothing is said, and at most: nobody looks
// at it for longer, and each picture is sent.
const (
	watchTime = 10 * time.Minute
	watchMost = 2 * time.Hour
)

// watch declares /watch.
func watch(d Deps) bot.Command {
	return bot.Command{
		Name:     "watch",
		Group:    groupCameras,
		Summary:  "Show a live picture of a camera",
		Help:     "One message, whose picture is taken anew every few seconds: for ten minutes, or for as long as you say, or until stop.",
		Examples: []string{"watch", "watch yard", "watch yard for 30m", "watch stop"},
		Args:     []bot.Arg{{Name: "what", Kind: bot.ArgWords, Summary: "CAMERA [for TIME], list, or stop [CAMERA]"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			words := req.Call.Args.List("what")
			if len(words) > 0 && strings.EqualFold(words[0], "stop") {
				_, err := d.Cameras.Stop(req.Principal, camera.Watch, strings.Join(words[1:], " "))
				return err // the picture itself says that it is over
			}
			if len(words) == 1 && strings.EqualFold(words[0], "list") {
				req.Reply.Say(watches(d.Cameras.List(req.Principal, camera.Watch)))
				return nil
			}
			name, rest := cameraWords(words, "for")
			length := watchTime
			if len(rest) > 0 {
				t, err := time.Duration(0), error(nil)
				if len(rest) == 2 && strings.EqualFold(rest[0], "for") {
					t, err = time.ParseDuration(rest[1])
				}
				if err != nil || t < time.Second {
					return bot.Userf("Write /watch CAMERA for 30m, or /watch stop.")
				}
				length = min(t, watchMost)
			}
			if d.Cameras.Limits(req.Principal.Thread()).Stream {
				return bot.Userf("A live picture takes a chat in which messages can be edited. /photo works here.")
			}
			p, err := newPlan(d, req, camera.Watch, name)
			if err != nil {
				return err
			}
			for _, other := range d.Cameras.List(req.Principal, camera.Watch) {
				if other.Camera == p.Camera && other.Claim.Thread == p.Claim.Thread && other.Stopped.IsZero() {
					return bot.Userf("There is a live picture of %s here already. /watch stop %s ends it.", p.Camera, p.Camera)
				}
			}
			p.Every, p.Until = d.Cameras.WatchEvery(req.Principal.Thread()), p.Began.Add(length)
			return d.Cameras.Begin(p)
		},
	}
}

func watches(plans []camera.Plan) bot.Post {
	if len(plans) == 0 {
		return bot.Plainf("There is no live picture here.")
	}
	l := listing{more: "… and %d more."}
	for _, p := range plans {
		l.add(code(p.ID), text(" %s, until %s\n", p.Camera, clockTime(p.Until)))
	}
	return l.post()
}
