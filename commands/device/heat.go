package device

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Temperature is that of one part.
type Temperature struct {
	Name    string  `json:"name"`
	Celsius float64 `json:"celsius"`
}

// processors are names under which kernels report the temperature of the
// processor, best first.
var processors = []string{"cpu-thermal", "cpu_thermal", "x86_pkg_temp", "soc-thermal", "soc_thermal", "coretemp", "k10temp", "cpu"}

// sane is what a sensor that works may say, in degrees; some say -274 or 0 when
// nothing is connected.
func sane(celsius float64) bool { return celsius > -60 && celsius < 200 && celsius != 0 }

// Temperatures is what the machine's sensors say, that of the processor first.
// See Documentation/driver-api/thermal/sysfs-api.rst and
// Documentation/hwmon/sysfs-interface.rst of Linux.
func (m *Machine) Temperatures() []Temperature {
	var all []Temperature
	add := func(name, file string) {
		if v := scaled(file, 0.001); v != nil && sane(*v) && !slices.ContainsFunc(all, func(t Temperature) bool { return t.Name == name }) {
			all = append(all, Temperature{Name: name, Celsius: *v})
		}
	}
	for _, zone := range m.glob("/sys/class/thermal/thermal_zone*") {
		add(fileText(filepath.Join(zone, "type")), filepath.Join(zone, "temp"))
	}
	for _, input := range m.glob("/sys/class/hwmon/hwmon*/temp*_input") {
		name := fileText(filepath.Join(filepath.Dir(input), "name"))
		if label := fileText(strings.TrimSuffix(input, "input") + "label"); label != "" {
			name += " " + label
		}
		if name != "cpu_thermal" { // the same sensor as the zone cpu-thermal
			add(name, input)
		}
	}
	slices.SortStableFunc(all, func(a, b Temperature) int { return rank(a.Name) - rank(b.Name) })
	return all
}

// rank is how likely a sensor is the processor's; 0 is best.
func rank(name string) int {
	for i, known := range processors {
		if strings.HasPrefix(strings.ToLower(name), known) {
			return i
		}
	}
	return len(processors)
}

// Throttle is what a Raspberry Pi's firmware does to protect itself. Earlier is
// what it did before, since the start or since somebody last looked.
type Throttle struct {
	UnderVoltage bool     `json:"under_voltage"`
	Now          []string `json:"now"`
	Earlier      []string `json:"earlier"`
}

// The bits of the firmware's answer, now; 16 higher: earlier. See the page on
// vcgencmd in Raspberry Pi's documentation.
var throttleBits = []string{"under-voltage", "frequency capped", "throttled", "hot (soft limit)"}

// throttle is nil on machines that do not tell.
func (m *Machine) throttle() *Throttle {
	for _, file := range m.glob("/sys/devices/platform/soc*/*firmware/get_throttled") {
		bits, err := strconv.ParseUint(strings.TrimPrefix(fileText(file), "0x"), 16, 32)
		if err != nil {
			continue
		}
		t := &Throttle{UnderVoltage: bits&1 != 0, Now: []string{}, Earlier: []string{}}
		for i, name := range throttleBits {
			switch {
			case bits>>i&1 != 0:
				t.Now = append(t.Now, name)
			case bits>>(16+i)&1 != 0:
				t.Earlier = append(t.Earlier, name)
			}
		}
		return t
	}
	// Kernels without that file tell of the voltage alone.
	for _, file := range m.glob("/sys/class/hwmon/hwmon*/name") {
		if fileText(file) != "rpi_volt" {
			continue
		}
		if alarm := fileText(filepath.Join(filepath.Dir(file), "in0_lcrit_alarm")); alarm != "" {
			t := &Throttle{UnderVoltage: alarm == "1", Now: []string{}, Earlier: []string{}}
			if t.UnderVoltage {
				t.Now = append(t.Now, throttleBits[0])
			}
			return t
		}
	}
	return nil
}
