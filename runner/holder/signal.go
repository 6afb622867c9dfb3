package holder

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// lastSignal is the highest signal number, signal(7).
const lastSignal = 64

// ParseSignal reads the name of a signal, with or without SIG, in any case, or
// its number. The error is a *bot.UserError.
func ParseSignal(name string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(name); err == nil {
		if n < 1 || n > lastSignal {
			return 0, bot.Userf("there is no signal %d; they go from 1 to %d", n, lastSignal)
		}
		return syscall.Signal(n), nil
	}
	upper := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(name)), "SIG")
	if sig := unix.SignalNum("SIG" + upper); sig != 0 {
		return sig, nil
	}
	return 0, bot.Userf("no such signal: %q; try INT, TERM, HUP, QUIT, KILL, USR1, USR2, STOP, CONT, or a number", name)
}

// signalName is the signal's name without SIG, or its number.
func signalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	return strconv.Itoa(int(sig))
}
