package commands

import (
	"context"
	"time"

	"chapi/bot"
	"chapi/commands/camera"
)

// Cameras is what the commands about cameras work with.
type Cameras struct {
	*camera.Studio
	// Length is how long a clip is when nothing is said, MaxLength at most.
	Length, MaxLength time.Duration
	FPS               int // pictures a second of a clip
}

// photoTime bounds /photo: waiting for the camera's turn, a cold camera, and
// hooks.
const photoTime = 90 * time.Second

// photo declares /photo.
func photo(d Deps) bot.Command {
	return bot.Command{
		Name:     "photo",
		Group:    groupCameras,
		Summary:  "Take a picture with a camera",
		Help:     "Cameras are declared in the configuration, under cameras; with only one its name can be left out.",
		Examples: []string{"photo", "photo yard"},
		Args:     []bot.Arg{{Name: "camera", Kind: bot.ArgText, Summary: "its name; none: the only one there is"}},
		Role:     bot.User,
		Effect:   bot.Changes, // it may switch a light on
		Aside:    true,
		Timeout:  photoTime,
		Run: func(ctx context.Context, req bot.Request) error {
			c, err := d.Cameras.Cameras.Find(req.Call.Args.Text("camera"))
			if err != nil {
				return err
			}
			post, err := d.Cameras.Photo(ctx, c)
			if err != nil {
				return err
			}
			req.Reply.Say(post)
			return nil
		},
	}
}
