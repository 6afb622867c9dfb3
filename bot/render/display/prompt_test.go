package display_test

import (
	"strings"
	"testing"

	"chapi/bot/render/rendertest"

	"github.com/google/go-cmp/cmp"

	"chapi/bot/render/display"
)

func yes(y, n string) display.Prompt {
	return display.Prompt{Kind: display.YesNo, Choices: []display.Choice{{"Yes", y}, {"No", n}}}
}

func numbered(labels ...string) display.Prompt {
	p := display.Prompt{Kind: display.Menu}
	for _, l := range labels {
		number, _, _ := strings.Cut(l, " ")
		p.Choices = append(p.Choices, display.Choice{l, number})
	}
	return p
}

// The ends of real programs' output.
func TestPromptsOfProgramsAreRecognized(t *testing.T) {
	tests := []struct {
		program, text string
		want          display.Prompt
	}{
		{"apt", "After this operation, 1,024 kB of additional disk space will be used.\nDo you want to continue? [Y/n] ", yes("y", "n")},
		{"rm -i", "rm: remove regular empty file 'x'? ", display.Prompt{}},
		{"ssh", "This key is not known by any other names.\nAre you sure you want to continue connecting (yes/no/[fingerprint])? ", yes("yes", "no")},
		{"terraform", "  Only 'yes' will be accepted to approve.\n\n  Enter a value: ", display.Prompt{}},
		{"apt in German", "Möchten Sie fortfahren? [J/n] ", yes("j", "n")},
		{"apt in French", "Souhaitez-vous continuer ? [O/n] ", yes("o", "n")},
		{"apt in Spanish", "¿Desea continuar? [S/n] ", yes("s", "n")},
		{"apt in Russian", "Хотите продолжить? [Д/н] ", yes("д", "н")},
		{"whole words", "Fortfahren (ja/nein)? ", yes("ja", "nein")},
		{"a ratio", "signal to noise (s/noise) ", display.Prompt{}},
		{"pip uninstall", "Proceed (Y/n)? ", yes("y", "n")},
		{"npm init", "Is this OK? (yes) ", display.Prompt{}},
		{"fsck", "Fix<y>? ", display.Prompt{}},
		{"mkfs", "Proceed anyway? (y,N) ", yes("y", "n")},
		{"git add -p", "Stage this hunk [y,n,q,a,d,e,?]? ", yes("y", "n")},
		{"unzip-like", "replace x? [y]es, [n]o, [A]ll: ", display.Prompt{}},
		{"cp -i of busybox", "Overwrite (yes/no) [no]: ", yes("yes", "no")},
		{"debconf", "Restart services during package upgrades without asking? [yes/no] ", yes("yes", "no")},
		{"a long question over two rows", "Are you really, really sure that you want to overwrite the boot sector of this disk [y/N] ", yes("y", "n")},
		{"an answered question", "Do you want to continue? [Y/n] y\nReading package lists...\n$ ", display.Prompt{}},
		{"update-alternatives", "* 0            /usr/bin/vim.basic   30   auto mode\n  1            /bin/nano            40   manual mode\n\nPress <enter> to keep the current choice[*], or type selection number: ", display.Prompt{Kind: display.AnyKey}},
		{"raspi-config-like", "1. Update\n2. Backup\n3. Restart\n0. Exit\n\nEnter your choice: ", numbered("1 Update", "2 Backup", "3 Restart", "0 Exit")},
		{"a list from 0", "  [0] none\n  [1] one\n  [2] two\n> ", numbered("0 none", "1 one", "2 two")},
		{"a list in text, without a question", "1. First\n2. Second\n3. Third\n\nThat is all.\n\nMore text\n\n\n$ ", display.Prompt{}},
		{"pause", "Press any key to continue . . . ", display.Prompt{Kind: display.AnyKey}},
		{"an installer", "Hit Enter to continue, or Ctrl-C to stop", display.Prompt{Kind: display.AnyKey}},
		{"vim", "\x1b[?1049h\x1b[24;1HPress ENTER or type command to continue", display.Prompt{Kind: display.AnyKey}},
		{"a shell", "pi@raspberry:~ $ ", display.Prompt{}},
		{"nothing", "", display.Prompt{}},
	}
	for _, test := range tests {
		got := display.Waiting(on(80, 24, test.text))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.program, diff)
		}
	}
}

func TestRealProgramsAreRecognized(t *testing.T) {
	long := "seq 1 500 > long; "
	tests := []struct {
		rule       string
		script     string
		ready      string
		keys, then string
		want       display.Prompt
		full       bool
	}{
		{"less with a file's name", long + "less long", "long", "", "", display.Prompt{Kind: display.Pager}, true},
		{"less in the middle", long + "less long", "long", "  ", ":", display.Prompt{Kind: display.Pager}, true},
		{"less at the end", long + "less long", "long", "G", "(END)", display.Prompt{Kind: display.Pager, End: true}, true},
		{"less -M", long + "less -M long", "lines 1", "", "", display.Prompt{Kind: display.Pager}, true},
		{"more", long + "more long", "--More--", "", "", display.Prompt{Kind: display.Pager}, false},
		{"read", "printf 'Delete all? [y/N] '; read a", "[y/N]", "", "", yes("y", "n"), false},
		{"bash's select", "exec bash --norc -c 'PS3=\"Which? \"; select x in red green blue; do :; done'", "Which?", "", "", numbered("1 red", "2 green", "3 blue"), false},
		{"bash's select in columns", "exec bash --norc -c 'select x in alpha beta gamma delta epsilon zeta eta theta iota kappa lambda my ny xi omikron pi rho sigma tau ypsilon phi chi psi; do :; done'", "#?", "", "", display.Prompt{Kind: display.Menu}, false},
		{"vim", "vim -u NONE", "~", "", "", display.Prompt{}, true},
		{"vim that wants a key", "vim -u NONE", "~", ":!true\r", "Press ENTER", display.Prompt{Kind: display.AnyKey}, false},
		{"htop", "htop", "F10Quit", "", "", display.Prompt{}, true},
		{"dialog", "dialog --yesno Sure? 6 30", "No", "", "", display.Prompt{}, true},
		{"a shell", "exec sh -i", "#", "", "", display.Prompt{}, false},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			v := rendertest.Program{
				Cols: 80, Rows: 24, Dir: t.TempDir(), Argv: []string{"sh", "-c", test.script},
				Ready: test.ready, Keys: test.keys, Then: test.then,
			}.Screen(t)
			got := display.Waiting(v)
			if test.want.Kind == display.Menu && test.want.Choices == nil {
				if len(got.Choices) != display.MaxChoices || got.Choices[0].Label != "1 alpha" {
					t.Errorf("got %+v, want 20 entries in columns", got)
				}
				got.Choices = nil
			}
			text, _ := display.Text(v, page, display.Pan{})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\non\n%s", diff, text)
			}
			if full := display.FullScreen(v); full != test.full {
				t.Errorf("full screen is %v, want %v, on\n%s", full, test.full, text)
			}
		})
	}
}
