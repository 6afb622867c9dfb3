package files

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a stored file's name, in bytes. Linux takes 255; the rest is room
// for what makes it unique.
const (
	maxName      = 200
	maxExtension = 20
)

// Clean is a safe name for a file that somebody else has named: one element, not
// hidden, no option for a program, nothing that looks like another name, and one
// that other systems take too.
func Clean(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case r == '\n', r == '\t', r == '\r':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			return -1 // also the marks that turn the direction of writing around
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(name, ". "), ". ")
	if name == "" {
		return "file"
	}
	if name[0] == '-' || name[0] == '~' {
		name = "_" + name[1:]
	}
	if reserved(name) {
		name = "_" + name
	}
	if len(name) <= maxName {
		return name
	}
	stem, extension := splitName(name)
	if len(extension) > maxExtension {
		stem, extension = name, ""
	}
	return strings.TrimRight(cut(stem, maxName-len(extension)), ". ") + extension
}

// cut shortens s to at most n bytes, at the border of a character.
func cut(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:min(n, len(s))]
}

// reserved reports whether Windows takes the name for a device.
func reserved(name string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch stem = strings.TrimSpace(stem); stem {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT")) && stem[3] >= '0' && stem[3] <= '9'
}

// splitName cuts a name before its extension, which may be one such as .tar.gz.
func splitName(name string) (stem, extension string) {
	extension = filepath.Ext(name)
	stem = strings.TrimSuffix(name, extension)
	if inner := filepath.Ext(stem); inner == ".tar" {
		stem, extension = strings.TrimSuffix(stem, inner), inner+extension
	}
	if stem == "" {
		return name, ""
	}
	return stem, extension
}

// numbered is the nth name to be tried, from 1.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	stem, extension := splitName(name)
	return stem + "-" + strconv.Itoa(n) + extension
}
