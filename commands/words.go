package commands

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-shellwords"

	"chapi/bot"
)

// Words splits a line into words by quotes, backslashes and blanks as a person
// expects from a shell, but no shell has a hand in it: variables, wildcards
// and substitutions stay as they are written. Outside of single quotes \n is a
// line feed, \t a tabulator, and a backslash before anything else vanishes.
// Curly quotes, which phones make of straight ones, count as quotes where they
// open one.
//
// A line that only a shell could obey (";", "|", "&", "<", ">", or a bare
// parenthesis) and one with an open quote is a *bot.UserError that says so. An
// empty line has no words.
func Words(line string) ([]string, error) {
	if !utf8.ValidString(line) {
		// The parser would quietly put U+FFFD in the place of such bytes.
		return nil, bot.Userf("The line has bytes in it that are not UTF-8.")
	}
	line = straighten(line)
	parser := shellwords.NewParser()
	parser.ParseEnv, parser.ParseBacktick, parser.ParseComment = false, false, false
	words, err := parser.Parse(line)
	if err != nil {
		return nil, &bot.UserError{Text: complaint(line), Err: err}
	}
	// The parser stops at what separates commands in a shell, without an
	// error: only Position tells, as a count of characters.
	if at := parser.Position; at >= 0 {
		return nil, shellOnly(operator(line, at))
	}
	if len(words) == 0 {
		return nil, nil
	}
	return words, nil
}

// shellOnly says that a character means something to a shell only.
func shellOnly(what string) *bot.UserError {
	return bot.Userf("There is an unquoted %s, which only a shell obeys. Put it in quotes, or let a shell run the line with /sh.", what)
}

// operator is the character that the parser stopped at. In "2>file" it stops
// at the number already.
func operator(line string, at int) string {
	const operators = ";&|<>"
	for i, r := range []rune(line) {
		if i >= at && strings.ContainsRune(operators, r) {
			return string(r)
		}
	}
	return "operator"
}

// complaint says why the parser could not read the line: it does not itself.
func complaint(line string) string {
	var quote rune
	escaped, dollar := false, false
	for _, r := range line {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote == '(' && r == ')', quote != 0 && quote == r:
			quote = 0
		case quote != 0:
		case r == '"', r == '\'', r == '`':
			quote = r
		case r == '(' && dollar:
			quote = '('
		case r == '(' || r == ')':
			return shellOnly(string(r)).Text
		}
		dollar = r == '$' && quote == 0 && !escaped
	}
	switch {
	case quote == '\'':
		return `The quote ' is not closed. For an apostrophe write \' or put "..." around the word.`
	case quote == '(':
		return "The $( is not closed. Put it in quotes, or let a shell run the line with /sh."
	case quote != 0:
		return "The quote " + string(quote) + " is not closed."
	default:
		return `The line ends in a backslash. Write \\ for one.`
	}
}

// straighten turns curly quotes into straight ones where they open or close a
// quotation. Inside of one that a straight quote opened they are text.
func straighten(line string) string {
	if !strings.ContainsFunc(line, func(r rune) bool { return curly(r) != 0 }) {
		return line
	}
	var out strings.Builder
	var quote rune // as a straight one
	opened := rune(0)
	escaped := false
	for _, r := range line {
		straight := r
		if c := curly(r); c != 0 {
			straight = c
		}
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote == 0 && (straight == '"' || straight == '\'' || straight == '`'):
			quote, opened = straight, r
			r = straight
		case quote != 0 && straight == quote && (r == straight || curly(opened) != 0):
			quote = 0
			r = straight
		}
		out.WriteRune(r)
	}
	return out.String()
}

// curly is the straight quote that a curly one stands for; 0 for anything else.
func curly(r rune) rune {
	switch r {
	case '“', '”', '„', '‟':
		return '"'
	case '‘', '’', '‚', '‛':
		return '\''
	}
	return 0
}

// joined writes words so that Words, or a shell, would read them again. For
// titles.
func joined(words []string) string {
	var out []string
	for _, w := range words {
		plain := w != "" && strings.IndexFunc(w, func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:=,+@%^~", r)
		}) < 0
		if !plain {
			w = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
