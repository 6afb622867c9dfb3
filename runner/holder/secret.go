package holder

import (
	"strings"

	"golang.org/x/sys/unix"
)

// hides reports whether the program asks for something that is not to be seen:
// the terminal reads lines and does not echo them; or it hands on each key, as
// for sudo, which shows an asterisk for it (pwfeedback), and what stands before
// the cursor asks for a secret.
func (s *session) hides() bool {
	t := s.child.modes()
	switch {
	case t == nil || t.Lflag&unix.ECHO != 0:
		return false
	case t.Lflag&unix.ICANON != 0:
		return true
	default:
		return s.display.asksSecret()
	}
}

// asksSecret reports whether what is shown ends with a question for a secret. A
// screen that is late does not tell.
func (d *display) asksSecret() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screen == nil || d.late != nil {
		return false
	}
	line, alternate := d.screen.BeforeCursor()
	return !alternate && isSecretPrompt(line)
}

// secretWords are what secrets are called in prompts.
var secretWords = []string{
	"password", "passwort", "kennwort", "passphrase", "passcode", "mot de passe", "phrase de passe", "contraseña", "contrasenya",
	"senha", "palavra-passe", "wachtwoord", "passord", "lösenord", "adgangskode", "salasana", "hasło", "heslo", "jelszó", "parola",
	"пароль", "密码", "密碼", "パスワード", "암호", "비밀번호",
}

// isSecretPrompt reports whether a line asks for a secret: it names one, ends
// with a colon, perhaps with asterisks for what is typed already, and is not
// what somebody types at a shell.
func isSecretPrompt(line string) bool {
	line = strings.ToLower(strings.TrimRight(line, " *•"))
	if !strings.HasSuffix(line, ":") && !strings.HasSuffix(line, "：") || strings.ContainsAny(line, "$#>%") {
		return false
	}
	for _, word := range secretWords {
		if strings.Contains(line, word) {
			return true
		}
	}
	return false
}
