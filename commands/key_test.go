package commands

import (
	"strings"
	"testing"
)

func TestKeysSendWhatATerminalSends(t *testing.T) {
	for name, want := range map[string]string{
		"enter": "\r", "return": "\r", "tab": "\t", "shift-tab": "\x1b[Z", "esc": "\x1b", "escape": "\x1b",
		"space": " ", "backspace": "\x7f", "ctrl-backspace": "\b", "ctrl-space": "\x00",
		// Arrows, home and end as in the terminfo entry of xterm-256color.
		"up": "\x1bOA", "down": "\x1bOB", "right": "\x1bOC", "left": "\x1bOD", "home": "\x1bOH", "end": "\x1bOF",
		"pgup": "\x1b[5~", "pgdn": "\x1b[6~", "ins": "\x1b[2~", "del": "\x1b[3~", "PageDown": "\x1b[6~",
		"f1": "\x1bOP", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~", "f10": "\x1b[21~", "f11": "\x1b[23~", "F12": "\x1b[24~",
		"ctrl-left": "\x1b[1;5D", "alt-up": "\x1b[1;3A", "shift-home": "\x1b[1;2H", "ctrl-shift-right": "\x1b[1;6C",
		"ctrl-del": "\x1b[3;5~", "shift-f5": "\x1b[15;2~", "alt-f1": "\x1b[1;3P",
		"ctrl-c": "\x03", "Ctrl-C": "\x03", "^C": "\x03", "^c": "\x03", "C-c": "\x03", "ctrl-a": "\x01", "ctrl-z": "\x1a",
		"ctrl-[": "\x1b", "ctrl-\\": "\x1c", "ctrl-]": "\x1d", "ctrl-_": "\x1f", "ctrl-@": "\x00", "ctrl-?": "\x7f",
		"alt-x": "\x1bx", "M-x": "\x1bx", "alt-X": "\x1bX", "alt--": "\x1b-", "ctrl-alt-a": "\x1b\x01", "alt-enter": "\x1b\r",
		"a": "a", "Q": "Q", "shift-a": "A", ":": ":", "-": "-", "^": "^", "*": "*", "é": "é", "5": "5",
	} {
		if got, times, err := press(name, keyboard{pty: true}); err != nil || times != 1 || got != want {
			t.Errorf("%s sends %q %d times, %v; want %q once", name, got, times, err, want)
		}
	}
}

func TestArrowsAreSentInTheFormThatAProgramAsksFor(t *testing.T) {
	for name, want := range map[string]string{
		"up": "\x1b[A", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
		"f1": "\x1bOP", "ctrl-left": "\x1b[1;5D", "pgup": "\x1b[5~", // these have one form
	} {
		if got, _, err := press(name, keyboard{pty: true, plain: true}); err != nil || got != want {
			t.Errorf("%s sends %q, %v; want %q", name, got, err, want)
		}
	}
}

func TestKeysRepeat(t *testing.T) {
	for name, want := range map[string]int{"down*3": 3, "x*1": 1, "**2": 2, "ctrl-left*50": 50} {
		if _, times, err := press(name, keyboard{pty: true}); err != nil || times != want {
			t.Errorf("%s is pressed %d times, %v; want %d", name, times, err, want)
		}
	}
}

func TestUnknownKeysAreExplained(t *testing.T) {
	for name, want := range map[string]string{
		"entr":      "enter",
		"ctrl-lft":  "ctrl-left",
		"f13":       "f1",
		"frobnicat": "/help key",
		"down*51":   "1 to 50",
		"down*0":    "1 to 50",
		"down*x":    "1 to 50",
		"ctrl-é":    "no key",
		"ctrl-":     "no key",
		"ctrl-tab":  "no key",
		"\x01":      "no key",
	} {
		_, _, err := press(name, keyboard{pty: true})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q in it", name, err, want)
		}
	}
	if _, err := presses(strings.Fields(strings.Repeat("a ", maxKeys+1)), keyboard{pty: true}); err == nil {
		t.Error("more keys than are allowed were taken")
	}
}
