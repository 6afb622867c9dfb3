package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/camera"
)

const timelapseUsage = "Write /timelapse CAMERA every 10s for 1h, /timelapse list or /timelapse stop NUMBER."

// timelapse declares /timelapse.
func timelapse(d Deps) bot.Command {
	return bot.Command{
		Name:    "timelapse",
		Group:   groupCameras,
		Summary: "Take a picture now and then, and make a clip of them",
		Help: "The clip comes when the time is over, or after stop. A restart does not matter: it goes on, and what was missed is missed. " +
			"With only one camera its name can be left out.",
		Examples: []string{"timelapse yard every 10s for 1h", "timelapse list", "timelapse stop 12"},
		Args:     []bot.Arg{{Name: "what", Kind: bot.ArgWords, Required: true, Summary: "CAMERA every TIME for TIME, list, or stop NUMBER"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			words := req.Call.Args.List("what")
			switch strings.ToLower(words[0]) {
			case "list":
				req.Reply.Say(timelapses(d.Cameras.List(req.Principal, camera.Timelapse)))
				return nil
			case "stop":
				p, err := d.Cameras.Stop(req.Principal, camera.Timelapse, strings.Join(words[1:], " "))
				if err != nil {
					return err
				}
				req.Reply.Say(said("Timelapse ", code(p.ID), " stops; its clip follows."))
				return nil
			}
			p, err := timelapsePlan(d, req, words)
			if err != nil {
				return err
			}
			if err := d.Cameras.Begin(p); err != nil {
				return err
			}
			req.Reply.Say(said(fmt.Sprintf("Timelapse %s of %s: a picture every %s until %s, about %d in all. ",
				p.ID, p.Camera, lasted(p.Every), clockTime(p.Until), p.Until.Sub(p.Began)/p.Every+1), code("/timelapse stop "+p.ID), " ends it sooner."))
			return nil
		},
	}
}

// timelapsePlan reads "CAMERA every TIME for TIME".
func timelapsePlan(d Deps, req bot.Request, words []string) (camera.Plan, error) {
	name, rest := cameraWords(words, "every")
	if len(rest) != 4 || !strings.EqualFold(rest[0], "every") || !strings.EqualFold(rest[2], "for") {
		return camera.Plan{}, bot.Userf("%s", timelapseUsage)
	}
	every, errEvery := time.ParseDuration(rest[1])
	length, errLength := time.ParseDuration(rest[3])
	switch {
	case errEvery != nil || errLength != nil:
		return camera.Plan{}, bot.Userf("Times are written as in 10s, 5m or 2h. %s", timelapseUsage)
	case every < camera.MinEvery:
		return camera.Plan{}, bot.Userf("A picture can be taken every %s at most; /video shows faster things.", lasted(camera.MinEvery))
	case length < every:
		return camera.Plan{}, bot.Userf("Within %s there is not one more picture. Give a longer time.", lasted(length))
	case length/every >= camera.MaxPictures:
		return camera.Plan{}, bot.Userf("That would be %d pictures; %d is the most. Take them every %s.", length/every+1, camera.MaxPictures, lasted((length/camera.MaxPictures).Truncate(time.Second)+time.Second))
	}
	p, err := newPlan(d, req, camera.Timelapse, name)
	p.Every, p.Until = every, p.Began.Add(length)
	return p, err
}

// newPlan is a job for a camera, asked for by this call.
func newPlan(d Deps, req bot.Request, kind camera.Kind, name string) (camera.Plan, error) {
	c, err := d.Cameras.Cameras.Find(name)
	if err != nil {
		return camera.Plan{}, err
	}
	return camera.Plan{
		ID: fmt.Sprint(req.Call.ID), Kind: kind, Camera: c.Name, Began: time.Now(),
		Claim: req.Call.Claim, Message: req.Call.Message,
	}, nil
}

func timelapses(plans []camera.Plan) bot.Post {
	if len(plans) == 0 {
		return bot.Plainf("No timelapse is going on here.")
	}
	l := listing{more: "… and %d more."}
	for _, p := range plans {
		state := fmt.Sprintf("every %s until %s", lasted(p.Every), clockTime(p.Until))
		if !p.Stopped.IsZero() {
			state = "stopped; its clip is being made"
		}
		l.add(code(p.ID), text(" %s, %s\n", p.Camera, state))
	}
	return l.post()
}

// clockTime is a time of today, or of another day with that.
func clockTime(t time.Time) string {
	if time.Until(t) > 18*time.Hour {
		return t.Format("Mon 15:04")
	}
	return t.Format("15:04:05")
}
