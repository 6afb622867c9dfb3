package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// Options are what the command line and the environment say. The zero value
// reads the process's own environment.
type Options struct {
	// File is the configuration file. Empty means $CHAPI_CONFIG, else the
	// first that exists of $XDG_CONFIG_HOME/chapi/config.yaml and
	// /etc/chapi/config.yaml; none is fine.
	File string
	// StateDir goes before state_dir and every default.
	StateDir string
	// WithoutSecrets leaves the secrets alone, for commands that do not need
	// them and may not be allowed to read them.
	WithoutSecrets bool
	// Env looks up a variable of the environment; nil is os.Getenv.
	Env func(name string) string
	// Unsetenv removes a variable; nil is the package's own, which also
	// overwrites it in the process's memory.
	Unsetenv func(name string) error
}

// Where things are on the machine.
const (
	systemFile = "/etc/chapi/config.yaml"
	maxFile    = 1 << 20 // bytes of a configuration file
)

// machine is what Load asks the machine about.
type machine struct {
	systemFile string
	euid       int
	hostname   func() (string, error)
	// account looks an account up; an empty name is the process's own.
	account func(name string) (*user.User, error)
}

func thisMachine() machine {
	return machine{
		systemFile: systemFile,
		euid:       os.Geteuid(),
		hostname:   os.Hostname,
		account: func(name string) (*user.User, error) {
			if name == "" {
				return user.Current()
			}
			return user.Lookup(name)
		},
	}
}

// loader is one Load on its way.
type loader struct {
	Options
	machine
	findings
	cfg Config
}

// Load reads the configuration. Mistakes in it are Problems, all of them; a
// file that cannot be read is another error. A file that was named must exist.
func Load(o Options) (*Config, error) { return load(o, thisMachine()) }

func load(o Options, m machine) (*Config, error) {
	l := &loader{Options: o, machine: m, findings: newFindings(), cfg: Default()}
	if l.Env == nil {
		l.Env = os.Getenv
	}
	if l.Unsetenv == nil {
		l.Unsetenv = forget
	}
	// First of all, so that no way out of here leaves the token behind.
	fromEnv, err := l.takeEnv()
	if err != nil {
		return nil, err
	}
	if err := l.readFile(); err != nil {
		return nil, err
	}
	l.resolveSecrets(fromEnv)
	l.check()
	l.fillIn()
	if err := l.err(); err != nil {
		return nil, err
	}
	return &l.cfg, nil
}

// readFile finds, reads and decodes the file. Without one the defaults stay.
func (l *loader) readFile() error {
	path, text, mode, err := l.open()
	if err != nil || path == "" {
		return err
	}
	l.file, l.cfg.File = path, path
	if mode.IsRegular() && mode&0o002 != 0 {
		l.add(mark{}, "anybody on this machine may change it, and so let themselves in; run: chmod o-w %s", path)
	}
	l.decode(text, &l.cfg)
	inline := l.given("telegram.token") && !l.cfg.Telegram.Token.IsZero() || l.given("discord.token") && !l.cfg.Discord.Token.IsZero()
	if inline && mode.IsRegular() && mode&0o077 != 0 {
		l.warn("%s holds a token and others may read it; run: chmod 600 %s", path, path)
	}
	return nil
}

// open is the content of the file that applies; an empty path when none does.
func (l *loader) open() (path string, text []byte, mode fs.FileMode, err error) {
	named := l.File
	if named == "" {
		named = l.Env("CHAPI_CONFIG")
	}
	if named != "" {
		text, mode, err = slurp(named, maxFile)
		if err != nil {
			return "", nil, 0, fmt.Errorf("read configuration: %w", err)
		}
		path, err = filepath.Abs(named)
		return path, text, mode, err
	}
	for _, path := range l.usualFiles() {
		text, mode, err = slurp(path, maxFile)
		switch {
		case err == nil:
			return path, text, mode, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", nil, 0, fmt.Errorf("read configuration: %w", err)
		}
	}
	return "", nil, 0, nil
}

// usualFiles is where a file is looked for that nobody named.
func (l *loader) usualFiles() []string {
	var paths []string
	if dir := l.Env("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		paths = append(paths, filepath.Join(dir, "chapi", "config.yaml"))
	} else if home := l.home(); home != "" {
		paths = append(paths, filepath.Join(home, ".config", "chapi", "config.yaml"))
	}
	return append(paths, l.systemFile)
}

// home is the home folder of the daemon's own account; empty when it has none.
func (l *loader) home() string {
	if home := l.Env("HOME"); filepath.IsAbs(home) {
		return home
	}
	if u, err := l.account(""); err == nil && filepath.IsAbs(u.HomeDir) {
		return u.HomeDir
	}
	return ""
}

// warn notes what a person should know.
func (l *loader) warn(format string, a ...any) {
	l.cfg.Warnings = append(l.cfg.Warnings, fmt.Sprintf(format, a...))
}

// fillIn completes what depends on the machine.
func (l *loader) fillIn() {
	if l.cfg.Device.Name == "" {
		name, err := l.hostname()
		if err != nil || name == "" {
			name = "chapi"
		}
		l.cfg.Device.Name = name
	}
	if l.cfg.Sessions.Shell == "" {
		l.cfg.Sessions.Shell = shell
		if own := l.Env("SHELL"); filepath.IsAbs(own) {
			l.cfg.Sessions.Shell = own
		}
	}
	l.cfg.Sessions.Dir = l.expand(l.cfg.Sessions.Dir)
	l.cfg.StateDir = l.stateDir()
	l.fillInFiles()
}

// fillInFiles makes the folders that chats may reach absolute.
func (l *loader) fillInFiles() {
	f := &l.cfg.Files
	switch home := l.home(); {
	case f.Inbox != "":
		f.Inbox = l.expand(f.Inbox)
	case home != "":
		f.Inbox = filepath.Join(home, "chapi")
	default:
		f.Inbox = filepath.Join(l.cfg.StateDir, "inbox")
	}
	var roots []Root
	for i, r := range f.Roots {
		r.Path = l.expand(r.Path)
		why := ""
		switch {
		case r.Path == "":
			why = "there is no home folder; give an absolute path"
		case isBelow(l.cfg.StateDir, r.Path) && !isBelow(f.Inbox, r.Path):
			// A system account's home is its state folder.
			why = "is in the state folder, which is closed to chats; give another one"
		default:
			roots = append(roots, r)
			continue
		}
		if at := fmt.Sprintf("files.roots[%d].path", i); l.given(at) && r.Path != l.home() {
			l.at(at, "%s", why)
		}
	}
	f.Roots = roots
	if apart := l.cfg.Sessions.RunAs != (RunAs{}); apart && isBelow(l.cfg.StateDir, f.Inbox) {
		l.warn("files.inbox is in the state folder, which the accounts of sessions.run_as cannot enter; give it a folder such as /srv/chapi")
	}
}

// stateDir is the folder for everything that is kept. What belongs to the
// whole machine (systemd's own choice, or a file under /etc) keeps its state
// where a system service does, so that commands typed by hand find it too.
func (l *loader) stateDir() string {
	byOption := l.StateDir
	byService, _, _ := strings.Cut(l.Env("STATE_DIRECTORY"), ":")
	byUser := l.Env("XDG_STATE_HOME")
	switch {
	case byOption != "":
		// As the shell's user means it: from where the command was typed.
		dir, err := filepath.Abs(byOption)
		if err != nil {
			l.add(mark{}, "--state: %v", err)
		}
		return dir
	case l.cfg.StateDir != "":
		return l.expand(l.cfg.StateDir)
	case filepath.IsAbs(byService):
		return filepath.Clean(byService)
	case l.cfg.File == l.systemFile && l.file != "":
		return statedir
	case filepath.IsAbs(byUser):
		return filepath.Join(byUser, "chapi")
	case l.Env("HOME") == "" && l.euid == 0:
		return statedir // a system service without StateDirectory=
	}
	home := l.home()
	if home == "" {
		l.at("state_dir", "there is no home folder to keep it in; give a folder here or with --state")
		return ""
	}
	return filepath.Join(home, ".local", "state", "chapi")
}

// isBelow reports whether a path is a folder or in it.
func isBelow(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}

// expand makes a path of the file absolute: ~/ is the home folder, and other
// relative paths begin at the file's own folder.
func (l *loader) expand(path string) string {
	switch rest, atHome := strings.CutPrefix(path, "~/"); {
	case path == "":
		return ""
	case path == "~":
		return l.home()
	case atHome:
		return filepath.Join(l.home(), rest)
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	default:
		return filepath.Join(filepath.Dir(l.cfg.File), path)
	}
}

// slurp reads a file of at most max bytes, and tells its mode.
func slurp(path string, max int64) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, 0, err
	}
	if int64(len(text)) > max {
		return nil, 0, fmt.Errorf("read %s: longer than %s", path, Size(max))
	}
	return text, info.Mode(), nil
}
