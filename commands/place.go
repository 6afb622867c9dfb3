package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"chapi/bot"
)

// The names of a chat's settings. Their scope is the chat's Thread.Room.
const (
	dirSetting   = "dir"   // an absolute folder
	shellSetting = "shell" // an absolute path
	envSettings  = "env/"  // followed by the variable's name: its value
)

// Bounds of a chat's environment.
const (
	maxVariables = 64
	maxValue     = 8 << 10 // bytes
)

// place is where a chat's programs start, and with what.
type place struct {
	scope string // of the chat's settings
	dir   string // absolute
	home  string // absolute: what ~ stands for
	shell string
	// template is what the person's programs start from, own the variables
	// that the chat adds to it, by name.
	template bot.Spec
	own      map[string]string
}

// here is the place of the principal's chat.
func here(ctx context.Context, d Deps, p bot.Principal) (place, error) {
	at := place{scope: p.Thread().Room().String(), template: d.Spec(p), own: map[string]string{}}
	set, err := d.Settings.Settings(ctx, at.scope)
	if err != nil {
		return place{}, fmt.Errorf("read settings of %s: %w", at.scope, err)
	}
	for name, value := range set {
		if variable, ok := strings.CutPrefix(name, envSettings); ok {
			at.own[variable] = value
		}
	}
	at.home = cmp.Or(lookup(at.template.Env, "HOME"), at.template.Dir, "/")
	at.dir = cmp.Or(set[dirSetting], at.template.Dir, at.home)
	at.shell = cmp.Or(set[shellSetting], d.standardShell())
	if at.template.Size, err = likedSize(ctx, d, p, at.template.Size); err != nil {
		return place{}, err
	}
	return at, nil
}

// standardShell is the shell of a chat that has chosen none.
func (d Deps) standardShell() string { return cmp.Or(d.Shell, "/bin/sh") }

// folder is the absolute path of an existing folder, from how a person writes
// it in this place.
func (at place) folder(path string) (string, error) {
	path = at.absolute(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return path, nil
	case err == nil:
		return "", bot.Userf("%s is not a folder. /cd alone shows where this chat is.", path)
	case errors.Is(err, fs.ErrNotExist):
		return "", &bot.UserError{Text: "There is no folder " + path + ". /cd alone shows where this chat is.", Err: err}
	case errors.Is(err, fs.ErrPermission):
		// The account that programs run as may see more than the daemon's.
		return path, nil
	default:
		return "", &bot.UserError{Text: "The folder " + path + " cannot be looked at: " + reason(err) + ".", Err: err}
	}
}

// absolute resolves ~ and relative paths. Links are not followed: ".." goes
// back to where the person came from, as in a shell.
func (at place) absolute(path string) string {
	switch {
	case path == "~":
		return filepath.Clean(at.home)
	case strings.HasPrefix(path, "~/"):
		return filepath.Join(at.home, path[2:])
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	default:
		return filepath.Join(at.dir, path)
	}
}

// program is the absolute path of an executable file, looked up in the PATH of
// this place when it has no slash.
func (at place) program(name string) (string, error) {
	if strings.Contains(name, "/") {
		path := at.absolute(name)
		if executable(path) {
			return path, nil
		}
		return "", bot.Userf("%s is no program. Give the path of one, such as /bin/bash.", path)
	}
	for _, dir := range filepath.SplitList(lookup(at.environment(nil, nil), "PATH")) {
		if path := filepath.Join(dir, name); filepath.IsAbs(path) && executable(path) {
			return path, nil
		}
	}
	return "", bot.Userf("There is no program %s on the PATH. Give its whole path, such as /bin/bash.", name)
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// environment is complete: the template's, then fixed, then the chat's own,
// then given, where later values of a name replace earlier ones.
func (at place) environment(fixed, given []string) []string {
	all := append(slices.Clone(at.template.Env), fixed...)
	for _, name := range slices.Sorted(maps.Keys(at.own)) {
		all = append(all, name+"="+at.own[name])
	}
	all = append(all, given...)
	var env []string
	index := map[string]int{} // of a name in env
	for _, variable := range all {
		name, _, _ := strings.Cut(variable, "=")
		if i, set := index[name]; set {
			env[i] = variable
			continue
		}
		index[name] = len(env)
		env = append(env, variable)
	}
	return env
}

// lookup is a variable's value in an environment, or "".
func lookup(env []string, name string) string {
	for _, variable := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable splits NAME=value and checks the name.
func variable(text string) (name, value string, err error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !variableName.MatchString(name):
		return "", "", bot.Userf("%q is no name for a variable: write NAME=value, with letters, digits and _ in the name.", clip(name, 40))
	case !ok:
		return "", "", bot.Userf("%s has no value: write %s=value.", clip(name, 40), clip(name, 40))
	case len(value) > maxValue:
		return "", "", bot.Userf("The value of %s has %d kB; it may have %d.", clip(name, 40), len(value)>>10, maxValue>>10)
	}
	return name, value, nil
}

// reason is the operating system's word on a path, without the path.
func reason(err error) string {
	var on *fs.PathError
	if errors.As(err, &on) {
		return on.Err.Error()
	}
	return err.Error()
}
