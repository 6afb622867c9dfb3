package commands

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// battery declares /battery.
func battery(d Deps) bot.Command {
	return bot.Command{
		Name:     "battery",
		Group:    groupDevice,
		Summary:  "Tell the battery's charge, power, time left and health",
		Help:     "What its gauge does not tell is left out. /chart battery draws it. A UPS, a UPS board or a program of yours can be the gauge: battery in the configuration.",
		Examples: []string{"battery"},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			b, err := d.Battery(ctx)
			switch {
			case errors.Is(err, device.ErrNoBattery):
				return bot.Userf("%s has no battery that I know of. battery.source in the configuration names who does.", d.Device)
			case err != nil:
				return &bot.UserError{Text: "The battery cannot be asked: " + clip(oneLine(err.Error()), 300), Err: err}
			}
			name := b.Name
			if name == "" {
				name = "battery"
			}
			req.Reply.Say(said(bold(d.Device), " · ", oneLine(name), "\n", pre(b.String())))
			return nil
		},
	}
}

// Bounds of a chart's time.
const (
	leastChart = 10 * time.Minute
	mostChart  = 3650 * 24 * time.Hour
	usualChart = 24 * time.Hour
)

// chart declares /chart: measurements as a picture.
func chart(d Deps) bot.Command {
	return bot.Command{
		Name:    "chart",
		Group:   groupDevice,
		Summary: "Draw measurements: battery, temp, load, disk and others",
		Help: "A picture of the last 24 hours, or of the time that you give, such as 90m, 12h, 7d or 4w; several names are drawn below each other. " +
			"I measure load, cpu, memory and disk, and battery, power, temp and wifi where there are any. Programs add series of their own with: chapi metric NAME VALUE.",
		Examples: []string{"chart", "chart battery", "chart temp load 7d", "chart --dark temp 12h"},
		Args: []bot.Arg{
			{Name: "dark", Flag: true, Kind: bot.ArgSwitch, Summary: "on a dark ground"},
			{Name: "what", Kind: bot.ArgWords, Summary: "names of series, and the length of time"},
		},
		Role:   bot.Viewer,
		Effect: bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			names, length, dark := []string(nil), usualChart, req.Call.Args.Has("dark")
			for _, word := range req.Call.Args.List("what") {
				word = strings.ToLower(word)
				if word == "--dark" || word == "—dark" { // after a name, and as phones write it
					dark = true
				} else if l, ok := lengthOfTime(word); ok {
					length = l
				} else {
					names = append(names, word)
				}
			}
			if length < leastChart || length > mostChart {
				return bot.Userf("A chart shows 10 minutes to 10 years, such as 24h or 7d.")
			}
			post, err := d.Chart(ctx, names, length, dark)
			if err != nil {
				return err
			}
			req.Reply.Say(post)
			return nil
		},
	}
}

// lengthOfTime reads 90m, 24h, 7d and 4w.
func lengthOfTime(s string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if digits, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseUint(digits, 10, 16)
			return time.Duration(n) * length, err == nil && time.Duration(n) <= 2*mostChart/length
		}
	}
	l, err := time.ParseDuration(s)
	return l, err == nil
}

// pre is a block of even characters.
func pre(s string) bot.Span { return bot.Span{Style: bot.Pre, Text: s} }
