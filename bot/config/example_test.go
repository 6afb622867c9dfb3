package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const exampleFile = "../../config.example.yaml"

// sample finds the lines of the example that may be uncommented: the # is
// followed by a key, or by the indentation of one. Prose has one blank there.
var sample = regexp.MustCompile(`(?m)^( *)#([a-z_]+:|  )`)

// exampleText is the example: as it is, and with its samples uncommented in
// the place of the empty lists above them.
func exampleText(t *testing.T) (plain, full string) {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	full = sample.ReplaceAllString(string(text), "$1$2")
	full = regexp.MustCompile(`(?m)^ *(people|chats|cameras|resources|rules|roles): \[\]\n`).ReplaceAllString(full, "")
	return string(text), full
}

func TestTheExampleHasTheDefaults(t *testing.T) {
	plain, _ := exampleText(t)
	f := newFindings()
	got := Default()
	// A wrong default would not be noticed if the key were not there.
	got.StaleAfter, got.Sessions.PassEnv, got.Telegram.APIURL, got.Discord.APIURL, got.Discord.Upload, got.Discord.Pace.Life = -1, nil, "", "", 1, 1
	f.decode([]byte(plain), &got)
	if err := f.err(); err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.People, want.Chats, want.Cameras, want.Sessions.Env = []Person{}, []Chat{}, []Camera{}, []string{}
	want.Device.Services, want.Battery.Command = []string{}, []string{}
	want.Resources = []Resource{}
	want.Alerts.Rules, want.Alerts.To = []AlertRule{}, []string{}
	want.Discord.Roles = []DiscordRole{}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Config{})); diff != "" {
		t.Errorf("(-default +example)\n%s", diff)
	}
}

func TestTheExampleHasEveryKey(t *testing.T) {
	_, full := exampleText(t)
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(full), &root); err != nil {
		t.Fatal(err)
	}
	got := leaves(root.Content[0], "")
	slices.Sort(got)
	want := Keys()
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("(-struct +example)\n%s", diff)
	}
}

// leaves is the paths of all keys below a node that hold a value.
func leaves(n *yaml.Node, path string) []string {
	switch {
	case n.Kind == yaml.MappingNode:
		var all []string
		for i := 0; i < len(n.Content); i += 2 {
			all = append(all, leaves(n.Content[i+1], join(path, n.Content[i].Value))...)
		}
		return all
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode:
		var all []string
		for _, item := range n.Content {
			all = append(all, leaves(item, path+"[]")...)
		}
		return all
	default:
		return []string{path}
	}
}

func TestTheExamplesSamplesAreValid(t *testing.T) {
	_, full := exampleText(t)
	cfg := mustLoad(t, full, nil)
	if len(cfg.People) == 0 || len(cfg.Chats) == 0 {
		t.Errorf("got %d people and %d chats, want samples", len(cfg.People), len(cfg.Chats))
	}
}

// Every key has words of its own: a comment above it or above its heading.
func TestTheExampleExplainsEveryHeading(t *testing.T) {
	plain, _ := exampleText(t)
	before := ""
	for line := range strings.Lines(plain) {
		key, _, _ := strings.Cut(line, ":")
		if key != "" && key[0] >= 'a' && key[0] <= 'z' && !strings.HasSuffix(line, ":\n") && !strings.HasPrefix(before, "#") {
			t.Errorf("%s is not explained", key)
		}
		before = line
	}
}
