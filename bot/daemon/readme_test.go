package daemon

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chapi/bot"
	"chapi/commands"
)

// The README is held to what the program really has.

var update = flag.Bool("update", false, "write the README's table of commands anew")

const root = "../.."

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestReadmeTableIsWhatIsDeclared(t *testing.T) {
	const begin, end = "<!-- commands -->\n", "<!-- end of commands -->\n"
	text := readme(t)
	before, rest, opened := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("README.md has no table between %q and %q", begin, end)
	}
	want := before + begin + "\n" + commands.Table(declared()) + "\n" + end + after
	if text == want {
		return
	}
	if !*update {
		t.Fatal("README.md has an old table of commands; run: go test ./bot/daemon -run TestReadmeTable -update")
	}
	if err := os.WriteFile(filepath.Join(root, "README.md"), []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// declared is every command. Their declarations need nothing of what they work
// on.
func declared() []bot.Command { return commands.New(commands.Deps{}) }

func TestReadmeNamesOnlyCommandsThatExist(t *testing.T) {
	// What is said to @BotFather, and a folder.
	known := []string{"newbot", "setprivacy", "revoke", "deletebot", "tmp"}
	for _, c := range declared() {
		known = append(append(known, c.Name), c.Aliases...)
	}
	command := regexp.MustCompile(`^/([a-z]+)(?:$|\s|@)`)
	found := 0
	for _, line := range codeOf(readme(t)) {
		name := command.FindStringSubmatch(line)
		if name == nil {
			continue
		}
		found++
		if !slices.Contains(known, name[1]) {
			t.Errorf("%q: there is no command /%s", line, name[1])
		}
	}
	if found < 30 {
		t.Errorf("only %d commands were found: the pattern does not fit the README any more", found)
	}
}

func TestReadmeNamesOnlySubcommandsAndFlagsThatExist(t *testing.T) {
	found := 0
	for _, line := range codeOf(readme(t)) {
		words, ok := commandLine(line)
		if !ok {
			continue
		}
		found++
		asked, usage := []string{"--help"}, "chapi [command]"
		if len(words) > 0 && !strings.HasPrefix(words[0], "-") {
			asked, usage = []string{words[0], "--help"}, "chapi "+words[0]
		}
		// The help of a subcommand that does not exist is the program's.
		help, err := exec.Command(binary, asked...).CombinedOutput()
		if err != nil || !strings.Contains(string(help), "Usage:\n  "+usage) && !strings.Contains(string(help), "\n  "+usage+"\n") {
			t.Errorf("%q: there is no chapi %s: %s", line, asked[0], help)
			continue
		}
		for _, word := range words {
			name, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(name, "-") && !regexp.MustCompile(regexp.QuoteMeta(name)+`\b`).Match(help) {
				t.Errorf("%q: there is no %s", line, name)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d command lines were found: the pattern does not fit the README any more", found)
	}
}

func TestReadmeLinksToFilesThatExist(t *testing.T) {
	for _, link := range regexp.MustCompile(`\]\(([^)#]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		if strings.Contains(link[1], "://") {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, link[1])); err != nil {
			t.Errorf("%s: %v", link[0], err)
		}
	}
}

// codeOf is what a Markdown text shows as code: each line of the indented
// blocks, and each `span`.
func codeOf(text string) []string {
	var code []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			code = append(code, strings.TrimSpace(line))
			continue
		}
		for i, part := range strings.Split(line, "`") {
			if i%2 == 1 {
				code = append(code, part)
			}
		}
	}
	return code
}

// commandLine is the arguments of a call of chapi in a shell, up to where its
// output goes.
func commandLine(line string) (args []string, ok bool) {
	line, _, _ = strings.Cut(line, " #")
	if _, last, piped := strings.Cut(line, "| "); piped {
		line = last
	}
	words := strings.Fields(line)
	for len(words) > 0 {
		switch {
		case words[0] == "sudo" && len(words) > 2 && words[1] == "-u":
			words = words[3:]
			continue
		case strings.Contains(words[0], "="):
			words = words[1:]
			continue
		}
		break
	}
	switch {
	case len(words) == 0:
		return nil, false
	case slices.Contains([]string{"chapi", "./chapi"}, words[0]):
		words = words[1:]
	case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == ".":
		words = words[3:]
	case strings.HasPrefix(words[0], "--config") || strings.HasPrefix(words[0], "--state"):
		// Alone in a sentence.
	default:
		return nil, false
	}
	if i := slices.Index(words, ">"); i >= 0 {
		words = words[:i]
	}
	return words, true
}
