package daemon

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"chapi/bot"
	"chapi/bot/render/chart"
	"chapi/commands/device"
)

// mostPoints is how many points a curve has at most: two pixels for each.
const mostPoints = 390

// chartSteps are the lengths of time that samples are taken together for, in
// minutes: round ones, so that two charts of a day show the same.
var chartSteps = []int{1, 2, 5, 10, 15, 20, 30, 60, 120, 180, 360, 720, 1440, 2880}

// Chart draws series over the time until now, as a picture to be posted. No
// names are the machine's own, as far as there are any.
func (d *daemon) Chart(ctx context.Context, names []string, length time.Duration, dark bool) (bot.Post, error) {
	known, err := d.store.Names(ctx)
	if err != nil {
		return bot.Post{}, err
	}
	if names, err = chosen(names, known); err != nil {
		return bot.Post{}, err
	}
	now := time.Now()
	c := chart.Chart{Device: d.Config.Device.Name, From: now.Add(-length), To: now, Dark: dark}
	for _, name := range names {
		points, err := d.store.Range(ctx, name, c.From, now.Add(time.Minute), chartStep(length))
		if err != nil {
			return bot.Post{}, err
		}
		k, _ := device.KindOf(name)
		c.Panels = append(c.Panels, chart.Panel{Title: k.Title, Unit: k.Unit, Points: points, Low: k.Low, High: k.High, Span: k.Span})
	}
	file, err := d.spool.Create(".png")
	if err != nil {
		return bot.Post{}, err
	}
	err = chart.Draw(file, c)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		os.Remove(file.Name())
		return bot.Post{}, fmt.Errorf("draw chart of %s: %w", strings.Join(names, ", "), err)
	}
	return bot.Post{
		Text:  []bot.Span{{Text: caption(c)}},
		Media: &bot.Media{Kind: bot.Picture, Name: strings.Join(names, "-") + ".png", Path: file.Name(), Own: true},
	}, nil
}

// chosen is which series to draw: those that are named, all of which must be
// there, or those that people ask for most.
func chosen(names, known []string) ([]string, error) {
	if len(known) == 0 {
		return nil, bot.Userf("Nothing has been measured yet. Ask again in a minute.")
	}
	if len(names) > chart.MaxPanels {
		return nil, bot.Userf("A chart has room for %d series.", chart.MaxPanels)
	}
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		if near := bot.Near(name, known); len(near) > 0 {
			return nil, bot.Userf("There is no series %.30q. Did you mean %s?", name, strings.Join(near, " or "))
		}
		list := known[:min(len(known), 20)]
		return nil, bot.Userf("There is no series %.30q. There are: %s.", name, strings.Join(list, ", "))
	}
	if len(names) > 0 {
		return names, nil
	}
	for _, name := range []string{device.Charge, device.Temp, device.Loads} {
		if slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = known[:1]
	}
	return names, nil
}

func chartStep(length time.Duration) time.Duration {
	for _, minutes := range chartSteps {
		if step := time.Duration(minutes) * time.Minute; length/step <= mostPoints {
			return step
		}
	}
	return time.Duration(chartSteps[len(chartSteps)-1]) * time.Minute
}

// caption is the picture in words.
func caption(c chart.Chart) string {
	var lines []string
	for _, p := range c.Panels {
		if len(p.Points) == 0 {
			lines = append(lines, p.Title+": no samples in this time")
			continue
		}
		unit := ""
		if p.Unit != "" {
			unit = " " + p.Unit
		}
		low, high := p.Points[0].Min, p.Points[0].Max
		for _, q := range p.Points {
			low, high = min(low, q.Min), max(high, q.Max)
		}
		lines = append(lines, fmt.Sprintf("%s %.4g%s, from %.4g to %.4g", p.Title, p.Points[len(p.Points)-1].Mean, unit, low, high))
	}
	return strings.Join(lines, "\n")
}
