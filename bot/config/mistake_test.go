package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each file of testdata/mistakes begins with the rule that it breaks and ends
// with the messages that it gets.
func TestEveryMistakeIsNamedWithItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rule, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		_, wanted, _ := strings.Cut(string(text), "# Want:\n")
		t.Run(rule, func(t *testing.T) {
			_, err := load(Options{File: file, Env: environ(nil), Unsetenv: ignore}, plainMachine())
			var got Problems
			if !errors.As(err, &got) {
				t.Fatalf("%s: got error %v, want Problems", file, err)
			}
			path, _ := filepath.Abs(file)
			var want []string
			for line := range strings.Lines(wanted) {
				want = append(want, path+":"+strings.TrimSpace(strings.TrimPrefix(line, "#")))
			}
			if diff := cmp.Diff(strings.Join(want, "\n"), got.Error()); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", file, diff)
			}
		})
	}
}

func TestMistakesAreListedOnlyUpToABound(t *testing.T) {
	var text strings.Builder
	for range 50 {
		text.WriteString("- x\n")
	}
	_, err := loadText(t, "people:\n"+text.String(), nil)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxShown+1 || !regexp.MustCompile(`^and \d+ more$`).MatchString(lines[maxShown]) {
		t.Errorf("got %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
}

func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/mistakes/*.yaml")
	for _, file := range append(files, "../../config.example.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := loader{machine: plainMachine(), findings: newFindings(), cfg: Default()}
		l.Env, l.Unsetenv = environ(map[string]string{"HOME": "/home/pi"}), ignore
		l.decode(text, &l.cfg)
		l.cfg.Telegram.TokenFile, l.cfg.Discord.TokenFile = "", "" // they could name any file of this machine
		l.resolveSecrets(nil)
		l.check()
		l.fillIn()
		for _, p := range l.found {
			if p.Text == "" || strings.ContainsRune(p.Text, '\n') {
				t.Errorf("problem %q is not one line", p.Text)
			}
			if token := l.cfg.Telegram.Token.Reveal(); len(token) > 20 && tokens[0].form.MatchString(token) && strings.Contains(p.Text, token) {
				t.Errorf("problem %q shows the token", p.Text)
			}
		}
	})
}
