package device

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoBattery: there is none, or none that can be asked.
var ErrNoBattery = errors.New("no battery")

// Gauge knows a battery.
type Gauge interface {
	// Battery is how the battery is now. It may ask a device, a server or a
	// program, and takes at most a few seconds. ErrNoBattery.
	Battery(ctx context.Context) (Battery, error)
}

// NoGauge knows no battery.
type NoGauge struct{}

// Battery implements Gauge.
func (NoGauge) Battery(context.Context) (Battery, error) { return Battery{}, ErrNoBattery }

// Battery is how a battery is. What its gauge does not tell is nil or empty.
type Battery struct {
	Name string `json:"name,omitempty"`
	// Charge is in percent. Estimated says that it was guessed from the
	// voltage, which sags under load.
	Charge    *float64 `json:"charge,omitempty"`
	Estimated bool     `json:"estimated,omitempty"`
	State     State    `json:"state,omitempty"`
	// Power goes in or out, as State says, in watts.
	Power   *float64 `json:"power,omitempty"`
	Voltage *float64 `json:"voltage,omitempty"`
	// Left is until it is empty, or full while it charges, in seconds.
	Left *float64 `json:"left,omitempty"`
	// Health is what it can still hold, in percent of when it was new.
	Health *float64 `json:"health,omitempty"`
	Cycles *float64 `json:"cycles,omitempty"`
	// Warning is what its gauge finds wrong with it.
	Warning string `json:"warning,omitempty"`
}

// State is what a battery does.
type State string

// The states of a battery. Empty is one that is not told.
const (
	Charging    State = "charging"
	Discharging State = "discharging"
	Full        State = "full"
	Idle        State = "not charging"
)

// Battery is how the machine's battery is now, by its gauge.
func (m *Machine) Battery(ctx context.Context) (Battery, error) {
	if m.Gauge != nil {
		return m.Gauge.Battery(ctx)
	}
	return kernelGauge{m}.Battery(ctx)
}

// kernelGauge is the battery that the kernel has a driver for: see
// Documentation/ABI/testing/sysfs-class-power of Linux. Units there are
// millionths.
type kernelGauge struct{ m *Machine }

func (g kernelGauge) Battery(context.Context) (Battery, error) {
	for _, dir := range g.m.glob("/sys/class/power_supply/*") {
		kind := fileText(filepath.Join(dir, "type"))
		// Those of mice and keyboards have a scope.
		if kind != "Battery" && kind != "UPS" || fileText(filepath.Join(dir, "scope")) == "Device" || fileText(filepath.Join(dir, "present")) == "0" {
			continue
		}
		return supply(dir), nil
	}
	return Battery{}, ErrNoBattery
}

// supply reads one battery's folder.
func supply(dir string) Battery {
	value := func(name string, scale float64) *float64 { return scaled(filepath.Join(dir, name), scale) }
	const micro = 1e-6
	b := Battery{
		Name:    fileText(filepath.Join(dir, "model_name")),
		Charge:  value("capacity", 1),
		Voltage: value("voltage_now", micro),
		Power:   value("power_now", micro),
		Cycles:  value("cycle_count", 1),
	}
	if b.Name == "" {
		b.Name = filepath.Base(dir)
	}
	switch strings.ToLower(fileText(filepath.Join(dir, "status"))) {
	case "charging":
		b.State = Charging
	case "discharging":
		b.State = Discharging
	case "full":
		b.State = Full
	case "not charging":
		b.State = Idle
	}
	current := value("current_now", micro)
	if b.Power == nil && current != nil && b.Voltage != nil {
		b.Power = product(*current, *b.Voltage)
	}
	// A driver counts in energy, or in charge: both give the same fractions.
	now, full, design, flow := value("energy_now", micro), value("energy_full", micro), value("energy_full_design", micro), b.Power
	if now == nil && full == nil {
		now, full, design, flow = value("charge_now", micro), value("charge_full", micro), value("charge_full_design", micro), current
	}
	b.Health = ratio(full, design)
	if b.Charge == nil {
		b.Charge = ratio(now, full)
	}
	b.Left = left(b.State, now, full, flow)
	if told := value("time_to_empty_now", 1); told != nil && b.State == Discharging {
		b.Left = told
	}
	if told := value("time_to_full_now", 1); told != nil && b.State == Charging {
		b.Left = told
	}
	if health := fileText(filepath.Join(dir, "health")); health != "" && health != "Good" && health != "Unknown" {
		b.Warning = strings.ToLower(health)
	}
	return b.tidy()
}

// tidy puts what gauges say into the shape that is promised: some count what
// flows out as less than nothing, or a little more than all of the charge.
func (b Battery) tidy() Battery {
	if b.Charge != nil {
		v := min(max(*b.Charge, 0), 100)
		b.Charge = &v
	}
	if b.Power != nil && *b.Power < 0 {
		b.Power = product(-1, *b.Power)
	}
	if b.Health != nil && *b.Health <= 0 {
		b.Health = nil
	}
	if b.Cycles != nil && *b.Cycles <= 0 { // what drivers say that do not count
		b.Cycles = nil
	}
	if b.Left != nil && (*b.Left <= 0 || *b.Left > (100*24*time.Hour).Seconds()) {
		b.Left = nil
	}
	return b
}

func product(a, b float64) *float64 {
	v := a * b
	return &v
}

// ratio is a part in percent, or nil.
func ratio(part, whole *float64) *float64 {
	if part == nil || whole == nil || *whole <= 0 {
		return nil
	}
	return product(100, *part / *whole)
}

// left is the time, in seconds, until what flows has emptied or filled it.
func left(s State, now, full, flow *float64) *float64 {
	if now == nil || flow == nil || *flow == 0 {
		return nil
	}
	per := max(*flow, -*flow)
	switch {
	case s == Discharging:
		return product(3600, *now/per)
	case s == Charging && full != nil:
		return product(3600, (*full-*now)/per)
	}
	return nil
}
