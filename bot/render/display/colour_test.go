package display_test

import (
	"testing"

	"chapi/bot/render/display"
)

func TestAPageKeepsTheEightColoursOfItsOutput(t *testing.T) {
	for _, test := range []struct{ rule, text, output, want string }{
		{"a colour", "red plain\n", "\x1b[31mred\x1b[0m plain\n", "\x1b[0;31mred\x1b[0m plain"},
		{"bold and underlined", "ab", "\x1b[1ma\x1b[0;4mb\x1b[0m", "\x1b[0;1ma\x1b[0;4mb\x1b[0m"},
		{"bright ones are the same", "x", "\x1b[92mx\x1b[m", "\x1b[0;32mx\x1b[0m"},
		{"of many, the nearest", "xy", "\x1b[38;5;196mx\x1b[48;2;0;0;250my\x1b[m", "\x1b[0;31mx\x1b[0;31;44my\x1b[0m"},
		{"reversed", "x", "\x1b[7;31;42mx\x1b[m", "\x1b[0;32;41mx\x1b[0m"},
		{"over lines", "a\nb\n", "\x1b[33ma\nb\x1b[0m\n", "\x1b[0;33ma\nb\x1b[0m"},
		{"after a carriage return", "new", "\x1b[31mold\x1b[0m\r\x1b[34mnew\x1b[0m", "\x1b[0;34mnew\x1b[0m"},
		{"wide characters", "日本x", "\x1b[31m日本\x1b[0mx", "\x1b[0;31m日本\x1b[0mx"},
		{"none", "plain", "plain", ""},
		{"a text that is not the output's", "other", "\x1b[31mthis\x1b[0m", ""},
		{"nor with a secret hidden", "token ***", "token \x1b[31mabc\x1b[0m", ""},
	} {
		got, ok := display.ColouredOutput(test.text, []byte(test.output))
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%s: got %q, %v; want %q", test.rule, got, ok, test.want)
		}
	}
}
