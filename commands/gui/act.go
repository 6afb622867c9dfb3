package gui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// Bounds of what is pressed and typed at once.
const (
	maxKeys   = 100
	maxRepeat = 50
	maxClicks = 3
	// maxText is how many characters are typed at once, and maxRare how many of
	// them may be none of ASCII.
	maxText = 2000
	maxRare = 200
	// actTime bounds one call of xdotool.
	actTime = 40 * time.Second
	// keyPause is the time between two characters, in milliseconds: programs
	// lose some that come faster. rarePause is the same for those on no key:
	// xdotool puts each onto one for as long as that, in which the program has to
	// ask what is on it.
	keyPause  = "8"
	rarePause = "150"
)

// Click presses the mouse at a point, in pixels from the upper left corner:
// button 1 is the left one, 2 the middle, 3 the right, 4 and 5 the wheel up and
// down. Errors for the person are *bot.UserError.
func (d *Displays) Click(ctx context.Context, id bot.SessionID, x, y, button, times int) error {
	at, err := d.at(id)
	if err != nil {
		return err
	}
	size := at.size
	if x < 0 || y < 0 || x >= size.Width || y >= size.Height {
		return bot.Userf("/click: the display is %s: X can be 0 to %d and Y 0 to %d.", size, size.Width-1, size.Height-1)
	}
	times = min(max(times, 1), maxClicks)
	err = at.do(ctx, nil, "mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "--repeat", strconv.Itoa(times), "--delay", "60", strconv.Itoa(button))
	if err == nil {
		d.acted(id)
	}
	return err
}

// Press presses keys, such as ctrl-c, down*3 or a.
func (d *Displays) Press(ctx context.Context, id bot.SessionID, words []string) error {
	at, err := d.at(id)
	if err != nil {
		return err
	}
	var keys []string
	for _, word := range words {
		name, times, err := repeated(word)
		if err != nil {
			return err
		}
		sym, ok := keysym(name)
		if !ok {
			return bot.Userf("/key: there is no key %.30q. /help key lists them; /in types text.", name)
		}
		for range times {
			keys = append(keys, sym)
		}
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return bot.Userf("/key: %d keys at once are not possible; 1 to %d are. /in types text.", len(keys), maxKeys)
	}
	if err := at.aim(ctx); err != nil {
		return err
	}
	if err = at.do(ctx, nil, append([]string{"key", "--clearmodifiers", "--delay", keyPause}, keys...)...); err == nil {
		d.acted(id)
	}
	return err
}

// Type types text; a line feed is Enter. It is not seen in the list of processes:
// it may be a secret.
func (d *Displays) Type(ctx context.Context, id bot.SessionID, text string) error {
	at, err := d.at(id)
	if err != nil {
		return err
	}
	parts := kinds(text)
	all, rare := 0, 0
	for _, part := range parts {
		n := utf8.RuneCountInString(part)
		if all += n; !isASCII(part) {
			rare += n
		}
	}
	switch {
	case rare > maxRare:
		return bot.Userf("/in: %d characters that are not of ASCII at once are too many for a window; %d may be.", rare, maxRare)
	case all > maxText:
		return bot.Userf("/in: %d characters at once are too many for a window; %d may be.", all, maxText)
	}
	if err := at.aim(ctx); err != nil {
		return err
	}
	for _, part := range parts {
		pause := keyPause
		if !isASCII(part) {
			pause = rarePause
		}
		if err := at.do(ctx, strings.NewReader(part), "type", "--clearmodifiers", "--delay", pause, "--file", "-"); err != nil {
			return err
		}
	}
	d.acted(id)
	return nil
}

// kinds cuts a text into pieces of ASCII alone and of other characters alone.
func kinds(text string) (parts []string) {
	for from, i := 0, 0; i < len(text); {
		for i++; i < len(text) && (text[i] < utf8.RuneSelf) == (text[from] < utf8.RuneSelf); i++ {
		}
		parts = append(parts, text[from:i])
		from = i
	}
	return parts
}

// isASCII is about a piece of a text, see kinds.
func isASCII(part string) bool { return part[0] < utf8.RuneSelf }

// repeated reads how often a key is to be pressed.
func repeated(word string) (name string, times int, err error) {
	i := strings.LastIndexByte(word, '*')
	if i <= 0 {
		return word, 1, nil
	}
	n, err := strconv.Atoi(word[i+1:])
	if err != nil || n < 1 || n > maxRepeat {
		return "", 0, bot.Userf("/key: %.30s: a key can be pressed 1 to %d times, as in down*3.", word, maxRepeat)
	}
	return word[:i], n, nil
}

// keysyms are the names of keys that are not those of X in lower case, and
// modifiers those of modifiers (X11/keysymdef.h).
var keysyms = map[string]string{
	"enter": "Return", "return": "Return", "tab": "Tab", "esc": "Escape", "escape": "Escape", "space": "space",
	"backspace": "BackSpace", "bs": "BackSpace", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
	"home": "Home", "end": "End", "ins": "Insert", "insert": "Insert", "del": "Delete", "delete": "Delete",
	"pgup": "Prior", "pageup": "Prior", "pgdn": "Next", "pgdown": "Next", "pagedown": "Next", "menu": "Menu",
	"f1": "F1", "f2": "F2", "f3": "F3", "f4": "F4", "f5": "F5", "f6": "F6",
	"f7": "F7", "f8": "F8", "f9": "F9", "f10": "F10", "f11": "F11", "f12": "F12",
}

var modifiers = map[string]string{
	"ctrl": "ctrl", "control": "ctrl", "c": "ctrl", "alt": "alt", "meta": "alt", "m": "alt", "shift": "shift", "super": "super", "win": "super",
}

// keysym is how xdotool calls a key: ctrl-c is ctrl+c, enter is Return.
func keysym(name string) (string, bool) {
	var prefix string
	if rest, ok := strings.CutPrefix(name, "^"); ok && rest != "" {
		prefix, name = "ctrl+", rest
	}
	for {
		word, rest, ok := strings.Cut(name, "-")
		m, known := modifiers[strings.ToLower(word)]
		if !ok || !known || rest == "" {
			break
		}
		prefix, name = prefix+m+"+", rest
	}
	if sym, ok := keysyms[strings.ToLower(name)]; ok {
		return prefix + sym, true
	}
	r, n := utf8.DecodeRuneInString(name)
	switch {
	case n != len(name) || n == 0 || r == utf8.RuneError || !unicode.IsPrint(r):
		return "", false
	case r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		return prefix + name, true
	}
	// A sign is named by its number: + joins keys, and other names are words.
	return fmt.Sprintf("%sU%04X", prefix, r), true
}

// aim is screen.aim.
func (at place) aim(ctx context.Context) error {
	s, err := at.dial(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	return s.aim()
}

// packages are the Debian packages of what displays take.
const packages = "xvfb xdotool ffmpeg"

// installed says, as a *bot.UserError, if a program is missing.
func installed(name string) error {
	if _, err := exec.LookPath(name); err != nil {
		return &bot.UserError{Text: fmt.Sprintf("That takes the program %s, which is not installed: sudo apt install %s", name, packages), Err: err}
	}
	return nil
}

// do runs xdotool on the display.
func (at place) do(ctx context.Context, stdin io.Reader, args ...string) error {
	if err := installed("xdotool"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, actTime)
	defer cancel()
	said := &ending{}
	cmd := exec.CommandContext(ctx, "xdotool", args...)
	cmd.Env = []string{"DISPLAY=" + at.display, "XAUTHORITY=" + filepath.Join(at.dir, authorityName), "LANG=C.UTF-8"}
	cmd.Stdin, cmd.Stderr, cmd.WaitDelay = stdin, said, time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// The death signal comes when the thread ends that has started the child.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if err == nil {
		return nil
	}
	why := strings.TrimSpace(strings.ToValidUTF8(string(said.text), "?"))
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = "it took longer than " + actTime.String()
	}
	return &bot.UserError{Text: fmt.Sprintf("xdotool could not do that. %.200s", why), Err: err}
}
