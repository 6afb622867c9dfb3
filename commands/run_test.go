package commands

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chapi/bot"
)

func TestWhatIsStarted(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		rule, line  string
		argv        []string
		title       string
		pty         bool
		interactive bool
	}{
		{"run splits words and uses pipes", `run printf '%s\n' "a b"`, []string{"printf", `%s\n`, "a b"}, `printf '%s\n' 'a b'`, false, false},
		{"flags behind the program are the program's", "run ls --dir -l", []string{"ls", "--dir", "-l"}, "ls --dir -l", false, false},
		{"run can have a terminal", "run --pty top", []string{"top"}, "top", true, false},
		{"sh gives the line to the shell as one argument", `sh --name a echo "$HOME" | wc  -c`, []string{"/bin/sh", "-c", `echo "$HOME" | wc  -c`}, `echo "$HOME" | wc  -c`, false, false},
		{"sh keeps several lines", "sh cd /\nls", []string{"/bin/sh", "-c", "cd /\nls"}, "cd / ls", false, false},
		{"sh can have a terminal", "sh --pty ls", []string{"/bin/sh", "-c", "ls"}, "ls", true, false},
		{"term is a shell in a terminal", "term", []string{"/bin/sh"}, "sh", true, true},
		{"term runs another program", "term python3 -q", []string{"python3", "-q"}, "python3 -q", true, true},
		{"term does without a terminal", "term --no-pty bc", []string{"bc"}, "bc", false, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t = t
			o := w.opened(c.line)
			if !slices.Equal(o.Spec.Argv, c.argv) {
				t.Errorf("argv %q, want %q", o.Spec.Argv, c.argv)
			}
			if o.Title != c.title {
				t.Errorf("title %q, want %q", o.Title, c.title)
			}
			if o.Spec.PTY != c.pty || o.Interactive != c.interactive {
				t.Errorf("pty %t, interactive %t; want %t, %t", o.Spec.PTY, o.Interactive, c.pty, c.interactive)
			}
		})
	}
}

func TestOptionsFillTheTemplate(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	for _, command := range []string{"run", "sh", "term"} {
		o := w.opened(command + " --pty --dir " + dir + ` --env A=1 --env "LANG=de DE" --timeout 90s --cols 100 --rows 30 --name build-2 --quiet make`)
		argv := []string{"make"}
		if command == "sh" {
			argv = []string{"/bin/sh", "-c", "make"}
		}
		want := bot.Opening{
			Title: "make", Name: "build-2", Quiet: true, Interactive: command == "term",
			Spec: bot.Spec{
				Argv: argv, Dir: dir, PTY: true, Size: bot.Size{Cols: 100, Rows: 30}, Timeout: 90 * time.Second,
				Env:  []string{"PATH=/usr/bin:/bin", "HOME=" + w.spec.Dir, "LANG=de DE", "TERM=xterm-256color", "A=1"},
				Nice: 5, User: "pi",
			},
		}
		if diff := cmp.Diff(want, o); diff != "" {
			t.Errorf("/%s (-want +got):\n%s", command, diff)
		}
	}
}

func TestEnvironmentIsComplete(t *testing.T) {
	w := newWorld(t)
	w.do("env LANG=fr TERM=vt100 MINE=x")
	for _, c := range []struct {
		rule, line string
		want       []string
	}{
		{"the chat's variables replace the template's and what the kind of output says", "run ls", []string{"LANG=fr", "TERM=vt100", "MINE=x"}},
		{"options replace the chat's", "run --env LANG=es --env MINE= ls", []string{"LANG=es", "TERM=vt100", "MINE="}},
		{"without a terminal a wished width is told", "run --cols 40 ls", []string{"LANG=fr", "TERM=vt100", "COLUMNS=40", "MINE=x"}},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t = t
			want := append([]string{"PATH=/usr/bin:/bin", "HOME=" + w.spec.Dir}, c.want...)
			if diff := cmp.Diff(want, w.opened(c.line).Spec.Env); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if want := []string{"PATH=/usr/bin:/bin", "HOME=" + w.spec.Dir, "LANG=C"}; !slices.Equal(w.spec.Env, want) {
		t.Errorf("the template was changed: %q", w.spec.Env)
	}
	w.thread.Chat = "-200"
	if env := w.opened("run ls").Spec.Env; !slices.Contains(env, "TERM=dumb") || slices.Contains(env, "MINE=x") {
		t.Errorf("another chat got %q", env)
	}
	if env := w.opened("term").Spec.Env; lookup(env, "TERM") != "xterm-256color" || lookup(env, "COLUMNS") != "" {
		// A size in the environment would outlive a resize.
		t.Errorf("a terminal got %q", env)
	}
}

func TestTimeLimitOfTheConfigurationHolds(t *testing.T) {
	w := newWorld(t)
	w.spec.Timeout = time.Hour
	if got := w.opened("run ls").Spec.Timeout; got != time.Hour {
		t.Errorf("without an option: %s", got)
	}
	if got := w.opened("run --timeout 5m ls").Spec.Timeout; got != 5*time.Minute {
		t.Errorf("a shorter one: %s", got)
	}
	if got := w.refused("run --timeout 2h ls"); !strings.Contains(got, "1 h") {
		t.Errorf("a longer one: %q", got)
	}
}

func TestBadOptionsStartNothing(t *testing.T) {
	w := newWorld(t)
	w.settings[[2]string{w.thread.Room().String(), "dir"}] = "/nowhere/at/all"
	file := someFile(t)
	for line, want := range map[string]string{
		"run --name Big ls":             "lower-case",
		"run --name 1a ls":              "lower-case",
		"run --name a.b ls":             "lower-case",
		"run --pty --no-pty ls":         "exclude",
		"run --dir /nowhere ls":         "no folder /nowhere",
		"run --dir " + file + " ls":     "not a folder",
		"run ls":                        "/cd ~",
		"run --dir / --env 1A=2 ls":     "name for a variable",
		"run --dir / --env A ls":        "A=value",
		"run --dir / --cols 1 ls":       "2 to 500",
		"run --dir / --timeout soon ls": "90s",
		"run --dir / ''":                "no program",
		"run ls | head":                 "/sh",
		"run":                           "needs ARGV",
		"sh":                            "needs LINE",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: got %q, want %q in it", line, got, want)
		}
	}
	if w.reply != nil && len(w.reply.openings) > 0 {
		t.Errorf("something was started: %+v", w.reply.openings)
	}
}

// someFile is a file that is no folder and no program.
func someFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhyAProgramDoesNotStartIsTold(t *testing.T) {
	w := newWorld(t)
	w.openError = bot.Userf("no such program: pyton3; did you mean python3?")
	if err := w.try("run pyton3", ""); !errors.Is(err, w.openError) {
		t.Errorf("got %v", err)
	}
}

func TestLongTitlesAreCut(t *testing.T) {
	o := newWorld(t).opened("run echo " + strings.Repeat("é", 1000))
	if n := len([]rune(o.Title)); n != maxTitle {
		t.Errorf("the title has %d characters, want %d", n, maxTitle)
	}
}

func TestAgainRepeatsTheLastStart(t *testing.T) {
	w := newWorld(t)
	w.people = nil
	mine := bot.Claim{Account: ann, Thread: w.thread}
	elsewhere, somebody := mine, mine
	elsewhere.Thread.Chat = "-999"
	somebody.Account.User = "8"
	begun := time.Now()
	if got := w.refused("again"); !strings.Contains(got, "nothing here yet") {
		t.Errorf("with nothing to repeat: %q", got)
	}
	w.calls = []bot.Call{
		{ID: 1, Command: "run", Claim: mine, Begun: begun, Args: bot.Args{"argv": {"uptime"}}},
		{ID: 2, Command: "sh", Claim: mine, Begun: begun, Args: bot.Args{"line": {"echo  $X"}, "quiet": {"true"}}},
		{ID: 3, Command: "run", Claim: mine, Args: bot.Args{"argv": {"refused"}}, State: bot.Completed, Outcome: bot.Late},
		{ID: 4, Command: "run", Claim: somebody, Begun: begun, Args: bot.Args{"argv": {"theirs"}}},
		{ID: 5, Command: "term", Claim: elsewhere, Begun: begun},
		{ID: 6, Command: "status", Claim: mine, Begun: begun},
	}
	o := w.opened("again")
	if want := []string{"/bin/sh", "-c", "echo  $X"}; !slices.Equal(o.Spec.Argv, want) || !o.Quiet {
		t.Errorf("got %q quiet=%t, want %q with its options", o.Spec.Argv, o.Quiet, want)
	}
	for _, f := range w.asked {
		if f.Room != w.thread.Room() || f.Account != ann {
			t.Errorf("asked for the calls of %+v", f)
		}
	}
}

func TestFolderOfAChat(t *testing.T) {
	w := newWorld(t)
	home := w.spec.Dir
	if err := os.MkdirAll(filepath.Join(home, "My Files", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ rule, line, want string }{
		{"at first it is the template's", "cd", home},
		{"relative to it, with blanks in quotes", `cd "My Files"`, home + "/My Files"},
		{"relative to what was chosen", "cd sub", home + "/My Files/sub"},
		{"up again", "cd ../..", home},
		{"absolute", "cd /usr/../etc/", "/etc"},
		{"home", "cd ~", home},
		{"below home", "cd '~/My Files'", home + "/My Files"},
		{"it stays", "cd", home + "/My Files"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t = t
			if got := w.do(c.line); !strings.Contains(got, c.want) {
				t.Errorf("/%s answers %q, want %q in it", c.line, got, c.want)
			}
			if got := w.opened("run ls").Spec.Dir; got != c.want {
				t.Errorf("programs start in %q, want %q", got, c.want)
			}
		})
	}
	if got := w.opened("run --dir sub ls").Spec.Dir; got != home+"/My Files/sub" {
		t.Errorf("--dir is relative to the chat's folder, got %q", got)
	}
	file := someFile(t)
	for line, want := range map[string]string{"cd nowhere": "no folder", "cd " + file: "not a folder", "cd " + file + "/x": "not a directory"} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: %q", line, got)
		}
	}
	w.thread.Topic = "another"
	if got := w.opened("run ls").Spec.Dir; got != home+"/My Files" {
		t.Errorf("another topic of the chat starts in %q", got)
	}
	w.thread.Chat = "-200"
	if got := w.opened("run ls").Spec.Dir; got != home {
		t.Errorf("another chat starts in %q", got)
	}
}

func TestVariablesOfAChat(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ rule, line, want string }{
		{"at first there are none", "env", "adds nothing"},
		{"several at once", `env A=1 B="x y" C=a=b`, "A=1\nB=x y\nC=a=b"},
		{"one away and one changed", "env -A B=2", "B=2\nC=a=b"},
		{"they stay", "env", "B=2\nC=a=b"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			w.t = t
			if got := w.do(c.line); !strings.Contains(got, c.want) || strings.Contains(got, "A=1") && strings.HasPrefix(c.want, "B") {
				t.Errorf("/%s answers %q, want %q", c.line, got, c.want)
			}
		})
	}
	for line, want := range map[string]string{
		"env X":     "X=value",
		"env 1=2":   "name for a variable",
		"env X=":    "-X",
		"env -Y":    "not set Y",
		"env N=1 X": "X=value",
		"env BIG=" + strings.Repeat("x", maxValue+1): "8 kB",
	} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%.20s: %q, want %q in it", line, got, want)
		}
	}
	if got := w.do("env"); strings.Contains(got, "N=1") {
		t.Errorf("half of a wrong change was made: %q", got)
	}
	var many []string
	for _, a := range "ABCDEFGHIJ" {
		for _, b := range "ABCDEFGHIJ" {
			many = append(many, string(a)+string(b)+"=1")
		}
	}
	if got := w.refused("env " + strings.Join(many, " ")); !strings.Contains(got, "64 variables") {
		t.Errorf("too many variables: %q", got)
	}
}

func TestShellOfAChat(t *testing.T) {
	w := newWorld(t)
	bin := t.TempDir()
	for name, mode := range map[string]os.FileMode{"mysh": 0o755, "data": 0o644} {
		if err := os.WriteFile(filepath.Join(bin, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	w.spec.Env[0] = "PATH=/nowhere:" + bin
	if got := w.do("shell"); !strings.Contains(got, "/bin/sh") {
		t.Errorf("at first: %q", got)
	}
	w.do("shell mysh")
	if got := w.opened("sh ls").Spec.Argv; !slices.Equal(got, []string{bin + "/mysh", "-c", "ls"}) {
		t.Errorf("/sh starts %q", got)
	}
	if got := w.opened("term"); got.Spec.Argv[0] != bin+"/mysh" || got.Title != "mysh" {
		t.Errorf("/term starts %q as %q", got.Spec.Argv, got.Title)
	}
	for line, want := range map[string]string{"shell data": "PATH", "shell nosuch": "PATH", "shell " + bin: "no program", "shell " + bin + "/data": "no program"} {
		if got := w.refused(line); !strings.Contains(got, want) {
			t.Errorf("/%s: %q", line, got)
		}
	}
	if got := w.do("shell default"); !strings.Contains(got, "/bin/sh") {
		t.Errorf("back to the default: %q", got)
	}
	if got := w.opened("sh ls").Spec.Argv[0]; got != "/bin/sh" {
		t.Errorf("/sh starts %q", got)
	}
}
