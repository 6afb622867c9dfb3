package bot

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAThreadIsReadBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Thread{
			Adapter: rapid.String().Draw(t, "adapter"),
			Chat:    ChatID(rapid.String().Draw(t, "chat")),
			Topic:   TopicID(rapid.String().Draw(t, "topic")),
		}
		got, err := ParseThread(want.String())
		if err != nil || got != want {
			t.Fatalf("%q: got %#v, %v; want %#v", want.String(), got, err, want)
		}
	})
}

func TestAButtonsDataIsReadBackAndFitsTelegram(t *testing.T) {
	k := Keyboard{Handle: NewHandle()}
	data := k.Data(12, 7)
	if len(data) > 64 {
		t.Errorf("data %q has %d bytes; callback_data takes 64", data, len(data))
	}
	handle, row, column, ok := ParseData(data)
	if !ok || handle != k.Handle || row != 12 || column != 7 {
		t.Errorf("got %q %d %d %v", handle, row, column, ok)
	}
	for _, junk := range []string{"", ":", "x", "x:", "x:1", "x:1.", "x:-1.0", "x:a.b", ":1.1", strings.Repeat("x", 65) + ":1.1"} {
		if _, _, _, ok := ParseData(junk); ok {
			t.Errorf("ParseData(%q) took it", junk)
		}
	}
}

func TestHandlesAreNotRepeated(t *testing.T) {
	seen := map[string]bool{}
	for range 10000 {
		h := NewHandle()
		if seen[h] {
			t.Fatal("a handle came twice")
		}
		seen[h] = true
	}
}

func TestRolesIncludeTheOnesBefore(t *testing.T) {
	for have := Nobody; have <= Owner; have++ {
		for need := Nobody; need <= Owner; need++ {
			want := need > Nobody && have >= need
			if got := (Principal{role: have}).May(need); got != want {
				t.Errorf("%s may %s: got %v, want %v", have, need, got, want)
			}
		}
	}
	if _, err := ParseRole("nobody"); err == nil {
		t.Error("the role nobody can be given")
	}
}
