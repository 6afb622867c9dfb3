package commands

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"chapi/commands/files"
)

// Runner runs files of some languages.
type Runner struct {
	Name      string   // such as "python3"
	Languages []string // as a block of code names them; Name is one too
	Suffixes  []string // of file names, such as ".py"
	// Argv is the program and its arguments; {file} in one of them is the file.
	Argv []string
}

// placeholder stands for a file in an argument.
const placeholder = "{file}"

// speaks reports whether the runner is for the language.
func (r Runner) speaks(language string) bool {
	same := func(name string) bool { return strings.EqualFold(name, language) }
	return same(r.Name) || slices.ContainsFunc(r.Languages, same)
}

// program is what runs a file.
func (r Runner) program(p files.Place) program {
	return program{argv: filled(r.Argv, []string{p.Path()}), title: r.Name + " " + p.Name()}
}

// filled puts files in the place of {file}: an argument that is that word
// becomes one for each file, within a longer one it is the first.
func filled(argv, paths []string) []string {
	var out []string
	for _, arg := range argv {
		if arg == placeholder {
			out = append(out, paths...)
			continue
		}
		out = append(out, strings.ReplaceAll(arg, placeholder, paths[0]))
	}
	return out
}

// byLanguage is the runner for a block of code: by the language it names, else
// by its first line.
func byLanguage(runners []Runner, language, code string) (Runner, bool) {
	for _, name := range []string{language, interpreter(code)} {
		i := slices.IndexFunc(runners, func(r Runner) bool { return name != "" && r.speaks(name) })
		if i >= 0 {
			return runners[i], true
		}
	}
	return Runner{}, false
}

// interpreter is the program that a first line such as "#!/usr/bin/env python3"
// names, without its folder; "" when there is none.
func interpreter(code string) string {
	first, _, _ := strings.Cut(code, "\n")
	line, ok := strings.CutPrefix(strings.TrimPrefix(first, "\ufeff"), "#!")
	if !ok {
		return ""
	}
	for _, word := range strings.Fields(line) {
		name := filepath.Base(word)
		if name == "env" || strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
			continue
		}
		return name
	}
	return ""
}

// headSize is how much of a file is read to find its first line, in bytes.
const headSize = 256

// runnerOf is the runner for a file: by its first line, or by its name.
func runnerOf(runners []Runner, p files.Place) (Runner, bool) {
	f, _, err := p.Open()
	if err != nil {
		return Runner{}, false
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, headSize))
	if r, ok := byLanguage(runners, "", string(head)); ok {
		return r, true
	}
	name := strings.ToLower(p.Name())
	i := slices.IndexFunc(runners, func(r Runner) bool {
		return slices.ContainsFunc(r.Suffixes, func(s string) bool { return strings.HasSuffix(name, strings.ToLower(s)) })
	})
	if i < 0 {
		return Runner{}, false
	}
	return runners[i], true
}

// runnerNames lists the runners, for people.
func runnerNames(runners []Runner) string {
	var names []string
	for _, r := range runners {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}
