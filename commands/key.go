package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// Bounds of one /key.
const (
	maxKeys   = 100
	maxRepeat = 50
)

// key declares /key: keys that a phone does not have.
func key(d Deps) bot.Command {
	return bot.Command{
		Name:    "key",
		Group:   groupSteer,
		Summary: "Press keys such as ctrl-c, tab or up",
		Help: "Keys: enter, esc, tab, shift-tab, space, backspace, up, down, left, right, home, end, pgup, pgdn, ins, del, f1 to f12, and any single character. " +
			"ctrl-, alt- and shift- go before a key. *N presses it N times, up to 50. The keys are pressed in the order given. What a /gui has started gets them in its window.",
		Examples: []string{"key ctrl-c", "key down*3 enter", "key esc : w q enter", "key alt-b ctrl-left"},
		Args: []bot.Arg{
			{Name: "stdin", Flag: true, Kind: bot.ArgSwitch, Summary: "to a program's standard input, although it has a window"},
			{Name: "keys", Kind: bot.ArgWords, Required: true, Summary: "names of keys"},
		},
		Role:   bot.User,
		Effect: bot.Changes,
		Run: func(ctx context.Context, req bot.Request) error {
			s, err := find(ctx, d, req)
			if err != nil {
				return err
			}
			if d.Displays.Has(s) && !req.Call.Args.Has("stdin") {
				if err := d.Keyboards.MayType(ctx, req.Principal, s.ID); err != nil {
					return err
				}
				return d.Displays.Press(ctx, s.ID, req.Call.Args.List("keys"))
			}
			inputs, err := presses(req.Call.Args.List("keys"), keyboardOf(ctx, d, req.Principal, s))
			if err != nil {
				return err
			}
			for _, keys := range inputs {
				if err := d.Sessions.Control(ctx, req.Principal, s.ID, bot.Control{Input: keys}); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// keyboard is what decides on the bytes of a key.
type keyboard struct {
	pty bool
	// plain arrows are wanted: a program has not asked for the application form.
	plain bool
}

// keyboardOf is the keyboard that the session's program has asked for.
func keyboardOf(ctx context.Context, d Deps, p bot.Principal, s bot.Session) keyboard {
	if !s.PTY {
		return keyboard{}
	}
	window, err := d.Terminals.Window(ctx, p, s.ID)
	return keyboard{pty: true, plain: err == nil && !window.Facts().ApplicationCursor}
}

// presses is what to type for the keys. On a terminal it is one piece. Without
// one ^C and ^D are pieces of their own: Sessions.Control gives them their
// meaning, which a pipe does not.
func presses(names []string, board keyboard) ([][]byte, error) {
	if len(names) > maxKeys {
		return nil, bot.Userf("/key: %d keys at once are too many; %d may be. /in types text.", len(names), maxKeys)
	}
	var pieces [][]byte
	var piece []byte
	flush := func() {
		if len(piece) > 0 {
			pieces = append(pieces, piece)
			piece = nil
		}
	}
	for _, name := range names {
		one, times, err := press(name, board)
		if err != nil {
			return nil, err
		}
		for range times {
			switch {
			case board.pty:
				piece = append(piece, one...)
			case one == "\x03" || one == "\x04":
				flush()
				pieces = append(pieces, []byte(one))
			case one == "\r":
				piece = append(piece, '\n') // no terminal is there to turn it into one
			default:
				piece = append(piece, one...)
			}
		}
	}
	flush()
	return pieces, nil
}

// press is the bytes of a key such as "ctrl-c", and how often "down*3" is to
// be pressed.
func press(word string, board keyboard) (keys string, times int, err error) {
	name, times := word, 1
	if base, count, ok := cutLast(word, "*"); ok && base != "" {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 || n > maxRepeat {
			return "", 0, bot.Userf("/key: %s: a key can be pressed 1 to %d times, as in down*3.", clip(word, 30), maxRepeat)
		}
		name, times = base, n
	}
	keys, ok := bytesOf(name, board.plain)
	if !ok {
		return "", 0, unknownKey(name)
	}
	return keys, times, nil
}

// cutLast cuts s around the last sep.
func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// modifiers as xterm counts them (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html,
// "PC-Style Function Keys"); 1 is added to their sum.
const (
	shift = 1
	alt   = 2
	ctrl  = 4
)

var modifierNames = map[string]int{"shift": shift, "alt": alt, "meta": alt, "ctrl": ctrl, "c": ctrl, "m": alt, "control": ctrl}

// specialKey is a key that sends an escape sequence: ESC O final when alone if
// letter is true, else ESC [ number ~.
type specialKey struct {
	final  byte // of the sequence with a letter; 0 = none
	number int
}

// specialKeys sends what the terminfo entry xterm-256color promises to
// programs, which is also what a session's TERM says. Arrows, home and end have
// another form while a program has not asked for that of the "application"
// keypad (DECCKM): few programs know only one of the two.
var specialKeys = map[string]specialKey{
	"up": {final: 'A'}, "down": {final: 'B'}, "right": {final: 'C'}, "left": {final: 'D'},
	"home": {final: 'H'}, "end": {final: 'F'},
	"f1": {final: 'P'}, "f2": {final: 'Q'}, "f3": {final: 'R'}, "f4": {final: 'S'},
	"f5": {number: 15}, "f6": {number: 17}, "f7": {number: 18}, "f8": {number: 19},
	"f9": {number: 20}, "f10": {number: 21}, "f11": {number: 23}, "f12": {number: 24},
	"ins": {number: 2}, "del": {number: 3}, "pgup": {number: 5}, "pgdn": {number: 6},
}

// plainKeys send one byte.
var plainKeys = map[string]byte{
	"enter": '\r', "tab": '\t', "esc": 0x1b, "space": ' ', "backspace": 0x7f,
}

// keyAliases are other names of keys.
var keyAliases = map[string]string{
	"return": "enter", "escape": "esc", "bs": "backspace", "delete": "del", "insert": "ins",
	"pageup": "pgup", "pagedown": "pgdn", "pgdown": "pgdn",
}

// bytesOf is what a terminal sends for the key of that name; plain is about its
// arrows, see keyboard.
func bytesOf(name string, plain bool) (string, bool) {
	modifiers := 0
	base := name
	if c, ok := strings.CutPrefix(base, "^"); ok && c != "" {
		modifiers, base = ctrl, c
	}
	for {
		prefix, rest, ok := strings.Cut(base, "-")
		m, known := modifierNames[strings.ToLower(prefix)]
		if !ok || !known || rest == "" {
			break
		}
		modifiers |= m
		base = rest
	}
	if r, size := utf8.DecodeRuneInString(base); size == len(base) && size > 0 && unicode.IsPrint(r) {
		return character(r, modifiers)
	}
	base = strings.ToLower(base)
	if alias, ok := keyAliases[base]; ok {
		base = alias
	}
	if b, ok := plainKeys[base]; ok {
		return plainKey(base, b, modifiers)
	}
	if k, ok := specialKeys[base]; ok {
		return k.sequence(modifiers, plain), true
	}
	return "", false
}

func (k specialKey) sequence(modifiers int, plain bool) string {
	switch {
	case k.final >= 'A' && k.final <= 'H' && modifiers == 0 && plain:
		return "\x1b[" + string(k.final)
	case k.final != 0 && modifiers == 0:
		return "\x1bO" + string(k.final)
	case k.final != 0:
		return fmt.Sprintf("\x1b[1;%d%c", modifiers+1, k.final)
	case modifiers == 0:
		return fmt.Sprintf("\x1b[%d~", k.number)
	default:
		return fmt.Sprintf("\x1b[%d;%d~", k.number, modifiers+1)
	}
}

// plainKey is a key of one byte with modifiers, as far as terminals know them.
func plainKey(name string, b byte, modifiers int) (string, bool) {
	sent := string(b)
	switch {
	case name == "tab" && modifiers&shift != 0:
		sent = "\x1b[Z"
		modifiers &^= shift
	case name == "space" && modifiers&ctrl != 0:
		sent = "\x00"
		modifiers &^= ctrl
	case name == "backspace" && modifiers&ctrl != 0:
		sent = "\b"
		modifiers &^= ctrl
	}
	if modifiers&alt != 0 {
		sent = "\x1b" + sent
	}
	return sent, modifiers&ctrl == 0
}

// character is a character key with modifiers.
func character(r rune, modifiers int) (string, bool) {
	if modifiers&shift != 0 {
		r = unicode.ToUpper(r)
	}
	sent := string(r)
	if modifiers&ctrl != 0 {
		switch c := unicode.ToUpper(r); {
		case c >= '@' && c <= '_': // letters and @ [ \ ] ^ _
			sent = string(c & 0x1f)
		case c == '?':
			sent = "\x7f"
		default:
			return "", false
		}
	}
	if modifiers&alt != 0 {
		sent = "\x1b" + sent
	}
	return sent, true
}

// unknownKey says so, with what may have been meant.
func unknownKey(name string) error {
	names := slices.Sorted(maps.Keys(plainKeys))
	names = append(names, slices.Sorted(maps.Keys(specialKeys))...)
	// Modifiers are kept for the answer: ctrl-lft is ctrl-left.
	prefix, base, _ := cutLast(name, "-")
	if base == "" {
		prefix, base = "", name
	} else if prefix != "" {
		prefix += "-"
	}
	near := bot.Near(strings.ToLower(base), names)
	if len(near) == 0 {
		return bot.Userf("/key: there is no key %s. /help key lists them; /in types text.", clip(name, 30))
	}
	for i := range near {
		near[i] = clip(prefix, 30) + near[i]
	}
	return bot.Userf("/key: there is no key %s. Did you mean %s?", clip(name, 30), strings.Join(near, " or "))
}
