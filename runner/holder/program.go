package holder

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"chapi/bot"
)

// program is a bot.Spec that has been looked at: everything that can be told
// about it without starting it is in order.
type program struct {
	bot.Spec
	path string
	as   *syscall.Credential // nil for the daemon's own account
}

// defaultPath is searched when the environment has no PATH.
const defaultPath = "/usr/local/bin:/usr/bin:/bin"

// load looks at spec. The error is a *bot.StartError.
func load(spec bot.Spec) (*program, error) {
	if len(spec.Argv) == 0 || spec.Argv[0] == "" {
		return nil, unusable(nil, "there is no program to run")
	}
	for _, s := range slices.Concat(spec.Argv, spec.Env, []string{spec.Dir}) {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, unusable(nil, "a program cannot be given a NUL byte")
		}
	}
	if err := checkFolder(spec.Dir); err != nil {
		return nil, err
	}
	p := &program{Spec: spec}
	var err error
	if p.as, err = account(spec.User); err != nil {
		return nil, err
	}
	if p.path, err = p.find(); err != nil {
		return nil, err
	}
	return p, nil
}

func unusable(err error, format string, a ...any) *bot.StartError {
	return &bot.StartError{Text: fmt.Sprintf(format, a...), Err: err}
}

func checkFolder(dir string) error {
	if !filepath.IsAbs(dir) {
		return unusable(nil, "the working folder %q is not an absolute path", dir)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unusable(err, "no such folder: %s", dir)
	case err != nil:
		return unusable(err, "cannot use the folder %s: %s", dir, reason(err))
	case !info.IsDir():
		return unusable(nil, "not a folder: %s", dir)
	}
	return nil
}

// account is the credential of a user with all its groups; nil when that is
// who we are.
func account(name string) (*syscall.Credential, error) {
	if name == "" {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, unusable(err, "no such user: %s", name)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, unusable(err, "no such user: %s", name)
	}
	if int(uid) == os.Getuid() {
		return nil, nil
	}
	if os.Geteuid() != 0 {
		return nil, unusable(nil, "cannot run as %s: that takes a service that runs as root", name)
	}
	c := &syscall.Credential{Uid: uint32(uid)}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, unusable(err, "no such group of user %s: %s", name, u.Gid)
	}
	c.Gid = uint32(gid)
	groups, err := u.GroupIds()
	if err != nil {
		return nil, unusable(err, "cannot tell the groups of user %s", name)
	}
	for _, g := range groups {
		if id, err := strconv.ParseUint(g, 10, 32); err == nil {
			c.Groups = append(c.Groups, uint32(id))
		}
	}
	return c, nil
}

// find looks the program up as a shell would: in the PATH of the session's own
// environment, unless the name is a path.
func (p *program) find() (string, error) {
	name := p.Argv[0]
	if strings.Contains(name, "/") {
		path := within(p.Dir, name)
		return path, checkProgram(path, name)
	}
	var seen error
	for _, dir := range searched(p.Spec) {
		if p.as != nil && !enters(p.as, dir) {
			continue
		}
		path := filepath.Join(dir, name)
		err := checkProgram(path, name)
		if err == nil {
			return path, nil
		}
		if seen != nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if _, statErr := os.Stat(path); statErr == nil {
			seen = err
		}
	}
	if seen != nil {
		return "", seen
	}
	return "", noSuchProgram(name, alike(name, searched(p.Spec)))
}

// enters reports whether an account may reach what is in a folder, as its mode
// and that of all above it say. We, who look, may go anywhere.
func enters(as *syscall.Credential, dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return false
		}
		owner := info.Sys().(*syscall.Stat_t)
		bit := fs.FileMode(0o001)
		switch {
		case as.Uid == 0:
			return true
		case owner.Uid == as.Uid:
			bit = 0o100
		case owner.Gid == as.Gid, slices.Contains(as.Groups, owner.Gid):
			bit = 0o010
		}
		if info.Mode().Perm()&bit == 0 {
			return false
		}
		if dir == "/" {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// searched is the folders of PATH. An empty one is the working folder (POSIX,
// Environment Variables, PATH).
func searched(spec bot.Spec) []string {
	path := defaultPath
	for _, v := range spec.Env {
		if p, ok := strings.CutPrefix(v, "PATH="); ok {
			path = p
			break
		}
	}
	dirs := filepath.SplitList(path)
	for i := range dirs {
		dirs[i] = within(spec.Dir, dirs[i])
	}
	return dirs
}

// checkProgram reports as a *bot.StartError why path cannot be run. name is
// what the person called it.
func checkProgram(path, name string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return noSuchProgram(name, nil)
	case err != nil:
		return unusable(err, "cannot run %s: %s", name, reason(err))
	case info.IsDir():
		return unusable(nil, "cannot run %s: it is a folder", name)
	case !info.Mode().IsRegular():
		return unusable(nil, "cannot run %s: it is not a file", name)
	case info.Mode()&0o111 == 0:
		return unusable(nil, "cannot run %s: it is not executable (chmod +x %s)", name, name)
	}
	return nil
}

func noSuchProgram(name string, alike []string) *bot.StartError {
	text := "no such program: " + name
	if len(alike) > 0 {
		text += "; did you mean " + strings.Join(alike, " or ") + "?"
	}
	return unusable(fs.ErrNotExist, "%s", text)
}

// maxNames bounds how many programs are compared, maxAlike how many are named.
const (
	maxNames = 20_000
	maxAlike = 2
)

// alike is the programs whose names are a slip of the finger away, the nearest
// first.
func alike(name string, dirs []string) []string {
	type candidate struct {
		name string
		far  int
	}
	limit := min(2, (len(name)-1)/2)
	var found []candidate
	compared := 0
	for _, dir := range dirs {
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, _ := f.Readdirnames(maxNames - compared + 1)
		f.Close()
		compared += len(names)
		for _, n := range names {
			far := distance(name, n, limit)
			known := slices.ContainsFunc(found, func(c candidate) bool { return c.name == n })
			if far <= limit && !known && checkProgram(filepath.Join(dir, n), n) == nil {
				found = append(found, candidate{n, far})
			}
		}
		if compared > maxNames {
			break
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.far != b.far {
			return a.far - b.far
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, c := range found {
		if len(names) < maxAlike && c.far == found[0].far {
			names = append(names, c.name)
		}
	}
	return names
}

// distance is how many letters have to be put in, left out, changed or swapped
// with their neighbour to make a into b, or more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// refused says why the kernel did not start the program. It only tells a
// number, so what it may have meant is looked up.
func (p *program) refused(err error) *bot.StartError {
	name := p.Argv[0]
	switch err {
	case syscall.E2BIG:
		return unusable(err, "cannot run %s: its arguments and environment are too long", name)
	case syscall.ENOEXEC:
		return unusable(err, "cannot run %s: %s", name, p.notProgram())
	case syscall.ENOENT:
		if interpreter := p.interpreter(); interpreter != "" {
			return unusable(err, "cannot run %s: it wants %s, which is not there", name, interpreter)
		}
		return unusable(err, "cannot run %s: a part of the system that it needs is not there", name)
	case syscall.EACCES, syscall.EPERM:
		if p.as != nil {
			return unusable(err, "no permission for %s to run %s in %s", p.User, name, p.Dir)
		}
		if unix.Access(p.Dir, unix.X_OK) != nil {
			return unusable(err, "no permission to use the folder %s", p.Dir)
		}
		return unusable(err, "no permission to run %s", name)
	case syscall.ETXTBSY:
		return unusable(err, "cannot run %s: it is being written to", name)
	case syscall.EAGAIN:
		return unusable(err, "cannot run %s: there are too many processes", name)
	case syscall.ENOMEM:
		return unusable(err, "cannot run %s: out of memory", name)
	}
	return unusable(err, "cannot run %s: %s", name, reason(err))
}

// notProgram is what is wrong with a file that the kernel cannot run.
func (p *program) notProgram() string {
	head := p.first()
	switch {
	case bytes.HasPrefix(head, []byte("\x7fELF")):
		return "it is made for another kind of machine"
	case bytes.HasPrefix(head, []byte("#!")):
		return "its first line names no program"
	case bytes.IndexByte(head, 0) < 0:
		return "it is a script without a #! line; begin it with #!/bin/sh, or give it to sh"
	}
	return "it is not a program"
}

// interpreter is the program that a script's first line names.
func (p *program) interpreter() string {
	line, ok := bytes.CutPrefix(p.first(), []byte("#!"))
	if !ok {
		return ""
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	if words := strings.Fields(string(line)); len(words) > 0 {
		return words[0]
	}
	return ""
}

// first is the beginning of the file, as much as the kernel looks at
// (execve(2), interpreter scripts).
func (p *program) first() []byte {
	f, err := os.Open(p.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 256)
	n, _ := f.Read(head)
	return head[:n]
}

// reason is the last, plain part of an error of the operating system.
func reason(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}
