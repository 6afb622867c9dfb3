package screen

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxTitle  = 256 // bytes: longer than any place has for it
	maxTitles = 10  // that are pushed: as many as xterm keeps
)

// osc carries out an operating system command. What is not here is ignored:
// above all what would open, notify or run something. The clipboard (52) cannot
// be set, and is empty for who asks.
func (s *Screen) osc(p []byte, bell bool) {
	number, rest, _ := bytes.Cut(p, []byte(";"))
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return
	}
	end := "\x1b\\"
	if bell {
		end = "\a"
	}
	switch n {
	case 0, 2:
		s.touched = true
		s.title = cleanTitle(rest)
	case 4:
		s.paletteCommand(string(rest), end)
	case 10, 12:
		if string(rest) == "?" {
			s.answer("\x1b]%d;%s%s", n, specification(DefaultFg), end)
		}
	case 11:
		if string(rest) == "?" {
			s.answer("\x1b]11;%s%s", specification(DefaultBg), end)
		}
	case 52:
		if bytes.HasSuffix(rest, []byte(";?")) {
			s.answer("\x1b]52;c;%s", end)
		}
	case 104:
		s.touched = true
		s.resetPalette(string(rest))
	case 133:
		s.touched = true
		s.promptMark(string(rest))
	}
}

func cleanTitle(p []byte) string {
	title := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(p), "\ufffd"))
	if len(title) > maxTitle {
		title = title[:maxTitle]
		for len(title) > 0 && !utf8.ValidString(title) {
			title = title[:len(title)-1]
		}
	}
	return strings.TrimSpace(title)
}

// specification writes a colour as X11 does.
func specification(c Colour) string {
	r, g, b := c.RGB(0)
	return fmt.Sprintf("rgb:%02x%02x/%02x%02x/%02x%02x", r, r, g, g, b, b)
}

// paletteCommand is OSC 4: pairs of an index and a colour, or a question mark.
func (s *Screen) paletteCommand(rest, end string) {
	parts := strings.Split(rest, ";")
	for i := 0; i+1 < len(parts); i += 2 {
		n, err := strconv.ParseUint(parts[i], 10, 8)
		if err != nil {
			continue
		}
		if parts[i+1] == "?" {
			c, changed := s.palette[uint8(n)]
			if !changed {
				c = paletteRGB(uint8(n))
			}
			s.answer("\x1b]4;%d;%s%s", n, specification(c), end)
			continue
		}
		if c, ok := parseColour(parts[i+1]); ok {
			if s.palette == nil {
				s.palette = map[uint8]Colour{}
			}
			s.palette[uint8(n)] = c
			s.touched = true
		}
	}
}

func (s *Screen) resetPalette(rest string) {
	if rest == "" {
		s.palette = nil
		return
	}
	for part := range strings.SplitSeq(rest, ";") {
		if n, err := strconv.ParseUint(part, 10, 8); err == nil {
			delete(s.palette, uint8(n))
		}
	}
}

// parseColour reads rgb:r/g/b with one to four hexadecimal digits each, and
// #rrggbb.
func parseColour(spec string) (Colour, bool) {
	if hexed, ok := strings.CutPrefix(spec, "#"); ok && len(hexed) == 6 {
		v, err := strconv.ParseUint(hexed, 16, 24)
		return colourRGB | Colour(v), err == nil
	}
	list, ok := strings.CutPrefix(spec, "rgb:")
	parts := strings.Split(list, "/")
	if !ok || len(parts) != 3 {
		return 0, false
	}
	var rgb [3]uint8
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 16, 16)
		if err != nil || len(part) > 4 {
			return 0, false
		}
		rgb[i] = uint8(v * 255 / (1<<(4*len(part)) - 1))
	}
	return RGB(rgb[0], rgb[1], rgb[2]), true
}

// promptMark is OSC 133: A, B, C, or D with an exit status.
func (s *Screen) promptMark(rest string) {
	parts := strings.Split(rest, ";")
	if len(parts[0]) != 1 || parts[0][0] < 'A' || parts[0][0] > 'D' {
		return
	}
	r := s.cur.row(s.y)
	r.marks |= 1 << (parts[0][0] - 'A')
	if parts[0] == "D" {
		r.exit = -1
		if len(parts) > 1 {
			if n, err := strconv.ParseUint(parts[1], 10, 8); err == nil {
				r.exit = int16(n)
			}
		}
	}
}

// dcs carries out a device control string: queries only.
func (s *Screen) dcs(final byte, p []byte) {
	switch q := &s.parser; {
	case final == 'q' && q.inter == '$':
		s.reportSetting(string(p))
	case final == 'q' && q.inter == '+':
		s.reportCapability(string(p))
	}
}

// reportCapability is XTGETTCAP: names and values in hexadecimal. Nothing of
// the question comes back that we do not know: the answer is input.
func (s *Screen) reportCapability(names string) {
	for name := range strings.SplitSeq(names, ";") {
		value := ""
		plain, err := hex.DecodeString(name)
		if err != nil {
			plain = nil
		}
		switch string(plain) {
		case "TN", "name":
			value = "xterm-256color"
		case "Co", "colors":
			value = "256"
		case "RGB":
			value = "8"
		default:
			s.answer("\x1bP0+r\x1b\\")
			continue
		}
		s.answer("\x1bP1+r%X=%X\x1b\\", plain, value)
	}
}
