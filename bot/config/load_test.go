package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"chapi/bot"
)

// A token of the right form that was never given out.
const token = "123456789:AAFake-token_that_is_35_chars_long0"

func TestMain(m *testing.M) {
	if os.Getenv("CHAPI_TEST_ENVIRON") != "" {
		printEnviron()
		return
	}
	os.Exit(m.Run())
}

// environ is an environment for Options.Env.
func environ(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func ignore(string) error { return nil }

// plainMachine has the account pi, is not root, and has no system-wide file.
func plainMachine() machine {
	return machine{
		systemFile: "/nonexistent/chapi/config.yaml",
		euid:       1000,
		hostname:   func() (string, error) { return "raspberry", nil },
		account: func(name string) (*user.User, error) {
			if name == "" || name == "pi" {
				return &user.User{Username: "pi", HomeDir: "/home/pi"}, nil
			}
			return nil, user.UnknownUserError(name)
		},
	}
}

// write makes a file with a mode in a folder of its own.
func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// loadText loads a file with the text.
func loadText(t *testing.T, text string, env map[string]string) (*Config, error) {
	t.Helper()
	return load(Options{File: write(t, text, 0o600), Env: environ(env), Unsetenv: ignore}, plainMachine())
}

// mustLoad is loadText of a text without mistakes.
func mustLoad(t *testing.T, text string, env map[string]string) *Config {
	t.Helper()
	cfg, err := loadText(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestValuesAreRead(t *testing.T) {
	cfg := mustLoad(t, `
device: {name: greenhouse}
state_dir: data
stale_after: 1w2d3h
people:
  - &ana {name: 0123, role: Owner, telegram: 4503599627370495, discord: 18446744073709551615}
  - {name: bo, role: viewer, telegram: "7"}
chats:
  - {name: workshop, telegram: -1001234567890, discord: "42", role: user}
  - {name: hall, telegram: -5}
  - {name: home, discord_server: 43}
discord: {roles: [{id: 44, role: operator}]}
telegram:
sessions:
  output: 1.5GiB
  memory: 500MB
  max_time: 90m
  dir: ~/work
  env: [A=b=c, B=]
  run_as:
    user: ""
files:
  inbox: /srv/inbox
  roots:
    - {path: ~/share, role: viewer}
    - {path: "~", role: owner, write: true}
  quota: 0
runners:
  - {name: ruby, suffixes: [.rb], argv: [ruby, "{file}"]}
log: {level: debug, format: json}
`, map[string]string{"HOME": "/home/pi", "SHELL": "/bin/zsh"})

	want := Default()
	want.Device.Name = "greenhouse"
	want.File = cfg.File
	want.StateDir = filepath.Join(filepath.Dir(cfg.File), "data")
	want.StaleAfter = 9*24*time.Hour + 3*time.Hour
	want.People = []Person{
		{Name: "0123", Role: bot.Owner, Telegram: 4503599627370495, Discord: "18446744073709551615"},
		{Name: "bo", Role: bot.Viewer, Telegram: 7},
	}
	want.Chats = []Chat{
		{Name: "workshop", Telegram: -1001234567890, Discord: "42", Role: bot.User},
		{Name: "hall", Telegram: -5},
		{Name: "home", DiscordServer: "43"},
	}
	want.Discord.Roles = []DiscordRole{{ID: "44", Role: bot.Operator}}
	want.Sessions.Output = 3 << 29
	want.Sessions.Memory = 500_000_000
	want.Sessions.MaxTime = 90 * time.Minute
	want.Sessions.Shell = "/bin/zsh"
	want.Sessions.Dir = "/home/pi/work"
	want.Sessions.Env = []string{"A=b=c", "B="}
	want.Files.Inbox = "/srv/inbox"
	want.Files.Roots = []Root{{Path: "/home/pi/share", Role: bot.Viewer}, {Path: "/home/pi", Role: bot.Owner, Write: true}}
	want.Files.Quota = 0
	want.Runners = []Runner{{Name: "ruby", Suffixes: []string{".rb"}, Argv: []string{"ruby", "{file}"}}}
	want.Log = Log{Level: slog.LevelDebug, Format: "json"}
	if diff := cmp.Diff(want, *cfg, cmp.AllowUnexported(Config{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	people, chats := cfg.Allowlist()
	wantPeople := []bot.Person{
		{Name: "0123", Role: bot.Owner, Accounts: []bot.Account{
			{Adapter: "telegram", User: "4503599627370495"}, {Adapter: "discord", User: "18446744073709551615"}}},
		{Name: "bo", Role: bot.Viewer, Accounts: []bot.Account{{Adapter: "telegram", User: "7"}}},
	}
	wantChats := []bot.Chat{
		{Name: "workshop", Room: bot.Thread{Adapter: "telegram", Chat: "-1001234567890"}, Ceiling: bot.User},
		{Name: "workshop", Room: bot.Thread{Adapter: "discord", Chat: "42"}, Ceiling: bot.User},
		{Name: "hall", Room: bot.Thread{Adapter: "telegram", Chat: "-5"}},
		{Name: "home", Room: bot.Thread{Adapter: "discord", Chat: "server:43"}},
	}
	if diff := cmp.Diff(wantPeople, people); diff != "" {
		t.Errorf("people (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(wantChats, chats); diff != "" {
		t.Errorf("chats (-want +got)\n%s", diff)
	}
}

func TestNothingConfiguredIsNobodyAndNoNetwork(t *testing.T) {
	for name, text := range map[string]string{
		"an empty file":                "",
		"a file of comments":           "# people: all\n",
		"headings with nothing inside": "people:\nchats:\ntelegram:\n  pace:\nsessions:\n",
		"empty lists":                  "people: []\nchats: []\n",
		"an empty document":            "---\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, text, nil)
			people, chats := cfg.Allowlist()
			if len(people) != 0 || len(chats) != 0 {
				t.Errorf("got people %v and chats %v, want none", people, chats)
			}
			if !cfg.Telegram.Token.IsZero() || len(cfg.Secrets()) != 0 {
				t.Error("got a token from nowhere")
			}
			if cfg.Sessions.PerPerson != 8 {
				t.Errorf("got %d sessions per person, want the default", cfg.Sessions.PerPerson)
			}
		})
	}
}

func TestTheFileIsTheFirstThatIsThere(t *testing.T) {
	named, byEnv := write(t, "device: {name: named}", 0o600), write(t, "device: {name: byenv}", 0o600)
	xdg, home, etc := t.TempDir(), t.TempDir(), write(t, "device: {name: etc}", 0o600)
	put := func(dir, name string) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("device: {name: "+name+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(xdg, "chapi"), "xdg")
	put(filepath.Join(home, ".config", "chapi"), "home")
	nowhere := t.TempDir()

	for _, c := range []struct {
		rule string
		file string
		env  map[string]string
		etc  string
		want string
	}{
		{"the option goes first", named, map[string]string{"CHAPI_CONFIG": byEnv}, etc, "named"},
		{"CHAPI_CONFIG goes before the usual places", "", map[string]string{"CHAPI_CONFIG": byEnv, "XDG_CONFIG_HOME": xdg}, etc, "byenv"},
		{"XDG_CONFIG_HOME takes the place of ~/.config", "", map[string]string{"XDG_CONFIG_HOME": xdg, "HOME": home}, etc, "xdg"},
		{"~/.config goes before /etc", "", map[string]string{"HOME": home}, etc, "home"},
		{"/etc is the last", "", map[string]string{"HOME": nowhere}, etc, "etc"},
		{"none at all is fine", "", map[string]string{"HOME": nowhere}, "/nonexistent/config.yaml", "raspberry"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := plainMachine()
			m.systemFile = c.etc
			cfg, err := load(Options{File: c.file, Env: environ(c.env), Unsetenv: ignore}, m)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Device.Name != c.want {
				t.Errorf("got %s from %q, want %s", cfg.Device.Name, cfg.File, c.want)
			}
		})
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	blocked := t.TempDir()
	if err := os.MkdirAll(filepath.Join(blocked, "chapi", "config.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule string
		file string
		env  map[string]string
		want string
	}{
		{"a named file must exist", "/nonexistent/x.yaml", nil, "read configuration: open /nonexistent/x.yaml: no such file"},
		{"the file of CHAPI_CONFIG must exist", "", map[string]string{"CHAPI_CONFIG": "/nonexistent/y.yaml"}, "open /nonexistent/y.yaml"},
		{"a usual file that cannot be read is not passed over", "", map[string]string{"XDG_CONFIG_HOME": blocked}, "is a directory"},
		{"a file is not read without end", write(t, "#"+strings.Repeat("x", maxFile), 0o600), nil, "longer than 1MiB"},
		{"a file that everybody may change is refused", write(t, "people: []", 0o666), nil, "run: chmod o-w"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := load(Options{File: c.file, Env: environ(c.env), Unsetenv: ignore}, plainMachine())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTheStateFolder(t *testing.T) {
	etc := write(t, "", 0o600)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule   string
		option string
		text   string
		etc    bool
		root   bool
		env    map[string]string
		want   string
	}{
		{rule: "the option goes first", option: "/s", text: "state_dir: /k", env: map[string]string{"STATE_DIRECTORY": "/d"}, want: "/s"},
		{rule: "the option begins at the current folder", option: "s", want: filepath.Join(here, "s")},
		{rule: "the key goes before systemd's", text: "state_dir: /k", env: map[string]string{"STATE_DIRECTORY": "/d"}, want: "/k"},
		{rule: "systemd's first folder is taken", env: map[string]string{"STATE_DIRECTORY": "/d:/e", "XDG_STATE_HOME": "/x"}, want: "/d"},
		{rule: "a file for the machine keeps its state with the machine", etc: true, env: map[string]string{"XDG_STATE_HOME": "/x"}, want: "/var/lib/chapi"},
		{rule: "XDG_STATE_HOME is obeyed", env: map[string]string{"XDG_STATE_HOME": "/x"}, want: "/x/chapi"},
		{rule: "a relative XDG_STATE_HOME is not", env: map[string]string{"XDG_STATE_HOME": "x", "HOME": "/h"}, want: "/h/.local/state/chapi"},
		{rule: "home is the usual place", env: map[string]string{"HOME": "/h"}, want: "/h/.local/state/chapi"},
		{rule: "home is looked up if the environment has none", want: "/home/pi/.local/state/chapi"},
		{rule: "root without a home is a system service", root: true, want: "/var/lib/chapi"},
		{rule: "~ is the home folder", text: "state_dir: ~/c", env: map[string]string{"HOME": "/h"}, want: "/h/c"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			m := plainMachine()
			o := Options{StateDir: c.option, Env: environ(c.env), Unsetenv: ignore}
			if c.text != "" {
				o.File = write(t, c.text, 0o600)
			}
			if c.etc {
				m.systemFile = etc
			}
			if c.root {
				m.euid = 0
			}
			cfg, err := load(o, m)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.StateDir != c.want {
				t.Errorf("got %s, want %s", cfg.StateDir, c.want)
			}
		})
	}
}

// telegramEnv is the variable that may hold the token of Telegram.
const telegramEnv = "TELEGRAM_BOT_TOKEN"

func TestTheTokenOfDiscordIsTheFirstThatIsThere(t *testing.T) {
	other := func(n int) string {
		return fmt.Sprintf("MTAwMDAwMDAwMDAwMDAwMDAx.Gother.key-number-%d-of-the-right-length", n)
	}
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "discord_token"), []byte(other(3)+"\n"), 0o440); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(other(4)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inFile := "discord: {token_file: " + file + "}"
	for _, c := range []struct {
		rule     string
		text     string
		env      map[string]string
		want     string
		warnings int
	}{
		{"the environment goes first", inFile, map[string]string{"DISCORD_TOKEN": other(1), "DISCORD_BOT_TOKEN": other(2), "CREDENTIALS_DIRECTORY": credentials}, other(1), 3},
		{"either variable will do", inFile, map[string]string{"DISCORD_BOT_TOKEN": other(2)}, other(2), 1},
		{"a credential goes before the file", inFile, map[string]string{"CREDENTIALS_DIRECTORY": credentials}, other(3), 1},
		{"a file will do", inFile, nil, other(4), 0},
		{"the token may stand in the configuration", "discord: {token: \"" + other(5) + "\"}", nil, other(5), 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			cfg := mustLoad(t, c.text, c.env)
			if got := cfg.Discord.Token.Reveal(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(cfg.Warnings) != c.warnings {
				t.Errorf("got warnings %q, want %d", cfg.Warnings, c.warnings)
			}
			for _, part := range []string{c.want, strings.SplitN(c.want, ".", 2)[1], strings.Split(c.want, ".")[2]} {
				if !slices.Contains(cfg.Secrets(), part) {
					t.Error("Secrets lacks a part of the token that is a secret by itself")
				}
			}
			if strings.Contains(strings.Join(cfg.Warnings, " "), "key-number") {
				t.Error("a warning shows the token")
			}
		})
	}
}

func TestTheTokenIsTheFirstThatIsThere(t *testing.T) {
	other := func(n int) string { return fmt.Sprintf("%d:AAFanother-token-of-the-right-length", n) }
	credentials := t.TempDir()
	if err := os.WriteFile(filepath.Join(credentials, "telegram_token"), []byte(other(2)+"\n"), 0o440); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("  "+other(3)+" \n\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inFile, inline := "telegram: {token_file: "+file+"}", "telegram: {token: \""+other(4)+"\"}"
	for _, c := range []struct {
		rule     string
		text     string
		env      map[string]string
		want     string
		warnings int
	}{
		{"the environment goes first", inFile, map[string]string{telegramEnv: other(1), "CREDENTIALS_DIRECTORY": credentials}, other(1), 2},
		{"a credential goes before the file", inFile, map[string]string{"CREDENTIALS_DIRECTORY": credentials}, other(2), 1},
		{"the file's blanks are trimmed", inFile, nil, other(3), 0},
		{"the token may stand in the configuration", inline, nil, other(4), 0},
		{"the same token twice is no reason to warn", inFile, map[string]string{telegramEnv: other(3)}, other(3), 0},
		{"a folder of credentials without ours is no credential", "", map[string]string{"CREDENTIALS_DIRECTORY": t.TempDir()}, "", 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			cfg := mustLoad(t, c.text, c.env)
			if got := cfg.Telegram.Token.Reveal(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if len(cfg.Warnings) != c.warnings {
				t.Errorf("got warnings %q, want %d", cfg.Warnings, c.warnings)
			}
			if c.want != "" && !slices.Contains(cfg.Secrets(), strings.Split(c.want, ":")[1]) {
				t.Errorf("Secrets lacks the token's secret part: %d secrets", len(cfg.Secrets()))
			}
			if strings.Contains(strings.Join(cfg.Warnings, " "), "AAF") {
				t.Error("a warning shows the token")
			}
		})
	}
}

func TestATokenThatOthersMayReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, mode os.FileMode, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ rule, path, want string }{
		{"by everybody", put("a", 0o644, token), "others may read " + dir + "/a; run: chmod 600 " + dir + "/a"},
		{"by the group", put("b", 0o640, token), "chmod 600"},
		{"an empty file is no token", put("c", 0o600, "\n"), "is empty"},
		{"a folder is no token", dir, "is not a regular file"},
		{"a device is not read", "/dev/zero", "is not a regular file"},
		{"a missing file is named", dir + "/none", "there is no file " + dir + "/none"},
		{"a placeholder is no token", put("d", 0o600, "PASTE HERE"), "is not a token"},
		{"a long file is no token", put("e", 0o600, strings.Repeat("x", 5000)), "longer than 4KiB"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, err := loadText(t, "telegram:\n  token_file: "+c.path+"\n", nil)
			if err == nil || !strings.Contains(err.Error(), "config.yaml:2:15: telegram.token_file: ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one at 2:15 with %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Error("the error shows the token")
			}
		})
	}
}

func TestATokenInAFileThatOthersMayReadIsWarnedOf(t *testing.T) {
	path := write(t, "telegram: {token: \""+token+"\"}", 0o644)
	cfg, err := load(Options{File: path, Env: environ(nil), Unsetenv: ignore}, plainMachine())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) != 1 || !strings.Contains(cfg.Warnings[0], "chmod 600 "+path) {
		t.Errorf("got warnings %q", cfg.Warnings)
	}
}

func TestAnUnencryptedServerElsewhereIsWarnedOf(t *testing.T) {
	for url, warnings := range map[string]int{
		"http://localhost:8081": 0, "http://127.0.0.1:1/": 0, "http://[::1]:1": 0,
		"https://bots.example.org": 0, "http://bots.example.org": 1,
	} {
		cfg := mustLoad(t, "telegram: {api_url: \""+url+"\"}", nil)
		if len(cfg.Warnings) != warnings {
			t.Errorf("%s: got warnings %q, want %d", url, cfg.Warnings, warnings)
		}
		if cfg.Telegram.APIURL != strings.TrimSuffix(url, "/") {
			t.Errorf("%s: got %s", url, cfg.Telegram.APIURL)
		}
	}
}

func TestSecretsAreLeftAloneWhenAskedTo(t *testing.T) {
	path := write(t, "telegram: {token_file: /nonexistent}", 0o600)
	cfg, err := load(Options{File: path, WithoutSecrets: true, Env: environ(nil), Unsetenv: ignore}, plainMachine())
	if err != nil || !cfg.Telegram.Token.IsZero() {
		t.Errorf("got token %v and error %v, want neither", cfg.Telegram.Token, err)
	}
}

func TestTheTokenIsRemovedFromTheEnvironmentEvenOnAnError(t *testing.T) {
	var gone []string
	_, err := load(Options{
		File:     "/nonexistent",
		Env:      environ(map[string]string{telegramEnv: token}),
		Unsetenv: func(name string) error { gone = append(gone, name); return nil },
	}, plainMachine())
	if err == nil || !slices.Equal(gone, TokenVariables()) {
		t.Errorf("got error %v with %q removed", err, gone)
	}
}

// printEnviron is the child of the test below: it shows what is left of its
// environment.
func printEnviron() {
	cfg, err := Load(Options{StateDir: "/tmp"})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	kernel, err := os.ReadFile("/proc/self/environ")
	fmt.Printf("token %t\nkernel %q %v\n", cfg.Telegram.Token.Reveal() == token, kernel, err)
	fmt.Printf("go %q\n", os.Environ())
	out, err := exec.Command("/usr/bin/env").CombinedOutput()
	fmt.Printf("child %q %v\n", out, err)
}

func TestNothingOfTheTokenIsLeftInTheProcessesEnvironment(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe)
	child.Env = []string{"BEFORE=1", "CHAPI_TEST_ENVIRON=1", telegramEnv + "=" + token, "AFTER=2", "HOME=" + t.TempDir()}
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !bytes.Contains(out, []byte("token true\n")) {
		t.Errorf("the token was not read: %s", out)
	}
	if bytes.Contains(out, []byte("AAFake")) {
		t.Errorf("the token is still there: %s", out)
	}
	for _, kept := range []string{`BEFORE=1\x00`, `AFTER=2\x00`} {
		if !bytes.Contains(out, []byte(kept)) {
			t.Errorf("%s was lost: %s", kept, out)
		}
	}
}

func TestASecretShowsNowhere(t *testing.T) {
	cfg := mustLoad(t, "telegram: {token: \""+token+"\"}", nil)
	var text bytes.Buffer
	type unexported struct{ cfg any }
	fmt.Fprintf(&text, "%v %+v %#v\n", unexported{*cfg}, unexported{cfg.Telegram}, unexported{cfg.Telegram})
	fmt.Fprintf(&text, "%v %+v %#v %s %q %x %d\n", *cfg, cfg.Telegram, cfg.Telegram.Token, cfg.Telegram.Token,
		cfg.Telegram.Token, cfg.Telegram.Token, cfg.Telegram.Token)
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "token", cfg.Telegram.Token, "telegram", cfg.Telegram)
	slog.New(slog.NewJSONHandler(&text, nil)).Info("x", "token", cfg.Telegram.Token, "telegram", cfg.Telegram)
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
		out, err := marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(out)
	}
	if got := text.String(); strings.Contains(got, "AAFake") || !strings.Contains(got, hidden) {
		t.Errorf("the token shows:\n%s", got)
	}
	if !cfg.Telegram.Token.Equal(NewSecret(token)) {
		t.Error("the token is not itself")
	}
}

func TestDurationsAndSizes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "90s": 90 * time.Second, "7d": 7 * day, "1w": 7 * day, "1w2d12h": 9*day + 12*time.Hour, "1d0.5h": day + 30*time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q): got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "7", "-1d", "1d-1h", "+5s", "2d1w", "99999w", "99999w99999d", "106751d24h", "1.5d", "d", "1h1d"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q): got %v, want an error", text, got)
		}
	}
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "64MiB": 64 << 20, "64 MiB": 64 << 20, "1kB": 1000, "1KiB": 1024, "1.5GiB": 3 << 29, "2TB": 2e12,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q): got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "64M", "1e3", "1PiB", "9999999999999TiB", "MiB", "1 2"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q): got %v, want an error", text, got)
		}
	}
	for _, size := range []Size{0, 1, 1000, 1024, 1 << 20, 3 << 29, 1 << 40} {
		if back, err := ParseSize(size.String()); err != nil || back != size {
			t.Errorf("ParseSize(%q): got %v, %v, want %d", size.String(), back, err, size)
		}
	}
}

func TestProgramsInheritOnlyWhatIsAllowed(t *testing.T) {
	cfg := mustLoad(t, `
telegram: {token: "`+token+`"}
sessions: {pass_env: [PATH, LC_*, AWS_*, SEEN], env: [EXTRA=1, LC_TIME=C], dir: /srv, shell: /bin/sh}
`, nil)
	base, err := cfg.Base(bot.User, []string{
		"PATH=/p", "LC_ALL=de", "LC_TIME=de", "AWS_REGION=x", "AWS_SECRET_ACCESS_KEY=y", "OTHER=z",
		"SEEN=a" + token + "b", telegramEnv + "=" + token, "CHAPI_CONFIG=/c", "odd",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := slices.DeleteFunc(base.Env, func(entry string) bool {
		return regexp.MustCompile(`^(HOME|USER|LOGNAME)=.`).MatchString(entry)
	})
	want := []string{"AWS_REGION=x", "EXTRA=1", "LC_ALL=de", "LC_TIME=C", "PATH=/p", "SHELL=/bin/sh"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if base.Dir != "/srv" || base.User != "" {
		t.Errorf("got dir %q and user %q", base.Dir, base.User)
	}
}

func TestProgramsOfAnotherAccountGetItsIdentity(t *testing.T) {
	root, err := user.LookupId("0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default()
	cfg.Sessions.Shell = "/bin/sh"
	cfg.Sessions.RunAs.User = root.Username
	base, err := cfg.Base(bot.User, []string{"HOME=/home/pi", "USER=pi", "XDG_RUNTIME_DIR=/run/user/1000", "LANG=C"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HOME=" + root.HomeDir, "USER=" + root.Username, "LOGNAME=" + root.Username, "LANG=C"} {
		if !slices.Contains(base.Env, want) {
			t.Errorf("%s is missing in %q", want, base.Env)
		}
	}
	if slices.Contains(base.Env, "XDG_RUNTIME_DIR=/run/user/1000") {
		t.Error("the daemon's own runtime folder is passed on")
	}
	if base.User != root.Username || base.Dir != root.HomeDir {
		t.Errorf("got user %q and dir %q", base.User, base.Dir)
	}
	cfg.Sessions.RunAs.Viewer = "nobody-of-this-name"
	if _, err := cfg.Base(bot.Viewer, nil); err == nil {
		t.Error("an account that is not there is no error")
	}
}

func TestOnlyRootRunsProgramsAsAnotherAccount(t *testing.T) {
	const text = "sessions: {run_as: {user: pi}}"
	if _, err := loadText(t, text, nil); err == nil || !strings.Contains(err.Error(), "only root can") {
		t.Errorf("got error %v", err)
	}
	m := plainMachine()
	m.euid = 0
	if _, err := load(Options{File: write(t, text, 0o600), StateDir: "/s", Env: environ(nil), Unsetenv: ignore}, m); err != nil {
		t.Errorf("as root: %v", err)
	}
}
