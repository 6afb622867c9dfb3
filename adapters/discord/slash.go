package discord

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"chapi/bot"
)

// Kinds of options (docs.discord.com/developers/interactions/application-commands).
const (
	optionString  = 3
	optionInteger = 4
	optionSwitch  = 5
)

// Bounds of a declaration.
const (
	maxCommands    = 100
	maxOptions     = 25
	maxChoices     = 25
	maxDescription = 100
	maxChoice      = 100
	maxDeclaration = 8000 // names, descriptions and choices together
)

// commandName is what commands and options may be called.
var commandName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// slashCommand is a declaration in the network's terms. Two are the same if
// they are equal as JSON.
type slashCommand struct {
	Name        string        `json:"name"`
	Description string        `json:"description"`
	Type        int           `json:"type"`
	Options     []slashOption `json:"options,omitempty"`
	// Contexts and Installs are for the commands of private chats only: there
	// with the bot, where it is a member of a common server.
	Contexts []int `json:"contexts,omitempty"`
	Installs []int `json:"integration_types,omitempty"`
}

type slashOption struct {
	Type         int           `json:"type"`
	Name         string        `json:"name"`
	Description  string        `json:"description"`
	Required     bool          `json:"required,omitempty"`
	Choices      []slashChoice `json:"choices,omitempty"`
	Autocomplete bool          `json:"autocomplete,omitempty"`
	Min          *int          `json:"min_value,omitempty"`
	Max          *int          `json:"max_value,omitempty"`
}

type slashChoice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// pairing is the one command that somebody who is not listed needs.
var pairing = bot.Command{
	Name:    "pair",
	Summary: "Let yourself in with the code that the device shows",
	Args:    []bot.Arg{{Name: "code", Summary: "the code", Kind: bot.ArgText, Required: true}},
}

// declare writes commands in the network's terms. What has a name that the
// network does not take is left out. suggests tells whether there is something
// to complete an argument from.
func declare(commands []bot.Command, suggests bool) []slashCommand {
	var out []slashCommand
	for _, c := range commands {
		if !commandName.MatchString(c.Name) || len(out) == maxCommands {
			continue
		}
		out = append(out, declaration(c, suggests))
	}
	return out
}

// declaration is one command. The network wants required options first.
func declaration(c bot.Command, suggests bool) slashCommand {
	out := slashCommand{Name: c.Name, Description: describe(c.Summary, c.Name), Type: 1}
	size := utf8.RuneCountInString(out.Name + out.Description)
	for _, required := range []bool{true, false} {
		for _, a := range c.Args {
			if a.Required != required || !commandName.MatchString(a.Name) || len(out.Options) == maxOptions {
				continue
			}
			o := declareOption(a, suggests)
			if size += o.size(); size > maxDeclaration {
				return out
			}
			out.Options = append(out.Options, o)
		}
	}
	return out
}

func declareOption(a bot.Arg, suggests bool) slashOption {
	o := slashOption{Type: optionString, Name: a.Name, Description: describe(a.Summary, a.Name), Required: a.Required}
	switch a.Kind {
	case bot.ArgInt:
		o.Type = optionInteger
		if a.Min != a.Max {
			o.Min, o.Max = &a.Min, &a.Max
		}
	case bot.ArgSwitch:
		o.Type = optionSwitch
	case bot.ArgChoice:
		if len(a.Choices) <= maxChoices {
			for _, choice := range a.Choices {
				o.Choices = append(o.Choices, slashChoice{cut(choice, maxChoice), cut(choice, maxChoice)})
			}
		}
	case bot.ArgSession, bot.ArgText, bot.ArgWords, bot.ArgRest, bot.ArgDuration:
	}
	o.Autocomplete = suggests && o.Type == optionString && len(o.Choices) == 0 && a.Kind != bot.ArgDuration
	return o
}

func (o slashOption) size() int {
	n := utf8.RuneCountInString(o.Name + o.Description)
	for _, c := range o.Choices {
		n += utf8.RuneCountInString(c.Name + c.Value)
	}
	return n
}

// describe is a description, which must not be empty.
func describe(summary, name string) string {
	if summary = oneLine(summary); summary == "" {
		summary = name
	}
	return cut(summary, maxDescription)
}

// commandLine is the text that a person would have typed for a slash command: flags
// first, quoted where they must be, and then the other arguments in the order
// of their declaration.
func commandLine(c bot.Command, options []option) string {
	given := make(map[string]option, len(options))
	for _, o := range options {
		given[o.Name] = o
	}
	var flags, rest []string
	for _, a := range c.Args {
		o, ok := given[a.Name]
		if !ok {
			continue
		}
		value := o.text()
		switch {
		case a.Kind == bot.ArgSwitch:
			if value == "true" {
				flags = append(flags, "--"+a.Name)
			}
		case a.Flag:
			flags = append(flags, "--"+a.Name+" "+quote(value))
		case a.Kind == bot.ArgRest, a.Kind == bot.ArgWords:
			rest = append(rest, value) // as it is: it has its own quotes
		default:
			rest = append(rest, quote(value))
		}
	}
	words := append([]string{"/" + c.Name}, flags...)
	if len(rest) > 0 && looksLikeFlag(rest[0]) {
		words = append(words, "--") // what follows is no flag
	}
	return strings.Join(append(words, rest...), " ")
}

// looksLikeFlag is true for what the parser could take for one; phones make a
// long dash of two.
func looksLikeFlag(s string) bool {
	s = strings.TrimLeftFunc(s, unicode.IsSpace)
	return strings.HasPrefix(s, "-") || strings.HasPrefix(s, "—")
}

// quote makes a value one word, for the parser as for a shell.
func quote(value string) string {
	plain := value != "" && value[0] != '-' && strings.IndexFunc(value, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,+@%#", r))
	}) < 0
	if plain {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

// suggestion is a text that a person may have meant, cut to what the network
// shows. It cuts nothing that would then mean something else.
func suggestion(s string) (slashChoice, bool) {
	if s == "" || utf8.RuneCountInString(s) > maxChoice {
		return slashChoice{}, false
	}
	return slashChoice{Name: s, Value: s}, true
}

// quoted is a text as JSON.
func quoted(s string) json.RawMessage {
	b, _ := json.Marshal(s) // of a string always succeeds
	return b
}
