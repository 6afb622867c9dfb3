package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// maxShown is how many problems are spelled out at once.
const maxShown = 20

// Problem is one mistake in the configuration.
type Problem struct {
	// File, Line and Column say where; Line is 0 when there is no place.
	File         string
	Line, Column int
	// Text names the key and says what is wrong. It holds no secret.
	Text string
}

func (p Problem) String() string {
	switch {
	case p.File == "":
		return p.Text
	case p.Line == 0:
		return p.File + ": " + p.Text
	default:
		return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
	}
}

// Problems is the error of a configuration with mistakes: all of them, in the
// order of the file.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, 0, maxShown+1)
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more", len(ps)-maxShown))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// mark is a place in the file.
type mark struct{ line, column int }

// findings gathers problems, and remembers where each key's value stands, so
// that a check made later can still point at it.
type findings struct {
	file  string
	marks map[string]mark // by path, such as people[0].telegram
	wrong map[string]bool // paths whose value has the wrong shape
	found Problems
}

func newFindings() findings {
	return findings{marks: map[string]mark{}, wrong: map[string]bool{}}
}

// add notes a problem at a place.
func (f *findings) add(m mark, format string, a ...any) {
	f.found = append(f.found, Problem{File: f.file, Line: m.line, Column: m.column, Text: fmt.Sprintf(format, a...)})
}

// at notes a problem with the value of a key. A key that is not in the file is
// pointed at by the nearest one around it. Of a value that has the wrong shape
// there is nothing more to say.
func (f *findings) at(path, format string, a ...any) {
	var m mark
	for place := path; ; {
		if f.wrong[place] {
			return
		}
		if m == (mark{}) {
			m = f.marks[place]
		}
		parent, _, nested := cutLast(place)
		if !nested {
			break
		}
		place = parent
	}
	f.add(m, "%s: %s", path, fmt.Sprintf(format, a...))
}

// shape notes that the value of a key is of the wrong kind altogether.
func (f *findings) shape(path, want string, got *yaml.Node) {
	f.at(path, "want %s, got %s", want, kind(got))
	f.wrong[path] = true
}

// given reports whether the file has the key.
func (f *findings) given(path string) bool {
	_, ok := f.marks[path]
	return ok
}

// err is nil when nothing was found.
func (f *findings) err() error {
	if len(f.found) == 0 {
		return nil
	}
	slices.SortStableFunc(f.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return f.found
}
