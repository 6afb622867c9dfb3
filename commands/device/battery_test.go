package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"periph.io/x/conn/v3/i2c/i2ctest"
)

func TestBatteriesThatTheKernelKnows(t *testing.T) {
	for name, want := range map[string]Battery{
		// 1.3 A of 3.987 V; 2.6 of 3.1 Ah, which were 3.4 when it was new.
		"pi": {Name: "ups", Charge: of(83), State: Discharging, Voltage: of(3.987), Power: of(5.1831), Left: of(7200), Health: of(91.176)},
		// 10 of 40 Wh to go at 20 W.
		"laptop": {Name: "45N1025", Charge: of(75), State: Charging, Voltage: of(12.1), Power: of(20), Left: of(1800), Health: of(64.35), Cycles: of(412), Warning: "overheat"},
	} {
		got, err := machine(t, name).Battery(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, about); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestABatteryInWords(t *testing.T) {
	b, err := machine(t, "laptop").Battery(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := "charge   75 %\nstate    charging\npower    20.0 W\ntime     30 min until full\nvoltage  12.10 V\nhealth   64 % of new\ncycles   412\nwarning  overheat"
	if got := b.String(); got != want {
		t.Errorf("got\n%s", got)
	}
	b = Battery{Charge: of(41.2), Estimated: true}
	if got := b.String(); got != "charge   41 % (a guess from the voltage)" {
		t.Errorf("got %q", got)
	}
}

func TestWhatNUTSays(t *testing.T) {
	for _, c := range []struct {
		rule, out string
		want      Battery
	}{
		{"on battery", "battery.charge: 87\nbattery.runtime: 1530\nbattery.voltage: 26.1\ndevice.mfr: APC\ndevice.model: Back-UPS 700\nups.realpower: 65\nups.status: OB DISCHRG\n",
			Battery{Name: "APC Back-UPS 700", Charge: of(87), State: Discharging, Left: of(1530), Voltage: of(26.1), Power: of(65)}},
		{"on line, full: what the load takes is not from the battery", "battery.charge: 100\nbattery.runtime: 1530\nups.realpower: 65\nups.status: OL\n",
			Battery{Charge: of(100), State: Full}},
		{"on line, charging", "battery.charge: 60\nups.status: OL CHRG\n", Battery{Charge: of(60), State: Charging}},
		{"low", "battery.charge: 6\nups.status: OB LB\n", Battery{Charge: of(6), State: Discharging, Warning: "low"}},
		{"to be replaced", "ups.status: OL RB\n", Battery{State: Idle, Warning: "to be replaced"}},
		{"nonsense", "Init SSL without certificate database\n", Battery{}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseNUT(c.out), about); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	program := func(name, script string) []string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		return []string{path}
	}
	t.Setenv("TELEGRAM_BOT_TOKEN", "12345:secret")
	nut := NUT{UPS: "myups@localhost", Upsc: program("upsc", `echo "battery.charge: 87"; echo "device.model: $1"`)}
	for _, c := range []struct {
		rule  string
		gauge Gauge
		want  Battery
		fails string
	}{
		{"upsc is asked by the name", nut, Battery{Name: "myups@localhost", Charge: of(87)}, ""},
		{"a percentage", Program{program("percent", "echo ' 83 %'")}, Battery{Charge: of(83)}, ""},
		{"a number", Program{program("number", "echo 120")}, Battery{Charge: of(100)}, ""},
		{"JSON", Program{program("json", `echo '{"charge": 41.5, "state": "discharging", "left": 600, "health": 97}'`)},
			Battery{Charge: of(41.5), State: Discharging, Left: of(600), Health: of(97)}, ""},
		{"arguments are no shell's", Program{append(program("args", `echo "$#"`), "a b", "$(x)", ";")}, Battery{Charge: of(3)}, ""},
		{"no secrets in its environment", Program{program("env", `echo "{\"name\": \"$TELEGRAM_BOT_TOKEN\"}"`)}, Battery{}, ""},
		{"words", Program{program("words", "echo nearly full")}, Battery{}, `got "nearly full"`},
		{"broken JSON", Program{program("broken", "echo '{'")}, Battery{}, "JSON"},
		{"its complaint is passed on", Program{program("fails", "echo no bus here >&2; exit 3")}, Battery{}, "exit status 3: no bus here"},
		{"no such program", Program{[]string{filepath.Join(dir, "none")}}, Battery{}, "no such file"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, err := c.gauge.Battery(t.Context())
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q in it", err, c.fails)
				}
				return
			}
			if diff := cmp.Diff(c.want, got, about); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
		})
	}
}

// A program that hangs, or writes for ever, holds nobody up, and leaves no child.
func TestAProgramIsBounded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Output(ctx, []string{"sh", "-c", "sleep 600 & sleep 600"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	out, err := Output(t.Context(), []string{"sh", "-c", "head -c 1000000 /dev/zero"})
	if err != nil || len(out) != maxOutput {
		t.Errorf("got %d bytes, %v", len(out), err)
	}
}

func TestGaugesOnTheBus(t *testing.T) {
	read := func(address uint16, register byte, high, low byte) i2ctest.IO {
		return i2ctest.IO{Addr: address, W: []byte{register}, R: []byte{high, low}}
	}
	for _, c := range []struct {
		rule string
		chip Chip
		ops  []i2ctest.IO
		want Battery
	}{
		// 0xc4e0 is 50400 steps of 78.125 µV; 0x5380 is 83.5 %.
		{"MAX17043: voltage and charge", Chip{Kind: MAX17040}, []i2ctest.IO{read(0x36, 2, 0xc4, 0xe0), read(0x36, 4, 0x53, 0x80)},
			Battery{Name: MAX17040, Voltage: of(3.9375), Charge: of(83.5)}},
		{"more than all of the charge", Chip{Kind: MAX17040}, []i2ctest.IO{read(0x36, 2, 0xd2, 0), read(0x36, 4, 0x66, 0)},
			Battery{Name: MAX17040, Voltage: of(4.2), Charge: of(100)}},
		// -48 steps of 0.208 %: 9.984 % an hour.
		{"MAX17048 discharging", Chip{Kind: MAX17048}, []i2ctest.IO{read(0x36, 2, 0xc4, 0xe0), read(0x36, 4, 0x32, 0), read(0x36, 0x16, 0xff, 0xd0)},
			Battery{Name: MAX17048, Voltage: of(3.9375), Charge: of(50), State: Discharging, Left: of(18028.85)}},
		{"MAX17048 charging", Chip{Kind: MAX17048}, []i2ctest.IO{read(0x36, 2, 0xc4, 0xe0), read(0x36, 4, 0x32, 0), read(0x36, 0x16, 0, 0x30)},
			Battery{Name: MAX17048, Voltage: of(3.9375), Charge: of(50), State: Charging, Left: of(18028.85)}},
		{"MAX17048 at rest", Chip{Kind: MAX17048}, []i2ctest.IO{read(0x36, 2, 0xc4, 0xe0), read(0x36, 4, 0x32, 0), read(0x36, 0x16, 0, 1)},
			Battery{Name: MAX17048, Voltage: of(3.9375), Charge: of(50), State: Idle}},
		// 2000 steps of 4 mV above the flags; -10000 steps of 10 µV at 0.1 Ω: 1 A.
		{"INA219 with two cells, discharging", Chip{Kind: INA219, Address: 0x42}, []i2ctest.IO{read(0x42, 2, 0x3e, 0x82), read(0x42, 1, 0xd8, 0xf0)},
			Battery{Name: INA219, Voltage: of(8), Power: of(8), State: Discharging, Charge: of(82), Estimated: true}},
		{"INA219 with one cell and a smaller resistor, charging", Chip{Kind: INA219, Shunt: 10, Cells: 1}, []i2ctest.IO{read(0x40, 2, 0x20, 0xd2), read(0x40, 1, 0, 100)},
			Battery{Name: INA219, Voltage: of(4.2), Power: of(0.42), State: Charging, Charge: of(100), Estimated: true}},
		{"INA219, an empty cell", Chip{Kind: INA219}, []i2ctest.IO{read(0x40, 2, 0x17, 0x72), read(0x40, 1, 0, 0)},
			Battery{Name: INA219, Voltage: of(3), Power: of(0), State: Idle, Charge: of(0), Estimated: true}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			bus := &i2ctest.Playback{Ops: c.ops}
			c.chip.Bus = bus
			got, err := c.chip.Battery(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := bus.Close(); err != nil {
				t.Errorf("not all was read: %v", err)
			}
			if diff := cmp.Diff(c.want, got, about); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAGaugeThatCannotBeReadSaysWhere(t *testing.T) {
	chip := Chip{Kind: MAX17048, Number: 1, Bus: &i2ctest.Playback{DontPanic: true}}
	if _, err := chip.Battery(t.Context()); err == nil || !strings.Contains(err.Error(), "max17048 at 0x36 of I2C bus 1") {
		t.Errorf("got %v", err)
	}
	if _, err := (Chip{Kind: INA219, Number: 211}).Battery(t.Context()); err == nil || !strings.Contains(err.Error(), "I2C bus 211") {
		t.Errorf("got %v", err)
	}
	if _, err := (Chip{Kind: "bq27441", Bus: &i2ctest.Playback{}}).Battery(t.Context()); err == nil || !strings.Contains(err.Error(), "bq27441") {
		t.Errorf("got %v", err)
	}
}
