package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tokenOf says where the token of a network may be, and what one looks like.
type tokenOf struct {
	section string // its section of the file
	// env are the variables that may hold it, credential the name of the
	// systemd credential.
	env        []string
	credential string
	// form is a whole token; its groups are the parts that are secrets by
	// themselves.
	form *regexp.Regexp
	like string // what to look for, in words
}

// tokens are the networks that need one. Telegram's is a bot's number and its
// secret (core.telegram.org/bots/api, "Authorizing your bot"), Discord's the
// bot's number in base64, a time and a key. The lengths are not published.
var tokens = []tokenOf{
	{
		section:    "telegram",
		env:        []string{"TELEGRAM_BOT_TOKEN"},
		credential: "telegram_token",
		form:       regexp.MustCompile(`^[0-9]{1,20}:([A-Za-z0-9_-]+)$`),
		like:       "is not a token; BotFather's look like 123456789:AAF...",
	},
	{
		section:    "discord",
		env:        []string{"DISCORD_TOKEN", "DISCORD_BOT_TOKEN"},
		credential: "discord_token",
		form:       regexp.MustCompile(`^[A-Za-z0-9_-]{20,40}\.([A-Za-z0-9_-]{4,12}\.([A-Za-z0-9_-]{25,80}))$`),
		like:       "is not a bot's token; the Bot page of the developer portal shows one, with two dots in it",
	},
}

// TokenVariables are the variables of the environment that may hold a token,
// for those that must take them out of it or put them back.
func TokenVariables() []string {
	var names []string
	for _, t := range tokens {
		names = append(names, t.env...)
	}
	return names
}

// maxSecret is the most bytes of a file with a secret.
const maxSecret = 4 << 10

// minSecret is the fewest characters that are a secret by themselves: hiding
// shorter texts would only blot the output of programs.
const minSecret = 8

// candidate is a secret and the place that it comes from.
type candidate struct {
	place string
	token Secret
}

// takeEnv takes the tokens out of the environment, by section of the file.
func (l *loader) takeEnv() (map[string][]candidate, error) {
	all := map[string][]candidate{}
	for _, t := range tokens {
		for _, name := range t.env {
			// A copy: the variable's own memory is about to be overwritten.
			token := NewSecret(strings.TrimSpace(strings.Clone(l.Env(name))))
			if err := l.Unsetenv(name); err != nil {
				return nil, fmt.Errorf("remove %s from the environment: %w", name, err)
			}
			all[t.section] = append(all[t.section], candidate{"environment variable " + name, token})
		}
	}
	return all, nil
}

// resolveSecrets finds the tokens that are in use and notes all that were seen.
func (l *loader) resolveSecrets(fromEnv map[string][]candidate) {
	l.resolve(tokens[0], &l.cfg.Telegram.Token, &l.cfg.Telegram.TokenFile, fromEnv["telegram"])
	l.resolve(tokens[1], &l.cfg.Discord.Token, &l.cfg.Discord.TokenFile, fromEnv["discord"])
}

// resolve puts the token that is in use into *token, which is the one of the
// file at first.
func (l *loader) resolve(t tokenOf, token *Secret, file *string, fromEnv []candidate) {
	inline := *token
	*file = l.expand(*file)
	*token = Secret{}
	if l.WithoutSecrets {
		return
	}
	if !inline.IsZero() && *file != "" {
		l.at(t.section+".token", "%s.token_file is given too; keep one of the two", t.section)
	}
	used := ""
	for _, s := range append(fromEnv,
		candidate{"systemd credential " + t.credential, l.credential(t.credential)},
		candidate{t.section + ".token_file", l.tokenFile(t.section+".token_file", *file)},
		candidate{t.section + ".token", inline},
	) {
		switch {
		case s.token.IsZero():
			continue
		case used == "":
			*token, used = s.token, s.place
			l.checkToken(t, s)
		case !s.token.Equal(*token):
			l.warn("the token in %s is not used: %s goes before it", s.place, used)
		}
		l.hide(t, s.token)
	}
}

// checkToken notes a token that cannot be one.
func (l *loader) checkToken(t tokenOf, s candidate) {
	if t.form.MatchString(s.token.Reveal()) {
		return
	}
	if strings.HasPrefix(s.place, t.section+".") {
		l.at(s.place, "%s", t.like)
		return
	}
	l.found = append(l.found, Problem{Text: s.place + ": " + t.like})
}

// hide adds a secret to those that must never leave the process, and its parts
// that are secrets by themselves.
func (l *loader) hide(t tokenOf, token Secret) {
	all := []Secret{token}
	if parts := t.form.FindStringSubmatch(token.Reveal()); parts != nil {
		for _, part := range parts[1:] {
			if len(part) >= minSecret {
				all = append(all, NewSecret(part))
			}
		}
	}
	for _, s := range all {
		if !slices.ContainsFunc(l.cfg.secrets, s.Equal) {
			l.cfg.secrets = append(l.cfg.secrets, s)
		}
	}
}

// credential reads a token that systemd hands over (systemd.exec(5),
// LoadCredential=). Its access is systemd's business.
func (l *loader) credential(name string) Secret {
	dir := l.Env("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return Secret{}
	}
	text, _, err := slurp(filepath.Join(dir, name), maxSecret)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.found = append(l.found, Problem{Text: fmt.Sprintf("systemd credential: %v", err)})
		}
		return Secret{}
	}
	return NewSecret(strings.TrimSpace(string(text)))
}

// tokenFile reads the file with the token. One that others may read is
// refused: the token has to be taken as stolen.
func (l *loader) tokenFile(key, path string) Secret {
	if path == "" {
		return Secret{}
	}
	// Looked at before it is opened: opening a pipe would block.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		l.at(key, "%s is not a regular file", path)
		return Secret{}
	}
	text, mode, err := slurp(path, maxSecret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.at(key, "there is no file %s", path)
		return Secret{}
	case err != nil:
		l.at(key, "%v", err)
		return Secret{}
	case mode&0o077 != 0:
		l.at(key, "others may read %s; run: chmod 600 %s", path, path)
	case len(bytes.TrimSpace(text)) == 0:
		l.at(key, "%s is empty", path)
	}
	return NewSecret(strings.TrimSpace(string(text)))
}

// forget removes a variable from the environment: from what Go hands to
// children, and from the memory that /proc/<pid>/environ shows to every
// process of the same account. The latter is best effort, as not every system
// lets a process write there.
func forget(name string) error {
	if err := os.Unsetenv(name); err != nil {
		return err
	}
	environ, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		return nil
	}
	start, ok := environStart()
	if !ok {
		return nil
	}
	memory, err := os.OpenFile("/proc/self/mem", os.O_WRONLY, 0)
	if err != nil {
		return nil
	}
	defer memory.Close()
	at := 0
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if value, found := bytes.CutPrefix(entry, []byte(name+"=")); found {
			offset := start + int64(at+len(name)+1)
			_, _ = memory.WriteAt(bytes.Repeat([]byte{0}, len(value)), offset)
		}
		at += len(entry) + 1
	}
	return nil
}

// environStart is the address of the process's first environment, field 50 of
// /proc/self/stat (proc_pid_stat(5)). ok is false when the kernel hides it.
func environStart() (address int64, ok bool) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0, false
	}
	// The second field is the program's name in parentheses, which may itself
	// hold blanks and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const envStart = 50 - 3 // the first field here is the third
	if len(fields) <= envStart {
		return 0, false
	}
	a, err := strconv.ParseUint(fields[envStart], 10, 63)
	return int64(a), err == nil && a != 0
}
