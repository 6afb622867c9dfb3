package bot

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// MaxText is the longest message, in bytes, that is looked at. Longer ones are
// answered with an error, not cut.
const MaxText = 64 << 10

// Parser turns text into a command and its arguments, by the declarations.
// It is safe for concurrent use.
type Parser struct {
	commands []Command
	byName   map[string]*Command
	words    func(string) ([]string, error)
}

// NewParser makes a parser for the commands. words splits a line into words as
// a person expects from quotes and backslashes, without a shell; its errors
// are *UserError. A duplicate name panics: it is a mistake in the program.
func NewParser(commands []Command, words func(string) ([]string, error)) *Parser {
	p := &Parser{commands: commands, byName: map[string]*Command{}, words: words}
	for i := range commands {
		c := &commands[i]
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if p.byName[name] != nil {
				panic("command declared twice: " + name)
			}
			p.byName[name] = c
		}
	}
	return p
}

// Commands is every declaration, in order.
func (p *Parser) Commands() []Command { return p.commands }

// Command is the declaration of that name or alias.
func (p *Parser) Command(name string) (Command, bool) {
	c, ok := p.byName[strings.ToLower(name)]
	if !ok {
		return Command{}, false
	}
	return *c, true
}

// Parse reads a line such as "run --dir /tmp ls -l", without a leading slash.
// Errors are *UserError. For an unknown name the command's Name is empty.
func (p *Parser) Parse(line string) (Command, Args, error) {
	if len(line) > MaxText {
		return Command{}, nil, Userf("That is %d kB of text; a command may have %d. Put it into a file on the device.", len(line)>>10, MaxText>>10)
	}
	name, rest := cutWord(line)
	c, known := p.byName[strings.ToLower(name)]
	if !known {
		return Command{}, nil, p.unknown(name)
	}
	if strings.ContainsRune(line, 0) {
		return *c, nil, Userf("The text has a NUL byte in it, which no program can be given.")
	}
	args, err := p.arguments(c, rest)
	if err != nil {
		var said *UserError
		if !errors.As(err, &said) {
			said = Userf("%v", err)
		}
		return *c, nil, &UserError{Text: fmt.Sprintf("/%s: %s", c.Name, said.Text), Err: err}
	}
	return *c, args, nil
}

func (p *Parser) unknown(name string) error {
	var names []string
	for _, c := range p.commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	if len(name) > 40 {
		name = strings.ToValidUTF8(name[:40], "") + "…"
	}
	near := Near(strings.ToLower(name), names)
	for i := range near {
		near[i] = "/" + near[i]
	}
	if len(near) > 0 {
		return Userf("There is no command /%s. Did you mean %s?", name, strings.Join(near, " or "))
	}
	return Userf("There is no command /%s. /help lists them; /run starts a program.", name)
}

// arguments reads what follows the name: flags first, then the others in the
// order of their declaration.
func (p *Parser) arguments(c *Command, rest string) (Args, error) {
	args := Args{}
	rest, err := p.flags(c, args, rest)
	if err != nil {
		return nil, err
	}
	for _, a := range c.Args {
		if a.Flag {
			continue
		}
		if a.Kind == ArgRest {
			if rest != "" {
				args[a.Name] = []string{rest}
			}
			rest = ""
			break
		}
		if a.Kind == ArgWords {
			words, err := p.words(rest)
			if err != nil {
				return nil, err
			}
			if len(words) > 0 {
				args[a.Name] = words
			}
			rest = ""
			break
		}
		word, after, err := p.nextWord(rest)
		if err != nil {
			return nil, err
		}
		if word == "" && after == rest {
			break
		}
		value, err := check(a, word)
		if err != nil {
			return nil, err
		}
		args[a.Name] = []string{value}
		rest = c.trim(after)
	}
	if extra := strings.TrimSpace(rest); extra != "" {
		return nil, Userf("%q is too much here. Usage: /%s", clip(extra, 40), usage(c))
	}
	for _, a := range c.Args {
		if a.Required && !args.Has(a.Name) {
			return nil, Userf("needs %s: %s. For example: /%s", strings.ToUpper(a.Name), a.Summary, example(c))
		}
	}
	return args, nil
}

// flags takes the leading --flags off and returns what is left.
func (p *Parser) flags(c *Command, args Args, rest string) (string, error) {
	for {
		trimmed := strings.TrimLeftFunc(rest, unicode.IsSpace)
		// Phones turn "--" into a dash; before a flag's name it is meant.
		flag := trimmed
		if after, dashed := strings.CutPrefix(trimmed, "—"); dashed {
			flag = "--" + after
		}
		if !strings.HasPrefix(flag, "--") && !isShort(c, flag) {
			return c.trim(rest), nil
		}
		word, after := cutWord(flag)
		if word == "--" {
			return c.trim(after), nil
		}
		name, _, inline := strings.Cut(strings.TrimLeft(word, "-"), "=")
		a, ok := c.flag(name)
		if !ok {
			if !c.hasFlags() {
				return c.trim(rest), nil
			}
			return "", Userf("there is no option --%s. /help %s lists them.", clip(name, 30), c.Name)
		}
		var value string
		switch {
		case a.Kind == ArgSwitch && inline:
			return "", Userf("--%s takes no value", a.Name)
		case a.Kind == ArgSwitch:
			args[a.Name] = []string{"true"}
			rest = after
			continue
		case inline:
			// The value may be quoted and go on behind a blank.
			at := strings.Index(flag, "=") + 1
			var err error
			if value, after, err = p.nextWord(flag[at:]); err != nil {
				return "", err
			}
		default:
			var err error
			if value, after, err = p.nextWord(after); err != nil {
				return "", err
			}
			if value == "" {
				return "", Userf("--%s needs a value", a.Name)
			}
		}
		value, err := check(a, value)
		if err != nil {
			return "", err
		}
		if args.Has(a.Name) && !a.Many {
			return "", Userf("--%s is given twice", a.Name)
		}
		args[a.Name] = append(args[a.Name], value)
		rest = after
	}
}

// trim takes off the one blank that separates the name or a flag from the
// text behind it; where that text is taken exactly, no more than that.
func (c *Command) trim(rest string) string {
	for _, a := range c.Args {
		if a.Kind == ArgRest {
			if rest != "" && (rest[0] == ' ' || rest[0] == '\n' || rest[0] == '\t') {
				return rest[1:]
			}
			return rest
		}
	}
	return strings.TrimSpace(rest)
}

func (c *Command) flag(name string) (Arg, bool) {
	for _, a := range c.Args {
		if a.Flag && a.Name == name {
			return a, true
		}
	}
	return Arg{}, false
}

func (c *Command) hasFlags() bool {
	for _, a := range c.Args {
		if a.Flag {
			return true
		}
	}
	return false
}

// isShort reports whether the text begins with a one-letter flag of c, as in
// "-v". Nothing else with a single dash is a flag: it may be an argument.
func isShort(c *Command, text string) bool {
	word, _ := cutWord(text)
	if len(word) != 2 || word[0] != '-' {
		return false
	}
	_, ok := c.flag(word[1:])
	return ok
}

// nextWord splits one word, with its quotes, off the text.
func (p *Parser) nextWord(text string) (word, rest string, err error) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	var quote rune
	escaped := false
	end := len(text)
	for i, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '\'' || r == '"':
			quote = r
		case unicode.IsSpace(r):
			end = i
		}
		if end == i {
			break
		}
	}
	words, err := p.words(text[:end])
	if err != nil {
		return "", "", err
	}
	if len(words) > 0 {
		word = words[0]
	}
	return word, text[end:], nil
}

var sessionRef = regexp.MustCompile(`^#?[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// check returns the value in its normal form.
func check(a Arg, value string) (string, error) {
	switch a.Kind {
	case ArgInt:
		n, err := strconv.Atoi(value)
		if err != nil || (a.Min != a.Max && (n < a.Min || n > a.Max)) {
			if a.Min != a.Max {
				return "", Userf("%s is a number from %d to %d, not %q", a.Name, a.Min, a.Max, clip(value, 30))
			}
			return "", Userf("%s is a number, not %q", a.Name, clip(value, 30))
		}
		return strconv.Itoa(n), nil
	case ArgDuration:
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return "", Userf("%s is a time such as 90s, 10m or 2h, not %q", a.Name, clip(value, 30))
		}
		return d.String(), nil
	case ArgChoice:
		for _, choice := range a.Choices {
			if strings.EqualFold(choice, value) {
				return choice, nil
			}
		}
		return "", Userf("%s is one of %s, not %q", a.Name, strings.Join(a.Choices, ", "), clip(value, 30))
	case ArgSession:
		if !sessionRef.MatchString(value) {
			return "", Userf("%q is no session. /ps lists them.", clip(value, 30))
		}
		return strings.TrimPrefix(value, "#"), nil
	default:
		return value, nil
	}
}

// usage is the command's arguments in a line.
func usage(c *Command) string {
	parts := []string{c.Name}
	for _, a := range c.Args {
		word := strings.ToUpper(a.Name)
		switch {
		case a.Flag:
			continue
		case a.Kind == ArgWords || a.Kind == ArgRest:
			word += "..."
		case a.Kind == ArgChoice:
			word = strings.Join(a.Choices, "|")
		}
		if !a.Required {
			word = "[" + word + "]"
		}
		parts = append(parts, word)
	}
	return strings.Join(parts, " ")
}

// example is how the command may look: the first of its examples.
func example(c *Command) string {
	if len(c.Examples) == 0 {
		return usage(c)
	}
	return c.Examples[0]
}

// cutWord splits the first blank-delimited word off, without its blanks in
// front; the blank behind it stays with the rest.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	if i := strings.IndexFunc(s, unicode.IsSpace); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// clip shortens s to at most n runes for a message.
func clip(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + "…"
}

// Near returns the names that somebody who typed word may have meant, nearest
// first, at most three.
func Near(word string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, name := range names {
		d := distance(word, name)
		if len(word) >= 2 && strings.HasPrefix(name, word) {
			d = 1
		}
		if d <= max(1, min(len(word), len(name))/3) {
			near = append(near, candidate{name, d})
		}
	}
	sort.SliceStable(near, func(i, j int) bool { return near[i].distance < near[j].distance })
	var found []string
	for _, c := range near[:min(len(near), 3)] {
		found = append(found, c.name)
	}
	return found
}

// distance is how many letters must be changed, added, removed or swapped with
// their neighbour to make b from a.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
