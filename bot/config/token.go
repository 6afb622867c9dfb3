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

// tokenEnv is the variable that may hold the token of Telegram.
const tokenEnv = "TELEGRAM_BOT_TOKEN"

// credential is the name of the systemd credential with the token.
const credential = "telegram_token"

// maxSecret is the most bytes of a file with a secret.
const maxSecret = 4 << 10

// minSecret is the fewest characters that are a secret by themselves: hiding
// shorter texts would only blot the output of programs.
const minSecret = 8

// tokenForm is a bot's number and its secret (core.telegram.org/bots/api,
// "Authorizing your bot"). The length of the secret is not published.
var tokenForm = regexp.MustCompile(`^[0-9]{1,20}:([A-Za-z0-9_-]{1,200})$`)

// takeEnv takes the token out of the environment.
func (l *loader) takeEnv() (Secret, error) {
	// A copy: the variable's own memory is about to be overwritten.
	token := NewSecret(strings.TrimSpace(strings.Clone(l.Env(tokenEnv))))
	if err := l.Unsetenv(tokenEnv); err != nil {
		return Secret{}, fmt.Errorf("remove %s from the environment: %w", tokenEnv, err)
	}
	return token, nil
}

// resolveSecrets finds the token that is in use and notes all that were seen.
func (l *loader) resolveSecrets(fromEnv Secret) {
	t := &l.cfg.Telegram
	inline := t.Token
	t.TokenFile = l.expand(t.TokenFile)
	t.Token = Secret{}
	if l.WithoutSecrets {
		return
	}
	if !inline.IsZero() && t.TokenFile != "" {
		l.at("telegram.token", "telegram.token_file is given too; keep one of the two")
	}
	sources := []struct {
		name  string
		token Secret
	}{
		{"environment variable " + tokenEnv, fromEnv},
		{"systemd credential " + credential, l.credential()},
		{"telegram.token_file", l.tokenFile()},
		{"telegram.token", inline},
	}
	used := ""
	for _, s := range sources {
		switch {
		case s.token.IsZero():
			continue
		case used == "":
			t.Token, used = s.token, s.name
			l.checkToken(s.name, s.token)
		case !s.token.Equal(t.Token):
			l.warn("the token in %s is not used: %s goes before it", s.name, used)
		}
		l.hide(s.token)
	}
}

// checkToken notes a token that cannot be one.
func (l *loader) checkToken(source string, token Secret) {
	if tokenForm.MatchString(token.Reveal()) {
		return
	}
	const text = "is not a token; BotFather's look like 123456789:AAF..."
	if strings.HasPrefix(source, "telegram.") {
		l.at(source, text)
		return
	}
	l.found = append(l.found, Problem{Text: fmt.Sprintf("%s: %s", source, text)})
}

// hide adds a secret to those that must never leave the process. The part
// behind the bot's number is a secret by itself.
func (l *loader) hide(token Secret) {
	all := []Secret{token}
	if parts := tokenForm.FindStringSubmatch(token.Reveal()); parts != nil && len(parts[1]) >= minSecret {
		all = append(all, NewSecret(parts[1]))
	}
	for _, s := range all {
		if !slices.ContainsFunc(l.cfg.secrets, s.Equal) {
			l.cfg.secrets = append(l.cfg.secrets, s)
		}
	}
}

// credential reads the token that systemd hands over (systemd.exec(5),
// LoadCredential=). Its access is systemd's business.
func (l *loader) credential() Secret {
	dir := l.Env("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return Secret{}
	}
	text, _, err := slurp(filepath.Join(dir, credential), maxSecret)
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
func (l *loader) tokenFile() Secret {
	const key = "telegram.token_file"
	path := l.cfg.Telegram.TokenFile
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
