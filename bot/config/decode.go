package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// decode reads the file's text into cfg, over the defaults that are there, and
// notes every mistake. It walks the tree of nodes itself instead of letting
// the library fill the struct: that gives messages in the words of the file,
// with lines and columns, for all mistakes at once.
func (f *findings) decode(text []byte, cfg *Config) {
	root, err := f.document(text)
	if err != nil {
		f.syntax(text, err)
		return
	}
	switch {
	case root == nil:
	case root.Kind == yaml.SequenceNode || root.Kind == yaml.ScalarNode && root.ShortTag() != "!!null":
		f.add(markOf(root), "want keys and values, got %s", kind(root))
	default:
		f.mapping(root, reflect.ValueOf(cfg).Elem(), "")
	}
}

// document is the root node of the only document; nil when the file is empty.
func (f *findings) document(text []byte) (*yaml.Node, error) {
	// Duplicate keys are found by mapping, which knows both places.
	loader, err := yaml.NewLoader(bytes.NewReader(text), yaml.WithUniqueKeys(false))
	if err != nil {
		return nil, err
	}
	var first, second yaml.Node
	if err := loader.Load(&first); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	switch err := loader.Load(&second); {
	case err == io.EOF:
	case err != nil:
		return nil, err
	default:
		f.add(markOf(&second), "a second document begins here; a configuration has only one")
	}
	return first.Content[0], nil
}

// syntax notes what the library says of text that is not YAML.
func (f *findings) syntax(text []byte, err error) {
	var e *yaml.LoadError
	if !errors.As(err, &e) {
		f.add(mark{}, "not valid YAML: %v", err)
		return
	}
	hint := ""
	if at := e.Mark.Line - 1; at >= 0 {
		lines := bytes.Split(text, []byte("\n"))
		if at < len(lines) && bytes.HasPrefix(bytes.TrimLeft(lines[at], " "), []byte("\t")) {
			hint = "; indent with spaces, not with tabs"
		}
	}
	f.add(mark{e.Mark.Line, e.Mark.Column}, "not valid YAML: %s%s", e.Message, hint)
}

// mapping reads the keys of a mapping into a struct.
func (f *findings) mapping(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case isNull(n):
		return // a heading whose keys are all commented out
	case n.Kind != yaml.MappingNode:
		f.shape(path, "keys and values", n)
		return
	}
	fields := fieldsOf(v.Type())
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := target(key).Value
		if line, again := first[name]; again {
			f.add(markOf(key), "key %s is given twice; first on line %d", show(name), line)
			continue
		}
		first[name] = key.Line
		at, known := fields[name]
		if !known {
			f.add(markOf(key), "unknown key %s%s", show(name), advice(name, v.Type(), path))
			continue
		}
		f.value(value, v.Field(at), v.Type().Field(at).Tag, join(path, name), markOf(key))
	}
}

// value reads the value of one key, whatever its kind is.
func (f *findings) value(n *yaml.Node, v reflect.Value, tag reflect.StructTag, path string, key mark) {
	n = target(n)
	place := markOf(n)
	if isNull(n) {
		place = key // nothing is written there
	}
	f.marks[path] = place
	switch {
	case isMapping(v.Type()):
		f.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		f.list(n, v, path)
	case n.Kind != yaml.ScalarNode:
		f.shape(path, "a single value", n)
	default:
		if err := read(n, v); err != nil {
			f.at(path, "%v", err)
		} else if err := within(v, tag, n.Value); err != nil {
			f.at(path, "%v", err)
		}
	}
}

// list reads a sequence. It takes the place of the default, even when empty.
func (f *findings) list(n *yaml.Node, v reflect.Value, path string) {
	switch {
	case isNull(n):
		return // a heading whose items are all commented out
	case n.Kind != yaml.SequenceNode:
		f.shape(path, "a list (lines that begin with \"- \")", n)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		f.value(item, v.Index(i), "", fmt.Sprintf("%s[%d]", path, i), markOf(item))
	}
}

// target follows an alias (*name) to what it stands for.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isNull reports whether nothing is written there, or null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func markOf(n *yaml.Node) mark { return mark{n.Line, n.Column} }

// kind says what was found where something else was wanted.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	default:
		return show(n.Value)
	}
}

// isMapping reports whether values of the type are written as keys and values.
func isMapping(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[Secret]()
}

// fieldsOf is the position of each key's field in a struct.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			fields[key] = i
		}
	}
	return fields
}

// advice is what the person may have meant by an unknown key of a struct: a
// key of a similar name, or one that belongs elsewhere.
func advice(name string, t reflect.Type, path string) string {
	var here []string
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			here = append(here, key)
		}
	}
	if near := nearest(strings.ToLower(name), here); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	for _, known := range Keys() {
		parent, last, nested := cutLast(known)
		switch {
		case strings.Contains(known, "[]"):
		case last == name && !nested:
			return "; it belongs at the top level"
		case last == name || known == name:
			return fmt.Sprintf("; write %q under %q", last, parent)
		}
	}
	return ""
}

// Keys is every key that a file may have, as paths such as telegram.api_url
// and people[].name, in the order of Config.
func Keys() []string {
	return keysOf(reflect.TypeFor[Config](), "")
}

func keysOf(t reflect.Type, path string) []string {
	var keys []string
	for i := range t.NumField() {
		field := t.Field(i)
		key := field.Tag.Get("yaml")
		if key == "" || key == "-" {
			continue
		}
		key = join(path, key)
		switch {
		case isMapping(field.Type):
			keys = append(keys, keysOf(field.Type, key)...)
		case field.Type.Kind() == reflect.Slice && isMapping(field.Type.Elem()):
			keys = append(keys, keysOf(field.Type.Elem(), key+"[]")...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// cutLast splits a path before its last key.
func cutLast(path string) (parent, last string, nested bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
