package device

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"chapi/bot"
)

// Past is what is on record of the time before this start of the machine.
type Past struct {
	// Order is what a person asked for here; nil when nobody did.
	Order *Order
	// Ended is when the daemon was last stopped in order; zero when it was not.
	Ended time.Time
	// Alive is the last sign of life before.
	Alive time.Time
}

// Order is a person's wish that the machine go down.
type Order struct {
	What   string        `json:"what"` // Reboot or Poweroff
	Person string        `json:"person"`
	Claim  bot.Claim     `json:"claim"`   // who it was, and where
	Ask    bot.MessageID `json:"message"` // that carried the wish
	At     time.Time     `json:"at"`
	Boot   string        `json:"boot"` // the machine's start that is to end
}

// What may be ordered.
const (
	Reboot   = "reboot"
	Poweroff = "poweroff"
)

// Where the order is kept among bot.Settings, as JSON: the machine may go down
// before anybody can say more.
const OrderScope, OrderName = "device", "order"

// Bounds of what explains a start.
const (
	// orderGood is how long after an order the machine may still be up and
	// go down because of it.
	orderGood = 10 * time.Minute
	// fresh is how long before the start a sign of life names its end: longer
	// ago, the daemon was not there to see it.
	fresh = 24 * time.Hour
)

// Unknown is said where nothing tells why the machine was started.
const Unknown = "unknown"

// WhyBooted is why the machine was started at booted, as far as anything tells,
// in a few words. What tells the most comes first.
func (m *Machine) WhyBooted(booted time.Time, past Past) string {
	shutdown := m.shutdown()
	switch {
	case past.Order != nil && past.Order.Boot != m.BootID():
		what := "a reboot"
		if past.Order.What == Poweroff {
			what = "a power-off"
		}
		return fmt.Sprintf("%s asked for %s at %s", past.Order.Person, what, Moment(past.Order.At))
	case m.panicked(booted, past.Alive):
		return "the kernel crashed; its last words are in /sys/fs/pstore or /var/lib/systemd/pstore"
	case m.watchdogBit():
		return "the hardware watchdog reset it"
	case !shutdown.IsZero():
		return "it was shut down in order at " + Moment(shutdown)
	case !past.Ended.IsZero() && !past.Ended.Before(past.Alive) && booted.Sub(past.Ended) < fresh:
		return "chapi was stopped in order at " + Moment(past.Ended) + " before it; a shutdown, probably"
	case !past.Alive.IsZero() && past.Alive.After(past.Ended):
		return "power cut or crash at about " + Moment(past.Alive)
	}
	return Unknown
}

// Moment is a time as one says it: with the day when it was not in the last 20
// hours.
func Moment(t time.Time) string {
	if time.Since(t) < 20*time.Hour {
		return t.Local().Format("15:04")
	}
	return t.Local().Format("2 Jan 15:04")
}

// Due reports whether the order is young enough to still be what takes the
// machine down.
func (o Order) Due(now time.Time) bool { return now.Sub(o.At) < orderGood }

// panicked reports whether the kernel left its last words between the last sign
// of life and the start: Documentation/admin-guide/ramoops.rst of Linux.
// systemd-pstore(8) moves them.
func (m *Machine) panicked(booted, alive time.Time) bool {
	// A sign of life is up to a minute older than the end.
	earliest := alive.Add(-time.Minute)
	if alive.IsZero() {
		earliest = booted.Add(-fresh)
	}
	for _, file := range append(m.glob("/sys/fs/pstore/dmesg-*"), m.glob("/var/lib/systemd/pstore/*/dmesg*")...) {
		if info, err := os.Stat(file); err == nil && info.ModTime().After(earliest) {
			return true
		}
	}
	return false
}

// watchdogBit reports whether a watchdog says that it caused the start: bit 5,
// WDIOF_CARDRESET of linux/watchdog.h.
func (m *Machine) watchdogBit() bool {
	for _, file := range m.glob("/sys/class/watchdog/watchdog*/bootstatus") {
		bits, err := strconv.ParseUint(fileText(file), 0, 32)
		if err == nil && bits&0x20 != 0 {
			return true
		}
	}
	return false
}

// An entry of wtmp(5), as glibc writes it on Linux: 384 bytes, the type in the
// first two, the user's name from 44, the seconds from 340.
const (
	entrySize          = 384
	entryUser          = 44
	entryTime          = 340
	runLevel, bootTime = 1, 2
	maxEntries         = 2000 // looked at, from the end
)

// shutdown is when the machine was last shut down in order before this start, or
// zero if it was not, or nobody keeps a record: newer systems have none. Only the
// order of the entries counts, since at a start the clock may be wrong.
func (m *Machine) shutdown() time.Time {
	f, err := os.Open(m.path("/var/log/wtmp"))
	if err != nil {
		return time.Time{}
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return time.Time{}
	}
	var entry [entrySize]byte
	thisStart := false // was passed, on the way back
	for n := int64(1); n <= maxEntries && n*entrySize <= size; n++ {
		if _, err := f.ReadAt(entry[:], (size/entrySize-n)*entrySize); err != nil {
			return time.Time{}
		}
		switch kind := binary.NativeEndian.Uint16(entry[:]); {
		case kind == runLevel && string(entry[entryUser:entryUser+8]) == "shutdown":
			return time.Unix(int64(binary.NativeEndian.Uint32(entry[entryTime:])), 0)
		case kind == bootTime && thisStart:
			return time.Time{} // the start before this one, and no end between
		case kind == bootTime:
			thisStart = true
		}
	}
	return time.Time{}
}
