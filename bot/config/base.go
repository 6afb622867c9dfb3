package config

import (
	"fmt"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"

	"chapi/bot"
)

// Base is what a program starts from, before its chat or call adds to it.
type Base struct {
	// User is the account to run as; empty is the daemon's own.
	User string
	// Dir is the absolute working folder.
	Dir string
	// Env is the whole environment, as NAME=value, sorted by name. It never
	// holds a secret of the daemon.
	Env []string
}

// Base is what the programs of a role start from, when environ (as of
// os.Environ) is the daemon's own environment. Nothing of it is passed on but
// what sessions.pass_env allows. The error is that of an account that is not
// on this machine any more.
func (c *Config) Base(role bot.Role, environ []string) (Base, error) {
	b := Base{User: c.Sessions.RunAs.For(role), Dir: c.Sessions.Dir}
	env := map[string]string{
		"PATH":  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"SHELL": c.Sessions.Shell,
	}
	own, err := user.Current()
	if err == nil {
		identify(env, own)
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if c.passes(name, value) {
			env[name] = value
		}
	}
	if b.User != "" {
		other, err := user.Lookup(b.User)
		if err != nil {
			return Base{}, fmt.Errorf("run as %q: %w", b.User, err)
		}
		identify(env, other)
		// What belongs to the daemon's own login is closed to the other.
		delete(env, "XDG_RUNTIME_DIR")
		delete(env, "DBUS_SESSION_BUS_ADDRESS")
		env["SHELL"] = c.Sessions.Shell
	}
	for _, entry := range c.Sessions.Env {
		name, value, _ := strings.Cut(entry, "=")
		env[name] = value
	}
	if b.Dir == "" {
		b.Dir = env["HOME"]
	}
	if info, err := os.Stat(b.Dir); b.Dir == "" || b.User != "" && (err != nil || !info.IsDir()) {
		b.Dir = "/" // as login(1) does: accounts of services often have no home
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		b.Env = append(b.Env, name+"="+env[name])
	}
	return b, nil
}

// identify sets the variables that say whose program it is.
func identify(env map[string]string, u *user.User) {
	env["HOME"], env["USER"], env["LOGNAME"] = u.HomeDir, u.Username, u.Username
}

// passes reports whether a program may inherit a variable.
func (c *Config) passes(name, value string) bool {
	if secretive(name) || c.holdsSecret(value) {
		return false
	}
	return slices.ContainsFunc(c.Sessions.PassEnv, func(allowed string) bool {
		start, open := strings.CutSuffix(allowed, "*")
		return name == allowed || open && strings.HasPrefix(name, start)
	})
}

// secretive reports whether a variable is the daemon's own, or by its name
// holds a secret. Such a one is never passed on, whatever pass_env says.
func secretive(name string) bool {
	name = strings.ToUpper(name)
	for _, own := range []string{"CHAPI_", "CREDENTIALS_", "NOTIFY_", "LISTEN_", "WATCHDOG_"} {
		if strings.HasPrefix(name, own) {
			return true
		}
	}
	for _, word := range []string{"TOKEN", "SECRET", "PASSW", "CREDENTIAL", "API_KEY", "APIKEY", "PRIVATE_KEY"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
