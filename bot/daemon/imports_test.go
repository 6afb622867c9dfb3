package daemon

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Rooms import bot, never each other. What else a room may import of this
// module stands here.
var mayImport = map[string][]string{
	"chapi/bot":                            {}, // the standard library only
	"chapi/bot/render":                     {"chapi/bot", "chapi/bot/render/cast", "chapi/bot/render/clip", "chapi/bot/render/display", "chapi/bot/render/picture", "chapi/bot/render/replay", "chapi/runner/screen"},
	"chapi/bot/render/display":             {"chapi/bot", "chapi/runner/screen"},
	"chapi/bot/render/picture":             {"chapi/bot/render/picture/unifont", "chapi/runner/screen"},
	"chapi/bot/render/picture/unifont":     {},
	"chapi/bot/render/replay":              {"chapi/bot", "chapi/runner/screen"},
	"chapi/bot/render/clip":                {"chapi/bot", "chapi/bot/render/display", "chapi/bot/render/picture", "chapi/bot/render/replay"},
	"chapi/bot/render/cast":                {"chapi/bot", "chapi/bot/render/replay"},
	"chapi/bot/render/rendertest":          {"chapi/runner/screen"},
	"chapi/bot/render/chart":               {"chapi/bot"},
	"chapi/bot/config":                     {"chapi/bot"},
	"chapi/adapters":                       {"chapi/bot", "chapi/adapters/console", "chapi/adapters/discord", "chapi/adapters/telegram"},
	"chapi/adapters/console":               {"chapi/bot"},
	"chapi/adapters/telegram":              {"chapi/bot"},
	"chapi/adapters/discord":               {"chapi/bot"},
	"chapi/adapters/discord/discordtest":   {},
	"chapi/adapters/adaptertest":           {"chapi/bot"},
	"chapi/adapters/telegram/telegramtest": {},
	"chapi/commands/camera":                {"chapi/bot"},
	"chapi/runner":                         {"chapi/bot", "chapi/runner/holder", "chapi/runner/journal", "chapi/runner/screen"},
	"chapi/runner/holder":                  {"chapi/bot", "chapi/runner/journal", "chapi/runner/screen"},
	"chapi/commands":                       {"chapi/bot", "chapi/commands/camera", "chapi/commands/device", "chapi/commands/files", "chapi/commands/gui", "chapi/commands/web"},
	"chapi/commands/device":                {"chapi/bot"},
	"chapi/commands/gui":                   {"chapi/bot", "chapi/commands/camera"},
	"chapi/commands/files":                 {"chapi/bot"},
	"chapi/commands/web":                   {},
	"chapi/runner/journal":                 {"chapi/bot"},
	"chapi/runner/screen":                  {},
	"chapi/storage":                        {"chapi/bot"},
	"chapi/storage/storagetest":            {"chapi/bot"},
}

// introduces are the packages that may import everything.
var introduces = []string{"chapi", "chapi/bot/daemon"}

func TestRoomsImportBotAndNeverEachOther(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", "chapi/...").Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		seen[p.ImportPath] = true
		if slices.Contains(introduces, p.ImportPath) {
			continue
		}
		allowed, known := mayImport[p.ImportPath]
		if !known {
			t.Errorf("%s is a new room: say here what it may import", p.ImportPath)
		}
		for _, i := range p.Imports {
			ours := i == "chapi" || strings.HasPrefix(i, "chapi/")
			if ours && !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s, which is another room's business", p.ImportPath, i)
			}
			if first, _, _ := strings.Cut(i, "/"); p.ImportPath == "chapi/bot" && strings.Contains(first, ".") {
				t.Errorf("%s imports %s; it may use the standard library only", p.ImportPath, i)
			}
		}
	}
	for room := range mayImport {
		if !seen[room] {
			t.Errorf("%s is gone: take it off this list", room)
		}
	}
}
