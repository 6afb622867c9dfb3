package screen

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "keep new recordings of the real programs in testdata")

// golden is a recording that is kept: what a program wrote in each step, and
// what tmux showed then.
type golden struct {
	Output []byte
	Shown  shown
}

// shown is what tmux shows: its state and text, and once more with edges drawn
// behind, for the colours.
type shown struct{ State, Text, Styled string }

// TestScreensOfRealProgramsAreThoseOfTmux runs the programs, feeds what they
// write to tmux too, and compares cell by cell after each step.
func TestScreensOfRealProgramsAreThoseOfTmux(t *testing.T) {
	server := startTmux(t)
	t.Run("programs", func(t *testing.T) {
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				r := record(t, p)
				pane := server.pane(t, p.name)
				s := New(recordCols, recordRows, Options{History: 1000})
				var kept []golden
				var whole []byte
				for i, output := range r.outputs {
					whole = append(whole, output...)
					var want shown
					want.State, want.Text = pane.show(output)
					other := server.pane(t, fmt.Sprint(p.name, i))
					_, want.Styled = other.show(append(bytes.Clone(whole), edges...))
					s.Write(output)
					compare(t, s, i, want)
					kept = append(kept, golden{output, want})
				}
				if *update && !p.unkept && !t.Failed() {
					keep(t, p.name, kept)
				}
			})
		}
	})
}

// TestKeptRecordingsStillLookLikeTmux does the same with what an earlier run
// has kept: other versions of the programs, the same bytes each time.
func TestKeptRecordingsStillLookLikeTmux(t *testing.T) {
	for _, p := range programs {
		if p.unkept {
			continue
		}
		s := New(recordCols, recordRows, Options{History: 1000})
		for i, g := range kept(t, p.name) {
			s.Write(g.Output)
			compare(t, s, i, g.Shown)
		}
	}
}

// compare holds a screen against tmux's after the same bytes.
func compare(t *testing.T, s *Screen, step int, want shown) {
	t.Helper()
	if got := stateOf(s); got != want.State {
		t.Errorf("after step %d:\n%s, tmux has\n%s", step, got, want.State)
	}
	list := differences(s, want.Text, false)
	edged, err := Restore(s.Checkpoint())
	if err != nil {
		t.Fatal(err)
	}
	edged.Write(edges)
	list = append(list, differences(edged, want.Styled, true)...)
	if len(list) > 0 {
		t.Errorf("after step %d %d cells differ:\n%s", step, len(list), strings.Join(list[:min(len(list), 5)], "\n"))
	}
}

func goldenFile(name string) string { return "testdata/" + name + ".json.gz" }

func keep(t *testing.T, name string, list []golden) {
	t.Helper()
	f, err := os.Create(goldenFile(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, _ := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err := json.NewEncoder(z).Encode(list); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// kept reads a recording.
func kept(t testing.TB, name string) []golden {
	t.Helper()
	f, err := os.Open(goldenFile(name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []golden
	if err := json.NewDecoder(z).Decode(&list); err != nil {
		t.Fatalf("%s: %v", goldenFile(name), err)
	}
	return list
}
