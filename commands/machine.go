package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chapi/bot"
	"chapi/commands/device"
)

// Bounds of what is shown of the machine, in lines.
const (
	topLines  = 12
	maxListed = 40
)

// topTime is how long processes are watched to see how busy they are.
const topTime = 500 * time.Millisecond

// look declares a command that shows something of the machine as a block.
func look(name, summary string, show func(ctx context.Context) (string, error)) bot.Command {
	return bot.Command{
		Name:     name,
		Group:    groupDevice,
		Summary:  summary,
		Examples: []string{name},
		Role:     bot.Viewer,
		Effect:   bot.Reads,
		Run: func(ctx context.Context, req bot.Request) error {
			text, err := show(ctx)
			if err != nil {
				return err
			}
			if lines := strings.Split(text, "\n"); len(lines) > maxListed {
				text = strings.Join(lines[:maxListed], "\n") + fmt.Sprintf("\nand %d more", len(lines)-maxListed)
			}
			req.Reply.Say(said(pre(text)))
			return nil
		},
	}
}

// top declares /top: the busiest processes.
func top(d Deps) bot.Command {
	c := look("top", "List the busiest processes", func(ctx context.Context) (string, error) {
		all, err := d.Machine.Processes(ctx, topTime)
		if err != nil {
			return "", fmt.Errorf("list processes: %w", err)
		}
		rows := []string{fmt.Sprintf("%7s %5s %7s %s", "PID", "CPU %", "MEM", "NAME")}
		for _, p := range all[:min(len(all), topLines)] {
			rows = append(rows, fmt.Sprintf("%7d %5.1f %7s %s", p.PID, p.CPU, strings.ReplaceAll(device.Bytes(p.Memory), " ", ""), clip(oneLine(p.Name), 15)))
		}
		return strings.Join(rows, "\n"), nil
	})
	c.Help = "By the processor time that they used within half a second; 100 % is one processor. Words that they were started with are not shown: there may be secrets among them. /run top, in a terminal, goes on."
	return c
}

// disk declares /disk.
func disk(d Deps) bot.Command {
	return look("disk", "Tell how full the disks are", func(ctx context.Context) (string, error) {
		var rows []string
		for _, disk := range d.Machine.Disks(ctx) {
			rows = append(rows, fmt.Sprintf("%3.0f %% of %-7s %s free\n      %s", disk.Used(), device.Bytes(disk.Total), device.Bytes(disk.Free), oneLine(disk.Mount)))
		}
		if len(rows) == 0 {
			return "", bot.Userf("No disk tells its size. /sh df -h may know more.")
		}
		return strings.Join(rows, "\n"), nil
	})
}

// network declares /net.
func network(d Deps) bot.Command {
	return look("net", "Tell addresses, Wi-Fi signal and traffic", func(ctx context.Context) (string, error) {
		var rows []string
		for _, n := range d.Machine.Read(ctx).Networks {
			row := n.Name
			for _, address := range n.Addresses {
				row += "\n  " + address
			}
			if n.Signal != nil {
				row += fmt.Sprintf("\n  signal %.0f dBm, %s", *n.Signal, strength(*n.Signal))
			}
			if n.Received+n.Sent > 0 {
				row += fmt.Sprintf("\n  in %s, out %s", device.Bytes(n.Received), device.Bytes(n.Sent))
			}
			rows = append(rows, row)
		}
		if len(rows) == 0 {
			return "", bot.Userf("No network interface has an address.")
		}
		return strings.Join(rows, "\n"), nil
	})
}

// strength is a radio signal in a word: below -70 dBm most begin to falter.
func strength(dbm float64) string {
	switch {
	case dbm >= -55:
		return "strong"
	case dbm >= -67:
		return "good"
	case dbm >= -75:
		return "weak"
	}
	return "very weak"
}

// temperature declares /temp.
func temperature(d Deps) bot.Command {
	return look("temp", "Tell temperatures, throttling and under-voltage", func(ctx context.Context) (string, error) {
		r := d.Machine.Read(ctx)
		var rows []string
		for _, t := range r.Temps {
			rows = append(rows, fmt.Sprintf("%5.1f °C  %s", t.Celsius, clip(oneLine(t.Name), 24)))
		}
		if r.Throttle != nil {
			rows = append(rows, "voltage and speed: "+r.Throttle.String())
		}
		if len(rows) == 0 {
			return "", bot.Userf("%s has no sensor that the kernel knows of.", d.Device)
		}
		return strings.Join(rows, "\n"), nil
	})
}

// services declares /services.
func services(d Deps) bot.Command {
	c := look("services", "List services that failed, and those that are watched", func(ctx context.Context) (string, error) {
		failed, watched, err := device.Services(ctx, nil, d.Services)
		switch {
		case errors.Is(err, device.ErrNoSystemd):
			return "", bot.Userf("%s is not run by systemd, so I know of no services.", d.Device)
		case err != nil:
			return "", &bot.UserError{Text: "systemd cannot be asked: " + clip(oneLine(err.Error()), 300), Err: err}
		}
		var rows []string
		for _, s := range watched {
			switch mark := "✓"; {
			case !s.Found:
				rows = append(rows, "✗ "+clip(s.Name, 60)+": there is none")
			case s.State != "active":
				mark = "✗"
				fallthrough
			default:
				rows = append(rows, fmt.Sprintf("%s %s: %s (%s)", mark, clip(s.Name, 60), s.State, s.Detail))
			}
		}
		for _, s := range failed {
			rows = append(rows, "✗ "+clip(s.Name, 60)+": failed")
		}
		if len(failed) == 0 {
			rows = append(rows, "nothing has failed")
		}
		return strings.Join(rows, "\n"), nil
	})
	c.Help = "device.services in the configuration names the ones that are watched. /journal tells what one of them says."
	return c
}

// maxJournal is how many lines /journal shows at most.
const maxJournal = 10_000

// journal declares /journal: what a service says, as a session.
func journal(d Deps) bot.Command {
	return bot.Command{
		Name:     "journal",
		Group:    groupDevice,
		Summary:  "Show what a service has written, or goes on writing",
		Help:     "The last lines of the system's journal of one unit, with journalctl. It is a session like any other: what is long comes as a file too, and /stop ends --follow.",
		Examples: []string{"journal chapi", "journal --lines 500 nginx", "journal --follow ssh"},
		Args: []bot.Arg{
			{Name: "lines", Flag: true, Kind: bot.ArgInt, Min: 1, Max: maxJournal, Summary: "how many lines; 50 if not given"},
			{Name: "follow", Flag: true, Kind: bot.ArgSwitch, Summary: "go on as it writes"},
			{Name: "unit", Kind: bot.ArgText, Required: true, Summary: "the service"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			args := req.Call.Args
			unit, lines := args.Text("unit"), 50
			if !device.UnitName(unit) {
				return bot.Userf("%q cannot be a service. /services lists some.", clip(unit, 40))
			}
			if args.Has("lines") {
				lines = args.Int("lines")
			}
			argv := []string{"journalctl", "--no-pager", "--quiet", "--lines", strconv.Itoa(lines), "--unit", unit}
			if args.Has("follow") {
				argv = append(argv, "--follow")
			}
			req.Call.Args = nil // they are not those of a program
			return launch(ctx, d, req, program{argv: argv, title: "journal of " + unit})
		},
	}
}
