package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chapi/bot"
)

// video declares /video.
func video(d Deps) bot.Command {
	return bot.Command{
		Name:     "video",
		Group:    groupCameras,
		Summary:  "Record a clip with a camera",
		Help:     "It is made to fit what this network takes; what cannot becomes smaller, or a picture. /photo works meanwhile.",
		Examples: []string{"video", "video 5s", "video yard 20s"},
		Args:     []bot.Arg{{Name: "what", Kind: bot.ArgWords, Summary: "the camera's name, and how long, such as 10s"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Aside:    true,
		Timeout:  10 * time.Minute,
		Run: func(ctx context.Context, req bot.Request) error {
			name, length := "", d.Cameras.Length
			for _, word := range req.Call.Args.List("what") {
				if t, err := time.ParseDuration(word); err == nil {
					length = t
				} else if name == "" {
					name = word
				} else {
					return bot.Userf("%q is too much here. Try /video %s 10s.", clip(word, 40), clip(name, 40))
				}
			}
			if length < time.Second || length > d.Cameras.MaxLength {
				return bot.Userf("A clip can be from 1s to %s long here. /timelapse shows hours.", lasted(d.Cameras.MaxLength))
			}
			c, err := d.Cameras.Cameras.Find(name)
			if err != nil {
				return err
			}
			m := metered(ctx, req, fmt.Sprintf("Recording %s with %s", lasted(length), c.Name), 0)
			post, err := d.Cameras.Clip(ctx, c, req.Principal.Thread(), length, d.Cameras.FPS)
			m.stop()
			if err != nil {
				return err
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// cameraWords takes a camera's name from the front of words when it is one, for
// commands whose other words are fixed.
func cameraWords(words []string, fixed ...string) (name string, rest []string) {
	if len(words) == 0 {
		return "", nil
	}
	for _, f := range fixed {
		if strings.EqualFold(words[0], f) {
			return "", words
		}
	}
	return words[0], words[1:]
}
