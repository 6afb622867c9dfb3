package commands

import (
	"context"
	"strings"

	"chapi/bot"
	"chapi/commands/camera"
)

// motion declares /motion.
func motion(d Deps) bot.Command {
	return bot.Command{
		Name:    "motion",
		Group:   groupCameras,
		Summary: "Tell when something moves in front of a camera",
		Help: "A picture comes at once; it becomes a clip that begins some seconds before. It goes on, over restarts, until off. " +
			"/photo and /video work meanwhile.",
		Examples: []string{"motion yard on", "motion yard off", "motion list"},
		Args:     []bot.Arg{{Name: "what", Kind: bot.ArgWords, Required: true, Summary: "[CAMERA] on, [CAMERA] off, or list"}},
		Role:     bot.User,
		Effect:   bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			name, rest := cameraWords(req.Call.Args.List("what"), "on", "off", "list")
			if len(rest) != 1 {
				return bot.Userf("Write /motion CAMERA on, /motion CAMERA off or /motion list.")
			}
			switch strings.ToLower(rest[0]) {
			case "list":
				req.Reply.Say(guarded(d.Cameras.List(req.Principal, camera.Motion)))
				return nil
			case "off":
				p, err := d.Cameras.Stop(req.Principal, camera.Motion, name)
				if err != nil {
					return err
				}
				req.Reply.Say(bot.Plainf("Nobody watches %s for motion any more.", p.Camera))
				return nil
			case "on":
				p, err := newPlan(d, req, camera.Motion, name)
				if err != nil {
					return err
				}
				if d.Cameras.Guarded(p.Camera) {
					return bot.Userf("%s is watched for motion already. /motion %s off ends that.", p.Camera, p.Camera)
				}
				if err := d.Cameras.Begin(p); err != nil {
					return err
				}
				req.Reply.Say(said("I tell here when something moves at "+p.Camera+". ", code("/motion "+p.Camera+" off"), " ends it."))
				return nil
			}
			return bot.Userf("Write /motion CAMERA on, /motion CAMERA off or /motion list.")
		},
	}
}

func guarded(plans []camera.Plan) bot.Post {
	if len(plans) == 0 {
		return bot.Plainf("No camera is watched for motion from here.")
	}
	l := listing{more: "… and %d more."}
	for _, p := range plans {
		l.add(code(p.Camera), text(" since %s, for %s\n", p.Began.Format("Mon 15:04"), p.Claim.Name))
	}
	return l.post()
}
