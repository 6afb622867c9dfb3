package picture

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"chapi/bot/render/rendertest"
)

// pictures is a folder for pictures of real programs, as the documentation has
// them:
//
//	go test ./bot/render/picture -run TestPicturesOfRealPrograms -pictures "$PWD/docs"
var pictures = flag.String("pictures", "", "write the pictures of real programs into this folder")

var programs = map[string]rendertest.Program{
	"htop": {Cols: 80, Rows: 24, Argv: []string{"htop", "-d", "5"}, Ready: "F10Quit"},
	"vim": {Cols: 80, Rows: 24, Argv: []string{"vim", "-n", "-u", "NONE", "-c", "syntax on|set number ruler background=dark laststatus=2", "painter.go"},
		Ready: "package picture", Keys: "/paintRow\r", Then: "/paintRow"},
	"mc": {Cols: 80, Rows: 24, Argv: []string{"mc", "/usr", "/etc"}, Ready: "10Quit"},
	"dialog": {Cols: 80, Rows: 24, Argv: []string{"dialog", "--title", "Backup", "--menu", "What to save tonight?", "15", "50", "4",
		"1", "Home folders", "2", "Databases", "3", "Configuration", "4", "Everything"}, Ready: "Cancel", Keys: "\x1b[B"},
	"ls":   {Cols: 80, Rows: 24, Argv: []string{"ls", "--color=always", "-la", "/etc"}, Ready: "drwx"},
	"nano": {Cols: 80, Rows: 24, Argv: []string{"nano", "-v", "../../../config.example.yaml"}, Ready: "Exit"},
	"less": {Cols: 80, Rows: 24, Argv: []string{"less", "../../../LICENSE"}, Ready: "LICENSE"},
	"tmux": {Cols: 120, Rows: 40, Argv: []string{"tmux", "-f", "/dev/null", "set-option", "-g", "exit-unattached", "on", ";", "new-session", "htop", ";",
		"split-window", "-h", "vim -n -u NONE -c 'syntax on' painter.go", ";", "split-window", "-v", "ls --color=always -l /; exec cat"}, Ready: "F5Tree"},
}

func TestPicturesOfRealPrograms(t *testing.T) {
	for _, tool := range []string{"htop", "vim"} { // that tmux starts
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is not installed: make tools", tool)
		}
	}
	for name, p := range programs {
		t.Run(name, func(t *testing.T) {
			v := p.Screen(t)
			m := NewPainter().Paint(v, Options{Title: true, Name: name})
			if n := countColour(m, foreColour) + countColour(m, sixteen[0]); n < 1000 || n == len(m.Pix) {
				t.Errorf("%d of %d pixels are of a terminal", n, len(m.Pix))
			}
			if *pictures == "" {
				return
			}
			f, err := os.Create(filepath.Join(*pictures, name+".png"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := NewPainter().PNG(f, v, Options{Title: true, Name: name}); err != nil {
				t.Fatal(err)
			}
		})
	}
}
