package daemon

import (
	"context"
	"path/filepath"

	"chapi/bot"
	"chapi/commands/camera"
)

// cameras makes the studio: the declared cameras, and what is kept going with
// them.
func (d *daemon) cameras(policy *bot.Policy) (*camera.Studio, error) {
	var declared []camera.Config
	for _, c := range d.Config.Cameras {
		width, height := c.Pixels()
		declared = append(declared, camera.Config{
			Name: c.Name, Source: c.Source, Width: width, Height: height, Rotate: c.Rotate, Before: c.Before, After: c.After,
		})
	}
	set, err := camera.NewSet(declared, filepath.Join(d.Config.StateDir, "captures"), d.log)
	if err != nil {
		return nil, err
	}
	return &camera.Studio{
		Cameras: set,
		Dir:     filepath.Join(d.Config.StateDir, "cameras"),
		Spool:   d.spool,
		Put:     d.putOne,
		Limits:  d.deliver.Limits,
		Authorize: func(c bot.Claim) (bot.Principal, error) {
			return d.deliver.Standing(context.Background(), policy, c)
		},
		Role:   bot.User,
		Logger: d.log,
	}, nil
}

// putOne brings a delivery under way.
func (d *daemon) putOne(ctx context.Context, say bot.Delivery) error {
	if err := d.store.Put(ctx, say); err != nil {
		return err
	}
	d.deliver.Due(say)
	return nil
}
