package bot

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-shellwords"
)

func words(line string) ([]string, error) { return shellwords.NewParser().Parse(line) }

func testParser() *Parser {
	flags := []Arg{
		{Name: "dir", Flag: true}, {Name: "env", Flag: true, Many: true}, {Name: "pty", Flag: true, Kind: ArgSwitch},
		{Name: "timeout", Flag: true, Kind: ArgDuration}, {Name: "cols", Flag: true, Kind: ArgInt, Min: 20, Max: 500},
	}
	with := func(a Arg) []Arg { return append(append([]Arg{}, flags...), a) }
	return NewParser([]Command{
		{Name: "run", Examples: []string{"run uname -a"}, Args: with(Arg{Name: "argv", Kind: ArgWords, Required: true, Summary: "the program"})},
		{Name: "sh", Args: with(Arg{Name: "line", Kind: ArgRest, Required: true})},
		{Name: "in", Args: []Arg{{Name: "text", Kind: ArgRest, Required: true}}},
		{Name: "stop", Args: []Arg{{Name: "id", Kind: ArgSession}}},
		{Name: "status", Aliases: []string{"health"}, Args: []Arg{{Name: "v", Flag: true, Kind: ArgSwitch}}},
		{Name: "people", Args: []Arg{{Name: "what", Kind: ArgChoice, Choices: []string{"add", "remove"}}, {Name: "name"}}},
		{Name: "input", Hidden: true, Args: []Arg{{Name: "text", Kind: ArgRest}}},
	}, words)
}

func TestParse(t *testing.T) {
	p := testParser()
	for _, c := range []struct {
		rule, line, name string
		args             Args
	}{
		{"words are split as a shell would split them", `run echo "a b" c\ d`, "run", Args{"argv": {"echo", "a b", "c d"}}},
		{"flags come before the words", "run --dir /tmp --pty ls --pty", "run", Args{"dir": {"/tmp"}, "pty": {"true"}, "argv": {"ls", "--pty"}}},
		{"a flag's value may be joined with =", `run --dir="/a b" ls`, "run", Args{"dir": {"/a b"}, "argv": {"ls"}}},
		{"a flag's value may be quoted", `run --dir "/a b" ls`, "run", Args{"dir": {"/a b"}, "argv": {"ls"}}},
		{"-- ends the flags", "run -- --weird", "run", Args{"argv": {"--weird"}}},
		{"a single dash belongs to the program", "run -x", "run", Args{"argv": {"-x"}}},
		{"some flags may be repeated", "run --env A=1 --env B=2 x", "run", Args{"env": {"A=1", "B=2"}, "argv": {"x"}}},
		{"a phone's long dash is two dashes", "run —dir /tmp ls", "run", Args{"dir": {"/tmp"}, "argv": {"ls"}}},
		{"a long dash elsewhere stays", "run --dir /tmp echo a—b", "run", Args{"dir": {"/tmp"}, "argv": {"echo", "a—b"}}},
		{"a duration takes its normal form", "run --timeout 90s x", "run", Args{"timeout": {"1m30s"}, "argv": {"x"}}},
		{"the rest is taken exactly", "sh echo 'a'  |  wc -l; ls", "sh", Args{"line": {"echo 'a'  |  wc -l; ls"}}},
		{"leading blanks of the rest survive", "in   two blanks", "in", Args{"text": {"  two blanks"}}},
		{"newlines of the rest survive", "sh for i in 1 2\ndo echo $i\ndone", "sh", Args{"line": {"for i in 1 2\ndo echo $i\ndone"}}},
		{"flags work in front of the rest", "sh --pty echo hi", "sh", Args{"pty": {"true"}, "line": {"echo hi"}}},
		{"a command without flags takes dashes as text", "in --dir", "in", Args{"text": {"--dir"}}},
		{"names are known in any case", "RUN x", "run", Args{"argv": {"x"}}},
		{"an alias is the command", "health", "status", Args{}},
		{"a one-letter flag takes one dash", "status -v", "status", Args{"v": {"true"}}},
		{"a session may have a hash", "stop #12", "stop", Args{"id": {"12"}}},
		{"a session may be left out", "stop", "stop", Args{}},
		{"a choice is known in any case", "people REMOVE bob", "people", Args{"what": {"remove"}, "name": {"bob"}}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, args, err := p.Parse(c.line)
			if err != nil {
				t.Fatalf("parse %q: %v", c.line, err)
			}
			if got.Name != c.name {
				t.Errorf("got command %q, want %q", got.Name, c.name)
			}
			if diff := cmp.Diff(c.args, args); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseErrorsSayWhatToDo(t *testing.T) {
	p := testParser()
	for _, c := range []struct{ rule, line, part string }{
		{"an unknown command gets near names", "rnu x", "Did you mean /run?"},
		{"a hidden command is never suggested", "inptu", "/help lists them"},
		{"an unknown command far from all gets the help", "xyzzy", "/help lists them"},
		{"an unknown flag is named, and where to find the right one", "run --drr x", "no option --drr. /help run lists"},
		{"a missing argument is explained by an example", "run", "needs ARGV: the program. For example: /run uname -a"},
		{"a missing value is named", "run --dir", "--dir needs a value"},
		{"a number out of bounds tells the bounds", "run --cols 7 x", "from 20 to 500"},
		{"a bad duration gets examples", "run --timeout soon x", "such as 90s"},
		{"a flag given twice is an error", "run --dir a --dir b x", "twice"},
		{"a switch takes no value", "run --pty=1 x", "takes no value"},
		{"too much is an error", "stop 1 2", "too much"},
		{"an unclosed quote is an error", `run echo "a`, "/run: "},
		{"a NUL is an error", "run a\x00b", "NUL"},
		{"no session looks like that", "stop ../x", "no session"},
		{"a wrong choice gets the right ones", "people burn", "add, remove"},
		{"too long a text is an error", "sh " + strings.Repeat("x", MaxText), "kB"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			_, _, err := p.Parse(c.line)
			var said *UserError
			if !errors.As(err, &said) {
				t.Fatalf("got %v, want a *UserError", err)
			}
			if !strings.Contains(said.Text, c.part) {
				t.Errorf("got %q, want %q in it", said.Text, c.part)
			}
			if n := len(said.Text); n > 300 {
				t.Errorf("the error has %d bytes, too many for a phone", n)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"run --dir /tmp ls", "sh a | b", "", "—", "run \"", "stop #", "people add x y", "run --env A=1 \\"} {
		f.Add(line)
	}
	p := testParser()
	f.Fuzz(func(t *testing.T, line string) {
		c, args, err := p.Parse(line)
		var said *UserError
		if err != nil && !errors.As(err, &said) {
			t.Fatalf("parse %q: %v is no *UserError", line, err)
		}
		for name := range args {
			found := false
			for _, a := range c.Args {
				found = found || a.Name == name
			}
			if !found {
				t.Fatalf("parse %q: argument %q is not declared", line, name)
			}
		}
	})
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		word string
		want []string
	}{
		{"stauts", []string{"status"}},
		{"st", []string{"stop", "status"}},
		{"zzzz", nil},
	} {
		if diff := cmp.Diff(c.want, Near(c.word, []string{"stop", "status", "run"})); diff != "" {
			t.Errorf("Near(%q) (-want +got):\n%s", c.word, diff)
		}
	}
}
