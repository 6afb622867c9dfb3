package device

import (
	"context"
	"errors"
	"os/exec"
	"regexp"
	"strings"
)

// ErrNoSystemd: services are not kept by systemd here, or it cannot be asked.
var ErrNoSystemd = errors.New("no systemd")

// Service is a unit of systemd.
type Service struct {
	Name string
	// State is active, inactive, failed, activating or deactivating; Detail is
	// systemd's finer word for it, such as running or exited.
	State, Detail string
	About         string
	Found         bool // false when there is no unit of that name
}

// unitName counts nothing: that would cost a hundred times its memory, in every
// process of this program.
var unitName = regexp.MustCompile(`^[A-Za-z0-9@:_.\\][A-Za-z0-9@:_.\\-]*$`)

const maxUnitName = 255

// UnitName reports whether a unit of systemd may be called that: systemd.unit(5).
// It never looks like a flag.
func UnitName(name string) bool { return len(name) <= maxUnitName && unitName.MatchString(name) }

// Services is the units that have failed, and how the watched ones are.
// systemctl is the program, nil is systemctl. ErrNoSystemd.
func Services(ctx context.Context, systemctl, watched []string) (failed, watch []Service, err error) {
	if systemctl == nil {
		systemctl = []string{"systemctl"}
	}
	ask := func(args ...string) (string, error) {
		out, err := Output(ctx, append(systemctl[:len(systemctl):len(systemctl)], args...))
		if errors.Is(err, exec.ErrNotFound) || err != nil && strings.Contains(err.Error(), "not been booted with systemd") {
			return "", ErrNoSystemd
		}
		return out, err
	}
	const properties = "--property=Id,ActiveState,SubState,Description,LoadState"
	out, err := ask("list-units", "--failed", "--plain", "--no-legend", "--no-pager", "--full")
	if err != nil {
		return nil, nil, err
	}
	for line := range strings.Lines(out) {
		if f := strings.Fields(strings.TrimLeft(line, "●* ")); len(f) >= 4 {
			failed = append(failed, Service{Name: f[0], State: f[2], Detail: f[3], About: strings.Join(f[4:], " "), Found: true})
		}
	}
	if len(watched) == 0 {
		return failed, nil, nil
	}
	out, err = ask(append([]string{"show", properties, "--no-pager", "--"}, watched...)...)
	if err != nil {
		return nil, nil, err
	}
	for block := range strings.SplitSeq(strings.TrimSpace(out), "\n\n") {
		told := map[string]string{}
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			told[name] = value
		}
		watch = append(watch, Service{
			Name: told["Id"], State: told["ActiveState"], Detail: told["SubState"], About: told["Description"],
			Found: told["LoadState"] != "not-found",
		})
	}
	return failed, watch, nil
}
