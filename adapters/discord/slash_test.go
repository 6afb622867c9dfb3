package discord

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mattn/go-shellwords"
	"pgregory.net/rapid"

	"chapi/bot"
)

var runCommand = bot.Command{
	Name: "run", Summary: "Run a program",
	Args: []bot.Arg{
		{Name: "pty", Flag: true, Kind: bot.ArgSwitch, Summary: "in a terminal"},
		{Name: "dir", Flag: true, Kind: bot.ArgText},
		{Name: "env", Flag: true, Kind: bot.ArgText, Many: true},
		{Name: "timeout", Flag: true, Kind: bot.ArgDuration},
		{Name: "cols", Flag: true, Kind: bot.ArgInt, Min: 1, Max: 500},
		{Name: "argv", Kind: bot.ArgWords, Required: true, Summary: "the program"},
	},
}

var inCommand = bot.Command{Name: "in", Args: []bot.Arg{{Name: "text", Kind: bot.ArgRest, Required: true}}}

var chooseCommand = bot.Command{Name: "people", Args: []bot.Arg{
	{Name: "action", Kind: bot.ArgChoice, Choices: []string{"add", "remove"}},
	{Name: "session", Kind: bot.ArgSession},
	{Name: "all", Flag: true, Kind: bot.ArgSwitch},
}}

func opt(name, value string) option { return option{Name: name, Value: json.RawMessage(value)} }

func TestASlashCommandIsTheLineThatAPersonWouldType(t *testing.T) {
	for _, c := range []struct {
		rule    string
		command bot.Command
		options []option
		want    string
	}{
		{"words stay as they are", runCommand, []option{opt("argv", `"echo \"a  b\" c"`)}, `/run echo "a  b" c`},
		{"flags come first, whatever the order", runCommand, []option{opt("argv", `"ls"`), opt("dir", `"/tmp"`), opt("pty", "true")}, "/run --pty --dir /tmp ls"},
		{"a switch that is off is not there", runCommand, []option{opt("argv", `"ls"`), opt("pty", "false")}, "/run ls"},
		{"a value with blanks is one word", runCommand, []option{opt("argv", `"ls"`), opt("dir", `"/a b/it's"`)}, `/run --dir '/a b/it'\''s' ls`},
		{"a value with a dash in front is a value", runCommand, []option{opt("argv", `"ls"`), opt("env", `"-X"`)}, "/run --env '-X' ls"},
		{"a number is a number", runCommand, []option{opt("argv", `"ls"`), opt("cols", "80")}, "/run --cols 80 ls"},
		{"an argument that looks like a flag is none", runCommand, []option{opt("argv", `"--version"`)}, "/run -- --version"},
		{"text stays exactly as it is", inCommand, []option{opt("text", `"  a 'b  \\n"`)}, `/in   a 'b  \n`},
		{"text that looks like a flag is text", inCommand, []option{opt("text", `"-- x"`)}, "/in -- -- x"},
		{"nothing is nothing", chooseCommand, nil, "/people"},
		{"arguments come in the order of their declaration", chooseCommand, []option{opt("session", `"7"`), opt("action", `"add"`)}, "/people add 7"},
		{"what was not declared is left out", chooseCommand, []option{opt("evil", `"; reboot"`)}, "/people"},
		{"an empty value is an empty word", chooseCommand, []option{opt("action", `""`)}, "/people ''"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := commandLine(c.command, c.options); got != c.want {
				t.Errorf("line %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheCoreReadsASlashCommandAsItWasMeant(t *testing.T) {
	parser := bot.NewParser([]bot.Command{runCommand, inCommand, chooseCommand}, shellwords.Parse)
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.RuneFrom([]rune("ab '\"\\-—$&;|<>()\n`ż=")), 1, 20, -1)
		dir, env, word := value.Draw(t, "dir"), value.Draw(t, "env"), value.Draw(t, "text")
		asJSON := func(s string) string { b, _ := json.Marshal(s); return string(b) }
		line := commandLine(runCommand, []option{opt("argv", `"ls -l"`), opt("dir", asJSON(dir)), opt("env", asJSON(env)), opt("pty", "true")})
		_, args, err := parser.Parse(line[1:])
		if err != nil || args.Text("dir") != dir || args.Text("env") != env || !args.Has("pty") || !slices.Equal(args.List("argv"), []string{"ls", "-l"}) {
			t.Fatalf("line %q: %q, %v", line, args, err)
		}
		line = commandLine(inCommand, []option{opt("text", asJSON(word))})
		if _, args, err = parser.Parse(line[1:]); err != nil || args.Text("text") != word {
			t.Fatalf("line %q: %q, %v; want %q", line, args, err, word)
		}
	})
}

func TestDeclarationsAreWhatTheNetworkTakes(t *testing.T) {
	long := bot.Command{Name: "long", Summary: strings.Repeat("ż", 300)}
	for range 40 {
		long.Args = append(long.Args, bot.Arg{Name: "a" + strings.Repeat("b", len(long.Args)%30), Flag: true, Summary: strings.Repeat("y", 200)})
	}
	got := declare([]bot.Command{runCommand, {Name: "Not-A-Name", Summary: "x"}, chooseCommand, long, {Name: "bare"}}, true)
	if len(got) != 4 {
		t.Fatalf("%d declarations: %+v", len(got), got)
	}
	run := got[0]
	if !run.Options[0].Required || run.Options[0].Name != "argv" || run.Options[1].Required {
		t.Errorf("required options do not come first: %+v", run.Options)
	}
	byName := map[string]slashOption{}
	for _, o := range append(run.Options, got[1].Options...) {
		byName[o.Name] = o
	}
	if o := byName["cols"]; o.Type != optionInteger || *o.Min != 1 || *o.Max != 500 {
		t.Errorf("cols = %+v", o)
	}
	if o := byName["pty"]; o.Type != optionSwitch || o.Autocomplete {
		t.Errorf("pty = %+v", o)
	}
	if o := byName["action"]; len(o.Choices) != 2 || o.Autocomplete {
		t.Errorf("action = %+v", o)
	}
	if o := byName["session"]; !o.Autocomplete {
		t.Errorf("session = %+v", o)
	}
	if o := byName["dir"]; o.Description != "dir" {
		t.Errorf("dir = %+v: a description must not be empty", o)
	}
	if n := utf8.RuneCountInString(got[2].Description); n != maxDescription || len(got[2].Options) > maxOptions {
		t.Errorf("description of %d characters, %d options", n, len(got[2].Options))
	}
	if got[3].Description != "bare" {
		t.Errorf("bare = %+v", got[3])
	}
}

func TestTheSameDeclarationsAreNotPublishedAgain(t *testing.T) {
	want := declare([]bot.Command{runCommand, chooseCommand}, false)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var have []slashCommand
	// What the network adds does not count, nor the order.
	text = []byte(strings.ReplaceAll(string(text), `"type":1`, `"type":1,"id":"5","default_member_permissions":null,"contexts":null,"version":"7"`))
	if err := json.Unmarshal(text, &have); err != nil {
		t.Fatal(err)
	}
	have[0], have[1] = have[1], have[0]
	if !sameCommands(have, want) {
		t.Errorf("have %+v, want %+v", have, want)
	}
	have[0].Description = "something else"
	if sameCommands(have, want) {
		t.Error("a change was not noticed")
	}
}
