package cast_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"chapi/bot"
	"chapi/bot/render"
	"chapi/bot/render/cast"
	"chapi/bot/render/rendertest"
)

type piece struct {
	data string
	at   time.Duration
	size bot.Size
}

type pieces []piece

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (p *pieces) Next() ([]byte, time.Time, bot.Size, error) {
	if len(*p) == 0 {
		return nil, time.Time{}, bot.Size{}, io.EOF
	}
	first := (*p)[0]
	*p = (*p)[1:]
	return []byte(first.data), start.Add(first.at), first.size, nil
}

const secret = "hunter2-correct-horse"

func write(t *testing.T, p pieces, h cast.Header) string {
	t.Helper()
	var b bytes.Buffer
	if err := cast.Write(&b, &p, h, render.NewMasker(secret)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestARecordingIsAsTheFormatSays(t *testing.T) {
	got := write(t, pieces{
		{"hello\r\n", 0, bot.Size{Cols: 100, Rows: 30}},
		{"\x1b[31m\"red\"\\", 1500 * time.Millisecond, bot.Size{}},
		{"", 2 * time.Second, bot.Size{Cols: 60, Rows: 24}},
		{"漢", 90 * time.Second, bot.Size{Cols: 60, Rows: 24}},
	}, cast.Header{Title: "make " + secret, Term: "xterm-256color", Shell: "/bin/sh", Idle: 2 * time.Second})
	want := `{"version":2,"width":100,"height":30,"timestamp":1772366400,"idle_time_limit":2,"title":"make *********************","env":{"SHELL":"/bin/sh","TERM":"xterm-256color"}}
[0.000000, "o", "hello\r\n"]
[1.500000, "o", "\u001b[31m\"red\"\\"]
[2.000000, "r", "60x24"]
[90.000000, "o", "漢"]
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	check(t, got)
}

// check holds a recording against the format's description: a header with
// version 2, width and height, then events of time, code and data, in order.
func check(t *testing.T, recording string) (output string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(recording, "\n"), "\n")
	var head struct {
		Version, Width, Height int
	}
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || head.Version != 2 || head.Width < 1 || head.Height < 1 {
		t.Fatalf("header %s: %v", lines[0], err)
	}
	last := 0.0
	for i, line := range lines[1:] {
		var event [3]any
		if err := json.Unmarshal([]byte(line), &event); err != nil || !utf8.ValidString(line) {
			t.Fatalf("event %d is no JSON in UTF-8: %q: %v", i, line, err)
		}
		at, ok := event[0].(float64)
		data, isText := event[2].(string)
		if !ok || at < last || !isText {
			t.Fatalf("event %d: %s", i, line)
		}
		last = at
		switch event[1] {
		case "o":
			output += data
		case "r":
			var cols, rows int
			if n, err := fmt.Sscanf(data, "%dx%d", &cols, &rows); n != 2 || err != nil {
				t.Fatalf("event %d: %s", i, line)
			}
		default:
			t.Fatalf("event %d has the code %v", i, event[1])
		}
	}
	return output
}

func TestCharactersAndSecretsAreWholeHoweverPiecesDivideThem(t *testing.T) {
	text := "a é 漢 🚀 " + secret + " z\xff漢"
	want := "a é 漢 🚀 " + strings.Repeat("*", len(secret)) + " z\ufffd漢"
	for size := 1; size < len(text); size++ {
		var p pieces
		for i := 0; i < len(text); i += size {
			p = append(p, piece{text[i:min(i+size, len(text))], time.Duration(i) * time.Millisecond, bot.Size{}})
		}
		if got := check(t, write(t, p, cast.Header{})); got != want {
			t.Errorf("in pieces of %d bytes: got %q, want %q", size, got, want)
		}
	}
}

func TestTheEndOfARecordingIsNotHeldBack(t *testing.T) {
	text := "ends with " + secret[:10]
	if got := check(t, write(t, pieces{{text, 0, bot.Size{}}}, cast.Header{})); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
	if got := check(t, write(t, pieces{{"ab\xe6\xbc", 0, bot.Size{}}}, cast.Header{})); got != "ab\ufffd\ufffd" && got != "ab\ufffd" {
		t.Errorf("half a character: got %q", got)
	}
	if got := check(t, write(t, nil, cast.Header{})); got != "" {
		t.Errorf("no output: got %q", got)
	}
}

func TestAsciinemaPlaysARecording(t *testing.T) {
	recording := write(t, pieces{{"hello\r\n", 0, bot.Size{Cols: 80, Rows: 24}}, {"\x1b[1mwörld 漢\x1b[m\r\n", time.Hour, bot.Size{Cols: 90, Rows: 30}}},
		cast.Header{Title: "greeting", Term: "xterm", Idle: 10 * time.Millisecond})
	file := filepath.Join(t.TempDir(), "greeting.cast")
	if err := os.WriteFile(file, []byte(recording), 0o600); err != nil {
		t.Fatal(err)
	}
	v := rendertest.Program{Cols: 90, Rows: 30, Argv: []string{"asciinema", "play", file}, Ready: "wörld 漢"}.Screen(t)
	if v.Text(0) != "hello" || v.Text(1) != "wörld 漢" || !v.Cells[v.Cols].Style.Bold {
		t.Errorf("asciinema shows %q and %q", v.Text(0), v.Text(1))
	}
}

func TestASecretThatGoesOnBehindAResizeIsHidden(t *testing.T) {
	got := check(t, write(t, pieces{{secret[:9], 0, bot.Size{}}, {secret[9:], time.Second, bot.Size{Cols: 50, Rows: 9}}}, cast.Header{}))
	if want := strings.Repeat("*", len(secret)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzWrite(f *testing.F) {
	f.Add("abc", "\xe6\xbc", secret, uint16(80))
	f.Fuzz(func(t *testing.T, a, b, c string, cols uint16) {
		p := pieces{{a, 0, bot.Size{}}, {b, time.Second, bot.Size{Cols: cols, Rows: 24}}, {c, 0, bot.Size{}}}
		if got := check(t, write(t, p, cast.Header{Title: a})); strings.Contains(got, secret) {
			t.Errorf("the secret is in %q", got)
		}
	})
}
