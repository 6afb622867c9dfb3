package device

import (
	"context"
	"encoding/binary"
	"fmt"

	"periph.io/x/host/v3/sysfs"
)

// Bus is an I2C bus: w is written to the device, then r is read, in one piece.
type Bus interface {
	Tx(addr uint16, w, r []byte) error
}

// Chip is a gauge on an I2C bus, as on UPS boards. Nothing but its registers'
// numbers is ever written to it.
type Chip struct {
	// Kind is max17040 (also MAX17041, 17043 and 17044), max17048 (also 17049),
	// or ina219.
	Kind string
	// Number of the bus: 1 is /dev/i2c-1.
	Number int
	// Address of the chip; 0 is where its kind usually is.
	Address uint16
	// Cells in a row, for an ina219; 0 is guessed from the voltage.
	Cells int
	// Shunt is the resistor of an ina219, in thousandths of an ohm; 0 is 100.
	Shunt int
	// Bus is used instead of opening the one of Number.
	Bus Bus
}

// Kinds of chips.
const (
	MAX17040 = "max17040"
	MAX17048 = "max17048"
	INA219   = "ina219"
)

// Battery implements Gauge. The bus is open only for as long as it takes.
func (c Chip) Battery(context.Context) (Battery, error) {
	bus := c.Bus
	if bus == nil {
		open, err := sysfs.NewI2C(c.Number)
		if err != nil {
			return Battery{}, fmt.Errorf("open I2C bus %d: %w", c.Number, err)
		}
		defer open.Close()
		bus = open
	}
	r := registers{bus: bus, address: c.Address}
	var b Battery
	switch c.Kind {
	case MAX17040, MAX17048:
		b = r.fuelGauge(c.Kind == MAX17048)
	case INA219:
		b = r.powerMonitor(c.Cells, c.Shunt)
	default:
		return Battery{}, fmt.Errorf("read battery gauge: no chip is called %q", c.Kind)
	}
	if r.err != nil {
		return Battery{}, fmt.Errorf("read %s at 0x%02x of I2C bus %d: %w", c.Kind, r.address, c.Number, r.err)
	}
	b.Name = c.Kind
	return b.tidy(), nil
}

// registers are those of one chip: 16 bits each, the higher byte first. After an
// error nothing more is read.
type registers struct {
	bus     Bus
	address uint16
	err     error
}

func (r *registers) read(register byte) uint16 {
	var value [2]byte
	if r.err == nil {
		r.err = r.bus.Tx(r.address, []byte{register}, value[:])
	}
	return binary.BigEndian.Uint16(value[:])
}

// fuelGauge reads a chip of the MAX17040 family: Analog Devices' data sheets
// MAX17040/41, MAX17043/44 and MAX17048/49, "Register Summary". The older ones
// leave the lowest bits of the voltage empty, so that the unit is the same.
func (r *registers) fuelGauge(hasRate bool) Battery {
	const (
		voltage, charge, rate = 0x02, 0x04, 0x16
		volt                  = 78.125e-6 // in each unit
		perHour               = 0.208     // percent of the charge in each unit
	)
	if r.address == 0 {
		r.address = 0x36
	}
	b := Battery{
		Voltage: product(volt, float64(r.read(voltage))),
		Charge:  product(1.0/256, float64(r.read(charge))),
	}
	if !hasRate || r.err != nil {
		return b
	}
	percent := perHour * float64(int16(r.read(rate)))
	const still = 0.5 // below that it is noise
	switch {
	case percent > still:
		b.State = Charging
		b.Left = product(3600, (100-*b.Charge)/percent)
	case percent < -still:
		b.State = Discharging
		b.Left = product(3600, *b.Charge/-percent)
	default:
		b.State = Idle
	}
	return b
}

// powerMonitor reads an INA219 beside lithium cells: Texas Instruments' data
// sheet SBOS448, "Register Details". Its settings are left as they are: at the
// start it measures up to 32 V and 320 mV all the time. The sign of the current
// is that of boards on which charging is positive.
func (r *registers) powerMonitor(cells, shunt int) Battery {
	const (
		shuntVoltage, busVoltage = 0x01, 0x02
		voltEach                 = 4e-3
		shuntEach                = 10e-6
	)
	if r.address == 0 {
		r.address = 0x40
	}
	if shunt == 0 {
		shunt = 100
	}
	volts := voltEach * float64(r.read(busVoltage)>>3) // below are two flags and a bit that is not used
	amperes := shuntEach * float64(int16(r.read(shuntVoltage))) / (float64(shunt) / 1000)
	if cells == 0 {
		cells = max(1, int(volts/4.4)+1) // a cell has 4.25 V at most
	}
	charge := lithium(volts / float64(cells))
	b := Battery{Voltage: &volts, Power: product(volts, amperes), Charge: &charge, Estimated: true}
	const still = 0.01 // A
	switch {
	case amperes > still:
		b.State = Charging
	case amperes < -still:
		b.State = Discharging
	default:
		b.State = Idle
	}
	return b
}

// curve is the voltage of a lithium-ion cell that rests, at every tenth of its
// charge from empty to full, as usual for cells of 4.2 V.
var curve = [...]float64{3.27, 3.61, 3.69, 3.71, 3.75, 3.79, 3.84, 3.91, 3.98, 4.08, 4.2}

// lithium is the charge, in percent, of a cell with the voltage.
func lithium(volts float64) float64 {
	if volts <= curve[0] {
		return 0
	}
	for i := 1; i < len(curve); i++ {
		if volts < curve[i] {
			return 10 * (float64(i-1) + (volts-curve[i-1])/(curve[i]-curve[i-1]))
		}
	}
	return 100
}
