package device

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Bounds of asking a program.
const (
	programPatience = 5 * time.Second // if the one who asks has set no bound
	maxOutput       = 64 << 10        // bytes
)

// Output is what a program writes, at most maxOutput of it. The program gets a
// plain environment and is killed when it takes too long, which is a
// context.DeadlineExceeded; another error has the first line of what it
// complained about.
func Output(ctx context.Context, argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("run: no program")
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, programPatience)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.WaitDelay = time.Second // should a child of it hold the pipe
	var out, complaint bounded
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	switch first, _, _ := strings.Cut(strings.TrimSpace(complaint.String()), "\n"); {
	case err == nil:
		return out.String(), nil
	case ctx.Err() != nil:
		return out.String(), fmt.Errorf("run %s: no answer in time: %w", argv[0], ctx.Err())
	case first != "":
		return out.String(), fmt.Errorf("run %s: %w: %s", argv[0], err, first)
	}
	return out.String(), fmt.Errorf("run %s: %w", argv[0], err)
}

// bounded keeps the beginning of what is written, and takes the rest too.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	b.Buffer.Write(p[:min(len(p), maxOutput-b.Len())])
	return len(p), nil
}

// ReadFrom hides that of bytes.Buffer, which knows no bound.
func (b *bounded) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b}, r)
}

// NUT is the battery of a UPS that Network UPS Tools watch: what upsc says of
// it. Its variables are explained in NUT's developer guide, "NUT command and
// variable naming scheme".
type NUT struct {
	UPS  string   // as upsc takes it: myups@localhost
	Upsc []string // the program; nil is upsc
}

// Battery implements Gauge.
func (n NUT) Battery(ctx context.Context) (Battery, error) {
	argv := n.Upsc
	if argv == nil {
		argv = []string{"upsc"}
	}
	out, err := Output(ctx, append(argv[:len(argv):len(argv)], n.UPS))
	if err != nil {
		return Battery{}, err
	}
	return parseNUT(out), nil
}

func parseNUT(out string) Battery {
	told := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			told[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	value := func(name string) *float64 {
		if v, ok := number(told[name]); ok {
			return &v
		}
		return nil
	}
	b := Battery{
		Name:    strings.TrimSpace(told["device.mfr"] + " " + told["device.model"]),
		Charge:  value("battery.charge"),
		Voltage: value("battery.voltage"),
		Power:   value("ups.realpower"),
	}
	for _, word := range strings.Fields(told["ups.status"]) {
		switch word {
		case "OB", "DISCHRG":
			b.State = Discharging
			b.Left = value("battery.runtime")
		case "CHRG":
			b.State = Charging
		case "OL":
			if b.State == "" {
				b.State = Idle
			}
		case "LB":
			b.Warning = "low"
		case "RB":
			b.Warning = "to be replaced"
		case "OVER":
			b.Warning = "overloaded"
		}
	}
	if b.State == Idle && b.Charge != nil && *b.Charge >= 99.5 {
		b.State = Full
	}
	if b.State != Discharging {
		b.Power = nil // what the load takes, which is not from the battery then
	}
	return b.tidy()
}

// Program is a battery that a program of the owner's knows. It prints either
// JSON, with the names of Battery's fields, or just the charge: 83 or 83%.
type Program struct{ Argv []string }

// Battery implements Gauge.
func (p Program) Battery(ctx context.Context) (Battery, error) {
	out, err := Output(ctx, p.Argv)
	if err != nil {
		return Battery{}, err
	}
	b, err := parseProgram(out)
	if err != nil {
		return Battery{}, fmt.Errorf("read what %s says: %w", p.Argv[0], err)
	}
	return b, nil
}

func parseProgram(out string) (Battery, error) {
	out = strings.TrimSpace(out)
	if strings.HasPrefix(out, "{") {
		var b Battery
		if err := json.Unmarshal([]byte(out), &b); err != nil {
			return Battery{}, err
		}
		return b.tidy(), nil
	}
	charge, ok := number(strings.TrimSpace(strings.TrimSuffix(out, "%")))
	if !ok {
		return Battery{}, fmt.Errorf("want JSON or a percentage such as 83%%, got %.40q", out)
	}
	return Battery{Charge: &charge}.tidy(), nil
}
